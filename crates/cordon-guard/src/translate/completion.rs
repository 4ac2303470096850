//! An answer that is a chat completion, as a message: whole, and in events.

use std::collections::BTreeMap;

use cordon_core::{
    json::{Object, Value},
    record,
};

use super::{object, parsed};
use crate::{
    openai,
    tree::gate::{Events, ResponseError, StreamError},
};

/// A chat completion as a message, and the tokens used.
pub(super) fn message(answer: &Value) -> Result<(Value, Option<record::Tokens>), ResponseError> {
    let wrong = ResponseError::NotTranslatable;
    let choices = answer.get("choices").and_then(Value::as_array).ok_or(ResponseError::NotACompletion)?;
    let [choice] = choices else { return Err(wrong) };
    let said = choice.get("message").and_then(Value::as_object).ok_or(ResponseError::NotACompletion)?;
    let text = |member: &str| match said.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong),
    };
    if said.get("function_call").or(said.get("audio")).is_some_and(|value| !value.is_null()) {
        return Err(wrong);
    }
    let mut blocks: Vec<Value> = Vec::new();
    if let Some(thinking) = text("reasoning_content")?.or(text("reasoning")?) {
        blocks.push(block("thinking", thinking));
    }
    blocks.extend(text("content")?.map(|text| block("text", text)));
    let refused = text("refusal")?;
    blocks.extend(refused.map(|text| block("text", text)));
    for call in said.get("tool_calls").and_then(Value::as_array).unwrap_or_default() {
        let function = call.get("function").ok_or(wrong)?;
        let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).ok_or(wrong);
        let input = parsed(&word(function.get("arguments"))?).ok_or(wrong)?;
        blocks.push(tool_use(word(call.get("id"))?, word(function.get("name"))?, input));
    }
    let reason = choice.get("finish_reason").and_then(Value::as_str);
    let reason = if refused.is_some() { Some("refusal") } else { reason.map(stop_reason) };
    let tokens = answer.get("usage").and_then(openai::usage);
    let mut message = outer(answer);
    message.insert("content", blocks);
    message.insert("stop_reason", reason.map_or(Value::Null, Value::from));
    message.insert("usage", usage(tokens));
    Ok((message.into(), tokens))
}

/// A completion's chunks as events of a message.
#[derive(Debug, Default)]
pub(super) struct Messages {
    begun: bool,
    /// How many blocks have begun.
    blocks: u64,
    /// The block of each kind of text. It stays open to the end: a text that goes on after a call is still one text, and is
    /// inspected as one.
    texts: BTreeMap<&'static str, u64>,
    /// The block of each call.
    calls: BTreeMap<u64, u64>,
    reason: Option<&'static str>,
    refused: bool,
    tokens: Option<record::Tokens>,
}

impl Messages {
    /// The tokens used, once they were said.
    pub(super) const fn tokens(&self) -> Option<record::Tokens> {
        self.tokens
    }

    /// The events that stand for a chunk.
    pub(super) fn event(&mut self, data: &str, events: &Events) -> Result<Vec<String>, StreamError> {
        if data.trim() == "[DONE]" {
            return self.end();
        }
        let chunk = Value::Object(events.object(data)?);
        let Some(choices) = chunk.get("choices").and_then(Value::as_array) else {
            return Err(if chunk.get("error").is_some() {
                StreamError::Upstream
            } else {
                StreamError::NotAChunk
            });
        };
        self.tokens = chunk.get("usage").and_then(openai::usage).or(self.tokens);
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            let mut message = outer(&chunk);
            message.insert("content", Value::Array(Vec::new()));
            message.insert("stop_reason", Value::Null);
            message.insert("usage", usage(None));
            out.push(event("message_start", [("message", message.into())]));
        }
        for choice in choices {
            if choice.get("index").and_then(Value::as_u64).unwrap_or(0) != 0 {
                return Err(StreamError::NotTranslatable);
            }
            if let Some(delta) = choice.get("delta").and_then(Value::as_object) {
                self.delta(delta, &mut out)?;
            }
            if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
                self.reason = Some(stop_reason(reason));
            }
        }
        Ok(out)
    }

    /// The events that end a message whose chunks have ended.
    pub(super) fn end(&mut self) -> Result<Vec<String>, StreamError> {
        let reason = self.reason.filter(|_| self.begun).ok_or(StreamError::Unfinished)?;
        let reason = if self.refused { "refusal" } else { reason };
        let stop = |block: u64| event("content_block_stop", [("index", block.into())]);
        let mut out: Vec<String> = (0..self.blocks).map(stop).collect();
        let delta = object([("stop_reason", reason.into()), ("stop_sequence", Value::Null)]);
        out.push(event("message_delta", [("delta", delta.into()), ("usage", usage(self.tokens).into())]));
        out.push(event("message_stop", []));
        Ok(out)
    }

    fn delta(&mut self, delta: &Object, out: &mut Vec<String>) -> Result<(), StreamError> {
        for (key, value) in delta.iter().filter(|(_, value)| !value.is_null()) {
            match (key, value) {
                ("content", Value::String(text)) => self.say("text", text, out),
                ("refusal", Value::String(text)) => {
                    self.refused |= !text.is_empty();
                    self.say("text", text, out);
                }
                ("reasoning_content" | "reasoning", Value::String(text)) => self.say("thinking", text, out),
                ("tool_calls", Value::Array(calls)) => {
                    for call in calls {
                        self.call(call, out)?;
                    }
                }
                ("content" | "refusal" | "tool_calls" | "function_call" | "audio", _) => {
                    return Err(StreamError::NotTranslatable);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn say(&mut self, kind: &'static str, text: &str, out: &mut Vec<String>) {
        if text.is_empty() {
            return;
        }
        let index = match self.texts.get(kind) {
            Some(index) => *index,
            None => {
                let index = self.next();
                self.texts.insert(kind, index);
                let start = [("index", index.into()), ("content_block", block(kind, ""))];
                out.push(event("content_block_start", start));
                index
            }
        };
        let delta = if kind == "text" { "text_delta" } else { "thinking_delta" };
        let delta = object([("type", delta.into()), (kind, text.into())]);
        out.push(event("content_block_delta", [("index", index.into()), ("delta", delta.into())]));
    }

    fn call(&mut self, call: &Value, out: &mut Vec<String>) -> Result<(), StreamError> {
        let at = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        let function = call.get("function").ok_or(StreamError::NotTranslatable)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let block = match self.calls.get(&at) {
            Some(block) => *block,
            None => {
                let (id, name) = (text(call.get("id")), text(function.get("name")));
                if id.is_empty() || name.is_empty() {
                    return Err(StreamError::NotTranslatable);
                }
                let index = self.next();
                self.calls.insert(at, index);
                let start = tool_use(id, name, Object::new().into());
                out.push(event("content_block_start", [("index", index.into()), ("content_block", start)]));
                index
            }
        };
        let piece = text(function.get("arguments"));
        if !piece.is_empty() {
            let delta = object([("type", "input_json_delta".into()), ("partial_json", piece.into())]);
            out.push(event("content_block_delta", [("index", block.into()), ("delta", delta.into())]));
        }
        Ok(())
    }

    fn next(&mut self) -> u64 {
        self.blocks += 1;
        self.blocks - 1
    }
}

fn outer(answer: &Value) -> Object {
    let text = |member: &str| answer.get(member).cloned().unwrap_or_else(|| "".into());
    object([
        ("id", text("id")),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", text("model")),
        ("content", Value::Null),
        ("stop_reason", Value::Null),
        ("stop_sequence", Value::Null),
        ("usage", Value::Null),
    ])
}

fn block(kind: &'static str, text: &str) -> Value {
    let mut block = object([("type", kind.into()), (kind, text.into())]);
    if kind == "thinking" {
        // Readers expect one; there is none, so that this cannot pass for what another model thought.
        block.insert("signature", "");
    }
    block.into()
}

fn tool_use(id: String, name: String, input: Value) -> Value {
    object([("type", "tool_use".into()), ("id", id.into()), ("name", name.into()), ("input", input)]).into()
}

fn stop_reason(finish_reason: &str) -> &'static str {
    match finish_reason {
        "length" => "max_tokens",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    }
}

fn usage(tokens: Option<record::Tokens>) -> Object {
    let tokens = tokens.unwrap_or_default();
    object([
        ("input_tokens", tokens.input.saturating_sub(tokens.cached).into()),
        ("cache_read_input_tokens", tokens.cached.into()),
        ("output_tokens", tokens.output.into()),
    ])
}

fn event<const N: usize>(kind: &'static str, members: [(&'static str, Value); N]) -> String {
    let mut event = object([("type", kind.into())]);
    for (key, value) in members {
        event.insert(key, value);
    }
    Value::Object(event).to_string()
}
