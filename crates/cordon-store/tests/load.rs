//! States of the past and state caches: they save time and never change an answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use cordon_core::State;
use cordon_store::{
    Log as _,
    log::{CACHE_EVERY, Loader, StateCaches},
};
use support::{Folder, at, entry, set, system, team, teams};

/// A log of so many facts over a few teams, one a second.
async fn filled(folder: &Folder, facts: u64) -> Loader {
    let log = folder.log().await;
    let entries: Vec<_> =
        (0..facts).map(|n| entry(&set(n.try_into().unwrap(), team(&format!("team-{}", n % 7))))).collect();
    log.append(0, &entries, &[]).await.unwrap();
    Loader::new(log, folder.caches())
}

fn without_caches(loader: &Loader, folder: &Folder) -> Loader {
    Loader::new(loader.log().clone(), StateCaches::read_only(folder.path().join("none")))
}

/// Waits for caches that are written behind.
async fn caches_of(folder: &Folder, expected: &[u64]) {
    loop {
        let mut positions = folder.caches().positions();
        positions.sort_unstable();
        if positions == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_state_of_the_past_is_the_fold_stopped_earlier() {
    let folder = Folder::new();
    let facts = CACHE_EVERY * 2 + 100;
    let loader = filled(&folder, facts).await;
    let present = loader.load().await.unwrap().state;
    assert_eq!(present.position(), facts);
    caches_of(&folder, &[CACHE_EVERY, CACHE_EVERY * 2]).await;
    let plain = without_caches(&loader, &folder);
    for second in [0, 1, CACHE_EVERY - 2, CACHE_EVERY - 1, CACHE_EVERY, CACHE_EVERY * 2 + 50, facts + 9] {
        let time = at(second.try_into().unwrap());
        let (fast, slow) =
            (loader.state_as_of(time).await.unwrap().state, plain.state_as_of(time).await.unwrap().state);
        assert_eq!(fast.position(), facts.min(second + 1));
        assert_eq!((&fast, fast.digest()), (&slow, slow.digest()));
    }
    assert_eq!(loader.state_as_of(at(-1)).await.unwrap().state, State::new());
}

#[tokio::test]
async fn a_bad_cache_is_deleted_and_not_used() {
    let folder = Folder::new();
    let loader = filled(&folder, 50).await;
    let caches = folder.caches();
    let good = loader.state_at(10).await.unwrap().state;
    caches.write(&good).unwrap();
    let file = |position: u64| folder.path().join("cache").join(format!("state-{position}.json"));
    caches.write(&loader.state_at(20).await.unwrap().state).unwrap();
    let bytes = std::fs::read(file(20)).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(caches.latest(40).unwrap().position(), 20);
    let lines = |range: std::ops::Range<usize>| -> Vec<u8> {
        let lines = text.lines().skip(range.start).take(range.len());
        lines.flat_map(|line| format!("{line}\n").into_bytes()).collect()
    };
    let bad = [
        Vec::new(),
        b"{}".to_vec(),
        vec![0xff; 4096],
        // Cut off in the middle, and at the end of a line; without its head.
        bytes[..bytes.len() / 2].to_vec(),
        lines(0..4),
        lines(1..8),
        // One letter of one name; one entry twice, and thrice.
        text.replacen("team-3", "team-9", 1).into_bytes(),
        [bytes.clone(), lines(7..8)].concat(),
        [bytes.clone(), lines(7..8), lines(7..8)].concat(),
        text.replacen("\"cache\":1", "\"cache\":99", 1).into_bytes(),
        std::fs::read(file(10)).unwrap(),
    ];
    for (number, bytes) in bad.iter().enumerate() {
        std::fs::write(file(20), bytes).unwrap();
        assert_eq!(caches.latest(40).unwrap(), good, "{number}");
        assert_eq!(caches.positions(), [10], "{number}");
    }
    let expected = without_caches(&loader, &folder).load().await.unwrap().state;
    assert_eq!(loader.load().await.unwrap().state, expected);
    // Where nothing may be written, a bad one is not used either, and stays.
    std::fs::write(file(30), "nothing").unwrap();
    let reader = StateCaches::read_only(folder.path().join("cache"));
    assert_eq!(reader.latest(40).unwrap(), good);
    reader.write(&expected).unwrap();
    assert_eq!(reader.positions().len(), 2);
}

#[tokio::test]
async fn a_damaged_fact_stops_the_fold_with_its_place() {
    let folder = Folder::new();
    let loader = filled(&folder, 5).await;
    let mut more = teams(5, 2);
    more[1].leaf.bytes.pop();
    loader.log().append(5, &more, &[]).await.unwrap();
    let error = loader.load().await.unwrap_err();
    assert!(error.to_string().contains("position 6"), "{error}");
    assert_eq!(loader.state_at(6).await.unwrap().state.position(), 6);
}

#[tokio::test]
async fn catching_up_says_what_was_touched() {
    let folder = Folder::new();
    let loader = filled(&folder, 5).await;
    let before = loader.state_at(3).await.unwrap().state;
    let loaded = loader.catch_up(before.clone()).await.unwrap();
    assert_eq!((loaded.state.position(), loaded.touched.len()), (5, 2));
    let mut open = system("helper", "team-1", "answers");
    for (_, field) in open.spec.sealed_fields() {
        field.close(cordon_core::HmacKey::from_bytes([1; 32])).unwrap();
    }
    loader.log().append(5, &[entry(&set(99, open))], &[]).await.unwrap();
    let loaded = loader.catch_up(loaded.state).await.unwrap();
    assert_eq!(loaded.touched, [support::touched(cordon_core::resource::Kind::System, "helper")]);
}
