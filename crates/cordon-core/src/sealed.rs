use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::Error as _};

use crate::{Digest, HmacKey, canonical};

/// A value that the log must be able to forget: free text, and anything that identifies a natural person.
///
/// A fact holds only the HMAC of the value under a key of its own; value and key lie outside of the log ([`Seal`]) and
/// can be destroyed without touching a proof (invariant 6). No decision and no fold depends on the value. An open value
/// has no canonical form, so it cannot reach a fact by mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed<T> {
    /// The value itself, as people write it. Never part of a fact.
    Open(T),
    /// Its HMAC, as facts hold it. Whether the value still exists is the store's business.
    Closed(Digest),
}

/// What lies outside of the log for one sealed value.
#[derive(Clone, Debug)]
pub struct Seal {
    /// HMAC-SHA-256 of `value` under `key`: the address of this seal, and all that the log knows.
    pub digest: Digest,
    /// The key of this value alone.
    pub key: HmacKey,
    /// The canonical bytes of the value.
    pub value: Vec<u8>,
}

impl Seal {
    /// Seals canonical bytes under a key.
    pub fn new(value: Vec<u8>, key: HmacKey) -> Self {
        Self { digest: key.digest(&value), key, value }
    }

    /// Whether value and key still belong to the digest.
    pub fn holds(&self) -> bool {
        self.key.digest(&self.value).equals_in_constant_time(&self.digest)
    }

    /// The value, if it has this type.
    pub fn open<T: DeserializeOwned>(&self) -> Option<T> {
        canonical::from_bytes(&self.value).ok()
    }
}

impl<T: Serialize> Sealed<T> {
    /// Closes an open value under a key and gives what must be kept outside; a closed one stays as it is.
    ///
    /// # Errors
    /// When the value has no canonical form.
    pub fn close(&mut self, key: HmacKey) -> Result<Option<Seal>, canonical::Error> {
        let Self::Open(value) = self else { return Ok(None) };
        let seal = Seal::new(canonical::to_bytes(value)?, key);
        *self = Self::Closed(seal.digest);
        Ok(Some(seal))
    }

    /// Whether this open value is what `seal` holds.
    pub fn is(&self, seal: &Seal) -> bool {
        match self {
            Self::Open(value) => {
                canonical::to_bytes(value).is_ok_and(|bytes| bytes == seal.value) && seal.holds()
            }
            Self::Closed(digest) => *digest == seal.digest,
        }
    }
}

impl<T> Sealed<T> {
    /// The digest of a closed value.
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::Open(_) => None,
            Self::Closed(digest) => Some(*digest),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    sealed: Digest,
}

impl<T: Serialize> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Open(value) if serializer.is_human_readable() => value.serialize(serializer),
            Self::Open(_) => Err(S::Error::custom("an open value of a sealed field")),
            Self::Closed(digest) => Closed { sealed: *digest }.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            T::deserialize(deserializer).map(Self::Open)
        } else {
            Closed::deserialize(deserializer).map(|closed| Self::Closed(closed.sealed))
        }
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Sealed<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_value_never_reaches_a_fact() {
        let mut purpose = Sealed::Open("answers questions".to_owned());
        assert!(canonical::to_bytes(&purpose).is_err());
        let seal = purpose.close(HmacKey::from_bytes([7; 32])).unwrap().unwrap();
        let bytes = canonical::to_bytes(&purpose).unwrap();
        assert!(!String::from_utf8(bytes.clone()).unwrap().contains("questions"));
        assert_eq!(canonical::from_bytes::<Sealed<String>>(&bytes).unwrap(), purpose);
        assert_eq!(seal.open::<String>().as_deref(), Some("answers questions"));
        assert!(Sealed::Open("answers questions".to_owned()).is(&seal));
        assert!(!Sealed::Open("other".to_owned()).is(&seal));
    }
}
