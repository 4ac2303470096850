//! The data plane's recorder, on the node's journal.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cordon_guard::ports::{Durable, RecordError, Recorder};
use cordon_store::journal::{AppendError, Journal, Kind, NewFrame};

/// Frames of calls, to the journal.
pub struct JournalRecorder {
    journal: Arc<Journal>,
    refused: AtomicU64,
}

impl JournalRecorder {
    /// A recorder on this journal.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self { journal, refused: AtomicU64::new(0) }
    }

    /// Frames of calls that went on without them and that could not even be queued.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A frame of a record is canonical JSON with one member, the frame's name: its first letter tells the kinds apart.
fn frames(payloads: &[Vec<u8>]) -> Vec<NewFrame<'_>> {
    let kind = |payload: &[u8]| if payload.starts_with(b"{\"opened\"") { Kind::OPENED } else { Kind::CLOSED };
    payloads.iter().map(|payload| NewFrame { kind: kind(payload), payload }).collect()
}

impl Recorder for JournalRecorder {
    fn append(&self, payloads: Vec<Vec<u8>>) -> Durable {
        let ticket = self.journal.append(&frames(&payloads));
        Box::pin(async move {
            match ticket {
                Ok(ticket) => ticket.await.map(|_| ()),
                Err(error) => Err(error),
            }
            .map_err(|error| match error {
                AppendError::Busy { .. } => RecordError::Busy,
                error => RecordError::Unwritable(error.to_string()),
            })
        })
    }

    fn offer(&self, payloads: Vec<Vec<u8>>) {
        if self.journal.append_unawaited(&frames(&payloads)).is_err() {
            self.refused.fetch_add(payloads.len() as u64, Ordering::Relaxed);
        }
    }
}
