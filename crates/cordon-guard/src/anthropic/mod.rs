//! Anthropic's format, messages and the count of their tokens: what a request and an answer hold, what of it is inspected, and
//! what leaves.
//!
//! Pure: plain values in and out, as in [`openai`](crate::openai).

mod failure;
mod request;
mod response;
mod stream;
mod walk;

pub(crate) use failure::{error_event, error_object};
pub use failure::{refused_message, refused_stream, upstream_error};
pub(crate) use request::{BETA_HEADER, VERSION_HEADER};
pub use request::{InspectedMessages, MessagesRequest, Wanted};
pub(crate) use response::Used;
pub use response::{Message, TokenCount};
pub use stream::MessageGate;

/// The version of the API that is spoken where a caller names none.
pub(crate) const VERSION: &str = "2023-06-01";
/// Every version that a caller may name; a service is asked in the caller's.
const VERSIONS: [&str; 2] = [VERSION, "2026-10-21"];

#[cfg(test)]
mod request_tests;
#[cfg(test)]
pub(crate) mod stream_tests;
