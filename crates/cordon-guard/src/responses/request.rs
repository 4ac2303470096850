use cordon_core::{
    Refusal, RefusalCode,
    json::{Object, Value},
};

use super::walk;
use crate::{
    authority,
    inspection::{Inspection, Verdict},
    limits::Shape,
    openai,
    redact::Tokens,
    tree::{
        forbidden,
        request::{Walked, check_objects, count, inspected, invalid, named, switch, written},
        walk::{Visit, Walker},
    },
};

/// The member that says how long an answer may be.
const OUTPUT: &str = "max_output_tokens";

/// Members that stand for what a service keeps: its content would join the request without being inspected, and may be another
/// caller's.
const KEPT: [&str; 3] = ["conversation", "previous_response_id", "prompt"];

/// Tools that the caller runs. Any other is run by the service, past the gates: what it fetches is never seen, and where it acts
/// is not chosen here.
const TOOLS: [&str; 5] = ["apply_patch", "custom", "function", "local_shell", "namespace"];

const OF_KEPT: &str =
    "The request refers to what the model's service keeps. help: send the items themselves in `input`.";
const OF_BACKGROUND: &str = "Answers are given while the caller waits. help: leave `background` out.";
const OF_TOOL: &str =
    "The request offers a tool that the caller does not run. help: offer it as a `function`.";

/// A request for a response, of the right form and not inspected yet.
#[derive(Clone, Debug)]
pub struct Request {
    tree: Object,
    stream: bool,
}

/// A request that was inspected and may go on.
#[derive(Debug)]
pub struct Inspected {
    tree: Object,
    tokens: Tokens,
    stream: bool,
}

impl Request {
    /// Takes a tree that has the form of a request: `model` and `input` as they must be, no field that would choose a host, a
    /// credential or another model, nothing that the service keeps, no tool that the service runs, and an answer that is given at
    /// once. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn read(tree: Value) -> Result<Self, Refusal> {
        let tree = named(tree)?;
        for field in KEPT {
            if tree.get(field).is_some_and(|value| !value.is_null()) {
                return Err(forbidden(field, OF_KEPT));
            }
        }
        if switch(&tree, "background")? {
            return Err(forbidden("background", OF_BACKGROUND));
        }
        let stream = switch(&tree, "stream")?;
        count(&tree, OUTPUT)?;
        check_objects(&tree, "tools")?;
        check_tools(&tree, "tools")?;
        match tree.get("input") {
            Some(Value::String(_)) => {}
            Some(Value::Array(items)) if !items.is_empty() => check_items(items)?,
            _ => return Err(invalid("input", "neither a text nor items")),
        }
        Ok(Self { tree, stream })
    }

    /// The name of the route.
    pub fn route(&self) -> &str {
        self.tree.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// The tree, which was not inspected.
    pub(crate) const fn tree(&self) -> &Object {
        &self.tree
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// The names of the tools that the caller offers, in `tools`, in items of `input`, and in namespaces of both. A tool that has
    /// none is named by its type.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.offered().into_iter().flat_map(openai::names)
    }

    /// Whether it offers tools, named or not.
    pub fn offers_tools(&self) -> bool {
        !self.offered().is_empty()
    }

    fn offered(&self) -> Vec<&Value> {
        all_offered(&self.tree)
    }

    /// What the caller says of the person behind it: `safety_identifier`, or else `user`. To be kept only as a keyed
    /// pseudonym.
    pub fn subject(&self) -> Option<&str> {
        openai::subject(&self.tree)
    }

    /// What the caller calls the conversation, as in a chat. To be kept only as a keyed pseudonym.
    pub fn conversation(&self) -> Option<&str> {
        openai::conversation(&self.tree)
    }

    /// Inspects every text, number and key, and rewrites what is to be redacted. The verdict says what was found in
    /// any case.
    ///
    /// # Errors
    /// When the request may not go on.
    pub fn inspect(mut self, inspection: &Inspection, verdict: &mut Verdict) -> Result<Inspected, Refusal> {
        let tokens = inspected::<Self>(&mut self.tree, inspection, verdict)?;
        if let Some(planted) = inspection.planted() {
            planted.in_responses(&mut self.tree);
        }
        authority::strip(&mut self.tree, &["instructions", "input", "tools"]);
        Ok(Inspected { tree: self.tree, tokens, stream: self.stream })
    }
}

impl Walked for Request {
    const IS_TALK: bool = true;

    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
        walk::request(walker, tree);
    }
}

impl Inspected {
    /// The body for an upstream that calls the model `upstream_model`, written from the tree that was inspected.
    pub fn body(&mut self, upstream_model: &str) -> Vec<u8> {
        self.tree.insert("model", upstream_model);
        written(&mut self.tree)
    }

    /// Whether the answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// Bounds its answer; for a request that does not say how long it may be.
    pub(crate) fn bound_output(&mut self, most: u64) {
        self.tree.insert(OUTPUT, most);
    }

    /// The tokens that stand for values, to be restored in the answer.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

fn shape(tree: &Object) -> Shape {
    let length = |key| tree.get(key).and_then(Value::as_array).map(|items| items.len() as u64);
    Shape {
        messages: length("input").unwrap_or(1),
        tools: all_offered(tree).len() as u64,
        output_field: Some(OUTPUT),
        output: tree.get(OUTPUT).and_then(Value::as_u64),
        ..Shape::of(tree)
    }
}

fn forbidden(param: &str, words: &str) -> Refusal {
    let refusal = Refusal::new(RefusalCode::ForbiddenField, format!("field {param}")).param(param);
    refusal.said(Some(words.to_owned()))
}

/// The tools of a request, of the items of its input, and of namespaces in both.
fn all_offered(tree: &Object) -> Vec<&Value> {
    let mut all = Vec::new();
    offered(tree, &mut all);
    let items = tree.get("input").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_object).filter(|item| offers(item)).for_each(|item| offered(item, &mut all));
    all
}

/// Adds the tools of a request, of an item of its input, or of a namespace.
// Recursion is bounded by the depth of the tree.
fn offered<'a>(holder: &'a Object, all: &mut Vec<&'a Value>) {
    for tool in holder.get("tools").and_then(Value::as_array).into_iter().flatten() {
        all.push(tool);
        if let Some(tool) = tool.as_object() {
            offered(tool, all);
        }
    }
}

/// Whether tools in an item are offered. What a server of tools listed has no types, and offers nothing by itself.
pub(crate) fn offers(item: &Object) -> bool {
    item.get("type").and_then(Value::as_str) != Some("mcp_list_tools")
}

/// Looks through the tools of a request, of an item of its input, or of a namespace. The tree's depth is bounded by its reader.
fn check_tools(holder: &Object, param: &str) -> Result<(), Refusal> {
    forbidden::tools(holder, param)?;
    let tools = holder.get("tools").and_then(Value::as_array).unwrap_or_default();
    for (at, tool) in tools.iter().enumerate() {
        let param = format!("{param}[{at}]");
        match tool.get("type") {
            Some(Value::String(kind)) if TOOLS.contains(&kind.as_str()) => {}
            Some(Value::String(_)) => return Err(forbidden(&format!("{param}.type"), OF_TOOL)),
            _ => return Err(invalid(&format!("{param}.type"), "a tool without a type")),
        }
        if let Some(tool) = tool.as_object() {
            check_tools(tool, &format!("{param}.tools"))?;
        }
    }
    Ok(())
}

/// Whether an item has an id and nothing that says what it is.
fn is_only_named(item: &Object) -> bool {
    let says = |(key, value): (&str, &Value)| !matches!(key, "id" | "type" | "status") && !value.is_null();
    item.get("id").is_some() && !item.iter().any(says)
}

fn check_items(items: &[Value]) -> Result<(), Refusal> {
    for (at, item) in items.iter().enumerate() {
        let param = |field: &str| format!("input[{at}]{field}");
        let item = item.as_object().ok_or_else(|| invalid(&param(""), "not an object"))?;
        let kind = match item.get("type") {
            None | Some(Value::Null) => None,
            Some(Value::String(kind)) => Some(kind.as_str()),
            Some(_) => return Err(invalid(&param(".type"), "not a text")),
        };
        match (kind, item.get("role").and_then(Value::as_str)) {
            (Some("item_reference"), _) => return Err(forbidden(&param(""), OF_KEPT)),
            // An item that is nothing but an id is one that the service keeps.
            (None, None) if item.get("id").is_some() => return Err(forbidden(&param(""), OF_KEPT)),
            // So is a call of which nothing but the id is there.
            (Some(kind), _) if kind != "reasoning" && is_only_named(item) => {
                return Err(forbidden(&param(""), OF_KEPT));
            }
            (None | Some("message"), Some("system" | "developer" | "user" | "assistant")) => {}
            (None | Some("message"), _) => return Err(invalid(&param(".role"), "an unknown role")),
            (Some(_), _) => {}
        }
        if let Some(Value::Array(parts)) = item.get("content") {
            let untyped = |part: &Value| part.get("type").and_then(Value::as_str).is_none();
            if let Some(part) = parts.iter().position(untyped) {
                return Err(invalid(&param(&format!(".content[{part}].type")), "a part without a type"));
            }
        }
        if offers(item) {
            check_tools(item, &param(".tools"))?;
        }
    }
    Ok(())
}
