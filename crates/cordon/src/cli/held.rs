//! `held list`, `held show`, `held release`, `held reject`.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use cordon_core::{
    DurationMs,
    review::{HeldId, Verdict},
};

use super::{
    Failure, Outcome, Output, Place, actor,
    client::Need,
    complain, json, say,
    table::{Align, table},
};
use crate::api::{
    List,
    held::{HeldView, HeldWhich, ReviewHeld},
};

/// For `--help`.
pub(super) const EXAMPLES: &str = "Examples:\n  cordon held list\n  cordon held show ID\n  cordon held show ID --save suspect.bin\n  \
cordon held release ID --reason \"an invoice that the bank encrypts\"\n  cordon held reject ID --reason \"nobody sends us this\" --expires 30d";

#[derive(Subcommand)]
pub(super) enum HeldCommand {
    /// Show what waits for a review, the longest-waiting first.
    List(ListArgs),
    /// Show what is known of a held file or text; its bytes only where they are asked for.
    Show(ShowArgs),
    /// Let it pass: the same bytes, of the same caller, on the same route; a call of a tool once.
    Release(ReviewArgs),
    /// Refuse it where it comes again.
    Reject(ReviewArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Those that were decided about, too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The id.
    #[arg(value_name = "ID", value_parser = HeldId::parse)]
    id: HeldId,
    /// Write the bytes to this new file. Who reads them is recorded; they are as hostile as they came.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ReviewArgs {
    /// The id.
    #[arg(value_name = "ID", value_parser = HeldId::parse)]
    id: HeldId,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it lasts: 7d for a release, 365d for a rejection where nothing is said.
    #[arg(long, value_parser = DurationMs::parse, value_name = "TIME")]
    expires: Option<DurationMs>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, command: HeldCommand) -> Outcome {
    match command {
        HeldCommand::List(args) => list(place, args).await,
        HeldCommand::Show(args) => show(place, args).await,
        HeldCommand::Release(args) => review(place, args, Verdict::Released).await,
        HeldCommand::Reject(args) => review(place, args, Verdict::Rejected).await,
    }
}

async fn list(place: &Place, args: ListArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let items = client.held(if args.all { HeldWhich::All } else { HeldWhich::Waiting }).await;
    client.close().await;
    let items = items?;
    if args.output.json {
        return json(&List::whole(items));
    }
    if items.is_empty() {
        return say(if args.all { "nothing is held\n" } else { "nothing waits for a review\n" });
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            vec![
                item.id.to_string(),
                item.since.to_string(),
                item.status.as_str().to_owned(),
                item.principal.to_string(),
                item.route.to_string(),
                item.kind.as_str().to_owned(),
                item.file_type.clone(),
                item.bytes.to_string(),
                item.findings.first().map(|finding| finding.category.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let left = |title| (title, Align::Left);
    let columns = [
        left("ID"),
        left("SINCE"),
        left("STATUS"),
        left("PRINCIPAL"),
        left("ROUTE"),
        left("KIND"),
        left("TYPE"),
        ("BYTES", Align::Right),
        left("FOR"),
    ];
    say(&table(&columns, &rows))
}

async fn show(place: &Place, args: ShowArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let shown = client.held_file(args.id).await;
    let bytes = match (&shown, &args.save) {
        (Ok(_), Some(_)) => Some(client.held_content(args.id).await),
        _ => None,
    };
    client.close().await;
    let shown = shown?;
    if let (Some(bytes), Some(path)) = (bytes, &args.save) {
        save(path, &bytes?)?;
    }
    if args.output.json {
        return json(&shown);
    }
    say(&told(&shown))
}

/// What is known of what is held, for people.
fn told(item: &HeldView) -> String {
    let mut text = format!(
        "id         {}\nkind       {}\nstatus     {}\nsince      {}\nexpires    {}\ncall       {}\nroute      {}\nprincipal  {}\nkey        {}\n\
         part       {}\ntype       {}\nbytes      {}\ncontent    {}\n",
        item.id,
        kind(item),
        item.status.as_str(),
        item.since,
        item.expires,
        item.call,
        item.route,
        item.principal,
        item.key,
        item.part,
        item.file_type,
        item.bytes,
        item.content
    );
    for finding in &item.findings {
        text.push_str(&format!(
            "found      {} {} ({}, {})\n",
            finding.category, finding.score, finding.action, finding.detector
        ));
    }
    if let Some(review) = &item.review {
        text.push_str(&format!(
            "review     {} by {} at {} until {}\n",
            review.verdict.as_str(),
            actor(&review.by),
            review.at,
            review.ends
        ));
        if let Some(reason) = &review.reason {
            text.push_str(&format!("reason     {reason}\n"));
        }
    }
    text
}

/// What it is, and of a text the channel that it came in.
fn kind(item: &HeldView) -> String {
    let channel = item.channel.map(|channel| format!(" of channel {}", channel.as_str()));
    format!("{}{}", item.kind.as_str(), channel.unwrap_or_default())
}

/// Writes the bytes to a file of the owner's alone, never over another.
fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| {
        complain(&format!("`{}` cannot be written: {error}; help: name a new file", path.display()));
        Failure::Code(1)
    })
}

async fn review(place: &Place, args: ReviewArgs, verdict: Verdict) -> Outcome {
    let client = place.client(Need::Write).await?;
    let wish = ReviewHeld { reason: args.reason, expires: args.expires };
    let done = client.review_held(args.id, verdict, wish).await;
    client.close().await;
    let done = done?;
    if args.output.json {
        return json(&done);
    }
    say(&format!("{}: {} until {} (fact {})\n", verdict.as_str(), done.id, done.ends, done.position))
}
