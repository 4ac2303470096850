use std::io::Write;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Holds a script at a place until the test opens it: one opening lets one script pass once. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    #[expect(clippy::new_without_default, reason = "`Gate::new()` reads as what it is: closed")]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one pass, now or later.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.expect("a gate is never torn down").forget();
    }
}

/// What an upstream does after it has read one request: bytes, pauses and faults, in order.
///
/// A script that ends leaves the connection open for the next request, unless it says [`Script::close`].
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// One write to the socket.
    Bytes(Vec<u8>),
    /// Closes the connection in order (FIN).
    Close,
    /// Writes this for as long as the peer reads.
    Forever(Vec<u8>),
    /// Does nothing until the peer goes.
    Hang,
    /// Tears the connection down (RST).
    Reset,
    /// Waits for the test.
    Wait(Gate),
}

impl Script {
    /// Does nothing yet; the builders below append.
    pub fn new() -> Self {
        Self::default()
    }

    /// An answer with `content-length`, written at once.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let mut all = head(status, headers.iter().copied().chain([("content-length", length.as_str())]));
        all.extend_from_slice(body);
        Self::new().raw(all)
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::answer(status, &[("content-type", "application/json")], body.to_string())
    }

    /// A chat completion that says this, in OpenAI's form.
    pub fn says(text: &str) -> Self {
        Self::json(
            200,
            &serde_json::json!({
                "id": "chatcmpl-test", "object": "chat.completion", "created": 1_767_225_600, "model": "test",
                "choices": [{ "index": 0, "finish_reason": "stop", "logprobs": null,
                    "message": { "role": "assistant", "content": text, "refusal": null } }],
                "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
            }),
        )
    }

    /// A chat completion streamed in these pieces, each its own event and HTTP chunk, with `[DONE]`.
    pub fn streams<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let mut script = Self::sse_head();
        for piece in pieces {
            script = script.event(&delta(&serde_json::json!({ "content": piece }), None));
        }
        script.event(&delta(&serde_json::json!({}), Some("stop"))).event("[DONE]").end()
    }

    /// A gzip-coded answer.
    pub fn gzip(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        coder.write_all(body).unwrap();
        let all: Vec<_> = headers.iter().copied().chain([("content-encoding", "gzip")]).collect();
        Self::answer(status, &all, coder.finish().unwrap())
    }

    /// Reads the request and never answers.
    pub fn hang() -> Self {
        Self { steps: vec![Step::Hang] }
    }

    /// Bytes that are no HTTP, then the end.
    pub fn garbage() -> Self {
        Self::new().raw(b"\x16\x03\x01\x00\xffnot http at all\r\n\xff\xfe\r\n\r\n").close()
    }

    /// Status line and headers of an answer whose body comes in [`Script::chunk`]s, up to [`Script::end`].
    pub fn chunked_head(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::new().raw(head(status, headers.iter().copied().chain([("transfer-encoding", "chunked")])))
    }

    /// Status 200 and the headers of a stream of events.
    pub fn sse_head() -> Self {
        Self::chunked_head(200, &[("content-type", "text/event-stream"), ("cache-control", "no-cache")])
    }

    /// A stream of Anthropic's events, each the data of one with its name from its `type`, as one HTTP chunk and one write.
    pub fn events(all: &[serde_json::Value]) -> Self {
        let one = |script: Self, event: &serde_json::Value| {
            let name = event["type"].as_str().unwrap();
            script.chunk(format!("event: {name}\ndata: {event}\n\n"))
        };
        all.iter().fold(Self::sse_head(), one).end()
    }

    /// One server-sent event with this data, as one HTTP chunk and one write.
    pub fn event(self, data: &str) -> Self {
        let lines: String = data.split('\n').map(|line| format!("data: {line}\n")).collect();
        self.chunk(format!("{lines}\n"))
    }

    /// One HTTP chunk, as one write.
    pub fn chunk(self, body: impl AsRef<[u8]>) -> Self {
        self.raw(chunk(body.as_ref()))
    }

    /// The end of a chunked body.
    pub fn end(self) -> Self {
        self.raw(b"0\r\n\r\n")
    }

    /// These bytes, as one write.
    pub fn raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Bytes(bytes.into()));
        self
    }

    /// All bytes so far anew, cut into these pieces with a wait at the gate before each but the first, so that a test
    /// decides what arrives with what. Other steps so far are dropped.
    pub fn recut(self, gate: &Gate, cut: impl FnOnce(&[u8]) -> Vec<Vec<u8>>) -> Self {
        let all: Vec<u8> = self
            .steps
            .into_iter()
            .filter_map(|step| if let Step::Bytes(bytes) = step { Some(bytes) } else { None })
            .flatten()
            .collect();
        let mut script = Self::new();
        for (at, piece) in cut(&all).into_iter().enumerate() {
            script = if at > 0 { script.wait(gate) } else { script };
            script = script.raw(piece);
        }
        script
    }

    /// Waits until the test opens the gate. A peer that goes meanwhile is noticed.
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Says nothing more, and keeps the connection until the peer goes.
    pub fn then_hang(mut self) -> Self {
        self.steps.push(Step::Hang);
        self
    }

    /// Closes the connection in order, wherever the answer stands.
    pub fn close(mut self) -> Self {
        self.steps.push(Step::Close);
        self
    }

    /// Tears the connection down, wherever the answer stands.
    pub fn reset(mut self) -> Self {
        self.steps.push(Step::Reset);
        self
    }

    /// HTTP chunks of this content for as long as the peer reads.
    pub fn endless_chunk(mut self, body: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Forever(chunk(body.as_ref())));
        self
    }

    /// These bytes for as long as the peer reads: headers without end, for one.
    pub fn endless_raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Forever(bytes.into()));
        self
    }
}

/// The data of one `chat.completion.chunk` event with this delta.
fn delta(delta: &serde_json::Value, finish_reason: Option<&str>) -> String {
    serde_json::json!({
        "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": "test",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": null }],
    })
    .to_string()
}

fn head<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (key, value) in headers {
        head.push_str(&format!("{key}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
