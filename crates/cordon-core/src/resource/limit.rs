use serde::{Deserialize, Serialize};

use crate::{DurationMs, KeyId, Name, Sealed};

/// What a limit counts for.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LimitSubject {
    /// All calls to a route together.
    Route(Name),
    /// All calls with a key together.
    Key(KeyId),
    /// All calls of a principal together.
    Principal(Name),
    /// All calls of a team's principals together.
    Team(Name),
}

/// So many requests in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// How many.
    pub count: u32,
    /// In how long.
    pub window: DurationMs,
}

/// A bound on use. Limits of all subjects of a call apply; the tightest refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// What it counts for.
    pub applies_to: LimitSubject,
    /// Requests in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// Calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Bytes of a request's body, as sent and as decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
}

impl LimitSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }
}
