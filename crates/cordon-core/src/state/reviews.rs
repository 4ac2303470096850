use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::{Entry, State, Touched};
use crate::{
    Digest, Timestamp, canonical,
    fact::{Body, Fact},
    json::Value,
    review::{Passage, Reviewed, Verdict},
};

/// The part of the state that is about what people decided of held content.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reviews {
    by_passage: RedBlackTreeMapSync<Passage, Entry<Reviewed>>,
}

/// A line of the cache, and what the digest of an entry is made of.
#[derive(Serialize, Deserialize)]
struct Line<S> {
    reviewed: S,
}

/// How the lines of reviews begin.
const START: &[u8] = b"{\"reviewed\"";

impl State {
    pub(super) fn apply_to_reviews(&mut self, fact: &Fact) -> Vec<Touched> {
        let (review, verdict) = match &fact.body {
            Body::HeldReleased(review) => (review, Verdict::Released),
            Body::HeldRejected(review) => (review, Verdict::Rejected),
            // The fold hands only the bodies above to this.
            _ => return Vec::new(),
        };
        // Those that have ended go with the next one that comes: what stands is bounded, and the fold needs no clock.
        let mut touched = self.forget_reviews(fact.time);
        let (at, passage) = (Touched::Review(review.passage()), review.passage());
        let reviewed = Reviewed { review: review.clone(), verdict, by: fact.actor.clone(), at: fact.time };
        self.unsettle(at.clone());
        self.reviews.by_passage.insert_mut(passage, Entry::new(reviewed));
        if !touched.contains(&at) {
            touched.push(at);
        }
        touched
    }

    fn forget_reviews(&mut self, now: Timestamp) -> Vec<Touched> {
        let ended = self.reviews.by_passage.iter().filter(|(_, entry)| !entry.value.stands(now));
        let ended: Vec<Passage> = ended.map(|(passage, _)| passage.clone()).collect();
        let mut touched = Vec::with_capacity(ended.len());
        for passage in ended {
            let at = Touched::Review(passage.clone());
            self.unsettle(at.clone());
            self.reviews.by_passage.remove_mut(&passage);
            touched.push(at);
        }
        touched
    }

    /// What was decided last of these bytes, from this caller, on this route. It may have ended.
    pub fn review(&self, passage: &Passage) -> Option<&Arc<Reviewed>> {
        self.reviews.by_passage.get(passage).map(|entry| &entry.value)
    }

    /// All reviews, by what they are about. Some may have ended.
    pub fn reviews(&self) -> impl Iterator<Item = &Arc<Reviewed>> {
        self.reviews.by_passage.values().map(|entry| &entry.value)
    }
}

impl Reviews {
    pub(super) fn len(&self) -> usize {
        self.by_passage.size()
    }

    /// Whether a line of a cache is one of these.
    pub(super) fn is_line(line: &[u8]) -> bool {
        line.starts_with(START)
    }

    pub(super) fn digest_of(&self, passage: &Passage) -> Option<Digest> {
        self.by_passage.get(passage).map(|entry| {
            entry.digest(|reviewed| {
                Digest::sha256(&canonical::to_bytes(&Line { reviewed }).unwrap_or_default())
            })
        })
    }

    /// Gives each entry as a line of the cache.
    pub(super) fn lines(&self, line: &mut dyn FnMut(&Value)) -> Result<(), canonical::Error> {
        self.by_passage.values().try_for_each(|entry| {
            canonical::to_value(&Line { reviewed: entry.value.as_ref() }).map(|value| line(&value))
        })
    }

    pub(super) fn read_line(&mut self, line: &[u8], digest: Digest) -> Result<(), canonical::Error> {
        let Line { reviewed } = canonical::from_bytes::<Line<Reviewed>>(line)?;
        self.by_passage.insert_mut(reviewed.review.passage(), Entry::with_digest(reviewed, digest));
        Ok(())
    }
}
