//! Cordon's own form. A question:
//!
//! ```json
//! {"channel":"user","text":"you fool"}
//! ```
//!
//! and its answer; without offsets (in bytes) a finding is about the whole text:
//!
//! ```json
//! {"findings":[{"category":"insult","score":0.93,"start":4,"end":8}]}
//! ```

use cordon_core::{
    Channel, Span,
    json::{Object, Value},
    resource::DetectorSpec,
};

use super::{Found, Question, category, score, span};

pub(super) fn question(channel: Channel, text: &str) -> Question {
    let mut object = Object::default();
    object.insert("channel", channel.as_str());
    object.insert("text", text);
    Question { path: "/detect", body: Value::Object(object).to_vec() }
}

pub(super) fn read(tree: &Value, spec: &DetectorSpec, text: &str) -> Option<Vec<Found>> {
    let finding = |value: &Value| {
        let span = match (value.get("start"), value.get("end")) {
            (None, None) => Span::new(0, text.len()),
            (Some(start), Some(end)) => span(text, start.as_u64()?, end.as_u64()?)?,
            _ => return None,
        };
        Some(Found {
            category: category(spec, value.get("category")?)?,
            span,
            score: score(value.get("score")?)?,
        })
    };
    tree.get("findings")?.as_array()?.iter().map(finding).collect()
}
