//! Signing in with an identity provider: a real one, as a process of its own on loopback, and one that does whatever a test
//! says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod browser;
mod provider;
mod real;
#[path = "../support/mod.rs"]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use cordon::{
    config::Raw,
    identity::OidcOptions,
    node::{Node, Settings},
    up,
};
use cordon_core::{
    DurationMs, Role, Timestamp,
    fact::{Actor, Body},
    resource::SecretRef,
};
use cordon_guard::{ports::Clock, upstream::Environment};
use cordon_testkit::{ManualClock, TempDir};
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};

use browser::Browser;
use provider::{CLIENT, SECRET, Scripted, Sign};
use real::Real;
use support::{Reply, send};

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
    let token = browser.make_token().await;
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
    let idle = browser.make_token().await;
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
    let mut settings = settings(&folder, &unused, &real.issuer());
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
