//! SentencePiece's unigram model: of all ways to cut a word into pieces, the likeliest.

use super::{Meter, Token, Written, trie::Trie};
use crate::error::Cause;

/// How much less likely a character without a piece is than the least likely piece.
const UNKNOWN: f64 = 10.0;
/// The longest piece, in bytes; it bounds the work on each character of a text.
const MAX_PIECE: usize = 1024;

/// A vocabulary, with the logarithm of each piece's likelihood.
#[derive(Debug)]
pub(super) struct Unigram {
    pieces: Trie,
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
}

/// The likeliest way to a place: what it costs, where its last piece begins, and which it is.
#[derive(Clone, Copy)]
struct Way {
    score: f64,
    from: u32,
    id: u32,
}

impl Unigram {
    /// Of a vocabulary in the order of its numbers; `spelt` says which pieces a text may have.
    pub(super) fn new(
        vocabulary: &[(String, f64)],
        unknown: u32,
        spelt: impl Fn(&str) -> bool,
    ) -> Result<Self, Cause> {
        let wrong = |expected: &str| Cause::value("model.vocab", expected);
        if vocabulary.iter().any(|(piece, score)| piece.len() > MAX_PIECE || !score.is_finite()) {
            return Err(wrong("pieces of up to 1,024 bytes, each with a number"));
        }
        let mut sorted: Vec<(&[u8], u32)> = vocabulary
            .iter()
            .zip(0_u32..)
            .filter(|((piece, _), id)| !piece.is_empty() && *id != unknown && spelt(piece))
            .map(|((piece, _), id)| (piece.as_bytes(), id))
            .collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| matches!(two, [(a, _), (b, _)] if a == b)) {
            return Err(wrong("pieces of which none stands twice"));
        }
        let pieces = Trie::of(&sorted).ok_or_else(|| wrong("fewer or shorter pieces"))?;
        let scores: Vec<f64> = vocabulary.iter().map(|(_, score)| *score).collect();
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        if usize::try_from(unknown).map_or(true, |unknown| unknown >= scores.len()) {
            return Err(Cause::value("model.unk_id", "the number of a piece"));
        }
        Ok(Self { pieces, scores, unknown, unknown_score: least - UNKNOWN })
    }

    pub(super) fn highest(&self) -> u32 {
        u32::try_from(self.scores.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The pieces of a word. What has none is unknown, and one piece with what is unknown beside it.
    /// Nothing where it was told to stop.
    pub(super) fn tokens(
        &self,
        word: &[Written],
        tokens: &mut Vec<Token>,
        meter: &mut Meter<'_>,
    ) -> Option<()> {
        let text: String = word.iter().map(|(c, _)| *c).collect();
        let mut ways: Vec<Option<Way>> = vec![None; text.len() + 1];
        for (from, c) in text.char_indices() {
            meter.pass(1)?;
            let before = ways.get(from).copied().flatten().map_or(0.0, |way| way.score);
            let mut reach = |length: usize, score: f64, id: u32| {
                let way = Way { score: before + score, from: u32::try_from(from).unwrap_or(u32::MAX), id };
                if let Some(best) = ways.get_mut(from + length)
                    && best.is_none_or(|best| way.score > best.score)
                {
                    *best = Some(way);
                }
            };
            let mut single = false;
            for (length, id) in self.pieces.begins(text.as_bytes().get(from..).unwrap_or_default()) {
                let score = usize::try_from(id).ok().and_then(|id| self.scores.get(id)).copied();
                reach(length, score.unwrap_or(self.unknown_score), id);
                single |= length == c.len_utf8();
            }
            if !single {
                reach(c.len_utf8(), self.unknown_score, self.unknown);
            }
        }
        // Backwards along the likeliest way: every character is one way forward, so the end is reached, and each step is back.
        let mut found = Vec::new();
        let mut at = text.len();
        while let Some(way) = ways.get(at).copied().flatten() {
            let from = usize::try_from(way.from).unwrap_or_default();
            found.push((from, way.id));
            at = from;
        }
        let mut starts = text.char_indices().zip(word).map(|((at, _), (_, start))| (at, *start));
        let mut unknown = false;
        for (from, id) in found.into_iter().rev() {
            let start = starts.find(|(at, _)| *at == from).map_or(0, |(_, start)| start);
            if !(unknown && id == self.unknown) {
                tokens.push(Token { id, start });
            }
            unknown = id == self.unknown;
        }
        Some(())
    }
}
