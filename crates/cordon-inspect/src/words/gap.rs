//! What stands between two words, and what that says of them.

use crate::fold::FoldedText;

/// What stood between two words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) width: usize,
    pub(super) only: Option<u8>,
    pub(super) last: u8,
    pub(super) stop: bool,
    pub(super) sentence: bool,
    pub(super) newlines: u8,
    pub(super) bullet: bool,
    pub(super) quote: bool,
    /// Whether it stands between two values of data: a quotation mark, and a colon or comma.
    pub(super) field: bool,
    pub(super) colon: bool,
    pub(super) spaced: bool,
    /// Whether it parts what stands before it from what stands behind it: marks of emphasis do not.
    pub(super) parts: bool,
}

impl Gap {
    pub(super) const NONE: Self = Self {
        width: 0,
        only: None,
        last: 0,
        stop: false,
        sentence: false,
        newlines: 0,
        bullet: false,
        quote: false,
        field: false,
        colon: false,
        spaced: false,
        parts: false,
    };

    pub(super) fn take(&mut self, byte: u8) {
        self.only = if self.width == 0 { Some(byte) } else { self.only.filter(|only| *only == byte) };
        self.width += 1;
        self.last = byte;
        self.quote |= matches!(byte, b'"' | b'\'' | b'`');
        self.spaced |= matches!(byte, b' ' | b'\t' | b'\n');
        self.colon |= matches!(byte, b':' | b',');
        self.field = self.quote && self.colon;
        self.parts |= !matches!(byte, b' ' | b'*' | b'_' | b'\'');
        match byte {
            b'.' | b'!' | b'?' => self.stop = true,
            b'\n' => {
                self.newlines = self.newlines.saturating_add(1);
                self.sentence = true;
            }
            b' ' | b'"' | b'\'' | b')' => self.sentence |= self.stop,
            b':' | b';' | b'-' | b'*' | b'#' | b'>' | b'(' | b'[' | b'{' | b'=' | b'|' | b',' | b'`' => {
                self.bullet = true;
            }
            _ => {}
        }
    }
}

impl Gap {
    /// Whether it holds a name of a program together.
    pub(super) fn is_underscore(&self) -> bool {
        self.width == 1 && self.only == Some(b'_')
    }
}

/// Whether a quotation mark stands before the word that is not just the syntax of data.
pub(super) fn is_quoted(text: &FoldedText, start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|at| text.byte(at));
    let Some(quote) = byte(1) else { return false };
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return false;
    }
    let spaces = (2..6).take_while(|back| byte(*back) == Some(b' ')).count();
    match byte(2 + spaces) {
        None | Some(b'\n' | b'{' | b'[' | b'=' | b'>') => false,
        // `"key": "value"` is data; `he said: "…"` is a quotation.
        Some(b':') => !matches!(byte(3 + spaces), Some(b'"' | b'\'')),
        Some(b',') => !matches!(byte(3 + spaces), Some(b'"' | b'\'' | b'}' | b']')),
        Some(_) => true,
    }
}
