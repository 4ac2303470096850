//! The Kolmogorov distribution: of one sample against a law, and of two samples.

use std::f64::consts::{PI, TAU};

use super::saddle;

/// P(√n D > z) in the limit of many observations.
pub fn limit_upper(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    if z <= 0.0 {
        return 1.0;
    }
    if z < 1.0 {
        // Jacobi's form, for the lower tail: √(2π)/z Σ e^(−(2k−1)²π²/8z²).
        let base = -PI * PI / (8.0 * z * z);
        let sum: f64 = [7.0, 5.0, 3.0, 1.0].iter().map(|odd: &f64| (base * odd * odd).exp()).sum();
        return 1.0 - TAU.sqrt() / z * sum;
    }
    let base = -2.0 * z * z;
    2.0 * [(5.0, 1.0), (4.0, -1.0), (3.0, 1.0), (2.0, -1.0), (1.0, 1.0)]
        .iter()
        .map(|(k, sign): &(f64, f64)| sign * (base * k * k).exp())
        .sum::<f64>()
}

/// P(D⁺ ≥ d) of one sample of `n`: the largest excess of its distribution function over the true one (Birnbaum and
/// Tingey, 1951). A sum of positive terms, so that its relative error stays near 1e-13 in the tail.
pub fn one_sided_upper(n: u64, d: f64) -> f64 {
    if d.is_nan() || n == 0 {
        return f64::NAN;
    }
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let size = n as f64;
    let mut sum = 0.0;
    for j in 0..=n {
        let p = d + j as f64 / size;
        let q = (n - j) as f64 / size - d;
        if q < 0.0 {
            break;
        }
        sum += saddle::binomial(j as f64, (n - j) as f64, p, q) / p;
    }
    (d * sum).min(1.0)
}

/// P(D ≥ d) of one sample of `n` against a continuous law.
///
/// The way of Simard and L'Ecuyer (2011): twice the one-sided tail where both sides together do not matter, the exact matrix
/// of Marsaglia, Tsang and Wang (2003) for small n d, and the expansion of Pelz and Good (1976) between, for n > 140.
pub fn upper(n: u64, d: f64) -> f64 {
    if d.is_nan() || n == 0 {
        return f64::NAN;
    }
    let size = n as f64;
    if d <= 0.5 / size {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let square = size * d * d;
    let doubled = if n <= 140 { 4.0 } else { 2.2 };
    if d >= 0.5 || square >= doubled {
        return (2.0 * one_sided_upper(n, d)).min(1.0);
    }
    if n <= 140 || (n <= 100_000 && size * d.powf(1.5) <= 1.4) {
        return (1.0 - marsaglia(n, d)).clamp(0.0, 1.0);
    }
    (1.0 - pelz_good(size, d)).clamp(0.0, 1.0)
}

/// P(D < d), exactly: an element of the n-th power of a band matrix (Durbin 1973).
#[expect(
    clippy::indexing_slicing,
    reason = "every index is below the side of the square matrix that it is reduced to"
)]
fn marsaglia(n: u64, d: f64) -> f64 {
    let t = n as f64 * d;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 < t < n, and n d^1.5 is small"
    )]
    let k = t.floor() as usize + 1;
    let h = k as f64 - t;
    let side = 2 * k - 1;
    let mut matrix = vec![0.0; side * side];
    for i in 0..side {
        for j in 0..side.min(i + 2) {
            matrix[i * side + j] = 1.0;
        }
    }
    for i in 0..side {
        let power = i32::try_from(i + 1).unwrap_or(i32::MAX);
        matrix[i * side] -= h.powi(power);
        matrix[(side - 1) * side + i] -= h.powi(i32::try_from(side - i).unwrap_or(i32::MAX));
    }
    if 2.0 * h > 1.0 {
        matrix[(side - 1) * side] += (2.0 * h - 1.0).powi(i32::try_from(side).unwrap_or(i32::MAX));
    }
    for i in 0..side {
        for j in 0..side.min(i + 2) {
            for g in 1..=(i + 1 - j) {
                matrix[i * side + j] /= g as f64;
            }
        }
    }
    let (power, mut exponent) = raised(&matrix, side, n, k);
    // Times n!/nⁿ, rescaled by powers of ten on the way.
    let mut value = power[(k - 1) * side + k - 1];
    for i in 1..=n {
        value *= i as f64 / n as f64;
        if value < 1e-140 {
            value *= 1e140;
            exponent -= 140;
        }
    }
    value * 10_f64.powi(exponent)
}

/// The matrix to the power `n`, and the power of ten that was taken out of it.
#[expect(clippy::indexing_slicing, reason = "the centre lies inside the square matrix")]
fn raised(matrix: &[f64], side: usize, n: u64, k: usize) -> (Vec<f64>, i32) {
    let mut result: Vec<f64> =
        (0..side * side).map(|i| if i % (side + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let mut result_exponent = 0;
    let mut square = matrix.to_vec();
    let mut square_exponent = 0;
    let centre = (k - 1) * side + k - 1;
    let mut left = n;
    while left > 0 {
        if left % 2 == 1 {
            result = product(&result, &square, side);
            result_exponent += square_exponent;
            if result[centre] > 1e140 {
                result.iter_mut().for_each(|value| *value *= 1e-140);
                result_exponent += 140;
            }
        }
        left /= 2;
        if left > 0 {
            square = product(&square, &square, side);
            square_exponent *= 2;
            if square[centre] > 1e140 {
                square.iter_mut().for_each(|value| *value *= 1e-140);
                square_exponent += 140;
            }
        }
    }
    (result, result_exponent)
}

/// The product of two square matrices, by rows.
fn product(left: &[f64], right: &[f64], side: usize) -> Vec<f64> {
    let mut result = vec![0.0; side * side];
    for (out, row) in result.chunks_exact_mut(side).zip(left.chunks_exact(side)) {
        for (factor, other) in row.iter().zip(right.chunks_exact(side)) {
            for (sum, value) in out.iter_mut().zip(other) {
                *sum += factor * value;
            }
        }
    }
    result
}

/// P(D ≤ d) to the order n^(−3/2): the expansion of Li-Chien and Korolyuk in the form of Pelz and Good, for z = d√n that is
/// not large.
fn pelz_good(n: f64, d: f64) -> f64 {
    let z = d * n.sqrt();
    let z2 = z * z;
    let (z3, z4, z6) = (z2 * z, z2 * z2, z2 * z2 * z2);
    let pi2 = PI * PI;
    let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2);
    let mut sums = [0.0; 4];
    let mut extra = [0.0; 2];
    // Past this many terms the exponentials are below 1e-50 for every z < 2.
    for k in 1..=24_u32 {
        let m = f64::from(2 * k - 1);
        let m2 = m * m;
        let weight = (-pi2 * m2 / (8.0 * z2)).exp();
        let first = pi2 * m2 / 4.0 - z2;
        let second = 6.0 * z6
            + 2.0 * z4
            + (2.0 * z4 - 5.0 * z2) * pi2 * m2 / 4.0
            + pi4 * (1.0 - 2.0 * z2) * m2 * m2 / 16.0;
        let third = pi6 * (5.0 - 30.0 * z2) * m2 * m2 * m2 / 64.0
            + pi4 * (-60.0 * z2 + 212.0 * z4) * m2 * m2 / 16.0
            + pi2 * (135.0 * z4 - 96.0 * z6) * m2 / 4.0
            - 30.0 * z6
            - 90.0 * z4 * z4;
        for (sum, term) in sums.iter_mut().zip([1.0, first, second, third]) {
            *sum += weight * term;
        }
        let k2 = f64::from(k) * f64::from(k);
        let weight = (-pi2 * k2 / (2.0 * z2)).exp() * k2;
        for (sum, term) in extra.iter_mut().zip([1.0, 3.0 * z2 - pi2 * k2]) {
            *sum += weight * term;
        }
    }
    let root = TAU.sqrt();
    let [zeroth, first, second, third] = sums;
    let [second_extra, third_extra] = extra;
    let k0 = root * zeroth / z;
    let k1 = root * first / (6.0 * z4);
    let k2 = root * second / (72.0 * z6 * z) - root * pi2 * second_extra / (36.0 * z3);
    let k3 = root * third / (6480.0 * z6 * z4) + root * pi2 * third_extra / (216.0 * z6);
    k0 + k1 / n.sqrt() + k2 / n + k3 / (n * n.sqrt())
}

/// P(D ≥ d) of two samples of `m` and `n` from one continuous law, where d = `reach` / (m n): exact.
///
/// The order of the pooled sample is a random walk on a grid; the probability that leaves the band |i n − j m| < `reach` is
/// added up as it leaves, so that small tails keep their digits. Takes time m n (or less: the band) and memory n.
pub fn two_sample_upper(m: u64, n: u64, reach: u128) -> f64 {
    if m == 0 || n == 0 || reach == 0 {
        return 1.0;
    }
    let (rows, columns) = (u128::from(m), u128::from(n));
    let Ok(width) = usize::try_from(columns + 1) else { return f64::NAN };
    let mut inside = vec![0.0_f64; width];
    let mut outside = 0.0;
    for i in 0..=rows {
        let centre = i * columns;
        // From where the band of the row above began, to one step past the band of this one: nothing else is reached.
        let from = centre.saturating_sub(columns + reach) / rows;
        let to = ((centre + reach) / rows + 1).min(columns);
        let mut left = 0.0;
        let first = usize::try_from(from).unwrap_or(width);
        for (j, here) in (from..=to).zip(inside.iter_mut().skip(first)) {
            // The steps still to be drawn before this node was reached.
            let remaining = (rows + columns + 1 - i - j) as f64;
            let mut mass = if i == 0 && j == 0 {
                1.0
            } else {
                let down = if i == 0 { 0.0 } else { *here * (rows - i + 1) as f64 / remaining };
                down + left * (columns + 1 - j) as f64 / remaining
            };
            if centre.abs_diff(j * rows) >= reach {
                outside += mass;
                mass = 0.0;
            }
            *here = mass;
            left = mass;
        }
    }
    outside.min(1.0)
}
