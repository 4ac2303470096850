//! Routes as they are at the moment: what the log says of them, and how their targets do in this process.

use std::collections::BTreeMap;

use cordon_core::{
    Name, State,
    containment::Subject,
    resource::{Kind, RouteMode, RouteSpec, Spec},
};
use cordon_guard::{
    Gateway,
    resilience::{Condition, breaker::Phase},
};

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
            Some(Spec::Route(route)) => {
                Ok(status(&state, name, (route, self.mode(name, route)), &self.conditions()))
            }
            _ => Err(rejected(Rejection::NotFound { kind: Kind::Route.to_string(), name: name.to_string() })),
        }
    }

    /// A part of the routes of a state, by name: those after one, at most so many.
    pub(crate) fn routes_of(&self, state: &State, after: Option<&Name>, most: usize) -> Vec<RouteStatus> {
        let conditions = self.conditions();
        let routes = state.resources_of(Kind::Route).filter_map(|(name, standing)| match &standing.spec {
            Spec::Route(route) if after.is_none_or(|after| name > after) => {
                Some(status(state, name, (route, self.mode(name, route)), &conditions))
            }
            _ => None,
        });
        routes.take(most).collect()
    }

    /// How a route works: as it says, or more strictly where a trigger made it so.
    fn mode(&self, name: &Name, route: &RouteSpec) -> RouteMode {
        let snapshot = self.gateway.as_ref().map(Gateway::snapshot);
        let entry = snapshot.as_ref().and_then(|snapshot| snapshot.route(name.as_str()));
        entry.map_or(route.mode, |entry| entry.mode.max(route.mode))
    }

    fn conditions(&self) -> BTreeMap<Name, Condition> {
        let conditions = self.gateway.as_ref().map(|gateway| gateway.health().conditions());
        conditions.into_iter().flatten().map(|condition| (condition.model.clone(), condition)).collect()
    }
}

fn status(
    state: &State,
    name: &Name,
    (route, mode): (&RouteSpec, RouteMode),
    conditions: &BTreeMap<Name, Condition>,
) -> RouteStatus {
    let target = |model: &Name, role, weight| {
        let service = match state.resource(Kind::Model, model).map(|standing| &standing.spec) {
            Some(Spec::Model(model)) => Some(model.service.clone()),
            _ => None,
        };
        let subjects = [Some(Subject::Model(model.clone())), service.clone().map(Subject::Service)];
        TargetStatus {
            model: model.clone(),
            role,
            weight,
            breaker: conditions.get(model).map(breaker),
            quarantined: subjects.into_iter().flatten().find(|subject| state.quarantine(subject).is_some()),
            service,
        }
    };
    let weighted = |role| move |of: &cordon_core::resource::Target| (of.model.clone(), role, Some(of.weight));
    let targets = route.targets.iter().map(weighted(TargetRole::Target));
    let fallback = route.fallback.iter().map(|model| (model.clone(), TargetRole::Fallback, None));
    let degraded = route.degraded.iter().map(weighted(TargetRole::Degraded));
    let all = targets.chain(fallback).chain(degraded);
    RouteStatus {
        route: name.clone(),
        mode,
        targets: all.map(|(model, role, weight)| target(&model, role, weight)).collect(),
    }
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
