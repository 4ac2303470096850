//! Between the choice of a model and the call to it: what the call asks for at most is reserved under its limits.

use std::time::Duration;

use cordon_core::Refusal;

use crate::{
    admit::limited,
    call::Call,
    dispatch::Permit,
    exchange::Cleared,
    limits::{Ask, bounds},
    pipeline::Inner,
    record::CallRecord,
};

/// How long a call may take, and who says so.
pub(crate) struct Deadline {
    /// From its begin.
    pub(crate) after: Duration,
    /// The limit.
    pub(crate) limit: cordon_core::Name,
}

/// Reserves what a call asks for at most, whichever of its route's models serves it, and bounds its answer where it left that
/// open. Gives the time that it may take.
///
/// # Errors
/// When a limit has no room for it, or the call is larger than one call may be.
pub(crate) async fn reserve(
    call: &mut Call<Cleared>,
    permit: &Permit,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Option<Deadline>, Refusal> {
    let admitted = &call.stage.admitted;
    let route = admitted.route();
    let target = permit.target();
    let of_model = call.snapshot.model_limits(&limited(admitted.identity()), &route.name, &target.model);
    let limits = admitted.limits();
    if limits.is_empty() && of_model.is_empty() && route.output_tokens.is_none() {
        return Ok(None);
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
    if let Some(most) = ask.output {
        call.stage.request.bound_output(most, target.spec.output_field);
    }
    Ok(deadline)
}
