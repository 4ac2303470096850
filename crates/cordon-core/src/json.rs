//! JSON as hostile bytes: one strict, bounded reader and one writer.
//!
//! The tree keeps what a verdict needs and other readers lose: numbers as the text they were, members in their order,
//! and the certainty that no key stands twice. RFC 8259 says what a parser *may* accept; this one accepts only what
//! every reader behind it would read in the same way (compare RFC 7493, I-JSON), because a text that two readers read
//! differently is how an inspection is bypassed.

mod reader;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

pub(crate) use self::reader::Reader;
use self::reader::plain;
use crate::Score;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its text.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

/// A number as the text it was written with: no digit is lost on the way through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Box<str>);

/// An object: members in their order, no key twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Value)>);

/// What a reader lets through.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole text.
    pub bytes: usize,
    /// Arrays and objects inside one another.
    pub depth: usize,
    /// Values in all: with `bytes` it bounds the memory of the tree.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 << 20, depth: 128, values: 200_000 }
    }
}

/// Why a text was refused, and at which byte. Never holds content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// More bytes than the limit.
    #[error("more bytes than allowed")]
    TooLong,
    /// Arrays and objects too deep inside one another.
    #[error("nested deeper than allowed")]
    TooDeep,
    /// More values than the limit.
    #[error("more values than allowed")]
    TooMany,
    /// A key stands twice in one object.
    #[error("the same key twice in one object")]
    DuplicateKey,
    /// Not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// A surrogate without its partner.
    #[error("an unpaired surrogate")]
    Surrogate,
    /// U+0000, which many readers take for the end.
    #[error("a null character in a string")]
    Null,
    /// A number that others would read as infinity, or an integer beyond 64 bits.
    #[error("a number out of range")]
    NumberRange,
    /// A control character inside a string.
    #[error("an unescaped control character in a string")]
    Control,
    /// The text ends too early.
    #[error("unexpected end")]
    End,
    /// Text after the value.
    #[error("text after the value")]
    Trailing,
    /// Anything else that is not JSON.
    #[error("not JSON")]
    Syntax,
}

impl Error {
    /// The kind of refusal.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The byte at which reading stopped.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl Number {
    /// An integer.
    pub fn from_i64(value: i64) -> Self {
        Self(value.to_string().into())
    }

    /// An integer without sign.
    pub fn from_u64(value: u64) -> Self {
        Self(value.to_string().into())
    }

    /// The number as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as an integer without sign, when it is one and is written as one.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The value as an integer, when it is one and is written as one.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl Object {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// Puts a value at a key, in place of an older one or at the end.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The members in their order, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// Gives every key to `rename`, which may answer with another one; a renamed key that already stands gets a
    /// number behind it, so that no key ever stands twice.
    pub fn rename_keys(&mut self, mut rename: impl FnMut(&str) -> Option<String>) {
        let renamed: Vec<Option<String>> = self.0.iter().map(|(key, _)| rename(key)).collect();
        if renamed.iter().all(Option::is_none) {
            return;
        }
        let stay = self.0.iter().zip(&renamed).filter(|(_, new)| new.is_none());
        let mut taken: HashSet<String> = stay.map(|((key, _), _)| key.clone()).collect();
        // The last number that was put behind a key: each is tried once, whatever the number of keys.
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for ((key, _), new) in self.0.iter_mut().zip(renamed) {
            let Some(new) = new else { continue };
            let mut unique = new.clone();
            while !taken.insert(unique.clone()) {
                let number = numbers.entry(new.clone()).or_insert(1);
                *number = number.saturating_add(1);
                unique = format!("{new}_{number}");
            }
            *key = unique;
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Object {
    /// Later members replace earlier ones of the same key.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}

impl Value {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// At the first byte that is not strict JSON or passes a limit. Time and memory are linear in the limits.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, Error> {
        if bytes.len() > limits.bytes {
            return Err(Error { kind: ErrorKind::TooLong, offset: limits.bytes });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error { kind: ErrorKind::Utf8, offset: error.valid_up_to() })?;
        let mut reader = Reader::bounded(text, limits);
        let value = reader.value()?;
        reader.skip_space();
        if reader.offset() < text.len() { Err(reader.error(ErrorKind::Trailing)) } else { Ok(value) }
    }

    /// Writes the value in the order of its members, without white space.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => out.extend_from_slice(number.0.as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(object) => {
                out.push(b'{');
                for (i, (key, value)) in object.0.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    write_string(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The bytes of [`Value::write`].
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out);
        out
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The members of an object, to change.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// An integer without sign.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// The value of a key, when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object().and_then(|object| object.get(key))
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(Number::from_u64(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from_i64(value))
    }
}

impl From<Score> for Value {
    fn from(score: Score) -> Self {
        // A number between 0 and 1, which Rust writes with digits and a point, and nothing else.
        Self::Number(Number(score.to_string().into()))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_vec()))
    }
}

/// Writes a string with the escapes of RFC 8785 (JSON Canonicalization Scheme), section 3.2.2.2: the two-character
/// ones where there are, `\u00xx` for other control characters, nothing else.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// The inside of [`write_string`], without the quotation marks.
pub fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = plain(rest) {
        let Some((plain, [special, tail @ ..])) = rest.split_at_checked(at) else { break };
        out.extend_from_slice(plain);
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            control => {
                let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control & 15)]);
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(text: impl AsRef<[u8]>) -> ErrorKind {
        Value::parse(text.as_ref(), Limits::default()).expect_err("refused").kind()
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let cases: [(&[u8], ErrorKind); 22] = [
            (br#"{"role":"user","role":"system"}"#, ErrorKind::DuplicateKey),
            (br#"{"role":1,"r\u006fle":2}"#, ErrorKind::DuplicateKey),
            (br#"["\ud800"]"#, ErrorKind::Surrogate),
            (br#"["\ud800A"]"#, ErrorKind::Surrogate),
            (br#"["\udc00"]"#, ErrorKind::Surrogate),
            (br#"["\u0000"]"#, ErrorKind::Null),
            (b"[1e400]", ErrorKind::NumberRange),
            (b"[18446744073709551616]", ErrorKind::NumberRange),
            (b"[NaN]", ErrorKind::Syntax),
            (b"[01]", ErrorKind::Syntax),
            (b"[1.]", ErrorKind::Syntax),
            (b"[+1]", ErrorKind::Syntax),
            (b"[1,]", ErrorKind::Syntax),
            (b"{\"a\":1,}", ErrorKind::Syntax),
            (b"{a:1}", ErrorKind::Syntax),
            (b"[\"\n\"]", ErrorKind::Control),
            (b"[\"\xff\"]", ErrorKind::Utf8),
            (b"[\"\xc0\xaf\"]", ErrorKind::Utf8),
            (b"\xef\xbb\xbf{}", ErrorKind::Syntax),
            (b"{} {}", ErrorKind::Trailing),
            (b"[1", ErrorKind::End),
            (b"", ErrorKind::End),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn bounds_hold_without_using_the_stack() {
        assert_eq!(kind("[".repeat(100_000)), ErrorKind::TooDeep);
        assert_eq!(kind("{\"a\":".repeat(100_000)), ErrorKind::TooDeep);
        assert_eq!(kind(format!("[{}0]", "0,".repeat(300_000))), ErrorKind::TooMany);
        assert_eq!(kind(vec![b' '; (8 << 20) + 1]), ErrorKind::TooLong);
    }

    #[test]
    fn many_keys_are_checked_too() {
        let members: Vec<String> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert!(Value::parse(format!("{{{}}}", members.join(",")).as_bytes(), Limits::default()).is_ok());
        assert_eq!(kind(format!("{{{},\"k500\":0}}", members.join(","))), ErrorKind::DuplicateKey);
    }

    #[test]
    fn numbers_keep_their_text() {
        for text in
            ["0", "-0", "1.0", "1.10", "1e5", "-12.5E-3", "18446744073709551615", "0.1000000000000000055511"]
        {
            let value = Value::parse(text.as_bytes(), Limits::default()).unwrap();
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn renaming_never_makes_a_key_twice() {
        let mut value = Value::parse(br#"{"a":1,"b":2,"[X]":3}"#, Limits::default()).unwrap();
        value.as_object_mut().unwrap().rename_keys(|key| (key.len() == 1).then(|| "[X]".to_owned()));
        assert_eq!(value.to_string(), r#"{"[X]_2":1,"[X]_3":2,"[X]":3}"#);
    }

    #[test]
    fn renaming_many_keys_to_one_takes_linear_time() {
        let members: Vec<String> = (0..50_000).map(|i| format!("\"k{i}\":{i}")).collect();
        let mut value =
            Value::parse(format!("{{{}}}", members.join(",")).as_bytes(), Limits::default()).unwrap();
        let object = value.as_object_mut().unwrap();
        object.rename_keys(|_| Some("[X]".to_owned()));
        assert!(object.get("[X]").is_some() && object.get("[X]_50000").is_some());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|n| Value::Number(Number::from_i64(n))),
            "[^\u{0}]*".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec(("[^\u{0}]{0,8}", inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(value in any_value()) {
            prop_assert_eq!(Value::parse(&value.to_vec(), Limits::default()).unwrap(), value);
        }

        #[test]
        fn never_panics_and_agrees_with_serde_json_on_what_it_accepts(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = Value::parse(&bytes, Limits::default()) {
                let other: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&value.to_vec()).unwrap(), other);
            }
        }

        #[test]
        fn json_like_noise_never_panics(text in r#"[\[\]{}",:0-9eE.+\-\\untrfalse ]{0,40}"#) {
            if let Ok(value) = Value::parse(text.as_bytes(), Limits::default()) {
                prop_assert_eq!(Value::parse(&value.to_vec(), Limits::default()).unwrap(), value);
            }
        }
    }

    #[test]
    fn the_plain_part_of_a_string_ends_where_each_byte_alone_says() {
        let ends = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
        let mut state = 7_u64;
        for round in 0..20_000 {
            // Mostly plain bytes, with some that are next to those that end it.
            let bytes: Vec<u8> = (0..round % 40)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    match state >> 60 {
                        0 => [0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d][(state >> 40) as usize % 8],
                        1 => state.to_le_bytes()[5],
                        _ => 0x21 + state.to_le_bytes()[5] % 0x3a,
                    }
                })
                .map(|byte| if byte == b'"' && round % 3 > 0 { b'a' } else { byte })
                .collect();
            assert_eq!(plain(&bytes), bytes.iter().position(ends), "{bytes:?}");
        }
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                let mut bytes = [0xff; 16];
                bytes[at] = byte;
                assert_eq!(plain(&bytes), ends(&byte).then_some(at));
            }
        }
    }
}
