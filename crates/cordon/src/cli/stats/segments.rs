//! Rows told apart: by the values of a column or two, or by the season of their time. Each part has a profile of its own.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, ValueEnum};
use cordon_stats::profile::{Cell, Parts, Profile};

use super::{Grown, StatsError, no_column, saved, word};
use crate::tables::{self, Delimiter, LeftOut};

/// The most segments that are told apart by their values: each holds a profile of every column.
const MOST_SEGMENTS: usize = 24;
/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Seconds of an hour.
const HOUR: f64 = 3_600.0;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// How rows are told apart.
#[derive(Args)]
pub(super) struct Parting {
    /// Apart by each value of this column, or of two with a comma between them; at most 24, those that the reference has first.
    #[arg(long, value_name = "COLUMN[,COLUMN]", conflicts_with = "season")]
    by: Option<String>,
    /// Apart by the season that --time is of (UTC), so that like is compared with like: what comes back each week is no change.
    #[arg(long, value_enum, value_name = "SEASON", requires = "time")]
    season: Option<Season>,
    /// The column with the time of a row, for --season.
    #[arg(long, value_name = "COLUMN", requires = "season")]
    time: Option<String>,
}

impl Parting {
    /// None where rows are not told apart.
    pub(super) fn by(&self) -> Option<By> {
        let season = self.season.zip(self.time.clone());
        let columns = self.by.clone().map(By::Columns);
        columns.or_else(|| season.map(|(every, time)| By::Season { every, time }))
    }
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Season {
    /// Seven.
    DayOfWeek,
    /// Twenty-four.
    HourOfDay,
    /// 168, each with a profile of every column.
    HourOfWeek,
}

impl Season {
    const fn word(self) -> &'static str {
        match self {
            Self::DayOfWeek => "day-of-week",
            Self::HourOfDay => "hour-of-day",
            Self::HourOfWeek => "hour-of-week",
        }
    }

    /// The season of a moment, in seconds since 1970.
    fn of(self, seconds: f64) -> String {
        // The first of January 1970 was a Thursday.
        let weekday = ((seconds / DAY).floor() + 3.0).rem_euclid(7.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 6")]
        let weekday = WEEKDAYS.get(weekday as usize).copied().unwrap_or_default();
        let hour = (seconds.rem_euclid(DAY) / HOUR).floor();
        match self {
            Self::DayOfWeek => weekday.to_owned(),
            Self::HourOfDay => format!("{hour:02}:00"),
            Self::HourOfWeek => format!("{weekday} {hour:02}:00"),
        }
    }
}

/// What rows are told apart by.
#[derive(Debug, Clone)]
pub(super) enum By {
    Columns(String),
    Season { every: Season, time: String },
}

impl By {
    /// As a profile names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Columns(columns) => columns.clone(),
            Self::Season { every, time } => format!("{} of {time}", every.word()),
        }
    }

    /// The arguments that ask for it.
    fn arguments(&self) -> String {
        match self {
            Self::Columns(columns) => format!("--by {columns}"),
            Self::Season { every, time } => format!("--season {} --time {time}", every.word()),
        }
    }

    /// The columns that the parts of a table are by.
    pub(super) fn columns(&self, is_column: impl Fn(&str) -> bool) -> [Option<&str>; 2] {
        match self {
            Self::Columns(columns) => {
                let (first, second) = parted(columns, is_column);
                [Some(first), second]
            }
            Self::Season { time, .. } => [Some(time), None],
        }
    }

    pub(super) const fn is_season(&self) -> bool {
        matches!(self, Self::Season { .. })
    }

    /// The part that a row belongs to, by the cells of its columns; none where it has no season.
    fn part(&self, first: Cell<'_>, second: Option<Cell<'_>>) -> Option<String> {
        match (self, first, second) {
            (Self::Columns(_), first, None) => Some(word(&first)),
            (Self::Columns(_), first, Some(second)) => Some(format!("{}, {}", word(&first), word(&second))),
            (Self::Season { every, .. }, Cell::Date(seconds), _) => Some(every.of(seconds)),
            (Self::Season { .. }, ..) => None,
        }
    }
}

/// One column, or two with a comma between them. A column may have a comma in its own name.
pub(super) fn parted(by: &str, is_column: impl Fn(&str) -> bool) -> (&str, Option<&str>) {
    if is_column(by) {
        return (by, None);
    }
    by.split_once(',').map_or((by, None), |(first, second)| (first.trim(), Some(second.trim())))
}

/// The parts of a table.
pub(super) struct Segments {
    pub(super) profiles: BTreeMap<String, Profile>,
    /// How often each part is, over all rows.
    pub(super) sizes: Profile,
    pub(super) left_out: LeftOut,
    /// Rows of parts that are not told apart, or of none.
    pub(super) rows_beyond: u64,
}

impl Segments {
    /// Of a table, or of a profile that was saved with the same parts: those that another one has, or else the first ones.
    ///
    /// # Errors
    /// When the file cannot be read, lacks a column, holds no time in it, or is a profile without these parts.
    pub(super) fn of(
        path: &Path,
        delimiter: Delimiter,
        by: &By,
        like: Option<&Self>,
    ) -> Result<Self, StatsError> {
        match saved(path)? {
            Some(saved) => Self::kept(path, saved.parts, by, like),
            None => Self::read(path, delimiter, by, like),
        }
    }

    fn kept(path: &Path, parts: Option<Parts>, by: &By, like: Option<&Self>) -> Result<Self, StatsError> {
        let has = parts.as_ref().map(|parts| format!(", but by `{}`", parts.by)).unwrap_or_default();
        let Some(parts) = parts.filter(|parts| parts.by == by.name()) else {
            return Err(StatsError::Told(format!(
                "`{}` is a profile that does not keep its rows apart by `{}`{has}; help: make it with `cordon profile FILE {} --output \
                 NAME`, or take the table itself",
                path.display(),
                by.name(),
                by.arguments()
            )));
        };
        let Parts { mut profiles, sizes, mut rows_beyond, .. } = parts;
        if let Some(like) = like {
            profiles.retain(|name, part| {
                let is_kept = like.profiles.contains_key(name);
                rows_beyond += if is_kept { 0 } else { part.rows() };
                is_kept
            });
        }
        Ok(Self { profiles, sizes, left_out: LeftOut::default(), rows_beyond })
    }

    fn read(path: &Path, delimiter: Delimiter, by: &By, like: Option<&Self>) -> Result<Self, StatsError> {
        let name = by.name();
        let (mut sizes, mut rows_beyond) = (Profile::new(&[&name]), 0);
        let mut profiles: BTreeMap<String, Grown> = BTreeMap::new();
        let (mut known, mut any) = (false, false);
        let left_out = tables::read(path, delimiter, &mut |names, cells| {
            let place = |wanted: &str| names.iter().position(|name| name == wanted);
            let [first, second] = by.columns(|name| place(name).is_some());
            let at = (first.and_then(place), second.map(place));
            known |= at.0.is_some() && at.1.is_none_or(|at| at.is_some());
            if cells.is_empty() {
                return;
            }
            let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).copied().unwrap_or(Cell::Missing);
            let part = by.part(cell(at.0), at.1.map(cell));
            sizes.add(&[match &part {
                // What a column says is counted as it is, a number as a number.
                Some(_) if at.1.is_none() && !by.is_season() => cell(at.0),
                Some(part) => Cell::Text(part),
                None => Cell::Missing,
            }]);
            any |= part.is_some();
            let is_kept = |part: &String| match like {
                Some(like) => like.profiles.contains_key(part),
                None => by.is_season() || profiles.len() < MOST_SEGMENTS || profiles.contains_key(part),
            };
            match part.filter(is_kept) {
                Some(part) => profiles.entry(part).or_insert_with(Grown::coarse).add(names, cells),
                None => rows_beyond += 1,
            }
        })?;
        if !known {
            let columns = by.columns(|_| false);
            let first = columns.first().copied().flatten().unwrap_or(&name);
            return Err(no_column(path, if by.is_season() { first } else { &name }));
        }
        if by.is_season() && !any && sizes.rows() > 0 {
            return Err(StatsError::Told(format!(
                "`{}` has no date or time in the column `{}` of --time; help: dates are ISO 8601, such as 2026-11-21T10:00:00Z",
                path.display(),
                by.columns(|_| true).into_iter().flatten().next().unwrap_or_default()
            )));
        }
        let profiles = profiles.into_iter().map(|(name, grown)| (name, grown.profile()));
        let mut read = Self { profiles: profiles.collect(), sizes, left_out, rows_beyond };
        if by.is_season() {
            // Seasons are compared in the bins of all of them: nothing finer is asked for, or kept.
            let together = read.together();
            read.profiles.values_mut().for_each(|season| season.coarsen_like(&together));
        }
        Ok(read)
    }

    /// As a profile keeps them.
    pub(super) fn into_parts(self, by: &By) -> Parts {
        let Self { profiles, sizes, rows_beyond, .. } = self;
        Parts { by: by.name(), sizes, profiles, rows_beyond }
    }

    /// All parts that are told apart, together.
    pub(super) fn together(&self) -> Profile {
        let mut whole = Profile::new::<&str>(&[]);
        self.profiles.values().for_each(|part| whole.join(part));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seasons_are_those_of_the_calendar() {
        for (seconds, day, hour) in [
            (0.0, "Thursday", "00:00"),
            (-1.0, "Wednesday", "23:00"),
            // 2026-11-21T21:17:00Z, a Saturday.
            (1_795_295_820.0, "Saturday", "21:00"),
            (1_795_305_599.9, "Saturday", "23:00"),
            (1_795_305_600.0, "Sunday", "00:00"),
        ] {
            assert_eq!(Season::DayOfWeek.of(seconds), day);
            assert_eq!(Season::HourOfDay.of(seconds), hour);
            assert_eq!(Season::HourOfWeek.of(seconds), format!("{day} {hour}"));
        }
    }
}
