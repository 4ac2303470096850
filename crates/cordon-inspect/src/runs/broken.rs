//! Values that a line break cuts, and cards written in cells: `4111 1111⏎1111 1111`, `| 4111 | 1111 | 1111 | 1111 |`.
//!
//! Their check digits or their form must bear it: a column of numbers is none, nor is a row of more than one card has groups.

use cordon_core::{Category, Score};

use super::Held;
use crate::fold::FoldedText;
use crate::scanner::{CONTEXT, Context};
use crate::segment::{Candidate, Shape, Value, in_iban};
use crate::{checksum, pii, secret};

/// Folded bytes behind a break or the end of a group that are waited for.
const AHEAD: usize = 72;
/// Folded bytes of a line that are looked at on either side of its break.
const SIDE: usize = 64;
/// What indents the line behind a break.
const MAX_INDENT: usize = 8;
/// Bytes between two groups in cells.
const MAX_BETWEEN: usize = 12;
/// Fewer digits are no number of a card or an account.
const MIN_DIGITS: usize = 12;
/// Shorter words are no half of a key.
const MIN_HALF: usize = 6;

/// The breaks that wait for what follows them.
#[derive(Debug, Default)]
pub(super) struct Broken(Vec<Break>);

#[derive(Clone, Copy, Debug)]
struct Break {
    at: usize,
    /// What was held before it.
    start: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Line,
    Cells,
}

impl Broken {
    pub(super) fn live(&self) -> Option<usize> {
        self.0.iter().map(|open| open.start).min()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(super) fn unchanged(&self, i: usize) -> usize {
        self.0.first().map_or(usize::MAX, |open| (open.at + AHEAD).saturating_sub(i))
    }

    pub(super) fn memory(&self) -> usize {
        self.0.capacity() * size_of::<Break>()
    }

    /// Whether the byte at `i` may cut a value.
    #[inline]
    pub(super) fn asks(i: usize, byte: u8, text: &FoldedText) -> bool {
        matches!(byte, b'\n' | b'\r' | b'|' | b',' | b';' | b'*' | b'_' | b'"' | b'\'' | b'`' | b'<' | b'\t')
            && kind(i, byte, text).is_some()
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, byte: u8, held: Option<Held>, context: &mut Context<'_>) {
        while let Some(open) = self.0.first().copied().filter(|open| i >= open.at + AHEAD) {
            self.0.remove(0);
            open.read(i, context);
        }
        if let Some(held) = held
            && let Some(kind) = kind(i, byte, context.text)
        {
            self.0.push(Break { at: i, start: held.start, kind });
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        for open in std::mem::take(&mut self.0) {
            open.read(end, context);
        }
    }
}

/// What the byte at `i` may cut, by what stands before it.
fn kind(i: usize, byte: u8, text: &FoldedText) -> Option<Kind> {
    let before = text.slice(i.saturating_sub(SIDE), i);
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let last = before.last()?;
    let line = matches!(byte, b'\n' | b'\r');
    if !(last.is_ascii_digit() || line && last.is_ascii_alphabetic()) {
        return None;
    }
    let tail = |test: fn(&u8) -> bool| {
        let from = before.iter().rposition(|byte| !test(byte)).map_or(0, |at| at + 1);
        before.get(from..).unwrap_or_default()
    };
    if !line {
        let group = tail(u8::is_ascii_alphanumeric);
        return (is_first(group) && group.iter().all(u8::is_ascii_digit)).then_some(Kind::Cells);
    }
    let word = tail(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let number = digits == word.len() && digits > 0 && {
        let number = tail(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
        number.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
    };
    let key = digits > 0 && digits < word.len() && word.len() >= MIN_HALF;
    let account = || word.len() <= 4 && !word.iter().any(u8::is_ascii_lowercase) && in_iban(before);
    (number || key || account()).then_some(Kind::Line)
}

/// Whether four digits may begin the number of a card (ISO/IEC 7812).
fn is_first(group: &[u8]) -> bool {
    matches!(group, [b'3'..=b'6', _, _, _] | [b'2', b'2'..=b'7', _, _])
}

impl Break {
    /// Reads what stands around it; the text is known up to folded byte `end`.
    fn read(self, end: usize, context: &mut Context<'_>) {
        let end = end.min(self.at + AHEAD);
        let found = match self.kind {
            Kind::Line => line(self.at, end, context),
            Kind::Cells => cells(self.at, end, context).into_iter().collect(),
        };
        for (value, (start, end)) in found {
            context.report(&value.detector, value.category, value.score, (start.max(self.start), end), false);
        }
    }
}

/// Values that the line break at `at` cuts, with their places.
fn line(at: usize, end: usize, context: &Context<'_>) -> Vec<(Value, (usize, usize))> {
    let text = context.text;
    let back = text.slice(at.saturating_sub(SIDE), at);
    let back = back.strip_suffix(b" ").unwrap_or(back);
    let trimmed = text.slice(at.saturating_sub(SIDE), at).len() - back.len();
    let from = back.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let back = back.get(from..).unwrap_or_default();
    let first = at - trimmed - back.len();
    // `\r\n` and what indents the line.
    let ahead = text.slice(at, end);
    let breaks = ahead.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let indent = ahead.iter().skip(breaks).take_while(|byte| **byte == b' ').count();
    if ahead.iter().take(breaks).filter(|byte| **byte == b'\n').count() > 1 || indent > MAX_INDENT {
        return Vec::new();
    }
    let behind = at + breaks + indent;
    let ahead = ahead.get(breaks + indent..).unwrap_or_default();
    let ahead = ahead.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !ahead.first().is_some_and(u8::is_ascii_alphanumeric) {
        return Vec::new();
    }
    let between = joint(back);
    let mut joined = back.to_vec();
    joined.extend(between);
    let cut = back.len();
    let second = joined.len();
    joined.extend_from_slice(ahead);
    let mut values = Vec::new();
    let candidate = Candidate { left: text.slice(first.saturating_sub(CONTEXT), first), text: &joined };
    let shape = Shape::of(&joined);
    if shape.digits >= MIN_DIGITS {
        pii::find(&candidate, shape, &mut values);
    }
    if between.is_none() && is_half(ahead) {
        let tokens = &context.tables.tokens;
        let whole = |text: &[u8], touches: fn(&Value, usize) -> bool| {
            let (mut values, shape) = (Vec::new(), Shape::of(text));
            secret::find_formed(&Candidate { left: &[], text }, shape, tokens, &mut values);
            values.iter().any(|value| touches(value, text.len()))
        };
        // A key that ends with its line ends there, and one that begins a line begins there.
        if !whole(back, |value, end| value.end == end) && !whole(ahead, |value, _| value.start == 0) {
            secret::find_formed(&candidate, shape, tokens, &mut values);
        }
    }
    let [card, iban, secret] = ["pii/card", "pii/iban", "secret"].map(Category::known);
    values.retain(|value| {
        let outside = [joined.get(..value.start), joined.get(value.end..)];
        let words = || outside.iter().flatten().any(|bytes| bytes.iter().any(u8::is_ascii_alphabetic));
        value.start < cut
            && value.end > second
            && (value.category == card && words() || value.category == iban || secret.covers(&value.category))
    });
    let place = |value: Value| {
        let span = (first + value.start, behind + value.end - second);
        (value, span)
    };
    values.into_iter().map(place).collect()
}

/// Whether a line begins with what may be the rest of a key.
fn is_half(line: &[u8]) -> bool {
    let length = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    let word = line.get(..length).unwrap_or_default();
    length >= MIN_HALF && word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// What stands between the groups of the number at the end of a line.
fn joint(line: &[u8]) -> Option<u8> {
    let group = line.iter().rposition(|byte| !byte.is_ascii_alphanumeric())?;
    let before = group.checked_sub(1).and_then(|at| line.get(at))?;
    let digits = line.get(group + 1..)?.iter().all(u8::is_ascii_digit) || in_iban(line);
    let sign = line.get(group).copied().filter(|sign| matches!(sign, b' ' | b'-'))?;
    (digits && (before.is_ascii_digit() || in_iban(line))).then_some(sign)
}

/// The card whose first group ends before `at`, all its groups with the same between them.
fn cells(at: usize, end: usize, context: &Context<'_>) -> Option<(Value, (usize, usize))> {
    let text = context.text;
    let start = at - 4 - usize::from(text.byte(at.checked_sub(1)?) == Some(b' '));
    let bytes = text.slice(start, end);
    let between = bytes.get(4..)?;
    let between = between.get(..between.iter().position(u8::is_ascii_digit)?)?;
    // Groups of more than one card, and numbers with decimals, are a table.
    let before = text.slice(start.saturating_sub(between.len() + 1), start);
    let goes_on = before.ends_with(between) && before.first().is_some_and(u8::is_ascii_alphanumeric);
    if between.is_empty() || between.len() > MAX_BETWEEN || goes_on {
        return None;
    }
    let (mut groups, mut rest, mut length) = (Vec::new(), bytes, 0);
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        groups.push(rest.get(..digits)?);
        rest = rest.get(digits..)?;
        length += digits;
        match rest.strip_prefix(between) {
            Some(after) if after.first().is_some_and(u8::is_ascii_digit) && groups.len() <= 4 => {
                rest = after;
                length += between.len();
            }
            _ => break,
        }
    }
    let form = matches!(
        groups.iter().map(|group| group.len()).collect::<Vec<_>>().as_slice(),
        [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4]
    );
    let digits: Vec<u8> = groups.concat().iter().map(|byte| byte.wrapping_sub(b'0')).collect();
    if !form || rest.first().is_some_and(|byte| is_word(*byte)) || !checksum::luhn(&digits) {
        return None;
    }
    let joined = groups.join(&b' ');
    let candidate = Candidate { left: text.slice(start.saturating_sub(CONTEXT), start), text: &joined };
    let mut values = Vec::new();
    pii::find(&candidate, Shape::of(&joined), &mut values);
    let mut value = values.into_iter().find(|value| value.end == joined.len() && value.start == 0)?;
    // Without a word that names a card it may be a row of numbers.
    if value.score == Score::percent(95) {
        value.score = Score::percent(60);
    }
    Some((value, (start, start + length)))
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}
