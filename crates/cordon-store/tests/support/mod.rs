//! What the tests of the store share: facts to append, and a folder with a log in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "test code; each test file uses a part of it"
)]

pub mod content;
pub mod frames;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU8, Ordering},
};

use cordon_core::{
    Fact, HmacKey, Name, Sealed, State, Timestamp,
    fact::{Actor, Body},
    resource::{Kind, Resource, RiskClass, Spec, SystemSpec, TeamSpec},
    state::Touched,
};
use cordon_store::{
    log::{Entry, Loader, SqliteLog, StateCaches},
    sequencer::Outside,
};

/// A point in time to count from.
pub const START: i64 = 1_790_000_000_000;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn team(text: &str) -> Resource {
    Resource { name: name(text), spec: Spec::Team(TeamSpec::default()) }
}

/// A system with an open purpose, which the log must seal.
pub fn system(text: &str, team: &str, purpose: &str) -> Resource {
    let spec = SystemSpec {
        team: name(team),
        purpose: Sealed::Open(purpose.to_owned()),
        owner: None,
        risk: RiskClass::Limited,
        jurisdictions: Vec::new(),
        labels: std::collections::BTreeMap::new(),
    };
    Resource { name: name(text), spec: Spec::System(spec) }
}

pub fn set(seconds: i64, resource: Resource) -> Fact {
    Fact { time: at(seconds), actor: Actor::Cordon, body: Body::ResourceSet(resource) }
}

pub fn entry(fact: &Fact) -> Entry {
    let touched = State::new().apply(fact);
    Entry { time: fact.time, touched, leaf: fact.encode().unwrap() }
}

/// The entries of so many teams, one a second, from a number on.
pub fn teams(from: u64, count: u64) -> Vec<Entry> {
    let fact = |n: u64| set(n.try_into().unwrap(), team(&format!("team-{n}")));
    (from..from + count).map(|n| entry(&fact(n))).collect()
}

pub fn touched(kind: Kind, text: &str) -> Touched {
    Touched::Resource(kind, name(text))
}

/// A folder that holds a log and its caches, and goes away with this value.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.0.path().join("log.db")
    }

    pub async fn log(&self) -> Arc<SqliteLog> {
        Arc::new(SqliteLog::open(&self.file()).await.unwrap())
    }

    pub fn caches(&self) -> StateCaches {
        StateCaches::new(self.0.path().join("cache"))
    }

    pub async fn loader(&self) -> Loader {
        Loader::new(self.log().await, self.caches())
    }
}

/// A clock that a test sets.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    /// The world outside of a sequencer: this clock, counted keys, and this publisher.
    pub fn outside(&self, publish: impl cordon_store::sequencer::Publish + 'static) -> Outside {
        let clock = self.0.clone();
        let count = AtomicU8::new(0);
        Outside {
            now: Box::new(move || at(clock.load(Ordering::SeqCst))),
            entropy: Box::new(move || HmacKey::from_bytes([count.fetch_add(1, Ordering::SeqCst); 32])),
            publish: Box::new(publish),
        }
    }
}
