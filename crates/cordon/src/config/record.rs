//! What is kept of calls and how it is proved and passed on: content, ledger, SIEM.

use std::path::PathBuf;

use cordon_core::{DurationMs, resource::SecretRef};
use cordon_ledger::note::KeyName;

use super::{Raw, text};
use crate::siem::{Records, Target};

/// Captured content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Where the key is that it is sealed under.
    pub master_key: Option<SecretRef>,
    /// Bytes that are kept.
    pub max_size: u64,
}

/// Files that wait for a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The most files.
    pub max_files: usize,
    /// The most bytes of them.
    pub max_size: u64,
    /// How long one is kept.
    pub retention: DurationMs,
}

/// Proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The log's name in checkpoints.
    pub origin: Option<String>,
    /// Where the secret key is, if not in the data folder.
    pub key: Option<SecretRef>,
    /// Time between two anchors.
    pub anchor: DurationMs,
}

/// Events for a SIEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siem {
    /// Where they go.
    pub sink: Target,
    /// The bearer token.
    pub token: Option<SecretRef>,
    /// Which calls become events.
    pub records: Records,
    /// A PEM file of further roots.
    pub ca_bundle: Option<PathBuf>,
}

impl Content {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let master_key = raw.take("content.master_key", text::reference);
        let max_size = raw.take("content.max_size", text::bytes);
        Some(Self { master_key: master_key?, max_size: max_size? })
    }
}

impl Held {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let max_files = raw.take("held.max_files", text::count);
        let max_size = raw.take("held.max_size", text::bytes);
        let retention = raw.take("held.retention", text::time);
        Some(Self { max_files: max_files?, max_size: max_size?, retention: retention? })
    }
}

impl Ledger {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let origin = raw.take("ledger.origin", |value| match KeyName::parse(value) {
            _ if value.is_empty() => Ok(None),
            Ok(_) => Ok(Some(value.to_owned())),
            Err(error) => Err(error.to_string()),
        });
        let key = raw.take("ledger.key", text::reference);
        let anchor = raw.take("ledger.anchor", |value| match text::time(value)? {
            time if time <= DurationMs::from_secs(10) => Ok(time),
            _ => Err("at most 10s is expected: calls are provable within that time".to_owned()),
        });
        Some(Self { origin: origin?, key: key?, anchor: anchor? })
    }
}

impl Siem {
    /// The sink, if one is set; `None` when something about it is wrong.
    pub(super) fn read(raw: &mut Raw) -> Option<Option<Self>> {
        let token_from = raw.source("siem.token");
        let sink = raw.take("siem.sink", Target::parse);
        let token = raw.take("siem.token", text::reference);
        let records = raw.take("siem.records", |value| match value {
            "all" => Ok(Records::All),
            "security" => Ok(Records::Security),
            _ => Err("`security` or `all` is expected".to_owned()),
        });
        let ca_bundle = raw.take("siem.ca_bundle", text::file);
        let (sink, token, records, ca_bundle) = (sink?, token?, records?, ca_bundle?);
        if let (true, Some(source), false) =
            (token.is_some(), token_from, matches!(sink, Some(Target::Http(_))))
        {
            raw.wrong(&source, "siem.token: only beside an `https` address in `siem.sink`".to_owned());
        }
        Some(sink.map(|sink| Self { sink, token, records, ca_bundle }))
    }
}
