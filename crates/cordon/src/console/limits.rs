//! How much of limits is used at the moment: on their list, on the page of each, and on that of a route that they name.

use cordon_core::{Name, Score, State, resource::Kind};
use maud::{Markup, html};

use super::{
    format,
    table::{self, Cell, Table},
    view::View,
    widgets,
};
use crate::api::{
    Problem,
    limits::{Amount, LimitUsage},
};

/// Usages on the list, the most used ones.
const MOST: usize = 25;

/// Which limits are shown.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    /// Every one.
    All,
    /// This one.
    Limit(&'a Name),
    /// Those that name this route: declared, or of a trigger that throttles it.
    Route(&'a Name),
}

/// What of these limits is used. An earlier state has no such thing.
pub(super) async fn in_use(view: &View, of: Of<'_>) -> Result<Markup, Problem> {
    if view.as_of.is_some() {
        return Ok(Markup::default());
    }
    let only = match of {
        Of::Limit(name) => Some(name),
        Of::All | Of::Route(_) => None,
    };
    let mut usage = view.shared.state.desk.limits_in_use(only).await?;
    if let Of::Route(route) = of {
        usage.retain(|usage| usage.applies_to.route.as_ref() == Some(route));
    }
    let title = match of {
        Of::Route(_) => "Limits and budgets of this route",
        Of::All | Of::Limit(_) => "In use",
    };
    let why = usage.iter().find_map(|usage| usage.unavailable.as_deref());
    let state = view.shared.state.desk.state(None).await?;
    let rows = usage.iter().take(MOST).map(|usage| row(view, &state, usage));
    let columns = [
        table::text("Limit", "limit"),
        table::text("Applies to", "applies_to"),
        table::text("What", "measure"),
        table::text("In use", "share"),
        table::number("Used", "used"),
        table::number("Of", "most"),
        table::text("Window", "window"),
        table::text("All there again", "resets_at"),
        table::text("At this pace", "full_at"),
    ];
    let table = Table::new(columns, rows.collect());
    Ok(html! {
        @if !usage.is_empty() {
            section {
                h2 { (title) }
                @if let Some(why) = why {
                    p.alert role="status" { (widgets::state("bad", "unknown")) " What is counted cannot be read: " (why) }
                }
                @if usage.len() > MOST { p.quiet { "The " (MOST) " that are nearest to their end, of " (format::number(usage.len() as u64)) "." } }
                (table.html("How much of the limits is used, the most used first"))
                @if let Of::Route(_) = of {
                    p.quiet { "Its calls also count under what bounds their callers, their models and everybody: " a href=(view.link("/limits")) { "all limits" } "." }
                }
            }
        }
    })
}

fn row(view: &View, state: &State, usage: &LimitUsage) -> Vec<Cell> {
    // What a trigger throttles is a limit that nobody declared.
    let declared = state.resource(Kind::Limit, &usage.limit);
    let link = declared.map(|_| view.link(&format!("/limits/{}", usage.limit)));
    let amount = |amount: Amount| match amount {
        Amount::Count(count) => format::number(count),
        Amount::Money(money) => format!("{} {}", format::money(money.nanos()), usage.unit),
    };
    let time = |time: Option<cordon_core::Timestamp>| match time {
        Some(time) => Cell::new(widgets::time(time, view.now), time.to_string()),
        None => Cell::plain("–"),
    };
    let full = match usage.full_at {
        Some(full) => Cell::new(
            html! { (widgets::state("warn", "used up")) " " (widgets::time(full, view.now)) },
            full.to_string(),
        ),
        None => Cell::plain(""),
    };
    vec![
        Cell::new(
            html! { @if let Some(link) = link { a href=(link) { (usage.limit) } } @else { (usage.limit) } },
            usage.limit.as_str(),
        ),
        Cell::plain(usage.of()),
        Cell::plain(usage.measure.as_str().replace('_', " ")),
        Cell::new(gauge(usage), usage.share.map(|share| share.to_string()).unwrap_or_default()),
        Cell::plain(usage.used.map_or_else(|| "?".to_owned(), amount)),
        Cell::plain(amount(usage.most)),
        Cell::plain(usage.window()),
        time(usage.resets_at),
        full,
    ]
}

/// The used part as a bar, and in words.
fn gauge(usage: &LimitUsage) -> Markup {
    let Some(share) = usage.share else { return widgets::state("none", "unknown") };
    let percent = share.millionths() / 10_000;
    let (class, words) = match share {
        Score::ONE => ("bad", widgets::state("bad", "used up")),
        _ if usage.is_near() => ("warn", widgets::state("warn", &format!("{percent} %"))),
        _ => ("", html! { (percent) " %" }),
    };
    html! {
        svg.bar.(class) viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" { rect width=(percent) height="4" {} } " " (words)
    }
}
