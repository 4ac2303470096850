//! `WordPiece`: the longest piece that a word begins with, then the longest one that follows, to its end.

use std::collections::HashMap;

use super::{Token, Written};
use crate::error::Cause;

/// A vocabulary of pieces that begin a word, and of ones that go on.
#[derive(Debug)]
pub(super) struct WordPiece {
    first: HashMap<String, u32>,
    inner: HashMap<String, u32>,
    unknown: u32,
    /// The longest word, in characters; a longer one is unknown.
    longest: usize,
}

impl WordPiece {
    /// Of a vocabulary without the marks that no text may spell.
    pub(super) fn new(
        vocabulary: HashMap<String, u32>,
        prefix: &str,
        unknown: u32,
        longest: usize,
    ) -> Result<Self, Cause> {
        if prefix.is_empty() || !(1..=1000).contains(&longest) {
            return Err(Cause::value(
                "model",
                "a prefix of pieces that go on, and words of up to 1,000 characters",
            ));
        }
        let mut inner = HashMap::new();
        for (piece, id) in &vocabulary {
            if let Some(piece) = piece.strip_prefix(prefix) {
                inner.insert(piece.to_owned(), *id);
            }
        }
        Ok(Self { first: vocabulary, inner, unknown, longest })
    }

    pub(super) fn highest(&self) -> u32 {
        self.first.values().chain(self.inner.values()).copied().fold(self.unknown, u32::max)
    }

    /// The pieces of a word. One that cannot be cut into pieces to its end is unknown as a whole.
    pub(super) fn tokens(&self, word: &[Written], tokens: &mut Vec<Token>) {
        let Some((_, start)) = word.first() else { return };
        let before = tokens.len();
        let known = word.len() <= self.longest && self.cut(word, tokens).is_some();
        if !known {
            tokens.truncate(before);
            tokens.push(Token { id: self.unknown, start: *start });
        }
    }

    fn cut(&self, word: &[Written], tokens: &mut Vec<Token>) -> Option<()> {
        let text: String = word.iter().map(|(c, _)| *c).collect();
        let (mut rest, mut chars) = (text.as_str(), word);
        let mut pieces = &self.first;
        while let Some((_, start)) = chars.first() {
            let mut ends = rest.char_indices().rev().map(|(at, c)| at + c.len_utf8()).zip(0..);
            let found = ends.find_map(|(end, without)| {
                let (piece, behind) = rest.split_at_checked(end)?;
                Some((*pieces.get(piece)?, chars.len().checked_sub(without)?, behind))
            });
            let (id, count, behind) = found?;
            tokens.push(Token { id, start: *start });
            (rest, chars, pieces) = (behind, chars.get(count..)?, &self.inner);
        }
        Some(())
    }
}
