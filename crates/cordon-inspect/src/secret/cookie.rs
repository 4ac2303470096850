//! Cookies (RFC 6265): in their headers, a random value is somebody's session, whatever it is called.

use super::example::{entropy, is_example, is_placeholder, is_reference};

/// Parts of names that are no secret: against forged requests, of statistics and consent, and what a header says about a cookie.
const OTHERS: [&str; 22] = [
    "csrf",
    "xsrf",
    "consent",
    "utm",
    "amplitude",
    "optimizely",
    "hubspot",
    "hjid",
    "intercom-id",
    "mixpanel",
    "segment",
    "locale",
    "theme",
    "expires",
    "domain",
    "samesite",
    "visitor",
    "anonymous",
    "gclid",
    "fbclid",
    "experiment",
    "analytics",
];
/// Names of statistics that begin so.
const BEGINS: [&str; 9] = ["_ga", "_gi", "_gcl", "_fb", "__utm", "__hs", "_hj", "ajs_", "_pk"];
/// The fewest characters of such a value: 64 bits in hexadecimal digits, as OWASP asks of an id of a session.
const LEAST: usize = 16;

/// How sure it is, in hundredths, that a cookie of this name and value lets somebody in: in a header, or as commands and scripts give
/// it.
pub(super) fn judge(left: &[u8], before: &[u8], name: &[u8], value: &[u8]) -> Option<u32> {
    if value.len() < LEAST || !is_random(value) || !(is_header(left) || is_header(before)) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let has = |part: &str| lower.windows(part.len()).any(|window| window == part.as_bytes());
    let other =
        OTHERS.iter().any(|part| has(part)) || BEGINS.iter().any(|head| lower.starts_with(head.as_bytes()));
    (!other && !is_placeholder(value) && !is_example(value) && !is_reference(value)).then_some(75)
}

/// Letters and digits mixed, escapes among them: no word, date or number.
fn is_random(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    let signs =
        |byte: &u8| matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=' | b'.' | b'%' | b'~' | b'!' | b'*');
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || signs(byte))
        && digits >= 2
        && letters >= 2
        && entropy(value) >= 3.0
        && value.split(|byte| !byte.is_ascii_alphanumeric()).any(|piece| {
            piece.len() >= 8
                && piece.iter().any(u8::is_ascii_digit)
                && piece.iter().any(u8::is_ascii_alphabetic)
        })
}

/// Whether the line that goes on here is a header of cookies: `Cookie:`, `"set-cookie": "`, `document.cookie = "`, `--cookie '`.
fn is_header(left: &[u8]) -> bool {
    let line = left.rsplit(|byte| *byte == b'\n').next().unwrap_or(left);
    line.windows(6).enumerate().any(|(at, word)| {
        let behind = line.get(at + 6..).unwrap_or_default();
        word.eq_ignore_ascii_case(b"cookie")
            && behind.iter().find(|byte| !matches!(byte, b'"' | b'\'' | b' ' | b'\\')).is_none_or(|byte| {
                matches!(byte, b':' | b'=') || line.get(..at).is_some_and(|before| before.ends_with(b"--"))
            })
    })
}
