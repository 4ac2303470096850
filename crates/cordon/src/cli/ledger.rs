//! `cordon ledger`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use cordon_core::resource::SecretRef;
use cordon_ledger::SigningKey;
use cordon_store::{DataDir, SqliteLog, ledger::TileFolder};

use super::{Failure, Outcome, Place, client::Need, local::Local, say, unusable};
use crate::{
    api::Problem,
    clock,
    config::Raw,
    ledger,
    node::{read_signing_key, secret_file},
};

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Print the public key that proofs are checked with.
    Key,
    /// Print the newest signed checkpoint. Keep it where this machine's administrator cannot change it.
    Checkpoint,
    /// Replace the key that signs checkpoints. The server must be stopped.
    #[command(
        after_help = "A statement that the old key and the new one sign together becomes a fact: whoever trusts the old key can\nfollow. Hand out the new public key (`cordon ledger key`). A key that was lost or stolen cannot be replaced so."
    )]
    Rotate,
}

pub(super) async fn run(place: &Place, command: LedgerCommand) -> Outcome {
    let data = place.existing(place.folder())?;
    match command {
        LedgerCommand::Key => {
            let log = SqliteLog::open_beside(&data.join("log.db")).await;
            let log = log.map_err(|error| unusable(&error))?;
            let keys = ledger::log_keys(&log).await;
            log.close().await;
            match keys.map_err(|error| unreadable(&error))?.last() {
                Some((key, _)) => say(&format!("{key}\n")),
                None => Err(nothing_signed(&data)),
            }
        }
        LedgerCommand::Checkpoint => {
            let tiles = TileFolder::new(ledger::log_folder(&data.join("ledger")));
            match tiles.checkpoint().map_err(|error| unusable(&error))? {
                Some(note) => say(&String::from_utf8_lossy(&note)),
                None => Err(nothing_signed(&data)),
            }
        }
        LedgerCommand::Rotate => rotate(&data).await,
    }
}

/// The order makes an interrupted rotation one that the next attempt finishes: the new key is durable before the fact
/// names it, and takes the old one's place after.
async fn rotate(data: &Path) -> Outcome {
    let place = key_file(data)?;
    let next = place.with_added_extension("next");
    let folder = DataDir::open(data).map_err(|error| unusable(&error))?;
    let old = read_signing_key(&place).map_err(|error| unreadable(&error))?;
    let origin = old.verifier_key().name().to_string();
    let seed = *clock::seal_key().as_bytes();
    let made = SigningKey::from_seed(&origin, seed).map_err(|error| unusable(&error))?;
    secret_file(&next, || Some(made.to_text().to_string())).map_err(|error| unreadable(&error))?;
    // The file of an attempt before this one counts, if there is one.
    let new = read_signing_key(&next).map_err(|error| unreadable(&error))?;
    let local = Local::open(data, Some(folder), Need::Write).await?;
    let granted = local.desk.rotate_log_key(&old, &new).await;
    local.close().await;
    let position = granted?;
    let put = || -> io::Result<()> {
        fs::rename(&next, &place)?;
        fs::File::open(place.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    put().map_err(|error| unusable(&error))?;
    say(&format!(
        "checkpoints of more than {position} facts are signed with\n{}\nwhich replaces\n{}\n",
        new.verifier_key(),
        old.verifier_key()
    ))
}

fn key_file(data: &Path) -> Result<PathBuf, Problem> {
    let configured = Raw::default().file(None).environment(|name| std::env::var(name).ok()).check();
    match configured.ok().and_then(|config| config.ledger.key) {
        None => Ok(data.join("ledger.key")),
        Some(SecretRef::File(path)) => Ok(path.into()),
        Some(SecretRef::Env(name)) => Err(Problem::new(
            409,
            "key_elsewhere",
            "the key cannot be replaced here",
            format!(
                "the key lies in the variable `{name}`; help: put it into a file, set ledger.key to it, and rotate there"
            ),
        )),
    }
}

fn unreadable(error: &anyhow::Error) -> Problem {
    Problem::new(503, "unreadable", "it cannot be read", format!("{error:#}"))
}

fn nothing_signed(data: &Path) -> Failure {
    let detail = format!("nothing was signed in `{}` yet; help: `cordon up` signs the log", data.display());
    Problem::new(404, "not_found", "there is none", detail).into()
}
