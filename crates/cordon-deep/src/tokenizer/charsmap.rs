//! SentencePiece's compiled map of characters: what is written in the place of what.
//!
//! Its bytes are the length of a double array (darts-clone), the array, and the texts that its values point into, each ended by
//! a zero. Whatever the bytes are, a look into them ends and stays within.

use unicode_segmentation::UnicodeSegmentation as _;

use super::Written;

/// The largest map. Those of published models have about 240 KB.
const MAX: usize = 4 << 20;

/// The most characters that one entry writes: as many as NFKD makes of one character, at most.
const MAX_WRITTEN: usize = 18;

/// The longest group of characters that is looked up as one, in bytes.
const MAX_GROUP: usize = 5;

/// A compiled map.
#[derive(Debug)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    texts: Vec<u8>,
}

impl Charsmap {
    /// Reads a map; nothing where its bytes are none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX {
            return None;
        }
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (units, texts) = rest.split_at_checked(length)?;
        let short = |text: &str| text.chars().count() <= MAX_WRITTEN;
        if !length.is_multiple_of(4) || !std::str::from_utf8(texts).ok()?.split('\0').all(short) {
            return None;
        }
        let unit = |unit: &[u8]| unit.iter().rev().fold(0, |unit, byte| (unit << 8) | u32::from(*byte));
        Some(Self { units: units.chunks_exact(4).map(unit).collect(), texts: texts.to_vec() })
    }

    /// What is written in the place of a text that begins with an entry of the map. The shortest such entry counts.
    fn mapped(&self, text: &str) -> Option<&str> {
        let unit = |at: u32| self.units.get(usize::try_from(at).ok()?).copied();
        let offset = |unit: u32| (unit >> 10) << ((unit & (1 << 9)) >> 6);
        let mut at = offset(unit(0)?);
        for byte in text.bytes().take_while(|byte| *byte != 0) {
            at ^= u32::from(byte);
            let here = unit(at)?;
            if here & (1 << 31 | 0xff) != u32::from(byte) {
                return None;
            }
            at ^= offset(here);
            if (here >> 8) & 1 == 1 {
                let value = usize::try_from(unit(at)? & !(1 << 31)).ok()?;
                let text = self.texts.get(value..)?;
                let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
                return std::str::from_utf8(text.get(..end)?).ok();
            }
        }
        None
    }

    /// The text as the map writes it. A group of characters that belong together is looked up as one where it is short, and
    /// character by character otherwise or where nothing stands for it.
    /// Nothing where it writes more than `most` characters.
    pub(super) fn apply(&self, written: &[Written], most: usize) -> Option<Vec<Written>> {
        let text: String = written.iter().map(|(c, _)| *c).collect();
        let mut rest = written;
        let mut out = Vec::with_capacity(written.len());
        for group in text.graphemes(true) {
            if out.len() > most {
                return None;
            }
            let (own, behind) = rest.split_at_checked(group.chars().count()).unwrap_or((rest, &[]));
            rest = behind;
            let short = group.len() <= MAX_GROUP;
            if let (true, Some(mapped), Some((_, start))) = (short, self.mapped(group), own.first()) {
                out.extend(mapped.chars().map(|c| (c, *start)));
                continue;
            }
            for (c, start) in own {
                match self.mapped(c.encode_utf8(&mut [0; 4])) {
                    Some(mapped) => out.extend(mapped.chars().map(|c| (c, *start))),
                    None => out.push((*c, *start)),
                }
                if out.len() > most {
                    return None;
                }
            }
        }
        (out.len() <= most).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_bytes_are_a_look_ends(
            units in prop::collection::vec(any::<u32>(), 0..64), texts in "([a-zé]{0,18}\0){0,4}", text in "\\PC{0,40}",
        ) {
            let mut bytes = u32::try_from(units.len() * 4).unwrap().to_le_bytes().to_vec();
            bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            bytes.extend(texts.bytes());
            let map = Charsmap::read(&bytes).unwrap();
            let written: Vec<Written> = text.chars().map(|c| (c, 0)).collect();
            let _ = map.apply(&written, usize::MAX);
            let _ = Charsmap::read(&bytes[1..]);
        }
    }

    #[test]
    fn an_entry_does_not_write_more_than_nfkd_does() {
        let map = |text: &str| Charsmap::read(&[&[0; 4], text.as_bytes()].concat());
        assert!(map("").is_some() && map(&"漢".repeat(18)).is_some() && map("\0a\0").is_some());
        assert!(map(&"a".repeat(19)).is_none() && map(&format!("a\0{}\0", "é".repeat(19))).is_none());
    }
}
