//! Decoded views: a text made from a stretch of the folded one, and the way back from each of its bytes.
//!
//! A view is read by a scanner of its own, so every detector sees what is encoded without knowing of encodings: rules,
//! recognisers and models alike. What it finds is reported where it stands in the original, no byte less, and no more
//! than the blocks of the encoding demand. Views nest to [`MAX_DEPTH`]; each is at most as long as what it was made
//! from, which bounds time and memory.

use std::sync::Arc;

use cordon_core::{Category, Finding, Span};

use crate::engine::MAX_DEPTH;
use crate::scanner::{Context, Scanner};
use crate::seen::Encoding;

/// Changes whenever folding or decoding could change a verdict; part of the rules' digest.
pub(crate) const VERSION: u16 = 2;

/// A text made from a stretch of another one.
#[derive(Clone, Debug)]
pub(crate) struct View {
    encoding: Encoding,
    text: Vec<u8>,
    /// The ways back, the last decoding first.
    ways: Vec<Way>,
}

impl View {
    pub(crate) fn new(encoding: Encoding, text: Vec<u8>, way: Way) -> Self {
        Self { encoding, text, ways: vec![way] }
    }

    /// The same view of a text that was itself made from another one.
    pub(crate) fn through(mut self, way: Way) -> Self {
        self.ways.push(way);
        self
    }

    /// What bytes `start..end` of the view were made from.
    pub(crate) fn back(&self, start: usize, end: usize) -> (usize, usize) {
        self.ways.iter().fold((start, end), |(start, end), way| way.back(start, end))
    }

    /// What detectors find in the view, all of it, with spans in what it was made from; nothing where encodings nest too
    /// deep. A view is a few kilobytes long, and so bounds them.
    pub(crate) fn findings(&self, context: &Context<'_>) -> Vec<Finding> {
        if context.depth >= MAX_DEPTH {
            return Vec::new();
        }
        let Ok(text) = std::str::from_utf8(&self.text) else { return Vec::new() };
        let depth = context.depth + 1;
        let mut scanner = Scanner::new(Arc::clone(context.tables), context.channel, &[], depth);
        if let Some(trace) = context.trace {
            scanner = scanner.traced(trace.clone());
        }
        let mut findings = scanner.push(text).findings;
        findings.append(&mut scanner.finish().findings);
        if let Some(trace) = context.trace.filter(|_| !findings.is_empty()) {
            trace.note(self.encoding, depth, text, &findings);
        }
        for finding in &mut findings {
            let (start, end) = self.back(finding.span.start, finding.span.end);
            finding.span = Span::new(start, end);
        }
        findings
    }

    /// Reports what detectors find in a view that was made from folded bytes from `at` on, as far as it is of a category
    /// that counts.
    pub(crate) fn report(&self, at: usize, counts: impl Fn(&Category) -> bool, context: &mut Context<'_>) {
        for mut finding in self.findings(context).into_iter().filter(|finding| counts(&finding.category)) {
            let (start, end) = (at + finding.span.start, at + finding.span.end);
            finding.span = Span::new(context.text.original_start(start), context.text.original_end(end));
            context.out.push(finding);
        }
    }
}

/// The way back from a text to the one that it was made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way(Vec<Piece>);

/// Bytes from `at` up to the next piece. Each block of `made` of them was made from `of` bytes, the first from `from`
/// on, none behind `end`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    from: usize,
    end: usize,
    made: usize,
    of: usize,
}

impl Way {
    /// Bytes from `at` on were made from `from..end`, each `block.0` of them from `block.1`.
    pub(crate) fn push(&mut self, at: usize, (from, end): (usize, usize), block: (usize, usize)) {
        let (made, of) = (block.0.max(1), block.1.max(1));
        match self.0.last_mut() {
            // What goes on as before needs no piece of its own.
            Some(last)
                if (last.made, last.of) == (made, of)
                    && last.end == from
                    && (at - last.at).is_multiple_of(made)
                    && last.from + (at - last.at) / made * of == from =>
            {
                last.end = end;
            }
            _ => self.0.push(Piece { at, from, end, made, of }),
        }
    }

    /// All bytes were made from `from..end`, a block at a time.
    pub(crate) fn blocks(from: usize, end: usize, block: (usize, usize)) -> Self {
        let mut way = Self::default();
        way.push(0, (from, end), block);
        way
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        let next = self.0.partition_point(|piece| piece.at <= at);
        next.checked_sub(1).and_then(|i| self.0.get(i))
    }

    /// What bytes `start..end` were made from.
    pub(crate) fn back(&self, start: usize, end: usize) -> (usize, usize) {
        let begin = |at: usize| {
            self.piece(at).map_or((0, 0), |piece| {
                let from = (piece.from + (at - piece.at) / piece.made * piece.of).min(piece.end);
                (from, (from + piece.of).min(piece.end))
            })
        };
        let (first, last) = (begin(start), begin(end.saturating_sub(1).max(start)));
        // What runs backwards ends where it began.
        (first.0.min(last.0), first.1.max(last.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lead_back_whole() {
        // `xxZm9vYmFy`: three bytes from four, from 2 on.
        let way = Way::blocks(2, 10, (3, 4));
        assert_eq!(way.back(0, 1), (2, 6));
        assert_eq!(way.back(2, 4), (2, 10));
        assert_eq!(way.back(3, 6), (6, 10));
        // The last block may be cut short.
        assert_eq!(Way::blocks(0, 6, (3, 4)).back(3, 4), (4, 6));
    }

    #[test]
    fn pieces_that_go_on_are_one() {
        let mut way = Way::default();
        for i in 0..10 {
            way.push(i, (i * 4, i * 4 + 4), (1, 4));
        }
        assert_eq!(way.0.len(), 1);
        way.push(10, (50, 51), (1, 1));
        assert_eq!(way.0.len(), 2);
        assert_eq!(way.back(9, 11), (36, 51));
    }

    #[test]
    fn two_ways_are_one_behind_the_other() {
        // Hexadecimal in base64: a byte of two digits, three digits of four characters.
        let view = View::new(Encoding::Hexadecimal, b"abc".to_vec(), Way::blocks(0, 6, (1, 2)))
            .through(Way::blocks(5, 13, (3, 4)));
        assert_eq!(view.back(0, 1), (5, 9));
        assert_eq!(view.back(1, 2), (5, 13));
        assert_eq!(view.back(2, 3), (9, 13));
    }

    #[test]
    fn what_is_read_backwards_leads_back_in_order() {
        let mut way = Way::default();
        for (at, from) in [(0, 4), (1, 2), (2, 0)] {
            way.push(at, (from, from + 2), (1, 2));
        }
        assert_eq!(way.back(0, 3), (0, 6));
        assert_eq!(way.back(1, 2), (2, 4));
    }
}
