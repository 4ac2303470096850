//! The inspector: what is found in a text that somebody pastes or in a file, in which decoded views and parts of it, and what is done about
//! it.
//!
//! **Never here:** the text in an address, a log or a file on a disk. It comes in a form, and goes with the answer.

mod asked;
mod file;
mod marked;

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, StatusCode},
    response::IntoResponse as _,
};
use cordon_core::{Action, Channel, Name, resource::Kind};
use maud::{Markup, html};

use self::{
    asked::{Asked, malformed},
    marked::{Spot, marked, plain},
};
use super::{
    format, layout,
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::{
    api::{
        Problem,
        inspect::{Inspected, InspectedFinding, InspectedView, MAX_TEXT},
    },
    identity::Verb,
};

/// Findings on a page, by their place in the text.
const FINDINGS: usize = 100;
/// Views on a page.
const VIEWS: usize = 20;
/// Categories that are counted on a page.
const CATEGORIES: usize = 20;
/// Guards and routes to choose from.
const JUDGES: usize = 500;
/// A text and a view with more bytes are not shown whole.
const WHOLE_TEXT: usize = 16 << 10;
const WHOLE_VIEW: usize = 2 << 10;

/// The form. An address may say channel and judge, and never a text.
pub(super) async fn page(view: View) -> Page {
    let asked = |key: &str| view.query.get(key).unwrap_or_default().to_owned();
    let asked = Asked::of(asked("channel"), asked("judge"));
    match view.caller.may(Verb::Plan) {
        Ok(()) => shown(view, &asked, None).await,
        Err(problem) => Err(view.fault(problem)),
    }
}

/// The form again, with what was found. Nothing is recorded; the text stays in this answer.
pub(super) async fn inspect(view: View, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Page {
    if let Err(problem) = view.caller.may(Verb::Plan) {
        return Err(view.fault(problem));
    }
    let asked = match body.map_err(|_| malformed("the form is not whole, or too long")) {
        Ok(body) => Asked::read(&headers, &body),
        Err(problem) => Err(problem),
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => return Err(view.fault(problem)),
    };
    let answer = match asked.wish() {
        Ok(wish) => view.shared.state.desk.inspect(wish).await,
        Err(problem) => Err(problem),
    };
    shown(view, &asked, Some(answer)).await
}

async fn shown(view: View, asked: &Asked, answer: Option<Result<Inspected, Problem>>) -> Page {
    let judges = match judges(&view, &asked.judge).await {
        Ok(judges) => judges,
        Err(problem) => return Err(view.fault(problem)),
    };
    let (status, wrong, result) = match answer {
        None => (200, None, Markup::default()),
        Some(Ok(inspected)) => (200, None, result(&view, asked, &inspected)),
        Some(Err(problem)) => (problem.status, Some(problem), Markup::default()),
    };
    let body = html! {
        p.lead { "What is found in a text or a file, in which decoded views and parts of it, and what would be done about it. It is neither recorded nor kept, and goes nowhere but to detectors elsewhere that the guards name." }
        @if view.as_of.is_some() { div.banner.warn { "A text is judged by the rules that hold now, not by those of then." } }
        @if let Some(problem) = &wrong { p.alert role="alert" { (problem.title) ": " (problem.detail) } }
        (fields(&view, asked, &html! {
            label { "Judged by" select name="judge" {
                @for (value, word) in &judges { option value=(value) selected[*value == asked.judge] { (word) } }
            } }
        }))
        (result)
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, layout::page(&view, "Inspector", &body)).into_response())
}

/// Who may judge, as the form says it and in words; what was chosen is among them.
async fn judges(view: &View, chosen: &str) -> Result<Vec<(String, String)>, Problem> {
    let state = view.shared.state.desk.state(None).await?;
    let mut judges = vec![(String::new(), "the guards of the organisation".to_owned())];
    for (kind, word) in [(Kind::Guard, "guard"), (Kind::Route, "route")] {
        let names = state.resources_of(kind).map(|(name, _)| name).take(JUDGES);
        judges.extend(names.map(|name| (format!("{word}/{name}"), format!("{word} {name}"))));
    }
    if judges.iter().all(|(value, _)| value != chosen) {
        judges.push((chosen.to_owned(), chosen.replacen('/', " ", 1)));
    }
    Ok(judges)
}

/// The form on the page of a guard, which judges alone.
pub(super) fn by_guard(view: &View, name: &Name) -> Markup {
    let judge = format!("guard/{name}");
    html! {
        @if view.may(Verb::Plan) {
            section {
                h2 { "Try a text against it" }
                (fields(view, &Asked::default(), &html! { input type="hidden" name="judge" value=(judge); }))
            }
        }
    }
}

/// A link to the form, where a route judges.
pub(super) fn by_route(view: &View, name: &Name) -> Markup {
    let link = view.query.only("as_of").with("judge", &format!("route/{name}")).link("/inspect");
    html! { @if view.may(Verb::Plan) { " " a.button href=(link) { "Inspect a text as it does" } } }
}

fn fields(view: &View, asked: &Asked, judge: &Markup) -> Markup {
    let channel = Channel::parse(&asked.channel).unwrap_or(Channel::User);
    html! {
        form.try method="post" action="/inspect#result" enctype="multipart/form-data" autocomplete="off" {
            (view.csrf())
            // A field's first line end is not part of its text; spelling is checked elsewhere by some browsers.
            label { "Text" textarea name="text" rows="8" maxlength=(MAX_TEXT) spellcheck="false" dir="auto" { "\n" (asked.pasted()) } }
            label { "Or a file, up to 1 MiB, which takes its place" input type="file" name="file"; }
            div.filters {
                label { "It comes from" select name="channel" {
                    @for known in Channel::ALL { option value=(known.as_str()) selected[known == channel] { (known.as_str().replace('_', " ")) } }
                } }
                (judge)
            }
            button { "Inspect" }
        }
    }
}

fn result(view: &View, asked: &Asked, inspected: &Inspected) -> Markup {
    let Inspected { findings, views, redacted, .. } = inspected;
    let text = asked.text();
    let apart = inspected.file.as_ref().filter(|_| redacted.is_none());
    let spots: Vec<Spot> =
        findings.iter().take(FINDINGS).enumerate().map(|(at, found)| spot(at, found)).collect();
    let stops = inspected.action >= Action::Hold;
    html! {
        section #result tabindex="-1" aria-labelledby="decision" {
            h2 #decision { "Decision" }
            p.headline role="status" { (widgets::verdict(inspected.action)) " " (meaning(inspected.action)) }
            @if inspected.would > inspected.action {
                div.banner { "Guards that only observe would have done more: " (widgets::verdict(inspected.would)) ". They enforce with " code { "mode: enforce" } "." }
            }
            (widgets::facts(vec![
                ("Judged by", html! { @for (at, guard) in inspected.guards.iter().enumerate() { @if at > 0 { ", " } (guard_link(view, guard)) } }),
                (if inspected.file.is_some() { "File" } else { "Text" }, html! { @if let Some(name) = asked.name() { (name) ", " } (format::number(asked.bytes() as u64)) " bytes" }),
                ("Found", html! { (counted(findings)) }),
            ]))
            @if let Some(file) = &inspected.file { (file::facts(file)) }
            @if findings.is_empty() { p.quiet { "Nothing was found." } }
            @else {
                h2 { "Findings" }
                (table(findings, apart.is_some()).html(if apart.is_some() { "What was found in the file" } else { "What was found in the text" }))
                @if findings.len() > FINDINGS { p.quiet { "These are the first " (FINDINGS) " of " (format::number(findings.len() as u64)) "; the commands below give all." } }
                @if let Some(file) = apart { (file::parts(file, findings)) }
                @else {
                    h2 { "Where in the text" }
                    (marked(text, &spots, WHOLE_TEXT, true))
                }
            }
            @if !views.is_empty() {
                h2 { "Decoded views" }
                p.quiet { "What pieces of the text say once an encoding or a disguise is undone, where something was found in that." }
                @for decoded in views.iter().take(VIEWS) { (view_of(decoded, findings)) }
                @let more = views.len().saturating_sub(VIEWS) as u64 + u64::from(inspected.views_more);
                @if more > 0 { p.quiet { "And " (format::number(more)) " more." } }
            }
            @if let Some(redacted) = redacted {
                h2 { @if stops { "The text, masked" } @else { "The text as it would go on" } }
                @if stops { p.quiet { "Nothing would go on; a mask stands for what stops it." } }
                @if redacted == text { p.quiet { "As it came." } } @else { (plain(redacted, WHOLE_TEXT)) }
            }
            h2 { "The same elsewhere" }
            (elsewhere(asked))
        }
    }
}

/// What an action means for a call that says the text.
const fn meaning(action: Action) -> &'static str {
    match action {
        Action::Allow => "It goes on as it is.",
        Action::Flag => "It goes on as it is; the record of the call says what was found.",
        Action::Redact => "It goes on with placeholders for what was found.",
        Action::Hold => "The call is held: nothing goes on.",
        Action::Block => "The call is refused: nothing goes on.",
    }
}

fn guard_link(view: &View, guard: &Name) -> Markup {
    if guard.as_str() == "built-in" {
        html! { "the built-in baseline" }
    } else {
        html! { a href=(view.link(&format!("/guards/{guard}"))) { (guard) } }
    }
}

/// How often each category was found, the most frequent first.
fn counted(findings: &[InspectedFinding]) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for found in findings {
        let count = counts.entry(found.category.to_string()).or_default();
        *count = count.saturating_add(1);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = counts.len().saturating_sub(CATEGORIES);
    let told = counts
        .iter()
        .take(CATEGORIES)
        .map(|(category, count)| format!("{category} {}", format::number(*count)));
    let mut told: Vec<String> = told.collect();
    if more > 0 {
        told.push(format!("{more} more categories"));
    }
    if told.is_empty() { "–".to_owned() } else { told.join(", ") }
}

fn spot(at: usize, found: &InspectedFinding) -> Spot {
    let what = format!("{} {}, {}", found.category, found.score, found.would.as_str());
    Spot { start: found.start, end: found.end, number: Some(at.saturating_add(1)), action: found.would, what }
}

fn table(findings: &[InspectedFinding], of_file: bool) -> Table {
    let rows = findings.iter().take(FINDINGS).enumerate().map(|(at, found)| {
        let number = at.saturating_add(1);
        // In a file marks stand only in the parts of which the text is shown.
        let place = (!of_file || found.r#in.is_some()).then(|| format!("#mark-{number}"));
        let mark = html! { a id=(format!("finding-{number}")) href=[place] { (number) } };
        let done = html! {
            (widgets::verdict(found.action))
            @if found.would > found.action { " " span.quiet { "would " (found.would.as_str()) } }
        };
        let mut cells = vec![
            Cell::new(mark, number.to_string()),
            Cell::plain(found.category.to_string()),
            Cell::plain(found.score.to_string()),
            Cell::plain(found.start.to_string()),
            Cell::plain(found.end.to_string()),
            Cell::new(done, found.action.as_str()),
            Cell::plain(format!("{} {}", found.detector, found.detector_version)),
        ];
        if of_file {
            cells.insert(2, Cell::plain(found.r#in.clone().unwrap_or_else(|| "the file".to_owned())));
        }
        cells
    });
    let mut columns = vec![
        table::number("No.", "number"),
        table::text("Category", "category"),
        table::number("Score", "score"),
        table::number("First byte", "start"),
        table::number("Up to byte", "end"),
        table::text("Action", "action"),
        table::text("Detector and version", "detector"),
    ];
    if of_file {
        columns.insert(2, table::text("In", "in"));
    }
    Table::new(columns, rows.collect())
}

fn view_of(decoded: &InspectedView, findings: &[InspectedFinding]) -> Markup {
    let spots: Vec<Spot> = decoded
        .found
        .iter()
        .take(FINDINGS)
        .map(|place| {
            let found = place.finding.and_then(|at| Some((at, findings.get(at)?)));
            Spot {
                start: place.start,
                end: place.end,
                number: found.map(|(at, _)| at.saturating_add(1)).filter(|number| *number <= FINDINGS),
                action: found.map_or(Action::Allow, |(_, found)| found.would),
                what: found.map_or_else(
                    || "counts for nothing in the text".to_owned(),
                    |(_, found)| found.category.to_string(),
                ),
            }
        })
        .collect();
    let encoding = decoded.encoding.replace('_', " ");
    html! {
        h3 { (encoding) @if decoded.depth > 1 { ", within another view" } }
        (marked(&decoded.text, &spots, WHOLE_VIEW, false))
    }
}

/// How to ask the same at the command line, and of the API.
fn elsewhere(asked: &Asked) -> Markup {
    let channel = Channel::parse(&asked.channel).unwrap_or(Channel::User).as_str();
    let (guard, judge) = match asked.judge.split_once('/') {
        Some(("guard", name)) => (format!(" --guard {name}"), format!(", \"guard\": \"{name}\"")),
        Some((_, name)) => (String::new(), format!(", \"route\": \"{name}\"")),
        None => (String::new(), String::new()),
    };
    html! {
        pre.marked { code {
            @if !asked.judge.starts_with("route/") { "cordon inspect --channel " (channel) (guard) " FILE\n" }
            "POST /api/v1/inspect {\"" (if asked.is_file() { "file_b64" } else { "text" }) "\": \"…\", \"channel\": \"" (channel) "\"" (judge) "}"
        } }
    }
}
