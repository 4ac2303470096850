//! A node whose sealed records lie in a bucket: shown, proved, verified, backed up and deleted there, and nothing is lost
//! while it cannot be reached. Against a real server, where one is installed (see `server.rs`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "../src/s3/tests/server.rs"]
mod server;
mod support;

use std::{
    future::Future,
    io::Cursor,
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cordon::{
    node::{Node, Settings},
    proof,
    s3::{S3Objects, S3Settings},
};
use cordon_core::{CallId, DurationMs, JournalId, State, Timestamp, resource::SecretRef};
use cordon_guard::upstream::{ClientConfig, Environment};
use cordon_ledger::VerifierKey;
use cordon_store::{
    SqliteLog,
    calls::CallQuery,
    journal::{self, Reader},
    objects::Objects,
};
use cordon_testkit::{FakeUpstream, ManualClock, Script, TempDir};
use server::{BUCKET, Between, Keys, Server};
use support::World;

/// The store, and the way to it, which can be cut.
struct Store {
    server: Server,
    way: Between,
    cut: Arc<AtomicBool>,
}

impl Store {
    fn start() -> Option<Self> {
        let server = Server::start(Keys::Any)?;
        let cut = Arc::new(AtomicBool::new(false));
        let (address, is_cut) = (server.address, Arc::clone(&cut));
        let way = Between::answering(move |request| match is_cut.load(Ordering::SeqCst) {
            true => Vec::new(),
            false => server::forward(address, request),
        });
        Some(Self { server, way, cut })
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    fn settings(&self) -> S3Settings {
        S3Settings {
            bucket: BUCKET.to_owned(),
            endpoint: Some(format!("http://{}", self.way.address)),
            region: "us-east-1".to_owned(),
            prefix: "node".to_owned(),
            access_key: SecretRef::Env("ID".to_owned()),
            secret_key: SecretRef::Env("SECRET".to_owned()),
        }
    }

    fn environment(&self) -> Environment {
        let (id, secret) = (self.server.id.clone(), self.server.secret.clone());
        Environment::with(move |name| match name {
            "ID" => Some(id.clone()),
            "SECRET" => Some(secret.clone()),
            "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
            _ => None,
        })
    }

    /// What a node is told to use it: small segments, most of them sealed.
    fn set_up(&self, settings: &mut Settings) {
        (settings.journal.segment_bytes, settings.keep_bytes) = (1 << 12, 1 << 14);
        settings.objects = Some(self.settings());
        settings.environment = self.environment();
    }

    /// Past what cuts it.
    fn direct(&self) -> S3Objects {
        let settings =
            S3Settings { endpoint: Some(format!("http://{}", self.server.address)), ..self.settings() };
        S3Objects::new(&settings, &ClientConfig::default(), &self.environment()).unwrap()
    }

    /// A command on a folder whose configuration names the bucket.
    fn run(&self, data: &Path, arguments: &[&str]) -> Output {
        let mut command = support::binary::command(data, arguments);
        command
            .env("CORDON_OBJECTS_BUCKET", BUCKET)
            .env("CORDON_OBJECTS_ENDPOINT", format!("http://{}", self.way.address))
            .env("CORDON_OBJECTS_PREFIX", "node")
            .env("CORDON_OBJECTS_ACCESS_KEY", "env:ID")
            .env("CORDON_OBJECTS_SECRET_KEY", "env:SECRET")
            .env("ID", &self.server.id)
            .env("SECRET", &self.server.secret);
        command.output().unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.unwrap_or_else(|_| panic!("{what}"))
}

/// Waits until the first frames are sealed and are not in the journal's files any more.
async fn freed(node: &Node, frames: u64) {
    let (id, folder) = (node.handles.journal.id(), node.handles.settings.data.join("journal"));
    let mut committed = node.handles.sequencer.watch();
    let sealed = |state: &State| state.journal(id).is_some_and(|journal| journal.sealed >= frames);
    within("frames are sealed", async {
        committed.wait_for(|committed| sealed(&committed.state)).await.unwrap();
        while Reader::open(&folder, id).unwrap().first().unwrap() < frames {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn key(data: &Path) -> VerifierKey {
    let log = SqliteLog::open_beside(&data.join("log.db")).await.unwrap();
    let keys = cordon::ledger::log_keys(&log).await.unwrap();
    log.close().await;
    keys[0].0.clone()
}

/// The names of the objects that a state names.
fn named(state: &State, id: JournalId) -> Vec<String> {
    let mut names: Vec<String> = state.segments(id).map(|seal| seal.object.clone()).collect();
    names.sort();
    names
}

fn in_folder(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data.join("objects")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// A folder that nobody serves, whose first calls lie in the bucket.
struct Kept {
    store: Store,
    data: PathBuf,
    id: JournalId,
    calls: Vec<CallId>,
    folder: TempDir,
}

const CALLS: usize = 60;

async fn kept() -> Option<Kept> {
    let store = Store::start()?;
    let upstream = FakeUpstream::start((0..CALLS).map(|_| Script::says("ok"))).await;
    let world = World::with(&upstream.base_url(), "", "", |settings| store.set_up(settings)).await;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(world.chat("hi").await.call());
    }
    freed(&world.node, 41).await;
    // It goes on where it was, with the bucket as it is.
    let world = world.again(|_| ()).await;
    let (data, id) = (world.node.handles.settings.data.clone(), world.node.handles.journal.id());
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    Some(Kept { store, data, id, calls, folder })
}

impl Kept {
    fn run(&self, arguments: &[&str]) -> Output {
        self.store.run(&self.data, arguments)
    }

    /// The folder served at another time.
    async fn serve(&self, at: &str, change: impl FnOnce(&mut Settings)) -> Node {
        let clock = ManualClock::at(Timestamp::parse(at).unwrap());
        let mut settings = Settings { data: self.data.clone(), ..support::settings(&self.folder, &clock) };
        self.store.set_up(&mut settings);
        change(&mut settings);
        Node::start(settings, |_| axum::Router::new()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_a_bucket_are_shown_proved_and_verified() {
    let Some(kept) = kept().await else { return };
    assert_eq!(in_folder(&kept.data), Vec::<PathBuf>::new());
    let trusted = key(&kept.data).await;
    for call in [kept.calls[0], kept.calls[CALLS - 1]] {
        let shown = kept.run(&["calls", "show", &call.to_string(), "--json"]);
        assert!(shown.status.success() && said(&shown).contains(&call.to_string()), "{}", said(&shown));
        let out = kept.data.with_file_name(format!("{call}.json"));
        let proved = kept.run(&["prove", "--call", &call.to_string(), "-o", out.to_str().unwrap()]);
        assert!(proved.status.success(), "{}", said(&proved));
        let proved = proof::check(&std::fs::read(&out).unwrap(), trusted.clone()).unwrap();
        assert_eq!(proved.opened.call, call);
    }
    let verified = kept.run(&["verify"]);
    assert!(verified.status.success() && said(&verified).contains("holds    objects"), "{}", said(&verified));
    let alone = support::binary::output(&kept.data, &["verify"]);
    assert_eq!(
        alone.status.code(),
        Some(2),
        "without the configuration the objects are not there: {}",
        said(&alone)
    );
    let doctor = kept.run(&["doctor"]);
    assert!(said(&doctor).contains("s3://records/node takes objects"), "{}", said(&doctor));
    let doctor = support::binary::output(&kept.data, &["doctor", "--offline"]);
    assert!(!doctor.status.success() && said(&doctor).contains("Set objects.bucket"), "{}", said(&doctor));

    // What cannot be looked at neither holds nor fails.
    kept.store.cut(true);
    let unseen = kept.run(&["verify"]);
    assert_eq!(unseen.status.code(), Some(1), "{}", said(&unseen));
    assert!(
        said(&unseen).contains("unseen   objects") && said(&unseen).contains("holds    journals"),
        "{}",
        said(&unseen)
    );
    let doctor = kept.run(&["doctor"]);
    assert!(!doctor.status.success() && said(&doctor).contains("look at its disk"), "{}", said(&doctor));
    kept.store.cut(false);

    // Somebody with the right to the bucket.
    let direct = kept.store.direct();
    let object = &direct.list("segments/").unwrap()[0];
    let whole = direct.get(object, usize::MAX).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (bytes, what) in
        [(Some(&changed), "not as it was sealed"), (None, "is not there"), (Some(&whole), "")]
    {
        direct.delete(object).unwrap();
        if let Some(bytes) = bytes {
            direct.put_if_absent(object, &mut Cursor::new(bytes)).unwrap();
        }
        let verified = kept.run(&["verify"]);
        let code = if what.is_empty() { 0 } else { 2 };
        assert!(
            verified.status.code() == Some(code) && said(&verified).contains(what),
            "{what}: {}",
            said(&verified)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_names_what_lies_in_the_bucket_and_restoring_says_what_it_could_not_reach() {
    let Some(kept) = kept().await else { return };
    let path = |name: &str| kept.folder.path().join(name);
    let (copy, secrets) = (path("copy"), path("secrets"));
    // What is sealed after the backup is not named in it.
    let direct = kept.store.direct();
    let before = direct.list("segments/").unwrap();
    let taken = kept.run(&["backup", copy.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()]);
    assert!(taken.status.success(), "{}", said(&taken));
    assert!(
        said(&taken).contains("NOT in the copy, only named: ")
            && said(&taken).contains("s3://records/node; each is there"),
        "{}",
        said(&taken)
    );
    assert_eq!(in_folder(&copy), Vec::<PathBuf>::new());
    let manifest = cordon_store::backup::read_manifest(&copy).unwrap();
    let named = manifest.named.unwrap();
    assert!(named.objects >= 1 && named.frames >= 41 && named.bytes > 0, "{named:?}");

    let restore = |to: &str, more: &[&str]| {
        let mut arguments = vec!["restore", copy.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()];
        arguments.extend(more);
        kept.store.run(&path(to), &arguments)
    };
    // It cannot be reached: nothing is put in place, unless the operator says so.
    kept.store.cut(true);
    let refused = restore("cut", &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("--without-objects") && !path("cut").exists(), "{}", said(&refused));
    let late = path("late");
    let unlooked = kept.run(&["backup", late.to_str().unwrap()]);
    assert_eq!(unlooked.status.code(), Some(1), "{}", said(&unlooked));
    assert!(said(&unlooked).contains("they were NOT looked for"), "{}", said(&unlooked));
    let without = restore("without", &["--without-objects"]);
    assert!(
        without.status.success() && said(&without).contains("they were NOT looked for"),
        "{}",
        said(&without)
    );
    kept.store.cut(false);
    // Some are gone.
    let wholes: Vec<_> = before.iter().map(|object| direct.get(object, usize::MAX).unwrap()).collect();
    before.iter().for_each(|object| direct.delete(object).unwrap());
    let refused = restore("gone", &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let names_one = before.iter().any(|object| said(&refused).contains(object));
    assert!(names_one && !path("gone").exists(), "{}", said(&refused));
    for (object, whole) in before.iter().zip(&wholes) {
        direct.put_if_absent(object, &mut Cursor::new(whole)).unwrap();
    }

    let restored = restore("back", &[]);
    assert!(restored.status.success() && said(&restored).contains("each is there"), "{}", said(&restored));
    for folder in ["without", "back"] {
        let verified = kept.store.run(&path(folder), &["verify"]);
        assert!(verified.status.success(), "{folder}: {}", said(&verified));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_the_bucket_loses_nothing_and_keeps_nobody_waiting() {
    let Some(store) = Store::start() else { return };
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let world = World::with(&upstream.base_url(), "", "", |settings| store.set_up(settings)).await;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(world.chat("before").await.call());
    }
    freed(&world.node, 41).await;
    store.cut(true);
    let sealed = |world: &World| {
        let id = world.node.handles.journal.id();
        world.node.handles.sequencer.committed().state.journal(id).unwrap().sealed
    };
    for _ in 0..CALLS {
        calls.push(world.chat("during").await.call());
        world.clock.advance(DurationMs::from_secs(30));
    }
    let before = sealed(&world);
    let failures = world.node.handles.metrics.sealing_failures.clone();
    within("the outage is counted", async {
        while failures.get() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // A start asks the bucket for nothing but what can wait.
    let world = within("it starts", Box::pin(world.again(|_| ()))).await;
    assert!(world.node.handles.sequencer.committed().is_ready());
    assert_eq!(world.node.handles.provable.borrow().unanchored, None);
    for _ in 0..CALLS {
        calls.push(world.chat("after a start").await.call());
        world.clock.advance(DurationMs::from_secs(30));
    }
    assert!(sealed(&world) <= before + 41, "one may have been on its way");
    store.cut(false);
    let frames = 2 * calls.len() as u64;
    freed(&world.node, frames - 60).await;
    let (index, id) = (world.node.handles.index.clone(), world.node.handles.journal.id());
    within("the index is there", async {
        while index.progress().await.unwrap().get(id.as_bytes()).copied().unwrap_or(0) < frames {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut told: Vec<CallId> = index
        .query(&CallQuery { limit: Some(1000), ..CallQuery::default() })
        .await
        .unwrap()
        .iter()
        .map(|row| row.call)
        .collect();
    told.sort();
    calls.sort();
    assert_eq!(told, calls);
    let state = world.node.handles.sequencer.committed().state;
    let data = world.node.handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let there = store.direct().list("segments/").unwrap();
    assert!(named(&state, id).iter().all(|name| there.contains(name)));
    let verified = store.run(&data, &["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_derived_waits_for_the_bucket_and_no_journal_is_called_damaged_meanwhile() {
    let Some(kept) = kept().await else { return };
    let derived = || {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(kept.data.join(format!("index.db{suffix}")));
        }
        std::fs::remove_dir_all(kept.data.join("ledger/journal")).unwrap();
    };
    derived();
    kept.store.cut(true);
    let node = within("it starts", Box::pin(kept.serve("2026-11-21T10:00:00Z", |_| ()))).await;
    assert!(node.handles.provable.borrow().unanchored.is_some());
    let (mut provable, index) = (node.handles.provable.clone(), node.handles.index.clone());
    kept.store.cut(false);
    within("it is anchored again", provable.wait_for(|progress| progress.unanchored.is_none()))
        .await
        .unwrap();
    within("the index is there", async {
        while index.progress().await.unwrap().get(kept.id.as_bytes()).copied().unwrap_or(0) < 2 * CALLS as u64
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let state = node.handles.sequencer.committed().state;
    assert!(state.journals().all(|journal| journal.ended.is_none()), "the journal is the one that it was");
    node.stop().await.unwrap();
    let verified = kept.run(&["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert_eq!(journal::list(&kept.data.join("journal")).unwrap(), [kept.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_whose_time_is_over_are_deleted_in_the_bucket_and_strangers_stay() {
    let Some(kept) = kept().await else { return };
    let direct = kept.store.direct();
    let stranger = format!("segments/{}/sha256-{}.parquet", kept.id, "0".repeat(64));
    direct.put_if_absent(&stranger, &mut Cursor::new(b"of a log that was lost")).unwrap();
    let year = DurationMs::from_secs(365 * 86_400);
    let node = kept.serve("2027-12-01T09:00:00Z", |settings| settings.retention = Some(year)).await;
    let mut committed = node.handles.sequencer.watch();
    let retired = |state: &State| state.journal(kept.id).is_some_and(|journal| journal.retired > 40);
    within("records are retired", committed.wait_for(|committed| retired(&committed.state))).await.unwrap();
    // What was sealed only now is as young as the fact that says so.
    within("objects are deleted", async {
        let direct = Arc::new(kept.store.direct());
        loop {
            let own = Arc::clone(&direct);
            let left = tokio::task::spawn_blocking(move || own.list("segments/").unwrap()).await.unwrap();
            let mut named = named(&node.handles.sequencer.committed().state, kept.id);
            named.insert(0, stranger.clone());
            if left == named {
                return;
            }
        }
    })
    .await;
    node.stop().await.unwrap();
    let verified = kept.run(&["verify"]);
    assert!(verified.status.success() && said(&verified).contains("retired"), "{}", said(&verified));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_given_a_bucket_later_keeps_what_it_has() {
    let Some(store) = Store::start() else { return };
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let local = |settings: &mut Settings| {
        store.set_up(settings);
        settings.objects = None;
    };
    let world = World::with(&upstream.base_url(), "", "", local).await;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(world.chat("hi").await.call());
    }
    freed(&world.node, 41).await;
    let World { node, clock, key, key_id, folder, .. } = world;
    let mut settings = Settings::clone(&node.handles.settings);
    node.stop().await.unwrap();
    let held = in_folder(&settings.data);
    assert!(!held.is_empty() && store.direct().list("").unwrap().is_empty());
    settings.objects = Some(store.settings());
    let node = Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let world = World::of(node, clock, key, key_id, folder);
    for _ in 0..CALLS {
        calls.push(world.chat("hi").await.call());
    }
    freed(&world.node, 41 + 2 * CALLS as u64).await;
    let data = world.node.handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    assert_eq!(in_folder(&data), held);
    assert!(!store.direct().list("segments/").unwrap().is_empty());
    for call in [calls[0], calls[CALLS], calls[2 * CALLS - 1]] {
        let shown = store.run(&data, &["calls", "show", &call.to_string()]);
        assert!(shown.status.success(), "{}", said(&shown));
    }
    let verified = store.run(&data, &["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    let copy = folder.path().join("copy");
    let taken = store.run(&data, &["backup", copy.to_str().unwrap()]);
    assert!(taken.status.success() && said(&taken).contains("NOT in the copy"), "{}", said(&taken));
    assert_eq!(in_folder(&copy).len(), held.len());
}
