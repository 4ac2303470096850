//! Transformer classifiers of the BERT and `DeBERTa` (version 2 and 3) families, read from a local folder as Hugging Face lays
//! it out: `config.json`, `tokenizer.json` and `model.safetensors`. They say how probable each of their labels is for a text.
//!
//! A text that is longer than a model's window is read in windows that overlap, up to a bound; what was not read is said
//! ([`Reading::read`]). What a model says agrees to 1e-4 with the library that trains such models, measured on made-up models and
//! on no published one; what is known to be computed in another way is refused when the folder is opened. Whatever the files hold, nothing here panics, and what is read and kept
//! is bounded ([`Limits`]).
//!
//! **Never here:** the network, an async runtime, a clock, policy, C, `unsafe`, code that a model's folder brings.
//!
//! ```
//! use cordon_deep::{Classifier, Limits};
//! let error = Classifier::open(std::path::Path::new("no-such-folder"), Limits::default()).unwrap_err();
//! assert_eq!(error.file(), "config.json");
//! ```

mod classifier;
mod config;
mod error;
mod model;
mod tokenizer;
mod weights;

pub use self::{
    classifier::{Classifier, Limits, Reading, Window},
    error::OpenError,
};
