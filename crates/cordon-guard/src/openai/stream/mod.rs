//! A streamed answer: chunks in, chunks out, and nothing in them that was not settled.

mod call;
mod choice;
mod unknown;

use std::collections::BTreeMap;

use cordon_core::{
    CallId, Refusal,
    json::{self, Limits, Object, Value},
    record,
    resource::RefusalStyle,
};

use super::{
    refusal::error_object,
    response::{MAX_INDEX, Rewrite, usage},
    said::Said,
    walk::Walker,
};
use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
};
use choice::Choice;

/// What a stream's gate needs to know of its call.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// The call, for errors inside the stream.
    pub call: CallId,
    /// The route's name: what `model` says to the caller.
    pub route: String,
    /// Whether the caller asked for the usage.
    pub include_usage: bool,
    /// How a refusal looks once the stream has begun.
    pub refusal: RefusalStyle,
    /// The most bytes of events that are read in all.
    pub max_bytes: usize,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More may come.
    Open,
    /// It ended as it should, and `[DONE]` is written.
    Done,
    /// Something was found that stops the content: [`Verdict::refusal`] says what it means, and
    /// [`StreamGate::refuse`] ends the stream.
    Stopped,
}

/// Why an upstream's stream is of no use from here on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The event is no JSON.
    #[error("an event is not strict JSON")]
    Json(#[source] json::Error),
    /// The event is JSON and not a chunk.
    #[error("an event is not a chunk of a chat completion")]
    NotAChunk,
    /// The upstream says that it failed.
    #[error("the upstream reported an error inside the stream")]
    Upstream,
    /// More choices, tool calls or unknown fields than are read.
    #[error("the stream has too many choices, tool calls or unknown fields")]
    TooMany,
    /// More bytes than allowed.
    #[error("the stream has more bytes than allowed")]
    TooLong,
    /// Text for a choice that has ended.
    #[error("the stream goes on with a choice that has ended")]
    AfterFinish,
    /// Events after the last one.
    #[error("the stream goes on after its end")]
    AfterEnd,
    /// The upstream closed before the answer was complete.
    #[error("the stream ended before the answer did")]
    Unfinished,
}

/// Lets a stream through, event by event. For any way in which the upstream cuts the answer, what the caller reads in
/// each field is what it would have read from the whole answer; with something that stops the content, it is a
/// beginning of that which ends before what was found.
#[derive(Debug)]
pub struct StreamGate {
    inspection: Inspection,
    tokens: Tokens,
    options: StreamOptions,
    verdict: Verdict,
    choices: BTreeMap<u64, Choice>,
    /// The members that every chunk has, from the first one.
    envelope: Option<Object>,
    usage: Option<record::Tokens>,
    said: Said,
    bytes: usize,
    ended: bool,
}

/// Why a choice does not go on.
pub(super) enum Halt {
    /// The content is stopped; the verdict says by what.
    Stop,
    /// The upstream's stream is of no use.
    Error(StreamError),
}

impl From<crate::inspection::Stop> for Halt {
    fn from(_: crate::inspection::Stop) -> Self {
        Self::Stop
    }
}

impl From<StreamError> for Halt {
    fn from(error: StreamError) -> Self {
        Self::Error(error)
    }
}

impl StreamGate {
    /// A gate for one answer. `tokens` are those of the call's request.
    pub fn new(inspection: Inspection, tokens: Tokens, options: StreamOptions) -> Self {
        Self {
            inspection,
            tokens,
            options,
            verdict: Verdict::default(),
            choices: BTreeMap::new(),
            envelope: None,
            usage: None,
            said: Said::default(),
            bytes: 0,
            ended: false,
        }
    }

    /// Takes the data of one event of the upstream, and writes the events that may go to the caller.
    ///
    /// # Errors
    /// When the upstream sends what is no chunk. Nothing is written then; [`StreamGate::refuse`] ends the stream.
    pub fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.ended {
            return Err(StreamError::AfterEnd);
        }
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > self.options.max_bytes {
            return self.failed(StreamError::TooLong);
        }
        if data.trim() == "[DONE]" {
            return self.close(out);
        }
        let limits = Limits { bytes: self.options.max_bytes, ..Limits::default() };
        let chunk = match Value::parse(data.as_bytes(), limits) {
            Ok(Value::Object(chunk)) => chunk,
            Ok(_) => return self.failed(StreamError::NotAChunk),
            Err(error) => return self.failed(StreamError::Json(error)),
        };
        match self.chunk(chunk, out) {
            Ok(()) => Ok(Progress::Open),
            Err(Halt::Stop) => {
                self.ended = true;
                Ok(Progress::Stopped)
            }
            Err(Halt::Error(error)) => self.failed(error),
        }
    }

    /// The upstream closed the connection.
    ///
    /// # Errors
    /// When the answer is not complete.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.ended {
            return Ok(Progress::Done);
        }
        // Some upstreams leave `[DONE]` out; every choice has said that it is finished.
        if self.choices.is_empty() || self.choices.values().any(|choice| !choice.finished()) {
            return self.failed(StreamError::Unfinished);
        }
        self.close(out)
    }

    /// Ends the stream with a refusal, well-formed: an error event or, in the other style and for content, a chunk with
    /// `finish_reason: content_filter` for each choice that is open; then `[DONE]`.
    pub fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.ended = true;
        let content = self.verdict.refusal().is_some();
        match (&self.envelope, self.options.refusal) {
            (Some(envelope), RefusalStyle::ContentFilter) if content => {
                let ends: Vec<Value> = if self.choices.is_empty() {
                    vec![choice::filtered(0)]
                } else {
                    let open = self.choices.iter().filter(|(_, choice)| !choice.finished());
                    open.map(|(index, _)| choice::filtered(*index)).collect()
                };
                let mut chunk = envelope.clone();
                chunk.insert("choices", ends);
                write(chunk, out);
            }
            _ => write_value(&error_object(refusal, &self.options.call), out),
        }
        out.extend_from_slice(DONE);
    }

    /// The verdict so far.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The tokens used, once the upstream said so.
    pub const fn usage(&self) -> Option<record::Tokens> {
        self.usage
    }

    /// What the answer said of itself so far.
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// Bytes of texts and arguments that came and wait until nothing can be found in them any more.
    pub fn held(&self) -> usize {
        self.choices.values().map(Choice::held).sum()
    }

    fn failed(&mut self, error: StreamError) -> Result<Progress, StreamError> {
        self.ended = true;
        Err(error)
    }

    fn close(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        self.ended = true;
        let mut rest = Vec::new();
        let mut shared =
            Shared { inspection: &self.inspection, tokens: &self.tokens, verdict: &mut self.verdict };
        for (index, choice) in &mut self.choices {
            match choice.flush(*index, &mut shared) {
                Ok(values) => rest.extend(values),
                Err(_) => return Ok(Progress::Stopped),
            }
        }
        self.write_each(rest, out);
        out.extend_from_slice(DONE);
        Ok(Progress::Done)
    }

    fn chunk(&mut self, mut chunk: Object, out: &mut Vec<u8>) -> Result<(), Halt> {
        let failed = chunk.get("error").is_some();
        let choices = match chunk.get_mut("choices") {
            Some(Value::Array(choices)) => std::mem::take(choices),
            _ if failed => return Err(StreamError::Upstream.into()),
            _ => return Err(StreamError::NotAChunk.into()),
        };
        self.said.note_model(chunk.get("model"));
        let counted = chunk.get("usage").and_then(usage);
        self.usage = counted.or(self.usage);
        if choices.is_empty() && counted.is_some() && !self.options.include_usage {
            return Ok(());
        }
        if !self.options.include_usage {
            chunk.remove("usage");
        }
        let mut rewrite = Rewrite {
            shared: Shared { inspection: &self.inspection, tokens: &self.tokens, verdict: &mut self.verdict },
            changed: false,
        };
        // What every chunk repeats is inspected once.
        let known = |key: &str, value: &Value| {
            self.envelope.as_ref().is_some_and(|envelope| envelope.get(key) == Some(value))
        };
        Walker::new(&mut rewrite).envelope(&mut chunk, known);
        if chunk.get("model").is_some() {
            chunk.insert("model", self.options.route.as_str());
        }
        if self.envelope.is_none() {
            let kept = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];
            self.envelope =
                Some(kept.iter().filter_map(|key| Some((*key, chunk.get(key)?.clone()))).collect());
        }
        let (mut before, mut now) = (Vec::new(), Vec::new());
        let empty = choices.is_empty();
        for value in choices {
            let Value::Object(value) = value else { return Err(StreamError::NotAChunk.into()) };
            let index = value.get("index").map_or(Some(0), Value::as_u64).ok_or(StreamError::NotAChunk)?;
            if index >= MAX_INDEX as u64 {
                return Err(StreamError::TooMany.into());
            }
            self.said.note_finish(value.get("finish_reason"));
            let choice = self.choices.entry(index).or_default();
            let (first, second) = choice.take(index, value, &mut rewrite)?;
            before.extend(first);
            now.extend(second);
        }
        // What was rewritten in place without stopping anything may still have been stopped: the verdict knows.
        if !rewrite.shared.verdict.action().passes() {
            return Err(Halt::Stop);
        }
        self.write_each(before, out);
        if empty || !now.is_empty() {
            chunk.insert("choices", now);
            write(chunk, out);
        }
        Ok(())
    }
}

impl StreamGate {
    /// Writes a chunk of its own for each choice.
    fn write_each(&self, choices: Vec<Value>, out: &mut Vec<u8>) {
        for choice in choices {
            let mut chunk = self.envelope.clone().unwrap_or_default();
            chunk.insert("choices", vec![choice]);
            write(chunk, out);
        }
    }
}

const DONE: &[u8] = b"data: [DONE]\n\n";

fn write(chunk: Object, out: &mut Vec<u8>) {
    write_value(&Value::Object(chunk), out);
}

/// JSON as written here holds no line break, so it is one line of an event.
fn write_value(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    value.write(out);
    out.extend_from_slice(b"\n\n");
}
