//! Tables in files: CSV, JSON lines and Parquet, read in a stream, row by row, in bounded memory.
//!
//! What a row or a cell is worth is decided here once, for every command that reads data. Nothing is dropped silently: what
//! could not be read is counted in [`LeftOut`] and said. What the whole file makes senseless is a [`TableError`].

mod cell;
mod contained;
mod csv;
mod json;
mod kind;
mod lists;
mod parquet;
mod progress;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use cordon_stats::profile::{Cell, ProfileError};

pub(crate) use kind::format;

/// Bytes of one row: a quote that is never closed must not take the memory.
const LONGEST_ROW: usize = 1 << 20;
/// Columns of a table.
const MOST_COLUMNS: usize = 4_096;

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("`{path}` ends within its array; help: was it written to its end?", path = path.display())]
    Cut { path: PathBuf },
    #[error("`{path}` is empty; help: a table has at least a header", path = path.display())]
    Empty { path: PathBuf },
    #[error("`{path}` cannot be read", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{path}` has no row that can be read: {why}", path = path.display())]
    NoRow { path: PathBuf, why: &'static str },
    #[error("`{path}` {what}, and no table that can be read; help: {way}", path = path.display())]
    NoTable { path: PathBuf, what: &'static str, way: &'static str },
    #[error(
        "a quote in row {row} of `{path}` is never closed, and takes the rest of the file into one cell; help: a quote within a cell is \
         written twice, in a cell with quotes around it",
        path = path.display()
    )]
    OpenQuote { path: PathBuf, row: u64 },
    #[error("`{path}` is not a Parquet file that can be read", path = path.display())]
    Parquet { path: PathBuf, source: Box<::parquet::errors::ParquetError> },
    #[error(
        "`{path}` is a pipe or a device, and files are read twice; help: write it to a file first",
        path = path.display()
    )]
    Pipe { path: PathBuf },
    #[error("`{path}`", path = path.display())]
    Profile { path: PathBuf, source: ProfileError },
    #[error(
        "row {row} of `{path}` is longer than a mebibyte; help: is a quote never closed, or the delimiter another one?",
        path = path.display()
    )]
    RowTooLong { path: PathBuf, row: u64 },
    #[error(
        "`{path}` is a saved profile, which has no rows, and each row is asked here; help: name the table that it is of",
        path = path.display()
    )]
    Saved { path: PathBuf },
    #[error("`{path}` has more than 4,096 columns; help: is the delimiter another one?", path = path.display())]
    TooManyColumns { path: PathBuf },
    #[error("`{path}` is UTF-16; help: convert it, such as by `iconv -f UTF-16 -t UTF-8`", path = path.display())]
    Utf16 { path: PathBuf },
}

/// What was not read as it stands, counted.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct LeftOut {
    /// Cells that are digits with a comma among them: texts, not numbers.
    pub(crate) decimal_commas: u64,
    /// What may part the cells of a table of one column, whose name has it.
    pub(crate) other_delimiter: Option<char>,
    /// Elements of an array that are no JSON object, or too long.
    pub(crate) broken_elements: u64,
    /// Lines that are no JSON object, or too long.
    pub(crate) broken_lines: u64,
    /// Columns that hold lists or groups (Parquet), by name.
    pub(crate) nested_columns: Vec<String>,
    /// Whole numbers that a double does not hold: they are compared by their first digits.
    pub(crate) long_numbers: u64,
    /// Cells that are not UTF-8: counted as texts, with `U+FFFD` for what is not.
    pub(crate) not_utf8: u64,
    /// Rows with more cells than the header: the surplus is left out.
    pub(crate) long_rows: u64,
    /// Rows with fewer cells than the header: the others are missing.
    pub(crate) short_rows: u64,
}

impl LeftOut {
    /// A sentence for each thing that was left out.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        let mut count = |count: u64, what: &str| {
            if count > 0 {
                said.push(format!("{count} {what}"));
            }
        };
        count(self.broken_elements, "elements are no JSON object of at most a mebibyte: left out");
        count(self.broken_lines, "lines are no JSON object of at most a mebibyte: left out");
        count(
            self.long_numbers,
            "whole numbers have more digits than are compared (beyond 2^53): those close to each other count as one; write ids as texts",
        );
        count(self.not_utf8, "rows have cells that are not UTF-8: read with replacement characters");
        count(self.long_rows, "rows have more cells than the header: the surplus is left out");
        count(self.short_rows, "rows have fewer cells than the header: the others are missing");
        count(
            self.decimal_commas,
            "cells are digits with a comma among them, such as `1,5`: read as texts; write numbers with a point",
        );
        if let Some(other) = self.other_delimiter {
            said.push(format!("there is one column, whose name has a `{other}` in it: does `--delimiter '{other}'` part the cells?"));
        }
        if !self.nested_columns.is_empty() {
            said.push(format!(
                "columns with lists or groups are left out: {}",
                self.nested_columns.join(", ")
            ));
        }
        said
    }
}

/// What receives rows: the names of the columns so far, and as many cells.
pub(crate) type OnRow<'a> = &'a mut dyn FnMut(&[String], &[Cell<'_>]);

/// How a CSV file's cells are parted; found out where it is not said.
pub(crate) type Delimiter = Option<u8>;

/// What a file is, by its first bytes: its name does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    /// One array of objects.
    JsonArray,
    /// An object a line.
    JsonLines,
    Parquet,
    Profile,
}

/// Reads every row of a table. Without any row the names of the columns are still told, once, with no cells.
pub(crate) fn read(path: &Path, delimiter: Delimiter, on_row: OnRow<'_>) -> Result<LeftOut, TableError> {
    rows(path, delimiter, None, on_row)
}

/// The same where a column names rows: a whole number of it that has more digits than a number keeps is the text of its digits.
pub(crate) fn read_with_ids(
    path: &Path,
    delimiter: Delimiter,
    id: &str,
    on_row: OnRow<'_>,
) -> Result<LeftOut, TableError> {
    rows(path, delimiter, Some(id), on_row)
}

fn rows(
    path: &Path,
    delimiter: Delimiter,
    id: Option<&str>,
    on_row: OnRow<'_>,
) -> Result<LeftOut, TableError> {
    let mut long_numbers = 0;
    let on_row: OnRow<'_> = &mut |names, cells| {
        for (cell, name) in cells.iter().zip(names) {
            if matches!(cell, Cell::Integer(value) if is_long(*value)) && id != Some(name.as_str()) {
                long_numbers += 1;
            }
        }
        on_row(names, cells);
    };
    let left_out = match format(path)? {
        Format::Csv => csv::read(path, delimiter, id, on_row),
        Format::JsonArray => json::read(path, json::Parted::ByCommas, id, on_row),
        Format::JsonLines => json::read(path, json::Parted::ByLines, id, on_row),
        Format::Parquet => parquet::read(path, id, on_row),
        Format::Profile => Err(TableError::Saved { path: path.to_owned() }),
    }?;
    Ok(LeftOut { long_numbers, ..left_out })
}

/// Has it more than the 53 binary digits that a double holds?
fn is_long(value: i64) -> bool {
    let size = value.unsigned_abs();
    size != 0 && size.ilog2() - size.trailing_zeros() >= f64::MANTISSA_DIGITS
}

/// Reads the lists of numbers of a column of Parquet: `None` where the file has none of that name. What is no list of at most
/// `longest` finite numbers is given as an empty one.
pub(crate) fn read_lists(
    path: &Path,
    name: &str,
    longest: usize,
    on_list: &mut dyn FnMut(&[f64]),
) -> Result<Option<LeftOut>, TableError> {
    lists::read(path, name, longest, on_list)
}

/// The file, watched by whoever sits at the terminal.
fn watched(path: &Path) -> Result<impl Read, TableError> {
    let failed = |source| TableError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    Ok(progress::Watched::new(file, path, size))
}

/// Names that are all there and all different, so that a column can be told by its name.
fn distinct_names(names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let named = |(at, name): (usize, String)| {
        let name = name.trim().to_owned();
        let name = if name.is_empty() { format!("column {}", at + 1) } else { name };
        let mut unique = name.clone();
        let mut copy = 2;
        while !seen.insert(unique.clone()) {
            unique = format!("{name} ({copy})");
            copy += 1;
        }
        unique
    };
    names.into_iter().enumerate().map(named).collect()
}

#[cfg(test)]
mod tests;
