//! Reviews of held content: a rule held a file, a text or a call of a tool, a person has looked, and says whether it may pass.
//!
//! A review is about the same bytes from the same caller on the same route ([`Passage`]), by a keyed digest, and ends. It lets through
//! what was *held*; what is blocked stays blocked, whatever a review says.

use serde::{Deserialize, Serialize};

use crate::{CallId, Category, Digest, DurationMs, IdError, Name, Sealed, Timestamp, fact::Actor};

/// How long a release lasts where nobody says otherwise.
pub const RELEASE_LASTS: DurationMs = DurationMs::from_secs(7 * 86_400);
/// How long a rejection lasts where nobody says otherwise.
pub const REJECTION_LASTS: DurationMs = DurationMs::from_secs(365 * 86_400);
/// The longest life of a review: one without an end is one that nobody looks at again.
pub const MAX_REVIEW_LASTS: DurationMs = DurationMs::from_secs(366 * 86_400);

/// The id of held content: a UUIDv7 (RFC 9562), so ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeldId(CallId);

/// What was held.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// A file that a request brings.
    #[default]
    File,
    /// A text of a request.
    Text,
    /// A call of a tool that a model proposes.
    ToolCall,
}

/// What a review is about: these bytes, from this caller, on this route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passage {
    /// The route.
    pub route: Name,
    /// The caller.
    pub principal: Name,
    /// Keyed digest of the bytes.
    pub content: Digest,
}

/// What somebody decided about held content.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passes where it would be held.
    Released,
    /// It is refused where it would be held.
    Rejected,
}

/// A review as it was decided. Which way stands in the type of its fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// What was looked at.
    pub held: HeldId,
    /// The call that brought it.
    pub call: CallId,
    /// The route.
    pub route: Name,
    /// The caller.
    pub principal: Name,
    /// Keyed digest of the bytes.
    pub content: Digest,
    /// What it is.
    #[serde(default, skip_serializing_if = "HeldKind::is_file")]
    pub kind: HeldKind,
    /// How many bytes.
    pub bytes: u64,
    /// What it was held for: a release lets in what is held for one of these, or for something below it, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// When it was held.
    pub since: Timestamp,
    /// When the review ends.
    pub ends: Timestamp,
    /// Why.
    pub reason: Sealed<String>,
}

/// A review as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// What was decided.
    pub review: Review,
    /// Which way.
    pub verdict: Verdict,
    /// Who did.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl HeldKind {
    /// The word of documents and the console.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Text => "text",
            Self::ToolCall => "tool_call",
        }
    }

    /// Whether a release lets it in once and no more: whoever approves a transfer approves one.
    pub const fn is_once(self) -> bool {
        matches!(self, Self::ToolCall)
    }

    /// Whether it is a file.
    pub const fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }
}

impl Verdict {
    /// The word of documents, metrics and the console.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Rejected => "rejected",
        }
    }

    /// How long such a review lasts where nobody says otherwise.
    pub const fn lasts(self) -> DurationMs {
        match self {
            Self::Released => RELEASE_LASTS,
            Self::Rejected => REJECTION_LASTS,
        }
    }
}

impl Review {
    /// What it is about.
    pub fn passage(&self) -> Passage {
        Passage { route: self.route.clone(), principal: self.principal.clone(), content: self.content }
    }
}

impl Reviewed {
    /// Whether it is in force at this time.
    pub fn stands(&self, now: Timestamp) -> bool {
        now < self.review.ends
    }

    /// Whether it says something of what would be held for this: a release only of what it was held for when it was decided.
    pub fn covers(&self, category: &Category) -> bool {
        self.verdict == Verdict::Rejected || self.review.categories.iter().any(|known| known.covers(category))
    }

    /// Whether nobody has to look at it any more where it is held for these.
    pub fn decides(&self, categories: &[Category], now: Timestamp) -> bool {
        self.stands(now) && categories.iter().all(|category| self.covers(category))
    }

    /// Whether nobody has to look at this any more, which is held for these: a release of what passes once is of the one that was looked
    /// at, and the next is another.
    pub fn settles(&self, held: HeldId, kind: HeldKind, categories: &[Category], now: Timestamp) -> bool {
        let is_of_another = kind.is_once() && self.verdict == Verdict::Released && self.review.held != held;
        !is_of_another && self.decides(categories, now)
    }
}

impl HeldId {
    /// A new id of a time and ten random bytes.
    pub fn new(time: Timestamp, random: [u8; 10]) -> Self {
        Self(CallId::new(time, random))
    }

    /// Reads an id.
    ///
    /// # Errors
    /// When the text is no UUID.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        CallId::parse(text).map(Self)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// These 16 bytes as an id.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(CallId::from_bytes(bytes))
    }
}

impl std::fmt::Display for HeldId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl schemars::JsonSchema for HeldId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HeldId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
}
