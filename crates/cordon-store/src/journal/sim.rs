//! A simulated disk for tests: it keeps only what was synced, plus a random torn subset of everything else.
//!
//! Sectors of 512 bytes of unsynced writes survive a crash independently and in any order, each in any version that it
//! had since the last sync; so do unsynced names. Any operation can be made to fail: a failing write leaves a part
//! of its bytes, a failing sync makes a part durable and forgets that the rest was ever unsynced, as kernels do.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

/// Random numbers from a seed (SplitMix64): the same seed gives the same numbers, for ever.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It fails with this kind of error; later ones succeed.
    Fail(io::ErrorKind),
    /// It is the last one: it may be done in part, and it and all after it fail until [`SimDisk::crash`].
    Crash,
}

struct State {
    files: Vec<Inode>,
    /// Names as a running program sees them, and as they are on the disk.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<Change>,
    operations: u64,
    fates: BTreeMap<u64, Fate>,
    crashed: bool,
    /// Every operation that changes something fails like this.
    refusal: Option<io::ErrorKind>,
    random: Random,
}

#[derive(Clone)]
enum Change {
    Insert(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

#[derive(Default)]
struct Inode {
    /// As a running program sees it.
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Unsynced writes, oldest first.
    pending: Vec<(usize, Vec<u8>)>,
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl Random {
    /// Numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.number().checked_rem(bound).unwrap_or(0)).unwrap_or(0)
    }
}

impl Inode {
    /// The durable bytes with, for each sector, a random one of the versions that it had since the last sync.
    fn torn(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        let mut seen = self.durable.clone();
        for (offset, write) in &self.pending {
            overwrite(&mut seen, *offset, write);
            let last = (offset + write.len()).div_ceil(SECTOR);
            for sector in offset / SECTOR..last {
                let range = sector * SECTOR..((sector + 1) * SECTOR).min(seen.len());
                let version = seen.get(range).map(<[u8]>::to_vec).unwrap_or_default();
                versions.entry(sector).or_default().push(version);
            }
        }
        for (sector, versions) in versions {
            let chosen = random.below(versions.len() + 1);
            if let Some(version) = versions.get(chosen) {
                overwrite(&mut bytes, sector * SECTOR, version);
            }
        }
        bytes
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, write: &[u8]) {
    let end = offset + write.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(write);
    }
}

impl State {
    /// Counts an operation and decides about it. `Err` with `true` where it may be done in part.
    fn decide(&mut self) -> Result<(), (io::Error, bool)> {
        if self.crashed {
            return Err((io::Error::other("the machine is off"), false));
        }
        self.operations += 1;
        if let Some(kind) = self.refusal {
            return Err((kind.into(), false));
        }
        match self.fates.get(&self.operations) {
            None => Ok(()),
            Some(Fate::Fail(kind)) => Err(((*kind).into(), true)),
            Some(Fate::Crash) => {
                self.crashed = true;
                Err((io::Error::other("the machine went off"), true))
            }
        }
    }

    fn file(&mut self, inode: usize) -> io::Result<&mut Inode> {
        self.files.get_mut(inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A change of names: it happens wholly, or on an error wholly or not at all.
    fn change(&mut self, change: Change) -> io::Result<()> {
        let decision = self.decide();
        let happens = match &decision {
            Ok(()) => true,
            Err((_, partly)) => *partly && self.random.below(2) == 0,
        };
        if happens {
            apply(&mut self.names, &change);
            self.pending_names.push(change);
        }
        decision.map_err(|(error, _)| error)
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Change) {
    match change {
        Change::Insert(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Change::Remove(path) => {
            names.remove(path);
        }
        Change::Rename(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
    }
}

impl SimDisk {
    /// An empty disk. The seed decides what survives.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            operations: 0,
            fates: BTreeMap::new(),
            crashed: false,
            refusal: None,
            random: Random::new(seed),
        })))
    }

    /// How many operations that change something were asked for so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Decides about the `number`-th operation, counted from 1 as [`SimDisk::operations`] does.
    pub fn plan(&self, number: u64, fate: Fate) {
        self.state().fates.insert(number, fate);
    }

    /// Makes every operation that changes something fail, or stops that.
    pub fn refuse(&self, kind: Option<io::ErrorKind>) {
        self.state().refusal = kind;
    }

    /// Whether a planned crash has happened.
    pub fn is_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Loses power: only what was synced stays, and a random subset of everything else. The disk works again after it;
    /// what was planned is forgotten, and operations are counted from 0.
    pub fn crash(&self, seed: u64) {
        let mut state = self.state();
        let mut random = Random::new(seed);
        for change in std::mem::take(&mut state.pending_names) {
            if random.below(2) == 0 {
                apply(&mut state.durable_names, &change);
            }
        }
        state.names = state.durable_names.clone();
        for file in &mut state.files {
            file.durable = file.torn(&mut random);
            file.bytes = file.durable.clone();
            file.pending.clear();
        }
        state.crashed = false;
        state.refusal = None;
        state.operations = 0;
        state.fates.clear();
        state.random = random;
    }

    /// An independent disk with the same state.
    pub fn copy(&self) -> Self {
        let state = self.state();
        let files = state.files.iter();
        let copy = |f: &Inode| Inode {
            bytes: f.bytes.clone(),
            durable: f.durable.clone(),
            pending: f.pending.clone(),
        };
        Self(Arc::new(Mutex::new(State {
            files: files.map(copy).collect(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            pending_names: state.pending_names.clone(),
            fates: state.fates.clone(),
            random: state.random.clone(),
            ..*state
        })))
    }

    /// The files' paths.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    /// A file's bytes; empty where there is no such file.
    pub fn bytes(&self, path: &Path) -> Vec<u8> {
        let mut state = self.state();
        let inode = state.names.get(path).copied();
        inode.and_then(|inode| state.file(inode).ok().map(|f| f.bytes.clone())).unwrap_or_default()
    }

    /// Puts a durable file at a path, or other bytes into the one that is there.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let inode = state.files.len();
        state.files.push(Inode { bytes: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() });
        state.names.insert(path.to_owned(), inode);
        state.durable_names.insert(path.to_owned(), inode);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().names.get(path).copied();
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }
}

impl Disk for SimDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        // Folders are where files are.
        self.state().decide().map_err(|(error, _)| error)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let below = state.names.keys().filter_map(|path| path.strip_prefix(folder).ok());
        let mut names: Vec<String> = below
            .filter_map(|path| path.components().next()?.as_os_str().to_str().map(str::to_owned))
            .collect();
        names.dedup();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.find(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.files.len();
        state.files.push(Inode::default());
        state.change(Change::Insert(path.to_owned(), inode))?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned(), inode))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        if state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(Change::Insert(to.to_owned(), inode))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Remove(path.to_owned()))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let decision = state.decide();
        if matches!(decision, Err((_, false))) {
            return decision.map_err(|(error, _)| error);
        }
        let inside = |path: &Path| path.parent() == Some(folder);
        let mut left = Vec::new();
        for change in std::mem::take(&mut state.pending_names) {
            let ours = match &change {
                Change::Insert(path, _) | Change::Remove(path) | Change::Rename(path, _, _) => inside(path),
            };
            if !ours {
                left.push(change);
            } else if decision.is_ok() || state.random.below(2) == 0 {
                apply(&mut state.durable_names, &change);
            }
        }
        state.pending_names = left;
        decision.map_err(|(error, _)| error)
    }
}

impl DiskFile for SimFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().file(self.inode)?.bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let bytes = &state.file(self.inode)?.bytes;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = bytes.get(from..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let decision = state.decide();
        let written = match &decision {
            Ok(()) => bytes.len(),
            Err((_, true)) => state.random.below(bytes.len() + 1),
            Err((_, false)) => 0,
        };
        let bytes = bytes.get(..written).unwrap_or_default();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if written > 0 {
            let file = state.file(self.inode)?;
            overwrite(&mut file.bytes, offset, bytes);
            file.pending.push((offset, bytes.to_vec()));
        }
        decision.map_err(|(error, _)| error)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let decision = state.decide();
        let mut random = state.random.clone();
        let crashed = state.crashed;
        let file = state.file(self.inode)?;
        match &decision {
            Ok(()) => {
                // Not `bytes`: what an earlier failed sync forgot stays forgotten.
                for (offset, write) in std::mem::take(&mut file.pending) {
                    overwrite(&mut file.durable, offset, &write);
                }
            }
            // In a crash the writes stay pending, and the crash decides about them.
            Err((_, true)) if !crashed => {
                file.durable = file.torn(&mut random);
                file.pending.clear();
            }
            Err(_) => {}
        }
        state.random = random;
        decision.map_err(|(error, _)| error)
    }
}
