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
        outcomes::{Input, Meaning, Picked, float},
        word,
    },
    PerformanceArgs,
    id::Id,
};
use crate::tables::{self, LeftOut};

/// Rows that are held, at most: one to four gigabytes, by the length of ids and what is asked.
pub(super) const MOST_ROWS: usize = 20_000_000;
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
    /// The order of lists, one for each --query.
    Ranking,
    /// Yes or no.
    YesNo,
}

impl Task {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Classes => "classes",
            Self::Numbers => "numbers",
            Self::Ranking => "ranking",
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
    /// Of each row what it is weighed by, one after the other; the score where no column was named.
    inputs: Vec<Input>,
}

/// Words that labels and predictions are.
#[derive(Default)]
struct Words {
    numbers: HashMap<String, u32>,
    /// There was one more than are told apart.
    is_full: bool,
}

/// Rows, and what was left out.
pub(super) struct Read {
    pub(super) rows: Rows,
    pub(super) count: u64,
    pub(super) without_label: u64,
    pub(super) without_prediction: u64,
    /// Rows beyond what is held.
    pub(super) beyond_capacity: u64,
    pub(super) left_out: LeftOut,
    pub(super) late: Option<Joined>,
    /// Rows of the table with labels that came later.
    pub(super) labels: Option<u64>,
}

/// How a table of labels that came later was joined.
pub(super) struct Joined {
    pub(super) coverage: Coverage,
    pub(super) delay: Option<Delay>,
    /// Predictions, and labels, without an id that tells them from others.
    pub(super) without_id: [u64; 2],
    /// Of the table of labels.
    pub(super) left_out: LeftOut,
}

impl Read {
    /// Before a row was read.
    pub(super) fn nothing() -> Self {
        Self {
            rows: Rows::default(),
            count: 0,
            without_label: 0,
            without_prediction: 0,
            beyond_capacity: 0,
            left_out: LeftOut::default(),
            late: None,
            labels: None,
        }
    }

    /// A sentence for each thing that was left out of the table.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut said = self.left_out.sentences();
        if self.beyond_capacity > 0 {
            said.push(format!(
                "{} rows are beyond the {MOST_ROWS} that are held: left out",
                self.beyond_capacity
            ));
        }
        said
    }

    /// The same with rows that lack something, for a table that is not itself the answer.
    pub(super) fn all_sentences(&self) -> Vec<String> {
        let mut said = self.sentences();
        for (count, what) in
            [(self.without_label, "a label"), (self.without_prediction, "a prediction or score")]
        {
            if count > 0 {
                said.push(format!("{count} rows are without {what}: left out"));
            }
        }
        said
    }
}

impl Words {
    /// A cell as a value; a word beyond the most is nothing, and [`Words::all_told_apart`] refuses it.
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
            self.is_full = true;
            return Value::Missing;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text, number);
        Value::Word(number)
    }

    /// That every word had its number: metrics of the rows that do would be those of another table.
    fn all_told_apart(&self, path: &Path) -> Result<(), StatsError> {
        if !self.is_full {
            return Ok(());
        }
        Err(StatsError::Told(format!(
            "labels and predictions of `{}` have more than 2,000 different words, and no more classes than that are told apart; help: are \
             the columns the right ones? Join rare classes into one, or ask for one of them with --positive VALUE",
            path.display()
        )))
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
    of_at_most(args, path, needs_label, MOST_ROWS)
}

fn of_at_most(
    args: &PerformanceArgs,
    path: &Path,
    needs_label: bool,
    most: usize,
) -> Result<Read, StatsError> {
    let names = args.of_prediction().cloned().collect::<Vec<_>>();
    let mut picked = Picked::new(&names);
    let mut picked_label = Picked::new([&args.label]);
    let mut picked_inputs = Picked::new(&args.weigh_by);
    let (mut rows, mut words) = (Rows::default(), Words::default());
    let (mut count, mut without_label, mut without_prediction, mut beyond_capacity) = (0, 0, 0, 0);
    let left_out = tables::read(path, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        picked_label.look(names);
        picked_inputs.look(names);
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
        } else if rows.rows.len() >= most {
            beyond_capacity += 1;
        } else {
            without_label += u64::from(label == Value::Missing);
            rows.rows.push(Row { label, prediction, score });
            let of_row = (0..args.weigh_by.len()).map(|at| Input::of(&picked_inputs.cell(at, cells)));
            rows.inputs.extend(of_row);
        }
    })?;
    picked.all_found(path)?;
    picked_inputs.all_found(path)?;
    if needs_label {
        picked_label.all_found(path)?;
    }
    words.all_told_apart(path)?;
    if rows.rows.is_empty() {
        return Err(StatsError::Told(format!(
            "no row of `{}` has what is needed of it: {without_prediction} have no prediction or score, {without_label} no label; {}",
            path.display(),
            Meaning::help()
        )));
    }
    Ok(Read {
        rows,
        count,
        without_label,
        without_prediction,
        beyond_capacity,
        left_out,
        late: None,
        labels: None,
    })
}

/// The label and two predictions of each row of a table, in its order.
pub(super) fn each_pair(
    args: &PerformanceArgs,
    path: &Path,
    against: &str,
    mut on_row: impl FnMut(Value, Value, Value),
) -> Result<(), StatsError> {
    let names = [args.label.clone(), args.prediction.clone(), against.to_owned()];
    let mut picked = Picked::new(&names);
    let mut words = Words::default();
    tables::read(path, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        let label = args.label(&mut words, picked.cell(0, cells));
        let mut predicted =
            |column: usize| args.prediction(&mut words, picked.cell(column, cells), Cell::Missing).0;
        let (first, second) = (predicted(1), predicted(2));
        on_row(label, first, second);
    })?;
    picked.all_found(path)?;
    words.all_told_apart(path)
}

/// Predictions of one table with the labels of another.
pub(super) fn joined(args: &PerformanceArgs, labels: &Path) -> Result<Read, StatsError> {
    joined_at_most(args, labels, MOST_ROWS)
}

fn joined_at_most(args: &PerformanceArgs, labels: &Path, most: usize) -> Result<Read, StatsError> {
    // The command line asks for it with --labels.
    let named = args.id.as_deref().unwrap_or_default();
    let id = args.id.iter();
    let own: Vec<String> = id.clone().chain(args.of_prediction()).chain(&args.time).cloned().collect();
    let mut picked = Picked::new(&own);
    let (mut join, mut words) = (Join::new(most), Words::default());
    let (mut count, mut without_prediction, mut without_id) = (0, 0, [0_u64; 2]);
    let at_time = own.len().saturating_sub(1);
    let time = |picked: &Picked, at: usize, cells: &[Cell<'_>]| {
        if args.time.is_some() { float(picked.cell(at, cells)).unwrap_or(f64::NAN) } else { f64::NAN }
    };
    let score_at = if args.score.is_some() { 2 } else { usize::MAX };
    let left_out = tables::read_with_ids(&args.file, args.reading.delimiter, named, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        count += 1;
        let (prediction, score) =
            args.prediction(&mut words, picked.cell(1, cells), picked.cell(score_at, cells));
        if prediction == Value::Missing {
            without_prediction += 1;
        } else if let Some(id) = Id::of(picked.cell(0, cells)) {
            join.predicted(id, time(&picked, at_time, cells), (prediction, score));
        } else {
            without_id[0] += 1;
        }
    })?;
    picked.all_found(&args.file)?;
    let theirs: Vec<String> = id.chain([&args.label]).chain(&args.time).cloned().collect();
    let mut picked = Picked::new(&theirs);
    let (mut rows, mut without_label, mut of_labels) = (Rows::default(), 0, 0);
    let labels_left_out =
        tables::read_with_ids(labels, args.reading.delimiter, named, &mut |names, cells| {
            picked.look(names);
            if cells.is_empty() {
                return;
            }
            of_labels += 1;
            let label = args.label(&mut words, picked.cell(1, cells));
            if label == Value::Missing {
                without_label += 1;
                return;
            }
            let Some(id) = Id::of(picked.cell(0, cells)) else {
                without_id[1] += 1;
                return;
            };
            if let Some((prediction, score)) = join.labelled(&id, time(&picked, 2, cells)) {
                rows.rows.push(Row { label, prediction, score });
            }
        })?;
    picked.all_found(labels)?;
    words.all_told_apart(labels)?;
    if rows.rows.is_empty() {
        let (predictions, labels) = (args.file.display(), labels.display());
        return Err(StatsError::Told(format!(
            "no label of `{labels}` has the id of a prediction of `{predictions}`; help: does --id name the same thing in both, as a \
             text or as a number of at most 15 digits?"
        )));
    }
    Ok(Read {
        rows,
        count,
        without_label,
        without_prediction,
        beyond_capacity: 0,
        left_out,
        late: Some(Joined {
            coverage: join.coverage(),
            delay: join.delay(),
            without_id,
            left_out: labels_left_out,
        }),
        labels: Some(of_labels),
    })
}

/// What predictions are: as it was said, else by what labels look like.
///
/// # Errors
/// Where labels are words and predictions are numbers, so that no prediction can be right.
pub(super) fn task(args: &PerformanceArgs, rows: &Rows) -> Result<Task, StatsError> {
    if let Some(task) = args.task {
        return Ok(task);
    }
    let labelled = || rows.rows.iter().filter(|row| row.label != Value::Missing);
    let are_words = labelled().next().is_some() && labelled().all(|row| row.label.number().is_none());
    let numbers = labelled().filter(|row| row.prediction.number().is_some()).count();
    if are_words && 2 * numbers > labelled().count() {
        return Err(StatsError::Told(format!(
            "labels of `{}` are words and predictions are numbers, so that none can be right; help: say which word is yes and from which \
             score on, such as `--positive WORD --threshold 0.5`",
            args.label
        )));
    }
    Ok(rows.task())
}

impl Rows {
    /// What predictions are, by what labels look like.
    fn task(&self) -> Task {
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

    /// The rows whose label says yes or no.
    pub(super) fn labelled(&self) -> Self {
        let width = self.width();
        let (mut rows, mut inputs) = (Vec::new(), Vec::new());
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.label.yes().is_some()) {
            rows.push(*row);
            inputs.extend(self.inputs.iter().skip(at * width).take(width));
        }
        Self { rows, inputs }
    }

    /// Columns that rows are weighed by.
    fn width(&self) -> usize {
        self.inputs.len() / self.rows.len().max(1)
    }

    /// What a row is weighed by.
    pub(super) fn input(&self, row: usize, column: usize) -> Input {
        let width = self.width();
        if width == 0 {
            let score = self.rows.get(row).and_then(|row| row.score);
            return score.map_or(Input::Missing, Input::Number);
        }
        self.inputs.get(row * width + column).copied().unwrap_or(Input::Missing)
    }

    /// What all rows are weighed by, of one column.
    pub(super) fn inputs(&self, column: usize) -> impl Iterator<Item = Input> + '_ {
        (0..self.rows.len()).map(move |row| self.input(row, column))
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: PerformanceArgs,
    }

    /// What is beyond the rows that are held is counted and said, not held.
    #[test]
    fn rows_beyond_what_is_held_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scored.csv");
        let rows: String = (0..10).map(|i| format!("{i},{},{}\n", i % 2, i % 3 % 2)).collect();
        std::fs::write(&path, "id,y,p\n".to_owned() + &rows).unwrap();
        let name = path.display().to_string();
        let line =
            ["performance", &name, "--label", "y", "--prediction", "p", "--labels", &name, "--id", "id"];
        let args = Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).args;
        let told = |read: Result<Read, StatsError>| match read {
            Ok(read) => read,
            Err(_) => panic!("the table cannot be read"),
        };
        let read = told(of_at_most(&args, &path, true, 4));
        assert_eq!((read.rows.rows.len(), read.count, read.beyond_capacity), (4, 10, 6));
        assert_eq!(read.sentences(), ["6 rows are beyond the 20000000 that are held: left out"]);
        assert_eq!(told(of_at_most(&args, &path, true, 10)).beyond_capacity, 0);
        let late = told(joined_at_most(&args, &path, 7)).late.unwrap();
        assert_eq!((late.coverage.predictions, late.coverage.beyond_capacity), (7, 3));
    }
}
