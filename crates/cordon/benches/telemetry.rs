//! What telemetry costs a call: counting it, and handing it over to be exported. `cargo bench -p cordon --bench telemetry`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "benchmark code")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use cordon::metrics::Metrics;
use cordon_core::{Action, Name, record::Frame};
use cordon_guard::{
    dispatch::Target,
    ports::{EndedCall, Marks, Meter as _, Sampling, TracedCall},
    trace::CallTrace,
};
use cordon_policy::ServiceEntry;

const CALLS: u32 = 200_000;

/// A call with a finding, as it was recorded.
const OPENED: &str = r#"{"opened":{"build":"0.1.0","call":"00000000-0001-7303-8303-030303030303","input":{"action":"redact","findings":[{"action":"redact","category":"pii/email","channel":"user","detector":"email","detector_version":1,"end":19,"part":"messages/0/content","score":900000,"start":3,"would":"redact"}],"would":"redact"},"key":"0101010101010101","model":"m","operation":"chat","position":3,"principal":"app","request_bytes":10,"route":"bot","rules":"0404040404040404040404040404040404040404040404040404040404040404","service":"s","stream":true,"team":"t","time":"1970-01-01T00:00:00.001Z"}}"#;
const CLOSED: &str = r#"{"closed":{"call":"00000000-0001-7303-8303-030303030303","outcome":"released","output":{"action":"allow","would":"allow"},"response_bytes":12,"status":200,"time":"1970-01-01T00:00:00.009Z","timings":{"admit":20,"inspect_input":300,"inspect_output":200,"receive":10,"record":400,"total":8500,"upstream":7000,"upstream_first_byte":900},"tokens":{"input":900,"output":120},"upstream_status":200}}"#;

/// The middle of five rounds, for one call.
fn median(what: &str, mut round: impl FnMut() -> Duration) {
    let mut rounds: Vec<Duration> = (0..5).map(|_| round()).collect();
    rounds.sort_unstable();
    let each = rounds.get(2).unwrap().as_nanos() / u128::from(CALLS);
    println!("{what}: {each} ns a call");
}

fn main() {
    let Frame::Opened(opened) = Frame::decode(OPENED.as_bytes()).unwrap() else { panic!("opened") };
    let Frame::Closed(closed) = Frame::decode(CLOSED.as_bytes()).unwrap() else { panic!("closed") };
    let service = serde_json::json!({"protocol": "openai", "base_url": "https://api.example.com/v1"});
    let model = serde_json::json!({"service": "s", "upstream_name": "model-4"});
    let target = Target {
        model: Name::parse("m").unwrap(),
        spec: Arc::new(serde_json::from_value(model).unwrap()),
        service: Arc::new(ServiceEntry {
            name: Name::parse("s").unwrap(),
            spec: serde_json::from_value(service).unwrap(),
        }),
    };
    let (metrics, _registry) = Metrics::new();
    for (what, sampling) in [("counted", Sampling::Off), ("counted, with an exemplar", Sampling::Sampled)] {
        let trace = CallTrace::new(opened.call, None, |_, _| sampling);
        let call = EndedCall {
            route: opened.route.as_ref(),
            verdict: Action::Redact,
            opened: Some(&opened),
            closed: &closed,
            target: Some(&target),
            trace: &trace,
        };
        median(what, || {
            let start = Instant::now();
            for _ in 0..CALLS {
                metrics.call_ended(black_box(&call));
            }
            start.elapsed()
        });
    }

    // The queue that a gateway hands over to, emptied as it fills.
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<TracedCall>(2_048);
    let trace = CallTrace::new(opened.call, None, |_, _| Sampling::Sampled);
    median("handed over", || {
        let mut took = Duration::ZERO;
        let mut left = CALLS;
        while left > 0 {
            // What a call has anyway.
            let ended: Vec<TracedCall> = (0..left.min(1_024))
                .map(|_| TracedCall {
                    trace: trace.clone(),
                    opened: opened.clone(),
                    closed: closed.clone(),
                    target: Some(target.clone()),
                    marks: Marks::default(),
                    said: cordon_guard::openai::Said::default(),
                })
                .collect();
            left -= u32::try_from(ended.len()).unwrap();
            let start = Instant::now();
            for call in ended {
                assert!(sender.try_send(black_box(call)).is_ok());
            }
            took += start.elapsed();
            while receiver.try_recv().is_ok() {}
        }
        took
    });
}
