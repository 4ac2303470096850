//! Sequential tests, intervals of counts and corrections for many tests against scipy and independent formulas.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::fdr::{benjamini_hochberg, benjamini_yekutieli, bonferroni, fisher, holm};
use cordon_stats::interval::{Estimate, Level, Proportion};
use cordon_stats::sequential::{Detector, Direction, NormalMixture, RateTest, log_likelihood_ratio};
use serde_json::Value;
use support::{columns, exact, golden, near, number, numbers};

fn errors() -> Option<Vec<bool>> {
    Some(columns("stream_error01.csv")?["err"].iter().map(|cell| cell == "1").collect())
}

/// The values of a list of `{"n": …, "key": …}`, by `n`.
fn by_n(list: &Value, key: &str) -> Vec<(u64, f64)> {
    list.as_array().unwrap().iter().map(|row| (row["n"].as_u64().unwrap(), number(&row[key]))).collect()
}

#[test]
fn rate_test_agrees() {
    let (Some(golden), Some(errors)) = (golden("sequential.json"), errors()) else { return };
    let want = &golden["beta_binomial_mixture_eprocess"];
    let mut test = RateTest::new(number(&want["p0"]), Direction::Both).unwrap();
    let (mut log_e, mut first) = (Vec::new(), None);
    for (at, error) in errors.iter().enumerate() {
        test.push(*error);
        log_e.push(test.log_e());
        if test.alarms(0.01) {
            first = first.or(Some(at));
        }
    }
    for (n, value) in by_n(&want["log_e_every_250"], "log_e") {
        exact(&format!("log e after {n}"), log_e[usize::try_from(n).unwrap() - 1], value);
    }
    assert_eq!(first.map(|at| at as u64), want["first_index0_e_ge_100"].as_u64());
}

#[test]
fn normal_mixture_agrees() {
    let (Some(golden), Some(stream)) = (golden("sequential.json"), columns("stream_real.csv")) else {
        return;
    };
    let want = &golden["normal_mixture_confidence_sequence"];
    let of = |key: &str| number(&want[key]);
    let sequence = NormalMixture::new(of("sigma"), of("rho"), of("alpha")).unwrap();
    let values = numbers(&stream["x"]);
    for (n, half) in by_n(&want["points"], "half_width") {
        exact(&format!("half-width after {n}"), sequence.half_width(n), half);
    }
    for (n, mean) in by_n(&want["points"], "mean") {
        let rows = usize::try_from(n).unwrap();
        let e = sequence.interval(n, values[..rows].iter().sum::<f64>() / n as f64).unwrap();
        exact(&format!("mean of {n}"), e.value, mean);
        assert!((e.high - e.low - 2.0 * sequence.half_width(n)).abs() < 1e-12);
    }
}

#[test]
fn detectors_agree() {
    let (Some(golden), Some(errors)) = (golden("sequential.json"), errors()) else { return };
    let want = &golden["e_detectors_bernoulli"];
    let (before, after) = (number(&want["p0"]), number(&want["p1"]));
    for (name, mut detector) in
        [("cusum", Detector::cusum(1000.0).unwrap()), ("sr", Detector::shiryaev_roberts(1000.0).unwrap())]
    {
        let (mut values, mut first) = (Vec::new(), None);
        for (at, error) in errors.iter().enumerate() {
            if detector.push(log_likelihood_ratio(*error, before, after)) {
                first = first.or(Some(at as u64));
            }
            values.push(detector.log_value());
        }
        assert_eq!(first, want["first_alarm_index0"][name].as_u64(), "{name}");
        for (n, value) in by_n(&want["state_every_250"], &format!("log_{name}")) {
            exact(&format!("{name} after {n}"), values[usize::try_from(n).unwrap() - 1], value);
        }
    }
}

#[test]
fn intervals_of_counts_agree() {
    let Some(golden) = golden("sequential.json") else { return };
    for row in golden["binomial_intervals_95"].as_array().unwrap() {
        let counted = Proportion::new(row["k"].as_u64().unwrap(), row["n"].as_u64().unwrap()).unwrap();
        let check = |name: &str, e: Estimate| {
            for (end, want) in [e.low, e.high].into_iter().zip(row[name].as_array().unwrap()) {
                exact(&format!("{name} of {counted:?}"), end, number(want));
            }
        };
        check("wilson", counted.wilson(Level::P95).unwrap());
        check("clopper_pearson", counted.clopper_pearson(Level::P95).unwrap());
    }
}

#[test]
fn corrections_agree() {
    let Some(golden) = golden("drift.json") else { return };
    let want = &golden["multiple_testing"];
    let list = |key: &str| want[key].as_array().unwrap().iter().map(number).collect::<Vec<f64>>();
    let p = list("p");
    for (name, adjusted) in [
        ("bh_adjusted", benjamini_hochberg(&p).unwrap()),
        ("by_adjusted", benjamini_yekutieli(&p).unwrap()),
        ("bonferroni", bonferroni(&p).unwrap()),
    ] {
        for (got, want) in adjusted.into_iter().zip(list(name)) {
            exact(name, got, want);
        }
    }
    let combined = fisher(&p).unwrap().unwrap();
    exact("fisher statistic", combined.statistic, number(&want["fisher_combined"]["stat"]));
    near("fisher p", combined.p_value.upper_bound(), number(&want["fisher_combined"]["p"]), 1e-9);
    assert!(holm(&p).unwrap().iter().zip(list("bonferroni")).all(|(holm, bonferroni)| *holm <= bonferroni));
}
