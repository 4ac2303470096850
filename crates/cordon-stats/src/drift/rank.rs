use crate::PValue;
use crate::distribution::{normal, quadratic};
use crate::input::{self, InputError};
use crate::sample::{Merge, Sample, sum_of};

use super::Tested;

/// What a one-sided test looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// The current values are smaller.
    CurrentSmaller,
    /// The current values are larger.
    CurrentLarger,
    /// Either.
    Different,
}

/// The two-sample Cramér–von Mises test (Anderson, 1962): T of the squared differences of the distribution functions, with
/// mid-ranks for ties, and its p-value from the limit after T is given the limit's mean and variance.
///
/// # Errors
/// When a sample has fewer than two values.
pub fn cramer_von_mises(reference: &Sample, current: &Sample) -> Result<Tested, InputError> {
    input::at_least(reference.len(), 2, "reference")?;
    input::at_least(current.len(), 2, "current")?;
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let (all, product) = (m + n, m * n);
    let u = sum_of(Merge::of(reference, current).flat_map(|step| {
        let below = (step.left_seen + step.right_seen - step.left - step.right) as f64;
        let rank = below + ((step.left + step.right) as f64 + 1.0) / 2.0;
        [
            m * squared_distance(rank, step.left_seen - step.left, step.left),
            n * squared_distance(rank, step.right_seen - step.right, step.right),
        ]
    }));
    let t = u / (product * all) - (4.0 * product - 1.0) / (6.0 * all);
    let mean = (1.0 + 1.0 / all) / 6.0;
    let variance = (all + 1.0) * (4.0 * product * all - 3.0 * (m * m + n * n) - 2.0 * product)
        / (45.0 * all * all * 4.0 * product);
    let scaled = 1.0 / 6.0 + (t - mean) / (45.0 * variance).sqrt();
    Ok(Tested { statistic: t, p_value: PValue::of(quadratic::cramer_von_mises_upper(scaled)) })
}

/// Σ (rank − i)² for the `count` positions i that follow `before`.
fn squared_distance(rank: f64, before: usize, count: usize) -> f64 {
    // Around the middle position: count (rank − middle)² + Σ of centred squares.
    let count_f = count as f64;
    let middle = before as f64 + (count_f + 1.0) / 2.0;
    count_f * (rank - middle) * (rank - middle) + count_f * (count_f * count_f - 1.0) / 12.0
}

/// The two-sample Anderson–Darling test with mid-ranks for ties (Scholz and Stephens, 1987): heavier on the tails than
/// Cramér–von Mises. The statistic is the standardised one; the p-value is from its limit, not from a table that ends at 0.001
/// and 0.25 as elsewhere.
///
/// # Errors
/// When there are fewer than four values in all, or only one distinct one.
pub fn anderson_darling(reference: &Sample, current: &Sample) -> Result<Tested, InputError> {
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let all = m + n;
    input::at_least(reference.len() + current.len(), 4, "the pooled sample")?;
    if reference.range() == current.range() && reference.range().0 == reference.range().1 {
        return Err(InputError::Constant { what: "the pooled sample" });
    }
    let sum = sum_of(Merge::of(reference, current).map(|step| {
        let multiplicity = (step.left + step.right) as f64;
        let below = (step.left_seen + step.right_seen) as f64 - multiplicity / 2.0;
        let left = step.left_seen as f64 - step.left as f64 / 2.0;
        let right = step.right_seen as f64 - step.right as f64 / 2.0;
        let scale = below * (all - below) - all * multiplicity / 4.0;
        if scale <= 0.0 {
            return 0.0;
        }
        let of = |seen: f64, size: f64| (all * seen - below * size).powi(2) / size;
        multiplicity / all * (of(left, m) + of(right, n)) / scale
    }));
    let a2 = sum * (all - 1.0) / all;
    let standardised = (a2 - 1.0) / anderson_variance(m, n).sqrt();
    // The limit has mean 1 and variance 2(π² − 9)/3.
    let limit_deviation = (2.0 * (std::f64::consts::PI.powi(2) - 9.0) / 3.0).sqrt();
    let p = quadratic::anderson_darling_upper(1.0 + standardised * limit_deviation);
    Ok(Tested { statistic: standardised, p_value: PValue::of(p) })
}

/// The exact variance of A² for two continuous samples of `m` and `n`.
fn anderson_variance(m: f64, n: f64) -> f64 {
    let all = m + n;
    let inverse = 1.0 / m + 1.0 / n;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the sum of two lengths")]
    let size = all as u64;
    // h = Σ 1/i for i < N, g = Σ over i < j < N of 1/((N − i) j).
    let (mut partial, mut g) = (0.0, 0.0);
    for j in (2..size).rev() {
        partial += 1.0 / j as f64;
        g += partial / (size - j + 1) as f64;
    }
    let h = partial + 1.0;
    let k = 2.0;
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k
        + (4.0 * h - 4.0 * g + 6.0) * k
        + (2.0 * h - 6.0) * inverse
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    (((a * all + b) * all + c) * all + d) / ((all - 1.0) * (all - 2.0) * (all - 3.0))
}

/// The Mann–Whitney U test by its normal limit, with tie and continuity correction. The statistic is U of the reference:
/// the number of pairs in which the reference's value is the larger one, ties counting one half.
///
/// Says whether one side tends to be larger; blind to a change of spread alone.
///
/// # Errors
/// When every value is the same.
pub fn mann_whitney(
    reference: &Sample,
    current: &Sample,
    alternative: Alternative,
) -> Result<Tested, InputError> {
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let all = m + n;
    let (mut u, mut ties) = (0.0, 0.0);
    for step in Merge::of(reference, current) {
        let right_below = (step.right_seen - step.right) as f64;
        u += step.left as f64 * (right_below + step.right as f64 / 2.0);
        let run = (step.left + step.right) as f64;
        ties += run * (run * run - 1.0);
    }
    let variance = m * n / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    if !input::is_positive(variance) {
        return Err(InputError::Constant { what: "the pooled sample" });
    }
    let z = |u: f64| (u - m * n / 2.0 - 0.5) / variance.sqrt();
    let p = match alternative {
        Alternative::CurrentSmaller => normal::upper(z(u)),
        Alternative::CurrentLarger => normal::upper(z(m * n - u)),
        Alternative::Different => 2.0 * normal::upper(z(u.max(m * n - u))),
    };
    Ok(Tested { statistic: u, p_value: PValue::of(p) })
}
