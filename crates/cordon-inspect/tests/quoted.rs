//! Credentials in several quoted pieces, and pieces that are none.
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
use cordon_inspect::Engine;
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

const KEY: &str = concat!("AKIA", "Q3EGXWHZT5YJLKPM");
const LONG: &str = concat!("glpat-", "Zq3xW8nRt5YvBk2MpL7d");

fn secrets(text: &str) -> Vec<Finding> {
    let secret = Category::known("secret");
    let all = ENGINE.inspect(Channel::ToolOutput, text);
    all.into_iter().filter(|finding| secret.covers(&finding.category)).collect()
}

/// The text without what was found.
fn without(text: &str) -> String {
    let mut left = text.as_bytes().to_vec();
    for finding in secrets(text) {
        left[finding.span.range()].fill(b'*');
    }
    String::from_utf8(left).unwrap()
}

/// The ways to write pieces.
fn written(pieces: &[&str]) -> Vec<String> {
    let join = |between: &str, quote: &str| {
        pieces.iter().map(|piece| format!("{quote}{piece}{quote}")).collect::<Vec<_>>().join(between)
    };
    let named = |space: &str| {
        let member = |(at, piece): (usize, &&str)| format!("\"part_{at}\":{space}\"{piece}\"");
        pieces.iter().enumerate().map(member).collect::<Vec<_>>().join(&format!(",{space}"))
    };
    vec![
        format!("key = {}", join(" + ", "'")),
        format!("const key = {};", join(" +\n    ", "\"")),
        format!("[{}]", join(",", "\"")),
        format!("[{}]", join(",\n  ", "\"")),
        format!("{{{}}}", named("")),
        format!("{{\"id\": 7, {}, \"note\": \"done\"}}", named(" ")),
        format!("({})", join(" ", "\"")),
        format!("echo {}", join(" . ", "`")),
        format!("f(a={}) # and then", join(", b=", "'")),
    ]
}

#[test]
fn a_credential_in_pieces_is_found_and_none_of_it_is_left() {
    for (key, from) in [(KEY, 4), (LONG, 6)] {
        for at in from..key.len() {
            let (first, second) = key.split_at(at);
            for text in written(&[first, second]) {
                let left = without(&text);
                assert!(!left.contains(first) && !left.contains(&format!("{second}'")), "{text} {left}");
                assert!(!left.contains(second) || second.len() < 3, "{text} {left}");
                // What is around them stays.
                assert_eq!(left.len() - left.matches('*').count(), text.len() - key.len(), "{text} {left}");
            }
        }
        let pieces = [&key[..8], &key[8..13], &key[13..17], &key[17..]];
        for text in written(&pieces) {
            let left = without(&text);
            assert!(pieces.iter().all(|piece| !left.contains(piece)), "{text} {left}");
        }
    }
}

#[test]
fn each_piece_is_a_finding_of_its_own() {
    let text = format!("{{\"a\":\"{}\",\"b\":\"{}\"}}", &KEY[..8], &KEY[8..]);
    let spans: Vec<_> = secrets(&text).iter().map(|finding| finding.span.range()).collect();
    assert_eq!(spans, [6..14, 21..33]);
    let categories: Vec<_> = secrets(&text).iter().map(|finding| finding.category.to_string()).collect();
    assert_eq!(categories, ["secret/aws_key"; 2]);
}

#[test]
fn pieces_that_show_nothing_are_nothing() {
    for text in [
        r#"["AKIA", "is the prefix of a key"]"#,
        r#"["AKIAQ3EG", "is what it begins with"]"#,
        r#"{"id": "Q3EGXWHZ", "next": "T5YJLKPMQ3EG"}"#,
        r#"{"prefix": "ghp_", "suffix": "token", "note": "sixteen"}"#,
        r#"{"model": "sk-", "name": "gpt-4o-2024-08-06"}"#,
        r#"x = "AKIAQ3EG" if region == "eu-central-1" else "none""#,
        r#"["AKIAQ3EG", 11111111, 22222222, 33333333, 44444444, 55555555, 66666666, 77777777, "XWHZT5YJLKPM"]"#,
        "It's AKIAQ3EG's turn, and that of XWHZT5YJLKPM's too.",
        r#"{"a": "2024-01-01", "b": "12:30", "c": "4f2a9c1b", "d": "8d7e6f5a4b3c"}"#,
        r#"["5a7d9f", "0c1e3b", "AKIAQ3EGXWHZT5YJLKPMA", "Q3EGXWHZ"]"#,
    ] {
        assert!(secrets(text).is_empty(), "{text}: {:?}", secrets(text));
    }
    // A whole one is found, and nothing behind it with it.
    let text = format!("[\"{KEY}\", \"Q3EGXWHZT5YJ\"]");
    assert_eq!(secrets(&text).len(), 1);
}

#[test]
fn marks_without_an_end_cost_little_and_hold_little() {
    for text in
        ["\"AKIAQ3EG\",".repeat(20_000), "'ghp_16C7' + ".repeat(20_000), "\"AKIAQ3EG\"\"\"".repeat(20_000)]
    {
        let mut scanner = ENGINE.scanner(Channel::Model, &[Category::known("secret")]);
        let (mut at, mut held) = (0, 0);
        for chunk in text.as_bytes().chunks(64) {
            let settled = scanner.push(std::str::from_utf8(chunk).unwrap()).settled;
            at += chunk.len();
            held = held.max(at - settled);
        }
        scanner.finish();
        assert!(held < 2 * 4096, "{held}");
        assert!(scanner.memory() < 1 << 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the text is cut, the same is found, and nothing of it is let go before.
    #[test]
    fn findings_do_not_depend_on_the_cuts(
        at in 4_usize..20,
        way in 0_usize..9,
        before in "[a-z \"',{]{0,40}",
        after in "[a-zA-Z0-9 \"',:]{0,80}",
        size in 1_usize..40,
    ) {
        let pieces = [&KEY[..at], &KEY[at..]];
        let text = format!("{before}{}{after}", written(&pieces)[way]);
        let whole = ENGINE.inspect(Channel::Model, &text);
        let mut scanner = ENGINE.scanner(Channel::Model, &[Category::known("secret")]);
        let (mut found, mut settled) = (Vec::new(), 0);
        let chunks: Vec<_> = text.as_bytes().chunks(size).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
        for chunk in chunks {
            let step = scanner.push(chunk);
            let secret = |finding: &&Finding| Category::known("secret").covers(&finding.category);
            prop_assert!(step.findings.iter().filter(secret).all(|finding| finding.span.start >= settled));
            settled = step.settled;
            found.extend(step.findings);
        }
        found.extend(scanner.finish().findings);
        found.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
        prop_assert_eq!(whole, found);
    }
}
