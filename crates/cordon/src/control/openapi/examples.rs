//! Examples: what was sent to a node and what it answered, as a test recorded it (`tests/openapi.rs`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::describe::{Told, set};

/// A request that was answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// The parameters, by name.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// The body.
    body: Option<Value>,
    /// The answer.
    answer: Option<Value>,
}

/// Every example, by its operation.
pub(super) fn all() -> BTreeMap<String, Example> {
    // A file of the program itself, which a test reads.
    serde_json::from_str(include_str!("examples.json")).unwrap_or_default()
}

impl Example {
    /// Puts it beside what it is an example of.
    pub(super) fn show(&self, told: &mut Told) {
        for parameter in &mut told.parameters {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let example = self.parameters.get(name).cloned();
            set(parameter, "example", example);
        }
        let json = |content: &mut Value, example: &Option<Value>| {
            if let Some(json) = content.get_mut("application/json") {
                set(json, "example", example.clone());
            }
        };
        if let Some(body) = &mut told.body {
            json(body, &self.body);
        }
        if let Some(content) = told.answers.get_mut(&200).and_then(|answer| answer.get_mut("content")) {
            json(content, &self.answer);
        }
    }
}
