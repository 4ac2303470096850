//! `triggers`, `triggers lift`.

use clap::{Args, Subcommand};
use cordon_core::{Name, Timestamp, containment::Subject};

use super::{
    Outcome, Output, Place,
    client::Need,
    json, say,
    table::{Align, table},
};
use crate::api::{
    List,
    triggers::{FiringView, LiftTrigger, TriggerStatus, WatchedStatus},
};

/// For `--help`.
pub(super) const EXAMPLES: &str = "What a trigger says, and what it does: docs/triggers.md. Values are of the window, on the server that is \
asked; T0 is the first bad call, T1 when it was seen, T2 when a test call was answered as it should be.\n\nExamples:\n  cordon triggers\n  \
cordon triggers small-fails --json\n  cordon triggers lift small-fails --reason \"the provider mended it\"";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TriggersArgs {
    #[command(subcommand)]
    command: Option<TriggersCommand>,
    /// Only this one.
    #[arg(value_parser = Name::parse, value_name = "TRIGGER")]
    trigger: Option<Name>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum TriggersCommand {
    /// End what a trigger did. What belongs to a system of high risk needs two people.
    Lift(LiftArgs),
}

#[derive(Args)]
struct LiftArgs {
    /// The trigger.
    #[arg(value_parser = Name::parse, value_name = "TRIGGER")]
    trigger: Name,
    /// Which of those that it watches one by one, as KIND/NAME.
    #[arg(long, value_parser = Subject::parse, value_name = "SUBJECT")]
    of: Option<Subject>,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: TriggersArgs) -> Outcome {
    match args.command {
        Some(TriggersCommand::Lift(args)) => lift(place, args).await,
        None => list(place, args.trigger, args.output).await,
    }
}

async fn lift(place: &Place, args: LiftArgs) -> Outcome {
    let client = place.client(Need::Write).await?;
    let LiftArgs { trigger, of, reason, output } = args;
    let done = client.lift_trigger(LiftTrigger { trigger, of, reason }).await;
    client.close().await;
    let done = done?;
    if output.json {
        return json(&done);
    }
    let of = done.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
    if done.lifted {
        say(&format!("lifted: what trigger {}{of} did\n", done.trigger))
    } else {
        say(&format!(
            "asked: what trigger {}{of} did is about a system of high risk, and ends when a second person lifts it too\n",
            done.trigger
        ))
    }
}

async fn list(place: &Place, only: Option<Name>, output: Output) -> Outcome {
    let client = place.client(Need::Read).await?;
    let triggers = client.triggers().await;
    client.close().await;
    let mut triggers = triggers?;
    if let Some(name) = &only {
        triggers.retain(|trigger| trigger.trigger == *name);
    }
    if output.json {
        return json(&List::whole(triggers));
    }
    if triggers.is_empty() {
        return say(if only.is_some() { "there is no such trigger\n" } else { "there are no triggers\n" });
    }
    let rows: Vec<Vec<String>> = triggers.iter().flat_map(rows).collect();
    let columns = [
        ("TRIGGER", Align::Left),
        ("OF", Align::Left),
        ("STATE", Align::Left),
        ("SIGNAL", Align::Left),
        ("NOW", Align::Right),
        ("ABOVE", Align::Right),
        ("CALLS", Align::Right),
        ("SINCE", Align::Left),
        ("T0", Align::Left),
        ("T1", Align::Left),
        ("T2", Align::Left),
    ];
    say(&table(&columns, &rows))
}

/// The lines of a trigger: one for each that it sees calls of, or that it did something to.
fn rows(trigger: &TriggerStatus) -> Vec<Vec<String>> {
    let mut of: Vec<Option<&Subject>> = trigger.watched.iter().map(|watched| watched.of.as_ref()).collect();
    of.extend(trigger.firings.iter().map(|firing| firing.of.as_ref()));
    of.sort();
    of.dedup();
    if of.is_empty() {
        of.push(None);
    }
    of.into_iter().enumerate().map(|(at, of)| row(trigger, at, of)).collect()
}

fn row(trigger: &TriggerStatus, at: usize, of: Option<&Subject>) -> Vec<String> {
    let seen: Option<&WatchedStatus> = trigger.watched.iter().find(|watched| watched.of.as_ref() == of);
    let firing: Option<&FiringView> = trigger.firings.iter().find(|firing| firing.of.as_ref() == of);
    let time = |time: Option<Timestamp>| time.map_or_else(|| "–".to_owned(), |time| time.to_string());
    let state = seen.map_or(trigger.state, |seen| seen.state);
    vec![
        if at == 0 { trigger.trigger.to_string() } else { String::new() },
        of.map(ToString::to_string).unwrap_or_default(),
        state.as_str().to_owned(),
        trigger.signal.clone(),
        seen.and_then(|seen| seen.value).map_or_else(|| "–".to_owned(), |value| value.to_string()),
        trigger.above.to_string(),
        seen.map_or(0, |seen| seen.calls).to_string(),
        time(seen.and_then(|seen| seen.since)),
        time(firing.map(|firing| firing.t0)),
        time(firing.map(|firing| firing.t1)),
        time(firing.and_then(|firing| firing.t2)),
    ]
}
