//! Obfuscations in which other letters or signs stand for letters, as people do by hand and ask models to undo.

use super::Draw;

/// ASCII letters some places on, any number but thirteen.
pub(super) fn caesar(text: &str, draw: &mut Draw) -> String {
    let shift = u8::try_from(draw.next() % 24).unwrap_or(0) + 1;
    let shift = if shift < 13 { shift } else { shift + 1 };
    let turned = |byte: u8, first: u8| char::from((byte - first + shift) % 26 + first);
    letters(text, |byte| turned(byte, if byte.is_ascii_uppercase() { b'A' } else { b'a' }))
}

/// ASCII letters from the other end of the alphabet.
pub(super) fn atbash(text: &str) -> String {
    letters(text, |byte| {
        char::from(if byte.is_ascii_uppercase() { b'Z' + b'A' - byte } else { b'z' - (byte - b'a') })
    })
}

fn letters(text: &str, write: impl Fn(u8) -> char) -> String {
    let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii_alphabetic);
    text.chars().map(|c| ascii(c).map_or(c, &write)).collect()
}

/// Each line backwards.
pub(super) fn backwards(text: &str) -> String {
    text.split('\n').map(|line| line.chars().rev().collect()).collect::<Vec<String>>().join("\n")
}

/// The letters of each word backwards.
pub(super) fn words_backwards(text: &str) -> String {
    words(text, |word| word.chars().rev().collect())
}

/// The consonants that a word of ASCII letters begins with at its end, with `ay`; `way` behind a vowel.
pub(super) fn pig_latin(text: &str) -> String {
    words(text, |word| {
        if !word.is_ascii() {
            return word.to_owned();
        }
        let word = word.to_ascii_lowercase();
        let onset = word.find(['a', 'e', 'i', 'o', 'u']).unwrap_or(word.len());
        match word.split_at_checked(onset) {
            Some(("", _)) | None => format!("{word}way"),
            Some((onset, rest)) => format!("{rest}{onset}ay"),
        }
    })
}

fn words(text: &str, write: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(letters).unwrap_or((rest, ""));
        if !word.is_empty() {
            out.push_str(&write(word));
        }
        let signs = after.find(char::is_alphabetic).unwrap_or(after.len());
        let (signs, after) = after.split_at_checked(signs).unwrap_or((after, ""));
        out.push_str(signs);
        rest = after;
    }
    out
}

/// Dots and dashes (ITU-R M.1677-1), a space between letters and a slash between words; what has none is left out.
pub(super) fn morse(text: &str) -> String {
    const SIGNS: [(char, &str); 45] = [
        ('a', ".-"),
        ('b', "-..."),
        ('c', "-.-."),
        ('d', "-.."),
        ('e', "."),
        ('f', "..-."),
        ('g', "--."),
        ('h', "...."),
        ('i', ".."),
        ('j', ".---"),
        ('k', "-.-"),
        ('l', ".-.."),
        ('m', "--"),
        ('n', "-."),
        ('o', "---"),
        ('p', ".--."),
        ('q', "--.-"),
        ('r', ".-."),
        ('s', "..."),
        ('t', "-"),
        ('u', "..-"),
        ('v', "...-"),
        ('w', ".--"),
        ('x', "-..-"),
        ('y', "-.--"),
        ('z', "--.."),
        ('1', ".----"),
        ('2', "..---"),
        ('3', "...--"),
        ('4', "....-"),
        ('5', "....."),
        ('6', "-...."),
        ('7', "--..."),
        ('8', "---.."),
        ('9', "----."),
        ('0', "-----"),
        ('.', ".-.-.-"),
        (',', "--..--"),
        (':', "---..."),
        ('?', "..--.."),
        ('\'', ".----."),
        ('-', "-....-"),
        ('/', "-..-."),
        ('"', ".-..-."),
        ('!', "-.-.--"),
    ];
    let word = |word: &str| {
        let signs = |c: char| SIGNS.iter().find(|(letter, _)| *letter == c.to_ascii_lowercase());
        word.chars().filter_map(signs).map(|(_, signs)| *signs).collect::<Vec<_>>().join(" ")
    };
    let words = text.split_whitespace().map(word).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" / ")
}

/// A cell for each letter, a sign before digits; what has no cell stands as it is.
pub(super) fn braille(text: &str) -> String {
    const LETTERS: [char; 26] = [
        '⠁', '⠃', '⠉', '⠙', '⠑', '⠋', '⠛', '⠓', '⠊', '⠚', '⠅', '⠇', '⠍', '⠝', '⠕', '⠏', '⠟', '⠗', '⠎', '⠞',
        '⠥', '⠧', '⠺', '⠭', '⠽', '⠵',
    ];
    let mut out = String::with_capacity(text.len() * 3);
    let mut number = false;
    for c in text.chars() {
        let small = c.to_ascii_lowercase();
        let place = match small {
            'a'..='z' => Some(u32::from(small) - u32::from('a')),
            // The letters from `a` to `j` are the digits from 1 to 0.
            '0'..='9' => Some((u32::from(small) - u32::from('0') + 9) % 10),
            _ => None,
        };
        if c.is_ascii_digit() && !number {
            out.push('⠼');
        }
        number = c.is_ascii_digit();
        let cell = place.and_then(|place| usize::try_from(place).ok()).and_then(|place| LETTERS.get(place));
        out.push(match (cell, c) {
            (Some(cell), _) => *cell,
            (None, ',') => '⠂',
            (None, '.') => '⠲',
            (None, '?') => '⠦',
            (None, '!') => '⠖',
            (None, c) => c,
        });
    }
    out
}

/// Words without spaces, each with a capital.
pub(super) fn camel_case(text: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters.flat_map(char::to_lowercase)).collect::<String>()
    };
    text.split_whitespace().map(word).collect()
}
