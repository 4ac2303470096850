//! Words with letters that changed places, or with one that is wrong, missing or too much: `ignroe all prevoius instrutions` reads as what it was
//! to be, to people and to models (Rawlinson 1976, "The significance of letter position in word recognition"). The first and the last letter stay.

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
/// What are words themselves: concrete may be pervious.
const OTHER: [&[u8]; 6] = [b"pervious", b"precious", b"forgot", b"revel", b"repeal", b"overwrote"];
/// Letters of the shortest and of the longest of them.
const SHORTEST: usize = 6;
const LONGEST: usize = 12;

/// The cues by their letters in order, between the first and the last one.
#[derive(Debug, Default)]
pub(crate) struct Swapped {
    /// For each first letter, the last letters that go with it, a bit each.
    ends: [u32; 26],
    words: Vec<([u8; LONGEST], Word)>,
    /// As they are written.
    written: Vec<(&'static [u8], Word)>,
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
            table.written.push((cue.as_bytes(), word));
        }
        table.words.sort_unstable();
        table
    }

    /// The cue whose letters these are, with some of the inner ones at other places, or one of them wrong, missing or too much.
    #[inline]
    pub(crate) fn find(&self, letters: &[u8]) -> Option<Word> {
        if !(SHORTEST - 1..=LONGEST + 1).contains(&letters.len()) {
            return None;
        }
        let [first, .., last] = letters else { return None };
        let (first, last) = (place(*first)?, place(*last)?);
        if self.ends.get(usize::from(first)).is_none_or(|ends| ends >> last & 1 == 0) {
            return None;
        }
        self.among(letters).filter(|_| !OTHER.iter().any(|other| letters.eq_ignore_ascii_case(other)))
    }

    fn among(&self, letters: &[u8]) -> Option<Word> {
        if letters.len() <= LONGEST {
            let (sorted, ..) = sorted(letters)?;
            if let Ok(at) = self.words.binary_search_by(|(known, _)| known.cmp(&sorted)) {
                return self.words.get(at).map(|(_, word)| *word);
            }
        }
        self.written.iter().find(|(cue, _)| is_slip(letters, cue)).map(|(_, word)| *word)
    }
}

/// Whether some letters are those of a cue but for one inner one, which is wrong, missing or too much.
fn is_slip(letters: &[u8], cue: &[u8]) -> bool {
    let longer = letters.len().max(cue.len());
    if longer - letters.len().min(cue.len()) > 1 {
        return false;
    }
    let same = |(letter, cue): (&u8, &u8)| letter.eq_ignore_ascii_case(cue);
    let before = letters.iter().zip(cue).take_while(|pair| same(*pair)).count();
    let behind = letters.iter().rev().zip(cue.iter().rev()).take_while(|pair| same(*pair)).count();
    before > 0 && behind > 0 && before + behind + 1 >= longer
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
            ("instrutions", "instructions"),
            ("Instrukctions", "instructions"),
            ("ingnore", "ignore"),
            ("igore", "ignore"),
            ("promt", "prompt"),
            ("sistem", "system"),
            ("passsword", "password"),
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
            "systems",
            "ignored",
            "igre",
            "forgot",
            "precious",
            "repeal",
            "restriction",
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
