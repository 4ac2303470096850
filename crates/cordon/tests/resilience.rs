//! A whole node whose upstreams fail: who answers instead, what is tried again, what is left alone, and what is recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::time::Duration;

use cordon_core::{
    Money, RefusalCode,
    containment::{InFlight, Subject},
    fact::Actor,
    record::{Attempt, AttemptOutcome, Outcome},
    resource::{Priority, RouteMode},
};
use cordon_guard::resilience::breaker::Phase;
use cordon_testkit::{FakeUpstream, Gate, Script, closed_port};
use support::{Frames, Reply, World, chat};

/// Two services, `first` and `second`, with a model each, and the route `bot` to the first.
struct Pair {
    world: World,
    first: FakeUpstream,
    second: FakeUpstream,
}

fn service(name: &str, base_url: &str, breaker: &str) -> String {
    format!(
        r#"---
{{apiVersion: cordon/v1, kind: Service, name: {name}, spec: {{protocol: openai, base_url: "{base_url}",
  private_network: true, timeouts: {{connect: 1s, first_byte: 2s, idle: 1s, total: 8s}}, breaker: {{{breaker}}}}}}}
---
{{apiVersion: cordon/v1, kind: Model, name: {name}, spec: {{service: {name}, upstream_name: {name}-model,
  prices: [{{from: "2026-01-01T00:00:00Z", currency: USD, input: "1", output: "2"}}]}}}}
"#
    )
}

fn route(spec: &str) -> String {
    format!("---\n{{apiVersion: cordon/v1, kind: Route, name: bot, spec: {{team: t, system: s, {spec}}}}}\n")
}

/// The route goes to `first` and falls back to `second`.
const CHAIN: &str = "targets: [{model: first}], fallback: [second], retry: {backoff: 1ms}";

impl Pair {
    async fn new(
        first: impl IntoIterator<Item = Script>,
        second: impl IntoIterator<Item = Script>,
        spec: &str,
        breaker: &str,
    ) -> Self {
        let first = FakeUpstream::start(first).await;
        let second = FakeUpstream::start(second).await;
        let world = World::new(&first.base_url()).await;
        let services =
            service("first", &first.base_url(), breaker) + &service("second", &second.base_url(), "");
        world.apply(&(services + &route(spec))).await;
        Self { world, first, second }
    }

    /// Requests that each upstream has seen.
    fn asked(&self) -> (usize, usize) {
        (self.first.count().requests, self.second.count().requests)
    }
}

fn says(count: usize) -> Vec<Script> {
    (0..count).map(|_| Script::says("ok")).collect()
}

fn fails(status: u16, headers: &[(&str, &str)], count: usize) -> Vec<Script> {
    let error = r#"{"error":{"message":"no","type":"server_error","param":null,"code":null}}"#;
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
    (0..count).map(|_| Script::answer(status, &headers, error)).collect()
}

/// Who answered, and why not the first.
fn by(reply: &Reply) -> (u16, String, String) {
    (reply.status.as_u16(), reply.header("cordon-model"), reply.header("cordon-fallback"))
}

fn answered(model: &str, fallback: &str) -> (u16, String, String) {
    (200, model.to_owned(), fallback.to_owned())
}

fn outcomes(attempts: &[Attempt]) -> Vec<(&str, AttemptOutcome, Option<u16>)> {
    attempts.iter().map(|attempt| (attempt.model.as_str(), attempt.outcome, attempt.status)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_its_first_byte_is_answered_by_the_fallback_and_charged_once() {
    let broken = || Script::new().close();
    let scripts: Vec<Script> = [fails(500, &[], 1), fails(502, &[], 1), fails(401, &[], 1), vec![broken()]]
        .into_iter()
        .flatten()
        .chain([Script::garbage()])
        .collect();
    let pair = Pair::new(scripts, says(5), CHAIN, "").await;
    let mut calls = Vec::new();
    for why in ["failed", "failed", "failed", "broken", "broken"] {
        let reply = pair.world.chat("hi").await;
        assert_eq!(by(&reply), answered("second", why));
        assert_eq!(pair.second.last_request().json()["model"], "second-model", "written for its target");
        calls.push(reply.call());
    }
    assert_eq!(pair.asked(), (5, 5));
    let frames = pair.world.frames().await;
    assert_eq!((frames.opened.len(), frames.closed.len()), (5, 5), "one record a call");
    let statuses = [Some(500), Some(502), Some(401), None, None];
    for (call, status) in calls.iter().zip(statuses) {
        let closed = frames.closed_of(*call);
        let failed = if status.is_some() { AttemptOutcome::Failed } else { AttemptOutcome::Broken };
        let expected = [("first", failed, status), ("second", AttemptOutcome::Answered, Some(200))];
        assert_eq!(outcomes(&closed.attempts), expected);
        assert_eq!((closed.outcome, closed.code), (Outcome::Released, None));
        let tokens = closed.tokens.unwrap();
        assert_eq!((tokens.input, tokens.output), (1, 1), "of the answer alone");
        assert_eq!(closed.cost.unwrap().amount, Money::from_nanos(3_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_charged_for_the_answer_and_stays_charged_for_what_may_have_worked() {
    let broken = || Script::new().close();
    let pair =
        Pair::new(fails(500, &[], 1).into_iter().chain([broken(), broken()]), says(2), CHAIN, "").await;
    pair.world
        .apply("{apiVersion: cordon/v1, kind: Limit, name: budget, spec: {applies_to: {route: bot}, money: {amount: \"1\", currency: USD, window: 30d}}}")
        .await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(pair.world.chat("hi").await);
    }
    let frames = pair.world.frames().await;
    let nanos = |amount: u64| Money::from_nanos(amount);
    let charged: Vec<_> = calls
        .iter()
        .map(|reply| frames.closed_of(reply.call()).charged.clone().unwrap())
        .map(|charged| (charged.as_reserved, charged.spend.cost.unwrap().amount))
        .collect();
    assert_eq!(calls.iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>(), [200, 200, 500]);
    assert_eq!(charged[0], (false, nanos(3_000)), "an error costs nothing");
    // What the first was asked for at most is kept, beside what the second used, or beside nothing.
    let reserved = charged[2].1;
    assert!(reserved > nanos(3_000), "{reserved:?}");
    assert_eq!(charged[1], (true, reserved.plus(nanos(3_000))), "a part of it is what was reserved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_asked_costs_no_attempt_and_no_request_and_is_written_down() {
    let spec = "targets: [{model: first}], fallback: [second], retry: {attempts: 1}";
    let limit = "---
{apiVersion: cordon/v1, kind: Limit, name: rate, spec: {applies_to: {model: first}, requests: {count: 1, window: 1d}}}
";
    let pair = Pair::new(says(1), says(3), spec, "").await;
    pair.world.apply(limit).await;
    // One that speaks another protocol, which cannot say this request.
    let speaks = |protocol: &str| service("first", &pair.first.base_url(), "").replace("openai", protocol);
    pair.world.apply(&speaks("anthropic")).await;
    let mut body: serde_json::Value = serde_json::from_str(&chat("hi", false)).unwrap();
    body["n"] = 2.into();
    let untranslatable = pair.world.send(pair.world.request(body.to_string())).await;
    assert_eq!(by(&untranslatable), answered("second", "not_asked"));
    // Its limit has not counted that.
    pair.world.apply(&speaks("openai")).await;
    assert_eq!(by(&pair.world.chat("hi").await), answered("first", ""));
    let full = pair.world.chat("hi").await;
    assert_eq!(by(&full), answered("second", "not_asked"));
    let frames = pair.world.frames().await;
    let expected =
        [("first", AttemptOutcome::NotAsked, None), ("second", AttemptOutcome::Answered, Some(200))];
    for call in [untranslatable.call(), full.call()] {
        assert_eq!(outcomes(&frames.closed_of(call).attempts), expected);
        let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
        assert_eq!(opened.model.as_ref().unwrap().as_str(), "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_only_to_services_that_bear_its_class() {
    let pair = Pair::new(says(2), says(3), CHAIN, "").await;
    let bears = |name: &str, url: &str, most: &str| {
        let most = format!("private_network: true, max_sensitivity: {most}");
        service(name, url, "").replace("private_network: true", &most)
    };
    let guard = "---
{apiVersion: cordon/v1, kind: Guard, name: lax, spec: {scope: organisation, rules: [{category: pii, action: flag}]}}
";
    pair.world.apply(&(bears("first", &pair.first.base_url(), "unclassified") + guard)).await;
    assert_eq!(by(&pair.world.chat("hi").await), answered("first", ""));
    let mail = "Write to ana@corp.io";
    assert_eq!(by(&pair.world.chat(mail).await), answered("second", "not_asked"));
    pair.world.apply(&bears("second", &pair.second.base_url(), "confidential")).await;
    assert_eq!(by(&pair.world.chat(mail).await), answered("second", "not_asked"));
    let card = pair.world.chat("card 4012 0000 3333 0026").await;
    assert_eq!((card.status.as_u16(), pair.asked()), (403, (1, 2)), "nobody is sent it");
    // Who is sent a call is sent what stands in its tools.
    let mut body: serde_json::Value = serde_json::from_str(&chat("hi", false)).unwrap();
    body["tools"] = serde_json::json!([
        {"type": "function", "function": {"name": "mail", "description": "Writes to ana@corp.io"}}
    ]);
    let defined = pair.world.send(pair.world.request(body.to_string())).await;
    assert_eq!(by(&defined), answered("second", "not_asked"));
    // What is redacted is not sent.
    pair.world.apply(&guard.replace("flag", "redact")).await;
    pair.world.apply(&bears("second", &pair.second.base_url(), "unclassified")).await;
    assert_eq!(by(&pair.world.chat("card 4012 0000 3333 0026").await), answered("first", ""));
    let frames = pair.world.frames().await;
    let closed = frames.closed_of(card.call());
    assert_eq!(closed.code, Some(RefusalCode::SensitivityExceeded));
    let not_asked = |model| (model, AttemptOutcome::NotAsked, None);
    assert_eq!(outcomes(&closed.attempts), [not_asked("first"), not_asked("second")]);
    let labels = |call| {
        let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
        opened.taint.labels.iter().map(|label| label.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((labels(card.call()), labels(defined.call())), (vec!["pii/card".to_owned()], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_is_what_callers_read_of_whichever_comes_first() {
    let (mail, guard) = ("Write to ana@corp.io", "---
{apiVersion: cordon/v1, kind: Guard, name: lax, spec: {scope: organisation, rules: [{category: pii, action: flag}]}}
");
    let bears_nothing = |name: &str, url: &str| {
        service(name, url, "")
            .replace("private_network: true", "private_network: true, max_sensitivity: unclassified")
    };
    let not_asked = |model| (model, AttemptOutcome::NotAsked, None);
    let failed = |model| (model, AttemptOutcome::Failed, Some(500));
    for first_bears in [true, false] {
        let pair = match first_bears {
            true => Pair::new(fails(500, &[], 1), [], CHAIN, "").await,
            false => Pair::new([], fails(500, &[], 1), CHAIN, "").await,
        };
        let closed = match first_bears {
            true => bears_nothing("second", &pair.second.base_url()),
            false => bears_nothing("first", &pair.first.base_url()),
        };
        pair.world.apply(&(closed + guard)).await;
        let reply = pair.world.chat(mail).await;
        assert_eq!(reply.status.as_u16(), 500, "the first bears it: {first_bears}");
        let frames = pair.world.frames().await;
        let outcome = outcomes(&frames.closed_of(reply.call()).attempts);
        let expected = match first_bears {
            true => [failed("first"), not_asked("second")],
            false => [not_asked("first"), failed("second")],
        };
        assert_eq!(outcome, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_failed_is_read_and_its_connection_serves_the_next_call() {
    let pair = Pair::new(fails(429, &[], 3), says(3), CHAIN, "").await;
    for _ in 0..3 {
        assert_eq!(by(&pair.world.chat("hi").await), answered("second", "failed"));
    }
    assert_eq!((pair.first.count().requests, pair.first.count().accepted), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_cannot_be_reached_is_passed_over() {
    let pair = Pair::new([], says(1), CHAIN, "").await;
    let nobody = format!("http://{}", closed_port().await);
    pair.world.apply(&service("first", &nobody, "")).await;
    let reply = pair.world.chat("hi").await;
    assert_eq!(by(&reply), answered("second", "unsent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_byte_nothing_is_tried_again() {
    let event = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"one two three, "},"finish_reason":null}]}"#;
    let stream = Script::sse_head().event(event).reset();
    let whole = Script::answer(200, &[("content-type", "application/json")], "{}");
    let cut = Script::chunked_head(200, &[("content-type", "application/json")]).chunk("{\"id\":").reset();
    let pair = Pair::new([stream, whole, cut], says(3), CHAIN, "").await;
    let reply = pair.world.stream("hi").await;
    assert!(reply.streamed().starts_with("one two"), "{}", reply.text());
    assert!(reply.text().contains("upstream_failed"), "{}", reply.text());
    for _ in 0..2 {
        let reply = pair.world.chat("hi").await;
        assert_eq!((reply.status.as_u16(), reply.code()), (502, "upstream_failed".to_owned()));
    }
    assert_eq!(pair.asked(), (3, 0));
    assert!(pair.world.frames().await.closed.iter().all(|closed| closed.attempts.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_opens_keeps_calls_away_and_heals() {
    let pair = Pair::new(
        fails(500, &[], 2).into_iter().chain(says(100)),
        says(100_000),
        CHAIN,
        "failures: 2, open_for: 300ms, probes: 1",
    )
    .await;
    for _ in 0..2 {
        assert_eq!(by(&pair.world.chat("hi").await), answered("second", "failed"));
    }
    assert_eq!(by(&pair.world.chat("hi").await), answered("second", "open"));
    assert_eq!(pair.first.count().requests, 2, "left alone");
    let mut healed = by(&pair.world.chat("hi").await);
    while healed == answered("second", "open") {
        healed = by(&pair.world.chat("hi").await);
    }
    assert_eq!(healed, answered("first", ""), "the first that tries it closes it");
    assert_eq!(by(&pair.world.chat("hi").await), answered("first", ""));
    let condition = &pair.world.node.handles.gateway.health().conditions()[0];
    assert_eq!((condition.model.as_str(), condition.opened), ("first", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_opens_by_the_share_of_failures_and_of_slow_answers_that_its_service_names() {
    let phase = |pair: &Pair| pair.world.node.handles.gateway.health().conditions()[0].phase;
    // Each second call fails: never two after each other.
    let alternating = || (0..50).flat_map(|_| [Script::says("ok"), fails(500, &[], 1).remove(0)]);
    let often =
        "failures: 100, minimum_calls: 10, error_percent: 45, slow_percent: 100, slow: 60s, window: 60s";
    let seldom =
        "failures: 100, minimum_calls: 10, error_percent: 60, slow_percent: 1, slow: 60s, window: 60s";
    for (breaker, expected) in [(often, Phase::Open), (seldom, Phase::Closed)] {
        let pair = Pair::new(alternating(), says(100), CHAIN, breaker).await;
        for _ in 0..10 {
            assert_eq!(pair.world.chat("hi").await.status, 200);
        }
        assert_eq!((phase(&pair), pair.asked()), (expected, (10, 5)), "{breaker}");
        let next = by(&pair.world.chat("hi").await);
        assert_eq!(next.2 == "open", expected == Phase::Open, "{breaker}: {next:?}");
    }
    let gate = Gate::new();
    let slow = || (0..5).map(|_| Script::says("ok").recut(&gate, |all| vec![Vec::new(), all.to_vec()]));
    let by_time = "failures: 100, minimum_calls: 5, error_percent: 1, slow_percent: 80, slow: 40ms";
    let by_none = "failures: 100, minimum_calls: 5, error_percent: 1, slow_percent: 80, slow: 60s";
    for (breaker, expected) in [(by_time, Phase::Open), (by_none, Phase::Closed)] {
        let pair = Pair::new(slow(), [], CHAIN, breaker).await;
        for _ in 0..5 {
            let late = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                gate.open();
            };
            let (reply, ()) = tokio::join!(pair.world.chat("hi"), late);
            assert_eq!(by(&reply), answered("first", ""));
        }
        assert_eq!(phase(&pair), expected, "{breaker}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_that_fails_more_often_than_its_equals_goes_last() {
    let equals = "targets: [{model: first}, {model: second}], retry: {budget_percent: 100}";
    let failing = (0..400).flat_map(|_| [Script::says("ok"), fails(500, &[], 1).remove(0)]);
    let pair = Pair::new(failing, says(1_000), equals, "failures: 100, error_percent: 100").await;
    // Until both were asked often enough to be compared: twenty times.
    let mut calls = 0;
    while pair.asked().0 < 20 || pair.asked().1 < 20 {
        assert_eq!(pair.world.chat("hi").await.status, 200);
        calls += 1;
        assert!(calls < 400, "{:?}", pair.asked());
    }
    let before = pair.asked();
    for _ in 0..20 {
        assert_eq!(pair.world.chat("hi").await.header("cordon-model"), "second");
    }
    assert_eq!(pair.asked(), (before.0, before.1 + 20), "the worse of two is not asked first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_one_request_draws_closes_no_target() {
    let statuses = [402, 404, 405, 415, 429, 431, 451, 302];
    let scripts = statuses.iter().flat_map(|status| fails(*status, &[], 1)).chain(says(1));
    let pair = Pair::new(scripts, says(8), CHAIN, "failures: 2").await;
    for status in statuses {
        assert_eq!(by(&pair.world.chat("hi").await), answered("second", "failed"), "{status}");
    }
    assert_eq!(by(&pair.world.chat("hi").await), answered("first", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_break_off_open_a_breaker() {
    let cut = || Script::chunked_head(200, &[("content-type", "application/json")]).chunk("{\"id\":").reset();
    let pair = Pair::new([cut(), cut()], says(1), CHAIN, "failures: 2").await;
    for _ in 0..2 {
        assert_eq!(pair.world.chat("hi").await.code(), "upstream_failed");
    }
    assert_eq!(by(&pair.world.chat("hi").await), answered("second", "open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_time_is_over_asks_nobody_else_and_blames_nobody_else() {
    let slow = |name: &str, first: &FakeUpstream, times: &str| {
        let times = format!("timeouts: {{connect: 1s, idle: 1s, {times}}}");
        service(name, &first.base_url(), "failures: 1, open_for: 1h")
            .replace("timeouts: {connect: 1s, first_byte: 2s, idle: 1s, total: 8s}", &times)
    };
    let phases = |pair: &Pair| -> Vec<_> {
        let conditions = pair.world.node.handles.gateway.health().conditions();
        conditions.iter().map(|condition| (condition.model.to_string(), condition.opened)).collect()
    };
    // All of the time went to the first.
    let pair = Pair::new([Script::hang()], says(1), CHAIN, "").await;
    pair.world.apply(&slow("first", &pair.first, "first_byte: 60s, total: 300ms")).await;
    pair.world.apply(&slow("second", &pair.second, "first_byte: 2s, total: 8s")).await;
    assert_eq!(pair.world.chat("hi").await.code(), "upstream_timeout");
    assert_eq!(phases(&pair), [("first".to_owned(), 1)]);
    assert_eq!(pair.asked(), (1, 0));
    // The second gets what is left, which is less than its own: in the head of its answer, and in the middle of one, whole or streamed.
    let begun = || Script::chunked_head(200, &[("content-type", "application/json")]).chunk("{").then_hang();
    let event = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"One. "},"finish_reason":null}]}"#;
    let streams = Script::sse_head().event(event).then_hang();
    for (rest, stream) in [(Script::hang(), false), (begun(), false), (streams, true)] {
        let pair = Pair::new([Script::hang()], [rest], CHAIN, "").await;
        pair.world.apply(&slow("first", &pair.first, "first_byte: 300ms, total: 900ms")).await;
        pair.world
            .apply(
                &slow("second", &pair.second, "first_byte: 30s, total: 60s").replace("idle: 1s", "idle: 60s"),
            )
            .await;
        let reply = pair.world.send(pair.world.request(chat("hi", stream))).await;
        assert!(reply.text().contains("upstream_timeout"), "{}", reply.text());
        assert!(
            phases(&pair).iter().all(|(model, opened)| model == "first" || *opened == 0),
            "{:?}",
            phases(&pair)
        );
        let frames = pair.world.frames().await;
        let attempts = &frames.closed_of(reply.call()).attempts;
        let told: Vec<_> = attempts.iter().map(|attempt| (attempt.model.as_str(), attempt.outcome)).collect();
        let expected = [("first", AttemptOutcome::Timeout), ("second", AttemptOutcome::CutShort)];
        assert_eq!(told, expected, "streamed: {stream}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cordon_lacks_is_no_failure_of_the_model_and_is_written_down() {
    for spec in [CHAIN, "targets: [{model: first}]"] {
        let pair = Pair::new([], says(1), spec, "").await;
        let without = service("first", &pair.first.base_url(), "")
            .replace("protocol: openai,", "protocol: openai, secret: \"env:NOT_SET\",");
        pair.world.apply(&without).await;
        let reply = pair.world.chat("hi").await;
        let second = (spec == CHAIN).then_some(("second", AttemptOutcome::Answered, Some(200)));
        let expected: Vec<_> = [("first", AttemptOutcome::Unready, None)].into_iter().chain(second).collect();
        assert_eq!(reply.status, if second.is_some() { 200 } else { 502 });
        assert_eq!(pair.first.count().requests, 0);
        let frames = pair.world.frames().await;
        assert_eq!(outcomes(&frames.closed_of(reply.call()).attempts), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nobody_left_the_caller_is_told_when_to_come_back() {
    let pair =
        Pair::new(fails(500, &[], 1), [], "targets: [{model: first}]", "failures: 1, open_for: 1h").await;
    assert_eq!(pair.world.chat("hi").await.status, 500, "the upstream's own error, once");
    let reply = pair.world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (502, "upstream_unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), "3600");
    assert_eq!(pair.asked(), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_safe_is_tried_again_and_no_more_often_than_asked() {
    let one = "targets: [{model: first}], retry: {backoff: 1ms, attempts: 3}";
    for (scripts, spec, status, requests) in [
        (fails(503, &[("retry-after-ms", "1")], 2), one, 200, 3),
        (fails(429, &[], 2), one, 200, 3),
        (fails(503, &[], 3), one, 503, 3),
        (fails(503, &[("retry-after", "3600")], 1), one, 503, 1),
        (fails(429, &[("x-should-retry", "false")], 1), one, 429, 1),
        (fails(502, &[], 1), one, 502, 1),
        (fails(502, &[], 1), "targets: [{model: first}], retry: {backoff: 1ms, statuses: [502]}", 200, 2),
        (vec![Script::new().close()], one, 502, 1),
        (fails(503, &[], 1), "targets: [{model: first}], retry: {attempts: 1}", 503, 1),
    ] {
        let pair = Pair::new(scripts.into_iter().chain(says(1)), [], spec, "").await;
        assert_eq!(pair.world.chat("hi").await.status, status, "{spec}");
        assert_eq!(pair.first.count().requests, requests, "{spec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_keeps_retries_from_becoming_a_storm() {
    let spec = "targets: [{model: first}], retry: {backoff: 1ms, attempts: 10, budget_percent: 10}";
    let pair = Pair::new(fails(503, &[], 1_000), [], spec, "enabled: false").await;
    for _ in 0..40 {
        assert_eq!(pair.world.chat("hi").await.status, 503);
    }
    // Ten at once, and a tenth of forty calls; the budget was full when the first came.
    let retried = pair.first.count().requests - 40;
    assert!((13..=14).contains(&retried), "{retried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_is_not_asked_by_the_name_of_each_of_its_models() {
    let spec =
        "targets: [{model: first}], fallback: [again, second], retry: {attempts: 3, budget_percent: 10}";
    let again = "---\n{apiVersion: cordon/v1, kind: Model, name: again, spec: {service: first, upstream_name: again}}\n";
    let pair =
        Pair::new(fails(500, &[], 1_000), says(1_000), "targets: [{model: first}]", "enabled: false").await;
    pair.world.apply(&format!("{again}{}", route(spec))).await;
    for _ in 0..40 {
        assert_eq!(by(&pair.world.chat("hi").await), answered("second", "failed"));
    }
    // Ten at once, and a tenth of forty calls; the budget was full when the first came.
    let retried = pair.first.count().requests - 40;
    assert!((13..=14).contains(&retried), "{retried}");
    assert_eq!(pair.second.count().requests, 40, "another service costs nothing");
    // Of two calls one at most has a tenth of ten to spend.
    let last = [pair.world.chat("hi").await.call(), pair.world.chat("hi").await.call()];
    let frames = pair.world.frames().await;
    let expected = [
        ("first", AttemptOutcome::Failed, Some(500)),
        ("again", AttemptOutcome::NotAsked, None),
        ("second", AttemptOutcome::Answered, Some(200)),
    ];
    let told = |call| outcomes(&frames.closed_of(call).attempts);
    assert!(last.into_iter().any(|call| told(call) == expected), "what is not asked is written down");
    // What only the model has, and not its service, is no reason to pass over the others.
    let pair = Pair::new([], says(1), "targets: [{model: first}]", "enabled: false").await;
    pair.world.apply(&format!("{again}{}", route(spec.replace("10}", "0}").trim_end()))).await;
    let full = FakeUpstream::answering(|request| match request.json()["model"].as_str() {
        Some("again") => Script::says("ok"),
        _ => Script::answer(429, &[("content-type", "application/json")], "{}"),
    })
    .await;
    pair.world.apply(&service("first", &full.base_url(), "enabled: false")).await;
    for _ in 0..20 {
        assert_eq!(by(&pair.world.chat("hi").await), answered("again", "failed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_rest_gets_it_while_another_can_answer() {
    let pair = Pair::new(fails(429, &[("retry-after", "30")], 1), says(3), CHAIN, "").await;
    assert_eq!(by(&pair.world.chat("hi").await), answered("second", "failed"));
    for _ in 0..2 {
        assert_eq!(by(&pair.world.chat("hi").await), answered("second", "open"));
    }
    assert_eq!(pair.asked(), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_stays_on_its_target_and_moves_only_when_that_fails() {
    let spec = "targets: [{model: first}, {model: second}], sticky: principal";
    let pair = Pair::new(says(40), says(40), spec, "").await;
    for _ in 0..20 {
        assert_eq!(pair.world.chat("hi").await.status, 200);
    }
    assert!(matches!(pair.asked(), (20, 0) | (0, 20)), "{:?}", pair.asked());
    let spread = "targets: [{model: first}, {model: second}]";
    pair.world.apply(&route(spread)).await;
    for _ in 0..20 {
        assert_eq!(pair.world.chat("hi").await.status, 200);
    }
    // Each of twenty goes to either: once in 2^19 runs all of them go the same way.
    assert!(pair.asked().0 % 20 != 0, "{:?}", pair.asked());
}

async fn out(world: &World, subject: &str) {
    let subject = Subject::parse(subject).unwrap();
    let order =
        world.node.handles.quarantines.order(subject, InFlight::Cancel, "it leaks".to_owned(), Actor::Local);
    assert!(order.await.unwrap().logged.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_has_not_begun_leaves_a_quarantined_model() {
    let pair = Pair::new([Script::hang()], says(2), CHAIN, "").await;
    let (reply, ()) = tokio::join!(pair.world.chat("hi"), async {
        pair.first.until(|count| count.requests == 1).await;
        out(&pair.world, "model/first").await;
    });
    assert_eq!(by(&reply), answered("second", "quarantined"));
    pair.first.until(|count| count.abandoned == 1).await;
    assert_eq!(by(&pair.world.chat("hi").await), answered("second", "quarantined"), "and later ones too");
    let call = reply.call();
    let frames: Frames = pair.world.frames().await;
    assert_eq!(frames.opened.len(), 2);
    let expected =
        [("first", AttemptOutcome::Quarantined, None), ("second", AttemptOutcome::Answered, Some(200))];
    assert_eq!(outcomes(&frames.closed_of(call).attempts), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_of_a_quarantined_model_is_forgotten_and_a_begun_stream_ends() {
    let gate = Gate::new();
    let half =
        Script::chunked_head(200, &[("content-type", "application/json")]).chunk("{\"id\":").wait(&gate);
    let event = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"one two three, "},"finish_reason":null}]}"#;
    let begun = Script::sse_head().event(event).then_hang();
    let pair = Pair::new([half, begun], says(1), CHAIN, "").await;
    let (reply, ()) = tokio::join!(pair.world.chat("hi"), async {
        pair.first.until(|count| count.requests == 1).await;
        out(&pair.world, "service/first").await;
    });
    assert_eq!(by(&reply), answered("second", "quarantined"));

    let lift = cordon::api::quarantine::LiftQuarantine {
        subject: Subject::parse("service/first").unwrap(),
        reason: "mended".to_owned(),
    };
    cordon::up::desk(&pair.world.node.handles).lift(lift, Actor::Local).await.unwrap();
    let response = pair.world.open(pair.world.request(chat("hi", true))).await;
    assert_eq!(response.headers()["cordon-model"], "first");
    out(&pair.world, "service/first").await;
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("cancelled"), "what has begun cannot go elsewhere");
    assert_eq!(pair.asked(), (2, 1));
}

fn with_tool(stream: bool) -> String {
    let mut body: serde_json::Value = serde_json::from_str(&chat("hi", stream)).unwrap();
    let tool = serde_json::json!({"type": "function", "function": {"name": "f", "parameters": {}}});
    body["tools"] = serde_json::json!([tool]);
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_is_in_force_with_the_next_call_and_visible() {
    let spec = |mode: &str| {
        route(&format!(
            "targets: [{{model: first}}], degraded: [{{model: second}}], off_message: \"Back at noon.\", mode: {mode}"
        ))
    };
    let pair = Pair::new(says(3), says(1), CHAIN, "").await;
    let world = &pair.world;
    world.apply(&spec("degraded")).await;
    let reply = world.chat("hi").await;
    assert_eq!((by(&reply), reply.header("cordon-mode")), (answered("second", ""), "degraded".to_owned()));

    world.apply(&spec("safe")).await;
    let reply = world.send(world.request(with_tool(false))).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (403, "tools_refused".to_owned()));
    assert_eq!(reply.header("cordon-mode"), "safe");
    assert_eq!(by(&world.chat("hi").await), answered("first", ""));

    world.apply(&spec("off")).await;
    let reply = world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "route_off".to_owned()));
    assert!(reply.text().contains("Back at noon."), "{}", reply.text());
    world.apply(&(spec("off").replace("mode: off", "mode: off, refusal: content_filter"))).await;
    let reply = world.chat("hi").await;
    assert_eq!(reply.status, 200, "as an answer, for applications that cannot handle errors");
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "Back at noon.");

    world.apply(&spec("normal")).await;
    let reply = world.send(world.request(with_tool(false))).await;
    assert_eq!((by(&reply), reply.header("cordon-mode")), (answered("first", ""), String::new()));
    let frames = pair.world.frames().await;
    let off = frames.closed.iter().filter(|closed| closed.code == Some(RefusalCode::RouteOff));
    assert_eq!(off.map(|closed| closed.status).collect::<Vec<_>>(), [503, 200], "what the caller saw");
    let modes: Vec<RouteMode> = frames.opened.iter().map(|opened| opened.mode).collect();
    use RouteMode::{Degraded, Normal, Off, Safe};
    assert_eq!(modes, [Degraded, Safe, Safe, Off, Off, Normal]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_safe_mode_actions_are_held_and_guards_that_observe_enforce() {
    let call =
        serde_json::json!([{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let whole = Script::json(
        200,
        &serde_json::json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": call}}]}),
    );
    let chunk = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": null, "delta": {"tool_calls": [
            {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]});
    let streamed = Script::sse_head().event(&chunk.to_string()).event("[DONE]").end();
    let pair = Pair::new([whole, streamed].into_iter().chain(says(1)), [], CHAIN, "").await;
    let world = &pair.world;
    world
        .apply(
            "{apiVersion: cordon/v1, kind: Guard, name: g, spec: {scope: organisation, mode: observe,
  rules: [{category: pii/card, action: block}]}}",
        )
        .await;
    let card = "My card is 4111 1111 1111 1111.";
    world.apply(&route("targets: [{model: first}], mode: safe")).await;
    for stream in [false, true] {
        let reply = world.send(world.request(chat("hi", stream))).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, "held_no_reviewer".to_owned()), "{stream}");
    }
    assert_eq!(world.chat(card).await.code(), "content_blocked");
    world.apply(&route("targets: [{model: first}]")).await;
    assert_eq!(world.chat(card).await.status, 200, "it only observes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_least_important_goes_first_and_what_runs_goes_on() {
    const PRIORITIES: &str = "---
{apiVersion: cordon/v1, kind: Route, name: low, spec: {team: t, targets: [{model: first}], priority: low}}
---
{apiVersion: cordon/v1, kind: Route, name: high, spec: {team: t, targets: [{model: first}], priority: high}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, low, high]}}
---
{apiVersion: cordon/v1, kind: Principal, name: batch, spec: {team: t, routes: [bot, high], priority: low}}
";
    let gate = Gate::new();
    let waits = Script::chunked_head(200, &[("content-type", "application/json")]).wait(&gate);
    let whole = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ok"}}]}"#;
    let pair = Pair::new([waits.chunk(whole).end()].into_iter().chain(says(1_000)), [], CHAIN, "").await;
    let mut world = pair.world;
    world.apply(PRIORITIES).await;
    // A key names the routes that its principal had.
    let day = cordon_core::DurationMs::from_secs(86_400);
    world.key = world.issue("app", day).await;
    let batch = world.issue("batch", day).await;
    let ask = async |route: &str, batch: Option<&cordon_core::KeySecret>| {
        let mut request = world.request(chat("hi", false).replace("bot", route));
        if let Some(key) = batch {
            let key = format!("Bearer {}", key.expose()).parse().unwrap();
            request.headers_mut().insert("authorization", key);
        }
        let reply = world.send(request).await;
        let code = if reply.status == 200 { String::new() } else { reply.code() };
        (reply.status.as_u16(), code, reply.header("retry-after"))
    };
    let passed = (200, String::new(), String::new());
    let shed = (503, "overloaded".to_owned(), "1".to_owned());
    let overload = async {
        pair.first.until(|count| count.requests == 1).await;
        let shedder = world.node.handles.gateway.shedder();
        // Two looks are an interval.
        let (mut now, look) = (std::time::Instant::now(), std::time::Duration::from_millis(100));
        let mut wait = |intervals, delay: u64| {
            for _ in 0..2 * intervals {
                now += look;
                shedder.waited(std::time::Duration::from_millis(delay), now);
            }
        };
        let short = || {
            shedder.looks(std::time::Instant::now());
            shedder.waited(std::time::Duration::from_millis(4), std::time::Instant::now());
        };
        // What came before the first look is not one long wait.
        wait(1, 0);
        // Tasks wait for their turn: what is low goes, whoever is asked for it.
        wait(1, 100);
        assert_eq!((shedder.admitted(Priority::Low), shedder.admitted(Priority::High)), (0, 100));
        // No call is let in at a moment of a long queue while it lasts; the last look found a short one.
        short();
        for _ in 0..3 {
            assert_eq!(ask("low", None).await, shed);
            assert_eq!(ask("high", Some(&batch)).await, shed, "the lower of route and principal counts");
            assert_eq!(ask("high", None).await, passed);
        }
        // It gets worse: what is normal goes, too.
        wait(3, 100);
        assert_eq!((shedder.admitted(Priority::Normal), shedder.admitted(Priority::High)), (0, 82));
        short();
        assert_eq!(ask("bot", None).await, shed);
        // And better.
        wait(100, 0);
        for route in ["low", "bot", "high"] {
            assert_eq!(ask(route, None).await, passed);
        }
        assert_eq!(ask("high", Some(&batch)).await, passed);
        gate.open();
    };
    // A call of the lowest priority was let in before: it comes to its end.
    let (running, ()) = tokio::join!(ask("low", None), overload);
    assert_eq!(running, passed);
    let frames = world.frames().await;
    // A key that may only ask for what is low is turned away before its body is read: that is counted, and not recorded call
    // by call.
    let refused = frames.closed.iter().filter(|closed| closed.code == Some(RefusalCode::Overloaded)).count();
    let unread = usize::try_from(frames.unknown.iter().map(|unknown| unknown.count).sum::<u64>()).unwrap();
    // A key that may ask for what is high is let in by chance while that, too, is shed: the call of `bot` is one or the other.
    assert!((3..=4).contains(&unread), "{unread}");
    assert_eq!((frames.closed.len() + unread, refused + unread), (15, 7));
}
