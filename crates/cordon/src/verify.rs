//! `cordon verify`: whether everything that is kept is what was recorded. Needs one public key and trusts nothing else:
//! neither this program's caches nor the machine's administrator.
//!
//! **What it cannot see.** Whoever holds the signing key and puts *everything* back to an older state, checkpoint included,
//! shows a whole and consistent folder. Only somebody who kept a later checkpoint sees that: give it with `--since`.

mod facts;
mod index;
mod journals;
mod mirror;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::State;
use cordon_ledger::{VerifierKey, verify::VerifyError};
use cordon_store::{SqliteLog, ledger::TileFolder, objects::Objects};
use serde::{Deserialize, Serialize};

pub use mirror::{Mirror, MirrorError};

use self::facts::{Source, Trust};
use crate::desk::with_causes;

/// What to verify, and against what.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// The key that is trusted; without one the log's own first key, which proves only that the folder agrees with itself.
    pub key: Option<VerifierKey>,
    /// A checkpoint that was kept elsewhere, as its file.
    pub since: Option<Vec<u8>>,
    /// Nobody writes the folder meanwhile.
    pub at_rest: bool,
    /// The bucket of sealed records that do not lie in the folder.
    pub bucket: Option<Arc<dyn Objects>>,
    /// How closely that is looked at.
    pub depth: Depth,
}

/// How closely sealed records are looked at that lie in a bucket. Those in the data folder are always read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Not at all: their hashes alone are compared with the anchors.
    Name,
    /// Each object must be there with its length; of the frames their hashes.
    Ask,
    /// Every byte.
    Read,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was seen; where it failed, the first wrong entry and what is wrong with it.
    pub detail: String,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It was not looked at: because of another failure, or because nobody asked for it.
    Skipped,
    /// It could not be looked at now; what it is, nobody knows.
    Unseen,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Everything that was checked holds.
    pub holds: bool,
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// What a reader must know to judge this.
    pub notes: Vec<String>,
}

impl Report {
    fn new() -> Self {
        Self { holds: true, checks: Vec::new(), notes: Vec::new() }
    }

    fn add(&mut self, name: &str, result: Result<String, String>) -> bool {
        let (outcome, detail) = match result {
            Ok(detail) => (Outcome::Holds, detail),
            Err(detail) => (Outcome::Fails, detail),
        };
        self.holds &= outcome == Outcome::Holds;
        self.checks.push(Check { name: name.to_owned(), outcome, detail });
        outcome == Outcome::Holds
    }

    /// Something could not be looked at. Then it is not known that everything holds.
    fn unseen(&mut self, name: &str, why: String) {
        self.holds = false;
        self.checks.push(Check { name: name.to_owned(), outcome: Outcome::Unseen, detail: why });
    }

    /// Whether something was found that does not hold.
    pub fn fails(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Fails)
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.checks.push(Check { name: name.to_owned(), outcome: Outcome::Skipped, detail: why.to_owned() });
    }
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyProblem {
    /// There is nothing.
    #[error("`{0}` holds no log; help: `--data DIR` names the folder of a Cordon")]
    Nothing(PathBuf),
    /// The log cannot be opened.
    #[error("the log cannot be read")]
    Log(#[from] cordon_store::log::LogError),
}

/// Verifies a data folder: log, blobs, tiles, signatures, journals and their anchors, index. A folder may be served
/// meanwhile.
///
/// # Errors
/// When there is nothing to verify.
pub async fn folder(options: Options) -> Result<Report, VerifyProblem> {
    let data = &options.data;
    let file = data.join("log.db");
    if !file.exists() {
        return Err(VerifyProblem::Nothing(data.clone()));
    }
    // What was signed is read first: the log is at least as long, and the journals at least as long as its anchors say.
    let tiles = TileFolder::new(crate::ledger::log_folder(&data.join("ledger")));
    let note = tiles.checkpoint();
    let log = if options.at_rest {
        SqliteLog::open_read_only(&file).await?
    } else {
        SqliteLog::open_beside(&file).await?
    };
    let mut report = Report::new();
    let trust = Trust { key: options.key.as_ref(), since: options.since.as_deref() };
    let read = facts::check(&mut report, &trust, Source::Log(&log), tiles, note).await;
    log.close().await;
    match read {
        Some(history) => {
            let walked = journals::check(&mut report, &options, &history).await;
            match walked {
                Some(walked) if walked.by_hash => {
                    report.skip("index", "the sealed records that it tells of were not read");
                }
                Some(walked) => index::check(&mut report, data, walked).await,
                None => report.skip("index", "the journals are not what was anchored"),
            }
        }
        None => {
            report.skip("journals", "the log is not what was signed");
            report.skip("index", "the log is not what was signed");
        }
    }
    Ok(report)
}

/// Verifies a log as its server publishes it: signature, facts, tiles, and that they continue a kept checkpoint. The records
/// that its anchors stand for are not published.
///
/// # Errors
/// When the log cannot be fetched.
pub async fn published(
    mirror: &Mirror,
    key: Option<&VerifierKey>,
    since: Option<&[u8]>,
) -> Result<Report, MirrorError> {
    let folder = tempfile::tempdir().map_err(MirrorError::Folder)?;
    let tiles = TileFolder::new(folder.path());
    let size = mirror.fetch(folder.path()).await?;
    let mut report = Report::new();
    let trust = Trust { key, since };
    let note = tiles.checkpoint();
    let read = facts::check(&mut report, &trust, Source::Bundles(&tiles, size), tiles.clone(), note).await;
    if let Some(history) = read {
        let journals = history.state.journals().count();
        report.notes.push(format!(
            "{} anchors of {journals} journals are in the log; the frames themselves are verified where they lie, or by `cordon prove`",
            history.anchors.len()
        ));
    }
    Ok(report)
}

/// What the facts say of the records.
struct History {
    state: State,
    /// Every anchor, in the order of the facts, with the position of its fact.
    anchors: Vec<(u64, cordon_core::evidence::Anchor)>,
}

/// Reads a key that is given as such or as a file.
///
/// # Errors
/// When it is neither.
pub fn read_key(text: &str) -> Result<VerifierKey, String> {
    if let Ok(key) = VerifierKey::parse(text.trim()) {
        return Ok(key);
    }
    let read = std::fs::read_to_string(Path::new(text))
        .map_err(|error| format!("`{text}` is neither a key nor a file that can be read: {error}"))?;
    VerifierKey::parse(read.trim()).map_err(|error| format!("`{text}`: {error}"))
}

fn explain(error: &VerifyError) -> String {
    with_causes(error)
}
