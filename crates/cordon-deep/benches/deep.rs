//! `cargo bench -p cordon-deep --bench deep`: what a text costs, on models of three sizes with made-up weights and 128,100 pieces, on one
//! thread, in time of a processor. `… -- 384` takes those whose name has that word.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "it measures, and stops where something is wrong"
)]

#[path = "../tests/support/weights.rs"]
mod weights;

use std::{collections::BTreeMap, io::Cursor};

use cordon_deep::{Classifier, Limits};
use serde_json::{Value, json};

/// Layers, width and heads.
const SIZES: [(&str, usize, usize, usize); 3] =
    [("12 layers of 384", 12, 384, 6), ("6 layers of 768", 6, 768, 12), ("12 layers of 768", 12, 768, 12)];
const VOCABULARY: usize = 128_100;
/// Bytes of a text: a message, a whole window, a page of documents.
const TEXTS: [usize; 3] = [256, 2048, 8192];

fn config(layers: usize, hidden: usize, heads: usize) -> Value {
    json!({
        "model_type": "deberta-v2", "architectures": ["DebertaV2ForSequenceClassification"], "hidden_size": hidden,
        "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": hidden * 4,
        "vocab_size": VOCABULARY, "max_position_embeddings": 512, "position_buckets": 256, "relative_attention": true,
        "pos_att_type": ["p2c", "c2p"], "share_att_key": true, "norm_rel_ebd": "layer_norm",
        "position_biased_input": false, "id2label": {"0": "SAFE", "1": "INJECTION"},
    })
}

fn shapes(layers: usize, hidden: usize) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    let mut linear = |name: String, outer: usize, inner: usize| {
        shapes.insert(format!("{name}.weight"), vec![outer, inner]);
        shapes.insert(format!("{name}.bias"), vec![outer]);
    };
    for layer in 0..layers {
        let layer = format!("deberta.encoder.layer.{layer}");
        for part in ["query_proj", "key_proj", "value_proj"] {
            linear(format!("{layer}.attention.self.{part}"), hidden, hidden);
        }
        linear(format!("{layer}.attention.output.dense"), hidden, hidden);
        linear(format!("{layer}.intermediate.dense"), hidden * 4, hidden);
        linear(format!("{layer}.output.dense"), hidden, hidden * 4);
    }
    linear("pooler.dense".to_owned(), hidden, hidden);
    linear("classifier".to_owned(), 2, hidden);
    let layers = (0..layers).flat_map(|at| {
        ["attention.output", "output"].map(|part| format!("deberta.encoder.layer.{at}.{part}"))
    });
    for name in layers.chain(["deberta.embeddings", "deberta.encoder"].map(str::to_owned)) {
        shapes.insert(format!("{name}.LayerNorm.weight"), vec![hidden]);
        shapes.insert(format!("{name}.LayerNorm.bias"), vec![hidden]);
    }
    shapes.insert("deberta.embeddings.word_embeddings.weight".to_owned(), vec![VOCABULARY, hidden]);
    shapes.insert("deberta.encoder.rel_embeddings.weight".to_owned(), vec![512, hidden]);
    shapes
}

/// Made-up words, each of them a piece: 4.3 bytes with the space before it, about what a piece of English text has.
fn words() -> Vec<String> {
    let letter = |at: usize| char::from(b"abcdefghijklmnopqrstuvwxyz"[at % 26]);
    let word = |at: usize| -> String {
        (0..if at.is_multiple_of(10) { 6 } else { 3 })
            .map(|place| letter(at * 7 + place * (at + 3)))
            .collect()
    };
    let mut words: Vec<String> = (0..2000).map(word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn tokenizer(words: &[String]) -> Value {
    let marks = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"];
    let mut vocabulary: Vec<Value> = marks.iter().map(|mark| json!([mark, 0.0])).collect();
    vocabulary.extend(words.iter().map(|word| json!([format!("▁{word}"), -8.0])));
    let added = marks.map(|mark| json!({"content": mark, "special": true}));
    json!({
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Strip", "strip_left": true, "strip_right": true},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary},
    })
}

/// The memory that the process has, in MiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) / 1024
}

/// The time that this thread had a processor, in milliseconds: beside other work that is less than what passed.
fn busy() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    said.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let words = words();
    let tokenizer = serde_json::to_vec(&tokenizer(&words)).unwrap();
    println!("| model | memory | text | windows | CPU time | per KB |\n|---|---|---|---|---|---|");
    for (name, layers, hidden, heads) in SIZES.iter().filter(|(name, ..)| name.contains(&wanted)) {
        let config = serde_json::to_vec(&config(*layers, *hidden, *heads)).unwrap();
        let file = Cursor::new(weights::safetensors(&shapes(*layers, *hidden)));
        let classifier = Classifier::read(&config, &tokenizer, file, Limits::default()).unwrap();
        let memory = memory();
        for bytes in TEXTS {
            let mut text: String =
                words.iter().cycle().step_by(7).take(bytes).map(|word| format!("{word} ")).collect();
            text.truncate(bytes);
            let mut times: Vec<f64> = (0..3)
                .map(|_| {
                    let began = busy();
                    let reading = classifier.classify(&text, &|| true).unwrap();
                    assert_eq!(reading.read, text.len());
                    busy() - began
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let windows = classifier.classify(&text, &|| true).unwrap().windows.len();
            let per = times[0] * 1e3 / (bytes as f64 / 1024.0);
            println!("| {name} | {memory} MiB | {bytes} B | {windows} | {:.1} ms | {per:.0} µs |", times[0]);
        }
    }
}
