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
        Asked::Chat(request) => of_tree(key, request.tree(), &CHAT),
        Asked::CountTokens(request) | Asked::Messages(request) => of_tree(key, request.tree(), &MESSAGES),
        Asked::Responses(request) => of_tree(key, request.tree(), &RESPONSES),
        Asked::Embeddings(_) | Asked::Predict(_) => None,
    }
}

/// Where a protocol has its instructions; what other members a request brings says nothing about its prompt.
struct Place {
    /// Beside the conversation.
    beside: Option<&'static str>,
    /// The conversation, which may begin with some.
    turns: &'static str,
}

const CHAT: Place = Place { beside: None, turns: "messages" };
const MESSAGES: Place = Place { beside: Some("system"), turns: "messages" };
const RESPONSES: Place = Place { beside: Some("instructions"), turns: "input" };

/// The prompt of a tree of messages or of items.
fn of_tree(key: &HmacKey, request: &Object, place: &Place) -> Option<PromptId> {
    let mut texts = SmallVec::<[&str; 4]>::new();
    said(place.beside.and_then(|member| request.get(member)), &mut texts);
    let turns = request.get(place.turns).and_then(Value::as_array);
    for turn in turns.into_iter().flatten().take_while(|turn| instructs(turn)) {
        said(turn.get("content"), &mut texts);
    }
    PromptId::of(key, &texts)
}

/// Whether a message or an item is the application's.
pub(crate) fn instructs(turn: &Value) -> bool {
    matches!(turn.get("role").and_then(Value::as_str), Some("system" | "developer"))
}

/// What a text, a list of parts, or a list of items with parts says.
fn said<'a>(content: Option<&'a Value>, texts: &mut SmallVec<[&'a str; 4]>) {
    match content {
        Some(Value::String(text)) => texts.push(text),
        Some(Value::Array(parts)) => {
            for part in parts {
                match part.get("content") {
                    Some(Value::Array(inner)) => texts.extend(inner.iter().filter_map(text)),
                    Some(Value::String(content)) => texts.push(content),
                    _ => texts.extend(text(part)),
                }
            }
        }
        _ => {}
    }
}

/// The text of a part.
fn text(part: &Value) -> Option<&str> {
    part.get("text").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use cordon_core::json::Limits;

    use super::*;

    fn prompt(place: &Place, request: &str) -> Option<PromptId> {
        let Value::Object(tree) = Value::parse(request.as_bytes(), Limits::default()).unwrap() else {
            panic!("{request} is no object");
        };
        of_tree(&HmacKey::from_bytes([3; 32]), &tree, place)
    }

    #[test]
    fn the_same_words_are_the_same_prompt_in_every_protocol() {
        let one = prompt(
            &CHAT,
            r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"a"}]}"#,
        );
        assert!(one.is_some());
        for (place, same) in [
            (&CHAT, r#"{"messages":[{"role":"developer","content":[{"type":"text","text":"Be kind."}]}]}"#),
            (
                &CHAT,
                r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"b"},{"role":"system","content":"c"}]}"#,
            ),
            (
                &CHAT,
                r#"{"instructions":"x","system":"y","messages":[{"role":"system","content":"Be kind."}]}"#,
            ),
            (&MESSAGES, r#"{"system":"Be kind.","messages":[{"role":"user","content":"a"}]}"#),
            (
                &MESSAGES,
                r#"{"system":[{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],"messages":[]}"#,
            ),
            (&RESPONSES, r#"{"instructions":"Be kind.","input":"a"}"#),
            (
                &RESPONSES,
                r#"{"messages":[],"input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"Be kind."}]}]}"#,
            ),
            (
                &RESPONSES,
                r#"{"instructions":[{"role":"system","content":[{"type":"input_text","text":"Be kind."}]}],"input":"a"}"#,
            ),
        ] {
            assert_eq!(prompt(place, same), one, "{same}");
        }
        for other in [
            r#"{"messages":[{"role":"system","content":"Be kind. "}]}"#,
            r#"{"messages":[{"role":"system","content":"Be kind."},{"role":"system","content":"Now."}]}"#,
        ] {
            assert!(prompt(&CHAT, other).is_some_and(|other| Some(other) != one), "{other}");
        }
    }

    #[test]
    fn a_request_without_instructions_brings_none() {
        for (place, none) in [
            (&CHAT, r#"{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}"#),
            (&CHAT, r#"{"messages":[{"role":"system","content":""}]}"#),
            (&MESSAGES, r#"{"system":[],"messages":[7]}"#),
            (&RESPONSES, r#"{"input":"a"}"#),
            (&RESPONSES, "{}"),
        ] {
            assert_eq!(prompt(place, none), None, "{none}");
        }
    }
}
