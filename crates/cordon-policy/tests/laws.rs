//! The laws of the Snapshot and of joined guards, as properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use cordon_core::{
    Action, ApiKey, Category, Channel, Digest, DurationMs, Fact, Form, HostPattern, KeyId, Listed, Mode,
    Name, Score, Sealed, State, Timestamp,
    containment::{Cleared, Containment, Firing, FiringId},
    fact::{Actor, Body},
    resource::{
        Exception, ExceptionScope, GuardScope, GuardSpec, Kind, LimitSpec, LimitSubject, Requests, Resource,
        RouteGuards, RouteMode, Rule, Spec,
    },
};
use cordon_policy::{Caller, EffectiveGuard, Snapshot};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn any_name(prefix: &'static str) -> impl Strategy<Value = Name> {
    (0..4_u8).prop_map(move |n| name(&format!("{prefix}{n}")))
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(Action::ALL.to_vec())
}

fn any_rule() -> impl Strategy<Value = Rule> {
    (
        prop::sample::subsequence(Channel::ALL.to_vec(), 1..=5),
        prop::sample::select(vec!["pii", "pii/card", "secret", "prompt_injection"]),
        0..=100_u32,
        any_action(),
        prop::sample::select(vec![Form::Token, Form::Hash, Form::Mask, Form::Drop]),
    )
        .prop_map(|(channels, category, at, action, form)| Rule {
            channels,
            category: Category::known(category),
            at: Score::percent(at),
            action,
            form,
            throttle: None,
            new_only: false,
        })
}

fn any_scope() -> impl Strategy<Value = GuardScope> {
    prop_oneof![
        Just(GuardScope::Organisation),
        any_name("team").prop_map(GuardScope::Team),
        any_name("system").prop_map(GuardScope::System),
        Just(GuardScope::Route),
    ]
}

fn any_guard() -> impl Strategy<Value = GuardSpec> {
    let mode = prop_oneof![4 => Just(Mode::Enforce), 1 => Just(Mode::Observe)];
    (any_scope(), mode, prop::collection::vec(any_rule(), 0..4)).prop_map(|(scope, mode, rules)| GuardSpec {
        scope,
        mode,
        rules,
        exceptions: Vec::new(),
        hosts: None,
        types: Vec::new(),
        allow: None,
        topics: None,
    })
}

fn route_spec(team: &Name, system: Option<&Name>, guards: &RouteGuards) -> Spec {
    let mut spec = serde_json::json!({
        "team": team.as_str(), "targets": [{"model": "m"}, {"model": "second"}], "fallback": ["third"],
        "degraded": [{"model": "second"}],
    });
    if let Some(system) = system {
        spec["system"] = system.as_str().into();
    }
    if *guards == RouteGuards::None {
        spec["guards"] = "none".into();
    } else {
        spec["guards"] = guards.names().iter().map(Name::as_str).collect();
    }
    Kind::Route.read(spec).unwrap()
}

fn any_containment() -> impl Strategy<Value = Containment> {
    let modes = vec![RouteMode::Degraded, RouteMode::Safe, RouteMode::Off];
    let mode = (any_name("route"), prop::sample::select(modes))
        .prop_map(|(route, mode)| Containment::Mode { route, mode });
    let model = prop::sample::select(vec!["m", "second", "third"]);
    let fall_back = (model, prop::option::of(any_name("route")))
        .prop_map(|(model, route)| Containment::FallBack { model: name(model), route });
    let throttle = (any_name("route"), 1..9_u32).prop_map(|(route, count)| Containment::Throttle {
        applies_to: LimitSubject::of_route(route),
        requests: Requests { count, window: DurationMs::from_secs(1), burst: None },
    });
    prop_oneof![mode, fall_back, throttle]
}

fn any_body() -> impl Strategy<Value = Body> {
    let set = |name: Name, spec: Spec| Body::ResourceSet(Resource { name, spec });
    let limit = (any_name("limit"), any_name("route"), 1..9_u32).prop_map(move |(at, route, concurrency)| {
        // One that names several is found by any of them.
        let team = concurrency.is_multiple_of(2).then(|| name("t"));
        let applies_to = LimitSubject { team, ..LimitSubject::of_route(route) };
        let spec = LimitSpec { concurrency: Some(concurrency), ..LimitSpec::new(applies_to) };
        set(at, Spec::Limit(spec))
    });
    let route = (any_name("route"), any_name("team"), prop::option::of(any_name("system")), any::<bool>())
        .prop_map(move |(at, team, system, none)| {
            let guards = if none { RouteGuards::None } else { RouteGuards::Listed(vec![name("guard1")]) };
            set(at, route_spec(&team, system.as_ref(), &guards))
        });
    let principal = (any_name("app"), any_name("team")).prop_map(move |(at, team)| {
        set(
            at,
            Kind::Principal.read(serde_json::json!({"team": team.as_str(), "routes": ["route1"]})).unwrap(),
        )
    });
    let retention = (any_name("keep"), prop::option::of(any_name("route")), prop::option::of(any_name("system")), 1..60_u32)
        .prop_map(move |(at, route, system, days)| {
            let spec = serde_json::json!({
                "routes": Vec::from_iter(route), "systems": Vec::from_iter(system), "content": format!("{days}d"),
                "labels": if days % 3 == 0 { serde_json::json!({"data": "health"}) } else { serde_json::json!({}) },
            });
            set(at, Kind::Retention.read(spec).unwrap())
        });
    let system = (any_name("system"), any::<bool>()).prop_map(move |(at, health)| {
        let data = if health { "health" } else { "public" };
        let spec = serde_json::json!({"team": "t", "purpose": "p", "risk": "high", "labels": {"data": data}});
        set(at, Kind::System.read(spec).unwrap())
    });
    let tool =
        (any_name("tool"), any_name("called"), any::<bool>()).prop_map(move |(at, called, outside)| {
            let mut spec =
                serde_json::json!({"effects": {"acts_outside": outside}, "arguments": {"type": "object"}});
            if !outside {
                spec["called"] = called.as_str().into();
            }
            set(at, Kind::Tool.read(spec).unwrap())
        });
    let detector = (any_name("detector"), 1..9_u16).prop_map(move |(at, version)| {
        let spec = serde_json::json!({
            "adapter": "cordon", "base_url": "https://detector.example.com", "version": version,
            "categories": {"insult": "toxicity"}, "self_test": {"text": "you fool", "category": "toxicity"},
        });
        set(at, Kind::Detector.read(spec).unwrap())
    });
    let kinds = vec![
        Kind::Detector,
        Kind::Guard,
        Kind::Limit,
        Kind::Route,
        Kind::Principal,
        Kind::Retention,
        Kind::System,
        Kind::Tool,
    ];
    let kind = prop::sample::select(kinds);
    let removed = (kind, 0..4_u8).prop_map(|(kind, n)| {
        let prefix = match kind {
            Kind::Detector => "detector",
            Kind::Guard => "guard",
            Kind::Limit => "limit",
            Kind::Route => "route",
            Kind::Retention => "keep",
            Kind::System => "system",
            Kind::Tool => "tool",
            _ => "app",
        };
        Body::ResourceRemoved(kind, name(&format!("{prefix}{n}")))
    });
    let issued = (0..4_u8).prop_map(|n| Body::KeyIssued(key(n.into())));
    let revoked = (0..4_u8).prop_map(|n| Body::KeyRevoked(key(n.into()).id, None));
    let fired = (any_name("trigger"), any_containment()).prop_map(|(trigger, containment)| {
        let (t0, t1) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        let hold = DurationMs::from_secs(60);
        Body::TriggerFired(Firing {
            trigger,
            of: None,
            containment,
            t0,
            t1,
            calls: 2,
            bad: 1,
            first: Vec::new(),
            hold,
            node: None,
        })
    });
    let cleared = any_name("trigger").prop_map(|trigger| Body::TriggerCleared(Cleared { trigger, of: None }));
    prop_oneof![
        fired,
        cleared,
        (any_name("guard"), any_guard()).prop_map(move |(at, spec)| set(at, Spec::Guard(spec))),
        limit,
        route,
        principal,
        retention,
        system,
        tool,
        detector,
        removed,
        issued,
        revoked,
    ]
}

fn key(n: u64) -> ApiKey {
    ApiKey {
        id: KeyId::from_bytes(n.to_be_bytes()),
        principal: name("app1"),
        routes: vec![name("route1")],
        secret: Digest::sha256(&n.to_be_bytes()),
        created: Timestamp::from_millis(0),
        expires: Timestamp::from_millis(1_000_000),
        revoked: None,
        replaces: None,
    }
}

fn fact(body: Body, at: i64) -> Fact {
    Fact { time: Timestamp::from_millis(at), actor: Actor::Local, body }
}

proptest! {
    /// A Snapshot made step by step equals the one made at once, after every fact.
    #[test]
    fn incremental_equals_full(bodies in prop::collection::vec(any_body(), 0..40)) {
        let mut state = State::new();
        let mut snapshot = Snapshot::compile(&state);
        for (at, body) in bodies.into_iter().enumerate() {
            let touched = state.apply(&fact(body, i64::try_from(at).unwrap()));
            snapshot = snapshot.advance(&state, &touched);
            prop_assert_eq!(&snapshot, &Snapshot::compile(&state));
        }
    }

    /// What a trigger does before the log knows of it makes every route stricter or leaves it as it is, and leaves somebody to
    /// answer.
    #[test]
    fn a_trigger_can_tighten_and_never_loosen(bodies in prop::collection::vec(any_body(), 0..20), added in any_containment()) {
        let mut state = State::new();
        for (at, body) in bodies.into_iter().enumerate() {
            state.apply(&fact(body, i64::try_from(at).unwrap()));
        }
        let before = Snapshot::compile(&state);
        let after = before.with(&FiringId { trigger: name("trigger9"), of: None }, &added);
        for route in before.routes() {
            let tightened = after.route(route.name.as_str()).unwrap();
            prop_assert!(tightened.mode >= route.mode);
            let own = |model: &Name| route.models().any(|known| known == model);
            // Only a way to the simpler path leads to other models.
            let simpler = matches!(added, Containment::Mode { mode: RouteMode::Degraded, .. });
            prop_assert!(simpler || tightened.models().all(own));
            prop_assert_eq!(tightened.models().next().is_some(), route.models().next().is_some());
        }
        prop_assert!(before.all_limits().all(|limit| after.all_limits().any(|known| known == limit)));
        prop_assert_eq!(after.with(&FiringId { trigger: name("trigger9"), of: None }, &added), after);
    }

    /// One more guard, wherever it applies, never makes any ruling milder.
    #[test]
    fn a_layer_can_tighten_and_never_loosen(
        guards in prop::collection::vec(any_guard(), 1..4),
        added in any_guard(),
        category in prop::sample::select(vec!["pii", "pii/card", "pii/email", "secret/jwt", "prompt_injection", "other"]),
        channel in prop::sample::select(Channel::ALL.to_vec()),
        score in 0..=100_u32,
    ) {
        let mut state = State::new();
        let system = name("system1");
        let route = Resource {
            name: name("route1"),
            spec: route_spec(&name("team1"), Some(&system), &RouteGuards::Listed(vec![name("guard9")])),
        };
        state.apply(&fact(Body::ResourceSet(route), 0));
        // A guard for all, so that adding one never takes the place of what the built-in baseline says.
        let rules = ["pii", "secret", "prompt_injection", "file", "other"].map(|category| Rule {
            channels: Channel::ALL.to_vec(),
            category: Category::known(category),
            at: Score::ZERO,
            action: Action::Flag,
            form: Form::Mask,
            throttle: None,
            new_only: false,
        });
        let anchor =
            GuardSpec { scope: GuardScope::Organisation, mode: Mode::Enforce, rules: rules.into(), exceptions: vec![], hosts: None, types: vec![], allow: None, topics: None };
        let silent = GuardSpec { rules: Vec::new(), ..anchor.clone() };
        let numbered = std::iter::once(anchor).chain(guards).zip(0..).chain(std::iter::once((silent, 9)));
        for (spec, n) in numbered {
            let guard = Resource { name: name(&format!("guard{n}")), spec: Spec::Guard(spec) };
            state.apply(&fact(Body::ResourceSet(guard), 1));
        }
        let judge = |state: &State| {
            let snapshot = Snapshot::compile(state);
            let route = snapshot.route("route1").cloned();
            let guard = snapshot.guard(Caller::nobody(), route.as_deref());
            guard.judge(channel, &Category::known(category), Score::percent(score), Timestamp::from_millis(0))
        };
        let before = judge(&state);
        state.apply(&fact(Body::ResourceSet(Resource { name: name("guard9"), spec: Spec::Guard(added) }), 2));
        let after = judge(&state);
        prop_assert!(after.action >= before.action && after.would >= before.would);
        prop_assert!(after.would >= after.action);
        prop_assert!(after.action > before.action || after.form >= before.form || after.action != Action::Redact);
    }

    /// Where no own guard has a rule for what the built-in baseline is about, its ruling is never milder than the baseline's, whatever guards
    /// of the caller's own team say.
    #[test]
    fn only_own_rules_for_all_of_it_replace_the_baseline(
        own in any_guard(),
        callers in any_guard(),
        category in prop::sample::select(vec!["pii", "pii/card", "secret/jwt", "prompt_injection", "file/bomb", "other"]),
        channel in prop::sample::select(Channel::ALL.to_vec()),
        score in 0..=100_u32,
    ) {
        let mut state = State::new();
        let route = route_spec(&name("team1"), None, &RouteGuards::Listed(Vec::new()));
        let principal = Kind::Principal.read(serde_json::json!({"team": "team2", "routes": ["route1"]})).unwrap();
        let named = |rule: &Rule| !rule.channels.contains(&channel) || !["pii", "secret", "prompt_injection", "prompt_injection/likely", "prompt_injection/suffix", "file", "file/bomb", "file/executable", "file/model/code", "file/polyglot"].iter().any(|path| rule.category.covers(&Category::known(path)));
        let own = GuardSpec { rules: own.rules.iter().filter(|rule| named(rule)).cloned().collect(), exceptions: vec![], ..own };
        let callers = GuardSpec { scope: GuardScope::Team(name("team2")), ..callers };
        for (named, spec) in [("route1", route), ("app1", principal), ("guard1", Spec::Guard(own)), ("built-in", Spec::Guard(callers))] {
            state.apply(&fact(Body::ResourceSet(Resource { name: name(named), spec }), 0));
        }
        let snapshot = Snapshot::compile(&state);
        let app = name("app1");
        let guard = snapshot.guard(Caller { principal: Some(&app), route: None, system: None }, snapshot.route("route1").map(AsRef::as_ref));
        let built_in = EffectiveGuard::alone(&name("built-in"), &cordon_policy::baseline());
        let judge = |guard: &EffectiveGuard| guard.judge(channel, &Category::known(category), Score::percent(score), Timestamp::from_millis(0));
        prop_assert!(judge(&guard).action >= judge(&built_in).action);
    }

    /// A rule lets a value that its caller sent pass if it says that it is about others alone, and does not know the difference if it says nothing.
    #[test]
    fn what_was_sent_matters_to_rules_about_new_values_alone(
        guard in any_guard(), new_only in prop::collection::vec(any::<bool>(), 4),
        channel in prop::sample::select(Channel::ALL.to_vec()), score in 0..=100_u32,
    ) {
        let with = |keep: &dyn Fn(bool) -> bool, said: bool| {
            let rules = guard.rules.iter().zip(&new_only).filter(|(_, new)| keep(**new));
            let rules = rules.map(|(rule, new)| Rule { new_only: said && *new, ..rule.clone() }).collect();
            EffectiveGuard::alone(&name("g"), &GuardSpec { rules, ..guard.clone() })
        };
        let sent = Listed::NONE.with_sent(true);
        for category in ["pii", "pii/card", "secret/jwt", "custom/badge"] {
            let judged = |guard: &EffectiveGuard, listed| {
                let at = Timestamp::from_millis(0);
                guard.judge_value(channel, &Category::known(category), Score::percent(score), listed, at)
            };
            let (plain, marked) = (with(&|_| true, false), with(&|_| true, true));
            prop_assert_eq!(judged(&plain, sent), judged(&plain, Listed::NONE));
            prop_assert_eq!(judged(&marked, Listed::NONE), judged(&plain, Listed::NONE));
            // As if the rules about new values were not there.
            prop_assert_eq!(judged(&marked, sent), judged(&with(&|new| !new, false), Listed::NONE));
        }
    }

    /// A stream waits for every category whose finding could change what leaves.
    #[test]
    fn what_may_be_redacted_is_held(guard in any_guard(), channel in prop::sample::select(Channel::ALL.to_vec()), score in 0..=100_u32) {
        let mut state = State::new();
        let guard = GuardSpec { scope: GuardScope::Organisation, ..guard };
        state.apply(&fact(Body::ResourceSet(Resource { name: name("guard1"), spec: Spec::Guard(guard) }), 0));
        let joined = Snapshot::compile(&state).guard(Caller::nobody(), None);
        let holds = joined.holds(channel);
        for category in ["pii", "pii/card", "secret/jwt", "prompt_injection/override", "other"] {
            let category = Category::known(category);
            let ruling = joined.judge(channel, &category, Score::percent(score), Timestamp::from_millis(0));
            if ruling.action >= Action::Redact {
                prop_assert!(holds.iter().any(|held| held.covers(&category)));
            }
        }
    }
}

#[test]
fn a_rule_for_a_family_does_not_name_its_members() {
    let named = |path: &'static str, action: Action, asked: &'static str| {
        let rule = Rule {
            channels: vec![Channel::User],
            category: Category::known(path),
            at: Score::ZERO,
            action,
            form: Form::Mask,
            throttle: None,
            new_only: false,
        };
        let spec = GuardSpec {
            scope: GuardScope::Organisation,
            mode: Mode::Observe,
            rules: vec![rule],
            exceptions: Vec::new(),
            hosts: None,
            types: Vec::new(),
            allow: None,
            topics: None,
        };
        let guard = EffectiveGuard::alone(&name("guard1"), &spec);
        Channel::ALL.map(|channel| guard.names_category(channel, &Category::known(asked)))
    };
    let user_alone = [false, true, false, false, false];
    assert_eq!(named("pii/person", Action::Flag, "pii/person"), user_alone);
    assert_eq!(named("pii/person/child", Action::Flag, "pii/person"), user_alone);
    assert_eq!(named("pii", Action::Redact, "pii/person"), [false; 5]);
    assert_eq!(named("pii/place", Action::Redact, "pii/person"), [false; 5]);
    assert_eq!(named("pii/person", Action::Allow, "pii/person"), [false; 5]);
}

#[test]
fn an_exception_holds_for_its_own_guard_until_its_end() {
    let rule = Rule {
        channels: Channel::ALL.to_vec(),
        category: Category::known("pii"),
        at: Score::ZERO,
        action: Action::Block,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    };
    let exception = Exception {
        category: Category::known("pii/email"),
        scope: ExceptionScope::Principal(name("app1")),
        reason: Sealed::Closed(Digest::sha256(b"r")),
        approver: Sealed::Closed(Digest::sha256(b"a")),
        until: Timestamp::from_millis(100),
    };
    let mut state = State::new();
    let mut set = |at: &str, scope: GuardScope, action: Action, exceptions: Vec<Exception>| {
        let spec = GuardSpec {
            scope,
            mode: Mode::Enforce,
            rules: vec![Rule { action, ..rule.clone() }],
            exceptions,
            hosts: None,
            types: Vec::new(),
            allow: None,
            topics: None,
        };
        state.apply(&fact(Body::ResourceSet(Resource { name: name(at), spec: Spec::Guard(spec) }), 0));
    };
    set("org", GuardScope::Organisation, Action::Block, vec![exception]);
    set("other", GuardScope::Organisation, Action::Flag, Vec::new());
    let snapshot = Snapshot::compile(&state);
    let app = name("app1");
    let excepted = snapshot.guard(Caller { principal: Some(&app), route: None, system: None }, None);
    let judge = |guard: &cordon_policy::EffectiveGuard, category, at| {
        guard.judge(Channel::User, &Category::known(category), Score::ONE, Timestamp::from_millis(at)).action
    };
    assert_eq!(judge(&excepted, "pii/email", 99), Action::Flag, "the other guard's rule still holds");
    assert_eq!(judge(&excepted, "pii/email", 100), Action::Block, "it has ended");
    assert_eq!(judge(&excepted, "pii/card", 0), Action::Block);
    assert_eq!(judge(&snapshot.guard(Caller::nobody(), None), "pii/email", 0), Action::Block);
}

#[test]
fn a_route_without_guards_gets_the_baseline_unless_it_declines_and_a_lost_guard_closes() {
    let judge = |guards: &RouteGuards| {
        let mut state = State::new();
        let spec = route_spec(&name("team1"), None, guards);
        state.apply(&fact(Body::ResourceSet(Resource { name: name("route1"), spec }), 0));
        let snapshot = Snapshot::compile(&state);
        let guard = snapshot.guard(Caller::nobody(), snapshot.route("route1").map(AsRef::as_ref));
        guard
            .judge(Channel::Model, &Category::known("secret/jwt"), Score::ONE, Timestamp::from_millis(0))
            .action
    };
    assert_eq!(judge(&RouteGuards::Listed(Vec::new())), Action::Redact);
    assert_eq!(judge(&RouteGuards::None), Action::Allow);
    assert_eq!(
        judge(&RouteGuards::Listed(vec![name("lost")])),
        Action::Redact,
        "fails closed to the baseline"
    );
}

#[test]
fn a_rule_of_the_baseline_gives_way_to_one_for_all_that_it_is_about() {
    let rule = |category: &'static str, action: Action| Rule {
        channels: vec![Channel::User],
        category: Category::known(category),
        at: Score::ZERO,
        action,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    };
    let exception = Exception {
        category: Category::known("secret/jwt"),
        scope: ExceptionScope::Route(name("route1")),
        reason: Sealed::Closed(Digest::sha256(b"r")),
        approver: Sealed::Closed(Digest::sha256(b"a")),
        until: Timestamp::from_millis(100),
    };
    let spec = GuardSpec {
        scope: GuardScope::Organisation,
        mode: Mode::Enforce,
        rules: vec![
            rule("pii", Action::Flag),
            rule("prompt_injection/override", Action::Flag),
            rule("file", Action::Allow),
        ],
        exceptions: vec![exception],
        hosts: None,
        types: Vec::new(),
        allow: None,
        topics: None,
    };
    let mut state = State::new();
    let route = route_spec(&name("team1"), None, &RouteGuards::Listed(Vec::new()));
    for (named, spec) in [("route1", route), ("guard1", Spec::Guard(spec))] {
        state.apply(&fact(Body::ResourceSet(Resource { name: name(named), spec }), 0));
    }
    let snapshot = Snapshot::compile(&state);
    let route = name("route1");
    let caller = Caller { principal: None, route: Some(&route), system: None };
    let guard = snapshot.guard(caller, snapshot.route("route1").map(AsRef::as_ref));
    let on = |channel, category, at| {
        guard.judge(channel, &Category::known(category), Score::ONE, Timestamp::from_millis(at)).action
    };
    assert_eq!(on(Channel::User, "pii/email", 0), Action::Flag);
    assert_eq!(on(Channel::Model, "pii/email", 0), Action::Redact, "on the channels of the rule alone");
    assert_eq!(
        on(Channel::User, "prompt_injection/override", 0),
        Action::Block,
        "a rule for a part of it adds to it"
    );
    assert_eq!(on(Channel::User, "file/bomb", 0), Action::Allow);
    assert_eq!(on(Channel::User, "secret/pem", 0), Action::Redact);
    // What a guard excepts, the baseline does.
    assert_eq!(
        (on(Channel::User, "secret/jwt", 0), on(Channel::User, "secret/jwt", 100)),
        (Action::Allow, Action::Redact)
    );
    assert_eq!(guard.names().map(Name::as_str).collect::<Vec<_>>(), ["guard1", "built-in"]);
    assert!(guard.rules(Timestamp::from_millis(0)).all(|rule| rule.guard.as_str() == "guard1"
        || !rule.category.as_str().starts_with("pii")
        || rule.channel != Channel::User));
}

#[test]
fn each_enforcing_guard_has_its_list_of_hosts() {
    let mut state = State::new();
    for (at, (guard, mode, hosts)) in [
        ("a", Mode::Enforce, Some("*.example.org")),
        ("b", Mode::Observe, Some("b.example.org")),
        ("c", Mode::Enforce, None),
        ("d", Mode::Enforce, Some("d.example.org")),
    ]
    .into_iter()
    .enumerate()
    {
        let spec = GuardSpec {
            scope: GuardScope::Organisation,
            mode,
            rules: Vec::new(),
            exceptions: Vec::new(),
            hosts: hosts.map(|host| vec![HostPattern::parse(host).unwrap()]),
            types: Vec::new(),
            allow: None,
            topics: None,
        };
        state.apply(&fact(
            Body::ResourceSet(Resource { name: name(guard), spec: Spec::Guard(spec) }),
            at as i64,
        ));
    }
    let guard = Snapshot::compile(&state).guard(Caller::nobody(), None);
    let hosts = ["*.example.org", "d.example.org"].map(|host| vec![HostPattern::parse(host).unwrap()]);
    assert!(guard.hosts().eq(hosts.iter().map(Vec::as_slice)));
    let egress = Category::known("egress");
    assert!(guard.hosts_may_pass(&egress));
    // A guard with a rule for them and without a list: nothing passes because of the lists of others.
    let rule = Rule {
        channels: vec![Channel::Model],
        category: Category::known("egress/image"),
        at: Score::percent(50),
        action: Action::Block,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    };
    for (mode, may) in [(Mode::Observe, true), (Mode::Enforce, false)] {
        let spec = GuardSpec {
            scope: GuardScope::Organisation,
            mode,
            rules: vec![rule.clone()],
            exceptions: Vec::new(),
            hosts: None,
            types: Vec::new(),
            allow: None,
            topics: None,
        };
        state.apply(&fact(Body::ResourceSet(Resource { name: name("e"), spec: Spec::Guard(spec) }), 9));
        assert_eq!(Snapshot::compile(&state).guard(Caller::nobody(), None).hosts_may_pass(&egress), may);
    }
}
