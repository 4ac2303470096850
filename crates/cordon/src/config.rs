//! The configuration: `cordon.toml`, environment variables, flags; later ones win.
//!
//! [`SETTINGS`] is the one list of what can be set: it is what the reader accepts, what `cordon up --help` prints and
//! what `docs/configuration.md` must say (a test compares them). Raw texts become a checked [`Config`] in one step that
//! reports everything wrong at once.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use cordon_core::{DurationMs, Role, resource::SecretRef};
use cordon_guard::upstream::{ClientConfig, Environment, ProxyEnv};
use cordon_ledger::note::KeyName;

use crate::{
    declare::nearest,
    identity::{OidcOptions, Site},
    s3::S3Settings,
    siem::{Records, Target},
};

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in `cordon.toml`, such as `gateway.listen`.
    pub key: &'static str,
    /// Its value when nobody sets it; empty: none.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn setting(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, default, help }
}

/// Everything that can be set.
pub const SETTINGS: &[Setting] = &[
    setting("data", "cordon-data", "folder of everything that is kept; one process at a time serves it"),
    setting("gateway.listen", "127.0.0.1:4180", "address for callers"),
    setting(
        "gateway.max_body",
        "16MiB",
        "largest body of a request, as sent and as decoded; a `Limit` can only tighten it",
    ),
    setting("gateway.max_calls", "1024", "calls at the same time; more are refused with `overloaded`"),
    setting("gateway.max_connections", "4096", "connections at the same time; more wait to be accepted"),
    setting("gateway.header_timeout", "10s", "time for a caller to send a request's headers"),
    setting("gateway.body_timeout", "30s", "time for a caller to send a request's body"),
    setting("gateway.idle_timeout", "75s", "time that a connection without a request is kept"),
    setting("gateway.drain", "30s", "time for calls in flight to end after SIGTERM"),
    setting(
        "gateway.subject_header",
        "",
        "header that names the person behind a call; recorded as a keyed pseudonym, never sent upstream",
    ),
    setting(
        "control.listen",
        "127.0.0.1:4181",
        "address for operators: API, health, metrics; keep it away from callers",
    ),
    setting("control.max_body", "72MiB", "largest body of a request to the control API"),
    setting("upstream.ca_bundle", "", "PEM file of certificates that are trusted beside the machine's own"),
    setting(
        "upstream.proxy",
        "environment",
        "`environment` (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), `none`, or the address of a proxy",
    ),
    setting(
        "upstream.no_proxy",
        "",
        "hosts that are reached without the proxy, separated by commas; only beside an address in `upstream.proxy`",
    ),
    setting("journal.segment", "16MiB", "size of one file of the journal of calls"),
    setting(
        "journal.keep",
        "256MiB",
        "how much of a journal stays as it was written; older segments are sealed to Parquet objects",
    ),
    setting(
        "journal.retention",
        "",
        "how long sealed records are kept, at least 365d, and longer where a `Retention` says so; without either for ever; their hashes and anchors stay",
    ),
    setting("journal.queue", "4MiB", "bytes of records that may wait for the disk before calls are refused"),
    setting(
        "journal.backlog",
        "4MiB",
        "bytes of best-effort records that are kept in memory while the disk cannot be written",
    ),
    setting("journal.sync", "50ms", "longest time until a best-effort record is on the disk"),
    setting(
        "objects.bucket",
        "",
        "bucket for sealed records, in any store that speaks S3; without it they lie in the data folder",
    ),
    setting(
        "objects.endpoint",
        "",
        "address of the store, such as `https://minio.example.com:9000`; without it AWS",
    ),
    setting("objects.region", "us-east-1", "region that requests to the store are signed for"),
    setting("objects.prefix", "", "folder in the bucket; it must be this node's alone"),
    setting("objects.access_key", "", "id of the store's access key, as `env:NAME` or `file:PATH`"),
    setting("objects.secret_key", "", "secret of the store's access key, as `env:NAME` or `file:PATH`"),
    setting(
        "index.max_size",
        "4GiB",
        "size of the index of calls; beyond it the oldest are forgotten there, the journal keeps them",
    ),
    setting(
        "content.master_key",
        "",
        "key of 64 hexadecimal digits that captured content is sealed under, as `env:NAME` or `file:PATH`; without it routes \
         that capture are closed",
    ),
    setting(
        "content.max_size",
        "64GiB",
        "size of captured content; beyond it nothing is kept until some of it has expired",
    ),
    setting(
        "ledger.origin",
        "",
        "name of this log in checkpoints, such as `example.com/cordon`; only read when the key is made",
    ),
    setting(
        "ledger.key",
        "",
        "secret key that signs checkpoints, as `env:NAME` or `file:PATH`; without it one is made in the data folder",
    ),
    setting("ledger.anchor", "5s", "time between two anchors of a journal that grows, at most 10s"),
    setting(
        "siem.sink",
        "",
        "where events go: `https://…`, `syslog+tls://host:port` or `file:/path`; without it nowhere",
    ),
    setting("siem.token", "", "bearer token of an `https` sink, as `env:NAME` or `file:PATH`"),
    setting(
        "siem.records",
        "security",
        "calls that become events: `security` (verdicts, refusals, unknown callers, interruptions) or `all`",
    ),
    setting(
        "siem.ca_bundle",
        "",
        "PEM file of certificates that are trusted for the sink beside the machine's own",
    ),
    setting(
        "identity.url",
        "",
        "address at which browsers reach the control listener, such as `https://cordon.example.com`; without it only loopback",
    ),
    setting(
        "identity.oidc.issuer",
        "",
        "identity provider that people sign in with, such as `https://id.example.com`; without it only local users",
    ),
    setting("identity.oidc.client_id", "", "what the identity provider knows Cordon as"),
    setting(
        "identity.oidc.client_secret",
        "",
        "secret that goes with it, as `env:NAME` or `file:PATH`; without it a public client",
    ),
    setting(
        "identity.oidc.scopes",
        "openid,profile,email",
        "what is asked of the identity provider; some give groups only for a scope of their own",
    ),
    setting(
        "identity.oidc.groups_claim",
        "groups",
        "claim that names groups, such as `groups` or `realm_access.roles`",
    ),
    setting(
        "identity.oidc.roles",
        "",
        "which group gives which role, such as `sec-team=auditor`; the first that somebody is in counts",
    ),
    setting(
        "log.level",
        "info",
        "`error`, `warn`, `info`, `debug` or `trace`, or filters such as `info,cordon_guard=debug`",
    ),
    setting("log.format", "json", "`json` or `text`"),
];

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
    /// Proofs.
    pub ledger: Ledger,
    /// Events for a SIEM.
    pub siem: Option<Siem>,
    /// Who operates Cordon.
    pub identity: Identity,
    /// The program's own log.
    pub log: Log,
}

/// The listener for callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its address.
    pub listen: SocketAddr,
    /// Bytes of a body, as sent and as decoded.
    pub max_body: u64,
    /// Calls at the same time.
    pub max_calls: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Time for headers.
    pub header_timeout: DurationMs,
    /// Time for a body.
    pub body_timeout: DurationMs,
    /// Time without a request.
    pub idle_timeout: DurationMs,
    /// Time for calls in flight at the end.
    pub drain: DurationMs,
    /// The header that names the person behind a call, in lower case.
    pub subject_header: Option<String>,
}

/// The listener for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its address.
    pub listen: SocketAddr,
    /// Bytes of a body.
    pub max_body: usize,
}

/// The way to upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// A PEM file of further roots.
    pub ca_bundle: Option<PathBuf>,
    /// The proxy.
    pub proxy: Proxy,
}

/// Whether a proxy stands between this machine and upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one.
    At {
        /// Its address.
        url: String,
        /// Hosts that are reached without it.
        except: Vec<String>,
    },
}

/// The journal of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Bytes of a segment.
    pub segment: u64,
    /// Bytes that are not sealed.
    pub keep: u64,
    /// How long sealed records are kept.
    pub retention: Option<DurationMs>,
    /// Bytes that may wait.
    pub queue: usize,
    /// Bytes kept while the disk cannot be written.
    pub backlog: usize,
    /// Longest time until a best-effort record is synced.
    pub sync: DurationMs,
}

/// Captured content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Where the key is that it is sealed under.
    pub master_key: Option<SecretRef>,
    /// Bytes that are kept.
    pub max_size: u64,
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

/// Who operates Cordon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Where browsers reach the control listener.
    pub site: Site,
    /// The identity provider.
    pub oidc: Option<OidcOptions>,
}

/// The program's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Filters, as `tracing_subscriber::EnvFilter` reads them.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines of the program's own log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
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

/// Values that were set, each with where; later layers replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    values: BTreeMap<&'static str, (String, String)>,
    problems: Vec<ConfigProblem>,
}

impl Upstream {
    /// The settings of the client of all upstream calls.
    pub fn client_config(&self, environment: &Environment) -> ClientConfig {
        let proxies = match &self.proxy {
            Proxy::Environment => ProxyEnv::from_env(environment),
            Proxy::None => ProxyEnv::default(),
            Proxy::At { url, except } => ProxyEnv {
                all: Some(url.clone()),
                no: Some(except.join(",")).filter(|hosts| !hosts.is_empty()),
                ..ProxyEnv::default()
            },
        };
        ClientConfig { proxies, ca_bundle: self.ca_bundle.clone(), ..ClientConfig::default() }
    }
}

/// The name of the environment variable of a key: `CORDON_` and the key in capitals.
pub fn environment_name(key: &str) -> String {
    format!("CORDON_{}", key.to_ascii_uppercase().replace('.', "_"))
}

impl Raw {
    /// Adds a file. A file that was not asked for by name may be missing.
    #[must_use]
    pub fn file(mut self, named: Option<&Path>) -> Self {
        let path = named.unwrap_or(Path::new("cordon.toml"));
        match std::fs::read_to_string(path) {
            Ok(text) => self.toml(&path.display().to_string(), &text),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => self,
            Err(error) => {
                self.wrong(&path.display().to_string(), format!("cannot be read: {error}"));
                self
            }
        }
    }

    /// Adds the text of a file.
    #[must_use]
    pub fn toml(mut self, name: &str, text: &str) -> Self {
        let place = |span: std::ops::Range<usize>| {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
            format!("{name}:{line}:{column}")
        };
        match toml::de::DeTable::parse(text) {
            Ok(table) => self.table("", table.get_ref(), &place),
            Err(error) => {
                let source = error.span().map_or_else(|| name.to_owned(), place);
                self.wrong(&source, format!("not TOML: {}", error.message()));
            }
        }
        self
    }

    fn table(
        &mut self,
        prefix: &str,
        table: &toml::de::DeTable<'_>,
        place: &dyn Fn(std::ops::Range<usize>) -> String,
    ) {
        use toml::de::DeValue;
        for (key, value) in table {
            let at = place(key.span());
            let key = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if SETTINGS.iter().any(|s| s.key.starts_with(&format!("{key}."))) => {
                    self.table(&format!("{key}."), inner, place);
                }
                DeValue::String(text) => self.set(&key, text.to_string(), at),
                DeValue::Integer(number) => self.set(&key, number.to_string(), at),
                DeValue::Boolean(word) => self.set(&key, word.to_string(), at),
                DeValue::Array(items) if items.iter().all(|item| item.get_ref().as_str().is_some()) => {
                    let items: Vec<&str> = items.iter().filter_map(|item| item.get_ref().as_str()).collect();
                    self.set(&key, items.join(","), at);
                }
                // An unknown key is the clearer problem of the two.
                _ if SETTINGS.iter().all(|s| s.key != key) => self.unknown(&key, &at),
                _ => self
                    .wrong(&at, format!("`{key}` is expected to be text, a whole number or true or false")),
            }
        }
    }

    /// Adds what the environment says. Empty variables count as not set.
    #[must_use]
    pub fn environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        for setting in SETTINGS {
            let name = environment_name(setting.key);
            if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                self.set(setting.key, value, name);
            }
        }
        self
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, flag: &str, key: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.set(key, value, flag.to_owned());
        }
        self
    }

    fn set(&mut self, key: &str, value: String, source: String) {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => {
                self.values.insert(setting.key, (value, source));
            }
            None => self.unknown(key, &source),
        }
    }

    fn unknown(&mut self, key: &str, source: &str) {
        let help = match nearest(key, SETTINGS.iter().map(|setting| setting.key)) {
            Some(near) => format!("help: did you mean `{near}`?"),
            None => "help: `cordon up --help` lists all keys".to_owned(),
        };
        let key: String = key.chars().take(80).collect();
        self.wrong(source, format!("unknown key `{key}`; {help}"));
    }

    fn wrong(&mut self, source: &str, message: String) {
        self.problems.push(ConfigProblem { source: source.to_owned(), message });
    }

    /// Takes a value and checks it; what is wrong is noted, and something usable is given so that the rest is checked
    /// too.
    fn take<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let default =
            SETTINGS.iter().find(|setting| setting.key == key).map_or("", |setting| setting.default);
        let (value, source) =
            self.values.remove(key).unwrap_or_else(|| (default.to_owned(), "default".to_owned()));
        match read(&value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(&source, format!("{key}: {message}"));
                None
            }
        }
    }

    /// The checked configuration.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn check(mut self) -> Result<Config, Vec<ConfigProblem>> {
        let except_from = self.values.get("upstream.no_proxy").map(|(_, source)| source.clone());
        let data = self.take("data", path);
        let listen = self.take("gateway.listen", address);
        let max_body = self.take("gateway.max_body", bytes);
        let max_calls = self.take("gateway.max_calls", count);
        let max_connections = self.take("gateway.max_connections", count);
        let header_timeout = self.take("gateway.header_timeout", time);
        let body_timeout = self.take("gateway.body_timeout", time);
        let idle_timeout = self.take("gateway.idle_timeout", time);
        let drain = self.take("gateway.drain", duration);
        let subject_header = self.take("gateway.subject_header", header);
        let control_listen = self.take("control.listen", address);
        let control_body = self.take("control.max_body", |text| {
            usize::try_from(bytes(text)?).map_err(|_| "too large".to_owned())
        });
        let ca_bundle = self.take("upstream.ca_bundle", |text| Ok((!text.is_empty()).then(|| text.into())));
        let mut proxy = self.take("upstream.proxy", proxy);
        let mut except = self.take("upstream.no_proxy", |text| Ok(list(text))).unwrap_or_default();
        if let Some(Proxy::At { except: to, .. }) = &mut proxy {
            *to = std::mem::take(&mut except);
        } else if let (false, Some(source), Some(_)) = (except.is_empty(), except_from, &proxy) {
            self.wrong(&source, "upstream.no_proxy: only beside an address in `upstream.proxy`".to_owned());
        }
        let size = |text: &str| usize::try_from(bytes(text)?).map_err(|_| "too large".to_owned());
        let segment = self.take("journal.segment", |text| match bytes(text)? {
            segment @ 1_048_576..=1_073_741_824 => Ok(segment),
            _ => Err("1MiB to 1GiB are expected".to_owned()),
        });
        let keep = self.take("journal.keep", bytes);
        let retention = self.take("journal.retention", |text| match duration(text) {
            _ if text.is_empty() => Ok(None),
            Ok(time) if time >= DurationMs::from_secs(365 * 86_400) => Ok(Some(time)),
            Ok(_) => Err("at least 365d are expected: decisions stay provable for a year".to_owned()),
            Err(error) => Err(error),
        });
        let queue = self.take("journal.queue", size);
        let backlog = self.take("journal.backlog", size);
        let sync = self.take("journal.sync", time);
        let objects = self.objects();
        let index_max_size = self.take("index.max_size", bytes);
        let reference = |text: &str| match SecretRef::parse(text) {
            _ if text.is_empty() => Ok(None),
            Ok(reference) => Ok(Some(reference)),
            Err(error) => Err(error.to_string()),
        };
        let master_key = self.take("content.master_key", reference);
        let content_max_size = self.take("content.max_size", bytes);
        let origin = self.take("ledger.origin", |text| match KeyName::parse(text) {
            _ if text.is_empty() => Ok(None),
            Ok(_) => Ok(Some(text.to_owned())),
            Err(error) => Err(error.to_string()),
        });
        let ledger_key = self.take("ledger.key", reference);
        let anchor = self.take("ledger.anchor", |text| match time(text)? {
            time if time <= DurationMs::from_secs(10) => Ok(time),
            _ => Err("at most 10s is expected: calls are provable within that time".to_owned()),
        });
        let siem = self.siem();
        let site = self.take("identity.url", |text| match text {
            "" => Ok(Site::loopback()),
            text => Site::parse(text),
        });
        let oidc = self.oidc();
        let level = self.take("log.level", |text| {
            text.parse::<tracing_subscriber::filter::Targets>()
                .map(|_| text.to_owned())
                .map_err(|_| "`info`, or filters such as `info,cordon_guard=debug` are expected".to_owned())
        });
        let format = self.take("log.format", |text| match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("`json` or `text` is expected".to_owned()),
        });
        if let (Some(a), Some(b)) = (listen, control_listen)
            && a == b
            && a.port() != 0
        {
            self.wrong(
                "control.listen",
                format!("{a} is the gateway's address already; help: give it a port of its own"),
            );
        }
        let checked = (|| {
            Some(Config {
                data: data?,
                gateway: Gateway {
                    listen: listen?,
                    max_body: max_body?,
                    max_calls: max_calls?,
                    max_connections: max_connections?,
                    header_timeout: header_timeout?,
                    body_timeout: body_timeout?,
                    idle_timeout: idle_timeout?,
                    drain: drain?,
                    subject_header: subject_header?,
                },
                control: Control { listen: control_listen?, max_body: control_body? },
                upstream: Upstream { ca_bundle: ca_bundle?, proxy: proxy? },
                journal: Journal {
                    segment: segment?,
                    keep: keep?,
                    retention: retention?,
                    queue: queue?,
                    backlog: backlog?,
                    sync: sync?,
                },
                objects: objects?,
                index_max_size: index_max_size?,
                content: Content { master_key: master_key?, max_size: content_max_size? },
                ledger: Ledger { origin: origin?, key: ledger_key?, anchor: anchor? },
                siem: siem?,
                identity: Identity { site: site?, oidc: oidc? },
                log: Log { level: level?, format: format? },
            })
        })();
        match checked {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(self.problems),
        }
    }
}

impl Raw {
    fn oidc(&mut self) -> Option<Option<OidcOptions>> {
        let issuer_from = self.values.get("identity.oidc.issuer").map(|(_, source)| source.clone());
        let beside = ["identity.oidc.client_id", "identity.oidc.client_secret", "identity.oidc.roles"];
        let alone =
            beside.iter().find_map(|key| self.values.get(key).map(|(_, source)| (*key, source.clone())));
        let issuer = self.take("identity.oidc.issuer", |text| match text {
            "" => Ok(None),
            text => OidcOptions::check_issuer(text).map(|()| Some(text.to_owned())),
        });
        let client_id = self.take("identity.oidc.client_id", |text| Ok(text.to_owned()));
        let client_secret = self.take("identity.oidc.client_secret", |text| match SecretRef::parse(text) {
            _ if text.is_empty() => Ok(None),
            Ok(reference) => Ok(Some(reference)),
            Err(error) => Err(error.to_string()),
        });
        let scopes = self.take("identity.oidc.scopes", |text| {
            let scopes = list(text);
            let plain =
                |scope: &String| scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
            match scopes.iter().any(|scope| scope == "openid") && scopes.iter().all(plain) {
                true => Ok(scopes),
                false => Err("a list with `openid` in it is expected".to_owned()),
            }
        });
        let groups_claim = self.take("identity.oidc.groups_claim", |text| match text {
            "" => Err("the name of a claim is expected".to_owned()),
            text => Ok(text.to_owned()),
        });
        let roles = self.take("identity.oidc.roles", |text| {
            list(text)
                .iter()
                .map(|item| {
                    let (group, role) = item.rsplit_once('=').unwrap_or_default();
                    let role = Role::parse(role.trim()).filter(|_| !group.trim().is_empty());
                    let wrong =
                        || format!("`{item}` is not GROUP=ROLE; help: viewer, operator, auditor or admin");
                    role.map(|role| (group.trim().to_owned(), role)).ok_or_else(wrong)
                })
                .collect::<Result<Vec<_>, _>>()
        });
        let (issuer, client_id, client_secret) = (issuer?, client_id?, client_secret?);
        let (scopes, groups_claim, roles) = (scopes?, groups_claim?, roles?);
        let Some(issuer) = issuer else {
            if let Some((key, source)) = alone {
                self.wrong(&source, format!("{key}: only beside `identity.oidc.issuer`"));
            }
            return Some(None);
        };
        let source = issuer_from.unwrap_or_default();
        if client_id.is_empty() {
            self.wrong(&source, "identity.oidc.client_id: is needed beside an issuer".to_owned());
        }
        if roles.is_empty() {
            self.wrong(
                &source,
                "identity.oidc.roles: is needed beside an issuer, or nobody has a role".to_owned(),
            );
        }
        Some(Some(OidcOptions { issuer, client_id, client_secret, scopes, groups_claim, roles }))
    }

    fn objects(&mut self) -> Option<Option<S3Settings>> {
        let source = |key: &str, raw: &Self| raw.values.get(key).map(|(_, source)| source.clone());
        let keys = [
            "objects.endpoint",
            "objects.region",
            "objects.prefix",
            "objects.access_key",
            "objects.secret_key",
        ];
        let set = keys.map(|key| (key, source(key, self)));
        let bucket_from = source("objects.bucket", self);
        let text = |text: &str| Ok(text.to_owned());
        let reference = |text: &str| match SecretRef::parse(text) {
            _ if text.is_empty() => Ok(None),
            Ok(reference) => Ok(Some(reference)),
            Err(error) => Err(error.to_string()),
        };
        let bucket = self.take("objects.bucket", text);
        let endpoint = self.take("objects.endpoint", text);
        let region = self.take("objects.region", text);
        let prefix = self.take("objects.prefix", text);
        let access_key = self.take("objects.access_key", reference);
        let secret_key = self.take("objects.secret_key", reference);
        let (bucket, access_key, secret_key) = (bucket?, access_key?, secret_key?);
        let Some(from) = bucket_from.filter(|_| !bucket.is_empty()) else {
            for (key, source) in set {
                if let Some(source) = source {
                    self.wrong(&source, format!("{key}: only beside a bucket in `objects.bucket`"));
                }
            }
            return Some(None);
        };
        let (Some(access_key), Some(secret_key)) = (access_key, secret_key) else {
            let what = "objects.bucket: `objects.access_key` and `objects.secret_key` are expected beside it";
            self.wrong(&from, what.to_owned());
            return None;
        };
        let endpoint = Some(endpoint?).filter(|endpoint| !endpoint.is_empty());
        let settings =
            S3Settings { bucket, endpoint, region: region?, prefix: prefix?, access_key, secret_key };
        match settings.check() {
            Ok(()) => Some(Some(settings)),
            Err(error) => {
                self.wrong(&from, format!("objects: {}", crate::desk::with_causes(&error)));
                None
            }
        }
    }

    fn siem(&mut self) -> Option<Option<Siem>> {
        let source = |key: &str, raw: &Self| raw.values.get(key).map(|(_, source)| source.clone());
        let token_from = source("siem.token", self);
        let sink = self.take("siem.sink", Target::parse);
        let token = self.take("siem.token", |text| match SecretRef::parse(text) {
            _ if text.is_empty() => Ok(None),
            Ok(reference) => Ok(Some(reference)),
            Err(error) => Err(error.to_string()),
        });
        let records = self.take("siem.records", |text| match text {
            "all" => Ok(Records::All),
            "security" => Ok(Records::Security),
            _ => Err("`security` or `all` is expected".to_owned()),
        });
        let ca_bundle = self.take("siem.ca_bundle", |text| Ok((!text.is_empty()).then(|| text.into())));
        let (sink, token, records, ca_bundle) = (sink?, token?, records?, ca_bundle?);
        if let (true, Some(source), false) =
            (token.is_some(), token_from, matches!(sink, Some(Target::Http(_))))
        {
            self.wrong(&source, "siem.token: only beside an `https` address in `siem.sink`".to_owned());
        }
        Some(sink.map(|sink| Siem { sink, token, records, ca_bundle }))
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a folder is expected".to_owned()) } else { Ok(text.into()) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port are expected, such as 127.0.0.1:4180".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 && count <= 1_000_000 => Ok(count),
        _ => Err("a whole number from 1 to 1000000 is expected".to_owned()),
    }
}

fn duration(text: &str) -> Result<DurationMs, String> {
    DurationMs::parse(text).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<DurationMs, String> {
    match duration(text)? {
        time if time.as_millis() == 0 => Err("must be above 0".to_owned()),
        time => Ok(time),
    }
}

/// A whole number of bytes, `KiB`, `MiB` or `GiB`.
fn bytes(text: &str) -> Result<u64, String> {
    let error = || "a size is expected, such as 16MiB, 512KiB or 1048576".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split).ok_or_else(error)?;
    let factor = match unit.trim() {
        "" | "B" => 1_u64,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(error()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .filter(|n| *n > 0)
        .ok_or_else(error)
}

fn header(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    http::HeaderName::try_from(text)
        .map(|name| Some(name.as_str().to_owned()))
        .map_err(|_| "the name of a header is expected".to_owned())
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn proxy(text: &str) -> Result<Proxy, String> {
    match text {
        "environment" => Ok(Proxy::Environment),
        "none" => Ok(Proxy::None),
        // The address is not repeated: it may hold a password.
        url if url
            .parse::<http::Uri>()
            .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))) =>
        {
            Ok(Proxy::At { url: url.to_owned(), except: Vec::new() })
        }
        _ => Err("`environment`, `none` or an address such as http://proxy:3128 is expected".to_owned()),
    }
}

/// The settings as people read them, for `--help`.
pub fn help() -> String {
    let mut text = "Settings (cordon.toml, or the environment; flags win over both):\n".to_owned();
    for Setting { key, default, help } in SETTINGS {
        let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
        let name = environment_name(key);
        text.push_str(&format!("  {key}  ({name})\n      {help}{default}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Config, Vec<String>> {
        let raw = Raw::default().toml("cordon.toml", text);
        raw.check().map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_set_is_a_configuration() {
        let config = check("").unwrap();
        assert_eq!(config.gateway.listen.port(), 4180);
        assert_eq!(config.journal.segment, 16 << 20);
        assert_eq!(config.upstream.proxy, Proxy::Environment);
    }

    #[test]
    fn later_layers_win() {
        let config = Raw::default()
            .toml("a", "data = 'x'\n[gateway]\nlisten = '127.0.0.1:1'\nmax_calls = 5\n[upstream]\nproxy = 'http://p:1'\nno_proxy = ['a', 'b']")
            .environment(|name| (name == "CORDON_GATEWAY_LISTEN").then(|| "127.0.0.1:2".to_owned()))
            .flag("--data", "data", Some("y".to_owned()))
            .check()
            .unwrap();
        assert_eq!((config.data, config.gateway.listen.port(), config.gateway.max_calls), ("y".into(), 2, 5));
        let except = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(config.upstream.proxy, Proxy::At { url: "http://p:1".to_owned(), except });
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text = "dta = 'x'\n[gateway]\nlisten = 'here'\nmax_body = '16 MB'\ndrain = 30\n[log]\nformat = 'xml'\n[log.level]\n";
        let found = check(text).unwrap_err();
        let expected = [
            "cordon.toml:1:1: unknown key `dta`; help: did you mean `data`?",
            "cordon.toml:8:6: `log.level` is expected to be text",
            "cordon.toml:3:1: gateway.listen: an IP address and a port are expected",
            "cordon.toml:4:1: gateway.max_body: a size is expected",
            "cordon.toml:5:1: gateway.drain: `30` is not a duration",
            "cordon.toml:7:1: log.format: `json` or `text` is expected",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for expected in expected {
            assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}\n{found:#?}");
        }
        assert!(check("a = [").unwrap_err()[0].starts_with("cordon.toml:1:"));
        let same = "[gateway]\nlisten='127.0.0.1:5'\n[control]\nlisten='127.0.0.1:5'";
        assert!(check(same).unwrap_err()[0].contains("already"));
    }

    #[test]
    fn a_sink_is_checked_as_a_whole() {
        let text = "[siem]\nsink = 'https://siem.example/in'\ntoken = 'env:TOKEN'\nrecords = 'all'\nca_bundle = 'ca.pem'";
        let siem = check(text).unwrap().siem.unwrap();
        assert_eq!(siem.sink, Target::Http("https://siem.example/in".to_owned()));
        assert_eq!((siem.token, siem.records), (Some(SecretRef::Env("TOKEN".to_owned())), Records::All));
        assert_eq!(check("").unwrap().siem, None);
        let wrong = "[siem]\nsink = 'file:/x'\ntoken = 'env:TOKEN'";
        assert!(check(wrong).unwrap_err()[0].contains("cordon.toml:3:1: siem.token: only beside"));
        let wrong = "[siem]\nsink = 'http://siem.example'\ntoken = 'hunter2'\nrecords = 'none'";
        assert_eq!(check(wrong).unwrap_err().len(), 3);
    }

    #[test]
    fn an_identity_provider_is_checked_as_a_whole() {
        let text = "[identity]\nurl = 'https://cordon.example'\n[identity.oidc]\nissuer = 'https://id.example/realm'\nclient_id = 'cordon'\nclient_secret = 'env:OIDC'\nroles = ['sec-team=auditor', 'cn=admins=admin']";
        let identity = check(text).unwrap().identity;
        assert_eq!(identity.site.origin(), Some("https://cordon.example"));
        let oidc = identity.oidc.unwrap();
        assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
        let roles = [("sec-team".to_owned(), Role::Auditor), ("cn=admins".to_owned(), Role::Admin)];
        assert_eq!((oidc.groups_claim.as_str(), oidc.roles), ("groups", roles.to_vec()));
        let wrong = "[identity]\nurl = 'http://cordon.example'\n[identity.oidc]\nissuer = 'http://id.example'\nscopes = 'email'\nroles = ['a=root', 'b']";
        assert_eq!(check(wrong).unwrap_err().len(), 4);
        assert_eq!(check("[identity.oidc]\nissuer = 'https://id.example'").unwrap_err().len(), 2);
        assert!(check("[identity.oidc]\nroles = 'a=admin'").unwrap_err()[0].contains("only beside"));
    }

    #[test]
    fn a_bucket_is_checked_as_a_whole() {
        let keys = "access_key = 'env:ID'\nsecret_key = 'file:/run/secret'";
        let settings = check(&format!("[objects]\nbucket = 'records'\n{keys}")).unwrap().objects.unwrap();
        assert_eq!(
            (settings.endpoint, settings.region.as_str(), settings.prefix.as_str()),
            (None, "us-east-1", "")
        );
        assert_eq!(settings.secret_key, SecretRef::File("/run/secret".to_owned()));
        assert_eq!(check("").unwrap().objects, None);
        for (wrong, at) in [
            (
                "[objects]\nbucket = 'records'\naccess_key = 'env:ID'".to_owned(),
                "cordon.toml:2:1: objects.bucket: ",
            ),
            (format!("[objects]\n{keys}"), "cordon.toml:2:1: objects.access_key: only beside a bucket"),
            (
                format!("[objects]\nbucket = 'Records'\n{keys}"),
                "cordon.toml:2:1: objects: `Records` is no name",
            ),
            (
                format!("[objects]\nbucket = 'r'\nendpoint = 'http://s3.example'\n{keys}"),
                "cordon.toml:2:1: objects: the object store's address has no TLS",
            ),
            (
                "[objects]\nbucket = 'r'\nsecret_key = 'hunter2'".to_owned(),
                "cordon.toml:3:1: objects.secret_key: ",
            ),
        ] {
            let found = check(&wrong).unwrap_err();
            assert!(found[0].starts_with(at) && !found[0].contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn every_key_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        for Setting { key, default, help } in SETTINGS {
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            let row = format!("| `{key}` | `{}` | {default} | {help} |", environment_name(key));
            assert!(page.contains(&row), "docs/configuration.md lacks this row:\n{row}");
        }
    }
}
