//! What people prove themselves with: password hashes, one-time enrolment secrets, sessions and personal tokens, in a file
//! of their own (`identity.db`), never in the log and never in a backup.
//!
//! Secrets of sessions, tokens and enrolments are 256 random bits, so their SHA-256 is all that is kept: who reads the file
//! can use none of them. The file may be lost: everybody is signed out then, and passwords are chosen anew. What is deleted
//! is overwritten (`secure_delete`).

mod answers;

use std::{collections::BTreeSet, path::Path};

use cordon_core::{Digest, Timestamp, UserId};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteAutoVacuum, sqlite::SqliteRow};

use crate::{
    content::{
        ContentError,
        file::{Database, Form},
    },
    log::Cause,
};

pub use answers::{KEEP, KeptAnswer, MAX_ANSWERS};

/// The most sessions of one person: the one that was used least recently ends for a new one.
pub const MAX_SESSIONS: usize = 32;
/// The most personal tokens of one person.
pub const MAX_TOKENS: usize = 32;

static FORM: Form = Form {
    what: "identity.db",
    // "CoId"
    application: 0x436f_4964,
    version: 1,
    free_pages: SqliteAutoVacuum::None,
    tables: "CREATE TABLE credentials (\
               user BLOB NOT NULL PRIMARY KEY, login TEXT NOT NULL UNIQUE, hash TEXT, changed INTEGER NOT NULL\
             ) STRICT, WITHOUT ROWID;\
             CREATE TABLE enrolments (\
               secret BLOB NOT NULL PRIMARY KEY, user BLOB NOT NULL UNIQUE, expires INTEGER NOT NULL\
             ) STRICT, WITHOUT ROWID;\
             CREATE TABLE grants (\
               secret BLOB NOT NULL PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, user BLOB NOT NULL,\
               parent BLOB, label TEXT, provider INTEGER NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL,\
               expires INTEGER NOT NULL\
             ) STRICT, WITHOUT ROWID;\
             CREATE INDEX grants_of ON grants (user);\
             CREATE INDEX grants_under ON grants (parent);",
};

/// The credentials of people. Clones share the file.
#[derive(Clone, Debug)]
pub struct IdentityStore {
    file: Database,
}

/// How somebody signs in with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Who.
    pub user: UserId,
    /// The name to sign in with.
    pub login: String,
    /// The hash of the password, in the PHC string format. Absent: none was chosen yet, or it is void.
    pub hash: Option<String>,
}

/// A session or a personal token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// SHA-256 of its secret.
    pub secret: Digest,
    /// What it is called when people talk of it.
    pub id: UserId,
    /// Which of the two it is.
    pub kind: GrantKind,
    /// Whose.
    pub user: UserId,
    /// The session that it was made in and ends with.
    pub parent: Option<Digest>,
    /// What its owner calls it.
    pub label: Option<String>,
    /// Whether an identity provider vouches for it.
    pub provider: bool,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, as far as that was noted.
    pub seen: Timestamp,
    /// When it ends, used or not.
    pub expires: Timestamp,
}

/// Which kind of grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// Of a browser, by cookie.
    Session,
    /// Of a program, by bearer token.
    Token,
}

/// Why the file of credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be reached or written now.
    #[error("the credentials cannot be reached")]
    Unavailable(#[source] Option<Cause>),
    /// What is there is not such a file, or is damaged.
    #[error(
        "the credentials are damaged: {0}; help: move identity.db away, everybody signs in anew and `cordon user reset` \
         gives people a way to choose a password"
    )]
    Damaged(String),
}

impl IdentityStore {
    /// Opens the file, and makes it when it is missing (mode 0600).
    ///
    /// # Errors
    /// When it cannot be made or opened, or is not such a file.
    pub async fn open(path: &Path) -> Result<Self, IdentityError> {
        let store = Self { file: Database::open(path, &FORM).await? };
        store
            .write(async |connection| sqlx::raw_sql(answers::TABLE).execute(connection).await.map(drop))
            .await?;
        Ok(store)
    }

    /// Ends all work and writes everything back into the file.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// Lets a person sign in under a login, without a password yet. Gives whether the login was free or theirs already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn set_login(&self, user: UserId, login: &str, now: Timestamp) -> Result<bool, IdentityError> {
        let done = self
            .write(async |connection| {
                sqlx::query(
                    "INSERT INTO credentials (user, login, hash, changed) VALUES ($1, $2, NULL, $3) \
                     ON CONFLICT DO NOTHING",
                )
                .bind(user.as_bytes().as_slice())
                .bind(login)
                .bind(now.as_millis())
                .execute(&mut *connection)
                .await?;
                let owner: Option<Vec<u8>> =
                    sqlx::query_scalar("SELECT user FROM credentials WHERE login = $1")
                        .bind(login)
                        .fetch_optional(connection)
                        .await?;
                Ok(owner)
            })
            .await?;
        Ok(done.as_deref() == Some(user.as_bytes().as_slice()))
    }

    /// The credential with this login.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn credential(&self, login: &str) -> Result<Option<Credential>, IdentityError> {
        let row = sqlx::query("SELECT user, login, hash FROM credentials WHERE login = $1")
            .bind(login)
            .fetch_optional(self.file.readers())
            .await?;
        row.as_ref().map(read_credential).transpose()
    }

    /// The credential of a person.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn credential_of(&self, user: UserId) -> Result<Option<Credential>, IdentityError> {
        let row = sqlx::query("SELECT user, login, hash FROM credentials WHERE user = $1")
            .bind(user.as_bytes().as_slice())
            .fetch_optional(self.file.readers())
            .await?;
        row.as_ref().map(read_credential).transpose()
    }

    /// Who has chosen a password.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn enrolled(&self) -> Result<BTreeSet<UserId>, IdentityError> {
        let users: Vec<Vec<u8>> = sqlx::query_scalar("SELECT user FROM credentials WHERE hash IS NOT NULL")
            .fetch_all(self.file.readers())
            .await?;
        users.iter().map(|bytes| user_id(bytes)).collect()
    }

    /// Makes a person's password void, ends every session and token, and lets them choose a new one with this secret.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn enrol(&self, user: UserId, secret: Digest, expires: Timestamp) -> Result<(), IdentityError> {
        self.write(async |connection| {
            let user = user.as_bytes().as_slice();
            sqlx::query("UPDATE credentials SET hash = NULL WHERE user = $1")
                .bind(user)
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM grants WHERE user = $1").bind(user).execute(&mut *connection).await?;
            sqlx::query("INSERT OR REPLACE INTO enrolments (secret, user, expires) VALUES ($1, $2, $3)")
                .bind(secret.as_bytes().as_slice())
                .bind(user)
                .bind(expires.as_millis())
                .execute(connection)
                .await?;
            Ok(())
        })
        .await?;
        self.forget().await;
        Ok(())
    }

    /// Whose enrolment this is, if it is one and has not ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn enrolment(&self, secret: Digest, now: Timestamp) -> Result<Option<UserId>, IdentityError> {
        let user: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT user FROM enrolments WHERE secret = $1 AND expires > $2")
                .bind(secret.as_bytes().as_slice())
                .bind(now.as_millis())
                .fetch_optional(self.file.readers())
                .await?;
        user.map(|bytes| user_id(&bytes)).transpose()
    }

    /// Uses an enrolment up: the password of its person has this hash from now on. Gives whom, once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn redeem(
        &self,
        secret: Digest,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<UserId>, IdentityError> {
        let user = self
            .write(async |connection| {
                let user: Option<Vec<u8>> = sqlx::query_scalar(
                    "DELETE FROM enrolments WHERE secret = $1 AND expires > $2 RETURNING user",
                )
                .bind(secret.as_bytes().as_slice())
                .bind(now.as_millis())
                .fetch_optional(&mut *connection)
                .await?;
                let Some(user) = user else { return Ok(None) };
                set_hash(connection, &user, hash, now).await?;
                Ok(Some(user))
            })
            .await?;
        self.forget().await;
        user.map(|bytes| user_id(&bytes)).transpose()
    }

    /// Sets the hash of a person's password, and ends all their grants but one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn set_password(
        &self,
        user: UserId,
        hash: &str,
        keep: Digest,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        self.write(async |connection| {
            set_hash(connection, user.as_bytes().as_slice(), hash, now).await?;
            sqlx::query("DELETE FROM grants WHERE user = $1 AND secret <> $2")
                .bind(user.as_bytes().as_slice())
                .bind(keep.as_bytes().as_slice())
                .execute(connection)
                .await?;
            Ok(())
        })
        .await?;
        self.forget().await;
        Ok(())
    }

    /// Keeps a session or token. Of sessions beyond [`MAX_SESSIONS`] the least recently used ends; a token beyond
    /// [`MAX_TOKENS`] is not kept, which is the answer `false`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn put_grant(&self, grant: &Grant) -> Result<bool, IdentityError> {
        self.write(async |connection| {
            let user = grant.user.as_bytes().as_slice();
            sqlx::query("DELETE FROM grants WHERE user = $1 AND expires <= $2")
                .bind(user)
                .bind(grant.created.as_millis())
                .execute(&mut *connection)
                .await?;
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM grants WHERE user = $1 AND kind = $2")
                .bind(user)
                .bind(grant.kind.column())
                .fetch_one(&mut *connection)
                .await?;
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            match grant.kind {
                GrantKind::Token if count >= MAX_TOKENS => return Ok(false),
                GrantKind::Session if count >= MAX_SESSIONS => {
                    sqlx::query(
                        "DELETE FROM grants WHERE secret = (SELECT secret FROM grants \
                         WHERE user = $1 AND kind = $2 ORDER BY seen, created LIMIT 1)",
                    )
                    .bind(user)
                    .bind(grant.kind.column())
                    .execute(&mut *connection)
                    .await?;
                }
                _ => {}
            }
            sqlx::query(
                "INSERT INTO grants (secret, id, kind, user, parent, label, provider, created, seen, expires) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(grant.secret.as_bytes().as_slice())
            .bind(grant.id.as_bytes().as_slice())
            .bind(grant.kind.column())
            .bind(user)
            .bind(grant.parent.as_ref().map(|parent| parent.as_bytes().to_vec()))
            .bind(grant.label.as_deref())
            .bind(i64::from(grant.provider))
            .bind(grant.created.as_millis())
            .bind(grant.seen.as_millis())
            .bind(grant.expires.as_millis())
            .execute(connection)
            .await?;
            Ok(true)
        })
        .await
    }

    /// The grant with this secret, whatever has become of it since.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn grant(&self, secret: Digest) -> Result<Option<Grant>, IdentityError> {
        let row = sqlx::query("SELECT * FROM grants WHERE secret = $1")
            .bind(secret.as_bytes().as_slice())
            .fetch_optional(self.file.readers())
            .await?;
        row.as_ref().map(read_grant).transpose()
    }

    /// All grants, of one person or of everybody, by their time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn grants(&self, user: Option<UserId>) -> Result<Vec<Grant>, IdentityError> {
        let rows = sqlx::query("SELECT * FROM grants WHERE $1 IS NULL OR user = $1 ORDER BY created, id")
            .bind(user.map(|user| user.as_bytes().to_vec()))
            .fetch_all(self.file.readers())
            .await?;
        rows.iter().map(read_grant).collect()
    }

    /// Notes that a grant was used.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn seen(&self, secret: Digest, now: Timestamp) -> Result<(), IdentityError> {
        self.write(async |connection| {
            sqlx::query("UPDATE grants SET seen = max(seen, $2) WHERE secret = $1")
                .bind(secret.as_bytes().as_slice())
                .bind(now.as_millis())
                .execute(connection)
                .await?;
            Ok(())
        })
        .await
    }

    /// Ends a grant, and the tokens that were made in it. Gives whether there was one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn end(&self, secret: Digest) -> Result<bool, IdentityError> {
        self.write(async |connection| {
            let gone = sqlx::query("DELETE FROM grants WHERE secret = $1 OR parent = $1")
                .bind(secret.as_bytes().as_slice())
                .execute(connection)
                .await?;
            Ok(gone.rows_affected() > 0)
        })
        .await
    }

    /// Ends all grants of a person.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn end_all(&self, user: UserId) -> Result<u64, IdentityError> {
        self.write(async |connection| {
            let gone = sqlx::query("DELETE FROM grants WHERE user = $1")
                .bind(user.as_bytes().as_slice())
                .execute(connection)
                .await?;
            Ok(gone.rows_affected())
        })
        .await
    }

    /// Forgets what has ended: enrolments, kept answers and grants whose time is over, and grants last seen before `idle` that are
    /// sessions.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn sweep(&self, now: Timestamp, idle: Timestamp) -> Result<u64, IdentityError> {
        self.write(async |connection| {
            sqlx::query("DELETE FROM enrolments WHERE expires <= $1")
                .bind(now.as_millis())
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM answers WHERE time <= $1")
                .bind(answers::over(now))
                .execute(&mut *connection)
                .await?;
            let gone = sqlx::query("DELETE FROM grants WHERE expires <= $1 OR (kind = $2 AND seen <= $3)")
                .bind(now.as_millis())
                .bind(GrantKind::Session.column())
                .bind(idle.as_millis())
                .execute(&mut *connection)
                .await?;
            sqlx::query(
                "DELETE FROM grants WHERE parent IS NOT NULL AND parent NOT IN (SELECT secret FROM grants)",
            )
            .execute(connection)
            .await?;
            Ok(gone.rows_affected())
        })
        .await
    }

    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, IdentityError> {
        let done = self.file.write::<T, ContentError>(async |transaction| {
            work(transaction).await.map_err(ContentError::from)
        });
        Ok(done.await?)
    }

    /// Empties the write-ahead log, so that no hash or secret stays in it as it was. A reader in the way puts it off.
    async fn forget(&self) {
        let _later = self.file.truncate_log().await;
    }
}

impl GrantKind {
    const fn column(self) -> i64 {
        match self {
            Self::Session => 0,
            Self::Token => 1,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("user", &self.user).finish_non_exhaustive()
    }
}

async fn set_hash(
    connection: &mut SqliteConnection,
    user: &[u8],
    hash: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE credentials SET hash = $2, changed = $3 WHERE user = $1")
        .bind(user)
        .bind(hash)
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

fn user_id(bytes: &[u8]) -> Result<UserId, IdentityError> {
    bytes.try_into().map(UserId::from_bytes).map_err(|_| damaged("an id is too short"))
}

fn read_credential(row: &SqliteRow) -> Result<Credential, IdentityError> {
    let user: Vec<u8> = row.try_get("user")?;
    Ok(Credential { user: user_id(&user)?, login: row.try_get("login")?, hash: row.try_get("hash")? })
}

fn read_grant(row: &SqliteRow) -> Result<Grant, IdentityError> {
    let bytes = |column: &str| row.try_get::<Vec<u8>, _>(column);
    let time = |column: &str| row.try_get::<i64, _>(column).map(Timestamp::from_millis);
    let digest = |bytes: Vec<u8>| {
        bytes.try_into().map(Digest::from_bytes).map_err(|_| damaged("a digest is too short"))
    };
    Ok(Grant {
        secret: digest(bytes("secret")?)?,
        id: user_id(&bytes("id")?)?,
        kind: match row.try_get::<i64, _>("kind")? {
            0 => GrantKind::Session,
            1 => GrantKind::Token,
            _ => return Err(damaged("a grant of an unknown kind")),
        },
        user: user_id(&bytes("user")?)?,
        parent: row.try_get::<Option<Vec<u8>>, _>("parent")?.map(digest).transpose()?,
        label: row.try_get("label")?,
        provider: row.try_get::<i64, _>("provider")? != 0,
        created: time("created")?,
        seen: time("seen")?,
        expires: time("expires")?,
    })
}

fn damaged(what: &str) -> IdentityError {
    IdentityError::Damaged(format!("{}: {what}", FORM.what))
}

impl From<ContentError> for IdentityError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Unavailable(cause) | ContentError::ReadOnly(cause) => {
                Self::Unavailable(Some(cause))
            }
            ContentError::Full(cause) => Self::Unavailable(cause),
            ContentError::Damaged(what) => Self::Damaged(what),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for IdentityError {
    fn from(error: sqlx::Error) -> Self {
        ContentError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn secret(number: u8) -> Digest {
        Digest::sha256(&[number])
    }

    const USER: UserId = UserId::from_bytes([1; 8]);

    fn grant(number: u8, kind: GrantKind) -> Grant {
        Grant {
            secret: secret(number),
            id: UserId::from_bytes([number; 8]),
            kind,
            user: USER,
            parent: None,
            label: Some("a laptop".to_owned()),
            provider: false,
            created: at(i64::from(number)),
            seen: at(i64::from(number)),
            expires: at(1000),
        }
    }

    async fn store() -> (tempfile::TempDir, IdentityStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(&folder.path().join("identity.db")).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn an_enrolment_is_good_once_and_for_a_while() {
        let (folder, store) = store().await;
        use std::os::unix::fs::PermissionsExt as _;
        let mode = folder.path().join("identity.db").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(store.set_login(USER, "somebody", at(1)).await.unwrap());
        assert!(store.set_login(USER, "somebody", at(1)).await.unwrap());
        let other = UserId::from_bytes([2; 8]);
        assert!(!store.set_login(other, "somebody", at(1)).await.unwrap());
        assert_eq!(store.credential("somebody").await.unwrap().unwrap().hash, None);

        store.enrol(USER, secret(1), at(10)).await.unwrap();
        // A second one takes the place of the first.
        store.enrol(USER, secret(2), at(20)).await.unwrap();
        assert_eq!(store.redeem(secret(1), "hash", at(2)).await.unwrap(), None);
        assert_eq!(store.enrolment(secret(2), at(20)).await.unwrap(), None);
        assert_eq!(store.redeem(secret(2), "hash", at(20)).await.unwrap(), None);
        assert_eq!(store.enrolment(secret(2), at(19)).await.unwrap(), Some(USER));
        assert_eq!(store.redeem(secret(2), "$hash-of-it$", at(19)).await.unwrap(), Some(USER));
        assert_eq!(store.redeem(secret(2), "other", at(19)).await.unwrap(), None);
        let credential = store.credential_of(USER).await.unwrap().unwrap();
        assert_eq!(credential.hash.as_deref(), Some("$hash-of-it$"));
        assert!(!format!("{credential:?}").contains("hash-of-it"));

        // A reset: the hash is in no byte of the folder any more.
        store.put_grant(&grant(7, GrantKind::Session)).await.unwrap();
        store.enrol(USER, secret(3), at(30)).await.unwrap();
        assert_eq!(store.grants(None).await.unwrap(), Vec::new());
        store.close().await;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(12).any(|window| window == b"$hash-of-it$"));
        }
    }

    #[tokio::test]
    async fn grants_end_one_by_one_together_and_by_themselves() {
        let (_folder, store) = store().await;
        let session = grant(1, GrantKind::Session);
        let token = Grant { parent: Some(session.secret), ..grant(2, GrantKind::Token) };
        for grant in [&session, &token, &grant(3, GrantKind::Session)] {
            assert!(store.put_grant(grant).await.unwrap());
            assert_eq!(store.grant(grant.secret).await.unwrap().as_ref(), Some(grant));
        }
        // A token ends with the session that it was made in.
        assert!(store.end(session.secret).await.unwrap());
        assert!(!store.end(session.secret).await.unwrap());
        let left: Vec<Digest> =
            store.grants(Some(USER)).await.unwrap().iter().map(|grant| grant.secret).collect();
        assert_eq!(left, [secret(3)]);

        store.seen(secret(3), at(500)).await.unwrap();
        store.seen(secret(3), at(400)).await.unwrap();
        assert_eq!(store.grant(secret(3)).await.unwrap().unwrap().seen, at(500));
        assert_eq!(store.sweep(at(600), at(499)).await.unwrap(), 0);
        assert_eq!(store.sweep(at(600), at(500)).await.unwrap(), 1);

        let count = u8::try_from(MAX_SESSIONS).unwrap();
        for number in 10..=10 + count {
            assert!(store.put_grant(&grant(number, GrantKind::Session)).await.unwrap());
            let kept = store.put_grant(&grant(number + 100, GrantKind::Token)).await.unwrap();
            assert_eq!(kept, number < 10 + count, "a token too many is refused");
        }
        // The session used least recently made room.
        assert_eq!(store.grant(secret(10)).await.unwrap(), None);
        assert_eq!(store.grants(None).await.unwrap().len(), MAX_SESSIONS + MAX_TOKENS);
        store.set_password(USER, "hash", secret(20), at(2)).await.unwrap();
        assert_eq!(store.grants(None).await.unwrap().len(), 1);
        assert_eq!(store.end_all(USER).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn another_file_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.db");
        std::fs::write(&path, "no database at all, but long enough to be looked at as one").unwrap();
        assert!(matches!(IdentityStore::open(&path).await, Err(IdentityError::Damaged(_))));
    }
}
