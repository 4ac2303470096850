//! Measures what a disguise hides: `cargo run -p cordon-inspect --release --example evaluate_disguised -- DIR [EVERY [OBFUSCATION]]`.
//!
//! DIR holds JSON lines: `text`, `label` (attack, benign), `kind`, `channel`. One row in EVERY of each file (all, where nothing is said) is
//! read as it is and under each obfuscation. An attack is caught, and a benign text is a false alarm, where anything of `prompt_injection` is
//! found from the score on that the built-in guard flags. With an obfuscation only that one is tried, and what it hides is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "developer tool"
)]

mod support;

use std::collections::BTreeMap;

use cordon_core::{Category, Channel, Score};
use cordon_inspect::Engine;
use cordon_inspect::obfuscate::Obfuscation;
use serde_json::Value;

use crate::support::Count;

/// Longer texts take long, forty times, and show nothing else.
const LONGEST: usize = 6000;
/// From this score on the built-in guard flags.
const FLAGGED: Score = Score::percent(30);

/// What was counted of a disguise, people's texts and others: attacks caught, attacks that are caught plain and not disguised, and false
/// alarms of ordinary and of hard benign texts.
#[derive(Default)]
struct Counts {
    caught: Count,
    lost: Count,
    benign: Count,
    hard: Count,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = arguments.first().expect("usage: evaluate_disguised DIR [EVERY [OBFUSCATION]]");
    let every: usize = arguments.get(1).map_or(1, |every| every.parse().expect("EVERY is a number"));
    let only = arguments.get(2).map(String::as_str);
    let ways: Vec<Obfuscation> =
        Obfuscation::ALL.iter().copied().filter(|way| only.is_none_or(|only| way.name() == only)).collect();
    let engine = Engine::builtin();
    println!("rules {}\n", engine.rules_digest());
    let family = Category::known("prompt_injection");
    let is_found = |channel, text: &str| {
        engine.inspect(channel, text).iter().any(|f| family.covers(&f.category) && f.score >= FLAGGED)
    };
    let mut files: Vec<_> =
        std::fs::read_dir(directory).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut counts: BTreeMap<(bool, usize), Counts> = BTreeMap::new();
    for path in files {
        let lines = std::fs::read_to_string(path).expect("a readable file");
        for (seed, line) in (0..).zip(lines.lines()).step_by(every) {
            let row: Value = serde_json::from_str(line).expect("a JSON line");
            let (Some(label @ ("attack" | "benign")), Some(text)) =
                (row["label"].as_str(), row["text"].as_str())
            else {
                continue;
            };
            let kind = row["kind"].as_str().unwrap_or_default();
            if kind == "harmful_request" || text.len() > LONGEST {
                continue;
            }
            let channel = Channel::parse(row["channel"].as_str().unwrap_or("user")).unwrap_or(Channel::User);
            let plain = is_found(channel, text);
            let disguised = ways.iter().map(|way| {
                let hidden = way.apply(text, seed);
                let found = is_found(channel, &hidden);
                if only.is_some() && label == "attack" && plain && !found {
                    println!("lost {} {channel:?} {text:?}\n  {hidden:?}", row["id"]);
                }
                found
            });
            for (at, found) in std::iter::once(plain).chain(disguised).enumerate() {
                let counts = counts.entry((channel != Channel::User, at)).or_default();
                match (label, kind) {
                    ("attack", _) => {
                        counts.caught.add(found);
                        counts.lost.add(plain && !found);
                    }
                    (_, "benign") => counts.benign.add(found),
                    _ => counts.hard.add(found),
                }
            }
        }
    }
    println!("| obfuscation | side | caught | points lost | false alarms, ordinary | false alarms, hard |");
    println!("|---|---|---|---|---|---|");
    for ((indirect, at), counts) in counts {
        let name = at.checked_sub(1).map_or("none", |at| ways[at].name());
        let side = if indirect { "indirect" } else { "direct" };
        let net = counts.lost.rate() * 100.0;
        println!("| {name} | {side} | {} | {net:.1} | {} | {} |", counts.caught, counts.benign, counts.hard);
    }
}
