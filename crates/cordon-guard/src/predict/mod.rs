//! Predictions: rows in, a prediction for each row out, in the Open Inference Protocol (version 2) or as MLflow's servers speak.
//!
//! Pure: plain values in and out. A request is read ([`Request::read`]), inspected and checked against the signatures of the
//! models that it may go to ([`Request::inspect`]) and only then written ([`Inspected::body`]). An answer is read
//! ([`Answer::read`]), judged ([`Answer::judge`]), and its texts inspected ([`Answer::inspect`]). `open_inference` and `mlflow` say
//! where the rows are; what is checked of a [`table::Table`] knows neither.

mod address;
mod answer;
mod ballots;
mod cells;
mod check;
mod domain;
mod failure;
pub(crate) mod fault;
mod mlflow;
mod open_inference;
mod request;
mod table;

pub(crate) use address::Address;
pub(crate) use answer::{Answer, Doubt, Reason};
pub(crate) use ballots::Ballots;
pub(crate) use failure::{error_object, upstream_error};
pub(crate) use open_inference::metadata;
pub(crate) use request::{Inspected, Request};

/// The protocols of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The Open Inference Protocol, version 2.
    OpenInference,
    /// MLflow's scoring protocol.
    Mlflow,
}

#[cfg(test)]
mod tests;
