//! From an ended call to its spans. Pure: everything is in what was recorded.

use cordon_core::record::{Operation, Outcome, RecordedVerdict};
use cordon_guard::{
    dispatch::Target,
    ports::TracedCall,
    trace::{Parent, Part},
};

use super::{
    otlp::{AnyValue, ArrayValue, Event, KeyValue, Span, SpanKind, Status, StatusCode, Value},
    semconv as name,
};

/// Findings of a direction that become events; more are counted in `cordon.findings` alone.
const MAX_EVENTS: usize = 16;
/// Flags of a span (`trace.v1.SpanFlags`): what was sampled, and whether it is known if the parent is another process's.
const SAMPLED: u32 = 0x001;
const PARENT_KNOWN: u32 = 0x100;
const PARENT_REMOTE: u32 = 0x200;

/// Attributes, in the order of their making.
#[derive(Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    pub(super) fn text(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        self.0.push(KeyValue::text(key, value.to_string()));
        self
    }

    fn maybe(&mut self, key: &str, value: Option<impl std::fmt::Display>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    fn count(&mut self, key: &str, value: u64) -> &mut Self {
        self.0.push(KeyValue::new(key, Value::Int(i64::try_from(value).unwrap_or(i64::MAX))));
        self
    }

    fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.0.push(KeyValue::new(key, Value::Flag(value)));
        self
    }

    fn list(&mut self, key: &str, values: &[impl std::fmt::Display]) -> &mut Self {
        if !values.is_empty() {
            let text = |value: &_| AnyValue { value: Some(Value::Text(format!("{value}"))) };
            let array = ArrayValue { values: values.iter().map(text).collect() };
            self.0.push(KeyValue::new(key, Value::Array(array)));
        }
        self
    }

    fn seconds(&mut self, key: &str, micros: u64) -> &mut Self {
        self.0.push(KeyValue::new(key, Value::Double(seconds(micros))));
        self
    }
}

/// Microseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a call are far below 2^53")]
pub(crate) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// The word of an outcome.
pub(crate) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Released => "released",
        Outcome::Refused => "refused",
        Outcome::UpstreamFailed => "upstream_failed",
        Outcome::CallerGone => "caller_gone",
        Outcome::Interrupted => "interrupted",
    }
}

/// The spans of a call, the whole first.
pub(super) fn of(call: &TracedCall) -> Vec<Span> {
    let times = Times::of(call);
    let mut spans = vec![whole(call, &times)];
    if let Some((start, end)) = times.request {
        let mut attributes = Attributes::default();
        verdict(&mut attributes, &call.opened.input)
            .count(name::BYTES, call.opened.request_bytes)
            .seconds(name::BUSY, call.closed.timings.inspect_input);
        let mut span = part(call, Part::Request, name::SPAN_REQUEST, start, end, attributes);
        events(&mut span, &call.opened.input);
        spans.push(span);
    }
    if let (Some((start, end)), Some(target)) = (times.upstream, &call.target) {
        spans.push(upstream(call, target, start, end));
    }
    if let Some((start, end)) = times.answer {
        let mut attributes = Attributes::default();
        verdict(&mut attributes, &call.closed.output)
            .count(name::BYTES, call.closed.response_bytes)
            .seconds(name::BUSY, call.closed.timings.inspect_output);
        let mut span = part(call, Part::Answer, name::SPAN_ANSWER, start, end, attributes);
        events(&mut span, &call.closed.output);
        spans.push(span);
    }
    if call.closed.timings.record > 0 {
        let start = times.end.saturating_sub(call.closed.timings.record);
        spans.push(part(call, Part::Record, name::SPAN_RECORD, start, times.end, Attributes::default()));
    }
    spans
}

/// When the parts of a call began and ended, in microseconds from its begin.
struct Times {
    end: u64,
    request: Option<(u64, u64)>,
    upstream: Option<(u64, u64)>,
    answer: Option<(u64, u64)>,
}

impl Times {
    fn of(call: &TracedCall) -> Self {
        let timings = &call.closed.timings;
        // The wait for the last frame is in no frame; the whole may not end before its parts.
        let end = timings.total;
        let marks = call.marks;
        let request = marks.received.filter(|_| timings.inspect_input > 0).map(|received| {
            let start = received.saturating_add(timings.admit).min(end);
            (start, start.saturating_add(timings.inspect_input).min(end))
        });
        let upstream = marks.sent.map(|sent| (sent.min(end), marks.answered.unwrap_or(end).min(end)));
        let answer = upstream.filter(|_| timings.inspect_output > 0).map(|(sent, answered)| {
            let start = if call.opened.stream {
                // Piece by piece, as the answer comes.
                sent.saturating_add(timings.upstream_first_byte)
            } else {
                answered
            };
            let start = start.min(end);
            let inspected = answered.max(start).saturating_add(if call.opened.stream {
                0
            } else {
                timings.inspect_output
            });
            (start, inspected.min(end))
        });
        Self { end, request, upstream, answer }
    }
}

/// The call as its caller sees it.
fn whole(call: &TracedCall, times: &Times) -> Span {
    let (opened, closed) = (&call.opened, &call.closed);
    let (method, path) = match opened.operation {
        Operation::Chat => ("POST", "/v1/chat/completions"),
        Operation::ListModels => ("GET", "/v1/models"),
        Operation::Embeddings => ("POST", "/v1/embeddings"),
        Operation::Messages => ("POST", "/v1/messages"),
        Operation::CountTokens => ("POST", "/v1/messages/count_tokens"),
        Operation::Responses => ("POST", "/v1/responses"),
        Operation::Infer => ("POST", "/v2/models/{route}/infer"),
        Operation::Invocations => ("POST", "/routes/{route}/invocations"),
        Operation::DescribeModel => ("GET", "/v2/models/{route}"),
        Operation::Moderate => ("POST", "/v1/moderations"),
        Operation::UploadFile => ("POST", "/v1/files"),
        Operation::ListFiles => ("GET", "/v1/files"),
        Operation::DescribeFile => ("GET", "/v1/files/{file_id}"),
        Operation::ReadFile => ("GET", "/v1/files/{file_id}/content"),
        Operation::DeleteFile => ("DELETE", "/v1/files/{file_id}"),
    };
    let mut attributes = Attributes::default();
    attributes
        .text(name::CALL_ID, opened.call)
        .text(name::HTTP_METHOD, method)
        .text(name::HTTP_ROUTE, path)
        .count(name::HTTP_STATUS, u64::from(closed.status))
        .text(name::PRINCIPAL, &opened.principal)
        .text(name::TEAM, &opened.team)
        .text(name::KEY, opened.key)
        .maybe(name::ROUTE, opened.route.as_ref())
        .maybe(name::SYSTEM, opened.system.as_ref())
        .maybe(name::CONVERSATION, opened.conversation)
        .flag(name::STREAM, opened.stream)
        .text(name::OUTCOME, outcome(closed.outcome))
        .maybe(name::REFUSAL, closed.code.map(cordon_core::RefusalCode::as_str))
        .text(name::VERDICT, opened.input.action.max(closed.output.action))
        .text(name::WOULD, opened.input.would.max(closed.output.would))
        .count(name::SNAPSHOT, opened.position);
    // An error of the server's is one of 5xx (HTTP conventions); a refusal by policy is what Cordon is there for.
    // What breaks off after the caller was told 200 is one by its code.
    let status = closed.code.map_or(closed.status, cordon_core::RefusalCode::status);
    let is_error = status >= 500 || closed.outcome == Outcome::Interrupted;
    if is_error {
        match closed.code {
            Some(code) => attributes.text(name::ERROR_TYPE, code.as_str()),
            None => attributes.text(name::ERROR_TYPE, closed.status),
        };
    }
    let mut span = part(call, Part::Call, &format!("{method} {path}"), 0, times.end, attributes);
    span.kind = SpanKind::Server.into();
    let parent = call.trace.parent();
    span.parent_span_id = parent.map_or_else(Vec::new, |Parent { span, .. }| span.as_bytes().to_vec());
    if parent.is_some() {
        span.flags |= PARENT_REMOTE;
    }
    if is_error {
        span.status = Some(Status { code: StatusCode::Error.into() });
    }
    span
}

/// The exchange with the upstream, with the attributes of generative AI.
fn upstream(call: &TracedCall, target: &Target, start: u64, end: u64) -> Span {
    let (opened, closed) = (&call.opened, &call.closed);
    let (host, port) = name::host(&target.service.spec.base_url);
    let model = &target.spec.upstream_name;
    let operation = name::operation(opened.operation);
    let mut attributes = Attributes::default();
    attributes
        .text(name::OPERATION, operation)
        .text(name::PROVIDER, name::provider(host, target.service.spec.protocol))
        .text(name::REQUEST_MODEL, model)
        .maybe(name::RESPONSE_MODEL, call.said.model(model))
        .list(name::FINISH_REASONS, call.said.finish_reasons())
        .text(name::SERVER_ADDRESS, host)
        .count(name::SERVER_PORT, u64::from(port))
        .maybe(name::CONVERSATION, opened.conversation)
        .text(name::MODEL, &target.model)
        .text(name::SERVICE, &target.service.name)
        .maybe(name::REGION, target.service.spec.region.as_ref());
    if let Some(status) = closed.upstream_status {
        attributes.count(name::HTTP_STATUS, u64::from(status));
    }
    if let Some(tokens) = closed.tokens {
        attributes.count(name::INPUT_TOKENS, tokens.input).count(name::OUTPUT_TOKENS, tokens.output);
    }
    let error = upstream_error(closed);
    attributes.maybe(name::ERROR_TYPE, error.as_deref());
    let mut span = part(call, Part::Upstream, &format!("{operation} {model}"), start, end, attributes);
    span.kind = SpanKind::Client.into();
    if error.is_some() {
        span.status = Some(Status { code: StatusCode::Error.into() });
    }
    span
}

/// What kind of error the exchange with an upstream ended with, if it did: the status that it answered, or why it did not.
pub(crate) fn upstream_error(closed: &cordon_core::record::Closed) -> Option<std::borrow::Cow<'static, str>> {
    match (closed.upstream_status, closed.outcome) {
        (Some(status), _) if status >= 400 => Some(status.to_string().into()),
        (_, Outcome::UpstreamFailed) => {
            Some(closed.code.map_or("upstream_failed", cordon_core::RefusalCode::as_str).into())
        }
        _ => None,
    }
}

fn part(
    call: &TracedCall,
    part: Part,
    title: &str,
    start: u64,
    end: u64,
    Attributes(attributes): Attributes,
) -> Span {
    let begin = u64::try_from(call.opened.time.as_millis()).unwrap_or(0).saturating_mul(1_000_000);
    let at = |micros: u64| begin.saturating_add(micros.saturating_mul(1_000));
    Span {
        trace_id: call.trace.id().as_bytes().to_vec(),
        span_id: call.trace.span(part).as_bytes().to_vec(),
        parent_span_id: call.trace.span(Part::Call).as_bytes().to_vec(),
        name: title.to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: at(start),
        end_time_unix_nano: at(end.max(start)),
        attributes,
        events: Vec::new(),
        dropped_events_count: 0,
        status: None,
        flags: SAMPLED | PARENT_KNOWN,
    }
}

fn verdict<'a>(attributes: &'a mut Attributes, verdict: &RecordedVerdict) -> &'a mut Attributes {
    let findings = (verdict.findings.len() as u64).saturating_add(verdict.findings_more);
    if let Some(grounding) = &verdict.grounding {
        attributes
            .count(name::GROUNDING_SENTENCES, grounding.sentences.into())
            .count(name::GROUNDING_SUPPORTED, grounding.supported.into());
    }
    attributes
        .text(name::VERDICT, verdict.action)
        .text(name::WOULD, verdict.would)
        .count(name::FINDINGS, findings)
        .list(name::HELD, &verdict.held)
        .list(name::RELEASED, &verdict.released)
        .list(name::REJECTED, &verdict.rejected)
}

/// Findings as events: what kind, where, what was done; never what was found.
fn events(span: &mut Span, verdict: &RecordedVerdict) {
    let time = span.end_time_unix_nano;
    span.events = verdict
        .findings
        .iter()
        .take(MAX_EVENTS)
        .map(|finding| {
            let mut attributes = Attributes::default();
            attributes
                .text(name::CATEGORY, &finding.category)
                .text(name::CHANNEL, finding.channel)
                .text(name::DETECTOR, &finding.detector)
                .text(name::ACTION, finding.action)
                .text(name::WOULD, finding.would)
                .maybe(name::GUARD, finding.guard.as_ref());
            Event { time_unix_nano: time, name: name::EVENT_FINDING.to_owned(), attributes: attributes.0 }
        })
        .collect();
    let more =
        (verdict.findings.len().saturating_sub(MAX_EVENTS) as u64).saturating_add(verdict.findings_more);
    span.dropped_events_count = u32::try_from(more).unwrap_or(u32::MAX);
}

#[cfg(test)]
mod tests {
    use cordon_core::review::HeldId;

    use super::*;

    #[test]
    fn what_people_have_to_do_with_a_direction_is_on_its_span() {
        let id = |text| HeldId::parse(text).unwrap();
        let (one, two) = ("0198c0de-0000-7000-8000-000000000001", "0198c0de-0000-7000-8000-000000000002");
        let said =
            RecordedVerdict { held: vec![id(one), id(two)], released: vec![id(two)], ..Default::default() };
        let mut attributes = Attributes::default();
        verdict(&mut attributes, &said);
        let of = |name| {
            let found = attributes.0.iter().find(|attribute| attribute.key == name);
            found.map(|attribute| format!("{:?}", attribute.value))
        };
        let held = of(name::HELD).unwrap();
        assert!(held.contains(one) && held.contains(two), "{held}");
        let released = of(name::RELEASED).unwrap();
        assert!(!released.contains(one) && released.contains(two), "{released}");
        assert_eq!(of(name::REJECTED), None);
    }
}
