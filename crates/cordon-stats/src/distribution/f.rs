//! The F distribution with `d1` and `d2` degrees of freedom.

use super::beta;

/// P(F > x).
pub fn upper(x: f64, d1: f64, d2: f64) -> f64 {
    tails(x, d1, d2).1
}

/// P(F ≤ x).
pub fn lower(x: f64, d1: f64, d2: f64) -> f64 {
    tails(x, d1, d2).0
}

fn tails(x: f64, d1: f64, d2: f64) -> (f64, f64) {
    if x == f64::INFINITY {
        return (1.0, 0.0);
    }
    if x.is_nan() || x < 0.0 {
        return (f64::NAN, f64::NAN);
    }
    let whole = d1 * x + d2;
    beta::tails(d1 / 2.0, d2 / 2.0, d1 * x / whole, d2 / whole)
}
