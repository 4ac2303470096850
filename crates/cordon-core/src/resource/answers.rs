use serde::{Deserialize, Serialize};

use super::Schema;
use crate::Language;

/// The most characters that a route may want or bear of an answer.
pub const MAX_ANSWER_LENGTH: u32 = 1 << 20;
/// The most languages that a route names.
const MAX_LANGUAGES: usize = 64;

/// In which form answers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// One JSON value.
    Json,
}

/// Whether answers name their sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerCitations {
    /// They may.
    #[default]
    Optional,
    /// Each sentence that claims something does.
    Required,
}

impl AnswerCitations {
    fn is_optional(&self) -> bool {
        *self == Self::Optional
    }
}

/// When a stream goes on whose answer may be stopped for what it is as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerStream {
    /// At its end: nothing leaves before all of it was judged.
    #[default]
    Hold,
    /// As it comes: text leaves once the last few KiB up to it were judged, and what is found from there on stops the rest.
    Window,
}

impl AnswerStream {
    fn is_held(&self) -> bool {
        *self == Self::Hold
    }
}

/// What the answers of a route are meant to be, whatever a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// `json`: an answer is one JSON value and nothing beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<AnswerFormat>,
    /// What that value must be, as a JSON Schema of the keywords that are known here; with it, `format` is `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Box<Schema>>,
    /// Whether a whole answer that is to be JSON and is none is mended, once: what stands around the JSON and commas at the end of lists are
    /// left out, what is open at the end is closed. Streams are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repair: bool,
    /// Fewest characters of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// The languages that an answer may be in. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// Whether each sentence that claims something names a source, where a request gives sources.
    #[serde(default, skip_serializing_if = "AnswerCitations::is_optional")]
    pub citations: AnswerCitations,
    /// When a stream goes on that may be stopped for its topics, its language or what its sources do not say: `hold`, at its end, or
    /// `window`, as it comes. What is known at the end alone (a form, a least length, declining, a share of sentences) holds it in any case.
    #[serde(default, skip_serializing_if = "AnswerStream::is_held")]
    pub stream: AnswerStream,
}

impl Answers {
    /// What is wrong with it, each with its path below the spec.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |path: &str, message: &str| found.push((path.to_owned(), message.to_owned()));
        if *self == Self::default() {
            wrong(
                "answers",
                "nothing is said of them; help: add `format`, `max_length`, `languages`, `citations` or `stream`, or leave it out",
            );
        }
        for (path, length) in
            [("answers/min_length", self.min_length), ("answers/max_length", self.max_length)]
        {
            if length.is_some_and(|length| !(1..=MAX_ANSWER_LENGTH).contains(&length)) {
                wrong(path, "1 to 1048576 characters are expected");
            }
        }
        if let (Some(least), Some(most)) = (self.min_length, self.max_length)
            && least > most
        {
            wrong("answers/min_length", "more than `max_length`, so that no answer would do");
        }
        if self.languages.len() > MAX_LANGUAGES {
            wrong("answers/languages", "at most 64 languages are expected");
        }
        if self.stream == AnswerStream::Window {
            let whole = [
                ("format", self.format.is_some()),
                ("schema", self.schema.is_some()),
                ("min_length", self.min_length.is_some()),
            ];
            for (member, _) in whole.into_iter().filter(|(_, is_said)| *is_said) {
                let message = format!(
                    "`window` and `{member}` do not go together: whether an answer has it is known at its end; help: leave out one of them"
                );
                found.push(("answers/stream".to_owned(), message));
            }
        }
        if let Some(schema) = &self.schema {
            found.extend(schema.problems("answers/schema"));
        }
        found
    }
}
