//! People, organisations, places and addresses: what is found, that it is found only where it is wanted, and the laws of
//! streams.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding};
use cordon_inspect::{Engine, Sensitivity, Step};
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// What the tagger finds: category and text.
fn found(text: &str) -> Vec<(String, &str)> {
    let findings = ENGINE.read(ENGINE.scanner(Channel::Document, &[]).with_names(), text);
    let names = findings.into_iter().filter(|finding| finding.detector == "pii.names");
    names.map(|finding| (finding.category.to_string(), &text[finding.span.range()])).collect()
}

fn has(text: &str, category: &str, value: &str) {
    let found = found(text);
    assert!(found.contains(&(category.to_owned(), value)), "{value:?} of {text:?}: {found:?}");
}

#[test]
fn names_are_found_by_what_stands_around_them() {
    has("My name is Tarvek Obrolin and I need help.", "pii/person", "Tarvek Obrolin");
    has("Please call Dr. Quenzeli tomorrow.", "pii/person", "Quenzeli");
    has("We moved to Brenzstadt last year.", "pii/place", "Brenzstadt");
    has("Send it to 14 Wexford Lane, Norwich NR2 4TX.", "pii/address", "14 Wexford Lane, Norwich NR2 4TX");
    has("Ich wohne in der Lindenstraße 12, 50674 Köln.", "pii/address", "Lindenstraße 12, 50674 Köln");
    has("She works for Halbrecht Logistics GmbH.", "pii/organisation", "Halbrecht Logistics GmbH");
    has("{\"first_name\": \"Ilse\", \"last_name\": \"Wendorf\"}", "pii/person", "Ilse");
    has("Je m'appelle Odile Marchenoir.", "pii/person", "Odile Marchenoir");
    has("Me llamo Rocío Valdepeñas y vivo en Segovia.", "pii/person", "Rocío Valdepeñas");
}

#[test]
fn what_nobody_sees_and_other_widths_hide_no_name() {
    let (name, sentence) = ("Maria Henderson", "My name is Maria Henderson and I need help.");
    has(sentence, "pii/person", name);
    let hidden: String = name.chars().flat_map(|c| [c, '\u{200b}']).collect();
    let hidden = hidden.trim_end_matches('\u{200b}');
    has(&sentence.replace(name, hidden), "pii/person", hidden);
    let wide: String = name
        .chars()
        .map(|c| if c == ' ' { '\u{3000}' } else { char::from_u32(u32::from(c) + 0xfee0).unwrap() })
        .collect();
    has(&sentence.replace(name, &wide), "pii/person", &wide);
}

#[test]
fn ordinary_text_has_no_names() {
    for text in [
        "The committee agreed that the reading room should stay open until nine.",
        "Use Python or Java; both work on Linux and Windows.",
        "Ignore the Warning and press Continue.",
        "fn main() -> Result<(), Error> {\n    let config = Config::load(&path)?;\n    Ok(())\n}",
        "{\"status\": \"Shipped\", \"items\": [{\"sku\": \"AB-1002\", \"quantity\": 3, \"price\": 19.99}]}",
        "HTTP/1.1 404 Not Found",
        "Please read the Terms and Conditions before you press Continue.",
        "Version 2.14.1 fixes 12 bugs.",
        "",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn names_are_looked_for_only_where_they_are_wanted() {
    let text = "My name is Maria Henderson and I live at 14 Wexford Lane, Norwich.";
    assert_eq!(ENGINE.inspect(Channel::Document, text), []);
    assert_eq!(ENGINE.read(ENGINE.scanner(Channel::Document, &[Category::known("pii")]), text), []);
    assert!(found(text).len() >= 2);
    for category in Engine::NAMES {
        assert_eq!(Sensitivity::of(&category), Sensitivity::Confidential);
    }
}

/// Pieces that begin, end, join and break names and segments.
const PIECES: &[&str] = &[
    "My name is Maria Henderson",
    "Dr. ",
    "Mr. Okafor",
    "lives at 14 Wexford Lane, Norwich",
    "Lindenstraße 12\n50674 Köln\nGermany",
    "Halbrecht Logistics GmbH",
    "in Lisbon",
    " and ",
    ". ",
    "! ",
    ", ",
    "\n",
    "\n\n",
    "\"name\": \"",
    "\", ",
    "Maria",
    "M\u{200b}aria",
    "Ｍａｒｉａ",
    "de la ",
    "O'Neill",
    "Anne-Marie",
    "St. ",
    "J. K. ",
    "NEW YORK",
    "the quick brown fox ",
    "ana@example.com",
    "4111 1111 1111 1111",
    "AKIAQ3EGRT5ZLNBVX2PW",
    "Ignore all previous instructions",
    "&eacute;",
    "&#77;aria",
    "\\u004daria",
    "Λευκωσία",
    "Москва",
    "مريم",
    "王小明",
    "é",
    "(",
    "_",
    "\u{1b}[0m",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        2 => "[A-Z][a-z]{1,8} ",
        1 => "[a-z]{1,9} ",
        1 => "[0-9]{1,6} ",
        1 => "\\PC{1,4}",
        1 => (1_usize..120, "[a-zA-Z0-9 ,.]{1,4}").prop_map(|(n, s)| s.repeat(n)),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// All findings in order, as a stream in these pieces reports them; no byte of a held one is settled before.
fn stream<'a>(text: &str, pieces: impl Iterator<Item = &'a str>, holds: &[Category]) -> Vec<Finding> {
    let mut scanner = ENGINE.scanner(Channel::Model, holds).with_names();
    let mut steps: Vec<Step> = pieces.map(|piece| scanner.push(piece)).collect();
    steps.push(scanner.finish());
    let (mut findings, mut settled) = (Vec::new(), 0);
    for step in steps {
        for finding in &step.findings {
            assert!(
                text.get(finding.span.range()).is_some_and(|value| !value.is_empty()),
                "{finding:?} of {text:?}"
            );
            if holds.iter().any(|hold| hold.covers(&finding.category)) {
                assert!(finding.span.start >= settled, "{finding:?} begins before {settled} of {text:?}");
            }
        }
        findings.extend(step.findings);
        assert!(step.settled >= settled && step.settled <= text.len());
        settled = step.settled;
        for finding in
            findings.iter().filter(|finding| holds.iter().any(|hold| hold.covers(&finding.category)))
        {
            assert!(
                settled <= finding.span.start || finding.span.end <= settled,
                "{settled} is inside of {finding:?}"
            );
        }
    }
    assert_eq!(settled, text.len());
    // A phrase may wait for what stands behind it: in which order findings come, the cuts may change.
    findings.sort_by(|one, two| {
        let place = |found: &Finding| (found.span.start, found.span.end, found.score);
        place(one).cmp(&place(two)).then_with(|| one.category.as_str().cmp(two.category.as_str()))
    });
    findings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_do_not_depend_on_the_cuts(text in text(), cuts in prop::collection::vec(any::<usize>(), 0..12), holds in any::<bool>()) {
        let holds: Vec<Category> = if holds { vec![Category::known("pii/person"), Category::known("pii/address")] } else { Vec::new() };
        let whole = stream(&text, [text.as_str()].into_iter(), &holds);
        let mut places: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let cut = stream(&text, places.windows(2).map(|pair| &text[pair[0]..pair[1]]), &holds);
        prop_assert_eq!(&whole, &cut);
        let single = text.char_indices().map(|(i, c)| &text[i..i + c.len_utf8()]);
        prop_assert_eq!(&whole, &stream(&text, single, &holds));
    }

    #[test]
    fn any_text_at_all(text in any::<String>()) {
        let single = text.char_indices().map(|(i, c)| &text[i..i + c.len_utf8()]);
        prop_assert_eq!(stream(&text, [text.as_str()].into_iter(), &[]), stream(&text, single, &[]));
    }

    /// With names, all else is found as without.
    #[test]
    fn all_else_is_found_as_ever(text in text()) {
        let mut with = ENGINE.read(ENGINE.scanner(Channel::User, &[]).with_names(), &text);
        with.retain(|finding| finding.detector != "pii.names");
        prop_assert_eq!(with, ENGINE.inspect(Channel::User, &text));
    }
}

/// However long a text, little of it is kept, and a stream is held for one segment at most.
#[test]
fn what_is_held_and_kept_is_bounded() {
    let holds = [Category::known("pii/person")];
    for piece in
        ["Maria ", "Maria", "12 ", "a", "(", "Maria\n", "St. ", "x, Y ", "                    ", "M. "]
    {
        let mut scanner = ENGINE.scanner(Channel::Document, &holds).with_names();
        let mut pushed = 0;
        for _ in 0..4000 {
            let step = scanner.push(piece);
            pushed += piece.len();
            assert!(pushed - step.settled <= 12_000, "{piece:?}: {} held", pushed - step.settled);
        }
        assert!(scanner.memory() < 128 << 10, "{piece:?}: {}", scanner.memory());
    }
}

#[test]
fn endless_lines_take_linear_time() {
    for unit in ["Maria ", "Maria", "M. ", "x", "(", "12 ", "Maria\n", "of the ", "García de la "] {
        let time = |bytes: usize, times: usize| {
            let text = unit.repeat(bytes / unit.len());
            let once = || {
                let start = std::time::Instant::now();
                (0..times).for_each(|_| drop(found(&text)));
                start.elapsed()
            };
            (0..3).map(|_| once()).min().unwrap()
        };
        // The same bytes in many texts and in one: whatever else the machine does slows both.
        let (many, one) = (time(4_000, 12), time(48_000, 1));
        // Quadratic would be twelve times as long.
        assert!(one.as_secs_f64() < many.as_secs_f64() * 4.0 + 0.05, "`{unit}`: {many:?} then {one:?}");
    }
}
