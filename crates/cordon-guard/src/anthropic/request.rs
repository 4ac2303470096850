use cordon_core::{
    Refusal, RefusalCode,
    json::{Object, Value},
};
use http::{HeaderMap, HeaderName};

use super::{VERSION, VERSIONS, walk};
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

/// The version of the API that a caller speaks.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");
/// What a caller wants to try out before it is general.
pub(crate) const BETA_HEADER: HeaderName = HeaderName::from_static("anthropic-beta");
/// The member of a request's tree in which that is inspected.
const BETA: &str = "anthropic_beta";
/// The member that says how long an answer may be.
const OUTPUT: &str = "max_tokens";
/// Names of one request.
const MAX_BETAS: usize = 16;

/// Fields that would choose what no caller may choose here, beside those of [`forbidden`](crate::tree::forbidden).
const FORBIDDEN: [(&str, &str); 4] = [
    ("container", "it would choose a container of the account"),
    ("inference_geo", "it would choose where data is processed"),
    ("mcp_servers", "it would choose a host and a credential"),
    ("workspace_id", "it would choose an account"),
];

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A message.
    Message,
    /// How many tokens the request has.
    Count,
}

/// A request for a message, or for the count of its tokens, of the right form and not inspected yet.
#[derive(Clone, Debug)]
pub struct MessagesRequest {
    tree: Object,
    stream: bool,
    version: &'static str,
}

/// A request that was inspected and may go on.
#[derive(Debug)]
pub struct InspectedMessages {
    tree: Object,
    tokens: Tokens,
    stream: bool,
    version: &'static str,
    beta: Option<String>,
}

impl MessagesRequest {
    /// Takes a tree that has the form of a request: `model`, `messages` and, for a message, `max_tokens` as they must be, no
    /// field that would choose a host, a credential or another model. Unknown fields pass; they are inspected with the rest,
    /// and so is what the header `anthropic-beta` asks for.
    ///
    /// # Errors
    /// A refusal that names the field or header.
    pub fn read(tree: Value, headers: &HeaderMap, wanted: Wanted) -> Result<Self, Refusal> {
        let mut tree = named(tree)?;
        for (field, reason) in FORBIDDEN {
            if tree.get(field).is_some_and(|value| !value.is_null()) {
                let private = format!("field {field}: {reason}");
                return Err(Refusal::new(RefusalCode::ForbiddenField, private).param(field));
            }
        }
        let version = version(headers)?;
        if let Some(names) = betas(headers)? {
            tree.insert(BETA, names);
        }
        check_betas(tree.get(BETA))?;
        check_content(tree.get("system"), "system")?;
        check_messages(messages(&tree)?)?;
        check_objects(&tree, "tools")?;
        let stream = switch(&tree, "stream")?;
        let most = count(&tree, OUTPUT)?;
        match wanted {
            Wanted::Message if most.is_none() => return Err(invalid(OUTPUT, "there is no max_tokens")),
            Wanted::Count if stream => return Err(invalid("stream", "a count is not streamed")),
            Wanted::Message | Wanted::Count => {}
        }
        Ok(Self { tree, stream, version })
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

    /// The names of the tools that the caller offers.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        let tools = self.tree.get("tools").and_then(Value::as_array).into_iter().flatten();
        tools.filter_map(|tool| tool.get("name").and_then(Value::as_str))
    }

    /// Whether it offers tools, named or not.
    pub fn offers_tools(&self) -> bool {
        self.tree.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
    }

    /// What the caller says of the person behind it: `metadata.user_id`. To be kept only as a keyed pseudonym.
    pub fn subject(&self) -> Option<&str> {
        let subject = self.tree.get("metadata")?.get("user_id")?.as_str()?;
        Some(subject).filter(|subject| !subject.is_empty())
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
    ) -> Result<InspectedMessages, Refusal> {
        let tokens = inspected::<Self>(&mut self.tree, inspection, verdict)?;
        if let Some(planted) = inspection.planted() {
            planted.in_messages(&mut self.tree);
        }
        authority::strip(&mut self.tree, &["system", "messages", "tools"]);
        let beta = self.tree.remove(BETA).map(|names| {
            let names = names.as_array().unwrap_or_default().iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(",")
        });
        Ok(InspectedMessages { tree: self.tree, tokens, stream: self.stream, version: self.version, beta })
    }
}

impl Walked for MessagesRequest {
    const IS_TALK: bool = true;

    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
        walk::request(walker, tree);
    }
}

impl InspectedMessages {
    /// The body for an upstream that calls the model `upstream_model`, written from the tree that was inspected.
    pub fn body(&mut self, upstream_model: &str) -> Vec<u8> {
        self.tree.insert("model", upstream_model);
        written(&mut self.tree)
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.tree)
    }

    /// The tree that was inspected.
    pub(crate) const fn tree(&self) -> &Object {
        &self.tree
    }

    /// The version of the API that is asked in.
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// What the header `anthropic-beta` is to ask for.
    pub fn beta(&self) -> Option<&str> {
        self.beta.as_deref()
    }

    /// Whether the answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// The tokens that stand for values, to be restored in the answer.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

fn shape(tree: &Object) -> Shape {
    let length = |key| tree.get(key).and_then(Value::as_array).map_or(0, |items| items.len() as u64);
    let output = tree.get(OUTPUT).and_then(Value::as_u64);
    Shape {
        messages: length("messages"),
        tools: length("tools"),
        // A count has no answer that could be long.
        output_field: output.map(|_| OUTPUT),
        output,
        ..Shape::of(tree)
    }
}

/// The version that a request names, of those that are known.
fn version(headers: &HeaderMap) -> Result<&'static str, Refusal> {
    let mut named = headers.get_all(VERSION_HEADER).iter();
    let Some(first) = named.next() else { return Ok(VERSION) };
    let known = VERSIONS.into_iter().find(|known| first == known);
    known
        .filter(|_| named.next().is_none())
        .ok_or_else(|| invalid("anthropic-version", "another version of the API"))
}

/// The names that the header asks for, if there is one.
fn betas(headers: &HeaderMap) -> Result<Option<Vec<Value>>, Refusal> {
    let mut names = Vec::new();
    for line in headers.get_all(BETA_HEADER) {
        let line = line.to_str().map_err(|_| invalid("anthropic-beta", "not ASCII"))?;
        let all = line.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.extend(all.take(MAX_BETAS + 1).map(Value::from));
    }
    Ok(Some(names).filter(|names| !names.is_empty()))
}

/// Names as the API has them, such as `files-api-2025-04-14`: nothing else gets into a header.
fn check_betas(names: Option<&Value>) -> Result<(), Refusal> {
    let wrong = |why| Err(invalid("anthropic-beta", why));
    let names = match names {
        None => return Ok(()),
        Some(Value::Array(names)) if names.len() <= MAX_BETAS => names,
        Some(_) => return wrong("not a list of at most 16 names"),
    };
    let plain = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if names.iter().all(|name| name.as_str().is_some_and(plain)) {
        return Ok(());
    }
    wrong("not a name of a beta")
}

fn check_messages(messages: &[Value]) -> Result<(), Refusal> {
    for (at, message) in messages.iter().enumerate() {
        let param = |field: &str| format!("messages.{at}{field}");
        let message = message.as_object().ok_or_else(|| invalid(&param(""), "not an object"))?;
        match message.get("role").and_then(Value::as_str) {
            Some("user" | "assistant" | "system") => {}
            _ => return Err(invalid(&param(".role"), "an unknown role")),
        }
        if message.get("content").is_none_or(Value::is_null) {
            return Err(invalid(&param(".content"), "there is no content"));
        }
        check_content(message.get("content"), &param(".content"))?;
    }
    Ok(())
}

/// A text or blocks.
fn check_content(content: Option<&Value>, param: &str) -> Result<(), Refusal> {
    match content {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => {
            let untyped = |block: &Value| block.get("type").and_then(Value::as_str).is_none();
            match blocks.iter().position(untyped) {
                Some(at) => Err(invalid(&format!("{param}.{at}.type"), "a block without a type")),
                None => Ok(()),
            }
        }
        Some(_) => Err(invalid(param, "neither a text nor blocks")),
    }
}
