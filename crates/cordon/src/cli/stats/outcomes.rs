//! Labels, decisions, scores and groups, read from the columns that hold them. What cannot be read is counted.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
};

use clap::Args;
use cordon_stats::{
    interval::{Estimate, Level, Mean, Proportion, Unknown},
    profile::{Categories, Cell, ColumnProfile, Kind},
};
use serde::Serialize;

use super::{StatsError, finite, number, word};

/// How a column says yes.
#[derive(Args)]
pub(super) struct Meaning {
    /// What yes is in the columns of labels and predictions, such as `approved`. Without it: 1 or `true`, and 0 or `false` are no.
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// Predictions are scores: yes from this one on.
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<f64>,
}

impl Meaning {
    /// What a label says; `None` where it says neither.
    pub(super) fn label(&self, cell: Cell<'_>) -> Option<bool> {
        match (&self.positive, cell) {
            (_, Cell::Missing) => None,
            // A number with a fraction is a score, and says neither of two words.
            (Some(positive), Cell::Decimal(value))
                if value.fract() != 0.0 && positive.parse::<f64>().is_err() =>
            {
                None
            }
            (Some(positive), cell) => Some(word(&cell) == *positive),
            (None, Cell::Boolean(value)) => Some(value),
            (None, cell) => match float(cell) {
                Some(0.0) => Some(false),
                Some(1.0) => Some(true),
                _ => None,
            },
        }
    }

    /// What a prediction says; `None` where it says neither.
    pub(super) fn decision(&self, cell: Cell<'_>) -> Option<bool> {
        match self.threshold {
            Some(threshold) => float(cell).map(|score| score >= threshold),
            None => self.label(cell),
        }
    }

    /// The outcomes of a column as its profile keeps them: decisions where it was said what yes is, numbers else. Those that are neither
    /// are not counted.
    ///
    /// # Errors
    /// Why the profile does not tell.
    pub(super) fn of_profile(&self, column: &ColumnProfile) -> Result<Mean, &'static str> {
        let rate = |yes: u64, of: u64| Mean::of_rate(Proportion::of_parts(yes, of.saturating_sub(yes)));
        if let (Some(positive), None) = (&self.positive, self.threshold) {
            return Ok(rate(is_value(column, positive)?, column.present()));
        }
        let count =
            |kind: Kind| column.kinds().into_iter().find(|(known, _)| *known == kind).map_or(0, |(_, n)| n);
        let booleans = count(Kind::Boolean);
        if booleans > 0 && count(Kind::Text) > 0 {
            return Err("it has texts and booleans, which a profile counts together");
        }
        let truths = if booleans > 0 { is_value(column, "true")? } else { 0 };
        let Some(threshold) = self.threshold else {
            let numbers = column.numbers();
            let mut all = numbers
                .map(|numbers| Mean::of_moments(numbers.count(), numbers.mean(), numbers.variance()))
                .unwrap_or_default();
            all.merge(&rate(truths, booleans));
            return Ok(all);
        };
        let (mut yes, mut of) = (0, booleans);
        for (value, count) in [(1.0, truths), (0.0, booleans - truths)] {
            yes += if value >= threshold { count } else { 0 };
        }
        for interval in column.numbers().into_iter().flat_map(|numbers| numbers.quantiles().intervals()) {
            let exact = column.numbers().is_some_and(|numbers| numbers.quantiles().is_exact());
            if !exact && interval.low < threshold && threshold < interval.high {
                return Err("it does not say how many scores are above this threshold");
            }
            of += interval.count;
            yes += if interval.low >= threshold { interval.count } else { 0 };
        }
        Ok(rate(yes, of))
    }

    /// Predictions are scores.
    pub(super) fn is_threshold(&self) -> bool {
        self.threshold.is_some()
    }

    /// It was said what yes is.
    pub(super) fn is_said(&self) -> bool {
        self.positive.is_some()
    }

    /// The way out where no row could be read.
    pub(super) fn help() -> &'static str {
        "help: say what yes is with --positive VALUE, or from which score on with --threshold NUMBER"
    }
}

/// How many values are the one with this word, see [`word`].
fn is_value(column: &ColumnProfile, wanted: &str) -> Result<u64, &'static str> {
    const UNKNOWN: &str = "it does not keep how often each value is";
    let mut found = 0;
    if let Some(texts) = column.texts() {
        let categories = texts.categories();
        let one = categories.most_frequent().into_iter().find(|category| category.label == wanted);
        match one {
            Some(category) if category.label.len() < Categories::LONGEST => found += category.count,
            None if categories.is_exact() => {}
            _ => return Err(UNKNOWN),
        }
    }
    if let Some(numbers) = column.numbers() {
        if !numbers.quantiles().is_exact() {
            return Err(UNKNOWN);
        }
        let cell = |value| if column.kind() == Kind::Date { Cell::Date(value) } else { Cell::Decimal(value) };
        let all = numbers.quantiles().intervals();
        found += all.iter().filter(|one| word(&cell(one.low)) == wanted).map(|one| one.count).sum::<u64>();
    }
    Ok(found)
}

/// A finite number.
pub(super) fn float(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Boolean(value) => Some(f64::from(u8::from(value))),
        Cell::Date(value) | Cell::Decimal(value) => finite(value),
        Cell::Integer(value) => Some(value as f64),
        Cell::Missing | Cell::Text(_) => None,
    }
}

/// A value that rows are told apart by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Input {
    Missing,
    Number(f64),
    /// A digest of a word: the same in both files.
    Word(u64),
}

impl Input {
    pub(super) fn of(cell: &Cell<'_>) -> Self {
        if *cell == Cell::Missing {
            return Self::Missing;
        }
        float(*cell).map_or_else(
            || {
                let mut hasher = DefaultHasher::new();
                word(cell).hash(&mut hasher);
                Self::Word(hasher.finish())
            },
            Self::Number,
        )
    }
}

/// Columns by name, in a table whose columns may grow while it is read.
pub(super) struct Picked {
    names: Vec<String>,
    at: Vec<Option<usize>>,
    width: usize,
}

impl Picked {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        let names: Vec<String> = names.into_iter().cloned().collect();
        Self { at: vec![None; names.len()], names, width: 0 }
    }

    /// Finds the columns again where there are more than before.
    pub(super) fn look(&mut self, names: &[String]) {
        if names.len() != self.width {
            self.width = names.len();
            let place = |wanted: &String| names.iter().position(|name| name == wanted);
            self.at = self.names.iter().map(place).collect();
        }
    }

    /// A cell of the `column`-th of the columns asked for.
    pub(super) fn cell<'c>(&self, column: usize, cells: &[Cell<'c>]) -> Cell<'c> {
        let at = self.at.get(column).copied().flatten();
        at.and_then(|at| cells.get(at)).copied().unwrap_or(Cell::Missing)
    }

    /// That every column was there.
    pub(super) fn all_found(&self, path: &Path) -> Result<(), StatsError> {
        let missing = self.names.iter().zip(&self.at).find(|(_, at)| at.is_none());
        missing.map_or(Ok(()), |(name, _)| Err(super::no_column(path, name)))
    }
}

/// An estimate in JSON. An end that the data do not bound is `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Range {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: Option<f64>,
    pub(super) n: u64,
}

impl From<Estimate> for Range {
    fn from(e: Estimate) -> Self {
        Self { value: e.value, low: e.low, high: finite(e.high), n: e.n }
    }
}

/// An estimate, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Told {
    Known(Range),
    Unknown { unknown: String },
}

impl From<Result<Estimate, Unknown>> for Told {
    fn from(estimate: Result<Estimate, Unknown>) -> Self {
        match estimate {
            Ok(e) => Self::Known(e.into()),
            Err(why) => Self::Unknown { unknown: why.to_string() },
        }
    }
}

/// An estimate as a person reads it.
pub(super) fn shown(estimate: Result<Estimate, Unknown>) -> String {
    match estimate {
        Ok(e) if e.high.is_finite() => {
            format!("{} ({} to {})", short(e.value), short(e.low), short(e.high))
        }
        Ok(e) => format!("{} (at least {})", short(e.value), short(e.low)),
        Err(why) => format!("unknown: {why}"),
    }
}

/// Three digits after the point of a share, five that count of anything else.
pub(super) fn short(value: f64) -> String {
    if value.abs() <= 1.0 { format!("{value:.3}") } else { number(value) }
}

/// A confidence of the command line.
pub(super) fn level(text: &str) -> Result<Level, String> {
    let confidence = text.parse().map_err(|_| "a number between 0 and 1 is expected".to_owned())?;
    Level::new(confidence).map_err(|error| error.to_string())
}
