//! Mash that a machine made: the suffixes that an optimiser puts behind a request so that a model complies (Zou et al. 2023, "Universal and
//! transferable adversarial attacks on aligned language models").
//!
//! Such a suffix is no text of any language: words of several languages, halves of words, program text and markup without an order.
//! Others measure that by the perplexity of a language model over windows (Jain et al. 2023, "Baseline defenses for adversarial attacks
//! against aligned language models"; Alon and Kamfonas 2023, "Detecting language model attacks with perplexity"). Here the model is one of
//! shapes: which of them stand beside each other in texts of people, in any language, and in their programs, and
//! which only where pieces were put together by chance. The weights were trained (`cargo xtask train noise`; models/noise.md is their card).
//!
//! The folded text is read in blocks of a few pieces, and each block is judged with those before it. Where a block ends depends on the text
//! alone, so chunks change nothing. Of a window only sums are kept.

pub(crate) mod shape;
mod training;
pub(crate) mod weights;

use cordon_core::{Category, Channel, Span};

use crate::detector::NOISE;
use crate::fold::FoldedText;
use crate::scanner::Context;
pub use training::{BUCKETS, Limits, Window, Words, divisor, file, windows};

use shape::{Known, LONGEST, Piece, Shapes};
use weights::features;

/// Pieces of one block.
const BLOCK: u16 = 8;
/// Folded bytes after which a block ends in any case.
const BLOCK_BYTES: usize = 192;
/// Blocks that are judged together: suffixes are of some twenty pieces and more.
const MOST: usize = 3;
/// Fewer pieces than these say too little.
const FEWEST: u16 = 12;
/// So many of them are such that prose has them seldom: words that nobody knows alone are another language.
const ODD: u16 = 3;
/// Where more than one piece of so many begins inside of a word, capitals tell nothing.
const MOCKING: u16 = 6;
/// Folded bytes of the blocks that are judged together.
pub(crate) const WINDOW: usize = MOST * (BLOCK_BYTES + LONGEST);

/// What was added up of one block.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// Where it begins, in the original and in the folded text.
    start: usize,
    from: usize,
    pieces: u16,
    /// Pieces that prose has seldom.
    odd: u16,
    /// Those of them that are words inside of others.
    glued: u16,
    features: u16,
    weights: i32,
}

/// For training: the features of the open block and of the last ones, and what was judged.
#[derive(Debug, Default)]
struct Notes {
    known: Known,
    open: Vec<u16>,
    blocks: Vec<Vec<u16>>,
    windows: Vec<Window>,
}

/// The state of reading.
#[derive(Debug)]
pub(crate) struct Noise {
    on: bool,
    shapes: Shapes,
    /// The last two pieces, the last one first.
    before: [u64; 2],
    block: Option<Sum>,
    /// The blocks before, the last one first.
    last: [Option<Sum>; MOST - 1],
    /// Which features the block has, by some bits of each: a feature counts once in a block.
    seen: [u64; 16],
    notes: Option<Box<Notes>>,
}

impl Noise {
    /// Suffixes are what people send: documents have tables, lists and programs in every shape, and need none.
    pub(crate) fn new(channel: Channel, is_view: bool) -> Self {
        Self {
            // What only looks encoded stands for mash.
            on: channel == Channel::User && !is_view,
            shapes: Shapes::default(),
            before: [0; 2],
            block: None,
            last: [None; MOST - 1],
            seen: [0; 16],
            notes: None,
        }
    }

    /// From now on it is noted what is judged, with these words known.
    pub(crate) fn note(&mut self, known: Known) {
        self.notes = Some(Box::new(Notes { known, ..Notes::default() }));
    }

    /// What was judged.
    pub(crate) fn noted(&mut self) -> Vec<Window> {
        self.notes.take().map(|notes| notes.windows).unwrap_or_default()
    }

    /// Where what is not judged yet begins, in the original.
    pub(crate) fn live(&self, text: &FoldedText) -> Option<usize> {
        let sums = self.last.iter().rev().chain([&self.block]).flatten();
        sums.filter(|sum| text.end() - sum.from < WINDOW).map(|sum| sum.start).min()
    }

    /// Takes the folded bytes from `i` on, the first `word` of which are the letters of a plain word, all small but perhaps the first.
    #[inline]
    pub(crate) fn read(&mut self, i: usize, bytes: &[u8], word: usize, context: &mut Context<'_>) {
        if !self.on {
            return;
        }
        let mut next = 0;
        if word > 0 && self.shapes.word(bytes.get(..word).unwrap_or_default()) {
            if self.block.is_none() {
                self.block = Some(Sum { start: context.text.original_start(i), from: i, ..Sum::default() });
            }
            next = word;
        }
        for (at, byte) in (i + next..).zip(bytes.get(next..).unwrap_or_default()) {
            self.byte(at, *byte, context);
        }
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if self.on {
            let known = self.notes.as_ref().map_or(&context.tables.noise.known, |notes| &notes.known);
            if let Some(piece) = self.shapes.end(known) {
                self.take(piece, end, context);
            }
            self.end_block(end, context);
        }
    }

    #[inline]
    fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let known = self.notes.as_ref().map_or(&context.tables.noise.known, |notes| &notes.known);
        if let Some(piece) = self.shapes.byte(byte, known) {
            self.take(piece, i, context);
        }
        if self.shapes.is_open() {
            if self.block.is_none() {
                self.block = Some(Sum { start: context.text.original_start(i), from: i, ..Sum::default() });
            } else if self.shapes.is_endless() {
                // It may have no end: nothing waits for it, and it says nothing.
                self.shapes.end(&context.tables.noise.known);
                self.end_block(i, context);
                self.last = [None; MOST - 1];
            }
        } else if self.block.is_some_and(|block| i - block.from >= BLOCK_BYTES) {
            self.end_block(i, context);
        }
    }

    /// Takes a piece that ends before folded byte `i`.
    #[inline]
    fn take(&mut self, piece: Piece, i: usize, context: &mut Context<'_>) {
        let Some(block) = &mut self.block else { return };
        let features = features(piece, self.before);
        self.before = [piece.shape, self.before[0]];
        block.pieces += 1;
        block.odd += u16::from(piece.odd);
        block.glued += u16::from(piece.glued);
        let noise = &context.tables.noise;
        for feature in features {
            let (slot, bit) = (usize::from(feature >> 6 & 15), 1_u64 << (feature & 63));
            let Some(seen) = self.seen.get_mut(slot).filter(|seen| **seen & bit == 0) else { continue };
            *seen |= bit;
            block.weights += noise.weight(feature);
            block.features += 1;
            if let Some(notes) = &mut self.notes {
                notes.open.push(feature);
            }
        }
        if block.pieces >= BLOCK || i - block.from >= BLOCK_BYTES {
            self.end_block(i, context);
        }
    }

    /// The block ends before folded byte `i`: it is judged together with those before it.
    fn end_block(&mut self, i: usize, context: &mut Context<'_>) {
        let Some(block) = self.block.take() else { return };
        let (mut all, mut blocks) = (block, 1);
        for last in self.last.iter().flatten().take_while(|last| i - last.from < WINDOW) {
            all = Sum {
                pieces: all.pieces + last.pieces,
                odd: all.odd + last.odd,
                glued: all.glued + last.glued,
                features: all.features + last.features,
                weights: all.weights + last.weights,
                ..*last
            };
            blocks += 1;
        }
        let [one, ..] = self.last;
        self.last = [Some(block), one];
        self.seen = [0; 16];
        // Where capitals stand anywhere, as in words that mock somebody, they break words that are none of a machine's.
        let odd = if all.glued * MOCKING > all.pieces { all.odd - all.glued } else { all.odd };
        let enough = all.pieces >= FEWEST && odd >= ODD;
        let span = Span::new(all.start, context.text.original_end(i));
        if let Some(notes) = &mut self.notes {
            notes.blocks.push(std::mem::take(&mut notes.open));
            let first = notes.blocks.len().saturating_sub(blocks);
            let features = notes.blocks.get(first..).unwrap_or_default().concat();
            if enough {
                notes.windows.push(Window { start: span.start, end: span.end, features });
            }
            return;
        }
        if !enough {
            return;
        }
        if let Some(score) = context.tables.noise.score(all.weights, all.features) {
            context.report_original(&NOISE, Category::known("prompt_injection/suffix"), score, span, false);
            // What was reported is not reported again with what follows it.
            self.last = [None; MOST - 1];
        }
    }
}
