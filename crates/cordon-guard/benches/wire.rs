//! What content costs: `cargo bench -p cordon-guard --bench wire`. Microseconds of one core, the median of rounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "benchmark code"
)]

use std::{hint::black_box, sync::Arc, time::Instant};

use cordon_core::{
    CallId, HmacKey, State, Timestamp,
    json::{Limits, Value},
    resource::RefusalStyle,
};
use cordon_guard::{
    Inspection, Tokens, Verdict,
    openai::{Gate as _, Request, Response, StreamGate, StreamOptions},
};
use cordon_inspect::Engine;
use cordon_policy::{Caller, Snapshot};

const PROSE: &str = "The parcel left the warehouse on Tuesday and should reach you before the end of the week. If it does \
    not, write to us again and we will look for it together with the carrier; most delays come from holidays. ";

fn main() {
    let snapshot = Snapshot::compile(&State::new());
    let guard = Arc::new(snapshot.guard(Caller::nobody(), None));
    let engine = Engine::builtin();
    let inspection = Inspection::new(engine, guard, Timestamp::from_millis(0), HmacKey::from_bytes([1; 32]));
    let text = PROSE.repeat(8);

    let request = format!(
        r#"{{"model":"support-bot","temperature":0.7,"max_tokens":200,"messages":[{{"role":"system","content":"{}"}},{{"role":"user","content":"{}"}}]}}"#,
        text.split_at(300).0,
        text.split_at(560).0,
    );
    println!("request of {} bytes", request.len());
    let parse = |text: &str| Value::parse(text.as_bytes(), Limits::default()).unwrap();
    measure("  parse", 2000, || parse(&request));
    measure("  parse, read, inspect, write", 2000, || {
        let mut verdict = Verdict::default();
        let request = Request::read(parse(&request)).unwrap();
        request.inspect(&inspection, &mut verdict).unwrap().body("gpt-4o-mini")
    });

    let answer = format!(
        r#"{{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion","created":1763691234,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":210,"completion_tokens":110,"total_tokens":320}},"service_tier":"default","system_fingerprint":"fp_a1b2c3d4e5"}}"#,
        text.split_at(500).0,
    );
    println!("answer of {} bytes", answer.len());
    measure("  parse", 2000, || parse(&answer));
    measure("  parse, read, inspect, write", 2000, || {
        let mut verdict = Verdict::default();
        let response = Response::read(parse(&answer)).unwrap();
        response.inspect(&inspection, &Tokens::default(), "support-bot", &mut verdict).unwrap()
    });

    let options = StreamOptions {
        call: CallId::new(Timestamp::from_millis(1), [3; 10]),
        route: "support-bot".to_owned(),
        include_usage: false,
        refusal: RefusalStyle::Error,
        max_bytes: 64 << 20,
    };
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let chunks: Vec<String> = words
        .iter()
        .cycle()
        .take(500)
        .map(|word| {
            format!(
                r#"{{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1763691234,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_a1b2c3d4e5","choices":[{{"index":0,"delta":{{"content":"{word}"}},"logprobs":null,"finish_reason":null}}]}}"#
            )
        })
        .collect();
    println!("streamed chunks of {} bytes, 500 in a stream, each", chunks[0].len());
    measure_each("  parse", 20, chunks.len(), || {
        chunks.iter().for_each(|chunk| {
            black_box(parse(chunk));
        });
    });
    measure_each("  parse, inspect, write", 20, chunks.len(), || {
        let mut gate = StreamGate::new(inspection.clone(), Tokens::default(), options.clone());
        let mut out = Vec::new();
        for chunk in &chunks {
            gate.event(chunk, &mut out).unwrap();
            out.clear();
        }
    });
}

fn measure<T>(name: &str, times: usize, mut run: impl FnMut() -> T) {
    measure_each(name, 15, times, || {
        for _ in 0..times {
            black_box(run());
        }
    });
}

fn measure_each(name: &str, rounds: usize, per_round: usize, mut run: impl FnMut()) {
    run();
    let mut took: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6 / per_round as f64
        })
        .collect();
    took.sort_by(f64::total_cmp);
    println!("{name:<32} {:>8.2} µs (least {:.2})", took[rounds / 2], took[0]);
}
