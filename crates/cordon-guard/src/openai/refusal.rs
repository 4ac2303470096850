//! How a refusal looks to the caller.

use cordon_core::{
    CallId, Refusal, Timestamp,
    json::{Object, Value},
};

use crate::sse;

/// OpenAI's error object, with the call's id. It says nothing of rules or of what was found.
pub fn error_object(refusal: &Refusal, call: &CallId) -> Value {
    let error: Object = [
        ("message", Value::from(format!("{} (call {call})", refusal.code.sentence()))),
        ("type", Value::from(refusal.code.kind())),
        ("param", refusal.param.as_deref().map_or(Value::Null, Value::from)),
        ("code", Value::from(refusal.code.as_str())),
        ("call_id", Value::from(call.to_string())),
    ]
    .into_iter()
    .collect();
    [("error", Value::Object(error))].into_iter().collect::<Object>().into()
}

/// A 200 answer that refuses, for applications that cannot handle errors: the sentence as `refusal` and `content`, and
/// `finish_reason: content_filter`.
pub fn content_filter_answer(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Value {
    let message: Object = [
        ("role", Value::from("assistant")),
        ("content", Value::from(refusal.code.sentence())),
        ("refusal", Value::from(refusal.code.sentence())),
    ]
    .into_iter()
    .collect();
    let choice: Object = [
        ("index", Value::from(0_u64)),
        ("message", message.into()),
        ("logprobs", Value::Null),
        ("finish_reason", Value::from("content_filter")),
    ]
    .into_iter()
    .collect();
    let usage: Object = ["prompt_tokens", "completion_tokens", "total_tokens"]
        .into_iter()
        .map(|key| (key, Value::from(0_u64)))
        .collect();
    let mut answer = envelope(call, route, now, "chat.completion", choice);
    answer.insert("usage", usage);
    answer.into()
}

/// The same as a stream, `[DONE]` included.
pub fn content_filter_stream(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Vec<u8> {
    let said: Object = [
        ("role", Value::from("assistant")),
        ("content", Value::from(refusal.code.sentence())),
        ("refusal", Value::from(refusal.code.sentence())),
    ]
    .into_iter()
    .collect();
    let mut out = Vec::with_capacity(1024);
    for (delta, finish) in [(said, Value::Null), (Object::new(), Value::from("content_filter"))] {
        let choice: Object = [
            ("index", Value::from(0_u64)),
            ("delta", delta.into()),
            ("logprobs", Value::Null),
            ("finish_reason", finish),
        ]
        .into_iter()
        .collect();
        let chunk = envelope(call, route, now, "chat.completion.chunk", choice);
        sse::write_data(&mut out, &Value::Object(chunk).to_string());
    }
    sse::write_data(&mut out, "[DONE]");
    out
}

fn envelope(call: &CallId, route: &str, now: Timestamp, object: &str, choice: Object) -> Object {
    [
        ("id", Value::from(format!("chatcmpl-{call}"))),
        ("object", Value::from(object)),
        ("created", Value::from(now.as_millis() / 1000)),
        ("model", Value::from(route)),
        ("choices", Value::Array(vec![choice.into()])),
    ]
    .into_iter()
    .collect()
}
