//! What answers are about, in every protocol, whole and as a stream in any cut.

use cordon_core::Action;
use proptest::prelude::*;
use serde_json::json;

use super::support::{PROTOCOLS, Scene};
use crate::authority::Protocol;

/// A shop whose answers are about nothing else.
fn shop(protocol: Protocol) -> Scene {
    Scene::new(protocol).topics(json!({
        "allow": [{"name": "shop", "terms": ["order", "parcel", "delivery", "refund"]}],
        "deny": [{"name": "politics", "terms": ["election", "political party", "minister"]}],
    }))
}

const POLITICS: &str = "The minister lost the election, and the political party chose another one.";
const CAKE: &str = "Beat three eggs with sugar and butter, stir in flour, milk and baking powder, peel the apples, slice them thinly, spread them over \
    the dough, sprinkle cinnamon and almonds on top and bake the cake for forty minutes until its crust looks golden brown. Serve it with whipped \
    cream, vanilla sauce and a glass of cold milk.";

#[test]
fn an_answer_is_about_what_it_may_be_about() {
    for protocol in PROTOCOLS {
        let scene = |action| shop(protocol).rule("topic", action);
        let part = match protocol {
            Protocol::Chat => "choices/0/message/content",
            Protocol::Messages => "content/0/text",
            Protocol::Responses => "output/0/content/0/text",
        };
        assert_eq!(scene(Action::Block).found("Your parcel left on Monday."), [""; 0]);
        assert_eq!(scene(Action::Block).found(POLITICS), [format!("topic/denied/politics block {part}")]);
        assert_eq!(scene(Action::Block).found(CAKE), [format!("topic/outside block {part}")]);
        assert_eq!(
            scene(Action::Redact).found(CAKE),
            [format!("topic/outside block {part}")],
            "nothing stands in its place"
        );
        assert!(scene(Action::Flag).whole(POLITICS).passes());
        let data = json!({"title": CAKE, "more": [CAKE, CAKE]}).to_string();
        assert_eq!(scene(Action::Block).found(&data), [""; 0], "members have names of their own");
        // One rule for one topic.
        let other = shop(protocol)
            .rule("topic/denied/medicine", Action::Block)
            .rule("topic/denied/politics", Action::Flag);
        assert_eq!(other.found(POLITICS), [format!("topic/denied/politics flag {part}")]);
        assert!(!shop(protocol).rule("pii", Action::Block).expects(), "nobody asks");
        assert!(
            !Scene::new(protocol).rule("topic", Action::Block).expects(),
            "nobody says what it may be about"
        );
    }
}

#[test]
fn a_stream_is_held_only_where_it_may_be_stopped() {
    for protocol in PROTOCOLS {
        let held = shop(protocol).rule("topic", Action::Block).leaves("Your parcel left on Monday.", 4);
        let before_the_end = held.iter().rev().find(|left| **left < *held.last().unwrap());
        assert_eq!(before_the_end, Some(&0), "{protocol:?}");
        let free = shop(protocol).rule("topic", Action::Flag).leaves("Your parcel left on Monday.", 4);
        assert!(free.iter().any(|left| (1..*free.last().unwrap()).contains(left)), "{protocol:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_an_answer_comes_it_is_about_the_same(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "parcel ", "order. ", "election ", "political ", "party", " ", "minister", "\n", "cake with apples ", "été ", "卡", "{", "é",
        ]), 0..40),
        protocol in 0..3_usize, piece in 1..9_usize, stops in any::<bool>(),
    ) {
        let text = pieces.concat();
        let action = if stops { Action::Block } else { Action::Flag };
        let scene = shop(PROTOCOLS[protocol]).rule("topic", action);
        let (whole, streamed) = (scene.whole(&text), scene.streamed(&text, piece));
        prop_assert_eq!(&whole.found, &streamed.found);
        prop_assert_eq!(whole.passes(), !streamed.stopped);
        let left = scene.read(&streamed.text);
        prop_assert_eq!(left, if streamed.stopped { String::new() } else { text });
    }
}
