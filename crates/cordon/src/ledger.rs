//! What makes a running node's records provable: the log is published as signed tiles, and journals are anchored in it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use cordon_core::{
    Name, State,
    command::Wish,
    evidence::{Anchor, EndReason, JournalEnd, JournalStart, LogKey, empty_root},
    fact::{Actor, Body},
    state::Touched,
};
use cordon_ledger::{SigningKey, VerifierKey};
use cordon_store::{
    Log, Sequencer,
    frames::{Archive, FrameReader, FramesError},
    journal::{self, Journal, Reader},
    ledger::{JournalTree, PublishError, Publisher, TileFolder, TreeError},
    sequencer::WishError,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// The most facts of a subject's history that are looked at together.
const PAGE: u32 = 256;

/// How long a failed attempt waits for the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// How far the proofs are behind the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Facts that a signed checkpoint covers.
    pub signed: u64,
    /// Why the newest facts cannot be signed.
    pub unsigned: Option<String>,
    /// Why the newest frames cannot be anchored.
    pub unanchored: Option<String>,
}

/// Where the log's tiles lie in a data folder's `ledger`.
pub fn log_folder(ledger: &std::path::Path) -> PathBuf {
    ledger.join("log")
}

/// Where the trees of journals lie.
pub fn journals_folder(ledger: &std::path::Path) -> PathBuf {
    ledger.join("journal")
}

/// Every key that ever signed this log, as the log itself says, oldest first, each with the statement of both keys that made
/// it follow the one before.
///
/// # Errors
/// When the log cannot be read or a key has no form.
pub async fn log_keys(log: &dyn Log) -> anyhow::Result<Vec<(VerifierKey, Option<String>)>> {
    let mut keys = Vec::new();
    let mut before = u64::MAX;
    loop {
        let page = log.history(&Touched::LogKey, before, PAGE).await?;
        for stored in &page {
            before = stored.position;
            if let Body::LogKeySet(set) = stored.decode()?.body {
                let key = VerifierKey::parse(&set.key)
                    .with_context(|| format!("the key of fact {} has no form", stored.position))?;
                keys.push((key, set.statement));
            }
        }
        if page.len() < PAGE as usize {
            keys.reverse();
            return Ok(keys);
        }
    }
}

/// What the tasks work on.
pub(crate) struct Parts {
    pub(crate) sequencer: Sequencer,
    pub(crate) journal: Arc<Journal>,
    /// `DIR/journal`.
    pub(crate) journals: PathBuf,
    /// `DIR/ledger`.
    pub(crate) folder: PathBuf,
    pub(crate) archive: Archive,
    pub(crate) signer: Arc<SigningKey>,
    pub(crate) node: Name,
    /// How often journals are anchored while they grow.
    pub(crate) every: Duration,
}

/// The running tasks.
pub(crate) struct Ledger {
    /// How far they are.
    pub(crate) progress: watch::Receiver<Progress>,
    finish: oneshot::Sender<()>,
    anchoring: JoinHandle<()>,
    publishing: JoinHandle<()>,
    end: watch::Sender<bool>,
}

impl Ledger {
    /// Checks the journal against its last anchor and the signing key against the log, then starts the tasks.
    ///
    /// # Errors
    /// When the journal is not the one that was anchored, or the log is signed with another key.
    pub(crate) async fn start(parts: Parts) -> anyhow::Result<Self> {
        let state = parts.sequencer.committed().state;
        let own = parts.signer.verifier_key().to_string();
        if let Some(key) = state.log_key() {
            anyhow::ensure!(
                key.key == own,
                "the log is signed with the key `{}`, but `ledger.key` holds `{own}`\nhelp: put the right file back; a key is only changed by `cordon ledger rotate`, which also finishes a rotation that was cut off",
                key.key
            );
        }
        let (tree, unanchored) = match open_tree(&parts, &state).await {
            Ok(tree) => (Some(tree), None),
            // Its tree was lost, and the sealed frames that it is made of cannot be read now: calls do not wait for them.
            Err(error) if is_unavailable(&error) => (None, Some(format!("{error:#}"))),
            Err(error) => return Err(error),
        };
        if let Some(why) = &unanchored {
            tracing::error!(why, "the journal is not anchored; calls are recorded, their proofs wait");
        }
        let (sender, progress) = watch::channel(Progress { unanchored, ..Progress::default() });
        let (finish, finishing) = oneshot::channel();
        let (end, ending) = watch::channel(false);
        let parts = Arc::new(parts);
        let anchoring = tokio::spawn(anchor_all(Arc::clone(&parts), tree, sender.clone(), finishing));
        let publishing = tokio::spawn(publish_all(parts, sender, ending));
        Ok(Self { progress, finish, anchoring, publishing, end })
    }

    /// Anchors the last frames of the closed journal, signs the last facts, and ends. The sequencer still runs.
    pub(crate) async fn stop(self) {
        // A task that ended early said why.
        let _ = self.finish.send(());
        let _ = self.anchoring.await;
        self.end.send_replace(true);
        let _ = self.publishing.await;
    }
}

async fn open_tree(parts: &Parts, state: &State) -> anyhow::Result<JournalTree> {
    let id = parts.journal.id();
    let (anchor, sealed) = state.journal(id).map_or_else(
        || (Anchor { journal: id, size: 0, root: empty_root() }, 0),
        |journal| (journal.anchor.clone(), journal.sealed),
    );
    let (reader, archive) = (parts.journal.reader()?, parts.archive.clone());
    let folder = journals_folder(&parts.folder);
    let opening = tokio::task::spawn_blocking(move || {
        // Not at its begin, which may be sealed: a start asks the object store for nothing.
        let mut reader = FrameReader::of_files(reader, &archive)?;
        JournalTree::open(&folder, &anchor, sealed, &mut reader)
    });
    Ok(opening.await.context("opening the journal's tree ended early")??)
}

/// Anchors the journal whenever it grew, until it is told to finish.
async fn anchor_all(
    parts: Arc<Parts>,
    mut tree: Option<JournalTree>,
    progress: watch::Sender<Progress>,
    mut finish: oneshot::Receiver<()>,
) {
    let mut registered = false;
    let mut finishing = false;
    while !finishing {
        let pause = if registered { parts.every } else { PAUSE.min(parts.every) };
        tokio::select! {
            _ = &mut finish => finishing = true,
            () = tokio::time::sleep(if registered { pause } else { Duration::ZERO }) => {}
        }
        let done = async {
            if !registered {
                register(&parts).await?;
                registered = true;
            }
            anchor(&parts, &mut tree).await
        }
        .await;
        let failed = done.err().map(|error| format!("{error:#}"));
        let is_new = progress.borrow().unanchored != failed;
        if is_new && let Some(why) = &failed {
            tracing::error!(why, "the journal is not anchored; calls are recorded, their proofs wait");
        }
        progress.send_if_modified(|progress| {
            std::mem::replace(&mut progress.unanchored, failed.clone()) != failed
        });
        if failed.is_some() && !finishing {
            tokio::select! {
                _ = &mut finish => finishing = true,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Says in the log which journal this node writes, and how those before it ended.
async fn register(parts: &Parts) -> anyhow::Result<()> {
    let state = parts.sequencer.committed().state;
    let id = parts.journal.id();
    if state.log_key().is_none() {
        let key = LogKey { key: parts.signer.verifier_key().to_string(), statement: None };
        wish(parts, Wish::SetLogKey(key)).await?;
    }
    let mine = state.journals().filter(|journal| journal.node == parts.node && journal.anchor.journal != id);
    let mut before: Vec<_> = mine.cloned().collect();
    before.sort_by_key(|journal| journal.anchored);
    let follows = before.last().map(|journal| journal.anchor.journal);
    for journal in before.iter().filter(|journal| journal.ended.is_none()) {
        let (folder, journals) = (journals_folder(&parts.folder), parts.journals.clone());
        let archive = parts.archive.clone();
        let (anchor, sealed) = (journal.anchor.clone(), journal.sealed);
        let ending =
            tokio::task::spawn_blocking(move || end_of(&journals, &archive, &folder, anchor, sealed));
        let end = ending.await.context("reading a former journal ended early")??;
        if end.why != EndReason::Closed {
            tracing::error!(journal = %end.last.journal, why = ?end.why, "a former journal is not as it was anchored");
        }
        wish(parts, Wish::EndJournal(end)).await?;
    }
    wish(parts, Wish::StartJournal(JournalStart { journal: id, node: parts.node.clone(), follows })).await
}

/// Whether the object store could not be asked, and nothing else is wrong.
fn is_unavailable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<TreeError>().is_some_and(TreeError::is_unavailable)
}

/// How a journal ended that nobody writes any more.
///
/// # Errors
/// When sealed frames are needed and cannot be read now.
fn end_of(
    journals: &std::path::Path,
    archive: &Archive,
    folder: &std::path::Path,
    anchor: Anchor,
    sealed: u64,
) -> Result<JournalEnd, TreeError> {
    let id = anchor.journal;
    let there = journal::list(journals).is_ok_and(|found| found.contains(&id));
    if !there && anchor.size > sealed {
        return Ok(JournalEnd { last: anchor, why: EndReason::Missing });
    }
    let finished = || -> Result<Anchor, TreeError> {
        let reader = Reader::open(journals, id).map_err(FramesError::from)?;
        let mut reader = FrameReader::of_files(reader, archive)?;
        JournalTree::open(folder, &anchor, sealed, &mut reader)?.finish(&mut reader)
    };
    match finished() {
        Ok(last) => Ok(JournalEnd { last, why: EndReason::Closed }),
        // Nothing is known yet.
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => {
            tracing::error!(%error, journal = %id, "a former journal cannot be read to its end");
            Ok(JournalEnd { last: anchor, why: EndReason::Damaged })
        }
    }
}

/// Anchors what the journal grew by.
async fn anchor(parts: &Arc<Parts>, tree: &mut Option<JournalTree>) -> anyhow::Result<()> {
    let mut own = match tree.take() {
        Some(tree) => tree,
        // The attempt before this one was cut off in the middle.
        None => open_tree(parts, &parts.sequencer.committed().state).await?,
    };
    let journal = Arc::clone(&parts.journal);
    let growing = crate::background::block("ledger", crate::background::Rank::Follows, move || {
        (own.grow(&journal), own)
    });
    let (anchor, own) = growing.await.context("growing the journal's tree")?;
    *tree = Some(own);
    let anchor = anchor?;
    let known = parts.sequencer.committed().state.journal(anchor.journal).map(|journal| journal.anchor.size);
    if known.is_none_or(|size| size < anchor.size) {
        wish(parts, Wish::Anchor(vec![anchor])).await?;
    }
    Ok(())
}

async fn wish(parts: &Parts, wish: Wish) -> anyhow::Result<()> {
    match parts.sequencer.wish(wish, Actor::Cordon).await {
        Ok(_) => Ok(()),
        Err(error @ WishError::Rejected(_)) => Err(anyhow::Error::new(error).context("the log refused")),
        Err(error) => Err(error.into()),
    }
}

/// Signs a checkpoint after each commit, until it is told that there are no more.
async fn publish_all(parts: Arc<Parts>, progress: watch::Sender<Progress>, mut end: watch::Receiver<bool>) {
    let mut committed = parts.sequencer.watch();
    let mut publisher = None;
    loop {
        let ended = *end.borrow();
        let position = committed.borrow_and_update().state.position();
        let done = publish(&parts, &mut publisher, position).await;
        let failed = done.err().map(|error| format!("{error:#}"));
        if let Some(why) = &failed
            && progress.borrow().unsigned.as_ref() != Some(why)
        {
            tracing::error!(why, "no checkpoint is signed; facts are kept, their proofs wait");
        }
        let signed = publisher.as_ref().and_then(Publisher::signed).map_or(0, |head| head.size);
        progress.send_if_modified(|progress| {
            let changed = (progress.signed, &progress.unsigned) != (signed, &failed);
            (progress.signed, progress.unsigned) = (signed, failed.clone());
            changed
        });
        if ended {
            return;
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            _ = end.changed() => {}
            () = tokio::time::sleep(PAUSE), if failed.is_some() => {}
        }
    }
}

async fn publish(parts: &Parts, publisher: &mut Option<Publisher>, position: u64) -> anyhow::Result<()> {
    let log = parts.sequencer.loader().log();
    let opened = match publisher {
        Some(opened) => opened,
        None => {
            let mut known: Vec<_> = log_keys(log.as_ref()).await?.into_iter().map(|(key, _)| key).collect();
            if !known.contains(parts.signer.verifier_key()) {
                known.push(parts.signer.verifier_key().clone());
            }
            let folder = TileFolder::new(log_folder(&parts.folder));
            let signer = Arc::<SigningKey>::clone(&parts.signer);
            publisher.insert(Publisher::open(folder, signer, &known)?)
        }
    };
    match opened.advance(log.as_ref(), position).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // What was half written is read again from the folder.
            if !matches!(error, PublishError::Log(_)) {
                *publisher = None;
            }
            Err(error.into())
        }
    }
}
