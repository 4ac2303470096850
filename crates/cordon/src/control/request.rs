//! What handlers take of a request. Each part is read before the handler runs, a part that cannot be read is a problem of
//! its own, and each tells the API's document what it expects.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use cordon_core::{CallId, KeyId, Name, UserId, resource::Kind, review::HeldId};
use cordon_ledger::tiles::Tile;
use serde::de::DeserializeOwned;

use crate::api::Problem;

/// What the path names: one thing, or two in the order of the path.
pub(super) struct Of<T>(pub(super) T);

/// The query. Unknown parameters are refused.
pub(super) struct Asked<Q>(pub(super) Q);

/// The body, as JSON. Unknown fields are refused.
pub(super) struct Sent<B>(pub(super) B);

/// Something that a segment of a path names.
pub(super) trait Segment: schemars::JsonSchema + Sized {
    /// Reads the segment.
    fn read(text: &str) -> Result<Self, Problem>;
}

/// Things that the segments of a path name.
pub(super) trait Segments: Sized {
    /// Reads them, in the order of the path.
    fn read(texts: &mut dyn Iterator<Item = &str>) -> Result<Self, Problem>;
}

impl<T: Segments, S: Send + Sync> FromRequestParts<S> for Of<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|error| wrong(&error))?;
        T::read(&mut named.iter().map(|(_, text)| text)).map(Self)
    }
}

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|error| wrong(&error.body_text()))?;
        Ok(Self(query))
    }
}

impl<B: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body is JSON; help: send it with `content-type: application/json`";
            return Err(Problem::new(415, "media_type", "the body has another media type", detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| wrong(&error))
    }
}

impl Segment for Kind {
    fn read(word: &str) -> Result<Self, Problem> {
        Self::parse(word).ok_or_else(|| {
            let kinds: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            let word: String = word.chars().take(80).collect();
            wrong(&format!("`{word}` is no kind of resource; help: one of {}", kinds.join(", ")))
        })
    }
}

/// The path of a tile below `/tile/`: only this form of a path leads to a file.
pub(super) struct TilePath(pub(super) Tile);

impl schemars::JsonSchema for TilePath {
    fn schema_name() -> Cow<'static, str> {
        "TilePath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 5 })
    }
}

impl Segment for TilePath {
    fn read(text: &str) -> Result<Self, Problem> {
        Tile::parse(&format!("tile/{text}")).map(Self).map_err(|_| no_tile())
    }
}

macro_rules! segments {
    ($($type:ty),*) => {
        $(impl Segment for $type {
            fn read(text: &str) -> Result<Self, Problem> {
                Self::parse(text).map_err(|error| wrong(&error))
            }
        })*
    };
}
segments!(CallId, HeldId, KeyId, Name, UserId);

impl<T: Segment> Segments for T {
    fn read(texts: &mut dyn Iterator<Item = &str>) -> Result<Self, Problem> {
        // The path has as many segments as its handler takes: the table of endpoints is tested for it.
        T::read(texts.next().unwrap_or_default())
    }
}

impl<A: Segment, B: Segment> Segments for (A, B) {
    fn read(texts: &mut dyn Iterator<Item = &str>) -> Result<Self, Problem> {
        Ok((<A as Segments>::read(texts)?, <B as Segments>::read(texts)?))
    }
}

/// What is published has no such part.
pub(super) fn no_tile() -> Problem {
    Problem::new(404, "not_found", "it does not exist", "there is no such tile")
}

/// A request that cannot be read.
pub(super) fn wrong(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(400, "malformed", "the request cannot be read", error.to_string())
}

pub(super) fn unread(error: &BytesRejection) -> Problem {
    match error.status().as_u16() {
        413 => Problem::new(413, "too_large", "the body is too large", error.body_text()),
        _ => wrong(&error.body_text()),
    }
}

/// Whether the body is said to be JSON, or nothing is said.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) else { return true };
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_read_as_json() {
        let said = |kind: &'static str| {
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
        };
        assert!(is_json(&HeaderMap::new()) && is_json(&said("application/JSON; charset=utf-8")));
        for other in ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""] {
            assert!(!is_json(&said(other)), "{other}");
        }
    }
}
