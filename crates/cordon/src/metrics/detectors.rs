//! How detectors do.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError, atomic::AtomicI64},
};

use cordon_guard::{
    remote::{DetectorState, Failure},
    resilience::breaker::Phase,
};
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::labels::{Asked, Detector, DetectorBreaker};

type Gauges<L> = Family<L, Gauge<i64, AtomicI64>>;

/// The most detectors that have series. Each is built in, or a resource.
const MOST: usize = 500;

/// The series of detectors.
pub struct DetectorMetrics {
    passes: Gauges<Detector>,
    breakers: Gauges<DetectorBreaker>,
    asked: Gauges<Asked>,
    /// The names that have series: those of detectors that are no more go.
    known: Mutex<BTreeSet<String>>,
}

impl DetectorMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (passes, breakers, asked) = (Gauges::default(), Gauges::default(), Gauges::default());
        let help = "Whether a detector finds what its self-test says: 1, or 0";
        registry.register("detector_passes", help, passes.clone());
        let help = "Breakers of detectors that are asked over HTTP: 1 for the phase that each is in";
        registry.register("detector_breaker_state", help, breakers.clone());
        let help = "Requests and answers of calls that a detector was to be asked about over HTTP since the start, by what came of it";
        registry.register("detector_asked", help, asked.clone());
        Self { passes, breakers, asked, known: Mutex::default() }
    }

    /// Says how the detectors are. One that was never tested has no line about that.
    pub fn are(&self, states: &[DetectorState]) {
        let states = states.get(..states.len().min(MOST)).unwrap_or_default();
        for state in states {
            let detector = || state.name.clone();
            if let Some(tested) = state.tested {
                let passes = i64::from(tested.failed.is_none());
                self.passes.get_or_create(&Detector { detector: detector() }).set(passes);
            }
            if let Some(phase) = state.phase {
                for known in Phase::ALL {
                    let labels = DetectorBreaker { detector: detector(), phase: known.as_str() };
                    self.breakers.get_or_create(&labels).set(i64::from(known == phase));
                }
            }
            if let Some(counted) = &state.counted {
                let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                let answered = Asked { detector: detector(), answer: ANSWERED };
                self.asked.get_or_create(&answered).set(whole(counted.answered));
                for (why, count) in Failure::ALL.iter().zip(counted.failed) {
                    let labels = Asked { detector: detector(), answer: why.as_str() };
                    self.asked.get_or_create(&labels).set(whole(count));
                }
            }
        }
        let now: BTreeSet<String> = states.iter().map(|state| state.name.clone()).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.difference(&now) {
            self.forget(gone);
        }
        *known = now;
    }

    fn forget(&self, name: &str) {
        let detector = || name.to_owned();
        self.passes.remove(&Detector { detector: detector() });
        for phase in Phase::ALL {
            self.breakers.remove(&DetectorBreaker { detector: detector(), phase: phase.as_str() });
        }
        for answer in Failure::ALL.iter().map(|why| why.as_str()).chain([ANSWERED]) {
            self.asked.remove(&Asked { detector: detector(), answer });
        }
    }
}

/// What came of asking that is no failure.
const ANSWERED: &str = "answered";
