//! How far the sink has acknowledged: one small file, always whole.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use cordon_core::JournalId;
use serde::{Deserialize, Serialize};

use crate::files;

/// The place of the next event in each source.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    at: At,
}

/// One of the ordered lists that events are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Facts,
    Journal(JournalId),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct At {
    version: u32,
    /// The position of the next fact.
    fact: u64,
    /// The sequence of the next frame of each journal.
    journals: BTreeMap<JournalId, u64>,
}

const VERSION: u32 = 1;

impl Cursor {
    /// Reads the file; without one everything is still to be sent.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let at = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .ok()
                .filter(|at: &At| at.version == VERSION)
                .with_context(|| {
                    format!("`{}` is no cursor; help: without it all events are sent again", path.display())
                })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => At { version: VERSION, ..At::default() },
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        Ok(Self { path: path.to_owned(), at })
    }

    /// The place of a source's next event.
    pub(super) fn next(&self, source: Source) -> u64 {
        match source {
            Source::Facts => self.at.fact,
            Source::Journal(id) => self.at.journals.get(&id).copied().unwrap_or(0),
        }
    }

    /// Moves a source. Durable with [`Cursor::save`].
    pub(super) fn advance(&mut self, source: Source, next: u64) {
        match source {
            Source::Facts => self.at.fact = next,
            Source::Journal(id) => drop(self.at.journals.insert(id, next)),
        }
    }

    /// Writes the file: under another name first, so that a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// Those of the operating system; the old file is still there.
    pub(super) fn save(&self) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&self.at)?;
        bytes.push(b'\n');
        files::replace(&self.path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("siem.cursor");
        let journal = Source::Journal(JournalId::new(3, [1; 12]));
        let mut cursor = Cursor::open(&path).unwrap();
        assert_eq!((cursor.next(Source::Facts), cursor.next(journal)), (0, 0));
        cursor.advance(Source::Facts, 7);
        cursor.advance(journal, 9);
        cursor.save().unwrap();
        // What a crash in the middle of a save leaves.
        std::fs::write(path.with_extension("cursor.new"), "{\"ver").unwrap();
        let cursor = Cursor::open(&path).unwrap();
        assert_eq!((cursor.next(Source::Facts), cursor.next(journal)), (7, 9));
        for wrong in [
            "",
            "{}",
            "{\"version\":2,\"fact\":1,\"journals\":{}}",
            "{\"version\":1,\"fact\":-1,\"journals\":{}}",
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert!(Cursor::open(&path).unwrap_err().to_string().contains("help:"), "{wrong}");
        }
    }
}
