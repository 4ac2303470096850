//! The one list of what can be set.

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
    setting(
        "gateway.max_file_memory",
        "1GiB",
        "memory that files are read in, at least 32MiB; a hostile file can need 187 MiB, so that six are read at a time and others wait",
    ),
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
        "gateway.tls.certificate",
        "",
        "PEM file of the certificate for callers and its chain, looked at every ten seconds; without it plain HTTP",
    ),
    setting("gateway.tls.key", "", "its private key in PEM, as `env:NAME` or `file:PATH`"),
    setting(
        "gateway.tls.client_ca",
        "",
        "PEM file of authorities: callers must show a certificate that one of them signed, beside their key",
    ),
    setting(
        "control.listen",
        "127.0.0.1:4181",
        "address for operators: API, health, metrics; keep it away from callers",
    ),
    setting("control.max_body", "72MiB", "largest body of a request to the control API"),
    setting(
        "control.tls.certificate",
        "",
        "PEM file of the certificate for operators and its chain, looked at every ten seconds; without it plain HTTP",
    ),
    setting("control.tls.key", "", "its private key in PEM, as `env:NAME` or `file:PATH`"),
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
        "held.max_files",
        "1000",
        "files, texts and calls of tools that may wait for a review, of which one caller has half at most; beyond it what is held is refused without",
    ),
    setting("held.max_size", "1GiB", "bytes of them, likewise; they are in `content.max_size`"),
    setting(
        "held.retention",
        "30d",
        "how long held content is kept, decided about or not, and no longer than content of its route",
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
        "limits.store",
        "",
        "Redis or Valkey where limits are counted that several nodes share, as `redis://HOST:PORT/DATABASE`; without it each node counts for itself",
    ),
    setting("limits.user", "", "user of that store, where it has users"),
    setting("limits.password", "", "password for that store, as `env:NAME` or `file:PATH`"),
    setting(
        "limits.timeout",
        "250ms",
        "time for that store to answer; after it a limit does what its `when_unavailable` says",
    ),
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
        "telemetry.otlp.endpoint",
        "",
        "collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; without it no traces and metrics are sent \
         (OTEL_EXPORTER_OTLP_ENDPOINT)",
    ),
    setting(
        "telemetry.otlp.headers",
        "",
        "headers for it, `name=value` separated by commas, as `env:NAME` or `file:PATH` (OTEL_EXPORTER_OTLP_HEADERS)",
    ),
    setting("telemetry.otlp.timeout", "10s", "time for it to take a request"),
    setting(
        "telemetry.otlp.ca_bundle",
        "",
        "PEM file of certificates that are trusted for it beside the machine's own",
    ),
    setting(
        "telemetry.traces.sampler",
        "parentbased_always_on",
        "which traces: `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`, where the caller decides \
         first (OTEL_TRACES_SAMPLER)",
    ),
    setting(
        "telemetry.traces.ratio",
        "1",
        "share of traces for `traceidratio`, from 0 to 1, chosen by trace id (OTEL_TRACES_SAMPLER_ARG)",
    ),
    setting("telemetry.metrics.interval", "60s", "time between two exports of metrics"),
    setting("telemetry.service_name", "cordon", "`service.name` of what is sent (OTEL_SERVICE_NAME)"),
    setting(
        "telemetry.resource",
        "",
        "further attributes of what is sent, `name=value` separated by commas (OTEL_RESOURCE_ATTRIBUTES)",
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

/// The name of the environment variable of a key: `CORDON_` and the key in capitals.
pub fn environment_name(key: &str) -> String {
    format!("CORDON_{}", key.to_ascii_uppercase().replace('.', "_"))
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
