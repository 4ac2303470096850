//! What proof costs: facts through the sequencer with a signed checkpoint behind each commit, how long a fact waits for its
//! checkpoint, and the memory of a ledger by its size.
//!
//! `cargo bench -p cordon-store --bench ledger [-- SECONDS [ENTRIES]]` (3 s, and 100,000,000 entries for the memory).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark: it is its own clock"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cordon_core::{
    HmacKey, Name, Timestamp,
    command::Wish,
    fact::Actor,
    resource::{Resource, Spec, TeamSpec},
};
use cordon_ledger::{SigningKey, leaf_hash, tiles::TileWriter};
use cordon_store::{
    SqliteLog,
    ledger::{Publisher, TileFolder},
    log::{Loader, StateCaches},
    sequencer::{Outside, Sequencer},
};

/// Who wish at the same time.
const WISHERS: u64 = 256;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let measured = std::env::args().any(|argument| argument == "--bench");
    let seconds = numbers.next().unwrap_or(if measured { 3 } else { 1 });
    let entries = numbers.next().unwrap_or(if measured { 100_000_000 } else { 100_000 });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for wishers in [WISHERS, 1] {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(facts(folder.path(), wishers, Duration::from_secs(seconds)));
    }
    memory(entries);
}

async fn facts(folder: &Path, wishers: u64, run: Duration) {
    let log = Arc::new(SqliteLog::open(&folder.join("log.db")).await.unwrap());
    let loader = Loader::new(log.clone(), StateCaches::new(folder.join("cache")));
    let outside = Outside {
        now: Box::new(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
        }),
        entropy: Box::new(|| HmacKey::from_bytes([7; 32])),
        publish: Box::new(|_: &_, _: &[_]| {}),
    };
    let (sequencer, task) = Sequencer::start(loader, outside, std::future::pending()).await.unwrap();
    tokio::spawn(task);
    let key = Arc::new(SigningKey::from_seed("example.com/log", [1; 32]).unwrap());
    let keys = [key.verifier_key().clone()];
    let mut publisher = Publisher::open(TileFolder::new(folder.join("ledger")), key, &keys).unwrap();
    let signed = Arc::new(AtomicU64::new(0));
    let (notify, mut signed_at) = tokio::sync::watch::channel(0_u64);
    let publishing = {
        let (sequencer, signed, log) = (sequencer.clone(), Arc::clone(&signed), log.clone());
        tokio::spawn(async move {
            let mut committed = sequencer.watch();
            loop {
                let position = committed.borrow_and_update().state.position();
                if publisher.advance(log.as_ref(), position).await.unwrap().is_some() {
                    signed.fetch_add(1, Ordering::Relaxed);
                }
                notify.send_replace(position);
                if committed.changed().await.is_err() {
                    return;
                }
            }
        })
    };
    let start = Instant::now();
    let wishing: Vec<_> = (0..wishers)
        .map(|wisher| {
            let sequencer = sequencer.clone();
            tokio::spawn(async move {
                let mut number = 0;
                while start.elapsed() < run {
                    let name = Name::parse(&format!("team-{wisher}-{number}")).unwrap();
                    let team = Resource { name, spec: Spec::Team(TeamSpec { owner: None }) };
                    sequencer.wish(Wish::Apply(vec![team]), Actor::Local).await.unwrap();
                    number += 1;
                }
            })
        })
        .collect();
    // One more, who waits for the checkpoint of each of its facts.
    let mut waits = Vec::new();
    let mut number = 0;
    while start.elapsed() < run {
        let name = Name::parse(&format!("waiting-{number}")).unwrap();
        let team = Resource { name, spec: Spec::Team(TeamSpec { owner: None }) };
        let granted = sequencer.wish(Wish::Apply(vec![team]), Actor::Local).await.unwrap();
        let committed = Instant::now();
        signed_at.wait_for(|position| *position > granted.position).await.unwrap();
        waits.push(committed.elapsed());
        number += 1;
    }
    for wishing in wishing {
        wishing.await.unwrap();
    }
    let elapsed = start.elapsed();
    let facts = sequencer.committed().state.position();
    waits.sort_unstable();
    println!(
        "{wishers} at the same time: {:.0} facts/s, {} checkpoints; commit to signed checkpoint p50 {:.1?}, p99 {:.1?}, most {:.1?}",
        number_of(facts) / elapsed.as_secs_f64(),
        signed.load(Ordering::Relaxed),
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits.last().unwrap(),
    );
    publishing.abort();
}

fn memory(entries: u64) {
    let before = resident();
    let start = Instant::now();
    let mut writer = TileWriter::new();
    let mut bytes = 0;
    for number in 0..entries {
        writer.push(leaf_hash(&number.to_be_bytes()));
        // What a publisher does with them is write them out.
        bytes += writer.take_full().iter().map(|file| file.bytes.len()).sum::<usize>();
    }
    bytes += writer.cut().iter().map(|file| file.bytes.len()).sum::<usize>();
    println!(
        "ledger of {entries} entries: {:.1} s, {} MiB of tiles written, resident memory +{} KiB",
        start.elapsed().as_secs_f64(),
        bytes >> 20,
        resident().saturating_sub(before)
    );
}

/// KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn number_of(count: u64) -> f64 {
    count as f64
}
