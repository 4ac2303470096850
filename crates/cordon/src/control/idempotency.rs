//! Requests that are sent again: under one `Idempotency-Key` something is done once, and whoever asks again gets the answer
//! that was given (draft-ietf-httpapi-idempotency-key-header).
//!
//! What runs is known in memory, what was done in the file of credentials. A request that was refused changed nothing and is
//! tried anew. One that a crash cut off may run again, which most do without doing anything twice.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest as _, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::MethodRouter,
};
use cordon_core::Digest;
use cordon_store::identity::KeptAnswer;

use super::{
    Shared,
    request::{unread, wrong},
};
use crate::{
    api::Problem,
    desk::with_causes,
    identity::{Caller, Identity},
};

/// The header with the key.
pub(crate) const KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
pub(super) const REPLAYED: &str = "idempotency-replayed";
/// The form of a key: a string of structured fields (RFC 9651), or its bytes as they are.
pub(super) const PATTERN: &str = r#"^("([ !#-\[\]-~]|\\["\\]){1,128}"|[!#-~][!-~]{0,127})$"#;
/// The most bytes of a key.
const MAX_KEY: usize = 128;
/// The most bytes of an answer that is kept.
const MAX_BODY: usize = 32 << 10;

/// What may be kept of a request and its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The answer, and a digest of the request.
    Whole,
    /// That it was done: one of them holds a secret, which a digest would give away to who guesses it.
    Fact,
}

/// The requests that are being answered, by their key's digest. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Underway(Arc<Mutex<BTreeMap<Digest, Digest>>>);

/// A request that is being answered.
struct Turn {
    underway: Underway,
    row: Digest,
}

/// Does what these routes do once for each key.
pub(super) fn once(shared: &Shared, kept: Kept, routes: MethodRouter<Shared>) -> MethodRouter<Shared> {
    let shared = shared.clone();
    routes.route_layer(middleware::from_fn(move |request: Request, next: Next| {
        let shared = shared.clone();
        async move { answered(&shared, kept, request, next).await.unwrap_or_else(Problem::into_response) }
    }))
}

async fn answered(shared: &Shared, kept: Kept, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(key) = key_of(request.headers())? else { return Ok(next.run(request).await) };
    let (head, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(head.clone(), body), &());
    let body = body.await.map_err(|error| unread(&error))?;
    let row = digest(&[&asker(head.extensions.get()), &key]);
    let said = match kept {
        Kept::Whole => body.clone(),
        Kept::Fact => Bytes::new(),
    };
    let asked = digest(&[&key, head.method.as_str().as_bytes(), head.uri.to_string().as_bytes(), &said]);
    let turn = shared.underway.begin(row, asked)?;
    let identity = shared.state.identity.clone();
    if let Some(answer) = identity.answer(row).await? {
        return given(answer, asked);
    }
    let request = Request::from_parts(head, Body::from(body));
    // Whoever asks may go away; what is being done is finished, and its answer is there when they come back.
    let task = tokio::spawn(async move {
        let response = keep(&identity, row, asked, kept, next.run(request).await).await;
        drop(turn);
        response
    });
    task.await
        .map_err(|_| Problem::new(503, "stopping", "the server is stopping", "there was no answer any more"))
}

/// The answer that was given, to the same request.
fn given(answer: KeptAnswer, asked: Digest) -> Result<Response, Problem> {
    if answer.request != asked {
        return Err(another());
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let Some(body) = answer.body else {
        return Err(Problem::new(
            409,
            "answered",
            "it was done already",
            "it was done under this key, and the answer, which held a secret or was long, is not kept; help: look at what is \
             there now, and ask for something new (another session or token, another reset) under another key",
        ));
    };
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the answer to something that was done.
async fn keep(identity: &Identity, row: Digest, request: Digest, kept: Kept, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return wrong(&error).into_response(),
    };
    let short =
        kept == Kept::Whole && body.len() <= MAX_BODY && !head.headers.contains_key(header::SET_COOKIE);
    let answer = KeptAnswer { request, status: head.status.as_u16(), body: short.then(|| body.to_vec()) };
    if let Err(problem) = identity.keep_answer(row, &answer).await {
        tracing::warn!(error = with_causes(&problem), "the answer to a request with a key could not be kept");
    }
    Response::from_parts(head, Body::from(body))
}

impl Underway {
    fn begin(&self, row: Digest, asked: Digest) -> Result<Turn, Problem> {
        let mut underway = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match underway.entry(row) {
            Entry::Occupied(other) if *other.get() != asked => Err(another()),
            Entry::Occupied(_) => {
                let detail = "the same request is still being answered; help: ask again in a moment";
                let problem = Problem::new(409, "underway", "it is being done", detail);
                Err(Problem { retry_after: Some(1), ..problem })
            }
            Entry::Vacant(place) => {
                place.insert(asked);
                Ok(Turn { underway: self.clone(), row })
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.underway.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.row);
    }
}

/// Whose keys they are: those of a session, of a token, of the administrator's token, or of those who show nothing.
fn asker(caller: Option<&Caller>) -> Vec<u8> {
    match caller.map(Caller::grant) {
        None => b"nobody".to_vec(),
        Some(None) => b"bootstrap".to_vec(),
        Some(Some(grant)) => grant.secret.as_bytes().to_vec(),
    }
}

/// The digest of some texts, each with its length.
fn digest(texts: &[&[u8]]) -> Digest {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text);
    }
    Digest::sha256(&bytes)
}

fn another() -> Problem {
    Problem::new(
        422,
        "idempotency_key",
        "the key is another request's",
        "another request was sent under this key; help: a key for each thing that is to be done, at random",
    )
}

fn key_of(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = read(value.as_bytes()).filter(|_| values.next().is_none());
    key.map(Some).ok_or_else(|| {
        wrong(&format!("`Idempotency-Key` is no key; help: 1 to {MAX_KEY} visible ASCII characters, once, in quotes or not"))
    })
}

fn read(value: &[u8]) -> Option<Vec<u8>> {
    let key = match value.strip_prefix(b"\"") {
        None => value.iter().all(u8::is_ascii_graphic).then(|| value.to_vec())?,
        Some(rest) => {
            let mut bytes = rest.strip_suffix(b"\"")?.iter();
            let mut key = Vec::with_capacity(rest.len());
            while let Some(byte) = bytes.next() {
                key.push(match byte {
                    b'\\' => *bytes.next().filter(|byte| matches!(byte, b'"' | b'\\'))?,
                    b'"' => return None,
                    b' '..=b'~' => *byte,
                    _ => return None,
                });
            }
            key
        }
    };
    (1..=MAX_KEY).contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&str]) -> Result<Option<Vec<u8>>, Problem> {
        key_of(
            &values
                .iter()
                .map(|value| (header::HeaderName::from_static(KEY), value.parse().unwrap()))
                .collect(),
        )
    }

    #[test]
    fn a_key_is_a_string_or_its_bytes() {
        assert_eq!(of(&[]).unwrap(), None);
        for same in ["8e03978e-40d5", "\"8e03978e-40d5\""] {
            assert_eq!(of(&[same]).unwrap().unwrap(), b"8e03978e-40d5");
        }
        assert_eq!(of(&[r#""a \"b\" \\""#]).unwrap().unwrap(), br#"a "b" \"#);
        let (long, longer) = ("k".repeat(MAX_KEY), "k".repeat(MAX_KEY + 1));
        assert!(of(&[&long]).is_ok());
        let none: [&[&str]; 9] = [
            &[""],
            &["\""],
            &["\"\""],
            &["a b"],
            &[&longer],
            &["a", "a"],
            &["\"a\";b=1"],
            &[r#""\""#],
            &[r#""\a""#],
        ];
        for none in none {
            assert_eq!(of(none).unwrap_err().status, 400, "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn the_documents_pattern_says_what_is_read(value in "[ -~]{0,6}|\"[ -~]{0,5}\"") {
            let schema = serde_json::json!({"pattern": PATTERN});
            let fits = jsonschema::is_valid(&schema, &serde_json::Value::from(value.clone()));
            prop_assert_eq!(read(value.as_bytes()).is_some(), fits);
        }
    }
}
