//! An answer that comes as a stream of events: each piece through the output gate, the end behind the record.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cordon_core::{Refusal, RefusalCode, record::Outcome};
use http::{HeaderMap, HeaderValue, Response, header};

use crate::{
    call::Call,
    dispatch::refusal_of,
    exchange::{Cleared, Style, pass_on},
    held::Asking,
    operation::MAX_ANSWER_BYTES,
    pipeline::{Answer, Inner},
    record::{CallRecord, micros},
    release::{Released, ReleasedBody, ReleasedSender},
    sse,
    tree::gate::{Gate, Progress, StreamError, StreamOptions},
    upstream::{UpstreamBody, UpstreamError, UpstreamResponse},
};

/// The media type of a stream.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
/// How long a caller may take to read a piece of a stream.
pub(crate) const CALLER_PATIENCE: Duration = Duration::from_secs(60);
/// How long an upstream may take to end its answer after its last event.
const DRAIN: Duration = Duration::from_millis(200);

/// The stream to the caller, and the head that is sent before the first of it.
struct Downstream<'a> {
    call: &'a Call<Cleared>,
    headers: HeaderMap,
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
            record.told(200);
            style.streaming = Some(sender.clone());
            self.sender = Some(sender);
        }
        record.released(&bytes);
        let Some(sender) = &self.sender else { return Ok(()) };
        let sent = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(bytes)));
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::new(RefusalCode::CallerGone, "")),
            Err(_) => Err(Refusal::new(RefusalCode::CallerGone, "the caller does not read its stream")),
        }
    }

    /// Waits for the next piece of the upstream. While that says nothing, a caller whose stream has begun is sent a comment now
    /// and then: nobody on the way takes the connection for dead.
    async fn wait(
        &mut self,
        body: &mut UpstreamBody,
        every: Duration,
        record: &mut CallRecord,
        answer: &mut Answer,
        style: &mut Style,
    ) -> Result<Result<Option<Bytes>, UpstreamError>, Refusal> {
        loop {
            // Giving up a wait for a piece loses nothing, and the upstream's own times go on.
            if let Ok(chunk) = tokio::time::timeout(every, body.chunk()).await {
                return Ok(chunk);
            }
            if self.sender.is_some() {
                let mut comment = Vec::new();
                sse::write_comment(&mut comment, "keep-alive");
                self.send(comment, record, answer, style).await?;
            }
        }
    }

    /// Records the end and sends the last bytes: an observed end always has its frame.
    async fn finish(
        mut self,
        last: Vec<u8>,
        body: UpstreamBody,
        record: &mut CallRecord,
        answer: &mut Answer,
        style: &mut Style,
    ) -> Result<(), Refusal> {
        record.released(&last);
        record.close(Outcome::Released, 200).await?;
        match self.sender.take() {
            Some(sender) => end(sender, last, Some(body), style),
            None => {
                let response = self.head(ReleasedBody::whole(Released::new(last)), record);
                answer.send(response);
                tokio::spawn(drain(body));
            }
        }
        Ok(())
    }

    /// Records a refusal in mid-stream and sends its well-formed end.
    async fn refuse(self, refusal: &Refusal, last: Vec<u8>, record: &mut CallRecord, style: &mut Style) {
        record.released(&last);
        // Unrecorded or not, nothing more of the answer leaves; that it could not be recorded is the log's business.
        if let Err(unrecorded) = record.refuse(refusal).await {
            tracing::error!(call = %record.call(), reason = unrecorded.private, "a refusal was not recorded");
        }
        if let Some(sender) = self.sender {
            end(sender, last, None, style);
        }
    }

    fn head(&self, body: ReleasedBody, record: &CallRecord) -> Response<ReleasedBody> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        pass_on(&self.headers, headers);
        self.call.stage.back.tell(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        // Proxies must not gather a stream.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        record.seal_head(&mut response);
        response
    }
}

/// An answer as a stream of events. Every piece passes the gate; the end is held back until the record is durable.
pub(crate) async fn streamed(
    call: &Call<Cleared>,
    response: UpstreamResponse,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
    style: &mut Style,
) -> Result<(), Refusal> {
    let UpstreamResponse { headers, mut body, .. } = response;
    let hasher = record.content_key(gateway).hasher();
    record.streams(hasher);
    let mut downstream = Downstream { call, headers, sender: None };
    let route = call.stage.admitted.route();
    let options = StreamOptions {
        call: call.id,
        route: route.name.to_string(),
        include_usage: false,
        refusal: route.refusal,
        max_bytes: MAX_ANSWER_BYTES,
    };
    // Who needs the whole answer makes all of it wait: nothing of it leaves before it was asked.
    let used = call.stage.used.as_ref();
    let mut held: Option<Vec<u8>> = used.map(|_| Vec::new());
    let inspection = match used {
        Some(used) => call.stage.inspection.clone().asking(used),
        None => call.stage.inspection.clone(),
    };
    let mut gate = call.stage.request.gate(inspection.clone(), options, &call.stage.back);
    let mut parser = sse::Parser::default();
    loop {
        let waiting = Instant::now();
        let every = gateway.options.keep_alive;
        let chunk = downstream.wait(&mut body, every, record, answer, style).await?;
        record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
        record.marks.answered = Some(record.micros());
        if let (Ok(Some(chunk)), Some(capturing)) = (&chunk, record.capturing()) {
            capturing.answered(chunk);
        }
        let inspecting = Instant::now();
        let mut out = Vec::new();
        let mut step = match chunk {
            Ok(Some(chunk)) => feed(&mut *gate, &mut parser, &chunk, &mut out),
            Ok(None) => gate.end(&mut out).map_err(|error| broken(&error)),
            Err(error) => Err(refusal_of(&error)),
        };
        let mut waits = Vec::new();
        // A release lets in one call of a tool: it is used up before the call leaves.
        if matches!(step, Ok(Progress::Open | Progress::Done))
            && let Err((refusal, ids)) =
                gateway.spend(gate.verdict_mut(), Asking::cleared(call), record).await
        {
            (step, waits) = (Err(refusal), ids);
            out.clear();
        }
        record.end.timings.inspect_output =
            record.end.timings.inspect_output.saturating_add(micros(inspecting));
        // The head shows the verdict that these bytes had; and a call that ends from outside has what was found until then.
        let (found, known) = (gate.verdict().recorded(), &record.end.output);
        if (found.action, found.findings.len()) != (known.action, known.findings.len()) {
            record.end.output = found.clone();
        }
        let refusal = match step {
            Ok(Progress::Open) => {
                match &mut held {
                    Some(held) => held.append(&mut out),
                    None => downstream.send(out, record, answer, style).await?,
                }
                continue;
            }
            Ok(Progress::Done) => {
                if let (Some(used), Some(mut held)) = (used, held.take()) {
                    held.append(&mut out);
                    out = held;
                    let inspecting = Instant::now();
                    let answers = Box::pin(gateway.detectors.ask(used, inspection.wanted())).await;
                    let stop = inspection.answered(answers).over(gate.verdict_mut());
                    let taken = &mut record.end.timings.inspect_output;
                    *taken = taken.saturating_add(micros(inspecting));
                    if stop.is_err() {
                        let refusal = gate.verdict().refusal();
                        record.used(gate.usage());
                        record.said = gate.said().clone();
                        record.end.output = gate.verdict().recorded().clone();
                        let why = "a detector stopped the stream";
                        return Err(refusal.unwrap_or_else(|| Refusal::new(RefusalCode::ContentBlocked, why)));
                    }
                }
                record.used(gate.usage());
                record.said = gate.said().clone();
                record.end.output = gate.verdict().recorded().clone();
                return downstream.finish(out, body, record, answer, style).await;
            }
            Ok(Progress::Stopped) => {
                let why = || Refusal::new(RefusalCode::ContentBlocked, "the gate stopped the stream");
                let refusal = gate.verdict().refusal().unwrap_or_else(why);
                let waiting = gate.verdict_mut().take_waiting();
                let (refusal, ids) = gateway.hold(refusal, waiting, Asking::cleared(call), record).await;
                waits = ids;
                refusal
            }
            Err(refusal) => refusal,
        };
        // Of an answer that waits for somebody else's verdict nothing leaves without it.
        if held.is_some() {
            out.clear();
        }
        // What was settled before the stop may still be read; then a well-formed end says why there is no more.
        downstream.send(out, record, answer, style).await?;
        record.used(gate.usage());
        // What was said of tokens so far is not all of them: the model may have gone on.
        record.cut_off();
        record.said = gate.said().clone();
        record.end.output = gate.verdict().recorded().clone();
        record.end.output.held = waits;
        if downstream.sender.is_none() {
            return Err(refusal);
        }
        let mut last = Vec::new();
        gate.refuse(&refusal, &mut last);
        downstream.refuse(&refusal, last, record, style).await;
        return Ok(());
    }
}

/// Sends the last bytes of a stream whose end is recorded. The call is over: nothing takes its last bytes back, and nothing comes
/// behind them.
fn end(sender: ReleasedSender, last: Vec<u8>, body: Option<UpstreamBody>, style: &mut Style) {
    style.streaming = None;
    tokio::spawn(async move {
        let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
        drop(sender);
        if let Some(body) = body {
            drain(body).await;
        }
    });
}

/// Reads what an upstream says after its last event, so that the connection can serve the next call; one that says more
/// than nothing is closed.
async fn drain(mut body: UpstreamBody) {
    let _ = tokio::time::timeout(DRAIN, body.chunk()).await;
}

fn broken(error: &StreamError) -> Refusal {
    Refusal::new(RefusalCode::UpstreamFailed, error.to_string())
}

/// Gives a piece of the upstream's bytes to the gate; what may leave is added to `out`.
fn feed(
    gate: &mut dyn Gate,
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
