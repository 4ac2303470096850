//! OpenAI's Responses API: what a request and an answer hold, what of it is inspected, and what leaves.
//!
//! Pure: plain values in and out, as in [`openai`](crate::openai). A service of this API can keep conversations, and can run
//! tools by itself. What it does so passes no gate; requests that ask for that are refused by name.

mod failure;
mod request;
mod response;
mod stream;
mod walk;

pub(crate) use failure::cut_off;
pub use failure::{filtered_answer, filtered_stream};
pub(crate) use request::offers;
pub use request::{Inspected, Request};
pub use response::Response;
pub use stream::ResponseGate;

#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod stream_tests;
