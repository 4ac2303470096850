//! `cordon verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use cordon_store::{DataDir, data_dir::DataDirError};

use super::{Failure, Outcome, Output, Place, json, say, table::plain, unusable};
use crate::{
    api::Problem,
    desk::with_causes,
    proof::{self, ProvedCall},
    verify::{self, Check, Depth, Mirror, Options, Outcome as Verdict, Report},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon verify --data cordon-data --key log.pub    everything in a folder, also while it is served
  cordon verify --since checkpoint.old              and that it continues a checkpoint that was kept elsewhere
  cordon verify proof.json --key log.pub            the proof of one call, offline
  cordon verify --url http://127.0.0.1:4181/ledger --key log.pub    a log as it is published

Sealed records in a bucket are read where the configuration names one (`objects.bucket`).

Exit code: 0 everything holds, 2 something does not, 1 it could not be looked at.

Who holds the signing key can put a whole folder back to an older state, and it will agree with itself. A
checkpoint kept elsewhere (`cordon ledger checkpoint`) shows that: give it with --since.";

/// The exit code when something does not hold.
const FAILS: u8 = 2;

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// A proof made by `cordon prove`. Without one, the data folder is verified.
    #[arg(value_name = "PROOF")]
    proof: Option<PathBuf>,
    /// A log that is published, by the prefix before `/checkpoint`: http://127.0.0.1:4181/ledger. A token is shown where
    /// one is set.
    #[arg(long, value_name = "URL", conflicts_with = "proof")]
    url: Option<String>,
    /// The log's public key, or a file with it: what is trusted.
    #[arg(long, value_name = "KEY|FILE", value_parser = verify::read_key)]
    key: Option<cordon_ledger::VerifierKey>,
    /// A checkpoint of this log that was kept elsewhere.
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "proof")]
    since: Option<PathBuf>,
    /// The configuration file; `cordon.toml` is read where it is there.
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, args: VerifyArgs) -> Outcome {
    if let Some(path) = &args.proof {
        return of_call(path, &args);
    }
    let since = args.since.as_deref().map(read).transpose()?;
    let problem = |error: &dyn std::error::Error| {
        Problem::new(503, "unverifiable", "nothing can be verified", with_causes(error))
    };
    if let Some(url) = &args.url {
        let token = place.token(url).ok();
        let mirror =
            Mirror::new(url, token.as_deref(), place.ca_bundle.clone()).map_err(|error| problem(&error))?;
        let report = verify::published(&mirror, args.key.as_ref(), since.as_deref()).await;
        return tell(&report.map_err(|error| problem(&error))?, args.output);
    }
    let bucket = place.bucket(args.config.as_deref())?.map(|bucket| bucket.objects);
    let data = place.existing(place.folder_of(args.config.as_deref()))?;
    // Held while it is read, where nobody serves it; otherwise read beside the server.
    let held = match DataDir::read_only(&data) {
        Ok(held) => Some(held),
        Err(DataDirError::InUse { .. }) => None,
        Err(error) => return Err(unusable(&error).into()),
    };
    let options = Options { data, key: args.key, since, at_rest: held.is_some(), bucket, depth: Depth::Read };
    let report = verify::folder(options).await.map_err(|error| problem(&error))?;
    drop(held);
    tell(&report, args.output)
}

fn tell(report: &Report, output: Output) -> Outcome {
    if output.json {
        json(report)?;
    } else {
        say(&told(report))?;
    }
    match report {
        report if report.holds => Ok(()),
        report if report.fails() => Err(Failure::Code(FAILS)),
        _ => Err(Failure::Code(1)),
    }
}

pub(super) fn told(report: &Report) -> String {
    let mut text = String::new();
    for Check { name, outcome, detail } in &report.checks {
        let word = match outcome {
            Verdict::Holds => "holds  ",
            Verdict::Fails => "FAILS  ",
            Verdict::Skipped => "skipped",
            Verdict::Unseen => "unseen ",
        };
        text.push_str(&format!("{word}  {name}: {}\n", plain(detail)));
    }
    for note in &report.notes {
        text.push_str(&format!("note     {}\n", plain(note)));
    }
    text.push_str(match report {
        report if report.holds => "everything holds\n",
        report if report.fails() => "NOT everything holds\n",
        _ => "NOT everything could be looked at; what was, holds\n",
    });
    text
}

fn of_call(path: &Path, args: &VerifyArgs) -> Outcome {
    let Some(key) = args.key.clone() else {
        let detail = "a proof is checked with the log's public key; help: --key FILE, got from somebody you trust, not from whoever gave you the proof";
        return Err(Problem::new(400, "malformed", "a key is needed", detail).into());
    };
    match proof::check(&read(path)?, key) {
        Ok(proved) if args.output.json => json(&proved),
        Ok(proved) => say(&plain(&told_of_call(&proved))),
        Err(why) if args.output.json => {
            json(&serde_json::json!({ "holds": false, "why": why }))?;
            Err(Failure::Code(FAILS))
        }
        Err(why) => {
            say(&format!("FAILS  {}: {}\n", path.display(), plain(&why)))?;
            Err(Failure::Code(FAILS))
        }
    }
}

fn told_of_call(proved: &ProvedCall) -> String {
    let opened = &proved.opened;
    let or_dash = |name: Option<&cordon_core::Name>| name.map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut lines = vec![
        format!(
            "holds  call {} is in the log, in a checkpoint of {} facts signed by",
            opened.call, proved.log_size
        ),
        format!("       {}", proved.signer),
        format!("       began {} by principal {} of team {}", opened.time, opened.principal, opened.team),
        format!("       route {}, model {}", or_dash(opened.route.as_ref()), or_dash(opened.model.as_ref())),
        format!(
            "       verdict on the request: {}, {} findings",
            opened.input.action,
            opened.input.findings.len()
        ),
    ];
    match &proved.closed {
        Some(closed) => lines.extend([
            format!(
                "       verdict on the answer: {}, {} findings",
                closed.output.action,
                closed.output.findings.len()
            ),
            format!("       ended {} with status {} ({:?})", closed.time, closed.status, closed.outcome),
        ]),
        None => lines.push("       this proof does not say how it ended".to_owned()),
    }
    lines.join("\n") + "\n"
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let wrong = |why: String| {
        Problem::new(400, "unreadable", "the file cannot be read", format!("`{}`: {why}", path.display()))
    };
    let length = path.metadata().map_err(|error| wrong(error.to_string()))?.len();
    if length > proof::MAX_FILE as u64 {
        return Err(wrong(format!("{length} bytes; at most {} are read", proof::MAX_FILE)));
    }
    std::fs::read(path).map_err(|error| wrong(error.to_string()))
}
