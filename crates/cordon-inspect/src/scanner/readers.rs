//! What reads the folded text: each reader takes every byte, in the same order.
//!
//! Most of a text is words in small letters with spaces between them, in which no value can be open. Such words are taken
//! whole: the effect is that of their bytes one by one, which a test compares.

use super::Context;
use crate::pii::Groups;
use crate::plain::PlainWord;
use crate::runs::{Held, Runs};
use crate::segment::Segment;
use crate::template::Template;
use crate::words::Words;

/// What readers have taken at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// How many bytes.
    pub(super) length: usize,
    /// How many of them, from the first on, are the letters of a plain word: all small but perhaps the first.
    pub(super) word: usize,
}

impl Taken {
    /// Bytes of which nothing is known.
    const fn bytes(length: usize) -> Self {
        Self { length, word: 0 }
    }
}

/// The readers of a text.
#[derive(Debug, Default)]
pub(super) struct Readers {
    pub(super) words: Words,
    pub(super) segment: Segment,
    pub(super) groups: Groups,
    pub(super) template: Template,
    pub(super) runs: Runs,
}

impl Readers {
    /// Takes some of the folded bytes that begin at `i`, at least one.
    #[inline]
    pub(super) fn take(&mut self, i: usize, bytes: &[u8], context: &mut Context<'_>) -> Taken {
        let Some(byte) = bytes.first().copied() else { return Taken::bytes(1) };
        if byte.is_ascii_alphabetic()
            && let Some(taken) = self.plain(i, byte, bytes, context)
        {
            return taken;
        }
        let found = context.out.len();
        self.byte(i, byte, context);
        // What is found is found at the last byte that is taken: who reads behind here learns of it there, however a text is cut.
        if context.out.len() != found {
            return Taken::bytes(1);
        }
        // Inside of a word nothing can change before it ends.
        if !is_alphanumeric(byte) || !self.template.is_quiet() || !self.words.in_ascii_word(context.text) {
            return Taken::bytes(1);
        }
        let rest = bytes.get(1..).unwrap_or_default();
        let unchanged = self
            .words
            .unchanged(i + 1)
            .min(self.segment.unchanged(i + 1))
            .min(self.groups.unchanged(i + 1))
            .min(self.runs.unchanged(i + 1));
        Taken::bytes(1 + rest.iter().take(unchanged).take_while(|byte| is_alphanumeric(**byte)).count())
    }

    fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        // What a run stands for is read in a view, and there is none below the deepest one.
        let views = !context.nesting.is_deepest();
        let held = (views && self.runs.asks(i, byte, context)).then(|| self.held(i, context));
        self.words.byte(i, byte, context);
        self.segment.byte(i, byte, context);
        self.groups.byte(i, byte, context);
        self.template.byte(i, byte, context);
        if views {
            self.runs.byte(i, byte, self.words.disguise(), held, context);
        }
    }

    /// What is held back before the byte at `i` is taken.
    fn held(&self, i: usize, context: &Context<'_>) -> Held {
        let values = [self.segment.live(), self.groups.live(), self.runs.live(i)];
        let start = values.into_iter().flatten().fold(i, usize::min).max(i.saturating_sub(MAX_HELD));
        let start = context.text.boundary(start);
        Held { start, phrase: self.words.phrase(context.text.original_start(i)) }
    }

    /// Takes a plain word whole, with the space behind it if there is one. None where a reader has to see its bytes.
    #[inline]
    fn plain(&mut self, i: usize, first: u8, bytes: &[u8], context: &mut Context<'_>) -> Option<Taken> {
        let between = self.template.is_quiet()
            && self.words.is_between()
            && self.groups.is_between()
            && self.runs.is_quiet();
        if !between {
            return None;
        }
        let word = PlainWord::at_start(bytes)?;
        let next = bytes.get(word.len).copied().filter(|next| ends_word(*next))?;
        let meaning = context.tables.plain.meaning(word);
        let end = i + word.len;
        if !self.segment.is_ordinary(end) || self.groups.is_due(end) {
            return None;
        }
        let nothing = !meaning.month && self.groups.is_nothing(word.len);
        // What is found at one byte is reported in the order of the readers.
        if !nothing && next != b' ' {
            return None;
        }
        // What is put into words is told what was held before it, the word in front of it too, which by then has not ended; and
        // what a letter that is a word ends is found behind it.
        let views = !context.nesting.is_deepest();
        if next != b' ' && (word.len == 1 || views && self.runs.asks(end, next, context)) {
            return None;
        }
        let found = context.out.len();
        self.segment.plain_word((i, end), meaning.names, context);
        if context.out.len() != found {
            // A candidate in front ended with the first letter, and what it held is found there.
            self.words.byte(i, first, context);
            self.groups.byte(i, first, context);
            self.template.byte(i, first, context);
            if views {
                self.runs.byte(i, first, self.words.disguise(), None, context);
            }
            return Some(Taken::bytes(1));
        }
        let rule =
            meaning.rule.or_else(|| context.tables.rules.swapped(bytes.get(..word.len).unwrap_or_default()));
        self.words.plain_word(i, end, rule, context);
        let disguise = self.words.disguise();
        let runs = (meaning.runs || disguise.is_some() || self.runs.is_spelled()) && views;
        if runs {
            self.runs.begin_word(i);
        }
        if next != b' ' {
            self.groups.pass();
            return Some(Taken { length: word.len, word: word.len });
        }
        self.words.space();
        self.segment.space(end, context);
        if nothing {
            self.groups.pass();
        } else {
            self.groups.group(i, end, context);
        }
        if runs {
            self.runs.byte(end, b' ', disguise, None, context);
        }
        Some(Taken { length: word.len + 1, word: word.len })
    }
}

/// Folded bytes before something put into a value that may belong to it.
const MAX_HELD: usize = 512;

/// Whether a byte ends a word for every reader: for some a word has signs of base64 or of leetspeak.
fn ends_word(byte: u8) -> bool {
    KINDS.get(usize::from(byte)).is_some_and(|kind| kind & ENDS_WORD != 0)
}

/// As `u8::is_ascii_alphanumeric`, by one look.
fn is_alphanumeric(byte: u8) -> bool {
    KINDS.get(usize::from(byte)).is_some_and(|kind| kind & ALPHANUMERIC != 0)
}

const ALPHANUMERIC: u8 = 1;
const ENDS_WORD: u8 = 2;

/// What holds of each byte.
const KINDS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        if byte.is_ascii_alphanumeric() {
            *slot = ALPHANUMERIC;
        } else if byte < 0x80 && !matches!(byte, b'@' | b'$' | b'+' | b'/' | b'-' | b'_' | b'=') {
            *slot = ENDS_WORD;
        }
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};
