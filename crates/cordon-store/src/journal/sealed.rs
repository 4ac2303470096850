//! The space of frames that lie in the object store: which segments are complete, and their removal.
//!
//! What was removed is said in a file of its own, `DIR/journal/<journal id>/sealed`: a journal may begin behind its
//! first frame only where this mark says so. So the loss of its first segments stays damage.
//!
//! ```text
//! mark = "CORDONJS" version:u32 zero:u32 journal:[16] below:u64 crc:u32
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, FileSystem};
use super::format::{Fields, JournalId, checksum};
use super::reader::{ReadError, Reader};
use super::segment::{read_full, segment_path};

const MAGIC: [u8; 8] = *b"CORDONJS";
const VERSION: u32 = 1;
/// Bytes of the mark before its checksum.
const FIELDS: usize = 40;

/// The frames of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRange {
    /// The segment's number: the file is `<number, ten digits>.seg`.
    pub number: u64,
    /// Sequence of its first frame.
    pub first: u64,
    /// The sequence after its last frame, where the writer has left the segment; never less than `first`. `None` for
    /// the last segment, which may still grow.
    pub end: Option<u64>,
}

/// Why sealed segments were not removed, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// What is there cannot be read.
    #[error("cannot tell which segments hold sealed frames")]
    Read(#[from] ReadError),
    /// The operating system refused.
    #[error("cannot remove sealed segments at `{path}`; help: see the cause; asking again goes on")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// The segments of a journal of a folder (`DIR/journal`), in their order, by their headers alone.
///
/// # Errors
/// [`ReadError::Damage`] where a header is not as it was written.
pub fn segments(folder: &Path, journal: JournalId) -> Result<Vec<SegmentRange>, ReadError> {
    segments_on(Arc::new(FileSystem), folder, journal)
}

/// The same on any disk.
///
/// # Errors
/// As [`segments`].
pub fn segments_on(
    disk: Arc<dyn Disk>,
    folder: &Path,
    journal: JournalId,
) -> Result<Vec<SegmentRange>, ReadError> {
    let mut ranges: Vec<SegmentRange> = Vec::new();
    for header in Reader::open_on(disk, folder, journal)?.headers()? {
        if let Some(last) = ranges.last_mut() {
            last.end = Some(header.first.max(last.first));
        }
        ranges.push(SegmentRange { number: header.number, first: header.first, end: None });
    }
    Ok(ranges)
}

/// Removes the segments all of whose frames lie below a sequence, and never the last one. The caller knows that these
/// frames are sealed and that the log says so. Returns how many were removed; what is gone already is no error.
///
/// A reader that stands in a removed segment reads it to its end and then finds damage: let every reader pass first,
/// or open it again.
///
/// # Errors
/// When the segments cannot be read or removed; asking again goes on.
pub fn remove_sealed(folder: &Path, journal: JournalId, below: u64) -> Result<usize, RemoveError> {
    remove_sealed_on(&(Arc::new(FileSystem) as Arc<dyn Disk>), folder, journal, below)
}

/// The same on any disk.
///
/// # Errors
/// As [`remove_sealed`].
pub fn remove_sealed_on(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    journal: JournalId,
    below: u64,
) -> Result<usize, RemoveError> {
    let ranges = segments_on(Arc::clone(disk), folder, journal)?;
    let folder = folder.join(journal.to_string());
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RemoveError::Io { path, source }
    };
    let sealed: Vec<&SegmentRange> =
        ranges.iter().take_while(|range| range.end.is_some_and(|end| end <= below)).collect();
    let Some(begin) = sealed.last().and_then(|range| range.end) else { return Ok(0) };
    if read_mark(&**disk, &folder, journal).map_err(failed(&mark_path(&folder)))? < begin {
        write_mark(&**disk, &folder, journal, begin).map_err(failed(&mark_path(&folder)))?;
    }
    for range in &sealed {
        // One after the other: names that go together may go in any order, and a gap would be damage.
        let path = segment_path(&folder, range.number);
        match disk.remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed(&path))?,
        }
        disk.sync_folder(&folder).map_err(failed(&folder))?;
    }
    Ok(sealed.len())
}

/// Up to which sequence frames may be missing at the begin; 0 where no mark says so, or where it is not valid.
pub(crate) fn read_mark(disk: &dyn Disk, folder: &Path, journal: JournalId) -> io::Result<u64> {
    let file = match disk.open(&mark_path(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut bytes = [0; FIELDS + 4];
    let read = read_full(&*file, &mut bytes, 0)?;
    Ok(bytes.get(..read).and_then(|bytes| decode(journal, bytes)).unwrap_or(0))
}

fn decode(journal: JournalId, bytes: &[u8]) -> Option<u64> {
    let (content, crc) = bytes.split_at_checked(FIELDS)?;
    let mut fields = Fields(content);
    let ours = fields.take()? == MAGIC
        && u32::from_le_bytes(fields.take()?) == VERSION
        && fields.take()? == [0; 4]
        && fields.take()? == *journal.as_bytes();
    let below = u64::from_le_bytes(fields.take()?);
    (ours && crc == checksum(journal, &[content]).to_le_bytes()).then_some(below)
}

fn write_mark(disk: &dyn Disk, folder: &Path, journal: JournalId, below: u64) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(FIELDS + 4);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(journal.as_bytes());
    bytes.extend_from_slice(&below.to_le_bytes());
    let crc = checksum(journal, &[&bytes]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    let new = folder.join("sealed.new");
    match disk.remove(&new) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    let file = disk.create(&new)?;
    file.write_at(&bytes, 0)?;
    file.sync()?;
    disk.rename(&new, &mark_path(folder))?;
    disk.sync_folder(folder)
}

fn mark_path(folder: &Path) -> PathBuf {
    folder.join("sealed")
}
