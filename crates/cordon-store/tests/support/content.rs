//! A content store in a folder, and calls to put into it.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use cordon_core::{CallId, Digest, DurationMs, Timestamp};
use cordon_store::content::{
    Bounds, Captured, ContentStore, Entropy, Files, MasterKey, ReadError, Secret, Unlocked,
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{at, name};

/// Random enough for a test, and the same each time.
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&Digest::sha256(&number.to_be_bytes()).as_bytes()[..chunk.len()]);
        }
    }
}

pub fn files(folder: &Path) -> Files {
    Files { keys: folder.join("keys.db"), content: folder.join("content.db") }
}

pub async fn open_bounded(folder: &Path, bounds: Bounds) -> ContentStore {
    // Each opening counts from another number, as an operating system would give other bytes.
    static OPENINGS: AtomicU64 = AtomicU64::new(1);
    let from = OPENINGS.fetch_add(1, Ordering::Relaxed) << 32;
    ContentStore::open(&files(folder), bounds, Counting(AtomicU64::new(from))).await.unwrap()
}

pub async fn open(folder: &Path) -> ContentStore {
    open_bounded(folder, Bounds::default()).await
}

pub fn master(byte: u8) -> MasterKey {
    MasterKey::new(Secret::new([byte; 32]))
}

pub async fn unlocked(folder: &Path) -> Unlocked {
    open(folder).await.unlock(master(7)).await.unwrap()
}

pub fn call(number: u64) -> CallId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    CallId::new(at(i64::try_from(number).unwrap()), random)
}

pub fn subject(number: u64) -> Digest {
    Digest::sha256(&number.to_be_bytes())
}

/// What call `number` says.
pub fn said(number: u64, object: &str) -> Vec<u8> {
    format!("{object} of call {number}: my card is 4111 1111 1111 1111").into_bytes()
}

/// A call of second `number`, about subject `number % 5`, on route `number % 3`, of team `number % 2`, kept an hour.
pub fn captured(number: u64) -> Captured {
    let time = at(i64::try_from(number).unwrap());
    Captured {
        call: call(number),
        team: name(&format!("team-{}", number % 2)),
        subject: Some(subject(number % 5)),
        route: Some(name(&format!("route-{}", number % 3))),
        time,
        expires: time.plus(DurationMs::from_secs(3600)),
        objects: ["request", "answer"].map(|object| (name(object), said(number, object))).into(),
    }
}

pub fn batch(numbers: impl IntoIterator<Item = u64>) -> Vec<Captured> {
    numbers.into_iter().map(captured).collect()
}

/// Reads one of a call's objects soon after it was put.
pub async fn read(store: &Unlocked, number: u64, object: &str) -> Result<Vec<u8>, ReadError> {
    read_at(store, number, object, at(0)).await
}

pub async fn read_at(
    store: &Unlocked,
    number: u64,
    object: &str,
    now: Timestamp,
) -> Result<Vec<u8>, ReadError> {
    store.read(call(number), &name(object), now).await.map(|content| content.to_vec())
}

/// A connection past the store, for tests that look at what lies there or damage it.
pub async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}
