//! What triggers may do, and what people keep for themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::collections::BTreeMap;

use cordon_core::{
    DurationMs, HmacKey, Name, State,
    command::{self, NewClear, NewFiring, NewLift, NewQuarantine, Rejection, Wish},
    containment::{Contained, Containment, Firing, InFlight, Subject, Tested},
    fact::Actor,
    resource::{Kind, LiftedBy, RiskClass, RouteMode, Spec},
};
use support::{at, name, resource};

const NOBODY: &str = "trigger-9";

/// One of each kind of resource, and two triggers that lift in this way.
fn world(risk: RiskClass, lift: LiftedBy) -> State {
    let mut state = State::new();
    let one = Kind::ALL.iter().map(|kind| resource(*kind, 0, 6, 1));
    let mut all: Vec<_> = one.chain([resource(Kind::Trigger, 1, 7, 1)]).collect();
    for resource in &mut all {
        match &mut resource.spec {
            Spec::System(system) => system.risk = risk,
            Spec::Route(route) => route.system = Some(name(Kind::System, 0)),
            Spec::Trigger(trigger) => trigger.lift = lift,
            _ => {}
        }
    }
    decide(&mut state, Wish::Apply(all), &Actor::Local).unwrap();
    state
}

fn decide(state: &mut State, wish: Wish, actor: &Actor) -> Result<Vec<&'static str>, Rejection> {
    let mut entropy = || HmacKey::from_bytes([7; 32]);
    let decision = command::decide(state, at(9), wish, &BTreeMap::new(), &mut entropy)?;
    let facts = command::facts(&decision, at(9), actor);
    facts.iter().for_each(|fact| drop(state.apply(fact)));
    Ok(facts.iter().map(|fact| fact.body.type_name()).collect())
}

fn trigger(number: u32) -> Name {
    name(Kind::Trigger, number)
}

fn model() -> Subject {
    Subject::Model(name(Kind::Model, 0))
}

fn order(by: &Actor) -> Wish {
    Wish::Quarantine(NewQuarantine {
        subject: model(),
        since: at(1),
        in_flight: InFlight::Cancel,
        reason: "it fails".to_owned(),
        by: by.clone(),
    })
}

fn fires_to(of: Name, containment: Containment) -> Wish {
    let firing = Firing {
        trigger: of,
        of: None,
        containment,
        t0: at(1),
        t1: at(3),
        calls: 40,
        bad: 30,
        first: Vec::new(),
        hold: DurationMs::from_secs(300),
        node: Some(Name::parse("node-1").unwrap()),
    };
    Wish::FireTrigger(NewFiring { firing, in_flight: InFlight::Cancel, reason: "it fails".to_owned() })
}

fn fires(of: Name) -> Wish {
    fires_to(of, Containment::Quarantine(model()))
}

fn clear(of: u32, by: &Actor) -> Wish {
    Wish::ClearTrigger(NewClear {
        trigger: trigger(of),
        of: None,
        reason: "clear".to_owned(),
        by: by.clone(),
    })
}

/// A trigger has quarantined the model.
fn fired(state: &mut State, number: u32) -> Actor {
    let own = Actor::Trigger(trigger(number));
    let is_out = state.quarantine(&model()).is_some();
    let facts: &[_] = if is_out { &["trigger.fired"] } else { &["trigger.fired", "subject.quarantined"] };
    assert_eq!(decide(state, fires(trigger(number)), &own).unwrap(), facts);
    own
}

#[test]
fn a_trigger_ends_by_its_rule_what_it_did_itself() {
    let mut state = world(RiskClass::Limited, LiftedBy::Rule);
    let own = fired(&mut state, 0);
    let fact = Contained { trigger: trigger(0), of: None, t2: at(4), tested: Tested::default() };
    assert_eq!(decide(&mut state, Wish::NoteContained(fact.clone()), &own).unwrap(), ["trigger.contained"]);
    assert_eq!(decide(&mut state, Wish::NoteContained(fact), &own).unwrap(), [""; 0], "once");
    assert_eq!(decide(&mut state, fires(trigger(0)), &own).unwrap(), [""; 0], "it stands already");
    let standing = state.firing(&trigger(0), None).unwrap().clone();
    assert_eq!(standing.to_detect(), DurationMs::from_secs(2));
    assert_eq!(standing.to_contain(), Some(DurationMs::from_secs(3)));
    let refused = decide(&mut state, Wish::Delete(Kind::Trigger, trigger(0)), &Actor::Local).unwrap_err();
    assert!(refused.to_string().contains("still stands"), "{refused}");

    assert_eq!(decide(&mut state, clear(0, &own), &own).unwrap(), ["trigger.cleared", "quarantine.lifted"]);
    assert!(state.quarantine(&model()).is_none());
    let last = state.firing(&trigger(0), None).unwrap();
    assert_eq!((last.cleared, last.contained), (Some(at(9)), Some(at(4))));
    assert!(matches!(decide(&mut state, clear(0, &own), &own), Err(Rejection::NotFound { .. })));
    decide(&mut state, Wish::Delete(Kind::Trigger, trigger(0)), &Actor::Local).unwrap();
    assert_eq!(state.firings().count(), 0, "nothing is remembered of what is gone");
}

#[test]
fn only_people_end_what_the_trigger_leaves_to_them() {
    for (risk, lift) in [(RiskClass::Limited, LiftedBy::Person), (RiskClass::High, LiftedBy::Rule)] {
        let mut state = world(risk, lift);
        let own = fired(&mut state, 0);
        let refused = decide(&mut state, clear(0, &own), &own).unwrap_err();
        assert!(refused.to_string().contains("only people"), "{refused}");
        let other = Actor::Trigger(trigger(1));
        assert!(decide(&mut state, clear(0, &other), &other).is_err(), "another trigger may not either");
        assert!(state.quarantine(&model()).is_some());
        let cleared = decide(&mut state, clear(0, &Actor::Local), &Actor::Local).unwrap();
        match risk {
            RiskClass::High => assert_eq!(cleared, ["quarantine.lift_asked"], "and then a second person"),
            _ => assert_eq!(cleared, ["trigger.cleared", "quarantine.lifted"]),
        }
    }
}

#[test]
fn no_rule_makes_a_route_of_a_system_of_high_risk_looser() {
    for (risk, lifted) in [(RiskClass::High, false), (RiskClass::Limited, true)] {
        let mut state = world(risk, LiftedBy::Rule);
        let own = Actor::Trigger(trigger(0));
        let containment = Containment::Mode { route: name(Kind::Route, 0), mode: RouteMode::Off };
        assert_eq!(decide(&mut state, fires_to(trigger(0), containment), &own).unwrap(), ["trigger.fired"]);
        assert_eq!(decide(&mut state, clear(0, &own), &own).is_ok(), lifted);
        if !lifted {
            let by = Actor::Local;
            assert_eq!(decide(&mut state, clear(0, &by), &by).unwrap(), ["trigger.cleared"]);
        }
    }
}

#[test]
fn what_a_person_orders_too_is_a_persons() {
    let mut state = world(RiskClass::Limited, LiftedBy::Rule);
    let own = fired(&mut state, 0);
    assert_eq!(decide(&mut state, order(&Actor::Local), &Actor::Local).unwrap(), ["subject.quarantined"]);
    assert_eq!(state.quarantine(&model()).unwrap().by, Actor::Local);
    assert_eq!(decide(&mut state, order(&own), &own).unwrap(), [""; 0], "and is not taken back");
    assert_eq!(decide(&mut state, clear(0, &own), &own).unwrap(), ["trigger.cleared"]);
    assert!(state.quarantine(&model()).is_some(), "it stands");
}

#[test]
fn what_two_triggers_hold_is_back_when_both_have_let_go() {
    let mut state = world(RiskClass::Limited, LiftedBy::Rule);
    let (first, second) = (fired(&mut state, 0), fired(&mut state, 1));
    assert_eq!(decide(&mut state, clear(0, &first), &first).unwrap(), ["trigger.cleared"]);
    assert!(state.quarantine(&model()).is_some());
    let last = decide(&mut state, clear(1, &second), &second).unwrap();
    assert_eq!(last, ["trigger.cleared", "quarantine.lifted"]);

    let _ = (fired(&mut state, 0), fired(&mut state, 1));
    let lift = NewLift { subject: model(), reason: "mended".to_owned(), by: Actor::Local };
    let lifted = decide(&mut state, Wish::LiftQuarantine(lift), &Actor::Local).unwrap();
    assert_eq!(lifted, ["trigger.cleared", "trigger.cleared", "quarantine.lifted"]);
    assert!(state.firings().all(|fired| !fired.stands()));
}

#[test]
fn what_stands_is_in_force_and_what_cannot_be_does_not_stand() {
    let mut state = world(RiskClass::Limited, LiftedBy::Rule);
    let own = Actor::Trigger(trigger(0));
    let gone = Containment::Quarantine(Subject::Model(Name::parse("gone").unwrap()));
    assert!(matches!(decide(&mut state, fires_to(trigger(0), gone), &own), Err(Rejection::NotFound { .. })));
    assert_eq!(state.firings().count(), 0);
    // One lets go while another fires: whichever comes first, what stands is in force.
    for clear_first in [true, false] {
        let mut state = world(RiskClass::Limited, LiftedBy::Rule);
        let first = fired(&mut state, 0);
        let second = Actor::Trigger(trigger(1));
        let clears = (clear(0, &first), &first);
        let fires = (fires(trigger(1)), &second);
        let both = if clear_first { [clears, fires] } else { [fires, clears] };
        for (wish, by) in both {
            decide(&mut state, wish, by).unwrap();
        }
        assert!(state.firing(&trigger(1), None).unwrap().stands());
        assert!(state.quarantine(&model()).is_some());
    }
}

#[test]
fn who_ended_it_is_known() {
    for (by, by_rule) in [(Actor::Trigger(trigger(0)), true), (Actor::Local, false)] {
        let mut state = world(RiskClass::Limited, LiftedBy::Rule);
        fired(&mut state, 0);
        decide(&mut state, clear(0, &by), &by).unwrap();
        assert_eq!(state.firing(&trigger(0), None).unwrap().by_rule, by_rule);
    }
}

#[test]
fn a_trigger_that_nobody_declared_does_nothing() {
    let mut state = world(RiskClass::Limited, LiftedBy::Rule);
    let nobody = Name::parse(NOBODY).unwrap();
    let own = Actor::Trigger(nobody.clone());
    assert!(matches!(decide(&mut state, fires(nobody), &own), Err(Rejection::NotFound { .. })));
}
