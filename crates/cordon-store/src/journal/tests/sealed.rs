//! Journals whose first segments are sealed and removed: they begin later, and everything else is as before.

use std::io;

use crate::journal::recovery::Check;
use crate::journal::sim::{Fate, SimDisk};
use crate::journal::tail::{Batch, Sync};
use crate::journal::{
    Disk, Fault, JournalId, ReadError, Reader, SegmentRange, remove_sealed_on, segments_on,
};

use super::{found, frames, root, shared, tail};

/// A journal of one frame a segment, nearly, and its frames' payloads.
fn journal(seed: u64) -> (SimDisk, JournalId, Vec<Vec<u8>>) {
    let disk = SimDisk::new(seed);
    let mut tail = tail(&disk, 4096 + 300);
    let payloads: Vec<Vec<u8>> =
        (0..12).map(|n| format!("frame {n} {}", "x".repeat(90)).into_bytes()).collect();
    for payload in &payloads {
        let mut batch = Batch::default();
        batch.push(1, payload, false);
        tail.append(&batch, Sync::Now).unwrap();
    }
    tail.close().unwrap();
    let id = found(&disk, Check::All).recovery.journal;
    (disk, id, payloads)
}

fn ranges(disk: &SimDisk, id: JournalId) -> Vec<SegmentRange> {
    segments_on(shared(disk), root(), id).unwrap()
}

/// The journal is whole from some frame on, which is not behind `sealed`; goes on; and says where it begins.
fn check(disk: &SimDisk, id: JournalId, payloads: &[Vec<u8>], sealed: u64) {
    let (read, damage) = frames(disk, id);
    assert_eq!(damage, None);
    let first = Reader::open_on(shared(disk), root(), id).unwrap().first().unwrap();
    assert!(first <= sealed);
    let expected = payloads.iter().enumerate().skip(usize::try_from(first).unwrap());
    assert!(expected.map(|(n, p)| (n as u64, p)).eq(read.iter().map(|f| (f.sequence, &f.payload))));
    for check in [Check::All, Check::LastSegment] {
        let found = found(disk, check);
        assert_eq!((found.damage, found.recovery.journal), (None, id));
        assert_eq!(found.recovery.durable.size, payloads.len() as u64);
    }
    // A reader that has a place keeps it.
    for at in first..payloads.len() as u64 {
        let mut reader = Reader::open_on(shared(disk), root(), id).unwrap();
        reader.seek(at).unwrap();
        assert_eq!(reader.sequence(), at);
        assert_eq!(reader.read_below(payloads.len() as u64).unwrap().unwrap().sequence, at);
    }
    let copy = disk.copy();
    let mut batch = Batch::default();
    batch.push(2, b"appended", false);
    assert_eq!(tail(&copy, 4096).append(&batch, Sync::Now).unwrap(), payloads.len() as u64);
    assert_eq!(frames(&copy, id).0.last().unwrap().payload, b"appended");
}

#[test]
fn ranges_follow_one_another_and_the_last_one_is_open() {
    let (disk, id, payloads) = journal(1);
    let ranges = ranges(&disk, id);
    assert!(ranges.len() > 4);
    assert!(ranges.windows(2).all(|pair| pair[0].end == Some(pair[1].first)));
    assert_eq!((ranges[0].first, ranges.last().unwrap().end), (0, None));
    assert!(ranges.last().unwrap().first <= payloads.len() as u64);
    assert_eq!(segments_on(shared(&SimDisk::new(2)), root(), id).unwrap(), []);
}

#[test]
fn a_journal_goes_on_behind_what_was_removed() {
    let (disk, id, payloads) = journal(2);
    let before = ranges(&disk, id);
    for below in 0..=payloads.len() as u64 + 5 {
        let disk = disk.copy();
        let removed = remove_sealed_on(&shared(&disk), root(), id, below).unwrap();
        let kept = ranges(&disk, id);
        assert_eq!(kept, before[removed..]);
        assert!(before[..removed].iter().all(|range| range.end.unwrap() <= below));
        assert!(kept[0].end.is_none_or(|end| end > below), "all that could go are gone, the last one never");
        check(&disk, id, &payloads, below.min(kept[0].first));
        assert_eq!(
            remove_sealed_on(&shared(&disk), root(), id, below).unwrap(),
            0,
            "a second time is nothing"
        );
        assert!(remove_sealed_on(&shared(&disk), root(), id, 0).is_ok());
        check(&disk, id, &payloads, below);
    }
    assert_eq!(remove_sealed_on(&shared(&SimDisk::new(3)), root(), id, 9).unwrap(), 0);
}

#[test]
fn what_is_missing_without_a_removal_is_damage() {
    let (disk, id, payloads) = journal(3);
    let all = ranges(&disk, id);
    remove_sealed_on(&shared(&disk), root(), id, all[1].end.unwrap()).unwrap();
    let kept = ranges(&disk, id);
    assert_eq!(kept.len(), all.len() - 2);
    let folder = root().join(id.to_string());
    for range in &kept[..kept.len() - 1] {
        let gap = disk.copy();
        gap.remove(&folder.join(format!("{:010}.seg", range.number))).unwrap();
        let damage = found(&gap, Check::All).damage.unwrap();
        assert!(matches!(damage.what, Fault::Sequence | Fault::Frame), "{damage}");
        assert!(frames(&gap, id).1.is_some());
    }
    // The mark is what allows it: without it, or with another one, the begin is lost.
    let mark = folder.join("sealed");
    let bytes = disk.bytes(&mark);
    for at in 0..bytes.len() {
        let disk = disk.copy();
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        disk.put(&mark, &changed);
        let mut reader = Reader::open_on(shared(&disk), root(), id).unwrap();
        assert!(matches!(reader.first(), Err(ReadError::Damage(_))), "byte {at}");
        assert!(matches!(reader.read(), Err(ReadError::Damage(_))));
        assert!(matches!(reader.seek(0), Err(ReadError::Damage(_))));
    }
    check(&disk, id, &payloads, kept[0].first);
}

#[test]
fn a_removal_that_is_cut_off_anywhere_leaves_a_sound_journal_and_can_be_asked_again() {
    let (whole, id, payloads) = journal(4);
    let below = payloads.len() as u64 - 2;
    let counted = whole.copy();
    let start = counted.operations();
    remove_sealed_on(&shared(&counted), root(), id, below).unwrap();
    let operations = counted.operations() - start;
    assert!(operations > 10);
    for operation in 1..=operations {
        for seed in 0..8 {
            for fate in [Fate::Crash, Fate::Fail(io::ErrorKind::Other)] {
                let disk = whole.copy();
                disk.plan(disk.operations() + operation, fate);
                let result = remove_sealed_on(&shared(&disk), root(), id, below);
                assert!(result.is_err(), "operation {operation}");
                if fate == Fate::Crash {
                    disk.crash(seed);
                }
                check(&disk, id, &payloads, below);
                remove_sealed_on(&shared(&disk), root(), id, below).unwrap();
                assert_eq!(ranges(&disk, id), ranges(&counted, id));
                check(&disk, id, &payloads, below);
            }
        }
    }
}
