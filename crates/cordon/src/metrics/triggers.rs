//! What triggers did.

use std::sync::atomic::AtomicI64;

use cordon_core::{DurationMs, Name};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    Bounded, MOST_COUNTERS, counters,
    labels::{Named, Trigger},
};

/// From the first bad call to the test call that was answered as it should be, in seconds.
const CONTAINED_BUCKETS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0];

/// The series of triggers.
pub struct TriggerMetrics {
    fired: Bounded<Trigger, Counter>,
    standing: Bounded<Trigger, Gauge<i64, AtomicI64>>,
    contained: Histogram,
    unwatched: Gauge<i64, AtomicI64>,
}

impl TriggerMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let fired = counters(registry, "trigger_fired", "Triggers that have fired");
        let standing =
            Family::<Trigger, Gauge<i64, AtomicI64>, fn() -> Gauge<i64, AtomicI64>>::new_with_constructor(
                Gauge::default,
            );
        registry.register("trigger_standing", "What triggers did that stands", standing.clone());
        let contained = Histogram::new(CONTAINED_BUCKETS);
        let help = "From the first bad call to a test call that was answered as it should be";
        registry.register("trigger_contained_seconds", help, contained.clone());
        let unwatched = Gauge::default();
        let help = "Calls that triggers did not look at, because more came than they can, since the start";
        registry.register("trigger_unwatched_calls", help, unwatched.clone());
        Self { fired, standing: Bounded::new(standing, MOST_COUNTERS), contained, unwatched }
    }

    /// A trigger has fired.
    pub fn fired(&self, trigger: &Name) {
        self.fired.with(&labels(trigger), |counter| counter.inc());
    }

    /// So many firings of a trigger stand.
    pub fn standing(&self, trigger: &Name, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.standing.with(&labels(trigger), |gauge| gauge.set(count));
    }

    /// What a trigger did was in force so long after the first bad call.
    pub fn contained(&self, took: DurationMs) {
        self.contained.observe(took.as_std().as_secs_f64());
    }

    /// So many calls were not looked at since the start.
    pub fn unwatched(&self, calls: u64) {
        self.unwatched.set(i64::try_from(calls).unwrap_or(i64::MAX));
    }
}

fn labels(trigger: &Name) -> Trigger {
    Trigger { trigger: Named::of(Some(trigger)) }
}
