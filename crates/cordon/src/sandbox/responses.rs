//! OpenAI's Responses API: items read into a conversation, and its answer as a response, whole or in events.

use cordon_core::json::{Object, Value};

use super::answer::{Answer, CREATED, logprob, number, tokens};
use super::assistant::Reply;
use super::behaviour::Behaviour;
use super::conversation::{
    Call, Conversation, Form, Invalid, Role, Turn, behaviour_of, format, invalid, model_of, read_texts,
    tool_choice, tools, turn,
};
use super::play::{Play, play};
use super::{Asking, object};

/// A request for a response.
#[derive(Debug)]
pub(super) struct Responses(Conversation);

impl Asking for Responses {
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
        self.0.stream
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        play(&self.0, behaviour)
    }
}

/// The answer as one object.
pub(super) fn response(answer: &Answer) -> Value {
    let cut = answer.finish_reason() == "length";
    let mut response = begun(answer);
    response.insert("status", if cut { "incomplete" } else { "completed" });
    if cut {
        response.insert("incomplete_details", object([("reason", "max_output_tokens".into())]));
    }
    response.insert("output", vec![item(answer, true)]);
    let (input, output) = (answer.prompt_tokens, answer.completion_tokens());
    let none = |key| object([(key, number(0))]);
    let usage = object([
        ("input_tokens", number(input)),
        ("input_tokens_details", none("cached_tokens").into()),
        ("output_tokens", number(output)),
        ("output_tokens_details", none("reasoning_tokens").into()),
        ("total_tokens", number(input + output)),
    ]);
    response.insert("usage", usage);
    response.into()
}

/// The answer as events, framed.
pub(super) fn events(answer: &Answer) -> Vec<String> {
    let mut all = opening(answer);
    let id = || ("item_id", id_of(answer).into());
    match answer.reply() {
        Some(Reply::Call(call)) => {
            let pieces = tokens(&call.arguments).map(|piece| ("delta", piece.into()));
            all.extend(pieces.map(|delta| ("response.function_call_arguments.delta", object([id(), delta]))));
            let arguments = ("arguments", call.arguments.as_str().into());
            let name = ("name", call.name.as_str().into());
            all.push(("response.function_call_arguments.done", object([id(), arguments, name])));
        }
        reply => {
            let text = if let Some(Reply::Text(text)) = reply { text.as_str() } else { "" };
            all.extend(tokens(text).map(|token| piece(answer, token)));
            let part = || ("content_index", number(0));
            let whole = [id(), part(), ("text", text.into()), ("logprobs", logprobs(answer, text))];
            all.push(("response.output_text.done", object(whole)));
            all.push(("response.content_part.done", object([id(), part(), ("part", content(answer, text))])));
        }
    }
    all.push(("response.output_item.done", object([("item", item(answer, true))])));
    let response = response(answer);
    let last = match response.get("status").and_then(Value::as_str) {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    all.push((last, object([("response", response)])));
    all.into_iter().enumerate().map(|(at, event)| frame(at, event)).collect()
}

/// Events that never end.
pub(super) fn endless(answer: &Answer) -> impl Iterator<Item = String> + Send + use<> {
    let more = piece(answer, " on and");
    opening(answer).into_iter().chain(std::iter::repeat(more)).enumerate().map(|(at, event)| frame(at, event))
}

/// An event, its number and place aside.
type Event = (&'static str, Object);

fn opening(answer: &Answer) -> Vec<Event> {
    let response = || object([("response", begun(answer).into())]);
    let mut all = vec![
        ("response.created", response()),
        ("response.in_progress", response()),
        ("response.output_item.added", object([("item", item(answer, false))])),
    ];
    if !matches!(answer.reply(), Some(Reply::Call(_))) {
        let id = ("item_id", id_of(answer).into());
        let part = object([id, ("content_index", number(0)), ("part", content(answer, ""))]);
        all.push(("response.content_part.added", part));
    }
    all
}

fn piece(answer: &Answer, token: &str) -> Event {
    let id = ("item_id", id_of(answer).into());
    let members =
        [id, ("content_index", number(0)), ("delta", token.into()), ("logprobs", logprobs(answer, token))];
    ("response.output_text.delta", object(members))
}

fn frame(at: usize, (name, members): Event) -> String {
    let mut data = object([("type", name.into()), ("sequence_number", number(at))]);
    if members.get("response").is_none() {
        data.insert("output_index", number(0));
    }
    for (key, value) in members.iter() {
        data.insert(key, value.clone());
    }
    format!("event: {name}\ndata: {}\n\n", Value::from(data))
}

fn begun(answer: &Answer) -> Object {
    object([
        ("id", format!("resp_sandbox_{:016x}", answer.seed).into()),
        ("object", "response".into()),
        ("created_at", CREATED.into()),
        ("status", "in_progress".into()),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", Object::new().into()),
        ("model", answer.model.as_str().into()),
        ("output", Value::Array(Vec::new())),
        ("parallel_tool_calls", true.into()),
        ("service_tier", "default".into()),
        ("tool_choice", "auto".into()),
        ("tools", Value::Array(Vec::new())),
        ("usage", Value::Null),
    ])
}

fn id_of(answer: &Answer) -> String {
    let kind = if matches!(answer.reply(), Some(Reply::Call(_))) { "fc" } else { "msg" };
    format!("{kind}_sandbox_{:016x}", answer.seed)
}

/// The one item of an answer, as it is in the end or when it begins.
fn item(answer: &Answer, filled: bool) -> Value {
    let status = match (filled, answer.finish_reason()) {
        (false, _) => "in_progress",
        (true, "length") => "incomplete",
        (true, _) => "completed",
    };
    let head = [("id", Value::from(id_of(answer))), ("status", status.into())];
    let members: Vec<(&'static str, Value)> = match answer.reply() {
        Some(Reply::Call(call)) => vec![
            ("type", "function_call".into()),
            ("call_id", format!("call_sandbox_{:016x}", answer.seed).into()),
            ("name", call.name.as_str().into()),
            ("arguments", if filled { call.arguments.as_str() } else { "" }.into()),
        ],
        reply => {
            let text = if let Some(Reply::Text(text)) = reply { text.as_str() } else { "" };
            let parts = if filled { vec![content(answer, text)] } else { Vec::new() };
            vec![("type", "message".into()), ("role", "assistant".into()), ("content", parts.into())]
        }
    };
    head.into_iter().chain(members).collect::<Object>().into()
}

fn content(answer: &Answer, text: &str) -> Value {
    object([
        ("type", "output_text".into()),
        ("text", text.into()),
        ("annotations", Value::Array(Vec::new())),
        ("logprobs", logprobs(answer, text)),
    ])
    .into()
}

fn logprobs(answer: &Answer, text: &str) -> Value {
    let of = |top| tokens(text).map(|token| logprob(token, top)).collect();
    Value::Array(answer.logprobs.map(of).unwrap_or_default())
}

fn read(body: &Value, seed: u64) -> Result<Conversation, Invalid> {
    let model = model_of(body)?;
    let request = body.as_object().ok_or_else(|| invalid("the body must be a JSON object", None))?;
    let mut turns = Vec::new();
    if let Some(instructions) = request.get("instructions").and_then(Value::as_str) {
        turns.push(said(Role::System, instructions));
    }
    match request.get("input") {
        Some(Value::String(text)) => turns.push(said(Role::User, text)),
        Some(Value::Array(items)) if !items.is_empty() => {
            for item in items {
                turns.push(turn_of(item)?);
            }
        }
        _ => return Err(invalid("`input` must be a text or a list of items", Some("input"))),
    }
    let tools = tools(request)?;
    let count =
        |key: &str| request.get(key)?.as_u64().map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let included = request.get("include").and_then(Value::as_array).unwrap_or_default();
    let spells = included.iter().any(|word| word.as_str() == Some("message.output_text.logprobs"));
    Ok(Conversation {
        form: Form::Responses,
        tool_choice: tool_choice(request.get("tool_choice"), &tools)?,
        format: format(request.get("text").and_then(|text| text.get("format")))?,
        stream: request.get("stream").and_then(Value::as_bool).unwrap_or(false),
        include_usage: false,
        max_tokens: count("max_output_tokens"),
        stop: Vec::new(),
        behaviour: behaviour_of(body),
        model,
        turns,
        tools,
        choices: 1,
        logprobs: spells.then(|| count("top_logprobs").unwrap_or(0).min(20)),
        seed,
    })
}

fn said(role: Role, text: &str) -> Turn {
    Turn { role, text: text.to_owned(), images: 0, calls: Vec::new() }
}

fn turn_of(item: &Value) -> Result<Turn, Invalid> {
    let word = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match item.get("type").and_then(Value::as_str) {
        None | Some("message") => turn(item),
        Some("function_call") => {
            let call = Call { name: word("name"), arguments: word("arguments") };
            Ok(Turn { calls: vec![call], ..said(Role::Assistant, "") })
        }
        Some(kind) if kind.ends_with("_output") => {
            let mut text = word("output");
            let parts = item.get("output").and_then(Value::as_array).unwrap_or_default();
            parts.iter().for_each(|part| read_texts(part, &mut text));
            Ok(said(Role::Tool, &text))
        }
        // What a model thought, and what else comes back.
        Some(_) => Ok(said(Role::Assistant, "")),
    }
}
