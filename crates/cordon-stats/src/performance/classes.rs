use crate::interval::{Estimate, Level, Proportion, Unknown, delong_ties, on_logit_scale, on_z_scale, ties};

/// How the classes of one model become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Every class counts the same, however rare.
    Macro,
    /// Every row counts the same; of single-label classes this is the accuracy.
    Micro,
    /// Every class counts as often as it occurs among the labels.
    Weighted,
}

/// Labels against predictions of several classes: a square of counts. Merges by addition.
///
/// A class that occurs neither among labels nor among predictions takes no part in averages; one without labels has no
/// recall and one never predicted no precision, and both count as 0 (the convention of scikit-learn).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    classes: usize,
    /// By label, then by prediction.
    counts: Vec<u64>,
}

/// More classes than this are another kind of question, and their square of counts would not be small.
const MOST_CLASSES: usize = 2000;

impl Classes {
    /// An empty table of `classes` classes; `None` for none or more than 2,000.
    #[must_use]
    pub fn new(classes: usize) -> Option<Self> {
        (1..=MOST_CLASSES).contains(&classes).then(|| Self { classes, counts: vec![0; classes * classes] })
    }

    pub(super) fn of_two(
        true_negatives: u64,
        false_positives: u64,
        false_negatives: u64,
        true_positives: u64,
    ) -> Self {
        Self { classes: 2, counts: vec![true_negatives, false_positives, false_negatives, true_positives] }
    }

    /// Counts one row. Returns false, and counts nothing, for a class that the table does not have.
    pub fn push(&mut self, label: usize, prediction: usize) -> bool {
        if label >= self.classes || prediction >= self.classes {
            return false;
        }
        let count = self.counts.get_mut(label * self.classes + prediction);
        count.map(|count| *count = count.saturating_add(1)).is_some()
    }

    /// Both tables as one. Returns false, and changes nothing, where they have different numbers of classes.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.classes != other.classes {
            return false;
        }
        self.counts
            .iter_mut()
            .zip(&other.counts)
            .for_each(|(count, more)| *count = count.saturating_add(*more));
        true
    }

    /// Rows counted.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Right predictions of all.
    #[must_use]
    pub fn accuracy(&self) -> Proportion {
        let right = self.diagonal().sum::<u64>();
        Proportion::of_parts(right, self.n().saturating_sub(right))
    }

    /// Of one class: right ones among its labels.
    #[must_use]
    pub fn recall(&self, class: usize) -> Proportion {
        let (right, labels, _) = self.of_class(class);
        Proportion::of_parts(right, labels.saturating_sub(right))
    }

    /// Of one class: right ones among its predictions.
    #[must_use]
    pub fn precision(&self, class: usize) -> Proportion {
        let (right, _, predictions) = self.of_class(class);
        Proportion::of_parts(right, predictions.saturating_sub(right))
    }

    /// Mean recall. Its interval adds the variances of the classes, which are independent.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows.
    pub fn mean_recall(&self, average: Average, level: Level) -> Result<Estimate, Unknown> {
        match average {
            // Weighted by labels, recall is the accuracy again.
            Average::Micro | Average::Weighted => self.accuracy().wilson(level),
            Average::Macro => self.mean_of(|class| self.recall(class), |_| 1.0, level),
        }
    }

    /// Mean precision. Its interval adds the variances of the classes, given how often each was predicted.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows.
    pub fn mean_precision(&self, average: Average, level: Level) -> Result<Estimate, Unknown> {
        match average {
            Average::Micro => self.accuracy().wilson(level),
            Average::Macro => self.mean_of(|class| self.precision(class), |_| 1.0, level),
            Average::Weighted => {
                self.mean_of(|class| self.precision(class), |(_, labels, _)| labels as f64, level)
            }
        }
    }

    /// Mean F1, with the delta method on the logit scale.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows.
    pub fn mean_f1(&self, average: Average, level: Level) -> Result<Estimate, Unknown> {
        let n = self.n();
        if n == 0 {
            return Err(Unknown::Empty);
        }
        if average == Average::Micro {
            return self.accuracy().wilson(level);
        }
        let margins = self.margins();
        let used = margins.iter().filter(|(_, row, column)| row + column > 0.0).count() as f64;
        // Of each class: its F1, its weight, and the derivative of its part by an error in its row or column.
        let parts: Vec<(f64, f64, f64)> = margins
            .iter()
            .map(|(right, row, column)| {
                let both = row + column;
                let weight = if average == Average::Macro { 1.0 / used } else { *row };
                if both > 0.0 {
                    (2.0 * right / both, weight, 2.0 * right / (both * both))
                } else {
                    (0.0, 0.0, 0.0)
                }
            })
            .collect();
        let value: f64 = parts.iter().map(|(f1, weight, _)| f1 * weight).sum();
        let weighted = average == Average::Weighted;
        let variance = self.variance(|label, prediction| {
            let (Some(l), Some(p)) = (parts.get(label), parts.get(prediction)) else { return 0.0 };
            let own = if label == prediction {
                margins
                    .get(label)
                    .map_or(0.0, |(_, row, column)| 2.0 * l.1 / (row + column).max(f64::MIN_POSITIVE))
            } else {
                0.0
            };
            let by_weight = if weighted { l.0 } else { 0.0 };
            own + by_weight - l.1 * l.2 - p.1 * p.2
        });
        Ok(on_logit_scale(value, variance, n, n, level))
    }

    /// Agreement beyond chance (Cohen, "A coefficient of agreement for nominal scales", 1960) with the variance of
    /// Fleiss, Cohen and Everitt (1969), on Fisher's z scale.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows; [`Unknown::OneClass`] where chance alone would always agree.
    pub fn kappa(&self, level: Level) -> Result<Estimate, Unknown> {
        let n = self.n();
        if n == 0 {
            return Err(Unknown::Empty);
        }
        let margins = self.margins();
        let observed: f64 = margins.iter().map(|(right, _, _)| right).sum();
        let chance: f64 = margins.iter().map(|(_, row, column)| row * column).sum();
        let room = 1.0 - chance;
        if room <= 0.0 {
            return Err(Unknown::OneClass);
        }
        let variance = self.variance(|label, prediction| {
            let agree = f64::from(u8::from(label == prediction));
            let by_chance =
                margins.get(label).map_or(0.0, |m| m.2) + margins.get(prediction).map_or(0.0, |m| m.1);
            agree / room - by_chance * (1.0 - observed) / (room * room)
        });
        Ok(on_z_scale((observed - chance) / room, variance, n, level))
    }

    /// Correlation of label and prediction: Matthews' for two classes, Gorodkin's R_K ("Comparing two K-category
    /// assignments by a K-category correlation coefficient", 2004) for more, with the delta method on Fisher's z scale.
    ///
    /// # Errors
    /// [`Unknown::OneClass`] where labels or predictions are all alike.
    pub fn mcc(&self, level: Level) -> Result<Estimate, Unknown> {
        let (value, variance) = self.mcc_parts().ok_or(Unknown::OneClass)?;
        Ok(on_z_scale(value, variance, self.n(), level))
    }

    pub(super) fn mcc_parts(&self) -> Option<(f64, f64)> {
        if self.n() == 0 {
            return None;
        }
        let margins = self.margins();
        let sum = |f: &dyn Fn(&(f64, f64, f64)) -> f64| margins.iter().map(f).sum::<f64>();
        let covariance = sum(&|m| m.0 - m.1 * m.2);
        let of_labels = 1.0 - sum(&|m| m.1 * m.1);
        let of_predictions = 1.0 - sum(&|m| m.2 * m.2);
        if of_labels <= 0.0 || of_predictions <= 0.0 {
            return None;
        }
        let scale = (of_labels * of_predictions).sqrt();
        let variance = self.variance(|label, prediction| {
            let (Some(l), Some(p)) = (margins.get(label), margins.get(prediction)) else { return 0.0 };
            let agree = f64::from(u8::from(label == prediction)) - l.2 - p.1;
            agree / scale + covariance / scale * (l.1 / of_labels + p.2 / of_predictions)
        });
        Some((covariance / scale, variance))
    }

    /// Variance by the delta method, of a function of the shares with this derivative by label and prediction.
    fn variance(&self, derivative: impl Fn(usize, usize) -> f64) -> f64 {
        let n = self.n().max(1) as f64;
        let (mut first, mut second) = (0.0, 0.0);
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (share, slope) = (*count as f64 / n, derivative(at / self.classes, at % self.classes));
            first += share * slope;
            second += share * slope * slope;
        }
        (second - first * first).max(0.0) / n
    }

    /// Weighted mean of a proportion of each class that occurs.
    fn mean_of(
        &self,
        proportion: impl Fn(usize) -> Proportion,
        weight: impl Fn((u64, u64, u64)) -> f64,
        level: Level,
    ) -> Result<Estimate, Unknown> {
        let (mut value, mut below, mut above, mut total) = (0.0, 0.0, 0.0, 0.0);
        for class in 0..self.classes {
            let counts = self.of_class(class);
            if counts.1 == 0 && counts.2 == 0 {
                continue;
            }
            let weight = weight(counts);
            total += weight;
            // A class without labels or predictions counts as 0, and nothing is known about it.
            let unknown = Estimate { value: 0.0, low: 0.0, high: 1.0, n: 0 };
            let e = proportion(class).wilson(level).unwrap_or(unknown);
            value += weight * e.value;
            below += weight * weight * (e.value - e.low) * (e.value - e.low);
            above += weight * weight * (e.high - e.value) * (e.high - e.value);
        }
        if total <= 0.0 {
            return Err(Unknown::Empty);
        }
        let (value, below, above) = (value / total, below.sqrt() / total, above.sqrt() / total);
        Ok(Estimate { value, low: (value - below).max(0.0), high: (value + above).min(1.0), n: self.n() })
    }

    /// Right ones, labels and predictions of one class.
    fn of_class(&self, class: usize) -> (u64, u64, u64) {
        if class >= self.classes {
            return (0, 0, 0);
        }
        let start = class * self.classes;
        let labels = self.counts.iter().skip(start).take(self.classes).sum();
        let predictions = self.counts.iter().skip(class).step_by(self.classes).sum();
        (self.counts.get(start + class).copied().unwrap_or(0), labels, predictions)
    }

    /// Shares of right ones, labels and predictions by class.
    fn margins(&self) -> Vec<(f64, f64, f64)> {
        let n = self.n().max(1) as f64;
        let share = |(right, labels, predictions): (u64, u64, u64)| {
            (right as f64 / n, labels as f64 / n, predictions as f64 / n)
        };
        (0..self.classes).map(|class| share(self.of_class(class))).collect()
    }

    fn diagonal(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().copied().step_by(self.classes + 1)
    }
}

/// Probabilities of several classes against labels.
pub mod probabilities {
    use super::*;
    use crate::interval::Mean;

    /// What the probabilities of all classes say. Rows are slices of equal length, one probability by class.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Report {
        /// Mean over classes of the area of "this class or not" (one against the rest). The value of the interval's
        /// ends joins the classes as if they were fully dependent, which is the wide side.
        pub auc_one_to_rest: Result<Estimate, Unknown>,
        /// Mean over pairs of classes of the area among the rows of these two (Hand and Till, 2001). Without interval.
        pub auc_one_to_one: Result<f64, Unknown>,
        /// Mean of `-ln p(label)`, probabilities normalised to sum 1 and cut at 2.2e-16 from zero.
        pub log_loss: Result<Estimate, Unknown>,
        /// Mean of the sum over classes of `(p - y)^2`: between 0 and 2 (Brier, 1950, in its original form).
        pub brier: Result<Estimate, Unknown>,
        /// Rows whose label is among the `k` likeliest classes, for `k` of 1, 2, 3.
        pub among_likeliest: [Proportion; 3],
    }

    /// Reads `rows` against `labels`, the class numbers. Rows that are shorter than `classes`, and labels beyond it,
    /// make everything [`Unknown::NotAProbability`].
    #[must_use]
    pub fn report(rows: &[&[f64]], labels: &[usize], classes: usize, level: Level) -> Report {
        let valid = |(row, label): (&&[f64], &usize)| {
            row.len() == classes && *label < classes && row.iter().all(|p| (0.0..=1.0).contains(p))
        };
        if rows.len() != labels.len() || !rows.iter().zip(labels).all(valid) {
            let no = Unknown::NotAProbability;
            let none = Proportion::of_parts(0, 0);
            return Report {
                auc_one_to_rest: Err(no),
                auc_one_to_one: Err(no),
                log_loss: Err(no),
                brier: Err(no),
                among_likeliest: [none; 3],
            };
        }
        let (mut log_loss, mut brier, mut among) = (Mean::default(), Mean::default(), [0_u64; 3]);
        for (row, label) in rows.iter().zip(labels) {
            let sum: f64 = row.iter().sum();
            let own = row.get(*label).copied().unwrap_or(0.0);
            log_loss.push(-(own / sum).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln());
            let square = |(class, p): (usize, &f64)| (p - f64::from(u8::from(class == *label))).powi(2);
            brier.push(row.iter().enumerate().map(square).sum());
            // Ties with the label's own probability count against it.
            let ahead = row.iter().enumerate().filter(|(class, p)| *class != *label && **p >= own).count();
            among.iter_mut().enumerate().for_each(|(k, hits)| *hits += u64::from(ahead <= k));
        }
        let n = rows.len() as u64;
        Report {
            auc_one_to_rest: one_to_rest(rows, labels, classes, level),
            auc_one_to_one: one_to_one(rows, labels, classes),
            log_loss: log_loss.student(level),
            brier: brier.student(level),
            among_likeliest: among.map(|hits| Proportion::of_parts(hits, n.saturating_sub(hits))),
        }
    }

    fn area(
        rows: &[&[f64]],
        labels: &[usize],
        class: usize,
        other: Option<usize>,
    ) -> Result<Estimate, Unknown> {
        let takes_part = |label: usize| other.is_none_or(|other| label == class || label == other);
        let chosen = || rows.iter().zip(labels).filter(|(_, label)| takes_part(**label));
        let scores: Vec<f64> = chosen().filter_map(|(row, _)| row.get(class).copied()).collect();
        let labels: Vec<bool> = chosen().map(|(_, label)| *label == class).collect();
        delong_ties(&ties(&scores, &labels)?, Level::P95)
    }

    fn one_to_rest(
        rows: &[&[f64]],
        labels: &[usize],
        classes: usize,
        level: Level,
    ) -> Result<Estimate, Unknown> {
        let (mut mean, mut deviation) = (0.0, 0.0);
        for class in 0..classes {
            let e = area(rows, labels, class, None)?;
            mean += e.value / classes as f64;
            // Half of a 95 % interval is 1.96 standard deviations.
            deviation += (e.high - e.low) / 2.0 / Level::P95.z() / classes as f64;
        }
        if classes == 0 {
            return Err(Unknown::Empty);
        }
        let half = level.z() * deviation;
        Ok(Estimate {
            value: mean,
            low: (mean - half).max(0.0),
            high: (mean + half).min(1.0),
            n: rows.len() as u64,
        })
    }

    fn one_to_one(rows: &[&[f64]], labels: &[usize], classes: usize) -> Result<f64, Unknown> {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for first in 0..classes {
            for second in (0..classes).filter(|second| *second != first) {
                sum += area(rows, labels, first, Some(second))?.value;
                pairs += 1.0;
            }
        }
        if pairs > 0.0 { Ok(sum / pairs) } else { Err(Unknown::OneClass) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn what_the_table_does_not_have_is_refused() {
        let mut classes = Classes::new(2).unwrap();
        assert!(!classes.push(2, 0) && !classes.push(0, 2));
        assert!(!classes.merge(&Classes::new(3).unwrap()));
        assert_eq!(classes.mean_f1(Average::Macro, Level::P95), Err(Unknown::Empty));
        assert_eq!(classes.mcc(Level::P95), Err(Unknown::OneClass));
        assert!(Classes::new(0).is_none() && Classes::new(2001).is_none());
    }

    #[test]
    fn rows_that_are_no_probabilities_say_so() {
        let report = probabilities::report(&[&[0.5, 0.5], &[0.5]], &[0, 1], 2, Level::P95);
        assert_eq!(report.log_loss, Err(Unknown::NotAProbability));
        let report = probabilities::report(&[], &[], 2, Level::P95);
        assert_eq!(report.brier, Err(Unknown::Empty));
    }

    /// Intervals of the averages contain the truth of a known population about as often as stated.
    #[test]
    fn intervals_cover() {
        let population = [[30, 5, 5], [4, 20, 6], [2, 3, 25]];
        let mut truth = Classes::new(3).unwrap();
        truth.counts = population.concat();
        let cells: Vec<(usize, usize)> = (0..9)
            .flat_map(|at| std::iter::repeat_n((at / 3, at % 3), usize::try_from(truth.counts[at]).unwrap()))
            .collect();
        let (mut random, runs, mut hits) = (Random::new(23), 500_u32, [0_u32; 6]);
        for _ in 0..runs {
            let mut sample = Classes::new(3).unwrap();
            for _ in 0..200 {
                let (label, prediction) = cells[random.below(cells.len())];
                sample.push(label, prediction);
            }
            let of = |c: &Classes| {
                [
                    c.mean_f1(Average::Macro, Level::P95).unwrap(),
                    c.mean_f1(Average::Weighted, Level::P95).unwrap(),
                    c.mean_recall(Average::Macro, Level::P95).unwrap(),
                    c.mean_precision(Average::Macro, Level::P95).unwrap(),
                    c.kappa(Level::P95).unwrap(),
                    c.mcc(Level::P95).unwrap(),
                ]
            };
            for ((hit, e), truth) in hits.iter_mut().zip(of(&sample)).zip(of(&truth)) {
                *hit += u32::from(e.low <= truth.value && truth.value <= e.high);
            }
        }
        let shares = hits.map(|hit| f64::from(hit) / f64::from(runs));
        assert!(shares.iter().all(|share| (0.92..0.99).contains(share)), "{shares:?}");
    }

    proptest! {
        #[test]
        fn intervals_contain_their_estimate_and_merge_is_addition(
            rows in prop::collection::vec((0usize..4, 0usize..4), 1..80), cut in 0usize..80,
        ) {
            let count = |rows: &[(usize, usize)]| {
                let mut all = Classes::new(4).unwrap();
                rows.iter().for_each(|(label, prediction)| assert!(all.push(*label, *prediction)));
                all
            };
            let cut = cut.min(rows.len());
            let mut parts = count(&rows[cut..]);
            prop_assert!(parts.merge(&count(&rows[..cut])));
            let all = count(&rows);
            prop_assert_eq!(&parts, &all);
            for average in [Average::Macro, Average::Micro, Average::Weighted] {
                for e in [all.mean_f1(average, Level::P95), all.mean_recall(average, Level::P95), all.mean_precision(average, Level::P95)] {
                    let e = e.unwrap();
                    prop_assert!(e.low <= e.value && e.value <= e.high && e.value <= 1.0 + 1e-12, "{e:?}");
                }
            }
        }
    }
}
