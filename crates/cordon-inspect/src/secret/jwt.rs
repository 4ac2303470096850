//! JSON Web Tokens (RFC 7519): three to five parts of base64 whose first decodes to a header.

use super::example::is_example;
use super::{Found, trim};
use crate::decode;
use crate::pii::before;
use crate::segment::Candidate;

/// Adds the tokens of a candidate.
pub(super) fn find(candidate: &Candidate<'_>, out: &mut Vec<Found>) {
    let text = candidate.text;
    let (mut from, mut run_end) = (0, 0);
    while let Some(at) =
        text.get(from..).and_then(|rest| rest.windows(3).position(|w| w == b"eyJ" || w == b"ewo"))
    {
        let start = from + at;
        from = start + 3;
        if before(candidate, start).is_some_and(|b| b.is_ascii_alphanumeric()) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        // Starts within one run share its end: it is looked for once.
        if start >= run_end {
            run_end = start + rest.iter().take_while(|b| is_part(**b)).count();
        }
        let length = trim(rest, run_end - start);
        let run = rest.get(..length).unwrap_or_default();
        let parts: Vec<&[u8]> = run.split(|b| *b == b'.').take(6).collect();
        let Some(header) = parts.first().and_then(|part| decode::base64(part)) else { continue };
        let is_header = [&b"\"alg\""[..], b"\"typ\"", b"\"enc\"", b"\"kid\""]
            .iter()
            .any(|key| header.windows(key.len()).any(|window| window == *key));
        let shaped = (3..=5).contains(&parts.len()) && parts.get(1).is_some_and(|p| p.len() >= 4);
        if is_header && shaped && !is_example(run) {
            out.push(Found { start, end: start + length, category: "secret/jwt", percent: 97 });
            from = start + length;
            run_end = from;
        }
    }
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=')
}
