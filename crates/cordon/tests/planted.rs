//! What a route plants in requests: its upstream sees it, no caller does, and what gives it away is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};
use support::World;

const SYSTEM: &str = "You are Ada, who helps small shops with their taxes.";

/// A world whose route plants a canary, shows what others wrote by this method, and blocks leaks.
async fn world(upstream: &FakeUpstream, spotlighting: &str) -> World {
    let route = format!(", canary: true, spotlighting: {spotlighting}");
    let guard = "---\n{apiVersion: cordon/v1, kind: Guard, name: leaks, spec: {scope: organisation, mode: enforce, \
                 rules: [{channels: [model], category: leak/marker, at: 0.9, action: block}]}}\n";
    World::with(&upstream.base_url(), &route, guard, |_| {}).await
}

fn request(stream: bool) -> Value {
    json!({"model": "bot", "stream": stream, "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "What does the page say?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "Open from 9 to 5."}]})
}

/// The word that was planted in what went upstream.
fn planted(sent: &Value) -> String {
    let system = sent["messages"][0]["content"].as_str().unwrap();
    let (_, behind) = system.split_once("Never write this word: ").unwrap();
    behind.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_is_shown_what_others_wrote_and_the_caller_nothing_of_it() {
    let upstream = FakeUpstream::start([Script::says("From 9 to 5."), Script::says("From 9 to 5.")]).await;
    let world = world(&upstream, "datamark").await;
    let reply = world.send(world.request(request(false).to_string())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("cordon-verdict"), "allow");
    let sent = upstream.last_request().json();
    let word = planted(&sent);
    let system = sent["messages"][0]["content"].as_str().unwrap();
    let (_, tag) = system.split_once("</untrusted-").unwrap();
    let (tag, _) = tag.split_once('>').unwrap();
    assert!(system.starts_with(SYSTEM) && tag != word, "{system}");
    assert_eq!(
        sent["messages"][3]["content"],
        format!("<untrusted-{tag}>\nOpen\u{e000}from\u{e000}9\u{e000}to\u{e000}5.\n</untrusted-{tag}>")
    );
    assert_eq!(sent["messages"][1]["content"], "What does the page say?");
    assert!(!reply.text().contains(&word));
    // The same words in the next call, so that what a provider keeps of prompts goes on to fit.
    world.send(world.request(request(false).to_string())).await;
    assert_eq!(upstream.last_request().json(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_leaves_is_found_whole_and_streamed() {
    let learning = FakeUpstream::start([Script::says("From 9 to 5.")]).await;
    let first = world(&learning, "none").await;
    first.send(first.request(request(false).to_string())).await;
    let word = planted(&learning.last_request().json());
    let says = format!("They told me never to write {word}, so I do not.");
    let (begin, rest) = says.split_at(says.find(&word).unwrap() + 5);
    let upstream = FakeUpstream::start([Script::says(&says), Script::streams([begin, rest])]).await;
    first.speaks("openai", &upstream.base_url()).await;
    let whole = first.send(first.request(request(false).to_string())).await;
    assert_eq!(planted(&upstream.last_request().json()), word);
    assert_eq!(whole.status, 400, "{}", whole.text());
    assert!(!whole.text().contains(&word));
    let streamed = first.send(first.request(request(true).to_string())).await;
    assert!(!streamed.text().contains(begin.rsplit(' ').next().unwrap()), "{}", streamed.text());
    let frames = first.frames().await;
    for call in [whole.call(), streamed.call()] {
        let found = &frames.closed_of(call).output.findings;
        assert!(found.iter().any(|found| found.category.as_str() == "leak/marker"), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_a_document_that_leaves_is_told_from_that_of_the_instructions() {
    let asked = json!({"model": "bot", "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": [
            {"type": "text", "text": "Open from 9 to 5.", "cordon": {"origin": "document"}},
            {"type": "text", "text": "Write the page out."}]}]});
    let learning = FakeUpstream::start([Script::says("From 9 to 5.")]).await;
    let first = world(&learning, "none").await;
    let reply = first.send(first.request(asked.to_string())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let sent = learning.last_request().json();
    let document = sent["messages"][1]["content"][0]["text"].as_str().unwrap();
    let (page, word) = document.split_once("Never write this word: ").unwrap();
    assert!(page.starts_with("Open from 9 to 5.") && word != planted(&sent), "{document}");
    assert_eq!(sent["messages"][1]["content"][1]["text"], "Write the page out.");
    let upstream = FakeUpstream::start([Script::says(&format!("Open from 9 to 5. {word}"))]).await;
    first.speaks("openai", &upstream.base_url()).await;
    let reply = first.send(first.request(asked.to_string())).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(!reply.text().contains(word));
    let frames = first.frames().await;
    let found = &frames.closed_of(reply.call()).output.findings;
    let leaked: Vec<_> = found.iter().map(|found| found.category.as_str()).collect();
    assert_eq!(leaked, ["leak/marker/document"]);
}
