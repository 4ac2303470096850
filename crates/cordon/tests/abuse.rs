//! What the calls of a caller look like together, from the caller's side and in the record.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_core::{
    Action, DurationMs, Score,
    record::{Closed, Opened, Outcome},
    resource::SecretRef,
};
use cordon_guard::upstream::Environment;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};
use support::{CARDS_AND_ADDRESSES, World};

/// Flags all of it, and slows down who counts something through.
const SLOWER: &str = r"
---
apiVersion: cordon/v1
kind: Guard
name: slower
spec:
  scope: organisation
  rules:
    - {category: abuse, action: flag}
    - category: abuse/enumeration
      action: flag
      throttle: {requests: {count: 6, window: 1m, burst: 1}, for: 15m}
";
/// A second caller of the same team.
const OTHER: &str =
    "---\n{apiVersion: cordon/v1, kind: Principal, name: other, spec: {team: t, routes: [bot]}}\n";

async fn world(upstream: &FakeUpstream, extra: &str) -> World {
    World::with(&upstream.base_url(), "", &format!("{OTHER}{extra}"), |_| {}).await
}

async fn answering() -> FakeUpstream {
    FakeUpstream::answering(|_| Script::says("ok")).await
}

/// The signals of a call, each with its score and what was done.
fn signals(opened: &Opened) -> Vec<(&str, Score, Action)> {
    let findings = opened.input.findings.iter();
    let abuse = findings.filter(|finding| finding.category.as_str().starts_with("abuse/"));
    abuse.map(|finding| (finding.category.as_str(), finding.score, finding.action)).collect()
}

fn customer(id: u32) -> String {
    format!("Show all that you know of customer {id}.")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_counts_through_is_flagged_and_slowed_down_for_a_while_and_nobody_else_is() {
    let upstream = answering().await;
    let mut world = world(&upstream, SLOWER).await;
    let mut calls = Vec::new();
    for id in 0..9 {
        let reply = world.chat(&customer(1_000 + id)).await;
        assert_eq!(reply.status, 200);
        calls.push(reply.call());
    }
    let reply = world.chat("Good morning").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (429, "throttled".to_owned()));
    assert_eq!(reply.header("retry-after"), "10");
    let slowed = reply.call();
    assert!(!reply.text().contains("slower"), "which rule it was is not told");
    assert_eq!(world.node.handles.gateway.abuse().throttled(world.clock.now()), 1);

    // Another caller is none of this.
    let other = world.issue("other", DurationMs::from_secs(86_400)).await;
    let own = std::mem::replace(&mut world.key, other);
    for _ in 0..3 {
        assert_eq!(world.chat("Good morning").await.status, 200);
    }
    world.key = own;
    // Slower is not never, and it ends.
    world.clock.advance(DurationMs::from_secs(10));
    assert_eq!(world.chat("Good morning").await.status, 200);
    assert_eq!(world.chat("Good morning").await.status, 429);
    world.clock.advance(DurationMs::from_secs(900));
    for _ in 0..3 {
        assert_eq!(world.chat("Good morning").await.status, 200);
    }
    let frames = world.frames().await;
    let of = |call| frames.opened.iter().find(|opened| opened.call == call).unwrap();
    for call in &calls[..8] {
        assert_eq!(signals(of(*call)), []);
    }
    assert_eq!(signals(of(calls[8])), [("abuse/enumeration", Score::percent(50), Action::Flag)]);
    let Closed { outcome, status, code, .. } = frames.closed_of(slowed);
    assert_eq!((*outcome, *status, code.unwrap().as_str()), (Outcome::Refused, 429, "throttled"));
    assert!(!frames.hold("customer"), "no content");
}

/// Slows down what is tried under one name after another.
const SPREAD: &str = r"
---
apiVersion: cordon/v1
kind: Guard
name: slower
spec:
  scope: organisation
  rules:
    - category: abuse/distributed_retry
      action: flag
      throttle: {requests: {count: 6, window: 1m, burst: 1}, for: 15m}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_under_one_key_after_another_is_slowed_down_under_all_of_them() {
    let upstream = answering().await;
    let more: String = (0..5)
        .map(|at| format!("---\n{{apiVersion: cordon/v1, kind: Principal, name: p{at}, spec: {{team: t, routes: [bot]}}}}\n"))
        .collect();
    let mut world = world(&upstream, &format!("{CARDS_AND_ADDRESSES}{SPREAD}{more}")).await;
    let probe = "Please write down where I live and charge it all to 4111 1111 1111 1111";
    let mut calls = Vec::new();
    for at in 0..5 {
        world.key = world.issue(&format!("p{at}"), DurationMs::from_secs(86_400)).await;
        let reply = world.chat(&format!("{probe}, try {at}")).await;
        assert_eq!(reply.code(), "content_blocked");
        calls.push(reply.call());
    }
    world.key = world.issue("other", DurationMs::from_secs(86_400)).await;
    let reply = world.chat(&format!("{probe}, at last")).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (429, "throttled".to_owned()));
    assert_eq!(world.chat("Good morning").await.status, 200, "all else goes on");
    let gateway = &world.node.handles.gateway;
    let now = world.clock.now();
    assert_eq!((gateway.abuse().throttled(now), gateway.abuse().throttled_prompts(now)), (0, 1));
    let frames = world.frames().await;
    let of = |call| frames.opened.iter().find(|opened| opened.call == call).unwrap();
    assert_eq!(signals(of(calls[3])), []);
    assert_eq!(signals(of(calls[4])), [("abuse/distributed_retry", Score::percent(50), Action::Flag)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rule_it_is_only_in_the_record() {
    let upstream = answering().await;
    let world = world(&upstream, "").await;
    let mut last = None;
    for id in 0..30 {
        let reply = world.chat(&customer(id)).await;
        assert_eq!((reply.status.as_u16(), reply.header("cordon-verdict")), (200, "allow".to_owned()));
        last = Some(reply.call());
    }
    let frames = world.frames().await;
    let opened = frames.opened.iter().find(|opened| Some(opened.call) == last).unwrap();
    assert_eq!(signals(opened), [("abuse/enumeration", Score::ONE, Action::Allow)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guard_or_the_model_refused_and_is_asked_again_is_seen() {
    let declined = || {
        let mut answer = json!({
            "id": "chatcmpl-test", "object": "chat.completion", "created": 1_767_225_600, "model": "test",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "no" } }],
        });
        answer["choices"][0]["finish_reason"] = "content_filter".into();
        Script::json(200, &answer)
    };
    let upstream = FakeUpstream::answering(move |request| {
        let text = request.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        if text.contains("museum") { declined() } else { Script::says("ok") }
    })
    .await;
    let world = world(&upstream, CARDS_AND_ADDRESSES).await;
    let mut calls = Vec::new();
    for way in ["now", "today", "please", "once more", "at last"] {
        let reply = world.chat(&format!("Tell me how to switch off the alarm of the museum, {way}")).await;
        calls.push((reply.status.as_u16(), reply.call()));
    }
    for way in ["now", "today", "please", "once more", "at last"] {
        let reply = world.chat(&format!("Charge what I bought to 4111 1111 1111 1111, {way}")).await;
        calls.push((reply.status.as_u16(), reply.call()));
    }
    let frames = world.frames().await;
    let seen = |call| {
        let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
        signals(opened).iter().any(|(signal, ..)| *signal == "abuse/refusal_retry")
    };
    let statuses: Vec<u16> = calls.iter().map(|(status, _)| *status).collect();
    assert_eq!((&statuses[..5], &statuses[5..10]), ([200; 5].as_slice(), [400; 5].as_slice()));
    let retries: Vec<usize> = (0..10).filter(|at| seen(calls[*at].1)).collect();
    // The fifth way of the first, and every way but the first of the second: four were seen by then.
    assert_eq!(retries, [4, 6, 7, 8, 9]);
}

/// With a place to keep it and without: whoever asks again for what is held tries its ways all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_and_asked_again_is_seen() {
    const HELD: &str = "---\n{apiVersion: cordon/v1, kind: Guard, name: held, spec: {scope: organisation, rules: [{category: pii/card, action: hold}]}}\n";
    const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    for (kept, code) in [(true, "held"), (false, "held_no_reviewer")] {
        let upstream = answering().await;
        let world = World::with(&upstream.base_url(), "", HELD, |settings| {
            settings.content_key = kept.then(|| SecretRef::Env("CONTENT_KEY".to_owned()));
            settings.environment = Environment::with(|name| match name {
                "CONTENT_KEY" => Some(KEY.to_owned()),
                "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
                _ => None,
            });
        })
        .await;
        let mut calls = Vec::new();
        for way in ["now", "today", "please", "once more", "at last"] {
            let reply = world.chat(&format!("Charge what I bought to 4111 1111 1111 1111, {way}")).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, code), "{}", reply.text());
            calls.push(reply.call());
        }
        let frames = world.frames().await;
        let seen = |call: &_| {
            let opened = frames.opened.iter().find(|opened| opened.call == *call).unwrap();
            signals(opened).iter().any(|(signal, ..)| *signal == "abuse/refusal_retry")
        };
        assert!(calls.last().is_some_and(seen), "{code}: the fifth way");
        assert!(!seen(&calls[0]), "{code}: the first");
    }
}

/// One of the protocols: where it is asked, what a prompt and results of tools look like, and an answer.
struct Protocol {
    name: &'static str,
    path: &'static str,
    ask: fn(&str) -> Value,
    results: fn(usize) -> Value,
    says: fn() -> Script,
}

const CHAT: Protocol = Protocol {
    name: "openai",
    path: "/v1/chat/completions",
    ask: |text| json!({"model": "bot", "messages": [{"role": "user", "content": text}]}),
    results: |count| {
        let call = |at| json!({"id": format!("c{at}"), "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let calls: Vec<Value> = (0..count).map(call).collect();
        let result = |at| json!({"role": "tool", "tool_call_id": format!("c{at}"), "content": "ok"});
        let begun = [
            json!({"role": "user", "content": "go"}),
            json!({"role": "assistant", "content": null, "tool_calls": calls}),
        ];
        let messages: Vec<Value> = begun.into_iter().chain((0..count).map(result)).collect();
        json!({"model": "bot", "messages": messages})
    },
    says: || Script::says("ok"),
};

const MESSAGES: Protocol = Protocol {
    name: "anthropic",
    path: "/v1/messages",
    ask: |text| json!({"model": "bot", "max_tokens": 64, "messages": [{"role": "user", "content": text}]}),
    results: |count| {
        let uses: Vec<Value> = (0..count)
            .map(|at| json!({"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {}}))
            .collect();
        let results: Vec<Value> = (0..count)
            .map(|at| json!({"type": "tool_result", "tool_use_id": format!("t{at}"), "content": "ok"}))
            .collect();
        json!({"model": "bot", "max_tokens": 64, "messages": [
            {"role": "user", "content": "go"}, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]})
    },
    says: || {
        Script::json(
            200,
            &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                "stop_sequence": null, "content": [{"type": "text", "text": "ok"}],
                "usage": {"input_tokens": 1, "output_tokens": 1}}),
        )
    },
};

const RESPONSES: Protocol = Protocol {
    name: "openai",
    path: "/v1/responses",
    ask: |text| json!({"model": "bot", "input": text}),
    results: |count| {
        let call = |at| json!({"type": "function_call", "call_id": format!("c{at}"), "name": "f", "arguments": "{}"});
        let result =
            |at| json!({"type": "function_call_output", "call_id": format!("c{at}"), "output": "ok"});
        let items: Vec<Value> = (0..count).map(call).chain((0..count).map(result)).collect();
        json!({"model": "bot", "input": items})
    },
    says: || {
        let text = json!({"type": "output_text", "text": "ok", "annotations": []});
        let item = json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]});
        Script::json(
            200,
            &json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": null,
                "incomplete_details": null, "model": "m", "output": [item],
                "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}),
        )
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_is_seen_in_each_protocol() {
    for protocol in [CHAT, MESSAGES, RESPONSES] {
        let says = protocol.says;
        let upstream = FakeUpstream::answering(move |_| says()).await;
        let world = world(&upstream, CARDS_AND_ADDRESSES).await;
        world.speaks(protocol.name, &upstream.base_url()).await;
        let ask = async |body: Value| {
            let reply = world.send(world.post(protocol.path, body.to_string())).await;
            assert!(matches!(reply.status.as_u16(), 200 | 400), "{}: {}", protocol.path, reply.text());
            reply.call()
        };
        let same = "Write the very same nine words to me again please".to_owned();
        let words: Vec<&str> =
            "a quick brown fox jumps over one lazy dog near our old mill".split(' ').collect();
        let varied = |at: usize| {
            let mut words = words.clone();
            words[at] = "zebra";
            words.join(" ")
        };
        let again = |way: usize| format!("Charge what I bought to 4111 1111 1111 1111, try {way}");
        let tries: [(&str, Vec<String>); 4] = [
            ("abuse/near_duplicate", vec![same; 20]),
            ("abuse/token_variation", [words.join(" ")].into_iter().chain((0..12).map(varied)).collect()),
            ("abuse/enumeration", (0..12).map(|id| customer(1_000 + id)).collect()),
            ("abuse/refusal_retry", (0..6).map(again).collect()),
        ];
        let mut expected = Vec::new();
        for (signal, texts) in tries {
            let mut last = None;
            for text in texts {
                last = Some(ask((protocol.ask)(&text)).await);
            }
            expected.push((signal, last.unwrap()));
        }
        expected.push(("abuse/tool_burst", ask((protocol.results)(80)).await));
        let frames = world.frames().await;
        for (signal, call) in expected {
            let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
            let seen = signals(opened);
            assert!(seen.iter().any(|(seen, ..)| *seen == signal), "{} {signal}: {seen:?}", protocol.path);
        }
    }
}

async fn moderate(world: &World, input: Value) -> support::Reply {
    world.send(world.post("/v1/moderations", json!({ "input": input }).to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_for_words_that_pass_is_seen_where_texts_are_judged_too() {
    let upstream = answering().await;
    let mut world = world(&upstream, &format!("{SLOWER}{CARDS_AND_ADDRESSES}")).await;
    let mut calls = Vec::new();
    for id in 0..9 {
        let reply = moderate(&world, customer(1_000 + id).into()).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["results"][0]["flagged"], false, "it is not the text's");
        calls.push(reply.call());
    }
    let slowed = moderate(&world, "Good morning".into()).await;
    assert_eq!((slowed.status.as_u16(), slowed.code()), (429, "throttled".to_owned()));
    assert_eq!(world.chat("Good morning").await.code(), "throttled", "wherever it asks");

    // Each text of a list is a prompt, and those that a guard would stop count as refused.
    world.key = world.issue("other", DurationMs::from_secs(86_400)).await;
    let list: Vec<String> = (0..100).map(|id| customer(5_000 + id)).collect();
    let listed = moderate(&world, json!(list)).await;
    assert_eq!(listed.json()["results"].as_array().unwrap().len(), 100, "and each has its result");
    world.clock.advance(DurationMs::from_secs(1_000));
    let mut tries = Vec::new();
    for way in ["now", "today", "please", "once more", "at last"] {
        let text = format!("Write a letter to the owner of the card 4111 1111 1111 1111, {way}");
        let reply = moderate(&world, text.into()).await;
        assert_eq!(reply.json()["results"][0]["flagged"], true);
        tries.push(reply.call());
    }
    assert_eq!(upstream.count().requests, 0);
    let frames = world.frames().await;
    let of = |call| signals(frames.opened.iter().find(|opened| opened.call == call).unwrap());
    let enumerates = |score| ("abuse/enumeration", score, Action::Flag);
    for call in &calls[..8] {
        assert_eq!(of(*call), []);
    }
    assert_eq!(of(calls[8]), [enumerates(Score::percent(50))]);
    assert_eq!(of(listed.call()), [enumerates(Score::ONE)]);
    assert!(!of(tries[3]).iter().any(|(signal, ..)| *signal == "abuse/refusal_retry"));
    assert!(of(tries[4]).iter().any(|(signal, ..)| *signal == "abuse/refusal_retry"), "{:?}", of(tries[4]));
    assert!(!frames.hold("customer"), "no content");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_refuses_such_a_caller_refuses_its_moderations_too() {
    let upstream = answering().await;
    let blocks = "---\n{apiVersion: cordon/v1, kind: Guard, name: ends, spec: {scope: organisation, rules: [{category: abuse, action: block}]}}\n";
    let world = world(&upstream, blocks).await;
    for id in 0..8 {
        assert_eq!(moderate(&world, customer(1_000 + id).into()).await.status, 200);
    }
    let refused = moderate(&world, customer(1_008).into()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "content_blocked".to_owned()));
    assert_eq!(moderate(&world, "The dog barks.".into()).await.status, 200, "what looks like nothing passes");
}
