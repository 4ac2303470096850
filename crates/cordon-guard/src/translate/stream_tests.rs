//! The law of streams holds across a translation: what is read of a stream is what is read of the whole answer.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Form,
    json::Value,
    resource::{OutputField, RefusalStyle},
};
use proptest::prelude::*;

use super::{TranslatedGate, Translation};
use crate::{
    Inspection,
    anthropic::{MessageGate, stream_tests as messages},
    openai::{Progress, StreamGate, stream_tests as chat},
    tree::{
        gate::Gate,
        testing::{inspection, redacting, text},
    },
};

const TO_CHAT: Translation = Translation::MessagesToChat { output: OutputField::MaxCompletionTokens };

fn gate(translation: Translation, inspection: &Inspection) -> TranslatedGate {
    let inspection = inspection.clone();
    let gate: Box<dyn Gate> = match translation {
        Translation::ChatToMessages => {
            Box::new(StreamGate::new(inspection, chat::tokens(), chat::options(true, RefusalStyle::Error)))
        }
        Translation::MessagesToChat { .. } => {
            Box::new(MessageGate::new(inspection, messages::tokens(), messages::options(RefusalStyle::Error)))
        }
    };
    TranslatedGate::new(translation, gate, 1, 1 << 20)
}

fn run(translation: Translation, events: &[String], inspection: &Inspection) -> (Vec<u8>, Progress) {
    let mut gate = gate(translation, inspection);
    let (mut out, mut progress) = (Vec::new(), Progress::Open);
    for event in events {
        progress = gate.event(event, &mut out).unwrap();
        if progress != Progress::Open {
            break;
        }
    }
    (out, progress)
}

/// The texts of each kind, whatever block they are in.
fn kinds(read: BTreeMap<String, String>) -> Vec<(String, String)> {
    let kind = |(place, text): (String, String)| (place.rsplit('/').next().unwrap().to_owned(), text);
    let mut kinds: Vec<_> = read.into_iter().map(kind).filter(|(kind, _)| kind != "signature").collect();
    kinds.sort();
    kinds
}

fn completion() -> impl Strategy<Value = chat::Answer> {
    let arguments = text()
        .prop_map(|text| Value::Object([("value", Value::from(text))].into_iter().collect()).to_string());
    let calls = prop::collection::vec((Just("look_up".to_owned()), arguments), 0..3);
    (text(), text(), calls).prop_map(|(content, reasoning, calls)| chat::Answer {
        content,
        reasoning,
        calls,
        ..chat::Answer::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_message_is_read_as_a_completion(
        answer in messages::answer(), longest in 1..12_usize, seed in any::<u64>(),
        form in prop_oneof![Just(Form::Mask), Just(Form::Token)],
    ) {
        let answer = messages::Answer { novelty: String::new(), ..answer };
        let inspection = redacting(form);
        let (whole, _) = Translation::ChatToMessages.answer(&answer.message(), 1).unwrap();
        let expected = chat::read_whole(&chat::released(whole, &inspection).unwrap());
        let (out, progress) = run(Translation::ChatToMessages, &answer.events(longest, seed), &inspection);
        prop_assert_eq!(progress, Progress::Done);
        prop_assert_eq!(chat::read_stream(&out), expected);
    }

    #[test]
    fn a_completion_is_read_as_a_message(
        answer in completion(), longest in 1..12_usize, seed in any::<u64>(),
        form in prop_oneof![Just(Form::Mask), Just(Form::Token)],
    ) {
        let inspection = redacting(form);
        let (whole, _) = TO_CHAT.answer(&chat::completion(std::slice::from_ref(&answer)), 1).unwrap();
        let expected = messages::read_whole(whole, &inspection).unwrap();
        let events = chat::events(std::slice::from_ref(&answer), longest, seed);
        let (out, progress) = run(TO_CHAT, &events, &inspection);
        prop_assert_eq!(progress, Progress::Done);
        prop_assert_eq!(kinds(messages::read_stream(&out)), kinds(expected));
    }

    #[test]
    fn what_stops_an_answer_is_never_written(answer in completion(), longest in 1..12_usize, seed in any::<u64>()) {
        let blocking = inspection(&[("secret", Action::Block, Form::Mask)]);
        let (whole, _) = TO_CHAT.answer(&chat::completion(std::slice::from_ref(&answer)), 1).unwrap();
        let stopped = messages::read_whole(whole, &blocking).is_err();
        let events = chat::events(std::slice::from_ref(&answer), longest, seed);
        let (_, progress) = run(TO_CHAT, &events, &blocking);
        prop_assert_eq!(progress, if stopped { Progress::Stopped } else { Progress::Done });
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(events in prop::collection::vec("[\\[\\]{}\",:a-z0-9]{0,30}", 0..5)) {
        for translation in [Translation::ChatToMessages, TO_CHAT] {
            let mut gate = gate(translation, &redacting(Form::Mask));
            let mut out = Vec::new();
            for event in &events {
                let _ = gate.event(event, &mut out);
            }
            prop_assert!(out.is_empty());
        }
    }
}

#[test]
fn a_stream_that_is_cut_is_not_whole() {
    let said =
        r#"{"id":"c","model":"u","choices":[{"index":0,"delta":{"content":"half a"},"finish_reason":null}]}"#;
    let mut cut = gate(TO_CHAT, &redacting(Form::Mask));
    let mut out = Vec::new();
    cut.event(said, &mut out).unwrap();
    assert!(cut.end(&mut out).is_err());
    let ended = said.replace("null}", "\"stop\"}");
    let mut whole = gate(TO_CHAT, &redacting(Form::Mask));
    whole.event(&ended, &mut out).unwrap();
    assert_eq!(whole.end(&mut out), Ok(Progress::Done), "some services leave the last event out");
}
