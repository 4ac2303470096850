//! What both files, and that of people's credentials, have in common: how they are opened, marked, written and measured.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};

use super::{ContentError, envelope::StoreId};
use crate::{data_dir::private_file, log::Cause};

/// How long a statement waits for another one's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many rows one statement inserts: eight parameters a row and more stay below SQLite's bound of 32,766.
pub(super) const ROWS: usize = 64;

/// What a file is.
#[derive(Debug)]
pub(crate) struct Form {
    /// In one word, for errors.
    pub(crate) what: &'static str,
    /// `PRAGMA application_id`.
    pub(crate) application: i64,
    /// `PRAGMA user_version`.
    pub(crate) version: i64,
    /// What becomes of free pages. Where they are given back, pages move.
    pub(crate) free_pages: SqliteAutoVacuum,
    /// The tables, without `meta`.
    pub(crate) tables: &'static str,
}

/// In both files: the store's id, the check value of the master key, what is known of backups.
const META: &str = "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;";

/// An open file.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    form: &'static Form,
    /// One connection: SQLite has one writer, and waiting for it belongs here and not into its busy handler.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens a file and makes it when it is missing (mode 0600). Commits survive a loss of power.
    pub(crate) async fn open(path: &Path, form: &'static Form) -> Result<Self, ContentError> {
        private_file(path)?;
        let writing = options(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .auto_vacuum(form.free_pages)
            // What is deleted is overwritten, in free pages too.
            .pragma("secure_delete", "ON");
        let writer = pool(1).connect_with(writing).await.map_err(|error| named(form, error))?;
        make(&writer, form).await.map_err(|error| named(form, error))?;
        check(&writer, form).await?;
        let readers =
            pool(2).connect_with(options(path).read_only(true)).await.map_err(|error| named(form, error))?;
        Ok(Self { form, writer, readers })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(super) const fn form(&self) -> &'static Form {
        self.form
    }

    /// Does work in one transaction: all of it is durable when this returns, or nothing happened.
    pub(crate) async fn write<T, E: From<ContentError>>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction<'_, Sqlite>) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |error: sqlx::Error| E::from(error.into());
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        let done = async {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
            let done = work(&mut transaction).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(done)
        }
        .await;
        if done.is_err() {
            // SQLite ends a transaction by itself where the disk fails, and sqlx does not learn of it: this connection
            // could not begin another one.
            connection.close_on_drop();
        }
        done
    }

    /// Writes the write-ahead log back and empties it, so that it holds no page as it was. Gives whether it is empty: a
    /// reader in the middle of a page puts that off.
    pub(crate) async fn truncate_log(&self) -> bool {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writer).await;
        matches!(row.and_then(|row| row.try_get::<i64, _>(0)), Ok(0))
    }

    /// Bytes of the file that hold something. The rest is used again before the file grows.
    pub(super) async fn used(&self) -> Result<u64, ContentError> {
        let mut connection = self.writer.acquire().await?;
        let mut numbers = [0_u64; 3];
        let pragmas = ["PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size"];
        for (number, pragma) in numbers.iter_mut().zip(pragmas) {
            let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut *connection).await?;
            *number = u64::try_from(value).unwrap_or(0);
        }
        let [pages, free, size] = numbers;
        Ok(pages.saturating_sub(free).saturating_mul(size))
    }

    /// Gives free pages back to the disk.
    pub(super) async fn shrink(&self) -> Result<(), ContentError> {
        sqlx::query("PRAGMA incremental_vacuum").execute(&self.writer).await?;
        Ok(())
    }

    /// Writes a copy of the present state to an empty file.
    pub(super) async fn copy_to(&self, path: &str) -> Result<(), ContentError> {
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.readers).await?;
        Ok(())
    }

    /// The store's id; `random` where the file has none yet.
    pub(super) async fn store_id(&self, random: StoreId) -> Result<StoreId, ContentError> {
        self.write(async |transaction| {
            if let Some(id) = meta(transaction, "store").await? {
                let id = id.try_into().map_err(|_| damaged(self.form, "the id of its store is too short"))?;
                return Ok(StoreId::from_bytes(id));
            }
            set_meta(transaction, "store", random.as_bytes()).await?;
            Ok(random)
        })
        .await
    }
}

/// What `meta` says under a name.
pub(super) async fn meta(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Vec<u8>>, ContentError> {
    Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?)
}

/// The same as a number.
pub(super) async fn meta_number(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<i64>, ContentError> {
    let value = meta(connection, name).await?;
    let number = |bytes: Vec<u8>| bytes.try_into().map(i64::from_be_bytes);
    value.map(number).transpose().map_err(|_| ContentError::Damaged(format!("`{name}` is no number")))
}

pub(super) async fn set_meta(
    connection: &mut SqliteConnection,
    name: &str,
    value: &[u8],
) -> Result<(), ContentError> {
    sqlx::query("INSERT OR REPLACE INTO meta (name, value) VALUES ($1, $2)")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        // What a statement sets aside stays in memory: it may hold wrapped keys.
        .pragma("temp_store", "MEMORY")
        .row_buffer_size(64)
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

async fn make(pool: &SqlitePool, form: &Form) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *transaction).await?;
    if tables == 0 {
        let Form { application, version, tables, .. } = form;
        let script = format!(
            "{META} {tables} PRAGMA application_id = {application}; PRAGMA user_version = {version};"
        );
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn check(pool: &SqlitePool, form: &Form) -> Result<(), ContentError> {
    let mut numbers = [0; 2];
    for (number, pragma) in numbers.iter_mut().zip(["PRAGMA application_id", "PRAGMA user_version"]) {
        *number = sqlx::query_scalar(pragma).fetch_one(pool).await?;
    }
    let [application, version] = numbers;
    if application != form.application {
        return Err(damaged(form, "the file is another program's"));
    }
    if version != form.version {
        let what = format!("its tables are of version {version}, which this program does not know");
        return Err(damaged(form, &what));
    }
    Ok(())
}

pub(super) fn damaged(form: &Form, what: &str) -> ContentError {
    ContentError::Damaged(format!("{}: {what}", form.what))
}

fn named(form: &Form, error: sqlx::Error) -> ContentError {
    match ContentError::from(error) {
        ContentError::Damaged(what) => damaged(form, &what),
        other => other,
    }
}

/// `($1, $2), ($3, $4)`: so many rows of so many parameters.
pub(super) fn tuples(rows: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", parameters(row * columns, columns));
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// `$4, $5`: so many parameters after the first so many.
pub(super) fn parameters(after: usize, count: usize) -> String {
    (after + 1..=after + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const NOTADB: i32 = 26;

impl From<sqlx::Error> for ContentError {
    fn from(error: sqlx::Error) -> Self {
        // The primary result code of SQLite (sqlite.org/rescode.html).
        let code = error
            .as_database_error()
            .and_then(|error| error.code()?.parse::<i32>().ok())
            .map(|code| code & 0xff);
        match (code, &error) {
            (Some(FULL), _) => Self::Full(Some(Cause::from(error))),
            (Some(READONLY), _) => Self::ReadOnly(Cause::from(error)),
            (Some(CORRUPT | NOTADB), _) | (_, sqlx::Error::ColumnDecode { .. }) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unavailable(Cause::from(error)),
        }
    }
}

impl From<std::io::Error> for ContentError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(Cause::from(error))
    }
}
