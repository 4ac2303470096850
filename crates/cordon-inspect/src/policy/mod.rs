//! What policies forbid to ask for and to say: violence, weapons, fraud, hate and the like, by lists of words and a small trained model.
//!
//! The folded text is cut into words, written in one way each (small letters, without accents, with letters for the digits of
//! leetspeak), and these into blocks: sentences, or so many words of one. Entries of the lists are findings where they stand. A block is
//! judged by a linear model for each category over hashed features (Weinberger et al. 2009): its words and pairs of them, the classes
//! of the words in a vocabulary of several languages, and which class comes before which. So "how do I kill" says little, and
//! what is killed decides. Requests in other languages are told by rules over lists of their words (`asked.txt`). Where a block ends depends on the text alone, so chunks change nothing. `cargo xtask train policy`
//! trains the weights; models/policy.md is their card.
//!
//! The categories follow two taxonomies of the field: the hazards of MLCommons' AILuminate and OpenAI's moderation categories.

mod asked;
mod model;
pub mod training;
mod vocabulary;

use std::collections::VecDeque;

use cordon_core::{Category, Score, Span};

use crate::detector::{POLICY_MODEL, POLICY_WORDS};
use crate::scanner::Context;

pub(crate) use self::asked::TEXT as ASKED;
pub(crate) use self::model::{FILE, Model, Sums};
use self::vocabulary::{MOST_WORDS, SILENT, Word};
pub(crate) use self::vocabulary::{TEXT, Vocabulary};

/// The categories, in the order of the model's columns.
pub(crate) const CATEGORIES: [&str; model::COLUMNS] = [
    "harm/violence",
    "harm/self_harm",
    "harm/sexual",
    "harm/minors",
    "harm/hate",
    "harm/harassment",
    "harm/weapons",
    "harm/drugs",
    "harm/fraud",
    "harm/malware",
    "harm/privacy",
    "harm/crime",
    "toxic/insult",
    "toxic/threat",
    "toxic/profanity",
    "toxic/slur",
];

/// What all of them belong to.
pub(crate) const FAMILIES: [Category; 2] = [Category::known("harm"), Category::known("toxic")];

/// Words after which a block ends in any case.
const BLOCK: usize = 24;
/// Folded bytes after which it ends with the word.
const BLOCK_BYTES: usize = 384;
/// So many bytes between two words end a block.
const MAX_GAP: usize = 16;
/// Words after which a line's end is one of the block.
const LINE: usize = 4;
/// Fewer words than these say too little for the model.
const FEWEST: usize = 3;
/// Bytes of a word that are looked at; a longer one is none.
const MAX_WORD: usize = 64;
/// Folded bytes that one finding can cover.
pub(crate) const SPAN: usize = BLOCK_BYTES + MAX_WORD + MOST_WORDS * (MAX_WORD + MAX_GAP);
/// Folded bytes behind it after which it is decided: the gap, or the word behind a hyphen.
pub(crate) const BEHIND: usize = MAX_WORD + 2;

/// Words that make another one of what stands before their hyphen: `idiot-proof` is no idiot.
const TURNING: [&[u8]; 4] = [b"proof", b"proofed", b"proofing", b"proofs"];

/// What a list has, where a hyphen follows it.
#[derive(Clone, Copy, Debug)]
struct Listed {
    category: &'static str,
    score: Score,
    span: Span,
}

/// A word that was read.
#[derive(Clone, Copy, Debug)]
struct Read {
    hash: u64,
    /// Where it begins in the original.
    start: usize,
}

/// A block that is open.
#[derive(Clone, Debug)]
struct Block {
    /// Where it begins in the original, and in the folded text.
    start: usize,
    from: usize,
    /// Where its last word ends in the original.
    end: usize,
    words: usize,
    sums: Sums,
    features: u16,
    /// Classes of its words.
    classes: u64,
    /// What it has of what is asked for.
    asked: asked::Seen,
    /// Which features it has, by some bits of each: a feature counts once.
    seen: [u64; 64],
}

/// The state of reading.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// The bytes of the open word, where it begins in the folded text and in the original, and how long it is.
    word: Vec<u8>,
    open: Option<(usize, usize)>,
    length: usize,
    /// Bytes behind the last word.
    gap: usize,
    /// The last words without a sign between them that ends a phrase, the last one first.
    before: VecDeque<Read>,
    /// Classes of the word before, and the hashes of the last two words of the block.
    classes: u64,
    last: [u64; 2],
    block: Option<Box<Block>>,
    scratch: vocabulary::Scratch,
    /// The lists of what is asked for that the open word ends an entry of.
    lists: Vec<asked::List>,
    /// What waits for the word behind a hyphen.
    waiting: Vec<Listed>,
    notes: Option<Vec<Vec<u32>>>,
    noting: Vec<u32>,
}

impl Policies {
    /// The same, noting what the model judges.
    pub(crate) fn noting() -> Self {
        Self { notes: Some(Vec::new()), ..Self::default() }
    }

    /// The features of each block.
    pub(crate) fn noted(&mut self) -> Vec<Vec<u32>> {
        self.notes.take().unwrap_or_default()
    }

    /// Where what is not decided yet begins, in the original.
    pub(crate) fn live(&self) -> Option<usize> {
        let before = self.before.back().map(|word| word.start);
        let block = self.block.as_ref().map(|block| block.start);
        let open = self.open.filter(|_| self.length <= MAX_WORD).map(|(_, start)| start);
        let waiting = self.waiting.iter().map(|listed| listed.span.start).min();
        [before, block, open, waiting].into_iter().flatten().min()
    }

    /// How many bytes can be taken at once so that whatever is found is found at the last of them.
    pub(crate) const fn room(&self) -> usize {
        match self.open {
            Some(_) if self.length > MAX_WORD => usize::MAX,
            Some(_) => MAX_WORD + 1 - self.length,
            None => MAX_WORD + 1,
        }
    }

    /// Bytes of memory beside its own size.
    pub(crate) fn memory(&self) -> usize {
        self.word.capacity()
            + self.before.capacity() * size_of::<Read>()
            + self.waiting.capacity() * size_of::<Listed>()
            + self.block.as_ref().map_or(0, |block| size_of::<Block>() + block.asked.memory())
            + self.lists.capacity() * size_of::<asked::List>()
            + self.scratch.memory()
    }

    /// Takes the folded bytes from `i` on, at most [`Self::room`], which the other readers have read. Findings come with a byte that is
    /// no letter, or with a character that is a word or with the first byte too many of one: readers take all of these last.
    pub(crate) fn read(&mut self, i: usize, bytes: &[u8], context: &mut Context<'_>) {
        for (at, byte) in (i..).zip(bytes) {
            self.byte(at, *byte, context);
        }
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        self.end_word(end, false, context);
        self.report_waiting(context);
        self.end_block(context);
    }

    fn report_waiting(&mut self, context: &mut Context<'_>) {
        for Listed { category, score, span } in self.waiting.drain(..) {
            context.report_original(&POLICY_WORDS, Category::known(category), score, span, false);
        }
    }

    #[inline]
    fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'@' | b'$') {
            // Ideographs and kana: every character is a word.
            let begins = matches!(byte, 0xe3..=0xe9);
            if begins {
                self.end_word(i, false, context);
            }
            if self.open.is_none() {
                self.open = Some((i, context.text.original_start(i)));
                self.word.clear();
                self.length = 0;
            }
            self.length += 1;
            if self.length <= MAX_WORD {
                self.word.push(byte);
            } else if self.length == MAX_WORD + 1 {
                // It may have no end: nothing waits for it, and it says nothing.
                self.report_waiting(context);
                self.end_sentence(context);
            }
            if self.length == 3 && matches!(self.word.first(), Some(0xe3..=0xe9)) {
                self.end_word(i + 1, false, context);
            }
            return;
        }
        self.end_word(i, byte == b'-', context);
        self.gap += 1;
        if self.gap > 1 {
            self.report_waiting(context);
        }
        match byte {
            b'.' | b'!' | b'?' | b';' => self.end_sentence(context),
            b'\n' if self.block.as_ref().is_some_and(|block| block.words >= LINE) => {
                self.end_sentence(context);
            }
            b' ' | b',' | b'\'' | b'-' | b'"' | b'\n' | b'_' | b'*' => {}
            // A phrase does not go on over other signs; a sentence does.
            _ => self.before.clear(),
        }
        if self.gap > MAX_GAP {
            self.end_sentence(context);
        }
    }

    fn end_sentence(&mut self, context: &mut Context<'_>) {
        self.before.clear();
        self.end_block(context);
    }

    /// The open word ends before folded byte `i`, maybe at a hyphen.
    #[inline]
    fn end_word(&mut self, i: usize, hyphen: bool, context: &mut Context<'_>) {
        let Some((from, start)) = self.open.take() else { return };
        self.gap = 0;
        if self.length > MAX_WORD {
            return;
        }
        if !self.waiting.is_empty() {
            if TURNING.iter().any(|turns| self.word.eq_ignore_ascii_case(turns)) {
                self.waiting.clear();
            }
            self.report_waiting(context);
        }
        let end = context.text.original_end(i);
        let tables = context.tables;
        let vocabulary = &tables.policy_words;
        let word = vocabulary.word(&self.word, &mut self.scratch);
        let mut classes = 0;
        let mut reported = 0_u16;
        self.lists.clear();
        let before = self.before.iter().map(|read| read.hash);
        for (count, known) in vocabulary.phrases(before, &word, &self.scratch, &mut self.lists) {
            classes |= known.classes;
            let first = self.before.get(count.wrapping_sub(1)).map_or(start, |read| read.start);
            for (column, category) in CATEGORIES.iter().enumerate() {
                let bit = 1 << column;
                if known.listed & bit != 0 && reported & bit == 0 {
                    reported |= bit;
                    let score = vocabulary.score(column);
                    let span = Span::new(first, end);
                    if hyphen {
                        self.waiting.push(Listed { category, score, span });
                    } else {
                        context.report_original(&POLICY_WORDS, Category::known(category), score, span, false);
                    }
                }
            }
        }
        self.before.push_front(Read { hash: word.hash, start });
        self.before.truncate(MOST_WORDS - 1);
        self.features(from, start, end, &word, classes, &tables.policy);
        if let Some(block) = self.block.as_mut() {
            block.asked.note(&self.lists, block.words);
        }
        let full = self
            .block
            .as_ref()
            .is_some_and(|block| block.words >= BLOCK || i.saturating_sub(block.from) >= BLOCK_BYTES);
        if full {
            self.end_block(context);
        }
    }

    /// Adds what a word says to the block.
    fn features(&mut self, from: usize, start: usize, end: usize, word: &Word, classes: u64, model: &Model) {
        let block = self.block.get_or_insert_with(|| {
            Box::new(Block {
                start,
                from,
                end,
                words: 0,
                sums: Sums::default(),
                features: 0,
                classes: 0,
                asked: asked::Seen::default(),
                seen: [0; 64],
            })
        });
        (block.end, block.words) = (end, block.words + 1);
        let [one, two] = self.last;
        let mut notes = self.notes.is_some().then_some(&mut self.noting);
        let (before, seen) = (self.classes, block.classes);
        let mut add = |feature: u32| {
            if block.add(feature, model)
                && let Some(notes) = notes.as_deref_mut()
            {
                notes.push(feature);
            }
        };
        for class in bits(classes & !SILENT) {
            add(of_classes(class, 0));
            for other in bits(seen) {
                add(of_classes(class, other));
            }
        }
        if classes & SILENT != 0 {
            // Words on both sides of it stand next to each other.
            block.classes |= classes & !SILENT;
            return;
        }
        add(of_words(1, word.hash));
        add(of_words(2, word.stem));
        add(of_words(3, word.hash.wrapping_mul(31) ^ one.rotate_left(17)));
        add(of_words(4, word.hash.wrapping_mul(37) ^ two.rotate_left(29)));
        for class in bits(before) {
            add(of_words(5, word.hash ^ class.wrapping_mul(0x0100_0000_01b3)));
        }
        for class in bits(classes) {
            add(of_words(6, class ^ one.rotate_left(7)));
        }
        block.classes |= classes;
        self.classes = classes;
        self.last = [word.hash, one];
    }

    /// What was read since the last end is judged.
    fn end_block(&mut self, context: &mut Context<'_>) {
        (self.classes, self.last) = (0, [0; 2]);
        let Some(block) = self.block.take() else { return };
        if let Some(notes) = &mut self.notes {
            notes.push(std::mem::take(&mut self.noting));
            return;
        }
        let span = Span::new(block.start, block.end);
        for (column, score) in context.tables.policy_words.asked(&block.asked) {
            let category = CATEGORIES.get(column).copied().unwrap_or_default();
            context.report_original(&POLICY_WORDS, Category::known(category), score, span, false);
        }
        if block.words < FEWEST {
            return;
        }
        let model = &context.tables.policy;
        for (column, score) in model.judge(&block.sums, block.features) {
            let category = CATEGORIES.get(column).copied().unwrap_or_default();
            context.report_original(&POLICY_MODEL, Category::known(category), score, span, false);
        }
    }
}

impl Block {
    /// Adds a feature, if it is new here.
    #[inline]
    fn add(&mut self, feature: u32, model: &Model) -> bool {
        let (slot, bit) = (feature >> 6 & 63, 1_u64 << (feature & 63));
        let Some(seen) = usize::try_from(slot).ok().and_then(|slot| self.seen.get_mut(slot)) else {
            return false;
        };
        if *seen & bit != 0 {
            return false;
        }
        *seen |= bit;
        model.add(feature, &mut self.sums);
        self.features += 1;
        true
    }
}

/// The classes of a set, each as a number from 1 on.
fn bits(set: u64) -> impl Iterator<Item = u64> {
    let mut rest = set;
    std::iter::from_fn(move || {
        let next = (rest != 0).then(|| u64::from(rest.trailing_zeros()) + 1)?;
        rest &= rest - 1;
        Some(next)
    })
}

/// The feature that a class is there, or that it stands behind another one: these have a part of the table for themselves.
fn of_classes(class: u64, other: u64) -> u32 {
    u32::try_from(class << 6 | other).unwrap_or(0) % model::OF_CLASSES
}

/// Spreads a feature of words of a kind over the rest of the table.
const fn of_words(kind: u64, value: u64) -> u32 {
    let hash = value ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0x94d0_49bb_1331_11eb);
    model::OF_CLASSES + (mixed >> 32) as u32 % model::OF_WORDS
}
