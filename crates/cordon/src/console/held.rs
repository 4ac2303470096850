//! What waits for a person: held files and texts, what was found in each, and the two buttons.

use axum::{
    Form,
    extract::{Path, rejection::FormRejection},
    response::{IntoResponse as _, Redirect},
};
use cordon_core::review::{HeldId, Verdict};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    format, layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{
    api::{
        Problem,
        held::{HeldStatus, HeldView, HeldWhich, ReviewHeld},
    },
    identity::Verb,
};

/// The most on a page: who has more has to begin somewhere.
const MOST: u32 = 500;

/// What somebody decides.
#[derive(Deserialize)]
pub(super) struct ReviewForm {
    verdict: Verdict,
    reason: String,
}

/// The list: what waits, or with `which=all` also what was decided about.
pub(super) async fn page(view: View) -> Page {
    let all = view.query.get("which") == Some("all");
    let which = if all { HeldWhich::All } else { HeldWhich::Waiting };
    let items = match view.shared.state.desk.held_files(which, None, MOST).await {
        Ok(items) => items,
        Err(problem) => return Err(view.fault(problem)),
    };
    let rows = items.iter().map(|item| {
        let (id, category) = (item.id.to_string(), strictest(item));
        vec![
            Cell::new(widgets::id(&id, Some(&view.link(&format!("/held/{id}")))), id.as_str()),
            Cell::new(widgets::time(item.since, view.now), item.since.to_string()),
            Cell::new(state(item.status), item.status.as_str()),
            Cell::plain(category),
            Cell::plain(item.principal.to_string()),
            Cell::plain(item.route.to_string()),
            Cell::plain(item.kind.as_str().to_owned()),
            Cell::plain(item.file_type.clone()),
            Cell::new(html! { (format::number(item.bytes)) }, item.bytes.to_string()),
        ]
    });
    let columns = [
        table::text("Held", "id"),
        table::text("Since", "since"),
        table::text("State", "status"),
        table::text("For", "category"),
        table::text("Caller", "principal"),
        table::text("Route", "route"),
        table::text("Kind", "kind"),
        table::text("Type", "file_type"),
        table::number("Bytes", "bytes"),
    ];
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let other = if all { view.query.with("which", "") } else { view.query.with("which", "all") };
    let body = html! {
        p {
            a href=(other.link("/held")) { @if all { "Only what waits" } @else { "Also what was decided about" } }
            @if !items.is_empty() { " " (Table::links(&view.path, &view.query)) }
        }
        @if items.is_empty() {
            (widgets::empty(
                "Nothing waits for a review.",
                "A file, a text or a call of a tool is held where a rule says hold for what was found in it. It is kept sealed until somebody releases or rejects it here, or:",
                "cordon held list",
            ))
        } @else { (table.html("Held for a review, the longest-waiting first")) }
    };
    Ok(layout::page(&view, "Held", &body).into_response())
}

/// One of them.
pub(super) async fn one(Path(id): Path<String>, view: View) -> Page {
    let shown = async {
        let item = view.shared.state.desk.held_file(known(&id)?).await?;
        Ok(about(&view, &item))
    };
    match shown.await {
        Ok(body) => Ok(layout::page(&view, "Held", &body).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// Decides. It is in force when the answer comes.
pub(super) async fn review(
    Path(id): Path<String>,
    view: View,
    form: Result<Form<ReviewForm>, FormRejection>,
) -> Page {
    let done = async {
        view.caller.may(Verb::ReviewHeld)?;
        let Form(ReviewForm { verdict, reason }) = form.map_err(|_| {
            Problem::new(400, "malformed", "the form cannot be read", "a verdict and a reason are expected")
        })?;
        let wish = ReviewHeld { reason, expires: None };
        let actor = view.caller.actor.clone();
        view.shared.state.desk.review_held(known(&id)?, verdict, wish, actor).await
    };
    match done.await {
        Ok(done) => Ok(Redirect::to(&format!("/held/{}", done.id)).into_response()),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// A line for the list of what must be done, where something waits.
pub(super) async fn lines(view: &View) -> Result<Vec<Markup>, Problem> {
    if view.as_of.is_some() {
        return Ok(Vec::new());
    }
    let items = match view.shared.state.desk.held_files(HeldWhich::Waiting, None, MOST).await {
        Ok(items) => items,
        // A folder that nobody serves holds nothing for review.
        Err(problem) if problem.status == 503 => return Ok(Vec::new()),
        Err(problem) => return Err(problem),
    };
    let Some(first) = items.first() else { return Ok(Vec::new()) };
    let count = items.len();
    Ok(vec![html! {
        a href=(view.link("/held")) { (format::number(count as u64)) @if count == 1 { " held item waits" } @else { " held items wait" } " for a review" }
        ", the longest since " (widgets::time(first.since, view.now))
    }])
}

fn about(view: &View, item: &HeldView) -> Markup {
    let (id, call) = (item.id.to_string(), item.call.to_string());
    html! {
        (widgets::facts(vec![
            ("Id", widgets::id(&id, None)),
            ("Kind", html! { (item.kind.as_str()) @if let Some(channel) = item.channel { " of channel " (channel.as_str()) } }),
            ("State", state(item.status)),
            ("Since", widgets::time(item.since, view.now)),
            ("Kept until", widgets::time(item.expires, view.now)),
            ("Call", widgets::id(&call, Some(&view.link(&format!("/calls/{call}"))))),
            ("Route", html! { a href=(view.link(&format!("/routes/{}", item.route))) { (item.route) } }),
            ("Caller", html! { a href=(view.link(&format!("/principals/{}", item.principal))) { (item.principal) } }),
            ("Key", html! { a href=(view.link(&format!("/keys/{}", item.key))) { code { (item.key) } } }),
            ("Part", html! { code { (item.part) } }),
            ("Type", html! { (item.file_type) }),
            ("Bytes", html! { (format::number(item.bytes)) }),
        ]))
        section {
            h2 { "What was found" }
            ul {
                @for finding in &item.findings {
                    li { (widgets::verdict(finding.action)) " " code { (finding.category) } " " (finding.score) ", " (finding.detector) }
                }
            }
            @if view.may(Verb::ReadContent) && view.as_of.is_none() {
                p {
                    a href=(format!("/api/v1/held/{id}/content")) download=(format!("held-{id}.bin")) { "Download the bytes" }
                    " " span.quiet { "They are as hostile as they came; that you read them is recorded." }
                }
            }
        }
        @if let Some(review) = &item.review {
            section {
                h2 { "What was decided" }
                p {
                    (review.verdict.as_str()) " by " (crate::cli::actor(&review.by)) " " (widgets::time(review.at, view.now))
                    ", until " (review.ends.to_string()) @if let Some(reason) = &review.reason { ": " (reason) }
                }
            }
        }
        @if view.may(Verb::ReviewHeld) && view.as_of.is_none() { (decide(view, item, &id)) }
    }
}

/// The two buttons, with what each means.
fn decide(view: &View, item: &HeldView, id: &str) -> Markup {
    html! {
        section {
            h2 { "Decide" }
            p {
                @if item.kind.is_once() {
                    "A release lets this call pass once for " (item.principal) " on " (item.route) ", within 7 days, where it would be held; "
                    "the next one waits again. What is blocked stays blocked. A rejection refuses it for a year."
                } @else {
                    "A release lets these bytes of " (item.principal) " pass on " (item.route) " for 7 days, where they would be held; what is "
                    "blocked stays blocked. A rejection refuses them for a year."
                }
            }
            form.try method="post" action=(format!("/held/{id}")) {
                (view.csrf())
                label { "Why (kept sealed beside the log)" textarea name="reason" rows="3" maxlength="4096" required {} }
                button name="verdict" value="released" { "Release" } " "
                button.danger name="verdict" value="rejected" { "Reject" }
            }
            p.quiet { "The same: " code { "cordon held release " (id) " --reason TEXT" } ", " code { "POST /api/v1/held/" (id) "/release" } }
        }
    }
}

fn strictest(item: &HeldView) -> String {
    item.findings.first().map(|finding| finding.category.to_string()).unwrap_or_default()
}

fn state(status: HeldStatus) -> Markup {
    let class = match status {
        HeldStatus::Waiting => "warn",
        HeldStatus::Released => "good",
        HeldStatus::Rejected => "bad",
        HeldStatus::Ended | HeldStatus::Used => "",
    };
    widgets::state(class, status.as_str())
}

fn known(id: &str) -> Result<HeldId, Problem> {
    HeldId::parse(id).map_err(|error| Problem::new(400, "malformed", "this is no id", error.to_string()))
}
