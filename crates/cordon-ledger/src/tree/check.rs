//! Checking proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2). Crate-private: a proof is checked only against a signed head.

use super::{Consistency, Head, Inclusion};
use crate::hash::{Hash, node_hash};

/// What is wrong with an inclusion proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The path has not the length that index and size demand.
    #[error("the path to leaf {index} of {size} has {expected} hashes, not {found}")]
    Length {
        /// Position of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
        /// Hashes that the path must have.
        expected: usize,
        /// Hashes that it has.
        found: usize,
    },
    /// The leaf lies behind the end of the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Outside {
        /// Position of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// Entry and path lead to another root: entry, index, a hash of the path, or the head is not the right one.
    #[error(
        "leaf {index} with hash {leaf} leads to root {computed}, but the head of {size} leaves has root {stated}"
    )]
    Root {
        /// Position of the leaf.
        index: u64,
        /// Hash of the entry.
        leaf: Hash,
        /// Leaves of the tree.
        size: u64,
        /// Where the path leads.
        computed: Hash,
        /// The root of the head.
        stated: Hash,
    },
}

/// What is wrong with a consistency proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The path has not the length that the sizes demand.
    #[error("the proof from {old} to {new} leaves has {expected} hashes, not {found}")]
    Length {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
        /// Hashes that the proof must have.
        expected: usize,
        /// Hashes that it has.
        found: usize,
    },
    /// The older head has more leaves than the newer: the log was rolled back, or the two were exchanged.
    #[error("the older head has {old} leaves, the newer only {new}: rolled back, or exchanged")]
    NotOlder {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
    /// The proof does not lead to the newer root.
    #[error("the proof leads to root {computed} for {size} leaves, the newer head has root {stated}")]
    NewRoot {
        /// Leaves of the newer tree.
        size: u64,
        /// Where the proof leads.
        computed: Hash,
        /// The root of the newer head.
        stated: Hash,
    },
    /// The proof does not lead to the older root: history was rewritten, or the proof is for another head.
    #[error(
        "the proof leads to root {computed} for the first {size} leaves, the older head has root {stated}"
    )]
    OldRoot {
        /// Leaves of the older tree.
        size: u64,
        /// Where the proof leads.
        computed: Hash,
        /// The root of the older head.
        stated: Hash,
    },
    /// Two heads of the same size with different roots: a fork.
    #[error("two heads of {size} leaves have the roots {old} and {new}: a fork")]
    SameSize {
        /// Leaves of both.
        size: u64,
        /// Root of the older head.
        old: Hash,
        /// Root of the newer head.
        new: Hash,
    },
}

/// Checks that `leaf` is where `proof` says in the tree of `head`.
pub(crate) fn check_inclusion(leaf: Hash, proof: &Inclusion, head: Head) -> Result<(), InclusionError> {
    let Inclusion { index, ref path } = *proof;
    let Head { size, root: stated } = head;
    if index >= size {
        return Err(InclusionError::Outside { index, size });
    }
    // Up to `inner` levels the way is within complete subtrees and the bit of the index says which side; above, it goes
    // along the right edge of the tree, where only a left sibling counts.
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    let expected = (inner + border) as usize;
    if path.len() != expected {
        return Err(InclusionError::Length { index, size, expected, found: path.len() });
    }
    let computed = (0_u32..).zip(path).fold(leaf, |hash, (level, sibling)| {
        if level < inner && (index >> level) & 1 == 0 {
            node_hash(&hash, sibling)
        } else {
            node_hash(sibling, &hash)
        }
    });
    if computed == stated {
        Ok(())
    } else {
        Err(InclusionError::Root { index, leaf, size, computed, stated })
    }
}

/// Checks that the tree of `old` is the beginning of the tree of `new`.
pub(crate) fn check_consistency(old: Head, new: Head, proof: &Consistency) -> Result<(), ConsistencyError> {
    let path = proof.path.as_slice();
    let length = |expected| match path.len() {
        found if found == expected => Ok(()),
        found => Err(ConsistencyError::Length { old: old.size, new: new.size, expected, found }),
    };
    if old.size > new.size {
        return Err(ConsistencyError::NotOlder { old: old.size, new: new.size });
    }
    if old.size == new.size {
        length(0)?;
        if old.root != new.root {
            return Err(ConsistencyError::SameSize { size: old.size, old: old.root, new: new.root });
        }
        return Ok(());
    }
    if old.size == 0 {
        length(0)?;
        return old_root(old, Hash::EMPTY_TREE);
    }
    length(expected_length(old.size, new.size))?;

    // RFC 9162, section 2.1.4.2. An old tree that is one complete subtree is itself the first node of the proof.
    let mut nodes = path.iter().copied();
    let seed = if old.size.is_power_of_two() { Some(old.root) } else { nodes.next() };
    let Some(seed) = seed else { return length(1) };
    let shift = (old.size - 1).trailing_ones();
    let (mut first, mut second) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut old_computed, mut new_computed) = (seed, seed);
    for node in nodes {
        if first & 1 == 1 || first == second {
            old_computed = node_hash(&node, &old_computed);
            new_computed = node_hash(&node, &new_computed);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                second >>= 1;
            }
        } else {
            new_computed = node_hash(&new_computed, &node);
        }
        first >>= 1;
        second >>= 1;
    }
    old_root(old, old_computed)?;
    if new_computed != new.root {
        return Err(ConsistencyError::NewRoot { size: new.size, computed: new_computed, stated: new.root });
    }
    Ok(())
}

fn old_root(old: Head, computed: Hash) -> Result<(), ConsistencyError> {
    if computed == old.root {
        return Ok(());
    }
    Err(ConsistencyError::OldRoot { size: old.size, computed, stated: old.root })
}

/// How many hashes the proof from `old` to `new` has, for 0 < `old` < `new`: the way of SUBPROOF in RFC 6962, section 2.1.2.
fn expected_length(old: u64, new: u64) -> usize {
    let (mut start, mut end, mut length) = (0, new, 0);
    while end > old {
        let middle = start + (1 << (end - start - 1).ilog2());
        length += 1;
        if old <= middle { end = middle } else { start = middle }
    }
    length + usize::from(start > 0)
}
