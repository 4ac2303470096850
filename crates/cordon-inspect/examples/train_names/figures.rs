//! What a trained tagger makes of texts that it has not seen, as tables.

use cordon_core::{Channel, Finding};
use cordon_inspect::Engine;

use crate::data::{Kind, Text};
use crate::support::{Count, Row};

/// The first line of the tables.
pub const HEAD: &str = "## Figures\n";

pub fn found(engine: &Engine, text: &str) -> Vec<Finding> {
    let mut found = engine.read(engine.scanner(Channel::Document, &[]).with_names(), text);
    found.retain(|finding| finding.detector == "pii.names");
    found
}

/// Recall and precision of a type.
#[derive(Clone, Copy, Default)]
struct Rates {
    recall: Count,
    precision: Count,
}

impl Rates {
    /// F1, and its interval by the ends of those of recall and precision.
    fn f1(self) -> String {
        let f = |r: f64, p: f64| if r + p > 0.0 { 2.0 * r * p / (r + p) } else { 0.0 };
        let (r, p) = (self.recall.interval(), self.precision.interval());
        format!(
            "{:.3} [{:.3}, {:.3}]",
            f(self.recall.rate(), self.precision.rate()),
            f(r.0, p.0),
            f(r.1, p.1).min(1.0)
        )
    }
}

/// The rows of a table: what the labels are called, and what findings count for them.
const TYPES: [(&str, &[Kind]); 5] = [
    ("`pii/person`", &[Kind::Person]),
    ("`pii/organisation`", &[Kind::Organisation]),
    ("`pii/place`", &[Kind::Place]),
    ("`pii/address`", &[Kind::Address]),
    ("places and addresses together", &[Kind::Place, Kind::Address]),
];

/// Recall: all of a labelled value but its spaces is covered by findings of its type. Precision: a finding touches a label of its type.
pub fn labelled(engine: &Engine, rows: &[&Row], printed: bool) -> String {
    let mut rates = [Rates::default(); TYPES.len()];
    for row in rows {
        let all = found(engine, &row.text);
        for ((_, kinds), rates) in TYPES.iter().zip(&mut rates) {
            let of = |finding: &&Finding| kinds.iter().any(|kind| kind.category() == finding.category);
            let own: Vec<&Finding> = all.iter().filter(of).collect();
            let labels = row
                .spans
                .iter()
                .filter(|span| Kind::of(&span.kind).is_some_and(|kind| kinds.contains(&kind)));
            let labels: Vec<_> = labels.collect();
            for label in &labels {
                let mut shown = row.text[label.start..label.end]
                    .char_indices()
                    .filter(|(_, c)| c.is_alphanumeric())
                    .map(|(i, _)| label.start + i);
                let covered = shown.all(|i| own.iter().any(|finding| finding.span.range().contains(&i)));
                rates.recall.add(covered);
                if printed && !covered && kinds.len() == 1 {
                    println!(
                        "missed {:<16} {:?} in {:?}",
                        label.kind,
                        &row.text[label.start..label.end],
                        row.text
                    );
                }
            }
            for finding in own {
                let right = labels.iter().any(|l| finding.span.start < l.end && l.start < finding.span.end);
                rates.precision.add(right);
                if printed && !right && kinds.len() == 1 {
                    println!(
                        "wrong  {:<16} {:?} in {:?}",
                        finding.category.as_str(),
                        &row.text[finding.span.range()],
                        row.text
                    );
                }
            }
        }
    }
    let mut out = String::from("| category | recall | precision | F1 |\n|---|---|---|---|\n");
    for ((name, _), rates) in TYPES.iter().zip(rates) {
        out.push_str(&format!("| {name} | {} | {} | {} |\n", rates.recall, rates.precision, rates.f1()));
    }
    out
}

/// The same for made texts, by the exact span.
pub fn made(engine: &Engine, texts: &[Text]) -> String {
    let rows: Vec<Row> = texts
        .iter()
        .map(|text| Row {
            text: text.text.clone(),
            spans: text
                .spans
                .iter()
                .map(|(start, end, kind)| crate::support::Label {
                    start: *start,
                    end: *end,
                    kind: ["PERSON", "ORGANIZATION", "GPE", "ADDRESS"][*kind as usize].to_owned(),
                })
                .collect(),
            unseen: true,
            template: 0,
            unread: true,
        })
        .collect();
    labelled(engine, &rows.iter().collect::<Vec<_>>(), false)
}

/// Findings per 1,000 words of texts without labels, by category.
pub fn alarms(engine: &Engine, sources: &[(&str, Vec<String>)], printed: bool) -> String {
    let mut out = String::from(
        "| source | texts | words | `pii/person` | `pii/organisation` | `pii/place` | `pii/address` | all |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, texts) in sources {
        let (mut words, mut counts) = (0, [0_usize; 4]);
        for (i, text) in texts.iter().enumerate() {
            words += text.split_whitespace().count();
            for finding in found(engine, text) {
                for (count, kind) in counts.iter_mut().zip(Kind::ALL) {
                    *count += usize::from(kind.category() == finding.category);
                }
                if printed && i % 8 == 0 {
                    let (start, end) = (finding.span.start, finding.span.end);
                    let left: String =
                        text[..start].chars().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect();
                    let right: String = text[end..].chars().take(20).collect();
                    println!(
                        "{name} {} {} {:?} [{:?}] {:?}",
                        finding.category,
                        finding.score,
                        left,
                        &text[start..end],
                        right
                    );
                }
            }
        }
        let rate = |count: usize| format!("{:.1}", count as f64 * 1000.0 / words.max(1) as f64);
        let rates: Vec<String> = counts.iter().map(|count| rate(*count)).collect();
        out.push_str(&format!(
            "| {name} | {} | {words} | {} | {} |\n",
            texts.len(),
            rates.join(" | "),
            rate(counts.iter().sum())
        ));
    }
    out
}
