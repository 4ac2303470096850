use super::*;
use crate::note::SigningKey;

const ORIGIN: &str = "example.com/log";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, [seed; 32]).unwrap()
}

fn statement(old: u8, new: u8, from: u64) -> Vec<u8> {
    Rotation::sign(ORIGIN, &key(old), &key(new), from).unwrap().to_string().into_bytes()
}

fn history() -> KeyHistory {
    KeyHistory::new(ORIGIN, key(1).verifier_key().clone()).unwrap()
}

#[test]
fn each_key_has_its_turn() {
    let mut history = history();
    history.accept(&statement(1, 2, 10)).unwrap();
    let rotation = history.accept(&statement(2, 3, 20)).unwrap();
    assert_eq!((rotation.from(), rotation.new_key()), (20, key(3).verifier_key()));
    for (size, seed) in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 3), (u64::MAX, 3)] {
        assert_eq!(history.key_at(size), key(seed).verifier_key(), "{size}");
    }
    assert_eq!(history.present(), (20, key(3).verifier_key()));
    assert_eq!(history.keys().map(|(from, _)| from).collect::<Vec<_>>(), [0, 10, 20]);
}

#[test]
fn a_statement_that_does_not_fit_changes_nothing() {
    let mut history = history();
    history.accept(&statement(1, 2, 10)).unwrap();
    let mut refused = |bytes: &[u8]| {
        let error = history.accept(bytes).unwrap_err();
        assert_eq!(history.present(), (10, key(2).verifier_key()));
        error
    };
    assert!(matches!(refused(&statement(1, 2, 10)), RotationError::NotPresent { .. }));
    assert!(matches!(refused(&statement(1, 3, 20)), RotationError::NotPresent { .. }));
    assert!(matches!(refused(&statement(2, 3, 10)), RotationError::NotLater { present: 10, from: 10 }));
    assert!(matches!(refused(&statement(2, 1, 20)), RotationError::Reused(_)));
    assert!(matches!(refused(&statement(2, 2, 20)), RotationError::Reused(_)));
    let elsewhere = Rotation::sign("example.com/other", &key(2), &key(3), 20).unwrap().to_string();
    assert!(matches!(refused(elsewhere.as_bytes()), RotationError::Origin { .. }));
    assert!(matches!(refused(b"x\n\n\xe2\x80\x94 a AAAAAAAA\n"), RotationError::Form(1)));
    assert!(matches!(refused(b""), RotationError::Note(_)));
}

#[test]
fn both_keys_must_sign() {
    let whole = String::from_utf8(statement(1, 2, 10)).unwrap();
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    let (old, new) = (lines.len() - 2, lines.len() - 1);
    for (without, missing) in [(old, key(1)), (new, key(2))] {
        let mut lines = lines.clone();
        lines.remove(without);
        let error = history().accept(lines.concat().as_bytes()).unwrap_err();
        assert!(matches!(error, RotationError::NotSigned(id) if id == missing.verifier_key().id()));
    }
    for (from, to) in [("from 10", "from 11"), ("from 10", "from 9")] {
        let changed = whole.replace(from, to);
        assert!(matches!(history().accept(changed.as_bytes()), Err(RotationError::Open(_))));
    }
    for (from, to) in
        [("from 10", "from 010"), ("from 10\n", "from 10\nmore\n"), ("origin example.com/log\n", "")]
    {
        let changed = whole.replace(from, to);
        assert!(matches!(history().accept(changed.as_bytes()), Err(RotationError::Form(_))), "{to}");
    }
}

#[test]
fn keys_that_sign_no_checkpoints_are_refused() {
    let witness = SigningKey::witness_from_seed("w", [9; 32]).unwrap();
    assert!(matches!(
        KeyHistory::new(ORIGIN, witness.verifier_key().clone()),
        Err(RotationError::Witness(_))
    ));
    assert!(Rotation::sign(ORIGIN, &key(1), &witness, 1).is_err());
    assert!(Rotation::sign("two\nlines", &key(1), &key(2), 1).is_err());
    assert!(Rotation::sign("", &key(1), &key(2), 1).is_err());
}
