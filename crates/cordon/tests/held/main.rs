//! What is held of requests: kept sealed, looked at by somebody who is recorded, let in by a release and by nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "../support/mod.rs"]
mod support;
mod texts;
mod tools;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use cordon::{
    api::{
        EraseContent, Problem,
        held::{HeldStatus, HeldView, HeldWhich, ReviewHeld},
    },
    desk::Desk,
    node::Settings,
    up,
};
use cordon_core::{
    DurationMs, KeySecret, UserId,
    command::{NewUser, Wish},
    fact::Actor,
    identity::{Origin, Role},
    resource::SecretRef,
    review::{HeldId, Verdict},
};
use cordon_guard::upstream::Environment;
use cordon_store::held::HeldBounds;
use cordon_testkit::{FakeUpstream, Script};
use http::Request;
use http_body_util::Full;
use serde_json::json;
use support::{Reply, World};

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// What is proposed for files is done, and a second caller is on the same route.
const MORE: &str = "---
apiVersion: cordon/v1
kind: Guard
name: files
spec:
  scope: organisation
  rules:
    - {channels: [user, document, tool_output], category: file, at: 0.5, action: hold}
    - {channels: [user, document, tool_output], category: file, at: 0.9, action: block}
    - {category: pii/card, action: block}
    - {category: pii/email, action: hold}
---
{apiVersion: cordon/v1, kind: Principal, name: other, spec: {team: t, routes: [bot]}}
";
/// Files of which nobody can say what they are.
const ONE: &[u8] = b"\x13\x37\x01one: nothing that anybody knows\x00\x01\x02\x03";
const TWO: &[u8] = b"\x13\x37\x02two: nothing that anybody knows\x00\x01\x02\x03";
const DAY: u64 = 86_400;

fn keyed(settings: &mut Settings) {
    settings.content_key = Some(SecretRef::Env("CONTENT_KEY".to_owned()));
    settings.environment = Environment::with(|name| match name {
        "CONTENT_KEY" => Some(KEY.to_owned()),
        "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
        _ => None,
    });
}

async fn upstream() -> FakeUpstream {
    FakeUpstream::answering(|_| Script::says("ok")).await
}

async fn world(upstream: &FakeUpstream) -> World {
    World::with(&upstream.base_url(), "", MORE, keyed).await
}

fn desk(world: &World) -> Desk {
    up::desk(&world.node.handles)
}

/// A chat that brings this file.
fn chat(world: &World, key: &KeySecret, text: &str, file: &[u8]) -> Request<Full<Bytes>> {
    let data = format!("data:application/octet-stream;base64,{}", BASE64_STANDARD.encode(file));
    let body = json!({"model": "bot", "messages": [{"role": "user", "content": [
        {"type": "text", "text": text},
        {"type": "file", "file": {"filename": "secret-plan.bin", "file_data": data}},
    ]}]});
    let mut request = world.request(body.to_string());
    let bearer = format!("Bearer {}", key.expose());
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    request
}

async fn send(world: &World, file: &[u8]) -> Reply {
    world.send(chat(world, &world.key, "What is in it?", file)).await
}

async fn waiting(world: &World) -> Vec<HeldView> {
    desk(world).held_files(HeldWhich::Waiting, None, 100).await.unwrap()
}

fn because(reason: &str) -> ReviewHeld {
    ReviewHeld { reason: reason.to_owned(), expires: None }
}

async fn review(world: &World, id: HeldId, verdict: Verdict) -> Result<(), Problem> {
    desk(world).review_held(id, verdict, because("looked at it"), Actor::Local).await.map(drop)
}

/// Refused as held; gives the ids that the caller is told.
fn all_held(reply: &Reply) -> Vec<HeldId> {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "held"), "{}", reply.text());
    let said = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    let ids = said.split("held as ").nth(1).unwrap().split(" until").next().unwrap();
    ids.split(", ").map(|id| HeldId::parse(id).unwrap_or_else(|_| panic!("{said}"))).collect()
}

/// The same of one.
fn held(reply: &Reply) -> HeldId {
    let ids = all_held(reply);
    assert_eq!(ids.len(), 1, "{}", reply.text());
    ids[0]
}

fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_lets_these_bytes_of_this_caller_in_and_nothing_else() {
    let upstream = upstream().await;
    let mut world = world(&upstream).await;
    let other = world.issue("other", DurationMs::from_secs(DAY * 30)).await;
    let first = send(&world, ONE).await;
    let id = held(&first);
    assert!(!first.text().contains("secret-plan"), "{}", first.text());
    assert_eq!(upstream.requests().len(), 0);
    // Who sends it again while it waits is told the same, and it waits once.
    assert_eq!(held(&send(&world, ONE).await), id);
    let listed = waiting(&world).await;
    assert_eq!(listed.len(), 1);
    let view = &listed[0];
    assert_eq!((view.id, view.call, view.status), (id, first.call(), HeldStatus::Waiting));
    assert_eq!((view.bytes, view.part.as_str()), (ONE.len() as u64, "messages/0/content/1/file/file_data"));
    assert!(view.findings.iter().any(|finding| finding.category.as_str() == "file/unknown_type"));

    let others = held(&world.send(chat(&world, &other, "What is in it?", ONE)).await);
    assert_ne!(others, id, "what another caller sends is another thing to decide about");
    review(&world, id, Verdict::Released).await.unwrap();
    let passed = send(&world, ONE).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    assert_eq!(upstream.requests().len(), 1);
    // Another file, another caller, and what is blocked, or held for something else than a file, are what they were.
    let second = held(&send(&world, TWO).await);
    assert_eq!(held(&world.send(chat(&world, &other, "What is in it?", ONE)).await), others);
    let card = world.send(chat(&world, &world.key, "My card is 4111 1111 1111 1111.", ONE)).await;
    refused(&card, 400, "content_blocked");
    let mail = held(&world.send(chat(&world, &world.key, "Write to ada@example.org.", ONE)).await);
    let both = all_held(&world.send(chat(&world, &world.key, "Write to ada@example.org.", TWO)).await);
    assert!(both.len() == 2 && both.contains(&mail) && both.contains(&second), "{both:?}");
    review(&world, mail, Verdict::Rejected).await.unwrap();
    let executable = [b"MZ".as_slice(), &[0; 64]].concat();
    refused(&send(&world, &executable).await, 400, "content_blocked");

    // A rejection refuses without holding it again, and says so.
    review(&world, second, Verdict::Rejected).await.unwrap();
    let rejected = send(&world, TWO).await;
    refused(&rejected, 400, "content_blocked");
    assert!(rejected.text().contains(&format!("{second}, and rejected it")), "{}", rejected.text());
    assert_eq!(waiting(&world).await.iter().map(|view| view.id).collect::<Vec<_>>(), [others]);
    // A release ends.
    world.clock.advance(DurationMs::from_secs(8 * DAY));
    world.key = world.issue("app", DurationMs::from_secs(DAY)).await;
    let again = held(&send(&world, ONE).await);
    assert_ne!(again, id);

    let (passed, rejected, first) = (passed.call(), rejected.call(), first.call());
    let frames = world.frames().await;
    let input = |call| &frames.opened.iter().find(|opened| opened.call == call).unwrap().input;
    assert_eq!((input(first).held.as_slice(), input(first).released.len()), ([id].as_slice(), 0));
    assert_eq!((input(passed).released.as_slice(), input(passed).action.as_str()), ([id].as_slice(), "flag"));
    assert_eq!(input(rejected).rejected, [second]);
    assert!(!frames.hold("secret-plan"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_was_decided_survive_a_restart() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let (one, two) = (held(&send(&world, ONE).await), held(&send(&world, TWO).await));
    review(&world, one, Verdict::Released).await.unwrap();
    let world = world.again(|_| {}).await;
    assert_eq!(send(&world, ONE).await.status, 200);
    assert_eq!(held(&send(&world, TWO).await), two);
    review(&world, two, Verdict::Released).await.unwrap();
    assert_eq!(send(&world, TWO).await.status, 200);
    // Without the folder's list nothing passes that the log does not let in, and what it lets in passes.
    let world = world.again(|data| std::fs::remove_file(data.join("held.db")).unwrap()).await;
    assert!(waiting(&world).await.is_empty());
    assert_eq!(send(&world, TWO).await.status, 200);
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_is_recorded_and_what_is_gone_or_another_is_not_released() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let first = send(&world, ONE).await;
    let id = held(&first);
    let opened = desk(&world).held_content(id, Actor::Bootstrap).await.unwrap();
    assert_eq!((opened.bytes.as_slice(), opened.name.as_deref()), (ONE, Some("secret-plan.bin")));
    let erase = EraseContent { call: Some(first.call()), ..EraseContent::default() };
    let two = held(&send(&world, TWO).await);
    desk(&world).erase(erase, Actor::Local).await.unwrap();
    assert_eq!(desk(&world).held_content(id, Actor::Bootstrap).await.unwrap_err().status, 410);
    assert_eq!(review(&world, id, Verdict::Released).await.unwrap_err().status, 410);
    refused(&send(&world, ONE).await, 403, "held");
    review(&world, two, Verdict::Released).await.unwrap();
    assert_eq!(send(&world, TWO).await.status, 200);
    let unknown = HeldId::from_bytes([9; 16]);
    assert_eq!(review(&world, unknown, Verdict::Rejected).await.unwrap_err().status, 404);
    let frames = world.frames().await;
    let reads: Vec<_> = frames.reads.iter().map(|read| (read.call, read.held)).collect();
    assert_eq!(reads, [(first.call(), Some(id))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_releases_their_own() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let [ann, ben, cid] = [1, 2, 3].map(|number| UserId::from_bytes([number; 8]));
    for (id, login) in [(ann, "ann@example.org"), (ben, "Ben@example.org"), (cid, "cid@example.org")] {
        let new =
            NewUser { id, origin: Origin::Local, role: Role::Operator, login: login.to_owned(), name: None };
        world.node.handles.sequencer.wish(Wish::AddUser(new), Actor::Local).await.unwrap();
    }
    let sent = async |by: &str| {
        let mut request = chat(&world, &world.key, "What is in it?", ONE);
        request.headers_mut().insert("x-end-user", by.parse().unwrap());
        held(&world.send(request).await)
    };
    let id = sent("Ann@example.org").await;
    // Who sends what waits already has sent it, too.
    assert_eq!(sent("ben@Example.org").await, id);
    let desk = desk(&world);
    let by = |who| desk.review_held(id, Verdict::Released, because("mine"), Actor::User(who));
    for who in [ann, ben] {
        let own = by(who).await.unwrap_err();
        assert_eq!((own.status, own.r#type.as_str()), (409, "urn:cordon:problem:oneself"), "{own}");
    }
    by(cid).await.unwrap();
    let view = desk.held_file(id).await.unwrap();
    let decided = view.review.unwrap();
    assert_eq!((view.status, decided.by), (HeldStatus::Released, Actor::User(cid)));
    assert_eq!(decided.reason.as_deref(), Some("mine"));
    world.frames().await;
}

/// Asks the control listener with the administrator's token.
async fn ask(world: &World, method: &str, path: &str, kind: &str, body: String) -> Reply {
    let admin = std::fs::read_to_string(world.node.handles.settings.data.join("admin.token")).unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", world.node.control))
        .header("authorization", format!("Bearer {}", admin.trim()))
        .header("content-type", kind)
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    world.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_and_the_console_show_it_and_decide() {
    let upstream = upstream().await;
    let world = world(&upstream).await;
    let (one, two) = (held(&send(&world, ONE).await), held(&send(&world, TWO).await));
    let get = async |path: String| ask(&world, "GET", &path, "text/plain", String::new()).await;
    let listed = get("/api/v1/held?limit=1".to_owned()).await.json();
    // Of two that came in the same millisecond either is the first.
    let (first, second) = (one.min(two), one.max(two));
    assert_eq!(listed["items"][0]["id"], first.to_string());
    let next = get(format!("/api/v1/held?limit=1&cursor={}", listed["next"].as_str().unwrap())).await.json();
    assert_eq!((&next["items"][0]["id"], next.get("next")), (&json!(second.to_string()), None));
    let bytes = get(format!("/api/v1/held/{one}/content")).await;
    assert_eq!((bytes.status.as_u16(), bytes.body.as_ref()), (200, ONE));
    for (header, said) in [
        ("content-type", "application/octet-stream".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("content-disposition", format!("attachment; filename=\"held-{one}.bin\"")),
        ("cordon-file-name", "secret-plan.bin".to_owned()),
    ] {
        assert_eq!(bytes.header(header), said);
    }
    let (overview, page) = (get("/".to_owned()).await.text(), get("/held".to_owned()).await.text());
    assert!(overview.contains("2 held items wait") && page.contains(&format!("/held/{one}")), "{page}");
    let page = get(format!("/held/{one}")).await.text();
    assert!(page.contains("file/unknown_type") && page.contains(&format!("/api/v1/held/{one}/content")));
    assert!(!page.contains("secret-plan"), "what the caller says stays out of pages");

    let form = async |id: HeldId, fields: &str| {
        let kind = "application/x-www-form-urlencoded";
        ask(&world, "POST", &format!("/held/{id}"), kind, fields.to_owned()).await
    };
    assert_eq!(form(one, "verdict=released&reason=").await.status, 409);
    assert_eq!(form(one, "verdict=maybe&reason=x").await.status, 400);
    let done = form(one, "verdict=released&reason=%3Cb%3Efine").await;
    assert_eq!((done.status.as_u16(), done.location()), (303, format!("/held/{one}")));
    let page = get(format!("/held/{one}")).await.text();
    assert!(page.contains("released") && page.contains("&lt;b&gt;fine") && !page.contains("<b>fine"));
    let passed = send(&world, ONE).await;
    assert_eq!(passed.status, 200);
    let page = get(format!("/calls/{}", passed.call())).await.text();
    assert!(
        page.contains("a person: ") && page.contains("review"),
        "who released it is beside what guards did: {page}"
    );
    let wish = json!({"reason": "no", "expires": "1h"}).to_string();
    let path = format!("/api/v1/held/{two}/reject");
    let rejected = ask(&world, "POST", &path, "application/json", wish).await.json();
    assert_eq!(
        (&rejected["verdict"], &rejected["ends"]),
        (&json!("rejected"), &json!("2026-11-21T10:00:00.000Z"))
    );
    let csv = get("/held?which=all&format=csv".to_owned()).await.text();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let metrics = get("/metrics".to_owned()).await.text();
    for line in [
        "cordon_held_waiting 0",
        "cordon_held_total 2",
        "cordon_held_reviewed_total{verdict=\"released\"} 1",
        "cordon_held_review_seconds_count 2",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}");
    }
    world.frames().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_held_and_let_in_the_same_way() {
    let upstream = FakeUpstream::answering(|request| {
        let mut about = json!({"id": "file-0", "object": "file", "bytes": 1, "created_at": 1, "purpose": "user_data", "status": "processed"});
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let name = body.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("x");
        about["filename"] = json!(name);
        Script::json(200, &about)
    })
    .await;
    let world = world(&upstream).await;
    let upload = async || {
        let part = "--form\r\nContent-Disposition: form-data; name=";
        let mut body = format!("{part}\"purpose\"\r\n\r\nuser_data\r\n{part}\"file\"; filename=\"secret-plan.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n").into_bytes();
        body.extend_from_slice(ONE);
        body.extend_from_slice(b"\r\n--form--\r\n");
        let mut request = world.post("/v1/files", body);
        let kind = "multipart/form-data; boundary=form".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        request.headers_mut().insert("x-end-user", "ann@example.org".parse().unwrap());
        world.send(request).await
    };
    let id = held(&upload().await);
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(waiting(&world).await[0].part, "file");
    // It is the same file where it comes in a message.
    assert_eq!(held(&send(&world, ONE).await), id);
    review(&world, id, Verdict::Released).await.unwrap();
    let passed = upload().await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    let call = passed.call();
    let frames = world.frames().await;
    // Who is behind an upload is known as of any call.
    assert!(frames.opened.iter().any(|opened| opened.call == call && opened.subject.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_kept_there_is_no_reviewer() {
    let upstream = upstream().await;
    let locked = World::with(&upstream.base_url(), "", MORE, |_| {}).await;
    refused(&send(&locked, ONE).await, 403, "held_no_reviewer");
    locked.frames().await;
    // With one file waiting there is no room for another; a decision makes room.
    let small = |settings: &mut Settings| {
        keyed(settings);
        settings.held = HeldBounds { files: 1, bytes: 1 << 20 };
    };
    let full = World::with(&upstream.base_url(), "", MORE, small).await;
    let id = held(&send(&full, ONE).await);
    let none = send(&full, TWO).await;
    refused(&none, 403, "held_no_reviewer");
    // Nothing is sealed that nobody can find.
    let kept = full.node.handles.contents.store().objects(none.call()).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
    assert_eq!(held(&send(&full, ONE).await), id);
    review(&full, id, Verdict::Rejected).await.unwrap();
    held(&send(&full, TWO).await);
    // What its time is over for waits no more.
    full.clock.advance(DurationMs::from_secs(31 * DAY));
    assert!(waiting(&full).await.is_empty());
    full.frames().await;
}
