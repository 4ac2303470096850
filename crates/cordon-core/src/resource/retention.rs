use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DurationMs, Name, Sealed};

/// The shortest time that records may be kept: decisions stay provable for a year (EU AI Act, Art. 19 and 26(6), ask for at
/// least six months; the sectors that ask for more ask for more years).
pub const MIN_RECORD_RETENTION: DurationMs = DurationMs::from_secs(365 * 86_400);

/// How long records and captured content of some calls are kept.
///
/// It holds for the routes that fit every selector that is given; one without selectors holds for all. Of all that hold for
/// a route, content is kept for the shortest time and records for the longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionSpec {
    /// Only these routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Name>,
    /// Only routes of these systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<Name>,
    /// Only routes that have all of these labels, or whose system has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Name, Name>,
    /// Only routes whose system operates in one of these jurisdictions, such as `eu` or `us-ca`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jurisdictions: Vec<Name>,
    /// Captured content is kept no longer than this, at most 400d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<DurationMs>,
    /// Records are kept at least this long, and at least 365d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<DurationMs>,
    /// Why (kept sealed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed<String>>,
}

impl RetentionSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        self.reason.iter_mut().map(|reason| ("reason".to_owned(), reason)).collect()
    }
}
