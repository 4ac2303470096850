//! What all protocols have in common: the walk over a tree, the gates for what goes in and what comes out, and the words and
//! fields that are known.
//!
//! A protocol says which member is what, in a walk of its own; everything else about inspection is here, once.

mod border;
pub(crate) mod forbidden;
pub(crate) mod gate;
pub(crate) mod logprobs;
mod normal;
pub(crate) mod request;
pub(crate) mod rewrite;
pub(crate) mod said;
mod turns;
pub(crate) mod unknown;
pub(crate) mod url;
pub(crate) mod walk;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod testing;
