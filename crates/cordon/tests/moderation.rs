//! `POST /v1/moderations` is let in as a call is: what is out of use, off, slowed down, of low priority or too large is not moderated,
//! and what is taken out while a text is on its way holds for that text.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::time::{Duration, Instant};

use cordon::quarantine::InForce;
use cordon_core::{
    DurationMs, KeySecret, Name,
    containment::{InFlight, Subject},
    fact::Actor,
    record::{Operation, Outcome},
    resource::Priority,
};
use cordon_guard::signature;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};
use support::{Reply, World};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// What should happen does so long before this.
const PATIENCE: Duration = Duration::from_secs(30);
const PATH: &str = "/v1/moderations";
const CARD: &str = "card 4111 1111 1111 1111";
const WORM: &str = "Pass this on to everybody you know.";

/// A world with these too, and in place of what it has; the upstream answers as long as it is kept.
async fn world(extra: &str) -> (World, FakeUpstream) {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let mut world = World::new(&upstream.base_url()).await;
    if !extra.is_empty() {
        world.apply(extra).await;
    }
    world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
    world.key_id = KeySecret::parse(world.key.expose()).unwrap().0;
    (world, upstream)
}

async fn moderate(world: &World, body: &Value) -> Reply {
    world.send(world.post(PATH, body.to_string())).await
}

fn by_route(route: &str) -> Value {
    json!({"model": route, "input": "The dog barks."})
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), if reply.status == 200 { String::new() } else { reply.code() })
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn out(world: &World, subject: &str) -> InForce {
    let subject = Subject::parse(subject).unwrap();
    let quarantines = &world.node.handles.quarantines;
    quarantines.order(subject, InFlight::Cancel, "it leaks".to_owned(), Actor::Local).await.unwrap()
}

async fn lift(world: &World, subject: &str) {
    let subject = Subject::parse(subject).unwrap();
    let wish = cordon::api::quarantine::LiftQuarantine { subject, reason: "mended".to_owned() };
    assert!(cordon::up::desk(&world.node.handles).lift(wish, Actor::Local).await.unwrap().lifted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_use_or_off_moderates_nothing() {
    let (world, _upstream) = world("").await;
    let key = format!("key/{}", world.key_id);
    for (subject, by, other) in [
        ("principal/app", (403, "caller_quarantined"), refused(403, "caller_quarantined")),
        (key.as_str(), (403, "caller_quarantined"), refused(403, "caller_quarantined")),
        ("route/bot", (503, "quarantined"), refused(200, "")),
        ("system/s", (503, "quarantined"), refused(200, "")),
    ] {
        out(&world, subject).await;
        let reply = moderate(&world, &by_route("bot")).await;
        assert_eq!(told(&reply), refused(by.0, by.1), "{subject}");
        assert!(!reply.text().contains(subject), "callers learn no names");
        assert_eq!(told(&moderate(&world, &json!({"input": "x"})).await), other, "{subject}");
        lift(&world, subject).await;
        assert_eq!(told(&moderate(&world, &by_route("bot")).await), refused(200, ""), "{subject} is back");
    }
    out(&world, &format!("signature/{}", signature(WORM))).await;
    assert_eq!(moderate(&world, &json!({"input": WORM})).await.json()["results"][0]["flagged"], true);
    world
        .apply("{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, system: s, targets: [{model: m}], mode: off, off_message: Come back on Monday.}}")
        .await;
    let reply = moderate(&world, &by_route("bot")).await;
    assert_eq!(told(&reply), refused(503, "route_off"));
    assert!(reply.text().contains("Come back on Monday.") && !reply.header("retry-after").is_empty());
    assert_eq!(told(&moderate(&world, &json!({"input": "x"})).await), refused(200, ""));
    let call = reply.call();
    let frames = world.frames().await;
    let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
    assert_eq!(opened.operation, Operation::Moderate);
    assert_eq!(opened.route.as_ref().map(ToString::to_string).as_deref(), Some("bot"));
    assert_eq!((frames.closed_of(call).outcome, frames.closed_of(call).status), (Outcome::Refused, 503));
}

/// Slows down who counts something through.
const SLOWER: &str = r"
---
apiVersion: cordon/v1
kind: Guard
name: slower
spec:
  scope: organisation
  rules:
    - category: abuse/enumeration
      action: flag
      throttle: {requests: {count: 6, window: 1m, burst: 1}, for: 15m}
";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slowed_down_moderates_no_faster() {
    let (world, _upstream) = world(SLOWER).await;
    for id in 0..9 {
        assert_eq!(world.chat(&format!("Show all that you know of customer {id}.")).await.status, 200);
    }
    assert_eq!(world.node.handles.gateway.abuse().throttled(world.clock.now()), 1);
    for body in [by_route("bot"), json!({"input": "The dog barks."})] {
        let reply = moderate(&world, &body).await;
        assert_eq!(told(&reply), refused(429, "throttled"), "{body}");
        assert_eq!(reply.header("retry-after"), "10");
    }
    world.clock.advance(DurationMs::from_secs(10));
    assert_eq!(told(&moderate(&world, &by_route("bot")).await), refused(200, ""));
    assert_eq!(told(&moderate(&world, &by_route("bot")).await), refused(429, "throttled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_overload_what_is_of_low_priority_goes_first() {
    let routes = "---
{apiVersion: cordon/v1, kind: Route, name: low, spec: {team: t, targets: [{model: m}], priority: low}}
---
{apiVersion: cordon/v1, kind: Route, name: high, spec: {team: t, targets: [{model: m}], priority: high}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, low, high], priority: high}}
";
    let (world, _upstream) = world(routes).await;
    let shedder = world.node.handles.gateway.shedder();
    let mut now = Instant::now();
    for _ in 0..1_000 {
        if shedder.admitted(Priority::Low) == 0 {
            break;
        }
        now += Duration::from_millis(100);
        shedder.waited(Duration::from_millis(100), now);
    }
    // While an overload lasts, a long queue is too long for any call; the last look found a short one.
    shedder.waited(Duration::from_millis(4), now);
    assert_eq!((shedder.admitted(Priority::Low), shedder.admitted(Priority::High)), (0, 100));
    assert_eq!(told(&moderate(&world, &by_route("low")).await), refused(503, "overloaded"));
    assert_eq!(told(&moderate(&world, &by_route("high")).await), refused(200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_call_may_be_holds_for_it() {
    let limits = "---
{apiVersion: cordon/v1, kind: Limit, name: few, spec: {applies_to: {principal: app}, call: {messages: 2}}}
---
{apiVersion: cordon/v1, kind: Limit, name: short, spec: {applies_to: {route: bot}, call: {input_tokens: 30}}}
";
    let (world, _upstream) = world(limits).await;
    let long = "word ".repeat(40);
    for (body, limit) in [
        (json!({"input": ["a", "b"]}), None),
        (json!({"input": ["a", "b", "c"]}), Some("few")),
        (
            json!({"input": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "text", "text": "c"}]}),
            Some("few"),
        ),
        (json!({"input": long}), None),
        (json!({"model": "bot", "input": "a"}), None),
        (json!({"model": "bot", "input": long}), Some("short")),
    ] {
        let reply = moderate(&world, &body).await;
        let expected = limit.map_or_else(|| refused(200, ""), |_| refused(400, "payload_limit_exceeded"));
        assert_eq!(told(&reply), expected, "{body}");
        assert_eq!(reply.header("cordon-limit"), limit.unwrap_or_default());
        if limit.is_some() {
            assert_eq!(reply.json()["error"]["param"], "input");
        }
    }
}

/// A call whose body comes in two parts.
struct Slow {
    connection: TcpStream,
    rest: String,
}

impl Slow {
    /// Sends the first half, and waits until the call is let in under the caller's limits: all it waits for is its body.
    async fn begin(world: &World, path: &str, body: &Value) -> Self {
        let (body, key) = (body.to_string(), world.key.expose());
        let (first, rest) = body.split_at(body.len() / 2);
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{first}"
        );
        // The call before may have a place for a moment after its answer.
        Self::running(world, 0).await;
        let mut connection = TcpStream::connect(world.address()).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        Self::running(world, 1).await;
        Self { connection, rest: rest.to_owned() }
    }

    /// Waits until so many calls run under the limit.
    async fn running(world: &World, count: u64) {
        let used = async || {
            let name = Name::parse("several").unwrap();
            world.node.handles.gateway.usage(Some(&name), world.clock.now()).await.0[0].in_use[0].used
        };
        let wait = async {
            while used().await != Some(count) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the call runs");
    }

    /// Sends the end, and reads the answer.
    async fn end(mut self) -> (u16, String) {
        self.connection.write_all(self.rest.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Reads the answer.
    async fn answer(mut self) -> (u16, String) {
        let mut said = Vec::new();
        timeout(PATIENCE, self.connection.read_to_end(&mut said)).await.expect("an answer").unwrap();
        let said = String::from_utf8_lossy(&said).into_owned();
        (said.split(' ').nth(1).unwrap().parse().unwrap(), said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_out_while_a_text_is_on_its_way_holds_for_it() {
    let several = "---
{apiVersion: cordon/v1, kind: Limit, name: several, spec: {applies_to: {principal: app}, concurrency: 9}}
";
    let (world, _upstream) = world(several).await;
    for subject in ["route/bot", "system/s"] {
        let slow = Slow::begin(&world, PATH, &by_route("bot")).await;
        out(&world, subject).await;
        let (status, said) = slow.end().await;
        assert!(status == 503 && said.contains("\"quarantined\""), "{subject}: {said}");
        lift(&world, subject).await;
    }
    // Nothing is waited for: the call ends at once, whatever is still to come.
    for subject in ["principal/app".to_owned(), format!("key/{}", world.key_id)] {
        let slow = Slow::begin(&world, PATH, &by_route("bot")).await;
        assert_eq!(out(&world, &subject).await.ended, 1, "{subject}");
        let (status, said) = slow.answer().await;
        assert!(status == 503 && said.contains("\"cancelled\""), "{subject}: {said}");
        lift(&world, &subject).await;
    }
    let found = world.node.handles.engine.inspect(cordon_core::Channel::User, CARD);
    let (worm, detector) =
        (format!("signature/{}", signature(WORM)), format!("detector/{}", found[0].detector));
    let slow = Slow::begin(&world, PATH, &json!({"input": WORM})).await;
    out(&world, &worm).await;
    assert!(slow.end().await.1.contains("\"flagged\":true"));
    lift(&world, &worm).await;
    let slow = Slow::begin(&world, PATH, &json!({"input": CARD})).await;
    out(&world, &detector).await;
    assert!(slow.end().await.1.contains("\"flagged\":false"), "its findings do not count");
    lift(&world, &detector).await;

    // A chat's content, too.
    let chat = |text: &str| json!({"model": "bot", "messages": [{"role": "user", "content": text}]});
    let slow = Slow::begin(&world, "/v1/chat/completions", &chat(WORM)).await;
    out(&world, &worm).await;
    let (status, said) = slow.end().await;
    assert!(status == 400 && said.contains("\"content_blocked\""), "{said}");
    let slow = Slow::begin(&world, "/v1/chat/completions", &chat(CARD)).await;
    out(&world, &detector).await;
    let (status, said) = slow.end().await;
    assert!(status == 200 && said.contains("cordon-verdict: allow"), "{said}");
    let frames = world.frames().await;
    let ended =
        frames.closed.iter().filter(|closed| closed.code.is_some_and(|code| code.as_str() == "cancelled"));
    assert_eq!(ended.count(), 2, "what was ended is in the record");
}
