//! Texts of requests that are held: let in by a release for what they were held for, and for nothing else.

use cordon::{api::EraseContent, node::Settings};
use cordon_core::{
    Channel, DurationMs,
    fact::Actor,
    review::{HeldId, HeldKind, Verdict},
};
use cordon_store::held::HeldBounds;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};

use super::{DAY, HeldStatus, Reply, World, all_held, desk, held, keyed, refused, review, upstream, waiting};

/// What is held by rules alone that are certain of what they find.
const RULES: &str = "---
apiVersion: cordon/v1
kind: Guard
name: people
spec:
  scope: organisation
  topics: {deny: [{name: weather, terms: [weather, rain, forecast]}]}
  rules:
    - {category: pii/email, action: hold}
    - {category: topic, action: hold}
    - {category: pii/card, action: block}
---
{apiVersion: cordon/v1, kind: Principal, name: other, spec: {team: t, routes: [bot]}}
";
const MAIL: &str = "Write to ada@example.org.";

async fn world(upstream: &FakeUpstream) -> World {
    World::with(&upstream.base_url(), "", RULES, keyed).await
}

async fn say(world: &World, messages: Value) -> Reply {
    world.send(world.request(json!({"model": "bot", "messages": messages}).to_string())).await
}

fn turns(texts: &[(&str, &str)]) -> Value {
    texts.iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_lets_this_text_of_this_caller_in_and_nothing_else() {
    let upstream = upstream().await;
    let mut world = world(&upstream).await;
    let first = world.chat(MAIL).await;
    let id = held(&first);
    assert!(!first.text().contains("ada@"), "{}", first.text());
    assert_eq!((upstream.requests().len(), held(&world.chat(MAIL).await)), (0, id));
    let view = waiting(&world).await.remove(0);
    assert_eq!((view.id, view.kind, view.channel), (id, HeldKind::Text, Some(Channel::User)));
    assert_eq!((view.bytes, view.part.as_str()), (MAIL.len() as u64, "messages/0/content"));
    // Who looks is recorded, and reads what will pass.
    let opened = desk(&world).held_content(id, Actor::Bootstrap).await.unwrap();
    assert_eq!((opened.bytes.as_slice(), opened.name), (MAIL.as_bytes(), None));
    review(&world, id, Verdict::Released).await.unwrap();
    let passed = world.chat(MAIL).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    assert_eq!(upstream.last_request().json()["messages"][0]["content"], MAIL);
    // As a turn of a longer conversation, too.
    let more = turns(&[("user", MAIL), ("assistant", "Done."), ("user", "Thanks.")]);
    assert_eq!(say(&world, more).await.status, 200);
    // Another text by one character, another channel, what is blocked beside it, and another caller are what they were.
    let changed = held(&world.chat("Write to adb@example.org.").await);
    let instructed = held(&say(&world, turns(&[("system", MAIL), ("user", "Hello.")])).await);
    assert!(changed != id && instructed != id);
    let card = say(&world, turns(&[("user", MAIL), ("user", "My card is 4111 1111 1111 1111.")])).await;
    refused(&card, 400, "content_blocked");
    world.key = world.issue("other", DurationMs::from_secs(DAY)).await;
    let others = held(&world.chat(MAIL).await);
    assert_ne!(others, id);
    // A rejection refuses it, and says so.
    review(&world, others, Verdict::Rejected).await.unwrap();
    let rejected = world.chat(MAIL).await;
    refused(&rejected, 400, "content_blocked");
    assert!(rejected.text().contains(&format!("{others}, and rejected it")), "{}", rejected.text());
    let (passed, first) = (passed.call(), first.call());
    let frames = world.frames().await;
    let input = |call| &frames.opened.iter().find(|opened| opened.call == call).unwrap().input;
    assert_eq!((input(first).held.as_slice(), input(passed).released.as_slice()), (&[id][..], &[id][..]));
    assert_eq!(frames.reads.iter().map(|read| read.held).collect::<Vec<_>>(), [Some(id)]);
    assert!(!frames.hold("ada@example.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_is_told_under_which_id_also_where_it_streams() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let mut ids = Vec::new();
    for (path, body) in [
        ("/v1/chat/completions", json!({"messages": turns(&[("user", MAIL)])})),
        ("/v1/messages", json!({"max_tokens": 9, "messages": turns(&[("user", MAIL)])})),
        ("/v1/responses", json!({"input": MAIL})),
        ("/v1/embeddings", json!({"input": MAIL})),
    ] {
        for stream in [false, true] {
            let mut body = body.clone();
            body["model"] = json!("bot");
            if path != "/v1/embeddings" {
                body["stream"] = json!(stream);
            }
            let reply = world.send(world.post(path, body.to_string())).await;
            assert_eq!(reply.status.as_u16(), 403, "{path}: {}", reply.text());
            let text = reply.text();
            let id = text.split("held as ").nth(1).and_then(|rest| rest.split(' ').next());
            ids.push(HeldId::parse(id.unwrap_or_else(|| panic!("{path}: {text}"))).unwrap());
        }
    }
    // It is one text of one caller on one route, however it comes.
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(waiting(&world).await.len(), 1);
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_is_about_is_looked_at_with_what_else_holds_it() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let weather = "What is the weather in Berlin, and will it rain tomorrow?";
    let id = held(&world.chat(weather).await);
    review(&world, id, Verdict::Released).await.unwrap();
    assert_eq!(world.chat(weather).await.status, 200);
    // Both are held for one text, and one release lets in both.
    let both = format!("{weather} {MAIL}");
    let id = held(&world.chat(&both).await);
    let found = waiting(&world).await.remove(0).findings;
    let has = |family: &str| found.iter().any(|finding| finding.category.as_str().starts_with(family));
    assert!(has("topic") && has("pii/email"), "{found:?}");
    review(&world, id, Verdict::Released).await.unwrap();
    assert_eq!(world.chat(&both).await.status, 200);
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_survive_a_restart_are_erased_and_are_bounded() {
    let upstream = upstream().await;
    let small = |settings: &mut Settings| {
        keyed(settings);
        settings.held = HeldBounds { files: 4, bytes: 1 << 20 };
    };
    let world = World::with(&upstream.base_url(), "", RULES, small).await;
    let (one, two) = ("Write to one@example.org.", "Write to two@example.org.");
    let (first, second) = (world.chat(one).await, world.chat(two).await);
    // One caller has half of the room.
    refused(&world.chat("Write to three@example.org.").await, 403, "held_no_reviewer");
    review(&world, held(&first), Verdict::Released).await.unwrap();
    let world = world.again(|_| {}).await;
    assert_eq!(world.chat(one).await.status, 200);
    assert_eq!(held(&world.chat(two).await), held(&second));
    // What is erased cannot be looked at, and is not released.
    let erase = EraseContent { call: Some(second.call()), ..EraseContent::default() };
    desk(&world).erase(erase, Actor::Local).await.unwrap();
    assert_eq!(review(&world, held(&second), Verdict::Released).await.unwrap_err().status, 410);
    assert_eq!(desk(&world).held_file(held(&first)).await.unwrap().status, HeldStatus::Released);
    // More texts than anybody looks at are refused without one of them being kept.
    let many: Vec<String> = (0..65).map(|number| format!("Write to n{number}@example.org.")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|text| ("user", text.as_str())).collect();
    let before = waiting(&world).await.len();
    refused(&say(&world, turns(&many)).await, 403, "held_no_reviewer");
    assert_eq!(waiting(&world).await.len(), before);
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_held_is_kept_for_nobody() {
    let upstream = FakeUpstream::answering(|_| Script::says(MAIL)).await;
    let world = world(&upstream).await;
    refused(&world.chat("Who do I write to?").await, 403, "held_no_reviewer");
    assert!(waiting(&world).await.is_empty());
    let several = all_held(&say(&world, turns(&[("user", MAIL), ("user", "Or to bob@example.org.")])).await);
    assert_eq!(several.len(), 2);
    world.frames().await;
}
