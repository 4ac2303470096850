use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::{Entry, State, Touched, behind};
use crate::{
    Digest, JournalId, Name, canonical,
    evidence::{Anchor, Ended, Hold, Journal, LogKey, SegmentSeal, empty_root},
    fact::{Body, Fact},
    json::Value,
};

/// The part of the state that is about records: what the log says of journals, segments, holds and its own key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Records {
    journals: RedBlackTreeMapSync<JournalId, Entry<Journal>>,
    segments: RedBlackTreeMapSync<(JournalId, u64), Entry<SegmentSeal>>,
    holds: RedBlackTreeMapSync<Name, Entry<Hold>>,
    log_key: Option<Entry<LogKey>>,
}

/// A line of the cache, and what the digest of an entry is made of.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<J, S, H, L> {
    Hold(H),
    Journal(J),
    LogKey(L),
    Segment(S),
}

type Owned = Line<Journal, SegmentSeal, Hold, LogKey>;
type Borrowed<'a> = Line<&'a Journal, &'a SegmentSeal, &'a Hold, &'a LogKey>;

impl State {
    pub(super) fn apply_to_records(&mut self, position: u64, fact: &Fact) -> Vec<Touched> {
        match &fact.body {
            Body::JournalStarted(start) => {
                if self.records.journals.contains_key(&start.journal) {
                    return Vec::new();
                }
                let journal = Journal {
                    anchor: Anchor { journal: start.journal, size: 0, root: empty_root() },
                    anchored: position,
                    node: start.node.clone(),
                    follows: start.follows,
                    started: fact.time,
                    sealed: 0,
                    retired: 0,
                    ended: None,
                };
                self.put_journal(journal)
            }
            Body::JournalsAnchored(anchors) => {
                anchors.iter().flat_map(|anchor| self.anchor(anchor, position)).collect()
            }
            Body::JournalEnded(end) => {
                let mut touched = self.anchor(&end.last, position);
                touched.extend(self.change_journal(end.last.journal, |journal| {
                    journal.ended.get_or_insert(Ended { why: end.why, at: fact.time });
                }));
                touched.dedup();
                touched
            }
            Body::SegmentSealed(seal) => self.seal(seal),
            Body::RecordsRetired(retirement) => {
                let mut touched = Vec::new();
                for range in &retirement.ranges {
                    let end = range.first.saturating_add(range.count);
                    touched.extend(self.change_journal(range.journal, |journal| {
                        journal.retired = journal.retired.max(end.min(journal.sealed));
                    }));
                    touched.extend(self.drop_segments(range.journal, range.first, end));
                }
                touched
            }
            Body::ContentErased(_) => vec![Touched::Erasures],
            Body::HoldSet(hold) => {
                self.unsettle(Touched::Hold(hold.name.clone()));
                self.records.holds.insert_mut(hold.name.clone(), Entry::new(hold.clone()));
                vec![Touched::Hold(hold.name.clone())]
            }
            Body::HoldReleased(name, _) => {
                self.unsettle(Touched::Hold(name.clone()));
                self.records.holds.remove_mut(name);
                vec![Touched::Hold(name.clone())]
            }
            Body::LogKeySet(key) => {
                self.unsettle(Touched::LogKey);
                self.records.log_key = Some(Entry::new(key.clone()));
                vec![Touched::LogKey]
            }
            // The fold hands only the bodies above to this.
            _ => Vec::new(),
        }
    }

    /// An anchor never goes back: a smaller one changes nothing.
    fn anchor(&mut self, anchor: &Anchor, position: u64) -> Vec<Touched> {
        self.change_journal(anchor.journal, |journal| {
            if journal.ended.is_none() && anchor.size > journal.anchor.size {
                (journal.anchor, journal.anchored) = (anchor.clone(), position);
            }
        })
    }

    /// A segment is sealed once, after all before it, and not before its frames are anchored.
    fn seal(&mut self, seal: &SegmentSeal) -> Vec<Touched> {
        let end = seal.first.saturating_add(seal.count);
        let fits = self.journal(seal.journal).is_some_and(|journal| {
            seal.count > 0 && journal.sealed == seal.first && end <= journal.anchor.size
        });
        if !fits {
            return Vec::new();
        }
        let at = (seal.journal, seal.first);
        self.unsettle(Touched::Segment(at.0, at.1));
        self.records.segments.insert_mut(at, Entry::new(seal.clone()));
        let mut touched = self.change_journal(seal.journal, |journal| journal.sealed = end);
        touched.push(Touched::Segment(at.0, at.1));
        touched
    }

    /// Takes out the segments that lie wholly in a range.
    fn drop_segments(&mut self, journal: JournalId, first: u64, end: u64) -> Vec<Touched> {
        let gone: Vec<u64> = self
            .records
            .segments
            .range((journal, first)..(journal, end))
            .filter(|(_, entry)| entry.value.first.saturating_add(entry.value.count) <= end)
            .map(|((_, first), _)| *first)
            .collect();
        let mut touched = Vec::new();
        for first in gone {
            self.unsettle(Touched::Segment(journal, first));
            self.records.segments.remove_mut(&(journal, first));
            touched.push(Touched::Segment(journal, first));
        }
        touched
    }

    fn change_journal(&mut self, id: JournalId, change: impl FnOnce(&mut Journal)) -> Vec<Touched> {
        let Some(entry) = self.records.journals.get(&id) else { return Vec::new() };
        let mut journal = Journal::clone(&entry.value);
        change(&mut journal);
        self.put_journal(journal)
    }

    fn put_journal(&mut self, journal: Journal) -> Vec<Touched> {
        let id = journal.anchor.journal;
        self.unsettle(Touched::Journal(id));
        self.records.journals.insert_mut(id, Entry::new(journal));
        vec![Touched::Journal(id)]
    }

    /// A journal of calls.
    pub fn journal(&self, id: JournalId) -> Option<&Arc<Journal>> {
        self.records.journals.get(&id).map(|entry| &entry.value)
    }

    /// All journals, by id.
    pub fn journals(&self) -> impl Iterator<Item = &Arc<Journal>> {
        self.records.journals.values().map(|entry| &entry.value)
    }

    /// The sealed segments of a journal that are still kept, in their order.
    pub fn segments(&self, journal: JournalId) -> impl Iterator<Item = &Arc<SegmentSeal>> {
        self.records.segments.range((journal, 0)..=(journal, u64::MAX)).map(|(_, entry)| &entry.value)
    }

    /// The sealed segment that holds this frame.
    pub fn segment_of(&self, journal: JournalId, sequence: u64) -> Option<&Arc<SegmentSeal>> {
        let mut before = self.records.segments.range((journal, 0)..=(journal, sequence));
        let segment = &before.next_back()?.1.value;
        (sequence < segment.first.saturating_add(segment.count)).then_some(segment)
    }

    /// A legal hold.
    pub fn hold(&self, name: &Name) -> Option<&Arc<Hold>> {
        self.records.holds.get(name).map(|entry| &entry.value)
    }

    /// All legal holds, by name.
    pub fn holds(&self) -> impl Iterator<Item = &Arc<Hold>> {
        self.records.holds.values().map(|entry| &entry.value)
    }

    /// The holds after one, by name.
    pub fn holds_after(&self, after: Option<Name>) -> impl Iterator<Item = &Arc<Hold>> {
        self.records.holds.range(behind(after)).map(|(_, entry)| &entry.value)
    }

    /// The key that signs checkpoints now.
    pub fn log_key(&self) -> Option<&Arc<LogKey>> {
        self.records.log_key.as_ref().map(|entry| &entry.value)
    }
}

impl Records {
    pub(super) fn len(&self) -> usize {
        self.journals.size() + self.segments.size() + self.holds.size() + usize::from(self.log_key.is_some())
    }

    pub(super) fn digest_of(&self, at: &Touched) -> Option<Digest> {
        match at {
            Touched::Journal(id) => {
                self.journals.get(id).map(|entry| entry.digest(|journal| digest(&Line::Journal(journal))))
            }
            Touched::Segment(id, first) => {
                let entry = self.segments.get(&(*id, *first))?;
                Some(entry.digest(|segment| digest(&Line::Segment(segment))))
            }
            Touched::Hold(name) => {
                self.holds.get(name).map(|entry| entry.digest(|hold| digest(&Line::Hold(hold))))
            }
            Touched::LogKey => {
                self.log_key.as_ref().map(|entry| entry.digest(|key| digest(&Line::LogKey(key))))
            }
            Touched::Erasures
            | Touched::Labels
            | Touched::Labelled(_)
            | Touched::Resource(..)
            | Touched::Key(_)
            | Touched::User(_)
            | Touched::Bootstrap
            | Touched::Quarantine(_)
            | Touched::Firing(..)
            | Touched::Review(_) => None,
        }
    }

    /// Gives each entry as a line of the cache.
    pub(super) fn lines(&self, line: &mut dyn FnMut(&Value)) -> Result<(), canonical::Error> {
        let mut each = |entry: Borrowed<'_>| canonical::to_value(&entry).map(|value| line(&value));
        self.journals.values().try_for_each(|entry| each(Line::Journal(&entry.value)))?;
        self.segments.values().try_for_each(|entry| each(Line::Segment(&entry.value)))?;
        self.holds.values().try_for_each(|entry| each(Line::Hold(&entry.value)))?;
        self.log_key.iter().try_for_each(|entry| each(Line::LogKey(&entry.value)))
    }

    pub(super) fn read_line(&mut self, line: &[u8], digest: Digest) -> Result<(), canonical::Error> {
        match canonical::from_bytes::<Owned>(line)? {
            Line::Journal(journal) => {
                self.journals.insert_mut(journal.anchor.journal, Entry::with_digest(journal, digest));
            }
            Line::Segment(segment) => {
                let at = (segment.journal, segment.first);
                self.segments.insert_mut(at, Entry::with_digest(segment, digest));
            }
            Line::Hold(hold) => {
                self.holds.insert_mut(hold.name.clone(), Entry::with_digest(hold, digest));
            }
            Line::LogKey(key) => self.log_key = Some(Entry::with_digest(key, digest)),
        }
        Ok(())
    }
}

fn digest(line: &Borrowed<'_>) -> Digest {
    Digest::sha256(&canonical::to_bytes(line).unwrap_or_default())
}
