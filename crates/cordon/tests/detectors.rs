//! A whole node with a detector that is asked over HTTP: requests, answers, streams, and what happens when it says nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;
#[cfg(feature = "deep")]
#[path = "../../cordon-deep/tests/support/weights.rs"]
mod weights;

use cordon_core::{
    Action, RefusalCode,
    containment::{InFlight, Subject},
    fact::Actor,
    record::Outcome,
};
use cordon_guard::remote::DetectorState;
use cordon_testkit::{FakeUpstream, Gate, Request, Script};
use serde_json::{Value, json};
use support::{World, chat};

fn text_of(request: &Request) -> String {
    request.json()["text"].as_str().unwrap().to_owned()
}

fn found(text: &str) -> Script {
    let findings: Vec<Value> = text
        .match_indices("fool")
        .map(|(at, word)| json!({"category": "insult", "score": 0.9, "start": at, "end": at + word.len()}))
        .collect();
    Script::json(200, &json!({"findings": findings}))
}

/// The text of the self-test.
const TEST: &str = "fool";

/// A node whose guard does this about insults, which a detector finds; with more of its spec.
async fn world(upstream: &FakeUpstream, detector: &FakeUpstream, action: &str, more: &str) -> World {
    let extra = format!(
        r#"
---
{{apiVersion: cordon/v1, kind: Guard, name: g, spec: {{scope: organisation, rules: [
  {{category: toxicity, action: {action}}}, {{category: pii/email, action: redact}}]}}}}
---
{{apiVersion: cordon/v1, kind: Detector, name: insults, spec: {{adapter: cordon, base_url: "{}", private_network: true,
  categories: {{insult: toxicity/insult}}, self_test: {{text: {TEST}, category: toxicity}}, deadline: 5s{more}}}}}
"#,
        detector.base_url(),
    );
    World::with(&upstream.base_url(), "", &extra, |_| {}).await
}

fn state(world: &World) -> DetectorState {
    world.node.handles.gateway.detectors().remote_states().remove(0)
}

fn texts(detector: &FakeUpstream) -> Vec<String> {
    detector.requests().iter().map(text_of).filter(|text| text != TEST).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_are_cut_and_recorded() {
    let upstream = FakeUpstream::start([Script::says("No, you fool: write to ana@example.org")]).await;
    let detector = FakeUpstream::answering(|request| found(&text_of(request))).await;
    let world = world(&upstream, &detector, "redact", "").await;
    let reply = world.chat("You fool, I am bob@example.org").await;
    assert_eq!(reply.status, 200);
    let sent = upstream.last_request().json()["messages"][0]["content"].as_str().unwrap().to_owned();
    assert_eq!(sent, "You [INSULT], I am [EMAIL]");
    let said = reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(!said.contains("fool") && !said.contains("ana@"), "{said}");
    assert_eq!(
        texts(&detector),
        ["You fool, I am ***************", "No, you fool: write to ***************"],
        "and no word of the protocol"
    );
    assert_eq!(state(&world).counted.unwrap().answered, 2);
    let frames = world.frames().await;
    let (opened, closed) = (&frames.opened[0], frames.closed_of(reply.call()));
    for verdict in [&opened.input, &closed.output] {
        assert_eq!(verdict.action, Action::Redact);
        let insult = verdict.findings.iter().find(|finding| &*finding.detector == "insults").unwrap();
        assert_eq!((insult.category.as_str(), insult.detector_version), ("toxicity/insult", 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_held_until_its_end_was_asked_about() {
    let gate = Gate::new();
    let waits = Script::sse_head()
        .event(&json!({"id": "a", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Good "}}]}).to_string())
        .wait(&gate)
        .event(&json!({"id": "a", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "day."}, "finish_reason": "stop"}]}).to_string())
        .event("[DONE]")
        .end();
    let upstream = FakeUpstream::start([waits, Script::streams(["you fo", "ol"])]).await;
    let detector = FakeUpstream::answering(|request| found(&text_of(request))).await;
    let world = world(&upstream, &detector, "redact", "").await;
    let body;
    {
        let mut call = std::pin::pin!(world.send(world.request(chat("hi", true))));
        // The upstream has sent its first words, and waits; so does the caller, who has not even a head.
        tokio::select! {
            biased;
            _ = &mut call => panic!("something left before the end was asked about"),
            _ = upstream.until(|count| count.requests == 1) => {}
        }
        gate.open();
        body = call.await.text();
    }
    assert!(body.contains("Good ") && body.contains("day.") && body.ends_with("data: [DONE]\n\n"), "{body}");
    assert_eq!(texts(&detector), ["hi", "Good day."]);

    let reply = world.send(world.request(chat("hi", true))).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "content_blocked"));
    assert!(!reply.text().contains("you fo"), "nothing of it left");
    let frames = world.frames().await;
    let closed = frames.closed_of(reply.call());
    assert_eq!((closed.outcome, closed.output.action), (Outcome::Refused, Action::Block));
}

/// What the control API says of a text that somebody tries.
async fn tried(world: &World, body: &Value) -> Value {
    let token = std::fs::read_to_string(world.node.handles.settings.data.join("admin.token")).unwrap();
    let request = http::Request::post(format!("http://{}/api/v1/inspect", world.node.control))
        .header("authorization", format!("Bearer {}", token.trim()))
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(body.to_string().into()))
        .unwrap();
    let reply = world.send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn moderations_and_tried_texts_are_judged_with_it_as_calls_are() {
    let upstream = FakeUpstream::start([]).await;
    let detector = FakeUpstream::answering(|request| match text_of(request).as_str() {
        "Who knows?" => Script::json(500, &json!({})),
        text => found(text),
    })
    .await;
    let world = world(&upstream, &detector, "block", "").await;
    assert_eq!(world.chat("You fool").await.code(), "content_blocked");
    let moderated = async |body: Value| {
        let reply = world.send(world.post("/v1/moderations", body.to_string())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["results"].as_array().unwrap().clone()
    };
    for model in [None, Some("bot")] {
        let results = moderated(json!({"model": model, "input": ["You fool", "Hello"]})).await;
        assert_eq!(results[0]["flagged"], true, "{model:?}");
        assert_eq!(results[0]["categories"]["toxicity/insult"], true);
        assert_eq!((&results[1]["flagged"], results.len()), (&json!(false), 2));
    }
    let answer = tried(&world, &json!({"text": "You fool", "route": "bot"})).await;
    assert_eq!((&answer["action"], &answer["redacted"]), (&json!("block"), &json!("You [INSULT]")));
    assert_eq!(answer["findings"][0]["detector"], "insults");

    // It says nothing of this, as in a call.
    assert_eq!(world.chat("Who knows?").await.code(), "detector_unavailable");
    let results = moderated(json!({"model": "bot", "input": "Who knows?"})).await;
    assert_eq!(results[0]["flagged"], true);
    assert_eq!(results[0]["categories"]["uninspected/detector"], true);
    let answer = tried(&world, &json!({"text": "Who knows?", "route": "bot"})).await;
    assert_eq!((&answer["action"], &answer["redacted"]), (&json!("block"), &json!("Who knows?")));
    assert_eq!(answer["findings"][0]["category"], "uninspected/detector");
    assert_eq!(upstream.count().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_nothing_of_is_refused_or_goes_on_as_its_resource_says() {
    for (more, status) in [("", 503), (", when_unavailable: allow", 200)] {
        for stream in [false, true] {
            let upstream = FakeUpstream::answering(move |_| match stream {
                true => Script::streams(["ok"]),
                false => Script::says("ok"),
            })
            .await;
            // It answers about requests, and fails for answers.
            let detector = FakeUpstream::answering(|request| match text_of(request).as_str() {
                "ok" => Script::json(500, &json!({})),
                text => found(text),
            })
            .await;
            let world = world(&upstream, &detector, "flag", more).await;
            let reply = world.send(world.request(chat("hi", stream))).await;
            assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
            assert_eq!(state(&world).phase.map(|phase| phase.as_str()), Some("closed"));
            let frames = world.frames().await;
            let closed = frames.closed_of(reply.call());
            let finding = &closed.output.findings[0];
            assert_eq!((finding.category.as_str(), &*finding.detector), ("uninspected/detector", "insults"));
            if status == 503 {
                assert_eq!(reply.code(), "detector_unavailable");
                assert_eq!(closed.code, Some(RefusalCode::DetectorUnavailable));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_out_of_use_or_removed_is_not_asked() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let detector = FakeUpstream::answering(|_| Script::json(500, &json!({}))).await;
    let world = world(&upstream, &detector, "block", "").await;
    assert_eq!(world.chat("hi").await.status, 503);
    let subject = Subject::parse("detector/insults").unwrap();
    let quarantines = &world.node.handles.quarantines;
    let order = quarantines.order(subject, InFlight::Finish, "it fails".to_owned(), Actor::Local);
    assert!(order.await.unwrap().logged.is_ok());
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(texts(&detector), [""; 0]);
}

#[cfg(feature = "deep")]
#[tokio::test(flavor = "multi_thread")]
async fn a_model_from_a_folder_judges_texts_here() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let world = World::with(&upstream.base_url(), "", "", |_| {}).await;
    let declare = |version: u16| {
        format!(
            r#"
{{apiVersion: cordon/v1, kind: Guard, name: g, spec: {{scope: organisation, rules: [{{category: toxicity, at: 0.5, action: block}}]}}}}
---
{{apiVersion: cordon/v1, kind: Detector, name: deep, spec: {{adapter: model, folder: tiny, version: {version}, channels: [user],
  categories: {{SAFE: toxicity/insult}}, self_test: {{text: Hello world, category: toxicity}}, deadline: 20s}}}}
"#
        )
    };
    // Nothing lies in its folder yet.
    world.apply(&declare(1)).await;
    let reply = world.chat("Hello world").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "detector_unavailable"));

    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../cordon-deep/tests/golden/deberta");
    let folder = world.node.handles.settings.data.join("models/tiny");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(golden.join(file), folder.join(file)).unwrap();
    }
    let shapes = std::fs::read(golden.join("shapes.json")).unwrap();
    let weights = weights::safetensors(&serde_json::from_slice(&shapes).unwrap());
    std::fs::write(folder.join("model.safetensors"), weights).unwrap();
    world.apply(&declare(2)).await;
    let reply = world.chat("Hello world").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "content_blocked"));
    let state = state(&world);
    assert_eq!(state.adapter.map(|adapter| adapter.as_str()), Some("model"));
    assert!(state.tested.unwrap().failed.is_none());
    let frames = world.frames().await;
    let verdict = &frames.closed_of(reply.call()).output;
    let opened = frames.opened.iter().flat_map(|opened| &opened.input.findings);
    let found =
        opened.chain(&verdict.findings).find(|finding| finding.category.as_str() == "toxicity/insult");
    let found = found.expect("the model found nothing");
    assert_eq!((&*found.detector, found.detector_version), ("deep", 2));
    // What the library that trains such models says of this text.
    assert!((found.score.as_f64() - 0.6136).abs() < 1e-3, "{}", found.score);
}
