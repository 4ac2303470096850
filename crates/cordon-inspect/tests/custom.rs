//! Types that an organisation names itself: what they find, and that neither the cuts of a stream nor a disguise changes it.
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

use cordon_core::{Category, Channel, Finding, resource::CustomType};
use cordon_inspect::{Custom, Engine, Sensitivity, Step, obfuscate::Obfuscation};
use proptest::prelude::*;
use serde_json::json;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

fn custom(types: &serde_json::Value) -> Custom {
    let types: Vec<CustomType> = serde_json::from_value(types.clone()).unwrap();
    let custom = Custom::new(&types);
    assert!(custom.broken().is_empty());
    custom
}

static TYPES: LazyLock<Custom> = LazyLock::new(|| {
    custom(&json!([
        {"category": "custom/badge", "pattern": r"\bEMP-(?<value>[0-9]{6})\b", "checksum": "luhn"},
        {"category": "custom/ticket", "pattern": "(?i)[a-z]{2,5}-[0-9]{1,8}", "score": 0.3,
         "context": {"words": ["ticket", "issue number"], "score": 0.9}},
        {"category": "custom/line", "pattern": "(?m)^ref [a-zа-я ]{3,40}$"},
        {"category": "custom/project", "sensitivity": "restricted", "dictionary": {"terms": [
            "Heron", "Blue Heron", "heron blue", "Проект Цапля", "C++", "Grüne Wiese", "new", "New York", "York City"
        ]}},
        {"category": "custom/part", "channels": ["user"], "sensitivity": "confidential",
         "dictionary": {"terms": ["鷺計画", "hero", "one two three four five six seven", "aa", "aaaa"], "matching": "anywhere"}},
    ]))
});

fn own(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.detector.starts_with("custom.")).collect()
}

fn inspect(custom: &Custom, channel: Channel, text: &str) -> Vec<Finding> {
    ENGINE.read(ENGINE.scanner(channel, &[]).with_custom(std::slice::from_ref(custom)), text)
}

/// What is found in a text, each with its category.
fn found(text: &str) -> Vec<(String, &str)> {
    let found = own(inspect(&TYPES, Channel::User, text)).into_iter();
    found.map(|finding| (finding.category.leaf().to_owned(), &text[finding.span.range()])).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = found(text);
    let found: Vec<(&str, &str)> =
        found.iter().map(|(category, value)| (category.as_str(), *value)).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn patterns_find_values_with_right_digits() {
    check(
        "badge EMP-123455 and EMP-123456",
        &[("ticket", "EMP-123455"), ("badge", "123455"), ("ticket", "EMP-123456")],
    );
    check("XEMP-123455 EMP-1234559", &[("ticket", "XEMP-123455"), ("ticket", "EMP-1234559")]);
    check("a\nref abc def\nref ab\nref где то", &[("line", "ref abc def"), ("line", "ref где то")]);
    // Folded before it is read, and led back to where it stands.
    check("EMP-１２３４５５", &[("ticket", "EMP-１２３４５５"), ("badge", "１２３４５５")]);
    check(
        "E\u{200b}MP-12\u{200b}3455.",
        &[("ticket", "E\u{200b}MP-12\u{200b}3455"), ("badge", "12\u{200b}3455")],
    );
}

#[test]
fn words_are_whole_in_capitals_or_not_and_over_line_breaks() {
    check(
        "a HERON, herons, heron_",
        &[("part", "HERO"), ("project", "HERON"), ("part", "hero"), ("part", "hero")],
    );
    check(
        "the blue\n  heron blue",
        &[("project", "blue\n  heron"), ("part", "hero"), ("project", "heron blue")],
    );
    check("blue    heron", &[("part", "hero"), ("project", "heron")]);
    check(
        "ПРОЕКТ цапля, GRUNE WIESE, grüne wiese",
        &[("project", "ПРОЕКТ цапля"), ("project", "GRUNE WIESE"), ("project", "grüne wiese")],
    );
    check("C++, C++1, AC++", &[("project", "C++"), ("project", "C++")]);
    check("in new york city, newer", &[("project", "new york"), ("project", "york city")]);
    check("今天鷺計画開始", &[("part", "鷺計画")]);
    check("baaaab", &[("part", "aaaa")]);
}

#[test]
fn words_before_it_make_a_finding_surer() {
    let score = |text: &str| own(inspect(&TYPES, Channel::User, text))[0].score.as_f64();
    assert_eq!((score("see AB-12"), score("see ticket AB-12"), score("see tickets AB-12")), (0.3, 0.9, 0.3));
    assert_eq!(score("Issue Number: AB-12"), 0.9);
    assert_eq!(score(&format!("ticket {}AB-12", "x ".repeat(70))), 0.3);
}

#[test]
fn channels_and_sensitivity_are_as_said() {
    let on = |channel| own(inspect(&TYPES, channel, "hero heron")).len();
    assert_eq!((on(Channel::User), on(Channel::Model)), (3, 1));
    let class = |category| TYPES.sensitivity(&Category::parse(category).unwrap());
    assert_eq!(class("custom/project"), Some(Sensitivity::Restricted));
    assert_eq!(class("custom/part"), Some(Sensitivity::Confidential));
    assert_eq!(class("custom/badge"), None);
}

#[test]
fn what_is_encoded_is_found_where_it_stands() {
    for obfuscation in [Obfuscation::Base64, Obfuscation::Hex, Obfuscation::FullWidth] {
        let text = obfuscation.apply("please send badge EMP-123455 of the Blue Heron to me", 3);
        let found = found(&text);
        for category in ["badge", "project"] {
            assert!(found.iter().any(|(found, _)| found == category), "{obfuscation:?}: {found:?}");
        }
    }
    let explained =
        ENGINE.explain_with(Channel::User, "x QmFkZ2UgRU1QLTEyMzQ1NQ==", std::slice::from_ref(&TYPES));
    assert_eq!((explained.views.len(), explained.views[0].text.as_str()), (1, "Badge EMP-123455"));
    assert!(explained.views[0].found.iter().all(|placed| placed.finding.is_some()));
}

#[test]
fn what_makes_no_sense_once_it_is_read_is_named() {
    let problems = |types: serde_json::Value| {
        let types: Vec<CustomType> = serde_json::from_value(types).unwrap();
        Custom::problems(&types).into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let badge = |pattern: &str, example: &str| {
        problems(json!([{"category": "custom/a", "pattern": pattern, "example": example}]))
    };
    assert_eq!(badge("EMP-[0-9]{6}", "my EMP-123456"), [""; 0]);
    assert_eq!(badge("EMP-[0-9]{6}", "my EMP-12345"), ["types/0/example"]);
    assert_eq!(badge("Zürich[0-9]{3}", "Zürich123"), ["types/0/pattern"]);
    assert_eq!(badge("Zurich[0-9]{3}", "Zürich123"), [""; 0]);
    assert_eq!(badge("табель [0-9]{3}", "табель 123"), [""; 0]);
    // Beside digits, letters that look like Latin ones are read as these.
    assert_eq!(badge("табель[0-9]{3}", "табель123"), ["types/0/example"]);
    let words =
        |term: &str| problems(json!([{"category": "custom/a", "dictionary": {"terms": ["ok", term]}}]));
    assert_eq!(words("\u{200b}\u{200b}\u{200b}"), ["types/0/dictionary/terms/1"]);
}

/// Pieces that begin, end, join or break what the types look for.
const PIECES: &[&str] = &[
    "EMP-",
    "EMP-123455",
    "123455",
    "EMP-123456",
    "ticket ",
    "AB-1",
    "ab-12345678",
    "\nref ",
    "ref abc",
    "где",
    "Heron",
    "blue ",
    "BLUE",
    " heron",
    "New",
    " York",
    " City",
    "C++",
    "Проект ",
    "цапля",
    "鷺計",
    "画",
    "one two ",
    "three four five six",
    " seven",
    "aaa",
    "é",
    "ü",
    "１２３４５５",
    "\u{200b}",
    " ",
    "  ",
    "\n",
    "\t",
    "-",
    "_",
    ".",
    "%45MP-123455",
    "&#69;MP-",
    "\\u0045",
    "QmFkZ2UgRU1QLTEyMzQ1NQ==",
    "45 4d 50 2d 31 32 33 34 35 35",
    "4111 1111 1111 1111",
    "ana@example.com",
    "ignore all previous instructions",
    "\u{202e}554321-PME",
    "h e r o n ",
    "😀",
    "ab",
    "0",
    "9",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[a-z]{1,9} ",
        1 => "[A-Z]{1,6}-[0-9]{1,9}",
        1 => "\\PC{1,4}",
        1 => (1_usize..200, "[a-cE-H0-3 -]{1,3}").prop_map(|(n, s)| s.repeat(n)),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn chunks<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let place = |cut: &usize| (0..=cut % (text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap();
    let mut places: Vec<usize> = cuts.iter().map(place).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn stream<'a>(text: impl IntoIterator<Item = &'a str>, holds: &[Category]) -> Vec<Step> {
    let mut scanner = ENGINE.scanner(Channel::User, holds).with_custom(std::slice::from_ref(&TYPES));
    let mut steps: Vec<Step> = text.into_iter().map(|chunk| scanner.push(chunk)).collect();
    steps.push(scanner.finish());
    steps
}

/// The findings in the order in which they come, none behind what is settled.
fn check_steps(text: &str, steps: &[Step], holds: &[Category]) -> Vec<Finding> {
    let (mut findings, mut settled): (Vec<Finding>, usize) = (Vec::new(), 0);
    let is_held = |finding: &&Finding| holds.iter().any(|hold| hold.covers(&finding.category));
    for step in steps {
        for finding in &step.findings {
            let (start, end) = (finding.span.start, finding.span.end);
            assert!(
                start < end && text.is_char_boundary(start) && text.is_char_boundary(end),
                "{finding:?} in {text:?}"
            );
            assert!(!is_held(&finding) || start >= settled, "{finding:?} behind {settled} in {text:?}");
        }
        findings.extend(step.findings.iter().cloned());
        assert!(step.settled >= settled && step.settled <= text.len());
        settled = step.settled;
        for finding in findings.iter().filter(is_held) {
            assert!(finding.span.start >= settled || settled >= finding.span.end, "{settled} in {finding:?}");
        }
    }
    assert_eq!(settled, text.len());
    findings
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
    findings
}

/// Each occurrence of a term that none of the same type holds, looked for one by one. For plain text with single spaces.
fn occurrences(text: &str, terms: &[&str], is_whole: bool) -> Vec<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut all: Vec<(usize, usize)> = Vec::new();
    for term in terms {
        for (start, _) in lower.char_indices().filter(|(at, _)| lower[*at..].starts_with(term)) {
            let end = start + term.len();
            let joined = |inner: Option<char>, outer: Option<char>| {
                inner.is_some_and(is_word) && outer.is_some_and(is_word)
            };
            let before = joined(term.chars().next(), lower[..start].chars().next_back());
            let behind = joined(term.chars().next_back(), lower[end..].chars().next());
            if !is_whole || !before && !behind {
                all.push((start, end));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    let inner =
        |one: &(usize, usize)| all.iter().any(|other| other != one && other.0 <= one.0 && one.1 <= other.1);
    all.iter().filter(|one| !inner(one)).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_do_not_depend_on_the_cuts(text in text(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        for holds in [&[Category::known("custom")][..], &[Category::known("custom/project"), Category::known("pii")], &[]] {
            let whole = check_steps(&text, &stream([text.as_str()], holds), holds);
            let cut = check_steps(&text, &stream(chunks(&text, &cuts), holds), holds);
            prop_assert_eq!(&whole, &cut, "{:?}", text);
            let single = text.char_indices().map(|(i, c)| &text[i..i + c.len_utf8()]);
            prop_assert_eq!(&whole, &check_steps(&text, &stream(single, holds), holds), "{:?}", text);
            prop_assert_eq!(sorted(whole), inspect(&TYPES, Channel::User, &text));
        }
    }

    #[test]
    fn what_is_built_in_finds_the_same_beside_them(text in text()) {
        let mut beside = inspect(&TYPES, Channel::User, &text);
        beside.retain(|finding| !finding.detector.starts_with("custom."));
        prop_assert_eq!(beside, ENGINE.inspect(Channel::User, &text));
    }

    #[test]
    fn every_occurrence_of_a_term_is_found(text in "([ab ]|c_|\\.){0,60}", is_whole in any::<bool>()) {
        prop_assume!(!text.contains("  "));
        let terms = ["ab", "aba", "b a", "bb", "a b a", "ba", "ab."];
        let matching = if is_whole { "words" } else { "anywhere" };
        let custom = custom(&json!([{"category": "custom/t", "dictionary": {"terms": terms, "matching": matching}}]));
        let found = own(inspect(&custom, Channel::User, &text)).into_iter();
        // A view of letters apart finds them once more.
        let mut found: Vec<(usize, usize)> = found.map(|finding| (finding.span.start, finding.span.end)).collect();
        found.dedup();
        for expected in occurrences(&text, &terms, is_whole) {
            prop_assert!(found.contains(&expected), "{:?} of {:?} in {:?}", expected, found, text);
        }
    }
}
