//! A call from its admission to its last byte, whatever it asks for: input gate, dispatch, output gate, refusals.

use std::{sync::Arc, time::Instant};

use cordon_core::{Name, Refusal, RefusalCode, Timestamp, json, record::Outcome, resource::RefusalStyle};
use cordon_policy::RouteEntry;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    admit::Admitted,
    call::Call,
    dispatch::{self, Permit, refusal_of},
    inspection::{Inspection, Verdict},
    limits,
    operation::{Asked, Back, Inspected, Posted},
    pipeline::{Answer, Inner},
    quarantine,
    record::{CallRecord, micros},
    release::{Released, ReleasedSender},
    respond,
    streamed::{CALLER_PATIENCE, EVENT_STREAM, streamed},
    upstream::UpstreamResponse,
};

/// Largest error of an upstream.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A call whose request was inspected and may go on. Made by `clear` alone.
#[derive(Debug)]
pub struct Cleared {
    pub(crate) admitted: Admitted,
    pub(crate) request: Inspected,
    pub(crate) inspection: Inspection,
    /// How the answer of the target is read.
    pub(crate) back: Back,
}

/// How a refusal of this call looks, as far as it is known.
pub(crate) struct Style {
    posted: Posted,
    /// How a refusal of content passes for an answer, where the route wants that and the operation has such an answer.
    filtered: Option<Filtered>,
    /// Where the stream goes, once it has begun.
    pub(crate) streaming: Option<ReleasedSender>,
    /// Whether the connection ends with the answer.
    hang_up: bool,
}

struct Filtered {
    route: Name,
    stream: bool,
    time: Timestamp,
}

impl Style {
    /// How refusals of this request look on a route.
    pub(crate) fn new(route: &RouteEntry, request: &Asked, time: Timestamp) -> Self {
        let posted = request.posted();
        let filters = route.refusal == RefusalStyle::ContentFilter && posted.can_be_filtered();
        let filtered =
            filters.then(|| Filtered { route: route.name.clone(), stream: request.stream(), time });
        Self { filtered, ..Self::of(posted) }
    }

    /// How refusals of this operation look, before its request was read.
    pub(crate) const fn of(posted: Posted) -> Self {
        Self { posted, filtered: None, streaming: None, hang_up: false }
    }

    /// The body was not taken whole: what comes after it on the connection could be anything.
    pub(crate) const fn hang_up(&mut self) {
        self.hang_up = true;
    }
}

/// The input gate: inspects the request and rewrites it.
pub(crate) fn clear(
    call: Call<Admitted>,
    request: Asked,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Call<Cleared>, Refusal> {
    let inspection = Inspection::new(
        gateway.engine.clone(),
        Arc::new(call.stage.guard().clone()),
        call.time,
        gateway.options.pseudonym_key.clone(),
    )
    .contained(call.snapshot.quarantined());
    let mut verdict = Verdict::default();
    let inspected = request.inspect(&inspection, &mut verdict);
    record.input = verdict.into_recorded();
    let request = inspected?;
    Ok(call.at(|admitted| Cleared { admitted, request, inspection, back: Back::default() }))
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
    quarantine::route(current.quarantined(), route)?;
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
    let (outgoing, back) = call.stage.request.outgoing(permit.target(), call.time)?;
    call.stage.back = back;
    let trace = record.trace().onward();
    if let Some(capturing) = record.capturing() {
        capturing.sent(&outgoing.body, call.stage.request.tokens());
    }
    let sent = Instant::now();
    record.marks.sent = Some(record.micros());
    let response = gateway.upstreams.send(permit, outgoing, trace).await?;
    record.end.timings.upstream_first_byte = micros(sent);
    record.end.timings.upstream = record.end.timings.upstream_first_byte;
    record.end.upstream_status = Some(response.status.as_u16());
    if !response.status.is_success() {
        failed(&call, response, gateway, record, answer).await
    } else if call.stage.request.streams() {
        streamed(&call, response, gateway, record, answer, style).await
    } else {
        whole(&call, response, gateway, record, answer).await
    }
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
    let limits = call.stage.request.answer_limits();
    let bytes = response.body.collect(limits.bytes).await.map_err(|error| refusal_of(&error))?;
    record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
    record.marks.answered = Some(record.micros());
    if let Some(capturing) = record.capturing() {
        capturing.answered(&bytes);
    }
    let inspecting = Instant::now();
    let failed = |why: String| Refusal::new(RefusalCode::UpstreamFailed, why);
    let tree = json::Value::parse(&bytes, limits)
        .map_err(|error| failed(format!("the answer is not strict JSON: {error}")))?;
    let answered = call.stage.request.answered(tree, &call.stage.back);
    let (read, usage) = answered.map_err(|error| failed(error.to_string()))?;
    record.used(usage);
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
    let tree = json::Value::parse(&bytes, json::Limits::default()).ok();
    let dialect = call.stage.request.posted().dialect();
    let error = dialect.upstream_error(tree.as_ref(), status, &call.id, &call.stage.inspection, &mut verdict);
    record.end.output = verdict.into_recorded();
    let error = error?;
    record.end.timings.inspect_output = micros(inspecting);
    let body = Released::new(error.to_vec());
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
        Err(unrecorded) => respond::refusal(unrecorded, call.id, call.stage.request.posted().dialect()),
    };
    if recorded.is_ok() {
        pass_on(upstream, response.headers_mut());
        call.stage.back.tell(response.headers_mut());
    }
    respond::seal(&mut response, call.id, record.verdict(), &record.end.timings);
    limits::put_headers(response.headers_mut(), record.counting.standings());
    answer.send(response);
    Ok(())
}

/// Headers of the upstream that callers' libraries use.
pub(crate) fn pass_on(upstream: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in upstream {
        if name != header::CONTENT_TYPE {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// Ends a call that was refused: the record first, then the answer in the form that the route chose.
pub(crate) async fn refuse(refusal: &Refusal, record: &mut CallRecord, answer: &mut Answer, style: &Style) {
    let id = record.call();
    let recorded = if record.is_closed() { Ok(()) } else { record.refuse(refusal).await };
    let refusal = recorded.as_ref().err().unwrap_or(refusal);
    if let Some(sender) = &style.streaming {
        let last = style.posted.dialect().cut_off(refusal, &id);
        let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
        return;
    }
    if !answer.is_open() {
        return;
    }
    let of_content = matches!(refusal.code, RefusalCode::ContentBlocked | RefusalCode::HeldNoReviewer);
    let mut response = match style.filtered.as_ref().filter(|_| of_content) {
        Some(Filtered { route, time, stream: true }) => {
            let body = style.posted.filtered_stream(refusal, &id, route.as_str(), *time);
            respond::released(200, Released::new(body), EVENT_STREAM)
        }
        Some(Filtered { route, time, .. }) => {
            let body = style.posted.filtered(refusal, &id, route.as_str(), *time);
            respond::released(200, Released::new(body), "application/json")
        }
        None => respond::refusal(refusal, id, style.posted.dialect()),
    };
    respond::seal(&mut response, id, record.verdict(), &record.end.timings);
    limits::put_headers(response.headers_mut(), record.counting.standings());
    if style.hang_up {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.send(response);
}
