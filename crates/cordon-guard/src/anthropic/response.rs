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
        rewrite::inspected,
        said::Said,
        walk::{Kind, Path, Walker},
    },
};

/// The most blocks that an answer may have.
pub(super) const MAX_BLOCKS: usize = 1024;

/// A whole message of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct Message {
    tree: Object,
}

/// The answer to a request for the count of its tokens.
#[derive(Clone, Debug)]
pub struct TokenCount {
    tree: Object,
}

/// The counts of `usage`, as far as they were said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    cache_written: Option<u64>,
}

impl Message {
    /// Takes a tree that has the form of an answer. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// When it is no message.
    pub fn read(tree: Value) -> Result<Self, ResponseError> {
        let Value::Object(tree) = tree else { return Err(ResponseError::NotAMessage) };
        let content = tree.get("content").and_then(Value::as_array).ok_or(ResponseError::NotAMessage)?;
        if content.iter().any(|block| block.get("type").and_then(Value::as_str).is_none()) {
            return Err(ResponseError::NotAMessage);
        }
        if content.len() > MAX_BLOCKS {
            return Err(ResponseError::TooMany);
        }
        Ok(Self { tree })
    }

    /// The tokens used, where the upstream says so.
    pub fn usage(&self) -> Option<record::Tokens> {
        let mut used = Used::default();
        used.note(self.tree.get("usage")?);
        used.tokens()
    }

    /// What it says of itself.
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        said.note_model(self.tree.get("model"));
        said.note_finish(self.tree.get("stop_reason"));
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
        inspection.calls(|| authority::of_message(&self.tree), verdict);
        answer::repair(&mut self.tree, authority::Protocol::Messages, inspection, verdict);
        inspection.texts(|| answer::of_message(&self.tree), verdict);
        inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            walk::envelope(&mut Walker::new(rewrite), tree);
            if let Some(content) = tree.get_mut("content") {
                let mut path = Path::default();
                path.word("content");
                walk::content(&mut Walker::at(rewrite, path), content, walk::Origin::Answer);
            }
            tree.insert("model", route);
        })
    }
}

impl TokenCount {
    /// Takes a tree that has the form of a count.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(tree: Value) -> Result<Self, ResponseError> {
        match tree {
            Value::Object(tree) if tree.get("input_tokens").and_then(Value::as_u64).is_some() => {
                Ok(Self { tree })
            }
            _ => Err(ResponseError::NotAMessage),
        }
    }

    /// Inspects all of it and answers with the bytes that may go to the caller.
    ///
    /// # Errors
    /// When the answer may not go on.
    pub fn inspect(
        mut self,
        inspection: &Inspection,
        tokens: &Tokens,
        verdict: &mut Verdict,
    ) -> Result<Vec<u8>, Refusal> {
        let channel = Channel::Model;
        inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            Walker::new(rewrite).members(tree, channel, Kind::Text, |walker, key, value| {
                let kind = if key == "input_tokens" { Kind::Fixed } else { Kind::Text };
                walker.value(value, channel, kind);
            });
        })
    }
}

impl Used {
    /// Takes over what a `usage` object says; a stream says it bit by bit, each count being the whole so far.
    pub(crate) fn note(&mut self, usage: &Value) {
        let count = |key, known: Option<u64>| usage.get(key).and_then(Value::as_u64).or(known);
        self.input = count("input_tokens", self.input);
        self.output = count("output_tokens", self.output);
        self.cached = count("cache_read_input_tokens", self.cached);
        self.cache_written = count("cache_creation_input_tokens", self.cache_written);
    }

    /// The tokens, in the record's way of counting: there the input is all of it, with what was read from a cache or
    /// written to one.
    pub(crate) fn tokens(self) -> Option<record::Tokens> {
        let (cached, cache_written) = (self.cached.unwrap_or(0), self.cache_written.unwrap_or(0));
        Some(record::Tokens {
            input: self.input?.saturating_add(cached).saturating_add(cache_written),
            output: self.output.unwrap_or(0),
            cached,
            cache_written,
        })
    }
}
