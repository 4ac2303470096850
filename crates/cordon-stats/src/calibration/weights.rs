//! Importance weighting: what labelled rows of yesterday say about inputs of today.
//!
//! Assumes covariate shift: inputs are distributed otherwise, and the answer to each input is the same (Shimodaira,
//! "Improving predictive inference under covariate shift by weighting the log-likelihood function", 2000). Where today has
//! inputs that yesterday had not, nothing is known about them: their share is said, never filled in.

use crate::interval::{Estimate, Level, Proportion, Unknown};

/// Fewest effective rows that a weighted mean is honest with.
const FEWEST: f64 = 30.0;

/// Weights by bin (of a score, a segment, or any partition of the inputs).
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Of each bin: how much more frequent it is now than in the labelled rows; 0 where it has no labelled rows.
    pub by_bin: Vec<f64>,
    /// Rows of now in bins without labelled rows: nothing can be said about them.
    pub uncovered: Proportion,
}

/// Weights from the counts of the same bins then (labelled) and now.
///
/// # Errors
/// [`Unknown::Empty`] if one side has no rows, or no bin in common.
pub fn of_bins(labelled: &[u64], current: &[u64]) -> Result<Weights, Unknown> {
    let then: u64 = labelled.iter().sum();
    let pairs = || labelled.iter().zip(current).map(|(a, b)| (*a, *b));
    let covered: u64 = pairs().filter(|(a, _)| *a > 0).map(|(_, b)| b).sum();
    let now: u64 = current.iter().sum();
    if then == 0 || covered == 0 {
        return Err(Unknown::Empty);
    }
    let weight = |(a, b): (u64, u64)| {
        if a == 0 { 0.0 } else { (b as f64 / covered as f64) / (a as f64 / then as f64) }
    };
    let uncovered = Proportion::of_parts(now.saturating_sub(covered), covered);
    Ok(Weights { by_bin: pairs().map(weight).collect(), uncovered })
}

/// A weighted mean of a loss (or of a yes or no), whose weights are normalised by their sum. Merges by addition.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WeightedMean {
    n: u64,
    weights: f64,
    values: f64,
    /// Sums of squared weights, times the value to the power of 0, 1 and 2.
    squares: [f64; 3],
}

impl WeightedMean {
    /// Takes one row in. Rows whose weight is negative or no number, or whose value is no finite number, are left out:
    /// returns whether it counted.
    pub fn push(&mut self, value: f64, weight: f64) -> bool {
        if !(value.is_finite() && weight.is_finite() && weight >= 0.0) {
            return false;
        }
        self.n = self.n.saturating_add(1);
        self.weights += weight;
        self.values += weight * value;
        let square = weight * weight;
        for (sum, power) in self.squares.iter_mut().zip([1.0, value, value * value]) {
            *sum += square * power;
        }
        true
    }

    /// Takes rows of one weight in, of which only the weight matters.
    pub(super) fn push_rows(&mut self, weight: f64, rows: u64) {
        let count = rows as f64;
        self.n = self.n.saturating_add(rows);
        self.weights += count * weight;
        self.squares[0] += count * weight * weight;
    }

    /// Both sets of rows as one.
    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.weights += other.weights;
        self.values += other.values;
        self.squares.iter_mut().zip(&other.squares).for_each(|(sum, more)| *sum += more);
    }

    /// Rows of equal weight that would say as much (Kish, "Survey Sampling", 1965).
    #[must_use]
    pub fn effective_rows(&self) -> f64 {
        let [squares, ..] = self.squares;
        if squares > 0.0 { self.weights * self.weights / squares } else { 0.0 }
    }

    /// The mean with the interval of the linearised ratio (Owen, "Monte Carlo theory, methods and examples", 2013,
    /// section 9.2). The weights count as known.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without weight; [`Unknown::TooFew`] below 30 effective rows: a few heavy rows decide then;
    /// [`Unknown::Constant`] where no row differs, so that the spread is unknown.
    pub fn estimate(&self, level: Level) -> Result<Estimate, Unknown> {
        if self.weights <= 0.0 {
            return Err(Unknown::Empty);
        }
        let effective = self.effective_rows();
        if effective < FEWEST {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 30")]
            let n = effective as u64;
            return Err(Unknown::TooFew { n, needed: 30 });
        }
        let value = self.values / self.weights;
        let [one, first, second] = self.squares;
        let variance =
            (second - 2.0 * value * first + value * value * one).max(0.0) / (self.weights * self.weights);
        if variance <= 0.0 {
            return Err(Unknown::Constant);
        }
        let half = level.z() * variance.sqrt();
        Ok(Estimate { value, low: value - half, high: value + half, n: self.n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn inputs_never_seen_are_said() {
        let weights = of_bins(&[50, 50, 0], &[10, 30, 60]).unwrap();
        assert_eq!(weights.by_bin, vec![0.5, 1.5, 0.0]);
        assert_eq!(weights.uncovered.value(), Some(0.6));
        assert_eq!(of_bins(&[5, 0], &[0, 5]), Err(Unknown::Empty));
        assert_eq!(WeightedMean::default().estimate(Level::P95), Err(Unknown::Empty));
        let mut heavy = WeightedMean::default();
        (0..100).for_each(|_| assert!(heavy.push(1.0, 0.001)));
        assert!(heavy.push(0.0, 100.0) && !heavy.push(f64::NAN, 1.0));
        assert_eq!(heavy.estimate(Level::P95), Err(Unknown::TooFew { n: 1, needed: 30 }));
    }

    /// Errors of 10 % in one half and 40 % in the other; labelled rows are four to one of the first half, today's one to
    /// four. The weighted error finds today's.
    #[test]
    fn shifted_inputs_are_corrected() {
        let (mut random, runs, mut inside) = (Random::new(43), 400_u32, 0_u32);
        let truth = 0.2 * 0.1 + 0.8 * 0.4;
        let weights = of_bins(&[800, 200], &[200, 800]).unwrap().by_bin;
        for _ in 0..runs {
            let mut mean = WeightedMean::default();
            for _ in 0..1000 {
                let second = random.unit() < 0.2;
                let (rate, weight) = if second { (0.4, weights[1]) } else { (0.1, weights[0]) };
                mean.push(f64::from(u8::from(random.unit() < rate)), weight);
            }
            let e = mean.estimate(Level::P95).unwrap();
            inside += u32::from(e.low <= truth && truth <= e.high);
        }
        assert!((370..=395).contains(&inside), "{inside} of {runs}");
    }
}
