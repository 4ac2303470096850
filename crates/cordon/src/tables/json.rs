//! JSON lines: one object a line; columns come and go.

use std::{
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use cordon_stats::profile::Cell;
use serde_json::{Map, Value};

use super::{LONGEST_ROW, LeftOut, MOST_COLUMNS, OnRow, TableError, cell, watched};

pub(super) fn read(path: &Path, id: Option<&str>, on_row: OnRow<'_>) -> Result<LeftOut, TableError> {
    let mut source = BufReader::with_capacity(1 << 16, watched(path)?);
    let mut left_out = LeftOut::default();
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let mut line = Vec::new();
    let mut any = false;
    while next_line(&mut source, &mut line)
        .map_err(|source| TableError::Io { path: path.to_owned(), source })?
    {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Ok(row) = serde_json::from_slice::<Map<String, Value>>(&line) else {
            left_out.broken_lines += 1;
            continue;
        };
        any = true;
        for name in row.keys().filter(|name| !known.contains_key(*name)).cloned().collect::<Vec<_>>() {
            if names.len() == MOST_COLUMNS {
                return Err(TableError::TooManyColumns { path: path.to_owned() });
            }
            known.insert(name.clone(), names.len());
            names.push(name);
        }
        // Lists and objects are compared as their JSON, and so are ids that no number holds.
        let is_long = |value: &Value| value.is_u64() && !value.is_i64();
        let nested: Vec<(usize, String)> = row
            .iter()
            .filter(|(name, value)| {
                value.is_array() || value.is_object() || (id == Some(name.as_str()) && is_long(value))
            })
            .filter_map(|(name, value)| Some((*known.get(name)?, value.to_string())))
            .collect();
        let mut cells = vec![Cell::Missing; names.len()];
        for (name, value) in &row {
            if let Some(place) = known.get(name).and_then(|at| cells.get_mut(*at)) {
                *place = of_value(value);
            }
        }
        for (at, text) in &nested {
            if let Some(place) = cells.get_mut(*at) {
                *place = Cell::Text(text);
            }
        }
        on_row(&names, &cells);
    }
    if any {
        Ok(left_out)
    } else {
        Err(TableError::NoRow { path: path.to_owned(), why: "no line is a JSON object" })
    }
}

fn of_value(value: &Value) -> Cell<'_> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::Number(number) => number
            .as_i64()
            .map(Cell::Integer)
            .or_else(|| number.as_f64().map(Cell::Decimal))
            .unwrap_or(Cell::Missing),
        Value::String(text) => cell::of_string(text),
    }
}

/// The next line, whatever its length; of one that is too long only the beginning, which is then no JSON.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let read = source.by_ref().take(LONGEST_ROW as u64).read_until(b'\n', line)?;
    if read == LONGEST_ROW && line.last() != Some(&b'\n') {
        line.truncate(1);
        while !source.fill_buf()?.is_empty() {
            let rest = source.fill_buf()?;
            let (length, found) = match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (rest.len(), false),
            };
            source.consume(length);
            if found {
                break;
            }
        }
        line.push(b'!');
    }
    Ok(read > 0)
}
