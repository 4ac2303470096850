//! The walk over requests and answers: every string, number and key, with where it came from and what may stand in
//! its place.
//!
//! One walk serves every visitor, so that what was inspected and what is rewritten are the same places in the same
//! order. A field that is not known here is content of what encloses it; it is never waved through.

use cordon_core::{
    Category, Channel, Refusal, RefusalCode,
    json::{Object, Value},
};
use smallvec::SmallVec;

use super::{
    url::{self, Reference},
    words,
};
use crate::inspection::Part;

/// What may be done to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a model says to the caller: placeholders in, and tokens of the request restored.
    Said,
    /// Any other text: placeholders in.
    Text,
    /// JSON inside a string: placeholders inside its strings.
    Json,
    /// An identifier that is only compared: replaced as a whole, equal ones by equal ones.
    Id,
    /// A participant's name: providers take few characters there.
    Name,
    /// A word of the protocol, or a name that both sides must agree on: nothing can stand in its place.
    Fixed,
}

/// Where a text stands.
#[derive(Debug)]
pub(super) struct Spot<'a> {
    pub(super) channel: Channel,
    pub(super) kind: Kind,
    pub(super) path: &'a Path,
}

/// What goes through a request or an answer.
pub(super) trait Visit {
    /// A string.
    fn text(&mut self, spot: &Spot<'_>, text: &mut String);
    /// A number.
    fn number(&mut self, spot: &Spot<'_>, value: &mut Value);
    /// A key that is not a word of the protocol; the answer is another key to put in its place.
    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String>;
    /// Content that is not looked into.
    fn unseen(&mut self, spot: &Spot<'_>, category: Category, length: usize);
    /// A refusal for another reason than content.
    fn fault(&mut self, refusal: Refusal);
}

/// The way from the top of the tree to a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(SmallVec<[Step; 12]>);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A word of the protocol.
    Word(&'static str),
    /// An array's item.
    Item(usize),
    /// A member whose key the caller chose, by its position.
    Member(usize),
    /// The key of such a member.
    Key(usize),
}

/// Walks a tree with a visitor.
pub(super) struct Walker<'v, V> {
    visit: &'v mut V,
    path: Path,
}

/// The category of media that are not looked into.
pub(super) const MEDIA: Category = Category::known("uninspected/media");
const REMOTE: Category = Category::known("uninspected/remote");

/// Numbers of parameters up to this length are settings and nothing else (times in seconds, 32-bit seeds).
const SHORT_NUMBER: usize = 10;

impl Path {
    pub(super) fn word(&mut self, word: &'static str) -> &mut Self {
        self.0.push(Step::Word(word));
        self
    }

    pub(super) fn item(&mut self, at: usize) -> &mut Self {
        self.0.push(Step::Item(at));
        self
    }

    /// The path of a member with this key, at this position.
    pub(super) fn member(&mut self, at: usize, key: &str) -> &mut Self {
        self.0.push(words::known(key).map_or(Step::Member(at), Step::Word));
        self
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The path as error objects write it: `messages[2].content[0].image_url.url`.
    fn param(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            if !out.is_empty() && !matches!(step, Step::Item(_)) {
                out.push('.');
            }
            match step {
                Step::Word(word) => out.push_str(word),
                Step::Item(item) => out.push_str(&format!("[{item}]")),
                Step::Member(position) | Step::Key(position) => out.push_str(&format!("?{position}")),
            }
        }
        out
    }
}

impl Part for Path {
    fn name(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(self.0.len() * 9);
        for (at, step) in self.0.iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            // Writing to a `String` cannot fail.
            let _ = match step {
                Step::Word(word) => out.write_str(word),
                Step::Item(item) => write!(out, "{item}"),
                Step::Member(position) => write!(out, "?{position}"),
                Step::Key(position) => write!(out, "?{position}/key"),
            };
        }
        out
    }
}

impl<'v, V: Visit> Walker<'v, V> {
    pub(super) fn new(visit: &'v mut V) -> Self {
        Self { visit, path: Path::default() }
    }

    /// A walker that begins inside the tree.
    pub(super) const fn at(visit: &'v mut V, path: Path) -> Self {
        Self { visit, path }
    }

    /// A chat completion request.
    pub(super) fn request(&mut self, request: &mut Object) {
        self.members(request, Channel::User, Kind::Text, |walker, key, value| match key {
            // The name of the route: it is replaced.
            "model" => {}
            "messages" => walker.items(value, Channel::User, |walker, message| {
                let channel = message.get("role").and_then(Value::as_str).map_or(Channel::User, channel_of);
                walker.message(message, channel);
            }),
            // Definitions of tools come from the application or from tool servers, and nobody can tell which: they are
            // retrieved text, which may describe and may not instruct.
            "tools" => walker.items(value, Channel::Document, Self::tool),
            "functions" => walker.items(value, Channel::Document, Self::function),
            "tool_choice" | "function_call" => walker.value(value, Channel::Document, Kind::Fixed),
            "response_format" => walker.response_format(value),
            key if words::is_setting(key) => walker.value(value, Channel::User, Kind::Fixed),
            _ => walker.value(value, Channel::User, Kind::Text),
        });
    }

    /// A message of a request, or of an answer.
    pub(super) fn message(&mut self, message: &mut Value, channel: Channel) {
        let Value::Object(message) = message else { return self.value(message, channel, Kind::Text) };
        self.members(message, channel, Kind::Text, |walker, key, value| match key {
            "role" => walker.value(value, channel, Kind::Fixed),
            "content" => walker.content(value, channel),
            "name" => walker.value(value, channel, Kind::Name),
            "tool_call_id" => walker.value(value, channel, Kind::Id),
            "tool_calls" => walker.items(value, Channel::Model, Self::tool_call),
            "function_call" => walker.called(value),
            "audio" => walker.part(value, channel),
            key if words::is_said(key) => walker.value(value, channel, Kind::Said),
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    /// An answer of a chat completion but for its choices, and for members that are known to hold nothing.
    pub(super) fn envelope(&mut self, answer: &mut Object, known: impl Fn(&str, &Value) -> bool) {
        self.members(answer, Channel::Model, Kind::Text, |walker, key, value| match key {
            "choices" | "model" => {}
            _ if known(key, value) => {}
            "id" | "system_fingerprint" => walker.value(value, Channel::Model, Kind::Id),
            "object" | "created" | "service_tier" | "usage" => {
                walker.value(value, Channel::Model, Kind::Fixed);
            }
            _ => walker.value(value, Channel::Model, Kind::Text),
        });
    }

    /// A choice of an answer but for its log probabilities and the member in which its text is: `message` of a whole
    /// answer, `delta` of a stream.
    pub(super) fn choice(&mut self, choice: &mut Object, text: &str) {
        self.members(choice, Channel::Model, Kind::Text, |walker, key, value| match key {
            "logprobs" => {}
            key if key == text => {}
            "message" | "delta" => walker.message(value, Channel::Model),
            "index" | "finish_reason" => walker.value(value, Channel::Model, Kind::Fixed),
            _ => walker.value(value, Channel::Model, Kind::Text),
        });
    }

    /// The sound of a message, or a piece of it.
    pub(super) fn audio(&mut self, audio: &mut Value) {
        self.part(audio, Channel::Model);
    }

    /// What is to stand in place of a key that is not a word of the protocol, if anything is.
    pub(super) fn new_key(&mut self, at: usize, key: &str) -> Option<String> {
        if words::known(key).is_some() {
            return None;
        }
        self.path.pop();
        self.path.0.push(Step::Key(at));
        self.visit.key(&Spot { channel: Channel::Model, kind: Kind::Text, path: &self.path }, key)
    }

    /// An object but for these members.
    pub(super) fn but_for(&mut self, object: &mut Object, skip: &[&str], channel: Channel, kind: Kind) {
        self.members(object, channel, kind, |walker, key, value| {
            if !skip.contains(&key) {
                walker.value(value, channel, kind);
            }
        });
    }

    fn content(&mut self, content: &mut Value, channel: Channel) {
        match content {
            Value::Array(_) => self.items(content, channel, |walker, part| {
                let kind = part.get("type").and_then(Value::as_str);
                let channel = match kind {
                    Some("file" | "document" | "search_result" | "input_file") => Channel::Document,
                    Some("tool_result" | "function_call_output") => Channel::ToolOutput,
                    _ => channel,
                };
                walker.part(part, channel);
            }),
            _ => self.value(content, channel, Kind::Said),
        }
    }

    /// A part of a message's content, and objects inside it: they may hold media and URLs.
    fn part(&mut self, part: &mut Value, channel: Channel) {
        match part {
            Value::Object(object) => {
                self.members(object, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
                    ("type" | "detail" | "format" | "media_type" | "file_id" | "expires_at", _) => {
                        walker.value(value, channel, Kind::Fixed);
                    }
                    ("id", _) => walker.value(value, channel, Kind::Id),
                    ("data" | "file_data", Value::String(text)) => walker.blob(text, channel),
                    (key, Value::String(text)) if is_url_key(key) => walker.url(text, channel),
                    (key, _) if words::is_said(key) => walker.value(value, channel, Kind::Said),
                    (_, Value::Object(_)) => walker.part(value, channel),
                    _ => walker.value(value, channel, Kind::Text),
                });
            }
            _ => self.value(part, channel, Kind::Said),
        }
    }

    fn tool(&mut self, tool: &mut Value) {
        let channel = Channel::Document;
        let Value::Object(tool) = tool else { return self.value(tool, channel, Kind::Text) };
        self.members(tool, channel, Kind::Text, |walker, key, value| match key {
            "type" | "name" => walker.value(value, channel, Kind::Fixed),
            "function" | "custom" => walker.function(value),
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    fn function(&mut self, function: &mut Value) {
        let channel = Channel::Document;
        let Value::Object(function) = function else { return self.value(function, channel, Kind::Text) };
        self.members(function, channel, Kind::Text, |walker, key, value| match key {
            "name" => walker.value(value, channel, Kind::Fixed),
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    /// A call of a tool by a model.
    pub(super) fn tool_call(&mut self, call: &mut Value) {
        let channel = Channel::Model;
        let Value::Object(call) = call else { return self.value(call, channel, Kind::Text) };
        self.members(call, channel, Kind::Text, |walker, key, value| match key {
            "id" => walker.value(value, channel, Kind::Id),
            "type" | "index" => walker.value(value, channel, Kind::Fixed),
            "function" | "custom" => walker.called(value),
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    fn called(&mut self, function: &mut Value) {
        let channel = Channel::Model;
        let Value::Object(function) = function else { return self.value(function, channel, Kind::Text) };
        self.members(function, channel, Kind::Text, |walker, key, value| match key {
            "name" => walker.value(value, channel, Kind::Fixed),
            "arguments" => walker.value(value, channel, Kind::Json),
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    fn response_format(&mut self, format: &mut Value) {
        let channel = Channel::User;
        let Value::Object(format) = format else { return self.value(format, channel, Kind::Text) };
        self.members(format, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
            ("type", _) => walker.value(value, channel, Kind::Fixed),
            ("json_schema", Value::Object(schema)) => {
                walker.members(schema, channel, Kind::Text, |walker, key, value| {
                    let kind = if key == "name" { Kind::Fixed } else { Kind::Text };
                    walker.value(value, channel, kind);
                });
            }
            _ => walker.value(value, channel, Kind::Text),
        });
    }

    /// Content at this place that is not looked into.
    pub(super) fn unseen(&mut self, channel: Channel, category: Category, length: usize) {
        self.visit.unseen(&Spot { channel, kind: Kind::Fixed, path: &self.path }, category, length);
    }

    fn url(&mut self, text: &mut String, channel: Channel) {
        match url::reference(text) {
            Err(error) => {
                let refusal = Refusal::new(RefusalCode::InvalidRequest, error.to_string());
                self.visit.fault(refusal.param(self.path.param()));
            }
            Ok(Reference::Other) => self.leaf(text, channel, Kind::Text),
            Ok(Reference::Remote) => {
                self.leaf(text, channel, Kind::Fixed);
                self.unseen(channel, REMOTE, text.len());
            }
            Ok(Reference::Media { head, payload }) => {
                let length = payload.len();
                let mut head = head.to_owned();
                self.leaf(&mut head, channel, Kind::Fixed);
                self.unseen(channel, MEDIA, length);
            }
        }
    }

    fn blob(&mut self, text: &mut String, channel: Channel) {
        if url::is_media(text) {
            self.unseen(channel, MEDIA, text.len());
        } else {
            self.url(text, channel);
        }
    }

    /// Any value whose fields mean nothing to the walk.
    // Recursion is bounded by the depth of the tree.
    pub(super) fn value(&mut self, value: &mut Value, channel: Channel, kind: Kind) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.leaf(text, channel, kind),
            Value::Number(number) => {
                // No detector sees anything in three characters.
                let skip = if kind == Kind::Fixed { SHORT_NUMBER } else { 3 };
                if number.as_str().len() > skip {
                    self.visit.number(&Spot { channel, kind, path: &self.path }, value);
                }
            }
            Value::Array(_) => self.items(value, channel, |walker, item| walker.value(item, channel, kind)),
            Value::Object(object) => {
                self.members(object, channel, kind, |walker, _, value| walker.value(value, channel, kind));
            }
        }
    }

    fn leaf(&mut self, text: &mut String, channel: Channel, kind: Kind) {
        // Words of the protocol hold nothing to be found.
        if !text.is_empty() && words::known(text).is_none() {
            self.visit.text(&Spot { channel, kind, path: &self.path }, text);
        }
    }

    /// Each item of an array.
    pub(super) fn items(
        &mut self,
        value: &mut Value,
        channel: Channel,
        mut each: impl FnMut(&mut Self, &mut Value),
    ) {
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.path.item(at);
                    each(self, item);
                    self.path.pop();
                }
            }
            // Not of the form that the protocol has: still content.
            _ => self.value(value, channel, Kind::Text),
        }
    }

    /// Each member of an object, its key first.
    pub(super) fn members(
        &mut self,
        object: &mut Object,
        channel: Channel,
        kind: Kind,
        mut each: impl FnMut(&mut Self, &str, &mut Value),
    ) {
        let mut renamed = Vec::new();
        for (at, (key, value)) in object.iter_mut().enumerate() {
            match words::known(key) {
                Some(word) => self.path.word(word),
                None => {
                    self.path.0.push(Step::Key(at));
                    // Where values cannot be replaced, keys cannot either; anywhere else a key is text.
                    let kind = if kind == Kind::Fixed { kind } else { Kind::Text };
                    if let Some(new) = self.visit.key(&Spot { channel, kind, path: &self.path }, key) {
                        renamed.push((at, new));
                    }
                    self.path.pop();
                    self.path.0.push(Step::Member(at));
                    &mut self.path
                }
            };
            each(self, key, value);
            self.path.pop();
        }
        if !renamed.is_empty() {
            let mut renamed = renamed.into_iter().peekable();
            let mut at = 0;
            object.rename_keys(|_| {
                let new = renamed.next_if(|(position, _)| *position == at).map(|(_, new)| new);
                at += 1;
                new
            });
        }
    }
}

/// The channel of a role. `model` is what an assistant said; `function` is the old word for `tool`.
pub(super) fn channel_of(role: &str) -> Channel {
    match role {
        "system" | "developer" => Channel::System,
        "assistant" => Channel::Model,
        "tool" | "function" => Channel::ToolOutput,
        _ => Channel::User,
    }
}

fn is_url_key(key: &str) -> bool {
    matches!(key, "url" | "uri" | "href") || key.ends_with("_url") || key.ends_with("_uri")
}
