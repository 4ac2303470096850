//! What the one verifier accepts and refuses: proofs, checkpoints, witnesses, trees within the tree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::result_large_err,
    missing_docs,
    reason = "test code"
)]

use cordon_ledger::{
    Checkpoint, Frontier, Hash, Head, KeyHistory, NestedProof, Note, Proof, Rotation, SigningKey, Verifier,
    VerifierKey,
    checkpoint::CheckpointError,
    cosignature, leaf_hash,
    note::{KeyId, OpenError},
    proof::{MAX_EXTRA, ProofError},
    tree::{self, Consistency, ConsistencyError, Inclusion, InclusionError, Leaves},
    verify::{VerifierError, VerifyError},
};
use proptest::prelude::*;

const ORIGIN: &str = "example.com/log";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, [seed; 32]).unwrap()
}

fn witness(seed: u8) -> SigningKey {
    SigningKey::witness_from_seed(&format!("witness.example/{seed}"), [seed; 32]).unwrap()
}

fn public(key: &SigningKey) -> VerifierKey {
    key.verifier_key().clone()
}

fn verifier() -> Verifier {
    Verifier::new(ORIGIN, vec![public(&key(1))]).unwrap()
}

fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|index| format!("entry {index}").into_bytes()).collect()
}

fn leaves(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

fn head(leaves: &[Hash]) -> Head {
    leaves.iter().copied().collect::<Frontier>().head()
}

fn signed(head: Head) -> Note {
    Checkpoint::new(ORIGIN, head).unwrap().sign(&[&key(1)]).unwrap()
}

fn proof(index: u64, entries: &[Vec<u8>]) -> Proof {
    let leaves = leaves(entries);
    let path = tree::inclusion(index, leaves.len() as u64, &Leaves(&leaves)).unwrap();
    Proof::new(path, &signed(head(&leaves)))
}

/// sum.golang.org, as it published itself on 2024-09-23; its key is in Go's `cmd/go/internal/modfetch/key.go`.
const SUMDB_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const SUMDB: &str = "go.sum database tree\n30055305\nmXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=\n\n\
    — sum.golang.org Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=\n";

#[test]
fn the_checkpoint_of_the_go_checksum_database_verifies() {
    let key = VerifierKey::parse(SUMDB_KEY).unwrap();
    let verifier = Verifier::new("go.sum database tree", vec![key]).unwrap();
    let head = verifier.checkpoint(SUMDB.as_bytes()).unwrap();
    assert_eq!(head.size(), 30_055_305);
    assert_eq!(head.head().root.to_string(), "mXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=");
    let changed = SUMDB.replace("30055305", "30055306");
    assert!(matches!(
        verifier.checkpoint(changed.as_bytes()),
        Err(VerifyError::Open(OpenError::BadSignature { .. }))
    ));
}

#[test]
fn an_entry_is_verified_with_all_that_belongs_to_it() {
    let entries = entries(1000);
    for index in [0, 1, 511, 512, 998, 999] {
        let proof = Proof::parse(proof(index, &entries).to_string().as_bytes()).unwrap();
        let verifier = verifier();
        let verified = verifier.verify(&entries[index as usize], &proof).unwrap();
        assert_eq!((verified.index(), verified.signed_head().size()), (index, 1000));
        assert_eq!(verified.signed_head().signers(), [public(&key(1))]);
        assert!(matches!(
            verifier.verify(b"another", &proof),
            Err(VerifyError::Inclusion(InclusionError::Root { leaf, .. })) if leaf == leaf_hash(b"another")
        ));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let entries = entries(5);
    let proof = proof(2, &entries);
    let other = Verifier::new("example.com/other", vec![public(&key(1))]).unwrap();
    assert!(matches!(
        other.verify(&entries[2], &proof),
        Err(VerifyError::Origin { expected, found }) if expected == "example.com/other" && found == ORIGIN
    ));
    let other = Verifier::new(ORIGIN, vec![public(&key(2))]).unwrap();
    assert!(matches!(other.verify(&entries[2], &proof), Err(VerifyError::Open(OpenError::Unknown { .. }))));
    let verifier = verifier();
    let no_checkpoint = Note::new("just a text\n").unwrap();
    let unsigned = Proof::new(Inclusion { index: 0, path: vec![] }, &no_checkpoint);
    assert!(matches!(verifier.verify(b"", &unsigned), Err(VerifyError::Checkpoint(CheckpointError::Lines))));
    // A checkpoint that is right in everything but that nobody signed.
    let all = leaves(&entries);
    let unsigned = Note::new(Checkpoint::new(ORIGIN, head(&all)).unwrap().to_string()).unwrap();
    let path = tree::inclusion(2, 5, &Leaves(&all)).unwrap();
    let wrong = verifier.verify(&entries[2], &Proof::new(path, &unsigned));
    assert!(matches!(wrong, Err(VerifyError::Open(OpenError::Unknown { .. }))));
    assert_eq!(Verifier::new(ORIGIN, vec![]).unwrap_err(), VerifierError::NoKeys);
    let witness = Verifier::new(ORIGIN, vec![public(&witness(1))]);
    assert!(matches!(witness, Err(VerifierError::Algorithm { .. })));
    let twice = Verifier::new(ORIGIN, vec![public(&key(1)), public(&key(1))]);
    assert!(matches!(twice, Err(VerifierError::Twice { .. })));
}

#[test]
fn checkpoints_have_one_form() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    // The example of c2sp.org/tlog-checkpoint.
    let text = format!("example.com/behind-the-sofa\n20852163\n{root}\n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    assert_eq!((checkpoint.to_string(), checkpoint.head().size), (text, 20_852_163));
    let extended = format!("a\n1\n{root}\nextension\nanother\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
    for (text, error) in [
        (String::new(), CheckpointError::Lines),
        (format!("a\n1\n{root}"), CheckpointError::Lines),
        ("a\n1\n".to_owned(), CheckpointError::Lines),
        (format!("\n1\n{root}\n"), CheckpointError::Origin),
        (format!("{}\n1\n{root}\n", "a".repeat(256)), CheckpointError::Origin),
        (format!("a\n01\n{root}\n"), CheckpointError::Size),
        (format!("a\n+1\n{root}\n"), CheckpointError::Size),
        (format!("a\n-1\n{root}\n"), CheckpointError::Size),
        (format!("a\n\n{root}\n"), CheckpointError::Size),
        (format!("a\n1 \n{root}\n"), CheckpointError::Size),
        (format!("a\n18446744073709551616\n{root}\n"), CheckpointError::Size),
        (format!("a\n1\n{root}=\n"), CheckpointError::Root),
        (format!("a\n1\n{}\n", root.split_at(40).0), CheckpointError::Root),
        (format!("a\n1\n{}J=\n", root.split_at(42).0), CheckpointError::Root),
        (format!("a\n1\n{root}\n\n"), CheckpointError::Extension),
        (format!("a\n0\n{root}\n"), CheckpointError::EmptyRoot(Hash::from_base64(root).unwrap())),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
    }
    assert!(Checkpoint::new("a\nb", head(&[])).is_err());
    assert!(Checkpoint::with_extensions("a", head(&[]), vec![String::new()]).is_err());
}

#[test]
fn a_log_that_grows_is_told_from_one_that_was_rewritten() {
    let verifier = verifier();
    let all = leaves(&entries(40));
    let bytes = |leaves: &[Hash]| signed(head(leaves)).to_string().into_bytes();
    for (old, new) in [(0, 1), (0, 40), (1, 40), (16, 40), (17, 33), (39, 40), (40, 40)] {
        let proof = tree::consistency(old, new, &Leaves(&all)).unwrap();
        let (old, new) = (bytes(&all[..old as usize]), bytes(&all[..new as usize]));
        let extended = verifier.verify_consistency(&old, &new, &proof).unwrap();
        assert!(extended.old().size() <= extended.new_head().size());
    }
    let mut rewritten = all.clone();
    rewritten[3] = leaf_hash(b"something else");
    let proof = tree::consistency(10, 40, &Leaves(&rewritten)).unwrap();
    let wrong = verifier.verify_consistency(&bytes(&all[..10]), &bytes(&rewritten), &proof);
    assert!(matches!(wrong, Err(VerifyError::Consistency(ConsistencyError::OldRoot { size: 10, .. }))));
    let nothing = Consistency { path: vec![] };
    let fork = verifier.verify_consistency(&bytes(&all), &bytes(&rewritten), &nothing);
    assert!(matches!(fork, Err(VerifyError::Consistency(ConsistencyError::SameSize { size: 40, .. }))));
    let rolled_back = verifier.verify_consistency(&bytes(&all), &bytes(&all[..39]), &nothing);
    assert!(matches!(rolled_back, Err(VerifyError::Consistency(ConsistencyError::NotOlder { .. }))));
}

/// Entries of a log that hold the head of another tree: `journal <size> <root>`.
fn anchor(head: Head) -> Vec<u8> {
    format!("journal {} {}", head.size, head.root).into_bytes()
}

fn head_in(entry: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(entry).ok()?.strip_prefix("journal ")?;
    let (size, root) = text.split_once(' ')?;
    Some(Head { size: size.parse().ok()?, root: Hash::from_base64(root).ok()? })
}

/// Frames of a journal, and the proof of one of them in a log of 7 entries that anchors the journal in its fifth.
fn nested(index: u64) -> (Vec<Vec<u8>>, NestedProof) {
    let frames: Vec<_> = (0..20).map(|frame| format!("frame {frame}").into_bytes()).collect();
    let inner = leaves(&frames);
    let mut log = entries(7);
    log[4] = anchor(head(&inner));
    let path = tree::inclusion(index, 20, &Leaves(&inner)).unwrap();
    (frames, NestedProof::new(path, log[4].clone(), proof(4, &log)).unwrap())
}

#[test]
fn a_frame_is_verified_through_the_entry_that_anchors_it() {
    let (frames, proof) = nested(13);
    let proof = NestedProof::parse(proof.to_string().as_bytes()).unwrap();
    let verifier = verifier();
    let verified = verifier.verify_nested(&frames[13], &proof, head_in).unwrap();
    assert_eq!((verified.index(), verified.inner_head().size, verified.entry().index()), (13, 20, 4));
    assert_eq!(verified.frame(), b"frame 13");

    assert!(matches!(
        verifier.verify_nested(&frames[12], &proof, head_in),
        Err(VerifyError::Inner(InclusionError::Root { index: 13, size: 20, .. }))
    ));
    assert!(matches!(
        verifier.verify_nested(&frames[13], &proof, |_| None),
        Err(VerifyError::NoHead { index: 4 })
    ));
    // An anchor that the log never had: the inner path holds, and nobody is asked whether it does.
    let forged = leaves(&[b"forged".to_vec()]);
    let path = tree::inclusion(0, 1, &Leaves(&forged)).unwrap();
    let outer = proof_of_entry_4();
    let forged = NestedProof::new(path, anchor(head(&forged)), outer).unwrap();
    let refused =
        verifier.verify_nested(b"forged", &forged, |_| panic!("asked about an entry that is not in the log"));
    assert!(matches!(refused, Err(VerifyError::Inclusion(InclusionError::Root { index: 4, .. }))));
}

fn proof_of_entry_4() -> Proof {
    proof(4, &entries(7))
}

#[test]
fn witnesses_are_counted_once_each() {
    let all = leaves(&entries(3));
    let trusted = vec![public(&witness(11)), public(&witness(12)), public(&witness(13))];
    let verifier = verifier().with_witnesses(trusted, 2).unwrap();
    let mut note = signed(head(&all));
    let none = verifier.checkpoint(note.to_string().as_bytes());
    assert_eq!(none, Err(VerifyError::Witnesses { found: 0, quorum: 2, size: 3 }));
    cosignature::cosign(&mut note, &witness(11), 1_679_315_147).unwrap();
    cosignature::cosign(&mut note, &witness(11), 1_679_315_148).unwrap();
    cosignature::cosign(&mut note, &witness(99), 1_679_315_149).unwrap();
    let one = verifier.checkpoint(note.to_string().as_bytes());
    assert_eq!(one, Err(VerifyError::Witnesses { found: 1, quorum: 2, size: 3 }));
    cosignature::cosign(&mut note, &witness(13), 5).unwrap();
    let head = verifier.checkpoint(note.to_string().as_bytes()).unwrap();
    let times: Vec<_> = head.witnesses().iter().map(|(_, time)| *time).collect();
    assert_eq!(times, [1_679_315_148, 5]);
    // Witnesses cannot stand in for the log.
    let mut alone = Note::new(Checkpoint::new(ORIGIN, self::head(&all)).unwrap().to_string()).unwrap();
    cosignature::cosign(&mut alone, &witness(11), 1).unwrap();
    cosignature::cosign(&mut alone, &witness(12), 1).unwrap();
    let alone = verifier.checkpoint(alone.to_string().as_bytes());
    assert!(matches!(alone, Err(VerifyError::OnlyWitnesses { .. })));
    // A log's key does not cosign, a time beyond the end of times is refused.
    assert!(cosignature::cosign(&mut note, &key(1), 1).is_err());
    assert!(cosignature::cosign(&mut note, &witness(12), u64::MAX).is_err());
}

#[test]
fn a_verifier_follows_the_rotation_of_keys() {
    let mut history = KeyHistory::new(ORIGIN, public(&key(1))).unwrap();
    let statement = Rotation::sign(ORIGIN, &key(1), &key(2), 3).unwrap();
    history.accept(statement.to_string().as_bytes()).unwrap();
    let verifier = Verifier::with_history(history);
    let all = leaves(&entries(5));
    let by = |seed, size: usize| {
        let checkpoint = Checkpoint::new(ORIGIN, head(&all[..size])).unwrap();
        verifier.checkpoint(checkpoint.sign(&[&key(seed)]).unwrap().to_string().as_bytes())
    };
    assert!(by(1, 2).is_ok() && by(2, 3).is_ok());
    let (old, new) = (key(1).verifier_key().id(), key(2).verifier_key().id());
    assert_eq!(by(1, 3), Err(VerifyError::NotItsTurn { key: old, turn: new, size: 3 }));
    assert_eq!(by(2, 2), Err(VerifyError::NotItsTurn { key: new, turn: old, size: 2 }));
    assert!(matches!(by(3, 3), Err(VerifyError::Open(OpenError::Unknown { .. }))));
    // While keys change both may sign; only the one whose turn it is counts, and its wrong signature is not excused.
    let checkpoint = Checkpoint::new(ORIGIN, head(&all)).unwrap();
    let both = checkpoint.sign(&[&key(1), &key(2)]).unwrap().to_string();
    assert_eq!(verifier.checkpoint(both.as_bytes()).unwrap().signers(), [public(&key(2))]);
    let longer = both.replacen("\n5\n", "\n6\n", 1);
    assert!(matches!(
        verifier.checkpoint(longer.as_bytes()),
        Err(VerifyError::Open(OpenError::BadSignature { id, .. })) if id == new
    ));
}

#[test]
fn the_text_of_a_proof_is_that_of_the_specification() {
    let entries = entries(3);
    let proof = proof(2, &entries).with_extra(b"age-v1.2.1".to_vec()).unwrap();
    let leaves = leaves(&entries);
    let sibling = head(&leaves[..2]).root;
    let text = format!(
        "c2sp.org/tlog-proof@v1\nextra YWdlLXYxLjIuMQ==\nindex 2\n{sibling}\n\n{}",
        signed(head(&leaves))
    );
    assert_eq!(proof.to_string(), text);
    assert_eq!(Proof::parse(text.as_bytes()), Ok(proof));
    let change = |from: &str, to: &str| Proof::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
    for (from, to, error) in [
        ("@v1", "@v2", ProofError::Header { expected: "c2sp.org/tlog-proof@v1" }),
        ("YWdlLXYxLjIuMQ==", "", ProofError::Extra),
        ("YWdlLXYxLjIuMQ==", "YWdlLXYxLjIuMQ", ProofError::Extra),
        ("extra ", "extra", ProofError::Index),
        ("index 2", "index 02", ProofError::Index),
        ("index 2", "index -2", ProofError::Index),
        ("index 2\n", "", ProofError::Index),
        (&sibling.to_string(), "AAAA", ProofError::Path(0)),
        ("\n\n", "\n", ProofError::Path(1)),
    ] {
        assert_eq!(change(from, to), error, "{from} to {to}");
    }
    let many = format!("{sibling}\n").repeat(65);
    assert_eq!(change(&format!("{sibling}\n"), &many), ProofError::PathTooLong);
    let only_path = text.split_once("\n\n").unwrap().0;
    assert_eq!(Proof::parse(only_path.as_bytes()), Err(ProofError::NoCheckpoint));
    let nothing = vec![0; MAX_EXTRA + 1];
    assert_eq!(Proof::parse(text.as_bytes()).unwrap().with_extra(nothing), Err(ProofError::Extra));
    assert!(matches!(Proof::parse(&vec![b'a'; 2_000_000]), Err(ProofError::TooLong(2_000_000))));
    assert!(matches!(NestedProof::parse(&vec![b'a'; 2_000_000]), Err(ProofError::TooLong(2_000_000))));
    assert_eq!(KeyId(0xaf).to_string(), "000000af");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever byte of the text is changed: it is not a proof any more, or it does not verify, or what was changed is the
    /// key name or id of ... nothing: with one signature there is no byte that nobody looks at.
    #[test]
    fn any_changed_byte_of_a_proof_is_found(index in 0_u64..9, at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let entries = entries(9);
        let bytes = proof(index, &entries).to_string().into_bytes();
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        changed[at] = to;
        prop_assume!(changed != bytes);
        if let Ok(proof) = Proof::parse(&changed) {
            prop_assert_eq!(proof.to_string().into_bytes(), changed);
            prop_assert!(verifier().verify(&entries[index as usize], &proof).is_err());
        }
        for cut in [at, bytes.len() - 1] {
            prop_assert!(Proof::parse(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn any_changed_byte_of_a_nested_proof_is_found(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (frames, proof) = nested(6);
        let bytes = proof.to_string().into_bytes();
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        changed[at] = to;
        prop_assume!(changed != bytes);
        if let Ok(proof) = NestedProof::parse(&changed) {
            prop_assert_eq!(proof.to_string().into_bytes(), changed);
            prop_assert!(verifier().verify_nested(&frames[6], &proof, head_in).is_err());
        }
        prop_assert!(NestedProof::parse(&bytes[..at]).is_err());
    }

    #[test]
    fn any_flipped_bit_of_an_entry_is_found(index in 0_u64..9, bit in any::<prop::sample::Index>()) {
        let entries = entries(9);
        let proof = proof(index, &entries);
        let mut entry = entries[index as usize].clone();
        let bit = bit.index(entry.len() * 8);
        entry[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verifier().verify(&entry, &proof).is_err());
    }

    #[test]
    fn hostile_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = verifier().checkpoint(&bytes);
        let behind = |header: &[u8]| [header, &bytes].concat();
        let _ = Proof::parse(&behind(b"c2sp.org/tlog-proof@v1\n"));
        let _ = Proof::parse(&behind(b"c2sp.org/tlog-proof@v1\nindex 1\n"));
        let _ = NestedProof::parse(&behind(b"cordon-ledger/nested-proof@v1\nindex 1\n\nentry "));
        let mut history = KeyHistory::new(ORIGIN, public(&key(1))).unwrap();
        prop_assert!(history.accept(&bytes).is_err());
    }
}
