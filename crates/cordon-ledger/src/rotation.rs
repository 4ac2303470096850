//! Replacing the key of a log: a statement that both keys sign, and the chain of such statements from one trusted key.
//!
//! A statement is a signed note whose text is
//!
//! ```text
//! cordon-ledger/key-rotation@v1
//! origin <origin of the log>
//! old <text form of the key that ends>
//! new <text form of the key that begins>
//! from <size of the first checkpoint that the new key signs>
//! ```
//!
//! No text is both this and a checkpoint: the second line of a checkpoint is a number. Checkpoints below `from` are
//! signed by the old key, those at and above by the new one, each by no other. A key that was lost or stolen cannot be
//! replaced so: then trust begins anew, with a key given by hand.

use std::fmt;

use crate::{
    note::{
        Algorithm, KeyError, KeyId, MAX_NOTE, Note, NoteError, OpenError, SignError, Signer, VerifierKey,
    },
    text::decimal,
};

/// The first line of a statement.
const HEADER: &str = "cordon-ledger/key-rotation@v1";

/// Keys that a log may have had.
pub const MAX_KEYS: usize = 4096;

/// Which key follows which, in which log, from which size on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    origin: String,
    old: VerifierKey,
    new: VerifierKey,
    from: u64,
}

/// Why a rotation is not one.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The statement is about another log.
    #[error("the rotation is of log `{found}`, not of `{expected}`")]
    Origin {
        /// The log whose keys these are.
        expected: String,
        /// The log in the statement.
        found: String,
    },
    /// The text is not that of a rotation.
    #[error("the statement is not a rotation: line {0} is not as it must be")]
    Form(usize),
    /// A key in it is not one.
    #[error("line {line} of the rotation holds no key")]
    Key {
        /// Which line.
        line: usize,
        /// Why.
        source: KeyError,
    },
    /// Not a note.
    #[error("the rotation is not a signed note")]
    Note(#[from] NoteError),
    /// Not signed.
    #[error("the rotation is not signed by the keys in it")]
    Open(#[from] OpenError),
    /// One of the two keys did not sign.
    #[error("key `{0}` did not sign the rotation\nhelp: both must, the old key and the new one")]
    NotSigned(KeyId),
    /// The old key in it is not the present one.
    #[error("the rotation replaces key {found}, but the present key is {present}")]
    NotPresent {
        /// The key that signs now.
        present: KeyId,
        /// The key that the statement replaces.
        found: KeyId,
    },
    /// It begins before the present key does, or together with it.
    #[error("the rotation begins at size {from}, the present key began at {present}")]
    NotLater {
        /// Where the present key began.
        present: u64,
        /// Where the new key would begin.
        from: u64,
    },
    /// The new key signed before.
    #[error("key {0} was in use before: a retired key does not come back")]
    Reused(KeyId),
    /// A key that signs no checkpoints.
    #[error("key {0} is a witness's: a log signs with algorithm 0x01")]
    Witness(KeyId),
    /// A signer failed.
    #[error("cannot sign the rotation")]
    Sign(#[from] SignError),
    /// More rotations than are read.
    #[error("a log has at most {MAX_KEYS} keys")]
    TooMany,
}

impl Rotation {
    /// The statement that `new` replaces `old` in the log `origin` from checkpoints of `from` entries on, signed by both.
    pub fn sign(origin: &str, old: &dyn Signer, new: &dyn Signer, from: u64) -> Result<Note, RotationError> {
        let rotation = Self {
            origin: origin.to_owned(),
            old: old.verifier_key().clone(),
            new: new.verifier_key().clone(),
            from,
        };
        let text = rotation.to_string();
        // What cannot be read again is not signed.
        Self::parse(&text)?;
        let mut note = Note::new(text)?;
        note.sign(old)?;
        note.sign(new)?;
        Ok(note)
    }

    fn parse(text: &str) -> Result<Self, RotationError> {
        if text.len() > MAX_NOTE {
            return Err(NoteError::TooLong(text.len()).into());
        }
        let mut lines = text.split('\n').zip(1..);
        let mut line = |prefix: &str, at| {
            let (line, _) = lines.next().ok_or(RotationError::Form(at))?;
            line.strip_prefix(prefix).ok_or(RotationError::Form(at))
        };
        if !line(HEADER, 1)?.is_empty() {
            return Err(RotationError::Form(1));
        }
        let origin = line("origin ", 2)?.to_owned();
        let key = |text, line| VerifierKey::parse(text).map_err(|source| RotationError::Key { line, source });
        let old = key(line("old ", 3)?, 3)?;
        let new = key(line("new ", 4)?, 4)?;
        let from = decimal(line("from ", 5)?).ok_or(RotationError::Form(5))?;
        let rotation = Self { origin, old, new, from };
        if rotation.to_string() != text || rotation.origin.is_empty() {
            return Err(RotationError::Form(6));
        }
        Ok(rotation)
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that ends.
    pub fn old(&self) -> &VerifierKey {
        &self.old
    }

    /// The key that begins.
    pub fn new_key(&self) -> &VerifierKey {
        &self.new
    }

    /// Size of the first checkpoint that the new key signs.
    pub fn from(&self) -> u64 {
        self.from
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, old, new, from } = self;
        write!(f, "{HEADER}\norigin {origin}\nold {old}\nnew {new}\nfrom {from}\n")
    }
}

/// The keys of one log, from one that is trusted, through statements that each present key signed.
#[derive(Clone, Debug)]
pub struct KeyHistory {
    origin: String,
    /// The keys after the first. INVARIANT: the sizes increase strictly, from above 0.
    keys: Vec<(u64, VerifierKey)>,
    first: VerifierKey,
}

impl KeyHistory {
    /// The history that begins with a trusted key.
    pub fn new(origin: impl Into<String>, trusted: VerifierKey) -> Result<Self, RotationError> {
        if trusted.algorithm() != Algorithm::Ed25519 {
            return Err(RotationError::Witness(trusted.id()));
        }
        Ok(Self { origin: origin.into(), keys: Vec::new(), first: trusted })
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Adds the next rotation: a signed note. When it is refused the history stays as it was.
    pub fn accept(&mut self, statement: &[u8]) -> Result<Rotation, RotationError> {
        let note = Note::parse(statement)?;
        let rotation = Rotation::parse(note.unverified_text())?;
        let Rotation { origin, old, new, from } = &rotation;
        if *origin != self.origin {
            return Err(RotationError::Origin { expected: self.origin.clone(), found: origin.clone() });
        }
        let (present_from, present) = self.present();
        if old != present {
            return Err(RotationError::NotPresent { present: present.id(), found: old.id() });
        }
        if *from <= present_from {
            return Err(RotationError::NotLater { present: present_from, from: *from });
        }
        if new.algorithm() != Algorithm::Ed25519 {
            return Err(RotationError::Witness(new.id()));
        }
        if self.keys().any(|(_, key)| key.public_key() == new.public_key()) {
            return Err(RotationError::Reused(new.id()));
        }
        if self.keys.len() + 1 >= MAX_KEYS {
            return Err(RotationError::TooMany);
        }
        let keys = [old.clone(), new.clone()];
        let opened = note.open(&keys)?;
        if let Some(missing) = keys.iter().find(|key| !opened.signers().contains(key)) {
            return Err(RotationError::NotSigned(missing.id()));
        }
        self.keys.push((*from, new.clone()));
        Ok(rotation)
    }

    /// All keys, with the size from which on each signs.
    pub fn keys(&self) -> impl Iterator<Item = (u64, &VerifierKey)> {
        std::iter::once((0, &self.first)).chain(self.keys.iter().map(|(from, key)| (*from, key)))
    }

    /// The present key, and from which size on it signs.
    pub fn present(&self) -> (u64, &VerifierKey) {
        self.keys.last().map_or((0, &self.first), |(from, key)| (*from, key))
    }

    /// The one key that may sign a checkpoint of `size` entries.
    pub fn key_at(&self, size: u64) -> &VerifierKey {
        let later = self.keys.partition_point(|(from, _)| *from <= size);
        self.keys.get(..later).and_then(<[_]>::last).map_or(&self.first, |(_, key)| key)
    }
}

#[cfg(test)]
mod tests;
