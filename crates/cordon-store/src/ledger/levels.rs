use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use cordon_ledger::{Frontier, Hash, node_hash, tree::Nodes};

use crate::data_dir::private_dir;

/// Levels of the tree between two files: a node between them costs at most 128 hashes, in one read of 4 KiB.
const STEP: u32 = 8;

/// Bytes of a hash.
const WIDTH: u64 = 32;

/// The hashes of one growing tree (RFC 6962, section 2.1) in flat files.
///
/// `level-00` holds the leaf hashes one behind the other, `level-08` the hashes of complete subtrees of 256 leaves, and so on:
/// 32.1 bytes a leaf. The tree can be asked for any earlier size. It is derived from what was hashed, until that is retired;
/// whoever opens it compares its root with an anchor.
#[derive(Debug)]
pub struct Levels {
    folder: PathBuf,
    files: Vec<File>,
    size: u64,
}

impl Levels {
    /// Opens the files of a folder, which are made when they are missing, and mends what a crash left of the upper levels.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private_dir(folder)?;
        let mut levels = Self { folder: folder.to_owned(), files: Vec::new(), size: 0 };
        // All that are there, so that a file of a larger tree is emptied and not met again.
        let mut level = STEP;
        while levels.path(level).exists() {
            levels.file(level)?;
            level += STEP;
        }
        let leaves = levels.file(0)?.metadata()?.len() / WIDTH;
        levels.cut(leaves)?;
        Ok(levels)
    }

    /// Opens the files of a folder only to read, while another process or task may append: the tree is as large as it is
    /// now. A tree without files is empty.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut levels = Self { folder: folder.to_owned(), files: Vec::new(), size: 0 };
        let mut level = 0;
        while levels.path(level).exists() {
            levels.files.push(File::open(levels.path(level))?);
            level += STEP;
        }
        // Uppermost first: a level is written after the one below it, so what is there now is complete below.
        let mut size = u64::MAX;
        let mut above = u32::try_from(levels.files.len()).unwrap_or(u32::MAX).saturating_mul(STEP);
        for file in levels.files.iter().rev() {
            above -= STEP;
            let held = file.metadata()?.len() / WIDTH;
            let whole = held.checked_add(1).and_then(|held| held.checked_mul(1 << above)).unwrap_or(u64::MAX);
            size = size.min(whole - 1);
        }
        levels.size = if levels.files.is_empty() { 0 } else { size };
        Ok(levels)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Forgets all leaves from a number on; a larger number than there are changes nothing.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn cut(&mut self, size: u64) -> io::Result<()> {
        let leaves = self.file(0)?.metadata()?.len() / WIDTH;
        self.size = size.min(leaves);
        let mut level = 0;
        loop {
            let wanted = self.size.checked_shr(level).unwrap_or(0);
            let held = self.file(level)?.metadata()?.len() / WIDTH;
            self.file(level)?.set_len(wanted.min(held) * WIDTH)?;
            if level > 0 {
                self.lift(level, wanted.min(held), wanted)?;
            }
            if wanted >> STEP == 0 {
                // Files above hold nothing of a tree of this size.
                for above in self.files.drain(index(level) + 1..) {
                    above.set_len(0)?;
                }
                return Ok(());
            }
            level += STEP;
        }
    }

    /// Adds leaves.
    ///
    /// # Errors
    /// Those of the operating system: then nothing, or a part, was added, and [`Self::cut`] goes back.
    pub fn append(&mut self, leaves: &[Hash]) -> io::Result<()> {
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
        let at = self.size * WIDTH;
        self.file(0)?.write_all_at(&bytes, at)?;
        let before = self.size;
        self.size += leaves.len() as u64;
        let mut level = STEP;
        while self.size.checked_shr(level).unwrap_or(0) > 0 {
            let from = before.checked_shr(level).unwrap_or(0);
            self.lift(level, from, self.size >> level)?;
            level += STEP;
        }
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn sync(&self) -> io::Result<()> {
        self.files.iter().try_for_each(File::sync_data)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The root of the tree of the first `size` leaves.
    ///
    /// # Errors
    /// Those of the operating system, or when the tree is smaller.
    pub fn root(&self, size: u64) -> io::Result<Hash> {
        Ok(Frontier::from_nodes(size, self)?.root())
    }

    /// The leaf hashes from a number on: as many as there are, and no more than asked for.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn leaves(&self, first: u64, count: u64) -> io::Result<Vec<Hash>> {
        let count = count.min(self.size.saturating_sub(first));
        self.hashes(0, first, count)
    }

    /// Writes the hashes `from..to` of a level from those of the level below.
    fn lift(&mut self, level: u32, from: u64, to: u64) -> io::Result<()> {
        for number in from..to {
            let hash = fold(self.hashes(level - STEP, number << STEP, 1 << STEP)?);
            self.file(level)?.write_all_at(hash.as_bytes(), number * WIDTH)?;
        }
        Ok(())
    }

    /// Hashes of a level that is in a file.
    fn hashes(&self, level: u32, first: u64, count: u64) -> io::Result<Vec<Hash>> {
        let held = self.size.checked_shr(level).unwrap_or(0);
        let end = first.checked_add(count).filter(|end| *end <= held);
        let file = self.files.get(index(level)).filter(|_| end.is_some());
        let Some(file) = file else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let mut bytes = vec![0; usize::try_from(count * WIDTH).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, first * WIDTH)?;
        let (hashes, _) = bytes.as_chunks::<32>();
        Ok(hashes.iter().map(|hash| Hash::new(*hash)).collect())
    }

    fn path(&self, level: u32) -> PathBuf {
        self.folder.join(format!("level-{level:02}"))
    }

    /// The file of a level, which is made when it is missing, and all below it.
    fn file(&mut self, level: u32) -> io::Result<&File> {
        while self.files.len() <= index(level) {
            let path = self.path(u32::try_from(self.files.len()).unwrap_or(u32::MAX).saturating_mul(STEP));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            self.files.push(options.open(path)?);
        }
        self.files.get(index(level)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Nodes for Levels {
    type Error = io::Error;

    fn node(&self, level: u8, index: u64) -> io::Result<Hash> {
        let below = u32::from(level) % STEP;
        let first = index.checked_shl(below).filter(|first| first >> below == index);
        let hashes = first.map(|first| self.hashes(u32::from(level) - below, first, 1 << below));
        hashes.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into())).map(fold)
    }
}

fn index(level: u32) -> usize {
    (level / STEP) as usize
}

/// The root of a complete subtree: the number of hashes is a power of two.
fn fold(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        let (pairs, _) = hashes.as_chunks::<2>();
        hashes = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    hashes.pop().unwrap_or(Hash::EMPTY_TREE)
}
