//! Between OpenAI's chat completions and Anthropic's messages, both ways.
//!
//! A request is translated after the input gate, from the tree that was inspected: nothing is in it but what that tree holds and
//! words of the protocol, and texts are never put together. An answer is translated *before* the output gate, which reads it
//! in the caller's format: what leaves is what that gate has seen, whatever the translation made of it.
//!
//! What a request says and the other protocol cannot say is refused, and the field is named. Hints that change nothing of what
//! an answer means (a seed, marks for a cache) are left out; which ones, the header [`UNTRANSLATED`] of the answer says.

mod chat;
mod completion;
mod gate;
mod message;
mod messages;

use cordon_core::{
    Refusal, RefusalCode,
    json::{Limits, Object, Value},
    record,
    resource::OutputField,
};
use http::HeaderName;

use crate::tree::gate::ResponseError;

pub(crate) use gate::TranslatedGate;

/// The hints of a request that were left out in translation, on its answer.
pub(crate) const UNTRANSLATED: HeaderName = HeaderName::from_static("cordon-untranslated");

/// From what the caller speaks to what the service speaks, and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Translation {
    /// The caller asks for a chat completion, the service answers with a message.
    ChatToMessages,
    /// The caller asks for a message, the service answers with a chat completion.
    MessagesToChat {
        /// The field that bounds an answer for the service.
        output: OutputField,
    },
}

/// Names of hints that were left out.
#[derive(Debug, Default)]
pub(crate) struct Dropped(Vec<&'static str>);

impl Translation {
    /// The request in the service's protocol, without a model.
    ///
    /// # Errors
    /// When the service's protocol cannot say it; the refusal names the field.
    pub(crate) fn request(self, tree: &Object, dropped: &mut Dropped) -> Result<Object, Refusal> {
        match self {
            Self::ChatToMessages => chat::request(tree, dropped),
            Self::MessagesToChat { output } => messages::request(tree, output, dropped),
        }
    }

    /// The answer in the caller's protocol, and the tokens used, as the service counted them. `created` is in seconds.
    ///
    /// # Errors
    /// When it is no answer of the service's protocol, or one that cannot be said in the caller's.
    pub(crate) fn answer(
        self,
        tree: &Value,
        created: u64,
    ) -> Result<(Value, Option<record::Tokens>), ResponseError> {
        match self {
            Self::ChatToMessages => message::completion(tree, created),
            Self::MessagesToChat { .. } => completion::message(tree),
        }
    }
}

impl Dropped {
    /// Notes that a hint is left out.
    pub(crate) fn note(&mut self, field: &'static str) {
        if !self.0.contains(&field) {
            self.0.push(field);
        }
    }

    /// The value of the header, when there is something to say.
    pub(crate) fn header(&self) -> Option<String> {
        Some(self.0.join(", ")).filter(|names| !names.is_empty())
    }
}

/// The other protocol has no equal for this field.
fn untranslatable(param: impl Into<String>) -> Refusal {
    let param = param.into();
    Refusal::new(RefusalCode::NotTranslatable, "the service's protocol has no equal for a field").param(param)
}

/// The same for a member whose name the caller chose: it was inspected, and is named where it is a plain word.
fn unknown(path: &str, key: &str) -> Refusal {
    let plain =
        key.len() <= 64 && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let key = if plain { key } else { "?" };
    untranslatable(if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") })
}

/// The members of an object that say something.
fn members(object: &Object) -> impl Iterator<Item = (&str, &Value)> {
    object.iter().filter(|(_, value)| !value.is_null())
}

/// An object with these members.
fn object<const N: usize>(members: [(&'static str, Value); N]) -> Object {
    members.into_iter().collect()
}

/// The object that a text is as JSON; an empty text is an empty one.
fn parsed(text: &str) -> Option<Value> {
    if text.trim().is_empty() {
        return Some(Object::new().into());
    }
    let limits = Limits { bytes: text.len(), ..Limits::default() };
    Value::parse(text.as_bytes(), limits).ok().filter(|value| value.as_object().is_some())
}

/// A number as it is compared, never as it is sent.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// Whether a value is this text.
fn is(value: &Value, text: &str) -> bool {
    value.as_str() == Some(text)
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod stream_tests;
