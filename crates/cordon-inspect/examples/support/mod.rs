//! What the examples that measure share: labelled rows, the split by template, rates with their intervals.

use std::path::Path;

use serde_json::Value;

/// A labelled text.
pub struct Row {
    pub text: String,
    pub spans: Vec<Label>,
    /// Whether its template was held out of training.
    pub unseen: bool,
    /// A number of its template, by which templates can be split further.
    pub template: u64,
    /// Whether moreover no value of it was read while the rules were written.
    pub unread: bool,
}

/// Bytes `start..end` are of this type.
#[derive(Clone)]
pub struct Label {
    pub start: usize,
    pub end: usize,
    pub kind: String,
}

/// The rows of a file of labelled values. One template in three is held out: by a digest of the text's words outside of
/// labels, so that rows of one template, and of templates that differ in punctuation only, are on one side. A second digest
/// marks one in three of those, none of which was looked at.
pub fn labelled(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"))
        .map(|row| {
            let text = row["text"].as_str().expect("text").to_owned();
            let number = |value: &Value| value.as_u64().unwrap_or(0) as usize;
            let list = row["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut spans: Vec<Label> = list
                .iter()
                .map(|s| Label {
                    start: number(&s["start"]),
                    end: number(&s["end"]),
                    kind: s["type"].as_str().unwrap_or("").to_owned(),
                })
                .collect();
            spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
            let words = skeleton(&text, &spans);
            let unseen = (digest(&words) >> 20 & 0xffff_ffff).is_multiple_of(3);
            let unread = unseen && (digest(words.trim_end()) >> 20).is_multiple_of(3);
            let template = digest(&words) >> 44;
            Row { text, spans, unseen, template, unread }
        })
        .collect()
}

fn skeleton(text: &str, spans: &[Label]) -> String {
    let mut words = String::new();
    let mut from = 0;
    for span in spans.iter().chain([&Label { start: text.len(), end: text.len(), kind: String::new() }]) {
        if span.start < from {
            continue;
        }
        for word in text[from..span.start].split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty())
        {
            words.push_str(&word.to_ascii_lowercase());
            words.push(' ');
        }
        from = span.end;
    }
    words
}

/// FNV-1a with 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Hits of so many.
#[derive(Default, Clone, Copy)]
pub struct Count {
    pub hits: u64,
    pub of: u64,
}

impl Count {
    pub fn add(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.of += 1;
    }

    pub fn rate(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }

    /// Wilson's interval at 95 %.
    pub fn interval(self) -> (f64, f64) {
        let (n, p, z) = (self.of as f64, self.rate(), 1.96_f64);
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let middle = p + z * z / (2.0 * n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        ((middle - half) / scale, (middle + half) / scale)
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = self.interval();
        let text = format!(
            "{:.1} % [{:.1}, {:.1}] ({}/{})",
            self.rate() * 100.0,
            low * 100.0,
            high.min(1.0) * 100.0,
            self.hits,
            self.of
        );
        f.pad(&text)
    }
}
