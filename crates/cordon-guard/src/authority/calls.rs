//! The calls that an answer proposes, and the results in it of tools that the service ran, in their order.

use std::collections::{BTreeMap, BTreeSet};

use cordon_core::json::{Object, Value};

use crate::{openai, tree::walk::Path};

/// What an answer shows of tools.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A call is proposed.
    Called(Box<Proposal>),
    /// A tool with these names has brought something.
    Brought(Vec<String>),
}

/// A proposed call: every name and every form of the arguments that a reader may take from it. All of them must do; where there is no
/// argument, an object without members must.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(super) names: BTreeSet<String>,
    pub(super) arguments: Vec<Arguments>,
    pub(super) path: Path,
}

impl Proposal {
    /// Adds what was said of the same call before.
    pub(super) fn join(&mut self, mut earlier: Self) {
        self.names.append(&mut earlier.names);
        self.arguments.append(&mut earlier.arguments);
    }
}

/// What a tool is called with.
#[derive(Debug)]
pub(super) enum Arguments {
    /// JSON as a text.
    Json(String),
    /// A value: an object, or the text of a tool that takes one.
    Value(Value),
}

/// Calls of the Responses API that the caller runs. Any other was run by the service, and its item holds what it brought.
pub(super) const OF_CALLER: [&str; 6] = [
    "apply_patch_call",
    "computer_call",
    "custom_tool_call",
    "function_call",
    "local_shell_call",
    "shell_call",
];

/// Members of an item in which a call's arguments stand, whatever they are called there.
const GIVEN: [&str; 5] = ["arguments", "input", "action", "operation", "code"];

/// The calls of a chat completion.
pub(crate) fn of_chat(answer: &Object) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (at, choice) in items(answer.get("choices")).iter().enumerate() {
        let Some(message) = choice.get("message") else { continue };
        let mut path = Path::default();
        path.word("choices").item(at).word("message");
        for (at, call) in items(message.get("tool_calls")).iter().enumerate() {
            let mut path = path.clone();
            path.word("tool_calls").item(at);
            seen.push(Seen::Called(of_call(call, path).into()));
        }
        if let Some(call) = message.get("function_call").filter(|call| !call.is_null()) {
            path.word("function_call");
            seen.push(Seen::Called(of_call(call, path).into()));
        }
    }
    seen
}

/// The calls of a message, and the results in it.
pub(crate) fn of_message(answer: &Object) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut called = Called::default();
    for (at, block) in items(answer.get("content")).iter().enumerate() {
        let mut path = Path::default();
        path.word("content").item(at);
        let kind = kind_of(block);
        if kind.ends_with("tool_use") {
            called.note_block(block);
            let names = text(block.get("name")).into_iter().collect();
            let arguments = block.get("input").cloned().map(Arguments::Value).into_iter().collect();
            seen.push(Seen::Called(Proposal { names, arguments, path }.into()));
        } else if kind.ends_with("tool_result") {
            seen.extend(called.result_block(block).map(Seen::Brought));
        }
    }
    seen
}

/// The calls of a response, and the results in it.
pub(crate) fn of_response(answer: &Object) -> Vec<Seen> {
    let items = items(answer.get("output")).iter().enumerate();
    items.flat_map(|(at, item)| of_item(item, at)).collect()
}

/// What an item of a response shows.
pub(super) fn of_item(item: &Value, at: usize) -> Vec<Seen> {
    let kind = kind_of(item);
    if kind.ends_with("_output") {
        return vec![Seen::Brought(Vec::new())];
    }
    if !kind.ends_with("_call") {
        return Vec::new();
    }
    let names = names_of_item(item);
    let arguments = given(item);
    let mut path = Path::default();
    path.word("output").item(at);
    let brought = (!OF_CALLER.contains(&kind)).then(|| Seen::Brought(vec![trusted_name(item)]));
    std::iter::once(Seen::Called(Proposal { names, arguments, path }.into())).chain(brought).collect()
}

/// The names of a call of the Responses API: one without a name goes by its type, and one of a type that has no names by both.
pub(super) fn names_of_item(item: &Value) -> BTreeSet<String> {
    let kind = kind_of(item);
    let name = text(item.get("name"));
    let is_named = matches!(kind, "function_call" | "custom_tool_call" | "mcp_call") && name.is_some();
    let of_kind = kind.strip_suffix("_call").filter(|_| !is_named).map(str::to_owned);
    name.into_iter().chain(of_kind).collect()
}

/// The name by which what an item's tool brings may be trusted: the service's own tools go by their type, and a tool of a remote
/// server by none, because its name is whatever that server says.
pub(super) fn trusted_name(item: &Value) -> String {
    match kind_of(item) {
        "function_call" | "custom_tool_call" => text(item.get("name")).unwrap_or_default(),
        "mcp_call" => String::new(),
        kind => kind.strip_suffix("_call").unwrap_or_default().to_owned(),
    }
}

/// The arguments in an item, but for such as are empty.
pub(super) fn given(item: &Value) -> Vec<Arguments> {
    let plain = kind_of(item) == "custom_tool_call";
    let values = GIVEN.iter().filter_map(|member| item.get(member));
    values.filter_map(|value| argument(value, plain)).collect()
}

/// Arguments as they stand in a call; nothing where they are empty.
fn argument(value: &Value, plain: bool) -> Option<Arguments> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if !plain => Some(Arguments::Json(text.clone())),
        value => Some(Arguments::Value(value.clone())),
    }
}

/// A call of chat completions, in either of its forms.
fn of_call(call: &Value, path: Path) -> Proposal {
    let names = openai::names(call).map(str::to_owned).collect();
    let holders = ["function", "custom"].into_iter().filter_map(|kind| call.get(kind)).chain([call]);
    let arguments = holders.flat_map(|holder| {
        let json = holder.get("arguments").and_then(|value| argument(value, false));
        let plain = holder.get("input").and_then(|value| argument(value, true));
        json.into_iter().chain(plain)
    });
    let arguments = arguments.collect();
    Proposal { names, arguments, path }
}

/// Which tools were called under which id, as far as none of their results was seen.
#[derive(Debug, Default)]
pub(super) struct Called(BTreeMap<String, Vec<String>>);

impl Called {
    /// Notes a call. Two calls with one id are two tools that a result may be of.
    pub(super) fn note(&mut self, id: Option<&Value>, name: Option<&Value>) {
        if let (Some(id), Some(name)) = (text(id), text(name)) {
            self.0.entry(id).or_default().push(name);
        }
    }

    /// Notes a block that calls a tool. What a remote server calls its tool says nothing of it.
    pub(super) fn note_block(&mut self, block: &Value) {
        let nobody = Value::from("");
        let name = if kind_of(block) == "mcp_tool_use" { Some(&nobody) } else { block.get("name") };
        self.note(block.get("id"), name);
    }

    /// The tools that a block with a result may be of, as [`Called::result`] says them.
    pub(super) fn result_block(&mut self, block: &Value) -> Option<Vec<String>> {
        if kind_of(block) == "mcp_tool_result" {
            return Some(Vec::new());
        }
        self.result(block.get("tool_use_id"))
    }

    /// The tools that a result with this id may be of, but for those that an earlier result with it brought in: what has entered
    /// does not leave, so each is looked at once, however many results there are. Without a name where no call has the id, and
    /// nothing where nothing is new.
    pub(super) fn result(&mut self, id: Option<&Value>) -> Option<Vec<String>> {
        let Some(names) = id.and_then(Value::as_str).and_then(|id| self.0.get_mut(id)) else {
            return Some(Vec::new());
        };
        Some(std::mem::take(names)).filter(|names| !names.is_empty())
    }
}

/// The items of a list, where there is one. An object stands for a list of one, as some readers take it.
pub(super) fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(item @ Value::Object(_)) => std::slice::from_ref(item),
        _ => &[],
    }
}

/// The `type` of an object.
pub(super) fn kind_of(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// A text, where there is one.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}
