//! Errors in the form that clients of both protocols read: a text at `error`, or `error_code` and `message`.

use cordon_core::{
    CallId, Channel, Refusal,
    json::{Object, Value},
};

use super::Format;
use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    redact::Tokens,
    tree::{
        rewrite::Rewrite,
        walk::{Kind, Walker},
    },
};

/// A refusal, with the call's id and the places of the rows that are meant. It says nothing of values.
pub(crate) fn error_object(format: Format, refusal: &Refusal, call: &CallId) -> Value {
    let message = format!("{} (call {call})", refusal.sentence());
    let mut body = said(format, refusal.code.status(), message.into());
    body.insert("code", refusal.code.as_str());
    body.insert("call_id", call.to_string());
    if let Some(param) = &refusal.param {
        body.insert("param", param.as_str());
    }
    if let Some(limit) = &refusal.limit {
        body.insert("limit", limit.as_str());
    }
    if !refusal.places.is_empty() {
        body.insert("places", refusal.places.iter().map(|place| Value::from(&**place)).collect::<Vec<_>>());
    }
    body.into()
}

/// The error for the caller of an error that a service answered with: its words, inspected and rewritten; a sentence of ours where
/// there are none.
///
/// # Errors
/// When what the service says may not go on.
pub(crate) fn upstream_error(
    format: Format,
    answer: Option<&Value>,
    status: u16,
    call: &CallId,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<Value, Refusal> {
    let words = answer.and_then(|answer| answer.get("error").or_else(|| answer.get("message")));
    let message = match words {
        Some(text @ Value::String(_)) => text.clone(),
        _ => format!("the model's service answered {status}").into(),
    };
    let mut body: Object = [("message", message)].into_iter().collect();
    let tokens = Tokens::default();
    let mut rewrite = Rewrite { shared: Shared { inspection, tokens: &tokens, verdict }, changed: false };
    Walker::new(&mut rewrite).but_for(&mut body, &[], Channel::Model, Kind::Text);
    if let Some(refusal) = verdict.refusal() {
        return Err(refusal);
    }
    let mut body = said(format, status, body.remove("message").unwrap_or(Value::Null));
    body.insert("call_id", call.to_string());
    Ok(body.into())
}

fn said(format: Format, status: u16, message: Value) -> Object {
    match format {
        Format::OpenInference => [("error", message)].into_iter().collect(),
        Format::Mlflow => {
            [("error_code", error_code(status).into()), ("message", message)].into_iter().collect()
        }
    }
}

/// MLflow's name for a status.
const fn error_code(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "RESOURCE_DOES_NOT_EXIST",
        422 => "INVALID_PARAMETER_VALUE",
        429 => "REQUEST_LIMIT_EXCEEDED",
        400..=499 => "BAD_REQUEST",
        503 | 504 => "TEMPORARILY_UNAVAILABLE",
        _ => "INTERNAL_ERROR",
    }
}
