//! Fairness of groups against Fairlearn, AIF360 and scikit-learn.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::fairness::thresholds::{Constraint, Search, optimise};
use cordon_stats::fairness::{Gap, Groups, Limits, Rate, Tally};
use cordon_stats::interval::{Estimate, Level, Unknown};
use cordon_stats::performance::{Confusion, Index, scores};
use serde_json::Value;
use support::{columns, exact, golden, number, numbers};

/// A data set of people with the numbers of their groups by the columns asked for.
struct People {
    labels: Vec<bool>,
    decisions: Vec<bool>,
    scores: Vec<f64>,
    groups: Groups,
    of: Vec<usize>,
}

fn people(name: &str, by: &str) -> Option<People> {
    let data = columns(&format!("fair_{name}.csv"))?;
    let yes = |column: &str| data[column].iter().map(|cell| cell == "1").collect::<Vec<bool>>();
    let by: Vec<&Vec<String>> = by.split('*').map(|column| &data[column]).collect();
    let mut groups = Groups::new(by.len());
    let mut of = Vec::new();
    for row in 0..data["y_true"].len() {
        let values: Vec<&str> = by.iter().map(|column| column[row].as_str()).collect();
        of.push(groups.number(&values).unwrap());
    }
    Some(People {
        labels: yes("y_true"),
        decisions: yes("y_pred"),
        scores: numbers(&data["score"]),
        groups,
        of,
    })
}

impl People {
    fn tally(&self) -> Tally {
        let mut tally = Tally::new(self.groups.len());
        let rows = self.of.iter().zip(&self.labels).zip(&self.decisions);
        rows.for_each(|((group, label), decision)| tally.push(*group, *label, *decision));
        tally
    }

    fn name(&self, group: usize) -> String {
        self.groups.name(group).unwrap().join("|")
    }

    fn number(&self, name: &str) -> usize {
        (0..self.groups.len()).find(|group| self.name(*group) == name).unwrap()
    }
}

const SETS: [(&str, &[&str]); 2] = [
    ("german", &["sex", "age_group", "sex*age_group"]),
    ("adult", &["sex", "age_group", "race", "sex*age_group"]),
];

/// Rates by Fairlearn's names.
const RATES: [(&str, Rate); 6] = [
    ("selection_rate", Rate::Selection),
    ("tpr", Rate::Recall),
    ("fpr", Rate::FalsePositive),
    ("fnr", Rate::FalseNegative),
    ("tnr", Rate::Specificity),
    ("accuracy", Rate::Accuracy),
];

/// A difference of rates: the last digits of a number near zero are those of the rates that it is made of.
fn difference(what: &str, got: f64, want: f64) {
    assert!(
        (got - want).abs() <= 1e-9 * want.abs().max(1e-3),
        "{what}: {got:e}, the reference says {want:e}"
    );
}

fn check_gap(what: &str, gap: &Gap, want: &Value, name: &str) {
    difference(what, gap.difference.value, number(&want["difference_between_groups"][name]));
    difference(what, gap.to_overall, number(&want["difference_to_overall"][name]));
    exact(what, gap.ratio.unwrap().value, number(&want["ratio_between_groups"][name]));
    let inside = |e: &Estimate| e.low <= e.value && e.value <= e.high && e.low < e.high;
    assert!(inside(&gap.difference) && inside(&gap.ratio.unwrap()), "{what}: {gap:?}");
}

#[test]
fn groups_agree_with_fairlearn() {
    let Some(golden) = golden("fairness.json") else { return };
    for (set, columns) in SETS {
        for by in columns {
            let Some(people) = people(set, by) else { return };
            let (tally, want) = (people.tally(), &golden[set][by]);
            for (name, rate) in RATES {
                let what = format!("{set} {by} {name}");
                for (group, counts) in tally.groups().iter().enumerate() {
                    let want = &want["by_group"][people.name(group)];
                    exact(&what, counts.rate(rate).value().unwrap(), number(&want[name]));
                    assert_eq!(counts.n() as f64, number(&want["count"]));
                }
                check_gap(&what, &tally.gap(rate, Limits::default()).unwrap(), want, name);
            }
            let selection = tally.gap(Rate::Selection, Limits::default()).unwrap();
            difference("parity", selection.difference.value, number(&want["demographic_parity_difference"]));
            exact("parity", selection.ratio.unwrap().value, number(&want["demographic_parity_ratio"]));
            let odds = tally.equalized_odds(Limits::default()).unwrap();
            difference("odds", odds.worst_difference.value, number(&want["equalized_odds_difference_worst"]));
            difference("odds", odds.mean_difference, number(&want["equalized_odds_difference_mean"]));
            exact("odds", odds.worst_ratio.unwrap().value, number(&want["equalized_odds_ratio"]));
            difference(
                "opportunity",
                odds.recall.difference.value,
                number(&want["equal_opportunity_difference"]),
            );
            exact("opportunity", odds.recall.ratio.unwrap().value, number(&want["equal_opportunity_ratio"]));
        }
    }
}

#[test]
fn scores_by_group_agree_with_scikit_learn() {
    let Some(golden) = golden("fairness.json") else { return };
    let value = |e: Result<Estimate, Unknown>| e.unwrap().value;
    for (set, columns) in SETS {
        for by in columns {
            let Some(people) = people(set, by) else { return };
            for (group, counts) in people.tally().groups().iter().enumerate() {
                let want = &golden[set][by]["score_metrics_by_group"][people.name(group)];
                let rows = || {
                    people
                        .of
                        .iter()
                        .zip(people.scores.iter().zip(&people.labels))
                        .filter(|row| *row.0 == group)
                };
                let (scores, labels): (Vec<f64>, Vec<bool>) =
                    rows().map(|(_, (score, label))| (*score, *label)).unzip();
                let report = scores::report(&scores, &labels, Level::P95);
                exact("auc", value(report.auc), number(&want["roc_auc"]));
                exact(
                    "average precision",
                    value(report.average_precision),
                    number(&want["average_precision"]),
                );
                exact("brier", value(report.brier), number(&want["brier"]));
                exact("log loss", value(report.log_loss), number(&want["log_loss"]));
                exact(
                    "ece",
                    value(report.reliability.unwrap().expected_error(Level::P95)),
                    number(&want["ece"]),
                );
                for index in [Index::F1, Index::Mcc, Index::Kappa, Index::BalancedAccuracy] {
                    exact(index.name(), value(counts.index(index, Level::P95)), number(&want[index.name()]));
                }
            }
        }
    }
}

#[test]
fn indices_agree_with_aif360() {
    let Some(golden) = golden("fairness.json") else { return };
    for (set, _) in SETS {
        let Some(people) = people(set, "sex") else { return };
        let (tally, want) = (people.tally(), &golden[set]["aif360_sex"]);
        let privileged = people.number(want["privileged"].as_str().unwrap());
        let (own, other) = (tally.groups()[privileged], tally.groups()[1 - privileged]);
        let minus = |rate: Rate| other.rate(rate).minus(own.rate(rate), Level::P95).unwrap().value;
        let check = |name: &str, got: f64| difference(&format!("{set} {name}"), got, number(&want[name]));
        check("statistical_parity_difference", minus(Rate::Selection));
        check("data_statistical_parity_difference", minus(Rate::Base));
        check("equal_opportunity_difference", minus(Rate::Recall));
        check("error_rate_difference", -minus(Rate::Accuracy));
        check("average_odds_difference", f64::midpoint(minus(Rate::Recall), minus(Rate::FalsePositive)));
        let absolute = f64::midpoint(minus(Rate::Recall).abs(), minus(Rate::FalsePositive).abs());
        check("average_abs_odds_difference", absolute);
        let [(_, impact)] = tally.disparate_impact(privileged, Level::P95)[..] else { panic!("two groups") };
        check("disparate_impact", impact.unwrap().value);
        let labels = other.rate(Rate::Base).over(own.rate(Rate::Base), Level::P95).unwrap();
        check("data_disparate_impact", labels.value);
        check("theil_index", tally.entropy_index(1.0).unwrap());
        check("generalized_entropy_index_alpha2", tally.entropy_index(2.0).unwrap());
        check("between_group_theil_index", tally.entropy_between(1.0).unwrap());
        check("coefficient_of_variation", (2.0 * tally.entropy_index(2.0).unwrap()).sqrt());
        let (labels, decisions) = (
            tally.differential_fairness(Rate::Base).unwrap(),
            tally.differential_fairness(Rate::Selection).unwrap(),
        );
        check("smoothed_edf_labels", labels);
        check("differential_fairness_bias_amplification", decisions - labels);
        let weights = tally.reweighing().by_group;
        for (prefix, (favourable, unfavourable)) in
            [("priv", weights[privileged]), ("unpriv", weights[1 - privileged])]
        {
            exact("reweighing", favourable.unwrap(), number(&want["reweighing"][format!("w_{prefix}_fav")]));
            exact(
                "reweighing",
                unfavourable.unwrap(),
                number(&want["reweighing"][format!("w_{prefix}_unfav")]),
            );
        }
    }
}

/// Expected accuracy and rates; the thresholds themselves are not compared, since several can have the same rates.
#[test]
fn thresholds_agree_with_fairlearn() {
    let Some(golden) = golden("fairness.json") else { return };
    for (set, _) in SETS {
        let Some(people) = people(set, "sex") else { return };
        for (name, constraint) in [
            ("demographic_parity", Constraint::DemographicParity),
            ("equalized_odds", Constraint::EqualizedOdds),
            ("true_positive_rate_parity", Constraint::EqualOpportunity),
            ("false_positive_rate_parity", Constraint::FalsePositiveParity),
        ] {
            let want = &golden[set]["threshold_optimizer"][name];
            let of =
                |search| optimise(&people.scores, &people.labels, &people.of, constraint, search).unwrap();
            let policy = of(Search::Grid(1000));
            exact(&format!("{set} {name}"), policy.accuracy, number(&want["expected_accuracy"]));
            for (group, outcome) in policy.outcomes.iter().enumerate() {
                let group = people.name(group);
                exact(name, outcome.selection, number(&want["expected_selection_rate"][&group]));
                exact(name, outcome.true_positive, number(&want["expected_tpr"][&group]));
                exact(name, outcome.false_positive, number(&want["expected_fpr"][&group]));
            }
            assert!(of(Search::Exact).accuracy >= policy.accuracy - 1e-12);
        }
    }
}

/// The overall counts of every way of grouping are the same rows.
#[test]
fn every_grouping_holds_all_rows() {
    for (set, columns) in SETS {
        let totals: Vec<Confusion> =
            columns.iter().filter_map(|by| Some(people(set, by)?.tally().total())).collect();
        assert!(totals.windows(2).all(|pair| pair[0] == pair[1]));
        let Some(people) = people(set, "sex*age_group") else { return };
        let (values, of) = people.groups.margin(0).unwrap();
        assert_eq!((people.tally().joined(&of).total(), values.len()), (totals[0], 2));
    }
}
