//! `limits`.

use clap::Args;
use cordon_core::{Name, Timestamp};

use super::{
    Outcome, Output, Place,
    client::Need,
    complain, json, say,
    table::{Align, table},
};
use crate::api::{
    List,
    limits::{LimitUsage, UsageQuery},
};

/// For `--help`.
pub(super) const EXAMPLES: &str = "The most used first. FULL AT is when a limit is used up at the pace of its window so far. How things are \
counted: docs/limits.md.\n\nExamples:\n  cordon limits\n  cordon limits support-budget --json";

#[derive(Args)]
pub(super) struct LimitsArgs {
    /// Only this one.
    #[arg(value_parser = Name::parse, value_name = "LIMIT")]
    limit: Option<Name>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: LimitsArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let query = UsageQuery { name: args.limit };
    let usage = client.limits_in_use(&query).await;
    client.close().await;
    let usage = usage?;
    if args.output.json {
        return json(&List::whole(usage));
    }
    if usage.is_empty() {
        return say(if query.name.is_some() {
            "there is no such limit, or it bounds single calls alone\n"
        } else {
            "there are no limits, or they bound single calls alone\n"
        });
    }
    let columns = [
        ("LIMIT", Align::Left),
        ("APPLIES TO", Align::Left),
        ("WHAT", Align::Left),
        ("USED", Align::Right),
        ("OF", Align::Right),
        ("UNIT", Align::Left),
        ("SHARE", Align::Right),
        ("WINDOW", Align::Left),
        ("RESETS AT", Align::Left),
        ("FULL AT", Align::Left),
    ];
    say(&table(&columns, &usage.iter().map(row).collect::<Vec<_>>()))?;
    if let Some(why) = usage.iter().find_map(|usage| usage.unavailable.as_deref()) {
        complain(&format!("what is counted cannot be read: {why}"));
    }
    Ok(())
}

fn row(usage: &LimitUsage) -> Vec<String> {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "–".to_owned(), |time| time.to_string());
    vec![
        usage.limit.to_string(),
        usage.of(),
        usage.measure.as_str().to_owned(),
        usage.used.map_or_else(|| "?".to_owned(), |used| used.to_string()),
        usage.most.to_string(),
        usage.unit.clone(),
        usage.share.map_or_else(|| "?".to_owned(), |share| format!("{} %", share.millionths() / 10_000)),
        usage.window(),
        time(usage.resets_at),
        time(usage.full_at),
    ]
}
