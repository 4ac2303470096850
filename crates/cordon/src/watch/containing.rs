//! What a trigger does when it fires: the action, the test call, the facts.

use cordon_core::{
    Name,
    command::{NewClear, Wish},
    containment::{Contained, Containment, Firing, InFlight, MAX_FIRST, Subject},
    fact::Actor,
    resource::{Aim, Signal, TriggerAction, TriggerSpec},
};
use cordon_store::sequencer::{Sequencer, WishError};

use super::Watch;

/// What is about to be contained.
pub(super) struct Containing {
    pub(super) firing: Firing,
    in_flight: InFlight,
    reason: String,
}

/// What a trigger that has fired does; nothing where it acts on each and none has fired, which its checks do not let through.
pub(super) fn firing(fired: cordon_watch::Firing, spec: &TriggerSpec) -> Option<Containing> {
    let containment = match &spec.action {
        TriggerAction::Quarantine(Aim::Each) => Containment::Quarantine(fired.of.clone()?),
        TriggerAction::Quarantine(Aim::Subject(subject)) => Containment::Quarantine(subject.clone()),
    };
    let mut first = fired.first;
    first.truncate(MAX_FIRST);
    let firing = Firing {
        trigger: fired.trigger,
        of: fired.of,
        containment,
        t0: fired.t0,
        t1: fired.t1,
        calls: fired.calls,
        bad: fired.bad,
        first,
        hold: fired.hold,
    };
    Some(again(&firing, spec))
}

/// What a trigger does of which it is known that it has fired.
pub(super) fn again(firing: &Firing, spec: &TriggerSpec) -> Containing {
    Containing { firing: firing.clone(), in_flight: spec.in_flight, reason: reason(firing, spec) }
}

/// Why, as whoever looks later reads it.
fn reason(firing: &Firing, spec: &TriggerSpec) -> String {
    let Firing { trigger, calls, bad, .. } = firing;
    let what = match &spec.signal {
        Signal::ErrorRate(_) => "failed upstream".to_owned(),
        Signal::RefusalRate(_) => "were refused".to_owned(),
        Signal::VerdictRate(rate) => match &rate.category {
            Some(category) => format!("had a finding of {category}"),
            None => "had a finding".to_owned(),
        },
        Signal::Latency(latency) => format!("took longer than {}", latency.above),
    };
    let measured = format!("trigger {trigger}: {bad} of {calls} calls in {} {what}", spec.window);
    match &spec.reason {
        Some(reason) => format!("{reason} ({measured})"),
        None => measured,
    }
}

/// Ends what a trigger did.
///
/// # Errors
/// When the log is away, or a person is needed.
pub(super) async fn end(
    sequencer: &Sequencer,
    trigger: Name,
    of: Option<Subject>,
    by: Actor,
) -> Result<(), WishError> {
    let reason = "the cool-down is over and the signal is clear".to_owned();
    let new = NewClear { trigger, of, reason, by: by.clone() };
    sequencer.wish(Wish::ClearTrigger(new), by).await.map(drop)
}

impl Watch {
    /// Does what was approved in advance, and tests it.
    pub(super) async fn contain(self, containing: Containing) {
        let Containing { firing, in_flight, reason } = containing;
        let trigger = &firing.trigger;
        let Containment::Quarantine(subject) = &firing.containment;
        tracing::warn!(%trigger, %subject, bad = firing.bad, calls = firing.calls, "a trigger has fired");
        self.0.metrics.triggers.fired(trigger);
        let by = Actor::Trigger(trigger.clone());
        if let Err(error) = self.0.quarantines.order(subject.clone(), in_flight, reason, by).await {
            tracing::error!(%trigger, %subject, %error, "what a trigger ordered is not in force");
            return;
        }
        match self.0.gateway.test(subject) {
            Ok(tested) => {
                let t2 = self.0.clock.now();
                self.0.metrics.triggers.contained(t2.since(firing.t0));
                let Firing { trigger, of, .. } = firing;
                self.0.reports.contained(Contained { trigger, of, t2, tested });
            }
            Err(error) => tracing::error!(%trigger, %error, "what a trigger ordered does not hold"),
        }
    }
}
