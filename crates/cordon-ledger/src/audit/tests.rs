#![allow(clippy::cast_possible_truncation, reason = "test code: sizes here are small")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Checkpoint, Frontier, SigningKey, Verifier};

const ORIGIN: &str = "example.com/log";

#[derive(Clone, Default)]
struct Files(BTreeMap<Tile, Vec<u8>>);

impl Tiles for Files {
    type Error = Infallible;

    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&tile).cloned())
    }
}

fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|index| format!("entry {index}").into_bytes()).collect()
}

fn signed(origin: &str, entries: &[Vec<u8>]) -> SignedHead {
    let key = SigningKey::from_seed(origin, [1; 32]).unwrap();
    let frontier: Frontier = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let note = Checkpoint::new(origin, frontier.head()).unwrap().sign(&[&key]).unwrap();
    let verifier = Verifier::new(origin, vec![key.verifier_key().clone()]).unwrap();
    verifier.checkpoint(note.to_string().as_bytes()).unwrap()
}

fn files(entries: &[Vec<u8>]) -> Files {
    let mut writer = TileWriter::new();
    entries.iter().for_each(|entry| writer.push(leaf_hash(entry)));
    Files(writer.cut().into_iter().map(|file| (file.tile, file.bytes)).collect())
}

fn without_tiles(signed: &SignedHead, entries: &[Vec<u8>]) -> Result<(), AuditError> {
    let mut auditor = Auditor::new(signed);
    entries.iter().try_for_each(|entry| auditor.push(entry))?;
    auditor.finish()
}

#[test]
fn a_whole_log_is_right() {
    for count in [0, 1, 255, 256, 257, 700] {
        let entries = entries(count);
        let signed = signed(ORIGIN, &entries);
        assert!(without_tiles(&signed, &entries).is_ok(), "{count}");
        assert!(check_tree(&signed, files(&entries), &entries).is_ok(), "{count}");
    }
}

#[test]
fn the_first_wrong_entry_is_named() {
    let right = entries(700);
    let (signed, files) = (signed(ORIGIN, &right), files(&right));
    for index in [0, 255, 256, 511, 512, 699] {
        let mut wrong = right.clone();
        wrong[index].push(b'!');
        wrong[699] = b"also wrong".to_vec();
        let error = check_tree(&signed, &files, &wrong).unwrap_err();
        let (expected, found) = (leaf_hash(&right[index]), leaf_hash(&wrong[index]));
        match error {
            AuditError::Entry { index: at, expected: e, found: f } => {
                assert_eq!((at, e, f), (index as u64, expected, found));
            }
            other => panic!("{index}: {other}"),
        }
        assert!(matches!(without_tiles(&signed, &wrong), Err(AuditError::Root { good: 0, size: 700, .. })));
    }
    // Two exchanged, one left out, one put in, the end cut off.
    let mut wrong = right.clone();
    wrong.swap(3, 300);
    assert!(matches!(check_tree(&signed, &files, &wrong), Err(AuditError::Entry { index: 3, .. })));
    let mut wrong = right.clone();
    wrong.remove(5);
    assert!(matches!(check_tree(&signed, &files, &wrong), Err(AuditError::Entry { index: 5, .. })));
    let mut wrong = right.clone();
    wrong.insert(6, b"put in".to_vec());
    assert!(matches!(check_tree(&signed, &files, &wrong), Err(AuditError::Entry { index: 6, .. })));
    let short = check_tree(&signed, &files, &right[..600]);
    assert!(matches!(short, Err(AuditError::Missing { expected: 700, found: 600 })));
    let long = [right.as_slice(), &[b"more".to_vec()]].concat();
    assert!(matches!(check_tree(&signed, &files, &long), Err(AuditError::TooMany(700))));
}

#[test]
fn an_earlier_head_narrows_down_where_it_went_wrong() {
    let right = entries(100);
    let (at_40, at_70, all) =
        (signed(ORIGIN, &right[..40]), signed(ORIGIN, &right[..70]), signed(ORIGIN, &right));
    let mut auditor = Auditor::new(&all);
    right[..40].iter().for_each(|entry| auditor.push(entry).unwrap());
    assert!(matches!(auditor.check(&at_70), Err(AuditError::OtherHead { size: 70, at: 40, .. })));
    let elsewhere = signed("example.com/other", &right[..40]);
    assert!(matches!(auditor.check(&elsewhere), Err(AuditError::OtherHead { .. })));
    auditor.check(&at_40).unwrap();
    right[40..69].iter().for_each(|entry| auditor.push(entry).unwrap());
    auditor.push(b"wrong").unwrap();
    assert!(matches!(auditor.check(&at_70), Err(AuditError::Root { good: 40, size: 70, .. })));
}

#[test]
fn a_wrong_tile_is_told_from_a_wrong_entry() {
    let entries = entries(700);
    let signed = signed(ORIGIN, &entries);
    let files = files(&entries);
    for tile in files.0.keys() {
        let mut damaged = files.clone();
        damaged.0.get_mut(tile).unwrap()[40] ^= 1;
        let error = check_tree(&signed, &damaged, &entries).unwrap_err();
        assert!(
            matches!(&error, AuditError::Tile { tile: named, position: 1, .. } if named == tile),
            "{error}"
        );
        damaged.0.remove(tile);
        let error = check_tree(&signed, &damaged, &entries).unwrap_err();
        assert!(matches!(&error, AuditError::Read(TileError::Missing(named)) if named == tile), "{error}");
    }
    // Entries and tiles changed together: the signature is what is left, and neither is believed.
    let mut forged = entries.clone();
    forged[10] = b"forged".to_vec();
    let together = check_tree(&signed, self::files(&forged), &forged);
    assert!(matches!(together, Err(AuditError::Root { stated, .. }) if stated == signed.head().root));
}

proptest! {
    /// One flipped bit, anywhere in the entries or the tiles, is found, with and without tiles.
    #[test]
    fn one_flipped_bit_is_found(
        count in 1_u64..600, at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
        in_tile in any::<bool>(),
    ) {
        let mut entries = entries(count);
        let signed = signed(ORIGIN, &entries);
        let mut files = files(&entries);
        let bytes = if in_tile {
            let tile = at.index(files.0.len());
            files.0.values_mut().nth(tile).unwrap()
        } else {
            &mut entries[at.index(count as usize)]
        };
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = check_tree(&signed, &files, &entries).unwrap_err();
        let named = match error {
            AuditError::Entry { index, .. } => !in_tile && index == at.index(count as usize) as u64,
            AuditError::Tile { tile, .. } => in_tile && files.0.keys().nth(at.index(files.0.len())) == Some(&tile),
            _ => false,
        };
        prop_assert!(named);
        prop_assert_eq!(without_tiles(&signed, &entries).is_ok(), in_tile);
    }
}
