//! How fast the kill switch is: `cargo bench -p cordon --bench quarantine -- [ROUNDS]`.
//!
//! Four callers ask one after the other without a pause, over loopback. In each of so many rounds (40 if nothing is said) the model that
//! serves them is quarantined over the control API, and given back. Times are from the moment in which the order is sent: until
//! a call is first refused, until the order is answered, and until the last call began that was still served. No call that begins
//! after the answer may be served: the benchmark stops if one is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark stops at the first surprise"
)]

mod served;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use served::{Http, Served, call, client};
use tokio::sync::mpsc;

const CALLERS: usize = 4;
/// Calls that every caller makes before the order: connections are made then.
const BEFORE: usize = 5;

#[derive(Clone, Copy)]
struct Call {
    began: Instant,
    ended: Instant,
    served: bool,
}

#[tokio::main]
async fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(40);
    let served = Served::start(&[]).await;
    let control = client();
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..rounds {
        let (done, mut calls) = mpsc::unbounded_channel();
        let (ready, mut warm) = mpsc::channel(CALLERS);
        for _ in 0..CALLERS {
            let (gateway, key) = (served.node.gateway, served.key.clone());
            let (done, ready) = (done.clone(), ready.clone());
            tokio::spawn(async move {
                let client = client();
                for number in 0.. {
                    if number == BEFORE {
                        ready.send(()).await.unwrap();
                    }
                    let began = Instant::now();
                    let (status, answer) = call(&client, gateway, &key).await;
                    let ended = Instant::now();
                    let served = status == StatusCode::OK;
                    assert!(served || status == StatusCode::SERVICE_UNAVAILABLE, "{status} {answer:?}");
                    done.send(Call { began, ended, served }).unwrap();
                    if !served {
                        return;
                    }
                }
            });
        }
        drop(done);
        for _ in 0..CALLERS {
            warm.recv().await.unwrap();
        }
        let sent = Instant::now();
        ask(&control, &served, "quarantines").await;
        let answered = Instant::now();
        let mut all = Vec::new();
        while let Some(call) = calls.recv().await {
            all.push(call);
        }
        let refused = all.iter().filter(|call| !call.served).map(|call| call.ended).min().unwrap();
        let last = all.iter().filter(|call| call.served).map(|call| call.began).max().unwrap();
        assert!(last <= answered, "a call began after the answer and was served");
        for (times, at) in times.iter_mut().zip([refused, answered, last]) {
            times.push(at.saturating_duration_since(sent));
        }
        ask(&control, &served, "quarantines/lift").await;
    }
    println!(
        "{rounds} rounds, {CALLERS} callers\n\n| from the order | p50 ms | p99 ms | most ms |\n|---|---|---|---|"
    );
    let names = ["to the first refusal", "to the answer", "to the begin of the last call served"];
    for (name, times) in names.iter().zip(&mut times) {
        times.sort();
        let [p50, p99, most] =
            [50, 99, 100].map(|part| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3);
        println!("| {name} | {p50:.2} | {p99:.2} | {most:.2} |");
    }
    served.node.stop().await.unwrap();
}

async fn ask(client: &Http, served: &Served, path: &str) {
    let body = r#"{"subject":"model/sandbox-gullible","reason":"a benchmark"}"#;
    let request = Request::post(format!("http://{}/api/v1/{path}", served.node.control))
        .header("authorization", format!("Bearer {}", served.token))
        .header("content-type", "application/json")
        .body(Full::<Bytes>::from(body))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let answer = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{answer:?}");
}
