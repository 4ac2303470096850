//! CSV (RFC 4180), with other delimiters, ragged rows and a byte order mark.

use std::{
    io::{BufRead, BufReader},
    path::Path,
};

use cordon_stats::profile::Cell;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    Delimiter, LONGEST_ROW, LeftOut, MOST_COLUMNS, OnRow, TableError, cell, distinct_names, watched,
};

pub(super) fn read(
    path: &Path,
    delimiter: Delimiter,
    id: Option<&str>,
    on_row: OnRow<'_>,
) -> Result<LeftOut, TableError> {
    let mut source = BufReader::with_capacity(1 << 16, watched(path)?);
    let delimiter = match delimiter {
        Some(delimiter) => delimiter,
        None => likely(source.fill_buf().map_err(|source| TableError::Io { path: path.to_owned(), source })?),
    };
    let mut records = Records::new(path, source, delimiter);
    let Some(header) = records.next()? else {
        return Err(TableError::Empty { path: path.to_owned() });
    };
    let header = record_texts(&header).map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let names = distinct_names(header);
    let id = id.and_then(|id| names.iter().position(|name| name == id));
    let other_delimiter = other_delimiter(&names, delimiter);
    let mut left_out = LeftOut { other_delimiter, ..LeftOut::default() };
    let (mut any, mut decimal_commas) = (false, 0);
    while let Some(record) = records.next()? {
        any = true;
        let width = record.ends.len();
        left_out.long_rows += u64::from(width > names.len());
        left_out.short_rows += u64::from(width < names.len());
        let mut give = |texts: &mut dyn Iterator<Item = &str>| {
            let cell = |(at, text)| if id == Some(at) { cell::of_id(text) } else { cell::of_text(text) };
            let missing = std::iter::repeat(Cell::Missing);
            let row: Vec<Cell<'_>> = texts.enumerate().map(cell).chain(missing).take(names.len()).collect();
            let commas = row.iter().filter(|cell| matches!(cell, Cell::Text(text) if has_comma(text)));
            decimal_commas += commas.count() as u64;
            on_row(&names, &row);
        };
        if let Ok(text) = std::str::from_utf8(record.bytes) {
            // Cells of valid text are valid themselves: the delimiter is one byte of its own.
            give(&mut record.spans().map(|(from, to)| text.get(from..to).unwrap_or_default()));
        } else {
            left_out.not_utf8 += 1;
            let texts: Vec<_> = record_texts(&record).collect();
            give(&mut texts.iter().map(AsRef::as_ref));
        }
    }
    if !any {
        on_row(&names, &[]);
    }
    Ok(LeftOut { decimal_commas, ..left_out })
}

/// What parts the name of the only column, in the order of how often tables have it.
fn other_delimiter(names: &[String], delimiter: u8) -> Option<char> {
    let [only] = names else { return None };
    let others = [',', ';', '\t', '|', '~', '^', ':'].into_iter();
    others.filter(|other| *other != char::from(delimiter)).find(|other| only.contains(*other))
}

/// Digits, a comma and digits, with or without a sign.
fn has_comma(text: &str) -> bool {
    let is_digits =
        |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    // Most texts begin with a letter.
    let [b'0'..=b'9' | b'+' | b'-', ..] = text.as_bytes() else { return false };
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.rsplit_once(',')
        .is_some_and(|(whole, part)| is_digits(whole.as_bytes()) && is_digits(part.as_bytes()))
}

/// The delimiter that the first line has most of, quoted parts aside; a comma where it has none.
fn likely(start: &[u8]) -> u8 {
    let mut quoted = false;
    let line = start.iter().take_while(|byte| **byte != b'\n');
    let outside: Vec<u8> = line
        .filter(|byte| {
            quoted ^= **byte == b'"';
            !quoted
        })
        .copied()
        .collect();
    let count = |delimiter: &u8| outside.iter().filter(|byte| *byte == delimiter).count();
    // The last of equal ones wins: a comma.
    b"|\t;,".iter().copied().max_by_key(count).unwrap_or(b',')
}

/// One row: its cells without quotes and delimiters, one after the other, and where each ends.
struct Record<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl Record<'_> {
    fn spans(&self) -> impl Iterator<Item = (usize, usize)> {
        std::iter::once(0).chain(self.ends.iter().copied()).zip(self.ends.iter().copied())
    }
}

/// The cells as texts, whatever their bytes are.
fn record_texts<'a>(record: &'a Record<'a>) -> impl Iterator<Item = std::borrow::Cow<'a, str>> {
    record.spans().map(|(from, to)| String::from_utf8_lossy(record.bytes.get(from..to).unwrap_or_default()))
}

/// Rows out of bytes, in memory that is bounded whatever the bytes are.
struct Records<'a, R> {
    path: &'a Path,
    source: R,
    parser: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    row: u64,
}

impl<'a, R: BufRead> Records<'a, R> {
    fn new(path: &'a Path, source: R, delimiter: u8) -> Self {
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        Self { path, source, parser, bytes: vec![0; 1 << 12], ends: vec![0; 64], row: 0 }
    }

    fn next(&mut self) -> Result<Option<Record<'_>>, TableError> {
        self.row += 1;
        let (mut length, mut cells) = (0, 0);
        loop {
            let input = self.source.fill_buf();
            let input = input.map_err(|source| TableError::Io { path: self.path.to_owned(), source })?;
            // A last line end that the file may lack: it ends a row, or is nothing where there is none, or part of a cell within quotes.
            let is_end = input.is_empty();
            let input = if is_end { b"\n" } else { input };
            let (bytes, ends) = (self.bytes.get_mut(length..), self.ends.get_mut(cells..));
            let (result, read, written, ended) =
                self.parser.read_record(input, bytes.unwrap_or_default(), ends.unwrap_or_default());
            if !is_end {
                self.source.consume(read);
            }
            length += written;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty if is_end && written > 0 => {
                    return Err(TableError::OpenQuote { path: self.path.to_owned(), row: self.row });
                }
                ReadRecordResult::InputEmpty if is_end => return Ok(None),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    let path = self.path.to_owned();
                    grow(&mut self.bytes, LONGEST_ROW)
                        .ok_or(TableError::RowTooLong { path, row: self.row })?;
                }
                ReadRecordResult::OutputEndsFull => {
                    let path = self.path.to_owned();
                    grow(&mut self.ends, MOST_COLUMNS).ok_or(TableError::TooManyColumns { path })?;
                }
                ReadRecordResult::Record => {
                    let bytes = self.bytes.get(..length).unwrap_or_default();
                    return Ok(Some(Record { bytes, ends: self.ends.get(..cells).unwrap_or_default() }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}

/// Twice as long, up to the most. `None` when it is as long already.
fn grow<T: Copy + Default>(buffer: &mut Vec<T>, most: usize) -> Option<()> {
    let longer = (buffer.len() * 2).min(most);
    (longer > buffer.len()).then(|| buffer.resize(longer, T::default()))
}
