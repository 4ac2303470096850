//! What the trainings without a source make of it, as a table.

use std::collections::BTreeMap;

use crate::Text;
use crate::left_out::{Operating, PENALTIES, Said, fold_of, unseen};

/// What was counted of the texts of a row: all, and how many are found by phrases; by features as sure, by either; by features as likely, by
/// either; by features and judge, by any; and of how many the judge was asked.
type Counts = [usize; 9];

/// The first line of the tables.
pub const HEAD: &str = "| side | kind | texts | rules | features | judge without penalty | judge with penalty | at 1 %: features | judge without penalty | judge with penalty |";
const SOURCES: &str = "| source left out | kind | side | texts | rules | features, sure | with rules | features, likely | with rules | with the judge | with rules | judge asked |";

/// What judges find that were trained with and without a penalty for the energy of benign texts, all with rules; and how much of attacks
/// without rules, where one of a hundred benign texts of the side is above the limits.
pub fn judges(texts: &[Text], said: &[Said], own: &Said) -> String {
    let ways: [Vec<Operating>; 3] = [0..0, 0..1, PENALTIES].map(|energies| unseen(said, texts, energies));
    let above =
        |way: &[Operating], at: usize| fold_of(&texts[at]).map(|fold| own.above(at, &texts[at], &way[fold]));
    let mut rows: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate().filter(|(_, text)| fold_of(text).is_some()) {
        rows.entry((text.indirect, &text.kind)).or_default().push(at);
    }
    let hundredth = |way: &[Operating], indirect: bool| {
        let benign = rows.iter().filter(|((side, kind), _)| *side == indirect && kind.starts_with("benign"));
        let mut all: Vec<f32> =
            benign.flat_map(|(_, texts)| texts).filter_map(|at| above(way, *at)).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        all.get(all.len() / 100).copied().unwrap_or(f32::INFINITY)
    };
    let mut out = format!("{HEAD}\n|{}\n", "---|".repeat(10));
    for ((indirect, kind), of) in &rows {
        let count = |hit: &dyn Fn(usize) -> bool| percent(of.iter().filter(|at| hit(**at)).count(), of.len());
        let mut line = vec![count(&|at| texts[at].phrase)];
        line.extend(
            ways.iter()
                .map(|way| count(&|at| texts[at].phrase || above(way, at).is_some_and(|above| above >= 0.0))),
        );
        line.extend(ways.iter().map(|way| {
            let limit = hundredth(way, *indirect);
            count(&|at| above(way, at).is_some_and(|above| above > limit))
        }));
        let side = if *indirect { "indirect" } else { "direct" };
        out.push_str(&format!("| {side} | {kind} | {} | {} |\n", of.len(), line.join(" | ")));
    }
    out
}

/// The table by source, each at limits of trainings that have not seen it.
pub fn figures(texts: &[Text], operating: &[Operating], own: &Said) -> String {
    let mut rows: BTreeMap<(bool, &str, &str), Counts> = BTreeMap::new();
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
        eprintln!("{fold}: {operating:?}");
    }
    let mut out = format!("{SOURCES}\n|{}\n", "---|".repeat(12));
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
