//! A linear model over hashed words: what reads like an attack although no phrase of the rules stands in it.
//!
//! The folded text is read in blocks of a few words, and each block is judged together with those before it: the weights of
//! their words, of pairs of words and of the signs between them are added, and the sum is compared with what benign texts of
//! the same side have. Where a block ends depends on the text alone, so chunks change nothing. The weights were trained
//! (`cargo xtask train injection`; models/injection.md is its card); features are hashed into a table without names (Weinberger
//! et al. 2009, "Feature hashing for large scale multitask learning").

use cordon_core::{Category, Channel, Score, Span};

use crate::detector::{MODEL, PHRASE, TEMPLATE};
use crate::fold::{FoldedText, look_alike};
use crate::judge::{self, Highest};
use crate::runs::letter;
use crate::scanner::Context;
use crate::training::Window;
use crate::weights::{Evidence, Side};

/// Words of one block.
const BLOCK: usize = 12;
/// Folded bytes after which a block ends in any case.
const BLOCK_BYTES: usize = 256;
/// Blocks that are judged together, where people write and where documents and tools bring the text: an instruction in a
/// document is short, and a role that somebody describes is not.
const BLOCKS: [usize; 2] = [4, 2];
/// Most of those.
const MOST: usize = 4;
/// Folded bytes of the blocks that are judged together.
pub(crate) const WINDOW: usize = MOST * BLOCK_BYTES + MAX_WORD;
/// Bytes of a word that are looked at; a longer one ends its block.
const MAX_WORD: usize = 96;
/// Characters of the beginning of a longer word, which other forms of the word have too.
const BEGINNING: usize = 5;
/// Signs of one run that are read together.
const MAX_SIGNS: u8 = 3;
/// Fewer words than these say too little.
const FEWEST: usize = 4;
/// Fewer words than these are few: "write to Ana now" is an order, and what it is worth so few words do not say.
const SHORT: usize = 9;
/// Where no block has so many different words, few words are repeated.
const VARIED: usize = 6;
/// The score from which on a phrase says enough by itself.
const ENOUGH: Score = Score::percent(80);

/// What was added up of one block.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// Where it begins, in the original and in the folded text.
    start: usize,
    from: usize,
    words: usize,
    /// Words of more than one letter that are no numbers, each once: what is repeated or of single letters tells nothing.
    telling: usize,
    weights: i32,
    features: u16,
}

/// The kind of the byte before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Word,
    Signs(u8),
}

/// For training: the features of the open block, of the last blocks, and of what was judged together.
#[derive(Debug, Default)]
struct Notes {
    open: Vec<u32>,
    blocks: Vec<Vec<u32>>,
    windows: Vec<Window>,
}

/// The state of reading.
#[derive(Debug)]
pub(crate) struct Suspicion {
    side: Option<Side>,
    open: Open,
    /// The open word or run of signs: its hash, how many bytes, and whether all are digits.
    hash: u64,
    length: usize,
    digits: bool,
    /// Its characters, and the hash of the first of them, so many as a beginning has.
    characters: usize,
    beginning: u64,
    /// Whether it is a character of a script without spaces.
    alone: bool,
    /// The bytes of a character that is not ASCII, as far as they have come, and how many.
    wide: [u8; 4],
    pending: usize,
    /// A sign that is a letter where one stands behind it, and where it is.
    maybe: Option<(usize, u8)>,
    /// Hashes of the last three words or runs of signs.
    before: [u64; 3],
    /// The open block; none where nothing of it has come.
    block: Option<Sum>,
    /// The blocks before, the last one first.
    last: [Option<Sum>; MOST - 1],
    /// Which features the block has, by some bits of each: a feature counts once.
    seen: [u64; 32],
    /// Findings that there were before.
    found: usize,
    /// Where the last phrase ends that says enough, in the original.
    phrase: usize,
    /// What the judge has read of the blocks that begin at these folded bytes.
    read: Vec<(usize, Vec<Highest>)>,
    notes: Option<Box<Notes>>,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;
/// The hash of an at sign.
const SIGN_OF_ADDRESSES: u64 = (SEED ^ b'@' as u64).wrapping_mul(PRIME);

/// What each byte is read as: letters as small ones, digits and signs as the letters that people write with them, and `l` as `i`, since
/// `1` stands for both. A number is told by its digits before that; of other words hardly any two become one.
pub(crate) const READ_AS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = match byte {
            b'l' | b'L' | b'!' => b'i',
            _ => letter(byte, b'i'),
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

impl Suspicion {
    /// Whether so little text has fewer words than are judged. Words end at what is neither letter nor digit, an escape begins with such a
    /// byte, and of a script without spaces every byte counts.
    pub(crate) fn is_too_short(text: &str) -> bool {
        let ends = text.bytes().filter(|byte| !byte.is_ascii_alphanumeric());
        ends.take(FEWEST - 1).count() < FEWEST - 1
    }

    pub(crate) const fn new(channel: Channel) -> Self {
        let side = match channel {
            Channel::User => Some(Side::Direct),
            Channel::Document | Channel::ToolOutput => Some(Side::Indirect),
            // Who writes these means what they say.
            Channel::System | Channel::Model => None,
        };
        Self {
            side,
            open: Open::Nothing,
            hash: SEED,
            length: 0,
            digits: true,
            characters: 0,
            beginning: SEED,
            alone: false,
            wide: [0; 4],
            pending: 0,
            maybe: None,
            before: [0; 3],
            block: None,
            last: [None; MOST - 1],
            seen: [0; 32],
            found: 0,
            phrase: 0,
            read: Vec::new(),
            notes: None,
        }
    }

    /// Nothing is read of this text.
    pub(crate) const fn skip(&mut self) {
        self.side = None;
    }

    /// Whether the channel is read.
    pub(crate) const fn is_on(&self) -> bool {
        self.side.is_some()
    }

    /// From now on it is noted what the model judges.
    pub(crate) fn note(&mut self) {
        self.notes = Some(Box::default());
    }

    /// The features of all that was judged.
    pub(crate) fn noted(&mut self) -> Vec<Window> {
        self.notes.take().map(|notes| notes.windows).unwrap_or_default()
    }

    /// Where what is not judged yet begins, in the original.
    pub(crate) fn live(&self, text: &FoldedText) -> Option<usize> {
        self.side?;
        // What is too far behind is not judged together with what comes.
        let sums = self.last.iter().rev().chain([&self.block]).flatten();
        sums.filter(|sum| text.end() - sum.from < WINDOW).map(|sum| sum.start).min()
    }

    /// The first folded byte that may be read again.
    pub(crate) fn folded_from(&self, end: usize) -> usize {
        let sums = self.last.iter().rev().chain([&self.block]).flatten();
        // What is too far behind is not judged together with what comes. A sign and a character may be open before `end`.
        sums.map(|sum| sum.from)
            .filter(|from| end.saturating_sub(*from) < WINDOW + MAX_WORD)
            .min()
            .unwrap_or(end)
    }

    /// Takes the folded bytes from `i` on, all of which the readers of phrases have read; the first `word` of them are the letters of a
    /// plain word, and behind it there is nothing or a space.
    #[inline]
    pub(crate) fn read(&mut self, i: usize, bytes: &[u8], word: usize, context: &mut Context<'_>) {
        let Some(side) = self.side else { return };
        if word > 0 && bytes.len() > 1 && self.maybe.is_none() && self.open != Open::Word {
            self.word(i, bytes, word, side, context);
            return;
        }
        let Some((last, bytes)) = bytes.split_last() else { return };
        for (at, byte) in (i..).zip(bytes) {
            self.byte(at, *byte, side, context);
        }
        // What readers find they find at the last byte that they take at once.
        if context.out.len() != self.found {
            self.phrases(context);
        }
        self.byte(i + bytes.len(), *last, side, context);
        self.found = context.out.len();
    }

    /// What was found has been handed out.
    pub(crate) const fn handed_out(&mut self) {
        self.found = 0;
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        let Some(side) = self.side else { return };
        self.phrases(context);
        if let Some((at, sign)) = self.maybe.take() {
            self.sign(at, sign, side, context);
        }
        self.end_token(end, side, context);
        self.end_block(end, side, context);
    }

    /// Takes note of what the readers of phrases have found since.
    fn phrases(&mut self, context: &Context<'_>) {
        let new = context.out.get(self.found..).unwrap_or_default();
        let phrases = new.iter().filter(|f| f.detector == PHRASE.name || f.detector == TEMPLATE.name);
        let ends = phrases.filter(|f| f.score >= ENOUGH).map(|f| f.span.end);
        self.phrase = ends.fold(self.phrase, usize::max);
        self.found = context.out.len();
    }

    #[inline]
    fn byte(&mut self, i: usize, byte: u8, side: Side, context: &mut Context<'_>) {
        if let Some((at, sign)) = self.maybe.take() {
            if byte.is_ascii_alphabetic() {
                if sign == b'@' {
                    self.add(!SIGN_OF_ADDRESSES, side, context);
                }
                self.letter(at, sign, side, context);
            } else {
                self.sign(at, sign, side, context);
            }
        }
        if byte >= 0x80 {
            self.wide(i, byte, side, context);
        } else if byte.is_ascii_alphanumeric() {
            self.letter(i, byte, side, context);
        } else if matches!(byte, b' ' | b'\'') {
            self.space(i, side, context);
        } else if matches!(byte, b'@' | b'$' | b'!') && !matches!(self.open, Open::Signs(_)) {
            self.maybe = Some((i, byte));
        } else {
            self.sign(i, byte, side, context);
        }
    }

    /// Takes a space, or what stands for none of a word's letters.
    #[inline]
    fn space(&mut self, i: usize, side: Side, context: &mut Context<'_>) {
        self.end_token(i, side, context);
        if self.block.as_ref().is_some_and(|block| i - block.from >= BLOCK_BYTES) {
            self.end_block(i, side, context);
        }
    }

    /// Takes a sign that is no letter.
    fn sign(&mut self, i: usize, byte: u8, side: Side, context: &mut Context<'_>) {
        match self.open {
            Open::Signs(count) if count < MAX_SIGNS => self.open = Open::Signs(count + 1),
            _ => {
                self.end_token(i, side, context);
                self.begin(i, side, context);
                self.open = Open::Signs(1);
            }
        }
        self.add_byte(byte);
    }

    /// Takes a byte of a word.
    #[inline]
    fn letter(&mut self, i: usize, byte: u8, side: Side, context: &mut Context<'_>) {
        if self.open != Open::Word {
            self.end_token(i, side, context);
            self.begin(i, side, context);
            self.open = Open::Word;
        }
        self.add_byte(byte);
        if self.length > MAX_WORD {
            // It may have no end: nothing waits for it, and it says nothing.
            self.reset();
            self.end_block(i, side, context);
            self.last = [None; MOST - 1];
        }
    }

    /// Takes a plain word whole, with the space behind it if there is one: as its bytes one by one.
    #[inline]
    fn word(&mut self, i: usize, bytes: &[u8], word: usize, side: Side, context: &mut Context<'_>) {
        self.end_token(i, side, context);
        self.begin(i, side, context);
        self.open = Open::Word;
        let mut hash = SEED;
        for (count, byte) in bytes.iter().take(word).enumerate() {
            if count == BEGINNING {
                self.beginning = hash;
            }
            let read = READ_AS.get(usize::from(*byte)).copied().unwrap_or(*byte);
            hash = (hash ^ u64::from(read)).wrapping_mul(PRIME);
        }
        (self.hash, self.length, self.characters, self.digits) = (hash, word, word, false);
        if context.out.len() != self.found {
            self.phrases(context);
        }
        if bytes.len() > word {
            self.space(i + word, side, context);
        }
        self.found = context.out.len();
    }

    /// Takes a byte of a character that is not ASCII. Of scripts without spaces every character is a word; what looks like an ASCII letter is
    /// read as one, in words of its own script too, so that a disguise as such a word is the same word.
    fn wide(&mut self, i: usize, byte: u8, side: Side, context: &mut Context<'_>) {
        if byte >= 0xc0 {
            self.pending = 0;
        }
        if let Some(slot) = self.wide.get_mut(self.pending) {
            *slot = byte;
        }
        self.pending += 1;
        let [lead, second, ..] = self.wide;
        let length = match lead {
            0xf0.. => 4,
            0xe0.. => 3,
            _ => 2,
        };
        if self.pending < length {
            return;
        }
        self.pending = 0;
        let (wide, start) = (self.wide, i + 1 - length);
        let bytes = wide.get(..length).unwrap_or_default();
        // Ideographs and kana, and Thai.
        let alone = matches!(lead, 0xe3..=0xe9) || lead == 0xe0 && matches!(second, 0xb8 | 0xb9);
        if alone {
            self.end_token(start, side, context);
        }
        let c = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next());
        match c.filter(|_| !alone).and_then(look_alike) {
            Some(letter) => self.letter(start, letter, side, context),
            None => {
                for (at, byte) in (start..).zip(bytes) {
                    self.letter(at, *byte, side, context);
                }
            }
        }
        if alone {
            self.alone = true;
            self.end_token(i + 1, side, context);
        }
    }

    #[inline]
    fn add_byte(&mut self, byte: u8) {
        let read = READ_AS.get(usize::from(byte)).copied().unwrap_or(byte);
        if byte & 0xc0 != 0x80 {
            if self.characters == BEGINNING {
                self.beginning = self.hash;
            }
            self.characters += 1;
        }
        self.hash = (self.hash ^ u64::from(read)).wrapping_mul(PRIME);
        self.digits &= byte.is_ascii_digit();
        self.length += 1;
    }

    const fn reset(&mut self) {
        (self.open, self.hash, self.length, self.digits, self.alone) = (Open::Nothing, SEED, 0, true, false);
        self.characters = 0;
    }

    /// A word or a run of signs begins at `i`.
    fn begin(&mut self, i: usize, side: Side, context: &mut Context<'_>) {
        if self.block.as_ref().is_some_and(|block| i - block.from >= BLOCK_BYTES) {
            self.end_block(i, side, context);
        }
        if self.block.is_none() {
            let start = context.text.original_start(i);
            self.block = Some(Sum { start, from: i, ..Sum::default() });
        }
    }

    /// What is open ends before `i`.
    #[inline]
    fn end_token(&mut self, i: usize, side: Side, context: &mut Context<'_>) {
        let [one, two, three] = self.before;
        let hash = if self.digits && self.open == Open::Word { PRIME } else { self.hash };
        let mut new = false;
        match self.open {
            Open::Nothing => return,
            Open::Signs(_) => {
                self.add(!hash, side, context);
            }
            Open::Word if self.alone => {
                let three_of = hash.wrapping_mul(31) ^ one.rotate_left(17) ^ two.rotate_left(33);
                new = self.add(three_of, side, context);
                self.add(three_of ^ three.rotate_left(5), side, context);
            }
            Open::Word => {
                new = self.add(hash, side, context) && !self.digits && self.length > 1;
                if !self.digits {
                    self.add(hash.wrapping_mul(31) ^ one.rotate_left(17), side, context);
                    self.add(hash.wrapping_mul(37) ^ two.rotate_left(29), side, context);
                    if self.characters > BEGINNING {
                        self.add(self.beginning.wrapping_mul(43), side, context);
                    }
                }
            }
        }
        self.before = [hash, one, two];
        let word = self.open == Open::Word;
        self.reset();
        if let Some(block) = &mut self.block {
            block.words += usize::from(word);
            block.telling += usize::from(new);
            if block.words >= BLOCK {
                self.end_block(i, side, context);
            }
        }
    }

    /// Adds a feature up; whether the block did not have it yet.
    #[inline]
    fn add(&mut self, hash: u64, side: Side, context: &Context<'_>) -> bool {
        let feature = mix(hash, side);
        let (slot, bit) = (feature >> 6 & 31, 1_u64 << (feature & 63));
        let Some(seen) = usize::try_from(slot).ok().and_then(|slot| self.seen.get_mut(slot)) else {
            return false;
        };
        let Some(block) = &mut self.block else { return false };
        if *seen & bit != 0 {
            return false;
        }
        *seen |= bit;
        block.weights += context.tables.weights.weight(feature);
        block.features += 1;
        if let Some(notes) = &mut self.notes {
            notes.open.push(feature);
        }
        true
    }

    /// The block ends before folded byte `i`: it is judged together with those before it.
    fn end_block(&mut self, i: usize, side: Side, context: &mut Context<'_>) {
        let Some(block) = self.block.take() else { return };
        let most = match side {
            Side::Direct => BLOCKS[0],
            Side::Indirect => BLOCKS[1],
        };
        let (mut all, mut varied) = (block, block.telling);
        let (mut starts, mut blocks) = ([block.from; MOST], 1);
        for last in self.last.iter().take(most - 1).flatten().take_while(|last| i - last.from < WINDOW) {
            all = Sum {
                words: all.words + last.words,
                telling: all.telling + last.telling,
                weights: all.weights + last.weights,
                features: all.features + last.features,
                ..*last
            };
            varied = varied.max(last.telling);
            if let Some(start) = starts.get_mut(blocks) {
                *start = last.from;
            }
            blocks += 1;
        }
        // Fewer words say too little.
        let evidence = match varied {
            ..FEWEST => None,
            _ if all.telling < SHORT || varied < VARIED => Some(Evidence::Little),
            _ => Some(Evidence::Enough),
        };
        let [one, two, _] = self.last;
        self.last = [Some(block), one, two];
        self.seen = [0; 32];
        if let Some(notes) = &mut self.notes {
            notes.blocks.push(std::mem::take(&mut notes.open));
            let first = notes.blocks.len().saturating_sub(blocks);
            let features = notes.blocks.get(first..).unwrap_or_default().concat();
            let words = judge::words(context.text.slice(block.from, i));
            notes.windows.push(Window { features, first, words, evidence });
            // What is learned does not depend on what was learned before.
            return;
        }
        // Where a phrase has said it nothing is to be added.
        let Some(evidence) = evidence.filter(|_| self.phrase <= all.start) else { return };
        let sum = context.tables.weights.sum(side, all.weights, all.features);
        let judge = &context.tables.judge;
        let asked = side == Side::Direct && evidence == Evidence::Enough && judge.is_asked(sum);
        let score = if asked {
            judge.score(sum, self.opinion(starts.get(..blocks).unwrap_or_default(), i, context))
        } else {
            context.tables.weights.score(side, sum, evidence)
        };
        if let Some(score) = score {
            let span = Span::new(all.start, context.text.original_end(i));
            context.report_original(&MODEL, Category::known("prompt_injection/likely"), score, span, false);
            // What was reported is not reported again with what follows it.
            self.last = [None; MOST - 1];
        }
    }

    /// What the judge thinks of blocks that begin there, the last one first, of which that ends before folded byte `i`.
    fn opinion(&mut self, starts: &[usize], i: usize, context: &Context<'_>) -> f32 {
        let judge = &context.tables.judge;
        let first = starts.last().copied().unwrap_or(i);
        self.read.retain(|(from, _)| *from >= first);
        let mut end = i;
        for start in starts.iter().copied() {
            if self.read.iter().all(|(from, _)| *from != start) {
                self.read.push((start, judge.read_words(&judge::words(context.text.slice(start, end)))));
            }
            end = start;
        }
        judge.opinion(self.read.iter().map(|(_, answers)| &answers[..]))
    }
}

/// Spreads a hash over the table, for each side by itself.
const fn mix(hash: u64, side: Side) -> u32 {
    let hash = match side {
        Side::Direct => hash,
        Side::Indirect => hash ^ 0x9e37_79b9_7f4a_7c15,
    };
    let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 45) as u32
}
