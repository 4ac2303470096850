//! The provider's secret: found by its reference, kept as the finished header, wiped when it is replaced.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cordon_core::resource::SecretRef;
use http::HeaderValue;
use tokio::time::Instant;
use zeroize::{Zeroize, Zeroizing};

/// A file is looked at again after this time, and read again when it changed.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Bytes of a secret; provider keys have at most a few hundred, signed tokens a few thousand.
const MAX_SECRET: usize = 16 << 10;

/// Where environment variables come from; tests bring their own.
#[derive(Clone)]
pub struct Environment(Arc<Variable>);

type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The environment of this process. Values that are not UTF-8 count as absent.
    pub fn of_process() -> Self {
        Self::with(|name| std::env::var(name).ok())
    }

    /// Another one.
    pub fn with(read: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The value of a variable.
    pub fn read(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// A secret that cannot be used. Only its reference is named.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Characters that no header can have, or too many.
    #[error("the secret `{reference}` is not usable; help: one line of printable ASCII, at most 16 KiB")]
    Malformed {
        /// The reference.
        reference: SecretRef,
    },
    /// There is none.
    #[error("the secret `{reference}` is absent or empty; help: set it before the server starts")]
    Missing {
        /// The reference.
        reference: SecretRef,
    },
    /// The file cannot be read.
    #[error("the secret `{reference}` cannot be read")]
    Unreadable {
        /// The reference.
        reference: SecretRef,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Something about a secret that a person should mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret `{reference}` may be read by others (mode {mode:03o}); help: chmod 600 the file")]
pub struct SecretWarning {
    /// The reference.
    pub reference: SecretRef,
    /// The permission bits of the file.
    pub mode: u32,
}

/// What stands before a secret in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer` (RFC 6750).
    Bearer,
    /// Nothing.
    Plain,
}

/// One provider's secret. Shared by all calls to its service.
pub struct SecretSource {
    reference: SecretRef,
    environment: Environment,
    scheme: Scheme,
    held: Mutex<Option<Held>>,
}

struct Held {
    header: HeaderValue,
    looked: Instant,
    stamp: Option<Stamp>,
}

/// What changes when a file does, also when a link is turned to another file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    node: u64,
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretSource").field(&self.reference).finish()
    }
}

impl SecretSource {
    /// A source that has read nothing yet, of a bearer token.
    pub fn new(reference: SecretRef, environment: Environment) -> Self {
        Self { reference, environment, scheme: Scheme::Bearer, held: Mutex::new(None) }
    }

    /// The same with its header in another form.
    #[must_use]
    pub fn with(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The value of its header, marked as sensitive. Cheap when nothing changed: a file's metadata is looked at every two
    /// seconds at most. When the file has gone by then, so has the secret.
    ///
    /// # Errors
    /// When there is no usable secret.
    pub fn header(&self) -> Result<HeaderValue, SecretError> {
        let now = Instant::now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &mut *held {
            if now.saturating_duration_since(held.looked) < LOOK_AGAIN {
                return Ok(held.header.clone());
            }
            if self.stamp()? == held.stamp {
                held.looked = now;
                return Ok(held.header.clone());
            }
        }
        // The stamp is taken before the content: a change between them is seen at the next look.
        let stamp = self.stamp()?;
        let header = self.value(self.read()?)?;
        *held = Some(Held { header: header.clone(), looked: now, stamp });
        Ok(header)
    }

    /// The secret itself, read anew each time, for what is signed with it instead of sent.
    ///
    /// # Errors
    /// When there is no usable secret.
    pub fn text(&self) -> Result<Zeroizing<String>, SecretError> {
        let mut secret = self.read()?;
        let usable = secret.len() <= MAX_SECRET && secret.iter().all(u8::is_ascii_graphic);
        let text = if usable { String::from_utf8(std::mem::take(&mut *secret)).ok() } else { None };
        text.map(Zeroizing::new).ok_or_else(|| SecretError::Malformed { reference: self.reference.clone() })
    }

    /// Whether the secret is there, and what a person should mend about it. For the start and for `cordon doctor`.
    ///
    /// # Errors
    /// When there is no usable secret.
    pub fn check(&self) -> Result<Option<SecretWarning>, SecretError> {
        self.value(self.read()?)?;
        Ok(warning(&self.reference))
    }

    fn stamp(&self) -> Result<Option<Stamp>, SecretError> {
        let SecretRef::File(path) = &self.reference else { return Ok(None) };
        let metadata = std::fs::metadata(path).map_err(|source| self.unreadable(source))?;
        Ok(Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), node: node(&metadata) }))
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let mut bytes = match &self.reference {
            SecretRef::Env(name) => {
                let value = self.environment.read(name).unwrap_or_default();
                Zeroizing::new(value.into_bytes())
            }
            SecretRef::File(path) => {
                // Room for all at once, so that no reallocation leaves a copy behind.
                let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 2));
                let file = std::fs::File::open(path).map_err(|source| self.unreadable(source))?;
                file.take(MAX_SECRET as u64 + 2)
                    .read_to_end(&mut bytes)
                    .map_err(|source| self.unreadable(source))?;
                bytes
            }
        };
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        if bytes.is_empty() {
            return Err(SecretError::Missing { reference: self.reference.clone() });
        }
        Ok(bytes)
    }

    fn value(&self, secret: Zeroizing<Vec<u8>>) -> Result<HeaderValue, SecretError> {
        let malformed = || SecretError::Malformed { reference: self.reference.clone() };
        if secret.len() > MAX_SECRET || !secret.iter().all(u8::is_ascii_graphic) {
            return Err(malformed());
        }
        let mut line = Vec::with_capacity(7 + secret.len());
        if self.scheme == Scheme::Bearer {
            line.extend_from_slice(b"Bearer ");
        }
        line.extend_from_slice(&secret);
        drop(secret);
        let mut header =
            HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(line))).map_err(|_| malformed())?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn unreadable(&self, source: std::io::Error) -> SecretError {
        if source.kind() == std::io::ErrorKind::NotFound {
            return SecretError::Missing { reference: self.reference.clone() };
        }
        SecretError::Unreadable { reference: self.reference.clone(), source }
    }
}

/// What a person should mend about a secret that was read.
pub(super) fn warning(reference: &SecretRef) -> Option<SecretWarning> {
    let SecretRef::File(path) = reference else { return None };
    let mode = open_mode(&std::fs::metadata(path).ok()?)?;
    Some(SecretWarning { reference: reference.clone(), mode })
}

/// Bytes that are wiped when the last header that shares them is dropped.
struct Wiped(Vec<u8>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(unix)]
fn open_mode(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn node(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn node(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_env(value: Option<&'static str>) -> SecretSource {
        let environment = Environment::with(move |name| value.filter(|_| name == "KEY").map(str::to_owned));
        SecretSource::new(SecretRef::Env("KEY".to_owned()), environment)
    }

    #[tokio::test]
    async fn reads_the_environment_and_never_shows_the_value() {
        let source = from_env(Some("sk-verysecret\n"));
        let header = source.header().unwrap();
        assert_eq!(header.as_bytes(), b"Bearer sk-verysecret");
        assert!(header.is_sensitive());
        assert!(!format!("{source:?}{header:?}").contains("verysecret"));
        assert_eq!(source.text().unwrap().as_str(), "sk-verysecret");
        assert!(matches!(from_env(Some("two words")).text(), Err(SecretError::Malformed { .. })));
        assert!(matches!(from_env(None).text(), Err(SecretError::Missing { .. })));
        assert!(matches!(from_env(None).header(), Err(SecretError::Missing { .. })));
        assert!(matches!(from_env(Some("")).header(), Err(SecretError::Missing { .. })));
        for wrong in ["a b", "a\r\nx-evil: 1", "ключ", "a\0b"] {
            let error = from_env(Some(wrong)).header().unwrap_err();
            assert!(matches!(error, SecretError::Malformed { .. }), "{error}");
            assert!(!format!("{error}{error:?}").contains(wrong));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_is_read_again_after_two_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "first\n").unwrap();
        let source = SecretSource::new(
            SecretRef::File(path.to_str().unwrap().to_owned()),
            Environment::with(|_| None),
        );
        assert_eq!(source.header().unwrap(), "Bearer first");
        std::fs::write(&path, "second-one\r\n").unwrap();
        assert_eq!(source.header().unwrap(), "Bearer first");
        tokio::time::advance(LOOK_AGAIN).await;
        assert_eq!(source.header().unwrap(), "Bearer second-one");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.header().unwrap(), "Bearer second-one");
        tokio::time::advance(LOOK_AGAIN).await;
        assert!(matches!(source.header(), Err(SecretError::Missing { .. })));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn warns_of_open_files_and_refuses_large_ones() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "secret").unwrap();
        let reference = SecretRef::File(path.to_str().unwrap().to_owned());
        let source = SecretSource::new(reference.clone(), Environment::with(|_| None));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(source.check().unwrap(), Some(SecretWarning { reference, mode: 0o644 }));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(source.check().unwrap(), None);
        std::fs::write(&path, vec![b'a'; MAX_SECRET + 1]).unwrap();
        assert!(matches!(source.check(), Err(SecretError::Malformed { .. })));
    }
}
