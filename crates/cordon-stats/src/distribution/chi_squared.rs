//! The chi-squared distribution with `df` degrees of freedom.

use super::{gamma, saddle};

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

/// P(X > x) of the noncentral law with `noncentrality` λ: central ones of `df` + 2 j degrees of freedom, weighted by Poisson's law
/// of mean λ/2 (Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" 2, 1995, chapter 29). Takes time in √λ.
pub fn noncentral_upper(x: f64, df: f64, noncentrality: f64) -> f64 {
    let half = noncentrality / 2.0;
    if !(half >= 0.0 && half.is_finite()) {
        return f64::NAN;
    }
    if half == 0.0 {
        return upper(x, df);
    }
    // From the most probable term to both sides, until terms no longer change the sum: each weight is at most 1.
    let mode = half.floor();
    let weight = saddle::poisson(mode, half);
    let mut sum = weight * upper(x, df + 2.0 * mode);
    let (mut at, mut term) = (mode, weight);
    while at > 0.0 && term > 1e-18 {
        term *= at / half;
        at -= 1.0;
        sum += term * upper(x, df + 2.0 * at);
    }
    let (mut at, mut term) = (mode, weight);
    while term > 1e-18 {
        at += 1.0;
        term *= half / at;
        sum += term * upper(x, df + 2.0 * at);
    }
    sum.min(1.0)
}

/// The noncentrality at which a test at `level` finds something with probability `power`. 0 where chance alone is as powerful, NaN
/// outside of probabilities.
pub fn noncentrality(df: f64, level: f64, power: f64) -> f64 {
    // By the upper tail: one minus a tiny level would lose it.
    let critical = 2.0 * gamma::upper_quantile(df / 2.0, level);
    let is_found = |noncentrality: f64| noncentral_upper(critical, df, noncentrality) >= power;
    if !(power < 1.0 && critical.is_finite() && df.is_finite()) {
        return f64::NAN;
    }
    if is_found(0.0) {
        return 0.0;
    }
    let mut above = 1.0;
    while !is_found(above) {
        above *= 2.0;
        if above > 1e9 {
            return f64::NAN;
        }
    }
    let mut below = 0.0;
    for _ in 0..60 {
        let middle = f64::midpoint(below, above);
        if is_found(middle) { above = middle } else { below = middle }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::normal;
    use crate::random::Random;

    /// One degree of freedom is the square of a normal number that is off by √λ.
    #[test]
    fn one_degree_is_a_moved_normal_number() {
        for (x, noncentrality) in [(3.841_458_8, 7.848_861), (0.5, 0.01), (20.0, 90.0), (1.0, 900.0)] {
            let (root, off) = (f64::sqrt(x), f64::sqrt(noncentrality));
            let want = normal::upper(root - off) + normal::lower(-root - off);
            let got = noncentral_upper(x, 1.0, noncentrality);
            assert!((got / want - 1.0).abs() < 1e-12, "{got} {want}");
        }
        assert_eq!(noncentral_upper(3.0, 4.0, 0.0), upper(3.0, 4.0));
        assert!(noncentral_upper(3.0, 4.0, -1.0).is_nan() && noncentral_upper(3.0, 4.0, f64::NAN).is_nan());
    }

    /// The tables that studies are planned by (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988): 5 %, 80 %.
    #[test]
    fn noncentralities_are_those_of_the_tables() {
        for (df, want) in
            [(1.0, 7.849), (2.0, 9.635), (3.0, 10.903), (5.0, 12.828), (9.0, 15.650), (10.0, 16.241)]
        {
            let got = noncentrality(df, 0.05, 0.8);
            assert!((got - want).abs() < 2e-3, "{df}: {got}");
        }
        assert_eq!(noncentrality(3.0, 0.05, 0.04), 0.0);
        // A level that no power of ten in a double is one less of: a dashboard of many tests.
        let strict = noncentrality(1.0, 1e-20, 0.5);
        assert!((strict.sqrt() + normal::quantile(5e-21)).abs() < 1e-6, "{strict}");
        assert!(noncentrality(3.0, 0.05, 1.0).is_nan() && noncentrality(f64::NAN, 0.05, 0.5).is_nan());
    }

    #[test]
    fn simulated_sums_of_squares_are_above_as_often() {
        let (mut random, runs, mut above) = (Random::new(3), 20_000_u32, 0_u32);
        for _ in 0..runs {
            let sum: f64 = (0..6).map(|at| (random.normal() + if at == 0 { 2.0 } else { 0.5 }).powi(2)).sum();
            above += u32::from(sum > 9.0);
        }
        let want = noncentral_upper(9.0, 6.0, 4.0 + 5.0 * 0.25);
        assert!((f64::from(above) / f64::from(runs) - want).abs() < 0.012, "{above} {want}");
    }
}
