//! Calls of tools that are held: a release lets in one, and no more than one.

use cordon_core::{
    DurationMs,
    fact::Actor,
    review::{HeldId, HeldKind, Verdict},
};
use cordon_testkit::{FakeUpstream, Request, Script};
use serde_json::{Value, json};

use super::{DAY, HeldStatus, Reply, World, desk, keyed, review, waiting};

/// A tool that acts outside is called in clean conversations, or after a person has looked.
const TOOL: &str = "---
apiVersion: cordon/v1
kind: Tool
name: pay
spec: {effects: {acts_outside: true, untrusted_content: false}, max_taint: {content: clean, action: hold}}
---
{apiVersion: cordon/v1, kind: Principal, name: other, spec: {team: t, routes: [bot]}}
";
const CALL: &str = r#"{"arguments":{"amount":100,"to":"Ada"},"name":"pay"}"#;

/// A model that calls the tool, as often as the request's first word says, with what stands behind it.
fn pays(request: &Request) -> Script {
    let request = request.json();
    if request.get("input").is_some() {
        return responds(&request);
    }
    let content = &request["messages"][0]["content"];
    let asked = content.as_str().or_else(|| content[0]["text"].as_str()).unwrap_or_default();
    let (times, arguments) = asked.split_once(' ').unwrap();
    let calls: Vec<Value> = (0..times.parse().unwrap())
        .map(|at: u32| {
            json!({"index": at, "id": format!("c{at}"), "type": "function", "function": {"name": "pay", "arguments": arguments}})
        })
        .collect();
    if request["stream"] != json!(true) {
        return Script::json(
            200,
            &json!({"id": "x", "object": "chat.completion", "created": 1, "model": "test", "choices": [
                {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": calls}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        );
    }
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "test",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        .to_string()
    };
    Script::sse_head()
        .event(&chunk(json!({"role": "assistant", "content": "I pay now. "}), Value::Null))
        .event(&chunk(json!({"tool_calls": calls}), Value::Null))
        .event(&chunk(json!({}), json!("tool_calls")))
        .event("[DONE]")
        .end()
}

/// The same of one call, in the words of the Responses API.
fn responds(request: &Value) -> Script {
    let asked = request["input"][0]["content"].as_str().unwrap();
    let (_, arguments) = asked.split_once(' ').unwrap();
    let call = |arguments: &str, status: &str| json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "pay", "arguments": arguments, "status": status});
    let begun = json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "error": null,
        "incomplete_details": null, "model": "test", "output": [], "usage": null});
    let mut whole = begun.clone();
    whole["status"] = json!("completed");
    whole["output"] = json!([call(arguments, "completed")]);
    whole["usage"] = json!({"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2});
    if request["stream"] != json!(true) {
        return Script::json(200, &whole);
    }
    let mut events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": call("", "in_progress")}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": arguments}),
        json!({"type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_1", "arguments": arguments}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": call(arguments, "completed")}),
        json!({"type": "response.completed", "response": whole}),
    ];
    for (at, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(at);
    }
    Script::events(&events)
}

async fn world() -> (FakeUpstream, World) {
    let upstream = FakeUpstream::answering(pays).await;
    let world = World::with(&upstream.base_url(), "", TOOL, keyed).await;
    (upstream, world)
}

/// A request in which a document has entered, in the words of a protocol.
async fn send(world: &World, path: &str, asked: &str, stream: bool) -> Reply {
    let document = json!({"type": "text", "text": "An invoice.", "cordon": {"origin": "document"}});
    let mut body = match path {
        "/v1/responses" => json!({"input": [
            {"role": "user", "content": asked},
            {"role": "user", "content": [{"type": "input_text", "text": "An invoice.", "cordon": {"origin": "document"}}]}]}),
        _ => json!({"messages": [
            {"role": "user", "content": asked}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": [document]}]}),
    };
    if path == "/v1/messages" {
        body["max_tokens"] = json!(99);
    }
    (body["model"], body["stream"]) = (json!("bot"), json!(stream));
    world.send(world.post(path, body.to_string())).await
}

/// The id that an answer says that nothing of the call is in.
fn held(reply: &Reply, streamed: bool) -> HeldId {
    let text = reply.text();
    assert_eq!(reply.status.as_u16(), if streamed { 200 } else { 403 }, "{text}");
    assert!(!text.contains("amount"), "{text}");
    let id = text.split("held as ").nth(1).and_then(|rest| rest.split(' ').next());
    HeldId::parse(id.unwrap_or_else(|| panic!("{text}"))).unwrap()
}

fn passed(reply: &Reply) {
    let text = reply.text();
    assert!(reply.status == 200 && text.contains("amount") && !text.contains("held as"), "{text}");
}

const CHAT: &str = "/v1/chat/completions";
const ONCE: &str = r#"1 {"amount":100,"to":"Ada"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_release_lets_in_one_call_and_the_next_is_held_again() {
    let (_upstream, mut world) = world().await;
    let first = send(&world, CHAT, ONCE, false).await;
    let id = held(&first, false);
    assert_eq!(first.code(), "held");
    assert_eq!(held(&send(&world, CHAT, ONCE, false).await, false), id);
    let view = waiting(&world).await.remove(0);
    assert_eq!((view.id, view.kind, view.call), (id, HeldKind::ToolCall, first.call()));
    assert_eq!(desk(&world).held_content(id, Actor::Bootstrap).await.unwrap().bytes, CALL.as_bytes());
    review(&world, id, Verdict::Released).await.unwrap();
    // Another argument, another caller, and twice in one answer are other things to decide about.
    let other = held(&send(&world, CHAT, r#"1 {"amount":101,"to":"Ada"}"#, false).await, false);
    let twice = held(&send(&world, CHAT, r#"2 {"amount":100,"to":"Ada"}"#, false).await, false);
    let other_key = world.issue("other", DurationMs::from_secs(DAY)).await;
    let own = std::mem::replace(&mut world.key, other_key);
    let others = held(&send(&world, CHAT, ONCE, false).await, false);
    world.key = own;
    assert!(other != id && others != id && others != other && twice != id);
    review(&world, twice, Verdict::Released).await.unwrap();
    passed(&send(&world, CHAT, r#"2 {"amount":100,"to":"Ada"}"#, false).await);
    let id = held(&send(&world, CHAT, ONCE, false).await, false);
    assert_ne!(id, view.id, "both releases are used");
    review(&world, id, Verdict::Released).await.unwrap();
    // However it is written.
    let used = send(&world, CHAT, r#"1 { "to": "Ada", "amount": 100 }"#, false).await;
    passed(&used);
    let again = send(&world, CHAT, ONCE, false).await;
    let next = held(&again, false);
    assert_ne!(next, id);
    assert_eq!(desk(&world).held_file(id).await.unwrap().status, HeldStatus::Used);
    assert_eq!(review(&world, id, Verdict::Released).await.unwrap_err().status, 409);
    assert!(waiting(&world).await.iter().any(|view| view.id == next));
    // A restart brings no use back.
    let world = world.again(|_| {}).await;
    assert_eq!(held(&send(&world, CHAT, ONCE, false).await, false), next);
    review(&world, next, Verdict::Released).await.unwrap();
    let world = world.again(|_| {}).await;
    passed(&send(&world, CHAT, ONCE, false).await);
    let last = held(&send(&world, CHAT, ONCE, false).await, false);
    review(&world, last, Verdict::Rejected).await.unwrap();
    let rejected = send(&world, CHAT, ONCE, false).await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.code().as_str()),
        (400, "content_blocked"),
        "{}",
        rejected.text()
    );
    let whole = view.id;
    let (first, used, again) = (first.call(), used.call(), again.call());
    let frames = world.frames().await;
    let output = |call| &frames.closed_of(call).output;
    assert_eq!((output(first).held.as_slice(), output(used).released.as_slice()), (&[whole][..], &[id][..]));
    assert_eq!((output(again).held.as_slice(), output(again).released.len()), (&[next][..], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_protocol_whole_and_streamed_uses_a_release_once() {
    let (_upstream, world) = world().await;
    for path in [CHAT, "/v1/messages", "/v1/responses"] {
        for stream in [false, true] {
            let id = held(&send(&world, path, ONCE, stream).await, stream);
            review(&world, id, Verdict::Released).await.unwrap();
            passed(&send(&world, path, ONCE, stream).await);
            let next = held(&send(&world, path, ONCE, stream).await, stream);
            assert_ne!(next, id, "{path} {stream}");
            // What nobody has decided about waits for the next of them.
            review(&world, next, Verdict::Released).await.unwrap();
            passed(&send(&world, path, ONCE, stream).await);
        }
    }
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_use_one_release_once() {
    let (_upstream, world) = world().await;
    let id = held(&send(&world, CHAT, ONCE, false).await, false);
    review(&world, id, Verdict::Released).await.unwrap();
    let one = || send(&world, CHAT, ONCE, false);
    let all: [Reply; 4] = tokio::join!(one(), one(), one(), one()).into();
    let passed = all.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(passed, 1);
    // Without the file nobody knows whether a release was used, so it is not.
    let next = held(&send(&world, CHAT, ONCE, false).await, false);
    review(&world, next, Verdict::Released).await.unwrap();
    let world = world.again(|data| std::fs::remove_file(data.join("held.db")).unwrap()).await;
    assert_ne!(held(&send(&world, CHAT, ONCE, false).await, false), next);
    world.frames().await;
}

/// What a person let in is beside what detectors and guards said, whichever way it went.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_names_what_people_let_in_of_the_request_and_of_the_answer() {
    const MAIL: &str = "---\n{apiVersion: cordon/v1, kind: Guard, name: people, spec: {scope: organisation, rules: [{channels: [user], category: pii/email, action: hold}]}}\n";
    let upstream = FakeUpstream::answering(pays).await;
    let world = World::with(&upstream.base_url(), "", &format!("{TOOL}{MAIL}"), keyed).await;
    let asked = r#"1 {"amount":100,"to":"ada@example.org"}"#;
    let of_request = super::held(&send(&world, CHAT, asked, false).await);
    review(&world, of_request, Verdict::Released).await.unwrap();
    let of_answer = super::held(&send(&world, CHAT, asked, false).await);
    assert_ne!(of_answer, of_request);
    review(&world, of_answer, Verdict::Released).await.unwrap();
    let passed = send(&world, CHAT, asked, false).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    let read = async |path: String| super::ask(&world, "GET", &path, "text/plain", String::new()).await;
    let page = read(format!("/calls/{}", passed.call())).await.text();
    let record = read(format!("/api/v1/calls/{}", passed.call())).await.json();
    for (word, verdict, id) in [
        ("request", &record["opened"]["input"], of_request),
        ("answer", &record["closed"]["output"], of_answer),
    ] {
        assert_eq!(verdict["released"], json!([id.to_string()]), "{word}: {record}");
        assert_eq!(
            page.matches(&format!("Content of its {word} was released: ")).count(),
            1,
            "{word}: {page}"
        );
        assert!(page.matches(&format!("/held/{id}")).count() >= 2, "who decided is a row of its own: {page}");
    }
    world.frames().await;
}
