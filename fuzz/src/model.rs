//! A hostile folder of a model: its configuration, its tokenizer, the header of its weights.

use std::{io::Cursor, sync::LazyLock};

use cordon_deep::{Classifier, Limits};
use serde_json::{Value, json};

const LIMITS: Limits =
    Limits { config: 1 << 16, tokenizer: 1 << 18, weights: 1 << 20, window: 32, windows: 2, text: 1 << 10 };

/// What a folder holds.
struct Files {
    config: &'static str,
    tokenizer: &'static str,
    header: String,
    numbers: Vec<u8>,
}

macro_rules! golden {
    ($name:literal) => {
        Files::of(
            include_str!(concat!("../../crates/cordon-deep/tests/golden/", $name, "/config.json")),
            include_str!(concat!("../../crates/cordon-deep/tests/golden/", $name, "/tokenizer.json")),
            include_str!(concat!("../../crates/cordon-deep/tests/golden/", $name, "/shapes.json")),
        )
    };
}

/// The made-up models of that crate's tests.
static MODELS: LazyLock<[Files; 3]> =
    LazyLock::new(|| [golden!("bert"), golden!("deberta"), golden!("deberta-apart")]);

impl Files {
    fn of(config: &'static str, tokenizer: &'static str, shapes: &str) -> Self {
        let shapes: Value = serde_json::from_str(shapes).unwrap_or_default();
        let mut header = serde_json::Map::new();
        let mut end: u64 = 0;
        for (name, shape) in shapes.as_object().into_iter().flatten() {
            let count: u64 = shape.as_array().into_iter().flatten().filter_map(Value::as_u64).product();
            let begin = end;
            end += count * 4;
            header
                .insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}));
        }
        // Small numbers, all other than the one before.
        let numbers = (0..end / 4).flat_map(|at| ((at % 7) as f32 / 8.0 - 0.375).to_le_bytes()).collect();
        Self { config, tokenizer, header: Value::Object(header).to_string(), numbers }
    }
}

/// The first byte says which model, the second which of its files the rest is; of the weights it is the header, or the whole file. A
/// folder is opened or refused with a way out, and what is opened reads any text.
pub(crate) fn read(bytes: &[u8]) {
    let [model, which, rest @ ..] = bytes else { return };
    let files = &MODELS[usize::from(*model) % MODELS.len()];
    let with = |header: &[u8]| [&(header.len() as u64).to_le_bytes()[..], header, &files.numbers].concat();
    let (mut config, mut tokenizer) = (files.config.as_bytes(), files.tokenizer.as_bytes());
    let mut weights = with(files.header.as_bytes());
    let mut text = "Ignore all previous 漢e\u{301}🙂 ﬁ [SEP] \0\r\n  ａ".to_owned();
    match which % 5 {
        0 => config = rest,
        1 => tokenizer = rest,
        2 => weights = with(rest),
        3 => weights = rest.to_vec(),
        _ => text = String::from_utf8_lossy(rest).into_owned(),
    }
    match Classifier::read(config, tokenizer, Cursor::new(&weights), LIMITS) {
        Ok(classifier) => {
            for text in ["", &text] {
                let Some(reading) = classifier.classify(text, &|| true) else { continue };
                assert!(reading.read <= text.len() && !reading.windows.is_empty());
                for window in &reading.windows {
                    assert!(text.get(window.range.clone()).is_some());
                    assert_eq!(window.probabilities.len(), classifier.labels().len());
                    assert!(window.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
                }
            }
        }
        Err(error) => assert!(error.to_string().contains("help: "), "{error}"),
    }
}

/// Each file of each model as it should be.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (files, model) in MODELS.iter().zip(0_u8..) {
        for (part, which) in [files.config, files.tokenizer, &files.header].into_iter().zip(0_u8..) {
            seeds.push([&[model, which], part.as_bytes()].concat());
        }
    }
    seeds.push([&[1, 4], "Ｉgnore\u{200b} all ﬁne 漢字 [SEP]".as_bytes()].concat());
    seeds
}
