//! How far a file is read, on a terminal.

use std::{
    io::{self, IsTerminal as _, Read, Write as _},
    path::Path,
};

/// Files smaller than this are read before anybody could look.
const WORTH_WATCHING: u64 = 16 << 20;

/// A reader that draws one line on standard error while it reads, where that is a terminal, and takes it away in the end.
pub(super) struct Watched<R> {
    inner: R,
    name: Option<String>,
    size: u64,
    read: u64,
    shown: u64,
}

impl<R> Watched<R> {
    pub(super) fn new(inner: R, path: &Path, size: u64) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.filter(|_| size >= WORTH_WATCHING && io::stderr().is_terminal());
        Self { inner, name, size, read: 0, shown: 0 }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read += length as u64;
        if let Some(name) = &self.name {
            let percent = (self.read * 100 / self.size.max(1)).min(100);
            if percent > self.shown {
                self.shown = percent;
                let done = usize::try_from(percent / 4).unwrap_or(0);
                let bar = "#".repeat(done) + &"-".repeat(25_usize.saturating_sub(done));
                // A terminal that went away is no reason to stop reading.
                let _unseen = write!(io::stderr(), "\r{bar} {percent:>3} %  {name}");
            }
        }
        Ok(length)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        if self.shown > 0 {
            let _unseen = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
