//! What has entered a conversation beside the words of its author and its user.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Category, Channel};

/// The label of what a tool brought that reads private data.
pub const PRIVATE: Category = Category::known("private");

/// What has entered a conversation: it is computed from the messages of one call, and from nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// The channels by which untrusted content came.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub untrusted: BTreeSet<Channel>,
    /// The sensitive data that came: what was found and not redacted, what the caller said, and `private`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<Category>,
}

/// How far the content of a conversation can be trusted. The order is the law: what has entered does not leave.
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
pub enum TaintLevel {
    /// Only its author and its user have spoken.
    #[default]
    Clean,
    /// Content of somebody else has entered: what a tool brought, a document, a picture.
    Untrusted,
}

/// `from document and tool_output; pii/email, private`, as far as there is something to say.
impl std::fmt::Display for Taint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<&str> = self.untrusted.iter().map(|channel| channel.as_str()).collect();
        let labels: Vec<&str> = self.labels.iter().map(Category::as_str).collect();
        match (channels.join(" and "), labels.join(", ")) {
            (channels, labels) if labels.is_empty() && !channels.is_empty() => write!(f, "from {channels}"),
            (channels, labels) if channels.is_empty() => f.write_str(&labels),
            (channels, labels) => write!(f, "from {channels}; {labels}"),
        }
    }
}

impl Taint {
    /// Whether nothing has entered.
    pub fn is_clean(&self) -> bool {
        self.untrusted.is_empty() && self.labels.is_empty()
    }

    /// How far its content can be trusted.
    pub fn level(&self) -> TaintLevel {
        if self.untrusted.is_empty() { TaintLevel::Clean } else { TaintLevel::Untrusted }
    }
}
