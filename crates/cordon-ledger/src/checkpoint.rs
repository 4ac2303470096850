//! Checkpoints (`c2sp.org/tlog-checkpoint`): the text of the note in which a log signs its head.

use std::fmt;

use crate::{
    hash::Hash,
    note::{MAX_NOTE, Note, SignError, Signer},
    text::decimal,
    tree::Head,
};

/// Bytes of the longest origin; cosigners count it in one byte.
const MAX_ORIGIN: usize = 255;

/// Which log, how many leaves, which root. Nobody signed it yet, or nobody checked the signature:
/// [`crate::verify::SignedHead`] is the checked one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: Head,
    extensions: Vec<String>,
}

/// A text that is not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// A head of no leaves with another root than the empty tree's.
    #[error("a log without entries has the root of the empty tree, not {0}")]
    EmptyRoot(Hash),
    /// An extension line is empty or holds a control character.
    #[error("an extension line of a checkpoint is one line, and not empty")]
    Extension,
    /// Not at least three lines, or the last does not end.
    #[error("a checkpoint has the lines origin, size and root, each ended by a newline")]
    Lines,
    /// Not an origin.
    #[error("the origin of a checkpoint is one line of 1 to {MAX_ORIGIN} bytes")]
    Origin,
    /// Not a root.
    #[error("the third line of a checkpoint is the root: 32 bytes in canonical base64")]
    Root,
    /// Not a size.
    #[error("the second line of a checkpoint is the size: a decimal below 2^64 without leading zeros")]
    Size,
    /// Longer than a note may be.
    #[error("a checkpoint of {0} bytes is too long")]
    TooLong(usize),
}

impl Checkpoint {
    /// The checkpoint of a log at this head.
    pub fn new(origin: impl Into<String>, head: Head) -> Result<Self, CheckpointError> {
        Self::with_extensions(origin, head, Vec::new())
    }

    /// With extension lines, of which the specification advises against: nobody audits them.
    pub fn with_extensions(
        origin: impl Into<String>,
        head: Head,
        extensions: Vec<String>,
    ) -> Result<Self, CheckpointError> {
        let origin = origin.into();
        let control = |line: &str| line.bytes().any(|byte| byte < b' ');
        if origin.is_empty() || origin.len() > MAX_ORIGIN || control(&origin) {
            return Err(CheckpointError::Origin);
        }
        if extensions.iter().any(|line| line.is_empty() || control(line)) {
            return Err(CheckpointError::Extension);
        }
        if head.size == 0 && head.root != Hash::EMPTY_TREE {
            return Err(CheckpointError::EmptyRoot(head.root));
        }
        Ok(Self { origin, head, extensions })
    }

    /// Reads the text of a checkpoint, in its one form.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        if text.len() > MAX_NOTE {
            return Err(CheckpointError::TooLong(text.len()));
        }
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Lines);
        };
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = Hash::from_base64(root).map_err(|_| CheckpointError::Root)?;
        Self::with_extensions(origin, Head { size, root }, lines.map(str::to_owned).collect())
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Lines behind the root. No meaning is given to them here.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The note with the signatures of these keys: one, or two while a key is being replaced.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Note, SignCheckpointError> {
        let mut note = Note::new(self.to_string()).map_err(|_| SignCheckpointError::TooLong)?;
        for signer in signers {
            note.sign(*signer)?;
        }
        Ok(note)
    }
}

/// Why a checkpoint could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignCheckpointError {
    /// A signer refused or failed.
    #[error("cannot sign the checkpoint")]
    Sign(#[from] SignError),
    /// The extension lines are longer than a note may be.
    #[error("the extension lines do not fit into a note")]
    TooLong,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.head.size, self.head.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
