//! One segment, read in pieces: what lies at an offset, and what lies behind a place where the chain ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::format::{
    FRAME_HEADER, FRAME_MAGIC, FrameHeader, HEADER_BLOCK_LENGTH, JournalId, MAX_PAYLOAD, SegmentHeader, span,
};

/// How much is read at once.
const WINDOW: usize = 128 * 1024;
/// How many bytes of payload the search behind the end of the chain checks at most, beside the segment itself.
const SEARCH_BUDGET: u64 = 64 << 20;

/// The file of a segment: `<number, ten digits>.seg`.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.seg"))
}

/// The numbers of the segments in a journal's folder, ascending. A folder that is not there has none.
pub(crate) fn segment_numbers(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<u64>> {
    let names = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let number = |name: &String| name.strip_suffix(".seg").and_then(|digits| digits.parse().ok());
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// An open segment whose header is sound.
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    file: Box<dyn DiskFile>,
    window: Vec<u8>,
    window_at: u64,
}

/// What lies at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Zeros, or the end of the file.
    Empty,
    /// A frame whose checksum holds.
    Frame(FrameHeader),
    /// Anything else.
    Invalid,
    /// A mark whose checksum holds.
    Mark(FrameHeader),
}

/// What lies behind the end of the chain.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remains {
    /// Any byte that is not zero.
    pub(crate) garbage: bool,
    /// How many valid frames lie there.
    pub(crate) frames: u64,
    /// The largest number of durable frames that a valid frame or mark there speaks of.
    pub(crate) durable: u64,
    /// The search met so much that looks like frames that it gave up.
    pub(crate) unbounded: bool,
}

impl Segment {
    /// Opens a segment; `Ok(None)` where its header is not sound or the file is shorter than it ever was.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        journal: JournalId,
        number: u64,
    ) -> io::Result<Option<Self>> {
        let file = disk.open(&segment_path(folder, number))?;
        let mut block = vec![0; HEADER_BLOCK_LENGTH];
        let read = read_full(&*file, &mut block, 0)?;
        let header = SegmentHeader::decode(journal, &block);
        let length = file.length()?;
        Ok(header
            .filter(|h| read == block.len() && h.number == number && length >= h.initial)
            .map(|header| Self { header, file, window: Vec::new(), window_at: 0 }))
    }

    /// Forgets what was read, because the file may have changed.
    pub(crate) fn refresh(&mut self) {
        self.window.clear();
    }

    /// Up to `length` bytes at an offset; fewer at the end of the file.
    fn bytes(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let ahead = self.ahead(offset, length)?;
        Ok(ahead.get(..length).unwrap_or(ahead))
    }

    /// What is held from an offset on: at least `length` bytes, fewer only at the end of the file.
    fn ahead(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let start = offset.checked_sub(self.window_at).and_then(|start| usize::try_from(start).ok());
        let held = start.filter(|s| s.checked_add(length).is_some_and(|end| end <= self.window.len()));
        let start = match held {
            Some(start) => start,
            None => {
                self.window.resize(length.max(WINDOW), 0);
                let read = read_full(&*self.file, &mut self.window, offset);
                self.window.truncate(*read.as_ref().unwrap_or(&0));
                self.window_at = offset;
                read?;
                0
            }
        };
        Ok(self.window.get(start..).unwrap_or_default())
    }

    /// What lies at an offset.
    pub(crate) fn slot(&mut self, offset: u64) -> io::Result<Slot> {
        let journal = self.header.journal;
        let head = self.bytes(offset, FRAME_HEADER)?;
        if head.iter().all(|byte| *byte == 0) {
            return Ok(Slot::Empty);
        }
        let Some(header) = FrameHeader::decode(head) else { return Ok(Slot::Invalid) };
        if !header.vouches_for(journal, self.payload(offset, &header)?) {
            return Ok(Slot::Invalid);
        }
        Ok(if header.kind == 0 { Slot::Mark(header) } else { Slot::Frame(header) })
    }

    /// The payload of the frame at an offset; shorter than its length where the file ends.
    pub(crate) fn payload(&mut self, offset: u64, header: &FrameHeader) -> io::Result<&[u8]> {
        let length = (header.length as usize).min(MAX_PAYLOAD);
        let frame = self.bytes(offset, FRAME_HEADER + length)?;
        Ok(frame.get(FRAME_HEADER..).unwrap_or_default())
    }

    /// Looks at everything from an offset to the end of the file. The work is bounded, whatever lies there.
    pub(crate) fn remains(&mut self, from: u64) -> io::Result<Remains> {
        let mut remains = Remains::default();
        let mut offset = from;
        let mut budget = SEARCH_BUDGET;
        loop {
            let chunk = self.ahead(offset, FRAME_HEADER)?;
            let (words, rest) = chunk.as_chunks::<8>();
            if words.is_empty() {
                remains.garbage |= rest.iter().any(|byte| *byte != 0);
                return Ok(remains);
            }
            let read = (words.len() * 8) as u64;
            let is_frame = |word: &[u8; 8]| word.first_chunk() == Some(&FRAME_MAGIC);
            let candidate = words.iter().position(is_frame).map(|at| offset + at as u64 * 8);
            remains.garbage = remains.garbage || words.iter().any(|word| *word != [0; 8]);
            let Some(at) = candidate else {
                offset += read;
                continue;
            };
            let cost = match FrameHeader::decode(self.bytes(at, FRAME_HEADER)?) {
                Some(header) => span(header.length as usize),
                None => 8,
            };
            let Some(left) = budget.checked_sub(cost) else {
                remains.unbounded = true;
                return Ok(remains);
            };
            offset = match self.slot(at)? {
                Slot::Frame(header) => {
                    remains.frames += 1;
                    remains.durable = remains.durable.max(header.durable);
                    at + header.span()
                }
                Slot::Mark(header) => {
                    remains.durable = remains.durable.max(header.durable);
                    at + header.span()
                }
                Slot::Empty | Slot::Invalid => {
                    budget = left;
                    at + 8
                }
            };
        }
    }
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_full(file: &dyn DiskFile, buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let read = file.read_at(rest, offset)?;
        if read == 0 {
            break;
        }
        done += read;
        offset += read as u64;
    }
    Ok(done)
}
