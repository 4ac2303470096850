//! Prompts, as calls bring them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::HmacKey;

/// Which prompt a call brings: the first eight bytes of a keyed digest of the instructions that its request begins with, written as
/// 16 lower-case hexadecimal digits. Without the key nobody can tell which words those are, nor try some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(u64);

/// A text that is no prompt's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a prompt's id; help: 16 lower-case hexadecimal digits, as the record of a call has them")]
pub struct PromptIdError;

impl PromptId {
    /// The prompt of these instructions, in their order; nothing where they say nothing.
    pub fn of(key: &HmacKey, instructions: &[&str]) -> Option<Self> {
        if instructions.iter().all(|text| text.is_empty()) {
            return None;
        }
        let mut hasher = key.hasher();
        for text in instructions {
            hasher.update(text.as_bytes());
            // No text has this byte: where one ends and the next begins is part of what is said.
            hasher.update(&[0xff]);
        }
        hasher.finish().as_bytes().first_chunk().map(|first| Self(u64::from_be_bytes(*first)))
    }

    /// Reads 16 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, PromptIdError> {
        if text.len() != 16 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(PromptIdError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| PromptIdError)
    }

    /// The eight bytes.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// These eight bytes as an id.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl std::fmt::Display for PromptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for PromptId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromptId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for PromptId {
    fn schema_name() -> Cow<'static, str> {
        "PromptId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_its_words_under_a_key() {
        let key = HmacKey::from_bytes([1; 32]);
        let of = |texts: &[&str]| PromptId::of(&key, texts);
        let one = of(&["Be kind."]).unwrap();
        assert_eq!(Some(one), of(&["Be kind."]));
        assert_ne!(Some(one), of(&["be kind."]));
        assert_ne!(of(&["Be ", "kind."]), of(&["Be kind."]), "where a text ends is part of it");
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(Some(one), PromptId::of(&HmacKey::from_bytes([2; 32]), &["Be kind."]));
        assert_eq!((of(&[]), of(&["", ""])), (None, None));
        assert_eq!(PromptId::parse(&one.to_string()), Ok(one));
        assert_eq!(PromptId::from_bytes(one.to_bytes()), one);
        for wrong in ["", "0", "010203040506070G", "01020304050607080", "010203040506070A"] {
            assert_eq!(PromptId::parse(wrong), Err(PromptIdError), "{wrong}");
        }
    }
}
