//! OpenAI's formats, chat completions and embeddings: what a request and an answer hold, what of it is inspected, and what leaves.
//!
//! Pure: plain values in and out. A request is read ([`Request::read`]), inspected ([`Request::inspect`]) and only then
//! written ([`InspectedRequest::body`]), anew and from the tree that was inspected. Answers come whole
//! ([`Response`]) or as a stream ([`StreamGate`]); both go through the same lanes, so that what a caller sees does not
//! depend on which one was asked for.

mod embeddings;
mod failure;
mod refusal;
mod request;
mod response;
mod stream;
mod walk;

pub use crate::tree::{
    gate::{Gate, Progress, ResponseError, StreamError, StreamOptions},
    said::Said,
};
pub use embeddings::{EmbeddingsRequest, EmbeddingsResponse, InspectedEmbeddings};
pub(crate) use failure::failure_words;
pub use failure::upstream_error;
pub use refusal::{content_filter_answer, content_filter_stream, error_object};
pub use request::{InspectedRequest, Request};
pub(crate) use request::{conversation, names, subject};
pub use response::Response;
pub(crate) use response::usage;
pub use stream::StreamGate;
pub(crate) use walk::channel_of;

#[cfg(test)]
mod embeddings_tests;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
pub(crate) mod stream_tests;
