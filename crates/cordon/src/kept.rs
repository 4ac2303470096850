//! What is in force and waits for the log, in a file of the data folder: it survives a restart.

use std::{io, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::files;

/// The form of the file.
const VERSION: u32 = 1;

/// A file of orders. It is there only while something waits.
pub(crate) struct Kept {
    file: PathBuf,
    /// What it says, and what somebody does when it cannot be read.
    says: &'static str,
    instead: &'static str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<T> {
    version: u32,
    orders: T,
}

impl Kept {
    pub(crate) const fn new(file: PathBuf, says: &'static str, instead: &'static str) -> Self {
        Self { file, says, instead }
    }

    /// What waited when the process ended.
    ///
    /// # Errors
    /// When the file is there and cannot be read: what it says must not be forgotten silently.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> anyhow::Result<Vec<T>> {
        let (shown, says, instead) = (self.file.display(), self.says, self.instead);
        match std::fs::read(&self.file) {
            Ok(bytes) => match serde_json::from_slice::<Form<Vec<T>>>(&bytes) {
                Ok(Form { version: VERSION, orders }) => Ok(orders),
                _ => anyhow::bail!(
                    "{shown} is damaged or of another version, and {says}; help: mend it, or {instead} and delete it"
                ),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
        }
    }

    /// Keeps what waits. It is a few lines: nobody waits long for it.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn keep<T: Serialize>(&self, waiting: &[T]) -> io::Result<()> {
        if waiting.is_empty() {
            return match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        files::replace(&self.file, &serde_json::to_vec(&Form { version: VERSION, orders: waiting })?)
    }
}
