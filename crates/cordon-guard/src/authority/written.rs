//! A proposed call as somebody looks at it, and by which it is known again: the same tool with the same arguments is the same text,
//! however its service writes it.

use std::collections::BTreeMap;

use cordon_core::json::{Limits, Object, Value};

use super::calls::{Arguments, Proposal};

impl Proposal {
    /// The call as one text of JSON: `{"arguments":…,"name":…}`, members sorted, numbers as they came. Nothing where readers could take
    /// it for several calls, or its arguments are no JSON that everybody reads alike.
    ///
    /// `proposed` counts what was proposed so far: the second of the same in one answer has a `number`, so that each is approved by itself.
    pub(super) fn written(&self, proposed: &mut BTreeMap<Vec<u8>, usize>) -> Option<Vec<u8>> {
        let mut call = self.object()?;
        let text = |call: &Object| Value::Object(call.clone()).to_string().into_bytes();
        let number = proposed.entry(text(&call)).or_default();
        *number = number.saturating_add(1);
        if *number > 1 {
            call.insert("number", Value::from(*number as u64));
        }
        Some(text(&call))
    }

    fn object(&self) -> Option<Object> {
        let mut names = self.names.iter();
        let (Some(name), None) = (names.next(), names.next()) else { return None };
        let mut arguments: Option<Value> = None;
        for given in &self.arguments {
            let value = match given {
                Arguments::Json(text) => {
                    let limits = Limits { bytes: text.len(), ..Limits::default() };
                    Value::parse(text.as_bytes(), limits).ok()?
                }
                Arguments::Value(value) => value.clone(),
            };
            let value = sorted(value);
            if arguments.as_ref().is_some_and(|known| *known != value) {
                return None;
            }
            arguments = Some(value);
        }
        let arguments = arguments.unwrap_or_else(|| Value::Object(Object::default()));
        Some([("arguments", arguments), ("name", Value::from(name.as_str()))].into_iter().collect())
    }
}

/// The value with the members of each object in the order of their keys.
// Recursion is bounded by the depth of what was parsed.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Object(object) => {
            let mut members: Vec<(String, Value)> =
                object.iter().map(|(key, value)| (key.to_owned(), sorted(value.clone()))).collect();
            members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tree::walk::Path;

    fn written(names: &[&str], arguments: Vec<Arguments>) -> Option<String> {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let proposal = Proposal { names, arguments, path: Path::default() };
        let mut proposed = BTreeMap::new();
        let first = proposal.written(&mut proposed).map(|text| String::from_utf8(text).unwrap())?;
        let second = String::from_utf8(proposal.written(&mut proposed)?).unwrap();
        assert_eq!(second, first.strip_suffix('}').unwrap().to_owned() + r#","number":2}"#);
        Some(first)
    }

    fn json(text: &str) -> Arguments {
        Arguments::Json(text.to_owned())
    }

    #[test]
    fn the_same_call_is_the_same_text_however_it_is_written() {
        let call = r#"{"arguments":{"a":[{"c":2.50,"d":"x"}],"b":1},"name":"pay"}"#;
        let one = r#"{"b":1,"a":[{"d":"x","c":2.50}]}"#;
        assert_eq!(written(&["pay"], vec![json(one)]).as_deref(), Some(call));
        assert_eq!(
            written(&["pay"], vec![json(r#" {"a":[{"c":2.50,"d":"\u0078"}],"b":1}"#), json(one)]).as_deref(),
            Some(call)
        );
        assert_eq!(written(&["pay"], Vec::new()).as_deref(), Some(r#"{"arguments":{},"name":"pay"}"#));
        let text = Arguments::Value(Value::from("ls"));
        assert_eq!(written(&["sh"], vec![text]).as_deref(), Some(r#"{"arguments":"ls","name":"sh"}"#));
        // Another number is another call, and so is the same one written otherwise.
        assert_ne!(
            written(&["pay"], vec![json(r#"{"b":1}"#)]),
            written(&["pay"], vec![json(r#"{"b":1.0}"#)])
        );
    }

    #[test]
    fn what_readers_could_take_for_two_calls_is_none() {
        assert_eq!(written(&["pay", "play"], vec![json("{}")]), None);
        assert_eq!(written(&["pay"], vec![json(r#"{"b":1}"#), json(r#"{"b":2}"#)]), None);
        assert_eq!(written(&["pay"], vec![json(r#"{"b":1,"b":2}"#)]), None);
        assert_eq!(written(&["pay"], vec![json("{")]), None);
        assert_eq!(written(&[], vec![json("{}")]), None);
    }
}
