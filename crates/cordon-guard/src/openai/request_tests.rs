//! The walk, on a request that has every field of the official description and some that it does not have.

use cordon_core::{
    Action, Form, RefusalCode,
    json::{Object, Value},
};
use proptest::prelude::*;

use super::request::Request;
use crate::tree::testing::{
    ADDRESS, CARD, any_value, inspection, is_blocked, leaves_no_copy, places, redacting, tree, unseen,
};
use crate::{Inspection, Verdict};

/// Written down from the public reference of the endpoint.
const MAXIMAL: &str = include_str!("maximal_request.json");

fn outcome(tree: Value, inspection: &Inspection) -> (Result<String, RefusalCode>, Verdict) {
    let mut verdict = Verdict::default();
    let body = Request::read(tree)
        .and_then(|request| request.inspect(inspection, &mut verdict))
        .map(|mut request| String::from_utf8(request.body("upstream-model")).unwrap())
        .map_err(|refusal| refusal.code);
    (body, verdict)
}

#[test]
fn the_maximal_request_passes_unchanged_but_for_the_model() {
    let (body, verdict) = outcome(tree(MAXIMAL), &redacting(Form::Mask));
    let body = tree(body.unwrap());
    let mut expected = tree(MAXIMAL);
    let object = expected.as_object_mut().unwrap();
    object.insert("model", "upstream-model");
    object.get_mut("stream_options").unwrap().as_object_mut().unwrap().insert("include_usage", true);
    assert_eq!(body, expected);
    // Media and URLs are never called clean.
    assert_eq!(
        unseen(&verdict),
        [
            "messages/2/content/1/image_url/url",
            "messages/2/content/2/image_url/url",
            "messages/2/content/3/input_audio/data",
            "messages/2/content/4/file",
            "messages/2/content/4/file/file_data",
            "messages/3/audio"
        ]
    );
}

#[test]
fn what_the_service_keeps_is_recorded_and_a_guard_can_refuse_it() {
    for (part, place) in [
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}"#,
            "messages/0/content/0/file",
        ),
        (r#"{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}"#, "messages/0/content/0"),
        (r#"{"role":"assistant","audio":{"id":"audio_1"}}"#, "messages/0/audio"),
    ] {
        let request = || tree(format!(r#"{{"model":"m","messages":[{part}]}}"#));
        let (body, verdict) = outcome(request(), &redacting(Form::Mask));
        assert!(body.is_ok());
        let found = &verdict.recorded().findings;
        let found: Vec<_> =
            found.iter().map(|found| (found.category.as_str(), found.part.as_str())).collect();
        assert_eq!(found, [("uninspected/remote", place)]);
        let blocking = inspection(&[("uninspected", Action::Block, Form::Mask)]);
        assert_eq!(outcome(request(), &blocking).0, Err(RefusalCode::ContentBlocked), "{part}");
    }
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
fn a_tool_is_known_by_every_name_that_somebody_may_read() {
    let names = |members: &str| {
        let text = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{members}}}"#);
        let request = Request::read(tree(text)).unwrap();
        (request.tools().map(str::to_owned).collect::<Vec<_>>(), request.offers_tools())
    };
    let check = |members: &str, expected: &[&str]| {
        assert_eq!(
            names(members),
            (expected.iter().map(|name| (*name).to_owned()).collect(), true),
            "{members}"
        );
    };
    check(r#""tools":[{"type":"function","function":{"name":"a"}}]"#, &["a"]);
    check(r#""tools":[{"type":"custom","custom":{"name":"a"}}]"#, &["a"]);
    check(
        r#""tools":[{"type":"custom","custom":{"name":"a"},"function":{"name":"b"},"name":"c"}]"#,
        &["b", "a", "c"],
    );
    check(r#""tools":[{"type":"web_search"}]"#, &["web_search"]);
    check(r#""functions":[{"name":"a"}]"#, &["a"]);
    check(r#""web_search_options":{}"#, &["web_search"]);
    check(r#""tools":[{}]"#, &[]);
    assert_eq!(names(r#""tools":[],"web_search_options":null"#), (Vec::new(), false));
}

#[test]
fn numbers_are_texts() {
    let request = |field: &str| {
        tree(format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x","unknown":{field}}}]}}"#))
    };
    let (body, _) = outcome(request(CARD), &redacting(Form::Mask));
    assert!(body.unwrap().contains(r#""unknown":"[CARD]""#));
    let (body, _) = outcome(request(CARD), &redacting(Form::Drop));
    assert!(body.unwrap().contains(r#""unknown":null"#));
    let (body, _) = outcome(
        tree(format!(r#"{{"model":"m","seed":{CARD},"messages":[{{"role":"user","content":"x"}}]}}"#)),
        &redacting(Form::Mask),
    );
    assert_eq!(body, Err(RefusalCode::ContentBlocked));
}

#[test]
fn inner_json_stays_json() {
    let check = |arguments: &str, form, expected: &str| {
        let mut call = tree(
            r#"{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f"}}]}"#,
        );
        places(&mut call, &mut 0, 6, &mut |value| {
            value.as_object_mut().unwrap().insert("arguments", arguments);
        });
        let mut request = tree(r#"{"model":"m","messages":[]}"#);
        request.as_object_mut().unwrap().insert("messages", vec![call]);
        let (body, _) = outcome(request, &redacting(form));
        let body = tree(body.unwrap());
        let mut found = None;
        let mut count = 0;
        places(&mut body.clone(), &mut count, usize::MAX, &mut |_| {});
        for target in 0..count {
            places(&mut body.clone(), &mut 0, target, &mut |value| {
                if let Some(text) = value.get("arguments").and_then(Value::as_str) {
                    found = Some(text.to_owned());
                }
            });
        }
        assert_eq!(found.as_deref(), Some(expected));
    };
    check(r#"{"card":"4111 1111 1111 1111","n":3}"#, Form::Mask, r#"{"card":"[CARD]","n":3}"#);
    check(r#"{"card":"\u0034111 1111 1111 1111\n"}"#, Form::Mask, r#"{"card":"[CARD]\n"}"#);
    check(r#"{"card":4111111111111111}"#, Form::Mask, r#"{"card":"[CARD]"}"#);
    check(r#"{"card":4111111111111111}"#, Form::Drop, r#"{"card":null}"#);
    check(
        r#"{"4111111111111111":1,"5500005555555559":2,"[CARD]":3}"#,
        Form::Mask,
        r#"{"[CARD]":1,"[CARD]_2":2,"[CARD]_3":3}"#,
    );
    check(r#"not json 4111111111111111, \u0061@example.com"#, Form::Mask, "not json [CARD], [EMAIL]");
}

#[test]
fn tokens_are_equal_for_equal_values_and_never_an_imitation() {
    let request = tree(format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{ADDRESS} [EMAIL_1] a@example.com {ADDRESS}"}}]}}"#
    ));
    let (body, _) = outcome(request, &redacting(Form::Token));
    assert!(body.unwrap().contains("[EMAIL_2] [EMAIL_1] [EMAIL_3] [EMAIL_2]"));
}

#[test]
fn requests_of_another_form_are_refused_with_the_field() {
    let check = |text: &str, param: Option<&str>| {
        let refusal = Request::read(tree(text)).unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (RefusalCode::InvalidRequest, param), "{text}");
    };
    check("[]", None);
    check("{}", Some("model"));
    check(r#"{"model":""}"#, Some("model"));
    check(r#"{"model":"m"}"#, Some("messages"));
    check(r#"{"model":"m","messages":[]}"#, Some("messages"));
    check(r#"{"model":"m","messages":["x"]}"#, Some("messages[0]"));
    check(r#"{"model":"m","messages":[{"role":"user"},{"role":"root"}]}"#, Some("messages[1].role"));
    check(r#"{"model":"m","messages":[{"role":"user","content":7}]}"#, Some("messages[0].content"));
    check(
        r#"{"model":"m","messages":[{"role":"user","content":["x"]}]}"#,
        Some("messages[0].content[0].type"),
    );
    check(r#"{"model":"m","messages":[{"role":"user","tool_calls":{}}]}"#, Some("messages[0].tool_calls"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"stream":"yes"}"#, Some("stream"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"n":0}"#, Some("n"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"n":129}"#, Some("n"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"max_tokens":-1}"#, Some("max_tokens"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"tools":[1]}"#, Some("tools[0]"));
    check(r#"{"model":"m","messages":[{"role":"user"}],"stream_options":{}}"#, Some("stream_options"));
}

#[test]
fn private_urls_are_refused_with_the_place() {
    let request = tree(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]}"#,
    );
    let refusal =
        Request::read(request).unwrap().inspect(&redacting(Form::Mask), &mut Verdict::default()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("messages[0].content[0].image_url.url"));
}

#[test]
fn what_the_record_needs_is_read() {
    let request = Request::read(tree(MAXIMAL)).unwrap();
    assert_eq!(request.route(), "support-bot");
    assert_eq!(request.subject(), Some("person-1"));
    assert_eq!(request.conversation(), Some("conv-1"));
    assert_eq!((request.stream(), request.choices(), request.shape().output), (true, 2, Some(100)));
}

proptest! {
    #[test]
    fn no_marker_leaves_in_unknown_fields(
        at_top in any_value(), in_message in any_value(), in_part in any_value(), in_call in any_value(), token in any::<bool>()
    ) {
        let mut request = tree(r#"{"model":"m","messages":[]}"#);
        let mut message = tree(r#"{"role":"assistant"}"#);
        let mut part: Object = [("type", Value::from("new")), ("new", in_part.clone()), ("url", in_part)].into_iter().collect();
        part.insert("text", "t");
        let call: Object = [("id", Value::from("1")), ("other", in_call.clone()), ("function", in_call)].into_iter().collect();
        let object = message.as_object_mut().unwrap();
        object.insert("new", in_message);
        object.insert("content", vec![part.into()]);
        object.insert("tool_calls", vec![call.into()]);
        let object = request.as_object_mut().unwrap();
        object.insert("new", at_top.clone());
        object.insert("metadata", at_top);
        object.insert("messages", vec![message]);
        let form = if token { Form::Token } else { Form::Mask };
        let (body, verdict) = outcome(request.clone(), &redacting(form));
        if let Ok(body) = body {
            prop_assert!(!body.contains(CARD) && !body.contains(ADDRESS), "{}", body);
            let text = request.to_string();
            prop_assert_eq!(verdict.action() == Action::Redact, text.contains(CARD) || text.contains(ADDRESS));
        }
    }
}
