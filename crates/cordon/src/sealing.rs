//! Seals journal segments that are whole, anchored and in the index: their frames become Parquet objects, and the journal's
//! space is free again. When their time is over, the objects go too; their leaf hashes and anchors stay.
//!
//! The order is what makes every step safe to do again: the object, read back and verified; the fact; a signed checkpoint
//! that covers it; only then the segment's file goes. A crash between any two leaves what the next round goes on with.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use cordon_core::{
    Digest, DurationMs, JournalId, Name, State, Timestamp,
    command::Wish,
    evidence::{FrameRange, MAX_RANGES, Retirement, SegmentSeal},
    fact::{Actor, Body},
    record,
    resource::MIN_RECORD_RETENTION,
    state::Touched,
};
use cordon_guard::ports::Clock;
use cordon_ledger::{Frontier, leaf_hash};
use cordon_policy::{record_retention, says_of_records};
use cordon_store::{
    CallIndex, Sequencer,
    frames::{Archive, FrameReader},
    journal::{self, Disk, Reader},
    ledger::Levels,
    seal::seal_range,
};
use tokio::sync::watch;

use crate::{
    background::{self, Rank},
    ledger::{Progress, journals_folder},
    metrics::Metrics,
};

/// What the task works on.
pub(crate) struct Parts {
    pub(crate) sequencer: Sequencer,
    pub(crate) index: CallIndex,
    pub(crate) provable: watch::Receiver<Progress>,
    pub(crate) archive: Archive,
    /// `DIR/journal`.
    pub(crate) journals: PathBuf,
    /// `DIR/ledger`.
    pub(crate) ledger: PathBuf,
    /// Where an object lies until it is whole.
    pub(crate) scratch: PathBuf,
    /// The disk that the journals' segments are removed from.
    pub(crate) disk: Arc<dyn Disk>,
    /// The node whose journals these are.
    pub(crate) node: Name,
    /// How many bytes of whole segments stay in the journal.
    pub(crate) keep: u64,
    /// Bytes of segments that make one object, about: fewer are not worth one, unless the journal has ended.
    pub(crate) object: u64,
    /// How long records are kept; for ever where nothing is said.
    pub(crate) retention: Option<DurationMs>,
    /// What becomes of objects that the log does not name.
    pub(crate) strays: Strays,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How often it is looked for more.
    pub(crate) every: Duration,
}

/// What becomes of objects of a journal that the log does not name and that are not those of retired records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strays {
    /// They go: the store travels with the log, and they are what a crash left.
    Delete,
    /// They stay: where an older copy of the log was put back, the store may hold what only the lost part of it named.
    Keep,
}

/// Seals what can be sealed, round after round, until it is told to stop.
pub(crate) async fn run(parts: Parts, stop: impl Future<Output = ()>) {
    let parts = Arc::new(parts);
    let mut stop = std::pin::pin!(stop);
    let mut trouble = None;
    let (mut routes, mut swept) = (RoutesOf::new(), Swept::new());
    loop {
        let round = async {
            let state = parts.sequencer.committed().state;
            let mine = state.journals().filter(|journal| journal.node == parts.node);
            for id in mine.map(|journal| journal.anchor.journal).collect::<Vec<_>>() {
                let of = || format!("journal {id}");
                while step(&parts, id).await.with_context(of)? {}
                retire(&parts, id, &mut routes).await.with_context(of)?;
                sweep(&parts, id, &mut swept).await.with_context(of)?;
            }
            anyhow::Ok(())
        };
        let failed = tokio::select! {
            // In the middle of a step: the next start does it again.
            () = &mut stop => return,
            done = round => done.err().map(|error| format!("{error:#}")),
        };
        if failed.is_some() {
            parts.metrics.sealing_failures.inc();
        }
        if let Some(why) = failed.as_ref().filter(|_| failed != trouble) {
            tracing::error!(why, "segments are not sealed; the journal keeps them");
        } else if failed.is_none() && trouble.is_some() {
            tracing::info!("segments are sealed again");
        }
        trouble = failed;
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(parts.every) => {}
        }
    }
}

/// Frees what is sealed, and seals one more segment of a journal. Says whether there may be another one.
async fn step(parts: &Arc<Parts>, id: JournalId) -> anyhow::Result<bool> {
    let state = parts.sequencer.committed().state;
    let Some(journal) = state.journal(id).cloned() else { return Ok(false) };
    let read = parts.index.progress().await?.get(id.as_bytes()).copied().unwrap_or(0);
    if journal.sealed > 0 && parts.provable.borrow().signed >= state.position() {
        let (disk, folder, below) =
            (Arc::clone(&parts.disk), parts.journals.clone(), journal.sealed.min(read));
        blocking(move || Ok(journal::remove_sealed_on(&disk, &folder, id, below)?)).await?;
    }
    let folder = parts.journals.clone();
    let sealed = journal.sealed;
    let whole = blocking(move || whole(&folder, id, sealed)).await?;
    // An ended journal takes no more frames: all of it that its writer left may go.
    let (keep, least) = if journal.ended.is_some() { (0, 1) } else { (parts.keep, parts.object) };
    let Some(end) = due(&whole, keep, least, parts.object) else { return Ok(false) };
    // What is not anchored is not proved, and what the index has not read it would have to fetch.
    if end > journal.anchor.size || end > read {
        return Ok(false);
    }
    let (first, own) = (journal.sealed, Arc::clone(parts));
    let seal = blocking(move || seal(&own, id, first, end)).await?;
    let granted = parts.sequencer.wish(Wish::SealSegment(seal), Actor::Cordon).await?;
    // Before the space is freed a checkpoint covers the fact.
    parts.provable.clone().wait_for(|progress| progress.signed > granted.position).await?;
    Ok(true)
}

/// The routes whose calls an object holds, by the object's name; none for calls that came to no route.
type RoutesOf = HashMap<String, BTreeSet<Option<Name>>>;

/// Says in the log which records go because their time is over. A segment's age counts from the fact that sealed it, which
/// is younger than its youngest frame, and its time is the longest that is said for any route in it. Records go in their
/// order: none before those that are older. While a legal hold stands, nothing goes.
async fn retire(parts: &Arc<Parts>, id: JournalId, routes: &mut RoutesOf) -> anyhow::Result<()> {
    let state = parts.sequencer.committed().state;
    let by_route = says_of_records(&state);
    if parts.retention.is_none() && !by_route {
        return Ok(());
    }
    let now = parts.clock.now();
    if state.holds().next().is_some() {
        return Ok(());
    }
    let (mut ranges, mut tree, mut shortest) = (Vec::new(), Frontier::new(), None::<DurationMs>);
    for seal in state.segments(id).take(MAX_RANGES) {
        let log = parts.sequencer.loader().log();
        let fact = log.history(&Touched::Segment(id, seal.first), u64::MAX, 1).await?;
        let sealed = fact.first().map(|stored| stored.decode()).transpose()?.map(|fact| fact.time);
        let Some(age) = sealed.map(|sealed| now.since(sealed)) else { break };
        // Nothing goes earlier than this, whatever is in it.
        if age < parts.retention.unwrap_or(MIN_RECORD_RETENTION) {
            break;
        }
        let retention = if by_route {
            if !routes.contains_key(&seal.object) {
                let (own, of) = (Arc::clone(parts), SegmentSeal::clone(seal));
                routes.insert(seal.object.clone(), blocking(move || routes_in(&own, &of)).await?);
            }
            let within = routes.get(&seal.object).into_iter().flatten();
            longest(&state, parts.retention, within)
        } else {
            parts.retention
        };
        let Some(retention) = retention.filter(|retention| age >= *retention) else { break };
        shortest = Some(shortest.map_or(retention, |shortest| shortest.min(retention)));
        ranges.push(FrameRange { journal: id, first: seal.first, count: seal.count });
        tree.push(leaf_hash(seal.root.as_bytes()));
    }
    let Some(shortest) = shortest else { return Ok(()) };
    let root = Digest::from_bytes(*tree.root().as_bytes());
    let ago = i64::try_from(shortest.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(now.as_millis().saturating_sub(ago));
    let granted =
        parts.sequencer.wish(Wish::RetireRecords(Retirement { ranges, root, before }), Actor::Cordon).await?;
    parts.provable.clone().wait_for(|progress| progress.signed > granted.position).await?;
    Ok(())
}

/// How long calls of these routes are kept, all together: as long as the one that is kept longest.
fn longest<'n>(
    state: &State,
    base: Option<DurationMs>,
    mut routes: impl Iterator<Item = &'n Option<Name>>,
) -> Option<DurationMs> {
    routes.try_fold(DurationMs::from_secs(0), |longest, route| {
        Some(longest.max(record_retention(state, route.as_ref(), base)?))
    })
}

fn routes_in(parts: &Parts, seal: &SegmentSeal) -> anyhow::Result<BTreeSet<Option<Name>>> {
    let end = seal.first.saturating_add(seal.count);
    let mut reader = FrameReader::open(&parts.journals, seal.journal, Some(&parts.archive), seal.first)?;
    let mut routes = BTreeSet::new();
    while let Some(frame) = reader.read_below(end)? {
        if let Ok(record::Frame::Opened(opened)) = record::Frame::decode(&frame.payload) {
            routes.insert(opened.route);
        }
    }
    // The ends of calls that began in another object.
    if routes.is_empty() {
        routes.insert(None);
    }
    Ok(routes)
}

/// How many frames of each journal were retired when its objects were looked through last.
type Swept = HashMap<JournalId, u64>;

/// Deletes the objects of a journal that the log does not name: those of retired records, and those that were written and
/// never became a fact, as [`Strays`] says. Only this task writes objects, and it is not writing one now.
async fn sweep(parts: &Arc<Parts>, id: JournalId, swept: &mut Swept) -> anyhow::Result<()> {
    let state = parts.sequencer.committed().state;
    let retired = state.journal(id).map_or(0, |journal| journal.retired);
    // A listing costs, and what was kept stays.
    let is_done = parts.strays == Strays::Keep && swept.get(&id) == Some(&retired);
    if is_done || parts.provable.borrow().signed < state.position() {
        return Ok(());
    }
    let named: BTreeSet<String> = state.segments(id).map(|seal| seal.object.clone()).collect();
    let objects = Arc::clone(parts.archive.objects());
    let mut unnamed = blocking(move || Ok(objects.list(&format!("segments/{id}/"))?)).await?;
    unnamed.retain(|name| !named.contains(name));
    if parts.strays == Strays::Keep && !unnamed.is_empty() {
        let of_retired = retired_objects(parts, id, retired).await?;
        let found = unnamed.len();
        unnamed.retain(|name| of_retired.contains(name));
        if found > unnamed.len() {
            let strays = found - unnamed.len();
            tracing::warn!(journal = %id, strays, "the bucket holds objects of this journal that the log does not name; they stay");
        }
    }
    let objects = Arc::clone(parts.archive.objects());
    blocking(move || Ok(unnamed.iter().try_for_each(|name| objects.delete(name))?)).await?;
    swept.insert(id, retired);
    Ok(())
}

/// The names of the objects of a journal's retired records, as the facts that sealed them say.
async fn retired_objects(parts: &Parts, id: JournalId, retired: u64) -> anyhow::Result<BTreeSet<String>> {
    let log = parts.sequencer.loader().log();
    let (mut names, mut first) = (BTreeSet::new(), 0);
    while first < retired {
        let facts = log.history(&Touched::Segment(id, first), u64::MAX, 4).await?;
        let facts = facts.iter().map(|stored| stored.decode()).collect::<Result<Vec<_>, _>>()?;
        let sealed = facts.into_iter().find_map(|fact| match fact.body {
            Body::SegmentSealed(seal) => Some(seal),
            _ => None,
        });
        let Some(seal) = sealed else { anyhow::bail!("no fact seals the segment of frame {first}") };
        first = seal.first.saturating_add(seal.count.max(1));
        names.insert(seal.object);
    }
    Ok(names)
}

/// The segments that their writer has left and that hold frames that are not sealed: where each ends, and its bytes.
fn whole(journals: &Path, id: JournalId, sealed: u64) -> anyhow::Result<Vec<(u64, u64)>> {
    let mut whole = Vec::new();
    for segment in journal::segments(journals, id)? {
        let path = journals.join(id.to_string()).join(format!("{:010}.seg", segment.number));
        if let Some(end) = segment.end.filter(|end| *end > segment.first.max(sealed)) {
            whole.push((end, path.metadata()?.len()));
        }
    }
    Ok(whole)
}

/// Where the next object ends: the oldest segments that are more than what is kept, about as many as make one object, and no
/// fewer than are worth one.
fn due(whole: &[(u64, u64)], keep: u64, least: u64, object: u64) -> Option<u64> {
    let mut more = whole.iter().map(|(_, bytes)| bytes).sum::<u64>().saturating_sub(keep);
    let (mut taken, mut last) = (0, None);
    for (end, bytes) in whole {
        if *bytes > more || taken >= object {
            break;
        }
        more -= bytes;
        taken += bytes;
        last = Some(*end);
    }
    last.filter(|_| taken >= least)
}

fn seal(parts: &Parts, id: JournalId, first: u64, end: u64) -> anyhow::Result<SegmentSeal> {
    // From here on the tree must not need these frames.
    let tree = Levels::read(&journals_folder(&parts.ledger).join(id.to_string()))?;
    anyhow::ensure!(tree.size() >= end, "the tree has {} frames, not {end}", tree.size());
    tree.sync()?;
    let mut reader = Reader::open(&parts.journals, id)?;
    Ok(seal_range(&mut reader, first, end - first, parts.archive.objects(), &parts.scratch)?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    background::block("sealing", Rank::Rests, work).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_is_kept_is_sealed_in_objects_of_about_one_size() {
        let whole = [(10, 4), (20, 4), (30, 4), (40, 4)];
        assert_eq!(due(&whole, 16, 1, 8), None, "all of it is kept");
        assert_eq!(due(&whole, 13, 1, 8), None, "less than a segment too much");
        assert_eq!(due(&whole, 12, 1, 8), Some(10));
        assert_eq!(due(&whole, 12, 8, 8), None, "not worth an object");
        assert_eq!(due(&whole, 0, 8, 8), Some(20));
        assert_eq!(due(&whole[..1], 0, 1, 8), Some(10));
        assert_eq!(due(&[], 0, 1, 8), None);
    }

    #[test]
    fn an_object_is_kept_as_long_as_the_route_in_it_that_is_kept_longest() {
        use cordon_core::{
            Fact,
            fact::Body,
            resource::{Kind, Resource},
        };
        let mut state = State::new();
        let name = |text: &str| Name::parse(text).unwrap();
        let mut set = |kind: Kind, at: &str, spec: serde_json::Value| {
            let body = Body::ResourceSet(Resource { name: name(at), spec: kind.read(spec).unwrap() });
            state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
        };
        for route in ["a", "b", "c"] {
            set(Kind::Route, route, serde_json::json!({"team": "t", "targets": [{"model": "m"}]}));
        }
        set(Kind::Retention, "two", serde_json::json!({"routes": ["a"], "records": "730d"}));
        set(Kind::Retention, "three", serde_json::json!({"routes": ["b"], "records": "1095d"}));
        let days = |days: u64| Some(DurationMs::from_secs(days * 86_400));
        let time = |base, routes: &[Option<&str>]| {
            let routes: Vec<_> = routes.iter().map(|route| route.map(name)).collect();
            longest(&state, base, routes.iter())
        };
        assert_eq!(time(days(365), &[Some("c")]), days(365));
        assert_eq!(time(days(365), &[Some("a"), Some("c")]), days(730));
        assert_eq!(time(None, &[Some("a"), Some("b")]), days(1095));
        assert_eq!(time(None, &[Some("a"), Some("c")]), None, "nothing is said of one of them");
        assert_eq!(time(None, &[Some("gone")]), days(1095));
        assert_eq!(time(days(365), &[None]), days(1095));
    }
}
