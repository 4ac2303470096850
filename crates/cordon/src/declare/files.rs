//! Finds and reads the files, with bounds.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{Diagnostic, MAX_FILE_BYTES, MAX_TOTAL_BYTES};

/// A text to read, under the name that messages call it by.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file as it was named, `-` for standard input.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Folders inside one another.
const MAX_DEPTH: usize = 16;
/// Files in all.
const MAX_FILES: usize = 10_000;

/// Reads files, folders (their `*.yaml`, `*.yml` and `*.json`, at any depth, in the order of their names; hidden ones
/// and links to folders are passed over) and `-`, standard input.
///
/// # Errors
/// With everything that cannot be read.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let mut finder = Finder::default();
    for path in paths {
        if path.as_os_str() == "-" {
            finder.read("-", io::stdin().lock());
        } else if path.is_dir() {
            let before = (finder.sources.len(), finder.diagnostics.len());
            finder.folder(path, 0);
            if before == (finder.sources.len(), finder.diagnostics.len()) {
                finder.wrong(path, "no *.yaml, *.yml or *.json in this folder".to_owned());
            }
        } else {
            finder.file(path);
        }
    }
    if finder.diagnostics.is_empty() { Ok(finder.sources) } else { Err(finder.diagnostics) }
}

#[derive(Default)]
struct Finder {
    sources: Vec<Source>,
    diagnostics: Vec<Diagnostic>,
    total: u64,
}

impl Finder {
    fn wrong(&mut self, path: &Path, message: String) {
        let file = path.display().to_string();
        self.diagnostics.push(Diagnostic { file, at: None, path: String::new(), message });
    }

    fn folder(&mut self, path: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return self.wrong(path, "folders nested deeper than allowed".to_owned());
        }
        let entries = std::fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.wrong(path, format!("cannot be read: {error}")),
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let declares = matches!(
                path.extension().and_then(|extension| extension.to_str()),
                Some("yaml" | "yml" | "json")
            );
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&path, depth.saturating_add(1)),
                Ok(_) if declares && path.is_file() => self.file(&path),
                Ok(_) => {}
                Err(error) => self.wrong(&path, format!("cannot be read: {error}")),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if self.sources.len() >= MAX_FILES {
            return self.wrong(path, format!("more than {MAX_FILES} files"));
        }
        match File::open(path) {
            Ok(file) => self.read(&path.display().to_string(), file),
            Err(error) => self.wrong(path, format!("cannot be read: {error}")),
        }
    }

    fn read(&mut self, name: &str, from: impl io::Read) {
        let mut bytes = Vec::new();
        let read = from.take(MAX_FILE_BYTES.saturating_add(1)).read_to_end(&mut bytes);
        self.total = self.total.saturating_add(bytes.len() as u64);
        let path = Path::new(name);
        match read {
            Err(error) => self.wrong(path, format!("cannot be read: {error}")),
            Ok(_) if bytes.len() as u64 > MAX_FILE_BYTES => {
                self.wrong(path, format!("larger than {MAX_FILE_BYTES} bytes; help: split it"));
            }
            Ok(_) if self.total > MAX_TOTAL_BYTES => {
                self.wrong(
                    path,
                    format!("all files are larger than {MAX_TOTAL_BYTES} bytes; help: apply them in parts"),
                );
            }
            Ok(_) => self.sources.push(Source { name: name.to_owned(), bytes }),
        }
    }
}
