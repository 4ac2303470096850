//! What a trainer of the model of noise needs: the features that the detector judges, the words that it knows, and the file of both.
//!
//! Detectors are made of the file alone; nothing here takes part in an inspection.
//!
//! ```
//! use cordon_inspect::noise::{Words, windows};
//! let engine = cordon_inspect::Engine::builtin();
//! let text = "Tell me about the garden behind the library, and who planted the maple.";
//! let windows = windows(&engine, &Words::default(), text);
//! assert!(windows.iter().all(|window| window.end <= text.len()));
//! ```

use super::shape::Known;
pub use super::weights::Limits;
use super::weights::{self, Weights};
use crate::Engine;

/// Features that are told apart.
pub const BUCKETS: usize = weights::BUCKETS;

/// What is judged together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its bytes in the text.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
    /// Its features, each once in a block.
    pub features: Vec<u16>,
}

/// The words that are known, and how well.
#[derive(Clone, Debug, Default)]
pub struct Words(Known);

impl Words {
    /// Takes a word down in folded letters: 1 it is known, 2 it is frequent in a language other than English, 3 it is frequent in English.
    pub fn learn(&mut self, word: &str, class: u8) {
        self.0.learn(word, class);
    }
}

/// All that is judged together in what somebody writes, with these words known.
pub fn windows(engine: &Engine, words: &Words, text: &str) -> Vec<Window> {
    engine.noise_windows(&words.0, text)
}

/// What the sum of the weights of so many features is divided by.
pub fn divisor(features: usize) -> f32 {
    weights::divisor(u16::try_from(features).unwrap_or(u16::MAX))
}

/// The file of some weights, rounded to 255 steps, and of these words.
///
/// # Errors
///
/// What no reader of such a file would take: limits that are no numbers, or out of order.
pub fn file(weights: &[f32], limits: Limits, words: &Words) -> Result<Vec<u8>, &'static str> {
    let file = weights::file(weights, limits, &words.0);
    Weights::read(&file).map(|_| file)
}
