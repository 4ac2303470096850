use std::{
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use cordon_core::Digest;

/// What an administrator must show: kept as its SHA-256 and compared in constant time.
#[derive(Clone, Copy)]
pub struct AdminToken(Digest);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or made.
    #[error("`{path}` cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("`{path}` can be read by other users (mode {mode:o}); help: chmod 600 it")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is no token in it.
    #[error("`{path}` holds no token; help: delete it, the next start makes a new one")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// The name of the file in the data folder.
const FILE: &str = "admin.token";

impl AdminToken {
    /// The token with this text.
    pub fn of(text: &str) -> Self {
        Self(Digest::sha256(text.as_bytes()))
    }

    /// The token of a data folder; the first start makes it of 32 random bytes (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be used, or others may read it.
    pub fn load_or_create(folder: &Path, random: impl FnOnce() -> [u8; 32]) -> Result<Self, TokenError> {
        let path = folder.join(FILE);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                let text = format!("ca_{}", Digest::from_bytes(random()));
                file.write_all(format!("{text}\n").as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|source| TokenError::Io { path, source })?;
                Ok(Self::of(&text))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(folder).map(|text| Self::of(&text))
            }
            Err(source) => Err(TokenError::Io { path, source }),
        }
    }

    /// The text of a data folder's token.
    ///
    /// # Errors
    /// When the file is not there or cannot be read, or others may read it.
    pub fn read(folder: &Path) -> Result<String, TokenError> {
        Self::read_file(&folder.join(FILE))
    }

    /// The text of a token in a file.
    ///
    /// # Errors
    /// When the file is not there or cannot be read, or others may read it.
    pub fn read_file(path: &Path) -> Result<String, TokenError> {
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        file.take(1024).read_to_string(&mut text).map_err(io)?;
        let text = text.trim();
        if text.len() < 16 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenError::Malformed { path: path.to_owned() });
        }
        Ok(text.to_owned())
    }

    /// Whether this is the token. Takes as long for every wrong one.
    pub fn is(&self, shown: &[u8]) -> bool {
        Digest::sha256(shown).equals_in_constant_time(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_token_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let made = AdminToken::load_or_create(folder.path(), || [7; 32]).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = AdminToken::read(folder.path()).unwrap();
        assert!(made.is(text.as_bytes()) && !made.is(b"other"));
        // The second start keeps it.
        assert!(AdminToken::load_or_create(folder.path(), || [8; 32]).unwrap().is(text.as_bytes()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(AdminToken::read(folder.path()), Err(TokenError::TooOpen { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(AdminToken::read(folder.path()), Err(TokenError::Malformed { .. })));
    }
}
