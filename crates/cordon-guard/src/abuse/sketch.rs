//! What is kept of a prompt: enough to say how another one differs from it, and nothing of what it says.
//!
//! A word is a number that the process's key makes of it, so that a sketch means nothing anywhere else.

/// A key of this process.
pub(super) type Key = [u64; 2];

/// Words whose order is known, at the beginning and at the end of a prompt each.
const EDGE: usize = 32;
/// Planes of the counters of a SimHash: a prompt has fewer than 2^14 words.
const PLANES: usize = 14;
/// Bytes of a prompt that are looked at, at its beginning and at its end each.
const HALF: usize = 8 << 10;
/// Digits of a number that can be counted on from: what is longer is a word.
const DIGITS: usize = 9;
/// What marks a number among words.
const NUMBER: u32 = 1 << 31;
/// The longest slot of a template, in words: a date, a name with its titles, a UUID.
const SLOT: usize = 6;
/// Words of a template around its slot.
const AROUND: usize = 4;
/// Numbers no further apart than this are counted through.
const NEAR: u32 = 64;

/// What is kept of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    /// Of which texts with most words in common share most bits (M. Charikar, Similarity Estimation Techniques from Rounding
    /// Algorithms, STOC 2002).
    simhash: u64,
    words: usize,
    /// A hash of all words in their order, and one of all but the last.
    whole: u64,
    but_last: u64,
    /// The first words and the last ones; all of them where there are no more than twice [`EDGE`].
    edges: Box<[u32]>,
    /// A hash of the words between.
    middle: u64,
}

/// How a prompt differs from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// In nothing but letters' case and what stands between words.
    Nothing,
    /// By a word that came or went.
    Length,
    /// In one place: as many words stand before it, and it has so many. All else is the same.
    Slot {
        /// Words before the place.
        at: usize,
        /// Words in it, of the longer one.
        width: usize,
        /// Whether both have a number there, and these are near each other.
        counts: bool,
    },
    /// In more than that.
    More,
}

/// Makes a sketch of texts, one after the other.
struct Maker {
    key: Key,
    planes: [u64; PLANES],
    words: usize,
    whole: u64,
    but_last: u64,
    edges: Vec<u32>,
    middle: u64,
    /// The word that is being read: its hash, how long it is, its number.
    hash: u64,
    length: usize,
    number: Option<u32>,
}

impl Sketch {
    /// The sketch of texts that stand after each other. What lies between the first and the last 8 KiB of them is not looked at.
    pub(super) fn of<'a>(key: Key, texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let total = texts.clone().fold(0_usize, |sum, text| sum.saturating_add(text.len()));
        let mut maker = Maker::new(key);
        let mut passed = 0_usize;
        for text in texts {
            let bytes = text.as_bytes();
            let first = bytes.len().min(HALF.saturating_sub(passed));
            let last = bytes.len().min(total.saturating_sub(HALF).saturating_sub(passed)).max(first);
            maker.read(bytes.get(..first).unwrap_or_default());
            maker.read(bytes.get(last..).unwrap_or_default());
            passed = passed.saturating_add(bytes.len());
        }
        maker.sketch()
    }

    /// How many words it has.
    pub(super) const fn words(&self) -> usize {
        self.words
    }

    /// What tells it from all others.
    pub(super) const fn identity(&self) -> u64 {
        self.whole
    }

    /// In how many of 64 bits the two differ: about 32 where they have nothing in common.
    pub(super) const fn distance(&self, other: &Self) -> u32 {
        (self.simhash ^ other.simhash).count_ones()
    }

    /// How it differs from an earlier one.
    pub(super) fn change(&self, earlier: &Self) -> Change {
        if self.words == earlier.words && self.whole == earlier.whole {
            return Change::Nothing;
        }
        let by_one = self.words.abs_diff(earlier.words) == 1;
        if by_one && (self.whole == earlier.but_last || self.but_last == earlier.whole) {
            return Change::Length;
        }
        // Between the edges of two that are not equally long, no word stands beside its like.
        let whole = 2 * EDGE;
        let comparable = match self.words == earlier.words {
            true => self.middle == earlier.middle,
            false => self.words <= whole && earlier.words <= whole,
        };
        if !comparable {
            return Change::More;
        }
        let (new, old) = (&self.edges, &earlier.edges);
        let shorter = new.len().min(old.len());
        let before = new.iter().zip(old).take_while(|(new, old)| new == old).count();
        let after = new.iter().rev().zip(old.iter().rev()).take_while(|(new, old)| new == old).count();
        let after = after.min(shorter.saturating_sub(before));
        let same = before.saturating_add(after);
        let width = |words: &[u32]| words.len().saturating_sub(same);
        match (width(new), width(old)) {
            (0, 1) | (1, 0) => Change::Length,
            (1, 1) => {
                let counts = new.get(before).zip(old.get(before)).is_some_and(|(new, old)| near(*new, *old));
                Change::Slot { at: before, width: 1, counts }
            }
            (new, old) if new.min(old) > 0 && new.max(old) <= SLOT && same >= AROUND => {
                Change::Slot { at: before, width: new.max(old), counts: false }
            }
            _ => Change::More,
        }
    }
}

/// Whether two words are numbers that are near each other. Numbers keep their distances, whatever the key.
const fn near(one: u32, other: u32) -> bool {
    let apart = one.wrapping_sub(other) & (NUMBER - 1);
    one & other & NUMBER != 0 && (apart <= NEAR || apart >= NUMBER - NEAR)
}

impl Maker {
    fn new(key: Key) -> Self {
        Self {
            key,
            planes: [0; PLANES],
            words: 0,
            whole: 0,
            but_last: 0,
            edges: Vec::with_capacity(2 * EDGE),
            middle: 0,
            hash: key[0],
            length: 0,
            number: Some(0),
        }
    }

    /// Reads a text: words are runs of letters and digits, and signs of scripts that put no spaces between words.
    fn read(&mut self, text: &[u8]) {
        let mut sign = 0_u8;
        for byte in text {
            let Some(folded) = folded(*byte) else {
                self.end();
                continue;
            };
            // Kana and Han, U+3000 to U+9FFF: three bytes, of which the first is one of these.
            if matches!(byte, 0xe3..=0xe9) {
                self.end();
                sign = 3;
            }
            // FNV-1a, begun at the key.
            self.hash = (self.hash ^ u64::from(folded)).wrapping_mul(0x0000_0100_0000_01b3);
            self.length += 1;
            self.number = match (self.number, byte) {
                (Some(number), b'0'..=b'9') => {
                    Some(number.wrapping_mul(10).wrapping_add(u32::from(*byte & 15)))
                }
                _ => None,
            };
            if sign > 0 {
                sign -= 1;
                if sign == 0 {
                    self.end();
                }
            }
        }
        self.end();
    }

    /// Takes the word that was read, if one was.
    fn end(&mut self) {
        if self.length == 0 {
            return;
        }
        let hash = mixed(self.hash, self.key[1]);
        let number = self.number.filter(|_| self.length <= DIGITS);
        (self.hash, self.length, self.number) = (self.key[0], 0, Some(0));
        self.count(hash);
        let short = low(hash) & !NUMBER;
        // A number keeps its distance from others; where it lies is the key's.
        let word = number.map_or(short, |number| number.wrapping_add(low(self.key[1])) | NUMBER);
        self.but_last = self.whole;
        self.whole = mixed(self.whole ^ u64::from(word), self.key[0]);
        match self.edges.get_mut(EDGE + self.words.saturating_sub(2 * EDGE) % EDGE) {
            Some(oldest) if self.words >= 2 * EDGE => {
                self.middle = mixed(self.middle ^ u64::from(*oldest), self.key[0]);
                *oldest = word;
            }
            _ => self.edges.push(word),
        }
        self.words += 1;
    }

    /// Adds one to each of 64 counters whose bit is set; plane `n` holds bit `n` of all of them.
    fn count(&mut self, bits: u64) {
        let mut carry = bits;
        for plane in &mut self.planes {
            (*plane, carry) = (*plane ^ carry, *plane & carry);
            if carry == 0 {
                return;
            }
        }
    }

    fn sketch(mut self) -> Sketch {
        // The counters that are above half of the words, compared with it bit by bit from the highest.
        let half = self.words / 2;
        let (mut above, mut equal) = (0_u64, u64::MAX);
        for (at, plane) in self.planes.iter().enumerate().rev() {
            if half >> at & 1 == 0 {
                above |= equal & plane;
                equal &= !plane;
            } else {
                equal &= plane;
            }
        }
        if self.words > 2 * EDGE
            && let Some(last) = self.edges.get_mut(EDGE..)
        {
            last.rotate_left(self.words % EDGE);
        }
        Sketch {
            simhash: above,
            words: self.words,
            whole: self.whole,
            but_last: self.but_last,
            edges: self.edges.into_boxed_slice(),
            middle: self.middle,
        }
    }
}

/// Spreads what is in a number over all of its bits (the folded product of wyhash, W. Yi 2019).
fn mixed(value: u64, key: u64) -> u64 {
    folded_product(folded_product(value ^ 0x9e37_79b9_7f4a_7c15, key | 1), 0xd6e8_feb8_6659_fd93)
}

fn folded_product(one: u64, other: u64) -> u64 {
    let (low, high) = one.carrying_mul(other, 0);
    low ^ high
}

/// The lower half of a number.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn low(number: u64) -> u32 {
    number as u32
}

/// Letters without their case, digits, and parts of letters beyond ASCII; nothing for all else.
const fn folded(byte: u8) -> Option<u8> {
    if byte.is_ascii_alphanumeric() || !byte.is_ascii() { Some(byte.to_ascii_lowercase()) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Key = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];

    fn sketch(text: &str) -> Sketch {
        Sketch::of(KEY, std::iter::once(text))
    }

    fn change(earlier: &str, new: &str) -> Change {
        sketch(new).change(&sketch(earlier))
    }

    fn long(words: usize) -> String {
        (0..words).map(|at| format!("w{at}x ")).collect()
    }

    #[test]
    fn words_are_told_from_what_stands_between_them() {
        for (text, words) in [
            ("", 0),
            ("  ,.", 0),
            ("Hello, world!", 2),
            ("a-b_c", 3),
            ("Grüße", 1),
            ("東京 へ", 3),
            ("id:7", 2),
        ] {
            assert_eq!(sketch(text).words(), words, "{text}");
        }
        assert_eq!(sketch("Hello, WORLD"), sketch("hello world."));
        assert_ne!(sketch("hello world"), sketch("world hello"));
        assert_ne!(sketch("hello").simhash, Sketch::of([1, 2], std::iter::once("hello")).simhash);
    }

    #[test]
    fn how_a_prompt_differs_is_told() {
        let slot = |at, width, counts| Change::Slot { at, width, counts };
        assert_eq!(change("Show the order 41", "show the order 41!"), Change::Nothing);
        assert_eq!(change("Show the order", "Show the order 41"), Change::Length);
        assert_eq!(change("Show the order", "Show me the order"), Change::Length);
        assert_eq!(change("Show the order 41", "Show the order 42"), slot(3, 1, true));
        assert_eq!(change("Show the order 42", "Show the order 41"), slot(3, 1, true));
        assert_eq!(change("Show the order 41", "Show the order 4711"), slot(3, 1, false));
        assert_eq!(change("What does Ann Smith earn now", "What does Bob earn now"), slot(2, 2, false));
        assert_eq!(change("one two three", "four five six"), Change::More);
        for (words, at) in [(64, 5), (65, 5), (200, 5), (200, 190)] {
            let text = long(words);
            let other = text.replace(&format!("w{at}x "), "other ");
            assert!(matches!(change(&text, &other), Change::Slot { width: 1, .. }), "{words} {at}");
            assert_eq!(change(&text, &format!("{text} more")), Change::Length, "{words}");
            assert_eq!(change(&format!("{text} more"), &text), Change::Length, "{words}");
        }
        let text = long(200);
        assert_eq!(change(&text, &text.replace("w100x", "other")), Change::More, "between the edges");
    }

    #[test]
    fn texts_that_share_most_words_share_most_bits() {
        let text = long(200);
        let near = sketch(&text).distance(&sketch(&text.replace("w7x", "other")));
        let far = sketch(&text).distance(&sketch(&text.replace('w', "v")));
        assert!(near <= 6 && (16..=48).contains(&far), "{near} {far}");
    }

    #[test]
    fn what_lies_between_beginning_and_end_of_a_huge_text_is_not_looked_at() {
        let (head, tail) = ("begin ".repeat(2_000), "end ".repeat(3_000));
        let one = Sketch::of(KEY, [head.as_str(), "one", tail.as_str()].into_iter());
        let two = Sketch::of(KEY, [head.as_str(), "two", tail.as_str()].into_iter());
        assert_eq!(one, two);
        assert!(one.words() < 8_192);
    }

    /// The same, one counter for each bit.
    fn counted(words: &[u64]) -> u64 {
        (0..64).fold(0, |bits, bit| {
            let set = words.iter().filter(|word| *word >> bit & 1 == 1).count();
            bits | u64::from(set > words.len() / 2) << bit
        })
    }

    proptest! {
        #[test]
        fn counters_in_planes_count(words in prop::collection::vec(any::<u64>(), 0..300)) {
            let mut maker = Maker::new(KEY);
            words.iter().for_each(|word| maker.count(*word));
            maker.words = words.len();
            prop_assert_eq!(maker.sketch().simhash, counted(&words));
        }

        #[test]
        fn any_text_has_a_sketch_however_it_is_cut(text in ".{0,400}", at in any::<prop::sample::Index>()) {
            let whole = sketch(&text);
            prop_assert!(whole.words() <= text.len());
            prop_assert_eq!(whole.change(&whole), Change::Nothing);
            let (one, other) = text.split_at(text.floor_char_boundary(at.index(text.len() + 1)));
            let spaced = format!("{one} {other}");
            prop_assert_eq!(Sketch::of(KEY, [one, other].into_iter()), sketch(&spaced));
        }

        #[test]
        fn one_word_changed_is_seen_at_its_place(words in prop::collection::vec("[a-z]{2,6}", 1..64), at in any::<prop::sample::Index>()) {
            let at = at.index(words.len());
            let mut other = words.clone();
            other[at] = "0changed0".to_owned();
            prop_assert_eq!(
                change(&words.join(" "), &other.join(" ")), Change::Slot { at, width: 1, counts: false });
            other.remove(at);
            prop_assert_eq!(change(&words.join(" "), &other.join(" ")), Change::Length);
        }
    }
}
