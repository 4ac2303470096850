//! The record of one call, closed exactly once whatever happens to the call.

use std::{sync::Arc, time::Instant};

use cordon_core::{
    Action, CallId, Digest, HmacKey, KeyedHasher, Name, Refusal, RefusalCode,
    record::{
        Attempt, AttemptOutcome, Attempted, Closed, Frame, MAX_ATTEMPTS, Opened, Outcome, RecordedVerdict,
        Spend, Timings, Tokens,
    },
    resource::{Audit, Price, RouteMode},
};
use cordon_policy::RouteEntry;
use http::Response;

use crate::{
    capture::Capturing,
    dispatch::{Permit, Target},
    held::Holding,
    limits::{self, Counting, Spent},
    openai::Said,
    pipeline::Inner,
    ports::{Capture, Clock, Durable, EndedCall, Marks, Meter, RecordError, Recorder, TracedCall, Tracer},
    release::ReleasedBody,
    resilience::breaker::Phase,
    respond,
    trace::CallTrace,
};

/// The record of a call with a known principal. Dropped without being closed (a panic, a runtime that goes down), it writes
/// its end as `interrupted`.
pub(crate) struct CallRecord {
    ports: Ports,
    started: Instant,
    opened: Option<Box<Opened>>,
    /// What `opened` said, once it was written.
    written: Option<Box<Opened>>,
    open_durable: Option<Durable>,
    /// What is known of the end so far.
    pub(crate) end: Closed,
    /// The verdict on the request, once there is one.
    pub(crate) input: RecordedVerdict,
    audit: Audit,
    route: Option<Name>,
    /// What the tokens of the model that was chosen cost.
    price: Option<Price>,
    /// Where it goes, once that was chosen.
    target: Option<Target>,
    /// The targets that were tried, or passed over.
    attempts: Vec<Attempt>,
    /// When the time of the call is over, where that is before the time of the target that answers.
    shortened_to: Option<Instant>,
    /// Whether another target answers than the one that was meant to.
    fell_back: bool,
    /// What the target used that the call has left, until it goes to another one.
    left: Option<Spent>,
    /// How its route works.
    mode: RouteMode,
    /// The key of its content digests, once it was needed.
    content_key: Option<HmacKey>,
    /// The trace that it belongs to.
    trace: CallTrace,
    /// When its parts were.
    pub(crate) marks: Marks,
    /// What the answer said of itself.
    pub(crate) said: Said,
    /// Whether the model said that it would not answer.
    declined: bool,
    /// What its prompt is known by among those of its principal.
    pub(crate) prompt: Option<u64>,
    /// Keyed pseudonyms of everybody who is said to be behind it, in its body and by its header.
    pub(crate) senders: Vec<Digest>,
    /// What is to be kept of its content.
    capturing: Option<Box<Capturing>>,
    /// What it is counted under.
    pub(crate) counting: Counting,
    /// Whether its answer was not read to its end.
    cut_off: bool,
    /// The status that the caller was told, once the head of the answer has left.
    told: Option<u16>,
    /// Digests what is released of a stream.
    hasher: Option<Box<KeyedHasher>>,
    closed: bool,
}

/// Who answers a call, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a> {
    /// The model.
    pub(crate) model: Option<&'a Name>,
    /// Why it is not the one that was meant to.
    pub(crate) fallback: Option<&'static str>,
    /// How the route works.
    pub(crate) mode: RouteMode,
}

/// What a record needs of the outside.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) capture: Arc<dyn Capture>,
    pub(crate) holding: Arc<dyn Holding>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) tracer: Arc<dyn Tracer>,
}

impl CallRecord {
    /// A record that begins with these facts of the call.
    pub(crate) fn new(ports: Ports, started: Instant, opened: Opened, trace: CallTrace) -> Self {
        let end = Closed::interrupted(opened.call, opened.time);
        Self {
            ports,
            started,
            opened: Some(Box::new(opened)),
            written: None,
            open_durable: None,
            end,
            input: RecordedVerdict::default(),
            audit: Audit::Required,
            route: None,
            price: None,
            target: None,
            attempts: Vec::new(),
            shortened_to: None,
            fell_back: false,
            left: None,
            mode: RouteMode::Normal,
            content_key: None,
            trace,
            marks: Marks::default(),
            said: Said::default(),
            declined: false,
            prompt: None,
            senders: Vec::new(),
            capturing: None,
            counting: Counting::default(),
            cut_off: false,
            told: None,
            hasher: None,
            closed: false,
        }
    }

    /// The call's id.
    pub(crate) fn call(&self) -> CallId {
        self.end.call
    }

    /// Changes what `opened` will say. Without effect once it was written.
    pub(crate) fn describe(&mut self, change: impl FnOnce(&mut Opened)) {
        if let Some(opened) = &mut self.opened {
            change(opened);
        }
    }

    /// Says which route the call is for, and what its record is worth to it.
    pub(crate) fn routed(&mut self, route: &RouteEntry) {
        self.audit = route.audit;
        self.route = Some(route.name.clone());
        self.mode = route.mode;
        self.describe(|opened| opened.mode = route.mode);
    }

    /// Says where the call goes now. What an earlier target was about to say is forgotten.
    pub(crate) fn goes_to(&mut self, permit: &Permit) {
        self.describe(|opened| permit.describe(opened));
        // Until the end is sealed, its time is the one at which the call came.
        self.price = permit.price(self.end.time).cloned();
        if self.target.replace(permit.target().clone()).is_none() {
            return;
        }
        self.counting.again(self.left.take().unwrap_or(Spent::Nothing));
        self.marks.sent = None;
        self.cut_off = false;
        // Of a stream that has not begun; its digest is of nothing.
        self.hasher = None;
        let begun = Closed::interrupted(self.end.call, self.end.time);
        let end = std::mem::replace(&mut self.end, begun);
        self.end.timings = Timings { upstream_first_byte: 0, inspect_output: 0, ..end.timings };
        self.said = Said::default();
        if let Some(capturing) = self.capturing() {
            capturing.again();
        }
    }

    /// The call waited for an upstream from this time to now.
    pub(crate) fn waited(&mut self, since: Instant) {
        let upstream = &mut self.end.timings.upstream;
        *upstream = upstream.saturating_add(micros(since));
    }

    /// Tells the phase of a target's breaker, where it is another one than before.
    pub(crate) fn breaker(&self, model: &Name, phase: Option<Phase>) {
        if let Some(phase) = phase {
            self.ports.meter.breaker(model, phase);
        }
    }

    /// A target was tried, or passed over.
    pub(crate) fn tried(&mut self, attempt: Attempt) {
        if self.attempts.len() < MAX_ATTEMPTS {
            self.attempts.push(attempt);
        }
    }

    /// The call leaves the target that it was sent to, which used so much.
    pub(crate) const fn leaves(&mut self, spent: Spent) {
        self.left = Some(spent);
    }

    /// The target that was tried last is left: what was said of it does not hold.
    pub(crate) fn left(&mut self, attempt: Attempt) {
        if self.attempts.last().is_some_and(|last| last.began == attempt.began) {
            self.attempts.pop();
        }
        self.tried(attempt);
    }

    /// Says when the time of the call is over, where that is before the time of the target that answers.
    pub(crate) const fn is_shortened_to(&mut self, end: Option<Instant>) {
        self.shortened_to = end;
    }

    /// The attempts as the end tells them: all of them, where there were several or the end alone would blame the only one for what
    /// is not its own.
    fn told_attempts(&mut self) -> Vec<Attempt> {
        let is_late = self.shortened_to.is_some_and(|end| end <= Instant::now());
        if is_late
            && self.end.code == Some(RefusalCode::UpstreamTimeout)
            && let Some(last) = self.attempts.last_mut()
            && last.outcome == AttemptOutcome::Answered
        {
            last.outcome = AttemptOutcome::CutShort;
        }
        let is_told = match self.attempts.as_slice() {
            [] => false,
            [only] => {
                self.end.outcome == Outcome::UpstreamFailed
                    && matches!(only.outcome, AttemptOutcome::CutShort | AttemptOutcome::Unready)
            }
            _ => true,
        };
        if is_told { std::mem::take(&mut self.attempts) } else { Vec::new() }
    }

    /// Says whether another target answers than the one that was meant to.
    pub(crate) const fn fell_back(&mut self, fell_back: bool) {
        self.fell_back = fell_back;
    }

    /// Who answers, and how the route works: what the caller is told.
    fn served(&self) -> Served<'_> {
        let passed_over =
            self.attempts.iter().chain(&self.end.attempts).find(|attempt| {
                !matches!(attempt.outcome, AttemptOutcome::Answered | AttemptOutcome::Compared)
            });
        Served {
            model: self.target.as_ref().map(|target| &target.model),
            fallback: passed_over.filter(|_| self.fell_back).map(|attempt| attempt.outcome.as_str()),
            mode: self.mode,
        }
    }

    /// Puts the headers on an answer that every answer to a known caller has: how it was judged, how long it took, how full its
    /// limits are, and who gave it.
    pub(crate) fn seal_head(&self, response: &mut Response<ReleasedBody>) {
        self.seal_as(&self.served(), response);
    }

    /// The same of a refusal, which no model gave.
    pub(crate) fn seal_refusal(&self, response: &mut Response<ReleasedBody>) {
        self.seal_as(&Served { model: None, fallback: None, mode: self.mode }, response);
    }

    fn seal_as(&self, served: &Served<'_>, response: &mut Response<ReleasedBody>) {
        let total = if self.closed { self.end.timings.total } else { self.micros() };
        let timings = Timings { total, ..self.end.timings };
        respond::seal(response, self.call(), self.verdict(), &timings);
        limits::put_headers(response.headers_mut(), self.counting.standings());
        respond::tell(response, served);
    }

    /// The key of the call's content digests: its own, derived from its id.
    pub(crate) fn content_key(&mut self, gateway: &Inner) -> &HmacKey {
        let call = self.end.call;
        self.content_key.get_or_insert_with(|| gateway.content_key(call))
    }

    /// The trace that the call belongs to.
    pub(crate) const fn trace(&self) -> &CallTrace {
        &self.trace
    }

    /// Keeps what the call says from now on. Without effect once `opened` was written.
    pub(crate) fn capture(&mut self, mut capturing: Capturing) {
        if let Some(opened) = &self.opened {
            capturing.of(opened.call, opened.time, opened.subject);
            self.capturing = Some(Box::new(capturing));
        }
    }

    /// What is to be kept of the call's content, if anything is.
    pub(crate) fn capturing(&mut self) -> Option<&mut Capturing> {
        self.capturing.as_deref_mut()
    }

    /// What is released from now on is a stream, with such digests.
    pub(crate) fn streams(&mut self, hasher: KeyedHasher) {
        self.hasher = Some(Box::new(hasher));
    }

    /// The head of the answer leaves with this status: whatever comes now, the caller has seen it.
    pub(crate) const fn told(&mut self, status: u16) {
        self.told = Some(status);
    }

    /// These bytes of a stream leave.
    pub(crate) fn released(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        if let Some(capturing) = self.capturing() {
            capturing.released(bytes);
        }
        self.end.response_bytes = self.end.response_bytes.saturating_add(bytes.len() as u64);
    }

    /// Keyed pseudonym of the person behind the caller.
    pub(crate) fn subject(&self) -> Option<Digest> {
        self.opened.as_ref().and_then(|opened| opened.subject)
    }

    /// Whether the end was written.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether it was refused for what it says, by a guard or by the model.
    pub(crate) const fn was_refused_for_content(&self) -> bool {
        let by_guard = matches!(
            self.end.code,
            Some(RefusalCode::ContentBlocked | RefusalCode::Held | RefusalCode::HeldNoReviewer)
        );
        by_guard || self.declined
    }

    /// The strictest action so far.
    pub(crate) fn verdict(&self) -> Action {
        self.input.action.max(self.end.output.action)
    }

    /// Microseconds since the call came.
    pub(crate) fn micros(&self) -> u64 {
        micros(self.started)
    }

    /// Puts on its way to the journal, beside whatever comes next, what it does not say yet of the attempt that begins: `opened`, or
    /// what the call is charged now that it goes to another model.
    pub(crate) fn open(&mut self) {
        let first = self.opened_frame().transpose();
        let frames = match first.or_else(|| self.attempted_frame()).transpose() {
            Ok(Some(frame)) => vec![frame],
            Ok(None) => return,
            Err(error) => {
                self.open_durable = Some(Box::pin(std::future::ready(Err(error))));
                return;
            }
        };
        match self.audit {
            Audit::Required => {
                let durable = self.ports.recorder.append(frames);
                self.open_durable = Some(match self.open_durable.take() {
                    Some(before) => Box::pin(async {
                        before.await?;
                        durable.await
                    }),
                    None => durable,
                });
            }
            Audit::BestEffort => self.ports.recorder.offer(frames),
        }
    }

    /// The frame of an attempt after the first; `None` when there is nothing to say of it.
    fn attempted_frame(&self) -> Option<Result<Vec<u8>, RecordError>> {
        let (charged, target) = (self.counting.owed()?, self.target.as_ref()?);
        let (call, time) = (self.call(), self.ports.clock.now());
        let model = target.model.clone();
        Some(encode(&Frame::Attempted(Box::new(Attempted { call, time, model, charged }))))
    }

    /// The first frame; `None` when it was written already.
    fn opened_frame(&mut self) -> Result<Option<Vec<u8>>, RecordError> {
        let Some(mut opened) = self.opened.take() else { return Ok(None) };
        opened.counted = self.counting.tell();
        opened.input = std::mem::take(&mut self.input);
        // The verdict goes on being needed for headers and metrics.
        self.input.action = opened.input.action;
        self.input.would = opened.input.would;
        let frame = Frame::Opened(opened);
        let bytes = encode(&frame)?;
        if let Frame::Opened(opened) = frame {
            self.written = Some(opened);
        }
        Ok(Some(bytes))
    }

    /// Waits until what was said of the call is durable: before the caller sees the first byte.
    ///
    /// # Errors
    /// When the record cannot be made durable and the route requires it.
    pub(crate) async fn opened_is_durable(&mut self) -> Result<(), Refusal> {
        // It stays until it is known: this wait may be given up, and whoever comes after it has to wait as well.
        let Some(durable) = &mut self.open_durable else { return Ok(()) };
        let since = Instant::now();
        let result = durable.as_mut().await;
        self.end.timings.record = self.end.timings.record.saturating_add(micros(since));
        self.open_durable = match &result {
            Ok(()) => None,
            Err(error) => Some(Box::pin(std::future::ready(Err(error.clone())))),
        };
        result.map_err(|error| unrecorded(&error))
    }

    /// Closes the record and waits until it is durable: before the caller sees the last byte.
    ///
    /// # Errors
    /// When the record cannot be made durable and the route requires it.
    pub(crate) async fn close(&mut self, outcome: Outcome, status: u16) -> Result<(), Refusal> {
        let frames = self.seal(outcome, status).map_err(|error| unrecorded(&error))?;
        match self.audit {
            Audit::BestEffort => {
                self.ports.recorder.offer(frames);
                Ok(())
            }
            Audit::Required => {
                let since = Instant::now();
                // The journal keeps order: once the end is durable, so is the beginning.
                let result = self.ports.recorder.append(frames).await;
                self.end.timings.record = self.end.timings.record.saturating_add(micros(since));
                let opened = match self.open_durable.take() {
                    Some(durable) => durable.await,
                    None => Ok(()),
                };
                result.and(opened).map_err(|error| unrecorded(&error))
            }
        }
    }

    /// Closes the record as a refusal.
    ///
    /// # Errors
    /// As [`CallRecord::close`].
    pub(crate) async fn refuse(&mut self, refusal: &Refusal) -> Result<(), Refusal> {
        let outcome = match refusal.code {
            RefusalCode::UpstreamFailed | RefusalCode::UpstreamUnavailable | RefusalCode::UpstreamTimeout => {
                Outcome::UpstreamFailed
            }
            RefusalCode::CallerGone => Outcome::CallerGone,
            _ => Outcome::Refused,
        };
        self.end.code = Some(refusal.code);
        self.end.reason = (!refusal.private.is_empty()).then(|| refusal.private.chars().take(200).collect());
        self.close(outcome, self.told.unwrap_or_else(|| refusal.code.status())).await
    }

    fn seal(&mut self, outcome: Outcome, status: u16) -> Result<Vec<Vec<u8>>, RecordError> {
        self.closed = true;
        self.declined = self.said.declined();
        self.end.outcome = outcome;
        self.end.status = status;
        self.end.time = self.ports.clock.now().max(self.end.time);
        self.end.timings.total = self.micros();
        if let Some(hasher) = self.hasher.take().filter(|_| self.end.response_bytes > 0) {
            self.end.response_digest = Some(hasher.finish());
        }
        let opened = self.opened_frame();
        self.end.charged = self.counting.settle(self.spent());
        self.end.attempts = self.told_attempts();
        let opened = opened?;
        if let Some((content, call)) = self.capturing.take().and_then(|capturing| capturing.finish(outcome))
            && self.ports.capture.capture(call)
        {
            self.end.content = content;
        }
        self.ports.meter.call_ended(&EndedCall {
            route: self.route.as_ref(),
            verdict: self.verdict(),
            opened: self.written.as_deref(),
            closed: &self.end,
            target: self.target.as_ref(),
            trace: &self.trace,
        });
        let frame = Frame::Closed(Box::new(self.end.clone()));
        let bytes = encode(&frame)?;
        if let (true, Some(opened), Frame::Closed(closed)) =
            (self.trace.is_sampled(), self.written.take(), frame)
        {
            let (trace, target) = (self.trace.clone(), self.target.take());
            let (marks, said) = (self.marks, std::mem::take(&mut self.said));
            self.ports.tracer.ended(TracedCall { trace, opened, closed, target, marks, said });
        }
        Ok(opened.into_iter().chain([bytes]).collect())
    }

    /// What the call used of the target that it went to last.
    fn spent(&self) -> Spent {
        if let Some(left) = self.left {
            return left;
        }
        if let Some(tokens) = self.end.tokens
            && !self.cut_off
        {
            return Spent::Known(Spend { input: tokens.input, output: tokens.output, cost: self.end.cost });
        }
        let failed = self.end.upstream_status.is_some_and(|status| !(200..300).contains(&status));
        let unreached = self.end.code == Some(RefusalCode::UpstreamUnavailable);
        if self.marks.sent.is_none() || failed || unreached { Spent::Nothing } else { Spent::Unknown }
    }

    /// Says that the answer was not read to its end: how many tokens it had in the end, nobody says.
    pub(crate) const fn cut_off(&mut self) {
        self.cut_off = true;
    }

    /// Notes the tokens that the upstream counted.
    pub(crate) fn used(&mut self, tokens: Option<Tokens>) {
        if let Some(tokens) = tokens {
            self.end.tokens = Some(tokens);
            self.end.cost = self.price.as_ref().map(|price| price.cost(tokens));
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if !self.closed
            && let Ok(frames) = self.seal(Outcome::Interrupted, self.told.unwrap_or_default())
        {
            self.ports.recorder.offer(frames);
        }
    }
}

fn unrecorded(error: &RecordError) -> Refusal {
    Refusal::new(RefusalCode::RecordUnavailable, error.to_string()).retry_after(1)
}

/// Frames hold names, numbers and digests; none of these lacks a canonical form. Should one ever, the call has no record,
/// which is what the route's `audit` is about.
fn encode(frame: &Frame) -> Result<Vec<u8>, RecordError> {
    frame.encode().map_err(|error| {
        tracing::error!(%error, "a frame has no canonical form");
        RecordError::Unwritable(error.to_string())
    })
}

/// Microseconds since an instant.
pub(crate) fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
