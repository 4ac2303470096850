use super::Classes;
use crate::interval::{Estimate, Level, Proportion, Unknown, on_z_scale};

/// Decisions against labels: four counts, from which every rate follows. Merges by addition, in any order.
///
/// ```
/// use cordon_stats::{interval::Level, performance::{Confusion, Rate}};
/// let mut counts = Confusion::default();
/// for (label, decision) in [(true, true), (true, false), (false, false), (false, false)] {
///     counts.push(label, decision);
/// }
/// let recall = counts.rate(Rate::Recall).wilson(Level::P95)?;
/// assert_eq!((recall.value, recall.n), (0.5, 2)); // two positive rows: the interval says how little that is
/// assert!(recall.low < 0.1 && recall.high > 0.9);
/// # Ok::<(), cordon_stats::interval::Unknown>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Positive, and decided so.
    pub true_positives: u64,
    /// Negative, decided positive.
    pub false_positives: u64,
    /// Negative, and decided so.
    pub true_negatives: u64,
    /// Positive, decided negative.
    pub false_negatives: u64,
}

/// A rate that counts: hits of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// Right decisions of all.
    Accuracy,
    /// Positive labels of all.
    Base,
    /// Positive rows decided negative, of the positive rows.
    FalseNegative,
    /// Negative rows decided positive, of the negative rows.
    FalsePositive,
    /// Negative labels of the rows decided negative.
    NegativePredictive,
    /// Positive labels of the rows decided positive (positive predictive value).
    Precision,
    /// Positive rows decided positive, of the positive rows (true positive rate, sensitivity).
    Recall,
    /// Rows decided positive of all.
    Selection,
    /// Negative rows decided negative, of the negative rows (true negative rate).
    Specificity,
}

impl Rate {
    /// Every rate.
    pub const ALL: [Self; 9] = [
        Self::Accuracy,
        Self::Base,
        Self::FalseNegative,
        Self::FalsePositive,
        Self::NegativePredictive,
        Self::Precision,
        Self::Recall,
        Self::Selection,
        Self::Specificity,
    ];

    /// Its name in output that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Base => "base_rate",
            Self::FalseNegative => "false_negative_rate",
            Self::FalsePositive => "false_positive_rate",
            Self::NegativePredictive => "negative_predictive_value",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Selection => "selection_rate",
            Self::Specificity => "specificity",
        }
    }
}

/// A number made of several rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// Mean of recall and specificity.
    BalancedAccuracy,
    /// Harmonic mean of precision and recall.
    F1,
    /// Recall minus false positive rate (Youden's J).
    Informedness,
    /// Agreement beyond chance (Cohen, 1960).
    Kappa,
    /// Correlation of label and decision (Matthews, 1975).
    Mcc,
}

impl Index {
    /// Every index.
    pub const ALL: [Self; 5] = [Self::BalancedAccuracy, Self::F1, Self::Informedness, Self::Kappa, Self::Mcc];

    /// Its name in output that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::F1 => "f1",
            Self::Informedness => "informedness",
            Self::Kappa => "cohen_kappa",
            Self::Mcc => "mcc",
        }
    }
}

impl Confusion {
    /// Counts one row.
    pub const fn push(&mut self, label: bool, decision: bool) {
        let count = match (label, decision) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
            (true, false) => &mut self.false_negatives,
        };
        *count = count.saturating_add(1);
    }

    /// Both counts as one.
    pub const fn merge(&mut self, other: &Self) {
        self.true_positives = self.true_positives.saturating_add(other.true_positives);
        self.false_positives = self.false_positives.saturating_add(other.false_positives);
        self.true_negatives = self.true_negatives.saturating_add(other.true_negatives);
        self.false_negatives = self.false_negatives.saturating_add(other.false_negatives);
    }

    /// Rows counted.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.positives().saturating_add(self.negatives())
    }

    /// Rows with a positive label.
    #[must_use]
    pub const fn positives(&self) -> u64 {
        self.true_positives.saturating_add(self.false_negatives)
    }

    /// Rows with a negative label.
    #[must_use]
    pub const fn negatives(&self) -> u64 {
        self.true_negatives.saturating_add(self.false_positives)
    }

    /// The count behind a rate: its value, its intervals and comparisons.
    #[must_use]
    pub const fn rate(&self, rate: Rate) -> Proportion {
        let Self { true_positives: tp, false_positives: fp, true_negatives: tn, false_negatives: fn_ } =
            *self;
        let (hits, misses) = match rate {
            Rate::Accuracy => (tp.saturating_add(tn), fp.saturating_add(fn_)),
            Rate::Base => (tp.saturating_add(fn_), tn.saturating_add(fp)),
            Rate::FalseNegative => (fn_, tp),
            Rate::FalsePositive => (fp, tn),
            Rate::NegativePredictive => (tn, fn_),
            Rate::Precision => (tp, fp),
            Rate::Recall => (tp, fn_),
            Rate::Selection => (tp.saturating_add(fp), tn.saturating_add(fn_)),
            Rate::Specificity => (tn, fp),
        };
        Proportion::of_parts(hits, misses)
    }

    /// An index with its interval.
    ///
    /// F1 is a function of one proportion, `TP` of `TP + FP + FN`, and takes Wilson's interval for that. Balanced accuracy
    /// and informedness join the Wilson intervals of two independent rates (MOVER). MCC and kappa take the delta method
    /// on Fisher's z scale: right for some dozens of rows in each class, too narrow for a handful.
    ///
    /// # Errors
    /// [`Unknown::Empty`] for F1 without positives and without rows decided so; [`Unknown::OneClass`] where labels (or
    /// decisions, for MCC) are all alike.
    pub fn index(&self, index: Index, level: Level) -> Result<Estimate, Unknown> {
        match index {
            Index::BalancedAccuracy => {
                self.recall_and_specificity(level).map(|e| e.map(|j| f64::midpoint(j, 1.0)))
            }
            Index::F1 => {
                let wrong = self.false_positives.saturating_add(self.false_negatives);
                let jaccard = Proportion::of_parts(self.true_positives, wrong).wilson(level)?;
                Ok(jaccard.map(|j| 2.0 * j / (1.0 + j)))
            }
            Index::Informedness => self.recall_and_specificity(level),
            Index::Kappa => self.classes().kappa(level),
            Index::Mcc => {
                let (value, variance) = self.classes().mcc_parts().ok_or(Unknown::OneClass)?;
                Ok(on_z_scale(value, variance, self.n(), level))
            }
        }
    }

    /// Recall + specificity - 1.
    fn recall_and_specificity(&self, level: Level) -> Result<Estimate, Unknown> {
        if self.positives() == 0 || self.negatives() == 0 {
            return Err(Unknown::OneClass);
        }
        self.rate(Rate::Recall).minus(self.rate(Rate::FalsePositive), level)
    }

    /// The same counts as a table of two classes.
    fn classes(&self) -> Classes {
        Classes::of_two(self.true_negatives, self.false_positives, self.false_negatives, self.true_positives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_prove_no_disagreement() {
        let mut all = Confusion::default();
        [(true, false), (false, true)].into_iter().for_each(|(label, decision)| all.push(label, decision));
        for index in [Index::Mcc, Index::Kappa] {
            let e = all.index(index, Level::P95).unwrap();
            assert!(e.value == -1.0 && e.low == -1.0 && e.high > 0.3, "{e:?}");
        }
        let f1 = all.classes().mean_f1(crate::performance::Average::Macro, Level::P95).unwrap();
        assert!(f1.value == 0.0 && f1.low == 0.0 && f1.high > 0.6, "{f1:?}");
    }
    use crate::random::Random;
    use proptest::prelude::*;

    fn counts(cells: [u64; 4]) -> Confusion {
        let [true_positives, false_positives, true_negatives, false_negatives] = cells;
        Confusion { true_positives, false_positives, true_negatives, false_negatives }
    }

    #[test]
    fn nothing_and_one_class_say_so() {
        let none = Confusion::default();
        assert!(Rate::ALL.iter().all(|rate| none.rate(*rate).wilson(Level::P95) == Err(Unknown::Empty)));
        assert_eq!(none.index(Index::F1, Level::P95), Err(Unknown::Empty));
        assert_eq!(none.index(Index::Kappa, Level::P95), Err(Unknown::Empty));
        let one = counts([5, 0, 0, 2]);
        assert_eq!(one.index(Index::BalancedAccuracy, Level::P95), Err(Unknown::OneClass));
        assert_eq!(one.index(Index::Mcc, Level::P95), Err(Unknown::OneClass));
    }

    /// Intervals of the indices contain the truth of a simulated population about as often as stated.
    #[test]
    fn index_intervals_cover() {
        let truth = counts([300, 100, 500, 100]);
        let (mut random, runs, mut hits) = (Random::new(13), 600, [0_u32; 5]);
        for _ in 0..runs {
            let mut sample = Confusion::default();
            for _ in 0..150 {
                let at = random.below(1000);
                let label = !(300..900).contains(&at);
                sample.push(label, at < 400);
            }
            for (hit, index) in hits.iter_mut().zip(Index::ALL) {
                let value = truth.index(index, Level::P95).unwrap().value;
                let e = sample.index(index, Level::P95).unwrap();
                *hit += u32::from(e.low <= value && value <= e.high);
            }
        }
        let shares = hits.map(|hit| f64::from(hit) / f64::from(runs));
        assert!(shares.iter().all(|share| (0.925..0.99).contains(share)), "{shares:?}");
    }

    proptest! {
        #[test]
        fn merge_is_associative_and_order_does_not_matter(
            rows in prop::collection::vec(any::<(bool, bool)>(), 0..80), cut in 0usize..80,
        ) {
            let count = |rows: &[(bool, bool)]| {
                let mut all = Confusion::default();
                rows.iter().for_each(|(label, decision)| all.push(*label, *decision));
                all
            };
            let cut = cut.min(rows.len());
            let (mut left, mut right) = (count(&rows[..cut]), count(&rows[cut..]));
            let first = left;
            left.merge(&right);
            right.merge(&first);
            prop_assert_eq!(left, right);
            prop_assert_eq!(left, count(&rows));
        }

        #[test]
        fn intervals_contain_their_estimate(cells in prop::array::uniform4(0u64..400)) {
            let counts = counts(cells);
            for index in Index::ALL {
                if let Ok(e) = counts.index(index, Level::P95) {
                    prop_assert!(e.low <= e.value && e.value <= e.high && e.value.abs() <= 1.0 + 1e-12, "{index:?} {e:?}");
                }
            }
        }
    }
}
