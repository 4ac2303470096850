//! What an auditor is given: notes, checkpoints and proofs.

use cordon_ledger::{Checkpoint, NestedProof, Note, Proof};

/// The first byte says what it is said to be. What is read is written as it was.
pub(crate) fn read(bytes: &[u8]) {
    let [kind, rest @ ..] = bytes else { return };
    match kind % 4 {
        0 => {
            if let Ok(note) = Note::parse(rest) {
                assert_eq!(note.to_string().as_bytes(), rest, "a note has one form");
            }
        }
        1 => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            if let Ok(checkpoint) = Checkpoint::parse(text) {
                assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
            }
        }
        2 => {
            if let Ok(proof) = Proof::parse(rest) {
                assert_eq!(Proof::parse(proof.to_string().as_bytes()).as_ref(), Ok(&proof));
            }
        }
        _ => {
            if let Ok(proof) = NestedProof::parse(rest) {
                assert_eq!(NestedProof::parse(proof.to_string().as_bytes()).as_ref(), Ok(&proof));
            }
        }
    }
}
