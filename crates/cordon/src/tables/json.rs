//! JSON: one object a line, or one array of objects; columns come and go.

use std::{
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use cordon_stats::profile::Cell;
use serde_json::{Map, Value};

use super::{LONGEST_ROW, LeftOut, MOST_COLUMNS, OnRow, TableError, cell, watched};

/// What parts the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parted {
    ByCommas,
    ByLines,
}

pub(super) fn read(
    path: &Path,
    parted: Parted,
    id: Option<&str>,
    on_row: OnRow<'_>,
) -> Result<LeftOut, TableError> {
    let failed = |source| TableError::Io { path: path.to_owned(), source };
    let mut source = BufReader::with_capacity(1 << 16, watched(path)?);
    if source.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    let mut elements = Elements::default();
    let mut left_out = LeftOut::default();
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let next = match parted {
            Parted::ByCommas => elements.next(&mut source, &mut line),
            Parted::ByLines => next_line(&mut source, &mut line).map(Next::of_line),
        };
        match next.map_err(failed)? {
            Next::Cut => return Err(TableError::Cut { path: path.to_owned() }),
            Next::End => break,
            Next::One => {}
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Ok(row) = serde_json::from_slice::<Map<String, Value>>(&line) else {
            match parted {
                Parted::ByCommas => left_out.broken_elements += 1,
                Parted::ByLines => left_out.broken_lines += 1,
            }
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
        let why = match parted {
            Parted::ByCommas => "no element of its array is a JSON object",
            Parted::ByLines => "no line is a JSON object",
        };
        Err(TableError::NoRow { path: path.to_owned(), why })
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

/// What came next.
enum Next {
    /// The file ended within the array.
    Cut,
    End,
    One,
}

impl Next {
    fn of_line(any: bool) -> Self {
        if any { Self::One } else { Self::End }
    }
}

/// Where in an array the reader is. What an element holds is read by the parser of lines; here it is only found where it ends.
#[derive(Default)]
struct Elements {
    is_open: bool,
    is_closed: bool,
}

impl Elements {
    /// The next element, whatever its length; of one that is too long only the beginning, which is then no JSON. What stands behind the
    /// array is one more element.
    fn next(&mut self, source: &mut impl BufRead, element: &mut Vec<u8>) -> std::io::Result<Next> {
        element.clear();
        let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
        loop {
            let read = source.fill_buf()?;
            if read.is_empty() {
                return Ok(match (self.is_closed, element.is_empty()) {
                    (false, _) => Next::Cut,
                    (true, true) => Next::End,
                    (true, false) => Next::One,
                });
            }
            let mut used = 0;
            let mut has_ended = false;
            for byte in read {
                used += 1;
                let is_between = element.is_empty() && byte.is_ascii_whitespace();
                if is_between || (!self.is_open && *byte == b'[') {
                    self.is_open |= *byte == b'[';
                    continue;
                }
                if !self.is_closed && depth == 0 && !is_text && matches!(byte, b',' | b']') {
                    self.is_closed = *byte == b']';
                    has_ended = !element.is_empty();
                    if has_ended {
                        break;
                    }
                    continue;
                }
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_text => is_escaped = true,
                    b'"' => is_text = !is_text,
                    b'{' | b'[' if !is_text => depth = depth.saturating_add(1),
                    b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if element.len() < LONGEST_ROW {
                    element.push(*byte);
                }
            }
            source.consume(used);
            if has_ended {
                if element.len() == LONGEST_ROW {
                    element.truncate(1);
                }
                return Ok(Next::One);
            }
        }
    }
}
