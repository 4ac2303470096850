//! `cordon up`: starts a node, says where it listens, and ends it in order when it is told to.

use std::{io::Write as _, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use cordon_core::DurationMs;
use cordon_guard::{
    ports,
    server::{ServerLimits, ServerTls},
    upstream::Environment,
};
use cordon_store::{held::HeldBounds, journal, ledger::TileFolder, sequencer::Health};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::UpArgs,
    clock::Clock,
    config::{self, Config},
    control::{self, ControlState},
    counting,
    demo::{self, Shown},
    desk::{CallLog, Desk, with_causes},
    doctor, ledger, named,
    node::{Handles, Node, Settings},
    siem, telemetry, tls,
};

impl ports::Clock for Clock {
    fn now(&self) -> cordon_core::Timestamp {
        Self::now(self)
    }
}

/// How long a caller hears nothing of a stream before it is sent a comment: proxies on the way wait for a minute, and some for half of one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is looked for journal segments to seal.
const SEAL_EVERY: Duration = Duration::from_secs(10);

/// How long the spans of a call wait for those of others.
const GATHER: Duration = Duration::from_secs(1);

/// Random bytes of the operating system.
pub struct MachineEntropy;

impl ports::Entropy for MachineEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without randomness every id and key would be a known one: ending the process is the closed way to fail"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When the node cannot start, or a part of it fails.
pub async fn run(args: UpArgs, config: Config) -> Result<()> {
    // Heard from now on: a signal during the start ends the node as soon as it runs.
    let ended = terminated();
    let mut settings = settings(&config)?;
    settings.journal.abandoned = args.abandon_journal;
    let tls = settings.tls.clone();
    if args.demo && (tls.gateway.is_some() || tls.control.is_some()) {
        anyhow::bail!("the demo speaks plain HTTP\nhelp: start it without gateway.tls and control.tls");
    }
    let scheme = |tls: &Option<ServerTls>| if tls.is_some() { "https" } else { "http" };
    let (gateway_scheme, control_scheme) = (scheme(&tls.gateway), scheme(&tls.control));
    let node = Node::start(settings, |handles| routes(handles, config.clone())).await?;
    let (shown, folder, control) = (tls.control.clone(), config.data.clone(), node.control);
    let announce = move || control::announce(&folder, control, shown.as_ref().map(ServerTls::certificate));
    announce().context("cannot write control.url in the data folder")?;
    tokio::spawn(tls.follow(move || {
        if let Err(error) = announce() {
            tracing::warn!(%error, "control.url in the data folder cannot be written; commands need --server");
        }
    }));
    say(&format!("gateway  ready at {gateway_scheme}://{}  ({ENDPOINTS})", node.gateway));
    say(&format!(
        "control  ready at {control_scheme}://{}  (console, /api/v1, /metrics, /readyz)",
        node.control
    ));
    if args.demo {
        show(&node).await.context("the demo")?;
    }
    ended.await;
    say("stopping: no new calls; calls in flight end");
    let cut_off = node.stop().await?;
    if cut_off > 0 {
        say(&format!("{cut_off} calls did not end in time and were cut off"));
    }
    Ok(())
}

/// What the gateway serves, for who starts it.
const ENDPOINTS: &str = "POST /v1/chat/completions, /v1/messages, /v1/responses, /v1/embeddings, /v2/models/ROUTE/infer, \
    /routes/ROUTE/invocations, /v1/files; GET /v1/models";

/// What a checked configuration means for a node.
///
/// # Errors
/// When the name of the subject's header is none; else with everything that cannot be used of what named files and variables hold.
pub fn settings(config: &Config) -> Result<Settings> {
    let environment = Environment::of_process();
    let (tls, mut wrong) = match tls::Listeners::open(config, &environment) {
        Ok(tls) => (tls, Vec::new()),
        Err(wrong) => (tls::Listeners::default(), wrong.into_iter().map(anyhow::Error::from).collect()),
    };
    let time = |time: DurationMs| Duration::from_millis(time.as_millis());
    let header = config.gateway.subject_header.as_deref();
    let settings = Settings {
        data: config.data.clone(),
        gateway: config.gateway.listen,
        control: config.control.listen,
        client: config.upstream.client_config(&environment),
        environment,
        server: ServerLimits {
            connections: config.gateway.max_connections,
            header_timeout: time(config.gateway.header_timeout.max(config.gateway.idle_timeout)),
            drain: time(config.gateway.drain),
            ..ServerLimits::default()
        },
        tls,
        max_body_bytes: usize::try_from(config.gateway.max_body).unwrap_or(usize::MAX),
        body_timeout: time(config.gateway.body_timeout),
        max_calls: config.gateway.max_calls,
        max_file_memory: config.gateway.max_file_memory,
        keep_alive: KEEP_ALIVE,
        sheds: true,
        journal: journal::Options {
            segment_bytes: config.journal.segment,
            queue_bytes: config.journal.queue,
            backlog_bytes: config.journal.backlog,
            sync_interval: time(config.journal.sync),
            // All that is older was checked when its segment was left; `cordon doctor` checks all of it again.
            check: journal::Check::LastSegment,
            ..journal::Options::default()
        },
        keep_bytes: config.journal.keep,
        retention: config.journal.retention,
        seal_every: SEAL_EVERY,
        objects: config.objects.clone(),
        disk: Arc::new(journal::FileSystem),
        index_bytes: config.index_max_size,
        content_key: config.content.master_key.clone(),
        content_bytes: config.content.max_size,
        held: HeldBounds { files: config.held.max_files as u64, bytes: config.held.max_size },
        held_kept: config.held.retention,
        ledger_origin: config.ledger.origin.clone(),
        ledger_key: config.ledger.key.clone(),
        anchor_every: time(config.ledger.anchor),
        siem: config.siem.as_ref().map(|siem| siem::Options {
            target: siem.sink.clone(),
            token: siem.token.clone(),
            records: siem.records,
            ca_bundle: siem.ca_bundle.clone(),
            file_bytes: siem::FILE_BYTES,
            pause: siem::pauses(Arc::new(MachineEntropy)),
        }),
        counters: config.limits.as_ref().map(limits),
        telemetry: config.telemetry.as_ref().map(telemetry),
        subject_header: header
            .map(str::parse)
            .transpose()
            .context("gateway.subject_header is no header name")?,
        site: config.identity.site.clone(),
        oidc: config.identity.oidc.clone(),
        clock: Arc::new(Clock::system()),
        entropy: Arc::new(MachineEntropy),
    };
    wrong.extend(named::wrong(&settings));
    let told: Vec<String> = wrong.iter().map(|error| with_causes(error.as_ref())).collect();
    anyhow::ensure!(told.is_empty(), "{}", told.join("\n"));
    Ok(settings)
}

/// What a checked configuration means for counters that nodes share.
pub(crate) fn limits(config: &config::Limits) -> counting::Options {
    counting::Options {
        store: config.store.clone(),
        user: config.user.clone(),
        password: config.password.clone(),
        timeout: Duration::from_millis(config.timeout.as_millis()),
    }
}

/// What a checked configuration means for the way to a collector.
pub(crate) fn telemetry(config: &config::Telemetry) -> telemetry::Options {
    let time = |time: DurationMs| Duration::from_millis(time.as_millis());
    telemetry::Options {
        endpoint: config.endpoint.clone(),
        headers: config.headers.clone(),
        ca_bundle: config.ca_bundle.clone(),
        timeout: time(config.timeout),
        sampler: config.sampler,
        service: config.service.clone(),
        resource: config.resource.clone(),
        every: time(config.interval),
        queue: telemetry::QUEUE,
        gather: GATHER,
        pause: telemetry::pauses(Arc::new(MachineEntropy)),
    }
}

/// Where questions to a node are answered.
pub fn desk(handles: &Handles) -> Desk {
    let time = Arc::clone(&handles.settings.clock);
    let clock = Clock::of(move || time.now());
    Desk::served(handles.sequencer.clone(), call_log(handles), handles.engine.clone(), clock)
        .with_contents(handles.contents.clone())
        .with_held(handles.held.clone())
        .with_quarantines(handles.quarantines.clone())
        .with_gateway(handles.gateway.clone())
        .with_watch(handles.watch.clone())
}

/// The control listener's routes on a node's parts.
pub fn routes(handles: &Handles, config: Config) -> axum::Router {
    let desk = desk(handles);
    let (sequencer, journal) = (handles.sequencer.clone(), Arc::clone(&handles.journal));
    let provable = handles.provable.clone();
    let readiness = move || {
        let mut reasons = Vec::new();
        match sequencer.committed().health {
            Health::Following => {}
            Health::Unreachable(why) => reasons.push(format!("the log cannot be reached: {why}")),
            Health::Stalled(stalled) => reasons.push(stalled.to_string()),
        }
        if let Some(why) = journal.health().unwritable {
            reasons.push(why.to_string());
        }
        let provable = provable.borrow();
        reasons.extend(provable.unsigned.as_ref().map(|why| format!("facts are not signed: {why}")));
        reasons.extend(provable.unanchored.as_ref().map(|why| format!("calls are not anchored: {why}")));
        reasons
    };
    let sequencer = handles.sequencer.clone();
    let contents = handles.contents.clone();
    let (siem, time) = (handles.siem.clone(), Arc::clone(&handles.settings.clock));
    let max_body = config.control.max_body;
    control::router(ControlState {
        desk,
        tiles: TileFolder::new(ledger::log_folder(&handles.settings.data.join("ledger"))),
        identity: handles.identity.clone(),
        readiness: Arc::new(readiness),
        metrics: Arc::clone(&handles.registry),
        doctor: Arc::new(move || {
            let (state, config) = (sequencer.committed().state, config.clone());
            let now = time.now();
            let siem = siem.as_ref().map(|siem| doctor::siem(&siem.borrow(), now));
            let content = doctor::content(&state, contents.is_unlocked(), Some(contents.counts()));
            Box::pin(async move {
                let mut found = doctor::served(&state, &config, now).await;
                found.extend(siem);
                found.extend(content);
                found
            })
        }),
        provable: handles.provable.clone(),
        stopping: handles.stopping.clone(),
        max_body,
    })
}

fn call_log(handles: &Handles) -> CallLog {
    let journal = &handles.journal;
    let folder = handles.settings.data.join("journal");
    CallLog::new(&folder, Some(handles.index.clone()), Some((journal.id(), journal.follow())))
        .with_archive(handles.archive.clone())
}

/// Resolves on SIGTERM or SIGINT. Where signals cannot be heard, never: the process then ends as the system ends it.
pub fn terminated() -> impl Future<Output = ()> {
    let heard = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = heard else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}

/// The demo: a sandbox upstream, a first wave of calls, and what the records say of them.
async fn show(node: &Node) -> Result<()> {
    let upstream = demo::start_sandbox().await?;
    say(&format!(
        "sandbox  listening on http://{upstream}  (a deliberately gullible upstream, for this demo)"
    ));
    let key = demo::prepare(&node.handles, upstream).await?;
    let shown = demo::wave(&node.handles, node.gateway, &key).await?;
    say("");
    for line in table(node, &shown).await? {
        say(&line);
    }
    let gateway = node.gateway;
    say("");
    say("Try it:");
    say(&format!(
        "  curl -s http://{gateway}/v1/chat/completions -H 'Authorization: Bearer {}' \\",
        key.expose()
    ));
    say(
        r#"    -H 'Content-Type: application/json' -d '{"model":"demo","messages":[{"role":"user","content":"Hello"}]}'"#,
    );
    say("Look:");
    let data = node.handles.settings.data.display();
    say(&format!("  cordon calls list --server http://{} --token-file {data}/admin.token", node.control));
    say(&format!(
        "  cordon calls show latest --server http://{} --token-file {data}/admin.token",
        node.control
    ));
    say(&format!(
        "  cordon history Route demo --server http://{} --token-file {data}/admin.token",
        node.control
    ));
    say(&format!(
        "  cordon user add you@example.com --role admin --server http://{} --token-file {data}/admin.token",
        node.control
    ));
    say(&format!("    then choose a password at http://{}/enrol, and look at the console", node.control));
    say("Serving until Ctrl-C.");
    Ok(())
}

/// The wave as a table: what the caller saw, and what the record says.
async fn table(node: &Node, shown: &[Shown]) -> Result<Vec<String>> {
    let mut rows =
        vec![["what was sent", "status", "verdict", "found", "ms", "what came back"].map(str::to_owned)];
    let calls = call_log(&node.handles);
    for line in shown {
        let record = match line.call {
            Some(call) => calls.find(call).await?,
            None => None,
        };
        let findings = record.iter().flat_map(|record| {
            let output = record.closed.iter().flat_map(|closed| &closed.output.findings);
            record.opened.input.findings.iter().chain(output)
        });
        let mut categories: Vec<&str> = findings.map(|finding| finding.category.as_str()).collect();
        categories.sort_unstable();
        categories.dedup();
        let found = categories.join(", ");
        rows.push([
            line.what.to_owned(),
            line.status.as_u16().to_string(),
            line.verdict.clone(),
            found,
            format!("{:.1}", line.took.as_secs_f64() * 1e3),
            line.answer.clone(),
        ]);
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    Ok(rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect())
}

/// A line for the person at the terminal. One that cannot be written is nobody's business.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
