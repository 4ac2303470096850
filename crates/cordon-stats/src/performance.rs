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
