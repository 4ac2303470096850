//! Test calls: what would become of a call now.
//!
//! A test call goes through the checks that a call goes through, in their order: the caller, the route with its system, the tools
//! offered, the mode, and for each model the permit that an attempt needs. It ends there: no limit counts it, no upstream sees
//! it, nobody is charged, and it has no record.

use cordon_core::{
    Name, Refusal, RefusalCode,
    containment::{Subject, Tested},
    json,
};
use cordon_policy::{RouteEntry, Snapshot};
use http::HeaderMap;

use crate::{
    dispatch::{self, Denied},
    identify::Identity,
    mode,
    operation::Posted,
    pipeline::Gateway,
    quarantine, resilience,
};

/// The most routes that are called.
const MOST_ROUTES: usize = 256;

/// What should be out is used by a call all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test call still uses {subject}")]
pub struct StillUsed {
    /// What.
    pub subject: Subject,
}

impl Gateway {
    /// Calls every route that a subject has to do with, as one would be called now, and says what became of the first one.
    ///
    /// # Errors
    /// When a call uses the subject.
    pub fn test(&self, subject: &Subject) -> Result<Tested, StillUsed> {
        let snapshot = self.snapshot();
        let out = snapshot.quarantined();
        let still = || StillUsed { subject: subject.clone() };
        if let Subject::Detector(_) | Subject::Signature(_) = subject {
            // These are of content, and none is made up for a test.
            return if out.contains(subject) { Ok(Tested::default()) } else { Err(still()) };
        }
        let caller = caller(&snapshot, subject);
        // A route may go on with another model than the one that is out.
        let of_target = matches!(subject, Subject::Model(_) | Subject::Service(_));
        let mut first = None;
        for route in snapshot.routes().filter(|route| concerns(&snapshot, route, subject)).take(MOST_ROUTES) {
            let route_name = Some(route.name.clone());
            let tested = match call(&snapshot, route, caller.as_ref(), subject) {
                Err(refusal) => Tested { route: route_name, refused: Some(refusal.code), model: None },
                Ok(model) if of_target && !uses(&snapshot, &model, subject) => {
                    Tested { route: route_name, refused: None, model: Some(model) }
                }
                Ok(_) => return Err(still()),
            };
            first.get_or_insert(tested);
        }
        match first {
            Some(tested) => Ok(tested),
            // No route has to do with it, so that no call can use it; the next one that does finds it here.
            None if out.contains(subject) => Ok(Tested::default()),
            None => Err(still()),
        }
    }
}

/// Whose call it is, where the caller is what the test is about.
fn caller(snapshot: &Snapshot, subject: &Subject) -> Option<Identity> {
    let key = match subject {
        Subject::Key(id) => snapshot.key(*id),
        Subject::Principal(name) => snapshot.keys().find(|key| key.principal == *name),
        _ => None,
    }?;
    Some(Identity { key: key.clone(), principal: snapshot.principal(&key.principal)?.clone() })
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
        Subject::Detector(_) | Subject::Signature(_) => false,
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

/// A call to a route, up to the model that it would be sent to.
fn call(
    snapshot: &Snapshot,
    route: &RouteEntry,
    caller: Option<&Identity>,
    subject: &Subject,
) -> Result<Name, Refusal> {
    let out = snapshot.quarantined();
    if let Some(caller) = caller {
        quarantine::caller(out, caller)?;
    }
    let request = Posted::Chat.read(body(route, subject)?, &HeaderMap::new())?;
    mode::opens(out, route, &request)?;
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

/// What is asked: a word, and the tool where that is what the test is about.
fn body(route: &RouteEntry, subject: &Subject) -> Result<json::Value, Refusal> {
    let tool = match subject {
        Subject::Tool(name) => format!(
            r#","tools":[{{"type":"function","function":{{"name":"{}","parameters":{{}}}}}}]"#,
            name.as_str()
        ),
        _ => String::new(),
    };
    let text =
        format!(r#"{{"model":"{}","messages":[{{"role":"user","content":"test"}}]{tool}}}"#, route.name);
    json::Value::parse(text.as_bytes(), json::Limits::default())
        .map_err(|error| Refusal::new(RefusalCode::InvalidJson, error.to_string()))
}
