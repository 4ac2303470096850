//! Traces and metrics for an OpenTelemetry collector, or whatever else takes OTLP.
//!
//! Spans are made of what was recorded of a call, after it has ended and beside its path: a call hands over what it has
//! anyway, and where there is no room for it, it is not exported, which is counted. Metrics are those of `/metrics`, read
//! from the same registry, so that both say the same.
//!
//! **Never here:** content of calls, values that were found, names of persons. No call waits for a collector, and none is
//! refused for one.

mod exporter;
mod openmetrics;
mod otlp;
mod sampler;
pub mod semconv;
mod spans;

use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use cordon_core::{Name, resource::SecretRef};
use cordon_guard::{
    ports::{Clock, Entropy, Sampling, TracedCall, Tracer},
    trace::TraceId,
    upstream::{Client, ClientConfig, Environment, SecretSource},
};
use prometheus_client::registry::Registry;
use prost::Message as _;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub use self::sampler::{Sampler, Share};
pub(crate) use self::spans::{outcome, seconds, upstream_error};
use self::{
    exporter::{Exporter, Signal},
    otlp::{KeyValue, Resource, ResourceSpans, Scope, ScopeSpans, TracesRequest},
};
use crate::{
    desk::with_causes,
    metrics::{Lost, Metrics},
    siem,
};

/// Waits before the next attempt: the number of failed ones from 0, and what the collector asked for.
pub type Pause = Arc<dyn Fn(u32, Option<Duration>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What is exported where.
#[derive(Clone)]
pub struct Options {
    /// The collector's address; `/v1/traces` and `/v1/metrics` are below it.
    pub endpoint: String,
    /// Where headers for it are, as `name=value` pairs separated by commas.
    pub headers: Option<SecretRef>,
    /// PEM certificates that are trusted for it beside the machine's own.
    pub ca_bundle: Option<PathBuf>,
    /// How long it may take for a request.
    pub timeout: Duration,
    /// Which traces.
    pub sampler: Sampler,
    /// `service.name`.
    pub service: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
    /// How often metrics are sent.
    pub every: Duration,
    /// Ended calls that may wait to be exported; more are not exported, and counted.
    pub queue: usize,
    /// How long a call waits for others to be sent with it.
    pub gather: Duration,
    /// How long a failed attempt waits for the next one.
    pub pause: Pause,
}

/// Ended calls that wait to be exported, in a running node.
pub const QUEUE: usize = 2_048;
/// Calls in one request.
const BATCH: usize = 256;
/// Attempts to send a request before what is in it is given up.
const ATTEMPTS: u32 = 5;
/// How long an end waits for what is not sent yet.
const WITHIN: Duration = Duration::from_secs(5);

/// The waits of a running node, and no shorter than the collector asks for.
pub fn pauses(entropy: Arc<dyn Entropy>) -> Pause {
    Arc::new(move |attempt, after| {
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let pause = siem::pause(attempt, u64::from_be_bytes(random));
        Box::pin(tokio::time::sleep(after.map_or(pause, |after| after.max(pause))))
    })
}

/// Reads `name=value` pairs, separated by commas, as in `OTEL_RESOURCE_ATTRIBUTES`.
///
/// # Errors
/// With what is expected.
pub fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let expected = || "`name=value` pairs, separated by commas, are expected".to_owned();
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) =
                pair.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(expected)?;
            let value = exporter::decoded(value.trim()).and_then(|bytes| String::from_utf8(bytes).ok());
            Ok((name.trim().to_owned(), value.ok_or_else(expected)?))
        })
        .collect()
}

/// Checks the address of a collector. Headers may hold a secret: they go over TLS, or stay on this machine.
///
/// # Errors
/// With what is wrong. The address is not repeated: it may hold a password.
pub fn check_endpoint(url: &str, has_headers: bool) -> Result<(), String> {
    let endpoint = exporter::endpoint(url, Duration::from_secs(10))
        .map_err(|error| error.to_string().replace("base URL", "address"))?;
    let is_plain = url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"));
    match is_plain && has_headers && !siem::is_here(&endpoint) {
        true => {
            Err("with telemetry.otlp.headers, https is expected; http only goes to this machine".to_owned())
        }
        false => Ok(()),
    }
}

/// The end of the queue that calls come to.
pub struct Spans {
    sampler: Sampler,
    queue: mpsc::Sender<TracedCall>,
    metrics: Arc<Metrics>,
}

impl Tracer for Spans {
    fn sample(&self, trace: TraceId, parent: Option<bool>) -> Sampling {
        self.sampler.sample(trace, parent)
    }

    fn ended(&self, call: TracedCall) {
        if self.queue.try_send(call).is_err() {
            self.metrics.traces_lost(Lost::QueueFull, 1);
        }
    }
}

/// What the tasks work on.
pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) node: Name,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) client: ClientConfig,
    pub(crate) environment: Environment,
}

/// The running tasks.
pub(crate) struct Telemetry {
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Telemetry {
    /// Starts the tasks. The tracer is what calls are handed to.
    ///
    /// # Errors
    /// When the trust store cannot be built, or the address is none.
    pub(crate) fn start(parts: Parts) -> anyhow::Result<(Self, Arc<Spans>)> {
        let options = parts.options;
        let exporter = exporter(&options, parts.client, &parts.environment)?;
        let resource = resource(&options, &parts.node);
        let (queue, calls) = mpsc::channel(options.queue.max(1));
        let (stop, stopped) = watch::channel(false);
        let spans = Spans { sampler: options.sampler, queue, metrics: Arc::clone(&parts.metrics) };
        let sending = Sending {
            exporter,
            metrics: parts.metrics,
            pause: options.pause,
            stopped: stopped.clone(),
            trouble: false,
        };
        let traces =
            Traces { sending: sending.clone(), resource: resource.clone(), calls, gather: options.gather };
        let points =
            Points { sending, resource, registry: parts.registry, clock: parts.clock, every: options.every };
        let tasks = [tokio::spawn(traces.run()), tokio::spawn(points.run())];
        Ok((Self { stop, tasks }, Arc::new(spans)))
    }

    /// Tells the tasks to send what is there and to end; no more calls come.
    pub(crate) fn end(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for their end, which takes five seconds at most.
    pub(crate) async fn ended(self) {
        let by = tokio::time::Instant::now() + WITHIN;
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout_at(by, task).await.is_err() {
                tracing::warn!("the collector did not take the last telemetry in time");
                abort.abort();
            }
        }
    }
}

/// Asks a collector whether it takes traces, with none.
///
/// # Errors
/// With why it does not.
pub(crate) async fn ask(
    options: &Options,
    client: ClientConfig,
    environment: &Environment,
) -> Result<(), String> {
    let exporter = exporter(options, client, environment).map_err(|error| format!("{error:#}"))?;
    match exporter.send(Signal::Traces, Bytes::new()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(with_causes(&error)),
    }
}

fn exporter(options: &Options, client: ClientConfig, environment: &Environment) -> anyhow::Result<Exporter> {
    let ca_bundle = options.ca_bundle.clone().or_else(|| client.ca_bundle.clone());
    let client = ClientConfig { ca_bundle, ..client };
    let client = Client::new(&client).context("telemetry.otlp: no client can be made")?;
    let endpoint =
        exporter::endpoint(&options.endpoint, options.timeout).context("telemetry.otlp.endpoint")?;
    let headers = options.headers.clone();
    let headers = headers.map(|reference| Arc::new(SecretSource::new(reference, environment.clone())));
    Ok(Exporter { client, endpoint, headers })
}

/// Who sends: the service, this node of it, and what the configuration adds.
fn resource(options: &Options, node: &Name) -> Resource {
    let mut attributes = vec![
        KeyValue::text("service.name", &options.service),
        KeyValue::text("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::text("service.instance.id", node.as_str()),
    ];
    for (name, value) in &options.resource {
        attributes.retain(|known| known.key != *name);
        attributes.push(KeyValue::text(name, value));
    }
    Resource { attributes }
}

fn scope() -> Option<Scope> {
    Some(Scope { name: semconv::SCOPE.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// The way to the collector, with what is counted on it.
#[derive(Clone)]
struct Sending {
    exporter: Exporter,
    metrics: Arc<Metrics>,
    pause: Pause,
    stopped: watch::Receiver<bool>,
    /// Whether the last request was not taken: that is said once.
    trouble: bool,
}

impl Sending {
    fn is_ending(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Resolves when the node goes down.
    async fn ending(&self) {
        // An error means that the node itself is gone, which ends everything too.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }

    /// Sends a request, again and again while that may help. How much of it was not wanted, or nothing when it was given
    /// up.
    async fn deliver(&mut self, signal: Signal, body: Bytes) -> Option<u64> {
        let mut attempt = 0;
        loop {
            let error = match self.exporter.send(signal, body.clone()).await {
                Ok(rejected) => {
                    if std::mem::take(&mut self.trouble) {
                        tracing::info!(?signal, "the collector takes telemetry again");
                    }
                    return Some(rejected);
                }
                Err(error) => error,
            };
            self.metrics.telemetry_failures.inc();
            if !std::mem::replace(&mut self.trouble, true) {
                tracing::warn!(?signal, why = with_causes(&error), "the collector takes no telemetry");
            }
            let after = error.is_temporary().filter(|_| attempt + 1 < ATTEMPTS && !self.is_ending())?;
            let pause = (self.pause)(attempt, after);
            attempt += 1;
            tokio::select! {
                () = pause => {}
                // One more attempt, and then the end.
                () = self.ending() => {}
            }
        }
    }
}

/// Sends spans.
struct Traces {
    sending: Sending,
    resource: Resource,
    calls: mpsc::Receiver<TracedCall>,
    gather: Duration,
}

impl Traces {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let came = tokio::select! {
                came = self.calls.recv_many(&mut batch, BATCH) => came,
                () = self.sending.ending() => break,
            };
            if came == 0 {
                return;
            }
            if batch.len() < BATCH {
                tokio::select! {
                    () = tokio::time::sleep(self.gather) => {}
                    () = self.sending.ending() => {}
                }
            }
            self.fill(&mut batch);
            self.send(&mut batch).await;
        }
        // What came before the end.
        loop {
            self.fill(&mut batch);
            if batch.is_empty() {
                return;
            }
            self.send(&mut batch).await;
        }
    }

    /// Adds what has come meanwhile.
    fn fill(&mut self, batch: &mut Vec<TracedCall>) {
        while batch.len() < BATCH
            && let Ok(call) = self.calls.try_recv()
        {
            batch.push(call);
        }
    }

    async fn send(&mut self, batch: &mut Vec<TracedCall>) {
        let calls = batch.len() as u64;
        let spans = batch.drain(..).flat_map(|call| spans::of(&call)).collect();
        let request = TracesRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans { scope: scope(), spans }],
                schema_url: semconv::SCHEMA_URL.to_owned(),
            }],
        };
        let metrics = Arc::clone(&self.sending.metrics);
        match self.sending.deliver(Signal::Traces, request.encode_to_vec().into()).await {
            Some(rejected) => {
                metrics.traces_exported.inc_by(calls);
                metrics.traces_lost(Lost::Rejected, rejected);
            }
            None => metrics.traces_lost(Lost::Collector, calls),
        }
    }
}

/// Sends metrics.
struct Points {
    sending: Sending,
    resource: Resource,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    every: Duration,
}

impl Points {
    async fn run(mut self) {
        let start = self.clock.now();
        let mut interval = tokio::time::interval(self.every);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        // The first tick is at once, when there is nothing to say.
        interval.tick().await;
        loop {
            let last = tokio::select! {
                _ = interval.tick() => false,
                () = self.sending.ending() => true,
            };
            match openmetrics::request(&self.registry, &self.resource, start, self.clock.now()) {
                // Sums go on: what was not taken is in the next ones.
                Some(request) => {
                    self.sending.deliver(Signal::Metrics, request.encode_to_vec().into()).await;
                }
                None => tracing::error!("the metrics cannot be written"),
            }
            if last {
                return;
            }
        }
    }
}
