//! Writes which texts the models were trained on: `cargo xtask train fingerprints`, or this example with the folder of labelled texts, the
//! file of the fingerprints and their card.
//!
//! Nothing is trained here, and verdicts of the trainer of injection stay as they are. Every text that some trainer reads is in it, whatever became of it there: attacks and benign texts (injection
//! and its judge, noise, policies, and names, which read prose of a few of those sources), and rows of labelled personal data whose
//! template was not held out of the training of names. Texts that trainers make are not: no label of theirs is measured by anybody.
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
    reason = "developer tool"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "rates and intervals are for examples that measure")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use cordon_inspect::trained::Fingerprints;
use serde_json::Value;

const HEAD: &str = "## Texts\n\n";
/// Rows of labelled names, which are split by template.
const NAMES: &str = "pii_presidio_research.jsonl";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, file, card] = &arguments[..] else {
        panic!(
            "help: the folder of labelled texts, the file of fingerprints, and the card whose table is written anew"
        );
    };
    let folder = Path::new(folder);
    let mut texts = read(folder);
    let names = support::labelled(&folder.join(NAMES));
    let learned = names.into_iter().filter(|row| !row.unseen).map(|row| row.text);
    texts.insert("presidio_research, templates that are learned".to_owned(), learned.collect());
    // What trainings without a text's source say of it stays: nothing is trained here.
    let before = Fingerprints::read(&std::fs::read(file).unwrap_or_default());
    let mut known = Fingerprints::default();
    texts.values().flatten().for_each(|text| known.add(text, &before));
    let (all, judged) = known.counts();
    let mut out = format!("{HEAD}| source | texts |\n|---|---|\n");
    for (source, texts) in &texts {
        out.push_str(&format!("| {source} | {} |\n", texts.len()));
    }
    out.push_str(&format!(
        "| all, each fingerprint once | {all} |\n| of these with a verdict | {judged} |\n"
    ));
    std::fs::write(file, known.file()).expect("a file that can be written");
    println!("{out}");
    let old = std::fs::read_to_string(card).unwrap_or_default();
    let head = old.split(HEAD).next().unwrap_or_default();
    std::fs::write(card, format!("{head}{out}")).expect("a card that can be written");
}

/// Attacks and benign texts by source.
fn read(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(path).expect("a readable file").lines() {
            let row: Value = serde_json::from_str(line).expect("a JSON line");
            if !(row["label"] == "attack" || row["label"] == "benign") {
                continue;
            }
            if let (Some(source), Some(text)) = (row["source"].as_str(), row["text"].as_str()) {
                texts.entry(source.to_owned()).or_default().push(text.to_owned());
            }
        }
    }
    texts
}
