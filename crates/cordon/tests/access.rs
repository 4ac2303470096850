//! People and their access, over HTTP: signing in, what each role may do, what a page of somebody else may not.
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
use cordon::{
    identity::Site,
    node::{Node, Settings},
};
use cordon_core::{
    DurationMs, Timestamp, UserId,
    command::Wish,
    fact::{Actor, Body},
};
use cordon_testkit::{ManualClock, TempDir};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use support::{Reply, start};

const PASSWORD: &str = "seven quiet herons by the weir";

/// A served node, and somebody who talks to its control listener.
struct Desk {
    node: Node,
    clock: ManualClock,
    client: Client<HttpConnector, Full<Bytes>>,
    admin: String,
    _folder: TempDir,
}

/// How a request shows who sends it.
#[derive(Clone, Debug, Default)]
struct Show {
    bearer: Option<String>,
    cookie: Option<String>,
    csrf: Option<String>,
    origin: Option<String>,
}

fn bearer(token: &str) -> Show {
    Show { bearer: Some(token.to_owned()), ..Show::default() }
}

impl Desk {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
        let mut settings = support::settings(&folder, &clock);
        change(&mut settings);
        let node = start(settings).await;
        let admin =
            std::fs::read_to_string(folder.path().join("data/admin.token")).unwrap().trim().to_owned();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { node, clock, client, admin, _folder: folder }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.node.control)
    }

    async fn ask(&self, method: Method, path: &str, show: &Show, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin()));
        for (name, value) in [
            ("authorization", show.bearer.as_ref().map(|token| format!("Bearer {token}"))),
            ("cookie", show.cookie.clone()),
            ("cordon-csrf", show.csrf.clone()),
            ("origin", show.origin.clone()),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(request.body(Full::new(body.into())).unwrap()).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        support::send(&self.client, request).await
    }

    async fn get(&self, path: &str, show: &Show) -> Reply {
        self.ask(Method::GET, &format!("/api/v1{path}"), show, None).await
    }

    async fn post(&self, path: &str, show: &Show, body: Value) -> Reply {
        self.ask(Method::POST, &format!("/api/v1{path}"), show, Some(body)).await
    }

    /// Adds somebody who chooses the password. Gives the id.
    async fn user(&self, login: &str, role: &str) -> String {
        let wish = json!({"login": login, "role": role});
        let added = self.post("/users", &bearer(&self.admin), wish).await;
        assert_eq!(added.status, 200, "{:?}", added.body);
        let secret = added.json()["secret"].clone();
        let wish = json!({"secret": secret, "password": PASSWORD});
        let enrolled = self.post("/enrol", &Show::default(), wish).await;
        assert_eq!(enrolled.status, 200, "{:?}", enrolled.body);
        added.json()["user"]["id"].as_str().unwrap().to_owned()
    }

    async fn token(&self, login: &str) -> String {
        let made =
            self.post("/login/token", &Show::default(), json!({"login": login, "password": PASSWORD})).await;
        assert_eq!(made.status, 200, "{:?}", made.body);
        made.json()["token"].as_str().unwrap().to_owned()
    }

    async fn login(&self, login: &str, password: &str) -> Reply {
        let show = Show { origin: Some(self.origin()), ..Show::default() };
        self.post("/login", &show, json!({"login": login, "password": password})).await
    }

    /// Signs a browser in.
    async fn browser(&self, login: &str) -> Show {
        let reply = self.login(login, PASSWORD).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        let csrf = reply.json()["csrf"].as_str().unwrap().to_owned();
        Show { bearer: None, cookie: Some(reply.cookie()), csrf: Some(csrf), origin: Some(self.origin()) }
    }

    fn later(&self, time: DurationMs) {
        self.clock.advance(time);
    }

    async fn facts(&self) -> Vec<cordon_core::Fact> {
        let log = self.node.handles.sequencer.loader().log().clone();
        let head = log.head().await.unwrap();
        log.read(0, head).await.unwrap().iter().map(|stored| stored.decode().unwrap()).collect()
    }
}

const MINUTE: DurationMs = DurationMs::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_makes_people_and_every_use_of_the_token_is_a_fact() {
    let desk = Desk::new().await;
    let nobody = desk.get("/users", &Show::default()).await;
    assert_eq!(nobody.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    for _ in 0..30 {
        let reply = desk.get("/users", &bearer(&desk.admin)).await;
        assert!(reply.headers["cordon-warning"].to_str().unwrap().contains("cordon user add"));
    }
    let uses = |facts: Vec<cordon_core::Fact>| -> Vec<u64> {
        facts
            .iter()
            .filter_map(|fact| match &fact.body {
                Body::BootstrapUsed(usage) => Some(usage.uses),
                _ => None,
            })
            .collect()
    };
    assert_eq!(uses(desk.facts().await), [1]);
    desk.later(MINUTE);
    desk.get("/me", &bearer(&desk.admin)).await;
    assert_eq!(uses(desk.facts().await), [1, 30]);

    let id = desk.user("Alex@Example.com ", "operator").await;
    let twice = desk
        .post("/users", &bearer(&desk.admin), json!({"login": "alex@example.com", "role": "viewer"}))
        .await;
    assert_eq!(twice.problem(), (409, "taken".to_owned()));
    let token = desk.token("ALEX@example.com").await;
    let me = desk.get("/me", &bearer(&token)).await;
    assert!(me.headers.get("cordon-warning").is_none());
    let me = me.json();
    assert_eq!(
        (&me["actor"], &me["role"], &me["login"]),
        (&json!({"user": id}), &json!("operator"), &json!("alex@example.com"))
    );

    // What a person does names the person, in the fact and in the history; the log holds no name in clear.
    let team = json!({"documents": [{"apiVersion": "cordon/v1", "kind": "Team", "name": "t", "spec": {}}]});
    assert_eq!(desk.post("/apply", &bearer(&token), team).await.status, 200);
    let history = desk.get("/resources/Team/t/history", &bearer(&token)).await.json();
    assert_eq!(history["items"][0]["actor"], json!({"user": id}));
    let facts = desk.facts().await;
    assert!(facts.iter().any(|fact| matches!(&fact.actor, Actor::User(user) if user.to_string() == id)));
    for fact in &facts {
        let leaf = String::from_utf8(fact.encode().unwrap().bytes).unwrap();
        assert!(!leaf.to_lowercase().contains("alex") && !leaf.contains(PASSWORD), "{leaf}");
    }

    // The count is whole after a stop.
    let (settings, folder) = (Settings::clone(&desk.node.handles.settings), desk._folder);
    desk.node.stop().await.unwrap();
    let again = start(settings).await;
    let total = again.handles.sequencer.committed().state.bootstrap_uses().unwrap().uses;
    assert_eq!(total, 33);
    again.stop().await.unwrap();
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_the_table_says() {
    let desk = Desk::new().await;
    // One endpoint of each verb, and what it answers to those who may.
    let endpoints = [
        (Method::GET, "/api/v1/resources", json!(null), "read records", 200),
        (Method::GET, "/api/v1/keys", json!(null), "read records", 200),
        (Method::GET, "/api/v1/calls", json!(null), "read records", 200),
        (Method::GET, "/api/v1/version", json!(null), "read records", 200),
        (Method::GET, "/api/v1/schema/Team", json!(null), "read records", 200),
        (Method::GET, "/api/v1/me", json!(null), "own access", 200),
        (Method::GET, "/api/v1/me/sessions", json!(null), "own access", 200),
        (Method::GET, "/api/v1/doctor", json!(null), "diagnose", 200),
        (Method::POST, "/api/v1/plan", json!({"documents": []}), "plan", 200),
        (Method::GET, "/ledger/checkpoint", json!(null), "read proofs", 200),
        (
            Method::GET,
            "/api/v1/calls/01932c07-209e-7e3a-8b1c-1f0a5c3d9e77/proof",
            json!(null),
            "read proofs",
            404,
        ),
        (Method::POST, "/api/v1/apply", json!({"documents": []}), "change resources", 200),
        (Method::DELETE, "/api/v1/resources/Team/nothing", json!(null), "change resources", 404),
        (Method::POST, "/api/v1/keys", json!({}), "manage keys", 400),
        (Method::POST, "/api/v1/keys/0000000000000000/rotate", json!({}), "manage keys", 400),
        (Method::POST, "/api/v1/keys/0000000000000000/revoke", json!({}), "manage keys", 404),
        (
            Method::GET,
            "/api/v1/calls/01932c07-209e-7e3a-8b1c-1f0a5c3d9e77/content",
            json!(null),
            "read content",
            404,
        ),
        (Method::POST, "/api/v1/content/erase", json!({}), "erase content", 400),
        (Method::GET, "/api/v1/feedback", json!(null), "read records", 200),
        (Method::POST, "/api/v1/feedback", json!({}), "label findings", 400),
        (Method::GET, "/api/v1/holds", json!(null), "read records", 200),
        (Method::POST, "/api/v1/holds", json!({}), "manage holds", 400),
        (Method::POST, "/api/v1/holds/nothing/release", json!({}), "manage holds", 404),
        (Method::GET, "/api/v1/users", json!(null), "read people", 200),
        (Method::GET, "/api/v1/users/0000000000000000", json!(null), "read people", 404),
        (Method::GET, "/api/v1/sessions", json!(null), "read people", 200),
        (Method::POST, "/api/v1/users", json!({}), "manage people", 400),
        (Method::POST, "/api/v1/users/0000000000000000/role", json!({"role": "admin"}), "manage people", 404),
        (Method::POST, "/api/v1/users/0000000000000000/disable", json!({}), "manage people", 404),
        (Method::POST, "/api/v1/users/0000000000000000/enable", json!(null), "manage people", 404),
        (Method::POST, "/api/v1/users/0000000000000000/reset", json!(null), "manage people", 404),
        (Method::POST, "/api/v1/users/0000000000000000/revoke-sessions", json!(null), "manage people", 404),
        (Method::DELETE, "/api/v1/sessions/0000000000000000", json!(null), "manage people", 404),
    ];
    // The checkpoint is there once the ledger has signed something.
    let mut progress = desk.node.handles.provable.clone();
    desk.user("viewer", "viewer").await;
    progress.wait_for(|progress| progress.signed > 0).await.unwrap();
    for role in ["operator", "auditor", "admin"] {
        desk.user(role, role).await;
    }
    for role in ["viewer", "operator", "auditor", "admin"] {
        let show = bearer(&desk.token(role).await);
        let parsed = cordon_core::Role::parse(role).unwrap();
        for (method, path, body, word, expected) in &endpoints {
            let verb = cordon::identity::Verb::ALL.into_iter().find(|verb| verb.as_str() == *word).unwrap();
            let reply = desk.ask(method.clone(), path, &show, (!body.is_null()).then(|| body.clone())).await;
            if cordon::identity::permit(parsed, verb) {
                assert_eq!(reply.status.as_u16(), *expected, "{role} {method} {path} {:?}", reply.body);
            } else {
                assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{role} {method} {path}");
            }
            // Nobody without a token learns whether an endpoint is there.
            let nobody = desk.ask(method.clone(), path, &Show::default(), None).await;
            assert_eq!(nobody.status, 401, "{method} {path}");
        }
        assert_eq!(desk.get("/nothing", &show).await.status, 404);
        assert_eq!(desk.get("/nothing", &Show::default()).await.status, 401);
        assert_eq!(desk.post("/me", &show, json!({})).await.status, 405);
    }
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself_by_a_sign_out_and_by_whoever_may_end_it() {
    let desk = Desk::new().await;
    let id = desk.user("alex", "viewer").await;
    let alive = async |show: &Show| desk.get("/me", show).await.status == 200;

    // Used now and then it lives on, until twelve hours are over.
    let session = desk.browser("alex").await;
    for _ in 0..24 {
        desk.later(DurationMs::from_secs(29 * 60));
        assert!(alive(&session).await);
    }
    desk.later(DurationMs::from_secs(25 * 60));
    assert!(!alive(&session).await);
    // Unused it ends after half an hour.
    let session = desk.browser("alex").await;
    desk.later(DurationMs::from_secs(30 * 60));
    assert!(!alive(&session).await);

    // A sign-in ends what the browser had before; the cookie is another one.
    let first = desk.browser("alex").await;
    let reply = desk.post("/login", &first, json!({"login": "alex", "password": PASSWORD})).await;
    let second = Show { cookie: Some(reply.cookie()), csrf: None, ..first.clone() };
    assert_ne!(first.cookie, second.cookie);
    assert!(!alive(&first).await && alive(&second).await);

    // Signing out needs the session's token, and takes the cookie away.
    assert_eq!(desk.post("/logout", &second, json!({})).await.problem(), (403, "csrf".to_owned()));
    let csrf = reply.json()["csrf"].as_str().unwrap().to_owned();
    let second = Show { csrf: Some(csrf), ..second };
    let out = desk.post("/logout", &second, json!({})).await;
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(!alive(&second).await);

    // Whoever is disabled, reset or revoked has nothing left, and the file has not either.
    for what in ["revoke-sessions", "disable", "reset"] {
        if what == "reset" {
            desk.post(&format!("/users/{id}/enable"), &bearer(&desk.admin), json!({})).await;
            desk.later(MINUTE);
        }
        let (session, token) = (desk.browser("alex").await, bearer(&desk.token("alex").await));
        assert!(alive(&session).await && alive(&token).await);
        let done = desk.post(&format!("/users/{id}/{what}"), &bearer(&desk.admin), json!({})).await;
        assert_eq!(done.status, 200, "{what} {:?}", done.body);
        assert!(!alive(&session).await && !alive(&token).await, "{what}");
        if what == "disable" {
            assert_eq!(desk.login("alex", PASSWORD).await.problem(), (401, "unauthenticated".to_owned()));
        }
        if what == "reset" {
            assert_eq!(desk.login("alex", PASSWORD).await.status, 401, "the password is void");
        }
        desk.later(MINUTE);
    }

    // The log alone is enough: what another node decided counts here, whatever the file still holds.
    let dora = desk.user("dora", "viewer").await;
    let wishes = [Wish::RevokeSessions as fn(UserId) -> Wish, |id| Wish::DisableUser(id, None)];
    for wish in wishes {
        let (session, token) = (desk.browser("dora").await, bearer(&desk.token("dora").await));
        assert!(alive(&session).await && alive(&token).await);
        let id = UserId::parse(&dora).unwrap();
        desk.node.handles.sequencer.wish(wish(id), Actor::Local).await.unwrap();
        assert!(!alive(&session).await && !alive(&token).await);
        desk.later(MINUTE);
    }

    // One session of many, by its id; somebody else's is not there.
    let bob = desk.user("bob", "viewer").await;
    let (one, other) = (desk.browser("bob").await, desk.browser("bob").await);
    let listed = desk.get("/me/sessions", &one).await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let end = items.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    desk.user("carol", "viewer").await;
    let carol = desk.browser("carol").await;
    let path = format!("/api/v1/me/sessions/{end}");
    assert_eq!(desk.ask(Method::DELETE, &path, &carol, None).await.status, 404);
    assert_eq!(desk.ask(Method::DELETE, &path, &one, None).await.status, 200);
    assert!(alive(&one).await && !alive(&other).await);
    // A role counts from the next request on.
    assert_eq!(desk.get("/users", &one).await.status, 403);
    desk.post(&format!("/users/{bob}/role"), &bearer(&desk.admin), json!({"role": "auditor"})).await;
    assert_eq!(desk.get("/users", &one).await.status, 200);
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_else_can_do_nothing_with_the_cookie() {
    let desk = Desk::new().await;
    desk.user("root", "admin").await;
    desk.user("other", "admin").await;
    let own = desk.browser("root").await;
    let foreign_csrf = desk.browser("other").await.csrf;
    let wish = json!({"documents": []});
    assert_eq!(desk.post("/apply", &own, wish.clone()).await.status, 200);
    for (show, word) in [
        (Show { csrf: None, ..own.clone() }, "csrf"),
        (Show { csrf: Some("0".repeat(64)), ..own.clone() }, "csrf"),
        (Show { csrf: foreign_csrf, ..own.clone() }, "csrf"),
        (Show { origin: None, ..own.clone() }, "other_origin"),
        (Show { origin: Some("null".to_owned()), ..own.clone() }, "other_origin"),
        (Show { origin: Some("https://evil.example".to_owned()), ..own.clone() }, "other_origin"),
    ] {
        assert_eq!(
            desk.post("/apply", &show, wish.clone()).await.problem(),
            (403, word.to_owned()),
            "{show:?}"
        );
        let reading = Show { csrf: None, ..show };
        assert_eq!(desk.get("/me", &reading).await.status, 200, "what only reads needs none");
    }
    // Reading content is recorded, so that nobody else's page may cause it either.
    let path = "/calls/01932c07-209e-7e3a-8b1c-1f0a5c3d9e77/content";
    let led = Show { origin: Some("https://evil.example".to_owned()), ..own.clone() };
    assert_eq!(desk.get(path, &led).await.problem(), (403, "other_origin".to_owned()));
    assert_eq!(desk.get(path, &Show { origin: None, ..own.clone() }).await.status, 404);
    // Nor sign its visitor in as somebody else.
    let evil = Show { origin: Some("https://evil.example".to_owned()), ..Show::default() };
    let login = json!({"login": "root", "password": PASSWORD});
    for path in ["/login", "/login/token"] {
        assert_eq!(desk.post(path, &evil, login.clone()).await.problem(), (403, "other_origin".to_owned()));
    }
    // A form of a page repeats the token in a field; what the handler reads is still whole.
    let form = async |fields: String| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/api/v1/users/0000000000000000/enable", desk.origin()))
            .header("cookie", own.cookie.as_ref().unwrap())
            .header("origin", desk.origin())
            .header("content-type", "application/x-www-form-urlencoded");
        desk.send(request.body(Full::new(fields.into())).unwrap()).await
    };
    let csrf = own.csrf.clone().unwrap();
    assert_eq!(form(format!("a=b&csrf={csrf}")).await.status, 404, "it came through to what it asks for");
    assert_eq!(form("a=b".to_owned()).await.problem(), (403, "csrf".to_owned()));
    assert_eq!(form(format!("csrf={csrf}&csrf={csrf}")).await.problem(), (403, "csrf".to_owned()));
    assert_eq!(form("a".repeat(1_400_000)).await.status, 413);
    // A bearer token is never sent by a browser on its own, and counts before the cookie.
    let mixed = Show { bearer: Some("cu_nothing".to_owned()), ..own.clone() };
    assert_eq!(desk.get("/me", &mixed).await.status, 401);
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_is_bound_to_the_host() {
    let desk = Desk::with(|settings| settings.site = Site::parse("https://cordon.example").unwrap()).await;
    desk.user("alex", "viewer").await;
    let wish = json!({"login": "alex", "password": PASSWORD});
    let from = |origin: &str| Show { origin: Some(origin.to_owned()), ..Show::default() };
    assert_eq!(desk.post("/login", &from(&desk.origin()), wish.clone()).await.status, 403);
    let reply = desk.post("/login", &from("https://cordon.example"), wish).await;
    let set = reply.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("__Host-cordon=")
            && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure"),
        "{set}"
    );
    let show = Show { cookie: Some(reply.cookie()), ..Show::default() };
    assert_eq!(desk.get("/me", &show).await.status, 200);
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_a_browser_elsewhere_is_not_signed_in() {
    let desk = Desk::new().await;
    desk.user("alex", "viewer").await;
    let body = json!({"login": "alex", "password": PASSWORD}).to_string();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/api/v1/login", desk.origin()))
        .header("host", "cordon.example:4181")
        .body(Full::new(body.into()))
        .unwrap();
    let reply = desk.send(request).await;
    assert_eq!(reply.problem(), (403, "other_origin".to_owned()));
    assert!(reply.json()["detail"].as_str().unwrap().contains("identity.url"));
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slow_and_tells_nothing() {
    let desk = Desk::new().await;
    desk.user("alex", "viewer").await;
    let detail = async |login: &str, password: &str| {
        let reply = desk.login(login, password).await;
        (reply.status.as_u16(), reply.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    let (wrong, unknown) = (detail("alex", "wrong").await, detail("nobody", "wrong").await);
    assert_eq!((wrong.0, &wrong), (401, &unknown), "who exists is not told");
    for _ in 0..4 {
        assert_eq!(detail("alex", "wrong").await.0, 401);
    }
    let slow = desk.login("alex", PASSWORD).await;
    assert_eq!(slow.problem(), (429, "slow_down".to_owned()), "the right one too");
    assert_eq!(slow.headers["retry-after"], "1");
    desk.later(DurationMs::from_secs(1));
    assert_eq!(desk.login("alex", PASSWORD).await.status, 200);
    assert_eq!(detail("alex", "wrong").await.0, 401, "a right one starts anew");

    // Whoever tries many logins waits as well, whatever the login.
    let mut last = 0;
    for number in 0..20 {
        last = detail(&format!("user-{number}"), "wrong").await.0;
    }
    assert_eq!(last, 429);
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_is_used_once_and_a_token_makes_no_token() {
    let desk = Desk::new().await;
    let admin = bearer(&desk.admin);
    let added =
        desk.post("/users", &admin, json!({"login": "alex", "name": "Alex R", "role": "admin"})).await.json();
    let (id, secret) = (added["user"]["id"].as_str().unwrap().to_owned(), added["secret"].clone());
    assert_eq!((&added["user"]["enrolled"], &added["user"]["name"]), (&json!(false), &json!("Alex R")));
    let enrol = async |secret: &Value, password: &str| {
        desk.post("/enrol", &Show::default(), json!({"secret": secret, "password": password})).await
    };
    assert_eq!(enrol(&secret, "short").await.problem(), (422, "password".to_owned()));
    assert_eq!(enrol(&secret, "alexalexalexalex1").await.problem(), (422, "password".to_owned()));
    assert_eq!(enrol(&secret, PASSWORD).await.status, 200);
    assert_eq!(enrol(&secret, "another password altogether").await.status, 401);
    assert_eq!(enrol(&json!("ce_x"), PASSWORD).await.status, 401);

    let token = bearer(&desk.token("alex").await);
    assert_eq!(
        desk.post("/me/tokens", &token, json!({})).await.problem(),
        (403, "session_needed".to_owned())
    );
    let session = desk.browser("alex").await;
    let made = desk.post("/me/tokens", &session, json!({"label": "ci", "expires": "1h"})).await;
    let made = bearer(made.json()["token"].as_str().unwrap());
    assert_eq!(desk.get("/me", &made).await.status, 200);
    assert_eq!(desk.post("/me/tokens", &session, json!({"expires": "400d"})).await.status, 422);
    desk.later(DurationMs::from_secs(3600));
    assert_eq!(desk.get("/me", &made).await.status, 401);

    // Nobody changes their own rights; another admin can.
    let token = bearer(&desk.token("alex").await);
    for (what, body) in [("role", json!({"role": "viewer"})), ("disable", json!({}))] {
        let reply = desk.post(&format!("/users/{id}/{what}"), &token, body).await;
        assert_eq!(reply.problem(), (409, "oneself".to_owned()));
    }
    // A password is changed by who knows the old one, and ends what else is signed in.
    let (session, other) = (desk.browser("alex").await, desk.browser("alex").await);
    let change = async |old: &str, new: &str| {
        desk.post("/me/password", &session, json!({"old": old, "new": new})).await.status.as_u16()
    };
    assert_eq!(change("wrong", "another password altogether").await, 401);
    assert_eq!(change(PASSWORD, "short").await, 422);
    assert_eq!(change(PASSWORD, "another password altogether").await, 200);
    assert_eq!(desk.get("/me", &session).await.status, 200);
    assert_eq!(desk.get("/me", &other).await.status, 401);
    assert_eq!(desk.get("/me", &token).await.status, 401);
    assert_eq!(desk.login("alex", PASSWORD).await.status, 401);
    assert_eq!(desk.login("alex", "another password altogether").await.status, 200);

    // An enrolment ends after a day. Secrets are in no byte of the folder.
    let reset = desk.post(&format!("/users/{id}/reset"), &admin, json!({})).await.json();
    desk.later(DurationMs::from_secs(86_400));
    assert_eq!(enrol(&reset["secret"], PASSWORD).await.status, 401);
    let data = desk.node.handles.settings.data.clone();
    let secrets = [made.bearer.unwrap(), reset["secret"].as_str().unwrap().to_owned(), PASSWORD.to_owned()];
    desk.node.stop().await.unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&data).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
    {
        files.push((entry.path(), std::fs::read(entry.path()).unwrap()));
    }
    assert!(files.iter().any(|(path, _)| path.ends_with("identity.db")));
    for (path, bytes) in files {
        for secret in &secrets {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{}",
                path.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_read_by_people_and_a_live_view_ends_with_the_right_to_it() {
    let desk = Desk::new().await;
    let path = "/calls/01932c07-209e-7e3a-8b1c-1f0a5c3d9e77/content";
    assert_eq!(desk.get(path, &bearer(&desk.admin)).await.status, 404, "nobody else is there to read it");
    desk.user("viewer", "viewer").await;
    assert_eq!(desk.get(path, &bearer(&desk.admin)).await.status, 404);
    let id = desk.user("auditor", "auditor").await;
    assert_eq!(desk.get(path, &bearer(&desk.admin)).await.problem(), (403, "person_needed".to_owned()));
    let token = desk.token("auditor").await;
    assert_eq!(desk.get(path, &bearer(&token)).await.status, 404);

    // Somebody looks on, and loses the right to it meanwhile; others go on.
    let follow = async |token: &str| {
        let request = Request::builder()
            .uri(format!("{}/api/v1/calls/follow", desk.origin()))
            .header("authorization", format!("Bearer {token}"));
        desk.client.request(request.body(Full::default()).unwrap()).await.unwrap().into_body()
    };
    let (ends, goes_on) = (follow(&token).await, follow(&desk.token("viewer").await).await);
    desk.post(&format!("/users/{id}/disable"), &bearer(&desk.admin), json!({})).await;
    let ended = ends.collect().await.unwrap().to_bytes();
    assert!(ended.is_empty() || ended.starts_with(b":"), "{ended:?}");
    assert!(!http_body::Body::is_end_stream(&goes_on));
    drop(goes_on);
    desk.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_credentials_has_people_all_the_same() {
    let desk = Desk::new().await;
    let id = desk.user("alex", "auditor").await;
    let token = bearer(&desk.token("alex").await);
    let settings = Settings::clone(&desk.node.handles.settings);
    desk.node.stop().await.unwrap();
    for file in ["identity.db", "identity.db-wal", "identity.db-shm"] {
        let _ = std::fs::remove_file(settings.data.join(file));
    }
    let node = start(settings).await;
    let desk = Desk { node, ..desk };
    assert_eq!(desk.get("/me", &token).await.status, 401);
    let user = desk.get(&format!("/users/{id}"), &bearer(&desk.admin)).await.json();
    assert_eq!((&user["login"], &user["enrolled"]), (&json!("alex"), &json!(false)));
    desk.later(MINUTE);
    let reset = desk.post(&format!("/users/{id}/reset"), &bearer(&desk.admin), json!({})).await.json();
    desk.later(MINUTE);
    let wish = json!({"secret": reset["secret"], "password": PASSWORD});
    assert_eq!(desk.post("/enrol", &Show::default(), wish).await.status, 200);
    assert_eq!(desk.get("/users", &bearer(&desk.token("alex").await)).await.status, 200);
    desk.node.stop().await.unwrap();
}
