//! Copies of a data folder that agree with themselves, made beside a process that serves it, and the way back.
//!
//! What was signed is copied first, then the log, then the journals: so the log of a copy is at least as long as its
//! checkpoint says, and the journals at least as long as the log's anchors say. Tiles are made again from the copy; caches and
//! the index are derived and are not copied. Sealed objects in another store than the folder are named, not copied: they
//! never change, the log holds their digests, and their store is what protects them. Secrets go to a folder of their own, or nowhere: a copy of the records must not be enough to go on as
//! this node.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    data_dir::{private_dir, private_file},
    ledger::{PublishError, TileFolder},
    log::{LoadError, Loader, LogError, SqliteLog, StateCaches},
};

/// The form of a copy.
pub const FORMAT: u32 = 1;

/// The file that describes a copy.
pub const MANIFEST: &str = "backup.json";

/// What a folder holds that nobody else may have.
pub const SECRETS: [&str; 5] = ["ledger.key", "digest.key", "pseudonym.key", "content.key", "admin.token"];

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the copy: [`FORMAT`].
    pub format: u32,
    /// When it was made.
    pub made: Timestamp,
    /// By which build.
    pub build: String,
    /// How many facts it holds.
    pub facts: u64,
    /// Its files.
    pub files: Vec<ManifestFile>,
    /// What it only names: sealed records that did not lie in the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedObjects>,
}

/// Objects that the log of a copy names, with their digests, and that the copy does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedObjects {
    /// Where they were when the copy was made, for people; `None` where the folder's configuration named no store.
    pub store: Option<String>,
    /// How many.
    pub objects: u64,
    /// The frames in them.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A file of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Where it lies in the folder.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
}

/// Why no copy was made or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The place is taken.
    #[error("`{0}` exists and is not empty; help: name a new folder")]
    Taken(PathBuf),
    /// The log cannot be copied.
    #[error("the log cannot be copied")]
    Log(#[from] LogError),
    /// The copied log cannot be read.
    #[error("the copy of the log cannot be read")]
    Load(#[from] LoadError),
    /// The log and its checkpoint do not agree.
    #[error("the tiles of the copy cannot be made; help: `cordon verify` says what is wrong")]
    Tiles(#[from] PublishError),
    /// A file cannot be read or written.
    #[error("`{path}` cannot be copied")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The copy is not as it was made.
    #[error("`{path}` of the backup {what}; help: take another copy")]
    Changed {
        /// Which file.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A newer program made it, or it is none.
    #[error(
        "`{0}` is no backup that this program knows; help: restore it with the program that made it, or a newer one"
    )]
    Unknown(PathBuf),
}

/// Copies the records of a folder, which may be served meanwhile. `to` is made, or empty. Objects in another store are only
/// named: `store` says to people where they are.
///
/// # Errors
/// When the place is taken, or something cannot be read or written. What was made of the copy is left: it has no manifest.
pub async fn take(
    data: &Path,
    to: &Path,
    made: Timestamp,
    build: &str,
    store: Option<&str>,
) -> Result<Manifest, BackupError> {
    empty(to)?;
    let mut files = Vec::new();
    let checkpoint = "ledger/log/checkpoint";
    if data.join(checkpoint).exists() {
        files.push(copy(data, to, checkpoint)?);
    }
    if data.join("node.name").exists() {
        files.push(copy(data, to, "node.name")?);
    }
    let log = SqliteLog::open_beside(&data.join("log.db")).await?;
    let copied = log.copy_to(&to.join("log.db")).await;
    log.close().await;
    let facts = copied?;
    files.push(describe(to, "log.db")?);
    // A claim, which only says how many facts the tiles are of; whoever restores checks the signature.
    let claimed = fs::read_to_string(to.join(checkpoint)).unwrap_or_default();
    if let Some(size) = claimed.lines().nth(1).and_then(|line| line.parse().ok()) {
        let copy = SqliteLog::open_read_only(&to.join("log.db")).await?;
        let derived = TileFolder::new(to.join("ledger/log")).derive(&copy, size).await;
        copy.close().await;
        derived?;
        let mut paths = Vec::new();
        list(to, "ledger/log/tile", &mut paths)?;
        for path in paths {
            files.push(describe(to, &path)?);
        }
    }
    // Files that come meanwhile are younger than the log's copy and not missed.
    for folder in ["journal", "objects", "ledger/journal"] {
        let mut paths = Vec::new();
        list(data, folder, &mut paths)?;
        for path in paths {
            files.push(copy(data, to, &path)?);
        }
    }
    let named = named(data, to, &files, store).await?;
    let manifest = Manifest { format: FORMAT, made, build: build.to_owned(), facts, files, named };
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other).map_err(io_at(to))?;
    write(&to.join(MANIFEST), &text)?;
    Ok(manifest)
}

/// The objects that the copied log names and that were not copied.
async fn named(
    data: &Path,
    to: &Path,
    files: &[ManifestFile],
    store: Option<&str>,
) -> Result<Option<NamedObjects>, BackupError> {
    let log = Arc::new(SqliteLog::open_read_only(&to.join("log.db")).await?);
    let loader = Loader::new(Arc::<SqliteLog>::clone(&log), StateCaches::read_only(data.join("cache")));
    let loaded = loader.load().await;
    log.close().await;
    let state = loaded?.state;
    let held: BTreeSet<&str> = files.iter().filter_map(|file| file.path.strip_prefix("objects/")).collect();
    let mut named = NamedObjects { store: store.map(str::to_owned), objects: 0, frames: 0, bytes: 0 };
    for seal in state.journals().flat_map(|journal| state.segments(journal.anchor.journal)) {
        if !held.contains(seal.object.as_str()) {
            named.objects += 1;
            named.frames += seal.count;
            named.bytes += seal.bytes;
        }
    }
    Ok(Some(named).filter(|named| named.objects > 0))
}

/// Copies the secrets that a folder holds. Keep them apart from the records.
///
/// # Errors
/// When the place is taken, or something cannot be read or written.
pub fn take_secrets(data: &Path, to: &Path) -> Result<Vec<&'static str>, BackupError> {
    empty(to)?;
    let there: Vec<&str> = SECRETS.into_iter().filter(|name| data.join(name).exists()).collect();
    for name in &there {
        copy(data, to, name)?;
    }
    Ok(there)
}

/// Checks a copy and puts it, with the secrets of another folder if there is one, into a new folder.
///
/// # Errors
/// When the copy is not as it was made, the place is taken, or something cannot be read or written.
pub fn put_back(from: &Path, secrets: Option<&Path>, data: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(from)?;
    empty(data)?;
    for file in &manifest.files {
        let copied = copy(from, data, &file.path)?;
        if copied != *file {
            return Err(BackupError::Changed {
                path: file.path.clone(),
                what: "is not the one that was copied",
            });
        }
    }
    for name in SECRETS {
        if let Some(secrets) = secrets.filter(|secrets| secrets.join(name).exists()) {
            copy(secrets, data, name)?;
        }
    }
    Ok(manifest)
}

/// The description of a copy.
///
/// # Errors
/// When there is none, or another program made it.
pub fn read_manifest(from: &Path) -> Result<Manifest, BackupError> {
    let unknown = || BackupError::Unknown(from.to_owned());
    let bytes = fs::read(from.join(MANIFEST)).map_err(|_| unknown())?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
    // A path in it must not lead out of the folder.
    let inside =
        |path: &str| Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if manifest.format != FORMAT || manifest.files.iter().any(|file| !inside(&file.path)) {
        return Err(unknown());
    }
    Ok(manifest)
}

fn empty(folder: &Path) -> Result<(), BackupError> {
    private_dir(folder).map_err(io_at(folder))?;
    match fs::read_dir(folder).map_err(io_at(folder))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::Taken(folder.to_owned())),
    }
}

/// All files below a folder, by their paths in the data folder, oldest names first.
fn list(data: &Path, folder: &str, found: &mut Vec<String>) -> Result<(), BackupError> {
    let at = data.join(folder);
    let entries = match fs::read_dir(&at) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BackupError::Io { path: at, source }),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_at(&at))?;
        let kind = entry.file_type().map_err(io_at(&at))?;
        names.push((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
    }
    names.sort();
    for (name, is_folder) in names {
        let path = format!("{folder}/{name}");
        // Drafts of files that were not finished.
        match (is_folder, name.rsplit_once('.')) {
            (true, _) => list(data, &path, found)?,
            (false, Some((_, "new" | "part"))) => {}
            (false, _) => found.push(path),
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, path: &str) -> Result<ManifestFile, BackupError> {
    let (source, target) = (from.join(path), to.join(path));
    if let Some(folder) = target.parent() {
        private_dir(folder).map_err(io_at(folder))?;
    }
    private_file(&target).map_err(io_at(&target))?;
    let done = || -> io::Result<(u64, Digest)> {
        let (mut reader, mut writer) = (File::open(&source)?, File::options().write(true).open(&target)?);
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
        loop {
            let count = reader.read(&mut buffer)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
            writer.write_all(part)?;
            bytes += part.len() as u64;
        }
        writer.sync_all()?;
        Ok((bytes, Digest::from_bytes(hash.finalize().into())))
    };
    let (bytes, sha256) = done().map_err(io_at(&source))?;
    Ok(ManifestFile { path: path.to_owned(), bytes, sha256 })
}

fn describe(folder: &Path, path: &str) -> Result<ManifestFile, BackupError> {
    let at = folder.join(path);
    let mut hash = Sha256::new();
    let mut reader = File::open(&at).map_err(io_at(&at))?;
    let bytes = io::copy(&mut reader, &mut Hashing(&mut hash)).map_err(io_at(&at))?;
    Ok(ManifestFile { path: path.to_owned(), bytes, sha256: Digest::from_bytes(hash.finalize().into()) })
}

struct Hashing<'h>(&'h mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    private_file(path).map_err(io_at(path))?;
    let done = || -> io::Result<()> {
        let mut file = File::options().write(true).truncate(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    done().map_err(io_at(path))
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}
