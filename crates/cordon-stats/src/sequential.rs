//! Tests that may be looked at after every observation, for ever, at one stated error rate.
//!
//! A test at 5 % that is repeated on every new window alarms sooner or later with certainty, on data that never
//! changed. What is here is *anytime-valid*: an e-process starts at 1, and under the null its expectation never exceeds
//! 1 at any stopping time, so that the chance that it **ever** reaches `1 / alpha` is at most `alpha` (Ville, 1939). A
//! confidence sequence is an interval that contains the truth at **all** times at once with the stated confidence.
//!
//! | question | take |
//! |---|---|
//! | has this rate risen above its limit? | [`RateTest`] |
//! | what is the rate, looked at all the time? | [`RateTest::interval`] |
//! | the mean of anything between two bounds | [`BoundedMean`] (tight), [`NormalMixture`] (closed form) |
//! | is the mean of a bounded number above a limit? | [`BoundedTest`] |
//! | when did a stream change that may run for years? | [`Detector`] (no error probability: a mean time between false alarms) |
//! | which of two models on the same rows is better? | [`Pairs`] (any bounded loss) |
//! | is the canary worse than the live release? | [`Arms`] (any bounded outcome), [`Events`] (rare events, known split) |
//! | how many observations does this need? | [`power`] |
//!
//! The price of looking always: an interval about twice as wide as one that is looked at once.

mod arms;
mod bounded;
mod detector;
mod events;
mod normal_mixture;
pub mod power;
mod rate;

pub use arms::{Arm, Arms, Pairs, Standing};
pub use bounded::{BoundedMean, BoundedTest};
pub use detector::{Detector, log_likelihood_ratio};
pub use events::Events;
pub use normal_mixture::NormalMixture;
pub use rate::RateTest;

/// Against which change a test looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Either way.
    Both,
    /// Lower than the null says.
    Down,
    /// Higher than the null says.
    Up,
}

/// A parameter or an observation outside of what the method is defined for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {must}")]
pub struct OutOfRange {
    what: &'static str,
    must: &'static str,
}

impl OutOfRange {
    /// `what` is not strictly between 0 and 1.
    fn open_unit(what: &'static str, value: f64) -> Result<(), Self> {
        if value > 0.0 && value < 1.0 {
            Ok(())
        } else {
            Err(Self { what, must: "between 0 and 1, both excluded" })
        }
    }

    /// `what` is not between 0 and 1.
    fn unit(what: &'static str, value: f64) -> Result<(), Self> {
        if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(Self { what, must: "between 0 and 1" }) }
    }

    /// `what` is not a finite number above zero.
    fn positive(what: &'static str, value: f64) -> Result<(), Self> {
        if value > 0.0 && value.is_finite() {
            Ok(())
        } else {
            Err(Self { what, must: "a finite number above 0" })
        }
    }
}

/// `ln(exp a + exp b)`.
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    if large == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}
