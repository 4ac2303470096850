//! The calls: what the index knows, with the journal's tail that it has not read yet.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::{Action, CallId, Digest, Name, Timestamp, record};
use cordon_inspect::DetectorInfo;
use cordon_store::{
    CallIndex,
    calls::{
        CallQuery, CallRow, CallsError, Counts, FoundSum, LiveView, Progress, RollUp, Source, SourceFrame,
        SourceKind, Step, Sums, Tail,
    },
    frames::{Archive, FrameReader, FramesError},
    journal::{self, JournalId, ReadError, Reader},
};
use tokio::sync::watch;

use super::{effect::Judge, following::Following};
use crate::api::{CallFilter, CallRecord, CallView, Effect, Problem};

/// The recorded calls of a folder. Clones share everything.
#[derive(Clone)]
pub struct CallLog(Arc<Inner>);

struct Inner {
    /// None where no index was made yet: the journals are read alone.
    index: Option<CallIndex>,
    /// The folder of journals.
    journals: PathBuf,
    /// The journal that this process writes, and how many of its frames are durable.
    current: Option<(JournalId, watch::Receiver<u64>)>,
    /// Where frames are that are not in the journals any more.
    archive: Option<Archive>,
}

/// Why calls cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CallsProblem {
    /// The index.
    #[error(transparent)]
    Index(#[from] CallsError),
    /// A journal.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A journal, or a sealed segment of it.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// The index is too far behind.
    #[error(
        "the index of calls is more than {MAX_TAIL} frames behind the journal; help: `cordon up` brings it up to date"
    )]
    Behind,
    /// This process is going down.
    #[error("the server is stopping")]
    Stopping,
}

/// Frames of the tail that are read for one question: it bounds its memory.
const MAX_TAIL: usize = 200_000;

impl CallLog {
    /// Calls of this folder of journals, with the index that is fed from it. `current` is the journal that this process
    /// writes and its count of durable frames ([`cordon_store::journal::Journal::follow`]): what is not durable yet is not
    /// told.
    pub fn new(
        journals: &Path,
        index: Option<CallIndex>,
        current: Option<(JournalId, watch::Receiver<u64>)>,
    ) -> Self {
        Self(Arc::new(Inner { index, journals: journals.to_owned(), current, archive: None }))
    }

    /// Reads frames that are not in the journals any more from this archive.
    #[must_use]
    pub fn with_archive(self, archive: Archive) -> Self {
        let Inner { index, journals, current, .. } = &*self.0;
        Self(Arc::new(Inner {
            index: index.clone(),
            journals: journals.clone(),
            current: current.clone(),
            archive: Some(archive),
        }))
    }

    /// Where frames are that are not in the journals any more.
    pub(super) fn archive(&self) -> Option<&Archive> {
        self.0.archive.as_ref()
    }

    /// The calls that a filter asks for, newest first; `before` is the last one of the page before.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub async fn list(
        &self,
        filter: &CallFilter,
        before: Option<CallId>,
    ) -> Result<Vec<CallView>, CallsProblem> {
        self.page(&CallQuery { before, ..query(filter) }).await
    }

    /// The calls that a query asks for, newest first.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub(crate) async fn page(&self, query: &CallQuery) -> Result<Vec<CallView>, CallsProblem> {
        Ok(self.rows(query).await?.iter().map(CallView::new).collect())
    }

    /// How many calls a query asks for, as the index knows, but no more than `most`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(crate) async fn count(&self, query: &CallQuery, most: u32) -> Result<u32, CallsProblem> {
        match &self.0.index {
            Some(index) => Ok(index.count(query, most).await?),
            None => {
                let query = CallQuery { limit: Some(most), ..query.clone() };
                Ok(u32::try_from(self.rows(&query).await?.len()).unwrap_or(most))
            }
        }
    }

    /// Sums of calls, as the index knows them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(crate) async fn roll_ups(
        &self,
        step: Step,
        of: Sums,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Option<Name>, Action, RollUp)>, CallsProblem> {
        match &self.0.index {
            Some(index) => Ok(index.roll_ups(step, of, since, until).await?),
            None => Ok(Vec::new()),
        }
    }

    /// What became of calls, by source, as the index knows it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) async fn rates(
        &self,
        step: Step,
        by: SourceKind,
        times: (Timestamp, Timestamp),
    ) -> Result<BTreeMap<Source, Counts>, CallsProblem> {
        match &self.0.index {
            Some(index) => Ok(index.rates(step, by, times).await?),
            None => Ok(BTreeMap::new()),
        }
    }

    /// What became of the calls of a source step by step, as the index knows it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) async fn rates_of(
        &self,
        step: Step,
        source: &Source,
        times: (Timestamp, Timestamp),
    ) -> Result<BTreeMap<Timestamp, Counts>, CallsProblem> {
        match &self.0.index {
            Some(index) => Ok(index.rates_of(step, source, times).await?),
            None => Ok(BTreeMap::new()),
        }
    }

    /// In how many calls categories were found, as the index knows it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) async fn found(
        &self,
        step: Step,
        by_route: bool,
        times: (Timestamp, Timestamp),
    ) -> Result<Vec<FoundSum>, CallsProblem> {
        match &self.0.index {
            Some(index) => Ok(index.found(step, by_route, times).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Of the calls that a query asks for, those of a person, by pseudonym. It reads their frames: ask for few.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub(crate) async fn of_subject(
        &self,
        query: &CallQuery,
        subject: Digest,
    ) -> Result<Vec<CallId>, CallsProblem> {
        let (inner, rows) = (Arc::clone(&self.0), self.rows(query).await?);
        blocking(move || {
            let mut found = Vec::new();
            for row in rows {
                let frame = inner.frame(row.place.journal, row.place.opened)?;
                if let Some(record::Frame::Opened(opened)) = frame
                    && opened.subject == Some(subject)
                {
                    found.push(row.call);
                }
            }
            Ok(found)
        })
        .await
    }

    /// The calls that a filter asks for, each when it has ended, after those that have ended already.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub async fn following(&self, filter: CallFilter) -> Result<Following, CallsProblem> {
        let current = self.0.current.clone();
        let reader = match &current {
            Some((journal, durable)) => {
                let (inner, journal, size) = (Arc::clone(&self.0), *journal, *durable.borrow());
                let open = move || {
                    let mut reader = Reader::open(&inner.journals, journal)?;
                    reader.seek(size)?;
                    Ok(reader)
                };
                Some(blocking(open).await?)
            }
            None => None,
        };
        // The list is asked for after the place in the journal is known, so that no call falls between.
        Following::new(self.clone(), query(&filter), current, reader).await
    }

    /// A view of the calls of the journal that this process writes, as the index takes their ends.
    pub(super) fn live(&self, query: &CallQuery, most: usize) -> Option<([u8; 16], LiveView)> {
        let (journal, _) = self.0.current.as_ref()?;
        let view = self.0.index.as_ref()?.live(*journal.as_bytes(), query.clone(), most)?;
        Some((*journal.as_bytes(), view))
    }

    /// The data folder that these calls lie in.
    pub(super) fn data(&self) -> &Path {
        self.0.journals.parent().unwrap_or(&self.0.journals)
    }

    /// A call as the index and the tail know it.
    pub(super) async fn row(&self, call: CallId) -> Result<Option<CallRow>, CallsProblem> {
        let failed = Failure::default();
        let row = match &self.0.index {
            Some(index) => index.find(call, |progress| self.tail(progress, &failed)).await,
            // Without an index the tail is all there is.
            None => self.tail(Progress::new(), &failed).await.map(|tail| tail.row(call)),
        };
        failed.or(row)
    }

    /// A call with its frames.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub async fn find(&self, call: CallId) -> Result<Option<CallRecord>, CallsProblem> {
        let Some(row) = self.row(call).await? else { return Ok(None) };
        let (inner, place) = (Arc::clone(&self.0), row.place);
        let (opened, closed) = blocking(move || {
            let frame = |sequence| inner.frame(place.journal, sequence);
            Ok((frame(place.opened)?, place.closed.map(frame).transpose()?.flatten()))
        })
        .await?;
        let Some(record::Frame::Opened(opened)) = opened else { return Ok(None) };
        let closed = match closed {
            Some(record::Frame::Closed(closed)) => Some(*closed),
            _ => None,
        };
        Ok(Some(CallRecord { call: CallView::new(&row), opened: *opened, closed }))
    }

    /// Judges recent calls again, those that the index knows.
    pub(super) async fn judge(
        &self,
        mut judge: Judge,
        recent: u32,
        detectors: &[DetectorInfo],
    ) -> Result<Effect, CallsProblem> {
        match &self.0.index {
            Some(index) => index.recent(recent, |row| judge.add(&row, detectors)).await?,
            None => {
                let query = CallQuery { limit: Some(recent), ..CallQuery::default() };
                for row in self.rows(&query).await? {
                    judge.add(&row, detectors);
                }
            }
        }
        Ok(judge.finish())
    }

    pub(super) async fn rows(&self, query: &CallQuery) -> Result<Vec<CallRow>, CallsProblem> {
        let failed = Failure::default();
        let rows = match &self.0.index {
            Some(index) => index.list(query, |progress| self.tail(progress, &failed)).await,
            None => self.tail(Progress::new(), &failed).await.map(|tail| tail.rows(query)),
        };
        failed.or(rows)
    }

    /// Reads what comes after the index's progress.
    async fn tail(&self, progress: Progress, failed: &Failure) -> Result<Tail, CallsError> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.tail(&progress)).await.map_err(|problem| {
            failed.set(problem);
            // Only says that there is a reason; `failed` holds it.
            CallsError::Damaged
        })
    }
}

/// Keeps the reason of a failure that has to pass through an interface that knows others.
#[derive(Default)]
struct Failure(std::sync::Mutex<Option<CallsProblem>>);

impl Failure {
    fn set(&self, problem: CallsProblem) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(problem);
    }

    fn or<T>(self, result: Result<T, CallsError>) -> Result<T, CallsProblem> {
        match self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(problem) => Err(problem),
            None => Ok(result?),
        }
    }
}

impl Inner {
    fn tail(&self, progress: &Progress) -> Result<Tail, CallsProblem> {
        let mut tail = Tail::default();
        let mut left = MAX_TAIL;
        for id in self.list()? {
            let next = progress.get(id.as_bytes()).copied().unwrap_or(0);
            let mut reader = FrameReader::open(&self.journals, id, self.archive.as_ref(), next)?;
            let mut frames = Vec::new();
            while let Some(frame) = self.read(&mut reader, id)? {
                left = left.checked_sub(1).ok_or(CallsProblem::Behind)?;
                frames.push(SourceFrame { sequence: frame.sequence, payload: frame.payload });
            }
            tail.read(*id.as_bytes(), frames);
        }
        Ok(tail)
    }

    fn list(&self) -> Result<Vec<JournalId>, CallsProblem> {
        journal::list(&self.journals)
            .map_err(|source| ReadError::Io { folder: self.journals.clone(), source }.into())
    }

    /// The next frame that is durable.
    fn read(&self, reader: &mut FrameReader, id: JournalId) -> Result<Option<journal::Frame>, FramesError> {
        match &self.current {
            Some((current, durable)) if *current == id => {
                let size = *durable.borrow();
                reader.read_below(size)
            }
            _ => reader.read(),
        }
    }

    fn frame(&self, journal: [u8; 16], sequence: u64) -> Result<Option<record::Frame>, CallsProblem> {
        let id = JournalId::from_bytes(journal);
        let mut reader = FrameReader::open(&self.journals, id, self.archive.as_ref(), sequence)?;
        let size = match &self.current {
            Some((current, durable)) if *current == id => *durable.borrow(),
            _ => u64::MAX,
        };
        let frame = if sequence < size { reader.read()? } else { None };
        let frame = frame.filter(|frame| frame.sequence == sequence);
        Ok(frame.and_then(|frame| record::Frame::decode(&frame.payload).ok()))
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CallsProblem> + Send + 'static,
) -> Result<T, CallsProblem> {
    // A task on this pool ends early only when the runtime goes down.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(CallsProblem::Stopping))
}

pub(super) fn query(filter: &CallFilter) -> CallQuery {
    CallQuery {
        since: filter.since,
        until: filter.until,
        principal: filter.principal.clone(),
        route: filter.route.clone(),
        verdict: filter.verdict,
        category: filter.category.clone(),
        found: false,
        prompt: filter.prompt,
        before: None,
        limit: Some(filter.limit.unwrap_or(CallQuery::PAGE)),
    }
}

impl From<CallsProblem> for Problem {
    fn from(error: CallsProblem) -> Self {
        Self::new(503, "calls_unavailable", "the calls cannot be read", super::with_causes(&error))
    }
}
