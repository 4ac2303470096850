//! The folded view of a text and the way back to its original bytes.
//!
//! Folding makes what looks the same be the same: compatibility forms (NFKC's decompositions), decimal digits of other
//! scripts, dashes, quotes and spaces become ASCII; invisible characters and combining marks vanish; escapes of HTML,
//! URLs and JSON become what they stand for. Letters of other scripts stay: look-alikes are a question of words
//! ([`confusable`]).

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A byte that stands for one symbol that is neither letter, digit nor punctuation of interest.
pub(crate) const SYMBOL: u8 = 0x1f;

/// A piece of the folded text: from folded position `at` up to the next unit.
#[derive(Clone, Copy, Debug)]
struct Unit {
    at: usize,
    original: usize,
    /// 0: byte for byte the original. Otherwise all of the unit stands for so many original bytes.
    original_len: usize,
}

/// The folded text not yet forgotten, with its map. Positions are absolute: they count from the first folded byte.
#[derive(Debug, Default)]
pub(crate) struct FoldedText {
    bytes: Vec<u8>,
    dropped: usize,
    units: Vec<Unit>,
    /// Where the next original byte must lie for the last unit to go on.
    identity_until: usize,
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

    /// Appends bytes that are their own folding.
    pub(crate) fn push_same(&mut self, bytes: &[u8], original: usize) {
        if self.identity_until != original || self.units.is_empty() {
            self.units.push(Unit { at: self.end(), original, original_len: 0 });
        }
        self.bytes.extend_from_slice(bytes);
        self.identity_until = original + bytes.len();
    }

    /// Appends the folding of `original_len` bytes.
    pub(crate) fn push_folded(&mut self, folded: &[u8], original: usize, original_len: usize) {
        if !folded.is_empty() {
            self.units.push(Unit { at: self.end(), original, original_len });
            self.bytes.extend_from_slice(folded);
        }
        self.identity_until = usize::MAX;
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
            Some(unit) => unit.original + unit.original_len,
            None => 0,
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
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.units.capacity() * size_of::<Unit>()
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
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' => Folded::Invisible,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Folded::Bidi(c)
        }
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
        '\u{85}' | '\u{2028}' | '\u{2029}' => Folded::Ascii(b'\n'),
        // Arabic, Hebrew, Cyrillic and Greek letters without a decomposition.
        '\u{0620}'..='\u{064a}'
        | '\u{0671}'..='\u{06d3}'
        | '\u{05d0}'..='\u{05ea}'
        | '\u{0430}'..='\u{044f}' => {
            if matches!(c, '\u{0439}' | '\u{0622}'..='\u{0626}' | '\u{0675}'..='\u{0678}' | '\u{06c0}' | '\u{06c2}' | '\u{06d3}')
            {
                Folded::Decompose
            } else {
                Folded::Same
            }
        }
        _ if c.is_whitespace() => Folded::Ascii(b' '),
        _ if is_combining_mark(c) => Folded::Mark,
        _ => Folded::Decompose,
    }
}

fn digit(c: char, zero: char) -> Folded {
    Folded::Ascii(b'0' + offset(c, zero))
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

/// The ASCII letter that a letter of another script can be taken for: Cyrillic, Greek, Armenian, Cherokee, Latin
/// small capitals and letters that NFKC leaves alone. Own table, drawn from how common typefaces show them.
pub(crate) fn confusable(c: char) -> Option<u8> {
    Some(match c {
        'а' | 'α' | 'А' | 'Α' | 'ɑ' | 'ᴀ' | 'Ꭺ' => b'a',
        'В' | 'Β' | 'ʙ' | 'в' | 'β' | 'Ᏼ' | 'ƅ' | 'Ь' | 'ь' | 'ß' => b'b',
        'с' | 'С' | 'ϲ' | 'ᴄ' | 'Ⲥ' | 'Ꮯ' | 'ƈ' => b'c',
        'ԁ' | 'ɗ' | 'ᴅ' | 'Ꭰ' | 'đ' | 'ժ' => b'd',
        'е' | 'Е' | 'ε' | 'Ε' | 'э' | 'є' | 'ᴇ' | 'Ꭼ' | 'ɛ' | 'ҽ' => b'e',
        'ƒ' | 'ꜰ' | 'ғ' | 'ք' => b'f',
        'ɡ' | 'ɢ' | 'ց' | 'Ԍ' | 'ԍ' | 'Ꮐ' => b'g',
        'һ' | 'Н' | 'Η' | 'ʜ' | 'н' | 'հ' | 'Ꮋ' | 'ћ' => b'h',
        'і' | 'І' | 'ι' | 'Ι' | 'ɪ' | 'ı' | 'Ꭵ' | 'ɩ' | 'ӏ' | 'Ӏ' => b'i',
        'ј' | 'Ј' | 'ϳ' | 'ᴊ' | 'Ꭻ' | 'ɉ' => b'j',
        'к' | 'К' | 'κ' | 'Κ' | 'ᴋ' | 'Ꮶ' | 'ƙ' => b'k',
        'ʟ' | 'ⅼ' | 'Ꮮ' | 'ł' | 'ɫ' => b'l',
        'м' | 'М' | 'Μ' | 'ᴍ' | 'Ꮇ' | 'ɱ' => b'm',
        'Ν' | 'ɴ' | 'п' | 'η' | 'ո' | 'ռ' | 'и' | 'ɲ' => b'n',
        'о' | 'О' | 'ο' | 'Ο' | 'σ' | 'ᴏ' | 'օ' | 'Օ' | 'ø' | 'ө' => b'o',
        'р' | 'Р' | 'ρ' | 'Ρ' | 'ᴘ' | 'Ꮲ' | 'ƥ' => b'p',
        'ԛ' | 'գ' | 'զ' | 'ʠ' => b'q',
        'г' | 'ʀ' | 'ɾ' | 'Ꭱ' | 'я' | 'ɍ' => b'r',
        'ѕ' | 'Ѕ' | 'ꜱ' | 'Ꮪ' | 'ʂ' | 'տ' => b's',
        'т' | 'Т' | 'τ' | 'Τ' | 'ᴛ' | 'Ꭲ' | 'ŧ' => b't',
        'υ' | 'ս' | 'ᴜ' | 'Ս' | 'ц' | 'ʋ' | 'μ' => b'u',
        'ѵ' | 'ν' | 'ᴠ' | 'Ꮩ' | 'Ѵ' => b'v',
        'ԝ' | 'ω' | 'ᴡ' | 'ш' | 'Ꮃ' | 'щ' => b'w',
        'х' | 'Х' | 'χ' | 'Χ' | 'ҳ' => b'x',
        'у' | 'У' | 'γ' | 'Υ' | 'ʏ' | 'ү' | 'Ү' | 'ყ' => b'y',
        'ᴢ' | 'Ζ' | 'ʐ' | 'ƶ' | 'Ꮓ' => b'z',
        _ => return None,
    })
}

/// What an escape at the start of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// So many bytes stand for this character.
    Of(usize, char),
    /// The first byte stands for itself.
    None,
    /// More bytes are needed to say.
    Open,
}

/// Longest escape read: `&amp;#x0010ffff;` and the like.
const MAX_ESCAPE: usize = 16;

/// Reads an escape of HTML (`&#105;`, `&#x69;`, `&lt;`), a URL (`%69`) or JSON and C (`\u0069`, `\x69`, `\n`), once
/// doubled escapes included (`&amp;#105;`, `%2569`, `\\u0069`).
pub(crate) fn escape(bytes: &[u8]) -> Escape {
    let window = bytes.get(..MAX_ESCAPE).unwrap_or(bytes);
    let open = window.len() == bytes.len();
    match window.first() {
        Some(b'&') => html(window, open),
        Some(b'%') => percent(window, open),
        Some(b'\\') => backslash(window, open),
        _ => Escape::None,
    }
}

fn html(window: &[u8], open: bool) -> Escape {
    const NAMED: [(&[u8], char); 7] = [
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&nbsp;", ' '),
        (b"&#", '#'),
        (b"&amp;#", '#'),
    ];
    for (name, c) in NAMED {
        if window.starts_with(name) {
            return if c == '#' { html_number(window, name.len(), open) } else { Escape::Of(name.len(), c) };
        }
        if open && name.starts_with(window) {
            return Escape::Open;
        }
    }
    if window.starts_with(b"&amp;") { Escape::Of(5, '&') } else { Escape::None }
}

fn html_number(window: &[u8], from: usize, open: bool) -> Escape {
    let (from, radix) = match window.get(from) {
        Some(b'x' | b'X') => (from + 1, 16),
        Some(_) => (from, 10),
        None => return if open { Escape::Open } else { Escape::None },
    };
    let mut value = 0_u32;
    for (i, byte) in window.iter().enumerate().skip(from) {
        match char::from(*byte).to_digit(radix) {
            Some(digit) => value = value.saturating_mul(radix).saturating_add(digit),
            None if *byte == b';' && i > from => return visible(i + 1, value),
            None => return Escape::None,
        }
    }
    if open { Escape::Open } else { Escape::None }
}

fn percent(window: &[u8], open: bool) -> Escape {
    if open && window == b"%25" {
        return Escape::Open;
    }
    let from = if window.starts_with(b"%25") { 3 } else { 1 };
    match hex(window, from, 2, open) {
        // `%2569` is a doubled escape, `%25zz` is a percent sign.
        Escape::None if from == 3 => Escape::Of(3, '%'),
        Escape::Of(_, c) if !(' '..='~').contains(&c) && !matches!(c, '\n' | '\r' | '\t') => Escape::None,
        other => other,
    }
}

fn backslash(window: &[u8], open: bool) -> Escape {
    let from = if window.starts_with(b"\\\\") { 2 } else { 1 };
    match window.get(from) {
        None if open => Escape::Open,
        Some(b'n' | b'r') => Escape::Of(from + 1, '\n'),
        Some(b't') => Escape::Of(from + 1, ' '),
        Some(b'"') => Escape::Of(from + 1, '"'),
        Some(b'/') => Escape::Of(from + 1, '/'),
        Some(b'u') => hex(window, from + 1, 4, open),
        Some(b'x') => hex(window, from + 1, 2, open),
        _ => Escape::None,
    }
}

fn hex(window: &[u8], from: usize, count: usize, open: bool) -> Escape {
    let mut value = 0_u32;
    for i in from..from + count {
        match window.get(i) {
            Some(byte) => match char::from(*byte).to_digit(16) {
                Some(digit) => value = value * 16 + digit,
                None => return Escape::None,
            },
            None => return if open { Escape::Open } else { Escape::None },
        }
    }
    visible(from + count, value)
}

fn visible(len: usize, value: u32) -> Escape {
    match char::from_u32(value) {
        Some(c) if c != '\0' => Escape::Of(len, c),
        _ => Escape::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_once_doubled_too() {
        let cases: [(&str, Escape); 18] = [
            ("&#105;x", Escape::Of(6, 'i')),
            ("&#x69;", Escape::Of(6, 'i')),
            ("&amp;#105;", Escape::Of(10, 'i')),
            ("&lt;b", Escape::Of(4, '<')),
            ("&", Escape::Open),
            ("&am", Escape::Open),
            ("& b", Escape::None),
            ("&#1", Escape::Open),
            ("&#12345678901234567", Escape::None),
            ("%69", Escape::Of(3, 'i')),
            ("%2569", Escape::Of(5, 'i')),
            ("%6", Escape::Open),
            ("% of", Escape::None),
            ("%ff", Escape::None),
            ("\\u0069", Escape::Of(6, 'i')),
            ("\\\\u0069", Escape::Of(7, 'i')),
            ("\\n", Escape::Of(2, '\n')),
            ("\\d", Escape::None),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text.as_bytes()), expected, "{text}");
        }
    }

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
