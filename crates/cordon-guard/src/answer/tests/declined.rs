//! Answers that decline what they were asked for, in every protocol, whole and as a stream in any cut.

use cordon_core::Action;
use proptest::prelude::*;
use serde_json::json;

use super::support::{PROTOCOLS, Scene, chat_answer};
use crate::authority::Protocol;

const NO: &str = "I'm sorry, but I can't help with that.";

fn scene(protocol: Protocol, action: Action) -> Scene {
    Scene::new(protocol).rule("answer/declined", action)
}

#[test]
fn an_answer_that_declines_is_seen() {
    for protocol in PROTOCOLS {
        let part = match protocol {
            Protocol::Chat => "choices/0/message/content",
            Protocol::Messages => "content/0/text",
            Protocol::Responses => "output/0/content/0/text",
        };
        assert_eq!(scene(protocol, Action::Flag).found(NO), [format!("answer/declined flag {part}")]);
        assert_eq!(scene(protocol, Action::Block).found(NO), [format!("answer/declined block {part}")]);
        assert_eq!(scene(protocol, Action::Block).found("Your parcel left on Monday."), [""; 0]);
        assert!(!Scene::new(protocol).rule("pii", Action::Block).expects(), "nobody asks");
        let held = scene(protocol, Action::Block).leaves("Your parcel left on Monday.", 4);
        assert!(
            held.iter().all(|left| [0, *held.last().unwrap()].contains(left)),
            "what may be stopped is held"
        );
    }
}

#[test]
fn a_model_that_says_so_in_a_place_of_its_own_declines() {
    let mut chat = chat_answer("");
    chat["choices"][0]["message"] = json!({"role": "assistant", "content": null, "refusal": "No."});
    assert_eq!(
        scene(Protocol::Chat, Action::Flag).judged(&chat),
        ["answer/declined flag choices/0/message/refusal"]
    );
    let chunks =
        [json!({"role": "assistant", "refusal": ""}), json!({"refusal": "No"}), json!({"refusal": "."})];
    let chunk = |delta: &serde_json::Value, finish: serde_json::Value| {
        json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "x",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        .to_string()
    };
    let mut events: Vec<String> = chunks.iter().map(|delta| chunk(delta, json!(null))).collect();
    events.extend([chunk(&json!({}), json!("stop")), "[DONE]".to_owned()]);
    assert_eq!(
        scene(Protocol::Chat, Action::Flag).stream(&events).found,
        ["answer/declined flag choices/0/message/refusal"]
    );

    let message = |text: &str| {
        json!({"id": "1", "type": "message", "role": "assistant", "model": "x", "stop_reason": "refusal", "stop_sequence": null,
            "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}})
    };
    assert_eq!(
        scene(Protocol::Messages, Action::Flag).judged(&message("Well")),
        ["answer/declined flag stop_reason"]
    );
    let events: Vec<String> = scene(Protocol::Messages, Action::Flag)
        .events("Well", 9)
        .iter()
        .map(|event| event.replace("\"stop_reason\":\"end_turn\"", "\"stop_reason\":\"refusal\""))
        .collect();
    assert_eq!(
        scene(Protocol::Messages, Action::Flag).stream(&events).found,
        ["answer/declined flag stop_reason"]
    );

    let part = json!({"type": "refusal", "refusal": "No."});
    let item =
        json!({"type": "message", "id": "a", "role": "assistant", "status": "completed", "content": [part]});
    let response = json!({"id": "1", "object": "response", "created_at": 1, "status": "completed", "model": "x", "output": [item]});
    let refused = ["answer/declined flag output/0/content/0/refusal"];
    assert_eq!(scene(Protocol::Responses, Action::Flag).judged(&response), refused);
    let (mut opened, mut begun) = (response.clone(), item.clone());
    (opened["status"], opened["output"]) = (json!("in_progress"), json!([]));
    (begun["status"], begun["content"]) = (json!("in_progress"), json!([]));
    let at = |kind: &str, member: &str, value: serde_json::Value| json!({"type": format!("response.{kind}"), "item_id": "a", "output_index": 0, "content_index": 0, member: value});
    let events = [
        json!({"type": "response.created", "response": opened}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
        at("content_part.added", "part", json!({"type": "refusal", "refusal": ""})),
        at("refusal.delta", "delta", json!("No.")),
        at("refusal.done", "refusal", json!("No.")),
        at("content_part.done", "part", part),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": response}),
    ];
    let events: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert_eq!(scene(Protocol::Responses, Action::Flag).stream(&events).found, refused);
}

#[test]
fn a_text_by_itself_is_judged_where_a_guard_asks() {
    use cordon_core::{Channel, Form};
    let inspection = crate::tree::testing::inspection(&[("answer/declined", Action::Flag, Form::Mask)]);
    let found = |channel| inspection.examine(channel, NO).findings.len();
    assert_eq!((found(Channel::Model), found(Channel::User)), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_an_answer_comes_it_declines_or_not(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "I'm sorry", ", but ", "I can't ", "help with ", "that", ". ", "抱歉，", "我无法", "帮助您", "\n", "é", "\"", "Leider kann ich ", "nicht helfen",
        ]), 0..12),
        protocol in 0..3_usize, piece in 1..9_usize, stops in any::<bool>(),
    ) {
        let text = pieces.concat();
        let scene = scene(PROTOCOLS[protocol], if stops { Action::Block } else { Action::Flag });
        let (whole, streamed) = (scene.whole(&text), scene.streamed(&text, piece));
        prop_assert_eq!(&whole.found, &streamed.found);
        prop_assert_eq!(whole.passes(), !streamed.stopped);
        let left = scene.read(&streamed.text);
        prop_assert_eq!(left, if streamed.stopped { String::new() } else { text });
    }
}
