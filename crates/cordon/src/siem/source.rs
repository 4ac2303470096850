//! Reading what is to be sent, a bounded batch at a time.

use std::path::PathBuf;

use cordon_core::{JournalId, record::Frame};
use cordon_store::frames::{Archive, FrameReader, FramesError};

use super::ocsf::Place;

/// The most frames of one batch.
const FRAMES: usize = 512;
/// The most bytes of one batch of frames.
const BYTES: usize = 1 << 20;

/// A journal that is read.
pub(super) struct JournalSource {
    pub(super) journal: JournalId,
    /// Whether this process writes it: then only what is durable is read.
    pub(super) current: bool,
    /// How long it is, as far as is known.
    pub(super) size: u64,
    /// Why it is not read any further.
    pub(super) broken: Option<String>,
    folder: PathBuf,
    archive: Archive,
    reader: Option<FrameReader>,
}

/// Frames as they were read; `None` where this program does not know the frame.
pub(super) struct Batch {
    pub(super) frames: Vec<(Place, Option<Frame>)>,
    /// What came instead of one more.
    pub(super) error: Option<FramesError>,
}

impl JournalSource {
    pub(super) fn new(
        journal: JournalId,
        current: bool,
        size: u64,
        folder: PathBuf,
        archive: Archive,
    ) -> Self {
        Self { journal, current, size, broken: None, folder, archive, reader: None }
    }

    /// The next frames from a sequence on, those of the journal that is written below its durable size.
    pub(super) async fn read(&mut self, from: u64) -> Batch {
        // A batch that was read and not sent is read again.
        let reader = self.reader.take().filter(|reader| reader.sequence() == from);
        let (folder, archive, journal) = (self.folder.clone(), self.archive.clone(), self.journal);
        let below = if self.current { self.size } else { u64::MAX };
        let reading = move || {
            let mut batch = Batch { frames: Vec::new(), error: None };
            let opened = match reader {
                Some(reader) => Ok(reader),
                None => FrameReader::open(&folder, journal, Some(&archive), from),
            };
            match opened {
                Ok(mut reader) => {
                    batch.fill(&mut reader, journal, below);
                    (batch, Some(reader))
                }
                Err(error) => {
                    batch.error = Some(error);
                    (batch, None)
                }
            }
        };
        match tokio::task::spawn_blocking(reading).await {
            Ok((batch, reader)) => {
                self.reader = reader.filter(|_| batch.error.is_none());
                batch
            }
            // The runtime ends.
            Err(_) => Batch { frames: Vec::new(), error: None },
        }
    }
}

impl Batch {
    fn fill(&mut self, reader: &mut FrameReader, journal: JournalId, below: u64) {
        let mut bytes = 0_usize;
        while self.frames.len() < FRAMES && bytes < BYTES {
            let frame = if below == u64::MAX { reader.read() } else { reader.read_below(below) };
            match frame {
                Ok(Some(frame)) => {
                    bytes = bytes.saturating_add(frame.payload.len());
                    let place = Place { journal, sequence: frame.sequence, leaf: frame.leaf };
                    self.frames.push((place, Frame::decode(&frame.payload).ok()));
                }
                Ok(None) => return,
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            }
        }
    }
}
