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
    command::{self, MAX_REASON, NewLift, NewQuarantine, NewUser, Rejection, Wish, needs_two},
    containment::{InFlight, Subject, ToolName},
    fact::{Actor, Body},
    identity::{Origin, Role},
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

/// Somebody who may take things out and give them back is known from now on.
fn add(state: &mut State, number: u8) {
    let id = UserId::from_bytes([number; 8]);
    let login = format!("person{number}@example.org");
    let user = NewUser { id, role: Role::Operator, origin: Origin::Local, login, name: None };
    decide(state, Wish::AddUser(user), &Actor::Local).unwrap();
}

#[test]
fn who_names_nobody_is_no_second_person() {
    let subject = &subjects()[0];
    for nobody in [Actor::Bootstrap, Actor::Local] {
        // Before people are known there is nobody else.
        let mut state = world(RiskClass::High);
        add(&mut state, 1);
        decide(&mut state, quarantine(subject), &nobody).unwrap();
        assert_eq!(decide(&mut state, lift(subject, &nobody), &nobody).unwrap(), ["quarantine.lift_asked"]);
        // Once they are, who asked without a name has not asked, and does not lift what another one asked for.
        add(&mut state, 2);
        let ann = person(1);
        assert_eq!(decide(&mut state, lift(subject, &ann), &ann).unwrap(), ["quarantine.lift_asked"]);
        let refused = decide(&mut state, lift(subject, &nobody), &nobody).unwrap_err();
        assert!(refused.to_string().contains("cordon login"), "{refused}");
        let leave = UserId::from_bytes([2; 8]);
        decide(&mut state, Wish::DisableUser(leave, None), &ann).unwrap();
        assert!(decide(&mut state, lift(subject, &nobody), &nobody).is_err(), "nobody is made the only one");
        assert_eq!(decide(&mut state, lift(subject, &person(3)), &person(3)).unwrap(), ["quarantine.lifted"]);
    }
    let mut state = world(RiskClass::Limited);
    (1..4).for_each(|number| add(&mut state, number));
    decide(&mut state, quarantine(subject), &Actor::Bootstrap).unwrap();
    decide(&mut state, lift(subject, &Actor::Bootstrap), &Actor::Bootstrap).unwrap();
}

#[test]
fn no_change_makes_one_person_enough_for_what_is_quarantined() {
    for subject in subjects() {
        let mut state = world(RiskClass::High);
        let system = |risk| {
            let mut system = resource(Kind::System, 0, 6, 1);
            if let Spec::System(spec) = &mut system.spec {
                spec.risk = risk;
            }
            Wish::Apply(vec![system])
        };
        let route = |system: bool, targets: bool| {
            let mut route = resource(Kind::Route, 0, 6, 1);
            let mut model = resource(Kind::Model, 1, 6, 1);
            let service = resource(Kind::Service, 1, 6, 1);
            if let Spec::Model(model) = &mut model.spec {
                model.service = service.name.clone();
            }
            if let Spec::Route(spec) = &mut route.spec {
                spec.system = system.then(|| name(Kind::System, 0));
                if !targets {
                    spec.targets = vec![Target { model: model.name.clone(), weight: 1 }];
                    spec.fallback.clear();
                    spec.degraded.clear();
                }
            }
            Wish::Apply(vec![service, model, route])
        };
        decide(&mut state, quarantine(&subject), &person(1)).unwrap();
        let refuses = |wish: Wish| {
            let refused = decide(&mut state.clone(), wish.clone(), &person(1)).map(drop);
            let is_refused =
                matches!(&refused, Err(Rejection::Refused(why)) if why.contains("lift it first"));
            (is_refused, refused.is_ok())
        };
        assert_eq!(refuses(system(RiskClass::Limited)), (true, false), "{subject}");
        assert_eq!(refuses(system(RiskClass::Prohibited)), (false, true), "{subject}");
        let of_system = matches!(subject, Subject::System(_));
        assert_eq!(refuses(route(false, true)), (!of_system, of_system), "{subject}");
        let of_target = matches!(subject, Subject::Model(_) | Subject::Service(_));
        assert_eq!(refuses(route(true, false)), (of_target, !of_target), "{subject}");
        decide(&mut state, lift(&subject, &person(1)), &person(1)).unwrap();
        decide(&mut state, lift(&subject, &person(2)), &person(2)).unwrap();
        decide(&mut state, system(RiskClass::Limited), &person(1)).unwrap();
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
