//! The control listener: the API for operators under `/api/v1`, health, readiness and metrics.
//!
//! Handlers parse, ask the [`Desk`] or the [`Identity`], and write the answer down; what anything means is decided there.
//! Every request to the API has a caller, by token or by a session's cookie (`access`). No CORS: a page of somebody else
//! can read nothing here, and change nothing.

pub(crate) mod access;
mod announce;
mod answer;
mod endpoint;
mod endpoints;
mod follow;
mod handlers;
mod held;
mod idempotency;
mod openapi;
mod paging;
mod people;
mod request;
mod serve;
mod token;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use cordon_store::ledger::TileFolder;
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};

use access::authenticated;
pub use announce::{Announced, announce, announced};
use endpoint::routes;
pub(crate) use handlers::HISTORY_PAGE;
pub(crate) use idempotency::KEY;
pub use openapi::openapi;
pub use serve::serve;
pub use token::{AdminToken, TokenError};

use crate::{
    api::{Check, Problem},
    console,
    desk::Desk,
    identity::Identity,
    ledger,
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
    /// Who operators are.
    pub identity: Identity,
    /// Whether calls can be served now: nothing, or everything that stands in the way, in words.
    pub readiness: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What is counted.
    pub metrics: Arc<Registry>,
    /// Runs the doctor's checks.
    pub doctor: Arc<dyn Fn() -> Checks + Send + Sync>,
    /// How many facts a signed checkpoint covers.
    pub provable: watch::Receiver<ledger::Progress>,
    /// Becomes true when the process goes down: streams end then.
    pub stopping: watch::Receiver<bool>,
    /// Bytes of a request's body.
    pub max_body: usize,
}

/// What handlers share. Clones share everything.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) state: ControlState,
    pub(crate) marks: Arc<console::Marks>,
    followers: Arc<Semaphore>,
    underway: idempotency::Underway,
}

impl ControlState {
    /// How many facts a signed checkpoint covers.
    pub(crate) fn progress(&self) -> u64 {
        self.provable.borrow().signed
    }
}

/// Time for one answer, but for streams. A plan that judges a million calls again takes seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Streams of calls at the same time.
const MAX_FOLLOWERS: usize = 64;
/// Bytes of a request of somebody who is not known yet.
const MAX_OPEN_BODY: usize = 16 << 10;
/// The media type of problem details (RFC 9457).
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The control listener's routes.
pub fn router(state: ControlState) -> Router {
    let limit = DefaultBodyLimit::max(state.max_body);
    let shared = Shared {
        state,
        marks: Arc::default(),
        followers: Arc::new(Semaphore::new(MAX_FOLLOWERS)),
        underway: idempotency::Underway::default(),
    };
    let api = routes(&shared, endpoints::known())
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
    // The way in, for those who show nothing yet: little is read of them.
    let open = routes(&shared, endpoints::open()).layer(DefaultBodyLimit::max(MAX_OPEN_BODY));
    let api = api.merge(open);
    // What any client of C2SP tlog-tiles reads.
    let ledger = routes(&shared, endpoints::ledger())
        .layer(middleware::from_fn_with_state(shared.clone(), authenticated));
    // The way over the identity provider: its pages send the browser here, so these are no part of the API.
    let signin = Router::new()
        .route("/signin/oidc", get(people::depart))
        .route("/signin/callback", get(people::arrive))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(console::told_as_page))
        .layer(middleware::map_response(paged));
    let pages = console::pages()
        .route_layer(middleware::from_fn_with_state(shared.clone(), console::signed_in))
        .merge(console::open().layer(DefaultBodyLimit::max(MAX_OPEN_BODY)))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::map_response(paged));
    Router::new()
        .merge(pages)
        .nest(endpoints::API, api)
        .merge(signin)
        .nest(endpoints::LEDGER, ledger)
        .merge(routes(&shared, endpoints::machines()))
        .fallback(|| async {
            Problem::new(404, "not_found", "it does not exist", "there is no such endpoint")
        })
        .layer(limit)
        .layer(middleware::map_response(harmless))
        .with_state(shared)
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

/// What a page may do, which is little. Its own forms say where they come from; nobody else learns it.
async fn paged(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(console::POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// No page of somebody else can frame or sniff what stands here, and nobody keeps it.
async fn harmless(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        // For those who tell it in another form.
        response.extensions_mut().insert(self);
        response
    }
}
