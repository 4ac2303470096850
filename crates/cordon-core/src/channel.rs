use serde::{Deserialize, Serialize};

/// Where a piece of content came from. What a piece may do is decided from this, never from what it says.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Instructions of the application's author (OpenAI roles `system`, `developer`).
    System,
    /// What the person at the other end wrote.
    User,
    /// Retrieved text: files, search results, web pages.
    Document,
    /// What a tool answered.
    ToolOutput,
    /// What a model wrote, tool-call arguments included.
    Model,
}

/// How far a channel is trusted to give instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Data: it may never instruct.
    Untrusted,
    /// It may ask for what its sender may do.
    Caller,
    /// It speaks for the application's author.
    Author,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 5] = [Self::System, Self::User, Self::Document, Self::ToolOutput, Self::Model];

    /// All of them, as a list in a document has it that says nothing.
    pub(crate) fn every() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    /// Whether a list names all of them.
    pub(crate) fn are_all(channels: &[Self]) -> bool {
        Self::ALL.iter().all(|channel| channels.contains(channel))
    }

    /// The word used in documents, records and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Document => "document",
            Self::ToolOutput => "tool_output",
            Self::Model => "model",
        }
    }

    /// The channel of a word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }

    /// The trust level of this channel.
    pub const fn trust(self) -> Trust {
        match self {
            Self::System => Trust::Author,
            Self::User => Trust::Caller,
            Self::Document | Self::ToolOutput | Self::Model => Trust::Untrusted,
        }
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
