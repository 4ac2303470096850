//! An object whose bytes are those that the log speaks of, whatever the store does.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use cordon_core::{Digest, evidence::SegmentSeal};
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use sha2::{Digest as _, Sha256};

use crate::objects::{ObjectError, Objects};

/// Bytes that are read and digested at once.
const BLOCK: usize = 256 * 1024;

/// Why a sealed object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The object is not what the log says of it.
    #[error("object `{object}` is not as it was sealed: {flaw}; help: restore it from a copy of the store")]
    Flawed {
        /// The object.
        object: String,
        /// What is wrong.
        #[source]
        flaw: Flaw,
    },
    /// The store cannot be asked, or the object is not there.
    #[error("a sealed object cannot be read")]
    Store(#[from] ObjectError),
}

/// What is wrong with a sealed object.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// The bytes were others when they were read again.
    #[error("its bytes changed while it was read")]
    Changed,
    /// The digest is another one.
    #[error("its digest is {found}")]
    Digest {
        /// The digest of what is there.
        found: Digest,
    },
    /// Not a Parquet file as Cordon writes them.
    #[error("it cannot be read as a sealed segment")]
    Form(#[source] ParquetError),
    /// The name is not the one of its journal and digest.
    #[error("its name is not that of its content")]
    Name,
    /// The metadata says something else than the log.
    #[error("its metadata `{label}` is not what the log says")]
    Label {
        /// Which entry of the metadata.
        label: &'static str,
    },
    /// The length is another one.
    #[error("it has {found} bytes")]
    Length {
        /// The length of what is there.
        found: u64,
    },
    /// The frames have another root.
    #[error("its frames have root {found}")]
    Root {
        /// The root of what is there.
        found: Digest,
    },
    /// More or fewer frames than the log says.
    #[error("it holds {found} frames")]
    Count {
        /// How many there are.
        found: u64,
    },
    /// A row group that is larger than one may be, or has other columns.
    #[error("row group {group} has a form that no sealed segment has")]
    Group {
        /// The number of the row group, from 0.
        group: usize,
    },
    /// A value that the entry does not say.
    #[error("column `{column}` of frame {sequence} is not what its entry says")]
    Value {
        /// Sequence of the frame.
        sequence: u64,
        /// The column.
        column: &'static str,
    },
    /// Statistics that would hide values of their column.
    #[error("the statistics of column `{column}` in row group {group} do not hold for its values")]
    Statistics {
        /// The number of the row group, from 0.
        group: usize,
        /// The column.
        column: &'static str,
    },
}

/// The object of a seal, checked: every byte that it gives belongs to the content of the sealed digest.
pub(super) struct CheckedObject {
    objects: Arc<dyn Objects>,
    name: String,
    length: u64,
    /// The digest in the making before each block, and after the last one: what a block did to it once, it must do again.
    before: Vec<Sha256>,
    /// The block that was read last.
    held: Mutex<Option<(u64, Bytes)>>,
}

/// Bytes changed between two readings.
#[derive(Debug, thiserror::Error)]
#[error("the bytes changed while they were read")]
struct Changed;

impl CheckedObject {
    /// Reads the whole object once and compares length and digest.
    pub(super) fn open(objects: &Arc<dyn Objects>, seal: &SegmentSeal) -> Result<Arc<Self>, SealedError> {
        let flawed = |flaw| SealedError::Flawed { object: seal.object.clone(), flaw };
        if seal.object != super::object_name(seal.journal, seal.digest) {
            return Err(flawed(Flaw::Name));
        }
        let found = objects.size(&seal.object)?.ok_or_else(|| ObjectError::Absent(seal.object.clone()))?;
        if found != seal.bytes {
            return Err(flawed(Flaw::Length { found }));
        }
        let (mut whole, mut before, mut offset) = (Sha256::new(), Vec::new(), 0);
        while offset < seal.bytes {
            // A store may answer with less than a block; the rest of it is asked for next.
            let within = usize::try_from(offset % BLOCK as u64).unwrap_or(0);
            let block = objects.get_range(&seal.object, offset, BLOCK - within)?;
            if block.is_empty() {
                return Err(flawed(Flaw::Length { found: offset }));
            }
            if offset % BLOCK as u64 == 0 {
                before.push(whole.clone());
            }
            whole.update(&block);
            offset += block.len() as u64;
        }
        before.push(whole.clone());
        let found = Digest::from_bytes(whole.finalize().into());
        if found != seal.digest {
            return Err(flawed(Flaw::Digest { found }));
        }
        Ok(Arc::new(Self {
            objects: Arc::clone(objects),
            name: seal.object.clone(),
            length: seal.bytes,
            before,
            held: Mutex::new(None),
        }))
    }

    /// The block that holds an offset, from that offset on; empty at the end.
    fn block(&self, offset: u64) -> Result<Bytes, ParquetError> {
        let number = offset / BLOCK as u64;
        let within = usize::try_from(offset % BLOCK as u64).unwrap_or(0);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = held.as_ref().filter(|(at, _)| *at == number) {
            return Ok(block.slice(within.min(block.len())..));
        }
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some([before, after]) = self.before.get(at..).and_then(|states| states.first_chunk()) else {
            return Ok(Bytes::new());
        };
        let block = self.objects.get_range(&self.name, number * BLOCK as u64, BLOCK).map_err(external)?;
        if before.clone().chain_update(&block).finalize() != after.clone().finalize() {
            return Err(external(Changed));
        }
        let block = Bytes::from(block);
        *held = Some((number, block.clone()));
        Ok(block.slice(within.min(block.len())..))
    }
}

/// What a failure to read as Parquet means: the store's own failures are no flaw of the object.
pub(super) fn unreadable(seal: &SegmentSeal) -> impl Fn(ParquetError) -> SealedError {
    let object = seal.object.clone();
    move |error| {
        let flaw = |flaw| SealedError::Flawed { object: object.clone(), flaw };
        let ParquetError::External(inner) = error else { return flaw(Flaw::Form(error)) };
        let inner = match inner.downcast::<io::Error>().map(|error| error.into_inner()) {
            Ok(Some(inner)) => inner,
            Ok(None) => return flaw(Flaw::Form(ParquetError::EOF("the object ends too early".to_owned()))),
            Err(inner) => inner,
        };
        match inner.downcast::<ObjectError>() {
            Ok(error) => SealedError::Store(*error),
            Err(inner) if inner.is::<Changed>() => flaw(Flaw::Changed),
            Err(inner) => flaw(Flaw::Form(ParquetError::External(inner))),
        }
    }
}

/// Turns a panic of the Parquet reader into a flaw. Only bytes that the log vouches for come as far as here, but whoever
/// verifies somebody else's log does not take even these on trust.
pub(super) fn guarded<T>(
    seal: &SegmentSeal,
    read: impl FnOnce() -> Result<T, SealedError>,
) -> Result<T, SealedError> {
    // What a panic leaves half done is dropped with the reader, or read again from its begin by a seek.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let flaw = Flaw::Form(ParquetError::General("its reader gave up on it".to_owned()));
        Err(SealedError::Flawed { object: seal.object.clone(), flaw })
    })
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Reads the object from an offset on.
pub(super) struct ObjectRead {
    object: Arc<CheckedObject>,
    offset: u64,
}

impl Read for ObjectRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let block = self.object.block(self.offset).map_err(|error| match error {
            ParquetError::External(inner) => io::Error::other(inner),
            other => io::Error::other(other),
        })?;
        let length = block.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), block.get(..length)) {
            to.copy_from_slice(from);
        }
        self.offset += length as u64;
        Ok(length)
    }
}

/// The object as the Parquet reader sees it.
pub(super) struct Chunks(pub(super) Arc<CheckedObject>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.length
    }
}

impl ChunkReader for Chunks {
    type T = ObjectRead;

    fn get_read(&self, start: u64) -> Result<ObjectRead, ParquetError> {
        Ok(ObjectRead { object: Arc::clone(&self.0), offset: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let inside = start.checked_add(length as u64).is_some_and(|end| end <= self.0.length);
        if !inside {
            return Err(ParquetError::EOF("a part behind the end of the object is asked for".to_owned()));
        }
        let first = self.0.block(start)?;
        if first.len() >= length {
            return Ok(first.slice(..length));
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&first);
        while bytes.len() < length {
            let block = self.0.block(start + bytes.len() as u64)?;
            if block.is_empty() {
                return Err(external(Changed));
            }
            let part = block.len().min(length - bytes.len());
            bytes.extend_from_slice(block.get(..part).unwrap_or_default());
        }
        Ok(bytes.into())
    }
}
