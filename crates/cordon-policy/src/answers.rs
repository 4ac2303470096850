use cordon_core::{
    Language,
    resource::{AnswerCitations, AnswerFormat, AnswerStream, Answers, CheckedSchema},
};

/// What the answers of a route are meant to be, as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledAnswers {
    /// Whether an answer is one JSON value.
    pub json: bool,
    /// What that must be.
    pub schema: Option<CheckedSchema>,
    /// Whether a whole answer that is no JSON is mended.
    pub repair: bool,
    /// Fewest characters.
    pub min_length: Option<u32>,
    /// Most characters.
    pub max_length: Option<u32>,
    /// The languages that an answer may be in; empty: any.
    pub languages: Vec<Language>,
    /// Whether each claim names a source.
    pub citations: bool,
    /// Whether a stream goes on as it comes, where a part of it is enough to judge it.
    pub window: bool,
}

impl CompiledAnswers {
    /// Compiles what a route says.
    pub fn new(spec: &Answers) -> Self {
        Self {
            json: spec.schema.is_some() || spec.format == Some(AnswerFormat::Json),
            schema: spec.schema.as_deref().map(CheckedSchema::new),
            repair: spec.repair,
            min_length: spec.min_length,
            max_length: spec.max_length,
            languages: spec.languages.clone(),
            citations: spec.citations == AnswerCitations::Required,
            window: spec.stream == AnswerStream::Window,
        }
    }
}
