//! People, organisations, places and addresses, by a small trained tagger.
//!
//! The folded text is cut into words, and these into segments: sentences, lines and blocks of them, never longer than
//! `MAX_WORDS` words. In a segment only words are judged that may be part of a name, and what lies between such words. Each of
//! them has a score for each label, the sum of weights of hashed features (Weinberger et al. 2009), and the labels of words
//! that stand together are chosen together: a linear-chain conditional random field (Lafferty, McCallum, Pereira 2001). Where a
//! segment ends depends on the text alone, so chunks change nothing. `cargo xtask train names` trains the weights;
//! models/names.md is their card.

mod decode;
mod features;
mod model;
mod token;
pub mod training;

use cordon_core::{Category, Score};

use crate::detector::NAMES;
use crate::scanner::Context;

use self::decode::{Name, Scores};
pub(crate) use self::model::{FILE, Model};
use self::token::{Form, LINE, NO_GAP, Open, SPACE, START, Token, class};

/// Most words of a segment.
const MAX_WORDS: usize = 96;
/// Words after which a segment ends with the line, and before a word that is no part of a name.
const SOFT_WORDS: usize = 32;
const LONG_WORDS: usize = 72;
/// Folded bytes after which a segment ends with the word.
const MAX_BYTES: usize = 1024;
/// A longer word is none.
const MAX_WORD: u8 = 48;
/// So many spaces end a segment.
const MAX_SPACES: u8 = 32;
/// Folded bytes of a segment, from its first byte to the one that ends it.
pub(crate) const SEGMENT: usize = MAX_BYTES + 2 * (MAX_WORD as usize + MAX_SPACES as usize);
/// Words without a capital that may stand between two parts of a name.
const BETWEEN: usize = 3;
/// What is less sure is not reported.
const LEAST: f32 = 0.5;

/// The categories that the tagger reports, in the order of its kinds.
pub(crate) const CATEGORIES: [Category; model::KINDS] = [
    Category::known("pii/person"),
    Category::known("pii/organisation"),
    Category::known("pii/place"),
    Category::known("pii/address"),
];
const PLACE: usize = 2;
const ADDRESS: usize = 3;

/// The state of reading.
#[derive(Debug)]
pub(crate) struct Names {
    words: Vec<Token>,
    open: Option<Open>,
    /// Inside of a word that is too long.
    skips: bool,
    /// What stands before the next word, and how many spaces that are.
    gap: u8,
    spaces: u8,
    /// What names the value that is read, and the last word.
    key: u32,
    part: u32,
    notes: Option<Vec<Vec<training::Word>>>,
}

impl Names {
    pub(crate) const fn new() -> Self {
        Self {
            words: Vec::new(),
            open: None,
            skips: false,
            gap: START,
            spaces: 0,
            key: 0,
            part: 0,
            notes: None,
        }
    }

    /// The same, noting what it judges.
    pub(crate) fn noting() -> Self {
        Self { notes: Some(Vec::new()), ..Self::new() }
    }

    /// What was noted.
    pub(crate) fn noted(&mut self) -> Vec<Vec<training::Word>> {
        self.notes.take().unwrap_or_default()
    }

    /// Where the first word begins that may be part of a name and is not decided yet, in the folded text.
    pub(crate) fn live(&self) -> Option<usize> {
        let first = self.words.iter().enumerate().find(|(at, word)| word.is_core(self.words.get(at + 1)));
        // The last word may be a core only because of what follows.
        let last = self.words.last().filter(|word| word.is_capital());
        let starts = [
            first.map(|(_, word)| word.start),
            last.map(|word| word.start),
            self.open.map(|open| open.start),
        ];
        starts.into_iter().flatten().min()
    }

    /// Bytes of memory beside its own size.
    pub(crate) const fn memory(&self) -> usize {
        self.words.capacity() * size_of::<Token>()
    }

    /// Takes the folded bytes from `i` on, which the other readers have read: what those found from `mark` on they found at the
    /// last of these bytes.
    #[inline]
    pub(crate) fn read(&mut self, i: usize, bytes: &[u8], mark: usize, context: &mut Context<'_>) {
        let Some((last, rest)) = bytes.split_last() else { return };
        if !rest.is_empty() {
            let behind = context.out.len();
            for (at, byte) in (i..).zip(rest) {
                self.byte(at, *byte, context);
            }
            // What ends before the last byte comes before what was found there.
            if context.out.len() > behind && behind > mark {
                let moved = context.out.len() - behind;
                if let Some(found) = context.out.get_mut(mark..) {
                    found.rotate_right(moved);
                }
            }
        }
        self.byte(i + rest.len(), *last, context);
    }

    /// The text ends.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        self.end_word(end, context);
        self.end_segment(context);
    }

    #[inline]
    fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if token::is_word(byte) {
            if self.skips {
                return;
            }
            let open = self.open.get_or_insert(Open::new(i));
            open.push(byte);
            if open.length() > MAX_WORD {
                self.open = None;
                self.skips = true;
                self.end_segment(context);
            }
            return;
        }
        self.skips = false;
        self.end_word(i, context);
        match byte {
            b'\n' => {
                self.key = 0;
                let ends = self.gap >= LINE || self.words.len() >= SOFT_WORDS || self.is_sentence();
                self.gap = self.gap.max(LINE);
                if ends {
                    self.end_segment(context);
                }
            }
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {
                let ends = self.spaces >= MAX_SPACES || self.is_sentence();
                self.gap = self.gap.max(SPACE);
                self.spaces = self.spaces.saturating_add(1);
                if ends {
                    self.end_segment(context);
                }
            }
            _ => {
                match byte {
                    b':' | b'=' => self.key = self.part,
                    b';' | b'{' | b'}' => self.key = 0,
                    _ => {}
                }
                self.push(token::sign(i, byte), context);
            }
        }
    }

    fn end_word(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(open) = self.open.take() {
            let model = &context.tables.names;
            let (word, part) = open.close(end, |hash| model.classes(hash));
            self.part = part;
            self.push(word, context);
        }
    }

    fn push(&mut self, word: Token, context: &mut Context<'_>) {
        let start = self.words.first().map_or(word.start, |first| first.start);
        let is_part = word.form != Form::Sign && word.is_core(None);
        self.words.push(Token { gap: self.gap, key: self.key, ..word });
        (self.gap, self.spaces) = (NO_GAP, 0);
        let count = self.words.len();
        if count >= MAX_WORDS || word.end - start >= MAX_BYTES || count >= LONG_WORDS && !is_part {
            self.end_segment(context);
        }
    }

    /// Whether the last word ends a sentence, if a space follows.
    fn is_sentence(&self) -> bool {
        let [.., before, last] = self.words.as_slice() else { return false };
        if last.form != Form::Sign || self.gap != NO_GAP {
            return false;
        }
        let abbreviated = matches!(before.form, Form::Initial | Form::Letter)
            || before.form == Form::Digits && before.length <= 2
            || before.is(class::TITLE | class::FORM | class::STREET | class::UNIT | class::CALENDAR);
        last.word == CALLS || last.word == ASKS || last.word == STOP && !abbreviated
    }

    /// Judges what was read.
    fn end_segment(&mut self, context: &mut Context<'_>) {
        (self.gap, self.spaces) = (START, 0);
        if self.words.is_empty() {
            return;
        }
        let mut names: Vec<Name> = Vec::new();
        let model = &context.tables.names;
        let judged = stretches(&self.words);
        let mut noted = self.notes.is_some().then(|| training::words(&self.words, context.text));
        let language = features::language(&self.words);
        for (from, to) in judged {
            let mut scores: Vec<Scores> = Vec::with_capacity(to - from);
            for at in from..to {
                let rows = features::rows(&self.words, at, language, model.rows());
                scores.push(decode::scores(model, &rows));
                if let Some(word) = noted.as_mut().and_then(|words| words.get_mut(at)) {
                    word.features = rows.to_vec();
                }
            }
            let found = decode::names(model, &scores).into_iter();
            names.extend(found.map(|name| Name { from: name.from + from, to: name.to + from, ..name }));
        }
        if let Some((notes, words)) = self.notes.as_mut().zip(noted) {
            notes.push(words);
        }
        if !names.is_empty() {
            self.report(&names, context);
        }
        self.words.clear();
    }

    fn report(&self, names: &[Name], context: &mut Context<'_>) {
        let mut rest = names;
        while let Some(first) = rest.first() {
            let count = self.chain(rest);
            let (chain, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = after;
            if let [_, .., last] = chain {
                let streets = chain.iter().filter(|name| name.kind == ADDRESS);
                let sure = streets.fold(0.0, |most: f32, name| most.max(name.sure));
                self.one(&Name { from: first.from, to: last.to, kind: ADDRESS, sure }, context);
            } else {
                self.one(first, context);
            }
        }
    }

    /// How many names belong to the address with which they begin; 1 where they begin with none.
    fn chain(&self, names: &[Name]) -> usize {
        let mut count = 1;
        let is_part = |name: &Name| name.kind == ADDRESS || name.kind == PLACE;
        while let [before, name] = names.get(count - 1..=count).unwrap_or_default() {
            let between = self.words.get(before.to..name.from).unwrap_or_default();
            let joined =
                between.len() <= 1 && between.iter().all(|sign| sign.word == COMMA || sign.word == STOP);
            if !(is_part(before) && is_part(name) && joined) {
                break;
            }
            count += 1;
        }
        let has_street = names.iter().take(count).any(|name| name.kind == ADDRESS);
        if has_street { count } else { 1 }
    }

    fn one(&self, name: &Name, context: &mut Context<'_>) {
        let words = self.words.get(name.from..name.to).unwrap_or_default();
        let category = CATEGORIES.into_iter().nth(name.kind);
        let (Some(first), Some(last), Some(category)) = (words.first(), words.last(), category) else {
            return;
        };
        if name.sure < LEAST {
            return;
        }
        let score = Score::from_f64(f64::from(name.sure.clamp(LEAST, 0.99))).unwrap_or(Score::percent(50));
        context.report(&NAMES, category, score, (first.start, last.end), false);
    }
}

const STOP: u32 = 0x80 | b'.' as u32;
const COMMA: u32 = 0x80 | b',' as u32;
const ASKS: u32 = 0x80 | b'?' as u32;
const CALLS: u32 = 0x80 | b'!' as u32;

/// The stretches of words that are judged together: those that may be part of a name and a few between such.
fn stretches(words: &[Token]) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    // A number is a part of an address, and no name by itself.
    let mut only_numbers = true;
    let mut open: Option<(usize, usize)> = None;
    for (at, word) in words.iter().enumerate() {
        if !word.is_core(words.get(at + 1)) {
            continue;
        }
        let is_number = matches!(word.form, Form::Digits | Form::Numbered);
        match &mut open {
            Some((_, end)) if at - *end <= BETWEEN => {
                *end = at + 1;
                only_numbers &= is_number;
            }
            _ => {
                stretches.extend(open.filter(|_| !only_numbers));
                open = Some((at, at + 1));
                only_numbers = is_number;
            }
        }
    }
    stretches.extend(open.filter(|_| !only_numbers));
    stretches
}
