//! Keys of callers, without their secrets.

use axum::{extract::Path, response::IntoResponse as _};
use cordon_core::{DurationMs, KeyId};
use maud::{Markup, html};

use super::{
    layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::api::{KeyStatus, KeyView};

/// Keys on a page.
const PAGE: usize = 100;

fn status(view: &View, key: &KeyView) -> Markup {
    match key.status {
        KeyStatus::Active if key.expires.since(view.until()) < DurationMs::from_secs(7 * 86_400) => {
            widgets::state("warn", "ends soon")
        }
        KeyStatus::Active => widgets::state("good", "active"),
        KeyStatus::Expired => widgets::state("none", "expired"),
        KeyStatus::Revoked => widgets::state("bad", "revoked"),
    }
}

const fn word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "active",
        KeyStatus::Expired => "expired",
        KeyStatus::Revoked => "revoked",
    }
}

pub(super) async fn page(view: View) -> Page {
    let keys = match view.shared.state.desk.keys(view.as_of).await {
        Ok(keys) => keys,
        Err(problem) => return Err(view.fault(problem)),
    };
    let after = view.query.get("after").and_then(|text| KeyId::parse(text).ok());
    let count = keys.len();
    let mut page: Vec<&KeyView> =
        keys.iter().filter(|key| after.is_none_or(|after| key.id > after)).take(PAGE + 1).collect();
    let more = page.len() > PAGE;
    page.truncate(PAGE);
    let rows = page.iter().map(|key| {
        let id = key.id.to_string();
        let routes: Vec<&str> = key.routes.iter().map(cordon_core::Name::as_str).collect();
        vec![
            Cell::new(html! { a href=(view.link(&format!("/keys/{id}"))) { code { (id) } } }, id.clone()),
            Cell::new(
                html! { a href=(view.link(&format!("/principals/{}", key.principal))) { (key.principal) } },
                key.principal.as_str(),
            ),
            Cell::plain(routes.join(", ")),
            Cell::new(status(&view, key), word(key.status)),
            Cell::new(widgets::time(key.created, view.now), key.created.to_string()),
            Cell::new(widgets::time(key.expires, view.now), key.expires.to_string()),
        ]
    });
    let columns = [
        table::text("Key", "id"),
        table::text("Principal", "principal"),
        table::text("Routes", "routes"),
        table::text("Status", "status"),
        table::text("Made", "created"),
        table::text("Ends", "expires"),
    ];
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let body = html! {
        p.lead { "A key lets a principal use routes. Its secret is shown once, when it is made, and kept nowhere." }
        @if count == 0 {
            (widgets::empty("There is none yet.", "Make one for a principal:", "cordon key create --principal NAME --expires 30d"))
        } @else {
            div.above { span.count { strong { (super::format::number(count as u64)) } " keys" } (Table::links("/keys", &view.query)) }
            (table.html("Keys of callers"))
            nav.pager aria-label="More" {
                @if after.is_some() { a href=(view.query.with("after", "").link("/keys")) { "First" } }
                @if more && let Some(last) = page.last() {
                    a rel="next" href=(view.query.with("after", &last.id.to_string()).link("/keys")) { "Next" }
                }
            }
        }
    };
    Ok(layout::page(&view, "Keys", &body).into_response())
}

pub(super) async fn one(view: View, Path(text): Path<String>) -> Page {
    let keys = match view.shared.state.desk.keys(view.as_of).await {
        Ok(keys) => keys,
        Err(problem) => return Err(view.fault(problem)),
    };
    let id = KeyId::parse(&text).ok();
    let Some(key) = keys.iter().find(|key| Some(key.id) == id) else {
        return Err(view.not_found("there is no such key; help: the id is the 16 digits after `ck_`"));
    };
    let routes = html! { @for route in &key.routes { a href=(view.link(&format!("/routes/{route}"))) { (route) } " " } };
    let out = match super::quarantine::key_banner(&view, key.id).await {
        Ok(out) => out,
        Err(problem) => return Err(view.fault(problem)),
    };
    let body = html! {
        p.headline { (status(&view, key)) " " code { (key.id) } }
        (out)
        (widgets::facts(vec![
            ("Principal", html! { a href=(view.link(&format!("/principals/{}", key.principal))) { (key.principal) } }),
            ("Routes", routes),
            ("Made", widgets::time(key.created, view.now)),
            ("Ends", widgets::time(key.expires, view.now)),
            ("Revoked", key.revoked.map_or_else(|| html! { "–" }, |time| widgets::time(time, view.now))),
            ("Replaces", key.replaces.map_or_else(|| html! { "–" }, |old| html! { a href=(view.link(&format!("/keys/{old}"))) { code { (old) } } })),
        ]))
        p { a href=(view.query.only("as_of").with("principal", key.principal.as_str()).link("/calls")) { "Calls of its principal" } }
        @if key.status == KeyStatus::Active {
            section {
                h2 { "What can be done" }
                pre { code { "cordon key rotate " (key.id) " --expires 30d     # a new one; this one works for another day\ncordon key revoke " (key.id) "                      # void at once" } }
            }
        }
    };
    Ok(layout::page(&view, "Key", &body).into_response())
}
