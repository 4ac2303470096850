//! The mock upstream: a provider that answers at once, always the same. Plain threads and blocking sockets, so that it
//! costs as little as can be beside what is measured.
//!
//! `model` in the request chooses the answer: one that ends in `-stream` is answered with all events in one write, one that
//! ends in `-paced` with [`TOKENS_PER_SECOND`] events a second, any other with one object.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::request::Messages;

/// Events with content in a stream that comes at once.
pub(crate) const CHUNKS: usize = 100;
/// Events with content in a paced stream.
pub(crate) const PACED_CHUNKS: usize = 25;
/// The pace of the target: 50 tokens a second.
pub(crate) const TOKENS_PER_SECOND: u32 = 50;

/// Ordinary words, six bytes with the space before; nothing that a detector looks for.
const TOKENS: [&str; 8] = [" river", " stone", " maple", " quiet", " north", " lamps", " cloud", " grain"];

/// What a paced stream sent and its reader got, in bytes of content; one stream at a time.
#[derive(Default)]
pub(crate) struct Progress {
    sent: AtomicU64,
    /// Counted up by the reader.
    pub(crate) received: AtomicU64,
    held: std::sync::Mutex<Vec<u64>>,
}

impl Progress {
    /// What was sent and not yet received, at each moment before the next event, since the last call.
    pub(crate) fn take_held(&self) -> Vec<u64> {
        self.held.lock().map(|mut held| std::mem::take(&mut *held)).unwrap_or_default()
    }

    fn begin(&self) {
        self.sent.store(0, Ordering::SeqCst);
        self.received.store(0, Ordering::SeqCst);
    }

    fn sample(&self) {
        let held = self.sent.load(Ordering::SeqCst).saturating_sub(self.received.load(Ordering::SeqCst));
        if let Ok(mut all) = self.held.lock() {
            all.push(held);
        }
    }
}

struct Answers {
    object: Vec<u8>,
    stream: Vec<u8>,
}

/// Serves in threads of this process; the address that it listens on.
pub(crate) fn serve(listen: &str, progress: Arc<Progress>) -> Result<String> {
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr().context("reading the address of the mock")?.to_string();
    let answers = Arc::new(Answers { object: object(), stream: stream() });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answers, progress) = (Arc::clone(&answers), Arc::clone(&progress));
            // A connection that breaks ends its thread; the measuring side counts it.
            std::thread::spawn(move || converse(&stream, &answers, &progress));
        }
    });
    Ok(address)
}

/// Serves until it is killed, for measurements by hand.
pub(crate) fn serve_for_ever(listen: &str) -> Result<()> {
    println!("mock ready on {}", serve(listen, Arc::default())?);
    loop {
        std::thread::park();
    }
}

fn converse(stream: &TcpStream, answers: &Answers, progress: &Progress) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut messages = Messages::new(stream);
    let mut out = stream;
    while let Some(request) = messages.next()? {
        let body = String::from_utf8_lossy(request.body);
        if body.contains("-paced\"") {
            paced(out, progress)?;
        } else if body.contains("-stream\"") {
            out.write_all(&answers.stream)?;
        } else {
            out.write_all(&answers.object)?;
        }
    }
    Ok(())
}

fn object() -> Vec<u8> {
    let content: String = TOKENS.iter().cycle().take(90).copied().collect();
    let body = serde_json::json!({
        "id": "chatcmpl-mock", "object": "chat.completion", "created": 1_700_000_000, "model": "mock",
        "system_fingerprint": "fp_mock", "service_tier": "default",
        "choices": [{
            "index": 0, "logprobs": null, "finish_reason": "stop",
            "message": {"role": "assistant", "refusal": null, "annotations": [], "content": content.trim_start()},
        }],
        "usage": {"prompt_tokens": 180, "completion_tokens": 90, "total_tokens": 270},
    })
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

fn event(delta: &serde_json::Value, finish: Option<&str>) -> String {
    let data = serde_json::json!({
        "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "mock",
        "system_fingerprint": "fp_mock",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
    });
    format!("data: {data}\n\n")
}

fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

fn stream() -> Vec<u8> {
    let mut events = event(&serde_json::json!({"role": "assistant", "content": ""}), None);
    for token in TOKENS.iter().cycle().take(CHUNKS) {
        events.push_str(&event(&serde_json::json!({"content": token}), None));
    }
    events.push_str(&event(&serde_json::json!({}), Some("stop")));
    events.push_str("data: [DONE]\n\n");
    format!("{STREAM_HEAD}{}0\r\n\r\n", chunk(&events)).into_bytes()
}

fn paced(mut out: &TcpStream, progress: &Progress) -> Result<()> {
    progress.begin();
    let begin = event(&serde_json::json!({"role": "assistant", "content": ""}), None);
    let start = Instant::now();
    let mut next = format!("{STREAM_HEAD}{}", chunk(&begin));
    let pause = Duration::from_secs(1) / TOKENS_PER_SECOND;
    for (number, token) in (1_u32..).zip(TOKENS.iter().cycle().take(PACED_CHUNKS)) {
        next.push_str(&chunk(&event(&serde_json::json!({"content": token}), None)));
        progress.sent.fetch_add(token.len() as u64, Ordering::SeqCst);
        out.write_all(next.as_bytes())?;
        next.clear();
        std::thread::sleep((start + pause * number).saturating_duration_since(Instant::now()));
        progress.sample();
    }
    let end = event(&serde_json::json!({}), Some("stop")) + "data: [DONE]\n\n";
    out.write_all(format!("{}0\r\n\r\n", chunk(&end)).as_bytes())?;
    Ok(())
}
