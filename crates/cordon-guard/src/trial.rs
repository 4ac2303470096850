//! Test calls: what would become of a call now.
//!
//! A test call goes through the checks that a call goes through, in their order: the caller, the route with its system, the tools
//! offered, the mode, and for each model the permit that an attempt needs. It ends there: no limit counts it, no upstream sees
//! it, nobody is charged, and it has no record.

use std::sync::Arc;

use cordon_core::{
    ApiKey, Name, Refusal, RefusalCode,
    containment::{Containment, FiringId, Subject, Tested},
    json,
    resource::{LimitSubject, RouteMode},
};
use cordon_policy::{RouteEntry, Snapshot};

use crate::{
    admit::limited,
    dispatch::{self, Denied},
    identify::Identity,
    mode, openai,
    operation::Asked,
    pipeline::Gateway,
    quarantine, resilience,
};

/// The most routes that are called.
const MOST_ROUTES: usize = 256;

/// A call is not answered as a containment wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test call is answered as if this were not in force: {what}")]
pub struct NotContained {
    /// What is not in force.
    pub what: Containment,
}

impl Gateway {
    /// Calls as one would be called now what a containment is about, and says what became of it. `at` is whose containment it is.
    ///
    /// # Errors
    /// When a call is answered as if it were not in force.
    pub fn test(&self, at: &FiringId, containment: &Containment) -> Result<Tested, NotContained> {
        let snapshot = self.snapshot();
        let tested = match containment {
            Containment::Quarantine(subject) => without(&snapshot, subject),
            Containment::Mode { route, mode } => in_mode(&snapshot, route, *mode),
            Containment::Throttle { applies_to, .. } => throttled(&snapshot, at, applies_to),
            Containment::FallBack { model, route } => passed_over(&snapshot, model, route.as_ref()),
        };
        tested.ok_or_else(|| NotContained { what: containment.clone() })
    }
}

/// Calls every route that a subject has to do with. Gives what became of the first call; nothing where one uses the subject.
fn without(snapshot: &Snapshot, subject: &Subject) -> Option<Tested> {
    let out = snapshot.quarantined();
    if let Subject::Prompt(_) | Subject::Detector(_) | Subject::Signature(_) = subject {
        // These are of content, and none is made up for a test.
        return out.contains(subject).then(Tested::default);
    }
    let caller = caller(snapshot, subject);
    if caller.is_none() && matches!(subject, Subject::Key(_) | Subject::Principal(_)) {
        // Without a key nobody calls; the one who gets one finds it here.
        return out.contains(subject).then(Tested::default);
    }
    let tool = match subject {
        Subject::Tool(name) => Some(name.as_str()),
        _ => None,
    };
    // A route may go on with another model than the one that is out.
    let of_target = matches!(subject, Subject::Model(_) | Subject::Service(_));
    let mut first = None;
    for route in snapshot.routes().filter(|route| concerns(snapshot, route, subject)).take(MOST_ROUTES) {
        let answered = call(snapshot, route, caller.as_ref(), tool);
        // The permit says that it is another model than the one which is out, and of another service.
        if answered.as_ref().is_ok_and(|model| !of_target || uses(snapshot, model, subject)) {
            return None;
        }
        first.get_or_insert_with(|| tested(route, answered));
    }
    // Where no route has to do with it no call can use it; the next one that does finds it here.
    first.or_else(|| out.contains(subject).then(Tested::default))
}

/// What became of a call.
fn tested(route: &RouteEntry, answered: Result<Name, Refusal>) -> Tested {
    let route = Some(route.name.clone());
    match answered {
        Ok(model) => Tested { route, model: Some(model), ..Tested::default() },
        Err(refusal) => Tested { route, refused: Some(refusal.code), ..Tested::default() },
    }
}

/// Calls a route as its mode should refuse it, or answer it by its simpler path. That somebody else has it refused, because a model
/// or the route is quarantined, says nothing of its mode: that is looked at by itself. A stricter one does, too.
fn in_mode(snapshot: &Snapshot, route: &Name, mode: RouteMode) -> Option<Tested> {
    let Some(route) = snapshot.route(route.as_str()) else { return Some(Tested::default()) };
    let tool = (route.mode == RouteMode::Safe).then_some("test");
    let holds = route.mode >= mode
        && match route.mode {
            RouteMode::Normal => true,
            RouteMode::Degraded => {
                let is_simpler = |model: &Name| route.degraded.iter().any(|target| target.model == *model);
                resilience::order(route, 0).iter().all(is_simpler)
            }
            RouteMode::Safe | RouteMode::Off => {
                asked(route, tool).is_ok_and(|asked| mode::admits(route, &asked).is_err())
            }
        };
    holds.then(|| tested(route, call(snapshot, route, None, tool)))
}

/// Looks up the limits of a call that a throttle is about.
fn throttled(snapshot: &Snapshot, at: &FiringId, applies_to: &LimitSubject) -> Option<Tested> {
    let limit = at.limit()?;
    let counted = |route: Option<&RouteEntry>| Tested {
        route: route.map(|route| route.name.clone()),
        limit: Some(limit.clone()),
        ..Tested::default()
    };
    let may_be = |key: &&Arc<ApiKey>| {
        let LimitSubject { key: own, principal, team, .. } = applies_to;
        own.is_none_or(|own| own == key.id)
            && principal.as_ref().is_none_or(|principal| *principal == key.principal)
            && team.as_ref().is_none_or(|team| {
                snapshot.principal(&key.principal).is_some_and(|principal| principal.team == *team)
            })
    };
    let caller = snapshot.keys().find(may_be).and_then(|key| identity(snapshot, key));
    let route = snapshot.routes().find(|route| {
        let LimitSubject { route: own, model, .. } = applies_to;
        own.as_ref().is_none_or(|own| *own == route.name)
            && model.as_ref().is_none_or(|model| route.models().any(|known| known == model))
    });
    let Some((caller, route)) = caller.zip(route) else {
        // Nobody can make such a call; the next one who can finds the limit here.
        return snapshot.all_limits().any(|known| known.name == limit).then(|| counted(None));
    };
    let call = limited(&caller);
    let of_models = route.models().flat_map(|model| snapshot.model_limits(&call, &route.name, model));
    let all = snapshot.caller_limits(&call).into_iter().chain(snapshot.route_limits(&call, &route.name));
    all.chain(of_models).any(|known| known.name == limit).then(|| counted(Some(route)))
}

/// Calls the routes that a model is passed over on.
fn passed_over(snapshot: &Snapshot, model: &Name, route: Option<&Name>) -> Option<Tested> {
    let mut first = None;
    let routes = snapshot.routes().filter(|entry| route.is_none_or(|route| *route == entry.name));
    for route in routes.take(MOST_ROUTES) {
        let answered = call(snapshot, route, None, None);
        // One that has no other model goes on with it.
        if answered.as_ref().is_ok_and(|used| used == model) && route.models().any(|other| other != model) {
            return None;
        }
        first.get_or_insert_with(|| tested(route, answered));
    }
    first.or_else(|| Some(Tested::default()))
}

/// Whose call it is, where the caller is what the test is about.
fn caller(snapshot: &Snapshot, subject: &Subject) -> Option<Identity> {
    let key = match subject {
        Subject::Key(id) => snapshot.key(*id),
        Subject::Principal(name) => snapshot.keys().find(|key| key.principal == *name),
        _ => None,
    }?;
    identity(snapshot, key)
}

fn identity(snapshot: &Snapshot, key: &Arc<ApiKey>) -> Option<Identity> {
    Some(Identity { key: Arc::clone(key), principal: Arc::clone(snapshot.principal(&key.principal)?) })
}

/// Whether a route has to do with a subject.
fn concerns(snapshot: &Snapshot, route: &RouteEntry, subject: &Subject) -> bool {
    let usable_by = |principal: &Name| {
        snapshot.principal(principal).is_some_and(|principal| principal.routes.contains(&route.name))
    };
    match subject {
        Subject::Route(name) => route.name == *name,
        Subject::System(name) => route.system.as_ref() == Some(name),
        Subject::Model(_) | Subject::Service(_) => route.models().any(|model| uses(snapshot, model, subject)),
        Subject::Principal(name) => usable_by(name),
        Subject::Key(id) => snapshot.key(*id).is_some_and(|key| usable_by(&key.principal)),
        Subject::Tool(_) => true,
        Subject::Prompt(_) | Subject::Detector(_) | Subject::Signature(_) => false,
    }
}

/// Whether a model is the subject, or one of its models.
fn uses(snapshot: &Snapshot, model: &Name, subject: &Subject) -> bool {
    match subject {
        Subject::Model(wanted) => model == wanted,
        Subject::Service(wanted) => snapshot.model(model).is_some_and(|spec| spec.service == *wanted),
        _ => false,
    }
}

/// A call to a route, up to the model that it would be sent to; with a tool where that is what the test is about.
fn call(
    snapshot: &Snapshot,
    route: &RouteEntry,
    caller: Option<&Identity>,
    tool: Option<&str>,
) -> Result<Name, Refusal> {
    let out = snapshot.quarantined();
    if let Some(caller) = caller {
        quarantine::caller(out, caller)?;
    }
    mode::opens(out, route, &asked(route, tool)?)?;
    let mut last = Refusal::new(RefusalCode::UpstreamUnavailable, "no model is there");
    for model in resilience::order(route, 0) {
        match dispatch::permit(&model, snapshot) {
            Ok(_) => return Ok(model),
            Err(Denied::Quarantined { subject, .. }) => {
                last = quarantine::refused(RefusalCode::Quarantined, &subject);
            }
            Err(Denied::Missing) => {}
        }
    }
    Err(last)
}

/// What is asked: a word, and a tool.
fn asked(route: &RouteEntry, tool: Option<&str>) -> Result<Asked, Refusal> {
    let tools = tool.map_or_else(String::new, |name| {
        format!(r#","tools":[{{"type":"function","function":{{"name":"{name}","parameters":{{}}}}}}]"#)
    });
    let text =
        format!(r#"{{"model":"{}","messages":[{{"role":"user","content":"test"}}]{tools}}}"#, route.name);
    let body = json::Value::parse(text.as_bytes(), json::Limits::default())
        .map_err(|error| Refusal::new(RefusalCode::InvalidJson, error.to_string()))?;
    Ok(Asked::Chat(openai::Request::read(body)?))
}
