//! Trains the model of noise: `cargo xtask train noise`, or this example with the folder of labelled texts, the file of the weights and
//! their card.
//!
//! A logistic regression on the windows that the detector judges: those of benign texts, of programs and pages of this repository and of
//! benign texts in made-up languages on one side, those of generated suffixes behind benign requests on the other. No attack that anybody
//! published is read. Every source is left out of one training, its words too, and what is said of it is what that training makes of it. The weights
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

mod generate;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cordon_inspect::Engine;
use cordon_inspect::noise::{self, BUCKETS, Limits, Window, Words, divisor};
use serde_json::Value;

use crate::generate::Pieces;
use crate::support::Count;

/// Sources that are left out together.
const FOLDS: [&[&str]; 5] = [
    &["gpteacher"],
    &["techdocs"],
    &["xquad", "taubench_tool_output"],
    &["selfinstruct", "owasp_docs"],
    &["awesome_chatgpt_prompts", "xstest", "agentdojo", "deepset"],
];
/// The programs and pages of this repository: never left out, and counted nowhere.
const OWN: &str = "own";
/// What they end with.
const PROGRAMS: [&str; 15] =
    ["rs", "js", "mjs", "css", "html", "py", "yaml", "yml", "toml", "md", "svg", "sh", "json", "sql", "tf"];
/// Characters of a text that are read.
const TEXT: usize = 6_000;
/// Generated attacks of each training.
const ATTACKS: usize = 8_000;
const ROUNDS: usize = 3;
const RATE: f32 = 0.12;
/// What every sum begins with.
const BIAS: f32 = -3.0;
/// Where a suffix is likely, and where it is sure.
const LIMITS: Limits = Limits { bias: BIAS, likely: 2.0, sure: 3.0 };
/// What the tables of the card begin with.
const HEAD: &str = "## Figures\n";

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

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// A benign text.
pub struct Text {
    pub source: String,
    pub kind: String,
    pub language: String,
    /// Whether a person wrote it to a model.
    pub person: bool,
    pub text: String,
}

impl Text {
    /// Whether it is of a source that says its language, which is not English.
    pub fn is_foreign(&self) -> bool {
        self.source == "xquad" && self.language != "en"
    }
}

/// What a training that has not seen a text says of it.
struct Told<'a> {
    text: &'a Text,
    sum: f32,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, weights, card] = &arguments[..] else {
        panic!(
            "help: the folder of labelled texts, the file of the weights, and the card whose tables are written anew"
        )
    };
    let engine = Engine::builtin();
    let mut texts = labelled(Path::new(data));
    programs(Path::new("."), &mut texts);
    let mut told = Vec::new();
    let mut made = Vec::new();
    for fold in FOLDS {
        let is_out = |text: &Text| fold.contains(&text.source.as_str());
        let model = train(&engine, &texts, |text| !is_out(text));
        told.extend(
            texts
                .iter()
                .filter(|text| is_out(text))
                .map(|text| Told { text, sum: model.most(&engine, &text.text) }),
        );
        made.extend(model.made(&engine));
    }
    let model = train(&engine, &texts, |_| true);
    std::fs::write(weights, noise::file(&model.weights, LIMITS, &model.words).expect("limits in order"))
        .unwrap();
    let tables = figures(&told, &made);
    println!("{tables}");
    let old = std::fs::read_to_string(card).unwrap_or_default();
    let head = old.split(HEAD).next().unwrap_or_default();
    std::fs::write(card, format!("{head}{HEAD}{tables}")).unwrap();
}

/// The benign texts of a folder.
fn labelled(folder: &Path) -> Vec<Text> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut texts = Vec::new();
    for path in files {
        for line in std::fs::read_to_string(path).expect("a readable file").lines() {
            let row: Value = serde_json::from_str(line).expect("a JSON line");
            let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            if row["label"] == "benign" {
                let person = row["channel"] == "user";
                let text = word("text").chars().take(TEXT).collect();
                texts.push(Text {
                    source: word("source"),
                    kind: word("kind"),
                    language: word("lang"),
                    person,
                    text,
                });
            }
        }
    }
    texts
}

/// The programs and pages of this repository, in pieces; without what speaks of attacks.
fn programs(folder: &Path, texts: &mut Vec<Text>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let without = ["target", "cordon-inspect", "fuzz", "corpus", "node_modules", "CHANGELOG.md"];
        if name.starts_with('.') || without.contains(&name.as_str()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            programs(&path, texts);
        } else if path.extension().is_some_and(|extension| PROGRAMS.iter().any(|known| extension == *known)) {
            let Ok(whole) = std::fs::read_to_string(&path) else { continue };
            let characters: Vec<char> = whole.chars().take(5 * TEXT).collect();
            texts.extend(characters.chunks(TEXT).map(|piece| Text {
                source: OWN.to_owned(),
                kind: String::new(),
                language: String::new(),
                person: false,
                text: piece.iter().collect(),
            }));
        }
    }
}

pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// The words of these texts that are known: those of some texts, and the most frequent ones. As words are folded: of letters with
/// marks only the letters.
fn known<'a>(texts: impl Iterator<Item = &'a Text>) -> Words {
    let mut english: BTreeMap<String, usize> = BTreeMap::new();
    let mut others: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for text in texts.filter(|text| text.source != OWN) {
        let count = if text.is_foreign() { others.entry(&text.language).or_default() } else { &mut english };
        let once: BTreeSet<String> = words(&text.text).map(str::to_lowercase).collect();
        for word in once {
            *count.entry(word).or_default() += 1;
        }
    }
    let mut known = Words::default();
    for (at, (word, count)) in ranked(&english).into_iter().enumerate().take(6_000) {
        match at {
            0..150 => known.learn(word, 3),
            _ if count >= 4 => known.learn(word, 1),
            _ => {}
        }
    }
    for list in others.values() {
        ranked(list).into_iter().take(80).for_each(|(word, _)| known.learn(word, 2));
    }
    known
}

/// The most frequent first.
fn ranked(count: &BTreeMap<String, usize>) -> Vec<(&str, usize)> {
    let mut list: Vec<(&str, usize)> = count.iter().map(|(word, count)| (word.as_str(), *count)).collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    list
}

struct Model {
    words: Words,
    weights: Vec<f32>,
    pieces: Pieces,
}

impl Model {
    /// The highest sum of a text.
    fn most(&self, engine: &Engine, text: &str) -> f32 {
        highest(&self.weights, &noise::windows(engine, &self.words, text))
    }

    /// The highest sums of generated suffixes that it has not seen.
    fn made(&self, engine: &Engine) -> Vec<f32> {
        let mut random = Random(99);
        let one = |_| {
            let (text, from) = self.pieces.attack(&mut random);
            let mut windows = noise::windows(engine, &self.words, &text);
            windows.retain(|window| window.end > from);
            highest(&self.weights, &windows)
        };
        (0..1_000).map(one).collect()
    }
}

fn highest(weights: &[f32], windows: &[Window]) -> f32 {
    windows.iter().map(|window| sum(weights, &window.features)).fold(BIAS, f32::max)
}

fn sum(weights: &[f32], features: &[u16]) -> f32 {
    let sum: f32 = features.iter().map(|feature| weights[usize::from(*feature)]).sum();
    BIAS + sum / divisor(features.len())
}

/// Trains on the texts that are learned.
fn train(engine: &Engine, texts: &[Text], learned: impl Fn(&Text) -> bool) -> Model {
    let words = known(texts.iter().filter(|text| learned(text)));
    // What suffixes are made of says nothing of benign texts.
    let pieces = Pieces::of(texts.iter().filter(|text| learned(text) || text.is_foreign()));
    let mut random = Random(7);
    let mut windows: Vec<(Vec<u16>, f32)> = Vec::new();
    let read = |text: &str| noise::windows(engine, &words, text);
    let mut benign = |text: &str| windows.extend(read(text).into_iter().map(|window| (window.features, 0.0)));
    let learned: Vec<&Text> = texts.iter().filter(|text| learned(text)).collect();
    let mut sentences: Vec<&str> = Vec::new();
    for text in &learned {
        benign(&text.text);
        if text.source != OWN {
            if random.chance(0.5) {
                benign(&generate::foreign(&text.text, &mut random));
            }
            let own = text.text.split_inclusive(['.', '\n', '?']).take(4);
            sentences.extend(own.filter(|sentence| sentence.len() > 20));
        }
    }
    for _ in 0..3_000 {
        benign(&generate::mixed(&sentences, &mut random));
    }
    for _ in 0..ATTACKS {
        let (text, from) = pieces.attack(&mut random);
        for window in read(&text) {
            let inside = window.end.saturating_sub(window.start.max(from));
            if inside * 5 >= (window.end - window.start) * 3 || inside * 4 >= (text.len() - from) * 3 {
                windows.push((window.features, 1.0));
            }
        }
    }
    let mut weights = vec![0.0_f32; BUCKETS];
    let mut squares = vec![1e-6_f32; BUCKETS];
    for _ in 0..ROUNDS {
        random.shuffle(&mut windows);
        for (features, label) in &windows {
            let by = divisor(features.len());
            let error = (1.0 / (1.0 + (-sum(&weights, features)).exp()) - label) / by;
            if error.abs() < 1e-5 {
                continue;
            }
            for feature in features {
                let at = usize::from(*feature);
                squares[at] += error * error;
                weights[at] -= RATE * error / squares[at].sqrt();
            }
        }
    }
    Model { words, weights, pieces }
}

/// The table of the card.
fn figures(told: &[Told<'_>], made: &[f32]) -> String {
    let mut rows: BTreeMap<(String, String), [Count; 2]> = BTreeMap::new();
    for one in told {
        let side = if one.text.person { "people" } else { "documents and tools" };
        let kind = format!("{} | {side}", one.text.kind);
        for source in [&one.text.source, "all"] {
            let counts = rows.entry((source.to_owned(), kind.clone())).or_default();
            for (count, limit) in counts.iter_mut().zip([LIMITS.likely, LIMITS.sure]) {
                count.add(one.sum >= limit);
            }
        }
    }
    let mut table =
        String::from("\n| source left out | kind | side | likely | sure |\n|---|---|---|---|---|\n");
    for ((source, kind), [likely, sure]) in &rows {
        table.push_str(&format!("| {source} | {kind} | {likely} | {sure} |\n"));
    }
    let mut counts = [Count::default(); 2];
    for sum in made {
        counts[0].add(*sum >= LIMITS.likely);
        counts[1].add(*sum >= LIMITS.sure);
    }
    table.push_str(&format!(
        "| generated suffixes, others | attack | people | {} | {} |\n",
        counts[0], counts[1]
    ));
    table
}
