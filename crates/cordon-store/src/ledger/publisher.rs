use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_ledger::{
    Checkpoint, Hash, Note, Signer, VerifierKey,
    checkpoint::{CheckpointError, SignCheckpointError},
    leaf_hash,
    note::{NoteError, OpenError},
    tiles::{CHECKPOINT, EntryTooLong, EntryWriter, Tile, TileWriter, Tiles},
    tree::Head,
};

use crate::{
    data_dir::private_dir,
    log::{Log, LogError},
};

/// Tiles, entry bundles and checkpoints in a folder, as any client of C2SP tlog-tiles reads them.
#[derive(Clone, Debug)]
pub struct TileFolder(PathBuf);

/// Writes the log as tiles and signs checkpoints of it.
///
/// Everything here but the signatures is derived from the log: what is lost is written again, and must then lead to the root
/// that was signed.
pub struct Publisher {
    folder: TileFolder,
    signer: Arc<dyn Signer>,
    tiles: TileWriter,
    entries: EntryWriter,
    /// The newest head that was signed: the log must lead to it.
    signed: Option<Head>,
}

/// Why no checkpoint can be made.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The log has fewer facts than a checkpoint says.
    #[error(
        "the log has {found} facts, but a checkpoint of {signed} is signed; help: the log was put back from an older copy; restore the newer one, nothing is signed until then"
    )]
    Shorter {
        /// How many were signed.
        signed: u64,
        /// How many there are.
        found: u64,
    },
    /// The log leads to another root than a checkpoint says.
    #[error(
        "the first {size} facts of the log lead to root {found}, but {signed} is signed; help: facts were changed; `cordon verify` finds the first one, nothing is signed until the log is restored"
    )]
    Differs {
        /// Size of the checkpoint.
        size: u64,
        /// The root that was signed.
        signed: Hash,
        /// The root of what is there.
        found: Hash,
    },
    /// The newest checkpoint is not one.
    #[error(
        "the newest checkpoint `{path}` cannot be believed: {why}; help: put the right one back from where it was copied to"
    )]
    Checkpoint {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The folder cannot be read or written.
    #[error("`{path}` cannot be read or written")]
    Io {
        /// What.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The key did not sign.
    #[error("the checkpoint was not signed")]
    Sign(#[from] SignCheckpointError),
    /// The origin is not one.
    #[error("the checkpoint has no form")]
    Form(#[from] CheckpointError),
    /// A fact is too long for a bundle, which no fact is.
    #[error(transparent)]
    TooLong(#[from] EntryTooLong),
}

impl TileFolder {
    /// The tiles in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Where they lie.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The newest checkpoint as it stands; nothing when there is none. Nobody checked it.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        found(fs::read(self.0.join(CHECKPOINT)))
    }

    /// Writes the tiles and bundles of the first `size` facts of a log anew. Signs nothing, and compares nothing.
    ///
    /// # Errors
    /// When the log is shorter, or something cannot be read or written.
    pub async fn derive(&self, log: &dyn Log, size: u64) -> Result<Head, PublishError> {
        let (mut tiles, mut entries) = (TileWriter::new(), EntryWriter::new());
        while entries.size() < size {
            let page = log.read(entries.size(), size).await?;
            if page.is_empty() {
                return Err(PublishError::Shorter { signed: size, found: entries.size() });
            }
            for fact in page {
                tiles.push(leaf_hash(&fact.leaf));
                entries.push(&fact.leaf)?;
            }
            for file in entries.take_full().into_iter().chain(tiles.take_full()) {
                self.tile(file.tile, &file.bytes)?;
            }
        }
        for file in entries.cut().into_iter().chain(tiles.cut()) {
            self.tile(file.tile, &file.bytes)?;
        }
        Ok(tiles.head())
    }

    /// Writes a file so that it is there whole or not at all, durably where that is asked for.
    fn write(&self, path: &str, bytes: &[u8], durable: bool) -> Result<(), PublishError> {
        let path = self.0.join(path);
        let done = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(&self.0);
            private_dir(folder)?;
            let draft = path.with_added_extension("new");
            let mut file = File::create(&draft)?;
            file.write_all(bytes)?;
            if durable {
                file.sync_data()?;
            }
            fs::rename(&draft, &path)?;
            if durable { File::open(folder)?.sync_all() } else { Ok(()) }
        };
        done().map_err(|source| PublishError::Io { path: path.clone(), source })
    }

    fn tile(&self, tile: Tile, bytes: &[u8]) -> Result<(), PublishError> {
        // A full tile is never written again; a partial one is made again from the log when it is lost.
        self.write(&tile.path(), bytes, !tile.is_partial())?;
        if !tile.is_partial() {
            // The partial tiles that it takes the place of. What cannot be removed does no harm.
            let _ = fs::remove_dir_all(self.0.join(format!("{tile}.p")));
        }
        Ok(())
    }
}

impl Tiles for TileFolder {
    type Error = io::Error;

    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        found(fs::read(self.0.join(tile.path())))
    }
}

impl Publisher {
    /// Goes on with the tiles of a folder. `keys` are all keys that ever signed this log, the signer's among them.
    ///
    /// # Errors
    /// When the newest checkpoint there is not signed by one of them, or the folder cannot be read.
    pub fn open(
        folder: TileFolder,
        signer: Arc<dyn Signer>,
        keys: &[VerifierKey],
    ) -> Result<Self, PublishError> {
        let path = folder.path().join(CHECKPOINT);
        let stored = folder.checkpoint().map_err(|source| PublishError::Io { path: path.clone(), source })?;
        let mut publisher =
            Self { folder, signer, tiles: TileWriter::new(), entries: EntryWriter::new(), signed: None };
        if let Some(bytes) = stored {
            let head = read_checkpoint(&bytes, keys)
                .map_err(|why| PublishError::Checkpoint { path, why: why.to_string() })?;
            publisher.signed = Some(head);
            let resumed = TileWriter::resume(head, &publisher.folder)
                .ok()
                .zip(EntryWriter::resume(head.size, &publisher.folder).ok());
            match resumed {
                Some((tiles, entries)) => (publisher.tiles, publisher.entries) = (tiles, entries),
                None => tracing::warn!("tiles are lost or damaged; they are written again from the log"),
            }
        }
        Ok(publisher)
    }

    /// Takes in the facts up to a position, writes their tiles, and signs and publishes a checkpoint of all of them.
    /// Gives it, or nothing when there is nothing new.
    ///
    /// # Errors
    /// When the log was changed, or something cannot be read or written; asking again goes on from there.
    pub async fn advance(&mut self, log: &dyn Log, position: u64) -> Result<Option<Note>, PublishError> {
        if let Some(signed) = self.signed
            && position < signed.size
        {
            return Err(PublishError::Shorter { signed: signed.size, found: position });
        }
        while self.size() < position {
            // A stop on the way at what was signed, to compare.
            let stop = self.signed.map(|signed| signed.size).filter(|size| *size > self.size());
            let page = log.read(self.size(), stop.unwrap_or(position).min(position)).await?;
            if page.is_empty() {
                return Err(
                    LogError::Damaged(format!("the fact at position {} is missing", self.size())).into()
                );
            }
            for fact in page {
                self.tiles.push(leaf_hash(&fact.leaf));
                self.entries.push(&fact.leaf)?;
            }
            for file in self.entries.take_full().into_iter().chain(self.tiles.take_full()) {
                self.folder.tile(file.tile, &file.bytes)?;
            }
            self.compare()?;
        }
        for file in self.entries.cut().into_iter().chain(self.tiles.cut()) {
            self.folder.tile(file.tile, &file.bytes)?;
        }
        if self.signed == Some(self.tiles.head()) { Ok(None) } else { self.sign().map(Some) }
    }

    /// Takes another key for the next checkpoints, and signs the newest again with it.
    ///
    /// # Errors
    /// When it does not sign, or the checkpoint cannot be written.
    pub fn change_key(&mut self, signer: Arc<dyn Signer>) -> Result<Option<Note>, PublishError> {
        self.signer = signer;
        if self.signed.is_some() { self.sign().map(Some) } else { Ok(None) }
    }

    /// Number of facts taken in.
    pub fn size(&self) -> u64 {
        self.tiles.head().size
    }

    /// The newest head that was signed.
    pub fn signed(&self) -> Option<Head> {
        self.signed
    }

    fn sign(&mut self) -> Result<Note, PublishError> {
        let head = self.tiles.head();
        let origin = self.signer.verifier_key().name().as_str().to_owned();
        let note = Checkpoint::new(origin, head)?.sign(&[self.signer.as_ref()])?;
        self.folder.write(CHECKPOINT, note.to_string().as_bytes(), true)?;
        self.signed = Some(head);
        Ok(note)
    }

    fn compare(&self) -> Result<(), PublishError> {
        let head = self.tiles.head();
        match self.signed {
            Some(signed) if signed.size == head.size && signed.root != head.root => {
                Err(PublishError::Differs { size: head.size, signed: signed.root, found: head.root })
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ReadCheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

fn read_checkpoint(bytes: &[u8], keys: &[VerifierKey]) -> Result<Head, ReadCheckpointError> {
    let note = Note::parse(bytes)?;
    let opened = note.open(keys)?;
    Ok(Checkpoint::parse(opened.text())?.head())
}

fn found(read: io::Result<Vec<u8>>) -> io::Result<Option<Vec<u8>>> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
