//! Finds what was put into words: tags and comments of HTML, marks of emphasis, soft line breaks of quoted-printable, and
//! the hyphen at the end of a line.

use crate::fold::FoldedText;

/// Folded bytes that are taken out together.
const MAX_CUT: usize = 256;
/// Marks of emphasis between two letters.
const MAX_MARKS: usize = 6;
/// Folded bytes around a single mark in which its other one stands.
const PAIR: usize = 48;

/// Bytes of the longest line of quoted-printable (RFC 2045), and of the shortest one that is broken for its length.
const LINE: usize = 76;
const MIN_LINE: usize = 60;
/// Fewer digits of base64 need no padding to look like a word.
const MIN_PADDED: usize = 16;

/// Elements that stand inside of words without an end of the word (HTML's phrasing content that shows text).
const INLINE: [&[u8]; 38] = [
    b"a", b"abbr", b"acronym", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"dfn",
    b"em", b"font", b"i", b"ins", b"kbd", b"label", b"mark", b"nobr", b"q", b"rb", b"rp", b"rt", b"ruby",
    b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub", b"sup", b"time", b"tt", b"u", b"var",
    b"wbr",
];

/// Bytes of the folded text that a view leaves out or writes otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What stands there instead.
    pub(super) put: Option<u8>,
}

/// What may become a cut.
#[derive(Clone, Copy, Debug)]
struct Gap {
    start: usize,
    /// Where the tag began that is open.
    tag: Option<usize>,
}

/// The gap that is open.
#[derive(Debug, Default)]
pub(super) struct Cuts(Option<Gap>);

impl Cuts {
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the byte at `i` may begin a cut.
    #[inline]
    pub(super) fn begins(&self, i: usize, byte: u8, text: &FoldedText) -> bool {
        if self.0.is_some() {
            return false;
        }
        let before = || i.checked_sub(1).and_then(|at| text.byte(at));
        match byte {
            b'<' | b'*' | b'_' | b'~' | b'`' | b'-' => before().is_some_and(is_letter),
            b'=' => before().is_some_and(|byte| byte >= b' ' && byte != b'='),
            b'!' => before() == Some(b'<'),
            _ => false,
        }
    }

    pub(super) fn begin(&mut self, i: usize, byte: u8) {
        // A comment may stand behind anything.
        let start = if byte == b'!' { i.saturating_sub(1) } else { i };
        self.0 = Some(Gap { start, tag: matches!(byte, b'<' | b'!').then_some(start) });
    }

    /// Takes a byte behind the one that began a gap; the cut that ends with or before it.
    pub(super) fn byte(&mut self, i: usize, byte: u8, text: &FoldedText) -> Option<Edit> {
        let gap = self.0.as_mut()?;
        if i - gap.start > MAX_CUT {
            self.0 = None;
            return None;
        }
        if let Some(tag) = gap.tag {
            let inside = text.slice(tag + 1, i);
            // A comparison is no tag, and most tags end words.
            let named = byte.is_ascii_alphanumeric() || inside.is_empty() && matches!(byte, b'/' | b'!');
            if !named
                && !inside.starts_with(b"!--")
                && inside != b"!"
                && inside != b"!-"
                && !is_inline(inside)
            {
                self.0 = None;
                return None;
            }
            if byte == b'>' {
                let comment = inside.len() >= 5 && inside.starts_with(b"!--") && inside.ends_with(b"--");
                if comment {
                    self.0 = None;
                    return Some(Edit { start: tag, end: i + 1, put: None });
                }
                if is_inline(inside) {
                    gap.tag = None;
                }
            }
            return None;
        }
        let gap = *gap;
        let between = text.slice(gap.start, i);
        if byte == b'<' && !matches!(between, [b'-' | b'=', ..]) {
            self.0 = Some(Gap { tag: Some(i), ..gap });
            return None;
        }
        let goes_on = match between {
            [b'=', rest @ ..] => {
                if byte == b'\n' {
                    self.0 = None;
                    return Some(Edit { start: gap.start, end: i + 1, put: None });
                }
                byte == b'\r' && rest.is_empty()
            }
            [b'-', rest @ ..] => {
                if is_letter(byte) {
                    self.0 = None;
                    // The hyphen of a number belongs to it.
                    let before = gap.start.checked_sub(1).and_then(|at| text.byte(at));
                    let number = byte.is_ascii_digit() && before.is_some_and(|byte| byte.is_ascii_digit());
                    let start = gap.start + usize::from(number);
                    return rest.contains(&b'\n').then_some(Edit { start, end: i, put: None });
                }
                match byte {
                    b'\n' => !rest.contains(&b'\n'),
                    b'\r' => rest.is_empty(),
                    b' ' => rest.contains(&b'\n'),
                    _ => false,
                }
            }
            _ => {
                if is_letter(byte) {
                    self.0 = None;
                    return is_markup(between).then_some(Edit { start: gap.start, end: i, put: None });
                }
                matches!(byte, b'*' | b'_' | b'~' | b'`')
            }
        };
        if !goes_on {
            self.0 = None;
        }
        None
    }
}

/// Whether a cut is one, with all that is known before folded byte `end` of what stands around it. A single star has another one near it. The sign
/// that pads base64 is no soft break, unless its line is as long as those are, or another one stands near it.
pub(super) fn holds(edit: Edit, end: usize, text: &FoldedText) -> bool {
    match text.slice(edit.start, edit.end) {
        b"*" => {
            let around = text.slice(edit.start.saturating_sub(PAIR), (edit.end + PAIR).min(end));
            around.iter().filter(|byte| **byte == b'*').count() > 1
        }
        [b'=', ..] => {
            let before = text.slice(edit.start.saturating_sub(LINE), edit.start);
            let line = before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let word = before.iter().rev().take_while(|byte| is_base64_digit(**byte)).count();
            let padding = word >= MIN_PADDED && word % 4 == 3;
            let soft = |bytes: &[u8]| bytes.windows(2).any(|pair| pair == b"=\n" || pair == b"=\r");
            !padding
                || line + 1 >= MIN_LINE
                || soft(before)
                || soft(text.slice(edit.end, (edit.end + LINE).min(end)))
        }
        _ => true,
    }
}

const fn is_base64_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether a byte belongs to a word.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Marks of emphasis and tags, and nothing else. A low line alone joins the words of a name.
fn is_markup(between: &[u8]) -> bool {
    between.contains(&b'<') || !matches!(between, b"_" | b"~" | b"`") && between.len() <= MAX_MARKS
}

/// Whether the inside of a tag is that of an element inside of words.
fn is_inline(inside: &[u8]) -> bool {
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    let name = inside.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let ends = inside.get(name).is_none_or(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'/'));
    let name = inside.get(..name).unwrap_or_default();
    ends && INLINE.iter().any(|inline| name.eq_ignore_ascii_case(inline))
}
