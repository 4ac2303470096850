use crate::interval::{Unknown, ties};

/// A non-decreasing map from scores to probabilities, the one that fits the labels best in squared error (Barlow et al.,
/// "Statistical Inference under Order Restrictions", 1972; pool adjacent violators).
///
/// Between the points it was fitted at it is linear, outside it is constant: scikit-learn's `IsotonicRegression` with
/// `out_of_bounds="clip"`. Needs some hundreds of rows; on the rows it was fitted on it looks better than it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// First and last score of each level, with its probability.
    points: Vec<(f64, f64)>,
    /// Of each point the number of its level.
    of_level: Vec<usize>,
    /// The variance of each level's probability.
    variances: Vec<f64>,
}

/// The number of a level and its probability.
type OfLevel = (usize, f64);

/// Rows that one level was averaged of.
struct Block {
    first: f64,
    last: f64,
    positives: u64,
    rows: u64,
}

impl Isotonic {
    /// Fits labels by scores.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows, [`Unknown::NotFinite`] on a score that is no number, [`Unknown::OneClass`] where
    /// the labels are all alike: any score would then mean the same.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, Unknown> {
        let ties = ties(scores, labels)?;
        if ties.iter().all(|t| t.positives == 0) || ties.iter().all(|t| t.negatives == 0) {
            return Err(Unknown::OneClass);
        }
        let mut blocks: Vec<Block> = Vec::new();
        for tie in ties {
            let (positives, rows) = (tie.positives, tie.positives + tie.negatives);
            blocks.push(Block { first: tie.score, last: tie.score, positives, rows });
            while let [.., before, block] = blocks.as_mut_slice() {
                // Compared as fractions of integers: exact, whatever the rows.
                let level = |b: &Block, other: &Block| u128::from(b.positives) * u128::from(other.rows);
                if level(before, block) < level(block, before) {
                    break;
                }
                before.last = block.last;
                before.positives += block.positives;
                before.rows += block.rows;
                blocks.pop();
            }
        }
        let mut points = Vec::with_capacity(2 * blocks.len());
        let mut of_level = Vec::with_capacity(2 * blocks.len());
        for (at, block) in blocks.iter().enumerate() {
            let level = block.positives as f64 / block.rows as f64;
            points.push((block.first, level));
            of_level.push(at);
            if block.last > block.first {
                points.push((block.last, level));
                of_level.push(at);
            }
        }
        let variance = |block: &Block| {
            // Half an observation of each label, so that a level of 0 or 1 is not certain.
            let (positives, rows) = (block.positives as f64 + 0.5, block.rows as f64 + 1.0);
            positives * (rows - positives) / (rows * rows * rows)
        };
        let variances = blocks.iter().map(variance).collect();
        Ok(Self { points, of_level, variances })
    }

    /// The probability that a score stands for; NaN for NaN.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        if score.is_nan() {
            return score;
        }
        match self.around(score) {
            (Some((_, p)), Some((_, q)), share) => p + (q - p) * share,
            (None, Some((_, q)), _) => q,
            (Some((_, p)), None, _) => p,
            (None, None, _) => f64::NAN,
        }
    }

    /// The points below a score and at or above it, by level and probability, and how far it is from the one to the other.
    fn around(&self, score: f64) -> (Option<OfLevel>, Option<OfLevel>, f64) {
        let after = self.points.partition_point(|(at, _)| *at < score);
        let before = after.checked_sub(1);
        let point = |at: usize| self.points.get(at).copied();
        let of = |at: usize| Some((self.of_level.get(at).copied()?, point(at)?.1));
        let share = match (before.and_then(point), point(after)) {
            (Some((low, _)), Some((high, _))) => (score - low) / (high - low),
            (_, above) => f64::from(u8::from(above.is_some())),
        };
        (before.and_then(of), of(after), share)
    }

    /// The variance of a sum of probabilities, which the error of the map makes, and the covariance of two such sums: of each row
    /// its score and its factors in both.
    pub(super) fn variance_of_sums(&self, rows: impl Iterator<Item = (f64, [f64; 2])>) -> [f64; 3] {
        let mut factors = vec![[0.0; 2]; self.variances.len()];
        for (score, of_row) in rows {
            let (below, above, share) = self.around(score);
            for (level, weight) in [(below, 1.0 - share), (above, share)] {
                let Some(sums) = level.and_then(|(level, _)| factors.get_mut(level)) else { continue };
                sums.iter_mut().zip(of_row).for_each(|(sum, factor)| *sum += weight * factor);
            }
        }
        let mut sums = [0.0; 3];
        for ([first, second], variance) in factors.into_iter().zip(&self.variances) {
            let parts = [first * first, second * second, first * second];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part * variance);
        }
        sums
    }

    /// Scores and probabilities that the map joins by lines.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_fit_by_hand() {
        // Levels by hand: 0 at 0.1; 1/2 over 0.2 and 0.3; 1 at 0.5.
        let map = Isotonic::fit(&[0.1, 0.2, 0.3, 0.5], &[false, true, false, true]).unwrap();
        assert_eq!(map.points(), [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.5, 1.0)]);
        assert_eq!((map.probability(-7.0), map.probability(0.25), map.probability(9.0)), (0.0, 0.5, 1.0));
        assert!((map.probability(0.4) - 0.75).abs() < 1e-12 && map.probability(f64::NAN).is_nan());
        assert_eq!(Isotonic::fit(&[0.1], &[true]), Err(Unknown::OneClass));
        assert_eq!(Isotonic::fit(&[], &[]), Err(Unknown::Empty));
    }

    proptest! {
        #[test]
        fn fit_never_decreases_and_keeps_the_mean(rows in prop::collection::vec((0u8..30, any::<bool>()), 2..80)) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().map(|(s, l)| (f64::from(*s), *l)).unzip();
            if let Ok(map) = Isotonic::fit(&scores, &labels) {
                prop_assert!(map.points().windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1));
                let sum: f64 = scores.iter().map(|s| map.probability(*s)).sum();
                prop_assert!((sum - labels.iter().filter(|l| **l).count() as f64).abs() < 1e-9);
            }
        }
    }
}
