//! Changed bytes, cut and missing files, frames from elsewhere: reported, never replayed, never overwritten.

use std::path::PathBuf;

use crate::journal::recovery::Check;
use crate::journal::sim::SimDisk;
use crate::journal::tail::{Batch, Sync};
use crate::journal::{Fault, JournalId};

use super::{ROOT, found, frames, root, tail};

/// A journal of several segments, and all its frames. Small, so that every byte can be tried.
fn journal(closed: Closed) -> (SimDisk, JournalId, Vec<Vec<u8>>) {
    let disk = SimDisk::new(1);
    let mut tail = tail(&disk, 4096 + 600);
    let mut payloads = Vec::new();
    for group in 0..6_u8 {
        let mut batch = Batch::default();
        for n in 0..=group % 3 {
            let payload =
                format!("{{\"group\":{group},\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(20 * n as usize));
            batch.push(1 + n, payload.as_bytes(), false);
            payloads.push(payload.into_bytes());
        }
        tail.append(&batch, Sync::Now).unwrap();
    }
    if closed == Closed::Cleanly {
        tail.close().unwrap();
    }
    let id = found(&disk, Check::All).recovery.journal;
    assert!(disk.paths().len() > 2);
    (disk, id, payloads)
}

#[derive(PartialEq, Clone, Copy)]
enum Closed {
    Cleanly,
    CutOff,
}

fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| path.extension().is_some_and(|e| e == "seg")).collect()
}

/// The bytes of a segment that mean something: its header, and its frames without padding and mark.
fn meaningful(disk: &SimDisk, id: JournalId) -> Vec<(PathBuf, std::ops::Range<usize>)> {
    let mut ranges: Vec<_> = segments(disk).into_iter().map(|path| (path, 0..4096)).collect();
    for frame in frames(disk, id).0 {
        let path = root().join(id.to_string()).join(format!("{:010}.seg", frame.position.segment));
        let start = usize::try_from(frame.position.offset).unwrap();
        ranges.push((path, start..start + 64 + frame.payload.len()));
    }
    ranges
}

/// Of a header's many zeros a few are enough here: the format's own test tries every bit of it.
fn worth_trying(at: usize) -> bool {
    !(96..4096).contains(&at) || at.is_multiple_of(500)
}

#[test]
fn every_changed_byte_of_a_closed_journal_is_reported_and_nothing_is_touched() {
    let (disk, id, payloads) = journal(Closed::Cleanly);
    assert_eq!(frames(&disk, id).0.len(), payloads.len());
    for (path, range) in meaningful(&disk, id) {
        let bytes = disk.bytes(&path);
        for at in range.filter(|at| worth_trying(*at)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let disk = disk.copy();
            disk.put(&path, &changed);
            let found = found(&disk, Check::All);
            let damage = found.damage.unwrap_or_else(|| panic!("byte {at} of {path:?} is not reported"));
            assert_eq!(damage.journal, id);
            assert_ne!(found.recovery.journal, id, "another journal begins");
            let (before, again) = frames(&disk, id);
            assert_eq!(again, Some(damage.clone()));
            assert_eq!(before.len() as u64, damage.sequence);
            assert!(
                before.iter().map(|f| &f.payload).eq(&payloads[..before.len()]),
                "all before it is right"
            );
            // The new journal goes on beside the old one.
            let mut tail = tail(&disk, 1 << 14);
            let mut batch = Batch::default();
            batch.push(1, b"new", false);
            assert_eq!(tail.append(&batch, Sync::Now).unwrap(), 0);
            assert_eq!(disk.bytes(&path), changed, "what is damaged stays as it is");
        }
    }
}

#[test]
fn a_changed_byte_anywhere_else_loses_nothing() {
    let (disk, id, payloads) = journal(Closed::Cleanly);
    let meaningful = meaningful(&disk, id);
    for path in segments(&disk) {
        let bytes = disk.bytes(&path);
        let means = |at: usize| meaningful.iter().any(|(p, range)| *p == path && range.contains(&at));
        for at in (0..bytes.len()).filter(|at| at.is_multiple_of(5) && !means(*at)) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x80;
            let disk = disk.copy();
            disk.put(&path, &changed);
            assert_eq!(found(&disk, Check::All).damage, None);
            assert!(frames(&disk, id).0.into_iter().map(|f| f.payload).eq(payloads.iter().cloned()));
        }
    }
}

#[test]
fn without_a_mark_only_the_last_group_can_be_taken_for_torn_and_even_it_stays_on_the_disk() {
    let (disk, id, payloads) = journal(Closed::CutOff);
    let last_group = payloads.len() - 3; // the sixth group has three frames
    for (path, range) in meaningful(&disk, id) {
        let bytes = disk.bytes(&path);
        for at in range.filter(|at| worth_trying(*at)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let disk = disk.copy();
            disk.put(&path, &changed);
            let found = found(&disk, Check::All);
            let (read, _) = frames(&disk, id);
            assert!(read.iter().map(|f| &f.payload).eq(&payloads[..read.len()]));
            if found.damage.is_none() {
                assert!(found.recovery.torn.is_some(), "byte {at} of {path:?}");
                assert!(read.len() >= last_group);
                tail(&disk, 1 << 14).open_segment().unwrap();
                assert_eq!(disk.bytes(&path), changed);
            }
        }
    }
}

#[test]
fn cut_and_missing_files_are_reported() {
    let (disk, id, _) = journal(Closed::Cleanly);
    let paths = segments(&disk);
    for (n, path) in paths.iter().enumerate() {
        let cut = disk.copy();
        let bytes = cut.bytes(path);
        cut.put(path, &bytes[..bytes.len() - 4096]);
        assert!(found(&cut, Check::All).damage.is_some(), "{path:?} was cut");
        let last = n + 1 == paths.len();
        if !last {
            let missing = disk.copy();
            crate::journal::Disk::remove(&missing, path).unwrap();
            let damage = found(&missing, Check::All).damage.unwrap();
            assert!(matches!(damage.what, Fault::Sequence | Fault::Frame), "{path:?} is missing: {damage}");
        }
    }
    assert_eq!(frames(&disk, id).1, None);
}

#[test]
fn no_stale_frame_is_replayed() {
    let (disk, id, payloads) = journal(Closed::CutOff);
    let path = segments(&disk).pop().unwrap();
    let bytes = disk.bytes(&path);
    let end = usize::try_from(frames(&disk, id).0.last().unwrap().position.offset).unwrap();
    let end = end + (64 + payloads.last().unwrap().len()).next_multiple_of(8);
    // Frames of this journal again, from every earlier place: they are whole, but do not belong there.
    for (path, range) in meaningful(&disk, id).into_iter().filter(|(_, range)| range.start > 0) {
        let stale = disk.bytes(&path)[range].to_vec();
        let mut again = bytes.clone();
        again[end..end + stale.len()].copy_from_slice(&stale);
        let disk = disk.copy();
        disk.put(segments(&disk).last().unwrap(), &again);
        let (read, damage) = frames(&disk, id);
        assert_eq!(read.len(), payloads.len());
        assert_eq!(damage.unwrap().what, Fault::Misplaced);
    }
    // The blocks of another journal with the same segments, sequences and payloads.
    let other = SimDisk::new(2);
    let folder = PathBuf::from(ROOT).join(id.to_string());
    let mut foreign = bytes.clone();
    let changed_id = JournalId::new(0, [8; 12]);
    let mut header = crate::journal::format::SegmentHeader::decode(id, &bytes[..4096]).unwrap();
    header.journal = changed_id;
    header.previous = crate::journal::format::genesis(changed_id);
    header.first = 0;
    header.number = 0;
    foreign[..92].copy_from_slice(&header.encode());
    other.put(&folder.with_file_name(changed_id.to_string()).join("0000000000.seg"), &foreign);
    let found = found(&other, Check::All);
    assert_eq!(found.damage, None, "bytes of another journal are no frames of this one");
    assert_eq!((found.recovery.durable.size, found.recovery.unproven.frames()), (0, 0));
    assert!(found.recovery.torn.is_some_and(|torn| torn.whole_frames == 0));
}

#[test]
fn what_looks_like_frames_without_end_is_judged_in_bounded_time() {
    let (disk, id, payloads) = journal(Closed::CutOff);
    let path = segments(&disk).pop().unwrap();
    let mut bytes = disk.bytes(&path);
    // Headers that each promise a payload of 1 MiB, every 64 bytes, for 8 MiB.
    let mut header = [0; 64];
    header[..4].copy_from_slice(b"CJFR");
    header[6] = 0x10;
    header[24] = 1;
    for _ in 0..1 << 17 {
        bytes.extend_from_slice(&header);
    }
    disk.put(&path, &bytes);
    let (read, damage) = frames(&disk, id);
    assert_eq!((read.len(), damage.unwrap().what), (payloads.len(), Fault::Unclear));
}
