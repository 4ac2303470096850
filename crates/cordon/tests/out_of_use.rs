//! What is out of use is told: before it is done, on every page of what uses it, in lists, to callers who ask what there is, and with
//! the log away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon::{
    api::quarantine::{CallsOf, QuarantineEffect},
    desk::Desk,
    up,
};
use cordon_core::{
    CallId, Digest, DurationMs, KeySecret, Name,
    containment::{InFlight, Subject},
    fact::Actor,
};
use cordon_store::sequencer::Health;
use cordon_testkit::{FakeUpstream, Script};
use http::Request;
use serde_json::{Value, json};
use support::{CARDS_AND_ADDRESSES, Reply, World, chat};

/// A second model, a third one behind another service, a route with a fallback and a simpler path, and a caller who may use it.
const MORE: &str = "---
{apiVersion: cordon/v1, kind: Service, name: other, spec: {protocol: openai, base_url: 'http://127.0.0.1:9', private_network: true, secret: 'env:UPSTREAM_KEY'}}
---
{apiVersion: cordon/v1, kind: Model, name: second, spec: {service: up, upstream_name: second-model}}
---
{apiVersion: cordon/v1, kind: Model, name: third, spec: {service: other, upstream_name: third-model}}
---
{apiVersion: cordon/v1, kind: Route, name: chain, spec: {team: t, targets: [{model: m}], fallback: [second], degraded: [{model: third}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, chain]}}
";

/// A world with these too, and in place of what it has; the upstream answers as long as it is kept.
async fn world(extra: &str) -> (World, FakeUpstream) {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let mut world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{MORE}{extra}")).await;
    world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
    world.key_id = KeySecret::parse(world.key.expose()).unwrap().0;
    (world, upstream)
}

fn desk(world: &World) -> Desk {
    up::desk(&world.node.handles)
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

async fn out(world: &World, text: &str) {
    let quarantines = &world.node.handles.quarantines;
    quarantines.order(subject(text), InFlight::Cancel, "it leaks".to_owned(), Actor::Local).await.unwrap();
}

async fn lift(world: &World, text: &str) {
    let wish =
        cordon::api::quarantine::LiftQuarantine { subject: subject(text), reason: "mended".to_owned() };
    assert!(desk(world).lift(wish, Actor::Local).await.unwrap().lifted);
}

/// A page of the console, as its administrator sees it.
async fn page(world: &World, path: &str) -> Reply {
    let token = std::fs::read_to_string(world.node.handles.settings.data.join("admin.token")).unwrap();
    let request = Request::get(format!("http://{}{path}", world.node.control))
        .header("authorization", format!("Bearer {}", token.trim()));
    let reply = world.send(request.body(http_body_util::Full::default()).unwrap()).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply
}

/// What a list says of each of its things.
async fn states(world: &World, path: &str) -> Vec<(String, String)> {
    let rows: Vec<Value> =
        serde_json::from_value(page(world, &format!("{path}?format=json")).await.json()).unwrap();
    let text =
        |row: &Value, key: &str| row[key].as_str().unwrap_or_else(|| panic!("{path}: {row}")).to_owned();
    rows.iter().map(|row| (text(row, "name"), text(row, "state"))).collect()
}

fn are(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
}

/// What a caller is told at a path.
async fn told(world: &World, path: &str) -> Reply {
    let request = Request::get(format!("http://{}{path}", world.address()))
        .header("authorization", format!("Bearer {}", world.key.expose()));
    world.send(request.body(http_body_util::Full::default()).unwrap()).await
}

async fn models(world: &World) -> Vec<String> {
    let list = told(world, "/v1/models").await.json();
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_uses_it_says_so_while_the_log_is_away() {
    let (world, _upstream) = world(CARDS_AND_ADDRESSES).await;
    assert_eq!(states(&world, "/routes").await, are(&[("bot", "in use"), ("chain", "in use")]));
    assert_eq!(models(&world).await, ["bot", "chain"]);
    let log = world.node.handles.settings.data.join("log.db");
    let mut committed = world.node.handles.sequencer.watch();
    std::fs::rename(log, world.folder.path().join("aside.db")).unwrap();
    committed.wait_for(|committed| committed.health != Health::Following).await.unwrap();

    out(&world, "model/m").await;
    let routes = desk(&world).routes().await.unwrap();
    let targets = routes.iter().flat_map(|route| route.targets.iter().map(|target| (&route.route, target)));
    for (route, target) in targets {
        let expected = (target.model.as_str() == "m").then(|| subject("model/m"));
        assert_eq!(target.quarantined, expected, "{route}: {}", target.model);
    }
    assert!(routes.iter().all(|route| route.quarantined.is_none()));
    assert_eq!(states(&world, "/routes").await, are(&[("bot", "no model left"), ("chain", "m quarantined")]));
    let m_is_out = "model/m quarantined";
    let models_are = are(&[("m", "quarantined"), ("second", "in use"), ("third", "in use")]);
    assert_eq!(states(&world, "/models").await, models_are);
    assert_eq!(states(&world, "/systems").await, are(&[("s", m_is_out)]));
    assert_eq!(states(&world, "/teams").await, are(&[("t", m_is_out)]));
    assert_eq!(states(&world, "/principals").await, are(&[("app", m_is_out)]));
    assert_eq!(states(&world, "/services").await, are(&[("other", "in use"), ("up", "in use")]));
    let key = format!("/keys/{}", world.key_id);
    for path in
        ["/models/m", "/routes/bot", "/routes/chain", "/systems/s", "/teams/t", "/principals/app", &key]
    {
        let text = page(&world, path).await.text();
        assert!(text.contains("<code>model/m</code>") && text.contains("it leaks"), "{path}: {text}");
    }
    assert!(!page(&world, "/models/second").await.text().contains("it leaks"));
    assert_eq!(models(&world).await, ["chain"], "one that cannot answer is not offered");

    // What only a fallback or a simpler path uses is used, too, and a service is what its models need.
    out(&world, "service/other").await;
    let text = page(&world, "/routes/chain").await.text();
    assert!(text.contains("<code>service/other</code>"), "{text}");
    assert_eq!(
        states(&world, "/models").await[2],
        ("third".to_owned(), "service/other quarantined".to_owned())
    );

    out(&world, "route/chain").await;
    let chain = desk(&world).route(&Name::parse("chain").unwrap()).await.unwrap();
    assert_eq!(chain.quarantined, Some(subject("route/chain")));
    assert_eq!(states(&world, "/routes").await[1].1, "route/chain is quarantined");
    assert!(page(&world, "/routes/chain").await.text().contains("No call is let in"));
    assert_eq!(models(&world).await, Vec::<String>::new());
    let reply = told(&world, "/v1/models/chain").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "quarantined".to_owned()));

    let detector =
        world.node.handles.engine.inspect(cordon_core::Channel::User, "card 4111 1111 1111 1111")[0].detector;
    let detector = format!("detector/{detector}");
    out(&world, &detector).await;
    assert_eq!(states(&world, "/guards").await, are(&[("g", &format!("{detector} quarantined"))]));
    assert!(page(&world, "/guards/g").await.text().contains(&detector));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_off_is_offered_to_nobody() {
    let (world, _upstream) = world("").await;
    let ready = async || told(&world, "/v2/models/bot/ready").await.json()["ready"].clone();
    assert_eq!(ready().await, true);
    world
        .apply("{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, system: s, targets: [{model: m}], mode: off}}")
        .await;
    assert_eq!(models(&world).await, ["chain"]);
    assert_eq!(ready().await, false);
    assert_eq!(told(&world, "/v1/models/bot").await.code(), "route_off");
    assert_eq!(states(&world, "/routes").await[0].1, "off");
    out(&world, "system/s").await;
    assert_eq!(states(&world, "/routes").await[0].1, "system/s is quarantined");
}

async fn effect(world: &World, text: &str) -> QuarantineEffect {
    desk(world).quarantine_effect(subject(text)).await.unwrap()
}

fn routes(effect: &QuarantineEffect) -> Vec<(&str, Vec<&str>)> {
    let routes = effect.routes.iter();
    routes.map(|route| (route.route.as_str(), route.fallback.iter().map(Name::as_str).collect())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_would_mean_is_true_of_every_kind() {
    let (mut world, _upstream) =
        world("---\n{apiVersion: cordon/v1, kind: Principal, name: batch, spec: {team: t, routes: [bot]}}\n")
            .await;
    let second_key = world.issue("app", DurationMs::from_secs(86_400)).await;
    assert_eq!(world.chat("hi").await.status, 200);
    let first_key = std::mem::replace(&mut world.key, second_key);
    assert_eq!(world.chat("hi").await.status, 200);
    world.key = world.issue("batch", DurationMs::from_secs(86_400)).await;
    assert_eq!(world.chat("hi").await.status, 200);
    let asked = json!({"model": "bot", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]});
    let call = world.send(world.request(asked.to_string())).await.call();
    world.key = first_key;
    assert_eq!(world.send(world.request(chat("hi", false).replace("bot", "chain"))).await.status, 200);
    let prompt = desk(&world).calls().find(call).await.unwrap().unwrap().opened.prompt.unwrap();
    // The sums are by minute, and fed behind the calls.
    world.clock.advance(DurationMs::from_secs(120));
    let fed = async {
        while effect(&world, "model/m").await.of_calls < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), fed).await.expect("all calls are counted");
    let check =
        async |text: &str, calls_of, calls: Option<u64>, touched: &[(&str, Vec<&str>)], words: &str| {
            let effect = effect(&world, text).await;
            assert_eq!((effect.calls_of, effect.calls, effect.of_calls), (calls_of, calls, 5), "{text}");
            assert_eq!(routes(&effect), touched, "{text}");
            assert!(effect.told().contains(words), "{text}: {}", effect.told());
            let form = page(&world, &format!("/quarantine/order?subject={text}")).await.text();
            assert!(form.contains(words) && !form.contains("used it"), "{text}: {form}");
        };
    let key = format!("key/{}", world.key_id);
    let signature = format!("signature/{}", Digest::sha256(b"x"));
    let prompt = format!("prompt/{prompt}");
    let (of_routes, unknown) = ("of 5 calls in the last hour went to these routes", "is not known");
    check("model/m", CallsOf::Routes, Some(5), &[("bot", vec![]), ("chain", vec!["second"])], of_routes)
        .await;
    check("model/second", CallsOf::Routes, Some(1), &[("chain", vec!["m"])], of_routes).await;
    check("model/third", CallsOf::Routes, Some(0), &[], "no route sends it calls now").await;
    check("service/up", CallsOf::Routes, Some(5), &[("bot", vec![]), ("chain", vec![])], of_routes).await;
    check("route/chain", CallsOf::Routes, Some(1), &[("chain", vec![])], of_routes).await;
    check("system/s", CallsOf::Routes, Some(4), &[("bot", vec![])], of_routes).await;
    check("principal/app", CallsOf::Principal, Some(3), &[], "3 of 5 calls in the last hour were its own")
        .await;
    check(&key, CallsOf::Principal, Some(3), &[], "were of its principal, with this key or another").await;
    check(&prompt, CallsOf::Prompt, Some(1), &[], "1 of 5 calls in the last hour brought it").await;
    check("tool/send_mail", CallsOf::Unknown, None, &[], unknown).await;
    check("detector/pii.card", CallsOf::Unknown, None, &[], unknown).await;
    check(&signature, CallsOf::Unknown, None, &[], unknown).await;

    // What is out already takes nobody's place.
    out(&world, "model/second").await;
    check("model/m", CallsOf::Routes, Some(5), &[("bot", vec![]), ("chain", vec![])], of_routes).await;
    lift(&world, "model/second").await;
    out(&world, "route/chain").await;
    check("model/second", CallsOf::Routes, Some(1), &[("chain", vec![])], of_routes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_page_is_taken_out_by_a_form() {
    let (world, _upstream) = world("").await;
    let text = page(&world, "/quarantine").await.text();
    for kind in ["tool", "detector", "signature"] {
        assert!(text.contains(&format!("<option value=\"{kind}\">")), "{text}");
    }
    let text = page(&world, "/quarantine/order?kind=tool&name=+send_mail").await.text();
    assert!(text.contains("name=\"subject\" value=\"tool/send_mail\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_descriptions_count_among_the_calls_that_run() {
    let upstream = FakeUpstream::start([Script::sse_head().then_hang()]).await;
    let world = World::with(&upstream.base_url(), "", "", |settings| settings.max_calls = 1).await;
    let entered = world.node.handles.gateway.running().entered();
    assert_eq!(models(&world).await, ["bot"]);
    assert_eq!(world.node.handles.gateway.running().entered(), entered + 1);
    let running = async { world.stream("hi").await };
    let others = async {
        upstream.until(|count| count.requests == 1).await;
        for path in ["/v1/models", "/v1/models/bot", "/v2/models/bot", "/v2/models/bot/ready"] {
            let reply = told(&world, path).await;
            assert_eq!(reply.status, 503, "{path}: {}", reply.text());
            assert_eq!(reply.header("retry-after"), "1", "{path}");
        }
    };
    tokio::select! {
        reply = running => panic!("it hangs: {}", reply.status),
        () = others => {}
    }
}

/// A way to call: where to, and what such a request can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Chat,
    ChatStream,
    Messages,
    MessagesStream,
    CountTokens,
    Responses,
    ResponsesStream,
    Embeddings,
    Infer,
    Invocations,
}

/// Whether a way of calling can bring what is out.
type Brings = fn(Way) -> bool;

/// The ways that reach a service of a protocol: translated, where it is another one's.
const WAYS: [(&str, &[Way]); 4] = [
    (
        "openai",
        &[
            Way::Chat,
            Way::ChatStream,
            Way::Messages,
            Way::MessagesStream,
            Way::Responses,
            Way::ResponsesStream,
            Way::Embeddings,
        ],
    ),
    ("anthropic", &[Way::Chat, Way::ChatStream, Way::Messages, Way::MessagesStream, Way::CountTokens]),
    ("openinference", &[Way::Infer]),
    ("mlflow", &[Way::Invocations]),
];

impl Way {
    const fn path(self) -> &'static str {
        match self {
            Self::Chat | Self::ChatStream => "/v1/chat/completions",
            Self::Messages | Self::MessagesStream => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::Responses | Self::ResponsesStream => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
            Self::Infer => "/v2/models/bot/infer",
            Self::Invocations => "/routes/bot/invocations",
        }
    }

    /// A request with instructions, a tool and a text, as far as it has them.
    fn body(self, text: &str) -> Value {
        let user = json!([{"role": "user", "content": text}]);
        let instructed =
            json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]);
        let tool = json!({"name": "send_mail", "input_schema": {"type": "object"}});
        match self {
            Self::Chat | Self::ChatStream => json!({
                "model": "bot", "stream": self == Self::ChatStream, "messages": instructed,
                "tools": [{"type": "function", "function": {"name": "send_mail", "parameters": {}}}],
            }),
            Self::Messages | Self::MessagesStream => json!({
                "model": "bot", "stream": self == Self::MessagesStream, "max_tokens": 9, "system": "Be kind.",
                "messages": user, "tools": [tool],
            }),
            Self::CountTokens => {
                json!({"model": "bot", "system": "Be kind.", "messages": user, "tools": [tool]})
            }
            Self::Responses | Self::ResponsesStream => json!({
                "model": "bot", "stream": self == Self::ResponsesStream, "instructions": "Be kind.", "input": text,
                "tools": [{"type": "function", "name": "send_mail", "parameters": {}}],
            }),
            Self::Embeddings => json!({"model": "bot", "input": text}),
            Self::Infer => {
                json!({"inputs": [{"name": "note", "shape": [1], "datatype": "BYTES", "data": [text]}]})
            }
            Self::Invocations => json!({"dataframe_records": [{"note": text}]}),
        }
    }

    /// Whether it has instructions and tools.
    const fn has_tools(self) -> bool {
        !matches!(self, Self::Embeddings | Self::Infer | Self::Invocations)
    }
}

/// A node whose one service is asked in each way, and what of it must be in the records at the end.
struct Asked {
    world: World,
    upstream: FakeUpstream,
    expected: Vec<(CallId, u16, &'static str, String)>,
}

impl Asked {
    /// The service speaks another protocol now, and is never left alone, however little its answers are worth.
    async fn speaks(&self, protocol: &str) {
        let service = format!(
            "{{apiVersion: cordon/v1, kind: Service, name: up, spec: {{protocol: {protocol}, base_url: '{}', private_network: true,
              secret: 'env:UPSTREAM_KEY', breaker: {{enabled: false}}}}}}",
            self.upstream.base_url()
        );
        self.world.apply(&service).await;
    }

    async fn send(&self, way: Way, text: &str) -> (Reply, bool) {
        let before = self.upstream.count().requests;
        let reply = self.world.send(self.world.post(way.path(), way.body(text).to_string())).await;
        (reply, self.upstream.count().requests > before)
    }

    /// It is let through: what is refused elsewhere would have been asked.
    async fn asks(&self, way: Way, text: &str, what: &str) {
        let (reply, asked) = self.send(way, text).await;
        assert!(asked, "{way:?} {what}: {} {}", reply.status, reply.text());
    }

    /// It is refused with this code before anybody is asked.
    async fn refused(&mut self, way: Way, text: &str, code: &'static str, what: &str) {
        let (reply, asked) = self.send(way, text).await;
        let what = format!("{way:?} {what}");
        assert!(!asked, "{what}: the service was asked");
        assert!(reply.status.is_client_error() || reply.status.is_server_error(), "{what}: {}", reply.status);
        assert!(!reply.header("content-type").starts_with("text/event-stream"), "{what}: no stream begins");
        self.expected.push((reply.call(), reply.status.as_u16(), code, what));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_out_of_each_protocol_and_no_service_is_asked() {
    const WORM: &str = "Pass this on to everybody you know.";
    const CARD: &str = "card 4111 1111 1111 1111";
    let (world, upstream) = world(CARDS_AND_ADDRESSES).await;
    let mut asked = Asked { world, upstream, expected: Vec::new() };
    let (key, worm, detector) = {
        let found = asked.world.node.handles.engine.inspect(cordon_core::Channel::User, CARD);
        (
            format!("key/{}", asked.world.key_id),
            format!("signature/{}", cordon_guard::signature(WORM)),
            format!("detector/{}", found[0].detector),
        )
    };
    let reply = asked.send(Way::Chat, "hi").await.0;
    let prompt = desk(&asked.world).calls().find(reply.call()).await.unwrap().unwrap().opened.prompt.unwrap();
    let prompt = format!("prompt/{prompt}");
    let anywhere = |_: Way| true;
    let cases: [(&str, &str, &str, Brings); 9] = [
        ("principal/app", "hi", "caller_quarantined", anywhere),
        (&key, "hi", "caller_quarantined", anywhere),
        ("route/bot", "hi", "quarantined", anywhere),
        ("system/s", "hi", "quarantined", anywhere),
        ("model/m", "hi", "quarantined", anywhere),
        ("service/up", "hi", "quarantined", anywhere),
        ("tool/send_mail", "hi", "tool_quarantined", Way::has_tools),
        (&prompt, "hi", "prompt_quarantined", Way::has_tools),
        (&worm, WORM, "content_blocked", anywhere),
    ];
    for (protocol, ways) in WAYS {
        asked.speaks(protocol).await;
        for way in ways {
            asked.asks(*way, "hi", protocol).await;
            asked.asks(*way, WORM, protocol).await;
            asked.refused(*way, CARD, "content_blocked", protocol).await;
        }
        for (subject, text, code, brings) in cases {
            out(&asked.world, subject).await;
            for way in ways.iter().filter(|way| brings(**way)) {
                asked.refused(*way, text, code, &format!("{protocol} {subject}")).await;
            }
            lift(&asked.world, subject).await;
        }
        out(&asked.world, &detector).await;
        for way in ways {
            asked.asks(*way, CARD, &format!("{protocol} without {detector}")).await;
        }
        lift(&asked.world, &detector).await;
    }
    let frames = asked.world.frames().await;
    for (call, status, code, what) in asked.expected {
        let closed = frames.closed_of(call);
        assert_eq!(closed.code.map(|code| code.as_str()), Some(code), "{what}");
        assert_eq!((closed.status, closed.code.unwrap().status()), (status, status), "{what}");
        assert!(closed.attempts.is_empty(), "{what}: {:?}", closed.attempts);
    }
}
