use cordon_core::{
    Name,
    resource::{LimitSpec, LimitSubject, Requests},
};

/// A limit as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledLimit {
    /// Its name, by which its counters are known.
    pub name: Name,
    /// What it counts for.
    pub subject: LimitSubject,
    /// Requests in a window.
    pub requests: Option<Requests>,
    /// Calls at the same time.
    pub concurrency: Option<u32>,
    /// Bytes of a body.
    pub body_bytes: Option<u64>,
}

impl CompiledLimit {
    pub(crate) fn new(name: &Name, spec: &LimitSpec) -> Self {
        Self {
            name: name.clone(),
            subject: spec.applies_to.clone(),
            requests: spec.requests,
            concurrency: spec.concurrency,
            body_bytes: spec.body_bytes,
        }
    }
}
