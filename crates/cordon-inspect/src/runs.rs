//! Runs of units that are one text together: letters with spaces between them, character codes, words in ROT13 and other ciphers,
//! leetspeak, Morse code, Braille, an encoded text in several fields, a credential in several pieces, text behind a right-to-left override, and words with
//! something put into them. Each is read once more as what it stands for.

mod braille;
mod broken;
mod ciphers;
mod cuts;
mod fields;
mod leet;
mod mended;
mod morse;
mod quoted;
mod reversed;
mod rotated;
mod spelled;
mod stretch;

use self::braille::Braille;
use self::broken::Broken;
use self::ciphers::Ciphers;
use self::fields::Fields;
use self::leet::Leet;
pub(crate) use self::leet::letter;
use self::mended::Mended;
pub(crate) use self::mended::{Held, MAX_SIGN, may_be_turned};
use self::morse::Morse;
use self::quoted::Quoted;
use self::reversed::Reversed;
use self::rotated::Rotated;
pub(crate) use self::rotated::rotate;
use self::spelled::Spelled;
pub(crate) use self::stretch::BEFORE;
use crate::scanner::Context;

/// Folded bytes of one run that are read together.
const MAX_RUN: usize = 2048;

/// What disguised a word of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disguise {
    /// Digits and signs for letters.
    Leet,
    /// Letters thirteen places on.
    Rot13,
}

/// A word of the folded text.
#[derive(Clone, Copy)]
struct Word<'a> {
    start: usize,
    end: usize,
    /// Its bytes; none where it is longer than [`MAX_SHORT`].
    text: &'a [u8],
    /// It is short and all of ASCII letters, or long.
    letters: bool,
}

/// Longer words are no unit of a run, and none of the commonest.
const MAX_SHORT: usize = 9;

/// The runs that are open.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// Where the open word began.
    word: Option<usize>,
    spelled: Spelled,
    rotated: Rotated,
    ciphers: Ciphers,
    leet: Leet,
    morse: Morse,
    braille: Braille,
    fields: Fields,
    reversed: Reversed,
    mended: Mended,
    broken: Broken,
    quoted: Quoted,
}

impl Runs {
    /// Takes the folded byte at `i`, and what disguised the word of the rules that ended before it.
    #[inline]
    pub(crate) fn byte(
        &mut self,
        i: usize,
        byte: u8,
        disguise: Option<Disguise>,
        held: Option<Held>,
        context: &mut Context<'_>,
    ) {
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            if i == *self.word.get_or_insert(i) + MAX_WORD {
                // No unit of a run: what waits for the end of the word need not.
                self.spelled.close(i, context);
                self.rotated.close(i, context);
                self.ciphers.close(i, context);
                self.leet.close(i, context);
                self.braille.close(i, context);
            }
        } else {
            self.end_word(i, disguise, context);
            self.spelled.gap(i, context);
            self.rotated.gap(i, context);
            self.ciphers.gap(i, context);
            self.leet.gap(i, byte, context);
            self.braille.gap(i, context);
        }
        self.morse.byte(i, byte, context);
        self.fields.byte(i, byte, context);
        self.reversed.byte(i, context);
        if held.is_some() || !self.mended.is_empty() {
            self.mended.byte(i, byte, held, context);
        }
        if held.is_some() || !self.broken.is_empty() {
            self.broken.byte(i, byte, held, context);
        }
        if held.is_some() || !self.quoted.is_empty() {
            self.quoted.byte(i, byte, held, context);
        }
    }

    /// Whether [`Runs::byte`] has to know what is held before the byte at `i`.
    #[inline]
    pub(crate) fn asks(&self, i: usize, byte: u8, context: &Context<'_>) -> bool {
        self.mended.asks(i, byte, context)
            || Broken::asks(i, byte, context.text)
            || Quoted::asks(i, byte, context)
    }

    /// Folding made what may be an escape that goes on at folded byte `at`.
    pub(crate) fn mark_escape(&mut self, at: usize) {
        self.mended.mark(at);
    }

    /// Where a phrase begins in the original that may go on behind what was put into one of its words.
    pub(crate) fn phrase(&self) -> Option<usize> {
        self.mended.phrase()
    }

    /// Whether nothing is open that a word of letters could belong to, but for letters that are spelled.
    pub(crate) fn is_quiet(&self) -> bool {
        self.word.is_none()
            && self.rotated.live().is_none()
            && self.ciphers.live().is_none()
            && self.morse.live().is_none()
            && self.braille.live().is_none()
            && self.leet.live().is_none()
            && self.fields.is_empty()
            && self.reversed.live().is_none()
            && self.mended.is_empty()
            && self.broken.is_empty()
            && self.quoted.is_empty()
    }

    /// Whether letters or codes are open.
    pub(crate) const fn is_spelled(&self) -> bool {
        !self.spelled.is_empty()
    }

    /// A word begins at `i`.
    pub(crate) const fn begin_word(&mut self, i: usize) {
        self.word = Some(i);
    }

    /// A right-to-left override stands before folded byte `at`.
    pub(crate) fn turn(&mut self, at: usize, context: &mut Context<'_>) {
        self.reversed.close(at, context);
        self.reversed.open(at);
    }

    /// What an override turned around ends before folded byte `at`.
    pub(crate) fn turn_back(&mut self, at: usize, context: &mut Context<'_>) {
        self.reversed.close(at, context);
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, disguise: Option<Disguise>, context: &mut Context<'_>) {
        self.end_word(end, disguise, context);
        self.spelled.close(end, context);
        self.rotated.close(end, context);
        self.ciphers.close(end, context);
        self.leet.close(end, context);
        self.morse.close(end, context);
        self.braille.close(end, context);
        self.fields.close(end, context);
        self.reversed.close(end, context);
        self.mended.close(end, context);
        self.broken.close(end, context);
        self.quoted.close(end, context);
    }

    #[inline]
    fn end_word(&mut self, end: usize, disguise: Option<Disguise>, context: &mut Context<'_>) {
        let Some(start) = self.word.take() else { return };
        let text = if end - start > MAX_SHORT { &[] } else { context.text.slice(start, end) };
        let word = Word { start, end, text, letters: text.iter().all(u8::is_ascii_alphabetic) };
        self.spelled.word(word, context);
        self.rotated.word(word, disguise == Some(Disguise::Rot13), context);
        self.ciphers.word(word, context);
        self.braille.word(start, end, context);
        self.leet.word(word, disguise == Some(Disguise::Leet), context);
    }

    /// Where what must be held back begins: it may be part of a run.
    pub(crate) fn live(&self, at: usize) -> Option<usize> {
        let runs = [
            self.spelled.live(),
            self.rotated.live(),
            self.ciphers.live(),
            self.leet.live(),
            self.morse.live(),
            self.braille.live(),
            self.fields.live(at),
            // Where no text is turned around yet, there is nothing to hold.
            self.reversed.live().filter(|start| *start < at),
            self.mended.live(at),
            self.broken.live(),
            self.quoted.live(),
        ];
        // The open word may be the first of a run.
        runs.into_iter().chain([self.word.filter(|start| at - start <= MAX_WORD)]).flatten().min()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(crate) fn unchanged(&self, i: usize) -> usize {
        let long = self.word.and_then(|start| (start + MAX_WORD).checked_sub(i));
        [long, self.fields.unchanged(i), Some(self.mended.unchanged(i)), Some(self.broken.unchanged(i))]
            .into_iter()
            .flatten()
            .fold(self.reversed.unchanged(i).min(self.quoted.unchanged(i)), usize::min)
    }

    pub(crate) fn memory(&self) -> usize {
        self.spelled.memory()
            + self.fields.memory()
            + self.mended.memory()
            + self.broken.memory()
            + self.quoted.memory()
    }
}

/// The words of letters that may belong to a run where none is open, in small letters: single letters, hexadecimal digits and
/// words in ROT13 and other ciphers.
pub(crate) fn units() -> impl Iterator<Item = Vec<u8>> {
    let digits = || b'a'..=b'f';
    let pairs = digits().flat_map(move |first| digits().map(move |second| vec![first, second]));
    let letters = (b'a'..=b'z').map(|letter| vec![letter]);
    letters.chain(pairs).chain(rotated::COMMON.iter().map(|word| word.to_vec())).chain(ciphers::signs())
}

/// Longer words begin no run.
const MAX_WORD: usize = 48;
