//! The prompt of a request: the instructions that it begins with. They are the application's, and come again with every call.

use cordon_core::{
    HmacKey,
    containment::PromptId,
    json::{Object, Value},
};
use smallvec::SmallVec;

use crate::operation::Asked;

/// The prompt that a request brings; nothing where it begins with no instructions, or is no turn of a conversation. The same words
/// are the same prompt in every protocol.
pub(crate) fn of(key: &HmacKey, request: &Asked) -> Option<PromptId> {
    match request {
        Asked::Chat(request) => of_tree(key, request.tree()),
        Asked::CountTokens(request) | Asked::Messages(request) => of_tree(key, request.tree()),
        Asked::Responses(request) => of_tree(key, request.tree()),
        Asked::Embeddings(_) | Asked::Predict(_) => None,
    }
}

/// The prompt of a tree of messages or of items.
fn of_tree(key: &HmacKey, request: &Object) -> Option<PromptId> {
    let mut texts = SmallVec::<[&str; 4]>::new();
    for member in ["system", "instructions"] {
        said(request.get(member), &mut texts);
    }
    let turns = request.get("messages").or_else(|| request.get("input")).and_then(Value::as_array);
    for turn in turns.into_iter().flatten().take_while(|turn| instructs(turn)) {
        said(turn.get("content"), &mut texts);
    }
    PromptId::of(key, &texts)
}

/// Whether a message or an item is the application's.
fn instructs(turn: &Value) -> bool {
    matches!(turn.get("role").and_then(Value::as_str), Some("system" | "developer"))
}

/// What a text, or a list of parts, says.
fn said<'a>(content: Option<&'a Value>, texts: &mut SmallVec<[&'a str; 4]>) {
    match content {
        Some(Value::String(text)) => texts.push(text),
        Some(Value::Array(parts)) => {
            texts.extend(parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::json::Limits;

    use super::*;

    fn prompt(request: &str) -> Option<PromptId> {
        let Value::Object(tree) = Value::parse(request.as_bytes(), Limits::default()).unwrap() else {
            panic!("{request} is no object");
        };
        of_tree(&HmacKey::from_bytes([3; 32]), &tree)
    }

    #[test]
    fn the_same_words_are_the_same_prompt_in_every_protocol() {
        let one =
            prompt(r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"a"}]}"#);
        assert!(one.is_some());
        for same in [
            r#"{"messages":[{"role":"developer","content":[{"type":"text","text":"Be kind."}]}]}"#,
            r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"b"},{"role":"system","content":"c"}]}"#,
            r#"{"system":"Be kind.","messages":[{"role":"user","content":"a"}]}"#,
            r#"{"system":[{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],"messages":[]}"#,
            r#"{"instructions":"Be kind.","input":"a"}"#,
            r#"{"input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"Be kind."}]}]}"#,
        ] {
            assert_eq!(prompt(same), one, "{same}");
        }
        for other in [
            r#"{"messages":[{"role":"system","content":"Be kind. "}]}"#,
            r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"system","content":"Now."}]}"#,
        ] {
            assert!(prompt(other).is_some_and(|other| Some(other) != one), "{other}");
        }
    }

    #[test]
    fn a_request_without_instructions_brings_none() {
        for none in [
            r#"{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}"#,
            r#"{"messages":[{"role":"system","content":""}]}"#,
            r#"{"system":[],"messages":[7]}"#,
            r#"{"input":"a"}"#,
            "{}",
        ] {
            assert_eq!(prompt(none), None, "{none}");
        }
    }
}
