//! `profile`: what a table holds, and the file that stands for it.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use cordon_stats::profile::{Cloud, ColumnProfile, Kind, Parts, Profile, Resolution, Saved};
use serde::Serialize;

use super::super::json;
use super::{
    Loaded, Reading, Said, StatsError, columns, date, file_name, finite, number, percent, points,
    report::{Card, Cell, Figure, Head, Look, Report, Row, Section, Story, Table, Tone, cannot_write},
    saved,
    segments::{Parting, Segments},
    warn,
};

pub(in super::super) const PROFILE: &str = "\
Examples:
  cordon profile requests.csv
  cordon profile train.parquet --output train.profile    one or two kilobytes a column that stand for the file
  cordon profile train.parquet --output train.profile --coarse    some hundred bytes a column
  cordon profile train.parquet --output train.profile --by country --embedding vector    and its segments and points
  cordon profile month.csv --output month.profile --season hour-of-week --time sent
  cordon profile train.profile
  cordon profile requests.csv --html requests.html       with a chart of each column
  cordon profile train.parquet --reference    as the `inputs` of a model's signature, in YAML

CSV, JSON lines and Parquet are told apart by their content. Exit code: 0, or 2 when the file cannot be read.";

#[derive(Args)]
pub(in super::super) struct ProfileArgs {
    /// A table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the profile to this file too.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Say it as the `inputs` of a model's signature, in YAML: what rows of predictions are compared with.
    #[arg(long, conflicts_with = "json")]
    reference: bool,
    /// Keep less of each column, at most 256 intervals or categories and no count of what differs: some hundred bytes a column.
    #[arg(long)]
    coarse: bool,
    #[command(flatten)]
    parting: Parting,
    /// Keep the points of a column of lists of numbers, or of a group of columns by the name before the number; may come several times.
    #[arg(long, value_name = "NAME")]
    embedding: Vec<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    rows: u64,
    different_rows_about: u64,
    left_out: Vec<String>,
    columns: Vec<Column<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<SegmentRows<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    embeddings: BTreeMap<&'a str, Points>,
}

/// Rows by segment or season.
#[derive(Serialize)]
struct SegmentRows<'a> {
    by: &'a str,
    rows: BTreeMap<&'a str, u64>,
    rows_beyond: u64,
}

#[derive(Serialize)]
struct Points {
    points: u64,
    /// Rows without a point.
    without: u64,
    dimension: usize,
    /// The length of the mean of all points.
    centre_length: Option<f64>,
    /// The root of the mean square distance from it.
    spread: Option<f64>,
    shortest: Option<f64>,
    longest: Option<f64>,
}

impl Points {
    fn of(cloud: &Cloud) -> Self {
        let (centre, spread) = cloud
            .coordinates()
            .fold((0.0, 0.0), |sum, (mean, variance)| (sum.0 + mean * mean, sum.1 + variance));
        let range = cloud.lengths().numbers().map(|lengths| lengths.range());
        Self {
            points: cloud.points(),
            without: cloud.rows() - cloud.points(),
            dimension: cloud.dimension(),
            centre_length: finite(f64::sqrt(centre)),
            spread: finite(f64::sqrt(spread)),
            shortest: range.map(|range| range.0),
            longest: range.map(|range| range.1),
        }
    }
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
    let (loaded, saved) = read(args)?;
    if let Some(output) = &args.output {
        let written = crate::files::replace(output, &saved.to_bytes());
        written.map_err(|error| cannot_write(output, &error))?;
    }
    if args.reference {
        warn(&loaded.path, &loaded.left_out.sentences());
        super::super::say(&super::reference::document(&loaded.profile)?)?;
        return Ok(Said::Nothing);
    }
    let report = report(&loaded, &saved, args.look.is_page());
    if args.look.form.json {
        json(&answer(&loaded, &saved))?;
    } else {
        warn(&loaded.path, &loaded.left_out.sentences());
        args.look.say(&report)?;
    }
    args.look.write(&report, || story(&loaded))?;
    Ok(Said::Nothing)
}

/// The table, and what is kept of it.
fn read(args: &ProfileArgs) -> Result<(Loaded, Saved), StatsError> {
    let delimiter = args.reading.delimiter;
    let by = args.parting.by();
    if args.output.is_none() && (by.is_some() || !args.embedding.is_empty()) {
        return Err(StatsError::Told(
            "segments, seasons and points are kept in a saved profile; help: name it with --output"
                .to_owned(),
        ));
    }
    let mut loaded = Loaded::read(&args.file, delimiter)?;
    if args.coarse {
        let fine = std::mem::replace(&mut loaded.profile, Profile::at::<&str>(Resolution::Coarse, &[]));
        loaded.profile.join(&fine);
    }
    let mut kept = saved(&args.file)?.unwrap_or_else(|| Saved::of(loaded.profile.clone()));
    kept.whole.clone_from(&loaded.profile);
    if let Some(by) = by {
        kept.parts = Some(Segments::of(&args.file, delimiter, &by, None)?.into_parts(&by));
    }
    for name in &args.embedding {
        if !kept.clouds.contains_key(name) {
            let (cloud, _) = points::cloud(&args.file, delimiter, name)?;
            kept.clouds.insert(name.clone(), cloud);
        }
    }
    if !kept.is_readable() {
        return Err(StatsError::Told(
            "a profile holds at most 262,144 columns, those of all segments or seasons counted, and 16 million values and categories of \
             them; help: leave columns out, or take `--season day-of-week`"
                .to_owned(),
        ));
    }
    Ok((loaded, kept))
}

fn answer<'a>(loaded: &'a Loaded, saved: &'a Saved) -> Answer<'a> {
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
        segments: saved.parts.as_ref().map(|parts| SegmentRows {
            by: &parts.by,
            rows: parts.profiles.iter().map(|(name, part)| (name.as_str(), part.rows())).collect(),
            rows_beyond: parts.rows_beyond,
        }),
        embeddings: saved.clouds.iter().map(|(name, cloud)| (name.as_str(), Points::of(cloud))).collect(),
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
            quantiles: LEVELS.iter().map(|level| (*level, numbers.quantile(*level))).collect(),
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

fn report(loaded: &Loaded, saved: &Saved, is_page: bool) -> Report {
    let profile = &loaded.profile;
    let heads = vec![
        Head::left("COLUMN"),
        Head::left("KIND"),
        Head::right("MISSING").is("missing"),
        Head::right("DISTINCT").is("distinct"),
        Head::right("LEAST"),
        Head::right("MEDIAN"),
        Head::right("GREATEST"),
        Head::right("MEAN"),
        Head::right("DEVIATION"),
        Head::left("MOST FREQUENT"),
    ];
    let row = |(place, (name, column)): (usize, (&str, &ColumnProfile))| Row {
        cells: row(name, column, if is_page { columns::id(place) } else { None }),
        case: Some(name.to_owned()),
        failure: None,
    };
    let rows: Vec<Row> = profile.columns().enumerate().map(row).collect();
    let summary = format!("{}: {} rows, {} columns", loaded.path.display(), profile.rows(), rows.len());
    let mut sections =
        vec![Section { title: "Columns".to_owned(), table: Table { heads, rows }, ..Section::default() }];
    if is_page {
        let figure = |(place, (name, column)): (usize, (&str, &ColumnProfile))| {
            Some(Figure {
                id: columns::id(place)?,
                title: name.to_owned(),
                mark: None,
                line: format!("{}, {} missing", column.kind().word(), percent(missing(column))),
                drawing: columns::drawing(None, Some(column))?,
            })
        };
        sections.push(Section {
            title: "What each column holds".to_owned(),
            figures: profile.columns().enumerate().filter_map(figure).collect(),
            aside: columns::not_drawn(profile.columns().len()).into_iter().collect(),
            ..Section::default()
        });
    }
    Report { name: "profile", summary, sections, notes: not_finite(profile).chain(kept(saved)).collect() }
}

/// What is in no mean and no quantile.
fn not_finite(profile: &Profile) -> impl Iterator<Item = String> {
    let told = |(name, column): (&str, &ColumnProfile)| {
        let all = [(column.not_numbers(), "NaN"), (column.infinite(), "infinite")];
        let all: Vec<String> =
            all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        (!all.is_empty()).then(|| format!("{name}: {} in no mean and no quantile", all.join(" and ")))
    };
    profile.columns().filter_map(told)
}

/// What is kept beside the columns.
fn kept(saved: &Saved) -> Vec<String> {
    let parts = saved.parts.iter().map(|Parts { by, profiles, rows_beyond, .. }| {
        format!("kept apart by {by}: {} parts, {rows_beyond} rows beyond them", profiles.len())
    });
    let clouds = saved.clouds.iter().map(|(name, cloud)| {
        let Points { points, dimension, without, .. } = Points::of(cloud);
        format!("{name}: {points} points of {dimension} numbers, {without} rows without one")
    });
    parts.chain(clouds).collect()
}

fn missing(column: &ColumnProfile) -> f64 {
    if column.rows() == 0 { 0.0 } else { column.missing() as f64 / column.rows() as f64 }
}

fn story(loaded: &Loaded) -> Story {
    let profile = &loaded.profile;
    let named = |is: &dyn Fn(&ColumnProfile) -> bool| -> Vec<&str> {
        profile.columns().filter(|(_, column)| is(column)).map(|(name, _)| name).collect()
    };
    let mut what = Vec::new();
    let mut say = |names: Vec<&str>, singular: &str, plural: &str| {
        if let Some(first) = names.get(..names.len().min(6)).filter(|first| !first.is_empty()) {
            let verb = if names.len() == 1 { singular } else { plural };
            let more = if names.len() > first.len() {
                format!(" and {} more", names.len() - first.len())
            } else {
                String::new()
            };
            what.push(format!("{}{more} {verb}.", first.join(", ")));
        }
    };
    say(named(&|column| column.present() == 0), "has no value at all", "have no value at all");
    say(
        named(&|column| column.present() > 0 && missing(column) > 0.2),
        "is missing in more than a fifth of the rows",
        "are missing in more than a fifth of the rows",
    );
    say(
        named(&|column| column.present() > 0 && column.distinct() < 1.5),
        "always has the same value",
        "always have the same value",
    );
    say(named(&|column| column.kind() == Kind::Mixed), "holds numbers and texts", "hold numbers and texts");
    let is_name = |column: &ColumnProfile| {
        profile.rows() > 20
            && column.distinct() > 0.97 * profile.rows() as f64
            && !matches!(column.kind(), Kind::Decimal | Kind::Date)
    };
    say(
        named(&is_name),
        "has another value in almost every row: an identifier?",
        "have another value in almost every row: identifiers?",
    );
    if what.is_empty() {
        what.push("No column is empty, constant, mixed or mostly missing.".to_owned());
    }
    let card = |title, value: u64| Card { title, value: crate::console::number(value), note: String::new() };
    let mut cards = vec![card("Rows", profile.rows()), card("Columns", profile.columns().len() as u64)];
    let cells = profile.rows() as f64 * profile.columns().len() as f64;
    let without: u64 = profile.columns().map(|(_, column)| column.missing()).sum();
    cards.push(Card {
        title: "Missing cells",
        value: percent(without as f64 / cells.max(1.0)),
        note: String::new(),
    });
    Story {
        title: file_name(&loaded.path),
        tone: Tone::Quiet,
        verdict: format!("{} rows in {} columns", crate::console::number(profile.rows()), profile.columns().len()),
        what,
        how_sure: vec!["Counts, means and deviations are exact. A quantile is exact up to 2,048 different values, then its rank is off by less than one interval of the sketch.".to_owned()],
        what_to_do: vec!["Keep the profile (--output) as the reference for cordon drift and cordon quality: a few kilobytes that stand for the file.".to_owned()],
        cards,
        sources: vec![loaded.source("table")],
    }
}

fn row(name: &str, column: &ColumnProfile, figure: Option<String>) -> Vec<Cell> {
    let about = if of(name, column).distinct_exact { "" } else { "~" };
    let mut cells = vec![
        Cell::from(name).shown_by(figure),
        column.kind().word().into(),
        percent(missing(column)).into(),
        format!("{about}{:.0}", column.distinct()).into(),
    ];
    match column.numbers() {
        Some(numbers) => {
            let shown = |value: f64| if column.kind() == Kind::Date { date(value) } else { number(value) };
            let (least, greatest) = numbers.range();
            let deviation = numbers.variance().sqrt();
            let deviation = match column.kind() {
                _ if deviation.is_nan() => String::new(),
                Kind::Date => format!("{} d", number(deviation / 86_400.0)),
                _ => number(deviation),
            };
            let median = numbers.quantile(0.5);
            cells.extend([least, median, greatest, numbers.mean()].map(|value| shown(value).into()));
            cells.push(deviation.into());
        }
        None => cells.extend(std::iter::repeat_n(Cell::from(""), 5)),
    }
    let frequent = top(column, 3).into_iter().map(|(label, count)| format!("{} ({count})", short(label)));
    cells.push(frequent.collect::<Vec<_>>().join(", ").into());
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
