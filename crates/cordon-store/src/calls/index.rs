use std::{path::Path, sync::Arc};

use cordon_core::{
    Action, CallId, Category, Cost, Money, Name, RefusalCode, Timestamp, canonical,
    containment::PromptId,
    record::{Operation, Outcome, RecordedFinding, Timings, Tokens},
};
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use super::{
    CallQuery, CallRow, Ending, IndexWriter, JournalBytes, LiveView, Place, Progress,
    live::Live,
    lowest_call,
    sums::{RollUp, Step, Sums, unpacked},
    writer,
};
use crate::data_dir::private_file;

/// The index of calls, to be asked. Clones share their connections.
#[derive(Clone, Debug)]
pub struct CallIndex {
    readers: SqlitePool,
    /// None where nobody in this process writes.
    live: Option<Arc<Live>>,
}

/// Why the index cannot be used. What it holds is derived: deleting the file builds it again.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    /// The file cannot be used now.
    #[error("the index of calls cannot be used")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is of another version or damaged.
    #[error("the index of calls is damaged; help: delete index.db, it is built again from the journal")]
    Damaged,
}

/// The bit of all categories that came when the others were taken.
pub(super) const OTHER_CATEGORIES: i64 = 62;

/// The number of all routes together in the file: no name has it.
pub(super) const ALL_ROUTES: i64 = -1;

/// The form of the tables (`PRAGMA user_version`); a file of another one is built again.
const TABLES_VERSION: i64 = 7;

const TABLES: &str = "
CREATE TABLE calls (
    call BLOB PRIMARY KEY, time INTEGER NOT NULL, operation INTEGER NOT NULL, stream INTEGER NOT NULL,
    principal INTEGER NOT NULL, team INTEGER NOT NULL, route INTEGER, system INTEGER, model INTEGER,
    verdict INTEGER NOT NULL, would INTEGER NOT NULL, categories INTEGER NOT NULL, input BLOB, output BLOB,
    ended INTEGER, outcome INTEGER, status INTEGER, code INTEGER, tokens BLOB, cost BLOB, timings BLOB,
    place BLOB NOT NULL, closed INTEGER, counted BLOB, prompt INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_principal ON calls (principal, call);
CREATE INDEX calls_route ON calls (route, call);
CREATE INDEX calls_verdict ON calls (verdict, call) WHERE verdict > 0;
CREATE INDEX calls_principal_verdict ON calls (principal, verdict, call) WHERE verdict > 0;
CREATE INDEX calls_route_verdict ON calls (route, verdict, call) WHERE verdict > 0;
CREATE INDEX calls_found ON calls (call, categories) WHERE categories <> 0;
CREATE INDEX calls_prompt ON calls (prompt, call) WHERE prompt IS NOT NULL;
CREATE INDEX calls_running ON calls (call) WHERE outcome IS NULL;
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE categories (path TEXT PRIMARY KEY, bit INTEGER NOT NULL) STRICT;
CREATE TABLE unknown (call BLOB PRIMARY KEY, since INTEGER NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL,
    code INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE roll_ups (step INTEGER NOT NULL, start INTEGER NOT NULL, route INTEGER NOT NULL, verdict INTEGER NOT NULL,
    sums BLOB NOT NULL, PRIMARY KEY (step, route, start, verdict)) STRICT, WITHOUT ROWID;
CREATE TABLE charges (name INTEGER NOT NULL, minute INTEGER NOT NULL, currency INTEGER NOT NULL, requests INTEGER NOT NULL,
    input INTEGER NOT NULL, output INTEGER NOT NULL, money INTEGER NOT NULL, PRIMARY KEY (name, minute, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE rates (step INTEGER NOT NULL, source INTEGER NOT NULL, start INTEGER NOT NULL, name INTEGER NOT NULL,
    measure INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (step, source, start, name, measure)) STRICT, WITHOUT ROWID;
CREATE TABLE found (step INTEGER NOT NULL, single INTEGER NOT NULL, start INTEGER NOT NULL, route INTEGER NOT NULL,
    category INTEGER NOT NULL, action INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (step, single, start, route, category, action)) STRICT, WITHOUT ROWID;
CREATE TABLE progress (journal BLOB PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// The columns of a call, in the order of [`read_row`].
const COLUMNS: &str = "
c.call, c.time, c.operation, c.stream, (SELECT text FROM names WHERE id = c.principal),
(SELECT text FROM names WHERE id = c.team), (SELECT text FROM names WHERE id = c.route),
(SELECT text FROM names WHERE id = c.system), (SELECT text FROM names WHERE id = c.model),
c.verdict, c.would, c.input, c.output, c.ended, c.outcome, c.status, (SELECT text FROM names WHERE id = c.code),
c.tokens, c.cost, c.timings, c.place, c.closed, c.prompt";

impl CallIndex {
    /// Opens the index in this file and makes it when it is missing, damaged or of another version (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub async fn open(file: &Path) -> Result<(Self, IndexWriter), CallsError> {
        let writer = match open_writer(file).await {
            Ok(writer) => writer,
            Err(_) => {
                tracing::warn!(file = %file.display(), "the index of calls is built again from the journal");
                writer::remove(file);
                open_writer(file).await?
            }
        };
        let readers = readers(file, 2).await?;
        Ok((Self { readers, live: Some(writer.live()) }, writer))
    }

    /// Opens the index to read it.
    ///
    /// # Errors
    /// When there is no such file, or it is damaged or of another version.
    pub async fn open_read_only(file: &Path) -> Result<Self, CallsError> {
        let readers = readers(file, 1).await?;
        check(&mut *readers.acquire().await?).await?;
        Ok(Self { readers, live: None })
    }

    pub(super) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Ends all reading.
    pub async fn close(&self) {
        self.readers.close().await;
    }

    /// The sequence of the next frame of each journal: what comes after is not in the index yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn progress(&self) -> Result<Progress, CallsError> {
        progress(&mut *self.readers.acquire().await?).await
    }

    /// The calls that a query asks for, newest first.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn query(&self, query: &CallQuery) -> Result<Vec<CallRow>, CallsError> {
        let mut connection = self.readers.acquire().await?;
        let limit = query.limit.unwrap_or(CallQuery::PAGE) as usize;
        let Some(mask) = mask(&mut connection, query.category.as_ref()).await? else { return Ok(Vec::new()) };
        let mut rest = query.clone();
        let mut found = Vec::new();
        loop {
            // A category is looked up by its bit, which may stand for others too: what does not match is dropped, and the
            // search goes on from there.
            let rows = page(&mut connection, &rest, mask, limit).await?;
            let full = rows.len() == limit && limit > 0;
            rest.before = rows.last().map(|row| row.call);
            found.extend(rows.into_iter().filter(|row| query.matches(row)).take(limit - found.len()));
            if !full || found.len() == limit {
                return Ok(found);
            }
        }
    }

    /// How many calls a query asks for, but no more than `most`. Findings of categories that share a bit of the file count
    /// together, so that with a category it may be too many.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn count(&self, query: &CallQuery, most: u32) -> Result<u32, CallsError> {
        let mut connection = self.readers.acquire().await?;
        let Some(mask) = mask(&mut connection, query.category.as_ref()).await? else { return Ok(0) };
        let (conditions, arguments) = conditions(query, mask);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM calls c WHERE {conditions} LIMIT ?)");
        let count: i64 = with(sqlx::query(AssertSqlSafe(sql)), &arguments)
            .bind(i64::from(most))
            .fetch_one(&mut *connection)
            .await?
            .try_get(0)?;
        u32::try_from(count).map_err(|_| CallsError::Damaged)
    }

    /// One call.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn call(&self, call: CallId) -> Result<Option<CallRow>, CallsError> {
        self::call(&mut *self.readers.acquire().await?, call).await
    }

    /// A view of the calls of a journal as they end: at most so many of those that a query asks for, the newest ones, are
    /// kept between two looks. None where this index is only read.
    pub fn live(&self, journal: JournalBytes, query: CallQuery, most: usize) -> Option<LiveView> {
        self.live.as_ref().map(|live| live.open(journal, query, most))
    }

    /// The calls that began and have not ended, oldest first: at the start of a node, those that were interrupted.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn running(&self) -> Result<Vec<CallRow>, CallsError> {
        let sql = format!("SELECT {COLUMNS} FROM calls c WHERE c.outcome IS NULL ORDER BY c.call");
        sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.readers).await?.iter().map(read_row).collect()
    }

    /// The latest calls, newest first, in pages: what a changed guard would have done to them can be judged from their
    /// findings. Calls `each` until it says stop or `calls` were given.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn recent(&self, calls: u32, mut each: impl FnMut(CallRow) + Send) -> Result<(), CallsError> {
        let mut left = calls;
        let mut query = CallQuery::default();
        while left > 0 {
            let limit = left.min(1000);
            query.limit = Some(limit);
            let rows = self.query(&query).await?;
            let last = rows.last().map(|row| row.call);
            let got = u32::try_from(rows.len()).unwrap_or(limit);
            rows.into_iter().for_each(&mut each);
            if got < limit {
                break;
            }
            (query.before, left) = (last, left - got);
        }
        Ok(())
    }

    /// The sums of whole minutes or hours that begin in `[since, until)`, by their beginning, route and verdict. The sums of all
    /// routes come without a route, as those of calls to none do.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn roll_ups(
        &self,
        step: Step,
        sums: Sums,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Option<Name>, Action, RollUp)>, CallsError> {
        // All routes together lie beside each other: nothing of single routes is read for them.
        let which = if sums == Sums::All { "route = -1" } else { "route >= 0" };
        let sql = format!(
            "SELECT start, (SELECT text FROM names WHERE id = route), verdict, sums FROM roll_ups
             WHERE step = $1 AND start >= $2 AND start < $3 AND {which} ORDER BY start, route, verdict"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(step.minutes())
            .bind(step.start(since))
            .bind(until.as_millis().saturating_add(step.millis() - 1).div_euclid(step.millis()))
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                let start: i64 = row.try_get(0)?;
                let route = row.try_get::<Option<&str>, _>(1)?.map(name).transpose()?;
                let sums = RollUp::from_bytes(row.try_get(3)?);
                Ok((
                    Timestamp::from_millis(start.saturating_mul(step.millis())),
                    route,
                    action(row.try_get(2)?)?,
                    sums,
                ))
            })
            .collect()
    }
}

async fn open_writer(file: &Path) -> Result<IndexWriter, CallsError> {
    private_file(file).map_err(|error| CallsError::File(error.into()))?;
    // Relaxed: a loss of power may lose the latest batches, which the journal still has.
    let options = options(file).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    if tables == 0 {
        let sql = format!("BEGIN; {TABLES} PRAGMA user_version = {TABLES_VERSION}; COMMIT");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    check(&mut connection).await?;
    IndexWriter::new(connection, options).await
}

/// One call.
pub(super) async fn call(
    connection: &mut SqliteConnection,
    call: CallId,
) -> Result<Option<CallRow>, CallsError> {
    let sql = format!("SELECT {COLUMNS} FROM calls c WHERE c.call = $1");
    let row =
        sqlx::query(AssertSqlSafe(sql)).bind(call.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(read_row).transpose()
}

async fn readers(file: &Path, size: u32) -> Result<SqlitePool, CallsError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(size)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok(pool.connect_with(options(file).read_only(true)).await?)
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .row_buffer_size(1024)
        .statement_cache_capacity(128)
}

async fn check(connection: &mut SqliteConnection) -> Result<(), CallsError> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    if version == TABLES_VERSION { Ok(()) } else { Err(CallsError::Damaged) }
}

pub(super) async fn progress(connection: &mut SqliteConnection) -> Result<Progress, CallsError> {
    let rows = sqlx::query("SELECT journal, next FROM progress").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let journal: &[u8] = row.try_get(0)?;
            Ok((journal.try_into().map_err(|_| CallsError::Damaged)?, number(row.try_get(1)?)?))
        })
        .collect()
}

/// The bits of a category and its children; all bits for none, nothing for one that was never found.
async fn mask(
    connection: &mut SqliteConnection,
    category: Option<&Category>,
) -> Result<Option<i64>, CallsError> {
    let Some(category) = category else { return Ok(Some(0)) };
    let mut mask = 0;
    for row in sqlx::query("SELECT path, bit FROM categories").fetch_all(connection).await? {
        let bit: i64 = row.try_get(1)?;
        if Category::parse(row.try_get(0)?).is_ok_and(|known| category.covers(&known)) {
            mask |= 1 << bit.clamp(0, OTHER_CATEGORIES);
        }
    }
    Ok((mask != 0).then_some(mask))
}

async fn page(
    connection: &mut SqliteConnection,
    query: &CallQuery,
    mask: i64,
    limit: usize,
) -> Result<Vec<CallRow>, CallsError> {
    let (conditions, arguments) = conditions(query, mask);
    let sql = format!("SELECT {COLUMNS} FROM calls c WHERE {conditions} ORDER BY c.call DESC LIMIT ?");
    let statement =
        with(sqlx::query(AssertSqlSafe(sql)), &arguments).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    statement.fetch_all(connection).await?.iter().map(read_row).collect()
}

/// An argument of a statement.
enum Argument {
    Bytes(Vec<u8>),
    Text(String),
    Number(i64),
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn with<'q>(statement: Statement<'q>, arguments: &[Argument]) -> Statement<'q> {
    arguments.iter().fold(statement, |statement, argument| match argument {
        Argument::Bytes(bytes) => statement.bind(bytes.clone()),
        Argument::Text(text) => statement.bind(text.clone()),
        Argument::Number(number) => statement.bind(*number),
    })
}

/// What a query asks of the rows, and the arguments in their order.
fn conditions(query: &CallQuery, mask: i64) -> (String, Vec<Argument>) {
    let mut sql = "c.call >= ? AND c.call < ?".to_owned();
    let low = query.since.map_or([0; 16], lowest_call);
    let mut high = query.until.map_or([255; 16], lowest_call);
    if let Some(before) = query.before {
        high = high.min(*before.as_bytes());
    }
    let mut arguments = vec![Argument::Bytes(low.to_vec()), Argument::Bytes(high.to_vec())];
    let mut ask = |condition: &str, argument: Argument| {
        sql.push_str(condition);
        arguments.push(argument);
    };
    if let Some(principal) = &query.principal {
        ask(
            " AND c.principal = (SELECT id FROM names WHERE text = ?)",
            Argument::Text(principal.to_string()),
        );
    }
    if let Some(route) = &query.route {
        ask(" AND c.route = (SELECT id FROM names WHERE text = ?)", Argument::Text(route.to_string()));
    }
    // Each condition says again what its partial index is limited to, so that it can be used.
    match query.verdict {
        None => {}
        Some(Action::Allow) => ask(" AND c.verdict = ?", Argument::Number(action_number(Action::Allow))),
        Some(verdict) => {
            ask(" AND c.verdict > 0 AND c.verdict = ?", Argument::Number(action_number(verdict)));
        }
    }
    if let Some(prompt) = query.prompt {
        ask(" AND c.prompt = ?", Argument::Number(prompt_number(prompt)));
    }
    if mask != 0 {
        ask(" AND c.categories <> 0 AND c.categories & ? <> 0", Argument::Number(mask));
    }
    if query.found {
        sql.push_str(" AND c.categories <> 0");
    }
    (sql, arguments)
}

fn read_row(row: &SqliteRow) -> Result<CallRow, CallsError> {
    let optional_name = |column: usize| row.try_get::<Option<&str>, _>(column)?.map(name).transpose();
    let ending = match row.try_get::<Option<i64>, _>(14)? {
        None => None,
        Some(outcome) => {
            let code: Option<&str> = row.try_get(16)?;
            let tokens = row.try_get::<Option<&[u8]>, _>(17)?.map(numbers::<3>).transpose()?;
            Some(Ending {
                time: Timestamp::from_millis(row.try_get(13)?),
                outcome: self::outcome(outcome)?,
                status: row.try_get(15)?,
                code: code.map(|code| RefusalCode::parse(code).ok_or(CallsError::Damaged)).transpose()?,
                // What was written to a cache is in the frame alone: the cost knows it already.
                tokens: tokens.map(|[input, output, cached]| Tokens {
                    input,
                    output,
                    cached,
                    cache_written: 0,
                }),
                cost: row.try_get::<Option<&[u8]>, _>(18)?.map(cost).transpose()?,
                timings: timings(row.try_get(19)?)?,
            })
        }
    };
    let (journal, opened) = place(row.try_get(20)?)?;
    let closed = row.try_get::<Option<i64>, _>(21)?.map(number).transpose()?;
    Ok(CallRow {
        call: CallId::from_bytes(row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| CallsError::Damaged)?),
        time: Timestamp::from_millis(row.try_get(1)?),
        operation: operation(row.try_get(2)?)?,
        stream: row.try_get(3)?,
        principal: name(row.try_get(4)?)?,
        team: name(row.try_get(5)?)?,
        route: optional_name(6)?,
        system: optional_name(7)?,
        model: optional_name(8)?,
        prompt: row.try_get::<Option<i64>, _>(22)?.map(|number| PromptId::from_bytes(number.to_be_bytes())),
        verdict: action(row.try_get(9)?)?,
        would: action(row.try_get(10)?)?,
        input: findings(row.try_get(11)?)?,
        output: findings(row.try_get(12)?)?,
        ending,
        place: Place { journal, opened, closed },
    })
}

pub(super) fn name(text: &str) -> Result<Name, CallsError> {
    Name::parse(text).map_err(|_| CallsError::Damaged)
}

pub(super) fn findings(bytes: Option<&[u8]>) -> Result<Vec<RecordedFinding>, CallsError> {
    bytes.map_or(Ok(Vec::new()), |bytes| Ok(canonical::from_bytes(bytes)?))
}

fn place(bytes: &[u8]) -> Result<(super::JournalBytes, u64), CallsError> {
    let (journal, sequence) = bytes.split_first_chunk::<16>().ok_or(CallsError::Damaged)?;
    Ok((*journal, u64::from_be_bytes(sequence.try_into().map_err(|_| CallsError::Damaged)?)))
}

fn cost(bytes: &[u8]) -> Result<Cost, CallsError> {
    let ([amount, currency], []) = bytes.as_chunks::<8>() else { return Err(CallsError::Damaged) };
    let currency = unpacked(u64::from_be_bytes(*currency)).ok_or(CallsError::Damaged)?;
    Ok(Cost { amount: Money::from_nanos(u64::from_be_bytes(*amount)), currency })
}

fn timings(bytes: &[u8]) -> Result<Timings, CallsError> {
    let [receive, admit, inspect_input, upstream_first_byte, upstream, inspect_output, record, total] =
        numbers(bytes)?;
    Ok(Timings {
        receive,
        admit,
        inspect_input,
        upstream_first_byte,
        upstream,
        inspect_output,
        record,
        total,
    })
}

/// So many numbers of four bytes each.
fn numbers<const N: usize>(bytes: &[u8]) -> Result<[u64; N], CallsError> {
    let (words, rest) = bytes.as_chunks::<4>();
    if words.len() != N || !rest.is_empty() {
        return Err(CallsError::Damaged);
    }
    let mut numbers = [0; N];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = u32::from_be_bytes(*word).into();
    }
    Ok(numbers)
}

pub(super) fn number(value: i64) -> Result<u64, CallsError> {
    u64::try_from(value).map_err(|_| CallsError::Damaged)
}

/// A prompt in the file.
pub(super) const fn prompt_number(prompt: PromptId) -> i64 {
    i64::from_be_bytes(prompt.to_bytes())
}

/// Numbers of the file's words. A variant that comes later gets the next number; none is ever given to another one.
pub(super) const fn action_number(action: Action) -> i64 {
    match action {
        Action::Allow => 0,
        Action::Flag => 1,
        Action::Redact => 2,
        Action::Hold => 3,
        Action::Block => 4,
    }
}

pub(super) fn action(number: i64) -> Result<Action, CallsError> {
    Action::ALL.into_iter().find(|action| action_number(*action) == number).ok_or(CallsError::Damaged)
}

pub(super) const fn outcome_number(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Released => 0,
        Outcome::Refused => 1,
        Outcome::UpstreamFailed => 2,
        Outcome::CallerGone => 3,
        Outcome::Interrupted => 4,
    }
}

fn outcome(number: i64) -> Result<Outcome, CallsError> {
    [Outcome::Released, Outcome::Refused, Outcome::UpstreamFailed, Outcome::CallerGone, Outcome::Interrupted]
        .into_iter()
        .find(|outcome| outcome_number(*outcome) == number)
        .ok_or(CallsError::Damaged)
}

pub(super) const fn operation_number(operation: Operation) -> i64 {
    match operation {
        Operation::Chat => 0,
        Operation::ListModels => 1,
        Operation::Embeddings => 2,
        Operation::Messages => 3,
        Operation::CountTokens => 4,
        Operation::Responses => 5,
        Operation::Infer => 6,
        Operation::Invocations => 7,
        Operation::DescribeModel => 8,
        Operation::Moderate => 9,
        Operation::UploadFile => 10,
        Operation::ListFiles => 11,
        Operation::DescribeFile => 12,
        Operation::ReadFile => 13,
        Operation::DeleteFile => 14,
    }
}

pub(super) fn operation(number: i64) -> Result<Operation, CallsError> {
    let is = |operation: &Operation| operation_number(*operation) == number;
    Operation::ALL.into_iter().find(is).ok_or(CallsError::Damaged)
}

impl From<sqlx::Error> for CallsError {
    fn from(error: sqlx::Error) -> Self {
        Self::File(error.into())
    }
}

impl From<canonical::Error> for CallsError {
    fn from(_: canonical::Error) -> Self {
        Self::Damaged
    }
}
