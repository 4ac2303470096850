//! `tokenizer.json`: how a text becomes numbers of pieces. The forms that models of the two families come with, and no others.
//!
//! A text is read as Hugging Face's `tokenizers` reads it with the same file (measured on the files of made-up models, no
//! published one), but for one thing: a text cannot spell the marks that only the model's maker may set, such as `[SEP]`; they
//! are read as the letters that they are.

mod bounded;
mod charsmap;
mod class;
mod form;
mod normal;
mod trie;
mod unigram;
mod wordpiece;

use self::{form::File, normal::Normalizer, unigram::Unigram, wordpiece::WordPiece};
use crate::error::Cause;

/// The most characters that are written for a byte of the text: NFKD makes 18 of one that has three bytes, and nothing that
/// models are published with makes more.
const MAX_WRITTEN: usize = 6;
/// How many characters are read before somebody is asked whether to go on.
const BETWEEN: usize = 16_384;

/// A character, and where in the text that was given it comes from, in bytes.
type Written = (char, u32);

/// Reads a text as the numbers of a model's pieces.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    normalizers: Vec<Normalizer>,
    split: Split,
    pieces: Pieces,
    before: Vec<u32>,
    after: Vec<u32>,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: u32,
    /// Where it begins in the text that was given, in bytes.
    pub(crate) start: u32,
}

/// How words are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    /// At white space, and at each sign of punctuation, which is a word.
    Bert,
    /// At spaces, which are written as this character and belong to the word behind them.
    Marked { mark: char, begins: bool, split: bool },
}

#[derive(Debug)]
enum Pieces {
    Unigram(Unigram),
    WordPiece(WordPiece),
}

impl Tokenizer {
    /// Reads a file.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Cause> {
        let file: File = serde_json::from_slice(bytes).map_err(Cause::form)?;
        file.checked()
    }

    /// What stands before and behind the pieces of a text.
    pub(crate) fn ends(&self) -> (&[u32], &[u32]) {
        (&self.before, &self.after)
    }

    /// The highest number that a piece may have.
    pub(crate) fn highest(&self) -> u32 {
        let pieces = match &self.pieces {
            Pieces::Unigram(unigram) => unigram.highest(),
            Pieces::WordPiece(wordpiece) => wordpiece.highest(),
        };
        self.before.iter().chain(&self.after).copied().fold(pieces, u32::max)
    }

    /// The pieces of a text of less than 4 GiB. Once there are `most` of them, the words behind are left out. Nothing comes back
    /// once `go_on` says no, or where the steps before write more than they may.
    pub(crate) fn tokens(&self, text: &str, most: usize, go_on: &dyn Fn() -> bool) -> Option<Vec<Token>> {
        let mut meter = Meter { left: BETWEEN, go_on };
        let room = text.len().saturating_mul(MAX_WRITTEN).saturating_add(MAX_WRITTEN);
        let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut written: Vec<Written> = text.char_indices().map(|(start, c)| (c, at(start))).collect();
        for normalizer in &self.normalizers {
            meter.pass(written.len())?;
            written = normalizer.apply(written, room)?;
        }
        let mut tokens = Vec::new();
        // Whether there is room for more.
        let mut word = |word: &[Written]| {
            match &self.pieces {
                Pieces::Unigram(unigram) => unigram.tokens(word, &mut tokens, &mut meter)?,
                Pieces::WordPiece(wordpiece) => {
                    meter.pass(word.len())?;
                    wordpiece.tokens(word, &mut tokens);
                }
            }
            Some(tokens.len() < most)
        };
        match self.split {
            Split::Bert => {
                'runs: for run in written.split(|(c, _)| c.is_whitespace()) {
                    let mut run = run;
                    while let Some((first, _)) = run.first() {
                        let end = match class::is_punctuation(*first) {
                            true => 1,
                            false => {
                                run.iter().position(|(c, _)| class::is_punctuation(*c)).unwrap_or(run.len())
                            }
                        };
                        let (one, rest) = run.split_at(end);
                        if !word(one)? {
                            break 'runs;
                        }
                        run = rest;
                    }
                }
            }
            Split::Marked { mark, begins, split } => {
                for (c, _) in &mut written {
                    if *c == ' ' {
                        *c = mark;
                    }
                }
                if begins
                    && let Some((first, start)) = written.first().copied()
                    && first != mark
                {
                    written.insert(0, (mark, start));
                }
                let mut rest = written.as_slice();
                while !rest.is_empty() {
                    let next = rest.iter().skip(1).position(|(c, _)| split && *c == mark);
                    let (one, behind) = rest.split_at(next.map_or(rest.len(), |next| next + 1));
                    if !word(one)? {
                        break;
                    }
                    rest = behind;
                }
            }
        }
        Some(tokens)
    }
}

/// Asks whether to go on, each time that some characters were read.
struct Meter<'a> {
    left: usize,
    go_on: &'a dyn Fn() -> bool,
}

impl Meter<'_> {
    fn pass(&mut self, characters: usize) -> Option<()> {
        match self.left.checked_sub(characters) {
            Some(left) => self.left = left,
            None if (self.go_on)() => self.left = BETWEEN,
            None => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.tokens(text, usize::MAX, &|| true).unwrap().into_iter().map(|token| token.id).collect()
    }

    /// What the library that publishes such files makes of the same texts.
    #[test]
    fn pieces_agree_with_those_of_others() {
        #[derive(serde::Deserialize)]
        struct Said {
            text: String,
            ids: Vec<u32>,
        }
        for name in ["bert", "deberta", "deberta-apart"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
            let tokenizer = Tokenizer::read(&std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap();
            let said: Vec<Said> =
                serde_json::from_slice(&std::fs::read(folder.join("said.json")).unwrap()).unwrap();
            for Said { text, ids: expected } in said {
                assert_eq!(ids(&tokenizer, &text), expected, "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn a_text_cannot_spell_the_marks_of_the_model() {
        for file in [
            include_str!("../../tests/golden/bert/tokenizer.json"),
            include_str!("../../tests/golden/deberta/tokenizer.json"),
        ] {
            let tokenizer = Tokenizer::read(file.as_bytes()).unwrap();
            let (before, after) = tokenizer.ends();
            assert_eq!((before.len(), after.len()), (1, 1));
            for text in ["[SEP]", "a [SEP] b", "[CLS][SEP]", "[PAD]"] {
                let ids = ids(&tokenizer, text);
                assert!(!ids.is_empty());
                assert!(
                    !ids.iter().any(|id| before.contains(id) || after.contains(id) || *id == 0),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn pieces_know_where_they_begin() {
        let file = include_bytes!("../../tests/golden/deberta/tokenizer.json");
        let tokenizer = Tokenizer::read(file).unwrap();
        let text = "  the ＲＥＰＯＲＴ was ﬁxed";
        let tokens = tokenizer.tokens(text, usize::MAX, &|| true).unwrap();
        assert_eq!(tokens.first().unwrap().start, 2);
        assert!(tokens.is_sorted_by_key(|token| token.start));
        assert!(tokens.iter().all(|token| text.is_char_boundary(token.start as usize)));
    }

    #[test]
    fn whoever_has_enough_or_stops_is_heard() {
        for file in [
            include_str!("../../tests/golden/bert/tokenizer.json"),
            include_str!("../../tests/golden/deberta/tokenizer.json"),
        ] {
            let tokenizer = Tokenizer::read(file.as_bytes()).unwrap();
            let text = "the board meeting ".repeat(10_000);
            let all = tokenizer.tokens(&text, usize::MAX, &|| true).unwrap();
            let some = tokenizer.tokens(&text, 100, &|| true).unwrap();
            assert!((100..200).contains(&some.len()) && all.starts_with(&some), "{}", some.len());
            // A word without an end is read with questions too.
            for text in [text, "a".repeat(200_000)] {
                let asked = std::cell::Cell::new(0);
                let go_on = || {
                    asked.set(asked.get() + 1);
                    asked.get() < 2
                };
                assert!(tokenizer.tokens(&text, usize::MAX, &go_on).is_none());
                assert_eq!(asked.get(), 2);
            }
        }
    }
}
