use cordon_core::{
    Refusal,
    json::{Object, Value},
    resource::OutputField,
};

use crate::{
    authority,
    inspection::{Inspection, Verdict},
    limits::Shape,
    redact::Tokens,
    tree::{
        request::{Walked, check_objects, count, inspected, invalid, messages, named, switch, written},
        walk::{Visit, Walker},
    },
};

/// The most choices that a request may ask for: each is a text of its own to be inspected.
const MAX_CHOICES: u64 = 128;

/// The fields that say how long an answer may be.
const OUTPUT_FIELDS: [OutputField; 2] = [OutputField::MaxCompletionTokens, OutputField::MaxTokens];

/// A chat completion request of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct Request {
    tree: Object,
    stream: bool,
    include_usage: bool,
    choices: u64,
}

/// A request that was inspected and may go on.
#[derive(Debug)]
pub struct InspectedRequest {
    tree: Object,
    tokens: Tokens,
    stream: bool,
    include_usage: bool,
}

impl Request {
    /// Takes a tree that has the form of a request: `model` and `messages` as they must be, no field that would choose
    /// a host, a credential or another model. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn read(tree: Value) -> Result<Self, Refusal> {
        let tree = named(tree)?;
        check_messages(messages(&tree)?)?;
        let stream = switch(&tree, "stream")?;
        let include_usage = match tree.get("stream_options") {
            None | Some(Value::Null) => false,
            Some(Value::Object(options)) if stream => switch(options, "include_usage")?,
            Some(Value::Object(_)) => return Err(invalid("stream_options", "stream_options without stream")),
            Some(_) => return Err(invalid("stream_options", "stream_options is not an object")),
        };
        let choices = count(&tree, "n")?.unwrap_or(1);
        if !(1..=MAX_CHOICES).contains(&choices) {
            return Err(invalid("n", "n is not within 1 and 128"));
        }
        for field in OUTPUT_FIELDS {
            count(&tree, field.as_str())?;
        }
        for field in ["tools", "functions"] {
            check_objects(&tree, field)?;
        }
        Ok(Self { tree, stream, include_usage, choices })
    }

    /// The name of the route.
    pub fn route(&self) -> &str {
        self.tree.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// How many choices are asked for.
    pub const fn choices(&self) -> u64 {
        self.choices
    }

    /// The tree, which was not inspected.
    pub(crate) const fn tree(&self) -> &Object {
        &self.tree
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// The names of the tools that the caller offers, in `tools` and in `functions` as older clients do. A tool that the
    /// provider runs, and that has no name, goes by its type.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        let searches = self.tree.get("web_search_options").is_some_and(|options| !options.is_null());
        self.offered().flat_map(names).chain(searches.then_some("web_search"))
    }

    /// Whether it offers tools, named or not.
    pub fn offers_tools(&self) -> bool {
        self.offered().next().is_some() || self.tools().next().is_some()
    }

    fn offered(&self) -> impl Iterator<Item = &Value> {
        let list = |key| self.tree.get(key).and_then(Value::as_array).into_iter().flatten();
        list("tools").chain(list("functions"))
    }

    /// What the caller says of the person behind it: `safety_identifier`, or else `user`. To be kept only as a keyed
    /// pseudonym.
    pub fn subject(&self) -> Option<&str> {
        subject(&self.tree)
    }

    /// What the caller calls the conversation: `metadata.conversation_id`, or else `metadata.session_id`. To be kept
    /// only as a keyed pseudonym.
    pub fn conversation(&self) -> Option<&str> {
        conversation(&self.tree)
    }

    /// Inspects every text, number and key, and rewrites what is to be redacted. The verdict says what was found in
    /// any case.
    ///
    /// # Errors
    /// When the request may not go on.
    pub fn inspect(
        mut self,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<InspectedRequest, Refusal> {
        let tokens = inspected::<Self>(&mut self.tree, inspection, verdict)?;
        if let Some(planted) = inspection.planted() {
            planted.in_chat(&mut self.tree);
        }
        authority::strip(&mut self.tree, &["messages", "tools", "functions"]);
        Ok(InspectedRequest {
            tree: self.tree,
            tokens,
            stream: self.stream,
            include_usage: self.include_usage,
        })
    }
}

impl Walked for Request {
    const IS_TALK: bool = true;

    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
        walker.request(tree);
    }
}

impl InspectedRequest {
    /// The body for an upstream that calls the model `upstream_model`, written from the tree that was inspected. A
    /// stream is asked to say what it used, so that the record can.
    pub fn body(&mut self, upstream_model: &str) -> Vec<u8> {
        self.tree.insert("model", upstream_model);
        if self.stream {
            match self.tree.get_mut("stream_options") {
                Some(Value::Object(options)) => options.insert("include_usage", true),
                _ => {
                    let options: Object = [("include_usage", Value::Bool(true))].into_iter().collect();
                    self.tree.insert("stream_options", options);
                }
            }
        }
        written(&mut self.tree)
    }

    /// The tree that was inspected.
    pub(crate) const fn tree(&self) -> &Object {
        &self.tree
    }

    /// Whether the answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the caller asked for the usage of a stream.
    pub const fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// Bounds its answer; for a request that does not say how long it may be.
    pub(crate) fn bound_output(&mut self, most: u64, field: OutputField) {
        OUTPUT_FIELDS.iter().for_each(|field| drop(self.tree.remove(field.as_str())));
        self.tree.insert(field.as_str(), most);
    }

    /// The tokens that stand for values, to be restored in the answer.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// Every name that a tool may be called by, wherever its kind has it: readers differ in which member they look at.
pub(crate) fn names(tool: &Value) -> impl Iterator<Item = &str> {
    let inner = ["function", "custom"].into_iter().filter_map(|kind| tool.get(kind));
    let kind =
        tool.get("type").and_then(Value::as_str).filter(|kind| !matches!(*kind, "function" | "custom"));
    inner.chain([tool]).filter_map(|named| named.get("name")?.as_str()).chain(kind)
}

/// What a request of OpenAI's says of the person behind it.
pub(crate) fn subject(tree: &Object) -> Option<&str> {
    let field = |key| tree.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    field("safety_identifier").or_else(|| field("user"))
}

/// What a request of OpenAI's calls the conversation, in its `metadata`.
pub(crate) fn conversation(tree: &Object) -> Option<&str> {
    let metadata = tree.get("metadata")?;
    let field = |key| metadata.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    field("conversation_id").or_else(|| field("session_id"))
}

fn shape(tree: &Object) -> Shape {
    let length = |key| tree.get(key).and_then(Value::as_array).map_or(0, |items| items.len() as u64);
    let asked = OUTPUT_FIELDS.map(|field| (tree.get(field.as_str()).and_then(Value::as_u64), field.as_str()));
    // Where both are said, each service may go by another one.
    let most = asked.into_iter().filter(|(asked, _)| asked.is_some()).max();
    Shape {
        messages: length("messages"),
        tools: length("tools").saturating_add(length("functions")),
        output_field: Some(most.map_or(OutputField::MaxCompletionTokens.as_str(), |(_, field)| field)),
        output: most.and_then(|(asked, _)| asked),
        choices: tree.get("n").and_then(Value::as_u64).unwrap_or(1),
        ..Shape::of(tree)
    }
}

fn check_messages(messages: &[Value]) -> Result<(), Refusal> {
    for (at, message) in messages.iter().enumerate() {
        let param = |field: &str| format!("messages[{at}]{field}");
        let message = message.as_object().ok_or_else(|| invalid(&param(""), "not an object"))?;
        match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer" | "user" | "assistant" | "tool" | "function") => {}
            _ => return Err(invalid(&param(".role"), "an unknown role")),
        }
        match message.get("content") {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(Value::Array(parts)) => {
                for (part_at, part) in parts.iter().enumerate() {
                    if part.get("type").and_then(Value::as_str).is_none() {
                        let field = format!(".content[{part_at}].type");
                        return Err(invalid(&param(&field), "a part without a type"));
                    }
                }
            }
            Some(_) => return Err(invalid(&param(".content"), "neither a text nor parts")),
        }
        match message.get("tool_calls") {
            None | Some(Value::Null | Value::Array(_)) => {}
            Some(_) => return Err(invalid(&param(".tool_calls"), "not an array")),
        }
    }
    Ok(())
}
