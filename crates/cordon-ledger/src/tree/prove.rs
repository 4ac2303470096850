//! Making proofs from stored nodes (RFC 6962, sections 2.1.1 and 2.1.2).

use std::convert::Infallible;

use super::Frontier;
use crate::hash::{Hash, node_hash};

/// Where the hashes of complete subtrees are kept: tiles, a database, or the leaves themselves.
pub trait Nodes {
    /// Why a node could not be read.
    type Error: std::error::Error + 'static;

    /// The hash of the subtree over the 2^`level` leaves that begin with leaf `index` × 2^`level`.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// The nodes of a tree whose leaf hashes are all in memory. A proof costs one pass over them.
#[derive(Clone, Copy, Debug)]
pub struct Leaves<'a>(pub &'a [Hash]);

impl Nodes for Leaves<'_> {
    type Error = LeavesError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, LeavesError> {
        let outside = || LeavesError { level, index };
        let width = 1_usize.checked_shl(level.into()).ok_or_else(outside)?;
        let start =
            usize::try_from(index).ok().and_then(|index| index.checked_mul(width)).ok_or_else(outside)?;
        let end = start.checked_add(width).ok_or_else(outside)?;
        let leaves = self.0.get(start..end).ok_or_else(outside)?;
        Ok(leaves.iter().copied().collect::<Frontier>().root())
    }
}

/// There are not so many leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("subtree {index} of level {level} is not within the leaves")]
pub struct LeavesError {
    level: u8,
    index: u64,
}

/// That a leaf is in a tree: the hashes beside the way from the leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Position of the leaf.
    pub index: u64,
    /// The leaf's sibling first, the root's child last.
    pub path: Vec<Hash>,
}

/// That a tree is the beginning of a larger one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// In the order of RFC 6962, section 2.1.2.
    pub path: Vec<Hash>,
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError<E: std::error::Error + 'static = Infallible> {
    /// The older tree is larger than the newer.
    #[error("a tree of {old} leaves is not the beginning of one of {new}")]
    NotOlder {
        /// Size of the tree that should be the beginning.
        old: u64,
        /// Size of the whole tree.
        new: u64,
    },
    /// The leaf lies behind the end of the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Outside {
        /// Position of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// A node could not be read.
    #[error("cannot read subtree {index} of level {level}")]
    Node {
        /// Level of the node.
        level: u8,
        /// Index within the level.
        index: u64,
        /// Why.
        source: E,
    },
}

/// The proof that leaf `index` is in the tree of the first `size` leaves (RFC 6962, section 2.1.1).
pub fn inclusion<N: Nodes>(index: u64, size: u64, nodes: &N) -> Result<Inclusion, ProveError<N::Error>> {
    if index >= size {
        return Err(ProveError::Outside { index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtree_root(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(subtree_root(start, middle, nodes)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Inclusion { index, path })
}

/// The proof that the tree of the first `old` leaves is the beginning of the tree of the first `new` leaves (RFC 6962,
/// section 2.1.2). Empty when `old` is 0 or `new`: then there is nothing to add to the two heads.
pub fn consistency<N: Nodes>(old: u64, new: u64, nodes: &N) -> Result<Consistency, ProveError<N::Error>> {
    if old > new {
        return Err(ProveError::NotOlder { old, new });
    }
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(Consistency { path });
    }
    let (mut start, mut end) = (0, new);
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(subtree_root(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(subtree_root(start, middle, nodes)?);
            start = middle;
        }
    }
    // While the subtree still begins at leaf 0 it is the old tree itself, whose root the verifier knows.
    if start > 0 {
        path.push(subtree_root(start, end, nodes)?);
    }
    path.reverse();
    Ok(Consistency { path })
}

/// The largest power of two that is smaller than `width`, which is at least 2: where RFC 6962 splits.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// The root over the leaves `start..end`, where `start` is a multiple of a power of two that is at least `end - start`
/// (or 0), as in all splits of RFC 6962.
fn subtree_root<N: Nodes>(start: u64, end: u64, nodes: &N) -> Result<Hash, ProveError<N::Error>> {
    let mut peaks = Vec::new();
    for (level, index) in subtrees(start, end) {
        let node = nodes.node(level, index);
        peaks.push(node.map_err(|source| ProveError::Node { level, index, source })?);
    }
    let root = peaks.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    // Not empty: no caller asks for an empty range.
    Ok(root.unwrap_or(Hash::EMPTY_TREE))
}

/// The complete subtrees (level, index) that make up the leaves `start..end`, the largest and leftmost first.
pub(super) fn subtrees(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let level = u8::try_from((end - at).checked_ilog2()?).ok()?;
        let index = at >> level;
        at += 1 << level;
        Some((level, index))
    })
}
