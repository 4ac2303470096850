//! What an OpenTelemetry collector gets: the spans of each call and the metrics, whatever happens to it, and no call waits.
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
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use cordon::telemetry::{Options, Sampler, Share, semconv};
use cordon_core::resource::SecretRef;
use cordon_guard::upstream::Environment;
use cordon_testkit::{
    FakeUpstream, Script, closed_port,
    server::{self, Server},
};
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};
use support::{CARDS_AND_ADDRESSES, Reply, World, send};
use tokio::net::TcpListener;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CARD: &str = "4111 1111 1111 1111";
/// The receiver of `tests/clients`, which decodes with OpenTelemetry's own classes.
struct Receiver(Server);

impl Receiver {
    fn start() -> Option<Self> {
        let python = server::find("OTLP", "python")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients/otlp_receiver.py");
        let imports =
            Command::new(&python).args(["-c", "import opentelemetry.proto.trace.v1"]).output().unwrap();
        if !imports.status.success() {
            assert!(
                std::env::var_os("CORDON_REQUIRE_OTLP").is_none_or(|value| value != "1"),
                "CORDON_REQUIRE_OTLP=1, and {} has no opentelemetry-proto",
                python.display()
            );
            eprintln!(
                "skipped: {} has no opentelemetry-proto (`cargo xtask test` installs it)",
                python.display()
            );
            return None;
        }
        Some(Self(Server::start(Command::new(python).arg(script))))
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.0.address)
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Reply {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::builder().method(method).uri(self.endpoint() + path);
        send(&client, request.body(Full::new(body.into())).unwrap()).await
    }

    async fn answers(&self, answers: Value) {
        assert_eq!(self.ask(Method::POST, "/answers", answers.to_string()).await.status, 200);
    }

    async fn received(&self) -> Value {
        self.ask(Method::GET, "/received", String::new()).await.json()
    }
}

/// What each pause was asked for.
type Pauses = Arc<Mutex<Vec<(u32, Option<Duration>)>>>;

fn options(endpoint: String) -> (Options, Pauses) {
    let pauses = Pauses::default();
    let seen = Arc::clone(&pauses);
    let options = Options {
        endpoint,
        headers: None,
        ca_bundle: None,
        timeout: Duration::from_secs(5),
        sampler: Sampler::named("parentbased_always_on", Share::ALL).unwrap(),
        service: "gateway".to_owned(),
        resource: vec![("deployment.environment.name".to_owned(), "test".to_owned())],
        every: Duration::from_secs(3_600),
        queue: 64,
        gather: Duration::from_millis(1),
        pause: Arc::new(move |attempt, after| {
            seen.lock().unwrap().push((attempt, after));
            Box::pin(tokio::task::yield_now())
        }),
    };
    (options, pauses)
}

async fn world(upstream: &FakeUpstream, options: Options) -> World {
    World::with(&upstream.base_url(), "", CARDS_AND_ADDRESSES, |settings| settings.telemetry = Some(options))
        .await
}

fn body(text: &str, stream: bool) -> String {
    json!({"model": "bot", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string()
}

/// Ends the node, which sends what is there; what it counted.
async fn end(world: World) -> String {
    let registry = Arc::clone(&world.node.handles.registry);
    assert_eq!(world.node.stop().await.unwrap(), 0);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

fn spans<'a>(received: &'a Value, call: &str) -> Vec<&'a Value> {
    let all = received["spans"].as_array().unwrap();
    let whole = all.iter().find(|span| span["attributes"]["cordon.call.id"] == call).expect(call);
    let parts = all.iter().filter(|span| span["parent"] == whole["id"]);
    std::iter::once(whole).chain(parts).collect()
}

fn names(spans: &[&Value]) -> Vec<String> {
    spans.iter().map(|span| span["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_call_is_a_tree_of_spans_that_a_receiver_of_others_reads() {
    let Some(receiver) = Receiver::start() else { return };
    let upstream =
        FakeUpstream::start([Script::says("hello"), Script::streams(["hel", "lo"]), Script::says("never")])
            .await;
    let (mut options, _) = options(receiver.endpoint());
    options.headers = Some(SecretRef::Env("OTLP_HEADERS".to_owned()));
    let world = World::with(&upstream.base_url(), "", CARDS_AND_ADDRESSES, |settings| {
        settings.telemetry = Some(options);
        settings.environment = Environment::with(|name| match name {
            "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
            "OTLP_HEADERS" => Some("api-key=to%20p,x-tenant=t1".to_owned()),
            _ => None,
        });
    })
    .await;

    let mut request = world.request(body("write to ann@example.com", false));
    request.headers_mut().insert("traceparent", PARENT.parse().unwrap());
    request.headers_mut().insert("tracestate", "vendor=1".parse().unwrap());
    let first = world.send(request).await;
    assert_eq!(first.status, 200);
    let told = upstream.last_request();
    let second = world.send(world.request(body("hi", true))).await;
    assert_eq!(second.streamed(), "hello");
    let begun = upstream.last_request();
    let third = world.send(world.request(body(&format!("my card {CARD}"), false))).await;
    assert_ne!(third.status, 200);
    let (first, second, third) =
        (first.call().to_string(), second.call().to_string(), third.call().to_string());
    end(world).await;
    let received = receiver.received().await;
    let text = received.to_string();
    assert!(!text.contains(CARD) && !text.contains("ann@example.com") && !text.contains("hello"));

    // The caller's trace goes through: its span, ours, and the upstream was told of ours.
    let tree = spans(&received, &first);
    let want = [
        "POST /v1/chat/completions",
        "cordon.inspect.request",
        "chat upstream-model",
        "cordon.inspect.answer",
    ];
    assert_eq!(names(&tree)[..4], want);
    assert!(tree.iter().all(|span| span["trace"] == TRACE && span["scope"] == "cordon"));
    assert!(tree.iter().all(|span| span["schema"] == semconv::SCHEMA_URL));
    let (whole, inspected, exchange) = (tree[0], tree[1], tree[2]);
    assert_eq!((&whole["parent"], &whole["kind"]), (&json!("00f067aa0ba902b7"), &json!(2)));
    assert_eq!(whole["flags"].as_u64().unwrap() & 0x300, 0x300, "the parent is another process's");
    assert_eq!(exchange["kind"], 3);
    let id = exchange["id"].as_str().unwrap();
    assert_eq!(told.header("traceparent"), Some(format!("00-{TRACE}-{id}-01").as_str()));
    assert_eq!(told.header("tracestate"), Some("vendor=1"));
    let of = &exchange["attributes"];
    assert_eq!(of["gen_ai.operation.name"], "chat");
    assert_eq!(of["gen_ai.provider.name"], "openai");
    assert_eq!(of["gen_ai.request.model"], "upstream-model");
    assert_eq!(of["gen_ai.response.finish_reasons"], json!(["stop"]));
    assert_eq!(of["server.address"], "127.0.0.1");
    assert_eq!(of["http.response.status_code"], 200);
    assert!(of["gen_ai.usage.input_tokens"].as_u64().is_some(), "{of}");
    let of = &whole["attributes"];
    for (name, value) in [
        ("cordon.route", "bot"),
        ("cordon.principal", "app"),
        ("cordon.team", "t"),
        ("cordon.system", "s"),
        ("cordon.verdict", "redact"),
        ("cordon.outcome", "released"),
    ] {
        assert_eq!(of[name], value, "{name}");
    }
    assert_eq!(inspected["events"][0][0], "cordon.finding");
    assert_eq!(inspected["events"][0][1]["cordon.category"], "pii/email");
    for span in &tree {
        assert!(span["start"].as_u64() <= span["end"].as_u64(), "{span}");
        assert!(whole["start"].as_u64() <= span["start"].as_u64(), "{span}");
        assert!(span["end"].as_u64() <= whole["end"].as_u64(), "{span}");
        for name in span["attributes"].as_object().unwrap().keys() {
            assert!(semconv::ATTRIBUTES.iter().any(|known| known.name == name), "{name}");
        }
    }

    // A trace that begins here has the call's id.
    let tree = spans(&received, &second);
    let trace = second.replace('-', "");
    assert!(tree.iter().all(|span| span["trace"] == trace) && tree[0]["parent"] == "");
    assert_eq!(tree[0]["attributes"]["cordon.stream"], true);
    let id = tree[2]["id"].as_str().unwrap();
    assert_eq!(begun.header("traceparent"), Some(format!("00-{trace}-{id}-01").as_str()));
    assert!(trace.ends_with(tree[0]["id"].as_str().unwrap()));

    // A call that is blocked has no upstream, and is no error of the server's.
    let tree = spans(&received, &third);
    assert_eq!(tree[0]["attributes"]["cordon.verdict"], "block");
    assert_eq!(tree[0]["attributes"]["cordon.refusal.code"], "content_blocked");
    assert_eq!(tree[0]["status"], 0);
    assert!(names(&tree).iter().all(|name| !name.starts_with("chat")), "{:?}", names(&tree));

    let resource = &received["resources"][0];
    assert_eq!(
        (&resource["service.name"], &resource["deployment.environment.name"]),
        (&json!("gateway"), &json!("test"))
    );
    let headers = &received["headers"][0];
    assert_eq!((&headers["api-key"], &headers["x-tenant"]), (&json!("to p"), &json!("t1")));

    // The metrics are those of the registry, under the names of the conventions.
    let metrics = received["metrics"].as_array().unwrap();
    let of = |name: &str| metrics.iter().find(|metric| metric["name"] == name).expect(name);
    let tokens = of("gen_ai.client.token.usage");
    assert_eq!((&tokens["unit"], &tokens["kind"]), (&json!("{token}"), &json!("histogram")));
    assert_eq!(tokens["points"][0]["bounds"], json!(semconv::TOKEN_BUCKETS));
    assert_eq!(tokens["points"][0]["attributes"]["gen_ai.request.model"], "upstream-model");
    let duration = of("gen_ai.client.operation.duration");
    assert_eq!((&duration["unit"], &duration["points"][0]["count"]), (&json!("s"), &json!("2")));
    assert_eq!(of("gen_ai.client.operation.time_to_first_chunk")["points"][0]["count"], "1");
    let calls = of("cordon.calls")["points"].as_array().unwrap();
    assert_eq!(calls.iter().map(|point| point["asDouble"].as_f64().unwrap()).sum::<f64>(), 3.0);
    let label = calls[0]["attributes"].as_object().unwrap();
    assert_eq!(
        label.keys().collect::<Vec<_>>(),
        ["cordon.outcome", "cordon.route", "cordon.status_class", "cordon.verdict"]
    );
}

#[tokio::test]
async fn a_collector_that_is_away_or_does_not_answer_costs_no_call_anything() {
    let upstream = FakeUpstream::start((0..24).map(|_| Script::says("x"))).await;
    // Nobody listens.
    let (options, pauses) = options(format!("http://{}", closed_port().await));
    let world = self::world(&upstream, options.clone()).await;
    for _ in 0..4 {
        assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    }
    let counted = end(world).await;
    assert!(counted.contains("cordon_telemetry_lost_total{reason=\"collector\"} 4"), "{counted}");
    assert!(pauses.lock().unwrap().iter().all(|(attempt, after)| *attempt < 5 && after.is_none()));

    // Somebody listens, takes the request and says nothing: the queue is full soon.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let world = self::world(&upstream, Options { endpoint, queue: 2, ..options }).await;
    assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    let (held, _) = silent.accept().await.unwrap();
    for _ in 0..12 {
        assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    }
    drop((held, silent));
    let counted = end(world).await;
    assert!(counted.contains("cordon_telemetry_lost_total{reason=\"queue_full\"} "), "{counted}");
    let lost = counted.lines().filter_map(|line| line.strip_prefix("cordon_telemetry_lost_total{"));
    let lost: u64 = lost.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(lost, 13, "{counted}");
}

#[tokio::test]
async fn a_busy_collector_is_asked_again_when_it_says_and_what_it_refuses_is_counted() {
    let Some(receiver) = Receiver::start() else { return };
    let upstream = FakeUpstream::start((0..8).map(|_| Script::says("x"))).await;
    let (options, pauses) = options(receiver.endpoint());
    let world = self::world(&upstream, options.clone()).await;
    receiver.answers(json!([{"status": 429, "retry_after": 7}, {"status": 503}, {"rejected": 2}])).await;
    assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    // The whole of it has arrived when the node has ended, and the pauses were those that were asked for.
    let mut taken = 0;
    while taken == 0 {
        taken = receiver.received().await["spans"].as_array().unwrap().len();
    }
    let counted = end(world).await;
    assert_eq!(*pauses.lock().unwrap(), [(0, Some(Duration::from_secs(7))), (1, None)]);
    for line in [
        "cordon_telemetry_calls_total 1",
        "cordon_telemetry_failures_total 2",
        "cordon_telemetry_lost_total{reason=\"rejected\"} 2",
    ] {
        assert!(counted.contains(line), "{line}\n{counted}");
    }

    // What it does not want now it will not want later.
    receiver.answers(json!([{"status": 400}])).await;
    let world = self::world(&upstream, options).await;
    assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    let counted = end(world).await;
    assert!(counted.contains("cordon_telemetry_lost_total{reason=\"collector\"} 1"), "{counted}");
    assert_eq!(pauses.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_trace_that_its_caller_does_not_sample_is_not_exported_and_goes_on_unsampled() {
    let Some(receiver) = Receiver::start() else { return };
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("x"))).await;
    let world = self::world(&upstream, options(receiver.endpoint()).0).await;
    let mut request = world.request(body("hi", false));
    request.headers_mut().insert("traceparent", PARENT.replace("-01", "-00").parse().unwrap());
    assert_eq!(world.send(request).await.status, 200);
    let told = upstream.last_request();
    let told = told.header("traceparent").unwrap();
    assert!(told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"), "{told}");
    // After a restart, too.
    let world = world.again(|_| ()).await;
    assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    end(world).await;
    let received = receiver.received().await;
    let traces: Vec<&Value> =
        received["spans"].as_array().unwrap().iter().map(|span| &span["trace"]).collect();
    assert!(!traces.is_empty() && traces.iter().all(|trace| *trace != TRACE), "{traces:?}");

    // Without a collector the caller's context goes on as it came.
    let world = World::new(&upstream.base_url()).await;
    let mut request = world.request(body("hi", false));
    request.headers_mut().insert("traceparent", PARENT.parse().unwrap());
    assert_eq!(world.send(request).await.status, 200);
    assert_eq!(upstream.last_request().header("traceparent"), Some(PARENT));
    assert_eq!(world.send(world.request(body("hi", false))).await.status, 200);
    assert_eq!(upstream.last_request().header("traceparent"), None);
    end(world).await;
}
