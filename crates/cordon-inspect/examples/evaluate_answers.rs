//! Counts what the detectors of answers say of benign texts: `cargo run -p cordon-inspect --example evaluate_answers -- DIR [FILE…]`.
//!
//! DIR holds JSON lines with `id`, `text` and `label`. Half of each source, by a digest of the id, is held out: `--errors` prints
//! what is found in the other half alone, so that nobody tunes on what is reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "developer tool"
)]

use std::collections::BTreeMap;

use cordon_core::{Category, Channel, Digest, Score};
use cordon_inspect::Engine;
use serde_json::Value;

const FAMILIES: [&str; 4] = ["egress", "terminal", "command", "statement"];
const AT: [u32; 2] = [50, 80];

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let errors = args.iter().position(|arg| arg == "--errors").map(|at| args.remove(at)).is_some();
    let dir = args.first().expect("usage: evaluate_answers [--errors] DIR [FILE…]").clone();
    let mut files: Vec<_> = std::fs::read_dir(&dir).expect("the folder").map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.retain(|path| args.len() == 1 || args[1..].iter().any(|name| path.ends_with(name)));
    files.sort();
    let engine = Engine::builtin();
    println!(
        "| source, {} | texts | {} |",
        if errors { "development half" } else { "held-out half" },
        FAMILIES.join(" | ")
    );
    println!("|---|---|{}", "---|".repeat(FAMILIES.len()));
    for path in files {
        let mut counts: BTreeMap<(usize, u32), u32> = BTreeMap::new();
        let mut texts = 0;
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let (Some(id), Some(text)) = (row["id"].as_str(), row["text"].as_str()) else { continue };
            let held_out = Digest::sha256(id.as_bytes()).as_bytes()[0] & 1 == 1;
            if row["label"] != "benign" || held_out == errors {
                continue;
            }
            texts += 1;
            let findings = engine.inspect(Channel::Model, text);
            for (at, family) in FAMILIES.iter().enumerate() {
                let family = Category::known(family);
                let found = || findings.iter().filter(|finding| family.covers(&finding.category));
                let Some(score) = found().map(|finding| finding.score).max() else { continue };
                for percent in AT.into_iter().filter(|percent| score >= Score::percent(*percent)) {
                    *counts.entry((at, percent)).or_default() += 1;
                }
                for finding in found().filter(|finding| errors && finding.score >= Score::percent(30)) {
                    let seen: String = text[finding.span.range()].chars().take(120).collect();
                    println!("    {id} {} {} {seen:?}", finding.category, finding.score);
                }
            }
        }
        if texts > 0 {
            let cell = |at: usize| {
                AT.map(|percent| counts.get(&(at, percent)).unwrap_or(&0).to_string()).join(" / ")
            };
            let cells: Vec<String> = (0..FAMILIES.len()).map(cell).collect();
            println!("| {} | {texts} | {} |", path.file_stem().unwrap().to_string_lossy(), cells.join(" | "));
        }
    }
}
