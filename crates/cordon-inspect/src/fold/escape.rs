//! Escapes that stand for one character: HTML's, URLs', those of program text, and quoted-printable.

/// What an escape at the start of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// So many bytes stand for this character.
    Of(usize, char),
    /// So many bytes stand for nothing: a line break that encoding put in.
    Break(usize),
    /// The first byte stands for itself.
    None,
    /// More bytes are needed to say.
    Open,
}

/// Longest escape read: `%25F0%259F%2598%258A` and the like.
const MAX_ESCAPE: usize = 24;

/// Whether a byte may begin an escape.
pub(crate) const fn begins(byte: u8) -> bool {
    // Without short cuts, so that many bytes are looked at together.
    (byte == b'&') | (byte == b'%') | (byte == b'\\') | (byte == b'=')
}

/// Reads an escape of HTML (`&#105;`, `&#x69;`, `&lt;`), a URL (`%69`, `%u0069`), program text (`\u0069`, `\u{69}`, `\x69`, `\x{69}`,
/// `\N{U+69}`, `\151`, `\n`) or quoted-printable (`=69=67`), once doubled escapes included (`&amp;#105;`, `%2569`, `\\u0069`). A character of
/// several bytes is read whole. `quoted` says that an escape of quoted-printable ends right before.
pub(crate) fn escape(bytes: &[u8], quoted: bool) -> Escape {
    let window = Window { bytes: bytes.get(..MAX_ESCAPE).unwrap_or(bytes), open: bytes.len() < MAX_ESCAPE };
    match bytes.first() {
        Some(b'&') => html(window),
        Some(b'%') => percent(window),
        Some(b'\\') => backslash(window),
        Some(b'=') => quoted_printable(window, quoted),
        _ => Escape::None,
    }
}

/// The bytes that may belong to an escape, and whether more may come.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    open: bool,
}

/// What stands at a place of the window.
#[derive(Clone, Copy)]
enum Read<T> {
    Is(T),
    Not,
    Open,
}

impl Window<'_> {
    fn get(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// What a window that ends too early means.
    const fn end<T>(self) -> Read<T> {
        if self.open { Read::Open } else { Read::Not }
    }

    /// Whether the literal stands at `at`.
    fn literal(self, at: usize, literal: &[u8]) -> Read<()> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.starts_with(literal) {
            Read::Is(())
        } else if literal.starts_with(rest) {
            self.end()
        } else {
            Read::Not
        }
    }

    /// `count` digits from `from` on.
    fn number(self, from: usize, count: usize, radix: u32) -> Read<u32> {
        let mut value = 0_u32;
        for at in from..from + count {
            let Some(byte) = self.get(at) else { return self.end() };
            let Some(digit) = char::from(byte).to_digit(radix) else { return Read::Not };
            value = value.saturating_mul(radix).saturating_add(digit);
        }
        Read::Is(value)
    }

    /// Up to `most` digits from `from` on: their value, and where they end.
    fn digits(self, from: usize, most: usize, radix: u32) -> Read<(u32, usize)> {
        let (mut value, mut at) = (0_u32, from);
        while at < from + most {
            let Some(byte) = self.get(at) else { return self.end() };
            let Some(digit) = char::from(byte).to_digit(radix) else { break };
            value = value.saturating_mul(radix).saturating_add(digit);
            at += 1;
        }
        if at == from { Read::Not } else { Read::Is((value, at)) }
    }

    /// Where the line break of quoted-printable that stands at `at` ends.
    fn soft_break(self, at: usize) -> Read<usize> {
        for soft in [b"=\n".as_slice(), b"=\r\n"] {
            match self.literal(at, soft) {
                Read::Is(()) => return Read::Is(at + soft.len()),
                Read::Open => return Read::Open,
                Read::Not => {}
            }
        }
        Read::Not
    }

    /// A character written as bytes of two hexadecimal digits, each behind the mark, from the start on. A byte that
    /// begins no UTF-8 is none.
    fn utf8(self, mark: &[u8], upper: bool) -> Read<(usize, char)> {
        let step = mark.len() + 2;
        let byte = |at: usize| match self.literal(at, mark) {
            Read::Is(()) => {
                let lower = |i: usize| self.get(i).is_some_and(|b| b.is_ascii_lowercase());
                if upper && (lower(at + step - 2) || lower(at + step - 1)) {
                    return Read::Not;
                }
                match self.number(at + mark.len(), 2, 16) {
                    Read::Is(value) => Read::Is(u8::try_from(value).unwrap_or(0)),
                    Read::Not => Read::Not,
                    Read::Open => Read::Open,
                }
            }
            Read::Not => Read::Not,
            Read::Open => Read::Open,
        };
        let first = match byte(0) {
            Read::Is(first) => first,
            Read::Not => return Read::Not,
            Read::Open => return Read::Open,
        };
        let length = match first {
            0..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Read::Not,
        };
        let mut utf8 = [first, 0, 0, 0];
        let mut end = step;
        for slot in utf8.iter_mut().take(length).skip(1) {
            if mark == b"=" {
                match self.soft_break(end) {
                    Read::Is(after) => end = after,
                    Read::Not => {}
                    Read::Open => return Read::Open,
                }
            }
            *slot = match byte(end) {
                Read::Is(next) => next,
                Read::Not => return Read::Not,
                Read::Open => return Read::Open,
            };
            end += step;
        }
        let read = utf8.get(..length).and_then(|utf8| std::str::from_utf8(utf8).ok());
        match read.and_then(|text| text.chars().next()) {
            Some(c) => Read::Is((end, c)),
            None => Read::Not,
        }
    }
}

/// Named references of HTML for what hides in names: ASCII, spaces, quotation marks and what has no width.
const NAMED: [(&[u8], char); 56] = [
    (b"lt", '<'),
    (b"gt", '>'),
    (b"amp", '&'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"nbsp", ' '),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
    (b"excl", '!'),
    (b"num", '#'),
    (b"dollar", '$'),
    (b"percnt", '%'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"ast", '*'),
    (b"plus", '+'),
    (b"comma", ','),
    (b"period", '.'),
    (b"sol", '/'),
    (b"colon", ':'),
    (b"semi", ';'),
    (b"equals", '='),
    (b"quest", '?'),
    (b"commat", '@'),
    (b"lsqb", '['),
    (b"lbrack", '['),
    (b"bsol", '\\'),
    (b"rsqb", ']'),
    (b"rbrack", ']'),
    (b"Hat", '^'),
    (b"lowbar", '_'),
    (b"grave", '`'),
    (b"lcub", '{'),
    (b"lbrace", '{'),
    (b"verbar", '|'),
    (b"vert", '|'),
    (b"rcub", '}'),
    (b"rbrace", '}'),
    (b"hyphen", '-'),
    (b"dash", '-'),
    (b"ndash", '-'),
    (b"mdash", '-'),
    (b"hellip", '.'),
    (b"lsquo", '\''),
    (b"rsquo", '\''),
    (b"ldquo", '"'),
    (b"rdquo", '"'),
    (b"laquo", '"'),
    (b"raquo", '"'),
    (b"ensp", ' '),
    (b"emsp", ' '),
    (b"thinsp", ' '),
    (b"shy", '\u{ad}'),
    (b"zwnj", '\u{200c}'),
    (b"zwj", '\u{200d}'),
    (b"ZeroWidthSpace", '\u{200b}'),
];

fn html(window: Window<'_>) -> Escape {
    let outer = match reference(window, 1) {
        Read::Is(read) => read,
        Read::Not => return Escape::None,
        Read::Open => return Escape::Open,
    };
    // `&amp;#105;` is a doubled escape, `&amp;` alone an ampersand.
    match outer {
        (5, '&') => match reference(window, 5) {
            Read::Is((end, c)) => Escape::Of(end, c),
            Read::Not => Escape::Of(5, '&'),
            Read::Open => Escape::Open,
        },
        (end, c) => Escape::Of(end, c),
    }
}

/// A reference whose `&` ends at `from`: where it ends, and its character.
fn reference(window: Window<'_>, from: usize) -> Read<(usize, char)> {
    match window.get(from) {
        Some(b'#') => {}
        Some(byte) if byte.is_ascii_alphabetic() => return named(window, from),
        Some(_) => return Read::Not,
        None => return window.end(),
    }
    let (digits, radix) = match window.get(from + 1) {
        Some(b'x' | b'X') => (from + 2, 16),
        Some(_) => (from + 1, 10),
        None => return window.end(),
    };
    let (value, end) = match window.digits(digits, 10, radix) {
        Read::Is(read) => read,
        Read::Not => return Read::Not,
        Read::Open => return Read::Open,
    };
    // Browsers read references without a semicolon too; one digit alone is a number sign.
    let end = match window.get(end) {
        Some(b';') => end + 1,
        Some(byte) if end - digits >= 2 && !byte.is_ascii_alphanumeric() => end,
        Some(byte) if end - digits >= 2 && radix == 10 && byte.is_ascii_alphabetic() => end,
        Some(b'&') => end,
        Some(_) => return Read::Not,
        None if window.open => return Read::Open,
        None => end,
    };
    char::from_u32(value).map_or(Read::Not, |c| Read::Is((end, c)))
}

fn named(window: Window<'_>, from: usize) -> Read<(usize, char)> {
    let rest = window.bytes.get(from..).unwrap_or_default();
    let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let name = rest.get(..letters).unwrap_or_default();
    match rest.get(letters) {
        Some(b';') => {
            let known = NAMED.iter().find(|(known, _)| *known == name);
            known.map_or(Read::Not, |(_, c)| Read::Is((from + letters + 1, *c)))
        }
        None if NAMED.iter().any(|(known, _)| known.starts_with(name)) => window.end(),
        _ => Read::Not,
    }
}

fn percent(window: Window<'_>) -> Escape {
    let marked = |mark: &[u8]| window.utf8(mark, false);
    let text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    match window.literal(0, b"%25") {
        Read::Open => return Escape::Open,
        // `%2569` is a doubled escape, `%25zz` is a percent sign.
        Read::Is(()) => {
            return match marked(b"%25") {
                Read::Is((end, c)) if text(c) => Escape::Of(end, c),
                Read::Open => Escape::Open,
                _ => Escape::Of(3, '%'),
            };
        }
        Read::Not => {}
    }
    // As `escape` of ECMAScript (annex B.2.1.1) writes characters.
    if matches!(window.get(1), Some(b'u' | b'U')) {
        return match character(window.number(2, 4, 16), 6) {
            Escape::Of(_, c) if !text(c) => Escape::None,
            escape => escape,
        };
    }
    match marked(b"%") {
        Read::Is((end, c)) if text(c) => Escape::Of(end, c),
        Read::Open => Escape::Open,
        _ => Escape::None,
    }
}

fn backslash(window: Window<'_>) -> Escape {
    let from = match window.literal(0, b"\\\\") {
        Read::Is(()) => 2,
        Read::Not => 1,
        Read::Open => return Escape::Open,
    };
    let mark = window.bytes.get(..from).unwrap_or_default();
    let Some(kind) = window.get(from) else {
        return if window.open { Escape::Open } else { Escape::None };
    };
    match kind {
        b'n' | b'r' => Escape::Of(from + 1, '\n'),
        b't' => Escape::Of(from + 1, ' '),
        b'"' => Escape::Of(from + 1, '"'),
        b'/' => Escape::Of(from + 1, '/'),
        b'u' if window.get(from + 1) == Some(b'{') => braced(window, from + 2),
        b'u' => utf16(window, mark),
        b'U' => character(window.number(from + 1, 8, 16), from + 9),
        b'x' if window.get(from + 1) == Some(b'{') => braced(window, from + 2),
        b'N' => match window.literal(from + 1, b"{U+") {
            Read::Is(()) => braced(window, from + 4),
            Read::Not => Escape::None,
            Read::Open => Escape::Open,
        },
        b'x' => {
            let marked = [mark, b"x"].concat();
            match window.utf8(&marked, false) {
                Read::Is((end, c)) => Escape::Of(end, c),
                Read::Open => Escape::Open,
                // A byte that is no UTF-8 is a character of Latin 1.
                Read::Not => character(window.number(from + 1, 2, 16), from + 3),
            }
        }
        b'0'..=b'3' => match window.number(from, 3, 8) {
            // Not the start of a longer number.
            Read::Is(value) => match window.get(from + 3) {
                None if window.open => Escape::Open,
                Some(b'0'..=b'9') => Escape::None,
                _ => character(Read::Is(value), from + 3),
            },
            other => character(other, from + 3),
        },
        _ => Escape::None,
    }
}

fn character(value: Read<u32>, end: usize) -> Escape {
    match value {
        Read::Is(value) => char::from_u32(value).map_or(Escape::None, |c| Escape::Of(end, c)),
        Read::Not => Escape::None,
        Read::Open => Escape::Open,
    }
}

/// `\u{69}` and the like, whose digits begin at `from`.
fn braced(window: Window<'_>, from: usize) -> Escape {
    match window.digits(from, 6, 16) {
        Read::Is((value, end)) => match window.get(end) {
            Some(b'}') => character(Read::Is(value), end + 1),
            None if window.open => Escape::Open,
            _ => Escape::None,
        },
        Read::Not => Escape::None,
        Read::Open => Escape::Open,
    }
}

/// `\u0069`, or two of them for a character behind U+FFFF.
fn utf16(window: Window<'_>, mark: &[u8]) -> Escape {
    let step = mark.len() + 5;
    let high = match window.number(mark.len() + 1, 4, 16) {
        Read::Is(high @ 0xd800..=0xdbff) => high - 0xd800,
        other => return character(other, step),
    };
    match window.literal(step, &[mark, b"u"].concat()) {
        Read::Is(()) => match window.number(step + mark.len() + 1, 4, 16) {
            Read::Is(low @ 0xdc00..=0xdfff) => {
                character(Read::Is(0x1_0000 + (high << 10) + (low - 0xdc00)), 2 * step)
            }
            Read::Is(_) | Read::Not => Escape::None,
            Read::Open => Escape::Open,
        },
        Read::Not => Escape::None,
        Read::Open => Escape::Open,
    }
}

/// One escape is read only beside another one: `a=42` is no letter.
fn quoted_printable(window: Window<'_>, quoted: bool) -> Escape {
    if quoted {
        match window.soft_break(0) {
            Read::Is(end) => return Escape::Break(end),
            Read::Open => return Escape::Open,
            Read::Not => {}
        }
    }
    let (end, c) = match window.utf8(b"=", true) {
        Read::Is(read) => read,
        Read::Not => return Escape::None,
        Read::Open => return Escape::Open,
    };
    if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
        return Escape::None;
    }
    if quoted || end > 3 {
        return Escape::Of(end, c);
    }
    match window.literal(end, b"=") {
        Read::Is(()) => match window.number(end + 1, 2, 16) {
            Read::Is(_) => Escape::Of(end, c),
            Read::Open => Escape::Open,
            Read::Not => match window.get(end + 1) {
                Some(b'\n' | b'\r') => Escape::Of(end, c),
                _ => Escape::None,
            },
        },
        Read::Open => Escape::Open,
        Read::Not => Escape::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_once_doubled_too() {
        let cases: [(&str, Escape); 54] = [
            ("%u0069x", Escape::Of(6, 'i')),
            ("%u006", Escape::Open),
            ("%u of them, and more than that", Escape::None),
            ("\\x{69}", Escape::Of(6, 'i')),
            ("\\N{U+69}", Escape::Of(8, 'i')),
            ("\\\\N{U+0069}", Escape::Of(11, 'i')),
            ("\\Nothing of the kind is here", Escape::None),
            ("&#105;x", Escape::Of(6, 'i')),
            ("&#x69;", Escape::Of(6, 'i')),
            ("&#x0000069;", Escape::Of(11, 'i')),
            ("&#105&#106", Escape::Of(5, 'i')),
            ("&#105x......................", Escape::Of(5, 'i')),
            ("&amp;#105;", Escape::Of(10, 'i')),
            ("&amp; b", Escape::Of(5, '&')),
            ("&amp;lt;", Escape::Of(8, '<')),
            ("&lt;b", Escape::Of(4, '<')),
            ("&Tab;", Escape::Of(5, '\t')),
            ("&zwj;", Escape::Of(5, '\u{200d}')),
            ("&unknown;", Escape::None),
            ("&", Escape::Open),
            ("&am", Escape::Open),
            ("& b", Escape::None),
            ("&#1", Escape::Open),
            ("&#1 ", Escape::None),
            ("&#12345678901234567", Escape::None),
            ("%69", Escape::Of(3, 'i')),
            ("%2569", Escape::Of(5, 'i')),
            ("%25zz", Escape::Of(3, '%')),
            ("%C3%A9", Escape::Of(6, 'é')),
            ("%25C3%25A9", Escape::Of(10, 'é')),
            ("%F0%9F%98%8A", Escape::Of(12, '😊')),
            ("%C3%", Escape::Open),
            ("%6", Escape::Open),
            ("% of", Escape::None),
            ("%ff", Escape::None),
            ("%07", Escape::None),
            ("\\u0069", Escape::Of(6, 'i')),
            ("\\u{69}", Escape::Of(6, 'i')),
            ("\\U00000069", Escape::Of(10, 'i')),
            ("\\ud83d\\ude0a", Escape::Of(12, '😊')),
            ("\\ud83d", Escape::Open),
            ("\\ud83dx", Escape::None),
            ("\\\\u0069", Escape::Of(7, 'i')),
            ("\\xc3\\xa9", Escape::Of(8, 'é')),
            ("\\xe9 ..", Escape::Of(4, 'é')),
            ("\\151 ", Escape::Of(4, 'i')),
            ("\\1515", Escape::None),
            ("\\n", Escape::Of(2, '\n')),
            ("\\d", Escape::None),
            ("=69=67", Escape::Of(3, 'i')),
            ("=C3=A9", Escape::Of(6, 'é')),
            ("=C3=\n=A9", Escape::Of(8, 'é')),
            ("=42 ", Escape::None),
            ("=6d=6d", Escape::None),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text.as_bytes(), false), expected, "{text}");
        }
        for (text, expected) in [
            ("=42 ", Escape::Of(3, 'B')),
            ("=\nx", Escape::Break(2)),
            ("=\r\n", Escape::Break(3)),
            ("= ", Escape::None),
        ] {
            assert_eq!(escape(text.as_bytes(), true), expected, "{text}");
        }
    }

    #[test]
    fn what_is_open_is_decided_by_more_bytes_alone() {
        // An escape that is decided stays so, whatever follows.
        for text in
            ["&#105;", "&amp;#105;", "%2569", "%C3%A9", "\\ud83d\\ude0a", "\\x69", "\\151 ", "=69=67", "&lt;"]
        {
            let decided = escape(format!("{text}{}", ".".repeat(MAX_ESCAPE)).as_bytes(), false);
            for cut in 1..=text.len() {
                let early = escape(&text.as_bytes()[..cut], false);
                assert!(early == Escape::Open || early == decided, "{text} at {cut}: {early:?}");
            }
        }
    }
}
