//! An instance of a JSON Schema: what "structured output" answers, and the arguments of a tool call.
//!
//! It follows types, `enum`, `const`, `default`, `properties`, `items`, `prefixItems`, `anyOf`, `oneOf`, `allOf`,
//! local `$ref`, lengths, bounds and common formats. It does not follow `pattern`, `not`, `if` or references to other
//! documents: an answer against such a schema may not satisfy it, as with a real model.

use cordon_core::json::{Number, Object, Value};

/// Values that one instance may hold: a schema can refer to itself.
const VALUES: usize = 4096;
/// Schemas inside one another; below it only what is required is made.
const DEPTH: usize = 12;
/// How often schemas are merged: each time copies them.
const MERGES: usize = 32;

/// An instance of `schema`. Strings without a format take `texts` in turn, the last one for all that follow.
pub(super) fn instance(schema: &Value, texts: &[String]) -> Value {
    let mut maker = Maker { root: schema, texts, next: 0, values: VALUES, merges: MERGES };
    maker.value(schema, 0)
}

struct Maker<'a> {
    root: &'a Value,
    texts: &'a [String],
    next: usize,
    values: usize,
    merges: usize,
}

impl Maker<'_> {
    /// Whether so many values may still be made; they are counted when they may.
    fn spend(&mut self, values: usize) -> bool {
        let left = self.values.checked_sub(values);
        self.values = left.unwrap_or(0);
        left.is_some()
    }

    fn copy(&mut self, given: &Value) -> Value {
        if self.spend(size(given)) { given.clone() } else { Value::Null }
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if !self.spend(1) {
            return Value::Null;
        }
        if depth > DEPTH * 2 {
            return Value::Null;
        }
        if let Some(constant) = schema.get("const") {
            return self.copy(constant);
        }
        if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(<[Value]>::first) {
            return self.copy(first);
        }
        if let Some(target) =
            schema.get("$ref").and_then(Value::as_str).and_then(|path| resolve(self.root, path))
        {
            return self.value(target, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(key).and_then(Value::as_array) {
                // Near the bottom an option that ends, such as null, ends a recursion.
                let is_null = |option: &&Value| option.get("type").and_then(Value::as_str) == Some("null");
                let ending = options.iter().find(is_null).filter(|_| depth >= DEPTH);
                let option =
                    ending.or_else(|| options.iter().find(|option| !is_null(option))).or(options.first());
                return option.map_or(Value::Null, |option| self.value(option, depth + 1));
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            let Some(left) = self.merges.checked_sub(1) else { return Value::Null };
            self.merges = left;
            let merged = merge(schema, all, self.root);
            return self.value(&merged, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth).into(),
            "array" => self.array(schema, depth).into(),
            "boolean" => true.into(),
            "null" => Value::Null,
            "integer" | "number" => number(schema),
            _ => self.string(schema).into(),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Object {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut object = Object::new();
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, property) in properties.iter() {
                if self.values > 0 && (depth < DEPTH || required.contains(&key)) {
                    let value = self.value(property, depth + 1);
                    object.insert(key, value);
                }
            }
        }
        object
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Vec<Value> {
        let least =
            schema.get("minItems").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let most = schema.get("maxItems").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let mut items = Vec::new();
        for item in schema.get("prefixItems").and_then(Value::as_array).unwrap_or_default() {
            items.push(self.value(item, depth + 1));
        }
        let usual = usize::from(depth < DEPTH && items.is_empty());
        let wanted = least.max(usual).min(most.unwrap_or(usize::MAX));
        let any = Value::Object([("type", Value::from("string"))].into_iter().collect());
        while items.len() < wanted && self.values > 0 {
            let item = self.value(schema.get("items").unwrap_or(&any), depth + 1);
            items.push(item);
        }
        items
    }

    fn string(&mut self, schema: &Value) -> String {
        let known = match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
            "date" => "2026-01-01",
            "date-time" => "2026-01-01T00:00:00Z",
            "time" => "00:00:00Z",
            "duration" => "PT1M",
            "email" => "sandbox@example.com",
            "hostname" => "sandbox.example.com",
            "ipv4" => "192.0.2.1",
            "ipv6" => "2001:db8::1",
            "uri" | "url" => "https://example.com/sandbox",
            "uuid" => "00000000-0000-4000-8000-000000000000",
            _ => "",
        };
        if !known.is_empty() {
            return known.to_owned();
        }
        let text = self.texts.get(self.next).or(self.texts.last()).map_or("sandbox", String::as_str);
        self.next += 1;
        let length =
            |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (least, most) =
            (length("minLength").unwrap_or(0).min(VALUES), length("maxLength").unwrap_or(usize::MAX));
        let mut out: String = text.chars().take(most).collect();
        let missing = least.saturating_sub(out.chars().count());
        out.extend(std::iter::repeat_n('x', missing));
        out
    }
}

/// How much a copy costs, in values; 64 bytes of text count as one.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 64,
        // Recursion is bounded by the depth of the tree that was read.
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Object(object) => {
            object.iter().map(|(key, value)| key.len() / 64 + size(value)).sum::<usize>() + 1
        }
        _ => 1,
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() || schema.get("prefixItems").is_some() => "array",
        _ => "string",
    }
}

/// The smallest whole number within the bounds that is also a multiple, where there is one; bounds are read as far as
/// they are whole numbers.
fn number(schema: &Value) -> Value {
    let bound = |key: &str| match schema.get(key) {
        Some(Value::Number(number)) => number.as_i64().or_else(|| {
            let whole = number.as_str().split(['.', 'e', 'E']).next()?;
            whole.parse::<i64>().ok()?.checked_add(i64::from(!number.as_str().starts_with('-')))
        }),
        _ => None,
    };
    let least = bound("minimum").max(bound("exclusiveMinimum").and_then(|n| n.checked_add(1)));
    let most = match (bound("maximum"), bound("exclusiveMaximum").and_then(|n| n.checked_sub(1))) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let step = bound("multipleOf").filter(|step| *step > 0).unwrap_or(1);
    let start = least.unwrap_or_else(|| most.map_or(1, |most| most.min(1)));
    let up = start.checked_add((step - start.rem_euclid(step)) % step).unwrap_or(start);
    let fitting = if most.is_some_and(|most| up > most) { up.saturating_sub(step) } else { up };
    Value::Number(Number::from_i64(fitting))
}

fn resolve<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.strip_prefix('#')?;
    let mut at = root;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        at = match at {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            other => other.get(&step)?,
        };
    }
    Some(at)
}

/// One schema that says what each of `all` says beside the outer one; the later word wins, properties are united.
fn merge(outer: &Value, all: &[Value], root: &Value) -> Value {
    let mut merged = outer.as_object().cloned().unwrap_or_default();
    merged.remove("allOf");
    for part in all.iter().take(64) {
        let target = part.get("$ref").and_then(Value::as_str).and_then(|path| resolve(root, path));
        let Some(part) = target.unwrap_or(part).as_object() else { continue };
        for (key, value) in part.iter() {
            match (merged.get_mut(key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => {
                    for (key, value) in new.iter() {
                        old.insert(key, value.clone());
                    }
                }
                (Some(Value::Array(old)), Value::Array(new)) if key == "required" => {
                    old.extend(new.iter().cloned());
                }
                _ => merged.insert(key, value.clone()),
            }
        }
    }
    merged.into()
}

#[cfg(test)]
mod tests {
    use cordon_core::json::Limits;

    use super::*;

    #[test]
    fn instances_satisfy_their_schemas() {
        for (schema, expected) in [
            (
                r#"{"type":"object","properties":{"name":{"type":"string"},"population":{"type":"integer"}}}"#,
                r#"{"name":"A","population":1}"#,
            ),
            (r#"{"type":"array","items":{"type":"boolean"},"minItems":2}"#, "[true,true]"),
            (r#"{"type":"array","prefixItems":[{"type":"null"},{"const":7}]}"#, "[null,7]"),
            (r#"{"enum":["red","green"]}"#, r#""red""#),
            (r#"{"type":["null","string"]}"#, r#""A""#),
            (r#"{"anyOf":[{"type":"null"},{"type":"number","minimum":2.5}]}"#, "3"),
            (r#"{"type":"integer","minimum":10,"multipleOf":4}"#, "12"),
            (r#"{"type":"integer","exclusiveMinimum":-3,"maximum":-1,"multipleOf":2}"#, "-2"),
            (r#"{"type":"integer","maximum":-5}"#, "-5"),
            (r#"{"type":"string","minLength":4}"#, r#""Axxx""#),
            (r#"{"type":"string","format":"date"}"#, r#""2026-01-01""#),
            (
                r##"{"$ref":"#/$defs/City","$defs":{"City":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}}}"##,
                r#"{"a":"A","b":"B"}"#,
            ),
            (
                r##"{"allOf":[{"$ref":"#/$defs/X"},{"properties":{"b":{"type":"boolean"}}}],"$defs":{"X":{"type":"object","properties":{"a":{"type":"null"}}}}}"##,
                r#"{"a":null,"b":true}"#,
            ),
        ] {
            let schema = Value::parse(schema.as_bytes(), Limits::default()).unwrap();
            assert_eq!(
                instance(&schema, &["A".to_owned(), "B".to_owned()]).to_string(),
                expected,
                "{schema}"
            );
        }
    }

    #[test]
    fn schemas_that_refer_to_themselves_end() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}},"required":["a","b"]}"##,
            r##"{"type":"array","items":{"$ref":"#"},"minItems":1000000000}"##,
            r##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
            r##"{"type":"string","minLength":1000000000000}"##,
        ] {
            let schema = Value::parse(schema.as_bytes(), Limits::default()).unwrap();
            assert!(instance(&schema, &[]).to_vec().len() < 200_000, "{schema}");
        }
    }
}
