//! The Merkle tree of RFC 6962, section 2.1: its head, its growth in O(log n) memory, and its proofs.
//!
//! Proofs are made here and checked only by [`crate::Verifier`], together with a signed checkpoint.

use crate::hash::{Hash, node_hash};

mod check;
mod prove;

pub use check::{ConsistencyError, InclusionError};
pub(crate) use check::{check_consistency, check_inclusion};
pub use prove::{Consistency, Inclusion, Leaves, Nodes, ProveError, consistency, inclusion};

/// How many leaves a tree has, and its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// Root hash; [`Hash::EMPTY_TREE`] when there are no leaves.
    pub root: Hash,
}

/// What of a tree is needed to append to it and to know its root: the roots of its complete subtrees, one for each bit
/// of the size, the largest first. At most 62 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// INVARIANT: `peaks.len() == size.count_ones()`.
    peaks: Vec<Hash>,
}

/// Bytes that are not a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Not as long as the size in it demands.
    #[error("a frontier of {size} leaves has {expected} bytes, not {found}")]
    Length {
        /// The size that the bytes state.
        size: u64,
        /// Bytes that a frontier of this size has.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// Too short to hold a size.
    #[error("a frontier begins with 8 bytes of size")]
    NoSize,
    /// A size that no tree reaches.
    #[error("a tree of {0} leaves does not exist")]
    TooLarge(u64),
}

impl Frontier {
    /// The largest size that is read back: so far from the end of `u64` that no process counts up to it.
    pub const MAX_SIZE: u64 = 1 << 62;

    /// The frontier of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Hash::EMPTY_TREE };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        Head { size: self.size, root: self.root() }
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends one leaf hash and calls `complete` with level, index and hash of each subtree that is now complete, the
    /// leaf itself (level 0) first. A subtree of level l has 2^l leaves.
    pub fn push_with(&mut self, leaf: Hash, mut complete: impl FnMut(u8, u64, Hash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        complete(level, index, hash);
        while index & 1 == 1 {
            // By the invariant there is a peak for each bit of the size; the lowest bit's is the last.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            index >>= 1;
            level += 1;
            complete(level, index, hash);
        }
        self.peaks.push(hash);
        // Not more than MAX_SIZE was read, and 2^62 calls do not happen.
        self.size += 1;
    }

    /// The frontier of a tree of `size` leaves whose complete subtrees are at hand.
    pub fn from_nodes<N: Nodes>(size: u64, nodes: &N) -> Result<Self, N::Error> {
        let peaks = prove::subtrees(0, size)
            .map(|(level, index)| nodes.node(level, index))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }

    /// For a cache: the size (big-endian), then the peaks. Whoever reads it back compares the root with a checkpoint.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            bytes.extend_from_slice(peak.as_bytes());
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, rest) = bytes.split_first_chunk::<8>().ok_or(FrontierError::NoSize)?;
        let size = u64::from_be_bytes(*size);
        if size > Self::MAX_SIZE {
            return Err(FrontierError::TooLarge(size));
        }
        let (chunks, left_over) = rest.as_chunks::<{ Hash::SIZE }>();
        if !left_over.is_empty() || chunks.len() != size.count_ones() as usize {
            let expected = 8 + size.count_ones() as usize * Hash::SIZE;
            return Err(FrontierError::Length { size, expected, found: bytes.len() });
        }
        Ok(Self { size, peaks: chunks.iter().copied().map(Hash::new).collect() })
    }
}

impl Extend<Hash> for Frontier {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

impl FromIterator<Hash> for Frontier {
    fn from_iter<T: IntoIterator<Item = Hash>>(leaves: T) -> Self {
        let mut frontier = Self::new();
        frontier.extend(leaves);
        frontier
    }
}

#[cfg(test)]
mod tests;
