//! Signing in with an identity provider: a real one, as a process of its own on loopback, and one that does whatever a test
//! says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use cordon::{
    config::Raw,
    identity::OidcOptions,
    node::{Node, Settings},
    up,
};
use cordon_core::{
    Digest, DurationMs, Role, Timestamp,
    fact::{Actor, Body},
    resource::SecretRef,
};
use cordon_guard::{ports::Clock, upstream::Environment};
use cordon_testkit::{ManualClock, TempDir};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

const CLIENT: &str = "cordon";
const SECRET: &str = "s3cret/with+signs=";

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    fn problem(&self) -> (u16, String) {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), kind.trim_start_matches("urn:cordon:problem:").to_owned())
    }

    fn location(&self) -> String {
        self.headers["location"].to_str().unwrap().to_owned()
    }
}

/// A browser: it keeps cookies of one host, and goes where it is told.
#[derive(Clone)]
struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    cookies: HashMap<String, String>,
    origin: String,
}

impl Browser {
    fn new(control: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, cookies: HashMap::new(), origin: format!("http://{control}") }
    }

    async fn get(&mut self, path: &str) -> Reply {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.origin) };
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().uri(url).header("cookie", cookies.join("; "));
        let reply = send(&self.client, request.body(Full::default()).unwrap()).await;
        for set in reply.headers.get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let (value, rest) = rest.split_once(';').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    async fn me(&mut self) -> Reply {
        self.get("/api/v1/me").await
    }

    /// Begins a sign-in. Gives what the provider is asked.
    async fn depart(&mut self, next: &str) -> HashMap<String, String> {
        let reply = self.get(&format!("/signin/oidc?next={next}")).await;
        assert_eq!(reply.status, 303, "{:?}", reply.body);
        query(&reply.location())
    }

    async fn arrive(&mut self, parameters: &[(&str, &str)]) -> Reply {
        let pairs: Vec<String> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.get(&format!("/signin/callback?{}", pairs.join("&"))).await
    }

    /// The whole way.
    async fn sign_in(&mut self, provider: &Scripted) -> Reply {
        let asked = self.depart("/calls").await;
        let code = provider.allow(&asked);
        self.arrive(&[("code", &code), ("state", &asked["state"])]).await
    }
}

async fn send(client: &Client<HttpConnector, Full<Bytes>>, request: Request<Full<Bytes>>) -> Reply {
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply { status: head.status, headers: head.headers, body }
}

fn query(url: &str) -> HashMap<String, String> {
    let (_, query) = url.split_once('?').unwrap();
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(k, v)| (k.to_owned(), decode(v)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = String::from_utf8(vec![bytes.next().unwrap(), bytes.next().unwrap()]).unwrap();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(out).unwrap()
}

/// A provider that does whatever a test says.
#[derive(Clone)]
struct Scripted {
    issuer: String,
    script: Arc<Mutex<Script>>,
    clock: ManualClock,
}

struct Script {
    key: rcgen::KeyPair,
    /// What is said of the person, in the id token and by userinfo.
    id: Value,
    userinfo: Value,
    userinfo_status: u16,
    /// Claims of the id token that are otherwise than they should be; `null` takes one away.
    wrong: Value,
    sign: Sign,
    kid: &'static str,
    refresh: bool,
    refresh_status: u16,
    discovery: Value,
    down: bool,
    /// Codes that were given out, with the nonce, the challenge and the redirect that they belong to.
    codes: HashMap<String, HashMap<String, String>>,
    count: usize,
    used: HashSet<String>,
    asked: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Right,
    None,
    Hs256,
    OtherKey,
    Broken,
}

impl Scripted {
    async fn start(clock: &ManualClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            key: rcgen::KeyPair::generate().unwrap(),
            id: json!({"sub": "alex-1", "email": "alex@example.com", "name": "Alex", "groups": ["staff", "ops"]}),
            userinfo: json!({"sub": "alex-1", "groups": ["staff", "ops"]}),
            userinfo_status: 200,
            wrong: json!({}),
            sign: Sign::Right,
            kid: "one",
            refresh: true,
            refresh_status: 200,
            discovery: json!({}),
            down: false,
            codes: HashMap::new(),
            count: 0,
            used: HashSet::new(),
            asked: 0,
        };
        let provider = Self { issuer, script: Arc::new(Mutex::new(script)), clock: clock.clone() };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        provider
    }

    fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn asked(&self) -> usize {
        self.script.lock().unwrap().asked
    }

    /// The person agrees: a code for what was asked.
    fn allow(&self, asked: &HashMap<String, String>) -> String {
        let mut script = self.script.lock().unwrap();
        script.count += 1;
        let code = format!("code-{}", script.count);
        script.codes.insert(code.clone(), asked.clone());
        code
    }

    fn id_token(&self, script: &Script, nonce: Option<&str>) -> String {
        let now = self.clock.now().as_millis() / 1000;
        let mut claims = script.id.as_object().unwrap().clone();
        for (key, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT)),
            ("iat", json!(now)),
            ("exp", json!(now + 300)),
        ] {
            claims.insert(key.to_owned(), value);
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        for (key, value) in script.wrong.as_object().unwrap() {
            claims.insert(key.clone(), value.clone());
            if value.is_null() {
                claims.remove(key);
            }
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(script.kid.to_owned());
        let own = EncodingKey::from_ec_der(&script.key.serialize_der());
        match script.sign {
            Sign::Right => jsonwebtoken::encode(&header, &claims, &own).unwrap(),
            Sign::OtherKey => {
                let other = rcgen::KeyPair::generate().unwrap();
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&other.serialize_der()))
                    .unwrap()
            }
            Sign::Broken => {
                let token = jsonwebtoken::encode(&header, &claims, &own).unwrap();
                let mut parts: Vec<&str> = token.split('.').collect();
                let mut other = claims.clone();
                other.insert("groups".to_owned(), json!(["admins"]));
                let body = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(other).to_string());
                parts[1] = &body;
                parts.join(".")
            }
            Sign::Hs256 => {
                let mut header = Header::new(Algorithm::HS256);
                header.kid = Some(script.kid.to_owned());
                let public = script.key.public_key_raw();
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(public)).unwrap()
            }
            Sign::None => {
                let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(json!({"alg": "none"})), part(Value::Object(claims)))
            }
        }
    }
}

async fn discovery(State(provider): State<Scripted>) -> Response {
    let script = provider.script.lock().unwrap();
    if script.down {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let issuer = &provider.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "code_challenge_methods_supported": ["S256"],
    });
    for (key, value) in script.discovery.as_object().unwrap() {
        document[key] = value.clone();
    }
    Json(document).into_response()
}

async fn keys(State(provider): State<Scripted>) -> Json<Value> {
    let script = provider.script.lock().unwrap();
    let point = script.key.public_key_raw();
    let part = |range: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[range]);
    let ours = json!({"kty": "EC", "crv": "P-256", "kid": script.kid, "use": "sig", "alg": "ES256", "x": part(1..33), "y": part(33..65)});
    // A provider that publishes what both sides know, and one of a kind that nobody knows.
    let shared = json!({"kty": "oct", "kid": script.kid, "k": BASE64_URL_SAFE_NO_PAD.encode(point)});
    Json(json!({"keys": [shared, {"kty": "future", "kid": "x"}, ours]}))
}

async fn token(State(provider): State<Scripted>, headers: HeaderMap, body: Bytes) -> Response {
    let form = query(&format!("?{}", String::from_utf8(body.to_vec()).unwrap()));
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let shown = headers["authorization"].to_str().unwrap().trim_start_matches("Basic ").to_owned();
    let shown = String::from_utf8(BASE64_STANDARD.decode(shown).unwrap()).unwrap();
    let (id, secret) = shown.split_once(':').unwrap();
    if (decode(id), decode(secret)) != (CLIENT.to_owned(), SECRET.to_owned()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let mut script = provider.script.lock().unwrap();
    if script.down {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    script.asked += 1;
    let nonce = match form["grant_type"].as_str() {
        "authorization_code" => {
            let Some(asked) = script.codes.remove(&form["code"]) else { return refused("invalid_grant") };
            let challenge = Digest::sha256(form["code_verifier"].as_bytes());
            if BASE64_URL_SAFE_NO_PAD.encode(challenge.as_bytes()) != asked["code_challenge"]
                || form["redirect_uri"] != asked["redirect_uri"]
            {
                return refused("invalid_grant");
            }
            Some(asked["nonce"].clone())
        }
        "refresh_token" => {
            if script.refresh_status != 200 || !script.used.insert(form["refresh_token"].clone()) {
                let status = StatusCode::from_u16(script.refresh_status.max(400)).unwrap();
                return (status, Json(json!({"error": "invalid_grant"}))).into_response();
            }
            None
        }
        other => return refused(other),
    };
    let id = provider.id_token(&script, nonce.as_deref());
    script.count += 1;
    let mut answer =
        json!({"token_type": "Bearer", "access_token": format!("access-{}", script.count), "id_token": id});
    if script.refresh {
        // Each is good once.
        answer["refresh_token"] = json!(format!("refresh-{}", script.count));
    }
    Json(answer).into_response()
}

async fn userinfo(State(provider): State<Scripted>, headers: HeaderMap) -> Response {
    assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer access-"));
    let mut script = provider.script.lock().unwrap();
    script.asked += 1;
    let status = if script.down { 500 } else { script.userinfo_status };
    (StatusCode::from_u16(status).unwrap(), Json(script.userinfo.clone())).into_response()
}

fn options(issuer: &str) -> OidcOptions {
    OidcOptions {
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(SecretRef::Env("OIDC_SECRET".to_owned())),
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        groups_claim: "groups".to_owned(),
        roles: [("admins", Role::Admin), ("sec-team", Role::Auditor), ("ops", Role::Operator)]
            .map(|(group, role)| (group.to_owned(), role))
            .to_vec(),
    }
}

async fn start(settings: Settings) -> Node {
    let config = Raw::default().check().unwrap();
    Node::start(settings, |handles| up::routes(handles, config)).await.unwrap()
}

fn settings(folder: &TempDir, clock: &ManualClock, issuer: &str) -> Settings {
    let mut settings = support::settings(folder, clock);
    settings.oidc = Some(options(issuer));
    settings.environment = Environment::with(|name| (name == "OIDC_SECRET").then(|| SECRET.to_owned()));
    settings
}

struct World {
    node: Node,
    clock: ManualClock,
    provider: Scripted,
    admin: String,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
        let provider = Scripted::start(&clock).await;
        let node = start(settings(&folder, &clock, &provider.issuer)).await;
        let admin =
            std::fs::read_to_string(folder.path().join("data/admin.token")).unwrap().trim().to_owned();
        Self { node, clock, provider, admin, folder }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.node.control)
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(DurationMs::from_secs(seconds));
    }

    async fn admin(&self, path: &str) -> Reply {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}/api/v1{path}", self.node.control))
            .header("authorization", format!("Bearer {}", self.admin));
        let client = Client::builder(TokioExecutor::new()).build_http();
        send(&client, request.body(Full::new("{}".into())).unwrap()).await
    }
}

const REFUSED: u16 = 401;

#[tokio::test(flavor = "multi_thread")]
async fn groups_give_the_role_and_each_sign_in_is_the_same_person() {
    let world = World::new().await;
    let mut browser = world.browser();
    let asked = browser.depart("/calls%3Fsince%3D1h").await;
    assert_eq!(asked["redirect_uri"], format!("{}/signin/callback", browser.origin));
    for (key, value) in [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")]
    {
        assert_eq!(asked[key], value);
    }
    let code = world.provider.allow(&asked);
    let reply = browser.arrive(&[("code", &code), ("state", &asked["state"])]).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "/calls?since=1h".to_owned()));
    let me = browser.me().await.json();
    assert_eq!(
        (&me["role"], &me["login"], &me["name"]),
        (&json!("operator"), &json!("alex@example.com"), &json!("Alex"))
    );
    assert!(!browser.cookies.contains_key("cordon-signin"));

    let mut again = world.browser();
    again.sign_in(&world.provider).await;
    assert_eq!(again.me().await.json()["actor"], me["actor"]);
    // Another role at the next sign-in: a fact of Cordon's own.
    world.provider.change(|script| script.id["groups"] = json!(["sec-team", "ops"]));
    world.provider.change(|script| script.userinfo["groups"] = json!(["sec-team", "ops"]));
    let mut third = world.browser();
    third.sign_in(&world.provider).await;
    assert_eq!(third.me().await.json()["role"], "auditor");
    let log = world.node.handles.sequencer.loader().log().clone();
    let head = log.head().await.unwrap();
    let facts: Vec<cordon_core::Fact> =
        log.read(0, head).await.unwrap().iter().map(|stored| stored.decode().unwrap()).collect();
    assert!(
        facts
            .iter()
            .any(|fact| fact.actor == Actor::Cordon
                && matches!(fact.body, Body::UserRoleSet(_, Role::Auditor)))
    );
    for fact in &facts {
        let leaf = String::from_utf8(fact.encode().unwrap().bytes).unwrap();
        assert!(!leaf.contains("alex"), "{leaf}");
    }
    // Nobody gives another role by hand: the groups say it.
    let id = me["actor"]["user"].as_str().unwrap();
    assert_eq!(world.admin(&format!("/users/{id}/reset")).await.status, 409);

    // No group, no role, no way in; and who is disabled here stays out, whatever the provider says.
    world
        .provider
        .change(|script| (script.id["groups"], script.userinfo["groups"]) = (json!(["staff"]), json!([])));
    assert_eq!(world.browser().sign_in(&world.provider).await.problem(), (403, "no_role".to_owned()));
    world.provider.change(|script| script.id["groups"] = json!("ops"));
    assert_eq!(world.admin(&format!("/users/{id}/disable")).await.status, 200);
    assert_eq!(third.me().await.status, 401);
    assert_eq!(world.browser().sign_in(&world.provider).await.problem(), (403, "disabled".to_owned()));
    world.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_for_one_browser_and_one_time() {
    let world = World::new().await;
    let refused = |reply: &Reply| assert_eq!(reply.problem(), (REFUSED, "sign_in_refused".to_owned()));
    // Another state, none, or another browser's.
    let mut browser = world.browser();
    let asked = browser.depart("/").await;
    let code = world.provider.allow(&asked);
    refused(&browser.arrive(&[("code", &code), ("state", &"0".repeat(64))]).await);
    refused(&browser.arrive(&[("code", &code)]).await);
    let mut victim = world.browser();
    victim.depart("/").await;
    refused(&victim.arrive(&[("code", &code), ("state", &asked["state"])]).await);
    assert_eq!(victim.me().await.status, 401);
    // That used it up: nobody gets in with it any more.
    refused(&browser.arrive(&[("code", &code), ("state", &asked["state"])]).await);

    // A replayed answer.
    let asked = browser.depart("/").await;
    let code = world.provider.allow(&asked);
    let sent = [("code", code.as_str()), ("state", asked["state"].as_str())];
    assert_eq!(browser.arrive(&sent).await.status, 303);
    refused(&browser.arrive(&sent).await);
    // A code that was used, or given to another sign-in: the provider sees another PKCE verifier.
    let fresh = browser.depart("/").await;
    refused(&browser.arrive(&[("code", &code), ("state", &fresh["state"])]).await);
    let (one, two) = (browser.depart("/").await, browser.depart("/").await);
    let stolen = world.provider.allow(&one);
    refused(&browser.arrive(&[("code", &stolen), ("state", &two["state"])]).await);
    // Ten minutes are enough.
    let asked = browser.depart("/").await;
    let code = world.provider.allow(&asked);
    world.later(600);
    refused(&browser.arrive(&[("code", &code), ("state", &asked["state"])]).await);
    // The provider says no, or is another one.
    let asked = browser.depart("/").await;
    refused(&browser.arrive(&[("error", "access_denied"), ("state", &asked["state"])]).await);
    let asked = browser.depart("/").await;
    let code = world.provider.allow(&asked);
    let other =
        [("code", code.as_str()), ("state", asked["state"].as_str()), ("iss", "https%3A%2F%2Fevil.example")];
    refused(&browser.arrive(&other).await);
    // It leads back to this site only.
    for next in ["https://evil.example", "//evil.example", "/%5Cevil.example", "%09//evil.example"] {
        let asked = browser.depart(next).await;
        let code = world.provider.allow(&asked);
        let reply = browser.arrive(&[("code", &code), ("state", &asked["state"])]).await;
        assert_eq!(reply.location(), "/", "{next}");
    }
    world.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_that_is_not_quite_right_is_not_believed() {
    let world = World::new().await;
    let now = world.clock.now().as_millis() / 1000;
    for wrong in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"iss": "https://evil.example"}),
        json!({"iss": null}),
        json!({"aud": "another"}),
        json!({"aud": ["cordon", "another"]}),
        json!({"aud": ["cordon", "another"], "azp": "another"}),
        json!({"exp": now - 61}),
        json!({"exp": null}),
        json!({"iat": now + 3600}),
        json!({"nbf": now + 3600}),
        json!({"sub": null}),
    ] {
        world.provider.change(|script| script.wrong = wrong.clone());
        let reply = world.browser().sign_in(&world.provider).await;
        assert_eq!(reply.problem(), (REFUSED, "sign_in_refused".to_owned()), "{wrong}");
    }
    world.provider.change(|script| script.wrong = json!({}));
    for sign in [Sign::None, Sign::Hs256, Sign::OtherKey, Sign::Broken] {
        world.provider.change(|script| script.sign = sign);
        let reply = world.browser().sign_in(&world.provider).await;
        assert_eq!(reply.problem(), (REFUSED, "sign_in_refused".to_owned()));
    }
    assert_eq!(world.node.handles.sequencer.committed().state.users().count(), 0, "nobody came to be known");
    world.provider.change(|script| script.sign = Sign::Right);
    assert_eq!(world.browser().sign_in(&world.provider).await.status, 303);
    // New keys are found, since a token names one that is not known.
    world.later(11);
    world.provider.change(|script| (script.kid, script.key) = ("two", rcgen::KeyPair::generate().unwrap()));
    assert_eq!(world.browser().sign_in(&world.provider).await.status, 303);
    world.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_another_or_silent_lets_nobody_in() {
    for discovery in [
        json!({"issuer": "https://evil.example"}),
        json!({"token_endpoint": "http://evil.example/token"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"code_challenge_methods_supported": ["plain"]}),
        json!({"jwks_uri": null}),
    ] {
        let world = World::new().await;
        world.provider.change(|script| script.discovery = discovery.clone());
        let reply = world.browser().get("/signin/oidc").await;
        assert_eq!(reply.problem(), (503, "provider_unavailable".to_owned()), "{discovery}");
        world.node.stop().await.unwrap();
    }
    let world = World::new().await;
    world.provider.change(|script| script.down = true);
    assert_eq!(world.browser().get("/signin/oidc").await.status, 503);
    world.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_group_or_is_gone_there_loses_access_within_a_minute() {
    let world = World::new().await;
    let provider = &world.provider;
    let signed_in = async || {
        let mut browser = world.browser();
        assert_eq!(browser.sign_in(provider).await.status, 303);
        browser
    };
    let role = async |browser: &mut Browser| browser.me().await.json()["role"].as_str().map(str::to_owned);
    let mut browser = signed_in().await;
    let mut asked = provider.asked();
    for _ in 0..20 {
        assert_eq!(role(&mut browser).await.as_deref(), Some("operator"));
    }
    assert_eq!(provider.asked(), asked, "not at each request");

    // Another group: the role follows, in the log too.
    provider.change(|script| script.userinfo["groups"] = json!(["sec-team"]));
    world.later(30);
    assert_eq!(role(&mut browser).await.as_deref(), Some("auditor"));
    let state = world.node.handles.sequencer.committed().state;
    assert_eq!(state.users().next().unwrap().user.role, Role::Auditor);
    // No group any more, in whatever way it is said.
    for change in [json!([]), json!(["staff"])] {
        provider.change(|script| script.userinfo["groups"] = json!(["ops"]));
        let mut browser = signed_in().await;
        provider.change(|script| script.userinfo["groups"] = change);
        world.later(30);
        assert_eq!(browser.me().await.status, 401);
    }
    // Claims of somebody else are not believed; without a refresh that is the end.
    provider.change(|script| (script.userinfo["groups"], script.refresh) = (json!(["ops"]), false));
    let mut browser = signed_in().await;
    provider.change(|script| script.userinfo["sub"] = json!("somebody-else"));
    world.later(30);
    assert_eq!(browser.me().await.status, 401);
    provider.change(|script| (script.userinfo["sub"], script.refresh) = (json!("alex-1"), true));

    // The access token has ended: a refresh says who is still there, each refresh token once.
    let mut browser = signed_in().await;
    provider.change(|script| (script.userinfo_status, script.id["groups"]) = (401, json!(["ops"])));
    for _ in 0..3 {
        world.later(30);
        assert_eq!(role(&mut browser).await.as_deref(), Some("operator"));
    }
    provider.change(|script| script.id["groups"] = json!([]));
    world.later(30);
    assert_eq!(browser.me().await.status, 401);
    // Disabled there: neither is good.
    provider.change(|script| (script.userinfo_status, script.id["groups"]) = (200, json!(["ops"])));
    let mut browser = signed_in().await;
    provider.change(|script| (script.userinfo_status, script.refresh_status) = (401, 400));
    world.later(30);
    assert_eq!(browser.me().await.status, 401);
    provider.change(|script| (script.userinfo_status, script.refresh_status) = (200, 200));
    // A refresh that brings somebody else's token.
    let mut browser = signed_in().await;
    provider.change(|script| (script.userinfo_status, script.id["sub"]) = (401, json!("bob-2")));
    world.later(30);
    assert_eq!(browser.me().await.status, 401);
    provider.change(|script| (script.userinfo_status, script.id["sub"]) = (200, json!("alex-1")));

    // A provider that says nothing is forgiven for a minute, and not asked at each request.
    let mut browser = signed_in().await;
    provider.change(|script| script.down = true);
    world.later(30);
    asked = provider.asked();
    for _ in 0..5 {
        assert_eq!(role(&mut browser).await.as_deref(), Some("operator"));
    }
    assert_eq!(provider.asked(), asked + 1);
    world.later(29);
    assert_eq!(role(&mut browser).await.as_deref(), Some("operator"));
    world.later(1);
    assert_eq!(browser.me().await.problem(), (503, "provider_unavailable".to_owned()));
    provider.change(|script| script.down = false);
    world.later(5);
    assert_eq!(role(&mut browser).await.as_deref(), Some("operator"), "the session was not lost");
    world.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_vouches_for_ends_with_its_word() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.provider).await;
    let token = make_token(&mut browser).await;
    let with = async |token: &str| {
        let request = Request::builder()
            .uri(format!("http://{}/api/v1/me", world.node.control))
            .header("authorization", format!("Bearer {token}"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        send(&client, request.body(Full::default()).unwrap()).await
    };
    let with_token = async || with(&token).await;
    // A token of the session keeps it alive, and follows the groups like it.
    for _ in 0..3 {
        world.later(20 * 60);
        assert_eq!(with_token().await.status, 200);
    }
    world.provider.change(|script| script.userinfo["groups"] = json!(["sec-team"]));
    world.later(30);
    assert_eq!(with_token().await.json()["role"], "auditor");
    world.provider.change(|script| script.userinfo["groups"] = json!([]));
    world.later(30);
    assert_eq!(with_token().await.status, 401);
    assert_eq!(browser.clone().me().await.status, 401);

    // Unused it ends with the session, after half an hour.
    world.provider.change(|script| script.userinfo["groups"] = json!(["ops"]));
    let mut browser = world.browser();
    browser.sign_in(&world.provider).await;
    let idle = make_token(&mut browser).await;
    assert_eq!(with(&idle).await.status, 200);
    world.later(30 * 60);
    assert_eq!(with(&idle).await.status, 401);

    // After a restart nobody can ask: it ends, and a sign-in begins anew.
    let mut browser = world.browser();
    browser.sign_in(&world.provider).await;
    assert_eq!(browser.me().await.status, 200);
    let settings = Settings::clone(&world.node.handles.settings);
    world.node.stop().await.unwrap();
    let tokens = ["access-", "refresh-"];
    for entry in std::fs::read_dir(world.folder.path().join("data")).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(
                tokens.iter().all(|token| !bytes.windows(token.len()).any(|part| part == token.as_bytes()))
            );
        }
    }
    let node = start(settings).await;
    let mut after = Browser { origin: format!("http://{}", node.control), ..browser };
    assert_eq!(after.me().await.status, 401);
    assert_eq!(after.sign_in(&world.provider).await.status, 303);
    assert_eq!(after.me().await.status, 200);
    node.stop().await.unwrap();
}

/// A personal token, made in a browser's session.
async fn make_token(browser: &mut Browser) -> String {
    let csrf = browser.me().await.json()["csrf"].as_str().unwrap().to_owned();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/api/v1/me/tokens", browser.origin))
        .header("cookie", format!("cordon={}", browser.cookies["cordon"]))
        .header("cordon-csrf", csrf)
        .header("origin", &browser.origin);
    let made = send(&browser.client, request.body(Full::new("{}".into())).unwrap()).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    made.json()["token"].as_str().unwrap().to_owned()
}

/// `oidc-provider-mock` of PyPI: a provider of others, as a process of its own.
struct Real {
    child: Child,
    address: SocketAddr,
}

impl Real {
    /// Starts `CORDON_OIDC_SERVER`, or what the test command installed. `None`, with a message, where there is none, unless
    /// `CORDON_REQUIRE_OIDC=1` says that there must be one.
    fn start() -> Option<Self> {
        let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/clients/python/bin/oidc-provider-mock");
        let named = std::env::var_os("CORDON_OIDC_SERVER").map(PathBuf::from);
        let Some(program) = named.or_else(|| installed.exists().then_some(installed)) else {
            assert!(
                std::env::var_os("CORDON_REQUIRE_OIDC").is_none_or(|value| value != "1"),
                "there is no identity provider"
            );
            eprintln!(
                "skipped: no identity provider (set CORDON_OIDC_SERVER, or install `oidc-provider-mock`)"
            );
            return None;
        };
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--require-nonce"])
            .env("PYTHONUNBUFFERED", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split_once("http://")?.1;
                rest.split(|c: char| c != ':' && c != '.' && !c.is_ascii_digit()).next()?.parse().ok()
            })
            .expect("the provider says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, address })
    }

    async fn ask(&self, method: Method, path: &str, kind: &str, body: &str) -> Reply {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("http://{}{path}", self.address) };
        let request = Request::builder().method(method).uri(url).header("content-type", kind);
        send(&client, request.body(Full::new(body.to_owned().into())).unwrap()).await
    }

    async fn set(&self, claims: Value) {
        let reply = self.ask(Method::PUT, "/users/alex", "application/json", &claims.to_string()).await;
        assert_eq!(reply.status, 204, "{:?}", reply.body);
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The machine's time, and a while later where a test says so.
#[derive(Clone, Default)]
struct Later(Arc<AtomicI64>);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        let now = cordon::clock::machine_time().as_millis();
        Timestamp::from_millis(now + self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_signs_somebody_in_and_out() {
    let Some(real) = Real::start() else { return };
    let claims = |groups: Value| json!({"email": "alex@example.com", "name": "Alex", "groups": groups});
    real.set(claims(json!(["ops"]))).await;
    let folder = TempDir::new().unwrap();
    let later = Later::default();
    let unused = ManualClock::at(Timestamp::from_millis(0));
    let mut settings = settings(&folder, &unused, &format!("http://{}", real.address));
    settings.clock = Arc::new(later.clone());
    let node = start(settings).await;
    let mut browser = Browser::new(node.control);

    let sign_in = async |browser: &mut Browser| {
        let departure = browser.get("/signin/oidc?next=/calls").await;
        assert_eq!(departure.status, 303, "{:?}", departure.body);
        // The provider shows a form, and somebody fills it in.
        let form = "application/x-www-form-urlencoded";
        assert_eq!(real.ask(Method::GET, &departure.location(), form, "").await.status, 200);
        let agreed = real.ask(Method::POST, &departure.location(), form, "sub=alex").await;
        assert!(agreed.status.is_redirection(), "{:?}", agreed.body);
        let back = agreed.location();
        (browser.get(&back).await, back)
    };
    let (reply, back) = sign_in(&mut browser).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "/calls".to_owned()), "{:?}", reply.body);
    let me = browser.me().await.json();
    assert_eq!((&me["role"], &me["login"]), (&json!("operator"), &json!("alex@example.com")));
    assert_eq!(browser.get(&back).await.status, 401, "an answer is good once");

    // Other groups there, another role here within a minute; then none, and nobody is there any more.
    real.set(claims(json!(["sec-team"]))).await;
    later.0.fetch_add(31_000, Ordering::SeqCst);
    assert_eq!(browser.me().await.json()["role"], "auditor");
    real.set(claims(json!([]))).await;
    later.0.fetch_add(31_000, Ordering::SeqCst);
    assert_eq!(browser.me().await.status, 401);

    // The provider takes its tokens back.
    real.set(claims(json!(["admins"]))).await;
    let (reply, _) = sign_in(&mut browser).await;
    assert_eq!(reply.status, 303, "{:?}", reply.body);
    assert_eq!(browser.me().await.json()["role"], "admin");
    let revoked = real.ask(Method::POST, "/users/alex/revoke-tokens", "application/json", "").await;
    assert_eq!(revoked.status, 204);
    later.0.fetch_add(31_000, Ordering::SeqCst);
    assert_eq!(browser.me().await.status, 401);
    node.stop().await.unwrap();
}
