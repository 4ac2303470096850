use proptest::prelude::*;

use super::*;

// golang.org/x/mod/sumdb/note, example_test.go and note_test.go.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> VerifierKey {
    VerifierKey::parse(text).unwrap()
}

fn note(lines: &[&str]) -> Vec<u8> {
    format!("{TEXT}\n{}", lines.concat()).into_bytes()
}

#[test]
fn the_notes_of_go_are_made_and_opened() {
    let mut made = Note::new(TEXT).unwrap();
    made.sign(&SigningKey::parse(PETER_SECRET).unwrap()).unwrap();
    assert_eq!(made.to_string().into_bytes(), note(&[PETER_LINE]));
    // Go makes this key from a reader of zeros.
    let enoch = SigningKey::from_seed("EnochRoot", [0; 32]).unwrap();
    assert_eq!(enoch.verifier_key().to_string(), ENOCH);
    made.sign(&enoch).unwrap();
    assert_eq!(made.to_string().into_bytes(), note(&[PETER_LINE, ENOCH_LINE]));

    let parsed = Note::parse(&note(&[PETER_LINE, ENOCH_LINE])).unwrap();
    let keys = [key(ENOCH), key(PETER)];
    let opened = parsed.open(&keys).unwrap();
    assert_eq!(opened.text(), TEXT);
    assert_eq!(opened.signers(), [&key(PETER), &key(ENOCH)]);
    // The other signature is of nobody known, and is ignored.
    assert_eq!(parsed.open(&keys[..1]).unwrap().signers(), [&key(ENOCH)]);
}

#[test]
fn keys_have_one_text_form() {
    assert_eq!(key(PETER).to_string(), PETER);
    let secret = SigningKey::parse(PETER_SECRET).unwrap();
    assert_eq!(secret.to_text().as_str(), PETER_SECRET);
    assert_eq!(format!("{secret:?}"), format!("SigningKey({PETER})"));
    for (wrong, name) in [
        ("", "empty"),
        ("PeterNeumann", "a name"),
        ("PeterNeumann+c74f20a3", "no key"),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "upper case"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "another id"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a space"),
        // Both from note_test.go: a key of the wrong length and an unknown algorithm, each with the id adjusted.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "length"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "algorithm"),
    ] {
        assert!(VerifierKey::parse(wrong).is_err(), "{name}");
        assert!(SigningKey::parse(&format!("PRIVATE+KEY+{wrong}")).is_err(), "{name}");
    }
    assert!(SigningKey::parse(PETER).is_err());
    // The point of order one: anybody can sign for it.
    let mut weak = [0; 32];
    weak[0] = 1;
    let name = KeyName::parse("weak").unwrap();
    assert_eq!(VerifierKey::new(name, Algorithm::Ed25519, weak), Err(KeyError::Point));
}

#[test]
fn a_wrong_signature_of_a_known_key_refuses_the_note() {
    let keys = [key(PETER), key(ENOCH)];
    let forged = ENOCH_LINE.replace("9ed", "9fd").replace("rwz+eBzm", "rwz+eBzn");
    let parsed = Note::parse(&note(&[PETER_LINE, &forged])).unwrap();
    let wrong = parsed.open(&keys);
    assert!(matches!(&wrong, Err(OpenError::BadSignature { name, .. }) if name.as_str() == "EnochRoot"));
    assert!(parsed.open(&keys[..1]).is_ok());
    // A right signature first does not hide a wrong one of the same key behind it.
    let twice = Note::parse(&note(&[ENOCH_LINE, &forged])).unwrap();
    assert!(matches!(twice.open(&keys), Err(OpenError::BadSignature { .. })));
    // Twice the same right one counts once.
    let twice = Note::parse(&note(&[ENOCH_LINE, ENOCH_LINE])).unwrap();
    assert_eq!(twice.open(&keys).unwrap().signers().len(), 1);
    // The same text, other words.
    let changed = String::from_utf8(note(&[PETER_LINE])).unwrap().replace("answer", "ansver");
    assert!(Note::parse(changed.as_bytes()).unwrap().open(&keys).is_err());
}

#[test]
fn nobody_known_is_said_so() {
    let parsed = Note::parse(&note(&[PETER_LINE])).unwrap();
    let error = parsed.open(&[key(ENOCH)]).unwrap_err().to_string();
    assert!(
        error.contains("`PeterNeumann` (c74f20a3)") && error.contains("`EnochRoot` (af0cfe78)"),
        "{error}"
    );
    assert!(matches!(parsed.open(&[]), Err(OpenError::Unknown { .. })));
}

#[test]
fn what_is_not_a_note_is_refused() {
    let peter = PETER_LINE.trim_end();
    for (bytes, error) in [
        (b"".to_vec(), NoteError::NoSignatures),
        (TEXT.into(), NoteError::NoSignatures),
        (note(&[]), NoteError::NoSignatures),
        (note(&[peter]), NoteError::NoSignatures),
        (note(&[PETER_LINE, "\n"]), NoteError::NoSignatures),
        (note(&["\n", PETER_LINE, "- Peter AAAAAAAA\n"]), NoteError::Signature(2)),
        (note(&["— PeterNeumann AAAAAA==\n"]), NoteError::Signature(1)),
        (note(&["— PeterNeumann  AAAAAAAA\n"]), NoteError::Signature(1)),
        (note(&["— PeterNeumann AAAAAAAA \n"]), NoteError::Signature(1)),
        (note(&["— Peter+Neumann AAAAAAAA\n"]), NoteError::Signature(1)),
        (note(&["—  AAAAAAAA\n"]), NoteError::Signature(1)),
        (b"a\tb\n\n\xe2\x80\x94 a AAAAAAAA\n".to_vec(), NoteError::ControlCharacter),
        (b"a\xff\n\n\xe2\x80\x94 a AAAAAAAA\n".to_vec(), NoteError::NotUtf8),
        (vec![b'a'; MAX_NOTE + 1], NoteError::TooLong(MAX_NOTE + 1)),
        (note(&vec![PETER_LINE; MAX_SIGNATURES + 1]), NoteError::TooManySignatures),
    ] {
        assert_eq!(
            Note::parse(&bytes),
            Err(error),
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
    }
    assert!(Note::parse(&note(&vec![PETER_LINE; MAX_SIGNATURES])).is_ok());
    assert_eq!(Note::new("no newline"), Err(NoteError::Text));
    assert_eq!(Note::new("a\r\n"), Err(NoteError::ControlCharacter));
}

#[test]
fn a_text_may_hold_empty_lines() {
    for text in ["\n", "\n\n", "a\n\n\n", "a\n\nb\n", "a\n\n— PeterNeumann x08go\n"] {
        let mut note = Note::new(text).unwrap();
        note.sign(&SigningKey::parse(PETER_SECRET).unwrap()).unwrap();
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.open(&[key(PETER)]).unwrap().text(), text);
    }
}

/// A holder that signs something else than it was asked to.
struct Faulty(SigningKey);

impl Signer for Faulty {
    fn verifier_key(&self) -> &VerifierKey {
        self.0.verifier_key()
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignError> {
        self.0.sign(b"another text\n")
    }
}

#[test]
fn a_faulty_signer_is_found_before_anything_is_published() {
    let mut note = Note::new(TEXT).unwrap();
    let faulty = Faulty(SigningKey::parse(PETER_SECRET).unwrap());
    assert!(matches!(note.sign(&faulty), Err(SignError::Wrong { .. })));
    let witness = SigningKey::witness_from_seed("witness", [1; 32]).unwrap();
    assert!(matches!(note.sign(&witness), Err(SignError::Algorithm { .. })));
    assert!(note.signatures().is_empty());
}

proptest! {
    #[test]
    fn hostile_notes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_string().into_bytes(), bytes);
        }
    }

    #[test]
    fn any_changed_byte_of_a_note_is_found(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let bytes = note(&[PETER_LINE]);
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        changed[at] = to;
        prop_assume!(changed != bytes);
        if let Ok(note) = Note::parse(&changed) {
            prop_assert_eq!(note.to_string().into_bytes(), changed);
            prop_assert!(note.open(&[key(PETER)]).is_err());
        }
    }

    #[test]
    fn any_changed_character_of_a_key_is_found(at in any::<prop::sample::Index>(), to in any::<char>()) {
        let mut changed: Vec<char> = PETER.chars().collect();
        let at = at.index(changed.len());
        changed[at] = to;
        let changed: String = changed.into_iter().collect();
        prop_assert!(changed == PETER || VerifierKey::parse(&changed).is_err());
    }
}
