//! Words with letters that changed places: `ignroe all prevoius insturctions` reads as what it was to be, to people and to
//! models (Rawlinson 1976, "The significance of letter position in word recognition"). The first and the last letter stay.

use crate::evidence::Word;

/// The words that orders are made of, long enough that hardly any other English word has their letters between the same two.
const CUES: [&str; 26] = [
    "ignore",
    "ignoring",
    "disregard",
    "disregarding",
    "forget",
    "override",
    "overwrite",
    "bypass",
    "previous",
    "previously",
    "earlier",
    "preceding",
    "instruction",
    "instructions",
    "directives",
    "guidelines",
    "guideline",
    "programming",
    "restrictions",
    "limitations",
    "system",
    "prompt",
    "prompts",
    "reveal",
    "password",
    "everything",
];
/// What is a word itself: concrete may be so.
const OTHER: &[u8] = b"pervious";
/// Letters of the shortest and of the longest of them.
const SHORTEST: usize = 6;
const LONGEST: usize = 12;

/// The cues by their letters in order, between the first and the last one.
#[derive(Debug, Default)]
pub(crate) struct Swapped {
    /// For each first letter, the last letters that go with it, a bit each.
    ends: [u32; 26],
    words: Vec<([u8; LONGEST], Word)>,
}

impl Swapped {
    /// Of the words of the rules; `find` gives those that are.
    pub(crate) fn new(find: impl Fn(&[u8]) -> Option<Word>) -> Self {
        let mut table = Self::default();
        for cue in CUES {
            let (Some(word), Some((sorted, first, last))) = (find(cue.as_bytes()), sorted(cue.as_bytes()))
            else {
                continue;
            };
            if let Some(ends) = table.ends.get_mut(usize::from(first)) {
                *ends |= 1 << last;
            }
            table.words.push((sorted, word));
        }
        table.words.sort_unstable();
        table
    }

    /// The cue whose letters these are, with some of the inner ones at other places.
    #[inline]
    pub(crate) fn find(&self, letters: &[u8]) -> Option<Word> {
        if !(SHORTEST..=LONGEST).contains(&letters.len()) {
            return None;
        }
        let [first, .., last] = letters else { return None };
        let (first, last) = (place(*first)?, place(*last)?);
        if self.ends.get(usize::from(first)).is_none_or(|ends| ends >> last & 1 == 0) {
            return None;
        }
        if letters.eq_ignore_ascii_case(OTHER) {
            return None;
        }
        let (sorted, ..) = sorted(letters)?;
        let at = self.words.binary_search_by(|(known, _)| known.cmp(&sorted)).ok()?;
        self.words.get(at).map(|(_, word)| *word)
    }
}

/// Which letter of the alphabet it is.
const fn place(byte: u8) -> Option<u8> {
    if byte.is_ascii_alphabetic() { Some((byte | 0x20) - b'a') } else { None }
}

/// Small letters with those between the first and the last in order, and which those two are; none where one is no letter of ASCII.
fn sorted(letters: &[u8]) -> Option<([u8; LONGEST], u8, u8)> {
    let mut sorted = [0; LONGEST];
    for (to, byte) in sorted.iter_mut().zip(letters) {
        *to = place(*byte)? + b'a';
    }
    if let Some(inner) = sorted.get_mut(1..letters.len().saturating_sub(1)) {
        inner.sort_unstable();
    }
    let (first, last) = (letters.first()?, letters.last()?);
    Some((sorted, place(*first)?, place(*last)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Rules;

    #[test]
    fn letters_may_change_places_inside_of_a_cue() {
        let rules = Rules::builtin();
        let table = Swapped::new(|word| rules.word(word).map(|(word, _)| word));
        assert_eq!(table.words.len(), CUES.len(), "every cue is a word of the rules");
        let of = |text: &str| rules.word(text.as_bytes()).map(|(word, _)| word);
        for (written, cue) in [
            ("ignroe", "ignore"),
            ("Ignroe", "ignore"),
            ("prevoius", "previous"),
            ("insturctions", "instructions"),
            ("INSTRUTCIONS", "instructions"),
            ("disreagrd", "disregard"),
            ("systme", "system"),
            ("forgte", "forget"),
        ] {
            let found = table.find(written.as_bytes());
            // The last letter stays.
            let stays =
                written.as_bytes().last().map(u8::to_ascii_lowercase) == cue.as_bytes().last().copied();
            assert_eq!(found, stays.then(|| of(cue)).flatten(), "{written}");
        }
        for other in [
            "ignited",
            "instruments",
            "prompted",
            "foretold",
            "sytem",
            "ignore1",
            "ignoré",
            "pervious",
            "",
            "a",
        ] {
            assert_eq!(table.find(other.as_bytes()), None, "{other}");
        }
    }
}
