//! Arithmetic that check digits are made of. What it checks is as a table hands it over: upper case, no separators, and
//! digits and letters where its form has them.

use std::ops::Range;

/// The value of a character: of a digit 0 to 9, of a letter 10 to 35.
pub(super) fn value(text: &[u8], at: usize) -> u32 {
    text.get(at).and_then(|byte| char::from(*byte).to_digit(36)).unwrap_or(0)
}

/// The digits of a range as a number, of at most nine digits.
pub(super) fn number(text: &[u8], range: Range<usize>) -> u32 {
    let digits = text.get(range.start..range.end.min(text.len())).unwrap_or_default();
    digits
        .iter()
        .filter(|b| b.is_ascii_digit())
        .fold(0, |sum: u32, b| sum.wrapping_mul(10) + u32::from(b - b'0'))
}

/// The digits of a range modulo a small number; letters are skipped.
pub(super) fn modulo(text: &[u8], range: Range<usize>, of: u32) -> u32 {
    let digits = text.get(range).unwrap_or_default().iter().filter(|b| b.is_ascii_digit());
    digits.fold(0, |rest, b| (rest * 10 + u32::from(b - b'0')) % of)
}

/// The values of characters times the weights, added up.
pub(super) fn weighted(text: &[u8], weights: &[u32]) -> u32 {
    weights.iter().enumerate().map(|(i, weight)| value(text, i) * weight).sum()
}

/// Whether all characters are the same one: never issued, though many checks pass.
pub(crate) fn repeats(text: &[u8]) -> bool {
    text.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// Luhn's check (ISO/IEC 7812-1, annex B) over digits.
pub(crate) fn luhn(text: &[u8]) -> bool {
    let digits: Vec<u8> = text.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect();
    !repeats(text) && crate::checksum::luhn(&digits)
}

/// ISO/IEC 7064 MOD 11,10 over digits.
pub(crate) fn mod_11_10(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let product = body.iter().fold(10, |product, byte| {
        let sum = (product + u32::from(byte.wrapping_sub(b'0'))) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(last.wrapping_sub(b'0'))
}

/// Verhoeff's check (J. Verhoeff, Error Detecting Decimal Codes, 1969) over digits: multiplication in the dihedral group
/// of ten elements, positions permuted.
pub(crate) fn verhoeff(text: &[u8]) -> bool {
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permute = |digit: u32| match digit {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    };
    let sum = text.iter().rev().enumerate().fold(0, |sum, (i, byte)| {
        let digit = (0..i % 8).fold(u32::from(byte.wrapping_sub(b'0')), |digit, _| permute(digit));
        product(sum, digit)
    });
    sum == 0
}

/// The check digit of machine-readable travel documents (ICAO Doc 9303, part 3, 4.9): weights 7, 3, 1.
pub(crate) fn icao(text: &[u8]) -> u32 {
    text.iter()
        .enumerate()
        .map(|(i, _)| value(text, i) * [7, 3, 1].get(i % 3).copied().unwrap_or(0))
        .sum::<u32>()
        % 10
}

/// Whether there is such a day; the year counts for the 29th of February.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether two digits of a year, a month and a day from `at` on can be a date of this or the last century.
pub(super) fn is_year_month_day(text: &[u8], at: usize) -> bool {
    let (year, month, day) =
        (number(text, at..at + 2), number(text, at + 2..at + 4), number(text, at + 4..at + 6));
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// The same for day, month and two digits of a year.
pub(super) fn is_day_month_year(text: &[u8], at: usize) -> bool {
    let (day, month, year) =
        (number(text, at..at + 2), number(text, at + 2..at + 4), number(text, at + 4..at + 6));
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// Whether a character is one of these.
pub(super) fn one_of(text: &[u8], at: usize, set: &[u8]) -> bool {
    text.get(at).is_some_and(|byte| set.contains(byte))
}

/// Whether a text begins with one of these, each joined by a space.
pub(super) fn begins_with(text: &[u8], heads: &str) -> bool {
    heads.split(' ').any(|head| text.starts_with(head.as_bytes()))
}

/// `11 - sum % 11` as most countries read it: 11 is 0, and 10 has no digit.
pub(super) fn eleven(sum: u32) -> Option<u32> {
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_check_and_their_typos_do_not() {
        // ISO/IEC 7064's own example, Verhoeff's, and the specimen of ICAO Doc 9303.
        assert!(mod_11_10(b"07945") && !mod_11_10(b"07946"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert_eq!((icao(b"L898902C3"), icao(b"740812")), (6, 2));
        assert!(is_date(2000, 2, 29) && !is_date(1900, 2, 29) && !is_date(2001, 13, 1));
    }
}
