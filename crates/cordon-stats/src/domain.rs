//! Whether a row is one of those that a reference is made of: a p-value from the tails of its columns.
//!
//! For each column, how large a share of the reference is at least as far out as the value: of numbers, twice the smaller of both
//! tails; of texts, the share of categories that are as rare or rarer. With `n` rows in the reference the share `t` counts as
//! `(n·t + 1) / (n + 1)`, which is what makes a p-value of a rank when the new row is exchangeable with the reference's (V. Vovk,
//! A. Gammerman, G. Shafer, *Algorithmic Learning in a Random World*, 2005). The row's is the smallest of its columns' times their
//! number (Bonferroni), so at most the stated share of rows like the reference's is taken for others, however the columns depend
//! on each other. A row that is odd only in how its values go together is not seen.
//!
//! Between two known quantiles a tail is taken to be as large as it can be: what is not known never accuses a row. Quantiles from
//! a sketch are off by its rank error, and so is the tail.

/// A point of a distribution: at least this share of the rows does not exceed the value, and at most this share is below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The share, in `0..=1`.
    pub share: f64,
    /// The value.
    pub value: f64,
}

/// How large a share of a reference of `rows` numbers is at least as far out as this one, counting both sides. The quantiles must
/// rise.
///
/// ```
/// use cordon_stats::domain::{Quantile, number};
/// let quantiles = [(0.0, 18.0), (0.01, 19.0), (0.5, 40.0), (0.99, 80.0), (1.0, 95.0)]
///     .map(|(share, value)| Quantile { share, value });
/// assert_eq!(number(&quantiles, 9_999, 40.0), 1.0);
/// assert_eq!(number(&quantiles, 9_999, 10.0), 2.0 / 10_000.0);
/// ```
pub fn number(quantiles: &[Quantile], rows: u64, value: f64) -> f64 {
    let above = quantiles.partition_point(|quantile| quantile.value <= value);
    let from = quantiles.partition_point(|quantile| quantile.value < value);
    let left = quantiles.get(above).map_or(1.0, |quantile| quantile.share);
    let right =
        from.checked_sub(1).and_then(|at| quantiles.get(at)).map_or(1.0, |quantile| 1.0 - quantile.share);
    (2.0 * ranked(left.min(right), rows)).min(1.0)
}

/// How large a share of a reference of `rows` texts has a category as rare as this one or rarer. `share` is that of a category of
/// the reference, `shares` all of them; a category that the reference does not have is as rare as what the shares leave over.
pub fn category(shares: impl Iterator<Item = f64> + Clone, rows: u64, share: Option<f64>) -> f64 {
    let listed: f64 = shares.clone().sum();
    let unlisted = (1.0 - listed).max(0.0);
    let tail = match share {
        None => unlisted,
        Some(share) => unlisted + shares.filter(|other| *other <= share).sum::<f64>(),
    };
    ranked(tail.min(1.0), rows)
}

/// The p-value of a row, of the smallest of its columns' shares and their number.
pub fn row(smallest: f64, columns: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a table has far fewer columns than 2^53")]
    let columns = columns as f64;
    (smallest * columns).min(1.0)
}

fn ranked(tail: f64, rows: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share of more than 2^53 rows is not told apart anyway")]
    let rows = rows as f64;
    rows.mul_add(tail, 1.0) / (rows + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The quantile of a sorted sample: the smallest value that a share of it does not exceed.
    fn quantiles(sorted: &[f64], shares: &[f64]) -> Vec<Quantile> {
        let of = |share: f64| {
            let below = (1..sorted.len()).take_while(|at| (*at as f64) < share * sorted.len() as f64).count();
            Quantile { share, value: sorted[below] }
        };
        shares.iter().map(|share| of(*share)).collect()
    }

    const SHARES: [f64; 11] = [0.0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0];

    #[test]
    fn what_lies_outside_is_rare_and_the_middle_is_not() {
        let sorted: Vec<f64> = (0..10_000).map(f64::from).collect();
        let known = quantiles(&sorted, &SHARES);
        assert_eq!(number(&known, 10_000, 5_000.0), 1.0);
        for outside in [-1.0, 10_000.0, f64::MAX, f64::MIN] {
            assert_eq!(number(&known, 10_000, outside), 2.0 / 10_001.0);
        }
        // One hundredth from the end: not rarer than the next quantile says.
        assert!(number(&known, 10_000, 9_899.0) >= 0.02);
        // A value that every row has is not rare, nor is it at both ends of a reference that knows no other.
        let constant = quantiles(&[7.0; 100], &SHARES);
        assert_eq!(number(&constant, 100, 7.0), 1.0);
        assert_eq!(number(&constant, 100, 7.5), 2.0 / 101.0);
    }

    #[test]
    fn rare_categories_are_rare_and_unknown_ones_rarest() {
        let shares = [0.7, 0.29, 0.009, 0.001];
        let p = |share| category(shares.iter().copied(), 9_999, share);
        assert!((p(Some(0.7)) - 1.0).abs() < 1e-9);
        assert!((p(Some(0.009)) - 0.0100).abs() < 2e-4);
        assert!((p(Some(0.001)) - 0.001_099_9).abs() < 1e-9);
        assert!((p(None) - 1e-4).abs() < 1e-9);
        assert_eq!(row(0.03, 20), 0.6);
        assert_eq!(row(0.3, 20), 1.0);
    }

    proptest! {
        /// No value of the reference itself is taken to be rarer than it is.
        #[test]
        fn a_tail_is_never_understated(mut sample in prop::collection::vec(-50_i32..50, 1..200)) {
            sample.sort_unstable();
            let sorted: Vec<f64> = sample.iter().map(|value| f64::from(*value)).collect();
            let known = quantiles(&sorted, &SHARES);
            let rows = sorted.len() as f64;
            for value in &sorted {
                let left = sorted.iter().filter(|other| *other <= value).count() as f64 / rows;
                let right = sorted.iter().filter(|other| *other >= value).count() as f64 / rows;
                let least = (2.0 * left.min(right)).min(1.0);
                prop_assert!(number(&known, sorted.len() as u64, *value) >= least - 1e-9);
            }
        }

        /// Of rows like the reference's, no more than the stated share is taken for others.
        #[test]
        fn the_stated_share_holds(seed in 0_u64..1_000) {
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / 9_007_199_254_740_992.0
            };
            let mut sorted: Vec<f64> = (0..2_000).map(|_| draw()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let known = quantiles(&sorted, &SHARES);
            let found = (0..2_000).filter(|_| number(&known, 2_000, draw()) <= 0.01).count();
            // Twenty are expected at most; the chance of more than fifty is below 1e-8, drawn reference included.
            prop_assert!(found <= 50, "{}", found);
        }
    }
}
