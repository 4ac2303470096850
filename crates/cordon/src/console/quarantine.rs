//! What is out of use, and what says so on other pages.

mod wish;

use axum::response::IntoResponse as _;
use cordon_core::{
    KeyId, Name,
    containment::{PromptId, Subject},
    resource::Kind,
};
use maud::{Markup, html};
use serde_json::Value;

pub(super) use self::wish::{lift, lift_page, order, order_page};
use super::{
    layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::api::{Problem, quarantine::QuarantineView};

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
                "A quarantine takes one part out at once (a model, a service, a prompt, a tool, a caller, a route, a system, a text), and the rest goes on. Its page has a button for it, or:",
                "cordon quarantine model/NAME --reason \"why\"",
            ))
        } @else {
            p { (Table::links(&view.path, &view.query)) }
            (table.html("What is quarantined"))
        }
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
pub(super) async fn banner(view: &View, kind: Kind, name: &Name, spec: &Value) -> Result<Markup, Problem> {
    of_subjects(view, &subjects(kind, name, spec)).await
}

/// The same for a key.
pub(super) async fn key_banner(view: &View, key: KeyId, principal: &Name) -> Result<Markup, Problem> {
    of_subjects(view, &[Subject::Key(key), Subject::Principal(principal.clone())]).await
}

/// The first of these is what the page is about.
async fn of_subjects(view: &View, uses: &[Subject]) -> Result<Markup, Problem> {
    let out = view.shared.state.desk.quarantined(view.as_of).await?;
    let found: Vec<&QuarantineView> = out.iter().filter(|item| uses.contains(&item.subject)).collect();
    Ok(html! {
        @for item in found {
            p.alert role="status" {
                (widgets::state("bad", "quarantined")) " " (named(view, &item.subject)) " since " (widgets::time(item.since, view.now))
                " by " (crate::cli::actor(&item.by)) @if let Some(reason) = &item.reason { ": " (reason) } " "
                (wish::lift_link(view, &item.subject))
            }
        }
        @if let Some(own) = uses.first().filter(|own| out.iter().all(|item| item.subject != **own)) {
            (wish::button(view, own))
        }
    })
}

/// A line for each quarantine, for the list of what must be done.
pub(super) async fn lines(view: &View) -> Result<Vec<Markup>, Problem> {
    let out = view.shared.state.desk.quarantined(view.as_of).await?;
    let line = |item: &QuarantineView| {
        html! { (named(view, &item.subject)) " is quarantined since " (widgets::time(item.since, view.now)) }
    };
    Ok(out.iter().map(line).collect())
}

/// What a quarantine of this resource, or of something that it names, is called.
fn subjects(kind: Kind, name: &Name, spec: &Value) -> Vec<Subject> {
    let named = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|text| Name::parse(text).ok());
    match kind {
        Kind::Model => {
            let service = named(spec.get("service")).map(Subject::Service);
            std::iter::once(Subject::Model(name.clone())).chain(service).collect()
        }
        Kind::Route => {
            let targets = spec.get("targets").and_then(Value::as_array).into_iter().flatten();
            let models = targets.filter_map(|target| named(target.get("model"))).map(Subject::Model);
            let system = named(spec.get("system")).map(Subject::System);
            std::iter::once(Subject::Route(name.clone())).chain(system).chain(models).collect()
        }
        Kind::Service => vec![Subject::Service(name.clone())],
        Kind::Principal => vec![Subject::Principal(name.clone())],
        Kind::System => vec![Subject::System(name.clone())],
        Kind::Guard | Kind::Limit | Kind::Retention | Kind::Team | Kind::Trigger => Vec::new(),
    }
}
