//! What the trainer of the tagger needs: the words that are judged with their features, and the file of a model.
//!
//! Detectors are made of the file alone; nothing here takes part in an inspection.
//!
//! ```
//! use cordon_inspect::names::training;
//! let engine = cordon_inspect::Engine::builtin();
//! let segments = training::read(&engine, "Ask Maria. She knows.");
//! let words: Vec<&str> = segments.iter().flatten().map(|word| word.text.as_str()).collect();
//! assert_eq!(words, ["ask", "maria", ".", "she", "knows", "."]);
//! assert!(!segments[0][1].features.is_empty());
//! ```

use cordon_core::Channel;

use super::features;
use super::model::{self, Model};
use super::token::{Form, Token};
use crate::Engine;
use crate::fold::FoldedText;

/// Labels of a word: 0 is no name, `1 + 2 * kind` the first word of a kind of [`categories`], the next one what continues it.
pub const LABELS: usize = model::LABELS;
/// Labels that have weights: all but the first.
pub const TAGS: usize = model::TAGS;
/// Features of a word.
pub const FEATURES: usize = features::FEATURES;
/// Places of the features that know a word beside the one that is judged.
pub const BESIDE: &[usize] = features::BESIDE;
/// The weight of a change that never happens.
pub const NEVER: f32 = model::NEVER;

/// What the vocabulary can say of a word: names of the classes, the value of a class is the bit of its place. Bits without a name
/// are those of [`common`].
pub const CLASSES: [&str; 16] = [
    "given", "family", "town", "country", "title", "form", "street", "unit", "body", "calendar", "people",
    "role", "particle", "", "", "german",
];

/// The bits that say how common a word is in small letters, from 0 to 3.
pub const fn common(how: u16) -> u16 {
    how << super::token::class::COMMON
}

/// How common a word of these classes is.
pub const fn commonness(classes: u16) -> u16 {
    classes >> super::token::class::COMMON & 3
}

/// The categories, in the order of the labels.
pub const fn categories() -> [cordon_core::Category; model::KINDS] {
    super::CATEGORIES
}

/// A word of a text.
#[derive(Clone, Debug)]
pub struct Word {
    /// Its bytes in the text.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The word, folded and in small letters.
    pub text: String,
    /// Whether it is written in small letters.
    pub small: bool,
    /// The rows of its weights; none where it is not judged and no name. Words next to each other that have some are judged
    /// together.
    pub features: Vec<u32>,
}

/// The words of a text by segment, as the tagger of this engine reads them.
pub fn read(engine: &Engine, text: &str) -> Vec<Vec<Word>> {
    let mut scanner = engine.scanner(Channel::Document, &[]).noting_names();
    scanner.push(text);
    scanner.finish();
    scanner.noted_names()
}

/// The built-in engine with the tagger of this file.
///
/// # Errors
///
/// What is wrong with the file.
pub fn engine(file: &[u8]) -> Result<Engine, &'static str> {
    Model::read(file).map(|model| Engine::of(model, file))
}

/// The file of a model: a row of weights for each feature, what a label adds to the one behind it, and words with their
/// classes. Weights are rounded to 255 steps.
///
/// # Errors
///
/// What no reader of such a file would take: no rows, too many, or a number that is none.
pub fn file(
    weights: &[[f32; TAGS]],
    changes: &[[f32; LABELS]; LABELS],
    words: impl Iterator<Item = (String, u16)>,
) -> Result<Vec<u8>, &'static str> {
    let file = model::file(weights, changes, words);
    Model::read(&file).map(|_| file)
}

/// What is noted of a segment.
pub(super) fn words(tokens: &[Token], text: &FoldedText) -> Vec<Word> {
    let words = tokens.iter().map(|token| Word {
        start: text.original_start(token.start),
        end: text.original_end(token.end),
        text: String::from_utf8_lossy(text.slice(token.start, token.end)).to_ascii_lowercase(),
        small: token.form == Form::Small || token.form == Form::Letter,
        features: Vec::new(),
    });
    words.collect()
}
