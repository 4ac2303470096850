//! What a plan would have meant for recent calls: their findings, judged by the guards before and after.

use std::{collections::BTreeMap, sync::Arc};

use cordon_core::{
    Action, Listed, Name, State, Timestamp,
    command::Change,
    record::{MAX_FINDINGS, RecordedFinding},
};
use cordon_inspect::DetectorInfo;
use cordon_policy::{Caller, EffectiveGuard, RouteEntry, Snapshot};
use cordon_store::calls::CallRow;

use crate::api::{Effect, RouteEffect};

/// Judges calls by the rules that stand and by those that are planned.
pub(super) struct Judge {
    before: Snapshot,
    after: Snapshot,
    now: Timestamp,
    /// The joined guards of a principal on a route, before and after.
    guards: BTreeMap<(Name, Name), Arc<(EffectiveGuard, EffectiveGuard)>>,
    routes: BTreeMap<Name, RouteEffect>,
    effect: Effect,
}

/// Principals and routes whose joined guards are kept at the same time.
const MAX_GUARDS: usize = 10_000;

impl Judge {
    pub(super) fn new(state: &State, changes: &[Change], now: Timestamp) -> Self {
        let before = Snapshot::compile(state);
        let (planned, touched) = super::planned(state, changes, now);
        let after = before.advance(&planned, &touched);
        Self {
            before,
            after,
            now,
            guards: BTreeMap::new(),
            routes: BTreeMap::new(),
            effect: Effect::default(),
        }
    }

    /// Judges a call again, if its route stands before and after.
    pub(super) fn add(&mut self, call: &CallRow, detectors: &[DetectorInfo]) {
        let Some(name) = &call.route else { return };
        let (Some(before), Some(after)) = (self.before.route(name.as_str()), self.after.route(name.as_str()))
        else {
            return;
        };
        let key = (call.principal.clone(), name.clone());
        let guards = match self.guards.get(&key) {
            Some(guards) => Arc::clone(guards),
            None => {
                let guard = |snapshot: &Snapshot, route: &RouteEntry| {
                    let (principal, system) = (Some(&call.principal), route.system.as_ref());
                    snapshot.guard(Caller { principal, route: Some(name), system }, Some(route))
                };
                let guards = Arc::new((guard(&self.before, before), guard(&self.after, after)));
                if self.guards.len() >= MAX_GUARDS {
                    self.guards.clear();
                }
                self.guards.insert(key, Arc::clone(&guards));
                guards
            }
        };
        let judge = |guard: &EffectiveGuard, finding: &RecordedFinding| {
            let listed = Listed::NONE.with_sent(finding.known);
            guard.judge_value(finding.channel, &finding.category, finding.score, listed, self.now).action
        };
        let verdict = |guard| call.findings().map(|finding| judge(guard, finding)).max().unwrap_or_default();
        let (old, new) = (verdict(&guards.0), verdict(&guards.1));
        let effect = &mut self.effect;
        effect.calls = effect.calls.saturating_add(1);
        effect.since = Some(effect.since.map_or(call.time, |since| since.min(call.time)));
        let other = call.findings().any(|finding| !is_of(finding, detectors));
        effect.other_detectors = effect.other_detectors.saturating_add(u64::from(other));
        let full = |findings: &[RecordedFinding]| findings.len() >= MAX_FINDINGS;
        // What would have been in an answer that there never was cannot be known either.
        let incomplete = full(&call.input) || full(&call.output) || (!old.passes() && new.passes());
        effect.incomplete = effect.incomplete.saturating_add(u64::from(incomplete));
        let route = self.routes.entry(name.clone()).or_insert_with(|| RouteEffect {
            route: name.clone(),
            calls: 0,
            newly_blocked: 0,
            newly_redacted: 0,
            newly_passed: 0,
        });
        route.calls = route.calls.saturating_add(1);
        let count = match (strength(old), strength(new)) {
            (old, new) if old == new => return,
            (old, 2) if old < 2 => &mut route.newly_blocked,
            (0, 1) => &mut route.newly_redacted,
            _ => &mut route.newly_passed,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn finish(self) -> Effect {
        let differs = |route: &RouteEffect| {
            route.newly_blocked > 0 || route.newly_redacted > 0 || route.newly_passed > 0
        };
        Effect { routes: self.routes.into_values().filter(differs).collect(), ..self.effect }
    }
}

/// What a caller notices: content goes on as it is, goes on changed, or does not go on.
const fn strength(action: Action) -> u8 {
    match action {
        Action::Allow | Action::Flag => 0,
        Action::Redact => 1,
        Action::Hold | Action::Block => 2,
    }
}

/// Whether a detector of this program, as it is now, found it.
fn is_of(finding: &RecordedFinding, detectors: &[DetectorInfo]) -> bool {
    detectors
        .iter()
        .any(|detector| detector.name == finding.detector && detector.version == finding.detector_version)
}
