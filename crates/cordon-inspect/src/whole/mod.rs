//! What can be said of an answer only when all of it is there.
//!
//! Unlike the detectors of the engine these read no stream: who uses them holds the text until its end, or learns of what was found
//! when it has left.

mod citation;
mod declined;
mod grounding;
mod language;
mod profiles;
mod sentence;
mod topic;

pub use citation::{Citation, Cited, citations};
pub use declined::{declined, declines};
pub use grounding::{Grounded, Judged, Reading, Sentence, Sources};
pub use language::foreign;
pub use topic::{Asked, Topics};

use cordon_core::Category;

/// A detector that needs the whole text: name, version, what it finds.
pub(crate) type Whole = (&'static str, u16, &'static [Category]);

/// Those that a self-test can ask: what the others compare texts with is a call's own.
pub(crate) const DETECTORS: &[Whole] = &[
    (declined::DETECTOR, declined::VERSION, &[declined::DECLINED]),
    (Topics::DETECTOR, Topics::VERSION, &[Topics::DENIED, Topics::OUTSIDE]),
];

/// Whether the detector of this name finds what it must in its canary.
pub(crate) fn finds(name: &str, text: &str) -> bool {
    match name {
        declined::DETECTOR => declines(text).is_some(),
        Topics::DETECTOR => Topics::find(text),
        _ => false,
    }
}
