//! `drift --embedding`: points with many coordinates, compared as a cloud. Two tables by a sample of each; where one is a saved profile,
//! by the summaries of all points.

mod profiled;
mod sampled;

use std::path::{Path, PathBuf};

use cordon_stats::profile::{Cell, ColumnProfile, Profile};
use serde::Serialize;

use super::super::super::json;
use super::super::{
    Said, StatsError, columns, file_name, number,
    report::{Card, Figure, Head, Report, Row, Section, Source, Story, Table, Tone},
    warn,
};
use super::DriftArgs;
use crate::tables::{self, Format};

/// Tests that share the level: of the distribution, of the centre, of the lengths.
const TESTS: f64 = 3.0;

/// The answer, with the statistics of how it was compared.
#[derive(Serialize)]
struct Answer<'a, T> {
    embedding: &'a str,
    reference: &'a Side,
    current: &'a Side,
    dimension: usize,
    level: f64,
    drifted: bool,
    #[serde(flatten)]
    statistics: T,
}

#[derive(Serialize)]
struct Side {
    file: PathBuf,
    rows: u64,
    points: u64,
    /// Rows without a point that could be read.
    without: u64,
    left_out: Vec<String>,
}

/// What was found, for people.
struct Findings {
    sides: [Side; 2],
    dimension: usize,
    drifted: bool,
    /// What was asked, its value and its p-value.
    rows: Vec<[String; 3]>,
    figures: Vec<Figure>,
    how_sure: Vec<String>,
    /// What is said in every form.
    notes: Vec<String>,
}

pub(super) fn run(args: &DriftArgs, name: &str) -> Result<Said, StatsError> {
    let is_saved = |path: &Path| Ok::<_, StatsError>(tables::format(path)? == Format::Profile);
    if is_saved(&args.reference)? || is_saved(args.current())? {
        profiled::run(args, name)
    } else {
        sampled::run(args, name)
    }
}

/// Says what was found in the form that was asked for.
fn say<T: Serialize>(
    args: &DriftArgs,
    name: &str,
    mut findings: Findings,
    statistics: T,
) -> Result<Said, StatsError> {
    let figures = std::mem::take(&mut findings.figures);
    let report = report(name, &findings, figures);
    let [reference, current] = &findings.sides;
    if args.look.form.json {
        json(&Answer {
            embedding: name,
            reference,
            current,
            dimension: findings.dimension,
            level: args.level,
            drifted: findings.drifted,
            statistics,
        })?;
    } else {
        for side in &findings.sides {
            warn(&side.file, &side.left_out);
        }
        args.look.say(&report)?;
    }
    args.look.write(&report, || story(args, name, &findings))?;
    Ok(if findings.drifted { Said::Found } else { Said::Nothing })
}

fn summary(name: &str, findings: &Findings) -> String {
    let verdict = if findings.drifted { "drifted" } else { "did not drift" };
    let [was, is] = &findings.sides;
    let mut summary = format!(
        "{name} {verdict}: {} points against {}, {} numbers each",
        is.points, was.points, findings.dimension
    );
    let without = was.without + is.without;
    if without > 0 {
        summary.push_str(&format!(", {without} rows without one"));
    }
    summary
}

fn report(name: &str, findings: &Findings, figures: Vec<Figure>) -> Report {
    let summary = summary(name, findings);
    // One question was asked; what moved is the answer to it.
    let row = |(at, cells): (usize, &[String; 3])| Row {
        case: (at == 0).then(|| name.to_owned()),
        failure: (at == 0 && findings.drifted).then(|| summary.clone()),
        ..Row::plain(cells.clone())
    };
    let heads = vec![Head::left("WHAT"), Head::left("VALUE"), Head::right("P")];
    let table = Table { heads, rows: findings.rows.iter().enumerate().map(row).collect() };
    let sections = vec![Section { title: name.to_owned(), table, figures, ..Section::default() }];
    Report { name: "drift", summary, sections, notes: findings.notes.clone() }
}

fn story(args: &DriftArgs, name: &str, findings: &Findings) -> Story {
    let [was, is] = &findings.sides;
    let points = |title, side: &Side| Card {
        title,
        value: crate::console::number(side.points),
        note: if side.without > 0 { format!("{} rows without one", side.without) } else { String::new() },
    };
    let source = |role, side: &Side| Source {
        role,
        path: side.file.clone(),
        rows: side.rows,
        period: String::new(),
        left_out: side.left_out.clone(),
    };
    let tests = findings.rows.iter().filter(|row| row.iter().all(|cell| !cell.is_empty()));
    let what = tests.map(|[what, value, p]| format!("{what}: {value} (p {p})"));
    let mut how_sure = vec![format!(
        "Had nothing changed, one comparison in {} like this would say that it did.",
        number(1.0 / args.level)
    )];
    how_sure.extend(findings.how_sure.iter().chain(&findings.notes).cloned());
    let what_to_do: &[&str] = if findings.drifted {
        &[
            "Ask whether the model that makes the embeddings, or what it is given, was changed: either moves every point.",
            "Compare the texts behind them (cordon causes --text), and measure the answers on rows with labels.",
        ]
    } else {
        &["Nothing. Look again with the next data."]
    };
    Story {
        title: format!("{name} of {} against {}", file_name(&is.file), file_name(&was.file)),
        tone: if findings.drifted { Tone::Bad } else { Tone::Good },
        verdict: format!("{name} {}", if findings.drifted { "drifted" } else { "did not drift" }),
        what: what.collect(),
        how_sure,
        what_to_do: what_to_do.iter().map(|&line| line.to_owned()).collect(),
        cards: vec![
            points("Points of the reference", was),
            points("Points now", is),
            Card { title: "Numbers of a point", value: findings.dimension.to_string(), note: String::new() },
        ],
        sources: vec![source("reference", was), source("current", is)],
    }
}

/// Numbers as a column, to be drawn.
fn column(values: impl Iterator<Item = f64>) -> ColumnProfile {
    let mut profile = Profile::new(&[""]);
    values.for_each(|value| profile.add(&[Cell::Decimal(value)]));
    profile.column("").cloned().unwrap_or_default()
}

/// Both sides of a column as a figure.
fn figure(id: &str, title: &str, line: &str, was: &ColumnProfile, is: &ColumnProfile) -> Option<Figure> {
    Some(Figure::new(id, title, line, columns::drawing(Some(was), Some(is))?))
}
