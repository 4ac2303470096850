//! Pages of lists: whatever their size, and whatever is done meanwhile, they are the list as it was when it began.
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
use cordon_core::{
    Digest, DurationMs, Name,
    command::{NewHold, Wish},
    evidence::ContentScope,
    fact::Actor,
};
use cordon_testkit::{FakeUpstream, Script};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use support::{Reply, World};

struct Lists {
    world: World,
    token: String,
    made: u32,
}

impl Lists {
    async fn new(upstream: &FakeUpstream) -> Self {
        let world = World::new(&upstream.base_url()).await;
        let token = std::fs::read_to_string(world.folder.path().join("data/admin.token")).unwrap();
        let mut lists = Self { world, token: token.trim().to_owned(), made: 0 };
        for _ in 0..7 {
            lists.more().await;
        }
        lists
    }

    /// Something more in every list: before, between and behind what is there.
    async fn more(&mut self) {
        self.made += 1;
        let n = self.made;
        let name = ["a", "m", "z"][n as usize % 3];
        self.world
            .apply(&format!("{{apiVersion: cordon/v1, kind: Team, name: {name}{n}, spec: {{}}}}"))
            .await;
        self.world.clock.advance(DurationMs::from_secs(1));
        self.world.issue("app", DurationMs::from_secs(86_400)).await;
        let user = json!({"login": format!("{name}{n}@example.com"), "role": "viewer"});
        assert_eq!(self.post("/users", &user).await.status, 200);
        let hold = NewHold {
            name: Name::parse(&format!("{name}{n}")).unwrap(),
            scope: ContentScope::Subject(Digest::sha256(name.as_bytes())),
            reason: format!("why {n}"),
        };
        self.world.node.handles.sequencer.wish(Wish::SetHold(hold), Actor::Local).await.unwrap();
        self.world
            .apply(&format!(
                "{{apiVersion: cordon/v1, kind: System, name: s, spec: {{team: t, purpose: \"for {n}\", risk: minimal}}}}"
            ))
            .await;
        assert_eq!(self.world.chat("Is anybody there?").await.status, 200);
        // Somebody's session: a person who chooses a password and signs in with it.
        let enrolment =
            self.post("/users", &json!({"login": format!("in{n}"), "role": "viewer"})).await.json();
        let password = "correct horse battery staple";
        let wish = json!({"secret": enrolment["secret"], "password": password});
        assert_eq!(self.post("/enrol", &wish).await.status, 200);
        let wish = json!({"login": format!("in{n}"), "password": password});
        assert_eq!(self.post("/login", &wish).await.status, 200);
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}/api/v1{path}", self.world.node.control))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        self.world.send(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, Some(body)).await
    }

    async fn page(&self, path: &str, limit: usize, cursor: Option<&str>) -> Value {
        let mark = if path.contains('?') { '&' } else { '?' };
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let reply = self.ask("GET", &format!("{path}{mark}limit={limit}{cursor}"), None).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }
}

const PATHS: [&str; 8] = [
    "/resources",
    "/resources?kind=Team",
    "/keys",
    "/calls",
    "/users",
    "/sessions",
    "/holds",
    "/resources/System/s/history",
];

/// What makes a thing of a list the same thing. The rest may change while somebody turns pages: who signs in is known then.
fn which(path: &str, thing: &Value) -> Value {
    match path {
        "/users" | "/sessions" => thing["id"].clone(),
        _ => thing.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_are_the_list_as_it_was() {
    let upstream = FakeUpstream::start((0..100).map(|_| Script::says("Yes.")).collect::<Vec<_>>()).await;
    let mut lists = Lists::new(&upstream).await;
    for limit in [1, 2, 3, 7, 1_000] {
        let mut begun = Vec::new();
        for path in PATHS {
            let whole = lists.page(path, 10_000, None).await;
            assert_eq!(whole.get("next"), None, "{path}");
            let whole: Vec<Value> =
                whole["items"].as_array().unwrap().iter().map(|thing| which(path, thing)).collect();
            assert!(whole.len() >= 7, "{path}: {}", whole.len());
            let first = lists.page(path, limit, None).await;
            begun.push((path, whole, first));
        }
        lists.more().await;
        for (path, whole, mut page) in begun {
            let mut turned = Vec::new();
            loop {
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= limit);
                turned.extend(items.iter().map(|thing| which(path, thing)));
                let Some(next) = page.get("next").and_then(Value::as_str) else { break };
                assert_eq!(items.len(), limit);
                let next = next.to_owned();
                page = lists.page(path, limit, Some(&next)).await;
            }
            if path == "/sessions" {
                // They are no part of the log: who signed in meanwhile comes last.
                turned.truncate(whole.len());
            }
            assert_eq!(turned, whole, "{path} by {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_outlives_the_server_and_leads_nowhere_else() {
    let upstream = FakeUpstream::start((0..20).map(|_| Script::says("Yes.")).collect::<Vec<_>>()).await;
    let mut lists = Lists::new(&upstream).await;
    let whole = lists.page("/resources", 10_000, None).await;
    let first = lists.page("/resources", 3, None).await;
    let next = first["next"].as_str().unwrap().to_owned();
    lists.more().await;
    // The states that it held are gone; the log is not.
    let Lists { world, token, made } = lists;
    let lists = Lists { world: world.again(|_| {}).await, token, made };
    let rest = lists.page("/resources", 10_000, Some(&next)).await;
    let items = |page: &Value| page["items"].as_array().unwrap().clone();
    assert_eq!([items(&first), items(&rest)].concat(), items(&whole));

    for (path, cursor) in [("/keys", next.as_str()), ("/resources?kind=Team", &next), ("/resources", "AQ")] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let reply = lists.ask("GET", &format!("{path}{mark}cursor={cursor}"), None).await;
        assert_eq!(reply.problem(), (422, "cursor".to_owned()), "{path}");
        assert!(reply.json()["detail"].as_str().unwrap().contains("help: begin again"));
    }
    // A position that this log has not reached, as after it was taken from a backup.
    let other = Lists::new(&upstream).await;
    for _ in 0..3 {
        lists.world.issue("app", DurationMs::from_secs(60)).await;
    }
    let ahead = lists.page("/resources", 3, None).await;
    let reply =
        other.ask("GET", &format!("/resources?cursor={}", ahead["next"].as_str().unwrap()), None).await;
    assert_eq!(reply.problem(), (422, "cursor".to_owned()), "{}", reply.text());
}
