mod action;
mod signal;

use serde::{Deserialize, Serialize};

pub use self::action::{Aim, FallBackAction, ModeAction, ThrottleAction, TriggerAction};
pub use self::signal::{
    BreakerOpen, BudgetBurn, Direction, Latency, Measured, Rate, RefusalRate, Signal, VerdictRate,
};
use super::{References, RouteMode};
use crate::{
    Action, DurationMs, KeyId, Name, Score, Sealed,
    containment::{InFlight, Subject},
    resource::Kind,
};

/// Which calls a trigger watches: those of which everything that it names is true; all calls where it names nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Calls to this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// Calls to routes of this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Name>,
    /// Calls of this principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Name>,
    /// Calls that went to this model, or tried to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// Calls that went to a model of this service, or tried to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
}

/// What a trigger watches one by one: each has its own window, and is acted on by itself.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Every key.
    Key,
    /// Every model that calls went to.
    Model,
    /// Every principal.
    Principal,
    /// Every route.
    Route,
    /// Every service that calls went to.
    Service,
    /// Every system.
    System,
}

/// Who ends what a trigger did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiftedBy {
    /// Only a person.
    #[default]
    Person,
    /// The trigger itself, once the cool-down is over and the signal is clear; a person may do so earlier. What belongs to a
    /// system of high risk is lifted by people all the same.
    Rule,
}

/// A signal over a window that leads to an action approved in advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerSpec {
    /// Which calls it watches. Absent: all.
    #[serde(default, skip_serializing_if = "Watched::is_all")]
    pub on: Watched,
    /// What it watches one by one. Absent: its calls together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// What is measured, and where it is too much.
    pub signal: Signal,
    /// Over which time, from 1s to 1h.
    pub window: DurationMs,
    /// Calls in the window below which it does not fire. Default 20.
    #[serde(default = "twenty", skip_serializing_if = "is_twenty")]
    pub minimum: u32,
    /// How long the signal must stay too high. Default 0s: it fires at once.
    #[serde(default = "nothing", rename = "for", skip_serializing_if = "is_zero")]
    pub lasting: DurationMs,
    /// How long the action stands at least. Where the signal is too high again within that time after the trigger lifted, it
    /// stands twice as long, up to sixteen times. Default 5m.
    #[serde(default = "five_minutes", skip_serializing_if = "is_five_minutes")]
    pub cool_down: DurationMs,
    /// What it does.
    pub action: TriggerAction,
    /// What becomes of running calls that use what is taken out. Default `cancel`.
    #[serde(default, skip_serializing_if = "is_cancel")]
    pub in_flight: InFlight,
    /// Who ends it. Default `person`.
    #[serde(default, skip_serializing_if = "is_person")]
    pub lift: LiftedBy,
    /// Why, in a sentence that is shown wherever it has acted. Not sealed: it names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is watched at all. What it did before stands. Default true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
}

/// The longest window.
const MAX_WINDOW: DurationMs = DurationMs::from_secs(3_600);
/// The longest cool-down.
const MAX_COOL_DOWN: DurationMs = DurationMs::from_secs(7 * 86_400);
/// The longest reason, in bytes.
const MAX_TRIGGER_REASON: usize = 500;

const fn twenty() -> u32 {
    20
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_twenty(minimum: &u32) -> bool {
    *minimum == twenty()
}

const fn nothing() -> DurationMs {
    DurationMs::from_millis(0)
}

fn is_zero(time: &DurationMs) -> bool {
    time.as_millis() == 0
}

const fn five_minutes() -> DurationMs {
    DurationMs::from_secs(300)
}

fn is_five_minutes(time: &DurationMs) -> bool {
    *time == five_minutes()
}

fn is_cancel(in_flight: &InFlight) -> bool {
    *in_flight == InFlight::Cancel
}

fn is_person(lift: &LiftedBy) -> bool {
    *lift == LiftedBy::Person
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl Watched {
    /// Whether it names nothing.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

impl Each {
    /// The word, as documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Model => "model",
            Self::Principal => "principal",
            Self::Route => "route",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

impl TriggerSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }

    /// Adds the names that it needs.
    pub(super) fn need(&self, found: &mut References) {
        let Watched { route, system, principal, model, service } = &self.on;
        let names = [
            ("route", Kind::Route, route),
            ("system", Kind::System, system),
            ("principal", Kind::Principal, principal),
            ("model", Kind::Model, model),
            ("service", Kind::Service, service),
        ];
        for (word, kind, name) in names {
            if let Some(name) = name {
                found.resources.push((format!("/spec/on/{word}"), kind, name.clone()));
            }
        }
        match &self.action {
            TriggerAction::Quarantine(Aim::Subject(subject)) => {
                let path = "/spec/action/quarantine".to_owned();
                match named(subject) {
                    Some(Ok((kind, name))) => found.resources.push((path, kind, name.clone())),
                    Some(Err(key)) => found.keys.push((path, key)),
                    None => {}
                }
            }
            TriggerAction::Quarantine(Aim::Each) => {}
            TriggerAction::Mode(action) => {
                let path = "/spec/action/mode/route".to_owned();
                found.resources.extend(action.route.clone().map(|route| (path, Kind::Route, route)));
            }
            TriggerAction::Throttle(action) => {
                if let Some(subject) = &action.applies_to {
                    subject.need("action/throttle/applies_to", found);
                }
            }
            TriggerAction::FallBack(action) => {
                let (model, route) = (action.model.clone(), action.route.clone());
                let path = |word: &str| format!("/spec/action/fall_back/{word}");
                found.resources.extend(model.map(|model| (path("model"), Kind::Model, model)));
                found.resources.extend(route.map(|route| (path("route"), Kind::Route, route)));
            }
        }
        if let Signal::Budget(burn) = &self.signal {
            found.resources.push(("/spec/signal/budget/limit".to_owned(), Kind::Limit, burn.limit.clone()));
        }
    }

    /// What is wrong with it, each with its path.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        let mut wrong = |is_wrong: bool, path, message| {
            if is_wrong {
                found.push((path, message));
            }
        };
        let outside = |time: DurationMs, most: DurationMs| time < DurationMs::from_secs(1) || time > most;
        wrong(outside(self.window, MAX_WINDOW), "window", "1s to 1h is expected");
        wrong(outside(self.cool_down, MAX_COOL_DOWN), "cool_down", "1s to 7d is expected");
        wrong(self.lasting > MAX_WINDOW, "for", "at most 1h is expected");
        wrong(self.minimum == 0, "minimum", "must be above 0: no call is no signal");
        match &self.signal {
            Signal::Latency(latency) => {
                let quantile = latency.quantile;
                wrong(
                    quantile == Score::ZERO || quantile == Score::ONE,
                    "signal/latency/quantile",
                    "a number between 0 and 1 is expected, such as 0.95",
                );
                wrong(latency.above.as_millis() == 0, "signal/latency/above", "must be above 0");
                wrong(
                    latency.clear() >= latency.above,
                    "signal/latency/until",
                    "must be below `above`: between them nothing changes",
                );
            }
            Signal::Breaker(breaker) => {
                wrong(breaker.above == Score::ONE, "signal/breaker/above", "no share is above 1");
            }
            rate => {
                let (above, until) = rate.thresholds();
                wrong(above == Score::ONE, "signal", "no share is above 1; help: say a smaller `above`");
                wrong(
                    until >= above,
                    "signal",
                    "`until` must be below `above`: between them nothing changes; `above: 0` leaves no room",
                );
            }
        }
        if let Signal::RefusalRate(rate) = &self.signal {
            wrong(
                rate.codes.iter().any(|code| code.is_containment()),
                "signal/refusal_rate/codes",
                "what a containment refused says nothing of what it contains, and counts nowhere",
            );
        }
        if let Signal::VerdictRate(rate) = &self.signal {
            wrong(rate.action == Action::Allow, "signal/verdict_rate/action", "`allow` is of every call");
        }
        let of_what =
            "of which? help: name it, or say in `each` what is watched one by one and can be acted on so";
        let (path, may_be_absent) = match (&self.action, self.each) {
            (TriggerAction::Quarantine(Aim::Each), each) => ("action/quarantine", each.is_some()),
            (TriggerAction::Mode(ModeAction { route: None, .. }), each) => {
                ("action/mode", each == Some(Each::Route))
            }
            (TriggerAction::Throttle(ThrottleAction { applies_to: None, .. }), each) => (
                "action/throttle",
                matches!(each, Some(Each::Key | Each::Model | Each::Principal | Each::Route)),
            ),
            (TriggerAction::FallBack(FallBackAction { model: None, .. }), each) => {
                ("action/fall_back", each == Some(Each::Model))
            }
            _ => ("", true),
        };
        wrong(!may_be_absent, path, of_what);
        if let TriggerAction::Mode(action) = &self.action {
            wrong(action.mode == RouteMode::Normal, "action/mode/mode", "`normal` contains nothing");
        }
        if let TriggerAction::Throttle(ThrottleAction { requests, .. }) = &self.action {
            let wrong_rate = requests.count == 0
                || requests.window.as_millis() == 0
                || requests.burst.is_some_and(|burst| burst == 0 || burst > requests.count);
            wrong(
                wrong_rate,
                "action/throttle/requests",
                "count and window must be above 0, and burst at most count",
            );
        }
        let unwatched = match &self.signal {
            Signal::Budget(_) => self.each.is_some() || !self.on.is_all(),
            Signal::Breaker(_) => {
                let models_only = Watched { model: self.on.model.clone(), ..Watched::default() };
                self.on != models_only || !matches!(self.each, None | Some(Each::Model))
            }
            _ => false,
        };
        wrong(
            unwatched,
            "on",
            "`budget` is of its limit and takes neither `on` nor `each`; `breaker` takes `on: {model}` and `each: model`",
        );
        wrong(
            self.reason.as_deref().is_some_and(|reason| {
                reason.trim().is_empty()
                    || reason.len() > MAX_TRIGGER_REASON
                    || reason.chars().any(char::is_control)
            }),
            "reason",
            "1 to 500 bytes of text without control characters are expected",
        );
        found
    }
}

/// The resource or the key that a subject is; nothing where nobody declares such a subject.
fn named(subject: &Subject) -> Option<Result<(Kind, &Name), KeyId>> {
    Some(match subject {
        Subject::Model(name) => Ok((Kind::Model, name)),
        Subject::Service(name) => Ok((Kind::Service, name)),
        Subject::Principal(name) => Ok((Kind::Principal, name)),
        Subject::Route(name) => Ok((Kind::Route, name)),
        Subject::System(name) => Ok((Kind::System, name)),
        Subject::Key(key) => Err(*key),
        Subject::Prompt(_) | Subject::Tool(_) | Subject::Detector(_) | Subject::Signature(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of what is wrong with a trigger that says this beside what it must say.
    fn paths(signal: &serde_json::Value, rest: &serde_json::Value) -> Vec<&'static str> {
        let mut whole = serde_json::json!({
            "signal": signal, "window": "60s", "action": {"quarantine": "model/small"},
        });
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let spec: TriggerSpec = serde_json::from_value(whole).unwrap();
        spec.problems().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_path() {
        let rate =
            |above: f64, until: f64| serde_json::json!({"error_rate": {"above": above, "until": until}});
        let none = serde_json::json!({});
        assert_eq!(paths(&rate(0.5, 0.2), &none), [""; 0]);
        assert_eq!(paths(&serde_json::json!({"error_rate": {"above": 0.5}}), &none), [""; 0]);
        assert_eq!(paths(&rate(0.5, 0.5), &none), ["signal"]);
        assert_eq!(paths(&rate(1.0, 0.5), &none), ["signal"]);
        assert_eq!(paths(&rate(0.0, 0.0), &none), ["signal"]);
        let good = rate(0.5, 0.2);
        for (rest, path) in [
            (serde_json::json!({"window": "500ms"}), "window"),
            (serde_json::json!({"window": "2h"}), "window"),
            (serde_json::json!({"minimum": 0}), "minimum"),
            (serde_json::json!({"cool_down": "0s"}), "cool_down"),
            (serde_json::json!({"for": "2h"}), "for"),
            (serde_json::json!({"action": {"quarantine": "each"}}), "action/quarantine"),
            (serde_json::json!({"reason": " "}), "reason"),
        ] {
            assert_eq!(paths(&good, &rest), [path], "{rest}");
        }
        let each = serde_json::json!({"each": "principal", "action": {"quarantine": "each"}});
        assert_eq!(paths(&good, &each), [""; 0]);
        let refused = |code: &str| serde_json::json!({"refusal_rate": {"codes": [code], "above": 0.5}});
        assert_eq!(paths(&refused("rate_limit_exceeded"), &none), [""; 0]);
        assert_eq!(paths(&refused("quarantined"), &none), ["signal/refusal_rate/codes"]);
        let latency =
            |above: &str, until: &str| serde_json::json!({"latency": {"above": above, "until": until}});
        assert_eq!(paths(&latency("3s", "1s"), &none), [""; 0]);
        assert_eq!(paths(&latency("3s", "3s"), &none), ["signal/latency/until"]);
        let verdict =
            serde_json::json!({"verdict_rate": {"category": "pii", "action": "allow", "above": 0.1}});
        assert_eq!(paths(&verdict, &none), ["signal/verdict_rate/action"]);
    }

    #[test]
    fn an_aim_is_a_subject_or_the_one_that_fired() {
        for text in ["each", "model/small"] {
            let aim: Aim = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&aim).unwrap(), text);
        }
        assert!(serde_json::from_value::<Aim>("prompt/x".into()).is_err());
    }
}
