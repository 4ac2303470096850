//! The part of JSON Schema (draft 2020-12, <https://json-schema.org/draft/2020-12>) in which the arguments of a tool and the answers of a route are
//! described.
//!
//! A keyword that is not known here is refused, not ignored: a rule that nobody follows is worse than none.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

use super::check;
use crate::{Decimal, canonical::MAX_SAFE_INTEGER};

/// What a value must be. Every keyword has the meaning of the standard; one that speaks of another type than the value's says nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Schema {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its type, or one of several.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub types: Option<SchemaTypes>,
    /// The values that it may be.
    #[serde(default, rename = "enum", skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<Scalar>>,
    /// The value that it must be.
    #[serde(default, rename = "const", deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub constant: Option<Scalar>,
    /// Members of an object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Schema>,
    /// Members that an object must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Members of an object that `properties` does not name. Absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Additional>,
    /// Every item of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Schema>>,
    /// Fewest items of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u32>,
    /// Most items of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u32>,
    /// Fewest characters of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// A regular expression that is found in a string; `^` and `$` tie it to its ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// The greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Decimal>,
    /// What a number must be above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_minimum: Option<Decimal>,
    /// What a number must be below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_maximum: Option<Decimal>,
    /// Of these, at least one must hold beside everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_of: Option<Vec<Schema>>,
}

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueKind {
    /// An array.
    Array,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// `null`.
    Null,
    /// A number.
    Number,
    /// An object.
    Object,
    /// A string.
    String,
}

/// One type or several, written as a word or as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaTypes(pub Vec<ValueKind>);

/// A value that `enum` and `const` may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that every reader holds exactly.
    Whole(i64),
    /// A string.
    Text(String),
}

/// What members of an object must be that are not named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Additional {
    /// Whether there may be any.
    Any(bool),
    /// What they must be.
    Of(Box<Schema>),
}

/// A constant as it stands: one that is `null` is no constant left out.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scalar>, D::Error> {
    Scalar::deserialize(deserializer).map(Some)
}

/// Deepest nesting of a schema.
pub(super) const MAX_DEPTH: usize = 16;
/// The most schemas inside one.
pub(super) const MAX_SCHEMAS: usize = 256;
/// The most entries of `required` and `enum`, and bytes of a pattern or a name.
pub(super) const MAX_LIST: usize = 256;

impl Schema {
    /// What is wrong with it and with the schemas in it, each below this path of a spec.
    pub(in crate::resource) fn problems(&self, path: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut seen = 0;
        self.add_problems(path, 0, &mut seen, &mut found);
        found
    }

    // Recursion is bounded: it ends at the first schema that is too deep.
    fn add_problems(&self, path: &str, depth: usize, seen: &mut usize, found: &mut Vec<(String, String)>) {
        *seen += 1;
        if depth >= MAX_DEPTH {
            found.push((path.to_owned(), "nested deeper than 16".to_owned()));
            return;
        }
        if *seen > MAX_SCHEMAS {
            if *seen == MAX_SCHEMAS + 1 {
                found.push((path.to_owned(), "more than 256 schemas in one".to_owned()));
            }
            return;
        }
        let mut wrong = |keyword: &str, message: String| found.push((format!("{path}/{keyword}"), message));
        if self.types.as_ref().is_some_and(|types| types.0.is_empty()) {
            wrong("type", "a type is expected".to_owned());
        }
        for (keyword, of) in self.said() {
            if !self.allows(of) {
                wrong(keyword, format!("says nothing of the type; help: add `{}` to `type`", of.as_str()));
            }
        }
        if self.choices.as_ref().is_some_and(|choices| choices.is_empty() || choices.len() > MAX_LIST) {
            wrong("enum", "1 to 256 values are expected".to_owned());
        }
        if self.required.len() > MAX_LIST {
            wrong("required", "at most 256 names are expected".to_owned());
        }
        if let Some(name) = self.required.iter().find(|name| self.forbids(name)) {
            wrong("required", format!("`{name}` is required and not allowed; help: add it to `properties`"));
        }
        for (least, most, keyword) in
            [(self.min_items, self.max_items, "minItems"), (self.min_length, self.max_length, "minLength")]
        {
            if let (Some(least), Some(most)) = (least, most)
                && least > most
            {
                wrong(keyword, "more than the maximum, so that nothing would do".to_owned());
            }
        }
        if let Some(message) = self.pattern.as_deref().and_then(check::problem_of_pattern) {
            wrong("pattern", message);
        }
        let plain = |name: &str| (1..=MAX_LIST).contains(&name.len()) && name.is_ascii();
        if !self.properties.keys().chain(&self.required).all(|name| plain(name)) {
            wrong("properties", "names of 1 to 256 ASCII characters are expected".to_owned());
        }
        for (name, schema) in &self.properties {
            schema.add_problems(&format!("{path}/properties/{name}"), depth + 1, seen, found);
        }
        if let Some(Additional::Of(schema)) = &self.additional_properties {
            schema.add_problems(&format!("{path}/additionalProperties"), depth + 1, seen, found);
        }
        if let Some(schema) = &self.items {
            schema.add_problems(&format!("{path}/items"), depth + 1, seen, found);
        }
        if self.any_of.as_ref().is_some_and(|all| all.is_empty() || all.len() > MAX_LIST) {
            found.push((format!("{path}/anyOf"), "1 to 256 schemas are expected".to_owned()));
        }
        for (at, schema) in self.any_of.iter().flatten().enumerate() {
            schema.add_problems(&format!("{path}/anyOf/{at}"), depth + 1, seen, found);
        }
    }

    /// The keywords that it uses which speak of one type only.
    fn said(&self) -> impl Iterator<Item = (&'static str, ValueKind)> {
        use ValueKind::{Array, Number, Object, String};
        [
            ("properties", Object, !self.properties.is_empty()),
            ("required", Object, !self.required.is_empty()),
            ("additionalProperties", Object, self.additional_properties.is_some()),
            ("items", Array, self.items.is_some()),
            ("minItems", Array, self.min_items.is_some()),
            ("maxItems", Array, self.max_items.is_some()),
            ("minLength", String, self.min_length.is_some()),
            ("maxLength", String, self.max_length.is_some()),
            ("pattern", String, self.pattern.is_some()),
            ("minimum", Number, self.minimum.is_some()),
            ("maximum", Number, self.maximum.is_some()),
            ("exclusiveMinimum", Number, self.exclusive_minimum.is_some()),
            ("exclusiveMaximum", Number, self.exclusive_maximum.is_some()),
        ]
        .into_iter()
        .filter_map(|(keyword, of, is_said)| is_said.then_some((keyword, of)))
    }

    /// Whether values of this type may be meant; an integer is a number.
    fn allows(&self, kind: ValueKind) -> bool {
        self.types.as_ref().is_some_and(|types| {
            types.0.contains(&kind) || kind == ValueKind::Number && types.0.contains(&ValueKind::Integer)
        })
    }

    /// Whether an object may not have a member of this name.
    fn forbids(&self, name: &str) -> bool {
        let closed = self.additional_properties.as_ref() == Some(&Additional::Any(false));
        closed && !self.properties.contains_key(name)
    }
}

impl ValueKind {
    /// The word of the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

impl schemars::JsonSchema for Schema {
    fn schema_name() -> Cow<'static, str> {
        "ArgumentSchema".into()
    }

    /// Nothing is said of what is in it: it would have to name itself, and specs are described without names.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "a JSON Schema of the keywords type, enum, const, properties, required, additionalProperties, items, \
                            minItems, maxItems, minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum, \
                            exclusiveMaximum, anyOf, title and description",
        })
    }
}

impl Serialize for SchemaTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SchemaTypes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> de::Visitor<'de> for Written {
            type Value = SchemaTypes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type of JSON values, or a list of them")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<SchemaTypes, E> {
                ValueKind::deserialize(de::value::StrDeserializer::new(word))
                    .map(|kind| SchemaTypes(vec![kind]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<SchemaTypes, A::Error> {
                let mut kinds = Vec::new();
                while let Some(kind) = list.next_element::<ValueKind>()? {
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
                Ok(SchemaTypes(kinds))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Whole(value) => serializer.serialize_i64(*value),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl de::Visitor<'_> for Written {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, true, false, or a whole number within ±(2^53 − 1)")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                if value.unsigned_abs() > MAX_SAFE_INTEGER {
                    return Err(E::invalid_value(de::Unexpected::Signed(value), &self));
                }
                Ok(Scalar::Whole(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                let whole = i64::try_from(value);
                whole
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
                    .and_then(|value| self.visit_i64(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl Serialize for Additional {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any(allowed) => serializer.serialize_bool(*allowed),
            Self::Of(schema) => schema.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Additional {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> de::Visitor<'de> for Written {
            type Value = Additional;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a schema")
            }

            fn visit_bool<E: de::Error>(self, allowed: bool) -> Result<Additional, E> {
                Ok(Additional::Any(allowed))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, members: A) -> Result<Additional, A::Error> {
                Schema::deserialize(MapAccessDeserializer::new(members))
                    .map(|schema| Additional::Of(Box::new(schema)))
            }
        }

        deserializer.deserialize_any(Written)
    }
}
