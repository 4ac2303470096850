//! The texts of an answer, each put together as its reader puts it together.

use cordon_core::{
    Span,
    json::{Limits, Object, Value},
};

use super::form::MAX_JSON;
use crate::{authority::Protocol, tree::walk::Path};

/// What the model says in one place: a choice, a message, an item.
#[derive(Debug, Default)]
pub(crate) struct Text {
    text: String,
    /// The parts that it was put together of: where each begins, and where it stands.
    parts: Vec<(usize, Path)>,
    /// Whether the same turn calls tools or declines in a place of its own, so that there may be no text.
    otherwise: bool,
    /// Whether the model says, in a place of its own, that it declines, and where.
    declined: Option<Path>,
    /// Whether it is the last of its answer.
    last: bool,
    /// Bytes of its only part that stand before it, where it is a window on that.
    before: usize,
}

impl Text {
    /// Adds a part.
    pub(crate) fn push(&mut self, path: Path, text: &str) {
        self.parts.push((self.text.len(), path));
        self.text.push_str(text);
    }

    /// A piece of a part, with so many bytes of it before.
    pub(super) fn window(path: Path, before: usize, said: &str) -> Self {
        Self { before, text: said.to_owned(), parts: vec![(0, path)], ..Self::default() }
    }

    /// Notes that the turn does something else than to say something.
    pub(super) const fn does_otherwise(&mut self) {
        self.otherwise = true;
    }

    /// Notes that the model says so, in this place, that it declines.
    pub(super) fn declines(&mut self, at: Path) {
        self.declined.get_or_insert(at);
    }

    /// Where it says so.
    pub(super) const fn declined(&self) -> Option<&Path> {
        self.declined.as_ref()
    }

    /// Notes that nothing comes behind it.
    pub(super) const fn ends(&mut self) {
        self.last = true;
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says nothing, and need not.
    pub(super) fn is_silent(&self) -> bool {
        self.otherwise && self.text.trim().is_empty()
    }

    pub(super) const fn is_last(&self) -> bool {
        self.last
    }

    /// Whether it is an object or a list of JSON.
    pub(crate) fn is_json(&self) -> bool {
        let text = self.text.trim_start();
        let limits = Limits { bytes: 1 << 20, ..Limits::default() };
        text.starts_with(['{', '[']) && Value::parse(text.as_bytes(), limits).is_ok()
    }

    /// Where a span of it stands: the part in which it begins, and its bytes there.
    pub(crate) fn place(&self, span: Span) -> (Path, Span) {
        let before = self.parts.partition_point(|(start, _)| *start <= span.start);
        let start = before.checked_sub(1).and_then(|at| self.parts.get(at)).map_or(0, |(start, _)| *start);
        let end = self.parts.get(before).map_or(self.text.len(), |(start, _)| *start).min(span.end);
        let of_part = |byte: usize| byte.saturating_sub(start).saturating_add(self.before);
        (self.part(span.start), Span::new(of_part(span.start), of_part(end)))
    }

    /// The part in which a byte of it stands.
    pub(super) fn part(&self, byte: usize) -> Path {
        let before = self.parts.partition_point(|(start, _)| *start <= byte);
        let part = before.checked_sub(1).and_then(|at| self.parts.get(at));
        part.map(|(_, path)| path.clone()).unwrap_or_else(|| {
            let mut nowhere = Path::default();
            nowhere.word("content");
            nowhere
        })
    }
}

/// What a request begins the answer with: the text of its last message, where that is one of the assistant. One that is longer than
/// what is read as JSON begins none.
pub(super) fn begun(request: &Object, protocol: Protocol) -> String {
    let messages = match protocol {
        Protocol::Chat | Protocol::Messages => request.get("messages"),
        Protocol::Responses => request.get("input"),
    };
    let last = items(messages).last();
    let last = last.filter(|last| last.get("role").and_then(Value::as_str) == Some("assistant"));
    let mut begun = String::new();
    match last.and_then(|last| last.get("content")) {
        Some(Value::String(said)) => begun.push_str(said),
        Some(Value::Array(parts)) => {
            parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .for_each(|said| begun.push_str(said));
        }
        _ => {}
    }
    if begun.len() > MAX_JSON { String::new() } else { begun }
}

/// The texts of a chat completion.
pub(crate) fn of_chat(answer: &Object) -> Vec<Text> {
    let mut texts = Vec::new();
    for (at, choice) in (0_u64..).zip(items(answer.get("choices"))) {
        if let Some(message) = choice.get("message") {
            let mut text = Text::default();
            of_choice(message, at, &mut text);
            text.ends();
            texts.push(text);
        }
    }
    texts
}

/// Adds what the message of a choice says.
fn of_choice(message: &Value, choice: u64, text: &mut Text) {
    let path = path_of_choice(choice);
    match message.get("content") {
        Some(Value::String(said)) => text.push(path, said),
        Some(Value::Array(parts)) => {
            for (at, part) in parts.iter().enumerate() {
                if let Some(said) = part.get("text").and_then(Value::as_str) {
                    let mut path = path.clone();
                    path.item(at).word("text");
                    text.push(path, said);
                }
            }
        }
        _ => text.push(path, ""),
    }
    if does_otherwise(message) {
        text.does_otherwise();
    }
    if is_refusal(message) {
        text.declines(path_of_refusal(choice));
    }
}

/// Whether a message of a choice, or a piece of one, has words in the place where a model declines.
pub(super) fn is_refusal(message: &Value) -> bool {
    message.get("refusal").and_then(Value::as_str).is_some_and(|refusal| !refusal.is_empty())
}

pub(super) fn path_of_refusal(choice: u64) -> Path {
    let mut path = Path::default();
    path.word("choices").item(number(choice)).word("message").word("refusal");
    path
}

pub(super) fn path_of_choice(choice: u64) -> Path {
    let mut path = Path::default();
    path.word("choices").item(number(choice)).word("message").word("content");
    path
}

/// Whether a message of a choice, or a piece of one, does something else than to say something.
pub(super) fn does_otherwise(message: &Value) -> bool {
    ["tool_calls", "function_call", "refusal", "audio"].into_iter().any(|member| match message.get(member) {
        None | Some(Value::Null | Value::Bool(_)) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    })
}

/// The text of a message.
pub(crate) fn of_message(answer: &Object) -> Vec<Text> {
    let mut text = Text::default();
    for (at, block) in (0_u64..).zip(items(answer.get("content"))) {
        if let Some(said) = text_of_block(block) {
            text.push(path_of_block(at), said);
        } else if is_of_tools(block) {
            text.does_otherwise();
        }
    }
    text.ends();
    if declines(answer.get("stop_reason")) {
        text.declines(path_of_reason());
    }
    vec![text]
}

/// Whether a message ends because the model declines.
pub(super) fn declines(stop_reason: Option<&Value>) -> bool {
    stop_reason.and_then(Value::as_str) == Some("refusal")
}

pub(super) fn path_of_reason() -> Path {
    let mut path = Path::default();
    path.word("stop_reason");
    path
}

pub(super) fn text_of_block(block: &Value) -> Option<&str> {
    let is_text = block.get("type").and_then(Value::as_str) == Some("text");
    block.get("text").and_then(Value::as_str).filter(|_| is_text)
}

pub(super) fn is_of_tools(block: &Value) -> bool {
    block.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("tool_use"))
}

pub(super) fn path_of_block(at: u64) -> Path {
    let mut path = Path::default();
    path.word("content").item(number(at)).word("text");
    path
}

/// The texts of a response, one for each of its messages.
pub(crate) fn of_response(answer: &Object) -> Vec<Text> {
    let mut otherwise = false;
    let mut texts = Vec::new();
    for (at, item) in (0_u64..).zip(items(answer.get("output"))) {
        match item.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message" => {
                let mut text = Text::default();
                for (part, content) in (0_u64..).zip(items(item.get("content"))) {
                    match content.get("type").and_then(Value::as_str) {
                        Some("output_text") => {
                            let said = content.get("text").and_then(Value::as_str).unwrap_or_default();
                            text.push(path_of_part((at, part)), said);
                        }
                        kind => {
                            text.does_otherwise();
                            if kind == Some("refusal") {
                                text.declines(path_of_refused_part((at, part)));
                            }
                        }
                    }
                }
                texts.push(text);
            }
            kind => otherwise |= kind.ends_with("_call"),
        }
    }
    ended(texts, otherwise)
}

/// The texts of an answer that has come to its end, the last of which is the answer itself. Where there is none, it says nothing.
pub(super) fn ended(mut texts: Vec<Text>, otherwise: bool) -> Vec<Text> {
    if texts.is_empty() {
        texts.push(Text::default());
    }
    if let Some(last) = texts.last_mut() {
        last.ends();
        if otherwise {
            last.does_otherwise();
        }
    }
    texts
}

pub(super) fn path_of_part((item, part): (u64, u64)) -> Path {
    let mut path = Path::default();
    path.word("output").item(number(item)).word("content").item(number(part)).word("text");
    path
}

pub(super) fn path_of_refused_part((item, part): (u64, u64)) -> Path {
    let mut path = Path::default();
    path.word("output").item(number(item)).word("content").item(number(part)).word("refusal");
    path
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).unwrap_or_default()
}

fn number(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
