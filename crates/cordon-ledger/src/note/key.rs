//! Public keys of notes: their names, their ids and their text form `<name>+<id>+<base64 of algorithm and key>`.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::{
    cosignature,
    text::{from_base64, to_base64},
};

/// Bytes of the longest name of a key.
const MAX_NAME: usize = 255;

/// Characters of the longest text form of a key: name, `+`, 8 digits, `+`, 33 bytes in base64.
const MAX_KEY: usize = MAX_NAME + 10 + 44;

/// The name of a key: not empty, no Unicode spaces, no plus, no control characters, at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Reads a name.
    pub fn parse(name: &str) -> Result<Self, KeyError> {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > MAX_NAME || name.contains(wrong) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first four bytes of SHA-256(name || newline || algorithm || public key): says which key, proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What a key signs, by its byte in `c2sp.org/signed-note`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 0x04: a witness signs checkpoint and time (`c2sp.org/tlog-cosignature`, cosignature/v1).
    CosignatureV1,
    /// 0x01: Ed25519 (RFC 8032) over the text.
    Ed25519,
}

impl Algorithm {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A text that is not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An algorithm that is not known here.
    #[error(
        "the algorithm 0x{0:02x} of the key is not known\nhelp: 0x01 (Ed25519) and 0x04 (cosignature/v1) are"
    )]
    Algorithm(u8),
    /// Not the text form of a key.
    #[error("a key has the form `<name>+<8 lower-case hexadecimal digits>+<base64>`")]
    Form,
    /// The id is that of another key or name.
    #[error("the key id is {stated}, but name and key make {computed}: one of them was changed")]
    Id {
        /// The id in the text.
        stated: KeyId,
        /// The id that name and key make.
        computed: KeyId,
    },
    /// Not a name of a key.
    #[error("the name of a key has 1 to {MAX_NAME} bytes, no spaces, no plus and no control characters")]
    Name,
    /// The bytes are not a public key, or one that anybody can sign for.
    #[error("the bytes are not a usable Ed25519 public key")]
    Point,
}

/// A public key with its name: what somebody who verifies trusts.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    algorithm: Algorithm,
    public: VerifyingKey,
}

impl VerifierKey {
    /// A key from its 32 bytes (RFC 8032). Keys of small order, for which anybody can sign, are refused.
    pub fn new(name: KeyName, algorithm: Algorithm, public: [u8; 32]) -> Result<Self, KeyError> {
        let public = VerifyingKey::from_bytes(&public).map_err(|_| KeyError::Point)?;
        if public.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self::of(name, algorithm, public))
    }

    pub(super) fn of(name: KeyName, algorithm: Algorithm, public: VerifyingKey) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.as_str());
        hasher.update([b'\n', algorithm.byte()]);
        hasher.update(public.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        Self { name, id: KeyId(u32::from_be_bytes([a, b, c, d])), algorithm, public }
    }

    /// Reads the text form, as Go's `note.NewVerifier` does.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, algorithm, public) = parse_parts(text)?;
        let key = Self::new(name, algorithm, public)?;
        if key.id == id { Ok(key) } else { Err(KeyError::Id { stated: id, computed: key.id }) }
    }

    /// Name of the key.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key (RFC 8032).
    pub fn public_key(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    /// Whether these bytes of a signature line are this key's over a text. Strict: no malleable signatures.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => self.verify_bytes(text.as_bytes(), signature),
            Algorithm::CosignatureV1 => cosignature::split(signature).is_some_and(|(time, signature)| {
                self.verify_bytes(cosignature::message(time, text).as_bytes(), signature)
            }),
        }
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.public.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[self.algorithm.byte()], self.public.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, to_base64(&bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// Name, id, algorithm and 32 bytes of `<name>+<id>+<base64>`: the common part of public and secret keys.
pub(super) fn parse_parts(text: &str) -> Result<(KeyName, KeyId, Algorithm, [u8; 32]), KeyError> {
    if text.len() > MAX_KEY {
        return Err(KeyError::Form);
    }
    // The base64 may hold a plus, name and id cannot.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form);
    };
    let name = KeyName::parse(name)?;
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != 8 || !id.bytes().all(hexadecimal) {
        return Err(KeyError::Form);
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Form)?;
    let key = zeroize::Zeroizing::new(from_base64(key).ok_or(KeyError::Form)?);
    let (algorithm, key) = key.split_first().ok_or(KeyError::Form)?;
    let algorithm = Algorithm::from_byte(*algorithm).ok_or(KeyError::Algorithm(*algorithm))?;
    let key = key.try_into().map_err(|_| KeyError::Form)?;
    Ok((name, KeyId(id), algorithm, key))
}
