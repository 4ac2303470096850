//! The attempts of one call: which target is next, what a failure means, and when none is left.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cordon_core::{
    Name, Refusal, RefusalCode,
    containment::Subject,
    record::{Attempt, AttemptOutcome},
    resource::Retry,
};
use cordon_policy::RouteEntry;
use http::HeaderMap;
use smallvec::SmallVec;

use super::{
    backoff::{self, After},
    breaker::Settings,
    budget::Budget,
    health::{Rests, Trial},
    order::{self, Order},
};
use crate::{
    dispatch::{self, Denied, Permit, SendError, Target},
    pipeline::Inner,
    predict::Reason,
    quarantine,
    record::{CallRecord, micros},
};

/// The attempts of one call.
pub(crate) struct Attempts {
    route: Name,
    order: Order,
    /// The next of them.
    at: usize,
    /// Those that a trigger has passed over, each with how many of the order would have come before it.
    passed_over: SmallVec<[(usize, Name); 1]>,
    rules: Rules,
    budget: Arc<Budget>,
    /// How many were sent.
    sent: u8,
    /// The services that have failed in this call, in a way that counts for a breaker.
    failed: SmallVec<[Name; 2]>,
    /// Who may be tried again when nobody else is left.
    again: Option<Again>,
    pauses: u32,
    /// When the call ends, whoever answers: the time that its first target has.
    deadline: Option<Instant>,
    /// The shortest wait of those that were passed over.
    soonest: Option<Duration>,
    /// What was quarantined, and whether a call ran on it.
    out: Option<(Subject, Running)>,
    /// Whether a target has given a prediction that does not go out by itself.
    doubted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Running {
    No,
    Yes,
}

/// What a try costs of the budget of retries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pays {
    /// It was paid for.
    Paid,
    /// Another target costs nothing, unless it is of a service that has failed in this call already, and may be failing behind all of
    /// its models.
    IfFailed,
}

/// A target that may be tried again, no earlier than it asked for.
struct Again {
    model: Name,
    asked: Duration,
}

/// What a route says of retries.
struct Rules {
    attempts: u8,
    statuses: Vec<u16>,
    backoff: Duration,
    longest: Duration,
}

impl From<&Retry> for Rules {
    fn from(retry: &Retry) -> Self {
        let time = |time: Option<cordon_core::DurationMs>, default: u64| {
            Duration::from_millis(time.map_or(default, cordon_core::DurationMs::as_millis))
        };
        Self {
            attempts: retry.attempts.unwrap_or(3),
            statuses: retry.statuses.clone(),
            backoff: time(retry.backoff, 200),
            longest: time(retry.longest, 5_000),
        }
    }
}

/// An attempt that runs.
pub(crate) struct Trying {
    permit: Permit,
    trial: Trial,
    since: Instant,
    began: u64,
    /// How long its target may take for a whole answer.
    total: Option<Duration>,
}

impl Trying {
    /// The right to it.
    pub(crate) const fn permit(&self) -> &Permit {
        &self.permit
    }

    fn attempt(&self, outcome: AttemptOutcome, status: Option<u16>) -> Attempt {
        let (began, took) = (self.began, micros(self.since));
        attempt(self.permit.target(), outcome, status, (began, took))
    }
}

fn attempt(
    target: &Target,
    outcome: AttemptOutcome,
    status: Option<u16>,
    (began, took): (u64, u64),
) -> Attempt {
    Attempt {
        model: target.model.clone(),
        service: target.service.name.clone(),
        region: target.service.spec.region.clone(),
        outcome,
        status,
        began,
        took,
    }
}

impl Attempts {
    /// None so far, of a call to this route. `seed` decides among equal targets.
    pub(crate) fn new(gateway: &Inner, route: &RouteEntry, seed: u64) -> Self {
        let (mut order, equals) = order::ranked(route, seed);
        gateway.health.rank(&mut order, equals, Instant::now());
        let budget = gateway.health.budget(&route.name);
        budget.call(route.retry.budget_percent.unwrap_or(20));
        let mut rules = Rules::from(&route.retry);
        if route.agreement.is_some() {
            // Each of them may have to be asked, whatever else is tried again.
            rules.attempts = rules.attempts.max(u8::try_from(order.len()).unwrap_or(u8::MAX));
        }
        Self {
            route: route.name.clone(),
            order,
            at: 0,
            passed_over: order::passed_over(route, seed),
            rules,
            budget,
            sent: 0,
            failed: SmallVec::new(),
            again: None,
            pauses: 0,
            deadline: None,
            soonest: None,
            out: None,
            doubted: false,
        }
    }

    /// The next attempt, which may be worth a pause; nothing when none is left.
    ///
    /// # Errors
    /// When the route is out of use by now, or was removed.
    pub(crate) async fn next(
        &mut self,
        gateway: &Inner,
        record: &mut CallRecord,
    ) -> Result<Option<Trying>, Refusal> {
        while self.sent < self.rules.attempts && !self.is_late() {
            if let Some(model) = self.order.get(self.at).cloned() {
                self.note_passed_over(gateway, record);
                self.at = self.at.saturating_add(1);
                if let Some(trying) = self.try_one(&model, Pays::IfFailed, gateway, record)? {
                    return Ok(Some(trying));
                }
                continue;
            }
            let Some(Again { model, asked }) = self.again.take() else { break };
            let mut random = [0; 8];
            gateway.entropy.fill(&mut random);
            let (first, longest) = (self.rules.backoff, self.rules.longest);
            let pause = backoff::pause(first, longest, self.pauses, u64::from_be_bytes(random)).max(asked);
            self.pauses = self.pauses.saturating_add(1);
            let in_time = match (self.deadline, Instant::now().checked_add(pause)) {
                (Some(deadline), Some(then)) => then < deadline,
                _ => true,
            };
            if !in_time || !self.budget.take() {
                break;
            }
            let since = Instant::now();
            tokio::time::sleep(pause).await;
            record.waited(since);
            if let Some(trying) = self.try_one(&model, Pays::Paid, gateway, record)? {
                return Ok(Some(trying));
            }
        }
        Ok(None)
    }

    /// Notes those that would have been asked before the next one.
    fn note_passed_over(&self, gateway: &Inner, record: &mut CallRecord) {
        let due = self.passed_over.iter().filter(|(before, _)| *before == self.at);
        for (_, model) in due {
            let current = gateway.snapshot.load();
            let (target, outcome) = match dispatch::permit(model, &current) {
                Ok(permit) => (permit.target().clone(), AttemptOutcome::PassedOver),
                Err(Denied::Quarantined { target, .. }) => (*target, AttemptOutcome::Quarantined),
                Err(Denied::Missing) => continue,
            };
            record.tried(attempt(&target, outcome, None, (record.micros(), 0)));
        }
    }

    /// A permit for a target, of the Snapshot in force now: what was taken out since the call came is not used.
    fn try_one(
        &mut self,
        model: &Name,
        pays: Pays,
        gateway: &Inner,
        record: &mut CallRecord,
    ) -> Result<Option<Trying>, Refusal> {
        let current = gateway.snapshot.load();
        let route = current.route(self.route.as_str()).ok_or_else(|| {
            Refusal::new(RefusalCode::ModelNotFound, "the route was removed").param("model")
        })?;
        quarantine::route(current.quarantined(), route)?;
        let (began, since) = (record.micros(), Instant::now());
        let permit = match dispatch::permit(model, &current) {
            Ok(permit) => permit,
            Err(Denied::Missing) => return Ok(None),
            Err(Denied::Quarantined { subject, target }) => {
                record.tried(attempt(&target, AttemptOutcome::Quarantined, None, (began, 0)));
                self.out.get_or_insert((subject, Running::No));
                return Ok(None);
            }
        };
        let service = &permit.target().service.spec;
        let costs = pays == Pays::IfFailed && self.failed.contains(&permit.target().service.name);
        // Before its breaker is asked, whose probes are for those that ask: a call that may not would keep another one's place.
        if costs && !self.budget.has() {
            record.tried(attempt(permit.target(), AttemptOutcome::NotAsked, None, (began, 0)));
            return Ok(None);
        }
        let rests = if self.order.len() > 1 { Rests::Count } else { Rests::DoNot };
        match gateway.health.allow(model, Settings::from(&service.breaker), rests, since) {
            // Another call may have taken the last of the budget just now.
            Ok(_) if costs && !self.budget.take() => {
                record.tried(attempt(permit.target(), AttemptOutcome::NotAsked, None, (began, 0)));
                Ok(None)
            }
            Ok(trial) => {
                self.sent = self.sent.saturating_add(1);
                let total = gateway.upstreams.total(&permit);
                self.deadline = self.deadline.or_else(|| since.checked_add(total?));
                Ok(Some(Trying { permit, trial, since, began, total }))
            }
            Err(wait) => {
                record.tried(attempt(permit.target(), AttemptOutcome::Open, None, (began, 0)));
                self.soonest = Some(self.soonest.map_or(wait, |soonest| soonest.min(wait)));
                Ok(None)
            }
        }
    }

    /// How long the call may still take.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether the call's time is over.
    fn is_late(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// Whether an attempt that came to this ended because the call's time was over, before its target's own was: that says
    /// nothing of the target.
    fn is_cut_short(&self, trying: &Trying, code: RefusalCode) -> bool {
        code == RefusalCode::UpstreamTimeout
            && self.is_late()
            && trying.total.is_some_and(|total| trying.since.elapsed() < total)
    }

    /// The call ends at the latest when this is over.
    pub(crate) fn no_later(&mut self, left: Option<Duration>) {
        if let Some(end) = left.and_then(|left| Instant::now().checked_add(left)) {
            self.deadline = Some(self.deadline.map_or(end, |deadline| deadline.min(end)));
        }
    }

    /// The target answers, and its answer is used.
    pub(crate) fn answered(&self, trying: &mut Trying, status: u16, record: &mut CallRecord) {
        let own = trying.total.and_then(|total| trying.since.checked_add(total));
        let is_shortened = own.zip(self.deadline).is_some_and(|(own, deadline)| deadline < own);
        record.is_shortened_to(self.deadline.filter(|_| is_shortened));
        let phase = trying.trial.answered(trying.since.elapsed());
        record.breaker(&trying.permit.target().model, phase);
        record.tried(trying.attempt(AttemptOutcome::Answered, Some(status)));
        let model = &trying.permit.target().model;
        let is_first = self.order.first().is_none_or(|first| first == model);
        let is_meant = self.passed_over.first().is_none_or(|(before, _)| *before > 0);
        record.fell_back(!is_first || !is_meant);
    }

    /// The target answered with an error that another one may not have.
    pub(crate) fn refused(
        &mut self,
        mut trying: Trying,
        status: u16,
        headers: &HeaderMap,
        record: &mut CallRecord,
    ) {
        let after = backoff::after(headers);
        if let (429 | 503, After::Wait(wait)) = (status, after) {
            trying.trial.rest(wait);
        }
        // Of the others only these are signs of an upstream that is broken: one caller can draw a 415 or a 451 for all.
        if matches!(status, 401 | 403 | 500..) {
            record.breaker(&trying.permit.target().model, trying.trial.failed());
            self.note_failure(&trying);
        }
        record.tried(trying.attempt(AttemptOutcome::Failed, Some(status)));
        let asked = match after {
            After::Unsaid => Some(Duration::ZERO),
            After::Wait(wait) => Some(wait).filter(|wait| *wait <= self.rules.longest),
            After::Never => None,
        };
        if let Some(asked) =
            asked.filter(|_| matches!(status, 429 | 503) || self.rules.statuses.contains(&status))
        {
            self.may_try_again(&trying, asked);
        }
    }

    /// The answer ended with a refusal of this code after it had begun.
    pub(crate) fn broke(&self, trying: &mut Trying, code: RefusalCode, record: &CallRecord) {
        let broken = matches!(code, RefusalCode::UpstreamFailed | RefusalCode::UpstreamTimeout);
        if broken && !self.is_cut_short(trying, code) {
            record.breaker(&trying.permit.target().model, trying.trial.broke());
        }
    }

    /// The target gave no answer at all.
    pub(crate) fn failed(&mut self, mut trying: Trying, error: &SendError, record: &mut CallRecord) {
        let mut outcome = error.outcome();
        if error.is_ours() {
            self.sent = self.sent.saturating_sub(1);
        } else if self.is_cut_short(&trying, error.refusal.code) {
            outcome = AttemptOutcome::CutShort;
        } else {
            record.breaker(&trying.permit.target().model, trying.trial.failed());
            self.note_failure(&trying);
        }
        record.tried(trying.attempt(outcome, None));
        if error.may_pass() {
            self.may_try_again(&trying, Duration::ZERO);
        }
    }

    /// The target was not asked: a limit has no room for the call there, or the request cannot be said in its protocol.
    pub(crate) fn not_asked(&mut self, trying: &Trying, record: &mut CallRecord) {
        record.tried(trying.attempt(AttemptOutcome::NotAsked, None));
        // It was not for the call to spend.
        self.sent = self.sent.saturating_sub(1);
    }

    /// Whether there are others that were not tried yet.
    pub(crate) fn has_others(&self) -> bool {
        self.at < self.order.len()
    }

    /// The target answered, and its prediction does not go out, or not yet.
    pub(crate) fn doubted(
        &mut self,
        mut trying: Trying,
        reason: Reason,
        code: RefusalCode,
        record: &mut CallRecord,
    ) {
        if reason == Reason::Broken {
            self.broke(&mut trying, code, record);
            self.note_failure(&trying);
        } else {
            self.doubted = true;
        }
        let outcome = match reason {
            Reason::Broken => AttemptOutcome::Broken,
            Reason::Compared => AttemptOutcome::Compared,
            Reason::Unsure => AttemptOutcome::Unsure,
        };
        record.left(trying.attempt(outcome, Some(200)));
    }

    /// Whether a target took the rows, and what it made of them was doubted.
    pub(crate) const fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// The target was quarantined before its answer had begun.
    pub(crate) fn leave(&mut self, trying: &Trying, subject: Option<Subject>, record: &mut CallRecord) {
        record.left(trying.attempt(AttemptOutcome::Quarantined, None));
        self.out = subject.map(|subject| (subject, Running::Yes));
        self.sent = self.sent.saturating_sub(1);
    }

    fn note_failure(&mut self, trying: &Trying) {
        let service = &trying.permit.target().service.name;
        if !self.failed.contains(service) {
            self.failed.push(service.clone());
        }
    }

    fn may_try_again(&mut self, trying: &Trying, asked: Duration) {
        if self.again.is_none() {
            self.again = Some(Again { model: trying.permit.target().model.clone(), asked });
        }
    }

    /// Why there was no attempt at all.
    pub(crate) fn none(&self) -> Refusal {
        match (&self.out, self.soonest) {
            (Some((subject, Running::Yes)), _) => quarantine::refused(RefusalCode::Cancelled, subject),
            (Some((subject, Running::No)), None) => quarantine::refused(RefusalCode::Quarantined, subject),
            (_, Some(wait)) => {
                let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
                let why = "every target is failing, or has asked for a rest";
                Refusal::new(RefusalCode::UpstreamUnavailable, why)
                    .retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
            }
            (None, None) => {
                Refusal::new(RefusalCode::UpstreamUnavailable, "the route has no target that exists")
            }
        }
    }
}
