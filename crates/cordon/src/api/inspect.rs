//! The forms of the control API about texts that somebody tries, as JSON. They hold content, and are kept nowhere.

use cordon_core::{Action, Category, Channel, Name, Score};
use serde::{Deserialize, Serialize};

/// The most bytes of a text that is tried.
pub const MAX_TEXT: usize = 256 << 10;

/// The most bytes of a file that is tried.
pub const MAX_FILE: usize = 1 << 20;
/// The most bytes of the name of such a file.
pub const MAX_NAME: usize = 255;
/// The most bytes of a part of a file of which the text is told.
pub const MAX_PART: usize = 16 << 10;

/// A text or a file that is tried: what would be found in it, and what would be done. One of `text` and `file_b64` is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inspect {
    /// The text, at most 262,144 bytes of UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 262_144))]
    pub text: Option<String>,
    /// The bytes of a file in base64 (RFC 4648, section 4), at most 1,048,576 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_398_104))]
    pub file_b64: Option<String>,
    /// What the file is called, by which it may lie about what it is: at most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub name: Option<String>,
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

/// What was found in a text or a file that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Inspected {
    /// What a call does about it: the strictest action.
    pub action: Action,
    /// The same if guards that only observe acted too.
    pub would: Action,
    /// The guards that judged.
    pub guards: Vec<Name>,
    /// The text as a call would send it on; what would stop the call is masked. Absent of a file that is no plain text: nothing can be cut
    /// out of one, and what would be redacted in a text stops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<String>,
    /// What the file is, where one was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<InspectedFile>,
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
    /// The part of a file that it stands in: `start` and `end` are bytes of its text. Absent of what is found in a text, or of a file as a
    /// whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#in: Option<String>,
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

/// A file that was tried, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedFile {
    /// Its bytes.
    pub bytes: usize,
    /// What it is, by its content: `pdf`, `zip`, `text`, …
    #[serde(rename = "type")]
    pub file_type: String,
    /// What its name says that it is, where its ending says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_type: Option<String>,
    /// What becomes of it by what it is, where no guard says otherwise. What guards do is `action`.
    pub verdict: FileVerdict,
    /// Why, strictest first.
    pub reasons: Vec<InspectedReason>,
    /// Whether a part of it could not be read, which may say anything. What the pixels of pictures show is none.
    pub unread: bool,
    /// Its texts, in their order; empty of a plain text, which is one itself. At most 256 are listed, those with findings before the others.
    pub parts: Vec<InspectedPart>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts_more: u32,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileVerdict {
    /// It may go on, with its texts inspected like any other.
    Accept,
    /// It is kept apart until somebody has looked at it.
    Quarantine,
    /// It does not go on.
    Reject,
}

/// Something that was seen in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedReason {
    /// What, below `file`.
    pub category: Category,
    /// What it asks for by itself.
    pub verdict: FileVerdict,
    /// Where: numbers of entries, pages, sheets or objects from the outside in, from 0, at most eight places. None is the file itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

/// A text of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedPart {
    /// What it is to a reader (`body`, `hidden` or `metadata`) and where it stood, as `in` of a finding says it.
    pub place: String,
    /// Its bytes.
    pub bytes: usize,
    /// What is done about what was found in it.
    pub action: Action,
    /// How many findings it has.
    pub findings: usize,
    /// What it says, where it has findings: of the first sixteen such parts, and of each that has at most 16,384 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A text that was made from a piece of the one that was tried, by undoing an encoding or a disguise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InspectedView {
    /// How it was made: `atbash`, `base32`, `base64`, `braille`, `caesar`, `character_codes`, `hexadecimal`, `hidden_characters`, `joined`
    /// (words without spaces), `leetspeak`, `mended` (without what was put into words, or unescaped twice), `morse`, `pig_latin`,
    /// `reversed`, `rot13` or `spaced`.
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
