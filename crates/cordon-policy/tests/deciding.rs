//! Which of the joined guards a ruling names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use cordon_core::{
    Action, Category, Channel, Digest, Fact, Form, Mode, Name, Score, Sealed, State, Timestamp,
    fact::{Actor, Body},
    record::DecidingGuard,
    resource::{Exception, ExceptionScope, GuardScope, GuardSpec, Kind, Resource, Rule, Spec},
};
use cordon_policy::{Caller, EffectiveGuard, Ruling, Snapshot};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn any_rule() -> impl Strategy<Value = Rule> {
    (
        prop::sample::subsequence(Channel::ALL.to_vec(), 1..=5),
        prop::sample::select(vec!["pii", "pii/card", "secret", "prompt_injection", "file"]),
        0..=100_u32,
        prop::sample::select(Action::ALL.to_vec()),
    )
        .prop_map(|(channels, category, at, action)| Rule {
            channels,
            category: Category::known(category),
            at: Score::percent(at),
            action,
            form: Form::Mask,
            throttle: None,
            new_only: false,
        })
}

fn any_guard() -> impl Strategy<Value = GuardSpec> {
    let scopes = vec![
        GuardScope::Organisation,
        GuardScope::Team(name("team1")),
        GuardScope::Team(name("team2")),
        GuardScope::System(name("system1")),
        GuardScope::Route,
    ];
    let mode = prop_oneof![3 => Just(Mode::Enforce), 1 => Just(Mode::Observe)];
    let excepted = prop::option::weighted(0.2, prop::sample::select(vec!["pii/card", "secret"]));
    (prop::sample::select(scopes), mode, prop::collection::vec(any_rule(), 0..4), excepted).prop_map(
        |(scope, mode, rules, excepted)| {
            let exception = |category| Exception {
                category: Category::known(category),
                scope: ExceptionScope::Route(name("route1")),
                reason: Sealed::Closed(Digest::sha256(b"r")),
                approver: Sealed::Closed(Digest::sha256(b"a")),
                until: Timestamp::from_millis(100),
            };
            GuardSpec {
                scope,
                mode,
                rules,
                exceptions: excepted.into_iter().map(exception).collect(),
                hosts: None,
                types: Vec::new(),
                allow: None,
                topics: None,
            }
        },
    )
}

/// What holds on a call of team 2 to a route of team 1 with these guards, of which the route lists those of its own.
fn joined(guards: &[(Name, GuardSpec)]) -> EffectiveGuard {
    let listed: Vec<&str> = guards
        .iter()
        .filter(|(_, spec)| spec.scope == GuardScope::Route)
        .map(|(name, _)| name.as_str())
        .collect();
    let route = serde_json::json!({"team": "team1", "system": "system1", "targets": [{"model": "m"}], "guards": listed});
    let principal = serde_json::json!({"team": "team2", "routes": ["route1"]});
    let mut state = State::new();
    let mut set = |name: Name, spec: Spec| {
        let body = Body::ResourceSet(Resource { name, spec });
        state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
    };
    set(name("route1"), Kind::Route.read(route).unwrap());
    set(name("app1"), Kind::Principal.read(principal).unwrap());
    for (name, spec) in guards {
        set(name.clone(), Spec::Guard(spec.clone()));
    }
    let snapshot = Snapshot::compile(&state);
    let (app, route, system) = (name("app1"), name("route1"), name("system1"));
    let caller = Caller { principal: Some(&app), route: Some(&route), system: Some(&system) };
    snapshot.guard(caller, snapshot.route("route1").map(AsRef::as_ref))
}

const NOW: Timestamp = Timestamp::from_millis(0);

proptest! {
    /// The guard that a ruling names, by itself, gives what the ruling says: of those that act the action, and where none asks for
    /// anything, what would be done. It is the first by name of those that do, and nobody is named only where nobody asks.
    #[test]
    fn the_guard_named_alone_gives_the_action(
        specs in prop::collection::vec(any_guard(), 0..5),
        category in prop::sample::select(vec!["pii", "pii/card", "secret/jwt", "prompt_injection", "file/bomb", "other"]),
        channel in prop::sample::select(Channel::ALL.to_vec()),
        score in 0..=100_u32,
    ) {
        let (category, score) = (Category::known(category), Score::percent(score));
        // Names on both sides of `built-in`.
        let names = ["zone", "a-team", "middle", "built", "k9"].map(name);
        let guards: Vec<(Name, GuardSpec)> = names.into_iter().zip(specs).collect();
        let guard = joined(&guards);
        // A list of rules says of whole rules whether they are excepted: not of a part of what a rule is about.
        let in_part = guards.iter().flat_map(|(_, spec)| &spec.exceptions).any(|exception| {
            exception.category.covers(&category)
                && guard.rules(NOW).any(|rule| rule.category.covers(&category) && !exception.category.covers(rule.category))
        });
        prop_assume!(!in_part);
        let ruling = guard.judge(channel, &category, score, NOW);
        let asked = |of: &Name, acting: bool| {
            let rules = guard.rules(NOW).filter(|rule| {
                rule.guard == of && !rule.excepted && !(acting && rule.observes)
                    && rule.channel == channel && score >= rule.at && rule.category.covers(&category)
            });
            rules.map(|rule| rule.action).max().unwrap_or_default()
        };
        for (named, action, acting) in [(&ruling.by, ruling.action, true), (&ruling.would_by, ruling.would, false)] {
            let Some(named) = named else {
                prop_assert_eq!(action, Action::Allow);
                continue;
            };
            prop_assert!(action > Action::Allow);
            prop_assert_eq!(asked(&named.name, acting), action);
            let first = guard.names().filter(|other| asked(other, acting) == action).min();
            prop_assert_eq!(first, Some(&named.name));
            // Without the others and without a Snapshot too; of the baseline some rules may be replaced.
            let declared = guards.iter().find(|(name, _)| *name == named.name);
            prop_assert_eq!(declared.map(|(_, spec)| &spec.scope), named.scope.as_ref());
            if let Some((name, spec)) = declared {
                let alone = EffectiveGuard::alone(name, spec).judge(channel, &category, score, NOW);
                prop_assert_eq!(if acting { alone.action } else { alone.would }, action);
            }
        }
        let recorded = if ruling.action > Action::Allow { ruling.by.clone() } else { ruling.would_by.clone() };
        prop_assert_eq!(ruling.guard(), recorded);
    }
}

#[test]
fn a_guard_named_as_the_baseline_is_told_from_it() {
    let rule = |category, action| Rule {
        channels: vec![Channel::User],
        category: Category::known(category),
        at: Score::ZERO,
        action,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    };
    let spec = GuardSpec {
        scope: GuardScope::Team(name("team2")),
        rules: vec![rule("pii/card", Action::Block), rule("secret", Action::Flag)],
        ..cordon_policy::baseline()
    };
    let guard = joined(&[(name("built-in"), spec)]);
    let by = |category| guard.judge(Channel::User, &Category::known(category), Score::ONE, NOW).by.unwrap();
    let team = DecidingGuard { name: name("built-in"), scope: Some(GuardScope::Team(name("team2"))) };
    assert_eq!(by("pii/card"), team);
    assert_eq!(by("secret"), DecidingGuard { name: name("built-in"), scope: None });
}

#[test]
fn what_is_stricter_than_every_guard_is_nobodys() {
    let guard = joined(&[]);
    let ruled = |own| guard.judge(Channel::User, &Category::known("secret"), Score::ONE, NOW).or_own(own);
    let (kept, blocked) = (ruled(Action::Allow), ruled(Action::Block));
    assert_eq!(ruled(Action::Redact), kept);
    assert_eq!((kept.action, kept.guard().unwrap().name.as_str()), (Action::Redact, "built-in"));
    assert_eq!((blocked.action, blocked.would, blocked.guard()), (Action::Block, Action::Block, None));
    assert_eq!(Ruling::without_guard(Action::Hold).guard(), None);
}
