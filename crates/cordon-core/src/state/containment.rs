use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::{Entry, State, Touched};
use crate::{
    Digest, canonical,
    containment::{Standing, Subject},
    fact::{Body, Fact},
    json::Value,
};

/// The part of the state that is about what is out of use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Containment {
    quarantines: RedBlackTreeMapSync<Subject, Entry<Standing>>,
}

/// A line of the cache, and what the digest of an entry is made of.
#[derive(Serialize, Deserialize)]
struct Line<S> {
    quarantined: S,
}

/// How the lines of quarantines begin.
const START: &[u8] = b"{\"quarantined\"";

impl State {
    pub(super) fn apply_to_containment(&mut self, fact: &Fact) -> Vec<Touched> {
        match &fact.body {
            Body::SubjectQuarantined(quarantine) => {
                let standing =
                    Standing { quarantine: quarantine.clone(), by: fact.actor.clone(), asked: None };
                self.put_quarantine(quarantine.subject.clone(), Some(standing))
            }
            Body::LiftAsked(lift) => match self.quarantine(&lift.subject) {
                None => Vec::new(),
                Some(standing) => {
                    let standing = Standing { asked: Some(fact.actor.clone()), ..Standing::clone(standing) };
                    self.put_quarantine(lift.subject.clone(), Some(standing))
                }
            },
            Body::QuarantineLifted(lift) => self.put_quarantine(lift.subject.clone(), None),
            // The fold hands only the bodies above to this.
            _ => Vec::new(),
        }
    }

    fn put_quarantine(&mut self, subject: Subject, standing: Option<Standing>) -> Vec<Touched> {
        let touched = Touched::Quarantine(subject.clone());
        self.unsettle(touched.clone());
        match standing {
            Some(standing) => self.containment.quarantines.insert_mut(subject, Entry::new(standing)),
            None => {
                self.containment.quarantines.remove_mut(&subject);
            }
        }
        vec![touched]
    }

    /// The quarantine of a subject.
    pub fn quarantine(&self, subject: &Subject) -> Option<&Arc<Standing>> {
        self.containment.quarantines.get(subject).map(|entry| &entry.value)
    }

    /// All quarantines, by subject.
    pub fn quarantines(&self) -> impl Iterator<Item = &Arc<Standing>> {
        self.containment.quarantines.values().map(|entry| &entry.value)
    }
}

impl Containment {
    pub(super) fn len(&self) -> usize {
        self.quarantines.size()
    }

    /// Whether a line of a cache is one of these.
    pub(super) fn is_line(line: &[u8]) -> bool {
        line.starts_with(START)
    }

    pub(super) fn digest_of(&self, subject: &Subject) -> Option<Digest> {
        self.quarantines.get(subject).map(|entry| {
            entry.digest(|standing| {
                Digest::sha256(&canonical::to_bytes(&Line { quarantined: standing }).unwrap_or_default())
            })
        })
    }

    /// Gives each entry as a line of the cache.
    pub(super) fn lines(&self, line: &mut dyn FnMut(&Value)) -> Result<(), canonical::Error> {
        self.quarantines.values().try_for_each(|entry| {
            canonical::to_value(&Line { quarantined: entry.value.as_ref() }).map(|value| line(&value))
        })
    }

    pub(super) fn read_line(&mut self, line: &[u8], digest: Digest) -> Result<(), canonical::Error> {
        let Line { quarantined } = canonical::from_bytes::<Line<Standing>>(line)?;
        let subject = quarantined.quarantine.subject.clone();
        self.quarantines.insert_mut(subject, Entry::with_digest(quarantined, digest));
        Ok(())
    }
}
