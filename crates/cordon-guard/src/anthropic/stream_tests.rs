//! The law of streams, lane by lane: however an answer is cut, a caller reads what it would have read from the whole.

use std::collections::BTreeMap;

use cordon_core::{
    Action, CallId, Form, RefusalCode, Timestamp,
    json::{Object, Value},
    resource::RefusalStyle,
};
use cordon_testkit::chunking::{self, Random};
use http::HeaderMap;
use proptest::prelude::*;

use super::{Message, MessageGate, MessagesRequest, Wanted};
use crate::openai::{Progress, StreamError, StreamOptions};
use crate::tree::gate::Gate;
use crate::tree::testing::{
    ADDRESS, KEY, any_value, every_field_is_inspected, fails_with, feed, inspection, redacting, text, tree,
};
use crate::{Inspection, Tokens, Verdict, sse};

/// What a caller reads, by place.
pub(crate) type Read = BTreeMap<String, String>;

/// What an answer says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) thinking: String,
    pub(crate) text: String,
    pub(crate) inputs: Vec<Value>,
    pub(crate) novelty: String,
}

pub(crate) fn options(refusal: RefusalStyle) -> StreamOptions {
    StreamOptions {
        call: CallId::new(Timestamp::from_millis(1), [3; 10]),
        route: "support-bot".to_owned(),
        include_usage: false,
        refusal,
        max_bytes: 1 << 20,
    }
}

pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect())
}

/// The tokens of a call whose request held `ADDRESS`: `[EMAIL_1]` stands for it.
pub(crate) fn tokens() -> Tokens {
    let request = tree(format!(
        r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"{ADDRESS}"}}]}}"#
    ));
    let request = MessagesRequest::read(request, &HeaderMap::new(), Wanted::Message).unwrap();
    request.inspect(&redacting(Form::Token), &mut Verdict::default()).unwrap().tokens().clone()
}

impl Answer {
    /// Each block: how it stands in a whole answer, the member that comes in pieces, and its pieces' kind and member.
    fn blocks(&self) -> Vec<(Object, &'static str, &'static str, &'static str)> {
        let block = |members: Value| members.as_object().unwrap().clone();
        let said = |kind: &str, text: &str| block(object([("type", kind.into()), (kind, text.into())]));
        let mut out = vec![
            (said("thinking", &self.thinking), "thinking", "thinking_delta", "thinking"),
            (said("text", &self.text), "text", "text_delta", "text"),
        ];
        if !self.novelty.is_empty() {
            out.push((said("novelty", &self.novelty), "novelty", "novelty_delta", "novelty"));
        }
        for input in &self.inputs {
            let call = object([
                ("type", "tool_use".into()),
                ("id", "toolu_1".into()),
                ("name", "look_up".into()),
                ("input", object([("value", input.clone())])),
            ]);
            out.push((block(call), "input", "input_json_delta", "partial_json"));
        }
        out
    }

    pub(crate) fn message(&self) -> Value {
        let blocks: Vec<Value> = self.blocks().into_iter().map(|(block, ..)| block.into()).collect();
        object([("id", "msg_1".into()), ("content", blocks.into()), ("stop_reason", "end_turn".into())])
    }

    fn whole(&self, inspection: &Inspection) -> Result<Read, RefusalCode> {
        read_whole(self.message(), inspection)
    }

    /// The events of a stream that says the same: every text cut at random, the pieces of all blocks shuffled together.
    pub(crate) fn events(&self, longest: usize, seed: u64) -> Vec<String> {
        let mut random = Random::new(seed);
        let event = |kind: &str, members: Value| {
            let mut event = members;
            event.as_object_mut().unwrap().insert("type", kind);
            event.to_string()
        };
        let mut out = vec![START.to_owned()];
        let mut lanes = Vec::new();
        for (index, (mut block, whole, kind, member)) in self.blocks().into_iter().enumerate() {
            let index = index as u64;
            let value = block.remove(whole).unwrap();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let empty = if whole == "input" { Object::new().into() } else { Value::from("") };
            block.insert(whole, empty);
            let start = object([("index", index.into()), ("content_block", block.into())]);
            out.push(event("content_block_start", start));
            let pieces = chunking::chars(&text, longest, random.bits()).into_iter().map(|piece| {
                let delta = object([("type", kind.into()), (member, piece.into())]);
                event("content_block_delta", object([("index", index.into()), ("delta", delta)]))
            });
            lanes.push(pieces.rev().collect::<Vec<_>>());
        }
        while let Some(left) = lanes.iter().filter(|lane| !lane.is_empty()).count().checked_sub(1) {
            let pick = random.below(left + 1);
            out.extend(lanes.iter_mut().filter(|lane| !lane.is_empty()).nth(pick).unwrap().pop());
        }
        for index in 0..lanes.len() as u64 {
            out.push(event("content_block_stop", object([("index", index.into())])));
        }
        out.push(END.to_owned());
        out.push(STOP.to_owned());
        out
    }
}

/// What a caller reads of a whole answer.
pub(crate) fn read_whole(message: Value, inspection: &Inspection) -> Result<Read, RefusalCode> {
    let mut verdict = Verdict::default();
    let body = Message::read(message).unwrap().inspect(inspection, &tokens(), "support-bot", &mut verdict);
    let body = tree(body.map_err(|refusal| refusal.code)?);
    let mut read = Read::new();
    for (index, block) in body.get("content").unwrap().as_array().unwrap().iter().enumerate() {
        for (key, value) in block.as_object().unwrap().iter().filter(|(key, _)| !["type", "id"].contains(key))
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            read.insert(format!("{index}/{key}"), text);
        }
    }
    read.retain(|_, text| !text.is_empty());
    Ok(read)
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"upstream","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":3}}}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn begin(kind: &str) -> String {
    let member = if kind == "tool_use" {
        r#""id":"t","name":"f","input":{}"#.to_owned()
    } else {
        format!(r#""{kind}":"""#)
    };
    format!(r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"{kind}",{member}}}}}"#)
}

fn said(text: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#)
}

fn gate(inspection: Inspection, style: RefusalStyle) -> MessageGate {
    MessageGate::new(inspection, Tokens::default(), options(style))
}

/// What a caller reads of a stream, and how it ended.
fn streamed(
    events: &[String],
    inspection: &Inspection,
    longest: usize,
    seed: u64,
) -> (Read, Progress, Verdict) {
    let mut gate = MessageGate::new(inspection.clone(), tokens(), options(RefusalStyle::Error));
    let (out, progress) = feed(&mut gate, events, longest, seed);
    (read_stream(&out), progress, gate.verdict().clone())
}

pub(crate) fn events_of(out: &[u8]) -> Vec<(String, Value)> {
    let mut parser = sse::Parser::default();
    parser.push(out);
    let mut events = Vec::new();
    while let Some(event) = parser.next().unwrap() {
        events.push((event.name.to_owned(), tree(event.data)));
    }
    assert!(events.iter().all(|(name, data)| data.get("type").unwrap().as_str() == Some(name)));
    events
}

pub(crate) fn read_stream(out: &[u8]) -> Read {
    let mut read = Read::new();
    let mut closed = std::collections::BTreeSet::new();
    for (name, event) in events_of(out) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let mut add = |key: &str, text: &str| {
            let key = if key == "partial_json" { "input" } else { key };
            read.entry(format!("{index}/{key}")).or_default().push_str(text);
        };
        match name.as_str() {
            "content_block_start" => {
                let block = event.get("content_block").unwrap().as_object().unwrap();
                for (key, value) in block.iter().filter(|(key, _)| !["type", "id"].contains(key)) {
                    add(key, value.as_str().unwrap_or(""));
                }
            }
            "content_block_delta" => {
                assert!(!closed.contains(&index), "a block goes on after its end");
                let delta = event.get("delta").unwrap().as_object().unwrap();
                for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
                    add(key, value.as_str().unwrap());
                }
            }
            "content_block_stop" => assert!(closed.insert(index)),
            "message_start" => {
                let model = event.get("message").unwrap().get("model").and_then(Value::as_str);
                assert_eq!(model, Some("support-bot"));
            }
            _ => {}
        }
    }
    read.retain(|_, text| !text.is_empty());
    read
}

pub(crate) fn answer() -> impl Strategy<Value = Answer> {
    let inputs = prop::collection::vec(any_value(), 0..3);
    (text(), text(), inputs, text()).prop_map(|(thinking, text, inputs, novelty)| Answer {
        thinking,
        text,
        inputs,
        novelty,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn what_is_streamed_is_what_is_whole(
        answer in answer(), longest in 1..12_usize, seed in any::<u64>(),
        form in prop_oneof![Just(Form::Mask), Just(Form::Drop), Just(Form::Hash), Just(Form::Token)],
    ) {
        let inspection = redacting(form);
        let mut expected = answer.whole(&inspection).unwrap();
        let (mut read, progress, verdict) = streamed(&answer.events(longest, seed), &inspection, 7, seed);
        prop_assert_eq!(progress, Progress::Done);
        prop_assert!(verdict.action() <= Action::Redact);
        // A kind of piece that is not known is read piece by piece too, so more may be found in it, and never less.
        let whole = expected.remove("2/novelty").unwrap_or_default();
        let text = read.remove("2/novelty").unwrap_or_default();
        for value in [ADDRESS, KEY] {
            prop_assert!(whole.contains(value) || !text.contains(value), "{} became {}", whole, text);
        }
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn what_stops_a_stream_is_never_written(answer in answer(), longest in 1..12_usize, seed in any::<u64>()) {
        let rules = [("pii/email", Action::Redact, Form::Mask), ("secret", Action::Block, Form::Mask)];
        let blocking = inspection(&rules);
        let expected = answer.whole(&inspection(&rules[..1])).unwrap();
        let (read, progress, verdict) = streamed(&answer.events(longest, seed), &blocking, 9, seed);
        if answer.whole(&blocking).is_ok() {
            // A kind of piece that is not known may be stopped for a value that its texts alone do not hold.
            prop_assert!(progress == Progress::Done || verdict.refusal().is_some());
            return Ok(());
        }
        prop_assert_eq!(progress, Progress::Stopped);
        prop_assert_eq!(verdict.action(), Action::Block);
        for (place, text) in read.iter().filter(|(place, _)| !place.ends_with("novelty")) {
            let all = expected.get(place).map_or("", String::as_str);
            prop_assert!(all.starts_with(text.as_str()), "{}: {} is no beginning of {}", place, text, all);
        }
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(events in prop::collection::vec("[\\[\\]{}\",:a-z0-9]{0,30}", 0..5)) {
        let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
        let mut out = Vec::new();
        for event in events {
            let _ = gate.event(&event, &mut out);
        }
        prop_assert!(out.is_empty());
    }
}

#[test]
fn text_without_a_live_match_is_not_held_and_the_rest_comes_before_the_end_of_its_block() {
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    for event in [START.to_owned(), r#"{"type":"ping"}"#.to_owned(), begin("text"), said("Hello, ")] {
        assert_eq!(gate.event(&event, &mut out), Ok(Progress::Open));
    }
    assert!(std::str::from_utf8(&out).unwrap().contains("Hello, "));
    assert_eq!(gate.held(), 0);
    gate.event(&said("write to jane.roe@exam"), &mut out).unwrap();
    assert_eq!(gate.held(), "jane.roe@exam".len());
    for event in [&said("ple.com"), r#"{"type":"content_block_stop","index":0}"#, END] {
        gate.event(event, &mut out).unwrap();
    }
    assert_eq!(gate.event(STOP, &mut out), Ok(Progress::Done));
    assert_eq!(read_stream(&out)["0/text"], "Hello, write to [EMAIL]");
    let names: Vec<String> = events_of(&out).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
    let end = ["content_block_delta", "content_block_stop", "message_delta", "message_stop"];
    assert_eq!(names[names.len() - 4..], end);
    assert_eq!(gate.usage().map(|t| (t.input, t.output, t.cached, t.cache_written)), Some((10, 7, 2, 3)));
    assert_eq!(gate.said().finish_reasons(), ["end_turn"]);
    assert_eq!(gate.event(STOP, &mut Vec::new()), Err(StreamError::AfterEnd));
}

#[test]
fn a_refused_stream_ends_well_formed() {
    for style in [RefusalStyle::Error, RefusalStyle::ContentFilter] {
        let mut gate = gate(inspection(&[("pii/email", Action::Block, Form::Mask)]), style);
        let mut out = Vec::new();
        for event in [START.to_owned(), begin("text"), said("hello ")] {
            gate.event(&event, &mut out).unwrap();
        }
        let stopped = gate.event(&said("jane.roe@example.com is where, I think"), &mut out);
        assert_eq!(stopped, Ok(Progress::Stopped));
        let refusal = gate.verdict().refusal().unwrap();
        gate.refuse(&refusal, &mut out);
        let events = events_of(&out);
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("jane"));
        assert_eq!(gate.verdict().recorded().findings[0].part, "content/0/text");
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        match style {
            RefusalStyle::Error => {
                assert_eq!(names[names.len() - 1], "error");
                assert!(text.contains(r#""code":"content_blocked""#), "{text}");
            }
            RefusalStyle::ContentFilter => {
                let end = ["content_block_stop", "message_delta", "message_stop"];
                assert_eq!(names[names.len() - 3..], end);
                assert!(text.contains(r#""stop_reason":"refusal""#), "{text}");
            }
        }
    }
}

#[test]
fn an_upstream_that_sends_no_events_is_an_error() {
    let check = |events: &[&str], expected: StreamError| {
        fails_with(&mut gate(redacting(Form::Mask), RefusalStyle::Error), events, &expected);
    };
    check(&["[]"], StreamError::NotAChunk);
    check(&["{}"], StreamError::NotAChunk);
    check(&[STOP], StreamError::NotAChunk);
    check(&[START, START], StreamError::NotAChunk);
    check(&[START, &said("x")], StreamError::NotAChunk);
    check(&[START, &begin("text"), &begin("text")], StreamError::NotAChunk);
    check(&[r#"{"type":"error","error":{"message":"x"}}"#], StreamError::Upstream);
    check(&[START, &begin("text"), &said("a")], StreamError::Unfinished);
    check(&[], StreamError::Unfinished);
    let end = r#"{"type":"content_block_stop","index":0}"#;
    check(&[START, &begin("text"), end, &said("a")], StreamError::AfterFinish);
    check(&[START, &begin("text"), &said(&"a ".repeat(1 << 20))], StreamError::TooLong);
}

#[test]
fn a_stream_without_its_last_event_is_whole_when_it_said_why_it_ended() {
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    for event in [START.to_owned(), begin("text"), said("write to jane.roe@example.com"), END.to_owned()] {
        gate.event(&event, &mut out).unwrap();
    }
    assert_eq!(gate.end(&mut out), Ok(Progress::Done));
    assert_eq!(read_stream(&out)["0/text"], "write to [EMAIL]");
    assert_eq!(events_of(&out).last().unwrap().0, "message_stop");
}

#[test]
fn every_field_of_an_answer_and_of_its_events_is_inspected() {
    let whole = |answer: &Value| {
        let mut verdict = Verdict::default();
        let body = Message::read(answer.clone()).unwrap().inspect(
            &redacting(Form::Mask),
            &Tokens::default(),
            "support-bot",
            &mut verdict,
        );
        (body.map(|body| String::from_utf8(body).unwrap()).unwrap_or_default(), verdict)
    };
    // The same as events, each block beginning as it is in the end.
    let streamed = |answer: &Value| {
        let mut message = answer.as_object().unwrap().clone();
        let content = message.remove("content").unwrap();
        message.insert("content", Value::Array(Vec::new()));
        let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
        let (mut out, mut progress) = (Vec::new(), Progress::Open);
        let mut events =
            vec![object([("type", "message_start".into()), ("message", message.clone().into())])];
        for (index, block) in content.as_array().unwrap().iter().enumerate() {
            let index = || ("index", Value::from(index as u64));
            events.push(object([
                ("type", "content_block_start".into()),
                index(),
                ("content_block", block.clone()),
            ]));
            events.push(object([("type", "content_block_stop".into()), index()]));
        }
        for key in ["content", "model", "id", "type", "role"] {
            message.remove(key);
        }
        let usage = message.remove("usage").unwrap();
        events.push(object([("type", "message_delta".into()), ("delta", message.into()), ("usage", usage)]));
        events.push(object([("type", "message_stop".into())]));
        for event in events {
            if progress == Progress::Open {
                progress = gate.event(&event.to_string(), &mut out).unwrap();
            }
        }
        (String::from_utf8(out).unwrap(), gate.verdict().clone())
    };
    every_field_is_inspected(include_str!("maximal_response.json"), 40, whole, streamed);
}

#[test]
fn signatures_and_citations_pass_as_they_are_and_words_in_them_are_found() {
    let delta = |delta: &str| format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#);
    let signature =
        r#"{"type":"signature_delta","signature":"EqQBCkgIARABGAIiQL2UoU0b1OHYi8nWMzE1Zm9vYmFyQmF6"}"#;
    let citation = |text: &str| {
        format!(r#"{{"type":"citations_delta","citation":{{"type":"char_location","cited_text":"{text}"}}}}"#)
    };
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    for event in [
        START.to_owned(),
        begin("thinking"),
        delta(signature),
        delta(&citation("thirty days")),
        delta(&citation(ADDRESS)),
        delta(r#"{"type":"signature_delta","signature":"jane.roe@exam"}"#),
        delta(r#"{"type":"signature_delta","signature":"ple.com"}"#),
        r#"{"type":"content_block_stop","index":0}"#.to_owned(),
    ] {
        gate.event(&event, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(signature) && text.contains("thirty days"), "{text}");
    assert!(!text.contains("jane.roe"), "{text}");
    let unseen =
        gate.verdict().recorded().findings.iter().filter(|f| f.category.as_str() == "uninspected/opaque");
    assert_eq!(unseen.count(), 1);
}

#[test]
fn members_beside_a_piece_keep_their_block_and_are_not_lost_at_its_end() {
    let beside = |index: u64, text: &str| {
        object([
            ("type", "content_block_delta".into()),
            ("index", index.into()),
            ("delta", object([("type", "text_delta".into()), ("text", "x".into())])),
            ("novelty", text.into()),
        ])
        .to_string()
    };
    let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
    let mut out = Vec::new();
    let start = |index: u64| begin("text").replace("\"index\":0", &format!("\"index\":{index}"));
    // Two texts that may be the beginning of something, and so wait for what comes after them.
    for event in [
        START.to_owned(),
        start(0),
        start(1),
        beside(0, "jane.roe@exam"),
        beside(1, "john.doe@exam"),
        r#"{"type":"content_block_stop","index":1}"#.to_owned(),
        r#"{"type":"content_block_stop","index":0}"#.to_owned(),
    ] {
        gate.event(&event, &mut out).unwrap();
    }
    let told: Vec<(Option<u64>, String)> = events_of(&out)
        .into_iter()
        .filter_map(|(_, event)| {
            Some((event.get("index").and_then(Value::as_u64), event.get("novelty")?.as_str()?.to_owned()))
        })
        .collect();
    assert_eq!(told, [(Some(1), "john.doe@exam".to_owned()), (Some(0), "jane.roe@exam".to_owned())]);
}
