//! A file, one event a line: acknowledged when it is on the disk. A full one is put aside under the next free number
//! (`siem.json.000001`, …) and never removed: whoever collects the events removes what is collected.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{SinkError, ocsf::Event};

pub(super) struct FileSink {
    path: PathBuf,
    /// A file that has this many bytes is put aside.
    limit: u64,
    /// Given up after each failure: the next attempt looks at the file again.
    open: Option<File>,
}

impl FileSink {
    pub(super) fn new(path: PathBuf, limit: u64) -> Self {
        Self { path, limit, open: None }
    }

    pub(super) async fn send(&mut self, events: &[Event]) -> Result<(), SinkError> {
        let lines: Vec<u8> =
            events.iter().flat_map(|event| event.json.bytes().chain(std::iter::once(b'\n'))).collect();
        let (path, limit, open) = (self.path.clone(), self.limit, self.open.take());
        let written = tokio::task::spawn_blocking(move || append(&path, limit, open, &lines)).await;
        self.open = Some(written.map_err(io::Error::other)??);
        Ok(())
    }
}

fn append(path: &Path, limit: u64, open: Option<File>, lines: &[u8]) -> io::Result<File> {
    let mut file = match open {
        // Somebody else's rotation may have taken it away.
        Some(file) if is_at(&file, path) => file,
        _ => open_at(path)?,
    };
    let length = file.metadata()?.len();
    if length > 0 && length.saturating_add(lines.len() as u64) > limit {
        std::fs::rename(path, next_free(path)?)?;
        file = open_at(path)?;
    }
    file.write_all(lines)?;
    file.sync_data()?;
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Opens the file at its end. A line that a crash cut off is ended; its events are not acknowledged and follow whole.
fn open_at(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// The name after the highest number that is there.
fn next_free(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut highest = 0_u64;
    for entry in std::fs::read_dir(folder)? {
        let other = entry?.file_name();
        let number =
            other.to_str().and_then(|other| other.strip_prefix(&name)?.strip_prefix('.')?.parse().ok());
        highest = highest.max(number.unwrap_or(0));
    }
    Ok(folder.join(format!("{name}.{:06}", highest.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use cordon_core::Timestamp;

    use super::{super::ocsf::Severity, *};

    fn event(n: u64) -> Event {
        Event {
            uid: format!("fact:{n}"),
            time: Timestamp::from_millis(0),
            severity: Severity::Low,
            json: format!("{{\"n\":{n}}}"),
        }
    }

    #[tokio::test]
    async fn full_files_are_put_aside_and_cut_lines_are_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let mut sink = FileSink::new(path.clone(), 20);
        for n in 0..5 {
            sink.send(&[event(n)]).await.unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("out.json.000001"), "{\"n\":0}\n{\"n\":1}\n");
        assert_eq!(read("out.json.000002"), "{\"n\":2}\n{\"n\":3}\n");
        assert_eq!(read("out.json"), "{\"n\":4}\n");
        // A crash in the middle of a line.
        std::fs::write(&path, "{\"n\"").unwrap();
        let mut sink = FileSink::new(path.clone(), 1000);
        sink.send(&[event(4), event(5)]).await.unwrap();
        assert_eq!(read("out.json"), "{\"n\"\n{\"n\":4}\n{\"n\":5}\n");
        // Somebody else moved it.
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        sink.send(&[event(6)]).await.unwrap();
        assert_eq!(read("out.json"), "{\"n\":6}\n");
        // The folder is gone: nothing is acknowledged.
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(sink.send(&[event(7)]).await.is_err());
    }
}
