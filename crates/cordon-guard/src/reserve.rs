//! Between the choice of a model and the call to it: what the call asks for at most is reserved under its limits.

use std::time::Duration;

use cordon_core::{Refusal, RefusalCode};

use crate::{
    admit::limited,
    call::Call,
    dispatch::Permit,
    exchange::Cleared,
    limits::{Ask, bounds},
    pipeline::Inner,
    record::CallRecord,
};

/// What was reserved for an attempt.
#[derive(Default)]
pub(crate) struct Reserved {
    /// How long the call may take.
    pub(crate) deadline: Option<Deadline>,
    /// Tokens of output that the request has to be given, because it asks for none.
    pub(crate) output: Option<u64>,
}

/// How long a call may take, and who says so.
pub(crate) struct Deadline {
    /// From its begin.
    pub(crate) after: Duration,
    /// The limit.
    pub(crate) limit: cordon_core::Name,
}

impl Deadline {
    /// What a call that took longer is told.
    pub(crate) fn over(&self) -> Refusal {
        let why = format!("limit {} gives a call {:?}", self.limit, self.after);
        Refusal::new(RefusalCode::CallTimeout, why).by(&self.limit)
    }
}

/// Reserves what a call asks for at most, whichever of its route's models serves it, for an attempt with one of them: under the
/// limits of the call and those of this model.
///
/// # Errors
/// When a limit has no room for it, or the call is larger than one call may be.
pub(crate) async fn reserve(
    call: &Call<Cleared>,
    permit: &Permit,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Reserved, Refusal> {
    let admitted = &call.stage.admitted;
    let route = admitted.route();
    let target = permit.target();
    let of_model = call.snapshot.model_limits(&limited(admitted.identity()), &route.name, &target.model);
    let limits = admitted.limits();
    if limits.is_empty() && of_model.is_empty() && route.output_tokens.is_none() {
        return Ok(Reserved::default());
    }
    let shape = call.stage.request.shape();
    bounds(&shape, of_model.iter().map(AsRef::as_ref))?;
    let all = limits.iter().chain(&of_model).map(AsRef::as_ref);
    let ask = Ask::new(&shape, all.clone(), route, &call.snapshot, &target.spec, call.time)?;
    let durations = all.filter_map(|limit| limit.spec.call.duration.map(|time| (time, &limit.name)));
    let deadline = durations.min().map(|(time, limit)| Deadline {
        after: Duration::from_millis(time.as_millis()),
        limit: limit.clone(),
    });
    let now = gateway.ports.clock.now();
    let spend = ask.spend.filter(|_| call.stage.request.is_paid());
    gateway.limits.reserve(limits, &of_model, spend, &mut record.counting, now).await?;
    Ok(Reserved { deadline, output: ask.output })
}
