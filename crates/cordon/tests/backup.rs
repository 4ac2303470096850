//! The disaster drill of docs/recovery.md: a copy made while calls run, the folder lost, the copy verified and put back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{path::Path, process::Output};

use cordon::node::Node;
use cordon_testkit::{FakeUpstream, Script};
use support::{World, binary};

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    binary::output(data, arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_serving_is_put_back_and_goes_on() {
    let upstream = FakeUpstream::start((0..60).map(|_| Script::says("ok"))).await;
    let world = World::new(&upstream.base_url()).await;
    let data = world.node.handles.settings.data.clone();
    for _ in 0..5 {
        assert_eq!(world.chat("before").await.status, 200);
    }
    let (copy, secrets) = (world.folder.path().join("copy"), world.folder.path().join("secrets"));
    let taking = {
        let (data, copy, secrets) = (data.clone(), copy.clone(), secrets.clone());
        tokio::task::spawn_blocking(move || {
            run(&data, &["backup", copy.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()])
        })
    };
    // Calls run on meanwhile.
    let mut calls = 5;
    while !taking.is_finished() && calls < 60 {
        assert_eq!(world.chat("meanwhile").await.status, 200);
        calls += 1;
    }
    let taken = taking.await.unwrap();
    assert!(taken.status.success(), "{}", said(&taken));
    assert!(!copy.join("ledger.key").exists() && secrets.join("ledger.key").exists());

    // The disaster.
    let settings = cordon::node::Settings::clone(&world.node.handles.settings);
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    let newest = std::fs::read(data.join("ledger/log/checkpoint")).unwrap();
    let kept = folder.path().join("newest.checkpoint");
    std::fs::write(&kept, newest).unwrap();
    std::fs::remove_dir_all(&data).unwrap();

    let from = copy.to_str().unwrap();
    let older = run(&data, &["restore", from, "--since", kept.to_str().unwrap()]);
    assert_eq!(older.status.code(), Some(2), "{}", said(&older));
    assert!(said(&older).contains("rolled back") && !data.exists(), "{}", said(&older));

    let restored = run(&data, &["restore", from, "--secrets", secrets.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", said(&restored));
    let node = Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let recorded = node.handles.journal.health().durable;
    assert!((10..=2 * calls).contains(&recorded), "{recorded} frames of {calls} calls");
    node.stop().await.unwrap();
    let verified = run(&data, &["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    let again = run(&data, &["restore", from]);
    assert!(said(&again).contains("exists and is not empty"), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_copy_is_not_put_back() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = World::new(&upstream.base_url()).await;
    world.chat("hi").await;
    let data = world.node.handles.settings.data.clone();
    let copy = world.folder.path().join("copy");
    let taken = run(&data, &["backup", copy.to_str().unwrap()]);
    assert!(taken.status.success(), "{}", said(&taken));
    let elsewhere = world.folder.path().join("elsewhere");
    let refused = |why: &str| {
        let output = run(&elsewhere, &["restore", copy.to_str().unwrap()]);
        assert!(!output.status.success() && said(&output).contains(why), "{}", said(&output));
        assert!(!elsewhere.exists(), "nothing is put in place");
    };
    let log = copy.join("log.db");
    let whole = std::fs::read(&log).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&log, changed).unwrap();
    refused("is not the one that was copied");
    std::fs::write(&log, whole).unwrap();
    let manifest = copy.join("backup.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"log.db\"", "\"../log.db\"")).unwrap();
    refused("no backup that this program knows");
    std::fs::write(&manifest, text.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    refused("no backup that this program knows");
    std::fs::remove_file(&manifest).unwrap();
    refused("no backup that this program knows");
}
