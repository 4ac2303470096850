use std::{
    collections::BTreeSet,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use cordon_core::{Digest, HmacKey, Seal, Timestamp, command::Vault, state::Touched};
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use super::{AppendError, Cause, Entry, Log, LogError, PAGE, Pending, StoredFact};
use crate::data_dir::private_file;

/// The log in one SQLite file, in the mode that keeps a commit through a loss of power (WAL, synchronous=FULL).
#[derive(Debug)]
pub struct SqliteLog {
    /// One connection: SQLite has one writer, and waiting for it belongs here and not into its busy handler.
    writer: Option<SqlitePool>,
    readers: SqlitePool,
    place: Place,
}

/// The file behind a path when the log was opened. An open database can be read after its file was removed or another one
/// put in its place: a node would go on with a log that nobody else sees.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    file: (u64, u64),
}

impl Place {
    fn of(path: &Path) -> Result<Self, LogError> {
        let file = Self::file(path).map_err(|error| LogError::Unavailable(error.into()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Device and inode.
    fn file(path: &Path) -> io::Result<(u64, u64)> {
        path.metadata().map(|meta| (meta.dev(), meta.ino()))
    }

    fn check(&self) -> Result<(), LogError> {
        let why = match Self::file(&self.path) {
            Ok(file) if file == self.file => return Ok(()),
            Ok(_) => {
                "another file was put in the place of the log; help: put the former one back, or restart"
                    .to_owned()
            }
            Err(error) => format!("the log's file is gone: {error}; help: put it back, or restart"),
        };
        Err(LogError::Unavailable(io::Error::other(why).into()))
    }
}

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many rows one statement inserts: seven parameters a row and more stay below SQLite's bound of 32,766, and larger
/// statements were no faster.
const ROWS: usize = 64;

/// SQLite's own bound of pages (sqlite.org/limits.html).
const MAX_PAGES: u32 = 4_294_967_294;

/// Marks the file as ours (`PRAGMA application_id`): "CDNL".
const APPLICATION_ID: i64 = 0x43_44_4e_4c;

/// The form of the tables (`PRAGMA user_version`).
const TABLES_VERSION: i64 = 1;

/// The tables. All statements but these are the same for PostgreSQL.
const TABLES: &str = "
CREATE TABLE facts (position INTEGER PRIMARY KEY, time INTEGER NOT NULL, leaf BLOB NOT NULL, blob BLOB) STRICT;
CREATE TABLE blobs (digest BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE seals (digest BLOB PRIMARY KEY, hmac_key BLOB, value BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE touched (subject BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (subject, position))
    STRICT, WITHOUT ROWID;
";

const HEAD: &str = "SELECT position, time FROM facts ORDER BY position DESC LIMIT 1";

impl SqliteLog {
    /// Opens the log in this file, and makes it when it is missing (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be made or opened, or is not such a log.
    pub async fn open(file: &Path) -> Result<Self, LogError> {
        Self::open_bounded(file, MAX_PAGES).await
    }

    /// The same, with a file of at most so many pages of 4 KiB: an append beyond it meets [`AppendError::Full`].
    ///
    /// # Errors
    /// When the file cannot be made or opened, or is not such a log.
    pub async fn open_bounded(file: &Path, pages: u32) -> Result<Self, LogError> {
        private_file(file).map_err(|error| LogError::Unavailable(error.into()))?;
        let writing = options(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // A destroyed seal leaves no bytes behind in free pages.
            .pragma("secure_delete", "ON")
            .pragma("max_page_count", pages.to_string());
        let writer = pool(1).connect_with(writing).await.map_err(log_error)?;
        make_tables(&writer).await?;
        let readers = pool(2).connect_with(options(file).read_only(true)).await.map_err(log_error)?;
        Ok(Self { writer: Some(writer), readers, place: Place::of(file)? })
    }

    /// Opens the log only to read, also on a disk that cannot be written. The caller holds the folder, so that nobody
    /// writes meanwhile.
    ///
    /// # Errors
    /// When there is no such file, or it is not such a log.
    pub async fn open_read_only(file: &Path) -> Result<Self, LogError> {
        let mut wal = file.as_os_str().to_owned();
        wal.push("-wal");
        // What lies in a write-ahead log is only seen through it; without one, nothing beside the file is needed.
        let at_rest = Path::new(&wal).metadata().map_or(true, |meta| meta.len() == 0);
        let options = options(file).read_only(true).immutable(at_rest);
        let readers = pool(1).connect_with(options).await.map_err(log_error)?;
        check_tables(&readers).await?;
        Ok(Self { writer: None, readers, place: Place::of(file)? })
    }

    /// Opens the log only to read, beside a process that may write it meanwhile.
    ///
    /// # Errors
    /// When there is no such file, or it is not such a log.
    pub async fn open_beside(file: &Path) -> Result<Self, LogError> {
        let readers = pool(1).connect_with(options(file).read_only(true)).await.map_err(log_error)?;
        check_tables(&readers).await?;
        Ok(Self { writer: None, readers, place: Place::of(file)? })
    }

    /// Copies the log as it is now into a new file (mode 0600), beside whoever writes it. Gives the number of its facts.
    ///
    /// # Errors
    /// When the log cannot be read, or the file exists or cannot be written.
    pub async fn copy_to(&self, file: &Path) -> Result<u64, LogError> {
        self.place.check()?;
        let path = file.to_str().ok_or_else(|| LogError::Damaged("the copy's name is no text".to_owned()))?;
        // SQLite fills an empty file and refuses any other.
        private_file(file).map_err(|error| LogError::Unavailable(error.into()))?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.readers).await.map_err(log_error)?;
        let copy = Self::open_read_only(file).await?;
        let facts = copy.head_position().await;
        copy.close().await;
        facts
    }

    /// Ends all work and writes everything back into the one file.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    async fn append(&self, expected: u64, entries: &[Entry], seals: &[Seal]) -> Result<u64, AppendError> {
        self.write(async |transaction| append(transaction, expected, entries, seals).await).await
    }

    /// Does work in one transaction, under the lock that the insert needs: the head cannot move in between.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_, Sqlite>) -> Result<T, AppendError>,
    ) -> Result<T, AppendError> {
        let writer = self.writer.as_ref().ok_or(AppendError::ReadOnly(None))?;
        self.place.check()?;
        let mut connection = writer.acquire().await.map_err(append_error)?;
        let done = async {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(append_error)?;
            let done = work(&mut transaction).await?;
            transaction.commit().await.map_err(append_error)?;
            Ok(done)
        }
        .await;
        match &done {
            Ok(_) | Err(AppendError::Conflict { .. } | AppendError::TimeDecreases) => {}
            // SQLite ends a transaction by itself where the disk fails, and sqlx does not learn of it: this connection
            // could not begin another one.
            Err(_) => connection.close_on_drop(),
        }
        done
    }

    async fn destroy(&self, digest: Digest) -> Result<bool, AppendError> {
        let done = self.write(async |transaction| destroy(transaction, digest).await).await?;
        if let Some(writer) = &self.writer {
            // The write-ahead log still holds the page as it was; this empties it. A reader in the middle of a page may
            // put that off until the next checkpoint, which is no failure.
            let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await;
            if let Err(error) = emptied {
                tracing::warn!(%error, "the write-ahead log still holds a destroyed value");
            }
        }
        Ok(done)
    }

    async fn position_at(&self, time: Timestamp) -> Result<u64, LogError> {
        // Time never decreases along the log, so its order is an index that costs nothing.
        let (mut low, mut high) = (0, self.head_position().await?);
        while low < high {
            let middle = low + (high - low) / 2;
            let row = sqlx::query("SELECT time FROM facts WHERE position = $1")
                .bind(integer(middle)?)
                .fetch_optional(&self.readers)
                .await
                .map_err(log_error)?;
            let row = row.ok_or_else(|| missing(middle))?;
            if self::time(&row, 0)? <= time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    async fn head_position(&self) -> Result<u64, LogError> {
        self.place.check()?;
        let row = sqlx::query(HEAD).fetch_optional(&self.readers).await.map_err(log_error)?;
        row.map_or(Ok(0), |row| Ok(position(&row, 0)? + 1))
    }

    async fn read(&self, from: u64, to: u64) -> Result<Vec<StoredFact>, LogError> {
        let to = to.min(from.saturating_add(PAGE));
        let rows = sqlx::query(
            "SELECT f.position, f.leaf, b.bytes FROM facts f LEFT JOIN blobs b ON b.digest = f.blob
             WHERE f.position >= $1 AND f.position < $2 ORDER BY f.position",
        )
        .bind(integer(from)?)
        .bind(integer(to)?)
        .fetch_all(&self.readers)
        .await
        .map_err(log_error)?;
        let mut facts = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip(from..) {
            let fact = stored(row)?;
            if fact.position != expected {
                return Err(missing(expected));
            }
            facts.push(fact);
        }
        Ok(facts)
    }

    async fn history(&self, subject: &Touched, before: u64, limit: u32) -> Result<Vec<StoredFact>, LogError> {
        let rows = sqlx::query(
            "SELECT f.position, f.leaf, b.bytes FROM touched t JOIN facts f ON f.position = t.position
             LEFT JOIN blobs b ON b.digest = f.blob
             WHERE t.subject = $1 AND t.position < $2 ORDER BY t.position DESC LIMIT $3",
        )
        .bind(subject_key(subject).to_vec())
        .bind(i64::try_from(before).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(log_error)?;
        rows.iter().map(stored).collect()
    }

    async fn seals(&self, digests: &[Digest]) -> Result<Vault, LogError> {
        let mut vault = Vault::new();
        for chunk in digests.chunks(ROWS) {
            let list: Vec<String> = (1..=chunk.len()).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT digest, hmac_key, value FROM seals WHERE hmac_key IS NOT NULL AND digest IN ({})",
                list.join(", ")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for digest in chunk {
                query = query.bind(digest.as_bytes().as_slice());
            }
            for row in query.fetch_all(&self.readers).await.map_err(log_error)? {
                let part = |index| bytes32(&row, index);
                let (digest, key) = (Digest::from_bytes(part(0)?), HmacKey::from_bytes(part(1)?));
                let value = row.try_get(2).map_err(log_error)?;
                let seal = Seal { digest, key, value };
                if !seal.holds() {
                    return Err(LogError::Damaged(format!("the sealed value {digest} is not what it was")));
                }
                vault.insert(digest, seal);
            }
        }
        Ok(vault)
    }
}

impl Log for SqliteLog {
    fn append<'a>(
        &'a self,
        expected: u64,
        entries: &'a [Entry],
        seals: &'a [Seal],
    ) -> Pending<'a, Result<u64, AppendError>> {
        Box::pin(self.append(expected, entries, seals))
    }

    fn head(&self) -> Pending<'_, Result<u64, LogError>> {
        Box::pin(self.head_position())
    }

    fn read(&self, from: u64, to: u64) -> Pending<'_, Result<Vec<StoredFact>, LogError>> {
        Box::pin(self.read(from, to))
    }

    fn history<'a>(
        &'a self,
        subject: &'a Touched,
        before: u64,
        limit: u32,
    ) -> Pending<'a, Result<Vec<StoredFact>, LogError>> {
        Box::pin(self.history(subject, before, limit))
    }

    fn position_at(&self, time: Timestamp) -> Pending<'_, Result<u64, LogError>> {
        Box::pin(self.position_at(time))
    }

    fn seals<'a>(&'a self, digests: &'a [Digest]) -> Pending<'a, Result<Vault, LogError>> {
        Box::pin(self.seals(digests))
    }

    fn destroy(&self, digest: Digest) -> Pending<'_, Result<bool, AppendError>> {
        Box::pin(self.destroy(digest))
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(1024)
        .statement_cache_capacity(256)
}

fn pool(size: u32) -> SqlitePoolOptions {
    // Connections to a file do not go stale.
    SqlitePoolOptions::new()
        .max_connections(size)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(BUSY_TIMEOUT)
}

async fn make_tables(pool: &SqlitePool) -> Result<(), LogError> {
    let mut connection = pool.acquire().await.map_err(log_error)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(log_error)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *transaction)
        .await
        .map_err(log_error)?;
    if tables == 0 {
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await.map_err(log_error)?;
        let mark =
            format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {TABLES_VERSION}");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(log_error)?;
    }
    transaction.commit().await.map_err(log_error)?;
    drop(connection);
    check_tables(pool).await
}

async fn check_tables(pool: &SqlitePool) -> Result<(), LogError> {
    let mut numbers = [0; 2];
    for (number, pragma) in numbers.iter_mut().zip(["PRAGMA application_id", "PRAGMA user_version"]) {
        *number = sqlx::query_scalar(pragma).fetch_one(pool).await.map_err(log_error)?;
    }
    match numbers {
        [APPLICATION_ID, TABLES_VERSION] => Ok(()),
        [APPLICATION_ID, version] => Err(LogError::Damaged(format!(
            "its tables are of version {version}, which this program does not know"
        ))),
        _ => Err(LogError::Damaged("the file is another program's".to_owned())),
    }
}

async fn append(
    transaction: &mut Transaction<'_, Sqlite>,
    expected: u64,
    entries: &[Entry],
    seals: &[Seal],
) -> Result<u64, AppendError> {
    let head = sqlx::query(HEAD).fetch_optional(&mut **transaction).await.map_err(append_error)?;
    let (actual, mut last) = match &head {
        Some(row) => (position(row, 0)? + 1, time(row, 1)?),
        None => (0, Timestamp::from_millis(i64::MIN)),
    };
    if actual != expected {
        return Err(AppendError::Conflict { expected, actual });
    }
    for entry in entries {
        if entry.time < last {
            return Err(AppendError::TimeDecreases);
        }
        last = entry.time;
    }
    let rows: Vec<(i64, &Entry)> = entries
        .iter()
        .zip(expected..)
        .map(|(entry, position)| Ok((integer(position)?, entry)))
        .collect::<Result<_, LogError>>()?;
    insert_facts(transaction, &rows).await.map_err(append_error)?;
    insert_beside(transaction, &rows, seals).await.map_err(append_error)?;
    Ok(expected + entries.len() as u64)
}

async fn destroy(transaction: &mut Transaction<'_, Sqlite>, digest: Digest) -> Result<bool, AppendError> {
    let done = sqlx::query(
        "UPDATE seals SET hmac_key = NULL, value = NULL WHERE digest = $1 AND hmac_key IS NOT NULL",
    )
    .bind(digest.as_bytes().as_slice())
    .execute(&mut **transaction)
    .await
    .map_err(append_error)?;
    Ok(done.rows_affected() > 0)
}

async fn insert_facts(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[(i64, &Entry)],
) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(ROWS) {
        let sql = format!("INSERT INTO facts (position, time, leaf, blob) VALUES {}", tuples(chunk.len(), 4));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (position, entry) in chunk {
            query = query
                .bind(position)
                .bind(entry.time.as_millis())
                .bind(entry.leaf.bytes.as_slice())
                .bind(entry.leaf.blob.as_ref().map(|blob| blob.digest.as_bytes().as_slice()));
        }
        query.execute(&mut **transaction).await?;
    }
    Ok(())
}

/// What lies beside the facts: the index of subjects, blobs, seals.
async fn insert_beside(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[(i64, &Entry)],
    seals: &[Seal],
) -> Result<(), sqlx::Error> {
    let touched: BTreeSet<([u8; 16], i64)> = rows
        .iter()
        .flat_map(|(position, entry)| entry.touched.iter().map(|touched| (subject_key(touched), *position)))
        .collect();
    let touched: Vec<_> = touched.into_iter().collect();
    for chunk in touched.chunks(ROWS) {
        let sql = format!("INSERT INTO touched (subject, position) VALUES {}", tuples(chunk.len(), 2));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (subject, position) in chunk {
            query = query.bind(subject.as_slice()).bind(position);
        }
        query.execute(&mut **transaction).await?;
    }
    for blob in rows.iter().filter_map(|(_, entry)| entry.leaf.blob.as_ref()) {
        sqlx::query("INSERT INTO blobs (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(blob.digest.as_bytes().as_slice())
            .bind(blob.bytes.as_slice())
            .execute(&mut **transaction)
            .await?;
    }
    for seal in seals {
        sqlx::query("INSERT INTO seals (digest, hmac_key, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(seal.digest.as_bytes().as_slice())
            .bind(seal.key.as_bytes().as_slice())
            .bind(seal.value.as_slice())
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)`: so many rows of so many parameters.
fn tuples(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let parameters: Vec<String> = (1..=columns).map(|n| format!("${}", row * columns + n)).collect();
        format!("({})", parameters.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What the index knows a subject by: 16 bytes of a SHA-256, so that rows are short and names of any length are alike.
fn subject_key(subject: &Touched) -> [u8; 16] {
    let text = match subject {
        Touched::Resource(kind, name) => format!("{kind}/{name}"),
        Touched::Key(id) => format!("Key/{id}"),
        Touched::Journal(id) => format!("Journal/{id}"),
        Touched::Segment(id, first) => format!("Segment/{id}/{first}"),
        Touched::Hold(name) => format!("Hold/{name}"),
        Touched::Erasures => "Erasures".to_owned(),
        Touched::LogKey => "LogKey".to_owned(),
        Touched::Labels => "Labels".to_owned(),
        Touched::Labelled(call) => format!("Labelled/{call}"),
        Touched::User(id) => format!("User/{id}"),
        Touched::Bootstrap => "Bootstrap".to_owned(),
        Touched::Quarantine(subject) => format!("Quarantine/{subject}"),
        Touched::Firing(trigger, None) => format!("Firing/{trigger}"),
        Touched::Firing(trigger, Some(of)) => format!("Firing/{trigger}/{of}"),
        Touched::Review(passage) => {
            format!("Review/{}/{}/{}", passage.route, passage.principal, passage.content)
        }
    };
    let digest = Digest::sha256(text.as_bytes());
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    key
}

fn stored(row: &SqliteRow) -> Result<StoredFact, LogError> {
    Ok(StoredFact {
        position: position(row, 0)?,
        leaf: row.try_get(1).map_err(log_error)?,
        blob: row.try_get(2).map_err(log_error)?,
    })
}

fn position(row: &SqliteRow, column: usize) -> Result<u64, LogError> {
    let value: i64 = row.try_get(column).map_err(log_error)?;
    u64::try_from(value).map_err(|_| LogError::Damaged("a position below zero".to_owned()))
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, LogError> {
    row.try_get(column).map(Timestamp::from_millis).map_err(log_error)
}

fn bytes32(row: &SqliteRow, column: usize) -> Result<[u8; 32], LogError> {
    let bytes: &[u8] = row.try_get(column).map_err(log_error)?;
    bytes.try_into().map_err(|_| LogError::Damaged("a digest or key that is not 32 bytes".to_owned()))
}

fn integer(position: u64) -> Result<i64, LogError> {
    i64::try_from(position).map_err(|_| LogError::Damaged(format!("there is no position {position}")))
}

fn missing(position: u64) -> LogError {
    LogError::Damaged(format!("the fact at position {position} is missing"))
}

/// The primary result code of SQLite (sqlite.org/rescode.html).
fn code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const NOTADB: i32 = 26;

fn log_error(error: sqlx::Error) -> LogError {
    match (code(&error), &error) {
        (Some(CORRUPT | NOTADB), _) | (_, sqlx::Error::ColumnDecode { .. }) => {
            LogError::Damaged(error.to_string())
        }
        _ => LogError::Unavailable(Cause(error)),
    }
}

fn append_error(error: sqlx::Error) -> AppendError {
    match code(&error) {
        Some(READONLY) => AppendError::ReadOnly(Some(Cause(error))),
        Some(FULL) => AppendError::Full(Cause(error)),
        _ => log_error(error).into(),
    }
}
