//! A call from its admission to its last byte, whatever it asks for: input gate, dispatch, output gate, refusals.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cordon_core::{
    Action, Category, Name, Refusal, RefusalCode, Timestamp,
    containment::PromptId,
    json,
    record::{Outcome, RecordedVerdict},
    resource::RefusalStyle,
};
use cordon_inspect::Sensitivity;
use cordon_policy::RouteEntry;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    abuse::Seen,
    admit::Admitted,
    answer::Expected,
    authority::Authority,
    call::Call,
    custom,
    dispatch::{SendError, refusal_of},
    held::{Asking, Reviewing},
    inspection::{Inspection, Verdict},
    limits::Spent,
    operation::{Asked, Back, Inspected, Outgoing, Posted},
    pipeline::{Answer, Inner},
    planted::Planted,
    predict::{Ballots, Doubt, Reason},
    quarantine,
    record::{CallRecord, micros},
    registry::Place,
    release::{Released, ReleasedSender},
    remote::{Answers, Needed, Used},
    reserve::{self, Deadline},
    resilience::{Attempts, Trying},
    respond, sensitivity,
    streamed::{CALLER_PATIENCE, EVENT_STREAM, streamed},
    upstream::UpstreamResponse,
};

/// Largest error of an upstream.
pub(crate) const MAX_ERROR_BYTES: usize = 64 << 10;
/// How long an upstream may take to say why it failed, where another one can be asked instead.
const ERROR_PATIENCE: Duration = Duration::from_secs(1);

/// A call whose request was inspected and may go on. Made by `clear` alone.
#[derive(Debug)]
pub struct Cleared {
    pub(crate) admitted: Admitted,
    pub(crate) request: Inspected,
    pub(crate) inspection: Inspection,
    /// How the answer of the target is read.
    pub(crate) back: Back,
    /// The predictions so far, where several models must agree.
    pub(crate) ballots: Ballots,
    /// The detectors elsewhere that look at the answer too.
    pub(crate) used: Option<Used>,
    /// What has entered the call or stands in the tools that it offers, and how carefully it must be handled for that.
    labels: BTreeSet<Category>,
    class: Sensitivity,
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
pub(crate) async fn clear(
    call: Call<Admitted>,
    mut request: Asked,
    seen: &Seen,
    prompt: Option<PromptId>,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Call<Cleared>, Refusal> {
    let current = gateway.snapshot.load_full();
    request.may_go_to(call.stage.route(), &call.snapshot);
    request.may_instruct(call.stage.route())?;
    let mut taint = request.entered(&call.snapshot)?;
    let route = call.stage.route();
    let planted =
        Planted::new(route.spotlighting, route.canary, &gateway.options.pseudonym_key, &route.name, prompt);
    // A body may take its time: what was quarantined meanwhile holds for it.
    let inspection = Inspection::new(
        gateway.engine.clone(),
        Arc::new(call.stage.guard().clone()),
        call.time,
        gateway.options.pseudonym_key.clone(),
    )
    .contained(current.quarantined())
    .in_memory(Arc::clone(&gateway.files))
    .in_mode(call.stage.route().mode)
    .for_task(request.task(&gateway.engine))
    .structured(call.stage.route().files.clone())
    .normalising(call.stage.route().normalise)
    .planting(planted)
    .reviewing_by(Reviewing::of(&call, Arc::clone(&current), &gateway.options.pseudonym_key));
    let mut verdict = Verdict::default();
    let principal = &call.stage.identity().principal.name;
    for slowing in inspection.abuse(&seen.signals, &mut verdict) {
        gateway.abuse.throttle(principal, std::slice::from_ref(seen), &slowing, call.time);
    }
    let mut told = request.told();
    if let Some(canary) = inspection.planted().and_then(Planted::canary) {
        told = told.with_marker(canary);
    }
    if let Some(canary) = inspection.planted().and_then(Planted::document_canary) {
        told = told.with_document_marker(canary);
    }
    let expected = request.expected(call.stage.route(), inspection.guard());
    let inspection = inspection.keeping_files(expected.as_ref().is_some_and(Expected::reads_files));
    let first = |by: &Inspection| request.clone().inspect(by, &mut verdict.clone()).is_ok();
    // In a box: few calls have pictures that somebody reads.
    let (inspection, mut broken) =
        Box::pin(gateway.detectors.reading(current.quarantined(), inspection, first)).await;
    let needed = Needed::on(call.stage.route(), &call.snapshot);
    broken.extend(gateway.detectors.broken(call.stage.guard(), needed, current.quarantined()));
    broken.extend(custom::broken(call.stage.guard(), &gateway.engine, current.quarantined()));
    let used = gateway.detectors.beside(call.stage.guard(), current.quarantined());
    let inspection = match &used {
        // In a box: no other call carries it about.
        Some(used) => {
            let first = |by: &Inspection| request.clone().inspect(by, &mut verdict.clone()).is_ok();
            Box::pin(gateway.detectors.after(used, broken, inspection, first)).await
        }
        None if broken.is_empty() => inspection,
        None => inspection.answered(Answers::unavailable(broken)),
    };
    inspection.unanswered(&mut verdict);
    request.topics(&inspection, &mut verdict);
    request.offered(&call.snapshot, call.stage.route(), &inspection, &mut verdict);
    let inspected = request.inspect(&inspection, &mut verdict);
    let inspection = inspection.alone();
    taint.labels.extend(verdict.labels().iter().cloned());
    let defined = verdict.defined().clone();
    record.describe(|opened| opened.taint = taint.clone());
    let waiting = verdict.take_waiting();
    let normalised = verdict.normalised();
    let sent = verdict.take_sent();
    let files = verdict.take_attached();
    let answers = call.stage.route().answers.as_ref();
    let expected = expected.and_then(|expected| expected.with_files(&files, answers, call.stage.guard()));
    record.input = verdict.into_recorded();
    let request = match inspected {
        Ok(request) => request,
        Err(refusal) => {
            let asking = Asking::admitted(&call);
            let (refusal, held) = gateway.hold(refusal, waiting, asking, record).await;
            record.input.held = held;
            return Err(refusal);
        }
    };
    record.describe(|opened| opened.normalised = normalised);
    let principal = &call.stage.identity().principal;
    let authority = Authority::of(&call.snapshot, call.stage.route(), principal, &taint);
    let inspection = inspection.under(authority).telling(told).expecting(expected).answering(sent);
    if record.input.action >= Action::Redact || inspection.planted().is_some() || !normalised.is_nothing() {
        // It has other words now.
        record.counting.shape = None;
    }
    let ballots = Ballots::new(call.stage.route());
    let labels: BTreeSet<Category> = taint.labels.into_iter().chain(defined).collect();
    let class = sensitivity::class(&labels, inspection.custom());
    Ok(call.at(|admitted| Cleared {
        admitted,
        request,
        inspection,
        back: Back::default(),
        ballots,
        used,
        labels,
        class,
    }))
}

/// Sends the request to one target of its route after the other until one answers, and gives that answer back through the
/// output gate. Once an answer has begun, no other target is tried.
pub(crate) async fn exchange(
    mut call: Call<Cleared>,
    seed: u64,
    gateway: &Inner,
    place: &Place,
    record: &mut CallRecord,
    answer: &mut Answer,
    style: &mut Style,
) -> Result<(), Refusal> {
    let mut attempts = Attempts::new(gateway, call.stage.admitted.route(), seed);
    let mut last = None;
    let mut doubted: Option<Doubted> = None;
    let mut output = None;
    while let Some(mut trying) = attempts.next(gateway, record).await? {
        let target = quarantine::of_target(trying.permit().target());
        let leave = place.at(target.clone());
        let out =
            || target.iter().find(|subject| gateway.snapshot.load().quarantined().contains(subject)).cloned();
        // A quarantine that came between the permit and the line above has not found this call: look again.
        if let Some(subject) = out() {
            attempts.leave(&trying, Some(subject), record);
            continue;
        }
        let (class, labels) = (call.stage.class, &call.stage.labels);
        if let Err(refusal) = sensitivity::bears(trying.permit().target(), class, labels) {
            attempts.not_asked(&trying, record);
            // What became of one that was asked says more than that another one may not be.
            last = last.or(Some(Err(refusal)));
            continue;
        }
        let ready = match reserve::ready(&mut call, trying.permit(), &mut output, gateway, record).await {
            Ok(ready) => ready,
            // The limits of another model may have room, and another target may speak the caller's protocol.
            Err(refusal) => {
                attempts.not_asked(&trying, record);
                last = Some(Err(refusal));
                continue;
            }
        };
        call.stage.back = ready.back;
        record.open();
        if record.counting.holds_money() {
            // A crash must not lose what a model was asked for: the reservation is in the journal before the model is.
            record.opened_is_durable().await?;
        }
        let passed = Duration::from_micros(record.micros());
        attempts.no_later(ready.deadline.as_ref().map(|deadline| deadline.left(passed)));
        let came = tokio::select! {
            biased;
            () = leave.cancelled() => None,
            refusal = over(ready.deadline, passed) => return Err(refusal),
            came = attempt(&mut call, ready.outgoing, &attempts, &mut trying, gateway, record, answer, style) => Some(came),
        };
        last = match came {
            Some(Came::Over(result)) => return result,
            Some(Came::Refused(failed)) => {
                record.leaves(Spent::Nothing);
                attempts.refused(trying, failed.status, &failed.headers, record);
                Some(Ok(failed))
            }
            Some(Came::Doubted(refusal, reason)) => {
                // It did the work.
                record.leaves(Spent::Unknown);
                attempts.doubted(trying, reason, refusal.code, record);
                if reason != Reason::Broken {
                    let found = record.end.output.clone();
                    doubted =
                        Some(Doubted::stricter(doubted, Doubted { refusal: (*refusal).clone(), found }));
                }
                Some(Err(*refusal))
            }
            Some(Came::Failed(error)) => {
                record.leaves(error.spent());
                attempts.failed(trying, &error, record);
                Some(Err(error.refusal))
            }
            None if answer.is_open() && !record.is_closed() => {
                // It may have done the work.
                record.leaves(Spent::Unknown);
                // What made it leave may be lifted again by now.
                let subject = out().or_else(|| target.first().cloned());
                attempts.leave(&trying, subject, record);
                None
            }
            None => return Err(Refusal::new(RefusalCode::Cancelled, "ended from within")),
        };
    }
    // What became of the others is no answer to what was doubted: it is held, or what the guards say of it.
    if let Some(Doubted { refusal, found }) = doubted {
        record.end.output = found;
        return Err(refusal);
    }
    match last {
        Some(Ok(failed)) => failed.pass_on(&call, gateway, record, answer).await,
        Some(Err(refusal)) => Err(refusal),
        None => Err(attempts.none()),
    }
}

/// A prediction that no other one took the place of.
struct Doubted {
    refusal: Refusal,
    /// What was found in it.
    found: RecordedVerdict,
}

impl Doubted {
    /// The one that is refused more strictly: what is blocked does not wait for a person. Of equals, the later one.
    fn stricter(one: Option<Self>, other: Self) -> Self {
        let blocked = |doubted: &Self| doubted.refusal.code == RefusalCode::PredictionRefused;
        match one {
            Some(one) if blocked(&one) && !blocked(&other) => one,
            _ => other,
        }
    }
}

/// Waits until a call that took so long takes too long. Gives what it is told.
pub(crate) async fn over(deadline: Option<Deadline>, passed: Duration) -> Refusal {
    match deadline {
        Some(deadline) => {
            tokio::time::sleep(deadline.left(passed)).await;
            deadline.over()
        }
        None => std::future::pending().await,
    }
}

/// What came of an attempt.
enum Came {
    /// It answered, and this became of the answer.
    Over(Result<(), Refusal>),
    /// It answered with an error that another target may not have.
    Refused(Box<Failed>),
    /// It gave no answer.
    Failed(SendError),
    /// It answered, and what another one says is needed too.
    Doubted(Box<Refusal>, Reason),
}

/// One attempt. The request was written anew for it: targets differ in what they call the model, and in their protocol.
#[expect(clippy::too_many_arguments, reason = "an attempt needs what the whole exchange needs")]
async fn attempt(
    call: &mut Call<Cleared>,
    outgoing: Outgoing,
    attempts: &Attempts,
    trying: &mut Trying,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
    style: &mut Style,
) -> Came {
    let permit = trying.permit();
    let trace = record.trace().onward();
    if let Some(capturing) = record.capturing() {
        capturing.sent(&outgoing.body, call.stage.request.tokens());
    }
    let sent = Instant::now();
    record.marks.sent = Some(record.micros());
    let sending = gateway.upstreams.send(permit, outgoing, trace, attempts.left());
    let response = match sending.await {
        Ok(response) => response,
        Err(error) => {
            record.waited(sent);
            return Came::Failed(error);
        }
    };
    record.end.timings.upstream_first_byte = micros(sent);
    record.waited(sent);
    let status = response.status.as_u16();
    record.end.upstream_status = Some(status);
    // Whose rows another model took did not ask amiss: an error here is this target's, whatever it says.
    if is_targets(status) || attempts.is_doubted() && !response.status.is_success() {
        let patience = attempts.has_others().then_some(ERROR_PATIENCE);
        return Came::Refused(Box::new(Failed::read(response, patience, record).await));
    }
    attempts.answered(trying, status, record);
    let result = if !response.status.is_success() {
        Failed::read(response, None, record).await.pass_on(call, gateway, record, answer).await
    } else if call.stage.request.streams() {
        streamed(call, response, gateway, record, answer, style).await
    } else {
        match whole(call, response, gateway, record, answer).await {
            Err(Doubt::Another(refusal, reason)) => return Came::Doubted(refusal, reason),
            Err(Doubt::Final(refusal)) => Err(*refusal),
            Ok(()) => Ok(()),
        }
    };
    if let Some(code) = result.as_ref().err().map(|refusal| refusal.code).or(record.end.code) {
        attempts.broke(trying, code, record);
    }
    Came::Over(result)
}

/// Whether a status speaks of the target rather than of the request, so that another target may do better.
const fn is_targets(status: u16) -> bool {
    !matches!(status, 200..=299 | 400 | 408 | 409 | 413 | 422)
}

/// An answer in one piece.
async fn whole(
    call: &mut Call<Cleared>,
    response: UpstreamResponse,
    gateway: &Inner,
    record: &mut CallRecord,
    answer: &mut Answer,
) -> Result<(), Doubt> {
    let waiting = Instant::now();
    let limits = call.stage.request.answer_limits();
    // Who gives no prediction has done nothing: another model is asked.
    let again = call.stage.request.posted().is_prediction();
    let broken = |refusal| match again {
        true => Doubt::Another(Box::new(refusal), Reason::Broken),
        false => Doubt::from(refusal),
    };
    let bytes = response.body.collect(limits.bytes).await.map_err(|error| broken(refusal_of(&error)))?;
    record.end.timings.upstream = record.end.timings.upstream.saturating_add(micros(waiting));
    record.marks.answered = Some(record.micros());
    if let Some(capturing) = record.capturing() {
        capturing.answered(&bytes);
    }
    let inspecting = Instant::now();
    let failed = |why: String| broken(Refusal::new(RefusalCode::UpstreamFailed, why));
    let tree = json::Value::parse(&bytes, limits)
        .map_err(|error| failed(format!("the answer is not strict JSON: {error}")))?;
    let answered = call.stage.request.answered(tree, &call.stage.back);
    let (read, usage) = answered.map_err(|error| failed(error.to_string()))?;
    record.used(usage);
    record.said = read.said();
    let mut verdict = Verdict::default();
    let Cleared { request, back, ballots, inspection, .. } = &mut call.stage;
    let judged = read.judge(request, back, ballots, inspection, &mut verdict);
    if judged.is_err() {
        record.end.output = verdict.into_recorded();
        return judged;
    }
    let route = call.stage.admitted.route().name.as_str();
    let tokens = call.stage.request.tokens();
    let inspection = match &call.stage.used {
        Some(used) => {
            let first =
                |by: &Inspection| read.clone().inspect(by, tokens, route, &mut verdict.clone()).is_ok();
            let inspection = call.stage.inspection.clone();
            Box::pin(gateway.detectors.after(used, Vec::new(), inspection, first)).await
        }
        None => call.stage.inspection.clone(),
    };
    inspection.unanswered(&mut verdict);
    let released = read.inspect(&inspection, tokens, route, &mut verdict);
    let asking = Asking::cleared(call);
    let released = match released {
        Ok(body) => gateway.spend(&mut verdict, asking, record).await.map(|()| body),
        Err(refusal) => Err(gateway.hold(refusal, verdict.take_waiting(), asking, record).await),
    };
    record.end.output = verdict.into_recorded();
    let body = match released {
        Ok(body) => Released::new(body),
        Err((refusal, held)) => {
            record.end.output.held = held;
            return Err(refusal.into());
        }
    };
    record.end.timings.inspect_output = micros(inspecting);
    release(call, 200, &response.headers, body, Outcome::Released, gateway, record, answer).await?;
    Ok(())
}

/// An answer of an upstream that failed, read: nothing of it keeps a connection while others are tried.
struct Failed {
    status: u16,
    headers: HeaderMap,
    /// What it says, or why nobody knows.
    words: Result<Bytes, Refusal>,
}

impl Failed {
    /// Reads what a failed upstream says, which may take as long as its service allows and no longer than `patience`.
    async fn read(response: UpstreamResponse, patience: Option<Duration>, record: &mut CallRecord) -> Self {
        let UpstreamResponse { status, headers, body, .. } = response;
        let status = status.as_u16();
        let waiting = Instant::now();
        let read = body.collect(MAX_ERROR_BYTES);
        let words = match patience {
            Some(patience) => tokio::time::timeout(patience, read).await.map_err(|_| {
                let why = format!("the upstream answered {status}, and did not end within {patience:?}");
                Refusal::new(RefusalCode::UpstreamFailed, why)
            }),
            None => Ok(read.await),
        };
        record.waited(waiting);
        record.marks.answered = Some(record.micros());
        Self { status, headers, words: words.and_then(|words| words.map_err(|error| refusal_of(&error))) }
    }

    /// Gives it to the caller: its words are hostile like any other answer.
    async fn pass_on(
        self,
        call: &Call<Cleared>,
        gateway: &Inner,
        record: &mut CallRecord,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        let Self { status, headers, words } = self;
        // The gateway's own credential or address is wrong: nothing that a caller could mend, and nothing to be told.
        if !matches!(status, 400 | 404 | 408 | 409 | 413 | 422 | 429 | 500..=599) {
            let why = format!("the upstream answered {status}");
            return Err(Refusal::new(RefusalCode::UpstreamFailed, why));
        }
        let bytes = words?;
        if let Some(capturing) = record.capturing() {
            capturing.answered(&bytes);
        }
        let inspecting = Instant::now();
        let mut verdict = Verdict::default();
        let tree = json::Value::parse(&bytes, json::Limits::default()).ok();
        let dialect = call.stage.request.posted().dialect();
        let error =
            dialect.upstream_error(tree.as_ref(), status, &call.id, &call.stage.inspection, &mut verdict);
        record.end.output = verdict.into_recorded();
        let error = error?;
        record.end.timings.inspect_output = micros(inspecting);
        let body = Released::new(error.to_vec());
        release(call, status, &headers, body, Outcome::UpstreamFailed, gateway, record, answer).await
    }
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
    record.end.response_digest = Some(record.content_key(gateway).digest(body.as_bytes()));
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
    record.seal_head(&mut response);
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
    if let Some(sender) = &style.streaming {
        // Nobody reads what is said to a caller who has gone.
        let last = match refusal.code {
            RefusalCode::CallerGone => Vec::new(),
            _ => style.posted.cut_off(refusal, &id),
        };
        record.released(&last);
        // Unrecorded or not, nothing more of the answer leaves.
        if !record.is_closed()
            && let Err(unrecorded) = record.refuse(refusal).await
        {
            tracing::error!(call = %id, reason = unrecorded.private, "a refusal was not recorded");
        }
        if !last.is_empty() {
            let _ = tokio::time::timeout(CALLER_PATIENCE, sender.send(Released::new(last))).await;
        }
        return;
    }
    let passes_for_an_answer = |refusal: &Refusal| {
        matches!(
            refusal.code,
            RefusalCode::ContentBlocked
                | RefusalCode::Held
                | RefusalCode::HeldNoReviewer
                | RefusalCode::RouteOff
        )
    };
    if style.filtered.is_some() && answer.is_open() && passes_for_an_answer(refusal) {
        record.told(200);
    }
    let recorded = if record.is_closed() { Ok(()) } else { record.refuse(refusal).await };
    let refusal = recorded.as_ref().err().unwrap_or(refusal);
    if !answer.is_open() {
        return;
    }
    let of_content = passes_for_an_answer(refusal);
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
    record.seal_refusal(&mut response);
    if style.hang_up {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.send(response);
}
