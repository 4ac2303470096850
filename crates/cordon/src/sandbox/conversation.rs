//! A chat request, read from its JSON: what the sandbox looks at, the rest is let pass.

use cordon_core::Digest;
use cordon_core::json::{Object, Value};

use super::Asking;
use super::behaviour::Behaviour;
use super::play::{Play, play};

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) form: Form,
    pub(super) model: String,
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) tool_choice: ToolChoice,
    pub(super) format: Format,
    /// `n`: how many answers.
    pub(super) choices: usize,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// How many alternatives a token carries, when probabilities are asked for.
    pub(super) logprobs: Option<usize>,
    pub(super) max_tokens: Option<usize>,
    pub(super) stop: Vec<String>,
    /// `metadata.cordon_sandbox`: how to misbehave.
    pub(super) behaviour: Option<String>,
    /// Of the whole request: what it varies with is the same for the same bytes.
    pub(super) seed: u64,
}

/// Whose form the answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's messages.
    Messages,
    /// OpenAI's responses.
    Responses,
}

/// One message.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) role: Role,
    /// Its text parts, a line feed between them.
    pub(super) text: String,
    pub(super) images: usize,
    /// What an assistant's message called.
    pub(super) calls: Vec<Call>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Assistant,
    System,
    Tool,
    User,
}

/// A tool that the caller offers.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameters: Value,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    /// JSON text.
    pub(super) arguments: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToolChoice {
    Auto,
    Named(String),
    None,
    Required,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Schema(Value),
    Text,
}

/// A request that the endpoint refuses, in the words of its error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) message: String,
    pub(super) param: Option<&'static str>,
}

/// Most answers to one request.
const CHOICES: u64 = 16;
/// Most tools that a request offers.
const TOOLS: usize = 256;
/// Most messages of a request.
const TURNS: usize = 4096;

impl Asking for Conversation {
    fn read(body: &Value, seed: u64) -> Result<Self, Invalid> {
        let model = model_of(body)?;
        let request = body.as_object().ok_or_else(|| invalid("the body must be a JSON object", None))?;
        let messages = match request.get("messages") {
            Some(Value::Array(messages)) if !messages.is_empty() => messages,
            _ => {
                return Err(invalid("`messages` must be a list with at least one message", Some("messages")));
            }
        };
        if messages.len() > TURNS {
            return Err(invalid("too many messages; help: at most 4,096", Some("messages")));
        }
        let turns = messages.iter().map(turn).collect::<Result<Vec<_>, _>>()?;
        let tools = tools(request)?;
        let choices = match request.get("n") {
            None | Some(Value::Null) => 1,
            Some(n) => n
                .as_u64()
                .filter(|n| (1..=CHOICES).contains(n))
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| invalid("`n` must be a whole number from 1 to 16", Some("n")))?,
        };
        let flag = |name: &'static str| match request.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(invalid("this parameter must be true or false", Some(name))),
        };
        let count = |name: &str| {
            request
                .get(name)
                .and_then(Value::as_u64)
                .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
        };
        let logprobs = flag("logprobs")?.then(|| count("top_logprobs").unwrap_or(0).min(20));
        Ok(Self {
            form: Form::Chat,
            tool_choice: tool_choice(request.get("tool_choice"), &tools)?,
            format: format(request.get("response_format"))?,
            stream: flag("stream")?,
            include_usage: request
                .get("stream_options")
                .and_then(|options| options.get("include_usage"))
                .is_some_and(|value| value == &Value::Bool(true)),
            max_tokens: count("max_completion_tokens").or_else(|| count("max_tokens")),
            stop: stop(request.get("stop")),
            behaviour: behaviour_of(body),
            model,
            turns,
            tools,
            choices,
            logprobs,
            seed,
        })
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn behaviour(&self) -> Option<&str> {
        self.behaviour.as_deref()
    }

    fn streams(&self) -> bool {
        self.stream
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        play(self, behaviour)
    }
}

impl Conversation {
    /// The texts of the application's author, joined.
    pub(super) fn system(&self) -> String {
        let texts: Vec<&str> = self
            .turns
            .iter()
            .filter(|turn| turn.role == Role::System)
            .map(|turn| turn.text.as_str())
            .collect();
        texts.join("\n")
    }

    /// The newest message of the user.
    pub(super) fn question(&self) -> Option<&Turn> {
        self.turns.iter().rev().find(|turn| turn.role == Role::User)
    }
}

/// A number that is the same for the same bytes, and unlike for others.
pub(super) fn seed_of(bytes: &[u8]) -> u64 {
    Digest::sha256(bytes).as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// The model that a request names.
pub(super) fn model_of(body: &Value) -> Result<String, Invalid> {
    let request = body.as_object().ok_or_else(|| invalid("the body must be a JSON object", None))?;
    match request.get("model") {
        Some(Value::String(model)) => Ok(model.clone()),
        _ => Err(invalid("you must provide a `model` parameter", Some("model"))),
    }
}

/// How a request tells the sandbox to misbehave: `metadata.cordon_sandbox`.
pub(super) fn behaviour_of(body: &Value) -> Option<String> {
    body.get("metadata")?.get("cordon_sandbox")?.as_str().map(str::to_owned)
}

pub(super) fn invalid(message: impl Into<String>, param: Option<&'static str>) -> Invalid {
    Invalid { message: message.into(), param }
}

pub(super) fn turn(message: &Value) -> Result<Turn, Invalid> {
    let wrong = |text: &str| invalid(text, Some("messages"));
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        _ => return Err(wrong("a message needs a role: system, developer, user, assistant or tool")),
    };
    let mut turn = Turn { role, text: String::new(), images: 0, calls: Vec::new() };
    match message.get("content") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => turn.text.clone_from(text),
        Some(Value::Array(parts)) => {
            for part in parts {
                match part.get("type").and_then(Value::as_str) {
                    Some("image_url" | "input_image" | "image") => turn.images += 1,
                    Some(_) => read_texts(part, &mut turn.text),
                    None => return Err(wrong("a content part needs a type")),
                }
            }
        }
        Some(_) => return Err(wrong("the content of a message must be a text or a list of parts")),
    }
    for call in message.get("tool_calls").and_then(Value::as_array).unwrap_or_default() {
        let function = call.get("function");
        let word = |key: &str| {
            function.and_then(|f| f.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        turn.calls.push(Call { name: word("name"), arguments: word("arguments") });
    }
    Ok(turn)
}

/// Appends what a part says, whatever its type calls the member: documents come in several forms.
pub(super) fn read_texts(part: &Value, out: &mut String) {
    for key in ["text", "content", "refusal", "data", "document", "file", "source"] {
        match part.get(key) {
            Some(Value::String(text)) => {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(text);
            }
            // Recursion is bounded by the depth of the tree that was read.
            Some(inner @ Value::Object(_)) => read_texts(inner, out),
            _ => {}
        }
    }
}

/// The tools of a request; a response's have no function around them.
pub(super) fn tools(request: &Object) -> Result<Vec<Tool>, Invalid> {
    let wrong = |text: &str| invalid(text, Some("tools"));
    let offered = match request.get("tools") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(tools)) if tools.len() <= TOOLS => tools,
        Some(_) => return Err(wrong("`tools` must be a list of at most 256 tools")),
    };
    let read = |tool: &Value| {
        let function = tool.get("function").unwrap_or(tool);
        let text = |key: &str| function.get(key).and_then(Value::as_str).map(str::to_owned);
        let parameters = function.get("parameters").cloned().unwrap_or_else(|| Object::new().into());
        Some(Tool { name: text("name")?, description: text("description").unwrap_or_default(), parameters })
    };
    offered
        .iter()
        .map(|tool| read(tool).ok_or_else(|| wrong("a tool needs a function with a name")))
        .collect()
}

pub(super) fn tool_choice(choice: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, Invalid> {
    let wrong = |text: &str| Err(invalid(text, Some("tool_choice")));
    let choice = match choice {
        None | Some(Value::Null) => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return wrong("`tool_choice` must be auto, none, required or a function"),
        },
        Some(other) => {
            let name = other.get("function").unwrap_or(other).get("name").and_then(Value::as_str);
            match name {
                Some(name) if tools.iter().any(|tool| tool.name == name) => {
                    ToolChoice::Named(name.to_owned())
                }
                _ => return wrong("`tool_choice` names a function that is not among the tools"),
            }
        }
    };
    if choice == ToolChoice::Required && tools.is_empty() {
        return wrong("`tool_choice` needs tools");
    }
    Ok(choice)
}

/// The form that an answer is to have; a response's schema has no object around it.
pub(super) fn format(format: Option<&Value>) -> Result<Format, Invalid> {
    let Some(format) = format.filter(|format| !format.is_null()) else { return Ok(Format::Text) };
    let schema = format.get("json_schema").unwrap_or(format).get("schema");
    match (format.get("type").and_then(Value::as_str), schema) {
        (Some("text"), _) => Ok(Format::Text),
        (Some("json_object"), _) => Ok(Format::Json),
        (Some("json_schema"), Some(schema)) => Ok(Format::Schema(schema.clone())),
        _ => Err(invalid(
            "`response_format` must be text, json_object, or json_schema with a schema",
            Some("response_format"),
        )),
    }
}

fn stop(stop: Option<&Value>) -> Vec<String> {
    match stop {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => {
            texts.iter().filter_map(Value::as_str).take(4).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
