//! Words in ROT13: where several stand together, the whole stretch is read so.

use super::stretch::Stretch;
use crate::scanner::Context;
use crate::view::{View, Way};

/// The commonest English words in ROT13 that are not English words themselves.
const COMMON: [&[u8]; 32] = [
    b"gur",
    b"naq",
    b"bs",
    b"gb",
    b"lbh",
    b"lbhe",
    b"vf",
    b"sbe",
    b"guvf",
    b"gung",
    b"jvgu",
    b"nyy",
    b"abg",
    b"ner",
    b"zl",
    b"jvyy",
    b"sebz",
    b"unir",
    b"vg",
    b"nal",
    b"qb",
    b"jung",
    b"fubhyq",
    b"zhfg",
    b"pna",
    b"jvgubhg",
    b"nobir",
    b"gurz",
    b"gurfr",
    b"abj",
    b"cyrnfr",
    b"sbyybjvat",
];
/// The longest of them.
const LONGEST: usize = 9;

/// The stretch that may be ROT13.
#[derive(Debug, Default)]
pub(super) struct Rotated(Stretch);

impl Rotated {
    pub(super) fn live(&self) -> Option<usize> {
        self.0.start()
    }

    /// The word `start..end` ended; `known` says that it is a word of the rules in ROT13.
    pub(super) fn word(&mut self, start: usize, end: usize, known: bool, context: &mut Context<'_>) {
        let sign = known || end - start <= LONGEST && is_common(context.text.slice(start, end));
        if let Some((start, end)) = self.0.word(start, end, sign) {
            read(start, end, context);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some((start, end)) = self.0.close(end) {
            read(start, end, context);
        }
    }
}

fn is_common(word: &[u8]) -> bool {
    COMMON.iter().any(|common| word.eq_ignore_ascii_case(common))
}

fn read(start: usize, end: usize, context: &mut Context<'_>) {
    let text: Vec<u8> = context.text.slice(start, end).iter().map(|byte| rotate(*byte)).collect();
    let way = Way::blocks(0, text.len(), (1, 1));
    View::new(text, way).report(start, |_| true, context);
}

/// ROT13 of an ASCII letter; other bytes stay.
pub(crate) const fn rotate(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_fit() {
        assert!(COMMON.iter().all(|word| word.len() <= LONGEST));
        assert!(is_common(b"Gur") && !is_common(b"The"));
    }
}
