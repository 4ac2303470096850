//! A streamed answer: chunks in, chunks out, and nothing in them that was not settled.

mod call;
mod choice;

use std::collections::BTreeMap;

use cordon_core::{
    Refusal,
    json::{Object, Value},
    record,
    resource::RefusalStyle,
};

use super::{
    refusal::error_object,
    response::{MAX_INDEX, usage},
};
use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
    tree::{
        gate::{Events, Gate, Halt, Progress, StreamError, StreamOptions},
        rewrite::Rewrite,
        said::Said,
        walk::Walker,
    },
};
use choice::Choice;

/// A chat completion's stream.
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
    events: Events,
}

impl Gate for StreamGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        let result = self.take(data, out);
        self.events.took(result)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.events.ended() {
            return Ok(Progress::Done);
        }
        // Some upstreams leave `[DONE]` out; every choice has said that it is finished.
        let unfinished = self.choices.is_empty() || self.choices.values().any(|choice| !choice.finished());
        let result = if unfinished { Err(StreamError::Unfinished.into()) } else { self.close(out) };
        self.events.took(result)
    }

    /// An error event or, in the other style and for content, a chunk with `finish_reason: content_filter` for each choice
    /// that is open; then `[DONE]`.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.events.end();
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

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn verdict_mut(&mut self) -> &mut Verdict {
        &mut self.verdict
    }

    fn usage(&self) -> Option<record::Tokens> {
        self.usage
    }

    fn said(&self) -> &Said {
        &self.said
    }
}

impl StreamGate {
    /// A gate for one answer. `tokens` are those of the call's request.
    pub fn new(inspection: Inspection, tokens: Tokens, options: StreamOptions) -> Self {
        let events = Events::new(options.max_bytes);
        Self {
            inspection,
            tokens,
            options,
            verdict: Verdict::default(),
            choices: BTreeMap::new(),
            envelope: None,
            usage: None,
            said: Said::default(),
            events,
        }
    }

    fn take(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        self.events.count(data)?;
        if data.trim() == "[DONE]" {
            return self.close(out);
        }
        let chunk = self.events.object(data)?;
        self.chunk(chunk, out)?;
        Ok(Progress::Open)
    }

    /// Bytes of texts and arguments that came and wait until nothing can be found in them any more.
    pub fn held(&self) -> usize {
        self.choices.values().map(Choice::held).sum()
    }

    fn close(&mut self, out: &mut Vec<u8>) -> Result<Progress, Halt> {
        let mut rest = Vec::new();
        let mut shared =
            Shared { inspection: &self.inspection, tokens: &self.tokens, verdict: &mut self.verdict };
        for (index, choice) in &mut self.choices {
            rest.extend(choice.flush(*index, &mut shared)?);
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
            self.said.note_refusal(value.get("delta").and_then(|delta| delta.get("refusal")));
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
