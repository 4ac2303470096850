//! What answers are meant to be, in every protocol, whole and as a stream in any cut: the same is found, and what may not go on does not.

mod declined;
mod grounding;
mod repair;
mod support;
mod topics;
mod window;

use cordon_core::{Action, resource::Answers};
use proptest::prelude::*;
use serde_json::json;

use self::support::{PROTOCOLS, Released, Scene, chat_answer, found};
use crate::authority::Protocol;

fn answers(spec: serde_json::Value) -> Answers {
    serde_json::from_value(spec).unwrap()
}

/// A schema that both a route and a request may have.
fn order() -> serde_json::Value {
    json!({"type": "object", "required": ["id"], "additionalProperties": false,
        "properties": {"id": {"type": "string", "maxLength": 4}, "lines": {"type": "array", "items": {"type": "integer"}}}})
}

/// How a request of a protocol asks for a form.
fn asking(protocol: Protocol, schema: Option<&serde_json::Value>) -> serde_json::Value {
    match (protocol, schema) {
        (Protocol::Chat, Some(schema)) => {
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "order", "strict": true, "schema": schema}}})
        }
        (Protocol::Chat, None) => json!({"response_format": {"type": "json_object"}}),
        (Protocol::Responses, Some(schema)) => {
            json!({"text": {"format": {"type": "json_schema", "name": "order", "schema": schema}}})
        }
        (Protocol::Responses, None) => json!({"text": {"format": {"type": "json_object"}}}),
        (Protocol::Messages, Some(schema)) => {
            json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}})
        }
        (Protocol::Messages, None) => json!({"output_format": {"type": "json_object"}}),
    }
}

#[test]
fn an_answer_has_the_form_that_its_request_asks_for() {
    for protocol in PROTOCOLS {
        let scene = |schema: Option<&serde_json::Value>, action| {
            Scene::new(protocol).asks(asking(protocol, schema)).rule("format", action)
        };
        let schema = order();
        let exact = scene(Some(&schema), Action::Block);
        assert_eq!(exact.found("{\"id\": \"a\", \"lines\": [1, 2]}"), [""; 0]);
        assert_eq!(exact.found(" {\"id\":\"a\"}\n"), [""; 0]);
        let part = match protocol {
            Protocol::Chat => "choices/0/message/content",
            Protocol::Messages => "content/0/text",
            Protocol::Responses => "output/0/content/0/text",
        };
        // Names that the caller chose are not written down.
        for (said, wrong) in [
            ("Here is the order: {\"id\": \"a\"}", vec![format!("format/json block {part}")]),
            ("```json\n{\"id\": \"a\"}\n```", vec![format!("format/json block {part}")]),
            ("{\"id\": \"a\"", vec![format!("format/json block {part}")]),
            ("", vec![format!("format/json block {part}")]),
            ("[]", vec![format!("format/type block {part}")]),
            (
                "{\"lines\": [1, \"2\"], \"x\": 1}",
                vec![
                    format!("format/extra block {part}/?1"),
                    format!("format/missing block {part}"),
                    format!("format/type block {part}/?0/1"),
                ],
            ),
            ("{\"id\": \"abcde\"}", vec![format!("format/size block {part}/?0")]),
        ] {
            assert_eq!(exact.found(said), wrong, "{protocol:?}: {said}");
            assert!(!exact.whole(said).passes());
        }
        let any = scene(None, Action::Block);
        assert_eq!(any.found("{\"anything\": 1}"), [""; 0]);
        assert_eq!(any.found("[1]"), [format!("format/type block {part}")]);
        assert_eq!(scene(None, Action::Flag).found("no"), [format!("format/json flag {part}")]);
    }
}

#[test]
fn an_answer_that_its_request_begins_is_judged_with_its_beginning() {
    for protocol in PROTOCOLS {
        let begun = |content: serde_json::Value| {
            let messages =
                json!([{"role": "user", "content": "Order?"}, {"role": "assistant", "content": content}]);
            let list = if protocol == Protocol::Responses { "input" } else { "messages" };
            let scene = Scene::new(protocol).asks(json!({list: messages}));
            scene.route(answers(json!({"schema": order()}))).rule("format", Action::Block)
        };
        let parts = json!([{"type": "text", "text": "{\"id\""}, {"type": "text", "text": ":"}]);
        for (content, said, wrong) in [
            (json!("{"), "\"id\": \"a\"}", None),
            (parts, " \"a\"}", None),
            (json!("{\"id\": \"a\"}"), "", None),
            // A service that does not go on there.
            (json!("{"), "{\"id\": \"a\"}", None),
            (json!("Sure, here it is:"), "{\"id\": \"a\"}", None),
            (json!("{"), "\"id\": 1}", Some("format/type")),
            (json!("{"), "\"id\": \"a\"", Some("format/json")),
            (json!("Sure: {"), "\"id\": \"a\"}", Some("format/json")),
            (json!("{"), "{\"id\": 1}", Some("format/type")),
        ] {
            let found = begun(content.clone()).found(said);
            let found: Vec<&str> = found.iter().filter_map(|one| one.split(' ').next()).collect();
            assert_eq!(found, Vec::from_iter(wrong), "{protocol:?}: {content} {said}");
        }
        // What a user writes begins nothing.
        let user = json!([{"role": "user", "content": "{"}]);
        let list = if protocol == Protocol::Responses { "input" } else { "messages" };
        let scene = Scene::new(protocol).asks(json!({list: user})).route(answers(json!({"format": "json"})));
        assert_eq!(scene.rule("format", Action::Block).found("}").len(), 1);
    }
}

#[test]
fn an_answer_has_the_form_that_its_route_says() {
    for protocol in PROTOCOLS {
        let route =
            Scene::new(protocol).route(answers(json!({"schema": order()}))).rule("format", Action::Block);
        assert_eq!(route.found("{\"id\": \"a\"}"), [""; 0]);
        let places: Vec<String> = route.found("{\"lines\": [true]}");
        assert!(places[0].ends_with("/text/id") || places[0].ends_with("/content/id"), "{places:?}");
        assert!(places[1].ends_with("/lines/0"), "what the operator's schema names is named: {places:?}");
        // Both hold.
        let both = route.asks(asking(protocol, Some(&json!({"required": ["lines"]}))));
        assert_eq!(both.found("{\"id\": \"a\"}").len(), 1);
        let json =
            Scene::new(protocol).route(answers(json!({"format": "json"}))).rule("format/json", Action::Block);
        assert_eq!(json.found("[1, 2]"), [""; 0]);
        assert_eq!(json.found("one, two").len(), 1);
    }
}

#[test]
fn a_turn_that_calls_tools_need_not_say_anything() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let scene = Scene::new(Protocol::Chat).asks(asking(Protocol::Chat, None)).rule("format", Action::Block);
    for (message, wrong) in [
        (json!({"role": "assistant", "content": null, "tool_calls": [call]}), 0),
        (json!({"role": "assistant", "content": null, "refusal": "I cannot help with that."}), 0),
        (json!({"role": "assistant", "content": "I look.", "tool_calls": [call]}), 1),
        (json!({"role": "assistant", "content": null}), 1),
        (
            json!({"role": "assistant", "content": [{"type": "text", "text": "{\"a\""}, {"type": "text", "text": ":1}"}]}),
            0,
        ),
    ] {
        let mut answer = chat_answer("");
        answer["choices"][0]["message"] = message.clone();
        assert_eq!(scene.judged(&answer).len(), wrong, "{message}");
    }
}

#[test]
fn an_answer_is_as_long_as_its_route_says() {
    for protocol in PROTOCOLS {
        let spec = answers(json!({"min_length": 3, "max_length": 10}));
        let scene = Scene::new(protocol).route(spec).rule("length", Action::Block);
        assert_eq!(scene.found("äöüäöüäöüä"), [""; 0], "characters, not bytes");
        assert!(scene.found("äöüäöüäöüäö")[0].starts_with("length/long block"));
        assert!(scene.found("ab")[0].starts_with("length/short block"));
        // Without a least length a stream goes on at once, up to where it is too long.
        let open =
            Scene::new(protocol).route(answers(json!({"max_length": 10}))).rule("length", Action::Block);
        let Released { text, stopped, found } = open.streamed("0123456789abcdef", 2);
        assert!(stopped && text.contains("01") && !text.contains("ab"), "{protocol:?}: {text}");
        assert_eq!(found, open.found("0123456789abcdef"));
        let only_flagged =
            Scene::new(protocol).route(answers(json!({"max_length": 10}))).rule("length", Action::Flag);
        let Released { text, stopped, found } = only_flagged.streamed("0123456789abcdef", 3);
        assert!(!stopped && found.len() == 1 && text.contains("f"), "{protocol:?}: {found:?}");
    }
}

#[test]
fn an_answer_is_in_a_language_of_its_route() {
    const GERMAN: &str = "Die Bestellung wurde am Montag verschickt und ist nach drei Tagen bei Ihnen. Sie können sie auch im Laden \
        abholen, wenn Sie nicht zu Hause sind, und das Paket wird dann nicht mit der Post geschickt.";
    for protocol in PROTOCOLS {
        let english = |action| {
            Scene::new(protocol).route(answers(json!({"languages": ["en"]}))).rule("language", action)
        };
        assert!(english(Action::Block).found(GERMAN)[0].starts_with("language/other block"));
        assert!(!english(Action::Block).streamed(GERMAN, 9).text.contains("Montag"), "nothing leaves");
        assert!(english(Action::Flag).streamed(GERMAN, 9).text.contains("Die"), "all of it leaves");
        assert_eq!(english(Action::Block).found("Gern, bis bald!"), [""; 0]);
        let quoted = json!({"text": GERMAN}).to_string();
        assert_eq!(english(Action::Block).found(&quoted), [""; 0], "data has no language");
        let both = Scene::new(protocol)
            .route(answers(json!({"languages": ["en", "de"]})))
            .rule("language", Action::Block);
        assert_eq!(both.found(GERMAN), [""; 0]);
    }
}

#[test]
fn where_no_guard_asks_nothing_is_read() {
    let spec = answers(json!({"schema": order(), "max_length": 1, "languages": ["ja"]}));
    for protocol in PROTOCOLS {
        let scene = Scene::new(protocol).route(spec.clone()).asks(asking(protocol, None));
        assert!(!scene.expects(), "no rule at all");
        assert!(!Scene::new(protocol).rule("format", Action::Block).expects(), "nothing is expected");
        assert!(!scene.rule("formats", Action::Block).expects(), "of another category");
        for category in ["format", "format/json", "length", "length/long", "language"] {
            let scene = Scene::new(protocol).route(spec.clone()).rule(category, Action::Flag);
            assert!(scene.expects(), "{category}");
        }
    }
}

#[test]
fn what_is_said_twice_and_differently_is_judged_twice() {
    let scene =
        Scene::new(Protocol::Responses).asks(asking(Protocol::Responses, None)).rule("format", Action::Block);
    let mut events = scene.events("{\"a\": 1}", 3);
    let last = events.len() - 1;
    // The pieces and the end of one stream say other things.
    events[last] = events[last].replace("{\\\"a\\\": 1}", "no JSON at all");
    assert!(scene.stream(&events).stopped);
    assert!(!scene.stream(&scene.events("{\"a\": 1}", 3)).stopped);
}

#[test]
fn a_stream_that_breaks_off_says_nothing_of_what_was_held() {
    for protocol in PROTOCOLS {
        let scene = Scene::new(protocol).asks(asking(protocol, None)).rule("format", Action::Block);
        let events = scene.events("{\"secret\": 1, \"more\": 2}", 3);
        for (bad, cut) in [("not JSON", 4), ("[1]", 5), ("\"x\"", 3)] {
            let mut broken = events[..cut].to_vec();
            broken.push(bad.to_owned());
            let (text, failed) = scene.broken(&broken);
            assert!(failed && !text.contains("secret"), "{protocol:?}: {text}");
        }
    }
}

/// Answers that are and are not JSON, of some size.
fn said() -> impl Strategy<Value = String> {
    let json = prop::collection::vec((0..3_usize, "[a-zä\" \\\\]{0,6}"), 0..4).prop_map(|members| {
        let object: serde_json::Map<_, _> = members
            .into_iter()
            .map(|(key, value)| (["id", "lines", "x"][key].to_owned(), value.into()))
            .collect();
        serde_json::Value::Object(object).to_string()
    });
    prop_oneof![
        json.clone(),
        "[a-zé {}\\[\\]\":,0-9]{0,40}",
        json.prop_map(|text| text.strip_suffix('}').unwrap().to_owned())
    ]
}

proptest! {
    /// The law: what is found does not depend on how an answer comes, and what leaves of a stream is the answer, nothing of it, or
    /// where it is too long a beginning of it that is not.
    #[test]
    fn however_an_answer_comes_the_same_is_found(
        text in said(), protocol in 0..3_usize, piece in 1..9_usize, action in 0..3_usize, most in 1..30_u32,
    ) {
        let protocol = PROTOCOLS[protocol];
        let action = [Action::Flag, Action::Hold, Action::Block][action];
        let route = answers(json!({"schema": order(), "max_length": most}));
        let scene = Scene::new(protocol).route(route).asks(asking(protocol, None)).rule("format", action).rule("length", action);
        let whole = scene.whole(&text);
        let streamed = scene.streamed(&text, piece);
        let is_long = text.chars().count() > most as usize;
        if !(is_long && action > Action::Flag) {
            prop_assert_eq!(&whole.found, &streamed.found);
        } else {
            prop_assert!(streamed.found.iter().all(|found| whole.found.contains(found)), "{:?}", streamed.found);
            prop_assert!(streamed.found.iter().any(|found| found.starts_with("length/long")));
        }
        prop_assert_eq!(whole.passes(), !streamed.stopped);
        prop_assert_eq!(whole.found.is_empty() || action == Action::Flag, whole.passes());
        if streamed.stopped {
            prop_assert_eq!(scene.read(&streamed.text), "", "what may be stopped is held");
        } else {
            prop_assert_eq!(scene.read(&streamed.text), text);
        }
    }
}

#[test]
fn the_names_of_what_is_found_are_categories() {
    for category in ["format", "length", "length/short", "length/long", "language", "language/other"] {
        cordon_core::Category::parse(category).unwrap();
    }
    assert_eq!(found(&crate::Verdict::default()), [""; 0]);
}
