use cordon_core::{
    Name,
    containment::{Containment, FiringId},
    resource::{LimitSpec, RouteMode},
};

use crate::{CompiledLimit, RouteEntry, RouteTarget};

/// Whether a containment changes what a route or a limit says, and not only what is out of use.
pub(crate) const fn restricts(containment: &Containment) -> bool {
    !matches!(containment, Containment::Quarantine(_))
}

/// Whether a containment changes a route.
pub(crate) fn concerns(containment: &Containment, route: &RouteEntry) -> bool {
    match containment {
        Containment::Mode { route: own, .. } | Containment::FallBack { route: Some(own), .. } => {
            *own == route.name
        }
        Containment::FallBack { route: None, .. } => true,
        Containment::Quarantine(_) | Containment::Throttle { .. } => false,
    }
}

/// Makes a route stricter. Doing so twice is doing so once, and nothing makes it looser.
pub(crate) fn tighten(entry: &mut RouteEntry, containment: &Containment) {
    match containment {
        // Without a simpler path there is none to go.
        Containment::Mode { mode: RouteMode::Degraded, .. } if entry.degraded.is_empty() => {}
        Containment::Mode { mode, .. } => {
            let (milder, stricter) = (entry.mode.min(*mode), entry.mode.max(*mode));
            // Whoever asked for the simpler path keeps it, whatever else is asked for.
            if milder == RouteMode::Degraded && stricter > milder {
                entry.targets = std::mem::take(&mut entry.degraded);
                entry.fallback.clear();
                entry.passed_over = std::mem::take(&mut entry.degraded_passed_over);
            }
            entry.mode = stricter;
        }
        Containment::FallBack { model, .. } => {
            pass_over(model, &entry.targets, &entry.fallback, &mut entry.passed_over);
            pass_over(model, &entry.degraded, &[], &mut entry.degraded_passed_over);
        }
        Containment::Quarantine(_) | Containment::Throttle { .. } => {}
    }
}

/// Notes a model as passed over where it is one of these, and another one is left.
fn pass_over(model: &Name, targets: &[RouteTarget], fallback: &[Name], passed_over: &mut Vec<Name>) {
    let used = targets.iter().filter(|target| target.weight > 0).map(|target| &target.model);
    let mut used = used.chain(fallback);
    let is_one = targets.iter().map(|target| &target.model).chain(fallback).any(|one| one == model);
    let is_left = used.any(|other| other != model && !passed_over.contains(other));
    if let (true, true, Err(at)) = (is_one, is_left, passed_over.binary_search(model)) {
        passed_over.insert(at, model.clone());
    }
}

/// The limit that a throttle is.
pub(crate) fn limit(at: &FiringId, containment: &Containment) -> Option<CompiledLimit> {
    let Containment::Throttle { applies_to, requests } = containment else { return None };
    let spec = LimitSpec { requests: Some(*requests), ..LimitSpec::new(applies_to.clone()) };
    Some(CompiledLimit::new(&at.limit()?, &spec))
}
