//! Who signs. A key in memory is one way; a trait leaves room for keys that never leave their hardware.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::key::{Algorithm, KeyError, KeyId, KeyName, VerifierKey, parse_parts};
use crate::text::to_base64;

/// Before the text form of a secret key.
const PRIVATE: &str = "PRIVATE+KEY+";

/// Something that signs with one key: a key in memory, a token, a key management service.
pub trait Signer: Send + Sync {
    /// Name, id and public key.
    fn verifier_key(&self) -> &VerifierKey;

    /// The Ed25519 signature (RFC 8032) over exactly these bytes.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key signs something else.
    #[error(
        "the key `{name}` ({id}) signs something else\nhelp: logs sign with algorithm 0x01, witnesses with 0x04"
    )]
    Algorithm {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
    /// The token or service that holds the key failed.
    #[error("the holder of the key did not sign")]
    Holder(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The note has as many signatures as it may have.
    #[error("the note has {} signatures already", super::MAX_SIGNATURES)]
    TooManySignatures,
    /// The signature does not verify under the signer's own public key.
    #[error(
        "the signature of `{name}` (key {id}) does not verify under its own public key: the signer is faulty"
    )]
    Wrong {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
}

/// A text that is not a secret key. Says nothing of what was in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// Not the text form.
    #[error("a secret key has the form `PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>`")]
    Form,
    /// The id is that of another key.
    #[error("the key id is {stated}, but name and secret make {computed}: one of them was changed")]
    Id {
        /// The id in the text.
        stated: KeyId,
        /// The id that name and key make.
        computed: KeyId,
    },
    /// Name or algorithm is not right.
    #[error("the secret key is not usable")]
    Key(#[source] KeyError),
}

/// A secret key in memory. It is wiped when dropped and never shown.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: VerifierKey,
}

impl SigningKey {
    /// The key of a log from 32 random bytes.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        Ok(Self::of(KeyName::parse(name)?, Algorithm::Ed25519, seed))
    }

    /// The key of a witness from 32 random bytes.
    pub fn witness_from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        Ok(Self::of(KeyName::parse(name)?, Algorithm::CosignatureV1, seed))
    }

    fn of(name: KeyName, algorithm: Algorithm, mut seed: [u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        let public = VerifierKey::of(name, algorithm, secret.verifying_key());
        Self { secret, public }
    }

    /// Reads the text form, as Go's `note.NewSigner` does.
    pub fn parse(text: &str) -> Result<Self, SecretKeyError> {
        let rest = text.strip_prefix(PRIVATE).ok_or(SecretKeyError::Form)?;
        let (name, stated, algorithm, seed) = parse_parts(rest).map_err(|error| match error {
            KeyError::Form => SecretKeyError::Form,
            other => SecretKeyError::Key(other),
        })?;
        let key = Self::of(name, algorithm, seed);
        let computed = key.public.id();
        if computed == stated { Ok(key) } else { Err(SecretKeyError::Id { stated, computed }) }
    }

    /// The text form, to be kept in a file with strict rights.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 33]);
        let (algorithm, seed) = bytes.split_at_mut(1);
        algorithm.fill(self.public.algorithm().byte());
        seed.copy_from_slice(self.secret.as_bytes());
        let base64 = Zeroizing::new(to_base64(bytes.as_slice()));
        Zeroizing::new(format!("{PRIVATE}{}+{}+{}", self.public.name(), self.public.id(), *base64))
    }

    /// The public key, to be given to everybody.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }
}

impl Signer for SigningKey {
    fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        use ed25519_dalek::Signer as _;
        Ok(self.secret.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}
