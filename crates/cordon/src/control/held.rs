//! Held files and texts.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use cordon_core::review::{HeldId, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    Shared,
    access::By,
    answer::Answer,
    openapi::{Answered, Telling},
    paging::Paged,
    request::{Of, Sent},
};
use crate::{
    api::{
        List, Problem,
        held::{HeldReviewed, HeldView, HeldWhich, ReviewHeld},
    },
    held::Opened,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldQuery {
    /// Which; those that wait where it is absent.
    #[serde(default)]
    which: HeldWhich,
}

/// The bytes of what is held: for nobody to open by accident, so always as a download of no type.
pub(super) struct HeldBytes(HeldId, Opened);

/// The header with the name that the caller gave the file, percent-encoded.
const NAME: HeaderName = HeaderName::from_static("cordon-file-name");

pub(super) async fn list(
    State(shared): State<Shared>,
    Paged(query, page): Paged<HeldQuery>,
) -> Answer<List<HeldView>> {
    let after = page.after(|last| HeldId::parse(last).ok())?;
    let items = shared.state.desk.held_files(query.which, after, page.most()).await?;
    Ok(Json(page.of(items, 0, |last| last.id.to_string())))
}

pub(super) async fn one(State(shared): State<Shared>, Of(id): Of<HeldId>) -> Answer<HeldView> {
    Ok(Json(shared.state.desk.held_file(id).await?))
}

pub(super) async fn content(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<HeldId>,
    headers: HeaderMap,
) -> Result<HeldBytes, Problem> {
    // It reads, and it also records who does: nobody else's page makes somebody a reader.
    shared.state.identity.site().same_origin(&headers, false)?;
    Ok(HeldBytes(id, shared.state.desk.held_content(id, caller.0.actor).await?))
}

pub(super) async fn release(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<HeldId>,
    Sent(wish): Sent<ReviewHeld>,
) -> Answer<HeldReviewed> {
    Ok(Json(shared.state.desk.review_held(id, Verdict::Released, wish, caller.0.actor).await?))
}

pub(super) async fn reject(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<HeldId>,
    Sent(wish): Sent<ReviewHeld>,
) -> Answer<HeldReviewed> {
    Ok(Json(shared.state.desk.review_held(id, Verdict::Rejected, wish, caller.0.actor).await?))
}

impl IntoResponse for HeldBytes {
    fn into_response(self) -> Response {
        let Self(id, Opened { name, bytes }) = self;
        let own = [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        ];
        let mut response = (own, bytes).into_response();
        let file = HeaderValue::try_from(format!("attachment; filename=\"held-{id}.bin\""));
        let name = name.and_then(|name| HeaderValue::try_from(encoded(&name)).ok());
        let headers = response.headers_mut();
        headers.extend(file.ok().map(|file| (header::CONTENT_DISPOSITION, file)));
        headers.extend(name.map(|name| (NAME, name)));
        response
    }
}

impl Answered for HeldBytes {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "The bytes, as a download.", "application/octet-stream", &json!({}));
        telling.with_header("Cordon-File-Name", "The name that the caller gave the file, percent-encoded.");
    }
}

/// A text in which only letters, digits and `-._~` stand for themselves (RFC 3986).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
        out
    })
}
