//! Every bad file and its benign twin, made here; and the laws that hold for any bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "test code"
)]

mod archives;
mod benign;
mod bounds;
mod classes;
mod data;
mod documents;
mod evasions;
mod images;
mod laws;
mod loaders;
mod markup;
mod models;
mod pdfs;
mod quine;
mod support;
mod types;
mod ways;
