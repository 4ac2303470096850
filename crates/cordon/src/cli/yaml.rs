//! Writes YAML that this program reads back as the same value.

use serde_json::Value;

/// A value as a block, without a line break at the end of a scalar.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                out.push_str(&" ".repeat(indent));
                out.push_str(&scalar(key));
                out.push(':');
                inner(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                if is_small(item) {
                    inner(item, indent, out);
                } else {
                    // The first key or item stands beside the dash.
                    let mut nested = String::new();
                    block(item, indent.saturating_add(2), &mut nested);
                    out.push(' ');
                    out.push_str(nested.trim_start());
                }
            }
        }
        other => {
            out.push_str(&" ".repeat(indent));
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

fn inner(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() && !is_small(value) => {
            out.push('\n');
            block(value, indent.saturating_add(2), out);
        }
        Value::Array(items) if !items.is_empty() && !is_small(value) => {
            out.push('\n');
            block(value, indent.saturating_add(2), out);
        }
        other => {
            out.push(' ');
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

/// Whether a value is read well on one line.
fn is_small(value: &Value) -> bool {
    let flat = |value: &Value| !matches!(value, Value::Object(_) | Value::Array(_));
    let text = flow(value);
    text.chars().count() <= 90
        && match value {
            Value::Array(items) => items.iter().all(flat),
            Value::Object(members) => members.values().all(|value| flat(value) || is_small(value)),
            _ => true,
        }
}

pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// Plain where no reader could take it for anything but this text; otherwise in double quotes.
fn scalar(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(word)
        && !reserved.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Not printable in YAML (section 5.1), or a line break to some readers.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::declare;

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[a-z]{1,8}",
            "\\PC{0,12}",
            any::<String>(),
            Just("null".to_owned()),
            Just("1e3".to_owned())
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in value()) {
            let text = write(&json!({ "apiVersion": "cordon/v1", "kind": "Team", "spec": value }));
            prop_assert_eq!(declare::parse_value(text.as_bytes()), Ok(json!({ "apiVersion": "cordon/v1", "kind": "Team", "spec": value })), "{}", text);
        }
    }

    #[test]
    fn blocks_are_read_well() {
        let long = "a".repeat(95);
        let text =
            write(&json!({ "rules": [{ "action": "block", "text": long }, [1]], "yes": "no", "at": 0.5 }));
        let expected =
            format!("at: 0.5\nrules:\n  - action: block\n    text: {long}\n  - [1]\n\"yes\": \"no\"\n");
        assert_eq!(text, expected);
    }
}
