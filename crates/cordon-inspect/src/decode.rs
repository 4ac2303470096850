//! Encoded runs (base64, base32, hexadecimal and binary digits, ROT13, words without spaces) are decoded and looked at again, to a
//! fixed depth.
//!
//! What is found inside is reported with the encoded characters that hold it, whole groups of them.

use cordon_core::{Category, Finding};

use crate::detector;
use crate::joined;
use crate::pii::{self, before};
use crate::runs::rotate;
use crate::scanner::Context;
use crate::secret;
use crate::seen::Encoding;
use crate::segment::{Candidate, Shape, Value};
use crate::view::{View, Way};

/// Fewer encoded characters than this hold no sentence and no key.
const MIN_RUN: usize = 20;
/// A line of an encoded text in lines is at least this wide (RFC 7468 writes 64, MIME 76).
pub(crate) const MIN_LINE: usize = 60;
/// So many printable bytes in a row are text, whatever surrounds them.
const MIN_STRETCH: usize = 16;
/// Bytes of a decoded run that is text throughout.
const MIN_TEXT: usize = 12;

/// Bytes at the start of a run that say whether all of it may be base64 in ROT13.
const MAX_HEAD: usize = 48;

/// Longer candidates are no key in ROT13.
const MAX_ROTATED: usize = 512;

/// Adds what is hidden in the encoded runs of a candidate, which ends at folded byte `end`.
pub(crate) fn find(
    candidate: &Candidate<'_>,
    shape: Shape,
    end: usize,
    context: &Context<'_>,
    out: &mut Vec<Value>,
) {
    if context.nesting.is_deepest() || shape.len < MIN_RUN {
        return;
    }
    if shape.digits > 1 && shape.len <= MAX_ROTATED {
        rotated(candidate, shape, context, out);
    }
    let text = candidate.text;
    if let Some(view) = joined::view(text, &context.tables.rules) {
        // An address or a key is none with a space in it.
        let families = ["prompt_injection", "leak"].map(Category::known);
        let counts = |found: &Finding| families.iter().any(|family| family.covers(&found.category));
        report(&view, 0, end, counts, context, out);
    }
    let mut i = 0;
    while i < text.len() {
        let length = run_length(text.get(i..).unwrap_or_default());
        if length >= MIN_RUN {
            let (run, lines) = unfolded(text.get(i..i + length).unwrap_or_default());
            let clipped = i == 0 && before(candidate, 0).is_some_and(is_base64);
            for view in views(&run, clipped) {
                report(&view.through(lines.clone()), i, end, |_| true, context, out);
            }
        }
        i += length.max(1);
    }
}

/// Adds what is found in a view of what begins at byte `from` of a candidate that ends at folded byte `end`, as far as it counts.
fn report(
    view: &View,
    from: usize,
    end: usize,
    counts: impl Fn(&Finding) -> bool,
    context: &Context<'_>,
    out: &mut Vec<Value>,
) {
    for finding in view.findings(end, context).into_iter().filter(|finding| counts(finding)) {
        let Some(detector) = detector::named(finding.detector) else { continue };
        out.push(Value {
            start: from + finding.span.start,
            end: from + finding.span.end,
            detector,
            category: finding.category,
            score: finding.score,
        });
    }
}

/// Adds keys and account numbers that a candidate holds in ROT13.
fn rotated(candidate: &Candidate<'_>, shape: Shape, context: &Context<'_>, out: &mut Vec<Value>) {
    let text: Vec<u8> = candidate.text.iter().map(|byte| rotate(*byte)).collect();
    let turned = Candidate { left: candidate.left, text: &text };
    let mut values = Vec::new();
    secret::find_formed(&turned, shape, &context.tables.tokens, &mut values);
    pii::find_iban(&turned, shape, &mut values);
    // What reads the same both ways was looked for already, and so was an address with a password, whose signs stay as they are.
    values.retain(|value| {
        value.detector != detector::CONNECTION
            && text.get(value.start..value.end) != candidate.text.get(value.start..value.end)
    });
    if let Some(trace) = context.trace.filter(|_| !values.is_empty()) {
        let findings: Vec<Finding> = values.iter().map(Value::finding).collect();
        trace.note(Encoding::Rot13, context.nesting.depth() + 1, &String::from_utf8_lossy(&text), &findings);
    }
    out.append(&mut values);
}

/// A run without its line breaks, and the way back.
fn unfolded(text: &[u8]) -> (Vec<u8>, Way) {
    if text.iter().all(|byte| is_base64(*byte)) {
        return (text.to_vec(), Way::blocks(0, text.len(), (1, 1)));
    }
    let (mut run, mut way) = (Vec::with_capacity(text.len()), Way::default());
    let mut from = 0;
    for line in text.split_inclusive(|byte| !is_base64(*byte)) {
        let length = line.iter().take_while(|byte| is_base64(**byte)).count();
        if length > 0 {
            way.push(run.len(), (from, from + length), (1, 1));
            run.extend_from_slice(line.get(..length).unwrap_or_default());
        }
        from += line.len();
    }
    (run, way)
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
pub(crate) fn views(run: &[u8], clipped: bool) -> Vec<View> {
    let mut views = Vec::new();
    let mut add = |encoding, decoded: Vec<u8>, from: usize, end: usize, block| {
        views.extend(readable(encoding, decoded).map(|view| view.through(Way::blocks(from, end, block))));
    };
    for (from, end) in stretches(run, u8::is_ascii_hexdigit) {
        // A letter before it may be a digit (`face…`), so pairs may begin anywhere.
        for from in [from, from + 1] {
            let bytes = hexadecimal(run.get(from..end).unwrap_or_default());
            add(Encoding::Hexadecimal, bytes, from, end, (1, 2));
        }
    }
    for (from, end) in stretches(run, is_rotated_hexadecimal) {
        let turned = turned(run.get(from..end).unwrap_or_default());
        if turned.iter().any(u8::is_ascii_alphabetic) {
            add(Encoding::Hexadecimal, hexadecimal(&turned), from, end, (1, 2));
        }
    }
    for (from, end) in stretches(run, is_bit) {
        // Less is no sentence; what precedes the first digit of a window may belong to its byte.
        for shift in if clipped && from == 0 { 0..8 } else { 0..1 } {
            let text = run.get(from + shift..end).unwrap_or_default();
            if text.len() >= 8 * MIN_TEXT {
                add(Encoding::CharacterCodes, binary(text), from + shift, end, (1, 8));
            }
        }
    }
    // Many readers take small letters too; a run has either.
    for (from, end) in stretches(run, is_base32).into_iter().chain(stretches(run, is_small_base32)) {
        for shift in if clipped && from == 0 { 0..8 } else { 0..1 } {
            let text = run.get(from + shift..end).unwrap_or_default();
            add(Encoding::Base32, base32(text), from + shift, end, (5, 8));
            add(Encoding::Base32, base32(&turned(text)), from + shift, end, (5, 8));
        }
    }
    let head = run.get(..MAX_HEAD).unwrap_or(run);
    let name = head.iter().rposition(|byte| matches!(byte, b'=' | b'/')).map(|at| at + 1);
    for from in std::iter::once(0).chain(name) {
        let text = run.get(from..).unwrap_or_default();
        // Nearly every run ends here: what begins it is no text in ROT13.
        if longest_stretch(&turned(text.get(..MAX_HEAD).unwrap_or(text))) >= MIN_STRETCH
            && let Some(bytes) = base64(&turned(text))
        {
            add(Encoding::Base64, bytes, from, run.len(), (3, 4));
        }
    }
    for shift in 0..4 {
        let Some(text) = run.get(shift..) else { break };
        // Only the first reading is tried in full; the others must show a stretch of ASCII first.
        if shift > 0 && longest_stretch(text) < MIN_STRETCH {
            continue;
        }
        if let Some(bytes) = base64(text) {
            add(Encoding::Base64, bytes, shift, run.len(), (3, 4));
        }
    }
    views
}

/// Where stretches of some bytes of one kind lie that are long enough to hold something.
fn stretches(run: &[u8], kind: impl Fn(&u8) -> bool) -> Vec<(usize, usize)> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (i, byte) in run.iter().chain([&0]).enumerate() {
        if !kind(byte) {
            if i - start >= MIN_RUN {
                found.push((start, i));
            }
            start = i + 1;
        }
    }
    found
}

/// RFC 4648 base32: capital letters and `2` to `7`.
const fn is_base32(byte: &u8) -> bool {
    matches!(*byte, b'A'..=b'Z' | b'2'..=b'7')
}

/// The same with small letters.
const fn is_small_base32(byte: &u8) -> bool {
    matches!(*byte, b'a'..=b'z' | b'2'..=b'7')
}

const fn is_bit(byte: &u8) -> bool {
    matches!(*byte, b'0' | b'1')
}

/// Whole bytes of eight binary digits each.
fn binary(text: &[u8]) -> Vec<u8> {
    text.as_chunks::<8>()
        .0
        .iter()
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | (bit & 1)))
        .collect()
}

/// Hexadecimal digits whose letters are thirteen places on.
const fn is_rotated_hexadecimal(byte: &u8) -> bool {
    matches!(*byte, b'0'..=b'9' | b'n'..=b's' | b'N'..=b'S')
}

/// Some bytes in ROT13.
fn turned(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| rotate(*byte)).collect()
}

/// Whole bytes of base32 without its padding.
fn base32(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len() * 5 / 8));
    for byte in text {
        let value = if byte.is_ascii_alphabetic() {
            byte.to_ascii_lowercase() - b'a'
        } else {
            byte.wrapping_sub(b'2').wrapping_add(26)
        };
        bits = bits << 5 | u32::from(value & 31);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    bytes
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
fn readable(encoding: Encoding, bytes: Vec<u8>) -> Option<View> {
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let control = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
        if control * 20 <= text.len() && text.len() >= MIN_TEXT {
            let way = Way::blocks(0, bytes.len(), (1, 1));
            return Some(View::new(encoding, bytes, way));
        }
    }
    if let Some((narrow, start, end)) = narrow(&bytes) {
        return Some(View::new(encoding, narrow, Way::blocks(start, end, (1, 2))));
    }
    // Without a branch on each byte: in random bytes no branch can be foretold.
    let (mut run, mut longest) = (0_usize, 0);
    for byte in &bytes {
        run = (run + 1) * usize::from(printable(*byte));
        longest = run.max(longest);
    }
    if longest < MIN_STRETCH {
        return None;
    }
    let (mut text, mut way, mut from) = (Vec::new(), Way::default(), 0);
    for stretch in bytes.split(|b| !printable(*b)) {
        if stretch.len() >= MIN_STRETCH {
            // With the byte that ended it, which a line break stands for.
            let end = (from + stretch.len() + 1).min(bytes.len());
            way.push(text.len(), (from, end), (1, 1));
            text.extend_from_slice(stretch);
            text.push(b'\n');
        }
        from += stretch.len() + 1;
    }
    Some(View::new(encoding, text, way))
}

/// The longest stretch of ASCII in UTF-16 (RFC 2781), of either order of bytes, as PowerShell's `-EncodedCommand` has it, and between
/// which bytes it stands; none where that is not most of them.
fn narrow(bytes: &[u8]) -> Option<(Vec<u8>, usize, usize)> {
    // One byte in two is zero where all of it is ASCII: no other text has two in five.
    if bytes.len() < 2 * MIN_TEXT || bytes.iter().filter(|byte| **byte == 0).count() * 5 < bytes.len() * 2 {
        return None;
    }
    // Either byte of a unit may be the zero: little or big end first.
    [(0, 1), (1, 0)]
        .into_iter()
        .filter_map(|(letter, zero)| {
            let (mut start, mut text, mut longest) = (0, Vec::new(), (Vec::new(), 0, 0));
            for (i, unit) in bytes.as_chunks::<2>().0.iter().chain([&[0, 0]]).enumerate() {
                let read = unit.get(letter).copied().filter(|byte| printable(*byte));
                match read.filter(|_| unit.get(zero) == Some(&0)) {
                    Some(byte) => text.push(byte),
                    None => {
                        if text.len() > longest.0.len() {
                            longest = (std::mem::take(&mut text), start, 2 * i);
                        }
                        text.clear();
                        start = 2 * (i + 1);
                    }
                }
            }
            Some(longest).filter(|(text, _, _)| text.len() >= MIN_TEXT && text.len() * 4 >= bytes.len())
        })
        .max_by_key(|(text, _, _)| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_in_utf_16_is_narrowed() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let text = "whoami; hostname";
        assert_eq!(narrow(&wide(text)), Some((text.into(), 0, 32)));
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(narrow(&big), Some((text.into(), 0, 32)));
        // With a mark of the order of bytes.
        assert_eq!(narrow(&[&[0xff, 0xfe], &wide(text)[..]].concat()), Some((text.into(), 2, 34)));
        assert_eq!(narrow(&[0; 64]), None);
        assert_eq!(narrow(text.as_bytes()), None);
    }

    #[test]
    fn rfc_4648_vectors() {
        for (encoded, plain) in
            [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba"), ("", "")]
        {
            assert_eq!(base64(encoded.as_bytes()).unwrap(), plain.as_bytes());
        }
        assert_eq!(base64(b"a.b"), None);
        assert_eq!(hexadecimal(b"666f6F"), b"foo");
        for (encoded, plain) in [("MY", "f"), ("MZXQ", "fo"), ("MZXW6YTBOI", "foobar")] {
            assert_eq!(base32(encoded.as_bytes()), plain.as_bytes());
        }
    }
}
