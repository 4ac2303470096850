//! The forms of the control API about quarantines, as JSON.

use cordon_core::{
    Name, Timestamp,
    containment::{InFlight, Subject},
    fact::Actor,
};
use serde::{Deserialize, Serialize};

/// A quarantine that somebody orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderQuarantine {
    /// What is to be out.
    pub subject: Subject,
    /// What becomes of running calls that use it.
    #[serde(default)]
    pub in_flight: InFlight,
    /// Why (kept sealed).
    #[schemars(length(min = 1, max = 4096))]
    pub reason: String,
}

/// A quarantine that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ordered {
    /// What is out.
    pub subject: Subject,
    /// Since when.
    pub since: Timestamp,
    /// How many running calls were ended.
    pub ended: u64,
    /// Where the fact stands in the log; absent while the log cannot take it. It is in force all the same, survives a
    /// restart, and becomes a fact when the log is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Why it is not in the log yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
}

/// The end of a quarantine, as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftQuarantine {
    /// What is to be back.
    pub subject: Subject,
    /// Why (kept sealed).
    #[schemars(length(min = 1, max = 4096))]
    pub reason: String,
}

/// What came of the wish to end a quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Lifted {
    /// What it is about.
    pub subject: Subject,
    /// Whether it is back; otherwise a second person has to lift it too.
    pub lifted: bool,
    /// Where the fact stands in the log.
    pub position: u64,
    /// When.
    pub time: Timestamp,
}

/// A quarantine that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct QuarantineView {
    /// What is out.
    pub subject: Subject,
    /// Since when.
    pub since: Timestamp,
    /// Who ordered it.
    pub by: Actor,
    /// What became of running calls.
    pub in_flight: InFlight,
    /// Why; absent where the text was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked that it is lifted, where two people are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Actor>,
    /// Whether the log has it.
    pub logged: bool,
}

/// Of what the effect is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectQuery {
    /// The subject.
    pub subject: Subject,
}

/// What a quarantine would mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct QuarantineEffect {
    /// The subject.
    pub subject: Subject,
    /// The routes that it touches, by name.
    pub routes: Vec<RouteEffect>,
    /// Which calls are counted.
    pub calls_of: CallsOf,
    /// So many of them in the last hour; absent where nobody counts those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// All calls in the last hour.
    pub of_calls: u64,
    /// Whether two people are needed to lift it.
    pub two_people: bool,
}

/// Which calls the effect of a quarantine is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallsOf {
    /// Those that bring the prompt.
    Prompt,
    /// Those of the caller; of a key, those of its caller with any key.
    Principal,
    /// Those to the routes that it touches, whichever of their models they went to.
    Routes,
    /// Those that a tool, a detector or a text has to do with: they are not counted.
    Unknown,
}

/// What a quarantine would mean for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RouteEffect {
    /// The route.
    pub route: Name,
    /// The models that would serve it, without those that are out already; none: it would be closed.
    pub fallback: Vec<Name>,
    /// Its calls in the last hour.
    pub calls: u64,
}

impl QuarantineEffect {
    /// The calls that it is about, in a sentence for people.
    pub fn told(&self) -> String {
        let which = match (self.calls_of, &self.subject) {
            (CallsOf::Prompt, _) => "brought it",
            (CallsOf::Principal, Subject::Key(_)) => "were of its principal, with this key or another",
            (CallsOf::Principal, _) => "were its own",
            (CallsOf::Routes, _) => "went to these routes",
            (CallsOf::Unknown, _) => "",
        };
        match (self.calls, self.calls_of) {
            (None, _) | (_, CallsOf::Unknown) => {
                format!("how many of the {} calls in the last hour it touches is not known", self.of_calls)
            }
            (Some(_), CallsOf::Routes) if self.routes.is_empty() => "no route sends it calls now".to_owned(),
            (Some(calls), _) => format!("{calls} of {} calls in the last hour {which}", self.of_calls),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9A-Z._/-]{0,70}",
            "(ck_)?[0-9a-fg]{15,17}",
            "[0-9a-f]{63,65}",
            "[A-Za-z0-9_.-]{126,130}",
            ".{0,8}\n?"
        ]
    }

    proptest! {
        /// The document of the API says exactly which subjects are taken.
        #[test]
        fn a_subject_fits_the_schema_when_it_is_one(kind in 0..=Subject::KINDS.len(), id in id()) {
            let schema = serde_json::to_value(schemars::schema_for!(Subject)).unwrap();
            let text = format!("{}/{id}", Subject::KINDS.get(kind).unwrap_or(&"index"));
            let fits = jsonschema::is_valid(&schema, &serde_json::Value::from(text.as_str()));
            prop_assert_eq!(fits, Subject::parse(&text).is_ok(), "{:?}", text);
        }
    }
}
