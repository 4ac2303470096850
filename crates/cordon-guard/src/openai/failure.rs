//! Errors that a service answers with: hostile text like any other.

use cordon_core::{
    Refusal,
    json::{Object, Value},
};

use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
    tree::{rewrite::Rewrite, walk::Walker},
};

/// The error object for the caller of an error that a service answered with: the members that OpenAI's clients read,
/// inspected and rewritten; a sentence of ours where there are none.
///
/// # Errors
/// When what the service says may not go on.
pub fn upstream_error(
    answer: Option<&Value>,
    status: u16,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<Object, Refusal> {
    let (said, message) = failure_words(answer, status);
    let member = |key: &str| match said.and_then(|error| error.get(key)) {
        Some(text @ Value::String(_)) => text.clone(),
        _ => Value::Null,
    };
    let kind = match member("type") {
        Value::Null if status >= 500 => "server_error".into(),
        Value::Null => "invalid_request_error".into(),
        kind => kind,
    };
    let error: Object =
        [("message", message), ("type", kind), ("param", member("param")), ("code", member("code"))]
            .into_iter()
            .collect();
    let mut body: Object = [("error", Value::Object(error))].into_iter().collect();
    let tokens = Tokens::default();
    let mut rewrite = Rewrite { shared: Shared { inspection, tokens: &tokens, verdict }, changed: false };
    Walker::new(&mut rewrite).envelope(&mut body, |_, _| false);
    match verdict.refusal() {
        Some(refusal) => Err(refusal),
        None => Ok(body),
    }
}

/// What an error says, if it says anything, and its message or a sentence of ours.
pub(crate) fn failure_words(answer: Option<&Value>, status: u16) -> (Option<&Value>, Value) {
    let said = answer.and_then(|answer| answer.get("error"));
    let message = match (said.and_then(|error| error.get("message")), said) {
        (Some(message @ Value::String(_)), _) => message.clone(),
        // Some services say `{"error": "…"}`.
        (_, Some(text @ Value::String(_))) => text.clone(),
        _ => format!("the model's service answered {status}").into(),
    };
    (said, message)
}
