//! `profile`: what a table holds, and the file that stands for it.

use std::path::PathBuf;

use clap::Args;
use cordon_stats::profile::{ColumnProfile, Kind};
use serde::Serialize;

use super::super::{
    Output, json, say,
    table::{Align, table},
};
use super::{Loaded, Reading, Said, StatsError, date, finite, number, percent, warn};

pub(in super::super) const PROFILE: &str = "\
Examples:
  cordon profile requests.csv
  cordon profile train.parquet --output train.profile    a few kilobytes a column that stand for the file
  cordon profile train.profile

CSV, JSON lines and Parquet are told apart by their content. Exit code: 0, or 2 when the file cannot be read.";

#[derive(Args)]
pub(in super::super) struct ProfileArgs {
    /// A table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the profile to this file too.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Output,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    rows: u64,
    different_rows_about: u64,
    left_out: Vec<String>,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    column: &'a str,
    kind: &'static str,
    missing: u64,
    not_numbers: u64,
    infinite: u64,
    /// Exact where `distinct_exact`.
    distinct: u64,
    distinct_exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<Texts<'a>>,
}

#[derive(Serialize)]
struct Numbers {
    count: u64,
    negative: u64,
    zero: u64,
    least: f64,
    greatest: f64,
    mean: Option<f64>,
    standard_deviation: Option<f64>,
    /// At 1, 5, 25, 50, 75, 95 and 99 %.
    quantiles: Vec<(f64, f64)>,
    /// How far the rank of a quantile can be off, as a share.
    rank_error: f64,
}

#[derive(Serialize)]
struct Texts<'a> {
    count: u64,
    blank: u64,
    shortest: u64,
    longest: u64,
    mean_length: f64,
    most_frequent: Vec<(&'a str, u64)>,
    most_frequent_exact: bool,
}

const LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

pub(super) fn run(args: &ProfileArgs) -> Result<Said, StatsError> {
    let loaded = Loaded::read(&args.file, args.reading.delimiter)?;
    if let Some(output) = &args.output {
        let written = crate::files::replace(output, &loaded.profile.to_bytes());
        written.map_err(|error| {
            StatsError::Told(format!("`{}` cannot be written: {error}", output.display()))
        })?;
    }
    if args.look.json {
        json(&answer(&loaded))?;
    } else {
        warn(&loaded.path, &loaded.left_out);
        say(&text(&loaded))?;
    }
    Ok(Said::Nothing)
}

fn answer(loaded: &Loaded) -> Answer<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate between 0 and the rows"
    )]
    let different_rows_about = loaded.profile.different_rows().round() as u64;
    Answer {
        file: loaded.path.display().to_string(),
        rows: loaded.profile.rows(),
        different_rows_about,
        left_out: loaded.left_out.sentences(),
        columns: loaded.profile.columns().map(|(name, column)| of(name, column)).collect(),
    }
}

fn of<'a>(name: &'a str, column: &'a ColumnProfile) -> Column<'a> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate that is not negative"
    )]
    let distinct = column.distinct().round() as u64;
    let exact_numbers = column.numbers().is_none_or(|numbers| numbers.quantiles().is_exact());
    let exact_texts = column.texts().is_none_or(|texts| texts.categories().is_exact());
    Column {
        column: name,
        kind: column.kind().word(),
        missing: column.missing(),
        not_numbers: column.not_numbers(),
        infinite: column.infinite(),
        distinct,
        distinct_exact: exact_numbers && exact_texts,
        numbers: column.numbers().map(|numbers| Numbers {
            count: numbers.count(),
            negative: numbers.negative(),
            zero: numbers.zero(),
            least: numbers.range().0,
            greatest: numbers.range().1,
            mean: finite(numbers.mean()),
            standard_deviation: finite(numbers.variance().sqrt()),
            quantiles: LEVELS.iter().map(|level| (*level, numbers.quantiles().quantile(*level))).collect(),
            rank_error: numbers.quantiles().rank_error(),
        }),
        texts: column.texts().map(|texts| Texts {
            count: texts.count(),
            blank: texts.blank(),
            shortest: texts.lengths().0,
            longest: texts.lengths().1,
            mean_length: texts.mean_length(),
            most_frequent: top(column, 10),
            most_frequent_exact: exact_texts,
        }),
    }
}

fn top(column: &ColumnProfile, most: usize) -> Vec<(&str, u64)> {
    let all = column.texts().map(|texts| texts.categories().most_frequent()).unwrap_or_default();
    all.into_iter().take(most).map(|category| (category.label.as_str(), category.count)).collect()
}

fn text(loaded: &Loaded) -> String {
    let profile = &loaded.profile;
    let rows: Vec<Vec<String>> = profile.columns().map(|(name, column)| row(name, column)).collect();
    let heads = [
        ("COLUMN", Align::Left),
        ("KIND", Align::Left),
        ("MISSING", Align::Right),
        ("DISTINCT", Align::Right),
        ("LEAST", Align::Right),
        ("MEDIAN", Align::Right),
        ("GREATEST", Align::Right),
        ("MEAN", Align::Right),
        ("DEVIATION", Align::Right),
        ("MOST FREQUENT", Align::Left),
    ];
    let counted = format!("{}: {} rows, {} columns\n\n", loaded.path.display(), profile.rows(), rows.len());
    counted + &table(&heads, &rows)
}

fn row(name: &str, column: &ColumnProfile) -> Vec<String> {
    let share = if column.rows() == 0 { 0.0 } else { column.missing() as f64 / column.rows() as f64 };
    let about = if of(name, column).distinct_exact { "" } else { "~" };
    let mut cells = vec![
        name.to_owned(),
        column.kind().word().to_owned(),
        percent(share),
        format!("{about}{:.0}", column.distinct()),
    ];
    match column.numbers() {
        Some(numbers) => {
            let shown = |value: f64| if column.kind() == Kind::Date { date(value) } else { number(value) };
            let (least, greatest) = numbers.range();
            let deviation = numbers.variance().sqrt();
            let deviation = if deviation.is_nan() { String::new() } else { number(deviation) };
            cells.extend([shown(least), shown(numbers.quantiles().quantile(0.5)), shown(greatest)]);
            cells.extend([shown(numbers.mean()), deviation]);
        }
        None => cells.extend(std::iter::repeat_n(String::new(), 5)),
    }
    let frequent = top(column, 3).into_iter().map(|(label, count)| format!("{} ({count})", short(label)));
    cells.push(frequent.collect::<Vec<_>>().join(", "));
    cells
}

/// A label that leaves room for others.
fn short(label: &str) -> String {
    if label.chars().count() <= 24 {
        label.to_owned()
    } else {
        label.chars().take(23).chain(['…']).collect()
    }
}
