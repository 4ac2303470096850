//! Bodies of every protocol: requests and answers that are any JSON, and content codings.

use cordon_core::{
    json::{Limits, Value},
    record::RecordedVerdict,
};
use cordon_guard::{
    Inspection, Tokens, Verdict,
    anthropic::{Message, MessagesRequest, TokenCount, Wanted},
    body::{Coding, DecodeLimits, Decoder},
    openai::{self, EmbeddingsRequest, EmbeddingsResponse},
    responses,
};
use http::{HeaderMap, HeaderValue};

use crate::guarded::inspection;

/// Small enough that a search soon meets them.
const LIMITS: DecodeLimits = DecodeLimits { max_bytes: 1 << 16, max_ratio: 100 };

/// The first byte says which body the JSON behind it is, the second in which form values are redacted. What goes on is JSON, and the same
/// body comes to the same.
pub(crate) fn read(bytes: &[u8]) {
    let Some((left, recorded)) = inspected(bytes) else { return };
    if let Some(left) = &left {
        let json = Limits { bytes: 8 << 20, ..Limits::default() };
        assert!(Value::parse(left, json).is_ok(), "{}", String::from_utf8_lossy(left));
    }
    assert_eq!(Some((left, recorded)), inspected(bytes), "the same body, the same answer");
}

/// What goes on of a body, nothing where it may not or is none, and what is recorded of it; none where it is no JSON.
fn inspected(bytes: &[u8]) -> Option<(Option<Vec<u8>>, RecordedVerdict)> {
    let [kind, form, rest @ ..] = bytes else { return None };
    let limits = Limits { bytes: 1 << 16, depth: 32, values: 4_096 };
    let tree = Value::parse(rest, limits).ok()?;
    let (inspection, tokens, mut verdict) = (inspection(*form), Tokens::default(), Verdict::default());
    let told = &mut verdict;
    let left = match kind % 9 {
        0 => openai::Request::read(tree)
            .and_then(|request| request.inspect(&inspection, told))
            .map(|mut passed| passed.body("upstream"))
            .ok(),
        1 => messages(tree, Wanted::Message, &inspection, told),
        2 => messages(tree, Wanted::Count, &inspection, told),
        3 => responses::Request::read(tree)
            .and_then(|request| request.inspect(&inspection, told))
            .map(|mut passed| passed.body("upstream"))
            .ok(),
        4 => EmbeddingsRequest::read(tree)
            .and_then(|request| request.inspect(&inspection, told))
            .map(|mut passed| passed.body("upstream"))
            .ok(),
        5 => openai::Response::read(tree)
            .ok()
            .and_then(|answer| answer.inspect(&inspection, &tokens, "r", told).ok()),
        6 => Message::read(tree).ok().and_then(|answer| answer.inspect(&inspection, &tokens, "r", told).ok()),
        7 => responses::Response::read(tree)
            .ok()
            .and_then(|answer| answer.inspect(&inspection, &tokens, "r", told).ok()),
        _ => EmbeddingsResponse::read(tree, 2)
            .ok()
            .and_then(|answer| answer.inspect(&inspection, &tokens, "r", told).ok()),
    };
    Some((left, verdict.into_recorded()))
}

fn messages(tree: Value, wanted: Wanted, inspection: &Inspection, verdict: &mut Verdict) -> Option<Vec<u8>> {
    let headers: HeaderMap = [("anthropic-version", HeaderValue::from_static("2023-06-01"))]
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value))
        .collect();
    // An answer to a count has a reader of its own.
    drop(TokenCount::read(tree.clone()));
    let request = MessagesRequest::read(tree, &headers, wanted).ok()?;
    request.inspect(inspection, verdict).map(|mut passed| passed.body("upstream")).ok()
}

/// The first byte says the coding, the second where the rest is cut. What comes out is bounded, and is the same at any cut.
pub(crate) fn decoded(bytes: &[u8]) {
    let [kind, cut, rest @ ..] = bytes else { return };
    let coding = if kind % 2 == 0 { Coding::Gzip } else { Coding::Deflate };
    let read = |pieces: &[&[u8]]| {
        let (mut decoder, mut out) = (Decoder::new(coding, LIMITS), Vec::new());
        for piece in pieces {
            match decoder.push(piece) {
                Ok(bytes) => out.extend_from_slice(&bytes),
                Err(_) => return None,
            }
            assert!(out.len() <= 1 << 16, "{} bytes came out", out.len());
        }
        out.extend_from_slice(&decoder.finish().ok()?);
        assert!(out.len() <= 1 << 16, "{} bytes came out", out.len());
        Some(out)
    };
    let size = usize::from(*cut % 16) + 1;
    let pieces: Vec<&[u8]> = rest.chunks(size).collect();
    assert_eq!(read(&[rest]), read(&pieces), "cut by {size}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{guarded::ADDRESS, seeds};

    #[test]
    fn each_first_body_is_one_of_its_protocol() {
        for seed in seeds::of("protocols") {
            let (left, recorded) = inspected(&seed).unwrap_or_default();
            let left = left.unwrap_or_else(|| panic!("{} is refused", String::from_utf8_lossy(&seed)));
            assert!(!recorded.findings.is_empty() && !String::from_utf8_lossy(&left).contains(ADDRESS));
        }
        for seed in seeds::of("coding") {
            let mut decoder = Decoder::new([Coding::Gzip, Coding::Deflate][usize::from(seed[0])], LIMITS);
            assert_eq!(decoder.push(&seed[2..]).as_deref(), Ok(b"hello world".as_slice()));
        }
    }
}
