//! Objects: whole, immutable, named byte strings that are written once. Sealed records and evidence packs lie here.
//!
//! [`Objects`] is the little that Cordon asks of such a store; [`FolderObjects`] is the one of a single machine. Stores
//! that speak S3 come behind the same trait: its operations are those that S3 has (a conditional put, ranged reads, a
//! listing by prefix, a delete), and nobody above it knows which one is there.
//!
//! What an object holds is never trusted because of where it lies: readers compare it with a digest from the log.

use std::{
    collections::BTreeSet,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::journal::{Disk, FileSystem, read_full};

/// The longest name of an object in bytes.
pub const MAX_NAME: usize = 512;

/// The longest part of a name between two `/`, in bytes.
const MAX_PART: usize = 128;

/// The folder of objects that are being written; no object's name begins like this.
const UNFINISHED: &str = ".new";

/// Bytes that are copied at once.
const CHUNK: usize = 256 * 1024;

/// A store of objects.
///
/// A name is parts of `a-z 0-9 . _ -` between `/`, no part empty or beginning with a dot, at most [`MAX_NAME`] bytes
/// ([`check_name`]). Every operation may be asked again after an error.
pub trait Objects: Send + Sync + 'static {
    /// Stores an object under a name that is not taken: wholly, durably, or not at all. The content is read from its
    /// begin to its end.
    ///
    /// # Errors
    /// When the content cannot be read or the store does not take it.
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError>;

    /// A whole object of at most `limit` bytes.
    ///
    /// # Errors
    /// When there is none, it is larger, or it cannot be read.
    fn get(&self, name: &str, limit: usize) -> Result<Vec<u8>, ObjectError> {
        let bytes = self.size(name)?.ok_or_else(|| ObjectError::Absent(name.to_owned()))?;
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= limit => self.get_range(name, 0, bytes),
            _ => Err(ObjectError::TooLarge { name: name.to_owned(), bytes, limit }),
        }
    }

    /// Up to `length` bytes of an object from an offset; fewer at its end.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError>;

    /// An object's length in bytes; `None` where there is none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError>;

    /// The names that begin with a prefix, ascending.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;

    /// Removes an object, durably; one that is not there is no error.
    ///
    /// # Errors
    /// When the store refuses.
    fn delete(&self, name: &str) -> Result<(), ObjectError>;
}

/// What is to be stored: it may be read more than once, when a store tries again.
pub trait Content: Read + Seek {}

impl<T: Read + Seek> Content for T {}

/// What became of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The name was taken. What lies there stays: whether it is the same, a reader finds by its digest.
    Present,
    /// The object is there now.
    Stored,
}

/// Why an object was not stored, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is none.
    #[error("object `{0}` is not there; help: restore it from a copy of the store")]
    Absent(String),
    /// The content to be stored cannot be read.
    #[error("the content of object `{name}` cannot be read")]
    Content {
        /// The object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A text that is no name.
    #[error("`{0}` is no name of an object; help: parts of a-z, 0-9, `.`, `_` and `-` between `/`")]
    Name(String),
    /// The store refused.
    #[error("the object store cannot be used for `{name}`; help: see the cause; asking again goes on")]
    Store {
        /// The object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An object that is larger than its reader takes.
    #[error("object `{name}` has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The object.
        name: String,
        /// Its length.
        bytes: u64,
        /// What the reader takes.
        limit: usize,
    },
}

/// Whether a text is a name of an object. A name is a path below the store's folder and never leaves it.
///
/// # Errors
/// [`ObjectError::Name`] where it is not.
pub fn check_name(name: &str) -> Result<(), ObjectError> {
    let letter = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let part = |part: &str| {
        !part.is_empty() && part.len() <= MAX_PART && !part.starts_with('.') && part.bytes().all(letter)
    };
    if name.len() <= MAX_NAME && name.split('/').all(part) {
        Ok(())
    } else {
        Err(ObjectError::Name(name.chars().take(80).collect()))
    }
}

/// Objects as files of a folder: each is written beside the others, synced, and then given its name.
///
/// Files have mode 0600, folders 0700. The file system must know hard links: they give a name only where it is free. One
/// process uses a folder: what an earlier one left unfinished is removed by the next.
pub struct FolderObjects {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// Numbers the unfinished files of this process.
    next: AtomicU64,
}

impl FolderObjects {
    /// Opens a store, and makes its folder where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(root: &Path) -> Result<Self, ObjectError> {
        Self::open_on(Arc::new(FileSystem), root)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// As [`FolderObjects::open`].
    pub fn open_on(disk: Arc<dyn Disk>, root: &Path) -> Result<Self, ObjectError> {
        let store = Self { disk, root: root.to_owned(), next: AtomicU64::new(0) };
        let unfinished = store.root.join(UNFINISHED);
        store.disk.create_folder(&unfinished).map_err(failed(UNFINISHED))?;
        for name in store.names(&unfinished).map_err(failed(UNFINISHED))?.unwrap_or_default() {
            store.disk.remove(&unfinished.join(name)).map_err(failed(UNFINISHED))?;
        }
        Ok(store)
    }

    /// Opens a store only to read: it makes and removes nothing.
    pub fn read_only(root: &Path) -> Self {
        Self { disk: Arc::new(FileSystem), root: root.to_owned(), next: AtomicU64::new(0) }
    }

    /// Writes the content to a file that has no object's name yet, durably.
    fn write(&self, name: &str, path: &Path, mut content: &mut dyn Content) -> Result<(), ObjectError> {
        let unreadable = |source| ObjectError::Content { name: name.to_owned(), source };
        let file = self.disk.create(path).map_err(failed(name))?;
        content.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let (mut buffer, mut offset) = (Vec::with_capacity(CHUNK), 0_u64);
        loop {
            buffer.clear();
            let read = Read::take(&mut content, CHUNK as u64).read_to_end(&mut buffer).map_err(unreadable)?;
            if read == 0 {
                return file.sync().map_err(failed(name));
            }
            file.write_at(&buffer, offset).map_err(failed(name))?;
            offset += read as u64;
        }
    }

    /// Gives the file the object's name, durably.
    fn publish(&self, name: &str, from: &Path) -> io::Result<Put> {
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        self.disk.create_folder(folder)?;
        let put = match self.disk.link(from, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if self.same(from, &path)? {
                    // The name may be one that an earlier attempt could not make durable, and that the operating
                    // system has given up. Given anew, with the same content, it is.
                    self.disk.rename(from, &path)?;
                    self.disk.sync_folder(&self.root.join(UNFINISHED))?;
                }
                Put::Present
            }
            other => other.map(|()| Put::Stored)?,
        };
        // Folders too may have been made by an earlier attempt.
        for folder in folder.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            self.disk.sync_folder(folder)?;
        }
        Ok(put)
    }

    /// Whether two files have the same content.
    fn same(&self, one: &Path, other: &Path) -> io::Result<bool> {
        let (one, other) = (self.disk.open(one)?, self.disk.open(other)?);
        let length = one.length()?;
        let (mut here, mut there) = (vec![0; CHUNK], vec![0; CHUNK]);
        let mut offset = 0;
        while offset < length {
            let read = read_full(&*one, &mut here, offset)?;
            if read == 0
                || read_full(&*other, &mut there, offset)? != read
                || here.get(..read) != there.get(..read)
            {
                return Ok(false);
            }
            offset += read as u64;
        }
        Ok(other.length()? == length)
    }

    /// The names in a folder; `None` where it is a file or not there.
    fn names(&self, folder: &Path) -> io::Result<Option<Vec<String>>> {
        match self.disk.list(folder) {
            Ok(names) => Ok(Some(names)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Debug for FolderObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FolderObjects").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Objects for FolderObjects {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        check_name(name)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.root.join(UNFINISHED).join(format!("{number}.part"));
        let put = self
            .write(name, &unfinished, content)
            .and_then(|()| self.publish(name, &unfinished).map_err(failed(name)));
        match self.disk.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && put.is_ok() => Err(failed(name)(error)),
            _ => put,
        }
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        check_name(name)?;
        let file = match self.disk.open(&self.root.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ObjectError::Absent(name.to_owned()));
            }
            other => other.map_err(failed(name))?,
        };
        let left = file.length().map_err(failed(name))?.saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(length)];
        let read = read_full(&*file, &mut bytes, offset).map_err(failed(name))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        check_name(name)?;
        match self.disk.open(&self.root.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.and_then(|file| file.length()).map(Some).map_err(failed(name)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        // Only what lies below the last whole part of the prefix is looked at.
        let below = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !below.is_empty() {
            check_name(below)?;
        }
        let (mut found, mut folders) = (Vec::new(), BTreeSet::from([below.to_owned()]));
        while let Some(folder) = folders.pop_first() {
            let path = self.root.join(&folder);
            match self.names(&path).map_err(failed(prefix))? {
                Some(names) => folders.extend(
                    names
                        .into_iter()
                        .map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") })
                        .filter(|name| check_name(name).is_ok()),
                ),
                None if !folder.is_empty() && self.size(&folder)?.is_some() => found.push(folder),
                None => {}
            }
        }
        found.retain(|name| name.starts_with(prefix));
        found.sort_unstable();
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        check_name(name)?;
        let path = self.root.join(name);
        match self.disk.remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed(name))?,
        }
        match self.disk.sync_folder(path.parent().unwrap_or(&self.root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed(name)),
        }
    }
}

fn failed(name: &str) -> impl FnOnce(io::Error) -> ObjectError {
    let name = name.to_owned();
    move |source| ObjectError::Store { name, source }
}

#[cfg(test)]
mod tests;
