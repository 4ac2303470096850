#![allow(clippy::cast_possible_truncation, reason = "test code: sizes here are small")]

use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;

/// The entries of the tests of certificate-transparency (`merkletree/merkle_tree_test.cc`), in hex.
const ENTRIES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots over the first 1 to 8 of them, from the same place.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

// Nodes of that tree, by the range of its leaves.
const N_0_1: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const N_1_2: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const N_0_2: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const N_2_4: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const N_0_4: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const N_4_5: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const N_4_6: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const N_6_8: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const N_4_8: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().map(|hex| Hash::from_hex(hex).unwrap()).collect()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(format!("entry {index}").as_bytes())).collect()
}

/// MTH of RFC 6962, section 2.1, word for word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_TREE,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

fn head(leaves: &[Hash]) -> Head {
    Head { size: leaves.len() as u64, root: naive(leaves) }
}

#[test]
fn the_roots_of_the_known_entries() {
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), Hash::EMPTY_TREE);
    for (entry, root) in ENTRIES.iter().zip(ROOTS) {
        frontier.push(leaf_hash(entry));
        assert_eq!(format!("{:x}", frontier.root()), root, "{}", frontier.size());
    }
}

#[test]
fn the_inclusion_proofs_of_the_known_entries() {
    let leaves: Vec<_> = ENTRIES.iter().map(|entry| leaf_hash(entry)).collect();
    for (index, size, path) in [
        (0, 1, vec![]),
        (0, 8, vec![N_1_2, N_2_4, N_4_8]),
        (5, 8, vec![N_4_5, N_6_8, N_0_4]),
        (2, 3, vec![N_0_2]),
        (1, 5, vec![N_0_1, N_2_4, N_4_5]),
    ] {
        let proof = inclusion(index, size, &Leaves(&leaves)).unwrap();
        assert_eq!(proof.path, hashes(&path), "{index} of {size}");
    }
}

#[test]
fn the_consistency_proofs_of_the_known_entries() {
    let leaves: Vec<_> = ENTRIES.iter().map(|entry| leaf_hash(entry)).collect();
    for (old, new, path) in [
        (1, 1, vec![]),
        (1, 8, vec![N_1_2, N_2_4, N_4_8]),
        (6, 8, vec![N_4_6, N_6_8, N_0_4]),
        (2, 5, vec![N_2_4, N_4_5]),
    ] {
        let proof = consistency(old, new, &Leaves(&leaves)).unwrap();
        assert_eq!(proof.path, hashes(&path), "{old} to {new}");
    }
}

#[test]
fn every_proof_of_small_trees_holds() {
    let leaves = leaves(70);
    for new in 0..=leaves.len() {
        let new_head = head(&leaves[..new]);
        let nodes = Leaves(&leaves[..new]);
        for (leaf, index) in leaves[..new].iter().zip(0..) {
            let proof = inclusion(index, new as u64, &nodes).unwrap();
            assert_eq!(check_inclusion(*leaf, &proof, new_head), Ok(()));
        }
        for old in 0..=new {
            let proof = consistency(old as u64, new as u64, &nodes).unwrap();
            assert_eq!(check_consistency(head(&leaves[..old]), new_head, &proof), Ok(()), "{old} {new}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let leaves = leaves(9);
    let all = head(&leaves);
    let proof = inclusion(4, 9, &Leaves(&leaves)).unwrap();
    let wrong = check_inclusion(leaves[5], &proof, all);
    assert!(
        matches!(wrong, Err(InclusionError::Root { index: 4, size: 9, stated, .. }) if stated == all.root)
    );
    let wrong = check_inclusion(leaves[4], &Inclusion { index: 9, ..proof.clone() }, all);
    assert_eq!(wrong, Err(InclusionError::Outside { index: 9, size: 9 }));
    let wrong = check_inclusion(leaves[4], &Inclusion { index: 8, ..proof }, all);
    assert_eq!(wrong, Err(InclusionError::Length { index: 8, size: 9, expected: 1, found: 4 }));

    let (four, proof) = (head(&leaves[..4]), consistency(4, 9, &Leaves(&leaves)).unwrap());
    let backwards = check_consistency(all, four, &proof);
    assert_eq!(backwards, Err(ConsistencyError::NotOlder { old: 9, new: 4 }));
    let rewritten = Head { root: leaves[0], ..four };
    assert!(check_consistency(rewritten, all, &proof).is_err());
    let fork = check_consistency(four, rewritten, &Consistency { path: vec![] });
    assert!(matches!(fork, Err(ConsistencyError::SameSize { size: 4, .. })));
    let empty = Head { size: 0, root: leaves[0] };
    let wrong = check_consistency(empty, all, &Consistency { path: vec![] });
    assert!(matches!(wrong, Err(ConsistencyError::OldRoot { size: 0, .. })));
}

#[test]
fn proofs_that_cannot_be_made_are_refused() {
    let leaves = leaves(3);
    assert!(matches!(inclusion(3, 3, &Leaves(&leaves)), Err(ProveError::Outside { index: 3, size: 3 })));
    assert!(matches!(consistency(3, 2, &Leaves(&leaves)), Err(ProveError::NotOlder { old: 3, new: 2 })));
    assert!(matches!(inclusion(0, 8, &Leaves(&leaves)), Err(ProveError::Node { .. })));
    // Sizes that no memory holds ask for a node that is not there; they do not overflow.
    assert!(matches!(inclusion(0, u64::MAX, &Leaves(&leaves)), Err(ProveError::Node { .. })));
    assert!(matches!(inclusion(u64::MAX - 1, u64::MAX, &Leaves(&leaves)), Err(ProveError::Node { .. })));
    assert!(matches!(consistency(u64::MAX - 1, u64::MAX, &Leaves(&leaves)), Err(ProveError::Node { .. })));
    assert!(matches!(consistency(1 << 63, u64::MAX, &Leaves(&leaves)), Err(ProveError::Node { .. })));
}

#[test]
fn a_frontier_is_read_back_in_its_one_form() {
    let mut frontier = Frontier::new();
    for leaf in leaves(300) {
        frontier.push(leaf);
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
        assert!(Frontier::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Frontier::from_bytes(&[bytes, vec![0]].concat()).is_err());
    }
    assert_eq!(Frontier::from_bytes(&[0; 7]), Err(FrontierError::NoSize));
    assert_eq!(Frontier::from_bytes(&[0xff; 8 + 64 * 32]), Err(FrontierError::TooLarge(u64::MAX)));
}

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::new)
}

/// Sizes near both ends and near powers of two, where off-by-ones live.
fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..70,
        any::<u64>(),
        (0_u32..64, 0_u64..3).prop_map(|(bit, add)| (1_u64 << bit).wrapping_add(add).wrapping_sub(1)),
        (0_u64..3).prop_map(|below| u64::MAX - below),
    ]
}

proptest! {
    #[test]
    fn a_frontier_is_the_naive_recursion(count in 0_usize..600) {
        let leaves = leaves(count);
        let frontier: Frontier = leaves.iter().copied().collect();
        prop_assert_eq!(frontier.head(), head(&leaves));
        prop_assert_eq!(Frontier::from_nodes(count as u64, &Leaves(&leaves)).unwrap(), frontier);
    }

    #[test]
    fn hostile_proofs_end(
        index in any_size(),
        sizes in (any_size(), any_size()),
        path in proptest::collection::vec(any_hash(), 0..70),
        root in any_hash(),
    ) {
        let (old, new) = (Head { size: sizes.0, root }, Head { size: sizes.1, root });
        let included = check_inclusion(root, &Inclusion { index, path: path.clone() }, new).is_ok();
        prop_assert!(!included || (new.size == 1 && path.is_empty()));
        let same = old.size == new.size && path.is_empty();
        let consistent = check_consistency(old, new, &Consistency { path }).is_ok();
        prop_assert!(!consistent || same);
    }

    #[test]
    fn any_change_of_an_inclusion_proof_is_found(
        size in 1_u64..200, at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
        other in any_size(), extra in any_hash(),
    ) {
        let leaves = leaves(size as usize);
        let (index, head) = (at.index(leaves.len()), head(&leaves));
        let proof = inclusion(index as u64, size, &Leaves(&leaves)).unwrap();
        let leaf = leaves[index];
        let holds = |leaf, proof: &Inclusion, head| check_inclusion(leaf, proof, head).is_ok();
        prop_assert!(holds(leaf, &proof, head));

        prop_assert!(!holds(flip(leaf, bit.index(256)), &proof, head));
        let wrong = Head { root: flip(head.root, bit.index(256)), ..head };
        prop_assert!(!holds(leaf, &proof, wrong));
        let changed = Inclusion { index: other, ..proof.clone() };
        prop_assert!(other == proof.index || !holds(leaf, &changed, head));
        for position in 0..proof.path.len() {
            let mut changed = proof.clone();
            changed.path[position] = flip(changed.path[position], bit.index(256));
            prop_assert!(!holds(leaf, &changed, head));
            let mut shorter = proof.clone();
            shorter.path.remove(position);
            prop_assert!(!holds(leaf, &shorter, head));
        }
        for position in 0..=proof.path.len() {
            let mut longer = proof.clone();
            longer.path.insert(position, extra);
            prop_assert!(!holds(leaf, &longer, head));
        }
    }

    #[test]
    fn any_change_of_a_consistency_proof_is_found(
        new in 1_u64..200, at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
        extra in any_hash(),
    ) {
        let leaves = leaves(new as usize);
        let old = at.index(leaves.len() + 1);
        let (old, new) = (head(&leaves[..old]), head(&leaves));
        let proof = consistency(old.size, new.size, &Leaves(&leaves)).unwrap();
        let holds = |old, new, proof: &Consistency| check_consistency(old, new, proof).is_ok();
        prop_assert!(holds(old, new, &proof));

        let wrong = |head: Head| Head { root: flip(head.root, bit.index(256)), ..head };
        prop_assert!(!holds(wrong(old), new, &proof));
        // From the empty tree to any other there is nothing to check but the signatures.
        prop_assert!(old.size == 0 || !holds(old, wrong(new), &proof));
        for position in 0..proof.path.len() {
            let mut changed = proof.clone();
            changed.path[position] = flip(changed.path[position], bit.index(256));
            prop_assert!(!holds(old, new, &changed));
            let mut shorter = proof.clone();
            shorter.path.remove(position);
            let shorter = check_consistency(old, new, &shorter);
            let length = matches!(shorter, Err(ConsistencyError::Length { .. }));
            prop_assert!(length);
        }
        for position in 0..=proof.path.len() {
            let mut longer = proof.clone();
            longer.path.insert(position, extra);
            let longer = check_consistency(old, new, &longer);
            let length = matches!(longer, Err(ConsistencyError::Length { .. }));
            prop_assert!(length);
        }
    }

    #[test]
    fn random_bytes_are_no_frontier(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }
}

fn flip(hash: Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::new(bytes)
}
