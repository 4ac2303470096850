use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Name, Timestamp};

/// The public part of a caller's key: 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// A caller's key: `ck_<id>_<256 random bits><checksum>`, all in lower-case hexadecimal digits.
///
/// The checksum is the first four bytes of the SHA-256 of all that stands before it: a mistyped key is told apart from
/// a wrong one without a look-up, and scanners for leaked secrets can tell a key from noise.
pub struct KeySecret(String);

/// What the log knows of a key. The secret is shown once and never stored; its SHA-256 is enough to check it, since 256
/// random bits cannot be guessed back from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whom it authenticates.
    pub principal: Name,
    /// The routes it opens: a part of the principal's.
    pub routes: Vec<Name>,
    /// SHA-256 of the whole key.
    pub secret: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The key that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<KeyId>,
}

/// A text that is not a key or not a key's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a key; help: keys look like ck_0123456789abcdef_… and are made by `cordon key create`")]
pub struct KeyError;

impl KeyId {
    /// An id of eight random bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// Reads 16 lower-case hexadecimal digits, with or without `ck_` before them.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix("ck_").unwrap_or(text);
        if digits.len() != 16 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(KeyError);
        }
        u64::from_str_radix(digits, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| KeyError)
    }
}

impl KeySecret {
    /// A new key of an id and 32 random bytes.
    pub fn new(id: KeyId, random: [u8; 32]) -> Self {
        let body = format!("ck_{id}_{}", Digest::from_bytes(random));
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Splits a presented key into its id and the SHA-256 of the whole, to be compared in constant time.
    ///
    /// # Errors
    /// When form or checksum is wrong.
    pub fn parse(text: &str) -> Result<(KeyId, Digest), KeyError> {
        if text.len() != 3 + 16 + 1 + 64 + 8 || !text.is_ascii() {
            return Err(KeyError);
        }
        let (body, sum) = text.split_at_checked(84).ok_or(KeyError)?;
        let (id, secret) = body.strip_prefix("ck_").and_then(|rest| rest.split_once('_')).ok_or(KeyError)?;
        Digest::parse(secret).map_err(|_| KeyError)?;
        if checksum(body) != sum {
            return Err(KeyError);
        }
        Ok((KeyId::parse(id)?, Digest::sha256(text.as_bytes())))
    }

    /// The key, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the whole key, as the log holds it.
    pub fn digest(&self) -> Digest {
        Digest::sha256(self.0.as_bytes())
    }
}

fn checksum(body: &str) -> String {
    let mut digits = Digest::sha256(body.as_bytes()).to_string();
    digits.truncate(8);
    digits
}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for KeyId {
    fn schema_name() -> Cow<'static, str> {
        "KeyId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(ck_)?[0-9a-f]{16}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_any_slip_is_noticed() {
        let id = KeyId::from_bytes([0, 1, 2, 3, 4, 5, 6, 255]);
        let key = KeySecret::new(id, [9; 32]);
        assert_eq!(KeySecret::parse(key.expose()), Ok((id, key.digest())));
        for at in 0..key.expose().len() {
            let mut bytes = key.expose().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(KeySecret::parse(std::str::from_utf8(&bytes).unwrap()), Err(KeyError), "{at}");
        }
        assert!(!format!("{key:?}").contains("0909"));
    }
}
