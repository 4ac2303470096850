use cordon_core::json::Value;

/// What an answer says of itself, as far as it is no content: an upstream is not believed to put nothing else there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    model: Option<Box<str>>,
    finish_reasons: Vec<&'static str>,
    /// Whether the model declines in a place of its own.
    refusal: bool,
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

    /// Whether a choice ended because the model or its provider would not say it, or the model declines in the place that its format has
    /// for that.
    pub(crate) fn declined(&self) -> bool {
        self.refusal
            || self.finish_reasons.iter().any(|reason| matches!(*reason, "content_filter" | "refusal"))
    }

    /// Notes the model, the first time that one is named.
    pub(crate) fn note_model(&mut self, model: Option<&Value>) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/' | b'@');
        if self.model.is_none() {
            let model = model.and_then(Value::as_str);
            self.model = model.filter(|model| model.len() <= 256 && model.bytes().all(plain)).map(Into::into);
        }
    }

    /// Notes what a model says in the place in which it declines.
    pub(crate) fn note_refusal(&mut self, refusal: Option<&Value>) {
        self.refusal |= refusal.and_then(Value::as_str).is_some_and(|said| !said.trim().is_empty());
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
    use serde_json::json;

    use super::*;
    use crate::{
        openai, responses,
        tree::{
            gate::{Gate, StreamOptions},
            testing::{inspection, tree},
        },
    };

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

    #[test]
    fn who_declines_in_a_place_of_its_own_is_seen_whole_and_as_a_stream() {
        let chat = |member: serde_json::Value, reason: &str| {
            let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": member, "finish_reason": reason}]});
            openai::Response::read(tree(answer.to_string())).unwrap().said().declined()
        };
        let response = |part: &serde_json::Value| {
            let output = json!([{"type": "message", "id": "a", "role": "assistant", "status": "completed", "content": [part]}]);
            json!({"id": "1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": output})
        };
        let (declining, saying) = (
            json!({"type": "refusal", "refusal": "I cannot help with that."}),
            json!({"type": "output_text", "text": "ok", "annotations": []}),
        );
        for (said, declined) in [
            (json!({"role": "assistant", "content": null, "refusal": "I cannot help with that."}), true),
            (json!({"role": "assistant", "content": "ok", "refusal": null}), false),
            (json!({"role": "assistant", "content": "ok", "refusal": ""}), false),
            (json!({"role": "assistant", "content": "ok"}), false),
        ] {
            assert_eq!(chat(said.clone(), "stop"), declined, "{said}");
            assert!(chat(said, "content_filter"));
        }
        for (part, declined) in [(&declining, true), (&saying, false)] {
            let whole = responses::Response::read(tree(response(part).to_string())).unwrap();
            assert_eq!(whole.said().declined(), declined, "{part}");
        }
        let streamed = |mut gate: Box<dyn Gate>, events: &[serde_json::Value]| {
            let mut out = Vec::new();
            for event in events {
                gate.event(&event.to_string(), &mut out).unwrap();
            }
            gate.said().declined()
        };
        let options = || StreamOptions {
            call: cordon_core::CallId::from_bytes([1; 16]),
            route: "m".to_owned(),
            include_usage: false,
            refusal: cordon_core::resource::RefusalStyle::Error,
            max_bytes: 1 << 20,
        };
        for (member, declined) in [("refusal", true), ("content", false)] {
            let chunk = |delta: serde_json::Value, end: serde_json::Value| {
                json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": end}]})
            };
            let events = [
                chunk(json!({member: "I cannot "}), json!(null)),
                chunk(json!({member: "do it."}), json!("stop")),
            ];
            let gate = openai::StreamGate::new(inspection(&[]), crate::Tokens::default(), options());
            assert_eq!(streamed(Box::new(gate), &events), declined);
        }
        for (part, declined) in [(&declining, true), (&saying, false)] {
            let mut begun = response(part);
            (begun["output"], begun["status"]) = (json!([]), json!("in_progress"));
            let events = [
                json!({"type": "response.created", "sequence_number": 0, "response": begun}),
                json!({"type": "response.completed", "sequence_number": 1, "response": response(part)}),
            ];
            let gate = responses::ResponseGate::new(inspection(&[]), crate::Tokens::default(), options());
            assert_eq!(streamed(Box::new(gate), &events), declined, "{part}");
        }
    }
}
