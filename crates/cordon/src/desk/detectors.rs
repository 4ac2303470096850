//! How detectors are at the moment: those that are built in, and those that are asked over HTTP.

use std::collections::BTreeMap;

use cordon_core::{
    Name, State,
    containment::Subject,
    resource::{Kind, Spec},
};
use cordon_guard::{
    remote::{Counted, DetectorState, Failure, Tested, beside_engine, built_in},
    resilience::breaker::Phase,
};
use cordon_inspect::Reach;

use super::Desk;
use crate::api::{
    Problem,
    detectors::{DetectorCounts, DetectorReach, DetectorStatus, SelfTestStatus},
    routes::BreakerPhase,
};

impl Desk {
    /// Every detector, by name. Of a desk without a gateway: what is built in, tested here and now, and what is declared.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn detectors(&self) -> Result<Vec<DetectorStatus>, Problem> {
        let state = self.state(None).await?;
        Ok(self.detectors_of(&state, None, usize::MAX))
    }

    /// A part of them, by name: those after one, at most so many.
    pub(crate) fn detectors_of(
        &self,
        state: &State,
        after: Option<&str>,
        most: usize,
    ) -> Vec<DetectorStatus> {
        let mut all: Vec<DetectorStatus> = match &self.gateway {
            Some(gateway) => {
                let snapshot = gateway.snapshot();
                let out = |subject: &Subject| snapshot.quarantined().contains(subject);
                let states = gateway.detectors().states();
                states.into_iter().map(|detector| status(detector, &out)).collect()
            }
            None => {
                let out = |subject: &Subject| state.quarantine(subject).is_some();
                let local = built_in(self.engine(), self.now());
                local.into_iter().chain(declared(state)).map(|detector| status(detector, &out)).collect()
            }
        };
        for detector in &mut all {
            detector.reach = self.reach(detector);
        }
        all.sort_by(|one, other| one.detector.cmp(&other.detector));
        all.retain(|detector| after.is_none_or(|after| detector.detector.as_str() > after));
        all.truncate(most);
        all
    }
}

impl Desk {
    /// How much text a finding of it can need. Those elsewhere are asked about whole texts.
    fn reach(&self, detector: &DetectorStatus) -> Option<DetectorReach> {
        const WHOLE: DetectorReach = DetectorReach { whole: true, span: None, behind: None };
        if detector.adapter.is_some() {
            return Some(WHOLE);
        }
        let mut built_in = self.engine().detectors().iter().chain(beside_engine());
        let info = built_in.find(|info| info.name == detector.detector)?;
        Some(match info.reach {
            Reach::Whole => WHOLE,
            Reach::Local { max_span, lookahead } => {
                DetectorReach { whole: false, span: Some(max_span as u64), behind: Some(lookahead as u64) }
            }
        })
    }
}

/// Those elsewhere, which nobody asks where no gateway runs.
fn declared(state: &State) -> impl Iterator<Item = DetectorState> {
    state.resources_of(Kind::Detector).filter_map(|(name, standing)| match &standing.spec {
        Spec::Detector(spec) => Some(DetectorState {
            name: name.to_string(),
            version: spec.version,
            adapter: Some(spec.adapter),
            categories: spec.categories.values().cloned().collect(),
            tested: None,
            when_unavailable: spec.when_unavailable,
            phase: None,
            counted: None,
        }),
        _ => None,
    })
}

fn status(detector: DetectorState, is_out: &impl Fn(&Subject) -> bool) -> DetectorStatus {
    let subject = Name::parse(&detector.name).ok().map(Subject::Detector);
    let mut categories = detector.categories;
    categories.sort();
    categories.dedup();
    DetectorStatus {
        quarantined: subject.filter(is_out),
        detector: detector.name,
        version: detector.version,
        adapter: detector.adapter,
        categories,
        reach: None,
        self_test: detector.tested.map(|Tested { at, since, failed }| SelfTestStatus {
            passes: failed.is_none(),
            why: failed.map(|why| why.to_string()),
            at,
            since,
        }),
        when_unavailable: detector.when_unavailable,
        breaker: detector.phase.map(phase),
        counted: detector.counted.as_ref().map(counts),
    }
}

const fn phase(phase: Phase) -> BreakerPhase {
    match phase {
        Phase::Closed => BreakerPhase::Closed,
        Phase::HalfOpen => BreakerPhase::HalfOpen,
        Phase::Open => BreakerPhase::Open,
    }
}

fn counts(counted: &Counted) -> DetectorCounts {
    let failed = Failure::ALL.iter().zip(counted.failed).filter(|(_, count)| *count > 0);
    let failed: BTreeMap<String, u64> = failed.map(|(why, count)| (why.as_str().to_owned(), count)).collect();
    DetectorCounts { answered: counted.answered, findings: counted.findings, failed }
}
