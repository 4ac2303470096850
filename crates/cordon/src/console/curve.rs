//! What each threshold of a category would have meant, by recorded scores and by what people said, and how much of what is right was
//! stopped.

use std::collections::BTreeSet;

use axum::response::IntoResponse as _;
use cordon_core::{Category, Channel, Score, feedback::Direction};
use maud::{Markup, html};

use super::{
    format, layout,
    plot::{Line, Plot},
    table::{self, Cell, Table},
    view::{Page, View},
    widgets,
};
use crate::api::{
    Problem,
    curve::{Curve, CurvePoint, CurveQuery, Effect, Effectiveness, EffectivenessQuery, Threshold},
    rates::{CategoriesQuery, Share},
};

/// Where the page is.
const PATH: &str = "/findings/curve";
/// Categories to choose from.
const CHOICES: usize = 200;
/// Rows of the table of what was stopped.
const ROWS: usize = 60;

pub(super) async fn page(view: View) -> Page {
    match build(&view).await {
        Ok((table, body)) => Ok(match table.file(view.format) {
            Some(file) => file,
            None => layout::page(&view, "Thresholds", &body).into_response(),
        }),
        Err(problem) => Err(view.fault(problem)),
    }
}

async fn build(view: &View) -> Result<(Table, Markup), Problem> {
    let desk = &view.shared.state.desk;
    let wrong = |what: &str, error: String| {
        Problem::new(400, "malformed", "the address cannot be read", format!("{what}: {error}"))
    };
    let category = match view.query.get("category") {
        None => None,
        Some(text) => Some(Category::parse(text).map_err(|error| wrong("category", error.to_string()))?),
    };
    let channel = match view.query.get("channel") {
        None => None,
        Some(word) => {
            Some(Channel::parse(word).ok_or_else(|| wrong("channel", "there is no such one".to_owned()))?)
        }
    };
    let (since, until) = (Some(view.since()), Some(view.until()));
    let curve = match category.clone() {
        Some(category) => {
            let detector = view.query.get("detector").map(str::to_owned);
            Some(desk.curve(CurveQuery { category, detector, channel, since, until }).await?)
        }
        None => None,
    };
    let told = desk.effectiveness(EffectivenessQuery { since, until }).await?;
    let effects = effects(&told);
    let points = points(curve.as_ref().map(|curve| curve.points.as_slice()).unwrap_or_default());
    let links = |name: &str| Table::links(PATH, &view.query.with("table", name));
    let body = html! {
        p.lead { "What each threshold would have meant, by the scores on record and by what people said of findings." }
        (layout::ranges(view))
        (filter(view, category.as_ref(), channel).await?)
        @match &curve {
            None => p.quiet { "Choose a category." },
            Some(curve) => (shown(view, curve, &points, &links("points"))),
        }
        section #effect {
            h2 { "How much of what is right was stopped" }
            @if effects.rows.is_empty() {
                p.quiet { "Nobody said of a finding that it is right. The page of a call has buttons for it." }
            } @else {
                p.quiet { "Findings that people called right since " (widgets::time(told.since, view.now))
                    @if told.cut { ", of the latest times that somebody said something" }
                    ", and what was done about each. What nothing flagged, nobody could call right: it is not in here." }
                div.above { (links("effect")) }
                (effects.html("What was done about what people said is right"))
            }
        }
    };
    let table = match view.query.get("table") {
        Some("effect") => effects,
        _ => points,
    };
    Ok((table, body))
}

/// The categories of the time, and the roots above them.
async fn filter(view: &View, chosen: Option<&Category>, channel: Option<Channel>) -> Result<Markup, Problem> {
    let (since, until) = (Some(view.since()), Some(view.until()));
    let query = CategoriesQuery { since, until, ..CategoriesQuery::default() };
    let found = view.shared.state.desk.categories(query).await?;
    let mut known: BTreeSet<Category> =
        found.categories.into_iter().take(CHOICES).map(|found| found.category).collect();
    known.extend(chosen.cloned());
    Ok(html! {
        form.filters action=(PATH) {
            (layout::hidden(view, &["as_of", "range"]))
            label { "Category" select name="category" {
                @if chosen.is_none() { option value="" { "choose" } }
                @for category in &known { option value=(category) selected[Some(category) == chosen] { (category) } }
            } }
            label { "Channel" select name="channel" {
                option value="" { "all" }
                @for known in Channel::ALL { option value=(known.as_str()) selected[Some(known) == channel] { (known.as_str()) } }
            } }
            label { "Detector" input name="detector" value=[view.query.get("detector")] placeholder="all" autocomplete="off"; }
            button { "Show" }
        }
    })
}

fn shown(view: &View, curve: &Curve, points: &Table, links: &Markup) -> Markup {
    let Curve { category, calls, whole, findings, right, false_alarms, cut, thresholds, .. } = curve;
    let said = right.saturating_add(*false_alarms);
    html! {
        div.cards {
            (widgets::card("Findings", &format::number(*findings), &html! { "in " @if !whole { "the latest " } (format::number(*calls)) " calls" }))
            (widgets::card("Labels", &format::number(said), &html! { (format::number(*right)) " right, " (format::number(*false_alarms)) " false alarms" @if *cut { ", the latest" } }))
        }
        p.quiet { "Since " (widgets::time(curve.since, view.now)) ". It rests on " (format::number(said)) " findings that people spoke of, and they look at some and not at others. "
            "Texts in which nothing was found are not in it: it says nothing of what is missed altogether." }
        @if points.rows.is_empty() {
            (widgets::empty("Nothing of this category is on record, and nobody said anything of it.", "Choose a longer time or another category.", ""))
        } @else {
            div.charts { (fires(curve)) @if said > 0 { (precision(curve)) } }
            @if !thresholds.is_empty() { (guards(view, thresholds)) }
            section #points {
                h2 { "From each score on" }
                div.above { (links) }
                (points.html("What each threshold would have meant"))
            }
        }
        p.quiet { "The same: " code { "cordon findings curve " (category) } }
    }
}

fn marks(thresholds: &[Threshold]) -> Vec<(Score, String)> {
    let told = |one: &Threshold| (one.at, format!("{}: {} at {}", one.guard, one.action, one.at));
    thresholds.iter().map(told).collect()
}

fn fires(curve: &Curve) -> Markup {
    let line = |label, class, of: fn(&CurvePoint) -> u64| Line {
        label,
        class,
        values: curve.points.iter().map(|point| (point.at, Some(of(point)))).collect(),
        band: Vec::new(),
    };
    let mut lines = vec![line("fires", "s1", |point| point.fires)];
    if curve.right > 0 {
        lines.push(line("right", "s3", |point| point.right));
    }
    if curve.false_alarms > 0 {
        lines.push(line("false", "s2", |point| point.false_alarms));
    }
    Plot {
        title: "How often it fires",
        unit: "findings with at least this score",
        lines,
        marks: marks(&curve.thresholds),
        show: format::number,
        table: "#points",
    }
    .draw()
}

fn precision(curve: &Curve) -> Markup {
    let share =
        |of: fn(&CurvePoint) -> Option<Share>| curve.points.iter().map(move |point| (point.at, of(point)));
    let line = |label, class, of: fn(&CurvePoint) -> Option<Share>, band: bool| Line {
        label,
        class,
        values: share(of)
            .map(|(at, share)| (at, share.map(|share| super::rates::charted(share.value))))
            .collect(),
        band: share(of)
            .filter(|_| band)
            .map(|(at, share)| {
                (at, share.map(|share| (super::rates::charted(share.low), super::rates::charted(share.high))))
            })
            .collect(),
    };
    let lines = vec![
        line("right", "s1", |point| point.precision, true),
        line("kept", "s3", |point| point.kept, false),
    ];
    Plot {
        title: "How often it is right, and what of the right ones it keeps",
        unit: "of what people spoke of; band: 95 % interval",
        lines,
        marks: marks(&curve.thresholds),
        show: super::rates::written,
        table: "#points",
    }
    .draw()
}

fn guards(view: &View, thresholds: &[Threshold]) -> Markup {
    html! {
        h2 { "Guards that act on it" }
        p {
            @for (place, Threshold { guard, category, at, action, mode }) in thresholds.iter().enumerate() {
                @if place > 0 { "; " }
                @if guard.as_str() == "built-in" { (guard) } @else { a href=(view.link(&format!("/guards/{guard}"))) { (guard) } }
                " " (category) " at " (at) ", " (action)
                @if *mode == cordon_core::Mode::Observe { " (observes)" }
            }
        }
    }
}

fn share(share: Option<Share>) -> [Cell; 2] {
    match share {
        Some(share) => [
            Cell::plain(format!("{:.1}", share.value * 100.0)),
            Cell::plain(format!("{:.1} to {:.1}", share.low * 100.0, share.high * 100.0)),
        ],
        None => [Cell::plain("–"), Cell::plain("–")],
    }
}

fn count(count: u64) -> Cell {
    Cell::new(html! { (format::number(count)) }, count.to_string())
}

fn points(points: &[CurvePoint]) -> Table {
    let rows = points.iter().map(|point| {
        let CurvePoint { at, fires, right, false_alarms, missed, precision, kept } = point;
        let mut row = vec![Cell::plain(at.to_string()), count(*fires), count(*right), count(*false_alarms)];
        row.extend(share(*precision));
        row.push(count(*missed));
        row.extend(share(*kept));
        row
    });
    let columns = [
        table::number("From score", "at"),
        table::number("Fires", "fires"),
        table::number("Right", "right"),
        table::number("False alarms", "false_alarms"),
        table::number("Right, %", "precision_percent"),
        table::number("95 % interval", "precision_interval"),
        table::number("Missed", "missed"),
        table::number("Kept, %", "kept_percent"),
        table::number("95 % interval", "kept_interval"),
    ];
    Table::new(columns, rows.collect())
}

fn effects(told: &Effectiveness) -> Table {
    let rows = told.parts.iter().take(ROWS).map(|part| {
        let Effect { direction, category, unsafe_findings, blocked, held, redacted, passed, stopped } = part;
        let direction = match direction {
            Direction::Request => "request",
            Direction::Answer => "answer",
        };
        let category = category.as_ref().map(Category::as_str).unwrap_or_default();
        let named = html! { @if category.is_empty() { "all" } @else { (category) } };
        let mut row = vec![Cell::plain(direction), Cell::new(named, category)];
        row.extend([unsafe_findings, blocked, held, redacted, passed].map(|number| count(*number)));
        row.extend(share(*stopped));
        row
    });
    let columns = [
        table::text("In", "direction"),
        table::text("Category", "category"),
        table::number("Right", "unsafe_findings"),
        table::number("Blocked", "blocked"),
        table::number("Held", "held"),
        table::number("Redacted", "redacted"),
        table::number("Passed", "passed"),
        table::number("Stopped, %", "stopped_percent"),
        table::number("95 % interval", "stopped_interval"),
    ];
    Table::new(columns, rows.collect())
}
