use std::sync::Arc;

use cordon_core::{State, Timestamp, fact::DecodeError, state::Touched};
use tokio::task::JoinHandle;

use super::{Log, LogError, StateCaches, StoredFact};

/// Folds states of a log: the present one, and that of any time in the past.
#[derive(Clone)]
pub struct Loader {
    log: Arc<dyn Log>,
    caches: StateCaches,
}

/// A folded state.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The state.
    pub state: State,
    /// What the facts touched, in their order; empty where a whole state was loaded.
    pub touched: Vec<Touched>,
    /// Why the fold did not reach its end.
    pub stalled: Option<Stalled>,
}

/// A fact that this program cannot read: the fold ends before it, the last Snapshot stays in force, and the node is not
/// ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the fact at position {position} has type `{kind}` version {version}, which this program does not know; help: \
     upgrade cordon"
)]
pub struct Stalled {
    /// Its position.
    pub position: u64,
    /// Its type.
    pub kind: String,
    /// The version of its form.
    pub version: u64,
}

/// Why a state cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The log cannot be read.
    #[error("the state cannot be loaded")]
    Log(#[from] LogError),
    /// A stored fact is damaged.
    #[error(
        "the fact at position {position} is damaged; help: restore the log from a backup, nothing was changed"
    )]
    Damaged {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
}

impl Loader {
    /// Folds this log with the help of these caches.
    pub fn new(log: Arc<dyn Log>, caches: StateCaches) -> Self {
        Self { log, caches }
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The caches.
    pub fn caches(&self) -> &StateCaches {
        &self.caches
    }

    /// The present state.
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub async fn load(&self) -> Result<Loaded, LoadError> {
        let head = self.log.head().await?;
        self.state_at(head).await
    }

    /// The state as of a time: after all facts that are not later.
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub async fn state_as_of(&self, time: Timestamp) -> Result<Loaded, LoadError> {
        let position = self.log.position_at(time).await?;
        self.state_at(position).await
    }

    /// The state after the first `position` facts.
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub async fn state_at(&self, position: u64) -> Result<Loaded, LoadError> {
        let caches = self.caches.clone();
        let cached = tokio::task::spawn_blocking(move || caches.latest(position)).await.ok().flatten();
        let loaded = self.fold(cached.unwrap_or_default(), position, Note::Nothing).await?;
        Ok(loaded)
    }

    /// Goes on from a state to the present one and says what was touched on the way.
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub async fn catch_up(&self, state: State) -> Result<Loaded, LoadError> {
        let head = self.log.head().await?;
        self.fold(state, head, Note::Touched).await
    }

    async fn fold(&self, mut state: State, to: u64, note: Note) -> Result<Loaded, LoadError> {
        let mut touched = Vec::new();
        let mut latest = state.position();
        let mut reading = self.read(state.position(), to);
        while state.position() < to {
            let page = match reading.await {
                Ok(page) => page?,
                Err(_) => return Err(LogError::Damaged("reading it was given up".to_owned()).into()),
            };
            let Some(last) = page.last() else {
                let what = format!("the fact at position {} is missing", state.position());
                return Err(LogError::Damaged(what).into());
            };
            // The next page is read while this one is folded.
            reading = self.read(last.position.saturating_add(1), to);
            for stored in page {
                match stored.decode() {
                    Ok(fact) => {
                        let keys = state.apply(&fact);
                        if note == Note::Touched {
                            touched.extend(keys);
                        }
                    }
                    Err(DecodeError::UnknownVersion { kind, version }) => {
                        let stalled = Stalled { position: stored.position, kind, version };
                        return Ok(Loaded { state, touched, stalled: Some(stalled) });
                    }
                    Err(source) => return Err(LoadError::Damaged { position: stored.position, source }),
                }
                if StateCaches::is_due(&state, latest) {
                    latest = state.position();
                    self.write_behind(state.clone());
                }
            }
        }
        Ok(Loaded { state, touched, stalled: None })
    }

    fn read(&self, from: u64, to: u64) -> JoinHandle<Result<Vec<StoredFact>, LogError>> {
        let log = Arc::clone(&self.log);
        tokio::spawn(async move { if from < to { log.read(from, to).await } else { Ok(Vec::new()) } })
    }

    /// Writes a cache on a thread of its own; nobody waits for it.
    fn write_behind(&self, state: State) {
        let caches = self.caches.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = caches.write(&state) {
                tracing::warn!(%error, position = state.position(), "a state cache was not written");
            }
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Note {
    Nothing,
    Touched,
}
