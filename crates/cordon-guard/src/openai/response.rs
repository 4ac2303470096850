use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
    record,
};

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

/// The most choices, and the most tool calls in a choice, that an answer may have.
pub(super) const MAX_INDEX: usize = 128;

/// A whole chat completion of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub struct Response {
    tree: Object,
}

impl Response {
    /// Takes a tree that has the form of an answer. Unknown fields pass; they are inspected with the rest.
    ///
    /// # Errors
    /// When it is not a chat completion.
    pub fn read(tree: Value) -> Result<Self, ResponseError> {
        let Value::Object(tree) = tree else { return Err(ResponseError::NotACompletion) };
        let choices = tree.get("choices").and_then(Value::as_array).ok_or(ResponseError::NotACompletion)?;
        for choice in choices {
            let message =
                choice.get("message").and_then(Value::as_object).ok_or(ResponseError::NotACompletion)?;
            let calls = message.get("tool_calls").and_then(Value::as_array).unwrap_or_default();
            if calls.len() > MAX_INDEX {
                return Err(ResponseError::TooMany);
            }
        }
        if choices.len() > MAX_INDEX {
            return Err(ResponseError::TooMany);
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
        for choice in self.tree.get("choices").and_then(Value::as_array).unwrap_or_default() {
            said.note_finish(choice.get("finish_reason"));
            said.note_refusal(choice.get("message").and_then(|message| message.get("refusal")));
        }
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
        inspection.calls(|| authority::of_chat(&self.tree), verdict);
        answer::repair(&mut self.tree, authority::Protocol::Chat, inspection, verdict);
        inspection.texts(|| answer::of_chat(&self.tree), verdict);
        inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            Walker::new(rewrite).envelope(tree, |_, _| false);
            if let Some(Value::Array(choices)) = tree.get_mut("choices") {
                for (at, choice) in choices.iter_mut().enumerate() {
                    let Value::Object(choice) = choice else { continue };
                    rewrite.choice(at, choice);
                }
            }
            tree.insert("model", route);
        })
    }
}

/// The counts of a `usage` object.
pub(crate) fn usage(value: &Value) -> Option<record::Tokens> {
    let count = |key| value.get(key).and_then(Value::as_u64);
    let cached = value.get("prompt_tokens_details").and_then(|details| details.get("cached_tokens"));
    Some(record::Tokens {
        input: count("prompt_tokens")?,
        output: count("completion_tokens").unwrap_or(0),
        cached: cached.and_then(Value::as_u64).unwrap_or(0),
        cache_written: 0,
    })
}

impl Rewrite<'_> {
    fn choice(&mut self, at: usize, choice: &mut Object) {
        let mut path = Path::default();
        path.word("choices").item(at);
        Walker::at(self, path.clone()).choice(choice, "message");
        self.changed = false;
        if let Some(message) = choice.get_mut("message") {
            path.word("message");
            Walker::at(self, path.clone()).message(message, Channel::Model);
            path.pop();
            // What was spoken cannot be cut: with a changed text, the sound goes.
            let audio = message.as_object_mut().and_then(|message| message.get_mut("audio"));
            if let Some(audio) = audio.and_then(Value::as_object_mut).filter(|_| self.changed)
                && audio.get("data").is_some()
            {
                audio.insert("data", "");
            }
        }
        if let Some(value) = choice.get_mut("logprobs") {
            path.word("logprobs");
            logprobs::whole(value, &mut path, self);
        }
    }
}
