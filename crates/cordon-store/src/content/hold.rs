//! Legal holds: what must not be erased and does not expire, kept where erasure reads it.

use cordon_core::{Name, Timestamp};
use sqlx::Row as _;

use super::{ContentError, ContentStore, Scope, keyring};

/// What is held, and what for. The same scope can be held for many cases: it is free when all of them are released.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold {
    /// What must be kept. Of a subject or a route: also what comes later.
    pub scope: Scope,
    /// The case that it must be kept for.
    pub case: Name,
}

impl ContentStore {
    /// Holds what is in a scope, from now on. Gives whether it is new. What was destroyed before stays so.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn hold(&self, hold: &Hold, since: Timestamp) -> Result<bool, ContentError> {
        let (kind, value) = hold.scope.columns();
        self.keys
            .file
            .write(async |transaction| {
                let done = sqlx::query(
                    "INSERT INTO holds (kind, value, cause, since) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                )
                .bind(kind)
                .bind(value)
                .bind(hold.case.as_str())
                .bind(since.as_millis())
                .execute(&mut **transaction)
                .await?;
                Ok(done.rows_affected() > 0)
            })
            .await
    }

    /// Ends a hold. Gives whether there was one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn release(&self, hold: &Hold) -> Result<bool, ContentError> {
        let (kind, value) = hold.scope.columns();
        self.keys
            .file
            .write(async |transaction| {
                let done = sqlx::query("DELETE FROM holds WHERE kind = $1 AND value = $2 AND cause = $3")
                    .bind(kind)
                    .bind(value)
                    .bind(hold.case.as_str())
                    .execute(&mut **transaction)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
            .await
    }

    /// The holds after one, in order, at most so many, each with when it began.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn holds(
        &self,
        after: Option<&Hold>,
        limit: u32,
    ) -> Result<Vec<(Hold, Timestamp)>, ContentError> {
        let (kind, value, case) = match after {
            Some(Hold { scope, case }) => {
                let (kind, value) = scope.columns();
                (kind, value, case.as_str())
            }
            None => (-1, [].as_slice(), ""),
        };
        let rows = sqlx::query(
            "SELECT kind, value, cause, since FROM holds WHERE (kind, value, cause) > ($1, $2, $3)
             ORDER BY kind, value, cause LIMIT $4",
        )
        .bind(kind)
        .bind(value)
        .bind(case)
        .bind(i64::from(limit))
        .fetch_all(self.keys.file.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let scope = Scope::from_columns(row.try_get(0)?, row.try_get(1)?);
                let case = Name::parse(row.try_get(2)?).ok();
                let (Some(scope), Some(case)) = (scope, case) else { return Err(keyring::wrong("a hold")) };
                Ok((Hold { scope, case }, Timestamp::from_millis(row.try_get(3)?)))
            })
            .collect()
    }
}
