//! Sources of a request, in every protocol and form, and what an answer makes of them.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cordon_core::{Action, json::Value as Tree};
use serde_json::{Value, json};

use super::{
    answers,
    support::{PROTOCOLS, Scene},
};
use crate::{
    answer::{
        grounding::{Known, Looks},
        sources::Given,
    },
    authority::Protocol,
    inspection::Part,
    tree::testing::tree,
};

const PRICES: &str = "Parcels up to 5 kg cost 6.90 EUR. Parcels are delivered within three working days.";
const TERMS: &str = "Returns are accepted for 30 days. Vouchers are not refunded.";

/// Ways to give two sources in a request of each protocol.
fn given(protocol: Protocol) -> Vec<Value> {
    let marked = |text: &str, name: &str| json!({"type": "text", "text": text, "cordon": {"origin": "document", "source": name}});
    match protocol {
        Protocol::Chat => vec![
            json!({"documents": [{"title": "prices", "text": PRICES}, {"title": "terms", "text": TERMS}]}),
            json!({"documents": [{"id": "prices", "data": {"title": "prices", "snippet": PRICES}}, {"data": {"title": "terms", "text": TERMS}}]}),
            json!({"messages": [{"role": "user", "content": [marked(PRICES, "prices"), marked(TERMS, "terms"), {"type": "text", "text": "What is it?"}]}]}),
            json!({"messages": [
                {"role": "user", "content": "What is it?"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "a", "name": "prices", "content": PRICES},
                {"role": "tool", "tool_call_id": "b", "name": "terms", "content": [{"type": "text", "text": TERMS}]},
            ]}),
        ],
        Protocol::Messages => vec![
            json!({"messages": [{"role": "user", "content": [
                {"type": "document", "title": "prices", "source": {"type": "text", "media_type": "text/plain", "data": PRICES}},
                {"type": "document", "title": "terms", "source": {"type": "content", "content": [{"type": "text", "text": TERMS}]}},
                {"type": "text", "text": "What is it?"},
            ]}]}),
            json!({"messages": [{"role": "user", "content": [
                {"type": "search_result", "title": "prices", "source": "https://example.com/prices", "content": [{"type": "text", "text": PRICES}]},
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "search_result", "title": "terms", "source": "s", "text": TERMS}]},
            ]}]}),
            json!({"messages": [{"role": "user", "content": [marked(PRICES, "prices"), marked(TERMS, "terms")]}]}),
        ],
        Protocol::Responses => vec![
            json!({"input": [
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": PRICES},
                {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": TERMS}]},
            ]}),
            json!({"input": [{"role": "user", "content": [
                {"type": "input_text", "text": PRICES, "cordon": {"origin": "document", "source": "prices"}},
                {"type": "input_text", "text": TERMS, "cordon": {"origin": "tool_output", "source": "terms"}},
            ]}]}),
            json!({"input": [{"type": "file_search_call", "id": "a", "status": "completed", "queries": ["q"], "results": [
                {"file_id": "f1", "filename": "prices", "text": PRICES}, {"file_id": "f2", "filename": "terms", "text": TERMS},
            ]}]}),
        ],
    }
}

/// The two sources as files, of which the first is no text where it stands.
fn attached(protocol: Protocol) -> Value {
    let rtf = |text: &str| BASE64.encode(format!("{{\\rtf1 {text}}}"));
    let (prices, terms) = (rtf(PRICES), BASE64.encode(TERMS));
    let said = |parts: Value| json!([{"role": "user", "content": parts}]);
    match protocol {
        Protocol::Chat => json!({"messages": said(json!([
            {"type": "file", "file": {"filename": "prices.rtf", "file_data": format!("data:application/rtf;base64,{prices}")}},
            {"type": "file", "file": {"filename": "terms.txt", "file_data": terms}},
            {"type": "text", "text": "What is it?"},
        ]))}),
        Protocol::Messages => json!({"messages": said(json!([
            {"type": "document", "title": "prices.rtf", "source": {"type": "base64", "media_type": "application/rtf", "data": prices}},
            {"type": "tool_result", "tool_use_id": "a", "content": [
                {"type": "document", "title": "terms.txt", "source": {"type": "base64", "media_type": "text/plain", "data": terms}},
            ]},
        ]))}),
        Protocol::Responses => json!({"input": said(json!([
            {"type": "input_file", "filename": "prices.rtf", "file_data": format!("data:application/rtf;base64,{prices}")},
            {"type": "input_file", "filename": "terms.txt", "file_data": format!("data:text/plain;base64,{terms}")},
        ]))}),
    }
}

fn scene(protocol: Protocol, request: &Value) -> Scene {
    Scene::new(protocol).asks(request.clone())
}

#[test]
fn sources_are_found_in_every_form() {
    for protocol in PROTOCOLS {
        for request in given(protocol) {
            let Tree::Object(request) = tree(request.to_string()) else { panic!("no object") };
            let Given { sources, .. } = Given::of(&request, protocol);
            let texts: Vec<&str> = sources.iter().map(|source| source.text).collect();
            assert_eq!(texts, [PRICES, TERMS], "{protocol:?}");
            assert_eq!(sources.iter().map(|source| source.number).collect::<Vec<_>>(), [1, 2]);
            assert!(sources.iter().all(|source| !source.path.name().is_empty()));
        }
        // Words of the user, of the model and of the application are no sources, nor is a picture.
        let none = match protocol {
            Protocol::Responses => {
                json!({"instructions": PRICES, "input": [{"role": "user", "content": TERMS}, {"role": "assistant", "content": PRICES}]})
            }
            _ => {
                json!({"messages": [{"role": "user", "content": TERMS}, {"role": "assistant", "content": PRICES},
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]}]})
            }
        };
        let Tree::Object(none) = tree(none.to_string()) else { panic!("no object") };
        assert!(Given::of(&none, protocol).sources.is_empty());
        let looks = Looks { grounding: true, citations: true, wanted: true };
        assert!(Known::of(&none, protocol, looks).is_none());
    }
}

#[test]
fn the_texts_of_attached_files_are_sources() {
    for protocol in PROTOCOLS {
        let scene = scene(protocol, &attached(protocol))
            .rule("grounding", Action::Block)
            .rule("citation", Action::Flag);
        let names = |said: &str| {
            let found = scene.found(said);
            found.iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let borne_out =
            "A parcel up to 5 kg costs 6.90 EUR [1]. Returns are accepted for 30 days [terms.txt].";
        assert_eq!(names(borne_out), [""; 0], "{protocol:?}");
        assert_eq!(
            names("A parcel up to 5 kg costs 7.90 EUR [1]."),
            ["citation/unsupported", "grounding/answer", "grounding/contradicted"],
            "{protocol:?}"
        );
        assert_eq!(names("Returns are accepted for 30 days [3]."), ["citation/unknown"], "{protocol:?}");
        // The passage is where findings in the file would be.
        let grounding = scene.grounding(borne_out, None).unwrap();
        assert_eq!((grounding.sentences, grounding.supported), (2, 2));
        let part = match protocol {
            Protocol::Chat => "messages/0/content/0/file/file_data",
            Protocol::Messages => "messages/0/content/0/source/data",
            Protocol::Responses => "input/0/content/0/file_data",
        };
        let passage = &grounding.supporting[0];
        assert!(format!("{passage:?}").contains(part), "{passage:?}");
    }
}

#[test]
fn a_file_without_a_text_is_no_source() {
    let empty = BASE64.encode("{\\rtf1 }");
    let request = json!({"messages": [{"role": "user", "content": [
        {"type": "file", "file": {"filename": "a.rtf", "file_data": format!("data:application/rtf;base64,{empty}")}},
    ]}]});
    let scene = scene(Protocol::Chat, &request).rule("grounding", Action::Block);
    assert!(!scene.expects());
    assert_eq!(scene.found("Couriers wear green jackets and carry lanterns."), [""; 0]);
}

#[test]
fn a_document_with_a_level_around_it_has_the_names_of_both() {
    let request = json!({"documents": [{"id": "d-1", "data": {"title": "prices", "snippet": PRICES}}]});
    let Tree::Object(request) = tree(request.to_string()) else { panic!("no object") };
    let Given { sources, .. } = Given::of(&request, Protocol::Chat);
    assert_eq!(sources[0].path.name(), "documents/0/data/snippet");
    assert_eq!(sources[0].names, ["prices", "d-1"]);
}

#[test]
fn sentences_are_borne_out_or_found() {
    for protocol in PROTOCOLS {
        for request in given(protocol) {
            let scene = scene(protocol, &request).rule("grounding", Action::Block);
            let names = |said: &str| {
                let found = scene.found(said);
                found.iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(
                names("A parcel up to 5 kg costs 6.90 EUR. It is delivered within 3 working days."),
                [""; 0]
            );
            assert_eq!(
                names("Returns are accepted for 60 days. Parcels are delivered within three working days."),
                ["grounding/answer", "grounding/contradicted"]
            );
            assert_eq!(names("Vouchers are refunded."), [""; 0], "two words claim too little");
            assert_eq!(
                names("Couriers wear green jackets and carry lanterns."),
                ["grounding/answer", "grounding/unsupported"]
            );
        }
    }
}

#[test]
fn what_only_flags_holds_nothing_and_is_counted() {
    for protocol in PROTOCOLS {
        let request = &given(protocol)[0];
        let flagging = scene(protocol, request).rule("grounding", Action::Flag);
        let said = "Returns are accepted for 60 days. Parcels are delivered within three working days. Couriers wear green jackets and boots.";
        for counts in [flagging.grounding(said, None), flagging.grounding(said, Some(5))] {
            let counts = counts.unwrap();
            assert_eq!(
                (counts.sentences, counts.supported, counts.contradicted, counts.unsupported),
                (3, 1, 1, 1)
            );
            // What bears a sentence out is recorded, too.
            let supporting = &counts.supporting[0];
            assert_eq!(
                (counts.supporting.len(), supporting.start, supporting.end),
                (1, 34, 82),
                "{protocol:?}"
            );
            assert_eq!(
                supporting.source_end - supporting.source_start,
                supporting.end - supporting.start,
                "the source says the same"
            );
            let nearest = &counts.passages[0];
            assert_eq!((nearest.start, nearest.end), (0, 33), "{protocol:?}");
            assert_eq!(
                (nearest.source_start, nearest.source_end),
                (0, 33),
                "the passage of the second source"
            );
            assert!(nearest.source.contains('1') || nearest.source.contains('2'), "{}", nearest.source);
        }
        let left = |scene: &Scene| scene.read(&scene.streamed(said, 5).text);
        assert_eq!(left(&flagging), said, "it goes on");
        assert_eq!(left(&scene(protocol, request).rule("grounding", Action::Block)), "");
    }
}

#[test]
fn a_stream_is_held_to_its_end_or_goes_on_at_once_as_the_rule_says() {
    let good = "Returns are accepted for 30 days. Parcels are delivered within three working days.";
    for protocol in PROTOCOLS {
        let scene = scene(protocol, &given(protocol)[0]);
        for category in ["grounding", "grounding/contradicted", "grounding/answer", "citation/missing"] {
            let holding = scene.clone().rule(category, Action::Block).leaves(good, 5);
            let (last, before) = holding.split_last().unwrap();
            assert!(
                *last == good.len() && before.iter().filter(|left| **left > 0).count() <= 3,
                "{protocol:?} {category}: {holding:?}"
            );
            assert!(
                holding.iter().all(|left| [0, good.len()].contains(left)),
                "all of it at once: {holding:?}"
            );
            let flagging = scene.clone().rule(category, Action::Flag).leaves(good, 5);
            let middle = flagging[flagging.len() / 2];
            assert!(middle > 0 && middle < good.len(), "{protocol:?} {category}: {flagging:?}");
            assert_eq!(flagging.last(), Some(&good.len()));
        }
        // What is found in a stream that goes on is found at its end: all of it has left, and the record has it.
        let flagging = scene.clone().rule("grounding", Action::Flag);
        let said = "Returns are accepted for 60 days.";
        assert_eq!(flagging.leaves(said, 5).last(), Some(&said.len()));
        assert_eq!(flagging.found(said).len(), 2);
        // Another rule may stop a stream on its way, which is not held then: nothing is said of sentences that never came.
        let cutting = scene.clone().route(answers(json!({"max_length": 40}))).rule("length", Action::Block);
        let cut = cutting.rule("grounding", Action::Flag).streamed(good, 5);
        let left = scene.read(&cut.text);
        assert!(cut.stopped && !left.is_empty() && good.starts_with(&left), "{protocol:?}: {left}");
        assert_eq!(
            cut.found.iter().filter(|found| found.starts_with("grounding")).count(),
            0,
            "{:?}",
            cut.found
        );
    }
}

#[test]
fn what_is_beyond_the_bounds_is_counted() {
    let documents: Vec<Value> =
        (0..300).map(|at| json!({"title": format!("t{at}"), "text": TERMS})).collect();
    let scene = scene(Protocol::Chat, &json!({"documents": documents})).rule("grounding", Action::Flag);
    let counts = scene.grounding(&"Returns are accepted for 30 days.\n".repeat(260), None).unwrap();
    assert_eq!((counts.sentences, counts.supported, counts.sentences_more), (256, 256, 4));
    assert_eq!(counts.unread, 44 * TERMS.len() as u64);
}

#[test]
fn what_a_sentence_is_about_may_stand_in_several_texts_and_parts() {
    // A sentence that goes on in another part stands where it begins.
    let mut answer = super::chat_answer("");
    answer["choices"][0]["message"]["content"] = json!([
        {"type": "text", "text": "Returns are accepted "}, {"type": "text", "text": "for 60 days. Parcels are sent."},
    ]);
    let scene = scene(Protocol::Chat, &given(Protocol::Chat)[0]).rule("grounding/contradicted", Action::Flag);
    let place = "choices/0/message/content/0/text";
    let all = [format!("grounding/answer allow {place}"), format!("grounding/contradicted flag {place}")];
    assert_eq!(scene.judged(&answer), all);
    // Data has no sentences.
    let data = json!({"days": "Returns are accepted for 60 days."}).to_string();
    assert_eq!(scene.found(&data), [""; 0]);
}

#[test]
fn citations_name_what_was_given() {
    for protocol in PROTOCOLS {
        let request = given(protocol).pop().unwrap();
        let scene = scene(protocol, &request).rule("citation", Action::Block);
        let names = |said: &str| {
            let found = scene.found(said);
            found.iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            names("Parcels up to 5 kg cost 6.90 EUR [1]. Returns are accepted for 30 days [2]."),
            [""; 0]
        );
        assert_eq!(names("Returns are accepted for 30 days (source: terms)."), [""; 0]);
        assert_eq!(names("Returns are accepted for 30 days."), [""; 0], "nobody asks for citations");
        assert_eq!(names("Returns are accepted for 30 days [7]."), ["citation/unknown"]);
        assert_eq!(names("Returns are accepted for 30 days (source: warranty card)."), ["citation/unknown"]);
        assert_eq!(names("Returns are accepted for 30 days [1]."), ["citation/unsupported"]);
        let wanting = scene.route(answers(json!({"citations": "required"})));
        let missing = wanting
            .found("Returns are accepted for 30 days. Parcels up to 5 kg cost 6.90 EUR [1]. Anything else?");
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].starts_with("citation/missing"));
    }
    // Links are compared with the addresses of the sources, where they have some.
    let scene = scene(Protocol::Messages, &given(Protocol::Messages)[1]).rule("citation", Action::Block);
    assert_eq!(
        scene.found("Parcels up to 5 kg cost 6.90 EUR ([prices](https://www.example.com/prices/#a))."),
        [""; 0]
    );
    assert!(
        scene.found("Parcels up to 5 kg cost 6.90 EUR ([prices](https://elsewhere.example/prices)).")[0]
            .starts_with("citation/unknown")
    );
}

#[test]
fn without_sources_or_rules_nothing_is_compared() {
    for protocol in PROTOCOLS {
        assert!(
            !Scene::new(protocol).rule("grounding", Action::Block).rule("citation", Action::Block).expects()
        );
        assert!(!scene(protocol, &given(protocol)[0]).rule("pii", Action::Block).expects());
        assert!(scene(protocol, &given(protocol)[0]).rule("grounding/contradicted", Action::Flag).expects());
    }
}
