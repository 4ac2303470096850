//! `quality`: what is wrong with a table, by itself and against a reference.

use std::path::PathBuf;

use clap::Args;
use cordon_stats::quality::{self, Defect, What};
use serde::Serialize;

use super::super::{json, table::Align};
use super::report::{self, Look, Report};
use super::{Loaded, Reading, Said, StatsError, percent, share, warn};

pub(in super::super) const QUALITY: &str = "\
Examples:
  cordon quality requests.csv
  cordon quality today.jsonl --reference train.profile

Exit code: 0 nothing is broken, 1 something is, 2 a file cannot be read. Constants, rows that repeat, and what chance explains (values past
the range, categories, kinds) are said and break nothing.";

#[derive(Args)]
pub(in super::super) struct QualityArgs {
    /// A table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the table should look like: another one, or a saved profile.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// The probability that chance breaks anything, over all columns and tests.
    #[arg(long, default_value = "0.05", value_name = "SHARE", value_parser = share)]
    level: f64,
    /// A smaller change of the share of missing values is not worth a word.
    #[arg(long, default_value = "0.01", value_name = "SHARE", value_parser = share)]
    effect: f64,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    rows: u64,
    left_out: Vec<String>,
    breaches: usize,
    defects: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    column: Option<&'a str>,
    defect: &'static str,
    breach: bool,
    detail: String,
}

pub(super) fn run(args: &QualityArgs) -> Result<Said, StatsError> {
    let current = Loaded::read(&args.file, args.reading.delimiter)?;
    let defects = match &args.reference {
        Some(path) => {
            let reference = Loaded::read(path, args.reading.delimiter)?;
            if !args.look.json {
                warn(path, &reference.left_out);
            }
            quality::compare(&reference.profile, &current.profile, args.level, args.effect)
        }
        None => quality::inspect(&current.profile),
    };
    let rows: Vec<Row<'_>> = defects.iter().map(row).collect();
    let breaches = rows.iter().filter(|row| row.breach).count();
    if args.look.json {
        let left_out = current.left_out.sentences();
        let (file, count) = (current.path.display().to_string(), current.profile.rows());
        json(&Answer { file, rows: count, left_out, breaches, defects: rows })?;
    } else {
        warn(&current.path, &current.left_out);
        report(&current, &rows, breaches).say(&args.look)?;
    }
    Ok(if breaches > 0 { Said::Found } else { Said::Nothing })
}

fn report(current: &Loaded, rows: &[Row<'_>], breaches: usize) -> Report {
    let (file, count) = (current.path.display(), current.profile.rows());
    let summary = if rows.is_empty() {
        format!("{file}: {count} rows, nothing is wrong with them")
    } else {
        format!("{file}: {count} rows, {breaches} breaches")
    };
    let rows = rows.iter().map(|row| {
        let weight = if row.breach { "breach" } else { "note" };
        let column = row.column.unwrap_or("(table)");
        report::Row {
            cells: vec![column.to_owned(), row.defect.to_owned(), weight.to_owned(), row.detail.clone()],
            case: format!("{column}: {}", row.defect),
            failure: row.breach.then(|| row.detail.clone()),
        }
    });
    let heads = vec![
        ("COLUMN", Align::Left),
        ("DEFECT", Align::Left),
        ("WEIGHT", Align::Left),
        ("DETAIL", Align::Left),
    ];
    Report { name: "quality", summary, heads, rows: rows.collect(), notes: Vec::new() }
}

fn row(defect: &Defect) -> Row<'_> {
    let (word, breach, detail) = match &defect.what {
        What::Blank { rows } => ("blank", true, format!("{rows} texts are only white space")),
        What::ColumnGone => ("gone", true, "the reference has this column".to_owned()),
        What::ColumnNew => ("new", true, "the reference does not have this column".to_owned()),
        What::Constant => ("constant", false, "every value is the same".to_owned()),
        What::Duplicates { rows } => ("duplicates", false, format!("about {rows} rows repeat another one")),
        What::Empty => ("empty", true, "there is no row".to_owned()),
        What::EverythingMissing => ("all missing", true, "no row has a value".to_owned()),
        What::KindChanged { from, to, p_value } => {
            ("kind", true, format!("was {}, is {} (p = {p_value})", from.word(), to.word()))
        }
        What::MixedKinds { numbers, texts } => {
            ("mixed", true, format!("{numbers} numbers and {texts} texts"))
        }
        What::MissingRate { from, to, p_value } => {
            ("missing", true, format!("was {}, is {} (p = {p_value})", percent(*from), percent(*to)))
        }
        What::NewCategories { rows, categories, p_value } => (
            "categories",
            true,
            format!("{categories} that the reference does not have, in {rows} rows (p = {p_value})"),
        ),
        What::NotFinite { not_numbers, infinite } => {
            ("not finite", true, format!("{not_numbers} NaN and {infinite} infinite"))
        }
        What::OutOfRange { below, above, is_exact, p_value } => {
            let bound = if *is_exact { "" } else { "at least " };
            let detail = format!(
                "{bound}{below} below and {bound}{above} above what the reference has (p = {p_value})"
            );
            ("range", true, detail)
        }
        What::Volume { from, to } => {
            ("volume", true, format!("the reference has {from} rows, this one {to}"))
        }
    };
    Row { column: defect.column.as_deref(), defect: word, breach: breach && !defect.by_chance, detail }
}
