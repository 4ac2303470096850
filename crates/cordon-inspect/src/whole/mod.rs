//! What can be said of an answer only when all of it is there.
//!
//! Unlike the detectors of the engine these read no stream: who uses them holds the text until its end, or learns of what was found
//! when it has left.

mod citation;
mod grounding;
mod language;
mod profiles;
mod sentence;

pub use citation::{Citation, Cited, citations};
pub use grounding::{Grounded, Judged, Reading, Sentence, Sources};
pub use language::foreign;
