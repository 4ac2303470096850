//! Whether a call is let in: its route, its rights, its limits.

use std::sync::Arc;

use cordon_core::{DurationMs, Refusal, RefusalCode};
use cordon_policy::{Caller, CompiledLimit, EffectiveGuard, LimitedCall, Limits, RouteEntry};

use crate::{
    call::Call,
    identify::{Identity, Known},
};

/// A call that was let in to a route. Made by [`admit`] alone.
#[derive(Debug)]
pub struct Admitted {
    known: Known,
    route: Arc<RouteEntry>,
    guard: EffectiveGuard,
    limits: Limits,
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

    /// The limits of its caller and its route.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The joined guards of this call.
    pub const fn guard(&self) -> &EffectiveGuard {
        &self.guard
    }
}

/// What is known of a caller when limits are looked up.
pub fn limited(identity: &Identity) -> LimitedCall<'_> {
    LimitedCall { key: identity.key.id, principal: &identity.principal.name, team: &identity.principal.team }
}

/// The most bytes that a body may have under these limits, and at most `most`.
pub fn body_bound(limits: &[Arc<CompiledLimit>], most: usize) -> usize {
    limits
        .iter()
        .filter_map(|limit| limit.spec.body_bytes)
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
/// When the route is not for this caller, its body is larger than the route allows, or the Snapshot is older than the route
/// accepts.
pub fn admit(
    call: Call<Known>,
    route: &str,
    body_bytes: usize,
    snapshot_age: DurationMs,
    mut limits: Limits,
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
    let of_route = call.snapshot.route_limits(&limited(call.stage.identity()), &route.name);
    if body_bytes > body_bound(&of_route, usize::MAX) {
        return Err(Refusal::new(RefusalCode::BodyTooLarge, "more bytes than the route's limit"));
    }
    limits.extend(of_route);
    let caller = Caller {
        principal: Some(&call.stage.identity().principal.name),
        route: Some(&route.name),
        system: route.system.as_ref(),
    };
    let guard = call.snapshot.guard(caller, Some(&route));
    Ok(call.at(|known| Admitted { known, route, guard, limits }))
}
