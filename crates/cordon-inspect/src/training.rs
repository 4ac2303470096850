//! What a trainer of the model of injection needs: the features that the model judges, and the file of its weights.
//!
//! Detectors are made of the file alone; nothing here takes part in an inspection.
//!
//! ```
//! use cordon_core::{Channel, Score};
//! let engine = cordon_inspect::Engine::builtin();
//! let windows = cordon_inspect::training::windows(&engine, Channel::User, "Tell me about the garden.");
//! assert_eq!(windows.len(), 1);
//! assert!(windows[0].features.iter().all(|feature| (*feature as usize) < cordon_inspect::training::BUCKETS));
//! ```

use cordon_core::{Channel, Score};

use crate::Engine;
use crate::judge::{self, Judge};
pub use crate::judge::{Bounds, Net};
use crate::weights::{self, Weights};
pub use crate::weights::{Evidence, Limits};

/// Features that are told apart.
pub const BUCKETS: usize = weights::BUCKETS;

/// What the sum of the weights of so many features is divided by.
pub fn divisor(features: usize) -> f32 {
    weights::divisor(u16::try_from(features).unwrap_or(u16::MAX))
}

/// What the judge looks a word up in: rows of the table, numbers of a row, filters, and words that a filter sees.
pub const JUDGE: [usize; 4] = [judge::ROWS, judge::WIDTH, judge::FILTERS, judge::SEES];
/// What every opinion of the judge begins with.
pub const JUDGE_BIAS: f32 = judge::BIAS;

/// What is judged together: the last block of some words and those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The features of the blocks, each once in a block.
    pub features: Vec<u32>,
    /// The first of the blocks; there is one window for each block.
    pub first: usize,
    /// The words of the last block, each as the rows that the judge adds up for it, with no row behind the last.
    pub words: Vec<[u16; judge::PIECES]>,
    /// How much the sum of the features is worth; none where so few words are not judged.
    pub evidence: Option<Evidence>,
}

/// What the detector says of a window: its score, 0.3 to 0.49 where an attack is likely and 0.6 to 0.79 where it is sure, of the sum of features as it is
/// compared with the limits and, where there is a judge, of its opinion.
pub fn score(
    limits: Limits,
    judge: Option<Bounds>,
    (sum, opinion): (f32, f32),
    evidence: Option<Evidence>,
) -> Option<Score> {
    let evidence = evidence?;
    match judge.filter(|bounds| evidence == Evidence::Enough && bounds.are_asked(sum)) {
        Some(bounds) => bounds.score(sum, opinion),
        None => limits.score(sum, evidence),
    }
}

/// All that is judged together in a text, a window after each block of some words. What is compared with the limits is the bias and
/// the sum of the weights of the features over their [`divisor`]. Empty where the model does not read the channel.
pub fn windows(engine: &Engine, channel: Channel, text: &str) -> Vec<Window> {
    engine.windows(channel, text)
}

/// A judge as it reads a file, asked for itself.
#[derive(Debug)]
pub struct Opinions(Judge);

impl Opinions {
    /// The judge of a file.
    ///
    /// # Errors
    ///
    /// What no reader of such a file would take.
    pub fn read(file: &[u8]) -> Result<Self, &'static str> {
        Judge::read(file).map(Self)
    }

    /// What it thinks of some folded text as a whole, split into words first: for measuring what that costs.
    pub fn of_text(&self, text: &str) -> f32 {
        let answers = self.0.read_words(&judge::words(text.as_bytes()));
        self.0.opinion([&answers[..]].into_iter())
    }

    /// What it thinks of each window of a text.
    pub fn of(&self, windows: &[Window]) -> Vec<f32> {
        let answers: Vec<_> = windows.iter().map(|window| self.0.read_words(&window.words)).collect();
        let opinion = |(at, window): (usize, &Window)| {
            let answers = answers.get(window.first..=at).unwrap_or_default();
            self.0.opinion(answers.iter().map(|answers| &answers[..]))
        };
        windows.iter().enumerate().map(opinion).collect()
    }
}

/// The file of a judge of some nets, and of where it is asked. The rows of its table are rounded to 255 steps each.
///
/// # Errors
///
/// What no reader of such a file would take: nets of another size, numbers that are none, or bounds out of order.
pub fn judge_file(nets: &[Net], bounds: Bounds) -> Result<Vec<u8>, &'static str> {
    let file = judge::file(nets, bounds);
    Judge::read(&file).map(|_| file)
}

/// The file of some weights, [`BUCKETS`] of them, with the limits of people's texts, and of documents and tool results.
/// Weights are rounded to 255 steps.
///
/// # Errors
///
/// What no reader of such a file would take: limits that are no numbers, or out of order.
pub fn file(weights: &[f32], sides: [Limits; 2]) -> Result<Vec<u8>, &'static str> {
    let file = weights::file(weights, sides);
    Weights::read(&file).map(|_| file)
}
