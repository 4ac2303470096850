//! Captured content that can be forgotten: what calls said, sealed, and the keys to it, in two files that are backed up
//! apart.
//!
//! `keys.db` holds the wrapped keys and what says how long each may live; `content.db` holds the sealed objects. To forget
//! a call is to destroy one key of 32 bytes: its objects are noise from then on, in every copy, and proofs about them stay
//! valid. What is destroyed can come back only with a backup of `keys.db`, which therefore states when it must be gone.
//! [`envelope`] says what is sealed by what.
//!
//! | file | may be lost? | may be stolen? |
//! |---|---|---|
//! | `keys.db` | then all content is | useless without the master key |
//! | `content.db` | then content is | useless without both |
//!
//! [`ContentStore`] needs no master key: it erases, holds, expires and backs up. [`Unlocked`] is the proof that somebody
//! has it, and the only way to put and to read.
//!
//! **A destroyed key is gone from the disk's files.** Wrapped keys live in a table of slots of one size that only grows at
//! its end: no row of it is ever deleted, so SQLite never has a reason to move one to another page and leave a copy
//! behind. A key is destroyed by overwriting its slot in place; then the write-ahead log, which holds pages as they were,
//! is emptied. What a file system or an SSD keeps below the file is out of reach from here: the master key on other media
//! covers that.
//!
//! **After a crash** nothing is readable that should not be: keys are durable before content and destroyed before it.
//! A key without content is nothing; content without a key is noise, and swept by the next run of retention.

mod backup;
pub mod envelope;
pub(crate) mod file;
mod forget;
mod hold;
mod keyring;
mod objects;
mod seal;
mod team;

use std::{path::PathBuf, sync::Arc};

use cordon_core::{CallId, Digest, DurationMs, Name, Timestamp};

pub use backup::{BackupError, BackupMark, Backups, adopt_backup};
pub use envelope::{MasterKey, Secret, StoreId};
pub use forget::{Erased, Erasure, Extent, Removed, Retention};
pub use hold::Hold;
pub use objects::StoredObject;
pub use seal::{Captured, Kept, PutError, ReadError, Status, Unlocked};
pub use team::{RESERVED, Rewrapped, UnlockError, WRAPS};

use tokio::sync::Mutex;

use crate::log::Cause;
use keyring::Keyring;
use objects::Objects;

/// Where random bytes come from. They must be those of the operating system or as good.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

impl<F: Fn(&mut [u8]) + Send + Sync + 'static> Entropy for F {
    fn fill(&self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// Both files of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The keys.
    pub keys: PathBuf,
    /// The sealed content.
    pub content: PathBuf,
}

/// What a store may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes in `content.db`: beyond it nothing is put until retention made room.
    pub content: u64,
    /// Bytes in `keys.db`: about 300 for each call that is kept.
    pub keys: u64,
    /// Wraps under one team key before the next generation begins; at most [`WRAPS`].
    pub wraps: u64,
    /// How long it is remembered that a call's content was erased or expired: longer than anybody asks.
    pub remember: DurationMs,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { content: 64 << 30, keys: 8 << 30, wraps: WRAPS, remember: DurationMs::from_secs(400 * 86_400) }
    }
}

/// What an erasure or a legal hold is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One call.
    Call(CallId),
    /// All calls about a person, by keyed pseudonym.
    Subject(Digest),
    /// All calls of a route. An erasure of it reads every key.
    Route(Name),
}

/// The content of calls and the keys to it. Clones share their files.
#[derive(Clone)]
pub struct ContentStore {
    keys: Keyring,
    objects: Objects,
    id: StoreId,
    bounds: Bounds,
    entropy: Arc<dyn Entropy>,
    /// Who changes both files holds this: content is never added to a call that is being forgotten.
    turn: Arc<Mutex<()>>,
}

/// Why a file of the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// It cannot be reached now.
    #[error("the content store cannot be reached")]
    Unavailable(#[source] Cause),
    /// There is no room, on the disk or within the bound.
    #[error(
        "the content store is full; help: shorten retention, raise its bound or free disk space, it takes content again \
         by itself"
    )]
    Full(#[source] Option<Cause>),
    /// It cannot be written.
    #[error("the content store is read-only")]
    ReadOnly(#[source] Cause),
    /// What is there is not such a store, or is damaged.
    #[error("the content store is damaged: {0}; help: restore it from a backup, nothing was changed")]
    Damaged(String),
    /// The two files do not belong together.
    #[error(
        "`keys.db` and `content.db` are of different stores; help: put those together that were backed up together"
    )]
    Mismatch,
    /// A file is a backup that nobody took back into service.
    #[error(
        "`{file}` is a backup of {made}; help: `cordon restore` checks it and erases again what was erased since"
    )]
    Backup {
        /// Which file.
        file: &'static str,
        /// When it was made.
        made: Timestamp,
    },
}

impl ContentStore {
    /// Opens the store in these files, and makes them when they are missing (mode 0600).
    ///
    /// # Errors
    /// When a file cannot be made or opened, is not such a file, is a backup, or the two do not belong together.
    pub async fn open(files: &Files, bounds: Bounds, entropy: impl Entropy) -> Result<Self, ContentError> {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        let keys = Keyring::open(&files.keys).await?;
        let objects = match Objects::open(&files.content).await {
            Ok(objects) => objects,
            Err(error) => {
                keys.file.close().await;
                return Err(error);
            }
        };
        let belong = async {
            let id = keys.file.store_id(StoreId::from_bytes(random)).await?;
            // The keys came first: where a crash left content without an id, it takes theirs.
            if objects.file.store_id(id).await? != id {
                return Err(ContentError::Mismatch);
            }
            for file in [&keys.file, &objects.file] {
                if let Some(mark) = backup::mark(file).await? {
                    return Err(ContentError::Backup { file: file.form().what, made: mark.made });
                }
            }
            Ok(id)
        };
        let id = match belong.await {
            Ok(id) => id,
            Err(error) => {
                // Nothing of them is open any more when somebody puts other files in their place.
                keys.file.close().await;
                objects.file.close().await;
                return Err(error);
            }
        };
        let bounds = Bounds { wraps: bounds.wraps.clamp(1, WRAPS), ..bounds };
        Ok(Self { keys, objects, id, bounds, entropy: Arc::new(entropy), turn: Arc::default() })
    }

    /// Ends all work and writes everything back into the two files.
    pub async fn close(&self) {
        self.keys.file.close().await;
        self.objects.file.close().await;
    }

    /// The id that both files carry.
    pub const fn id(&self) -> StoreId {
        self.id
    }

    /// What became of a call's content, without opening it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn status(&self, call: CallId) -> Result<Status, ContentError> {
        self.keys.status(call).await
    }

    /// Takes sealed objects of a call away again that nobody was told of: what was sealed for a step that then failed. Its key stays,
    /// for what else there is of the call.
    ///
    /// # Errors
    /// When the file cannot be written. To do it again is harmless.
    pub async fn withdraw(&self, call: CallId, objects: &[Name]) -> Result<(), ContentError> {
        let _turn = self.turn.lock().await;
        self.objects.delete_of(call, objects).await?;
        self.objects.file.shrink().await
    }

    /// The sealed objects of a call, by name.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn objects(&self, call: CallId) -> Result<Vec<StoredObject>, ContentError> {
        self.objects.list(call).await
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for ContentStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentStore")
            .field("id", &self.id)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl Scope {
    const CALL: i64 = 0;
    const SUBJECT: i64 = 1;
    const ROUTE: i64 = 2;

    /// As a kind and a value, for the tables.
    fn columns(&self) -> (i64, &[u8]) {
        match self {
            Self::Call(call) => (Self::CALL, call.as_bytes()),
            Self::Subject(subject) => (Self::SUBJECT, subject.as_bytes()),
            Self::Route(route) => (Self::ROUTE, route.as_str().as_bytes()),
        }
    }

    fn from_columns(kind: i64, value: &[u8]) -> Option<Self> {
        match kind {
            Self::CALL => value.try_into().ok().map(CallId::from_bytes).map(Self::Call),
            Self::SUBJECT => value.try_into().ok().map(Digest::from_bytes).map(Self::Subject),
            Self::ROUTE => Some(Self::Route(Name::parse(std::str::from_utf8(value).ok()?).ok()?)),
            _ => None,
        }
    }
}
