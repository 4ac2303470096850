//! The pieces of Loader's saddle-point form of binomial and Poisson probabilities: C. Loader, "Fast and Accurate Computation
//! of Binomial Probabilities", 2000. They keep the relative error near 1e-14 where powers and factorials would cancel.

use std::f64::consts::TAU;

/// ln √(2π)
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// What Stirling's formula leaves out: ln Γ(n+1) − ((n + ½) ln n − n + ½ ln 2π). `n` > 0.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - HALF_LN_TAU;
    }
    // The asymptotic series of Bernoulli numbers; at 16 the next term is below 1e-16.
    let r = 1.0 / (n * n);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - r / 1188.0) * r) * r) * r) / n
}

/// The deviance x ln(x/m) + m − x, without cancellation where x is near m. Both > 0.
fn deviance(x: f64, m: f64) -> f64 {
    let difference = x - m;
    if difference.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - difference;
    }
    let v = difference / (x + m);
    let square = v * v;
    let mut sum = difference * v;
    let mut power = 2.0 * x * v;
    // |v| < 0.1: each term is at most a hundredth of the one before.
    for j in 1..40_u32 {
        power *= square;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// e^−m m^x / Γ(x+1), for real `x` ≥ 0 and `m` ≥ 0.
pub(super) fn poisson(x: f64, m: f64) -> f64 {
    if m == 0.0 {
        return if x == 0.0 { 1.0 } else { 0.0 };
    }
    if x == 0.0 {
        return (-m).exp();
    }
    (-stirling_error(x) - deviance(x, m)).exp() / (TAU * x).sqrt()
}

/// Γ(n+1) / (Γ(a+1) Γ(b+1)) p^a q^b with n = a + b and q = 1 − p, for real `a`, `b` ≥ 0. `q` is an argument because `1 − p`
/// would round.
pub(super) fn binomial(a: f64, b: f64, p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return if a == 0.0 { 1.0 } else { 0.0 };
    }
    if q == 0.0 {
        return if b == 0.0 { 1.0 } else { 0.0 };
    }
    let n = a + b;
    if a == 0.0 {
        return if b == 0.0 { 1.0 } else { (b * log_complement(p, q)).exp() };
    }
    if b == 0.0 {
        return (a * log_complement(q, p)).exp();
    }
    let exponent =
        stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * p) - deviance(b, n * q);
    exponent.exp() * (n / (TAU * a * b)).sqrt()
}

/// ln q, from the smaller of `p` = 1 − q and `q`.
fn log_complement(p: f64, q: f64) -> f64 {
    if p < 0.5 { (-p).ln_1p() } else { q.ln() }
}
