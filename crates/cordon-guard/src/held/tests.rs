use cordon_core::{
    Fact, Form, Sealed, State,
    fact::{Actor, Body},
    review::Review,
};

use super::*;
use crate::tree::testing::inspection;

const NOW: Timestamp = Timestamp::from_millis(0);
const FILE: &[u8] = b"%PDF-1.7\ncut off";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// What a file comes to under rules, where this was decided about it by another one of its bytes.
fn looked(
    rules: &[(&'static str, Action, Form)],
    decided: Option<(Verdict, &[u8], i64)>,
) -> inspection::Verdict {
    looked_for(rules, decided, "file")
}

/// The same, where the file was held for this.
fn looked_for(
    rules: &[(&'static str, Action, Form)],
    decided: Option<(Verdict, &[u8], i64)>,
    held_for: &'static str,
) -> inspection::Verdict {
    let key = HmacKey::from_bytes([9; 32]);
    let mut state = State::new();
    if let Some((verdict, of, ends)) = decided {
        let review = Review {
            held: HeldId::from_bytes([1; 16]),
            call: CallId::from_bytes([2; 16]),
            route: name("bot"),
            principal: name("app"),
            content: digest(&key, (HeldKind::File, None), of),
            kind: HeldKind::File,
            bytes: of.len() as u64,
            categories: vec![Category::known(held_for)],
            since: NOW,
            ends: Timestamp::from_millis(ends),
            reason: Sealed::Closed(Digest::sha256(b"")),
        };
        let body = match verdict {
            Verdict::Released => Body::HeldReleased(review),
            Verdict::Rejected => Body::HeldRejected(review),
        };
        state.apply(&Fact { time: NOW, actor: Actor::Local, body });
    }
    let reviewing = Reviewing {
        snapshot: Arc::new(Snapshot::compile(&state)),
        route: name("bot"),
        principal: name("app"),
        key,
    };
    let by = inspection(rules).reviewing_by(Arc::new(reviewing));
    let mut verdict = inspection::Verdict::default();
    let claim = cordon_files::Claim { name: Some("a.pdf"), media_type: None };
    by.bytes(cordon_core::Channel::User, &"file", FILE, &claim, &mut verdict, |_, _| {});
    verdict
}

#[test]
fn a_review_decides_about_these_bytes_alone_and_only_where_they_would_be_held() {
    let hold: &[_] = &[("file", Action::Hold, Form::Mask)];
    let far = i64::MAX;
    let mut waits = looked(hold, None);
    assert_eq!((waits.action(), waits.take_waiting().len()), (Action::Hold, 1));
    let mut passes = looked(hold, Some((Verdict::Released, FILE, far)));
    assert_eq!((passes.action(), passes.take_waiting().len()), (Action::Flag, 0));
    assert_eq!(passes.recorded().released, [HeldId::from_bytes([1; 16])]);
    let stops = looked(hold, Some((Verdict::Rejected, FILE, far)));
    assert_eq!(stops.refusal().map(|refusal| refusal.code), Some(RefusalCode::ContentBlocked));
    assert!(stops.refusal().unwrap().sentence().contains("rejected it"));
    // Of other bytes, or when it has ended, it says nothing.
    for (of, ends) in [(b"other".as_slice(), far), (FILE, 0)] {
        assert_eq!(looked(hold, Some((Verdict::Released, of, ends))).action(), Action::Hold);
    }
    // A release lets in what the file was held for, and holds the rest again; a rejection stops all of it.
    let mut other = looked_for(hold, Some((Verdict::Released, FILE, far)), "pii/email");
    assert_eq!((other.action(), other.take_waiting().len()), (Action::Hold, 1));
    assert!(other.recorded().released.is_empty());
    let stops = looked_for(hold, Some((Verdict::Rejected, FILE, far)), "pii/email");
    assert_eq!(stops.action(), Action::Block);
    // What is blocked stays so, and where nothing is held nothing was let in.
    let block: &[_] = &[("file", Action::Block, Form::Mask)];
    let blocked = looked(block, Some((Verdict::Released, FILE, far)));
    assert_eq!((blocked.action(), blocked.recorded().released.len()), (Action::Block, 0));
    assert_eq!(blocked.refusal().unwrap().sentence(), RefusalCode::ContentBlocked.sentence());
}

#[test]
fn names_are_short_and_the_key_is_no_pseudonym_of_a_text() {
    assert_eq!(short("a.pdf"), "a.pdf");
    let long = short(&format!("a{}", "\u{e9}".repeat(1 << 16)));
    assert_eq!(long, format!("a{}", "\u{e9}".repeat(127)));
    for purpose in [OF_FILES, OF_TEXTS, OF_CALLS] {
        assert!(String::from_utf8(purpose.to_vec()).is_err());
    }
}

#[test]
fn a_file_waits_only_where_nothing_else_holds_the_call() {
    let mut verdict = looked(&[("file", Action::Hold, Form::Mask)], None);
    let by = inspection(&[("uninspected", Action::Hold, Form::Mask)]);
    let category = cordon_core::Category::known("uninspected/remote");
    let _ = by.unseen(cordon_core::Channel::User, &"messages/0", category, 1, &mut verdict);
    assert!(verdict.take_waiting().is_empty());
}
