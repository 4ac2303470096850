//! Between the choice of a model and the call to it: the request is written for it, and what it asks for at most is reserved under
//! its limits.

use std::time::Duration;

use cordon_core::{Name, Refusal, RefusalCode, record::Spend};
use cordon_policy::{CompiledLimit, Limits};

use crate::{
    admit::limited,
    call::Call,
    dispatch::Permit,
    exchange::Cleared,
    limits::{Ask, bounds, need_shape},
    operation::{Back, Outgoing},
    pipeline::Inner,
    record::CallRecord,
};

/// A request that may go to a target.
pub(crate) struct Ready {
    /// What goes there.
    pub(crate) outgoing: Outgoing,
    /// How its answer is read.
    pub(crate) back: Back,
    /// How long the call may take.
    pub(crate) deadline: Option<Deadline>,
}

/// How long a call may take, and who says so.
pub(crate) struct Deadline {
    after: Duration,
    limit: Name,
}

impl Deadline {
    /// The soonest that these limits have.
    pub(crate) fn of<'l>(limits: impl Iterator<Item = &'l CompiledLimit>) -> Option<Self> {
        let durations = limits.filter_map(|limit| limit.spec.call.duration.map(|time| (time, &limit.name)));
        durations.min().map(|(time, limit)| Self {
            after: Duration::from_millis(time.as_millis()),
            limit: limit.clone(),
        })
    }

    /// What is left of it after this time.
    pub(crate) const fn left(&self, passed: Duration) -> Duration {
        self.after.saturating_sub(passed)
    }

    /// What a call that took longer is told.
    pub(crate) fn over(&self) -> Refusal {
        let why = format!("limit {} gives a call {:?}", self.limit, self.after);
        Refusal::new(RefusalCode::CallTimeout, why).by(&self.limit)
    }
}

/// Makes a request ready for an attempt: written for this target, and what it asks for at most, whichever of its route's models
/// serves it, reserved under the limits of the call and those of this model. `output` is what the request was given as the bound
/// of its output so far; models call it by different names.
///
/// # Errors
/// When the target's protocol cannot say it, a limit has no room for it, or it is larger than one call may be. Then nothing is
/// reserved, and only of a limit without room does the record say that the call goes there.
pub(crate) async fn ready(
    call: &mut Call<Cleared>,
    permit: &Permit,
    output: &mut Option<u64>,
    gateway: &Inner,
    record: &mut CallRecord,
) -> Result<Ready, Refusal> {
    let asking = Asking::new(call, permit, record)?;
    *output = asking.output.or(*output);
    if let Some(most) = *output {
        call.stage.request.bound_output(most, permit.target().spec.output_field);
    }
    // Before anything is counted: a request that cannot be said there is none of that model's.
    let (outgoing, back) = call.stage.request.outgoing(permit.target(), call.time)?;
    record.goes_to(permit);
    let limits = call.stage.admitted.limits();
    if !(limits.is_empty() && asking.of_model.is_empty()) {
        let now = gateway.ports.clock.now();
        gateway.limits.reserve(limits, &asking.of_model, asking.spend, &mut record.counting, now).await?;
    }
    Ok(Ready { outgoing, back, deadline: asking.deadline })
}

/// What an attempt asks for.
#[derive(Default)]
struct Asking {
    of_model: Limits,
    spend: Option<Spend>,
    /// Tokens of output that the request has to be given, because it asks for none.
    output: Option<u64>,
    deadline: Option<Deadline>,
}

impl Asking {
    fn new(call: &Call<Cleared>, permit: &Permit, record: &mut CallRecord) -> Result<Self, Refusal> {
        let admitted = &call.stage.admitted;
        let (route, target) = (admitted.route(), permit.target());
        let of_model = call.snapshot.model_limits(&limited(admitted.identity()), &route.name, &target.model);
        let all = || admitted.limits().iter().chain(&of_model).map(AsRef::as_ref);
        let deadline = Deadline::of(all());
        if !need_shape(all()) && route.output_tokens.is_none() {
            return Ok(Self { of_model, deadline, ..Self::default() });
        }
        // Of the request as the caller made it: what an earlier target had it bounded by is not asked for.
        let shape = *record.counting.shape.get_or_insert_with(|| call.stage.request.shape());
        bounds(&shape, of_model.iter().map(AsRef::as_ref))?;
        let ask = Ask::new(&shape, all(), route, &call.snapshot, &target.spec, call.time)?;
        let spend = ask.spend.filter(|_| call.stage.request.is_paid());
        Ok(Self { of_model, spend, output: ask.output, deadline })
    }
}
