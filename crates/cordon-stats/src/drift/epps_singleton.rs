use crate::PValue;
use crate::distribution::chi_squared;
use crate::input::{self, InputError};
use crate::sample::{Merge, Sample};

use super::Tested;

/// Cosine and sine at both points.
type Moments = [f64; 4];

/// The Epps–Singleton test (1986): compares the empirical characteristic functions at 0.4 and 0.8 of the pooled
/// semi-interquartile range. Needs no continuity, and often has more power than Kolmogorov–Smirnov.
///
/// # Errors
/// When a sample has fewer than five values, or half of the pooled values are the same.
pub fn epps_singleton(reference: &Sample, current: &Sample) -> Result<Tested, InputError> {
    input::at_least(reference.len(), 5, "reference")?;
    input::at_least(current.len(), 5, "current")?;
    let scale = pooled_quartile_range(reference, current) / 2.0;
    if !input::is_positive(scale) {
        return Err(InputError::Constant { what: "half of the pooled sample" });
    }
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let all = m + n;
    let (left_mean, left_spread) = moments(reference, scale);
    let (right_mean, right_spread) = moments(current, scale);
    let covariance: [Moments; 4] = std::array::from_fn(|i| {
        std::array::from_fn(|j| all / m * at(&left_spread, i, j) + all / n * at(&right_spread, i, j))
    });
    let difference: Moments = std::array::from_fn(|i| entry(&left_mean, i) - entry(&right_mean, i));
    let (form, rank) = inverse_form(covariance, difference);
    let mut statistic = all * form;
    if m.max(n) < 25.0 {
        statistic /= 1.0 + all.powf(-0.45) + 10.1 * (m.powf(-1.7) + n.powf(-1.7));
    }
    let p = chi_squared::upper(statistic, f64::from(rank));
    Ok(Tested { statistic, p_value: PValue::of(p) })
}

/// The type-7 interquartile range of both samples together.
fn pooled_quartile_range(reference: &Sample, current: &Sample) -> f64 {
    let last = reference.len() + current.len() - 1;
    let quantile = |p: f64| {
        let place = p * last as f64;
        let below = place.floor();
        let ordered = |position: f64| {
            Merge::of(reference, current)
                .find(|step| (step.left_seen + step.right_seen) as f64 > position)
                .map_or(f64::NAN, |step| step.value)
        };
        let (low, high) = (ordered(below), ordered((below + 1.0).min(last as f64)));
        low + (high - low) * (place - below)
    };
    quantile(0.75) - quantile(0.25)
}

/// Means and covariances (divisor n) of the four functions.
fn moments(sample: &Sample, scale: f64) -> (Moments, [Moments; 4]) {
    let functions = |value: &f64| {
        let (first, second) = (0.4 * value / scale, 0.8 * value / scale);
        [first.cos(), second.cos(), first.sin(), second.sin()]
    };
    let n = sample.len() as f64;
    let mut mean = [0.0; 4];
    for row in sample.values().iter().map(functions) {
        for (sum, part) in mean.iter_mut().zip(row) {
            *sum += part;
        }
    }
    let mean = mean.map(|sum| sum / n);
    let mut spread = [[0.0; 4]; 4];
    for row in sample.values().iter().map(functions) {
        let centred: Moments = std::array::from_fn(|i| entry(&row, i) - entry(&mean, i));
        for (line, left) in spread.iter_mut().zip(centred) {
            for (sum, right) in line.iter_mut().zip(centred) {
                *sum += left * right;
            }
        }
    }
    (mean, spread.map(|line| line.map(|sum| sum / n)))
}

/// vᵀ A⁺ v and the rank of A, by Jacobi's rotations: A is symmetric and may be singular.
fn inverse_form(mut a: [Moments; 4], mut v: Moments) -> (f64, u32) {
    for _ in 0..60 {
        let mut off = 0.0;
        for p in 0..4 {
            for q in p + 1..4 {
                let (apq, app, aqq) = (at(&a, p, q), at(&a, p, p), at(&a, q, q));
                off += apq * apq;
                if apq == 0.0 {
                    continue;
                }
                let ratio = (aqq - app) / (2.0 * apq);
                let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                rotate(&mut a, &mut v, (p, q), (cosine, sine));
            }
        }
        if off < 1e-300 {
            break;
        }
    }
    let largest = (0..4).map(|i| at(&a, i, i).abs()).fold(0.0, f64::max);
    let mut form = 0.0;
    let mut rank = 0;
    for (i, component) in v.iter().enumerate() {
        let eigenvalue = at(&a, i, i);
        if eigenvalue > largest * 1e-14 {
            form += component * component / eigenvalue;
            rank += 1;
        }
    }
    (form, rank)
}

/// Turns the axes `p` and `q` of the form and of the vector.
#[expect(clippy::indexing_slicing, reason = "p, q and i are below 4, the length of every array here")]
fn rotate(a: &mut [Moments; 4], v: &mut Moments, (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    for row in a.iter_mut() {
        let (x, y) = (row[p], row[q]);
        row[p] = cosine * x - sine * y;
        row[q] = sine * x + cosine * y;
    }
    let (upper, lower) = (a[p], a[q]);
    a[p] = std::array::from_fn(|i| cosine * upper[i] - sine * lower[i]);
    a[q] = std::array::from_fn(|i| sine * upper[i] + cosine * lower[i]);
    let (x, y) = (v[p], v[q]);
    v[p] = cosine * x - sine * y;
    v[q] = sine * x + cosine * y;
}

fn entry(values: &Moments, i: usize) -> f64 {
    values.get(i).copied().unwrap_or(f64::NAN)
}

fn at(rows: &[Moments; 4], i: usize, j: usize) -> f64 {
    rows.get(i).map_or(f64::NAN, |row| entry(row, j))
}
