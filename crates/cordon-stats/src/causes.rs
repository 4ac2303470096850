//! Why did it change? Which columns tell two tables apart, which columns move an outcome, and in which segments.
//!
//! What needs rows works on a bounded sample of them ([`Rows`]) in which each column is one of a few dozen values, bins or
//! categories ([`Columns`]), frozen by both profiles. What cannot be explained is said as a number of its own and never
//! spread over the columns.
//!
//! | question | take |
//! |---|---|
//! | are the tables different at all, all columns together, and which columns make the difference? | [`separation`] |
//! | the mean of an outcome (a prediction, an error) moved: which columns moved it? | [`attribution`] |
//! | in which segments did it move, or which segments grew? | [`segments`] |
//! | where is an outcome worst, now? | [`worst`] |
//! | there are profiles and no rows: which columns moved, each by itself? | [`moved`] |
//! | which pieces of columns, or segments that the profiles keep, grew or shrank? | [`pieces`], [`grown`] |
//! | which of those segments moved a mean? | [`movers`] |
//!
//! None of these says what *caused* a change in the world: of two columns that always move together, the data cannot tell
//! which one drives.

mod attribution;
mod columns;
mod profiled;
mod rows;
mod segments;
mod separation;
mod sums;

pub use attribution::{Attribution, attribution};
pub use columns::{Columns, LeftOut, Within};
pub use profiled::{Moved, grown, moved, movers, pieces};
pub use rows::Rows;
pub use segments::{Cut, Found, Part, Search, Segment, segments, worst};
pub use separation::{Separation, separation};

use crate::interval::Estimate;

/// What one column contributes to a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The column.
    pub column: String,
    /// Its contribution, in the unit of what changed.
    pub contribution: Estimate,
    /// How far the column moved by itself: Jensen–Shannon distance, base 2.
    pub alone: f64,
}

/// The largest first, whatever the sign; equal ones by name.
fn ranked(mut causes: Vec<Cause>) -> Vec<Cause> {
    causes.sort_by(larger);
    causes
}

fn larger(a: &Cause, b: &Cause) -> std::cmp::Ordering {
    let size = |cause: &Cause| cause.contribution.value.abs();
    size(b).total_cmp(&size(a)).then_with(|| a.column.cmp(&b.column))
}
