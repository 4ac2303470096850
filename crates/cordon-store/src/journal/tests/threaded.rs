//! The journal with its thread, on a real folder and on the simulated disk.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::journal::sim::SimDisk;
use crate::journal::{
    AppendError, Journal, Kind, MAX_PAYLOAD, NewFrame, Options, Reader, Unwritable, leaf, list, verify,
};

fn frame(payload: &[u8]) -> NewFrame<'_> {
    NewFrame { kind: Kind::OPENED, payload }
}

#[tokio::test]
async fn frames_come_back_as_they_went_in_and_the_journal_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("journal");
    let (journal, recovered) = Journal::open(&root, Options::default(), [7; 12]).unwrap();
    assert_eq!((recovered.size, recovered.torn, recovered.damage), (0, None, None));
    let pair = [frame(b"one"), NewFrame { kind: Kind::CLOSED, payload: b"two" }];
    assert_eq!(journal.append(&pair).unwrap().await.unwrap().first, 0);
    let mut follower = journal.follow();
    journal.append_unawaited(&[frame(b"three")]).unwrap();
    follower.wait_for(|size| *size == 3).await.unwrap();
    let mut reader = journal.reader().unwrap();
    let third = std::iter::from_fn(|| reader.read_below(3).unwrap()).last().unwrap();
    assert_eq!((third.sequence, third.payload.as_slice(), third.leaf), (2, &b"three"[..], leaf(b"three")));
    let leaves = journal.take_leaves();
    assert_eq!((leaves.first, leaves.hashes), (0, [b"one", &b"two"[..], b"three"].map(leaf).to_vec()));
    assert_eq!((journal.take_leaves().first, journal.take_leaves().hashes.len()), (3, 0));
    let id = journal.id();
    journal.close();
    assert!(matches!(journal.append(&pair), Err(AppendError::Closed)));

    let (journal, recovered) = Journal::open(&root, Options::default(), [7; 12]).unwrap();
    assert_eq!((recovered.journal, recovered.size, recovered.torn), (id, 3, None));
    assert_eq!(journal.append(&[frame(b"four")]).unwrap().await.unwrap().first, 3);
    // The reader of the old process finds its way into the new segment.
    assert_eq!(reader.read().unwrap().unwrap().payload, b"four");
    assert_eq!(reader.read().unwrap(), None);
    reader.seek(1).unwrap();
    let second = reader.read().unwrap().unwrap();
    assert_eq!((second.sequence, second.kind, second.payload.as_slice()), (1, Kind::CLOSED, &b"two"[..]));
    drop(journal);
    assert_eq!(list(&root).unwrap(), [id]);
    assert_eq!(verify(&root, id).unwrap().size, 4);
}

#[test]
fn sizes_outside_the_bounds_and_a_full_queue_are_refused_at_once() {
    let disk = SimDisk::new(1);
    let options = Options { queue_frames: 2, queue_bytes: 3 << 20, ..Options::default() };
    let (journal, _) = Journal::open_on(Arc::new(disk), Path::new("/j"), options, [7; 12]).unwrap();
    let large = vec![1; MAX_PAYLOAD + 1];
    let sizes = |frames: &[NewFrame<'_>]| matches!(journal.append(frames), Err(AppendError::Size { .. }));
    assert!(sizes(&[]) && sizes(&[frame(b"")]) && sizes(&[frame(&large)]) && sizes(&[frame(b"a"); 3]));
    let largest = &large[..MAX_PAYLOAD];
    assert_eq!(journal.append(&[frame(largest)]).unwrap().wait().unwrap().first, 0);
    let mut reader = journal.reader().unwrap();
    assert_eq!(reader.read().unwrap().unwrap().payload, largest);
}

#[tokio::test]
async fn a_full_disk_refuses_who_waits_keeps_who_does_not_and_catches_up() {
    let disk = SimDisk::new(2);
    let (journal, _) =
        Journal::open_on(Arc::new(disk.clone()), Path::new("/j"), Options::default(), [7; 12]).unwrap();
    journal.append(&[frame(b"before")]).unwrap().await.unwrap();
    disk.refuse(Some(ErrorKind::StorageFull));
    let refused = journal.append(&[frame(b"refused")]).unwrap().await;
    assert!(matches!(refused, Err(AppendError::Unwritable(Unwritable::Full(_)))), "{refused:?}");
    journal.append_unawaited(&[frame(b"kept")]).unwrap();
    disk.refuse(Some(ErrorKind::ReadOnlyFilesystem));
    // Until an attempt meets the new error, refusals give the old one.
    let read_only = loop {
        let refused = journal.append(&[frame(b"refused")]).unwrap().await.unwrap_err();
        if !matches!(refused, AppendError::Unwritable(Unwritable::Full(_))) {
            break refused;
        }
    };
    assert!(matches!(read_only, AppendError::Unwritable(Unwritable::ReadOnly(_))));
    let health = journal.health();
    assert!(health.unwritable.is_some() && health.backlog == 1 && health.lost == 0 && health.durable == 1);
    disk.refuse(None);
    journal.follow().wait_for(|size| *size == 2).await.unwrap();
    let receipt = journal.append(&[frame(b"after")]).unwrap().await.unwrap();
    assert_eq!(receipt.first, 2);
    let mut reader = journal.reader().unwrap();
    let payloads: Vec<_> = std::iter::from_fn(|| reader.read().unwrap()).map(|f| f.payload).collect();
    assert_eq!(payloads, [&b"before"[..], b"kept", b"after"]);
}

#[test]
fn a_folder_that_cannot_be_written_at_the_start_is_said_and_tried_again() {
    let disk = SimDisk::new(3);
    disk.refuse(Some(ErrorKind::PermissionDenied));
    let (journal, _) =
        Journal::open_on(Arc::new(disk.clone()), Path::new("/j"), Options::default(), [7; 12]).unwrap();
    assert!(matches!(journal.health().unwritable, Some(Unwritable::ReadOnly(_))));
    disk.refuse(None);
    let first =
        std::iter::repeat_with(|| journal.append(&[frame(b"a")]).unwrap().wait()).find_map(Result::ok);
    assert_eq!(first.unwrap().first, 0);
    assert!(journal.health().unwritable.is_none() && journal.health().failures > 0);
}

#[test]
fn what_the_backlog_cannot_hold_is_counted() {
    let disk = SimDisk::new(4);
    let options = Options { backlog_frames: 2, ..Options::default() };
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), Path::new("/j"), options, [7; 12]).unwrap();
    disk.refuse(Some(ErrorKind::StorageFull));
    for payload in [b"a", b"b", b"c", b"d", b"e"] {
        journal.append_unawaited(&[frame(payload)]).unwrap();
        // A refused group behind it makes sure that it was met.
        journal.append(&[frame(b"x")]).unwrap().wait().unwrap_err();
    }
    disk.refuse(None);
    let ok = std::iter::repeat_with(|| journal.append(&[frame(b"z")]).unwrap().wait()).find_map(Result::ok);
    assert_eq!(ok.unwrap().first, 2);
    journal.close();
    assert_eq!((journal.health().lost, journal.health().backlog), (3, 0));
    let mut reader = Reader::open_on(Arc::new(disk), Path::new("/j"), journal.id()).unwrap();
    let payloads: Vec<_> = std::iter::from_fn(|| reader.read().unwrap()).map(|f| f.payload).collect();
    assert_eq!(payloads, [b"a", b"b", b"z"]);
}
