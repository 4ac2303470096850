//! Putting and reading content: what needs the master key.

use std::collections::{BTreeMap, BTreeSet};

use cordon_core::{CallId, Digest, Name, Timestamp};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{
    ContentError, ContentStore, Entropy,
    envelope::{CallContext, DataKey, EnvelopeError, KEY, MAX_OBJECT, MasterKey, NONCE, ObjectContext},
    keyring::{self, Why},
    objects::{Sealed, footprint},
    team::{Teams, Wrapping},
};

/// A store with its master key. Puts and reads; everything else needs no key.
#[derive(Debug)]
pub struct Unlocked {
    pub(super) store: ContentStore,
    pub(super) master: MasterKey,
    pub(super) epoch: i64,
    pub(super) teams: Mutex<Teams>,
}

/// What is kept of one call.
#[derive(Clone, PartialEq, Eq)]
pub struct Captured {
    /// The call.
    pub call: CallId,
    /// Whose key it is under: the team of the route.
    pub team: Name,
    /// Keyed pseudonym of the person that it is about.
    pub subject: Option<Digest>,
    /// Its route.
    pub route: Option<Name>,
    /// When the call was.
    pub time: Timestamp,
    /// When its content must be gone.
    pub expires: Timestamp,
    /// By name (`request`, `answer`), at most [`MAX_OBJECT`] bytes each.
    pub objects: Vec<(Name, Vec<u8>)>,
}

/// What became of a call that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its objects are durable. Those that were there before stayed as they were.
    Sealed,
    /// It was erased or expired before: nothing was kept.
    Gone,
}

/// What became of a call's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its key is there.
    Kept {
        /// Until then, or longer under a hold.
        expires: Timestamp,
    },
    /// It was erased.
    Erased {
        /// When.
        at: Timestamp,
    },
    /// Its time was over.
    Expired {
        /// When it was removed.
        at: Timestamp,
    },
    /// It was never captured, or so long ago that nobody remembers.
    Missing,
}

/// Why content was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The master key was replaced since this store was unlocked.
    #[error("the master key was replaced; help: unlock with the new one")]
    Locked,
    /// An object is too large. Nothing of the batch was kept.
    #[error("`{object}` of call {call} has {bytes} bytes; help: at most {MAX_OBJECT} are kept")]
    TooLarge {
        /// The call.
        call: CallId,
        /// Which object.
        object: Name,
        /// Its size.
        bytes: usize,
    },
    /// A key that is there does not open.
    #[error("the key of call {call} is damaged; help: restore `keys.db` from a backup")]
    Damaged {
        /// The call.
        call: CallId,
    },
    /// The cryptographic library refused.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A file cannot be used. Nothing that can be read was kept.
    #[error(transparent)]
    File(#[from] ContentError),
}

/// Why content cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It was erased.
    #[error("the content was erased at {at}")]
    Erased {
        /// When.
        at: Timestamp,
    },
    /// Its time is over.
    #[error("the content expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// There is none of this name.
    #[error("there is no such content")]
    Missing,
    /// Key or object are not what was stored, or were stored for another place.
    #[error("the content is damaged: {0} does not open; help: restore it from a backup")]
    Damaged(&'static str),
    /// The master key was replaced since this store was unlocked.
    #[error("the master key was replaced; help: unlock with the new one")]
    Locked,
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] ContentError),
}

impl Unlocked {
    /// Keeps what was captured of calls, in one commit of keys and one of content; durable when it returns. Keys come
    /// first: a crash in between leaves keys without content, never content that outlives its key. To put the same batch
    /// again is harmless.
    ///
    /// A call may come again with more objects; whose it is and how long it is kept stays as it was the first time.
    ///
    /// # Errors
    /// When an object is too large, the store is full, or a file cannot be used.
    pub async fn put(&self, batch: &[Captured]) -> Result<Vec<Kept>, PutError> {
        let mut bytes = 0_u64;
        for captured in batch {
            for (object, content) in &captured.objects {
                if content.len() > MAX_OBJECT {
                    let (call, object, bytes) = (captured.call, object.clone(), content.len());
                    return Err(PutError::TooLarge { call, object, bytes });
                }
                bytes = bytes.saturating_add(footprint(content.len()));
            }
        }
        let _turn = self.store.turn.lock().await;
        self.make_sure_of_room(bytes, batch.len() as u64).await?;
        let mut kept = self.teams.lock().await;
        // Taken out until the commit: reservations of a transaction that fails, or of a caller who goes away in the middle
        // of it, are none.
        let mut teams = std::mem::take(&mut *kept);
        let mut random = Randomness::new(&*self.store.entropy);
        let keys = Box::pin(self.put_keys(&mut teams, &mut random, batch)).await?;
        *kept = teams;
        drop(kept);
        let objects = self.seal(&keys, &mut random, batch)?;
        self.store.objects.insert(&objects).await?;
        Ok(batch
            .iter()
            .map(|captured| if keys.contains_key(&captured.call) { Kept::Sealed } else { Kept::Gone })
            .collect())
    }

    /// Reads an object. The caller has recorded who reads it.
    ///
    /// # Errors
    /// When it is gone, is not there, or does not open.
    pub async fn read(
        &self,
        call: CallId,
        object: &Name,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let found = {
            let mut connection =
                self.store.keys.file.readers().acquire().await.map_err(ContentError::from)?;
            keyring::find(&mut connection, call).await?
        };
        let Some(stored) = found else {
            return Err(match self.store.status(call).await? {
                Status::Erased { at } => ReadError::Erased { at },
                Status::Expired { at } => ReadError::Expired { at },
                Status::Kept { .. } | Status::Missing => ReadError::Missing,
            });
        };
        if stored.epoch.as_deref() != Some(self.epoch.to_be_bytes().as_slice()) {
            return Err(ReadError::Locked);
        }
        if stored.expires <= now && !stored.held {
            return Err(ReadError::Expired { at: stored.expires });
        }
        let store = &self.store.id;
        let team = self
            .master
            .unwrap(&stored.team.wrapped, &stored.team.context(store))
            .map_err(|_| ReadError::Damaged("the key of its team"))?;
        let key = team
            .unwrap(&stored.wrapped, &stored.context(store))
            .map_err(|_| ReadError::Damaged("its key"))?;
        let sealed = self.store.objects.read(call, object).await?.ok_or(ReadError::Missing)?;
        let context = ObjectContext {
            store,
            call,
            team: &stored.team.team,
            generation: stored.team.generation,
            object,
            stored: sealed.stored,
        };
        key.open(&sealed.bytes, &context).map_err(|_| ReadError::Damaged("the object"))
    }

    /// The store itself.
    pub const fn store(&self) -> &ContentStore {
        &self.store
    }

    async fn make_sure_of_room(&self, bytes: u64, calls: u64) -> Result<(), ContentError> {
        let ContentStore { keys, objects, bounds, .. } = &self.store;
        let keys_used = keys.file.used().await?.saturating_add(calls.saturating_mul(KEY_BYTES));
        let content_used = objects.file.used().await?.saturating_add(bytes);
        if keys_used > bounds.keys || content_used > bounds.content {
            return Err(ContentError::Full(None));
        }
        Ok(())
    }

    /// Makes a key for each call that has none, all in one transaction, and opens those of the others. Calls that are gone
    /// have none.
    async fn put_keys(
        &self,
        teams: &mut Teams,
        random: &mut Randomness<'_>,
        batch: &[Captured],
    ) -> Result<BTreeMap<CallId, Key>, PutError> {
        let calls: Vec<CallId> = batch.iter().map(|captured| captured.call).collect();
        let mut with = Wrapping {
            store: &self.store.id,
            master: &self.master,
            epoch: self.epoch,
            wraps: self.store.bounds.wraps,
            random,
        };
        self.store
            .keys
            .file
            .write(async |transaction| {
                let gone: BTreeMap<CallId, Why> = keyring::gone(transaction, &calls).await?;
                let known: BTreeSet<CallId> =
                    keyring::known(transaction, &calls).await?.into_iter().collect();
                let mut keys = BTreeMap::new();
                let mut new = Vec::with_capacity(batch.len());
                for captured in batch {
                    let call = captured.call;
                    if gone.contains_key(&call) || keys.contains_key(&call) {
                        continue;
                    }
                    if known.contains(&call) {
                        keys.insert(call, self.open_key(transaction, call).await?);
                        continue;
                    }
                    let key = DataKey::new(Zeroizing::new(with.random.take::<KEY>()?));
                    let wrapped =
                        teams.wrap(transaction, &mut with, &key, captured.context(&self.store.id)).await?;
                    let generation = wrapped.context.generation;
                    keys.insert(call, Key { key, team: captured.team.clone(), generation });
                    new.push(wrapped);
                }
                keyring::insert(transaction, &new).await?;
                Ok(keys)
            })
            .await
    }

    async fn open_key(&self, connection: &mut sqlx::SqliteConnection, call: CallId) -> Result<Key, PutError> {
        let damaged = || PutError::Damaged { call };
        let stored = keyring::find(connection, call).await?.ok_or_else(damaged)?;
        if stored.epoch.as_deref() != Some(self.epoch.to_be_bytes().as_slice()) {
            return Err(PutError::Locked);
        }
        let store = &self.store.id;
        let team =
            self.master.unwrap(&stored.team.wrapped, &stored.team.context(store)).map_err(|_| damaged())?;
        let key = team.unwrap(&stored.wrapped, &stored.context(store)).map_err(|_| damaged())?;
        Ok(Key { key, generation: stored.team.generation, team: stored.team.team })
    }

    fn seal(
        &self,
        keys: &BTreeMap<CallId, Key>,
        random: &mut Randomness<'_>,
        batch: &[Captured],
    ) -> Result<Vec<Sealed>, EnvelopeError> {
        let mut objects = Vec::new();
        for captured in batch {
            let Some(Key { key, team, generation }) = keys.get(&captured.call) else { continue };
            for (name, content) in &captured.objects {
                let context = ObjectContext {
                    store: &self.store.id,
                    call: captured.call,
                    team,
                    generation: *generation,
                    object: name,
                    stored: captured.time,
                };
                let bytes = key.seal(content, &context, random.take::<NONCE>()?)?;
                objects.push(Sealed {
                    call: captured.call,
                    name: name.clone(),
                    stored: captured.time,
                    bytes,
                });
            }
        }
        Ok(objects)
    }
}

/// Bytes that a call takes in `keys.db`, at most: its slot, its row and what the indexes hold of it.
const KEY_BYTES: u64 = 512;

/// A call's key, with what its objects are bound to.
struct Key {
    key: DataKey,
    team: Name,
    generation: u64,
}

/// Random bytes, drawn from their source a few at a time: a system call costs more than the cipher.
pub(super) struct Randomness<'a> {
    source: &'a dyn Entropy,
    drawn: Zeroizing<[u8; DRAWN]>,
    used: usize,
}

const DRAWN: usize = 2048;

impl<'a> Randomness<'a> {
    pub(super) fn new(source: &'a dyn Entropy) -> Self {
        Self { source, drawn: Zeroizing::new([0; DRAWN]), used: DRAWN }
    }

    /// The next ones; no byte is given twice.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], EnvelopeError> {
        if self.used.saturating_add(N) > DRAWN {
            self.source.fill(&mut *self.drawn);
            self.used = 0;
        }
        let next = self.drawn.get(self.used..).and_then(|rest| rest.first_chunk::<N>());
        self.used = self.used.saturating_add(N);
        next.copied().ok_or(EnvelopeError::Refused)
    }
}

impl Captured {
    fn context<'a>(&'a self, store: &'a super::StoreId) -> CallContext<'a> {
        CallContext {
            store,
            call: self.call,
            team: &self.team,
            generation: 0,
            subject: self.subject.as_ref(),
            route: self.route.as_ref(),
            created: self.time,
            expires: self.expires,
        }
    }
}

impl std::fmt::Debug for Captured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was said stays out of logs.
        f.debug_struct("Captured")
            .field("call", &self.call)
            .field("team", &self.team)
            .field("objects", &self.objects.len())
            .finish_non_exhaustive()
    }
}
