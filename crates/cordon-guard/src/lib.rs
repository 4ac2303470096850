//! The data plane of Cordon: one pipeline for every call.
//!
//! A call comes in, is identified, authorised, admitted and inspected; a target is chosen and called; the answer is
//! inspected and recorded before the caller sees it.
//!
//! **Never here:** SQL, HTML, Cedar types.
//!
//! ```
//! // An event stream is read in any chunks, and written anew.
//! let mut parser = cordon_guard::sse::Parser::default();
//! parser.push(b"data: [DO");
//! parser.push(b"NE]\n\n");
//! assert_eq!(parser.next().unwrap().unwrap().data, "[DONE]");
//! ```

pub mod abuse;
pub mod admit;
pub mod anthropic;
pub mod body;
pub mod call;
pub mod dialect;
pub mod dispatch;
mod door;
pub mod exchange;
pub mod identify;
pub mod limits;
pub mod openai;
pub mod ports;
pub mod registry;
pub mod release;
pub mod remote;
pub mod resilience;
pub mod respond;
pub mod responses;
pub mod server;
pub mod sse;
pub mod trace;
pub mod upstream;

mod ahead;
mod alone;
mod answer;
#[cfg(test)]
mod answered_tests;
mod authority;
mod capture;
mod catalog;
mod certified;
mod custom;
mod elsewhere;
mod files;
pub mod held;
mod inspection;
mod lane;
#[cfg(test)]
mod listed_tests;
mod mode;
mod moderation;
mod operation;
mod pipeline;
mod planted;
mod predict;
mod prompt;
mod quarantine;
mod receive;
mod record;
mod redact;
mod reserve;
mod sensitivity;
mod sent;
#[cfg(test)]
mod sent_tests;
mod streamed;
mod structure;
mod told;
mod topics;
mod translate;
mod tree;
mod trial;
mod unknown;
mod uploads;

pub use alone::{Examined, ExaminedFile, ExaminedText, Ruled};
pub use files::FileMemory;
pub use inspection::{Inspection, UNINSPECTED, Verdict};
pub use pipeline::{Gateway, Options, Parts};
pub use quarantine::signature;
pub use redact::Tokens;
pub use trial::NotContained;
pub use uploads::form;
