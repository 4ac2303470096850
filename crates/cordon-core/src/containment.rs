//! Containment: subjects that are out of every route until somebody with the right lifts that.

mod firing;
mod prompt;

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use firing::{Cleared, Contained, Containment, Fired, Firing, FiringId, MAX_FIRST, Tested};
pub use prompt::{PromptId, PromptIdError};

use crate::{Digest, KeyId, Name, Sealed, Timestamp, fact::Actor};

/// What is quarantined: a component of systems, a caller, a route, a whole system, a detector, or content itself.
///
/// Written as `KIND/NAME` everywhere: in facts, in the API and on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A model: routes go to their other targets, and refuse when there is none.
    Model(Name),
    /// A service with all its models.
    Service(Name),
    /// A prompt: calls that bring it are refused.
    Prompt(PromptId),
    /// A tool, by the name that callers give it: calls that offer it to a model are refused.
    Tool(ToolName),
    /// A caller with all its keys.
    Principal(Name),
    /// One key.
    Key(KeyId),
    /// A route.
    Route(Name),
    /// A system with all its routes.
    System(Name),
    /// A detector: what it finds does not count.
    Detector(Name),
    /// Content: calls with a text of this signature are refused.
    Signature(Digest),
}

/// A word and an id that are no subject.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a subject; help: write KIND/NAME with model, service, prompt, tool, principal, key, route, system, detector or \
     signature, such as model/small"
)]
pub struct SubjectError;

impl Subject {
    /// The words of the kinds.
    pub const KINDS: [&str; 10] = [
        "model",
        "service",
        "prompt",
        "tool",
        "principal",
        "key",
        "route",
        "system",
        "detector",
        "signature",
    ];

    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Service(_) => "service",
            Self::Prompt(_) => "prompt",
            Self::Tool(_) => "tool",
            Self::Principal(_) => "principal",
            Self::Key(_) => "key",
            Self::Route(_) => "route",
            Self::System(_) => "system",
            Self::Detector(_) => "detector",
            Self::Signature(_) => "signature",
        }
    }

    /// Reads `KIND/NAME`.
    ///
    /// # Errors
    /// When the kind is unknown, or the rest is no name, key or digest.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let (kind, id) = text.split_once('/').ok_or(SubjectError)?;
        let name = || Name::parse(id).map_err(|_| SubjectError);
        Ok(match kind {
            "model" => Self::Model(name()?),
            "service" => Self::Service(name()?),
            "prompt" => Self::Prompt(PromptId::parse(id).map_err(|_| SubjectError)?),
            "tool" => Self::Tool(ToolName::parse(id).ok_or(SubjectError)?),
            "principal" => Self::Principal(name()?),
            "key" => Self::Key(KeyId::parse(id).map_err(|_| SubjectError)?),
            "route" => Self::Route(name()?),
            "system" => Self::System(name()?),
            "detector" => Self::Detector(name()?),
            "signature" => Self::Signature(Digest::parse(id).map_err(|_| SubjectError)?),
            _ => return Err(SubjectError),
        })
    }
}

/// `KIND/NAME`.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/", self.kind())?;
        match self {
            Self::Model(name)
            | Self::Service(name)
            | Self::Principal(name)
            | Self::Route(name)
            | Self::System(name)
            | Self::Detector(name) => name.fmt(f),
            Self::Prompt(prompt) => prompt.fmt(f),
            Self::Tool(name) => f.write_str(name.as_str()),
            Self::Key(key) => key.fmt(f),
            Self::Signature(digest) => digest.fmt(f),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^((model|service|principal|route|system|detector)/[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?|\
                prompt/[0-9a-f]{16}|tool/[A-Za-z0-9_.-]{1,128}|key/(ck_)?[0-9a-f]{16}|signature/[0-9a-f]{64})$",
            "description": "What a quarantine is about: KIND/NAME, such as model/small."
        })
    }
}

/// The name of a tool as callers declare it: letters, digits, `_`, `-` and `.`, at most 128 bytes (OpenAI takes 64,
/// the Model Context Protocol 128).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolName(Arc<str>);

impl ToolName {
    /// The name; nothing when no tool can have it.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        (!text.is_empty() && text.len() <= 128 && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for ToolName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ToolName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let expected = "a tool's name is 1 to 128 letters, digits, `_`, `-` and `.`";
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(expected))
    }
}

impl schemars::JsonSchema for ToolName {
    fn schema_name() -> Cow<'static, str> {
        "ToolName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9_.-]+$",
        })
    }
}

/// What becomes of calls that run when a quarantine comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InFlight {
    /// They are ended.
    #[default]
    Cancel,
    /// They go on to their end.
    Finish,
}

/// A quarantine as it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// What is out.
    pub subject: Subject,
    /// When it came into force in the node where it was ordered, which may be before the log could hold it.
    pub since: Timestamp,
    /// What becomes of calls in flight.
    pub in_flight: InFlight,
    /// Why.
    pub reason: Sealed<String>,
}

/// Somebody wants a quarantine to end. Where two people are needed the first one asks and the second one lifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// What is to be back, or is.
    pub subject: Subject,
    /// Why.
    pub reason: Sealed<String>,
}

/// A quarantine that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// The quarantine.
    pub quarantine: Quarantine,
    /// Who ordered it.
    pub by: Actor,
    /// Who asked that it is lifted, where two people are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Actor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_read_what_they_write() {
        let key = "key/0102030405060708";
        let signature = format!("signature/{}", "ab".repeat(32));
        let subjects =
            ["model/small", "service/openai", "tool/get_Weather.v2", "principal/app", key, "route/bot"];
        let others = ["system/s", "detector/card", "prompt/0102030405060708", &signature];
        for text in subjects.into_iter().chain(others) {
            let subject = Subject::parse(text).unwrap();
            assert_eq!(subject.to_string(), text);
            assert!(Subject::KINDS.contains(&subject.kind()));
            let written = serde_json::to_string(&subject).unwrap();
            assert_eq!(serde_json::from_str::<Subject>(&written).unwrap(), subject);
        }
        for wrong in
            ["", "model", "model/", "model/A", "prompt/x", "key/app", "signature/1", "tool/a b", "/x"]
        {
            assert!(Subject::parse(wrong).is_err(), "{wrong}");
        }
    }
}
