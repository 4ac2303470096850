//! The rows of a table that say how good predictions are, kept as small as they can be.

use std::{collections::HashMap, path::Path};

use clap::ValueEnum;
use cordon_stats::{
    performance::late::{Coverage, Delay, Join},
    profile::Cell,
};

use super::{
    super::{
        StatsError,
        outcomes::{Picked, float},
        word,
    },
    PerformanceArgs,
};
use crate::tables::{self, LeftOut};

/// Predictions that wait for a label, at most: about two gigabytes with short ids.
const MOST_WAITING: usize = 20_000_000;
/// Different words of labels and predictions, at most; more are no classes.
const MOST_WORDS: usize = 2_000;
/// Whole numbers with more values than this are numbers, not classes.
const MOST_CLASSES: usize = 50;

/// What predictions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Task {
    /// One of several classes.
    Classes,
    /// Numbers.
    Numbers,
    /// Yes or no.
    YesNo,
}

impl Task {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Classes => "classes",
            Self::Numbers => "numbers",
            Self::YesNo => "yes or no",
        }
    }
}

/// A label or a prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Missing,
    Number(f64),
    /// The number of a word.
    Word(u32),
}

impl Value {
    pub(super) fn yes(self) -> Option<bool> {
        match self {
            Self::Number(0.0) => Some(false),
            Self::Number(1.0) => Some(true),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(value),
            _ => None,
        }
    }
}

/// One row: what was true, what was said, and how sure it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) label: Value,
    pub(super) prediction: Value,
    pub(super) score: Option<f64>,
}

/// Rows with a prediction, and, unless labels are to come, with a label.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
}

/// Words that labels and predictions are.
#[derive(Default)]
struct Words {
    numbers: HashMap<String, u32>,
}

/// Rows, and what was left out.
pub(super) struct Read {
    pub(super) rows: Rows,
    pub(super) count: u64,
    pub(super) without_label: u64,
    pub(super) without_prediction: u64,
    pub(super) left_out: LeftOut,
    pub(super) late: Option<(Coverage, Option<Delay>)>,
    /// Rows of the table with labels that came later.
    pub(super) labels: Option<u64>,
}

impl Words {
    /// A cell as a value; a word beyond the most is nothing.
    fn value(&mut self, cell: Cell<'_>) -> Value {
        if cell == Cell::Missing {
            return Value::Missing;
        }
        if let Some(value) = float(cell) {
            return Value::Number(value);
        }
        let text = word(&cell);
        if let Some(known) = self.numbers.get(&text) {
            return Value::Word(*known);
        }
        if self.numbers.len() >= MOST_WORDS {
            return Value::Missing;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text, number);
        Value::Word(number)
    }
}

impl PerformanceArgs {
    fn label(&self, words: &mut Words, cell: Cell<'_>) -> Value {
        if self.meaning.is_said() { of_yes(self.meaning.label(cell)) } else { words.value(cell) }
    }

    /// The prediction and its score.
    fn prediction(&self, words: &mut Words, cell: Cell<'_>, score: Cell<'_>) -> (Value, Option<f64>) {
        if self.meaning.is_threshold() {
            return (of_yes(self.meaning.decision(cell)), float(cell));
        }
        let value =
            if self.meaning.is_said() { of_yes(self.meaning.decision(cell)) } else { words.value(cell) };
        (value, float(score))
    }

    /// The columns of a prediction: itself, and its score where it has one.
    fn of_prediction(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.prediction).chain(&self.score)
    }
}

fn of_yes(yes: Option<bool>) -> Value {
    yes.map_or(Value::Missing, |yes| Value::Number(f64::from(u8::from(yes))))
}

/// The rows of one table. `needs_label` is false where labels may be missing: rows without one are kept then.
pub(super) fn of(args: &PerformanceArgs, path: &Path, needs_label: bool) -> Result<Read, StatsError> {
    let names = args.of_prediction().cloned().collect::<Vec<_>>();
    let mut picked = Picked::new(&names);
    let mut picked_label = Picked::new([&args.label]);
    let (mut rows, mut words) = (Rows::default(), Words::default());
    let (mut count, mut without_label, mut without_prediction) = (0, 0, 0);
    let left_out = tables::read(path, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        picked_label.look(names);
        if cells.is_empty() {
            return;
        }
        count += 1;
        let label = args.label(&mut words, picked_label.cell(0, cells));
        let (prediction, score) = args.prediction(&mut words, picked.cell(0, cells), picked.cell(1, cells));
        let has_score = score.is_some() || (args.score.is_none() && needs_label);
        if prediction == Value::Missing || !has_score {
            without_prediction += 1;
        } else if label == Value::Missing && needs_label {
            without_label += 1;
        } else {
            without_label += u64::from(label == Value::Missing);
            rows.rows.push(Row { label, prediction, score });
        }
    })?;
    picked.all_found(path)?;
    if needs_label {
        picked_label.all_found(path)?;
    }
    if rows.rows.is_empty() {
        return Err(StatsError::Told(format!(
            "no row of `{}` has what is needed of it: {without_prediction} have no prediction or score, {without_label} no label",
            path.display()
        )));
    }
    Ok(Read { rows, count, without_label, without_prediction, left_out, late: None, labels: None })
}

/// Predictions of one table with the labels of another.
pub(super) fn joined(args: &PerformanceArgs, labels: &Path) -> Result<Read, StatsError> {
    let id = args.id.iter();
    let own: Vec<String> = id.clone().chain(args.of_prediction()).chain(&args.time).cloned().collect();
    let mut picked = Picked::new(&own);
    let (mut join, mut words) = (Join::new(MOST_WAITING), Words::default());
    let (mut count, mut without_prediction) = (0, 0);
    let at_time = own.len().saturating_sub(1);
    let time = |picked: &Picked, at: usize, cells: &[Cell<'_>]| {
        if args.time.is_some() { float(picked.cell(at, cells)).unwrap_or(f64::NAN) } else { f64::NAN }
    };
    let score_at = if args.score.is_some() { 2 } else { usize::MAX };
    let left_out = tables::read(&args.file, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        count += 1;
        let (prediction, score) =
            args.prediction(&mut words, picked.cell(1, cells), picked.cell(score_at, cells));
        if prediction == Value::Missing {
            without_prediction += 1;
        } else {
            join.predicted(word(&picked.cell(0, cells)), time(&picked, at_time, cells), (prediction, score));
        }
    })?;
    picked.all_found(&args.file)?;
    let theirs: Vec<String> = id.chain([&args.label]).chain(&args.time).cloned().collect();
    let mut picked = Picked::new(&theirs);
    let (mut rows, mut without_label, mut of_labels) = (Rows::default(), 0, 0);
    tables::read(labels, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        of_labels += 1;
        let label = args.label(&mut words, picked.cell(1, cells));
        if label == Value::Missing {
            without_label += 1;
        } else if let Some((prediction, score)) =
            join.labelled(&word(&picked.cell(0, cells)), time(&picked, 2, cells))
        {
            rows.rows.push(Row { label, prediction, score });
        }
    })?;
    picked.all_found(labels)?;
    if rows.rows.is_empty() {
        let (predictions, labels) = (args.file.display(), labels.display());
        return Err(StatsError::Told(format!(
            "no label of `{labels}` has the id of a prediction of `{predictions}`; help: does --id name the same thing in both?"
        )));
    }
    Ok(Read {
        rows,
        count,
        without_label,
        without_prediction,
        left_out,
        late: Some((join.coverage(), join.delay())),
        labels: Some(of_labels),
    })
}

impl Rows {
    /// What predictions are, by what labels look like.
    pub(super) fn task(&self) -> Task {
        let labels = || self.rows.iter().map(|row| row.label).filter(|label| *label != Value::Missing);
        if labels().all(|label| label.yes().is_some()) {
            return Task::YesNo;
        }
        if labels().any(|label| label.number().is_none()) {
            return Task::Classes;
        }
        let values =
            || self.rows.iter().flat_map(|row| [row.label, row.prediction]).filter_map(Value::number);
        let mut distinct = std::collections::BTreeSet::new();
        for value in values() {
            distinct.insert(value.to_bits());
            if value.fract() != 0.0 || distinct.len() > MOST_CLASSES {
                return Task::Numbers;
            }
        }
        Task::Classes
    }

    pub(super) fn has_labels(&self) -> bool {
        self.rows.iter().any(|row| row.label != Value::Missing)
    }

    /// Scores with the labels of the rows that have both.
    pub(super) fn labelled_scores(&self) -> (Vec<f64>, Vec<bool>) {
        self.rows.iter().filter_map(|row| Some((row.score?, row.label.yes()?))).unzip()
    }

    /// Scores with the decisions of the rows that have both.
    pub(super) fn decided_scores(&self) -> (Vec<f64>, Vec<bool>) {
        self.rows.iter().filter_map(|row| Some((row.score?, row.prediction.yes()?))).unzip()
    }
}
