//! The tree against another implementation: Go's `golang.org/x/mod/sumdb/tlog`.
//!
//! The digests below come from version 0.7.0 of that module, with the 700 entries `entry 0` to `entry 699`: each record
//! through `tlog.StoredHashes`; after each one `tlog.TreeHash` into one SHA-256; for the sizes 1 to 130 and 700 the hashes
//! of `tlog.ProveRecord` for each index, and of `tlog.ProveTree` for each older size from 1 on, into one SHA-256 each; and
//! `tlog.ReadTileData` of the tiles `8/0/000`, `8/0/001`, `8/0/002.p/188` and `8/1/000.p/2`, in this order, into another.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code")]

use cordon_ledger::{
    Frontier, Hash, leaf_hash,
    tiles::TileWriter,
    tree::{self, Leaves},
};
use sha2::{Digest, Sha256};

const ROOTS: &str = "79806a62b43182b8c5439fa3726101819170e33384e77f6fe4a9d4512ee7a0e6";
const INCLUSION: &str = "e25de4b1d631e465ba63825726f3287237e5114d8e1ab4fbbf2b2be97741d4db";
const CONSISTENCY: &str = "92de3d5ca460ceb0e710fd29117cb7c459422e1d29a575958d6b211916b9f321";
const TILES: &str = "608ecef49ad8daec40a9688532cce7dec1eda2f071456b6b5e54bfbbfa948ac3";

fn leaves() -> Vec<Hash> {
    (0..700).map(|index| leaf_hash(format!("entry {index}").as_bytes())).collect()
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    format!("{:x}", Hash::new(hasher.finalize().into()))
}

#[test]
fn roots_are_those_of_go() {
    let mut frontier = Frontier::new();
    let mut roots = Vec::new();
    for leaf in leaves() {
        frontier.push(leaf);
        roots.push(frontier.root());
    }
    assert_eq!(digest(roots.iter().map(|root| root.as_bytes().as_slice())), ROOTS);
}

#[test]
fn proofs_are_those_of_go() {
    let leaves = leaves();
    let nodes = Leaves(&leaves);
    let (mut inclusion, mut consistency) = (Vec::new(), Vec::new());
    for size in (1..=130).chain([700]) {
        for index in 0..size {
            inclusion.extend(tree::inclusion(index, size, &nodes).unwrap().path);
        }
        for old in 1..=size {
            consistency.extend(tree::consistency(old, size, &nodes).unwrap().path);
        }
    }
    assert_eq!(digest(inclusion.iter().map(|hash| hash.as_bytes().as_slice())), INCLUSION);
    assert_eq!(digest(consistency.iter().map(|hash| hash.as_bytes().as_slice())), CONSISTENCY);
}

#[test]
fn tiles_are_those_of_go() {
    let mut writer = TileWriter::new();
    leaves().into_iter().for_each(|leaf| writer.push(leaf));
    let files = writer.cut();
    let paths: Vec<_> = files.iter().map(|file| file.tile.path()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]);
    assert_eq!(digest(files.iter().map(|file| file.bytes.as_slice())), TILES);
}
