//! Labelled rows of the reference, weighted as the inputs of now are distributed: performance without labels from the other side.

use std::collections::HashMap;

use cordon_stats::{
    calibration::{Cells, Metric, Weighted},
    interval::Unknown,
};
use serde::Serialize;

use super::{
    super::{finite, outcomes::Input, percent},
    Estimated, Figure, PerformanceArgs,
    rows::Rows,
};

/// Metrics of decisions; a cell has no order.
const METRICS: [Metric; 5] =
    [Metric::Accuracy, Metric::F1, Metric::Precision, Metric::Recall, Metric::Specificity];
/// Columns that are crossed, at most.
pub(super) const MOST_COLUMNS: usize = 4;
/// Words of a column that are told apart, so that no number of columns has more cells than can be counted; the rest are one.
const MOST_WORDS: usize = 1_000;

/// How the values of a column are parted: by the reference.
struct Cuts {
    /// Numbers from each of these on are in the next part; none where words are.
    edges: Vec<f64>,
    words: HashMap<u64, usize>,
}

/// As JSON tells it.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    weighed_by: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// The share of rows whose inputs and decision no labelled row has: left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncovered: Option<f64>,
    /// Labelled rows that would say as much unweighted.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_rows: Option<f64>,
    metrics: Vec<Estimated>,
}

/// What labelled rows say, or why they say nothing.
pub(super) struct Weighed {
    all: Result<Weighted, Unknown>,
    /// Of the rows that have a label after all.
    labelled: Option<Weighted>,
}

impl Cuts {
    /// Parts of about equally many rows.
    fn of(inputs: impl Iterator<Item = Input>, parts: usize) -> Self {
        let (mut numbers, mut words) = (Vec::new(), HashMap::new());
        for input in inputs {
            match input {
                Input::Missing => {}
                Input::Number(value) => numbers.push(value),
                Input::Word(digest) if words.len() < MOST_WORDS => {
                    let next = words.len();
                    words.entry(digest).or_insert(next);
                }
                Input::Word(_) => {}
            }
        }
        numbers.sort_unstable_by(f64::total_cmp);
        let at = |part: usize| numbers.get(numbers.len() * part / parts).copied();
        let mut edges: Vec<f64> = (1..parts).filter_map(at).collect();
        edges.dedup();
        Self { edges, words }
    }

    /// The part that a value is in; words that the reference never had, or has beyond the most, are one.
    fn part(&self, input: Input) -> usize {
        match input {
            Input::Missing => 0,
            Input::Number(value) => 1 + self.edges.partition_point(|edge| *edge <= value),
            Input::Word(digest) => {
                2 + self.edges.len() + self.words.get(&digest).copied().unwrap_or(self.words.len())
            }
        }
    }

    fn parts(&self) -> usize {
        3 + self.edges.len() + self.words.len()
    }
}

/// Weighted by the columns that were named, else by the score.
pub(super) fn of(args: &PerformanceArgs, known: &Rows, rows: &Rows, labelled: &Rows) -> Weighed {
    let columns = args.weigh_by.len();
    // So that crossed parts keep enough labelled rows.
    let parts = match columns {
        0 | 1 => 10,
        2 => 5,
        _ => 3,
    };
    let cuts: Vec<Cuts> = (0..columns.max(1)).map(|column| Cuts::of(known.inputs(column), parts)).collect();
    let cell = |rows: &Rows, row: usize| {
        cuts.iter().enumerate().fold(0_usize, |cell, (column, cuts)| {
            cell.saturating_mul(cuts.parts()).saturating_add(cuts.part(rows.input(row, column)))
        })
    };
    let mut cells = Cells::default();
    for (at, row) in known.rows.iter().enumerate() {
        if let (Some(label), Some(decision)) = (row.label.yes(), row.prediction.yes()) {
            cells.push(cell(known, at), label, decision);
        }
    }
    let expected = |rows: &Rows| {
        let each = rows.rows.iter().enumerate();
        let decided = each.filter_map(|(at, row)| Some((cell(rows, at), row.prediction.yes()?)));
        cells.expected(decided, args.confidence)
    };
    Weighed { all: expected(rows), labelled: expected(labelled).ok() }
}

impl Weighed {
    /// Each metric beside the realised one, where there is one.
    pub(super) fn estimates(&self, figures: &[Figure]) -> Vec<Estimated> {
        let Ok(all) = &self.all else { return Vec::new() };
        let of = |metric| {
            Estimated::of(metric, &all.expected, self.labelled.as_ref().map(|one| &one.expected), figures)
        };
        METRICS.map(of).into()
    }

    pub(super) fn told<'a>(&self, args: &'a PerformanceArgs, figures: &[Figure]) -> Told<'a> {
        let by: Vec<&str> = if args.weigh_by.is_empty() {
            vec![args.score.as_ref().unwrap_or(&args.prediction)]
        } else {
            args.weigh_by.iter().map(String::as_str).collect()
        };
        let all = self.all.as_ref();
        Told {
            weighed_by: by,
            unknown: all.err().map(ToString::to_string),
            uncovered: all.ok().and_then(|all| all.uncovered.value()),
            effective_rows: all.ok().and_then(|all| finite(all.effective_rows)),
            metrics: self.estimates(figures),
        }
    }
}

impl Told<'_> {
    /// A sentence about what stands behind the numbers.
    pub(super) fn said(&self) -> String {
        let by = self.weighed_by.join(" and ");
        if let Some(why) = &self.unknown {
            return format!("Labelled rows weighted by {by}: unknown, {why}");
        }
        let mut said = format!(
            "Labelled rows weighted by {by}, as these rows are distributed: as good as {:.0} rows",
            self.effective_rows.unwrap_or_default()
        );
        if let Some(uncovered) = self.uncovered.filter(|share| *share > 0.0) {
            said.push_str(&format!(
                "; {} of the rows are like no labelled one, and left out",
                percent(uncovered)
            ));
        }
        said
    }

    pub(super) fn metrics(&self) -> &[Estimated] {
        &self.metrics
    }
}
