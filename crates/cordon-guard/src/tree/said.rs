use cordon_core::json::Value;

/// What an answer says of itself, as far as it is no content: an upstream is not believed to put nothing else there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    model: Option<Box<str>>,
    finish_reasons: Vec<&'static str>,
}

/// Bytes of the name of a version, after the name of the model that was asked for: `gpt-4o`, `gpt-4o-2024-08-06`.
const MAX_VERSION: usize = 24;
/// Reasons that are kept, of an answer with many choices.
const MAX_REASONS: usize = 8;
/// The reasons of the formats; any other is `other`.
const REASONS: [&str; 15] = [
    "completed",
    "content_filter",
    "end_turn",
    "failed",
    "function_call",
    "length",
    "max_output_tokens",
    "max_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "refusal",
    "stop",
    "stop_sequence",
    "tool_calls",
    "tool_use",
];

impl Said {
    /// The model that answered: the one that was asked for, or a version of it. Any other name is not told.
    pub fn model(&self, asked: &str) -> Option<&str> {
        self.model
            .as_deref()
            .filter(|model| model.strip_prefix(asked).is_some_and(|version| version.len() <= MAX_VERSION))
    }

    /// Why each choice ended.
    pub fn finish_reasons(&self) -> &[&'static str] {
        &self.finish_reasons
    }

    /// Whether a choice ended because the model or its provider would not say it.
    pub(crate) fn declined(&self) -> bool {
        self.finish_reasons.iter().any(|reason| matches!(*reason, "content_filter" | "refusal"))
    }

    /// Notes the model, the first time that one is named.
    pub(crate) fn note_model(&mut self, model: Option<&Value>) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/' | b'@');
        if self.model.is_none() {
            let model = model.and_then(Value::as_str);
            self.model = model.filter(|model| model.len() <= 256 && model.bytes().all(plain)).map(Into::into);
        }
    }

    /// Notes why a choice ended, where it has.
    pub(crate) fn note_finish(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.and_then(Value::as_str)
            && self.finish_reasons.len() < MAX_REASONS
        {
            let known = REASONS.iter().find(|known| **known == reason);
            self.finish_reasons.push(known.copied().unwrap_or("other"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_format_and_versions_of_what_was_asked_for_are_told() {
        let mut said = Said::default();
        for model in ["a card: 4111", "gpt-4o-2024-08-06", "another"] {
            said.note_model(Some(&model.into()));
        }
        assert_eq!(said.model("gpt-4o"), Some("gpt-4o-2024-08-06"));
        assert_eq!((said.model("gpt-5"), Said::default().model("gpt-4o")), (None, None));
        let mut long = Said::default();
        long.note_model(Some(&format!("gpt-4o-{}", "4".repeat(MAX_VERSION)).as_str().into()));
        assert_eq!(long.model("gpt-4o"), None);
        for reason in ["stop", "my secret", "length"].into_iter().cycle().take(20) {
            said.note_finish(Some(&reason.into()));
        }
        assert_eq!(said.finish_reasons()[..3], ["stop", "other", "length"]);
        assert_eq!(said.finish_reasons().len(), MAX_REASONS);
    }
}
