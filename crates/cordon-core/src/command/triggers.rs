//! Commands of triggers: they may contain by what was approved in advance, and end only what they did themselves.

use super::{
    Decision, Entropy, Rejection,
    containment::{self, NewLift, NewQuarantine, is_trigger, needs_two},
};
use crate::{
    Name,
    containment::{Cleared, Contained, Containment, Fired, Firing, InFlight, MAX_FIRST, Subject},
    fact::{Actor, Body},
    resource::{Kind, LiftedBy, Spec},
    state::State,
};

/// The most firings that stand at a time.
pub const MAX_FIRINGS: usize = 10_000;

/// What a trigger did that has fired.
#[derive(Clone, Debug)]
pub struct NewFiring {
    /// What it saw, and what it did.
    pub firing: Firing,
    /// What becomes of calls in flight, of a quarantine.
    pub in_flight: InFlight,
    /// Why, as whoever looks at a quarantine later reads it.
    pub reason: String,
}

/// The end of what a trigger did, as somebody wants it.
#[derive(Clone, Debug)]
pub struct NewClear {
    /// The trigger.
    pub trigger: Name,
    /// Which of several.
    pub of: Option<Subject>,
    /// Why.
    pub reason: String,
    /// Who wants it: the trigger itself, by its rule, or somebody.
    pub by: Actor,
}

/// INVARIANT: what is said to be quarantined is: the quarantine is part of the same decision, unless it stands.
pub(super) fn fire(state: &State, new: NewFiring, entropy: &mut dyn Entropy) -> Result<Decision, Rejection> {
    let NewFiring { mut firing, in_flight, reason } = new;
    if may_fire(state, &firing, &reason)? == Fires::Already {
        return Ok(Decision::default());
    }
    let mut decision = match &firing.containment {
        Containment::Quarantine(subject) => {
            let (subject, since, by) = (subject.clone(), firing.t1, Actor::Trigger(firing.trigger.clone()));
            containment::quarantine(state, NewQuarantine { subject, since, in_flight, reason, by }, entropy)?
        }
        Containment::FallBack { .. } | Containment::Mode { .. } | Containment::Throttle { .. } => {
            Decision::default()
        }
    };
    firing.first.truncate(MAX_FIRST);
    decision.facts.insert(0, Body::TriggerFired(firing));
    Ok(decision)
}

/// Whether a firing is new to a state that would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fires {
    /// It stands there already.
    Already,
    /// It would be a fact.
    Anew,
}

/// Whether a firing will be taken: all that [`Wish::FireTrigger`](super::Wish) can be refused for, so that what a trigger does can be
/// in force before it is a fact.
///
/// # Errors
/// When there is no such trigger, too many firings stand, or what it quarantines cannot be.
pub fn may_fire(state: &State, firing: &Firing, reason: &str) -> Result<Fires, Rejection> {
    if state.resource(Kind::Trigger, &firing.trigger).is_none() {
        return Err(Rejection::NotFound {
            kind: Kind::Trigger.to_string(),
            name: firing.trigger.to_string(),
        });
    }
    if state.firing(&firing.trigger, firing.of.as_ref()).is_some_and(|fired| fired.stands()) {
        return Ok(Fires::Already);
    }
    if state.firings().filter(|fired| fired.stands()).count() >= MAX_FIRINGS {
        return Err(Rejection::Refused(format!(
            "{MAX_FIRINGS} firings stand, and no more are taken; help: lift some"
        )));
    }
    match &firing.containment {
        // One that stands is not ordered anew.
        Containment::Quarantine(subject) if state.quarantine(subject).is_none() => {
            containment::may_quarantine(state, subject, reason)?;
        }
        Containment::FallBack { .. }
        | Containment::Mode { .. }
        | Containment::Quarantine(_)
        | Containment::Throttle { .. } => {}
    }
    Ok(Fires::Anew)
}

pub(super) fn contained(state: &State, contained: Contained) -> Result<Decision, Rejection> {
    let fired = standing(state, &contained.trigger, contained.of.as_ref())?;
    if fired.contained.is_some() {
        return Ok(Decision::default());
    }
    Ok(Decision::fact(Body::TriggerContained(contained)))
}

pub(super) fn clear(state: &State, new: NewClear, entropy: &mut dyn Entropy) -> Result<Decision, Rejection> {
    let fired = standing(state, &new.trigger, new.of.as_ref())?;
    if is_trigger(&new.by) {
        by_rule(state, &new, &fired.firing.containment)?;
    }
    match &fired.firing.containment {
        Containment::Quarantine(subject) => {
            let of_triggers = state.quarantine(subject).is_some_and(|standing| is_trigger(&standing.by));
            // What another trigger still holds, or a person took over, is not given back.
            if of_triggers && holding(state, subject).count() == 1 {
                let lift = NewLift { subject: subject.clone(), reason: new.reason, by: new.by };
                return containment::lift(state, lift, entropy);
            }
            Ok(Decision::fact(Body::TriggerCleared(Cleared::from(fired))))
        }
        // These stand for the trigger alone, which says why in the resource.
        Containment::FallBack { .. } | Containment::Mode { .. } | Containment::Throttle { .. } => {
            containment::reasoned(&new.reason)?;
            Ok(Decision::fact(Body::TriggerCleared(Cleared::from(fired))))
        }
    }
}

/// Whether a trigger may end what it did by itself: where its rule says so, and no system of high risk has to do with it.
fn by_rule(state: &State, new: &NewClear, containment: &Containment) -> Result<(), Rejection> {
    let of_itself = matches!(&new.by, Actor::Trigger(name) if *name == new.trigger);
    let standing = state.resource(Kind::Trigger, &new.trigger).map(|standing| &standing.spec);
    match standing {
        Some(Spec::Trigger(spec))
            if of_itself
                && spec.lift == LiftedBy::Rule
                && !about(containment).is_some_and(|of| needs_two(state, &of)) =>
        {
            Ok(())
        }
        _ => Err(Rejection::Refused(format!("only people end what trigger `{}` did", new.trigger))),
    }
}

/// What a containment is about, as far as systems use that.
fn about(containment: &Containment) -> Option<Subject> {
    match containment {
        Containment::Quarantine(subject) => Some(subject.clone()),
        Containment::Mode { route, .. } | Containment::FallBack { route: Some(route), .. } => {
            Some(Subject::Route(route.clone()))
        }
        Containment::FallBack { model, route: None } => Some(Subject::Model(model.clone())),
        Containment::Throttle { applies_to, .. } => {
            let route = applies_to.route.clone().map(Subject::Route);
            route.or_else(|| applies_to.model.clone().map(Subject::Model))
        }
    }
}

/// Whether a trigger can be taken away: what it did would have no name to be lifted by.
pub(super) fn deletable(state: &State, trigger: &Name) -> Result<(), Rejection> {
    if state.firings_of(trigger).any(|fired| fired.stands()) {
        return Err(Rejection::Refused(format!(
            "what trigger `{trigger}` did still stands; help: `cordon triggers lift {trigger}`"
        )));
    }
    Ok(())
}

/// The firings that hold a quarantine.
pub(super) fn holding<'a>(state: &'a State, subject: &Subject) -> impl Iterator<Item = &'a Fired> {
    let containment = Containment::Quarantine(subject.clone());
    state
        .firings()
        .map(AsRef::as_ref)
        .filter(move |fired: &&Fired| fired.stands() && fired.firing.containment == containment)
}

fn standing<'a>(state: &'a State, trigger: &Name, of: Option<&Subject>) -> Result<&'a Fired, Rejection> {
    let fired = state.firing(trigger, of).map(AsRef::as_ref).filter(|fired: &&Fired| fired.stands());
    fired.ok_or_else(|| Rejection::NotFound {
        kind: "firing".to_owned(),
        name: of.map_or_else(|| trigger.to_string(), |of| format!("{trigger} of {of}")),
    })
}
