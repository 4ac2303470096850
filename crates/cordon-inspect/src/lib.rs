//! Turns hostile text into findings: folding, PII, secrets, prompt injection, streams.
//!
//! One pass reads a text in any chunks, folds what looks alike, decodes what is encoded, and reports [`Finding`]s with
//! spans in the original bytes. The law: the findings depend on the text alone, never on how it was cut, and no byte of
//! a value that a caller wants held is called settled before its finding was reported.
//!
//! **Never here:** network, async, the clock, and policy: a finding says what was seen, not what is allowed.
//!
//! ```
//! use cordon_core::{Category, Channel};
//! let engine = cordon_inspect::Engine::builtin();
//! let text = "card 4111 1111 1111 1111";
//! let mut scanner = engine.scanner(Channel::Model, &[Category::known("pii")]);
//! let first = scanner.push("card 4111 1111 ");
//! assert!(first.findings.is_empty() && first.settled == 5); // the number is held while it may become a card
//! scanner.push("1111 1111");
//! let last = scanner.finish();
//! assert_eq!(last.findings[0].span.range(), 5..24);
//! assert_eq!(engine.inspect(Channel::Model, text), last.findings);
//! ```
//!
//! [`Finding`]: cordon_core::Finding

mod answer;
mod canary;
mod checksum;
mod custom;
mod decode;
mod detector;
mod engine;
mod evidence;
mod few;
mod fold;
mod hidden;
mod joined;
mod judge;
mod lexicon;
pub mod names;
pub mod noise;
pub mod normalise;
pub mod obfuscate;
mod pii;
mod plain;
pub mod policy;
mod runs;
mod scanner;
mod secret;
mod seen;
mod segment;
mod sensitivity;
mod setting;
mod starts;
mod suspicion;
mod swapped;
mod task;
mod template;
pub mod trained;
pub mod training;
mod view;
mod weights;
mod whole;
mod words;

pub use answer::hosts::Hosts;
pub use answer::leak::Prompt;
pub use canary::Canary;
pub use custom::Custom;
pub use detector::{Cost, DetectorInfo, FailureMode, Reach};
pub use engine::Engine;
pub use scanner::{Lists, Scanner, Step};
pub use seen::{Decoded, Encoding, Explained, Placed};
pub use sensitivity::Sensitivity;
pub use task::Task;
pub use whole::{
    Asked, Citation, Cited, Grounded, Judged, Reading, Sentence, Sources, Topics, citations, declined,
    declines, foreign,
};

/// The letter of ASCII that a letter of another script looks like, if it does: `а` of Cyrillic looks like `a`.
pub fn looks_like(letter: char) -> Option<char> {
    fold::look_alike(letter).map(char::from)
}
