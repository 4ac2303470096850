//! How a scanner folds what it is pushed: piece by piece, an open escape left for the next one.

use cordon_core::Span;

use super::Scanner;
use crate::fold::{self, Escape, Folded, SYMBOL};
use crate::runs::{MAX_SIGN, may_be_turned};

/// Look-alikes at the start of a word that are folded with the ASCII letters behind them, and characters that nothing
/// shows between the two.
const LOOK_AHEAD: usize = 8;

impl Scanner {
    /// Folds a piece, and says how many of its bytes were folded: an open escape is left.
    pub(super) fn fold(&mut self, piece: &str, last: bool) -> usize {
        let bytes = piece.as_bytes();
        let mut i = 0;
        while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
            let plain = plain_run(rest);
            if let Some(run) = rest.get(..plain).filter(|run| !run.is_empty()) {
                self.visible();
                let taken =
                    if self.terminal.is_open() { self.terminal.run(run, self.consumed) } else { plain };
                self.text.push_same(run.get(..taken).unwrap_or(run), self.consumed);
                self.consumed += taken;
                i += taken;
                self.report_terminal();
                continue;
            }
            let Some((byte, c)) = rest.first().zip(piece.get(i..).and_then(|s| s.chars().next())) else {
                break;
            };
            if !c.is_ascii() {
                match self.fold_letters(piece.get(i..).unwrap_or_default(), last) {
                    Some(0) => {
                        self.fold_char(c, c.len_utf8());
                        i += c.len_utf8();
                    }
                    Some(letters) => i += letters,
                    None => break,
                }
                continue;
            }
            let quoted = self.quoted == Some(self.consumed);
            let escape = if fold::begins_escape(*byte) { fold::escape(rest, quoted) } else { Escape::None };
            let taken = match escape {
                Escape::Of(len, c) => {
                    self.fold_char(c, len);
                    len
                }
                Escape::Break(len) => {
                    self.text.push_folded(&[], self.consumed, len);
                    self.consumed += len;
                    len
                }
                Escape::Open if !last => break,
                Escape::None | Escape::Open => {
                    if fold::begins_escape(*byte) {
                        self.sign = Some(self.text.end());
                        if may_be_turned(rest) {
                            self.mark_escape(self.text.end());
                        }
                    }
                    self.fold_char(c, 1);
                    1
                }
            };
            if *byte == b'=' && taken > 1 {
                self.quoted = Some(self.consumed);
            }
            i += taken;
        }
        i
    }

    /// Folds letters that are not ASCII, as many as come in a run; how many bytes it took. Those that look like ASCII
    /// letters become them beside ASCII letters and digits, and where letters of several scripts stand together: before
    /// them, or within [`LOOK_AHEAD`] letters behind them. None where that cannot be said yet.
    fn fold_letters(&mut self, rest: &str, last: bool) -> Option<usize> {
        let is_letter =
            |c: char| !c.is_ascii() && (fold::classify(c) == Folded::Same || fold::look_alike(c).is_some());
        let run = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let (mut letters, behind) = rest.split_at_checked(run)?;
        if letters.is_empty() {
            return Some(0);
        }
        let mut shown = behind.chars().enumerate().filter(|(i, c)| *i >= LOOK_AHEAD || !fold::is_unseen(*c));
        let next = shown.next().map(|(_, c)| c);
        self.terminal.before('\u{a0}', self.consumed);
        self.report_terminal();
        self.visible();
        let joined = self.text.last().is_some_and(is_name) || next.is_none_or(|c| is_name(fold::ascii(c)));
        let script = letters.chars().next().map(fold::script);
        if !joined && letters.chars().all(|c| Some(fold::script(c)) == script) {
            self.fold_same(letters);
            return Some(run);
        }
        while let Some(c) = letters.chars().next() {
            let len = c.len_utf8();
            let like = fold::look_alike(c);
            let folds = like.is_some()
                && (self.text.last().is_some_and(is_name)
                    || match look_ahead(letters) {
                        LookAhead::Mixed => true,
                        LookAhead::Alone => false,
                        LookAhead::End => match next {
                            Some(c) => is_name(fold::ascii(c)),
                            None if last => false,
                            None => break,
                        },
                    });
            match like.filter(|_| folds) {
                Some(like) => {
                    self.text.push_folded(&[like], self.consumed, len);
                    self.made(self.text.end() - 1);
                    self.text.was_other_letter(self.text.end() - 1);
                    self.consumed += len;
                }
                None => self.fold_same(letters.get(..len).unwrap_or_default()),
            }
            letters = letters.get(len..).unwrap_or_default();
        }
        Some(run - letters.len()).filter(|folded| *folded > 0)
    }

    /// Notes a letter with marks that is written as itself and not as an escape.
    fn note_marked(&mut self, c: char, len: usize) {
        if fold::is_marked(c) && len == c.len_utf8() {
            self.text.note_marked();
        }
    }

    /// Folds what is its own folding.
    fn fold_same(&mut self, letters: &str) {
        self.text.push_same(letters.as_bytes(), self.consumed);
        self.consumed += letters.len();
    }

    /// Folds one character that took `len` original bytes.
    fn fold_char(&mut self, c: char, len: usize) {
        let original = self.consumed;
        let at = self.text.end();
        if self.terminal.is_open() {
            self.terminal.before(c, original);
            self.report_terminal();
        }
        self.consumed += len;
        let mut buffer = [0; 4];
        let folding = fold::classify(c);
        match folding {
            Folded::Same => {
                self.visible();
                let utf8 = c.encode_utf8(&mut buffer).as_bytes();
                if utf8.len() == len {
                    self.text.push_same(utf8, original);
                } else {
                    self.text.push_folded(utf8, original, len);
                }
            }
            Folded::Ascii(byte) => {
                self.visible();
                self.text.push_folded(&[byte], original, len);
                self.note_marked(c, len);
            }
            Folded::Decompose => {
                self.visible();
                self.scratch.clear();
                fold::decompose(c, &mut self.scratch);
                if self.scratch.is_empty() {
                    self.scratch.push(SYMBOL);
                }
                self.text.push_folded(&self.scratch, original, len);
                self.note_marked(c, len);
            }
            Folded::Control => self.text.push_folded(&[], original, len),
            Folded::Invisible | Folded::Mark | Folded::Variation(_) | Folded::Tag(_) | Folded::Bidi(_) => {
                self.unseen(folding, c, Span::new(original, original + len));
                self.text.push_folded(&[], original, len);
                if folding == Folded::Mark
                    && at > 0
                    && self.text.last().is_some_and(|byte| byte.is_ascii_alphabetic())
                {
                    self.text.was_other_letter(at - 1);
                }
            }
        }
        if matches!(folding, Folded::Ascii(_) | Folded::Decompose)
            && fold::is_other_letter(c, self.text.slice(at, self.text.end()))
        {
            self.text.was_other_letter(at);
        }
        if folding != Folded::Same || len != 1 {
            self.made(at);
        }
        if folding == Folded::Control || self.terminal.is_open() {
            self.terminal.see(c, original, len);
            self.report_terminal();
        }
    }

    /// What folding made from folded byte `at` on, and what it left out there, may belong to an escape: where the sign of one
    /// was made, or stands close before.
    fn made(&mut self, at: usize) {
        let made = self.text.slice(at, self.text.end());
        if let Some(sign) = made.iter().rposition(|byte| fold::begins_escape(*byte)) {
            self.sign = Some(at + sign);
            self.mark_escape(at + sign);
        } else if self.sign.is_some_and(|sign| at - sign <= MAX_SIGN) {
            self.mark_escape(at);
        }
    }

    /// An escape may stand at folded byte `at`, or go on there.
    fn mark_escape(&mut self, at: usize) {
        if !self.nesting.is_deepest() {
            self.readers.runs.mark_escape(at);
        }
    }
}

/// What the next few look-alikes of some letters tell about the first.
enum LookAhead {
    /// They are of several scripts.
    Mixed,
    /// They are of one script, and other letters or more of them follow.
    Alone,
    /// They are of one script, and the letters end with them.
    End,
}

fn look_ahead(letters: &str) -> LookAhead {
    let first = letters.chars().next().map(fold::script);
    let alike = letters.chars().take(LOOK_AHEAD).take_while(|c| fold::look_alike(*c).is_some());
    let (mut count, mut bytes) = (0, 0);
    for c in alike {
        if Some(fold::script(c)) != first {
            return LookAhead::Mixed;
        }
        count += 1;
        bytes += c.len_utf8();
    }
    if count < LOOK_AHEAD && bytes == letters.len() { LookAhead::End } else { LookAhead::Alone }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes in front are ASCII that is its own folding and begins no escape.
fn plain_run(bytes: &[u8]) -> usize {
    // Whole blocks without a branch on each byte, which compilers make few instructions of.
    let (blocks, _) = bytes.as_chunks::<16>();
    let plain = |byte: &u8| (*byte >= b' ' || *byte == b'\n') & (*byte < 0x7f) & !fold::begins_escape(*byte);
    let whole =
        blocks.iter().take_while(|block| block.iter().fold(true, |all, byte| all & plain(byte))).count();
    let rest = bytes.get(whole * 16..).unwrap_or_default();
    whole * 16 + rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len())
}

fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).is_some_and(|plain| *plain)
}

/// Which bytes are ASCII that is its own folding and begins no escape.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = byte < 0x80 && !fold::begins_escape(byte) && !fold::is_control(byte);
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

#[cfg(test)]
mod laws;
