//! Looks for everything that is not as it should be, and says how to mend it. Changes nothing.

use std::{
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use cordon_core::{
    Digest, DurationMs, Role, State, Timestamp,
    resource::{Kind, ServiceSpec, Spec},
};
use cordon_guard::dispatch;
use cordon_guard::upstream::{
    Accept, Client, Endpoint, Environment, SecretSource, Timeouts, Trace, UpstreamRequest,
};
use cordon_store::{DataDir, Log as _, SqliteLog, data_dir::DataDirError, journal};
use http::Method;

use crate::{
    api::{Check, Health},
    clock,
    config::{Config, ConfigProblem},
    content,
    control::AdminToken,
    counting::SharedCounters,
    desk::with_causes,
    objects,
    siem::Progress,
    telemetry, up,
};

/// Below this much free space the doctor warns, and below a tenth of it something is broken, in bytes.
const ROOM: u64 = 1 << 30;
/// Descriptors that a thousand calls need: a caller, an upstream, and some files.
const DESCRIPTORS: u64 = 4096;
/// Journals larger than this are not read as a whole, in bytes.
const MAX_VERIFIED: u64 = 2 << 30;
/// Findings of one sort that are named one by one.
const MAX_NAMED: usize = 20;
/// The administrator's token counts as in use for so long.
const BOOTSTRAP_RECENT: DurationMs = DurationMs::from_secs(86_400);
/// A SIEM that is behind by more than this is told.
const SIEM_LATE: DurationMs = DurationMs::from_secs(600);
/// A bucket that takes longer than this for something small is told.
const BUCKET_WITHIN: Duration = Duration::from_secs(15);
/// 2024-01-01 and 2100-01-01 in milliseconds since 1970: a clock outside is set wrongly.
const YEARS: std::ops::Range<i64> = 1_704_067_200_000..4_102_444_800_000;

/// What can be said of machine and configuration, whether a server runs or not.
pub fn machine(config: &Result<Config, Vec<ConfigProblem>>, folder: &Path) -> Vec<Check> {
    let mut found = Vec::new();
    match config {
        Ok(_) => found.push(ok("configuration", "it can be read")),
        Err(problems) => {
            found.extend(problems.iter().map(|problem| broken("configuration", problem.to_string(), None)));
        }
    }
    found.push(time(None));
    found.push(room(folder));
    found.push(descriptors());
    found.extend(access(folder));
    found
}

/// What can be said of a folder that nobody serves.
pub async fn folder(folder: &Path, config: Option<&Config>, offline: bool) -> Vec<Check> {
    let mut found = Vec::new();
    if let Some(config) = config {
        found.extend(listeners(config));
    }
    let held = match DataDir::read_only(folder) {
        Ok(held) if held.log_file().exists() => held,
        Ok(_) => {
            found.push(ok("log", "there is none yet; the first `cordon up` or `cordon apply` makes it"));
            return found;
        }
        Err(DataDirError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return found;
        }
        Err(error) => {
            found.push(broken("data folder", with_causes(&error), None));
            return found;
        }
    };
    match SqliteLog::open_read_only(&held.log_file()).await {
        Ok(log) => {
            match read_all(&log).await {
                Ok(state) => {
                    found.push(ok("log", &format!("all {} facts can be read", state.position())));
                    found.push(time(state.time()));
                    let unlocked = config.is_none_or(|config| config.content.master_key.is_some());
                    found.extend(content(&state, unlocked, None));
                    found.extend(missing_objects(&state, config, folder));
                    if !offline {
                        found.extend(bucket(config).await);
                        found.extend(upstreams(&state, config).await);
                        found.extend(counters(config).await);
                        found.extend(collector(config).await);
                    }
                }
                Err(message) => found.push(broken("log", message, None)),
            }
            log.close().await;
        }
        Err(error) => found.push(broken("log", with_causes(&error), None)),
    }
    let journals = held.journal_dir();
    let checked = tokio::task::spawn_blocking(move || verify(&journals)).await;
    found.extend(checked.unwrap_or_default());
    found
}

/// Reads every fact, without the help of caches: they would hide damage.
async fn read_all(log: &SqliteLog) -> Result<State, String> {
    let head = log.head().await.map_err(|error| with_causes(&error))?;
    let mut state = State::new();
    while state.position() < head {
        let page = log.read(state.position(), head).await.map_err(|error| with_causes(&error))?;
        if page.is_empty() {
            return Err(format!(
                "the fact at position {} is missing; help: restore the log from a backup, nothing was changed",
                state.position()
            ));
        }
        for stored in page {
            let fact = stored.decode().map_err(|error| {
                let help = "help: restore the log from a backup, nothing was changed";
                let error = error.to_string();
                let help = if error.contains("; help: ") { String::new() } else { format!("; {help}") };
                format!("the fact at position {}: {error}{help}", stored.position)
            })?;
            state.apply(&fact);
        }
    }
    Ok(state)
}

/// What can be said of the state that a server serves.
pub async fn served(state: &State, config: &Config, now: Timestamp) -> Vec<Check> {
    let mut found = vec![ok("log", &format!("{} facts are known", state.position())), time(state.time())];
    found.extend(bootstrap(state, now));
    found.extend(missing_objects(state, Some(config), &config.data));
    found.extend(bucket(Some(config)).await);
    found.extend(upstreams(state, Some(config)).await);
    found.extend(counters(Some(config)).await);
    found.extend(collector(Some(config)).await);
    found
}

/// Whether people sign in as themselves.
fn bootstrap(state: &State, now: Timestamp) -> Option<Check> {
    let admins = state.users().any(|known| known.user.role == Role::Admin && known.disabled.is_none());
    let usage = state.bootstrap_uses()?;
    let said = format!("admin.token was used {} times, at last at {}", usage.uses, usage.last);
    Some(if admins && now.since(usage.last) < BOOTSTRAP_RECENT {
        let help = "it names nobody: people sign in with `cordon login`, programs with tokens of their own";
        warning("administrator's token", said, help)
    } else {
        ok("administrator's token", &said)
    })
}

/// Whether sealed records lie elsewhere than the configuration says.
fn missing_objects(state: &State, config: Option<&Config>, folder: &Path) -> Option<Check> {
    if config.is_none_or(|config| config.objects.is_some()) {
        return None;
    }
    let folder = folder.join("objects");
    let seals = state.journals().flat_map(|journal| state.segments(journal.anchor.journal));
    let missing = seals.filter(|seal| !objects::is_held(&folder, &seal.object)).count();
    let help =
        "were they sealed into a bucket? Set objects.bucket and what belongs to it; otherwise restore them";
    let message = format!("{missing} sealed objects are not in {}", folder.display());
    (missing > 0).then(|| broken("objects", message, Some(help)))
}

/// Whether the bucket of sealed records takes objects and gives them back.
async fn bucket(config: Option<&Config>) -> Option<Check> {
    let settings = config?.objects.as_ref()?;
    let help = "calls are served, and the journal keeps what is not sealed: look at its disk meanwhile";
    let bucket = match objects::bucket_of(config?) {
        Ok(bucket) => bucket?,
        Err(error) => return Some(broken("objects", with_causes(&error), None)),
    };
    let name = format!("doctor/{}", Digest::from_bytes(*clock::seal_key().as_bytes()));
    let trying = tokio::task::spawn_blocking(move || objects::try_out(&*bucket, &name));
    let tried = match tokio::time::timeout(BUCKET_WITHIN, trying).await {
        Ok(Ok(Ok(()))) => {
            return Some(ok("objects", &format!("{settings} takes objects and gives them back")));
        }
        Ok(Ok(Err(error))) => with_causes(&error),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it did not answer within {} s", BUCKET_WITHIN.as_secs()),
    };
    let said = tried.replace("; help: ", ", ");
    Some(broken("objects", format!("{settings} cannot be used: {said}"), Some(help)))
}

/// Whether the SIEM's sink keeps up.
pub fn siem(progress: &Progress, now: Timestamp) -> Check {
    let waiting = progress.facts.saturating_add(progress.frames);
    let age = now.since(progress.as_of);
    let why = progress.trouble.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let help = "look at siem.sink and at the receiver; nothing is lost, and all of it is sent when it takes events again";
    if waiting > 0 && age > SIEM_LATE {
        let minutes = age.as_millis() / 60_000;
        let message = format!("the siem sink is {minutes} minutes behind, {waiting} entries wait{why}");
        warning("siem", message.replace("; help: ", ", "), help)
    } else if why.is_empty() {
        ok("siem", &format!("{} events were sent since the start, {waiting} entries wait", progress.sent))
    } else {
        warning("siem", format!("the last attempt failed{}", why.replace("; help: ", ", ")), help)
    }
}

/// Whether what should be kept of calls is kept.
pub fn content(state: &State, unlocked: bool, counts: Option<&content::Counts>) -> Vec<Check> {
    let mut found = Vec::new();
    let capturing = content::capturing(state);
    if let (false, Some(route)) = (unlocked, capturing.first()) {
        let message = format!(
            "{} route(s) capture content, among them `{route}`, and there is no key to keep it under: their calls are refused",
            capturing.len()
        );
        found.push(broken(
            "content",
            message,
            Some("set content.master_key, or say `content: none` on these routes"),
        ));
    }
    if let Some(why) = counts.and_then(content::Counts::failing) {
        let help = "look at the disk and at content.max_size; calls go on, what they say is not kept";
        found.push(warning("content", why.replace("; help: ", ", "), help));
    }
    if let Some(lost) = counts.map(content::Counts::lost).filter(|lost| *lost > 0) {
        let help = "their records say so; a faster disk or fewer capturing routes keep up";
        found.push(warning(
            "content",
            format!("the content of {lost} calls was not kept since the start"),
            help,
        ));
    }
    let unkept = content::unkept(state);
    found.extend(unkept.iter().take(MAX_NAMED).map(|(route, system)| {
        finding("content", Health::Warning, content::unkept_warning(route, system), None)
    }));
    if found.is_empty() && !capturing.is_empty() {
        found.push(ok("content", &format!("{} route(s) capture content, and it is kept", capturing.len())));
    }
    found
}

/// Whether another process serves a folder.
pub fn is_served(folder: &Path) -> bool {
    matches!(DataDir::read_only(folder), Err(DataDirError::InUse { .. }))
}

/// Something that does not work.
pub fn broken(check: &str, message: String, help: Option<&str>) -> Check {
    finding(check, Health::Broken, message, help)
}

fn warning(check: &str, message: String, help: &str) -> Check {
    finding(check, Health::Warning, message, Some(help))
}

fn ok(check: &str, message: &str) -> Check {
    finding(check, Health::Ok, message.to_owned(), None)
}

/// Messages of errors bring their own help.
fn finding(check: &str, health: Health, message: String, help: Option<&str>) -> Check {
    let (message, help) = match (message.split_once("; help: "), help) {
        (Some((message, help)), None) => (message.to_owned(), Some(help.to_owned())),
        (_, help) => (message, help.map(str::to_owned)),
    };
    Check { check: check.to_owned(), health, message, help }
}

fn time(last_fact: Option<Timestamp>) -> Check {
    let now = clock::machine_time();
    let help = "set the machine's clock, best by NTP";
    if !YEARS.contains(&now.as_millis()) {
        return broken("clock", format!("the machine's clock shows {now}"), Some(help));
    }
    match last_fact {
        Some(last) if last > now => broken(
            "clock",
            format!("the machine's clock shows {now}, which is before the last fact of {last}"),
            Some(help),
        ),
        _ => ok("clock", &format!("it shows {now}")),
    }
}

fn room(folder: &Path) -> Check {
    // A folder that does not exist yet will be made on its nearest ancestor's disk.
    let place = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(place) = place.ancestors().find(|place| place.exists()) else {
        return broken(
            "disk",
            format!("{} has no disk", folder.display()),
            Some("name another folder with --data"),
        );
    };
    let help = "free some space, or move the data folder";
    match rustix::fs::statvfs(place) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let message = format!("{} MiB are free at {}", free >> 20, place.display());
            match free {
                free if free < ROOM / 10 => broken("disk", message, Some(help)),
                free if free < ROOM => warning("disk", message, help),
                _ if disk.f_favail < 1000 && disk.f_files > 0 => {
                    broken("disk", format!("{} has no inodes left", place.display()), Some(help))
                }
                _ => ok("disk", &message),
            }
        }
        Err(error) => broken("disk", format!("{}: {error}", place.display()), None),
    }
}

fn descriptors() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < DESCRIPTORS => warning(
            "file descriptors",
            format!("this process may open {limit} files"),
            "raise the limit: `ulimit -n 65536`, or LimitNOFILE= in a systemd unit",
        ),
        Some(limit) => ok("file descriptors", &format!("this process may open {limit} files")),
        None => ok("file descriptors", "there is no limit"),
    }
}

fn access(folder: &Path) -> Vec<Check> {
    let meta = match folder.metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![ok(
                "data folder",
                &format!("{} does not exist yet; `cordon up` makes it", folder.display()),
            )];
        }
        Err(error) => return vec![broken("data folder", format!("{}: {error}", folder.display()), None)],
    };
    let mode = meta.permissions().mode() & 0o777;
    let mut found = Vec::new();
    let shown = folder.display();
    if !meta.is_dir() {
        found.push(broken(
            "data folder",
            format!("{shown} is not a folder"),
            Some("name another one with --data"),
        ));
    } else if mode & 0o077 != 0 {
        let help = format!("chmod 700 {shown}");
        found.push(broken(
            "data folder",
            format!("{shown} is open to other users (mode {mode:o})"),
            Some(&help),
        ));
    } else if meta.uid() != rustix::process::geteuid().as_raw() {
        let message = format!("{shown} belongs to user {}", meta.uid());
        found.push(broken(
            "data folder",
            message,
            Some("run as that user, or change the owner of the folder"),
        ));
    } else if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
        found.push(broken(
            "data folder",
            format!("{shown} cannot be written"),
            Some("check its mode and its disk"),
        ));
    } else {
        found.push(ok("data folder", &format!("{shown} is its owner's alone")));
    }
    match AdminToken::read(folder) {
        Ok(_) => found.push(ok("admin.token", "only its owner can read it")),
        Err(crate::control::TokenError::Io { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            found.push(ok("admin.token", "there is none yet; the first `cordon up` makes it"));
        }
        Err(error) => found.push(broken("admin.token", with_causes(&error), None)),
    }
    found
}

fn listeners(config: &Config) -> Vec<Check> {
    let listeners = [("gateway.listen", config.gateway.listen), ("control.listen", config.control.listen)];
    let mut found: Vec<Check> = listeners
        .into_iter()
        .map(|(key, address)| match TcpListener::bind(address) {
            Ok(_) => ok("listeners", &format!("{key} {address} is free")),
            Err(error) => {
                let help = format!("stop what listens there, or set {key} to another address");
                broken("listeners", format!("{key} {address}: {error}"), Some(&help))
            }
        })
        .collect();
    if !config.control.listen.ip().is_loopback() {
        found.push(warning(
            "listeners",
            format!("operators are served without TLS on {}", config.control.listen),
            "listen on a loopback address, or put a proxy with TLS in front",
        ));
    }
    found
}

fn verify(folder: &Path) -> Vec<Check> {
    let ids = match journal::list(folder) {
        Ok(ids) => ids,
        Err(error) => return vec![broken("journal", format!("{}: {error}", folder.display()), None)],
    };
    if ids.is_empty() {
        return vec![ok("journal", "there is none yet")];
    }
    let mut left = MAX_VERIFIED;
    let mut found = Vec::new();
    // The latest first: it is the one that is written.
    for id in ids.into_iter().rev() {
        let size: u64 = std::fs::read_dir(folder.join(id.to_string()))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .map(|meta| meta.len())
            .sum();
        if size > left {
            let message = format!("{id} is too large to be read here ({} MiB)", size >> 20);
            found.push(warning("journal", message, "its end is checked at each start of `cordon up`"));
            continue;
        }
        left = left.saturating_sub(size);
        found.push(match journal::verify(folder, id) {
            Ok(verified) => {
                let torn =
                    if verified.torn.is_some() { ", then an unfinished end that needs nothing" } else { "" };
                ok("journal", &format!("{id}: all {} frames are as they were written{torn}", verified.size))
            }
            Err(error) => broken("journal", with_causes(&error), None),
        });
    }
    found
}

/// Whether the collector answers.
async fn collector(config: Option<&Config>) -> Option<Check> {
    let config = config?;
    let options = up::telemetry(config.telemetry.as_ref()?);
    let environment = Environment::of_process();
    let client = config.upstream.client_config(&environment);
    Some(match telemetry::ask(&options, client, &environment).await {
        Ok(()) => ok("telemetry", "the collector takes traces"),
        Err(why) => warning(
            "telemetry",
            why,
            "check telemetry.otlp.endpoint; calls are served all the same, and what is lost is counted",
        ),
    })
}

/// Whether the store of counters answers.
async fn counters(config: Option<&Config>) -> Option<Check> {
    let options = up::limits(config?.limits.as_ref()?);
    let help = "calls under limits do what `when_unavailable` says: check limits.store and the store itself";
    let counters = SharedCounters::new(&options, &Environment::of_process(), &up::MachineEntropy);
    Some(match counters {
        Err(error) => broken("limits", format!("{error:#}"), Some(help)),
        Ok(counters) => match counters.ask().await {
            Ok(()) => ok("limits", &format!("{} answers", options.store)),
            Err(why) => broken("limits", why, Some(help)),
        },
    })
}

async fn upstreams(state: &State, config: Option<&Config>) -> Vec<Check> {
    let environment = Environment::of_process();
    let client_config = config.map(|config| config.upstream.client_config(&environment)).unwrap_or_default();
    let client = match Client::new(&client_config) {
        Ok(client) => client,
        Err(error) => return vec![broken("trust", with_causes(&error), None)],
    };
    let mut found = Vec::new();
    let trust = client.trust();
    found.push(match trust.machine.saturating_add(trust.private) {
        0 => warning(
            "trust",
            "no certificate authority is trusted".to_owned(),
            "install the machine's ca-certificates, or set upstream.ca_bundle; without, no upstream with TLS is reached",
        ),
        _ => ok("trust", &format!("{} authorities of the machine, {} of its own", trust.machine, trust.private)),
    });
    for (name, standing) in state.resources_of(Kind::Service) {
        if let Spec::Service(service) = &standing.spec {
            found.push(upstream(name.as_str(), service, &client, &environment).await);
        }
    }
    found
}

/// Asks a service for its models: the one request that costs nothing, and that needs name, way, TLS and secret to work.
async fn upstream(name: &str, service: &ServiceSpec, client: &Client, environment: &Environment) -> Check {
    let check = format!("service {name}");
    let soon = Duration::from_secs(5);
    let timeouts = Timeouts { connect: soon, first_byte: soon, idle: soon, total: soon * 3 };
    let endpoint = match Endpoint::within(service, environment, timeouts) {
        Ok(endpoint) => endpoint,
        Err(error) => return broken(&check, with_causes(&error), None),
    };
    let secret = dispatch::secret_of(service, environment);
    let careless = match secret.as_ref().map_or(Ok(None), SecretSource::check) {
        Ok(careless) => careless,
        Err(error) => return broken(&check, with_causes(&error), None),
    };
    let careless = match client.check_certificate(&endpoint) {
        Ok(certificate) => careless.or(certificate),
        Err(error) => return broken(&check, with_causes(&error), None),
    };
    let headers = match dispatch::headers_of(service, secret.as_ref()) {
        Ok(headers) => headers,
        Err(error) => return broken(&check, with_causes(&error), None),
    };
    let request = UpstreamRequest {
        method: Method::GET,
        path: "/models",
        body: bytes::Bytes::new(),
        accept: Accept::Json,
        headers,
        trace: Trace::default(),
    };
    match client.send(&endpoint, request).await {
        Err(error) => {
            broken(&check, with_causes(&error), Some("check name, network and proxy (upstream.proxy)"))
        }
        Ok(answer) => match (answer.status.as_u16(), careless) {
            (401 | 403, _) => broken(
                &check,
                format!("it was reached and refuses the secret ({})", answer.status.as_u16()),
                Some("check the secret that `secret` names"),
            ),
            (500.., _) => warning(
                &check,
                format!("it was reached and answered {}", answer.status.as_u16()),
                "look at the provider's status page",
            ),
            (_, Some(careless)) => finding(&check, Health::Warning, careless.to_string(), None),
            (status, None) => ok(&check, &format!("it was reached and answered {status}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_that_is_ten_minutes_behind_is_told() {
        let at = |millis| Timestamp::from_millis(millis);
        let progress = |frames, trouble: Option<&str>| Progress {
            sent: 3,
            failures: 0,
            facts: 0,
            frames,
            as_of: at(0),
            trouble: trouble.map(str::to_owned),
        };
        assert_eq!(siem(&progress(0, None), at(3_600_000)).health, Health::Ok);
        assert_eq!(siem(&progress(1, None), at(600_000)).health, Health::Ok);
        let late = siem(&progress(1, Some("refused; help: x")), at(600_001));
        assert_eq!(late.health, Health::Warning);
        assert!(late.message.contains("10 minutes behind, 1 entries wait: refused"), "{}", late.message);
        assert_eq!(siem(&progress(1, Some("refused")), at(1)).health, Health::Warning);
    }
}
