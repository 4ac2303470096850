//! One changed key among a million: the next Snapshot, against the Snapshot made anew.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and ends when it cannot run"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use cordon_core::{
    ApiKey, Digest, Fact, KeyId, Name, State, Timestamp,
    fact::{Actor, Body},
};
use cordon_policy::Snapshot;

fn main() {
    let keys: u64 = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    let name = Name::parse("app").expect("a name");
    let fact = |body| Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body };
    let mut state = State::new();
    for n in 0..keys {
        let key = ApiKey {
            id: KeyId::from_bytes(n.to_be_bytes()),
            principal: name.clone(),
            routes: vec![name.clone()],
            secret: Digest::from_bytes([7; 32]),
            created: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(1),
            revoked: None,
            replaces: None,
        };
        state.apply(&fact(Body::KeyIssued(key)));
    }
    let begun = Instant::now();
    let mut snapshot = Snapshot::compile(&state);
    let full = begun.elapsed();
    let mut times: Vec<Duration> = Vec::new();
    for step in 0..1000_u64 {
        let id = KeyId::from_bytes((step * 7919 % keys.max(1)).to_be_bytes());
        let begun = Instant::now();
        let touched = state.apply(&fact(Body::KeyRevoked(id, None)));
        let next = snapshot.advance(&state, &touched);
        times.push(begun.elapsed());
        snapshot = black_box(next);
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{keys} keys: the whole Snapshot {full:.1?}; one changed key, fact applied and Snapshot advanced:"
    );
    println!(
        "p50 {:.1?}, p99 {:.1?}, most {:.1?}",
        at(50),
        at(99),
        times.last().copied().unwrap_or_default()
    );
}
