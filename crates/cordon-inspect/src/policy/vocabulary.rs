//! What is known of words and phrases: the classes that the model looks at, and the lists whose entries are findings by themselves.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::CATEGORIES;
use super::asked::{self, List, Rules, Seen};
use super::model::COLUMNS;
use crate::fold;

/// The vocabulary as it is written; part of the rules' digest.
pub(crate) const TEXT: &str = include_str!("vocabulary.txt");
/// Most words of a phrase.
pub(crate) const MOST_WORDS: usize = 6;
/// Bytes of the shortest ending that may be left open.
const STEM: usize = 2;

/// The class of words that say nothing by themselves.
pub(super) const SILENT: u64 = 1 << 63;

/// What is known of a word or a phrase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its classes.
    pub(crate) classes: u64,
    /// The categories whose lists have it.
    pub(crate) listed: u16,
    /// Whether it is in the lists of what is asked for.
    asked: bool,
}

/// A word in the one way in which it is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// Of all of it, and of its first letters.
    pub(crate) hash: u64,
    pub(crate) stem: u64,
}

/// What looking up needs, kept from word to word.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bytes: Vec<u8>,
    other: Vec<u8>,
    /// The hash of the first bytes of the word, from [`STEM`] on.
    prefixes: Vec<u64>,
}

impl Scratch {
    pub(crate) const fn memory(&self) -> usize {
        self.bytes.capacity() + self.other.capacity() + self.prefixes.capacity() * size_of::<u64>()
    }
}

/// The vocabulary, compiled.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// By key, in order.
    entries: Vec<(u64, Known)>,
    /// For each key a bit, so that most of what is no entry is not looked for.
    some: Vec<u64>,
    scores: [u8; COLUMNS],
    /// What is asked for, and the lists that a key is in, by key in order.
    rules: Rules,
    lists: Vec<(u64, List)>,
}

/// Undoes a disguise, and says whether there was one.
type Undo = fn(&[u8], &mut Vec<u8>) -> bool;

/// How an entry ends.
#[derive(Clone, Copy)]
enum Ending {
    Whole,
    Open,
    /// It is only the beginning of one.
    Head,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;
/// What all numbers are.
const NUMBER: u64 = 0x2545_f491_4f6c_dd1d;

impl Vocabulary {
    /// Compiles the vocabulary of the crate.
    pub(crate) fn builtin() -> Self {
        Self::compile(TEXT, asked::TEXT)
    }

    fn compile(text: &str, asked: &str) -> Self {
        let mut found: Vec<(u64, Known)> = Vec::new();
        let mut scores = [0; COLUMNS];
        let mut known = Known::default();
        let mut classes = 0_u32;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with("- ") {
                known = Known { classes: SILENT, ..Known::default() };
            } else if line.starts_with("= ") {
                known = Known { classes: 1_u64.checked_shl(classes).unwrap_or(0), ..Known::default() };
                classes += 1;
            } else if let Some((category, score)) =
                line.strip_prefix("! ").and_then(|list| list.split_once(' '))
            {
                let column = CATEGORIES.iter().position(|name| *name == category);
                known = Known { listed: column.map_or(0, |column| 1 << column), ..Known::default() };
                if let Some(slot) = column.and_then(|column| scores.get_mut(column)) {
                    *slot = score.parse().unwrap_or(0);
                }
            } else {
                line.split(',').for_each(|entry| enter(entry.trim(), known, &mut found));
            }
        }
        let mut lists: Vec<(u64, List)> = Vec::new();
        let rules = Rules::compile(asked, |entry, list| {
            let from = found.len();
            enter(entry, Known { asked: true, ..Known::default() }, &mut found);
            lists.extend(
                found.iter().skip(from).filter(|(_, known)| known.asked).map(|(key, _)| (*key, list)),
            );
        });
        lists.sort_unstable();
        lists.dedup();
        found.sort_by_key(|(key, _)| *key);
        let mut entries: Vec<(u64, Known)> = Vec::with_capacity(found.len());
        for (key, known) in found {
            match entries.last_mut() {
                Some((last, all)) if *last == key => {
                    all.classes |= known.classes;
                    all.listed |= known.listed;
                    all.asked |= known.asked;
                }
                _ => entries.push((key, known)),
            }
        }
        let mut some = vec![0_u64; 1 << 12];
        for (key, _) in &entries {
            let (slot, bit) = place(*key);
            if let Some(slot) = some.get_mut(slot) {
                *slot |= bit;
            }
        }
        Self { entries, some, scores, rules, lists }
    }

    /// How sure the list of a category is.
    pub(crate) fn score(&self, column: usize) -> cordon_core::Score {
        cordon_core::Score::percent(u32::from(self.scores.get(column).copied().unwrap_or(0)))
    }

    /// The categories that a sentence asks for, and how sure that is.
    pub(super) fn asked(&self, seen: &Seen) -> Vec<(usize, cordon_core::Score)> {
        self.rules.judge(seen)
    }

    fn find(&self, head: u64, hash: u64, ending: Ending) -> Option<Known> {
        self.known(key(head, hash, ending))
    }

    fn known(&self, key: u64) -> Option<Known> {
        let (slot, bit) = place(key);
        if self.some.get(slot).is_none_or(|bits| bits & bit == 0) {
            return None;
        }
        let at = self.entries.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.entries.get(at).map(|(_, known)| *known)
    }

    /// A word of the folded text in its one way. Where the vocabulary does not know it, it is read without what may disguise it: signs
    /// and digits for letters, letters that are repeated, an article.
    pub(crate) fn word(&self, bytes: &[u8], scratch: &mut Scratch) -> Word {
        normal(bytes, &mut scratch.bytes);
        let word = prefixes(scratch);
        if self.is_word(&word, scratch) {
            return word;
        }
        let plain = std::mem::take(&mut scratch.bytes);
        let disguises: [Undo; 5] =
            [|from, to| leet(from, b'i', to), |from, to| leet(from, b'l', to), repeated, article, alike];
        for undo in disguises {
            let mut other = std::mem::take(&mut scratch.other);
            let changed = undo(&plain, &mut other);
            scratch.other = std::mem::replace(&mut scratch.bytes, other);
            if changed {
                let word = prefixes(scratch);
                if self.is_word(&word, scratch) {
                    return word;
                }
            }
        }
        scratch.bytes = plain;
        prefixes(scratch)
    }

    fn is_word(&self, word: &Word, scratch: &Scratch) -> bool {
        self.find(0, word.hash, Ending::Whole).is_some()
            || scratch.prefixes.iter().any(|stem| self.find(0, *stem, Ending::Open).is_some())
    }

    /// What is known of the phrases that end with a word, the longest first: how many words stand before it, and what it is. `before`
    /// are the words before it, the last one first. `lists` gets those of what is asked for that have one of them.
    pub(super) fn phrases(
        &self,
        before: impl Iterator<Item = u64>,
        word: &Word,
        scratch: &Scratch,
        lists: &mut Vec<List>,
    ) -> Vec<(usize, Known)> {
        let mut find = |head: u64, hash: u64, ending: Ending| {
            let key = key(head, hash, ending);
            let known = self.known(key).unwrap_or_default();
            if known.asked {
                let first = self.lists.partition_point(|(other, _)| *other < key);
                let of = self.lists.iter().skip(first).take_while(|(other, _)| *other == key);
                lists.extend(of.map(|(_, list)| *list));
            }
            known
        };
        let mut found = Vec::new();
        let mut head = 0;
        let heads = before.zip(1..).map(|(hash, place)| {
            head = further(head, hash, place);
            (usize::try_from(place).unwrap_or(0), head)
        });
        for (count, head) in std::iter::once((0, 0)).chain(heads) {
            if count > 0 && self.find(head, 0, Ending::Head).is_none() {
                continue;
            }
            let mut known = find(head, word.hash, Ending::Whole);
            for stem in &scratch.prefixes {
                let more = find(head, *stem, Ending::Open);
                known.classes |= more.classes;
                known.listed |= more.listed;
            }
            if known.classes != 0 || known.listed != 0 {
                found.push((count, known));
            }
        }
        found.reverse();
        found
    }
}

/// Enters a phrase, its beginnings and its words.
fn enter(entry: &str, known: Known, found: &mut Vec<(u64, Known)>) {
    let (phrase, ending) = match entry.strip_suffix('*') {
        Some(stem) => (stem, Ending::Open),
        None => (entry, Ending::Whole),
    };
    let mut words: Vec<u64> = Vec::new();
    let mut scratch = Scratch::default();
    let mut add = |word: &str| {
        if !word.is_empty() {
            normal(word.as_bytes(), &mut scratch.bytes);
            words.push(hash_of(&scratch.bytes));
        }
    };
    for part in phrase.split([' ', '\'', '-']) {
        // As the reader cuts them: every character of a script without spaces is a word.
        let mut rest = part;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_alone(*c)) {
            let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let (alone, after) = after.split_at_checked(c.len_utf8()).unwrap_or((after, ""));
            add(before);
            add(alone);
            rest = after;
        }
        add(rest);
    }
    let Some((last, before)) = words.split_last().filter(|(_, before)| before.len() < MOST_WORDS) else {
        return;
    };
    let heads = before.iter().rev().zip(1..).scan(0, |head, (hash, place)| {
        *head = further(*head, *hash, place);
        Some(*head)
    });
    let head = heads.last().unwrap_or(0);
    if !before.is_empty() {
        found.push((key(head, 0, Ending::Head), Known::default()));
    }
    found.push((key(head, *last, ending), known));
    // Words of phrases are words that are known, so that a disguise of theirs is undone.
    found.extend(words.iter().map(|hash| (key(0, *hash, Ending::Whole), Known::default())));
}

fn is_alone(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9fff}')
}

/// The words before, with one more at this place before the last.
const fn further(head: u64, hash: u64, place: u32) -> u64 {
    head ^ hash.wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(11 * place) ^ (place as u64)
}

const fn key(head: u64, hash: u64, ending: Ending) -> u64 {
    let of = match ending {
        Ending::Whole => 1,
        Ending::Open => 2,
        Ending::Head => 3,
    };
    let mixed = (head.rotate_left(21) ^ hash ^ of).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ mixed >> 31
}

/// The word of bits, and the bit in it, that a key has.
fn place(key: u64) -> (usize, u64) {
    (usize::try_from(key >> 52).unwrap_or(0), 1 << (key >> 40 & 63))
}

fn hash_of(bytes: &[u8]) -> u64 {
    if bytes.iter().all(u8::is_ascii_digit) {
        return NUMBER;
    }
    bytes.iter().fold(SEED, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// Hashes the word in the scratch, and its beginnings.
fn prefixes(scratch: &mut Scratch) -> Word {
    scratch.prefixes.clear();
    let mut hash = SEED;
    let mut stem = SEED;
    for (at, byte) in (1..).zip(&scratch.bytes) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        if at >= STEM {
            scratch.prefixes.push(hash);
        }
        if at <= 5 {
            stem = hash;
        }
    }
    if scratch.bytes.iter().all(u8::is_ascii_digit) {
        scratch.prefixes.clear();
        (hash, stem) = (NUMBER, NUMBER);
    }
    Word { hash, stem }
}

/// Small letters without accents; of Arabic letters the ones that are written for each other are one.
fn normal(bytes: &[u8], to: &mut Vec<u8>) {
    to.clear();
    if bytes.is_ascii() {
        to.extend(bytes.iter().map(u8::to_ascii_lowercase));
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    let mut utf8 = [0; 4];
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        let c = match c {
            'ß' => {
                to.extend(b"ss");
                continue;
            }
            // Signs of a sentence that stand at a word without a space: `¿`, `؟`, `।`.
            'ـ' | '¿' | '¡' | '«' | '»' | '؟' | '،' | '؛' | '।' | '॥' => continue,
            'ı' => 'i',
            'ي' | 'ى' => 'ی',
            'ك' => 'ک',
            'ة' => 'ه',
            c if is_combining_mark(c) => continue,
            c => c,
        };
        to.extend(c.encode_utf8(&mut utf8).as_bytes());
    }
}

/// Letters for digits and signs; whether there were any beside letters. `one` is what `1` stands for.
fn leet(from: &[u8], one: u8, to: &mut Vec<u8>) -> bool {
    to.clear();
    let letter = |byte: u8| match byte {
        b'0' => b'o',
        b'1' => one,
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        b'9' => b'g',
        byte => byte,
    };
    to.extend(from.iter().map(|byte| letter(*byte)));
    to != from && from.iter().any(u8::is_ascii_alphabetic)
}

/// One letter for three and more of it; whether there were any.
fn repeated(from: &[u8], to: &mut Vec<u8>) -> bool {
    to.clear();
    let mut rest = from;
    while let Some(byte) = rest.first() {
        let count = rest.iter().take_while(|other| *other == byte).count();
        to.extend(std::iter::repeat_n(*byte, if count >= 3 { 1 } else { count }));
        rest = rest.get(count..).unwrap_or_default();
    }
    to.len() != from.len()
}

/// Letters of ASCII for letters that look like them, where all of a word is of such letters; whether there were any.
fn alike(from: &[u8], to: &mut Vec<u8>) -> bool {
    to.clear();
    if from.is_ascii() {
        return false;
    }
    for c in String::from_utf8_lossy(from).chars() {
        match u8::try_from(c).ok().filter(u8::is_ascii).or_else(|| fold::look_alike(c)) {
            Some(byte) => to.push(byte.to_ascii_lowercase()),
            None => return false,
        }
    }
    to.len() >= 3
}

/// Without the Arabic article; whether there is one.
fn article(from: &[u8], to: &mut Vec<u8>) -> bool {
    to.clear();
    let rest = from.strip_prefix("ال".as_bytes()).filter(|rest| rest.len() >= 6);
    to.extend(rest.unwrap_or_default());
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_vocabulary_can_be_read() {
        let classes = TEXT.lines().filter(|line| line.starts_with("= ")).count();
        assert!(classes < 63);
        for line in TEXT.lines().filter(|line| !line.is_empty()) {
            if let Some(list) = line.strip_prefix("! ") {
                let (category, score) = list.split_once(' ').expect("a category and a score");
                assert!(CATEGORIES.contains(&category), "{category}");
                assert!((1..=100).contains(&score.parse::<u8>().expect("a score")));
            } else if !line.starts_with(['#', '=', '-']) {
                for entry in line.split(',').map(str::trim) {
                    let mut found = Vec::new();
                    enter(entry, Known { classes: 1, ..Known::default() }, &mut found);
                    assert!(!found.is_empty(), "{entry:?} has no words, or too many");
                    let stem = entry.strip_suffix('*');
                    assert!(stem.is_none_or(|stem| stem.chars().count() >= 2), "{entry:?} is no stem");
                    assert!(!stem.unwrap_or(entry).contains('*'), "{entry:?}");
                }
            }
        }
    }

    #[test]
    fn words_are_known_in_any_disguise() {
        let vocabulary = Vocabulary::builtin();
        let mut scratch = Scratch::default();
        let plain = vocabulary.word(b"bitch", &mut scratch).hash;
        for other in ["BITCH", "b1tch", "biiiitch", "Bïtch"] {
            assert_eq!(vocabulary.word(other.as_bytes(), &mut scratch).hash, plain, "{other}");
        }
        assert_ne!(vocabulary.word(b"switch", &mut scratch).hash, plain);
    }
}
