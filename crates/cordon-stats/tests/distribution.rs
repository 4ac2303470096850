//! Tails against 40 digits of mpmath, and quantiles against their tails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::distribution::{
    beta, binomial, chi_squared, f, gamma, hypergeometric, kolmogorov, normal, quadratic, student_t,
};
use support::near;

/// `data/distributions.py` makes the file.
const GOLDEN: &str = include_str!("data/distributions.csv");

#[test]
fn tails_agree_with_forty_digits() {
    let mut worst = 0.0_f64;
    for line in GOLDEN.lines() {
        let (name, numbers) = line.split_once(',').unwrap();
        let numbers: Vec<f64> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
        let (want, at) = numbers.split_last().unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers in the file"
        )]
        let whole = |i: usize| at[i] as u64;
        let got = match name {
            "normal_upper" => normal::upper(at[0]),
            "gamma_upper" => gamma::upper(at[0], at[1]),
            "gamma_lower" => gamma::lower(at[0], at[1]),
            "beta_lower" => beta::lower(at[0], at[1], at[2]),
            "beta_upper" => beta::upper(at[0], at[1], at[2]),
            "t_two_sided" => student_t::two_sided(at[0], at[1]),
            "f_upper" => f::upper(at[0], at[1], at[2]),
            "binomial_mass" => binomial::mass(whole(0), whole(1), at[2]),
            "cramer_von_mises_upper" => quadratic::cramer_von_mises_upper(at[0]),
            "anderson_darling_upper" => quadratic::anderson_darling_upper(at[0]),
            "kolmogorov_limit_upper" => kolmogorov::limit_upper(at[0]),
            other => panic!("{other} is not known"),
        };
        near(line, got, *want, 5e-12);
        worst = worst.max(((got - want) / want).abs());
    }
    println!("worst relative error {worst:e}");
}

#[test]
fn a_quantile_is_the_inverse_of_the_lower_tail() {
    for p in [1e-12, 1e-4, 0.025, 0.3, 0.5, 0.77, 0.975, 0.9999] {
        near("normal", normal::lower(normal::quantile(p)), p, 1e-13);
        for df in [0.7, 1.0, 4.0, 33.0, 1200.0] {
            near("chi-squared", chi_squared::lower(chi_squared::quantile(p, df), df), p, 1e-12);
            near("t", student_t::lower(student_t::quantile(p, df), df), p, 1e-11);
        }
        for (a, b) in [(0.5, 0.5), (1.0, 30.0), (80.0, 3.0), (2000.0, 2500.0)] {
            near("beta", beta::lower(a, b, beta::quantile(a, b, p)), p, 1e-11);
        }
    }
    assert!(normal::quantile(0.5).abs() < 1e-15);
}

#[test]
fn discrete_laws_add_up() {
    let all: f64 = (0..=50).map(|k| binomial::mass(k, 50, 0.37)).sum();
    near("binomial", all, 1.0, 1e-13);
    let tail: f64 = (30..=50).map(|k| binomial::mass(k, 50, 0.37)).sum();
    near("binomial tail", binomial::at_least(30, 50, 0.37), tail, 1e-12);
    near("binomial rest", binomial::lower(29, 50, 0.37), 1.0 - tail, 1e-12);
    let drawn: f64 = (0..=20).map(|k| hypergeometric::mass(k, 20, 45, 31)).sum();
    near("hypergeometric", drawn, 1.0, 1e-13);
    // 3 of 5 marked when 4 of 9 are drawn: C(5,3) C(4,1) / C(9,4).
    near("hypergeometric", hypergeometric::mass(3, 5, 4, 4), 40.0 / 126.0, 1e-13);
}

#[test]
fn kolmogorov_of_one_sample_joins_its_methods() {
    // n = 1: P(D ≥ d) = 2(1 − d) for d ≥ ½. n = 2, published: P(D ≥ 0.84189) = 0.05.
    near("n = 1", kolmogorov::upper(1, 0.75), 0.5, 1e-14);
    near("n = 2", kolmogorov::upper(2, 0.841_886_116_991_581), 0.05, 1e-9);
    // Where one method ends and the next begins they must agree to the smaller one's stated error.
    for (n, square) in [(140_u32, 4.0), (141, 2.2), (5_000, 2.2)] {
        let d = (square / f64::from(n)).sqrt();
        let (below, above) =
            (kolmogorov::upper(n.into(), d * (1.0 - 1e-9)), kolmogorov::upper(n.into(), d * (1.0 + 1e-9)));
        near("at the seam", below, above, 5e-5);
    }
    // The expansion against the exact matrix, where both can be had.
    let (expansion, exact) =
        (kolmogorov::upper(141, 0.07), kolmogorov::upper(140, 0.07 * (141.0_f64 / 140.0).sqrt()));
    near("neighbours", expansion, exact, 5e-3);
}

#[test]
fn two_sample_paths_are_counted() {
    // Two samples of 2: of the six orders two are fully apart (D = 1) and all others have D ≥ ½.
    near("D = 1", kolmogorov::two_sample_upper(2, 2, 4), 2.0 / 6.0, 1e-14);
    near("D ≥ ½", kolmogorov::two_sample_upper(2, 2, 2), 1.0, 1e-14);
    // Fully apart: 2 / C(m+n, m), also where that is tiny and for unequal sizes.
    near("3 and 7", kolmogorov::two_sample_upper(3, 7, 21), 2.0 / 120.0, 1e-14);
    near("40 and 2", kolmogorov::two_sample_upper(40, 2, 80), 2.0 / 861.0, 1e-13);
    near("10 and 10", kolmogorov::two_sample_upper(10, 10, 100), 2.0 / 184_756.0, 1e-13);
}

#[test]
fn what_is_no_parameter_is_not_a_number() {
    assert!(gamma::upper(-1.0, 2.0).is_nan());
    assert!(beta::lower(1.0, 2.0, f64::NAN).is_nan());
    assert!(student_t::two_sided(1.0, 0.0).is_nan());
    assert!(normal::quantile(1.5).is_nan());
    assert!(f::upper(f64::NAN, 1.0, 1.0).is_nan());
}

#[test]
fn a_huge_t_is_not_missed() {
    assert_eq!(student_t::two_sided(1e200, 5.0), 0.0);
}
