//! The forms of the control API, as JSON: what the server writes and the command line reads, and the other way round.

pub mod curve;
pub mod detectors;
pub mod feedback;
pub mod held;
pub mod inspect;
pub mod limits;
mod list;
pub mod people;
pub mod quarantine;
pub mod rates;
pub mod routes;
pub mod triggers;

pub use cordon_core::feedback::Direction;
pub use list::List;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use cordon_core::{
    Action, CallId, Cost, Digest, DurationMs, KeyId, Name, Timestamp,
    fact::Actor,
    record::{
        Attempt, Closed, ContentObject, Opened, Outcome, RecordedFinding, RecordedVerdict, Timings, Tokens,
    },
    resource::Kind,
    review::HeldId,
};
use cordon_store::calls::CallRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An error as problem details (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, schemars::JsonSchema)]
#[error("{detail}")]
pub struct Problem {
    /// Names the kind of problem: `urn:cordon:problem:` and a word that never changes.
    pub r#type: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and the way out.
    pub detail: String,
    /// Everything that is wrong with what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<DocumentProblem>,
    /// Seconds after which another try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Something wrong with a document that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DocumentProblem {
    /// Its kind, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Its name, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// JSON pointer from the document's root.
    pub path: String,
    /// What is wrong, and the way out.
    pub message: String,
}

/// A resource as it stands or stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceView {
    /// The version of documents.
    pub api_version: String,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// What it says. A sealed value that was destroyed is `{"sealed": DIGEST}`.
    pub spec: Value,
    /// Where it comes from.
    pub meta: Meta,
}

/// Where a thing of the state comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Meta {
    /// Since when it says this.
    pub changed: Timestamp,
    /// Who decided it.
    pub actor: Actor,
    /// The position of the fact, from 0.
    pub position: u64,
}

/// One step of a resource's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HistoryEntry {
    /// When, who, where.
    #[serde(flatten)]
    pub meta: Meta,
    /// What happened.
    pub change: ChangeKind,
    /// The fields that changed.
    pub fields: Vec<FieldChange>,
}

/// Documents to plan or apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The documents: `{apiVersion, kind, name, spec}`.
    #[schemars(schema_with = "documents")]
    pub documents: Vec<Value>,
    /// How many recent calls a plan judges again.
    #[serde(default = "default_recent", deserialize_with = "whole")]
    pub recent: u32,
}

/// What applying documents would change, or changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Plan {
    /// The position of the log that it was made at, or that it led to.
    pub position: u64,
    /// The changes, in the order of their facts.
    pub changes: Vec<ChangeView>,
    /// What is allowed and yet should be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What it would mean for recent calls; absent after applying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It appears.
    Create,
    /// It says something else.
    Change,
    /// It goes.
    Delete,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChangeView {
    /// What happens.
    pub change: ChangeKind,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// A field that differs. A sealed value is shown as `(sealed)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FieldChange {
    /// Where, such as `rules[0].at`.
    pub path: String,
    /// Before; absent where it was not there or had its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// After; absent where it is gone or has its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether a sealed value is part of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

/// What a plan would have meant for recent calls, judged from what was found in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Effect {
    /// Calls that were judged again.
    pub calls: u64,
    /// The time of the earliest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Of these, calls that other detectors looked at: what today's would find in them cannot be known.
    pub other_detectors: u64,
    /// Of these, calls whose record does not list every finding.
    pub incomplete: u64,
    /// Routes with a call that would end otherwise.
    pub routes: Vec<RouteEffect>,
}

/// What a plan would have meant for the recent calls of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RouteEffect {
    /// The route.
    pub route: Name,
    /// Its calls that were judged again.
    pub calls: u64,
    /// Calls that passed and would be blocked or held.
    pub newly_blocked: u64,
    /// Calls that passed unchanged and would be redacted.
    pub newly_redacted: u64,
    /// Calls that were blocked, held or redacted and would pass unchanged, or only redacted where they were blocked.
    pub newly_passed: u64,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// Whom it authenticates.
    pub principal: Name,
    /// The routes that it opens.
    pub routes: Vec<Name>,
    /// Whether it works.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The key that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<KeyId>,
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It has ended.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key that somebody wants. The secret stays where it was made; only its digest travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Its id: eight random bytes.
    pub id: KeyId,
    /// SHA-256 of the whole key.
    pub secret_sha256: Digest,
    /// Whom it authenticates.
    pub principal: Name,
    /// The routes that it opens; empty: all of the principal's.
    #[serde(default)]
    pub routes: Vec<Name>,
    /// How long it lives.
    pub expires: DurationMs,
}

/// A rotation that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// The id of the new key.
    pub id: KeyId,
    /// SHA-256 of the new key.
    pub secret_sha256: Digest,
    /// How long the new one lives.
    pub expires: DurationMs,
    /// How long the old one still works.
    pub overlap: DurationMs,
}

/// Why a key is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// The reason (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a change led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Done {
    /// The position of the first fact.
    pub position: u64,
    /// The time of the facts.
    pub time: Timestamp,
    /// Whether anything was appended; otherwise it was so already.
    pub changed: bool,
}

/// Which calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallFilter {
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of this principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Name>,
    /// To this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// With this verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Action>,
    /// With a finding of this category or a child of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<cordon_core::Category>,
    /// That brought this prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<cordon_core::containment::PromptId>,
    /// At most so many, the latest ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A call as people ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CallView {
    /// The call.
    pub call_id: CallId,
    /// When it came.
    pub time: Timestamp,
    /// Who.
    pub principal: Name,
    /// Whose caller.
    pub team: Name,
    /// To which route.
    pub route: Option<Name>,
    /// The model chosen.
    pub model: Option<Name>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// What was done: the stricter of request and answer.
    pub verdict: Action,
    /// What guards that only observe would have done.
    pub would: Action,
    /// The HTTP status; absent while the call runs.
    pub status: Option<u16>,
    /// How it ended; absent while the call runs.
    pub outcome: Option<Outcome>,
    /// The code of the refusal.
    pub code: Option<cordon_core::RefusalCode>,
    /// What was found, in the request and in the answer.
    pub findings: Vec<FindingView>,
    /// How long each step took, in microseconds; absent while the call runs.
    pub timings: Option<Timings>,
    /// Tokens used.
    pub tokens: Option<Tokens>,
    /// What they cost, where the model has a price.
    pub cost: Option<Cost>,
}

/// Calls that ended and are not shown one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeftOut {
    /// How many: they ended before the calls of the events that follow.
    pub calls: u64,
}

/// A finding in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FindingView {
    /// Whether it stood in the request or in the answer.
    pub direction: Direction,
    /// The finding.
    #[serde(flatten)]
    pub finding: RecordedFinding,
}

/// A call with its frames, as they were recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CallRecord {
    /// The summary.
    #[serde(flatten)]
    pub call: CallView,
    /// The first frame.
    pub opened: Opened,
    /// The second frame; absent while the call runs.
    pub closed: Option<Closed>,
}

/// What was kept of a call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentView {
    /// The call.
    pub call_id: CallId,
    /// What was kept.
    pub objects: Vec<ContentPiece>,
}

/// A piece of what was kept. Either `text` or `base64` is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentPiece {
    /// Which.
    pub object: ContentObject,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether there was more, which was not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The content, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The content otherwise, in base64 (RFC 4648, with padding).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// Content that somebody wants erased: of one call, or of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["call"], "properties": {"call": {"type": "string"}, "subject": {"type": "null"}}},
    {"required": ["subject"], "properties": {"subject": {"type": "string"}, "call": {"type": "null"}}},
]))]
pub struct EraseContent {
    /// The call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The person, by the keyed pseudonym that the records hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Why (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The certificate of an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Certificate {
    /// The call whose content was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The person whose content was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Where the fact stands in the log that says so.
    pub position: u64,
    /// When: content of calls until then is gone.
    pub time: Timestamp,
    /// How many calls had content.
    pub calls: u64,
    /// Until when a backup of the keys may still hold one of them; absent: there is no backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups_until: Option<Timestamp>,
}

/// A legal hold that somebody wants: on one call, or on a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["call"], "properties": {"call": {"type": "string"}, "subject": {"type": "null"}}},
    {"required": ["subject"], "properties": {"subject": {"type": "string"}, "call": {"type": "null"}}},
]))]
pub struct SetHold {
    /// Its name.
    pub name: Name,
    /// The call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The person, by the keyed pseudonym that the records hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Why (kept sealed).
    pub reason: String,
}

/// Why a legal hold ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseHold {
    /// The reason (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HoldView {
    /// Its name.
    pub name: Name,
    /// The call that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The person whose calls it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Why; absent where the text was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One check of the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub message: String,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How something is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Broken,
}

/// Which program this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Version {
    /// The version.
    pub version: String,
    /// The build.
    pub build: String,
}

/// Documents of any kind; the schema of each kind has its name.
fn documents(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let forms: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| {
            let mut schema = kind.schema().to_value();
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("$schema");
            }
            let name = format!("{kind}Document");
            let reference = format!("#{}/{name}", generator.settings().definitions_path);
            generator.definitions_mut().insert(name, schema);
            json!({"$ref": reference})
        })
        .collect();
    schemars::json_schema!({"type": "array", "items": {"oneOf": forms}})
}

/// A whole number, also where JSON writes it with a fraction of zero, as JSON Schema understands `integer`.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = f64::deserialize(deserializer)?;
    // A float without a fraction is written without one, and every u32 is a float exactly.
    number.to_string().parse().map_err(|_| {
        serde::de::Error::custom(format!("`{number}` is no whole number between 0 and {}", u32::MAX))
    })
}

const fn default_recent() -> u32 {
    10_000
}

impl Problem {
    /// What names a kind of problem, by its word.
    pub(crate) fn urn(word: &str) -> String {
        format!("urn:cordon:problem:{word}")
    }

    /// A problem of this kind.
    pub fn new(status: u16, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: Self::urn(word),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            problems: Vec::new(),
            retry_after: None,
        }
    }
}

impl ContentPiece {
    /// A piece of content, as text where it is text.
    pub fn new(object: ContentObject, content: Vec<u8>, truncated: bool) -> Self {
        let bytes = content.len() as u64;
        let (text, base64) = match String::from_utf8(content) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
        };
        Self { object, bytes, truncated, text, base64 }
    }

    /// The bytes.
    ///
    /// # Errors
    /// When it holds none, or no base64.
    pub fn content(&self) -> Result<Vec<u8>, base64::DecodeError> {
        match (&self.text, &self.base64) {
            (Some(text), _) => Ok(text.clone().into_bytes()),
            (None, base64) => BASE64_STANDARD.decode(base64.as_deref().unwrap_or_default()),
        }
    }
}

impl CallRecord {
    /// The service that the call went to in the end.
    pub fn service(&self) -> Option<&Name> {
        self.last().map(|attempt| &attempt.service).or(self.opened.service.as_ref())
    }

    /// Where that service processes data.
    pub fn region(&self) -> Option<&Name> {
        self.last().map_or(self.opened.region.as_ref(), |attempt| attempt.region.as_ref())
    }

    /// What reviews have to do with it, first of its request and then of its answer: a word (`held`, `released`, `rejected`), and what
    /// was held.
    pub fn reviews(&self) -> impl Iterator<Item = (Direction, &'static str, HeldId)> {
        let of = |direction, verdict: &RecordedVerdict| {
            verdict.reviews().map(move |(word, id)| (direction, word, id)).collect::<Vec<_>>()
        };
        let answer = self.closed.as_ref().map(|closed| of(Direction::Answer, &closed.output));
        of(Direction::Request, &self.opened.input).into_iter().chain(answer.into_iter().flatten())
    }

    fn last(&self) -> Option<&Attempt> {
        self.closed.as_ref().and_then(Closed::attempt)
    }
}

impl CallView {
    /// What people ask for of a call.
    pub fn new(row: &CallRow) -> Self {
        let ending = row.ending.as_ref();
        let findings =
            |direction| move |finding: &RecordedFinding| FindingView { direction, finding: finding.clone() };
        Self {
            call_id: row.call,
            time: row.time,
            principal: row.principal.clone(),
            team: row.team.clone(),
            route: row.route.clone(),
            model: row.model.clone(),
            stream: row.stream,
            verdict: row.verdict,
            would: row.would,
            status: ending.map(|ending| ending.status),
            outcome: ending.map(|ending| ending.outcome),
            code: ending.and_then(|ending| ending.code),
            findings: row
                .input
                .iter()
                .map(findings(Direction::Request))
                .chain(row.output.iter().map(findings(Direction::Answer)))
                .collect(),
            timings: ending.map(|ending| ending.timings),
            tokens: ending.and_then(|ending| ending.tokens),
            cost: ending.and_then(|ending| ending.cost),
        }
    }
}
