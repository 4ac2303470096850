//! Entry bundles: up to 256 entries, each behind its length as two big-endian bytes.

use super::Tile;

/// The longest entry: its length is written as 16 bits.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// An entry that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an entry of {0} bytes is too long: {MAX_ENTRY} fit\nhelp: log a digest of larger content, and keep the content beside"
)]
pub struct EntryTooLong(pub usize);

/// What is wrong with the bytes of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is cut off.
    #[error("bundle `{bundle}` ends within its entry {entry}")]
    Truncated {
        /// Which bundle.
        bundle: Tile,
        /// Which entry in it, from 0.
        entry: u16,
    },
    /// There are bytes behind the last entry.
    #[error("bundle `{bundle}` has {bytes} bytes behind its last entry")]
    TooLong {
        /// Which bundle.
        bundle: Tile,
        /// Bytes left over.
        bytes: usize,
    },
}

/// Appends an entry to a bundle.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle: exactly as many as it is wide. Nothing says yet that they are the right ones.
pub fn entries(bundle: Tile, bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(bundle.width().into());
    for entry in 0..bundle.width() {
        let split = rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(u16::from_be_bytes(*length).into()));
        let (bytes, behind) = split.ok_or(BundleError::Truncated { bundle, entry })?;
        entries.push(bytes);
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::TooLong { bundle, bytes: rest.len() }) }
}
