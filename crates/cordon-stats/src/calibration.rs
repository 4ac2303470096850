//! Performance before labels come: what calibrated probabilities promise, and what known rows say about new ones.
//!
//! A calibrated probability of 0.7 is right seven times of ten, so that a decision made at it can be judged before
//! anybody knows the answer ([`expected()`], the idea of NannyML's CBPE). It holds while the *meaning* of the score holds:
//! new inputs of a known kind. When the world itself changes (the same input, another answer), no method without labels
//! sees it; the realised error of past estimates, once labels are there, is the only warning ([`Expected::surprise`]).
//!
//! [`Cells`] and [`weights`] answer the same question from the other side: labelled rows weighted as today's inputs are distributed.

mod cells;
mod expected;
mod isotonic;
mod ranking;
pub mod weights;

pub use cells::{Cells, Weighted};
pub use expected::{Expected, Metric, expected, expected_by};
pub use isotonic::Isotonic;
