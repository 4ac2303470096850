//! Answers that decline what they were asked for, and such that do not: on answers that were written apart from the phrases, and laws on any
//! text.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "test code")]

mod figures;

use std::collections::BTreeMap;
use std::time::Instant;

use cordon_core::Score;
use cordon_inspect::declines;
use figures::interval;
use proptest::prelude::*;

fn is_declining(answer: &str) -> bool {
    declines(answer).is_some_and(|score| score >= Score::percent(50))
}

#[test]
fn what_declines_and_what_does_not() {
    for answer in [
        "I'm sorry, but I can't help with that.",
        "**I can't help with that.**",
        "Sorry. I can't help.",
        "I\u{200b} can't he\u{200b}lp with that",
        "Ｉ ｃａｎｎｏｔ ａｓｓｉｓｔ with that.",
        "I understand. I really can't provide medical advice.",
        "Dabei kann ich leider nicht helfen.",
        "抱歉，我无法提供帮助。",
    ] {
        assert!(is_declining(answer), "{answer}");
    }
    for answer in [
        "",
        "I can't help but admire it.",
        "I can help with that.",
        "I can't do that until you have signed in.",
        "“I can't help with that,” said the clerk.",
        "`I can't help with that` is the text of the button.",
        "{\"answer\": \"I can't help with that\"}",
        "The clerk said: I can't help with that.",
        "Dear Ms Weber,\nunfortunately we cannot help with the repair.",
        "Subject: Your repair\n\nUnfortunately, we cannot help with that.",
        "First mix flour, butter and sugar and leave the dough to rest for an hour. I can't help with the oven.",
        "银行无法满足您的申请条件，请补充材料。",
    ] {
        assert!(!is_declining(answer), "{answer}");
    }
    // What declines a part and goes on at length is another matter.
    let long = format!(
        "I can't give medical advice, but here is what leaflets say. {}",
        "Drink water and rest. ".repeat(100)
    );
    assert!(declines(&long).unwrap() <= Score::percent(60));
}

/// `cargo test -p cordon-inspect --test declined -- --nocapture` prints the figures. The bounds are loose: they say that nothing broke.
#[test]
fn held_out_answers() {
    let mut languages: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut seen, mut declining, mut alarms, mut helping) = (0, 0, 0, 0);
    for line in include_str!("declined/held_out.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.splitn(3, '\t');
        let (language, kind, answer) =
            (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let is_found = is_declining(answer);
        if kind == "declines" {
            declining += 1;
            seen += usize::from(is_found);
            let counts = languages.entry(language).or_default();
            counts.0 += usize::from(is_found);
            counts.1 += 1;
            if !is_found {
                println!("missed: {language}: {answer}");
            }
        } else {
            helping += 1;
            alarms += usize::from(is_found);
            if is_found {
                println!("false alarm: {language}: {answer}");
            }
        }
    }
    println!("seen: {}", interval(seen, declining));
    println!("false alarms: {}", interval(alarms, helping));
    for (language, (hits, of)) in &languages {
        println!("  {language}: {hits} of {of}");
    }
    assert!(languages.iter().filter(|(_, (hits, _))| *hits > 0).count() >= 11);
    assert!(seen * 10 >= declining * 7 && alarms * 10 <= helping);
}

#[test]
fn only_the_beginning_is_read() {
    for piece in ["sorry ", "I am afraid ", "抱歉", "a", "\u{200b}", "I can't and will not "] {
        let text = piece.repeat(1_000_000);
        let start = Instant::now();
        let _ = declines(&text);
        assert!(start.elapsed().as_secs_f64() < 1.0, "{piece:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_it(
        text in any::<String>(),
        pieces in prop::collection::vec(prop::sample::select(vec![
            "I'm sorry", "but", " I can't ", "help with", "抱歉", "无法帮助", ".", "\n", "\"", " без ", "é", "नहीं", "\u{300}",
        ]), 0..40),
    ) {
        for text in [text, pieces.concat()] {
            if let Some(score) = declines(&text) {
                prop_assert!(score <= Score::ONE);
            }
            prop_assert_eq!(declines(&text), declines(&text));
        }
    }
}
