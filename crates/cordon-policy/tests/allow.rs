//! The law of values that guards let pass: a list is about the rules of its own guard, and of nobody else's.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use cordon_core::{
    Action, Category, Channel, Fact, Listed, Name, Score, State, Timestamp,
    fact::{Actor, Body},
    resource::{GuardSpec, Kind, Resource, Spec},
};
use cordon_policy::{Caller, EffectiveGuard, Ruling, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

const VALUES: [&str; 2] = ["4111 1111 1111 1111", "5500 0000 0000 0004"];
const CATEGORIES: [&str; 3] = ["pii/card", "prompt_injection/override", "file/bomb"];

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn spec(guard: &Value) -> GuardSpec {
    serde_json::from_value(guard.clone()).unwrap()
}

/// The joined guards of a call by a principal of team `callers`, to a route of team `owners` and of system `s`, as declared.
fn joined(guards: &[Value]) -> EffectiveGuard {
    let mut state = State::new();
    let mut set = |at: &str, spec: Spec| {
        let body = Body::ResourceSet(Resource { name: name(at), spec });
        let actor = Actor::Local;
        state.apply(&Fact { time: Timestamp::from_millis(0), actor, body });
    };
    let listed: Vec<String> =
        (0..guards.len()).filter(|n| guards[*n]["scope"] == "route").map(|n| format!("g{n}")).collect();
    let route = json!({"team": "owners", "system": "s", "targets": [{"model": "m"}], "guards": listed});
    set("r", Kind::Route.read(route).unwrap());
    set("app", Kind::Principal.read(json!({"team": "callers", "routes": ["r"]})).unwrap());
    for (n, guard) in guards.iter().enumerate() {
        set(&format!("g{n}"), Spec::Guard(spec(guard)));
    }
    let snapshot = Snapshot::compile(&state);
    let route = snapshot.route("r").cloned();
    let (app, at, system) = (name("app"), name("r"), name("s"));
    let caller = Caller { principal: Some(&app), route: Some(&at), system: Some(&system) };
    snapshot.guard(caller, route.as_deref())
}

fn judged(guard: &EffectiveGuard, category: &'static str, value: &str) -> Ruling {
    let category = Category::known(category);
    let on = guard.lists().filter(|(_, list)| list.contains(&category, value));
    let listed = on.fold(Listed::NONE, |listed, (at, _)| listed.with(at));
    guard.judge_value(Channel::User, &category, Score::percent(95), listed, Timestamp::from_millis(0))
}

fn any_guard() -> impl Strategy<Value = Value> {
    let scope = prop::sample::select(vec![
        json!("organisation"),
        json!({"team": "owners"}),
        json!({"system": "s"}),
        json!("route"),
        json!({"team": "callers"}),
    ]);
    let rule = (
        prop::sample::select(vec!["pii", "pii/card", "prompt_injection", "file"]),
        prop::sample::select(Action::ALL.to_vec()),
    )
        .prop_map(|(category, action)| json!({"category": category, "action": action}));
    let values = prop::sample::subsequence(VALUES.to_vec(), 0..=2);
    (scope, any::<bool>(), prop::collection::vec(rule, 0..3), values, any::<bool>()).prop_map(
        |(scope, observes, rules, values, published)| {
            let values: Vec<Value> = values.iter().map(|value| json!({"category": "pii", "value": value})).collect();
            let mode = if observes { "observe" } else { "enforce" };
            json!({"scope": scope, "mode": mode, "rules": rules, "allow": {"published": published, "values": values}})
        },
    )
}

/// The same guard without its list.
fn without(guard: &Value) -> Value {
    let mut guard = guard.clone();
    guard.as_object_mut().unwrap().remove("allow");
    guard
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever lists other guards have, a call is treated at least as strictly as by any one guard that has none.
    #[test]
    fn a_list_never_loosens_another_guard(
        guards in prop::collection::vec(any_guard(), 1..5),
        which in any::<prop::sample::Index>(),
        category in prop::sample::select(CATEGORIES.to_vec()),
        value in prop::sample::select(VALUES.to_vec()),
    ) {
        let which = which.index(guards.len());
        let mut guards = guards;
        guards[which] = without(&guards[which]);
        let alone = EffectiveGuard::alone(&name("alone"), &spec(&guards[which]));
        let (all, one) = (judged(&joined(&guards), category, value), judged(&alone, category, value));
        prop_assert!(all.action >= one.action && all.would >= one.would, "{all:?} {one:?}");
    }

    /// Findings that are of no value are treated as if there were no lists.
    #[test]
    fn lists_are_of_values_alone(
        guards in prop::collection::vec(any_guard(), 0..5),
        category in prop::sample::select(vec!["prompt_injection/override", "file/bomb"]),
        value in prop::sample::select(VALUES.to_vec()),
    ) {
        let plain: Vec<Value> = guards.iter().map(without).collect();
        prop_assert_eq!(judged(&joined(&guards), category, value), judged(&joined(&plain), category, value));
    }

    /// A list only ever lets pass: no finding is treated more strictly for it.
    #[test]
    fn a_list_makes_nothing_stricter(
        guards in prop::collection::vec(any_guard(), 0..5),
        value in prop::sample::select(VALUES.to_vec()),
    ) {
        let plain: Vec<Value> = guards.iter().map(without).collect();
        let (with, without) = (judged(&joined(&guards), "pii/card", value), judged(&joined(&plain), "pii/card", value));
        prop_assert!(with.action <= without.action && with.would <= without.would);
    }
}

#[test]
fn the_baseline_lets_pass_what_own_guards_that_act_let_pass() {
    let list = json!({"values": [{"category": "pii/card", "value": VALUES[0]}]});
    let action = |scope: Value, mode: &str, value| {
        let guard = json!({"scope": scope, "mode": mode, "rules": [], "allow": list});
        judged(&joined(&[guard]), "pii/card", value).action
    };
    for scope in [json!("organisation"), json!({"team": "owners"}), json!({"system": "s"}), json!("route")] {
        assert_eq!(action(scope.clone(), "enforce", VALUES[0]), Action::Allow);
        assert_eq!(action(scope.clone(), "enforce", VALUES[1]), Action::Redact);
        assert_eq!(action(scope, "observe", VALUES[0]), Action::Redact);
    }
    assert_eq!(
        action(json!({"team": "callers"}), "enforce", VALUES[0]),
        Action::Redact,
        "of the caller's team"
    );
}
