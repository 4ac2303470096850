use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Agreement, Answers, Normalise, Priority, Retry, RouteFiles, RouteMode, Sticky};
use crate::{DurationMs, Name, Sealed};

/// One of the models behind a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The model.
    pub model: Name,
    /// Its share of the calls, relative to the other targets' weights.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
}

/// The guards that a route lists: names, or the word `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteGuards {
    /// These, beside those of organisation, teams and system. What none of them has a rule for, the built-in baseline decides.
    Listed(Vec<Name>),
    /// Not even the built-in baseline; needs a reason. Guards of organisation, teams and system still hold.
    None,
}

/// How a refusal for content looks to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalStyle {
    /// A typed error with a 4xx status.
    #[default]
    Error,
    /// A 200 with a refusal text and `finish_reason: content_filter`, for applications that cannot handle errors.
    ContentFilter,
}

/// What happens when the record of a call cannot be made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audit {
    /// The call is refused.
    #[default]
    Required,
    /// The call is served and counted, and the record is written when it can be.
    BestEffort,
}

/// What is kept of what calls say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentCapture {
    /// Nothing.
    #[default]
    None,
    /// What left, after redaction: the request as it went upstream, the answer as the caller read it without the values
    /// that were put back in place of their tokens. Nothing of refused calls.
    Redacted,
    /// What came in: the request as received, the answer as the upstream gave it. Of refused calls too.
    Full,
}

/// Which tools models may propose to call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteTools {
    /// Any: those that a `Tool` is declared for by its rules, others as they are.
    #[default]
    Any,
    /// Only those that a `Tool` is declared for.
    Declared,
}

/// Whether callers may instruct the models of a route in the application's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Instructions {
    /// They may: each is an application.
    #[default]
    Accepted,
    /// They may not: a request with a message of the system or the developer, `system`, `instructions` or a stored prompt is refused.
    Refused,
}

/// How a model is shown what others than the caller have written: results of tools, documents, and what callers mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spotlighting {
    /// As it came.
    #[default]
    None,
    /// Between tags that it cannot write, which the model is told not to obey what stands within.
    Delimit,
    /// That, and with a mark in place of its spaces.
    Datamark,
}

/// How long captured content is kept when a route does not say it.
pub const DEFAULT_CONTENT_RETENTION: DurationMs = DurationMs::from_secs(30 * 86_400);

/// The longest time that captured content may be kept.
pub const MAX_CONTENT_RETENTION: DurationMs = DurationMs::from_secs(400 * 86_400);

/// The public name that callers use in `model`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// The team that owns it.
    pub team: Name,
    /// The system that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Name>,
    /// The models behind it, each with its share of the calls.
    pub targets: Vec<Target>,
    /// Models that are tried one after the other when no target can answer: out of use, failing, or failed before its first
    /// byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Name>,
    /// What keeps a caller on one of the targets. Without it calls are spread by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// When a call is tried again.
    #[serde(default, skip_serializing_if = "Retry::is_default")]
    pub retry: Box<Retry>,
    /// How it works at the moment: `normal`, `degraded`, `safe` or `off`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: RouteMode,
    /// The models of its simpler path, in place of targets and fallback while the mode is `degraded`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Target>,
    /// What callers read while the mode is `off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_message: Option<String>,
    /// How many of its models must give the same prediction before there is an answer. Without it one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Box<Agreement>>,
    /// What goes first when there is more to do than can be done.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: Priority,
    /// Its own guards: a list of names, or `none` with a `guards_reason`.
    #[serde(default, skip_serializing_if = "RouteGuards::is_empty")]
    pub guards: RouteGuards,
    /// Why it has no guards (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards_reason: Option<Sealed<String>>,
    /// Which tools models may propose to call: `any`, or `declared` for those alone that a `Tool` is declared for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tools: RouteTools,
    /// Whether callers may send messages of the system and the developer: `accepted` or `refused`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub instructions: Instructions,
    /// How models are shown what tools and documents say: `none` (as it came), `delimit` or `datamark`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spotlighting: Spotlighting,
    /// Whether a word is planted in system prompts whose appearance in an answer says that they leak.
    #[serde(default, skip_serializing_if = "is_default")]
    pub canary: bool,
    /// What its answers are meant to be. What is done about others is what guards say of `format`, `length`, `language` and `citation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Box<Answers>>,
    /// What files must be that its calls bring: types, sizes, pictures and tables. One that is not is refused, whatever guards say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Box<RouteFiles>>,
    /// What is changed in the texts and pictures of its requests after they were inspected and before they leave: `hidden: strip`, `unicode: nfc`,
    /// `formulas: neutralise`, `metadata: strip`. Without it nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Normalise>,
    /// How a refusal for content looks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refusal: RefusalStyle,
    /// What happens when the record cannot be made durable.
    #[serde(default, skip_serializing_if = "is_default")]
    pub audit: Audit,
    /// How old the Snapshot may get, with the log out of reach, before the route closes. Default 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age: Option<DurationMs>,
    /// What is kept of what its calls say, sealed: `none`, `redacted` (what left) or `full` (what came in). Needs
    /// `content.master_key` in the configuration.
    #[serde(default, skip_serializing_if = "is_default")]
    pub content: ContentCapture,
    /// How long that is kept, at most 400d; a `Retention` can only shorten it. Default 30d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_retention: Option<DurationMs>,
    /// Tokens of output that a call gets which asks for none, sent upstream as `max_completion_tokens`. Without it, such a call
    /// gets 4,096 where a limit counts its tokens or its money, and what the model gives elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What else is to be known of it, such as `data: health`; they stand before those of its system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Name, Name>,
}

fn one() -> u32 {
    1
}

fn is_one(weight: &u32) -> bool {
    *weight == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RouteGuards {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(names) if names.is_empty())
    }

    /// The names listed.
    pub fn names(&self) -> &[Name] {
        match self {
            Self::Listed(names) => names,
            Self::None => &[],
        }
    }
}

impl Default for RouteGuards {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Serialize for RouteGuards {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Listed(names) => names.serialize(serializer),
            Self::None => serializer.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for RouteGuards {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            Names(Vec<Name>),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Names(names)) => Ok(Self::Listed(names)),
            Ok(Written::Word(word)) if word == "none" => Ok(Self::None),
            _ => Err(D::Error::custom("guards are a list of names, or the word `none`")),
        }
    }
}

impl schemars::JsonSchema for RouteGuards {
    fn schema_name() -> Cow<'static, str> {
        "RouteGuards".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = generator.subschema_for::<Vec<Name>>();
        schemars::json_schema!({ "anyOf": [{ "const": "none" }, names] })
    }
}

impl RouteSpec {
    /// A route of a team to these models, with everything else as it is when nothing is said.
    pub fn new(team: Name, targets: Vec<Target>) -> Self {
        Self {
            team,
            system: None,
            targets,
            fallback: Vec::new(),
            sticky: None,
            retry: Box::default(),
            mode: RouteMode::Normal,
            degraded: Vec::new(),
            off_message: None,
            agreement: None,
            priority: Priority::default(),
            guards: RouteGuards::default(),
            guards_reason: None,
            tools: RouteTools::default(),
            instructions: Instructions::default(),
            spotlighting: Spotlighting::default(),
            canary: false,
            answers: None,
            files: None,
            normalise: None,
            refusal: RefusalStyle::default(),
            audit: Audit::default(),
            max_snapshot_age: None,
            content: ContentCapture::default(),
            content_retention: None,
            output_tokens: None,
            labels: BTreeMap::new(),
        }
    }

    /// The models that a call may go to in the mode that it is in, in the order in which they are tried but for weights.
    pub fn models(&self) -> Vec<&Name> {
        let degraded = self.mode == RouteMode::Degraded;
        let targets = if degraded { &self.degraded } else { &self.targets };
        let fallback = self.fallback.iter().filter(|_| !degraded);
        let mut models: Vec<&Name> = Vec::new();
        let weighted = targets.iter().filter(|target| target.weight > 0).map(|target| &target.model);
        for model in weighted.chain(fallback) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        models
    }

    /// Every model that it names, in whatever mode and with whatever weight: a call may go to it after the next change.
    pub fn named(&self) -> impl Iterator<Item = &Name> {
        let weighted = self.targets.iter().chain(&self.degraded).map(|target| &target.model);
        weighted.chain(&self.fallback)
    }

    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        self.guards_reason.iter_mut().map(|reason| ("guards_reason".to_owned(), reason)).collect()
    }
}
