//! The bad inputs that inspection must survive, each with a test that shows it: `table.txt` beside this. The test here looks at the
//! sources alone, so that a row whose test was renamed or deleted is noticed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Rows of the list.
const ROWS: std::ops::RangeInclusive<u32> = 1..=68;

/// Where a row is shown.
struct Shown<'t> {
    row: u32,
    file: &'t str,
    test: &'t str,
    /// A line of the corpus that the test reads.
    line: Option<&'t str>,
}

fn read(line: &str) -> Option<Shown<'_>> {
    let mut parts = line.split('|').map(str::trim);
    let (row, _) = parts.next()?.split_once(' ')?;
    let (file, test) = parts.next()?.split_once(' ')?;
    Some(Shown { row: row.parse().ok()?, file, test, line: parts.next() })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether a file has a test of this name: the function, with what makes it a test among the lines before it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let is_it = line
            .split_once("fn ")
            .is_some_and(|(_, rest)| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')));
        let before = lines.iter().take(at).rev().take_while(|line| line.starts_with("#["));
        is_it
            && before.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_bad_input_has_a_test_that_is_there() {
    let corpus = ["bad_inputs", "answers"]
        .map(|name| {
            let file = root().join(format!("crates/cordon-inspect/corpus/{name}.jsonl"));
            std::fs::read_to_string(file).unwrap()
        })
        .concat();
    let mut rows = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in include_str!("table.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some(shown) = read(line) else { panic!("not a row: {line}") };
        let source = std::fs::read_to_string(root().join(shown.file)).unwrap_or_default();
        if !has_test(&source, shown.test) {
            wrong.push(format!("{}: no test `{}` in {}", shown.row, shown.test, shown.file));
        }
        let is_there =
            |id: &str| [":", ": "].iter().any(|sign| corpus.contains(&format!("{{\"id\"{sign}\"{id}\",")));
        if let Some(id) = shown.line.filter(|id| !is_there(id)) {
            wrong.push(format!("{}: no line `{id}` in the corpus", shown.row));
        }
        rows.insert(shown.row);
    }
    assert_eq!(wrong, [""; 0]);
    let missing: Vec<u32> = ROWS.filter(|row| !rows.contains(row)).collect();
    assert_eq!(missing, [0; 0], "no test shows these");
    assert_eq!(rows.len(), ROWS.count(), "a row that the list does not have");
}
