//! International bank account numbers (ISO 13616).

use super::{is_glued, is_word, value};
use crate::checksum;
use crate::detector::IBAN;
use crate::segment::{Candidate, Value};

pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while let Some([a, b, c, d]) = text.get(i..i + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()) {
        let head =
            a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit();
        if !head || is_glued(candidate, i) {
            i += 1;
            continue;
        }
        match checksum::iban_length(&[a, b]).and_then(|length| iban_at(text, i, length)) {
            Some(end) => {
                out.push(value(i, end, IBAN, "pii/iban", 98));
                i = end;
            }
            None => i += 4,
        }
    }
}

/// Where the IBAN of this length that begins at `from` ends.
fn iban_at(text: &[u8], from: usize, length: usize) -> Option<usize> {
    let mut characters = Vec::with_capacity(length);
    let mut at = from;
    while characters.len() < length {
        match text.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => characters.push(*byte),
            Some(b' ' | b'-' | b'.') if text.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) => {}
            _ => return None,
        }
        at += 1;
    }
    (!is_word(text.get(at).copied()) && checksum::iban(&characters)).then_some(at)
}
