//! What handlers answer with, beside JSON. Each form tells the API's document what it is.

use axum::{
    Json,
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::openapi::{Answered, Telling};
use crate::api::{CallView, LeftOut, Problem};

/// An answer as JSON, or a problem.
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// An answer as JSON that begins or ends a session.
pub(super) struct Cookied<T>(pub(super) Option<HeaderValue>, pub(super) T);

/// Calls as server-sent events.
pub(super) struct Calls(pub(super) Body);

/// The newest calls as server-sent events, with counts of those left out.
pub(super) struct LiveCalls(pub(super) Body);

/// The signed checkpoint: a text (C2SP tlog-checkpoint).
pub(super) struct Checkpoint(pub(super) Bytes);

/// A tile: bytes (C2SP tlog-tiles).
pub(super) struct TileBytes(pub(super) Bytes);

/// That the process runs.
pub(super) struct Alive;

/// Whether calls can be served: what stands in the way, a line each.
pub(super) struct Readiness(pub(super) Vec<String>);

/// What is counted, for Prometheus.
pub(super) struct Metrics(pub(super) String);

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl<T: Serialize> IntoResponse for Cookied<T> {
    fn into_response(self) -> Response {
        match self {
            Self(Some(cookie), body) => ([(header::SET_COOKIE, cookie)], Json(body)).into_response(),
            Self(None, body) => Json(body).into_response(),
        }
    }
}

impl<T: JsonSchema> Answered for Cookied<T> {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers_json::<T>("Done.");
        telling.with_header(
            "Set-Cookie",
            "The cookie of the session that begins, or an empty one where it ends.",
        );
    }
}

impl IntoResponse for Calls {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "text/event-stream")], self.0).into_response()
    }
}

impl IntoResponse for LiveCalls {
    fn into_response(self) -> Response {
        Calls(self.0).into_response()
    }
}

impl Answered for Calls {
    fn tell(telling: &mut Telling<'_>) {
        telling.streams(
            "Server-sent events, until somebody ends it: `event: call` with a call as its data, first the latest ones that \
             have ended, then each when it ends; `event: problem` with problem details as the last one when reading failed; \
             a comment every 15 seconds. Who reads slowly gets every call all the same, later.",
            &[("call", Telling::schema::<CallView>), ("problem", Telling::schema::<Problem>)],
        );
    }
}

impl Answered for LiveCalls {
    fn tell(telling: &mut Telling<'_>) {
        telling.streams(
            "Server-sent events, until somebody ends it: `event: call` with a call as its data, first the latest ones that \
             have ended, then four times a second at most 50 of those that ended meanwhile, the newest ones; before them, \
             where others ended too, `event: left_out` with their count, so that the calls shown and those left out are all \
             that ended; a comment every 15 seconds. Who reads slowly gets fewer calls and larger counts.",
            &[("call", Telling::schema::<CallView>), ("left_out", Telling::schema::<LeftOut>)],
        );
    }
}

impl IntoResponse for Checkpoint {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, TEXT)], self.0).into_response()
    }
}

impl Answered for Checkpoint {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(
            200,
            "A signed note (C2SP tlog-checkpoint).",
            "text/plain",
            &json!({"type": "string"}),
        );
    }
}

impl IntoResponse for TileBytes {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/octet-stream")], self.0).into_response()
    }
}

impl Answered for TileBytes {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "The tile's bytes.", "application/octet-stream", &json!({}));
    }
}

impl IntoResponse for Alive {
    fn into_response(self) -> Response {
        "ok\n".into_response()
    }
}

impl Answered for Alive {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "The process runs.", "text/plain", &json!({"const": "ok\n"}));
    }
}

impl IntoResponse for Readiness {
    fn into_response(self) -> Response {
        if self.0.is_empty() {
            return "ready\n".into_response();
        }
        let lines: String = self.0.iter().map(|obstacle| format!("{obstacle}\n")).collect();
        (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
    }
}

impl Answered for Readiness {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "Calls can be served.", "text/plain", &json!({"const": "ready\n"}));
        telling.answers(
            503,
            "What stands in the way, a line each.",
            "text/plain",
            &json!({"type": "string"}),
        );
    }
}

impl IntoResponse for Metrics {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], self.0).into_response()
    }
}

impl Answered for Metrics {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "OpenMetrics text.", "application/openmetrics-text", &json!({"type": "string"}));
    }
}
