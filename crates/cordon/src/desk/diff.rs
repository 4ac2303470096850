//! The difference between two specs, field by field.

use cordon_core::{command::Change, resource::Resource};
use serde_json::Value;

use crate::api::{ChangeKind, ChangeView, FieldChange};

/// Longest lists that are aligned entry by entry: aligning costs the product of the lengths.
const MAX_ALIGNED: usize = 512;

/// What a change changes, field by field.
pub(super) fn change(change: &Change) -> Option<ChangeView> {
    let resource = change.after.as_ref().or(change.before.as_ref())?;
    let kind = match (&change.before, &change.after) {
        (None, _) => ChangeKind::Create,
        (_, None) => ChangeKind::Delete,
        _ => ChangeKind::Change,
    };
    let fields = fields(change.before.as_ref(), change.after.as_ref());
    Some(ChangeView { change: kind, kind: resource.spec.kind(), name: resource.name.clone(), fields })
}

/// The fields that differ. Values of sealed fields are never shown.
pub(super) fn fields(before: Option<&Resource>, after: Option<&Resource>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before.map(masked).as_ref(), after.map(masked).as_ref(), &mut found);
    for field in &mut found {
        field.sealed = [&mut field.before, &mut field.after].into_iter().fold(false, |sealed, value| {
            let hidden = value.as_mut().is_some_and(hide);
            sealed || hidden
        });
    }
    found
}

/// Stands for a sealed value, with something that tells two values apart.
const SEALED: &str = "\u{0}sealed:";

/// The spec with its sealed values replaced by what only says whether they are the same.
fn masked(resource: &Resource) -> Value {
    let mut spec = resource.spec.clone();
    for (path, field) in spec.sealed_fields() {
        let mark = match field.digest() {
            Some(digest) => digest.to_string(),
            // Still open: a plan closes what has not changed, so this one is new.
            None => format!("new at {path}"),
        };
        *field = cordon_core::Sealed::Open(format!("{SEALED}{mark}"));
    }
    spec.write(serde_json::value::Serializer).unwrap_or(Value::Null)
}

/// Takes the marks out again; says whether there was one.
fn hide(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.starts_with(SEALED) => {
            "(sealed)".clone_into(text);
            true
        }
        // Counting visits every entry; asking for any would stop at the first and leave marks in the others.
        Value::Array(items) => items.iter_mut().map(hide).filter(|hidden| *hidden).count() > 0,
        Value::Object(members) => members.values_mut().map(hide).filter(|hidden| *hidden).count() > 0,
        _ => false,
    }
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, value) in old {
                compare(&join(path, key), Some(value), new.get(key), found);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&join(path, key), None, Some(value), found);
            }
        }
        // A resource that appears or goes: one line for each of its fields.
        (None, Some(Value::Object(new))) if path.is_empty() => {
            for (key, value) in new {
                compare(key, None, Some(value), found);
            }
        }
        (Some(Value::Object(old)), None) if path.is_empty() => {
            for (key, value) in old {
                compare(key, Some(value), None, found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new)))
            if old.len() <= MAX_ALIGNED && new.len() <= MAX_ALIGNED =>
        {
            lists(path, old, new, found);
        }
        (before, after) => found.push(FieldChange {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
            sealed: false,
        }),
    }
}

/// Lists are aligned along their longest common part, so that an entry put in front does not change all others.
fn lists(path: &str, old: &[Value], new: &[Value], found: &mut Vec<FieldChange>) {
    let (mut i, mut j) = (0_usize, 0_usize);
    for (k, l) in common(old, new).into_iter().chain([(old.len(), new.len())]) {
        // Between two common entries: pairs are changed, the rest is gone or new.
        while i < k || j < l {
            let (before, after) = (old.get(i).filter(|_| i < k), new.get(j).filter(|_| j < l));
            let at = if after.is_some() { j } else { i };
            compare(&format!("{path}[{at}]"), before, after, found);
            i = i.saturating_add(usize::from(before.is_some()));
            j = j.saturating_add(usize::from(after.is_some()));
        }
        (i, j) = (k.saturating_add(1), l.saturating_add(1));
    }
}

/// The positions of a longest common part.
fn common(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let width = new.len().saturating_add(1);
    let mut lengths = vec![0_u32; old.len().saturating_add(1).saturating_mul(width)];
    let at = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let get = |lengths: &[u32], i, j| lengths.get(at(i, j)).copied().unwrap_or(0);
    for (i, x) in old.iter().enumerate().rev() {
        for (j, y) in new.iter().enumerate().rev() {
            let (below, right) = (i.saturating_add(1), j.saturating_add(1));
            let length = if x == y {
                get(&lengths, below, right).saturating_add(1)
            } else {
                get(&lengths, below, j).max(get(&lengths, i, right))
            };
            if let Some(cell) = lengths.get_mut(at(i, j)) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (old.get(i), new.get(j)) {
        let (below, right) = (i.saturating_add(1), j.saturating_add(1));
        if x == y {
            pairs.push((i, j));
            (i, j) = (below, right);
        } else if get(&lengths, below, j) >= get(&lengths, i, right) {
            i = below;
        } else {
            j = right;
        }
    }
    pairs
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(before: &Value, after: &Value, expected: &[(&str, Value, Value)]) {
        let mut found = Vec::new();
        compare("", Some(before), Some(after), &mut found);
        let found: Vec<(&str, Value, Value)> = found
            .iter()
            .map(|field| {
                let value = |value: &Option<Value>| value.clone().unwrap_or(Value::Null);
                (field.path.as_str(), value(&field.before), value(&field.after))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_are_compared_one_by_one() {
        check(
            &json!({"a": 1, "b": {"c": 2}}),
            &json!({"a": 1, "b": {"c": 3}}),
            &[("b.c", json!(2), json!(3))],
        );
        check(
            &json!({"a": 1}),
            &json!({"b": 1}),
            &[("a", json!(1), Value::Null), ("b", Value::Null, json!(1))],
        );
        check(&json!({"a": [1]}), &json!({"a": "none"}), &[("a", json!([1]), json!("none"))]);
    }

    #[test]
    fn an_entry_put_in_front_is_one_change() {
        let (old, new) = (json!([{"n": 1}, {"n": 2}]), json!([{"n": 0}, {"n": 1}, {"n": 2}]));
        check(&old, &new, &[("[0]", Value::Null, json!({"n": 0}))]);
        check(&new, &old, &[("[0]", json!({"n": 0}), Value::Null)]);
        check(&json!([1, 2, 3]), &json!([1, 9, 3]), &[("[1]", json!(2), json!(9))]);
        check(
            &json!([1, 2]),
            &json!([2, 1]),
            &[("[0]", json!(1), Value::Null), ("[1]", Value::Null, json!(1))],
        );
    }
}
