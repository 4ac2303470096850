//! Signals that are read off as they are: breakers, and how much of a limit is used.

use std::collections::BTreeSet;

use cordon_core::{
    Name, Timestamp,
    containment::Subject,
    resource::{Each, Signal},
};
use cordon_guard::{
    Gateway,
    resilience::{Condition, breaker::Phase},
};
use cordon_watch::Triggers;

use super::budgets::Budgets;

/// The limits whose use is a signal.
pub(super) fn budgets(triggers: &Triggers) -> BTreeSet<Name> {
    let limit = |signal: &Signal| match signal {
        Signal::Budget(burn) => Some(burn.limit.clone()),
        _ => None,
    };
    triggers.levels().filter_map(|(_, spec)| limit(&spec.signal)).collect()
}

/// Reads them all.
pub(super) fn read(gateway: &Gateway, budgets: &Budgets, triggers: &mut Triggers, now: Timestamp) {
    let mut measured: Vec<(Name, Option<Subject>, (u64, u64))> = Vec::new();
    let mut unknown: Vec<Name> = Vec::new();
    let mut conditions: Option<Vec<Condition>> = None;
    for (name, spec) in triggers.levels() {
        match &spec.signal {
            Signal::Budget(burn) => {
                match budgets.used(gateway, &burn.limit, now) {
                    Some(used) => measured.push((name.clone(), None, used)),
                    // Where it is counted nobody answers, or it is not counted yet.
                    None => unknown.push(name.clone()),
                }
            }
            Signal::Breaker(_) => {
                let all = conditions.get_or_insert_with(|| gateway.health().conditions());
                let watched = all
                    .iter()
                    .filter(|condition| spec.on.model.as_ref().is_none_or(|model| *model == condition.model));
                let open = |condition: &Condition| u64::from(condition.phase == Phase::Open);
                if spec.each == Some(Each::Model) {
                    measured.extend(watched.map(|condition| {
                        (name.clone(), Some(Subject::Model(condition.model.clone())), (open(condition), 1))
                    }));
                } else {
                    let sum =
                        watched.fold((0, 0), |(part, whole), condition| (part + open(condition), whole + 1));
                    measured.push((name.clone(), None, sum));
                }
            }
            // These are counted of calls.
            Signal::ErrorRate(_) | Signal::Latency(_) | Signal::RefusalRate(_) | Signal::VerdictRate(_) => {}
        }
    }
    for (name, of, level) in measured {
        triggers.measure(&name, of, level, now);
    }
    for name in unknown {
        triggers.unmeasured(&name);
    }
    triggers.measured(now);
}
