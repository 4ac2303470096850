use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    Name,
    containment::Subject,
    resource::{LimitSubject, Requests, RouteMode},
};

/// What is acted on: a subject, or `each`, which is the one of several that has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// What fired of those that are watched one by one.
    Each,
    /// This.
    Subject(Subject),
}

/// What a trigger does, approved in advance by whoever declared it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerAction {
    /// Takes a subject out of every route.
    Quarantine(Aim),
    /// Puts a route into a mode, or leaves it in a stricter one.
    Mode(ModeAction),
    /// Lets calls in at a rate.
    Throttle(ThrottleAction),
    /// Passes a model over where there is another one.
    FallBack(FallBackAction),
}

/// A mode for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeAction {
    /// The route. Absent: the one that fired, of `each: route`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// `degraded`, `safe` or `off`.
    pub mode: RouteMode,
}

/// A temporary rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleAction {
    /// Whose calls. Absent: those of what fired, of `each: principal`, `key`, `route` or `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<LimitSubject>,
    /// How many.
    pub requests: Requests,
}

/// A model that is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FallBackAction {
    /// The model. Absent: the one that fired, of `each: model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// On this route. Absent: on every route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
}

/// The word for what fired of several.
const EACH: &str = "each";

impl Serialize for Aim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Each => serializer.serialize_str(EACH),
            Self::Subject(subject) => subject.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Aim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Cow::<str>::deserialize(deserializer)? {
            word if word == EACH => Ok(Self::Each),
            text => Subject::parse(&text).map(Self::Subject).map_err(D::Error::custom),
        }
    }
}

impl schemars::JsonSchema for Aim {
    fn schema_name() -> Cow<'static, str> {
        "Aim".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let subject = Subject::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "const": EACH }, subject] })
    }
}
