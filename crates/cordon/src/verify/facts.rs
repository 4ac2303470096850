//! The log: every fact, its blob, the tiles, the signatures, and the checkpoint that somebody kept.

use std::{collections::BTreeMap, io};

use cordon_core::{
    Digest, State,
    command::Vault,
    fact::{Body, DecodeError},
};
use cordon_ledger::{
    Auditor, KeyHistory, Verifier, VerifierKey,
    tiles::{EntryWriter, Row, Tile, Tiles as _, entries},
    verify::SignedHead,
};
use cordon_store::{Log, SqliteLog, ledger::TileFolder, log::StoredFact};

use super::{History, Report, explain};
use crate::{desk::with_causes, ledger};

/// Where facts are read.
#[derive(Clone, Copy)]
pub(super) enum Source<'s> {
    /// The log itself.
    Log(&'s SqliteLog),
    /// The entry bundles of a log of this size: facts alone, without blobs and sealed values.
    Bundles(&'s TileFolder, u64),
}

/// What is trusted.
pub(super) struct Trust<'t> {
    pub(super) key: Option<&'t VerifierKey>,
    pub(super) since: Option<&'t [u8]>,
}

impl Source<'_> {
    async fn head(self) -> Result<u64, String> {
        match self {
            Self::Log(log) => log.head().await.map_err(|error| with_causes(&error)),
            Self::Bundles(_, size) => Ok(size),
        }
    }

    async fn read(self, from: u64, to: u64) -> Result<Vec<StoredFact>, String> {
        match self {
            Self::Log(log) => log.read(from, to).await.map_err(|error| with_causes(&error)),
            Self::Bundles(tiles, size) => bundle(tiles, size, from),
        }
    }

    async fn keys(self) -> Result<Vec<LogKeySet>, String> {
        match self {
            Self::Log(log) => ledger::log_keys(log).await.map_err(|error| format!("{error:#}")),
            Self::Bundles(tiles, size) => {
                let (mut keys, mut next) = (Vec::new(), 0);
                while next < size {
                    let page = bundle(tiles, size, next)?;
                    next += page.len() as u64;
                    for stored in page {
                        // What cannot be read is told when the facts are checked.
                        if let Ok(fact) = stored.decode()
                            && let Body::LogKeySet(set) = fact.body
                        {
                            let key = VerifierKey::parse(&set.key).map_err(|error| error.to_string())?;
                            keys.push((key, set.statement));
                        }
                    }
                }
                Ok(keys)
            }
        }
    }

    async fn seals(self, digests: &[Digest]) -> Result<Vault, String> {
        match self {
            Self::Log(log) => log.seals(digests).await.map_err(|error| with_causes(&error)),
            Self::Bundles(..) => Ok(Vault::new()),
        }
    }
}

/// The rest of the bundle that holds a fact.
fn bundle(tiles: &TileFolder, size: u64, from: u64) -> Result<Vec<StoredFact>, String> {
    let width = u64::from(cordon_ledger::tiles::WIDTH);
    let tile =
        Tile::of_tree(Row::Entries, from / width, size).ok_or_else(|| format!("fact {from} is missing"))?;
    let bytes = tiles.read(tile).map_err(|error| format!("`{tile}` cannot be read: {error}"))?;
    let bytes = bytes.ok_or_else(|| format!("`{tile}` is missing"))?;
    let entries = entries(tile, &bytes).map_err(|error| error.to_string())?;
    let facts = entries.into_iter().zip(from / width * width..).skip_while(|(_, position)| *position < from);
    Ok(facts.map(|(leaf, position)| StoredFact { position, leaf: leaf.to_vec(), blob: None }).collect())
}

type LogKeySet = (VerifierKey, Option<String>);

pub(super) async fn check(
    report: &mut Report,
    trust: &Trust<'_>,
    log: Source<'_>,
    tiles: TileFolder,
    note: io::Result<Option<Vec<u8>>>,
) -> Option<History> {
    let verifier = match verifier(report, trust.key, log).await {
        Ok(verifier) => verifier,
        Err(why) => {
            report.add("signature", Err(why));
            return None;
        }
    };
    let signed = note
        .map_err(|error| format!("the checkpoint cannot be read: {error}"))
        .and_then(|note| note.ok_or_else(|| "there is no checkpoint: nothing was ever signed".to_owned()))
        .and_then(|note| verifier.checkpoint(&note).map_err(|error| explain(&error)));
    let head = match signed {
        Ok(head) => head,
        Err(why) => {
            report.add("signature", Err(why));
            return None;
        }
    };
    let keys: Vec<String> =
        head.signers().iter().map(|key| format!("{} ({})", key.name(), key.id())).collect();
    report
        .add("signature", Ok(format!("checkpoint of {} facts, signed by {}", head.size(), keys.join(", "))));

    let kept = trust.since.map(|note| verifier.checkpoint(note).map_err(|error| explain(&error)));
    let since = match kept {
        None => None,
        Some(Ok(since)) if since.size() > head.size() => {
            let why = format!(
                "the checkpoint that was kept covers {} facts, but the newest one here only {}: the folder was rolled back",
                since.size(),
                head.size()
            );
            report.add("since", Err(why));
            None
        }
        Some(Ok(since)) => Some(since),
        Some(Err(error)) => {
            report.add("since", Err(format!("the checkpoint that was kept: {error}")));
            None
        }
    };
    let mut walk = Walk {
        auditor: Auditor::new(&head).with_tiles(tiles.clone()),
        bundles: EntryWriter::new(),
        tiles,
        state: State::new(),
        anchors: Vec::new(),
        signed: head.size(),
        count: 0,
        since: since.as_ref(),
        since_holds: None,
        blobs: matches!(log, Source::Log(_)),
    };
    let walked = walk.read(log).await;
    let (count, since_holds) = (walk.count, walk.since_holds.take());
    let history =
        History { state: std::mem::take(&mut walk.state), anchors: std::mem::take(&mut walk.anchors) };
    let blobs = walk.blobs;
    let ended = walked.and_then(|()| walk.finish());
    if let Some(result) = since_holds {
        report.add("since", result);
    }
    let unsigned = count.saturating_sub(head.size());
    let with = if blobs { "blobs and tiles" } else { "tiles" };
    let detail = format!("{count} facts are those that were signed, with {with}");
    let detail =
        if unsigned > 0 { format!("{detail}; the last {unsigned} are not signed yet") } else { detail };
    report.add("log", ended.map(|()| detail)).then_some(history)
}

/// Trusts the given key, or the first one of the log, and follows the rotations that the log holds.
async fn verifier(
    report: &mut Report,
    trusted: Option<&VerifierKey>,
    log: Source<'_>,
) -> Result<Verifier, String> {
    let sets = log.keys().await?;
    let trusted = match (trusted, sets.first()) {
        (Some(key), _) => key.clone(),
        (None, Some((key, _))) => {
            report.notes.push(format!(
                "no key was given: the one of the log itself, {key}, is believed; give --key with one that you got another way"
            ));
            key.clone()
        }
        (None, None) => return Err("the log names no key and none was given; help: --key FILE".to_owned()),
    };
    let mut history =
        KeyHistory::new(trusted.name().as_str(), trusted.clone()).map_err(|error| error.to_string())?;
    let later = sets.iter().skip_while(|(key, _)| *key != trusted).skip(1);
    for (key, statement) in later {
        let statement =
            statement.as_ref().ok_or_else(|| format!("the log takes the key {key} without a statement"))?;
        history.accept(statement.as_bytes()).map_err(|error| with_causes(&error))?;
    }
    Ok(Verifier::with_history(history))
}

struct Walk<'h> {
    auditor: Auditor<'h, TileFolder>,
    bundles: EntryWriter,
    tiles: TileFolder,
    state: State,
    anchors: Vec<(u64, cordon_core::evidence::Anchor)>,
    signed: u64,
    count: u64,
    since: Option<&'h SignedHead>,
    since_holds: Option<Result<String, String>>,
    /// Blobs are at hand.
    blobs: bool,
}

impl Walk<'_> {
    async fn read(&mut self, log: Source<'_>) -> Result<(), String> {
        let head = log.head().await?;
        if head < self.signed {
            return Err(format!(
                "there are {head} facts, but {} were signed: the first missing one is fact {head}",
                self.signed
            ));
        }
        self.compare_since()?;
        let mut next = 0;
        while next < head {
            let page = log.read(next, head).await?;
            if page.is_empty() {
                return Err(format!("fact {next} is missing"));
            }
            let mut sealed = BTreeMap::new();
            for fact in page {
                if fact.position != next {
                    return Err(format!("fact {next} is missing"));
                }
                let digests = self.take(&fact)?;
                sealed.extend(digests.into_iter().map(|digest| (digest, next)));
                next += 1;
                self.count = next;
                self.compare_since()?;
            }
            // Those that were destroyed are gone, which is legal; those that are there must be the right ones.
            let digests: Vec<Digest> = sealed.keys().copied().collect();
            let vault = log.seals(&digests).await?;
            for (digest, position) in sealed {
                if vault.get(&digest).is_some_and(|seal| seal.digest != digest || !seal.holds()) {
                    return Err(format!(
                        "the sealed value {digest} of fact {position} is not the one that was sealed"
                    ));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, stored: &StoredFact) -> Result<Vec<Digest>, String> {
        let position = stored.position;
        if position < self.signed {
            self.auditor.push(&stored.leaf).map_err(|error| with_causes(&error))?;
            self.bundles.push(&stored.leaf).map_err(|error| format!("fact {position}: {error}"))?;
            for bundle in self.bundles.take_full() {
                compare(&self.tiles, &bundle)?;
            }
        }
        match stored.decode() {
            Ok(fact) => {
                if self.state.time().is_some_and(|time| fact.time < time) {
                    return Err(format!("fact {position} is older than the one before it"));
                }
                match &fact.body {
                    Body::JournalsAnchored(anchors) => {
                        self.anchors.extend(anchors.iter().map(|anchor| (position, anchor.clone())));
                    }
                    Body::JournalEnded(end) => self.anchors.push((position, end.last.clone())),
                    _ => {}
                }
                self.state.apply(&fact);
                Ok(fact.body.sealed_digests())
            }
            Err(DecodeError::UnknownVersion { kind, version }) => Err(format!(
                "fact {position} has type `{kind}` version {version}, which this program does not know; help: verify with a newer one"
            )),
            // A large spec lies beside the log; the digest in the fact, which was signed, stands for it.
            Err(DecodeError::Blob(_)) if !self.blobs => Ok(Vec::new()),
            Err(error) => Err(format!("fact {position}: {error}")),
        }
    }

    fn compare_since(&mut self) -> Result<(), String> {
        if let Some(since) = self.since
            && since.size() == self.auditor.size()
            && self.since_holds.is_none()
        {
            let checked = self.auditor.check(since).map_err(|error| with_causes(&error));
            self.since_holds = Some(match &checked {
                Ok(()) => {
                    Ok(format!("the checkpoint of {} facts that was kept is part of this log", since.size()))
                }
                Err(why) => Err(format!("this log does not continue the checkpoint that was kept: {why}")),
            });
            checked?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), String> {
        let last = self.bundles.cut();
        let tiles = self.tiles.clone();
        self.auditor.finish().map_err(|error| with_causes(&error))?;
        last.iter().try_for_each(|bundle| compare(&tiles, bundle))
    }
}

fn compare(tiles: &TileFolder, file: &cordon_ledger::tiles::File) -> Result<(), String> {
    // In place of a partial bundle the full one serves, of which it is the beginning.
    for tile in [file.tile, file.tile.full()] {
        match tiles.read(tile) {
            Ok(Some(kept)) if kept.starts_with(&file.bytes) => return Ok(()),
            Ok(Some(_)) => return Err(format!("`{tile}` does not hold the facts of the log")),
            Ok(None) => {}
            Err(error) => return Err(format!("`{tile}` cannot be read: {error}")),
        }
    }
    Err(format!("`{}` is missing; help: `cordon up` writes it again from the log", file.tile))
}
