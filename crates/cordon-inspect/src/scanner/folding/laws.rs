//! The laws of folding, over generated texts: what a folded text leads back to.

use cordon_core::Channel;
use proptest::prelude::*;

use super::*;
use crate::engine::Engine;

static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(Engine::builtin);

/// The folded text, and for each of its characters the original bytes that it leads back to.
fn folded(text: &str) -> (String, Vec<(usize, usize, usize, usize)>) {
    let mut scanner = ENGINE.scanner(Channel::User, &[]);
    // What folding leaves is open only while more may come.
    assert_eq!(scanner.fold(text, true), text.len(), "{text:?}");
    let last = scanner.text.end();
    let folded = String::from_utf8(scanner.text.slice(0, last).to_vec()).unwrap();
    let places = folded.char_indices().map(|(at, c)| {
        let end = at + c.len_utf8();
        (at, end, scanner.text.original_start(at), scanner.text.original_end(end))
    });
    let places = places.collect();
    (folded, places)
}

/// Pieces that fold in every way that there is.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[ -~]{0,6}",
        2 => "\\PC{1,4}",
        1 => "[а-яα-ωա-ֆ]{1,4}",
        1 => "[\u{200b}-\u{200f}\u{300}-\u{30f}\u{fe00}-\u{fe0f}\u{202a}-\u{202e}\0-\u{8}]{1,3}",
        1 => "[ａ-ｚ𝐀-𝐙①-⑨🅐-🅩ﬀ-ﬄ½㎏]{1,3}",
        1 => prop::sample::select(vec![
            "&#105;", "&amp;lt;", "%69", "%2569", "%C3%A9", "\\u0069", "\\x69", "\\151 ", "=69=67", "=\n", "\\ud83d\\ude0a",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each folded character leads back to whole characters of the text, in order, and all that lies between is folded
    /// to nothing.
    #[test]
    fn the_way_back_is_exact(text in text()) {
        let (_, places) = folded(&text);
        let mut before = (0, 0);
        for (_, _, start, end) in places {
            prop_assert!(start < end && end <= text.len(), "{start}..{end} of {text:?}");
            prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{start}..{end} of {text:?}");
            // Several folded characters may come from one: then they lead to the same place.
            prop_assert!(start >= before.1 || (start, end) == before, "{start}..{end} after {before:?} in {text:?}");
            before = (start, end);
        }
    }

    /// What a folded character leads back to folds to what is folded there, whatever stands around it.
    #[test]
    fn what_it_leads_back_to_folds_to_the_same(text in "([ -%\\[\\]'-<>-~]|[ａ-ｚ𝐀-𝐙①-⑨ﬀ-ﬄ½㎏é-ü٠-٩\u{200b}\u{300}]){0,24}") {
        let (whole, places) = folded(&text);
        for (at, end, start, stop) in places {
            let (own, expected) = (text.get(start..stop).unwrap(), whole.get(at..end).unwrap());
            let (part, _) = folded(own);
            prop_assert!(part.contains(expected), "{own:?} of {text:?} folds to {part:?}");
        }
    }

    /// A folded text is its own folding, but for what escapes stood for.
    #[test]
    fn folding_twice_is_folding_once(text in "([ -%\\[\\]'-<>-~]|[ａ-ｚ𝐀-𝐙①-⑨🅐-🅩ﬀ-ﬄ½㎏é-ü٠-٩\u{200b}\u{300}“”…—]){0,24}") {
        prop_assume!(!text.contains(['%', '&', '\\', '=', '＆', '％']));
        let (once, _) = folded(&text);
        // A symbol folds to a control character, which text does not hold.
        let once = once.replace(char::from(SYMBOL), "");
        prop_assert_eq!(folded(&once).0, once);
    }
}
