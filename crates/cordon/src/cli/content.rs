//! `content show|backup|restore|rewrap`, `erase`, `hold set|release|list`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use cordon_core::{CallId, Digest, DurationMs, Timestamp, record::ContentObject, resource::SecretRef};
use cordon_guard::{ports, upstream::Environment};
use cordon_store::{
    DataDir, SqliteLog,
    content::{BackupMark, Backups, Bounds, ContentError, ContentStore, Files, adopt_backup},
};

use super::{
    Failure, Outcome, Output, Place,
    client::Need,
    complain, json, moment,
    resources::name,
    say,
    table::{Align, plain, table},
};
use crate::{
    api::{Certificate, EraseContent, Problem, ReleaseHold, SetHold},
    clock, content,
    desk::with_causes,
};

pub(super) const ERASE: &str = "\
Examples:
  cordon erase --call 01932c07-209e-7e3a-8b1c-1f0a5c3d9e77 --reason 'request 4711'
  cordon erase --subject PSEUDONYM        all that was kept of a person until now; `cordon calls show` has the pseudonym

The keys are destroyed, and the fact that says so is the certificate. Records and proofs stay valid: they hold no content.";

#[derive(Subcommand)]
pub(super) enum ContentCommand {
    /// Show what was kept of a call. Who reads it is recorded first.
    #[command(
        after_help = "Examples:\n  cordon content show CALL\n  cordon content show CALL --object answer --raw > answer.json"
    )]
    Show(ShowArgs),
    /// Copy keys and sealed content, each to a file of its own, also while they are served. Keep the two apart.
    #[command(
        after_help = "Example:\n  cordon content backup --keys /mnt/vault/keys.db --content /mnt/backups/content.db --expires 30d\n\nWhat is erased meanwhile is gone for good when the copy of the keys is: erasures name that time."
    )]
    Backup(BackupArgs),
    /// Put copies back into a data folder that nobody serves. What was erased since is erased again before this ends.
    Restore(RestoreArgs),
    /// Replace the master key, in a data folder that nobody serves. Content stays as it is.
    #[command(
        after_help = "Example:\n  cordon content rewrap --old env:OLD_KEY --new file:/etc/cordon/content.key"
    )]
    Rewrap(RewrapArgs),
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The call's id, as the header `cordon-call-id` says it.
    #[arg(value_name = "ID", value_parser = CallId::parse)]
    call: CallId,
    /// `request` or `answer`; otherwise both.
    #[arg(long, value_parser = object, value_name = "OBJECT")]
    object: Option<ContentObject>,
    /// The bytes as they are, with nothing around them.
    #[arg(long, requires = "object")]
    raw: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct BackupArgs {
    /// The new file of the keys' copy.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The new file of the content's copy.
    #[arg(long, value_name = "FILE")]
    content: PathBuf,
    /// How long the copy is kept; after that it is not taken back.
    #[arg(long, value_parser = DurationMs::parse, value_name = "TIME")]
    expires: DurationMs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The keys' copy.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The content's copy.
    #[arg(long, value_name = "FILE")]
    content: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RewrapArgs {
    /// Where the present key is: `env:NAME` or `file:PATH`.
    #[arg(long, value_parser = SecretRef::parse, value_name = "REFERENCE")]
    old: SecretRef,
    /// Where the new key is.
    #[arg(long, value_parser = SecretRef::parse, value_name = "REFERENCE")]
    new: SecretRef,
    #[command(flatten)]
    output: Output,
}

/// Whose content.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// Of this call.
    #[arg(long, value_name = "ID", value_parser = CallId::parse)]
    call: Option<CallId>,
    /// Of this person, by the keyed pseudonym that the records hold.
    #[arg(long, value_name = "PSEUDONYM", value_parser = Digest::parse)]
    subject: Option<Digest>,
}

#[derive(Args)]
pub(super) struct EraseArgs {
    #[command(flatten)]
    whose: Whose,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
pub(super) enum HoldCommand {
    /// Hold content: it is neither erased nor expires until the hold is released.
    #[command(
        after_help = "Example:\n  cordon hold set case-17 --subject PSEUDONYM --reason 'letter of 3 May'"
    )]
    Set(HoldSetArgs),
    /// Release a hold.
    Release(HoldReleaseArgs),
    /// Show the holds.
    List(HoldListArgs),
}

#[derive(Args)]
pub(super) struct HoldSetArgs {
    /// Its name.
    name: String,
    #[command(flatten)]
    whose: Whose,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct HoldReleaseArgs {
    /// Its name.
    name: String,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct HoldListArgs {
    /// As it was at this time, or so long ago.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(place: &Place, command: ContentCommand) -> Outcome {
    match command {
        ContentCommand::Show(args) => show(place, args).await,
        ContentCommand::Backup(args) => backup(place, args).await,
        ContentCommand::Restore(args) => restore(place, args).await,
        ContentCommand::Rewrap(args) => rewrap(place, args).await,
    }
}

pub(super) async fn hold(place: &Place, command: HoldCommand) -> Outcome {
    match command {
        HoldCommand::Set(args) => {
            let wish = SetHold {
                name: name(&args.name)?,
                call: args.whose.call,
                subject: args.whose.subject,
                reason: args.reason,
            };
            let client = place.client(Need::Read).await?;
            let done = client.set_hold(wish).await;
            client.close().await;
            let done = done?;
            if args.output.json {
                return json(&done);
            }
            let word = if done.changed { "set" } else { "stands already" };
            say(&format!("hold `{}`: {word}\n", args.name))
        }
        HoldCommand::Release(args) => {
            let (name, wish) = (name(&args.name)?, ReleaseHold { reason: args.reason });
            let client = place.client(Need::Read).await?;
            let done = client.release_hold(&name, wish).await;
            client.close().await;
            let done = done?;
            if args.output.json { json(&done) } else { say(&format!("hold `{name}`: released\n")) }
        }
        HoldCommand::List(args) => {
            let client = place.client(Need::Read).await?;
            let holds = client.holds(args.as_of).await;
            client.close().await;
            let holds = holds?;
            if args.output.json {
                return json(&crate::api::List::whole(holds));
            }
            let rows: Vec<Vec<String>> = holds
                .iter()
                .map(|hold| {
                    let scope = match (hold.call, hold.subject) {
                        (Some(call), _) => format!("call {call}"),
                        (None, Some(subject)) => format!("subject {subject}"),
                        (None, None) => String::new(),
                    };
                    vec![hold.name.to_string(), scope, hold.reason.clone().unwrap_or_default()]
                })
                .collect();
            say(&table(&[("NAME", Align::Left), ("HOLDS", Align::Left), ("REASON", Align::Left)], &rows))
        }
    }
}

pub(super) async fn erase(place: &Place, args: EraseArgs) -> Outcome {
    let wish = EraseContent { call: args.whose.call, subject: args.whose.subject, reason: args.reason };
    let client = place.client(Need::Read).await?;
    let done = client.erase(wish).await;
    client.close().await;
    let done: Certificate = done?;
    if args.output.json {
        return json(&done);
    }
    let copies = match done.backups_until {
        Some(until) => format!("a backup of the keys may hold them until {until}"),
        None => "there is no backup of the keys".to_owned(),
    };
    say(&format!(
        "erased: the keys to the content of {} call(s), as of {}; fact {} is the certificate; {copies}\n",
        done.calls, done.time, done.position
    ))
}

async fn show(place: &Place, args: ShowArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let content = client.content(args.call, args.object).await;
    client.close().await;
    let content = content?;
    if args.output.json {
        return json(&content);
    }
    for piece in &content.objects {
        let bytes = piece.content().map_err(|error| failed(&error))?;
        if args.raw {
            let mut out = io::stdout().lock();
            return match out.write_all(&bytes).and_then(|()| out.flush()) {
                Ok(()) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Code(0)),
                Err(error) => Err(failed(&error).into()),
            };
        }
        let more = if piece.truncated { ", the beginning of it" } else { "" };
        say(&format!("--- {} ({} bytes{more})\n", piece.object.as_str(), piece.bytes))?;
        match &piece.text {
            // What a model or a caller said must not drive the terminal.
            Some(text) => text.lines().try_for_each(|line| say(&format!("{}\n", plain(line))))?,
            None => say("not text; help: --raw writes it as it is\n")?,
        }
    }
    Ok(())
}

/// What a copy is, for `--json`.
#[derive(serde::Serialize)]
struct Copied {
    keys: PathBuf,
    content: PathBuf,
    made: Timestamp,
    expires: Timestamp,
}

async fn backup(place: &Place, args: BackupArgs) -> Outcome {
    let data = place.folder();
    // Only read and marked: this goes on beside a server.
    let store = store(files(&data)).await?;
    let made = clock::machine_time();
    let mark = BackupMark { made, expires: made.plus(args.expires) };
    let to = Backups { keys: args.keys, content: args.content };
    let copied = store.backup(&to, mark).await;
    store.close().await;
    copied.map_err(|error| failed(&error))?;
    let Backups { keys, content } = to;
    let copied = Copied { keys, content, made, expires: mark.expires };
    if args.output.json {
        return json(&copied);
    }
    say(&format!(
        "{}: the keys\n{}: what they open, sealed\nkeep the two apart, and destroy the keys' copy by {}: until then it may bring back what is erased\n",
        copied.keys.display(),
        copied.content.display(),
        copied.expires
    ))
}

/// What came back, for `--json`.
#[derive(serde::Serialize)]
struct Restored {
    made: Timestamp,
    /// Keys that were destroyed again, for erasures since the copy was made.
    erased_again: u64,
}

async fn restore(place: &Place, args: RestoreArgs) -> Outcome {
    let data = place.folder();
    let folder = DataDir::open(&data).map_err(|error| super::unusable(&error))?;
    let to = files(&data);
    for file in [&to.keys, &to.content] {
        if file.exists() {
            let help = "help: move `keys.db` and `content.db` (and what begins with these names) away";
            let detail = format!("{} is there already; {help}", file.display());
            return Err(Problem::new(409, "taken", "there is content already", detail).into());
        }
    }
    let put = put_back(&args, &to, folder.log_file()).await;
    if put.is_err() {
        // Nothing is left that a server would serve before what was erased is erased again.
        for file in [&to.keys, &to.content] {
            for end in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(end);
                let _may_be_missing = std::fs::remove_file(name);
            }
        }
    }
    let restored = put?;
    if args.output.json {
        return json(&restored);
    }
    say(&format!(
        "restored as of {}; {} key(s) that were erased since are erased again\n",
        restored.made, restored.erased_again
    ))
}

async fn put_back(args: &RestoreArgs, to: &Files, log: PathBuf) -> Result<Restored, Problem> {
    let now = clock::machine_time();
    let mut made = now;
    for (from, to) in [(&args.content, &to.content), (&args.keys, &to.keys)] {
        copy(from, to).map_err(|error| failed(&error))?;
        made = adopt_backup(to, now).await.map_err(|error| failed(&error))?.made;
    }
    let store = store(to.clone()).await?;
    let erased = async {
        let log = SqliteLog::open(&log).await.map_err(|error| failed(&error))?;
        let erased = content::erase_again(&log, &store).await.map_err(|error| failed(&error));
        log.close().await;
        erased
    }
    .await;
    store.close().await;
    Ok(Restored { made, erased_again: erased? })
}

/// A copy that only its owner may read.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut source = std::fs::File::open(from)?;
    let mut target = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}

async fn rewrap(place: &Place, args: RewrapArgs) -> Outcome {
    let data = place.folder();
    // A server that unlocked with the old key could not read any more.
    let _folder = DataDir::open(&data).map_err(|error| super::unusable(&error))?;
    let environment = Environment::of_process();
    let key = |reference| {
        content::master_key(reference, &environment)
            .map_err(|error| Problem::new(400, "no_key", "the key cannot be read", format!("{error:#}")))
    };
    let (old, new) = (key(&args.old)?, key(&args.new)?);
    let store = store(files(&data)).await?;
    let done = store.rewrap(&old, &new).await;
    store.close().await;
    let done = done.map_err(|error| failed(&error))?;
    if !done.clean {
        complain(
            "warning: a reader keeps former pages of `keys.db` alive; help: run this again with both keys exchanged, twice",
        );
    }
    if args.output.json {
        return json(&serde_json::json!({ "team_keys": done.team_keys }));
    }
    say(&format!("{} team key(s) are under the new key; set content.master_key to it\n", done.team_keys))
}

fn files(data: &Path) -> Files {
    Files { keys: data.join("keys.db"), content: data.join("content.db") }
}

async fn store(files: Files) -> Result<ContentStore, Problem> {
    if !files.keys.exists() {
        let detail = format!("there is no {}: nothing was ever captured here", files.keys.display());
        return Err(Problem::new(404, "not_kept", "nothing was kept", detail));
    }
    let random = |bytes: &mut [u8]| ports::Entropy::fill(&crate::up::MachineEntropy, bytes);
    ContentStore::open(&files, Bounds::default(), random).await.map_err(|error: ContentError| failed(&error))
}

fn object(word: &str) -> Result<ContentObject, String> {
    ContentObject::parse(word).ok_or_else(|| "`request` or `answer` is expected".to_owned())
}

fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::new(503, "content_unavailable", "the content store cannot be used", with_causes(error))
}
