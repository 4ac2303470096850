//! How far a command is, in one line on a terminal.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// It is shown so often.
const PAUSE: Duration = Duration::from_millis(250);

/// A line on standard error, where that is a terminal.
pub(super) struct Progress {
    /// When it was shown last; none where nobody looks.
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: io::stderr().is_terminal().then(Instant::now) }
    }

    /// For a command whose answers go by meanwhile: where they go to the same terminal, they say how far it is.
    pub(super) fn beside_answers() -> Self {
        if io::stdout().is_terminal() { Self { shown: None } } else { Self::new() }
    }

    /// Shows how far it is.
    pub(super) fn at(&mut self, line: impl fmt::Display) {
        if self.shown.is_some_and(|shown| shown.elapsed() >= PAUSE) {
            self.shown = Some(Instant::now());
            let _unseen = write!(io::stderr().lock(), "\r\u{1b}[K{line}");
        }
    }

    /// Takes it off the terminal before anything else is written.
    pub(super) fn wipe(&self) {
        if self.shown.is_some() {
            let _unseen = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// Bytes, shown in millions.
pub(super) struct Megabytes(pub(super) u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / 100_000;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}
