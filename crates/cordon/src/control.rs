//! The control listener: the API for operators under `/api/v1`, health, readiness and metrics.
//!
//! Handlers parse, ask the [`Desk`], and write the answer down; what anything means is decided there. Every request to the
//! API carries the administrator's token. No cookies, no CORS: a browser page of somebody else can do nothing here.

mod announce;
mod follow;
mod handlers;
mod serve;
mod token;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cordon_store::ledger::TileFolder;
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};

pub use announce::{announce, announced};
pub(crate) use handlers::HISTORY_PAGE;
pub use serve::serve;
pub use token::{AdminToken, TokenError};

use crate::{
    api::{Check, Problem},
    desk::Desk,
};

/// The future of a set of checks.
pub type Checks = std::pin::Pin<Box<dyn Future<Output = Vec<Check>> + Send>>;

/// What the control listener needs of the rest. Clones share everything.
#[derive(Clone)]
pub struct ControlState {
    /// Where questions are answered.
    pub desk: Desk,
    /// The published log.
    pub tiles: TileFolder,
    /// What operators must show.
    pub token: AdminToken,
    /// Whether calls can be served now: nothing, or everything that stands in the way, in words.
    pub readiness: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What is counted.
    pub metrics: Arc<Registry>,
    /// Runs the doctor's checks.
    pub doctor: Arc<dyn Fn() -> Checks + Send + Sync>,
    /// Becomes true when the process goes down: streams end then.
    pub stopping: watch::Receiver<bool>,
    /// Bytes of a request's body.
    pub max_body: usize,
}

#[derive(Clone)]
struct Shared {
    state: ControlState,
    followers: Arc<Semaphore>,
}

/// Time for one answer, but for streams. A plan that judges a million calls again takes seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Streams of calls at the same time.
const MAX_FOLLOWERS: usize = 64;
/// The media type of problem details (RFC 9457).
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The control listener's routes.
pub fn router(state: ControlState) -> Router {
    let limit = DefaultBodyLimit::max(state.max_body);
    let shared = Shared { state, followers: Arc::new(Semaphore::new(MAX_FOLLOWERS)) };
    let answers = Router::new()
        .route("/version", get(handlers::version))
        .route("/doctor", get(handlers::doctor))
        .route("/schema/{kind}", get(handlers::schema))
        .route("/resources", get(handlers::list))
        .route("/resources/{kind}/{name}", get(handlers::one).delete(handlers::delete))
        .route("/resources/{kind}/{name}/history", get(handlers::history))
        .route("/plan", post(handlers::plan))
        .route("/apply", post(handlers::apply))
        .route("/keys", get(handlers::keys).post(handlers::create_key))
        .route("/keys/{id}/rotate", post(handlers::rotate_key))
        .route("/keys/{id}/revoke", post(handlers::revoke_key))
        .route("/calls", get(handlers::calls))
        .route("/calls/{id}", get(handlers::call))
        .route("/calls/{id}/proof", get(handlers::proof))
        .route("/calls/{id}/content", get(handlers::content))
        .route("/content/erase", post(handlers::erase))
        .route("/holds", get(handlers::holds).post(handlers::set_hold))
        .route("/holds/{name}/release", post(handlers::release_hold))
        // Streams have no such end; they stand beside this layer.
        .layer(middleware::from_fn(in_time));
    let api = answers
        .route("/calls/follow", get(follow::calls))
        // Before anything is read of the body, and before routes that do not exist are told from those that do.
        .fallback(|| async {
            Problem::new(404, "not_found", "it does not exist", "there is no such endpoint")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                405,
                "method_not_allowed",
                "the method is not known here",
                "the endpoint does not know this method",
            )
        })
        .layer(middleware::from_fn_with_state(shared.clone(), authenticated));
    // What any client of C2SP tlog-tiles reads, below the prefix `/ledger`.
    let ledger = Router::new()
        .route("/{*path}", get(handlers::ledger))
        .layer(middleware::from_fn_with_state(shared.clone(), authenticated));
    Router::new()
        .nest("/api/v1", api)
        .nest("/ledger", ledger)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(handlers::ready))
        .route("/metrics", get(handlers::metrics))
        .fallback(|| async {
            Problem::new(404, "not_found", "it does not exist", "there is no such endpoint")
        })
        .layer(limit)
        .layer(middleware::map_response(harmless))
        .with_state(shared)
}

/// Lets those pass who show the token.
async fn authenticated(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let bearer = shown.and_then(|value| match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Some(token),
        _ => None,
    });
    if bearer.is_some_and(|token| shared.state.token.is(token)) {
        return next.run(request).await;
    }
    let detail = match bearer {
        None => "no token was shown; help: send `Authorization: Bearer` with the content of admin.token",
        Some(_) => {
            "the token is not the one of this server; help: it stands in admin.token in the data folder"
        }
    };
    let mut response = Problem::new(401, "unauthenticated", "a token is needed", detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            503,
            "timeout",
            "it took too long",
            "there was no answer in time; a change may still come about, help: ask for it again",
        )
        .into_response(),
    }
}

/// No page can frame, sniff or keep what stands here.
async fn harmless(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response()
    }
}
