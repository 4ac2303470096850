//! What happens, for a SIEM: facts and calls as OCSF events (<https://schema.ocsf.io>, 1.2.0), to a collector over HTTPS, to
//! syslog over TLS, or to a file, each at least once.
//!
//! Nothing waits in memory: events are made of the log and the journals when they can be sent, from where a small durable
//! cursor stands. The cursor moves only when the sink has acknowledged, so an outage of the sink, or a crash at any place,
//! loses nothing and may send some events twice; each has an id of its own (`metadata.uid`) that stays the same.
//!
//! **Never here:** content of calls, values that were found, sealed values: facts and frames do not hold them, and of free
//! text only the private reason of a refusal is sent. The path of a call never waits for this.

mod cursor;
mod file;
mod http;
pub mod ocsf;
mod source;
mod syslog;
mod task;

use std::{
    future::Future,
    net::IpAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use cordon_core::{Name, Timestamp, resource::SecretRef};
use cordon_guard::{
    ports::{Clock, Entropy},
    upstream::{Client, ClientConfig, Endpoint, Environment, SecretSource},
};
use cordon_store::{Sequencer, frames::Archive, journal::Journal};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{desk::CallLog, metrics::Metrics};
use ocsf::Event;

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A collector that takes `POST` of a JSON array; `http://` only on this machine.
    Http(String),
    /// RFC 5424 messages with the framing of RFC 6587 over TLS (RFC 5425).
    Syslog {
        /// Its name or address, as its certificate has it.
        host: String,
        /// Its port; 6514 by RFC 5425.
        port: u16,
    },
    /// A file, one event a line.
    File(PathBuf),
}

/// Which calls become events. Facts always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Every call.
    All,
    /// Verdicts of `flag` or stricter, refusals, unknown callers, interrupted calls.
    Security,
}

/// Waits before the next attempt; the number counts the failed ones from 0.
pub type Pause = Arc<dyn Fn(u32) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What is sent where.
#[derive(Clone)]
pub struct Options {
    /// Where to.
    pub target: Target,
    /// The bearer token of a collector.
    pub token: Option<SecretRef>,
    /// Which calls.
    pub records: Records,
    /// PEM certificates that are trusted for the sink beside the machine's own.
    pub ca_bundle: Option<PathBuf>,
    /// Bytes of a file before it is put aside and a new one begins.
    pub file_bytes: u64,
    /// How long a failed attempt waits for the next one.
    pub pause: Pause,
}

/// How far the sink is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Events acknowledged since the start.
    pub sent: u64,
    /// Failed attempts since the start.
    pub failures: u64,
    /// Facts that are not acknowledged.
    pub facts: u64,
    /// Frames that are not acknowledged, or not looked at yet.
    pub frames: u64,
    /// All that was durable at this time is acknowledged.
    pub as_of: Timestamp,
    /// Why the last attempt failed.
    pub trouble: Option<String>,
}

/// Bytes of a file before a new one begins.
pub const FILE_BYTES: u64 = 64 << 20;

/// How long an end waits for what is not sent yet. The next start goes on with it.
const WITHIN: Duration = Duration::from_secs(5);

/// The shortest and the longest wait between two attempts, in milliseconds.
const PAUSES: (u64, u64) = (1_000, 60_000);

impl Target {
    /// Reads `https://…`, `syslog+tls://host:port` or `file:/path`; nothing for an empty text.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = Path::new(path);
            return match path.is_absolute() && path.file_name().is_some() {
                true => Ok(Some(Self::File(path.to_owned()))),
                false => {
                    Err("an absolute path of a file is expected, such as file:/var/log/cordon/siem.json"
                        .to_owned())
                }
            };
        }
        if let Some(place) = text.strip_prefix("syslog+tls://") {
            let expected =
                || "a host and a port are expected, such as syslog+tls://siem.example.com:6514".to_owned();
            let (host, port) = place.rsplit_once(':').ok_or_else(expected)?;
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            let is_host = host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.bytes().all(is_name));
            return match port.parse() {
                Ok(port) if port > 0 && is_host => Ok(Some(Self::Syslog { host: host.to_owned(), port })),
                _ => Err(expected()),
            };
        }
        // The address is not repeated: it may hold a password.
        let endpoint =
            http::endpoint(text).map_err(|error| error.to_string().replace("base URL", "address"))?;
        match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") && !is_here(&endpoint) => {
                Err("https is expected; http only goes to this machine, such as http://127.0.0.1:8088"
                    .to_owned())
            }
            _ => Ok(Some(Self::Http(text.to_owned()))),
        }
    }
}

/// Whether an address is this machine's.
pub(crate) fn is_here(endpoint: &Endpoint) -> bool {
    endpoint.host() == "localhost"
        || endpoint.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The waits of a running node: from 1 s to 60 s, each about twice the one before, with jitter so that many nodes do not
/// come back at the same moment.
pub fn pauses(entropy: Arc<dyn Entropy>) -> Pause {
    Arc::new(move |attempt| {
        let mut random = [0; 8];
        entropy.fill(&mut random);
        Box::pin(tokio::time::sleep(pause(attempt, u64::from_be_bytes(random))))
    })
}

/// A random time between half of this attempt's step and the whole of it; steps double up to the longest.
pub(crate) fn pause(attempt: u32, random: u64) -> Duration {
    let (least, most) = PAUSES;
    let step = least.saturating_mul(2 << attempt.min(16)).min(most);
    let half = step / 2;
    Duration::from_millis(half.saturating_add(random.checked_rem(half.saturating_add(1)).unwrap_or(0)))
}

/// What the task works on.
pub(crate) struct Parts {
    pub(crate) options: Options,
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) node: Name,
    pub(crate) sequencer: Sequencer,
    pub(crate) journal: Arc<Journal>,
    pub(crate) archive: Archive,
    pub(crate) calls: CallLog,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Proxies and resolver of the way to a collector.
    pub(crate) client: ClientConfig,
    pub(crate) environment: Environment,
}

/// The running task.
pub(crate) struct Siem {
    /// How far it is.
    pub(crate) progress: watch::Receiver<Progress>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Siem {
    /// Reads the cursor and starts the task.
    ///
    /// # Errors
    /// When the cursor cannot be read, or the trust store cannot be built.
    pub(crate) fn start(parts: Parts) -> anyhow::Result<Self> {
        let client = ClientConfig { ca_bundle: parts.options.ca_bundle.clone(), ..parts.client.clone() };
        let sink = match &parts.options.target {
            Target::File(path) => Sink::File(file::FileSink::new(path.clone(), parts.options.file_bytes)),
            Target::Http(url) => {
                let token = parts.options.token.clone();
                let token = token.map(|token| SecretSource::new(token, parts.environment.clone()));
                let client = Client::new(&client).context("siem.sink: no client can be made")?;
                Sink::Http(Box::new(http::HttpSink::new(client, url, token).context("siem.sink")?))
            }
            Target::Syslog { host, port } => {
                let client = Client::new(&client).context("siem.sink: no client can be made")?;
                Sink::Syslog(syslog::SyslogSink::new(client, host.clone(), *port, parts.node.clone()))
            }
        };
        let cursor = cursor::Cursor::open(&parts.data.join("siem.cursor"))?;
        let (sender, progress) = watch::channel(Progress {
            sent: 0,
            failures: 0,
            facts: 0,
            frames: 0,
            as_of: parts.clock.now(),
            trouble: None,
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(task::Task::new(parts, sink, cursor, sender).run(stopped));
        Ok(Self { progress, stop, task })
    }

    /// Sends what is there, as far as five seconds go, and ends.
    pub(crate) async fn stop(self) {
        // A task that ended early said why.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Where events go, open or not.
enum Sink {
    File(file::FileSink),
    Http(Box<http::HttpSink>),
    Syslog(syslog::SyslogSink),
}

/// Why events were not acknowledged. They are sent again.
#[derive(Debug, thiserror::Error)]
enum SinkError {
    /// Too many at once; fewer may go.
    #[error("the collector takes smaller batches alone (413)")]
    TooLarge,
    /// The collector answered something else than 2xx.
    #[error("the collector answered {0}; help: check siem.sink and siem.token")]
    Refused(u16),
    /// It was not reached.
    #[error("the sink cannot be reached")]
    Unreachable(#[from] cordon_guard::upstream::UpstreamError),
    /// There is no token.
    #[error("siem.token cannot be used")]
    Token(#[from] cordon_guard::upstream::SecretError),
    /// Writing, or waiting for the end.
    #[error("the sink cannot be written")]
    Io(#[from] std::io::Error),
    /// The receiver did not close its side in time.
    #[error("the receiver did not confirm the end within {0:?}")]
    Late(Duration),
}

impl Sink {
    /// Sends events in their order. They are acknowledged when it returns.
    async fn send(&mut self, events: &[Event]) -> Result<(), SinkError> {
        match self {
            Self::File(sink) => sink.send(events).await,
            Self::Http(sink) => sink.send(events).await,
            Self::Syslog(sink) => sink.send(events).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinks_are_read() {
        let syslog = |host: &str, port| Some(Target::Syslog { host: host.to_owned(), port });
        assert_eq!(Target::parse("").unwrap(), None);
        assert_eq!(Target::parse("file:/var/log/x").unwrap(), Some(Target::File("/var/log/x".into())));
        assert_eq!(Target::parse("syslog+tls://siem.example:6514").unwrap(), syslog("siem.example", 6514));
        assert_eq!(Target::parse("syslog+tls://[::1]:6514").unwrap(), syslog("::1", 6514));
        for good in
            ["https://siem.example/in", "http://127.0.0.1:80/in", "http://[::1]/x", "HTTP://localhost/"]
        {
            assert_eq!(Target::parse(good).unwrap(), Some(Target::Http(good.to_owned())), "{good}");
        }
        let wrong = [
            "file:relative",
            "file:/",
            "syslog://a:1",
            "syslog+tls://a",
            "syslog+tls://:1",
            "syslog+tls://a b:1",
            "syslog+tls://a:0",
            "http://siem.example/",
            "http://10.0.0.1/",
            "https://u:secret@host/",
            "here",
        ];
        for wrong in wrong {
            let error = Target::parse(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{wrong}: {error}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_within_their_bounds() {
        for random in [0, 1, 999, u64::MAX, 0x1234_5678_9abc_def0] {
            let pauses: Vec<u64> = (0..40).map(|n| pause(n, random).as_secs()).collect();
            assert!(pauses.iter().all(|pause| (1..=60).contains(pause)), "{pauses:?}");
            assert!(pauses[0] <= 2 && pauses[10] >= 30, "{pauses:?}");
        }
        assert_ne!(pause(20, 1), pause(20, 20_000));
    }
}
