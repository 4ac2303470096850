//! What waits for a review: a line for each held file or text, without a word of it. The bytes and the name lie sealed in the content store,
//! under the call that brought them, so that an erasure of the call, or of the person, reaches them.
//!
//! A line is removed when its time is over. One that cannot be read is an error for itself alone: the others are listed, and nothing of it
//! passes, since what passes is decided by the log.

use std::{collections::BTreeMap, path::Path};

use cordon_core::{
    CallId, Category, Channel, Digest, KeyId, Name, Timestamp, canonical,
    record::RecordedFinding,
    review::{HeldId, HeldKind, Passage},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    Row as _, SqliteConnection,
    sqlite::{SqliteAutoVacuum, SqliteRow},
};

use crate::content::{ContentError, file::Database, file::Form};

static FORM: Form = Form {
    what: "held.db",
    // "CoHe".
    application: 0x436f_4865,
    version: 1,
    free_pages: SqliteAutoVacuum::Incremental,
    tables: "
CREATE TABLE held (id BLOB NOT NULL PRIMARY KEY, call BLOB NOT NULL, route TEXT NOT NULL, principal TEXT NOT NULL,
    content BLOB NOT NULL, bytes INTEGER NOT NULL, time INTEGER NOT NULL, expires INTEGER NOT NULL, reviewed INTEGER,
    detail BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX held_passage ON held (route, principal, content);
CREATE INDEX held_expires ON held (expires);
",
};

/// How much may wait at a time. One caller has half of it at most, so that nobody keeps all others from being reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBounds {
    /// Files and texts.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// A held file or text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldItem {
    /// Its id.
    pub id: HeldId,
    /// The call that brought it.
    pub call: CallId,
    /// Whose it is, on which route, and the keyed digest of its bytes.
    pub passage: Passage,
    /// How many bytes.
    pub bytes: u64,
    /// When it was held.
    pub time: Timestamp,
    /// When it is removed.
    pub expires: Timestamp,
    /// When somebody decided about it.
    pub reviewed: Option<Timestamp>,
    /// The rest.
    pub detail: Detail,
}

/// What is only shown of what is held. It holds no content: like a record, it names categories and places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// What was held.
    #[serde(default, skip_serializing_if = "HeldKind::is_file")]
    pub kind: HeldKind,
    /// Of a text, the channel that it came in: its digest is of that, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The caller's key.
    pub key: KeyId,
    /// Keyed pseudonym of the person behind the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Keyed pseudonyms of everybody who is known to have sent it while it waited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<Digest>,
    /// The name of its object in the content store; the file's name lies beside it.
    pub object: Name,
    /// What it is, by its content.
    pub file_type: String,
    /// Where in the request it stood.
    pub part: String,
    /// What it was held for, which a release lets in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// What was found in it.
    pub findings: Vec<RecordedFinding>,
    /// Of what passes once, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldTotals {
    /// Files and texts that wait.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// When the one was held that waits longest.
    pub since: Option<Timestamp>,
}

/// Why a file was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutHeldError {
    /// As much waits as may.
    #[error(
        "as much waits for a review as may; help: `cordon held list`, or raise `held.max_files` and `held.max_size`"
    )]
    Full,
    /// The file cannot be used, or what is to be written has no form.
    #[error(transparent)]
    File(#[from] ContentError),
}

/// What waits for a review. Clones share the file.
#[derive(Clone, Debug)]
pub struct HeldStore {
    file: Database,
}

const COLUMNS: &str = "id, call, route, principal, content, bytes, time, expires, reviewed, detail";

impl HeldStore {
    /// Opens the file, and makes it when it is missing (mode 0600).
    ///
    /// # Errors
    /// When it cannot be made or opened, or is not such a file.
    pub async fn open(path: &Path) -> Result<Self, ContentError> {
        Ok(Self { file: Database::open(path, &FORM).await? })
    }

    /// Ends all work and writes everything back into the file.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// Whether there is room for files: what is sealed for them before they are put here is then not sealed in vain.
    ///
    /// # Errors
    /// When they are more than may wait together with what waits, or the file cannot be read.
    pub async fn make_sure_of_room(
        &self,
        items: &[HeldItem],
        bounds: HeldBounds,
        now: Timestamp,
    ) -> Result<(), PutHeldError> {
        let mut connection = self.file.readers().acquire().await.map_err(ContentError::from)?;
        has_room(&mut connection, items, bounds, now).await
    }

    /// Puts files, all or none; durable when it returns.
    ///
    /// # Errors
    /// When they are more than may wait together with what waits, or the file cannot be written.
    pub async fn put(
        &self,
        items: &[HeldItem],
        bounds: HeldBounds,
        now: Timestamp,
    ) -> Result<(), PutHeldError> {
        self.file
            .write(async |transaction| {
                has_room(transaction, items, bounds, now).await?;
                for item in items {
                    let HeldItem { id, call, passage, bytes, time, expires, .. } = item;
                    let detail = canonical::to_bytes(&item.detail)
                        .map_err(|error| ContentError::Damaged(format!("{}: {error}", FORM.what)))?;
                    sqlx::query(
                        "INSERT INTO held (id, call, route, principal, content, bytes, time, expires, detail) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    )
                    .bind(id.as_bytes().as_slice())
                    .bind(call.as_bytes().as_slice())
                    .bind(passage.route.as_str())
                    .bind(passage.principal.as_str())
                    .bind(passage.content.as_bytes().as_slice())
                    .bind(i64::try_from(*bytes).unwrap_or(i64::MAX))
                    .bind(time.as_millis())
                    .bind(expires.as_millis())
                    .bind(detail)
                    .execute(&mut **transaction)
                    .await
                    .map_err(ContentError::from)?;
                }
                Ok(())
            })
            .await
    }

    /// The file that waits already for a decision about these bytes of this caller on this route. One whose line cannot be read is none:
    /// nobody can decide about it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn waiting(&self, passage: &Passage, now: Timestamp) -> Result<Option<HeldItem>, ContentError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM held WHERE route = $1 AND principal = $2 AND content = $3 AND reviewed IS NULL \
             AND expires > $4 ORDER BY id DESC LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(passage.route.as_str())
            .bind(passage.principal.as_str())
            .bind(passage.content.as_bytes().as_slice())
            .bind(now.as_millis())
            .fetch_optional(self.file.readers())
            .await?;
        Ok(row.as_ref().and_then(|row| item(row).ok()))
    }

    /// The files that are kept after one of them, the oldest first, at most so many: of one that cannot be read its id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn list(
        &self,
        now: Timestamp,
        only_waiting: bool,
        after: Option<HeldId>,
        most: u32,
    ) -> Result<Vec<Result<HeldItem, HeldId>>, ContentError> {
        let of = if only_waiting { "AND reviewed IS NULL" } else { "" };
        let sql =
            format!("SELECT {COLUMNS} FROM held WHERE expires > $1 AND id > $3 {of} ORDER BY id LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(i64::from(most))
            .bind(after.map_or(Vec::new(), |after| after.as_bytes().to_vec()))
            .fetch_all(self.file.readers())
            .await?;
        rows.iter().map(|row| Ok(item(row).map_err(|_| id_of(row)))).map(flat).collect()
    }

    /// A file.
    ///
    /// # Errors
    /// When the file cannot be read, or this line of it is damaged.
    pub async fn get(&self, id: HeldId, now: Timestamp) -> Result<Option<HeldItem>, ContentError> {
        let sql = format!("SELECT {COLUMNS} FROM held WHERE id = $1 AND expires > $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.as_bytes().as_slice())
            .bind(now.as_millis())
            .fetch_optional(self.file.readers())
            .await?;
        row.as_ref().map(item).transpose()
    }

    /// Notes who else has sent a file that waits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn set_detail(&self, id: HeldId, detail: &Detail) -> Result<(), ContentError> {
        let detail = canonical::to_bytes(detail)
            .map_err(|error| ContentError::Damaged(format!("{}: {error}", FORM.what)))?;
        self.file
            .write(async |transaction| {
                sqlx::query("UPDATE held SET detail = $2 WHERE id = $1")
                    .bind(id.as_bytes().as_slice())
                    .bind(detail)
                    .execute(&mut **transaction)
                    .await?;
                Ok(())
            })
            .await
    }

    /// Uses up what passes once, all or none; durable when it returns. False where one of them was used before, is not there any more, or
    /// its line cannot be read: what nobody can tell passes nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn spend(&self, ids: &[HeldId], now: Timestamp) -> Result<bool, ContentError> {
        self.file
            .write(async |transaction| {
                let mut used = Vec::new();
                for id in ids {
                    let sql = format!("SELECT {COLUMNS} FROM held WHERE id = $1 AND expires > $2");
                    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                        .bind(id.as_bytes().as_slice())
                        .bind(now.as_millis())
                        .fetch_optional(&mut **transaction)
                        .await?;
                    match row.as_ref().map(item) {
                        Some(Ok(HeldItem { detail, .. }))
                            if detail.kind.is_once() && detail.used.is_none() =>
                        {
                            used.push((id, Detail { used: Some(now), ..detail }));
                        }
                        _ => return Ok(false),
                    }
                }
                for (id, detail) in used {
                    let detail = canonical::to_bytes(&detail)
                        .map_err(|error| ContentError::Damaged(format!("{}: {error}", FORM.what)))?;
                    sqlx::query("UPDATE held SET detail = $2 WHERE id = $1")
                        .bind(id.as_bytes().as_slice())
                        .bind(detail)
                        .execute(&mut **transaction)
                        .await?;
                }
                Ok(true)
            })
            .await
    }

    /// Notes that somebody decided about these bytes of this caller on this route: they wait no more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn set_reviewed(&self, passage: &Passage, at: Timestamp) -> Result<(), ContentError> {
        self.file
            .write(async |transaction| {
                sqlx::query(
                    "UPDATE held SET reviewed = $4 WHERE route = $1 AND principal = $2 AND content = $3 AND reviewed IS NULL",
                )
                .bind(passage.route.as_str())
                .bind(passage.principal.as_str())
                .bind(passage.content.as_bytes().as_slice())
                .bind(at.as_millis())
                .execute(&mut **transaction)
                .await?;
                Ok(())
            })
            .await
    }

    /// How much waits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn totals(&self, now: Timestamp) -> Result<HeldTotals, ContentError> {
        let row = sqlx::query(
            "SELECT count(*), total(bytes), min(time) FROM held WHERE reviewed IS NULL AND expires > $1",
        )
        .bind(now.as_millis())
        .fetch_one(self.file.readers())
        .await?;
        let [files, bytes] = counts(&row)?;
        let since = row.try_get::<Option<i64>, _>(2)?.map(Timestamp::from_millis);
        Ok(HeldTotals { files, bytes, since })
    }

    /// Removes what is over; gives how many lines that were.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn expire(&self, now: Timestamp) -> Result<u64, ContentError> {
        self.file
            .write(async |transaction| {
                let gone = sqlx::query("DELETE FROM held WHERE expires <= $1")
                    .bind(now.as_millis())
                    .execute(&mut **transaction)
                    .await?;
                Ok(gone.rows_affected())
            })
            .await
    }
}

/// Whether files fit beside what waits.
async fn has_room(
    connection: &mut SqliteConnection,
    items: &[HeldItem],
    bounds: HeldBounds,
    now: Timestamp,
) -> Result<(), PutHeldError> {
    let (mut of_all, mut of_callers) = ([0_u64; 2], BTreeMap::new());
    for HeldItem { passage, bytes, .. } in items {
        if !of_callers.contains_key(&passage.principal) {
            let waiting = "SELECT count(*), total(bytes), total(principal = $2), total(iif(principal = $2, bytes, 0)) \
                           FROM held WHERE reviewed IS NULL AND expires > $1";
            let row = sqlx::query(waiting)
                .bind(now.as_millis())
                .bind(passage.principal.as_str())
                .fetch_one(&mut *connection)
                .await
                .map_err(ContentError::from)?;
            let [files, all, own_files, own] = counts(&row)?;
            if of_callers.is_empty() {
                of_all = [files, all];
            }
            of_callers.insert(&passage.principal, [own_files, own]);
        }
        let of_caller = of_callers.entry(&passage.principal).or_default();
        for [files, all] in [&mut of_all, of_caller] {
            *files = files.saturating_add(1);
            *all = all.saturating_add(*bytes);
        }
        let fits = |[files, all]: [u64; 2], bounds: HeldBounds| files <= bounds.files && all <= bounds.bytes;
        let half = HeldBounds { files: bounds.files.div_ceil(2), bytes: bounds.bytes.div_ceil(2) };
        if !fits(of_all, bounds) || !fits(*of_caller, half) {
            return Err(PutHeldError::Full);
        }
    }
    Ok(())
}

/// The first numbers of a row.
fn counts<const N: usize>(row: &SqliteRow) -> Result<[u64; N], ContentError> {
    let mut found = [0; N];
    for (at, number) in found.iter_mut().enumerate() {
        // `total` gives a floating-point number, and no sum of sizes on a disk is beyond what one holds exactly.
        let value = row.try_get::<i64, _>(at).or_else(|_| row.try_get::<f64, _>(at).map(whole))?;
        *number = u64::try_from(value).unwrap_or(0);
    }
    Ok(found)
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of sizes; a cast saturates")]
const fn whole(number: f64) -> i64 {
    number as i64
}

fn flat(
    read: Result<Result<HeldItem, Result<HeldId, ContentError>>, ContentError>,
) -> Result<Result<HeldItem, HeldId>, ContentError> {
    match read? {
        Ok(item) => Ok(Ok(item)),
        Err(id) => id.map(Err),
    }
}

fn id_of(row: &SqliteRow) -> Result<HeldId, ContentError> {
    let id: [u8; 16] = row.try_get::<Vec<u8>, _>(0)?.try_into().map_err(|_| lost("an id"))?;
    Ok(HeldId::from_bytes(id))
}

fn item(row: &SqliteRow) -> Result<HeldItem, ContentError> {
    let name = |at: usize| Name::parse(row.try_get(at)?).map_err(|_| lost("a name"));
    let time = |at: usize| row.try_get::<i64, _>(at).map(Timestamp::from_millis);
    let call: [u8; 16] = row.try_get::<Vec<u8>, _>(1)?.try_into().map_err(|_| lost("a call's id"))?;
    let content: [u8; 32] = row.try_get::<Vec<u8>, _>(4)?.try_into().map_err(|_| lost("a digest"))?;
    let detail: Vec<u8> = row.try_get(9)?;
    Ok(HeldItem {
        id: id_of(row)?,
        call: CallId::from_bytes(call),
        passage: Passage { route: name(2)?, principal: name(3)?, content: Digest::from_bytes(content) },
        bytes: u64::try_from(row.try_get::<i64, _>(5)?).unwrap_or(0),
        time: time(6)?,
        expires: time(7)?,
        reviewed: row.try_get::<Option<i64>, _>(8)?.map(Timestamp::from_millis),
        detail: canonical::from_bytes(&detail).map_err(|_| lost("what was found in a file"))?,
    })
}

fn lost(what: &str) -> ContentError {
    ContentError::Damaged(format!("{}: {what} of something held cannot be read", FORM.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn held(number: u8, principal: &str, bytes: u64) -> HeldItem {
        HeldItem {
            id: HeldId::from_bytes([number; 16]),
            call: CallId::from_bytes([7; 16]),
            passage: Passage {
                route: name("bot"),
                principal: name(principal),
                content: Digest::sha256(&[number]),
            },
            bytes,
            time: Timestamp::from_millis(i64::from(number)),
            expires: Timestamp::from_millis(2_000),
            reviewed: None,
            detail: Detail {
                kind: HeldKind::File,
                channel: None,
                key: KeyId::from_bytes([1; 8]),
                subject: None,
                senders: Vec::new(),
                object: name("held-0"),
                file_type: "pdf".to_owned(),
                part: "messages/0/content/0/file/file_data".to_owned(),
                categories: Vec::new(),
                findings: Vec::new(),
                used: None,
            },
        }
    }

    async fn store(folder: &tempfile::TempDir) -> HeldStore {
        HeldStore::open(&folder.path().join("held.db")).await.unwrap()
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let held_store = store(&folder).await;
        let bounds = HeldBounds { files: 3, bytes: 100 };
        held_store.put(&[held(1, "app", 10), held(2, "app", 10)], bounds, NOW).await.unwrap();
        // One caller has half of it, rounded up, and bytes count as well.
        let full = |done| assert!(matches!(done, Err(PutHeldError::Full)), "{done:?}");
        full(held_store.put(&[held(3, "app", 10)], bounds, NOW).await);
        full(held_store.put(&[held(3, "other", 51)], bounds, NOW).await);
        // Who asks before is told the same, and nothing waits more for it.
        full(held_store.make_sure_of_room(&[held(3, "app", 10)], bounds, NOW).await);
        held_store.make_sure_of_room(&[held(3, "other", 10)], bounds, NOW).await.unwrap();
        // All or none.
        full(held_store.put(&[held(3, "other", 1), held(4, "other", 1)], bounds, NOW).await);
        held_store.put(&[held(5, "other", 10)], bounds, NOW).await.unwrap();
        held_store.close().await;

        let held_store = store(&folder).await;
        let totals = held_store.totals(NOW).await.unwrap();
        assert_eq!((totals.files, totals.bytes), (3, 30));
        assert_eq!(totals.since, Some(Timestamp::from_millis(1)));
        assert_eq!(held_store.get(HeldId::from_bytes([2; 16]), NOW).await.unwrap(), Some(held(2, "app", 10)));
        let passage = held(2, "app", 10).passage;
        let found = held_store.waiting(&passage, NOW).await.unwrap();
        assert_eq!(found.map(|item| item.id), Some(HeldId::from_bytes([2; 16])));
        // What somebody decided about makes room.
        held_store.set_reviewed(&passage, NOW).await.unwrap();
        assert_eq!(held_store.waiting(&passage, NOW).await.unwrap(), None);
        held_store.put(&[held(6, "app", 10)], bounds, NOW).await.unwrap();
        assert_eq!(held_store.list(NOW, true, None, 10).await.unwrap().len(), 3);
        assert_eq!(held_store.list(NOW, false, None, 10).await.unwrap().len(), 4);
        // What is over is neither shown nor kept.
        let later = Timestamp::from_millis(2_000);
        assert!(held_store.list(later, false, None, 10).await.unwrap().is_empty());
        assert_eq!(held_store.get(HeldId::from_bytes([2; 16]), later).await.unwrap(), None);
        assert_eq!(held_store.expire(later).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn what_passes_once_is_used_once_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let held_store = store(&folder).await;
        let bounds = HeldBounds { files: 9, bytes: 100 };
        let call = |number| {
            let mut item = held(number, "app", 10);
            item.detail.kind = HeldKind::ToolCall;
            item
        };
        held_store.put(&[call(1), call(2), held(3, "app", 1)], bounds, NOW).await.unwrap();
        let [one, two, file, none] = [1, 2, 3, 4].map(|number| HeldId::from_bytes([number; 16]));
        assert!(held_store.spend(&[one], NOW).await.unwrap());
        for refused in [vec![one], vec![two, one], vec![two, two, none], vec![file]] {
            assert!(!held_store.spend(&refused, NOW).await.unwrap(), "{refused:?}");
        }
        held_store.close().await;
        let held_store = store(&folder).await;
        assert!(!held_store.spend(&[one], NOW).await.unwrap());
        assert!(!held_store.spend(&[two], Timestamp::from_millis(2_000)).await.unwrap(), "it is over");
        assert!(held_store.spend(&[two], NOW).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_line_is_an_error_for_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let held_store = store(&folder).await;
        let bounds = HeldBounds { files: 9, bytes: 100 };
        held_store.put(&[held(1, "app", 10), held(2, "app", 10)], bounds, NOW).await.unwrap();
        held_store
            .file
            .write(async |transaction| {
                let damage = "UPDATE held SET detail = x'7b' WHERE id = $1";
                sqlx::query(damage).bind([1_u8; 16].as_slice()).execute(&mut **transaction).await?;
                Ok::<_, ContentError>(())
            })
            .await
            .unwrap();
        let listed = held_store.list(NOW, true, None, 10).await.unwrap();
        assert_eq!(listed, [Err(HeldId::from_bytes([1; 16])), Ok(held(2, "app", 10))]);
        let damaged = held_store.get(HeldId::from_bytes([1; 16]), NOW).await;
        assert!(matches!(damaged, Err(ContentError::Damaged(_))), "{damaged:?}");
        // Nobody can decide about it, so the same file waits anew.
        assert_eq!(held_store.waiting(&held(1, "app", 10).passage, NOW).await.unwrap(), None);
        let second = held(2, "app", 10);
        assert_eq!(held_store.waiting(&second.passage, NOW).await.unwrap(), Some(second));
    }
}
