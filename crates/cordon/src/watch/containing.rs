//! What a trigger does when it fires: the action, and the test call.

use cordon_core::{
    DurationMs, Name, Timestamp,
    command::{NewClear, Wish},
    containment::{Contained, Containment, Firing, InFlight, MAX_FIRST, Subject},
    fact::Actor,
    resource::{
        Aim, FallBackAction, LimitSubject, ModeAction, Signal, ThrottleAction, TriggerAction, TriggerSpec,
        VerdictRate,
    },
};
use cordon_store::sequencer::{Sequencer, WishError};
use serde::{Deserialize, Serialize};

use super::Watch;

/// What a trigger does that has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Containing {
    pub(super) firing: Firing,
    pub(super) in_flight: InFlight,
    /// Why, as whoever looks at a quarantine later reads it.
    pub(super) reason: String,
}

/// What has fired and whose test call was not answered as it should be yet.
pub(super) struct Untested {
    pub(super) firing: Firing,
    /// How often it was tested.
    tries: u32,
    /// When it is tested next.
    pub(super) next: Timestamp,
}

/// After this time a test call that was not answered as it should be is made again; then after twice as long, and so on.
const TEST_AGAIN: DurationMs = DurationMs::from_secs(1);
/// The longest of these times.
const TEST_AT_LEAST: DurationMs = DurationMs::from_secs(60);
/// Test calls that are made before others have their turn.
const TESTS: usize = 32;

/// What a trigger that has fired on this node does; nothing where it acts on each and none has fired, which its checks do not let
/// through.
pub(super) fn firing(fired: cordon_watch::Firing, spec: &TriggerSpec, node: &Name) -> Option<Containing> {
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
        node: Some(node.clone()),
    };
    let reason = reason(&firing, spec);
    Some(Containing { firing, in_flight: spec.in_flight, reason })
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

/// Why, as whoever looks later reads it.
fn reason(firing: &Firing, spec: &TriggerSpec) -> String {
    let Firing { trigger, calls, bad, .. } = firing;
    let calls = format!("{bad} of {calls} calls in {}", spec.window);
    let what = match &spec.signal {
        Signal::ErrorRate(_) => format!("{calls} failed upstream"),
        Signal::RefusalRate(rate) if rate.codes.is_empty() => format!("{calls} were refused"),
        Signal::RefusalRate(rate) => {
            let codes: Vec<&str> = rate.codes.iter().map(|code| code.as_str()).collect();
            format!("{calls} were refused with {}", codes.join(" or "))
        }
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

impl Untested {
    /// What is to be tested at this time for the first time.
    pub(super) const fn new(firing: Firing, next: Timestamp) -> Self {
        Self { firing, tries: 0, next }
    }

    /// The next time after one at which the test call was not answered as it should be.
    fn again(self, now: Timestamp) -> Self {
        let wait = TEST_AGAIN.as_millis().saturating_mul(1_u64.checked_shl(self.tries).unwrap_or(u64::MAX));
        let next = now.plus(DurationMs::from_millis(wait.min(TEST_AT_LEAST.as_millis())));
        Self { tries: self.tries.saturating_add(1), next, ..self }
    }
}

impl Watch {
    /// Keeps what has just been put in force, and tests it.
    pub(super) async fn contain(self, fired: Vec<Firing>) {
        for firing in &fired {
            let Firing { trigger, containment: what, bad, calls, .. } = firing;
            tracing::warn!(%trigger, %what, bad, calls, "a trigger has fired");
            self.0.metrics.triggers.fired(trigger);
        }
        self.keep().await;
        let now = self.0.clock.now();
        self.test(fired.into_iter().map(|firing| Untested::new(firing, now)).collect()).await;
    }

    /// Tests what is in force. What does not hold is tested again later.
    pub(super) async fn test(self, untested: Vec<Untested>) {
        let mut contained = Vec::with_capacity(untested.len());
        let mut again = Vec::new();
        for (tested, untested) in (1..).zip(untested) {
            let firing = &untested.firing;
            let came = self.0.gateway.test(&firing.id(), &firing.containment);
            let t2 = self.0.clock.now();
            match came {
                Ok(tested) => {
                    self.0.metrics.triggers.contained(t2.since(firing.t0));
                    let (trigger, of) = (firing.trigger.clone(), firing.of.clone());
                    contained.push(Contained { trigger, of, t2, tested });
                }
                Err(error) => {
                    let trigger = &firing.trigger;
                    tracing::error!(%trigger, %error, "what a trigger ordered does not hold, and is tested again");
                    again.push(untested.again(t2));
                }
            }
            if usize::is_multiple_of(tested, TESTS) {
                tokio::task::yield_now().await;
            }
        }
        self.0.looking.lock().await.test_again(again);
        if !contained.is_empty() {
            self.0.reports.contained(contained);
            self.keep().await;
        }
    }

    /// Writes down what waits for the log, where it holds nobody up.
    async fn keep(&self) {
        let watch = self.clone();
        // An error means that the process ends.
        let _ = tokio::task::spawn_blocking(move || watch.0.reports.keep()).await;
    }
}
