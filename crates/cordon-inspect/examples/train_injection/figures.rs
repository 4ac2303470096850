//! What the trainings without a source make of it, as a table.

use std::collections::BTreeMap;

use crate::Text;
use crate::left_out::{Operating, Said, fold_of};

/// What was counted of the texts of a row: all, and how many are found by phrases; by features as sure, by either; by features as likely, by
/// either; by features and judge, by any; and of how many the judge was asked.
type Counts = [usize; 9];

/// The first line of the table.
pub const HEAD: &str = "| source left out | kind | side | texts | rules | features, sure | with rules | features, likely | with rules | with the judge | with rules | judge asked |";

/// The table, each source at limits of trainings that have not seen it.
pub fn figures(texts: &[Text], said: &[Said], own: &Said) -> String {
    let mut rows: BTreeMap<(bool, &str, &str), Counts> = BTreeMap::new();
    let unseen = |fold: usize| said[fold].operating(texts, |text| fold_of(text) != Some(fold));
    let operating: Vec<Operating> = (0..said.len()).map(unseen).collect();
    for (at, text) in texts.iter().enumerate() {
        let Some(fold) = fold_of(text) else { continue };
        let (limits, sum) = (operating[fold].limits(text), own.highest(at));
        let (likely, sure) = (sum >= limits.likely, sum >= limits.sure);
        let (both, asked) = own.verdict(at, text, &operating[fold]);
        let kind = text.kind.as_str();
        for key in [(text.indirect, text.source.as_str(), kind), (text.indirect, "~all", kind)] {
            let row = rows.entry(key).or_default();
            let rules = text.phrase;
            let hits =
                [true, rules, sure, sure || rules, likely, likely || rules, both, both || rules, asked];
            for (count, hit) in row.iter_mut().zip(hits) {
                *count += usize::from(hit);
            }
        }
    }
    for (fold, operating) in operating.iter().enumerate() {
        eprintln!("{fold}: {:?} {:?}", operating.sides[0], operating.bounds);
    }
    let mut out = format!("{HEAD}\n|{}\n", "---|".repeat(12));
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
