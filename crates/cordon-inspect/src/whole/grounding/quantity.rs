//! The numbers, dates and times of a sentence, with what they measure.

use super::token::{is_small, stem};
use super::unit::{Dimension, is_rough, magnitude, month, number, unit};

/// The most of them in a sentence.
const MOST: usize = 32;

/// A sign that makes a number negative, however it was written.
const MINUS: char = '−';

/// What a sentence says as a number or a date.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Quantity {
    Number(Number),
    Date(Date),
}

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) dimension: Dimension,
    /// As it is written, without its unit.
    raw: f64,
    /// In the base unit.
    value: f64,
    /// The same, where a separator may mean something else.
    other: Option<f64>,
    /// Digits to which another number may be rounded.
    digits: Option<i32>,
    rough: bool,
    /// Whether it is written as a word.
    word: bool,
}

/// A date, as far as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    year: Option<u16>,
    month: u8,
    day: Option<u8>,
    /// Whether month and day may be meant the other way round.
    swaps: bool,
}

/// A word, a number or a sign of a sentence.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Word(String),
    /// Digits with the signs between them.
    Digits(String),
    Sign(char),
}

/// What a sentence says as numbers and dates, in their order.
pub(super) fn quantities(sentence: &str) -> Vec<Quantity> {
    let pieces = pieces(sentence);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if found.len() >= MOST {
            break;
        }
        let read = match piece {
            Piece::Digits(text) => date(&pieces, at, text).or_else(|| plain(&pieces, at, text)),
            Piece::Word(word) => month_first(&pieces, at, word).or_else(|| spelled(&pieces, at, word)),
            Piece::Sign(_) => None,
        };
        at = match read {
            Some((quantity, next)) => {
                found.push(quantity);
                next.max(at.saturating_add(1))
            }
            None => at.saturating_add(1),
        };
    }
    found
}

fn pieces(sentence: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let characters: Vec<char> = sentence.chars().collect();
    let mut at = 0;
    let of = |at: usize| characters.get(at).copied().unwrap_or(' ');
    while at < characters.len() {
        let start = at;
        let c = of(at);
        let before = at.checked_sub(1).map_or(' ', of);
        // A minus stands before its number; between two numbers it is a dash.
        let is_minus = matches!(c, '-' | '−') && of(at + 1).is_ascii_digit();
        if is_minus && (before.is_whitespace() || before == '(') {
            found.push(Piece::Sign(MINUS));
            at += 1;
        } else if c.is_ascii_digit() {
            while of(at).is_ascii_digit()
                || matches!(of(at), '.' | ',' | '\'' | '’' | '/' | ':' | '-') && of(at + 1).is_ascii_digit()
                || matches!(of(at), ' ' | '\u{a0}' | '\u{202f}') && is_group(&of, start, at)
            {
                at += 1;
            }
            let text: String =
                characters.get(start..at).unwrap_or_default().iter().filter(|c| !c.is_whitespace()).collect();
            match range(&text) {
                Some((from, to)) => found.extend([Piece::Digits(from), Piece::Sign('-'), Piece::Digits(to)]),
                None => found.push(Piece::Digits(text)),
            }
        } else if c.is_alphabetic() || c == '°' {
            while of(at).is_alphanumeric() || matches!(of(at), '°' | '\'' | '’') {
                at += 1;
            }
            let word: String = characters.get(start..at).unwrap_or_default().iter().collect();
            found.push(Piece::Word(word.trim_matches(['\'', '’']).to_lowercase()));
        } else {
            if !c.is_whitespace() {
                found.push(Piece::Sign(c));
            }
            at += 1;
        }
    }
    found
}

/// From where to where digits with one dash go, such as `5-7`. Longer ones are labels.
fn range(text: &str) -> Option<(String, String)> {
    let (from, to) = text.split_once('-')?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() <= 3);
    (number(from)? < number(to)?).then(|| (from.to_owned(), to.to_owned()))
}

/// Whether a space parts groups of three digits.
fn is_group(of: &impl Fn(usize) -> char, start: usize, at: usize) -> bool {
    let digits =
        |from: usize, count: usize| (from..from.saturating_add(count)).all(|at| of(at).is_ascii_digit());
    let before = at.saturating_sub(start);
    before <= 11
        && (before <= 3 || of(at.saturating_sub(4)).is_whitespace())
        && digits(at + 1, 3)
        && !of(at + 4).is_ascii_digit()
}

fn word(pieces: &[Piece], at: usize) -> Option<&str> {
    match pieces.get(at)? {
        Piece::Word(word) => Some(word),
        _ => None,
    }
}

fn sign(pieces: &[Piece], at: usize) -> Option<char> {
    match pieces.get(at)? {
        Piece::Sign(sign) => Some(*sign),
        _ => None,
    }
}

fn digits(pieces: &[Piece], at: usize) -> Option<&str> {
    match pieces.get(at)? {
        Piece::Digits(text) => Some(text),
        _ => None,
    }
}

/// A date that begins with digits: `2024-03-05`, `05.03.2024`, `5 March 2024`, `5. März`.
fn date(pieces: &[Piece], at: usize, text: &str) -> Option<(Quantity, usize)> {
    for separator in ['-', '/', '.'] {
        let parts: Vec<&str> = text.split(separator).collect();
        if let [first, second, third] = parts.as_slice() {
            let of = |part: &str| part.parse::<u16>().ok();
            let (first_number, second_number, third_number) = (of(first)?, of(second)?, of(third)?);
            let (year, month, day) = match (first.len(), third.len()) {
                (4, _) => (first_number, second_number, third_number),
                (_, 4) => (third_number, second_number, first_number),
                (_, 2) => (third_number.saturating_add(2000), second_number, first_number),
                _ => return None,
            };
            let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
            // Only a stroke is used for both orders.
            let (month, day) = if month > 12 { (day, month) } else { (month, day) };
            if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
                return None;
            }
            let swaps = separator == '/' && day <= 12;
            return Some((Quantity::Date(Date { year: Some(year), month, day: Some(day), swaps }), at + 1));
        }
    }
    let day: u8 = text.parse().ok().filter(|day| (1..=31).contains(day))?;
    let mut next = at + 1;
    while matches!(sign(pieces, next), Some('.'))
        || matches!(word(pieces, next), Some("of" | "th" | "st" | "nd" | "rd" | "de" | "do"))
    {
        next += 1;
    }
    let month = month(word(pieces, next)?)?;
    let mut next = next + 1;
    while matches!(sign(pieces, next), Some(',' | '.')) {
        next += 1;
    }
    let year = year(pieces, next);
    let end = if year.is_some() { next + 1 } else { next };
    Some((Quantity::Date(Date { year, month, day: Some(day), swaps: false }), end))
}

/// A date that begins with a month: `March 5, 2024`, `March 2024`.
fn month_first(pieces: &[Piece], at: usize, named: &str) -> Option<(Quantity, usize)> {
    let month = month(named)?;
    if let Some(year) = year(pieces, at + 1) {
        return Some((Quantity::Date(Date { year: Some(year), month, day: None, swaps: false }), at + 2));
    }
    let day: u8 = digits(pieces, at + 1)?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let mut next = at + 2;
    while matches!(sign(pieces, next), Some(','))
        || matches!(word(pieces, next), Some("th" | "st" | "nd" | "rd"))
    {
        next += 1;
    }
    let year = year(pieces, next);
    let end = if year.is_some() { next + 1 } else { at + 2 };
    Some((Quantity::Date(Date { year, month, day: Some(day), swaps: false }), end))
}

fn year(pieces: &[Piece], at: usize) -> Option<u16> {
    let text = digits(pieces, at).filter(|text| text.len() == 4)?;
    text.parse().ok().filter(|year| (1900..2100).contains(year))
}

/// A number with its unit, or a time of the day.
fn plain(pieces: &[Piece], at: usize, text: &str) -> Option<(Quantity, usize)> {
    if let Some((hours, minutes)) = text.split_once(':') {
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        let is_clock = hours < 25 && minutes < 60;
        return is_clock.then(|| clock(pieces, at, f64::from(hours), f64::from(minutes)));
    }
    let is_negative = at.checked_sub(1).and_then(|before| sign(pieces, before)) == Some(MINUS);
    let bare = text.trim_matches(['-', '/', ':']);
    // A label such as 12/7 or 555-0199 is no number.
    if bare.contains(['-', '/', ':']) {
        return None;
    }
    let next = word(pieces, at + 1);
    if let (Some("am" | "pm" | "uhr" | "h"), Ok(hours)) = (next, bare.parse::<u16>())
        && hours < 25
    {
        return Some(clock(pieces, at, f64::from(hours), 0.0));
    }
    let (raw, other) = value(bare).filter(|(raw, _)| raw.is_finite())?;
    let is_year = bare.len() == 4 && (1900.0..2100.0).contains(&raw) && !is_negative;
    if is_year && unit_at(pieces, at).is_none() {
        let number = Number {
            dimension: Dimension::Year,
            raw,
            value: raw,
            other: None,
            digits: None,
            rough: false,
            word: false,
        };
        return Some((Quantity::Number(number), at + 1));
    }
    let digits = bare.chars().filter(char::is_ascii_digit).collect::<String>();
    let digits = digits.trim_start_matches('0');
    let has_fraction = bare.contains(['.', ',']) && other.is_none();
    let digits = if has_fraction { digits } else { digits.trim_end_matches('0') };
    let digits = i32::try_from(digits.len().max(1)).unwrap_or(i32::MAX);
    let raw = if is_negative { -raw } else { raw };
    let other = other.map(|other| if is_negative { -other } else { other });
    Some(measured(pieces, at, (raw, other), digits, has_fraction, false))
}

/// A number that is written as a word. Alone it says little; with a unit it counts.
fn spelled(pieces: &[Piece], at: usize, named: &str) -> Option<(Quantity, usize)> {
    let raw = number(named)?;
    word(pieces, at + 1)?;
    Some(measured(pieces, at, (raw, None), 2, false, true))
}

fn clock(pieces: &[Piece], at: usize, hours: f64, minutes: f64) -> (Quantity, usize) {
    let named = word(pieces, at + 1);
    let hours = match named {
        Some("pm") if hours < 12.0 => hours + 12.0,
        Some("am") if hours == 12.0 => 0.0,
        _ => hours,
    };
    let value = hours * 60.0 + minutes;
    let next = if matches!(named, Some("am" | "pm" | "uhr" | "h")) { at + 2 } else { at + 1 };
    let number = Number {
        dimension: Dimension::Clock,
        raw: value,
        value,
        other: None,
        digits: None,
        rough: false,
        word: false,
    };
    (Quantity::Number(number), next)
}

/// A number with what it measures: the sign before it, or the words after it, of which one may stand in between.
fn measured(
    pieces: &[Piece],
    at: usize,
    (raw, other): (f64, Option<f64>),
    digits: i32,
    has_fraction: bool,
    is_word: bool,
) -> (Quantity, usize) {
    let mut next = at + 1;
    let mut scale = 1.0;
    if let Some(larger) = word(pieces, next).and_then(magnitude) {
        scale = larger;
        next += 1;
    }
    let (dimension, factor, next) = match unit_at(pieces, next.saturating_sub(1)) {
        Some((dimension, factor, end)) => (dimension, factor, end),
        None => {
            let before = at.checked_sub(1).and_then(|before| match pieces.get(before)? {
                Piece::Sign(sign) => unit(&sign.to_string()),
                Piece::Word(word) => {
                    unit(word).filter(|(dimension, _)| matches!(dimension, Dimension::Money(_)))
                }
                Piece::Digits(_) => None,
            });
            let counted = word(pieces, next).filter(|word| !is_small(word)).map(stem);
            before.map_or((Dimension::Count(counted), 1.0, next), |(dimension, factor)| {
                (dimension, factor, next)
            })
        }
    };
    let rough =
        (1..=2).any(|back| at.checked_sub(back).and_then(|at| word(pieces, at)).is_some_and(is_rough));
    // 120 is not 123 rounded; 1.2 and 1.2 million may be rounded.
    let digits = (has_fraction || scale > 1.0).then_some(digits);
    let number = Number {
        dimension,
        raw: raw * scale,
        value: raw * scale * factor,
        other: other.map(|other| other * scale * factor),
        digits,
        rough,
        word: is_word,
    };
    (Quantity::Number(number), next)
}

/// The unit behind a number, and where the text goes on.
fn unit_at(pieces: &[Piece], at: usize) -> Option<(Dimension, f64, usize)> {
    if let Some(found) = sign(pieces, at + 1).and_then(|sign| unit(&sign.to_string())) {
        return Some((found.0, found.1, at + 2));
    }
    let first = word(pieces, at + 1)?;
    if let Some((dimension, factor)) = unit(first) {
        return Some((dimension, factor, at + 2));
    }
    // working days, business hours, full years
    let (dimension, factor) = word(pieces, at + 2).filter(|_| !is_small(first)).and_then(unit)?;
    Some((dimension, factor, at + 3))
}

/// A number, and the other one that it may be where its only separator has three digits behind it.
fn value(text: &str) -> Option<(f64, Option<f64>)> {
    let text = text.replace(['\'', '’'], "");
    let points = text.matches(['.', ',']).count();
    let plain = |text: &str| text.replace(['.', ','], "").parse::<f64>().ok();
    let decimal = |text: &str| {
        let at = text.rfind(['.', ','])?;
        let (whole, part) = (text.get(..at)?, text.get(at + 1..)?);
        format!("{}.{part}", whole.replace(['.', ','], "")).parse::<f64>().ok()
    };
    match points {
        0 => Some((text.parse().ok()?, None)),
        1 => {
            let is_group = text.len() >= 4 && text.rfind(['.', ',']) == Some(text.len() - 4);
            let fraction = decimal(&text)?;
            if is_group { Some((plain(&text)?, Some(fraction))) } else { Some((fraction, None)) }
        }
        _ => {
            let is_mixed = text.contains('.') && text.contains(',');
            if is_mixed { Some((decimal(&text)?, None)) } else { Some((plain(&text)?, None)) }
        }
    }
}

impl Quantity {
    /// Whether both measure the same, so that one can be said in place of the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Date(_), Self::Date(_)) => true,
            (Self::Number(one), Self::Number(other)) => match (one.dimension, other.dimension) {
                // What is counted must be the same thing.
                (Dimension::Count(one), Dimension::Count(other)) => one.is_some() && one == other,
                (one, other) => one == other,
            },
            _ => false,
        }
    }

    /// Whether one says what the other says: the same value, or one that is rounded to as many digits.
    pub(super) fn is_same(&self, source: &Self) -> bool {
        match (self, source) {
            (Self::Date(one), Self::Date(other)) => one.is_same(*other),
            (Self::Number(number), Self::Date(date)) | (Self::Date(date), Self::Number(number)) => {
                number.dimension == Dimension::Year
                    && date.year.is_some_and(|year| f64::from(year) == number.raw)
            }
            (Self::Number(one), Self::Number(other)) => one.is_same(other),
        }
    }

    /// Whether both are the same number of different things that are known here, such as grams and kilograms.
    pub(super) fn differs_in_unit(&self, source: &Self) -> bool {
        let (Self::Number(one), Self::Number(other)) = (self, source) else { return false };
        let is_known = |number: &Number| {
            !matches!(number.dimension, Dimension::Count(_) | Dimension::Year | Dimension::Clock)
        };
        is_known(one) && is_known(other) && is_near(one.raw, other.raw) && !one.is_same(other)
    }

    /// Whether it is so small or so bare that it may have been counted by whoever wrote the sentence.
    pub(super) fn is_slight(&self) -> bool {
        match self {
            Self::Number(number) => {
                number.word
                    || matches!(number.dimension, Dimension::Count(_))
                        && number.raw.fract() == 0.0
                        && number.raw <= 12.0
            }
            Self::Date(_) => false,
        }
    }
}

impl Number {
    fn is_same(&self, source: &Self) -> bool {
        let fits = match (self.dimension, source.dimension) {
            // A bare number is any of that value.
            (Dimension::Count(_), Dimension::Clock) | (Dimension::Clock, Dimension::Count(_)) => false,
            (Dimension::Count(_), _) | (_, Dimension::Count(_)) => {
                return self.is_value(source, self.raw, source.raw);
            }
            (one, other) => one == other,
        };
        fits && (self.is_value(source, self.value, source.value)
            || self.dimension == Dimension::Clock && is_near((self.value - source.value).abs(), 720.0))
    }

    fn is_value(&self, source: &Self, one: f64, other: f64) -> bool {
        let near = |one: f64, other: f64| {
            // What is rounded, or rough, is no further away than half of it.
            if (one - other).abs() > 0.5 * other.abs() + 1.0 {
                return false;
            }
            is_near(one, other)
                || self.digits.is_some_and(|digits| is_near(one, rounded(other, digits)))
                || (self.rough || source.rough) && (one - other).abs() <= 0.05 * other.abs()
        };
        near(one, other)
            || self.other.is_some_and(|one| near(one, source.value))
            || source.other.is_some_and(|other| near(self.value, other))
    }
}

impl Date {
    fn is_same(self, other: Self) -> bool {
        let agrees = |one: Self| {
            one.month == other.month
                && one.year.zip(other.year).is_none_or(|(one, other)| one == other)
                && one.day.zip(other.day).is_none_or(|(one, other)| one == other)
        };
        let swapped = self.day.map(|day| Self { month: day, day: Some(self.month), ..self });
        agrees(self) || (self.swaps || other.swaps) && swapped.is_some_and(agrees)
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

/// A number to so many digits that count.
fn rounded(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() || digits > 15 {
        return value;
    }
    let places = f64::from(digits) - value.abs().log10().floor() - 1.0;
    let scale = 10_f64.powf(places);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;
