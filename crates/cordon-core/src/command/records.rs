//! Commands about records: journals, segments, retention, erasure, legal hold, and the log's own key.

use super::{Decision, Entropy, NewErasure, NewHold, Rejection};
use crate::{
    JournalId, Name,
    evidence::{
        Anchor, Erasure, Hold, Journal, JournalEnd, JournalStart, LogKey, MAX_ANCHORS, MAX_RANGES,
        Retirement, SegmentSeal,
    },
    fact::Body,
    state::State,
};

pub(super) fn start(state: &State, start: JournalStart) -> Result<Decision, Rejection> {
    match state.journal(start.journal) {
        Some(journal) if journal.node == start.node && journal.follows == start.follows => {
            Ok(Decision::default())
        }
        Some(journal) => Err(refused(format!(
            "journal `{}` was started by node `{}` already; help: two nodes must not share a data folder or a copy of it",
            start.journal, journal.node
        ))),
        None => {
            if let Some(before) = start.follows {
                find(state, before)?;
            }
            Ok(Decision::fact(Body::JournalStarted(start)))
        }
    }
}

pub(super) fn anchor(state: &State, mut anchors: Vec<Anchor>) -> Result<Decision, Rejection> {
    for anchor in &anchors {
        fits(find(state, anchor.journal)?, anchor)?;
    }
    anchors.retain(|anchor| {
        state.journal(anchor.journal).is_none_or(|journal| anchor.size > journal.anchor.size)
    });
    anchors.sort_by_key(|anchor| anchor.journal);
    if anchors.is_empty() {
        return Ok(Decision::default());
    }
    if anchors.len() > MAX_ANCHORS {
        return Err(refused(format!("{} anchors in one fact, more than {MAX_ANCHORS}", anchors.len())));
    }
    if anchors.array_windows().any(|[one, next]| one.journal == next.journal) {
        return Err(refused("one journal has two anchors".to_owned()));
    }
    Ok(Decision::fact(Body::JournalsAnchored(anchors)))
}

pub(super) fn end(state: &State, end: JournalEnd) -> Result<Decision, Rejection> {
    let journal = find(state, end.last.journal)?;
    if journal.ended.is_some() {
        return Ok(Decision::default());
    }
    fits(journal, &end.last)?;
    Ok(Decision::fact(Body::JournalEnded(end)))
}

/// An anchor goes on from the one before it: a journal that is shorter, or another one of the same length, was changed.
fn fits(journal: &Journal, anchor: &Anchor) -> Result<(), Rejection> {
    let id = anchor.journal;
    if journal.ended.is_some() && *anchor != journal.anchor {
        return Err(refused(format!("journal `{id}` has ended")));
    }
    if anchor.size < journal.anchor.size || (anchor.size == journal.anchor.size && *anchor != journal.anchor)
    {
        return Err(refused(format!(
            "journal `{id}` has {} frames of root {}, but {} of root {} were anchored; help: `cordon verify` shows what is missing",
            anchor.size, anchor.root, journal.anchor.size, journal.anchor.root
        )));
    }
    Ok(())
}

pub(super) fn seal(state: &State, seal: SegmentSeal) -> Result<Decision, Rejection> {
    let journal = find(state, seal.journal)?;
    let end = seal.first.saturating_add(seal.count);
    if let Some(standing) = state.segment_of(seal.journal, seal.first)
        && **standing == seal
    {
        return Ok(Decision::default());
    }
    if seal.first != journal.sealed {
        return Err(refused(format!(
            "journal `{}` is sealed up to frame {}, so that frame {} cannot begin a segment",
            seal.journal, journal.sealed, seal.first
        )));
    }
    if seal.count == 0 || end > journal.anchor.size {
        return Err(refused(format!(
            "frames {} to {end} of journal `{}` cannot be sealed: {} are anchored",
            seal.first, seal.journal, journal.anchor.size
        )));
    }
    Ok(Decision::fact(Body::SegmentSealed(seal)))
}

pub(super) fn retire(state: &State, retirement: Retirement) -> Result<Decision, Rejection> {
    if retirement.ranges.is_empty() {
        return Ok(Decision::default());
    }
    if retirement.ranges.len() > MAX_RANGES {
        return Err(refused(format!(
            "{} ranges in one fact, more than {MAX_RANGES}",
            retirement.ranges.len()
        )));
    }
    for range in &retirement.ranges {
        let journal = find(state, range.journal)?;
        if range.count == 0 || range.first.saturating_add(range.count) > journal.sealed {
            return Err(refused(format!(
                "frames from {} of journal `{}` are not sealed; help: only sealed segments are retired",
                range.first, range.journal
            )));
        }
    }
    Ok(Decision::fact(Body::RecordsRetired(retirement)))
}

pub(super) fn erase(
    state: &State,
    new: NewErasure,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    let mut holds = new.held_by;
    holds.extend(state.holds().filter(|hold| hold.scope == new.scope).map(|hold| hold.name.clone()));
    holds.sort();
    holds.dedup();
    if !holds.is_empty() {
        let names = holds.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(refused(format!(
            "content is under legal hold by {names}; help: `cordon hold release NAME` ends a hold"
        )));
    }
    let mut decision = Decision::default();
    let reason = decision.seal(new.reason, entropy)?;
    decision.facts.push(Body::ContentErased(Erasure {
        scope: new.scope,
        calls: new.calls,
        backups_until: new.backups_until,
        reason,
    }));
    Ok(decision)
}

pub(super) fn set_hold(
    state: &State,
    new: NewHold,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    if let Some(standing) = state.hold(&new.name) {
        return if standing.scope == new.scope {
            Ok(Decision::default())
        } else {
            Err(refused(format!("a hold `{}` of another scope stands; help: choose another name", new.name)))
        };
    }
    let mut decision = Decision::default();
    if let Some(reason) = decision.seal(Some(new.reason), entropy)? {
        decision.facts.push(Body::HoldSet(Hold { name: new.name, scope: new.scope, reason }));
    }
    Ok(decision)
}

pub(super) fn release_hold(
    state: &State,
    name: &Name,
    reason: Option<String>,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    if state.hold(name).is_none() {
        return Err(Rejection::NotFound { kind: "hold".to_owned(), name: name.to_string() });
    }
    let mut decision = Decision::default();
    let reason = decision.seal(reason, entropy)?;
    decision.facts.push(Body::HoldReleased(name.clone(), reason));
    Ok(decision)
}

/// Signatures are checked by whoever has the ledger's code; here the order counts: the first key stands alone, every
/// later one comes with the statement that both keys signed.
pub(super) fn set_log_key(state: &State, key: LogKey) -> Result<Decision, Rejection> {
    match (state.log_key(), &key.statement) {
        (Some(standing), _) if standing.key == key.key => Ok(Decision::default()),
        (Some(_), None) => Err(refused(
            "the log has a key; help: `cordon ledger rotate` makes the next one, signed by both".to_owned(),
        )),
        (None, Some(_)) => Err(refused("the first key of a log follows no other".to_owned())),
        _ => Ok(Decision::fact(Body::LogKeySet(key))),
    }
}

fn find(state: &State, id: JournalId) -> Result<&Journal, Rejection> {
    state
        .journal(id)
        .map(AsRef::as_ref)
        .ok_or_else(|| Rejection::NotFound { kind: "journal".to_owned(), name: id.to_string() })
}

fn refused(why: String) -> Rejection {
    Rejection::Refused(why)
}
