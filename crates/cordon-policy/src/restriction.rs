use cordon_core::{
    containment::{Containment, FiringId},
    resource::{LimitSpec, RouteMode},
};

use crate::{CompiledLimit, RouteEntry};

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
            }
            entry.mode = stricter;
        }
        Containment::FallBack { model, .. } => {
            let is_other_target = |target: &crate::RouteTarget| target.model != *model && target.weight > 0;
            if entry.targets.iter().any(is_other_target) || entry.fallback.iter().any(|other| other != model)
            {
                entry.targets.retain(|target| target.model != *model);
                entry.fallback.retain(|other| other != model);
            }
            if entry.degraded.iter().any(is_other_target) {
                entry.degraded.retain(|target| target.model != *model);
            }
        }
        Containment::Quarantine(_) | Containment::Throttle { .. } => {}
    }
}

/// The limit that a throttle is.
pub(crate) fn limit(at: &FiringId, containment: &Containment) -> Option<CompiledLimit> {
    let Containment::Throttle { applies_to, requests } = containment else { return None };
    let spec = LimitSpec { requests: Some(*requests), ..LimitSpec::new(applies_to.clone()) };
    Some(CompiledLimit::new(&at.limit()?, &spec))
}
