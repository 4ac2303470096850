//! What became of calls by where they came from, and what was found on each route: counts by minute, hour and day.
//!
//! A call counts when it ends, in the step that its end lies in. What it counts for is said by [`cordon_core::record::Ended`].

use std::collections::{BTreeMap, HashSet};

use cordon_core::{
    Action, Category, Channel, Name, Timestamp,
    record::{Ended, Measure, Operation},
};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    index::{CallIndex, CallsError, action, action_number, name, number, operation, operation_number},
    sums::Step,
};

/// By what calls are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Not at all.
    All,
    /// By where what was found in them came from.
    Channel,
    /// By what they do.
    Operation,
    /// By who calls.
    Principal,
    /// By the route that they went to.
    Route,
}

/// Where calls, or what was found in them, came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// All of them.
    All,
    /// A channel. Nobody records which channels a call has: there are only counts of what was found there.
    Channel(Channel),
    /// An operation.
    Operation(Operation),
    /// A caller.
    Principal(Name),
    /// A route, or none.
    Route(Option<Name>),
}

/// How many calls counted for each measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Measure::ALL.len()]);

/// Calls in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSum {
    /// The route; none where routes are not told apart, and of calls to none.
    pub route: Option<Name>,
    /// What was found: a category, or the root of some.
    pub category: Category,
    /// The strictest that was done because of it.
    pub action: Action,
    /// How many calls.
    pub calls: u64,
}

impl Counts {
    /// How many calls counted for a measure.
    pub fn of(&self, measure: Measure) -> u64 {
        self.0.iter().zip(Measure::ALL).find(|(_, known)| *known == measure).map_or(0, |(count, _)| *count)
    }

    fn add(&mut self, measure: i64, calls: u64) {
        let measures = self.0.iter_mut().zip(Measure::ALL);
        for (count, _) in measures.filter(|(_, known)| measure_number(*known) == measure) {
            *count = count.saturating_add(calls);
        }
    }

    /// Adds others to these.
    pub fn join(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::All, Self::Channel, Self::Operation, Self::Principal, Self::Route];

    /// Its number in the file, never another one's.
    const fn number(self) -> i64 {
        match self {
            Self::All => 0,
            Self::Principal => 1,
            Self::Route => 2,
            Self::Operation => 3,
            Self::Channel => 4,
        }
    }

    fn read(self, row: &SqliteRow, number: usize, text: usize) -> Result<Source, CallsError> {
        let id: i64 = row.try_get(number)?;
        let text = || row.try_get::<Option<&str>, _>(text)?.map(name).transpose();
        Ok(match self {
            Self::All => Source::All,
            Self::Principal => Source::Principal(text()?.ok_or(CallsError::Damaged)?),
            Self::Route => Source::Route(text()?),
            Self::Operation => Source::Operation(operation(id)?),
            Self::Channel => {
                let known = Channel::ALL.into_iter().find(|channel| channel_number(*channel) == id);
                Source::Channel(known.ok_or(CallsError::Damaged)?)
            }
        })
    }
}

/// How many steps of counts are kept: fewer than of other sums, because there are as many of them as callers.
const fn kept(step: Step) -> i64 {
    match step {
        // A day, what a first step of an hour begins before it, and some room.
        Step::Minute => 26 * 60,
        Step::Hour => 40 * 24,
        Step::Day => 400,
    }
}

/// Numbers of the file. A variant that comes later gets the next number; none is ever given to another one.
const fn measure_number(measure: Measure) -> i64 {
    match measure {
        Measure::Judged => 0,
        Measure::Malformed => 1,
        Measure::RequestBlocked => 2,
        Measure::AnswerBlocked => 3,
        Measure::Held => 4,
        Measure::Redacted => 5,
        Measure::Flagged => 6,
        Measure::Unread => 7,
    }
}

const fn channel_number(channel: Channel) -> i64 {
    match channel {
        Channel::System => 0,
        Channel::User => 1,
        Channel::Document => 2,
        Channel::ToolOutput => 3,
        Channel::Model => 4,
    }
}

/// Step, source, start, name and measure.
type Place = (Step, SourceKind, i64, i64, i64);
/// Step, whether it is of a single route, start, route, category and action.
type FoundPlace = (Step, bool, i64, i64, Category, Action);

/// What a batch brings.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    counts: BTreeMap<Place, i64>,
    found: BTreeMap<FoundPlace, i64>,
}

impl Tallies {
    /// Adds a call that ended at this time. Route and principal are numbers of names.
    pub(super) fn add(&mut self, time: Timestamp, route: Option<i64>, principal: i64, ended: &Ended<'_>) {
        // No route is number 0, which no name has: a primary key holds no null.
        let route = route.unwrap_or(0);
        let sources = [
            (SourceKind::All, 0),
            (SourceKind::Principal, principal),
            (SourceKind::Route, route),
            (SourceKind::Operation, operation_number(ended.operation)),
        ];
        let measures: Vec<i64> = ended.measures().map(measure_number).collect();
        let categories = ended.categories();
        for step in Step::ALL {
            let start = step.start(time);
            let mut count = |kind, name, measure| {
                let sum = self.counts.entry((step, kind, start, name, measure)).or_default();
                *sum = sum.saturating_add(1);
            };
            for measure in &measures {
                sources.iter().for_each(|(kind, name)| count(*kind, *name, *measure));
            }
            for (channel, measure) in ended.channels() {
                count(SourceKind::Channel, channel_number(channel), measure_number(measure));
            }
            for (category, action) in &categories {
                for (single, route) in [(false, 0), (true, route)] {
                    let at = (step, single, start, route, category.clone(), *action);
                    let sum = self.found.entry(at).or_default();
                    *sum = sum.saturating_add(1);
                }
            }
        }
    }

    /// The names that must be known by a number.
    pub(super) fn categories(&self) -> HashSet<&str> {
        self.found.keys().map(|(.., category, _)| category.as_str()).collect()
    }

    /// Adds all of it to the file. `known` is the number of a name.
    pub(super) async fn store(
        &self,
        connection: &mut SqliteConnection,
        known: impl Fn(&str) -> Option<i64>,
    ) -> Result<(), CallsError> {
        let counts: Vec<[i64; 6]> = self
            .counts
            .iter()
            .map(|((step, kind, start, name, measure), count)| {
                [step.minutes(), kind.number(), *start, *name, *measure, *count]
            })
            .collect();
        add(connection, "rates", &counts).await?;
        let found: Vec<[i64; 7]> = self
            .found
            .iter()
            .filter_map(|((step, single, start, route, category, action), count)| {
                let category = known(category.as_str())?;
                let single = i64::from(*single);
                Some([step.minutes(), single, *start, *route, category, action_number(*action), *count])
            })
            .collect();
        add(connection, "found", &found).await
    }
}

/// How many rows one statement adds.
const ROWS: usize = 16;

/// Adds rows to a table of this file, each to the count that is there.
async fn add<const N: usize>(
    connection: &mut SqliteConnection,
    table: &'static str,
    rows: &[[i64; N]],
) -> Result<(), CallsError> {
    let (whole, rest) = rows.as_chunks::<ROWS>();
    // Two lengths of statements, so that both stay prepared.
    let pieces = whole.iter().map(<[_; ROWS]>::as_slice).chain(rest.iter().map(std::slice::from_ref));
    for piece in pieces {
        let row = format!("({})", ["?"; N].join(", "));
        let sql = format!(
            "INSERT INTO {table} VALUES {} ON CONFLICT DO UPDATE SET count = min(count + excluded.count, {MOST})",
            vec![row; piece.len()].join(", ")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = piece.iter().flatten().fold(query, |query, number| query.bind(*number));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// No count is larger, so that none overflows.
const MOST: i64 = 1 << 62;

/// Forgets what is too old.
pub(super) async fn forget(connection: &mut SqliteConnection) -> Result<(), CallsError> {
    for step in Step::ALL {
        let old = "start < (SELECT max(start) FROM roll_ups WHERE step = $1) - $2";
        for kind in SourceKind::ALL {
            let sql = format!("DELETE FROM rates WHERE step = $1 AND source = $3 AND {old}");
            let query = sqlx::query(AssertSqlSafe(sql)).bind(step.minutes()).bind(kept(step));
            query.bind(kind.number()).execute(&mut *connection).await?;
        }
        for single in [0, 1] {
            let sql = format!("DELETE FROM found WHERE step = $1 AND single = $3 AND {old}");
            let query = sqlx::query(AssertSqlSafe(sql)).bind(step.minutes()).bind(kept(step));
            query.bind(single).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// The numbers of the steps that begin in `[since, until)`.
fn steps(step: Step, since: Timestamp, until: Timestamp) -> (i64, i64) {
    let end = until.as_millis().saturating_add(step.millis() - 1).div_euclid(step.millis());
    (step.start(since), end)
}

impl CallIndex {
    /// What became of the calls of whole steps that begin in `[since, until)`, by their source.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn rates(
        &self,
        step: Step,
        by: SourceKind,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<BTreeMap<Source, Counts>, CallsError> {
        let (first, end) = steps(step, since, until);
        let rows = sqlx::query(
            "SELECT name, (SELECT text FROM names WHERE id = name), measure, sum(count) FROM rates
             WHERE step = $1 AND source = $2 AND start >= $3 AND start < $4 GROUP BY name, measure",
        )
        .bind(step.minutes())
        .bind(by.number())
        .bind(first)
        .bind(end)
        .fetch_all(self.readers())
        .await?;
        let mut sums: BTreeMap<Source, Counts> = BTreeMap::new();
        for row in rows {
            let source = by.read(&row, 0, 1)?;
            sums.entry(source).or_default().add(row.try_get(2)?, number(row.try_get(3)?)?);
        }
        Ok(sums)
    }

    /// What became of the calls of one source, step by step. Steps in which nothing was counted are not there.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn rates_of(
        &self,
        step: Step,
        source: &Source,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<BTreeMap<Timestamp, Counts>, CallsError> {
        let (first, end) = steps(step, since, until);
        let (kind, name, text) = match source {
            Source::All | Source::Route(None) => (source.kind(), Some(0), None),
            Source::Channel(channel) => (SourceKind::Channel, Some(channel_number(*channel)), None),
            Source::Operation(operation) => (SourceKind::Operation, Some(operation_number(*operation)), None),
            Source::Principal(name) | Source::Route(Some(name)) => (source.kind(), None, Some(name.as_str())),
        };
        let rows = sqlx::query(
            "SELECT start, measure, count FROM rates WHERE step = $1 AND source = $2 AND start >= $3 AND start < $4
             AND name = coalesce($5, (SELECT id FROM names WHERE text = $6))",
        )
        .bind(step.minutes())
        .bind(kind.number())
        .bind(first)
        .bind(end)
        .bind(name)
        .bind(text)
        .fetch_all(self.readers())
        .await?;
        let mut sums: BTreeMap<Timestamp, Counts> = BTreeMap::new();
        for row in rows {
            let start: i64 = row.try_get(0)?;
            let start = Timestamp::from_millis(start.saturating_mul(step.millis()));
            sums.entry(start).or_default().add(row.try_get(1)?, number(row.try_get(2)?)?);
        }
        Ok(sums)
    }

    /// In how many calls of whole steps that begin in `[since, until)` each category was found, and each root of categories, by the
    /// strictest that was done because of it: of all routes together, or of each.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn found(
        &self,
        step: Step,
        by_route: bool,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Vec<FoundSum>, CallsError> {
        let (first, end) = steps(step, since, until);
        let rows = sqlx::query(
            "SELECT (SELECT text FROM names WHERE id = route), (SELECT text FROM names WHERE id = category), action, sum(count)
             FROM found WHERE step = $1 AND single = $2 AND start >= $3 AND start < $4 GROUP BY route, category, action",
        )
        .bind(step.minutes())
        .bind(by_route)
        .bind(first)
        .bind(end)
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let category = row.try_get::<Option<&str>, _>(1)?.unwrap_or_default();
                Ok(FoundSum {
                    route: row.try_get::<Option<&str>, _>(0)?.map(name).transpose()?,
                    category: Category::parse(category).map_err(|_| CallsError::Damaged)?,
                    action: action(row.try_get(2)?)?,
                    calls: number(row.try_get(3)?)?,
                })
            })
            .collect()
    }
}

impl Source {
    /// By what it is told apart.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::All => SourceKind::All,
            Self::Channel(_) => SourceKind::Channel,
            Self::Operation(_) => SourceKind::Operation,
            Self::Principal(_) => SourceKind::Principal,
            Self::Route(_) => SourceKind::Route,
        }
    }
}
