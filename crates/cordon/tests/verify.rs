//! `cordon verify` finds every change of what is kept, or the limit that it states applies; proofs of calls hold alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon::{
    desk::{CallLog, Desk},
    proof::{self, CallProof},
    verify::{self, Depth, Options, Outcome, Report},
};
use cordon_core::{CallId, State, Timestamp, fact::Leaf};
use cordon_inspect::Engine;
use cordon_ledger::{Checkpoint, Frontier, SigningKey, VerifierKey, leaf_hash};
use cordon_store::{
    CallIndex, SqliteLog,
    calls::{CallQuery, CallRow},
    journal::{self, Reader},
    ledger::TileFolder,
    log::{Entry, Loader, Log as _, StateCaches, StoredFact},
};
use cordon_testkit::{FakeUpstream, Script, TempDir};
use support::World;

/// A folder that served some calls, was stopped in order, and is not served any more.
struct Kept {
    data: PathBuf,
    key: VerifierKey,
    calls: Vec<CallId>,
    _folder: TempDir,
}

async fn kept(calls: usize) -> Kept {
    let upstream = FakeUpstream::start((0..calls).map(|_| Script::says("ok"))).await;
    let world =
        World::with(&upstream.base_url(), "", "", |settings| settings.journal.segment_bytes = 1 << 14).await;
    let mut ids = Vec::new();
    for _ in 0..calls {
        ids.push(world.chat("hi").await.call());
    }
    let data = world.node.handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    Kept { key: key(&data).await, data, calls: ids, _folder: folder }
}

async fn key(data: &Path) -> VerifierKey {
    let log = SqliteLog::open_beside(&data.join("log.db")).await.unwrap();
    let keys = cordon::ledger::log_keys(&log).await.unwrap();
    log.close().await;
    keys[0].0.clone()
}

async fn verify(kept: &Kept, since: Option<Vec<u8>>) -> Report {
    let options = Options {
        data: kept.data.clone(),
        key: Some(kept.key.clone()),
        since,
        at_rest: true,
        bucket: None,
        depth: Depth::Read,
    };
    verify::folder(options).await.unwrap()
}

fn failure(report: &Report) -> &str {
    assert!(!report.holds, "{report:?}");
    &report.checks.iter().find(|check| check.outcome == Outcome::Fails).unwrap().detail
}

async fn desk(data: &Path) -> Desk {
    let log = Arc::new(SqliteLog::open_read_only(&data.join("log.db")).await.unwrap());
    let loader = Loader::new(log, StateCaches::read_only(data.join("cache")));
    let index = CallIndex::open_read_only(&data.join("index.db")).await.unwrap();
    let calls = CallLog::new(&data.join("journal"), Some(index), None);
    Desk::still(loader, calls, Engine::builtin(), cordon::clock::Clock::system())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_holds_while_it_is_served_and_after() {
    let upstream = FakeUpstream::start((0..3).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    for _ in 0..3 {
        world.chat("hi").await;
    }
    let handles = &world.node.handles;
    let id = handles.journal.id();
    let mut committed = handles.sequencer.watch();
    committed
        .wait_for(|committed| committed.state.journal(id).is_some_and(|journal| journal.anchor.size == 6))
        .await
        .unwrap();
    let data = handles.settings.data.clone();
    let live = Options {
        data: data.clone(),
        key: Some(key(&data).await),
        since: None,
        at_rest: false,
        bucket: None,
        depth: Depth::Read,
    };
    let report = verify::folder(live).await.unwrap();
    assert!(report.holds && report.notes.is_empty(), "{report:?}");
    world.node.stop().await.unwrap();
    let alone = Options { data, key: None, since: None, at_rest: true, bucket: None, depth: Depth::Read };
    let report = verify::folder(alone).await.unwrap();
    assert!(report.holds, "{report:?}");
    assert_eq!(
        report.checks.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(),
        ["signature", "log", "journals", "index"]
    );
    assert!(report.notes[0].contains("no key was given"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_proved_by_a_file_and_a_key() {
    let kept = kept(3).await;
    let desk = desk(&kept.data).await;
    for call in &kept.calls {
        let proof = desk.prove(*call).await.unwrap();
        let file = serde_json::to_vec(&proof).unwrap();
        let proved = proof::check(&file, kept.key.clone()).unwrap();
        assert_eq!((proved.opened.call, proved.opened.principal.as_str()), (*call, "app"));
        assert_eq!(proved.closed.unwrap().status, 200);
        let stranger = SigningKey::from_seed("example.com/log", [9; 32]).unwrap();
        assert!(proof::check(&file, stranger.verifier_key().clone()).is_err());
        let other = CallProof { call: kept.calls[usize::from(*call == kept.calls[0])], ..proof.clone() };
        let error = proof::check(&serde_json::to_vec(&other).unwrap(), kept.key.clone()).unwrap_err();
        assert!(error.contains("not of call"), "{error}");
        // Any byte of the file: it is refused, or it says exactly the same.
        let mut random = Random(7);
        for _ in 0..400 {
            let mut changed = file.clone();
            let at = random.below(changed.len());
            changed[at] ^= 1 << random.below(8);
            if let Ok(said) = proof::check(&changed, kept.key.clone()) {
                assert_eq!(
                    (said.opened, said.log_size),
                    (proved.opened.clone(), proved.log_size),
                    "byte {at}"
                );
            }
        }
    }
    let unknown = desk.prove(CallId::from_bytes([1; 16])).await.unwrap_err();
    assert_eq!(unknown.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_call_is_pending() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let slow =
        |settings: &mut cordon::node::Settings| settings.anchor_every = std::time::Duration::from_secs(600);
    let world = World::with(&upstream.base_url(), "", "", slow).await;
    let mut committed = world.node.handles.sequencer.watch();
    let id = world.node.handles.journal.id();
    committed.wait_for(|committed| committed.state.journal(id).is_some()).await.unwrap();
    let call = world.chat("hi").await.call();
    let handles = &world.node.handles;
    let current = Some((handles.journal.id(), handles.journal.follow()));
    let calls = CallLog::new(&handles.settings.data.join("journal"), Some(handles.index.clone()), current);
    let clock = cordon::clock::Clock::system();
    let desk = Desk::served(handles.sequencer.clone(), calls, handles.engine.clone(), clock);
    assert_eq!(desk.prove(call).await.unwrap_err().status, 409);
}

/// Writes the log again with other facts, as its administrator could.
async fn rewrite(data: &Path, facts: &[StoredFact]) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("log.db{suffix}")));
    }
    let log = SqliteLog::open(&data.join("log.db")).await.unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    for stored in facts {
        let (time, touched) = match stored.decode() {
            Ok(fact) => (fact.time, State::new().apply(&fact)),
            Err(_) => (Timestamp::from_millis(0), Vec::new()),
        };
        let time = entries.last().map_or(time, |last| last.time.max(time));
        entries.push(Entry { time, touched, leaf: Leaf { bytes: stored.leaf.clone(), blob: None } });
    }
    log.append(0, &entries, &[]).await.unwrap();
    log.close().await;
}

async fn facts(data: &Path) -> Vec<StoredFact> {
    let log = SqliteLog::open_read_only(&data.join("log.db")).await.unwrap();
    let facts = log.read(0, 10_000).await.unwrap();
    log.close().await;
    facts
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_are_changed_removed_added_or_exchanged_are_found() {
    let kept = kept(2).await;
    let whole = facts(&kept.data).await;
    let tried = async |change: &dyn Fn(&mut Vec<StoredFact>)| {
        let mut changed = whole.clone();
        change(&mut changed);
        rewrite(&kept.data, &changed).await;
        failure(&verify(&kept, None).await).to_owned()
    };
    for number in 0..whole.len() {
        let changed = tried(&|facts| {
            let text = String::from_utf8(facts[number].leaf.clone()).unwrap();
            let text = text.replace("\"actor\":\"local\"", "\"actor\":\"bootstrap\"");
            let text = text.replace("\"actor\":\"cordon\"", "\"actor\":\"local\"");
            facts[number].leaf = text.into_bytes();
        })
        .await;
        assert!(
            changed.contains(&format!("entry {number} ")) && changed.contains("it was changed"),
            "{changed}"
        );
    }
    let last = tried(&|facts| drop(facts.pop())).await;
    assert!(last.contains(&format!("the first missing one is fact {}", whole.len() - 1)), "{last}");
    let middle = tried(&|facts| drop(facts.remove(3))).await;
    assert!(middle.contains("the first missing one") || middle.contains("entry 3 "), "{middle}");
    let twice = tried(&|facts| facts.insert(3, facts[3].clone())).await;
    assert!(twice.contains("entry 4 "), "{twice}");
    let exchanged = tried(&|facts| facts.swap(2, 3)).await;
    assert!(exchanged.contains("entry 2 "), "{exchanged}");
    rewrite(&kept.data, &whole).await;
    assert!(verify(&kept, None).await.holds);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_rolled_back_whole_is_found_by_a_kept_checkpoint_alone() {
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    world.chat("one").await;
    let copy = world.folder.path().join("copy");
    let world = world.again(|data| copy_folder(data, &copy)).await;
    world.chat("two").await;
    let data = world.node.handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let newer = TileFolder::new(data.join("ledger/log")).checkpoint().unwrap().unwrap();
    let kept = Kept { key: key(&data).await, data: data.clone(), calls: Vec::new(), _folder: folder };
    assert!(verify(&kept, Some(newer.clone())).await.holds);
    let older = TileFolder::new(copy.join("ledger/log")).checkpoint().unwrap().unwrap();
    assert!(verify(&kept, Some(older)).await.holds, "a later log continues an earlier checkpoint");

    std::fs::remove_dir_all(&data).unwrap();
    copy_folder(&copy, &data);
    assert!(verify(&kept, None).await.holds, "the stated limit: an old and whole copy agrees with itself");
    let report = verify(&kept, Some(newer)).await;
    assert!(failure(&report).contains("rolled back"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_that_is_signed_with_another_key_is_found() {
    let kept = kept(1).await;
    let log = SqliteLog::open(&kept.data.join("log.db")).await.unwrap();
    let facts = log.read(0, 100).await.unwrap();
    log.close().await;
    let frontier: Frontier = facts.iter().map(|fact| leaf_hash(&fact.leaf)).collect();
    let stranger = SigningKey::from_seed("example.com/log", [9; 32]).unwrap();
    let note = Checkpoint::new("example.com/log", frontier.head()).unwrap().sign(&[&stranger]).unwrap();
    let path = kept.data.join("ledger/log/checkpoint");
    std::fs::write(&path, note.to_string()).unwrap();
    assert!(failure(&verify(&kept, None).await).contains("not signed by a key that is trusted"));
    // The right key, but over another history.
    let own =
        SigningKey::parse(std::fs::read_to_string(kept.data.join("ledger.key")).unwrap().trim()).unwrap();
    let forked: Frontier = (0..frontier.size()).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let note = Checkpoint::new("example.com/log", forked.head()).unwrap().sign(&[&own]).unwrap();
    std::fs::write(&path, note.to_string()).unwrap();
    failure(&verify(&kept, None).await);
}

/// xorshift64*: the same trials each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound as u64).unwrap()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_changed_cut_or_replayed_are_found() {
    let kept = kept(40).await;
    let node = kept.data.join("journal");
    let journal = std::fs::read_dir(&node).unwrap().next().unwrap().unwrap().path();
    let mut segments: Vec<PathBuf> =
        std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    assert!(segments.len() > 2, "{segments:?}");
    let back: Vec<Vec<u8>> = segments.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let restore = || {
        for (path, bytes) in segments.iter().zip(&back) {
            std::fs::write(path, bytes).unwrap();
        }
    };
    // A whole segment gone, the last one, one in the place of another.
    std::fs::remove_file(&segments[1]).unwrap();
    failure(&verify(&kept, None).await);
    restore();
    std::fs::remove_file(segments.last().unwrap()).unwrap();
    failure(&verify(&kept, None).await);
    restore();
    std::fs::write(&segments[1], &back[0]).unwrap();
    failure(&verify(&kept, None).await);
    restore();
    // The first half: cut off in the middle of a frame.
    let last = segments.last().unwrap();
    std::fs::write(last, &back.last().unwrap()[..5000]).unwrap();
    failure(&verify(&kept, None).await);
    restore();
    std::fs::remove_dir_all(&journal).unwrap();
    assert!(failure(&verify(&kept, None).await).contains("is missing"));
    std::fs::create_dir(&journal).unwrap();
    restore();
    assert!(verify(&kept, None).await.holds);
}

/// What a folder says: facts, frames, and the calls that the index tells.
struct Said {
    facts: Vec<StoredFact>,
    frames: Vec<Vec<u8>>,
    calls: Vec<CallRow>,
}

async fn said(data: &Path) -> Option<Said> {
    let log = SqliteLog::open_read_only(&data.join("log.db")).await.ok()?;
    let facts = log.read(0, 10_000).await.ok()?;
    log.close().await;
    let mut frames = Vec::new();
    for id in journal::list(&data.join("journal")).ok()? {
        let mut reader = Reader::open(&data.join("journal"), id).ok()?;
        while let Some(frame) = reader.read().ok()? {
            frames.push(frame.payload);
        }
    }
    let mut calls = Vec::new();
    if data.join("index.db").exists() {
        let index = CallIndex::open_read_only(&data.join("index.db")).await.ok()?;
        calls = index.query(&CallQuery { limit: Some(1000), ..CallQuery::default() }).await.ok()?;
        index.close().await;
    }
    Some(Said { facts, frames, calls })
}

/// The files that verification is about: derived caches, locks and the node's own secrets are not records.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match name.as_str() {
            "cache" | "lock" | "control.url" => {}
            _ if path.is_dir() => files(&path, found),
            _ if name.ends_with("-shm") => {}
            _ if Path::new(&name).extension().is_some_and(|e| e == "key" || e == "token" || e == "name") => {}
            _ => found.push(path),
        }
    }
}

/// Whether a row is this one, or what it was while its call ran.
fn is_at_most(row: &CallRow, known: &CallRow) -> bool {
    row == known || row.call == known.call && row.ending.is_none() && row.input == known.input
}

/// How many trials there are: `CORDON_TRIALS=10000 cargo test -p cordon --test verify` for a long run.
fn trials() -> usize {
    std::env::var("CORDON_TRIALS").map_or(2_000, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_the_files_is_found_or_changes_nothing_that_was_recorded() {
    let kept = kept(6).await;
    let older = kept.data.with_extension("older");
    copy_folder(&kept.data, &older);
    let mut all = Vec::new();
    files(&kept.data, &mut all);
    all.sort();
    let originals: Vec<Vec<u8>> = all.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let before = said(&kept.data).await.expect("all of it can be read");
    let mut random = Random(0x5eed);
    let (mut found, mut harmless) = (0, 0);
    for trial in 0..trials() {
        let at = random.below(all.len());
        let (path, bytes) = (&all[at], &originals[at]);
        let other = random.below(all.len());
        let what = match random.below(6) {
            0..=2 if !bytes.is_empty() => {
                let mut changed = bytes.clone();
                let place = random.below(changed.len());
                changed[place] ^= 1 << random.below(8);
                std::fs::write(path, changed).unwrap();
                format!("byte {place} flipped")
            }
            3 => {
                let length = random.below(bytes.len() + 1);
                std::fs::write(path, &bytes[..length]).unwrap();
                format!("cut to {length} bytes")
            }
            4 => {
                std::fs::remove_file(path).unwrap();
                "deleted".to_owned()
            }
            _ => {
                std::fs::write(path, &originals[other]).unwrap();
                format!("replaced by {}", all[other].display())
            }
        };
        let options = Options {
            data: kept.data.clone(),
            key: Some(kept.key.clone()),
            since: None,
            at_rest: true,
            bucket: None,
            depth: Depth::Read,
        };
        // What cannot be looked at does not pass either.
        let holds = verify::folder(options).await.is_ok_and(|report| report.holds);
        if holds {
            harmless += 1;
            let after = said(&kept.data).await.expect("what holds can be read");
            // The index may be behind: the next start brings it up to date from the journal.
            let same = after.facts == before.facts
                && after.frames == before.frames
                && after.calls.iter().all(|call| before.calls.iter().any(|known| is_at_most(call, known)));
            assert!(same, "trial {trial}: {}: {what}: it was not found", path.display());
        } else {
            found += 1;
        }
        for path in [path, &all[other]] {
            let at = all.iter().position(|one| one == path).unwrap();
            std::fs::write(path, &originals[at]).unwrap();
        }
        // What SQLite wrote when it opened what was changed.
        for name in ["log.db", "index.db"] {
            for suffix in ["", "-wal", "-shm"] {
                let path = kept.data.join(format!("{name}{suffix}"));
                match all.iter().position(|one| *one == path) {
                    Some(at) => std::fs::write(path, &originals[at]).unwrap(),
                    None => drop(std::fs::remove_file(path)),
                }
            }
        }
    }
    println!(
        "{} trials: {found} found; {harmless} changed nothing that was recorded: bytes that no reader looks at (free space \
         of a database or a segment), and an index that is behind or missing, which a start makes again from the journal",
        trials()
    );
    assert!(found > trials() / 4, "{found} of {} found: the trials miss what counts", trials());
    assert!(verify(&kept, None).await.holds, "the trials left the folder as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_by_a_statement_of_both_and_whoever_trusts_the_first_can_follow() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    world.chat("one").await;
    let data = world.node.handles.settings.data.clone();
    let rotated = |data: &Path| {
        let output = support::binary::output(data, &["ledger", "rotate"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let old = key(&data).await;
    let world = world.again(rotated).await;
    world.chat("two").await;
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let kept = Kept { key: old.clone(), data: data.clone(), calls: Vec::new(), _folder: folder };
    let report = verify(&kept, None).await;
    assert!(report.holds, "{report:?}");
    let own = SigningKey::parse(std::fs::read_to_string(data.join("ledger.key")).unwrap().trim()).unwrap();
    let new = own.verifier_key();
    assert!(*new != old && report.checks[0].detail.contains(&new.id().to_string()), "{report:?}");
    let kept = Kept { key: new.clone(), ..kept };
    assert!(verify(&kept, None).await.holds, "whoever trusts the present key needs no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_log_is_verified_from_its_files_alone() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let folder = TempDir::new().unwrap();
    let clock = cordon_testkit::ManualClock::at(Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
    let settings = support::settings(&folder, &clock);
    let config = cordon::config::Raw::default().check().unwrap();
    let node =
        cordon::node::Node::start(settings, |handles| cordon::up::routes(handles, config)).await.unwrap();
    let resources = support::resources(&upstream.base_url(), "", "");
    let reading =
        cordon::declare::read(&[cordon::declare::Source { name: "t".into(), bytes: resources.into() }]);
    let wish = cordon_core::command::Wish::Apply(reading.declaration.resources());
    node.handles.sequencer.wish(wish, cordon_core::fact::Actor::Local).await.unwrap();
    let size = node.handles.sequencer.committed().state.position();
    let mut provable = node.handles.provable.clone();
    provable.wait_for(|progress| progress.signed >= size).await.unwrap();

    let url = format!("http://{}/ledger", node.control);
    let data = node.handles.settings.data.clone();
    let token = cordon::control::AdminToken::read(&data).unwrap();
    let trusted = key(&data).await;
    let mirror = |token| verify::Mirror::new(&url, token, None).unwrap();
    let report = verify::published(&mirror(Some(token.as_str())), Some(&trusted), None).await.unwrap();
    assert!(report.holds, "{report:?}");
    let refused = verify::published(&mirror(None), Some(&trusted), None).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    let stranger = SigningKey::from_seed("example.com/log", [9; 32]).unwrap();
    let other = Some(stranger.verifier_key());
    assert!(!verify::published(&mirror(Some(token.as_str())), other, None).await.unwrap().holds);
    node.stop().await.unwrap();
}

/// A folder whose oldest calls are sealed, and their space free.
async fn sealed() -> Kept {
    let calls = 60;
    let upstream = FakeUpstream::start((0..calls).map(|_| Script::says("ok"))).await;
    let small = |settings: &mut cordon::node::Settings| {
        (settings.journal.segment_bytes, settings.keep_bytes) = (1 << 12, 1 << 14);
    };
    let world = World::with(&upstream.base_url(), "", "", small).await;
    let mut ids = Vec::new();
    for _ in 0..calls {
        ids.push(world.chat("hi").await.call());
    }
    let handles = &world.node.handles;
    let (id, folder) = (handles.journal.id(), handles.settings.data.join("journal"));
    let freed = async {
        let mut committed = handles.sequencer.watch();
        committed
            .wait_for(|committed| committed.state.journal(id).is_some_and(|journal| journal.sealed > 40))
            .await
            .unwrap();
        while Reader::open(&folder, id).unwrap().first().unwrap() < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), freed)
        .await
        .expect("segments are sealed and freed");
    let data = handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    Kept { key: key(&data).await, data, calls: ids, _folder: folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_calls_are_told_proved_verified_and_indexed_again() {
    let kept = sealed().await;
    let report = verify(&kept, None).await;
    assert!(report.holds && report.checks.iter().any(|check| check.name == "objects"), "{report:?}");
    let shown =
        |call: CallId| support::binary::output(&kept.data, &["calls", "show", &call.to_string(), "--json"]);
    for call in [kept.calls[0], kept.calls[59]] {
        let shown = shown(call);
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        let out = kept.data.with_file_name(format!("{call}.json"));
        let proved = support::binary::output(
            &kept.data,
            &["prove", "--call", &call.to_string(), "-o", out.to_str().unwrap()],
        );
        assert!(proved.status.success(), "{}", String::from_utf8_lossy(&proved.stderr));
        let proved = proof::check(&std::fs::read(&out).unwrap(), kept.key.clone()).unwrap();
        assert_eq!(proved.opened.call, call);
    }
    // What is derived is made again from the objects: the index, and the tree of the journal.
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(kept.data.join(format!("index.db{suffix}")));
    }
    std::fs::remove_dir_all(kept.data.join("ledger/journal")).unwrap();
    let clock = cordon_testkit::ManualClock::at(Timestamp::parse("2026-11-21T10:00:00Z").unwrap());
    let folder = TempDir::new().unwrap();
    let settings = cordon::node::Settings { data: kept.data.clone(), ..support::settings(&folder, &clock) };
    let node = cordon::node::Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let (index, journal) = (node.handles.index.clone(), *node.handles.journal.id().as_bytes());
    let built = async {
        while index.progress().await.unwrap().get(&journal).copied().unwrap_or(0) < 120 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), built).await.expect("the index is built again");
    assert_eq!(
        index.query(&CallQuery { limit: Some(1000), ..CallQuery::default() }).await.unwrap().len(),
        60
    );
    node.stop().await.unwrap();
    let report = verify(&kept, None).await;
    assert!(report.holds, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_changed_or_gone_is_found() {
    let kept = sealed().await;
    // One that the log names: another one may have been written when the node was stopped, and is nobody's.
    let loader_log = Arc::new(SqliteLog::open_read_only(&kept.data.join("log.db")).await.unwrap());
    let state = Loader::new(loader_log.clone(), StateCaches::read_only(kept.data.join("cache")))
        .load()
        .await
        .unwrap()
        .state;
    loader_log.close().await;
    let journal = state.journals().next().unwrap().anchor.journal;
    let object = &kept.data.join("objects").join(&state.segments(journal).next().unwrap().object);
    let whole = std::fs::read(object).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(object, &changed).unwrap();
    assert!(failure(&verify(&kept, None).await).contains("segments/"));
    std::fs::remove_file(object).unwrap();
    assert!(failure(&verify(&kept, None).await).contains("segments/"));
    std::fs::write(object, whole).unwrap();
    assert!(verify(&kept, None).await.holds);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_when_the_time_of_their_routes_is_over() {
    let kept = sealed().await;
    let folder = TempDir::new().unwrap();
    let clock = cordon_testkit::ManualClock::at(Timestamp::parse("2028-12-01T09:00:00Z").unwrap());
    let settings = cordon::node::Settings { data: kept.data.clone(), ..support::settings(&folder, &clock) };
    let node = cordon::node::Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let id = node.handles.journal.id();
    let yaml = "apiVersion: cordon/v1\nkind: Retention\nname: law\nspec: {routes: [bot], records: 730d}\n";
    let source = cordon::declare::Source { name: "t.yaml".into(), bytes: yaml.into() };
    let wish = cordon_core::command::Wish::Apply(cordon::declare::read(&[source]).declaration.resources());
    let before = node.handles.sequencer.committed().state;
    assert!(
        before.journal(id).is_some_and(|journal| journal.retired == 0),
        "without a word they are kept for ever"
    );
    node.handles.sequencer.wish(wish, cordon_core::fact::Actor::Local).await.unwrap();
    let mut committed = node.handles.sequencer.watch();
    let retired = committed.wait_for(|now| now.state.journal(id).is_some_and(|journal| journal.retired > 40));
    tokio::time::timeout(std::time::Duration::from_secs(30), retired)
        .await
        .expect("records are retired")
        .unwrap();
    node.stop().await.unwrap();
    assert!(verify(&kept, None).await.holds);
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_records_are_gone_and_what_is_left_still_holds() {
    let kept = sealed().await;
    let year = cordon_core::DurationMs::from_secs(365 * 86_400);
    let folder = TempDir::new().unwrap();
    let clock = cordon_testkit::ManualClock::at(Timestamp::parse("2027-12-01T09:00:00Z").unwrap());
    let settings = |retention| cordon::node::Settings {
        data: kept.data.clone(),
        retention,
        ..support::settings(&folder, &clock)
    };
    let node = cordon::node::Node::start(settings(Some(year)), |_| axum::Router::new()).await.unwrap();
    let id = node.handles.journal.id();
    let mut committed = node.handles.sequencer.watch();
    let retired = committed
        .wait_for(|committed| committed.state.journal(id).is_some_and(|journal| journal.retired > 40))
        .await
        .unwrap()
        .state
        .clone();
    let objects = kept.data.join("objects");
    let gone = async {
        loop {
            let mut left = Vec::new();
            files(&objects, &mut left);
            if left.iter().all(|path| path.extension().is_none_or(|kind| kind != "parquet")) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("the objects are deleted");
    assert_eq!(retired.segments(id).count(), 0);
    node.stop().await.unwrap();
    let report = verify(&kept, None).await;
    assert!(report.holds && report.checks.iter().any(|check| check.detail.contains("retired")), "{report:?}");
    // A call whose frames are kept is still proved, in the same tree.
    let out = kept.data.with_file_name("proof.json");
    let call = kept.calls[59].to_string();
    let proved =
        support::binary::output(&kept.data, &["prove", "--call", &call, "-o", out.to_str().unwrap()]);
    assert!(proved.status.success(), "{}", String::from_utf8_lossy(&proved.stderr));
    proof::check(&std::fs::read(&out).unwrap(), kept.key.clone()).unwrap();
    let gone = support::binary::output(&kept.data, &["prove", "--call", &kept.calls[0].to_string()]);
    assert!(!gone.status.success());
    // The node goes on, and its index too, when that is made again.
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(kept.data.join(format!("index.db{suffix}")));
    }
    let node = cordon::node::Node::start(settings(None), |_| axum::Router::new()).await.unwrap();
    let (index, journal) = (node.handles.index.clone(), *id.as_bytes());
    let built = async {
        while index.progress().await.unwrap().get(&journal).copied().unwrap_or(0) < 120 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), built).await.expect("the index is built again");
    node.stop().await.unwrap();
    assert!(verify(&kept, None).await.holds);
}
