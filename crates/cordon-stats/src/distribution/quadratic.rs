//! The limits of the Cramér–von Mises and Anderson–Darling statistics: weighted sums Σ χ²_j / λ_j of independent squares.
//!
//! Smirnov's inversion: P(Σ > x) = (1/π) Σ_k (−1)^(k+1) ∫ from λ_(2k−1) to λ_(2k) of e^(−xy/2) / (y √|D(y)|) dy, with
//! D(y) = Π (1 − y/λ_j) (Smirnov 1937; Anderson and Darling 1952). Both characteristic functions close to a cosine on each
//! interval, and after the substitution u = ½π sin θ the integrand is smooth and even at both ends, so that the
//! midpoint rule converges faster than any power. Terms fall off so fast that the upper tail keeps its relative accuracy.

use std::f64::consts::{FRAC_PI_2, PI};

/// P(W² > x) for the limit of the Cramér–von Mises statistic, λ_j = (πj)².
pub fn cramer_von_mises_upper(x: f64) -> f64 {
    // D(y) = sin √y / √y; with s = √y = 2πk − ½π + u it is −cos u / s.
    alternating(x, 2e-3, |k, u| {
        let s = 2.0 * PI * k - FRAC_PI_2 + u;
        2.0 / s.sqrt() * (-0.5 * x * s * s).exp()
    })
}

/// P(A² > x) for the limit of the Anderson–Darling statistic, λ_j = j(j+1).
pub fn anderson_darling_upper(x: f64) -> f64 {
    // D(y) = −cos(½π√(1+4y)) / (πy); with w = √(1+4y) = 4k + 2u/π it is −cos u / (πy).
    alternating(x, 2e-2, |k, u| {
        let w = 4.0 * k + u / FRAC_PI_2;
        let y = (w * w - 1.0) / 4.0;
        (PI / y).sqrt() * w / PI * (-0.5 * x * y).exp()
    })
}

/// (1/π) Σ (−1)^(k+1) ∫ over −½π < u < ½π of `smooth(k, u)` / √cos u du. Below `negligible` the lower tail is under 1e-16.
fn alternating(x: f64, negligible: f64, smooth: impl Fn(f64, f64) -> f64) -> f64 {
    const POINTS: u32 = 64;
    if x.is_nan() {
        return f64::NAN;
    }
    if x <= negligible {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut sign = 1.0;
    for k in 1..2_000_u32 {
        let mut integral = 0.0;
        for i in 0..POINTS {
            let angle = PI * ((f64::from(i) + 0.5) / f64::from(POINTS) - 0.5);
            let u = FRAC_PI_2 * angle.sin();
            // cos u from the distance to the end, 1 − |sin θ|, in the form that keeps its digits there.
            let half = (FRAC_PI_2 - angle.abs()) / 2.0;
            let cosine = (PI * half.sin() * half.sin()).sin();
            integral += smooth(f64::from(k), u) * FRAC_PI_2 * angle.cos() / cosine.sqrt();
        }
        let term = integral / f64::from(POINTS);
        sum += sign * term;
        sign = -sign;
        if term <= sum * f64::EPSILON / 8.0 {
            break;
        }
    }
    // The midpoint weight π/POINTS and the factor 1/π cancel.
    sum.clamp(0.0, 1.0)
}
