//! What an earlier process left behind: how far it got, and where to go on.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use cordon_core::Digest;

use super::disk::Disk;
use super::format::{JournalId, genesis};
use super::reader::{Damage, Frame, ReadError, Reader, Step, Torn, list_on};
use super::segment::segment_numbers;
use super::tail::{Batch, Point};

/// How much of a journal is checked when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// Every frame of every segment.
    #[default]
    All,
    /// The last segment only, trusting that those before it are as they were written. [`verify`](super::verify)
    /// checks them at any other time.
    LastSegment,
}

/// A journal as an earlier process left it, ready to go on.
pub(crate) struct Recovery {
    pub(crate) journal: JournalId,
    /// How far the journal is known to be durable.
    pub(crate) durable: Point,
    /// Whole frames behind that: read here, but perhaps only in the memory of the operating system. They go into
    /// the next segment again.
    pub(crate) unproven: Batch,
    pub(crate) torn: Option<Torn>,
    pub(crate) unused_segment: Option<u64>,
    pub(crate) next_segment: u64,
}

/// The journal to go on with, and the damaged one before it, if any.
pub(crate) struct Found {
    pub(crate) recovery: Recovery,
    pub(crate) damage: Option<Damage>,
}

/// Finds the newest journal of a folder and reads how far it got. A damaged or abandoned one is left alone, and a new one
/// begins.
pub(crate) fn find(
    disk: &Arc<dyn Disk>,
    root: &Path,
    check: Check,
    abandoned: Option<JournalId>,
    random: [u8; 12],
) -> Result<Found, ReadError> {
    let journals = list_on(&**disk, root).map_err(|source| ReadError::Io { folder: root.into(), source })?;
    let Some(newest) = journals.last() else {
        return Ok(Found { recovery: Recovery::empty(JournalId::new(0, random)), damage: None });
    };
    let next = || Recovery::empty(JournalId::new(newest.ordinal().saturating_add(1), random));
    if abandoned == Some(*newest) {
        return Ok(Found { recovery: next(), damage: None });
    }
    match recover(disk, root, *newest, check) {
        Ok(recovery) => Ok(Found { recovery, damage: None }),
        Err(ReadError::Damage(damage)) => Ok(Found { recovery: next(), damage: Some(damage) }),
        Err(error) => Err(error),
    }
}

impl Recovery {
    fn empty(journal: JournalId) -> Self {
        Self {
            journal,
            durable: Point { size: 0, chain: genesis(journal) },
            unproven: Batch::default(),
            torn: None,
            unused_segment: None,
            next_segment: 0,
        }
    }
}

/// Reads one journal to its end.
fn recover(
    disk: &Arc<dyn Disk>,
    root: &Path,
    journal: JournalId,
    check: Check,
) -> Result<Recovery, ReadError> {
    let mut reader = Reader::open_on(Arc::clone(disk), root, journal)?;
    if check == Check::LastSegment {
        reader.seek_last_segment()?;
    }
    // The frames that nothing read so far proves to be durable, each with the chain before it.
    let mut window: VecDeque<(Frame, Digest)> = VecDeque::new();
    let mut proven = 0;
    let end = loop {
        match reader.step()? {
            Step::Frame(header, position) => {
                window.push_back((reader.frame(&header, position)?, header.previous));
                proven = proven.max(header.durable);
                while window.front().is_some_and(|(frame, _)| frame.sequence < proven) {
                    window.pop_front();
                }
            }
            Step::End(end) => break end,
        }
    };
    window.retain(|(frame, _)| frame.sequence >= end.durable);
    let durable = match window.front() {
        Some((frame, previous)) => Point { size: frame.sequence, chain: *previous },
        None => reader.point(),
    };
    let mut unproven = Batch::default();
    for (frame, _) in &window {
        unproven.push(frame.kind.number(), &frame.payload, true);
    }
    let folder = root.join(journal.to_string());
    let numbers = segment_numbers(&**disk, &folder);
    let numbers = numbers.map_err(|source| ReadError::Io { folder: folder.clone(), source })?;
    remove_unfinished(&**disk, &folder);
    Ok(Recovery {
        journal,
        durable,
        unproven,
        torn: end.torn,
        unused_segment: end.unused_segment,
        next_segment: numbers.last().map_or(0, |number| number + 1),
    })
}

/// Removes segments that never got their name: nothing in them was ever promised.
fn remove_unfinished(disk: &dyn Disk, folder: &Path) {
    let names: io::Result<Vec<String>> = disk.list(folder);
    for name in names.unwrap_or_default().iter().filter(|name| name.ends_with(".new")) {
        // Where this fails, the name is in the way of nothing: see `Tail::open_segment`, and the next start tries again.
        let _ = disk.remove(&folder.join(name));
    }
}
