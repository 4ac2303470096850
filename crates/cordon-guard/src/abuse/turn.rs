//! What is new in a request: conversations send their history again with each turn, and that is no repetition.

use cordon_core::json::{Object, Value};
use smallvec::SmallVec;

/// What a request adds to its conversation: everything after the model's last word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn<'a> {
    /// What the person or the application says.
    pub(super) texts: SmallVec<[&'a str; 4]>,
    /// Results of tools that the model had asked for.
    pub(super) tool_results: u32,
}

impl<'a> Turn<'a> {
    /// The last turn of a conversation, of messages or of items.
    pub fn of(request: &'a Object) -> Self {
        let mut turn = Self::default();
        match request.get("messages").or_else(|| request.get("input")) {
            Some(Value::String(text)) => turn.texts.push(text),
            Some(Value::Array(items)) => {
                // A request may end with the beginning of the answer.
                let mut items = items.iter().rev().skip_while(|item| of_model(item)).peekable();
                while let Some(item) = items.next_if(|item| !of_model(item)) {
                    turn.add(item);
                }
                turn.texts.reverse();
            }
            _ => {}
        }
        turn
    }

    /// Texts that are no conversation.
    pub fn said(texts: impl Iterator<Item = &'a str>) -> Self {
        Self { texts: texts.collect(), tool_results: 0 }
    }

    /// Adds what a message says, its last part first.
    fn add(&mut self, message: &'a Value) {
        let word = |key| message.get(key).and_then(Value::as_str);
        if matches!(word("role"), Some("tool" | "function")) || word("type").is_some_and(is_result) {
            self.tool_results = self.tool_results.saturating_add(1);
            return;
        }
        if matches!(word("role"), Some("system" | "developer")) {
            return;
        }
        match message.get("content") {
            Some(Value::String(text)) => self.texts.push(text),
            Some(Value::Array(parts)) => parts.iter().rev().for_each(|part| self.part(part)),
            _ => {}
        }
    }

    fn part(&mut self, part: &'a Value) {
        match part.get("type").and_then(Value::as_str) {
            Some(kind) if is_result(kind) => self.tool_results = self.tool_results.saturating_add(1),
            Some("text" | "input_text") => self.texts.extend(part.get("text").and_then(Value::as_str)),
            _ => {}
        }
    }
}

/// Whether a part or an item is what a tool gave.
fn is_result(kind: &str) -> bool {
    kind == "tool_result" || kind.ends_with("_call_output")
}

/// Whether a message or an item is the model's.
fn of_model(item: &Value) -> bool {
    match (item.get("role").and_then(Value::as_str), item.get("type").and_then(Value::as_str)) {
        (Some(role), _) => role == "assistant",
        (None, Some(kind)) => kind == "reasoning" || kind.ends_with("_call"),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::json::Limits;

    use super::*;

    fn check(request: &str, texts: &[&str], tool_results: u32) {
        let Value::Object(tree) = Value::parse(request.as_bytes(), Limits::default()).unwrap() else {
            panic!("{request} is no object");
        };
        let turn = Turn::of(&tree);
        assert_eq!((turn.texts.as_slice(), turn.tool_results), (texts, tool_results), "{request}");
    }

    #[test]
    fn only_what_comes_after_the_models_last_word_is_new() {
        check(
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},
               {"role":"user","content":"c"},{"role":"user","content":[{"type":"text","text":"d"},{"type":"image_url"},
               {"type":"text","text":"e"}]}]}"#,
            &["c", "d", "e"],
            0,
        );
        // The beginning of an answer is the model's, wherever it stands.
        check(
            r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{"}]}"#,
            &["a"],
            0,
        );
        check(r#"{"input":"hello"}"#, &["hello"], 0);
        check(r#"{"messages":7}"#, &[], 0);
        check(r#"{"messages":[7,{"role":"user"},{"content":[8]}]}"#, &[], 0);
    }

    #[test]
    fn results_of_tools_are_counted_once() {
        let history = r#"{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{},{}]},{"role":"tool","content":"1"},
            {"role":"tool","content":"2"}"#;
        check(&format!(r#"{{"messages":[{history}]}}"#), &[], 2);
        let later = r#"{"role":"assistant","tool_calls":[{}]},{"role":"tool","content":"3"}"#;
        check(&format!(r#"{{"messages":[{history},{later}]}}"#), &[], 1);
        check(
            r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use"}]},
               {"role":"user","content":[{"type":"tool_result"},{"type":"tool_result"},{"type":"text","text":"go on"}]}]}"#,
            &["go on"],
            2,
        );
        check(
            r#"{"input":[{"role":"user","content":"a"},{"type":"function_call"},{"type":"function_call_output","output":"1"}]}"#,
            &[],
            1,
        );
    }
}
