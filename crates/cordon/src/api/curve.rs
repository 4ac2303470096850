//! The forms of the control API about how good detectors and guards are, by what people said of findings.

use cordon_core::{Action, Category, Channel, Mode, Name, Score, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Direction, rates::Share};

/// Which threshold curve is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurveQuery {
    /// Findings of this category, and of those below it.
    pub category: Category,
    /// Only of this detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// Only in this channel.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// Found, and said, not before; 30 days before the end where it is absent.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Before; now where it is absent.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// What each threshold would have meant, by recorded scores and by what people said. Texts in which nothing was found are not in it, and
/// findings of which nobody said anything count only for how often it fires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Curve {
    /// The category.
    pub category: Category,
    /// Only of this detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// Only in this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Not before.
    pub since: Timestamp,
    /// Before.
    pub until: Timestamp,
    /// Calls in which such a finding was recorded.
    pub calls: u64,
    /// Whether these are all of the time; otherwise they are the latest ones.
    pub whole: bool,
    /// Such findings.
    pub findings: u64,
    /// Findings of which people said that they are right.
    pub right: u64,
    /// Findings of which people said that they are false alarms.
    pub false_alarms: u64,
    /// Whether more was said than is looked at: then it is the latest of it.
    pub cut: bool,
    /// From which scores on guards act on it, as they are declared.
    pub thresholds: Vec<Threshold>,
    /// What each threshold would have meant, the lowest first; nothing changes between two of them.
    pub points: Vec<CurvePoint>,
}

/// A rule of a guard about the category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Threshold {
    /// The guard; `built-in` is the baseline, where no guard for all has a rule for the same.
    pub guard: Name,
    /// Whether it acts, or only records what it would have done.
    pub mode: Mode,
    /// The category that the rule names.
    pub category: Category,
    /// The lowest score that counts.
    pub at: Score,
    /// What is done.
    pub action: Action,
}

/// What a threshold would have meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CurvePoint {
    /// The lowest score that counts.
    pub at: Score,
    /// Recorded findings of at least this score.
    pub fires: u64,
    /// Of those with at least this score that people spoke of: how many are right.
    pub right: u64,
    /// And how many are false alarms.
    pub false_alarms: u64,
    /// Those that are right and would not have fired.
    pub missed: u64,
    /// The share of right ones among those that people spoke of; absent where they spoke of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Share>,
    /// The share of all that people said is right which would have fired; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Share>,
}

/// Over which time the effect of guards is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectivenessQuery {
    /// Said not before; 30 days before the end where it is absent.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Before; now where it is absent.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// How much of what people said is right was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Effectiveness {
    /// Said not before.
    pub since: Timestamp,
    /// Before.
    pub until: Timestamp,
    /// Whether more was said than is looked at: then it is the latest of it.
    pub cut: bool,
    /// Requests and answers as a whole, then each category of each, that of which most was said first.
    pub parts: Vec<Effect>,
}

/// What was done about findings of which people said that they are right: what should not have passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Effect {
    /// In requests or in answers.
    pub direction: Direction,
    /// The category; absent for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// How many such findings there are.
    pub unsafe_findings: u64,
    /// Those of them whose call or answer was blocked.
    pub blocked: u64,
    /// Those that were held.
    pub held: u64,
    /// Those that were taken out.
    pub redacted: u64,
    /// Those that passed, noted or not.
    pub passed: u64,
    /// The share that did not pass: absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Share>,
}
