//! What the trainings without a source make of it, as tables.

use std::collections::BTreeMap;

use cordon_inspect::policy::training::CATEGORIES;

use crate::support::Count;
use crate::{Told, limits};

/// The first line of the first table.
pub const HEAD: &str =
    "| source left out | kind | texts | lists | model, sure | model, likely | both, likely |";

/// The tables: of each source at the limits of the others, and of generated lines that were left out.
pub fn figures(told: &[Told<'_>]) -> String {
    let mut rows: BTreeMap<(&str, &str), [Count; 4]> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for one in told.iter().filter(|one| !one.text.made) {
        let source = one.text.source.as_str();
        let limits = *known.entry(source).or_insert_with(|| limits(told, source));
        let (likely, sure) = (one.sum >= limits.likely, one.sum >= limits.sure);
        let hits = [one.text.listed, sure, likely, likely || one.text.listed];
        for key in [(source, one.text.kind.as_str()), ("~all", one.text.kind.as_str())] {
            let row = rows.entry(key).or_default();
            row.iter_mut().zip(hits).for_each(|(count, hit)| count.add(hit));
        }
    }
    let mut out = format!("{HEAD}\n|---|---|---|---|---|---|---|\n");
    for ((source, kind), counts) in rows {
        let rates = counts.map(|count| percent(&count));
        let source = source.trim_start_matches('~');
        out.push_str(&format!("| {source} | {kind} | {} | {} |\n", counts[0].of, rates.join(" | ")));
    }
    let limits = limits(told, "");
    let mut rows: BTreeMap<(bool, usize), [Count; 3]> = BTreeMap::new();
    for one in told.iter().filter(|one| one.text.made) {
        let column =
            if one.text.may == 0 { CATEGORIES.len() } else { one.text.may.trailing_zeros() as usize };
        let row = rows.entry((!one.text.english, column)).or_default();
        let likely = one.sum >= limits.likely;
        let hits = [one.sum >= limits.sure, likely, likely && one.column == column];
        row.iter_mut().zip(hits).for_each(|(count, hit)| count.add(hit));
    }
    out.push_str("\nGenerated texts of lines that were left out:\n\n");
    out.push_str("| language | category | texts | sure | likely | likely, and of this category |\n|---|---|---|---|---|---|\n");
    for ((other, column), counts) in rows {
        let language = if other { "others" } else { "English" };
        let category = CATEGORIES.get(column).copied().unwrap_or("none");
        let rates = counts.map(|count| percent(&count));
        out.push_str(&format!("| {language} | {category} | {} | {} |\n", counts[0].of, rates.join(" | ")));
    }
    out
}

/// The rate with Wilson's interval at 95 %.
fn percent(count: &Count) -> String {
    let (low, high) = count.interval();
    format!("{:.1} % [{:.1}, {:.1}]", count.rate() * 100.0, low.max(0.0) * 100.0, high.min(1.0) * 100.0)
}
