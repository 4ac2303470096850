use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Action, Category, DurationMs, Name, RefusalCode, Score};

/// What is measured over the window, and where it is too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The share of calls that failed upstream, of those that were sent there.
    ErrorRate(Rate),
    /// The share of calls that Cordon refused, of all but those that a containment or a limit refused; or refused with some codes, of
    /// all but those that a containment refused.
    RefusalRate(RefusalRate),
    /// The share of calls with a verdict, of those that were inspected.
    VerdictRate(VerdictRate),
    /// How long calls take: the share of those that take longer than a bound.
    Latency(Latency),
    /// How much of a limit's tokens or money is used in its window.
    Budget(BudgetBurn),
    /// A breaker is open: the share of the models watched whose breakers are.
    Breaker(BreakerOpen),
}

/// A share of a limit that is too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBurn {
    /// The limit.
    pub limit: Name,
    /// It fires above this share of what the limit has in its window.
    pub above: Score,
    /// It is clear again at this share or below. Default: half of `above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Score>,
}

/// A share of open breakers that is too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerOpen {
    /// It fires above this share of the models watched. Default 0: with the first one.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub above: Score,
}

/// A share of calls that is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// It fires above this share.
    pub above: Score,
    /// It is clear again at this share or below. Default: half of `above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Score>,
}

/// A share of refused calls that is too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalRate {
    /// The codes that count, those of limits among them, such as `rate_limit_exceeded`. Absent: all but those of limits.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub codes: BTreeSet<RefusalCode>,
    /// It fires above this share.
    pub above: Score,
    /// It is clear again at this share or below. Default: half of `above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Score>,
}

/// A share of calls with a verdict that is too much. A call counts that has a finding of the category for which at least the
/// action was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictRate {
    /// The category of a finding; it covers its children. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The mildest action that counts. Default `flag`.
    #[serde(default = "flag", skip_serializing_if = "is_flag")]
    pub action: Action,
    /// Where it was found. Absent: in the request or in the answer.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// It fires above this share.
    pub above: Score,
    /// It is clear again at this share or below. Default: half of `above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Score>,
}

/// One way of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the model.
    Request,
    /// From the model.
    Answer,
}

/// A quantile of latency that is too high: it fires when more than `1 - quantile` of the calls take longer than `above`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Which quantile. Default 0.95.
    #[serde(default = "most", skip_serializing_if = "is_most")]
    pub quantile: Score,
    /// Which time of a call. Default `total`.
    #[serde(default, skip_serializing_if = "Measured::is_total")]
    pub of: Measured,
    /// It fires when the quantile is above this time.
    pub above: DurationMs,
    /// It is clear again when the quantile is at most this time. Default: half of `above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DurationMs>,
}

/// A time of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Until its end.
    #[default]
    Total,
    /// Until the first byte of the upstream's answer.
    FirstByte,
}

const fn flag() -> Action {
    Action::Flag
}

fn is_flag(action: &Action) -> bool {
    *action == flag()
}

const fn most() -> Score {
    Score::percent(95)
}

fn is_most(quantile: &Score) -> bool {
    *quantile == most()
}

fn is_none_of_them(share: &Score) -> bool {
    *share == Score::ZERO
}

impl Measured {
    fn is_total(&self) -> bool {
        *self == Self::Total
    }
}

impl Signal {
    /// The word, as documents write it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ErrorRate(_) => "error_rate",
            Self::RefusalRate(_) => "refusal_rate",
            Self::VerdictRate(_) => "verdict_rate",
            Self::Latency(_) => "latency",
            Self::Budget(_) => "budget",
            Self::Breaker(_) => "breaker",
        }
    }

    /// Whether it is read off as it is, not counted of calls.
    pub const fn is_level(&self) -> bool {
        matches!(self, Self::Breaker(_) | Self::Budget(_))
    }

    /// The share of calls above which it fires, and the one at or below which it is clear.
    pub fn thresholds(&self) -> (Score, Score) {
        let half = |above: Score| Score::from_millionths(above.millionths() / 2);
        match self {
            Self::ErrorRate(Rate { above, until })
            | Self::RefusalRate(RefusalRate { above, until, .. })
            | Self::VerdictRate(VerdictRate { above, until, .. }) => {
                (*above, until.unwrap_or_else(|| half(*above)))
            }
            Self::Budget(BudgetBurn { above, until, .. }) => (*above, until.unwrap_or_else(|| half(*above))),
            // A breaker closes by itself, and is slow to: it needs no band.
            Self::Breaker(BreakerOpen { above }) => (*above, *above),
            // As many are slower than the time of a quantile as lie above it; which time that is makes the difference.
            Self::Latency(latency) => {
                let slower = Score::from_millionths(
                    Score::ONE.millionths().saturating_sub(latency.quantile.millionths()),
                );
                (slower, slower)
            }
        }
    }
}

impl Latency {
    /// The time at or below which the quantile is clear.
    pub fn clear(&self) -> DurationMs {
        self.until.unwrap_or_else(|| DurationMs::from_millis(self.above.as_millis() / 2))
    }
}
