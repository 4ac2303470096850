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
pub struct CheckedSchema {
    schema: Schema,
    /// By their text. A text that is no pattern is none of them, and nothing matches it.
    patterns: BTreeMap<String, Regex>,
}

/// Where a value is not what a schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// The way to it.
    pub path: Vec<FaultStep>,
    /// In which way.
    pub kind: FaultKind,
}

/// A step of the way to a value inside of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultStep {
    /// An item of an array.
    Item(usize),
    /// A member.
    Member {
        /// Its position in the object.
        at: usize,
        /// Its name, where the schema says it. What another member is called is content.
        name: Option<String>,
    },
}

/// In which way a value is not what a schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It is of another type.
    Type,
    /// It is none of the values, within no bound, found by no pattern, or none of the alternatives.
    Value,
    /// It has too few or too many items or characters.
    Size,
    /// An object lacks a member of this name.
    Missing(String),
    /// A member that may not be there.
    Extra,
}

/// The longest pattern, in bytes, and the memory that it may take.
const MAX_PATTERN: usize = 256;
const MAX_PATTERN_MEMORY: usize = 1 << 20;
/// The longest text that is read. A longer one does not match.
const MAX_TEXT: usize = 1 << 20;

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

impl CheckedSchema {
    /// Makes the patterns of a schema ready.
    pub fn new(schema: &Schema) -> Self {
        let mut patterns = BTreeMap::new();
        add_patterns(schema, &mut patterns);
        Self { schema: schema.clone(), patterns }
    }

    /// Whether a value is what the schema says.
    pub fn matches(&self, value: &Value) -> bool {
        self.faults(value, 1).is_empty()
    }

    /// Whether a text is JSON that is what the schema says. No text at all stands for no arguments.
    pub fn matches_text(&self, text: &str) -> bool {
        if text.trim().is_empty() {
            return self.matches(&Value::Object(Object::default()));
        }
        let limits = Limits { bytes: MAX_TEXT, ..Limits::default() };
        Value::parse(text.as_bytes(), limits).is_ok_and(|value| self.matches(&value))
    }

    /// Where a value is not what the schema says, and in which way: the first of them, in the order of the value, at most this many.
    pub fn faults(&self, value: &Value, most: usize) -> Vec<SchemaFault> {
        let mut finder = Finder { checked: self, most, path: Vec::new(), found: Vec::new() };
        finder.value(&self.schema, value);
        finder.found
    }
}

/// A look through one value.
struct Finder<'c, 'v> {
    checked: &'c CheckedSchema,
    most: usize,
    path: Vec<Place<'v>>,
    found: Vec<SchemaFault>,
}

/// A step to a value inside of another one.
#[derive(Clone, Copy)]
enum Place<'v> {
    Item(usize),
    Member(usize, Option<&'v str>),
}

impl<'c, 'v> Finder<'c, 'v> {
    fn is_full(&self) -> bool {
        self.found.len() >= self.most
    }

    fn add(&mut self, kind: FaultKind) {
        if !self.is_full() {
            let path = self.path.iter().map(|place| match *place {
                Place::Item(at) => FaultStep::Item(at),
                Place::Member(at, name) => FaultStep::Member { at, name: name.map(str::to_owned) },
            });
            self.found.push(SchemaFault { path: path.collect(), kind });
        }
    }

    fn at(&mut self, place: Place<'v>, schema: &'c Schema, value: &'v Value) {
        self.path.push(place);
        self.value(schema, value);
        self.path.pop();
    }

    // Recursion is bounded by the depth of the schema, and the work by its schemas times the size of the value: a schema is a tree, so
    // that each of its schemas meets a value once.
    fn value(&mut self, schema: &'c Schema, value: &'v Value) {
        if self.is_full() {
            return;
        }
        if schema.types.as_ref().is_some_and(|types| !types.0.iter().any(|kind| is_of(*kind, value))) {
            // What else is said of it would only repeat that.
            return self.add(FaultKind::Type);
        }
        let chosen = schema.choices.as_ref().is_none_or(|all| all.iter().any(|one| is_scalar(one, value)));
        let constant = schema.constant.as_ref().is_none_or(|one| is_scalar(one, value));
        if !(chosen && constant) {
            self.add(FaultKind::Value);
        }
        match value {
            Value::Object(object) => self.object(schema, object),
            Value::Array(items) => {
                if !within(items.len(), schema.min_items, schema.max_items) {
                    self.add(FaultKind::Size);
                }
                if let Some(of) = &schema.items {
                    for (at, item) in items.iter().enumerate() {
                        self.at(Place::Item(at), of, item);
                        if self.is_full() {
                            return;
                        }
                    }
                }
            }
            Value::String(text) => {
                if !within(text.chars().count(), schema.min_length, schema.max_length) {
                    self.add(FaultKind::Size);
                }
                let patterns = &self.checked.patterns;
                let found = |pattern: &String| {
                    patterns.get(pattern).is_some_and(|regex| regex.is_match(text.as_str()))
                };
                if !schema.pattern.as_ref().is_none_or(found) {
                    self.add(FaultKind::Value);
                }
            }
            Value::Number(number) => {
                if !is_number(schema, number.as_str()) {
                    self.add(FaultKind::Value);
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
        let fits = |one: &'c Schema| {
            let mut finder = Finder { checked: self.checked, most: 1, path: Vec::new(), found: Vec::new() };
            finder.value(one, value);
            finder.found.is_empty()
        };
        if schema.any_of.as_ref().is_some_and(|all| !all.iter().any(fits)) {
            self.add(FaultKind::Value);
        }
    }

    fn object(&mut self, schema: &'c Schema, object: &'v Object) {
        if let Some(name) = schema.required.iter().find(|name| object.get(name).is_none()) {
            self.add(FaultKind::Missing(name.clone()));
        }
        for (at, (key, value)) in object.iter().enumerate() {
            if self.is_full() {
                return;
            }
            match (schema.properties.get(key), &schema.additional_properties) {
                (Some(of), _) => self.at(Place::Member(at, Some(key)), of, value),
                (None, None | Some(Additional::Any(true))) => {}
                (None, Some(Additional::Any(false))) => {
                    self.path.push(Place::Member(at, None));
                    self.add(FaultKind::Extra);
                    self.path.pop();
                }
                (None, Some(Additional::Of(of))) => self.at(Place::Member(at, None), of, value),
            }
        }
    }
}

impl PartialEq for CheckedSchema {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

impl Eq for CheckedSchema {}

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
    let alternatives = schema.any_of.iter().flatten();
    let inner =
        schema.properties.values().chain(additional).chain(schema.items.as_deref()).chain(alternatives);
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
