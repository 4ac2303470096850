use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    record,
};

use super::walk;
use crate::{
    answer, authority,
    inspection::{Inspection, Verdict},
    redact::Tokens,
    tree::{
        gate::ResponseError,
        logprobs,
        rewrite::{Rewrite, inspected},
        said::Said,
        walk::{Path, Walker},
    },
};

/// The most items that an answer may have, and the most parts of an item.
pub(super) const MAX_ITEMS: usize = 1024;

/// A whole response of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct Response {
    tree: Object,
}

impl Response {
    /// Takes a tree that has the form of an answer. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// When it is no response, or says that the service itself failed.
    pub fn read(tree: Value) -> Result<Self, ResponseError> {
        let Value::Object(tree) = tree else { return Err(ResponseError::NotAResponse) };
        let output = tree.get("output").and_then(Value::as_array).ok_or(ResponseError::NotAResponse)?;
        if output.iter().any(|item| item.get("type").and_then(Value::as_str).is_none()) {
            return Err(ResponseError::NotAResponse);
        }
        if output.len() > MAX_ITEMS {
            return Err(ResponseError::TooMany);
        }
        if has_failed(&tree) {
            return Err(ResponseError::Failed);
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
        note(&mut said, &self.tree);
        note_output(&mut said, self.tree.get("output").and_then(Value::as_array).unwrap_or_default());
        said
    }

    /// Inspects every text and answers with the bytes that may go to the caller: `model` is the route's name, values
    /// of the request stand where their tokens were.
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
        inspection.calls(|| authority::of_response(&self.tree), verdict);
        answer::repair(&mut self.tree, authority::Protocol::Responses, inspection, verdict);
        inspection.texts(|| answer::of_response(&self.tree), verdict);
        inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            walk::envelope(&mut Walker::new(rewrite), tree, |_| false);
            if let Some(Value::Array(items)) = tree.get_mut("output") {
                for (index, item) in items.iter_mut().enumerate() {
                    whole(item, &mut path_of(index), rewrite);
                }
            }
            tree.insert("model", route);
        })
    }
}

/// Inspects an item of output, in place.
pub(super) fn whole(item: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    let spelt: Vec<Option<Value>> = parts(item).iter_mut().map(take_spelt).collect();
    walk::item(&mut Walker::at(rewrite, path.clone()), item, Channel::Model);
    path.word("content");
    for (at, (part, spelt)) in parts(item).iter_mut().zip(spelt).enumerate() {
        path.item(at);
        put_spelt(part, spelt, path, rewrite);
        path.pop();
    }
    path.pop();
}

/// Inspects a part of an item, in place.
pub(super) fn whole_part(
    part: &mut Value,
    list: &'static str,
    at: usize,
    path: &mut Path,
    rewrite: &mut Rewrite<'_>,
) {
    let spelt = take_spelt(part);
    path.word(list).item(at);
    walk::item(&mut Walker::at(rewrite, path.clone()), part, Channel::Model);
    put_spelt(part, spelt, path, rewrite);
    path.pop();
    path.pop();
}

/// Takes the log probabilities out of a part: they spell its text again, and are read as a text of their own.
fn take_spelt(part: &mut Value) -> Option<Value> {
    let value = part.as_object_mut()?.get_mut("logprobs")?;
    Some(std::mem::replace(value, Value::Null)).filter(|value| !value.is_null())
}

/// Inspects the log probabilities of a part and puts them back.
fn put_spelt(part: &mut Value, spelt: Option<Value>, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    if let (Some(part), Some(mut value)) = (part.as_object_mut(), spelt) {
        path.word("logprobs");
        logprobs::list(&mut value, path, rewrite);
        path.pop();
        part.insert("logprobs", value);
    }
}

fn parts(item: &mut Value) -> &mut [Value] {
    match item.as_object_mut().and_then(|item| item.get_mut("content")) {
        Some(Value::Array(parts)) => parts,
        _ => &mut [],
    }
}

/// Where an item of output stands.
pub(super) fn path_of(index: usize) -> Path {
    let mut path = Path::default();
    path.word("output").item(index);
    path
}

/// Whether a response says that its service failed, by its own fault. Other failures are the request's, and the caller is told.
pub(super) fn has_failed(response: &Object) -> bool {
    response.get("status").and_then(Value::as_str) == Some("failed")
        && match response.get("error").and_then(|error| error.get("code")).and_then(Value::as_str) {
            None | Some("rate_limit_exceeded" | "server_error") => true,
            Some(_) => false,
        }
}

/// Notes what a response says of itself.
pub(super) fn note(said: &mut Said, response: &Object) {
    said.note_model(response.get("model"));
    let reason = response.get("incomplete_details").and_then(|details| details.get("reason"));
    match response.get("status") {
        Some(Value::String(status)) if matches!(status.as_str(), "queued" | "in_progress") => {}
        status => said.note_finish(reason.or(status)),
    }
}

/// Notes whether the model declines in a part of these items.
pub(super) fn note_output(said: &mut Said, items: &[Value]) {
    let parts = items.iter().filter_map(|item| item.get("content")?.as_array()).flatten();
    for part in parts.filter(|part| part.get("type").and_then(Value::as_str) == Some("refusal")) {
        said.note_refusal(part.get("refusal"));
    }
}

/// The counts of a `usage` object.
pub(super) fn usage(value: &Value) -> Option<record::Tokens> {
    let count = |of: &Value, key| of.get(key).and_then(Value::as_u64);
    let detail = |key| value.get("input_tokens_details").and_then(|details| count(details, key)).unwrap_or(0);
    Some(record::Tokens {
        input: count(value, "input_tokens")?,
        output: count(value, "output_tokens").unwrap_or(0),
        cached: detail("cached_tokens"),
        cache_written: detail("cache_write_tokens"),
    })
}
