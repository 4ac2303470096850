//! Lines of machine-readable travel documents (ICAO Doc 9303, parts 4 to 6), by their check digits.
//!
//! All three sizes hold `birth, check, sex, expiry, check` in a row; in passports and TD2 cards number, check and country stand in
//! front of it, in TD1 cards the country behind it. The filler `<` parts what is read together, so a number that is
//! shorter than its field is not part of the finding.

use super::check::{icao, is_year_month_day, number};
use super::{is_glued, is_word, value};
use crate::detector::MRZ;
use crate::segment::{Candidate, Value};

/// Characters of `YYMMDD`, check, sex, `YYMMDD`, check.
const CORE: usize = 15;
/// Characters of number, check and country in front of it.
const HEAD: usize = 13;

/// Adds the line that a candidate is, or the part of one that no filler interrupts.
pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let length = candidate.text.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    let text = candidate.text.get(..length).unwrap_or_default();
    if !(CORE..=44).contains(&length)
        || is_glued(candidate, 0)
        || is_word(candidate.text.get(length).copied())
    {
        return;
    }
    // A passport's line, the rest of one whose number is shorter, a card's second line.
    let found = core(text, HEAD) && is_checked(text, 0, 9) && is_country(text, 10)
        || core(text, HEAD - 9) && is_country(text, 1)
        || core(text, 0) && length == CORE + 3 && is_country(text, CORE);
    if found {
        out.push(value(0, length, MRZ, "pii/passport/mrz", 97));
    }
}

/// Whether birth, sex and expiry stand at `at`, with their check digits.
fn core(text: &[u8], at: usize) -> bool {
    let digits =
        |from: usize| text.get(from..from + 7).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    digits(at)
        && digits(at + 8)
        && matches!(text.get(at + 7), Some(b'M' | b'F' | b'X'))
        && is_year_month_day(text, at)
        && is_year_month_day(text, at + 8)
        && is_checked(text, at, 6)
        && is_checked(text, at + 8, 6)
}

/// Whether the character behind `length` of them is their check digit.
fn is_checked(text: &[u8], at: usize, length: usize) -> bool {
    let end = at + length;
    text.get(end).is_some_and(u8::is_ascii_digit)
        && text.get(at..end).is_some_and(|field| icao(field) == number(text, end..end + 1))
}

fn is_country(text: &[u8], at: usize) -> bool {
    text.get(at..at + 3).is_some_and(|letters| letters.iter().all(u8::is_ascii_uppercase))
}
