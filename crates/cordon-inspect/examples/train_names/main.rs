//! Trains the tagger of names: `cargo xtask train names`, or this example with the folder of labelled texts, the file of the model
//! and its card.
//!
//! It learns from labelled texts of two thirds of the templates, from sentences that it fills itself, and from texts in which
//! nobody is named. Values of the templates that are left out are learned nowhere. The same texts give the same file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_range_loop,
    missing_docs,
    unreachable_pub,
    reason = "developer tool"
)]

mod address;
mod crf;
mod data;
mod figures;
mod generate;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "this example needs less than all of it")]
mod support;

use std::path::Path;

use cordon_inspect::names::training::{self, LABELS, TAGS};

use crate::crf::Crf;
use crate::data::{Kind, Text};
use crate::generate::Made;
use crate::support::{Row, labelled};

/// Rows of weights.
const ROWS: usize = 1 << 17;
/// Texts that are made.
const MADE: usize = 40_000;
/// Labelled texts of one template that are learned: more of them teach only the template.
const EACH: usize = 8;
/// What is added wherever a name of each kind may begin: around names stand other words than those learned, so that without it too few
/// are found.
const BIAS: [f32; 4] = [1.0, 0.5, 1.0, 1.0];
/// Rounds of training.
const ROUNDS: usize = 6;
/// Texts in which nobody is named, as far as can be told: their sources are learned.
const NAMELESS: [&str; 4] = [
    "techdocs_hard_benign",
    "owasp_docs_hard_benign",
    "awesome_chatgpt_prompts",
    "deepset_prompt_injections",
];
/// Stories and questions in which names are told by the lists.
const NAMED: [&str; 2] = ["gpteacher_benign", "selfinstruct_benign"];
/// Texts that are not learned, for alarms.
const LEFT_OUT: [&str; 4] =
    ["xquad_multilingual_benign", "taubench_tool_output", "xstest", "agentdojo_indirect"];

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
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, model, card, rest @ ..] = &arguments[..] else {
        panic!(
            "help: the folder of labelled texts, the file of the model, and the card whose figures are written anew"
        );
    };
    let folder = Path::new(folder);
    let made = Made::read();
    let rows = labelled(&folder.join("pii_presidio_research.jsonl"));
    let developing = rest.iter().any(|option| option == "--dev");
    let learned: Vec<&Row> = rows.iter().filter(|row| !(row.unseen || developing && is_dev(row))).collect();
    let left_out: Vec<&Row> =
        rows.iter().filter(|row| if developing { !row.unseen && is_dev(row) } else { row.unseen }).collect();
    if rest.iter().all(|option| option != "--figures") {
        std::fs::write(model, train(folder, &made, &learned, &left_out)).expect("a file that can be written");
    }
    let engine = training::engine(&std::fs::read(model).expect("a model")).expect("a good model");
    let printed = rest.iter().any(|option| option == "--errors");
    let mut out = String::from(figures::HEAD);
    out.push_str("\nTemplates that were left out:\n\n");
    // What nobody shall read is not printed.
    out.push_str(&figures::labelled(&engine, &left_out, printed && developing));
    out.push_str("\nGenerated texts, other ones than those learned, of the same sentences:\n\n");
    out.push_str(&figures::made(&engine, &made.texts(3000, &mut Random(77))));
    out.push_str("\nFindings per 1,000 words of texts that nobody has labelled, of sources left out of the training:\n\n");
    let sources: Vec<(&str, Vec<String>)> =
        LEFT_OUT.iter().map(|name| (*name, data::benign(folder, name))).collect();
    out.push_str(&figures::alarms(&engine, &sources, printed));
    println!("{out}");
    let old = std::fs::read_to_string(card).unwrap_or_default();
    let head = old.split(figures::HEAD).next().unwrap_or_default();
    std::fs::write(card, format!("{head}{out}")).expect("a card that can be written");
}

/// Whether a template of those that are learned is left out, too, while settings are chosen.
const fn is_dev(row: &Row) -> bool {
    row.template.is_multiple_of(3)
}

/// The file of a model.
fn train(folder: &Path, made: &Made, rows: &[&Row], left_out: &[&Row]) -> Vec<u8> {
    let mut random = Random(6);
    let held_out = data::values(left_out.iter().copied());
    let is_held_out = |_: Kind, value: &str| held_out.contains(&value.to_lowercase());
    let mut texts: Vec<Text> = made.texts(MADE, &mut random);
    let mut seen: std::collections::BTreeMap<u64, usize> = std::collections::BTreeMap::new();
    for row in rows {
        let count = seen.entry(row.template).or_default();
        *count += 1;
        if *count > EACH {
            continue;
        }
        texts.push(data::text(row, made, is_held_out, &mut random));
        texts.push(data::text(row, made, |_, _| true, &mut random));
    }
    let prose: Vec<String> = NAMED.iter().flat_map(|name| data::benign(folder, name)).collect();
    let nameless: Vec<String> = NAMELESS.iter().flat_map(|name| data::benign(folder, name)).collect();

    let no_weights = vec![[0.0; TAGS]; ROWS];
    let no_changes = [[0.0; LABELS]; LABELS];
    let blank = training::file(&no_weights, &no_changes, std::iter::empty()).expect("a file");
    let blank = training::engine(&blank).expect("a blank model");
    let all: Vec<&str> = texts
        .iter()
        .map(|text| text.text.as_str())
        .chain(nameless.iter().chain(&prose).map(String::as_str))
        .collect();
    let (words, names) = data::vocabulary(&blank, made, &all, &nameless);
    let vocabulary = || words.iter().map(|(word, classes)| (word.clone(), *classes));
    let reader = training::file(&no_weights, &no_changes, vocabulary()).expect("a file");
    let reader = training::engine(&reader).expect("a model without weights");

    let mut stretches = Vec::new();
    for text in &texts {
        data::stretches(&reader, text, &mut stretches);
    }
    data::nameless(&reader, &nameless, &words, &names, &mut random, &mut stretches);
    let before = stretches.len();
    data::named(&reader, &prose, &words, made, &mut random, &mut stretches);
    eprintln!("{} stretches of prose", stretches.len() - before);
    let words: usize = stretches.iter().map(|stretch| stretch.rows.len()).sum();
    eprintln!("{} words known, {} stretches of {words} words", vocabulary().count(), stretches.len());
    let mut crf = Crf::new(ROWS);
    crf.train(&stretches, ROUNDS, &mut random);
    for row in &mut crf.changes {
        for (change, more) in row.iter_mut().skip(1).step_by(2).zip(BIAS) {
            *change += more;
        }
    }
    training::file(&crf.weights, &crf.changes, vocabulary()).expect("a file")
}
