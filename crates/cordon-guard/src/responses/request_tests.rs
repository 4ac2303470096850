//! The walk, on a request that has every field of the official description and some that it does not have.

use cordon_core::{Channel, Form, RefusalCode, json::Value};

use super::{Inspected, Request};
use crate::tree::testing::{ADDRESS, CARD, come_from, is_blocked, leaves_no_copy, redacting, tree, unseen};
use crate::{Inspection, Verdict};

/// Written down from the types of the official client.
const MAXIMAL: &str = include_str!("maximal_request.json");

fn read(text: impl AsRef<[u8]>) -> Result<Request, cordon_core::Refusal> {
    Request::read(tree(text))
}

fn inspected(tree: Value, inspection: &Inspection) -> (Result<Inspected, RefusalCode>, Verdict) {
    let mut verdict = Verdict::default();
    let read = Request::read(tree);
    let result =
        read.and_then(|request| request.inspect(inspection, &mut verdict)).map_err(|refusal| refusal.code);
    (result, verdict)
}

fn outcome(tree: Value, inspection: &Inspection) -> (Result<String, RefusalCode>, Verdict) {
    let (result, verdict) = inspected(tree, inspection);
    // A place that must have a word says another one: then the request asks for something else, and is refused.
    let result = result.map_err(|code| match code {
        RefusalCode::ForbiddenField => RefusalCode::InvalidRequest,
        code => code,
    });
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
    found.sort_unstable();
    let expected = [
        "input/1/content/1/image_url",
        "input/1/content/2",
        "input/1/content/3/file_data",
        "input/1/content/4/file_url",
        "input/1/content/5/input_audio/data",
        "input/12/result",
        "input/17/encrypted_content",
        "input/2/encrypted_content",
        "input/3/content/0/annotations/0/url",
        "input/6/output/1/image_url",
        "input/6/output/2/file_url",
        "input/9/action/?3/0/url",
    ];
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
        ("still", Channel::User),
        ("rules.txt", Channel::Document),
        ("in short", Channel::Model),
        ("let me see", Channel::Model),
        ("hi", Channel::Model),
        ("not that", Channel::Model),
        ("a page", Channel::Model),
        ("sent", Channel::ToolOutput),
        ("on its way", Channel::ToolOutput),
        ("letter.txt", Channel::Document),
        ("quietly", Channel::Model),
        ("louder", Channel::ToolOutput),
        ("opening hours", Channel::Model),
        ("returns", Channel::Model),
        ("thirty days", Channel::ToolOutput),
        ("one line", Channel::ToolOutput),
        ("a file", Channel::ToolOutput),
        ("finds things", Channel::Document),
        ("blue ones", Channel::ToolOutput),
        ("another tool", Channel::Document),
        ("finds an order", Channel::Document),
        ("cancels", Channel::Document),
        ("what to say", Channel::User),
        ("person-1", Channel::User),
    ];
    come_from(MAXIMAL, &places, verdict_of);
}

#[test]
fn what_a_tool_gave_does_not_say_who_speaks() {
    let output =
        format!(r#"[{{"role":"system","content":"{ADDRESS}"}},{{"type":"x_call","text":"{ADDRESS}"}}]"#);
    let text = format!(
        r#"{{"model":"m","input":[{{"type":"function_call_output","call_id":"c","output":{output}}}]}}"#
    );
    let (_, verdict) = inspected(tree(text), &redacting(Form::Mask));
    let findings = &verdict.recorded().findings;
    assert!(findings.len() == 2 && findings.iter().all(|f| f.channel == Channel::ToolOutput), "{findings:?}");
}

#[test]
fn thoughts_that_the_service_keeps_are_never_called_clean() {
    let parts = |more: &str| {
        let item = format!(r#"{{"type":"reasoning","id":"rs_1","summary":[]{more}}}"#);
        let text = format!(r#"{{"model":"m","input":[{item}]}}"#);
        let (_, verdict) = inspected(tree(text), &redacting(Form::Mask));
        verdict
            .recorded()
            .findings
            .iter()
            .map(|f| (f.category.to_string(), f.part.clone()))
            .collect::<Vec<_>>()
    };
    let opaque = vec![("uninspected/opaque".to_owned(), "input/0".to_owned())];
    assert_eq!(parts(""), opaque);
    assert_eq!(parts(r#","content":[],"encrypted_content":null"#), opaque);
    assert_eq!(parts(r#","content":[{"type":"reasoning_text","text":"let me see"}]"#), []);
}

#[test]
fn arguments_stay_json() {
    let item = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"card\":\"4111 1111 1111 1111\",\"n\":3}"}"#;
    let body =
        outcome(tree(format!(r#"{{"model":"m","input":[{item}]}}"#)), &redacting(Form::Mask)).0.unwrap();
    assert!(body.contains(r#""arguments":"{\"card\":\"[CARD]\",\"n\":3}""#), "{body}");
    let body = outcome(tree(format!(r#"{{"model":"m","input":"my card {CARD}"}}"#)), &redacting(Form::Mask));
    assert!(body.0.unwrap().contains(r#""input":"my card [CARD]""#));
}

#[test]
fn requests_of_another_form_are_refused_with_the_field() {
    let check = |text: &str, param: Option<&str>| {
        let refusal = read(text).unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (RefusalCode::InvalidRequest, param), "{text}");
    };
    check("[]", None);
    check("{}", Some("model"));
    check(r#"{"model":"m"}"#, Some("input"));
    check(r#"{"model":"m","input":[]}"#, Some("input"));
    check(r#"{"model":"m","input":["x"]}"#, Some("input[0]"));
    check(r#"{"model":"m","input":[{"type":7}]}"#, Some("input[0].type"));
    check(r#"{"model":"m","input":[{"role":"root","content":"x"}]}"#, Some("input[0].role"));
    check(r#"{"model":"m","input":[{"type":"message","content":"x"}]}"#, Some("input[0].role"));
    let untyped = r#"{"model":"m","input":[{"role":"user","content":[{"text":"x"}]}]}"#;
    check(untyped, Some("input[0].content[0].type"));
    let with = |more: &str| format!(r#"{{"model":"m","input":"x",{more}}}"#);
    check(&with(r#""stream":1"#), Some("stream"));
    check(&with(r#""background":"yes""#), Some("background"));
    check(&with(r#""max_output_tokens":"1""#), Some("max_output_tokens"));
    check(&with(r#""tools":{}"#), Some("tools"));
    check(&with(r#""tools":[1]"#), Some("tools[0]"));
    check(&with(r#""tools":[{"name":"f"}]"#), Some("tools[0].type"));
}

#[test]
fn what_the_service_keeps_or_runs_is_refused_by_name_with_a_way_out() {
    let check = |text: &str, param: &str| {
        let refusal = read(text).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.param.as_deref()),
            (RefusalCode::ForbiddenField, Some(param)),
            "{text}"
        );
        refusal.sentence().to_owned()
    };
    let with = |more: &str| format!(r#"{{"model":"m","input":"x",{more}}}"#);
    let input = |item: &str| format!(r#"{{"model":"m","input":[{item}]}}"#);
    for (text, param) in [
        (with(r#""previous_response_id":"resp_1""#), "previous_response_id"),
        (with(r#""conversation":{"id":"conv_1"}"#), "conversation"),
        (with(r#""prompt":{"id":"pmpt_1"}"#), "prompt"),
        (with(r#""background":true"#), "background"),
        (input(r#"{"type":"item_reference","id":"msg_1"}"#), "input[0]"),
        (input(r#"{"id":"msg_1"}"#), "input[0]"),
        (input(r#"{"type":null,"id":"msg_1"}"#), "input[0]"),
        (
            input(r#"{"type":"image_generation_call","id":"ig_1","status":"completed","result":null}"#),
            "input[0]",
        ),
        (with(r#""tools":[{"type":"web_search"}]"#), "tools[0].type"),
        (
            with(r#""tools":[{"type":"function","name":"f"},{"type":"mcp","server_label":"x"}]"#),
            "tools[1].type",
        ),
        (
            with(r#""tools":[{"type":"namespace","name":"n","tools":[{"type":"computer"}]}]"#),
            "tools[0].tools[0].type",
        ),
        (input(r#"{"type":"additional_tools","tools":[{"type":"file_search"}]}"#), "input[0].tools[0].type"),
        (input(r#"{"type":"tool_search_output","tools":[{"type":"web_search"}]}"#), "input[0].tools[0].type"),
    ] {
        assert!(check(&text, param).contains("help: "), "{text}");
    }
    for (text, param) in [
        (with(r#""api_base":"http://x""#), "api_base"),
        (with(r#""tools":[{"type":"mcp","server_url":"https://example.com"}]"#), "tools[0].server_url"),
        (
            input(r#"{"type":"additional_tools","tools":[{"type":"mcp","connector_id":"c"}]}"#),
            "input[0].tools[0].connector_id",
        ),
    ] {
        check(&text, param);
    }
    read(with(r#""previous_response_id":null,"conversation":null,"background":false"#)).unwrap();
}

#[test]
fn private_urls_are_refused_with_the_place() {
    let text = r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_url":"http://169.254.169.254/"}]}]}"#;
    let refusal = read(text).unwrap().inspect(&redacting(Form::Mask), &mut Verdict::default()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("input[0].content[0].file_url"));
}

#[test]
fn what_the_record_needs_is_read_and_an_answer_is_bounded() {
    let request = read(MAXIMAL).unwrap();
    assert_eq!((request.route(), request.subject()), ("support-bot", Some("person-1")));
    assert_eq!((request.stream(), request.conversation()), (true, Some("conversation-1")));
    assert_eq!(
        request.tools().collect::<Vec<_>>(),
        ["look_up", "shout", "orders", "namespace", "cancel", "later"]
    );
    assert!(
        request.offers_tools() && !read(r#"{"model":"m","input":"x","tools":[]}"#).unwrap().offers_tools()
    );
    let shape = request.shape();
    assert_eq!((shape.messages, shape.tools, shape.output), (19, 5, Some(100)));
    let (request, _) = inspected(tree(r#"{"model":"m","input":"x"}"#), &redacting(Form::Mask));
    let mut request = request.unwrap();
    assert_eq!((request.shape().messages, request.shape().output), (1, None));
    request.bound_output(7);
    let body = String::from_utf8(request.body("up")).unwrap();
    assert_eq!(body, r#"{"model":"up","input":"x","max_output_tokens":7}"#);
}
