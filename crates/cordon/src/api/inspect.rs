//! The forms of the control API about texts that somebody tries, as JSON. They hold content, and are kept nowhere.

use cordon_core::{Action, Category, Channel, Name, Score};
use serde::{Deserialize, Serialize};

/// The most bytes of a text that is tried.
pub const MAX_TEXT: usize = 256 << 10;

/// A text that is tried: what would be found in it, and what would be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inspect {
    /// The text, at most 262,144 bytes of UTF-8.
    #[schemars(length(max = 262_144))]
    pub text: String,
    /// Where it comes from.
    #[serde(default = "user")]
    pub channel: Channel,
    /// Judged by this guard alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Name>,
    /// Judged as in a call to this route, by all the guards that hold there. Without a guard and a route: by those of the
    /// organisation, and the built-in baseline for what they have no rule for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
}

/// What was found in a text that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Inspected {
    /// What a call does about it: the strictest action.
    pub action: Action,
    /// The same if guards that only observe acted too.
    pub would: Action,
    /// The guards that judged.
    pub guards: Vec<Name>,
    /// The text as a call would send it on; what would stop the call is masked.
    pub redacted: String,
    /// What was found, by place.
    pub findings: Vec<InspectedFinding>,
    /// The decoded views in which something was found, inner ones first.
    pub views: Vec<InspectedView>,
    /// How many more views there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub views_more: u32,
}

/// A finding, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedFinding {
    /// What it is about.
    pub category: Category,
    /// How sure the detector is.
    pub score: Score,
    /// The first byte of the text that belongs to it.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The detector.
    pub detector: String,
    /// Its version.
    pub detector_version: u16,
    /// What is done about it.
    pub action: Action,
    /// What would be done if guards that only observe acted too.
    pub would: Action,
}

/// A text that was made from a piece of the one that was tried, by undoing an encoding or a disguise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedView {
    /// How it was made: `base32`, `base64`, `character_codes`, `hexadecimal`, `hidden_characters`, `leetspeak`, `mended` (without
    /// what was put into words, or unescaped twice), `reversed`, `rot13` or `spaced`.
    pub encoding: String,
    /// 1: from the text itself; 2: from such a view.
    pub depth: u8,
    /// What it says.
    pub text: String,
    /// What was found in it.
    pub found: Vec<InspectedPlace>,
}

/// A finding as it stands in a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedPlace {
    /// Its first byte in the view.
    pub start: usize,
    /// One past its last byte in the view.
    pub end: usize,
    /// Its place among `findings`, from 0, whose `start` and `end` are the bytes that it was made from; absent where what was found
    /// in the view counts for nothing in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

const fn user() -> Channel {
    Channel::User
}
