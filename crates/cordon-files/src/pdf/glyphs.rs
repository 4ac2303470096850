//! What simple fonts write: names of glyphs (Adobe Glyph List), and the encodings of ISO 32000-1, annex D.

use crate::text::windows1252;

/// Names of the characters U+0020 to U+007E, but letters, which are named by themselves.
const ASCII: [(char, &str); 43] = [
    (' ', "space"),
    ('!', "exclam"),
    ('"', "quotedbl"),
    ('#', "numbersign"),
    ('$', "dollar"),
    ('%', "percent"),
    ('&', "ampersand"),
    ('\'', "quotesingle"),
    ('(', "parenleft"),
    (')', "parenright"),
    ('*', "asterisk"),
    ('+', "plus"),
    (',', "comma"),
    ('-', "hyphen"),
    ('.', "period"),
    ('/', "slash"),
    ('0', "zero"),
    ('1', "one"),
    ('2', "two"),
    ('3', "three"),
    ('4', "four"),
    ('5', "five"),
    ('6', "six"),
    ('7', "seven"),
    ('8', "eight"),
    ('9', "nine"),
    (':', "colon"),
    (';', "semicolon"),
    ('<', "less"),
    ('=', "equal"),
    ('>', "greater"),
    ('?', "question"),
    ('@', "at"),
    ('[', "bracketleft"),
    ('\\', "backslash"),
    (']', "bracketright"),
    ('^', "asciicircum"),
    ('_', "underscore"),
    ('`', "grave"),
    ('{', "braceleft"),
    ('|', "bar"),
    ('}', "braceright"),
    ('~', "asciitilde"),
];

/// Names of punctuation and ligatures that texts have.
const OTHERS: [(&str, &str); 32] = [
    ("’", "quoteright"),
    ("‘", "quoteleft"),
    ("“", "quotedblleft"),
    ("”", "quotedblright"),
    ("–", "endash"),
    ("—", "emdash"),
    ("•", "bullet"),
    ("…", "ellipsis"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("€", "Euro"),
    ("™", "trademark"),
    ("†", "dagger"),
    ("‡", "daggerdbl"),
    ("‚", "quotesinglbase"),
    ("„", "quotedblbase"),
    ("ß", "germandbls"),
    ("æ", "ae"),
    ("Æ", "AE"),
    ("ø", "oslash"),
    ("Ø", "Oslash"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("ı", "dotlessi"),
    ("ł", "lslash"),
    ("Ł", "Lslash"),
    ("−", "minus"),
    ("©", "copyright"),
    ("§", "section"),
];

/// Names of marks that stand behind a letter's, and the marks.
const ACCENTS: [(&str, char); 9] = [
    ("acute", '\u{301}'),
    ("grave", '\u{300}'),
    ("circumflex", '\u{302}'),
    ("dieresis", '\u{308}'),
    ("tilde", '\u{303}'),
    ("ring", '\u{30a}'),
    ("cedilla", '\u{327}'),
    ("caron", '\u{30c}'),
    ("ogonek", '\u{328}'),
];

/// The upper half of Mac OS Roman.
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

/// The text that a glyph of this name is.
pub(super) fn named(name: &str) -> Option<String> {
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    let mut chars = name.chars();
    if let (Some(letter), None) = (chars.next().filter(char::is_ascii_alphabetic), chars.next()) {
        return Some(letter.to_string());
    }
    if let Some((c, _)) = ASCII.iter().find(|(_, known)| *known == name) {
        return Some(c.to_string());
    }
    if let Some((text, _)) = OTHERS.iter().find(|(_, known)| *known == name) {
        return Some((*text).to_owned());
    }
    let code = name.strip_prefix("uni").filter(|digits| digits.len() >= 4).and_then(|digits| digits.get(..4));
    let code = code.or_else(|| name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len())));
    if let Some(c) = code.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
        return Some(c.to_string());
    }
    // A letter with a mark is written as both: the detectors' folding knows them as one.
    let (letter, mark) = name.split_at_checked(1)?;
    let (_, mark) = ACCENTS.iter().find(|(known, _)| *known == mark)?;
    letter.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| format!("{letter}{mark}"))
}

/// An encoding of bytes that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    MacRoman,
    WinAnsi,
}

impl Encoding {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "MacRomanEncoding" => Some(Self::MacRoman),
            "WinAnsiEncoding" => Some(Self::WinAnsi),
            _ => None,
        }
    }

    pub(super) fn char(self, byte: u8) -> char {
        match (self, byte) {
            (Self::MacRoman, 0x80..) => {
                MAC_ROMAN.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => windows1252(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        for (name, text) in [
            ("A", "A"),
            ("seven", "7"),
            ("ffi", "ffi"),
            ("uni0416", "Ж"),
            ("u1F600", "😀"),
            ("eacute", "e\u{301}"),
            ("a.sc", "a"),
        ] {
            assert_eq!(named(name).as_deref(), Some(text), "{name}");
        }
        assert_eq!(named("g23"), None);
        assert_eq!(MAC_ROMAN.chars().count(), 128);
        assert_eq!(Encoding::MacRoman.char(0x8a), 'ä');
    }
}
