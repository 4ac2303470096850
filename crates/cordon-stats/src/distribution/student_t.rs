//! Student's t distribution with `df` degrees of freedom.

use super::beta;
use crate::input::is_positive;

/// P(T > t).
pub fn upper(t: f64, df: f64) -> f64 {
    let half = 0.5 * two_sided(t, df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// P(T ≤ t).
pub fn lower(t: f64, df: f64) -> f64 {
    upper(-t, df)
}

/// P(|T| > |t|).
pub fn two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || !is_positive(df) {
        return f64::NAN;
    }
    if t.is_infinite() {
        return 0.0;
    }
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    beta::tails(df / 2.0, 0.5, df / (df + square), square / (df + square)).0
}

/// The `t` with P(T ≤ t) = `p`.
pub fn quantile(p: f64, df: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || !is_positive(df) {
        return f64::NAN;
    }
    if p > 0.5 {
        return -quantile(1.0 - p, df);
    }
    let outside = 2.0 * p;
    // From whichever end of the beta variable does not round.
    let square = if outside < 0.5 {
        let x = beta::quantile(df / 2.0, 0.5, outside);
        df * (1.0 - x) / x
    } else {
        let y = beta::quantile(0.5, df / 2.0, 1.0 - outside);
        df * y / (1.0 - y)
    };
    -square.sqrt()
}
