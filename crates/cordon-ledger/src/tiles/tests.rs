#![allow(clippy::cast_possible_truncation, reason = "test code: sizes here are small")]

use std::{collections::BTreeMap, convert::Infallible};

use proptest::prelude::*;

use super::*;
use crate::{
    hash::{Hash, leaf_hash},
    tree::{self, Frontier, Leaves, Nodes},
};

/// Files in memory.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn write(&mut self, files: Vec<File>) {
        for File { tile, bytes } in files {
            let before = self.0.insert(tile.path(), bytes.clone());
            assert!(before.is_none_or(|before| before == bytes), "{tile} changed");
        }
    }
}

impl Tiles for Files {
    type Error = Infallible;

    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&tile.path()).cloned())
    }
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

#[test]
fn paths_are_those_of_the_specification() {
    for (path, row, index, width) in [
        ("tile/0/000", Row::Hashes(0), 0, 256),
        ("tile/0/x001/x234/067", Row::Hashes(0), 1_234_067, 256),
        ("tile/0/x001/x234/067.p/1", Row::Hashes(0), 1_234_067, 1),
        ("tile/63/999.p/255", Row::Hashes(63), 999, 255),
        ("tile/entries/x001/000.p/8", Row::Entries, 1000, 8),
        ("tile/2/x018/x446/x744/x073/x709/x551/615", Row::Hashes(2), u64::MAX, 256),
    ] {
        let tile = Tile::new(row, index, width).unwrap();
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path), Ok(tile));
    }
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001/x001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/001.p/1/2",
        "tile/0/+01",
        "tile/0/xx01",
        "/tile/0/001",
        "tile/entries/",
        "tile/Entries/001",
        "tile/0/001/",
        "tile/0/x001//001",
        "checkpoint",
        "tile/0/x1٣/001",
        "tile/2/x018/x446/x744/x073/x709/x551/616",
        "tile/2/x001/x018/x446/x744/x073/x709/x551/615",
    ] {
        assert!(Tile::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
    let mut writer = TileWriter::new();
    leaves(70_000).into_iter().for_each(|leaf| writer.push(leaf));
    let tiles: Vec<_> = writer.cut().iter().map(|file| (file.tile, file.bytes.len())).collect();
    let count = |row, width| {
        let matching = |(tile, bytes): &&(Tile, usize)| {
            tile.row() == row && tile.width() == width && *bytes == usize::from(width) * 32
        };
        tiles.iter().filter(matching).count()
    };
    let (zero, one, two) = (Row::Hashes(0), Row::Hashes(1), Row::Hashes(2));
    assert_eq!(
        [count(zero, 256), count(zero, 112), count(one, 256), count(one, 17), count(two, 1)],
        [273, 1, 1, 1, 1]
    );
    assert_eq!(tiles.len(), 277);
    // Of 256 leaves: one full tile and the one hash above it.
    let mut writer = TileWriter::new();
    leaves(256).into_iter().for_each(|leaf| writer.push(leaf));
    let paths: Vec<_> = writer.cut().iter().map(|file| file.tile.path()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
    assert!(writer.cut().is_empty());
}

#[test]
fn proofs_out_of_tiles_are_those_out_of_the_leaves() {
    let size = 66_000;
    let leaves = leaves(size);
    let mut writer = TileWriter::new();
    leaves.iter().for_each(|leaf| writer.push(*leaf));
    let mut files = Files::default();
    files.write(writer.cut());
    let nodes = TileNodes::new(&files, size);
    for index in [0, 1, 255, 256, 257, 65_535, 65_536, 65_999] {
        let from_tiles = tree::inclusion(index, size, &nodes).unwrap();
        assert_eq!(from_tiles, tree::inclusion(index, size, &Leaves(&leaves)).unwrap());
    }
    for old in [1, 255, 256, 257, 65_535, 65_536, 65_537, 65_999, 66_000] {
        let from_tiles = tree::consistency(old, size, &nodes).unwrap();
        assert_eq!(from_tiles, tree::consistency(old, size, &Leaves(&leaves)).unwrap());
    }
    for (level, index) in
        [(0, size), (4, size / 16), (63, 0), (64, 0), (255, u64::MAX), (8, u64::MAX), (0, u64::MAX)]
    {
        assert!(matches!(nodes.node(level, index), Err(TileError::Outside { .. })), "{level} {index}");
    }
}

#[test]
fn a_smaller_tree_is_read_out_of_fuller_tiles() {
    let mut writer = TileWriter::new();
    let mut entries = EntryWriter::new();
    let leaves = leaves(300);
    let mut files = Files::default();
    for (leaf, index) in leaves.iter().zip(0..) {
        writer.push(*leaf);
        entries.push(&entry(index)).unwrap();
    }
    files.write(entries.cut());
    files.write(writer.cut());
    // The partial tiles of 200 leaves were deleted, or never written because of a crash; the full ones serve.
    let head = leaves[..200].iter().copied().collect::<Frontier>().head();
    let mut resumed = TileWriter::resume(head, &files).unwrap();
    let mut again = EntryWriter::resume(200, &files).unwrap();
    for (leaf, index) in leaves.iter().zip(0_u64..).skip(200) {
        resumed.push(*leaf);
        again.push(&entry(index)).unwrap();
    }
    assert_eq!(resumed.head(), writer.head());
    files.write(resumed.cut());
    files.write(again.cut());
}

#[test]
fn damaged_tiles_are_named() {
    let mut writer = TileWriter::new();
    leaves(300).into_iter().for_each(|leaf| writer.push(leaf));
    let mut files = Files::default();
    files.write(writer.cut());
    let head = writer.head();
    assert!(TileWriter::resume(head, &files).is_ok());
    let partial = files.0.remove("tile/0/001.p/44").unwrap();
    let missing = TileWriter::resume(head, &files).unwrap_err();
    assert!(
        matches!(missing, ResumeError::Tile(TileError::Missing(tile)) if tile.path() == "tile/0/001.p/44")
    );
    files.0.insert("tile/0/001.p/44".to_owned(), partial[1..].to_vec());
    let short = TileWriter::resume(head, &files).unwrap_err();
    assert!(matches!(short, ResumeError::Tile(TileError::Length { expected: 1408, found: 1407, .. })));
    let mut changed = partial;
    changed[7] ^= 1;
    files.0.insert("tile/0/001.p/44".to_owned(), changed);
    let other = TileWriter::resume(head, &files).unwrap_err();
    assert!(matches!(other, ResumeError::Root { size: 300, stated, .. } if stated == head.root));
    let endless = tree::Head { size: u64::MAX, ..head };
    assert!(matches!(TileWriter::resume(endless, &files), Err(ResumeError::TooLarge(_))));
}

#[test]
fn bundles_hold_exactly_their_entries() {
    let tile = Tile::new(Row::Entries, 0, 2).unwrap();
    assert_eq!(entries(tile, b"\0\x02ab\0\0"), Ok(vec![&b"ab"[..], b""]));
    assert_eq!(entries(tile, b"\0\x02ab\0"), Err(BundleError::Truncated { bundle: tile, entry: 1 }));
    assert_eq!(entries(tile, b"\0\x02a"), Err(BundleError::Truncated { bundle: tile, entry: 0 }));
    assert_eq!(entries(tile, b""), Err(BundleError::Truncated { bundle: tile, entry: 0 }));
    assert_eq!(entries(tile, b"\0\0\0\0\0"), Err(BundleError::TooLong { bundle: tile, bytes: 1 }));
    let mut bundle = Vec::new();
    assert_eq!(push_entry(&mut bundle, &vec![0; MAX_ENTRY + 1]), Err(EntryTooLong(MAX_ENTRY + 1)));
    assert!(bundle.is_empty());
    push_entry(&mut bundle, &vec![7; MAX_ENTRY]).unwrap();
    let tile = Tile::new(Row::Entries, 0, 1).unwrap();
    assert_eq!(entries(tile, &bundle).unwrap(), [vec![7; MAX_ENTRY]]);
}

proptest! {
    #[test]
    fn paths_are_read_back(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256, bundle in any::<bool>()) {
        let row = if bundle { Row::Entries } else { Row::Hashes(level) };
        let tile = Tile::new(row, index, width).unwrap();
        prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
    }

    #[test]
    fn hostile_paths_end(path in "(tile/)?([0-9]{1,3}|entries|.{0,3})/([x/.p0-9]{0,40}|.{0,20})") {
        if let Ok(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }

    #[test]
    fn hostile_bundles_end(bytes in proptest::collection::vec(any::<u8>(), 0..600), width in 1_u16..=256) {
        let tile = Tile::new(Row::Entries, 0, width).unwrap();
        if let Ok(found) = entries(tile, &bytes) {
            let mut again = Vec::new();
            found.iter().for_each(|entry| push_entry(&mut again, entry).unwrap());
            prop_assert_eq!(again, bytes);
        }
    }

    /// Cut and resumed anywhere, the files are those of one run; at every cut a reader finds the whole tree.
    #[test]
    fn in_steps_is_as_in_one_run(steps in proptest::collection::vec((0_u64..400, any::<bool>()), 1..8)) {
        let total: u64 = steps.iter().map(|(step, _)| step).sum();
        let all = leaves(total);
        let (mut files, mut size) = (Files::default(), 0);
        let (mut hashes, mut entries) = (TileWriter::new(), EntryWriter::new());
        for (step, restart) in steps {
            for index in size..size + step {
                hashes.push(all[index as usize]);
                entries.push(&entry(index)).unwrap();
            }
            size += step;
            files.write(entries.cut());
            files.write(hashes.cut());
            let nodes = TileNodes::new(&files, size);
            let frontier = Frontier::from_nodes(size, &nodes).unwrap();
            prop_assert_eq!(frontier.head(), all[..size as usize].iter().copied().collect::<Frontier>().head());
            prop_assert_eq!(frontier.head(), hashes.head());
            if restart {
                hashes = TileWriter::resume(hashes.head(), &files).unwrap();
                entries = EntryWriter::resume(size, &files).unwrap();
            }
        }
        let (mut hashes, mut entries) = (TileWriter::new(), EntryWriter::new());
        for (leaf, index) in all.iter().zip(0..) {
            hashes.push(*leaf);
            entries.push(&entry(index)).unwrap();
        }
        for File { tile, bytes } in entries.cut().into_iter().chain(hashes.cut()) {
            prop_assert_eq!(files.0.get(&tile.path()), Some(&bytes), "{}", tile);
        }
        // And the bundles hold the entries of the leaves.
        for index in 0..total.div_ceil(256) {
            let tile = Tile::of_tree(Row::Entries, index, total).unwrap();
            let bundle = files.read(tile).unwrap().unwrap();
            for (entry, leaf) in super::entries(tile, &bundle).unwrap().iter().zip(&all[index as usize * 256..]) {
                prop_assert_eq!(leaf_hash(entry), *leaf);
            }
        }
    }
}
