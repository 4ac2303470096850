//! Obfuscations that keep the look of a text, or hide it in characters that nothing shows.

use super::Draw;

/// Characters without width, and the soft hyphen.
pub(super) const ZERO_WIDTH: &[char] = &[
    '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{34f}', '\u{180e}', '\u{2063}',
];
/// Variation selectors.
pub(super) const SELECTORS: &[char] = &['\u{fe00}', '\u{fe0e}', '\u{fe0f}', '\u{e0100}', '\u{180b}'];
/// Combining marks above, below and through letters.
pub(super) const MARKS: &[char] = &[
    '\u{300}', '\u{301}', '\u{308}', '\u{30a}', '\u{323}', '\u{327}', '\u{332}', '\u{336}', '\u{338}',
    '\u{20dd}',
];
/// Marks, isolates, embeddings and their ends.
pub(super) const BIDI: &[char] =
    &['\u{200e}', '\u{200f}', '\u{2066}', '\u{2068}', '\u{2069}', '\u{202a}', '\u{202c}', '\u{61c}'];
/// Control characters that text does not hold and nothing shows.
pub(super) const CONTROLS: &[char] = &['\0', '\u{1}', '\u{8}', '\u{1b}', '\u{7f}', '\u{86}', '\u{9f}'];

/// Letters that look like an ASCII one in common typefaces.
const LOOK_ALIKES: &[(char, &[char])] = &[
    ('a', &['а', 'α', 'ɑ']),
    ('b', &['Ь', 'ƅ']),
    ('c', &['с', 'ϲ', 'ᴄ']),
    ('d', &['ԁ', 'ժ']),
    ('e', &['е', 'ҽ']),
    ('g', &['ɡ', 'ց']),
    ('h', &['һ', 'հ']),
    ('i', &['і', 'ι', 'ı']),
    ('j', &['ј', 'ϳ']),
    ('k', &['к', 'κ']),
    ('l', &['ӏ', 'ⅼ']),
    ('m', &['ⅿ', 'м']),
    ('n', &['ո', 'п']),
    ('o', &['о', 'ο', 'օ']),
    ('p', &['р', 'ρ']),
    ('q', &['ԛ', 'զ']),
    ('r', &['г', 'ᴦ']),
    ('s', &['ѕ', 'ꜱ']),
    ('t', &['т', 'τ']),
    ('u', &['υ', 'ս']),
    ('v', &['ѵ', 'ν']),
    ('w', &['ԝ', 'ѡ']),
    ('x', &['х', 'χ']),
    ('y', &['у', 'γ']),
    ('z', &['ᴢ']),
    ('A', &['А', 'Α']),
    ('B', &['В', 'Β']),
    ('C', &['С', 'Ⅽ']),
    ('E', &['Е', 'Ε']),
    ('H', &['Н', 'Η']),
    ('I', &['І', 'Ι']),
    ('J', &['Ј']),
    ('K', &['К', 'Κ']),
    ('M', &['М', 'Μ']),
    ('N', &['Ν']),
    ('O', &['О', 'Ο']),
    ('P', &['Р', 'Ρ']),
    ('S', &['Ѕ', 'Ꮪ']),
    ('T', &['Т', 'Τ']),
    ('X', &['Х', 'Χ']),
    ('Y', &['У', 'Υ']),
    ('Z', &['Ζ']),
];

/// What writers of leetspeak put for a small letter.
const LEET: &[(char, &[char])] = &[
    ('a', &['4', '@']),
    ('e', &['3']),
    ('i', &['1', '!']),
    ('o', &['0']),
    ('s', &['5', '$']),
    ('t', &['7']),
    ('b', &['8']),
];

pub(super) fn mixed_case(text: &str, draw: &mut Draw) -> String {
    let flip = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(|c| if c.is_ascii_alphabetic() && draw.hits(2) { flip(c) } else { c }).collect()
}

pub(super) fn full_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '!'..='~' => shifted(c, '!', 0xff01),
            ' ' => '\u{3000}',
            _ => c,
        })
        .collect()
}

pub(super) fn math_alphabet(text: &str, draw: &mut Draw) -> String {
    // Bold, sans-serif, monospace: the alphabets of the block without holes.
    let (capitals, smalls, digits) = match draw.next() % 3 {
        0 => (0x1d400, 0x1d41a, 0x1d7ce),
        1 => (0x1d5a0, 0x1d5ba, 0x1d7e2),
        _ => (0x1d670, 0x1d68a, 0x1d7f6),
    };
    text.chars()
        .map(|c| match c {
            'A'..='Z' => shifted(c, 'A', capitals),
            'a'..='z' => shifted(c, 'a', smalls),
            '0'..='9' => shifted(c, '0', digits),
            _ => c,
        })
        .collect()
}

pub(super) fn circled(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'A'..='Z' => shifted(c, 'A', 0x24b6),
            'a'..='z' => shifted(c, 'a', 0x24d0),
            '1'..='9' => shifted(c, '1', 0x2460),
            '0' => '\u{24ea}',
            _ => c,
        })
        .collect()
}

pub(super) fn squared(text: &str, draw: &mut Draw) -> String {
    // Squared, negative circled, negative squared, regional indicators.
    let first = match draw.next() % 4 {
        0 => 0x1f130,
        1 => 0x1f150,
        2 => 0x1f170,
        _ => 0x1f1e6,
    };
    text.chars()
        .map(|c| match c.to_ascii_uppercase() {
            capital @ 'A'..='Z' => shifted(capital, 'A', first),
            _ => c,
        })
        .collect()
}

/// The character that is as far from `to` as `c` is from `from`; `c` itself if there is none.
fn shifted(c: char, from: char, to: u32) -> char {
    u32::from(c).checked_sub(u32::from(from)).and_then(|d| char::from_u32(to + d)).unwrap_or(c)
}

pub(super) fn confusables(text: &str, draw: &mut Draw) -> String {
    let share = draw.share();
    replaced(text, draw, share, LOOK_ALIKES)
}

pub(super) fn leetspeak(text: &str, draw: &mut Draw) -> String {
    let lower: String = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let share = draw.share();
    replaced(&lower, draw, share, LEET)
}

fn replaced(text: &str, draw: &mut Draw, share: u64, table: &[(char, &[char])]) -> String {
    text.chars()
        .map(|c| match table.iter().find(|(plain, _)| *plain == c) {
            Some((_, others)) if draw.hits(share) => draw.pick(others).unwrap_or(c),
            _ => c,
        })
        .collect()
}

/// Puts some of the characters between neighbouring letters and digits.
pub(super) fn between_letters(text: &str, draw: &mut Draw, what: &[char]) -> String {
    let share = draw.share();
    let mut out = String::with_capacity(text.len() * 2);
    let mut before = false;
    for c in text.chars() {
        if before && c.is_ascii_alphanumeric() && draw.hits(share) {
            out.extend(draw.pick(what));
        }
        out.push(c);
        before = c.is_ascii_alphanumeric();
    }
    out
}

/// Puts one of the characters behind letters and digits.
pub(super) fn behind_letters(text: &str, draw: &mut Draw, what: &[char]) -> String {
    let share = draw.share();
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        out.push(c);
        if c.is_ascii_alphanumeric() && draw.hits(share) {
            out.extend(draw.pick(what));
        }
    }
    out
}

pub(super) fn bidi_reversed(text: &str) -> String {
    let line = |line: &str| {
        let backwards: String = line.chars().rev().collect();
        if line.is_empty() { backwards } else { format!("\u{202e}{backwards}\u{202c}") }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn letter_spacing(text: &str) -> String {
    let word = |word: &str| joined(word, " ");
    text.split(' ').map(word).collect::<Vec<_>>().join("   ")
}

pub(super) fn letter_separators(text: &str, draw: &mut Draw) -> String {
    let between = draw.pick(&['.', '-', '_', '*']).unwrap_or('.').to_string();
    text.split(' ').map(|word| joined(word, &between)).collect::<Vec<_>>().join(" ")
}

fn joined(word: &str, between: &str) -> String {
    word.chars().map(String::from).collect::<Vec<_>>().join(between)
}

pub(super) fn tags(text: &str) -> String {
    let tag = |c: char| if (' '..='~').contains(&c) { shifted(c, '\0', 0xe0000) } else { c };
    std::iter::once("Hello".to_owned()).chain(text.chars().map(|c| tag(c).to_string())).collect()
}

pub(super) fn emoji_bytes(text: &str) -> String {
    // The first sixteen selectors stand in one block, the others in another one.
    let selector = |byte: u8| match u32::from(byte) {
        low @ 0..16 => char::from_u32(0xfe00 + low),
        high => char::from_u32(0xe0100 + high - 16),
    };
    std::iter::once('😊').chain(text.bytes().filter_map(selector)).collect()
}
