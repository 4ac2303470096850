//! The master key: from outside the store, by reference.

use std::path::Path;

use anyhow::Context as _;
use cordon_core::{Digest, resource::SecretRef};
use cordon_guard::upstream::Environment;
use cordon_store::content::{MasterKey, Secret};

/// Reads the key that a reference leads to: 64 hexadecimal digits. A file must be its owner's alone.
///
/// # Errors
/// When it is not there, may be read by others, or is not such a key; the key itself is never part of the error.
pub fn master_key(reference: &SecretRef, environment: &Environment) -> anyhow::Result<MasterKey> {
    let text = match reference {
        SecretRef::Env(name) => environment
            .read(name)
            .with_context(|| format!("the master key of content: there is no variable `{name}`"))?,
        SecretRef::File(path) => crate::node::secret_file(Path::new(path), || None)
            .context("the master key of content cannot be read; help: `openssl rand -hex 32` makes one")?,
    };
    let digits = Digest::parse(text.trim()).ok().with_context(|| {
        format!(
            "`{reference}` holds no master key of content; help: 64 hexadecimal digits, as `openssl rand -hex 32` makes them"
        )
    })?;
    Ok(MasterKey::new(Secret::new(*digits.as_bytes())))
}
