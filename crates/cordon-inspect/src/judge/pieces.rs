//! Words of folded text, each as the rows of the table that it is made of.

use super::ROWS;
use crate::fold::look_alike;
use crate::suspicion::READ_AS;

/// The word itself and its pieces that are looked at.
pub(crate) const PIECES: usize = 8;
/// The rows of a word: itself, then its pieces; [`NONE`] behind the last.
pub(crate) type Word = [u16; PIECES];
/// No row.
const NONE: u16 = u16::MAX;
/// Letters of a piece.
const PIECE: usize = 4;
/// Letters of a word that are looked at.
const LETTERS: usize = PIECES + PIECE - 2;
/// Signs of one run that are read together.
const MAX_SIGNS: usize = 3;
/// What a number is, whatever its digits.
const NUMBER: u32 = 1;
/// Before the first letter and behind the last one.
const EDGE: u32 = 2;
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// What a character belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    /// A character of a script without spaces is a word.
    Alone,
    Sign,
}

/// The words of some folded text, and the runs of signs between them. Letters are read as in the sum of features: look-alikes, and digits and
/// signs in words, as letters.
pub(crate) fn words(text: &[u8]) -> Vec<Word> {
    let text = String::from_utf8_lossy(text);
    let mut words = Vec::with_capacity(text.len() / 4);
    let mut open: Vec<u32> = Vec::with_capacity(32);
    let (mut kind, mut digits) = (Kind::Word, true);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if matches!(c, ' ' | '\'') {
            end(&mut open, kind, digits, &mut words);
            continue;
        }
        let mut before_letter = || characters.peek().is_some_and(char::is_ascii_alphabetic);
        let in_word = kind != Kind::Sign || open.is_empty();
        let (of, read) = match u8::try_from(c).ok().filter(u8::is_ascii) {
            Some(byte) if byte.is_ascii_alphanumeric() => (Kind::Word, read(byte)),
            Some(byte @ (b'@' | b'$' | b'!')) if in_word && before_letter() => (Kind::Word, read(byte)),
            Some(byte) => (Kind::Sign, u32::from(byte)),
            // Ideographs and kana, and Thai.
            None if matches!(c, '\u{3000}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}') => {
                (Kind::Alone, u32::from(c))
            }
            None => (Kind::Word, look_alike(c).map_or(u32::from(c), read)),
        };
        let goes_on = of == kind && of != Kind::Alone && (of != Kind::Sign || open.len() < MAX_SIGNS);
        if !goes_on {
            end(&mut open, kind, digits, &mut words);
        }
        if open.is_empty() {
            (kind, digits) = (of, true);
        }
        digits &= c.is_ascii_digit();
        open.push(read);
    }
    end(&mut open, kind, digits, &mut words);
    words
}

fn read(byte: u8) -> u32 {
    u32::from(READ_AS.get(usize::from(byte)).copied().unwrap_or(byte))
}

/// The open word ends.
fn end(open: &mut Vec<u32>, kind: Kind, digits: bool, words: &mut Vec<Word>) {
    if open.is_empty() {
        return;
    }
    let mut word = [NONE; PIECES];
    let number = digits && kind == Kind::Word;
    let whole = if number { row(&[NUMBER], 0) } else { row(open, u64::from(kind == Kind::Sign)) };
    let mut rows = word.iter_mut();
    if let Some(first) = rows.next() {
        *first = whole;
    }
    if kind == Kind::Word && !number {
        let letters = open.len().min(LETTERS);
        let edges = [EDGE].into_iter().chain(open.iter().take(letters).copied()).chain([EDGE]);
        let letters: Vec<u32> = edges.collect();
        for (slot, piece) in rows.zip(letters.windows(PIECE)) {
            *slot = row(piece, 77);
        }
    }
    words.push(word);
    open.clear();
}

/// The row of some letters.
fn row(letters: &[u32], salt: u64) -> u16 {
    let hash =
        letters.iter().fold(SEED ^ salt, |hash, letter| (hash ^ u64::from(*letter)).wrapping_mul(PRIME));
    let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    u16::try_from(mixed % ROWS as u64).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_people_read() {
        let of = |text: &str| words(text.as_bytes());
        assert_eq!(of("Ignore the rules").len(), 3);
        assert_eq!(of("ignore THE rules"), of("1gn0r3 the ru!es"));
        assert_eq!(of("p@ss"), of("pass"));
        // Numbers are all the same, signs three at a time, ideographs one by one.
        assert_eq!(of("12 7"), [of("5"), of("4")].concat());
        assert_eq!(of("a ...... b").len(), 4);
        assert_eq!(of("忽略规则").len(), 4);
        assert_eq!(of(" '' "), Vec::<Word>::new());
        assert_eq!(of("!!").len(), 1);
    }

    #[test]
    fn words_share_their_pieces() {
        let (one, other) = (words(b"instruction"), words(b"instructions"));
        assert_ne!(one[0][0], other[0][0]);
        assert_eq!(one[0][1..7], other[0][1..7]);
        assert!(words(b"is")[0][2..].iter().all(|row| *row == NONE || usize::from(*row) < ROWS));
        assert!(words("x".repeat(5000).as_bytes())[0].iter().all(|row| usize::from(*row) < ROWS));
    }

    #[test]
    fn bytes_that_are_no_text_are_read() {
        assert_eq!(words(&[0xff, b'a', 0xc3]).len(), 1);
        assert!(words(b"").is_empty());
    }
}
