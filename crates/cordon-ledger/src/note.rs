//! Signed notes (`c2sp.org/signed-note`): a text, an empty line, and one line for each signature.

use std::fmt;

use crate::text::{from_base64, to_base64};

mod key;
mod signer;

pub use key::{Algorithm, KeyError, KeyId, KeyName, VerifierKey};
pub use signer::{SecretKeyError, SignError, Signer, SigningKey};

/// Bytes of the longest note that is read.
pub const MAX_NOTE: usize = 1_000_000;

/// Signatures that a note may have. The specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// Before each signature: em dash, space.
const SIGNATURE: &str = "— ";

/// A signature as it stands in a note: who, and the bytes behind the key id.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    /// The name of the key that it claims.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key that it claims.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == *key.name()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} {}, {} bytes)", self.name, self.id, self.bytes.len())
    }
}

/// A text with signatures that nobody checked yet: there is no way to the text but [`Note::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// Bytes that are not a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A control character other than newline.
    #[error("a note has no control characters but newlines")]
    ControlCharacter,
    /// Not UTF-8.
    #[error("a note is UTF-8")]
    NotUtf8,
    /// No empty line with signatures behind it.
    #[error("a note ends with an empty line and one line for each signature")]
    NoSignatures,
    /// A signature line is not one.
    #[error("line {0} of the signatures is not `— <name> <base64 of key id and signature>`")]
    Signature(usize),
    /// The text does not end with a newline.
    #[error("the text of a note ends with a newline")]
    Text,
    /// Too many bytes.
    #[error("a note of {0} bytes is too long: {MAX_NOTE} are read")]
    TooLong(usize),
    /// Too many signatures.
    #[error("a note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
}

/// Why the text of a note is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Two different keys have the same name and id.
    #[error("two of the known keys are both called `{name}` and have id {id}")]
    Ambiguous {
        /// Name of both.
        name: KeyName,
        /// Id of both.
        id: KeyId,
    },
    /// A known key did not make the signature that claims it.
    #[error("the signature of `{name}` (key {id}) is wrong: text or signature was changed")]
    BadSignature {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
    /// Nobody known signed.
    #[error(
        "no known key signed: the note has signatures of {found}\nhelp: the keys that are trusted are {known}"
    )]
    Unknown {
        /// Keys that the signatures claim.
        found: String,
        /// Keys that are known.
        known: String,
    },
}

/// A note that known keys signed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Opened<'n, 'k> {
    text: &'n str,
    signers: Vec<&'k VerifierKey>,
}

impl<'n, 'k> Opened<'n, 'k> {
    /// The text, its last newline included.
    pub fn text(&self) -> &'n str {
        self.text
    }

    /// The known keys that signed, each once, in the order of the signatures. At least one.
    pub fn signers(&self) -> &[&'k VerifierKey] {
        &self.signers
    }
}

impl Note {
    /// A text without signatures yet. It ends with a newline.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        check_text(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let signatures = lines
            .split('\n')
            .enumerate()
            .map(|(index, line)| match parse_signature(line) {
                _ if index >= MAX_SIGNATURES => Err(NoteError::TooManySignatures),
                Some(signature) => Ok(signature),
                None => Err(NoteError::Signature(index + 1)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// Adds the signature of an Ed25519 key over the text. It is verified first: what is wrong is not published.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), SignError> {
        let key = signer.verifier_key();
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(SignError::Algorithm { name: key.name().clone(), id: key.id() });
        }
        let bytes = signer.sign(self.text.as_bytes())?;
        self.add(key, bytes.to_vec())
    }

    /// Adds a signature after it was verified. A second one of the same key replaces the first.
    pub(crate) fn add(&mut self, key: &VerifierKey, bytes: Vec<u8>) -> Result<(), SignError> {
        if !key.verify(&self.text, &bytes) {
            return Err(SignError::Wrong { name: key.name().clone(), id: key.id() });
        }
        self.signatures.retain(|signature| !signature.is_by(key));
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(SignError::TooManySignatures);
        }
        self.signatures.push(Signature { name: key.name().clone(), id: key.id(), bytes });
        Ok(())
    }

    /// The signatures, as they are claimed.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The text, if at least one of `keys` signed it. Signatures of other keys are ignored; a wrong signature of one of
    /// `keys` refuses the whole note, also beside a right one. Each signature is verified, a key that signed twice counts once.
    pub fn open<'k>(&self, keys: &'k [VerifierKey]) -> Result<Opened<'_, 'k>, OpenError> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|key| signature.is_by(key));
            let Some(key) = known.next() else { continue };
            let (name, id) = (key.name().clone(), key.id());
            if known.any(|other| other != key) {
                return Err(OpenError::Ambiguous { name, id });
            }
            if !key.verify(&self.text, signature.bytes()) {
                return Err(OpenError::BadSignature { name, id });
            }
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            let found = list(self.signatures.iter().map(|signature| (signature.name(), signature.id())));
            let known = list(keys.iter().map(|key| (key.name(), key.id())));
            return Err(OpenError::Unknown { found, known });
        }
        Ok(Opened { text: &self.text, signers })
    }

    /// For those who must know what is claimed before they can choose the key.
    pub(crate) fn unverified_text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Signature { name, id, bytes } in &self.signatures {
            let bytes = [id.0.to_be_bytes().as_slice(), bytes].concat();
            writeln!(f, "{SIGNATURE}{name} {}", to_base64(&bytes))?;
        }
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE {
        return Err(NoteError::TooLong(text.len()));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::ControlCharacter);
    }
    if text.ends_with('\n') { Ok(()) } else { Err(NoteError::Text) }
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
    let bytes = from_base64(bytes)?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    if bytes.is_empty() {
        return None;
    }
    Some(Signature {
        name: KeyName::parse(name).ok()?,
        id: KeyId(u32::from_be_bytes(*id)),
        bytes: bytes.to_vec(),
    })
}

/// Keys for a message: a few, then how many more.
fn list<'a>(keys: impl Iterator<Item = (&'a KeyName, KeyId)>) -> String {
    let mut names: Vec<_> = keys.map(|(name, id)| format!("`{name}` ({id})")).collect();
    let more = names.len().saturating_sub(5);
    names.truncate(5);
    match (names.is_empty(), more) {
        (true, _) => "nobody".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
