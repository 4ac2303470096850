//! The plain words that mean something to a reader, in one table. Most words of a text mean nothing to any, and one look
//! tells so.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::evidence::{Rules, Word};
use crate::{pii, runs, secret};

/// A word of ASCII letters, all small but perhaps the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainWord {
    /// How many letters.
    pub(crate) len: usize,
    /// The letters, all small, from the lowest byte on.
    letters: u128,
}

/// What a plain word means.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meaning {
    /// A word of the rules, and whether it was read by ROT13.
    pub(crate) rule: Option<(Word, bool)>,
    /// What follows it may be a value that it names.
    pub(crate) names: bool,
    /// It may be part of a run.
    pub(crate) runs: bool,
    pub(crate) month: bool,
}

/// The words with a meaning.
#[derive(Debug)]
pub(crate) struct PlainWords {
    /// A bit for each value of some bits of the hash of a word.
    seen: Vec<u64>,
    words: HashMap<u128, Meaning, BuildHasherDefault<Mixed>>,
}

const EACH: u128 = u128::from_ne_bytes([1; 16]);
const HIGH: u128 = EACH << 7;

impl PlainWord {
    /// Letters of the longest one: longer ones may be values.
    const LONGEST: usize = 15;

    /// The word that some bytes begin with, whose first is a letter. None where it is longer, or more of it may come.
    #[inline]
    pub(crate) fn at_start(bytes: &[u8]) -> Option<Self> {
        let block = match bytes.first_chunk::<16>() {
            Some(block) => u128::from_le_bytes(*block),
            None => bytes.iter().rev().fold(0, |block, byte| block << 8 | u128::from(*byte)),
        };
        // The first letter may be a capital.
        let block = block | 0x20;
        // The highest bit of each byte says that it is at least `a`, that it is at most `z`, and that it is no ASCII: all
        // sixteen are compared at once, and none borrows from the next.
        let least = (block | HIGH).wrapping_sub(EACH * 0x61);
        let most = (EACH * 0xfa).wrapping_sub(block & !HIGH);
        let others = !(least & most & !block) & HIGH;
        let len = usize::try_from(others.trailing_zeros() / 8).ok()?;
        ((1..=Self::LONGEST).contains(&len) && len < bytes.len())
            .then(|| Self { len, letters: block & !(u128::MAX << (8 * len)) })
    }

    /// A word of small letters; none where they are no plain word.
    fn of(word: &[u8]) -> Option<Self> {
        let plain = (1..=Self::LONGEST).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase);
        let letters = word.iter().rev().fold(0, |letters, byte| letters << 8 | u128::from(*byte));
        plain.then_some(Self { len: word.len(), letters })
    }
}

impl PlainWords {
    pub(crate) fn new(rules: &Rules) -> Self {
        let mut table = Self { seen: vec![0; 1024], words: HashMap::default() };
        for (text, word) in rules.words() {
            table.add(text, |meaning| meaning.rule = Some(word));
        }
        for word in secret::NAMING {
            table.add(word.as_bytes(), |meaning| meaning.names = true);
        }
        for word in pii::months() {
            table.add(word, |meaning| meaning.month = true);
        }
        for word in runs::units() {
            table.add(&word, |meaning| meaning.runs = true);
        }
        table
    }

    fn add(&mut self, text: &[u8], say: impl FnOnce(&mut Meaning)) {
        let Some(word) = PlainWord::of(text) else { return };
        let (slot, bit) = place(word.letters);
        if let Some(bits) = self.seen.get_mut(slot) {
            *bits |= bit;
        }
        say(self.words.entry(word.letters).or_default());
    }

    /// What a word means.
    #[inline]
    pub(crate) fn meaning(&self, word: PlainWord) -> Meaning {
        let (slot, bit) = place(word.letters);
        if self.seen.get(slot).is_none_or(|bits| bits & bit == 0) {
            return Meaning::default();
        }
        self.words.get(&word.letters).copied().unwrap_or_default()
    }
}

/// Letters as a number that looks random in all its bits.
fn mix(letters: u128) -> u64 {
    let [low, high] = [letters & u128::from(u64::MAX), letters >> 64];
    let half = |half: u128| u64::try_from(half).unwrap_or(0);
    let mixed = (half(low) ^ half(high).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The place of a word among the bits.
fn place(letters: u128) -> (usize, u64) {
    let high = mix(letters) >> 48;
    (usize::try_from(high / 64).unwrap_or(0), 1 << (high % 64))
}

/// Hashes the letters of a plain word.
#[derive(Clone, Copy, Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.write_u128(
            bytes.iter().fold(u128::from(self.0), |letters, byte| letters << 8 | u128::from(*byte)),
        );
    }
    fn write_u128(&mut self, letters: u128) {
        self.0 = mix(letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_at_the_first_byte_that_is_no_small_letter() {
        let length = |text: &str| PlainWord::at_start(text.as_bytes()).map(|word| word.len);
        for (text, expected) in [
            ("the garden behind the library", Some(3)),
            ("The garden behind the library", Some(3)),
            ("the ", Some(3)),
            ("the", None),
            ("a garden", Some(1)),
            ("tHe garden", Some(1)),
            ("garden4 and so on and on", Some(6)),
            ("gardené and so on and on", Some(6)),
            ("z{", Some(1)),
            ("zz{", Some(2)),
            ("az`", Some(2)),
            ("abcdefghijklmno ", Some(15)),
            ("abcdefghijklmnop ", None),
            ("abcdefghijklmnopq ", None),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
    }

    #[test]
    fn every_word_of_the_rules_is_found_and_others_are_not() {
        let rules = Rules::builtin();
        let table = PlainWords::new(&rules);
        let meaning = |text: &str| table.meaning(PlainWord::of(text.as_bytes()).unwrap());
        let mut count = 0;
        for (text, word) in rules.words().filter(|(text, _)| PlainWord::of(text).is_some()) {
            assert_eq!(table.meaning(PlainWord::of(text).unwrap()).rule, Some(word), "{text:?}");
            count += 1;
        }
        assert!(count > 1000, "{count}");
        assert!(meaning("password").names && meaning("is").names && !meaning("garden").names);
        assert!(meaning("march").month && !meaning("marching").month);
        assert!(meaning("be").runs && meaning("gur").runs && !meaning("to").runs);
        assert!(meaning("maple").rule.is_none());
        // The first look keeps nearly all others away.
        let bits: u32 = table.seen.iter().map(|bits| bits.count_ones()).sum();
        assert!(bits < 65_536 / 6, "{bits}");
    }
}
