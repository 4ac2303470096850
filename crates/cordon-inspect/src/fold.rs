//! The folded view of a text and the way back to its original bytes.
//!
//! Folding makes what looks the same be the same: compatibility forms (NFKC's decompositions), decimal digits of other
//! scripts, dashes, quotes and spaces become ASCII; invisible characters and combining marks vanish; escapes of HTML,
//! URLs and JSON become what they stand for. Letters of other scripts stay: look-alikes are a question of words
//! ([`confusable`]), unless ASCII letters stand beside them ([`look_alike`]).

mod confusable;
mod escape;

use confusable::LOOK_ALIKES;
use cordon_core::Span;
pub(crate) use escape::{Escape, begins as begins_escape, escape};
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A byte that stands for one symbol that is neither letter, digit nor punctuation of interest.
pub(crate) const SYMBOL: u8 = 0x1f;

/// A piece of the folded text: from folded position `at` up to the next unit.
#[derive(Clone, Copy, Debug)]
struct Unit {
    at: usize,
    original: usize,
    /// 0: byte for byte the original. Otherwise all of the unit stands for so many original bytes.
    original_len: u32,
    /// Whether it is a letter with marks of the Latin script.
    marked: bool,
    /// It is a letter that was another before.
    other: bool,
}

impl Unit {
    fn len(self) -> usize {
        usize::try_from(self.original_len).unwrap_or(usize::MAX)
    }
}

/// The folded text not yet forgotten, with its map. Positions are absolute: they count from the first folded byte.
#[derive(Debug, Default)]
pub(crate) struct FoldedText {
    bytes: Vec<u8>,
    dropped: usize,
    units: Vec<Unit>,
    /// Where the next original byte must lie for the last unit to go on.
    identity_until: usize,
    /// Where letters stand that a mark behind them made others, in order.
    other_letters: Vec<usize>,
}

impl FoldedText {
    /// One past the last folded byte.
    pub(crate) fn end(&self) -> usize {
        self.dropped + self.bytes.len()
    }

    /// The folded bytes `start..end`, as far as they are still there.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &[u8] {
        let from = start.saturating_sub(self.dropped).min(self.bytes.len());
        let to = end.saturating_sub(self.dropped).min(self.bytes.len());
        self.bytes.get(from..to).unwrap_or_default()
    }

    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        at.checked_sub(self.dropped).and_then(|i| self.bytes.get(i)).copied()
    }

    /// The first place from `at` on at which a character begins.
    pub(crate) fn boundary(&self, at: usize) -> usize {
        let inside = |at: &usize| matches!(self.byte(*at), Some(0x80..=0xbf));
        (at..at + 4).find(|at| !inside(at)).unwrap_or(at)
    }

    /// Appends bytes that are their own folding.
    pub(crate) fn push_same(&mut self, bytes: &[u8], original: usize) {
        if self.identity_until != original || self.units.is_empty() {
            self.units.push(Unit { at: self.end(), original, original_len: 0, marked: false, other: false });
        }
        self.bytes.extend_from_slice(bytes);
        self.identity_until = original + bytes.len();
    }

    /// Appends the folding of `original_len` bytes.
    pub(crate) fn push_folded(&mut self, folded: &[u8], original: usize, original_len: usize) {
        if !folded.is_empty() {
            // No escape of one character is nearly as long.
            let original_len = u32::try_from(original_len).unwrap_or(u32::MAX);
            self.units.push(Unit { at: self.end(), original, original_len, marked: false, other: false });
            self.bytes.extend_from_slice(folded);
        }
        self.identity_until = usize::MAX;
    }

    /// Notes that what was appended last is a letter with marks of the Latin script, written as itself.
    pub(crate) fn note_marked(&mut self) {
        if let Some(unit) = self.units.last_mut() {
            unit.marked = true;
        }
    }

    /// Whether nothing tells these folded bytes from the original but marks on letters of the Latin script.
    pub(crate) fn is_marked(&self, start: usize, end: usize) -> bool {
        let (mut at, mut original) = (start, self.original_start(start));
        while at < end {
            let next = self.units.partition_point(|unit| unit.at <= at);
            let Some(unit) = next.checked_sub(1).and_then(|i| self.units.get(i)) else { return false };
            let until = self.units.get(next).map_or(self.end(), |unit| unit.at).min(end);
            let (same, begins) = (unit.original_len == 0, unit.original + (at - unit.at));
            if begins != original || !same && !unit.marked {
                return false;
            }
            original += if same { until - at } else { unit.len() };
            at = until;
        }
        true
    }

    /// Notes that the letter at a folded position was another before: a look-alike, or one with an accent.
    pub(crate) fn was_other_letter(&mut self, at: usize) {
        match self.units.last_mut() {
            Some(unit) if unit.at == at && unit.original_len > 0 => unit.other = true,
            // It is one of several that stayed as they were, and a mark followed.
            _ if self.other_letters.last().is_none_or(|last| *last < at) => self.other_letters.push(at),
            _ => {}
        }
    }

    /// Whether a letter of the folded bytes `start..end` was another before, as far as they are still there.
    pub(crate) fn has_other_letter(&self, start: usize, end: usize) -> bool {
        let next = self.other_letters.partition_point(|at| *at < start);
        let first = self.units.partition_point(|unit| unit.at <= start).saturating_sub(1);
        let units = self.units.get(first..).unwrap_or_default().iter();
        self.other_letters.get(next).is_some_and(|at| *at < end)
            || units.take_while(|unit| unit.at < end).any(|unit| unit.other)
    }

    /// The last folded byte.
    pub(crate) fn last(&self) -> Option<u8> {
        self.bytes.last().copied()
    }

    fn unit(&self, at: usize) -> Option<&Unit> {
        let next = self.units.partition_point(|unit| unit.at <= at);
        next.checked_sub(1).and_then(|i| self.units.get(i))
    }

    /// Where the character at this folded position begins in the original.
    pub(crate) fn original_start(&self, at: usize) -> usize {
        match self.unit(at) {
            Some(unit) if unit.original_len == 0 => unit.original + (at - unit.at),
            Some(unit) => unit.original,
            None => 0,
        }
    }

    /// Where the character before this folded position ends in the original.
    pub(crate) fn original_end(&self, end: usize) -> usize {
        let Some(last) = end.checked_sub(1) else { return 0 };
        match self.unit(last) {
            Some(unit) if unit.original_len == 0 => unit.original + (last - unit.at) + 1,
            Some(unit) => unit.original + unit.len(),
            None => 0,
        }
    }

    /// How many folded bytes from `start` on are the original, byte for byte, with nothing left out between them.
    pub(crate) fn same_from(&self, start: usize) -> usize {
        let next = self.units.partition_point(|unit| unit.at <= start);
        let unit = next.checked_sub(1).and_then(|i| self.units.get(i));
        let end = self.units.get(next).map_or(self.end(), |unit| unit.at);
        if unit.is_some_and(|unit| unit.original_len == 0) { end.saturating_sub(start) } else { 0 }
    }

    /// How many original bytes the unit of a folded byte stands for; 1 where it is the original.
    pub(crate) fn width(&self, at: usize) -> usize {
        self.unit(at).map_or(1, |unit| unit.len().max(1))
    }

    /// Where folded bytes `start..end` lie in the original.
    #[inline]
    pub(crate) fn original(&self, start: usize, end: usize) -> Span {
        match self.units.last() {
            // All that was folded last is the original.
            Some(last) if last.original_len == 0 && last.at <= start && start < end => {
                Span::new(last.original + (start - last.at), last.original + (end - last.at))
            }
            _ => Span::new(self.original_start(start), self.original_end(end)),
        }
    }

    /// Forgets what lies before this folded position, now and then.
    pub(crate) fn forget_before(&mut self, keep: usize) {
        let drop = keep.saturating_sub(self.dropped).min(self.bytes.len());
        if drop < 4096 {
            return;
        }
        self.bytes.drain(..drop);
        self.dropped += drop;
        let next = self.units.partition_point(|unit| unit.at <= self.dropped);
        self.units.drain(..next.saturating_sub(1));
        let next = self.other_letters.partition_point(|at| *at < self.dropped);
        self.other_letters.drain(..next);
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.units.capacity() * size_of::<Unit>()
            + self.other_letters.capacity() * size_of::<usize>()
    }
}

/// The folded bytes of a whole text, without the way back. Letters that look like ASCII stay what they are.
pub(crate) fn folded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut quoted) = (0, None);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let byte = bytes.get(at).copied().unwrap_or_default();
        let escape = if begins_escape(byte) {
            escape(bytes.get(at..).unwrap_or_default(), quoted == Some(at))
        } else {
            Escape::None
        };
        let (taken, c) = match escape {
            Escape::Of(taken, c) => (taken, Some(c)),
            Escape::Break(taken) => (taken, None),
            Escape::None | Escape::Open => (c.len_utf8(), Some(c)),
        };
        at += taken;
        if byte == b'=' && taken > 1 {
            quoted = Some(at);
        }
        match c.map(|c| (c, classify(c))) {
            Some((c, Folded::Same)) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Some((_, Folded::Ascii(byte))) => out.push(byte),
            Some((c, Folded::Decompose)) => {
                let before = out.len();
                decompose(c, &mut out);
                if out.len() == before {
                    out.push(SYMBOL);
                }
            }
            _ => {}
        }
    }
    out
}

/// A number for the script of a letter, as far as look-alikes come from it: letters of one word have the same.
pub(crate) const fn script(c: char) -> u8 {
    match c {
        '\0'..='\u{2af}' | '\u{1d00}'..='\u{1eff}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}' => 1,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => 2,
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => 3,
        '\u{530}'..='\u{58f}' => 4,
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => 5,
        '\u{2c80}'..='\u{2cff}' => 6,
        _ => 7,
    }
}

/// What one character that is not plain ASCII becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Itself.
    Same,
    /// One ASCII byte.
    Ascii(u8),
    /// Its compatibility decomposition, see [`decompose`].
    Decompose,
    /// Nothing: it is not visible.
    Invisible,
    /// Nothing: a control character that text does not hold.
    Control,
    /// Nothing: it changes the look of the character before it.
    Mark,
    /// Nothing: it selects a variation of the character before it; the number is that of the selector, from 0.
    Variation(u8),
    /// Nothing: a tag character that stands for this ASCII byte (0 for the language tag, 0x7f for its end).
    Tag(u8),
    /// Nothing: it reorders text.
    Bidi(char),
}

/// How a character folds. Sources: Unicode 16 general categories and the charts of the named blocks.
pub(crate) fn classify(c: char) -> Folded {
    match c {
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' => Folded::Control,
        _ if c.is_ascii() => {
            if u8::try_from(c).is_ok_and(is_control) {
                Folded::Control
            } else {
                Folded::Same
            }
        }
        // The scripts with many letters and no compatibility forms worth folding come first.
        '\u{4e00}'..='\u{9fff}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{ac00}'..='\u{d7a3}' => Folded::Same,
        '\u{0660}'..='\u{0669}' => digit(c, '\u{0660}'),
        '\u{06f0}'..='\u{06f9}' => digit(c, '\u{06f0}'),
        '\u{07c0}'..='\u{07c9}' => digit(c, '\u{07c0}'),
        '\u{0966}'..='\u{096f}' => digit(c, '\u{0966}'),
        '\u{09e6}'..='\u{09ef}' => digit(c, '\u{09e6}'),
        '\u{0e50}'..='\u{0e59}' => digit(c, '\u{0e50}'),
        '\u{00ad}'
        | '\u{034f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' => Folded::Invisible,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Folded::Bidi(c)
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => Folded::Mark,
        '\u{fe00}'..='\u{fe0f}' => Folded::Variation(offset(c, '\u{fe00}')),
        '\u{e0100}'..='\u{e01ef}' => Folded::Variation(offset(c, '\u{e0100}') + 16),
        '\u{e0000}'..='\u{e007f}' => Folded::Tag(offset(c, '\u{e0000}')),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{2043}' => {
            Folded::Ascii(b'-')
        }
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' | '\u{300c}'..='\u{300f}' | '\u{ff02}' => {
            Folded::Ascii(b'"')
        }
        '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{2032}' | '\u{2bc}' | '\u{ff07}' => {
            Folded::Ascii(b'\'')
        }
        '\u{3002}' | '\u{6d4}' | '\u{964}' | '\u{ff61}' => Folded::Ascii(b'.'),
        '\u{3001}' | '\u{60c}' | '\u{ff64}' => Folded::Ascii(b','),
        '\u{61f}' => Folded::Ascii(b'?'),
        '\u{61b}' => Folded::Ascii(b';'),
        // Letters in parentheses, and in squares and circles without a decomposition; regional indicators.
        '\u{249c}'..='\u{24b5}' => letter(c, '\u{249c}', b'a'),
        '\u{1f110}'..='\u{1f129}' => letter(c, '\u{1f110}', b'A'),
        '\u{1f150}'..='\u{1f169}' => letter(c, '\u{1f150}', b'A'),
        '\u{1f170}'..='\u{1f189}' => letter(c, '\u{1f170}', b'A'),
        // Letters with a stroke: no decomposition names it.
        'ı' => Folded::Ascii(b'i'),
        'ø' => Folded::Ascii(b'o'),
        'Ø' => Folded::Ascii(b'O'),
        'đ' => Folded::Ascii(b'd'),
        'Đ' => Folded::Ascii(b'D'),
        'ħ' => Folded::Ascii(b'h'),
        'ł' => Folded::Ascii(b'l'),
        'Ł' => Folded::Ascii(b'L'),
        'ŧ' => Folded::Ascii(b't'),
        // Symbols that their decomposition makes another letter.
        'ϲ' => Folded::Ascii(b'c'),
        'Ϲ' => Folded::Ascii(b'C'),
        '\u{1f1e6}'..='\u{1f1ff}' => letter(c, '\u{1f1e6}', b'A'),
        // The blank of Braille looks like a space.
        '\u{2800}' => Folded::Ascii(b' '),
        // Cells of six dots are letters, which a view reads.
        '\u{2801}'..='\u{283f}' => Folded::Same,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Folded::Ascii(b'\n'),
        // Arabic, Hebrew, Cyrillic, Greek, Armenian and Georgian letters without a decomposition.
        '\u{0620}'..='\u{064a}'
        | '\u{0671}'..='\u{06d3}'
        | '\u{05d0}'..='\u{05ea}'
        | '\u{0391}'..='\u{03a9}'
        | '\u{03b1}'..='\u{03c9}'
        | '\u{0410}'..='\u{044f}'
        | '\u{0531}'..='\u{0556}'
        | '\u{0561}'..='\u{0586}'
        | '\u{10d0}'..='\u{10fa}' => {
            if matches!(c, '\u{0419}' | '\u{0439}' | '\u{0622}'..='\u{0626}' | '\u{0675}'..='\u{0678}' | '\u{06c0}' | '\u{06c2}' | '\u{06d3}')
            {
                Folded::Decompose
            } else {
                Folded::Same
            }
        }
        _ if c.is_whitespace() => Folded::Ascii(b' '),
        _ if is_combining_mark(c) => Folded::Mark,
        _ if c.is_numeric() => decimal(c).map_or(Folded::Decompose, Folded::Ascii),
        _ => Folded::Decompose,
    }
}

/// The zeros of the scripts that have decimal digits without a decomposition (general category Nd), but for those named
/// above: nine more digits follow each.
const ZEROS: [u32; 52] = [
    0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0,
    0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0,
    0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1e140, 0x1e2f0, 0x1e950,
];

/// Whether a letter is one of the Latin script with marks, as languages write them and people who disguise words do. Source: the Unicode
/// blocks Latin-1 Supplement, Latin Extended-A, B and Additional.
pub(crate) const fn is_marked(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Whether nothing shows a character.
pub(crate) fn is_unseen(c: char) -> bool {
    !matches!(classify(c), Folded::Same | Folded::Ascii(_) | Folded::Decompose)
}

/// The ASCII digit of a decimal digit of another script.
fn decimal(c: char) -> Option<u8> {
    let next = ZEROS.partition_point(|zero| *zero <= u32::from(c));
    let zero = next.checked_sub(1).and_then(|i| ZEROS.get(i))?;
    u8::try_from(u32::from(c) - zero).ok().filter(|value| *value < 10).map(|value| b'0' + value)
}

fn digit(c: char, zero: char) -> Folded {
    Folded::Ascii(b'0' + offset(c, zero))
}

fn letter(c: char, first: char, to: u8) -> Folded {
    Folded::Ascii(to + offset(c, first))
}

/// Control characters of ASCII that are no white space: nothing shows them.
pub(crate) const fn is_control(byte: u8) -> bool {
    byte == 0x7f || byte < b' ' && !matches!(byte, b'\t'..=b'\r')
}

fn offset(c: char, zero: char) -> u8 {
    u8::try_from(u32::from(c) - u32::from(zero)).unwrap_or(0)
}

/// The compatibility decomposition of one character without its marks; symbols become [`SYMBOL`].
pub(crate) fn decompose(c: char, out: &mut Vec<u8>) {
    let mut parts = 0;
    decompose_compatible(c, |part| {
        // No character has more than 18 parts; the bound keeps that a fact of this program.
        parts += 1;
        if parts > 18 || is_combining_mark(part) {
            return;
        }
        if part.is_ascii() {
            out.extend(u8::try_from(u32::from(part)));
        } else if part.is_alphanumeric() {
            let mut buffer = [0; 4];
            out.extend_from_slice(part.encode_utf8(&mut buffer).as_bytes());
        } else {
            match classify(part) {
                Folded::Ascii(byte) => out.push(byte),
                Folded::Same | Folded::Decompose => out.push(SYMBOL),
                _ => {}
            }
        }
    });
}

/// Whether what a character became is another letter than it: not of one in full width, nor of digits and signs.
pub(crate) fn is_other_letter(c: char, folded: &[u8]) -> bool {
    let is_wide = matches!(c, '\u{ff01}'..='\u{ff5e}');
    !c.is_ascii() && !is_wide && folded.iter().any(u8::is_ascii_alphabetic)
}

/// The ASCII byte that a character becomes or its folding begins with, 0 where it is none.
pub(crate) fn ascii(c: char) -> u8 {
    match classify(c) {
        Folded::Ascii(byte) => byte,
        Folded::Same => u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0),
        Folded::Decompose => {
            let mut folded = Vec::new();
            decompose(c, &mut folded);
            folded.first().copied().filter(u8::is_ascii).unwrap_or(0)
        }
        _ => 0,
    }
}

/// A word as it will stand in a folded text.
pub(crate) fn word(word: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len());
    for c in word.chars() {
        match if c.is_ascii() { Folded::Same } else { classify(c) } {
            Folded::Same => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Folded::Ascii(byte) => out.push(byte),
            Folded::Decompose => decompose(c, &mut out),
            _ => {}
        }
    }
    out
}

/// The small ASCII letter that a letter of another script can be taken for.
pub(crate) fn confusable(c: char) -> Option<u8> {
    look_alike(c).map(|byte| byte.to_ascii_lowercase())
}

/// The ASCII letter, capital or small, that a letter of another script looks like.
pub(crate) fn look_alike(c: char) -> Option<u8> {
    // Of these none looks like one.
    if matches!(c, ..'\u{180}' | '\u{590}'..='\u{109f}') {
        return None;
    }
    let at = LOOK_ALIKES.binary_search_by_key(&c, |(other, _)| *other).ok()?;
    LOOK_ALIKES.get(at).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_leads_back() {
        let mut text = FoldedText::default();
        text.push_same(b"ab", 0);
        text.push_folded(b"ffi", 2, 3);
        text.push_same(b"cd", 8);
        assert_eq!(text.slice(0, 7), b"abfficd");
        assert_eq!((text.original_start(3), text.original_end(4)), (2, 5));
        assert_eq!((text.original_start(5), text.original_end(7)), (8, 10));
    }

    #[test]
    fn every_character_folds_to_a_bounded_number_of_bytes() {
        let mut out = Vec::new();
        for c in ('\u{80}'..=char::MAX).filter(|c| classify(*c) == Folded::Decompose) {
            out.clear();
            decompose(c, &mut out);
            assert!(out.len() <= 72, "{c:?}");
            assert!(std::str::from_utf8(&out).is_ok());
        }
    }
}
