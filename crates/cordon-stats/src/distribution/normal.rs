//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// P(Z ≤ z).
pub fn lower(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// P(Z > z).
pub fn upper(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// P(|Z| > |z|).
pub fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The density at `z`.
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// The `z` with P(Z ≤ z) = `p`. For an upper tail that is tiny take `-quantile(tail)`.
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        // 1 − p is exact here (Sterbenz).
        return -lower_half(1.0 - p);
    }
    lower_half(p)
}

/// For `p` in (0, ½]: the rational start of Abramowitz and Stegun 26.2.23 (4.5e-4), then Halley's steps on the tail.
fn lower_half(p: f64) -> f64 {
    let t = (-2.0 * p.ln()).sqrt();
    let mut z = -(t
        - ((0.010_328 * t + 0.802_853) * t + 2.515_517)
            / (((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0));
    for _ in 0..4 {
        let error = (lower(z) - p) / density(z);
        let step = error / (1.0 + 0.5 * z * error);
        if !step.is_finite() {
            break;
        }
        z -= step;
        if step.abs() <= f64::EPSILON * z.abs() {
            break;
        }
    }
    z
}
