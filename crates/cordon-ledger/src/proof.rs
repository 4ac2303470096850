//! Proofs as text: `c2sp.org/tlog-proof@v1`, and a form of our own for an entry of a tree within the tree.
//!
//! A nested proof is for a log whose entries hold heads of other trees (journals). Its form is
//!
//! ```text
//! cordon-ledger/nested-proof@v1
//! index <position in the inner tree>
//! <the hashes of the inner path, base64, one a line, the leaf's sibling first>
//!
//! entry <base64 of the entry of the log that holds the head of the inner tree>
//!
//! c2sp.org/tlog-proof@v1
//! <the rest of the proof that this entry is in the log>
//! ```

use std::fmt::{self, Write as _};

use crate::{
    hash::Hash,
    note::{MAX_NOTE, Note, NoteError},
    text::{decimal, from_base64, to_base64},
    tiles::{EntryTooLong, MAX_ENTRY},
    tree::Inclusion,
};

/// The first line of a proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// The first line of a nested proof.
const NESTED_HEADER: &str = "cordon-ledger/nested-proof@v1\n";

/// Bytes of extra data that a proof may carry.
pub const MAX_EXTRA: usize = 65_536;

/// Hashes of the longest path: a tree has less than 2^64 leaves.
const MAX_PATH: usize = 64;

/// Bytes of the longest proof: its checkpoint, its extra data in base64, its path.
pub const MAX_PROOF: usize = MAX_NOTE + MAX_EXTRA * 4 / 3 + 4 + 64 * 45 + 100;

/// Bytes of the longest nested proof.
pub const MAX_NESTED_PROOF: usize = MAX_PROOF + MAX_ENTRY * 4 / 3 + 4 + 64 * 45 + 100;

/// That an entry is in a log: its position, its path, and the checkpoint with its signatures. Nothing is verified yet:
/// that is [`crate::Verifier::verify`], which also needs the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    extra: Option<Vec<u8>>,
    inclusion: Inclusion,
    checkpoint: Note,
}

/// Bytes that are not a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The checkpoint in it is not a note.
    #[error("the checkpoint of the proof is not a signed note")]
    Checkpoint(#[source] NoteError),
    /// The entry of a nested proof is not there, or too long.
    #[error("the proof has no line `entry <base64>` of at most {MAX_ENTRY} bytes between its paths")]
    Entry,
    /// The extra data is not there, or too long.
    #[error("the extra data of the proof is not 1 to {MAX_EXTRA} bytes in canonical base64")]
    Extra,
    /// Not the first line of a proof of this kind and version.
    #[error("the proof does not begin with `{expected}`")]
    Header {
        /// The line that it must begin with.
        expected: &'static str,
    },
    /// The line with the position is not there.
    #[error("the proof has no line `index <decimal without leading zeros>`")]
    Index,
    /// No empty line behind the path.
    #[error("the proof ends before its checkpoint")]
    NoCheckpoint,
    /// Not UTF-8.
    #[error("a proof is UTF-8")]
    NotUtf8,
    /// A line of the path is not a hash.
    #[error("hash {0} of the path is not 32 bytes in canonical base64")]
    Path(usize),
    /// More hashes than any tree asks for.
    #[error("the path has more than {MAX_PATH} hashes")]
    PathTooLong,
    /// Too many bytes.
    #[error("a proof of {0} bytes is too long")]
    TooLong(usize),
}

impl Proof {
    /// A proof from its parts. The note is a signed checkpoint.
    pub fn new(inclusion: Inclusion, checkpoint: &Note) -> Self {
        Self { extra: None, inclusion, checkpoint: checkpoint.clone() }
    }

    /// With extra data: 1 to [`MAX_EXTRA`] bytes. Nobody signs it, so nobody may believe it.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, ProofError> {
        if extra.is_empty() || extra.len() > MAX_EXTRA {
            return Err(ProofError::Extra);
        }
        Ok(Self { extra: Some(extra), ..self })
    }

    /// Reads a proof, in its one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        Self::parse_text(to_text(bytes, MAX_PROOF)?)
    }

    fn parse_text(text: &str) -> Result<Self, ProofError> {
        let rest =
            text.strip_prefix(HEADER).ok_or(ProofError::Header { expected: HEADER.trim_ascii_end() })?;
        let (extra, rest) = match rest.strip_prefix("extra ") {
            Some(rest) => {
                let (extra, rest) = rest.split_once('\n').ok_or(ProofError::Extra)?;
                let extra = from_base64(extra).ok_or(ProofError::Extra)?;
                if extra.is_empty() || extra.len() > MAX_EXTRA {
                    return Err(ProofError::Extra);
                }
                (Some(extra), rest)
            }
            None => (None, rest),
        };
        let (inclusion, checkpoint) = parse_inclusion(rest)?;
        let checkpoint = Note::parse(checkpoint.as_bytes()).map_err(ProofError::Checkpoint)?;
        Ok(Self { extra, inclusion, checkpoint })
    }

    /// Position of the entry, as the proof claims it.
    pub fn index(&self) -> u64 {
        self.inclusion.index
    }

    /// Extra data. Nobody signs it.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    pub(crate) fn inclusion(&self) -> &Inclusion {
        &self.inclusion
    }

    pub(crate) fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", to_base64(extra))?;
        }
        write_inclusion(f, &self.inclusion)?;
        write!(f, "{}", self.checkpoint)
    }
}

/// That a frame is in a tree whose head stands in an entry of a log: both paths, the entry, and the signed checkpoint.
/// Nothing is verified yet: that is [`crate::Verifier::verify_nested`], which also needs the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedProof {
    inner: Inclusion,
    entry: Vec<u8>,
    outer: Proof,
}

impl NestedProof {
    /// A proof from its parts: that the frame is in the inner tree, the entry with the head of that tree, and that the
    /// entry is in the log.
    pub fn new(inner: Inclusion, entry: Vec<u8>, outer: Proof) -> Result<Self, EntryTooLong> {
        if entry.len() > MAX_ENTRY {
            return Err(EntryTooLong(entry.len()));
        }
        Ok(Self { inner, entry, outer })
    }

    /// Reads a nested proof, in its one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let text = to_text(bytes, MAX_NESTED_PROOF)?;
        let expected = NESTED_HEADER.trim_ascii_end();
        let rest = text.strip_prefix(NESTED_HEADER).ok_or(ProofError::Header { expected })?;
        let (inner, rest) = parse_inclusion(rest)?;
        let rest = rest.strip_prefix("entry ").ok_or(ProofError::Entry)?;
        let (entry, outer) = rest.split_once("\n\n").ok_or(ProofError::Entry)?;
        let entry = from_base64(entry).filter(|entry| entry.len() <= MAX_ENTRY).ok_or(ProofError::Entry)?;
        Ok(Self { inner, entry, outer: Proof::parse_text(outer)? })
    }

    /// Position of the frame in the inner tree, as the proof claims it.
    pub fn inner_index(&self) -> u64 {
        self.inner.index
    }

    /// Position of the entry in the log, as the proof claims it.
    pub fn entry_index(&self) -> u64 {
        self.outer.index()
    }

    pub(crate) fn inner(&self) -> &Inclusion {
        &self.inner
    }

    pub(crate) fn entry(&self) -> &[u8] {
        &self.entry
    }

    pub(crate) fn outer(&self) -> &Proof {
        &self.outer
    }
}

impl fmt::Display for NestedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NESTED_HEADER)?;
        write_inclusion(f, &self.inner)?;
        write!(f, "entry {}\n\n{}", to_base64(&self.entry), self.outer)
    }
}

fn to_text(bytes: &[u8], longest: usize) -> Result<&str, ProofError> {
    if bytes.len() > longest {
        return Err(ProofError::TooLong(bytes.len()));
    }
    std::str::from_utf8(bytes).map_err(|_| ProofError::NotUtf8)
}

/// `index <decimal>`, the hashes, and an empty line; with what follows.
fn parse_inclusion(text: &str) -> Result<(Inclusion, &str), ProofError> {
    let rest = text.strip_prefix("index ").ok_or(ProofError::Index)?;
    let (index, mut rest) = rest.split_once('\n').ok_or(ProofError::Index)?;
    let index = decimal(index).ok_or(ProofError::Index)?;
    let mut path = Vec::new();
    loop {
        let (line, behind) = rest.split_once('\n').ok_or(ProofError::NoCheckpoint)?;
        rest = behind;
        if line.is_empty() {
            return Ok((Inclusion { index, path }, rest));
        }
        if path.len() == MAX_PATH {
            return Err(ProofError::PathTooLong);
        }
        path.push(Hash::from_base64(line).map_err(|_| ProofError::Path(path.len()))?);
    }
}

fn write_inclusion(f: &mut fmt::Formatter<'_>, inclusion: &Inclusion) -> fmt::Result {
    writeln!(f, "index {}", inclusion.index)?;
    inclusion.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
    f.write_char('\n')
}
