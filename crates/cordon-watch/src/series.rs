use cordon_core::{
    CallId, DurationMs, Name, Score, Timestamp,
    containment::Subject,
    resource::{LiftedBy, TriggerSpec},
};

use crate::window::{Sum, Window};

/// How many times as long as its cool-down an action stands at most.
const LONGEST: u64 = 16;

/// What has to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A trigger has fired: what it does has to be done.
    Fire(Firing),
    /// What a trigger did may end, by its rule.
    Clear {
        /// The trigger.
        trigger: Name,
        /// Which of those that it watches one by one.
        of: Option<Subject>,
        /// Since when it stands.
        since: Timestamp,
        /// What the window holds.
        sum: Sum,
    },
}

/// A trigger that has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The trigger.
    pub trigger: Name,
    /// Which of those that it watches one by one.
    pub of: Option<Subject>,
    /// When the first bad call of the window ended.
    pub t0: Timestamp,
    /// Now.
    pub t1: Timestamp,
    /// Calls in the window.
    pub calls: u64,
    /// The bad ones.
    pub bad: u64,
    /// The first bad ones.
    pub first: Vec<CallId>,
    /// How long what it does stands at least.
    pub hold: DurationMs,
}

/// Where a trigger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its signal.
    Armed,
    /// Its signal is too high, and was not for long enough.
    Rising {
        /// Since when.
        since: Timestamp,
    },
    /// It has fired, and what it did stands.
    Fired {
        /// Since when.
        since: Timestamp,
        /// Until when at least.
        until: Timestamp,
    },
}

/// The calls that a trigger watches together, and where it is with them.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) window: Window,
    /// What is read off as it is, where the signal is not counted of calls.
    level: Option<Level>,
    /// The level is there and cannot be read off at the moment.
    unknown: bool,
    phase: Phase,
    /// When it was lifted last by rule, and how long it had stood at least.
    lifted: Option<(Timestamp, DurationMs)>,
    /// How long what stands has to.
    hold: DurationMs,
    /// What stands was taken up from before: an empty window says nothing until it was watched for its whole length.
    taken_up: Option<Watched>,
    /// Whose firing it is that stands.
    seen: Seen,
    /// A person has ended what it did while its level was too high: it does not act again before that has fallen.
    falls_first: bool,
    /// Since when the signal was too high that it fired for last.
    rose: Option<Timestamp>,
    /// What it did last could not be done: it does not try again before this time.
    not_before: Option<Timestamp>,
}

/// Which node saw a trigger fire, and sees when it is over: another one may have none of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Another one.
    Elsewhere,
    /// This one.
    Here,
}

/// Since when a series is watched, from its first look on.
type Watched = Option<Timestamp>;

/// A part of a whole at the moment.
#[derive(Clone, Copy, Debug)]
struct Level {
    part: u64,
    whole: u64,
    /// Since when it is too much.
    began: Option<Timestamp>,
    /// When it was read off.
    at: Timestamp,
}

impl Series {
    pub(crate) fn new(spec: &TriggerSpec) -> Self {
        Self {
            window: Window::new(spec.window),
            level: None,
            unknown: false,
            phase: Phase::Armed,
            lifted: None,
            hold: spec.cool_down,
            taken_up: None,
            seen: Seen::Here,
            falls_first: false,
            rose: None,
            not_before: None,
        }
    }

    /// It looks at something else from now on: what it had seen says nothing of that. What it did stands.
    pub(crate) fn begin_anew(&mut self, spec: &TriggerSpec) {
        self.window = Window::new(spec.window);
        self.level = None;
        self.falls_first = false;
        self.taken_up = Some(None);
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it can be forgotten: it holds nothing and remembers nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Armed
            && self.window.is_empty()
            && self.level.is_none()
            && self.lifted.is_none()
            && self.not_before.is_none()
    }

    /// The signal is this part of a whole now.
    pub(crate) fn measure(&mut self, spec: &TriggerSpec, part: u64, whole: u64, now: Timestamp) {
        let (above, _) = spec.signal.thresholds();
        let before = self.level.and_then(|level| level.began);
        let began = (!at_most(part, whole, above)).then(|| before.unwrap_or(now));
        self.level = Some(Level { part, whole, began, at: now });
        self.unknown = false;
    }

    /// The signal cannot be read off now: what stands goes on standing, and nothing begins.
    pub(crate) fn unmeasured(&mut self) {
        self.level = None;
        self.unknown = true;
    }

    /// Forgets a level that was not read off at this time: what it was of is no more.
    pub(crate) fn measured(&mut self, now: Timestamp) {
        self.level = self.level.filter(|level| level.at == now);
    }

    /// What it holds: calls of its window, or its level.
    pub(crate) fn sum(&self) -> Sum {
        let Some(Level { part, whole, began, .. }) = self.level else { return self.window.sum() };
        Sum { calls: whole, bad: part, unclear: part, began, first: Vec::new() }
    }

    /// It had fired before: what it did stands.
    pub(crate) fn stands(&mut self, since: Timestamp, hold: DurationMs, seen: Seen) {
        self.phase = Phase::Fired { since, until: since.plus(hold) };
        self.hold = hold;
        self.seen = seen;
        self.taken_up = Some(None);
    }

    /// It has not ended what it did, and does not ask again before this time.
    pub(crate) fn stays(&mut self, since: Timestamp, until: Timestamp) {
        self.phase = Phase::Fired { since, until };
        self.lifted = None;
    }

    /// A person has ended what it did: what was seen before is of before.
    pub(crate) fn lifted_by_person(&mut self) {
        self.phase = Phase::Armed;
        self.window.clear();
        self.lifted = None;
        self.falls_first = self.level.is_some();
    }

    /// The rule has ended what it did, on the node that saw it. What is seen here is not over by that.
    pub(crate) fn lifted_by_rule(&mut self, now: Timestamp) {
        self.phase = Phase::Armed;
        self.lifted = Some((now, self.hold));
    }

    /// What it did could not be done, and nothing stands: it tries again at this time, if the signal was too high all the while.
    pub(crate) fn failed(&mut self, again: Timestamp) {
        self.phase = self.rose.map_or(Phase::Armed, |since| Phase::Rising { since });
        self.not_before = Some(again);
    }

    /// What has to be done now, as far as this series goes.
    pub(crate) fn decide(&mut self, spec: &TriggerSpec, now: Timestamp) -> Option<Move> {
        self.window.until(now);
        if self.unknown {
            if matches!(self.phase, Phase::Rising { .. }) {
                self.phase = Phase::Armed;
            }
            return None;
        }
        if self.lifted.is_some_and(|(at, hold)| now.since(at) >= hold) {
            self.lifted = None;
        }
        let sum = self.sum();
        let (above, until) = spec.signal.thresholds();
        let is_clear = at_most(sum.unclear, sum.calls, until);
        if let Phase::Fired { since, until: standing } = self.phase {
            let may_clear = self.has_watched(spec.window, now) && self.seen == Seen::Here;
            if spec.lift == LiftedBy::Rule && may_clear && is_clear && now >= standing {
                self.phase = Phase::Armed;
                self.taken_up = None;
                self.lifted = Some((now, self.hold));
                return Some(Move::Clear(sum, since));
            }
            return None;
        }
        self.falls_first &= self.level.is_some() && !is_clear;
        if self.not_before.is_some_and(|again| now >= again) {
            self.not_before = None;
        }
        let few = self.level.is_none() && sum.calls < u64::from(spec.minimum);
        if few || self.falls_first || at_most(sum.bad, sum.calls, above) {
            self.phase = Phase::Armed;
            return None;
        }
        let since = match self.phase {
            Phase::Rising { since } => since,
            _ => now,
        };
        if now.since(since) < spec.lasting || self.not_before.is_some() {
            self.phase = Phase::Rising { since };
            return None;
        }
        self.rose = Some(since);
        self.hold = match self.lifted.take() {
            // It had let go too early.
            Some((_, hold)) => {
                let longest = spec.cool_down.as_millis().saturating_mul(LONGEST);
                DurationMs::from_millis(hold.as_millis().saturating_mul(2).min(longest))
            }
            None => spec.cool_down,
        };
        self.phase = Phase::Fired { since: now, until: now.plus(self.hold) };
        self.seen = Seen::Here;
        self.taken_up = None;
        Some(Move::Fire(sum, self.hold))
    }
}

impl Series {
    /// Whether it saw what happened in its window: it was there when it fired, or has looked for so long.
    fn has_watched(&mut self, window: DurationMs, now: Timestamp) -> bool {
        self.taken_up.as_mut().is_none_or(|since| now.since(*since.get_or_insert(now)) >= window)
    }
}

/// What a series has to do.
pub(crate) enum Move {
    Fire(Sum, DurationMs),
    Clear(Sum, Timestamp),
}

/// Whether a part is at most this share of a whole. Of nothing, nothing is too much.
fn at_most(part: u64, whole: u64, share: Score) -> bool {
    let scaled = |number: u64, by: u32| u128::from(number).saturating_mul(by.into());
    scaled(part, Score::ONE.millionths()) <= scaled(whole, share.millionths())
}
