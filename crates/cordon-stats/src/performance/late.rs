//! Labels that arrive later than the predictions, joined by an id.
//!
//! What is known about the labelled rows is not known about the others: the share that is labelled and how late labels
//! come stand next to every metric, because late labels are rarely like early ones (a loan that defaults says so years
//! before one that does not).

use crate::Sample;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Predictions that wait for their label.
///
/// `Id` names a row in both files, `P` is what is kept of a prediction. Times are seconds of any common clock. Holds at
/// most as many predictions as it was made for; what comes beyond is counted and left out.
#[derive(Debug, Clone)]
pub struct Join<Id, P> {
    waiting: HashMap<Id, Option<(f64, P)>>,
    capacity: usize,
    delays: Vec<f64>,
    coverage: Coverage,
}

/// How much of the predictions the labels cover, and what did not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Predictions taken in.
    pub predictions: u64,
    /// Labels joined to a prediction.
    pub labelled: u64,
    /// Predictions left out because their id came before.
    pub repeated_predictions: u64,
    /// Labels left out because their prediction has one.
    pub repeated_labels: u64,
    /// Labels left out because there is no prediction of their id.
    pub unknown_labels: u64,
    /// Predictions left out because there were too many.
    pub beyond_capacity: u64,
}

impl Coverage {
    /// Labelled share of the predictions, as a count with its intervals.
    #[must_use]
    pub const fn share(&self) -> crate::interval::Proportion {
        crate::interval::Proportion::of_parts(self.labelled, self.predictions.saturating_sub(self.labelled))
    }
}

/// How late labels came, in the unit of the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// Half of the labels came within this.
    pub median: f64,
    /// Nine of ten came within this.
    pub p90: f64,
    /// The latest.
    pub longest: f64,
    /// Labels that came before their prediction: a clock is wrong, or a label leaked into the prediction.
    pub negative: u64,
}

impl<Id: Eq + Hash, P> Join<Id, P> {
    /// An empty join that holds at most `capacity` predictions.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { waiting: HashMap::new(), capacity, delays: Vec::new(), coverage: Coverage::default() }
    }

    /// A prediction, made at `time`.
    pub fn predicted(&mut self, id: Id, time: f64, prediction: P) {
        let full = self.waiting.len() >= self.capacity;
        match self.waiting.entry(id) {
            Entry::Occupied(_) => self.coverage.repeated_predictions += 1,
            Entry::Vacant(_) if full => self.coverage.beyond_capacity += 1,
            Entry::Vacant(slot) => {
                slot.insert(Some((time, prediction)));
                self.coverage.predictions += 1;
            }
        }
    }

    /// A label, known at `time`. Returns the prediction that it is for, once.
    pub fn labelled(&mut self, id: &Id, time: f64) -> Option<P> {
        match self.waiting.get_mut(id) {
            None => {
                self.coverage.unknown_labels += 1;
                None
            }
            Some(slot) => match slot.take() {
                None => {
                    self.coverage.repeated_labels += 1;
                    None
                }
                Some((made, prediction)) => {
                    self.coverage.labelled += 1;
                    if (time - made).is_finite() {
                        self.delays.push(time - made);
                    }
                    Some(prediction)
                }
            },
        }
    }

    /// What was covered and what was left out.
    #[must_use]
    pub const fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// How late the labels were; `None` without a label of known time.
    #[must_use]
    pub fn delay(&self) -> Option<Delay> {
        let delays = Sample::new(self.delays.clone()).ok()?;
        let negative = delays.values().iter().filter(|delay| **delay < 0.0).count() as u64;
        Some(Delay {
            median: delays.quantile(0.5),
            p90: delays.quantile(0.9),
            longest: delays.range().1,
            negative,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_left_out_is_counted() {
        let mut join = Join::new(3);
        for (id, time) in [("a", 0.0), ("b", 10.0), ("b", 11.0), ("c", 20.0), ("d", 30.0)] {
            join.predicted(id, time, id.len());
        }
        assert_eq!(join.labelled(&"a", 5.0), Some(1));
        assert_eq!(join.labelled(&"a", 6.0), None);
        assert_eq!(join.labelled(&"x", 6.0), None);
        assert_eq!(join.labelled(&"c", 19.0), Some(1));
        assert_eq!(join.labelled(&"b", f64::NAN), Some(1));
        let expected = Coverage {
            predictions: 3,
            labelled: 3,
            repeated_predictions: 1,
            repeated_labels: 1,
            unknown_labels: 1,
            beyond_capacity: 1,
        };
        assert_eq!(join.coverage(), expected);
        assert_eq!(join.delay(), Some(Delay { median: 2.0, p90: 4.4, longest: 5.0, negative: 1 }));
        assert_eq!(join.coverage().share().value(), Some(1.0));
    }
}
