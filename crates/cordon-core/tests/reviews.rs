//! What people decide of held content: how long it counts, how much of it stands, and what the fold keeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::collections::BTreeMap;

use cordon_core::{
    CallId, Digest, DurationMs, Fact, HmacKey, Name, State, Timestamp,
    command::{self, NewReview, Rejection, Wish},
    fact::Actor,
    review::{HeldId, HeldKind, MAX_REVIEW_LASTS, Passage, Verdict},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn passage(number: u8) -> Passage {
    let name = |text| Name::parse(text).unwrap();
    Passage { route: name("bot"), principal: name("app"), content: Digest::sha256(&[number]) }
}

fn wish(number: u8, verdict: Verdict, seconds: u64) -> NewReview {
    NewReview {
        verdict,
        held: HeldId::from_bytes([number; 16]),
        call: CallId::from_bytes([number; 16]),
        passage: passage(number),
        kind: HeldKind::File,
        bytes: 10,
        categories: Vec::new(),
        since: at(0),
        lasts: DurationMs::from_secs(seconds),
        reason: "looked at it".to_owned(),
    }
}

fn decide(state: &mut State, now: Timestamp, wish: NewReview) -> Result<Vec<Fact>, Rejection> {
    let mut entropy = || HmacKey::from_bytes([7; 32]);
    let decision = command::decide(state, now, Wish::Review(wish), &BTreeMap::new(), &mut entropy)?;
    let facts = command::facts(&decision, now, &Actor::Local);
    facts.iter().for_each(|fact| drop(state.apply(fact)));
    Ok(facts)
}

#[test]
fn the_latest_decision_counts_until_it_ends() {
    let mut state = State::new();
    decide(&mut state, at(1), wish(1, Verdict::Released, 10)).unwrap();
    let standing = |state: &State| state.review(&passage(1)).map(|review| review.verdict);
    assert_eq!(standing(&state), Some(Verdict::Released));
    // The same again is no fact while it stands.
    assert!(decide(&mut state, at(2), wish(1, Verdict::Released, 10)).unwrap().is_empty());
    // With another end it is another decision.
    assert_eq!(decide(&mut state, at(2), wish(1, Verdict::Released, 20)).unwrap().len(), 1);
    decide(&mut state, at(3), wish(1, Verdict::Rejected, 10)).unwrap();
    assert_eq!(standing(&state), Some(Verdict::Rejected));
    let review = state.review(&passage(1)).unwrap();
    assert!(review.stands(at(12)) && !review.stands(at(13)));
    // What has ended goes with the next decision, whatever that is about, and both ways to the state are one.
    decide(&mut state, at(14), wish(2, Verdict::Released, 10)).unwrap();
    assert_eq!((standing(&state), state.reviews().count()), (None, 1));
    let cached = State::from_cache(&state.to_cache().unwrap()).unwrap();
    assert_eq!((cached.digest(), &cached), (state.digest(), &state));
}

#[test]
fn a_review_has_a_reason_and_an_end() {
    let mut state = State::new();
    let mut silent = wish(1, Verdict::Released, 10);
    silent.reason = " ".to_owned();
    let endless = NewReview {
        lasts: DurationMs::from_millis(MAX_REVIEW_LASTS.as_millis() + 1),
        ..wish(1, Verdict::Released, 10)
    };
    for wrong in [silent, endless, wish(1, Verdict::Released, 0)] {
        assert!(matches!(decide(&mut state, at(1), wrong), Err(Rejection::Refused(_))));
    }
    assert_eq!(state.position(), 0);
}
