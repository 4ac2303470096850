//! What Prometheus sees. Labels are bounded: routes exist as resources, the rest are enumerations.

use std::sync::{Arc, atomic::AtomicI64};

use cordon_core::{RefusalCode, record::Outcome};
use cordon_guard::ports::{EndedCall, Meter};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The process's metrics.
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    duration: Family<RouteLabel, Histogram>,
    added: Family<RouteLabel, Histogram>,
    tokens: Family<TokenLabels, Counter>,
    unknown: Family<CodeLabel, Counter>,
    /// Calls that are running.
    pub running: Gauge<i64, AtomicI64>,
    /// The position of the Snapshot.
    pub position: Gauge<i64, AtomicI64>,
    /// Durable frames of the journal.
    pub journal_frames: Gauge<i64, AtomicI64>,
    /// Failed writes and syncs of the journal.
    pub journal_failures: Gauge<i64, AtomicI64>,
    /// Frames lost by calls that do not require a record.
    pub frames_lost: Gauge<i64, AtomicI64>,
    /// How far the index is behind the journal, in frames.
    pub index_lag: Gauge<i64, AtomicI64>,
    /// Facts that no signed checkpoint covers yet.
    pub facts_unsigned: Gauge<i64, AtomicI64>,
    /// Durable frames that are not anchored yet.
    pub frames_unanchored: Gauge<i64, AtomicI64>,
    /// Frames that lie in sealed segments.
    pub frames_sealed: Gauge<i64, AtomicI64>,
    /// Rounds of sealing and retirement that failed: the object store refuses, or cannot be reached.
    pub sealing_failures: Counter,
    /// Calls whose content was kept since the start.
    pub content_kept: Gauge<i64, AtomicI64>,
    /// Calls whose content should have been kept and was not, since the start.
    pub content_lost: Gauge<i64, AtomicI64>,
    /// Events that the SIEM's sink has acknowledged.
    pub siem_events: Counter,
    /// Failed attempts to send events.
    pub siem_failures: Counter,
    /// Facts that the sink has not acknowledged.
    pub siem_lag_facts: Gauge<i64, AtomicI64>,
    /// Frames that the sink has not acknowledged, or that were not looked at yet.
    pub siem_lag_frames: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    route: String,
    verdict: &'static str,
    outcome: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    route: String,
    direction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

/// Whole calls: from a cached refusal to a long stream, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0];
/// What Cordon adds: all but waiting for the upstream, in seconds.
const ADDED_BUCKETS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.25, 1.0];

impl Metrics {
    /// Metrics that start at zero, and the registry that an exporter reads them from (OpenMetrics 1.0).
    pub fn new() -> (Arc<Self>, Arc<Registry>) {
        let mut registry = Registry::with_prefix("cordon");
        let calls = Family::<CallLabels, Counter>::default();
        let duration =
            Family::<RouteLabel, Histogram>::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
        let added = Family::<RouteLabel, Histogram>::new_with_constructor(|| Histogram::new(ADDED_BUCKETS));
        let tokens = Family::<TokenLabels, Counter>::default();
        let unknown = Family::<CodeLabel, Counter>::default();
        registry.register("calls", "Calls that have ended", calls.clone());
        registry.register("call_duration_seconds", "Whole calls", duration.clone());
        registry.register("call_added_seconds", "Calls without the time of the upstream", added.clone());
        registry.register("tokens", "Tokens used, as the upstream counted them", tokens.clone());
        registry.register("unknown_callers", "Refused calls without a known principal", unknown.clone());
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::<i64, AtomicI64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let running = gauge(&mut registry, "calls_running", "Calls that are running");
        let position =
            gauge(&mut registry, "snapshot_position", "Number of facts behind the Snapshot in force");
        let journal_frames = gauge(&mut registry, "journal_frames", "Durable frames of the journal");
        let journal_failures =
            gauge(&mut registry, "journal_failures", "Failed writes and syncs of the journal");
        let frames_lost =
            gauge(&mut registry, "frames_lost", "Frames lost by calls that do not require a record");
        let index_lag = gauge(&mut registry, "index_lag_frames", "Frames that the index of calls is behind");
        let facts_unsigned =
            gauge(&mut registry, "facts_unsigned", "Facts that no signed checkpoint covers yet");
        let frames_unanchored =
            gauge(&mut registry, "frames_unanchored", "Durable frames that are not anchored yet");
        let frames_sealed = gauge(&mut registry, "frames_sealed", "Frames of the journal in sealed segments");
        let sealing_failures = Counter::default();
        let help = "Failed attempts to seal, retire or delete records; the journal keeps what is not sealed";
        registry.register("sealing_failures", help, sealing_failures.clone());
        let content_kept =
            gauge(&mut registry, "content_kept_calls", "Calls whose content was kept since the start");
        let content_lost = gauge(
            &mut registry,
            "content_lost_calls",
            "Calls whose content should have been kept since the start, and was not",
        );
        let (siem_events, siem_failures) = (Counter::default(), Counter::default());
        registry.register("siem_events", "Events that the SIEM's sink has acknowledged", siem_events.clone());
        registry.register("siem_failures", "Failed attempts to send events", siem_failures.clone());
        let siem_lag_facts = gauge(&mut registry, "siem_lag_facts", "Facts that the SIEM's sink is behind");
        let siem_lag_frames =
            gauge(&mut registry, "siem_lag_frames", "Frames that the SIEM's sink is behind");
        let metrics = Self {
            calls,
            duration,
            added,
            tokens,
            unknown,
            running,
            position,
            journal_frames,
            journal_failures,
            frames_lost,
            index_lag,
            facts_unsigned,
            frames_unanchored,
            frames_sealed,
            sealing_failures,
            content_kept,
            content_lost,
            siem_events,
            siem_failures,
            siem_lag_facts,
            siem_lag_frames,
        };
        (Arc::new(metrics), Arc::new(registry))
    }
}

impl Meter for Metrics {
    fn call_ended(&self, call: &EndedCall<'_>) {
        let route = call.route.unwrap_or("none");
        let outcome = match call.outcome {
            Outcome::Released => "released",
            Outcome::Refused => "refused",
            Outcome::UpstreamFailed => "upstream_failed",
            Outcome::CallerGone => "caller_gone",
            Outcome::Interrupted => "interrupted",
        };
        let labels = CallLabels {
            route: route.to_owned(),
            verdict: call.verdict.as_str(),
            outcome,
            status: call.status,
        };
        self.calls.get_or_create(&labels).inc();
        let label = RouteLabel { route: route.to_owned() };
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a call are far below 2^53")]
        let seconds = |micros: u64| micros as f64 / 1e6;
        self.duration.get_or_create(&label).observe(seconds(call.timings.total));
        let added = call.timings.total.saturating_sub(call.timings.upstream);
        self.added.get_or_create(&label).observe(seconds(added));
        if let Some(tokens) = call.tokens {
            for (direction, count) in [("input", tokens.input), ("output", tokens.output)] {
                let labels = TokenLabels { route: route.to_owned(), direction };
                self.tokens.get_or_create(&labels).inc_by(count);
            }
        }
    }

    fn unknown_refused(&self, code: RefusalCode) {
        self.unknown.get_or_create(&CodeLabel { code: code.as_str() }).inc();
    }
}
