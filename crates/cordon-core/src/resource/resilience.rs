//! What a route and a service do when something behind them fails.

use serde::{Deserialize, Serialize};

use super::Problem;
use crate::DurationMs;

/// When a target of a service is left alone, and how it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Whether it may open at all.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Failed calls in a row that open it. Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The share of failed calls in the window that opens it, in percent. Default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_percent: Option<u8>,
    /// Calls whose first byte takes longer are slow. Without it none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<DurationMs>,
    /// The share of slow calls in the window that opens it, in percent. Default 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_percent: Option<u8>,
    /// The time that shares are of. Default 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<DurationMs>,
    /// Calls in the window below which shares say nothing. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_calls: Option<u32>,
    /// How long it stays open the first time; it doubles, up to sixteen times that, while the target does not recover.
    /// Default 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_for: Option<DurationMs>,
    /// Calls that try the target at the same time while it is half-open, and that must succeed to close it. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<u32>,
}

/// When a call is tried again before the caller has seen anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts of one call on all targets together, the first included, at most 10. Default 3; 1: a call is tried once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
    /// Statuses after which the same target is tried again, beside 429 and 503: any of 500, 502 and 504. The provider may
    /// have done the work already, and may charge for it twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<u16>,
    /// The most that the first pause before the same target is tried again may be; it doubles with each, and is drawn
    /// at random below that. Default 200ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<DurationMs>,
    /// The longest pause, and the longest `Retry-After` that is waited for. Default 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<DurationMs>,
    /// How many calls may be tried again on the same target, in percent of all calls of the route. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_percent: Option<u8>,
}

/// What keeps a caller on one of several targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// Calls of a conversation go to the same target; calls that name none are spread.
    Conversation,
    /// Calls of a principal go to the same target.
    Principal,
}

/// How a route works at the moment.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RouteMode {
    /// As it is meant.
    #[default]
    Normal,
    /// By its simpler path: the models under `degraded`.
    Degraded,
    /// Without tools: a request that offers one is refused, an answer that proposes an action is held, and guards that only
    /// observe enforce.
    Safe,
    /// Not at all: every call is refused with `off_message`.
    Off,
}

/// What goes first when there is more to do than can be done.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Refused first.
    Low,
    /// Refused when there is nothing lower.
    #[default]
    Normal,
    /// Refused last.
    High,
}

/// The longest text of a route that is off, in bytes.
pub const MAX_OFF_MESSAGE: usize = 500;

/// The most attempts of one call.
pub const MAX_ATTEMPTS: u8 = 10;

impl Default for Breaker {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: None,
            error_percent: None,
            slow: None,
            slow_percent: None,
            window: None,
            minimum_calls: None,
            open_for: None,
            probes: None,
        }
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl RouteMode {
    /// The word, as documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Degraded => "degraded",
            Self::Safe => "safe",
            Self::Off => "off",
        }
    }

    /// Whether it works as it is meant.
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

impl Breaker {
    /// Whether nothing is said of it.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Everything wrong with it: where, and what.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        for (path, percent) in
            [("breaker/error_percent", self.error_percent), ("breaker/slow_percent", self.slow_percent)]
        {
            if percent.is_some_and(|percent| percent == 0 || percent > 100) {
                found.push((path, "1 to 100 is expected"));
            }
        }
        for (path, count) in [
            ("breaker/failures", self.failures),
            ("breaker/minimum_calls", self.minimum_calls),
            ("breaker/probes", self.probes),
        ] {
            if count == Some(0) {
                found.push((path, "must be above 0; help: `enabled: false` switches the breaker off"));
            }
        }
        for (path, time) in [("breaker/window", self.window), ("breaker/open_for", self.open_for)] {
            if time.is_some_and(|time| time.as_millis() == 0 || time > DurationMs::from_secs(3_600)) {
                found.push((path, "more than nothing and at most 1h is expected"));
            }
        }
        found
    }
}

impl Retry {
    /// Whether nothing is said of it.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Everything wrong with it: where, and what.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.attempts.is_some_and(|attempts| attempts == 0 || attempts > MAX_ATTEMPTS) {
            found.push(("retry/attempts", "1 to 10 is expected; help: 1 means that a call is tried once"));
        }
        if self.statuses.len() > 3 || self.statuses.iter().any(|status| !matches!(status, 500 | 502 | 504)) {
            found.push((
                "retry/statuses",
                "500, 502 and 504 may stand here; 429 and 503 are tried again anyway",
            ));
        }
        for (path, time) in [("retry/backoff", self.backoff), ("retry/longest", self.longest)] {
            if time.is_some_and(|time| time > DurationMs::from_secs(60)) {
                found.push((path, "at most 60s is expected: a caller is waiting"));
            }
        }
        if self.budget_percent.is_some_and(|percent| percent > 100) {
            found.push(("retry/budget_percent", "at most 100 is expected"));
        }
        found
    }
}

impl Problem {
    /// Why a text for a route that is off cannot be shown.
    pub(super) fn of_off_message(text: &str) -> Option<&'static str> {
        let wrong = text.trim().is_empty()
            || text.len() > MAX_OFF_MESSAGE
            || text.chars().any(|character| character.is_control() && character != '\n');
        wrong.then_some("1 to 500 bytes of text without control characters are expected")
    }
}
