use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use cordon_core::{
    Action, CallId, Category, Cost, Name, canonical,
    record::{Attempted, Closed, Ended, Frame, Operation, RecordedFinding, Timings, Unknown},
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    CallRow, JournalBytes, Progress, SourceFrame,
    charges::{Account, Charges},
    index::{ALL_ROUTES, CallsError, OTHER_CATEGORIES, action_number, outcome_number},
    live::{Live, Showing},
    rates::Tallies,
    sums::{RollUp, Step, packed},
};

/// The one writer of an index.
#[derive(Debug)]
pub struct IndexWriter {
    options: SqliteConnectOptions,
    /// None after an error: where the disk fails, SQLite ends a transaction by itself and sqlx does not learn of it, so
    /// that the connection could not begin another one.
    connection: Option<SqliteConnection>,
    progress: Progress,
    interned: Interned,
    /// The most bytes that calls may take.
    bound: u64,
    /// Batches until the bound is looked at again.
    unbounded: u32,
    live: Arc<Live>,
    showing: Showing,
}

/// What names and categories are known by in the file.
#[derive(Debug, Default)]
struct Interned {
    names: HashMap<String, i64>,
    categories: HashMap<Category, i64>,
}

/// What one batch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Calls that began.
    pub opened: usize,
    /// Calls that ended.
    pub closed: usize,
    /// Frames that are not frames of calls, or end a call that the index does not know.
    pub passed_over: usize,
}

/// What an index may take on disk unless it is told otherwise: some fifteen million calls.
const BOUND: u64 = 4 << 30;

/// How many batches come between two looks at the bound: it is passed by at most so many.
const UNBOUNDED: u32 = 16;

/// How many calls are forgotten at once, and how often for one look at the bound: more than so many batches bring.
const FORGOTTEN: i64 = 1_000;
const STEPS: usize = 32;

/// How many calls one statement inserts.
const ROWS: usize = 64;

const COLUMNS: usize = 25;

/// Everything of one batch, before it is written.
#[derive(Default)]
struct Batch {
    order: Vec<CallId>,
    calls: HashMap<CallId, CallRow>,
    /// Further attempts of calls that began in an earlier batch.
    attempted: Vec<Attempted>,
    /// Ends of calls that began in an earlier batch.
    ends: Vec<(u64, Closed)>,
    /// Those of them that ended a running call.
    ended: Vec<(u64, Closed)>,
    unknown: Vec<Unknown>,
    charges: Charges,
    written: Written,
}

impl IndexWriter {
    pub(super) async fn new(
        mut connection: SqliteConnection,
        options: SqliteConnectOptions,
    ) -> Result<Self, CallsError> {
        let progress = super::index::progress(&mut connection).await?;
        let mut names = HashMap::new();
        for row in sqlx::query("SELECT text, id FROM names").fetch_all(&mut connection).await? {
            names.insert(row.try_get(0)?, row.try_get(1)?);
        }
        let mut categories = HashMap::new();
        for row in sqlx::query("SELECT path, bit FROM categories").fetch_all(&mut connection).await? {
            if let Ok(category) = Category::parse(row.try_get(0)?) {
                categories.insert(category, row.try_get(1)?);
            }
        }
        let live = Arc::new(Live::new(progress.clone()));
        Ok(Self {
            showing: Showing::new(Arc::clone(&live)),
            live,
            options,
            connection: Some(connection),
            progress,
            interned: Interned { names, categories },
            bound: BOUND,
            unbounded: UNBOUNDED,
        })
    }

    /// The same with another bound: the index takes about so many bytes on disk at most (4 GiB unless said otherwise). The
    /// oldest calls are forgotten first; the journal still has them.
    #[must_use]
    pub fn bounded(mut self, bytes: u64) -> Self {
        self.bound = bytes;
        self
    }

    /// Opens the file again for the next batch. SQLite works on a thread of its own, which has the rank of the one that opens the file:
    /// this makes it that of whoever writes, and not of whoever started.
    pub(super) async fn open_again(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the index was not closed");
        }
    }

    /// Where those who look on find what is written.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// The sequence of the next frame of each journal.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes the next frames of a journal: all of them, or none. Frames that were taken before are passed over, so that
    /// nothing is counted twice.
    ///
    /// # Errors
    /// When the file cannot be written; the same frames can be given again.
    pub async fn write(
        &mut self,
        journal: JournalBytes,
        frames: &[SourceFrame],
    ) -> Result<Written, CallsError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let mut connection = SqliteConnection::connect_with(&self.options).await?;
                // Whether the last transaction happened is only known there.
                self.progress = super::index::progress(&mut connection).await?;
                connection
            }
        };
        self.showing.show(&mut connection).await?;
        let next = self.progress.get(&journal).copied().unwrap_or(0);
        let mut batch = Batch::default();
        let mut end = next;
        for frame in frames.iter().filter(|frame| frame.sequence >= next) {
            end = end.max(frame.sequence.saturating_add(1));
            batch.take(journal, frame);
        }
        if end > next {
            // Names of a transaction that did not happen must not be used: should it fail or be given up, these are gone,
            // and are looked up in the file again.
            let mut interned = std::mem::take(&mut self.interned);
            store(&mut connection, &mut interned, journal, end, &mut batch).await?;
            self.interned = interned;
            self.progress.insert(journal, end);
            self.showing.take(journal, end, batch.calls.into_values(), batch.ended);
            self.showing.show(&mut connection).await?;
            self.unbounded = self.unbounded.saturating_sub(1);
            if self.unbounded == 0 {
                self.unbounded = UNBOUNDED;
                forget(&mut connection, self.bound).await?;
            }
        }
        self.connection = Some(connection);
        Ok(batch.written)
    }

    /// Writes everything back into the one file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn close(self) -> Result<(), CallsError> {
        match self.connection {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

async fn store(
    connection: &mut SqliteConnection,
    interned: &mut Interned,
    journal: JournalBytes,
    end: u64,
    batch: &mut Batch,
) -> Result<(), CallsError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let rows: Vec<&CallRow> = batch.order.iter().filter_map(|call| batch.calls.get(call)).collect();
    intern_names(&mut transaction, &mut interned.names, &rows, batch).await?;
    intern_categories(&mut transaction, &mut interned.categories, &rows, &batch.ends).await?;
    let known = &*interned;
    for chunk in rows.chunks(ROWS) {
        insert(&mut transaction, known, chunk, &batch.charges).await?;
    }
    let mut rolls = Rolls::new();
    let mut tallies = Tallies::default();
    for row in &rows {
        roll(&mut rolls, known, row);
        tally(&mut tallies, known, row);
    }
    for attempted in std::mem::take(&mut batch.attempted) {
        charge(&mut transaction, &mut batch.charges, attempted).await?;
    }
    for (sequence, closed) in std::mem::take(&mut batch.ends) {
        match end_call(&mut transaction, known, sequence, &closed).await? {
            Some(EndedCall { route, verdict, mut account, principal, operation, input }) => {
                batch.written.closed += 1;
                if let Some(charged) = closed.charged.clone() {
                    batch.charges.settle(&mut account, charged);
                }
                for (step, route) in places(route) {
                    let at = (step, step.start(closed.time), route, verdict);
                    rolls.entry(at).or_default().add_closed(&closed);
                }
                let (outcome, code, output) =
                    (closed.outcome, closed.code, closed.output.findings.as_slice());
                let ended = Ended { operation, outcome, code, input: &input, output };
                tallies.add(closed.time, route, principal, &ended);
                batch.ended.push((sequence, closed));
            }
            None => batch.written.passed_over += 1,
        }
    }
    for unknown in &batch.unknown {
        insert_unknown(&mut transaction, known, unknown).await?;
    }
    let limits = batch.charges.names().collect();
    intern(&mut transaction, &mut interned.names, limits).await?;
    batch.charges.store(&mut transaction, |name| interned.name(Some(name))).await?;
    store_rolls(&mut transaction, rolls).await?;
    intern(&mut transaction, &mut interned.names, tallies.categories()).await?;
    tallies.store(&mut transaction, |category| interned.name(Some(category))).await?;
    sqlx::query(
        "INSERT INTO progress (journal, next) VALUES ($1, $2)
             ON CONFLICT (journal) DO UPDATE SET next = excluded.next",
    )
    .bind(journal.as_slice())
    .bind(i64::try_from(end).unwrap_or(i64::MAX))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

impl Batch {
    fn take(&mut self, journal: JournalBytes, source: &SourceFrame) {
        match super::decode(source) {
            Some(Frame::Opened(frame)) => {
                let mut frame = frame;
                let counted = frame.counted.take();
                let row = CallRow::opened(journal, source.sequence, *frame);
                if self.calls.contains_key(&row.call) {
                    self.written.passed_over += 1;
                    return;
                }
                if let Some(counted) = counted {
                    self.charges.open(row.call, counted);
                }
                self.written.opened += 1;
                self.order.push(row.call);
                self.calls.insert(row.call, row);
            }
            Some(Frame::Attempted(frame)) => match self.calls.get(&frame.call) {
                Some(row) if row.ending.is_none() => self.charges.charge(frame.call, frame.charged),
                Some(_) => self.written.passed_over += 1,
                None => self.attempted.push(*frame),
            },
            Some(Frame::Closed(frame)) => match self.calls.get_mut(&frame.call) {
                Some(row) if row.ending.is_none() => {
                    self.written.closed += 1;
                    if let Some(charged) = frame.charged.clone() {
                        self.charges.charge(frame.call, charged);
                    }
                    row.close(source.sequence, *frame);
                }
                Some(_) => self.written.passed_over += 1,
                None => self.ends.push((source.sequence, *frame)),
            },
            Some(Frame::Unknown(frame)) => self.unknown.push(*frame),
            // Who read what is asked of the journal.
            Some(Frame::Read(_)) => {}
            None => self.written.passed_over += 1,
        }
    }
}

impl Interned {
    fn name(&self, name: Option<&str>) -> Option<i64> {
        self.names.get(name?).copied()
    }

    fn bits<'f>(&self, findings: impl Iterator<Item = &'f RecordedFinding>) -> i64 {
        findings.fold(0, |bits, finding| {
            bits | 1 << self.categories.get(&finding.category).copied().unwrap_or(OTHER_CATEGORIES)
        })
    }
}

async fn intern_names(
    connection: &mut SqliteConnection,
    names: &mut HashMap<String, i64>,
    rows: &[&CallRow],
    batch: &Batch,
) -> Result<(), CallsError> {
    let (ends, unknown) = (&batch.ends, &batch.unknown);
    let of_rows = rows.iter().flat_map(|row| {
        let names = [
            Some(&row.principal),
            Some(&row.team),
            row.route.as_ref(),
            row.system.as_ref(),
            row.model.as_ref(),
        ];
        let code = row.ending.as_ref().and_then(|ending| ending.code);
        names.into_iter().flatten().map(Name::as_str).chain(code.map(|code| code.as_str()))
    });
    let codes =
        ends.iter().filter_map(|(_, closed)| closed.code).chain(unknown.iter().map(|unknown| unknown.code));
    // A call that went to another model in the end than the one that it was opened with.
    let models = ends.iter().filter_map(|(_, closed)| closed.attempt()).map(|attempt| attempt.model.as_str());
    let texts = of_rows.chain(codes.map(|code| code.as_str())).chain(models).collect();
    intern(connection, names, texts).await
}

/// Gives numbers to texts that have none.
async fn intern(
    connection: &mut SqliteConnection,
    names: &mut HashMap<String, i64>,
    mut new: HashSet<&str>,
) -> Result<(), CallsError> {
    new.retain(|text| !names.contains_key(*text));
    for text in new {
        let row = sqlx::query(
            "INSERT INTO names (text) VALUES ($1) ON CONFLICT (text) DO UPDATE SET text = excluded.text RETURNING id",
        )
        .bind(text)
        .fetch_one(&mut *connection)
        .await?;
        names.insert(text.to_owned(), row.try_get(0)?);
    }
    Ok(())
}

async fn intern_categories(
    connection: &mut SqliteConnection,
    categories: &mut HashMap<Category, i64>,
    rows: &[&CallRow],
    ends: &[(u64, Closed)],
) -> Result<(), CallsError> {
    let found = rows.iter().flat_map(|row| row.findings());
    let found = found.chain(ends.iter().flat_map(|(_, closed)| &closed.output.findings));
    for finding in found {
        if categories.contains_key(&finding.category) {
            continue;
        }
        let row = sqlx::query(
            "INSERT INTO categories (path, bit)
             VALUES ($1, min((SELECT count(*) FROM categories), $2))
             ON CONFLICT (path) DO UPDATE SET path = excluded.path RETURNING bit",
        )
        .bind(finding.category.as_str())
        .bind(OTHER_CATEGORIES)
        .fetch_one(&mut *connection)
        .await?;
        categories.insert(finding.category.clone(), row.try_get(0)?);
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    known: &Interned,
    rows: &[&CallRow],
    charges: &Charges,
) -> Result<(), CallsError> {
    let tuple = format!("({})", vec!["?"; COLUMNS].join(", "));
    // A call is opened once; should a journal say so twice, the first one counts.
    let sql = format!("INSERT OR IGNORE INTO calls VALUES {}", vec![tuple; rows.len()].join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in rows {
        let name = |name: Option<&Name>| known.name(name.map(Name::as_str));
        let ending = row.ending.as_ref();
        let tokens = ending.and_then(|ending| ending.tokens);
        query = query
            .bind(row.call.as_bytes().as_slice())
            .bind(row.time.as_millis())
            .bind(super::index::operation_number(row.operation))
            .bind(row.stream)
            .bind(name(Some(&row.principal)))
            .bind(name(Some(&row.team)))
            .bind(name(row.route.as_ref()))
            .bind(name(row.system.as_ref()))
            .bind(name(row.model.as_ref()))
            .bind(action_number(row.verdict))
            .bind(action_number(row.would))
            .bind(known.bits(row.findings()))
            .bind(findings_text(&row.input)?)
            .bind(findings_text(&row.output)?)
            .bind(ending.map(|ending| ending.time.as_millis()))
            .bind(ending.map(|ending| outcome_number(ending.outcome)))
            .bind(ending.map(|ending| ending.status))
            .bind(known.name(ending.and_then(|ending| ending.code).map(|code| code.as_str())))
            .bind(tokens.map(tokens_bytes))
            .bind(ending.and_then(|ending| ending.cost).map(cost_bytes))
            .bind(ending.map(|ending| timings_bytes(&ending.timings)))
            .bind(place_bytes(row.place.journal, row.place.opened))
            .bind(row.place.closed.map(|sequence| i64::try_from(sequence).unwrap_or(i64::MAX)))
            .bind(charges.of_call(row.call)?)
            .bind(row.prompt.map(super::index::prompt_number));
    }
    query.execute(connection).await?;
    Ok(())
}

/// Charges a call of an earlier batch, if it runs, for a further attempt.
async fn charge(
    connection: &mut SqliteConnection,
    charges: &mut Charges,
    attempted: Attempted,
) -> Result<(), CallsError> {
    let call = attempted.call.as_bytes().as_slice();
    let row = sqlx::query("SELECT counted FROM calls WHERE call = $1 AND outcome IS NULL")
        .bind(call)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let mut account = Account::read(row.try_get(0)?)?;
    charges.settle(&mut account, attempted.charged);
    sqlx::query("UPDATE calls SET counted = $2 WHERE call = $1")
        .bind(call)
        .bind(account.to_bytes()?)
        .execute(connection)
        .await?;
    Ok(())
}

/// A call of an earlier batch that ended.
struct EndedCall {
    route: Option<i64>,
    verdict: Action,
    account: Account,
    principal: i64,
    operation: Operation,
    input: Vec<RecordedFinding>,
}

/// Ends a call of an earlier batch, if there is such a running call.
async fn end_call(
    connection: &mut SqliteConnection,
    known: &Interned,
    sequence: u64,
    closed: &Closed,
) -> Result<Option<EndedCall>, CallsError> {
    let row = sqlx::query(
        "UPDATE calls SET verdict = max(verdict, $2), would = max(would, $3), categories = categories | $4, output = $5,
         ended = $6, outcome = $7, status = $8, code = $9, tokens = $10, cost = $11, timings = $12, closed = $13,
         model = coalesce($14, model)
         WHERE call = $1 AND outcome IS NULL RETURNING route, verdict, counted, principal,
         operation, input",
    )
    .bind(closed.call.as_bytes().as_slice())
    .bind(action_number(closed.output.action))
    .bind(action_number(closed.output.would))
    .bind(known.bits(closed.output.findings.iter()))
    .bind(findings_text(&closed.output.findings)?)
    .bind(closed.time.as_millis())
    .bind(outcome_number(closed.outcome))
    .bind(closed.status)
    .bind(known.name(closed.code.map(|code| code.as_str())))
    .bind(closed.tokens.map(tokens_bytes))
    .bind(closed.cost.map(cost_bytes))
    .bind(timings_bytes(&closed.timings))
    .bind(i64::try_from(sequence).unwrap_or(i64::MAX))
    .bind(known.name(closed.attempt().map(|attempt| attempt.model.as_str())))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let verdict = super::index::action(row.try_get(1)?)?;
        Ok(EndedCall {
            route: row.try_get(0)?,
            verdict,
            account: Account::read(row.try_get(2)?)?,
            principal: row.try_get(3)?,
            operation: super::index::operation(row.try_get(4)?)?,
            input: super::index::findings(row.try_get(5)?)?,
        })
    })
    .transpose()
}

async fn insert_unknown(
    connection: &mut SqliteConnection,
    known: &Interned,
    unknown: &Unknown,
) -> Result<(), CallsError> {
    sqlx::query("INSERT OR IGNORE INTO unknown (call, since, time, count, code) VALUES ($1, $2, $3, $4, $5)")
        .bind(unknown.call.as_bytes().as_slice())
        .bind(unknown.since.as_millis())
        .bind(unknown.time.as_millis())
        .bind(i64::try_from(unknown.count).unwrap_or(i64::MAX))
        .bind(known.name(Some(unknown.code.as_str())))
        .execute(connection)
        .await?;
    Ok(())
}

/// Sums by step, its number, route and verdict.
type Rolls = BTreeMap<(Step, i64, Option<i64>, Action), RollUp>;

/// Where a call is summed: at its route and at all of them together, in each step.
fn places(route: Option<i64>) -> impl Iterator<Item = (Step, Option<i64>)> {
    Step::ALL.into_iter().flat_map(move |step| [(step, route), (step, Some(ALL_ROUTES))])
}

fn roll(rolls: &mut Rolls, known: &Interned, row: &CallRow) {
    if let Some(ending) = &row.ending {
        let route = known.name(row.route.as_ref().map(Name::as_str));
        for (step, route) in places(route) {
            let at = (step, step.start(ending.time), route, row.verdict);
            let end = (ending.outcome, ending.status);
            rolls.entry(at).or_default().add(end, ending.tokens, ending.cost, ending.timings.total);
        }
    }
}

fn tally(tallies: &mut Tallies, known: &Interned, row: &CallRow) {
    if let (Some(ending), Some(principal)) = (&row.ending, known.name(Some(row.principal.as_str()))) {
        let (outcome, code) = (ending.outcome, ending.code);
        let ended = Ended { operation: row.operation, outcome, code, input: &row.input, output: &row.output };
        tallies.add(ending.time, known.name(row.route.as_ref().map(Name::as_str)), principal, &ended);
    }
}

async fn store_rolls(connection: &mut SqliteConnection, rolls: Rolls) -> Result<(), CallsError> {
    for ((step, start, route, verdict), mut roll) in rolls {
        // No route is number 0, which no name has: a primary key holds no null.
        let route = route.unwrap_or(0);
        let before = sqlx::query(
            "SELECT sums FROM roll_ups WHERE step = $1 AND start = $2 AND route = $3 AND verdict = $4",
        )
        .bind(step.minutes())
        .bind(start)
        .bind(route)
        .bind(action_number(verdict))
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(before) = before {
            roll.join(&RollUp::from_bytes(before.try_get(0)?));
        }
        sqlx::query(
            "INSERT OR REPLACE INTO roll_ups (step, start, route, verdict, sums) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(step.minutes())
        .bind(start)
        .bind(route)
        .bind(action_number(verdict))
        .bind(roll.to_bytes())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn findings_text(findings: &[RecordedFinding]) -> Result<Option<Vec<u8>>, CallsError> {
    if findings.is_empty() { Ok(None) } else { Ok(Some(canonical::to_bytes(findings)?)) }
}

fn tokens_bytes(tokens: cordon_core::record::Tokens) -> Vec<u8> {
    words(&[tokens.input, tokens.output, tokens.cached])
}

fn cost_bytes(cost: Cost) -> Vec<u8> {
    [cost.amount.nanos(), packed(cost.currency)].iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn timings_bytes(timings: &Timings) -> Vec<u8> {
    let Timings {
        receive,
        admit,
        inspect_input,
        upstream_first_byte,
        upstream,
        inspect_output,
        record,
        total,
    } = *timings;
    words(&[receive, admit, inspect_input, upstream_first_byte, upstream, inspect_output, record, total])
}

fn place_bytes(journal: JournalBytes, sequence: u64) -> Vec<u8> {
    let mut bytes = journal.to_vec();
    bytes.extend(sequence.to_be_bytes());
    bytes
}

/// Numbers as four bytes each, the largest that fits where one is larger: an hour of microseconds fits.
fn words(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| u32::try_from(*number).unwrap_or(u32::MAX).to_be_bytes()).collect()
}

/// Forgets the oldest calls while the file holds more than so many bytes, and sums that are too old in any case.
async fn forget(connection: &mut SqliteConnection, bound: u64) -> Result<(), CallsError> {
    for _ in 0..STEPS {
        if used(connection).await? <= bound {
            break;
        }
        sqlx::query("DELETE FROM calls WHERE call IN (SELECT call FROM calls ORDER BY call LIMIT $1)")
            .bind(FORGOTTEN)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("DELETE FROM unknown WHERE call < (SELECT min(call) FROM calls)")
        .execute(&mut *connection)
        .await?;
    for step in Step::ALL {
        sqlx::query(
            "DELETE FROM roll_ups WHERE step = $1 AND start < (SELECT max(start) FROM roll_ups WHERE step = $1) - $2",
        )
        .bind(step.minutes())
        .bind(step.kept())
        .execute(&mut *connection)
        .await?;
    }
    super::rates::forget(connection).await
}

/// Bytes of the file that hold something. The rest is used again before the file grows.
async fn used(connection: &mut SqliteConnection) -> Result<u64, CallsError> {
    let mut numbers = [0_u64; 3];
    let pragmas = ["PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size"];
    for (number, pragma) in numbers.iter_mut().zip(pragmas) {
        let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut *connection).await?;
        *number = u64::try_from(value).unwrap_or(0);
    }
    let [pages, free, size] = numbers;
    Ok(pages.saturating_sub(free).saturating_mul(size))
}

/// Removes an index file with what lies beside it.
pub(super) fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        // One that is not there needs no removing; one that cannot be removed shows when it is opened.
        let _ = std::fs::remove_file(name);
    }
}

impl RollUp {
    fn add_closed(&mut self, closed: &Closed) {
        self.add((closed.outcome, closed.status), closed.tokens, closed.cost, closed.timings.total);
    }
}
