//! Budgets as people see them, across a kill at a call's second model, and with a second node on the same log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{process::Output, time::Duration};

use cordon::{
    api::{
        List,
        limits::{Amount, LimitMeasure, LimitUsage},
    },
    counting, up,
};
use cordon_core::{
    Name, Score, Timestamp,
    record::{Closed, Outcome},
};
use cordon_testkit::{
    FakeUpstream, Gate, Script,
    server::{self, Server as ServerOfOthers},
};
use serde_json::json;
use support::{
    Reply, World,
    binary::{Server, UP, output},
    real_time,
};

/// Two models whose tokens of output cost a thousand billionths each, the route `bot` that falls back from the one to the other, and
/// a budget of ten thousand tokens for the route and for each of the models, in a window that no test sees the end of.
const BUDGETS: &str = r#"
{apiVersion: cordon/v1, kind: Model, name: m, spec: {service: up, upstream_name: small-model, prices: [{currency: EUR, input: "0", output: "1"}]}}
---
{apiVersion: cordon/v1, kind: Model, name: large, spec: {service: up, upstream_name: large-model, prices: [{currency: EUR, input: "0", output: "1"}]}}
---
{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}], fallback: [large]}}
---
{apiVersion: cordon/v1, kind: Limit, name: of-bot, spec: {applies_to: {route: bot}, money: {amount: "0.01", currency: EUR, window: 400d}}}
---
{apiVersion: cordon/v1, kind: Limit, name: of-m, spec: {applies_to: {model: m}, money: {amount: "0.01", currency: EUR, window: 400d}}}
---
{apiVersion: cordon/v1, kind: Limit, name: of-large, spec: {applies_to: {model: large}, money: {amount: "0.01", currency: EUR, window: 400d}, requests: {count: 100, window: 400d}}}
"#;

/// A limit on the caller, too.
const SHAPE: &str = r#"
---
{apiVersion: cordon/v1, kind: Limit, name: of-app, spec: {applies_to: {principal: app}, requests: {count: 10, window: 400d, burst: 4}, tokens: {count: 8000, window: day}, concurrency: 3}}
"#;

fn ask(output: u64, text: &str) -> String {
    json!({ "model": "bot", "max_completion_tokens": output, "messages": [{ "role": "user", "content": text }] })
        .to_string()
}

/// An answer that used nine tokens of input, and so many of output.
fn used(output: u64) -> Script {
    Script::json(
        200,
        &json!({
            "id": "chatcmpl-test", "object": "chat.completion", "created": 1_767_225_600, "model": "test",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "ok" } }],
            "usage": { "prompt_tokens": 9, "completion_tokens": output, "total_tokens": 9 + output },
        }),
    )
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// What is used of one thing that a limit bounds.
async fn usage(world: &World, limit: &str, measure: LimitMeasure) -> LimitUsage {
    let desk = up::desk(&world.node.handles);
    let items = desk.limits_in_use(Some(&name(limit))).await.unwrap();
    items.into_iter().find(|usage| usage.measure == measure).unwrap()
}

fn count(usage: &LimitUsage) -> (Option<Amount>, Amount) {
    (usage.used, usage.most)
}

fn tokens(count: u64) -> Amount {
    Amount::Money(cordon_core::Money::from_nanos(count * 1_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_of_limits_is_told_while_calls_run_and_after_them() {
    let gate = Gate::new();
    let slow = gate.clone();
    let upstream =
        FakeUpstream::answering(move |_| used(100).recut(&slow, |answer| vec![Vec::new(), answer.to_vec()]))
            .await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{BUDGETS}{SHAPE}")).await;
    let desk = up::desk(&world.node.handles);
    let all = desk.limits_in_use(None).await.unwrap();
    assert_eq!(all.len(), 7, "{all:?}");
    assert!(
        all.iter().all(|usage| usage.share == Some(Score::ZERO) && usage.unavailable.is_none()),
        "{all:?}"
    );

    let running = world.send(world.request(ask(4_000, "hello")));
    let looking = async {
        upstream.until(|count| count.requests == 1).await;
        let concurrency = usage(&world, "of-app", LimitMeasure::Concurrency).await;
        assert_eq!(count(&concurrency), (Some(Amount::Count(1)), Amount::Count(3)));
        assert_eq!((concurrency.unit.as_str(), concurrency.window()), ("calls", "at once".to_owned()));
        let money = usage(&world, "of-bot", LimitMeasure::Money).await;
        assert_eq!(count(&money), (Some(tokens(4_000)), tokens(10_000)), "what it may cost is reserved");
        assert_eq!((money.unit.as_str(), money.share), ("EUR", Some(Score::percent(40))));
        // The most used comes first; what nothing was counted of, last.
        let all = desk.limits_in_use(None).await.unwrap();
        let shares: Vec<_> = all.iter().map(|usage| usage.share).collect();
        assert!(shares.is_sorted_by(|one, other| one >= other), "{shares:?}");
        assert_eq!(all[0].limit, name("of-app"), "a good half of its tokens");
        gate.open();
    };
    assert_eq!(tokio::join!(running, looking).0.status, 200);
    world.node.handles.gateway.running().emptied().await;
    assert_eq!(count(&usage(&world, "of-app", LimitMeasure::Concurrency).await).0, Some(Amount::Count(0)));
    assert_eq!(count(&usage(&world, "of-bot", LimitMeasure::Money).await).0, Some(tokens(100)));
    let day = usage(&world, "of-app", LimitMeasure::Tokens).await;
    assert_eq!(count(&day), (Some(Amount::Count(109)), Amount::Count(8_000)));
    let midnight = |day: &str| Some(Timestamp::parse(&format!("2026-11-{day}T00:00:00Z")).unwrap());
    assert_eq!((day.since, day.resets_at, day.full_at), (midnight("21"), midnight("22"), None));
    let requests = usage(&world, "of-app", LimitMeasure::Requests).await;
    assert_eq!(count(&requests), (Some(Amount::Count(1)), Amount::Count(4)));
    assert_eq!((requests.window(), requests.since), ("10 in 400d, 4 at once".to_owned(), None));
    assert_eq!(
        requests.resets_at,
        Some(Timestamp::parse("2026-12-31T09:00:00Z").unwrap()),
        "one in forty days"
    );
}

/// What the API says of limits.
async fn asked(world: &World, query: &str) -> List<LimitUsage> {
    let token = std::fs::read_to_string(world.node.handles.settings.data.join("admin.token")).unwrap();
    let request = http::Request::get(format!("http://{}/api/v1/limits/usage{query}", world.node.control))
        .header("authorization", format!("Bearer {}", token.trim()))
        .body(http_body_util::Full::default())
        .unwrap();
    serde_json::from_value(world.send(request).await.json()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_behind_the_last_one_and_a_limit_can_be_asked_for_alone() {
    let upstream = FakeUpstream::answering(|_| used(100)).await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{BUDGETS}{SHAPE}")).await;
    assert_eq!(world.send(world.request(ask(4_000, "hello"))).await.status, 200);
    world.node.handles.gateway.running().emptied().await;
    let whole = asked(&world, "").await;
    assert_eq!((whole.items.len(), whole.next), (7, None));
    assert!(whole.items.is_sorted_by_key(|usage| std::cmp::Reverse(usage.share)));
    let mut page = asked(&world, "?limit=2").await;
    let mut turned = page.items;
    while let Some(next) = page.next {
        page = asked(&world, &format!("?limit=2&cursor={next}")).await;
        assert!((1..=2).contains(&page.items.len()));
        turned.extend(page.items);
    }
    assert_eq!(turned, whole.items);
    let one = asked(&world, "?name=of-large").await.items;
    assert!(one.len() == 2 && one.iter().all(|usage| usage.limit == name("of-large")));
    assert_eq!(asked(&world, "?name=nobody").await.items, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_pace_a_limit_is_told_to_be_used_up_before_its_window_ends() {
    let upstream = FakeUpstream::answering(|_| used(4_000)).await;
    let world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{BUDGETS}{SHAPE}")).await;
    assert_eq!(world.send(world.request(ask(4_000, "hello"))).await.status, 200);
    // Nine hours of the day took a good half of it.
    let day = usage(&world, "of-app", LimitMeasure::Tokens).await;
    assert_eq!(day.share, Some(Score::from_millionths(501_125)));
    let full = day.full_at.unwrap();
    assert!(
        (Timestamp::parse("2026-11-21T17:57:00Z").unwrap()..day.resets_at.unwrap()).contains(&full),
        "{full}"
    );
    assert!(day.is_near());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_counters_is_asked_and_its_absence_is_told() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let upstream = FakeUpstream::answering(|_| used(100)).await;
    let world = World::with(&upstream.base_url(), "", "", |settings| {
        settings.counters = Some(counting::Options {
            store: format!("redis://{}", store.address),
            user: None,
            password: None,
            timeout: Duration::from_secs(2),
        });
    })
    .await;
    world.apply(&format!("{BUDGETS}{SHAPE}")).await;
    let nothing = usage(&world, "of-app", LimitMeasure::Tokens).await;
    assert_eq!(count(&nothing).0, Some(Amount::Count(0)));
    assert_eq!(world.send(world.request(ask(4_000, "hello"))).await.status, 200);
    settled(&world).await;
    let day = usage(&world, "of-app", LimitMeasure::Tokens).await;
    assert_eq!(count(&day), (Some(Amount::Count(109)), Amount::Count(8_000)));
    // The store's own clock says which day it is.
    let length = day.resets_at.unwrap().since(day.since.unwrap());
    assert_eq!(length.as_millis(), 86_400_000);
    let requests = usage(&world, "of-app", LimitMeasure::Requests).await;
    assert_eq!(count(&requests), (Some(Amount::Count(1)), Amount::Count(4)));
    assert!(requests.resets_at.is_some());

    drop(store);
    let away = usage(&world, "of-app", LimitMeasure::Tokens).await;
    assert_eq!((away.used, away.share, away.most), (None, None, Amount::Count(8_000)));
    assert!(away.unavailable.is_some_and(|why| why.contains("the store of counters")));
    let here = usage(&world, "of-app", LimitMeasure::Concurrency).await;
    assert_eq!((here.used, here.unavailable), (Some(Amount::Count(0)), None), "calls are counted here");
}

/// Waits until the one call is settled, which happens behind its answer.
async fn settled(world: &World) {
    let waiting = async {
        while usage(world, "of-bot", LimitMeasure::Money).await.used != Some(tokens(100)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it is settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_the_second_model_neither_loses_nor_counts_twice() {
    let upstream = FakeUpstream::answering(|request| {
        let body = request.json();
        match (body["model"].as_str().unwrap(), body["messages"][0]["content"].as_str().unwrap()) {
            ("small-model", "breaks") => Script::new().close(),
            ("small-model", _) => Script::json(500, &json!({ "error": { "message": "no" } })),
            _ => Script::hang(),
        }
    })
    .await;
    let world = World::with(&upstream.base_url(), "", "", real_time).await;
    world.without_breaker(&upstream.base_url()).await;
    world.apply(BUDGETS).await;
    let World { node, key, folder, clock, key_id, .. } = world;
    let data = node.handles.settings.data.clone();
    let mut settings = node.handles.settings.as_ref().clone();
    node.stop().await.unwrap();

    let (server, at) = Server::ready(&data).await;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let mut hanging = Vec::new();
    // The first one's first model answers with an error, which costs nothing; the second one's may have done the work.
    for (number, text) in [(1, "fails"), (2, "breaks")] {
        let post = http::Request::post(format!("http://{}/v1/chat/completions", at.gateway))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", key.expose()))
            .body(http_body_util::Full::<bytes::Bytes>::new(ask(1_000, text).into()))
            .unwrap();
        hanging.push(tokio::spawn(client.request(post)));
        upstream.until(|count| count.requests == 2 * number).await;
    }
    server.kill();
    for hanging in hanging {
        assert!(hanging.await.unwrap().is_err());
    }

    settings.gateway = "127.0.0.1:0".parse().unwrap();
    let mut world = World::of(support::start(settings).await, clock, key, key_id, folder);
    // Rebuilt from the frames, again once the start has ended both calls, and again from an index that is made anew.
    for again in 0..3 {
        for (limit, of) in [("of-bot", 3_000), ("of-m", 1_000), ("of-large", 2_000)] {
            assert_eq!(counted(&world, limit).await.used, Some(tokens(of)), "{limit}, start {again}");
        }
        let requests = usage(&world, "of-large", LimitMeasure::Requests).await;
        assert_eq!(requests.used, Some(Amount::Count(2)), "start {again}");
        world = world
            .again(|data| {
                if again == 1 {
                    std::fs::remove_file(data.join("index.db")).unwrap();
                }
            })
            .await;
    }
    let frames = world.frames().await;
    assert_eq!((frames.opened.len(), frames.attempted.len()), (2, 2));
    let cut_off: Vec<&Closed> =
        frames.closed.iter().filter(|closed| closed.outcome == Outcome::Interrupted).collect();
    assert_eq!(cut_off.len(), 2);
    for closed in cut_off {
        let attempted = frames.attempted.iter().find(|attempted| attempted.call == closed.call).unwrap();
        assert_eq!(attempted.model, name("large"));
        assert_eq!(closed.charged.as_ref(), Some(&attempted.charged), "what was said last");
        assert!(attempted.charged.as_reserved);
    }
}

/// What is used of a budget, once it is known after a start.
async fn counted(world: &World, limit: &str) -> LimitUsage {
    let waiting = async {
        loop {
            let usage = usage(world, limit, LimitMeasure::Money).await;
            if usage.used.is_some() {
                return usage;
            }
            assert!(usage.unavailable.is_some_and(|why| why.contains("rebuilt")));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it is rebuilt")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_with_budgets_of_its_own_does_not_start_on_the_same_log() {
    let upstream = FakeUpstream::answering(|_| used(100)).await;
    let world = World::with(&upstream.base_url(), "", "", real_time).await;
    world.apply(BUDGETS).await;
    let World { node, key, folder, .. } = world;
    let data = node.handles.settings.data.clone();
    node.stop().await.unwrap();
    // The same folder by another name, and a folder whose log is the other's.
    let [renamed, linked] = ["renamed", "linked"].map(|name| folder.path().join(name));
    std::os::unix::fs::symlink(&data, &renamed).unwrap();
    std::fs::DirBuilder::new().create(&linked).unwrap();
    std::fs::set_permissions(&linked, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(data.join("log.db"), linked.join("log.db")).unwrap();

    let (server, at) = Server::ready(&data).await;
    let seconds =
        [data.clone(), renamed, linked].map(|data| tokio::task::spawn_blocking(move || output(&data, &UP)));
    for second in seconds {
        let Output { status, stdout, stderr } = second.await.unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), stdout.len()), (Some(1), 0), "{said}");
        for words in [
            "counts limits and budgets",
            "`limits.store`",
            &format!("in use by process {}", server.child.id()),
        ] {
            assert!(said.contains(words), "{words} is not in: {said}");
        }
    }
    // The first one goes on, and its budget is whole.
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let send = async |output: u64| -> Reply {
        let request = http::Request::post(format!("http://{}/v1/chat/completions", at.gateway))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", key.expose()))
            .body(http_body_util::Full::new(ask(output, "hello").into()))
            .unwrap();
        support::send(&client, request).await
    };
    assert_eq!(send(10_000).await.status, 200);
    assert_eq!(send(9_901).await.code(), "budget_exceeded");
}
