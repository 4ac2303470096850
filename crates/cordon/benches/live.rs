//! What people who look on cost while calls end: `cargo bench -p cordon --bench live -- [CALLS A SECOND] [SECONDS] [ROUNDS]`.
//!
//! Writes the frames of so many calls a second (5000 if nothing is said) to the journal of a node in this process, and a call
//! every 50 ms through its gateway to the sandbox. Meanwhile 0, 1 or 50 people follow the calls over HTTP, in a process of
//! their own, so that the processor time counted is that of the node and of whoever writes. Each window is measured once in
//! each round, between two where nobody looks on: the index grows meanwhile and costs more, so that a viewer is compared with the
//! mean of what lies around. The medians are printed.
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
mod served;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use calls::{Random, frames};
use cordon_store::journal::{Journal, Kind, NewFrame};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use served::{Served, call, client};

/// How often calls begin and end, so many together.
const STEP: Duration = Duration::from_millis(10);
/// Steps between the beginning and the end of a call.
const STEPS_OF_A_CALL: usize = 5;
/// A call through the gateway is made so often.
const CALL_EVERY: Duration = Duration::from_millis(50);
/// What is not counted before each window.
const WARM: Duration = Duration::from_secs(2);
/// Ticks of a second in `/proc`: USER_HZ of Linux.
const TICKS: f64 = 100.0;
/// The word that makes this program look on instead.
const LOOK_ON: &str = "look-on";

/// What is looked at, and by how many.
const WINDOWS: [(&str, &str, usize); 5] = [
    ("nobody", "", 0),
    ("the newest", "live?limit=1", 1),
    ("the newest", "live?limit=1", 50),
    ("the newest with a verdict", "live?limit=1&verdict=redact", 1),
    ("every call", "follow?limit=1", 1),
];

/// How long appends to the journal and calls through the gateway took.
#[derive(Default)]
struct Took {
    appends: Mutex<Vec<Duration>>,
    calls: Mutex<Vec<Duration>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// Per cent of one core.
    processor: f64,
    /// The same where nobody looked on, just before and just after.
    without: f64,
    resident: f64,
    /// Milliseconds: p50 and p99.
    append: [f64; 2],
    call: [f64; 2],
    /// A second, for one of those who look on.
    shown: f64,
    left_out: f64,
    bytes: f64,
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if words.first().is_some_and(|word| word == LOOK_ON) {
        look_on(&words[1], &words[2], words[3].parse().unwrap()).await;
        return;
    }
    let number = |at: usize, otherwise: u64| words.get(at).map_or(otherwise, |word| word.parse().unwrap());
    let (rate, seconds, rounds) = (number(0, 5000), number(1, 8), number(2, 3));
    // Sealing takes a core for some seconds every few million frames: it would hide what a viewer costs.
    let served = Served::start(&[("journal.keep", "1024GiB")]).await;
    let node = &served.node;
    let took = Arc::new(Took::default());
    tokio::spawn(write(Arc::clone(&node.handles.journal), rate, Arc::clone(&took)));
    let asking = tokio::spawn(ask(node.gateway, served.key.clone(), Arc::clone(&took)));

    let mut measured = vec![Vec::new(); WINDOWS.len()];
    for _ in 0..rounds {
        let look = async |query: &str, viewers| {
            let address = format!("http://{}/api/v1/calls/{query}", node.control);
            measure(&took, &address, &served.token, viewers, Duration::from_secs(seconds)).await
        };
        let mut before = look("", 0).await;
        measured[0].push(before);
        for (window, (_, query, viewers)) in WINDOWS.iter().enumerate().skip(1) {
            let mut found = look(query, *viewers).await;
            let after = look("", 0).await;
            found.without = f64::midpoint(before.processor, after.processor);
            measured[window].push(found);
            measured[0].push(after);
            before = after;
        }
    }
    println!(
        "{rate} calls a second, {rounds} rounds of {seconds} s\n\n| follows | viewers | CPU %, all | CPU % a viewer: least / median / most | resident MiB | append p50 / p99 ms | call p50 / p99 ms | shown/s | left out/s | KiB/s |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for ((what, _, viewers), found) in WINDOWS.iter().zip(&measured) {
        let sorted = |of: &dyn Fn(&Measured) -> f64| {
            let mut values: Vec<f64> = found.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let median = |of: &dyn Fn(&Measured) -> f64| sorted(of)[found.len() / 2];
        let each = sorted(&|found| (found.processor - found.without) / (*viewers).max(1) as f64);
        println!(
            "| {what} | {viewers} | {:.1} | {} | {:.0} | {:.2} / {:.2} | {:.2} / {:.2} | {:.0} | {:.0} | {:.0} |",
            median(&|found| found.processor),
            match (viewers, &each[..]) {
                (0, _) => "-".to_owned(),
                (_, all) => format!("{:.2} / {:.2} / {:.2}", all[0], all[all.len() / 2], all[all.len() - 1]),
            },
            median(&|found| found.resident),
            median(&|found| found.append[0]),
            median(&|found| found.append[1]),
            median(&|found| found.call[0]),
            median(&|found| found.call[1]),
            median(&|found| found.shown),
            median(&|found| found.left_out),
            median(&|found| found.bytes / 1024.0),
        );
    }
    asking.abort();
    served.node.stop().await.unwrap();
}

/// Begins and ends calls, evenly.
async fn write(journal: Arc<Journal>, rate: u64, took: Arc<Took>) {
    let mut random = Random(7);
    let mut running = std::collections::VecDeque::new();
    let mut step = tokio::time::interval(STEP);
    let (began, mut number) = (Instant::now(), 0_u64);
    loop {
        step.tick().await;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap();
        let due = micros * rate / 1_000_000;
        let now = cordon::clock::machine_time();
        let (mut opened, mut closed) = (Vec::new(), Vec::new());
        while number < due {
            let [first, second] = frames(number, now, &mut random);
            opened.push(first);
            closed.push(second);
            number += 1;
        }
        running.push_back(closed);
        let ended = if running.len() > STEPS_OF_A_CALL { running.pop_front() } else { None };
        let mut last = None;
        for (kind, payloads) in [(Kind::OPENED, opened), (Kind::CLOSED, ended.unwrap_or_default())] {
            for payload in payloads {
                // Where the disk stands still for long, the queue is full and refuses frames.
                if let Ok(ticket) = journal.append(&[NewFrame { kind, payload: &payload }]) {
                    last = Some(ticket);
                }
            }
        }
        let (asked, took) = (Instant::now(), Arc::clone(&took));
        tokio::spawn(async move {
            if let Some(last) = last {
                last.await.unwrap();
                note(&took.appends, asked.elapsed());
            }
        });
    }
}

/// Calls the gateway, one after the other.
async fn ask(gateway: std::net::SocketAddr, key: String, took: Arc<Took>) {
    let client = client();
    let mut pause = tokio::time::interval(CALL_EVERY);
    loop {
        pause.tick().await;
        let asked = Instant::now();
        let (status, answer) = call(&client, gateway, &key).await;
        assert_eq!(status, 200, "{answer:?}");
        note(&took.calls, asked.elapsed());
    }
}

fn note(times: &Mutex<Vec<Duration>>, time: Duration) {
    times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
}

async fn measure(took: &Took, address: &str, token: &str, viewers: usize, length: Duration) -> Measured {
    let looking = (viewers > 0).then(|| Looking::start(address, token, viewers));
    tokio::time::sleep(WARM).await;
    let (from, began) = (ticks(), Instant::now());
    for times in [&took.appends, &took.calls] {
        times.lock().unwrap().clear();
    }
    tokio::time::sleep(length).await;
    let seconds = began.elapsed().as_secs_f64();
    let processor = (ticks() - from) / TICKS / seconds * 100.0;
    let [append, call] = [&took.appends, &took.calls].map(|times| {
        let mut times = std::mem::take(&mut *times.lock().unwrap());
        times.sort();
        [50, 99].map(|part| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3)
    });
    let [shown, left_out, bytes] = match looking {
        Some(looking) => {
            let all = looking.end();
            let time = seconds + WARM.as_secs_f64();
            all.map(|sum| sum / time / viewers as f64)
        }
        None => [0.0; 3],
    };
    Measured { processor, without: 0.0, resident: resident(), append, call, shown, left_out, bytes }
}

/// Processor time of this process so far, in ticks: fields 14 and 15 of `/proc/self/stat` (proc(5)).
fn ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

/// MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// A process that looks on until its input ends, and then says what it saw.
struct Looking {
    child: Child,
    input: ChildStdin,
}

impl Looking {
    fn start(address: &str, token: &str, viewers: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([LOOK_ON, address, token, &viewers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Self { child, input }
    }

    /// Calls shown, calls left out, bytes: of all viewers together.
    fn end(mut self) -> [f64; 3] {
        drop(self.input);
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.child.wait().unwrap();
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
        [(); 3].map(|()| numbers.next().unwrap())
    }
}

async fn look_on(address: &str, token: &str, viewers: usize) {
    let seen = Arc::new(Mutex::new([0_u64; 3]));
    for _ in 0..viewers {
        let client = client();
        let request = Request::get(address)
            .header("authorization", format!("Bearer {token}"))
            .body(Full::<bytes::Bytes>::default())
            .unwrap();
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let response = client.request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let (mut body, mut text) = (response.into_body(), String::new());
            while let Some(frame) = body.frame().await {
                let bytes = frame.unwrap().into_data().unwrap();
                text.push_str(std::str::from_utf8(&bytes).unwrap());
                let mut sums = seen.lock().unwrap();
                sums[2] += bytes.len() as u64;
                while let Some(end) = text.find("\n\n") {
                    let event: String = text.drain(..end + 2).collect();
                    if event.starts_with("event: call\n") {
                        sums[0] += 1;
                    } else if let Some(data) = event.strip_prefix("event: left_out\ndata: ") {
                        let data: serde_json::Value = serde_json::from_str(data.trim()).unwrap();
                        sums[1] += data["calls"].as_u64().unwrap();
                    }
                }
            }
        });
    }
    let mut nothing = String::new();
    tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut nothing).unwrap()).await.unwrap();
    let [shown, left_out, bytes] = *seen.lock().unwrap();
    println!("{shown} {left_out} {bytes}");
    std::io::stdout().flush().unwrap();
    std::process::exit(0);
}
