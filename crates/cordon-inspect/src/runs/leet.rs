//! Leetspeak: where several words are written so, the whole stretch is read as letters, signs inside of words too.

use cordon_core::{Category, Finding};

use super::Word;
use super::stretch::{Ended, Stretch};
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::starts::Starts;
use crate::view::{View, Way};

/// The commonest words of English and of other languages that have a letter for which leetspeak writes a digit or sign; of three letters none
/// that a number of three digits could be, and not the `ist` of German, which looks like an ordinal.
const COMMON: [&[u8]; 140] = [
    b"the", b"this", b"that", b"these", b"is", b"it", b"its", b"in", b"if", b"to", b"so", b"as", b"at", b"a",
    b"be", b"not", b"no", b"on", b"or", b"of", b"do", b"for", b"from", b"you", b"your", b"me", b"are",
    b"and", b"all", b"any", b"has", b"have", b"was", b"were", b"with", b"please", b"must", b"then", b"them",
    b"will", b"der", b"die", b"den", b"dem", b"ein", b"eine", b"mit", b"nicht", b"alle", b"alles", b"dein",
    b"deine", b"mir", b"dir", b"bitte", b"auf", b"von", b"wie", b"mein", b"dass", b"que", b"una", b"por",
    b"para", b"con", b"como", b"este", b"esta", b"todo", b"todos", b"del", b"sus", b"mis", b"debes", b"des",
    b"une", b"vous", b"pour", b"dans", b"votre", b"qui", b"pas", b"mais", b"tous", b"toutes", b"avec",
    b"moi", b"che", b"della", b"sono", b"tutte", b"tutti", b"per", b"tuo", b"tua", b"dei", b"delle", b"puoi",
    b"non", b"com", b"uma", b"sua", b"meu", b"dos", b"das", b"voce", b"bir", b"bana", b"benim", b"senin",
    b"olarak", b"misin", b"daha", b"yang", b"dan", b"dari", b"untuk", b"saya", b"anda", b"tidak", b"dengan",
    b"ini", b"ang", b"mga", b"iyong", b"nie", b"jest", b"jak", b"dla", b"mnie", b"twoje", b"het", b"niet",
    b"dat", b"een", b"mij", b"voor", b"jouw", b"trong", b"ban",
];
const STARTS: Starts = Starts::of(&COMMON);
/// The longest word that is looked up.
const LONGEST: usize = 16;

/// Signs at the beginning of a word.
const MAX_SIGNS: usize = 2;

/// The stretch that may be leetspeak.
#[derive(Debug, Default)]
pub(super) struct Leet {
    stretch: Stretch,
    /// Where the signs before the next word begin.
    signs: Option<usize>,
    /// Whether there are too many of them to belong to it.
    many: bool,
    /// Where they end: behind too many, a word may have passed by unseen.
    until: usize,
}

impl Leet {
    pub(super) fn live(&self) -> Option<usize> {
        self.stretch.start().or(self.signs.filter(|_| !self.many))
    }

    /// The byte at `i` belongs to no word.
    pub(super) fn gap(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if is_sign(byte) {
            let start = self.signs.filter(|_| self.until == i).unwrap_or(i);
            (self.signs, self.until) = (Some(start), i + 1);
            self.many = i - start >= MAX_SIGNS;
        } else {
            (self.signs, self.many) = (None, false);
        }
        if let Some(ended) = self.stretch.gap(i, context) {
            read(&ended, context);
        }
    }

    /// A word ended; `known` says that it is one of the rules in leetspeak.
    #[inline]
    pub(super) fn word(&mut self, word: Word<'_>, known: bool, context: &mut Context<'_>) {
        let signs = self.signs.take().filter(|signs| word.start - signs <= MAX_SIGNS);
        self.many = false;
        let start = signs.unwrap_or(word.start);
        let short = !word.letters || signs.is_some();
        let cue = known
            || short && word.end - start <= LONGEST && {
                let known = |letters: &[u8]| signs.is_some() && context.tables.rules.word(letters).is_some();
                is_word(context.text.slice(start, word.end), known)
            };
        if let Some(ended) = self.stretch.word((start, word.end), cue, context) {
            read(&ended, context);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        (self.signs, self.many) = (None, false);
        if let Some(ended) = self.stretch.close(end, context) {
            read(&ended, context);
        }
    }
}

/// Whether a short word is leetspeak for a common one, or for one that is known.
fn is_word(word: &[u8], known: impl Fn(&[u8]) -> bool) -> bool {
    // A longer number is one.
    let digits = word.iter().all(u8::is_ascii_digit);
    if word.len() < 2 || digits && word.len() > 3 || word.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut buffer = [0; LONGEST];
    let Some(letters) = buffer.get_mut(..word.len()) else { return false };
    // Few words begin like one of these.
    let may_be = |word: &[u8], one| match word {
        [first, second, ..] => STARTS.may_begin(letter(*first, one), letter(*second, one)),
        _ => false,
    };
    [b'i', b'l'].into_iter().any(|one| {
        for (to, from) in letters.iter_mut().zip(word) {
            *to = letter(*from, one);
        }
        may_be(word, one) && COMMON.contains(&&*letters) || known(letters)
    })
}

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'@' | b'$' | b'!' | b'|')
}

/// The small letter that a digit or sign stands for; `one` is what `1` and what looks like it stand for.
pub(crate) const fn letter(byte: u8, one: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'!' | b'|' => one,
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        b'9' => b'g',
        _ => byte.to_ascii_lowercase(),
    }
}

/// Reads a stretch as letters; before its first sign only injection is looked for, since that may have been let pass. What looks like personal
/// data then is none.
fn read(ended: &Ended, context: &mut Context<'_>) {
    let Ended { from, start, end } = *ended;
    let slice = context.text.slice(from, end);
    let mut text = slice.to_vec();
    for token in text.split_mut(|byte| !byte.is_ascii_alphanumeric() && !is_sign(*byte)) {
        // An exclamation mark behind a word is one.
        let length = token.iter().rposition(|byte| *byte != b'!').map_or(0, |last| last + 1);
        let Some(token) = token.get_mut(..length) else { continue };
        if token.iter().any(u8::is_ascii_alphabetic) || token.len() <= 3 {
            // In longer words the scanner tries both letters that `1` stands for.
            let one = if token.len() < 3 { b'i' } else { b'1' };
            for byte in token {
                *byte = letter(*byte, one);
            }
        }
    }
    if text != slice {
        let way = Way::blocks(0, text.len(), (1, 1));
        let [injection, leak] = ["prompt_injection", "leak"].map(Category::known);
        let counts = |found: &Finding| {
            injection.covers(&found.category)
                || leak.covers(&found.category) && from + found.span.start >= start
        };
        View::new(Encoding::Leetspeak, text, way).report(from, counts, context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_seen_and_numbers_are_none() {
        for word in ["7h3", "7h15", "y0u", "@ll", "!s", "70", "4nd", "a11"] {
            assert!(is_word(word.as_bytes(), |_| false), "{word}");
        }
        for word in ["the", "2024", "4", "x86", "3rd", "utf8", "c0ffee"] {
            assert!(!is_word(word.as_bytes(), |_| false), "{word}");
        }
        assert!(COMMON.iter().all(|word| word.len() <= LONGEST));
    }
}
