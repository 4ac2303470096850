//! Refusals that pass for responses, and errors inside a stream.

use cordon_core::{
    CallId, Refusal, Timestamp,
    json::{Object, Value},
};

use super::stream::write_event;
use crate::openai;

/// A 200 answer that refuses, for applications that cannot handle errors: the sentence as text, in a response that is incomplete
/// because of `content_filter`.
pub fn filtered_answer(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Value {
    ended(of_our_own(call, route, now), vec![message(call, "incomplete", vec![text(refusal.sentence())])])
        .into()
}

/// The same as a whole event stream.
pub fn filtered_stream(refusal: &Refusal, call: &CallId, route: &str, now: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    let mut sequence = 0;
    let item = || ("output_index", Value::from(0_u64));
    let part = || {
        let id = ("item_id", format!("msg_{call}").into());
        object([id, item(), ("content_index", 0_u64.into())])
    };
    let with = |mut members: Object, key: &'static str, value: Value| {
        members.insert(key, value);
        members
    };
    let said = refusal.sentence();
    let begun = of_our_own(call, route, now);
    let done = message(call, "incomplete", vec![text(said)]);
    let response = |response: &Object| object([("response", response.clone().into())]);
    for (kind, members) in [
        ("response.created", response(&begun)),
        ("response.in_progress", response(&begun)),
        ("response.output_item.added", object([item(), ("item", message(call, "in_progress", Vec::new()))])),
        ("response.content_part.added", with(part(), "part", text(""))),
        (
            "response.output_text.delta",
            with(with(part(), "delta", said.into()), "logprobs", Vec::new().into()),
        ),
        ("response.output_text.done", with(with(part(), "text", said.into()), "logprobs", Vec::new().into())),
        ("response.content_part.done", with(part(), "part", text(said))),
        ("response.output_item.done", object([item(), ("item", done.clone())])),
        ("response.incomplete", response(&ended(begun.clone(), vec![done]))),
    ] {
        write_event(kind, members, &mut sequence, &mut out);
    }
    out
}

/// What ends a stream that was cut off from outside. Nobody who still could count its events is left; readers do not.
pub(crate) fn cut_off(refusal: &Refusal, call: &CallId) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    error(refusal, call, &mut 0, &mut out);
    out
}

/// The event that ends a stream as an error: with the members of the official event, and with the error object by which official
/// clients raise it.
pub(super) fn error(refusal: &Refusal, call: &CallId, sequence: &mut u64, out: &mut Vec<u8>) {
    let error = openai::error_object(refusal, call);
    let of = error.get("error").and_then(Value::as_object);
    let mut members: Object = ["code", "message", "param"]
        .into_iter()
        .filter_map(|key| Some((key, of.and_then(|of| of.get(key))?.clone())))
        .collect();
    if let Some(of) = of {
        members.insert("error", of.clone());
    }
    write_event("error", members, sequence, out);
}

/// A response as it ends when its content is filtered.
pub(super) fn ended(mut response: Object, output: Vec<Value>) -> Object {
    response.insert("status", "incomplete");
    response.insert("incomplete_details", object([("reason", "content_filter".into())]));
    response.insert("output", output);
    response
}

/// A response of the gateway's own, without output.
fn of_our_own(call: &CallId, route: &str, now: Timestamp) -> Object {
    let usage = ["input_tokens", "output_tokens", "total_tokens"].map(|key| (key, Value::from(0_u64)));
    object([
        ("id", format!("resp_{call}").into()),
        ("object", "response".into()),
        ("created_at", (now.as_millis() / 1000).into()),
        ("status", "in_progress".into()),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", Object::new().into()),
        ("model", route.into()),
        ("output", Value::Array(Vec::new())),
        ("parallel_tool_calls", true.into()),
        ("tool_choice", "auto".into()),
        ("tools", Value::Array(Vec::new())),
        ("usage", usage.into_iter().collect::<Object>().into()),
    ])
}

fn message(call: &CallId, status: &'static str, content: Vec<Value>) -> Value {
    object([
        ("id", format!("msg_{call}").into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("status", status.into()),
        ("content", content.into()),
    ])
    .into()
}

fn text(text: &str) -> Value {
    let members = [("type", "output_text".into()), ("text", text.into())];
    let lists = ["annotations", "logprobs"].map(|key| (key, Value::Array(Vec::new())));
    members.into_iter().chain(lists).collect::<Object>().into()
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Object {
    members.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use cordon_core::RefusalCode;

    use super::*;

    #[test]
    fn a_refusal_tells_the_caller_code_and_call_and_nothing_of_the_reason() {
        let call = CallId::new(Timestamp::from_millis(1), [3; 10]);
        let refusal = Refusal::new(RefusalCode::ContentBlocked, "pii/card at input/0").param("input");
        let now = Timestamp::from_millis(5_000);
        let answer = filtered_answer(&refusal, &call, "bot", now).to_string();
        let stream = String::from_utf8(filtered_stream(&refusal, &call, "bot", now)).unwrap();
        let error = String::from_utf8(cut_off(&refusal, &call)).unwrap();
        for text in [&error, &answer, &stream] {
            assert!(
                text.contains(&call.to_string()) && text.contains(RefusalCode::ContentBlocked.sentence())
            );
            assert!(!text.contains("pii"));
        }
        for text in [&answer, &stream] {
            assert!(text.contains(r#""incomplete_details":{"reason":"content_filter"}"#), "{text}");
        }
        assert!(answer.contains(r#""created_at":5,"#));
        assert!(error.starts_with(
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"content_blocked\""
        ));
        let last = stream.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("event: response.incomplete\n") && last.contains(r#""sequence_number":8"#));
    }
}
