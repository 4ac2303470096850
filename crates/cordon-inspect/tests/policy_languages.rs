//! Requests for harm and insults in the languages of the lists, and harmless twins of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "test code")]

use std::collections::BTreeMap;

use cordon_core::{Channel, Score};
use cordon_inspect::Engine;

/// The limit at which a guard that wants to see all would ask.
const LIKELY: Score = Score::percent(30);

#[test]
fn requests_are_found_in_each_language_and_their_twins_are_not() {
    let engine = Engine::builtin();
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::<(&str, &str), usize>::new());
    let lines = include_str!("../corpus/policy_languages.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let [language, category, text] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
        let findings = engine.read(engine.scanner(Channel::User, &[]).with_policies(), text);
        let found: Vec<_> = findings
            .iter()
            .filter(|finding| {
                finding.score >= LIKELY && Engine::POLICIES.iter().any(|of| of.covers(&finding.category))
            })
            .map(|finding| format!("{} {}", finding.category, finding.detector))
            .collect();
        let right = match category {
            "-" => found.is_empty(),
            _ => found.iter().any(|found| found.starts_with(category)),
        };
        if !right {
            wrong.push(format!("{language} {category} {text}: {found:?}"));
        }
        let group = match category {
            "-" => "harmless",
            "toxic/insult" => "insults",
            "harm/weapons" | "harm/drugs" => "things",
            _ => "deeds",
        };
        *counts.entry((language, group)).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
    for ((language, group), count) in counts {
        assert!(count >= if group == "harmless" { 15 } else { 5 }, "{language} {group}: {count}");
    }
}
