//! OpenAI's chat completions format: what a request and an answer hold, what of it is inspected, and what leaves.
//!
//! Pure: plain values in and out. A request is read ([`Request::read`]), inspected ([`Request::inspect`]) and only then
//! written ([`InspectedRequest::body`]), anew and from the tree that was inspected. A whole answer is a [`Response`].

mod forbidden;
mod logprobs;
mod refusal;
mod request;
mod response;
mod url;
mod walk;
mod words;

pub use refusal::{content_filter_answer, error_object};
pub use request::{InspectedRequest, Request};
pub use response::{Response, ResponseError};

#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod testing;
