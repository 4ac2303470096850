//! JSON that is mended.

use cordon_core::Action;
use serde_json::json;

use super::{
    answers, order,
    support::{PROTOCOLS, Scene},
};

const FENCED: &str = "```json\n{\"id\": \"a\",}\n```";
const MENDED: &str = "{\"id\": \"a\"}";

/// Whether an answer that went out says this.
fn says(released: &str, text: &str) -> bool {
    released.contains(&serde_json::to_string(text).unwrap())
}

#[test]
fn whole_answers_are_mended_where_the_route_asks_for_it() {
    for protocol in PROTOCOLS {
        let route = |repair: bool| {
            let spec =
                if repair { json!({"schema": order(), "repair": true}) } else { json!({"schema": order()}) };
            Scene::new(protocol).route(answers(spec)).rule("format", Action::Block)
        };
        let mended = route(true).whole(FENCED);
        assert!(mended.passes() && says(&mended.text, MENDED), "{}", mended.text);
        assert_eq!(mended.found.len(), 1);
        assert!(mended.found[0].starts_with("answer/repaired "), "{:?}", mended.found);
        // Off by default, and never of a stream.
        assert!(route(false).whole(FENCED).stopped);
        assert!(route(true).streamed(FENCED, 5).stopped);
        // What has the form stays as it is, and what would not have it, too.
        let valid = route(true).whole("{\"id\":  \"a\"}");
        assert!(says(&valid.text, "{\"id\":  \"a\"}") && valid.found.is_empty());
        let wrong = route(true).whole("Sure:\n{\"id\": 1,}");
        assert!(wrong.stopped && wrong.found.iter().all(|one| one.starts_with("format/json ")));
        // A guard may mind it.
        assert!(route(true).rule("answer/repaired", Action::Block).whole(FENCED).stopped);
        // What goes on where the request left off is none by itself.
        let list = match protocol {
            crate::authority::Protocol::Responses => "input",
            _ => "messages",
        };
        let begun = json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "{"}]);
        assert!(route(true).asks(json!({list: begun})).whole(FENCED).stopped);
    }
}

#[test]
fn no_rule_is_needed_and_what_is_mended_is_inspected() {
    for protocol in PROTOCOLS {
        let scene = Scene::new(protocol).route(answers(json!({"format": "json", "repair": true})));
        let plain = scene.clone().whole("Here:\n{\"to\": \"ana@corp.io\"");
        assert!(says(&plain.text, "{\"to\": \"ana@corp.io\"}"), "{}", plain.text);
        let masked = scene.rule("pii", Action::Redact).whole("Here:\n{\"to\": \"ana@corp.io\"");
        assert!(says(&masked.text, "{\"to\": \"[EMAIL]\"}"), "{}", masked.text);
    }
}

#[test]
fn what_would_be_left_out_is_inspected_as_what_is_kept_is() {
    for protocol in PROTOCOLS {
        let scene = Scene::new(protocol).route(answers(json!({"format": "json", "repair": true})));
        let said = "Ask ana@corp.io for it.\n{\"id\": \"a\",}";
        assert!(says(&scene.clone().whole(said).text, MENDED), "nobody minds it");
        assert!(scene.clone().rule("pii", Action::Block).whole(said).stopped);
        let flagged = scene.clone().rule("pii", Action::Flag).whole(said);
        assert!(says(&flagged.text, said), "it goes on as it came: {}", flagged.text);
        assert!(flagged.found.iter().any(|one| one.starts_with("pii/email ")), "{:?}", flagged.found);
        let redacted = scene.clone().rule("pii", Action::Redact).whole(said);
        assert!(says(&redacted.text, &said.replace("ana@corp.io", "[EMAIL]")), "{}", redacted.text);
        // And where the form is a rule too, it has not that.
        let strict = scene.rule("pii", Action::Flag).rule("format", Action::Block);
        assert!(strict.whole(said).stopped);
    }
}

#[test]
fn a_refusal_with_brackets_in_it_is_no_empty_value() {
    for protocol in PROTOCOLS {
        let scene = Scene::new(protocol)
            .route(answers(json!({"format": "json", "repair": true})))
            .rule("format", Action::Block);
        for said in ["As in [1], I cannot help.", "Use {} as a placeholder.", "I cannot help.\n{}"] {
            let answer = scene.clone().whole(said);
            assert!(answer.stopped, "{said}");
            assert!(answer.found.iter().all(|one| one.starts_with("format/json ")), "{:?}", answer.found);
        }
    }
}
