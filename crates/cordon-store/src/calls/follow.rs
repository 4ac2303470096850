use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use super::{IndexWriter, SourceFrame};
use crate::{
    frames::{Archive, FrameReader, FramesError},
    journal::{self, JournalId},
};

/// Feeds the index from the journals of a folder, behind the path of the calls.
pub struct Follower {
    journals: PathBuf,
    archive: Option<Archive>,
    writer: IndexWriter,
    lag: watch::Sender<Lag>,
}

/// How far the index is behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many durable frames of the journal that is read now are not in the index, when it was last looked.
    pub frames: u64,
    /// Whether all that earlier journals hold is in the index, as far as it can be read.
    pub earlier: bool,
    /// What keeps the index from following: a journal that is damaged, a file that cannot be written.
    pub trouble: Option<String>,
}

/// The most frames of one transaction.
const BATCH: usize = 1000;

/// The most bytes of one transaction: it bounds the memory of the follower.
const BATCH_BYTES: usize = 8 << 20;

/// How long frames are gathered before they are written, when there are few.
const GATHER: Duration = Duration::from_millis(50);

/// How long a failed write waits for its next try.
const RETRY: Duration = Duration::from_secs(1);

impl Follower {
    /// A follower of the journals in a folder (`DIR/journal`), and its lag.
    pub fn new(journals: &Path, writer: IndexWriter) -> (Self, watch::Receiver<Lag>) {
        let (lag, receiver) = watch::channel(Lag::default());
        (Self { journals: journals.to_owned(), archive: None, writer, lag }, receiver)
    }

    /// Reads sealed segments from this archive.
    #[must_use]
    pub fn with_archive(self, archive: Archive) -> Self {
        Self { archive: Some(archive), ..self }
    }

    /// Reads all journals of a folder that nobody writes, once, to their ends, and gives the writer back.
    pub async fn catch_up(mut self) -> IndexWriter {
        for journal in self.list(None) {
            self.read_to_end(journal).await;
        }
        self.writer
    }

    /// Reads the earlier journals to their ends, then the one that this process writes, as far as `durable` says that it is
    /// ([`journal::Journal::follow`]). Ends, with all that is durable by then, when `stop` resolves or the journal is gone;
    /// a file that cannot be written does not hold it up then.
    pub async fn run(
        mut self,
        current: JournalId,
        mut durable: watch::Receiver<u64>,
        stop: impl Future<Output = ()> + Send,
    ) {
        let mut stop = pin!(stop);
        let mut stopping = false;
        self.writer.open_again().await;
        for journal in self.list(Some(current)) {
            tokio::select! {
                () = self.read_to_end(journal) => {}
                // What is read is in the index with its place: the next start goes on from there.
                () = &mut stop => {
                    stopping = true;
                    break;
                }
            }
        }
        self.lag.send_modify(|lag| lag.earlier = !stopping);
        let mut reader = self.open(current).await;
        while let Some(open) = reader.take() {
            let size = *durable.borrow_and_update();
            let told = !stopping;
            reader = tokio::select! {
                reader = self.read_below(open, Some(size), stopping) => reader,
                // In the middle of a batch, which is given up: the last one starts where the index stands.
                () = &mut stop, if told => {
                    stopping = true;
                    reader = self.open(current).await;
                    continue;
                }
            };
            if stopping || reader.is_none() {
                break;
            }
            tokio::select! {
                changed = durable.changed() => stopping = changed.is_err(),
                () = &mut stop => stopping = true,
            }
            let next = self.writer.progress().get(current.as_bytes()).copied().unwrap_or(0);
            if !stopping && durable.borrow().saturating_sub(next) < BATCH as u64 {
                tokio::select! {
                    () = sleep(GATHER) => {}
                    () = &mut stop => stopping = true,
                }
            }
        }
        if let Err(error) = self.writer.close().await {
            tracing::warn!(%error, "the index of calls was not closed");
        }
    }

    fn list(&self, current: Option<JournalId>) -> Vec<JournalId> {
        let mut journals = journal::list(&self.journals).unwrap_or_else(|error| {
            self.trouble(format!("the journals cannot be listed: {error}"));
            Vec::new()
        });
        journals.retain(|journal| Some(*journal) != current);
        journals
    }

    async fn read_to_end(&mut self, journal: JournalId) {
        if let Some(reader) = self.open(journal).await {
            self.read_below(reader, None, false).await;
        }
    }

    async fn open(&self, journal: JournalId) -> Option<Source> {
        let next = self.writer.progress().get(journal.as_bytes()).copied().unwrap_or(0);
        loop {
            let (folder, archive) = (self.journals.clone(), self.archive.clone());
            let open = move || FrameReader::open(&folder, journal, archive.as_ref(), next);
            match tokio::task::spawn_blocking(open).await {
                Ok(Ok(reader)) => return Some(Source { reader, journal }),
                Ok(Err(error)) if error.is_unavailable() => self.wait(journal, &error).await,
                Ok(Err(error)) => return self.unreadable(journal, &error),
                Err(_) => return None,
            }
        }
    }

    /// Sealed frames cannot be read now; later they can.
    async fn wait(&self, journal: JournalId, error: &FramesError) {
        let text = error.to_string();
        if self.lag.borrow().trouble.as_ref() != Some(&text) {
            tracing::warn!(%journal, error = error as &dyn std::error::Error, "the index of calls waits for the object store");
        }
        self.trouble(text);
        sleep(RETRY).await;
    }

    /// Reads as far as there are frames, or below a size; gives the source back unless it cannot be read any further.
    async fn read_below(&mut self, mut source: Source, size: Option<u64>, last: bool) -> Option<Source> {
        loop {
            let read = move || {
                let (frames, error) = source.batch(size);
                (source, frames, error)
            };
            let (back, frames, error) = tokio::task::spawn_blocking(read).await.ok()?;
            source = back;
            if frames.is_empty() && error.is_none() {
                self.lag.send_if_modified(|lag| std::mem::take(&mut lag.frames) > 0);
                return Some(source);
            }
            while let Err(failed) = self.writer.write(*source.journal.as_bytes(), &frames).await {
                tracing::warn!(
                    error = &failed as &dyn std::error::Error,
                    "the index of calls cannot be written"
                );
                self.trouble(failed.to_string());
                if last {
                    return None;
                }
                sleep(RETRY).await;
            }
            match error {
                None => {}
                Some(error) if error.is_unavailable() && !last => {
                    self.wait(source.journal, &error).await;
                    source = self.open(source.journal).await?;
                    continue;
                }
                Some(error) => return self.unreadable(source.journal, &error),
            }
            let frames = size.map_or(0, |size| size.saturating_sub(source.reader.sequence()));
            self.lag.send_modify(|lag| (lag.frames, lag.trouble) = (frames, None));
        }
    }

    fn unreadable(&self, journal: JournalId, error: &FramesError) -> Option<Source> {
        tracing::error!(%journal, %error, "the index of calls follows this journal no further");
        self.trouble(error.to_string());
        None
    }

    fn trouble(&self, text: String) {
        self.lag.send_modify(|lag| lag.trouble = Some(text));
    }
}

/// A journal that is read.
struct Source {
    reader: FrameReader,
    journal: JournalId,
}

impl Source {
    /// The next frames, and what came instead of one more.
    fn batch(&mut self, size: Option<u64>) -> (Vec<SourceFrame>, Option<FramesError>) {
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while frames.len() < BATCH && bytes < BATCH_BYTES {
            let frame = match size {
                Some(size) => self.reader.read_below(size),
                None => self.reader.read(),
            };
            match frame {
                Ok(Some(frame)) => {
                    bytes += frame.payload.len();
                    frames.push(SourceFrame { sequence: frame.sequence, payload: frame.payload });
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        (frames, None)
    }
}
