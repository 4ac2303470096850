//! Which word of the rules a word is, with what hides it undone, and whether anything did.

use cordon_core::Span;

use crate::evidence::Word;
use crate::fold::confusable;
use crate::scanner::Context;

/// A word in lower case.
#[derive(Default)]
pub(super) struct Lower {
    bytes: Vec<u8>,
}

/// Looks a word up: as it is, then without what hides it. Says whether it was read as it is, and whether by ROT13.
pub(super) fn read(bytes: &[u8], buffer: &mut Lower, context: &Context<'_>) -> (Option<(Word, bool)>, bool) {
    let rules = &context.tables.rules;
    if bytes.iter().all(u8::is_ascii_alphabetic) {
        return (rules.letters(bytes).or_else(|| rules.swapped(bytes)), true);
    }
    if bytes.is_ascii() {
        // Leetspeak has letters too; a number alone is a number.
        if !bytes.iter().any(u8::is_ascii_alphabetic) {
            return (None, true);
        }
        let trimmed = bytes.strip_prefix(b"@").or_else(|| bytes.strip_prefix(b"$")).unwrap_or(bytes);
        for one in [b'i', b'l'] {
            buffer.bytes.clear();
            buffer.bytes.extend(bytes.iter().map(|byte| leet(*byte, one)));
            if let Some(found) = rules.word(&buffer.bytes).filter(|_| bytes.len() >= 3) {
                return (Some(found), false);
            }
        }
        buffer.bytes.clear();
        buffer.bytes.extend(trimmed.iter().map(u8::to_ascii_lowercase));
        return (rules.word(&buffer.bytes), true);
    }
    // From Hebrew to the last of the scripts without case, and the ideographs: nothing to lower, nothing to confuse.
    if bytes.iter().all(|b| matches!(b, 0x80..=0xbf | 0xd7..=0xdf | 0xe3..=0xe9)) {
        return (rules.word(bytes), true);
    }
    let text = String::from_utf8_lossy(bytes);
    buffer.bytes.clear();
    let mut utf8 = [0; 4];
    for c in text.chars().flat_map(char::to_lowercase) {
        buffer.bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
    if let Some(found) = rules.word(&buffer.bytes) {
        return (Some(found), true);
    }
    buffer.bytes.clear();
    for c in text.chars() {
        match (u8::try_from(c), confusable(c)) {
            (Ok(byte), _) if byte.is_ascii() => buffer.bytes.push(byte.to_ascii_lowercase()),
            (_, Some(byte)) => buffer.bytes.push(byte),
            _ => return (None, true),
        }
    }
    (rules.word(&buffer.bytes), false)
}

/// The letter that a digit or sign stands for; `one` is what `1` stands for.
const fn leet(byte: u8, one: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' => one,
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        b'9' => b'g',
        _ => byte.to_ascii_lowercase(),
    }
}

/// Whether something in a word of the rules that was read as ASCII hides it: invisible characters, or marks that its language does not write.
pub(super) fn is_hidden(
    word: Option<(Word, bool)>,
    start: usize,
    end: usize,
    original: Span,
    context: &Context<'_>,
) -> bool {
    word.is_some_and(|(word, _)| {
        original.len() != end - start
            && !(context.tables.rules.kind(word).marked && context.text.is_marked(start, end))
    })
}
