//! `quarantine SUBJECT`, `quarantine lift`, `quarantine list`.

use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use cordon_core::{
    Timestamp,
    containment::{InFlight, Subject},
};

use super::{
    Failure, Outcome, Output, Place, actor,
    client::{Client, Need},
    complain, json, moment, say,
    table::{Align, table},
};
use crate::api::{
    List,
    quarantine::{LiftQuarantine, OrderQuarantine, QuarantineEffect},
};

/// For `--help`.
pub(super) const EXAMPLES: &str = "A subject is KIND/NAME: model/small, service/openai, prompt/ID (`cordon calls show` has it), \
tool/send_mail, principal/app, key/ID, route/bot, system/claims, detector/card, or signature/SHA256 of a text (`--text` makes it).\n\n\
Examples:\n  cordon quarantine model/small --reason \"leaks personal data\"\n  cordon quarantine route/bot --reason \"complaints\" --finish\n  \
cordon quarantine --text \"the text that must not go on\" --reason \"worm\"\n  cordon quarantine model/small --effect\n  \
cordon quarantine list\n  cordon quarantine lift model/small --reason \"the provider mended it\"";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct QuarantineArgs {
    #[command(subcommand)]
    command: Option<QuarantineCommand>,
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Subcommand)]
enum QuarantineCommand {
    /// Give a subject back. What belongs to a system of high risk needs two people.
    Lift(LiftArgs),
    /// Show what is quarantined.
    List(ListArgs),
}

#[derive(Args)]
struct OrderArgs {
    /// What is to be out, as KIND/NAME.
    #[arg(value_parser = Subject::parse, value_name = "SUBJECT", required_unless_present = "text")]
    subject: Option<Subject>,
    /// A text whose signature is to be out: calls that bring it are refused, in any case and with any spaces.
    #[arg(long, value_name = "TEXT", conflicts_with = "subject")]
    text: Option<String>,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT", required_unless_present = "effect")]
    reason: Option<String>,
    /// Let running calls that use it come to their end.
    #[arg(long)]
    finish: bool,
    /// Only say what it would mean.
    #[arg(long, conflicts_with_all = ["reason", "finish", "yes"])]
    effect: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct LiftArgs {
    /// What is to be back, as KIND/NAME.
    #[arg(value_parser = Subject::parse, value_name = "SUBJECT")]
    subject: Subject,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct ListArgs {
    /// As it was at this time, or so long ago.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: QuarantineArgs) -> Outcome {
    match args.command {
        Some(QuarantineCommand::Lift(args)) => lift(place, args).await,
        Some(QuarantineCommand::List(args)) => list(place, args).await,
        None => order(place, args.order).await,
    }
}

async fn order(place: &Place, args: OrderArgs) -> Outcome {
    let of_text = || args.text.as_deref().map(|text| Subject::Signature(cordon_guard::signature(text)));
    // clap lets neither be absent.
    let subject = args.subject.clone().or_else(of_text).ok_or(Failure::Code(2))?;
    let client = place.client(if args.effect { Need::Read } else { Need::Write }).await?;
    let done = decide(&client, subject, args).await;
    client.close().await;
    done
}

async fn decide(client: &Client, subject: Subject, args: OrderArgs) -> Outcome {
    let effect = client.quarantine_effect(&subject).await?;
    if args.effect {
        return if args.output.json { json(&effect) } else { say(&told(&effect)) };
    }
    let asks = !args.yes && !args.output.json && io::stdin().is_terminal();
    if !args.output.json {
        say(&told(&effect))?;
    }
    if asks && !agreed(&format!("quarantine {subject}?")) {
        complain("nothing was changed");
        return Err(Failure::Code(1));
    }
    let in_flight = if args.finish { InFlight::Finish } else { InFlight::Cancel };
    let wish = OrderQuarantine { subject, in_flight, reason: args.reason.unwrap_or_default() };
    let done = client.quarantine(wish).await?;
    if args.output.json {
        return json(&done);
    }
    let log = match (&done.position, &done.waiting) {
        (Some(position), _) => format!("fact {position}"),
        (None, Some(why)) => format!("not in the log yet: {why}"),
        (None, None) => "not in the log yet".to_owned(),
    };
    say(&format!(
        "quarantined: {} since {} ({} running calls ended; {log})\n",
        done.subject, done.since, done.ended
    ))
}

async fn lift(place: &Place, args: LiftArgs) -> Outcome {
    let client = place.client(Need::Write).await?;
    let done = client.lift(LiftQuarantine { subject: args.subject, reason: args.reason }).await;
    client.close().await;
    let done = done?;
    if args.output.json {
        return json(&done);
    }
    let subject = &done.subject;
    if done.lifted {
        say(&format!("lifted: {subject}\n"))
    } else {
        say(&format!(
            "asked: {subject} belongs to a system of high risk, and is back when a second person lifts it too\n"
        ))
    }
}

async fn list(place: &Place, args: ListArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let items = client.quarantines(args.as_of).await;
    client.close().await;
    let items = items?;
    if args.output.json {
        return json(&List::whole(items));
    }
    if items.is_empty() {
        return say("nothing is quarantined\n");
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let state = match (&item.asked, item.logged) {
                (_, false) => "not in the log yet".to_owned(),
                (Some(asked), _) => format!("lift asked by {}", actor(asked)),
                (None, _) => String::new(),
            };
            vec![
                item.subject.to_string(),
                item.since.to_string(),
                actor(&item.by),
                item.reason.clone().unwrap_or_default(),
                state,
            ]
        })
        .collect();
    let columns = ["SUBJECT", "SINCE", "BY", "REASON", ""].map(|title| (title, Align::Left));
    say(&table(&columns, &rows))
}

/// What a quarantine would mean, for people.
fn told(effect: &QuarantineEffect) -> String {
    let mut text = format!("{}: {}\n", effect.subject, effect.told());
    for route in &effect.routes {
        let then = match route.fallback.as_slice() {
            [] => "closed".to_owned(),
            left => {
                let names: Vec<&str> = left.iter().map(cordon_core::Name::as_str).collect();
                format!("goes on with {}", names.join(", "))
            }
        };
        text.push_str(&format!("  route {}: {then} ({} calls)\n", route.route, route.calls));
    }
    if effect.two_people {
        text.push_str("  it takes two people to lift it: a system of high risk uses it\n");
    }
    text
}

fn agreed(question: &str) -> bool {
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
    asked.is_ok() && io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "yes")
}
