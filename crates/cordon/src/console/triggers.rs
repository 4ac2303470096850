//! What triggers see and did: on the overview, and on the page of each.

use cordon_core::{Name, State, containment::Fired};
use maud::{Markup, html};

use super::{
    format,
    table::{self, Cell, Table},
    view::View,
    widgets,
};
use crate::api::{
    Problem,
    triggers::{TriggerState, WatchedStatus},
};

/// A line for each firing that stands, for the list of what must be done.
pub(super) fn lines(view: &View, state: &State) -> Vec<Markup> {
    let standing = state.firings().filter(|fired| fired.stands());
    standing.map(|fired| line(view, fired)).collect()
}

fn line(view: &View, fired: &Fired) -> Markup {
    let firing = &fired.firing;
    html! {
        "Trigger " a href=(view.link(&format!("/triggers/{}", firing.trigger))) { (firing.trigger) } " has fired: "
        (firing.containment) " since " (widgets::time(firing.t1, view.now))
        @match fired.to_contain() {
            Some(took) => { ", tested " (format::span(took)) " after the first bad call" }
            None => { ", and no test call has said yet that it holds" }
        }
    }
}

/// What a trigger sees now, and what it did.
pub(super) async fn sections(view: &View, name: &Name) -> Result<Markup, Problem> {
    let desk = &view.shared.state.desk;
    let state = desk.state(view.as_of).await?;
    let seen = match view.as_of {
        None => desk.triggers_of(&state, None, usize::MAX).await,
        Some(_) => Vec::new(),
    };
    let watched = seen.iter().filter(|status| status.trigger == *name).flat_map(|status| &status.watched);
    let rows: Vec<Vec<Cell>> = watched.map(row).collect();
    let columns = vec![
        table::text("Of", "of"),
        table::text("State", "state"),
        table::number("Now", "value"),
        table::number("Calls", "calls"),
        table::number("Bad", "bad"),
    ];
    let now = Table::new(columns, rows);
    let did: Vec<Vec<Cell>> = state.firings_of(name).map(|fired| did(fired)).collect();
    let columns = vec![
        table::text("Of", "of"),
        table::text("What it did", "containment"),
        table::text("T0, first bad call", "t0"),
        table::text("T1, seen", "t1"),
        table::text("T2, tested", "t2"),
        table::text("Ended", "cleared"),
    ];
    let done = Table::new(columns, did);
    Ok(html! {
        @if view.as_of.is_none() {
            section { h2 { "What it sees" } (now.html("The windows of this trigger, as this server sees them")) }
        }
        section {
            h2 { "What it did" }
            (done.html("What stands, and what ended last"))
            p.quiet { code { "cordon triggers lift " (name) " --reason …" } " ends what stands." }
        }
    })
}

fn row(watched: &WatchedStatus) -> Vec<Cell> {
    let kind = match watched.state {
        TriggerState::Fired => "bad",
        TriggerState::Rising => "warn",
        TriggerState::Armed => "good",
        TriggerState::Disabled => "none",
    };
    let state = watched.state.as_str();
    vec![
        Cell::plain(watched.of.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::new(widgets::state(kind, state), state),
        Cell::plain(watched.value.map(|value| value.to_string()).unwrap_or_default()),
        Cell::plain(watched.calls.to_string()),
        Cell::plain(watched.bad.to_string()),
    ]
}

fn did(fired: &Fired) -> Vec<Cell> {
    let firing = &fired.firing;
    let time = |time: Option<cordon_core::Timestamp>| {
        Cell::plain(time.map(|time| time.to_string()).unwrap_or_default())
    };
    vec![
        Cell::plain(firing.of.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::plain(firing.containment.to_string()),
        time(Some(firing.t0)),
        time(Some(firing.t1)),
        time(fired.contained),
        time(fired.cleared),
    ]
}
