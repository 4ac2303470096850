//! The end of a journal that is being written: one thread's plain state machine, without a clock or a queue.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_core::Digest;

use super::disk::{Disk, DiskFile};
use super::format::{
    FRAME_HEADER, HEADER_BLOCK, HEADER_BLOCK_LENGTH, JournalId, Place, SegmentHeader, encode_frame,
    encode_mark, span,
};
use super::reader::Position;
use super::recovery::Recovery;
use super::segment::segment_path;

/// Leaf hashes that are kept for whoever grows the journal's tree; 2 MiB of them. Whoever comes too late reads the frames.
pub(crate) const MAX_LEAVES: usize = 65_536;

/// What every write past the end of what is preallocated adds, at least.
const GROWTH: u64 = 1 << 20;

/// Frames on their way into the journal: their payloads behind each other.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Clone, Copy)]
struct Item {
    kind: u8,
    length: u32,
    /// The frame is kept after a failed write and written again later: nobody waits for it.
    kept: bool,
}

impl Batch {
    pub(crate) fn push(&mut self, kind: u8, payload: &[u8], kept: bool) {
        // INVARIANT: the journal takes no payload above MAX_PAYLOAD.
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(payload);
        self.items.push(Item { kind, length, kept });
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    pub(crate) fn frames(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Gives memory back that a burst took.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
        self.items.shrink_to(bytes / 64);
    }

    fn iter(&self) -> impl Iterator<Item = (Item, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.items.iter().map(move |item| {
            let (payload, after) = rest.split_at_checked(item.length as usize).unwrap_or_default();
            rest = after;
            (*item, payload)
        })
    }

    /// Bytes that the frames take in a segment.
    fn span(&self) -> u64 {
        self.items.iter().map(|item| span(item.length as usize)).sum()
    }
}

/// Leaf hashes of consecutive frames: what is hashed once for the chain is not hashed again for the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaves {
    /// Sequence of the first frame.
    pub first: u64,
    /// `SHA-256(0x00 ‖ payload)` of each frame.
    pub hashes: Vec<Digest>,
}

impl Leaves {
    /// The sequence after the last one.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.hashes.len() as u64)
    }

    /// Forgets all from a sequence on, and goes on there.
    fn cut(&mut self, size: u64) {
        match size.checked_sub(self.first).map(usize::try_from) {
            Some(Ok(count)) if count <= self.hashes.len() => self.hashes.truncate(count),
            _ => *self = Self { first: size, hashes: Vec::new() },
        }
    }

    /// Takes out those of the first `size` frames.
    fn take(&mut self, size: u64) -> Self {
        let count = usize::try_from(size.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let rest = self.hashes.split_off(count.min(self.hashes.len()));
        let first = self.end();
        std::mem::replace(self, Self { first, hashes: rest })
    }
}

/// Bounds and sizes of a [`Tail`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TailOptions {
    pub(crate) segment_bytes: u64,
    pub(crate) backlog_bytes: usize,
    pub(crate) backlog_frames: usize,
}

/// The end of one journal.
pub(crate) struct Tail {
    disk: Arc<dyn Disk>,
    /// `DIR/journal`, and in it the journal's own folder.
    root: PathBuf,
    folder: PathBuf,
    journal: JournalId,
    options: TailOptions,
    /// The journal's folder is there, and its name is durable.
    folder_is_durable: bool,
    segment: Option<OpenSegment>,
    /// A segment of an earlier process that holds nothing but zeros. It goes when the next one is there. It is not
    /// written instead: its name may be visible and yet not durable, after a failed sync for ever.
    unused_segment: Option<u64>,
    /// The number of the next segment. A number is never tried twice, so a name never means two things.
    next_segment: u64,
    durable: Point,
    written: Point,
    /// Frames that are written to the open segment and not yet durable, and that nobody waits for; or, while no
    /// segment is open, the backlog for the next one.
    kept: Batch,
    lost: u64,
    /// Those of frames up to `written` that nobody took yet.
    leaves: Leaves,
    buffer: Vec<u8>,
}

/// How far something got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// Number of frames.
    pub(crate) size: u64,
    /// The chain after them.
    pub(crate) chain: Digest,
}

struct OpenSegment {
    number: u64,
    file: Box<dyn DiskFile>,
    /// Where the next frame goes.
    offset: u64,
    /// How far the file is filled with zeros or frames.
    allocated: u64,
    /// A mark lies at `offset`.
    marked: bool,
}

impl Tail {
    /// Goes on with a recovered journal. Nothing is written yet: no segment is open.
    pub(crate) fn new(disk: Arc<dyn Disk>, root: &Path, options: TailOptions, recovery: Recovery) -> Self {
        Self {
            disk,
            root: root.to_owned(),
            folder: root.join(recovery.journal.to_string()),
            journal: recovery.journal,
            options,
            folder_is_durable: recovery.next_segment > 0,
            segment: None,
            unused_segment: recovery.unused_segment,
            next_segment: recovery.next_segment,
            durable: recovery.durable,
            written: recovery.durable,
            kept: recovery.unproven,
            lost: 0,
            leaves: Leaves { first: recovery.durable.size, hashes: Vec::new() },
            buffer: Vec::new(),
        }
    }

    /// How many frames are durable.
    pub(crate) fn durable(&self) -> Point {
        self.durable
    }

    /// Where the next frame goes, if a segment is open.
    pub(crate) fn position(&self) -> Option<Position> {
        self.segment.as_ref().map(|s| Position { segment: s.number, offset: s.offset })
    }

    /// Frames that nobody waits for and that are not durable yet.
    pub(crate) fn kept(&self) -> usize {
        self.kept.frames()
    }

    /// Frames that nobody waited for and that were dropped, because the backlog was full.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    pub(crate) fn is_open(&self) -> bool {
        self.segment.is_some()
    }

    /// Makes the next segment and writes the kept frames into it, durably, before it gets its name: so it either
    /// is there with all of them or not at all. Its header supersedes whatever lies in earlier segments from the
    /// first frame on that is not known to be durable.
    ///
    /// On an error no segment is open and nothing has changed.
    pub(crate) fn open_segment(&mut self) -> io::Result<()> {
        self.segment = None;
        self.written = self.durable;
        let number = self.next_segment;
        self.next_segment += 1;
        if !self.folder_is_durable {
            self.disk.create_folder(&self.folder)?;
            self.disk.sync_folder(&self.root)?;
            if let Some(parent) = self.root.parent() {
                self.disk.sync_folder(parent)?;
            }
            self.folder_is_durable = true;
        }
        let frames_end = HEADER_BLOCK + self.kept.span();
        let initial = frames_end + self.options.segment_bytes.min(GROWTH);
        let header = SegmentHeader {
            journal: self.journal,
            number,
            first: self.durable.size,
            initial,
            previous: self.durable.chain,
        };
        self.buffer.clear();
        self.buffer.extend_from_slice(&header.encode());
        self.buffer.resize(HEADER_BLOCK_LENGTH, 0);
        let mut leaves = Leaves { first: self.durable.size, hashes: Vec::new() };
        let after =
            encode(&mut self.buffer, &mut leaves, self.journal, self.durable, self.durable.size, &self.kept);
        let zeros = usize::try_from(initial).unwrap_or(usize::MAX);
        self.buffer.resize(zeros, 0);

        let new = self.folder.join(format!("{number:010}.new"));
        let path = segment_path(&self.folder, number);
        let made = self.disk.create(&new).and_then(|file| {
            file.write_at(&self.buffer, 0)?;
            file.sync()?;
            self.disk.rename(&new, &path)?;
            self.disk.sync_folder(&self.folder)?;
            Ok(file)
        });
        self.buffer.clear();
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // It would hold space that a full disk needs. Where this fails too, the next start removes it.
                let _ = self.disk.remove(&new);
                return Err(error);
            }
        };
        self.segment =
            Some(OpenSegment { number, file, offset: frames_end, allocated: initial, marked: false });
        self.leaves.cut(self.durable.size);
        self.leaves.hashes.append(&mut leaves.hashes);
        self.durable = after;
        self.written = after;
        self.kept.clear();
        if let Some(number) = self.unused_segment.take() {
            // Where this fails, an empty segment more is read over.
            let _ = self.disk.remove(&segment_path(&self.folder, number));
        }
        Ok(())
    }

    /// Writes a batch behind everything before it; with `sync`, everything up to its end is durable on success.
    /// Returns the sequence of its first frame.
    ///
    /// On an error the segment is given up for good: nothing of it that was not durable counts. The batch's kept
    /// frames stay with those before them for the next segment, the others are gone.
    pub(crate) fn append(&mut self, batch: &Batch, sync: Sync) -> io::Result<u64> {
        match self.try_append(batch, sync) {
            Ok(first) => Ok(first),
            Err(error) => {
                self.give_up();
                self.keep(batch);
                Err(error)
            }
        }
    }

    fn try_append(&mut self, batch: &Batch, sync: Sync) -> io::Result<u64> {
        let length = batch.span();
        let fits = |s: &OpenSegment| {
            s.offset == HEADER_BLOCK || s.offset + length + FRAME_HEADER as u64 <= self.options.segment_bytes
        };
        match &self.segment {
            Some(segment) if fits(segment) => {}
            Some(_) => {
                // Frames that nobody waits for move to the next segment; they need no sync here.
                self.open_segment()?;
            }
            None => self.open_segment()?,
        }
        let Some(segment) = &mut self.segment else { return Err(io::ErrorKind::NotFound.into()) };
        let first = self.written.size;
        self.buffer.clear();
        if self.leaves.hashes.len() + batch.frames() > MAX_LEAVES {
            self.leaves = Leaves { first: self.written.size, hashes: Vec::new() };
        }
        let leaves = &mut self.leaves;
        let after = encode(&mut self.buffer, leaves, self.journal, self.written, self.durable.size, batch);
        segment.file.write_at(&self.buffer, segment.offset)?;
        segment.marked = false;
        segment.offset += length;
        if segment.offset + FRAME_HEADER as u64 > segment.allocated {
            let end = segment.offset + self.options.segment_bytes.min(GROWTH);
            let zeros = usize::try_from(end - segment.offset).unwrap_or(0);
            self.buffer.clear();
            self.buffer.resize(zeros, 0);
            segment.file.write_at(&self.buffer, segment.offset)?;
            segment.allocated = end;
        }
        self.written = after;
        let room = self.options.backlog_bytes.saturating_sub(self.kept.payload_bytes());
        let sync = if batch.payload_bytes() > room { Sync::Now } else { sync };
        match sync {
            Sync::Now => {
                segment.file.sync()?;
                self.settle();
            }
            Sync::Later => batch.iter().for_each(|(item, payload)| self.kept.push(item.kind, payload, true)),
        }
        Ok(first)
    }

    /// Makes everything written durable. On an error the segment is given up.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let Some(segment) = &self.segment else { return Ok(()) };
        if self.written == self.durable {
            return Ok(());
        }
        match segment.file.sync() {
            Ok(()) => {
                self.settle();
                Ok(())
            }
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    /// Writes that everything so far is durable, for whoever recovers this journal; once per new end.
    pub(crate) fn mark(&mut self) -> io::Result<()> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        if segment.marked || self.written != self.durable || segment.offset == HEADER_BLOCK {
            return Ok(());
        }
        let mark = encode_mark(self.journal, self.durable.size, self.durable.chain);
        match segment.file.write_at(&mark, segment.offset) {
            Ok(()) => {
                segment.marked = true;
                Ok(())
            }
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    /// Makes everything durable, the fact that it is included.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if !self.kept.is_empty() && self.segment.is_none() {
            self.open_segment()?;
        }
        self.sync()?;
        self.mark()?;
        match &self.segment {
            Some(segment) if segment.marked => segment.file.sync(),
            _ => Ok(()),
        }
    }

    /// Keeps those frames of a batch that nobody waits for, while there is room.
    pub(crate) fn keep(&mut self, batch: &Batch) {
        for (item, payload) in batch.iter().filter(|(item, _)| item.kept) {
            let full = self.kept.frames() >= self.options.backlog_frames
                || self.kept.payload_bytes() + payload.len() > self.options.backlog_bytes;
            if full {
                self.lost += 1;
            } else {
                self.kept.push(item.kind, payload, true);
            }
        }
    }

    /// Takes the leaf hashes of durable frames that nobody took yet.
    pub(crate) fn take_leaves(&mut self) -> Leaves {
        self.leaves.take(self.durable.size)
    }

    /// Gives memory back that a burst took.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.buffer.clear();
        self.buffer.shrink_to(bytes);
        self.kept.shrink_to(bytes);
    }

    fn settle(&mut self) {
        self.durable = self.written;
        self.kept.clear();
    }

    fn give_up(&mut self) {
        self.segment = None;
        self.written = self.durable;
        self.leaves.cut(self.durable.size);
    }
}

/// Whether a batch is made durable at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Before anything is said about it.
    Now,
    /// With the next one that is.
    Later,
}

/// Appends a batch's frames to a buffer, their leaf hashes to the others, and returns how far the journal gets with them.
fn encode(
    buffer: &mut Vec<u8>,
    leaves: &mut Leaves,
    journal: JournalId,
    from: Point,
    durable: u64,
    batch: &Batch,
) -> Point {
    batch.iter().fold(from, |point, (item, payload)| {
        let place = Place { sequence: point.size, durable, previous: point.chain };
        let (leaf, chain) = encode_frame(buffer, journal, place, item.kind, payload);
        leaves.hashes.push(leaf);
        Point { size: point.size + 1, chain }
    })
}
