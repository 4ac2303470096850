//! What fires, and how often: by detector, category and channel, and what was done about it; verdicts by route; files.
//!
//! How calls ended is summed of all of them. What was found is counted in the latest calls in which something was found: the
//! index keeps the findings of each call, and no sums of them.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::IntoResponse as _;
use cordon_core::{
    Action, Category, Channel, Name, Timestamp,
    record::{RecordedFinding, is_unread},
    resource::Kind,
};
use cordon_store::calls::{CallQuery, Step, Sums};
use maud::{Markup, html};

use super::{
    feedback, format, layout,
    table::{self, Cell, Column, Table},
    view::{Page, View},
    widgets,
};
use crate::api::{CallView, Problem};

/// Calls that findings are counted in, the latest ones: reading them takes some 20 µs each.
const LATEST: u32 = 4_000;
/// Rows of a table, those of the most calls.
const ROWS: usize = 200;
/// Routes to choose from.
const ROUTES: usize = 500;

const FILE: Category = Category::known("file");

/// What a detector found of a category.
#[derive(Default)]
struct Tally {
    calls: u64,
    findings: u64,
    /// By channel, in the order of [`Channel::ALL`].
    channels: [u64; Channel::ALL.len()],
    /// Calls by the strictest action that was taken because of it, in the order of [`Action::ALL`].
    actions: [u64; Action::ALL.len()],
}

/// What was found in the calls that were looked at.
#[derive(Default)]
struct Found {
    calls: u64,
    /// By detector, its version, and category.
    tallies: BTreeMap<(String, u16, Category), Tally>,
    /// Calls with a finding about a file; those of them that it stopped; calls in which something was not read.
    files: u64,
    files_stopped: u64,
    unread: u64,
}

impl Found {
    fn add(&mut self, call: &CallView) {
        self.calls = self.calls.saturating_add(1);
        let mut strictest: BTreeMap<(String, u16, Category), Action> = BTreeMap::new();
        let (mut file, mut stopped, mut unread) = (false, false, false);
        for RecordedFinding { category, channel, detector, detector_version, action, .. } in
            call.findings.iter().map(|found| &found.finding)
        {
            let key = (detector.to_string(), *detector_version, category.clone());
            let tally = self.tallies.entry(key.clone()).or_default();
            tally.findings = tally.findings.saturating_add(1);
            count(&mut tally.channels, Channel::ALL.iter().position(|known| known == channel));
            let done = strictest.entry(key).or_default();
            *done = (*done).max(*action);
            if FILE.covers(category) {
                file = true;
                stopped |= *action >= Action::Hold;
            }
            unread |= is_unread(category);
        }
        for (key, action) in strictest {
            let tally = self.tallies.entry(key).or_default();
            tally.calls = tally.calls.saturating_add(1);
            count(&mut tally.actions, Action::ALL.iter().position(|known| *known == action));
        }
        self.files = self.files.saturating_add(file.into());
        self.files_stopped = self.files_stopped.saturating_add(stopped.into());
        self.unread = self.unread.saturating_add(unread.into());
    }
}

fn count(counts: &mut [u64], at: Option<usize>) {
    if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
        *count = count.saturating_add(1);
    }
}

/// How the calls of a route ended: how many, by verdict in the order of [`Action::ALL`].
type Verdicts = [u64; Action::ALL.len()];

pub(super) async fn page(view: View) -> Page {
    match build(&view).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Findings", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View) -> Result<(Table, Markup), Problem> {
    let chosen = match view.query.get("route") {
        None => None,
        Some(text) => Some(Name::parse(text).map_err(|error| {
            Problem::new(400, "malformed", "the address cannot be read", format!("route: {error}"))
        })?),
    };
    let (step, since) = grain(view);
    let calls = view.shared.state.desk.calls();
    let query = CallQuery {
        since: Some(since),
        until: view.as_of,
        found: true,
        limit: Some(LATEST),
        ..CallQuery::default()
    };
    let latest = calls.page(&query).await?;
    let whole = latest.len() < LATEST as usize;
    let from = if whole { since } else { latest.last().map_or(since, |call| call.time) };
    let mut found = Found::default();
    for call in latest.iter().filter(|call| chosen.is_none() || call.route == chosen) {
        found.add(call);
    }
    let mut routes: BTreeMap<Option<Name>, Verdicts> = BTreeMap::new();
    for (_, route, verdict, sums) in calls.roll_ups(step, Sums::Routes, since, view.until()).await? {
        if chosen.is_none() || route == chosen {
            let verdicts = routes.entry(route).or_default();
            if let Some(count) =
                Action::ALL.iter().position(|known| *known == verdict).and_then(|at| verdicts.get_mut(at))
            {
                *count = count.saturating_add(sums.count);
            }
        }
    }
    let (detectors, ended) = (by_detector(view, &found), by_route(view, &routes));
    let (labels, said) = feedback::by_detector(view, since).await?;
    let body = html! {
        p.lead { "What fires and how often, what was done about it, and where." }
        (layout::ranges(view))
        p { a href=(view.query.only("range").with("as_of", view.query.get("as_of").unwrap_or_default()).link("/findings/rates")) { "Rates: rejected, held, not read" } " by route, caller, operation and channel. " a href=(view.query.only("range").with("as_of", view.query.get("as_of").unwrap_or_default()).link("/findings/curve")) { "Thresholds" } ": what each would have meant, and how much was stopped." }
        (filter(view, chosen.as_ref()).await?)
        (cards(&found, &routes))
        section {
            h2 { "By detector and category" }
            p.quiet {
                @if whole { "All calls since " } @else { "The latest " (format::number(u64::from(LATEST))) " calls in which something was found, since " }
                (widgets::time(from, view.now)) "; scores below the threshold of a rule count, too."
            }
            @if detectors.rows.is_empty() {
                (widgets::empty("Nothing was found.", "Choose a longer time, or try a text:", "echo 'card 4111 1111 1111 1111' | cordon inspect"))
            } @else {
                div.above { (Table::links("/findings", &view.query.with("table", ""))) }
                (detectors.html("What was found, by detector and category"))
                @if found.tallies.len() > ROWS { p.quiet { "The " (ROWS) " of the most calls." } }
            }
        }
        section {
            h2 { "Verdicts by route" }
            @if ended.rows.is_empty() { p.quiet { "No call has ended in this time." } }
            @else {
                p.quiet { "All ended calls since " (widgets::time(since, view.now)) "." }
                div.above { (Table::links("/findings", &view.query.with("table", "routes"))) }
                (ended.html("How calls ended, by route"))
            }
        }
        (said)
    };
    let table = match view.query.get("table") {
        Some("routes") => ended,
        Some("feedback") => labels,
        _ => detectors,
    };
    Ok((table, body))
}

/// In which steps the time that is shown is summed, and its beginning, where a step begins. Few steps: a row of the sums for each,
/// times routes and verdicts.
fn grain(view: &View) -> (Step, Timestamp) {
    let step = match view.range.length.as_millis() / 3_600_000 {
        0..=1 => Step::Minute,
        2..=24 => Step::Hour,
        _ => Step::Day,
    };
    let since = view.since().as_millis().div_euclid(step.millis()).saturating_mul(step.millis());
    (step, Timestamp::from_millis(since))
}

async fn filter(view: &View, chosen: Option<&Name>) -> Result<Markup, Problem> {
    let state = view.shared.state.desk.state(view.as_of).await?;
    let mut routes: BTreeSet<&Name> =
        state.resources_of(Kind::Route).map(|(name, _)| name).take(ROUTES).collect();
    routes.extend(chosen);
    Ok(html! {
        form.filters action="/findings" {
            (layout::hidden(view, &["as_of", "range"]))
            label { "Route" select name="route" {
                option value="" { "all" }
                @for route in routes { option value=(route) selected[Some(route) == chosen] { (route) } }
            } }
            button { "Filter" }
        }
    })
}

fn cards(found: &Found, routes: &BTreeMap<Option<Name>, Verdicts>) -> Markup {
    let all = routes.values().flatten().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let of = |action: Action| {
        let at = Action::ALL.iter().position(|known| *known == action).unwrap_or(0);
        routes
            .values()
            .filter_map(|verdicts| verdicts.get(at))
            .fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let share = |part: u64| html! { (format::percent(part, all)) " of calls" };
    let seen = html! { "of " (format::number(found.calls)) " calls with findings" };
    html! {
        div.cards {
            (widgets::card("Calls", &format::number(all), &html! { "ended" }))
            @for action in [Action::Flag, Action::Redact, Action::Hold, Action::Block] {
                (widgets::card(verdict_title(action), &format::number(of(action)), &share(of(action))))
            }
            (widgets::card("Files stopped", &format::number(found.files_stopped), &html! { "of " (format::number(found.files)) " calls with a remark on a file" }))
            (widgets::card("Not read", &format::number(found.unread), &seen))
        }
    }
}

const fn verdict_title(action: Action) -> &'static str {
    match action {
        Action::Allow => "Allowed",
        Action::Flag => "Flagged",
        Action::Redact => "Redacted",
        Action::Hold => "Held",
        Action::Block => "Blocked",
    }
}

fn by_detector(view: &View, found: &Found) -> Table {
    let mut tallies: Vec<_> = found.tallies.iter().collect();
    tallies.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.calls));
    let rows = tallies.into_iter().take(ROWS).map(|((detector, version, category), tally)| {
        let link = to_calls(view).with("category", category.as_str()).link("/calls");
        let mut row = vec![
            Cell::plain(format!("{detector} {version}")),
            Cell::plain(category.to_string()),
            Cell::new(html! { a href=(link) { (format::number(tally.calls)) } }, tally.calls.to_string()),
        ];
        row.extend(std::iter::once(tally.findings).chain(tally.channels).map(amount));
        row.extend(tally.actions.into_iter().skip(1).map(amount));
        row
    });
    let mut columns = vec![
        table::text("Detector", "detector"),
        table::text("Category", "category"),
        table::number("Calls", "calls"),
        table::number("Found", "findings"),
    ];
    columns.extend(Channel::ALL.iter().map(|channel| Column {
        head: channel_title(*channel),
        key: channel.as_str(),
        number: true,
    }));
    columns.extend(Action::ALL.iter().skip(1).map(|action| Column {
        head: verdict_title(*action),
        key: action.as_str(),
        number: true,
    }));
    Table::new(columns, rows.collect())
}

const fn channel_title(channel: Channel) -> &'static str {
    match channel {
        Channel::System => "System",
        Channel::User => "User",
        Channel::Document => "Document",
        Channel::ToolOutput => "Tool",
        Channel::Model => "Model",
    }
}

/// A count; nothing is a dash, so that numbers are seen.
fn amount(count: u64) -> Cell {
    Cell::new(
        html! { @if count == 0 { span.quiet { "–" } } @else { (format::number(count)) } },
        count.to_string(),
    )
}

fn by_route(view: &View, routes: &BTreeMap<Option<Name>, Verdicts>) -> Table {
    let mut routes: Vec<_> = routes
        .iter()
        .map(|(route, verdicts)| {
            (route, verdicts, verdicts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count)))
        })
        .collect();
    routes.sort_by_key(|(_, _, all)| std::cmp::Reverse(*all));
    let rows = routes.into_iter().take(ROWS).map(|(route, verdicts, all)| {
        let name = route.as_ref().map_or("", Name::as_str);
        let calls = to_calls(view).with("route", name);
        let shown = html! {
            @if name.is_empty() { "–" } @else { a href=(view.link(&format!("/routes/{name}"))) { (name) } }
        };
        let mut row = vec![Cell::new(shown, name), amount(all)];
        row.extend(Action::ALL.iter().zip(verdicts).skip(1).map(|(action, count)| {
            let link = calls.with("verdict", action.as_str()).link("/calls");
            let shown = html! {
                @if *count == 0 { span.quiet { "–" } }
                @else { a href=(link) { (format::number(*count)) } " " span.quiet { (format::percent(*count, all)) } }
            };
            Cell::new(shown, count.to_string())
        }));
        row
    });
    let mut columns = vec![table::text("Route", "route"), table::number("Calls", "calls")];
    columns.extend(Action::ALL.iter().skip(1).map(|action| Column {
        head: verdict_title(*action),
        key: action.as_str(),
        number: true,
    }));
    Table::new(columns, rows.collect())
}

/// The calls of the time and the route that are shown.
fn to_calls(view: &View) -> widgets::Query {
    ["as_of", "range", "route"].into_iter().fold(widgets::Query::default(), |query, key| {
        query.with(key, view.query.get(key).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_read_are_reasons_of_files() {
        let known: BTreeSet<Category> =
            cordon_files::Reason::ALL.iter().map(|reason| reason.category()).collect();
        for category in cordon_core::record::UNREAD.iter().filter(|category| FILE.covers(category)) {
            assert!(known.contains(category), "{category}");
        }
    }
}
