//! The forms of the control API about detectors as they are at the moment, as JSON.

use std::collections::BTreeMap;

use cordon_core::{
    Category, Timestamp,
    containment::Subject,
    resource::{Adapter, WhenUnavailable},
};
use serde::{Deserialize, Serialize};

use super::routes::BreakerPhase;

/// A detector at the moment, as this server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorStatus {
    /// Its name, as in findings.
    pub detector: String,
    /// Its version.
    pub version: u16,
    /// How it is asked; absent for one that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Adapter>,
    /// What it may report.
    pub categories: Vec<Category>,
    /// How much text one of its findings can need, and so how long a stream waits for it where a rule may change what leaves; absent where
    /// that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<DetectorReach>,
    /// What its self-test said; absent where no server is asked, or there was none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test: Option<SelfTestStatus>,
    /// What becomes of a content that it says nothing of.
    pub when_unavailable: WhenUnavailable,
    /// Its breaker, where it is asked over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerPhase>,
    /// What was counted of it since the server started, where it is asked over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<DetectorCounts>,
    /// What keeps it out, if it is quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Subject>,
}

/// How much text one finding of a detector can need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorReach {
    /// Whether it needs all of a content. If not, the other two are there.
    pub whole: bool,
    /// The bytes of the longest finding that is reported at once; a longer value is reported in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<u64>,
    /// The most bytes behind its end after which a finding is decided. What is encoded can need more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
}

/// What a self-test said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SelfTestStatus {
    /// Whether the detector found what it must find.
    pub passes: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it was tested last.
    pub at: Timestamp,
    /// Since when it is so.
    pub since: Timestamp,
}

/// What was counted of a detector that is asked over HTTP. One request or answer of a call counts once, however many texts it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DetectorCounts {
    /// Those that it answered about.
    pub answered: u64,
    /// What it found in them.
    pub findings: u64,
    /// Those that it did not answer about, by why.
    pub failed: BTreeMap<String, u64>,
}

impl std::fmt::Display for DetectorReach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.span, self.behind) {
            (Some(span), Some(behind)) if !self.whole => write!(f, "{span} + {behind}"),
            _ => f.write_str("whole"),
        }
    }
}

impl DetectorStatus {
    /// One word for tables: what is most wrong with it.
    pub fn state(&self) -> &'static str {
        match (&self.quarantined, &self.self_test, self.breaker) {
            (Some(_), ..) => "quarantined",
            (_, Some(SelfTestStatus { passes: false, .. }), _) => "fails its self-test",
            (.., Some(BreakerPhase::Open)) => "breaker open",
            (_, Some(_), _) => "passes",
            (_, None, _) => "not tested",
        }
    }
}
