//! Calls: a list with filters, and new ones as they end.

use axum::response::IntoResponse as _;
use cordon_core::{Action, CallId, Category, Name, containment::PromptId};
use cordon_store::calls::CallQuery;
use maud::{Markup, html};

use super::{
    format, layout,
    table::{self, Cell, Column, Table},
    view::{Page, View, moment},
    widgets,
};
use crate::api::{CallView, Problem};

/// Calls on a page.
const PAGE: u32 = 50;
/// A count stops here.
const COUNTED: u32 = 10_000;

const COLUMNS: [Column; 9] = [
    table::text("Time", "time"),
    table::text("Call", "call"),
    table::text("Principal", "principal"),
    table::text("Route", "route"),
    table::text("Model", "model"),
    table::text("Verdict", "verdict"),
    table::number("Status", "status"),
    table::number("Latency", "latency_micros"),
    table::text("Findings", "findings"),
];

pub(super) async fn page(view: View) -> Page {
    let asked = match query(&view) {
        Ok(asked) => asked,
        Err(problem) => return Err(view.fault(problem)),
    };
    match build(&view, &asked).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Calls", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

/// What the address asks for.
fn query(view: &View) -> Result<CallQuery, Problem> {
    let wrong = |what: &str, error: String| {
        Problem::new(400, "malformed", "the address cannot be read", format!("{what}: {error}"))
    };
    let name = |key: &str| {
        view.query
            .get(key)
            .map(|text| Name::parse(text).map_err(|error| wrong(key, error.to_string())))
            .transpose()
    };
    let verdict = view.query.get("verdict").map(|word| {
        let found = VERDICTS.into_iter().find(|action| action.as_str() == word);
        found
            .ok_or_else(|| wrong("verdict", "one of allow, flag, redact, hold, block is expected".to_owned()))
    });
    let category = view
        .query
        .get("category")
        .map(|text| Category::parse(text).map_err(|error| wrong("category", error.to_string())));
    let prompt = view
        .query
        .get("prompt")
        .map(|text| PromptId::parse(text).map_err(|error| wrong("prompt", error.to_string())));
    let before = view
        .query
        .get("before")
        .map(|text| CallId::parse(text).map_err(|error| wrong("before", error.to_string())));
    let time = |key: &str| {
        view.query
            .get(key)
            .map(|text| moment(text).ok_or_else(|| wrong(key, "a time is expected".to_owned())))
            .transpose()
    };
    Ok(CallQuery {
        since: Some(time("since")?.unwrap_or_else(|| view.since())),
        until: time("until")?.or(view.as_of),
        principal: name("principal")?,
        route: name("route")?,
        verdict: verdict.transpose()?,
        category: category.transpose()?,
        found: view.query.get("found").is_some(),
        prompt: prompt.transpose()?,
        before: before.transpose()?,
        limit: Some(PAGE + 1),
    })
}

const VERDICTS: [Action; 5] = [Action::Allow, Action::Flag, Action::Redact, Action::Hold, Action::Block];

async fn build(view: &View, asked: &CallQuery) -> Result<(Table, Markup), Problem> {
    let calls = view.shared.state.desk.calls();
    let mut rows = calls.page(asked).await?;
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let older = rows.last().filter(|_| more).map(|call| call.call_id);
    let count = calls.count(&CallQuery { before: None, ..asked.clone() }, COUNTED.saturating_add(1)).await?;
    let count = if count > COUNTED {
        format!("{}+", format::number(COUNTED.into()))
    } else {
        format::number(count.into())
    };
    let table = Table::new(COLUMNS, rows.iter().map(|call| row(view, call)).collect());
    // The stream has no filter for whatever was found.
    let live = asked.until.is_none() && asked.before.is_none() && !asked.found;
    let body = html! {
        (layout::ranges(view))
        (filters(view))
        div.above {
            span.count { strong { (count) } " calls" }
            @if live {
                button.live type="button" data-live=(live_link(view)) hidden aria-pressed="false" { "Show new calls as they end" }
            }
            (Table::links("/calls", &view.query))
        }
        @if rows.is_empty() {
            (widgets::empty("No call fits.", "Choose a longer time or fewer filters.", ""))
        } @else {
            (table.html_as("Calls, latest first", Some("calls")))
        }
        nav.pager aria-label="More" {
            @if asked.before.is_some() { a href=(view.query.with("before", "").link("/calls")) { "Latest" } }
            @if let Some(older) = older { a rel="next" href=(view.query.with("before", &older.to_string()).link("/calls")) { "Older" } }
        }
    };
    Ok((table, body))
}

/// The stream that the script follows: the same filters.
fn live_link(view: &View) -> String {
    let mut link = widgets::Query::default().with("limit", "1");
    for key in ["principal", "route", "verdict", "category", "prompt"] {
        link = link.with(key, view.query.get(key).unwrap_or_default());
    }
    link.link("/api/v1/calls/live")
}

fn filters(view: &View) -> Markup {
    let value = |key: &str| view.query.get(key).map(str::to_owned);
    html! {
        form.filters action="/calls" {
            (layout::hidden(view, &["as_of", "range"]))
            label { "Verdict" select name="verdict" {
                option value="" { "any" }
                @for action in VERDICTS {
                    option value=(action.as_str()) selected[view.query.get("verdict") == Some(action.as_str())] { (action.as_str()) }
                }
            } }
            label { "Route" input name="route" value=[value("route")] maxlength="63"; }
            label { "Principal" input name="principal" value=[value("principal")] maxlength="63"; }
            label { "Category" input name="category" value=[value("category")] placeholder="pii/card" maxlength="100"; }
            label { "Prompt" input name="prompt" value=[value("prompt")] placeholder="16 digits" maxlength="16"; }
            label { "Something found" select name="found" {
                option value="" { "or not" }
                option value="1" selected[view.query.get("found").is_some()] { "yes" }
            } }
            button { "Filter" }
            a href=(view.query.only("as_of").link("/calls")) { "Clear" }
        }
    }
}

pub(super) fn row(view: &View, call: &CallView) -> Vec<Cell> {
    let id = call.call_id.to_string();
    let linked = |kind: &str, name: Option<&Name>| match name {
        Some(name) => {
            let link = view.link(&format!("/{kind}/{name}"));
            Cell::new(html! { a href=(link) { (name) } }, name.as_str())
        }
        None => Cell::new(html! { "–" }, ""),
    };
    let mut categories: Vec<&str> =
        call.findings.iter().map(|found| found.finding.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    let latency = call.timings.map(|timings| timings.total);
    vec![
        Cell::new(widgets::time(call.time, view.now), call.time.to_string()),
        Cell::new(widgets::id(&id, Some(&view.link(&format!("/calls/{id}")))), id.clone()),
        linked("principals", Some(&call.principal)),
        linked("routes", call.route.as_ref()),
        linked("models", call.model.as_ref()),
        Cell::new(
            html! { (widgets::verdict(call.verdict)) @if call.would > call.verdict { " " span.quiet title="guards that only observe" { "would " (call.would) } } },
            call.verdict.as_str(),
        ),
        Cell::plain(call.status.map_or_else(|| "running".to_owned(), |status| status.to_string())),
        Cell::new(
            html! { (latency.map(format::micros).unwrap_or_default()) },
            latency.map(|latency| latency.to_string()).unwrap_or_default(),
        ),
        Cell::plain(categories.join(", ")),
    ]
}
