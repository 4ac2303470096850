//! What a trigger does when it fires: the action, the test call, the facts.

use cordon_core::{
    Name,
    command::{NewClear, Wish},
    containment::{Contained, Containment, Firing, InFlight, MAX_FIRST, Subject},
    fact::Actor,
    resource::{
        Aim, FallBackAction, LimitSubject, ModeAction, Signal, ThrottleAction, TriggerAction, TriggerSpec,
        VerdictRate,
    },
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
    let containment = containment(&spec.action, fired.of.as_ref())?;
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

/// What an action means for what has fired.
fn containment(action: &TriggerAction, of: Option<&Subject>) -> Option<Containment> {
    Some(match action {
        TriggerAction::Quarantine(Aim::Each) => Containment::Quarantine(of.cloned()?),
        TriggerAction::Quarantine(Aim::Subject(subject)) => Containment::Quarantine(subject.clone()),
        TriggerAction::Mode(ModeAction { route, mode }) => {
            let route = match (route, of) {
                (Some(route), _) | (None, Some(Subject::Route(route))) => route.clone(),
                _ => return None,
            };
            Containment::Mode { route, mode: *mode }
        }
        TriggerAction::Throttle(ThrottleAction { applies_to, requests }) => {
            let applies_to = match (applies_to, of) {
                (Some(applies_to), _) => applies_to.clone(),
                (None, Some(Subject::Key(key))) => LimitSubject::of_key(*key),
                (None, Some(Subject::Model(name))) => LimitSubject::of_model(name.clone()),
                (None, Some(Subject::Principal(name))) => LimitSubject::of_principal(name.clone()),
                (None, Some(Subject::Route(name))) => LimitSubject::of_route(name.clone()),
                _ => return None,
            };
            Containment::Throttle { applies_to, requests: *requests }
        }
        TriggerAction::FallBack(FallBackAction { model, route }) => {
            let model = match (model, of) {
                (Some(model), _) | (None, Some(Subject::Model(model))) => model.clone(),
                _ => return None,
            };
            Containment::FallBack { model, route: route.clone() }
        }
    })
}

/// What a trigger does of which it is known that it has fired.
pub(super) fn again(firing: &Firing, spec: &TriggerSpec) -> Containing {
    Containing { firing: firing.clone(), in_flight: spec.in_flight, reason: reason(firing, spec) }
}

/// Why, as whoever looks later reads it.
fn reason(firing: &Firing, spec: &TriggerSpec) -> String {
    let Firing { trigger, calls, bad, .. } = firing;
    let calls = format!("{bad} of {calls} calls in {}", spec.window);
    let what = match &spec.signal {
        Signal::ErrorRate(_) => format!("{calls} failed upstream"),
        Signal::RefusalRate(_) => format!("{calls} were refused"),
        Signal::VerdictRate(VerdictRate { category: Some(category), .. }) => {
            format!("{calls} had a finding of {category}")
        }
        Signal::VerdictRate(_) => format!("{calls} had a finding"),
        Signal::Latency(latency) => format!("{calls} took longer than {}", latency.above),
        Signal::Budget(burn) => format!("more than {} of limit {} is used", burn.above, burn.limit),
        Signal::Breaker(_) => format!("{bad} of {} breakers are open", firing.calls),
    };
    let measured = format!("trigger {trigger}: {what}");
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
        let what = &firing.containment;
        tracing::warn!(%trigger, %what, bad = firing.bad, calls = firing.calls, "a trigger has fired");
        self.0.metrics.triggers.fired(trigger);
        match what {
            Containment::Quarantine(subject) => {
                let by = Actor::Trigger(trigger.clone());
                if let Err(error) = self.0.quarantines.order(subject.clone(), in_flight, reason, by).await {
                    tracing::error!(%trigger, %what, %error, "what a trigger ordered is not in force");
                    return;
                }
            }
            // In force since before this began.
            Containment::FallBack { .. } | Containment::Mode { .. } | Containment::Throttle { .. } => {}
        }
        match self.0.gateway.test(&firing.id(), what) {
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
