//! Cuts at any place in any JSON: what is written is the same however it came, and parses when the original does.

use cordon_core::{
    Category, Finding, Form, HmacKey, Score, Span,
    json::{Limits, Object, Value},
};
use cordon_testkit::chunking::{self, Random};
use proptest::prelude::*;

use super::JsonText;
use crate::redact::{self, Cut, Placeholders, Tokens};

fn cut(span: Span, form: Form) -> Cut {
    let finding = Finding {
        category: Category::known("pii/card"),
        span,
        score: Score::ONE,
        detector: "test",
        detector_version: 1,
        continues: false,
        listed: cordon_core::Listed::NONE,
    };
    Cut::new(&finding, form)
}

/// Reads all, then writes all.
fn whole(raw: &str, cuts: &[Cut]) -> String {
    let mut json = JsonText::default();
    json.push(raw);
    json.finish();
    let mut out = String::new();
    let (key, tokens) = (HmacKey::from_bytes([1; 32]), Tokens::default());
    json.write(usize::MAX, cuts, &mut Placeholders::of_answer(&key, &tokens), &mut out);
    out
}

/// Writes after every piece, as far as it is settled: never inside a cut.
fn in_pieces(raw: &str, cuts: &[Cut], longest: usize, seed: u64) -> String {
    let mut json = JsonText::default();
    let mut out = String::new();
    let (key, tokens) = (HmacKey::from_bytes([1; 32]), Tokens::default());
    let mut random = Random::new(seed);
    let mut end = 0;
    for piece in chunking::chars(raw, longest, seed) {
        end += json.push(&piece).len();
        let mut settled = end - random.below(9).min(end);
        if let Some(cut) = cuts.iter().find(|cut| cut.span.start < settled && settled < cut.span.end) {
            settled = cut.span.start;
        }
        // What begins behind the settled bytes is not known yet.
        let known: Vec<Cut> = cuts.iter().filter(|cut| cut.span.start < settled).cloned().collect();
        json.write(settled, &known, &mut Placeholders::of_answer(&key, &tokens), &mut out);
    }
    json.finish();
    json.write(usize::MAX, cuts, &mut Placeholders::of_answer(&key, &tokens), &mut out);
    out
}

fn check(raw: &str, cuts: &[(usize, usize)], expected: &str) {
    let mut cuts: Vec<Cut> =
        cuts.iter().map(|(start, end)| cut(Span::new(*start, *end), Form::Mask)).collect();
    redact::unite(&mut cuts);
    assert_eq!(whole(raw, &cuts), expected, "{raw}");
}

#[test]
fn cuts_are_split_at_the_borders_of_tokens() {
    check(r#"{"a":"bcd"}"#, &[(6, 8)], r#"{"a":"[CARD]d"}"#);
    check(r#"{"a":"bcd","e":1}"#, &[(7, 13)], r#"{"a":"b[CARD]","":1}"#);
    check(r#"{"a":1234,"b":true}"#, &[(6, 8)], r#"{"a":"[CARD]","b":true}"#);
    check(r#"{"a":12,"b":34}"#, &[(5, 14)], r#"{"a":"[CARD]","":null}"#);
    check(r#"[true,null]"#, &[(0, 11)], "[true,null]");
    check(r#"{"a":1,"b":2}"#, &[(2, 3), (8, 9)], r#"{"[CARD]":1,"[CARD]_2":2}"#);
    check(r#"{"a":{"b":1},"c":{"b":1}}"#, &[(7, 8), (19, 20)], r#"{"a":{"[CARD]":1},"c":{"[CARD]":1}}"#);
    check(r#"{"a":"\u0062\ud83d\ude00c"}"#, &[(6, 11)], r#"{"a":"[CARD]c"}"#);
    check("12345", &[(1, 2)], r#""[CARD]""#);
    check("no json 12345", &[(8, 13)], "no json [CARD]");
}

#[test]
fn spans_of_the_view_are_found_in_the_raw_text() {
    let mut json = JsonText::default();
    assert_eq!(json.push(r#"{"\u0061":"x\n\u00"#), "{\"a\":\"x\n");
    assert_eq!(json.push(r#"e9y\ud83d"#), "\u{e9}y");
    assert_eq!(json.push(r#"\ude00z"}"#), "\u{1f600}z\"}");
    assert_eq!(json.raw_span(Span::new(2, 3)), Span::new(2, 8));
    assert_eq!(json.raw_span(Span::new(6, 8)), Span::new(11, 14));
    assert_eq!(json.raw_span(Span::new(8, 10)), Span::new(14, 20));
    assert_eq!(json.raw_span(Span::new(11, 16)), Span::new(21, 34));
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[a-c\u{e9}\u{1f600}\"\\\\\n]{0,6}".prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-c]{0,2}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Object>())),
        ]
    });
    (value, any::<u64>()).prop_map(|(value, seed)| {
        let mut random = Random::new(seed);
        let mut out = String::new();
        for c in value.to_string().chars() {
            match c {
                'a'..='c' | '\u{e9}' | '\u{1f600}' if random.below(3) == 0 && !out.ends_with('\\') => {
                    // Outside of strings this breaks the text, which is a case too.
                    let mut units = [0; 2];
                    c.encode_utf16(&mut units)
                        .iter()
                        .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
                _ => out.push(c),
            }
        }
        out
    })
}

proptest! {
    #[test]
    fn any_cuts_in_any_pieces(
        raw in prop_oneof![4 => any_json(), 1 => "[{}\\[\\]\",:0-9a\\\\u d8\u{e9}-]{0,30}"],
        spans in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..5),
        form in prop_oneof![Just(Form::Mask), Just(Form::Drop), Just(Form::Hash)],
        longest in 1..9_usize, seed in any::<u64>(),
    ) {
        let mut json = JsonText::default();
        let mut view = json.push(&raw).to_owned();
        view.push_str(json.finish());
        let borders: Vec<usize> = view.char_indices().map(|(at, _)| at).chain([view.len()]).collect();
        let mut cuts: Vec<Cut> = spans
            .iter()
            .map(|(a, b)| {
                let (a, b) = (*a.get(&borders), *b.get(&borders));
                cut(Span::new(a.min(b), a.max(b)), form)
            })
            .collect();
        redact::unite(&mut cuts);
        let out = whole(&raw, &cuts);
        prop_assert_eq!(in_pieces(&raw, &cuts, longest, seed), out.as_str());
        let parses = |text: &str| Value::parse(text.as_bytes(), Limits::default()).is_ok();
        prop_assert!(!parses(&raw) || parses(&out), "{} became {}", raw, out);
        if cuts.is_empty() {
            prop_assert_eq!(out, raw);
        }
    }
}
