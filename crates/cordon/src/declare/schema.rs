//! What a JSON Schema finds wrong, in words that a person understands.

use std::collections::BTreeMap;

use cordon_core::{
    Category, DURATION, DurationMs, KeyId, Name,
    resource::{API_VERSION, Kind, SecretRef},
};
use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use super::{
    clip, suggest,
    tree::{Node, Position, Tree},
};

/// Something that the schema refuses.
pub(super) struct Problem {
    pub(super) at: Option<Position>,
    pub(super) path: String,
    pub(super) message: String,
}

/// Unknown fields of one mapping that are told one by one.
const MAX_UNKNOWN: usize = 50;

/// The schemas that were needed so far.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<Kind, Option<(Value, Validator)>>);

impl Schemas {
    /// Everything that the schema of its kind finds wrong with a document.
    pub(super) fn check(&mut self, kind: Kind, node: &Node) -> Vec<Problem> {
        let compiled = self.0.entry(kind).or_insert_with(|| {
            let schema = kind.schema().to_value();
            // Own schemas compile (tested for every kind); typed reading would still catch what they would.
            jsonschema::validator_for(&schema).ok().map(|validator| (schema, validator))
        });
        let Some((schema, validator)) = compiled else { return Vec::new() };
        let instance = node.to_json();
        let mut words = Words { schema, node, found: Vec::new() };
        for error in validator.iter_errors(&instance).take(super::MAX_DIAGNOSTICS) {
            words.explain(&error);
        }
        words.found
    }
}

/// What to say where the version is not the one that is read.
pub(super) fn wrong_version(node: &Node) -> String {
    match node.text("apiVersion") {
        Some(other) => format!("unknown apiVersion `{}`; help: write `{API_VERSION}`", clip(other)),
        None => format!("`apiVersion` is missing; help: write `{API_VERSION}`"),
    }
}

struct Words<'a> {
    schema: &'a Value,
    node: &'a Node,
    found: Vec<Problem>,
}

impl Words<'_> {
    fn report(&mut self, at: Option<Position>, path: &str, message: String) {
        self.found.push(Problem { at, path: path.to_owned(), message });
    }

    fn explain(&mut self, error: &ValidationError<'_>) {
        let path = error.instance_path().as_str();
        let at = self.node.locate(path);
        let value = self.node.pointer(path);
        // The schema that holds the keyword that failed.
        let holder = error.schema_path().as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        let holder = self.schema.pointer(holder).unwrap_or(&Value::Null);
        if path == "/apiVersion" {
            return self.report(at, path, wrong_version(self.node));
        }
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known: Vec<&str> = properties(holder).collect();
                // Looking a key up costs the size of its mapping: a mapping of nothing but unknown keys is told in part.
                for field in unexpected.iter().take(MAX_UNKNOWN) {
                    let at = self.node.locate_key(path, field).or(at);
                    let message =
                        format!("unknown field `{}`; {}", clip(field), suggest::help(field, &known));
                    self.report(at, &format!("{path}/{}", escape(field)), message);
                }
                if let more @ 1.. = unexpected.len().saturating_sub(MAX_UNKNOWN) {
                    self.report(at, path, format!("{more} more unknown fields"));
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                if name == "apiVersion" && path.is_empty() {
                    return self.report(at, "/apiVersion", wrong_version(self.node));
                }
                let what = described(holder.pointer(&format!("/properties/{}", escape(name))));
                let what = what.map(|text| format!("; help: {text}")).unwrap_or_default();
                self.report(at, path, format!("`{name}` is missing{what}"));
            }
            ValidationErrorKind::Type { kind } => {
                let message = wrong_type(kind, value);
                self.report(at, path, message);
            }
            ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
                self.alternatives(error, value, context);
            }
            ValidationErrorKind::Constant { expected_value } => {
                let expected = expected_value.as_str().map_or_else(|| expected_value.to_string(), quoted);
                self.report(at, path, format!("{expected} is expected"));
            }
            ValidationErrorKind::Enum { options } => {
                let options: Vec<&str> =
                    options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let message = unknown_word(value, &options, &[]);
                self.report(at, path, message);
            }
            ValidationErrorKind::Pattern { pattern } => {
                self.report(at, path, wrong_form(value, pattern, holder));
            }
            ValidationErrorKind::MinLength { limit } => {
                self.report(at, path, format!("at least {limit} characters are expected"));
            }
            ValidationErrorKind::MaxLength { limit } => {
                self.report(at, path, format!("at most {limit} characters are expected"));
            }
            ValidationErrorKind::Minimum { limit } => {
                self.report(at, path, format!("must be {limit} or more"));
            }
            ValidationErrorKind::Maximum { limit } => {
                self.report(at, path, format!("must be {limit} or less"));
            }
            // Never the value: it may be a secret in the wrong place.
            other => {
                self.report(at, path, format!("does not fit the schema (`{}`)", other.keyword()));
            }
        }
    }

    /// One of several forms was expected: words, or mappings known by their one key, or a list.
    fn alternatives(
        &mut self,
        error: &ValidationError<'_>,
        value: Option<&Node>,
        context: &[Vec<ValidationError<'static>>],
    ) {
        let path = error.instance_path().as_str();
        let forms = self.schema.pointer(error.schema_path().as_str());
        let forms: Vec<&Value> = forms.and_then(Value::as_array).into_iter().flatten().collect();
        let key = |form: &Value| form.pointer("/required/0").and_then(Value::as_str).map(str::to_owned);
        // A value of one form's shape is wrong in that form: say what is wrong inside.
        let shaped = forms.iter().position(|form| match value.map(|node| &node.tree) {
            Some(Tree::Map(entries)) => {
                key(form).is_some_and(|key| entries.iter().any(|entry| entry.key == key))
            }
            Some(Tree::List(_)) => form.get("type").and_then(Value::as_str) == Some("array"),
            _ => false,
        });
        if let Some(inner) = shaped.and_then(|index| context.get(index)).filter(|inner| !inner.is_empty()) {
            // Their paths are from the document's root, as all paths are.
            for error in inner {
                self.explain(error);
            }
            return;
        }
        let words: Vec<&str> =
            forms.iter().filter_map(|form| form.get("const").and_then(Value::as_str)).collect();
        let mut others: Vec<String> =
            forms.iter().filter_map(|form| key(form)).map(|key| format!("`{key}: NAME`")).collect();
        if forms.iter().any(|form| form.get("type").and_then(Value::as_str) == Some("array")) {
            others.push("a list".to_owned());
        }
        let message = unknown_word(value, &words, &others);
        self.report(self.node.locate(path), path, message);
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str())
}

fn described(schema: Option<&Value>) -> Option<String> {
    let text = schema?.get("description")?.as_str()?.trim_end_matches('.');
    let mut chars = text.chars();
    let first = chars.next()?;
    Some(first.to_lowercase().chain(chars).collect())
}

fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

fn unknown_word(value: Option<&Node>, words: &[&str], others: &[String]) -> String {
    let all: Vec<String> = words.iter().map(|word| quoted(word)).chain(others.iter().cloned()).collect();
    let all = all.join(", ");
    match value.map(|node| &node.tree) {
        Some(Tree::Text(word)) => match suggest::nearest(word, words.iter().copied()) {
            Some(near) => format!("`{}` is not known here; help: did you mean `{near}`?", clip(word)),
            None => format!("one of {all} is expected"),
        },
        _ => format!("one of {all} is expected"),
    }
}

fn wrong_type(expected: &TypeKind, value: Option<&Node>) -> String {
    let expected = match expected {
        TypeKind::Single(kind) => kind.to_string(),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| kind.to_string()).find(|kind| kind != "null").unwrap_or_default()
        }
    };
    let expected = match expected.as_str() {
        "string" => "text",
        "array" => "a list",
        "object" => "a mapping",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    };
    let (found, help) = match value.map(|node| &node.tree) {
        None => ("nothing", ""),
        Some(Tree::Null) => ("nothing", ""),
        Some(Tree::Bool(_)) if expected == "text" => ("true or false", "; help: put it in quotes"),
        Some(Tree::Number(_)) if expected == "text" => ("a number", "; help: put it in quotes"),
        Some(Tree::Bool(_)) => ("true or false", ""),
        Some(Tree::Number(_)) => ("a number", ""),
        Some(Tree::Text(_)) => ("text", ""),
        Some(Tree::List(_)) => ("a list", ""),
        Some(Tree::Map(_)) => ("a mapping", ""),
    };
    format!("{expected} is expected, not {found}{help}")
}

/// The types know better than a pattern what is wrong with a text. The text itself is repeated only by types that
/// cannot hold a secret.
fn wrong_form(value: Option<&Node>, pattern: &str, holder: &Value) -> String {
    let text = match value.map(|node| &node.tree) {
        Some(Tree::Text(text)) => text.as_str(),
        _ => "",
    };
    let said = if pattern.starts_with("^(env:") {
        SecretRef::parse(text).err().map(|error| error.to_string())
    } else if pattern == DURATION {
        DurationMs::parse(text).err().map(|error| error.to_string())
    } else if pattern.starts_with("^(ck_)?") {
        KeyId::parse(text).err().map(|error| error.to_string())
    } else if pattern.starts_with("^[a-z0-9_]+(/") {
        Category::parse(text).err().map(|error| error.to_string())
    } else {
        Name::parse(text).err().map(|error| error.to_string())
    };
    said.unwrap_or_else(|| match described(Some(holder)) {
        Some(description) => format!("does not have the expected form; help: {description}"),
        None => format!("does not have the expected form {pattern}"),
    })
}
