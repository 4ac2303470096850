//! Streams that leave as they come, where their route wants that, and such that are held to their end.

use cordon_core::Action;
use proptest::prelude::*;
use serde_json::json;

use super::{
    answers, asking,
    support::{PROTOCOLS, Scene},
};
use crate::{
    answer::window::{OVERLAP, STEP},
    authority::Protocol,
};

const PARCEL: &str = "Your parcel left on Monday, and its delivery takes two days. ";
const POLITICS: &str = "The minister lost the election, and the political party chose another one. ";

/// A shop whose answers are about nothing else.
fn shop(protocol: Protocol, stream: &str) -> Scene {
    let topics = json!({
        "allow": [{"name": "shop", "terms": ["order", "parcel", "delivery", "refund"]}],
        "deny": [{"name": "politics", "terms": ["election", "political party", "minister"]}],
    });
    Scene::new(protocol).topics(topics).route(answers(json!({"max_length": 1_000_000, "stream": stream})))
}

fn tells(found: &[String]) -> bool {
    found.iter().any(|one| one.starts_with("answer/windowed "))
}

#[test]
fn a_window_stops_a_stream_early_and_hold_writes_nothing() {
    for protocol in PROTOCOLS {
        let before = PARCEL.repeat(100);
        let said = [&before, POLITICS, &PARCEL.repeat(100)].concat();
        let scene = |stream| shop(protocol, stream).rule("topic", Action::Block);
        let window = scene("window").streamed(&said, 30);
        let left = scene("window").read(&window.text);
        assert!(window.stopped && before.starts_with(&left), "nothing of it leaves: {left}");
        assert!(before.len() - left.len() <= STEP + 2 * PARCEL.len(), "{} left", left.len());
        assert!(window.found.iter().any(|one| one.starts_with("topic/denied/politics block ")));
        assert!(tells(&window.found), "{:?}", window.found);
        // It is the text that was written and a bit more, not the end, that stops it.
        let rest = scene("window").events(&said, 30);
        let cut = rest.iter().position(|event| event.contains("party")).unwrap() + 60;
        let early = scene("window").stream_so_far(&rest[..cut]);
        assert!(early.stopped, "before the end");
        let held = scene("hold").streamed(&said, 30);
        assert!(held.stopped && scene("hold").read(&held.text).is_empty() && !tells(&held.found));
        let clean = PARCEL.repeat(200);
        let (free, held) = (scene("window").leaves(&clean, 30), scene("hold").leaves(&clean, 30));
        let (half, all) = (free.len() / 2, clean.len());
        assert_eq!((free.last(), held.last()), (Some(&all), Some(&all)));
        assert!(free[half] > all / 2 - 2 * STEP, "{} of {all}", free[half]);
        assert_eq!(held[half], 0, "{protocol:?}");
        // A short answer is judged at its end, and nothing of it leaves before.
        let short = scene("window").streamed(POLITICS, 4);
        assert!(short.stopped && short.text.is_empty() && !tells(&short.found), "{}", short.text);
    }
}

#[test]
fn what_no_part_is_enough_for_holds_a_stream_whatever_its_route_says() {
    for protocol in PROTOCOLS {
        let clean = PARCEL.repeat(60);
        let waits = |scene: Scene, said: &str| {
            let left = scene.leaves(said, 30);
            let all = *left.last().unwrap();
            assert!(!tells(&scene.streamed(said, 30).found) && all > 0);
            left.iter().all(|left| [0, all].contains(left))
        };
        let window =
            |category| shop(protocol, "window").rule("topic", Action::Block).rule(category, Action::Block);
        let left = window("pii").leaves(&clean, 30);
        assert!((1..clean.len()).contains(&left[left.len() / 2]), "{protocol:?}");
        assert!(waits(window("answer/declined"), &clean));
        let sources = json!({"messages": [{"role": "user", "content": "Where?"}], "documents": [{"title": "a", "text": PARCEL}]});
        if protocol == Protocol::Chat {
            assert!(
                waits(window("grounding").asks(sources.clone()), &clean),
                "how much of it is not borne out"
            );
            let one = window("grounding/contradicted").asks(sources).leaves(&clean, 30);
            assert!((1..clean.len()).contains(&one[one.len() / 2]));
        }
        let data = json!({ "text": clean }).to_string();
        assert!(waits(window("format").asks(asking(protocol, None)), &data));
        assert!(waits(window("pii"), &data), "whether it is data is known at its end");
    }
}

#[test]
fn sentences_and_languages_are_judged_as_they_come() {
    let document = "The delivery of a parcel takes two days. A parcel costs 6.90 EUR.";
    let request = json!({"documents": [{"title": "prices", "text": document}]});
    let route = || answers(json!({"languages": ["en"], "stream": "window"}));
    let scene = Scene::new(Protocol::Chat).asks(request).route(route());
    let scene = scene.rule("grounding/contradicted", Action::Block).rule("language", Action::Block);
    let fine = "The delivery of a parcel takes two days. ".repeat(60);
    for (wrong, category) in [
        ("A parcel costs 9.90 EUR. ".to_owned(), "grounding/contradicted block "),
        (
            "Die Lieferung dauert zwei Tage, und das Paket ist nicht mit der Post auf dem Weg zu Ihnen. "
                .repeat(60),
            "language/other block ",
        ),
    ] {
        let said = [&fine, wrong.as_str(), &fine].concat();
        let released = scene.streamed(&said, 25);
        let left = scene.read(&released.text);
        assert!(
            released.stopped && released.found.iter().any(|one| one.starts_with(category)),
            "{:?}",
            released.found
        );
        assert!(left.len() > fine.len() - 2 * STEP && left.len() < fine.len() + OVERLAP, "{}", left.len());
        assert!(!left.contains("9.90"));
    }
    let clean = scene.streamed(&fine, 25);
    assert_eq!((clean.stopped, scene.read(&clean.text)), (false, fine));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// A stream that is held is the whole answer, and of one that leaves as it comes, what has left is its beginning, and the record of one
    /// that comes to its end is that of the whole.
    #[test]
    fn a_held_stream_is_the_whole_and_a_window_leaves_its_beginning(
        pieces in prop::collection::vec(prop::sample::select(vec![
            PARCEL, PARCEL, PARCEL, PARCEL, "order. ", "election ", "a cake with apples. ", "\n", "été ", "卡。", "{", "word ", POLITICS,
        ]), 0..160),
        protocol in 0..3_usize, piece in 1..90_usize, stops in any::<bool>(),
    ) {
        let text = pieces.concat();
        let action = if stops { Action::Block } else { Action::Flag };
        let scene = |stream| shop(PROTOCOLS[protocol], stream).rule("topic", action);
        let (whole, held) = (scene("hold").whole(&text), scene("hold").streamed(&text, piece));
        prop_assert_eq!(&whole.found, &held.found);
        prop_assert_eq!(whole.stopped, held.stopped);
        prop_assert_eq!(scene("hold").read(&held.text), if held.stopped { String::new() } else { text.clone() });
        let window = scene("window").streamed(&text, piece);
        let left = scene("window").read(&window.text);
        prop_assert!(text.starts_with(&left));
        prop_assert!(window.stopped || !whole.stopped, "the end is judged as the whole is");
        if !window.stopped {
            prop_assert_eq!(&left, &text);
            let found: Vec<String> = window.found.into_iter().filter(|one| !tells(std::slice::from_ref(one))).collect();
            prop_assert_eq!(found, whole.found);
        }
    }
}
