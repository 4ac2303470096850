//! Routes as they are at the moment: what the log says of them, and how their targets do in this process.

use std::{collections::BTreeMap, sync::Arc};

use cordon_core::{
    Name, State,
    containment::{Containment, Subject},
    resource::{Kind, RouteSpec, Spec},
};
use cordon_guard::{
    Gateway,
    resilience::{Condition, breaker::Phase},
};
use cordon_policy::Snapshot;

use super::{Desk, Rejection, rejected};
use crate::api::{
    Problem,
    routes::{BreakerPhase, BreakerState, RouteStatus, TargetRole, TargetStatus},
};

impl Desk {
    /// The same desk, which knows how the targets of a running gateway do.
    #[must_use]
    pub fn with_gateway(self, gateway: Gateway) -> Self {
        Self { gateway: Some(gateway), ..self }
    }

    /// Every route, by name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn routes(&self) -> Result<Vec<RouteStatus>, Problem> {
        let state = self.state(None).await?;
        Ok(self.routes_of(&state, None, usize::MAX))
    }

    /// One route.
    ///
    /// # Errors
    /// When it does not exist, or the log cannot be read.
    pub async fn route(&self, name: &Name) -> Result<RouteStatus, Problem> {
        let state = self.state(None).await?;
        match state.resource(Kind::Route, name).map(|standing| &standing.spec) {
            Some(Spec::Route(route)) => Ok(self.now_in_force().status(&state, name, route)),
            _ => Err(rejected(Rejection::NotFound { kind: Kind::Route.to_string(), name: name.to_string() })),
        }
    }

    /// A part of the routes of a state, by name: those after one, at most so many.
    pub(crate) fn routes_of(&self, state: &State, after: Option<&Name>, most: usize) -> Vec<RouteStatus> {
        let now = self.now_in_force();
        let routes = state.resources_of(Kind::Route).filter_map(|(name, standing)| match &standing.spec {
            Spec::Route(route) if after.is_none_or(|after| name > after) => {
                Some(now.status(state, name, route))
            }
            _ => None,
        });
        routes.take(most).collect()
    }

    pub(super) fn now_in_force(&self) -> InForce {
        let conditions = self.gateway.as_ref().map(|gateway| gateway.health().conditions());
        InForce {
            snapshot: self.gateway.as_ref().map(Gateway::snapshot),
            conditions: conditions
                .into_iter()
                .flatten()
                .map(|condition| (condition.model.clone(), condition))
                .collect(),
        }
    }
}

/// What is in force in this process: a containment is, before the log knows of it.
pub(super) struct InForce {
    /// What the gateway goes by; nothing where there is none.
    snapshot: Option<Arc<Snapshot>>,
    conditions: BTreeMap<Name, Condition>,
}

impl InForce {
    /// A route as a state says it, or more strictly where that is in force already.
    fn status(&self, state: &State, name: &Name, route: &RouteSpec) -> RouteStatus {
        let entry = self.snapshot.as_ref().and_then(|snapshot| snapshot.route(name.as_str()));
        let target = |model: &Name, role, weight| TargetStatus {
            passed_over: self.passed_over(name, model, role),
            model: model.clone(),
            service: service(state, model).cloned(),
            role,
            weight,
            breaker: self.conditions.get(model).map(breaker),
            quarantined: self.out_of(state, model),
        };
        let weighted =
            |role| move |of: &cordon_core::resource::Target| (of.model.clone(), role, Some(of.weight));
        let targets = route.targets.iter().map(weighted(TargetRole::Target));
        let fallback = route.fallback.iter().map(|model| (model.clone(), TargetRole::Fallback, None));
        let degraded = route.degraded.iter().map(weighted(TargetRole::Degraded));
        let all = targets.chain(fallback).chain(degraded);
        RouteStatus {
            route: name.clone(),
            mode: entry.map_or(route.mode, |entry| entry.mode.max(route.mode)),
            quarantined: self.closed(state, name, route),
            targets: all.map(|(model, role, weight)| target(&model, role, weight)).collect(),
        }
    }

    /// The models that a call to a route may go to, whatever is quarantined: in its mode, without those that a trigger passes over.
    pub(super) fn models(&self, name: &Name, route: &RouteSpec) -> Vec<Name> {
        let entry = self.snapshot.as_ref().and_then(|snapshot| snapshot.route(name.as_str()));
        entry.map_or_else(
            || route.models().into_iter().cloned().collect(),
            |entry| entry.models().cloned().collect(),
        )
    }

    /// The trigger that has a model passed over on a route, if one has.
    fn passed_over(&self, route: &Name, model: &Name, role: TargetRole) -> Option<Name> {
        let snapshot = self.snapshot.as_ref()?;
        let entry = snapshot.route(route.as_str())?;
        let passed_over = match role {
            TargetRole::Degraded => &entry.degraded_passed_over,
            TargetRole::Fallback | TargetRole::Target => &entry.passed_over,
        };
        passed_over.contains(model).then(|| fell_back(snapshot, route, model)).flatten()
    }

    /// Why a route is closed, if it is: it or its system is out.
    pub(super) fn closed(&self, state: &State, name: &Name, route: &RouteSpec) -> Option<Subject> {
        self.out(state, [Some(Subject::Route(name.clone())), route.system.clone().map(Subject::System)])
    }

    /// Why a model is not used, if it is so: it or its service is out.
    pub(super) fn out_of(&self, state: &State, model: &Name) -> Option<Subject> {
        let service = service(state, model).cloned().map(Subject::Service);
        self.out(state, [Some(Subject::Model(model.clone())), service])
    }

    /// The first of these that is out, as the gateway or the state knows it.
    fn out(&self, state: &State, subjects: [Option<Subject>; 2]) -> Option<Subject> {
        let out = self.snapshot.as_ref().map(|snapshot| snapshot.quarantined());
        let is_out = |subject: &Subject| {
            out.is_some_and(|out| out.contains(subject)) || state.quarantine(subject).is_some()
        };
        subjects.into_iter().flatten().find(is_out)
    }
}

/// The service of a model; nothing where the model is gone.
pub(super) fn service<'s>(state: &'s State, model: &Name) -> Option<&'s Name> {
    match state.resource(Kind::Model, model).map(|standing| &standing.spec) {
        Some(Spec::Model(model)) => Some(&model.service),
        _ => None,
    }
}

/// The trigger that has a model passed over on a route.
fn fell_back(snapshot: &Snapshot, route: &Name, model: &Name) -> Option<Name> {
    let is_it = |containment: &Containment| match containment {
        Containment::FallBack { model: own, route: on } => {
            own == model && on.as_ref().is_none_or(|on| on == route)
        }
        Containment::Mode { .. } | Containment::Quarantine(_) | Containment::Throttle { .. } => false,
    };
    snapshot.restrictions().find(|(_, containment)| is_it(containment)).map(|(at, _)| at.trigger.clone())
}

fn breaker(condition: &Condition) -> BreakerState {
    BreakerState {
        phase: match condition.phase {
            Phase::Closed => BreakerPhase::Closed,
            Phase::HalfOpen => BreakerPhase::HalfOpen,
            Phase::Open => BreakerPhase::Open,
        },
        wait_ms: condition.wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        calls: condition.counts.calls,
        failed: condition.counts.failed,
        slow: condition.counts.slow,
        opened: condition.opened,
    }
}
