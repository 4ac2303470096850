//! What waits for a review, and how long it waited: the time to triage.

use std::sync::atomic::AtomicI64;

use cordon_core::{DurationMs, Timestamp, review::Verdict};
use cordon_guard::held::NotHeld;
use cordon_store::held::HeldTotals;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// From the holding to the decision, in seconds: a minute, a shift, a day, a week.
const REVIEW_BUCKETS: [f64; 10] =
    [60.0, 300.0, 900.0, 3_600.0, 14_400.0, 28_800.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];

/// Which way it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    verdict: &'static str,
}

/// Why it was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

/// The series of what is held.
pub struct HeldMetrics {
    waiting: Gauge<i64, AtomicI64>,
    waiting_bytes: Gauge<i64, AtomicI64>,
    longest: Gauge<i64, AtomicI64>,
    kept: Counter,
    not_kept: Family<Why, Counter>,
    reviewed: Family<Decided, Counter>,
    took: Histogram,
}

impl HeldMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, Gauge::clone(&gauge));
            gauge
        };
        let waiting = gauge("held_waiting", "Files, texts and calls of tools that wait for a review");
        let waiting_bytes = gauge("held_waiting_bytes", "Bytes of what waits for a review");
        let longest = gauge("held_longest_seconds", "How long that has waited which waits longest");
        let kept = Counter::default();
        registry.register(
            "held",
            "Files, texts and calls of tools that were held for a review",
            kept.clone(),
        );
        let not_kept = Family::<Why, Counter>::default();
        let help = "Calls of which something was to be held and that were refused without, since it could not be kept";
        registry.register("held_not_kept", help, not_kept.clone());
        let reviewed = Family::<Decided, Counter>::default();
        registry.register("held_reviewed", "Decisions about what was held", reviewed.clone());
        let took = Histogram::new(REVIEW_BUCKETS);
        registry.register("held_review_seconds", "From the holding to the first decision", took.clone());
        // Series that stand from the start, so that rates of them do.
        ["no_key", "full", "failed", "late"]
            .iter()
            .for_each(|why| drop(not_kept.get_or_create(&Why { why })));
        for verdict in [Verdict::Released, Verdict::Rejected] {
            drop(reviewed.get_or_create(&Decided { verdict: verdict.as_str() }));
        }
        Self { waiting, waiting_bytes, longest, kept, not_kept, reviewed, took }
    }

    /// This is what waits.
    pub fn are(&self, totals: &HeldTotals, now: Timestamp) {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.waiting.set(whole(totals.files));
        self.waiting_bytes.set(whole(totals.bytes));
        self.longest.set(whole(totals.since.map_or(0, |since| now.since(since).as_std().as_secs())));
    }

    /// So many files and texts were held.
    pub fn kept(&self, files: u64) {
        self.kept.inc_by(files);
    }

    /// What is held of a call was not kept.
    pub fn not_kept(&self, why: &NotHeld) {
        let why = match why {
            NotHeld::NoKey => "no_key",
            NotHeld::Full => "full",
            NotHeld::Failed(_) => "failed",
        };
        self.not_kept.get_or_create(&Why { why }).inc();
    }

    /// A call did not wait any longer for its files to be kept.
    pub fn late(&self) {
        self.not_kept.get_or_create(&Why { why: "late" }).inc();
    }

    /// Somebody decided, so long after it was held.
    pub fn reviewed(&self, verdict: Verdict, took: DurationMs) {
        self.reviewed.get_or_create(&Decided { verdict: verdict.as_str() }).inc();
        self.took.observe(took.as_std().as_secs_f64());
    }
}
