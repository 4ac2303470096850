//! The stages of a call. A stage is a type whose value only the module that decides can make, so a call that was not
//! identified, admitted and cleared cannot be dispatched: there is nothing to dispatch it with.
//!
//! `Call<Received> → Call<Known> → Call<Admitted> → Call<Cleared>`

use std::sync::Arc;

use cordon_core::{CallId, Timestamp};
use cordon_policy::Snapshot;

pub use crate::{admit::Admitted, identify::Known};

/// A call at a stage. It sees one Snapshot, whatever happens meanwhile.
#[derive(Debug)]
pub struct Call<Stage> {
    /// Its id.
    pub id: CallId,
    /// When it came.
    pub time: Timestamp,
    /// What it sees of the world.
    pub snapshot: Arc<Snapshot>,
    /// What was decided so far.
    pub stage: Stage,
}

/// A call of which nothing is known but that it came.
#[derive(Debug)]
pub struct Received {
    /// The request's headers.
    pub headers: http::HeaderMap,
}

impl<Stage> Call<Stage> {
    /// The same call at the next stage.
    pub(crate) fn at<Next>(self, next: impl FnOnce(Stage) -> Next) -> Call<Next> {
        Call { id: self.id, time: self.time, snapshot: self.snapshot, stage: next(self.stage) }
    }
}
