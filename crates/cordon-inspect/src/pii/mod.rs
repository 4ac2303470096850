//! Personal data with a form that can be checked.
//!
//! Two readers share the work. [`find`] looks into a candidate of [`crate::segment`] for what may stand in endless text
//! or is no number: cards, IBANs, e-mail, IP and crypto addresses. [`groups::Groups`] reads everything that is written as a
//! few groups of letters and digits: phones, and every identifier that is one [`row::Row`] of a table in [`types`].

mod card;
pub(crate) mod check;
mod context;
mod coordinates;
mod counted;
mod crypto;
mod date;
mod email;
mod foreign;
mod groups;
mod iban;
mod ip;
mod mrz;
mod national;
mod phone;
mod row;
mod spelt;
mod types;

pub(crate) use date::months;
pub(crate) use foreign::Foreign;
pub(crate) use groups::{AFTER, Groups, MAX_RUN};
pub(crate) use row::{Table, detectors};
pub(crate) use spelt::Spelt;

use cordon_core::{Category, Score};

use crate::detector::Detector;
use crate::segment::{Candidate, Shape, Value};

/// What decides how telephone numbers are read, for the digest of the rules.
pub(crate) fn phones() -> String {
    format!("{}{:?}", phone::CODES, national::COUNTRIES)
}

/// Adds what a candidate holds.
pub(crate) fn find(candidate: &Candidate<'_>, shape: Shape, out: &mut Vec<Value>) {
    if shape.at || shape.brackets {
        email::find(candidate, out);
    }
    find_iban(candidate, shape, out);
    if shape.digits >= 7 {
        card::find(candidate, out);
    }
    if shape.digits >= 4 && shape.dots >= 3 {
        ip::find_v4(candidate, out);
    }
    if shape.colons >= 2 && shape.len >= 8 {
        ip::find_v6(candidate, out);
    }
    // What lies in an account number is no number of its own: its check digits decide.
    let accounts: Vec<(usize, usize)> = out
        .iter()
        .filter(|value| value.category.as_str() == "pii/iban" && value.score >= Score::percent(90))
        .map(|value| (value.start, value.end))
        .collect();
    if !accounts.is_empty() {
        out.retain(|value| {
            value.category.as_str() != "pii/card"
                || !accounts.iter().any(|(start, end)| *start <= value.start && value.end <= *end)
        });
    }
    if shape.digits >= 14 && shape.len >= 18 {
        mrz::find(candidate, out);
    }
    if shape.digits >= 2 && shape.len >= 25 {
        crypto::find(candidate, out);
    }
}

/// Adds the account numbers that a candidate holds.
pub(crate) fn find_iban(candidate: &Candidate<'_>, shape: Shape, out: &mut Vec<Value>) {
    if shape.digits >= 7 {
        iban::find(candidate, out);
    }
}

fn value(start: usize, end: usize, detector: Detector, category: &'static str, percent: u32) -> Value {
    Value { start, end, detector, category: Category::known(category), score: Score::percent(percent) }
}

/// The byte before `at`, in the candidate or in its context.
pub(crate) fn before(candidate: &Candidate<'_>, at: usize) -> Option<u8> {
    match at.checked_sub(1) {
        Some(i) => candidate.text.get(i).copied(),
        None => candidate.left.last().copied(),
    }
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
}

/// Whether what stands before `at` belongs to the same word: letters and digits, but for those of [`unspaced`] scripts.
fn is_glued(candidate: &Candidate<'_>, at: usize) -> bool {
    is_word(before(candidate, at)) && (at > 0 || !ends_unspaced(candidate.left))
}

/// Whether a character whose first byte this is, is of a script in which numbers stand right beside letters: those that have no spaces between
/// words (Han, kana, Thai, Lao, Khmer, Burmese), and those that put particles to what they belong to (Hangul, Arabic, Hebrew, those of
/// India). Letters with marks are folded to ASCII before.
const fn unspaced(first: u8) -> bool {
    matches!(first, 0xd7..=0xdf | 0xe0..=0xe1 | 0xe3..=0xed | 0xf0)
}

/// Whether some bytes end with a character of such a script.
fn ends_unspaced(bytes: &[u8]) -> bool {
    let mut last = bytes.iter().rev().take(4).skip_while(|byte| matches!(byte, 0x80..=0xbf));
    bytes.last().is_some_and(|byte| *byte >= 0x80) && last.next().is_some_and(|first| unspaced(*first))
}

/// Whether one of the words stands near before `at`, as a whole word or the end of one (`order_id`).
pub(crate) fn context_has(candidate: &Candidate<'_>, at: usize, reach: usize, words: &[&str]) -> bool {
    let own = candidate.text.get(at.saturating_sub(reach)..at).unwrap_or_default();
    let left_len = reach.saturating_sub(own.len()).min(candidate.left.len());
    let left = candidate.left.get(candidate.left.len() - left_len..).unwrap_or_default();
    [left, own].iter().any(|bytes| words.iter().any(|word| contains_word(bytes, word.as_bytes())))
}

fn contains_word(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).enumerate().any(|(i, window)| {
        window.eq_ignore_ascii_case(word)
            && !bytes.get(i + word.len()).is_some_and(u8::is_ascii_alphabetic)
            && !i.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphabetic)
    })
}
