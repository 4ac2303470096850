use cordon_core::{
    Action, CallId, Category, KeyId, Name, RefusalCode, Timestamp,
    record::{AttemptOutcome, Closed, Opened, Outcome, RecordedVerdict},
};
use smallvec::SmallVec;

/// What triggers look at of a call that has ended. Made of its record; small, since every call is handed over as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The call.
    pub call: CallId,
    /// When it ended.
    pub time: Timestamp,
    /// Who called.
    pub principal: Name,
    /// With which key.
    pub key: KeyId,
    /// Which route.
    pub route: Option<Name>,
    /// The route's system.
    pub system: Option<Name>,
    /// The models that it was sent to, the one that answered last.
    pub tries: SmallVec<[Try; 1]>,
    /// How it ended.
    pub end: End,
    /// What was found in the request.
    pub request: Found,
    /// What was found in the answer.
    pub answer: Found,
    /// How long it took, in microseconds.
    pub total: u64,
    /// How long the upstream took to its first byte, in microseconds; nothing where there was none.
    pub first_byte: Option<u64>,
}

/// One model that a call was sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The model.
    pub model: Name,
    /// Its service.
    pub service: Name,
    /// Whether it failed: gave no answer, broke off, or answered with an error that is not the caller's.
    pub failed: bool,
    /// How long the call was with it, in microseconds.
    pub total: u64,
    /// How long it took to its first byte, in microseconds; nothing where there was none.
    pub first_byte: Option<u64>,
}

/// How a call ended, as far as it says something of what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was answered.
    Answered,
    /// It was refused by a containment, or ended by one: that says nothing of what is contained.
    Contained,
    /// The upstream failed.
    Failed,
    /// A limit refused it for now: it says something of who calls, and only where that is asked.
    Limited(RefusalCode),
    /// Cordon refused it.
    Refused(Option<RefusalCode>),
    /// The caller went away, or nobody knows.
    Unknown,
}

/// Categories found one way of a call, each with the strictest action that was taken for it: as many as its record has.
pub type Found = SmallVec<[(Category, Action); 1]>;

impl Ended {
    /// What triggers look at of a record.
    pub fn of(opened: &Opened, closed: &Closed) -> Self {
        let end = end(closed);
        Self {
            call: opened.call,
            time: closed.time,
            principal: opened.principal.clone(),
            key: opened.key,
            route: opened.route.clone(),
            system: opened.system.clone(),
            tries: tries(opened, closed, end),
            end,
            request: found(&opened.input),
            answer: found(&closed.output),
            total: closed.timings.total,
            first_byte: first_byte(closed),
        }
    }
}

fn first_byte(closed: &Closed) -> Option<u64> {
    Some(closed.timings.upstream_first_byte).filter(|took| *took > 0)
}

fn end(closed: &Closed) -> End {
    match closed.outcome {
        Outcome::Released => End::Answered,
        Outcome::UpstreamFailed if callers_own(closed) => End::Answered,
        Outcome::UpstreamFailed => End::Failed,
        Outcome::Refused => match closed.code {
            Some(code) if code.is_containment() => End::Contained,
            Some(code) if code.is_limit() => End::Limited(code),
            code => End::Refused(code),
        },
        Outcome::CallerGone | Outcome::Interrupted => End::Unknown,
    }
}

/// Whether an upstream's error speaks of the request: it worked, and said so (RFC 9110).
fn callers_own(closed: &Closed) -> bool {
    closed.code.is_none() && matches!(closed.upstream_status, Some(400 | 404 | 408 | 409 | 413 | 422))
}

fn tries(opened: &Opened, closed: &Closed, end: End) -> SmallVec<[Try; 1]> {
    if closed.attempts.is_empty() {
        let Some((model, service)) = opened.model.clone().zip(opened.service.clone()) else {
            return SmallVec::new();
        };
        // Before it was sent, a limit of the model may have refused it.
        let sent = matches!(end, End::Answered | End::Failed) || closed.upstream_status.is_some();
        let (total, first_byte) = (closed.timings.total, first_byte(closed));
        let only = Try { model, service, failed: end == End::Failed, total, first_byte };
        return sent.then_some(only).into_iter().collect();
    }
    let sent = closed.attempts.iter().filter_map(|attempt| {
        let failed = match attempt.outcome {
            AttemptOutcome::Answered => end == End::Failed,
            AttemptOutcome::Failed
            | AttemptOutcome::Broken
            | AttemptOutcome::Unsent
            | AttemptOutcome::Timeout => true,
            // It answered; what became of its prediction is told by the verdict.
            AttemptOutcome::Unsure | AttemptOutcome::Compared => false,
            // Nobody asked it, or nobody gave it its time: that says nothing of it.
            AttemptOutcome::CutShort
            | AttemptOutcome::NotAsked
            | AttemptOutcome::Open
            | AttemptOutcome::PassedOver
            | AttemptOutcome::Quarantined
            | AttemptOutcome::Unready => return None,
        };
        // The one that answered had the call to its end; the others' times are their own, and not those of whoever came after them.
        let (total, first_byte) = match attempt.outcome {
            AttemptOutcome::Answered => {
                (closed.timings.total.saturating_sub(attempt.began), first_byte(closed))
            }
            AttemptOutcome::Failed | AttemptOutcome::Unsure | AttemptOutcome::Compared => {
                (attempt.took, Some(attempt.took))
            }
            _ => (attempt.took, None),
        };
        let (model, service) = (attempt.model.clone(), attempt.service.clone());
        Some(Try { model, service, failed, total, first_byte })
    });
    sent.collect()
}

fn found(verdict: &RecordedVerdict) -> Found {
    let mut found = Found::new();
    for finding in &verdict.findings {
        if let Some((_, action)) = found.iter_mut().find(|(category, _)| *category == finding.category) {
            *action = finding.action.max(*action);
        } else {
            found.push((finding.category.clone(), finding.action));
        }
    }
    found
}
