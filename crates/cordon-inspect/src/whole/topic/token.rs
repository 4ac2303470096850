//! A text as what it is about is read from: words, and characters of scripts without spaces.

use super::small;
use crate::fold::{Folded, classify, confusable, decompose};

/// Longest word, in bytes; of a longer one the rest counts for nothing.
const LONGEST: usize = 48;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::whole) enum Class {
    /// A word that says what a text is about.
    Word,
    /// A word that holds sentences together, asks, greets or thanks.
    Small,
    /// A character of a script without spaces that says what a text is about.
    Character,
    /// One that does not.
    SmallCharacter,
}

/// A word or a character.
#[derive(Clone, Copy, Debug)]
pub(in crate::whole) struct Token<'w> {
    /// The word as it is compared, in small letters and without marks.
    pub(in crate::whole) word: &'w str,
    pub(in crate::whole) class: Class,
    /// Its bytes in the text.
    pub(in crate::whole) start: usize,
    pub(in crate::whole) end: usize,
}

/// Reads a text: each token goes to `token`, in their order, and `end` is called where a sentence ends, or what no term goes over.
pub(in crate::whole) fn read(text: &str, mut take: impl FnMut(Option<Token<'_>>)) {
    let mut word = String::new();
    let (mut start, mut stop) = (0, 0);
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let end = at.saturating_add(c.len_utf8());
        if is_dense(c) {
            of_word(&mut word, (start, stop), &mut take);
            let next = characters.peek().map(|(_, next)| *next);
            take(Some(Token {
                word: c.encode_utf8(&mut [0; 4]),
                class: class_of(before, c, next),
                start: at,
                end,
            }));
            before = Some(c);
            continue;
        }
        let length = word.len();
        let Some(joins) = add(c, &mut word) else { continue };
        before = None;
        if joins {
            if length == 0 {
                start = at;
            }
            stop = end;
            continue;
        }
        of_word(&mut word, (start, stop), &mut take);
        if matches!(
            c,
            '.' | '!' | '?' | '\n' | ';' | ':' | '…' | '。' | '！' | '？' | '؟' | '।' | '|' | '{' | '}'
        ) {
            take(None);
        }
    }
    of_word(&mut word, (start, stop), &mut take);
    take(None);
}

/// Adds a character to a word, folded. Says whether it belongs to one; nothing of what nobody sees.
fn add(c: char, word: &mut String) -> Option<bool> {
    let mut letter = |c: char| {
        if word.len() < LONGEST {
            word.extend(c.to_lowercase());
        }
    };
    match if c.is_ascii() { Folded::Same } else { classify(c) } {
        Folded::Same => {
            let joins = c.is_alphanumeric();
            if joins {
                letter(c);
            }
            Some(joins)
        }
        Folded::Ascii(byte) => {
            let joins = byte.is_ascii_alphanumeric();
            if joins {
                letter(char::from(byte));
            }
            Some(joins)
        }
        Folded::Decompose => {
            let mut folded = Vec::new();
            decompose(c, &mut folded);
            String::from_utf8_lossy(&folded).chars().filter(|c| c.is_alphanumeric()).for_each(letter);
            Some(c.is_alphanumeric())
        }
        _ => None,
    }
}

/// The word that ends here, if any.
fn of_word(word: &mut String, (start, end): (usize, usize), take: &mut impl FnMut(Option<Token<'_>>)) {
    if word.is_empty() {
        return;
    }
    unmask(word);
    let says_nothing = word.chars().nth(1).is_none() || word.bytes().all(|b| b.is_ascii_digit());
    let class = if says_nothing || small::is_small(word) { Class::Small } else { Class::Word };
    take(Some(Token { word, class, start, end }));
    word.clear();
}

/// In a word with ASCII letters, those of other scripts that look like ones are those.
fn unmask(word: &mut String) {
    if !word.is_ascii() && word.bytes().any(|b| b.is_ascii_alphabetic()) {
        *word = word.chars().map(|c| confusable(c).map_or(c, char::from)).collect();
    }
}

fn class_of(before: Option<char>, c: char, next: Option<char>) -> Class {
    let is_pair = |one: Option<char>, other: Option<char>| {
        one.zip(other).is_some_and(|(one, other)| small::is_small_pair(one, other))
    };
    if small::is_small_character(c) || is_pair(before, Some(c)) || is_pair(Some(c), next) {
        Class::SmallCharacter
    } else {
        Class::Character
    }
}

/// Whether words of this script are read by their characters: there are no spaces between them, or endings grow to them.
pub(super) const fn is_dense(c: char) -> bool {
    matches!(c, '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ece}' | '\u{1000}'..='\u{104f}' | '\u{1780}'..='\u{17d3}'
        | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Endings of words in the languages of Europe that say nothing of what a word is about, and how many letters must be left: of a plural
/// first, then one of the longer ones, then what is left of one. So the plural of a word ends where the word does.
const ENDINGS: [&[(&str, usize)]; 3] =
    [&[("s", 3)], &[("ing", 3), ("ern", 4), ("ed", 4), ("en", 4), ("e", 4)], &[("n", 5)]];

/// The hash of a word without its ending.
pub(super) fn stem(word: &str) -> u64 {
    // `taxes`, `boxes`: the root of these may be short.
    let short = word
        .strip_suffix("es")
        .filter(|root| root.ends_with(['x', 'z']) || root.ends_with("ss") || root.ends_with("sh"));
    if let Some(root) = short {
        return hash(root.chars());
    }
    if let Some(root) =
        word.strip_suffix("ies").or_else(|| word.strip_suffix("ied")).filter(|root| root.len() >= 3)
    {
        return hash(root.chars().chain(['y']));
    }
    let mut root = word;
    for endings in ENDINGS {
        // Of `loss` and `business` nothing is an ending.
        let mut endings = endings.iter().filter(|(ending, _)| *ending != "s" || !root.ends_with("ss"));
        let bare = endings.find_map(|(ending, least)| {
            root.strip_suffix(ending).filter(|bare| bare.chars().count() >= *least)
        });
        root = bare.unwrap_or(root);
    }
    hash(root.chars())
}

/// A hash of characters (FNV-1a, 64 bits: <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>).
pub(super) fn hash(characters: impl Iterator<Item = char>) -> u64 {
    characters.fold(0xcbf2_9ce4_8422_2325, join)
}

/// The hash of what was hashed and one more character.
pub(super) fn join(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The hash of what was hashed and one more token.
pub(super) fn then(hash: u64, key: u64) -> u64 {
    (hash.rotate_left(7) ^ key).wrapping_mul(0x0000_0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        read(text, |token| found.push(token.map_or("/".to_owned(), |token| token.word.to_owned())));
        found
    }

    #[test]
    fn a_text_is_its_words_and_characters() {
        for (text, expected) in [
            ("Où est l'Été? Là.", &["ou", "est", "l", "ete", "/", "la", "/", "/"][..]),
            ("l\u{43e}an \u{200b}lo\u{200b}an ｌｏａｎ", &["loan", "loan", "loan", "/"]),
            ("кредит", &["кредит", "/"]),
            ("my房贷loan", &["my", "房", "贷", "loan", "/"]),
            ("", &["/"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let text = "Der Zins — ändert sich";
        read(text, |token| {
            if let Some(token) = token {
                assert!(
                    text.get(token.start..token.end)
                        .is_some_and(|said| said.chars().count() == token.word.chars().count())
                );
            }
        });
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for forms in [
            &["loan", "loans"][..],
            &["tax", "taxes"],
            &["policy", "policies"],
            &["price", "prices"],
            &["karte", "karten"],
            &["bank", "banken", "banking", "banks"],
            &["open", "opened", "opens", "opening"],
            &["election", "elections"],
            &["eleccion", "elecciones"],
            &["wagen", "wagens"],
            &["meeting", "meetings"],
            &["house", "houses"],
        ] {
            assert!(forms.windows(2).all(|pair| stem(pair[0]) == stem(pair[1])), "{forms:?}");
        }
        for (one, other) in [("card", "car"), ("loss", "lo"), ("plan", "pla"), ("business", "busines")] {
            assert_ne!(stem(one), stem(other));
        }
    }
}
