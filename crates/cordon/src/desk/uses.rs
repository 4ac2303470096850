//! What something uses, as a quarantine calls it: its page, and its line in a list, say when that is out.

use std::collections::BTreeSet;

use cordon_core::{
    ApiKey, Category, Name, State,
    containment::{Subject, ToolName},
    resource::{Kind, Spec, ToolSpec},
};
use cordon_inspect::Engine;

/// What a resource is called in a quarantine, and what it uses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Uses {
    /// Itself; nothing for a kind that cannot be quarantined.
    pub(crate) own: Option<Subject>,
    /// What it uses, without itself.
    pub(crate) others: BTreeSet<Subject>,
}

/// What a resource of a state uses. A route uses its system, its models in every mode and their services; a system its routes and what
/// they use; a caller the same of the routes that it may use; a team the same of its systems, routes and callers; a guard the detectors
/// that find what its rules are about.
pub(crate) fn uses(state: &State, engine: &Engine, kind: Kind, name: &Name) -> Uses {
    let own = match kind {
        Kind::Detector => Some(Subject::Detector(name.clone())),
        Kind::Model => Some(Subject::Model(name.clone())),
        Kind::Principal => Some(Subject::Principal(name.clone())),
        Kind::Route => Some(Subject::Route(name.clone())),
        Kind::Service => Some(Subject::Service(name.clone())),
        Kind::System => Some(Subject::System(name.clone())),
        Kind::Tool => called(state, name).map(Subject::Tool),
        Kind::Guard | Kind::Limit | Kind::Retention | Kind::Team | Kind::Trigger => None,
    };
    let mut others = BTreeSet::new();
    match state.resource(kind, name).map(|standing| &standing.spec) {
        Some(Spec::Model(model)) => {
            others.insert(Subject::Service(model.service.clone()));
        }
        Some(Spec::Route(_)) => of_route(state, name, &mut others),
        Some(Spec::System(_)) => of_routes(state, &mut others, |system, _| system == Some(name)),
        Some(Spec::Principal(principal)) => {
            principal.routes.iter().for_each(|route| of_route(state, route, &mut others));
        }
        Some(Spec::Team(_)) => {
            of_routes(state, &mut others, |_, team| team == name);
            let owned = |spec: &Spec| match spec {
                Spec::Principal(principal) => principal.team == *name,
                Spec::System(system) => system.team == *name,
                _ => false,
            };
            for (kind, other, _) in state.resources().filter(|(_, _, standing)| owned(&standing.spec)) {
                others.insert(match kind {
                    Kind::System => Subject::System(other.clone()),
                    _ => Subject::Principal(other.clone()),
                });
            }
        }
        Some(Spec::Guard(guard)) => {
            let meant = |category: &Category| {
                guard
                    .rules
                    .iter()
                    .any(|rule| rule.category.covers(category) || category.covers(&rule.category))
            };
            let detectors =
                engine.detectors().iter().filter(|detector| detector.categories.iter().any(meant));
            others.extend(
                detectors.filter_map(|detector| Name::parse(detector.name).ok()).map(Subject::Detector),
            );
            for (name, standing) in state.resources_of(Kind::Detector) {
                if let Spec::Detector(spec) = &standing.spec
                    && spec.categories.values().any(meant)
                {
                    others.insert(Subject::Detector(name.clone()));
                }
            }
        }
        _ => {}
    }
    if let Some(own) = &own {
        others.remove(own);
    }
    Uses { own, others }
}

/// What models call a tool.
fn called(state: &State, name: &Name) -> Option<ToolName> {
    match state.resource(Kind::Tool, name).map(|standing| &standing.spec) {
        Some(Spec::Tool(ToolSpec { called: Some(called), .. })) => Some(called.clone()),
        _ => ToolName::parse(name.as_str()),
    }
}

/// What a key of a caller uses: all of its caller, and the routes that it may name.
pub(crate) fn uses_of_key(state: &State, key: &ApiKey) -> Uses {
    let mut others = BTreeSet::from([Subject::Principal(key.principal.clone())]);
    key.routes.iter().for_each(|route| of_route(state, route, &mut others));
    Uses { own: Some(Subject::Key(key.id)), others }
}

/// What the routes use that are meant by their system and their team, and the routes themselves.
fn of_routes(state: &State, others: &mut BTreeSet<Subject>, meant: impl Fn(Option<&Name>, &Name) -> bool) {
    for (name, standing) in state.resources_of(Kind::Route) {
        if let Spec::Route(route) = &standing.spec
            && meant(route.system.as_ref(), &route.team)
        {
            of_route(state, name, others);
        }
    }
}

/// A route and what it uses.
fn of_route(state: &State, name: &Name, others: &mut BTreeSet<Subject>) {
    let Some(Spec::Route(route)) = state.resource(Kind::Route, name).map(|standing| &standing.spec) else {
        return;
    };
    others.insert(Subject::Route(name.clone()));
    others.extend(route.system.clone().map(Subject::System));
    for model in route.named() {
        others.insert(Subject::Model(model.clone()));
        if let Some(Spec::Model(spec)) = state.resource(Kind::Model, model).map(|standing| &standing.spec) {
            others.insert(Subject::Service(spec.service.clone()));
        }
    }
}
