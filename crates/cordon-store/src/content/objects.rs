//! `content.db`: the sealed objects, by call and name. Nothing in it can be read without the keys.

use std::path::Path;

use cordon_core::{CallId, Digest, Name, Timestamp};
use sqlx::{AssertSqlSafe, Row as _, sqlite::SqliteAutoVacuum};

use super::{
    ContentError, Removed,
    envelope::{NONCE, WRAPPED},
    file::{Database, Form, ROWS, damaged, parameters, tuples},
};

pub(super) const FORM: Form = Form {
    what: "content.db",
    // "CDNC".
    application: 0x43_44_4e_43,
    version: 1,
    // Retention gives the space of what it removed back to the disk.
    free_pages: SqliteAutoVacuum::Incremental,
    tables: "
CREATE TABLE objects (id INTEGER PRIMARY KEY, call BLOB NOT NULL, name TEXT NOT NULL, stored INTEGER NOT NULL,
    sealed BLOB NOT NULL, UNIQUE (call, name)) STRICT;
",
};

/// Bytes that a seal adds: nonce and tag.
const ADDED: u64 = (WRAPPED - super::envelope::KEY) as u64;

/// An object as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// What it is: `request`, `answer`.
    pub name: Name,
    /// When it was stored.
    pub stored: Timestamp,
    /// Bytes of its content.
    pub bytes: u64,
}

/// A sealed object on its way in or out.
pub(super) struct Sealed {
    pub(super) call: CallId,
    pub(super) name: Name,
    pub(super) stored: Timestamp,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) file: Database,
}

impl Objects {
    pub(super) async fn open(path: &Path) -> Result<Self, ContentError> {
        Ok(Self { file: Database::open(path, &FORM).await? })
    }

    /// Adds objects, all or none. One that is there already stays as it is.
    pub(super) async fn insert(&self, objects: &[Sealed]) -> Result<(), ContentError> {
        self.file
            .write(async |transaction| {
                for chunk in objects.chunks(ROWS) {
                    let sql = format!(
                        "INSERT INTO objects (call, name, stored, sealed) VALUES {} ON CONFLICT DO NOTHING",
                        tuples(chunk.len(), 4)
                    );
                    let mut query = sqlx::query(AssertSqlSafe(sql));
                    for object in chunk {
                        query = query
                            .bind(object.call.as_bytes().as_slice())
                            .bind(object.name.as_str())
                            .bind(object.stored.as_millis())
                            .bind(object.bytes.as_slice());
                    }
                    query.execute(&mut **transaction).await?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn read(&self, call: CallId, name: &Name) -> Result<Option<Sealed>, ContentError> {
        let row = sqlx::query("SELECT stored, sealed FROM objects WHERE call = $1 AND name = $2")
            .bind(call.as_bytes().as_slice())
            .bind(name.as_str())
            .fetch_optional(self.file.readers())
            .await?;
        row.map(|row| {
            let stored = Timestamp::from_millis(row.try_get(0)?);
            Ok(Sealed { call, name: name.clone(), stored, bytes: row.try_get(1)? })
        })
        .transpose()
    }

    pub(super) async fn list(&self, call: CallId) -> Result<Vec<StoredObject>, ContentError> {
        let rows =
            sqlx::query("SELECT name, stored, length(sealed) FROM objects WHERE call = $1 ORDER BY name")
                .bind(call.as_bytes().as_slice())
                .fetch_all(self.file.readers())
                .await?;
        let object = |row: &sqlx::sqlite::SqliteRow| {
            let bytes = u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0);
            Ok(StoredObject {
                name: self.name(row.try_get(0)?)?,
                stored: Timestamp::from_millis(row.try_get(1)?),
                bytes: bytes.saturating_sub(ADDED),
            })
        };
        rows.iter().map(object).collect()
    }

    /// What lies there of these calls, by the digest of its sealed bytes: `SHA-256(call ‖ name ‖ 0x00 ‖ sealed)`.
    pub(super) async fn describe(&self, calls: &[CallId]) -> Result<Vec<Removed>, ContentError> {
        let mut found = Vec::new();
        for call in calls {
            // One object at a time is in memory, however large they are together.
            let names: Vec<String> =
                sqlx::query_scalar("SELECT name FROM objects WHERE call = $1 ORDER BY name")
                    .bind(call.as_bytes().as_slice())
                    .fetch_all(self.file.readers())
                    .await?;
            for name in names {
                let name = self.name(&name)?;
                let Some(sealed) = self.read(*call, &name).await? else { continue };
                let mut bytes = call.as_bytes().to_vec();
                bytes.extend(name.as_str().as_bytes());
                bytes.push(0);
                bytes.extend(&sealed.bytes);
                found.push(Removed {
                    call: *call,
                    bytes: (sealed.bytes.len() as u64).saturating_sub(ADDED),
                    digest: Digest::sha256(&bytes),
                    name,
                });
            }
        }
        Ok(found)
    }

    pub(super) async fn delete(&self, calls: &[CallId]) -> Result<(), ContentError> {
        self.file
            .write(async |transaction| {
                for chunk in calls.chunks(ROWS) {
                    let sql = format!("DELETE FROM objects WHERE call IN ({})", parameters(0, chunk.len()));
                    let mut query = sqlx::query(AssertSqlSafe(sql));
                    for call in chunk {
                        query = query.bind(call.as_bytes().as_slice());
                    }
                    query.execute(&mut **transaction).await?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn delete_of(&self, call: CallId, names: &[Name]) -> Result<(), ContentError> {
        self.file
            .write(async |transaction| {
                for name in names {
                    sqlx::query("DELETE FROM objects WHERE call = $1 AND name = $2")
                        .bind(call.as_bytes().as_slice())
                        .bind(name.as_str())
                        .execute(&mut **transaction)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    fn name(&self, text: &str) -> Result<Name, ContentError> {
        Name::parse(text).map_err(|_| damaged(self.file.form(), "an object's name is none"))
    }
}

/// Bytes that an object takes in the file, at most: a large one has pages of its own.
pub(super) const fn footprint(content: usize) -> u64 {
    let row = content as u64 + NONCE as u64 + 256;
    if row > 4096 { row + 4096 } else { row }
}
