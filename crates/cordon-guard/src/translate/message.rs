//! An answer that is a message, as a chat completion: whole, and in events.

use std::collections::BTreeMap;

use cordon_core::{
    json::{Object, Value},
    record,
};

use super::object;
use crate::{
    anthropic::Used,
    tree::gate::{Events, ResponseError, StreamError},
};

/// A message as a chat completion, and the tokens used.
pub(super) fn completion(
    message: &Value,
    created: u64,
) -> Result<(Value, Option<record::Tokens>), ResponseError> {
    let wrong = ResponseError::NotTranslatable;
    let blocks = message.get("content").and_then(Value::as_array).ok_or(ResponseError::NotAMessage)?;
    let (mut content, mut reasoning, mut calls) = (None::<String>, None::<String>, Vec::new());
    for block in blocks {
        let text = |member: &str| block.get(member).and_then(Value::as_str).ok_or(wrong);
        match text("type")? {
            "text" => content.get_or_insert_default().push_str(text("text")?),
            "thinking" => reasoning.get_or_insert_default().push_str(text("thinking")?),
            // What only its maker can read is of no use to who asks another way.
            "redacted_thinking" => {}
            "tool_use" => {
                let input = block.get("input").ok_or(wrong)?.to_string();
                let function = object([("name", text("name")?.into()), ("arguments", input.into())]);
                let call = object([
                    ("id", text("id")?.into()),
                    ("type", "function".into()),
                    ("function", function.into()),
                ]);
                calls.push(call.into());
            }
            _ => return Err(wrong),
        }
    }
    let mut said = object([
        ("role", "assistant".into()),
        ("content", content.map_or(Value::Null, Value::from)),
        ("refusal", Value::Null),
    ]);
    if let Some(reasoning) = reasoning {
        said.insert("reasoning_content", reasoning);
    }
    if !calls.is_empty() {
        said.insert("tool_calls", calls);
    }
    let reason = message
        .get("stop_reason")
        .and_then(Value::as_str)
        .map_or(Value::Null, |reason| finish_reason(reason).into());
    let choice = object([
        ("index", 0_u64.into()),
        ("message", said.into()),
        ("logprobs", Value::Null),
        ("finish_reason", reason),
    ]);
    let mut used = Used::default();
    if let Some(usage) = message.get("usage") {
        used.note(usage);
    }
    let mut answer = outer("chat.completion", message, created);
    answer.insert("choices", vec![choice.into()]);
    if let Some(tokens) = used.tokens() {
        answer.insert("usage", usage(tokens));
    }
    Ok((answer.into(), used.tokens()))
}

/// A message's events as chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    created: u64,
    /// The members that every chunk has.
    outer: Object,
    /// The place of each block that is a call, and whether its input has begun.
    calls: BTreeMap<u64, (u64, bool)>,
    used: Used,
}

impl Chunks {
    pub(super) fn new(created: u64) -> Self {
        Self { created, outer: Object::new(), calls: BTreeMap::new(), used: Used::default() }
    }

    /// The tokens used so far.
    pub(super) fn tokens(&self) -> Option<record::Tokens> {
        self.used.tokens()
    }

    /// The chunks that stand for an event.
    pub(super) fn event(&mut self, data: &str, events: &Events) -> Result<Vec<String>, StreamError> {
        let event = Value::Object(events.object(data)?);
        let kind = event.get("type").and_then(Value::as_str).ok_or(StreamError::NotAChunk)?;
        let index = || event.get("index").and_then(Value::as_u64).ok_or(StreamError::NotAChunk);
        match kind {
            "error" => Err(StreamError::Upstream),
            "message_start" => {
                let message = event.get("message").ok_or(StreamError::NotAChunk)?;
                self.outer = outer("chat.completion.chunk", message, self.created);
                self.note(message.get("usage"));
                let delta = object([("role", "assistant".into()), ("content", "".into())]);
                Ok(vec![self.chunk(delta, Value::Null)])
            }
            "content_block_start" => {
                self.begin(index()?, event.get("content_block").ok_or(StreamError::NotAChunk)?)
            }
            "content_block_delta" => self.piece(index()?, event.get("delta").ok_or(StreamError::NotAChunk)?),
            "content_block_stop" => {
                // A call without an input is one with an empty object.
                let empty = self.calls.get_mut(&index()?).filter(|(_, begun)| !*begun);
                let at = empty.map(|(at, begun)| {
                    *begun = true;
                    *at
                });
                Ok(at.map(|at| self.arguments(at, "{}")).into_iter().collect())
            }
            "message_delta" => {
                self.note(event.get("usage"));
                let reason = event.get("delta").and_then(|delta| delta.get("stop_reason"));
                let reason = reason.and_then(Value::as_str).map(finish_reason);
                Ok(reason.map(|reason| self.chunk(Object::new(), reason.into())).into_iter().collect())
            }
            "message_stop" => {
                let mut last = self.outer.clone();
                last.insert("choices", Value::Array(Vec::new()));
                let usage = self.used.tokens().map(|tokens| {
                    last.insert("usage", usage(tokens));
                    Value::Object(last).to_string()
                });
                Ok(usage.into_iter().chain(["[DONE]".to_owned()]).collect())
            }
            // Signs of life, and kinds that came later, which say nothing in chunks.
            _ => Ok(Vec::new()),
        }
    }

    fn note(&mut self, usage: Option<&Value>) {
        if let Some(usage) = usage {
            self.used.note(usage);
        }
    }

    fn begin(&mut self, index: u64, block: &Value) -> Result<Vec<String>, StreamError> {
        let text = |member: &str| block.get(member).and_then(Value::as_str).unwrap_or_default();
        let mut out = Vec::new();
        match text("type") {
            "text" if !text("text").is_empty() => out.push(self.said("content", text("text"))),
            "thinking" if !text("thinking").is_empty() => {
                out.push(self.said("reasoning_content", text("thinking")));
            }
            "text" | "thinking" | "redacted_thinking" => {}
            "tool_use" => {
                let at = self.calls.len() as u64;
                let input =
                    block.get("input").filter(|input| input.as_object().is_some_and(|o| !o.is_empty()));
                let arguments = input.map_or_else(String::new, Value::to_string);
                self.calls.insert(index, (at, input.is_some()));
                let function = object([("name", text("name").into()), ("arguments", arguments.into())]);
                let call = object([
                    ("index", at.into()),
                    ("id", text("id").into()),
                    ("type", "function".into()),
                    ("function", function.into()),
                ]);
                out.push(self.called(call));
            }
            _ => return Err(StreamError::NotTranslatable),
        }
        Ok(out)
    }

    fn piece(&mut self, index: u64, delta: &Value) -> Result<Vec<String>, StreamError> {
        let text = |member: &str| delta.get(member).and_then(Value::as_str).unwrap_or_default();
        Ok(match text("type") {
            "text_delta" => vec![self.said("content", text("text"))],
            "thinking_delta" => vec![self.said("reasoning_content", text("thinking"))],
            "input_json_delta" => {
                let piece = text("partial_json");
                let (at, begun) = self.calls.get_mut(&index).ok_or(StreamError::NotAChunk)?;
                *begun |= !piece.is_empty();
                let at = *at;
                if piece.is_empty() { Vec::new() } else { vec![self.arguments(at, piece)] }
            }
            // Signatures and citations have no place in a chunk.
            _ => Vec::new(),
        })
    }

    fn said(&self, member: &'static str, text: &str) -> String {
        self.chunk(object([(member, text.into())]), Value::Null)
    }

    fn arguments(&self, at: u64, piece: &str) -> String {
        let function = object([("arguments", piece.into())]);
        self.called(object([("index", at.into()), ("function", function.into())]))
    }

    fn called(&self, call: Object) -> String {
        self.chunk(object([("tool_calls", vec![call.into()].into())]), Value::Null)
    }

    fn chunk(&self, delta: Object, reason: Value) -> String {
        let choice = object([
            ("index", 0_u64.into()),
            ("delta", delta.into()),
            ("logprobs", Value::Null),
            ("finish_reason", reason),
        ]);
        let mut chunk = self.outer.clone();
        chunk.insert("choices", vec![choice.into()]);
        Value::Object(chunk).to_string()
    }
}

fn outer(kind: &'static str, message: &Value, created: u64) -> Object {
    let text = |member: &str| message.get(member).cloned().unwrap_or_else(|| "".into());
    object([
        ("id", text("id")),
        ("object", kind.into()),
        ("created", created.into()),
        ("model", text("model")),
    ])
}

fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

fn usage(tokens: record::Tokens) -> Object {
    let details = object([("cached_tokens", tokens.cached.into())]);
    object([
        ("prompt_tokens", tokens.input.into()),
        ("completion_tokens", tokens.output.into()),
        ("total_tokens", tokens.input.saturating_add(tokens.output).into()),
        ("prompt_tokens_details", details.into()),
    ])
}
