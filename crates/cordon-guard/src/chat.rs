//! A chat call from its admission to its last byte: input gate, dispatch, output gate, refusals.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use cordon_core::{
    KeyedHasher, Name, Refusal, RefusalCode, Timestamp, json, record::Outcome, resource::RefusalStyle,
};
use cordon_policy::RouteEntry;
use http::{HeaderMap, HeaderValue, Response, header};

use crate::{
    admit::Admitted,
    call::Call,
    dispatch::{self, Permit, refusal_of},
    inspection::{Inspection, Verdict},
    openai::{self, InspectedRequest, Progress, StreamGate, StreamOptions},
    pipeline::{Answer, Inner},
    record::{CallRecord, micros},
    release::{Released, ReleasedBody, ReleasedSender},
    respond, sse,
    upstream::{Accept, UpstreamResponse},
};

/// The operation below a service's base URL.
const PATH: &str = "/chat/completions";
/// Largest unstreamed answer, and largest error of an upstream.
const MAX_ANSWER_BYTES: usize = 16 << 20;
const MAX_ERROR_BYTES: usize = 64 << 10;
/// How long an upstream may take to end its answer after its last event.
const DRAIN: std::time::Duration = std::time::Duration::from_millis(200);
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
/// How long a caller may take to read a piece of a stream.
const CALLER_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A call whose request was inspected and may go on. Made by `clear` alone.
#[derive(Debug)]
pub struct Cleared {
    admitted: Admitted,
    request: InspectedRequest,
    inspection: Inspection,
}

/// How a refusal of this call looks, as far as it is known.
#[derive(Default)]
pub(crate) struct Style {
    /// Known once the route is.
    routed: Option<Routed>,
    /// Where the stream goes, once it has begun.
    streaming: Option<ReleasedSender>,
    /// Whether the connection ends with the answer.
    hang_up: bool,
}

struct Routed {
    route: Name,
    refusal: RefusalStyle,
    stream: bool,
    time: Timestamp,
}

impl Style {
    /// How refusals look on a route.
    pub(crate) fn new(route: &RouteEntry, stream: bool, time: Timestamp) -> Self {
        let routed = Routed { route: route.name.clone(), refusal: route.refusal, stream, time };
        Self { routed: Some(routed), streaming: None, hang_up: false }
    }

    /// The body was not taken whole: what comes after it on the connection could be anything.
    pub(crate) const fn hang_up(&mut self) {
        self.hang_up = true;
    }
}

/// The input gate: inspects the request and rewrites it.
pub(crate) fn clear(
    call: Call<Admitted>,
    request: openai::Request,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Call<Cleared>, Refusal> {
    let inspection = Inspection::new(
        gateway.engine.clone(),
        Arc::new(call.stage.guard().clone()),
        call.time,
        gateway.options.pseudonym_key.clone(),
    );
    let mut verdict = Verdict::default();
    let inspected = request.inspect(&inspection, &mut verdict);
    record.input = verdict.into_recorded();
    let request = inspected?;
    Ok(call.at(|admitted| Cleared { admitted, request, inspection }))
}

/// Chooses a target. The Snapshot is the one in force now: what was taken out since the call came is not used.
pub(crate) fn choose(call: &Call<Cleared>, gateway: &Inner) -> Result<Permit, Refusal> {
    let mut draw = [0; 8];
    if call.stage.admitted.route().targets.len() > 1 {
        gateway.entropy.fill(&mut draw);
    }
    let current = gateway.snapshot.load();
    let name = &call.stage.admitted.route().name;
    let route = current
        .route(name.as_str())
        .ok_or_else(|| Refusal::new(RefusalCode::ModelNotFound, "the route was removed").param("model"))?;
    dispatch::permit(route, &current, u64::from_be_bytes(draw))
}

/// Sends the request and gives the answer back through the output gate.
pub(crate) async fn exchange(
    mut call: Call<Cleared>,
    permit: &Permit,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
    style: &mut Style,
) -> Result<(), Refusal> {
    let body = call.stage.request.body(permit.upstream_model());
    let stream = call.stage.request.stream();
    let accept = if stream { Accept::EventStream } else { Accept::Json };
    let trace = record.trace().onward();
    if let Some(capturing) = record.capturing() {
        capturing.sent(&body, call.stage.request.tokens());
    }
    let sent = Instant::now();
    record.marks.sent = Some(record.micros());
    let response = gateway.upstreams.send(permit, PATH, body, accept, trace).await?;
    record.end.timings.upstream_first_byte = micros(sent);
    record.end.timings.upstream = record.end.timings.upstream_first_byte;
    record.end.upstream_status = Some(response.status.as_u16());
    if !response.status.is_success() {
        failed(&call, response, gateway, record, answer).await
    } else if stream {
        streamed(&call, response, gateway, record, answer, style).await
    } else {
        whole(&call, response, gateway, record, answer).await
    }
}

fn parse(bytes: &[u8]) -> Result<json::Value, Refusal> {
    json::Value::parse(bytes, json::Limits { bytes: MAX_ANSWER_BYTES, ..json::Limits::default() }).map_err(
        |error| Refusal::new(RefusalCode::UpstreamFailed, format!("the answer is not strict JSON: {error}")),
    )
}

fn no_answer(error: openai::ResponseError) -> Refusal {
    Refusal::new(RefusalCode::UpstreamFailed, error.to_string())
}

/// An answer in one piece.
async fn whole(
    call: &Call<Cleared>,
    response: UpstreamResponse,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    let waiting = Instant::now();
    let bytes = response.body.collect(MAX_ANSWER_BYTES).await.map_err(|error| refusal_of(&error))?;
    record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
    record.marks.answered = Some(record.micros());
    if let Some(capturing) = record.capturing() {
        capturing.answered(&bytes);
    }
    let inspecting = Instant::now();
    let read = openai::Response::read(parse(&bytes)?).map_err(no_answer)?;
    record.used(read.usage());
    record.said = read.said();
    let mut verdict = Verdict::default();
    let route = call.stage.admitted.route().name.as_str();
    let released = read.inspect(&call.stage.inspection, call.stage.request.tokens(), route, &mut verdict);
    record.end.output = verdict.into_recorded();
    let body = Released::new(released?);
    record.end.timings.inspect_output = micros(inspecting);
    release(call, 200, &response.headers, body, Outcome::Released, gateway, record, answer).await
}

/// An upstream that answered with an error: its words are hostile like any other answer.
async fn failed(
    call: &Call<Cleared>,
    response: UpstreamResponse,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    let status = response.status.as_u16();
    // The gateway's own credential or address is wrong: nothing that a caller could mend, and nothing to be told.
    if !matches!(status, 400 | 404 | 408 | 409 | 413 | 422 | 429 | 500..=599) {
        let why = format!("the upstream answered {status}");
        return Err(Refusal::new(RefusalCode::UpstreamFailed, why));
    }
    let waiting = Instant::now();
    let bytes = response.body.collect(MAX_ERROR_BYTES).await.map_err(|error| refusal_of(&error))?;
    record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
    record.marks.answered = Some(record.micros());
    if let Some(capturing) = record.capturing() {
        capturing.answered(&bytes);
    }
    let inspecting = Instant::now();
    let mut verdict = Verdict::default();
    let error =
        openai::upstream_error(parse(&bytes).ok().as_ref(), status, &call.stage.inspection, &mut verdict);
    record.end.output = verdict.into_recorded();
    let mut error = error?;
    if let Some(error) = error.get_mut("error").and_then(json::Value::as_object_mut) {
        error.insert("call_id", call.id.to_string());
    }
    record.end.timings.inspect_output = micros(inspecting);
    let body = Released::new(json::Value::Object(error).to_vec());
    release(call, status, &response.headers, body, Outcome::UpstreamFailed, gateway, record, answer).await
}

/// Records the end of a call and sends its whole answer.
#[expect(clippy::too_many_arguments, reason = "the last step needs what all the others made")]
async fn release(
    call: &Call<Cleared>,
    status: u16,
    upstream: &HeaderMap,
    body: Released,
    outcome: Outcome,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    record.end.response_bytes = body.len() as u64;
    record.end.response_digest = Some(gateway.content_digest(call.id, body.as_bytes()));
    if let Some(capturing) = record.capturing() {
        capturing.released(body.as_bytes());
    }
    let recorded = record.close(outcome, status).await;
    let mut response = match &recorded {
        Ok(()) => respond::released(status, body, "application/json"),
        Err(unrecorded) => respond::refusal(unrecorded, call.id),
    };
    if recorded.is_ok() {
        pass_on(upstream, response.headers_mut());
    }
    respond::seal(&mut response, call.id, record.verdict(), &record.end.timings);
    answer.send(response);
    Ok(())
}

/// Headers of the upstream that callers' libraries use.
fn pass_on(upstream: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in upstream {
        if name != header::CONTENT_TYPE {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// The stream to the caller: what was released so far, and the head that is sent before the first of it.
struct Downstream<'a> {
    call: &'a Call<Cleared>,
    headers: HeaderMap,
    hasher: KeyedHasher,
    sender: Option<ReleasedSender>,
}

impl Downstream<'_> {
    /// Sends released bytes; before the first of them the record must be durable and the head goes out.
    async fn send(
        &mut self,
        bytes: Vec<u8>,
        record: &mut CallRecord,
        answer: &mut Answer,
        style: &mut Style,
    ) -> Result<(), Refusal> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.sender.is_none() {
            record.opened_is_durable().await?;
            let (sender, body) = ReleasedBody::stream();
            answer.send(self.head(body, record));
            style.streaming = Some(sender.clone());
            self.sender = Some(sender);
        }
        self.hasher.update(&bytes);
        if let Some(capturing) = record.capturing() {
            capturing.released(&bytes);
        }
        record.end.response_bytes = record.end.response_bytes.saturating_add(bytes.len() as u64);
        let Some(sender) = &self.sender else { return Ok(()) };
        let sent = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(bytes)));
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::new(RefusalCode::CallerGone, "")),
            Err(_) => Err(Refusal::new(RefusalCode::CallerGone, "the caller does not read its stream")),
        }
    }

    /// Records the end and sends the last bytes: an observed end always has its frame.
    async fn finish(
        mut self,
        last: Vec<u8>,
        record: &mut CallRecord,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        self.hasher.update(&last);
        if let Some(capturing) = record.capturing() {
            capturing.released(&last);
        }
        record.end.response_digest = Some(self.hasher.clone().finish());
        record.end.response_bytes = record.end.response_bytes.saturating_add(last.len() as u64);
        record.close(Outcome::Released, 200).await?;
        match &self.sender {
            Some(sender) => {
                let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
            }
            None => {
                let response = self.head(ReleasedBody::whole(Released::new(last)), record);
                answer.send(response);
            }
        }
        Ok(())
    }

    /// Records a refusal in mid-stream and sends its well-formed end.
    async fn refuse(self, refusal: &Refusal, last: Vec<u8>, record: &mut CallRecord) {
        let mut hasher = self.hasher;
        hasher.update(&last);
        record.end.response_digest = Some(hasher.finish());
        record.end.response_bytes = record.end.response_bytes.saturating_add(last.len() as u64);
        // Unrecorded or not, nothing more of the answer leaves; that it could not be recorded is the log's business.
        if let Err(unrecorded) = record.refuse(refusal).await {
            tracing::error!(call = %record.call(), reason = unrecorded.private, "a refusal was not recorded");
        }
        if let Some(sender) = &self.sender {
            let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
        }
    }

    fn head(&self, body: ReleasedBody, record: &CallRecord) -> Response<ReleasedBody> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        pass_on(&self.headers, headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        // Proxies must not gather a stream.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        let timings = cordon_core::record::Timings { total: record.micros(), ..record.end.timings };
        respond::seal(&mut response, self.call.id, record.verdict(), &timings);
        response
    }
}

/// An answer as a stream of events. Every piece passes the gate; the end is held back until the record is durable.
async fn streamed(
    call: &Call<Cleared>,
    response: UpstreamResponse,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
    style: &mut Style,
) -> Result<(), Refusal> {
    let UpstreamResponse { headers, mut body, .. } = response;
    let hasher = gateway.content_key(call.id).hasher();
    let mut downstream = Downstream { call, headers, hasher, sender: None };
    let route = call.stage.admitted.route();
    let request = &call.stage.request;
    let options = StreamOptions {
        call: call.id,
        route: route.name.to_string(),
        include_usage: request.include_usage(),
        refusal: route.refusal,
        max_bytes: MAX_ANSWER_BYTES,
    };
    let mut gate = StreamGate::new(call.stage.inspection.clone(), request.tokens().clone(), options);
    let mut parser = sse::Parser::default();
    loop {
        let waiting = Instant::now();
        let chunk = body.chunk().await;
        record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
        record.marks.answered = Some(record.micros());
        if let (Ok(Some(chunk)), Some(capturing)) = (&chunk, record.capturing()) {
            capturing.answered(chunk);
        }
        let inspecting = Instant::now();
        let mut out = Vec::new();
        let step = match chunk {
            Ok(Some(chunk)) => feed(&mut gate, &mut parser, &chunk, &mut out),
            Ok(None) => gate.end(&mut out).map_err(|error| broken(&error)),
            Err(error) => Err(refusal_of(&error)),
        };
        record.end.timings.inspect_output =
            record.end.timings.inspect_output.saturating_add(micros(inspecting));
        // The head shows the verdict that these bytes had.
        record.end.output.action = gate.verdict().action();
        let refusal = match step {
            Ok(Progress::Open) => {
                downstream.send(out, record, answer, style).await?;
                continue;
            }
            Ok(Progress::Done) => {
                record.used(gate.usage());
                record.said = gate.said().clone();
                record.end.output = gate.verdict().recorded().clone();
                downstream.finish(out, record, answer).await?;
                return drain(body).await;
            }
            Ok(Progress::Stopped) => gate
                .verdict()
                .refusal()
                .unwrap_or_else(|| Refusal::new(RefusalCode::ContentBlocked, "the gate stopped the stream")),
            Err(refusal) => refusal,
        };
        // What was settled before the stop may still be read; then a well-formed end says why there is no more.
        downstream.send(out, record, answer, style).await?;
        record.used(gate.usage());
        record.said = gate.said().clone();
        record.end.output = gate.verdict().recorded().clone();
        if downstream.sender.is_none() {
            return Err(refusal);
        }
        let mut last = Vec::new();
        gate.refuse(&refusal, &mut last);
        downstream.refuse(&refusal, last, record).await;
        return Ok(());
    }
}

/// Reads what an upstream says after its last event, so that the connection can serve the next call; one that says more
/// than nothing is closed.
async fn drain(mut body: crate::upstream::UpstreamBody) -> Result<(), Refusal> {
    let _ = tokio::time::timeout(DRAIN, body.chunk()).await;
    Ok(())
}

fn broken(error: &openai::StreamError) -> Refusal {
    Refusal::new(RefusalCode::UpstreamFailed, error.to_string())
}

/// Gives a piece of the upstream's bytes to the gate; what may leave is added to `out`.
fn feed(
    gate: &mut StreamGate,
    parser: &mut sse::Parser,
    chunk: &Bytes,
    out: &mut Vec<u8>,
) -> Result<Progress, Refusal> {
    parser.push(chunk);
    loop {
        let event =
            parser.next().map_err(|error| Refusal::new(RefusalCode::UpstreamFailed, error.to_string()))?;
        let Some(event) = event else { return Ok(Progress::Open) };
        match gate.event(event.data, out) {
            Ok(Progress::Open) => {}
            Ok(end) => return Ok(end),
            Err(error) => return Err(broken(&error)),
        }
    }
}

/// Ends a call that was refused: the record first, then the answer in the form that the route chose.
pub(crate) async fn refuse(refusal: &Refusal, record: &mut CallRecord, answer: &mut Answer, style: &Style) {
    let id = record.call();
    let recorded = if record.is_closed() { Ok(()) } else { record.refuse(refusal).await };
    let refusal = recorded.as_ref().err().unwrap_or(refusal);
    if let Some(sender) = &style.streaming {
        // The stream was cut off from outside: it ends with an error instead of looking whole.
        let mut last = Vec::new();
        sse::write_data(&mut last, &openai::error_object(refusal, &id).to_string());
        sse::write_data(&mut last, "[DONE]");
        let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
        return;
    }
    if !answer.is_open() {
        return;
    }
    let of_content = matches!(refusal.code, RefusalCode::ContentBlocked | RefusalCode::HeldNoReviewer);
    let as_answer =
        style.routed.as_ref().filter(|to| of_content && to.refusal == RefusalStyle::ContentFilter);
    let mut response = match as_answer {
        Some(Routed { route, time, stream: true, .. }) => {
            let body = openai::content_filter_stream(refusal, &id, route.as_str(), *time);
            respond::released(200, Released::new(body), EVENT_STREAM)
        }
        Some(Routed { route, time, .. }) => {
            let body = openai::content_filter_answer(refusal, &id, route.as_str(), *time).to_vec();
            respond::released(200, Released::new(body), "application/json")
        }
        None => respond::refusal(refusal, id),
    };
    respond::seal(&mut response, id, record.verdict(), &record.end.timings);
    if style.hang_up {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.send(response);
}
