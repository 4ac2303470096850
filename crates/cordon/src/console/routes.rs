//! How the targets of a route do at the moment, on its page.

use cordon_core::Name;
use maud::{Markup, html};

use super::{
    table::{self, Cell, Table},
    view::View,
    widgets,
};
use crate::api::{
    Problem,
    routes::{BreakerPhase, BreakerState, RouteStatus, TargetStatus},
};

/// The route's mode, where it is not as it is meant, and a table of its targets. An earlier state has no such thing.
pub(super) async fn targets(view: &View, name: &Name) -> Result<Markup, Problem> {
    if view.as_of.is_some() {
        return Ok(Markup::default());
    }
    let route = view.shared.state.desk.route(name).await?;
    let rows = route.targets.iter().map(|target| {
        let link = view.link(&format!("/models/{}", target.model));
        let count = |of: fn(&BreakerState) -> u64| {
            Cell::plain(target.breaker.as_ref().map(of).unwrap_or_default().to_string())
        };
        vec![
            Cell::new(html! { a href=(link) { (target.model) } }, target.model.as_str()),
            Cell::plain(target.role.as_str()),
            Cell::plain(target.weight.map(|weight| weight.to_string()).unwrap_or_default()),
            Cell::new(state(target), target.state()),
            count(|breaker| breaker.calls.into()),
            count(|breaker| breaker.failed.into()),
            count(|breaker| breaker.opened),
        ]
    });
    let columns = vec![
        table::text("Model", "model"),
        table::text("Role", "role"),
        table::number("Weight", "weight"),
        table::text("State", "state"),
        table::number("Calls", "calls"),
        table::number("Failed", "failed"),
        table::number("Opened", "opened"),
    ];
    let table = Table::new(columns, rows.collect());
    Ok(html! {
        section {
            h2 { "Targets" }
            @if let Some(subject) = &route.quarantined {
                p { (widgets::state("bad", "closed")) " No call is let in: " strong { (subject) } " is quarantined." }
            }
            @if !route.mode.is_normal() {
                p { (widgets::state("warn", route.mode.as_str())) " This route does not work as it is meant: its mode is "
                    strong { (route.mode.as_str()) } "." }
            }
            (table.html("How the models behind this route do, as this server sees them"))
        }
    })
}

/// How each route is now, for the list of them.
pub(super) fn cells(routes: &[RouteStatus]) -> impl Iterator<Item = (&Name, [Cell; 2])> {
    routes.iter().map(|route| {
        let (mode, state) = (route.mode.as_str(), route.state());
        let of_mode = if route.mode.is_normal() {
            html! { (mode) }
        } else {
            widgets::state("warn", mode)
        };
        let class = match (route.is_closed(), state == "in use") {
            (true, _) => "bad",
            (false, true) => "good",
            (false, false) => "warn",
        };
        (&route.route, [Cell::new(of_mode, mode), Cell::new(widgets::state(class, &state), state)])
    })
}

fn state(target: &TargetStatus) -> Markup {
    let kind = match (&target.quarantined, &target.breaker) {
        (Some(_), _) => "bad",
        _ if target.passed_over.is_some() => "warn",
        (None, Some(BreakerState { phase: BreakerPhase::Open, .. })) => "bad",
        (
            None,
            Some(BreakerState { phase: BreakerPhase::HalfOpen, .. } | BreakerState { wait_ms: Some(_), .. }),
        ) => "warn",
        (None, Some(_)) => "good",
        (None, None) => "none",
    };
    widgets::state(kind, &target.state())
}
