//! Errors and refusals in Anthropic's form.

use cordon_core::{
    CallId, Channel, Refusal,
    json::{Object, Value},
};

use crate::{
    inspection::{Inspection, Verdict},
    lane::Shared,
    openai,
    redact::Tokens,
    sse,
    tree::{
        rewrite::Rewrite,
        walk::{Kind, Walker},
    },
};

/// Anthropic's error object, with the call's id. It says nothing of rules or of what was found.
pub(crate) fn error_object(refusal: &Refusal, call: &CallId) -> Value {
    let mut error = object([
        ("type", kind(refusal.code.status()).into()),
        ("message", format!("{} (call {call})", refusal.sentence()).into()),
        ("param", refusal.param.as_deref().map_or(Value::Null, Value::from)),
        ("code", refusal.code.as_str().into()),
    ]);
    if let Some(limit) = &refusal.limit {
        error.insert("limit", limit.as_str());
    }
    enveloped(error, call)
}

/// The same as the event that ends a stream.
pub(crate) fn error_event(refusal: &Refusal, call: &CallId, out: &mut Vec<u8>) {
    sse::write_event(out, "error", &error_object(refusal, call).to_string());
}

/// The error for the caller of an error that a service answered with: its words, inspected and rewritten; a sentence of ours
/// where there are none.
///
/// # Errors
/// When what the service says may not go on.
pub fn upstream_error(
    answer: Option<&Value>,
    status: u16,
    call: &CallId,
    inspection: &Inspection,
    verdict: &mut Verdict,
) -> Result<Value, Refusal> {
    let (said, message) = openai::failure_words(answer, status);
    let kind = match said.and_then(|said| said.get("type")) {
        Some(Value::String(kind)) if is_kind(kind) => kind.as_str().into(),
        _ => kind(status).into(),
    };
    let mut body = object([("error", object([("type", kind), ("message", message)]).into())]);
    let tokens = Tokens::default();
    let mut rewrite = Rewrite { shared: Shared { inspection, tokens: &tokens, verdict }, changed: false };
    Walker::new(&mut rewrite).but_for(&mut body, &[], Channel::Model, Kind::Text);
    match (verdict.refusal(), body.remove("error")) {
        (Some(refusal), _) => Err(refusal),
        (None, Some(Value::Object(error))) => Ok(enveloped(error, call)),
        (None, _) => Ok(enveloped(Object::new(), call)),
    }
}

/// A 200 answer that refuses, for applications that cannot handle errors: the sentence as text, and `stop_reason: refusal`.
pub fn refused_message(refusal: &Refusal, call: &CallId, route: &str) -> Value {
    let mut message = of_our_own(call, route);
    message.insert("content", vec![text(refusal.sentence())]);
    message.insert("stop_reason", "refusal");
    message.into()
}

/// The same as a whole event stream.
pub fn refused_stream(refusal: &Refusal, call: &CallId, route: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let index = || ("index", Value::from(0_u64));
    let delta = object([("type", "text_delta".into()), ("text", refusal.sentence().into())]);
    for (name, members) in [
        ("message_start", object([("message", of_our_own(call, route).into())])),
        ("content_block_start", object([index(), ("content_block", text(""))])),
        ("content_block_delta", object([index(), ("delta", delta.into())])),
        ("content_block_stop", object([index()])),
        ("message_delta", refused(0)),
        ("message_stop", Object::new()),
    ] {
        write(name, members, &mut out);
    }
    out
}

/// The members of the event that says why a message ended: refused, after so many tokens.
pub(super) fn refused(output_tokens: u64) -> Object {
    let delta = object([("stop_reason", "refusal".into()), ("stop_sequence", Value::Null)]);
    object([("delta", delta.into()), ("usage", object([("output_tokens", output_tokens.into())]).into())])
}

/// A message of the gateway's own, empty and without an end.
fn of_our_own(call: &CallId, route: &str) -> Object {
    let usage = object([("input_tokens", 0_u64.into()), ("output_tokens", 0_u64.into())]);
    object([
        ("id", format!("msg_{call}").into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", route.into()),
        ("content", Value::Array(Vec::new())),
        ("stop_reason", Value::Null),
        ("stop_sequence", Value::Null),
        ("usage", usage.into()),
    ])
}

/// Writes an event, whose name is also its `type`.
pub(super) fn write(name: &str, mut members: Object, out: &mut Vec<u8>) {
    let mut data = object([("type", name.into())]);
    for (key, value) in members.iter_mut().filter(|(key, _)| *key != "type") {
        data.insert(key, std::mem::replace(value, Value::Null));
    }
    sse::write_event(out, name, &Value::Object(data).to_string());
}

fn text(text: &str) -> Value {
    object([("type", "text".into()), ("text", text.into())]).into()
}

fn enveloped(error: Object, call: &CallId) -> Value {
    object([("type", "error".into()), ("error", error.into()), ("request_id", call.to_string().into())])
        .into()
}

/// The `type` of an error with this status.
const fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "api_error"
            | "authentication_error"
            | "billing_error"
            | "invalid_request_error"
            | "not_found_error"
            | "overloaded_error"
            | "permission_error"
            | "rate_limit_error"
            | "request_too_large"
            | "timeout_error"
    )
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Object {
    members.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use cordon_core::{RefusalCode, Timestamp};

    use super::*;

    #[test]
    fn a_refusal_tells_the_caller_code_and_call_and_nothing_of_the_reason() {
        let call = CallId::new(Timestamp::from_millis(1), [3; 10]);
        let refusal = Refusal::new(RefusalCode::ContentBlocked, "pii/card at messages/0").param("messages");
        let error = error_object(&refusal, &call).to_string();
        assert!(error.starts_with(r#"{"type":"error","error":{"type":"invalid_request_error""#), "{error}");
        assert!(error.contains(r#""code":"content_blocked""#));
        let answer = refused_message(&refusal, &call, "bot").to_string();
        let stream = String::from_utf8(refused_stream(&refusal, &call, "bot")).unwrap();
        for text in [&error, &answer, &stream] {
            assert!(
                text.contains(&call.to_string()) && text.contains(RefusalCode::ContentBlocked.sentence())
            );
            assert!(!text.contains("pii"));
        }
        assert!(answer.contains(r#""stop_reason":"refusal""#));
        assert!(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{stream}");
    }
}
