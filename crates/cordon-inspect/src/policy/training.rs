//! What a trainer of the model of policies needs: the features that it judges, and the file of its weights.
//!
//! Detectors are made of the file alone; nothing here takes part in an inspection.
//!
//! ```
//! use cordon_inspect::policy::training;
//! let engine = cordon_inspect::Engine::builtin();
//! let blocks = training::blocks(&engine, "Tell me about the garden. It is spring.");
//! assert_eq!(blocks.len(), 2);
//! assert!(blocks.iter().flatten().all(|feature| (*feature as usize) < training::BUCKETS));
//! ```

use cordon_core::Channel;

pub use super::model::Limits;
use super::model::{self, Model};
use crate::Engine;

/// Features that are told apart.
pub const BUCKETS: usize = model::BUCKETS;
/// The features before this one are of classes of words, all others of words.
pub const OF_CLASSES: u32 = model::OF_CLASSES;
/// Categories that are judged.
pub const COLUMNS: usize = model::COLUMNS;
/// Their names, in the order of the columns.
pub const CATEGORIES: [&str; COLUMNS] = super::CATEGORIES;

/// What the sum of the weights of so many features is divided by.
pub fn divisor(features: usize) -> f32 {
    model::divisor(u16::try_from(features).unwrap_or(u16::MAX))
}

/// The features of each block of a text that is judged, each feature once.
pub fn blocks(engine: &Engine, text: &str) -> Vec<Vec<u32>> {
    let mut scanner = engine.scanner(Channel::User, &[]).noting_policies();
    scanner.push(text);
    scanner.finish();
    scanner.noted_policies()
}

/// The file of some weights, [`BUCKETS`] rows of [`COLUMNS`], rounded to 255 steps.
///
/// # Errors
///
/// What no reader of such a file would take: limits that are no numbers, or out of order.
pub fn file(weights: &[[f32; COLUMNS]], limits: Limits) -> Result<Vec<u8>, &'static str> {
    let file = model::file(weights, limits);
    Model::read(&file).map(|_| file)
}
