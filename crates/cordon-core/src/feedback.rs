//! What people say of findings: right, or a false alarm. Rates of false alarms come from it, and detectors are trained with it.

use serde::{Deserialize, Serialize};

use crate::{Action, CallId, Category, Channel, Score, record::RecordedFinding};

/// What somebody says of a finding.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It is what the detector says that it is.
    Right,
    /// It is not.
    FalseAlarm,
    /// What was said before does not count any more.
    Withdrawn,
}

/// Which way content flows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the model.
    Request,
    /// From the model.
    Answer,
}

impl Direction {
    /// The word: `request` or `answer`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// A finding of a call, with what somebody says of it. It repeats what the record says of the finding, so that it can be used when
/// the record is gone; like the record it holds no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The call.
    pub call: CallId,
    /// In its request or in its answer.
    pub direction: Direction,
    /// The place of the finding among those of that direction, from 0, as the record has them.
    pub finding: u64,
    /// What is said of it.
    pub judgement: Judgement,
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

impl Judgement {
    /// The word of forms and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::FalseAlarm => "false_alarm",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Label {
    /// What somebody says of a recorded finding.
    pub fn new(
        call: CallId,
        direction: Direction,
        finding: u64,
        of: &RecordedFinding,
        judgement: Judgement,
    ) -> Self {
        Self {
            call,
            direction,
            finding,
            judgement,
            category: of.category.clone(),
            score: of.score,
            channel: of.channel,
            part: of.part.clone(),
            start: of.start,
            end: of.end,
            detector: of.detector.clone().into_owned(),
            detector_version: of.detector_version,
            action: of.action,
            would: of.would,
        }
    }
}
