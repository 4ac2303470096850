//! People who operate Cordon, and their sessions.

use axum::response::IntoResponse as _;
use maud::html;

use super::{
    layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{api::people::AccessKind, identity::Verb};

pub(super) async fn users(view: View) -> Page {
    if let Err(problem) = view.caller.may(Verb::ReadPeople) {
        return Err(view.fault(problem));
    }
    let users = match view.shared.state.identity.users().await {
        Ok(users) => users,
        Err(problem) => return Err(view.fault(problem)),
    };
    let rows = users.iter().map(|user| {
        let state = match (user.disabled, user.enrolled) {
            (Some(_), _) => ("bad", "disabled"),
            (None, true) => ("good", "active"),
            (None, false) => ("warn", "has no password yet"),
        };
        vec![
            Cell::plain(user.login.clone().unwrap_or_else(|| "forgotten".to_owned())),
            Cell::plain(user.name.clone().unwrap_or_default()),
            Cell::plain(user.role.to_string()),
            Cell::new(widgets::state(state.0, state.1), state.1),
            Cell::new(
                html! { a href=(format!("/sessions?user={}", user.id)) { (user.signed_in) } },
                user.signed_in.to_string(),
            ),
            Cell::new(widgets::time(user.added, view.now), user.added.to_string()),
            Cell::new(widgets::id(&user.id.to_string(), None), user.id.to_string()),
        ]
    });
    let columns = [
        table::text("Login", "login"),
        table::text("Name", "name"),
        table::text("Role", "role"),
        table::text("State", "state"),
        table::number("Sessions and tokens", "signed_in"),
        table::text("Added", "added"),
        table::text("Id", "id"),
    ];
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let body = html! {
        p.lead { "People who operate Cordon. What each role may do is one table: docs/access.md." }
        @if users.is_empty() {
            (widgets::empty("There is nobody yet.", "Until then the administrator's token is the only way in:", "cordon user add you@example.com --role admin"))
        } @else {
            div.above { (Table::links("/users", &view.query)) }
            (table.html("People"))
            @if view.may(Verb::ManagePeople) {
                section { h2 { "What can be done" } pre { code { "cordon user add LOGIN --role viewer|operator|auditor|admin\ncordon user role LOGIN ROLE\ncordon user disable LOGIN\ncordon user revoke-sessions LOGIN" } } }
            }
        }
    };
    Ok(layout::page(&view, "Users", &body).into_response())
}

pub(super) async fn sessions(view: View) -> Page {
    if let Err(problem) = view.caller.may(Verb::ReadPeople) {
        return Err(view.fault(problem));
    }
    let of = view.query.get("user").and_then(|text| cordon_core::UserId::parse(text).ok());
    let identity = &view.shared.state.identity;
    let (grants, users) = match (identity.grants(&view.caller, of).await, identity.users().await) {
        (Ok(grants), Ok(users)) => (grants, users),
        (Err(problem), _) | (_, Err(problem)) => return Err(view.fault(problem)),
    };
    let login = |id| {
        let user = users.iter().find(|user| user.id == id);
        user.and_then(|user| user.login.clone()).unwrap_or_else(|| id.to_string())
    };
    let rows = grants.iter().map(|grant| {
        let kind = match grant.kind {
            AccessKind::Session => "session",
            AccessKind::Token => "token",
            AccessKind::Bootstrap => "administrator's token",
        };
        vec![
            Cell::plain(login(grant.user)),
            Cell::plain(kind),
            Cell::plain(grant.label.clone().unwrap_or_default()),
            Cell::new(widgets::time(grant.created, view.now), grant.created.to_string()),
            Cell::new(widgets::time(grant.seen, view.now), grant.seen.to_string()),
            Cell::new(widgets::time(grant.expires, view.now), grant.expires.to_string()),
            Cell::plain(if grant.current { "this one" } else { "" }),
        ]
    });
    let columns = [
        table::text("Who", "user"),
        table::text("What", "kind"),
        table::text("Called", "label"),
        table::text("Began", "created"),
        table::text("Last used", "seen"),
        table::text("Ends", "expires"),
        table::text("", "current"),
    ];
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let body = html! {
        div.above { @if of.is_some() { a href="/sessions" { "Everybody's" } } (Table::links("/sessions", &view.query)) }
        @if grants.is_empty() { (widgets::empty("Nobody is signed in with a session or token.", "", "cordon login")) }
        @else { (table.html("Sessions and tokens")) }
        @if view.may(Verb::ManagePeople) { section { h2 { "What can be done" } pre { code { "cordon user revoke-sessions LOGIN" } } } }
    };
    Ok(layout::page(&view, "Sessions", &body).into_response())
}
