//! `plan`, `apply`, `get`, `history`, `delete`, `schema`.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use cordon_core::{
    Name, Timestamp,
    resource::{Kind, Problem as Fault},
};
use serde_json::Value;

use super::{
    Failure, Outcome, Output, Place,
    client::{Client, Need, is_used},
    complain, json, moment, say,
    table::{Align, table},
    yaml,
};
use crate::{
    api::{ChangeKind, ChangeView, Documents, Effect, FieldChange, Plan, Problem, ResourceView},
    declare::{self, Declaration, Diagnostic, Reading},
};

#[derive(Args)]
pub(super) struct ApplyArgs {
    /// Files or folders of YAML or JSON documents; `-` is standard input.
    #[arg(short = 'f', long = "file", required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct PlanArgs {
    /// Files or folders of YAML or JSON documents; `-` is standard input.
    #[arg(short = 'f', long = "file", required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// How many recent calls are judged again by the planned guards, without their lists of allowed values; 0: none.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    recent: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct GetArgs {
    /// A kind, such as route or routes, or `all`.
    kind: String,
    /// One resource: it is printed whole, as YAML that `apply` takes.
    name: Option<String>,
    /// As it was at this time, or so long ago: 2026-11-21T09:30:00Z, 90m.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Whole documents instead of a table.
    #[arg(long, conflicts_with = "json")]
    yaml: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct HistoryArgs {
    /// A kind, such as route.
    kind: String,
    /// Its name.
    name: String,
    /// Only what had happened by this time, or so long ago.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// At most so many steps, the latest ones.
    #[arg(long, default_value_t = crate::control::HISTORY_PAGE, value_name = "N")]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct DeleteArgs {
    /// A kind, such as route.
    kind: String,
    /// Its name.
    name: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct SchemaArgs {
    /// A kind, such as route, or `all`: one schema for files in which all kinds stand.
    kind: String,
}

pub(super) async fn apply(place: &Place, args: ApplyArgs) -> Outcome {
    let reading = read(&args.files)?;
    // A folder that does not exist yet is not made for documents that are wrong.
    if !reading.diagnostics.is_empty() {
        let client = place.client(Need::Read).await?;
        return Err(refuse(&client, reading).await);
    }
    let client = place.client(Need::Write).await?;
    let documents = Documents { documents: reading.declaration.to_json(), recent: 0 };
    let plan = client.apply(documents).await;
    client.close().await;
    let plan = plan.map_err(|problem| located(&reading.declaration, problem))?;
    warn(&plan);
    if args.output.json {
        return json(&plan);
    }
    say(&match plan.changes.len() {
        0 => "nothing to do: everything stands as it is declared\n".to_owned(),
        count => format!(
            "{}applied: {count} changed; the log holds {} facts\n",
            changes(&plan.changes),
            plan.position
        ),
    })
}

pub(super) async fn plan(place: &Place, args: PlanArgs) -> Outcome {
    let reading = read(&args.files)?;
    let client = place.client(Need::Read).await?;
    if !reading.diagnostics.is_empty() {
        return Err(refuse(&client, reading).await);
    }
    note_empty(place, &client);
    let documents = Documents { documents: reading.declaration.to_json(), recent: args.recent };
    let plan = client.plan(documents).await;
    client.close().await;
    let plan = plan.map_err(|problem| located(&reading.declaration, problem))?;
    warn(&plan);
    if args.output.json {
        json(&plan)?;
    } else {
        say(&written(&plan))?;
    }
    if plan.changes.is_empty() { Ok(()) } else { Err(Failure::Code(2)) }
}

pub(super) async fn get(place: &Place, args: GetArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    note_empty(place, &client);
    let all = args.kind == "all";
    let kind = if all { None } else { Some(kind(&args.kind)?) };
    match (kind, args.name) {
        (Some(kind), Some(text)) => {
            let resource = client.get(kind, &name(&text)?, args.as_of).await;
            client.close().await;
            let resource = resource?;
            if args.output.json { json(&resource) } else { say(&document(&resource)) }
        }
        (None, Some(_)) => Err(wrong("a name needs a kind".to_owned())),
        (kind, None) => {
            let resources = client.list(kind, args.as_of).await;
            client.close().await;
            let resources = resources?;
            if args.output.json {
                json(&crate::api::List::whole(resources))
            } else if args.yaml {
                say(&resources.iter().map(document).collect::<Vec<_>>().join("---\n"))
            } else {
                say(&listed(kind, &resources))
            }
        }
    }
}

pub(super) async fn history(place: &Place, args: HistoryArgs) -> Outcome {
    let (kind, name) = (kind(&args.kind)?, name(&args.name)?);
    let client = place.client(Need::Read).await?;
    let entries = client.history(kind, &name, args.as_of, args.limit).await;
    client.close().await;
    let entries = entries?;
    if args.output.json {
        return json(&crate::api::List::whole(entries));
    }
    let mut text = String::new();
    for entry in entries {
        let actor = actor(&entry.meta.actor);
        text.push_str(&format!(
            "{}  position {}  {}  by {actor}\n",
            entry.meta.changed,
            entry.meta.position,
            match entry.change {
                ChangeKind::Create => "created",
                ChangeKind::Change => "changed",
                ChangeKind::Delete => "deleted",
            }
        ));
        if entry.change == ChangeKind::Change {
            entry.fields.iter().for_each(|change| text.push_str(&field(change)));
        }
    }
    say(&super::table::plain(&text))
}

pub(super) async fn delete(place: &Place, args: DeleteArgs) -> Outcome {
    let (kind, name) = (kind(&args.kind)?, name(&args.name)?);
    let client = place.client(Need::Write).await?;
    let done = client.delete(kind, &name).await;
    client.close().await;
    let done = done?;
    if args.output.json {
        json(&done)
    } else {
        say(&format!("deleted: {kind} {name}; the log holds {} facts\n", done.position))
    }
}

pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = if args.kind == "all" {
        // Branches by kind, so that an editor completes for the kind that is written and for no other.
        let branches: Vec<Value> = Kind::ALL
            .iter()
            .map(|kind| {
                let is = serde_json::json!({ "properties": { "kind": { "const": kind.as_str() } }, "required": ["kind"] });
                serde_json::json!({ "if": is, "then": kind.schema().to_value() })
            })
            .collect();
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Cordon",
            "type": "object",
            "required": ["apiVersion", "kind", "name", "spec"],
            "properties": { "kind": { "enum": kinds } },
            "allOf": branches,
        })
    } else {
        kind(&args.kind)?.schema().to_value()
    };
    say(&format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default()))
}

fn read(files: &[PathBuf]) -> Result<Reading, Failure> {
    let sources = declare::sources(files).map_err(|diagnostics| {
        diagnostics.iter().for_each(|diagnostic| complain(&diagnostic.to_string()));
        Failure::Code(1)
    })?;
    let reading = declare::read(&sources);
    if reading.declaration.documents.is_empty() && reading.diagnostics.is_empty() {
        return Err(wrong("there is no document in these files".to_owned()));
    }
    Ok(reading)
}

/// Tells everything that is wrong, references to what does not exist among it: a reader who mends all wants to know all.
async fn refuse(client: &Client, reading: Reading) -> Failure {
    let mut diagnostics = reading.diagnostics;
    match client.list(None, None).await {
        Ok(standing) => {
            let declared = reading
                .declaration
                .documents
                .iter()
                .map(|document| (document.resource.spec.kind(), document.resource.name.clone()));
            let known: BTreeSet<(Kind, Name)> = standing
                .into_iter()
                .map(|resource| (resource.kind, resource.name))
                .chain(declared)
                .chain(reading.broken)
                .collect();
            for document in &reading.declaration.documents {
                for (path, kind, name) in document.resource.references().resources {
                    if !known.contains(&(kind, name.clone())) {
                        let message = format!(
                            "{kind} `{name}` does not exist; help: declare it in the same files, or mend the name"
                        );
                        let at = (document.resource.spec.kind(), document.resource.name.clone());
                        let fault = Fault { kind: at.0, name: at.1, path, message };
                        diagnostics.push(reading.declaration.locate(&fault));
                    }
                }
            }
        }
        Err(problem) => complain(&format!("references were not checked: {}", problem.detail)),
    }
    list(&diagnostics)
}

fn list(diagnostics: &[Diagnostic]) -> Failure {
    diagnostics.iter().for_each(|diagnostic| complain(&diagnostic.to_string()));
    complain(&format!("{} problem(s); nothing was changed", diagnostics.len()));
    Failure::Code(1)
}

/// Brings the problems of a plan back to their lines.
fn located(declaration: &Declaration, problem: Problem) -> Failure {
    let (located, others): (Vec<_>, Vec<_>) =
        problem.problems.iter().partition(|problem| problem.kind.is_some() && problem.name.is_some());
    if located.is_empty() || !others.is_empty() {
        return problem.into();
    }
    let diagnostics: Vec<Diagnostic> = located
        .into_iter()
        .filter_map(|problem| {
            let (kind, name) = (problem.kind?, problem.name.clone()?);
            let (path, message) = (problem.path.clone(), problem.message.clone());
            Some(declaration.locate(&Fault { kind, name, path, message }))
        })
        .collect();
    list(&diagnostics)
}

pub(super) fn note_empty(place: &Place, client: &Client) {
    if let Client::Folder(local) = client
        && !is_used(local.path())
    {
        complain(&format!("there is nothing in {} yet", place.folder().display()));
    }
}

fn wrong(text: String) -> Failure {
    Problem::new(400, "malformed", "the command cannot be understood", text).into()
}

pub(super) fn kind(word: &str) -> Result<Kind, Failure> {
    Kind::parse(word).ok_or_else(|| {
        let kinds: Vec<String> = Kind::ALL.iter().map(|kind| kind.as_str().to_ascii_lowercase()).collect();
        let help = match declare::nearest(word, kinds.iter().map(String::as_str)) {
            Some(near) => format!("help: did you mean `{near}`?"),
            None => format!("help: one of {}", kinds.join(", ")),
        };
        wrong(format!("`{word}` is no kind of resource; {help}"))
    })
}

pub(super) fn name(text: &str) -> Result<Name, Failure> {
    Name::parse(text).map_err(|error| wrong(error.to_string()))
}

/// A document that `apply` takes, with where it comes from as a comment.
pub(crate) fn document(resource: &ResourceView) -> String {
    let ResourceView { api_version, kind, name, spec, meta } = resource;
    let actor = actor(&meta.actor);
    let mut text = format!("# since {} by {actor}, position {}\n", meta.changed, meta.position);
    for (key, value) in
        [("apiVersion", api_version.as_str()), ("kind", kind.as_str()), ("name", name.as_str())]
    {
        text.push_str(&format!("{key}: {}", yaml::write(&Value::String(value.to_owned()))));
    }
    text.push_str(&yaml::write(&serde_json::json!({ "spec": spec })));
    text
}

pub(crate) fn actor(actor: &cordon_core::fact::Actor) -> String {
    match serde_json::to_value(actor) {
        Ok(Value::String(word)) => word,
        // A kind of actor and its id.
        Ok(Value::Object(map)) if map.len() == 1 => {
            map.into_iter().map(|(kind, id)| format!("{kind} {}", id.as_str().unwrap_or_default())).collect()
        }
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    }
}

/// The fields of each kind that a table shows.
const fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Detector => &["adapter", "base_url", "channels", "when_unavailable"],
        Kind::Guard => &["scope", "mode", "rules"],
        Kind::Limit => &["applies_to", "requests", "tokens", "money", "concurrency", "body_bytes"],
        Kind::Model => &["service", "upstream_name"],
        Kind::Principal => &["team", "routes"],
        Kind::Retention => &["routes", "systems", "labels", "jurisdictions", "content", "records"],
        Kind::Route => &["team", "targets", "guards", "audit"],
        Kind::Service => &["protocol", "base_url", "region"],
        Kind::System => &["team", "risk"],
        Kind::Team => &[],
        Kind::Tool => &["called", "callers", "effects", "max_taint"],
        Kind::Trigger => &["on", "signal", "window", "action", "lift", "enabled"],
    }
}

fn listed(kind: Option<Kind>, resources: &[ResourceView]) -> String {
    let fields = kind.map_or(&[][..], columns);
    let heads: Vec<String> = fields.iter().map(|field| field.to_uppercase().replace('_', " ")).collect();
    let mut head = vec![("NAME", Align::Left)];
    if kind.is_none() {
        head.insert(0, ("KIND", Align::Left));
    }
    head.extend(heads.iter().map(|head| (head.as_str(), Align::Left)));
    head.push(("SINCE", Align::Left));
    let rows: Vec<Vec<String>> = resources
        .iter()
        .map(|resource| {
            let mut row = vec![resource.name.to_string()];
            if kind.is_none() {
                row.insert(0, resource.kind.to_string());
            }
            row.extend(fields.iter().map(|field| resource.spec.get(field).map(brief).unwrap_or_default()));
            row.push(resource.meta.changed.to_string());
            row
        })
        .collect();
    table(&head, &rows)
}

/// A value in a cell.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let words: Option<Vec<&str>> =
                items.iter().map(|item| item.as_str().or_else(|| item.get("model")?.as_str())).collect();
            words.map_or_else(|| items.len().to_string(), |words| words.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key} {}", brief(value))).collect();
            members.join(" ")
        }
        other => other.to_string(),
    }
}

fn changes(changes: &[ChangeView]) -> String {
    let mut text = String::new();
    for change in changes {
        let mark = match change.change {
            ChangeKind::Create => '+',
            ChangeKind::Change => '~',
            ChangeKind::Delete => '-',
        };
        text.push_str(&format!("{mark} {} {}\n", change.kind, change.name));
        change.fields.iter().for_each(|change| text.push_str(&field(change)));
    }
    super::table::plain(&text)
}

fn field(change: &FieldChange) -> String {
    let FieldChange { path, before, after, .. } = change;
    match (before, after) {
        (Some(before), Some(after)) => format!("    ~ {path}: {} → {}\n", short(before), short(after)),
        (None, Some(after)) => format!("    + {path}: {}\n", short(after)),
        (Some(before), None) => format!("    - {path}: {}\n", short(before)),
        (None, None) => String::new(),
    }
}

fn short(value: &Value) -> String {
    let text = yaml::flow(value);
    if text.chars().count() > 160 {
        format!("{}…", text.chars().take(159).collect::<String>())
    } else {
        text
    }
}

fn written(plan: &Plan) -> String {
    if plan.changes.is_empty() {
        return "nothing would change: everything stands as it is declared\n".to_owned();
    }
    let count = |kind| plan.changes.iter().filter(|change| change.change == kind).count();
    let mut text = changes(&plan.changes);
    text.push_str(&format!(
        "\n{} to create, {} to change, {} to delete\n",
        count(ChangeKind::Create),
        count(ChangeKind::Change),
        count(ChangeKind::Delete)
    ));
    if let Some(effect) = &plan.effect {
        text.push_str(&meaning(effect));
    }
    text
}

/// What should be looked at goes to whoever runs the command, not into what a program reads.
fn warn(plan: &Plan) {
    for warning in &plan.warnings {
        complain(&format!("warning: {warning}"));
    }
}

/// What it would have meant, in words.
fn meaning(effect: &Effect) -> String {
    let Some(since) = effect.since else {
        return "\nno recent calls to compare with\n".to_owned();
    };
    let mut text = format!(
        "\nof the last {} calls (since {since}), judged again by what was found in them:\n",
        effect.calls
    );
    if effect.routes.is_empty() {
        text.push_str("  every one would end as it did\n");
    } else {
        let columns = [
            ("  ROUTE", Align::Left),
            ("CALLS", Align::Right),
            ("NEWLY BLOCKED", Align::Right),
            ("NEWLY REDACTED", Align::Right),
            ("NEWLY PASSED", Align::Right),
        ];
        let rows: Vec<Vec<String>> = effect
            .routes
            .iter()
            .map(|route| {
                vec![
                    format!("  {}", route.route),
                    route.calls.to_string(),
                    route.newly_blocked.to_string(),
                    route.newly_redacted.to_string(),
                    route.newly_passed.to_string(),
                ]
            })
            .collect();
        text.push_str(&table(&columns, &rows));
    }
    if effect.other_detectors > 0 {
        text.push_str(&format!(
            "  {} of them have findings of other versions of the detectors: what today's would find cannot be known\n",
            effect.other_detectors
        ));
    }
    if effect.incomplete > 0 {
        text.push_str(&format!(
            "  {} of them are not known in full: not every finding was recorded, or there was no answer to look at\n",
            effect.incomplete
        ));
    }
    text
}
