use cordon_core::{
    KeyId, Name,
    resource::{LimitSpec, LimitSubject},
};

/// A limit as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledLimit {
    /// Its name, by which its counters are known.
    pub name: Name,
    /// What it bounds.
    pub spec: LimitSpec,
}

/// What is known of a call when its limits are looked up.
#[derive(Clone, Copy, Debug)]
pub struct LimitedCall<'a> {
    /// The caller's key.
    pub key: KeyId,
    /// The caller.
    pub principal: &'a Name,
    /// The caller's team.
    pub team: &'a Name,
}

/// The one part of a subject that its limits are found by: what is known last of a call, so that a limit is looked up once
/// everything that it names is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Anchor {
    Key(KeyId),
    Model(Name),
    Organisation,
    Principal(Name),
    Route(Name),
    Team(Name),
}

impl Anchor {
    pub(crate) fn of(subject: &LimitSubject) -> Self {
        let LimitSubject { key, principal, team, route, model } = subject;
        let none = Self::Organisation;
        let team = team.clone().map_or(none, Self::Team);
        let principal = principal.clone().map_or(team, Self::Principal);
        let key = key.map_or(principal, Self::Key);
        let route = route.clone().map_or(key, Self::Route);
        model.clone().map_or(route, Self::Model)
    }
}

impl CompiledLimit {
    pub(crate) fn new(name: &Name, spec: &LimitSpec) -> Self {
        Self { name: name.clone(), spec: spec.clone() }
    }

    /// Whether everything that the subject names is so of a call.
    pub(crate) fn covers(&self, call: &LimitedCall<'_>, route: Option<&Name>, model: Option<&Name>) -> bool {
        fn is<T: PartialEq>(named: Option<&T>, known: Option<&T>) -> bool {
            named.is_none_or(|named| known == Some(named))
        }
        let LimitSubject { key, principal, team, route: named_route, model: named_model } =
            &self.spec.applies_to;
        is(key.as_ref(), Some(&call.key))
            && is(principal.as_ref(), Some(call.principal))
            && is(team.as_ref(), Some(call.team))
            && is(named_route.as_ref(), route)
            && is(named_model.as_ref(), model)
    }
}
