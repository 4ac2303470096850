//! What the trainings without a source make of it, as a table.

use std::collections::BTreeMap;

use crate::{Text, limits};

/// What was counted of the texts of a row: all, and how many are found by phrases, by the model as sure, by either, by the model as
/// likely, by either.
type Counts = [usize; 6];

/// The first line of the table.
pub const HEAD: &str = "| source left out | kind | side | texts | rules | model, sure | both, sure | model, likely | both, likely |";

/// The table, each source at the limits of the others.
pub fn figures(texts: &[Text], sums: &[f32]) -> String {
    let mut rows: BTreeMap<(bool, &str, &str), Counts> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for (text, sum) in texts.iter().zip(sums).filter(|(text, _)| !text.made) {
        let limits = *known
            .entry((text.indirect, text.source.as_str()))
            .or_insert_with(|| limits(texts, sums, text.indirect, &text.source));
        let kind = text.kind.as_str();
        for key in [(text.indirect, text.source.as_str(), kind), (text.indirect, "~all", kind)] {
            let row = rows.entry(key).or_default();
            let (likely, sure) = (*sum >= limits.likely, *sum >= limits.sure);
            let hits = [true, text.phrase, sure, sure || text.phrase, likely, likely || text.phrase];
            for (count, hit) in row.iter_mut().zip(hits) {
                *count += usize::from(hit);
            }
        }
    }
    let mut out = format!("{HEAD}\n|---|---|---|---|---|---|---|---|---|\n");
    for ((indirect, source, kind), [of, rest @ ..]) in rows {
        let side = if indirect { "indirect" } else { "direct" };
        let rates: Vec<String> = rest.iter().map(|hits| percent(*hits, of)).collect();
        let source = source.trim_start_matches('~');
        out.push_str(&format!("| {source} | {kind} | {side} | {of} | {} |\n", rates.join(" | ")));
    }
    out
}

/// The rate with Wilson's interval at 95 %.
fn percent(hits: usize, of: usize) -> String {
    let (n, p, z) = (of as f64, hits as f64 / of as f64, 1.96_f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = (1.0 + z * z / n) / 100.0;
    let (least, most) = (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(100.0));
    format!("{:.1} % [{least:.1}, {most:.1}]", p * 100.0)
}
