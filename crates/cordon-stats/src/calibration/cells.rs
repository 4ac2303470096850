use std::collections::BTreeMap;

use super::expected::{Expected, Sums};
use super::weights::{self, WeightedMean};
use crate::interval::{Level, Proportion, Unknown};

/// Fewest effective rows that weighted rows are honest with.
const FEWEST: f64 = 30.0;

/// Labelled rows by cell of their inputs and by what was decided about them: what importance weighting by cell needs.
///
/// A cell is any partition of the inputs (deciles of a column, its categories, several columns crossed), numbered by the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    /// Of a cell and a decision: positive labels, and rows.
    labelled: BTreeMap<(usize, bool), (u64, u64)>,
}

/// What labelled rows say about others whose inputs are distributed otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// The metrics of the rows that are covered. Those of ranking are [`Unknown::Empty`]: a cell has no order.
    pub expected: Expected,
    /// Rows in cells without a labelled row that was decided alike: nothing is known about them, and they are left out.
    pub uncovered: Proportion,
    /// Labelled rows of equal weight that would say as much (Kish).
    pub effective_rows: f64,
}

impl Cells {
    /// Takes one labelled row in.
    pub fn push(&mut self, cell: usize, label: bool, decision: bool) {
        let (positives, rows) = self.labelled.entry((cell, decision)).or_default();
        *positives = positives.saturating_add(u64::from(label));
        *rows = rows.saturating_add(1);
    }

    /// The metrics of rows without labels, by their cells and decisions: labelled rows are weighted by how much more frequent
    /// their cell and decision is among these. The interval says where the *realised* metric of these rows will lie if the label
    /// depends on the cell and the decision as it did (covariate shift): it holds the chance of their labels and that of the labelled
    /// rows, given how many of each there are in a cell (post-stratification: Holt and Smith, "Post stratification", JRSS A 1979).
    ///
    /// # Errors
    /// [`Unknown::Empty`] without a row in a cell that has labelled ones; [`Unknown::TooFew`] below 30 effective labelled rows.
    pub fn expected(
        &self,
        rows: impl IntoIterator<Item = (usize, bool)>,
        level: Level,
    ) -> Result<Weighted, Unknown> {
        let mut current: BTreeMap<(usize, bool), u64> = BTreeMap::new();
        for row in rows {
            *current.entry(row).or_default() += 1;
        }
        let known = |key: &(usize, bool)| self.labelled.get(key).map_or(0, |(_, rows)| *rows);
        let keys: Vec<(usize, bool)> = self
            .labelled
            .keys()
            .chain(current.keys().filter(|key| !self.labelled.contains_key(key)))
            .copied()
            .collect();
        let labelled: Vec<u64> = keys.iter().map(known).collect();
        let now: Vec<u64> = keys.iter().map(|key| current.get(key).copied().unwrap_or(0)).collect();
        let weights = weights::of_bins(&labelled, &now)?;
        let mut worth = WeightedMean::default();
        let mut sums = [Sums::default(); 2];
        for ((key, rows), weight) in keys.iter().zip(&now).zip(&weights.by_bin) {
            let Some((positives, labelled)) = self.labelled.get(key) else { continue };
            worth.push_rows(*weight, *labelled);
            let (rows, labelled, positives) = (*rows as f64, *labelled as f64, *positives as f64);
            let (_, is_chosen) = key;
            // Half an observation of each label, so that a share of 0 or 1 is not certain.
            let spread =
                (positives + 0.5) * (labelled - positives + 0.5) / ((labelled + 1.0) * (labelled + 1.0));
            let [others, chosen] = &mut sums;
            let sums = if *is_chosen { chosen } else { others };
            sums.rows += rows;
            sums.positives += rows * positives / labelled;
            sums.variance += rows * rows * spread / labelled + rows * spread;
        }
        let effective_rows = worth.effective_rows();
        if effective_rows < FEWEST {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 30")]
            let n = effective_rows as u64;
            return Err(Unknown::TooFew { n, needed: 30 });
        }
        let [others, chosen] = sums;
        let covered = weights.uncovered.of().saturating_sub(weights.uncovered.hits());
        let expected = Expected::of_sums(chosen, others, covered, level);
        Ok(Weighted { expected, uncovered: weights.uncovered, effective_rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Metric;
    use crate::random::Random;

    /// By hand: cell 0 has 40 labelled rows decided yes, 30 of them rightly, and cell 1 has 60 decided no, 45 rightly. Now there are
    /// 10 and 90: 7.5 hits, 2.5 wrong, 67.5 rightly refused, 22.5 missed.
    #[test]
    fn small_example_by_hand() {
        let mut cells = Cells::default();
        (0..40).for_each(|row| cells.push(0, row < 30, true));
        (0..60).for_each(|row| cells.push(1, row < 15, false));
        let rows = || (0..100).map(|row| if row < 10 { (0, true) } else { (1, false) });
        let found = cells.expected(rows(), Level::P95).unwrap();
        assert_eq!(found.expected.counts(), [7.5, 2.5, 67.5, 22.5]);
        let accuracy = found.expected.metric(Metric::Accuracy).unwrap();
        assert_eq!((accuracy.value, accuracy.n), (0.75, 100));
        // Variances of the labels: 30.5 · 10.5 / 41² and 15.5 · 45.5 / 61², each once for the labelled rows and once for the others.
        let (a, b) = (30.5 * 10.5 / 1681.0, 15.5 * 45.5 / 3721.0);
        let variance: f64 = (100.0 * a / 40.0 + 10.0 * a) + (8100.0 * b / 60.0 + 90.0 * b);
        assert!((accuracy.high - accuracy.value - Level::P95.z() * variance.sqrt() / 100.0).abs() < 1e-12);
        assert_eq!(found.expected.metric(Metric::Auc), Err(Unknown::Empty));
        // Weights of 0.25 and 1.5: 100² / (40 / 16 + 60 · 2.25) rows.
        assert!((found.effective_rows - 10_000.0 / 137.5).abs() < 1e-9);
        // A cell that nobody labelled is left out and said; so is one that was decided otherwise.
        let more = cells.expected(rows().chain([(7, true), (0, false)]), Level::P95).unwrap();
        assert_eq!((more.uncovered.hits(), more.uncovered.of()), (2, 102));
        assert_eq!(more.expected, found.expected);
        assert_eq!(cells.expected([(7, true)], Level::P95), Err(Unknown::Empty));
        assert_eq!(Cells::default().expected(rows(), Level::P95), Err(Unknown::Empty));
        let mut few = Cells::default();
        (0..20).for_each(|row| few.push(0, row < 10, true));
        assert_eq!(few.expected([(0, true)], Level::P95), Err(Unknown::TooFew { n: 20, needed: 30 }));
    }

    /// Where the inputs moved and the answer to each did not, the realised metrics lie inside as often as stated; unweighted, the
    /// labelled rows would be far off.
    #[test]
    fn realised_metrics_of_moved_inputs_lie_inside() {
        const METRICS: [Metric; 5] =
            [Metric::Accuracy, Metric::F1, Metric::Precision, Metric::Recall, Metric::Specificity];
        let (mut random, runs, mut inside) = (Random::new(29), 400_u32, [0_u32; 5]);
        // Answers that get worse from cell to cell.
        let mut row = |weight: f64| {
            let cell = if random.chance(weight) { 3 + random.below(3) } else { random.below(3) };
            let decision = random.chance(0.3 + 0.08 * cell as f64);
            let label =
                random.chance(if decision { 0.9 - 0.1 * cell as f64 } else { 0.05 + 0.05 * cell as f64 });
            (cell, decision, label)
        };
        let mut unweighted = 0.0;
        for _ in 0..runs {
            let mut cells = Cells::default();
            let mut right = 0_u32;
            for _ in 0..1_500 {
                let (cell, decision, label) = row(0.2);
                cells.push(cell, label, decision);
                right += u32::from(label == decision);
            }
            let rows: Vec<_> = (0..500).map(|_| row(0.8)).collect();
            let found = cells.expected(rows.iter().map(|row| (row.0, row.1)), Level::P95).unwrap();
            let count = |decision: bool, label: bool| {
                rows.iter().filter(|row| row.1 == decision && row.2 == label).count() as f64
            };
            let [hits, wrong, refused, missed] =
                [count(true, true), count(true, false), count(false, false), count(false, true)];
            let realised = [
                (hits + refused) / 500.0,
                2.0 * hits / (2.0 * hits + wrong + missed),
                hits / (hits + wrong),
                hits / (hits + missed),
                refused / (refused + wrong),
            ];
            unweighted += (f64::from(right) / 1_500.0 - realised[0]) / f64::from(runs);
            for ((hit, metric), realised) in inside.iter_mut().zip(METRICS).zip(realised) {
                *hit += u32::from(found.expected.surprise(metric, realised).unwrap() <= 1.0);
            }
        }
        let shares = inside.map(|hit| f64::from(hit) / f64::from(runs));
        assert!(shares.iter().all(|share| (0.92..=0.98).contains(share)), "{shares:?}");
        assert!(unweighted > 0.08, "{unweighted}");
    }
}
