use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};

use cordon_files::Limits;

/// What one file may cost. A request is at most a few MiB; what is packed in it may be several times that.
const LIMITS: Limits = Limits {
    bytes: 16 << 20,
    decoded: 16 << 20,
    ratio: 250,
    text: 2 << 20,
    depth: 4,
    things: 300_000,
    pixels: 100_000_000,
    work: 12,
};

/// The memory that readers of files may take together. So many files as it has room for are read at the same time, each counted with
/// the most that a hostile one could take; a thread with another waits until one of them is through, which is soon: nobody waits for
/// anything else while it reads. Where there is not room for one, files are read within less: what needs more counts as not inspected.
#[derive(Debug)]
pub struct FileMemory {
    limits: Limits,
    free: Mutex<usize>,
    freed: Condvar,
}

/// The memory of those who said nothing.
static USUAL: LazyLock<Arc<FileMemory>> = LazyLock::new(|| Arc::new(FileMemory::new(FileMemory::USUAL)));

impl FileMemory {
    /// What there is unless somebody says otherwise, in bytes.
    pub const USUAL: usize = 1 << 30;
    /// The least that makes sense, in bytes: a file of a few MiB can still be read.
    pub const LEAST: usize = 32 << 20;

    /// So many bytes, [`FileMemory::LEAST`] at least.
    pub fn new(bytes: usize) -> Self {
        let bytes = bytes.max(Self::LEAST);
        let limits = within(bytes);
        Self { limits, free: Mutex::new((bytes / most(&limits)).max(1)), freed: Condvar::new() }
    }

    /// The same for all who said nothing.
    pub(crate) fn usual() -> Arc<Self> {
        Arc::clone(&USUAL)
    }

    /// What each file may cost.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Waits until a file may be read. It must not be asked again before what it gave is dropped.
    pub(crate) fn room(&self) -> Room<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Room(self)
    }
}

/// Room for one file to be read in.
pub(crate) struct Room<'m>(&'m FileMemory);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// The most memory that one file takes: its own bytes and what its readers need.
const fn most(limits: &Limits) -> usize {
    limits.bytes.saturating_add(limits.memory())
}

/// The usual limits, or those of them that fit into so many bytes. A file as long as it may be keeps half of the room.
fn within(bytes: usize) -> Limits {
    if most(&LIMITS) <= bytes {
        return LIMITS;
    }
    let share = |of: usize| of.saturating_mul(bytes / 64) / (most(&LIMITS) / 64);
    Limits {
        bytes: share(LIMITS.bytes),
        decoded: share(LIMITS.decoded),
        text: share(LIMITS.text),
        things: share(LIMITS.things),
        ..LIMITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_takes_more_than_there_is() {
        for bytes in [0, FileMemory::LEAST, 100 << 20, most(&LIMITS), FileMemory::USUAL, 10 << 30] {
            let memory = FileMemory::new(bytes);
            let places = *memory.free.lock().unwrap();
            assert!(places > 0 && places * most(memory.limits()) <= bytes.max(FileMemory::LEAST), "{bytes}");
        }
        assert_eq!(*FileMemory::new(FileMemory::USUAL).limits(), LIMITS);
        assert!(FileMemory::new(0).limits().bytes > 2 << 20);
    }

    #[test]
    fn who_finds_no_room_waits_for_it() {
        let memory = FileMemory::new(most(&LIMITS) * 2);
        let (first, second) = (memory.room(), memory.room());
        std::thread::scope(|scope| {
            let third = scope.spawn(|| drop(memory.room()));
            assert!(!third.is_finished());
            drop(first);
            third.join().unwrap();
        });
        drop(second);
        assert_eq!(*memory.free.lock().unwrap(), 2);
    }
}
