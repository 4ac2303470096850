//! Whether a call is let in: its route, its rights, its limits.

use std::{sync::Arc, time::Instant};

use cordon_core::{DurationMs, Refusal, RefusalCode, resource::LimitSubject};
use cordon_policy::{Caller, EffectiveGuard, RouteEntry, Snapshot};

use crate::{
    call::Call,
    identify::{Identity, Known},
    limits::{Limits, Places},
};

/// A call that was let in to a route. Made by [`admit`] alone.
#[derive(Debug)]
pub struct Admitted {
    known: Known,
    route: Arc<RouteEntry>,
    guard: EffectiveGuard,
    /// Held until the call ends.
    _places: Places,
}

impl Admitted {
    /// The caller.
    pub const fn identity(&self) -> &Identity {
        self.known.identity()
    }

    /// The request's headers.
    pub const fn headers(&self) -> &http::HeaderMap {
        self.known.headers()
    }

    /// The route.
    pub fn route(&self) -> &Arc<RouteEntry> {
        &self.route
    }

    /// The joined guards of this call.
    pub const fn guard(&self) -> &EffectiveGuard {
        &self.guard
    }
}

/// What a caller is counted under, before its route is known.
pub fn caller_subjects(identity: &Identity) -> [LimitSubject; 3] {
    [
        LimitSubject::Key(identity.key.id),
        LimitSubject::Principal(identity.principal.name.clone()),
        LimitSubject::Team(identity.principal.team.clone()),
    ]
}

/// The most bytes that a body may have under the limits of these subjects, and at most `most`.
pub fn body_bound(snapshot: &Snapshot, subjects: &[LimitSubject], most: usize) -> usize {
    snapshot
        .limits(subjects)
        .filter_map(|limit| limit.body_bytes)
        .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
        .fold(most, usize::min)
}

/// Whether this caller may use this route: key and principal must both name it. Denies by default.
pub fn may_use(identity: &Identity, route: &RouteEntry) -> bool {
    identity.key.routes.contains(&route.name) && identity.principal.routes.contains(&route.name)
}

/// Lets a call in to the route that it names.
///
/// A route that does not exist and one that the caller may not use get the same answer, so that names cannot be found out.
///
/// # Errors
/// When the route is not for this caller, its limits have no room, its body is larger than the route allows, or the
/// Snapshot is older than the route accepts.
pub fn admit(
    call: Call<Known>,
    route: &str,
    body_bytes: usize,
    snapshot_age: DurationMs,
    limits: &Limits,
    mut places: Places,
    now: Instant,
) -> Result<Call<Admitted>, Refusal> {
    let not_found = |why: &str| Refusal::new(RefusalCode::ModelNotFound, why).param("model");
    let route = call.snapshot.route(route).cloned().ok_or_else(|| not_found("no route has this name"))?;
    if !may_use(call.stage.identity(), &route) {
        return Err(not_found("the caller may not use this route"));
    }
    if snapshot_age > route.max_snapshot_age {
        let why = format!("the snapshot is {snapshot_age} old, more than {}", route.max_snapshot_age);
        return Err(Refusal::new(RefusalCode::SnapshotStale, why));
    }
    let subject = [LimitSubject::Route(route.name.clone())];
    if body_bytes > body_bound(&call.snapshot, &subject, usize::MAX) {
        return Err(Refusal::new(RefusalCode::BodyTooLarge, "more bytes than the route's limit"));
    }
    places.join(limits.admit(call.snapshot.limits(&subject), now)?);
    let caller = Caller {
        principal: Some(&call.stage.identity().principal.name),
        route: Some(&route.name),
        system: route.system.as_ref(),
    };
    let guard = call.snapshot.guard(caller, Some(&route));
    Ok(call.at(|known| Admitted { known, route, guard, _places: places }))
}
