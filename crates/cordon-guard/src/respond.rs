//! How answers look: headers that every answer has, and refusals.

use cordon_core::{Action, CallId, Refusal, record::Timings};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    dialect::Dialect,
    limits::LIMIT,
    record::Served,
    release::{Released, ReleasedBody},
};

/// The call's id, on every answer.
pub const CALL_ID: HeaderName = HeaderName::from_static("cordon-call-id");
/// The strictest action so far, on every answer.
pub const VERDICT: HeaderName = HeaderName::from_static("cordon-verdict");
/// How long each step took (W3C Server Timing), on every answer.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// How many seconds a library of a caller may wait by itself before it tries again.
const PATIENCE: u32 = 60;
/// The model that answered, on every answer of an upstream.
pub const MODEL: HeaderName = HeaderName::from_static("cordon-model");
/// Why another target answered than the one that was meant to, where one did.
pub const FALLBACK: HeaderName = HeaderName::from_static("cordon-fallback");
/// How the route works, where that is not as it is meant.
pub const MODE: HeaderName = HeaderName::from_static("cordon-mode");

/// A refusal as an answer. The caller sees the code's sentence and nothing of the private reason.
pub fn refusal(refusal: &Refusal, call: CallId, dialect: Dialect) -> Response<ReleasedBody> {
    let body = dialect.error_object(refusal, &call).to_vec();
    let mut response = json_response(refusal.code.status(), body);
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if refusal.code.status() == 429 && refusal.retry_after.is_some_and(|seconds| seconds > PATIENCE) {
        // OpenAI's and Anthropic's libraries try again by themselves unless they are told not to.
        response.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    if let Some(Ok(limit)) = refusal.limit.as_ref().map(|limit| HeaderValue::from_str(limit.as_str())) {
        response.headers_mut().insert(LIMIT, limit);
    }
    if refusal.code.status() == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A whole answer in JSON that Cordon wrote itself.
pub(crate) fn json_response(status: u16, body: Vec<u8>) -> Response<ReleasedBody> {
    released(status, Released::new(body), "application/json")
}

/// A whole answer of released bytes.
pub(crate) fn released(status: u16, body: Released, content_type: &'static str) -> Response<ReleasedBody> {
    let mut response = Response::new(ReleasedBody::whole(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Puts the headers that every answer has.
pub fn seal(response: &mut Response<ReleasedBody>, call: CallId, verdict: Action, timings: &Timings) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&call.to_string()) {
        headers.insert(CALL_ID, value);
    }
    headers.insert(VERDICT, HeaderValue::from_static(verdict.as_str()));
    if let Ok(value) = HeaderValue::from_str(&server_timing(timings)) {
        headers.insert(SERVER_TIMING, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Says who answered, and how the route works.
pub(crate) fn tell(response: &mut Response<ReleasedBody>, served: &Served<'_>) {
    let headers = response.headers_mut();
    if let Some(model) = served.model.and_then(|model| HeaderValue::from_str(model.as_str()).ok()) {
        headers.insert(MODEL, model);
    }
    if let Some(why) = served.fallback {
        headers.insert(FALLBACK, HeaderValue::from_static(why));
    }
    if !served.mode.is_normal() {
        headers.insert(MODE, HeaderValue::from_static(served.mode.as_str()));
    }
}

fn server_timing(timings: &Timings) -> String {
    use std::fmt::Write as _;
    let steps = [
        ("receive", timings.receive),
        ("admit", timings.admit),
        ("inspect-in", timings.inspect_input),
        ("upstream", timings.upstream),
        ("inspect-out", timings.inspect_output),
        ("record", timings.record),
        ("total", timings.total),
    ];
    let mut text = String::with_capacity(160);
    for (name, micros) in steps {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Milliseconds with three decimals, as the header's `dur` is defined. Writing to a String cannot fail.
        let _ = write!(text, "{name};dur={}.{:03}", micros / 1000, micros % 1000);
    }
    text
}

#[cfg(test)]
mod tests {
    use cordon_core::{RefusalCode, Timestamp};

    use super::*;

    #[test]
    fn a_refusal_shows_the_sentence_and_never_the_reason() {
        let call = CallId::new(Timestamp::from_millis(0), [0; 10]);
        let refused =
            Refusal::new(RefusalCode::RateLimited, "limit support-minute is used up").retry_after(3);
        let object = Dialect::Openai.error_object(&refused, &call).to_string();
        assert!(object.contains("rate_limit_exceeded") && object.contains(&call.to_string()));
        assert!(!object.contains("support-minute"));
        let response = refusal(&refused, call, Dialect::Anthropic);
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (429, &"3".parse().unwrap())
        );
    }

    #[test]
    fn timings_are_milliseconds() {
        let timings = Timings { receive: 1_234, total: 5, ..Timings::default() };
        let text = server_timing(&timings);
        assert!(text.starts_with("receive;dur=1.234, ") && text.ends_with("total;dur=0.005"), "{text}");
    }
}
