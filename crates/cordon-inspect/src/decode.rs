//! Encoded runs (base64, hexadecimal) are decoded and looked at again, to a fixed depth.
//!
//! What is found inside is reported with the span of the whole encoded run: nothing less can be cut out of it.

use std::sync::Arc;

use crate::detector::{
    CARD, CONNECTION, CRYPTO, Detector, EMAIL, GENERIC, HIDDEN, IBAN, IP, JWT, PHONE, PHRASE, PRIVATE_KEY,
    SSN, TEMPLATE, TOKEN,
};
use crate::engine::MAX_DEPTH;
use crate::pii::before;
use crate::scanner::{Context, Scanner};
use crate::segment::{Candidate, Shape, Value};

/// Fewer encoded characters than this hold no sentence and no key.
const MIN_RUN: usize = 20;
/// A line of an encoded text in lines is at least this wide (RFC 7468 writes 64, MIME 76).
pub(crate) const MIN_LINE: usize = 60;
/// So many printable bytes in a row are text, whatever surrounds them.
const MIN_STRETCH: usize = 16;
/// Bytes of a decoded run that is text throughout.
const MIN_TEXT: usize = 12;

/// Adds what is hidden in the encoded runs of a candidate.
pub(crate) fn find(candidate: &Candidate<'_>, shape: Shape, context: &Context<'_>, out: &mut Vec<Value>) {
    if context.depth >= MAX_DEPTH || shape.len < MIN_RUN {
        return;
    }
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let length = run_length(text.get(i..).unwrap_or_default());
        if length >= MIN_RUN {
            let lines = text.get(i..i + length).unwrap_or_default();
            let joined: Vec<u8>;
            let run = if lines.iter().any(|b| !is_base64(*b)) {
                joined = lines.iter().copied().filter(|b| is_base64(*b)).collect();
                &joined
            } else {
                lines
            };
            let clipped = i == 0 && before(candidate, 0).is_some_and(is_base64);
            let views = views(run, clipped);
            if let Some(found) = views.iter().find_map(|view| inside(view, context)) {
                for (detector, category, score) in found {
                    out.push(Value { start: i, end: i + length, detector, category, score });
                }
            }
        }
        i += length.max(1);
    }
}

pub(crate) const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// How long an encoded run is: lines as wide as MIME and PEM write them belong together.
fn run_length(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        let line = text.get(end..).unwrap_or_default().iter().take_while(|b| is_base64(**b)).count();
        end += line;
        let rest = text.get(end..).unwrap_or_default();
        let gap = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r' | b' ')).count();
        if line < MIN_LINE || gap == 0 || gap > 2 || !rest.get(gap).copied().is_some_and(is_base64) {
            return end;
        }
        end += gap;
    }
}

/// The texts that a run may stand for. What precedes an encoded text (`path/`, the window before) may belong to its
/// alphabet, so groups of four may begin anywhere.
fn views(run: &[u8], clipped: bool) -> Vec<Vec<u8>> {
    let mut views = Vec::new();
    let hex = run.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if hex >= MIN_RUN && hex == run.len() {
        let shifts = if clipped { 0..2 } else { 0..1 };
        views.extend(shifts.filter_map(|shift| readable(&hexadecimal(run.get(shift..)?))));
    }
    for shift in 0..4 {
        let Some(text) = run.get(shift..) else { break };
        // Only the first reading is tried in full; the others must show a stretch of ASCII first.
        if shift > 0 && longest_stretch(text) < MIN_STRETCH {
            continue;
        }
        if let Some(view) = base64(text).and_then(|bytes| readable(&bytes)) {
            views.push(view);
        }
    }
    views
}

/// The longest stretch of printable bytes that some base64 stands for, without keeping them.
fn longest_stretch(text: &[u8]) -> usize {
    let (mut run, mut longest) = (0_usize, 0_usize);
    for quad in text.as_chunks::<4>().0 {
        let group = quad.iter().fold(0_u32, |group, byte| {
            group << 6 | u32::from(SEXTETS.get(usize::from(*byte)).copied().unwrap_or(0) & 63)
        });
        let [_, bytes @ ..] = group.to_be_bytes();
        for byte in bytes {
            run = (run + 1) * usize::from(printable(byte));
            longest = longest.max(run);
        }
    }
    longest
}

const fn printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

/// RFC 4648 base64 of either alphabet; padding may be missing; what follows padding is not read.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4 + 3);
    let (quads, rest) = text.as_chunks::<4>();
    let mut padded = false;
    for quad in quads {
        let mut group = 0_u32;
        let mut invalid = 0_u8;
        for byte in quad {
            let sextet = SEXTETS.get(usize::from(*byte)).copied().unwrap_or(INVALID);
            invalid |= sextet & INVALID;
            group = group << 6 | u32::from(sextet & 63);
        }
        if invalid != 0 {
            let length = quad.iter().position(|b| *b == b'=')?;
            partial(quad.get(..length)?, &mut bytes)?;
            padded = true;
            break;
        }
        let [_, first, second, third] = group.to_be_bytes();
        bytes.extend_from_slice(&[first, second, third]);
    }
    if !padded {
        let length = rest.iter().position(|b| *b == b'=').unwrap_or(rest.len());
        partial(rest.get(..length)?, &mut bytes)?;
    }
    Some(bytes)
}

/// The bytes of an incomplete group of four.
fn partial(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let sextet = SEXTETS.get(usize::from(*byte)).copied().filter(|sextet| *sextet != INVALID)?;
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    Some(())
}

/// Not a character of base64.
const INVALID: u8 = 0x80;

/// What each character stands for, in both alphabets of RFC 4648.
const SEXTETS: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => INVALID,
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

fn hexadecimal(text: &[u8]) -> Vec<u8> {
    let nibble = |b: u8| char::from(b).to_digit(16).and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    text.as_chunks::<2>().0.iter().map(|[high, low]| nibble(*high) << 4 | nibble(*low)).collect()
}

/// The text in some bytes: all of them where they are text, else the stretches that are.
fn readable(bytes: &[u8]) -> Option<Vec<u8>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let control = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
        if control * 20 <= text.len() && text.len() >= MIN_TEXT {
            return Some(bytes.to_vec());
        }
    }
    // Without a branch on each byte: in random bytes no branch can be foretold.
    let (mut run, mut longest) = (0_usize, 0);
    for byte in bytes {
        run = (run + 1) * usize::from(printable(*byte));
        longest = run.max(longest);
    }
    if longest < MIN_STRETCH {
        return None;
    }
    let mut view = Vec::new();
    for stretch in bytes.split(|b| !printable(*b)).filter(|stretch| stretch.len() >= MIN_STRETCH) {
        view.extend_from_slice(stretch);
        view.push(b'\n');
    }
    Some(view)
}

type Inside = (Detector, cordon_core::Category, cordon_core::Score);

/// What a decoded view holds: the surest finding of each category.
fn inside(view: &[u8], context: &Context<'_>) -> Option<Vec<Inside>> {
    let text = std::str::from_utf8(view).ok()?;
    let mut scanner = Scanner::new(Arc::clone(context.tables), context.channel, &[], context.depth + 1);
    let mut findings = scanner.push(text).findings;
    findings.append(&mut scanner.finish().findings);
    findings.sort_by(|a, b| a.category.cmp(&b.category).then(b.score.cmp(&a.score)));
    findings.dedup_by(|a, b| a.category == b.category);
    let found: Vec<Inside> = findings
        .into_iter()
        .filter_map(|finding| Some((by_name(finding.detector)?, finding.category, finding.score)))
        .collect();
    (!found.is_empty()).then_some(found)
}

fn by_name(name: &str) -> Option<Detector> {
    [
        CARD,
        IBAN,
        EMAIL,
        PHONE,
        SSN,
        IP,
        CRYPTO,
        TOKEN,
        PRIVATE_KEY,
        JWT,
        CONNECTION,
        GENERIC,
        PHRASE,
        TEMPLATE,
        HIDDEN,
    ]
    .into_iter()
    .find(|detector| detector.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors() {
        for (encoded, plain) in
            [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba"), ("", "")]
        {
            assert_eq!(base64(encoded.as_bytes()).unwrap(), plain.as_bytes());
        }
        assert_eq!(base64(b"a.b"), None);
        assert_eq!(hexadecimal(b"666f6F"), b"foo");
    }
}
