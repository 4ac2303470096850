//! Metrics of performance against scikit-learn and scipy, and performance without labels against NannyML.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::calibration::{Isotonic, Metric, expected};
use cordon_stats::interval::{Estimate, Level};
use cordon_stats::performance::{
    Average, Classes, Confusion, Index, Rate, probabilities, regression, scores,
};
use serde_json::Value;
use support::{columns, exact, golden, near, number, numbers};

fn yes(column: &[String]) -> Vec<bool> {
    column.iter().map(|cell| cell == "1").collect()
}

fn value(estimate: Result<Estimate, cordon_stats::interval::Unknown>) -> f64 {
    estimate.unwrap().value
}

#[test]
fn decisions_and_scores_agree_with_scikit_learn() {
    let Some(golden) = golden("fairness.json") else { return };
    for name in ["german", "adult"] {
        let Some(data) = columns(&format!("fair_{name}.csv")) else { return };
        let want = &golden[name]["overall"];
        let (labels, decisions) = (yes(&data["y_true"]), yes(&data["y_pred"]));
        let mut counts = Confusion::default();
        labels.iter().zip(&decisions).for_each(|(label, decision)| counts.push(*label, *decision));
        let cells =
            [counts.true_positives, counts.false_positives, counts.true_negatives, counts.false_negatives];
        assert_eq!(cells.map(Some), ["tp", "fp", "tn", "fn"].map(|cell| want[cell].as_u64()));
        for (key, rate) in
            [("accuracy", Rate::Accuracy), ("precision", Rate::Precision), ("recall", Rate::Recall)]
        {
            exact(key, counts.rate(rate).value().unwrap(), number(&want[key]));
        }
        for index in [Index::BalancedAccuracy, Index::F1, Index::Kappa, Index::Mcc] {
            exact(index.name(), value(counts.index(index, Level::P95)), number(&want[index.name()]));
        }
        let report = scores::report(&numbers(&data["score"]), &labels, Level::P95);
        let auc = value(report.auc);
        exact("auc", auc, number(&want["roc_auc"]));
        exact("gini", 2.0 * auc - 1.0, number(&want["gini"]));
        exact("ap", value(report.average_precision), number(&want["average_precision"]));
        exact("ks", report.separation.unwrap(), number(&want["ks_score_separation"]));
        exact("brier", value(report.brier), number(&want["brier"]));
        exact("log loss", value(report.log_loss), number(&want["log_loss"]));
        let reliability = report.reliability.unwrap();
        exact("ece", value(reliability.expected_error(Level::P95)), number(&want["ece"]));
        exact("mce", reliability.largest_error().unwrap(), number(&want["mce"]));
    }
}

#[test]
fn classes_agree_with_scikit_learn() {
    let (Some(golden), Some(data)) = (golden("performance.json"), columns("wine_multiclass.csv")) else {
        return;
    };
    let want = &golden["wine"];
    let class = |name: &str| -> Vec<usize> { data[name].iter().map(|cell| cell.parse().unwrap()).collect() };
    let (labels, predictions) = (class("y"), class("pred"));
    let mut classes = Classes::new(3).unwrap();
    labels
        .iter()
        .zip(&predictions)
        .for_each(|(label, prediction)| assert!(classes.push(*label, *prediction)));
    exact("accuracy", classes.accuracy().value().unwrap(), number(&want["accuracy"]));
    for (key, average) in
        [("f1_macro", Average::Macro), ("f1_micro", Average::Micro), ("f1_weighted", Average::Weighted)]
    {
        exact(key, value(classes.mean_f1(average, Level::P95)), number(&want[key]));
    }
    exact(
        "precision",
        value(classes.mean_precision(Average::Macro, Level::P95)),
        number(&want["precision_macro"]),
    );
    exact("recall", value(classes.mean_recall(Average::Macro, Level::P95)), number(&want["recall_macro"]));
    exact("mcc", value(classes.mcc(Level::P95)), number(&want["mcc"]));
    let of = ["p0", "p1", "p2"].map(|name| numbers(&data[name]));
    let rows: Vec<[f64; 3]> = (0..labels.len()).map(|row| [of[0][row], of[1][row], of[2][row]]).collect();
    let slices: Vec<&[f64]> = rows.iter().map(|row| row.as_slice()).collect();
    let report = probabilities::report(&slices, &labels, 3, Level::P95);
    exact("log loss", value(report.log_loss), number(&want["log_loss"]));
    exact("brier", value(report.brier), number(&want["brier_multiclass_sum"]));
    exact("one to rest", value(report.auc_one_to_rest), number(&want["roc_auc_ovr_macro"]));
    exact("one to one", report.auc_one_to_one.unwrap(), number(&want["roc_auc_ovo_macro"]));
    assert!(report.among_likeliest[2].value() == Some(1.0));
}

#[test]
fn regression_agrees_with_scikit_learn_and_scipy() {
    let (Some(golden), Some(data)) = (golden("performance.json"), columns("diabetes_regression.csv")) else {
        return;
    };
    let want = |key: &str| number(&golden["diabetes"][key]);
    let (values, predictions) = (numbers(&data["y"]), numbers(&data["pred"]));
    let report = regression::report(&values, &predictions, Level::P95).unwrap();
    exact("mae", report.mean_absolute.value, want("mae"));
    exact("mse", report.mean_squared.value, want("mse"));
    exact("rmse", report.root_mean_squared.value, want("rmse"));
    exact("mape", report.mean_relative.unwrap().value, want("mape"));
    exact("msle", report.mean_squared_log.unwrap().value, want("msle"));
    exact("r2", report.r_squared.unwrap(), want("r2"));
    exact("explained variance", report.explained_variance.unwrap(), want("explained_variance"));
    exact("median", report.median_absolute, want("median_ae"));
    exact("max", report.largest, want("max_error"));
    exact("pearson", value(report.pearson), want("pearson"));
    exact("spearman", value(report.spearman), want("spearman"));
    exact("kendall", value(report.kendall), want("kendall"));
    let pinball = regression::pinball(&values, &predictions, 0.9, Level::P95).unwrap();
    exact("pinball", pinball.value, want("pinball_0_9"));
}

/// A chunk of 500 analysis rows.
struct Chunk {
    at: usize,
    scores: Vec<f64>,
    decisions: Vec<bool>,
    labels: Vec<bool>,
}

fn chunks() -> Option<Vec<Chunk>> {
    let data = columns("cbpe_analysis.csv")?;
    let (scores, decisions, labels) = (numbers(&data["score"]), yes(&data["y_pred"]), yes(&data["y_true"]));
    let chunk = |at: usize| {
        let rows = at * 500..(at + 1) * 500;
        Chunk {
            at,
            scores: scores[rows.clone()].to_vec(),
            decisions: decisions[rows.clone()].to_vec(),
            labels: labels[rows].to_vec(),
        }
    };
    Some((0..scores.len() / 500).map(chunk).collect())
}

/// Counts and what follows from them agree exactly. For the two metrics of ranking NannyML rounds cumulative counts to
/// five decimals (1e-7), and for average precision takes rows of equal score one by one in the order in which they stand,
/// where ours does not depend on the order (1e-5).
fn check_estimates(expected: &cordon_stats::calibration::Expected, want: impl Fn(&str) -> Value) {
    for metric in Metric::ALL {
        let bound = match metric {
            Metric::Auc => 1e-7,
            Metric::AveragePrecision => 1e-5,
            _ => 1e-9,
        };
        near(metric.name(), expected.metric(metric).unwrap().value, number(&want(metric.name())), bound);
    }
    let counts = ["true_positive", "false_positive", "true_negative", "false_negative"];
    for (got, name) in expected.counts().into_iter().zip(counts) {
        exact(name, got, number(&want(name)));
    }
}

#[test]
fn estimates_without_labels_agree_with_nannyml() {
    let (Some(golden), Some(chunks)) = (golden("cbpe.json"), chunks()) else { return };
    for Chunk { at, scores, decisions, labels } in chunks {
        let expected = expected(&scores, &scores, &decisions, Level::P95).unwrap();
        check_estimates(&expected, |name| golden["nannyml_calibration_disabled"][name][at].clone());
        let closed = &golden["closed_form_uncalibrated"][at];
        for (metric, name) in [(Metric::Accuracy, "accuracy"), (Metric::F1, "f1"), (Metric::Recall, "recall")]
        {
            exact(name, expected.metric(metric).unwrap().value, number(&closed[name]));
        }
        let realised = scores::report(&scores, &labels, Level::P95);
        exact("realised", value(realised.auc), number(&golden["realised"][at]["roc_auc"]));
        assert!(expected.surprise(Metric::Auc, value(realised.auc)).unwrap() < 1.5);
    }
}

#[test]
fn calibrated_estimates_agree_with_nannyml() {
    let (Some(golden), Some(chunks), Some(reference)) =
        (golden("cbpe.json"), chunks(), columns("cbpe_reference.csv"))
    else {
        return;
    };
    let map = Isotonic::fit(&numbers(&reference["score"]), &yes(&reference["y_true"])).unwrap();
    let want = golden["calibrated_score_analysis_first200"].as_array().unwrap();
    for (score, want) in chunks[0].scores.iter().zip(want) {
        exact(&format!("probability of {score}"), map.probability(*score), number(want));
    }
    for Chunk { at, scores, decisions, .. } in chunks {
        let probabilities: Vec<f64> = scores.iter().map(|score| map.probability(*score)).collect();
        let expected = expected(&scores, &probabilities, &decisions, Level::P95).unwrap();
        check_estimates(&expected, |name| golden["nannyml"][name]["value"][at].clone());
    }
}
