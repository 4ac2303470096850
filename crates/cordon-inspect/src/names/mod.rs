//! People, organisations, places and addresses, by a small tagger: one look at each word that begins with a capital or holds
//! a digit, and at what goes on from there, with the words beside it and the tags before it.
//!
//! Where a name begins is decided when two tokens behind it are known, so hardly more than a few words are held. The
//! weights are trained by the example `train_tagger`.

mod features;
mod model;

pub use features::{BUCKETS, Shape, Token, TokenKind, features};
pub use model::{Kind, Model, TAGS, Tag};

use cordon_core::{Category, Score};

use crate::detector::Detector;
use crate::scanner::Context;

/// Bytes of the longest word that is part of a name, and of the longest name reported at once.
const MAX_WORD: usize = 48;
pub(crate) const MAX_NAME: usize = 512;
/// Tokens of the longest name reported at once.
const MAX_TOKENS: usize = 40;
/// Tokens behind one that its tag depends on, and tokens before it.
const AHEAD: usize = 2;
const BEHIND: usize = 2;

pub(crate) const NAMES: Detector = Detector {
    name: "pii.names",
    version: 1,
    max_span: MAX_NAME,
    lookahead: 3 * MAX_WORD,
    categories: &["pii/person", "pii/organisation", "pii/place", "pii/address"],
};

/// Reads names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Tagged ones in front as context, then those that wait for what is behind them.
    tokens: Vec<Placed>,
    /// How many of them are tagged.
    tagged: usize,
    tags: [Tag; 2],
    /// The word that is open.
    word: Option<usize>,
    /// The rest of a word that is too long goes by.
    long: bool,
    name: Option<Name>,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    start: usize,
    end: usize,
    token: Token,
}

/// The name that is open.
#[derive(Clone, Copy, Debug)]
struct Name {
    start: usize,
    /// Behind its last token that may end a name.
    end: usize,
    tag: Tag,
    tokens: usize,
    digits: bool,
    letters: bool,
}

impl Names {
    /// Where what must be held back begins.
    pub(crate) fn live(&self) -> Option<usize> {
        let name = self.name.map(|name| name.start);
        let waiting = self.tokens.iter().skip(self.tagged).find(|t| t.token.may_begin()).map(|t| t.start);
        [name, waiting, self.word].into_iter().flatten().min()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(crate) fn unchanged(&self, i: usize) -> usize {
        self.word.map_or(usize::MAX, |start| (start + MAX_WORD).saturating_sub(i))
    }

    /// Takes the folded byte at `i`.
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        // What stands in an encoded text is a value or an order, hardly a letter with names.
        if context.depth > 0 {
            return;
        }
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            match self.word {
                _ if self.long => {}
                None => self.word = Some(i),
                Some(start) if i - start >= MAX_WORD => {
                    self.word = None;
                    self.long = true;
                    self.flush(context);
                }
                Some(_) => {}
            }
            return;
        }
        self.long = false;
        self.end_word(i, context);
        match byte {
            b' ' | b'\t' | b'\r' => {}
            b'\n' => {
                let blank = self.tokens.last().is_some_and(|last| last.token.kind == TokenKind::Line);
                if blank {
                    self.flush(context);
                } else if !self.tokens.is_empty() {
                    self.push(i, i + 1, Token::line(), context);
                }
            }
            _ => self.push(i, i + 1, Token::sign(byte, self.is_glued(i)), context),
        }
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        self.end_word(end, context);
        self.flush(context);
    }

    pub(crate) fn memory(&self) -> usize {
        self.tokens.capacity() * size_of::<Placed>()
    }

    fn end_word(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(start) = self.word.take() {
            let token = Token::word(context.text.slice(start, end), self.is_glued(start));
            self.push(start, end, token, context);
        }
    }

    /// Whether the last token ends where this one starts.
    fn is_glued(&self, start: usize) -> bool {
        self.tokens.last().is_some_and(|last| last.end == start)
    }

    fn push(&mut self, start: usize, end: usize, token: Token, context: &mut Context<'_>) {
        self.tokens.push(Placed { start, end, token });
        while self.tokens.len() - self.tagged > AHEAD {
            self.tag_next(context);
        }
    }

    /// Nothing that follows belongs to what was read.
    fn flush(&mut self, context: &mut Context<'_>) {
        while self.tagged < self.tokens.len() {
            self.tag_next(context);
        }
        self.end_name(context);
        self.tokens.clear();
        self.tagged = 0;
        self.tags = [Tag::Outside; 2];
    }

    /// Tags the first token that has no tag.
    fn tag_next(&mut self, context: &mut Context<'_>) {
        let at = self.tagged;
        let Some(placed) = self.tokens.get(at).copied() else { return };
        let [last, _] = self.tags;
        let tag = if last == Tag::Outside && !placed.token.may_begin() {
            Tag::Outside
        } else {
            let token = |offset: isize| {
                at.checked_add_signed(offset).and_then(|i| self.tokens.get(i)).map(|p| p.token)
            };
            let mut buckets = [0; features::COUNT];
            features(&token, self.tags, &mut buckets);
            Model::builtin().best(&buckets, last, &placed.token)
        };
        self.tags = [tag, last];
        self.tagged += 1;
        match (&mut self.name, tag) {
            (Some(name), _)
                if tag.goes_on(name.tag)
                    && name.tokens < MAX_TOKENS
                    && placed.end - name.start < MAX_NAME =>
            {
                name.tokens += 1;
                name.digits |= placed.token.has_digit();
                name.letters |= placed.token.may_begin() && !placed.token.has_digit();
                if placed.token.may_end() {
                    name.end = placed.end;
                }
            }
            _ => {
                self.end_name(context);
                if tag != Tag::Outside && placed.token.kind == TokenKind::Word {
                    let (digits, letters) = (placed.token.has_digit(), !placed.token.has_digit());
                    let (start, end) = (placed.start, placed.end);
                    self.name = Some(Name { start, end, tag, tokens: 1, digits, letters });
                }
            }
        }
        if self.tagged > BEHIND {
            self.tokens.remove(0);
            self.tagged -= 1;
        }
    }

    fn end_name(&mut self, context: &mut Context<'_>) {
        let Some(name) = self.name.take().filter(|name| name.letters) else { return };
        // A name alone identifies nobody for sure, and most texts have some: the example policy acts from 0.5 on.
        let (category, percent) = match name.tag.kind() {
            Some(Kind::Person) => ("pii/person", 45),
            Some(Kind::Organisation) => ("pii/organisation", 40),
            Some(Kind::Place) => ("pii/place", 40),
            Some(Kind::Address) if name.digits => ("pii/address", 45),
            Some(Kind::Address) => ("pii/address", 40),
            None => return,
        };
        context.report(
            &NAMES,
            Category::known(category),
            Score::percent(percent),
            (name.start, name.end),
            false,
        );
    }
}
