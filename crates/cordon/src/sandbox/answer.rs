//! Answers: one object, or events of a stream, in OpenAI's form of chats or, by [`messages`], in Anthropic's or, by [`responses`], in OpenAI's of responses.
//!
//! A *token* here is the white space before a word and at most six of the word's characters: near to what real
//! tokenizers yield for English, and the same for prompts, answers, streams, `logprobs` and `max_tokens`. A prompt
//! counts four more for each message and three for the answer's beginning.

use cordon_core::json::{Limits, Object, Value};

use super::assistant::Reply;
use super::conversation::{Call, Conversation, Form, seed_of};
use super::{messages, responses};

/// Answers do not depend on when they were asked for: 2026-01-01T00:00:00Z, in seconds.
pub(super) const CREATED: u64 = 1_767_225_600;
/// Most characters of a word in one token.
const LONGEST_TOKEN: usize = 6;

/// The answers to one request.
#[derive(Debug)]
pub(super) struct Answer {
    form: Form,
    pub(super) model: String,
    pub(super) seed: u64,
    pub(super) logprobs: Option<usize>,
    include_usage: bool,
    pub(super) prompt_tokens: usize,
    choices: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    reply: Reply,
    finish_reason: &'static str,
}

impl Answer {
    pub(super) fn new(conversation: &Conversation, replies: Vec<Reply>) -> Self {
        Self {
            form: conversation.form,
            model: conversation.model.clone(),
            seed: conversation.seed,
            logprobs: conversation.logprobs,
            include_usage: conversation.include_usage,
            prompt_tokens: prompt_tokens(conversation),
            choices: replies.into_iter().map(|reply| finish(conversation, reply)).collect(),
        }
    }

    /// The first choice.
    pub(super) fn reply(&self) -> Option<&Reply> {
        self.choices.first().map(|choice| &choice.reply)
    }

    /// Why the first choice ended.
    pub(super) fn finish_reason(&self) -> &'static str {
        self.choices.first().map_or("stop", |choice| choice.finish_reason)
    }

    /// The answer as one object.
    pub(super) fn whole(&self) -> Value {
        match self.form {
            Form::Chat => {}
            Form::Messages => return messages::message(self),
            Form::Responses => return responses::response(self),
        }
        let choices = self.choices.iter().enumerate().map(|(index, choice)| {
            let (content, calls) = match &choice.reply {
                Reply::Text(text) => (Value::from(text.as_str()), None),
                Reply::Call(call) => {
                    (Value::Null, Some(vec![self.call(index, call, &call.arguments, false)]))
                }
            };
            let mut message =
                object([("role", "assistant".into()), ("content", content), ("refusal", Value::Null)]);
            if let Some(calls) = calls {
                message.insert("tool_calls", calls);
            }
            object([
                ("index", number(index)),
                ("message", message.into()),
                ("logprobs", self.logprobs_of(choice)),
                ("finish_reason", choice.finish_reason.into()),
            ])
            .into()
        });
        let mut whole = self.outer("chat.completion", choices.collect());
        whole.insert("usage", self.usage());
        whole.into()
    }

    /// The answer as events, framed; several choices take turns, as a provider's do.
    pub(super) fn events(self) -> Box<dyn Iterator<Item = String> + Send> {
        match self.form {
            Form::Chat => {}
            Form::Messages => return Box::new(messages::events(&self).into_iter()),
            Form::Responses => return Box::new(responses::events(&self).into_iter()),
        }
        let deltas = self.deltas();
        let usage = self.include_usage.then(|| {
            let mut last = self.outer("chat.completion.chunk", Vec::new());
            last.insert("usage", self.usage());
            Value::from(last).to_string()
        });
        let events = deltas.into_iter().map(move |(index, delta)| self.chunk(index, delta));
        Box::new(events.chain(usage).chain(["[DONE]".to_owned()]).map(frame))
    }

    /// Events that never end: the first choice begins, and says the same for ever.
    pub(super) fn endless(self) -> Box<dyn Iterator<Item = String> + Send> {
        match self.form {
            Form::Chat => {}
            Form::Messages => return Box::new(messages::endless(&self)),
            Form::Responses => return Box::new(responses::endless(&self)),
        }
        let tokens = std::iter::repeat_with(|| Delta::Token(" on and".to_owned()));
        Box::new(std::iter::once(Delta::Begin).chain(tokens).map(move |delta| frame(self.chunk(0, delta))))
    }

    fn deltas(&self) -> Vec<(usize, Delta)> {
        let mut lanes: Vec<_> = self
            .choices
            .iter()
            .enumerate()
            .map(|(index, choice)| {
                let mut lane = vec![Delta::Begin];
                match &choice.reply {
                    Reply::Text(text) => {
                        lane.extend(tokens(text).map(|token| Delta::Token(token.to_owned())));
                    }
                    Reply::Call(call) => {
                        lane.push(Delta::CallBegins(self.call(index, call, "", true)));
                        lane.extend(tokens(&call.arguments).map(|piece| Delta::Arguments(piece.to_owned())));
                    }
                }
                lane.push(Delta::End(choice.finish_reason));
                lane.into_iter()
            })
            .collect();
        let mut all = Vec::new();
        loop {
            let before = all.len();
            for (index, lane) in lanes.iter_mut().enumerate() {
                all.extend(lane.next().map(|delta| (index, delta)));
            }
            if all.len() == before {
                return all;
            }
        }
    }

    fn chunk(&self, index: usize, delta: Delta) -> String {
        let (mut logprobs, mut finish_reason) = (Value::Null, Value::Null);
        let delta = match delta {
            Delta::Begin => {
                object([("role", "assistant".into()), ("content", "".into()), ("refusal", Value::Null)])
            }
            Delta::Token(token) => {
                if let Some(top) = self.logprobs {
                    logprobs = logprobs_object(vec![logprob(&token, top)]);
                }
                object([("content", token.into())])
            }
            Delta::CallBegins(call) => object([("tool_calls", vec![call].into())]),
            Delta::Arguments(piece) => {
                let function = object([("arguments", piece.into())]);
                let call = object([("index", number(0)), ("function", function.into())]);
                object([("tool_calls", vec![call.into()].into())])
            }
            Delta::End(reason) => {
                finish_reason = reason.into();
                Object::new()
            }
        };
        let choice = object([
            ("index", number(index)),
            ("delta", delta.into()),
            ("logprobs", logprobs),
            ("finish_reason", finish_reason),
        ]);
        let mut chunk = self.outer("chat.completion.chunk", vec![choice.into()]);
        if self.include_usage {
            chunk.insert("usage", Value::Null);
        }
        Value::from(chunk).to_string()
    }

    fn outer(&self, kind: &str, choices: Vec<Value>) -> Object {
        object([
            ("id", format!("chatcmpl-sandbox-{:016x}", self.seed).into()),
            ("object", kind.into()),
            ("created", CREATED.into()),
            ("model", self.model.as_str().into()),
            ("service_tier", "default".into()),
            ("system_fingerprint", "sandbox".into()),
            ("choices", choices.into()),
        ])
    }

    fn call(&self, index: usize, call: &Call, arguments: &str, numbered: bool) -> Value {
        let function = object([("name", call.name.as_str().into()), ("arguments", arguments.into())]);
        let id = self.seed.wrapping_add(u64::try_from(index).unwrap_or(0));
        let mut all = if numbered { object([("index", number(0))]) } else { Object::new() };
        all.insert("id", format!("call_sandbox_{id:016x}"));
        all.insert("type", "function");
        all.insert("function", function);
        all.into()
    }

    /// Tokens of all choices.
    pub(super) fn completion_tokens(&self) -> usize {
        let of = |choice: &Choice| match &choice.reply {
            Reply::Text(text) => tokens(text).count(),
            Reply::Call(call) => tokens(&call.name).count() + tokens(&call.arguments).count(),
        };
        self.choices.iter().map(of).sum()
    }

    fn usage(&self) -> Value {
        let completion = self.completion_tokens();
        let none =
            |keys: [&'static str; 2]| Value::Object(keys.map(|key| (key, number(0))).into_iter().collect());
        object([
            ("prompt_tokens", number(self.prompt_tokens)),
            ("completion_tokens", number(completion)),
            ("total_tokens", number(self.prompt_tokens + completion)),
            ("prompt_tokens_details", none(["cached_tokens", "audio_tokens"])),
            ("completion_tokens_details", none(["reasoning_tokens", "audio_tokens"])),
        ])
        .into()
    }

    fn logprobs_of(&self, choice: &Choice) -> Value {
        match (self.logprobs, &choice.reply) {
            (Some(top), Reply::Text(text)) => {
                logprobs_object(tokens(text).map(|token| logprob(token, top)).collect())
            }
            _ => Value::Null,
        }
    }
}

enum Delta {
    Arguments(String),
    Begin,
    CallBegins(Value),
    End(&'static str),
    Token(String),
}

/// Cuts a text to what `stop` and `max_tokens` allow.
fn finish(conversation: &Conversation, reply: Reply) -> Choice {
    let Reply::Text(mut text) = reply else { return Choice { reply, finish_reason: "tool_calls" } };
    let stops =
        conversation.stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str()));
    if let Some(at) = stops.min() {
        text.truncate(at);
    }
    let most = conversation.max_tokens.unwrap_or(usize::MAX);
    let length: usize = tokens(&text).take(most).map(str::len).sum();
    let finish_reason = if length < text.len() { "length" } else { "stop" };
    text.truncate(length);
    Choice { reply: Reply::Text(text), finish_reason }
}

/// An event of this data.
pub(super) fn frame(data: impl std::fmt::Display) -> String {
    format!("data: {data}\n\n")
}

/// The tokens of what is asked.
pub(super) fn prompt_tokens(conversation: &Conversation) -> usize {
    conversation.turns.iter().map(|turn| tokens(&turn.text).count() + 4).sum::<usize>() + 3
}

/// The tokens of a text; they concatenate to it.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = 0;
        let end = rest.char_indices().find_map(|(at, c)| {
            let ends = characters > 0 && (c.is_whitespace() || characters == LONGEST_TOKEN);
            characters += usize::from(!c.is_whitespace());
            ends.then_some(at)
        });
        let (token, tail) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

fn logprobs_object(content: Vec<Value>) -> Value {
    object([("content", content.into()), ("refusal", Value::Null)]).into()
}

pub(super) fn logprob(token: &str, top: usize) -> Value {
    // Between 0 and -2, in millionths: from the token alone.
    let millionths = seed_of(token.as_bytes()) % 2_000_000;
    let alternatives = [token, " the", " a", " and", " of", " to", " is", " in"].into_iter().zip(0_u64..);
    let alternatives: Vec<Value> = alternatives
        .take(top)
        .map(|(token, rank)| one_logprob(token, millionths + rank * 1_000_000).into())
        .collect();
    let mut entry = one_logprob(token, millionths);
    entry.insert("top_logprobs", alternatives);
    entry.into()
}

fn one_logprob(token: &str, millionths: u64) -> Object {
    let text = format!("-{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let value = Value::parse(text.as_bytes(), Limits::default()).unwrap_or(Value::Null);
    let bytes: Vec<Value> = token.bytes().map(|byte| u64::from(byte).into()).collect();
    object([("token", token.into()), ("logprob", value), ("bytes", bytes.into())])
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Object {
    members.into_iter().collect()
}

pub(super) fn number(n: usize) -> Value {
    u64::try_from(n).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_concatenate_to_the_text() {
        for text in ["", "Hello there, wonderful world", "  two  spaces \n", "ünïcödé🙂 words", "x"] {
            assert_eq!(tokens(text).collect::<String>(), text);
        }
        assert_eq!(tokens("say wonderful things").collect::<Vec<_>>(), ["say", " wonder", "ful", " things"]);
    }
}
