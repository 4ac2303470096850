//! A request for a chat completion as a request for a message.

use cordon_core::{
    Refusal,
    json::{Object, Value},
};

use super::{Dropped, is, members, number, object, parsed, unknown, untranslatable};

/// The most tokens of an answer where the caller sets no bound: the other protocol needs one, and every model of it takes this.
const MAX_TOKENS: u64 = 4096;
/// Media types of pictures that a message may have.
const PICTURES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];

/// The messages so far, and the texts before them that the application's author wrote.
#[derive(Default)]
struct Conversation {
    system: Vec<Value>,
    messages: Vec<Object>,
    /// Whether the last message holds results of tools, and nothing else.
    results: bool,
}

pub(super) fn request(chat: &Object, dropped: &mut Dropped) -> Result<Object, Refusal> {
    let mut out = object([("max_tokens", MAX_TOKENS.into())]);
    let mut output = Object::new();
    for (key, value) in members(chat) {
        match key {
            // The gate of the answer reads how a stream is to end.
            "model" => {}
            "stream_options" => {
                let known = ["include_usage", "include_obfuscation"];
                only(value.as_object().unwrap_or(&Object::new()), &known, key)?;
            }
            "messages" => {
                let conversation = conversation(value, dropped)?;
                if !conversation.system.is_empty() {
                    out.insert("system", plain(conversation.system));
                }
                let messages = conversation.messages.into_iter().map(Value::Object);
                out.insert("messages", messages.collect::<Vec<_>>());
            }
            "max_completion_tokens" => out.insert("max_tokens", value.clone()),
            "max_tokens" if chat.get("max_completion_tokens").is_none_or(Value::is_null) => {
                out.insert("max_tokens", value.clone());
            }
            "max_tokens" => {}
            "stream" | "top_p" => out.insert(key, value.clone()),
            // One's scale ends at 2, the other's at 1.
            "temperature" if number(value).is_some_and(|n| n <= 1.0) => out.insert(key, value.clone()),
            "stop" => out.insert(
                "stop_sequences",
                match value {
                    Value::Array(_) => value.clone(),
                    one => vec![one.clone()].into(),
                },
            ),
            "tools" => out.insert("tools", tools(value)?),
            "tool_choice" => {}
            "parallel_tool_calls" if value.as_bool() == Some(true) => {}
            "parallel_tool_calls" => {}
            "safety_identifier" => out.insert("metadata", object([("user_id", value.clone())])),
            "user" if chat.get("safety_identifier").is_none_or(Value::is_null) => {
                out.insert("metadata", object([("user_id", value.clone())]));
            }
            "user" => {}
            "response_format" => {
                if let Some(format) = format(value, dropped)? {
                    output.insert("format", format);
                }
            }
            "reasoning_effort" => match value.as_str() {
                Some("low" | "medium" | "high" | "xhigh") => output.insert("effort", value.clone()),
                _ => return Err(untranslatable(key)),
            },
            "service_tier" => match value.as_str() {
                Some("auto") => out.insert(key, "auto"),
                Some("default") => out.insert(key, "standard_only"),
                _ => return Err(untranslatable(key)),
            },
            // What is said is what holds anyway.
            "n" if value.as_u64() == Some(1) => {}
            "frequency_penalty" | "presence_penalty" if number(value) == Some(0.0) => {}
            "logprobs" | "store" if value.as_bool() == Some(false) => {}
            "logit_bias" if value.as_object().is_some_and(Object::is_empty) => {}
            "modalities" if matches!(value.as_array(), Some([one]) if is(one, "text")) => {}
            "verbosity" if is(value, "medium") => {}
            // Hints: a seed is best effort, marks for a cache change the price at most, and metadata is for one's own records.
            "seed" => dropped.note("seed"),
            "metadata" => dropped.note("metadata"),
            "prompt_cache_key" => dropped.note("prompt_cache_key"),
            "prompt_cache_retention" => dropped.note("prompt_cache_retention"),
            key => return Err(unknown("", key)),
        }
    }
    if let Some(choice) = choice(chat)? {
        out.insert("tool_choice", choice);
    }
    if !output.is_empty() {
        out.insert("output_config", output);
    }
    Ok(out)
}

fn conversation(messages: &Value, dropped: &mut Dropped) -> Result<Conversation, Refusal> {
    let mut conversation = Conversation::default();
    for (at, message) in messages.as_array().unwrap_or_default().iter().enumerate() {
        let path = format!("messages[{at}]");
        let Some(message) = message.as_object() else { return Err(untranslatable(path)) };
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        match role {
            "system" | "developer" => {
                // Later on, only some models take it, and moving it would change what it follows.
                if !conversation.messages.is_empty() {
                    return Err(untranslatable(format!("{path}.role")));
                }
                let blocks = said(message, &path, &["role", "content"], dropped)?;
                if blocks.iter().any(|block| block.get("text").is_none()) {
                    return Err(untranslatable(format!("{path}.content")));
                }
                conversation.system.extend(blocks);
            }
            "user" => {
                let blocks = said(message, &path, &["role", "content"], dropped)?;
                conversation.push("user", blocks, false, &path)?;
            }
            "assistant" => {
                let known = ["role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content"];
                let mut blocks = said(message, &path, &known, dropped)?;
                if let Some(Value::String(refusal)) = message.get("refusal") {
                    blocks.push(text(refusal));
                }
                // What a model thought before is not to be sent again.
                if message.get("reasoning").or(message.get("reasoning_content")).is_some() {
                    dropped.note("messages.reasoning_content");
                }
                let calls = message.get("tool_calls").and_then(Value::as_array).unwrap_or_default();
                for (at, call) in calls.iter().enumerate() {
                    blocks.push(tool_use(call, &format!("{path}.tool_calls[{at}]"))?);
                }
                conversation.push("assistant", blocks, false, &path)?;
            }
            "tool" => {
                let blocks = said(message, &path, &["role", "content", "tool_call_id"], dropped)?;
                let id = message.get("tool_call_id").filter(|id| id.as_str().is_some());
                let id = id.ok_or_else(|| untranslatable(format!("{path}.tool_call_id")))?;
                let mut result = object([("type", "tool_result".into()), ("tool_use_id", id.clone())]);
                if !blocks.is_empty() {
                    result.insert("content", plain(blocks));
                }
                conversation.push("user", vec![result.into()], true, &path)?;
            }
            _ => return Err(untranslatable(format!("{path}.role"))),
        }
    }
    Ok(conversation)
}

impl Conversation {
    /// Adds a message. The results of tools that were called together come in one.
    fn push(&mut self, role: &str, blocks: Vec<Value>, results: bool, path: &str) -> Result<(), Refusal> {
        if blocks.is_empty() {
            return Err(untranslatable(format!("{path}.content")));
        }
        if results
            && self.results
            && let Some(Value::Array(before)) =
                self.messages.last_mut().and_then(|last| last.get_mut("content"))
        {
            before.extend(blocks);
            return Ok(());
        }
        let content = if results { blocks.into() } else { plain(blocks) };
        self.messages.push(object([("role", role.into()), ("content", content)]));
        self.results = results;
        Ok(())
    }
}

/// The blocks of a message's content; no member of the message is there but these.
fn said(message: &Object, path: &str, known: &[&str], dropped: &mut Dropped) -> Result<Vec<Value>, Refusal> {
    only(message, known, path)?;
    match message.get("content") {
        None | Some(Value::Null) => Ok(Vec::new()),
        // The other protocol has no empty texts.
        Some(Value::String(content)) if content.is_empty() => Ok(Vec::new()),
        Some(Value::String(content)) => Ok(vec![text(content)]),
        Some(Value::Array(parts)) => {
            let part = |(at, part): (usize, &Value)| block(part, &format!("{path}.content[{at}]"), dropped);
            parts.iter().enumerate().map(part).collect()
        }
        Some(_) => Err(untranslatable(format!("{path}.content"))),
    }
}

fn block(part: &Value, path: &str, dropped: &mut Dropped) -> Result<Value, Refusal> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let (member, known): (&str, &[&str]) = match kind {
        "text" => ("text", &["type", "text", "cache_control"]),
        "refusal" => ("refusal", &["type", "refusal"]),
        "image_url" => ("image_url", &["type", "image_url", "cache_control"]),
        "file" => ("file", &["type", "file", "cache_control"]),
        _ => return Err(untranslatable(format!("{path}.type"))),
    };
    only(part.as_object().unwrap_or(&Object::new()), known, path)?;
    let wrong = || untranslatable(format!("{path}.{member}"));
    let mut block = match (kind, part.get(member).ok_or_else(wrong)?) {
        ("image_url", Value::Object(image)) => {
            if image.get("detail").is_some_and(|detail| !is(detail, "auto") && !detail.is_null()) {
                dropped.note("image_url.detail");
            }
            only(image, &["url", "detail"], &format!("{path}.image_url"))?;
            let url = image.get("url").and_then(Value::as_str).ok_or_else(wrong)?;
            object([("type", "image".into()), ("source", picture(url).ok_or_else(wrong)?.into())])
        }
        ("file", Value::Object(file)) => {
            let data = file.get("file_data").and_then(Value::as_str).ok_or_else(wrong)?;
            let Some(("application/pdf", data)) = encoded(data) else { return Err(wrong()) };
            only(file, &["file_data", "filename"], &format!("{path}.file"))?;
            let source = object([
                ("type", "base64".into()),
                ("media_type", "application/pdf".into()),
                ("data", data.into()),
            ]);
            let mut document = object([("type", "document".into()), ("source", source.into())]);
            if let Some(name) = file.get("filename").filter(|name| !name.is_null()) {
                document.insert("title", name.clone());
            }
            document
        }
        (_, Value::String(content)) => object([("type", "text".into()), ("text", content.as_str().into())]),
        _ => return Err(wrong()),
    };
    // A mark for the other's cache passes, as common dialects have it.
    if let Some(mark) = part.get("cache_control").filter(|mark| !mark.is_null()) {
        block.insert("cache_control", mark.clone());
    }
    Ok(block.into())
}

/// Where a picture comes from: its bytes, or a URL.
fn picture(url: &str) -> Option<Object> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Some(object([("type", "url".into()), ("url", url.into())]));
    }
    let (media, data) = encoded(url)?;
    PICTURES
        .contains(&media)
        .then(|| object([("type", "base64".into()), ("media_type", media.into()), ("data", data.into())]))
}

/// Media type and payload of a `data:` URL in base64.
fn encoded(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    head.strip_suffix(";base64").map(|media| (media, data))
}

fn tool_use(call: &Value, path: &str) -> Result<Value, Refusal> {
    let call = call.as_object().ok_or_else(|| untranslatable(path))?;
    let function = call.get("function").and_then(Value::as_object);
    let function = function.ok_or_else(|| untranslatable(format!("{path}.type")))?;
    only(call, &["id", "type", "index", "function"], path)?;
    only(function, &["name", "arguments"], &format!("{path}.function"))?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let named = |member: &str| untranslatable(format!("{path}.{member}"));
    let arguments = text(function.get("arguments")).unwrap_or_default();
    let input = parsed(&arguments).ok_or_else(|| named("function.arguments"))?;
    Ok(object([
        ("type", "tool_use".into()),
        ("id", text(call.get("id")).ok_or_else(|| named("id"))?.into()),
        ("name", text(function.get("name")).ok_or_else(|| named("function.name"))?.into()),
        ("input", input),
    ])
    .into())
}

fn tools(tools: &Value) -> Result<Value, Refusal> {
    let one = |(at, tool): (usize, &Value)| {
        let path = format!("tools[{at}]");
        let Some(function) = tool.get("function").and_then(Value::as_object) else {
            return Err(untranslatable(format!("{path}.type")));
        };
        only(tool.as_object().unwrap_or(&Object::new()), &["type", "function"], &path)?;
        let mut out = Object::new();
        for (key, value) in members(function) {
            match key {
                "name" | "description" => out.insert(key, value.clone()),
                "parameters" => out.insert("input_schema", value.clone()),
                "strict" if value.as_bool() == Some(true) => out.insert(key, true),
                "strict" => {}
                key => return Err(unknown(&format!("{path}.function"), key)),
            }
        }
        if out.get("input_schema").is_none() {
            out.insert("input_schema", object([("type", "object".into())]));
        }
        Ok(out.into())
    };
    let tools = tools.as_array().unwrap_or_default().iter().enumerate().map(one);
    tools.collect::<Result<Vec<Value>, _>>().map(Value::from)
}

/// Which tool is to be called, and whether several at once may be.
fn choice(chat: &Object) -> Result<Option<Object>, Refusal> {
    let kind = |kind: &'static str| object([("type", kind.into())]);
    let single = chat.get("parallel_tool_calls").and_then(Value::as_bool) == Some(false);
    let mut choice = match chat.get("tool_choice") {
        None | Some(Value::Null) if !single => return Ok(None),
        None | Some(Value::Null) => kind("auto"),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => kind("auto"),
            "none" => kind("none"),
            "required" => kind("any"),
            _ => return Err(untranslatable("tool_choice")),
        },
        Some(other) => {
            let function = other.get("function").and_then(Value::as_object);
            only(other.as_object().unwrap_or(&Object::new()), &["type", "function"], "tool_choice")?;
            only(function.unwrap_or(&Object::new()), &["name"], "tool_choice.function")?;
            let name = function.and_then(|function| function.get("name"));
            let name = name.ok_or_else(|| untranslatable("tool_choice"))?;
            object([("type", "tool".into()), ("name", name.clone())])
        }
    };
    if single && !choice.get("type").is_some_and(|kind| is(kind, "none")) {
        choice.insert("disable_parallel_tool_use", true);
    }
    Ok(Some(choice))
}

fn format(format: &Value, dropped: &mut Dropped) -> Result<Option<Object>, Refusal> {
    only(format.as_object().unwrap_or(&Object::new()), &["type", "json_schema"], "response_format")?;
    let named = format.get("json_schema").and_then(Value::as_object);
    for (key, value) in named.into_iter().flat_map(members) {
        match key {
            // A name is for one's own records.
            "name" | "schema" => {}
            "strict" if value.as_bool() == Some(true) => {}
            // There every schema is kept to.
            "strict" => dropped.note("response_format.json_schema.strict"),
            "description" => dropped.note("response_format.json_schema.description"),
            key => return Err(unknown("response_format.json_schema", key)),
        }
    }
    let schema = named.and_then(|named| named.get("schema"));
    match (format.get("type").and_then(Value::as_str), schema) {
        (Some("text"), _) => Ok(None),
        (Some("json_schema"), Some(schema)) => {
            Ok(Some(object([("type", "json_schema".into()), ("schema", schema.clone())])))
        }
        _ => Err(untranslatable("response_format")),
    }
}

/// No member of an object is there but these.
fn only(object: &Object, known: &[&str], path: &str) -> Result<(), Refusal> {
    match members(object).find(|(key, _)| !known.contains(key)) {
        Some((key, _)) => Err(unknown(path, key)),
        None => Ok(()),
    }
}

fn text(text: &str) -> Value {
    object([("type", "text".into()), ("text", text.into())]).into()
}

/// Blocks, or the text where there is one and nothing else.
fn plain(mut blocks: Vec<Value>) -> Value {
    if let [one] = blocks.as_mut_slice()
        && one.as_object().is_some_and(|block| block.len() == 2)
        && let Some(Value::String(text)) = one.as_object_mut().and_then(|block| block.get_mut("text"))
    {
        return std::mem::take(text).into();
    }
    blocks.into()
}
