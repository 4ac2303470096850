//! `forecast`: when a limit will be crossed, if the trend goes on, and where that cannot be said.

mod told;

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use cordon_stats::{
    forecast::{Crossing, Limit, Trend},
    interval::{Level, Mean},
};
use serde::Serialize;

use super::super::json;
use super::outcomes::{Picked, Range, float, level};
use super::report::Look;
use super::{Reading, Said, StatsError, warn};
use crate::tables;

pub(in super::super) const FORECAST: &str = "\
Examples:
  cordon forecast daily.csv --time day --value missing_rate --at-most 0.05
  cordon forecast scored.csv --time when --value error --every day --at-most 0.2
  cordon forecast daily.csv --time day --value missing_rate --at-most 0.05 --html forecast.html

A straight line is laid through the values and continued; the interval is that of the line, with values that resemble the ones before
them counted for less. See docs/statistics.md.

Exit code: 0 no crossing is foreseen, 1 the limit is crossed now or a crossing is foreseen, 2 it cannot be read or said.";

/// Values that are held at most; more need `--every`.
const MOST: usize = 1_000_000;

#[derive(Args)]
pub(in super::super) struct ForecastArgs {
    /// A table in CSV, JSON lines or Parquet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column with the time: a date, or any number that grows with it.
    #[arg(long, value_name = "COLUMN")]
    time: String,
    /// The column with what is watched.
    #[arg(long, value_name = "COLUMN")]
    value: String,
    /// The value must not be above this.
    #[arg(
        long,
        value_name = "NUMBER",
        allow_hyphen_values = true,
        required_unless_present = "at_least",
        conflicts_with = "at_least"
    )]
    at_most: Option<f64>,
    /// The value must not be below this.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    at_least: Option<f64>,
    /// Take the mean of the values of each hour, day or week.
    #[arg(long, value_enum, value_name = "PERIOD")]
    every: Option<Every>,
    /// The confidence of every interval.
    #[arg(long, default_value = "0.95", value_name = "SHARE", value_parser = level)]
    confidence: Level,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

/// A period of which the values are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Every {
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// Seven days.
    Week,
}

impl Every {
    fn seconds(self) -> f64 {
        match self {
            Self::Day => 86_400.0,
            Self::Hour => 3_600.0,
            Self::Week => 604_800.0,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    file: String,
    rows: u64,
    /// Rows without a time or without a value.
    without: u64,
    left_out: Vec<String>,
    points: usize,
    confidence: f64,
    /// How many independent observations the points are worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective: Option<f64>,
    /// Change for each unit of time: a second, where times are dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    slope: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Range>,
    crossing: Told,
}

#[derive(Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Told {
    Already,
    Away,
    Expected { earliest: String, expected: String, latest: String },
    Far { earliest: String },
    Unclear { earliest: Option<String> },
    Unknown { why: String },
}

/// The values over time, with what was not taken.
struct Values {
    points: Vec<(f64, f64)>,
    rows: u64,
    without: u64,
    is_date: bool,
    left_out: tables::LeftOut,
}

pub(super) fn run(args: &ForecastArgs) -> Result<Said, StatsError> {
    let values = read(args)?;
    let limit = match (args.at_most, args.at_least) {
        (Some(limit), _) => Limit::AtMost(limit),
        (None, limit) => Limit::AtLeast(limit.unwrap_or(f64::NEG_INFINITY)),
    };
    let trend = Trend::of(&values.points, args.confidence);
    let crossing = trend.map(|trend| trend.crossing(limit));
    let report = told::report(args, &values, trend, crossing);
    args.look.write(&report, || told::story(args, &values, trend, crossing))?;
    if args.look.form.json {
        json(&Answer {
            file: args.file.display().to_string(),
            rows: values.rows,
            without: values.without,
            left_out: values.left_out.sentences(),
            points: values.points.len(),
            confidence: args.confidence.confidence(),
            effective: trend.ok().map(|trend| trend.effective),
            slope: trend.ok().map(|trend| trend.slope.into()),
            now: trend.ok().map(|trend| trend.now.into()),
            crossing: told::told(crossing, &values),
        })?;
    } else {
        warn(&args.file, &values.left_out.sentences());
        args.look.say(&report)?;
    }
    Ok(match crossing {
        Ok(Crossing::Already | Crossing::Expected { .. }) => Said::Found,
        Ok(Crossing::Away | Crossing::Far { .. } | Crossing::Unclear { .. }) => Said::Nothing,
        // What cannot be said is not "no".
        Err(why) => {
            let path = args.file.display();
            return Err(StatsError::Told(format!(
                "when the limit is crossed cannot be said of `{path}`: {}; help: eight values at least, of several times",
                told::why_not(why)
            )));
        }
    })
}

fn read(args: &ForecastArgs) -> Result<Values, StatsError> {
    let names = [args.time.clone(), args.value.clone()];
    let mut picked = Picked::new(&names);
    let (mut rows, mut without, mut is_date) = (0, 0, false);
    let mut single: Vec<(f64, f64)> = Vec::new();
    let mut periods: BTreeMap<i64, Mean> = BTreeMap::new();
    let mut too_many = false;
    let left_out = tables::read(&args.file, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        rows += 1;
        let (time, value) = (picked.cell(0, cells), picked.cell(1, cells));
        is_date |= matches!(time, cordon_stats::profile::Cell::Date(_));
        let (Some(time), Some(value)) = (float(time), float(value)) else {
            without += 1;
            return;
        };
        match args.every {
            Some(every) => {
                #[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
                let period = (time / every.seconds()).floor() as i64;
                if periods.len() < MOST || periods.contains_key(&period) {
                    periods.entry(period).or_default().push(value);
                } else {
                    too_many = true;
                }
            }
            None if single.len() < MOST => single.push((time, value)),
            None => too_many = true,
        }
    })?;
    picked.all_found(&args.file)?;
    if too_many {
        return Err(StatsError::Told(format!(
            "`{}` has more than a million values; help: take the mean of each hour, day or week with --every",
            args.file.display()
        )));
    }
    if let Some(every) = args.every {
        // The middle of the period.
        let time = |period: i64| (period as f64 + 0.5) * every.seconds();
        single = periods.iter().filter_map(|(period, mean)| Some((time(*period), mean.value()?))).collect();
    }
    Ok(Values { points: single, rows, without, is_date, left_out })
}
