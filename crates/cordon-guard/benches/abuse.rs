//! What it takes to see a call together with those before it: `cargo bench -p cordon-guard --bench abuse`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark: a broken expectation ends it")]

use std::{hint::black_box, time::Instant};

use cordon_core::{
    Name, Timestamp,
    json::{Limits, Value},
};
use cordon_guard::abuse::{Abuse, Turn};
use cordon_policy::{Caller, Snapshot};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 15;
const WORDS: &str =
    "Revenue grew by 12 percent in the third quarter, while costs for staff and rent stayed flat; ";

fn main() {
    let text: String = WORDS.repeat(12).chars().take(1_024).collect();
    let ordinary = |call: u32| text.chars().rev().collect::<String>() + &format!("{call} ").repeat(20);
    for (what, prompt) in [
        ("prompts that differ", Box::new(ordinary) as Box<dyn Fn(u32) -> String>),
        ("one prompt, again and again", Box::new(|_| text.clone())),
    ] {
        println!("{what}: {:.2} µs a call of 1 KiB, least of {ROUNDS} rounds", least(&prompt));
    }
}

fn least(prompt: &dyn Fn(u32) -> String) -> f64 {
    let principal = Name::parse("app").unwrap();
    let snapshot = Snapshot::compile(&cordon_core::State::default());
    let guard = snapshot.guard(Caller::nobody(), None);
    let requests: Vec<Value> = (0..256)
        .map(|call| {
            let content = serde_json::to_string(&prompt(call)).unwrap();
            let request = format!(r#"{{"messages":[{{"role":"user","content":{content}}}]}}"#);
            Value::parse(request.as_bytes(), Limits::default()).unwrap()
        })
        .collect();
    let abuse = Abuse::new([[7; 8]; 2]);
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for (call, request) in (0..CALLS).zip(requests.iter().cycle()) {
            let turn = Turn::of(request.as_object().unwrap());
            let now = Timestamp::from_millis(i64::from(call));
            black_box(abuse.see(&principal, &guard, &turn, now).unwrap());
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    least
}
