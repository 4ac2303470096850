//! The load generator: a fixed number of connections, each asking again as soon as it is answered. Blocking threads, one a
//! connection. An answer that is not 200 counts as an error and not as a request served.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::mock::Progress;
use crate::request::{Messages, find};

/// Where to send what.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `host:port`.
    pub(crate) address: String,
    /// Bearer token.
    pub(crate) key: String,
    /// Route for plain calls; those for streams have `-stream` and `-paced` behind it.
    pub(crate) model: String,
    /// The process that is measured; `None` for the mock, which is part of this one.
    pub(crate) process: Option<u32>,
}

/// What to ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Object,
    Paced,
    Stream,
}

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Calls(u64),
    Elapsed(Duration),
}

/// What came of a run.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    /// Latencies of the calls that were answered, sorted, in nanoseconds.
    pub(crate) latencies: Vec<u64>,
    pub(crate) errors: u64,
    /// Sums of `Server-Timing`, by stage, in milliseconds, and the number of answers that had it.
    pub(crate) stages: BTreeMap<String, f64>,
    pub(crate) timed: u64,
}

impl Outcome {
    /// Requests answered in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn join(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.timed += other.timed;
        for (stage, sum) in other.stages {
            *self.stages.entry(stage).or_default() += sum;
        }
    }
}

/// The bytes of a request: a chat of about 1 KB in ordinary words.
pub(crate) fn request(target: &Target, ask: Ask) -> Vec<u8> {
    let suffix = match ask {
        Ask::Object => "",
        Ask::Paced => "-paced",
        Ask::Stream => "-stream",
    };
    let text = "The committee met on a bright morning to talk about the garden behind the library. \
                Some wanted more benches, others a pond, and everybody agreed that the old maple should stay. "
        .repeat(5);
    let body = serde_json::json!({
        "model": format!("{}{suffix}", target.model),
        "messages": [
            {"role": "system", "content": "You summarise minutes of meetings in one friendly sentence."},
            {"role": "user", "content": text},
        ],
        "temperature": 0.2,
        "max_tokens": 128,
        "stream": ask != Ask::Object,
    });
    let body = body.to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\naccept: */*\r\ncontent-length: {}\r\n\r\n{body}",
        target.address,
        target.key,
        body.len()
    )
    .into_bytes()
}

/// Asks over `connections` at the same time.
pub(crate) fn run(target: &Target, ask: Ask, connections: usize, until: Until) -> Result<Outcome> {
    let request = request(target, ask);
    let left = AtomicU64::new(match until {
        Until::Calls(calls) => calls,
        Until::Elapsed(_) => u64::MAX,
    });
    let start = Instant::now();
    let deadline = match until {
        Until::Calls(_) => None,
        Until::Elapsed(time) => Some(start + time),
    };
    let mut outcome = Outcome::default();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| connection(target, &request, &left, deadline))).collect();
        for thread in threads {
            match thread.join() {
                Ok(part) => outcome.join(part?),
                Err(_) => bail!("a connection's thread ended early"),
            }
        }
        Ok(())
    })?;
    outcome.elapsed = start.elapsed();
    outcome.latencies.sort_unstable();
    if outcome.latencies.is_empty() {
        bail!("`{}` answered no request ({} errors)", target.name, outcome.errors);
    }
    Ok(outcome)
}

/// More errors than this on one connection are no measurement.
const MOST_ERRORS: u64 = 100;

fn connection(
    target: &Target,
    request: &[u8],
    left: &AtomicU64,
    deadline: Option<Instant>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let stream = connect(&target.address)?;
    let mut messages = Messages::new(&stream);
    let mut out = &stream;
    while deadline.is_none_or(|deadline| Instant::now() < deadline)
        && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    {
        let start = Instant::now();
        out.write_all(request).context("sending")?;
        let Some(answer) = messages.next()? else { bail!("`{}` closed a connection", target.name) };
        if answer.status() != Some(200) {
            outcome.errors += 1;
            if outcome.errors > MOST_ERRORS {
                bail!("`{}` answers: {} {}", target.name, answer.head, String::from_utf8_lossy(answer.body));
            }
            continue;
        }
        outcome.latencies.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if let Some(timing) = answer.header("server-timing") {
            outcome.timed += 1;
            for (stage, milliseconds) in stages(timing) {
                *outcome.stages.entry(stage.to_owned()).or_default() += milliseconds;
            }
        }
    }
    Ok(outcome)
}

/// Name and `dur` of each metric of a `Server-Timing` header (W3C Server Timing).
fn stages(timing: &str) -> impl Iterator<Item = (&str, f64)> {
    timing.split(',').filter_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        let name = parts.next()?;
        let duration = parts.find_map(|part| part.strip_prefix("dur="))?;
        Some((name, duration.trim_matches('"').parse().ok()?))
    })
}

pub(crate) fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true).context("switching off Nagle's algorithm")?;
    // Far above any answer here: a server that hangs fails the run instead of stopping it.
    stream.set_read_timeout(Some(Duration::from_secs(30))).context("setting a timeout")?;
    Ok(stream)
}

/// Times to the first content of paced streams, one after the other, in nanoseconds; unsorted.
pub(crate) fn first_contents(target: &Target, streams: usize, progress: &Progress) -> Result<Vec<u64>> {
    let request = request(target, Ask::Paced);
    let stream = connect(&target.address)?;
    let mut messages = Messages::new(&stream);
    let mut out = &stream;
    let mut times = Vec::new();
    for _ in 0..streams {
        let start = Instant::now();
        let mut first = None;
        out.write_all(&request).context("sending")?;
        let answer = messages.next_with(&mut |body| {
            let received = content_bytes(body);
            if received > 0 && first.is_none() {
                first = Some(start.elapsed());
            }
            progress.received.store(received, Ordering::SeqCst);
        })?;
        match (answer.and_then(|answer| answer.status()), first) {
            (Some(200), Some(first)) => times.push(u64::try_from(first.as_nanos()).unwrap_or(u64::MAX)),
            (status, _) => bail!("`{}` did not stream: {status:?}", target.name),
        }
    }
    Ok(times)
}

/// Bytes of content in the events received so far. The mock's words need no JSON escapes.
fn content_bytes(body: &[u8]) -> u64 {
    const FIELD: &[u8] = b"\"content\":\"";
    let mut rest = body;
    let mut sum = 0;
    while let Some(at) = find(rest, FIELD) {
        rest = rest.get(at + FIELD.len()..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
        sum += length as u64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_timing_is_read_by_stage() {
        let read: Vec<_> = stages("json;dur=0.02, inspect_in;desc=\"x\";dur=\"0.5\", odd").collect();
        assert_eq!(read, [("json", 0.02), ("inspect_in", 0.5)]);
    }

    #[test]
    fn content_is_counted_over_events() {
        assert_eq!(
            content_bytes(br#"data: {"delta":{"content":""}} data: {"content":" river"} {"content":" st"}"#),
            9
        );
    }

    #[test]
    fn a_run_against_the_mock_counts_what_it_did() {
        let address = crate::mock::serve("127.0.0.1:0", std::sync::Arc::default()).unwrap();
        let target =
            Target { name: "mock".into(), address, key: "k".into(), model: "m".into(), process: None };
        let outcome = run(&target, Ask::Object, 2, Until::Calls(20)).unwrap();
        assert_eq!((outcome.latencies.len(), outcome.errors), (20, 0));
        let outcome = run(&target, Ask::Stream, 1, Until::Calls(3)).unwrap();
        assert_eq!(outcome.latencies.len(), 3);
        let size = request(&target, Ask::Object).len();
        assert!((1_000..1_500).contains(&size), "{size}");
    }
}
