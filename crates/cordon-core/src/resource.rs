//! The resources that people declare: one file of YAML documents `{apiVersion: cordon/v1, kind, name, spec}`.
//!
//! Adding a kind: a variant in the table of [`Kind`], a spec type in `resource/`, its checks in `check.rs`.

mod allow;
mod answers;
mod check;
mod custom;
mod detector;
mod files;
mod guard;
mod limit;
mod normalise;
mod prediction;
mod price;
mod published;
mod resilience;
mod retention;
mod route;
mod sent;
mod service;
mod team;
mod tool;
mod topic;
mod trigger;
mod window;

use serde::{Deserialize, Serialize};

pub use allow::{Allow, AllowList, AllowedValue};
pub use answers::{AnswerCitations, AnswerFormat, AnswerStream, Answers, MAX_ANSWER_LENGTH};
pub use check::{Problem, References};
pub use custom::{
    CheckDigits, ContextWords, CustomSensitivity, CustomType, Dictionary, MAX_MATCH, MAX_TERM, Matching,
    Pattern,
};
pub use detector::{Adapter, DetectorSpec, Longer, SelfTest};
pub use files::{FILE_TYPES, PictureRules, RouteFiles, TableRules};
pub use guard::{Exception, ExceptionScope, GuardScope, GuardSpec, Rule, Throttle};
pub use limit::{
    Budget, CallBounds, ImageBounds, LimitSpec, LimitSubject, Requests, TokenQuota, WhenUnavailable,
};
pub use normalise::{Formulas, HiddenCharacters, Normalise, PictureMetadata, UnicodeForm};
pub use prediction::{
    Agreement, Checks, Confidence, Domain, Field, Otherwise, Reference, Share, Signature, ValueType,
};
pub use price::Price;
pub use resilience::{Breaker, MAX_ATTEMPTS, MAX_OFF_MESSAGE, Priority, Retry, RouteMode, Sticky};
pub use retention::{MIN_RECORD_RETENTION, RetentionSpec};
pub use route::{
    Audit, ContentCapture, DEFAULT_CONTENT_RETENTION, Instructions, MAX_CONTENT_RETENTION, RefusalStyle,
    RouteGuards, RouteSpec, RouteTools, Spotlighting, Target,
};
pub use sent::SentValues;
pub use service::{
    AzureSpec, ClientCertificate, MaxSensitivity, ModelSpec, OutputField, Protocol, SecretRef,
    SecretRefError, ServiceSpec, Timeouts,
};
pub use team::{PrincipalSpec, RiskClass, SystemSpec, TeamSpec};
pub use tool::{
    Additional, Callers, CheckedSchema, Effects, FaultKind, FaultStep, MaxTaint, Scalar, Schema, SchemaFault,
    SchemaTypes, ToolSpec, ValueKind, WhenTainted,
};
pub use topic::{MAX_TERM_WORDS, MAX_TOPICS, MIN_BEGINNING, Topic, Topics};
pub use trigger::{
    Aim, BreakerOpen, BudgetBurn, Direction, Each, FallBackAction, Latency, LiftedBy, Measured, ModeAction,
    Rate, RefusalRate, Signal, ThrottleAction, TriggerAction, TriggerSpec, VerdictRate, Watched,
};
pub use window::{LimitWindow, MAX_LIMIT_WINDOW};

use crate::{Name, Sealed, canonical, json};

/// The version of the documents.
pub const API_VERSION: &str = "cordon/v1";

/// A resource: what it is, its name, what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name, unique among its kind.
    pub name: Name,
    /// What it says; the kind is the variant.
    pub spec: Spec,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($spec:ty) = $word:literal),* $(,)?) => {
        /// The kinds of resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Kind { $($(#[$doc])* $kind),* }

        /// What a resource says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Spec { $($(#[$doc])* $kind($spec)),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The kind's name, as documents write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }

            /// The JSON Schema of a whole document of this kind, for editors and for checking.
            pub fn schema(self) -> schemars::Schema {
                let spec = match self { $(Self::$kind => schemars::generate::SchemaSettings::draft2020_12()
                    .with(|settings| settings.inline_subschemas = true)
                    .into_generator().into_root_schema_for::<$spec>()),* };
                document_schema(self, spec)
            }

            /// Reads a spec of this kind as people write it.
            ///
            /// # Errors
            /// When the spec has an unknown or missing field or a value of another type.
            pub fn read<'de, D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Spec, D::Error> {
                match self { $(Self::$kind => <$spec>::deserialize(deserializer).map(Spec::$kind)),* }
            }
        }

        impl Spec {
            /// The kind of this spec.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind),* }
            }

            /// Writes the spec in the serializer's form.
            ///
            /// # Errors
            /// When the serializer refuses it.
            pub fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$kind(spec) => spec.serialize(serializer)),* }
            }

            /// The canonical tree, as facts hold it.
            ///
            /// # Errors
            /// While a sealed field is open.
            pub fn to_canonical(&self) -> Result<json::Value, canonical::Error> {
                match self { $(Self::$kind(spec) => canonical::to_value(spec)),* }
            }

            /// A spec of its canonical bytes.
            ///
            /// # Errors
            /// When the bytes do not describe a spec of this kind.
            pub fn from_canonical(kind: Kind, bytes: &[u8]) -> Result<Self, canonical::Error> {
                canonical::read(bytes, |stream| kind.read(stream))
            }

            /// The sealed fields, each with its path.
            pub fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
                match self { $(Self::$kind(spec) => spec.sealed_fields()),* }
            }
        }
    };
}

kinds! {
    /// A detector beside those that are built in.
    Detector(DetectorSpec) = "Detector",
    /// A policy for content: which categories lead to which action.
    Guard(GuardSpec) = "Guard",
    /// A bound on use.
    Limit(LimitSpec) = "Limit",
    /// A model of a service.
    Model(ModelSpec) = "Model",
    /// A caller: a workload of a team.
    Principal(PrincipalSpec) = "Principal",
    /// How long records and captured content of some calls are kept.
    Retention(RetentionSpec) = "Retention",
    /// The public name that callers use.
    Route(RouteSpec) = "Route",
    /// An upstream provider.
    Service(ServiceSpec) = "Service",
    /// An AI system: a purpose, an owner, a risk class.
    System(SystemSpec) = "System",
    /// Who owns.
    Team(TeamSpec) = "Team",
    /// A tool that models may propose to call.
    Tool(ToolSpec) = "Tool",
    /// A signal that leads to an action approved in advance.
    Trigger(TriggerSpec) = "Trigger",
}

impl Kind {
    /// The kind of a word; upper and lower case are the same, and a final `s` is let pass.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let singular = word.strip_suffix('s').unwrap_or(&word);
        Self::ALL.iter().copied().find(|kind| {
            let name = kind.as_str().to_ascii_lowercase();
            name == word || name == singular
        })
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn document_schema(kind: Kind, mut spec: schemars::Schema) -> schemars::Schema {
    spec.remove("$schema");
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.as_str(),
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "name", "spec"],
        "properties": {
            "apiVersion": { "const": API_VERSION },
            "kind": { "const": kind.as_str() },
            "name": {
                "type": "string", "minLength": 1, "maxLength": 63,
                "pattern": "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$",
            },
            "spec": spec,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_any_case_and_number() {
        assert_eq!(Kind::parse("routes"), Some(Kind::Route));
        assert_eq!(Kind::parse("GUARD"), Some(Kind::Guard));
        assert_eq!(Kind::parse("nothing"), None);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let spec = serde_json::json!({"service": "a", "upstream_name": "b", "other": 1});
        assert!(Kind::Model.read(spec).unwrap_err().to_string().contains("other"));
    }

    #[test]
    fn every_schema_closes_its_objects() {
        for kind in Kind::ALL {
            let schema = serde_json::to_value(kind.schema()).unwrap();
            assert_eq!(schema["properties"]["spec"]["additionalProperties"], false, "{kind}");
        }
    }
}
