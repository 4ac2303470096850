//! Intervals: what a number of observations allows one to say.
//!
//! Every estimate carries its interval and the number of observations behind it; what cannot be said is an
//! [`Unknown`] with its reason, never a number that looks like one. Rates are counted ([`Proportion`]), areas under
//! a ROC curve have DeLong's variance ([`delong`]), means Student's ([`Mean`]), and what has no closed form is
//! resampled with a seed ([`Bootstrap`]).

mod auc;
mod bootstrap;
mod mean;
mod proportion;

pub(crate) use auc::classes;
pub use auc::{AucPair, Tie, delong, delong_paired, delong_ties, ties};
pub use bootstrap::Bootstrap;
pub use mean::{Mean, correlation};
pub use proportion::Proportion;

use crate::distribution::normal;

/// A confidence: the share of all repetitions in which an interval contains the truth.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// 95 %.
    pub const P95: Self = Self(0.95);

    /// A confidence between 0 and 1, both excluded.
    ///
    /// # Errors
    /// [`NotALevel`] otherwise.
    pub fn new(confidence: f64) -> Result<Self, NotALevel> {
        if confidence > 0.0 && confidence < 1.0 { Ok(Self(confidence)) } else { Err(NotALevel) }
    }

    /// The confidence, for example 0.95.
    #[must_use]
    pub const fn confidence(self) -> f64 {
        self.0
    }

    /// What is left for error: `1 - confidence`.
    #[must_use]
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// The level of each of `count` intervals that shall hold all at once (Bonferroni): the error is divided among
    /// them, whatever their dependence.
    #[must_use]
    pub fn each_of(self, count: usize) -> Self {
        let alpha = self.alpha() / count.max(1) as f64;
        // Below 2^-53 the confidence would round to 1: the interval is then the widest that a double can state.
        Self((1.0 - alpha).min(1.0 - f64::EPSILON / 2.0))
    }

    /// The two-sided normal quantile: 1.959964 at 95 %.
    #[must_use]
    pub fn z(self) -> f64 {
        -normal::quantile(self.alpha() / 2.0)
    }
}

/// The confidence is not between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a confidence lies between 0 and 1, both excluded; help: write 0.95 for 95 %")]
pub struct NotALevel;

/// A value, the interval that the observations allow, and how many there were.
///
/// `low <= value <= high`. A bound can be infinite where the data do not bound the quantity (a ratio to a rate that
/// may be zero).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Observations behind it (of both sides, for a comparison).
    pub n: u64,
}

impl Estimate {
    /// Where the interval lies with respect to `limit`.
    #[must_use]
    pub fn against(&self, limit: f64) -> Side {
        if self.low > limit {
            Side::Above
        } else if self.high < limit {
            Side::Below
        } else {
            Side::Undecided
        }
    }

    /// The interval, widened to contain a value that rounding left outside.
    fn spanning(self, value: f64, n: u64) -> Self {
        Self { value, low: self.low.min(value), high: self.high.max(value), n }
    }

    /// The estimate and its interval under a non-decreasing function.
    #[must_use]
    pub fn map(self, increasing: impl Fn(f64) -> f64) -> Self {
        Self {
            value: increasing(self.value),
            low: increasing(self.low),
            high: increasing(self.high),
            n: self.n,
        }
    }
}

/// On which side of a limit an interval lies, if on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The whole interval is above the limit.
    Above,
    /// The whole interval is below the limit.
    Below,
    /// The limit is inside the interval: these observations do not decide it.
    Undecided,
}

/// A share with the variance of the delta method, on the logit scale so that the interval stays inside `[0, 1]`. Where that
/// variance is zero it says nothing: the interval is then that of as many independent rows as the value rests on, Wilson's
/// for a share of 0 or 1. Of `n` observations in all.
pub(crate) fn on_logit_scale(value: f64, variance: f64, rests_on: u64, n: u64, level: Level) -> Estimate {
    if value <= ROUNDED || value >= 1.0 - ROUNDED {
        return certain(value >= 0.5, rests_on, level, |share| share).spanning(value, n);
    }
    let spread = value * (1.0 - value);
    let variance = if variance > 0.0 { variance } else { spread / rests_on.max(1) as f64 };
    let half = level.z() * variance.sqrt() / spread;
    let logit = (value / (1.0 - value)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Estimate { value, low: back(logit - half), high: back(logit + half), n }.spanning(value, n)
}

/// An index between -1 and 1 (a correlation) with the variance of the delta method, on Fisher's z scale so that the
/// interval stays inside. Where that variance is zero as for [`on_logit_scale`]; -1 and 1 are no row right and all.
pub(crate) fn on_z_scale(value: f64, variance: f64, n: u64, level: Level) -> Estimate {
    if value.abs() >= 1.0 - ROUNDED {
        return certain(value > 0.0, n, level, |share| 2.0 * share - 1.0).spanning(value, n);
    }
    let spread = 1.0 - value * value;
    let variance = if variance > 0.0 { variance } else { spread / n.max(1) as f64 };
    let half = level.z() * variance.sqrt() / spread;
    let (low, high) = ((value.atanh() - half).tanh(), (value.atanh() + half).tanh());
    Estimate { value, low, high, n }.spanning(value, n)
}

/// What sums of shares may be off by rounding.
const ROUNDED: f64 = 1e-12;

/// Wilson's interval of all of `rows`, or none of them.
fn certain(all: bool, rows: u64, level: Level, scale: impl Fn(f64) -> f64) -> Estimate {
    let share = if all { Proportion::of_parts(rows, 0) } else { Proportion::of_parts(0, rows) };
    let nothing = Estimate { value: 0.5, low: 0.0, high: 1.0, n: 0 };
    share.wilson(level).unwrap_or(nothing).map(scale)
}

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The values do not vary, so that there is nothing to measure the spread with.
    #[error("all values are equal")]
    Constant,
    /// There is nothing to divide by: no observation is of the kind that the rate speaks about.
    #[error("no observations")]
    Empty,
    /// A score that is read as a probability lies outside of 0 to 1.
    #[error("a score is not a probability")]
    NotAProbability,
    /// A value is missing, infinite or not a number.
    #[error("a value is not a finite number")]
    NotFinite,
    /// A metric that compares two classes saw one.
    #[error("the labels are all of one class")]
    OneClass,
    /// No single value fits all observations: what was assumed constant has changed.
    #[error("the observations fit no single value")]
    Refuted,
    /// Fewer observations than the method is honest with.
    #[error("{n} observations are too few, {needed} needed")]
    TooFew {
        /// Observations there are.
        n: u64,
        /// Observations that the method needs.
        needed: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_is_between_zero_and_one() {
        for bad in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Level::new(bad), Err(NotALevel), "{bad}");
        }
        assert!((Level::P95.z() - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((Level::P95.each_of(5).alpha() - 0.01).abs() < 1e-15);
        assert!(Level::P95.each_of(usize::MAX).z().is_finite());
    }

    #[test]
    fn limit_inside_the_interval_is_undecided() {
        let estimate = Estimate { value: 0.5, low: 0.4, high: 0.6, n: 10 };
        assert_eq!(estimate.against(0.3), Side::Above);
        assert_eq!(estimate.against(0.7), Side::Below);
        assert_eq!(estimate.against(0.6), Side::Undecided);
    }
}
