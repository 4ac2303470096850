//! A schema as a request brings it: what of it is known here is kept, and what is not says nothing. So what is read asks for no more
//! than what was written. A caller wrote it: it costs no more than the bounds here, however large it is and whatever it refers to.

use super::{
    check::problem_of_pattern,
    schema::{Additional, MAX_DEPTH, MAX_LIST, MAX_SCHEMAS, Scalar, Schema, SchemaTypes, ValueKind},
};
use crate::{
    Decimal,
    json::{Number, Object, Value},
};

/// The most patterns that are made ready for one request.
const MAX_PATTERNS: usize = 16;
/// The most steps of a pointer.
const MAX_STEPS: usize = 16;
/// The most types of one schema; there are fewer.
const MAX_TYPES: usize = 8;
/// The most members that are looked through and bytes that are kept, together: a reference may name the same large thing again and
/// again.
const MAX_WORK: usize = 1 << 18;

impl Schema {
    /// What a request's schema says, as far as it is said in the keywords that are known here: references into the schema itself are
    /// followed, `oneOf` is read as `anyOf`, other keywords are left out, and so is what is nested too deep or beyond the bounds of
    /// a `Tool`'s schema. It has no more schemas than that bound.
    pub fn lenient(value: &Value) -> Self {
        let mut reader = Reader { root: value, seen: 0, patterns: 0, work: MAX_WORK };
        reader.read(value, 0)
    }
}

struct Reader<'v> {
    root: &'v Value,
    seen: usize,
    patterns: usize,
    /// What is left of it.
    work: usize,
}

impl<'v> Reader<'v> {
    // Recursion is bounded: by depth, and by the number of schemas in all.
    fn read(&mut self, value: &'v Value, depth: usize) -> Schema {
        let is_full = self.is_full();
        self.seen = self.seen.saturating_add(1);
        let Value::Object(written) = value else { return Schema::default() };
        if depth >= MAX_DEPTH || is_full || !self.takes(written.len()) {
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
            choices: written.get("enum").and_then(Value::as_array).and_then(|all| self.scalars(all)),
            constant: written.get("const").and_then(|value| self.scalar(value)),
            required: self.names(written.get("required")),
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
        let deeper = depth.saturating_add(1);
        let mut names_all = true;
        for (name, of) in
            written.get("properties").and_then(Value::as_object).into_iter().flat_map(Object::iter)
        {
            if self.is_full() || !self.takes(name.len()) {
                names_all = false;
                break;
            }
            schema.properties.insert(name.to_owned(), self.read(of, deeper));
        }
        // Members that these name are not additional ones, and neither are those that were not read.
        if names_all && written.get("patternProperties").is_none() {
            schema.additional_properties = match written.get("additionalProperties") {
                Some(Value::Bool(any)) => Some(Additional::Any(*any)),
                Some(of @ Value::Object(_)) if !self.is_full() => {
                    Some(Additional::Of(Box::new(self.read(of, deeper))))
                }
                _ => None,
            };
        }
        // Beside those it speaks of the items after the first ones only.
        if written.get("prefixItems").is_none()
            && let Some(of @ Value::Object(_)) = written.get("items")
            && !self.is_full()
        {
            schema.items = Some(Box::new(self.read(of, deeper)));
        }
        let alternatives = written.get("anyOf").or_else(|| written.get("oneOf"));
        if let Some(all) = alternatives.and_then(Value::as_array).filter(|all| !all.is_empty()) {
            schema.any_of = self.alternatives(all, deeper);
        }
        schema
    }

    /// All of them, or nothing where one of them is not read: it may be the one that holds.
    fn alternatives(&mut self, all: &'v [Value], depth: usize) -> Option<Vec<Schema>> {
        let mut read = Vec::new();
        for one in all {
            if self.is_full() {
                return None;
            }
            read.push(self.read(one, depth));
        }
        Some(read)
    }

    const fn is_full(&self) -> bool {
        self.seen >= MAX_SCHEMAS || self.work == 0
    }

    /// Whether this much may be looked through or kept. What is beyond the bound ends the reading.
    fn takes(&mut self, much: usize) -> bool {
        let left = self.work.checked_sub(much);
        self.work = left.unwrap_or_default();
        left.is_some()
    }

    /// All of the values, or nothing where one of them cannot be said here or there are too many.
    fn scalars(&mut self, values: &[Value]) -> Option<Vec<Scalar>> {
        if !(1..=MAX_LIST).contains(&values.len()) {
            return None;
        }
        values.iter().map(|value| self.scalar(value)).collect()
    }

    fn scalar(&mut self, value: &Value) -> Option<Scalar> {
        match value {
            Value::Bool(value) => Some(Scalar::Bool(*value)),
            Value::String(text) => self.takes(text.len()).then(|| Scalar::Text(text.clone())),
            Value::Number(number) => number.as_i64().map(Scalar::Whole),
            _ => None,
        }
    }

    /// The first of the names. Those beyond the bound are not asked for.
    fn names(&mut self, value: Option<&Value>) -> Vec<String> {
        let all = value.and_then(Value::as_array).unwrap_or_default();
        let names = all.iter().take(MAX_LIST).filter_map(Value::as_str);
        names.filter(|name| self.takes(name.len())).map(str::to_owned).collect()
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
    fn resolve(&mut self, pointer: &str) -> Option<&'v Value> {
        if !self.takes(pointer.len()) {
            return None;
        }
        let mut at = self.root;
        for step in pointer.strip_prefix('#')?.split('/').skip(1).take(MAX_STEPS) {
            let name = step.replace("~1", "/").replace("~0", "~");
            at = match at {
                Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                Value::Object(object) if self.takes(object.len()) => object.get(&name)?,
                _ => return None,
            };
        }
        Some(at)
    }
}

fn types(written: &Object) -> Option<SchemaTypes> {
    let mut kinds = match written.get("type")? {
        Value::String(word) => vec![kind(word)?],
        Value::Array(words) if words.len() <= MAX_TYPES => {
            words.iter().map(|word| kind(word.as_str()?)).collect::<Option<_>>()?
        }
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

fn decimal(number: &Number) -> Option<Decimal> {
    number.as_str().parse().ok()
}
