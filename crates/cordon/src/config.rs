//! The configuration: `cordon.toml`, environment variables, flags; later ones win.
//!
//! [`SETTINGS`] is the one list of what can be set: it is what the reader accepts, what `cordon up --help` prints and
//! what `docs/configuration.md` must say (a test compares them). Texts in layers ([`Raw`]) become a checked [`Config`] in
//! one step that reports everything wrong at once; each group of settings reads its own part.

mod identity;
mod journal;
mod limits;
mod listeners;
mod log;
mod raw;
mod record;
mod settings;
mod telemetry;
#[cfg(test)]
mod tests;
mod text;
mod upstream;

use std::path::PathBuf;

pub use self::{
    identity::Identity,
    journal::Journal,
    limits::Limits,
    listeners::{Control, Gateway},
    log::{Log, LogFormat},
    raw::Raw,
    record::{Content, Held, Ledger, Siem},
    settings::{SETTINGS, Setting, environment_name, help},
    telemetry::Telemetry,
    upstream::{Proxy, Upstream},
};
use crate::s3::S3Settings;

/// The checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder of everything that is kept.
    pub data: PathBuf,
    /// The listener for callers.
    pub gateway: Gateway,
    /// The listener for operators.
    pub control: Control,
    /// The way to upstreams.
    pub upstream: Upstream,
    /// The journal of calls.
    pub journal: Journal,
    /// The bucket that sealed records lie in; none: the data folder.
    pub objects: Option<S3Settings>,
    /// Bytes of the index of calls.
    pub index_max_size: u64,
    /// Captured content.
    pub content: Content,
    /// Files that wait for a review.
    pub held: Held,
    /// Proofs.
    pub ledger: Ledger,
    /// Events for a SIEM.
    pub siem: Option<Siem>,
    /// Counters of limits that nodes share; none: each counts for itself.
    pub limits: Option<Limits>,
    /// Traces and metrics for a collector.
    pub telemetry: Option<Telemetry>,
    /// Who operates Cordon.
    pub identity: Identity,
    /// The program's own log.
    pub log: Log,
}

/// Something wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where it was set: `cordon.toml:3:1`, `CORDON_GATEWAY_LISTEN`, `--gateway`.
    pub source: String,
    /// What is wrong, and the way out.
    pub message: String,
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

impl Raw {
    /// The checked configuration.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(mut self) -> Result<Config, Vec<ConfigProblem>> {
        // Everything is read before anything is given up, so that all problems are told.
        let raw = &mut self;
        let data = raw.take("data", text::path);
        let gateway = Gateway::read(raw);
        let control = Control::read(raw);
        let upstream = Upstream::read(raw);
        let journal = Journal::read(raw);
        let objects = journal::objects(raw);
        let index_max_size = raw.take("index.max_size", text::bytes);
        let content = Content::read(raw);
        let held = Held::read(raw);
        let ledger = Ledger::read(raw);
        let siem = Siem::read(raw);
        let limits = Limits::read(raw);
        let telemetry = Telemetry::read(raw);
        let identity = Identity::read(raw);
        let log = Log::read(raw);
        if let (Some(gateway), Some(control)) = (&gateway, &control) {
            control.apart_from(gateway, raw);
        }
        let checked = (|| {
            Some(Config {
                data: data?,
                gateway: gateway?,
                control: control?,
                upstream: upstream?,
                journal: journal?,
                objects: objects?,
                index_max_size: index_max_size?,
                content: content?,
                held: held?,
                ledger: ledger?,
                siem: siem?,
                limits: limits?,
                telemetry: telemetry?,
                identity: identity?,
                log: log?,
            })
        })();
        match checked {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(self.problems),
        }
    }
}
