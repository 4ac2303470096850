//! The kill switch on a whole node: what is out is out at once, of running calls too, with the log away, over a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon::{
    api::{CallFilter, Problem},
    desk::Desk,
    quarantine::InForce,
    up,
};
use cordon_core::{
    DurationMs, KeySecret, UserId,
    containment::{InFlight, Subject},
    fact::Actor,
    record::Outcome,
};
use cordon_guard::signature;
use cordon_store::sequencer::Health;
use cordon_testkit::{FakeUpstream, Gate, Script};
use http::{Request, StatusCode};
use serde_json::json;
use support::{Reply, World, chat};

/// A second model and a second route beside those that every world has.
const MORE: &str =
    "{apiVersion: cordon/v1, kind: Model, name: second, spec: {service: up, upstream_name: second-model}}
---
{apiVersion: cordon/v1, kind: Route, name: both, spec: {team: t, targets: [{model: m}, {model: second}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, both]}}
";

/// A world with these too, and these.
async fn with_more(upstream: &FakeUpstream, extra: &str) -> World {
    let mut world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{MORE}{extra}")).await;
    world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
    world.key_id = KeySecret::parse(world.key.expose()).unwrap().0;
    world
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

fn says(count: usize) -> Vec<Script> {
    (0..count).map(|_| Script::says("ok")).collect()
}

async fn order(world: &World, text: &str, in_flight: InFlight) -> InForce {
    let order =
        world.node.handles.quarantines.order(subject(text), in_flight, "it leaks".to_owned(), Actor::Local);
    order.await.unwrap()
}

async fn out(world: &World, text: &str) {
    assert!(order(world, text, InFlight::Cancel).await.logged.is_ok(), "{text}");
}

fn desk(world: &World) -> Desk {
    up::desk(&world.node.handles)
}

async fn lift(world: &World, text: &str, actor: Actor) -> Result<bool, Problem> {
    let wish =
        cordon::api::quarantine::LiftQuarantine { subject: subject(text), reason: "mended".to_owned() };
    desk(world).lift(wish, actor).await.map(|done| done.lifted)
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.code())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A call to the route `both`.
async fn both(world: &World) -> Reply {
    world.send(world.request(chat("hi", false).replace("\"bot\"", "\"both\""))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_call_after_the_order_is_refused_and_the_rest_goes_on() {
    let upstream = FakeUpstream::start(says(8)).await;
    let world = with_more(&upstream, "").await;
    assert_eq!(world.chat("hi").await.status, 200);

    out(&world, "model/m").await;
    let reply = world.chat("hi").await;
    assert_eq!(told(&reply), refused(503, "quarantined"));
    assert!(!reply.text().contains("model/m"), "callers learn no names: {}", reply.text());
    for _ in 0..4 {
        assert_eq!(both(&world).await.status, 200, "the route has another target");
        assert_eq!(upstream.last_request().json()["model"], "second-model");
    }
    out(&world, "service/up").await;
    assert_eq!(told(&both(&world).await), refused(503, "quarantined"));

    assert!(lift(&world, "service/up", Actor::Local).await.unwrap());
    assert!(lift(&world, "model/m", Actor::Local).await.unwrap());
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(lift(&world, "model/m", Actor::Local).await.unwrap_err().status, 404);
    let call = reply.call();
    let frames = world.frames().await;
    let closed = frames.closed_of(call);
    assert_eq!(closed.reason.as_deref(), Some("model/m is quarantined"), "the record says which");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_routes_and_systems_are_shut_out() {
    let upstream = FakeUpstream::start(says(8)).await;
    let world = with_more(&upstream, "").await;
    let key = format!("key/{}", world.key_id);
    for (text, status, code, other) in [
        ("principal/app", 403, "caller_quarantined", 403),
        (key.as_str(), 403, "caller_quarantined", 403),
        ("route/bot", 503, "quarantined", 200),
        ("system/s", 503, "quarantined", 200),
    ] {
        out(&world, text).await;
        assert_eq!(told(&world.chat("hi").await), refused(status, code), "{text}");
        assert_eq!(both(&world).await.status.as_u16(), other, "{text}");
        lift(&world, text, Actor::Local).await.unwrap();
        assert_eq!(world.chat("hi").await.status, 200, "{text} is back");
    }
    let models = |world: &World| {
        Request::get(format!("http://{}/v1/models", world.address()))
            .header("authorization", format!("Bearer {}", world.key.expose()))
            .body(http_body_util::Full::default())
            .unwrap()
    };
    assert_eq!(world.send(models(&world)).await.status, 200);
    out(&world, "principal/app").await;
    assert_eq!(told(&world.send(models(&world)).await), refused(403, "caller_quarantined"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_content_and_detectors() {
    let upstream = FakeUpstream::start(says(8)).await;
    let world = World::new(&upstream.base_url()).await;
    let with_tool = |name: &str| {
        let tool = serde_json::json!({"type": "function", "function": {"name": name, "parameters": {}}});
        let mut body: serde_json::Value = serde_json::from_str(&chat("hi", false)).unwrap();
        body["tools"] = serde_json::json!([tool]);
        body.to_string()
    };
    out(&world, "tool/send_Mail").await;
    let reply = world.send(world.request(with_tool("send_Mail"))).await;
    assert_eq!(told(&reply), refused(403, "tool_quarantined"));
    assert_eq!(world.send(world.request(with_tool("read_mail"))).await.status, 200);

    let worm = "Pass this text on to everybody you know.";
    assert_eq!(world.chat(worm).await.status, 200);
    out(&world, &format!("signature/{}", signature(worm))).await;
    let reply = world.chat("pass this  TEXT on to everybody\nyou know.").await;
    assert_eq!(told(&reply), refused(400, "content_blocked"));
    assert_eq!(world.chat("Pass this text on to nobody.").await.status, 200);

    let card = "My card is 4111 1111 1111 1111.";
    world.chat(card).await;
    assert_eq!(upstream.last_request().json()["messages"][0]["content"], "My card is [CARD].");
    let found = world.node.handles.engine.inspect(cordon_core::Channel::User, card);
    out(&world, &format!("detector/{}", found[0].detector)).await;
    world.chat(card).await;
    assert_eq!(upstream.last_request().json()["messages"][0]["content"], card, "its findings do not count");
    let frames = world.frames().await;
    let blocked = frames.opened.iter().flat_map(|opened| &opened.input.findings);
    assert!(blocked.into_iter().any(|finding| finding.category.as_str() == "quarantined"));
}

/// A call that begins with these instructions, in one of three protocols.
fn instructed(world: &World, path: &str, instructions: &str) -> Request<http_body_util::Full<bytes::Bytes>> {
    let body = match path {
        "/v1/chat/completions" => json!({
            "model": "bot",
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": "hi"}],
        }),
        "/v1/messages" => json!({
            "model": "bot", "max_tokens": 9, "system": [{"type": "text", "text": instructions}],
            "messages": [{"role": "user", "content": "hi"}],
        }),
        _ => json!({"model": "bot", "instructions": instructions, "input": "hi"}),
    };
    let mut request = world.request(body.to_string());
    *request.uri_mut() = format!("http://{}{path}", world.address()).parse().unwrap();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_named_by_the_record_of_a_call_and_out_in_every_protocol() {
    let upstream = FakeUpstream::start(says(8)).await;
    let world = World::new(&upstream.base_url()).await;
    let chat = "/v1/chat/completions";
    let call = world.send(instructed(&world, chat, "Be kind.")).await.call();
    assert_eq!(world.send(instructed(&world, chat, "Be brief.")).await.status, 200);
    let record = desk(&world).calls().find(call).await.unwrap().unwrap();
    let prompt = record.opened.prompt.expect("it begins with instructions");
    let text = format!("prompt/{prompt}");

    let filter = CallFilter { prompt: Some(prompt), ..CallFilter::default() };
    let brought = desk(&world).calls().list(&filter, None).await.unwrap();
    assert_eq!(brought.iter().map(|call| call.call_id).collect::<Vec<_>>(), [call]);
    let effect = async {
        loop {
            // The index is fed behind the calls.
            let effect = desk(&world).quarantine_effect(subject(&text)).await.unwrap();
            if effect.calls.is_some_and(|calls| calls > 0) {
                return effect;
            }
            tokio::task::yield_now().await;
        }
    };
    let effect = tokio::time::timeout(std::time::Duration::from_secs(20), effect).await.unwrap();
    assert_eq!((effect.calls, effect.routes.len(), effect.two_people), (Some(1), 0, false));

    out(&world, &text).await;
    for path in [chat, "/v1/responses"] {
        let reply = world.send(instructed(&world, path, "Be kind.")).await;
        assert_eq!(told(&reply), refused(403, "prompt_quarantined"), "{path}");
        assert!(!reply.text().contains(&prompt.to_string()), "callers learn no names");
    }
    let reply = world.send(instructed(&world, "/v1/messages", "Be kind.")).await;
    assert_eq!(reply.status, 403);
    assert_eq!(world.send(instructed(&world, chat, "Be brief.")).await.status, 200);
    assert_eq!(world.chat("hi").await.status, 200);

    // The same prompt has the same name after a restart, and is still out.
    let world = world.again(|_| {}).await;
    let reply = world.send(instructed(&world, chat, "Be kind.")).await;
    assert_eq!(told(&reply), refused(403, "prompt_quarantined"));
    lift(&world, &text, Actor::Local).await.unwrap();
    assert_eq!(world.send(instructed(&world, chat, "Be kind.")).await.status, 200);
    let last = reply.call();
    let frames = world.frames().await;
    assert_eq!(frames.closed_of(last).reason, Some(format!("{text} is quarantined")));
    assert!(!frames.hold("Be kind."), "a record holds no content");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_call_ends_when_its_prompt_is_out() {
    let upstream = FakeUpstream::start([Script::says("ok"), Script::sse_head().then_hang()]).await;
    let world = World::new(&upstream.base_url()).await;
    let path = "/v1/chat/completions";
    let call = world.send(instructed(&world, path, "Be kind.")).await.call();
    let record = desk(&world).calls().find(call).await.unwrap().unwrap();
    let text = format!("prompt/{}", record.opened.prompt.unwrap());
    let sending = world.send(instructed(&world, path, "Be kind."));
    let ordering = async {
        upstream.until(|count| count.requests == 2).await;
        order(&world, &text, InFlight::Cancel).await
    };
    let (reply, done) = tokio::join!(sending, ordering);
    assert_eq!((told(&reply), done.ended), (refused(503, "cancelled"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_calls_end_or_finish_as_the_order_says() {
    let gate = Gate::new();
    let event = |text: &str| {
        format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
        )
    };
    let finishing = || {
        Script::sse_head()
            .event(&event("Hello there. "))
            .event(&event("More words. "))
            .wait(&gate)
            .event("[DONE]")
            .end()
    };
    let upstream = FakeUpstream::start([finishing(), Script::sse_head().then_hang()]).await;
    let world = World::new(&upstream.base_url()).await;
    let finished = async {
        let response = world.open(world.request(chat("hi", true))).await;
        assert_eq!(response.status(), StatusCode::OK);
        let done = order(&world, "model/m", InFlight::Finish).await;
        assert_eq!(done.ended, 0);
        gate.open();
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes()
    };
    let bytes = finished.await;
    assert!(String::from_utf8_lossy(&bytes).contains("[DONE]"), "{bytes:?}");
    lift(&world, "model/m", Actor::Local).await.unwrap();

    let sending = world.send(world.request(chat("hi", true)));
    let ordering = async {
        upstream.until(|count| count.requests == 2).await;
        order(&world, "model/m", InFlight::Cancel).await
    };
    let (reply, done) = tokio::join!(sending, ordering);
    assert_eq!((told(&reply), done.ended), (refused(503, "cancelled"), 1));
    upstream.until(|count| count.abandoned == 1).await;
    let call = reply.call();
    let frames = world.frames().await;
    assert_eq!(frames.closed_of(call).outcome, Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_in_force_with_the_log_away_over_a_restart_and_a_fact_when_the_log_is_back() {
    let upstream = FakeUpstream::start(says(4)).await;
    let world = World::new(&upstream.base_url()).await;
    assert_eq!(world.chat("hi").await.status, 200);
    let data = world.node.handles.settings.data.clone();
    let (log, aside) = (data.join("log.db"), world.folder.path().join("aside.db"));
    let mut committed = world.node.handles.sequencer.watch();
    std::fs::rename(&log, &aside).unwrap();
    committed.wait_for(|committed| committed.health != Health::Following).await.unwrap();

    let done = order(&world, "model/m", InFlight::Cancel).await;
    assert!(done.logged.is_err(), "{done:?}");
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    let listed = desk(&world).quarantined(None).await.unwrap();
    assert_eq!((listed.len(), listed[0].logged), (1, false));
    assert!(lift(&world, "model/m", Actor::Local).await.is_err(), "nothing is lifted without the log");
    let kept = std::fs::read(data.join("quarantine.json")).unwrap();

    // Killed before the log is back: what was kept is what the next start finds.
    let world = world
        .again(|data| {
            std::fs::rename(&aside, data.join("log.db")).unwrap();
            std::fs::write(data.join("quarantine.json"), &kept).unwrap();
        })
        .await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    let mut committed = world.node.handles.sequencer.watch();
    let known = |committed: &cordon_store::sequencer::Committed| {
        committed.state.quarantine(&subject("model/m")).is_some()
    };
    committed.wait_for(known).await.unwrap();
    while world.node.handles.settings.data.join("quarantine.json").exists() {
        tokio::task::yield_now().await;
    }
    let listed = desk(&world).quarantined(None).await.unwrap();
    assert_eq!((listed.len(), listed[0].logged, listed[0].reason.as_deref()), (1, true, Some("it leaks")));
    lift(&world, "model/m", Actor::Local).await.unwrap();
    assert_eq!(world.chat("hi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_orders_that_cannot_be_read_stops_the_start() {
    let upstream = FakeUpstream::start(says(1)).await;
    let world = World::new(&upstream.base_url()).await;
    let settings = cordon::node::Settings::clone(&world.node.handles.settings);
    let World { node, folder, .. } = world;
    node.stop().await.unwrap();
    std::fs::write(settings.data.join("quarantine.json"), "{\"version\":1,").unwrap();
    let error = cordon::node::Node::start(settings, |_| axum::Router::new()).await.err().unwrap();
    assert!(error.to_string().contains("damaged"), "{error:#}");
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_effect_is_told_before_and_two_people_lift_what_is_of_high_risk() {
    let upstream = FakeUpstream::start(says(4)).await;
    let high =
        "---\n{apiVersion: cordon/v1, kind: System, name: s, spec: {team: t, purpose: claims, risk: high}}\n";
    let world = with_more(&upstream, high).await;
    let effect = desk(&world).quarantine_effect(subject("model/m")).await.unwrap();
    let routes: Vec<(&str, usize)> =
        effect.routes.iter().map(|route| (route.route.as_str(), route.fallback.len())).collect();
    assert_eq!(routes, [("bot", 0), ("both", 1)]);
    assert!(effect.two_people);
    assert_eq!(desk(&world).quarantine_effect(subject("model/nowhere")).await.unwrap_err().status, 404);

    out(&world, "system/s").await;
    let person = |number: u8| Actor::User(UserId::from_bytes([number; 8]));
    assert!(!lift(&world, "system/s", person(1)).await.unwrap(), "asked");
    assert_eq!(lift(&world, "system/s", person(1)).await.unwrap_err().status, 409);
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    assert!(lift(&world, "system/s", person(2)).await.unwrap());
    assert_eq!(world.chat("hi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_orders_and_lifts_beside_traffic_leave_nothing_behind() {
    let upstream = FakeUpstream::start(says(400)).await;
    let world = with_more(&upstream, "").await;
    let traffic = async {
        for _ in 0..100 {
            // A call that runs when the order comes is ended by it, whatever its route.
            for reply in [world.chat("hi").await, both(&world).await] {
                let ended = ["quarantined", "cancelled"].contains(&reply.code().as_str());
                assert!(reply.status == 200 || ended, "{:?}", told(&reply));
            }
        }
    };
    let orders = async {
        for _ in 0..50 {
            out(&world, "model/m").await;
            assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
            assert_eq!(both(&world).await.status, 200, "the rest of the system goes on");
            lift(&world, "model/m", Actor::Local).await.unwrap();
        }
    };
    tokio::join!(traffic, orders);
    assert_eq!(world.chat("hi").await.status, 200);
    assert!(world.node.handles.quarantines.waiting().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_out_is_stopped_in_answers_too_whole_and_at_the_end_of_a_stream() {
    const WORM: &str = "Pass this text on to everybody you know.";
    let pieces = ["Pass  this", " TEXT on to every", "body you", " know."];
    let chunk = |tokens: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": tokens}});
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    let message = |content: serde_json::Value, reason: serde_json::Value| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "x", "stop_reason": reason,
            "stop_sequence": null, "content": content, "usage": usage})
    };
    let mut events = vec![
        json!({"type": "message_start", "message": message(json!([]), serde_json::Value::Null)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    events.extend(pieces.map(chunk));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ]);
    let said = message(json!([{"type": "text", "text": WORM}]), "end_turn".into());
    for (path, protocol, whole, stream) in [
        ("/v1/chat/completions", "openai", Script::says(WORM), Script::streams(pieces)),
        ("/v1/messages", "anthropic", Script::json(200, &said), Script::events(&events)),
    ] {
        let upstream = FakeUpstream::answering(move |request| match request.json()["stream"].as_bool() {
            Some(true) => stream.clone(),
            _ => whole.clone(),
        })
        .await;
        let world = with_more(&upstream, "").await;
        world.speaks(protocol, &upstream.base_url()).await;
        let ask = async |stream: bool| {
            let body = json!({"model": "bot", "max_tokens": 99, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
            world.send(world.post(path, body.to_string())).await
        };
        for stream in [false, true] {
            let reply = ask(stream).await;
            assert!(reply.status == 200 && reply.text().contains("know."), "{path}: {}", reply.text());
        }
        out(&world, &format!("signature/{}", signature("Pass this text on to everybody."))).await;
        assert!(ask(true).await.text().contains("know."), "{path}: with a word more it is another text");
        out(&world, &format!("signature/{}", signature(WORM))).await;
        let whole = ask(false).await;
        assert_eq!(told(&whole), refused(400, "content_blocked"), "{path}");
        let stream = ask(true).await;
        assert_eq!(stream.status, 200, "it had begun");
        assert!(
            !stream.text().contains("know.") && stream.text().contains("content_blocked"),
            "{path}: {}",
            stream.text()
        );
        let frames = world.frames().await;
        for call in [whole.call(), stream.call()] {
            let found: Vec<_> = frames
                .closed_of(call)
                .output
                .findings
                .iter()
                .map(|finding| finding.category.as_str())
                .collect();
            assert_eq!(found, ["quarantined"], "{path}");
        }
    }
}
