//! Commands about what is out of use. Who may wish them is decided before.

use super::{Decision, Entropy, Rejection, triggers};
use crate::{
    Name, Timestamp,
    containment::{Cleared, InFlight, Lift, Quarantine, Standing, Subject},
    fact::{Actor, Body},
    resource::{Kind, RiskClass, Spec},
    state::State,
};

/// The most quarantines at a time: each is looked up on some call's way.
pub const MAX_QUARANTINES: usize = 10_000;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 4096;

/// A quarantine that somebody wants.
#[derive(Clone, Debug)]
pub struct NewQuarantine {
    /// What is to be out.
    pub subject: Subject,
    /// When it came into force.
    pub since: Timestamp,
    /// What becomes of calls in flight.
    pub in_flight: InFlight,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub by: Actor,
}

/// The end of a quarantine, as somebody wants it.
#[derive(Clone, Debug)]
pub struct NewLift {
    /// What is to be back.
    pub subject: Subject,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub by: Actor,
}

pub(super) fn quarantine(
    state: &State,
    new: NewQuarantine,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    // What a trigger did becomes a person's own who orders it too: no rule lifts it any more.
    let taken_over = |standing: &Standing| is_trigger(&standing.by) && !is_trigger(&new.by);
    if state.quarantine(&new.subject).is_some_and(|standing| !taken_over(standing)) {
        return Ok(Decision::default());
    }
    may_quarantine(state, &new.subject, &new.reason)?;
    let mut decision = Decision::default();
    if let Some(reason) = decision.seal(Some(new.reason), entropy)? {
        let NewQuarantine { subject, since, in_flight, .. } = new;
        decision.facts.push(Body::SubjectQuarantined(Quarantine { subject, since, in_flight, reason }));
    }
    Ok(decision)
}

pub(super) fn lift(state: &State, new: NewLift, entropy: &mut dyn Entropy) -> Result<Decision, Rejection> {
    let Some(standing) = state.quarantine(&new.subject) else {
        return Err(Rejection::NotFound { kind: "quarantine".to_owned(), name: new.subject.to_string() });
    };
    let two = needs_two(state, &new.subject);
    // Who asked before there were people to be told apart does not count as one of two.
    let asked = standing.asked.as_ref().filter(|asked| is_somebody(state, asked));
    let first = asked.is_none_or(|asked| *asked == new.by);
    if is_trigger(&new.by) && (two || !is_trigger(&standing.by)) {
        return Err(Rejection::Refused(format!("only people lift the quarantine of {}", new.subject)));
    }
    if two && !is_somebody(state, &new.by) {
        return Err(Rejection::Refused(format!(
            "{} belongs to a system of high risk: two people lift it, and whoever holds the administrator's token or the store's files could be either of them; help: `cordon login`, or sign in",
            new.subject
        )));
    }
    let asks = first && two;
    if asks && asked.is_some() {
        return Err(Rejection::Refused(format!(
            "{} belongs to a system of high risk: somebody else than who asked must lift it too; help: ask a second person",
            new.subject
        )));
    }
    reasoned(&new.reason)?;
    let mut decision = Decision::default();
    if let Some(reason) = decision.seal(Some(new.reason), entropy)? {
        let lift = Lift { subject: new.subject, reason };
        if asks {
            decision.facts.push(Body::LiftAsked(lift));
        } else {
            let cleared = triggers::holding(state, &lift.subject)
                .map(|fired| Body::TriggerCleared(Cleared::from(fired)));
            decision.facts.extend(cleared);
            decision.facts.push(Body::QuarantineLifted(lift));
        }
    }
    Ok(decision)
}

/// Whether an actor is told apart from the people that there are: where at least two are known, only who signed in is. A person who was
/// disabled is one of them still, so that nobody is made the only one by it.
fn is_somebody(state: &State, actor: &Actor) -> bool {
    matches!(actor, Actor::User(_)) || state.users().nth(1).is_none()
}

/// Whether a change leaves two people needed wherever they are needed to lift what is quarantined now: who takes the system of high risk
/// away from it would lift it alone.
///
/// # Errors
/// With the first subject that one person could lift then.
pub(super) fn keeps_two(state: &State, now: Timestamp, decision: &Decision) -> Result<(), Rejection> {
    let subjects = state.quarantines().map(|standing| &standing.quarantine.subject);
    let guarded: Vec<&Subject> = subjects.filter(|subject| needs_two(state, subject)).collect();
    if guarded.is_empty() || decision.facts.is_empty() {
        return Ok(());
    }
    let mut after = state.clone();
    super::facts(decision, now, &Actor::Cordon).iter().for_each(|fact| drop(after.apply(fact)));
    guarded.into_iter().find(|subject| !needs_two(&after, subject)).map_or(Ok(()), |subject| {
        Err(Rejection::Refused(format!(
            "{subject} is quarantined and takes two people to lift, and after this change one could; help: lift it first, or leave it where it is: a target of weight 0 gets no calls"
        )))
    })
}

/// Whether a trigger did it, not a person.
pub(super) const fn is_trigger(actor: &Actor) -> bool {
    matches!(actor, Actor::Trigger(_))
}

/// Whether a quarantine will be taken: all that [`Wish::Quarantine`](super::Wish) can be refused for, so that one can be in
/// force before it is a fact.
///
/// # Errors
/// When nobody declared the subject, the reason has no words or too many, or too many subjects are quarantined.
pub fn may_quarantine(state: &State, subject: &Subject, reason: &str) -> Result<(), Rejection> {
    quarantinable(state, subject)?;
    reasoned(reason)?;
    if state.quarantine(subject).is_none() && state.quarantines().count() >= MAX_QUARANTINES {
        return Err(Rejection::Refused(format!(
            "{MAX_QUARANTINES} subjects are quarantined, and no more are taken; help: lift some"
        )));
    }
    Ok(())
}

/// Whoever reads the log later has to learn why; a reason has words, and is no document.
pub(super) fn reasoned(reason: &str) -> Result<(), Rejection> {
    if reason.trim().is_empty() || reason.chars().nth(MAX_REASON).is_some() {
        return Err(Rejection::Refused(format!(
            "a reason has 1 to {MAX_REASON} characters; help: say in a sentence why"
        )));
    }
    Ok(())
}

/// Whether two people are needed to lift the quarantine of a subject: where it is, or is part of, a system of high risk.
pub fn needs_two(state: &State, subject: &Subject) -> bool {
    let high = |system: &Name| {
        let standing = state.resource(Kind::System, system).map(|standing| &standing.spec);
        matches!(standing, Some(Spec::System(system)) if matches!(system.risk, RiskClass::High | RiskClass::Prohibited))
    };
    let mut routes = state.resources_of(Kind::Route).filter_map(|(name, standing)| match &standing.spec {
        Spec::Route(route) => Some((name, route)),
        _ => None,
    });
    let of_service = |model: &Name, service: &Name| {
        let standing = state.resource(Kind::Model, model).map(|standing| &standing.spec);
        matches!(standing, Some(Spec::Model(model)) if model.service == *service)
    };
    match subject {
        Subject::System(system) => high(system),
        Subject::Route(wanted) => {
            routes.any(|(name, route)| name == wanted && route.system.as_ref().is_some_and(high))
        }
        Subject::Model(wanted) => routes.any(|(_, route)| {
            route.named().any(|model| model == wanted) && route.system.as_ref().is_some_and(high)
        }),
        Subject::Service(wanted) => routes.any(|(_, route)| {
            route.named().any(|model| of_service(model, wanted)) && route.system.as_ref().is_some_and(high)
        }),
        Subject::Prompt(_)
        | Subject::Tool(_)
        | Subject::Principal(_)
        | Subject::Key(_)
        | Subject::Detector(_)
        | Subject::Signature(_) => false,
    }
}

/// Whether a subject can be quarantined. One that nobody declared is most likely a wrong name, and somebody in a hurry
/// must learn that at once.
///
/// # Errors
/// When nobody declared it.
pub fn quarantinable(state: &State, subject: &Subject) -> Result<(), Rejection> {
    let found = match subject {
        Subject::Model(name) => state.resource(Kind::Model, name).is_some(),
        Subject::Service(name) => state.resource(Kind::Service, name).is_some(),
        Subject::Principal(name) => state.resource(Kind::Principal, name).is_some(),
        Subject::Route(name) => state.resource(Kind::Route, name).is_some(),
        Subject::System(name) => state.resource(Kind::System, name).is_some(),
        Subject::Key(key) => state.key(*key).is_some(),
        // Tools and detectors are declared elsewhere, and prompts and signatures are of content.
        Subject::Prompt(_) | Subject::Tool(_) | Subject::Detector(_) | Subject::Signature(_) => true,
    };
    if found {
        Ok(())
    } else {
        let name = subject.to_string().split_once('/').map_or_else(String::new, |(_, name)| name.to_owned());
        Err(Rejection::NotFound { kind: subject.kind().to_owned(), name })
    }
}
