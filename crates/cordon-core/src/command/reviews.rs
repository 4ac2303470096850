//! Commands about held content. Who may wish them is decided before.

use super::{Decision, Entropy, Rejection, containment::reasoned};
use crate::{
    CallId, Category, DurationMs, Timestamp,
    fact::Body,
    review::{HeldId, HeldKind, MAX_REVIEW_LASTS, Passage, Review, Verdict},
    state::State,
};

/// The most reviews in force at a time: each is looked up where a call would be held.
pub const MAX_REVIEWS: usize = 10_000;

/// A review that somebody wants.
#[derive(Clone, Debug)]
pub struct NewReview {
    /// Which way.
    pub verdict: Verdict,
    /// What was looked at.
    pub held: HeldId,
    /// The call that brought it.
    pub call: CallId,
    /// What it is about.
    pub passage: Passage,
    /// What it is.
    pub kind: HeldKind,
    /// How many bytes.
    pub bytes: u64,
    /// What it was held for.
    pub categories: Vec<Category>,
    /// When it was held.
    pub since: Timestamp,
    /// How long the review is to last.
    pub lasts: DurationMs,
    /// Why.
    pub reason: String,
}

pub(super) fn review(
    state: &State,
    now: Timestamp,
    new: NewReview,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    let standing = state.review(&new.passage).filter(|standing| standing.stands(now));
    // The same wish twice is one; another end is another decision.
    if standing.is_some_and(|standing| {
        standing.verdict == new.verdict
            && standing.review.held == new.held
            && standing.review.ends == standing.at.plus(new.lasts)
    }) {
        return Ok(Decision::default());
    }
    if new.lasts.as_millis() == 0 || new.lasts > MAX_REVIEW_LASTS {
        return Err(Rejection::Refused(format!(
            "a review lasts for at least 1ms and at most {MAX_REVIEW_LASTS}; help: what comes again then is held again"
        )));
    }
    if standing.is_none() && state.reviews().filter(|review| review.stands(now)).count() >= MAX_REVIEWS {
        return Err(Rejection::Refused(format!(
            "{MAX_REVIEWS} reviews are in force, which is the most; help: let them end sooner, or change the guard's rule"
        )));
    }
    reasoned(&new.reason)?;
    let mut decision = Decision::default();
    if let Some(reason) = decision.seal(Some(new.reason), entropy)? {
        let Passage { route, principal, content } = new.passage;
        let review = Review {
            held: new.held,
            call: new.call,
            route,
            principal,
            content,
            kind: new.kind,
            bytes: new.bytes,
            categories: new.categories,
            since: new.since,
            ends: now.plus(new.lasts),
            reason,
        };
        decision.facts.push(match new.verdict {
            Verdict::Released => Body::HeldReleased(review),
            Verdict::Rejected => Body::HeldRejected(review),
        });
    }
    Ok(decision)
}
