//! Answers that were given to requests with an idempotency key, for those who ask again: at most [`MAX_ANSWERS`] of the last
//! [`KEEP`], in the file of credentials. Neither a key nor a request is kept, only digests of them.

use cordon_core::{Digest, DurationMs, Timestamp};
use sqlx::Row as _;

use super::{IdentityError, IdentityStore, damaged};

/// How long an answer is kept.
pub const KEEP: DurationMs = DurationMs::from_secs(24 * 3600);
/// The most answers that are kept: the oldest go first.
pub const MAX_ANSWERS: i64 = 4_096;

/// The table. A file of an earlier version gets it when it is opened; a program that does not know it passes it over.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS answers (\
      number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, request BLOB NOT NULL, status INTEGER NOT NULL,\
      body BLOB, time INTEGER NOT NULL\
    ) STRICT;\
    CREATE INDEX IF NOT EXISTS answers_by_time ON answers (time);";

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The digest of the request.
    pub request: Digest,
    /// The HTTP status.
    pub status: u16,
    /// The body; absent where it is not kept.
    pub body: Option<Vec<u8>>,
}

impl IdentityStore {
    /// The answer that was given under a key, if its time is not over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn answer(&self, key: Digest, now: Timestamp) -> Result<Option<KeptAnswer>, IdentityError> {
        let row = sqlx::query("SELECT request, status, body FROM answers WHERE key = $1 AND time > $2")
            .bind(key.as_bytes().as_slice())
            .bind(over(now))
            .fetch_optional(self.file.readers())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let request: Vec<u8> = row.try_get("request")?;
        let request = request.try_into().map_err(|_| damaged("a digest is too short"))?;
        Ok(Some(KeptAnswer {
            request: Digest::from_bytes(request),
            status: u16::try_from(row.try_get::<i64, _>("status")?).map_err(|_| damaged("no status"))?,
            body: row.try_get("body")?,
        }))
    }

    /// Keeps the answer that was given under a key. Those whose time is over, and the oldest beyond the bound, go.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn keep_answer(
        &self,
        key: Digest,
        answer: &KeptAnswer,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        self.write(async |connection| {
            sqlx::query(
                "INSERT OR REPLACE INTO answers (key, request, status, body, time) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(key.as_bytes().as_slice())
            .bind(answer.request.as_bytes().as_slice())
            .bind(i64::from(answer.status))
            .bind(answer.body.as_deref())
            .bind(now.as_millis())
            .execute(&mut *connection)
            .await?;
            sqlx::query(
                "DELETE FROM answers WHERE time <= $1 OR number <= (SELECT max(number) FROM answers) - $2",
            )
            .bind(over(now))
            .bind(MAX_ANSWERS)
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
    }
}

/// What was kept at this time or before is over.
pub(super) fn over(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> KeptAnswer {
        KeptAnswer { request: Digest::sha256(b"request"), status: 200, body: Some(text.into()) }
    }

    #[tokio::test]
    async fn answers_are_kept_for_a_day_and_in_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.db");
        let store = IdentityStore::open(&path).await.unwrap();
        let start = Timestamp::from_millis(1_790_000_000_000);
        let key = |number: i64| Digest::sha256(&number.to_be_bytes());
        let later = |number: i64| Timestamp::from_millis(start.as_millis() + number);
        store.keep_answer(key(0), &answer("first"), start).await.unwrap();
        let bare = KeptAnswer { body: None, ..answer("") };
        store.keep_answer(key(1), &bare, later(1)).await.unwrap();
        store.close().await;

        let store = IdentityStore::open(&path).await.unwrap();
        assert_eq!(store.answer(key(0), later(2)).await.unwrap(), Some(answer("first")));
        assert_eq!(store.answer(key(1), later(2)).await.unwrap(), Some(bare));
        assert_eq!(store.answer(key(2), later(2)).await.unwrap(), None);
        let day = i64::try_from(KEEP.as_millis()).unwrap();
        assert!(store.answer(key(0), later(day - 1)).await.unwrap().is_some());
        assert_eq!(store.answer(key(0), later(day)).await.unwrap(), None);

        // As many as fit, in one go; the next one takes the place of the oldest.
        let fill = store.write(async |connection| {
            sqlx::query(
                "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO answers (key, request, status, time) \
                 SELECT CAST(i AS BLOB), zeroblob(32), 200, $2 FROM n",
            )
            .bind(MAX_ANSWERS - 1)
            .bind(later(2).as_millis())
            .execute(connection)
            .await
        });
        assert_eq!(fill.await.unwrap().rows_affected(), u64::try_from(MAX_ANSWERS - 2).unwrap());
        assert!(store.answer(key(0), later(3)).await.unwrap().is_some());
        store.keep_answer(key(-1), &answer("one too many"), later(3)).await.unwrap();
        assert_eq!(store.answer(key(0), later(3)).await.unwrap(), None);
        assert!(store.answer(key(1), later(3)).await.unwrap().is_some());
        store.sweep(later(day + 1), start).await.unwrap();
        assert_eq!(store.answer(key(1), later(3)).await.unwrap(), None);
        assert!(store.answer(key(-1), later(3)).await.unwrap().is_some());
    }
}
