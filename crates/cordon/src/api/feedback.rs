//! The forms of the control API about what people say of findings, as JSON.

use cordon_core::{
    Action, CallId, Category, Channel, Score, Timestamp,
    fact::Actor,
    feedback::{Direction, Judgement, Label},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A whole number, however it is written: `3.0` is one (JSON Schema 2020-12, 4.2.3), and some clients know no other numbers. One that is
/// too large for anything that is counted here is the largest.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let written = || {
        let value = number.as_f64().filter(|value| *value >= 0.0 && value.fract() == 0.0)?;
        Some(format!("{:.0}", value.abs()).parse().unwrap_or(u64::MAX))
    };
    number.as_u64().or_else(written).ok_or_else(|| D::Error::custom("a whole number from 0 on is expected"))
}

/// What somebody says of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelFinding {
    /// The call.
    pub call: CallId,
    /// Whether it was found in the request or in the answer.
    pub direction: Direction,
    /// Its place among the findings of that direction, from 0, in the order of the record.
    #[serde(deserialize_with = "whole")]
    pub finding: u64,
    /// What it is.
    pub judgement: Judgement,
}

/// Which feedback is asked for.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackQuery {
    /// Of this call alone.
    #[serde(default)]
    pub call: Option<CallId>,
    /// As it was at this time.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
}

/// What somebody said of a finding, with what the record said of it: no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Feedback {
    /// The position of the fact.
    pub position: u64,
    /// When it was said.
    pub time: Timestamp,
    /// Who said it.
    pub by: Actor,
    /// What was said. The latest that was said of a finding counts.
    pub judgement: Judgement,
    /// The call.
    pub call: CallId,
    /// Whether it was found in the request or in the answer.
    pub direction: Direction,
    /// Its place among the findings of that direction, from 0.
    pub finding: u64,
    /// What it is about.
    pub category: Category,
    /// How sure the detector was.
    pub score: Score,
    /// Where the content came from.
    pub channel: Channel,
    /// Which part of request or answer.
    pub part: String,
    /// First byte in the part.
    pub start: u64,
    /// One past the last byte in the part.
    pub end: u64,
    /// The detector.
    pub detector: String,
    /// Its version.
    pub detector_version: u16,
    /// What was done about it.
    pub action: Action,
    /// What guards that only observe would have done.
    pub would: Action,
}

impl Feedback {
    pub(crate) fn new(position: u64, time: Timestamp, by: Actor, label: Label) -> Self {
        let Label { call, direction, finding, judgement, category, score, channel, part, start, end, .. } =
            label;
        let Label { detector, detector_version, action, would, .. } = label;
        Self {
            position,
            time,
            by,
            judgement,
            call,
            direction,
            finding,
            category,
            score,
            channel,
            part,
            start,
            end,
            detector,
            detector_version,
            action,
            would,
        }
    }

    /// Whether it is about the same finding.
    pub(crate) fn is_about(&self, call: CallId, direction: Direction, finding: u64) -> bool {
        (self.call, self.direction, self.finding) == (call, direction, finding)
    }
}
