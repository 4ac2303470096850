//! `cordon backup` and `cordon restore`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use cordon_store::backup::{self, NamedObjects};

use super::{Failure, Outcome, Output, Place, json, say, verify::told};
use crate::{
    api::Problem,
    clock,
    desk::with_causes,
    verify::{self, Depth, Options, Outcome as Verdict},
};

pub(super) const BACKUP: &str = "\
Examples:
  cordon backup /mnt/backups/monday --secrets /mnt/vault/monday      beside a running server, too

The copy is verified before the command says that it is done. Sealed records in a bucket are not copied: the copy
names them, with their digests, and says so; each must be there. Protect the bucket itself. Captured content and its keys are
copied by neither: `cordon content backup`.";

pub(super) const RESTORE: &str = "\
Examples:
  cordon restore /mnt/backups/monday --secrets /mnt/vault/monday --data cordon-data --key log.pub
  cordon restore /mnt/backups/monday --data cordon-data --since /mnt/elsewhere/last.checkpoint

Nothing is put in place before the copy is verified. With --since, a copy that is older than the checkpoint is refused:
calls and facts after it would be lost unseen. Sealed records that the copy only names must be in the bucket of the
configuration; --without-objects goes on where they cannot be. Exit code: 0 restored, 2 the copy does not hold, 1 it could not be tried.";

#[derive(Args)]
pub(super) struct BackupArgs {
    /// The new folder of the copy.
    #[arg(value_name = "FOLDER")]
    to: PathBuf,
    /// A new folder for the node's secrets, among them the key that signs; without it they are not copied.
    #[arg(long, value_name = "FOLDER")]
    secrets: Option<PathBuf>,
    /// The configuration file; `cordon.toml` is read where it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The folder of the copy.
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
    /// The folder of the node's secrets.
    #[arg(long, value_name = "FOLDER")]
    secrets: Option<PathBuf>,
    /// The log's public key, or a file with it: what is trusted.
    #[arg(long, value_name = "KEY|FILE", value_parser = verify::read_key)]
    key: Option<cordon_ledger::VerifierKey>,
    /// A checkpoint of this log that was kept elsewhere: the copy must not be older.
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    /// Put the copy in place without looking for the sealed records that it only names. Calls in them can be shown again
    /// when their bucket is there.
    #[arg(long)]
    without_objects: bool,
    /// The configuration file; `cordon.toml` is read where it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// How often a copy is made again that something was sealed or removed under.
const ATTEMPTS: usize = 3;

pub(super) async fn take(place: &Place, args: BackupArgs) -> Outcome {
    let data = place.existing(place.folder_of(args.config.as_deref()))?;
    let bucket = place.bucket(args.config.as_deref())?;
    let store = bucket.as_ref().map(|bucket| bucket.name.as_str());
    let mut attempt = 1;
    let (manifest, report) = loop {
        let taken = backup::take(&data, &args.to, clock::machine_time(), crate::build(), store).await;
        let manifest = match taken {
            // A file went while it was being copied: it was sealed or superseded.
            Err(backup::BackupError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && attempt < ATTEMPTS =>
            {
                attempt += 1;
                std::fs::remove_dir_all(&args.to).map_err(|error| problem(&error))?;
                continue;
            }
            other => other.map_err(|error| problem(&error))?,
        };
        let options = Options {
            data: args.to.clone(),
            key: None,
            since: None,
            at_rest: true,
            bucket: bucket.as_ref().map(|bucket| Arc::clone(&bucket.objects)),
            depth: Depth::Ask,
        };
        let report = verify::folder(options).await.map_err(|error| problem(&error))?;
        if !report.fails() || attempt == ATTEMPTS {
            break (manifest, report);
        }
        attempt += 1;
        std::fs::remove_dir_all(&args.to).map_err(|error| problem(&error))?;
    };
    if report.fails() {
        super::complain(&told(&report));
        return Err(Failure::Code(2));
    }
    let secrets = match &args.secrets {
        Some(to) => backup::take_secrets(&data, to).map_err(|error| problem(&error))?,
        None => Vec::new(),
    };
    // What the copy holds, holds; the bucket could not be asked for the rest.
    let unseen = !report.holds;
    if unseen {
        super::complain(&told(&report));
    }
    let done = |outcome: Outcome| if unseen { outcome.and(Err(Failure::Code(1))) } else { outcome };
    if args.output.json {
        return done(json(&manifest));
    }
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    done(say(&format!(
        "{}: {} facts, {} files, {bytes} bytes, verified\n{}{}",
        args.to.display(),
        manifest.facts,
        manifest.files.len(),
        manifest.named.as_ref().map_or_else(String::new, |named| not_held(named, !unseen)),
        match &args.secrets {
            Some(to) => format!("{}: {}; keep it apart\n", to.display(), secrets.join(", ")),
            None =>
                "secrets were not copied; help: --secrets FOLDER copies them, to be kept apart\n".to_owned(),
        }
    )))
}

/// What a copy only names.
fn not_held(named: &NamedObjects, seen: bool) -> String {
    let store = named.store.as_deref().unwrap_or("another store");
    let looked = if seen { "each is there" } else { "they were NOT looked for" };
    format!(
        "NOT in the copy, only named: {} sealed objects ({} frames, {} bytes) in {store}; {looked}; protect them there\n",
        named.objects, named.frames, named.bytes
    )
}

pub(super) async fn put_back(place: &Place, args: RestoreArgs) -> Outcome {
    let data = place.folder_of(args.config.as_deref());
    let bucket = place.bucket(args.config.as_deref())?.map(|bucket| bucket.objects);
    if data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(problem(&backup::BackupError::Taken(data)).into());
    }
    let since = args.since.as_deref().map(read).transpose()?;
    // Beside its place until it is verified: what does not hold never lies where a server would serve it.
    let draft = data.with_added_extension("restoring");
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(|error| problem(&error))?;
    }
    let manifest =
        backup::put_back(&args.from, args.secrets.as_deref(), &draft).map_err(|error| problem(&error))?;
    let depth = if args.without_objects { Depth::Name } else { Depth::Ask };
    let options = Options { data: draft.clone(), key: args.key, since, at_rest: true, bucket, depth };
    let report = verify::folder(options).await.map_err(|error| problem(&error))?;
    if !report.holds {
        std::fs::remove_dir_all(&draft).map_err(|error| problem(&error))?;
        if args.output.json {
            json(&report)?;
        } else {
            say(&told(&report))?;
        }
        let about_objects = report.checks.iter().any(|check| {
            check.name == "objects" && matches!(check.outcome, Verdict::Fails | Verdict::Unseen)
        });
        if let Some(named) = manifest.named.as_ref().filter(|_| about_objects) {
            let store = named.store.as_deref().unwrap_or("another store");
            super::complain(&format!(
                "the copy names {} sealed objects in {store}; help: set objects.bucket and what belongs to it, or go on without them: --without-objects",
                named.objects
            ));
        }
        return Err(Failure::Code(if report.fails() { 2 } else { 1 }));
    }
    if data.exists() {
        std::fs::remove_dir(&data).map_err(|error| problem(&error))?;
    }
    std::fs::rename(&draft, &data).map_err(|error| problem(&error))?;
    if args.output.json {
        return json(&manifest);
    }
    say(&told(&report))?;
    let named =
        manifest.named.as_ref().map_or_else(String::new, |named| not_held(named, !args.without_objects));
    say(&format!("{}: restored as of {}, {} facts\n{named}", data.display(), manifest.made, manifest.facts))
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| problem(&error))
}

fn problem(error: &dyn std::error::Error) -> Problem {
    Problem::new(503, "backup_failed", "the backup cannot be used", with_causes(error))
}
