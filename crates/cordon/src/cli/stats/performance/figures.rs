//! The metrics of each kind of prediction, by name.

use std::collections::BTreeMap;

use cordon_stats::{
    interval::{Estimate, Level, Unknown},
    performance::{Average, Classes, Confusion, Index, Rate, regression, scores},
};

use super::{
    super::StatsError,
    rows::{Row, Rows, Task, Value},
};

/// A metric with its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// Where there is no interval both ends are the value.
    pub(super) told: Result<Estimate, Unknown>,
}

impl Figure {
    pub(super) fn value(&self) -> Option<f64> {
        self.told.ok().map(|e| e.value)
    }

    fn plain(name: &'static str, value: Option<f64>, n: u64) -> Self {
        let told = value.map(|value| Estimate { value, low: value, high: value, n }).ok_or(Unknown::Empty);
        Self { name, told }
    }
}

/// Every metric of rows that have labels.
pub(super) fn figures(task: Task, rows: &Rows, level: Level) -> Result<Vec<Figure>, StatsError> {
    let labelled = || rows.rows.iter().filter(|row| row.label != Value::Missing);
    let nothing = |what: &str| {
        StatsError::Told(format!(
            "no row has a label and a prediction that are {what}; help: say what they are with --task"
        ))
    };
    match task {
        Task::Classes => of_classes(labelled(), level).ok_or_else(|| nothing("of at most 2,000 classes")),
        Task::Numbers => of_numbers(labelled(), level).map_err(|why| match why {
            // Each number is finite: their squares are not.
            Unknown::NotFinite => StatsError::Told(
                "the square of an error is beyond what a number can hold; help: is a label or prediction a stand-in such as 1e200?"
                    .to_owned(),
            ),
            _ => nothing("finite numbers, two rows at least"),
        }),
        // Lists are measured as they are read.
        Task::Ranking => Ok(Vec::new()),
        Task::YesNo => of_yes(labelled(), level).ok_or_else(|| nothing("yes or no (1 or true, 0 or false)")),
    }
}

fn of_yes<'a>(rows: impl Iterator<Item = &'a Row>, level: Level) -> Option<Vec<Figure>> {
    let mut counts = Confusion::default();
    let (mut all_scores, mut labels) = (Vec::new(), Vec::new());
    for row in rows {
        let (Some(label), Some(decision)) = (row.label.yes(), row.prediction.yes()) else { continue };
        counts.push(label, decision);
        if let Some(score) = row.score {
            all_scores.push(score);
            labels.push(label);
        }
    }
    if counts.n() == 0 {
        return None;
    }
    let mut figures: Vec<Figure> = Rate::ALL
        .into_iter()
        .map(|rate| Figure { name: rate.name(), told: counts.rate(rate).wilson(level) })
        .chain(
            Index::ALL
                .into_iter()
                .map(|index| Figure { name: index.name(), told: counts.index(index, level) }),
        )
        .collect();
    if !all_scores.is_empty() {
        let report = scores::report(&all_scores, &labels, level);
        let n = labels.len() as u64;
        figures.extend([
            Figure { name: "roc_auc", told: report.auc },
            Figure { name: "average_precision", told: report.average_precision },
            Figure::plain("ks_separation", report.separation.ok(), n),
        ]);
        if let Ok(reliability) = report.reliability {
            figures.extend([
                Figure { name: "brier", told: report.brier },
                Figure { name: "log_loss", told: report.log_loss },
                Figure { name: "expected_calibration_error", told: reliability.expected_error(level) },
                Figure::plain("calibration_error_if_perfect", Some(reliability.floor()), n),
            ]);
        }
    }
    Some(figures)
}

fn of_classes<'a>(rows: impl Iterator<Item = &'a Row>, level: Level) -> Option<Vec<Figure>> {
    // A class is a word or a number; both sides count, whichever names it first.
    let mut known: BTreeMap<(bool, u64), usize> = BTreeMap::new();
    let mut number = |value: Value| {
        let key = match value {
            Value::Missing => return None,
            Value::Number(value) => (false, (value + 0.0).to_bits()),
            Value::Word(word) => (true, u64::from(word)),
        };
        let next = known.len();
        Some(*known.entry(key).or_insert(next))
    };
    let pairs: Vec<(usize, usize)> =
        rows.filter_map(|row| Some((number(row.label)?, number(row.prediction)?))).collect();
    let mut classes = Classes::new(known.len())?;
    for (label, prediction) in &pairs {
        classes.push(*label, *prediction);
    }
    let mut figures = vec![Figure { name: "accuracy", told: classes.accuracy().wilson(level) }];
    for (average, precision, recall, f1) in [
        (Average::Macro, "precision_macro", "recall_macro", "f1_macro"),
        (Average::Weighted, "precision_weighted", "recall_weighted", "f1_weighted"),
    ] {
        figures.extend([
            Figure { name: precision, told: classes.mean_precision(average, level) },
            Figure { name: recall, told: classes.mean_recall(average, level) },
            Figure { name: f1, told: classes.mean_f1(average, level) },
        ]);
    }
    figures.extend([
        Figure { name: "mcc", told: classes.mcc(level) },
        Figure { name: "cohen_kappa", told: classes.kappa(level) },
    ]);
    Some(figures)
}

fn of_numbers<'a>(rows: impl Iterator<Item = &'a Row>, level: Level) -> Result<Vec<Figure>, Unknown> {
    let (values, predictions): (Vec<f64>, Vec<f64>) =
        rows.filter_map(|row| Some((row.label.number()?, row.prediction.number()?))).unzip();
    let report = regression::report(&values, &predictions, level)?;
    let n = values.len() as u64;
    Ok(vec![
        Figure { name: "mean_absolute_error", told: Ok(report.mean_absolute) },
        Figure { name: "root_mean_squared_error", told: Ok(report.root_mean_squared) },
        Figure { name: "mean_squared_error", told: Ok(report.mean_squared) },
        Figure { name: "bias", told: Ok(report.bias) },
        Figure { name: "mean_relative_error", told: report.mean_relative.ok_or(Unknown::Empty) },
        or_plain("median_absolute_error", report.median_absolute_told, Some(report.median_absolute), n),
        Figure::plain("largest_error", Some(report.largest), n),
        or_plain("r_squared", report.r_squared_told, report.r_squared, n),
        or_plain("explained_variance", report.explained_told, report.explained_variance, n),
        Figure { name: "pearson", told: report.pearson },
        Figure { name: "spearman", told: report.spearman },
        Figure { name: "kendall", told: report.kendall },
    ])
}

/// A metric with its interval, or alone where there are too few rows for one.
fn or_plain(name: &'static str, told: Result<Estimate, Unknown>, value: Option<f64>, n: u64) -> Figure {
    if told.is_ok() { Figure { name, told } } else { Figure::plain(name, value, n) }
}
