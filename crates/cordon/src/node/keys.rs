//! The keys of a node and its name: made at its first start, in files that only their owner may read.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use cordon_core::{Digest, HmacKey, Name, resource::SecretRef};
use cordon_guard::{ports::Entropy, upstream::Environment};
use cordon_ledger::SigningKey;

use super::Settings;
use crate::{control::AdminToken, files};

/// The node's own keys, made at the first start.
pub(super) struct Keys {
    pub(super) digest: HmacKey,
    pub(super) pseudonym: HmacKey,
    pub(super) admin_token: AdminToken,
    pub(super) ledger: Arc<SigningKey>,
    pub(super) node: Name,
}

impl Keys {
    pub(super) fn open(folder: &Path, settings: &Settings) -> anyhow::Result<Self> {
        let entropy = settings.entropy.as_ref();
        let key = |name: &str| -> anyhow::Result<HmacKey> {
            let text = secret_file(&folder.join(name), || {
                Some(Digest::from_bytes(random_bytes(entropy)).to_string())
            })?;
            let digest = Digest::parse(text.trim())
                .with_context(|| format!("{} is not a key", folder.join(name).display()))?;
            Ok(HmacKey::from_bytes(*digest.as_bytes()))
        };
        let admin_token = AdminToken::load_or_create(folder, || random_bytes(entropy))?;
        let node = secret_file(&folder.join("node.name"), || {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            Some(format!("node-{:016x}", u64::from_be_bytes(bytes)))
        })?;
        let node = Name::parse(node.trim()).context("node.name in the data folder is not a name")?;
        Ok(Self {
            digest: key("digest.key")?,
            pseudonym: key("pseudonym.key")?,
            admin_token,
            ledger: Arc::new(ledger_key(folder, settings, &node)?),
            node,
        })
    }
}

/// The key that signs checkpoints: from where the configuration says, or from a file that is made at the first start.
fn ledger_key(folder: &Path, settings: &Settings, node: &Name) -> anyhow::Result<SigningKey> {
    if let Some(reference) = &settings.ledger_key {
        return signing_key(reference, &settings.environment);
    }
    let path = folder.join("ledger.key");
    let origin = settings.ledger_origin.clone().unwrap_or_else(|| format!("cordon/{node}"));
    let new = SigningKey::from_seed(&origin, random_bytes(settings.entropy.as_ref()))
        .with_context(|| format!("`{origin}` cannot be the name of a log"))?;
    let text = secret_file(&path, || Some(new.to_text().to_string()))?;
    SigningKey::parse(text.trim()).with_context(|| format!("{} holds no signing key", path.display()))
}

/// The signing key that a reference leads to.
pub(crate) fn signing_key(reference: &SecretRef, environment: &Environment) -> anyhow::Result<SigningKey> {
    match reference {
        SecretRef::Env(name) => {
            let text = environment.read(name);
            let text = text.with_context(|| format!("ledger.key: there is no variable `{name}`"))?;
            SigningKey::parse(text.trim()).with_context(|| format!("{name} holds no signing key"))
        }
        SecretRef::File(path) => read_signing_key(Path::new(path)),
    }
}

/// A signing key in a file that only its owner may read.
pub(crate) fn read_signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    let text = secret_file(path, || None)?;
    SigningKey::parse(text.trim()).with_context(|| format!("{} holds no signing key", path.display()))
}

fn random_bytes(entropy: &dyn Entropy) -> [u8; 32] {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    bytes
}

/// The content of a file that only its owner may read; made when it is not there and something is given for it.
pub(crate) fn secret_file(path: &Path, make: impl FnOnce() -> Option<String>) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let shown = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            anyhow::ensure!(
                mode & 0o077 == 0,
                "{shown} may be read by others (mode {:o}); help: chmod 600 {shown}",
                mode & 0o777
            );
            Ok(text)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = make().with_context(|| format!("there is no {shown}"))?;
            files::replace(path, format!("{text}\n").as_bytes())
                .with_context(|| format!("cannot make {shown}"))?;
            Ok(text)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
    }
}
