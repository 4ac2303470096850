//! The walk over chat completions: which member is what.

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use crate::{
    authority::marked,
    tree::{
        walk::{Kind, REMOTE, Visit, Walker},
        words,
    },
};

impl<V: Visit> Walker<'_, V> {
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
        let channel = marked(message, channel);
        self.members(message, channel, Kind::Text, |walker, key, value| match key {
            "role" => walker.value(value, channel, Kind::Fixed),
            "content" => walker.content(value, channel),
            "name" => walker.value(value, channel, Kind::Name),
            "tool_call_id" => walker.value(value, channel, Kind::Id),
            "tool_calls" => {
                if value.as_array().is_some_and(|calls| !calls.is_empty()) {
                    walker.proposed();
                }
                walker.items(value, Channel::Model, Self::tool_call);
            }
            "function_call" => {
                if !matches!(value, Value::Null) {
                    walker.proposed();
                }
                walker.called(value);
            }
            "audio" => {
                // What was said in an earlier answer, of which the service keeps the sound.
                if let (Some(id), None) = (value.get("id").and_then(Value::as_str), value.get("data")) {
                    walker.unseen(channel, REMOTE, id.len());
                }
                walker.part(value, channel);
            }
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

    fn content(&mut self, content: &mut Value, channel: Channel) {
        match content {
            Value::Array(_) => self.items(content, channel, |walker, part| {
                let kind = part.get("type").and_then(Value::as_str);
                let channel = match kind {
                    Some("file" | "document" | "search_result" | "input_file") => Channel::Document,
                    Some("tool_result" | "function_call_output") => Channel::ToolOutput,
                    _ => part.as_object().map_or(channel, |part| marked(part, channel)),
                };
                walker.part(part, channel);
            }),
            _ => self.value(content, channel, Kind::Said),
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
        self.definition(function, &["name"], Channel::Document);
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
            ("json_schema", Value::Object(_)) => walker.definition(value, &["name"], channel),
            _ => walker.value(value, channel, Kind::Text),
        });
    }
}

/// The channel of a role. `model` is what an assistant said; `function` is the old word for `tool`.
pub(crate) fn channel_of(role: &str) -> Channel {
    match role {
        "system" | "developer" => Channel::System,
        "assistant" => Channel::Model,
        "tool" | "function" => Channel::ToolOutput,
        _ => Channel::User,
    }
}
