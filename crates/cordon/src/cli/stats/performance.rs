//! `performance`: how good predictions are, with intervals; with labels that came later, or before they come.

mod compare;
mod figures;
mod rows;
mod told;

use std::path::PathBuf;

use clap::Args;
use cordon_stats::{
    calibration::{Expected, Isotonic, Metric, expected_by},
    interval::Level,
};
use serde::Serialize;

use self::{
    figures::{Figure, figures},
    rows::{Joined, Rows, Task},
};
use super::super::json;
use super::outcomes::{Meaning, Told, level, short, shown};
use super::report::Look;
use super::{Reading, Said, StatsError, share, warn};

pub(in super::super) const PERFORMANCE: &str = "\
Examples:
  cordon performance scored.csv --label churned --prediction score --threshold 0.5
  cordon performance today.parquet --label y --prediction y_hat --at-least f1_macro=0.9
  cordon performance sent.jsonl --prediction approved --labels repaid.csv --id loan --label repaid --time day
  cordon performance today.csv --prediction score --threshold 0.5 --reference labelled.csv --label y
  cordon performance today.csv --prediction new --against old --label y
  cordon performance today.csv --prediction y_hat --label y --compare last_week.csv --margin 0.01
  cordon performance scored.csv --label churned --prediction score --threshold 0.5 --html performance.html

Labels of 0 and 1, true and false, or --positive are answers of yes or no; numbers with fractions or with many values are numbers; all
else are classes. With --reference the labels of that table calibrate the scores, and the performance on FILE is estimated without its
labels; where it has them the realised one stands beside. See docs/statistics.md.

Exit code: 0 no limit is broken, 1 one is, by its whole interval, or a comparison is lost, 2 a table cannot be read, or no limit is broken and one cannot be judged.";

#[derive(Args)]
pub(in super::super) struct PerformanceArgs {
    /// A table in CSV, JSON lines or Parquet, one row for each prediction.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column with what was predicted, or with scores (--threshold).
    #[arg(long, value_name = "COLUMN")]
    prediction: String,
    /// The column with what was true.
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// The column with probabilities of yes, where predictions are decisions.
    #[arg(long, value_name = "COLUMN", conflicts_with = "threshold")]
    score: Option<String>,
    /// The labels are in this table, and came later.
    #[arg(long, value_name = "FILE", requires = "id", conflicts_with = "reference")]
    labels: Option<PathBuf>,
    /// The column by which both tables name a row.
    #[arg(long, value_name = "COLUMN", requires = "labels")]
    id: Option<String>,
    /// The column with the time of the prediction, and of its label: a date, or seconds.
    #[arg(long, value_name = "COLUMN", requires = "labels")]
    time: Option<String>,
    /// A labelled table that calibrates the scores: performance is then estimated without labels.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Another table with the same columns, such as last week's: is this one worse? By a test that may be looked at after every row.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["labels", "reference", "against"])]
    compare: Option<PathBuf>,
    /// The column with another model's predictions of the same rows: is the one of --prediction worse?
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["labels", "reference"])]
    against: Option<String>,
    /// With --compare or --against: a mean loss (from 0 to 1) that is higher by this much is not worse yet.
    #[arg(long, default_value = "0", value_name = "LOSS", value_parser = share)]
    margin: f64,
    /// With --compare or --against, of numbers: an error of this size is as bad as it gets.
    #[arg(long, value_name = "NUMBER")]
    largest_error: Option<f64>,
    /// What predictions are: yes-no, classes or numbers. Found out where it is not said.
    #[arg(long, value_enum, value_name = "KIND")]
    task: Option<Task>,
    /// A metric must not be below this; may come several times.
    #[arg(long, value_name = "METRIC=VALUE", value_parser = bound)]
    at_least: Vec<(String, f64)>,
    /// A metric must not be above this; may come several times.
    #[arg(long, value_name = "METRIC=VALUE", value_parser = bound)]
    at_most: Vec<(String, f64)>,
    /// The confidence of every interval.
    #[arg(long, default_value = "0.95", value_name = "SHARE", value_parser = level)]
    confidence: Level,
    #[command(flatten)]
    meaning: Meaning,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

fn bound(text: &str) -> Result<(String, f64), String> {
    let number = |value: &str| value.parse().ok().filter(|value: &f64| value.is_finite());
    let parts = text.split_once('=').and_then(|(name, value)| Some((name.to_owned(), number(value)?)));
    parts.ok_or_else(|| "a metric and a number are expected, such as `recall=0.8`".to_owned())
}

#[derive(Serialize)]
struct Answer {
    file: String,
    rows: u64,
    left_out: Vec<String>,
    without_label: u64,
    without_prediction: u64,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<Late>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<Estimated>,
    metrics: Vec<Measured>,
    breaches: Vec<String>,
    /// Limits that these rows cannot judge.
    undecided: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_left_out: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Late {
    predictions: u64,
    labelled: u64,
    coverage: Told,
    repeated_predictions: u64,
    repeated_labels: u64,
    unknown_labels: u64,
    beyond_capacity: u64,
    predictions_without_id: u64,
    labels_without_id: u64,
    left_out: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_median: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_p90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_longest: Option<f64>,
    labels_before_prediction: u64,
}

#[derive(Serialize)]
struct Measured {
    metric: &'static str,
    #[serde(flatten)]
    told: Told,
}

#[derive(Serialize)]
struct Estimated {
    metric: &'static str,
    #[serde(flatten)]
    told: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    realised: Option<f64>,
    /// Distance of the realised one in half-widths of the interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    surprise: Option<f64>,
}

/// What was measured.
struct Measure {
    task: Option<Task>,
    figures: Vec<Figure>,
    expected: Option<Foreseen>,
    /// Rows of the table that calibrates.
    reference: Option<u64>,
}

/// A limit that is broken.
struct Breach {
    metric: String,
    sentence: String,
}

/// Performance without labels.
struct Foreseen {
    all: Expected,
    /// Of the rows that have a label after all: what the realised one is compared with.
    labelled: Option<Expected>,
    reference_left_out: Vec<String>,
}

pub(super) fn run(args: &PerformanceArgs) -> Result<Said, StatsError> {
    if args.compare.is_some() || args.against.is_some() {
        return compare::run(args);
    }
    let read = match &args.labels {
        Some(labels) => rows::joined(args, labels)?,
        None => rows::of(args, &args.file, args.reference.is_none())?,
    };
    let measure = measure(args, &read.rows)?;
    let limits = limits(args, &measure.figures)?;
    let estimates: Vec<Estimated> = measure
        .expected
        .iter()
        .flat_map(|foreseen| Metric::ALL.map(|metric| estimated(metric, foreseen, &measure.figures)))
        .collect();
    let report = told::report(args, &read, &measure, &estimates, &limits);
    args.look.write(&report, || told::story(args, &read, &measure, &estimates, &limits))?;
    if args.look.form.json {
        let told = |figure: &Figure| Measured { metric: figure.name, told: figure.told.into() };
        json(&Answer {
            file: args.file.display().to_string(),
            rows: read.count,
            left_out: read.sentences(),
            without_label: read.without_label,
            without_prediction: read.without_prediction,
            confidence: args.confidence.confidence(),
            task: measure.task.map(Task::word),
            late: read.late.as_ref().map(|joined| late(joined, args.confidence)),
            expected: estimates,
            metrics: measure.figures.iter().map(told).collect(),
            breaches: limits.breaches.iter().map(|breach| breach.sentence.clone()).collect(),
            undecided: limits.undecided.clone(),
            reference_left_out: measure.expected.as_ref().map(|foreseen| foreseen.reference_left_out.clone()),
        })?;
    } else {
        warn(&args.file, &read.sentences());
        if let (Some(labels), Some(joined)) = (&args.labels, &read.late) {
            warn(labels, &joined.left_out.sentences());
        }
        if let (Some(reference), Some(foreseen)) = (&args.reference, &measure.expected) {
            warn(reference, &foreseen.reference_left_out);
        }
        args.look.say(&report)?;
    }
    if !limits.breaches.is_empty() {
        return Ok(Said::Found);
    }
    // A limit that was asked for and cannot be judged is not one that holds.
    if limits.undecided.is_empty() {
        Ok(Said::Nothing)
    } else {
        Err(StatsError::Told(limits.undecided.join("\n")))
    }
}

fn measure(args: &PerformanceArgs, rows: &Rows) -> Result<Measure, StatsError> {
    let Some(reference) = &args.reference else {
        let task = args.task.unwrap_or_else(|| rows.task());
        return Ok(Measure {
            task: Some(task),
            figures: figures(task, rows, args.confidence)?,
            expected: None,
            reference: None,
        });
    };
    let known = rows::of(args, reference, true)?;
    let why_not = |why: cordon_stats::interval::Unknown, path: &PathBuf| {
        StatsError::Told(format!(
            "scores of `{}` cannot be read as probabilities: {why}; help: name them with --score, or with --prediction and --threshold",
            path.display()
        ))
    };
    let (scores, labels) = known.rows.labelled_scores();
    let map = Isotonic::fit(&scores, &labels).map_err(|why| why_not(why, reference))?;
    let foreseen = |rows: &Rows| {
        let (scores, decisions) = rows.decided_scores();
        expected_by(&map, &scores, &decisions, args.confidence)
    };
    let expected = Foreseen {
        all: foreseen(rows).map_err(|why| why_not(why, &args.file))?,
        labelled: foreseen(&rows.labelled()).ok(),
        reference_left_out: known.all_sentences(),
    };
    let has_labels = rows.has_labels();
    let figures = if has_labels { figures(Task::YesNo, rows, args.confidence)? } else { Vec::new() };
    Ok(Measure { task: Some(Task::YesNo), figures, expected: Some(expected), reference: Some(known.count) })
}

fn estimated(metric: Metric, foreseen: &Foreseen, figures: &[Figure]) -> Estimated {
    let figure = figures.iter().find(|figure| figure.name == metric.name());
    let realised = figure.and_then(|figure| figure.value());
    Estimated {
        metric: metric.name(),
        told: foreseen.all.metric(metric).into(),
        realised,
        surprise: realised
            .zip(foreseen.labelled.as_ref())
            .and_then(|(realised, labelled)| labelled.surprise(metric, realised).ok())
            .and_then(super::finite),
    }
}

/// Limits that are broken, and sentences for those of which that cannot be said.
#[derive(Default)]
struct Limits {
    breaches: Vec<Breach>,
    undecided: Vec<String>,
}

fn limits(args: &PerformanceArgs, figures: &[Figure]) -> Result<Limits, StatsError> {
    let mut said = Limits::default();
    let limits = args
        .at_least
        .iter()
        .map(|limit| (limit, true))
        .chain(args.at_most.iter().map(|limit| (limit, false)));
    for ((name, limit), is_least) in limits {
        let Some(figure) = figures.iter().find(|figure| figure.name == *name) else {
            let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
            return Err(StatsError::Told(format!(
                "there is no metric `{name}` here; help: there are {}",
                names.join(", ")
            )));
        };
        let e = match figure.told {
            Ok(e) => e,
            Err(why) => {
                said.undecided.push(format!("the limit of {name} cannot be judged: it is unknown ({why})"));
                continue;
            }
        };
        let (is_broken, side) = if is_least { (e.high < *limit, "below") } else { (e.low > *limit, "above") };
        if is_broken && e.low == e.high {
            said.undecided.push(format!(
                "the limit of {name} cannot be judged: {} is {side} {limit}, and there is no interval for it",
                short(e.value)
            ));
        } else if is_broken {
            let sentence = format!("{name} is {}, {side} {limit}", shown(figure.told));
            said.breaches.push(Breach { metric: name.clone(), sentence });
        }
    }
    Ok(said)
}

fn late(joined: &Joined, level: Level) -> Late {
    let Joined { coverage, delay, without_id: [predictions_without_id, labels_without_id], left_out } =
        joined;
    Late {
        predictions: coverage.predictions,
        labelled: coverage.labelled,
        coverage: coverage.share().wilson(level).into(),
        repeated_predictions: coverage.repeated_predictions,
        repeated_labels: coverage.repeated_labels,
        unknown_labels: coverage.unknown_labels,
        beyond_capacity: coverage.beyond_capacity,
        predictions_without_id: *predictions_without_id,
        labels_without_id: *labels_without_id,
        left_out: left_out.sentences(),
        delay_median: delay.map(|delay| delay.median),
        delay_p90: delay.map(|delay| delay.p90),
        delay_longest: delay.map(|delay| delay.longest),
        labels_before_prediction: delay.map_or(0, |delay| delay.negative),
    }
}
