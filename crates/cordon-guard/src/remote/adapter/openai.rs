//! The moderation endpoint of OpenAI, and of everything that speaks it (Cordon's own `/v1/moderations` too):
//! <https://platform.openai.com/docs/api-reference/moderations>.
//!
//! It says nothing of places: a finding is about the whole text. All its categories are always answered, so those without a line in the
//! resource are passed over, and one with a line that is not answered is no answer.

use cordon_core::{
    Score, Span,
    json::{Object, Value},
    resource::DetectorSpec,
};

use super::{Found, Question, score};

/// What is less is what it says of any text.
const LEAST: Score = Score::percent(10);
/// What it flags, by thresholds of its own, is more likely so than not.
const FLAGGED: Score = Score::percent(50);

pub(super) fn question(spec: &DetectorSpec, text: &str) -> Question {
    let mut object = Object::default();
    object.insert("input", text);
    if let Some(model) = &spec.model {
        object.insert("model", model.as_str());
    }
    Question { path: "/moderations", body: Value::Object(object).to_vec() }
}

pub(super) fn read(tree: &Value, spec: &DetectorSpec, text: &str) -> Option<Vec<Found>> {
    let [result] = tree.get("results")?.as_array()? else { return None };
    let (flags, scores) = (result.get("categories")?, result.get("category_scores")?);
    let mut found = Vec::new();
    for (word, category) in &spec.categories {
        let mut score = score(scores.get(word)?)?;
        if flags.get(word).and_then(Value::as_bool) == Some(true) {
            score = score.max(FLAGGED);
        }
        if score >= LEAST {
            found.push(Found { category: category.clone(), span: Span::new(0, text.len()), score });
        }
    }
    Some(found)
}
