//! OpenAI's embeddings: texts in, vectors out.
//!
//! Tokens of a request mean something only to the one model that they were made for: nobody looks into them here, so they are
//! unseen content of the user's. A vector is numbers: its form is checked, and there is no text in it to be inspected.

use cordon_core::{
    Category, Channel, Refusal,
    json::{Object, Value},
    record,
    taint::Taint,
};

use super::response::usage;
use crate::{
    authority::{self, Origins},
    inspection::{Inspection, Verdict},
    limits::Shape,
    redact::Tokens,
    tree::{
        gate::ResponseError,
        request::{Walked, count, inspected, invalid, named, written},
        rewrite,
        said::Said,
        walk::{Kind, Visit, Walker},
    },
};

/// The most inputs of one request (OpenAI's own bound).
const MAX_INPUTS: usize = 2048;
/// The most numbers of one vector.
const MAX_DIMENSIONS: usize = 65_536;
/// The category of inputs that are lists of tokens.
const TOKENS: Category = Category::known("uninspected/tokens");

/// A request of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct EmbeddingsRequest {
    tree: Object,
    inputs: usize,
    taint: Taint,
}

/// A request that was inspected and may go on.
#[derive(Debug)]
pub struct InspectedEmbeddings {
    tree: Object,
    tokens: Tokens,
    inputs: usize,
}

/// An answer of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct EmbeddingsResponse {
    tree: Object,
}

impl EmbeddingsRequest {
    /// Takes a tree that has the form of a request: `model` and `input` as they must be, no field that would choose a host, a
    /// credential or another model; marks of where the inputs come from (`cordon`) that are known here. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn read(tree: Value) -> Result<Self, Refusal> {
        let tree = named(tree)?;
        let inputs = inputs(tree.get("input"))?;
        let dimensions = count(&tree, "dimensions")?;
        if dimensions.is_some_and(|count| count == 0 || count > MAX_DIMENSIONS as u64) {
            return Err(invalid("dimensions", "dimensions is not within 1 and 65,536"));
        }
        match tree.get("encoding_format") {
            None | Some(Value::Null) => {}
            Some(Value::String(format)) if matches!(format.as_str(), "float" | "base64") => {}
            Some(_) => return Err(invalid("encoding_format", "neither float nor base64")),
        }
        match tree.get("user") {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(_) => return Err(invalid("user", "not a text")),
        }
        let taint = authority::entered_inputs(&tree, inputs)?;
        Ok(Self { tree, inputs, taint })
    }

    /// The name of the route.
    pub fn route(&self) -> &str {
        self.tree.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the caller says of the person behind it. To be kept only as a keyed pseudonym.
    pub fn subject(&self) -> Option<&str> {
        self.tree.get("user").and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// What the caller says of its inputs: where they come from, and which labels they have.
    pub(crate) const fn entered(&self) -> &Taint {
        &self.taint
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        Shape { messages: self.inputs as u64, ..Shape::of(&self.tree) }
    }

    /// Inspects every text, number and key, and rewrites what is to be redacted. The verdict says what was found in any case.
    ///
    /// # Errors
    /// When the request may not go on.
    pub fn inspect(
        mut self,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<InspectedEmbeddings, Refusal> {
        let tokens = inspected::<Self>(&mut self.tree, inspection, verdict)?;
        authority::strip_beside(&mut self.tree);
        Ok(InspectedEmbeddings { tree: self.tree, tokens, inputs: self.inputs })
    }
}

impl Walked for EmbeddingsRequest {
    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
        let channel = Channel::User;
        let origins = Origins::of(tree);
        walker.members(tree, channel, Kind::Text, |walker, key, value| match key {
            // The name of the route: it is replaced.
            "model" => {}
            "input" => input(walker, value, &origins),
            "dimensions" | "encoding_format" => walker.value(value, channel, Kind::Fixed),
            _ => walker.value(value, channel, Kind::Text),
        });
    }
}

impl InspectedEmbeddings {
    /// The body for an upstream that calls the model `upstream_model`, written from the tree that was inspected.
    pub fn body(&mut self, upstream_model: &str) -> Vec<u8> {
        self.tree.insert("model", upstream_model);
        written(&mut self.tree)
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        Shape { messages: self.inputs as u64, ..Shape::of(&self.tree) }
    }

    /// How many vectors are asked for.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// The tokens that stand for values. No text comes back in which they could be restored.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl EmbeddingsResponse {
    /// Takes a tree that has the form of an answer to a request of so many inputs: one vector for each, all of one length,
    /// in numbers or in base64. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// When it is not that.
    pub fn read(tree: Value, inputs: usize) -> Result<Self, ResponseError> {
        let Value::Object(tree) = tree else { return Err(ResponseError::NotEmbeddings) };
        let data = tree.get("data").and_then(Value::as_array).ok_or(ResponseError::NotEmbeddings)?;
        if data.len() != inputs {
            return Err(ResponseError::NotEmbeddings);
        }
        let mut places = vec![false; inputs];
        let mut length = None;
        for entry in data {
            let here = entry.get("embedding").and_then(dimensions).ok_or(ResponseError::NotEmbeddings)?;
            let place = entry.get("index").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
            let place = place.and_then(|at| places.get_mut(at)).ok_or(ResponseError::NotEmbeddings)?;
            if std::mem::replace(place, true) || *length.get_or_insert(here) != here {
                return Err(ResponseError::NotEmbeddings);
            }
        }
        Ok(Self { tree })
    }

    /// The tokens used, where the upstream says so.
    pub fn usage(&self) -> Option<record::Tokens> {
        usage(self.tree.get("usage")?)
    }

    /// What it says of itself.
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        said.note_model(self.tree.get("model"));
        said
    }

    /// Inspects every text beside the vectors and answers with the bytes that may go to the caller: `model` is the route's
    /// name.
    ///
    /// # Errors
    /// When the answer may not go on.
    pub fn inspect(
        mut self,
        inspection: &Inspection,
        tokens: &Tokens,
        route: &str,
        verdict: &mut Verdict,
    ) -> Result<Vec<u8>, Refusal> {
        let channel = Channel::Model;
        rewrite::inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            Walker::new(rewrite).members(tree, channel, Kind::Text, |walker, key, value| match key {
                "model" => {}
                "data" => walker.items(value, channel, vector),
                "id" => walker.value(value, channel, Kind::Id),
                "created" | "object" | "usage" => walker.value(value, channel, Kind::Fixed),
                _ => walker.value(value, channel, Kind::Text),
            });
            tree.insert("model", route);
        })
    }
}

/// How many inputs there are.
fn inputs(input: Option<&Value>) -> Result<usize, Refusal> {
    let items = match input {
        Some(Value::String(_)) => return Ok(1),
        Some(Value::Array(items)) => items,
        _ => return Err(invalid("input", "neither a text nor a list")),
    };
    let wrong = |at: usize| invalid(&format!("input[{at}]"), "not of the kind of the first input");
    let each = |is: fn(&Value) -> bool| match items.iter().position(|item| !is(item)) {
        Some(at) => Err(wrong(at)),
        None if items.len() > MAX_INPUTS => Err(invalid("input", "more than 2,048 inputs")),
        None => Ok(items.len()),
    };
    match items.first() {
        None => Err(invalid("input", "there is no input")),
        Some(Value::String(_)) => each(|item| matches!(item, Value::String(_))),
        Some(Value::Array(_)) => {
            each(|item| item.as_array().is_some_and(|tokens| !tokens.is_empty() && tokens.iter().all(token)))
        }
        // Of one list of tokens, each is not an input of its own.
        Some(_) => items.iter().position(|item| !token(item)).map_or(Ok(1), |at| Err(wrong(at))),
    }
}

/// Whether a value is a token: its number in a vocabulary.
fn token(value: &Value) -> bool {
    value.as_u64().is_some_and(|number| u32::try_from(number).is_ok())
}

fn input<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, origins: &Origins) {
    match value {
        Value::Array(items) if matches!(items.first(), Some(Value::Number(_))) => {
            walker.unseen(origins.at(0), TOKENS, items.len());
        }
        Value::Array(_) => {
            let mut at = 0;
            walker.items(value, Channel::User, |walker, item| {
                let channel = origins.at(at);
                at = at.saturating_add(1);
                match item {
                    Value::Array(tokens) => walker.unseen(channel, TOKENS, tokens.len()),
                    _ => walker.value(item, channel, Kind::Text),
                }
            });
        }
        _ => walker.value(value, origins.at(0), Kind::Text),
    }
}

/// A vector and what stands beside it.
fn vector<V: Visit>(walker: &mut Walker<'_, V>, entry: &mut Value) {
    let channel = Channel::Model;
    let Value::Object(entry) = entry else { return walker.value(entry, channel, Kind::Text) };
    walker.members(entry, channel, Kind::Text, |walker, key, value| match key {
        "embedding" => {}
        "index" | "object" => walker.value(value, channel, Kind::Fixed),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// How many numbers a vector has: a list of them, or the base64 (RFC 4648) of 32-bit ones.
fn dimensions(vector: &Value) -> Option<usize> {
    let dimensions = match vector {
        Value::Array(numbers) => {
            numbers.iter().all(|number| matches!(number, Value::Number(_))).then_some(numbers.len())?
        }
        Value::String(text) => {
            let digits = text.trim_end_matches('=');
            let padding = text.len().saturating_sub(digits.len());
            let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
            let bytes = text.len().checked_div(4)?.checked_mul(3)?.checked_sub(padding)?;
            let whole = text.len().is_multiple_of(4) && padding <= 2 && bytes.is_multiple_of(4);
            (whole && digits.bytes().all(is_digit)).then_some(bytes / 4)?
        }
        _ => return None,
    };
    (1..=MAX_DIMENSIONS).contains(&dimensions).then_some(dimensions)
}
