//! What is out of use, and what says so on other pages.

mod wish;

use std::collections::BTreeSet;

use axum::response::IntoResponse as _;
use cordon_core::{
    KeyId, Name,
    containment::{PromptId, Subject},
    resource::Kind,
};
use maud::{Markup, html};

pub(super) use self::wish::{lift, lift_page, order, order_page};
use super::{
    layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{
    api::{Problem, quarantine::QuarantineView},
    desk::uses::{Uses, uses, uses_of_key},
};

pub(super) async fn page(view: View) -> Page {
    let items = match view.shared.state.desk.quarantined(view.as_of).await {
        Ok(items) => items,
        Err(problem) => return Err(view.fault(problem)),
    };
    let rows = items.iter().map(|item| {
        let subject = item.subject.to_string();
        vec![
            Cell::new(named(&view, &item.subject), subject),
            Cell::new(widgets::time(item.since, view.now), item.since.to_string()),
            Cell::plain(crate::cli::actor(&item.by)),
            Cell::plain(item.reason.clone().unwrap_or_default()),
            Cell::new(html! { (state(item)) " " (wish::lift_link(&view, &item.subject)) }, state(item)),
        ]
    });
    let columns = [
        table::text("Subject", "subject"),
        table::text("Since", "since"),
        table::text("By", "by"),
        table::text("Reason", "reason"),
        table::text("State", "state"),
    ];
    let table = Table::new(columns, rows.collect());
    if let Some(file) = table.file(view.format) {
        return Ok(file);
    }
    let body = html! {
        @if items.is_empty() {
            (widgets::empty(
                "Nothing is quarantined.",
                "A quarantine takes one part out at once (a model, a service, a prompt, a tool, a caller, a route, a system, a text), and the rest goes on. The page of a resource has a button for it, the form below is for the rest, or:",
                "cordon quarantine model/NAME --reason \"why\"",
            ))
        } @else {
            p { (Table::links(&view.path, &view.query)) }
            (table.html("What is quarantined"))
        }
        (wish::by_name(&view))
    };
    Ok(layout::page(&view, "Quarantine", &body).into_response())
}

fn state(item: &QuarantineView) -> String {
    match (&item.asked, item.logged) {
        (_, false) => "in force, not in the log yet".to_owned(),
        (Some(asked), _) => format!("in force; lift asked by {}", crate::cli::actor(asked)),
        (None, _) => "in force".to_owned(),
    }
}

/// A subject, which leads to its page where it has one; a prompt, to its calls.
fn named(view: &View, subject: &Subject) -> Markup {
    let text = subject.to_string();
    let page = |kind: &str, name: &dyn std::fmt::Display| Some(view.link(&format!("/{kind}/{name}")));
    let link = match subject {
        Subject::Model(name) => page("models", name),
        Subject::Service(name) => page("services", name),
        Subject::Prompt(prompt) => Some(calls_with(view, *prompt)),
        Subject::Principal(name) => page("principals", name),
        Subject::Key(key) => page("keys", key),
        Subject::Route(name) => page("routes", name),
        Subject::System(name) => page("systems", name),
        Subject::Tool(_) | Subject::Detector(_) | Subject::Signature(_) => None,
    };
    html! { @if let Some(link) = link { a href=(link) { code { (text) } } } @else { code { (text) } } }
}

/// The list of the calls that bring a prompt.
fn calls_with(view: &View, prompt: PromptId) -> String {
    view.query.only("as_of").with("prompt", &prompt.to_string()).link("/calls")
}

/// The prompt of a call: the way to its calls, and to the form that takes it out, or that gives it back.
pub(super) async fn prompt(view: &View, prompt: PromptId) -> Result<Markup, Problem> {
    let subject = Subject::Prompt(prompt);
    let out = view.shared.state.desk.quarantined(view.as_of).await?;
    let is_out = out.iter().any(|item| item.subject == subject);
    Ok(html! {
        a href=(calls_with(view, prompt)) { code { (prompt) } } " "
        @if is_out { (widgets::state("bad", "quarantined")) " " (wish::lift_link(view, &subject)) }
        @else { (wish::order_link(view, &subject)) }
    })
}

/// Says on the page of something that it is out, or that something that it uses is; and where it is not out itself, leads to
/// the form that takes it out.
pub(super) async fn banner(view: &View, kind: Kind, name: &Name) -> Result<Markup, Problem> {
    let desk = &view.shared.state.desk;
    let state = desk.state(view.as_of).await?;
    of_uses(view, &uses(&state, desk.engine(), kind, name)).await
}

/// The same for a key.
pub(super) async fn key_banner(view: &View, key: KeyId) -> Result<Markup, Problem> {
    let state = view.shared.state.desk.state(view.as_of).await?;
    let uses = state.key(key).map(|key| uses_of_key(&state, key));
    match uses {
        Some(uses) => of_uses(view, &uses).await,
        None => Ok(Markup::default()),
    }
}

async fn of_uses(view: &View, uses: &Uses) -> Result<Markup, Problem> {
    let out = view.shared.state.desk.quarantined(view.as_of).await?;
    let is_own = |item: &QuarantineView| uses.own.as_ref() == Some(&item.subject);
    let found = out.iter().filter(|item| is_own(item) || uses.others.contains(&item.subject));
    Ok(html! {
        @for item in found {
            p.alert role="status" {
                (widgets::state("bad", "quarantined")) " " (named(view, &item.subject)) " since " (widgets::time(item.since, view.now))
                " by " (crate::cli::actor(&item.by)) @if let Some(reason) = &item.reason { ": " (reason) } " "
                (wish::lift_link(view, &item.subject))
            }
        }
        @if let Some(own) = uses.own.as_ref().filter(|own| out.iter().all(|item| item.subject != **own)) {
            (wish::button(view, own))
        }
    })
}

/// How each of these is, for a list: out itself, or with something out that it uses. Nothing for a kind that neither can be.
pub(super) async fn cells(view: &View, kind: Kind, names: &[&Name]) -> Result<Option<Vec<Cell>>, Problem> {
    if matches!(kind, Kind::Limit | Kind::Retention | Kind::Trigger) {
        return Ok(None);
    }
    let desk = &view.shared.state.desk;
    let out: BTreeSet<Subject> =
        desk.quarantined(view.as_of).await?.into_iter().map(|item| item.subject).collect();
    let state = desk.state(view.as_of).await?;
    let cell = |name: &&Name| {
        if out.is_empty() {
            return Cell::new(widgets::state("good", "in use"), "in use");
        }
        let uses = uses(&state, desk.engine(), kind, name);
        if uses.own.is_some_and(|own| out.contains(&own)) {
            return Cell::new(widgets::state("bad", "quarantined"), "quarantined");
        }
        match uses.others.intersection(&out).map(Subject::to_string).collect::<Vec<_>>().join(", ") {
            others if others.is_empty() => Cell::new(widgets::state("good", "in use"), "in use"),
            others => {
                let text = format!("{others} quarantined");
                Cell::new(widgets::state("warn", &text), text)
            }
        }
    };
    Ok(Some(names.iter().map(cell).collect()))
}

/// A line for each quarantine, for the list of what must be done.
pub(super) async fn lines(view: &View) -> Result<Vec<Markup>, Problem> {
    let out = view.shared.state.desk.quarantined(view.as_of).await?;
    let line = |item: &QuarantineView| {
        html! { (named(view, &item.subject)) " is quarantined since " (widgets::time(item.since, view.now)) }
    };
    Ok(out.iter().map(line).collect())
}
