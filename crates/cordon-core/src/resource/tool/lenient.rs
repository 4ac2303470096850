//! A schema as a request brings it: what of it is known here is kept, and what is not says nothing. So what is read asks for no more
//! than what was written.

use std::collections::BTreeMap;

use super::{
    check::problem_of_pattern,
    schema::{Additional, MAX_DEPTH, MAX_SCHEMAS, Scalar, Schema, SchemaTypes, ValueKind},
};
use crate::{
    Decimal,
    json::{Number, Object, Value},
};

/// The most patterns that are made ready for one request.
const MAX_PATTERNS: usize = 16;
/// The most steps of a pointer.
const MAX_STEPS: usize = 16;

impl Schema {
    /// What a request's schema says, as far as it is said in the keywords that are known here: references into the schema itself are
    /// followed, `oneOf` is read as `anyOf`, other keywords are left out, and so is what is nested too deep or beyond the bounds of
    /// a `Tool`'s schema.
    pub fn lenient(value: &Value) -> Self {
        let mut reader = Reader { root: value, seen: 0, patterns: 0 };
        reader.read(value, 0)
    }
}

struct Reader<'v> {
    root: &'v Value,
    seen: usize,
    patterns: usize,
}

impl<'v> Reader<'v> {
    // Recursion is bounded: by depth, and by the number of schemas in all.
    fn read(&mut self, value: &'v Value, depth: usize) -> Schema {
        self.seen = self.seen.saturating_add(1);
        let Value::Object(written) = value else { return Schema::default() };
        if depth >= MAX_DEPTH || self.seen > MAX_SCHEMAS {
            return Schema::default();
        }
        if let Some(pointer) = written.get("$ref").and_then(Value::as_str) {
            return match self.resolve(pointer) {
                Some(target) => self.read(target, depth.saturating_add(1)),
                None => Schema::default(),
            };
        }
        // Some generators wrap a reference, so that it can have a title.
        if let Some([only]) = written.get("allOf").and_then(Value::as_array)
            && !written
                .iter()
                .any(|(key, _)| matches!(key, "type" | "properties" | "items" | "anyOf" | "enum"))
        {
            return self.read(only, depth.saturating_add(1));
        }
        let count = |key: &str| {
            let count = written.get(key).and_then(Value::as_u64)?;
            Some(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let number = |key: &str| match written.get(key) {
            Some(Value::Number(number)) => decimal(number),
            _ => None,
        };
        let mut schema = Schema {
            types: types(written),
            choices: written.get("enum").and_then(Value::as_array).and_then(scalars),
            constant: written.get("const").and_then(scalar),
            required: names(written.get("required")),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: number("exclusiveMinimum"),
            exclusive_maximum: number("exclusiveMaximum"),
            ..Schema::default()
        };
        schema.pattern = self.pattern(written.get("pattern"));
        if let Some(members) = written.get("properties").and_then(Value::as_object) {
            let deeper = depth.saturating_add(1);
            let read = members.iter().map(|(name, of)| (name.to_owned(), self.read(of, deeper)));
            schema.properties = read.collect::<BTreeMap<_, _>>();
        }
        // Members that these name are not additional ones.
        if written.get("patternProperties").is_none() {
            schema.additional_properties = match written.get("additionalProperties") {
                Some(Value::Bool(any)) => Some(Additional::Any(*any)),
                Some(of @ Value::Object(_)) => {
                    Some(Additional::Of(Box::new(self.read(of, depth.saturating_add(1)))))
                }
                _ => None,
            };
        }
        // Beside those it speaks of the items after the first ones only.
        if written.get("prefixItems").is_none()
            && let Some(of @ Value::Object(_)) = written.get("items")
        {
            schema.items = Some(Box::new(self.read(of, depth.saturating_add(1))));
        }
        let alternatives = written.get("anyOf").or_else(|| written.get("oneOf"));
        schema.any_of = alternatives.and_then(Value::as_array).filter(|all| !all.is_empty()).map(|all| {
            let deeper = depth.saturating_add(1);
            all.iter().map(|one| self.read(one, deeper)).collect()
        });
        schema
    }

    fn pattern(&mut self, value: Option<&Value>) -> Option<String> {
        let text = value.and_then(Value::as_str)?;
        if self.patterns >= MAX_PATTERNS {
            return None;
        }
        self.patterns = self.patterns.saturating_add(1);
        problem_of_pattern(text).is_none().then(|| text.to_owned())
    }

    /// What a pointer into the schema itself names (RFC 6901, without escapes of a URL).
    fn resolve(&self, pointer: &str) -> Option<&'v Value> {
        let mut at = self.root;
        for step in pointer.strip_prefix('#')?.split('/').skip(1).take(MAX_STEPS) {
            let name = step.replace("~1", "/").replace("~0", "~");
            at = match at {
                Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                value => value.get(&name)?,
            };
        }
        Some(at)
    }
}

fn types(written: &Object) -> Option<SchemaTypes> {
    let mut kinds = match written.get("type")? {
        Value::String(word) => vec![kind(word)?],
        Value::Array(words) => words.iter().map(|word| kind(word.as_str()?)).collect::<Option<_>>()?,
        _ => return None,
    };
    if written.get("nullable").and_then(Value::as_bool) == Some(true) {
        kinds.push(ValueKind::Null);
    }
    (!kinds.is_empty()).then_some(SchemaTypes(kinds))
}

fn kind(word: &str) -> Option<ValueKind> {
    use ValueKind::{Array, Boolean, Integer, Null, Number, Object, String};
    [Array, Boolean, Integer, Null, Number, Object, String].into_iter().find(|kind| kind.as_str() == word)
}

/// All of the values, or nothing where one of them cannot be said here.
fn scalars(values: &[Value]) -> Option<Vec<Scalar>> {
    let all: Option<Vec<Scalar>> = values.iter().map(scalar).collect();
    all.filter(|all| !all.is_empty())
}

fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::Bool(value) => Some(Scalar::Bool(*value)),
        Value::String(text) => Some(Scalar::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Scalar::Whole),
        _ => None,
    }
}

fn decimal(number: &Number) -> Option<Decimal> {
    number.as_str().parse().ok()
}

fn names(value: Option<&Value>) -> Vec<String> {
    let names = value.and_then(Value::as_array).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
