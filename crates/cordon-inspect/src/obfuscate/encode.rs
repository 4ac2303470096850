//! Obfuscations that encode a text.

use std::fmt::Write as _;

use super::Draw;

/// RFC 4648, table 1.
pub(super) const BASE64: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// RFC 4648, table 2.
pub(super) const BASE64_URL: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// RFC 4648, table 3.
const BASE32: [u8; 32] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a line (RFC 2045).
const LINE: usize = 76;

/// Groups of `bytes` bytes as characters of `bits` bits each.
fn grouped(text: &[u8], bytes: usize, bits: u32, alphabet: &[u8], pad: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let characters = bytes * 8 / usize::try_from(bits).unwrap_or(1);
    for chunk in text.chunks(bytes) {
        let value =
            (0..bytes).fold(0_u64, |value, i| value << 8 | u64::from(chunk.get(i).copied().unwrap_or(0)));
        let filled = (chunk.len() * 8).div_ceil(usize::try_from(bits).unwrap_or(1));
        for i in 0..characters {
            let shift = bits * u32::try_from(characters - 1 - i).unwrap_or(0);
            let index = usize::try_from(value >> shift & ((1 << bits) - 1)).unwrap_or(0);
            if i < filled {
                out.extend(alphabet.get(index).map(|b| char::from(*b)));
            } else if pad {
                out.push('=');
            }
        }
    }
    out
}

pub(super) fn base64(text: &[u8], alphabet: &[u8; 64], pad: bool) -> String {
    grouped(text, 3, 6, alphabet, pad)
}

pub(super) fn base32(text: &[u8]) -> String {
    grouped(text, 5, 5, &BASE32, true)
}

/// ASCII text in lines.
pub(super) fn lines(text: &str) -> String {
    let lines: Vec<String> =
        text.as_bytes().chunks(LINE).map(|line| line.iter().map(|b| char::from(*b)).collect()).collect();
    lines.join("\n")
}

/// ASCII text cut into the fields of a JSON object, three to five of them.
pub(super) fn fields(text: &str, draw: &mut Draw) -> String {
    let count = 3 + usize::try_from(draw.next() % 3).unwrap_or(0);
    let size = text.len().div_ceil(count).max(1);
    let field = |(i, part): (usize, &[u8])| {
        format!("\"part{i}\": \"{}\"", part.iter().map(|b| char::from(*b)).collect::<String>())
    };
    let fields: Vec<String> = text.as_bytes().chunks(size).enumerate().map(field).collect();
    format!("{{{}}}", fields.join(", "))
}

pub(super) fn hex(text: &[u8], between: &str) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

pub(super) fn decimal_codes(text: &str) -> String {
    text.chars().map(|c| u32::from(c).to_string()).collect::<Vec<_>>().join(" ")
}

pub(super) fn percent(text: &[u8]) -> String {
    text.iter().fold(String::with_capacity(text.len() * 3), |mut out, byte| {
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

pub(super) fn html_decimal(text: &str) -> String {
    text.chars().map(|c| format!("&#{};", u32::from(c))).collect()
}

pub(super) fn html_hex(text: &str) -> String {
    text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect()
}

pub(super) fn quoted_printable(text: &[u8]) -> String {
    // A line of 76 holds 25 bytes of three characters and the mark of a soft break.
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("={byte:02X}")).collect::<String>();
    text.chunks((LINE - 1) / 3).map(line).collect::<Vec<_>>().join("=\n")
}

pub(super) fn rot13(text: &str) -> String {
    text.chars().map(|c| u8::try_from(c).map_or(c, |byte| char::from(rotated(byte)))).collect()
}

const fn rotated(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        _ => byte,
    }
}

pub(super) fn escape_hex(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { format!("\\x{:02x}", u32::from(c)) } else { utf16(c) }).collect()
}

pub(super) fn escape_unicode(text: &str) -> String {
    text.chars().map(utf16).collect()
}

/// `\u0069`, or two of them for a character behind U+FFFF.
fn utf16(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

pub(super) fn escape_octal(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii() { format!("\\{:03o}", u32::from(c)) } else { c.to_string() })
        .collect()
}
