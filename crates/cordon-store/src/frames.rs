//! The frames of a journal wherever they lie: sealed segments in the object store, the rest in the journal's files.

use std::{path::Path, sync::Arc};

use cordon_core::{JournalId, evidence::SegmentSeal};

use crate::{
    journal::{Frame, Position, ReadError, Reader, leaf},
    objects::{ObjectError, Objects},
    seal::{SealedError, SealedReader},
};

/// Where sealed segments are, and which there are: the log says so. Clones share everything.
#[derive(Clone)]
pub struct Archive {
    objects: Arc<dyn Objects>,
    seals: Arc<dyn Fn(JournalId) -> Vec<SegmentSeal> + Send + Sync>,
}

/// Reads the frames of one journal in order, sealed or not.
pub struct FrameReader {
    reader: Reader,
    archive: Option<Archive>,
    sealed: Option<SealedReader>,
    /// The sequence of the next frame of `sealed`.
    next: u64,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The journal's files.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A sealed segment.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// The frame is not in the journal's files any more, and no object holds it.
    #[error(
        "frame {sequence} of journal {journal} is neither in its files nor in a sealed segment; help: restore the objects"
    )]
    Gone {
        /// The journal.
        journal: JournalId,
        /// Which frame.
        sequence: u64,
    },
}

impl FramesError {
    /// Whether the object store could not be asked, which says nothing about the frames: asking again may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Sealed(SealedError::Store(ObjectError::Store { .. })))
    }
}

impl Archive {
    /// An archive in this store; `seals` gives the sealed segments of a journal that are kept, in their order.
    pub fn new(
        objects: Arc<dyn Objects>,
        seals: impl Fn(JournalId) -> Vec<SegmentSeal> + Send + Sync + 'static,
    ) -> Self {
        Self { objects, seals: Arc::new(seals) }
    }

    /// The store.
    pub fn objects(&self) -> &Arc<dyn Objects> {
        &self.objects
    }

    /// The segment that holds a frame, or the first one that is kept where the frame was retired.
    fn segment_of(&self, journal: JournalId, sequence: u64) -> Option<SegmentSeal> {
        let seals = (self.seals)(journal);
        seals.into_iter().enumerate().find_map(|(at, seal)| {
            let begins = seal.first <= sequence || at == 0;
            (begins && sequence < seal.first.saturating_add(seal.count)).then_some(seal)
        })
    }

    fn is_empty(&self, journal: JournalId) -> bool {
        (self.seals)(journal).is_empty()
    }
}

impl FrameReader {
    /// Opens a journal of a folder (`DIR/journal`) at a frame.
    ///
    /// # Errors
    /// When the frame is sealed and its object cannot be read, or the journal is not as it was written.
    pub fn open(
        folder: &Path,
        journal: JournalId,
        archive: Option<&Archive>,
        sequence: u64,
    ) -> Result<Self, FramesError> {
        Self::of(Reader::open(folder, journal)?, archive, sequence)
    }

    /// The same for an open reader.
    ///
    /// # Errors
    /// As [`FrameReader::open`].
    pub fn of(reader: Reader, archive: Option<&Archive>, sequence: u64) -> Result<Self, FramesError> {
        let mut frames = Self { reader, archive: archive.cloned(), sealed: None, next: 0 };
        frames.seek(sequence)?;
        Ok(frames)
    }

    /// The same at the first frame that is still in the journal's files: the object store is asked for nothing before a
    /// seek asks for what lies there.
    ///
    /// # Errors
    /// When the journal is not as it was written.
    pub fn of_files(mut reader: Reader, archive: &Archive) -> Result<Self, FramesError> {
        reader.seek(reader.first()?)?;
        Ok(Self { reader, archive: Some(archive.clone()), sealed: None, next: 0 })
    }

    /// Goes to a frame: the next one read has this sequence, or is the first one that was not retired.
    ///
    /// # Errors
    /// When it is sealed and its object cannot be read.
    pub fn seek(&mut self, sequence: u64) -> Result<(), FramesError> {
        if sequence >= self.reader.first()? {
            self.sealed = None;
            match self.reader.seek(sequence) {
                Ok(()) => return Ok(()),
                // Segments went between these two lines: then the frame is sealed.
                Err(_) if sequence < self.reader.first()? => {}
                Err(error) => return Err(error.into()),
            }
        }
        let journal = self.reader.journal();
        let gone = FramesError::Gone { journal, sequence };
        let archive = self.archive.as_ref().ok_or(gone)?;
        if archive.is_empty(journal) {
            // All that was sealed is retired.
            self.sealed = None;
            return Ok(self.reader.seek(sequence)?);
        }
        let seal = archive.segment_of(journal, sequence);
        let seal = seal.ok_or(FramesError::Gone { journal, sequence })?;
        let sequence = sequence.max(seal.first);
        let mut sealed = SealedReader::open(&archive.objects, &seal)?;
        sealed.seek(sequence)?;
        (self.sealed, self.next) = (Some(sealed), sequence);
        Ok(())
    }

    /// The sequence of the next frame to be read.
    pub fn sequence(&self) -> u64 {
        if self.sealed.is_some() { self.next } else { self.reader.sequence() }
    }

    /// The next frame, or `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it was.
    pub fn read(&mut self) -> Result<Option<Frame>, FramesError> {
        while let Some(sealed) = &mut self.sealed {
            if let Some(frame) = sealed.read()? {
                self.next = frame.sequence.saturating_add(1);
                return Ok(Some(Frame {
                    sequence: frame.sequence,
                    kind: frame.kind,
                    leaf: leaf(&frame.payload),
                    payload: frame.payload,
                    position: Position::default(),
                }));
            }
            self.seek(self.next)?;
        }
        self.journal(Reader::read)
    }

    /// The next frame with a sequence below `size` (the durable size that the writer says), or `None`.
    ///
    /// # Errors
    /// As [`FrameReader::read`]; a frame below `size` that is not there is damage.
    pub fn read_below(&mut self, size: u64) -> Result<Option<Frame>, FramesError> {
        if self.sealed.is_none() {
            return self.journal(|reader| reader.read_below(size));
        }
        if self.next >= size { Ok(None) } else { self.read() }
    }

    /// Reads from the journal's files. A reader that stood at the end of a segment that was sealed and removed since meets
    /// damage where there is none: it goes to its place once more, which a real damage survives.
    fn journal(
        &mut self,
        read: impl Fn(&mut Reader) -> Result<Option<Frame>, ReadError>,
    ) -> Result<Option<Frame>, FramesError> {
        let next = self.reader.sequence();
        match read(&mut self.reader) {
            Ok(frame) => Ok(frame),
            Err(error) => match self.seek(next) {
                Ok(()) if self.sealed.is_none() => Ok(read(&mut self.reader)?),
                Ok(()) => self.read(),
                Err(_) => Err(error.into()),
            },
        }
    }

    /// How many frames were passed or read, as far as the journal's files know.
    pub(crate) fn end(&self) -> u64 {
        if self.sealed.is_some() { self.next } else { self.reader.point().size }
    }
}
