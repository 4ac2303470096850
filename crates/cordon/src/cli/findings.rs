//! `findings rates|categories|curve|effectiveness`: what became of calls, what was found in them, and how good that is.

mod curve;

use clap::{Args, Subcommand};
use cordon_core::{Category, Timestamp};

use super::{
    Outcome, Output, Place,
    client::Need,
    json, moment,
    resources::name,
    say,
    table::{Align, table},
};
use crate::api::rates::{
    By, Categories, CategoriesQuery, CategoryRate, Rate, RateSource, Rates, RatesQuery, Share,
};

#[derive(Subcommand)]
pub(super) enum FindingsCommand {
    /// Show what became of calls: how many requests were rejected, calls held, and in how many something was not read.
    #[command(
        after_help = "Rates are shares of the calls whose content was judged, with Wilson's interval at 95 %: docs/inspection.md.\n\n\
                      Examples:\n  cordon findings rates --since 7d\n  cordon findings rates --by principal --since 1h\n  \
                      cordon findings rates --by operation --of upload_file --steps --json"
    )]
    Rates(RatesArgs),
    /// Show in how many calls each category was found, and what was done about it.
    #[command(
        after_help = "Examples:\n  cordon findings categories --since 7d\n  cordon findings categories --by-route --category prompt_injection"
    )]
    Categories(CategoriesArgs),
    /// Show what each threshold of a category would have meant.
    #[command(after_help = curve::CURVE)]
    Curve(curve::CurveArgs),
    /// Show how much of what people said is right was blocked, held or redacted.
    #[command(after_help = "Examples:\n  cordon findings effectiveness --since 90d --json")]
    Effectiveness(curve::EffectivenessArgs),
}

#[derive(Args)]
pub(super) struct RatesArgs {
    /// Not before this time, or so long ago: 2026-11-21T09:30:00Z, 7d [default: a day before the end].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, or so long ago [default: now].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// By what calls are told apart: route, principal, operation or channel.
    #[arg(long, value_parser = by, default_value = "route", value_name = "WHAT")]
    by: By,
    /// Only this one of them.
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    /// Step by step.
    #[arg(long)]
    steps: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct CategoriesArgs {
    /// Not before this time, or so long ago: 2026-11-21T09:30:00Z, 7d [default: a day before the end].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, or so long ago [default: now].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only this category and those below it, such as pii or pii/card.
    #[arg(long, value_parser = Category::parse, value_name = "CATEGORY")]
    category: Option<Category>,
    /// Only this route.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Each route by itself.
    #[arg(long)]
    by_route: bool,
    #[command(flatten)]
    output: Output,
}

fn by(word: &str) -> Result<By, String> {
    By::parse(word).ok_or_else(|| "route, principal, operation or channel is expected".to_owned())
}

pub(super) async fn run(place: &Place, command: FindingsCommand) -> Outcome {
    match command {
        FindingsCommand::Rates(args) => rates(place, args).await,
        FindingsCommand::Categories(args) => categories(place, args).await,
        FindingsCommand::Curve(args) => curve::curve(place, args).await,
        FindingsCommand::Effectiveness(args) => curve::effectiveness(place, args).await,
    }
}

async fn rates(place: &Place, args: RatesArgs) -> Outcome {
    let RatesArgs { since, until, by, of, steps, output } = args;
    let client = place.client(Need::Read).await?;
    let rates = client.rates(RatesQuery { since, until, by: Some(by), of }).await;
    client.close().await;
    let rates = rates?;
    if output.json {
        return json(&rates);
    }
    let Rates { all, sources, more, .. } = &rates;
    if all.judged == 0 {
        return say(&format!("no call whose content was judged has ended since {}\n", rates.since));
    }
    let mut rows = Vec::new();
    if steps {
        rows.extend(rates.steps.iter().map(|step| row(step.start.to_string(), &step.rate)));
    } else {
        let told = |source: &RateSource| {
            row(source.source.clone().unwrap_or_else(|| "(no route)".to_owned()), &source.rate)
        };
        rows.extend(sources.iter().map(told));
        rows.push(row("(all calls)".to_owned(), all));
    }
    let first = if steps { "FROM" } else { by_head(by) };
    let columns = [
        (first, Align::Left),
        ("JUDGED", Align::Right),
        ("MALFORMED", Align::Right),
        ("BLOCKED", Align::Right),
        ("REJECTED", Align::Right),
        ("HELD", Align::Right),
        ("SHARE", Align::Right),
        ("NOT READ", Align::Right),
        ("SHARE", Align::Right),
        ("ANSWERS BLOCKED", Align::Right),
        ("REDACTED", Align::Right),
        ("FLAGGED", Align::Right),
    ];
    let more = if *more == 0 { String::new() } else { format!("and {more} more: --json, --of\n") };
    say(&format!("since {}\n{}{more}", rates.since, table(&columns, &rows)))
}

const fn by_head(by: By) -> &'static str {
    match by {
        By::Route => "ROUTE",
        By::Principal => "PRINCIPAL",
        By::Operation => "OPERATION",
        By::Channel => "CHANNEL",
    }
}

fn row(first: String, rate: &Rate) -> Vec<String> {
    vec![
        first,
        rate.judged.to_string(),
        rate.malformed.to_string(),
        rate.request_blocked.to_string(),
        share(rate.rejection_rate),
        rate.held.to_string(),
        share(rate.hold_rate),
        rate.unread.to_string(),
        share(rate.unread_rate),
        rate.answer_blocked.to_string(),
        rate.redacted.to_string(),
        rate.flagged.to_string(),
    ]
}

/// A share in per cent, with its interval; a dash where nothing was counted.
pub(super) fn share(share: Option<Share>) -> String {
    share.map_or_else(
        || "–".to_owned(),
        |Share { value, low, high, .. }| {
            format!("{:.1} % ({:.1} to {:.1})", value * 100.0, low * 100.0, high * 100.0)
        },
    )
}

async fn categories(place: &Place, args: CategoriesArgs) -> Outcome {
    let CategoriesArgs { since, until, category, route, by_route, output } = args;
    let route = route.as_deref().map(name).transpose()?;
    let client = place.client(Need::Read).await?;
    let found = client.categories(CategoriesQuery { since, until, category, route, by_route }).await;
    client.close().await;
    let found = found?;
    if output.json {
        return json(&found);
    }
    let Categories { since, categories, more, .. } = &found;
    if categories.is_empty() {
        return say(&format!("nothing was found since {since}\n"));
    }
    let rows: Vec<Vec<String>> = categories
        .iter()
        .map(|found| {
            let CategoryRate { route, category, calls, flagged, redacted, held, blocked, rate } = found;
            let counts = [calls, flagged, redacted, held, blocked].map(u64::to_string);
            let route = route.as_ref().map(ToString::to_string).unwrap_or_default();
            [route, category.to_string()].into_iter().chain(counts).chain([share(*rate)]).collect()
        })
        .collect();
    let columns = [
        ("ROUTE", Align::Left),
        ("CATEGORY", Align::Left),
        ("CALLS", Align::Right),
        ("FLAGGED", Align::Right),
        ("REDACTED", Align::Right),
        ("HELD", Align::Right),
        ("BLOCKED", Align::Right),
        ("ACTED ON", Align::Right),
    ];
    let more = if *more == 0 { String::new() } else { format!("and {more} more: --json, --category\n") };
    say(&format!("since {since}\n{}{more}", table(&columns, &rows)))
}
