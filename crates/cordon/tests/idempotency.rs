//! Requests that are sent again under one key: done once, answered as before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use bytes::Bytes;
use cordon_core::DurationMs;
use cordon_testkit::FakeUpstream;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use support::{Reply, World};

struct Control {
    world: World,
    token: String,
}

fn document(name: &str) -> Value {
    json!({"documents": [{"apiVersion": "cordon/v1", "kind": "Team", "name": name, "spec": {}}]})
}

impl Control {
    async fn new() -> Self {
        let upstream = FakeUpstream::start([]).await;
        let world = World::new(&upstream.base_url()).await;
        let token = std::fs::read_to_string(world.folder.path().join("data/admin.token")).unwrap();
        Self { world, token: token.trim().to_owned() }
    }

    fn request(&self, method: &str, path: &str, key: &str, body: &Value) -> Request<Full<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}/api/v1{path}", self.world.node.control))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        request.body(Full::new(Bytes::from(body.to_string()))).unwrap()
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.world.send(self.request("POST", path, key, body)).await
    }

    /// How many facts the log holds, but for those about who used the administrator's token.
    fn facts(&self) -> usize {
        self.world.node.handles.sequencer.committed().state.resources().count()
    }
}

fn replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_answered_again_and_not_done_again() {
    let control = Control::new().await;
    let first = control.post("/apply", "one", &document("a")).await;
    assert_eq!((first.status.as_u16(), replayed(&first)), (200, false), "{}", first.text());
    let delete = control.request("DELETE", "/resources/Team/a", "two", &Value::Null);
    assert_eq!(control.world.send(delete).await.status, 200);
    let before = control.facts();
    // The key in quotes is the same; without it the team would be there again.
    for key in ["one", "\"one\""] {
        let again = control.post("/apply", key, &document("a")).await;
        assert_eq!((again.status.as_u16(), replayed(&again)), (200, true));
        assert_eq!(again.json(), first.json());
        assert_eq!(again.header("content-type"), "application/json");
    }
    assert_eq!(control.facts(), before);

    // Another body, another path, another method: another request.
    let other = [
        control.post("/apply", "one", &document("b")).await,
        control.post("/plan", "one", &document("a")).await,
        control.world.send(control.request("DELETE", "/resources/Team/t", "one", &Value::Null)).await,
    ];
    for reply in other {
        assert_eq!(reply.problem(), (422, "idempotency_key".to_owned()));
    }
    assert_eq!(control.post("/apply", "a b", &document("b")).await.problem(), (400, "malformed".to_owned()));
    assert_eq!(control.facts(), before);

    // Another one's key is another key.
    let user = json!({"login": "somebody", "role": "admin"});
    let enrolment = control.post("/users", "user", &user).await.json();
    let password = "correct horse battery staple";
    let wish = json!({"secret": enrolment["secret"], "password": password});
    assert_eq!(control.post("/enrol", "e", &wish).await.status, 200);
    let wish = json!({"login": "somebody", "password": password, "token": {"label": "laptop"}});
    let made = control.post("/login/token", "l", &wish).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let theirs = Control { token: made.json()["token"].as_str().unwrap().to_owned(), ..control };
    let reply = theirs.post("/apply", "one", &document("a")).await;
    assert_eq!((reply.status.as_u16(), replayed(&reply)), (200, false));
    assert_eq!(theirs.facts(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_tried_anew() {
    let control = Control::new().await;
    let delete = || control.world.send(control.request("DELETE", "/resources/Team/late", "k", &Value::Null));
    assert_eq!(delete().await.status, 404);
    assert_eq!(control.post("/apply", "m", &document("late")).await.status, 200);
    let done = delete().await;
    assert_eq!((done.status.as_u16(), replayed(&done)), (200, false));
    assert!(replayed(&delete().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_are_one() {
    let control = Control::new().await;
    let user = json!({"login": "twin", "role": "viewer"});
    let add = || control.post("/users", "same", &user);
    let (one, two, three, four) = tokio::join!(add(), add(), add(), add());
    let replies = [one, two, three, four];
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(done, 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        let (status, word) = reply.problem();
        assert_eq!(status, 409);
        assert!(word == "underway" || word == "answered", "{word}");
        assert_eq!(reply.header("retry-after"), if word == "underway" { "1" } else { "" });
    }
    let twin = document("twin");
    let apply = || control.post("/apply", "apply", &twin);
    let (one, two, three, four) = tokio::join!(apply(), apply(), apply(), apply());
    let replies = [one, two, three, four];
    assert_eq!(replies.iter().filter(|reply| reply.status == 200 && !replayed(reply)).count(), 1);
    assert!(
        replies.iter().all(|reply| reply.status == 200 || reply.problem() == (409, "underway".to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_kept_and_answers_outlive_the_server_for_a_day() {
    let control = Control::new().await;
    let user = json!({"login": "somebody", "role": "viewer"});
    let made = control.post("/users", "user", &user).await;
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let first = control.post("/apply", "one", &document("a")).await;
    assert_eq!(first.status, 200);
    let Control { world, token } = control;
    let password = "correct horse battery staple";
    let world = world
        .again(|data| {
            let bytes = std::fs::read(data.join("identity.db")).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!holds(&secret) && holds("\"changes\""));
        })
        .await;
    let control = Control { world, token };
    for body in [user, json!({"login": "other", "role": "viewer"})] {
        let again = control.post("/users", "user", &body).await;
        assert_eq!(again.problem(), (409, "answered".to_owned()));
        assert!(!again.text().contains(&secret) && again.text().contains("help: "));
    }
    let again = control.post("/apply", "one", &document("a")).await;
    assert_eq!((replayed(&again), again.json()), (true, first.json()));
    // Passwords are in no digest either: any request under the key of one that was done is answered alike.
    let enrol = json!({"secret": secret, "password": password});
    assert_eq!(control.post("/enrol", "enrol", &enrol).await.status, 200);
    let guess = json!({"secret": secret, "password": "a guess"});
    assert_eq!(control.post("/enrol", "enrol", &guess).await.problem(), (409, "answered".to_owned()));

    control.world.clock.advance(DurationMs::from_secs(24 * 3600));
    let anew = control.post("/apply", "one", &document("a")).await;
    assert_eq!((anew.status.as_u16(), replayed(&anew)), (200, false));
    assert_eq!(anew.json()["changes"], json!([]));
}
