//! Files, JSON and schemas.

use cordon_core::json::{Limits as JsonLimits, Value};
use cordon_core::resource::{CheckedSchema, Schema};
use cordon_files::{Claim, Limits, Report};

/// Small enough that a search soon meets each bound.
const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    decoded: 1 << 20,
    ratio: 100,
    text: 1 << 16,
    depth: 4,
    things: 4_096,
    pixels: 1 << 20,
    work: 64,
};

fn inspect(name: &str, bytes: &[u8]) {
    let claim = Claim { name: Some(name), media_type: None };
    let report = cordon_files::inspect(bytes, &claim, &LIMITS);
    let text: usize = report.segments.iter().map(|segment| segment.text.len()).sum();
    assert!(text <= LIMITS.text, "{text} bytes of text");
    assert!(report.seen.len() <= Report::MOST_SEEN);
    assert_eq!(report, cordon_files::inspect(bytes, &claim, &LIMITS), "the same bytes, the same answer");
}

pub(crate) fn pdf(bytes: &[u8]) {
    inspect("a.pdf", bytes);
}

pub(crate) fn archive(bytes: &[u8]) {
    inspect("a.zip", bytes);
}

pub(crate) fn office(bytes: &[u8]) {
    inspect("a.docx", bytes);
}

pub(crate) fn compound(bytes: &[u8]) {
    inspect("a.doc", bytes);
}

pub(crate) fn rtf(bytes: &[u8]) {
    inspect("a.rtf", bytes);
}

pub(crate) fn markup(bytes: &[u8]) {
    inspect("a.html", bytes);
}

pub(crate) fn image(bytes: &[u8]) {
    inspect("a.png", bytes);
}

/// The first byte says what the table or tree goes by.
pub(crate) fn data(bytes: &[u8]) {
    let [name, rest @ ..] = bytes else { return };
    inspect(["a.csv", "a.json", "a.yaml", "a.jsonl"][usize::from(*name) % 4], rest);
}

/// The first byte says what the file of a model goes by.
pub(crate) fn weights(bytes: &[u8]) {
    const NAMES: [&str; 10] = [
        "a.pkl",
        "a.pt",
        "a.joblib",
        "a.npy",
        "a.safetensors",
        "a.gguf",
        "a.onnx",
        "config.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ];
    let [name, rest @ ..] = bytes else { return };
    inspect(NAMES[usize::from(*name) % NAMES.len()], rest);
}

/// What is read is written and read again as the same.
pub(crate) fn json(bytes: &[u8]) {
    let limits = JsonLimits { bytes: 1 << 16, depth: 32, values: 4_096 };
    let Ok(value) = Value::parse(bytes, limits) else { return };
    let written = value.to_vec();
    let again = Value::parse(&written, JsonLimits { bytes: 1 << 20, ..limits });
    assert_eq!(again.as_ref(), Ok(&value), "what was written is what was read");
    assert_eq!(again.map(|value| value.to_vec()), Ok(written));
}

/// A caller's schema and a value, parted by a zero byte: each of which may be anything.
pub(crate) fn schema(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(schema), Some(value)) = (parts.next(), parts.next()) else { return };
    let limits = JsonLimits { bytes: 1 << 16, depth: 32, values: 4_096 };
    let (Ok(schema), Ok(value)) = (Value::parse(schema, limits), Value::parse(value, limits)) else { return };
    let checked = CheckedSchema::new(&Schema::lenient(&schema));
    let faults = checked.faults(&value, 16);
    assert!(faults.len() <= 16);
    assert_eq!(faults.is_empty(), checked.matches(&value));
}
