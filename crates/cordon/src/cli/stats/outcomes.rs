//! Labels, decisions, scores and groups, read from the columns that hold them. What cannot be read is counted.

use std::path::Path;

use clap::Args;
use cordon_stats::{
    interval::{Estimate, Level, Unknown},
    profile::Cell,
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

/// A finite number.
pub(super) fn float(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Boolean(value) => Some(f64::from(u8::from(value))),
        Cell::Date(value) | Cell::Decimal(value) => finite(value),
        Cell::Integer(value) => Some(value as f64),
        Cell::Missing | Cell::Text(_) => None,
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
