//! Trains the model of policies: `cargo xtask train policy`, or this example with the folder of labelled texts, the file of the weights
//! and their card.
//!
//! A logistic regression for each category, on the blocks that the detector judges. Of a request the block counts that looks most
//! like its category, of a harmless text that which looks most like any, and one by chance. Every source is left out of one training,
//! and what is said of it is what that training makes of it; limits are the sums that harmless texts of sources left out reach at
//! given rates, for a source those of the others. Of the generated texts every third line is left out of one training. The weights
//! that are written are of a training with everything. The same texts give the same file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "developer tool"
)]

mod figures;
mod generate;
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use cordon_core::Channel;
use cordon_inspect::Engine;
use cordon_inspect::policy::training::{self, CATEGORIES, Limits};
use serde_json::Value;

use crate::model::{BIAS, train};

/// Sources that are left out together.
const FOLDS: [&[&str]; 6] = [
    &["harmful_requests", "gpteacher"],
    &["xstest", "agentdojo"],
    &["selfinstruct", "awesome_chatgpt_prompts"],
    &["techdocs", "xquad"],
    &["owasp_docs", "taubench_tool_output"],
    &["deepset"],
];
const GENERATED: &str = "generated";
/// Attacks that ask for harm in other words, or with words around it: shown, and never learned.
const SHOWN: &str = "jailbreakbench";
/// Characters of a text that are read.
const TEXT: usize = 8_000;
/// False alarms of ordinary and of hard harmless texts where harm is likely, and where it is sure.
const LIKELY: [f32; 2] = [0.008, 0.03];
const SURE: [f32; 2] = [0.001, 0.006];

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A text as the trainer sees it.
pub struct Text {
    pub source: String,
    pub kind: String,
    /// The columns that it may be of; none where it is harmless.
    pub may: u32,
    /// Whether it is learned, and counts for limits.
    pub learned: bool,
    pub made: bool,
    pub english: bool,
    /// The number of its line, of what was made here.
    pub line: usize,
    pub blocks: Vec<Vec<u32>>,
    /// Whether a list has something of it.
    pub listed: bool,
}

/// What a training that has not seen a text says of it: the highest sum, and its column.
pub struct Told<'a> {
    pub text: &'a Text,
    pub sum: f32,
    pub column: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, weights, card] = &arguments[..] else {
        panic!(
            "help: the folder of labelled texts, the file of the weights, and the card whose tables are written anew"
        )
    };
    let engine = Engine::builtin();
    let mut texts = read(&engine, Path::new(data));
    texts.extend(made(&engine));
    let told = left_out(&texts);
    let limits = limits(&told, "");
    let model = train(&texts, |text| text.learned);
    std::fs::write(weights, training::file(&model.weights, limits).expect("limits in order")).unwrap();
    let tables = figures::figures(&told);
    println!("{limits:?}\n{tables}");
    for line in include_str!("../../corpus/policy.tsv").lines() {
        let (expected, words) = line.split_once('\t').expect("a category and a text");
        let text = text(&engine, "corpus", words);
        let (_, column, sum) = model.most(&text, u32::MAX);
        let told = if sum >= limits.likely { CATEGORIES[column] } else { "-" };
        println!("{expected}\t{told}\t{sum:.2}\t{}\t{words}", text.listed);
    }
    let old = std::fs::read_to_string(card).unwrap_or_default();
    let head = old.split(figures::HEAD).next().unwrap_or_default();
    std::fs::write(card, format!("{head}{tables}")).unwrap();
}

/// The columns of these categories.
fn columns(names: &[&str]) -> u32 {
    let bit = |name: &&str| {
        1 << CATEGORIES.iter().position(|category| category.ends_with(name)).expect("a category")
    };
    names.iter().map(bit).sum()
}

/// What a request may be of, and its kind in the tables; none where it is not one that the categories are about.
fn may(source: &str, category: &str) -> Option<(u32, String)> {
    let of = match category {
        "malicious_uses" => columns(&[
            "violence",
            "self_harm",
            "sexual",
            "minors",
            "hate",
            "harassment",
            "weapons",
            "drugs",
            "fraud",
            "malware",
            "privacy",
            "crime",
        ]),
        "discrimination_exclusion_toxicity_hateful_offensive" => {
            columns(&["hate", "harassment", "sexual", "minors", "insult", "violence"])
        }
        "information_hazard" => columns(&["privacy", "crime", "fraud", "malware"]),
        "" if source == "xstest" => columns(&[
            "violence",
            "self_harm",
            "sexual",
            "minors",
            "hate",
            "harassment",
            "weapons",
            "drugs",
            "fraud",
            "malware",
            "privacy",
            "crime",
        ]),
        _ => 0,
    };
    let kind =
        if category.is_empty() { "harmful_request".to_owned() } else { format!("harmful: {category}") };
    Some((of, kind))
}

fn read(engine: &Engine, folder: &Path) -> Vec<Text> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut texts = Vec::new();
    for path in files {
        for line in std::fs::read_to_string(path).expect("a readable file").lines() {
            let row: Value = serde_json::from_str(line).expect("a JSON line");
            let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let (source, kind) = (word("source"), word("kind"));
            let (may, kind, learned) = match kind.as_str() {
                "benign" | "benign_hard" if row["label"] == "benign" => (0, kind, true),
                "harmful_request" => {
                    let (may, kind) = may(&source, &word("category")).unwrap();
                    (may, kind, may != 0)
                }
                "jailbreak" if source == SHOWN => (u32::MAX, kind, false),
                _ => continue,
            };
            let text = text(engine, &source, &word("text"));
            texts.push(Text { kind, may, learned, ..text });
        }
    }
    texts
}

fn text(engine: &Engine, source: &str, text: &str) -> Text {
    let text: String = text.chars().take(TEXT).collect();
    let mut blocks = training::blocks(engine, &text);
    if blocks.is_empty() {
        blocks.push(Vec::new());
    }
    let found = engine.read(engine.scanner(Channel::User, &[]).with_policies(), &text);
    let listed = found.iter().any(|finding| finding.detector == "policy.words");
    Text {
        source: source.to_owned(),
        kind: String::new(),
        may: 0,
        learned: true,
        made: false,
        english: true,
        line: 0,
        blocks,
        listed,
    }
}

/// The texts that are made here.
fn made(engine: &Engine) -> Vec<Text> {
    let texts = generate::texts(5).into_iter().map(|made| Text {
        kind: "made".to_owned(),
        may: made.column.map_or(0, |column| 1 << column),
        made: true,
        english: made.english,
        line: made.line,
        ..text(engine, GENERATED, &made.text)
    });
    texts.collect()
}

/// What the trainings without a text say of it.
fn left_out(texts: &[Text]) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = texts.iter().map(|text| Told { text, sum: BIAS, column: 0 }).collect();
    for fold in FOLDS {
        let model = train(texts, |text| text.learned && !fold.contains(&text.source.as_str()));
        for one in told.iter_mut().filter(|one| !one.text.made) {
            let source = one.text.source.as_str();
            if fold.contains(&source) || source == SHOWN && fold == FOLDS[0] {
                (_, one.column, one.sum) = model.most(one.text, u32::MAX);
            }
        }
    }
    let unseen = |text: &Text| text.made && text.line.is_multiple_of(3);
    let model = train(texts, |text| text.learned && !unseen(text));
    for one in told.iter_mut().filter(|one| unseen(one.text)) {
        (_, one.column, one.sum) = model.most(one.text, u32::MAX);
    }
    told.retain(|one| !one.text.made || unseen(one.text));
    told
}

/// The limits, from the harmless texts of all sources but one.
pub fn limits(told: &[Told<'_>], without: &str) -> Limits {
    let at = |kind: &str, rate: f32| {
        let of_kind =
            told.iter().filter(|one| !one.text.made && one.text.source != without && one.text.kind == kind);
        let mut sums: Vec<f32> = of_kind.map(|one| one.sum).collect();
        sums.sort_by(|a, b| b.total_cmp(a));
        sums.get((sums.len() as f32 * rate) as usize).copied().unwrap_or(BIAS)
    };
    let both = |rates: [f32; 2]| at("benign", rates[0]).max(at("benign_hard", rates[1]));
    let likely = both(LIKELY).max(BIAS + 0.1);
    Limits { bias: BIAS, likely, sure: both(SURE).max(likely + 0.05) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_made_of_its_lines() {
        let texts = generate::texts(1);
        assert!(texts.iter().all(|made| !made.text.contains(['{', '}', '|', '<', '>'])));
        let without: Vec<&&str> = CATEGORIES
            .iter()
            .enumerate()
            .filter(|(column, _)| !texts.iter().any(|made| made.column == Some(*column)))
            .map(|(_, name)| name)
            .collect();
        assert_eq!(without, [&"toxic/profanity", &"toxic/slur"], "what only lists find");
    }

    #[test]
    fn it_learns_and_the_same_texts_give_the_same_weights() {
        let engine = Engine::builtin();
        let file = || {
            let mut texts = made(&engine);
            texts.retain(|text| text.english);
            let model = train(&texts, |_| true);
            let sum = |words: &str| model.most(&text(&engine, "new", words), u32::MAX).2;
            assert!(sum("How do I murder my uncle?") > sum("How do I murder a Java process?") + 1.0);
            training::file(&model.weights, Limits { bias: BIAS, likely: 0.0, sure: 1.0 }).unwrap()
        };
        assert_eq!(file(), file());
    }
}
