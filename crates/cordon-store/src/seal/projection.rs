//! What the columns beside `entry` say of a frame: version 1 of the rules.
//!
//! An entry that is canonical JSON, one object with one member `opened`, `closed` or `unknown`, is projected; any other
//! entry has `null` in every column. Members that these rules do not name are passed over, whatever they hold, so that
//! frames of later versions are projected by the same rules, for ever; a member that they name and that has another form
//! than here makes every column of the frame `null`.
//!
//! | column | `opened` | `closed` | `unknown` |
//! |---|---|---|---|
//! | `call_id` | `call` | `call` | `call` |
//! | `time` | `time` | `time` | `time` |
//! | `principal`, `team`, `system`, `route`, `model` | the same | | |
//! | `verdict` | `input.action` | `output.action` | |
//! | `status` | | `status` | |
//! | `tokens_in`, `tokens_out` | | `tokens.input`, `tokens.output` | |

use std::{borrow::Cow, fmt};

use cordon_core::{CallId, Timestamp, canonical};
use serde::{Deserialize, Deserializer, de};

/// How many columns hold names.
pub(super) const NAMES: usize = 6;

/// The projections of one frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Projection<'a> {
    pub(super) call: Option<CallId>,
    pub(super) time: Option<i64>,
    /// Principal, team, system, route, model, verdict.
    pub(super) names: [Option<Text<'a>>; NAMES],
    pub(super) status: Option<i32>,
    pub(super) tokens_in: Option<i64>,
    pub(super) tokens_out: Option<i64>,
}

impl<'a> Projection<'a> {
    pub(super) fn of(entry: &'a [u8]) -> Self {
        match canonical::from_slice(entry) {
            Ok(View::Opened(opened)) => Self {
                call: Some(opened.call),
                time: Some(opened.time.as_millis()),
                names: [
                    Some(opened.principal),
                    Some(opened.team),
                    opened.system,
                    opened.route,
                    opened.model,
                    Some(opened.input.action),
                ],
                ..Self::default()
            },
            Ok(View::Closed(closed)) => Self {
                call: Some(closed.call),
                time: Some(closed.time.as_millis()),
                names: [None, None, None, None, None, Some(closed.output.action)],
                status: Some(closed.status.into()),
                tokens_in: closed.tokens.as_ref().and_then(|tokens| i64::try_from(tokens.input).ok()),
                tokens_out: closed.tokens.as_ref().and_then(|tokens| i64::try_from(tokens.output).ok()),
            },
            Ok(View::Unknown(unknown)) => {
                Self { call: Some(unknown.call), time: Some(unknown.time.as_millis()), ..Self::default() }
            }
            Err(_) => Self::default(),
        }
    }
}

/// A text, borrowed from the entry where it can be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum View<'a> {
    #[serde(borrow)]
    Opened(Opened<'a>),
    #[serde(borrow)]
    Closed(Closed<'a>),
    Unknown(Unknown),
}

#[derive(Deserialize)]
struct Opened<'a> {
    #[serde(deserialize_with = "call")]
    call: CallId,
    #[serde(deserialize_with = "time")]
    time: Timestamp,
    #[serde(borrow)]
    principal: Text<'a>,
    #[serde(borrow)]
    team: Text<'a>,
    #[serde(borrow, default)]
    system: Option<Text<'a>>,
    #[serde(borrow, default)]
    route: Option<Text<'a>>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    input: Verdict<'a>,
}

#[derive(Deserialize)]
struct Closed<'a> {
    #[serde(deserialize_with = "call")]
    call: CallId,
    #[serde(deserialize_with = "time")]
    time: Timestamp,
    #[serde(borrow)]
    output: Verdict<'a>,
    status: u16,
    #[serde(default)]
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Unknown {
    #[serde(deserialize_with = "call")]
    call: CallId,
    #[serde(deserialize_with = "time")]
    time: Timestamp,
}

#[derive(Deserialize)]
struct Verdict<'a> {
    #[serde(borrow)]
    action: Text<'a>,
}

#[derive(Deserialize)]
struct Tokens {
    input: u64,
    output: u64,
}

// These read ids and times without a copy of their text.

fn call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CallId, D::Error> {
    let text = Text::deserialize(deserializer)?;
    CallId::parse(&text.0).map_err(de::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = Text::deserialize(deserializer)?;
    Timestamp::parse(&text.0).map_err(de::Error::custom)
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> CallId {
        CallId::new(Timestamp::from_millis(1_700_000_000_123), [9; 10])
    }

    fn text(text: &str) -> Option<Text<'_>> {
        Some(Text(Cow::Borrowed(text)))
    }

    #[test]
    fn a_frame_says_what_the_table_says() {
        let head = format!(r#""call":"{}""#, call());
        let time = r#""time":"2023-11-14T22:13:20.123Z""#;
        let opened = format!(
            r#"{{"opened":{{{head},"input":{{"action":"flag","findings":[{{"x":1}}]}},"later":null,"model":"small","principal":"app","route":"chat","system":"desk","team":"support",{time}}}}}"#
        );
        assert_eq!(
            Projection::of(opened.as_bytes()),
            Projection {
                call: Some(call()),
                time: Some(1_700_000_000_123),
                names: [
                    text("app"),
                    text("support"),
                    text("desk"),
                    text("chat"),
                    text("small"),
                    text("flag")
                ],
                ..Projection::default()
            }
        );
        let closed = format!(
            r#"{{"closed":{{{head},"output":{{"action":"block"}},"status":403,{time},"tokens":{{"input":7,"output":"18446744073709551615"}}}}}}"#
        );
        assert_eq!(
            Projection::of(closed.as_bytes()),
            Projection {
                call: Some(call()),
                time: Some(1_700_000_000_123),
                names: [None, None, None, None, None, text("block")],
                status: Some(403),
                tokens_in: Some(7),
                tokens_out: None,
            }
        );
        let unknown = format!(r#"{{"unknown":{{{head},{time}}}}}"#);
        let projection = Projection::of(unknown.as_bytes());
        assert_eq!((projection.call, projection.status), (Some(call()), None));
    }

    #[test]
    fn what_is_no_such_frame_says_nothing() {
        let nothing = Projection::default();
        let no_time = format!(r#"{{"unknown":{{"call":"{}"}}}}"#, call());
        let other = format!(r#"{{"read":{{"call":"{}","time":"2023-11-14T22:13:20.123Z"}}}}"#, call());
        let bad: [&[u8]; 6] =
            [b"", b"{", b"\xff\x00", br#"{"opened":7}"#, no_time.as_bytes(), other.as_bytes()];
        for entry in bad {
            assert_eq!(Projection::of(entry), nothing);
        }
        assert_eq!(Projection::of(&b"[".repeat(1 << 20)), nothing);
    }
}
