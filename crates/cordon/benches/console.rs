//! Pages of the console and lists of the API on a large store: `cargo bench -p cordon --bench console -- CALLS`.
//!
//! Makes a store with so many calls in its index (ten million if nothing is said, over thirty days, twenty routes, a fifth with a
//! finding) and ten thousand principals, serves it in this process, and asks each page a hundred times over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark stops at the first surprise"
)]

mod calls;

use std::time::{Duration, Instant};

use bytes::Bytes;
use calls::{ROUTES, Random, frames, name};
use cordon::{config::Raw, node::Node, up};
use cordon_core::{
    Name, Timestamp,
    command::Wish,
    fact::Actor,
    resource::{Kind, Resource},
};
use cordon_store::{CallIndex, calls::SourceFrame};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

const PRINCIPALS: u64 = 10_000;
const DAYS: u64 = 30;
const ROUNDS: usize = 100;
/// The first ones fill caches.
const WARM: usize = 3;

async fn fill(file: &std::path::Path, calls: u64) {
    let (_index, mut writer) = CallIndex::open(file).await.unwrap();
    let now = cordon::clock::machine_time().as_millis();
    let first = now - i64::try_from(DAYS * 86_400_000).unwrap();
    let mut random = Random(7);
    let began = Instant::now();
    for batch in (0..calls).step_by(4000) {
        let end = (batch + 4000).min(calls);
        let frames: Vec<SourceFrame> = (batch..end)
            .flat_map(|number| {
                let along = i128::from(now - first - 1000) * i128::from(number) / i128::from(calls);
                let time = Timestamp::from_millis(first + i64::try_from(along).unwrap());
                let source = |half, payload| SourceFrame { sequence: number * 2 + half, payload };
                let [opened, closed] = frames(number, time, &mut random);
                [source(0, opened), source(1, closed)]
            })
            .collect();
        writer.write([9; 16], &frames).await.unwrap();
    }
    writer.close().await.unwrap();
    let size = file.metadata().unwrap().len();
    println!(
        "{calls} calls in {:.0} s, {} MiB, {} bytes each",
        began.elapsed().as_secs_f64(),
        size >> 20,
        size / calls.max(1)
    );
}

async fn declare(node: &Node) {
    let set =
        |kind: Kind, at: Name, spec: serde_json::Value| Resource { name: at, spec: kind.read(spec).unwrap() };
    let mut resources = vec![
        set(Kind::Team, name("team", 0), serde_json::json!({})),
        set(
            Kind::Service,
            name("service", 0),
            serde_json::json!({"protocol": "openai", "base_url": "https://example.com/v1"}),
        ),
        set(Kind::Model, name("model", 0), serde_json::json!({"service": "service-0", "upstream_name": "m"})),
        set(
            Kind::Guard,
            name("guard", 0),
            serde_json::json!({"scope": "organisation", "rules": [{"category": "pii", "action": "redact"}]}),
        ),
    ];
    for route in 0..ROUTES {
        let spec = serde_json::json!({"team": "team-0", "targets": [{"model": "model-0"}]});
        resources.push(set(Kind::Route, name("route", route), spec));
    }
    for app in 0..PRINCIPALS {
        let spec = serde_json::json!({"team": "team-0", "routes": ["route-0"]});
        resources.push(set(Kind::Principal, name("app", app), spec));
    }
    for part in resources.chunks(500) {
        node.handles.sequencer.wish(Wish::Apply(part.to_vec()), Actor::Local).await.unwrap();
    }
}

async fn ask(client: &Client<HttpConnector, Empty<Bytes>>, address: &str, token: &str) -> (Duration, usize) {
    let request = Request::builder()
        .uri(address)
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::new())
        .unwrap();
    let began = Instant::now();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.status(), 200, "{address}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (began.elapsed(), body.len())
}

#[tokio::main]
async fn main() {
    let calls = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = Raw::default()
        .flag("--data", "data", Some(data.display().to_string()))
        .flag("--gateway", "gateway.listen", Some("127.0.0.1:0".to_owned()))
        .flag("--control", "control.listen", Some("127.0.0.1:0".to_owned()))
        .check()
        .unwrap();
    let start = async || {
        let routes = config.clone();
        Node::start(up::settings(&config).unwrap(), |handles| up::routes(handles, routes)).await.unwrap()
    };
    let node = start().await;
    declare(&node).await;
    node.stop().await.unwrap();
    fill(&data.join("index.db"), calls).await;
    let node = start().await;
    let token = std::fs::read_to_string(data.join("admin.token")).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    println!("| page | p50 ms | p99 ms | bytes |\n|---|---|---|---|");
    for path in [
        "/",
        "/?range=1h",
        "/?range=7d",
        "/?range=30d",
        "/?range=365d",
        "/calls",
        "/calls?range=30d",
        "/calls?range=30d&verdict=block",
        "/calls?range=30d&route=route-3&verdict=redact",
        "/calls?range=30d&principal=app-7",
        "/calls?range=30d&category=prompt_injection",
        "/routes",
        "/routes/route-3",
        "/routes/route-3/guard",
        "/services/service-0",
        "/principals",
        "/teams/team-0/related",
        "/keys",
        "/log",
        "/log?all=1",
        "/search?q=route-1",
        "/search?q=nothing-at-all",
        "/setup",
        "/api/v1/calls?limit=100",
        "/api/v1/resources?kind=principal",
    ] {
        let address = format!("http://{}{path}", node.control);
        let mut times = Vec::new();
        let mut size = 0;
        for _ in 0..WARM {
            ask(&client, &address, token.trim()).await;
        }
        for _ in 0..ROUNDS {
            let (time, bytes) = ask(&client, &address, token.trim()).await;
            times.push(time);
            size = bytes;
        }
        times.sort();
        let ms = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        println!("| `{path}` | {:.1} | {:.1} | {size} |", ms(50), ms(99));
    }
    node.stop().await.unwrap();
}
