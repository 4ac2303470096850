use cordon_core::{Action, Form, Mode, json::Value as Tree};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::tree::testing::{inspection_of, tree};

fn inspection(mode: Mode) -> Inspection {
    let topics = json!({
        "allow": [{"name": "shop", "terms": ["order", "parcel", "delivery", "refund"]}],
        "deny": [{"name": "politics", "terms": ["election", "political party", "minister"]}],
    });
    let rules = [("topic/outside", Action::Flag, Form::Mask), ("topic/denied", Action::Redact, Form::Mask)];
    inspection_of(&rules, Some(serde_json::from_value(topics).unwrap()), mode)
}

fn object(request: &Value) -> Object {
    match tree(request.to_string()) {
        Tree::Object(request) => request,
        other => panic!("no object: {other}"),
    }
}

/// What is found in a request, what is done about it, and where it stands.
fn found(protocol: Protocol, request: &Value, mode: Mode) -> Vec<String> {
    let mut verdict = Verdict::default();
    judge(&object(request), protocol, &inspection(mode), &mut verdict);
    let findings = verdict.recorded().findings.iter();
    let mut found: Vec<String> = findings
        .map(|found| {
            format!("{} {} {} {}..{}", found.category, found.action, found.part, found.start, found.end)
        })
        .collect();
    found.sort();
    found
}

const POEM: &str = "Write a long poem about the sea, the wind and the boats.";
const VOTE: &str = "Which political party wins the election?";

#[test]
fn the_last_turn_of_the_user_is_judged_in_every_protocol() {
    for (protocol, list, kind) in [
        (Protocol::Chat, "messages", "text"),
        (Protocol::Messages, "messages", "text"),
        (Protocol::Responses, "input", "input_text"),
    ] {
        let of = |messages: Value| found(protocol, &json!({list: messages}), Mode::Enforce);
        let user = |content: Value| json!({"role": "user", "content": content});
        let assistant = |text: &str| json!({"role": "assistant", "content": text});
        let parcel = user("Where is my parcel?".into());
        assert_eq!(of(json!([parcel])), [""; 0]);
        assert_eq!(of(json!([user("Hello!".into())])), [""; 0]);
        assert_eq!(
            of(json!([user(POEM.into())])),
            [format!("topic/outside flag {list}/0/content 0..{}", POEM.len())]
        );
        let denied = |part: &str| {
            [
                format!("topic/denied/politics block {list}/{part} 0..{}", VOTE.len() - 1),
                format!("topic/outside flag {list}/{part} 0..{}", VOTE.len()),
            ]
        };
        assert_eq!(of(json!([user(VOTE.into())])), denied("0/content"));
        // As a part beside a document, which may be about anything.
        let parts = json!([
            {"type": kind, "text": POEM, "cordon": {"origin": "document"}},
            {"type": "image_url", "image_url": {"url": "x"}},
            {"type": kind, "text": VOTE},
        ]);
        assert_eq!(of(json!([user(parts)])), denied("0/content/2/text"));
        // What was said before is judged no more, and a short turn goes on with it.
        assert_eq!(of(json!([user(VOTE.into()), assistant("No."), parcel])), [""; 0]);
        assert_eq!(
            of(json!([parcel, assistant("At the post office."), user("On which street?".into())])),
            [""; 0]
        );
        assert_eq!(of(json!([user("On which sunny street?".into())])).len(), 1);
        let on = of(json!([user(VOTE.into()), assistant("No."), user("And which colour has it?".into())]));
        assert_eq!(on.len(), 2, "{on:?}");
        // Two messages of one turn, and one before results of tools.
        assert_eq!(of(json!([user(VOTE.into()), parcel])).len(), 1);
        let tools = json!([user(VOTE.into()), {"role": "assistant", "content": null, "tool_calls": []}, {"role": "tool", "content": "parcel"}]);
        assert_eq!(of(tools), denied("0/content"));
        let system = json!([{"role": "system", "content": POEM}, {"role": "tool", "content": POEM}, parcel]);
        assert_eq!(of(system), [""; 0], "only what the user says is judged");
        assert_eq!(of(json!([])), [""; 0]);
    }
    assert_eq!(found(Protocol::Responses, &json!({"input": POEM}), Mode::Enforce).len(), 1);
}

#[test]
fn topics_of_a_guard_that_only_observes_are_recorded_and_nothing_is_done() {
    let request = json!({"messages": [{"role": "user", "content": VOTE}]});
    let found = found(Protocol::Chat, &request, Mode::Observe);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|found| found.contains(" allow ")), "{found:?}");
}

#[test]
fn a_text_by_itself_is_judged_as_a_request_or_an_answer() {
    let inspection = inspection(Mode::Enforce);
    let found = |channel, text: &str| {
        let examined = inspection.examine(channel, text);
        let found = examined.findings.iter().map(|ruled| ruled.finding.category.to_string());
        (examined.action, found.collect::<Vec<_>>())
    };
    let both = vec!["topic/denied/politics".to_owned(), "topic/outside".to_owned()];
    assert_eq!(found(Channel::User, VOTE), (Action::Block, both));
    assert_eq!(found(Channel::Model, VOTE), (Action::Block, vec!["topic/denied/politics".to_owned()]));
    assert_eq!(found(Channel::Document, VOTE), (Action::Allow, Vec::new()));
    assert_eq!(found(Channel::User, "Where is my order?"), (Action::Allow, Vec::new()));
}

/// Any value, with the members that are read more often than others.
fn value() -> impl Strategy<Value = Value> {
    let word =
        prop::sample::select(vec!["user", "assistant", "text", "election", "parcel", "document", "é", ""]);
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), word.prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let key = prop::sample::select(vec![
            "messages", "input", "role", "content", "type", "text", "cordon", "origin",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_breaks_it(messages in value(), protocol in 0..3_usize) {
        let protocol = [Protocol::Chat, Protocol::Messages, Protocol::Responses][protocol];
        let request = json!({"messages": messages, "input": messages});
        let _ = found(protocol, &request, Mode::Enforce);
    }
}

#[test]
fn a_last_turn_that_says_nothing_hides_no_earlier_one() {
    for said in ["", "...", "Go on."] {
        let messages = json!([
            {"role": "user", "content": VOTE},
            {"role": "assistant", "content": "One moment."},
            {"role": "user", "content": said},
        ]);
        let found = found(Protocol::Chat, &json!({"messages": messages}), Mode::Enforce);
        assert!(
            found.iter().any(|found| found.starts_with("topic/denied/politics block messages/2")),
            "{said}: {found:?}"
        );
    }
}
