//! A request for a message as a request for a chat completion.

use cordon_core::{
    Refusal,
    json::{Object, Value},
    resource::OutputField,
};

use super::{Dropped, is, members, object, unknown, untranslatable};

/// The most texts that end an answer, in the other protocol.
const MAX_STOPS: usize = 4;

pub(super) fn request(asked: &Object, output: OutputField, dropped: &mut Dropped) -> Result<Object, Refusal> {
    let mut out = Object::new();
    let mut messages = Vec::new();
    if let Some(system) = asked.get("system").filter(|system| !system.is_null()) {
        messages.push(said("system", texts(system, "system", dropped)?));
    }
    for (key, value) in members(asked) {
        match key {
            "model" | "system" => {}
            "messages" => {
                for (at, message) in value.as_array().unwrap_or_default().iter().enumerate() {
                    turn(message, &format!("messages.{at}"), &mut messages, dropped)?;
                }
            }
            "max_tokens" => out.insert(output.as_str(), value.clone()),
            "temperature" | "top_p" => out.insert(key, value.clone()),
            "stream" => {
                out.insert(key, value.clone());
                if value.as_bool() == Some(true) {
                    out.insert("stream_options", object([("include_usage", true.into())]));
                }
            }
            "stop_sequences" if value.as_array().is_some_and(|stops| stops.len() <= MAX_STOPS) => {
                out.insert("stop", value.clone());
            }
            "tools" => out.insert("tools", tools(value, dropped)?),
            "tool_choice" => choice(value, &mut out, dropped)?,
            "metadata" => {
                for (key, value) in value.as_object().into_iter().flat_map(members) {
                    match key {
                        "user_id" => out.insert("user", value.clone()),
                        key => return Err(unknown("metadata", key)),
                    }
                }
            }
            "output_config" => config(value, &mut out)?,
            "service_tier" if is(value, "auto") => {}
            "service_tier" if is(value, "standard_only") => out.insert(key, "default"),
            "speed" if is(value, "standard") => {}
            // Whether it thinks is left to the model there, too.
            "thinking"
                if value.get("type").is_some_and(|kind| is(kind, "adaptive") || is(kind, "disabled")) =>
            {
                dropped.note("thinking");
            }
            // Marks for a cache change the price at most.
            "cache_control" => dropped.note("cache_control"),
            key => return Err(unknown("", key)),
        }
    }
    out.insert("messages", messages);
    Ok(out)
}

/// A message as one or, where it holds results of tools, several.
fn turn(
    message: &Value,
    path: &str,
    messages: &mut Vec<Value>,
    dropped: &mut Dropped,
) -> Result<(), Refusal> {
    let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
    if let Some((key, _)) = message
        .as_object()
        .and_then(|message| members(message).find(|(key, _)| !matches!(*key, "role" | "content")))
    {
        return Err(unknown(path, key));
    }
    let content = message.get("content").unwrap_or(&Value::Null);
    let path = format!("{path}.content");
    match (role, content) {
        (_, Value::String(text)) => messages.push(said(role_of(role), text.as_str().into())),
        ("assistant", Value::Array(blocks)) => messages.push(assistant(blocks, &path, dropped)?),
        ("user", Value::Array(blocks)) => user(blocks, &path, messages, dropped)?,
        ("system", _) => messages.push(said("system", texts(content, &path, dropped)?)),
        _ => return Err(untranslatable(path)),
    }
    Ok(())
}

fn user(
    blocks: &[Value],
    path: &str,
    messages: &mut Vec<Value>,
    dropped: &mut Dropped,
) -> Result<(), Refusal> {
    let mut parts = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let path = format!("{path}.{at}");
        let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind != "tool_result" {
            parts.push(part(block, kind, &path, dropped)?);
            continue;
        }
        // Results follow the calls at once in the other protocol.
        if !parts.is_empty() {
            return Err(untranslatable(path));
        }
        let known = ["type", "tool_use_id", "content", "is_error", "cache_control"];
        only(block, &known, &path, dropped)?;
        if block.get("is_error").and_then(Value::as_bool) == Some(true) {
            dropped.note("tool_result.is_error");
        }
        let content = match block.get("content") {
            None | Some(Value::Null) => "".into(),
            Some(content) => texts(content, &format!("{path}.content"), dropped)?,
        };
        let id = block.get("tool_use_id").ok_or_else(|| untranslatable(format!("{path}.tool_use_id")))?;
        let result = object([("role", "tool".into()), ("tool_call_id", id.clone()), ("content", content)]);
        messages.push(result.into());
    }
    if !parts.is_empty() {
        messages.push(said("user", plain(parts)));
    }
    Ok(())
}

fn assistant(blocks: &[Value], path: &str, dropped: &mut Dropped) -> Result<Value, Refusal> {
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for (at, block) in blocks.iter().enumerate() {
        let path = format!("{path}.{at}");
        match block.get("type").and_then(Value::as_str) {
            Some("text") if calls.is_empty() => parts.push(part(block, "text", &path, dropped)?),
            Some("tool_use") => {
                only(block, &["type", "id", "name", "input", "cache_control", "caller"], &path, dropped)?;
                let member = |key: &str| {
                    let value = block.get(key).cloned();
                    value.ok_or_else(|| untranslatable(format!("{path}.{key}")))
                };
                let arguments = member("input")?.to_string();
                let function = object([("name", member("name")?), ("arguments", arguments.into())]);
                let call = object([
                    ("id", member("id")?),
                    ("type", "function".into()),
                    ("function", function.into()),
                ]);
                calls.push(call.into());
            }
            // What a model thought before may be left out, and means nothing to another.
            Some("thinking" | "redacted_thinking") => dropped.note("thinking"),
            _ => return Err(untranslatable(format!("{path}.type"))),
        }
    }
    let content = if parts.is_empty() { Value::Null } else { plain(parts) };
    let mut message = object([("role", "assistant".into()), ("content", content)]);
    if !calls.is_empty() {
        message.insert("tool_calls", calls);
    }
    Ok(message.into())
}

/// A block of a user's or an assistant's as a part.
fn part(block: &Value, kind: &str, path: &str, dropped: &mut Dropped) -> Result<Value, Refusal> {
    let wrong = |member: &str| untranslatable(format!("{path}.{member}"));
    match kind {
        "text" => {
            // What a text of an earlier answer cites is for its reader.
            if block.get("citations").is_some_and(|citations| !citations.is_null()) {
                dropped.note("citations");
            }
            only(block, &["type", "text", "citations", "cache_control"], path, dropped)?;
            let text = block.get("text").cloned().ok_or_else(|| wrong("text"))?;
            Ok(object([("type", "text".into()), ("text", text)]).into())
        }
        "image" => {
            only(block, &["type", "source", "cache_control"], path, dropped)?;
            let url = url_of(block.get("source")).ok_or_else(|| wrong("source"))?;
            check_source(block.get("source"), path, dropped)?;
            let image = object([("url", url.into())]);
            Ok(object([("type", "image_url".into()), ("image_url", image.into())]).into())
        }
        "document" => {
            only(block, &["type", "source", "title", "citations", "cache_control"], path, dropped)?;
            let cites = block.get("citations").and_then(|citations| citations.get("enabled"));
            if cites.and_then(Value::as_bool) == Some(true) {
                return Err(wrong("citations"));
            }
            document(block, path, dropped)
        }
        _ => Err(wrong("type")),
    }
}

fn document(block: &Value, path: &str, dropped: &mut Dropped) -> Result<Value, Refusal> {
    let source = block.get("source");
    let member = |key: &str| source.and_then(|source| source.get(key)).and_then(Value::as_str);
    let title = block.get("title").filter(|title| !title.is_null());
    let part = match (member("type"), member("media_type"), member("data"), title) {
        (Some("base64"), Some("application/pdf"), Some(data), title) => {
            let name = title.cloned().unwrap_or_else(|| "document.pdf".into());
            let data = format!("data:application/pdf;base64,{data}");
            let file = object([("filename", name), ("file_data", data.into())]);
            object([("type", "file".into()), ("file", file.into())])
        }
        (Some("text"), _, Some(data), None) => object([("type", "text".into()), ("text", data.into())]),
        (Some("text"), _, Some(_), Some(_)) => return Err(untranslatable(format!("{path}.title"))),
        _ => return Err(untranslatable(format!("{path}.source"))),
    };
    check_source(source, path, dropped)?;
    Ok(part.into())
}

/// No member of a source is there that would get lost.
fn check_source(source: Option<&Value>, path: &str, dropped: &mut Dropped) -> Result<(), Refusal> {
    let known = ["type", "media_type", "data", "url"];
    source.map_or(Ok(()), |source| only(source, &known, &format!("{path}.source"), dropped))
}

fn url_of(source: Option<&Value>) -> Option<String> {
    let source = source?;
    let member = |key: &str| source.get(key).and_then(Value::as_str);
    match member("type")? {
        "url" => member("url").map(str::to_owned),
        "base64" => Some(format!("data:{};base64,{}", member("media_type")?, member("data")?)),
        _ => None,
    }
}

/// Content that is text alone.
fn texts(content: &Value, path: &str, dropped: &mut Dropped) -> Result<Value, Refusal> {
    match content {
        Value::String(text) => Ok(text.as_str().into()),
        Value::Array(blocks) => {
            let one = |(at, block): (usize, &Value)| {
                let path = format!("{path}.{at}");
                match block.get("type").and_then(Value::as_str) {
                    Some("text") => part(block, "text", &path, dropped),
                    _ => Err(untranslatable(format!("{path}.type"))),
                }
            };
            blocks.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>().map(plain)
        }
        _ => Err(untranslatable(path)),
    }
}

fn tools(tools: &Value, dropped: &mut Dropped) -> Result<Value, Refusal> {
    let mut out = Vec::new();
    for (at, tool) in tools.as_array().unwrap_or_default().iter().enumerate() {
        let path = format!("tools.{at}");
        let mut function = Object::new();
        for (key, value) in tool.as_object().into_iter().flat_map(members) {
            match key {
                // Anything else runs at the provider, which the other has not.
                "type" if is(value, "custom") => {}
                "name" | "description" => function.insert(key, value.clone()),
                "input_schema" => function.insert("parameters", value.clone()),
                "strict" if value.as_bool() == Some(true) => function.insert(key, true),
                "strict" | "defer_loading" if value.as_bool() == Some(false) => {}
                "cache_control" => dropped.note("cache_control"),
                "eager_input_streaming" => dropped.note("tools.eager_input_streaming"),
                key => return Err(unknown(&path, key)),
            }
        }
        out.push(object([("type", "function".into()), ("function", function.into())]).into());
    }
    Ok(Value::Array(out))
}

fn choice(choice: &Value, out: &mut Object, dropped: &mut Dropped) -> Result<(), Refusal> {
    only(choice, &["type", "name", "disable_parallel_tool_use"], "tool_choice", dropped)?;
    let chosen: Value = match choice.get("type").and_then(Value::as_str) {
        Some("auto") => "auto".into(),
        Some("any") => "required".into(),
        Some("none") => "none".into(),
        Some("tool") => {
            let name = choice.get("name").cloned().ok_or_else(|| untranslatable("tool_choice.name"))?;
            let function = object([("name", name)]);
            object([("type", "function".into()), ("function", function.into())]).into()
        }
        _ => return Err(untranslatable("tool_choice.type")),
    };
    out.insert("tool_choice", chosen);
    if choice.get("disable_parallel_tool_use").and_then(Value::as_bool) == Some(true) {
        out.insert("parallel_tool_calls", false);
    }
    Ok(())
}

fn config(config: &Value, out: &mut Object) -> Result<(), Refusal> {
    for (key, value) in config.as_object().into_iter().flat_map(members) {
        match key {
            "effort" if !is(value, "max") => out.insert("reasoning_effort", value.clone()),
            "format" if value.get("type").is_some_and(|kind| is(kind, "json_schema")) => {
                if let Some((key, _)) = value
                    .as_object()
                    .and_then(|format| members(format).find(|(key, _)| !matches!(*key, "type" | "schema")))
                {
                    return Err(unknown("output_config.format", key));
                }
                let schema = value.get("schema").cloned();
                let schema = schema.ok_or_else(|| untranslatable("output_config.format.schema"))?;
                let schema = object([("name", "output".into()), ("strict", true.into()), ("schema", schema)]);
                let format = object([("type", "json_schema".into()), ("json_schema", schema.into())]);
                out.insert("response_format", format);
            }
            key => return Err(unknown("output_config", key)),
        }
    }
    Ok(())
}

/// No member of a block is there but these; a mark for a cache is a hint.
fn only(block: &Value, known: &[&str], path: &str, dropped: &mut Dropped) -> Result<(), Refusal> {
    for (key, _) in block.as_object().into_iter().flat_map(members) {
        if !known.contains(&key) {
            return Err(unknown(path, key));
        }
        if key == "cache_control" {
            dropped.note("cache_control");
        }
    }
    Ok(())
}

fn said(role: &'static str, content: Value) -> Value {
    object([("role", role.into()), ("content", content)]).into()
}

fn role_of(role: &str) -> &'static str {
    match role {
        "assistant" => "assistant",
        "system" => "system",
        _ => "user",
    }
}

/// Parts, or the text where there is one and nothing else.
fn plain(mut parts: Vec<Value>) -> Value {
    if let [one] = parts.as_mut_slice()
        && let Some(Value::String(text)) = one.as_object_mut().and_then(|part| part.get_mut("text"))
    {
        return std::mem::take(text).into();
    }
    parts.into()
}
