//! Copies of the two files, consistent and made while serving, and the way back. A copy of the keys says until when it may
//! exist: what is erased meanwhile is gone for good only then.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use cordon_core::Timestamp;
use sqlx::{Connection as _, SqliteConnection};

use super::{
    ContentError, ContentStore,
    file::{Database, meta_number, options, set_meta},
    keyring, objects,
};

/// What a copy says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupMark {
    /// When it was made.
    pub made: Timestamp,
    /// When it must be gone. After that it is not taken back into service.
    pub expires: Timestamp,
}

/// Where copies go. They are made new, with mode 0600; keep the two apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backups {
    /// The copy of the keys.
    pub keys: PathBuf,
    /// The copy of the sealed content.
    pub content: PathBuf,
}

/// Why no copy was made or taken back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Its time is over: what was erased since it was made would come back.
    #[error(
        "the backup of {made} had to be gone by {expires}; help: take a younger one, and destroy this one"
    )]
    Expired {
        /// When it was made.
        made: Timestamp,
        /// Until when it was meant to exist.
        expires: Timestamp,
    },
    /// The file is no copy.
    #[error("`{path}` is not a backup of keys or content")]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// The copy cannot be written or read.
    #[error("`{path}` cannot be used as a backup; help: name a new file in a folder of yours")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store or the copy cannot be used.
    #[error(transparent)]
    File(#[from] ContentError),
}

impl ContentStore {
    /// Copies both files, content first, so that every object in the copy has its key there. Serving goes on meanwhile.
    ///
    /// # Errors
    /// When a copy exists already or cannot be written; what was made of it is removed.
    pub async fn backup(&self, to: &Backups, mark: BackupMark) -> Result<(), BackupError> {
        // Before the copy exists: an erasure that comes meanwhile names its end, too.
        self.keys
            .file
            .write(async |transaction| {
                let known = meta_number(transaction, "backup_until").await?.unwrap_or(i64::MIN);
                let until = known.max(mark.expires.as_millis());
                set_meta(transaction, "backup_until", &until.to_be_bytes()).await
            })
            .await
            .map_err(|error: ContentError| error)?;
        copy(&self.objects.file, &to.content, mark).await?;
        copy(&self.keys.file, &to.keys, mark).await
    }
}

/// Takes a copy back into service: checks it and takes its mark away, so that [`ContentStore::open`] accepts it. Every
/// erasure after [`BackupMark::made`] must be done again with [`ContentStore::reapply`], before anything is read.
///
/// # Errors
/// When the file is no copy, is damaged, or its time is over.
pub async fn adopt_backup(file: &Path, now: Timestamp) -> Result<BackupMark, BackupError> {
    let mut connection = SqliteConnection::connect_with(&options(file)).await.map_err(ContentError::from)?;
    let adopted = adopt(&mut connection, file, now).await;
    let closed = connection.close().await.map_err(ContentError::from);
    let mark = adopted?;
    closed?;
    Ok(mark)
}

async fn adopt(
    connection: &mut SqliteConnection,
    file: &Path,
    now: Timestamp,
) -> Result<BackupMark, BackupError> {
    let query = async |connection: &mut SqliteConnection, pragma| {
        sqlx::query_scalar::<_, i64>(pragma).fetch_one(connection).await.map_err(ContentError::from)
    };
    let application = query(connection, "PRAGMA application_id").await?;
    if ![keyring::FORM.application, objects::FORM.application].contains(&application) {
        return Err(BackupError::NotABackup { path: file.to_owned() });
    }
    let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(ContentError::from)?;
    if sound != "ok" {
        return Err(ContentError::Damaged(sound).into());
    }
    let Some(mark) = read_mark(connection).await? else {
        return Err(BackupError::NotABackup { path: file.to_owned() });
    };
    if mark.expires <= now {
        return Err(BackupError::Expired { made: mark.made, expires: mark.expires });
    }
    sqlx::query("DELETE FROM meta WHERE name IN ('backup_made', 'backup_expires')")
        .execute(connection)
        .await
        .map_err(ContentError::from)?;
    Ok(mark)
}

/// What an open file says about itself, if it is a copy.
pub(super) async fn mark(file: &Database) -> Result<Option<BackupMark>, ContentError> {
    read_mark(&mut *file.readers().acquire().await?).await
}

async fn read_mark(connection: &mut SqliteConnection) -> Result<Option<BackupMark>, ContentError> {
    let made = meta_number(connection, "backup_made").await?;
    let expires = meta_number(connection, "backup_expires").await?;
    Ok(made.zip(expires).map(|(made, expires)| BackupMark {
        made: Timestamp::from_millis(made),
        expires: Timestamp::from_millis(expires),
    }))
}

async fn copy(file: &Database, to: &Path, mark: BackupMark) -> Result<(), BackupError> {
    let io = |source| BackupError::Io { path: to.to_owned(), source };
    let text = to.to_str().ok_or_else(|| io(io::ErrorKind::InvalidFilename.into()))?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io)?;
    let made = async {
        file.copy_to(text).await?;
        let mut connection = SqliteConnection::connect_with(&options(to)).await?;
        set_meta(&mut connection, "backup_made", &mark.made.as_millis().to_be_bytes()).await?;
        set_meta(&mut connection, "backup_expires", &mark.expires.as_millis().to_be_bytes()).await?;
        connection.close().await?;
        Ok::<_, ContentError>(())
    }
    .await;
    let synced = match made {
        Ok(()) => {
            let path = to.to_owned();
            let synced = tokio::task::spawn_blocking(move || sync(&path)).await;
            synced.map_err(io::Error::other).flatten().map_err(io)
        }
        Err(error) => Err(error.into()),
    };
    if synced.is_err() {
        // Half a copy is none. One that cannot be removed is found by whoever makes the next one.
        let _ = std::fs::remove_file(to);
    }
    synced
}

/// Makes a file and its name durable: SQLite does not when it writes a copy.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
