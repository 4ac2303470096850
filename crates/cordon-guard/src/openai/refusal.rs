//! How a refusal looks to the caller.

use cordon_core::{
    CallId, Refusal, Timestamp,
    json::{Object, Value},
};

use crate::sse;

/// OpenAI's error object, with the call's id. It says nothing of rules or of what was found.
pub fn error_object(refusal: &Refusal, call: &CallId) -> Value {
    let mut error: Object = [
        ("message", Value::from(format!("{} (call {call})", refusal.sentence()))),
        ("type", Value::from(refusal.code.kind())),
        ("param", refusal.param.as_deref().map_or(Value::Null, Value::from)),
        ("code", Value::from(refusal.code.as_str())),
        ("call_id", Value::from(call.to_string())),
    ]
    .into_iter()
    .collect();
    if let Some(limit) = &refusal.limit {
        error.insert("limit", limit.as_str());
    }
    [("error", Value::Object(error))].into_iter().collect::<Object>().into()
}

/// A 200 answer that refuses, for applications that cannot handle errors: the sentence as `refusal` and `content`, and
/// `finish_reason: content_filter`.
pub fn content_filter_answer(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Value {
    let choice: Object = [
        ("index", Value::from(0_u64)),
        ("message", sentence(refusal).into()),
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

/// The same as a whole event stream: a chunk with the sentence, a chunk with the reason, `[DONE]`.
pub fn content_filter_stream(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let chunks = [(sentence(refusal), Value::Null), (Object::new(), Value::from("content_filter"))];
    for (delta, reason) in chunks {
        let choice: Object =
            [("index", Value::from(0_u64)), ("delta", delta.into()), ("finish_reason", reason)]
                .into_iter()
                .collect();
        let chunk = Value::Object(envelope(call, route, now, "chat.completion.chunk", choice));
        sse::write_data(&mut out, &chunk.to_string());
    }
    sse::write_data(&mut out, "[DONE]");
    out
}

fn sentence(refusal: &Refusal) -> Object {
    [
        ("role", Value::from("assistant")),
        ("content", Value::from(refusal.sentence())),
        ("refusal", Value::from(refusal.sentence())),
    ]
    .into_iter()
    .collect()
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

#[cfg(test)]
mod tests {
    use cordon_core::RefusalCode;

    use super::*;

    #[test]
    fn a_refusal_tells_the_caller_code_and_call_and_nothing_of_the_reason() {
        let call = CallId::new(Timestamp::from_millis(1), [3; 10]);
        let refusal =
            Refusal::new(RefusalCode::ContentBlocked, "pii/card at messages/0").param("messages[0]");
        let error = error_object(&refusal, &call).to_string();
        assert!(error.contains(r#""code":"content_blocked""#) && error.contains(r#""param":"messages[0]""#));
        let now = Timestamp::from_millis(5_000);
        let answer = content_filter_answer(&refusal, &call, "bot", now).to_string();
        let stream = String::from_utf8(content_filter_stream(&refusal, &call, "bot", now)).unwrap();
        for text in [&error, &answer, &stream] {
            assert!(
                text.contains(&call.to_string()) && text.contains(RefusalCode::ContentBlocked.sentence())
            );
            assert!(!text.contains("pii"));
        }
        assert!(answer.contains(r#""finish_reason":"content_filter""#) && answer.contains(r#""created":5,"#));
        assert_eq!(stream.matches("data: ").count(), 3);
        assert!(stream.ends_with("data: [DONE]\n\n"));
    }
}
