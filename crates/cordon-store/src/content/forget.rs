//! Forgetting: erasure on demand, retention when time is over, and both again after a restore. Needs no master key.

use cordon_core::{CallId, Digest, Name, Timestamp};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    ContentError, ContentStore, Scope,
    file::{meta_number, set_meta},
    keyring::{self, HELD, Why, read_call},
};

/// The most calls that one step forgets.
const PAGE: u32 = 1024;

/// The name of the log's position up to which erasures were done.
const ERASED_TO: &str = "erased_to";

/// What is in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many calls have a key.
    pub calls: u64,
    /// The cases of the legal holds that some of them are under, at most 64.
    pub held_by: Vec<Name>,
    /// Until when a backup may still hold one of the keys.
    pub backup_until: Option<Timestamp>,
}

/// What one step of an erasure did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The calls whose keys were destroyed. One that was gone already is not among them.
    pub calls: Vec<CallId>,
    /// Those that a legal hold keeps.
    pub held: Vec<CallId>,
    /// Go on after this call; nothing when it is done.
    pub next: Option<CallId>,
    /// Until when a backup may still hold the keys, as the backups made so far state.
    pub backup_until: Option<Timestamp>,
    /// Whether the file of keys and its write-ahead log hold no trace of them. Otherwise a reader was in the way: erase
    /// again, it does no harm.
    pub clean: bool,
}

/// An erasure that was done before, to be done again on what a restore brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// What was erased.
    pub scope: Scope,
    /// When: calls that came later are not meant.
    pub at: Timestamp,
}

/// One step of a retention run: these keys are destroyed; what lies in `content.db` is noise and waits for
/// [`ContentStore::sweep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// When.
    pub at: Timestamp,
    /// The calls, in order.
    pub calls: Vec<CallId>,
    /// Their objects, in order of call and name.
    pub objects: Vec<Removed>,
    /// Whether more has expired.
    pub more: bool,
    /// As [`Erased::clean`].
    pub clean: bool,
}

/// An object that retention removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The call.
    pub call: CallId,
    /// What it was.
    pub name: Name,
    /// Bytes of its content.
    pub bytes: u64,
    /// `SHA-256(call ‖ name ‖ 0x00 ‖ sealed bytes)`: says nothing about the content, names what was removed.
    pub digest: Digest,
}

impl Retention {
    /// The first and the last call. Their ids sort by time.
    pub fn range(&self) -> Option<(CallId, CallId)> {
        Some((*self.calls.first()?, *self.calls.last()?))
    }

    /// Bytes of content that were removed.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

impl ContentStore {
    /// Destroys the keys of a scope, a page at a time: durable when it returns. Ask again from [`Erased::next`] until there
    /// is none. To erase what is gone does nothing.
    ///
    /// # Errors
    /// When the file of keys cannot be written: then nothing was destroyed by this step.
    pub async fn erase(
        &self,
        scope: &Scope,
        after: Option<CallId>,
        at: Timestamp,
    ) -> Result<Erased, ContentError> {
        let _turn = self.turn.lock().await;
        self.sweep_erased().await;
        self.erase_page(scope, after, Reach::NotHeld, at).await
    }

    /// Does erasures again on what a restore brought back, those first that were first. Holds do not stop them: they were
    /// done, and a certificate says so. Gives how many keys were destroyed, and whether no trace of them is left.
    ///
    /// # Errors
    /// When the file of keys cannot be written. To do all again is harmless.
    pub async fn reapply(&self, erasures: &[Erasure]) -> Result<(u64, bool), ContentError> {
        let _turn = self.turn.lock().await;
        self.sweep_erased().await;
        let (mut count, mut clean) = (0, true);
        for Erasure { scope, at } in erasures {
            let mut after = None;
            loop {
                let page = self.erase_page(scope, after, Reach::UntilThen, *at).await?;
                count += page.calls.len() as u64;
                // The last one tells: emptying the write-ahead log empties it of what came before, too.
                clean = page.clean;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok((count, clean))
    }

    /// Destroys keys whose time is over, at most so many (and 1,024): not those under hold. The caller writes down what
    /// was removed and then calls [`Self::sweep`]; a run that was interrupted before that comes again in the next one.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub async fn expire(&self, now: Timestamp, limit: u32) -> Result<Retention, ContentError> {
        let _turn = self.turn.lock().await;
        self.sweep_erased().await;
        let limit = limit.clamp(1, PAGE);
        let (calls, more) =
            self.keys.file.write(async |transaction| expire_page(transaction, now, limit).await).await?;
        let clean = self.keys.file.truncate_log().await;
        let objects = self.objects.describe(&calls).await?;
        Ok(Retention { at: now, calls, objects, more, clean })
    }

    /// Removes what a step of retention left in `content.db`, gives the space back, and forgets what has been gone for
    /// longer than [`super::Bounds::remember`].
    ///
    /// # Errors
    /// When a file cannot be written. To do it again is harmless.
    pub async fn sweep(&self, run: &Retention) -> Result<(), ContentError> {
        let _turn = self.turn.lock().await;
        self.remove(&run.calls).await?;
        self.objects.file.shrink().await?;
        let remember = i64::try_from(self.bounds.remember.as_millis()).unwrap_or(i64::MAX);
        let before = run.at.as_millis().saturating_sub(remember);
        self.keys
            .file
            .write(async |transaction| {
                sqlx::query(
                    "DELETE FROM gone WHERE call IN
                        (SELECT call FROM gone WHERE at < $1 AND swept = 1 ORDER BY at LIMIT $2)",
                )
                .bind(before)
                .bind(i64::from(4 * PAGE))
                .execute(&mut **transaction)
                .await?;
                Ok(())
            })
            .await
    }

    /// What there is in a scope now, for whoever is about to decide its erasure.
    ///
    /// # Errors
    /// When the file of keys cannot be read.
    pub async fn extent(&self, scope: &Scope, now: Timestamp) -> Result<Extent, ContentError> {
        let mut connection = self.keys.file.readers().acquire().await?;
        let which = within(scope);
        let count = format!("SELECT count(*) FROM data_keys d WHERE {which}");
        let calls: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .bind(scope.columns().1)
            .fetch_one(&mut *connection)
            .await?;
        let cases = format!(
            "SELECT DISTINCT h.cause FROM data_keys d JOIN holds h ON (h.kind = 0 AND h.value = d.call)
                OR (h.kind = 1 AND h.value = d.subject) OR (h.kind = 2 AND h.value = CAST(d.route AS BLOB))
             WHERE {which} ORDER BY h.cause LIMIT 64"
        );
        let cases: Vec<String> = sqlx::query_scalar(AssertSqlSafe(cases))
            .bind(scope.columns().1)
            .fetch_all(&mut *connection)
            .await?;
        let held_by: Option<Vec<Name>> = cases.iter().map(|case| Name::parse(case).ok()).collect();
        let backup_until = meta_number(&mut connection, "backup_until").await?;
        Ok(Extent {
            calls: u64::try_from(calls).unwrap_or_default(),
            held_by: held_by.ok_or_else(|| keyring::wrong("a hold"))?,
            backup_until: backup_until.map(Timestamp::from_millis).filter(|until| *until > now),
        })
    }

    /// Up to which position of the log its erasures were done here. It lies beside the keys, so that what an older copy of
    /// them brings back is erased again.
    ///
    /// # Errors
    /// When the file of keys cannot be read.
    pub async fn erased_to(&self) -> Result<u64, ContentError> {
        let mut connection = self.keys.file.readers().acquire().await?;
        let position = meta_number(&mut connection, ERASED_TO).await?.unwrap_or(0);
        u64::try_from(position).map_err(|_| ContentError::Damaged(format!("`{ERASED_TO}` is no position")))
    }

    /// Says that all erasures before this position of the log were done. It never goes back.
    ///
    /// # Errors
    /// When the file of keys cannot be written.
    pub async fn set_erased_to(&self, position: u64) -> Result<(), ContentError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.keys
            .file
            .write(async |transaction| {
                let before = meta_number(transaction, ERASED_TO).await?.unwrap_or(0);
                set_meta(transaction, ERASED_TO, &before.max(position).to_be_bytes()).await
            })
            .await
    }

    async fn erase_page(
        &self,
        scope: &Scope,
        after: Option<CallId>,
        reach: Reach,
        at: Timestamp,
    ) -> Result<Erased, ContentError> {
        let mut page = self
            .keys
            .file
            .write(async |transaction| erase_page(transaction, scope, after, reach, at).await)
            .await?;
        page.clean = self.keys.file.truncate_log().await;
        // The keys are gone, which is what was asked for. What is left of content is noise, and comes again.
        if let Err(error) = self.remove(&page.calls).await {
            tracing::warn!(%error, "sealed content of erased calls is removed later");
        }
        Ok(page)
    }

    /// Removes what an erasure that was interrupted left behind.
    async fn sweep_erased(&self) {
        let swept = async {
            let mut connection = self.keys.file.readers().acquire().await?;
            let calls = keyring::unswept(&mut connection, Why::Erased, PAGE as usize).await?;
            drop(connection);
            self.remove(&calls).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "sealed content of erased calls is removed later");
        }
    }

    async fn remove(&self, calls: &[CallId]) -> Result<(), ContentError> {
        if calls.is_empty() {
            return Ok(());
        }
        self.objects.delete(calls).await?;
        self.keys.file.write(async |transaction| keyring::set_swept(transaction, calls).await).await
    }
}

/// Whether the data key `d` is in a scope, whose value is `$1`.
const fn within(scope: &Scope) -> &'static str {
    match scope {
        Scope::Call(_) => "d.call = $1",
        Scope::Subject(_) => "d.subject = $1",
        Scope::Route(_) => "d.route = CAST($1 AS TEXT)",
    }
}

/// Which calls of a scope an erasure destroys.
#[derive(Clone, Copy)]
enum Reach {
    /// Those that no hold keeps.
    NotHeld,
    /// Those that were there at the time of the erasure, held or not.
    UntilThen,
}

async fn erase_page(
    connection: &mut SqliteConnection,
    scope: &Scope,
    after: Option<CallId>,
    reach: Reach,
    at: Timestamp,
) -> Result<Erased, ContentError> {
    let which = within(scope);
    let until = match reach {
        Reach::NotHeld => Timestamp::from_millis(i64::MAX),
        Reach::UntilThen => at,
    };
    let sql = format!(
        "SELECT d.call, d.slot, {HELD} FROM data_keys d WHERE {which} AND d.call > $2 AND d.created <= $3
         ORDER BY d.call LIMIT $4"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(scope.columns().1)
        // Nothing sorts before the empty one.
        .bind(after.as_ref().map_or([].as_slice(), |call| call.as_bytes()))
        .bind(until.as_millis())
        .bind(i64::from(PAGE))
        .fetch_all(&mut *connection)
        .await?;
    let (mut keys, mut held, mut last) = (Vec::new(), Vec::new(), None);
    for row in &rows {
        let (call, slot) = key(row)?;
        last = Some(call);
        match reach {
            Reach::NotHeld if row.try_get(2)? => held.push(call),
            Reach::NotHeld | Reach::UntilThen => keys.push((call, slot)),
        }
    }
    keyring::destroy(connection, &keys, Why::Erased, at).await?;
    let backup_until = meta_number(connection, "backup_until").await?;
    Ok(Erased {
        calls: keys.into_iter().map(|(call, _)| call).collect(),
        held,
        next: last.filter(|_| rows.len() == PAGE as usize),
        backup_until: backup_until.map(Timestamp::from_millis).filter(|until| *until > at),
        clean: false,
    })
}

/// The calls of a step, those first that an interrupted step left, and whether there are more.
async fn expire_page(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<(Vec<CallId>, bool), ContentError> {
    let limit = limit as usize;
    let mut calls = keyring::unswept(connection, Why::Expired, limit).await?;
    let room = limit.saturating_sub(calls.len());
    // One more than there is room for tells whether there are more.
    let sql = format!(
        "SELECT d.call, d.slot FROM data_keys d WHERE d.expires <= $1 AND NOT {HELD}
         ORDER BY d.expires, d.call LIMIT $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(now.as_millis())
        .bind(i64::try_from(room).unwrap_or(i64::MAX).saturating_add(1))
        .fetch_all(&mut *connection)
        .await?;
    let keys: Vec<(CallId, i64)> = rows.iter().take(room).map(key).collect::<Result<_, _>>()?;
    keyring::destroy(connection, &keys, Why::Expired, now).await?;
    calls.extend(keys.iter().map(|(call, _)| *call));
    calls.sort_unstable();
    Ok((calls, rows.len() > room))
}

fn key(row: &SqliteRow) -> Result<(CallId, i64), ContentError> {
    Ok((read_call(row.try_get(0)?)?, row.try_get(1)?))
}
