//! `quality`: what is wrong with a table, by itself and against a reference.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
};

use clap::Args;
use cordon_stats::{
    interval::{Level, Proportion},
    profile::{self as table, ColumnProfile},
    quality::{self, Defect, What},
};
use serde::Serialize;

use super::super::json;
use crate::tables::{self, Format};

use super::{
    Grown, Loaded, Reading, Said, StatsError, columns, file_name, number, percent,
    report::{
        self, Card, Cell, Dot, Dots, Drawing, Figure, Head, Look, Report, Scale, Section, Story, Table, Tone,
    },
    share, warn,
};

pub(in super::super) const QUALITY: &str = "\
Examples:
  cordon quality requests.csv
  cordon quality today.jsonl --reference train.profile
  cordon quality today.jsonl --time received --fresh 36h
  cordon quality today.jsonl --reference train.profile --html quality.html

Exit code: 0 nothing is broken, 1 something is, 2 a file cannot be read. Constants, rows that repeat, and what chance explains (values past
the range, categories, kinds) are said and break nothing. Rows that repeat are counted up to 100,000 different rows; of more they are estimated, and
fewer than seven of a hundred are not seen.";

/// What stands for the table as a whole where a column is named.
const TABLE: &str = "(table)";
/// Columns whose missing values are drawn beside each other.
const MOST_DOTS: usize = 24;
/// Sentences about what is broken.
const MOST_SENTENCES: usize = 6;

#[derive(Args)]
pub(in super::super) struct QualityArgs {
    /// A table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the table should look like: another one, or a saved profile.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// The column with the time of a row; its newest must not be older than --fresh.
    #[arg(long, value_name = "COLUMN", requires = "fresh")]
    time: Option<String>,
    /// How old the newest row may be, such as `36h`, `7d`, `90m`.
    #[arg(long, value_name = "AGE", value_parser = age, requires = "time")]
    fresh: Option<f64>,
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

/// Seconds of a number with `m`, `h` or `d` behind it.
fn age(text: &str) -> Result<f64, String> {
    let units = [('m', 60.0), ('h', 3_600.0), ('d', 86_400.0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: f64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * seconds)
    });
    parsed
        .filter(|age| *age > 0.0 && age.is_finite())
        .ok_or_else(|| "an age such as `36h`, `7d` or `90m` is expected".to_owned())
}

/// What is old, or ahead of the clock.
fn stale(args: &QualityArgs, current: &Loaded) -> Result<Vec<Defect>, StatsError> {
    let (Some(column), Some(most)) = (&args.time, args.fresh) else { return Ok(Vec::new()) };
    let now = crate::clock::Clock::system().now().as_millis() as f64 / 1e3;
    quality::freshness(&current.profile, column, now, most).ok_or_else(|| {
        StatsError::Told(format!(
            "`{}` has no column `{column}` with dates or times; help: `cordon profile` says what its columns hold",
            current.path.display()
        ))
    })
}

#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    rows: u64,
    left_out: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_left_out: Option<Vec<String>>,
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

/// Rows of which those that repeat are counted; of more they are estimated.
const MOST_COUNTED: usize = 100_000;

/// The table, and how many of its rows repeat another one, where that was counted.
fn read(args: &QualityArgs) -> Result<(Loaded, Option<u64>), StatsError> {
    let delimiter = args.reading.delimiter;
    if tables::format(&args.file)? == Format::Profile {
        return Ok((Loaded::read(&args.file, delimiter)?, None));
    }
    let mut grown = Grown::default();
    let (mut seen, mut repeated, mut is_counted) = (HashSet::new(), 0, true);
    let left_out = tables::read(&args.file, delimiter, &mut |names, cells| {
        grown.add(names, cells);
        if cells.is_empty() || !is_counted {
            return;
        }
        repeated += u64::from(!seen.insert(hash(cells)));
        if seen.len() > MOST_COUNTED {
            is_counted = false;
            seen = HashSet::new();
        }
    })?;
    let loaded = Loaded { path: args.file.clone(), profile: grown.profile(), left_out };
    Ok((loaded, is_counted.then_some(repeated)))
}

/// Equal rows have equal hashes, also where columns have come between them that neither has.
fn hash(cells: &[table::Cell<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (at, cell) in cells.iter().enumerate() {
        match cell {
            table::Cell::Missing => {}
            table::Cell::Boolean(value) => (at, 0, value).hash(&mut hasher),
            table::Cell::Date(value) => (at, 1, (value + 0.0).to_bits()).hash(&mut hasher),
            table::Cell::Decimal(value) => (at, 2, (value + 0.0).to_bits()).hash(&mut hasher),
            table::Cell::Integer(value) => (at, 3, value).hash(&mut hasher),
            table::Cell::Text(value) => (at, 4, value).hash(&mut hasher),
        }
    }
    hasher.finish()
}

pub(super) fn run(args: &QualityArgs) -> Result<Said, StatsError> {
    let (current, repeated) = read(args)?;
    let reference =
        args.reference.as_ref().map(|path| Loaded::read(path, args.reading.delimiter)).transpose()?;
    let mut defects = match &reference {
        Some(reference) => quality::compare(&reference.profile, &current.profile, args.level, args.effect),
        None => quality::inspect(&current.profile),
    };
    if let Some(rows) = repeated {
        // What was counted is better than the estimate.
        defects.retain(|defect| !matches!(defect.what, What::Duplicates { .. }));
        let what = What::Duplicates { rows, is_exact: true };
        let first = (rows > 0).then_some(Defect { column: None, what, by_chance: false });
        defects.splice(0..0, first);
    }
    defects.extend(stale(args, &current)?);
    let rows: Vec<Row<'_>> = defects.iter().map(row).collect();
    let breaches = rows.iter().filter(|row| row.breach).count();
    let mut report = report(&current, &rows, breaches);
    if args.look.is_page() {
        report.sections.extend(figures(reference.as_ref(), &current, &rows));
    }
    let story = || story(args, reference.as_ref(), &current, &rows);
    if args.look.form.json {
        let left_out = current.left_out.sentences();
        let reference_left_out = reference.as_ref().map(|reference| reference.left_out.sentences());
        let (file, count) = (current.path.display().to_string(), current.profile.rows());
        args.look.write(&report, story)?;
        json(&Answer { file, rows: count, left_out, reference_left_out, breaches, defects: rows })?;
    } else {
        if let Some(reference) = &reference {
            warn(&reference.path, &reference.left_out.sentences());
        }
        warn(&current.path, &current.left_out.sentences());
        args.look.say(&report)?;
        args.look.write(&report, story)?;
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
        let weight = if row.breach { ("breach", Tone::Bad) } else { ("note", Tone::Quiet) };
        let column = row.column.unwrap_or(TABLE);
        report::Row {
            cells: vec![
                column.into(),
                row.defect.into(),
                Cell::from(weight.0).toned(weight.1),
                row.detail.as_str().into(),
            ],
            case: Some(format!("{column}: {}", row.defect)),
            failure: row.breach.then(|| row.detail.clone()),
        }
    });
    let heads = vec![
        Head::left("COLUMN"),
        Head::left("DEFECT").is("defect"),
        Head::left("WEIGHT"),
        Head::left("DETAIL"),
    ];
    let table = Table { heads, rows: rows.collect() };
    let title = if table.rows.is_empty() { "" } else { "What is wrong" }.to_owned();
    Report {
        name: "quality",
        summary,
        sections: vec![Section { title, table, ..Section::default() }],
        notes: Vec::new(),
    }
}

/// How much is missing of each column that misses anything, and the columns with a defect.
fn figures(reference: Option<&Loaded>, current: &Loaded, rows: &[Row<'_>]) -> Vec<Section> {
    let was = |name: &str| reference.and_then(|reference| reference.profile.column(name));
    let missing = |column: &ColumnProfile| Proportion::new(column.missing(), column.rows());
    let dot = |(name, column): (&str, &ColumnProfile)| {
        let share = missing(column)?.wilson(Level::P95).ok()?;
        let is_broken = rows.iter().any(|row| row.defect == "missing" && row.column == Some(name));
        Some(Dot {
            label: name.to_owned(),
            value: share.value,
            interval: Some((share.low, share.high)),
            tone: if is_broken { Tone::Bad } else { Tone::Quiet },
        })
    };
    let mut dots: Vec<Dot> =
        current.profile.columns().filter(|(_, column)| column.missing() > 0).filter_map(dot).collect();
    dots.sort_by(|a, b| b.value.total_cmp(&a.value));
    dots.truncate(MOST_DOTS);
    let mut sections = Vec::new();
    let mut figures = Vec::new();
    if !dots.is_empty() {
        figures.push(Figure::new(
            "missing",
            "Missing values",
            "the share of rows without a value, with intervals of 95 %",
            Drawing::Dots(Dots::new("missing", Scale::Share, (0.0, 0.05), dots)),
        ));
    }
    let mut broken: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(|row| row.column) {
        if !broken.contains(&name) {
            broken.push(name);
        }
    }
    for (place, name) in broken.iter().enumerate() {
        let of = |row: &&Row<'_>| row.column == Some(*name);
        let told: Vec<String> =
            rows.iter().filter(of).map(|row| format!("{}: {}", row.defect, row.detail)).collect();
        let is_breach = rows.iter().filter(of).any(|row| row.breach);
        let drawing = columns::drawing(was(name), current.profile.column(name));
        if let (Some(id), Some(drawing)) = (columns::id(place), drawing) {
            let mark = is_breach.then_some((Tone::Bad, "breach"));
            figures.push(Figure { id, title: (*name).to_owned(), mark, line: told.join("; "), drawing });
        }
    }
    if !figures.is_empty() {
        sections.push(Section {
            title: "The columns behind it".to_owned(),
            figures,
            aside: columns::not_drawn(broken.len()).into_iter().collect(),
            ..Section::default()
        });
    }
    sections
}

fn story(args: &QualityArgs, reference: Option<&Loaded>, current: &Loaded, rows: &[Row<'_>]) -> Story {
    let breaches: Vec<&Row<'_>> = rows.iter().filter(|row| row.breach).collect();
    let sentence =
        |row: &&Row<'_>| format!("{}: {}, {}", row.column.unwrap_or(TABLE), row.defect, row.detail);
    let mut what: Vec<String> = breaches.iter().take(MOST_SENTENCES).map(sentence).collect();
    if breaches.len() > MOST_SENTENCES {
        what.push(format!("and {} more, listed below", breaches.len() - MOST_SENTENCES));
    }
    if breaches.is_empty() {
        what.push("Every column has the kind, the range and the values that it should have.".to_owned());
    }
    let mut how_sure = vec!["Defects are counted, not estimated: what is listed is in the file.".to_owned()];
    how_sure.push(match reference {
        Some(_) => format!(
            "Missing values, kinds, ranges and categories are tested together: chance breaks anything in one of {} tables, and what it explains is a note. Shares of missing values that change by less than {} are not named.",
            number(1.0 / args.level),
            percent(args.effect)
        ),
        None => "Without a reference (--reference) only what is wrong by itself is seen: no column that is gone, no value out of range."
            .to_owned(),
    });
    let what_to_do = if breaches.is_empty() {
        "Nothing. The data can be used."
    } else {
        "Stop what reads this data until the breaches are explained, first those of columns that a model or a report uses."
    };
    let notes = rows.len() - breaches.len();
    let mut sources: Vec<_> = reference.iter().map(|reference| reference.source("reference")).collect();
    sources.push(current.source("table"));
    let card = |title, value: u64| Card { title, value: crate::console::number(value), note: String::new() };
    Story {
        title: format!("Quality of {}", file_name(&current.path)),
        tone: if breaches.is_empty() { Tone::Good } else { Tone::Bad },
        verdict: match breaches.len() {
            0 => "Nothing is broken".to_owned(),
            1 => "One breach".to_owned(),
            count => format!("{count} breaches"),
        },
        what,
        how_sure,
        what_to_do: vec![what_to_do.to_owned()],
        cards: vec![
            card("Breaches", breaches.len() as u64),
            card("Notes", notes as u64),
            card("Rows", current.profile.rows()),
            card("Columns", current.profile.columns().len() as u64),
        ],
        sources,
    }
}

/// Seconds in the unit that a person would take.
fn duration(seconds: f64) -> String {
    let (count, unit) = if seconds >= 2.0 * 86_400.0 {
        (seconds / 86_400.0, "days")
    } else if seconds >= 2.0 * 3_600.0 {
        (seconds / 3_600.0, "hours")
    } else {
        (seconds / 60.0, "minutes")
    };
    format!("{count:.1} {unit}")
}

fn row(defect: &Defect) -> Row<'_> {
    let (word, breach, detail) = match &defect.what {
        What::Blank { rows } => ("blank", true, format!("{rows} texts are only white space")),
        What::ColumnGone => ("gone", true, "the reference has this column".to_owned()),
        What::ColumnNew => ("new", true, "the reference does not have this column".to_owned()),
        What::Constant => ("constant", false, "every value is the same".to_owned()),
        What::Duplicates { rows, is_exact } => {
            let about = if *is_exact { "" } else { "about " };
            ("duplicates", false, format!("{about}{rows} rows repeat another one"))
        }
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
        What::NewFormats { rows, format, p_value } => (
            "format",
            true,
            format!("{rows} are written as no text of the reference is, most as `{format}` (p = {p_value})"),
        ),
        What::Future { ahead } => {
            ("future", true, format!("the newest is {} ahead of the clock", duration(*ahead)))
        }
        What::Stale { age, most } => {
            ("stale", true, format!("the newest is {} old, {} are allowed", duration(*age), duration(*most)))
        }
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
