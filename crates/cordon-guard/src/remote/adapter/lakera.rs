//! Lakera Guard, version 2: <https://docs.lakera.ai/docs/api/guard>.
//!
//! Which detectors run is said by the project's policy there. What one has detected is a finding, with a score of 1, since no number
//! comes with it: at the places that the answer names for its type, otherwise about the whole text. A line of the resource stands for a type and
//! for what is below it: `pii` for `pii/email`.

use std::collections::BTreeSet;

use cordon_core::{
    Category, Channel, Score, Span,
    json::{Object, Value},
    resource::DetectorSpec,
};

use super::{Characters, Found, Question};

pub(super) fn question(spec: &DetectorSpec, channel: Channel, text: &str) -> Question {
    let mut message = Object::default();
    let role = match channel {
        Channel::System => "system",
        Channel::User | Channel::Document => "user",
        Channel::ToolOutput => "tool",
        Channel::Model => "assistant",
    };
    message.insert("role", role);
    message.insert("content", text);
    let mut object = Object::default();
    object.insert("messages", vec![Value::Object(message)]);
    object.insert("breakdown", true);
    object.insert("payload", true);
    if let Some(project) = &spec.project {
        object.insert("project_id", project.as_str());
    }
    Question { path: "/guard", body: Value::Object(object).to_vec() }
}

pub(super) fn read(tree: &Value, spec: &DetectorSpec, text: &str) -> Option<Vec<Found>> {
    let flagged = tree.get("flagged")?.as_bool()?;
    let characters = Characters::of(text);
    let (mut found, mut placed) = (Vec::new(), BTreeSet::new());
    for place in tree.get("payload").map(Value::as_array).unwrap_or(Some(&[]))? {
        let word = place.get("detector_type")?.as_str()?;
        let span = characters.span(place.get("start")?.as_u64()?, place.get("end")?.as_u64()?)?;
        // It says what stands there: whoever counts otherwise than we do is not believed.
        if place.get("text").is_some_and(|said| said.as_str() != text.get(span.range())) {
            return None;
        }
        placed.insert(word);
        found.push(Found { category: category(spec, word)?, span, score: Score::ONE });
    }
    let mut detected = false;
    for line in tree.get("breakdown")?.as_array()? {
        let word = line.get("detector_type")?.as_str()?;
        if !line.get("detected")?.as_bool()? {
            continue;
        }
        detected = true;
        if !placed.contains(word) {
            let span = Span::new(0, text.len());
            found.push(Found { category: category(spec, word)?, span, score: Score::ONE });
        }
    }
    (flagged == detected || !flagged).then_some(found)
}

/// Our category for a type, or for what it is below.
fn category(spec: &DetectorSpec, word: &str) -> Option<Category> {
    let mut at = word;
    loop {
        if let Some(category) = spec.categories.get(at) {
            return Some(category.clone());
        }
        (at, _) = at.rsplit_once('/')?;
    }
}
