//! Ways to cut a text into pieces: whatever reads a stream must read the same for each of them.

use std::ops::Range;

/// Random numbers from a seed (splitmix64): the same seed gives the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.bits() % bound).unwrap()
    }
}

/// Cuts `0..length` into non-empty ranges of 1 to `longest` (a size drawn anew for each).
pub fn ranges(length: usize, longest: usize, seed: u64) -> Vec<Range<usize>> {
    let mut random = Random::new(seed);
    let mut out = Vec::new();
    let mut from = 0;
    while from < length {
        let to = length.min(from + 1 + random.below(longest.max(1)));
        out.push(from..to);
        from = to;
    }
    out
}

/// Cuts bytes at random places, through the middle of characters too.
pub fn bytes(bytes: &[u8], longest: usize, seed: u64) -> Vec<Vec<u8>> {
    ranges(bytes.len(), longest, seed).into_iter().map(|range| bytes[range].to_vec()).collect()
}

/// Cuts a text at random places between characters.
pub fn chars(text: &str, longest: usize, seed: u64) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    ranges(all.len(), longest, seed).into_iter().map(|range| all[range].iter().collect()).collect()
}

/// The cuts of a text that a stream test tries: whole, single characters, pairs, and `random` random ones, from fine
/// to coarse. Each concatenates to the text.
pub fn chunkings(text: &str, seed: u64, random: usize) -> Vec<Vec<String>> {
    let single: Vec<String> = text.chars().map(String::from).collect();
    let pairs = single.chunks(2).map(|pair| pair.concat()).collect();
    let mut out = vec![vec![text.to_owned()], single, pairs];
    let mut seeds = Random::new(seed);
    for round in 0..random {
        out.push(chars(text, 2 << (round % 7), seeds.bits()));
    }
    out
}

/// [`chunkings`] over bytes: single bytes split every character of more than one.
pub fn byte_chunkings(all: &[u8], seed: u64, random: usize) -> Vec<Vec<Vec<u8>>> {
    let mut out = vec![
        vec![all.to_vec()],
        all.chunks(1).map(<[u8]>::to_vec).collect(),
        all.chunks(2).map(<[u8]>::to_vec).collect(),
    ];
    let mut seeds = Random::new(seed);
    for round in 0..random {
        out.push(bytes(all, 2 << (round % 7), seeds.bits()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunking_concatenates_to_the_text_and_has_no_empty_piece() {
        let text = "naïve 🙂 text — with wide characters";
        for seed in 0..50 {
            for pieces in chunkings(text, seed, 9) {
                assert_eq!(pieces.concat(), text);
                assert!(pieces.iter().all(|piece| !piece.is_empty()));
            }
            for pieces in byte_chunkings(text.as_bytes(), seed, 9) {
                assert_eq!(pieces.concat(), text.as_bytes());
                assert!(pieces.iter().all(|piece| !piece.is_empty()));
            }
        }
    }

    #[test]
    fn seeds_repeat_and_differ() {
        assert_eq!(ranges(1000, 16, 7), ranges(1000, 16, 7));
        assert_ne!(ranges(1000, 16, 7), ranges(1000, 16, 8));
        assert!(ranges(0, 16, 7).is_empty());
    }

    #[test]
    fn a_byte_chunking_splits_characters() {
        let split = byte_chunkings("é".as_bytes(), 0, 0).remove(1);
        assert!(split.iter().all(|piece| std::str::from_utf8(piece).is_err()));
    }
}
