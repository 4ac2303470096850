//! `profile`, `drift`, `quality`: what data is, how it changed, and what is wrong with it. They need no server.
//!
//! Exit codes are 0 where nothing is found, 1 for drift or a breach, 2 where the command could not be carried out.

mod causes;
mod columns;
mod decide;
mod drift;
mod fairness;
mod forecast;
mod outcomes;
mod performance;
mod points;
mod policy;
mod profile;
mod quality;
mod reference;
mod report;
mod segments;
mod texts;

pub(super) use causes::{CAUSES, CausesArgs};
pub(super) use decide::{DECIDE, DecideArgs};
pub(super) use drift::{DRIFT, DriftArgs};
pub(super) use fairness::{FAIRNESS, FairnessArgs};
pub(super) use forecast::{FORECAST, ForecastArgs};
pub(super) use performance::{PERFORMANCE, PerformanceArgs};
pub(super) use profile::{PROFILE, ProfileArgs};
pub(super) use quality::{QUALITY, QualityArgs};

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_stats::{
    PValue,
    drift::Reach,
    profile::{Cell, Filling, Profile, ProfileError, Resolution, Saved},
};
use serde::Serialize;

use super::{Failure, Outcome, complain, table::plain};
use crate::tables::{self, Delimiter, Format, LeftOut, TableError};

/// The commands whose word for "could not be carried out" is 2.
pub(super) const NAMES: [&str; 8] =
    ["profile", "drift", "causes", "quality", "fairness", "decide", "performance", "forecast"];
const FOUND: u8 = 1;
const FAILED: u8 = 2;
/// Bytes of a saved profile: 4,096 columns of the largest.
const MOST_PROFILE: u64 = 512 << 20;
/// Characters of a name.
const LONGEST_WORD: usize = 1_024;

/// How tables are read.
#[derive(Args)]
struct Reading {
    /// What parts the cells of a CSV file: a character, or `tab`. Without it, what the first line has most of `,`, `;`, tab, `|`.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [one] if one.is_ascii() => Ok(*one),
        _ => Err("one character of ASCII or `tab` is expected".to_owned()),
    }
}

/// A share or level between 0 and 1.
fn share(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "a number from 0 to 1 is expected".to_owned())
}

pub(super) fn profile(args: &ProfileArgs) -> Outcome {
    ended(profile::run(args))
}

pub(super) fn causes(args: &CausesArgs) -> Outcome {
    ended(causes::run(args))
}

pub(super) fn decide(args: &DecideArgs) -> Outcome {
    ended(decide::run(args))
}

pub(super) fn drift(args: &DriftArgs) -> Outcome {
    ended(drift::run(args))
}

pub(super) fn fairness(args: &FairnessArgs) -> Outcome {
    ended(fairness::run(args))
}

pub(super) fn forecast(args: &ForecastArgs) -> Outcome {
    ended(forecast::run(args))
}

pub(super) fn performance(args: &PerformanceArgs) -> Outcome {
    ended(performance::run(args))
}

pub(super) fn quality(args: &QualityArgs) -> Outcome {
    ended(quality::run(args))
}

/// Whether anything was found, or why that cannot be said.
enum Said {
    Found,
    Nothing,
}

fn ended(said: Result<Said, StatsError>) -> Outcome {
    match said {
        Ok(Said::Nothing) => Ok(()),
        Ok(Said::Found) => Err(Failure::Code(FOUND)),
        Err(StatsError::Answer(failure)) => Err(failure),
        Err(StatsError::Table(error)) => {
            complain(&plain(&crate::desk::with_causes(&error)));
            Err(Failure::Code(FAILED))
        }
        Err(StatsError::Told(text)) => {
            complain(&plain(&text));
            Err(Failure::Code(FAILED))
        }
    }
}

enum StatsError {
    /// The answer could not be written.
    Answer(Failure),
    Table(TableError),
    Told(String),
}

impl From<TableError> for StatsError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl From<Failure> for StatsError {
    fn from(failure: Failure) -> Self {
        // Whatever keeps the answer from being written is not "drift".
        Self::Answer(match failure {
            Failure::Code(FOUND) => Failure::Code(FAILED),
            other => other,
        })
    }
}

/// A file, read: its profile, and what was left out.
struct Loaded {
    path: PathBuf,
    profile: Profile,
    left_out: LeftOut,
}

/// The name of a file, for a title.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl Loaded {
    /// As a page names it.
    fn source(&self, role: &'static str) -> report::Source {
        report::Source {
            role,
            path: self.path.clone(),
            rows: self.profile.rows(),
            period: columns::period(&self.profile),
            left_out: self.left_out.sentences(),
        }
    }

    /// The profile of a table, or one that was saved.
    fn read(path: &Path, delimiter: Delimiter) -> Result<Self, StatsError> {
        if let Some(saved) = saved(path)? {
            return Ok(Self { path: path.to_owned(), profile: saved.whole, left_out: LeftOut::default() });
        }
        let mut grown = Grown::default();
        let left_out = tables::read(path, delimiter, &mut |names, cells| grown.add(names, cells))?;
        Ok(Self { path: path.to_owned(), profile: grown.profile(), left_out })
    }
}

/// What a file holds that was saved for others to compare with; none where it is a table.
fn saved(path: &Path) -> Result<Option<Saved>, StatsError> {
    if tables::format(path)? != Format::Profile {
        return Ok(None);
    }
    let failed = |source| TableError::Io { path: path.to_owned(), source };
    let too_large = || {
        StatsError::Told(format!(
            "`{}` is larger than 512 MiB, which no profile is; help: make it anew with `cordon profile`",
            path.display()
        ))
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > MOST_PROFILE {
        return Err(too_large());
    }
    let mut read = Vec::new();
    file.take(MOST_PROFILE + 1).read_to_end(&mut read).map_err(failed)?;
    if read.len() as u64 > MOST_PROFILE {
        return Err(too_large());
    }
    let damaged = |source: ProfileError| TableError::Profile { path: path.to_owned(), source };
    Ok(Some(Saved::from_bytes(&read).map_err(damaged)?))
}

fn no_column(path: &Path, column: &str) -> StatsError {
    StatsError::Told(format!(
        "`{}` has no column `{column}`; help: `cordon profile` lists them",
        path.display()
    ))
}

/// A profile whose columns grow with the table.
#[derive(Default)]
struct Grown {
    resolution: Resolution,
    filling: Option<Filling>,
}

impl Grown {
    /// One of many.
    fn coarse() -> Self {
        Self { resolution: Resolution::Coarse, filling: None }
    }

    fn add(&mut self, names: &[String], cells: &[Cell<'_>]) {
        let filling = self.filling.get_or_insert_with(|| Filling::at(self.resolution, names));
        let known = filling.width();
        for name in names.iter().skip(known) {
            filling.add_column(name);
        }
        // No cells: only the header was told.
        if !cells.is_empty() {
            filling.add(cells);
        }
    }

    /// What was told.
    fn profile(self) -> Profile {
        self.filling.map_or_else(|| Profile::new::<&str>(&[]), Filling::finish)
    }
}

/// A cell as the name of a segment, a group or a class: different cells have different names, but for texts that are longer than
/// anybody's names and begin alike.
fn word(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Boolean(value) => value.to_string(),
        Cell::Date(value) => date(*value),
        Cell::Decimal(value) => {
            let short = number(*value);
            if short.parse() == Ok(*value) { short } else { value.to_string() }
        }
        Cell::Integer(value) => value.to_string(),
        Cell::Missing => "(missing)".to_owned(),
        Cell::Text(value) => (*value).chars().take(LONGEST_WORD).collect(),
    }
}

/// A number as a person reads it: five digits that count.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a double has three digits")]
    let exponent = value.abs().log10().floor() as i32;
    if (-4..9).contains(&exponent) {
        let digits = usize::try_from(4 - exponent).unwrap_or(0);
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{value:.4e}")
    }
}

/// Seconds since 1970 as a day, or as a moment when it is not midnight.
fn date(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates, and jiff refuses what is too far"
    )]
    let moment = jiff::Timestamp::from_microsecond((seconds * 1e6) as i64);
    moment.map_or_else(
        |_| number(seconds),
        |moment| {
            let text = moment.to_string();
            text.strip_suffix("T00:00:00Z").map_or_else(|| text.clone(), str::to_owned)
        },
    )
}

/// The values that fall into a bin.
fn reach(reach: &Reach) -> String {
    match reach {
        Reach::Category(label) => label.clone(),
        Reach::Numbers(low, high) if *low == f64::NEG_INFINITY && *high == f64::INFINITY => "all".to_owned(),
        Reach::Numbers(low, high) if *low == f64::NEG_INFINITY => format!("< {high}"),
        Reach::Numbers(low, high) if *high == f64::INFINITY => format!(">= {low}"),
        Reach::Numbers(low, high) => format!("{low} to {high}"),
        Reach::Others => "(others)".to_owned(),
        Reach::Value(value) => value.to_string(),
    }
}

/// A share in percent.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A p-value in JSON: a number that it does not exceed, and whether it is smaller than that.
#[derive(Serialize)]
struct P {
    value: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    below: bool,
}

impl From<PValue> for P {
    fn from(p: PValue) -> Self {
        Self { value: p.upper_bound(), below: matches!(p, PValue::Below(_)) }
    }
}

/// A number in JSON, where NaN and the infinities are nothing.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// What was left out of a file, on standard error where the answer is text.
fn warn(path: &Path, left_out: &[String]) {
    for sentence in left_out {
        complain(&plain(&format!("{}: {sentence}", path.display())));
    }
}
