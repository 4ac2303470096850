use cordon_core::{
    DurationMs, Name, State,
    resource::{DEFAULT_CONTENT_RETENTION, Kind, RetentionSpec, RouteSpec, Spec, SystemSpec},
};

/// How long captured content of a route is kept: the shortest of what the route and every [`RetentionSpec`] that holds for it say.
pub fn content_retention(state: &State, name: &Name, route: &RouteSpec) -> DurationMs {
    let own = route.content_retention.unwrap_or(DEFAULT_CONTENT_RETENTION);
    fitting(state, name, route).filter_map(|retention| retention.content).fold(own, DurationMs::min)
}

/// How long records of calls to a route are kept: the longest of `base` and what every [`RetentionSpec`] that holds for it
/// says; for ever, which is `None`, where neither says anything. Of calls that came to no route, or to one that is gone, nobody
/// knows what holds for them: they are kept for the longest time that any says.
pub fn record_retention(state: &State, name: Option<&Name>, base: Option<DurationMs>) -> Option<DurationMs> {
    let standing = name.and_then(|name| Some((name, state.resource(Kind::Route, name)?)));
    let longest = match standing.map(|(name, standing)| (name, &standing.spec)) {
        Some((name, Spec::Route(route))) => {
            fitting(state, name, route).filter_map(|retention| retention.records).max()
        }
        _ => retentions(state).filter_map(|retention| retention.records).max(),
    };
    longest.max(base)
}

/// Whether any resource says how long records are kept.
pub fn says_of_records(state: &State) -> bool {
    retentions(state).any(|retention| retention.records.is_some())
}

fn retentions(state: &State) -> impl Iterator<Item = &RetentionSpec> {
    state.resources_of(Kind::Retention).filter_map(|(_, standing)| match &standing.spec {
        Spec::Retention(retention) => Some(retention),
        _ => None,
    })
}

fn fitting<'s>(
    state: &'s State,
    name: &'s Name,
    route: &'s RouteSpec,
) -> impl Iterator<Item = &'s RetentionSpec> {
    let system = route.system.as_ref().and_then(|system| state.resource(Kind::System, system));
    let system = system.and_then(|standing| match &standing.spec {
        Spec::System(system) => Some(system),
        _ => None,
    });
    retentions(state).filter(move |retention| fits(retention, name, route, system))
}

fn fits(retention: &RetentionSpec, name: &Name, route: &RouteSpec, system: Option<&SystemSpec>) -> bool {
    let RetentionSpec { routes, systems, labels, jurisdictions, content: _, records: _, reason: _ } =
        retention;
    let label =
        |key: &Name| route.labels.get(key).or_else(|| system.and_then(|system| system.labels.get(key)));
    (routes.is_empty() || routes.contains(name))
        && (systems.is_empty() || route.system.as_ref().is_some_and(|system| systems.contains(system)))
        && labels.iter().all(|(key, value)| label(key) == Some(value))
        && (jurisdictions.is_empty()
            || system.is_some_and(|system| system.jurisdictions.iter().any(|at| jurisdictions.contains(at))))
}

#[cfg(test)]
mod tests {
    use cordon_core::{
        Fact, Timestamp,
        fact::{Actor, Body},
        resource::Resource,
    };

    use super::*;

    const DAY: u64 = 86_400;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn state(resources: &[(Kind, &str, serde_json::Value)]) -> State {
        let mut state = State::new();
        for (kind, at, spec) in resources {
            let body = Body::ResourceSet(Resource { name: name(at), spec: kind.read(spec.clone()).unwrap() });
            state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
        }
        state
    }

    fn days(state: &State, route: &str) -> (u64, Option<u64>) {
        let at = name(route);
        let Spec::Route(spec) = &state.resource(Kind::Route, &at).unwrap().spec else { panic!("a route") };
        let base = Some(DurationMs::from_secs(365 * DAY));
        let records = record_retention(state, Some(&at), base).map(|time| time.as_millis() / 1000 / DAY);
        (content_retention(state, &at, spec).as_millis() / 1000 / DAY, records)
    }

    #[test]
    fn content_goes_by_the_shortest_and_records_by_the_longest_that_fits() {
        let route = |extra: serde_json::Value| {
            let mut spec = serde_json::json!({"team": "t", "system": "s", "targets": [{"model": "m"}]});
            spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            spec
        };
        let all = [
            (
                Kind::System,
                "s",
                serde_json::json!({"team": "t", "purpose": "p", "risk": "high", "jurisdictions": ["eu", "us-ca"], "labels": {"data": "health"}}),
            ),
            (Kind::Route, "plain", serde_json::json!({"team": "t", "targets": [{"model": "m"}]})),
            (Kind::Route, "long", route(serde_json::json!({"content": "full", "content_retention": "90d"}))),
            (Kind::Route, "own", route(serde_json::json!({"labels": {"data": "public"}}))),
            (
                Kind::Retention,
                "health",
                serde_json::json!({"labels": {"data": "health"}, "content": "7d", "records": "3650d"}),
            ),
            (Kind::Retention, "eu", serde_json::json!({"jurisdictions": ["eu"], "records": "730d"})),
            (
                Kind::Retention,
                "one",
                serde_json::json!({"routes": ["own"], "systems": ["s"], "content": "1d"}),
            ),
            (
                Kind::Retention,
                "other",
                serde_json::json!({"systems": ["x"], "content": "2d", "records": "9999d"}),
            ),
        ];
        let state = state(&all);
        assert_eq!(days(&state, "plain"), (30, Some(365)));
        assert_eq!(days(&state, "long"), (7, Some(3650)));
        // A route's own label stands before its system's.
        assert_eq!(days(&state, "own"), (1, Some(730)));
        assert_eq!(
            record_retention(&state, Some(&name("gone")), None),
            Some(DurationMs::from_secs(9999 * DAY))
        );
        assert_eq!(record_retention(&state, None, None), Some(DurationMs::from_secs(9999 * DAY)));
        assert_eq!(record_retention(&state, Some(&name("plain")), None), None);
        assert!(says_of_records(&state) && !says_of_records(&State::new()));
    }
}
