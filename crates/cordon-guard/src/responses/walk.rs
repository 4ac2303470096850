//! The walk over the Responses API: which member is what.

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use crate::{
    authority::marked,
    openai,
    tree::{
        walk::{Kind, OPAQUE, Visit, Walker, is_url_key},
        words,
    },
};

/// A request for a response.
pub(super) fn request<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
    walker.members(tree, Channel::User, Kind::Text, |walker, key, value| match key {
        // The name of the route: it is replaced.
        "model" => {}
        "instructions" => items(walker, value, Channel::System),
        "input" => items(walker, value, Channel::User),
        // As in chat completions: retrieved text, which may describe and may not instruct.
        "tools" => tools(walker, value, Channel::Document),
        "tool_choice" => walker.value(value, Channel::Document, Kind::Fixed),
        "text" => form(walker, value, Channel::User),
        key if is_setting(key) => walker.value(value, Channel::User, Kind::Fixed),
        _ => walker.value(value, Channel::User, Kind::Text),
    });
}

/// A response but for its output, and for members that are known to hold nothing.
pub(super) fn envelope<V: Visit>(
    walker: &mut Walker<'_, V>,
    response: &mut Object,
    known: impl Fn(&str) -> bool,
) {
    let channel = Channel::Model;
    walker.members(response, channel, Kind::Text, |walker, key, value| match key {
        // The name of the model is replaced by the route's.
        "output" | "model" => {}
        _ if known(key) => {}
        "id" | "previous_response_id" => walker.value(value, channel, Kind::Id),
        // What a service repeats of the request goes to the caller as an answer does.
        "instructions" => items(walker, value, channel),
        "tools" => tools(walker, value, channel),
        "text" => form(walker, value, channel),
        "completed_at" | "created_at" | "incomplete_details" | "object" | "status" | "tool_choice"
        | "usage" => walker.value(value, channel, Kind::Fixed),
        key if is_setting(key) => walker.value(value, channel, Kind::Fixed),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// An item of input or output.
pub(super) fn item<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, outer: Channel) {
    let (channel, given) = match (outer, &*value) {
        // In an answer, everything is what the model's service says.
        (Channel::Model, _) => (outer, outer),
        (_, Value::Object(object)) => {
            let channel = marked(object, channel_of_item(object, outer));
            if refers_to_kept(object) {
                walker.unseen(channel, OPAQUE, 0);
            }
            (channel, Channel::ToolOutput)
        }
        _ => (outer, outer),
    };
    object(walker, value, channel, given);
}

/// A text, an item, or several.
fn items<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel) {
    match value {
        Value::Array(_) => walker.items(value, channel, |walker, value| item(walker, value, channel)),
        Value::Object(_) => item(walker, value, channel),
        _ => walker.value(value, channel, Kind::Said),
    }
}

/// An item, a part of its content, or an object inside it. `given` is the channel of what a call in it gave.
// Recursion is bounded by the depth of the tree.
fn object<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel, given: Channel) {
    let Value::Object(members) = value else { return walker.value(value, channel, Kind::Text) };
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
    let calls = kind.ends_with("_call");
    if calls {
        walker.proposed();
    }
    let drawn = kind == "image_generation_call";
    // A file that the service keeps, in a request.
    if given != Channel::Model && kind.starts_with("input_") {
        walker.kept_file(members, channel);
    }
    walker.members(members, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
        ("type" | "role" | "status" | "phase" | "detail" | "format" | "file_id" | "container_id", _) => {
            walker.value(value, channel, Kind::Fixed);
        }
        ("name" | "namespace" | "server_label", _) if calls => walker.value(value, channel, Kind::Fixed),
        ("id" | "call_id" | "approval_request_id", _) => walker.value(value, channel, Kind::Id),
        ("arguments", _) => walker.value(value, channel, Kind::Json),
        ("encrypted_content" | "fingerprint", _) => walker.opaque(value, channel),
        ("result", Value::String(text)) if drawn => walker.blob(text, channel),
        ("data" | "file_data" | "partial_image_b64", Value::String(text)) => walker.blob(text, channel),
        ("tools", _) => tools(walker, value, channel),
        ("output" | "outputs" | "results", _) if calls => inside(walker, value, given, given),
        (key, Value::String(text)) if is_url_key(key) => walker.url(text, channel),
        ("content" | "output", Value::String(_)) => walker.value(value, channel, Kind::Said),
        (key, Value::String(_)) if words::is_said(key) => walker.value(value, channel, Kind::Said),
        (_, Value::Object(_) | Value::Array(_)) => inside(walker, value, channel, given),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// What an object holds. Inside an item nothing says who speaks, but for a file, which is a document.
fn inside<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel, given: Channel) {
    match value {
        Value::Array(_) => {
            walker.items(value, channel, |walker, value| inside(walker, value, channel, given));
        }
        Value::Object(_) => {
            let is_file = value.get("type").and_then(Value::as_str) == Some("input_file");
            let channel = if is_file && channel != Channel::Model { Channel::Document } else { channel };
            let channel = value.as_object().map_or(channel, |object| marked(object, channel));
            object(walker, value, channel, given);
        }
        _ => walker.value(value, channel, Kind::Text),
    }
}

fn tools<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel) {
    walker.items(value, channel, |walker, tool| walker.definition(tool, &["type", "name"], channel));
}

/// The form that an answer is to have.
fn form<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel) {
    let Value::Object(text) = value else { return walker.value(value, channel, Kind::Text) };
    walker.members(text, channel, Kind::Text, |walker, key, value| match key {
        "verbosity" => walker.value(value, channel, Kind::Fixed),
        "format" => walker.definition(value, &["type", "name"], channel),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// Whether an item stands for thoughts that the service keeps: it has an id, and nothing of them. Official clients send such
/// items back as they came, and nobody but the model reads what they stand for.
fn refers_to_kept(item: &Object) -> bool {
    let is_empty = |key| match item.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::Array(parts)) => parts.is_empty(),
        Some(_) => false,
    };
    item.get("type").and_then(Value::as_str) == Some("reasoning")
        && is_empty("content")
        && is_empty("encrypted_content")
}

/// Where an item's content comes from, in a request.
fn channel_of_item(item: &Object, outer: Channel) -> Channel {
    let word = |key| item.get(key).and_then(Value::as_str);
    match (word("type").unwrap_or("message"), word("role")) {
        ("message", Some(role)) => openai::channel_of(role),
        ("additional_tools" | "mcp_list_tools" | "tool_search_output", _) => Channel::Document,
        (kind, _) if kind.ends_with("_output") => Channel::ToolOutput,
        (kind, _) if kind.ends_with("_call") => Channel::Model,
        ("compaction" | "mcp_approval_request" | "program" | "reasoning", _) => Channel::Model,
        _ => outer,
    }
}

/// Whether a field of a request is a setting: a number, a switch, or one of a few words.
fn is_setting(key: &str) -> bool {
    words::is_setting(key)
        || matches!(
            key,
            "background"
                | "context_management"
                | "include"
                | "max_output_tokens"
                | "max_tool_calls"
                | "prompt_cache_options"
                | "reasoning"
                | "truncation"
        )
}
