//! The events of a stream, one by one: what is held, what ends it, what is repeated, and what no upstream may send.

use cordon_core::{Action, Form, Refusal, RefusalCode, json::Value, resource::RefusalStyle};

use super::{
    Response,
    stream_tests::{event, gate, number, response},
};
use crate::anthropic::stream_tests::{events_of, object};
use crate::openai::{Progress, StreamError};
use crate::tree::gate::Gate;
use crate::tree::testing::{
    ADDRESS, every_field_is_inspected, fails_with, inspection, planted, redacting, tree,
};
use crate::{Inspection, Tokens, Verdict};

/// Written down from the types of the official client.
const MAXIMAL: &str = include_str!("maximal_response.json");

fn created() -> String {
    event("response.created", [("response", response("in_progress", Vec::new()))])
}

fn begin(kind: &str) -> String {
    let mut item = tree(format!(r#"{{"type":"{kind}","id":"{kind}_1","status":"in_progress"}}"#));
    let (key, value) = match kind {
        "message" => ("content", Value::Array(Vec::new())),
        _ => ("arguments", Value::from("")),
    };
    item.as_object_mut().unwrap().insert(key, value);
    event("response.output_item.added", [number("output_index", 0), ("item", item)])
}

fn part() -> String {
    let part = tree(r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#);
    event(
        "response.content_part.added",
        [number("output_index", 0), number("content_index", 0), ("part", part)],
    )
}

fn said(text: &str) -> String {
    let places = [number("output_index", 0), number("content_index", 0)];
    let text = [("item_id", "message_1".into()), ("delta", text.into())];
    event("response.output_text.delta", places.into_iter().chain(text))
}

fn completed() -> String {
    event("response.completed", [("response", response("completed", Vec::new()))])
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn text_without_a_live_match_is_not_held_and_the_rest_comes_before_the_end_of_its_text() {
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    for event in [created(), begin("message"), part(), said("Hello, ")] {
        assert_eq!(gate.event(&event, &mut out), Ok(Progress::Open));
    }
    let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\
        \"item_id\":\"message_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello, \",\"logprobs\":[]}\n\n";
    assert!(std::str::from_utf8(&out).unwrap().ends_with(delta));
    assert_eq!(gate.held(), 0);
    gate.event(&said("write to jane.roe@exam"), &mut out).unwrap();
    assert_eq!(gate.held(), "jane.roe@exam".len());
    gate.event(&said("ple.com"), &mut out).unwrap();
    let done = [number("output_index", 0), number("content_index", 0), ("text", "whatever it says".into())];
    gate.event(&event("response.output_text.done", done), &mut out).unwrap();
    assert_eq!(gate.event(&completed(), &mut out), Ok(Progress::Done));
    let events = events_of(&out);
    let of = |event: &Value, key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    let deltas: String = events.iter().filter_map(|(_, event)| of(event, "delta")).collect();
    assert_eq!(deltas, "Hello, write to [EMAIL]");
    let end = ["response.output_text.delta", "response.output_text.done", "response.completed"];
    assert_eq!(names(&events)[events.len() - 3..], end);
    let done = &events[events.len() - 2].1;
    assert_eq!(of(done, "text").as_deref(), Some("Hello, write to [EMAIL]"));
    // What the response had of the item is what was let go of it, also where the service says nothing.
    let output = events.last().unwrap().1.get("response").unwrap().get("output").unwrap().to_string();
    assert!(output.contains(r#""text":"Hello, write to [EMAIL]""#), "{output}");
    assert_eq!(gate.usage().map(|t| (t.input, t.output, t.cached, t.cache_written)), Some((10, 7, 2, 3)));
    assert_eq!(gate.said().finish_reasons(), ["completed"]);
    assert_eq!(gate.event(&completed(), &mut Vec::new()), Err(StreamError::AfterEnd));
}

#[test]
fn a_refused_stream_ends_well_formed() {
    for style in [RefusalStyle::Error, RefusalStyle::ContentFilter] {
        let mut gate = gate(inspection(&[("pii/email", Action::Block, Form::Mask)]), style);
        let mut out = Vec::new();
        for event in
            [created(), begin("message"), part(), said("The first sentence is harmless. "), said("So ")]
        {
            gate.event(&event, &mut out).unwrap();
        }
        let stopped = gate.event(&said("jane.roe@example.com is where, I think"), &mut out);
        assert_eq!(stopped, Ok(Progress::Stopped));
        let refusal = gate.verdict().refusal().unwrap();
        gate.refuse(&refusal, &mut out);
        let events = events_of(&out);
        assert!(events.iter().enumerate().all(|(at, (_, event))| {
            event.get("sequence_number").and_then(Value::as_u64) == Some(at as u64)
        }));
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("jane"));
        assert_eq!(gate.verdict().recorded().findings[0].part, "output/0/content/0/text");
        let last = events.last().unwrap().1.to_string();
        match style {
            RefusalStyle::Error => {
                assert_eq!(*names(&events).last().unwrap(), "error");
                assert!(
                    last.contains(r#""code":"content_blocked""#) && last.contains(r#""error":{"#),
                    "{last}"
                );
            }
            RefusalStyle::ContentFilter => {
                let end = [
                    "response.output_text.done",
                    "response.content_part.done",
                    "response.output_item.done",
                    "response.incomplete",
                ];
                assert_eq!(names(&events)[events.len() - 4..], end);
                assert!(last.contains(r#""incomplete_details":{"reason":"content_filter"}"#), "{last}");
                assert!(
                    last.contains(r#""text":"The first sentence is harmless."#)
                        && last.contains(r#""status":"incomplete""#),
                    "{last}"
                );
            }
        }
    }
}

#[test]
fn an_upstream_that_sends_no_events_is_an_error() {
    let check = |events: &[&str], expected: StreamError| {
        fails_with(&mut gate(redacting(Form::Mask), RefusalStyle::Error), events, &expected);
    };
    let failed = |code: &str| {
        let mut failed = response("failed", Vec::new());
        failed.as_object_mut().unwrap().insert("error", tree(format!(r#"{{"code":{code},"message":"no"}}"#)));
        event("response.failed", [("response", failed)])
    };
    let (created, begun) = (created(), begin("message"));
    check(&["[]"], StreamError::NotAChunk);
    check(&["{}"], StreamError::NotAChunk);
    check(&[r#"{"type":"response.created"}"#], StreamError::NotAChunk);
    check(&[&begun], StreamError::NotAChunk);
    check(&[&created, &said("x")], StreamError::NotAChunk);
    check(&[&created, &begun, &begun], StreamError::NotAChunk);
    check(&[&created, r#"{"type":"error","message":"x"}"#], StreamError::Upstream);
    check(&[&created, &failed("\"server_error\"")], StreamError::Upstream);
    check(&[&created, &begun, &said("a")], StreamError::Unfinished);
    check(&[], StreamError::Unfinished);
    let done = event(
        "response.output_item.done",
        [number("output_index", 0), ("item", tree(r#"{"type":"message"}"#))],
    );
    check(&[&created, &begun, &said("a"), &done, &said("b")], StreamError::AfterFinish);
    check(&[&created, &begun, &said(&"a ".repeat(1 << 20))], StreamError::TooLong);
    let far = event("response.output_item.added", [number("output_index", 1 << 20), ("item", tree("{}"))]);
    check(&[&created, &far], StreamError::TooMany);
    let strays = (0..200).map(|n| event(&format!("response.new_{n}"), [("text", "a word".into())]));
    let strays: Vec<String> = [created.clone()].into_iter().chain(strays).collect();
    check(&strays.iter().map(String::as_str).collect::<Vec<_>>(), StreamError::TooMany);
    // What is the request's fault is the caller's to know.
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    assert_eq!(gate.event(&failed("\"invalid_prompt\""), &mut Vec::new()), Ok(Progress::Done));
    assert_eq!(gate.said().finish_reasons(), ["failed"]);
}

#[test]
fn a_text_that_comes_without_pieces_is_inspected_in_every_copy() {
    let address = format!("write to {ADDRESS}");
    let places = || [number("output_index", 0), number("content_index", 0)].into_iter();
    let part = object([("type", "output_text".into()), ("text", address.as_str().into())]);
    let item = object([("type", "message".into()), ("content", vec![part.clone()].into())]);
    let copies = [
        event("response.content_part.added", places().chain([("part", part.clone())])),
        event("response.output_text.done", places().chain([("text", address.as_str().into())])),
        event("response.content_part.done", places().chain([("part", part)])),
        event("response.output_item.done", [number("output_index", 0), ("item", item.clone())]),
        event("response.completed", [("response", response("completed", vec![item]))]),
    ];
    for copy in &copies {
        let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
        let mut out = Vec::new();
        for event in [&created(), &begin("message"), copy] {
            gate.event(event, &mut out).unwrap();
        }
        let _ = gate.event(&completed(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("jane") && text.contains("write to [EMAIL]"), "{copy}: {text}");
    }
}

#[test]
fn every_field_of_an_answer_and_of_its_events_is_inspected() {
    let whole = |answer: &Value| {
        let mut verdict = Verdict::default();
        let inspection = redacting(Form::Mask);
        let body = Response::read(answer.clone()).unwrap().inspect(
            &inspection,
            &Tokens::default(),
            "support-bot",
            &mut verdict,
        );
        (body.map(|body| String::from_utf8(body).unwrap()).unwrap_or_default(), verdict)
    };
    // The same as events, each item beginning as it is in the end.
    let streamed = |answer: &Value| {
        let mut begun = answer.clone();
        begun.as_object_mut().unwrap().insert("output", Vec::new());
        let mut events = vec![event("response.created", [("response", begun)])];
        for (index, item) in answer.get("output").unwrap().as_array().unwrap().iter().enumerate() {
            for kind in ["response.output_item.added", "response.output_item.done"] {
                events.push(event(kind, [number("output_index", index), ("item", item.clone())]));
            }
        }
        events.push(event("response.completed", [("response", answer.clone())]));
        let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
        let (mut out, mut progress) = (Vec::new(), Progress::Open);
        for event in events {
            if progress == Progress::Open {
                progress = gate.event(&event, &mut out).unwrap();
            }
        }
        (String::from_utf8(out).unwrap(), gate.verdict().clone())
    };
    let (text, _) = streamed(&tree(MAXIMAL));
    let last = events_of(text.as_bytes()).pop().unwrap().1;
    assert_eq!(last.get("response"), Some(&tree(whole(&tree(MAXIMAL)).0)));
    every_field_is_inspected(MAXIMAL, 80, whole, streamed);
}

#[test]
fn what_events_repeat_is_inspected_once_and_told_alike() {
    let with = |kind: &str, status: &str| {
        let mut response = response(status, Vec::new());
        response.as_object_mut().unwrap().insert("instructions", format!("write to {ADDRESS}"));
        event(kind, [("response", response)])
    };
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    for event in [
        with("response.created", "queued"),
        with("response.in_progress", "in_progress"),
        with("response.completed", "completed"),
    ] {
        gate.event(&event, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert_eq!((text.matches("write to [EMAIL]").count(), text.contains("jane")), (3, false));
    assert_eq!(gate.verdict().recorded().findings.len(), 1);
}

#[test]
fn log_probabilities_annotations_and_noise() {
    let token = |text: &str| {
        object([("token", text.into()), ("logprob", 0_u64.into()), ("top_logprobs", Vec::new().into())])
    };
    let piece = |text: &str| {
        let mut event = tree(said(text));
        let members = event.as_object_mut().unwrap();
        members.insert("logprobs", vec![token(text)]);
        members.insert("obfuscation", "aB3dE5gH7j");
        event.to_string()
    };
    let annotation = |title: &str| {
        let annotation =
            tree(format!(r#"{{"type":"url_citation","title":"{title}","url":"https://example.com/a"}}"#));
        let places = [number("output_index", 0), number("content_index", 0), number("annotation_index", 0)];
        event("response.output_text.annotation.added", places.into_iter().chain([("annotation", annotation)]))
    };
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    let searching =
        event("response.web_search_call.searching", [number("output_index", 0), ("item_id", "ws_1".into())]);
    for event in [
        created(),
        begin("message"),
        part(),
        searching,
        piece("write to "),
        piece("jane.roe"),
        piece("@example.com"),
        piece(" now"),
        annotation("a page"),
        annotation(ADDRESS),
        event(
            "response.output_text.done",
            [number("output_index", 0), number("content_index", 0), ("text", "".into())],
        ),
        completed(),
    ] {
        gate.event(&event, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("jane") && !text.contains("obfuscation"), "{text}");
    assert!(
        text.contains("response.web_search_call.searching") && text.contains(r#""title":"a page""#),
        "{text}"
    );
    let done = events_of(text.as_bytes())
        .into_iter()
        .find(|(name, _)| name == "response.output_text.done")
        .unwrap()
        .1;
    let tokens: Vec<&str> = done
        .get("logprobs")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.get("token").and_then(Value::as_str).unwrap())
        .collect();
    assert_eq!(tokens, ["write to ", " now"]);
    assert_eq!(done.get("text").and_then(Value::as_str), Some("write to [EMAIL] now"));
}

/// Events of every kind that is known here, and of some that are not, as they come.
const EVENTS: &str = r#"[
{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","model":"upstream","output":[]},"novelty":"a new"},
{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1","role":"assistant","content":[]},"novelty":"one"},
{"type":"response.content_part.added","item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"To begin. ","annotations":[],"logprobs":[]}},
{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello there. ","logprobs":[{"token":"Hello","logprob":-0.5,"top_logprobs":[{"token":"Ho"}]}],"obfuscation":"xyz","novelty":"beside it"},
{"type":"response.output_text.annotation.added","item_id":"msg_1","output_index":0,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","title":"a page","url":"https://example.com/a"}},
{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello there. ","logprobs":[],"novelty":"more"},
{"type":"response.content_part.done","item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hello there. ","annotations":[{"type":"file_path","file_id":"file-1","index":1}]}},
{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hello there. "},{"type":"output_text","text":"And no more."}]}},
{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"look_up","arguments":""}},
{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\"order\":\"x\"}"},
{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":1,"arguments":"{\"order\":\"x\"}","name":"look_up"},
{"type":"response.web_search_call.searching","item_id":"ws_1","output_index":2},
{"type":"response.novelty.delta","item_id":"ws_1","output_index":2,"novelty":"something","deep":["else",{"again":"and again"}]},
{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"upstream","output":[{"type":"message","content":[]},{"type":"function_call","name":"look_up","arguments":"{}"},{"type":"web_search_call","id":"ws_1","action":{"type":"search","query":"hours"}}],"usage":{"input_tokens":1}},"novelty":"last"}
]"#;

#[test]
fn a_marker_anywhere_in_a_stream_leaves_no_copy() {
    let told = |events: &Value, style: RefusalStyle, inspection: Inspection| {
        let mut gate = gate(inspection, style);
        let (mut out, mut ended) = (Vec::new(), Ok(Progress::Open));
        for event in events.as_array().unwrap() {
            if ended == Ok(Progress::Open) {
                ended = gate.event(&event.to_string(), &mut out);
            }
        }
        if ended != Ok(Progress::Done) {
            let refusal = gate.verdict().refusal();
            gate.refuse(&refusal.unwrap_or_else(|| Refusal::new(RefusalCode::UpstreamFailed, "")), &mut out);
        }
        events_of(&out);
        (String::from_utf8(out).unwrap(), ended)
    };
    let (text, ended) = told(&tree(EVENTS), RefusalStyle::Error, redacting(Form::Mask));
    assert_eq!(ended, Ok(Progress::Done), "{text}");
    for word in
        ["To begin. ", "Hello there. ", "And no more.", "beside it", "and again", "searching", "file-1"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    let blocking = || inspection(&[("pii/email", Action::Block, Form::Mask)]);
    let (mut all, mut passed) = (0, 0);
    for (what, events) in planted(EVENTS, ADDRESS) {
        for (style, inspection) in
            [(RefusalStyle::Error, redacting(Form::Mask)), (RefusalStyle::ContentFilter, blocking())]
        {
            let (text, ended) = told(&events, style, inspection);
            assert!(!text.contains(ADDRESS), "{what}: {text}");
            all += 1;
            passed += usize::from(ended == Ok(Progress::Done));
        }
    }
    assert!(passed > all / 4, "{passed} of {all} streams went on");
}
