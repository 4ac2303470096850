//! What became of calls, by where they came from: how many requests were rejected, calls held, and how many brought something that
//! was not read; each with what it is a share of and its interval, over time and by source.

use axum::response::IntoResponse as _;
use cordon_core::{Action, Timestamp};
use maud::{Markup, html};

use super::{
    chart::{Chart, Mark, Series, Shape},
    format, layout,
    table::{self, Cell, Table},
    view::{Page, View, marks},
    widgets,
};
use crate::api::{
    Problem,
    rates::{
        By, Categories, CategoriesQuery, CategoryRate, Rate, RateSource, RateStep, Rates, RatesQuery, Share,
    },
};

/// Where the page is.
const PATH: &str = "/findings/rates";
/// Rows of a table, those of the most calls.
const ROWS: usize = 40;

/// A rate that is shown: its word, and the share.
type Shown = (&'static str, &'static str, fn(&Rate) -> Option<Share>);

const RATES: [Shown; 3] = [
    ("Rejected requests", "rejected", |rate| rate.rejection_rate),
    ("Held calls", "held", |rate| rate.hold_rate),
    ("Calls with something not read", "not read", |rate| rate.unread_rate),
];

pub(super) async fn page(view: View) -> Page {
    match build(&view).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Rates", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View) -> Result<(Table, Markup), Problem> {
    let desk = &view.shared.state.desk;
    let by = match view.query.get("by") {
        None => By::default(),
        Some(word) => By::parse(word).ok_or_else(|| {
            let detail = "by: route, principal, operation or channel is expected";
            Problem::new(400, "malformed", "the address cannot be read", detail)
        })?,
    };
    let of = view.query.get("of").map(str::to_owned);
    let (since, until) = (Some(view.since()), Some(view.until()));
    let rates = desk.rates(RatesQuery { since, until, by: Some(by), of: of.clone() }).await?;
    let route =
        of.as_deref().filter(|_| by == By::Route).map(cordon_core::Name::parse).transpose().ok().flatten();
    let found = CategoriesQuery { since, until, category: None, route, by_route: true };
    let found = desk.categories(found).await?;
    let (sources, steps, categories) =
        (by_source(view, &rates), by_step(view, &rates), by_category(view, &found));
    let shown = match (&of, rates.sources.first()) {
        (Some(_), source) => source.map(|source| source.rate.clone()).unwrap_or_default(),
        (None, _) => rates.all.clone(),
    };
    let links = |name: &str| Table::links(PATH, &view.query.with("table", name));
    let body = html! {
        p.lead { "How many requests were rejected, how many calls were held, and how many brought something that was not read to its end: shares of the calls whose content was judged." }
        (layout::ranges(view))
        (filter(view, by))
        (cards(&shown))
        @if shown.judged == 0 {
            (widgets::empty("No call whose content was judged has ended in this time.", "Choose a longer time. Lists, and calls that a limit or a quarantine refused, are not judged.", ""))
        } @else {
            div.charts { (charts(view, &rates).await?) }
        }
        @if view.query.get("table") == Some("steps") {
            section #steps {
                h2 { "Step by step" }
                div.above { (links("steps")) }
                (steps.html("What became of calls, step by step"))
            }
        }
        section #sources {
            h2 { "By " (by.as_str()) }
            p.quiet { "Calls that ended since " (widgets::time(rates.since, view.now)) ". "
                @if by == By::Channel { "No record says which channels a call had: shares are of all judged calls." }
                @else { "Intervals are Wilson's, at 95 %; calls of one caller come in clusters, which makes them too narrow." }
            }
            @if sources.rows.is_empty() { p.quiet { "Nothing was counted." } }
            @else {
                div.above { (links("sources")) }
                (sources.html("What became of calls, by source"))
                @if rates.sources.len() > ROWS { p.quiet { "The " (ROWS) " of the most calls." } }
            }
        }
        section #categories {
            h2 { "What was found, by route" }
            @if categories.rows.is_empty() { p.quiet { "Nothing was found." } }
            @else {
                p.quiet { "A call counts once for each category, by the strictest that was done because of it, and once for what stands above it." }
                div.above { (links("categories")) }
                (categories.html("What was found, by route and category"))
                @if found.categories.len() > ROWS { p.quiet { "The " (ROWS) " of the most calls." } }
            }
        }
    };
    let table = match view.query.get("table") {
        Some("steps") => steps,
        Some("categories") => categories,
        _ => sources,
    };
    Ok((table, body))
}

fn filter(view: &View, by: By) -> Markup {
    html! {
        form.filters action=(PATH) {
            (layout::hidden(view, &["as_of", "range"]))
            label { "By" select name="by" {
                @for known in By::ALL { option value=(known.as_str()) selected[known == by] { (known.as_str()) } }
            } }
            label { "Only" input name="of" value=[view.query.get("of")] placeholder="all" autocomplete="off"; }
            button { "Show" }
        }
    }
}

fn cards(rate: &Rate) -> Markup {
    let share = |share: Option<Share>| share.map_or_else(|| "–".to_owned(), |share| percent(share.value));
    let told = |count: u64, share: Option<Share>| {
        html! { (format::number(count)) " of " (format::number(rate.judged))
        @if let Some(share) = share { ", " (interval(share)) } }
    };
    let rejected = rate.malformed.saturating_add(rate.request_blocked);
    html! {
        div.cards {
            (widgets::card("Judged", &format::number(rate.judged), &html! { "calls whose content was looked at" }))
            (widgets::card("Rejected", &share(rate.rejection_rate), &told(rejected, rate.rejection_rate)))
            (widgets::card("Held", &share(rate.hold_rate), &told(rate.held, rate.hold_rate)))
            (widgets::card("Not read", &share(rate.unread_rate), &told(rate.unread, rate.unread_rate)))
            (widgets::card("Answers blocked", &format::number(rate.answer_blocked), &html! { "never given to their callers" }))
        }
    }
}

/// A part of one in per cent.
fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn interval(share: Share) -> String {
    format!("{:.1} to {:.1} %", share.low * 100.0, share.high * 100.0)
}

/// A share as a chart has it: hundredths of a per cent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1")]
pub(super) fn charted(part: f64) -> u64 {
    (part.clamp(0.0, 1.0) * 10_000.0).round() as u64
}

pub(super) fn written(hundredths: u64) -> String {
    match hundredths % 100 {
        0 => format!("{} %", hundredths / 100),
        rest => format!("{}.{rest:02} %", hundredths / 100),
    }
}

async fn charts(view: &View, rates: &Rates) -> Result<Markup, Problem> {
    let desk = &view.shared.state.desk;
    let facts = match desk.log() {
        Some(log) => marks(view).of(log, view.since(), view.until(), 200).await?,
        None => Vec::new(),
    };
    let marks: Vec<Mark> = facts.iter().map(|told| told.mark()).collect();
    let step = i64::try_from(rates.step_minutes).unwrap_or(1).max(1).saturating_mul(60_000);
    let span = rates.until.as_millis().saturating_sub(rates.since.as_millis());
    let count = usize::try_from(span.saturating_add(step - 1).div_euclid(step)).unwrap_or(0).min(400);
    let unit = format!(
        "of judged calls, each {}; band: 95 % interval",
        format::span(cordon_core::DurationMs::from_millis(step.unsigned_abs()))
    );
    let table = view.query.with("table", "steps").link(PATH) + "#steps";
    let drawn = RATES.map(|(title, label, share)| {
        let mut values = vec![None; count];
        let mut band = vec![None; count];
        for RateStep { start, rate } in &rates.steps {
            let at = start.as_millis().saturating_sub(rates.since.as_millis()).div_euclid(step);
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            if let (Some(share), Some(value), Some(band)) =
                (share(rate), values.get_mut(at), band.get_mut(at))
            {
                (*value, *band) =
                    (Some(charted(share.value)), Some((charted(share.low), charted(share.high))));
            }
        }
        Chart {
            title,
            unit: &unit,
            shape: Shape::Lines,
            since: rates.since,
            step,
            series: vec![Series { label, class: "s1", values }],
            band,
            marks: &marks,
            show: written,
            table: table.clone(),
        }
        .draw()
    });
    Ok(html! { @for chart in drawn { (chart) } })
}

/// The columns of counts and rates, behind the first one.
fn columns(first: table::Column) -> Vec<table::Column> {
    vec![
        first,
        table::number("Judged", "judged"),
        table::number("Malformed", "malformed"),
        table::number("Blocked", "request_blocked"),
        table::number("Rejected, %", "rejected_percent"),
        table::number("95 % interval", "rejected_interval"),
        table::number("Held", "held"),
        table::number("Held, %", "held_percent"),
        table::number("95 % interval", "held_interval"),
        table::number("Not read", "unread"),
        table::number("Not read, %", "unread_percent"),
        table::number("95 % interval", "unread_interval"),
        table::number("Answers blocked", "answer_blocked"),
        table::number("Redacted", "redacted"),
        table::number("Flagged", "flagged"),
    ]
}

/// The cells behind the first one. `calls` leads to calls with one more filter, where there are such.
fn cells(rate: &Rate, calls: impl Fn(&str, &str) -> Option<String>) -> Vec<Cell> {
    let count = |count: u64, key: &str, value: &str| {
        let link = if count == 0 { None } else { calls(key, value) };
        let shown = html! {
            @if count == 0 { span.quiet { "–" } }
            @else if let Some(link) = link { a href=(link) { (format::number(count)) } }
            @else { (format::number(count)) }
        };
        Cell::new(shown, count.to_string())
    };
    let share = |share: Option<Share>| match share {
        Some(share) => [
            Cell::plain(format!("{:.1}", share.value * 100.0)),
            Cell::plain(format!("{:.1} to {:.1}", share.low * 100.0, share.high * 100.0)),
        ],
        None => [Cell::plain("–"), Cell::plain("–")],
    };
    let blocked = Action::Block.as_str();
    let mut row = vec![
        count(rate.judged, "", ""),
        count(rate.malformed, "", ""),
        count(rate.request_blocked, "verdict", blocked),
    ];
    row.extend(share(rate.rejection_rate));
    row.push(count(rate.held, "verdict", Action::Hold.as_str()));
    row.extend(share(rate.hold_rate));
    row.push(count(rate.unread, "category", "file"));
    row.extend(share(rate.unread_rate));
    row.push(count(rate.answer_blocked, "verdict", blocked));
    row.push(count(rate.redacted, "verdict", Action::Redact.as_str()));
    row.push(count(rate.flagged, "verdict", Action::Flag.as_str()));
    row
}

/// The calls of a time: the page of calls tells them apart by route and by caller.
fn to_calls(view: &View, since: Timestamp, until: Timestamp) -> widgets::Query {
    ["as_of", "range"]
        .into_iter()
        .fold(widgets::Query::default(), |query, key| {
            query.with(key, view.query.get(key).unwrap_or_default())
        })
        .with("since", &since.to_string())
        .with("until", &until.to_string())
}

fn by_source(view: &View, rates: &Rates) -> Table {
    let by = rates.by;
    let all = to_calls(view, rates.since, rates.until);
    let rows = rates.sources.iter().take(ROWS).map(|RateSource { source, rate }| {
        let name = source.as_deref().unwrap_or_default();
        let here = view.query.with("by", by.as_str()).with("of", name).with("table", "");
        let shown = html! { @if name.is_empty() { "–" } @else { a href=(here.link(PATH)) { (name) } } };
        let calls = match by {
            By::Route | By::Principal if !name.is_empty() => Some(all.with(by.as_str(), name)),
            _ => None,
        };
        let link = |key: &str, value: &str| Some(calls.as_ref()?.with(key, value).link("/calls"));
        let mut row = vec![Cell::new(shown, name)];
        row.extend(cells(rate, link));
        row
    });
    let head = match by {
        By::Route => "Route",
        By::Principal => "Principal",
        By::Operation => "Operation",
        By::Channel => "Channel",
    };
    Table::new(columns(table::text(head, "source")), rows.collect())
}

fn by_step(view: &View, rates: &Rates) -> Table {
    let step = i64::try_from(rates.step_minutes).unwrap_or(0).saturating_mul(60_000);
    let named = view.query.get("of").filter(|_| matches!(rates.by, By::Route | By::Principal));
    let rows = rates.steps.iter().rev().map(|RateStep { start, rate }| {
        let end = Timestamp::from_millis(start.as_millis().saturating_add(step));
        let calls = to_calls(view, *start, end).with(rates.by.as_str(), named.unwrap_or_default());
        let is_listed = view.query.get("of").is_none() || named.is_some();
        let link = |key: &str, value: &str| is_listed.then(|| calls.with(key, value).link("/calls"));
        let mut row = vec![Cell::plain(start.to_string())];
        row.extend(cells(rate, link));
        row
    });
    Table::new(columns(table::text("From (UTC)", "from")), rows.collect())
}

fn by_category(view: &View, found: &Categories) -> Table {
    let all = to_calls(view, found.since, found.until);
    let rows = found.categories.iter().take(ROWS).map(|found| {
        let CategoryRate { route, category, calls, flagged, redacted, held, blocked, rate } = found;
        let name = route.as_ref().map_or("", cordon_core::Name::as_str);
        let here = all.with("route", name).with("category", category.as_str());
        let link = |verdict: &str| here.with("verdict", verdict).link("/calls");
        let count = |count: u64, verdict: &str| {
            let shown = html! {
                @if count == 0 { span.quiet { "–" } } @else { a href=(link(verdict)) { (format::number(count)) } }
            };
            Cell::new(shown, count.to_string())
        };
        let shown = html! { @if name.is_empty() { "–" } @else { a href=(view.link(&format!("/routes/{name}"))) { (name) } } };
        vec![
            Cell::new(shown, name),
            Cell::plain(category.to_string()),
            count(*calls, ""),
            // A call that is blocked for one reason has the verdict `block` whatever else was found: only the list of all is exact.
            count(*flagged, ""),
            count(*redacted, ""),
            count(*held, ""),
            count(*blocked, Action::Block.as_str()),
            Cell::plain(rate.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share.value * 100.0))),
            Cell::plain(rate.map_or_else(|| "–".to_owned(), |share| format!("{:.1} to {:.1}", share.low * 100.0, share.high * 100.0))),
        ]
    });
    let columns = [
        table::text("Route", "route"),
        table::text("Category", "category"),
        table::number("Calls", "calls"),
        table::number("Flagged", "flagged"),
        table::number("Redacted", "redacted"),
        table::number("Held", "held"),
        table::number("Blocked", "blocked"),
        table::number("Acted on, % of judged", "acted_percent"),
        table::number("95 % interval", "acted_interval"),
    ];
    Table::new(columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_in_per_cent() {
        assert_eq!(
            (written(0), written(1), written(2_000), written(10_000)),
            ("0 %".into(), "0.01 %".into(), "20 %".into(), "100 %".into())
        );
        let share = Share::of(1, 10).unwrap();
        assert_eq!(
            (charted(share.value), percent(share.value), interval(share)),
            (1_000, "10.0 %".into(), "1.8 to 40.4 %".into())
        );
        assert_eq!((Share::of(0, 0), Share::of(2, 1)), (None, None));
    }
}
