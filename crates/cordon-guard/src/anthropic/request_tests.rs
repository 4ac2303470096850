//! The walk, on a request that has every field of the official description and some that it does not have.

use cordon_core::{Channel, Form, RefusalCode, json::Value};
use http::HeaderMap;

use super::{InspectedMessages, MessagesRequest, Wanted};
use crate::tree::testing::{CARD, come_from, is_blocked, leaves_no_copy, redacting, tree, unseen};
use crate::{Inspection, Verdict};

/// Written down from the types of the official client.
const MAXIMAL: &str = include_str!("maximal_request.json");

fn read(text: impl AsRef<[u8]>) -> Result<MessagesRequest, cordon_core::Refusal> {
    MessagesRequest::read(tree(text), &HeaderMap::new(), Wanted::Message)
}

fn inspected(tree: Value, inspection: &Inspection) -> (Result<InspectedMessages, RefusalCode>, Verdict) {
    let mut verdict = Verdict::default();
    let read = MessagesRequest::read(tree, &HeaderMap::new(), Wanted::Message);
    let result =
        read.and_then(|request| request.inspect(inspection, &mut verdict)).map_err(|refusal| refusal.code);
    (result, verdict)
}

fn outcome(tree: Value, inspection: &Inspection) -> (Result<String, RefusalCode>, Verdict) {
    let (result, verdict) = inspected(tree, inspection);
    (result.map(|mut request| String::from_utf8(request.body("upstream-model")).unwrap()), verdict)
}

#[test]
fn the_maximal_request_passes_unchanged_but_for_the_model() {
    let (body, verdict) = outcome(tree(MAXIMAL), &redacting(Form::Mask));
    let mut expected = tree(MAXIMAL);
    expected.as_object_mut().unwrap().insert("model", "upstream-model");
    assert_eq!(tree(body.unwrap()), expected);
    // Media, URLs and what only its maker reads are never called clean.
    let mut found = unseen(&verdict);
    let expected = [
        "messages/1/content/1/source/data",
        "messages/1/content/2/source/url",
        "messages/1/content/3/source",
        "messages/1/content/4/source/data",
        "messages/1/content/6/source/content/1/source/url",
        "messages/1/content/8",
        "messages/3/content/0/signature",
        "messages/3/content/1/data",
        "messages/3/content/5/content/0/encrypted_content",
        "messages/3/content/5/content/0/url",
        "messages/4/content/1/content/1/source/data",
    ];
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_marker_at_any_place_is_found_and_leaves_no_copy() {
    leaves_no_copy(MAXIMAL, outcome);
}

#[test]
fn a_marker_at_any_place_is_blocked_where_the_guard_says_so() {
    is_blocked(MAXIMAL, outcome);
}

#[test]
fn every_text_has_the_channel_of_where_it_came_from() {
    let verdict_of = |tree| inspected(tree, &redacting(Form::Mask)).1;
    let places = [
        ("be brief", Channel::System),
        ("from now on in verse", Channel::System),
        ("hello", Channel::User),
        ("a few words", Channel::User),
        ("for staff", Channel::Document),
        ("note: thirty days", Channel::Document),
        ("a part", Channel::Document),
        ("within a month", Channel::Document),
        ("let me see", Channel::Model),
        ("hi", Channel::Model),
        ("three", Channel::Model),
        ("opening hours", Channel::Model),
        // What a tool of the provider brought is in the assistant's turn, and is not what the model says.
        ("a day", Channel::ToolOutput),
        ("sent", Channel::ToolOutput),
        ("a.txt", Channel::ToolOutput),
        ("a letter", Channel::Document),
        ("finds an order", Channel::Document),
        ("what to say", Channel::User),
        ("person-1", Channel::User),
    ];
    come_from(MAXIMAL, &places, verdict_of);
}

#[test]
fn the_input_of_a_tool_stays_json() {
    let check = |input: &str, form, expected: &str| {
        let text = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{input}}}]}}]}}"#
        );
        let body = outcome(tree(text), &redacting(form)).0.unwrap();
        assert!(body.contains(&format!(r#""input":{expected}"#)), "{body}");
    };
    check(r#"{"card":"4111 1111 1111 1111","n":3}"#, Form::Mask, r#"{"card":"[CARD]","n":3}"#);
    check(&format!(r#"{{"card":{CARD}}}"#), Form::Mask, r#"{"card":"[CARD]"}"#);
    check(&format!(r#"{{"card":{CARD}}}"#), Form::Drop, r#"{"card":null}"#);
    check(r#"{"4111111111111111":1,"5500005555555559":2}"#, Form::Mask, r#"{"[CARD]":1,"[CARD]_2":2}"#);
}

#[test]
fn requests_of_another_form_are_refused_with_the_field() {
    let check = |text: &str, param: Option<&str>| {
        let refusal = read(text).unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (RefusalCode::InvalidRequest, param), "{text}");
    };
    check("[]", None);
    check("{}", Some("model"));
    check(r#"{"model":"m","max_tokens":1}"#, Some("messages"));
    check(r#"{"model":"m","max_tokens":1,"messages":[]}"#, Some("messages"));
    check(r#"{"model":"m","max_tokens":1,"messages":["x"]}"#, Some("messages.0"));
    check(r#"{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}"#, Some("messages.0.content"));
    let with = |more: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{more}}}"#);
    check(&with(""), Some("max_tokens"));
    check(&with(r#","max_tokens":"1""#), Some("max_tokens"));
    check(&with(r#","max_tokens":1,"stream":1"#), Some("stream"));
    check(&with(r#","max_tokens":1,"system":7"#), Some("system"));
    check(&with(r#","max_tokens":1,"system":["x"]"#), Some("system.0.type"));
    check(&with(r#","max_tokens":1,"tools":{}"#), Some("tools"));
    check(&with(r#","max_tokens":1,"tools":[1]"#), Some("tools[0]"));
    check(&with(r#","max_tokens":1,"anthropic_beta":["a b"]"#), Some("anthropic-beta"));
    check(
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"root","content":"x"}]}"#,
        Some("messages.0.role"),
    );
    check(
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
        Some("messages.0.content.0.type"),
    );
}

#[test]
fn fields_that_choose_for_the_gateway_are_refused() {
    for field in ["container", "inference_geo", "mcp_servers", "workspace_id", "api_key", "base_url"] {
        let text = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],"{field}":"y"}}"#
        );
        let refusal = read(&text).unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (RefusalCode::ForbiddenField, Some(field)));
    }
}

#[test]
fn headers_are_read_inspected_and_checked() {
    let text = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#;
    let with = |name: &'static str, value: &str| -> HeaderMap {
        [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    };
    let read = |headers: &HeaderMap| MessagesRequest::read(tree(text), headers, Wanted::Message);
    let inspect = |headers: &HeaderMap| {
        let mut verdict = Verdict::default();
        read(headers).unwrap().inspect(&redacting(Form::Mask), &mut verdict)
    };
    for version in super::VERSIONS {
        assert_eq!(inspect(&with("anthropic-version", version)).unwrap().version(), version);
    }
    assert_eq!(inspect(&HeaderMap::new()).unwrap().version(), super::VERSION);
    let refusal = read(&with("anthropic-version", "2099-01-01")).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("anthropic-version"));
    let mut request = inspect(&with("anthropic-beta", "files-api-2025-04-14, other-1")).unwrap();
    assert_eq!(request.beta(), Some("files-api-2025-04-14,other-1"));
    assert!(!String::from_utf8(request.body("m")).unwrap().contains("beta"));
    assert_eq!(inspect(&with("anthropic-beta", CARD)).unwrap_err().code, RefusalCode::ContentBlocked);
    assert!(read(&with("anthropic-beta", &vec!["a"; 17].join(","))).is_err());
}

#[test]
fn private_urls_are_refused_with_the_place() {
    let text = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://169.254.169.254/"}}]}]}"#;
    let mut verdict = Verdict::default();
    let refusal = read(text).unwrap().inspect(&redacting(Form::Mask), &mut verdict).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("messages[0].content[0].source.url"));
}

#[test]
fn what_the_record_needs_is_read() {
    let request = read(MAXIMAL).unwrap();
    assert_eq!((request.route(), request.subject()), ("support-bot", Some("person-1")));
    assert_eq!((request.stream(), request.shape().output), (true, Some(100)));
    assert_eq!(request.tools().collect::<Vec<_>>(), ["look_up", "web_search"]);
}
