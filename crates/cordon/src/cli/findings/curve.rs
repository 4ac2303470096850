//! `findings curve|effectiveness`: how good detectors and guards are, by what people said of findings.

use clap::Args;
use cordon_core::{Category, Channel, Timestamp};

use super::share;
use crate::{
    api::curve::{Curve, CurvePoint, CurveQuery, Effect, Effectiveness, EffectivenessQuery, Threshold},
    cli::{
        Outcome, Output, Place,
        client::Need,
        json, moment, say,
        table::{Align, table},
    },
};

pub(super) const CURVE: &str = "\
It rests on recorded scores and on what people said of findings (docs/inspection.md). Texts in which nothing was found are not in it:
it says nothing of what a detector misses altogether.

Examples:
  cordon findings curve prompt_injection
  cordon findings curve prompt_injection/likely --detector injection.model --channel document --json";

#[derive(Args)]
pub(in crate::cli) struct CurveArgs {
    /// Findings of this category and of those below it, such as pii or prompt_injection/likely.
    #[arg(value_parser = Category::parse, value_name = "CATEGORY")]
    category: Category,
    /// Only of this detector.
    #[arg(long, value_name = "NAME")]
    detector: Option<String>,
    /// Only in this channel: system, user, document, tool_output or model.
    #[arg(long, value_parser = channel, value_name = "CHANNEL")]
    channel: Option<Channel>,
    /// Not before this time, or so long ago: 2026-11-21T09:30:00Z, 90d [default: 30 days before the end].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, or so long ago [default: now].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct EffectivenessArgs {
    /// Said not before this time, or so long ago: 2026-11-21T09:30:00Z, 90d [default: 30 days before the end].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, or so long ago [default: now].
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

fn channel(word: &str) -> Result<Channel, String> {
    Channel::parse(word).ok_or_else(|| "system, user, document, tool_output or model is expected".to_owned())
}

pub(super) async fn curve(place: &Place, args: CurveArgs) -> Outcome {
    let CurveArgs { category, detector, channel, since, until, output } = args;
    let client = place.client(Need::Read).await?;
    let curve = client.curve(CurveQuery { category, detector, channel, since, until }).await;
    client.close().await;
    let curve = curve?;
    if output.json {
        return json(&curve);
    }
    let Curve {
        category, since, calls, whole, findings, right, false_alarms, cut, thresholds, points, ..
    } = &curve;
    let looked = if *whole { "" } else { "the latest " };
    let said = if *cut { ", the latest" } else { "" };
    let mut text = format!(
        "{category} since {since}: {findings} findings in {looked}{calls} calls; {right} said to be right, {false_alarms} false alarms{said}\n"
    );
    for Threshold { guard, category, at, action, .. } in thresholds {
        text.push_str(&format!("guard {guard}: {category} at {at}: {action}\n"));
    }
    if points.is_empty() {
        text.push_str("nothing was found, and nobody said anything\n");
        return say(&text);
    }
    let rows: Vec<Vec<String>> = points
        .iter()
        .map(|point| {
            let CurvePoint { at, fires, right, false_alarms, missed, precision, kept } = point;
            let counts = [fires, right, false_alarms, missed].map(u64::to_string);
            let [fires, right, wrong, missed] = counts;
            vec![at.to_string(), fires, right, wrong, share(*precision), missed, share(*kept)]
        })
        .collect();
    let columns = [
        ("FROM SCORE", Align::Right),
        ("FIRES", Align::Right),
        ("RIGHT", Align::Right),
        ("FALSE ALARMS", Align::Right),
        ("PRECISION", Align::Right),
        ("MISSED", Align::Right),
        ("KEPT", Align::Right),
    ];
    say(&(text + &table(&columns, &rows)))
}

pub(super) async fn effectiveness(place: &Place, args: EffectivenessArgs) -> Outcome {
    let EffectivenessArgs { since, until, output } = args;
    let client = place.client(Need::Read).await?;
    let told = client.effectiveness(EffectivenessQuery { since, until }).await;
    client.close().await;
    let told = told?;
    if output.json {
        return json(&told);
    }
    let Effectiveness { since, cut, parts, .. } = &told;
    if parts.is_empty() {
        return say(&format!("nobody said of a finding that it is right since {since}\n"));
    }
    let rows: Vec<Vec<String>> = parts
        .iter()
        .map(|part| {
            let Effect { direction, category, unsafe_findings, blocked, held, redacted, passed, stopped } =
                part;
            let direction = direction.as_str();
            let category = category.as_ref().map_or_else(|| "(all)".to_owned(), ToString::to_string);
            let counts = [unsafe_findings, blocked, held, redacted, passed].map(u64::to_string);
            [direction.to_owned(), category].into_iter().chain(counts).chain([share(*stopped)]).collect()
        })
        .collect();
    let columns = [
        ("IN", Align::Left),
        ("CATEGORY", Align::Left),
        ("UNSAFE", Align::Right),
        ("BLOCKED", Align::Right),
        ("HELD", Align::Right),
        ("REDACTED", Align::Right),
        ("PASSED", Align::Right),
        ("STOPPED", Align::Right),
    ];
    let cut = if *cut { "of the latest of what was said\n" } else { "" };
    say(&format!("said since {since}\n{cut}{}", table(&columns, &rows)))
}
