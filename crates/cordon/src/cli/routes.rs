//! `routes`.

use clap::Args;
use cordon_core::Name;

use super::{
    Outcome, Output, Place,
    client::Need,
    json, say,
    table::{Align, table},
};
use crate::api::{
    List,
    routes::{RouteStatus, TargetStatus},
};

/// For `--help`.
pub(super) const EXAMPLES: &str = "What a breaker is, and how a route names its fallback: docs/resilience.md. Counts are of the \
breaker's window, on the server that is asked.\n\nExamples:\n  cordon routes\n  cordon routes support-bot --json";

#[derive(Args)]
pub(super) struct RoutesArgs {
    /// Only this one.
    #[arg(value_parser = Name::parse, value_name = "ROUTE")]
    route: Option<Name>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: RoutesArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let routes = client.routes().await;
    client.close().await;
    let mut routes = routes?;
    if let Some(name) = &args.route {
        routes.retain(|route| route.route == *name);
    }
    if args.output.json {
        return json(&List::whole(routes));
    }
    if routes.is_empty() {
        return say("there is no such route\n");
    }
    let rows: Vec<Vec<String>> = routes
        .iter()
        .flat_map(|route| route.targets.iter().enumerate().map(|(at, target)| row(route, at, target)))
        .collect();
    let columns = [
        ("ROUTE", Align::Left),
        ("MODE", Align::Left),
        ("MODEL", Align::Left),
        ("ROLE", Align::Left),
        ("WEIGHT", Align::Right),
        ("STATE", Align::Left),
        ("CALLS", Align::Right),
        ("FAILED", Align::Right),
        ("OPENED", Align::Right),
    ];
    say(&table(&columns, &rows))
}

/// A line; the route stands on its first.
fn row(route: &RouteStatus, at: usize, target: &TargetStatus) -> Vec<String> {
    let first = |text: &str| if at == 0 { text.to_owned() } else { String::new() };
    let count = |of: fn(&crate::api::routes::BreakerState) -> u64| {
        target.breaker.as_ref().map(of).unwrap_or_default().to_string()
    };
    vec![
        first(route.route.as_str()),
        first(route.mode.as_str()),
        target.model.to_string(),
        target.role.as_str().to_owned(),
        target.weight.map(|weight| weight.to_string()).unwrap_or_default(),
        // What closes the route closes it whatever its models do.
        route
            .quarantined
            .as_ref()
            .map_or_else(|| target.state().into_owned(), |subject| format!("{subject} quarantined")),
        count(|breaker| breaker.calls.into()),
        count(|breaker| breaker.failed.into()),
        count(|breaker| breaker.opened),
    ]
}
