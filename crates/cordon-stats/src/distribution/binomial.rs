//! The binomial distribution: `n` trials with probability `p` of success.

use super::{beta, saddle};

/// P(K = k).
pub fn mass(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    match n.checked_sub(k) {
        Some(failures) => saddle::binomial(k as f64, failures as f64, p, 1.0 - p),
        None => 0.0,
    }
}

/// P(K ≤ k).
pub fn lower(k: u64, n: u64, p: f64) -> f64 {
    match n.checked_sub(k) {
        None | Some(0) => 1.0,
        Some(failures) => beta::upper(k as f64 + 1.0, failures as f64, p),
    }
}

/// P(K ≥ k): at least `k`, as an exact test asks.
pub fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    match n.checked_sub(k) {
        None => 0.0,
        Some(failures) => beta::lower(k as f64, failures as f64 + 1.0, p),
    }
}
