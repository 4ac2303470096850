//! Limits and budgets, from the caller's side: nothing is spent that a budget does not have, whoever comes at once and whatever
//! ends in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod streams;
mod subjects;
#[path = "../support/mod.rs"]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cordon::{
    counting::{Options, SharedCounters},
    node::Settings,
};
use cordon_core::{
    DurationMs, Money, Timestamp,
    record::{Closed, Outcome},
    resource::LimitWindow,
};
use cordon_testkit::{
    FakeUpstream, Script,
    server::{self, Server as ServerOfOthers},
};
use serde_json::{Value, json};
use support::{Frames, Reply, World, binary::Server, real_time};

/// A token of output costs a thousand billionths, and one of input nothing: what a call costs at most is what it asks for.
const PRICED: &str = r#"
apiVersion: cordon/v1
kind: Model
name: m
spec: { service: up, upstream_name: upstream-model, prices: [{ currency: EUR, input: "0", output: "1" }] }
"#;
const TOKEN: u64 = 1_000;

/// Ten thousand tokens of output, in a window that no test sees the end of.
const BUDGET: &str = r#"
---
apiVersion: cordon/v1
kind: Limit
name: pilot
spec: { applies_to: { route: bot }, money: { amount: "0.01", currency: EUR, window: 400d } }
"#;
const TOKENS: u64 = 10_000;

fn ask(output: impl Into<Value>, text: &str) -> String {
    let messages = json!([{ "role": "user", "content": text }]);
    json!({ "model": "bot", "max_completion_tokens": output.into(), "messages": messages }).to_string()
}

/// An answer that used so many tokens of output; `null` leaves the usage out.
fn used(output: impl Into<Value>) -> Script {
    let mut answer = json!({
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1_767_225_600, "model": "test",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "ok" } }],
    });
    let output = output.into();
    if !output.is_null() {
        answer["usage"] = json!({ "prompt_tokens": 9, "completion_tokens": output, "total_tokens": 9 });
    }
    Script::json(200, &answer)
}

async fn world(base_url: &str, extra: &str) -> World {
    counted_in(base_url, extra, None).await
}

/// The same, with limits that are counted in a store.
async fn counted_in(base_url: &str, extra: &str, store: Option<&ServerOfOthers>) -> World {
    let counters = store.map(|store| Options {
        store: format!("redis://{}", store.address),
        user: None,
        password: None,
        timeout: Duration::from_secs(2),
    });
    let change = |settings: &mut Settings| {
        settings.max_calls = 2_048;
        settings.counters = counters;
    };
    let world = World::with(base_url, "", "", change).await;
    // A thousand calls at once take their time on a small machine.
    let patient = format!(
        "---
apiVersion: cordon/v1
kind: Service
name: up
spec:
  protocol: openai
  base_url: \"{base_url}\"
  private_network: true
  secret: \"env:UPSTREAM_KEY\"
  breaker: {{enabled: false}}
  timeouts: {{connect: 60s, first_byte: 60s, idle: 60s, total: 120s}}
"
    );
    world.apply(&format!("{PRICED}{patient}{extra}")).await;
    world
}

fn told(reply: &Reply) -> (u16, String, String) {
    (reply.status.as_u16(), reply.code(), reply.header("cordon-limit"))
}

fn refused(status: u16, code: &str, limit: &str) -> (u16, String, String) {
    (status, code.to_owned(), limit.to_owned())
}

/// Checks that exactly so many tokens are left: one more is refused, so many pass, and are spent then.
async fn left(world: &World, tokens: u64) {
    let reply = world.send(world.request(ask(tokens + 1, "one too many"))).await;
    assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"), "{tokens} should be left");
    if tokens > 0 {
        let reply = world.send(world.request(ask(tokens, "all of it"))).await;
        assert_eq!(reply.status, 200, "{tokens} should be left: {}", reply.text());
    }
}

fn charge(closed: &Closed) -> u64 {
    closed.charged.as_ref().map_or(0, |charged| charged.spend.cost.unwrap().amount.nanos())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_at_once_do_not_overspend_a_small_budget_and_a_start_counts_on() {
    let spent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&spent);
    let upstream = FakeUpstream::answering(move |request| {
        let asked = request.json()["max_completion_tokens"].as_u64().unwrap();
        let kind: u64 = request.json()["messages"][0]["content"].as_str().unwrap().parse().unwrap_or(0);
        let (tokens, script) = match kind % 10 {
            // Nobody knows what this one used: it may have been all that it asked for.
            1 => (asked, used(Value::Null)),
            2 => (0, Script::json(500, &json!({ "error": { "message": "no" } }))),
            3 => (asked, Script::new().close()),
            _ if kind == 0 => (asked, used(asked)),
            _ => (asked * kind % asked, used(asked * kind % asked)),
        };
        counted.fetch_add(tokens, Ordering::SeqCst);
        script
    })
    .await;
    let world = Arc::new(world(&upstream.base_url(), BUDGET).await);
    let callers: Vec<_> = (1..=1_000_u64)
        .map(|number| {
            let world = Arc::clone(&world);
            let asked = number * 7_919 % 100 + 1;
            tokio::spawn(async move { world.send(world.request(ask(asked, &number.to_string()))).await })
        })
        .collect();
    let (mut served, mut without_budget) = (0, 0);
    for caller in callers {
        let reply = caller.await.unwrap();
        match reply.code().as_str() {
            "budget_exceeded" => {
                assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"));
                assert_eq!(reply.json()["error"]["limit"], "pilot");
                assert!(reply.header("retry-after").parse::<u32>().unwrap() > 60);
                assert_eq!(reply.header("x-should-retry"), "false");
                without_budget += 1;
            }
            "upstream_failed" | "upstream_unavailable" | "" => served += 1,
            other => panic!("{other}: {}", reply.text()),
        }
    }
    let spent = spent.load(Ordering::SeqCst);
    println!("{served} served, {without_budget} refused, {spent} of {TOKENS} tokens spent");
    assert!(spent <= TOKENS && served > 100 && without_budget > 100, "{served}, {without_budget}, {spent}");

    let world = Arc::into_inner(world).unwrap();
    let reply = world.send(world.request(ask(TOKENS - spent + 1, "0"))).await;
    assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"));
    let world = world.again(|_| {}).await;
    left(&world, TOKENS - spent).await;
    // Built again from the journal, it says the same.
    let world = world.again(|data| std::fs::remove_file(data.join("index.db")).unwrap()).await;
    left(&world, 0).await;
    let frames = world.frames().await;
    assert_eq!(frames.closed.iter().map(charge).sum::<u64>(), TOKENS * TOKEN);
    let unknown = frames
        .closed
        .iter()
        .filter(|closed| closed.charged.as_ref().is_some_and(|charged| charged.as_reserved));
    assert!(unknown.clone().count() > 10 && unknown.clone().all(|closed| closed.tokens.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_reserving_and_settling_neither_loses_nor_counts_twice() {
    let upstream =
        FakeUpstream::answering(|request| match request.json()["messages"][0]["content"].as_str().unwrap() {
            "hang" => Script::hang(),
            "all of it" => used(1),
            _ => used(100),
        })
        .await;
    let world = World::with(&upstream.base_url(), "", "", real_time).await;
    world.apply(&format!("{PRICED}{BUDGET}")).await;
    let World { node, key, folder, clock, key_id, .. } = world;
    let data = node.handles.settings.data.clone();
    let mut settings = node.handles.settings.as_ref().clone();
    node.stop().await.unwrap();

    let (server, at) = Server::ready(&data).await;
    let post = |body: String| {
        http::Request::post(format!("http://{}/v1/chat/completions", at.gateway))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", key.expose()))
            .body(http_body_util::Full::new(body.into()))
            .unwrap()
    };
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let settled = support::send(&client, post(ask(4_000, "hello"))).await;
    assert_eq!(settled.status, 200, "{}", settled.text());
    let hanging = tokio::spawn(client.request(post(ask(4_000, "hang"))));
    upstream.until(|count| count.requests == 2).await;
    server.kill();
    assert!(hanging.await.unwrap().is_err());

    // 100 were used, and 4,000 may have been.
    settings.gateway = "127.0.0.1:0".parse().unwrap();
    let world = World::of(support::start(settings).await, clock, key, key_id, folder);
    left(&world, 5_900).await;
    // Of those, one was used. The end that the start wrote for the call that was cut off is no second charge.
    let world = world.again(|_| {}).await;
    left(&world, 5_899).await;
    let frames = world.frames().await;
    let cut_off: Vec<&Closed> =
        frames.closed.iter().filter(|closed| closed.outcome == Outcome::Interrupted).collect();
    assert_eq!(cut_off.len(), 1);
    let charged = cut_off[0].charged.clone().unwrap();
    assert!(charged.as_reserved && charged.spend.cost.unwrap().amount == Money::from_nanos(4_000 * TOKEN));
    let opened = frames.opened.iter().find(|opened| opened.call == cut_off[0].call).unwrap();
    let reserved = opened.counted.as_ref().unwrap().reserved.unwrap();
    assert_eq!(reserved, charged.spend);
}

/// Two models, each with a budget of its own and a route of its own, and the route `bot` that falls back from the one to the other.
const FALLBACK: &str = r#"
---
apiVersion: cordon/v1
kind: Model
name: large
spec: { service: up, upstream_name: large-model, prices: [{ currency: EUR, input: "0", output: "1" }] }
---
{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}], fallback: [large]}}
---
{apiVersion: cordon/v1, kind: Route, name: only-m, spec: {team: t, targets: [{model: m}]}}
---
{apiVersion: cordon/v1, kind: Route, name: only-large, spec: {team: t, targets: [{model: large}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, only-m, only-large]}}
---
apiVersion: cordon/v1
kind: Limit
name: of-m
spec: { applies_to: { model: m }, money: { amount: "0.01", currency: EUR, window: 400d } }
---
apiVersion: cordon/v1
kind: Limit
name: of-large
spec: { applies_to: { model: large }, money: { amount: "0.01", currency: EUR, window: 400d }, requests: { count: 5, window: 400d } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_model_of_a_call_is_charged_under_its_own_limits_and_a_start_counts_on() {
    let upstream = FakeUpstream::answering(|request| {
        let (body, text) = (request.json(), request.json()["messages"][0]["content"].clone());
        match (body["model"].as_str().unwrap(), text.as_str().unwrap()) {
            ("large-model", _) => used(400),
            (_, "breaks") => Script::new().close(),
            _ => Script::json(500, &json!({ "error": { "message": "no" } })),
        }
    })
    .await;
    let world = world(&upstream.base_url(), &format!("{BUDGET}{FALLBACK}")).await;
    let key = world.issue("app", DurationMs::from_secs(3_600)).await;
    let send = async |world: &World, route: &str, tokens: u64| {
        let body = ask(tokens, "fails").replace("bot", route);
        let mut request = world.request(body);
        request.headers_mut().insert("authorization", format!("Bearer {}", key.expose()).parse().unwrap());
        told(&world.send(request).await)
    };
    for text in ["fails", "breaks"] {
        let reply = world.send(world.request(ask(1_000, text))).await;
        assert_eq!((reply.status.as_u16(), reply.header("cordon-model").as_str()), (200, "large"));
    }
    // What broke off may have used all that it asked for: 1,000 of `m`, and 800 of `large`.
    let counted = async |world: &World| {
        left_but_one(world, TOKENS - 1_800).await;
        assert_eq!(send(world, "only-m", 9_001).await, refused(429, "budget_exceeded", "of-m"));
        assert_eq!(send(world, "only-m", 9_000).await.0, 500, "it is let in, and its error costs nothing");
        assert_eq!(send(world, "only-large", 9_201).await, refused(429, "budget_exceeded", "of-large"));
    };
    counted(&world).await;
    let world = world.again(|_| {}).await;
    counted(&world).await;
    let world = world.again(|data| std::fs::remove_file(data.join("index.db")).unwrap()).await;
    counted(&world).await;
    assert_eq!(send(&world, "only-large", 9_200).await.0, 200);
    // That was its third request.
    for _ in 0..2 {
        assert_eq!(send(&world, "only-large", 1).await.0, 200);
    }
    assert_eq!(send(&world, "only-large", 1).await, refused(429, "rate_limit_exceeded", "of-large"));
}

/// Checks that no more than so many tokens are left.
async fn left_but_one(world: &World, tokens: u64) {
    let reply = world.send(world.request(ask(tokens + 1, "one too many"))).await;
    assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"), "{tokens} should be left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_gets_the_bound_of_its_own_limits_and_not_of_one_that_failed() {
    let upstream = FakeUpstream::answering(|request| match request.json()["model"].as_str().unwrap() {
        "large-model" => used(1),
        _ => Script::json(500, &json!({ "error": { "message": "no" } })),
    })
    .await;
    let tight = FALLBACK.replace("requests: { count: 5, window: 400d }", "call: { output_tokens: 1000 }");
    let world = world(&upstream.base_url(), &format!("{BUDGET}{tight}")).await;
    let reply = world.chat("hi").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("cordon-model").as_str()),
        (200, "large"),
        "{}",
        reply.text()
    );
    assert_eq!(upstream.last_request().json()["max_completion_tokens"], 1_000);
    let reply = world.send(world.request(ask(1_001, "hi"))).await;
    assert_eq!(
        told(&reply),
        refused(400, "payload_limit_exceeded", "of-large"),
        "what the caller asks for is too much"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_refusals_say_how_full_the_limits_are() {
    let limits = "
---
apiVersion: cordon/v1
kind: Limit
name: rate
spec: { applies_to: { principal: app }, requests: { count: 60, window: 1m, burst: 2 } }
---
apiVersion: cordon/v1
kind: Limit
name: tokens
spec: { applies_to: { team: t, model: m }, tokens: { count: 1000, window: 1h } }
";
    let upstream = FakeUpstream::answering(|_| used(100)).await;
    let world = world(&upstream.base_url(), limits).await;
    let shown = |reply: &Reply, of: &str| {
        ["limit", "remaining", "reset"].map(|what| reply.header(&format!("x-ratelimit-{what}-{of}")))
    };
    let reply = world.send(world.request(ask(500, "hi"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(shown(&reply, "requests"), ["60", "1", "1s"]);
    let [limit, remaining, reset] = shown(&reply, "tokens");
    // It is nine o'clock by the test's clock.
    assert_eq!((limit.as_str(), reset.as_str()), ("1000", "1h0m0s"));
    assert!((400..500).contains(&remaining.parse::<u64>().unwrap()), "{remaining}");

    world.clock.advance(DurationMs::from_secs(2));
    let reply = world.send(world.request(ask(900, "hi"))).await;
    assert_eq!(told(&reply), refused(429, "token_limit_exceeded", "tokens"));
    assert_eq!(shown(&reply, "tokens"), ["1000".to_owned(), (1000 - 109).to_string(), "59m58s".to_owned()]);
    assert_eq!(
        (reply.header("retry-after").as_str(), reply.header("x-should-retry").as_str()),
        ("3598", "false")
    );
    let reply = world.send(world.request(ask(1_500, "hi"))).await;
    assert_eq!(told(&reply), refused(400, "call_exceeds_limit", "tokens"));
    let reply = world.send(world.request(ask(1, "hi"))).await;
    assert_eq!(told(&reply), refused(429, "rate_limit_exceeded", "rate"));
    assert_eq!((reply.header("retry-after").as_str(), reply.header("x-should-retry").as_str()), ("1", ""));
    assert_eq!(shown(&reply, "requests"), ["60", "0", "2s"]);
    // Another hour, and what the last one used is gone.
    world.clock.advance(DurationMs::from_secs(3_600));
    assert_eq!(world.send(world.request(ask(900, "hi"))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_bounded_where_a_budget_has_to_know_its_end() {
    let upstream = FakeUpstream::answering(|_| used(1)).await;
    let world = world(&upstream.base_url(), "").await;
    let plain = |world: &World| world.request(support::chat("hi", false));
    let sent = |field: &str| upstream.last_request().json()[field].as_u64();
    assert_eq!(world.send(plain(&world)).await.status, 200);
    assert_eq!((sent("max_completion_tokens"), sent("max_tokens")), (None, None), "nothing counts here");

    world.apply(BUDGET).await;
    assert_eq!(world.send(plain(&world)).await.status, 200);
    assert_eq!(sent("max_completion_tokens"), Some(4_096));
    let reply = world.send(world.request(ask(Value::Null, "hi"))).await;
    assert_eq!((reply.status.as_u16(), sent("max_completion_tokens")), (200, Some(4_096)));
    let older = json!({ "model": "bot", "max_tokens": 7, "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(world.send(world.request(older.to_string())).await.status, 200);
    assert_eq!((sent("max_completion_tokens"), sent("max_tokens")), (None, Some(7)));

    world.apply(&PRICED.replace("prices", "output_field: max_tokens, prices")).await;
    world
        .apply("{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}], output_tokens: 50}}")
        .await;
    assert_eq!(world.send(plain(&world)).await.status, 200);
    assert_eq!((sent("max_completion_tokens"), sent("max_tokens")), (None, Some(50)));
    let many = json!({ "model": "bot", "n": 100, "max_tokens": 101, "messages": [{ "role": "user", "content": "hi" }] });
    let reply = world.send(world.request(many.to_string())).await;
    assert_eq!(told(&reply), refused(400, "call_exceeds_limit", "pilot"), "a hundred answers of 101 tokens");

    // A model without a price in the budget's currency: nobody could say what its calls cost.
    world.apply(&PRICED.replace("EUR", "USD")).await;
    let asked = upstream.count().requests;
    let reply = world.send(plain(&world)).await;
    assert_eq!(told(&reply), refused(503, "limits_unavailable", "pilot"));
    assert_eq!(upstream.count().requests, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_is_no_larger_and_no_longer_than_its_limits_say() {
    let limits = "
---
apiVersion: cordon/v1
kind: Limit
name: size
spec:
  applies_to: organisation
  call: { messages: 2, images: 1, tools: 1, input_tokens: 100, output_tokens: 64, duration: 400ms }
";
    let upstream = FakeUpstream::answering(|request| {
        if request.json()["messages"][0]["content"] == "hang" { Script::hang() } else { used(1) }
    })
    .await;
    let world = world(&upstream.base_url(), limits).await;
    let message = |content: Value| json!({ "role": "user", "content": content });
    let image = || json!({ "type": "image_url", "image_url": { "url": "https://example.com/a.png" } });
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name } });
    let hi = || message("hi".into());
    let cases = [
        (json!({ "messages": [hi(), hi(), hi()] }), "messages"),
        (json!({ "messages": [message(json!([image(), image()]))] }), "messages"),
        (json!({ "messages": [hi()], "tools": [tool("a"), tool("b")] }), "tools"),
        (json!({ "messages": [message("word ".repeat(200).into())] }), "messages"),
        (json!({ "messages": [hi()], "max_tokens": 65 }), "max_tokens"),
    ];
    for (mut body, param) in cases {
        body["model"] = "bot".into();
        let reply = world.send(world.request(body.to_string())).await;
        assert_eq!(told(&reply), refused(400, "payload_limit_exceeded", "size"), "{body}");
        assert_eq!(reply.json()["error"]["param"], param);
    }
    assert_eq!(upstream.count().requests, 0);
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(upstream.last_request().json()["max_completion_tokens"], 64);
    let reply = world.chat("hang").await;
    assert_eq!(told(&reply), refused(504, "call_time_exceeded", "size"));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_no_larger_than_a_limit_says_in_either_protocol() {
    let limits = "
---
apiVersion: cordon/v1
kind: Limit
name: pictures
spec: { applies_to: organisation, call: { image: { width: 1000, height: 2000, pixels: 1000000, bytes: 29 } } }
";
    // The beginning of a PNG: its size, and 29 bytes in all.
    let png = |width: u32, height: u32, more: &[u8]| {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice();
        let rest = [8, 2, 0, 0, 0].as_slice();
        let bytes = [head, &width.to_be_bytes(), &height.to_be_bytes(), rest, more].concat();
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
    };
    let upstream = FakeUpstream::answering(|_| used(1)).await;
    let world = world(&upstream.base_url(), limits).await;
    let ask = async |url: &str| {
        let image = json!([{ "type": "image_url", "image_url": { "url": url } }]);
        let body = json!({ "model": "bot", "messages": [{ "role": "user", "content": image }] });
        told(&world.send(world.request(body.to_string())).await)
    };
    let too_large = refused(400, "payload_limit_exceeded", "pictures");
    for (width, height, more, passes) in [
        (1_000, 1_000, &[][..], true),
        (500, 2_000, &[], true),
        (1_001, 1, &[], false),
        (1, 2_001, &[], false),
        (1_000, 1_001, &[], false),
        (1, 1, &[0], false),
    ] {
        let url = format!("data:image/png;base64,{}", png(width, height, more));
        let expected = if passes { refused(200, "", "") } else { too_large.clone() };
        assert_eq!(ask(&url).await, expected, "{width} x {height}");
    }
    assert_eq!(ask("https://example.com/a.png").await, too_large, "nobody knows how large it is");

    let message = async |source: Value| {
        let content = json!([{ "type": "image", "source": source }]);
        let messages = json!([{ "role": "user", "content": content }]);
        let body = json!({ "model": "bot", "max_tokens": 9, "messages": messages });
        let reply = world.send(world.post("/v1/messages", body.to_string())).await;
        (reply.status.as_u16(), reply.header("cordon-limit"))
    };
    let source = |data: String| json!({ "type": "base64", "media_type": "image/png", "data": data });
    assert_eq!(message(source(png(1_000, 1_000, &[]))).await, (200, String::new()));
    assert_eq!(message(source(png(1_001, 1, &[]))).await, (400, "pictures".to_owned()));
    assert_eq!(message(json!({ "type": "file", "file_id": "file_1" })).await, (400, "pictures".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_the_calendars_across_its_end_and_a_restart() {
    let limits = "
---
apiVersion: cordon/v1
kind: Limit
name: month
spec: { applies_to: { team: t }, tokens: { count: 1000, window: month } }
---
apiVersion: cordon/v1
kind: Limit
name: pilot
spec: { applies_to: { route: bot }, money: { amount: '0.01', currency: EUR, window: month } }
";
    let upstream =
        FakeUpstream::answering(|request| used(request.json()["max_completion_tokens"].clone())).await;
    let mut world = world(&upstream.base_url(), limits).await;
    world.key = world.issue("app", DurationMs::from_secs(30 * 86_400)).await;
    let asked = async |world: &World, tokens: u64| {
        let reply = world.send(world.request(ask(tokens, "hi"))).await;
        let shown = ["remaining", "reset"].map(|what| reply.header(&format!("x-ratelimit-{what}-tokens")));
        (reply.status.as_u16(), shown)
    };
    // It is nine o'clock on the 21st of November.
    let (status, [_, reset]) = asked(&world, 400).await;
    assert_eq!((status, reset.as_str()), (200, "231h0m0s"));
    let later = |world: &World, seconds| {
        // The log is there all the time.
        let now = world.clock.advance(DurationMs::from_secs(seconds));
        world.node.handles.gateway.confirm(now);
    };
    later(&world, 231 * 3_600 - 1);
    let (status, [remaining, reset]) = asked(&world, 700).await;
    // Nine tokens of input beside what was asked for.
    assert_eq!((status, remaining.as_str(), reset.as_str()), (429, "591", "1s"));
    let world = world.again(|_| {}).await;
    assert_eq!(asked(&world, 700).await.0, 429, "a start in the same month goes on");

    later(&world, 1);
    let (status, [_, reset]) = asked(&world, 700).await;
    assert_eq!((status, reset.as_str()), (200, "744h0m0s"), "December has 31 days");
    let (status, [remaining, _]) = asked(&world, 300).await;
    assert_eq!((status, remaining.as_str()), (429, "291"), "what November used is not December's");
    let world = world.again(|data| std::fs::remove_file(data.join("index.db")).unwrap()).await;
    let (status, [remaining, _]) = asked(&world, 300).await;
    assert_eq!((status, remaining.as_str()), (429, "291"), "nor after the sums were made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_counters_knows_the_same_months() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let client = redis::Client::open(format!("redis://{}", store.address)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (calendar, _) = include_str!("../../src/counting/take.lua").split_once("local time =").unwrap();
    let script = redis::Script::new(&format!("{calendar} return {{ window_of(0, tonumber(ARGV[1])) }}"));
    // Every 11 days and some, from 1970 to 2100.
    for at in (0..4_102_444_800_000_i64).step_by(1_000_000_007) {
        let (start, length): (i64, i64) = script.arg(at).invoke_async(&mut connection).await.unwrap();
        let expected = LimitWindow::Month.bounds(Timestamp::from_millis(at));
        assert_eq!((start, start + length), expected, "{}", Timestamp::from_millis(at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_for_what_they_name_and_nothing_else() {
    let limits = "
---
{apiVersion: cordon/v1, kind: Route, name: other, spec: {team: t, targets: [{model: m}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, other]}}
---
apiVersion: cordon/v1
kind: Limit
name: both
spec: { applies_to: { principal: app, route: other }, requests: { count: 1, window: 1h } }
---
apiVersion: cordon/v1
kind: Limit
name: everybody
spec: { applies_to: organisation, requests: { count: 4, window: 1h } }
";
    let upstream = FakeUpstream::answering(|_| used(1)).await;
    let world = world(&upstream.base_url(), limits).await;
    let key = world.issue("app", DurationMs::from_secs(3_600)).await;
    let call = async |route: &str| {
        let body = support::chat("hi", false).replace("bot", route);
        let mut request = world.request(body);
        request.headers_mut().insert("authorization", format!("Bearer {}", key.expose()).parse().unwrap());
        told(&world.send(request).await)
    };
    let passed = refused(200, "", "");
    assert_eq!(call("other").await, passed);
    assert_eq!(call("other").await, refused(429, "rate_limit_exceeded", "both"));
    assert_eq!(call("bot").await, passed);
    assert_eq!(call("bot").await, passed);
    assert_eq!(call("bot").await, refused(429, "rate_limit_exceeded", "everybody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_count_in_one_store_spend_one_budget_together() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let spent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&spent);
    let upstream = FakeUpstream::answering(move |request| {
        let asked = request.json()["max_completion_tokens"].as_u64().unwrap();
        let (tokens, script) = match request.json()["messages"][0]["content"].as_str().unwrap() {
            "no usage" => (asked, used(Value::Null)),
            "half" => (asked / 2, used(asked / 2)),
            _ => (asked, used(asked)),
        };
        counted.fetch_add(tokens, Ordering::SeqCst);
        script
    })
    .await;
    let nodes = [
        Arc::new(counted_in(&upstream.base_url(), BUDGET, Some(&store)).await),
        Arc::new(counted_in(&upstream.base_url(), BUDGET, Some(&store)).await),
    ];
    let callers: Vec<_> = (0..400_usize)
        .map(|number| {
            let world = Arc::clone(&nodes[number % 2]);
            let text = ["no usage", "half", "all"][number % 3];
            tokio::spawn(async move { world.send(world.request(ask(number * 7_919 % 100 + 1, text))).await })
        })
        .collect();
    let (mut served, mut without_budget) = (0, 0);
    for caller in callers {
        let reply = caller.await.unwrap();
        match reply.code().as_str() {
            "" => served += 1,
            "budget_exceeded" => without_budget += 1,
            other => panic!("{other}: {}", reply.text()),
        }
    }
    let spent = spent.load(Ordering::SeqCst);
    println!("{served} served, {without_budget} refused, {spent} of {TOKENS} tokens spent");
    assert!(spent <= TOKENS && served > 50 && without_budget > 50);
    let [first, second] = nodes.map(|node| Arc::into_inner(node).unwrap());
    settled(&first, TOKENS - spent).await;
    // A start forgets nothing, and neither node has a budget of its own.
    let second = second.again(|_| {}).await;
    left(&second, TOKENS - spent).await;
    left(&first, 0).await;
}

/// Waits until the store has what calls were charged at their end: it is told behind the answer.
async fn settled(world: &World, tokens: u64) {
    for _ in 0..200 {
        let reply = world.send(world.request(ask(tokens + 1, "one too many"))).await;
        assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"));
        let limits = world.node.handles.settings.counters.clone().unwrap();
        let client = redis::Client::open(limits.store.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let used: u64 = redis::cmd("HGET")
            .arg(&["{cordon}:limit:pilot:money", "used"])
            .query_async(&mut connection)
            .await
            .unwrap();
        if used == (TOKENS - tokens) * TOKEN {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("not settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_in_a_store_that_was_loosened_is_not_waited_for() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let rate = |requests: &str| {
        format!(
            "---\n{{apiVersion: cordon/v1, kind: Limit, name: rate, spec: {{applies_to: organisation, requests: {requests}}}}}\n"
        )
    };
    let upstream = FakeUpstream::answering(|_| used(1)).await;
    let slow = rate("{count: 1, window: 1d}");
    let world = counted_in(&upstream.base_url(), &slow, Some(&store)).await;
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(told(&world.chat("hi").await), refused(429, "rate_limit_exceeded", "rate"));
    // A step of a microsecond: the call that finds the old one waits for it, and no other.
    world.apply(&rate("{count: 1000000, window: 1s, burst: 1}")).await;
    let found = world.chat("hi").await;
    assert_eq!(told(&found), refused(429, "rate_limit_exceeded", "rate"));
    assert_eq!(world.chat("hi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_says_what_it_does_while_its_store_is_away() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let limits = "
---
apiVersion: cordon/v1
kind: Limit
name: lenient
spec: { applies_to: { principal: app }, requests: { count: 60, window: 1m }, when_unavailable: allow }
";
    let upstream = FakeUpstream::answering(|_| used(1)).await;
    let world = counted_in(&upstream.base_url(), limits, Some(&store)).await;
    let reply = world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.header("x-ratelimit-remaining-requests").as_str()), (200, "59"));
    let options = world.node.handles.settings.counters.clone().unwrap();
    let counters =
        SharedCounters::new(&options, &world.node.handles.settings.environment, &support::TestEntropy)
            .unwrap();
    counters.ask().await.unwrap();

    let address = store.address;
    drop(store);
    assert!(counters.ask().await.unwrap_err().contains("store of counters"));
    let reply = world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.header("x-ratelimit-remaining-requests").as_str()), (200, ""));
    world.apply(BUDGET.trim_start_matches("\n---")).await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "limits_unavailable", "pilot"));

    let _store = ServerOfOthers::redis_at(&program, address).expect("its port is free again");
    let back = async {
        while counters.ask().await.is_err() || world.chat("hi").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), back).await.expect("it comes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_in_a_store_is_a_signal_on_every_node() {
    let Some(program) = server::find("REDIS", "redis-server") else { return };
    let store = ServerOfOthers::redis(&program);
    let trigger = "
---
apiVersion: cordon/v1
kind: Trigger
name: burns
spec: { signal: { budget: { limit: pilot, above: 0.5 } }, window: 30s, action: { mode: { route: bot, mode: off } } }
";
    let upstream =
        FakeUpstream::answering(|request| used(request.json()["max_completion_tokens"].clone())).await;
    let spends = counted_in(&upstream.base_url(), BUDGET, Some(&store)).await;
    let watches = counted_in(&upstream.base_url(), &format!("{BUDGET}{trigger}"), Some(&store)).await;
    assert_eq!(watches.send(watches.request(ask(1, "mine"))).await.status, 200);
    assert_eq!(
        spends.send(spends.request(ask(6_000, "hi"))).await.status,
        200,
        "which is more than half of it"
    );
    let closed = async {
        while watches.send(watches.request(ask(1, "hi"))).await.code() != "route_off" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.expect("the other node sees it");
}

#[test]
fn frames_of_calls_without_limits_say_nothing_of_them() {
    // What no limit counts is written as it always was: its frames are not longer.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let upstream = FakeUpstream::answering(|_| used(1)).await;
        let world = world(&upstream.base_url(), "").await;
        assert_eq!(world.chat("hi").await.status, 200);
        let frames: Frames = world.frames().await;
        assert!(!frames.hold("\"counted\"") && !frames.hold("\"charged\""));
    });
}
