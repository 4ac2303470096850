//! What a trainer of the model of injection needs: the features that the model judges, and the file of its weights.
//!
//! Detectors are made of the file alone; nothing here takes part in an inspection.
//!
//! ```
//! use cordon_core::Channel;
//! let engine = cordon_inspect::Engine::builtin();
//! let windows = cordon_inspect::training::windows(&engine, Channel::User, "Tell me about the garden.");
//! assert_eq!(windows.len(), 1);
//! assert!(windows[0].iter().all(|feature| (*feature as usize) < cordon_inspect::training::BUCKETS));
//! ```

use cordon_core::Channel;

use crate::Engine;
pub use crate::weights::Limits;
use crate::weights::{self, Weights};

/// Features that are told apart.
pub const BUCKETS: usize = weights::BUCKETS;

/// What the sum of the weights of so many features is divided by.
pub fn divisor(features: usize) -> f32 {
    weights::divisor(u16::try_from(features).unwrap_or(u16::MAX))
}

/// The features of all that is judged together in a text, one list after each block of some words, each feature once in
/// a block. What is compared with the limits is the bias and the sum of the weights over their [`divisor`]. Empty where the model does not read the channel.
pub fn windows(engine: &Engine, channel: Channel, text: &str) -> Vec<Vec<u32>> {
    engine.windows(channel, text)
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
