//! The bad inputs that inspection must survive, each with what becomes of it, a test that shows it and the test of its harmless twin:
//! `table.txt` beside this. The tests here look at the sources alone, so that a row whose test was renamed or deleted is noticed, and at the
//! share of the list that is covered, which is published.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Rows of the list.
const ROWS: RangeInclusive<u32> = 1..=68;
/// What becomes of an input; the head of the table says what each means.
const VERDICTS: [&str; 7] = ["allow", "flag", "redact", "strip", "quarantine", "refuse", "bounded"];
/// The word for a test that shows the twin too.
const SAME: &str = "same";
/// The test that reads the corpus, which holds of every line what the line says.
const CORPUS: &str = "the_corpus_holds";
/// The classes of the list, each with its rows.
const CLASSES: [(&str, RangeInclusive<u32>); 10] = [
    ("text in disguise, endless, broken", 1..=15),
    ("personal data and secrets", 16..=23),
    ("JSON and requests", 24..=29),
    ("PDF", 30..=36),
    ("pictures", 37..=41),
    ("archives and documents", 42..=45),
    ("tables and rows of predictions", 46..=48),
    ("files of models", 49..=55),
    ("links and answers", 56..=60),
    ("tools and what they bring", 61..=68),
];
/// The page with the share, and how its table begins.
const PAGE: &str = "docs/benchmarks.md";
const HEAD: &str = "| class of inputs | inputs | covered | in part | without a test | share covered |";

/// Where an input is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Test<'t> {
    file: &'t str,
    name: &'t str,
    /// A line of the corpus that the test reads.
    line: Option<&'t str>,
}

/// A row of the table.
struct Shown<'t> {
    row: u32,
    verdict: &'t str,
    test: Test<'t>,
    twin: Test<'t>,
    /// How this is not all that was asked for.
    differs: Option<&'t str>,
}

fn test(words: &str) -> Option<Test<'_>> {
    let mut words = words.splitn(3, ' ');
    Some(Test { file: words.next()?, name: words.next()?, line: words.next() })
}

fn read(line: &str) -> Option<Shown<'_>> {
    let mut parts = line.split('|').map(str::trim);
    let (row, _) = parts.next()?.split_once(' ')?;
    let verdict = parts.next()?;
    let shown = test(parts.next()?)?;
    let twin = parts.next().and_then(|twin| if twin == SAME { Some(shown) } else { test(twin) })?;
    let differs = parts.next();
    parts.next().is_none().then_some(Shown { row: row.parse().ok()?, verdict, test: shown, twin, differs })
}

fn rows() -> Vec<Shown<'static>> {
    let lines = include_str!("table.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| read(line).unwrap_or_else(|| panic!("not a row: {line}"))).collect()
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

/// The lines of the corpora, by their names: whether something is to be found in each.
fn corpus() -> BTreeMap<String, bool> {
    let mut lines = BTreeMap::new();
    for name in ["bad_inputs", "answers"] {
        let file = root().join(format!("crates/cordon-inspect/corpus/{name}.jsonl"));
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            lines.insert(
                line.get("id").and_then(serde_json::Value::as_str).unwrap().to_owned(),
                line.get("want").is_some(),
            );
        }
    }
    lines
}

#[test]
fn every_bad_input_has_a_verdict_a_test_and_a_twin_that_are_there() {
    let corpus = corpus();
    let mut there = BTreeSet::new();
    let mut wrong = Vec::new();
    for Shown { row, verdict, test, twin, differs } in rows() {
        if !VERDICTS.contains(&verdict) {
            wrong.push(format!("{row}: `{verdict}` is no verdict"));
        }
        if differs.is_some_and(str::is_empty) {
            wrong.push(format!("{row}: it differs in nothing"));
        }
        // What is to pass has a twin that is not.
        let passes = verdict == "allow";
        for (one, found) in [(test, !passes), (twin, passes)] {
            let source = std::fs::read_to_string(root().join(one.file)).unwrap_or_default();
            if !has_test(&source, one.name) {
                wrong.push(format!("{row}: no test `{}` in {}", one.name, one.file));
            }
            if one.line.is_some() != (one.name == CORPUS) {
                wrong.push(format!("{row}: a line is what {CORPUS} reads, and it reads one"));
            }
            match one.line.map(|id| (id, corpus.get(id))) {
                Some((id, None)) => wrong.push(format!("{row}: no line `{id}` in the corpus")),
                Some((id, Some(is_found))) if *is_found != found => {
                    wrong.push(format!("{row}: the line `{id}` is not what the verdict says"));
                }
                _ => {}
            }
        }
        there.insert(row);
    }
    assert_eq!(wrong, [""; 0]);
    assert!(there.iter().all(|row| ROWS.contains(row)), "a row that the list does not have");
}

/// The table of the share of the list that is covered, by class: each of its inputs with a verdict, a test and a twin. One is covered in part
/// where something of it differs from what was asked for.
fn share() -> String {
    let rows = rows();
    let mut out = format!("{HEAD}\n|---|--:|--:|--:|--:|--:|\n");
    let mut line = |class: &str, own: RangeInclusive<u32>| {
        let all = own.clone().count();
        let of = |row: u32| rows.iter().filter(move |shown| shown.row == row);
        let none = own.clone().filter(|row| of(*row).next().is_none()).count();
        let in_part = own.clone().filter(|row| of(*row).any(|shown| shown.differs.is_some())).count();
        let covered = all - none - in_part;
        let share = 100.0 * covered as f64 / all as f64;
        writeln!(out, "| {class} | {all} | {covered} | {in_part} | {none} | {share:.1} % |").unwrap();
    };
    CLASSES.into_iter().for_each(|(class, own)| line(class, own));
    line("all", ROWS);
    out
}

#[test]
fn the_share_that_is_published_is_the_one_that_is_there() {
    let share = share();
    println!("{share}");
    let classes: Vec<u32> = CLASSES.into_iter().flat_map(|(_, own)| own).collect();
    assert_eq!(classes, ROWS.collect::<Vec<_>>(), "each row has one class");
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    assert!(page.contains(&share), "help: put this table into {PAGE}\n{share}");
}
