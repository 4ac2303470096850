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
}

impl Answers {
    /// What is wrong with it, each with its path below the spec.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |path: &str, message: &str| found.push((path.to_owned(), message.to_owned()));
        if *self == Self::default() {
            wrong(
                "answers",
                "nothing is said of them; help: add `format`, `max_length`, `languages` or `citations`, or leave it out",
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
        if let Some(schema) = &self.schema {
            found.extend(schema.problems("answers/schema"));
        }
        found
    }
}
