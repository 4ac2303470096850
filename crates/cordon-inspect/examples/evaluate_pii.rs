//! Measures the recognisers of personal data: `cargo run -p cordon-inspect --release --example evaluate_pii -- DIR`.
//!
//! DIR holds JSON lines as for `evaluate`. Recall and precision per type on templates that were held out, plain, with
//! zero-width characters and in full width; then what is found in benign texts, per 1,000 of them. With `--errors` it
//! prints the errors on the other templates, and with `--values SOURCE` what it finds in a development source.
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

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use cordon_core::{Category, Channel, Finding, Score};
use cordon_inspect::Engine;
use support::{Count, Label, Row, labelled};

/// The types of a label and our categories.
const TYPES: [(&str, &str); 14] = [
    ("CREDIT_CARD", "pii/card"),
    ("IBAN_CODE", "pii/iban"),
    ("EMAIL_ADDRESS", "pii/email"),
    ("PHONE_NUMBER", "pii/phone"),
    ("US_SSN", "pii/ssn"),
    ("IP_ADDRESS", "pii/ip"),
    ("US_DRIVER_LICENSE", "pii/licence"),
    ("AGE", "pii/age"),
    ("ZIP_CODE", "pii/postcode"),
    ("PERSON", "pii/person"),
    ("ORGANIZATION", "pii/organisation"),
    ("LOCATION GPE", "pii/place"),
    ("ADDRESS STREET_ADDRESS", "pii/address"),
    ("LOCATION GPE ADDRESS STREET_ADDRESS", "pii/place pii/address"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = Path::new(arguments.first().expect("help: give the folder of labelled texts"));
    let engine = Engine::builtin();
    let rows = labelled(&directory.join("pii_presidio_research.jsonl"));
    match arguments.get(1).map(String::as_str) {
        Some("--errors") => return errors(&engine, &rows, arguments.get(2).map_or("", String::as_str)),
        Some("--values") => return values(&engine, directory, &arguments[2..]),
        _ => {}
    }
    type Side = (&'static str, fn(&Row) -> bool);
    let sides: [Side; 3] = [
        ("TEMPLATES THAT NOBODY READ", |row| row.unread),
        ("TEMPLATES HELD OUT OF TRAINING", |row| row.unseen),
        ("ALL OTHER TEMPLATES", |row| !row.unseen),
    ];
    for (name, is_on) in sides {
        for (form, change) in [
            ("as they are", None),
            ("zero-width characters in every value", Some(zero_width as fn(char) -> String)),
            ("full-width values", Some(full_width as fn(char) -> String)),
        ] {
            println!("\n{name}, {form}, score at least 0.4");
            let rows: Vec<Row> =
                rows.iter().filter(|row| is_on(row)).map(|row| changed(row, change)).collect();
            report(&engine, &rows);
        }
    }
    benign(&engine, directory);
}

/// The score from which a finding counts: ages, postcodes and names stay below 0.5, where the example policy acts.
const COUNTS: u32 = 40;
const ACTS: u32 = 50;

fn sure(engine: &Engine, text: &str) -> Vec<Finding> {
    let mut findings = engine.inspect(Channel::User, text);
    findings.retain(|f| f.score >= Score::percent(COUNTS));
    findings
}

fn is_of(finding: &Finding, categories: &str) -> bool {
    categories.split(' ').any(|path| Category::parse(path).expect("a category").covers(&finding.category))
}

fn report(engine: &Engine, rows: &[Row]) {
    let mut counts: BTreeMap<usize, [Count; 2]> = BTreeMap::new();
    for row in rows {
        let findings = sure(engine, &row.text);
        for (at, (kinds, categories)) in TYPES.iter().enumerate() {
            let labels: Vec<&Label> =
                row.spans.iter().filter(|l| kinds.split(' ').any(|kind| kind == l.kind)).collect();
            let found: Vec<&Finding> = findings.iter().filter(|f| is_of(f, categories)).collect();
            let [recall, precision] = counts.entry(at).or_default();
            for label in &labels {
                // Neither spaces nor what nobody sees are part of a value.
                let mut shown = row.text[label.start..label.end]
                    .char_indices()
                    .filter(|(_, c)| !c.is_whitespace() && *c != '\u{200b}')
                    .map(|(i, _)| label.start + i);
                recall.add(shown.all(|i| found.iter().any(|f| f.span.range().contains(&i))));
            }
            for finding in found {
                precision
                    .add(labels.iter().any(|l| finding.span.start < l.end && l.start < finding.span.end));
            }
        }
    }
    for (at, [recall, precision]) in counts {
        if recall.of > 0 {
            let (r, p) = (recall.rate(), precision.rate());
            let f1 = if r + p > 0.0 { 2.0 * r * p / (r + p) } else { 0.0 };
            println!("{:<22} recall {recall:<34} precision {precision:<34} F1 {f1:.3}", TYPES[at].1);
        }
    }
}

/// The row with every labelled character written in another way.
fn changed(row: &Row, change: Option<fn(char) -> String>) -> Row {
    let Some(change) = change else {
        return Row {
            text: row.text.clone(),
            spans: row.spans.clone(),
            unseen: row.unseen,
            template: row.template,
            unread: row.unread,
        };
    };
    let mut text = String::new();
    let mut places = Vec::with_capacity(row.text.len() + 1);
    for (i, c) in row.text.char_indices() {
        places.resize(i + c.len_utf8(), text.len());
        if row.spans.iter().any(|span| (span.start..span.end).contains(&i)) {
            text.push_str(&change(c));
        } else {
            text.push(c);
        }
    }
    places.push(text.len());
    let place = |i: usize| places.get(i).copied().unwrap_or(text.len());
    let spans = row
        .spans
        .iter()
        .map(|s| Label { start: place(s.start), end: place(s.end), kind: s.kind.clone() })
        .collect();
    Row { text, spans, unseen: row.unseen, template: row.template, unread: row.unread }
}

fn zero_width(c: char) -> String {
    format!("{c}\u{200b}")
}

fn full_width(c: char) -> String {
    let wide = match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        _ => c,
    };
    wide.to_string()
}

fn errors(engine: &Engine, rows: &[Row], only: &str) {
    for row in rows.iter().filter(|row| !row.unseen) {
        let findings = sure(engine, &row.text);
        for (kinds, categories) in TYPES.iter().filter(|(_, categories)| categories.contains(only)) {
            for label in row.spans.iter().filter(|l| kinds.split(' ').any(|kind| kind == l.kind)) {
                let covered =
                    |i| findings.iter().any(|f| is_of(f, categories) && f.span.range().contains(&i));
                if !(label.start..label.end)
                    .all(|i| row.text.as_bytes()[i].is_ascii_whitespace() || covered(i))
                {
                    println!("missed {categories}: {}", around(&row.text, label.start, label.end));
                }
            }
            for finding in findings.iter().filter(|f| is_of(f, categories)) {
                let touches = |l: &&Label| {
                    kinds.split(' ').any(|kind| kind == l.kind)
                        && finding.span.start < l.end
                        && l.start < finding.span.end
                };
                if !row.spans.iter().any(|l| touches(&l)) {
                    let (start, end) = (finding.span.start, finding.span.end);
                    println!("false {}: {}", finding.category, around(&row.text, start, end));
                }
            }
        }
    }
}

fn around(text: &str, start: usize, end: usize) -> String {
    let at = |i: usize| (0..=i.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let (from, to) = (at(start.saturating_sub(50)), at(end + 30));
    format!("{}<<{}>>{}", &text[from..start], &text[start..end], &text[end..to.max(end)]).replace('\n', "\\n")
}

/// What is found in a source that was read while the rules were written.
fn values(engine: &Engine, directory: &Path, arguments: &[String]) {
    let path = directory.join(format!("{}.jsonl", arguments[0]));
    for line in std::fs::read_to_string(path).expect("a readable file").lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        let Some(text) = row["text"].as_str() else { continue };
        for finding in
            sure(engine, text).iter().filter(|f| is_of(f, arguments.get(1).map_or("pii", String::as_str)))
        {
            println!(
                "{} {} {}",
                finding.category,
                finding.score,
                around(text, finding.span.start, finding.span.end)
            );
        }
    }
}

fn benign(engine: &Engine, directory: &Path) {
    println!("\nBENIGN TEXTS with a finding at 0.5 (at 0.4 only: ~), per 1,000 (real values are among them)");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let (mut all, mut sums) = (0, BTreeMap::<String, u64>::new());
    for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "jsonl")) {
        let mut texts = 0;
        let mut with: BTreeMap<String, u64> = BTreeMap::new();
        for line in std::fs::read_to_string(path).expect("a readable file").lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            let Some(text) = row["text"].as_str().filter(|_| row["label"] == "benign") else { continue };
            texts += 1;
            let mut categories: Vec<String> = sure(engine, text)
                .iter()
                .filter(|f| is_of(f, "pii"))
                .map(|f| {
                    let mark = if f.score < Score::percent(ACTS) { "~" } else { "" };
                    format!("{mark}{}", f.category)
                })
                .collect();
            categories.sort();
            categories.dedup();
            for category in categories {
                *with.entry(category).or_default() += 1;
            }
        }
        if texts > 0 {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let list: Vec<String> =
                with.iter().map(|(c, n)| format!("{c} {:.1}", *n as f64 * 1e3 / f64::from(texts))).collect();
            println!("{name:<32} {texts:>5} texts: {}", list.join(", "));
            all += texts;
            for (category, n) in with {
                *sums.entry(category).or_default() += n;
            }
        }
    }
    let list: Vec<String> =
        sums.iter().map(|(c, n)| format!("{c} {:.2}", *n as f64 * 1e3 / f64::from(all))).collect();
    println!("{:<32} {all:>5} texts: {}", "ALL", list.join(", "));
}
