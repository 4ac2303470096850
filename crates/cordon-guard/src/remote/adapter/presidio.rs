//! The analyzer of Presidio, served over HTTP: <https://microsoft.github.io/presidio/api-docs/api-docs.html>.
//!
//! It is asked for the entities that have a line in the resource and for no others. Its offsets are those of Python: characters, not
//! bytes.

use cordon_core::{
    json::{Object, Value},
    resource::DetectorSpec,
};

use super::{Characters, Found, Question, category, score};

pub(super) fn question(spec: &DetectorSpec, text: &str) -> Question {
    let mut object = Object::default();
    object.insert("text", text);
    object.insert("language", spec.language.as_deref().unwrap_or("en"));
    object
        .insert("entities", spec.categories.keys().map(|word| word.as_str().into()).collect::<Vec<Value>>());
    Question { path: "/analyze", body: Value::Object(object).to_vec() }
}

pub(super) fn read(tree: &Value, spec: &DetectorSpec, text: &str) -> Option<Vec<Found>> {
    let characters = Characters::of(text);
    let entity = |value: &Value| {
        let span = characters.span(value.get("start")?.as_u64()?, value.get("end")?.as_u64()?)?;
        let category = category(spec, value.get("entity_type")?)?;
        Some(Found { category, span, score: score(value.get("score")?)? })
    };
    tree.as_array()?.iter().map(entity).collect()
}
