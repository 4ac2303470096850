//! How good a model is, with intervals: yes-or-no decisions, scores, classes, numbers, rankings.
//!
//! | what the model gives | take |
//! |---|---|
//! | a decision, yes or no | [`Confusion`]: four counts that merge; every [`Rate`] with Wilson's interval, every [`Index`] |
//! | a score or probability | [`scores::Report`]: AUC, average precision, Brier, log loss; [`Reliability`] for calibration |
//! | one of several classes | [`Classes`] |
//! | a number | [`regression::Report`] |
//! | an ordered list | [`ranking`] |
//! | labels that come later, in another file | [`late`] |
//! | two models on the same rows | [`Paired`], [`crate::interval::delong_paired`] |
//!
//! Rows are independent in every interval here. Where rows come in clusters (many calls of one user), intervals are too
//! narrow; resample the clusters.

mod classes;
mod confusion;
pub mod late;
mod paired;
pub mod ranking;
pub mod regression;
mod reliability;
pub mod scores;

pub use classes::{Average, Classes, probabilities};
pub use confusion::{Confusion, Index, Rate};
pub use paired::Paired;
pub use reliability::{Bin, Reliability};

use crate::interval::{Estimate, Level};

/// An index between -1 and 1 (a correlation) with the variance of the delta method, on Fisher's z scale so that the
/// interval stays inside.
fn on_z_scale(value: f64, variance: f64, n: u64, level: Level) -> Estimate {
    if value.abs() >= 1.0 {
        return Estimate { value, low: value, high: value, n };
    }
    let half = level.z() * variance.max(0.0).sqrt() / (1.0 - value * value);
    let (low, high) = ((value.atanh() - half).tanh(), (value.atanh() + half).tanh());
    Estimate { value, low: low.min(value), high: high.max(value), n }
}

/// A share with the variance of the delta method, on the logit scale.
fn on_logit_scale(value: f64, variance: f64, n: u64, level: Level) -> Estimate {
    if value <= 0.0 || value >= 1.0 {
        return Estimate { value, low: value, high: value, n };
    }
    let half = level.z() * variance.max(0.0).sqrt() / (value * (1.0 - value));
    let logit = (value / (1.0 - value)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Estimate { value, low: back(logit - half).min(value), high: back(logit + half).max(value), n }
}
