//! Private keys that stand in no block: as members of a JSON Web Key (RFC 7517, RFC 7518), and in the wallet import format of
//! Bitcoin.

use super::Found;
use super::example::entropy;
use crate::checksum;
use crate::segment::Candidate;

const CATEGORY: &str = "secret/private_key";
/// The members of a JSON Web Key that are not public (RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037 for `d` of OKP).
const MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
/// What a key of that form has before them: its kind, its curve, or the usual public exponent.
const MARKS: [&[u8]; 3] = [b"kty", b"crv", b"AQAB"];
/// A member of an RSA key is so long that nothing else of the key stands near the next one.
const LONG: usize = 64;
/// The fewest characters: 128 bits of a symmetric key; 256 of any other.
const LEAST: (usize, usize) = (22, 43);

/// The private value of a JSON Web Key.
pub(super) fn of_json(candidate: &Candidate<'_>) -> Option<Found> {
    let (left, text) = (candidate.left, candidate.text);
    if text.len() < LEAST.0 || left.last() != Some(&b'"') {
        return None;
    }
    // `"name" : "`, also with the marks escaped.
    let before = strip(left.get(..left.len() - 1)?, b"\\ ");
    let before = strip(before.strip_suffix(b":")?, b" ");
    let before = strip(before.strip_suffix(b"\"")?, b"\\");
    let name_length = before.iter().rev().take(3).take_while(|b| b.is_ascii_alphanumeric()).count();
    let (head, name) = before.split_at_checked(before.len() - name_length)?;
    let head = strip(head.strip_suffix(b"\"")?, b"\\");
    let member = MEMBERS.iter().find(|member| member.as_bytes() == name)?;
    let least = if *member == "k" { LEAST.0 } else { LEAST.1 };
    let is_value = text.len() >= least
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && entropy(text.get(..text.len().min(256))?) >= 3.5;
    let marked = || MARKS.iter().any(|mark| head.windows(mark.len()).any(|window| window == *mark));
    // Behind another long value, as the factors of an RSA key stand.
    let behind = || {
        let rest = strip(head, b" \n\r\t,");
        let rest = strip(rest.strip_suffix(b"\"").unwrap_or_default(), b"\\");
        rest.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count()
            >= LONG
    };
    (is_value && (marked() || behind())).then_some(Found {
        start: 0,
        end: text.len(),
        category: CATEGORY,
        percent: 95,
    })
}

/// Adds the keys of wallets: version 128 in Base58Check, 32 bytes, with one more where the public key is compressed.
pub(super) fn of_wallets(candidate: &Candidate<'_>, out: &mut Vec<Found>) {
    let text = candidate.text;
    let mut start = 0;
    for run in text.split(|b| !b.is_ascii_alphanumeric()) {
        let version = match (run.first(), run.len()) {
            (Some(b'5'), 51) => checksum::base58checked::<37>(run),
            (Some(b'K' | b'L'), 52) => checksum::base58checked::<38>(run),
            _ => None,
        };
        if version == Some(128) {
            out.push(Found { start, end: start + run.len(), category: CATEGORY, percent: 97 });
        }
        start += run.len() + 1;
    }
}

/// Some bytes without these at their end.
fn strip<'a>(mut bytes: &'a [u8], signs: &[u8]) -> &'a [u8] {
    while let [before @ .., last] = bytes
        && signs.contains(last)
    {
        bytes = before;
    }
    bytes
}
