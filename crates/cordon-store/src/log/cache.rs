use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use cordon_core::State;

use crate::data_dir::{private_dir, private_file};

/// A cache is written when so many facts lie behind the latest one, or as many as the state has entries: the larger one.
/// So a state of the past costs a cache and at most so many facts, and the caches stay smaller than the log.
pub const CACHE_EVERY: u64 = 4_096;

/// The state caches of a folder: one file for each of some positions, `state-<position>.json`.
///
/// Nothing depends on them but speed. A file that is damaged, cut off or of another version is deleted and not used.
#[derive(Clone, Debug)]
pub struct StateCaches {
    folder: PathBuf,
    writable: bool,
}

impl StateCaches {
    /// The caches in this folder, which is made when the first one is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), writable: true }
    }

    /// The caches in this folder, of which none is written or deleted.
    pub fn read_only(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), writable: false }
    }

    /// The positions of all caches, in no order. A folder that cannot be read has none.
    pub fn positions(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let position = |name: &str| name.strip_prefix("state-")?.strip_suffix(".json")?.parse().ok();
        entries.flatten().filter_map(|entry| position(entry.file_name().to_str()?)).collect()
    }

    /// The state of the latest usable cache at or before a position.
    pub fn latest(&self, at: u64) -> Option<State> {
        let mut positions = self.positions();
        positions.retain(|position| *position <= at);
        positions.sort_unstable();
        positions.into_iter().rev().find_map(|position| self.read(position))
    }

    fn read(&self, position: u64) -> Option<State> {
        let file = self.file(position);
        let bytes = fs::read(&file).ok()?;
        match State::from_cache(&bytes) {
            Ok(state) if state.position() == position => Some(state),
            Ok(_) => self.reject(&file, "it is of another position"),
            Err(error) => self.reject(&file, &error.to_string()),
        }
    }

    fn reject(&self, file: &Path, why: &str) -> Option<State> {
        tracing::warn!(file = %file.display(), why, "a state cache is not used");
        if self.writable {
            // Left in place it would only be rejected again.
            let _ = fs::remove_file(file);
        }
        None
    }

    /// Whether this state is far enough behind the latest cache to be written.
    pub fn is_due(state: &State, latest: u64) -> bool {
        let every = CACHE_EVERY.max(state.len() as u64);
        state.position().saturating_sub(latest) >= every
    }

    /// Writes a cache of this state. It appears whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written: nothing is lost by that but speed.
    pub fn write(&self, state: &State) -> io::Result<()> {
        if !self.writable {
            return Ok(());
        }
        private_dir(&self.folder)?;
        let bytes = state.to_cache().map_err(io::Error::other)?;
        let part = self.folder.join(format!("state-{}.part", state.position()));
        private_file(&part)?;
        let mut file = File::options().write(true).truncate(true).open(&part)?;
        file.write_all(&bytes)?;
        // A cache that the disk lost half of is found by its digest; it needs no sync.
        fs::rename(&part, self.file(state.position()))
    }

    fn file(&self, position: u64) -> PathBuf {
        self.folder.join(format!("state-{position}.json"))
    }
}
