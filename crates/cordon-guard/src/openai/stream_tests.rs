//! The law of streams, lane by lane: however an answer is cut, a caller reads what it would have read from the whole.

use std::collections::BTreeMap;

use cordon_core::{
    Action, CallId, Category, Channel, Form, Refusal, RefusalCode, Timestamp,
    json::{Limits, Object, Value},
    resource::RefusalStyle,
};
use cordon_testkit::chunking::{self, Random};
use proptest::prelude::*;

use super::{Progress, Request, Response, StreamError, StreamGate, StreamOptions};
use crate::tree::gate::Gate;
use crate::tree::testing::{ADDRESS, KEY, arguments, at, feed, inspection, redacting, strings, text, tree};
use crate::{Inspection, Tokens, Verdict};

/// What a caller reads, by place: the texts put together, log probabilities as the list of their tokens.
pub(crate) type Read = BTreeMap<String, String>;

/// One choice of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) content: String,
    pub(crate) reasoning: String,
    pub(crate) calls: Vec<(String, String)>,
    pub(crate) tokens: Vec<String>,
    pub(crate) unknown: String,
}

pub(crate) fn options(include_usage: bool, refusal: RefusalStyle) -> StreamOptions {
    StreamOptions {
        call: CallId::new(Timestamp::from_millis(1), [3; 10]),
        route: "support-bot".to_owned(),
        include_usage,
        refusal,
        max_bytes: 1 << 20,
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect())
}

fn entry(token: &str) -> Value {
    object([
        ("token", token.into()),
        ("logprob", Value::from(0_u64)),
        ("top_logprobs", Value::Array(Vec::new())),
    ])
}

/// The tokens of a call whose request held `ADDRESS`: `[EMAIL_1]` stands for it.
pub(crate) fn tokens() -> Tokens {
    let request = tree(format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{ADDRESS}"}}]}}"#));
    let request = Request::read(request).unwrap();
    request.inspect(&redacting(Form::Token), &mut Verdict::default()).unwrap().tokens().clone()
}

pub(crate) fn completion(answers: &[Answer]) -> Value {
    let choices: Vec<Value> = answers
        .iter()
        .enumerate()
        .map(|(index, answer)| {
            let calls: Vec<Value> = answer
                .calls
                .iter()
                .map(|(name, arguments)| {
                    let function =
                        object([("name", name.as_str().into()), ("arguments", arguments.as_str().into())]);
                    object([("id", "call-1".into()), ("type", "function".into()), ("function", function)])
                })
                .collect();
            let message = object([
                ("role", "assistant".into()),
                ("content", answer.content.as_str().into()),
                ("reasoning_content", answer.reasoning.as_str().into()),
                ("tool_calls", calls.into()),
                ("novelty", answer.unknown.as_str().into()),
            ]);
            let entries: Vec<Value> = answer.tokens.iter().map(|token| entry(token)).collect();
            object([
                ("index", Value::from(index as u64)),
                ("message", message),
                ("logprobs", object([("content", entries.into())])),
                ("finish_reason", "stop".into()),
            ])
        })
        .collect();
    object([("id", "chatcmpl-1".into()), ("model", "upstream".into()), ("choices", choices.into())])
}

fn whole(answers: &[Answer], inspection: &Inspection) -> Result<Value, RefusalCode> {
    released(completion(answers), inspection)
}

/// What leaves of an answer in one piece.
pub(crate) fn released(answer: Value, inspection: &Inspection) -> Result<Value, RefusalCode> {
    let mut verdict = Verdict::default();
    Response::read(answer)
        .unwrap()
        .inspect(inspection, &tokens(), "support-bot", &mut verdict)
        .map(tree)
        .map_err(|refusal| refusal.code)
}

pub(crate) fn read_whole(answer: &Value) -> Read {
    let mut read = Read::new();
    for (index, choice) in answer.get("choices").unwrap().as_array().unwrap().iter().enumerate() {
        read_choice(index as u64, choice, "message", &mut read);
    }
    read
}

fn read_choice(index: u64, choice: &Value, field: &str, read: &mut Read) {
    let mut add = |place: String, text: &str| read.entry(place).or_default().push_str(text);
    for (key, value) in choice.get(field).and_then(Value::as_object).unwrap_or(&Object::new()).iter() {
        if let Some(text) = value.as_str().filter(|_| key != "role") {
            add(format!("{index}/{key}"), text);
        }
        if key == "tool_calls" {
            for (at, call) in value.as_array().unwrap().iter().enumerate() {
                let at = call.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
                let function = call.get("function");
                for part in ["name", "arguments"] {
                    if let Some(text) = function.and_then(|f| f.get(part)).and_then(Value::as_str) {
                        add(format!("{index}/calls/{at}/{part}"), text);
                    }
                }
            }
        }
    }
    let entries = choice.get("logprobs").and_then(|l| l.get("content")).and_then(Value::as_array);
    for entry in entries.unwrap_or_default() {
        let token = entry.get("token").and_then(Value::as_str).unwrap();
        add(format!("{index}/logprobs"), &format!("<{token}>"));
    }
    read.retain(|_, text| !text.is_empty());
}

/// The events of a stream that says the same: every text cut at random, the pieces of all lanes shuffled together.
pub(crate) fn events(answers: &[Answer], longest: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    // Every lane is a list of deltas in its order.
    let mut lanes: Vec<(u64, Vec<Value>)> = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        let index = index as u64;
        let mut lane = |deltas: Vec<Value>| lanes.push((index, deltas.into_iter().rev().collect()));
        let texts = [
            ("content", &answer.content),
            ("reasoning_content", &answer.reasoning),
            ("novelty", &answer.unknown),
        ];
        for (key, text) in texts {
            let pieces = chunking::chars(text, longest, random.bits());
            lane(
                pieces.into_iter().map(|piece| object([("delta", object([(key, piece.into())]))])).collect(),
            );
        }
        for (at, (name, arguments)) in answer.calls.iter().enumerate() {
            let call = |members: Value| {
                let mut members = members;
                members.as_object_mut().unwrap().insert("index", at as u64);
                object([("delta", object([("tool_calls", vec![members].into())]))])
            };
            let mut deltas = vec![call(object([
                ("id", "call-1".into()),
                ("type", "function".into()),
                ("function", object([("name", name.as_str().into()), ("arguments", "".into())])),
            ]))];
            for piece in chunking::chars(arguments, longest, random.bits()) {
                deltas.push(call(object([("function", object([("arguments", piece.into())]))])));
            }
            lane(deltas);
        }
        let entries = answer.tokens.iter().map(|token| {
            object([
                ("delta", Value::Object(Object::new())),
                ("logprobs", object([("content", vec![entry(token)].into())])),
            ])
        });
        lane(entries.collect());
    }
    let mut out = Vec::new();
    let chunk = |choice: Value| {
        object([
            ("id", "chatcmpl-1".into()),
            ("object", "chat.completion.chunk".into()),
            ("created", Value::from(1_763_691_234_u64)),
            ("model", "upstream".into()),
            ("choices", vec![choice].into()),
        ])
        .to_string()
    };
    while let Some(left) = lanes.iter().filter(|(_, lane)| !lane.is_empty()).count().checked_sub(1) {
        let pick = random.below(left + 1);
        let (index, lane) = lanes.iter_mut().filter(|(_, lane)| !lane.is_empty()).nth(pick).unwrap();
        let mut choice = lane.pop().unwrap();
        let members = choice.as_object_mut().unwrap();
        members.insert("index", *index);
        members.insert("finish_reason", Value::Null);
        out.push(chunk(choice));
    }
    for index in 0..answers.len() {
        out.push(chunk(object([
            ("index", Value::from(index as u64)),
            ("delta", Value::Object(Object::new())),
            ("finish_reason", "stop".into()),
        ])));
    }
    out.push("[DONE]".to_owned());
    out
}

/// What a caller reads of a stream, and how it ended.
fn streamed(
    events: &[String],
    inspection: &Inspection,
    longest: usize,
    seed: u64,
) -> (Read, Progress, Verdict) {
    let mut gate = StreamGate::new(inspection.clone(), tokens(), options(false, RefusalStyle::Error));
    let (out, progress) = feed(&mut gate, events, longest, seed);
    (read_stream(&out), progress, gate.verdict().clone())
}

pub(crate) fn read_stream(out: &[u8]) -> Read {
    let mut read = Read::new();
    let mut finished = std::collections::BTreeSet::new();
    for event in std::str::from_utf8(out).unwrap().split_terminator("\n\n") {
        let data = event.strip_prefix("data: ").unwrap();
        if data == "[DONE]" {
            continue;
        }
        let chunk = tree(data);
        assert_eq!(chunk.get("model").and_then(Value::as_str), Some("support-bot"));
        assert!(matches!(chunk.get("id").and_then(Value::as_str), Some("chatcmpl-1" | "msg_1")));
        for choice in chunk.get("choices").unwrap().as_array().unwrap() {
            let index = choice.get("index").unwrap().as_u64().unwrap();
            assert!(!finished.contains(&index), "a choice goes on after its end");
            read_choice(index, choice, "delta", &mut read);
            if !choice.get("finish_reason").unwrap().is_null() {
                finished.insert(index);
            }
        }
    }
    read
}

fn answer() -> impl Strategy<Value = Answer> {
    let calls = prop::collection::vec((Just("look_up".to_owned()), arguments()), 0..3);
    (text(), text(), calls, text(), any::<u64>(), text()).prop_map(
        |(content, reasoning, calls, tokens, seed, unknown)| Answer {
            content,
            reasoning,
            calls,
            tokens: chunking::chars(&tokens, 5, seed),
            unknown,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn what_is_streamed_is_what_is_whole(
        answers in prop::collection::vec(answer(), 1..3), longest in 1..12_usize, seed in any::<u64>(),
        form in prop_oneof![Just(Form::Mask), Just(Form::Drop), Just(Form::Hash), Just(Form::Token)],
    ) {
        let inspection = redacting(form);
        let mut expected = read_whole(&whole(&answers, &inspection).unwrap());
        let (mut read, progress, verdict) = streamed(&events(&answers, longest, seed), &inspection, 7, seed);
        prop_assert_eq!(progress, Progress::Done);
        prop_assert!(verdict.action() <= Action::Redact);
        // A field that is not known is read value by value too, so more may be found in its pieces, and never less.
        for at in 0..answers.len() {
            let whole = expected.remove(&format!("{at}/novelty")).unwrap_or_default();
            let text = read.remove(&format!("{at}/novelty")).unwrap_or_default();
            for value in [ADDRESS, KEY] {
                prop_assert!(whole.contains(value) || !text.contains(value), "{} became {}", whole, text);
            }
        }
        prop_assert_eq!(&read, &expected);
        for (index, answer) in answers.iter().enumerate() {
            for (at, (_, arguments)) in answer.calls.iter().enumerate() {
                let parses = |text: &str| Value::parse(text.as_bytes(), Limits::default()).is_ok();
                let out = read.get(&format!("{index}/calls/{at}/arguments")).map_or("", String::as_str);
                prop_assert!(!parses(arguments) || parses(out), "{} became {}", arguments, out);
            }
        }
    }

    #[test]
    fn what_stops_a_stream_is_never_written(answers in prop::collection::vec(answer(), 1..3), longest in 1..12_usize, seed in any::<u64>()) {
        let rules = [("pii/email", Action::Redact, Form::Mask), ("secret", Action::Block, Form::Mask)];
        let blocking = inspection(&rules);
        let lenient = inspection(&rules[..1]);
        let expected = read_whole(&whole(&answers, &lenient).unwrap());
        let (read, progress, verdict) = streamed(&events(&answers, longest, seed), &blocking, 9, seed);
        let blocked = whole(&answers, &blocking).is_err();
        if !blocked {
            // A field that is not known may be stopped for a value that its texts alone do not hold.
            prop_assert!(progress == Progress::Done || verdict.refusal().is_some());
            return Ok(());
        }
        prop_assert_eq!(progress, Progress::Stopped);
        prop_assert_eq!(verdict.action(), Action::Block);
        for (place, text) in read.iter().filter(|(place, _)| !place.ends_with("novelty")) {
            let all = expected.get(place).map_or("", String::as_str);
            prop_assert!(all.starts_with(text.as_str()), "{}: {} is no beginning of {}", place, text, all);
        }
        for (index, answer) in answers.iter().enumerate() {
            for (field, original) in [("content", &answer.content), ("reasoning_content", &answer.reasoning)] {
                let findings = blocking.inspect(Channel::Model, original);
                let secret = findings.iter().filter(|f| Category::known("secret").covers(&f.category));
                let Some(start) = secret.map(|f| f.span.start).min() else { continue };
                let before = Answer { content: original.split_at(start).0.to_owned(), ..Answer::default() };
                let before = read_whole(&whole(&[before], &lenient).unwrap());
                let most = before.get("0/content").map_or(0, String::len);
                let text = read.get(&format!("{index}/{field}")).map_or("", String::as_str);
                prop_assert!(text.len() <= most, "{} goes beyond {} of {}", text, most, original);
            }
        }
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(events in prop::collection::vec("[\\[\\]{}\",:a-z0-9]{0,30}", 0..5)) {
        let mut gate = StreamGate::new(redacting(Form::Mask), Tokens::default(), options(true, RefusalStyle::Error));
        let mut out = Vec::new();
        for event in events {
            let _ = gate.event(&event, &mut out);
        }
        prop_assert!(out.is_empty());
    }
}

fn gate(inspection: Inspection, include_usage: bool, style: RefusalStyle) -> StreamGate {
    StreamGate::new(inspection, Tokens::default(), options(include_usage, style))
}

fn said(text: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1763691234,"model":"u","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}"#
    )
}

#[test]
fn text_without_a_live_match_is_not_held() {
    let mut gate = gate(redacting(Form::Mask), false, RefusalStyle::Error);
    let mut out = Vec::new();
    gate.event(&said("Hello, ", "null"), &mut out).unwrap();
    assert!(std::str::from_utf8(&out).unwrap().contains("Hello, "));
    assert_eq!(gate.held(), 0);
    gate.event(&said("write to jane.roe@exam", "null"), &mut out).unwrap();
    assert_eq!(gate.held(), "jane.roe@exam".len());
}

#[test]
fn what_is_held_comes_before_the_end() {
    let mut gate = gate(redacting(Form::Mask), false, RefusalStyle::Error);
    let mut out = Vec::new();
    gate.event(&said("write to jane.roe@exam", "null"), &mut out).unwrap();
    gate.event(&said("ple.com", "\"stop\""), &mut out).unwrap();
    assert_eq!(gate.event("[DONE]", &mut out), Ok(Progress::Done));
    let text = String::from_utf8(out).unwrap();
    let events: Vec<&str> = text.split_terminator("\n\n").collect();
    assert!(events[events.len() - 3].contains(r#"[EMAIL]"},"finish_reason":null"#), "{text}");
    assert!(events[events.len() - 2].contains(r#""delta":{},"finish_reason":"stop""#), "{text}");
    assert_eq!(events[events.len() - 1], "data: [DONE]");
    assert_eq!(gate.event("[DONE]", &mut Vec::new()), Err(StreamError::AfterEnd));
}

#[test]
fn usage_is_recorded_and_passed_on_only_where_it_was_asked_for() {
    for asked in [true, false] {
        let mut gate = gate(redacting(Form::Mask), asked, RefusalStyle::Error);
        let mut out = Vec::new();
        gate.event(&said("hi", "\"stop\""), &mut out).unwrap();
        let before = out.len();
        let usage = r#"{"id":"c","model":"u","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
        gate.event(usage, &mut out).unwrap();
        assert_eq!(out.len() > before, asked);
        assert_eq!(gate.usage().map(|t| (t.input, t.output)), Some((3, 4)));
    }
}

#[test]
fn a_refused_stream_ends_well_formed() {
    let blocking = || inspection(&[("pii/email", Action::Block, Form::Mask)]);
    for (style, expected) in [
        (RefusalStyle::Error, r#""code":"content_blocked""#),
        (
            RefusalStyle::ContentFilter,
            r#""choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]"#,
        ),
    ] {
        let mut gate = gate(blocking(), false, style);
        let mut out = Vec::new();
        gate.event(&said("hello ", "null"), &mut out).unwrap();
        assert_eq!(
            gate.event(&said("jane.roe@example.com is where, I think", "null"), &mut out),
            Ok(Progress::Stopped)
        );
        let refusal = gate.verdict().refusal().unwrap();
        assert_eq!(refusal.code, RefusalCode::ContentBlocked);
        gate.refuse(&refusal, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(expected) && text.ends_with("data: [DONE]\n\n"), "{text}");
        assert!(!text.contains("jane"));
        let finding = &gate.verdict().recorded().findings[0];
        assert_eq!(finding.part, "choices/0/message/content");
    }
}

#[test]
fn a_tool_call_goes_on_once_its_name_is_complete() {
    let call = |function: &str| {
        format!(
            r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"call-1","type":"function","function":{function}}}]}}}}]}}"#
        )
    };
    let mut plain = gate(redacting(Form::Mask), false, RefusalStyle::Error);
    let mut out = Vec::new();
    plain.event(&call(r#"{"name":"look","arguments":""}"#), &mut out).unwrap();
    plain.event(&call(r#"{"name":"_up"}"#), &mut out).unwrap();
    assert!(out.is_empty());
    plain.event(&call(r#"{"arguments":"{"}"#), &mut out).unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    assert!(text.contains(r#""function":{"name":"look_up","arguments":"{"}"#), "{text}");

    let mut named = gate(redacting(Form::Mask), false, RefusalStyle::Error);
    let mut out = Vec::new();
    named.event(&call(r#"{"name":"jane.roe@exam","arguments":""}"#), &mut out).unwrap();
    named.event(&call(r#"{"name":"ple.com"}"#), &mut out).unwrap();
    assert_eq!(named.event(&call(r#"{"arguments":"{"}"#), &mut out), Ok(Progress::Stopped));
    assert!(out.is_empty());
    assert_eq!(named.verdict().recorded().findings[0].part, "choices/0/message/tool_calls/0/function/name");
}

#[test]
fn sound_waits_for_its_transcript_and_goes_with_it() {
    let audio = |transcript: &str| {
        format!(
            r#"{{"id":"c","choices":[{{"index":0,"delta":{{"audio":{{"id":"a","transcript":"{transcript}","data":"UklGRg=="}}}}}}]}}"#
        )
    };
    let end = r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    for (transcript, spoken) in [("hello", true), ("jane.roe@example.com", false)] {
        let mut gate = gate(redacting(Form::Mask), false, RefusalStyle::Error);
        let mut out = Vec::new();
        gate.event(&audio(transcript), &mut out).unwrap();
        assert!(!std::str::from_utf8(&out).unwrap().contains("UklGRg"));
        gate.event(end, &mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap().contains("UklGRg"), spoken);
        assert!(!std::str::from_utf8(&out).unwrap().contains("jane"));
    }
}

#[test]
fn an_upstream_that_sends_no_chunks_is_an_error() {
    let check = |events: &[&str], expected: StreamError| {
        let mut gate = gate(redacting(Form::Mask), false, RefusalStyle::Error);
        let mut out = Vec::new();
        let last = events.iter().map(|event| gate.event(event, &mut out)).last();
        let result = match last {
            Some(Err(error)) => Err(error),
            _ => gate.end(&mut out),
        };
        assert_eq!(result, Err(expected.clone()), "{events:?}");
        let mut out = Vec::new();
        gate.refuse(&Refusal::new(RefusalCode::UpstreamFailed, expected.to_string()), &mut out);
        assert!(String::from_utf8(out).unwrap().contains("upstream_failed"));
    };
    check(&["[]"], StreamError::NotAChunk);
    check(&["{}"], StreamError::NotAChunk);
    check(&[r#"{"error":{"message":"x"}}"#], StreamError::Upstream);
    check(&[r#"{"choices":[7]}"#], StreamError::NotAChunk);
    check(&[r#"{"choices":[{"index":128,"delta":{}}]}"#], StreamError::TooMany);
    check(&[r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":999}]}}]}"#], StreamError::TooMany);
    check(&[&said("a", "\"stop\""), &said("b", "null")], StreamError::AfterFinish);
    check(&[&said("a", "null")], StreamError::Unfinished);
    check(&[], StreamError::Unfinished);
    let long = said(&"a ".repeat(1 << 20), "null");
    check(&[&long], StreamError::TooLong);
    let fields: Vec<String> = (0..65).map(|i| format!("\"new{i}\":\"x\"")).collect();
    check(&[&format!(r#"{{"choices":[{{"delta":{{{}}}}}]}}"#, fields.join(","))], StreamError::TooMany);
}

#[test]
fn every_field_of_an_answer_is_inspected() {
    let answer = include_str!("maximal_response.json");
    let original = tree(answer);
    let paths = strings(&original, &mut Vec::new());
    assert!(paths.len() > 25);
    for path in paths {
        let mut copy = original.clone();
        *at(&mut copy, &path) = Value::from(format!("x {ADDRESS}"));
        let mut verdict = Verdict::default();
        let Ok(response) = Response::read(copy) else { panic!("{path:?}") };
        match response.inspect(&redacting(Form::Mask), &Tokens::default(), "support-bot", &mut verdict) {
            Ok(body) => assert!(!String::from_utf8(body).unwrap().contains(ADDRESS), "{path:?}"),
            Err(refusal) => assert_eq!(refusal.code, RefusalCode::ContentBlocked, "{path:?}"),
        }
        // `model` is replaced, whatever it says.
        assert!(verdict.action() >= Action::Redact || path == ["model"], "{path:?}");
    }
    let mut verdict = Verdict::default();
    let response = Response::read(original.clone()).unwrap();
    assert_eq!(response.usage().map(|t| (t.input, t.output)), Some((9, 12)));
    let body =
        response.inspect(&redacting(Form::Mask), &Tokens::default(), "support-bot", &mut verdict).unwrap();
    let mut expected = original;
    expected.as_object_mut().unwrap().insert("model", "support-bot");
    assert_eq!(tree(body), expected);
}

#[test]
fn every_field_of_a_chunk_is_inspected() {
    let mut original = tree(include_str!("maximal_response.json"));
    let choices = original.as_object_mut().unwrap().get_mut("choices").unwrap();
    let Value::Array(choices) = choices else { panic!() };
    for choice in choices {
        let choice = choice.as_object_mut().unwrap();
        let mut delta = choice.get("message").unwrap().clone();
        if let Some(Value::Array(calls)) = delta.as_object_mut().unwrap().get_mut("tool_calls") {
            for (at, call) in calls.iter_mut().enumerate() {
                call.as_object_mut().unwrap().insert("index", at as u64);
            }
        }
        // A whole message beside the delta is not of the protocol, and still inspected.
        choice.insert("delta", delta);
        choice.insert("finish_reason", Value::Null);
    }
    let run = |chunk: &Value| {
        let mut gate = gate(redacting(Form::Mask), true, RefusalStyle::Error);
        let mut out = Vec::new();
        let mut progress = gate.event(&chunk.to_string(), &mut out).unwrap();
        for index in 0..2 {
            if progress == Progress::Open {
                let end =
                    format!(r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"stop"}}]}}"#);
                progress = gate.event(&end, &mut out).unwrap();
            }
        }
        (String::from_utf8(out).unwrap(), gate.verdict().clone())
    };
    let (text, verdict) = run(&original);
    assert_eq!(verdict.action(), Action::Allow);
    for path in strings(&original, &mut Vec::new()) {
        let said = at(&mut original.clone(), &path).to_string();
        assert!(text.contains(said.trim_matches('"')) || path == ["model"], "{path:?} is lost");
        let mut copy = original.clone();
        *at(&mut copy, &path) = Value::from(format!("x {ADDRESS}"));
        let (text, verdict) = run(&copy);
        assert!(!text.contains(ADDRESS), "{path:?}: {text}");
        assert!(verdict.action() >= Action::Redact || path == ["model"], "{path:?}");
    }
}
