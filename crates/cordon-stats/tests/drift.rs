//! Drift statistics against scipy, Evidently and NannyML.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "support/peers.rs"]
mod peers;
mod support;

use cordon_stats::binning::Edges;
use cordon_stats::drift::{
    Alternative, Binned, Features, Kernel, KolmogorovSmirnov, Method, Points, ZeroShare, anderson_darling,
    chi_squared, cramer_von_mises, energy_distance, energy_multivariate, epps_singleton, fisher_exact,
    g_test, kolmogorov_smirnov, mann_whitney, median_distance, mmd, mmd_permutation, student_t, wasserstein,
    welch_t, yates,
};
use cordon_stats::{PValue, Sample};
use peers::nannyml_bins;
use serde_json::Value;
use support::{columns, counts, exact, golden, near, number, numbers};

const NUMERIC: [&str; 5] = ["x_norm", "x_lognorm", "x_unif", "x_ties", "x_int"];

fn sample(column: &[String]) -> Sample {
    Sample::new(numbers(column)).unwrap()
}

fn p(value: PValue) -> f64 {
    value.upper_bound()
}

/// Each numeric column with its two samples.
fn samples() -> Option<Vec<(&'static str, Sample, Sample)>> {
    let (reference, current) = (columns("drift_ref.csv")?, columns("drift_cur.csv")?);
    Some(NUMERIC.iter().map(|name| (*name, sample(&reference[*name]), sample(&current[*name]))).collect())
}

fn check_smirnov(what: &str, got: KolmogorovSmirnov, want: &Value) {
    exact(what, got.statistic, number(&want["stat"]));
    exact(&format!("{what} p"), p(got.p_value), number(&want["p"]));
}

/// scipy's series for this limit is good to about 1e-11 *absolute*; `distribution.rs` compares ours with 40 digits.
fn check_cramer(got: f64, want: f64) {
    assert!((got - want).abs() < 2e-11, "{got} is not {want}");
}

#[test]
fn samples_agree_with_scipy() {
    let (Some(golden), Some(samples)) = (golden("drift.json"), samples()) else { return };
    for (name, reference, current) in samples {
        let want = &golden[name];
        let asymptotic = kolmogorov_smirnov(&reference, &current, Method::Asymptotic);
        check_smirnov(&format!("{name} ks asymptotic"), asymptotic, &want["ks_asymp"]);
        exact("location", asymptotic.location, number(&want["ks_asymp"]["loc"]));
        assert_eq!(asymptotic.reference_is_smaller, number(&want["ks_asymp"]["sign"]) > 0.0);
        let counted = kolmogorov_smirnov(&reference, &current, Method::Exact);
        check_smirnov(&format!("{name} ks exact"), counted, &want["ks_exact"]);
        exact("wasserstein", wasserstein(&reference, &current), number(&want["wasserstein1"]));
        exact("energy", energy_distance(&reference, &current), number(&want["energy_distance"]));
        let cramer = cramer_von_mises(&reference, &current).unwrap();
        exact("cvm", cramer.statistic, number(&want["cramer_von_mises"]["stat"]));
        check_cramer(p(cramer.p_value), number(&want["cramer_von_mises"]["p"]));
        let whitney = mann_whitney(&reference, &current, Alternative::Different).unwrap();
        exact("u", whitney.statistic, number(&want["mannwhitney_u"]["stat"]));
        exact("u p", p(whitney.p_value), number(&want["mannwhitney_u"]["p"]));
        let welch = welch_t(&reference, &current).unwrap();
        exact("welch", welch.statistic, number(&want["welch_t"]["stat"]));
        exact("welch df", welch.df, number(&want["welch_t"]["df"]));
        exact("welch p", p(welch.p_value), number(&want["welch_t"]["p"]));
        let student = student_t(&reference, &current).unwrap();
        exact("student", student.statistic, number(&want["student_t"]["stat"]));
        exact("student p", p(student.p_value), number(&want["student_t"]["p"]));
        if want["epps_singleton"].is_object() {
            let epps = epps_singleton(&reference, &current).unwrap();
            exact("epps", epps.statistic, number(&want["epps_singleton"]["stat"]));
            exact("epps p", p(epps.p_value), number(&want["epps_singleton"]["p"]));
        }
        moments(&reference, &want["moments_ref"]);
    }
}

fn moments(sample: &Sample, want: &Value) {
    exact("mean", sample.mean(), number(&want["mean"]));
    exact("variance", sample.variance(), number(&want["var_ddof1"]));
    let (skewness, kurtosis) = sample.shape();
    exact("skewness", skewness, number(&want["skew_biased"]));
    exact("kurtosis", kurtosis, number(&want["kurtosis_excess_biased"]));
    exact("min", sample.range().0, number(&want["min"]));
    exact("max", sample.range().1, number(&want["max"]));
    for (level, value) in want["quantiles_type7"].as_object().unwrap() {
        exact("quantile", sample.quantile(level.parse().unwrap()), number(value));
    }
}

#[test]
fn small_samples_are_counted_exactly() {
    let (Some(golden), Some(reference), Some(current)) =
        (golden("drift.json"), columns("drift_ref.csv"), columns("drift_cur.csv"))
    else {
        return;
    };
    for name in NUMERIC {
        let tested = kolmogorov_smirnov(
            &sample(&reference[name][..60]),
            &sample(&current[name][..45]),
            Method::Automatic,
        );
        assert!(tested.exact);
        check_smirnov(name, tested, &golden[name]["ks_exact_first60_first45"]);
    }
}

fn check_binned(name: &str, binned: &Binned, want: &Value) {
    exact(&format!("{name} psi"), binned.population_stability_index(ZeroShare::USUAL), number(&want["psi"]));
    exact("kl", binned.divergence_of_current(ZeroShare::USUAL), number(&want["kl_cur_ref"]));
    exact("kl", binned.divergence_of_reference(ZeroShare::USUAL), number(&want["kl_ref_cur"]));
    exact("js", binned.jensen_shannon_distance_nats(), number(&want["js_distance_ln"]));
    exact("js", binned.jensen_shannon_distance_bits(), number(&want["js_distance_base2"]));
    exact("hellinger", binned.hellinger(), number(&want["hellinger"]));
    exact("tvd", binned.total_variation(), number(&want["tvd"]));
    exact("l-inf", binned.largest_difference(), number(&want["l_infinity"]));
}

#[test]
fn histograms_agree_with_numpy_and_scipy() {
    let (Some(golden), Some(samples)) = (golden("drift.json"), samples()) else { return };
    for (name, reference, current) in samples {
        let pooled = Sample::new([reference.values(), current.values()].concat()).unwrap();
        for (binning, edges) in [
            ("bins_ref_quantile10", Edges::quantiles(&reference, 10).unwrap()),
            ("bins_sturges_combined", Edges::sturges(&pooled).unwrap()),
            ("bins_doane_combined", Edges::doane(&pooled).unwrap()),
        ] {
            let want = &golden[name][binning];
            let (left, right) = (edges.count(reference.values()), edges.count(current.values()));
            assert_eq!(left.per_bin, counts(&want["ref_counts"]), "{name} {binning}");
            assert_eq!(right.per_bin, counts(&want["cur_counts"]), "{name} {binning}");
            check_binned(name, &Binned::new(&left.per_bin, &right.per_bin).unwrap(), want);
        }
    }
}

#[test]
fn categories_agree_with_scipy() {
    let Some(golden) = golden("drift.json") else { return };
    let want = &golden["cat"];
    let (reference, current) = (counts(&want["ref_counts"]), counts(&want["cur_counts"]));
    let pearson = chi_squared(&reference, &current).unwrap();
    exact("chi2", pearson.statistic, number(&want["chi2"]));
    exact("chi2 p", p(pearson.p_value), number(&want["p"]));
    assert_eq!(f64::from(pearson.df), number(&want["dof"]));
    exact("v", pearson.cramers_v, number(&want["cramers_v"]));
    let likelihood = g_test(&reference, &current).unwrap();
    exact("g", likelihood.statistic, number(&want["g_stat"]));
    exact("g p", p(likelihood.p_value), number(&want["g_p"]));
    check_binned("cat", &Binned::new(&reference, &current).unwrap(), want);
    let two = &want["two_by_two_ab"];
    let (top, bottom) = ([783, 606], [510, 440]);
    assert_eq!(counts(&two["table"][0]), top);
    let corrected = yates(top, bottom).unwrap();
    exact("yates", corrected.statistic, number(&two["chi2_yates"]));
    exact("yates p", p(corrected.p_value), number(&two["p_yates"]));
    exact("2x2 p", p(chi_squared(&top, &bottom).unwrap().p_value), number(&two["p"]));
    let fisher = fisher_exact(top, bottom);
    exact("odds", fisher.odds_ratio, number(&two["fisher_odds"]));
    exact("fisher p", p(fisher.p_value), number(&two["fisher_p"]));
}

/// Evidently's bins: one a value while the reference has at most 20, else Sturges over both; and its stand-in for zero.
fn evidently(reference: &Sample, current: &Sample) -> (Binned, ZeroShare) {
    let pooled = Sample::new([reference.values(), current.values()].concat()).unwrap();
    let edges = if reference.runs().count() > 20 {
        Edges::sturges(&pooled).unwrap()
    } else {
        Edges::per_value(&pooled)
    };
    let binned =
        Binned::new(&edges.count(reference.values()).per_bin, &edges.count(current.values()).per_bin)
            .unwrap();
    let zero = zero_of(&binned);
    (binned, zero)
}

/// Evidently fills each side by itself: 1e-4, or a millionth of the smallest share when that is at most 1e-4.
fn zero_of(binned: &Binned) -> ZeroShare {
    let smallest = binned.shares().iter().map(|(p, _)| *p).filter(|p| *p > 0.0).fold(1.0, f64::min);
    ZeroShare::new(if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 }).unwrap()
}

#[test]
fn scores_agree_with_evidently() {
    let (Some(golden), Some(samples)) = (golden("evidently_stattests.json"), samples()) else { return };
    for (name, reference, current) in samples {
        let score = |test: &str| number(&golden["values"][format!("{test}|{name}")]["score"]);
        exact("ks", p(kolmogorov_smirnov(&reference, &current, Method::Exact).p_value), score("ks"));
        check_cramer(p(cramer_von_mises(&reference, &current).unwrap().p_value), score("cramer_von_mises"));
        exact("t", p(student_t(&reference, &current).unwrap().p_value), score("t_test"));
        exact("es", p(epps_singleton(&reference, &current).unwrap().p_value), score("es"));
        let whitney = mann_whitney(&reference, &current, Alternative::CurrentLarger).unwrap();
        exact("mann-whitney", p(whitney.p_value), score("mannw"));
        let n = reference.len() as f64;
        let deviation = (reference.variance() * (n - 1.0) / n).sqrt();
        exact("wasserstein", wasserstein(&reference, &current) / deviation, score("wasserstein"));
        let (binned, zero) = evidently(&reference, &current);
        exact(&format!("{name} psi"), binned.population_stability_index(zero), score("psi"));
        exact("js", binned.jensen_shannon_distance_nats(), score("jensenshannon"));
        // For this one Evidently takes other bins where values repeat.
        if !["x_ties", "x_int"].contains(&name) {
            exact("hellinger", binned.hellinger(), score("hellinger"));
        }
        let anderson = anderson_darling(&reference, &current).unwrap();
        exact(&format!("{name} anderson"), table_p(anderson.statistic), score("anderson"));
        // The law behind the table: agrees with it where the table is a table.
        let law = p(anderson.p_value);
        if (0.0011..0.24).contains(&table_p(anderson.statistic)) {
            near("anderson law", law, score("anderson"), 0.1);
        }
    }
}

/// The p-value of scipy's table: a parabola through ln p at seven critical values, kept between 0.001 and 0.25.
fn table_p(statistic: f64) -> f64 {
    let levels: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
    let b0 = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
    let b1 = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
    let b2 = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];
    let critical: Vec<f64> = (0..7).map(|i| b0[i] + b1[i] + b2[i]).collect();
    if statistic < critical[0] {
        return 0.25;
    }
    if statistic > critical[6] {
        return 0.001;
    }
    // Least squares by the normal equations, about the middle.
    let mut system = [[0.0; 4]; 3];
    for (x, level) in critical.iter().zip(levels) {
        let powers = [1.0, x - 2.0, (x - 2.0) * (x - 2.0)];
        for i in 0..3 {
            for j in 0..3 {
                system[i][j] += powers[i] * powers[j];
            }
            system[i][3] += powers[i] * level.ln();
        }
    }
    for pivot in 0..3 {
        let row = system[pivot].map(|value| value / system[pivot][pivot]);
        system[pivot] = row;
        for other in (0..3).filter(|other| *other != pivot) {
            let factor = system[other][pivot];
            for column in 0..4 {
                system[other][column] -= factor * row[column];
            }
        }
    }
    let x = statistic - 2.0;
    (system[0][3] + system[1][3] * x + system[2][3] * x * x).exp()
}

#[test]
fn categories_agree_with_evidently_and_nannyml() {
    let (Some(golden), Some(evidently), Some(nannyml)) =
        (golden("drift.json"), golden("evidently_stattests.json"), golden("nannyml_univariate.json"))
    else {
        return;
    };
    let (reference, current) = (counts(&golden["cat"]["ref_counts"]), counts(&golden["cat"]["cur_counts"]));
    let binned = Binned::new(&reference, &current).unwrap();
    let score = |test: &str| number(&evidently["values"][format!("{test}|cat")]["score"]);
    exact("psi", binned.population_stability_index(zero_of(&binned)), score("psi"));
    exact("js", binned.jensen_shannon_distance_nats(), score("jensenshannon"));
    exact("hellinger", binned.hellinger(), score("hellinger"));
    let value = |method: &str| number(&nannyml["values"][format!("cat|{method}")]);
    exact("chi2", chi_squared(&reference, &current).unwrap().statistic, value("chi2"));
    exact("js", binned.jensen_shannon_distance_bits(), value("jensen_shannon"));
    exact("hellinger", binned.hellinger(), value("hellinger"));
    exact("l-inf", binned.largest_difference(), value("l_infinity"));
}

#[test]
fn values_agree_with_nannyml() {
    let (Some(golden), Some(samples)) = (golden("nannyml_univariate.json"), samples()) else { return };
    for (name, reference, current) in samples {
        let value = |method: &str| number(&golden["values"][format!("{name}|{method}")]);
        exact(
            "ks",
            kolmogorov_smirnov(&reference, &current, Method::Asymptotic).statistic,
            value("kolmogorov_smirnov"),
        );
        exact("wasserstein", wasserstein(&reference, &current), value("wasserstein"));
        let binned = nannyml_bins(&reference, &current);
        exact(&format!("{name} js"), binned.jensen_shannon_distance_bits(), value("jensen_shannon"));
        exact("hellinger", binned.hellinger(), value("hellinger"));
    }
}

#[test]
fn points_agree_with_numpy() {
    let (Some(golden), Some(table)) = (golden("mmd.json"), columns("mmd_points.csv")) else { return };
    let names: Vec<&String> = table.keys().filter(|name| name.as_str() != "set").collect();
    let of = |set: &str| {
        let mut values = Vec::new();
        for row in (0..table["set"].len()).filter(|row| table["set"][*row] == set) {
            values.extend(names.iter().map(|name| table[*name][row].parse::<f64>().unwrap()));
        }
        Points::new(values, names.len()).unwrap()
    };
    let (x, y) = (of("x"), of("y"));
    assert_eq!((x.len(), y.len()), (60, 50));
    for want in golden["results"].as_object().unwrap().values() {
        let got = mmd(&x, &y, Kernel::gaussian(number(&want["sigma"])).unwrap()).unwrap();
        exact("unbiased", got.unbiased, number(&want["mmd2_unbiased"]));
        exact("biased", got.biased, number(&want["mmd2_biased"]));
    }
    exact(
        "energy",
        energy_multivariate(&x, &y).unwrap(),
        number(&golden["energy_distance_multivariate_2ExyMinusExxMinusEyy"]),
    );
    exact(
        "median",
        median_distance(&x, &y).unwrap(),
        number(&golden["results"]["sigma_median_pairwise_euclid"]["sigma"]),
    );
}

fn cloud(seed: u64, count: usize, dimension: usize, shift: f64) -> Points {
    let mut random = cordon_stats::random::Random::new(seed);
    Points::new((0..count * dimension).map(|_| random.normal() + shift).collect(), dimension).unwrap()
}

#[test]
fn features_approximate_the_kernel() {
    for (dimension, shift) in [(8, 0.0), (8, 0.7), (20, 0.3), (64, 0.2)] {
        let (x, y) = (cloud(1, 200, dimension, 0.0), cloud(2, 150, dimension, shift));
        let kernel = Kernel::gaussian((dimension as f64).sqrt()).unwrap();
        let want = mmd(&x, &y, kernel).unwrap().biased;
        let features = Features::new(dimension, kernel, 2_000, 7).unwrap();
        assert_eq!(features.width(), 4_000);
        let got = features.mmd(&x, &y, 19, 1).unwrap().statistic;
        assert!((got - want).abs() < 0.1 * want, "{dimension} {shift}: {got} is not about {want}");
    }
}

#[test]
fn permutation_tests_keep_their_level_and_find_shifts() {
    let kernel = Kernel::gaussian(3.0).unwrap();
    let features = Features::new(6, kernel, 32, 3).unwrap();
    // 300 pairs from one law: at 5 %, 15 are expected; 30 would be four standard deviations more.
    let flagged = |test: &dyn Fn(&Points, &Points, u64) -> PValue| {
        let pair = |seed: u64| (cloud(seed, 24, 6, 0.0), cloud(seed + 7_000, 18, 6, 0.0));
        (0..300_u64).filter(|seed| test(&pair(*seed).0, &pair(*seed).1, *seed).at_most(0.05)).count()
    };
    let by_pairs = flagged(&|x, y, seed| mmd_permutation(x, y, kernel, 99, seed).unwrap().p_value);
    let by_features = flagged(&|x, y, seed| features.mmd(x, y, 99, seed).unwrap().p_value);
    assert!(
        (3..=29).contains(&by_pairs) && (3..=29).contains(&by_features),
        "{by_pairs} and {by_features} of 300"
    );
    let (x, y) = (cloud(1, 120, 6, 0.0), cloud(2, 90, 6, 0.8));
    assert_eq!(p(mmd_permutation(&x, &y, kernel, 199, 5).unwrap().p_value), 0.005);
    assert_eq!(p(features.mmd(&x, &y, 199, 5).unwrap().p_value), 0.005);
    assert!(mmd_permutation(&cloud(1, 2_000, 2, 0.0), &cloud(2, 1_001, 2, 0.0), kernel, 9, 1).is_err());
}

#[test]
fn equal_points_are_no_evidence() {
    for (m, n) in [(60, 90), (7, 20), (41, 43)] {
        let points = |count: usize| Points::new([0.3, 0.7].repeat(count), 2).unwrap();
        let same = mmd_permutation(&points(m), &points(n), Kernel::gaussian(0.9).unwrap(), 199, 3).unwrap();
        assert!(same.statistic >= 0.0 && !same.p_value.at_most(0.999), "{same:?}");
    }
}

#[test]
fn unfit_input_is_refused_with_its_reason() {
    use cordon_stats::InputError;
    assert!(matches!(Sample::new(Vec::new()), Err(InputError::TooFew { .. })));
    assert_eq!(Sample::new(vec![1.0, f64::NAN]), Err(InputError::NotFinite { what: "sample", index: 1 }));
    let constant = Sample::new(vec![3.0; 20]).unwrap();
    for refused in [
        welch_t(&constant, &constant).err(),
        mann_whitney(&constant, &constant, Alternative::Different).err(),
        anderson_darling(&constant, &constant).err(),
        epps_singleton(&constant, &constant).err(),
    ] {
        assert!(matches!(refused, Some(InputError::Constant { .. })), "{refused:?}");
    }
    assert_eq!(kolmogorov_smirnov(&constant, &constant, Method::Automatic).statistic, 0.0);
    assert_eq!(p(kolmogorov_smirnov(&constant, &constant, Method::Automatic).p_value), 1.0);
    assert!(matches!(Binned::new(&[1, 2], &[1]), Err(InputError::Lengths { .. })));
    assert!(matches!(Binned::new(&[0, 0], &[1, 1]), Err(InputError::TooFew { .. })));
    assert!(matches!(chi_squared(&[5], &[7]), Err(InputError::TooFew { .. })));
    assert!(Points::new(vec![1.0, 2.0, 3.0], 2).is_err() && Kernel::gaussian(0.0).is_err());
    // Far apart: what underflows is said to be small, not zero.
    let far = chi_squared(&[1_000_000, 0], &[0, 1_000_000]).unwrap();
    assert_eq!(far.p_value.to_string(), "< 2.3e-308");
}

/// A million million rows: from the first to the last table this would not end.
#[test]
fn huge_tables_have_an_exact_test() {
    let half = 1_u64 << 38;
    let p = |off: u64| fisher_exact([half + off, half - off], [half - off, half + off]).p_value.upper_bound();
    assert_eq!(p(0), 1.0);
    // Two standard deviations: the root of half. The normal law is as good as exact here.
    let off = 1_u64 << 19;
    near("p", p(off), 0.045_500_26, 1e-4);
}
