//! A circuit breaker for one target, as a state machine without a clock: closed, open, half-open.
//!
//! It opens when calls fail one after the other, or when too many of a window fail or are slow. Open, it lets nothing
//! through; after its wait it is half-open and lets a few calls try. They succeed, all of as many as may try at a time, and it
//! closes; one fails, and it opens again, for twice as long.
//!
//! INVARIANT: in any time `T` it opens at most `5 + T / (16 × open_for)` times, whatever calls come to. The wait doubles
//! with each opening, four times at most, and is only halved again after `16 × open_for` of being closed. So openings that
//! lengthen the wait are at most four more than those halvings, each of which took `16 × open_for`; and any other opening is
//! one that waits `16 × open_for`.

use std::time::{Duration, Instant};

use cordon_core::resource;

use super::window::{Counts, Window};

/// How often the wait doubles.
const MOST_DOUBLINGS: u8 = 4;

/// When a breaker opens, and how it closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether it may open at all.
    pub enabled: bool,
    /// Failed calls in a row that open it.
    pub failures: u32,
    /// The share of failed calls that opens it.
    pub error_percent: u8,
    /// Calls that take longer are slow.
    pub slow: Option<Duration>,
    /// The share of slow calls that opens it.
    pub slow_percent: u8,
    /// The time that shares are of.
    pub window: Duration,
    /// Calls below which shares say nothing.
    pub minimum_calls: u32,
    /// The first wait.
    pub open_for: Duration,
    /// Calls that may try at the same time, and that must succeed.
    pub probes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 5,
            error_percent: 50,
            slow: None,
            slow_percent: 80,
            window: Duration::from_secs(30),
            minimum_calls: 20,
            open_for: Duration::from_secs(5),
            probes: 2,
        }
    }
}

impl From<&resource::Breaker> for Settings {
    fn from(spec: &resource::Breaker) -> Self {
        let default = Self::default();
        let time = |time: Option<cordon_core::DurationMs>, default| {
            time.map_or(default, |time| Duration::from_millis(time.as_millis()))
        };
        Self {
            enabled: spec.enabled,
            failures: spec.failures.unwrap_or(default.failures),
            error_percent: spec.error_percent.unwrap_or(default.error_percent),
            slow: spec.slow.map(|slow| Duration::from_millis(slow.as_millis())),
            slow_percent: spec.slow_percent.unwrap_or(default.slow_percent),
            window: time(spec.window, default.window),
            minimum_calls: spec.minimum_calls.unwrap_or(default.minimum_calls),
            open_for: time(spec.open_for, default.open_for),
            probes: spec.probes.unwrap_or(default.probes),
        }
    }
}

/// How a breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Calls go through.
    Closed,
    /// A few calls try whether it works again.
    HalfOpen,
    /// Nothing goes through.
    Open,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// The word for metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// The breaker of one target.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    window: Window,
    /// Failed calls since the last that succeeded.
    in_a_row: u32,
    /// How many have succeeded.
    succeeded: u64,
    /// How often the next wait is doubled.
    doublings: u8,
    /// Changes with each phase: what calls of an earlier one come to says nothing of this one.
    generation: u64,
    /// How often it opened.
    opened: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `since`: when it closed, or when the wait was halved last.
    Closed {
        since: Instant,
    },
    Open {
        until: Instant,
    },
    HalfOpen {
        running: u32,
        succeeded: u32,
    },
}

/// The right to call the target once. Whoever has one reports what came of it, once.
#[derive(Debug)]
pub struct Pass {
    generation: u64,
}

/// An answer that has begun. Should it break off, the call has failed after all.
#[derive(Debug)]
pub struct Begun {
    generation: u64,
    /// Which success it counted as, and the failures in a row that it ended.
    success: u64,
    in_a_row: u32,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, with its first byte after this time.
    Answered(Duration),
    /// It failed.
    Failed,
    /// Nothing is known: the caller went, or the call was not the target's to fail.
    Unknown,
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            state: State::Closed { since: now },
            window: Window::new(now, settings.window),
            in_a_row: 0,
            succeeded: 0,
            doublings: 0,
            generation: 0,
            opened: 0,
        }
    }

    /// How it is.
    pub fn phase(&self, now: Instant) -> Phase {
        match self.state {
            State::Closed { .. } => Phase::Closed,
            State::Open { until } if now < until => Phase::Open,
            State::Open { .. } | State::HalfOpen { .. } => Phase::HalfOpen,
        }
    }

    /// When it lets a call try again, if it is open.
    pub const fn until(&self) -> Option<Instant> {
        match self.state {
            State::Open { until } => Some(until),
            _ => None,
        }
    }

    /// How often it has opened.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// What calls came to in the window.
    pub fn counts(&self, now: Instant) -> Counts {
        self.window.sum(now)
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// With how long to wait when it does not.
    pub fn allow(&mut self, settings: &Settings, now: Instant) -> Result<Pass, Duration> {
        if !settings.enabled {
            if !matches!(self.state, State::Closed { .. }) {
                self.close(now);
            }
            return Ok(Pass { generation: self.generation });
        }
        self.window.fit(now, settings.window);
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until.saturating_duration_since(now));
            }
            self.change(State::HalfOpen { running: 0, succeeded: 0 });
        }
        if let State::HalfOpen { running, .. } = &mut self.state {
            if *running >= settings.probes {
                return Err(settings.open_for);
            }
            *running = running.saturating_add(1);
        }
        Ok(Pass { generation: self.generation })
    }

    /// Takes what came of a call. Gives what [`Breaker::broke`] takes, of an answer that counts.
    #[expect(clippy::needless_pass_by_value, reason = "a pass is used once")]
    pub fn report(
        &mut self,
        settings: &Settings,
        pass: Pass,
        outcome: Outcome,
        now: Instant,
    ) -> Option<Begun> {
        if pass.generation != self.generation {
            return None;
        }
        let begun = matches!(outcome, Outcome::Answered(_)).then(|| {
            self.succeeded = self.succeeded.wrapping_add(1);
            Begun { generation: pass.generation, success: self.succeeded, in_a_row: self.in_a_row }
        });
        let slow = matches!((outcome, settings.slow), (Outcome::Answered(took), Some(slow)) if took > slow);
        match self.state {
            State::Closed { .. } => self.counted(settings, outcome, slow, now),
            State::HalfOpen { running, succeeded } => {
                let running = running.saturating_sub(1);
                match outcome {
                    Outcome::Unknown => self.state = State::HalfOpen { running, succeeded },
                    Outcome::Answered(_) if !slow => {
                        let succeeded = succeeded.saturating_add(1);
                        if succeeded >= settings.probes {
                            self.close(now);
                        } else {
                            self.state = State::HalfOpen { running, succeeded };
                        }
                    }
                    Outcome::Answered(_) | Outcome::Failed => self.open(settings, now),
                }
            }
            // No pass was given while it was open.
            State::Open { .. } => {}
        }
        begun
    }

    /// An answer that had begun broke off: the call counts as failed after all, and as if it had not succeeded. What began
    /// before the last opening says nothing of the time since.
    #[expect(clippy::needless_pass_by_value, reason = "an answer breaks off once")]
    pub fn broke(&mut self, settings: &Settings, begun: Begun, now: Instant) {
        match self.state {
            State::HalfOpen { .. } if begun.generation == self.generation => self.open(settings, now),
            // Of this phase, or one of those that tried and closed it.
            State::Closed { .. } if self.generation.wrapping_sub(begun.generation) <= 1 => {
                self.window.count(now, |counts| counts.failed = counts.failed.saturating_add(1));
                let ended = if begun.success == self.succeeded { begun.in_a_row } else { 0 };
                self.in_a_row = self.in_a_row.saturating_add(ended).saturating_add(1);
                self.trip(settings, now);
            }
            _ => {}
        }
    }

    fn counted(&mut self, settings: &Settings, outcome: Outcome, slow: bool, now: Instant) {
        let failed = match outcome {
            Outcome::Unknown => return,
            Outcome::Answered(_) => false,
            Outcome::Failed => true,
        };
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        self.window.fit(now, settings.window);
        self.window.count(now, |counts| {
            counts.calls = counts.calls.saturating_add(1);
            counts.failed = counts.failed.saturating_add(u32::from(failed));
            counts.slow = counts.slow.saturating_add(u32::from(slow));
        });
        self.trip(settings, now);
    }

    /// Opens when it is time to.
    fn trip(&mut self, settings: &Settings, now: Instant) {
        self.calm(settings, now);
        let counts = self.window.sum(now);
        let share = |part: u32, percent: u8| {
            u64::from(part).saturating_mul(100) >= u64::from(counts.calls).saturating_mul(u64::from(percent))
        };
        let enough = counts.calls >= settings.minimum_calls;
        let too_many = enough && counts.failed > 0 && share(counts.failed, settings.error_percent);
        let too_slow = enough && counts.slow > 0 && share(counts.slow, settings.slow_percent);
        if settings.enabled && (self.in_a_row >= settings.failures || too_many || too_slow) {
            self.open(settings, now);
        }
    }

    /// Halves the next wait for each time of the longest one that it was closed.
    fn calm(&mut self, settings: &Settings, now: Instant) {
        let calm = settings.open_for.saturating_mul(1 << MOST_DOUBLINGS);
        if let State::Closed { since } = &mut self.state {
            while self.doublings > 0
                && let Some(next) = since.checked_add(calm)
                && next <= now
            {
                self.doublings = self.doublings.saturating_sub(1);
                *since = next;
            }
        }
    }

    fn open(&mut self, settings: &Settings, now: Instant) {
        let wait = settings.open_for.saturating_mul(1 << self.doublings.min(MOST_DOUBLINGS));
        self.doublings = self.doublings.saturating_add(1).min(MOST_DOUBLINGS);
        self.opened = self.opened.saturating_add(1);
        self.change(State::Open { until: now.checked_add(wait).unwrap_or(now) });
    }

    fn close(&mut self, now: Instant) {
        self.window.clear();
        self.in_a_row = 0;
        self.change(State::Closed { since: now });
    }

    const fn change(&mut self, state: State) {
        self.generation = self.generation.wrapping_add(1);
        self.state = state;
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
