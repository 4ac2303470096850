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

/// Where a score lies between two levels of a map: at the first one, or by the share on the way to the second one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    levels: [usize; 2],
    share: f64,
}

impl Place {
    /// Adds what a row at this place has of both levels, times its own factors.
    pub(super) fn add(&self, of_row: [f64; 2], factors: &mut [[f64; 2]]) {
        for (level, weight) in self.levels.into_iter().zip([1.0 - self.share, self.share]) {
            let Some(sums) = factors.get_mut(level) else { continue };
            sums.iter_mut().zip(of_row).for_each(|(sum, factor)| *sum += weight * factor);
        }
    }
}

/// Scores that fall, looked up one after the other.
pub(super) struct Walk<'a> {
    map: &'a Isotonic,
    /// Points below the last score.
    after: usize,
}

impl Walk<'_> {
    /// Where a score lies that is not above the one before, and the probability that it stands for.
    pub(super) fn down_to(&mut self, score: f64) -> (Place, f64) {
        while let Some(before) = self.after.checked_sub(1)
            && self.map.points.get(before).is_some_and(|(at, _)| *at >= score)
        {
            self.after = before;
        }
        // A map has points.
        self.map.place(score, self.after).unwrap_or((Place::default(), f64::NAN))
    }
}

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
        let after = self.points.partition_point(|(at, _)| *at < score);
        self.place(score, after).map_or(f64::NAN, |(_, p)| p)
    }

    /// Where a score lies that has so many points below it, and the probability that it stands for.
    fn place(&self, score: f64, after: usize) -> Option<(Place, f64)> {
        let at = |at: usize| Some((*self.points.get(at)?, *self.of_level.get(at)?));
        let (below, above) = (after.checked_sub(1).and_then(at), at(after));
        let (((low, p), from), ((high, q), to)) = (below.or(above)?, above.or(below)?);
        let share = if high > low { (score - low) / (high - low) } else { 0.0 };
        Some((Place { levels: [from, to], share }, p + (q - p) * share))
    }

    /// A walk over the map, from its highest score down.
    pub(super) fn descend(&self) -> Walk<'_> {
        Walk { map: self, after: self.points.len() }
    }

    /// A place for each level, for [`Place::add`].
    pub(super) fn factors(&self) -> Vec<[f64; 2]> {
        vec![[0.0; 2]; self.variances.len()]
    }

    /// The variances of two sums of probabilities, which the error of the map makes, and their covariance: of the factors that
    /// each level has in both.
    pub(super) fn variances_of(&self, factors: &[[f64; 2]]) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for ([first, second], variance) in factors.iter().zip(&self.variances) {
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
