//! Calls as they end, read from the journal that is being written.

use std::collections::{HashMap, HashSet, VecDeque};

use cordon_core::{CallId, record};
use cordon_store::{
    calls::{CallQuery, CallRow},
    journal::{JournalId, Reader},
};
use tokio::sync::watch;

use super::calls::{CallLog, CallsProblem, blocking};
use crate::api::CallView;

/// A stream of calls: first the latest ones that have ended, then each one when it ends. Who is slow gets all of them later:
/// they are read from the journal as they are asked for.
pub struct Following {
    log: CallLog,
    query: CallQuery,
    /// Calls to be given next.
    ready: VecDeque<CallView>,
    /// Calls that were given from the list, and may come again from the journal.
    given: HashSet<CallId>,
    /// Calls that have begun.
    begun: HashMap<CallId, CallRow>,
    live: Option<Live>,
}

struct Live {
    journal: JournalId,
    durable: watch::Receiver<u64>,
    /// None while it reads on another thread.
    reader: Option<Reader>,
}

/// Calls in flight that are kept in mind; of others the beginning is looked up when they end.
const MAX_BEGUN: usize = 50_000;
/// Frames that are read at once.
const BATCH: usize = 1_000;

impl Following {
    pub(super) async fn new(
        log: CallLog,
        query: CallQuery,
        current: Option<(JournalId, watch::Receiver<u64>)>,
        reader: Option<Reader>,
    ) -> Result<Self, CallsProblem> {
        let live = current.map(|(journal, durable)| Live { journal, durable, reader });
        let rows = log.rows(&query).await?;
        let ended: Vec<CallView> =
            rows.iter().rev().filter(|row| row.ending.is_some()).map(CallView::new).collect();
        let given = ended.iter().map(|call| call.call_id).collect();
        Ok(Self { log, query, ready: ended.into(), given, begun: HashMap::new(), live })
    }

    /// The next call; none when nobody writes the journal any more, or after a wait for this was given up half-way.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn next(&mut self) -> Result<Option<CallView>, CallsProblem> {
        loop {
            if let Some(call) = self.ready.pop_front() {
                return Ok(Some(call));
            }
            let Some(live) = &mut self.live else { return Ok(None) };
            let Some(reader) = live.reader.take() else { return Ok(None) };
            let next = reader.sequence();
            if *live.durable.borrow_and_update() <= next {
                live.reader = Some(reader);
                if live.durable.changed().await.is_err() {
                    return Ok(None);
                }
                continue;
            }
            let (journal, size) = (live.journal, *live.durable.borrow());
            let (reader, frames) = blocking(move || {
                let mut reader = reader;
                let mut frames = Vec::new();
                while frames.len() < BATCH
                    && let Some(frame) = reader.read_below(size)?
                {
                    frames.push(frame);
                }
                Ok((reader, frames))
            })
            .await?;
            if let Some(live) = &mut self.live {
                live.reader = Some(reader);
            }
            for frame in frames {
                if let Ok(decoded) = record::Frame::decode(&frame.payload) {
                    self.take(*journal.as_bytes(), frame.sequence, decoded).await?;
                }
            }
        }
    }

    async fn take(
        &mut self,
        journal: [u8; 16],
        sequence: u64,
        frame: record::Frame,
    ) -> Result<(), CallsProblem> {
        match frame {
            record::Frame::Opened(opened) => {
                if self.begun.len() < MAX_BEGUN {
                    self.begun.insert(opened.call, CallRow::opened(journal, sequence, *opened));
                }
            }
            record::Frame::Closed(closed) => {
                let row = match self.begun.remove(&closed.call) {
                    Some(row) => Some(row),
                    None => self.log.row(closed.call).await?,
                };
                let Some(mut row) = row else { return Ok(()) };
                if row.ending.is_none() {
                    row.close(sequence, *closed);
                }
                if !self.given.remove(&row.call) && self.query.matches(&row) {
                    self.ready.push_back(CallView::new(&row));
                }
            }
            record::Frame::Attempted(_) | record::Frame::Unknown(_) | record::Frame::Read(_) => {}
        }
        Ok(())
    }
}
