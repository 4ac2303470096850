//! The chi-squared distribution with `df` degrees of freedom.

use super::gamma;

/// P(X ≤ x).
pub fn lower(x: f64, df: f64) -> f64 {
    gamma::lower(df / 2.0, x / 2.0)
}

/// P(X > x).
pub fn upper(x: f64, df: f64) -> f64 {
    gamma::upper(df / 2.0, x / 2.0)
}

/// The `x` with P(X ≤ x) = `p`.
pub fn quantile(p: f64, df: f64) -> f64 {
    2.0 * gamma::quantile(df / 2.0, p)
}
