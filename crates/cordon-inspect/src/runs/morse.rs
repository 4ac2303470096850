//! Morse code (ITU-R M.1677-1): `.. --. -. --- .-. . / .- .-.. .-..`, with one space between letters, and a slash, a bar, more spaces or a
//! line's end between words.

use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Fewer letters are no sentence.
const MIN_LETTERS: usize = 8;
/// Fewer different ones are a line that leads from one thing to another.
const MIN_KINDS: u32 = 4;
/// Folded bytes that are read together: four of them are a letter.
const MAX_CODE: usize = 4 * super::MAX_RUN;
/// Signs of the longest letter.
const LONGEST: usize = 6;

/// Letters, digits and signs, and what stands for them (ITU-R M.1677-1, section 1.1).
const SIGNS: [(&[u8], u8); 47] = [
    (b".-", b'a'),
    (b"-...", b'b'),
    (b"-.-.", b'c'),
    (b"-..", b'd'),
    (b".", b'e'),
    (b"..-.", b'f'),
    (b"--.", b'g'),
    (b"....", b'h'),
    (b"..", b'i'),
    (b".---", b'j'),
    (b"-.-", b'k'),
    (b".-..", b'l'),
    (b"--", b'm'),
    (b"-.", b'n'),
    (b"---", b'o'),
    (b".--.", b'p'),
    (b"--.-", b'q'),
    (b".-.", b'r'),
    (b"...", b's'),
    (b"-", b't'),
    (b"..-", b'u'),
    (b"...-", b'v'),
    (b".--", b'w'),
    (b"-..-", b'x'),
    (b"-.--", b'y'),
    (b"--..", b'z'),
    (b".----", b'1'),
    (b"..---", b'2'),
    (b"...--", b'3'),
    (b"....-", b'4'),
    (b".....", b'5'),
    (b"-....", b'6'),
    (b"--...", b'7'),
    (b"---..", b'8'),
    (b"----.", b'9'),
    (b"-----", b'0'),
    (b".-.-.-", b'.'),
    (b"--..--", b','),
    (b"---...", b':'),
    (b"..--..", b'?'),
    (b".----.", b'\''),
    (b"-....-", b'-'),
    (b"-..-.", b'/'),
    (b"-.--.", b'('),
    (b"-.--.-", b')'),
    (b".-..-.", b'"'),
    (b"-.-.--", b'!'),
];

/// Where the code that is open began.
#[derive(Debug, Default)]
pub(super) struct Morse(Option<usize>);

impl Morse {
    pub(super) const fn live(&self) -> Option<usize> {
        self.0
    }

    #[inline]
    pub(super) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        match self.0 {
            None if is_sign(byte) => {
                let before = i.checked_sub(1).and_then(|before| context.text.byte(before));
                let begins = before.is_none_or(|before| {
                    before.is_ascii_whitespace() || matches!(before, b'"' | b'\'' | b'`')
                });
                self.0 = begins.then_some(i);
            }
            Some(start) if !is_sign(byte) && !is_between(byte) || i - start >= MAX_CODE => {
                self.close(i, context);
            }
            _ => {}
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(start) = self.0.take()
            && let Some(view) = read(context.text.slice(start, end))
        {
            view.report(start, |_| true, context);
        }
    }
}

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'.' | b'-' | b'_')
}

const fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'/' | b'|' | b'\n')
}

/// What some dots and dashes say; none where that is no text.
fn read(code: &[u8]) -> Option<View> {
    if code.len() < 2 * MIN_LETTERS {
        return None;
    }
    let (mut text, mut way, mut at) = (Vec::with_capacity(code.len() / 3), Way::default(), 0);
    let (mut letters, mut unknown, mut kinds) = (0, 0, 0_u64);
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let signs = rest.iter().take_while(|byte| is_sign(**byte)).count();
        if signs > 0 {
            let letter = letter(rest.get(..signs)?);
            way.push(text.len(), (at, at + signs), (1, signs));
            text.push(letter.unwrap_or(b'?'));
            *(if letter.is_some() { &mut letters } else { &mut unknown }) += 1;
            kinds |= letter.map_or(0, |letter| 1 << (letter & 63));
            at += signs;
            continue;
        }
        let width = rest.iter().take_while(|byte| is_between(**byte)).count();
        if rest.get(..width) != Some(b" ".as_slice()) {
            way.push(text.len(), (at, at + width), (1, width));
            text.push(b' ');
        }
        at += width;
    }
    (letters >= MIN_LETTERS && unknown * 8 <= letters && kinds.count_ones() >= MIN_KINDS)
        .then(|| View::new(Encoding::Morse, text, way))
}

/// The letter of some signs; an underscore is a dash.
fn letter(signs: &[u8]) -> Option<u8> {
    if signs.len() > LONGEST {
        return None;
    }
    let dash = |byte: &u8| if *byte == b'_' { b'-' } else { *byte };
    let known = |known: &&(&[u8], u8)| {
        known.0.len() == signs.len() && known.0.iter().eq(signs.iter().map(dash).collect::<Vec<_>>().iter())
    };
    SIGNS.iter().find(known).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_read_and_lines_are_none() {
        let read =
            |code: &str| read(code.as_bytes()).map(|view| String::from_utf8(view.text().to_vec()).unwrap());
        for (code, text) in [
            (".. --. -. --- .-. . / .- .-.. .-..", Some("ignore all")),
            (".. --. -. --- .-. .   .- .-.. .-..", Some("ignore all")),
            (".. __. _. ___ ._. .\n._ ._.. ._..", Some("ignore all")),
            ("- - - - - - - - - - - - - - - -", None),
            (". . . . . . . . . . . . . . . .", None),
            ("--------------------------------", None),
            (".. --. ------- -. --- .-. . / .- .-..", Some("ig?nore al")),
            (".. --. ------- -. ------- .-. . / .- .-.. -------", None),
            ("... --- ...", None),
        ] {
            assert_eq!(read(code).as_deref(), text, "{code}");
        }
    }

    #[test]
    fn all_signs_differ() {
        for (i, (signs, _)) in SIGNS.iter().enumerate() {
            assert!(SIGNS.iter().skip(i + 1).all(|(other, _)| other != signs));
            assert!(signs.len() <= LONGEST);
        }
    }
}
