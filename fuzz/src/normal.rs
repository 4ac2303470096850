//! What is changed before it leaves: texts, tables and pictures, as a route says.

use cordon_core::resource::{HiddenCharacters, Normalise, UnicodeForm};
use cordon_inspect::normalise::{normal, reads_alike};

/// The first byte says what the rest is: a text, a table or a picture. The same again changes nothing, and what was changed reads as it did.
pub(crate) fn changed(bytes: &[u8]) {
    let [kind, rest @ ..] = bytes else { return };
    match kind % 5 {
        0 => text(rest, HiddenCharacters::Strip, UnicodeForm::Keep),
        1 => text(rest, HiddenCharacters::Keep, UnicodeForm::Nfc),
        2 => text(rest, HiddenCharacters::Strip, UnicodeForm::Nfc),
        3 => table(rest),
        _ => picture(rest),
    }
}

fn text(bytes: &[u8], hidden: HiddenCharacters, unicode: UnicodeForm) {
    let text = String::from_utf8_lossy(bytes);
    let rules = Normalise { hidden, unicode, ..Normalise::default() };
    let once = normal(&text, &rules);
    let again = normal(&once.text, &rules);
    assert_eq!(
        (again.text.as_ref(), again.hidden, again.composed),
        (once.text.as_ref(), 0, false),
        "{text:?}"
    );
    assert_eq!(
        once.text == text,
        once.hidden == 0 && !once.composed,
        "what was changed is counted: {text:?}"
    );
    assert!(hidden == HiddenCharacters::Strip || once.hidden == 0);
    assert!(reads_alike(&text, &text));
    assert_eq!(reads_alike(&text, &once.text), reads_alike(&once.text, &text));
}

fn table(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(cordon_files::is_table(&text), cordon_files::is_table(&text));
    let Some((once, count)) = cordon_files::neutralised(&text) else { return };
    assert!(count > 0 && once.len() == text.len() + usize::try_from(count).unwrap_or(0));
    assert_eq!(cordon_files::neutralised(&once), None, "the same again changes nothing: {text:?} {once:?}");
}

fn picture(bytes: &[u8]) {
    let Some(bare) = cordon_files::without_metadata(bytes) else { return };
    assert!(bare.len() <= bytes.len(), "nothing is added");
    assert_eq!(cordon_files::without_metadata(&bare), None, "the same again changes nothing");
}
