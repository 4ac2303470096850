//! Reading a journal: every frame in order, each one checked against its checksum and against the chain.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_core::Digest;

use super::disk::{Disk, FileSystem};
use super::format::{
    FRAME_HEADER, FrameHeader, HEADER_BLOCK, JournalId, Kind, SegmentHeader, genesis, leaf, link,
};
use super::sealed::read_mark;
use super::segment::{Remains, Segment, Slot, segment_numbers, segment_path};
use super::tail::Point;

/// How often a list of segments is made again because one of them was removed meanwhile.
const REMOVED: usize = 16;

/// One frame of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number in the journal, from 0: the index of its leaf in the journal's tree.
    pub sequence: u64,
    /// What it holds.
    pub kind: Kind,
    /// The exact bytes that were appended.
    pub payload: Vec<u8>,
    /// `SHA-256(0x00 ‖ payload)`, the leaf hash of RFC 6962.
    pub leaf: Digest,
    /// Where it lies.
    pub position: Position,
}

/// A place in a journal's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The segment's number: the file is `<number, ten digits>.seg`.
    pub segment: u64,
    /// Bytes from the start of the file.
    pub offset: u64,
}

/// A place where a journal is not as it was written. What lies there is never changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal {journal} is damaged in segment {} at offset {}: {what}", position.segment, position.offset)]
pub struct Damage {
    /// The journal.
    pub journal: JournalId,
    /// Where.
    pub position: Position,
    /// The sequence of the first frame that could not be read.
    pub sequence: u64,
    /// What is wrong.
    pub what: Fault,
}

/// What is wrong with a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A frame was durable and is not there, or its bytes have changed.
    #[error("a durable frame is missing or changed")]
    Frame,
    /// A segment's header has changed, or its file is shorter than it was when it was made.
    #[error("the segment's header is not valid, or the file was cut")]
    Header,
    /// A valid frame at a place where it does not belong.
    #[error("a frame lies where it does not belong")]
    Misplaced,
    /// Frames between this segment and the one before it are not there, or not the ones that were written.
    #[error("the segment does not follow the one before it")]
    Sequence,
    /// Behind the end lies so much that looks like frames that no bounded search can tell what it is.
    #[error("what lies behind the last frame cannot be told from lost frames")]
    Unclear,
}

/// The unfinished end of a journal whose writer was cut off: bytes behind the last whole frame that no durable frame
/// needs. They are left where they are; the journal goes on in another segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Where the chain ends.
    pub position: Position,
    /// Whole frames behind it, from the same write that never became durable.
    pub whole_frames: u64,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The journal is not as it was written.
    #[error(
        "{0}; help: nothing was changed; keep the file, restore it from a copy, or go on without these frames"
    )]
    Damage(Damage),
    /// The operating system refused.
    #[error("cannot read the journal in `{folder}`")]
    Io {
        /// The journal's folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What a whole journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The sequence of the first frame that is here: those before it are sealed and removed.
    pub first: u64,
    /// How many frames were written, those before `first` included.
    pub size: u64,
    /// The chain after the last one.
    pub chain: Digest,
    /// The unfinished end, if there is one.
    pub torn: Option<Torn>,
}

/// The journals in a folder (`DIR/journal`), oldest first. A folder that is not there holds none.
///
/// # Errors
/// Those of the operating system.
pub fn list(folder: &Path) -> io::Result<Vec<JournalId>> {
    list_on(&FileSystem, folder)
}

pub(crate) fn list_on(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<JournalId>> {
    let names = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let mut ids: Vec<JournalId> = names.iter().filter_map(|name| JournalId::parse(name)).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Reads every frame of a journal and checks it.
///
/// # Errors
/// [`ReadError::Damage`] at the first place where the journal is not as it was written.
pub fn verify(folder: &Path, journal: JournalId) -> Result<Verified, ReadError> {
    let mut reader = Reader::open(folder, journal)?;
    let first = reader.first()?;
    loop {
        if let Step::End(end) = reader.step()? {
            return Ok(Verified { first, size: reader.next, chain: reader.chain, torn: end.torn });
        }
    }
}

/// Reads the frames of one journal in order, while a writer appends to it or not, in its process or another one.
///
/// It opens nothing to write and holds at most one frame and 128 KiB in memory. At the end it says `None` and can be
/// asked again. A reader in another process may see frames that are written and not yet durable; if the writer gives
/// these up after a failed sync, the reader goes back and yields what was written in their place, from the sequence
/// where they began. A reader that stays below the writer's durable size ([`Reader::read_below`]) never sees any.
pub struct Reader {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    journal: JournalId,
    current: Option<Current>,
    /// The sequence of the next frame, and the chain before it.
    next: u64,
    chain: Digest,
    /// The leaf hash of the frame that was met last.
    leaf: Digest,
    /// Frames below this sequence are read and not yielded.
    from: u64,
}

struct Current {
    segment: Segment,
    offset: u64,
    /// The segment after this one: it says where this one ends.
    successor: Option<Segment>,
}

/// What [`Reader::step`] met.
pub(crate) enum Step {
    Frame(FrameHeader, Position),
    End(End),
}

/// How a journal ends.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct End {
    pub(crate) torn: Option<Torn>,
    /// How many frames are known to be durable by the end alone: by a mark, or the last segment's first sequence.
    pub(crate) durable: u64,
    /// A last segment that holds nothing at all.
    pub(crate) unused_segment: Option<u64>,
}

impl Reader {
    /// Opens a journal of a folder (`DIR/journal`) at its first frame, or at the first one that is kept
    /// ([`Reader::first`]). A journal without files is empty.
    ///
    /// # Errors
    /// [`ReadError::Damage`] when the first segment is not as it was written.
    pub fn open(folder: &Path, journal: JournalId) -> Result<Self, ReadError> {
        Self::open_on(Arc::new(FileSystem), folder, journal)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, folder: &Path, journal: JournalId) -> Result<Self, ReadError> {
        let folder = folder.join(journal.to_string());
        let chain = genesis(journal);
        Ok(Self { disk, folder, journal, current: None, next: 0, chain, leaf: chain, from: 0 })
    }

    /// The sequence of the first frame that is kept: frames before it are sealed and removed. 0 for a journal without
    /// files.
    ///
    /// # Errors
    /// [`ReadError::Damage`] when the first segment is not as it was written, or those before it are lost.
    pub fn first(&self) -> Result<u64, ReadError> {
        Ok(self.first_segment()?.map_or(0, |segment| segment.header.first))
    }

    /// Goes to a frame: the next one yielded has this sequence, or is the first one that is kept. Trusts the segments before the one that holds it.
    ///
    /// # Errors
    /// [`ReadError::Damage`] when a segment's header is not valid.
    pub fn seek(&mut self, sequence: u64) -> Result<(), ReadError> {
        self.from = sequence;
        let numbers = self.numbers()?;
        let lowest = numbers.first().copied();
        let mut found = None;
        for number in numbers.iter().rev() {
            let segment = self.segment(*number)?;
            let first = segment.header.first;
            found = Some(segment);
            // Equal firsts are attempts that were superseded: the last one counts, and it is met first.
            if first <= sequence {
                break;
            }
        }
        if let Some(segment) = found {
            if lowest == Some(segment.header.number) {
                self.check_begin(&segment.header)?;
            }
            self.enter(segment)?;
        }
        Ok(())
    }

    /// Goes to the last segment, trusting all before it.
    pub(crate) fn seek_last_segment(&mut self) -> Result<(), ReadError> {
        if let Some(number) = self.numbers()?.last() {
            let segment = self.segment(*number)?;
            self.enter(segment)?;
        }
        Ok(())
    }

    /// The journal that is read.
    pub fn journal(&self) -> JournalId {
        self.journal
    }

    /// The sequence of the next frame to be yielded.
    pub fn sequence(&self) -> u64 {
        self.next.max(self.from)
    }

    /// The next frame, or `None` where there is none yet.
    ///
    /// # Errors
    /// [`ReadError::Damage`] where the journal is not as it was written; asking again gives the same.
    pub fn read(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            match self.step()? {
                Step::End(_) => return Ok(None),
                Step::Frame(header, _) if header.sequence < self.from => {}
                Step::Frame(header, position) => {
                    // What was yielded once may be yielded again when the writer gave it up (see above).
                    self.from = 0;
                    return self.frame(&header, position).map(Some);
                }
            }
        }
    }

    /// The next frame with a sequence below `size` (the durable size that the writer says), or `None` when all of
    /// these have been yielded.
    ///
    /// # Errors
    /// As [`Reader::read`]; a frame below `size` that is not there is damage.
    pub fn read_below(&mut self, size: u64) -> Result<Option<Frame>, ReadError> {
        if self.sequence() >= size {
            return Ok(None);
        }
        match self.read()? {
            None => Err(self.damage(self.position(), Fault::Frame)),
            frame => Ok(frame),
        }
    }

    /// The frame that the last step met, with its payload.
    pub(crate) fn frame(&mut self, header: &FrameHeader, position: Position) -> Result<Frame, ReadError> {
        let payload = match &mut self.current {
            Some(current) => {
                let payload = current.segment.payload(position.offset, header).map(<[u8]>::to_vec);
                payload.map_err(|source| self.io(source))?
            }
            None => Vec::new(),
        };
        let kind = Kind::new(header.kind).unwrap_or(Kind::OPENED);
        Ok(Frame { sequence: header.sequence, kind, leaf: self.leaf, payload, position })
    }

    /// How far the reader got.
    pub(crate) fn point(&self) -> Point {
        Point { size: self.next, chain: self.chain }
    }

    /// Checks the next frame and moves past it.
    pub(crate) fn step(&mut self) -> Result<Step, ReadError> {
        loop {
            if self.current.is_none() && !self.enter_first()? {
                return Ok(Step::End(End::default()));
            }
            let (next, chain) = (self.next, self.chain);
            let Some(current) = &mut self.current else { continue };
            let number = current.segment.header.number;
            let position = Position { segment: number, offset: current.offset };
            if let Some(successor) = current.successor.take_if(|s| s.header.first <= next) {
                self.follow(successor)?;
                continue;
            }
            let slot = match current.segment.slot(current.offset) {
                Ok(slot) => slot,
                Err(source) => return Err(self.io(source)),
            };
            if let Slot::Frame(header) = slot
                && header.sequence == next
                && header.previous == chain
                && header.durable <= next
            {
                let payload = match current.segment.payload(current.offset, &header) {
                    Ok(payload) => payload,
                    Err(source) => return Err(self.io(source)),
                };
                self.leaf = leaf(payload);
                self.chain = link(chain, self.leaf, next, header.kind);
                self.next += 1;
                current.offset += header.span();
                return Ok(Step::Frame(header, position));
            }
            if let Some(successor) = &current.successor {
                // A successor's frames follow directly, so all of this segment's up to them were durable.
                let what = if matches!(slot, Slot::Frame(_)) { Fault::Misplaced } else { Fault::Frame };
                debug_assert!(successor.header.first > next);
                return Err(self.damage(position, what));
            }
            if self.find_successor()? {
                continue;
            }
            if let Some(end) = self.end(position)? {
                return Ok(Step::End(end));
            }
        }
    }

    /// Judges what lies at the end of the chain in the last segment; `None` when it is no end after all, because the
    /// writer has gone on meanwhile.
    fn end(&mut self, position: Position) -> Result<Option<End>, ReadError> {
        let (next, chain) = (self.next, self.chain);
        let Some(current) = &mut self.current else { return Ok(None) };
        let first = current.segment.header.first;
        let look = |segment: &mut Segment| -> io::Result<(Slot, Remains, Slot)> {
            segment.refresh();
            let before = segment.slot(position.offset)?;
            let behind = if matches!(before, Slot::Mark(_)) { FRAME_HEADER as u64 } else { 0 };
            let remains = segment.remains(position.offset + behind)?;
            segment.refresh();
            Ok((before, remains, segment.slot(position.offset)?))
        };
        let (before, remains, after) = match look(&mut current.segment) {
            Ok(seen) => seen,
            Err(source) => return Err(self.io(source)),
        };
        let belongs = |h: &FrameHeader| h.sequence == next && h.previous == chain && h.durable <= next;
        let mut end = End { durable: first, ..End::default() };
        match after {
            Slot::Frame(header) if belongs(&header) => return Ok(None),
            Slot::Frame(_) => return Err(self.damage(position, Fault::Misplaced)),
            Slot::Mark(header) if belongs(&header) => end.durable = next,
            Slot::Mark(_) => return Err(self.damage(position, Fault::Misplaced)),
            Slot::Empty | Slot::Invalid => {}
        }
        if before != after {
            // A write goes on beside us: what was seen behind it proves nothing yet.
            return Ok(Some(end));
        }
        if remains.unbounded {
            return Err(self.damage(position, Fault::Unclear));
        }
        // INVARIANT: a frame is written only after its `durable` frames were synced. So a valid frame or mark that
        // speaks of more than `next` durable frames proves that frame `next` was durable and is lost. Frames behind
        // the end that speak of fewer were written together with the missing one, and none of them was ever promised.
        if remains.durable > next {
            return Err(self.damage(position, Fault::Frame));
        }
        if remains.garbage {
            end.torn = Some(Torn { position, whole_frames: remains.frames });
        }
        if !remains.garbage && next == first && after == Slot::Empty {
            end.unused_segment = Some(position.segment);
        }
        Ok(Some(end))
    }

    fn position(&self) -> Position {
        let at = |c: &Current| Position { segment: c.segment.header.number, offset: c.offset };
        self.current.as_ref().map(at).unwrap_or_default()
    }

    /// Opens the first segment; `false` where there is none yet.
    fn enter_first(&mut self) -> Result<bool, ReadError> {
        let Some(segment) = self.first_segment()? else { return Ok(false) };
        self.enter(segment)?;
        Ok(true)
    }

    /// The first segment, where it may be the first.
    fn first_segment(&self) -> Result<Option<Segment>, ReadError> {
        let mut attempts = 0;
        loop {
            let Some(number) = self.numbers()?.first().copied() else { return Ok(None) };
            match self.segment(number) {
                Ok(segment) => {
                    self.check_begin(&segment.header)?;
                    return Ok(Some(segment));
                }
                // It was sealed and removed since it was listed.
                Err(ReadError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && attempts < REMOVED =>
                {
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A journal begins with its first frame, or behind frames that were sealed.
    fn check_begin(&self, header: &SegmentHeader) -> Result<(), ReadError> {
        let sound = if header.first == 0 {
            header.previous == genesis(self.journal)
        } else {
            let mark = read_mark(&*self.disk, &self.folder, self.journal);
            header.first <= mark.map_err(|source| self.io(source))?
        };
        let position = Position { segment: header.number, offset: 0 };
        if sound { Ok(()) } else { Err(self.damage(position, Fault::Sequence)) }
    }

    /// The headers of all segments, in their order.
    pub(crate) fn headers(&self) -> Result<Vec<SegmentHeader>, ReadError> {
        let numbers = self.numbers()?.into_iter();
        numbers.map(|number| Ok(self.segment(number)?.header)).collect()
    }

    /// Goes on to the next segment, whose first frame is at or before the next sequence.
    fn follow(&mut self, successor: Segment) -> Result<(), ReadError> {
        let position = Position { segment: successor.header.number, offset: 0 };
        let (first, previous) = (successor.header.first, successor.header.previous);
        if first == self.next {
            if previous != self.chain {
                return Err(self.damage(position, Fault::Sequence));
            }
            return self.enter(successor);
        }
        // The reader was ahead of frames that the writer gave up: it reads this segment again up to its successor,
        // and yields again from there.
        let Some(current) = &mut self.current else { return Ok(()) };
        if first < current.segment.header.first {
            return Err(self.damage(position, Fault::Sequence));
        }
        current.offset = HEADER_BLOCK;
        self.next = current.segment.header.first;
        self.chain = current.segment.header.previous;
        current.successor = Some(successor);
        self.from = self.from.max(first);
        Ok(())
    }

    fn enter(&mut self, segment: Segment) -> Result<(), ReadError> {
        self.next = segment.header.first;
        self.chain = segment.header.previous;
        self.current = Some(Current { segment, offset: HEADER_BLOCK, successor: None });
        self.find_successor()?;
        Ok(())
    }

    /// Looks for the segment after the current one.
    fn find_successor(&mut self) -> Result<bool, ReadError> {
        let Some(current) = &self.current else { return Ok(false) };
        let number = current.segment.header.number;
        let Some(number) = self.numbers()?.into_iter().find(|n| *n > number) else { return Ok(false) };
        let successor = self.segment(number)?;
        if let Some(current) = &mut self.current {
            current.successor = Some(successor);
        }
        Ok(true)
    }

    fn numbers(&self) -> Result<Vec<u64>, ReadError> {
        segment_numbers(&*self.disk, &self.folder).map_err(|source| self.io(source))
    }

    fn segment(&self, number: u64) -> Result<Segment, ReadError> {
        let segment = Segment::open(&self.disk, &self.folder, self.journal, number);
        let segment =
            segment.map_err(|source| ReadError::Io { folder: segment_path(&self.folder, number), source })?;
        segment.ok_or_else(|| self.damage(Position { segment: number, offset: 0 }, Fault::Header))
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { folder: self.folder.clone(), source }
    }

    fn damage(&self, position: Position, what: Fault) -> ReadError {
        ReadError::Damage(Damage { journal: self.journal, position, sequence: self.next, what })
    }
}
