//! Anthropic's form: messages read into a conversation, and its answer as a message, whole or in events.

use cordon_core::json::{Limits, Object, Value};

use super::answer::{Answer, number, prompt_tokens, tokens};
use super::assistant::Reply;
use super::behaviour::Behaviour;
use super::conversation::{
    Call, Conversation, Form, Format, Invalid, Role, Tool, ToolChoice, Turn, behaviour_of, invalid, model_of,
    read_texts,
};
use super::play::{Play, play, whole};
use super::{Asking, object};

/// A request for a message.
#[derive(Debug)]
pub(super) struct Messages(Conversation);

/// A request for the count of a message's tokens.
#[derive(Debug)]
pub(super) struct CountTokens(Conversation);

impl Asking for Messages {
    fn read(body: &Value, seed: u64) -> Result<Self, Invalid> {
        let conversation = read(body, seed)?;
        if conversation.max_tokens.is_none() {
            return Err(invalid("`max_tokens` must be a whole number", Some("max_tokens")));
        }
        Ok(Self(conversation))
    }

    fn model(&self) -> &str {
        &self.0.model
    }

    fn behaviour(&self) -> Option<&str> {
        self.0.behaviour.as_deref()
    }

    fn streams(&self) -> bool {
        self.0.stream
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        play(&self.0, behaviour)
    }
}

impl Asking for CountTokens {
    fn read(body: &Value, seed: u64) -> Result<Self, Invalid> {
        read(body, seed).map(Self)
    }

    fn model(&self) -> &str {
        &self.0.model
    }

    fn behaviour(&self) -> Option<&str> {
        self.0.behaviour.as_deref()
    }

    fn streams(&self) -> bool {
        false
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        let count = Value::from(object([("input_tokens", number(prompt_tokens(&self.0)))]));
        whole(count.to_vec(), behaviour)
    }
}

/// The answer as one object.
pub(super) fn message(answer: &Answer) -> Value {
    let mut message = begun(answer);
    message.insert("content", vec![block(answer, true)]);
    message.insert("stop_reason", stop_reason(answer));
    if let Some(Value::Object(usage)) = message.get_mut("usage") {
        usage.insert("output_tokens", number(answer.completion_tokens()));
    }
    message.into()
}

/// The answer as events, framed.
pub(super) fn events(answer: &Answer) -> Vec<String> {
    let index = || ("index", number(0));
    let mut all = opening(answer);
    let pieces: Vec<Value> = match answer.reply() {
        Some(Reply::Text(text)) => tokens(text).map(text_delta).collect(),
        Some(Reply::Call(call)) => tokens(&call.arguments).map(input_delta).collect(),
        None => Vec::new(),
    };
    all.extend(pieces.into_iter().map(|delta| frame("content_block_delta", [index(), ("delta", delta)])));
    all.push(frame("content_block_stop", [index()]));
    let ended = object([("stop_reason", stop_reason(answer).into()), ("stop_sequence", Value::Null)]);
    let usage = object([("output_tokens", number(answer.completion_tokens()))]);
    all.push(frame("message_delta", [("delta", ended.into()), ("usage", usage.into())]));
    all.push(frame("message_stop", []));
    all
}

/// Events that never end.
pub(super) fn endless(answer: &Answer) -> impl Iterator<Item = String> + Send + use<> {
    let more = frame("content_block_delta", [("index", number(0)), ("delta", text_delta(" on and"))]);
    opening(answer).into_iter().chain(std::iter::repeat(more))
}

fn opening(answer: &Answer) -> Vec<String> {
    let start = frame("message_start", [("message", begun(answer).into())]);
    let block = [("index", number(0)), ("content_block", block(answer, false))];
    vec![start, frame("content_block_start", block), frame("ping", [])]
}

fn begun(answer: &Answer) -> Object {
    let usage = object([
        ("input_tokens", number(answer.prompt_tokens)),
        ("cache_creation_input_tokens", number(0)),
        ("cache_read_input_tokens", number(0)),
        ("output_tokens", number(1)),
    ]);
    object([
        ("id", format!("msg_sandbox_{:016x}", answer.seed).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", answer.model.as_str().into()),
        ("content", Value::Array(Vec::new())),
        ("stop_reason", Value::Null),
        ("stop_sequence", Value::Null),
        ("usage", usage.into()),
    ])
}

/// The one block of an answer, as it is in the end or when it begins.
fn block(answer: &Answer, filled: bool) -> Value {
    match answer.reply() {
        Some(Reply::Call(call)) => {
            let input = Value::parse(call.arguments.as_bytes(), Limits::default()).ok().filter(|_| filled);
            object([
                ("type", "tool_use".into()),
                ("id", format!("toolu_sandbox_{:016x}", answer.seed).into()),
                ("name", call.name.as_str().into()),
                ("input", input.unwrap_or_else(|| Object::new().into())),
            ])
            .into()
        }
        Some(Reply::Text(text)) => {
            let text = if filled { text.as_str() } else { "" };
            object([("type", "text".into()), ("text", text.into())]).into()
        }
        None => object([("type", "text".into()), ("text", "".into())]).into(),
    }
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish_reason() {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        _ => "end_turn",
    }
}

fn text_delta(text: &str) -> Value {
    object([("type", "text_delta".into()), ("text", text.into())]).into()
}

fn input_delta(json: &str) -> Value {
    object([("type", "input_json_delta".into()), ("partial_json", json.into())]).into()
}

fn frame<const N: usize>(name: &'static str, members: [(&'static str, Value); N]) -> String {
    let mut data = object([("type", name.into())]);
    for (key, value) in members {
        data.insert(key, value);
    }
    format!("event: {name}\ndata: {}\n\n", Value::from(data))
}

fn read(body: &Value, seed: u64) -> Result<Conversation, Invalid> {
    let model = model_of(body)?;
    let wrong = |text: &str| invalid(text, Some("messages"));
    let messages = match body.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        _ => return Err(wrong("`messages` must be a list with at least one message")),
    };
    let mut turns = Vec::new();
    if let Some(system) = body.get("system") {
        let mut turn = empty(Role::System);
        add(system, &mut turn, &mut turns);
        turns.push(turn);
    }
    for message in messages {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            _ => return Err(wrong("a message needs a role: user or assistant")),
        };
        let mut turn = empty(role);
        add(message.get("content").unwrap_or(&Value::Null), &mut turn, &mut turns);
        // A message that holds results of tools alone says nothing else.
        if !(turn.text.is_empty() && turn.images == 0 && turn.calls.is_empty()) || role != Role::User {
            turns.push(turn);
        }
    }
    let tools = tools(body.get("tools"))?;
    let format = body.get("output_config").and_then(|config| config.get("format"));
    let schema = format.and_then(|format| format.get("schema"));
    let stops = body.get("stop_sequences").and_then(Value::as_array).unwrap_or_default();
    let most = body.get("max_tokens").and_then(Value::as_u64);
    Ok(Conversation {
        form: Form::Messages,
        tool_choice: choice(body.get("tool_choice"), &tools)?,
        format: schema.map_or(Format::Text, |schema| Format::Schema(schema.clone())),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        include_usage: false,
        max_tokens: most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        stop: stops.iter().filter_map(Value::as_str).take(4).map(str::to_owned).collect(),
        behaviour: behaviour_of(body),
        model,
        turns,
        tools,
        choices: 1,
        logprobs: None,
        seed,
    })
}

const fn empty(role: Role) -> Turn {
    Turn { role, text: String::new(), images: 0, calls: Vec::new() }
}

/// Reads content into a turn; the results of tools are turns of their own, before it.
fn add(content: &Value, turn: &mut Turn, turns: &mut Vec<Turn>) {
    if let Some(text) = content.as_str() {
        turn.text.push_str(text);
    }
    for block in content.as_array().unwrap_or_default() {
        match block.get("type").and_then(Value::as_str) {
            Some("image") => turn.images += 1,
            Some("tool_use") => {
                let name = block.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                let arguments = block.get("input").map_or_else(String::new, Value::to_string);
                turn.calls.push(Call { name, arguments });
            }
            Some("tool_result") => {
                let mut result = empty(Role::Tool);
                add(block.get("content").unwrap_or(&Value::Null), &mut result, turns);
                turns.push(result);
            }
            _ => read_texts(block, &mut turn.text),
        }
    }
}

fn tools(offered: Option<&Value>) -> Result<Vec<Tool>, Invalid> {
    let read = |tool: &Value| {
        let text = |key: &str| tool.get(key).and_then(Value::as_str).map(str::to_owned);
        let parameters = tool.get("input_schema").cloned().unwrap_or_else(|| Object::new().into());
        Some(Tool { name: text("name")?, description: text("description").unwrap_or_default(), parameters })
    };
    let offered = offered.and_then(Value::as_array).unwrap_or_default().iter();
    offered.map(|tool| read(tool).ok_or_else(|| invalid("a tool needs a name", Some("tools")))).collect()
}

fn choice(choice: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, Invalid> {
    let Some(choice) = choice else { return Ok(ToolChoice::Auto) };
    let name = choice.get("name").and_then(Value::as_str).unwrap_or_default();
    match choice.get("type").and_then(Value::as_str) {
        Some("auto") => Ok(ToolChoice::Auto),
        Some("none") => Ok(ToolChoice::None),
        Some("any") if !tools.is_empty() => Ok(ToolChoice::Required),
        Some("tool") if tools.iter().any(|tool| tool.name == name) => Ok(ToolChoice::Named(name.to_owned())),
        _ => Err(invalid("`tool_choice` must be auto, any, none or one of the tools", Some("tool_choice"))),
    }
}
