//! Whether a value is what a schema says.

use std::{cmp::Ordering, collections::BTreeMap};

use regex_automata::{
    meta::{Config, Regex},
    util::syntax,
};

use super::schema::{Additional, Scalar, Schema, ValueKind};
use crate::{
    Decimal,
    json::{Limits, Object, Value},
};

/// A schema with its patterns ready.
#[derive(Clone, Debug)]
pub struct CheckedArguments {
    schema: Schema,
    /// By their text. A text that is no pattern is none of them, and nothing matches it.
    patterns: BTreeMap<String, Regex>,
}

/// The longest pattern, in bytes, and the memory that it may take.
const MAX_PATTERN: usize = 256;
const MAX_PATTERN_MEMORY: usize = 1 << 20;
/// The longest text of arguments that is read. A longer one does not match.
const MAX_ARGUMENTS: usize = 1 << 20;

/// What is wrong with a pattern, if anything is.
pub(super) fn problem_of_pattern(pattern: &str) -> Option<String> {
    if pattern.len() > MAX_PATTERN {
        return Some("at most 256 bytes are expected".to_owned());
    }
    compiled(pattern).is_none().then(|| {
        "no regular expression that is checked in linear time; help: without look-around and back references".to_owned()
    })
}

fn compiled(pattern: &str) -> Option<Regex> {
    let memory = Config::new()
        .nfa_size_limit(Some(MAX_PATTERN_MEMORY))
        .onepass_size_limit(Some(MAX_PATTERN_MEMORY))
        .hybrid_cache_capacity(MAX_PATTERN_MEMORY);
    Regex::builder().configure(memory).syntax(syntax::Config::new().nest_limit(64)).build(pattern).ok()
}

impl CheckedArguments {
    /// Makes the patterns of a schema ready.
    pub fn new(schema: &Schema) -> Self {
        let mut patterns = BTreeMap::new();
        add_patterns(schema, &mut patterns);
        Self { schema: schema.clone(), patterns }
    }

    /// Whether a value is what the schema says.
    pub fn matches(&self, value: &Value) -> bool {
        self.is(&self.schema, value)
    }

    /// Whether a text is JSON that is what the schema says. No text at all stands for no arguments.
    pub fn matches_text(&self, text: &str) -> bool {
        if text.trim().is_empty() {
            return self.matches(&Value::Object(Object::default()));
        }
        let limits = Limits { bytes: MAX_ARGUMENTS, ..Limits::default() };
        Value::parse(text.as_bytes(), limits).is_ok_and(|value| self.matches(&value))
    }

    // Recursion is bounded by the depth of the schema, and the work by the size of the value.
    fn is(&self, schema: &Schema, value: &Value) -> bool {
        let of_type =
            schema.types.as_ref().is_none_or(|types| types.0.iter().any(|kind| is_of(*kind, value)));
        let chosen = schema.choices.as_ref().is_none_or(|all| all.iter().any(|one| is_scalar(one, value)));
        let constant = schema.constant.as_ref().is_none_or(|one| is_scalar(one, value));
        of_type
            && chosen
            && constant
            && match value {
                Value::Object(object) => self.is_object(schema, object),
                Value::Array(items) => {
                    within(items.len(), schema.min_items, schema.max_items)
                        && schema.items.as_ref().is_none_or(|of| items.iter().all(|item| self.is(of, item)))
                }
                Value::String(text) => {
                    let found = |pattern: &String| {
                        self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text.as_str()))
                    };
                    within(text.chars().count(), schema.min_length, schema.max_length)
                        && schema.pattern.as_ref().is_none_or(found)
                }
                Value::Number(number) => is_number(schema, number.as_str()),
                Value::Bool(_) | Value::Null => true,
            }
    }

    fn is_object(&self, schema: &Schema, object: &Object) -> bool {
        let is_member = |(key, value): (&str, &Value)| match schema.properties.get(key) {
            Some(of) => self.is(of, value),
            None => match &schema.additional_properties {
                None | Some(Additional::Any(true)) => true,
                Some(Additional::Any(false)) => false,
                Some(Additional::Of(of)) => self.is(of, value),
            },
        };
        schema.required.iter().all(|name| object.get(name).is_some()) && object.iter().all(is_member)
    }
}

impl PartialEq for CheckedArguments {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

impl Eq for CheckedArguments {}

fn add_patterns(schema: &Schema, patterns: &mut BTreeMap<String, Regex>) {
    if let Some((text, regex)) =
        schema.pattern.as_ref().and_then(|text| Some((text.clone(), compiled(text)?)))
    {
        patterns.insert(text, regex);
    }
    let additional = match &schema.additional_properties {
        Some(Additional::Of(schema)) => Some(schema.as_ref()),
        _ => None,
    };
    let inner = schema.properties.values().chain(additional).chain(schema.items.as_deref());
    inner.for_each(|schema| add_patterns(schema, patterns));
}

fn is_of(kind: ValueKind, value: &Value) -> bool {
    match (kind, value) {
        (ValueKind::Integer, Value::Number(number)) => is_whole(number.as_str()),
        (ValueKind::Array, Value::Array(_))
        | (ValueKind::Boolean, Value::Bool(_))
        | (ValueKind::Null, Value::Null)
        | (ValueKind::Number, Value::Number(_))
        | (ValueKind::Object, Value::Object(_))
        | (ValueKind::String, Value::String(_)) => true,
        _ => false,
    }
}

/// Whether a number has no fraction: `1.0` has none.
fn is_whole(number: &str) -> bool {
    number.parse::<i128>().is_ok()
        || number.parse::<f64>().is_ok_and(|value| value.is_finite() && value.fract() == 0.0)
}

fn is_scalar(scalar: &Scalar, value: &Value) -> bool {
    match (scalar, value) {
        (Scalar::Bool(one), Value::Bool(other)) => one == other,
        (Scalar::Text(one), Value::String(other)) => one == other,
        (Scalar::Whole(one), Value::Number(other)) => {
            let exact = |one: Decimal| one.compare(other.as_str()) == Some(Ordering::Equal);
            one.to_string().parse().is_ok_and(exact)
        }
        _ => false,
    }
}

fn is_number(schema: &Schema, number: &str) -> bool {
    let holds = |bound: &Option<Decimal>, allowed: &[Ordering]| {
        // How the bound compares with the number; a text that is no number holds to no bound.
        bound.as_ref().is_none_or(|bound| bound.compare(number).is_some_and(|order| allowed.contains(&order)))
    };
    holds(&schema.minimum, &[Ordering::Less, Ordering::Equal])
        && holds(&schema.maximum, &[Ordering::Greater, Ordering::Equal])
        && holds(&schema.exclusive_minimum, &[Ordering::Less])
        && holds(&schema.exclusive_maximum, &[Ordering::Greater])
}

fn within(count: usize, least: Option<u32>, most: Option<u32>) -> bool {
    let bound = |bound: u32| usize::try_from(bound).unwrap_or(usize::MAX);
    least.is_none_or(|least| count >= bound(least)) && most.is_none_or(|most| count <= bound(most))
}
