//! The log of facts: one ordered list of leaves, with the blobs and seals that lie beside it.

mod cache;
mod load;
mod sqlite;

use std::{future::Future, pin::Pin};

use cordon_core::{
    Digest, Fact, Seal, Timestamp,
    command::Vault,
    fact::{DecodeError, Leaf},
    state::Touched,
};

pub use cache::{CACHE_EVERY, StateCaches};
pub use load::{LoadError, Loaded, Loader, Stalled};
pub use sqlite::SqliteLog;

/// What an operation of a log gives, once it is done.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The most facts that one read gives.
pub const PAGE: u64 = 2048;

/// One ordered, append-only list of facts. Positions count from 0; the head is the position of the next one.
///
/// Implementations differ only in where they keep it; the same test suite runs against each.
pub trait Log: Send + Sync + 'static {
    /// Appends facts and seals together, or nothing at all, if the head is still at `expected`. Durable when it returns;
    /// gives the new head.
    fn append<'a>(
        &'a self,
        expected: u64,
        entries: &'a [Entry],
        seals: &'a [Seal],
    ) -> Pending<'a, Result<u64, AppendError>>;

    /// The position of the next fact.
    fn head(&self) -> Pending<'_, Result<u64, LogError>>;

    /// The facts from `from` up to and without `to`, at most [`PAGE`] of them: ask again from where it ends.
    fn read(&self, from: u64, to: u64) -> Pending<'_, Result<Vec<StoredFact>, LogError>>;

    /// The facts that touched a subject before a position, latest first.
    fn history<'a>(
        &'a self,
        subject: &'a Touched,
        before: u64,
        limit: u32,
    ) -> Pending<'a, Result<Vec<StoredFact>, LogError>>;

    /// How many facts there were at this time: those whose time is not later.
    fn position_at(&self, time: Timestamp) -> Pending<'_, Result<u64, LogError>>;

    /// The sealed values of these digests, without those that were destroyed.
    fn seals<'a>(&'a self, digests: &'a [Digest]) -> Pending<'a, Result<Vault, LogError>>;

    /// Destroys value and key of a sealed field for ever; facts and proofs stay. Gives whether there was something to
    /// destroy.
    fn destroy(&self, digest: Digest) -> Pending<'_, Result<bool, AppendError>>;
}

/// A fact to append, with what the log has to know of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was decided: not before the fact in front of it.
    pub time: Timestamp,
    /// What it is about, for the index.
    pub touched: Vec<Touched>,
    /// The bytes to keep.
    pub leaf: Leaf,
}

/// A fact as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFact {
    /// Its position.
    pub position: u64,
    /// The stored bytes: exactly those that were appended.
    pub leaf: Vec<u8>,
    /// The bytes of the blob that it names.
    pub blob: Option<Vec<u8>>,
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be reached now.
    #[error("the log cannot be reached")]
    Unavailable(#[source] Cause),
    /// What is there is not a log, or is damaged.
    #[error("the log is damaged: {0}; help: restore it from a backup, nothing was changed")]
    Damaged(String),
}

/// Why facts were not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another process was faster. Nothing was appended.
    #[error("the log is at position {actual}, not at {expected}")]
    Conflict {
        /// Where the writer thought the head was.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// The facts do not fit the log: a time goes back. Nothing was appended.
    #[error("a fact is older than the one before it")]
    TimeDecreases,
    /// There is no room. Nothing was appended.
    #[error("the disk of the log is full; help: free some space, the log takes facts again by itself")]
    Full(#[source] Cause),
    /// The log was opened to read, or lies on a disk that cannot be written. Nothing was appended.
    #[error("the log cannot be written: it is read-only")]
    ReadOnly(#[source] Option<Cause>),
    /// It cannot be reached now. Whether the facts were appended shows when it can be read again.
    #[error("the log cannot be reached")]
    Unavailable(#[source] Cause),
    /// What is there is not a log, or is damaged.
    #[error("the log is damaged: {0}; help: restore it from a backup, nothing was changed")]
    Damaged(String),
}

/// What went wrong below.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Cause(#[from] sqlx::Error);

impl StoredFact {
    /// Reads the fact.
    ///
    /// # Errors
    /// When it is of a version that this program does not know, or damaged.
    pub fn decode(&self) -> Result<Fact, DecodeError> {
        // `Fact::decode` checks that the bytes are those that the digest names.
        Fact::decode(&self.leaf, &|_| self.blob.clone())
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Self {
        Self(sqlx::Error::Io(error))
    }
}

impl From<LogError> for AppendError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(cause) => Self::Unavailable(cause),
            LogError::Damaged(what) => Self::Damaged(what),
        }
    }
}
