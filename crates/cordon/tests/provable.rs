//! Records become proof: the log is signed, journals are anchored in it, and a change of either is seen at the next start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::path::Path;

use cordon::node::Node;
use cordon_core::{
    Digest, JournalId, State,
    evidence::{EndReason, empty_root},
};
use cordon_ledger::{Verifier, VerifierKey};
use cordon_store::{
    SqliteLog,
    journal::{self, Reader},
    ledger::TileFolder,
    log::{Loader, StateCaches},
};
use cordon_testkit::{FakeUpstream, Script};
use support::World;

/// The state that a folder nobody serves ends with.
async fn state(data: &Path) -> State {
    let log = SqliteLog::open(&data.join("log.db")).await.unwrap();
    let loader = Loader::new(std::sync::Arc::new(log), StateCaches::read_only(data.join("cache")));
    loader.load().await.unwrap().state
}

/// The root over all frames of a journal, from the frames.
fn root(data: &Path, id: JournalId) -> (u64, Digest) {
    let mut reader = Reader::open(&data.join("journal"), id).unwrap();
    let mut frontier = cordon_ledger::Frontier::new();
    while let Some(frame) = reader.read().unwrap() {
        frontier.push(cordon_ledger::leaf_hash(&frame.payload));
    }
    (frontier.size(), Digest::from_bytes(*frontier.root().as_bytes()))
}

/// All of the log is signed, and all of its journals are anchored to their ends.
async fn is_proved(data: &Path) -> State {
    let state = state(data).await;
    let key = VerifierKey::parse(&state.log_key().unwrap().key).unwrap();
    let verifier = Verifier::new("example.com/log", vec![key]).unwrap();
    let note = TileFolder::new(data.join("ledger/log")).checkpoint().unwrap().unwrap();
    assert_eq!(verifier.checkpoint(&note).unwrap().size(), state.position());
    for journal in state.journals() {
        let anchor = &journal.anchor;
        assert_eq!((anchor.size, anchor.root), root(data, anchor.journal));
    }
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_anchored_while_it_serves_and_all_of_them_at_the_end() {
    let upstream = FakeUpstream::start((0..3).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    assert_eq!(world.chat("hi").await.status, 200);
    let mut committed = world.node.handles.sequencer.watch();
    let id = world.node.handles.journal.id();
    let anchored = |state: &State| state.journal(id).is_some_and(|journal| journal.anchor.size == 2);
    committed.wait_for(|committed| anchored(&committed.state)).await.unwrap();
    let position = world.node.handles.sequencer.committed().state.position();
    let mut provable = world.node.handles.provable.clone();
    provable.wait_for(|progress| progress.signed >= position).await.unwrap();

    let data = world.node.handles.settings.data.clone();
    assert_eq!(world.chat("hi").await.status, 200);
    let mut checked = None;
    let world = world
        .again(|data| {
            let proved = std::thread::scope(|scope| {
                let thread =
                    scope.spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(is_proved(data)));
                thread.join().unwrap()
            });
            checked = Some(proved);
        })
        .await;
    let before = checked.unwrap();
    assert_eq!(before.journal(id).unwrap().anchor.size, 4);
    // The journal goes on, and so do its anchors.
    assert_eq!(world.chat("hi").await.status, 200);
    world.node.stop().await.unwrap();
    let after = is_proved(&data).await;
    assert_eq!(after.journals().count(), 1);
    assert_eq!(after.journal(id).unwrap().anchor.size, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_put_back_from_an_older_copy_is_not_gone_on_with() {
    let upstream = FakeUpstream::start((0..3).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    assert_eq!(world.chat("one").await.status, 200);
    let id = world.node.handles.journal.id();
    let copy = world.folder.path().join("copy");
    let world = world.again(|data| copy_folder(&data.join("journal"), &copy)).await;
    assert_eq!(world.chat("two").await.status, 200);
    let mut settings = cordon::node::Settings::clone(&world.node.handles.settings);
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let journals = settings.data.join("journal");
    std::fs::remove_dir_all(&journals).unwrap();
    copy_folder(&copy, &journals);
    let error = match Node::start(settings.clone(), |_| axum::Router::new()).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    };
    assert!(
        error.contains("2 frames, but 4 were anchored") && error.contains("--abandon-journal"),
        "{error}"
    );

    // What is left is kept as evidence, and the log says what became of it.
    settings.journal.abandoned = Some(id);
    let node = Node::start(settings.clone(), |_| axum::Router::new()).await.unwrap();
    let next = node.handles.journal.id();
    let mut committed = node.handles.sequencer.watch();
    let committed =
        committed.wait_for(|committed| committed.state.journal(next).is_some()).await.unwrap().clone();
    let former = committed.state.journal(id).unwrap();
    assert_eq!(former.ended.as_ref().map(|ended| ended.why), Some(EndReason::Damaged));
    assert_eq!((former.anchor.size, committed.state.journal(next).unwrap().follows), (4, Some(id)));
    node.stop().await.unwrap();
    assert_eq!(journal::list(&journals).unwrap(), [id, next]);
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_gone_is_said_to_be_missing() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::new(&upstream.base_url()).await;
    assert_eq!(world.chat("one").await.status, 200);
    let id = world.node.handles.journal.id();
    let world = world.again(|data| std::fs::remove_dir_all(data.join("journal")).unwrap()).await;
    let next = world.node.handles.journal.id();
    assert_ne!(next, id);
    let mut committed = world.node.handles.sequencer.watch();
    let committed =
        committed.wait_for(|committed| committed.state.journal(next).is_some()).await.unwrap().clone();
    let former = committed.state.journal(id).unwrap();
    assert_eq!(former.ended.as_ref().map(|ended| ended.why), Some(EndReason::Missing));
    assert_ne!(former.anchor.root, empty_root());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_signing_key_is_refused() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::new(&upstream.base_url()).await;
    let settings = cordon::node::Settings::clone(&world.node.handles.settings);
    let mut provable = world.node.handles.provable.clone();
    provable.wait_for(|progress| progress.signed > 5).await.unwrap();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    std::fs::remove_file(settings.data.join("ledger.key")).unwrap();
    let error = match Node::start(settings, |_| axum::Router::new()).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    };
    assert!(error.contains("ledger.key") && error.contains("cordon ledger rotate"), "{error}");
    drop(folder);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
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
