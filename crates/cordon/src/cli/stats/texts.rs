//! Columns of free text, read as columns that can be compared.

use std::path::Path;

use cordon_stats::{
    profile::Cell,
    text::{Features, Side, Words},
};

use super::{StatsError, no_column};
use crate::tables::{self, Delimiter, LeftOut, OnRow};

/// The columns that stand for a text: its features, by name.
fn names_of(column: &str) -> impl Iterator<Item = String> {
    Features::NAMES.iter().map(move |feature| format!("{column}: {feature}"))
}

/// Reads a table with the features of its texts in front of its columns.
pub(super) fn read(
    path: &Path,
    delimiter: Delimiter,
    texts: &[String],
    on_row: OnRow<'_>,
) -> Result<LeftOut, StatsError> {
    if texts.is_empty() {
        return Ok(tables::read(path, delimiter, on_row)?);
    }
    let derived: Vec<String> = texts.iter().flat_map(|column| names_of(column)).collect();
    let (mut all, mut places) = (derived.clone(), vec![None; texts.len()]);
    let left_out = tables::read(path, delimiter, &mut |names, cells| {
        if all.len() != derived.len() + names.len() {
            all.truncate(derived.len());
            all.extend_from_slice(names);
            let place = |column: &String| names.iter().position(|name| name == column);
            places = texts.iter().map(place).collect();
        }
        if cells.is_empty() {
            on_row(&all, &[]);
            return;
        }
        let mut row: Vec<Cell<'_>> = Vec::with_capacity(all.len());
        for place in &places {
            match place.and_then(|at| cells.get(at)) {
                Some(Cell::Text(text)) => row.extend(Features::of(text).cells()),
                _ => row.extend([Cell::Missing; Features::NAMES.len()]),
            }
        }
        row.extend_from_slice(cells);
        on_row(&all, &row);
    })?;
    let missing = texts.iter().zip(&places).find(|(_, place)| place.is_none());
    missing.map_or(Ok(left_out), |(column, _)| Err(no_column(path, column)))
}

/// The words of each text column.
pub(super) struct AllWords {
    columns: Vec<String>,
    words: Vec<Words>,
}

impl AllWords {
    pub(super) fn new(columns: &[String]) -> Self {
        Self { columns: columns.to_vec(), words: vec![Words::default(); columns.len()] }
    }

    /// The words of a row.
    pub(super) fn add(&mut self, side: Side, names: &[String], cells: &[Cell<'_>]) {
        for (column, words) in self.columns.iter().zip(&mut self.words) {
            let at = names.iter().position(|name| name == column);
            if let Some(Cell::Text(text)) = at.and_then(|at| cells.get(at)) {
                words.add(side, text);
            }
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &Words)> {
        self.columns.iter().map(String::as_str).zip(&self.words)
    }
}
