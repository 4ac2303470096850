//! Stores of every format that was ever released open, verify and go on: a small one of each is kept.
//!
//! `CORDON_GOLDEN=write cargo test -p cordon --test formats` makes the one of the present format where it is missing. One that
//! is there is never changed: a new format gets a new folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::path::{Path, PathBuf};

use cordon::node::{Node, Settings};
use cordon_store::calls::CallQuery;
use cordon_testkit::{FakeUpstream, ManualClock, Script, TempDir};
use support::{World, binary};

/// Calls in each kept store.
const CALLS: usize = 3;

fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stores")
}

/// The format that this program writes.
fn present() -> PathBuf {
    kept().join(format!("format-{}", cordon_store::backup::FORMAT))
}

async fn write_missing() {
    if std::env::var_os("CORDON_GOLDEN").is_none_or(|value| value != "write") || present().exists() {
        return;
    }
    let upstream = FakeUpstream::start((0..CALLS).map(|_| Script::says("ok"))).await;
    let small = |settings: &mut Settings| settings.journal.segment_bytes = 1 << 13;
    let world = World::with(&upstream.base_url(), "", "", small).await;
    for _ in 0..CALLS {
        assert_eq!(world.chat("hi").await.status, 200);
    }
    let data = world.node.handles.settings.data.clone();
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let (records, secrets) = (present().join("records"), present().join("secrets"));
    let to = [records.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()];
    let taken = binary::output(&data, &["backup", to[0], to[1], to[2]]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    drop(folder);
}

fn stores() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(kept()).map(|entries| entries.map(|entry| entry.unwrap().path()));
    entries.map(Iterator::collect).unwrap_or_default()
}

async fn opens(store: &Path) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let (records, secrets) = (store.join("records"), store.join("secrets"));
    let from = [records.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()];
    let restored = binary::output(&data, &["restore", from[0], from[1], from[2]]);
    assert!(restored.status.success(), "{}: {}", store.display(), String::from_utf8_lossy(&restored.stdout));
    let clock = ManualClock::at(cordon_core::Timestamp::parse("2030-01-01T00:00:00Z").unwrap());
    let settings = Settings { data: data.clone(), ..support::settings(&folder, &clock) };
    let node = Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let (index, journal) = (node.handles.index.clone(), *node.handles.journal.id().as_bytes());
    let built = async {
        while index.progress().await.unwrap().get(&journal).copied().unwrap_or(0) < 2 * CALLS as u64 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), built).await.expect("its calls are read");
    assert_eq!(index.query(&CallQuery::default()).await.unwrap().len(), CALLS);
    assert!(node.handles.gateway.snapshot().position() > 5, "its resources are in force");
    node.stop().await.unwrap();
    let verified = binary::output(&data, &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_every_format_opens_and_goes_on() {
    write_missing().await;
    let stores = stores();
    assert!(stores.contains(&present()), "no store of the present format; help: CORDON_GOLDEN=write adds it");
    for store in stores {
        opens(&store).await;
    }
}
