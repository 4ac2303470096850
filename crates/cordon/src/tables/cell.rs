//! What a text in a cell is.

use cordon_stats::profile::Cell;
use jiff::{Timestamp, civil, tz::TimeZone};

/// Reads a cell of a text format.
///
/// Missing: nothing, `NA`, `N/A`, `null`, `NULL`, `None`, `\N`. Numbers: as programs write them, `NaN`, `inf` and `Infinity` too; whole
/// ones that begin with a needless zero are texts, because they are codes. Booleans: `true`, `false`, `True`, `False`, `TRUE`,
/// `FALSE`. Dates: ISO 8601, with or without a time, a zone counts. Everything else is a text.
pub(super) fn of_text(text: &str) -> Cell<'_> {
    let trimmed = text.trim_ascii();
    let Some(first) = trimmed.as_bytes().first() else {
        // White space alone was written by somebody; nothing was not.
        return if text.is_empty() { Cell::Missing } else { Cell::Text(text) };
    };
    match first {
        b'0'..=b'9' | b'-' | b'+' | b'.' => {
            number(trimmed).or_else(|| date(trimmed)).unwrap_or(Cell::Text(text))
        }
        b'N' | b'n' | b'\\' if matches!(trimmed, "NA" | "N/A" | "null" | "NULL" | "None" | "\\N") => {
            Cell::Missing
        }
        b'N' | b'n' if trimmed.eq_ignore_ascii_case("nan") => Cell::Decimal(f64::NAN),
        b'I' | b'i' if matches!(trimmed, "inf" | "Inf" | "Infinity" | "infinity") => {
            Cell::Decimal(f64::INFINITY)
        }
        b'T' | b't' if matches!(trimmed, "true" | "True" | "TRUE") => Cell::Boolean(true),
        b'F' | b'f' if matches!(trimmed, "false" | "False" | "FALSE") => Cell::Boolean(false),
        _ => Cell::Text(text),
    }
}

/// A cell that names its row: a whole number of too many digits for a number is a text.
pub(super) fn of_id(text: &str) -> Cell<'_> {
    let trimmed = text.trim_ascii();
    match of_text(text) {
        Cell::Decimal(_) if trimmed.bytes().all(|byte| byte.is_ascii_digit()) => Cell::Text(trimmed),
        cell => cell,
    }
}

/// A text of a format that has numbers and booleans of its own: a date or a text.
pub(super) fn of_string(text: &str) -> Cell<'_> {
    date(text).unwrap_or(Cell::Text(text))
}

fn number(text: &str) -> Option<Cell<'static>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole && digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    if whole && let Ok(value) = text.parse() {
        return Some(Cell::Integer(value));
    }
    text.parse().ok().map(Cell::Decimal)
}

/// Seconds since 1970 of a day or a moment.
fn date(text: &str) -> Option<Cell<'static>> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    if !shaped || bytes.len() > 40 {
        return None;
    }
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    Some(Cell::Date(moment.as_microsecond() as f64 / 1e6))
}
