//! Who may end a quarantine, and what can be quarantined.
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
    HmacKey, State, UserId,
    command::{self, MAX_REASON, NewLift, NewQuarantine, Rejection, Wish, needs_two},
    containment::{InFlight, Subject, ToolName},
    fact::{Actor, Body},
    resource::{Kind, RiskClass, Spec, Target},
};
use support::{at, name, resource};

/// One of each kind of resource, which name each other.
fn world(risk: RiskClass) -> State {
    let mut state = State::new();
    let resources = Kind::ALL.iter().map(|kind| {
        let mut resource = resource(*kind, 0, 6, 1);
        match &mut resource.spec {
            Spec::System(system) => system.risk = risk,
            Spec::Route(route) => route.system = Some(name(Kind::System, 0)),
            _ => {}
        }
        resource
    });
    decide(&mut state, Wish::Apply(resources.collect()), &Actor::Local).unwrap();
    state
}

/// Decides a wish and applies its facts. Gives their types.
fn decide(state: &mut State, wish: Wish, actor: &Actor) -> Result<Vec<&'static str>, Rejection> {
    let mut entropy = || HmacKey::from_bytes([7; 32]);
    let decision = command::decide(state, at(1), wish, &BTreeMap::new(), &mut entropy)?;
    let facts = command::facts(&decision, at(1), actor);
    facts.iter().for_each(|fact| drop(state.apply(fact)));
    Ok(facts.iter().map(|fact| fact.body.type_name()).collect())
}

fn quarantine(subject: &Subject) -> Wish {
    let reason = "it leaks".to_owned();
    Wish::Quarantine(NewQuarantine {
        subject: subject.clone(),
        since: at(1),
        in_flight: InFlight::Cancel,
        reason,
        by: person(1),
    })
}

fn lift(subject: &Subject, by: &Actor) -> Wish {
    Wish::LiftQuarantine(NewLift { subject: subject.clone(), reason: "mended".to_owned(), by: by.clone() })
}

fn person(number: u8) -> Actor {
    Actor::User(UserId::from_bytes([number; 8]))
}

fn subjects() -> [Subject; 4] {
    [
        Subject::Model(name(Kind::Model, 0)),
        Subject::Service(name(Kind::Service, 0)),
        Subject::Route(name(Kind::Route, 0)),
        Subject::System(name(Kind::System, 0)),
    ]
}

#[test]
fn two_people_lift_what_belongs_to_a_system_of_high_risk() {
    let (ann, ben) = (person(1), person(2));
    for subject in subjects() {
        let mut state = world(RiskClass::High);
        assert_eq!(decide(&mut state, quarantine(&subject), &ann).unwrap(), ["subject.quarantined"]);
        assert_eq!(decide(&mut state, lift(&subject, &ann), &ann).unwrap(), ["quarantine.lift_asked"]);
        let again = decide(&mut state, lift(&subject, &ann), &ann).unwrap_err();
        assert!(again.to_string().contains("second person"), "{again}");
        assert!(state.quarantine(&subject).is_some(), "{subject} stands");
        assert_eq!(decide(&mut state, lift(&subject, &ben), &ben).unwrap(), ["quarantine.lifted"]);
        assert!(state.quarantine(&subject).is_none());
    }
}

#[test]
fn two_people_lift_a_model_that_a_route_of_high_risk_may_come_to() {
    let model = |number: u32| name(Kind::Model, number);
    for place in ["fallback", "degraded", "weight 0"] {
        let mut state = world(RiskClass::High);
        let mut route = resource(Kind::Route, 0, 6, 1);
        let mut other = resource(Kind::Model, 1, 6, 1);
        let Spec::Route(spec) = &mut route.spec else { unreachable!("it is a route") };
        if let Spec::Model(model) = &mut other.spec {
            model.service = name(Kind::Service, 0);
        }
        spec.system = Some(name(Kind::System, 0));
        let unused = Target { model: model(1), weight: u32::from(place == "degraded") };
        match place {
            "fallback" => spec.fallback = vec![model(1)],
            "degraded" => spec.degraded = vec![unused],
            _ => spec.targets.push(unused),
        }
        decide(&mut state, Wish::Apply(vec![other, route]), &Actor::Local).unwrap();
        assert!(needs_two(&state, &Subject::Model(model(1))), "{place}");
    }
}

#[test]
fn one_person_lifts_the_rest() {
    let ann = person(1);
    let rest = ["tool/search", "detector/card"].map(|text| Subject::parse(text).unwrap());
    for subject in subjects().into_iter().chain(rest) {
        let mut state = world(RiskClass::Limited);
        decide(&mut state, quarantine(&subject), &ann).unwrap();
        let standing = state.quarantine(&subject).unwrap();
        assert_eq!((&standing.by, &standing.asked), (&ann, &None));
        assert_eq!(decide(&mut state, quarantine(&subject), &ann).unwrap(), [""; 0], "it stands already");
        assert_eq!(decide(&mut state, lift(&subject, &ann), &ann).unwrap(), ["quarantine.lifted"]);
    }
}

#[test]
fn a_wrong_name_is_told_at_once_and_what_stands_no_longer_cannot_be_lifted() {
    let mut state = world(RiskClass::Limited);
    for text in
        ["model/nowhere", "service/nowhere", "route/nowhere", "system/nowhere", "key/0102030405060708"]
    {
        let subject = Subject::parse(text).unwrap();
        let refused = decide(&mut state, quarantine(&subject), &person(1)).unwrap_err();
        assert!(matches!(refused, Rejection::NotFound { .. }), "{text}: {refused}");
    }
    let subject = Subject::Model(name(Kind::Model, 0));
    assert!(matches!(
        decide(&mut state, lift(&subject, &person(1)), &person(1)).unwrap_err(),
        Rejection::NotFound { .. }
    ));
}

#[test]
fn a_reason_has_words_and_is_no_document() {
    let subject = Subject::Tool(ToolName::parse("search").unwrap());
    let ann = person(1);
    let mut state = world(RiskClass::Limited);
    let order = |reason: String| {
        let in_flight = InFlight::Cancel;
        Wish::Quarantine(NewQuarantine {
            subject: subject.clone(),
            since: at(1),
            in_flight,
            reason,
            by: ann.clone(),
        })
    };
    let back =
        |reason: String| Wish::LiftQuarantine(NewLift { subject: subject.clone(), reason, by: ann.clone() });
    let longest = "é".repeat(MAX_REASON);
    let wrong = [String::new(), " \n".to_owned(), format!("{longest}e")];
    for reason in wrong.clone() {
        assert!(matches!(decide(&mut state, order(reason), &ann), Err(Rejection::Refused(_))));
    }
    decide(&mut state, order(longest.clone()), &ann).unwrap();
    for reason in wrong {
        assert!(matches!(decide(&mut state, back(reason), &ann), Err(Rejection::Refused(_))));
    }
    decide(&mut state, back(longest), &ann).unwrap();
}

#[test]
fn the_reason_lies_sealed_beside_the_log() {
    let mut state = world(RiskClass::Limited);
    let mut entropy = || HmacKey::from_bytes([7; 32]);
    let wish = quarantine(&subjects()[0]);
    let decision = command::decide(&state, at(1), wish, &BTreeMap::new(), &mut entropy).unwrap();
    let fact = command::facts(&decision, at(1), &person(1)).remove(0);
    let leaf = String::from_utf8(fact.encode().unwrap().bytes).unwrap();
    assert!(!leaf.contains("it leaks") && decision.seals.len() == 1, "{leaf}");
    assert_eq!(fact.body.sealed_digests(), [decision.seals[0].digest]);
    let Body::SubjectQuarantined(_) = &fact.body else { panic!("{leaf}") };
    state.apply(&fact);
    assert_eq!(State::from_cache(&state.to_cache().unwrap()).unwrap(), state);
}
