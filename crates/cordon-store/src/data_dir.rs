//! The folder that holds everything of one node, and the lock that lets one process at a time serve it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The folder of a node, held by this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Holds the lock: the operating system lets go of it when the process ends, however it ends.
    lock: Option<File>,
    /// The same of the folder that the log lies in, where that is another one.
    _log_lock: Option<File>,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process serves it.
    #[error(
        "`{path}` is in use{}; help: talk to the running server, or stop it first",
        .pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process, as far as it said.
        pid: Option<u32>,
    },
    /// Others than its owner may look into it.
    #[error("`{path}` is open to other users (mode {mode:o}); help: chmod 700 it")]
    TooOpen {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It cannot be made or opened.
    #[error(
        "`{path}` cannot be opened; help: check that it is a folder of yours on a disk that can be written"
    )]
    Io {
        /// What could not be opened.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Makes the folder if it is missing (mode 0700) and takes its lock.
    ///
    /// # Errors
    /// When another process holds it, others may look into it, or it cannot be made.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |at: &Path| {
            let path = at.to_owned();
            move |source| DataDirError::Io { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))?;
        let mode = path.metadata().map_err(io(path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(DataDirError::TooOpen { path: path.to_owned(), mode });
        }
        let lock = hold(path)?;
        let elsewhere = log_elsewhere(path).map_err(io(path))?;
        let log_lock = elsewhere.map(|folder| hold(&folder)).transpose()?;
        Ok(Self { path: path.to_owned(), lock: Some(lock), _log_lock: log_lock })
    }

    /// Opens a folder only to read: it makes nothing, and works on a disk that cannot be written. Whoever serves the
    /// folder keeps readers out, so that both never see each other's half-done work; readers do not disturb each other.
    ///
    /// # Errors
    /// When there is no such folder, or another process serves it.
    pub fn read_only(path: &Path) -> Result<Self, DataDirError> {
        let io = |source| DataDirError::Io { path: path.to_owned(), source };
        if !path.metadata().map_err(io)?.is_dir() {
            return Err(io(io::ErrorKind::NotADirectory.into()));
        }
        let at = path.join("lock");
        let lock = match File::open(&at) {
            Ok(lock) => {
                take(&lock, lock.try_lock_shared(), path, &at)?;
                Some(lock)
            }
            // Never served: nobody to keep out.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(DataDirError::Io { path: at, source }),
        };
        Ok(Self { path: path.to_owned(), lock, _log_lock: None })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the log.
    pub fn log_file(&self) -> PathBuf {
        self.path.join("log.db")
    }

    /// The file of the index of calls.
    pub fn index_file(&self) -> PathBuf {
        self.path.join("index.db")
    }

    /// The file of the keys to captured content.
    pub fn keys_file(&self) -> PathBuf {
        self.path.join("keys.db")
    }

    /// The file of captured content, sealed.
    pub fn content_file(&self) -> PathBuf {
        self.path.join("content.db")
    }

    /// The file of people's credentials and sessions.
    pub fn identity_file(&self) -> PathBuf {
        self.path.join("identity.db")
    }

    /// The file of what waits for a review.
    pub fn held_file(&self) -> PathBuf {
        self.path.join("held.db")
    }

    /// The folder of state caches.
    pub fn cache_dir(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// The folder of journals.
    pub fn journal_dir(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The folder of trees, tiles and checkpoints.
    pub fn ledger_dir(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// The folder of the object store.
    pub fn objects_dir(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// The folder of files that are not finished.
    pub fn scratch_dir(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// Whether this process holds the lock. A folder that was never served and is only read has none.
    pub fn is_held(&self) -> bool {
        self.lock.is_some()
    }
}

/// Takes the lock of a folder, and says who has it.
fn hold(folder: &Path) -> Result<File, DataDirError> {
    let at = folder.join("lock");
    let io = |source| DataDirError::Io { path: at.clone(), source };
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&at)
        .map_err(io)?;
    take(&lock, lock.try_lock(), folder, &at)?;
    lock.set_len(0).map_err(io)?;
    lock.rewind().map_err(io)?;
    writeln!(lock, "{}", std::process::id()).map_err(io)?;
    Ok(lock)
}

/// The folder that the log of a folder lies in, where the log is a link to another one's: who serves that one serves this log.
fn log_elsewhere(path: &Path) -> io::Result<Option<PathBuf>> {
    match path.join("log.db").canonicalize() {
        Ok(log) => {
            let here = path.canonicalize()?;
            Ok(log.parent().filter(|folder| **folder != here).map(Path::to_owned))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn take(lock: &File, taken: Result<(), TryLockError>, path: &Path, at: &Path) -> Result<(), DataDirError> {
    match taken {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The first 20 bytes hold any process id; what is not one is not shown.
            let pid = lock.take(20).read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            Err(DataDirError::InUse { path: path.to_owned(), pid })
        }
        Err(TryLockError::Error(source)) => Err(DataDirError::Io { path: at.to_owned(), source }),
    }
}

/// Makes an empty file with mode 0600 where there is none, so that what writes to it later never makes it wider.
pub(crate) fn private_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a folder with mode 0700 where there is none.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_opener_is_told_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let held = DataDir::open(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("lock"))), (0o700, 0o600));
        for second in [DataDir::open(&path), DataDir::read_only(&path)] {
            let error = second.unwrap_err();
            assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        }
        drop(held);
        let readers = [DataDir::read_only(&path).unwrap(), DataDir::read_only(&path).unwrap()];
        assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse { .. })));
        drop(readers);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn two_folders_with_one_log_are_held_together() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        drop((DataDir::open(&one).unwrap(), DataDir::open(&two).unwrap()));
        std::fs::write(one.join("log.db"), "").unwrap();
        std::os::unix::fs::symlink(one.join("log.db"), two.join("log.db")).unwrap();
        for (first, second) in [(&one, &two), (&two, &one)] {
            let held = DataDir::open(first).unwrap();
            assert!(matches!(DataDir::open(second), Err(DataDirError::InUse { path, .. }) if path == one));
            drop(held);
        }
    }

    #[test]
    fn a_folder_open_to_others_or_no_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::TooOpen { mode: 0o755, .. })));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(DataDir::open(&file), Err(DataDirError::Io { .. })));
        assert!(matches!(DataDir::read_only(&file), Err(DataDirError::Io { .. })));
        assert!(matches!(DataDir::read_only(&folder.path().join("none")), Err(DataDirError::Io { .. })));
    }
}
