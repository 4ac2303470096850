//! `detectors`.

use clap::Args;

use super::{
    Outcome, Output, Place,
    client::Need,
    json, say,
    table::{Align, table},
};
use crate::api::{List, detectors::DetectorStatus};

/// For `--help`.
pub(super) const EXAMPLES: &str = "How one is added over HTTP, and what a self-test is: docs/detectors.md. Counts are of the server that is \
asked, since it started. REACH: the bytes of the longest finding, and those behind it that it may wait for, or all of a content.\n\nExamples:\n  cordon detectors\n  cordon detectors insults --json";

#[derive(Args)]
pub(super) struct DetectorsArgs {
    /// Only this one.
    #[arg(value_name = "DETECTOR")]
    detector: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: DetectorsArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let detectors = client.detectors().await;
    client.close().await;
    let mut detectors = detectors?;
    if let Some(name) = &args.detector {
        detectors.retain(|detector| detector.detector == *name);
    }
    if args.output.json {
        return json(&List::whole(detectors));
    }
    if detectors.is_empty() {
        return say("there is no such detector\n");
    }
    let rows: Vec<Vec<String>> = detectors.iter().map(row).collect();
    let columns = [
        ("DETECTOR", Align::Left),
        ("VERSION", Align::Right),
        ("ADAPTER", Align::Left),
        ("REACH", Align::Right),
        ("STATE", Align::Left),
        ("ANSWERED", Align::Right),
        ("FAILED", Align::Right),
    ];
    say(&table(&columns, &rows))
}

fn row(detector: &DetectorStatus) -> Vec<String> {
    let counted = detector.counted.as_ref();
    let failed = counted.map(|counted| counted.failed.values().fold(0_u64, |sum, n| sum.saturating_add(*n)));
    vec![
        detector.detector.clone(),
        detector.version.to_string(),
        detector.adapter.map_or("built in", |adapter| adapter.as_str()).to_owned(),
        detector.reach.map(|reach| reach.to_string()).unwrap_or_default(),
        detector.state().to_owned(),
        counted.map(|counted| counted.answered.to_string()).unwrap_or_default(),
        failed.map(|failed| failed.to_string()).unwrap_or_default(),
    ]
}
