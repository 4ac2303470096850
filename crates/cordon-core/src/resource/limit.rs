use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Kind, LimitWindow, References};
use crate::{Currency, DurationMs, KeyId, Money, Name, Sealed};

/// What a limit counts for: all calls together of which everything that it names is true. One that names nothing counts for
/// the whole organisation, written `organisation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitSubject {
    /// Calls with this key.
    pub key: Option<KeyId>,
    /// Calls of this principal.
    pub principal: Option<Name>,
    /// Calls of this team's principals.
    pub team: Option<Name>,
    /// Calls to this route.
    pub route: Option<Name>,
    /// Calls that go to this model.
    pub model: Option<Name>,
}

/// As a subject is written with its members.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Members {
    /// Calls with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyId>,
    /// Calls of this principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Name>,
    /// Calls of this team's principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<Name>,
    /// Calls to this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<Name>,
    /// Calls that go to this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Name>,
}

const ORGANISATION: &str = "organisation";

impl LimitSubject {
    /// All calls to a route.
    pub fn of_route(name: Name) -> Self {
        Self { route: Some(name), ..Self::default() }
    }

    /// All calls of a principal.
    pub fn of_principal(name: Name) -> Self {
        Self { principal: Some(name), ..Self::default() }
    }

    /// All calls of a team's principals.
    pub fn of_team(name: Name) -> Self {
        Self { team: Some(name), ..Self::default() }
    }

    /// Adds the names that it needs, each below this path of a spec.
    pub(super) fn need(&self, path: &str, found: &mut References) {
        let Self { key, principal, team, route, model } = self;
        let names = [
            ("principal", Kind::Principal, principal),
            ("team", Kind::Team, team),
            ("route", Kind::Route, route),
            ("model", Kind::Model, model),
        ];
        for (word, kind, name) in names {
            if let Some(name) = name {
                found.resources.push((format!("/spec/{path}/{word}"), kind, name.clone()));
            }
        }
        if let Some(key) = key {
            found.keys.push((format!("/spec/{path}/key"), *key));
        }
    }

    /// All calls with a key.
    pub fn of_key(key: KeyId) -> Self {
        Self { key: Some(key), ..Self::default() }
    }

    /// All calls to a model.
    pub fn of_model(name: Name) -> Self {
        Self { model: Some(name), ..Self::default() }
    }
}

impl Serialize for LimitSubject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::default() {
            return serializer.serialize_str(ORGANISATION);
        }
        let Self { key, principal, team, route, model } = self.clone();
        Members { key, principal, team, route, model }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LimitSubject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            Members(Members),
        }
        let subject = match Written::deserialize(deserializer) {
            Ok(Written::Word(word)) if word == ORGANISATION => return Ok(Self::default()),
            Ok(Written::Members(Members { key, principal, team, route, model })) => {
                Self { key, principal, team, route, model }
            }
            _ => Self::default(),
        };
        if subject == Self::default() {
            let expected = "a limit applies to the word `organisation`, or to any of `key`, `principal`, `team`, `route` and \
                            `model`, such as { team: support }";
            return Err(D::Error::custom(expected));
        }
        Ok(subject)
    }
}

impl schemars::JsonSchema for LimitSubject {
    fn schema_name() -> Cow<'static, str> {
        "LimitSubject".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut members = Members::json_schema(generator);
        members.insert("minProperties".to_owned(), 1.into());
        schemars::json_schema!({ "anyOf": [{ "const": ORGANISATION }, members] })
    }
}

/// So many requests in a window, evenly (GCRA): one more is let in every `window / count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// How many.
    pub count: u32,
    /// In how long.
    pub window: DurationMs,
    /// How many may come at once after a quiet time; absent: `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl Requests {
    /// What is wrong with it; the paths are its own and its burst's.
    pub(super) fn problem(
        self,
        path: &'static str,
        burst: &'static str,
    ) -> Option<(&'static str, &'static str)> {
        if self.count == 0 || self.window.as_millis() == 0 {
            return Some((path, "count and window must be above 0"));
        }
        let fits = self.burst.is_none_or(|burst| (1..=self.count).contains(&burst));
        (!fits).then_some((burst, "1 to `count` is expected"))
    }
}

/// So many tokens in each window. Windows follow each other in UTC: one of `1h` begins with the hour, one of `day` at midnight,
/// one of `month` with the calendar's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenQuota {
    /// How many.
    pub count: u64,
    /// In how long: whole minutes, at most 400d; or `day` or `month`.
    pub window: LimitWindow,
}

/// So much money in each window; windows are those of [`TokenQuota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// How much.
    pub amount: Money,
    /// In which currency. A call to a model without a price in it is refused.
    pub currency: Currency,
    /// In how long: whole minutes, at most 400d; or `day` or `month`.
    pub window: LimitWindow,
}

/// Bounds of one call, whatever else was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBounds {
    /// Tokens of its input, as estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of output that it may ask for; one that asks for none gets this as its `max_completion_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Messages of a conversation, or inputs of embeddings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u32>,
    /// Images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<u32>,
    /// Each image. One whose size cannot be read (behind an address, an unknown format) is refused where anything stands here.
    #[serde(default, skip_serializing_if = "ImageBounds::is_empty")]
    pub image: ImageBounds,
    /// Tools offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<u32>,
    /// Rows of a prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// From its admission to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationMs>,
}

/// Bounds of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageBounds {
    /// Its width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Its width times its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<u64>,
    /// Bytes of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl ImageBounds {
    /// Whether nothing is bounded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl CallBounds {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a limit does while its counters cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnavailable {
    /// Refuses its calls.
    #[default]
    Refuse,
    /// Lets its calls through, uncounted.
    Allow,
}

impl WhenUnavailable {
    pub(super) fn is_refuse(&self) -> bool {
        *self == Self::Refuse
    }
}

/// A bound on use. All limits that apply to a call hold for it; each one can refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// What it counts for.
    pub applies_to: LimitSubject,
    /// Requests in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// Tokens of input and output together in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenQuota>,
    /// Tokens of input in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<TokenQuota>,
    /// Tokens of output in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<TokenQuota>,
    /// Money in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Budget>,
    /// Calls at the same time, on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Bytes of a request's body, as sent and as decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// Bounds of each call.
    #[serde(default, skip_serializing_if = "CallBounds::is_empty")]
    pub call: Box<CallBounds>,
    /// What it does while its counters cannot be reached. Default `refuse`.
    #[serde(default, skip_serializing_if = "WhenUnavailable::is_refuse")]
    pub when_unavailable: WhenUnavailable,
}

impl LimitSpec {
    /// A limit that bounds nothing yet.
    pub fn new(applies_to: LimitSubject) -> Self {
        Self {
            applies_to,
            requests: None,
            tokens: None,
            input_tokens: None,
            output_tokens: None,
            money: None,
            concurrency: None,
            body_bytes: None,
            call: Box::default(),
            when_unavailable: WhenUnavailable::default(),
        }
    }

    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }

    /// Whether it counts anything that outlasts a call.
    pub const fn counts(&self) -> bool {
        self.requests.is_some() || self.counts_use()
    }

    /// Whether it counts tokens or money.
    pub const fn counts_use(&self) -> bool {
        self.tokens.is_some()
            || self.input_tokens.is_some()
            || self.output_tokens.is_some()
            || self.money.is_some()
    }

    /// What is wrong with it, each with its path.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        let mut wrong = |is_wrong: bool, path, message| {
            if is_wrong {
                found.push((path, message));
            }
        };
        let silent = Self { when_unavailable: self.when_unavailable, ..Self::new(self.applies_to.clone()) };
        wrong(
            *self == silent,
            "",
            "nothing is limited; help: give `requests`, `tokens`, `money`, `concurrency`, `body_bytes` or `call`",
        );
        if let Some((path, message)) =
            self.requests.and_then(|requests| requests.problem("requests", "requests/burst"))
        {
            wrong(true, path, message);
        }
        wrong(self.concurrency == Some(0), "concurrency", "must be above 0");
        let windows = [
            ("tokens", self.tokens.map(|quota| (quota.count, quota.window))),
            ("input_tokens", self.input_tokens.map(|quota| (quota.count, quota.window))),
            ("output_tokens", self.output_tokens.map(|quota| (quota.count, quota.window))),
            ("money", self.money.map(|budget| (budget.amount.nanos(), budget.window))),
        ];
        for (path, window) in windows {
            let Some((count, window)) = window else { continue };
            wrong(count == 0, path, "count or amount must be above 0; help: a quarantine takes a caller out");
            wrong(!window.is_sound(), path, "the window must be whole minutes, from 1m to 400d");
        }
        wrong(
            self.call.duration.is_some_and(|time| time.as_millis() == 0),
            "call/duration",
            "must be above 0",
        );
        wrong(self.call.output_tokens == Some(0), "call/output_tokens", "must be above 0");
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(applies_to: serde_json::Value) -> Result<LimitSubject, String> {
        serde_json::from_value(applies_to).map_err(|error| error.to_string())
    }

    #[test]
    fn a_subject_is_the_organisation_or_what_it_names() {
        assert_eq!(read("organisation".into()), Ok(LimitSubject::default()));
        let both = read(serde_json::json!({"team": "support", "model": "large"})).unwrap();
        assert_eq!((both.team.unwrap().as_str(), both.model.unwrap().as_str()), ("support", "large"));
        for wrong in [serde_json::json!("team"), serde_json::json!({}), serde_json::json!({"tem": "a"})] {
            assert!(read(wrong).unwrap_err().contains("`organisation`"));
        }
        for subject in ["\"organisation\"", r#"{"route":"r"}"#, r#"{"principal":"p","team":"t"}"#] {
            let read: LimitSubject = serde_json::from_str(subject).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), subject);
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_path() {
        let paths = |spec: serde_json::Value| -> Vec<&str> {
            let mut whole = serde_json::json!({"applies_to": "organisation"});
            whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            let spec: LimitSpec = serde_json::from_value(whole).unwrap();
            spec.problems().into_iter().map(|(path, _)| path).collect()
        };
        let money =
            |window| serde_json::json!({"money": {"amount": "5", "currency": "EUR", "window": window}});
        assert_eq!(paths(serde_json::json!({})), [""]);
        assert_eq!(paths(serde_json::json!({"when_unavailable": "allow"})), [""]);
        assert_eq!(paths(money("30d")), [""; 0]);
        assert_eq!(paths(money("401d")), ["money"]);
        assert_eq!(paths(money("90s")), ["money"]);
        assert_eq!(paths(money("month")), [""; 0]);
        assert_eq!(paths(serde_json::json!({"tokens": {"count": 0, "window": "1m"}})), ["tokens"]);
        let burst = serde_json::json!({"requests": {"count": 5, "window": "1s", "burst": 6}});
        assert_eq!(paths(burst), ["requests/burst"]);
        assert_eq!(paths(serde_json::json!({"call": {"duration": "0s"}})), ["call/duration"]);
    }
}
