//! `inspect`: what the detectors find in texts, and what a guard would do about it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_core::{
    Action, Category, Channel, Fact, Finding, Score, State, Timestamp,
    fact::{Actor, Body},
    resource::{GuardScope, Resource, Spec},
};
use cordon_inspect::Engine;
use cordon_policy::{Caller, EffectiveGuard, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Failure, Outcome, Output, complain, json, say,
    table::{Align, table},
};
use crate::{api::Problem, clock, declare};

pub(super) const EXAMPLES: &str = "\
Examples:
  echo 'my card is 4111 1111 1111 1111' | cordon inspect
  cordon inspect --channel document page.txt --guard strict.yaml
  cordon inspect - --jsonl --json < cases.jsonl

With --jsonl each line is {\"id\", \"text\", \"channel\"}; with --json each answer is
{\"id\", \"action\", \"findings\": [{\"category\", \"score\", \"start\", \"end\", \"detector\", \"detector_version\"}]},
with offsets in bytes of UTF-8.";

#[derive(Args)]
pub(super) struct InspectArgs {
    /// Files; `-` is standard input, as without any.
    #[arg(default_value = "-", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Each line is a JSON object with `text`, and maybe `id` and `channel`.
    #[arg(long)]
    jsonl: bool,
    /// Where the text comes from: system, user, document, tool_output or model.
    #[arg(long, default_value = "user", value_parser = channel, value_name = "CHANNEL")]
    channel: Channel,
    /// File with the guards to use instead of the built-in baseline.
    #[arg(long, value_name = "FILE")]
    guard: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Bytes of one text, and of one line.
const MAX_TEXT: u64 = 64 << 20;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    text: String,
    channel: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Value,
    action: Action,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    category: &'a Category,
    score: Score,
    start: usize,
    end: usize,
    detector: &'a str,
    detector_version: u16,
}

struct Inspector {
    engine: Engine,
    guard: EffectiveGuard,
    now: Timestamp,
}

pub(super) fn run(args: &InspectArgs) -> Outcome {
    let inspector = Inspector {
        engine: Engine::builtin(),
        guard: guard(args.guard.as_deref())?,
        now: clock::machine_time(),
    };
    for path in &args.files {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            each(&inspector, args, &name, io::stdin().lock())?;
        } else {
            let file = File::open(path).map_err(|error| wrong(format!("{name}: cannot be read: {error}")))?;
            each(&inspector, args, &name, BufReader::new(file))?;
        }
    }
    Ok(())
}

fn each(inspector: &Inspector, args: &InspectArgs, name: &str, mut from: impl BufRead) -> Outcome {
    let unreadable = |error: io::Error| wrong(format!("{name}: cannot be read: {error}"));
    if !args.jsonl {
        let mut text = String::new();
        from.take(MAX_TEXT.saturating_add(1)).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_TEXT {
            return Err(wrong(format!("{name}: larger than {MAX_TEXT} bytes")));
        }
        return inspector.tell(&Value::String(name.to_owned()), args.channel, &text, args.output);
    }
    for number in 1_u64.. {
        let mut line = Vec::new();
        let mut bounded = (&mut from).take(MAX_TEXT.saturating_add(1));
        if bounded.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        if line.len() as u64 > MAX_TEXT {
            return Err(wrong(format!("{name}:{number}: longer than {MAX_TEXT} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(&line)
            .map_err(|error| wrong(format!("{name}:{number}: not an object with `text`: {error}")))?;
        let channel = match &line.channel {
            Some(word) => channel(word).map_err(|error| wrong(format!("{name}:{number}: {error}")))?,
            None => args.channel,
        };
        inspector.tell(&line.id, channel, &line.text, args.output)?;
    }
    Ok(())
}

impl Inspector {
    fn tell(&self, id: &Value, channel: Channel, text: &str, output: Output) -> Outcome {
        let findings = self.engine.inspect(channel, text);
        let judge =
            |finding: &Finding| self.guard.judge(channel, &finding.category, finding.score, self.now).action;
        let action = findings.iter().map(judge).max().unwrap_or_default();
        if output.json {
            let findings = findings
                .iter()
                .map(|finding| Found {
                    category: &finding.category,
                    score: finding.score,
                    start: finding.span.start,
                    end: finding.span.end,
                    detector: finding.detector,
                    detector_version: finding.detector_version,
                })
                .collect();
            return json(&Answer { id, action, findings });
        }
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let rows: Vec<Vec<String>> = findings
            .iter()
            .map(|finding| {
                vec![
                    format!("  {}", finding.category),
                    finding.score.to_string(),
                    format!("{}..{}", finding.span.start, finding.span.end),
                    judge(finding).to_string(),
                    format!("{} {}", finding.detector, finding.detector_version),
                ]
            })
            .collect();
        let columns = [
            ("  CATEGORY", Align::Left),
            ("SCORE", Align::Right),
            ("BYTES", Align::Left),
            ("ACTION", Align::Left),
            ("DETECTOR", Align::Left),
        ];
        let found = if rows.is_empty() { String::new() } else { table(&columns, &rows) };
        say(&format!("{}: {action}\n{found}", super::table::plain(&id)))
    }
}

/// The guards of a file, joined as if all of them applied; without one the built-in baseline.
fn guard(file: Option<&Path>) -> Result<EffectiveGuard, Failure> {
    let mut state = State::new();
    if let Some(file) = file {
        let tell = |diagnostics: &[declare::Diagnostic]| {
            diagnostics.iter().for_each(|diagnostic| complain(&diagnostic.to_string()));
            Failure::Code(1)
        };
        let sources = declare::sources(&[file.to_owned()]).map_err(|diagnostics| tell(&diagnostics))?;
        let reading = declare::read(&sources);
        if !reading.diagnostics.is_empty() {
            return Err(tell(&reading.diagnostics));
        }
        for resource in reading.declaration.resources() {
            let Resource { name, spec: Spec::Guard(mut spec) } = resource else { continue };
            spec.scope = GuardScope::Organisation;
            let body = Body::ResourceSet(Resource { name, spec: Spec::Guard(spec) });
            state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
        }
        if state.is_empty() {
            return Err(wrong(format!("{}: no document of kind Guard", file.display())));
        }
    }
    Ok(Snapshot::compile(&state).guard(Caller::nobody(), None))
}

fn channel(word: &str) -> Result<Channel, String> {
    Channel::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
        format!("unknown channel; help: one of {}", words.join(", "))
    })
}

fn wrong(text: String) -> Failure {
    Problem::new(400, "unreadable", "the input cannot be read", text).into()
}
