//! What triggers look at of a record: which models a call went to, which of them are to blame, and for how much of its time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use cordon_core::record::{Closed, Opened};
use cordon_watch::{End, Ended};
use serde_json::{Value, json};

const CALL: &str = "00000000-0001-7303-8303-030303030303";

fn opened() -> Opened {
    let verdict = json!({"action": "allow", "would": "allow"});
    serde_json::from_value(json!({
        "build": "1", "call": CALL, "input": verdict, "key": "0000000000000000", "operation": "chat", "position": 3,
        "principal": "p", "request_bytes": 2, "rules": "00".repeat(32), "stream": false, "team": "t",
        "time": "1970-01-01T00:00:00.004Z", "route": "bot", "model": "first", "service": "one",
    }))
    .unwrap()
}

/// The end of a call that took nine seconds, with these members too.
fn closed(more: &Value) -> Closed {
    let mut all = json!({
        "call": CALL, "outcome": "released", "status": 200, "response_bytes": 0, "time": "1970-01-01T00:00:09Z",
        "output": {"action": "allow", "would": "allow"},
        "timings": {"admit": 0, "inspect_input": 0, "inspect_output": 0, "receive": 0, "record": 0,
            "total": 9_000_000, "upstream": 0, "upstream_first_byte": 700},
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn attempt(model: &str, outcome: &str, began: u64, took: u64) -> Value {
    json!({"model": model, "service": "one", "outcome": outcome, "began": began, "took": took})
}

/// Each model that a call was sent to: its name, whether it failed, its time, and its time to the first byte.
fn tries(more: &Value) -> Vec<(String, bool, u64, Option<u64>)> {
    let ended = Ended::of(&opened(), &closed(more));
    let all = ended.tries.into_iter();
    all.map(|tried| (tried.model.to_string(), tried.failed, tried.total, tried.first_byte)).collect()
}

fn tried(model: &str, failed: bool, total: u64, first_byte: Option<u64>) -> (String, bool, u64, Option<u64>) {
    (model.to_owned(), failed, total, first_byte)
}

#[test]
fn the_only_model_has_all_of_the_call() {
    assert_eq!(tries(&json!({})), [tried("first", false, 9_000_000, Some(700))]);
    let failed = json!({"outcome": "upstream_failed", "status": 502, "code": "upstream_failed"});
    assert_eq!(tries(&failed), [tried("first", true, 9_000_000, Some(700))]);
}

#[test]
fn each_model_has_its_own_time_and_its_own_failure() {
    let second = || attempt("second", "answered", 8_000_000, 40_000);
    for (outcome, failed, first_byte) in [
        ("timeout", true, None),
        ("broken", true, None),
        ("unsent", true, None),
        ("failed", true, Some(7_900_000)),
        ("unsure", false, Some(7_900_000)),
    ] {
        let attempts = json!({"attempts": [attempt("first", outcome, 10, 7_900_000), second()]});
        let expected =
            [tried("first", failed, 7_900_000, first_byte), tried("second", false, 1_000_000, Some(700))];
        assert_eq!(tries(&attempts), expected, "{outcome}");
    }
}

#[test]
fn who_was_not_asked_or_was_given_too_little_time_is_not_to_blame() {
    for outcome in ["not_asked", "unready", "cut_short", "open", "passed_over", "quarantined"] {
        let attempts = json!({"attempts": [
            attempt("first", outcome, 10, 5), attempt("second", "answered", 8_000_000, 40_000),
        ]});
        assert_eq!(tries(&attempts), [tried("second", false, 1_000_000, Some(700))], "{outcome}");
        // Nor where nobody else is left: the call has failed, and no model has.
        let alone = json!({
            "outcome": "upstream_failed", "status": 502, "code": "upstream_unavailable",
            "attempts": [attempt("first", outcome, 10, 5)],
        });
        assert_eq!(tries(&alone), [], "{outcome}");
        assert_eq!(Ended::of(&opened(), &closed(&alone)).end, End::Failed, "{outcome}");
    }
}
