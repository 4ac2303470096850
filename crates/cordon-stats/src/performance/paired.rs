use crate::PValue;
use crate::interval::{Estimate, Proportion, Unknown};
use crate::sequential::{Direction, OutOfRange, RateTest};

/// Two models that decided the same rows: only the rows that one got right and the other wrong tell them apart.
///
/// Looked at once, McNemar's exact test ("Note on the sampling error of the difference between correlated proportions",
/// 1947); looked at all the time, the same rows as an anytime-valid test ([`Self::alarms`]). Far more sensitive than two
/// separate accuracies. Merges by addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paired {
    only_first: u64,
    only_second: u64,
    same: u64,
}

impl Paired {
    /// One row: which of the two were right.
    pub const fn push(&mut self, first_right: bool, second_right: bool) {
        let count = match (first_right, second_right) {
            (true, false) => &mut self.only_first,
            (false, true) => &mut self.only_second,
            _ => &mut self.same,
        };
        *count = count.saturating_add(1);
    }

    /// Both sets of rows as one.
    pub const fn merge(&mut self, other: &Self) {
        self.only_first = self.only_first.saturating_add(other.only_first);
        self.only_second = self.only_second.saturating_add(other.only_second);
        self.same = self.same.saturating_add(other.same);
    }

    /// Exact two-sided p-value of "both are right equally often": binomial on the rows that differ. `None` if none do.
    #[must_use]
    pub fn mcnemar(&self) -> Option<PValue> {
        Proportion::of_parts(self.only_first, self.only_second).against_half()
    }

    /// The rows that differ, as an anytime-valid test of "both are right equally often".
    ///
    /// # Errors
    /// Never: one half is a rate.
    fn test(&self) -> Result<RateTest, OutOfRange> {
        let mut test = RateTest::new(0.5, Direction::Both)?;
        test.add(self.only_first, self.only_first.saturating_add(self.only_second));
        Ok(test)
    }

    /// The models differ: may be asked after every row, and is wrong ever with probability at most `alpha`.
    #[must_use]
    pub fn alarms(&self, alpha: f64) -> bool {
        self.test().is_ok_and(|test| test.alarms(alpha))
    }

    /// Among rows that differ, the share that the first got right, with its confidence sequence.
    ///
    /// # Errors
    /// [`Unknown::Empty`] while no row differs.
    pub fn share_of_first(&self, alpha: f64) -> Result<Estimate, Unknown> {
        self.test().map_err(|_| Unknown::Empty)?.interval(alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_differ_count() {
        let mut pair = Paired::default();
        assert_eq!((pair.mcnemar(), pair.alarms(0.05)), (None, false));
        for _ in 0..1000 {
            pair.push(true, true);
        }
        assert_eq!(pair.share_of_first(0.05), Err(Unknown::Empty));
        for _ in 0..10 {
            pair.push(true, false);
        }
        // Ten of ten: 2 / 1024.
        assert!((pair.mcnemar().unwrap().upper_bound() - 2.0 / 1024.0).abs() < 1e-12);
        assert!(pair.alarms(0.05));
        let mut twice = pair;
        twice.merge(&pair);
        assert!(twice.share_of_first(0.05).unwrap().low > pair.share_of_first(0.05).unwrap().low);
    }
}
