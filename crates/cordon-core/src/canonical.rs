//! The wire form of facts and frames: canonical JSON (RFC 8785) under stricter rules.
//!
//! No floating-point number (scores are millionths, money micro-units), integers beyond 2^53 − 1 as strings, ASCII
//! keys, members sorted, no `null` for an absent member. A type that breaks a rule does not serialise: what cannot be
//! written the same way by everybody is never hashed. The bytes made here are stored and hashed once, and never made
//! again to be compared.
//!
//! Serde sees this format as *not* human readable, so that [`crate::Score`] is an integer here and `0.8` in a YAML
//! file. Types stored here must therefore not use `#[serde(flatten)]` or internally tagged enums: serde buffers those
//! in a form that forgets the difference.

mod stream;
mod writer;

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned},
    ser,
};

use crate::json::{Limits, Value};

/// The largest integer that every JSON reader holds exactly (RFC 7493, section 2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What is read back of what was written here: as deep as anybody's text may be, and of any length.
const OWN: Limits = Limits { bytes: usize::MAX, depth: 128, values: usize::MAX };

/// Why a value has no canonical form, or canonical bytes no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Error(String);

impl ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The canonical tree of a value: members sorted.
///
/// # Errors
/// When the value breaks a rule of the format, or nests deeper than 128.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    tree(&to_bytes(value)?)
}

/// The canonical bytes of a value.
///
/// # Errors
/// When the value breaks a rule of the format.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    writer::to_bytes(value)
}

fn tree(bytes: &[u8]) -> Result<Value, Error> {
    Value::parse(bytes, OWN).map_err(|error| Error(error.to_string()))
}

/// A value of its canonical bytes.
///
/// # Errors
/// When the bytes are not canonical JSON, or do not describe such a value.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    read(bytes, |stream| T::deserialize(stream))
}

/// A value of its canonical bytes that may borrow from them.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    read(bytes, |stream| T::deserialize(stream))
}

/// What a reader makes of canonical bytes, all of which it must read.
pub(crate) fn read<'de, T>(
    bytes: &'de [u8],
    reader: impl FnOnce(&mut stream::Stream<'de>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut stream = stream::Stream::new(bytes)?;
    let value = reader(&mut stream)?;
    stream.end()?;
    Ok(value)
}

/// The members of an object in canonical bytes, each with the bytes of its value.
pub(crate) fn members(bytes: &[u8]) -> Result<Vec<stream::Member<'_>>, Error> {
    stream::Stream::new(bytes)?.members()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    use crate::Score;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        zeta: u64,
        alpha: Option<String>,
        score: Score,
        list: Vec<Kind>,
        map: BTreeMap<String, i64>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        Named { at: Score },
        Held(u8),
    }

    fn sample() -> Sample {
        Sample {
            zeta: u64::MAX,
            alpha: None,
            score: Score::percent(80),
            list: vec![Kind::Plain, Kind::Named { at: Score::ONE }, Kind::Held(3)],
            map: [("b".to_owned(), -1), ("a".to_owned(), i64::MIN)].into(),
        }
    }

    #[test]
    fn sorted_without_floats_big_integers_as_text() {
        let bytes = to_bytes(&sample()).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"list":["plain",{"named":{"at":1000000}},{"held":3}],"map":{"a":"-9223372036854775808","b":-1},"score":800000,"zeta":"18446744073709551615"}"#
        );
        assert_eq!(from_bytes::<Sample>(&bytes).unwrap(), sample());
    }

    /// A value of any shape, its members in any order.
    #[derive(Clone, Debug)]
    enum Tree {
        Absent,
        Number(i64),
        Text(String),
        List(Vec<Tree>),
        Members(Vec<(String, Tree)>),
    }

    impl Serialize for Tree {
        fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Absent => serializer.serialize_none(),
                Self::Number(number) => serializer.serialize_i64(*number),
                Self::Text(text) => serializer.serialize_str(text),
                Self::List(items) => serializer.collect_seq(items),
                Self::Members(members) => {
                    serializer.collect_map(members.iter().map(|(key, value)| (key, value)))
                }
            }
        }
    }

    /// The same by the rules, one after the other.
    fn by_the_rules(tree: &Tree) -> Value {
        match tree {
            Tree::Absent => Value::Null,
            Tree::Number(number) if number.unsigned_abs() > MAX_SAFE_INTEGER => {
                Value::String(number.to_string())
            }
            Tree::Number(number) => Value::Number(crate::json::Number::from_i64(*number)),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => Value::Array(items.iter().map(by_the_rules).collect()),
            Tree::Members(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_key(|(key, _)| key.clone());
                let present = sorted.into_iter().filter(|(_, value)| !matches!(value, Tree::Absent));
                Value::Object(present.map(|(key, value)| (key.clone(), by_the_rules(value))).collect())
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Absent),
            any::<i64>().prop_map(Tree::Number),
            "[^\\x00]{0,40}".prop_map(Tree::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let members = proptest::collection::hash_map("[ -~\n]{0,6}", inner.clone(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Tree::List),
                members.prop_map(|members| Tree::Members(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_written_by_the_rules(tree in trees()) {
            let bytes = to_bytes(&tree).unwrap();
            let value = by_the_rules(&tree);
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(value.to_vec()).unwrap());
            prop_assert_eq!(to_value(&tree).unwrap(), value);
        }
    }

    #[test]
    fn what_has_no_single_form_is_refused() {
        assert!(to_bytes(&1.5_f64).is_err());
        assert!(to_bytes(&BTreeMap::from([("ä", 1)])).is_err());
        assert!(to_bytes("a\0b").is_err());
        let twice = Tree::Members(vec![("a".into(), Tree::Number(1)), ("a".into(), Tree::Number(2))]);
        assert!(to_bytes(&twice).is_err());
        assert!(from_bytes::<u64>(b"\"12\"").is_err(), "a small integer is a number, never text");
        for loose in [
            &b"{\"b\":1,\"a\":2}"[..],
            b"{\"a\":1,\"a\":2}",
            b"{\"a\": 1}",
            b"{\"a\":01}",
            b"{\"a\":-0}",
            b"{\"a\":1} ",
        ] {
            assert!(
                from_bytes::<BTreeMap<String, i64>>(loose).is_err(),
                "{}",
                String::from_utf8_lossy(loose)
            );
        }
        assert!(from_bytes::<Score>(b"0.8").is_err());
        assert!(from_bytes::<Sample>(br#"{"zeta":1,"score":1,"list":[],"map":{},"other":1}"#).is_err());
    }
}
