//! Budgets over streams: one that says what it used is charged that, and one that breaks off, or whose caller leaves, all that was
//! reserved for it, whatever it had said of its tokens before.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cordon_core::record::{Closed, Outcome};
use cordon_testkit::{FakeUpstream, Script};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{BUDGET, TOKEN, TOKENS, World, ask, charge, left, refused, told, world};

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// It comes to its end, and says how many tokens it had.
    Told(u64),
    /// It comes to its end, and says nothing of tokens.
    Untold,
    /// It says that it has had one token so far, and breaks off.
    Broken,
    /// It says that it has had one token so far; then its caller leaves it.
    Left,
}

impl Ends {
    /// The tokens that nobody can say were not used.
    const fn charged(self, asked: u64) -> u64 {
        match self {
            Self::Told(tokens) => tokens,
            Self::Untold | Self::Broken | Self::Left => asked,
        }
    }

    /// So many events, and what comes after them.
    fn script(self, whole: &[Value], begun: usize, last: Option<&str>) -> Script {
        let event = |script: Script, event: &Value| match event["type"].as_str() {
            Some(name) => script.chunk(format!("event: {name}\ndata: {event}\n\n")),
            None => script.event(&event.to_string()),
        };
        let all = |events: &[Value]| events.iter().fold(Script::sse_head(), event);
        match self {
            Self::Told(_) | Self::Untold => {
                let script = all(whole);
                last.map_or_else(|| all(whole), |last| script.event(last)).end()
            }
            Self::Broken => all(&whole[..begun]).close(),
            Self::Left => all(&whole[..begun]).then_hang(),
        }
    }
}

/// The events of a chat in two pieces, with their usage where something is said of it: so far, in each, as servers do that are asked
/// for it, and in the end.
fn chat(ends: Ends) -> Script {
    let chunk = |delta: Value, reason: Value, tokens: Option<u64>| {
        let mut chunk = json!({
            "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": "test",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }],
        });
        if let Some(tokens) = tokens {
            chunk["usage"] =
                json!({ "prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens });
        }
        chunk
    };
    let so_far = (ends != Ends::Untold).then_some(1);
    let said = |text: &str| chunk(json!({ "content": text }), Value::Null, so_far);
    let mut events = vec![said("This is the first sentence. "), said("And this "), said("is the second.")];
    let in_the_end = if let Ends::Told(tokens) = ends { Some(tokens) } else { None };
    events.push(chunk(json!({}), "stop".into(), in_the_end));
    ends.script(&events, 2, Some("[DONE]"))
}

/// The same as Anthropic's messages, which say so much of their usage in their first event.
fn message(ends: Ends) -> Script {
    let text = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let mut end =
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}});
    if let Ends::Told(tokens) = ends {
        end["usage"] = json!({"output_tokens": tokens});
    }
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "stop_reason": null, "stop_sequence": null, "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        text("This is the first sentence. "),
        text("And this "),
        text("is the second."),
        json!({"type": "content_block_stop", "index": 0}),
        end,
        json!({"type": "message_stop"}),
    ];
    ends.script(&events, 4, None)
}

/// The same as events of a response.
fn response(ends: Ends) -> Script {
    let pieces = ["This is the first sentence. ", "And this ", "is the second."];
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| json!({"type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": content});
    let whole = |status: &str, output: Value, tokens: Option<u64>| {
        let usage = tokens.map(|tokens| {
            json!({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": tokens,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 9 + tokens})
        });
        json!({"id": "resp_1", "object": "response", "created_at": 1_763_750_000, "status": status, "error": null,
            "incomplete_details": null, "model": "x", "output": output, "usage": usage})
    };
    let text = pieces.concat();
    let said = |piece: &str| json!({"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "content_index": 0, "delta": piece});
    let in_the_end = if let Ends::Told(tokens) = ends { Some(tokens) } else { None };
    let mut events = vec![
        json!({"type": "response.created", "response": whole("in_progress", json!([]), Some(1))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([]))}),
        json!({"type": "response.content_part.added", "output_index": 0, "item_id": "msg_1", "content_index": 0, "part": part("")}),
    ];
    events.extend(pieces.map(said));
    let done = item("completed", json!([part(&text)]));
    events.extend([
        json!({"type": "response.output_text.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "text": text}),
        json!({"type": "response.content_part.done", "output_index": 0, "item_id": "msg_1", "content_index": 0, "part": part(&text)}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        json!({"type": "response.completed", "response": whole("completed", json!([done]), in_the_end)}),
    ]);
    for (at, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = at.into();
    }
    ends.script(&events, 5, None)
}

/// Asks for a stream and reads it, or its first piece, as far as it goes. Gives the code of the refusal where it did not begin.
async fn read(world: &World, path: &str, body: String, ends: Ends) -> String {
    let mut response = world.open(world.post(path, body)).await;
    if response.status() != 200 {
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        return body["error"]["code"].as_str().unwrap_or_default().to_owned();
    }
    let mut said = Vec::new();
    while let Some(Ok(frame)) = response.frame().await {
        said.extend_from_slice(&frame.into_data().unwrap_or_default());
        if ends == Ends::Left && String::from_utf8_lossy(&said).contains("This is the first") {
            return String::new();
        }
    }
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("This is the first"), "{said}");
    assert_eq!(said.contains("upstream_failed"), ends == Ends::Broken, "{said}");
    String::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_many_callers_at_once_do_not_overspend_a_small_budget_however_they_end() {
    let ends = |number: u64, asked: u64| match number % 6 {
        0 | 1 => Ends::Told(asked * number % asked.max(2)),
        2 => Ends::Untold,
        3 | 4 => Ends::Broken,
        _ => Ends::Left,
    };
    let spent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&spent);
    let upstream = FakeUpstream::answering(move |request| {
        let asked = request.json()["max_completion_tokens"].as_u64().unwrap();
        let Ok(number) = request.json()["messages"][0]["content"].as_str().unwrap().parse() else {
            return super::used(asked);
        };
        assert_eq!(request.json()["stream_options"]["include_usage"], true);
        let ends = ends(number, asked);
        counted.fetch_add(ends.charged(asked), Ordering::SeqCst);
        chat(ends)
    })
    .await;
    let world = Arc::new(world(&upstream.base_url(), BUDGET).await);
    let callers: Vec<_> = (1..=600_u64)
        .map(|number| {
            let world = Arc::clone(&world);
            let asked = number * 7_919 % 100 + 1;
            let mut body: Value = serde_json::from_str(&ask(asked, &number.to_string())).unwrap();
            body["stream"] = true.into();
            let ends = ends(number, asked);
            tokio::spawn(async move { read(&world, "/v1/chat/completions", body.to_string(), ends).await })
        })
        .collect();
    let (mut served, mut without_budget) = (0, 0);
    for caller in callers {
        match caller.await.unwrap().as_str() {
            "" => served += 1,
            "budget_exceeded" => without_budget += 1,
            other => panic!("{other}"),
        }
    }
    world.node.handles.gateway.running().emptied().await;
    let spent = spent.load(Ordering::SeqCst);
    println!("{served} served, {without_budget} refused, {spent} of {TOKENS} tokens spent");
    assert!(spent <= TOKENS && served > 60 && without_budget > 60, "{served}, {without_budget}, {spent}");
    let world = Arc::into_inner(world).unwrap();
    let reply = world.send(world.request(ask(TOKENS - spent + 1, "one too many"))).await;
    assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"));
    // A start, and one that reads the journal again, say the same.
    let world = world.again(|_| {}).await;
    let reply = world.send(world.request(ask(TOKENS - spent + 1, "one too many"))).await;
    assert_eq!(told(&reply), refused(429, "budget_exceeded", "pilot"));
    let world = world.again(|data| std::fs::remove_file(data.join("index.db")).unwrap()).await;
    left(&world, TOKENS - spent).await;
    let frames = world.frames().await;
    assert_eq!(frames.closed.iter().map(charge).sum::<u64>(), TOKENS * TOKEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_each_protocol_a_stream_is_charged_what_it_said_in_the_end_or_all_that_was_reserved() {
    type Scripted = fn(Ends) -> Script;
    let cases: [(&str, &str, &str, Scripted); 3] = [
        ("/v1/chat/completions", "openai", "max_completion_tokens", chat),
        ("/v1/messages", "anthropic", "max_tokens", message),
        ("/v1/responses", "openai", "max_output_tokens", response),
    ];
    for (path, protocol, field, scripted) in cases {
        let all = [Ends::Told(70), Ends::Broken, Ends::Left, Ends::Told(3)];
        let upstream = FakeUpstream::start(all.map(scripted)).await;
        let world = world(&upstream.base_url(), "").await;
        world.speaks(protocol, &upstream.base_url()).await;
        world.apply(BUDGET.trim_start_matches("\n---")).await;
        for ends in all {
            let mut body = json!({ "model": "bot", "stream": true, field: 1_000 });
            let text = json!([{ "role": "user", "content": "hi" }]);
            body[if path == "/v1/responses" { "input" } else { "messages" }] = text;
            assert_eq!(read(&world, path, body.to_string(), ends).await, "", "{path}, {ends:?}");
            world.node.handles.gateway.running().emptied().await;
        }
        let frames = world.frames().await;
        let charged = |closed: &Closed| {
            (charge(closed) / TOKEN, closed.charged.as_ref().is_some_and(|charged| charged.as_reserved))
        };
        let charged: Vec<_> = frames.closed.iter().map(charged).collect();
        assert_eq!(charged, [(70, false), (1_000, true), (1_000, true), (3, false)], "{path}");
        assert_eq!(frames.closed[2].outcome, Outcome::CallerGone, "{path}");
    }
}
