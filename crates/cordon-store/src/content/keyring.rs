//! `keys.db`: the wrapped keys, whose they are and how long they may live; what is gone; what is held.

use std::{collections::BTreeMap, path::Path};

use cordon_core::{CallId, Digest, Name, Timestamp};
use sqlx::{
    AssertSqlSafe, Row as _, SqliteConnection,
    sqlite::{SqliteAutoVacuum, SqliteRow},
};

use super::{
    ContentError, Status,
    envelope::{CallContext, StoreId, TeamContext, WRAPPED, Wrapped},
    file::{Database, Form, ROWS, damaged, parameters, tuples},
};

pub(super) const FORM: Form = Form {
    what: "keys.db",
    // "CDNK".
    application: 0x43_44_4e_4b,
    version: 1,
    // Giving pages back moves others into their place, and wrapped keys must never move.
    free_pages: SqliteAutoVacuum::None,
    // INVARIANT: rows of `slots` are appended at the end and never deleted, and all have the same size. So SQLite writes
    // them where they are and never copies them to another page, where destroying one would miss the copy.
    tables: "
CREATE TABLE slots (id INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT;
CREATE TABLE free_slots (slot INTEGER PRIMARY KEY) STRICT;
CREATE TABLE team_keys (id INTEGER PRIMARY KEY, team TEXT NOT NULL, generation INTEGER NOT NULL, created INTEGER NOT NULL,
    reserved INTEGER NOT NULL, slot INTEGER NOT NULL, UNIQUE (team, generation)) STRICT;
CREATE TABLE data_keys (call BLOB PRIMARY KEY, slot INTEGER NOT NULL, team_key INTEGER NOT NULL, subject BLOB, route TEXT,
    created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX data_keys_subject ON data_keys (subject, call) WHERE subject IS NOT NULL;
CREATE INDEX data_keys_expires ON data_keys (expires, call);
CREATE TABLE gone (call BLOB PRIMARY KEY, why INTEGER NOT NULL, at INTEGER NOT NULL, swept INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX gone_unswept ON gone (why, call) WHERE swept = 0;
CREATE INDEX gone_at ON gone (at);
CREATE TABLE holds (kind INTEGER NOT NULL, value BLOB NOT NULL, cause TEXT NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (kind, value, cause)) STRICT, WITHOUT ROWID;
",
};

/// Whether the data key `d` is under legal hold.
pub(super) const HELD: &str = "(EXISTS (SELECT 1 FROM holds WHERE kind = 0 AND value = d.call)
    OR EXISTS (SELECT 1 FROM holds WHERE kind = 1 AND value = d.subject)
    OR EXISTS (SELECT 1 FROM holds WHERE kind = 2 AND value = CAST(d.route AS BLOB)))";

/// Why a key is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Erased,
    Expired,
}

#[derive(Clone, Debug)]
pub(super) struct Keyring {
    pub(super) file: Database,
}

/// A data key to insert.
pub(super) struct NewKey<'a> {
    pub(super) context: CallContext<'a>,
    pub(super) team_key: i64,
    pub(super) wrapped: Wrapped,
}

/// A team key as it is stored.
pub(super) struct StoredTeamKey {
    pub(super) id: i64,
    pub(super) team: Name,
    pub(super) generation: u64,
    pub(super) created: Timestamp,
    pub(super) reserved: u64,
    pub(super) slot: i64,
    pub(super) wrapped: Vec<u8>,
}

/// A data key as it is stored, with its team's.
pub(super) struct StoredKey {
    pub(super) call: CallId,
    pub(super) subject: Option<Digest>,
    pub(super) route: Option<Name>,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) wrapped: Vec<u8>,
    pub(super) team: StoredTeamKey,
    pub(super) held: bool,
    /// Under which master key the team's is wrapped: how often it was replaced.
    pub(super) epoch: Option<Vec<u8>>,
}

impl Keyring {
    pub(super) async fn open(path: &Path) -> Result<Self, ContentError> {
        Ok(Self { file: Database::open(path, &FORM).await? })
    }

    pub(super) async fn status(&self, call: CallId) -> Result<Status, ContentError> {
        let mut connection = self.file.readers().acquire().await?;
        // One statement, one state: a key that is destroyed meanwhile is in one of both places.
        let row = sqlx::query(
            "SELECT 2 AS why, expires AS time FROM data_keys WHERE call = $1
             UNION ALL SELECT why, at FROM gone WHERE call = $1 ORDER BY why DESC LIMIT 1",
        )
        .bind(call.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(Status::Missing) };
        let time = Timestamp::from_millis(row.try_get(1)?);
        match row.try_get::<i64, _>(0)? {
            2 => Ok(Status::Kept { expires: time }),
            why => Ok(match Why::from_number(why)? {
                Why::Erased => Status::Erased { at: time },
                Why::Expired => Status::Expired { at: time },
            }),
        }
    }
}

/// The key of a call.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    call: CallId,
) -> Result<Option<StoredKey>, ContentError> {
    let sql = format!(
        "SELECT d.subject, d.route, d.created, d.expires, w.wrapped, {HELD}, (SELECT value FROM meta WHERE name = 'epoch'),
            t.id, t.team, t.generation, t.created, t.reserved, t.slot, s.wrapped
         FROM data_keys d LEFT JOIN slots w ON w.id = d.slot
            LEFT JOIN team_keys t ON t.id = d.team_key LEFT JOIN slots s ON s.id = t.slot WHERE d.call = $1"
    );
    let row =
        sqlx::query(AssertSqlSafe(sql)).bind(call.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.map(|row| {
        let subject: Option<Vec<u8>> = row.try_get(0)?;
        let subject = subject.map(TryInto::try_into).transpose().map_err(|_| wrong("a pseudonym"))?;
        let route: Option<String> = row.try_get(1)?;
        Ok(StoredKey {
            call,
            subject: subject.map(Digest::from_bytes),
            route: route.as_deref().map(read_name).transpose()?,
            created: Timestamp::from_millis(row.try_get(2)?),
            expires: Timestamp::from_millis(row.try_get(3)?),
            wrapped: row.try_get(4)?,
            held: row.try_get(5)?,
            epoch: row.try_get(6)?,
            team: team_key(&row, 7)?,
        })
    })
    .transpose()
}

/// A team's latest key.
pub(super) async fn latest_team_key(
    connection: &mut SqliteConnection,
    team: &Name,
) -> Result<Option<StoredTeamKey>, ContentError> {
    let row = sqlx::query(
        "SELECT t.id, t.team, t.generation, t.created, t.reserved, t.slot, s.wrapped
         FROM team_keys t LEFT JOIN slots s ON s.id = t.slot WHERE t.team = $1 ORDER BY t.generation DESC LIMIT 1",
    )
    .bind(team.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| team_key(&row, 0)).transpose()
}

/// Every team key, in order.
pub(super) async fn team_keys(connection: &mut SqliteConnection) -> Result<Vec<StoredTeamKey>, ContentError> {
    let rows = sqlx::query(
        "SELECT t.id, t.team, t.generation, t.created, t.reserved, t.slot, s.wrapped
         FROM team_keys t LEFT JOIN slots s ON s.id = t.slot ORDER BY t.id",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| team_key(row, 0)).collect()
}

fn team_key(row: &SqliteRow, from: usize) -> Result<StoredTeamKey, ContentError> {
    Ok(StoredTeamKey {
        id: row.try_get(from)?,
        team: read_name(row.try_get(from + 1)?)?,
        generation: count(row, from + 2)?,
        created: Timestamp::from_millis(row.try_get(from + 3)?),
        reserved: count(row, from + 4)?,
        slot: row.try_get(from + 5)?,
        wrapped: row.try_get(from + 6)?,
    })
}

/// Which of these calls have no key any more, and why.
pub(super) async fn gone(
    connection: &mut SqliteConnection,
    calls: &[CallId],
) -> Result<BTreeMap<CallId, Why>, ContentError> {
    let mut found = BTreeMap::new();
    for chunk in calls.chunks(ROWS) {
        let sql = format!("SELECT call, why FROM gone WHERE call IN ({})", parameters(0, chunk.len()));
        for row in calls_query(sql, chunk).fetch_all(&mut *connection).await? {
            found.insert(read_call(row.try_get(0)?)?, Why::from_number(row.try_get(1)?)?);
        }
    }
    Ok(found)
}

/// Which of these calls have a key.
pub(super) async fn known(
    connection: &mut SqliteConnection,
    calls: &[CallId],
) -> Result<Vec<CallId>, ContentError> {
    let mut found = Vec::new();
    for chunk in calls.chunks(ROWS) {
        let sql = format!("SELECT call FROM data_keys WHERE call IN ({})", parameters(0, chunk.len()));
        for row in calls_query(sql, chunk).fetch_all(&mut *connection).await? {
            found.push(read_call(row.try_get(0)?)?);
        }
    }
    Ok(found)
}

/// Writes wrapped keys to slots: free ones first, then new ones at the end. Gives the slots.
pub(super) async fn take_slots(
    connection: &mut SqliteConnection,
    wrapped: &[Wrapped],
) -> Result<Vec<i64>, ContentError> {
    let wanted = i64::try_from(wrapped.len()).unwrap_or(i64::MAX);
    let mut slots: Vec<i64> = sqlx::query_scalar("SELECT slot FROM free_slots ORDER BY slot LIMIT $1")
        .bind(wanted)
        .fetch_all(&mut *connection)
        .await?;
    if let Some(last) = slots.last() {
        sqlx::query("DELETE FROM free_slots WHERE slot <= $1").bind(last).execute(&mut *connection).await?;
    }
    if slots.len() < wrapped.len() {
        let end: Option<i64> =
            sqlx::query_scalar("SELECT max(id) FROM slots").fetch_one(&mut *connection).await?;
        let first = end.unwrap_or(0).saturating_add(1);
        slots.extend((first..).take(wrapped.len() - slots.len()));
    }
    let rows: Vec<(i64, &Wrapped)> = slots.iter().copied().zip(wrapped).collect();
    for chunk in rows.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO slots (id, wrapped) VALUES {} ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped",
            tuples(chunk.len(), 2)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (slot, wrapped) in chunk {
            query = query.bind(slot).bind(wrapped.as_slice());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(slots)
}

/// Writes another wrapped key into a slot, in place of the one there.
pub(super) async fn write_slot(
    connection: &mut SqliteConnection,
    slot: i64,
    wrapped: &Wrapped,
) -> Result<(), ContentError> {
    sqlx::query("UPDATE slots SET wrapped = $2 WHERE id = $1")
        .bind(slot)
        .bind(wrapped.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds data keys.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    keys: &[NewKey<'_>],
) -> Result<(), ContentError> {
    let wrapped: Vec<Wrapped> = keys.iter().map(|key| key.wrapped).collect();
    let slots = take_slots(connection, &wrapped).await?;
    let rows: Vec<(i64, &NewKey<'_>)> = slots.into_iter().zip(keys).collect();
    for chunk in rows.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO data_keys (call, slot, team_key, subject, route, created, expires) VALUES {}",
            tuples(chunk.len(), 7)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (slot, NewKey { context, team_key, .. }) in chunk {
            query = query
                .bind(context.call.as_bytes().as_slice())
                .bind(slot)
                .bind(team_key)
                .bind(context.subject.map(|subject| subject.as_bytes().as_slice()))
                .bind(context.route.map(Name::as_str))
                .bind(context.created.as_millis())
                .bind(context.expires.as_millis());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Destroys data keys: overwrites their slots, and remembers that they are gone.
pub(super) async fn destroy(
    connection: &mut SqliteConnection,
    keys: &[(CallId, i64)],
    why: Why,
    at: Timestamp,
) -> Result<(), ContentError> {
    for chunk in keys.chunks(ROWS) {
        let list = parameters(0, chunk.len());
        let zeros = format!("UPDATE slots SET wrapped = zeroblob({WRAPPED}) WHERE id IN ({list})");
        let free = format!(
            "INSERT INTO free_slots (slot) SELECT id FROM slots WHERE id IN ({list}) ON CONFLICT DO NOTHING"
        );
        for sql in [zeros, free] {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (_, slot) in chunk {
                query = query.bind(slot);
            }
            query.execute(&mut *connection).await?;
        }
        let calls: Vec<CallId> = chunk.iter().map(|(call, _)| *call).collect();
        let delete = format!("DELETE FROM data_keys WHERE call IN ({list})");
        calls_query(delete, &calls).execute(&mut *connection).await?;
        let remember = format!(
            "INSERT OR REPLACE INTO gone (call, why, at, swept)
             SELECT column1, {}, {}, 0 FROM (VALUES {})",
            why.number(),
            at.as_millis(),
            tuples(calls.len(), 1)
        );
        calls_query(remember, &calls).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Calls whose content was not removed yet though their key is gone.
pub(super) async fn unswept(
    connection: &mut SqliteConnection,
    why: Why,
    limit: usize,
) -> Result<Vec<CallId>, ContentError> {
    let rows = sqlx::query("SELECT call FROM gone WHERE swept = 0 AND why = $1 ORDER BY call LIMIT $2")
        .bind(why.number())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| read_call(row.try_get(0)?)).collect()
}

/// Remembers that their content was removed.
pub(super) async fn set_swept(
    connection: &mut SqliteConnection,
    calls: &[CallId],
) -> Result<(), ContentError> {
    for chunk in calls.chunks(ROWS) {
        let sql = format!("UPDATE gone SET swept = 1 WHERE call IN ({})", parameters(0, chunk.len()));
        calls_query(sql, chunk).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) fn read_call(bytes: &[u8]) -> Result<CallId, ContentError> {
    bytes.try_into().map(CallId::from_bytes).map_err(|_| wrong("a call's id"))
}

fn read_name(text: &str) -> Result<Name, ContentError> {
    Name::parse(text).map_err(|_| wrong("a name"))
}

fn count(row: &SqliteRow, column: usize) -> Result<u64, ContentError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| wrong("a count"))
}

pub(super) fn wrong(what: &str) -> ContentError {
    damaged(&FORM, &format!("{what} has the wrong form"))
}

type CallsQuery<'a> = sqlx::query::Query<'a, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn calls_query(sql: String, calls: &[CallId]) -> CallsQuery<'_> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for call in calls {
        query = query.bind(call.as_bytes().as_slice());
    }
    query
}

impl Why {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Erased => 0,
            Self::Expired => 1,
        }
    }

    fn from_number(number: i64) -> Result<Self, ContentError> {
        match number {
            0 => Ok(Self::Erased),
            1 => Ok(Self::Expired),
            _ => Err(wrong("the reason of a removal")),
        }
    }
}

impl StoredTeamKey {
    pub(super) fn context<'a>(&'a self, store: &'a StoreId) -> TeamContext<'a> {
        TeamContext {
            store,
            team: &self.team,
            generation: self.generation,
            created: self.created,
            reserved: self.reserved,
        }
    }
}

impl StoredKey {
    pub(super) fn context<'a>(&'a self, store: &'a StoreId) -> CallContext<'a> {
        CallContext {
            store,
            call: self.call,
            team: &self.team.team,
            generation: self.team.generation,
            subject: self.subject.as_ref(),
            route: self.route.as_ref(),
            created: self.created,
            expires: self.expires,
        }
    }
}
