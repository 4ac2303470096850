//! `redact`: texts without what a guard would take out of them.
//!
//! Exit codes are 0 where it is done, 1 where there was a text that the guard would hold or block, 2 where something could not be
//! read or written: the rest is done all the same.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_core::Action;
use cordon_guard::Inspection;
use serde::Serialize;
use serde_json::Value;

use super::{
    Failure, Outcome, Place,
    inspect::{Out, Tally, failed, inspection},
    texts::{self, Take, Text, TextArgs, Unread},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon redact < ticket.txt > clean.txt
  cordon redact --jsonl --channel document < cases.jsonl > clean.jsonl
  cordon redact --guard strict.yaml --in-place notes/*.txt      (notes/a.txt.orig is what it was)

What the guard would redact looks as the guard says: [EMAIL], [EMAIL_1], [EMAIL:0a1b2c3d], or nothing; tokens count within one
text, hashes are of this run. Where it would hold or block a text, a mask stands in place of what would stop it. With --jsonl
each line is {\"id\", \"text\", \"channel\"}, and the answer to it {\"id\", \"action\", \"text\"}.
Exit code: 0 done, 1 a text that the guard would not let pass at all, 2 something could not be read or written.";

#[derive(Args)]
pub(super) struct RedactArgs {
    #[command(flatten)]
    texts: TextArgs,
    /// Guards to redact by: a file that declares them, or the name of one that the server or data folder has.
    #[arg(long, value_name = "FILE|NAME")]
    guard: Option<String>,
    /// Change the files themselves. What each was stays beside it as FILE.orig, which must not be there yet.
    #[arg(long, conflicts_with = "jsonl")]
    in_place: bool,
}

/// A text in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Value,
    action: Action,
    text: &'a str,
}

pub(super) async fn run(place: &Place, args: RedactArgs) -> Outcome {
    match redact(place, &args).await {
        Ok(tally) => tally.outcome(),
        Err(failure) => Err(failed(failure)),
    }
}

async fn redact(place: &Place, args: &RedactArgs) -> Result<Tally, Failure> {
    let inspection = inspection(place, args.guard.as_deref()).await?;
    let mut redacting = Redacting { args, inspection, out: Out::new(), tally: Tally::new() };
    texts::each(&args.texts, &mut redacting)?;
    redacting.out.flush()?;
    Ok(redacting.tally)
}

struct Redacting<'a> {
    args: &'a RedactArgs,
    inspection: Inspection,
    out: Out,
    tally: Tally,
}

impl Take for Redacting<'_> {
    fn text(&mut self, text: &Text<'_>) -> Outcome {
        let (examined, redacted) = self.inspection.redact(text.channel, text.text);
        self.tally.add(text.text.len(), !examined.action.passes());
        if self.args.texts.jsonl {
            return self.out.line(&Answer { id: text.id, action: examined.action, text: &redacted });
        }
        if !self.args.in_place {
            return self.out.write(|out| out.write_all(redacted.as_bytes()));
        }
        if let Err(error) = replace(text.path, text.text, &redacted) {
            self.tally.unread(&format!("{}: left as it is: {error}", text.path.display()));
        }
        Ok(())
    }

    fn unread(&mut self, unread: &Unread<'_>) -> Outcome {
        if self.args.texts.jsonl {
            self.out.wrong(unread)?;
        }
        self.tally.unread(&unread.error);
        Ok(())
    }

    fn pause(&mut self) -> Outcome {
        self.out.flush()
    }
}

/// Puts a redacted text in the place of a file, and keeps what the file was beside it. A crash leaves the file as it was or the
/// whole new one, and what it was in any case.
fn replace(path: &Path, was: &str, redacted: &str) -> io::Result<()> {
    if was == redacted {
        return Ok(());
    }
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("only files of the disk can be changed in place, and no links to them"));
    }
    let (original, draft) = (beside(path, ".orig"), beside(path, ".redacting"));
    write(&draft, redacted, metadata.permissions())?;
    let replaced = fs::hard_link(path, &original)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", original.display())))
        .and_then(|()| fs::rename(&draft, path));
    if replaced.is_err() {
        // What is wrong was said; a draft that stays is no worse.
        let _left = fs::remove_file(&draft);
    }
    replaced
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    PathBuf::from(name)
}

fn write(path: &Path, text: &str, permissions: Permissions) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| durable(&file, permissions));
    if written.is_err() {
        let _left = fs::remove_file(path);
    }
    written
}

fn durable(file: &File, permissions: Permissions) -> io::Result<()> {
    file.set_permissions(permissions)?;
    file.sync_all()
}
