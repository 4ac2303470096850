//! Payment cards (ISO/IEC 7812).

use super::{context_has, is_glued, is_word, value};
use crate::checksum;
use crate::detector::CARD;
use crate::segment::{Candidate, Value};

/// A group of digits in a number.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
    /// The separators before it, as one byte; 0 for several different ones.
    separator: u8,
}

/// A number as it is written: groups of digits with separators between them.
struct Number<'a> {
    text: &'a [u8],
    groups: &'a [Group],
}

impl Number<'_> {
    fn digits(&self) -> usize {
        self.groups.iter().map(|group| group.end - group.start).sum()
    }
    fn values(&self) -> Vec<u8> {
        let groups = self.groups.iter().filter_map(|group| self.text.get(group.start..group.end));
        groups.flatten().map(|b| b - b'0').collect()
    }
    fn start(&self) -> usize {
        self.groups.first().map_or(0, |group| group.start)
    }
    fn end(&self) -> usize {
        self.groups.last().map_or(0, |group| group.end)
    }
    /// The one separator used between all groups.
    fn separator(&self) -> Option<u8> {
        let first = self.groups.get(1)?.separator;
        self.groups.iter().skip(1).all(|group| group.separator == first).then_some(first)
    }
    fn lengths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.end - group.start).collect()
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
}

pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        if !text.get(i).is_some_and(u8::is_ascii_digit) || is_glued(candidate, i) {
            i += 1;
            continue;
        }
        let mut groups = Vec::new();
        let mut separator = 0;
        loop {
            let start = i;
            while text.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
            groups.push(Group { start, end: i, separator });
            let mut next = i;
            while next - i < 3 && text.get(next).copied().is_some_and(is_separator) {
                next += 1;
            }
            if next == i || !text.get(next).is_some_and(u8::is_ascii_digit) {
                break;
            }
            let between = text.get(i..next).unwrap_or_default();
            separator = if between.len() == 1 { between.first().copied().unwrap_or(0) } else { 0 };
            i = next;
        }
        if is_word(text.get(i).copied()) && text.get(i) != Some(&b'x') && text.get(i) != Some(&b'e') {
            groups.pop();
        }
        number(candidate, &groups, out);
        i += 1;
    }
}

/// The cards in one number.
fn number(candidate: &Candidate<'_>, groups: &[Group], out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut at = 0;
    while let Some(rest) = groups.get(at..).filter(|rest| !rest.is_empty()) {
        let found = (1..=rest.len().min(8)).rev().find_map(|count| {
            let number = Number { text, groups: rest.get(..count)? };
            let whole = rest.get(count).is_none();
            card(candidate, &number, whole).map(|found| (count, found))
        });
        match found {
            Some((count, value)) => {
                out.push(value);
                at += count;
            }
            None => at += 1,
        }
    }
}

const NOT_CARD: [&str; 12] = [
    "tracking",
    "order",
    "invoice",
    "id",
    "serial",
    "reference",
    "ref",
    "imei",
    "isbn",
    "timestamp",
    "parcel",
    "shipment",
];
const CARD_WORDS: [&str; 13] = [
    "card",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "amex",
    "pan",
    "cc",
    "payment",
    "maestro",
    "karte",
    "carte",
    "tarjeta",
];

fn card(candidate: &Candidate<'_>, number: &Number<'_>, whole: bool) -> Option<Value> {
    let count = number.digits();
    if !(12..=19).contains(&count) {
        return None;
    }
    let digits = number.values();
    let lengths = number.lengths();
    let grouped = match number.groups.len() {
        1 => false,
        2 => return None,
        _ => {
            let form = matches!(
                lengths.as_slice(),
                [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 1..=3] | [4, 4, 4, 1..=3]
            );
            if !form || !matches!(number.separator(), Some(b' ' | b'-' | b'.')) {
                return None;
            }
            true
        }
    };
    if !grouped && !whole || !checksum::luhn(&digits) {
        return None;
    }
    let named = || context_has(candidate, number.start(), 60, &CARD_WORDS);
    let percent = match issuer(&digits) {
        Issuer::Known if named() => 99,
        // Zeros in a dump of memory have Luhn's digit too.
        Issuer::Known if grouped && in_dump(candidate, number.start(), &digits) => return None,
        Issuer::Known if grouped => 95,
        Issuer::Known if context_has(candidate, number.start(), 40, &NOT_CARD) => 40,
        Issuer::Known => 85,
        Issuer::Possible if named() => 90,
        Issuer::Possible if grouped => 60,
        // Issuers come and go; a word that names a card and Luhn's check remain.
        Issuer::None if named() && count >= 12 => 75,
        _ => return None,
    };
    Some(value(number.start(), number.end(), CARD, "pii/card", percent))
}

/// Whether mostly zeros stand behind another group of four hexadecimal digits, as dumps have them.
fn in_dump(candidate: &Candidate<'_>, start: usize, digits: &[u8]) -> bool {
    let before = |back: usize| match start.checked_sub(back) {
        Some(at) => candidate.text.get(at),
        None => candidate.left.get((candidate.left.len() + start).checked_sub(back)?),
    };
    let zeros = digits.iter().filter(|digit| **digit == 0).count();
    zeros * 2 > digits.len()
        && before(1) == Some(&b' ')
        && (2..=5).all(|back| before(back).is_some_and(u8::is_ascii_hexdigit))
}

enum Issuer {
    Known,
    Possible,
    None,
}

/// Issuer identification numbers with their lengths (ISO/IEC 7812 ranges as the schemes publish them).
fn issuer(digits: &[u8]) -> Issuer {
    let prefix = |n: usize| digits.iter().take(n).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    let length = digits.len();
    match (prefix(4), length) {
        (4000..=4999, 13 | 16 | 19)
        | (5100..=5599 | 2221..=2720, 16)
        | (3400..=3499 | 3700..=3799, 15)
        | (6011 | 6440..=6599, 16..=19)
        | (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14)
        | (3528..=3589, 16..=19)
        | (2200..=2204, 16..=19) => Issuer::Known,
        (6200..=6299, 16..=19) => Issuer::Known,
        (5000..=5099 | 5600..=5899 | 6000..=6999 | 8100..=8299, 12..=19)
        | (2014 | 2149, 15)
        | (1800 | 2131, 15) => Issuer::Possible,
        _ => Issuer::None,
    }
}
