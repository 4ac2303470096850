//! The law of streams, text by text: however an answer is cut, a caller reads what it would have read from the whole, in its
//! pieces and in every copy.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Form, RefusalCode,
    json::{Object, Value},
    resource::RefusalStyle,
};
use cordon_testkit::chunking::{self, Random};
use proptest::prelude::*;

use super::{Response, ResponseGate};
use crate::anthropic::stream_tests::{events_of, object, options, tokens};
use crate::openai::Progress;
use crate::tree::gate::Gate;
use crate::tree::testing::{ADDRESS, KEY, arguments, feed, inspection, redacting, text, tree};
use crate::{Inspection, Tokens, Verdict};

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

pub(super) fn number(key: &'static str, number: usize) -> (&'static str, Value) {
    (key, Value::from(number as u64))
}

/// An event with a number that nobody can rely on.
pub(super) fn event<'a>(kind: &str, members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let mut event: Object = members.into_iter().collect();
    event.insert("type", kind);
    event.insert("sequence_number", 77_u64);
    Value::Object(event).to_string()
}

pub(super) fn response(status: &str, output: Vec<Value>) -> Value {
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

pub(super) fn gate(inspection: Inspection, style: RefusalStyle) -> ResponseGate {
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
