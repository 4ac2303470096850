//! The law of streams, text by text: however an answer is cut, a caller reads what it would have read from the whole, in its
//! pieces and in every copy.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Form, Refusal, RefusalCode,
    json::{Object, Value},
    resource::RefusalStyle,
};
use cordon_testkit::chunking::{self, Random};
use proptest::prelude::*;

use super::{Response, ResponseGate};
use crate::anthropic::stream_tests::{events_of, object, options, tokens};
use crate::openai::{Progress, StreamError};
use crate::tree::gate::Gate;
use crate::tree::testing::{
    ADDRESS, KEY, arguments, every_field_is_inspected, feed, inspection, redacting, text, tree,
};
use crate::{Inspection, Tokens, Verdict};

/// Written down from the types of the official client.
const MAXIMAL: &str = include_str!("maximal_response.json");

/// What a caller reads, by place.
type Read = BTreeMap<String, String>;

/// What an answer says.
#[derive(Clone, Debug, Default)]
struct Answer {
    summary: String,
    reasoning: String,
    text: String,
    refusal: String,
    arguments: Vec<String>,
    input: String,
    novelty: String,
}

/// A text of an answer: its item, its part in a list of it, the member, and its events.
struct Place {
    item: usize,
    part: Option<(&'static str, &'static str, usize)>,
    member: &'static str,
    stem: &'static str,
}

impl Answer {
    /// The items as they are in the end.
    fn output(&self) -> Vec<Value> {
        let part =
            |kind: &str, member: &str, text: &str| object([("type", kind.into()), (member, text.into())]);
        let item = |kind: &str, members: Vec<(&str, Value)>| {
            let mut item: Object = members.into_iter().collect();
            item.insert("type", kind);
            item.insert("id", format!("{kind}_1"));
            Value::Object(item)
        };
        let parts = |part: Vec<Value>| Value::Array(part);
        let summary = parts(vec![part("summary_text", "text", &self.summary)]);
        let reasoning = parts(vec![part("reasoning_text", "text", &self.reasoning)]);
        let content =
            parts(vec![part("output_text", "text", &self.text), part("refusal", "refusal", &self.refusal)]);
        let mut out = vec![
            item("reasoning", vec![("summary", summary), ("content", reasoning)]),
            item("message", vec![("role", "assistant".into()), ("content", content)]),
            item("custom_tool_call", vec![("name", "shout".into()), ("input", self.input.as_str().into())]),
            item("novelty", vec![("novelty", self.novelty.as_str().into())]),
        ];
        for arguments in &self.arguments {
            let call = vec![("name", "look_up".into()), ("arguments", arguments.as_str().into())];
            out.push(item("function_call", call));
        }
        out
    }

    fn places(&self) -> Vec<Place> {
        let part =
            |item, list, index, at, member, stem| Place { item, part: Some((list, index, at)), member, stem };
        let whole = |item, member, stem| Place { item, part: None, member, stem };
        let mut out = vec![
            part(0, "summary", "summary_index", 0, "text", "response.reasoning_summary_text"),
            part(0, "content", "content_index", 0, "text", "response.reasoning_text"),
            part(1, "content", "content_index", 0, "text", "response.output_text"),
            part(1, "content", "content_index", 1, "refusal", "response.refusal"),
            whole(2, "input", "response.custom_tool_call_input"),
            whole(3, "novelty", "response.novelty"),
        ];
        let calls = (4..4 + self.arguments.len())
            .map(|item| whole(item, "arguments", "response.function_call_arguments"));
        out.extend(calls);
        out
    }

    fn response(&self) -> Value {
        response("completed", self.output())
    }

    fn whole(&self, inspection: &Inspection) -> Result<Read, RefusalCode> {
        let mut verdict = Verdict::default();
        let body = Response::read(self.response()).unwrap().inspect(
            inspection,
            &tokens(),
            "support-bot",
            &mut verdict,
        );
        let body = tree(body.map_err(|refusal| refusal.code)?);
        let mut read = Read::new();
        self.read_response(&body, &mut read);
        Ok(read)
    }

    fn read_response(&self, response: &Value, read: &mut Read) {
        assert_eq!(response.get("model").and_then(Value::as_str), Some("support-bot"));
        for (index, item) in response.get("output").unwrap().as_array().unwrap().iter().enumerate() {
            self.read_item(index, item, read);
        }
    }

    /// Notes the texts of an item.
    fn read_item(&self, index: usize, item: &Value, read: &mut Read) {
        for place in self.places().iter().filter(|place| place.item == index) {
            let holder = place.part.map_or(Some(item), |(list, _, at)| {
                item.get(list).and_then(Value::as_array).and_then(|parts| parts.get(at))
            });
            let text = holder.and_then(|holder| holder.get(place.member)).and_then(Value::as_str).unwrap();
            let known = read.insert(place.key(), text.to_owned());
            assert!(known.is_none_or(|known| known == text), "two copies differ: {text}");
        }
    }

    /// The events of a stream that says the same: every text cut at random, the pieces of all texts shuffled together. Services
    /// say a text up to four times more; here, each of these copies comes or not.
    fn events(&self, longest: usize, seed: u64) -> Vec<String> {
        let mut random = Random::new(seed);
        let begun = response("in_progress", Vec::new());
        let mut out = vec![
            event("response.created", [("response", begun.clone())]),
            event("response.in_progress", [("response", begun)]),
        ];
        let output = self.output();
        let places = self.places();
        for (index, item) in output.iter().enumerate() {
            let mut item = item.clone();
            for place in places.iter().filter(|place| place.item == index) {
                match place.part {
                    Some((list, ..)) => item.as_object_mut().unwrap().insert(list, Vec::new()),
                    None => item.as_object_mut().unwrap().insert(place.member, ""),
                }
            }
            out.push(event("response.output_item.added", [number("output_index", index), ("item", item)]));
        }
        let mut lanes = Vec::new();
        for place in &places {
            if let Some((list, ..)) = place.part {
                let mut part = place.part_of(&output).clone();
                part.as_object_mut().unwrap().insert(place.member, "");
                out.push(place.event(&format!("{}.added", part_stem(list)), ("part", part)));
            }
            let text = place.text_of(&output);
            let kind = format!("{}.delta", place.stem);
            let member = if place.stem == "response.novelty" { "novelty" } else { "delta" };
            let pieces = chunking::chars(text, longest, random.bits()).into_iter();
            let pieces = pieces.map(|piece| place.event(&kind, (member, piece.into())));
            lanes.push(pieces.rev().collect::<Vec<_>>());
        }
        while let Some(left) = lanes.iter().filter(|lane| !lane.is_empty()).count().checked_sub(1) {
            let pick = random.below(left + 1);
            out.extend(lanes.iter_mut().filter(|lane| !lane.is_empty()).nth(pick).unwrap().pop());
        }
        for place in places.iter().filter(|place| place.stem != "response.novelty") {
            if random.below(3) > 0 {
                let text = place.text_of(&output).into();
                out.push(place.event(&format!("{}.done", place.stem), (place.member, text)));
            }
            if let Some((list, ..)) = place.part.filter(|_| random.below(3) > 0) {
                let part = place.part_of(&output).clone();
                out.push(place.event(&format!("{}.done", part_stem(list)), ("part", part)));
            }
        }
        for (index, item) in output.iter().enumerate() {
            if random.below(3) > 0 {
                let item = ("item", item.clone());
                out.push(event("response.output_item.done", [number("output_index", index), item]));
            }
        }
        let output = if random.below(4) > 0 { output } else { Vec::new() };
        out.push(event("response.completed", [("response", response("completed", output))]));
        out
    }

    /// What a caller reads of a stream: in its pieces, and in the copies of each text.
    fn read_stream(&self, out: &[u8]) -> (Read, Read) {
        let (mut pieces, mut copies) = (Read::new(), Read::new());
        for (at, (name, event)) in events_of(out).into_iter().enumerate() {
            assert_eq!(event.get("sequence_number").and_then(Value::as_u64), Some(at as u64));
            if let Some(response) = event.get("response") {
                self.read_response(response, &mut copies);
                copies.retain(|_, text| !text.is_empty());
                continue;
            }
            let index = event.get("output_index").and_then(Value::as_u64).unwrap();
            let index = usize::try_from(index).unwrap();
            if name == "response.output_item.done" {
                self.read_item(index, event.get("item").unwrap(), &mut copies);
            }
            let Some((stem, end)) = name.rsplit_once('.') else { continue };
            let is_at = |place: &&Place| {
                let here = place.part.is_none_or(|(_, member, at)| {
                    event.get(member).and_then(Value::as_u64) == Some(at as u64)
                });
                place.item == index && here
            };
            let places = self.places();
            if let Some(part) = event.get("part").filter(|_| end == "done") {
                let of_list = |place: &&Place| place.part.is_some_and(|(list, ..)| part_stem(list) == stem);
                let place = places.iter().filter(of_list).find(is_at).unwrap();
                let text = part.get(place.member).and_then(Value::as_str).unwrap().to_owned();
                assert!(copies.insert(place.key(), text.clone()).is_none_or(|known| known == text));
            }
            let Some(place) = places.iter().filter(|place| place.stem == stem).find(is_at) else { continue };
            if end == "done" {
                let text = event.get(place.member).and_then(Value::as_str).unwrap().to_owned();
                assert!(copies.insert(place.key(), text.clone()).is_none_or(|known| known == text));
            } else {
                let piece = event.get("delta").or_else(|| event.get("novelty")).and_then(Value::as_str);
                pieces.entry(place.key()).or_default().push_str(piece.unwrap());
            }
        }
        pieces.retain(|_, text| !text.is_empty());
        (pieces, copies)
    }
}

impl Place {
    fn key(&self) -> String {
        let part = self.part.map_or_else(String::new, |(list, _, at)| format!("{list}/{at}/"));
        format!("{}/{part}{}", self.item, self.member)
    }

    fn part_of<'a>(&self, output: &'a [Value]) -> &'a Value {
        let item = &output[self.item];
        self.part.map_or(item, |(list, _, at)| &item.get(list).unwrap().as_array().unwrap()[at])
    }

    fn text_of<'a>(&self, output: &'a [Value]) -> &'a str {
        self.part_of(output).get(self.member).and_then(Value::as_str).unwrap()
    }

    fn event(&self, kind: &str, member: (&str, Value)) -> String {
        let index = self.part.map(|(_, index, at)| number(index, at));
        event(kind, [number("output_index", self.item), member].into_iter().chain(index))
    }
}

fn part_stem(list: &str) -> &'static str {
    if list == "summary" { "response.reasoning_summary_part" } else { "response.content_part" }
}

fn number(key: &'static str, number: usize) -> (&'static str, Value) {
    (key, Value::from(number as u64))
}

/// An event with a number that nobody can rely on.
fn event<'a>(kind: &str, members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let mut event: Object = members.into_iter().collect();
    event.insert("type", kind);
    event.insert("sequence_number", 77_u64);
    Value::Object(event).to_string()
}

fn response(status: &str, output: Vec<Value>) -> Value {
    let usage = tree(
        r#"{"input_tokens":10,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":3},"output_tokens":7,"total_tokens":17}"#,
    );
    object([
        ("id", "resp_1".into()),
        ("object", "response".into()),
        ("created_at", 1_763_750_000_u64.into()),
        ("status", status.into()),
        ("model", "upstream".into()),
        ("instructions", "be brief".into()),
        ("output", output.into()),
        ("usage", if status == "completed" { usage } else { Value::Null }),
    ])
}

fn gate(inspection: Inspection, style: RefusalStyle) -> ResponseGate {
    ResponseGate::new(inspection, Tokens::default(), options(style))
}

/// How a stream went: what a caller reads in its pieces and copies, and how it ended.
fn streamed(
    answer: &Answer,
    inspection: &Inspection,
    longest: usize,
    seed: u64,
) -> (Read, Read, Progress, Verdict) {
    let mut gate = ResponseGate::new(inspection.clone(), tokens(), options(RefusalStyle::Error));
    let (out, progress) = feed(&mut gate, &answer.events(longest, seed), longest, seed);
    let (pieces, copies) = answer.read_stream(&out);
    (pieces, copies, progress, gate.verdict().clone())
}

fn answer() -> impl Strategy<Value = Answer> {
    let arguments = prop::collection::vec(arguments(), 0..3);
    (text(), text(), text(), text(), arguments, text(), text()).prop_map(
        |(summary, reasoning, text, refusal, arguments, input, novelty)| Answer {
            summary,
            reasoning,
            text,
            refusal,
            arguments,
            input,
            novelty,
        },
    )
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
        expected.retain(|_, text| !text.is_empty());
        let (mut pieces, mut copies, progress, verdict) = streamed(&answer, &inspection, longest, seed);
        prop_assert_eq!(progress, Progress::Done);
        prop_assert!(verdict.action() <= Action::Redact);
        // A kind of piece that is not known is read piece by piece too, so more may be found in it, and never less.
        let whole = expected.remove("3/novelty").unwrap_or_default();
        for read in [&mut pieces, &mut copies] {
            let text = read.remove("3/novelty").unwrap_or_default();
            for value in [ADDRESS, KEY] {
                prop_assert!(whole.contains(value) || !text.contains(value), "{} became {}", whole, text);
            }
        }
        prop_assert_eq!(&pieces, &expected);
        copies.retain(|_, text| !text.is_empty());
        prop_assert_eq!(copies, expected);
    }

    #[test]
    fn what_stops_a_stream_is_never_written(answer in answer(), longest in 1..12_usize, seed in any::<u64>()) {
        let rules = [("pii/email", Action::Redact, Form::Mask), ("secret", Action::Block, Form::Mask)];
        let blocking = inspection(&rules);
        let expected = answer.whole(&inspection(&rules[..1])).unwrap();
        let (pieces, copies, progress, verdict) = streamed(&answer, &blocking, longest, seed);
        if answer.whole(&blocking).is_ok() {
            // A kind of piece that is not known may be stopped for a value that its texts alone do not hold.
            prop_assert!(progress == Progress::Done || verdict.refusal().is_some());
            return Ok(());
        }
        prop_assert_eq!(progress, Progress::Stopped);
        prop_assert_eq!(verdict.action(), Action::Block);
        for (place, text) in pieces.iter().chain(&copies).filter(|(place, _)| !place.ends_with("novelty")) {
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
        let mut gate = gate(redacting(Form::Mask), RefusalStyle::Error);
        let mut out = Vec::new();
        let result = events.iter().try_for_each(|event| gate.event(event, &mut out).map(|_| ()));
        let result = result.and_then(|()| gate.end(&mut out).map(|_| ()));
        assert_eq!(result, Err(expected.clone()), "{events:?}");
        let mut out = Vec::new();
        gate.refuse(&Refusal::new(RefusalCode::UpstreamFailed, expected.to_string()), &mut out);
        assert!(String::from_utf8(out).unwrap().contains("upstream_failed"));
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
