//! The gamma distribution with shape `a` and scale 1: the regularised incomplete gamma functions P and Q.

use super::{root, saddle};

/// P(a, x): the probability of at most `x`.
pub fn lower(a: f64, x: f64) -> f64 {
    tails(a, x).0
}

/// Q(a, x): the probability of more than `x`.
pub fn upper(a: f64, x: f64) -> f64 {
    tails(a, x).1
}

/// The `x` with P(a, x) = `p`.
pub fn quantile(a: f64, p: f64) -> f64 {
    if !(a > 0.0 && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p == 0.0 {
        return 0.0;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    root::increasing(0.0, f64::INFINITY, a, |x| lower(a, x) - p, |x| a / x * saddle::poisson(a, x))
}

/// The `x` with Q(a, x) = `p`: for upper tails too small to be told from one by what is left.
pub fn upper_quantile(a: f64, p: f64) -> f64 {
    if !(a > 0.0 && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    if p == 1.0 {
        return 0.0;
    }
    root::increasing(0.0, f64::INFINITY, a, |x| p - upper(a, x), |x| a / x * saddle::poisson(a, x))
}

/// Both tails, each computed as itself where it is the small one.
fn tails(a: f64, x: f64) -> (f64, f64) {
    if !(a > 0.0 && a.is_finite() && x >= 0.0) {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x == f64::INFINITY {
        return (1.0, 0.0);
    }
    let mass = saddle::poisson(a, x);
    if x < a + 1.0 {
        let lower = mass * series(a, x);
        (lower, 1.0 - lower)
    } else {
        let upper = mass * a * fraction(a, x);
        (1.0 - upper, upper)
    }
}

/// Iterations grow with the root of the larger argument; this many are enough for any `f64` that a count can reach.
fn limit(size: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates"
    )]
    {
        (1_000.0 + 20.0 * size.sqrt()) as u32
    }
}

/// 1 + x/(a+1) + x²/((a+1)(a+2)) + …, for x < a + 1.
fn series(a: f64, x: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, a);
    for _ in 0..limit(a) {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * f64::EPSILON / 4.0 {
            break;
        }
    }
    sum
}

/// The continued fraction of Γ(a, x) / (x^a e^−x) (Abramowitz and Stegun 6.5.31, even part), by Lentz's method.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / f64::MIN_POSITIVE;
    let mut d = 1.0 / b;
    let mut value = d;
    for i in 1..limit(x) {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b);
        c = nonzero(b + numerator / c);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// Lentz's method divides by this.
pub(super) fn nonzero(value: f64) -> f64 {
    if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value }
}
