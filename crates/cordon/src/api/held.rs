//! The forms of the control API about held files and texts, as JSON.

use cordon_core::{
    CallId, Channel, Digest, DurationMs, KeyId, Name, Timestamp,
    fact::Actor,
    record::RecordedFinding,
    review::{HeldId, HeldKind, Verdict},
};
use serde::{Deserialize, Serialize};

/// Which held files and texts are listed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum HeldWhich {
    /// Those that wait.
    #[default]
    Waiting,
    /// Those that were decided about, too.
    All,
}

/// How something held stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldStatus {
    /// Nobody has decided about it.
    Waiting,
    /// It passes.
    Released,
    /// It is refused.
    Rejected,
    /// It was released and has passed, which it does once: a call of a tool.
    Used,
    /// What was decided has ended: when it comes again, it is held again.
    Ended,
}

/// A held file or text, without its name and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeldView {
    /// Its id.
    pub id: HeldId,
    /// What was held.
    pub kind: HeldKind,
    /// Of a text, the channel that it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// How it stands.
    pub status: HeldStatus,
    /// The call that brought it.
    pub call: CallId,
    /// The route.
    pub route: Name,
    /// The caller.
    pub principal: Name,
    /// Its key.
    pub key: KeyId,
    /// Where in the request it stood.
    pub part: String,
    /// What a file is, by its content; `text` of a text, `tool_call` of a call of a tool.
    pub file_type: String,
    /// How many bytes.
    pub bytes: u64,
    /// Keyed digest of the bytes.
    pub content: Digest,
    /// When it was held.
    pub since: Timestamp,
    /// When it is removed.
    pub expires: Timestamp,
    /// What was found in it, strictest first.
    pub findings: Vec<RecordedFinding>,
    /// What was decided last about these bytes of this caller on this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewView>,
}

/// A decision about something held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReviewView {
    /// Which way.
    pub verdict: Verdict,
    /// Who decided.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Why; absent where the text was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A decision that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewHeld {
    /// Why (kept sealed).
    #[schemars(length(min = 1, max = 4096))]
    pub reason: String,
    /// How long it is to last: 7d for a release and 365d for a rejection where nothing is said, 366d at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DurationMs>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeldReviewed {
    /// About what.
    pub id: HeldId,
    /// Which way.
    pub verdict: Verdict,
    /// When it ends.
    pub ends: Timestamp,
    /// Where the fact stands in the log.
    pub position: u64,
    /// When.
    pub time: Timestamp,
}

impl HeldStatus {
    /// The word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Released => "released",
            Self::Rejected => "rejected",
            Self::Used => "used",
            Self::Ended => "ended",
        }
    }
}
