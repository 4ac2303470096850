//! The words of a sentence that say what it is about.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::unit::unit;
use crate::whole::profiles::PROFILES;

/// Letters that are kept of a word: what is longer is cut, since endings of words are longer too (McNamee and Mayfield, *Character n-gram
/// tokenization for European language text retrieval*, 2004, on prefixes as stems).
const STEM: usize = 6;
/// Fewest letters that are left of a word without its ending.
const ROOT: usize = 3;
/// Endings of words in the languages of Europe that say nothing of what it is about. Cut as long as enough is left.
const ENDINGS: [&str; 10] = ["ing", "ed", "es", "ly", "en", "em", "s", "e", "n", "d"];
/// The most tokens of a sentence.
pub(super) const MAX_TOKENS: usize = 96;

/// Further words that hold sentences together.
const SMALL: &str = "i he she they them his her hers our ours your yours their my me us him its it's been being had were do does did would \
    could should may might must shall there here what when where who whom how why if then than so such any some all each every both more \
    most other into onto over under about after before between during within only very just one's own no nor but per via upon re ll ve \
    am aber als also am dein denn doch durch er es euch euer für haben hat hatte hatten ihr ihre ihrem ihren ihrer ihm ihn im in \
    ist ja jede jeder jedes man mein mich mir nach noch nur ob ohne seine seinem seinen seiner seit so um uns unser vom war waren was wenn wer wie \
    wir wo wurde wurden zum zur zwischen diese dieser dieses diesem diesen hier dort dann damit sowie bereits etwa ab bis";

/// Small words that are written with a capital letter inside of sentences too, and are no names.
const POLITE: [&str; 11] =
    ["the", "der", "die", "das", "sie", "ihr", "ihre", "ihren", "ihrem", "ihrer", "ihnen"];

/// Words by which a sentence refers to its sources, or begins.
const REFERRING: &str = "according based certainly context course document documents excerpt information mentioned passage provided source     sources stated summary sure text angaben dokument dokumente laut quelle quellen natürlich unterlagen zusammenfassend selon según";

static REFERS: LazyLock<HashSet<u64>> = LazyLock::new(|| REFERRING.split_whitespace().map(stem).collect());

static FUNCTION: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let profiles = PROFILES.iter().flat_map(|(_, words)| words.split(' '));
    profiles.chain(SMALL.split_whitespace()).collect()
});

/// A word that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The hash of its stem.
    pub(super) key: u64,
    /// Whether it looks like a name: a capital letter where a sentence does not ask for one, or letters and digits together.
    pub(super) name: bool,
    /// Whether it may refer to the sources, and is no word of theirs.
    pub(super) refers: bool,
}

/// A word of any kind, in small letters.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) small: String,
    pub(super) capital: bool,
}

/// The words of a sentence. Numbers are none.
pub(super) fn words(sentence: &str) -> Vec<Word> {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    let mut found = Vec::new();
    for piece in sentence.split(|c: char| !is_inner(c)) {
        let piece = piece.trim_matches(['\'', '’']);
        if !piece.chars().any(char::is_alphabetic) || found.len() >= 4 * MAX_TOKENS {
            continue;
        }
        let small = piece.replace('’', "'").to_lowercase();
        found.push(Word { small, capital: piece.starts_with(char::is_uppercase) });
    }
    found
}

/// Whether a word holds sentences together and says nothing itself.
pub(super) fn is_small(word: &str) -> bool {
    FUNCTION.contains(word)
}

/// The tokens of a sentence: each word once, and for scripts without spaces each pair of characters.
pub(super) fn tokens(words: &[Word]) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut add = |token: Token| {
        if found.len() < MAX_TOKENS && !found.iter().any(|known| known.key == token.key) {
            found.push(token);
        }
    };
    for (at, word) in words.iter().enumerate() {
        if is_dense(&word.small) {
            let characters: Vec<char> = word.small.chars().collect();
            for pair in characters.windows(2) {
                add(Token { key: hash(pair.iter().copied()), name: false, refers: false });
            }
            continue;
        }
        let bare = bare(&word.small);
        let letters = bare.chars().count();
        let is_label = letters == 1 && word.capital && at > 0 && word.small != "i";
        // A name may be a small word elsewhere; what is counted is compared with its number.
        let is_name = word.capital && at > 0 && letters > 2 && !POLITE.contains(&bare);
        let says_nothing =
            is_small(&word.small) || is_small(bare) || word.small.ends_with("n't") || letters < 2;
        if says_nothing && !is_label && !is_name || unit(bare).is_some() {
            continue;
        }
        let has_digit = word.small.chars().any(char::is_numeric);
        let key = if has_digit { hash(word.small.chars()) } else { stem(&word.small) };
        add(Token { key, name: has_digit || word.capital && at > 0, refers: REFERS.contains(&key) });
    }
    found
}

/// Whether words of this script are written without spaces between them.
fn is_dense(word: &str) -> bool {
    word.chars()
        .any(|c| matches!(c, '\u{e01}'..='\u{e5b}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'))
}

/// A word without what an apostrophe ties to it: `company's`, `l'entrée`.
fn bare(word: &str) -> &str {
    match word.split_once('\'') {
        Some((before, after)) if before.chars().count() <= 2 && !after.is_empty() => after,
        Some((before, _)) => before,
        None => word,
    }
}

/// The hash of a word without its ending.
pub(super) fn stem(word: &str) -> u64 {
    let mut root: Vec<char> = bare(word).chars().collect();
    // Each turn takes at least one letter away.
    while let Some(ending) = ENDINGS.iter().find(|ending| {
        root.len() >= ending.len().saturating_add(ROOT)
            && root.iter().rev().copied().zip(ending.chars().rev()).all(|(a, b)| a == b)
    }) {
        root.truncate(root.len() - ending.len());
    }
    if root.len() > ROOT && root.ends_with(&['i']) {
        // companies, company
        root.pop();
        root.push('y');
    }
    hash(root.into_iter().take(STEM))
}

/// A hash of characters (FNV-1a, 64 bits: <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>).
fn hash(characters: impl Iterator<Item = char>) -> u64 {
    characters.fold(0xcbf2_9ce4_8422_2325, |hash, c| {
        (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_token() {
        for forms in [
            &["deliver", "delivers", "delivered", "delivery", "delivering", "deliveries"][..],
            &["bag", "bags"],
            &["usual", "usually"],
            &["tag", "tage", "tagen", "tages"],
            &["open", "opens", "opened", "opening"],
            &["close", "closed", "closes", "closing"],
            &["company", "companies", "company's"],
            &["bestellung", "bestellungen"],
        ] {
            let stems: HashSet<u64> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{forms:?}");
        }
        assert_ne!(stem("order"), stem("refund"));
    }

    #[test]
    fn small_words_are_no_tokens_and_names_are_seen() {
        let of = |text: &str| tokens(&words(text));
        assert_eq!(of("It is not the one that they have.").len(), 1, "only `one`");
        let named: Vec<bool> =
            of("The shop of Ada Weber sells RFC9110 prints").iter().map(|token| token.name).collect();
        assert_eq!(named, [false, true, true, false, true, false]);
        assert_eq!(of("Plan B").len(), 2);
        assert_eq!(of("三天内送达").len(), 4);
        assert!(
            of(&"word ".repeat(1_000)).len() == 1
                && of(&(0..1_000).map(|i| format!("w{i}x ")).collect::<String>()).len() == MAX_TOKENS
        );
    }
}
