//! Braille of six dots, a letter each (grade 1), as UEB and most languages of the Latin script have it.

use super::MAX_WORD;
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Bytes of a cell: U+2800 to U+283F.
const CELL: usize = 3;
/// Fewer letters are no sentence.
const MIN_LETTERS: usize = 8;
/// Folded bytes that are read together.
const MAX_CELLS: usize = 2 * super::MAX_RUN;
/// Bytes between two words.
const MAX_GAP: usize = 4;

/// The cells of the letters from `a` on: the bits of their dots.
const LETTERS: [u8; 26] = [
    0x01, 0x03, 0x09, 0x19, 0x11, 0x0b, 0x1b, 0x13, 0x0a, 0x1a, 0x05, 0x07, 0x0d, 0x1d, 0x15, 0x0f, 0x1f,
    0x17, 0x0e, 0x1e, 0x25, 0x27, 0x3a, 0x2d, 0x3d, 0x35,
];

/// Where the cells that are open begin, and where they end so far.
#[derive(Debug, Default)]
pub(super) struct Braille(Option<(usize, usize)>);

impl Braille {
    pub(super) fn live(&self) -> Option<usize> {
        self.0.map(|(start, _)| start)
    }

    /// A word ended.
    #[inline]
    pub(super) fn word(&mut self, start: usize, end: usize, context: &mut Context<'_>) {
        let is_first = context.text.byte(start) == Some(0xe2);
        if !is_first && self.0.is_none() {
            return;
        }
        let cells = is_first && end - start <= MAX_WORD && {
            let (cells, rest) = context.text.slice(start, end).as_chunks::<CELL>();
            rest.is_empty() && cells.iter().all(|cell| matches!(cell, [0xe2, 0xa0, _]))
        };
        match self.0 {
            Some((from, _)) if cells && end - from < MAX_CELLS => self.0 = Some((from, end)),
            _ => {
                self.close(start, context);
                self.0 = cells.then_some((start, end));
            }
        }
    }

    /// The byte at `i` belongs to no word.
    #[inline]
    pub(super) fn gap(&mut self, i: usize, context: &mut Context<'_>) {
        if self.0.is_some_and(|(_, end)| i - end >= MAX_GAP) {
            self.close(i, context);
        }
    }

    /// Nothing before this goes on.
    pub(super) fn close(&mut self, _: usize, context: &mut Context<'_>) {
        if let Some((start, end)) = self.0.take()
            && let Some(view) = read(context.text.slice(start, end))
        {
            view.report(start, |_| true, context);
        }
    }
}

/// What some cells say, with what stands between them; none where too few are letters.
fn read(cells: &[u8]) -> Option<View> {
    let (mut text, mut way, mut at) = (Vec::with_capacity(cells.len() / CELL), Way::default(), 0);
    let (mut letters, mut others) = (0, 0);
    while let Some(first) = cells.get(at) {
        let length = if *first == 0xe2 { CELL } else { 1 };
        let byte = match cells.get(at..at + length)? {
            [_, _, dots] => {
                let letter = LETTERS.iter().position(|letter| *letter == dots & 0x3f);
                *(if letter.is_some() { &mut letters } else { &mut others }) += 1;
                letter.and_then(|letter| u8::try_from(letter).ok()).map_or(b' ', |letter| b'a' + letter)
            }
            _ => *first,
        };
        way.push(text.len(), (at, at + length), (1, length));
        text.push(byte);
        at += length;
    }
    // Signs, and what writes capitals and numbers, are the others; drawings have all cells.
    (letters >= MIN_LETTERS && others * 4 <= letters).then(|| View::new(Encoding::Braille, text, way))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_and_drawings_are_none() {
        let read =
            |cells: &str| read(cells.as_bytes()).map(|view| String::from_utf8(view.text().to_vec()).unwrap());
        for (cells, text) in [
            ("⠊⠛⠝⠕⠗⠑ ⠁⠇⠇", Some("ignore all")),
            ("⠠⠊⠛⠝⠕⠗⠑ ⠁⠇⠇⠲", Some(" ignore all ")),
            ("⠊⠛⠝⠕⠗⠑", None),
            ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", None),
        ] {
            assert_eq!(read(cells).as_deref(), text, "{cells}");
        }
    }
}
