//! The console: pages for people, made on the server, beside the API on the control listener.
//!
//! A page asks the [`Desk`](crate::desk::Desk) as everybody does, and shows. It works without script; the one script adds live
//! rows, copying and keys. No inline script or style, no outside resource: the content security policy forbids them.
//!
//! **Never here:** decisions, content of calls in a page that was not recorded as read, links to pages that do not exist.

mod call;
mod calls;
mod chart;
mod curve;
mod feedback;
mod findings;
mod format;
mod held;
mod inspect;
mod keys;
mod layout;
mod limits;
mod log;
mod marks;
mod overview;
mod people;
mod plot;
mod quarantine;
mod rates;
mod resources;
mod routes;
mod search;
mod setup;
mod signin;
mod stages;
mod table;
mod triggers;
mod view;
mod widgets;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

pub(crate) use format::{bytes, number};
pub(crate) use marks::Marks;
pub(crate) use signin::{signed_in, told_as_page};

use crate::control::Shared;

/// What pages and the reports of the command line look like in common.
pub(crate) const COMMON_STYLE: &str = include_str!("console/common.css");

/// The style sheet, and the script. Their addresses hold a digest of what they say, so that they are kept for ever.
const STYLE: &str = concat!(include_str!("console/common.css"), include_str!("console/console.css"));
const SCRIPT: &str = include_str!("console/console.js");

/// What pages may do in a browser (Content Security Policy Level 3): nothing but our own files.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages. Whoever mounts them has made sure that somebody is signed in.
pub(crate) fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(overview::page))
        .route("/charts/{chart}", get(overview::chart))
        .route("/calls", get(calls::page))
        .route("/calls/{id}", get(call::page))
        .route("/calls/{id}/label", post(feedback::label))
        .route("/findings", get(findings::page))
        .route("/findings/curve", get(curve::page))
        .route("/findings/rates", get(rates::page))
        .route("/inspect", get(inspect::page).post(inspect::inspect))
        .route("/routes/{name}/guard", get(resources::effective))
        .route("/keys", get(keys::page))
        .route("/keys/{id}", get(keys::one))
        .route("/quarantine", get(quarantine::page))
        .route("/quarantine/order", get(quarantine::order_page).post(quarantine::order))
        .route("/quarantine/lift", get(quarantine::lift_page).post(quarantine::lift))
        .route("/held", get(held::page))
        .route("/held/{id}", get(held::one).post(held::review))
        .route("/log", get(log::page))
        .route("/log/{position}", get(log::one))
        .route("/search", get(search::page))
        .route("/setup", get(setup::page))
        .route("/users", get(people::users))
        .route("/sessions", get(people::sessions))
        .route("/signout", post(signin::sign_out))
        .route("/{kind}", get(resources::list))
        .route("/{kind}/{name}", get(resources::now))
        .route("/{kind}/{name}/history", get(resources::history))
        .route("/{kind}/{name}/related", get(resources::related))
        .route("/{kind}/{name}/raw", get(resources::raw))
}

/// What everybody sees: the way in, the style sheet and the script.
pub(crate) fn open() -> Router<Shared> {
    Router::new()
        .route("/signin", get(signin::page).post(signin::sign_in))
        .route("/enrol", get(signin::enrol_page).post(signin::enrol))
        .route(&layout::style_path(), get(|| async { asset("text/css; charset=utf-8", STYLE) }))
        .route(&layout::script_path(), get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/assets/icon.svg", get(|| async { asset("image/svg+xml", ICON) }))
}

pub(crate) const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f5f8b"/><path d="M22 11.5a8 8 0 1 0 0 9" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>"##;

fn asset(kind: &'static str, text: &'static str) -> Response {
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, keep)], text)
        .into_response()
}
