//! The walk over messages: which member is what.

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use crate::{
    authority::marked,
    tree::{
        walk::{Kind, Visit, Walker, is_url_key},
        words,
    },
};

/// Where content comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// An answer: all of it is what the model's service says.
    Answer,
    /// A request, from who sends the message or from where the block says, also in a turn of the assistant's.
    Request(Channel),
}

impl Origin {
    const fn channel(self) -> Channel {
        match self {
            Self::Answer => Channel::Model,
            Self::Request(channel) => channel,
        }
    }

    /// Results of tools and documents, or else as what it is in.
    fn of_block(self, kind: &str) -> Self {
        match (self, kind) {
            (Self::Answer, _) => Self::Answer,
            (_, "document" | "search_result") => Self::Request(Channel::Document),
            (_, kind) if kind.ends_with("tool_result") => Self::Request(Channel::ToolOutput),
            (_, kind) if kind.ends_with("tool_use") => Self::Request(Channel::Model),
            _ => self,
        }
    }
}

/// A request for a message, or for the count of its tokens.
pub(super) fn request<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
    walker.members(tree, Channel::User, Kind::Text, |walker, key, value| match key {
        // The name of the route: it is replaced.
        "model" => {}
        "system" => content(walker, value, Origin::Request(Channel::System)),
        "messages" => walker.items(value, Channel::User, turn),
        // As in chat completions: retrieved text, which may describe and may not instruct.
        "tools" => walker.items(value, Channel::Document, |walker, tool| {
            let agreed = ["type", "name", "cache_control", "allowed_callers"];
            walker.definition(tool, &agreed, Channel::Document);
        }),
        "tool_choice" => walker.value(value, Channel::Document, Kind::Fixed),
        "output_config" => output(walker, value),
        key if is_setting(key) => walker.value(value, Channel::User, Kind::Fixed),
        _ => walker.value(value, Channel::User, Kind::Text),
    });
}

/// A message of an answer but for its content: `content` is left out where it comes in pieces.
pub(super) fn envelope<V: Visit>(walker: &mut Walker<'_, V>, message: &mut Object) {
    let channel = Channel::Model;
    walker.members(message, channel, Kind::Text, |walker, key, value| match key {
        // The name of the model is replaced by the route's.
        "content" | "model" => {}
        "id" => walker.value(value, channel, Kind::Id),
        "type" | "role" | "stop_reason" | "usage" => walker.value(value, channel, Kind::Fixed),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// Content: a text, or blocks.
pub(super) fn content<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, origin: Origin) {
    let channel = origin.channel();
    match value {
        Value::Array(_) => walker.items(value, channel, |walker, item| block(walker, item, origin)),
        Value::Object(_) => block(walker, value, origin),
        _ => walker.value(value, channel, Kind::Said),
    }
}

/// A block of content, and objects inside it.
// Recursion is bounded by the depth of the tree.
pub(super) fn block<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, origin: Origin) {
    let Value::Object(object) = value else { return walker.value(value, origin.channel(), Kind::Text) };
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let origin = match origin.of_block(kind) {
        Origin::Request(channel) => Origin::Request(marked(object, channel)),
        Origin::Answer => Origin::Answer,
    };
    let channel = origin.channel();
    let calls = kind.ends_with("tool_use");
    if calls {
        walker.proposed();
    }
    if let Origin::Request(channel) = origin {
        walker.kept_file(object, channel);
    }
    // What is in `data`: only its maker reads it, it is a text, or media.
    let (sealed, plain) = (kind == "redacted_thinking", kind == "text");
    walker.members(object, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
        ("type" | "media_type" | "file_id" | "is_error" | "cache_control" | "toolset_name" | "caller", _) => {
            walker.value(value, channel, Kind::Fixed);
        }
        ("name", _) if calls => walker.value(value, channel, Kind::Fixed),
        ("input", _) if calls => walker.json(value, channel),
        ("id" | "tool_use_id", _) => walker.value(value, channel, Kind::Id),
        ("signature" | "encrypted_content" | "encrypted_index" | "encrypted_stdout", _) => {
            walker.opaque(value, channel);
        }
        ("data", _) if sealed => walker.opaque(value, channel),
        ("data", Value::String(text)) if !plain => walker.blob(text, channel),
        ("data", Value::String(text)) => {
            walker.written(text.as_bytes(), None, channel);
            walker.value(value, channel, Kind::Text);
        }
        ("content", _) => content(walker, value, origin),
        (key, Value::String(text)) if is_url_key(key) => walker.url(text, channel),
        (key, _) if words::is_said(key) => walker.value(value, channel, Kind::Said),
        (_, Value::Object(_)) => block(walker, value, origin),
        (_, Value::Array(_)) => walker.items(value, channel, |walker, item| block(walker, item, origin)),
        _ => walker.value(value, channel, Kind::Text),
    });
}

fn turn<V: Visit>(walker: &mut Walker<'_, V>, message: &mut Value) {
    let channel = match message.get("role").and_then(Value::as_str) {
        Some("system") => Channel::System,
        Some("assistant") => Channel::Model,
        _ => Channel::User,
    };
    let Value::Object(message) = message else { return walker.value(message, channel, Kind::Text) };
    let channel = marked(message, channel);
    walker.members(message, channel, Kind::Text, |walker, key, value| match key {
        "role" => walker.value(value, channel, Kind::Fixed),
        "content" => content(walker, value, Origin::Request(channel)),
        _ => walker.value(value, channel, Kind::Text),
    });
}

fn output<V: Visit>(walker: &mut Walker<'_, V>, config: &mut Value) {
    let channel = Channel::User;
    let Value::Object(config) = config else { return walker.value(config, channel, Kind::Text) };
    walker.members(config, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
        ("effort", _) => walker.value(value, channel, Kind::Fixed),
        ("format", Value::Object(_)) => walker.definition(value, &["type"], channel),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// Whether a field of a request is a setting: a number, a switch, or one of a few words.
fn is_setting(key: &str) -> bool {
    matches!(
        key,
        "anthropic_beta"
            | "cache_control"
            | "max_tokens"
            | "service_tier"
            | "speed"
            | "stream"
            | "temperature"
            | "thinking"
            | "top_k"
            | "top_p"
    )
}
