//! `performance`: how good predictions are, with intervals; with labels that came later, or before they come.

mod compare;
mod figures;
mod id;
mod limits;
mod ranking;
mod rows;
mod told;
mod weighed;

use std::path::PathBuf;

use clap::Args;
use cordon_stats::{
    calibration::{Expected, Isotonic, Metric, expected_by},
    interval::Level,
};
use serde::Serialize;

use self::{
    figures::{Figure, figures},
    limits::{Open, limits},
    rows::{Joined, Rows, Task},
    weighed::Weighed,
};
use super::super::json;
use super::outcomes::{Meaning, Told, level};
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
  cordon performance today.csv --prediction score --threshold 0.5 --reference labelled.csv --label y --weigh-by age --weigh-by country
  cordon performance hits.csv --task ranking --query search --prediction score --label relevance --depth 10
  cordon performance scored.csv --label churned --prediction score --threshold 0.5 --html performance.html

Labels of 0 and 1, true and false, or --positive are answers of yes or no; numbers with fractions or with many values are numbers; all
else are classes. With --reference the labels of that table calibrate the scores, and the performance on FILE is estimated without its
labels; where it has them the realised one stands beside. The same labelled rows, weighted as the inputs of FILE are distributed, give a
second estimate. See docs/statistics.md.

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
    /// With --reference: weight its labelled rows by how these columns are distributed in FILE; may come several times, up to 4. Without
    /// it by the score.
    #[arg(long, value_name = "COLUMN", requires = "reference")]
    weigh_by: Vec<String>,
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
    /// What predictions are: yes-no, classes, numbers, or the order of a ranking. Found out where it is not said, but for a ranking.
    #[arg(long, value_enum, value_name = "KIND")]
    task: Option<Task>,
    /// With --task ranking: the column whose values are the queries, each with a list of its own.
    #[arg(long, value_name = "COLUMN", requires = "task")]
    query: Option<String>,
    /// With --task ranking: entries of a list that are looked at.
    #[arg(long, default_value = "10", value_name = "ENTRIES", value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// A metric must not be below this; may come several times.
    #[arg(long, value_name = "METRIC=VALUE", value_parser = bound)]
    at_least: Vec<(String, f64)>,
    /// A metric must not be above this; may come several times.
    #[arg(long, value_name = "METRIC=VALUE", value_parser = bound)]
    at_most: Vec<(String, f64)>,
    /// How many rows does it take to tell each metric from one that differs by this much?
    #[arg(long, value_name = "DIFFERENCE")]
    rows_needed: Option<f64>,
    /// The probability with which that shall be told: decides how many rows are needed.
    #[arg(long, default_value = "0.8", value_name = "SHARE", value_parser = share)]
    power: f64,
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
struct Answer<'a> {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking: Option<ranking::Ranked>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<Estimated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weighed: Option<weighed::Told<'a>>,
    metrics: Vec<Measured>,
    breaches: Vec<String>,
    /// Limits that these rows cannot judge.
    undecided: Vec<String>,
    /// Limits that lie inside of the interval, with the rows that would tell on which side the metric is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open: Vec<Open>,
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
    /// Rows of the kind that it counts which tell it from one that is off by --rows-needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_needed: Option<u64>,
}

#[derive(Serialize)]
struct Estimated {
    metric: &'static str,
    #[serde(flatten)]
    told: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    realised: Option<f64>,
    /// What is estimated for the rows that have a label, less the realised one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
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
    ranked: Option<ranking::Ranked>,
}

/// Performance without labels.
struct Foreseen {
    all: Expected,
    /// Of the rows that have a label after all: what the realised one is compared with.
    labelled: Option<Expected>,
    /// The same by labelled rows that are weighted.
    weighed: Weighed,
    reference_left_out: Vec<String>,
}

/// Labelled rows below which a calibration is visibly fitted to chance.
const ENOUGH_TO_CALIBRATE: usize = 1_000;

pub(super) fn run(args: &PerformanceArgs) -> Result<Said, StatsError> {
    if args.compare.is_some() || args.against.is_some() {
        return compare::run(args);
    }
    if let Some(odd) = args.odd() {
        return Err(StatsError::Told(odd));
    }
    let (read, measure) = if args.task == Some(Task::Ranking) {
        ranking::measured(args)?
    } else {
        let read = match &args.labels {
            Some(labels) => rows::joined(args, labels)?,
            None => rows::of(args, &args.file, args.reference.is_none())?,
        };
        let measure = measure(args, &read.rows)?;
        (read, measure)
    };
    let limits = limits(args, &measure.figures)?;
    let of = |foreseen: &Foreseen, metric| {
        Estimated::of(metric, &foreseen.all, foreseen.labelled.as_ref(), &measure.figures)
    };
    let estimates: Vec<Estimated> =
        measure.expected.iter().flat_map(|foreseen| Metric::ALL.map(|metric| of(foreseen, metric))).collect();
    let weighed = measure.expected.as_ref().map(|foreseen| foreseen.weighed.told(args, &measure.figures));
    let report = told::report(args, &read, &measure, (&estimates, weighed.as_ref()), &limits);
    args.look.write(&report, || told::story(args, &read, &measure, &estimates, &limits))?;
    let is_broken = !limits.breaches.is_empty();
    if args.look.form.json {
        let told = |figure: &Figure| Measured {
            metric: figure.name,
            told: figure.told.into(),
            rows_needed: args.rows_for(figure),
        };
        json(&Answer {
            file: args.file.display().to_string(),
            rows: read.count,
            left_out: read.sentences(),
            without_label: read.without_label,
            without_prediction: read.without_prediction,
            confidence: args.confidence.confidence(),
            task: measure.task.map(Task::word),
            late: read.late.as_ref().map(|joined| late(joined, args.confidence)),
            ranking: measure.ranked,
            expected: estimates,
            weighed,
            metrics: measure.figures.iter().map(told).collect(),
            breaches: limits.breaches.iter().map(|breach| breach.sentence.clone()).collect(),
            undecided: limits.undecided.clone(),
            open: limits.open,
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
    if is_broken {
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
        let task = rows::task(args, rows)?;
        return Ok(Measure {
            task: Some(task),
            figures: figures(task, rows, args.confidence)?,
            expected: None,
            reference: None,
            ranked: None,
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
    let of_labelled = rows.labelled();
    let mut reference_left_out = known.all_sentences();
    if labels.len() < ENOUGH_TO_CALIBRATE {
        reference_left_out.push(format!(
            "it has {} labelled rows: with fewer than {ENOUGH_TO_CALIBRATE} the estimates are optimistic (an AUC by about 0.03 at 100 rows, 0.01 at \
             500) and their intervals too narrow",
            labels.len()
        ));
    }
    let expected = Foreseen {
        all: foreseen(rows).map_err(|why| why_not(why, &args.file))?,
        labelled: foreseen(&of_labelled).ok(),
        weighed: weighed::of(args, &known.rows, rows, &of_labelled),
        reference_left_out,
    };
    let has_labels = rows.has_labels();
    let figures = if has_labels { figures(Task::YesNo, rows, args.confidence)? } else { Vec::new() };
    Ok(Measure {
        task: Some(Task::YesNo),
        figures,
        expected: Some(expected),
        reference: Some(known.count),
        ranked: None,
    })
}

impl Estimated {
    /// A metric that is estimated, beside the realised one. `labelled` is the estimate of the rows that have a label after all.
    fn of(metric: Metric, all: &Expected, labelled: Option<&Expected>, figures: &[Figure]) -> Self {
        let figure = figures.iter().find(|figure| figure.name == metric.name());
        let realised = figure.and_then(Figure::value);
        let both = realised.zip(labelled);
        let error =
            |(realised, labelled): (f64, &Expected)| Some(labelled.metric(metric).ok()?.value - realised);
        let surprise = |(realised, labelled): (f64, &Expected)| labelled.surprise(metric, realised).ok();
        Self {
            metric: metric.name(),
            told: all.metric(metric).into(),
            realised,
            error: both.and_then(error),
            surprise: both.and_then(surprise).and_then(super::finite),
        }
    }
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
