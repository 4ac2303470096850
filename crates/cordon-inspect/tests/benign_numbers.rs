//! Numbers, codes and lines of business and technology that look like identifiers. None of them may raise anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use cordon_core::Channel;
use cordon_inspect::Engine;

/// The lines of the corpus.
fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("../corpus/benign_numbers.txt").lines().filter(|line| !line.starts_with("# "))
}

fn shown(engine: &Engine, text: &str) -> Vec<String> {
    let found = engine.inspect(Channel::Document, text);
    found.iter().map(|f| format!("{} {} `{}`", f.category, f.score, &text[f.span.range()])).collect()
}

#[test]
fn no_line_raises_anything() {
    let engine = Engine::builtin();
    assert!(lines().count() >= 120);
    let raised: Vec<String> = lines()
        .map(|line| (line, shown(&engine, line)))
        .filter(|(_, found)| !found.is_empty())
        .map(|(line, found)| format!("{line}\n    {found:?}"))
        .collect();
    assert!(raised.is_empty(), "{} lines raise something:\n{}", raised.len(), raised.join("\n"));
}
