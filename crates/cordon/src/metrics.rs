//! What Prometheus sees, and an OpenTelemetry collector from the same registry. Series are bounded: routes, models and
//! services exist as resources, the rest are enumerations, and beyond a bound names are `other`.

mod bounded;
mod detectors;
mod held;
mod labels;
mod triggers;

pub use held::HeldMetrics;

use std::sync::{Arc, atomic::AtomicI64};

use cordon_core::{
    Name, RefusalCode,
    record::{Operation, RecordedVerdict},
    resource::Priority,
};
use cordon_guard::{
    ports::{EndedCall, Meter},
    resilience::{Condition, Shedder, breaker::Phase},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge,
        histogram::Histogram,
    },
    registry::Registry,
};

use self::{
    bounded::Bounded,
    labels::{Categorised, Named, status_class},
};
use crate::telemetry::{self, seconds, semconv};

/// The process's metrics.
pub struct Metrics {
    calls: Bounded<labels::Call, Counter>,
    duration: Bounded<labels::Route, HistogramWithExemplars<labels::Trace>>,
    added: Bounded<labels::Route, Histogram>,
    tokens: Bounded<labels::Tokens, Counter>,
    refusals: Bounded<labels::Refusal, Counter>,
    attempts: Bounded<labels::Attempt, Counter>,
    breakers: Bounded<labels::Breaker, Gauge<i64, AtomicI64>>,
    admitted: Family<labels::Priority, Gauge<i64, AtomicI64>>,
    findings: Bounded<labels::Finding, Counter>,
    gen_ai: GenAi,
    unknown: Family<labels::Code, Counter>,
    lost: Family<labels::Reason, Counter>,
    /// How detectors do.
    pub detectors: detectors::DetectorMetrics,
    /// What triggers did.
    pub triggers: triggers::TriggerMetrics,
    /// What waits for a review.
    pub held: HeldMetrics,
    /// Calls whose spans the collector has taken.
    pub traces_exported: Counter,
    /// Failed attempts to send telemetry.
    pub telemetry_failures: Counter,
    /// Calls that are running.
    pub running: Gauge<i64, AtomicI64>,
    /// Callers that are slowed down.
    pub throttled: Gauge<i64, AtomicI64>,
    /// Prompts that guards slow down now, whoever asks.
    pub throttled_prompts: Gauge<i64, AtomicI64>,
    /// How often the calls of a caller were forgotten for those of another one.
    pub forgotten: Gauge<i64, AtomicI64>,
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

/// What the conventions for generative AI name.
struct GenAi {
    tokens: Bounded<labels::GenAiTokens, Histogram>,
    duration: Bounded<labels::GenAiDuration, Histogram>,
    first_chunk: Bounded<labels::GenAi, Histogram>,
}

/// Why spans were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// More calls ended than were sent.
    QueueFull,
    /// The collector did not take them, however often it was asked.
    Collector,
    /// The collector took the request, and of it not all.
    Rejected,
}

/// Series of a family of counters, and of one of histograms, before names are `other`.
const MOST_COUNTERS: usize = 2_000;
const MOST_HISTOGRAMS: usize = 500;

/// Whole calls: from a cached refusal to a long stream, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0];
/// What Cordon adds: all but waiting for the upstream, in seconds.
const ADDED_BUCKETS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.25, 1.0];

impl Metrics {
    /// Metrics that start at zero, and the registry that an exporter reads them from (OpenMetrics 1.0).
    pub fn new() -> (Arc<Self>, Arc<Registry>) {
        let mut whole = Registry::default();
        let gen_ai = GenAi::new(&mut whole);
        let registry = whole.sub_registry_with_prefix("cordon");
        let calls = counters(registry, "calls", "Calls that have ended");
        let duration = Family::new_with_constructor(
            (|| HistogramWithExemplars::new(DURATION_BUCKETS.into_iter()))
                as fn() -> HistogramWithExemplars<labels::Trace>,
        );
        registry.register("call_duration_seconds", "Whole calls", duration.clone());
        let added =
            histograms(registry, "call_added_seconds", "Calls without the time of the upstream", || {
                Histogram::new(ADDED_BUCKETS)
            });
        let tokens = counters(registry, "tokens", "Tokens used, as the upstream counted them");
        let refusals =
            counters(registry, "refusals", "Calls of known principals that were refused, or failed");
        let attempts = counters(
            registry,
            "attempts",
            "Targets that were tried or passed over, of calls that did not end with the first",
        );
        let admitted = Family::<labels::Priority, Gauge<i64, AtomicI64>>::default();
        registry.register("calls_admitted_percent", "Calls that the machine has room for", admitted.clone());
        let breakers = Family::<labels::Breaker, Gauge<i64, AtomicI64>, fn() -> Gauge<i64, AtomicI64>>::new_with_constructor(Gauge::default);
        registry.register(
            "breaker_state",
            "Breakers of targets: 1 for the phase that each is in",
            breakers.clone(),
        );
        let findings = counters(registry, "findings", "Findings in requests and answers");
        let unknown = Family::<labels::Code, Counter>::default();
        registry.register("unknown_callers", "Refused calls without a known principal", unknown.clone());
        let lost = Family::<labels::Reason, Counter>::default();
        registry.register(
            "telemetry_lost",
            "Traced calls, or spans of them, that were not exported",
            lost.clone(),
        );
        let (traces_exported, telemetry_failures) = (Counter::default(), Counter::default());
        registry.register("telemetry_calls", "Calls whose spans were exported", traces_exported.clone());
        registry.register("telemetry_failures", "Failed attempts to export", telemetry_failures.clone());
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::<i64, AtomicI64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let running = gauge(registry, "calls_running", "Calls that are running");
        let throttled = gauge(registry, "callers_throttled", "Callers that guards slow down now");
        let throttled_prompts =
            gauge(registry, "prompts_throttled", "Prompts that guards slow down now, whoever asks");
        let help =
            "Times that what a caller's calls look like was forgotten, because there were too many callers";
        let forgotten = gauge(registry, "callers_forgotten", help);
        let position = gauge(registry, "snapshot_position", "Number of facts behind the Snapshot in force");
        let journal_frames = gauge(registry, "journal_frames", "Durable frames of the journal");
        let journal_failures = gauge(registry, "journal_failures", "Failed writes and syncs of the journal");
        let frames_lost = gauge(registry, "frames_lost", "Frames lost by calls that do not require a record");
        let index_lag = gauge(registry, "index_lag_frames", "Frames that the index of calls is behind");
        let facts_unsigned = gauge(registry, "facts_unsigned", "Facts that no signed checkpoint covers yet");
        let frames_unanchored =
            gauge(registry, "frames_unanchored", "Durable frames that are not anchored yet");
        let frames_sealed = gauge(registry, "frames_sealed", "Frames of the journal in sealed segments");
        let sealing_failures = Counter::default();
        let help = "Failed attempts to seal, retire or delete records; the journal keeps what is not sealed";
        registry.register("sealing_failures", help, sealing_failures.clone());
        let content_kept =
            gauge(registry, "content_kept_calls", "Calls whose content was kept since the start");
        let content_lost = gauge(
            registry,
            "content_lost_calls",
            "Calls whose content should have been kept since the start, and was not",
        );
        let (siem_events, siem_failures) = (Counter::default(), Counter::default());
        registry.register("siem_events", "Events that the SIEM's sink has acknowledged", siem_events.clone());
        registry.register("siem_failures", "Failed attempts to send events", siem_failures.clone());
        let siem_lag_facts = gauge(registry, "siem_lag_facts", "Facts that the SIEM's sink is behind");
        let siem_lag_frames = gauge(registry, "siem_lag_frames", "Frames that the SIEM's sink is behind");
        let detectors = detectors::DetectorMetrics::new(registry);
        let triggers = triggers::TriggerMetrics::new(registry);
        let held = HeldMetrics::new(registry);
        let metrics = Self {
            detectors,
            triggers,
            held,
            calls,
            duration: Bounded::new(duration, MOST_HISTOGRAMS),
            added,
            tokens,
            refusals,
            attempts,
            breakers: Bounded::new(breakers, MOST_COUNTERS),
            admitted,
            findings,
            gen_ai,
            unknown,
            lost,
            traces_exported,
            telemetry_failures,
            running,
            throttled,
            throttled_prompts,
            forgotten,
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
        metrics.admitted(&Shedder::new(std::time::Instant::now()));
        (Arc::new(metrics), Arc::new(whole))
    }

    /// Counts calls, or spans of them, that were not exported.
    pub fn traces_lost(&self, why: Lost, count: u64) {
        if count > 0 {
            let reason = match why {
                Lost::QueueFull => "queue_full",
                Lost::Collector => "collector",
                Lost::Rejected => "rejected",
            };
            self.lost.get_or_create(&labels::Reason { reason }).inc_by(count);
        }
    }

    /// Says which share of calls is let in.
    pub fn admitted(&self, shedder: &Shedder) {
        for (priority, word) in
            [(Priority::Low, "low"), (Priority::Normal, "normal"), (Priority::High, "high")]
        {
            let gauge = self.admitted.get_or_create(&labels::Priority { priority: word });
            gauge.set(shedder.admitted(priority).into());
        }
    }

    /// Says how the breakers of targets are.
    pub fn breakers(&self, conditions: &[Condition]) {
        for condition in conditions {
            self.breaker(&condition.model, condition.phase);
        }
    }

    fn found(&self, direction: &'static str, verdict: &RecordedVerdict) {
        for finding in &verdict.findings {
            let category = Categorised(finding.category.clone());
            let labels = labels::Finding { direction, category, action: finding.action.as_str() };
            self.findings.with(&labels, |counter| counter.inc());
        }
    }
}

impl GenAi {
    fn new(registry: &mut Registry) -> Self {
        use semconv::{OPERATION_DURATION, TIME_TO_FIRST_CHUNK, TOKEN_USAGE};
        let seconds = || Histogram::new(semconv::DURATION_BUCKETS);
        Self {
            tokens: histograms(registry, TOKEN_USAGE.prometheus, TOKEN_USAGE.measures, || {
                Histogram::new(semconv::TOKEN_BUCKETS)
            }),
            duration: histograms(
                registry,
                OPERATION_DURATION.prometheus,
                OPERATION_DURATION.measures,
                seconds,
            ),
            first_chunk: histograms(
                registry,
                TIME_TO_FIRST_CHUNK.prometheus,
                TIME_TO_FIRST_CHUNK.measures,
                seconds,
            ),
        }
    }

    fn ended(&self, call: &EndedCall<'_>) {
        let Some(target) = call.target else { return };
        let (host, _) = semconv::host(&target.service.spec.base_url);
        let exchange = labels::GenAi {
            gen_ai_operation_name: semconv::operation(
                call.opened.map_or(Operation::Chat, |opened| opened.operation),
            ),
            gen_ai_provider_name: semconv::provider(host, target.service.spec.protocol),
            gen_ai_request_model: target.spec.upstream_name.clone().into(),
            service: Named::of(Some(&target.service.name)),
        };
        let timings = &call.closed.timings;
        if call.opened.is_some_and(|opened| opened.stream) && timings.upstream_first_byte > 0 {
            let first = seconds(timings.upstream_first_byte);
            self.first_chunk.with(&exchange, |histogram| histogram.observe(first));
        }
        if let Some(tokens) = call.closed.tokens {
            for (gen_ai_token_type, count) in [("input", tokens.input), ("output", tokens.output)] {
                #[expect(clippy::cast_precision_loss, reason = "a histogram of counts; far below 2^53")]
                let count = count as f64;
                let labels = labels::GenAiTokens { exchange: exchange.clone(), gen_ai_token_type };
                self.tokens.with(&labels, |histogram| histogram.observe(count));
            }
        }
        let error_type = telemetry::upstream_error(call.closed).unwrap_or_default();
        let labels = labels::GenAiDuration { exchange, error_type };
        self.duration.with(&labels, |histogram| histogram.observe(seconds(timings.upstream)));
    }
}

/// Whether an operation is one of those that the conventions for generative AI measure.
const fn is_generative(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::ListModels
            | Operation::UploadFile
            | Operation::ListFiles
            | Operation::DescribeFile
            | Operation::ReadFile
            | Operation::DeleteFile
    )
}

/// A family of counters, bounded.
fn counters<L>(registry: &mut Registry, name: &str, help: &str) -> Bounded<L, Counter>
where
    L: bounded::Labels + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<L, Counter, fn() -> Counter>::new_with_constructor(Counter::default);
    registry.register(name, help, family.clone());
    Bounded::new(family, MOST_COUNTERS)
}

/// A family of histograms, bounded.
fn histograms<L>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    make: fn() -> Histogram,
) -> Bounded<L, Histogram>
where
    L: bounded::Labels + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<L, Histogram, fn() -> Histogram>::new_with_constructor(make);
    registry.register(name, help, family.clone());
    Bounded::new(family, MOST_HISTOGRAMS)
}

impl Meter for Metrics {
    fn call_ended(&self, call: &EndedCall<'_>) {
        let (closed, route) = (call.closed, Named::of(call.route));
        let labels = labels::Call {
            route: route.clone(),
            verdict: call.verdict.as_str(),
            outcome: telemetry::outcome(closed.outcome),
            status_class: status_class(closed.status),
        };
        self.calls.with(&labels, |counter| counter.inc());
        if let Some(code) = closed.code {
            let labels = labels::Refusal { route: route.clone(), refusal_code: code.as_str() };
            self.refusals.with(&labels, |counter| counter.inc());
        }
        for attempt in &closed.attempts {
            let labels =
                labels::Attempt { model: Named::of(Some(&attempt.model)), attempt: attempt.outcome.as_str() };
            self.attempts.with(&labels, |counter| counter.inc());
        }
        if let Some(tokens) = closed.tokens {
            for (direction, count) in [("input", tokens.input), ("output", tokens.output)] {
                let labels = labels::Tokens { route: route.clone(), direction };
                self.tokens.with(&labels, |counter| counter.inc_by(count));
            }
        }
        let label = labels::Route { route };
        let exemplar =
            call.trace.is_sampled().then(|| labels::Trace { trace_id: call.trace.id().to_string() });
        let total = seconds(closed.timings.total);
        self.duration.with(&label, |histogram| histogram.observe(total, exemplar, None));
        let added = seconds(closed.timings.total.saturating_sub(closed.timings.upstream));
        self.added.with(&label, |histogram| histogram.observe(added));
        if let Some(opened) = call.opened {
            self.found("request", &opened.input);
        }
        self.found("answer", &closed.output);
        if call.opened.is_none_or(|opened| is_generative(opened.operation)) {
            self.gen_ai.ended(call);
        }
    }

    fn breaker(&self, model: &Name, phase: Phase) {
        for known in Phase::ALL {
            let labels = labels::Breaker { model: Named::of(Some(model)), phase: known.as_str() };
            self.breakers.with(&labels, |gauge| gauge.set(i64::from(known == phase)));
        }
    }

    fn unknown_refused(&self, code: RefusalCode) {
        self.unknown.get_or_create(&labels::Code { refusal_code: code.as_str() }).inc();
    }
}
