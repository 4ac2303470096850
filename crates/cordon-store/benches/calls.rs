//! What the index of calls costs: processor time for each call, and how long questions take.
//!
//! `cargo bench -p cordon-store --bench calls [-- CALLS]` (200,000 calls unless said otherwise; a call is two frames, and
//! one in four has a finding) writes batches of 1,000 frames as the follower does. Reading the journal is not in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use cordon_core::{Action, Category, record::Frame};
use cordon_store::{
    CallIndex,
    calls::{CallQuery, SourceFrame},
};
use support::frames::{JOURNAL, Shape, closed, opened, source};

fn shape(number: u64) -> Shape {
    Shape {
        seconds: i64::try_from(number / 1000).unwrap(),
        principal: usize::try_from(number % 50).unwrap(),
        route: Some(usize::try_from(number % 20).unwrap()),
        input: number.is_multiple_of(4).then_some((usize::try_from(number % 3).unwrap(), Action::Redact)),
        output: None,
        status: if number.is_multiple_of(100) { 403 } else { 200 },
    }
}

/// Processor time of this process so far, its threads included (fields 14 and 15 of /proc/self/stat, in hundredths of a
/// second).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse().unwrap())
        .collect();
    Duration::from_millis(10 * (fields[0] + fields[1]))
}

fn main() {
    let bench = std::env::args().any(|argument| argument == "--bench");
    let calls = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(if bench {
        200_000
    } else {
        2_000
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index.db");
    let frames: Vec<SourceFrame> = (0..calls)
        .flat_map(|number| [opened(number, &shape(number)), closed(number, &shape(number))])
        .zip(0..)
        .map(|(frame, sequence)| source(sequence, &frame))
        .collect();
    let bytes: usize = frames.iter().map(|frame| frame.payload.len()).sum();
    println!("{calls} calls, {} bytes of frames a call", bytes as u64 / calls);

    let start = processor_time();
    for frame in &frames {
        std::hint::black_box(Frame::decode(&frame.payload).unwrap());
    }
    let per_call = |time: Duration| time.as_secs_f64() * 1e6 / calls as f64;
    println!("reading the two frames: {:.1} µs of processor time a call", per_call(processor_time() - start));

    runtime.block_on(async {
        let (index, mut writer) = CallIndex::open(&file).await.unwrap();
        let (start, begin) = (processor_time(), Instant::now());
        for batch in frames.chunks(1000) {
            writer.write(JOURNAL, batch).await.unwrap();
        }
        let (processor, wall) = (processor_time() - start, begin.elapsed());
        println!(
            "index in all: {:.1} µs of processor time a call, {:.0} calls/s, {} bytes on disk a call",
            per_call(processor),
            calls as f64 / wall.as_secs_f64(),
            file.metadata().unwrap().len() / calls
        );
        let queries = [
            ("latest 100", CallQuery::default()),
            ("of a route", CallQuery { route: Some(support::name("route-7")), ..CallQuery::default() }),
            ("of a caller", CallQuery { principal: Some(support::name("app-3")), ..CallQuery::default() }),
            ("redacted", CallQuery { verdict: Some(Action::Redact), ..CallQuery::default() }),
            ("blocked (none)", CallQuery { verdict: Some(Action::Block), ..CallQuery::default() }),
            ("with pii", CallQuery { category: Some(Category::known("pii")), ..CallQuery::default() }),
        ];
        for (what, query) in queries {
            let mut times: Vec<Duration> = Vec::new();
            for _ in 0..20 {
                let begin = Instant::now();
                std::hint::black_box(index.query(&query).await.unwrap());
                times.push(begin.elapsed());
            }
            times.sort_unstable();
            println!("{what}: p50 {:.2} ms", times[10].as_secs_f64() * 1e3);
        }
        let mut found = 0_u64;
        let begin = Instant::now();
        index.recent(10_000, |row| found += row.findings().count() as u64).await.unwrap();
        println!(
            "findings of the latest 10,000 calls ({found}): {:.0} ms",
            begin.elapsed().as_secs_f64() * 1e3
        );
    });
}
