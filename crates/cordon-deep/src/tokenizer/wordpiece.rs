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
    /// The longest piece, in characters: what is longer is not looked up.
    longest_piece: usize,
}

/// The longest word that is cut, in characters: published models have 100.
const MAX_WORD: usize = 256;

impl WordPiece {
    /// Of a vocabulary without the marks that no text may spell.
    pub(super) fn new(
        vocabulary: HashMap<String, u32>,
        prefix: &str,
        unknown: u32,
        longest: usize,
    ) -> Result<Self, Cause> {
        if prefix.is_empty() || !(1..=MAX_WORD).contains(&longest) {
            return Err(Cause::value(
                "model",
                format!("a prefix of pieces that go on, and words of up to {MAX_WORD} characters"),
            ));
        }
        let mut inner = HashMap::new();
        for (piece, id) in &vocabulary {
            if let Some(piece) = piece.strip_prefix(prefix) {
                inner.insert(piece.to_owned(), *id);
            }
        }
        let longest_piece = vocabulary.keys().map(|piece| piece.chars().count()).max().unwrap_or_default();
        Ok(Self { first: vocabulary, inner, unknown, longest, longest_piece })
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
            let most = chars.len().min(self.longest_piece);
            let within: usize = chars.iter().take(most).map(|(c, _)| c.len_utf8()).sum();
            let ends = rest.get(..within)?.char_indices().rev().map(|(at, c)| at + c.len_utf8());
            let found = ends.zip(0..).find_map(|(end, without)| {
                let (piece, behind) = rest.split_at_checked(end)?;
                Some((*pieces.get(piece)?, most.checked_sub(without)?, behind))
            });
            let (id, count, behind) = found?;
            tokens.push(Token { id, start: *start });
            (rest, chars, pieces) = (behind, chars.get(count..)?, &self.inner);
        }
        Some(())
    }
}
