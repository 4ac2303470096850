//! Tests of the journal as a whole: on a disk that loses what was not synced, and on a real one.

mod crash;
mod damage;
mod sealed;
mod threaded;

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::recovery::{Check, Found, find};
use super::sim::SimDisk;
use super::tail::{Tail, TailOptions};
use super::{Damage, Frame, JournalId, ReadError, Reader};

const ROOT: &str = "/data/journal";

fn root() -> &'static Path {
    Path::new(ROOT)
}

fn shared(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn found(disk: &SimDisk, check: Check) -> Found {
    find(&shared(disk), root(), check, None, [7; 12]).unwrap()
}

fn tail(disk: &SimDisk, segment_bytes: u64) -> Tail {
    let options = TailOptions { segment_bytes, backlog_bytes: 1 << 20, backlog_frames: 1 << 10 };
    Tail::new(shared(disk), root(), options, found(disk, Check::All).recovery)
}

/// Every frame up to the end or the first damage.
fn frames(disk: &SimDisk, id: JournalId) -> (Vec<Frame>, Option<Damage>) {
    let mut reader = Reader::open_on(shared(disk), root(), id).unwrap();
    let mut frames = Vec::new();
    loop {
        match reader.read() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(ReadError::Damage(damage)) => return (frames, Some(damage)),
            Err(error) => panic!("{error}"),
        }
    }
}
