//! The beta distribution: the regularised incomplete beta function and its inverse.

use super::gamma::nonzero;
use super::{root, saddle};

/// I_x(a, b): the probability of at most `x`.
pub fn lower(a: f64, b: f64, x: f64) -> f64 {
    tails(a, b, x, 1.0 - x).0
}

/// 1 − I_x(a, b): the probability of more than `x`.
pub fn upper(a: f64, b: f64, x: f64) -> f64 {
    tails(a, b, x, 1.0 - x).1
}

/// The `x` with I_x(a, b) = `p`.
///
/// ```
/// use cordon_stats::distribution::beta;
/// // Clopper and Pearson, 0 of 10: the upper end at 95 % is 1 − 0.025^(1/10).
/// let end = beta::quantile(1.0, 10.0, 0.975);
/// assert!((end - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-14);
/// ```
pub fn quantile(a: f64, b: f64, p: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return p;
    }
    root::increasing(
        0.0,
        1.0,
        a / (a + b),
        |x| lower(a, b, x) - p,
        |x| saddle::binomial(a, b, x, 1.0 - x) * a * b / ((a + b) * x * (1.0 - x)),
    )
}

/// Both tails at `x`, with `y` = 1 − x given apart so that neither end of the interval rounds.
pub(super) fn tails(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if !(a > 0.0
        && b > 0.0
        && a.is_finite()
        && b.is_finite()
        && (0.0..=1.0).contains(&x)
        && (0.0..=1.0).contains(&y))
    {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if y == 0.0 {
        return (1.0, 0.0);
    }
    // x^a y^b / B(a, b), divided by a or b below.
    let common = saddle::binomial(a, b, x, y) * a * b / (a + b);
    if x <= (a + 1.0) / (a + b + 2.0) {
        let lower = common / a * fraction(a, b, x);
        (lower, 1.0 - lower)
    } else {
        let upper = common / b * fraction(b, a, y);
        (1.0 - upper, upper)
    }
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates"
    )]
    let limit = (1_000.0 + 20.0 * a.max(b).sqrt()) as u32;
    for m in 1..limit {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}
