//! What it costs to keep the content of a call: sealing alone, and with both files durable.
//!
//! `cargo bench -p cordon-store --bench content [-- CALLS]` (20,000 calls unless said otherwise; one object of 1,024 bytes
//! each) prints nanoseconds a call without a database, and calls a second and CPU time a call in batches of several sizes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::{
    cell::RefCell,
    fs::File,
    hint::black_box,
    io::Read as _,
    time::{Duration, Instant},
};

use cordon_core::{CallId, Digest, DurationMs, Name, Timestamp};
use cordon_store::content::{
    Bounds, Captured, ContentStore, Files, MasterKey, Scope, Secret, StoreId,
    envelope::{CallContext, DataKey, ObjectContext, TeamKey},
};

const START: i64 = 1_790_000_000_000;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn call(number: u64) -> CallId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    CallId::new(Timestamp::from_millis(START + i64::try_from(number / 1000).unwrap()), random)
}

thread_local! {
    static SOURCE: RefCell<File> = RefCell::new(File::open("/dev/urandom").unwrap());
}

/// The operating system's randomness: one system call each time.
fn random(bytes: &mut [u8]) {
    SOURCE.with_borrow_mut(|source| source.read_exact(bytes).unwrap());
}

/// Nanoseconds for each of so many rounds: the best of five.
fn nanoseconds(rounds: u32, mut work: impl FnMut()) -> f64 {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                work();
            }
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    best.as_secs_f64() * 1e9 / f64::from(rounds)
}

fn sealing(rounds: u32) {
    let (store, team, object) = (StoreId::from_bytes([1; 16]), name("support"), name("request"));
    let (route, subject) = (name("support-bot"), Digest::sha256(b"somebody"));
    let time = Timestamp::from_millis(START);
    let call_context = |call| CallContext {
        store: &store,
        call,
        team: &team,
        generation: 1,
        subject: Some(&subject),
        route: Some(&route),
        created: time,
        expires: time,
    };
    let object_context = |call| ObjectContext {
        store: &store,
        call,
        team: &team,
        generation: 1,
        object: &object,
        stored: time,
    };
    let team_key = TeamKey::new(Secret::new([7; 32])).unwrap();
    let content = vec![b'x'; 1024];
    let mut number = 0_u64;
    let mut drawn = [0_u8; 2048];
    let whole = nanoseconds(rounds, || {
        // As `put` draws: 56 bytes a call, 2,048 at a time.
        if number.is_multiple_of(2048 / 56) {
            random(&mut drawn);
        }
        let at = usize::try_from(number % (2048 / 56)).unwrap() * 56;
        let take = |from: usize, length: usize| &drawn[at + from..at + from + length];
        let call = call(number);
        let key = DataKey::new(Secret::new(take(0, 32).try_into().unwrap()));
        let wrapped = team_key.wrap(&key, &call_context(call), take(32, 12).try_into().unwrap()).unwrap();
        let sealed = key.seal(&content, &object_context(call), take(44, 12).try_into().unwrap()).unwrap();
        black_box((wrapped, sealed));
        number += 1;
    });
    let key = DataKey::new(Secret::new([5; 32]));
    let wrap = nanoseconds(rounds, || {
        black_box(team_key.wrap(&key, &call_context(call(1)), [3; 12]).unwrap());
    });
    let seal = nanoseconds(rounds, || {
        black_box(key.seal(&content, &object_context(call(1)), [3; 12]).unwrap());
    });
    let sealed = key.seal(&content, &object_context(call(1)), [3; 12]).unwrap();
    let open = nanoseconds(rounds, || {
        black_box(key.open(&sealed, &object_context(call(1))).unwrap());
    });
    println!("1 KiB without a database: randomness, wrap and seal {whole:.0} ns a call");
    println!("  wrap a data key {wrap:.0} ns, seal an object {seal:.0} ns, open it {open:.0} ns");
}

/// CPU time of this process, from `/proc/self/stat`, in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn captured(number: u64) -> Captured {
    let time = Timestamp::from_millis(START);
    Captured {
        call: call(number),
        team: name("support"),
        subject: Some(Digest::sha256(&(number % 1000).to_be_bytes())),
        route: Some(name("support-bot")),
        time,
        expires: time.plus(DurationMs::from_secs(86_400)),
        objects: vec![(name("request"), vec![b'x'; 1024])],
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
async fn putting(calls: u64) {
    for size in [1, 16, 64, 256, 1024] {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { keys: folder.path().join("keys.db"), content: folder.path().join("content.db") };
        let store = ContentStore::open(&files, Bounds::default(), random).await.unwrap();
        let store = store.unlock(MasterKey::new(Secret::new([9; 32]))).await.unwrap();
        // Each commit takes two syncs: small batches of fewer calls tell as much.
        let calls = calls.min(size * 200);
        let batches: Vec<Vec<Captured>> = (0..calls / size)
            .map(|batch| (batch * size..(batch + 1) * size).map(captured).collect())
            .collect();
        let (start, cpu_start) = (Instant::now(), cpu());
        for batch in &batches {
            store.put(batch).await.unwrap();
        }
        let (elapsed, cpu_used) = (start.elapsed(), cpu().saturating_sub(cpu_start));
        let put = (batches.len() as u64 * size) as f64;
        println!(
            "batches of {size}: {:.0} calls/s, {:.1} µs CPU a call",
            put / elapsed.as_secs_f64(),
            cpu_used.as_secs_f64() * 1e6 / put,
        );
        if size == 1024 {
            let start = Instant::now();
            let page = store.store().erase(&Scope::Call(call(3)), None, Timestamp::from_millis(START)).await;
            assert_eq!(page.unwrap().calls.len(), 1);
            println!("erase one call: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
        }
    }
}

fn main() {
    let numbers = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    // `cargo test --benches` runs this too: a few calls show that it works.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let calls = numbers.unwrap_or(if measured { 20_000 } else { 1024 });
    sealing(if measured { 100_000 } else { 1000 });
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(putting(calls));
}
