use serde::{Deserialize, Serialize};

/// What is done about a finding. The order is the law: a verdict only ever gets stricter, so the result of many
/// checks is their maximum.
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
pub enum Action {
    /// Nothing is done.
    #[default]
    Allow,
    /// The call goes on and is marked.
    Flag,
    /// The matched spans are replaced before the content goes on.
    Redact,
    /// The content waits for a person.
    Hold,
    /// The content does not go on.
    Block,
}

impl Action {
    /// All actions, from the mildest to the strictest.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Flag, Self::Redact, Self::Hold, Self::Block];

    /// The word used in documents, records and headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Flag => "flag",
            Self::Redact => "redact",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }

    /// Whether content with this verdict may go on (possibly rewritten).
    pub const fn passes(self) -> bool {
        matches!(self, Self::Allow | Self::Flag | Self::Redact)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a redacted span looks. Ordered by how much of the original it gives away: where several rules name the same
/// span, the form that gives away least wins, which is the maximum.
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
pub enum Form {
    /// A typed placeholder such as `[EMAIL_1]`, restored only in the answer of the same call.
    Token,
    /// A short keyed hash: equal values are recognisable as equal, and nothing else.
    Hash,
    /// A typed mask such as `[EMAIL]`.
    #[default]
    Mask,
    /// Nothing is left.
    Drop,
}

/// Whether a guard acts or only records what it would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The guard's actions are carried out.
    #[default]
    Enforce,
    /// The guard's actions are recorded and not carried out.
    Observe,
}
