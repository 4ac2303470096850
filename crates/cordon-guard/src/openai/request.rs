use cordon_core::{
    Category, Refusal, RefusalCode,
    json::{Object, Value},
    resource::OutputField,
};

use super::{
    forbidden,
    walk::{Kind, Spot, Visit, Walker},
};
use crate::{
    inspection::{Inspection, Place, Seat, Verdict},
    lane::JsonText,
    limits::Shape,
    redact::{self, Cut, Placeholders, Taken, Tokens, fingerprint},
};

/// The most choices that a request may ask for: each is a text of its own to be inspected.
const MAX_CHOICES: u64 = 128;

/// The fields that say how long an answer may be.
const OUTPUT_FIELDS: [OutputField; 2] = [OutputField::MaxCompletionTokens, OutputField::MaxTokens];

/// A chat completion request of the right form, not inspected yet.
#[derive(Debug)]
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

/// A request whose tree can be walked: always in the same order, so that each round meets the same places.
pub(super) trait Walked {
    /// Shows every text, number and key to the visitor.
    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object);
}

impl Request {
    /// Takes a tree that has the form of a request: `model` and `messages` as they must be, no field that would choose
    /// a host, a credential or another model. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn read(tree: Value) -> Result<Self, Refusal> {
        let tree = named(tree)?;
        check_messages(tree.get("messages"))?;
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
            let items = match tree.get(field) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(items)) => items,
                Some(_) => return Err(invalid(field, "not an array")),
            };
            if let Some(at) = items.iter().position(|item| item.as_object().is_none()) {
                return Err(invalid(&format!("{field}[{at}]"), "not an object"));
            }
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

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// The names of the tools that the caller offers, in `tools` and in `functions` as older clients do.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        let list = |key| self.tree.get(key).and_then(Value::as_array).into_iter().flatten();
        fn named(tool: &Value) -> Option<&str> {
            tool.get("function").unwrap_or(tool).get("name").and_then(Value::as_str)
        }
        list("tools").chain(list("functions")).filter_map(named)
    }

    /// What the caller says of the person behind it: `safety_identifier`, or else `user`. To be kept only as a keyed
    /// pseudonym.
    pub fn subject(&self) -> Option<&str> {
        let field = |key| self.tree.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        field("safety_identifier").or_else(|| field("user"))
    }

    /// What the caller calls the conversation: `metadata.conversation_id`, or else `metadata.session_id`. To be kept
    /// only as a keyed pseudonym.
    pub fn conversation(&self) -> Option<&str> {
        let metadata = self.tree.get("metadata")?;
        let field = |key| metadata.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        field("conversation_id").or_else(|| field("session_id"))
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
        Ok(InspectedRequest {
            tree: self.tree,
            tokens,
            stream: self.stream,
            include_usage: self.include_usage,
        })
    }
}

impl Walked for Request {
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

/// Inspects every text, number and key of a request, and rewrites what is to be redacted. Answers with the tokens that stand
/// for values.
///
/// # Errors
/// When the request may not go on. The verdict says what was found in any case.
pub(super) fn inspected<R: Walked>(
    tree: &mut Object,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<Tokens, Refusal> {
    let mut look = Look { inspection, verdict, place: 0, edits: Vec::new(), fault: None };
    R::walk(&mut Walker::new(&mut look), tree);
    let Look { edits, fault, .. } = look;
    if let Some(refusal) = fault {
        return Err(refusal);
    }
    if let Some(refusal) = verdict.refusal() {
        return Err(refusal);
    }
    let mut tokens = Tokens::default();
    if !edits.is_empty() {
        if edits.iter().any(|(_, cuts)| cuts.iter().any(|cut| cut.form == cordon_core::Form::Token)) {
            let mut note = Note(Taken::default());
            R::walk(&mut Walker::new(&mut note), tree);
            tokens.avoid(note.0);
        }
        let mut apply =
            Apply { inspection, tokens: &mut tokens, place: 0, edits: edits.into_iter().peekable() };
        R::walk(&mut Walker::new(&mut apply), tree);
    }
    Ok(tokens)
}

/// The bytes of an object. It is written through a value; taking it out and putting it back copies nothing.
pub(super) fn written(object: &mut Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let tree = Value::Object(std::mem::take(object));
    tree.write(&mut out);
    if let Value::Object(tree) = tree {
        *object = tree;
    }
    out
}

/// The members of a request that names a route, and has no field that would choose a host, a credential or another model.
pub(super) fn named(tree: Value) -> Result<Object, Refusal> {
    let Value::Object(tree) = tree else { return Err(invalid("", "the body is not an object")) };
    forbidden::check(&tree)?;
    match tree.get("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(tree),
        _ => Err(invalid("model", "model is not a name")),
    }
}

pub(super) fn invalid(param: &str, private: &str) -> Refusal {
    let refusal = Refusal::new(RefusalCode::InvalidRequest, private);
    if param.is_empty() { refusal } else { refusal.param(param) }
}

fn switch(object: &Object, key: &str) -> Result<bool, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(invalid(key, "not true or false")),
    }
}

pub(super) fn count(object: &Object, key: &str) -> Result<Option<u64>, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| invalid(key, "not a count")),
    }
}

fn check_messages(messages: Option<&Value>) -> Result<(), Refusal> {
    let messages = match messages {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(Value::Array(_)) => return Err(invalid("messages", "there is no message")),
        _ => return Err(invalid("messages", "not an array")),
    };
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

/// First round: inspects, and remembers what is to be cut where. Nothing is changed.
struct Look<'a> {
    inspection: &'a Inspection,
    verdict: &'a mut Verdict,
    /// Places are counted in the order of the walk, which is the same in each round.
    place: usize,
    edits: Vec<(usize, Vec<Cut>)>,
    fault: Option<Refusal>,
}

impl Look<'_> {
    fn see(&mut self, spot: &Spot<'_>, text: &str) {
        self.place += 1;
        let mut cuts = Vec::new();
        let (findings, json) = if spot.kind == Kind::Json && text.contains('\\') {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            (self.inspection.inspect(spot.channel, json.view()), Some(json))
        } else {
            // Without an escape, the text that JSON means is the text that it is.
            (self.inspection.inspect(spot.channel, text), None)
        };
        let place = if spot.kind == Kind::Fixed { Place::Fixed } else { Place::Open };
        let locate = |span| json.as_ref().map_or(span, |json| json.raw_span(span));
        // What stops the content is in the verdict, and the walk goes on: the record names all that was found.
        let seat = Seat { channel: spot.channel, place, part: spot.path };
        let _ = self.inspection.signed(&seat, text, self.verdict);
        if findings.is_empty() {
            return;
        }
        let _ = self.inspection.rule(&seat, &findings, locate, self.verdict, &mut cuts);
        if !cuts.is_empty() {
            redact::unite(&mut cuts);
            self.edits.push((self.place, cuts));
        }
    }
}

impl Visit for Look<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        self.see(spot, text);
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        if let Value::Number(number) = value {
            self.see(spot, number.as_str());
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.see(spot, key);
        None
    }

    fn unseen(&mut self, spot: &Spot<'_>, category: Category, length: usize) {
        let _ = self.inspection.unseen(spot.channel, spot.path, category, length, self.verdict);
    }

    fn fault(&mut self, refusal: Refusal) {
        self.fault.get_or_insert(refusal);
    }
}

/// Before tokens are issued: notes everything that looks like one.
struct Note(Taken);

impl Visit for Note {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        self.0.note(text);
        if spot.kind == Kind::Json && text.contains('\\') {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            self.0.note(json.view());
        }
    }

    fn number(&mut self, _: &Spot<'_>, _: &mut Value) {}

    fn key(&mut self, _: &Spot<'_>, key: &str) -> Option<String> {
        self.0.note(key);
        None
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}

/// Last round: cuts.
struct Apply<'a> {
    inspection: &'a Inspection,
    tokens: &'a mut Tokens,
    place: usize,
    edits: std::iter::Peekable<std::vec::IntoIter<(usize, Vec<Cut>)>>,
}

impl Apply<'_> {
    fn rewritten(&mut self, kind: Kind, text: &str) -> Option<String> {
        self.place += 1;
        let (_, cuts) = self.edits.next_if(|(place, _)| *place == self.place)?;
        let mut placeholders = Placeholders::of_request(self.inspection.key(), self.tokens);
        Some(rewritten(kind, text, &cuts, &mut placeholders, self.inspection))
    }
}

impl Visit for Apply<'_> {
    fn text(&mut self, spot: &Spot<'_>, text: &mut String) {
        if let Some(new) = self.rewritten(spot.kind, text) {
            *text = new;
        }
    }

    fn number(&mut self, spot: &Spot<'_>, value: &mut Value) {
        let Value::Number(number) = &*value else { return };
        if let Some(new) = self.rewritten(spot.kind, number.as_str()) {
            *value = if new.is_empty() { Value::Null } else { Value::String(new) };
        }
    }

    fn key(&mut self, spot: &Spot<'_>, key: &str) -> Option<String> {
        self.rewritten(spot.kind, key)
    }

    fn unseen(&mut self, _: &Spot<'_>, _: Category, _: usize) {}

    fn fault(&mut self, _: Refusal) {}
}

/// A text with its cuts, which must be united and not be empty, in the way of its kind.
pub(super) fn rewritten(
    kind: Kind,
    text: &str,
    cuts: &[Cut],
    placeholders: &mut Placeholders<'_>,
    inspection: &Inspection,
) -> String {
    match kind {
        Kind::Json => {
            let mut json = JsonText::default();
            json.push(text);
            json.finish();
            let mut out = String::with_capacity(text.len());
            json.write(usize::MAX, cuts, placeholders, &mut out);
            out
        }
        Kind::Id => format!("id_{}", fingerprint(inspection.key(), "id", text)),
        Kind::Name => {
            let mut name = redact::rewrite(text, cuts, placeholders);
            name.retain(|c| !matches!(c, '[' | ']' | ':'));
            if name.is_empty() { "redacted".to_owned() } else { name }
        }
        Kind::Said | Kind::Text | Kind::Fixed => redact::rewrite(text, cuts, placeholders),
    }
}
