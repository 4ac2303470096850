//! Signing in and out, and the choice of a password with a secret that an administrator handed out.

use std::net::IpAddr;

use axum::{
    Extension, Form,
    extract::{RawQuery, Request, State, rejection::FormRejection},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{layout, widgets::Query};
use crate::{
    api::Problem,
    control::{Shared, access::admit},
    identity::{MIN_CHARACTERS, Peer, safe_next},
};

type From = Option<Extension<Peer>>;

fn address(peer: From) -> Option<IpAddr> {
    peer.map(|Extension(Peer(address))| address)
}

/// Lets those pass who are signed in; others are shown the way in, and come back to where they wanted to go.
pub(crate) async fn signed_in(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let wanted = request.uri().path_and_query().map(|wanted| wanted.as_str().to_owned());
    let looks = request.method() == Method::GET;
    match admit(&shared.state.identity, request).await {
        Ok((caller, mut request)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) if problem.status == 401 => {
            let wanted = wanted.filter(|wanted| looks && wanted != "/").unwrap_or_default();
            Redirect::to(&Query::default().with("next", &wanted).link("/signin")).into_response()
        }
        Err(problem) => faulty(&problem),
    }
}

/// Tells a browser of a problem as a page.
pub(crate) async fn told_as_page(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let page = accept.is_some_and(|accept| accept.contains("text/html"));
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if page => faulty(problem),
        _ => response,
    }
}

fn faulty(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = html! { p role="alert" { (problem.detail) } p { a href="/" { "Go to the overview" } } };
    (status, layout::bare(&problem.title, &body)).into_response()
}

/// The page for signing in.
pub(super) async fn page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = Query::of(query.as_deref());
    layout::bare("Sign in", &form(&shared, query.get("next"), "", None)).into_response()
}

fn form(shared: &Shared, next: Option<&str>, login: &str, problem: Option<&Problem>) -> Markup {
    let next = safe_next(next);
    let provider = shared.state.identity.has_provider();
    html! {
        @if let Some(problem) = problem { p.alert role="alert" { (problem.detail) } }
        @if provider {
            p { a.button href=(Query::default().with("next", &next).link("/signin/oidc")) { "Sign in with your organisation" } }
            p.quiet { "or with a password:" }
        }
        form.sign method="post" action="/signin" {
            input type="hidden" name="next" value=(next);
            label { "Login" input name="login" value=(login) autocomplete="username" required autofocus maxlength="254"; }
            label { "Password" input type="password" name="password" autocomplete="current-password" required maxlength="1024"; }
            button { "Sign in" }
        }
        details {
            summary { "No login yet?" }
            p { "An admin makes one, on the machine that Cordon runs on the first time:" }
            pre { code { "cordon user add you@example.com --role admin" } }
            p { "It prints a secret with which you " a href="/enrol" { "choose a password" } "." }
        }
    }
}

/// What is sent by the page for signing in.
#[derive(Deserialize)]
pub(super) struct Login {
    login: String,
    password: String,
    next: Option<String>,
}

pub(super) async fn sign_in(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    body: Result<Form<Login>, FormRejection>,
) -> Response {
    let Ok(Form(wish)) = body else {
        return faulty(&unreadable("login and password are expected"));
    };
    match shared.state.identity.sign_in(&wish.login, wish.password, &headers, address(peer)).await {
        Ok(signed_in) => {
            let next = safe_next(wish.next.as_deref());
            ([(header::SET_COOKIE, signed_in.cookie)], Redirect::to(&next)).into_response()
        }
        Err(problem) => {
            let body = form(&shared, wish.next.as_deref(), &wish.login, Some(&problem));
            again(&problem, "Sign in", &body)
        }
    }
}

pub(super) async fn sign_out(
    State(shared): State<Shared>,
    caller: Extension<crate::identity::Caller>,
) -> Response {
    match shared.state.identity.sign_out(&caller).await {
        Ok(Some(cookie)) => ([(header::SET_COOKIE, cookie)], Redirect::to("/signin")).into_response(),
        Ok(None) => Redirect::to("/signin").into_response(),
        Err(problem) => faulty(&problem),
    }
}

/// The page for choosing a password.
pub(super) async fn enrol_page() -> Response {
    layout::bare("Choose a password", &enrol_form(None)).into_response()
}

fn enrol_form(problem: Option<&Problem>) -> Markup {
    html! {
        @if let Some(problem) = problem { p.alert role="alert" { (problem.detail) } }
        form.sign method="post" action="/enrol" {
            label { "Secret that you were given" input name="secret" autocomplete="off" required maxlength="200" placeholder="ce_…"; }
            label { "New password, at least " (MIN_CHARACTERS) " characters" input type="password" name="password" autocomplete="new-password" required minlength=(MIN_CHARACTERS) maxlength="1024"; }
            button { "Set the password" }
        }
        p.quiet { "A sentence that only you would say is a good password. There are no other rules." }
    }
}

/// What is sent by the page for choosing a password.
#[derive(Deserialize)]
pub(super) struct Enrol {
    secret: String,
    password: String,
}

pub(super) async fn enrol(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    body: Result<Form<Enrol>, FormRejection>,
) -> Response {
    let Ok(Form(wish)) = body else {
        return faulty(&unreadable("secret and password are expected"));
    };
    let identity = &shared.state.identity;
    let done = match identity.site().same_origin(&headers, false) {
        Ok(()) => identity.enrol(&wish.secret, wish.password, address(peer)).await,
        Err(foreign) => Err(foreign.into()),
    };
    match done {
        Ok(_) => {
            let body = html! { p { "Your password is set." } p { a.button href="/signin" { "Sign in" } } };
            layout::bare("Welcome", &body).into_response()
        }
        Err(problem) => again(&problem, "Choose a password", &enrol_form(Some(&problem))),
    }
}

fn unreadable(expected: &str) -> Problem {
    Problem::new(400, "malformed", "the form cannot be read", expected)
}

/// The page of a form once more, with what was wrong on it.
fn again(problem: &Problem, title: &str, body: &Markup) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, layout::bare(title, body)).into_response()
}
