//! `calls list|show|labels`.

use clap::{Args, Subcommand};
use cordon_core::{Action, CallId, Category, Timestamp, containment::PromptId};

use super::{
    Outcome, Output, Place,
    client::{Client, Need, Which},
    complain,
    http::Ended,
    json, labels, moment,
    resources::{name, note_empty},
    say,
    table::{Align, plain, table},
};
use crate::api::{CallFilter, CallRecord, CallView, Problem};

#[derive(Subcommand)]
pub(super) enum CallsCommand {
    /// Show calls, latest first. With --json: one object a line.
    #[command(
        after_help = "Examples:\n  cordon calls list --since 1h --verdict block\n  cordon calls list --category pii --json --limit 1000\n  cordon calls list --follow"
    )]
    List(ListArgs),
    /// Show all that is recorded of a call.
    #[command(
        after_help = "Examples:\n  cordon calls show latest\n  cordon calls show 01932c07-209e-7e3a-8b1c-1f0a5c3d9e77 --json"
    )]
    Show(ShowArgs),
    /// Write what people said of findings as labelled texts, one object a line.
    #[command(after_help = labels::EXAMPLES)]
    Labels(labels::LabelsArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Not before this time, or so long ago: 2026-11-21T09:30:00Z, 90m.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time, or so long ago.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Of this principal.
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// To this route.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// With this verdict: allow, flag, redact, hold or block.
    #[arg(long, value_parser = verdict, value_name = "VERDICT")]
    verdict: Option<Action>,
    /// With a finding of this category or a child of it, such as pii or pii/card.
    #[arg(long, value_parser = Category::parse, value_name = "CATEGORY")]
    category: Option<Category>,
    /// That brought this prompt, as the record of a call names it.
    #[arg(long, value_parser = PromptId::parse, value_name = "ID")]
    prompt: Option<PromptId>,
    /// At most so many, the latest ones [default: 100; with --follow: 10 that ended before].
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on with calls as they end. With --json: each one. Otherwise at most 200 a second, the newest ones, and a line says
    /// how many others there were.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The call's id, as the header `cordon-call-id` says it, or `latest`.
    #[arg(value_name = "ID", value_parser = WhichCall::parse)]
    id: WhichCall,
    #[command(flatten)]
    output: Output,
}

/// Which call is meant.
#[derive(Clone, Copy)]
pub(super) enum WhichCall {
    Named(CallId),
    Latest,
}

impl WhichCall {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        CallId::parse(text).map(Self::Named).map_err(|error| error.to_string())
    }

    /// The call's id: the latest one is that with the youngest beginning.
    pub(super) async fn find(self, client: &Client) -> Result<CallId, Problem> {
        if let Self::Named(id) = self {
            return Ok(id);
        }
        let filter = CallFilter { limit: Some(1), ..CallFilter::default() };
        client.calls(filter).await?.first().map(|call| call.call_id).ok_or_else(|| {
            Problem::new(404, "not_found", "it does not exist", "no call is recorded here yet".to_owned())
        })
    }
}

pub(super) async fn run(place: &Place, command: CallsCommand) -> Outcome {
    match command {
        CallsCommand::List(args) => list(place, args).await,
        CallsCommand::Show(args) => show(place, args).await,
        CallsCommand::Labels(args) => labels::run(place, args).await,
    }
}

async fn list(place: &Place, args: ListArgs) -> Outcome {
    let filter = CallFilter {
        since: args.since,
        until: args.until,
        principal: args.principal.as_deref().map(name).transpose()?,
        route: args.route.as_deref().map(name).transpose()?,
        verdict: args.verdict,
        category: args.category,
        prompt: args.prompt,
        limit: args.limit,
    };
    let client = place.client(Need::Read).await?;
    note_empty(place, &client);
    if !args.follow {
        let calls = client.calls(filter).await;
        client.close().await;
        let calls = calls?;
        return if args.output.json {
            calls.iter().try_for_each(json)
        } else {
            say(&table(&COLUMNS, &calls.iter().map(row).collect::<Vec<_>>()))
        };
    }
    let place = client.place();
    let filter = CallFilter { limit: filter.limit.or(Some(10)), ..filter };
    let which = if args.output.json { Which::Each } else { Which::Newest };
    let mut stream = client.follow(filter, which).await?;
    if !args.output.json {
        say(&line(&COLUMNS.map(|(head, _)| head.to_owned())))?;
    }
    while let Some(ended) = stream.next().await? {
        match ended {
            Ended::Call(call) if args.output.json => json(&call)?,
            Ended::Call(call) => say(&line(&row(&call)))?,
            Ended::LeftOut(left_out) if args.output.json => json(&left_out)?,
            Ended::LeftOut(left_out) => {
                say(&format!("… {} more ended; a filter leaves out fewer, --json none\n", left_out.calls))?;
            }
        }
    }
    complain(&format!("nobody serves {place}, so no further calls come"));
    Ok(())
}

async fn show(place: &Place, args: ShowArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let record = match args.id.find(&client).await {
        Ok(id) => client.call(id).await,
        Err(problem) => Err(problem),
    };
    client.close().await;
    let record = record?;
    if args.output.json { json(&record) } else { say(&plain(&told(&record))) }
}

const COLUMNS: [(&str, Align); 10] = [
    ("TIME", Align::Left),
    ("CALL", Align::Left),
    ("PRINCIPAL", Align::Left),
    ("ROUTE", Align::Left),
    ("MODEL", Align::Left),
    ("VERDICT", Align::Left),
    ("WOULD", Align::Left),
    ("STATUS", Align::Right),
    ("MS", Align::Right),
    ("FINDINGS", Align::Left),
];

fn row(call: &CallView) -> Vec<String> {
    let or_dash = |name: Option<&cordon_core::Name>| name.map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut categories: Vec<&str> =
        call.findings.iter().map(|found| found.finding.category.as_str()).collect();
    categories.dedup();
    vec![
        call.time.to_string(),
        call.call_id.to_string(),
        call.principal.to_string(),
        or_dash(call.route.as_ref()),
        or_dash(call.model.as_ref()),
        call.verdict.to_string(),
        // What guards that only observe would have done, where that is more.
        if call.would > call.verdict { call.would.to_string() } else { String::new() },
        call.status.map_or_else(|| "running".to_owned(), |status| status.to_string()),
        call.timings.map(|timings| millis(timings.total)).unwrap_or_default(),
        categories.join(", "),
    ]
}

/// A line of a list whose other lines are not known yet.
fn line(cells: &[String]) -> String {
    let widths = [24, 36, 16, 16, 16, 7, 6, 7, 8, 0];
    let mut text = String::new();
    for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(COLUMNS) {
        let cell = plain(cell);
        match align {
            Align::Left => text.push_str(&format!("{cell:<width$}  ")),
            Align::Right => text.push_str(&format!("{cell:>width$}  ")),
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// Microseconds as milliseconds.
fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}

fn told(record: &CallRecord) -> String {
    let CallRecord { call, opened, closed } = record;
    let mut lines: Vec<(&str, String)> = vec![
        ("call", call.call_id.to_string()),
        ("time", call.time.to_string()),
        ("principal", format!("{} (team {}), key {}", call.principal, call.team, opened.key)),
    ];
    let mut named = |word, name: Option<&cordon_core::Name>| {
        lines.extend(name.map(|name| (word, name.to_string())));
    };
    named("route", call.route.as_ref());
    named("system", opened.system.as_ref());
    named("model", call.model.as_ref());
    named("service", record.service());
    named("region", record.region());
    if !opened.mode.is_normal() {
        lines.push(("mode", opened.mode.as_str().to_owned()));
    }
    lines.extend(opened.subject.map(|subject| ("subject", subject.to_string())));
    lines.extend(opened.prompt.map(|prompt| ("prompt", prompt.to_string())));
    lines.extend((!opened.taint.is_clean()).then(|| ("entered", opened.taint.to_string())));
    lines.extend((!opened.normalised.is_nothing()).then(|| ("normalised", opened.normalised.to_string())));
    lines.push(("verdict", call.verdict.to_string()));
    if call.would > call.verdict {
        lines.push(("would", format!("{} (guards that only observe)", call.would)));
    }
    let reviews = record.reviews();
    let reviews = reviews.map(|(direction, word, id)| {
        (word, format!("{id}, of the {}; `cordon held show`", direction.as_str()))
    });
    lines.extend(reviews);
    if let Some(counted) = &opened.counted {
        let names: Vec<&str> = counted.limits.iter().map(cordon_core::Name::as_str).collect();
        lines.push(("limits", names.join(", ")));
    }
    match closed {
        None => lines.push(("status", "running".to_owned())),
        Some(closed) => {
            let code = closed.code.map(|code| format!(" {code}")).unwrap_or_default();
            lines.push(("status", format!("{}{code}", closed.status)));
            lines.extend(closed.reason.iter().map(|reason| ("reason", reason.clone())));
            lines.extend(closed.upstream_status.map(|status| ("upstream status", status.to_string())));
            lines.extend(closed.attempts.iter().map(|attempt| ("attempt", attempt.to_string())));
            lines.extend(
                closed.tokens.map(|tokens| ("tokens", format!("{} in, {} out", tokens.input, tokens.output))),
            );
            lines.extend(closed.cost.map(|cost| ("cost", cost.to_string())));
            lines.extend(
                closed.output.grounding.as_ref().map(|grounding| ("borne out", grounding.to_string())),
            );
            lines.extend(closed.charged.as_ref().map(|charged| {
                let cost = charged.spend.cost.map(|cost| format!(", {cost}")).unwrap_or_default();
                let why = if charged.as_reserved { ", as reserved" } else { "" };
                ("charged", format!("{} in, {} out{cost}{why}", charged.spend.input, charged.spend.output))
            }));
            for kept in &closed.content {
                let more = if kept.truncated { ", the beginning of it" } else { "" };
                let text =
                    format!("{} ({} bytes{more}); `cordon content show`", kept.object.as_str(), kept.bytes);
                lines.push(("content kept", text));
            }
            let t = closed.timings;
            lines.push((
                "timings (ms)",
                format!(
                    "total {}, receive {}, admit {}, inspect {} + {}, upstream {} (first byte {}), record {}",
                    millis(t.total),
                    millis(t.receive),
                    millis(t.admit),
                    millis(t.inspect_input),
                    millis(t.inspect_output),
                    millis(t.upstream),
                    millis(t.upstream_first_byte),
                    millis(t.record)
                ),
            ));
        }
    }
    lines.push(("log position", opened.position.to_string()));
    lines.push(("build", opened.build.to_string()));
    lines.push(("rules", opened.rules.to_string()));
    let mut text: String = lines.iter().map(|(word, value)| format!("{word:<16}{value}\n")).collect();
    if !call.findings.is_empty() {
        let rows: Vec<Vec<String>> = call
            .findings
            .iter()
            .map(|found| {
                let finding = &found.finding;
                vec![
                    found.direction.as_str().to_owned(),
                    finding.shown(),
                    finding.score.to_string(),
                    finding.action.to_string(),
                    if finding.would > finding.action { finding.would.to_string() } else { String::new() },
                    finding.guard.as_ref().map_or_else(String::new, ToString::to_string),
                    finding.part.clone(),
                    format!("{}..{}", finding.start, finding.end),
                    format!("{} {}", finding.detector, finding.detector_version),
                ]
            })
            .collect();
        let columns = [
            ("IN", Align::Left),
            ("CATEGORY", Align::Left),
            ("SCORE", Align::Right),
            ("ACTION", Align::Left),
            ("WOULD", Align::Left),
            ("GUARD", Align::Left),
            ("PART", Align::Left),
            ("BYTES", Align::Left),
            ("DETECTOR", Align::Left),
        ];
        text.push('\n');
        text.push_str(&table(&columns, &rows));
    }
    text
}

fn verdict(word: &str) -> Result<Action, String> {
    [Action::Allow, Action::Flag, Action::Redact, Action::Hold, Action::Block]
        .into_iter()
        .find(|action| action.as_str() == word)
        .ok_or_else(|| "one of allow, flag, redact, hold, block is expected".to_owned())
}
