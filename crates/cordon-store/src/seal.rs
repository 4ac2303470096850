//! Sealed segments: a range of a journal as one immutable Parquet object that any engine reads, and that proves itself.
//!
//! # What is kept
//! `segments/<journal id>/sha256-<hex>.parquet`. Column `entry` holds the exact bytes of each frame, `frame_kind` the
//! journal's number of its kind; every other column is a *projection* ([`seal_range`] derives it, [`verify_object`]
//! derives it again and compares), `null` where a frame does not say. The file's metadata names journal, first sequence,
//! count and the root of the RFC 6962 tree over exactly these frames.
//!
//! The same frames make the same bytes: settings and the name of the writer are constant, nothing of the moment goes in.
//! So a seal that was cut off anywhere is made again and meets its own object. Projections are made by rules of their own
//! ([`projection`]'s, version 1), not by the frame types of the day: an object is derived in ten years as it is today.
//!
//! # What is trusted
//! Nothing but the fact in the log ([`SegmentSeal`]). An object is parsed only after its length and digest are those of
//! the fact, and every block that is read later is compared with the one that was digested: a store that changes its
//! answer in between is found out, and hostile bytes never reach the parser.
//!
//! # What it costs
//! Frames pass through row groups of at most [`MAX_ROWS`] frames and [`MAX_ENTRY_BYTES`] of entries; that much, some pages
//! and the object's footer are the memory, whatever the length of the range. Pages are compressed with Snappy: every
//! engine reads it, and it is plain Rust here.
//!
//! ```
//! # use std::sync::Arc;
//! use cordon_store::journal::{Journal, Kind, NewFrame, Options, Reader};
//! use cordon_store::objects::{FolderObjects, Objects};
//! use cordon_store::seal::{SealedReader, seal_range, verify_object};
//! # let folder = tempfile::tempdir()?;
//! # let (journals, scratch) = (folder.path().join("journal"), folder.path().join("scratch"));
//! let (journal, _) = Journal::open(&journals, Options::default(), [7; 12])?;
//! journal.append(&[NewFrame { kind: Kind::OPENED, payload: br#"{"call":1}"# }])?.wait()?;
//! let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&folder.path().join("objects"))?);
//!
//! let seal = seal_range(&mut journal.reader()?, 0, 1, &objects, &scratch)?;
//! verify_object(&objects, &seal)?;
//! let mut sealed = SealedReader::open(&objects, &seal)?;
//! assert_eq!(sealed.read()?.map(|frame| frame.payload), Some(br#"{"call":1}"#.to_vec()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::{Digest, JournalId, evidence::SegmentSeal};
use cordon_ledger::{Frontier, Hash};
use parquet::{
    errors::ParquetError,
    file::{metadata::KeyValue, writer::SerializedFileWriter},
};
use sha2::{Digest as _, Sha256};

use crate::{
    journal::{ReadError, Reader},
    objects::{ObjectError, Objects},
};

mod columns;
mod group;
mod object;
pub mod projection;
mod reader;
mod verify;

pub use group::{MAX_ENTRY_BYTES, MAX_ROWS};
pub use object::{Flaw, SealedError};
pub use reader::{SealedFrame, SealedReader};
pub use verify::verify_object;

use group::Group;

/// The version of the object's form and of its projections, in the object's metadata.
const VERSION: &str = "1";

/// Why a range was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The journal cannot be read.
    #[error("the frames to be sealed cannot be read")]
    Journal(#[from] ReadError),
    /// A frame is not in the journal.
    #[error("frame {sequence} of journal {journal} is not there to be sealed")]
    Missing {
        /// The journal.
        journal: JournalId,
        /// The first frame that is missing.
        sequence: u64,
    },
    /// No range that an object can hold.
    #[error("{count} frames from {first} on are no range to seal; help: at least one, below 2^63")]
    Range {
        /// Sequence of the first frame.
        first: u64,
        /// Number of frames.
        count: u64,
    },
    /// The object could not be made.
    #[error("the object of a segment cannot be written")]
    Write(#[source] ParquetError),
    /// The folder for unfinished objects cannot be used.
    #[error("`{path}` cannot be used for an unfinished object; help: it must be a folder with free space")]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The object store does not take the object.
    #[error("the object of a segment cannot be stored")]
    Store(#[from] ObjectError),
    /// What lies in the store is not what was put there.
    #[error("the object of a segment did not come back from the store as it went in")]
    ReadBack(#[from] SealedError),
}

/// Seals `count` frames of a journal from `first` on: writes their object, puts it into the store where it is not there
/// yet, reads it back and verifies it ([`verify_object`]). Returns what the log shall say of it; the caller makes the fact.
///
/// The caller says that these frames are anchored. `scratch` is a folder on a disk, not in memory: the object is
/// written there first, under a name that is gone at once. Asking again after an error gives the same object.
///
/// # Errors
/// When a frame is missing or damaged, something cannot be written, or the object does not come back from the store.
pub fn seal_range(
    reader: &mut Reader,
    first: u64,
    count: u64,
    objects: &Arc<dyn Objects>,
    scratch: &Path,
) -> Result<SegmentSeal, SealError> {
    let fits = count > 0 && first.checked_add(count).is_some_and(|end| i64::try_from(end).is_ok());
    if !fits {
        return Err(SealError::Range { first, count });
    }
    let file = scratch_file(scratch);
    let file = file.map_err(|source| SealError::Scratch { path: scratch.to_owned(), source })?;
    let journal = reader.journal();
    let mut writer = Writer::new(file, first)?;
    reader.seek(first)?;
    for sequence in first..first + count {
        let frame = reader.read()?.filter(|frame| frame.sequence == sequence);
        let Some(frame) = frame else { return Err(SealError::Missing { journal, sequence }) };
        writer.push(frame.kind.number(), &frame.payload, frame.leaf)?;
    }
    let (root, mut sink) = writer.finish(journal, first)?;
    let digest = Digest::from_bytes(sink.hash.finalize().into());
    let object = object_name(journal, digest);
    objects.put_if_absent(&object, &mut sink.file)?;
    let seal = SegmentSeal { journal, first, count, root, object, digest, bytes: sink.bytes };
    verify_object(objects, &seal)?;
    Ok(seal)
}

/// The name of an object of a journal: its content says it.
fn object_name(journal: JournalId, digest: Digest) -> String {
    format!("segments/{journal}/sha256-{digest}.parquet")
}

/// Writes the object of consecutive frames.
struct Writer {
    file: SerializedFileWriter<Sink>,
    group: Group,
    tree: Frontier,
}

impl Writer {
    fn new(file: File, first: u64) -> Result<Self, SealError> {
        let sink = Sink { file, hash: Sha256::new(), bytes: 0 };
        let file = columns::schema()
            .and_then(|schema| SerializedFileWriter::new(sink, schema, columns::properties()))
            .map_err(SealError::Write)?;
        Ok(Self { file, group: Group::new(first), tree: Frontier::new() })
    }

    fn push(&mut self, kind: u8, payload: &[u8], leaf: Digest) -> Result<(), SealError> {
        if !self.group.takes(payload.len()) {
            self.write_group()?;
        }
        self.group.push(kind, payload);
        self.tree.push(Hash::new(*leaf.as_bytes()));
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), SealError> {
        let next = self.group.end();
        self.group.close();
        columns::write(&mut self.file, &self.group).map_err(SealError::Write)?;
        self.group = Group::new(next);
        Ok(())
    }

    fn finish(mut self, journal: JournalId, first: u64) -> Result<(Digest, Sink), SealError> {
        self.write_group()?;
        let root = Digest::from_bytes(*self.tree.root().as_bytes());
        for (key, value) in labels(journal, first, self.tree.size(), root) {
            self.file.append_key_value_metadata(KeyValue { key: key.to_owned(), value: Some(value) });
        }
        Ok((root, self.file.into_inner().map_err(SealError::Write)?))
    }
}

/// What the object's metadata says, in this order.
fn labels(journal: JournalId, first: u64, count: u64, root: Digest) -> [(&'static str, String); 5] {
    [
        ("cordon.version", VERSION.to_owned()),
        ("cordon.journal", journal.to_string()),
        ("cordon.first", first.to_string()),
        ("cordon.count", count.to_string()),
        ("cordon.root", root.to_string()),
    ]
}

/// The file that an object is written to, and the digest of what went into it.
struct Sink {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file without a name: it is gone with this process, however that ends.
fn scratch_file(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut number = 0_u32;
    loop {
        let path = folder.join(format!("seal-{}-{number}.new", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            // Taken by another thread at this moment, or by a process that ended between these two calls.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(error) => return Err(error),
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
}

#[cfg(test)]
mod tests;
