//! Metrics of predicted numbers.

use crate::Sample;
use crate::distribution::student_t;
use crate::interval::{Bootstrap, Estimate, Level, Mean, Unknown, correlation};

/// How far predictions are from the numbers that came.
///
/// Means of a loss carry Student's interval, correlations Fisher's, explained shares that of the delta method (the logarithm of one minus the
/// share is the difference of two logarithms of means), the median error that of its order statistics. The largest error has none;
/// [`r_squared_interval`] resamples.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Mean absolute error.
    pub mean_absolute: Estimate,
    /// Mean squared error.
    pub mean_squared: Estimate,
    /// Its root, with the roots of its interval (whose lower end is at least 0).
    pub root_mean_squared: Estimate,
    /// Mean of `|error / value|`, where no value is zero (`None` otherwise: scikit-learn divides by 2.2e-16 there).
    pub mean_relative: Option<Estimate>,
    /// Mean of `(ln(1 + value) - ln(1 + prediction))^2`, where none is at or below -1.
    pub mean_squared_log: Option<Estimate>,
    /// Mean of the predictions minus mean of the values: the bias.
    pub bias: Estimate,
    /// Median absolute error.
    pub median_absolute: f64,
    /// The same with the interval of order statistics, which holds for every distribution.
    pub median_absolute_told: Result<Estimate, Unknown>,
    /// Largest absolute error.
    pub largest: f64,
    /// One minus the squared error over the spread of the values; `None` for constant values.
    pub r_squared: Option<f64>,
    /// R² with its interval.
    pub r_squared_told: Result<Estimate, Unknown>,
    /// As R², but of the errors around their mean.
    pub explained_variance: Option<f64>,
    /// The explained variance with its interval.
    pub explained_told: Result<Estimate, Unknown>,
    /// Correlation of values and predictions.
    pub pearson: Result<Estimate, Unknown>,
    /// Correlation of their ranks (ties share the mean rank).
    pub spearman: Result<Estimate, Unknown>,
    /// Agreement of the order of pairs, corrected for ties (tau-b, Kendall 1945).
    pub kendall: Result<Estimate, Unknown>,
}

/// All metrics of `predictions` against `values`. Order of the rows does not matter.
///
/// # Errors
/// [`Unknown::Empty`] without rows, [`Unknown::TooFew`] for one, [`Unknown::NotFinite`]. Of slices of different lengths
/// the longer one's rest is ignored.
pub fn report(values: &[f64], predictions: &[f64], level: Level) -> Result<Report, Unknown> {
    let rows = || values.iter().copied().zip(predictions.iter().copied());
    if rows().any(|(y, p)| !(y.is_finite() && p.is_finite())) {
        return Err(Unknown::NotFinite);
    }
    let mean =
        |loss: &dyn Fn(f64, f64) -> f64| rows().map(|(y, p)| loss(y, p)).collect::<Mean>().student(level);
    let mean_squared = mean(&|y, p| (y - p) * (y - p))?;
    let absolute =
        Sample::new(rows().map(|(y, p)| (y - p).abs()).collect()).map_err(|_| Unknown::NotFinite)?;
    let spread = rows().map(|(y, _)| y).collect::<Mean>().variance().unwrap_or(0.0);
    let n = rows().count();
    // Mean square, not the variance of the sample: the ratio to the mean squared error needs the same divisor.
    let spread = spread * (n as f64 - 1.0) / n as f64;
    let errors = rows().map(|(y, p)| y - p).collect::<Mean>();
    let error_spread = errors.variance().unwrap_or(0.0) * (n as f64 - 1.0) / n as f64;
    let share = |of: f64| (spread > 0.0).then(|| 1.0 - of / spread);
    Ok(Report {
        mean_absolute: mean(&|y, p| (y - p).abs())?,
        root_mean_squared: mean_squared.map(|square| square.max(0.0).sqrt()),
        mean_relative: if rows().any(|(y, _)| y == 0.0) {
            None
        } else {
            mean(&|y, p| ((y - p) / y).abs()).ok()
        },
        mean_squared_log: if rows().any(|(y, p)| y <= -1.0 || p <= -1.0) {
            None
        } else {
            mean(&|y, p| (y.ln_1p() - p.ln_1p()).powi(2)).ok()
        },
        bias: mean(&|y, p| p - y)?,
        median_absolute: absolute.quantile(0.5),
        median_absolute_told: median(&absolute, level),
        largest: absolute.range().1,
        r_squared: share(mean_squared.value),
        r_squared_told: explained(rows(), 0.0, level),
        explained_variance: share(error_spread),
        explained_told: explained(rows(), errors.value().unwrap_or(0.0), level),
        pearson: pearson(values, predictions).and_then(|r| correlation(r, n as u64, 1.0, 3, level)),
        spearman: pearson(&ranks(values, n), &ranks(predictions, n))
            .and_then(|r| correlation(r, n as u64, 1.0 + r * r / 2.0, 3, level)),
        kendall: kendall(values, predictions).and_then(|tau| correlation(tau, n as u64, 0.437, 4, level)),
        mean_squared,
    })
}

/// Fewer rows have no interval of an explained share.
const FEWEST: u64 = 20;

/// One minus the mean squared error (around `centre`) over the spread of the values. The logarithm of the rest, ln E − ln V, has the influence
/// e²/E − v²/V of each row; its standard error is that of their mean.
fn explained(
    rows: impl Iterator<Item = (f64, f64)> + Clone,
    centre: f64,
    level: Level,
) -> Result<Estimate, Unknown> {
    let values = rows.clone().map(|(y, _)| y).collect::<Mean>();
    let n = values.n();
    if n < FEWEST {
        return Err(Unknown::TooFew { n, needed: FEWEST });
    }
    let middle = values.value().unwrap_or(0.0);
    let squares = |(y, p): (f64, f64)| ((y - p - centre).powi(2), (y - middle).powi(2));
    let mean = |of: fn((f64, f64)) -> f64| rows.clone().map(|row| of(squares(row))).sum::<f64>() / n as f64;
    let (error, spread) = (mean(|(e, _)| e), mean(|(_, v)| v));
    if spread <= 0.0 {
        return Err(Unknown::Constant);
    }
    let value = 1.0 - error / spread;
    if error <= 0.0 {
        return Ok(Estimate { value, low: value, high: value, n });
    }
    let influence = rows.map(squares).map(|(e, v)| e / error - v / spread);
    let deviation = (influence.collect::<Mean>().variance().unwrap_or(0.0) / n as f64).sqrt();
    let half = -student_t::quantile(level.alpha() / 2.0, n as f64 - 1.0) * deviation;
    let rest = |times: f64| 1.0 - error / spread * times;
    Ok(Estimate { value, low: rest(half.exp()), high: rest((-half).exp()), n })
}

/// The median with the interval between two order statistics: so many of the values lie below the true median with the probability that so many
/// of as many coins show heads.
fn median(sorted: &Sample, level: Level) -> Result<Estimate, Unknown> {
    let values = sorted.values();
    let n = values.len();
    // By the normal law with a correction for whole numbers; outward.
    let below = (n as f64 - level.z() * (n as f64).sqrt() - 1.0) / 2.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates, and it is not negative here"
    )]
    let rank = below.floor() as usize;
    if below < 1.0 {
        return Err(Unknown::TooFew { n: n as u64, needed: 10 });
    }
    let at = |place: usize| values.get(place).copied().ok_or(Unknown::Empty);
    Ok(Estimate { value: sorted.quantile(0.5), low: at(rank - 1)?, high: at(n - rank)?, n: n as u64 })
}

/// Pinball loss at `quantile`: what a forecast of that quantile should minimise.
///
/// # Errors
/// As [`report`]; [`Unknown::NotAProbability`] for a quantile outside `[0, 1]`.
pub fn pinball(
    values: &[f64],
    predictions: &[f64],
    quantile: f64,
    level: Level,
) -> Result<Estimate, Unknown> {
    if !(0.0..=1.0).contains(&quantile) {
        return Err(Unknown::NotAProbability);
    }
    let loss = |(y, p): (&f64, &f64)| if y >= p { quantile * (y - p) } else { (1.0 - quantile) * (p - y) };
    values.iter().zip(predictions).map(loss).collect::<Mean>().student(level)
}

/// R² with a resampled interval.
///
/// # Errors
/// Those of [`Bootstrap::interval`].
pub fn r_squared_interval(
    values: &[f64],
    predictions: &[f64],
    bootstrap: Bootstrap,
    level: Level,
) -> Result<Estimate, Unknown> {
    bootstrap.interval(values.len().min(predictions.len()), level, |sample| {
        let rows = || sample.iter().filter_map(|row| Some((*values.get(*row)?, *predictions.get(*row)?)));
        let mean = rows().map(|(y, _)| y).sum::<f64>() / sample.len() as f64;
        let spread: f64 = rows().map(|(y, _)| (y - mean) * (y - mean)).sum();
        let error: f64 = rows().map(|(y, p)| (y - p) * (y - p)).sum();
        (spread > 0.0).then(|| 1.0 - error / spread)
    })
}

fn pearson(a: &[f64], b: &[f64]) -> Result<f64, Unknown> {
    let n = a.len().min(b.len());
    let mean = |values: &[f64]| values.iter().take(n).sum::<f64>() / n as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    if aa > 0.0 && bb > 0.0 {
        Ok((ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
    } else {
        Err(Unknown::Constant)
    }
}

/// Ranks from 1 of the first `n` values, in their order; ties share the mean of theirs.
fn ranks(values: &[f64], n: usize) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().take(n).enumerate().collect();
    order.sort_unstable_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(std::cmp::Ordering::Equal));
    let mut ranks = vec![0.0; order.len()];
    let mut before = 0;
    for tie in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = before as f64 + (tie.len() as f64 + 1.0) / 2.0;
        before += tie.len();
        for (row, _) in tie {
            if let Some(slot) = ranks.get_mut(*row) {
                *slot = rank;
            }
        }
    }
    ranks
}

/// Tau-b in `O(n log n)` (Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 1966):
/// discordant pairs are the exchanges of a merge sort by the second value, once sorted by the first.
fn kendall(a: &[f64], b: &[f64]) -> Result<f64, Unknown> {
    let mut rows: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
    let order = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or(std::cmp::Ordering::Equal);
    rows.sort_unstable_by(|x, y| order(x.0, y.0).then(order(x.1, y.1)));
    let pairs = |n: usize| (n as f64) * (n as f64 - 1.0) / 2.0;
    let tied_first: f64 = rows.chunk_by(|x, y| x.0 == y.0).map(|tie| pairs(tie.len())).sum();
    let tied_both: f64 = rows.chunk_by(|x, y| x == y).map(|tie| pairs(tie.len())).sum();
    let mut second: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let exchanges = merge_sort(&mut second);
    let tied_second: f64 = second.chunk_by(|x, y| x == y).map(|tie| pairs(tie.len())).sum();
    let all = pairs(rows.len());
    let (first, second) = (all - tied_first, all - tied_second);
    if first <= 0.0 || second <= 0.0 {
        return Err(Unknown::Constant);
    }
    let concordant_minus_discordant = all - tied_first - tied_second + tied_both - 2.0 * exchanges;
    Ok((concordant_minus_discordant / (first.sqrt() * second.sqrt())).clamp(-1.0, 1.0))
}

/// Sorts and counts the pairs that were out of order.
fn merge_sort(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    if half == 0 {
        return 0.0;
    }
    let (left, right) = values.split_at_mut(half);
    let mut exchanges = merge_sort(left) + merge_sort(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut first, mut second) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    let mut waiting = left.len() as f64;
    while let (Some(x), Some(y)) = (first.peek(), second.peek()) {
        if y < x {
            merged.extend(second.next());
            exchanges += waiting;
        } else {
            merged.extend(first.next());
            waiting -= 1.0;
        }
    }
    merged.extend(first);
    merged.extend(second);
    values.copy_from_slice(&merged);
    exchanges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn odd_input_says_so() {
        assert_eq!(report(&[], &[], Level::P95).err(), Some(Unknown::Empty));
        assert_eq!(report(&[1.0], &[1.0], Level::P95).err(), Some(Unknown::TooFew { n: 1, needed: 2 }));
        assert_eq!(report(&[f64::INFINITY], &[1.0], Level::P95).err(), Some(Unknown::NotFinite));
        let constant = report(&[2.0, 2.0, 2.0], &[1.0, 2.0, 4.0], Level::P95).unwrap();
        assert_eq!((constant.r_squared, constant.pearson), (None, Err(Unknown::Constant)));
        let zero = report(&[0.0, -2.0], &[1.0, 2.0], Level::P95).unwrap();
        assert_eq!((zero.mean_relative, zero.mean_squared_log), (None, None));
    }

    /// Linear predictions of normal values with a part that they do not know, and skewed errors.
    #[test]
    fn explained_shares_and_medians_are_covered() {
        let mut random = Random::new(77);
        for (rows, skewed) in [(40, false), (40, true), (300, false), (300, true)] {
            let (mut r, mut m, mut e, runs) = (0_u32, 0_u32, 0_u32, 400);
            for _ in 0..runs {
                let (mut values, mut predictions) = (Vec::new(), Vec::new());
                for _ in 0..rows {
                    let known = random.normal();
                    // Errors of variance 1/2, around nothing.
                    let error = if skewed {
                        (-random.unit().max(1e-300).ln() - 1.0) * std::f64::consts::FRAC_1_SQRT_2
                    } else {
                        random.normal() * std::f64::consts::FRAC_1_SQRT_2
                    };
                    values.push(known + error);
                    predictions.push(known);
                }
                let all = report(&values, &predictions, Level::P95).unwrap();
                let holds = |e: &Estimate, truth: f64| u32::from(e.low <= truth && truth <= e.high);
                r += holds(&all.r_squared_told.unwrap(), 1.0 - 0.5 / 1.5);
                e += holds(&all.explained_told.unwrap(), 1.0 - 0.5 / 1.5);
                // Of a normal error: 0.6745 deviations.
                m +=
                    holds(&all.median_absolute_told.unwrap(), 0.674_489_75 * std::f64::consts::FRAC_1_SQRT_2);
                assert!((all.r_squared_told.unwrap().value - all.r_squared.unwrap()).abs() < 1e-12);
            }
            let fewest = if skewed { 350 } else { 364 };
            assert!(r >= fewest && e >= fewest, "{rows} {skewed}: {r} {e} of {runs}");
            assert!(skewed || m >= 368, "{rows}: {m} of {runs}");
        }
        let few = report(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0], Level::P95).unwrap();
        assert!(few.r_squared_told.is_err() && few.median_absolute_told.is_err() && few.r_squared.is_some());
    }

    #[test]
    fn r_squared_is_inside_its_resampled_interval() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let predictions: Vec<f64> = values.iter().map(|v| v + 20.0 * (v * 1.7).sin()).collect();
        let e = r_squared_interval(&values, &predictions, Bootstrap::default(), Level::P95).unwrap();
        let r = report(&values, &predictions, Level::P95).unwrap().r_squared.unwrap();
        assert!((e.value - r).abs() < 1e-12 && e.low < r && r < e.high && e.high - e.low < 0.2, "{e:?}");
    }

    proptest! {
        /// Against the definition, pair by pair.
        #[test]
        fn kendall_is_its_definition(rows in prop::collection::vec((0u8..6, 0u8..6), 2..30)) {
            let (a, b): (Vec<f64>, Vec<f64>) = rows.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).unzip();
            let (mut concordance, mut first, mut second) = (0.0, 0.0, 0.0);
            for i in 0..a.len() {
                for j in 0..i {
                    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                    let (da, db) = (sign(a[i] - a[j]), sign(b[i] - b[j]));
                    concordance += da * db;
                    first += da * da;
                    second += db * db;
                }
            }
            match kendall(&a, &b) {
                Ok(tau) => prop_assert!((tau - concordance / f64::sqrt(first * second)).abs() < 1e-12),
                Err(_) => prop_assert!(first == 0.0 || second == 0.0),
            }
        }

        #[test]
        fn order_of_rows_does_not_matter(rows in prop::collection::vec((-50.0f64..50.0, -50.0f64..50.0), 5..40)) {
            let of = |rows: &[(f64, f64)]| {
                let (values, predictions): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
                report(&values, &predictions, Level::P95).unwrap()
            };
            let turned: Vec<(f64, f64)> = rows.iter().rev().copied().collect();
            let (a, b) = (of(&rows), of(&turned));
            prop_assert!((a.mean_squared.value - b.mean_squared.value).abs() < 1e-9);
            prop_assert!((a.r_squared.unwrap() - b.r_squared.unwrap()).abs() < 1e-9);
            prop_assert_eq!(a.median_absolute, b.median_absolute);
            prop_assert_eq!(a.kendall, b.kendall);
            prop_assert!(a.spearman.is_err() || (a.spearman.unwrap().value - b.spearman.unwrap().value).abs() < 1e-12);
        }
    }
}
