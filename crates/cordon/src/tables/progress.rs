//! How far a file is read, on a terminal.

use std::{
    io::{self, IsTerminal as _, Read, Write as _},
    path::Path,
};

use crate::cli::plain;

/// Files smaller than this are read before anybody could look.
const WORTH_WATCHING: u64 = 16 << 20;

/// A reader that draws one line on standard error while it reads, where that is a terminal, and takes it away in the end.
pub(super) struct Watched<R> {
    inner: R,
    bar: Option<Bar>,
}

/// What was read of how much, and what of that was said.
struct Bar {
    name: String,
    size: u64,
    read: u64,
    shown: u64,
}

impl<R> Watched<R> {
    pub(super) fn new(inner: R, path: &Path, size: u64) -> Self {
        let is_watched = size >= WORTH_WATCHING && io::stderr().is_terminal();
        let name = path.file_name().filter(|_| is_watched);
        // A file's name can hold what a terminal obeys.
        let bar = name.map(|name| Bar { name: plain(&name.to_string_lossy()), size, read: 0, shown: 0 });
        Self { inner, bar }
    }
}

impl Bar {
    /// The line after so many more bytes, where it changes.
    fn on(&mut self, length: usize) -> Option<String> {
        self.read = self.read.saturating_add(length as u64);
        let percent = (u128::from(self.read) * 100 / u128::from(self.size.max(1))).min(100);
        let percent = u64::try_from(percent).unwrap_or(100);
        (percent > self.shown).then(|| {
            self.shown = percent;
            let done = usize::try_from(percent / 4).unwrap_or(0);
            let bar = "#".repeat(done) + &"-".repeat(25_usize.saturating_sub(done));
            format!("\r{bar} {percent:>3} %  {}", self.name)
        })
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        if let Some(line) = self.bar.as_mut().and_then(|bar| bar.on(length)) {
            // A terminal that went away is no reason to stop reading.
            let _unseen = write!(io::stderr(), "{line}");
        }
        Ok(length)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        if self.bar.as_ref().is_some_and(|bar| bar.shown > 0) {
            let _unseen = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_per_cent() {
        let mut bar = Bar { name: "big.csv".to_owned(), size: 1_000, read: 0, shown: 0 };
        let lines: Vec<String> = (0..250).filter_map(|_| bar.on(4)).collect();
        assert_eq!(lines.len(), 100);
        assert_eq!(lines[11], format!("\r{}{}  12 %  big.csv", "#".repeat(3), "-".repeat(22)));
        assert!(lines[99].ends_with("100 %  big.csv") && bar.on(4_000).is_none());
    }
}
