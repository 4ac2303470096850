//! Captured content: kept as the route says, read by nobody unrecorded, erased without breaking a proof.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::path::Path;

use cordon::{
    api::{Certificate, ContentView, EraseContent, Problem, ReleaseHold, SetHold, feedback::LabelFinding},
    desk::Desk,
    node::Settings,
    up,
};
use cordon_core::{
    CallId, DurationMs, Name,
    fact::Actor,
    feedback::{Direction, Judgement},
    record::{ContentObject, Normalised, Outcome},
    resource::SecretRef,
};
use cordon_guard::upstream::Environment;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::{Value, json};
use support::{Frames, World, binary};

const CARD: &str = "4111 1111 1111 1111";
const MAIL: &str = "ada.lovelace@example.org";
const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const GUARD: &str = "---
apiVersion: cordon/v1
kind: Guard
name: g
spec:
  scope: organisation
  rules:
    - {category: pii/card, action: redact, form: mask}
    - {category: pii/email, action: redact, form: token}
";

fn keyed(settings: &mut Settings) {
    settings.content_key = Some(SecretRef::Env("CONTENT_KEY".to_owned()));
    settings.environment = Environment::with(|name| match name {
        "CONTENT_KEY" => Some(KEY.to_owned()),
        "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
        _ => None,
    });
}

async fn world(upstream: &FakeUpstream, content: &str) -> World {
    World::with(&upstream.base_url(), content, GUARD, keyed).await
}

fn desk(world: &World) -> Desk {
    up::desk(&world.node.handles)
}

async fn show(world: &World, call: CallId) -> Result<ContentView, Problem> {
    desk(world).content(call, None, Actor::Bootstrap).await
}

/// What was said, and what was answered.
fn texts(content: &ContentView) -> (String, String) {
    let text = |object| {
        let piece = content.objects.iter().find(|piece| piece.object == object);
        piece.and_then(|piece| piece.text.clone()).unwrap_or_default()
    };
    (text(ContentObject::Request), text(ContentObject::Answer))
}

fn of_call(call: CallId) -> EraseContent {
    EraseContent { call: Some(call), reason: Some("asked for".to_owned()), ..EraseContent::default() }
}

async fn erase(world: &World, wish: EraseContent) -> Result<Certificate, Problem> {
    desk(world).erase(wish, Actor::Bootstrap).await
}

/// A call on behalf of a person.
async fn chat_of(world: &World, person: &str, text: &str) -> CallId {
    let mut request = world.request(support::chat(text, false));
    request.headers_mut().insert("x-end-user", person.parse().unwrap());
    let reply = world.send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.call()
}

/// Whether any file of a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_says_what_is_kept() {
    let said = format!("{MAIL} pays with {CARD}");
    for (content, kept) in [("none", None), ("redacted", Some(false)), ("full", Some(true))] {
        let upstream = FakeUpstream::start([
            Script::says(&format!("Thanks for {CARD}, [EMAIL_1].")),
            Script::streams(["who", "le"]),
        ])
        .await;
        let world = world(&upstream, &format!(", content: {content}")).await;
        let call = world.chat(&said).await.call();
        let streamed = world.stream("short").await.call();
        let shown = show(&world, call).await;
        match kept {
            None => assert_eq!(shown.err().map(|problem| problem.status), Some(404)),
            Some(raw) => {
                let (request, answer) = texts(&shown.unwrap());
                for (text, value) in [(&request, CARD), (&request, MAIL), (&answer, CARD)] {
                    assert_eq!(text.contains(value), raw, "{content}: {text}");
                }
                assert!(answer.contains("[EMAIL_1]"), "a value never comes back into what is kept: {answer}");
                let (request, answer) = texts(&show(&world, streamed).await.unwrap());
                assert!(request.contains("short") && answer.contains("data: "), "{request} {answer}");
            }
        }
        let data = world.node.handles.settings.data.clone();
        let folder = world.folder.path().to_owned();
        let World { node, folder: _alive, .. } = world;
        node.stop().await.unwrap();
        assert!(!holds(&folder, CARD) && !holds(&folder, MAIL), "content lies in a file as it is");
        let frames = Frames::read(&data);
        let said = &frames.closed_of(call).content;
        assert_eq!(said.len(), if kept.is_some() { 2 } else { 0 });
        // Whoever read it stands in the journal.
        let read: Vec<_> =
            frames.reads.iter().map(|read| (read.call, &read.actor, read.objects.len())).collect();
        let both = vec![(call, &Actor::Bootstrap, 2), (streamed, &Actor::Bootstrap, 2)];
        assert_eq!(read, if kept.is_some() { both } else { Vec::new() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_what_left_and_the_record_says_that_it_was_changed() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let route = ", content: redacted, normalise: {hidden: strip, unicode: nfc}";
    let world = world(&upstream, route).await;
    let said = format!("one\u{200b}\u{2060} cafe\u{301} for {MAIL}");
    let asked = support::chat(&said, false);
    let call = world.send(world.request(asked.clone())).await.call();
    let sent = upstream.last_request();
    assert_eq!(sent.json()["messages"][0]["content"], "one café for [EMAIL]");
    let (request, _) = texts(&show(&world, call).await.unwrap());
    assert!(request.contains("one café for [EMAIL]"), "{request}");
    let gateway = world.node.handles.gateway.clone();
    let frames = world.frames().await;
    let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
    assert_eq!(opened.normalised, Normalised { hidden: 2, unicode: 1, ..Normalised::default() });
    assert!(gateway.is_content(call, asked.as_bytes(), opened.request_digest.unwrap()), "as it came");
    let kept = &frames.closed_of(call).content[0];
    assert_eq!(kept.object, ContentObject::Request);
    assert!(gateway.is_content(call, &sent.body, kept.digest), "as it left");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_routes_that_capture_are_closed() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::with(&upstream.base_url(), ", content: full", "", |_| {}).await;
    let reply = world.chat("hi").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "content_unavailable"));
    let call = reply.call();
    let checks = cordon::doctor::content(
        &world.node.handles.sequencer.committed().state,
        world.node.handles.contents.is_unlocked(),
        None,
    );
    assert!(checks[0].message.contains("no key"), "{checks:?}");
    let frames = world.frames().await;
    assert_eq!(frames.closed_of(call).outcome, Outcome::Refused);
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_leaves_proofs_and_a_certificate() {
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("ok"))).await;
    let world = world(&upstream, ", content: full").await;
    let ada = chat_of(&world, "ada", "from ada").await;
    let other = chat_of(&world, "grace", "from grace").await;
    let again = chat_of(&world, "ada", "more from ada").await;
    let subject = desk(&world).calls().find(ada).await.unwrap().unwrap().opened.subject.unwrap();

    let certificate = erase(&world, of_call(ada)).await.unwrap();
    assert_eq!((certificate.calls, certificate.backups_until), (1, None));
    let gone = show(&world, ada).await.err().unwrap();
    assert_eq!(gone.status, 410, "{gone}");
    assert!(gone.detail.contains("erased"), "{gone}");
    assert!(texts(&show(&world, again).await.unwrap()).0.contains("more from ada"));

    let person = EraseContent { subject: Some(subject), ..EraseContent::default() };
    assert_eq!(erase(&world, person.clone()).await.unwrap().calls, 1);
    assert_eq!(show(&world, again).await.err().unwrap().status, 410);
    assert!(texts(&show(&world, other).await.unwrap()).0.contains("from grace"));
    // What comes after an erasure is not covered by it.
    world.clock.advance(DurationMs::from_secs(1));
    let later = chat_of(&world, "ada", "much later").await;
    assert!(texts(&show(&world, later).await.unwrap()).0.contains("much later"));
    // To erase what is gone is harmless.
    assert_eq!(erase(&world, of_call(ada)).await.unwrap().calls, 0);

    let data = world.node.handles.settings.data.clone();
    let key = world.node.handles.sequencer.committed().state.log_key().unwrap().key.clone();
    let World { node, folder: _alive, .. } = world;
    node.stop().await.unwrap();
    for call in [ada, again, other] {
        let file = data.with_file_name(format!("{call}.json"));
        let file = file.to_str().unwrap();
        let call = call.to_string();
        let proved = binary::output(&data, &["prove", "--call", &call, "-o", file]);
        assert!(proved.status.success(), "{}", String::from_utf8_lossy(&proved.stderr));
        let verified = binary::output(&data, &["verify", file, "--key", &key]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
    assert!(binary::output(&data, &["verify"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_stops_erasure_and_expiry() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = world(&upstream, ", content: full, content_retention: 7d").await;
    let held = chat_of(&world, "ada", "evidence").await;
    let free = chat_of(&world, "grace", "chatter").await;
    let name = Name::parse("case-17").unwrap();
    let wish = SetHold { name: name.clone(), call: Some(held), subject: None, reason: "a letter".to_owned() };
    assert!(desk(&world).set_hold(wish.clone(), Actor::Bootstrap).await.unwrap().changed);
    assert!(!desk(&world).set_hold(wish, Actor::Bootstrap).await.unwrap().changed);
    let holds = desk(&world).holds(None).await.unwrap();
    assert_eq!((holds.len(), holds[0].reason.as_deref()), (1, Some("a letter")));

    let subject = desk(&world).calls().find(held).await.unwrap().unwrap().opened.subject;
    for wish in [of_call(held), EraseContent { subject, ..EraseContent::default() }] {
        let refused = erase(&world, wish).await.unwrap_err();
        assert!(refused.status == 409 && refused.detail.contains("case-17"), "{refused}");
    }
    world.clock.advance(DurationMs::from_secs(8 * 86_400));
    world.node.handles.contents.retain().await.unwrap();
    assert!(texts(&show(&world, held).await.unwrap()).0.contains("evidence"));
    let expired = show(&world, free).await.err().unwrap();
    assert!(expired.status == 410 && expired.detail.contains("expired"), "{expired}");

    desk(&world).release_hold(name.clone(), ReleaseHold::default(), Actor::Bootstrap).await.unwrap();
    assert_eq!(
        desk(&world).release_hold(name, ReleaseHold::default(), Actor::Bootstrap).await.unwrap_err().status,
        404
    );
    world.node.handles.contents.retain().await.unwrap();
    assert_eq!(show(&world, held).await.err().unwrap().status, 410);
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_does_not_come_back_with_a_backup() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let mut world = world(&upstream, ", content: full").await;
    let (erased, kept) = (world.chat("to be erased").await.call(), world.chat("to be kept").await.call());
    show(&world, kept).await.unwrap();
    let data = world.node.handles.settings.data.clone();
    let copies = world.folder.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    let (keys, content) = (copies.join("keys.db"), copies.join("content.db"));
    let (keys, content) = (keys.to_str().unwrap().to_owned(), content.to_str().unwrap().to_owned());
    let run = |arguments: &[&str]| {
        let output = binary::output(&data, arguments);
        (
            output.status.success(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        )
    };
    // The machine's clock stamps a copy; the node's is set to another time, which is before.
    let taken = run(&["content", "backup", "--keys", &keys, "--content", &content, "--expires", "36500d"]);
    assert!(taken.0, "{}", taken.1);
    assert!(!run(&["content", "backup", "--keys", &keys, "--content", &content, "--expires", "1d"]).0);

    let certificate = erase(&world, of_call(erased)).await.unwrap();
    assert!(certificate.backups_until.is_some(), "a copy may still hold the key");
    // With an older copy in its place, opened as it is: a copy does not serve.
    world = {
        let settings = Settings::clone(&world.node.handles.settings);
        let World { node, clock, key, key_id, folder, .. } = world;
        node.stop().await.unwrap();
        let restored = run(&["content", "restore", "--keys", &keys, "--content", &content]);
        assert!(!restored.0 && restored.1.contains("is there already"), "{}", restored.1);
        for file in ["keys.db", "content.db"] {
            std::fs::rename(data.join(file), data.join(format!("former-{file}"))).unwrap();
        }
        std::fs::copy(&keys, data.join("keys.db")).unwrap();
        let refused = cordon::node::Node::start(settings.clone(), |_| axum::Router::new()).await;
        let why = format!("{:#}", refused.err().unwrap());
        assert!(why.contains("is a backup"), "{why}");
        for entry in std::fs::read_dir(&data).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("keys.db") || name.starts_with("content.db") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let restored = run(&["content", "restore", "--keys", &keys, "--content", &content]);
        assert!(restored.0 && restored.1.contains("1 key(s)"), "{}", restored.1);
        let node = cordon::node::Node::start(settings, |_| axum::Router::new()).await.unwrap();
        World::of(node, clock, key, key_id, folder)
    };
    assert_eq!(show(&world, erased).await.err().unwrap().status, 410);
    assert!(texts(&show(&world, kept).await.unwrap()).0.contains("to be kept"));
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_that_was_put_in_place_by_hand_is_erased_again_at_the_start() {
    let upstream = FakeUpstream::start((0..2).map(|_| Script::says("ok"))).await;
    let world = world(&upstream, ", content: full").await;
    let (erased, kept) = (world.chat("to be erased").await.call(), world.chat("to be kept").await.call());
    show(&world, kept).await.unwrap();
    let mut older = Vec::new();
    let world = world
        .again(|data| {
            older.extend(
                ["keys.db", "content.db"].map(|file| (file, std::fs::read(data.join(file)).unwrap())),
            );
        })
        .await;
    erase(&world, of_call(erased)).await.unwrap();
    let world = world
        .again(|data| older.iter().for_each(|(file, bytes)| std::fs::write(data.join(file), bytes).unwrap()))
        .await;
    assert_eq!(show(&world, erased).await.err().unwrap().status, 410);
    assert!(texts(&show(&world, kept).await.unwrap()).0.contains("to be kept"));
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_bring_the_texts_that_were_kept() {
    let said = format!("{MAIL} pays with {CARD}");
    for (content, without) in
        [("none", json!("not_captured")), ("redacted", json!("altered")), ("full", json!(null))]
    {
        let upstream = FakeUpstream::start([]).await;
        let world = world(&upstream, &format!(", content: {content}")).await;
        let call = world.chat(&said).await.call();
        for finding in [0, 1] {
            let judgement = if finding == 0 { Judgement::FalseAlarm } else { Judgement::Right };
            let wish = LabelFinding { call, direction: Direction::Request, finding, judgement };
            desk(&world).label(wish, Actor::Bootstrap).await.unwrap();
        }
        let data = world.node.handles.settings.data.clone();
        let server = format!("http://{}", world.node.control);
        let labels = async |more: &'static [&'static str]| -> Vec<Value> {
            let (data, server) = (data.clone(), server.clone());
            let asking =
                move || binary::output(&data, &[&["calls", "labels", "--server", &server], more].concat());
            let output = tokio::task::spawn_blocking(asking).await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let bare = labels(&[]).await;
        assert_eq!(bare.len(), 2);
        assert!(
            bare.iter().all(|line| line["without"] == "not_asked" && line.get("text").is_none()),
            "{bare:?}"
        );
        let lines = labels(&["--content"]).await;
        let of = |label: &str| lines.iter().find(|line| line["label"] == label).unwrap();
        assert_eq!(
            (of("negative")["judgement"].as_str(), of("positive")["judgement"].as_str()),
            (Some("false_alarm"), Some("right"))
        );
        for line in &lines {
            assert_eq!(
                (&line["without"], line["captured"].as_array().map_or(0, Vec::len)),
                (&without, if content == "none" { 0 } else { 2 }),
                "{line}"
            );
            assert_eq!(line.get("text").is_some(), content == "full", "{line}");
        }
        if content == "full" {
            let (text, span) = (of("positive")["text"].as_str().unwrap(), &of("positive")["spans"][0]);
            let bytes = |key: &str| usize::try_from(span[key].as_u64().unwrap()).unwrap();
            assert_eq!(text, said);
            assert!([CARD, MAIL].contains(&text.get(bytes("start")..bytes("end")).unwrap()), "{span}");
        }
        let World { node, folder: _alive, .. } = world;
        node.stop().await.unwrap();
        // Each call is read once, which is recorded, and none for who asks for no content.
        assert_eq!(Frames::read(&data).reads.len(), usize::from(content != "none"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_opens_nothing_and_a_new_one_can_take_its_place() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = world(&upstream, ", content: full").await;
    let call = world.chat("sealed").await.call();
    show(&world, call).await.unwrap();
    let data = world.node.handles.settings.data.clone();
    let mut settings = Settings::clone(&world.node.handles.settings);
    let World { node, clock, key, key_id, folder, .. } = world;
    node.stop().await.unwrap();
    let new = "ff".repeat(32);
    let with_new = new.clone();
    settings.environment = Environment::with(move |_| Some(with_new.clone()));
    let refused = cordon::node::Node::start(settings.clone(), |_| axum::Router::new()).await.err().unwrap();
    assert!(format!("{refused:#}").contains("not the one of this store"), "{refused:#}");
    let mut command = binary::command(&data, &["content", "rewrap", "--old", "env:OLD", "--new", "env:NEW"]);
    let output = command.env("OLD", KEY).env("NEW", &new).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let node = cordon::node::Node::start(settings, |_| axum::Router::new()).await.unwrap();
    let world = World::of(node, clock, key, key_id, folder);
    assert!(texts(&show(&world, call).await.unwrap()).0.contains("sealed"));
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_cannot_be_recorded_is_not_given() {
    let upstream = FakeUpstream::start([Script::says("ok")]).await;
    let world = world(&upstream, ", content: full").await;
    let call = world.chat("secret plan").await.call();
    show(&world, call).await.unwrap();
    let desk = desk(&world);
    let journal = std::sync::Arc::clone(&world.node.handles.journal);
    tokio::task::spawn_blocking(move || journal.close()).await.unwrap();
    let refused = desk.content(call, None, Actor::Bootstrap).await.err().unwrap();
    assert_eq!((refused.status, refused.title.as_str()), (503, "it cannot be recorded"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_of_high_risk_that_keeps_nothing_is_pointed_at() {
    let upstream = FakeUpstream::start([]).await;
    let world = World::new(&upstream.base_url()).await;
    let high = "apiVersion: cordon/v1\nkind: System\nname: s\nspec: {team: t, purpose: credit, risk: high}\n";
    let reading =
        cordon::declare::read(&[cordon::declare::Source { name: "s.yaml".into(), bytes: high.into() }]);
    let documents = cordon::api::Documents { documents: reading.declaration.to_json(), recent: 0 };
    let plan = desk(&world).plan(documents.clone()).await.unwrap();
    assert!(plan.warnings.len() == 1 && plan.warnings[0].contains("Route `bot`"), "{:?}", plan.warnings);
    let done = desk(&world).apply(documents, Actor::Bootstrap).await.unwrap();
    assert_eq!(done.warnings, plan.warnings);
    let state = world.node.handles.sequencer.committed().state;
    assert!(cordon::doctor::content(&state, false, None)[0].message.contains("Route `bot`"));
}
