//! Triggers on a whole node: what fails or leaks is contained without a person, the rest goes on, and it comes back by rule or by
//! a person.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod blame;
mod holding;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use cordon::{
    api::{routes::RouteStatus, triggers::TriggerState},
    up,
};
use cordon_core::{
    DurationMs, Fact, KeySecret, Name, RefusalCode, State,
    containment::{Containment, Fired, FiringId, InFlight, Subject, Tested},
    fact::{Actor, Body},
    record::AttemptOutcome,
    resource::RouteMode,
};
use cordon_store::sequencer::Health;
use cordon_testkit::{FakeUpstream, Script};
use support::{CARDS_AND_ADDRESSES, Reply, World, chat};

/// A second model with a route of its own, and callers of both routes.
const MORE: &str =
    "{apiVersion: cordon/v1, kind: Model, name: second, spec: {service: up, upstream_name: second-model}}
---
{apiVersion: cordon/v1, kind: Route, name: other, spec: {team: t, targets: [{model: second}]}}
---
{apiVersion: cordon/v1, kind: Principal, name: app, spec: {team: t, routes: [bot, other]}}
---
{apiVersion: cordon/v1, kind: Principal, name: second-app, spec: {team: t, routes: [bot, other]}}
";

const FAILS: &str = "
---
apiVersion: cordon/v1
kind: Trigger
name: fails
spec:
  on: {model: m}
  signal: {error_rate: {above: 0.5, until: 0.2}}
  window: 30s
  minimum: 4
  cool_down: 60s
  action: {quarantine: model/m}
  lift: rule
  reason: m does not answer
";

const LEAKS: &str = "
---
apiVersion: cordon/v1
kind: Trigger
name: leaks
spec:
  on: {route: bot}
  signal: {verdict_rate: {category: pii/card, action: block, in: answer, above: 0.5}}
  window: 60s
  minimum: 3
  action: {quarantine: route/bot}
";

const LEAK: &str = "The card is 4111 1111 1111 1111.";

async fn with(upstream: &FakeUpstream, extra: &str) -> World {
    let mut world = World::new(&upstream.base_url()).await;
    world.apply(&format!("{MORE}{extra}")).await;
    world.key = world.issue("app", DurationMs::from_secs(86_400)).await;
    world.key_id = KeySecret::parse(world.key.expose()).unwrap().0;
    // What the log says now is what is watched.
    world.node.handles.watch.look().await;
    world
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.code())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn other(world: &World) -> Reply {
    world.send(world.request(chat("hi", false).replace("\"bot\"", "\"other\""))).await
}

/// Waits until the log says so of a trigger, as long as it may take without a person.
async fn until(world: &World, trigger: &str, of: Option<&Subject>, is: impl Fn(&Fired) -> bool) -> Fired {
    let mut committed = world.node.handles.sequencer.watch();
    let found = |state: &State| state.firing(&name(trigger), of).filter(|fired| is(fired)).cloned();
    let waiting = committed.wait_for(|committed| found(&committed.state).is_some());
    let committed =
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("within 10 s").unwrap();
    Fired::clone(&found(&committed.state).unwrap())
}

/// What is contained and tested.
fn tested(fired: &Fired) -> bool {
    fired.stands() && fired.contained.is_some()
}

/// The facts about triggers, with who decided them.
async fn facts(world: &World) -> Vec<Fact> {
    let sequencer = &world.node.handles.sequencer;
    let log = sequencer.loader().log();
    let (mut from, head) = (0, log.head().await.unwrap());
    let mut found = Vec::new();
    while from < head {
        for stored in log.read(from, head).await.unwrap() {
            from = stored.position + 1;
            let fact = stored.decode().unwrap();
            if fact.body.type_name().starts_with("trigger.") {
                found.push(fact);
            }
        }
    }
    found
}

async fn types(world: &World) -> Vec<&'static str> {
    facts(world).await.iter().map(|fact| fact.body.type_name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_contained_and_back_by_rule_and_the_rest_goes_on() {
    let failing = (0..4).map(|_| Script::answer(500, &[], b"{}"));
    let upstream = FakeUpstream::start(failing.chain((0..4).map(|_| Script::says("ok")))).await;
    let world = with(&upstream, FAILS).await;
    let began = Instant::now();
    let mut calls = Vec::new();
    for _ in 0..4 {
        world.clock.advance(DurationMs::from_secs(1));
        calls.push(world.chat("hi").await.call());
    }
    let fired = until(&world, "fails", None, tested).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((fired.firing.calls, fired.firing.bad, &fired.firing.first), (4, 4, &calls));
    assert_eq!(fired.to_detect(), DurationMs::from_secs(3), "MTTD is made of these");
    assert_eq!(fired.to_contain(), Some(DurationMs::from_secs(3)), "MTTC is made of these");

    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    assert_eq!(other(&world).await.status, 200, "another route is not affected");
    assert_eq!(upstream.count().requests, 5, "the test call reached nobody");
    let desk = up::desk(&world.node.handles);
    let listed = desk.quarantined(None).await.unwrap();
    assert_eq!(listed[0].by, Actor::Trigger(name("fails")));
    let reason = listed[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("m does not answer (trigger fails: 4 of 4 calls in 30s failed"), "{reason}");
    let status = desk.triggers().await.unwrap().remove(0);
    assert_eq!((status.state, status.watched[0].calls), (TriggerState::Fired, 4));

    // Refused calls are no sign of anything, and before the cool-down is over nothing is lifted.
    world.clock.advance(DurationMs::from_secs(59));
    world.node.handles.watch.look().await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    world.clock.advance(DurationMs::from_secs(1));
    let cleared = until(&world, "fails", None, |fired| !fired.stands()).await;
    assert_eq!(cleared.cleared, Some(world.clock.now()));
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(types(&world).await, ["trigger.fired", "trigger.contained", "trigger.cleared"]);
    let told = facts(&world).await;
    assert!(told.iter().all(|fact| fact.actor == Actor::Trigger(name("fails"))), "{told:?}");
    let Body::TriggerContained(contained) = &told[1].body else { panic!("{told:?}") };
    let expected =
        Tested { route: Some(name("bot")), refused: Some(RefusalCode::Quarantined), ..Tested::default() };
    assert_eq!(contained.tested, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaks_stays_out_over_a_restart_until_a_person_lifts_it() {
    let leaking = (0..3).map(|_| Script::says(LEAK));
    let upstream = FakeUpstream::start(leaking.chain((0..4).map(|_| Script::says("ok")))).await;
    let world = with(&upstream, &format!("{CARDS_AND_ADDRESSES}{LEAKS}")).await;
    for _ in 0..3 {
        assert_eq!(told(&world.chat("hi").await), refused(400, "content_blocked"));
    }
    until(&world, "leaks", None, tested).await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    assert_eq!(other(&world).await.status, 200);

    let world = world.again(|_| {}).await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    world.clock.advance(DurationMs::from_secs(86_000));
    world.node.handles.watch.look().await;
    world.node.handles.watch.look().await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"), "no rule lifts it");
    assert_eq!(types(&world).await, ["trigger.fired", "trigger.contained"], "and it has not fired again");
    let desk = up::desk(&world.node.handles);
    assert_eq!(desk.triggers().await.unwrap()[0].state, TriggerState::Fired);

    let wish = cordon::api::triggers::LiftTrigger {
        trigger: name("leaks"),
        of: None,
        reason: "another prompt".to_owned(),
    };
    assert!(desk.lift_trigger(wish.clone(), Actor::Local).await.unwrap().lifted);
    assert_eq!(desk.lift_trigger(wish, Actor::Local).await.unwrap_err().status, 404);
    assert_eq!(world.chat("hi").await.status, 200);
    world.node.handles.watch.look().await;
    assert_eq!(desk.triggers().await.unwrap()[0].state, TriggerState::Armed);
    let told = facts(&world).await;
    assert_eq!(told.last().unwrap().actor, Actor::Local);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_with_the_log_away_and_becomes_facts_when_the_log_is_back() {
    let leaking = (0..3).map(|_| Script::says(LEAK));
    let upstream = FakeUpstream::start(leaking.chain([Script::says("ok")])).await;
    let world = with(&upstream, &format!("{CARDS_AND_ADDRESSES}{LEAKS}")).await;
    let data = world.node.handles.settings.data.clone();
    let (log, aside) = (data.join("log.db"), world.folder.path().join("aside.db"));
    let mut committed = world.node.handles.sequencer.watch();
    std::fs::rename(&log, &aside).unwrap();
    committed.wait_for(|committed| committed.health != Health::Following).await.unwrap();
    for _ in 0..3 {
        world.chat("hi").await;
    }
    let out = || world.node.handles.gateway.snapshot().quarantined().contains(&subject("route/bot"));
    let contained = async {
        // Kept once it was tested: the line that says so is written last.
        while !out() || !kept(&data).contains("contained") {
            world.node.handles.watch.look().await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), contained).await.expect("within 10 s");
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    assert_eq!(other(&world).await.status, 200);
    let desk = up::desk(&world.node.handles);
    let listed = desk.quarantined(None).await.unwrap().remove(0);
    assert_eq!((listed.by, listed.logged), (Actor::Trigger(name("leaks")), false));
    let waits = std::fs::read(data.join("triggers.json")).unwrap();

    // Killed before the log is back: what was kept is what the next start finds.
    let world = world
        .again(|data| {
            std::fs::rename(&aside, data.join("log.db")).unwrap();
            std::fs::write(data.join("triggers.json"), &waits).unwrap();
        })
        .await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    until(&world, "leaks", None, tested).await;
    while world.node.handles.settings.data.join("triggers.json").exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(types(&world).await, ["trigger.fired", "trigger.contained"]);
}

fn kept(data: &std::path::Path) -> String {
    std::fs::read_to_string(data.join("triggers.json")).unwrap_or_default()
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_only_the_one_that_is_refused_again_and_again_is_out() {
    let upstream = FakeUpstream::start((0..4).map(|_| Script::says("ok"))).await;
    let each = "
---
apiVersion: cordon/v1
kind: Trigger
name: refused
spec:
  each: principal
  signal: {refusal_rate: {above: 0.8}}
  window: 60s
  minimum: 5
  action: {quarantine: each}
";
    let mut world = with(&upstream, &format!("{CARDS_AND_ADDRESSES}{each}")).await;
    let second = world.issue("second-app", DurationMs::from_secs(86_400)).await;
    for _ in 0..5 {
        assert_eq!(told(&world.chat(LEAK).await), refused(400, "content_blocked"));
    }
    let app = subject("principal/app");
    until(&world, "refused", Some(&app), tested).await;
    assert_eq!(told(&world.chat("hi").await), refused(403, "caller_quarantined"));
    world.key = second;
    assert_eq!(world.chat("hi").await.status, 200);
    let statuses = up::desk(&world.node.handles).triggers().await.unwrap();
    assert_eq!(statuses[0].firings[0].of.as_ref(), Some(&app));
}

const EACH: &str = "
---
apiVersion: cordon/v1
kind: Trigger
name: each
spec:
  each: principal
  signal: {verdict_rate: {category: CATEGORY, above: 0.3}}
  window: 60s
  minimum: 5
  action: {quarantine: each}
";

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_texts_be_looked_at_is_not_to_blame_for_them() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let flags = "{apiVersion: cordon/v1, kind: Guard, name: cards, spec: {scope: organisation, rules: [{category: pii/card, action: flag}]}}
---";
    let each = EACH.replace("CATEGORY", "pii");
    let world = with(&upstream, &format!("\n---\n{flags}{}", each.trim_start_matches("\n---"))).await;
    for _ in 0..6 {
        let moderated = world.post("/v1/moderations", r#"{"input": "4111 1111 1111 1111"}"#);
        let reply = world.send(moderated).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["results"][0]["flagged"].as_bool()),
            (200, Some(true))
        );
    }
    let watch = &world.node.handles.watch;
    watch.look().await;
    assert!(
        watch.statuses(&name("each")).await.iter().all(|status| status.sum.calls == 0),
        "they count nowhere"
    );
    for _ in 0..5 {
        assert_eq!(world.chat("my card is 4111 1111 1111 1111").await.status, 200);
    }
    let fired = until(&world, "each", Some(&subject("principal/app")), tested).await;
    assert_eq!((fired.firing.calls, fired.firing.bad), (5, 5), "what goes to a model counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_things_out_is_taken_out_where_a_guard_flags_it() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let guard = "
---
{apiVersion: cordon/v1, kind: Guard, name: tries, spec: {scope: organisation, rules: [{category: abuse, action: flag}]}}
";
    let world = with(&upstream, &format!("{guard}{}", EACH.replace("CATEGORY", "abuse"))).await;
    // From the ninth on it is seen: four of twelve are the first that are more than three tenths.
    for id in 0..12 {
        assert_eq!(
            world.chat(&format!("Show all that you know of customer {}.", 1_000 + id)).await.status,
            200
        );
    }
    let fired = until(&world, "each", Some(&subject("principal/app")), tested).await;
    assert_eq!((fired.firing.calls, fired.firing.bad), (12, 4));
    assert_eq!(told(&world.chat("hi").await), refused(403, "caller_quarantined"));
}

async fn lift(world: &World, trigger: &str) -> bool {
    let trigger = name(trigger);
    let wish = cordon::api::triggers::LiftTrigger { trigger, of: None, reason: "mended".to_owned() };
    up::desk(&world.node.handles).lift_trigger(wish, Actor::Local).await.unwrap().lifted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_put_into_a_stricter_mode_over_a_restart_and_back_by_a_person() {
    let leaking = (0..3).map(|_| Script::says(LEAK));
    let upstream = FakeUpstream::start(leaking.chain((0..4).map(|_| Script::says("ok")))).await;
    let off = LEAKS.replace("{quarantine: route/bot}", "{mode: {route: bot, mode: off}}");
    let world = with(&upstream, &format!("{CARDS_AND_ADDRESSES}{off}")).await;
    for _ in 0..3 {
        world.chat("hi").await;
    }
    until(&world, "leaks", None, tested).await;
    let world = world.again(|_| {}).await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "route_off"));
    assert_eq!(other(&world).await.status, 200);
    // What a person says of the route meanwhile is not looser than what the trigger did.
    world
        .apply("{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}]}}")
        .await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "route_off"));
    let shown = up::desk(&world.node.handles).route(&name("bot")).await.unwrap();
    assert_eq!(shown.mode, RouteMode::Off);
    assert!(lift(&world, "leaks").await);
    assert_eq!(world.chat("hi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_slowed_down_and_the_others_are_not() {
    let upstream = FakeUpstream::start((0..6).map(|_| Script::says("ok"))).await;
    let slows = "
---
apiVersion: cordon/v1
kind: Trigger
name: slows
spec:
  each: principal
  signal: {refusal_rate: {above: 0.8}}
  window: 60s
  minimum: 5
  action: {throttle: {requests: {count: 1, window: 10m}}}
";
    let mut world = with(&upstream, &format!("{CARDS_AND_ADDRESSES}{slows}")).await;
    let second = world.issue("second-app", DurationMs::from_secs(86_400)).await;
    for _ in 0..5 {
        world.chat(LEAK).await;
    }
    let app = subject("principal/app");
    until(&world, "slows", Some(&app), tested).await;
    assert_eq!(world.chat("hi").await.status, 200);
    assert_eq!(told(&world.chat("hi").await), refused(429, "rate_limit_exceeded"));
    world.key = second;
    for _ in 0..3 {
        assert_eq!(world.chat("hi").await.status, 200);
    }
    let told = facts(&world).await;
    let Body::TriggerContained(contained) = &told[1].body else { panic!("{told:?}") };
    assert!(contained.tested.limit.is_some(), "{contained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_is_passed_over_and_back_by_rule() {
    let failing = (0..4).flat_map(|_| [Script::answer(500, &[], b"{}"), Script::says("ok")]);
    let upstream = FakeUpstream::start(failing.chain((0..2).map(|_| Script::says("ok")))).await;
    let falls = "
---
{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}], fallback: [second]}}
---
apiVersion: cordon/v1
kind: Trigger
name: falls
spec:
  each: model
  signal: {error_rate: {above: 0.5}}
  window: 30s
  minimum: 4
  cool_down: 60s
  action: {fall_back: {}}
  lift: rule
";
    let world = with(&upstream, falls).await;
    for _ in 0..4 {
        assert_eq!(world.chat("hi").await.status, 200);
    }
    let model = subject("model/m");
    let fired = until(&world, "falls", Some(&model), tested).await;
    assert_eq!((fired.firing.calls, fired.firing.bad), (4, 4));
    let reply = world.chat("hi").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        (reply.header("cordon-model"), reply.header("cordon-fallback")),
        ("second".into(), "passed_over".into())
    );
    assert_eq!(upstream.last_request().json()["model"], "second-model");
    assert_eq!(upstream.count().requests, 9, "the first target was not asked");
    let desk = up::desk(&world.node.handles);
    let states = |status: RouteStatus| -> Vec<String> {
        status.targets.iter().map(|target| format!("{} {}", target.model, target.state())).collect()
    };
    let shown = desk.route(&name("bot")).await.unwrap();
    assert_eq!(shown.targets[0].passed_over, Some(name("falls")));
    assert_eq!(states(shown), ["m passed over by trigger/falls", "second closed"]);
    assert!(desk.routes().await.unwrap().iter().any(|route| route.targets[0].passed_over.is_some()));
    world.clock.advance(DurationMs::from_secs(60));
    until(&world, "falls", Some(&model), |fired| !fired.stands()).await;
    let back = world.chat("hi").await;
    assert_eq!((back.status.as_u16(), back.header("cordon-fallback")), (200, String::new()));
    assert_eq!(upstream.last_request().json()["model"], "upstream-model");
    assert_eq!(desk.route(&name("bot")).await.unwrap().targets[0].passed_over, None);
    let frames = world.frames().await;
    let tried: Vec<_> =
        frames.closed_of(reply.call()).attempts.iter().map(|one| (one.model.as_str(), one.outcome)).collect();
    assert_eq!(tried, [("m", AttemptOutcome::PassedOver), ("second", AttemptOutcome::Answered)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_breaker_and_a_used_budget_are_signals_too() {
    let failing = (0..5).map(|_| Script::answer(500, &[], b"{}"));
    let upstream = FakeUpstream::start(failing.chain((0..4).map(|_| Script::says("ok")))).await;
    let more = "
---
{apiVersion: cordon/v1, kind: Limit, name: hour, spec: {applies_to: organisation, input_tokens: {count: 1000, window: 1h}}}
---
{apiVersion: cordon/v1, kind: Trigger, name: open, spec: {each: model, signal: {breaker: {}}, window: 30s, action: {quarantine: each}}}
---
{apiVersion: cordon/v1, kind: Trigger, name: burns, spec: {signal: {budget: {limit: hour, above: 0.0005}}, window: 30s, action: {mode: {route: other, mode: off}}}}
";
    let world = with(&upstream, more).await;
    for _ in 0..5 {
        world.chat("hi").await;
    }
    until(&world, "open", Some(&subject("model/m")), tested).await;
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    // What is reserved counts too, so that it may have fired before this is answered.
    other(&world).await;
    until(&world, "burns", None, tested).await;
    assert_eq!(told(&other(&world).await), refused(503, "route_off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_call_says_whether_something_is_out_and_reaches_nobody() {
    let upstream = FakeUpstream::start([]).await;
    let world = with(&upstream, "").await;
    let handles = &world.node.handles;
    let key = format!("key/{}", world.key_id);
    let id = FiringId { trigger: name("t"), of: None };
    for (text, code) in [
        ("model/m", Some(RefusalCode::Quarantined)),
        ("service/up", Some(RefusalCode::Quarantined)),
        ("route/bot", Some(RefusalCode::Quarantined)),
        ("system/s", Some(RefusalCode::Quarantined)),
        ("tool/send_mail", Some(RefusalCode::ToolQuarantined)),
        ("principal/app", Some(RefusalCode::CallerQuarantined)),
        (&key, Some(RefusalCode::CallerQuarantined)),
        ("detector/card", None),
    ] {
        let subject = subject(text);
        let test = || handles.gateway.test(&id, &Containment::Quarantine(subject.clone()));
        assert!(test().is_err(), "{text} is used");
        let order =
            handles.quarantines.order(subject.clone(), InFlight::Cancel, "test".to_owned(), Actor::Local);
        order.await.unwrap();
        assert_eq!(test().unwrap().refused, code, "{text}");
        let wish =
            cordon::api::quarantine::LiftQuarantine { subject: subject.clone(), reason: "test".to_owned() };
        up::desk(handles).lift(wish, Actor::Local).await.unwrap();
        assert!(test().is_err(), "{text} is back");
    }
    // A route with another model goes on with that.
    world.apply("{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}, {model: second}]}}").await;
    let model = subject("model/m");
    let order = handles.quarantines.order(model.clone(), InFlight::Cancel, "test".to_owned(), Actor::Local);
    order.await.unwrap();
    let expected = Tested { route: Some(name("bot")), model: Some(name("second")), ..Tested::default() };
    assert_eq!(handles.gateway.test(&id, &Containment::Quarantine(model)), Ok(expected));
    assert_eq!(upstream.count().requests, 0);
    let frames = world.frames().await;
    assert!(frames.opened.is_empty() && frames.closed.is_empty(), "and leaves no record");
}
