//! Who is to blame: a model for what it was asked and for the time that it took, and for nothing else; and what a test call takes
//! for contained.

use std::time::Duration;

use cordon::up;
use cordon_core::{
    containment::{Containment, FiringId, InFlight, Tested},
    fact::Actor,
    resource::RouteMode,
};
use cordon_testkit::{FakeUpstream, Script};

use super::{name, refused, subject, told, until, with};

/// The route falls back from the one model to the other.
const CHAIN: &str = "
---
{apiVersion: cordon/v1, kind: Route, name: bot, spec: {team: t, targets: [{model: m}], fallback: [second]}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_a_limit_had_no_room_for_is_not_taken_out() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let trigger = "---
{apiVersion: cordon/v1, kind: Limit, name: rate, spec: {applies_to: {model: m}, requests: {count: 1, window: 1d}}}
---
{apiVersion: cordon/v1, kind: Trigger, name: each, spec: {each: model, signal: {error_rate: {above: 0.5}}, window: 60s, minimum: 4, action: {quarantine: each}}}
";
    let world = with(&upstream, &format!("{CHAIN}{trigger}")).await;
    for number in 0..7 {
        let reply = world.chat("hi").await;
        let expected = if number == 0 { ("m", "") } else { ("second", "not_asked") };
        let by = (reply.header("cordon-model"), reply.header("cordon-fallback"));
        assert_eq!((reply.status.as_u16(), by.0.as_str(), by.1.as_str()), (200, expected.0, expected.1));
    }
    let watch = &world.node.handles.watch;
    watch.look().await;
    let mut seen: Vec<_> = watch
        .statuses(&name("each"))
        .await
        .into_iter()
        .map(|status| (status.of.unwrap().to_string(), status.sum.calls, status.sum.bad))
        .collect();
    seen.sort();
    assert_eq!(seen, [("model/m".to_owned(), 1, 0), ("model/second".to_owned(), 6, 0)]);
    assert!(up::desk(&world.node.handles).quarantined(None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_models_the_one_that_was_slow_is_passed_over() {
    let upstream = FakeUpstream::answering(|request| match request.json()["model"].as_str() {
        Some("upstream-model") => Script::hang(),
        _ => Script::says("ok"),
    })
    .await;
    let trigger = "---
{apiVersion: cordon/v1, kind: Trigger, name: slow, spec: {each: model, signal: {latency: {above: 1500ms}}, window: 60s, minimum: 2, action: {fall_back: {}}}}
";
    let world = with(&upstream, &format!("{CHAIN}{trigger}")).await;
    // The first byte may take two seconds.
    let calls = tokio::join!(world.chat("hi"), world.chat("hi"));
    for reply in [calls.0, calls.1] {
        assert_eq!((reply.status.as_u16(), reply.header("cordon-fallback")), (200, "timeout".to_owned()));
    }
    until(&world, "slow", Some(&subject("model/m")), super::tested).await;
    let statuses = up::desk(&world.node.handles).triggers().await.unwrap();
    let fired: Vec<_> = statuses[0].firings.iter().map(|firing| firing.of.clone().unwrap()).collect();
    assert_eq!(fired, [subject("model/m")], "the other one was quick");
    let reply = tokio::time::timeout(Duration::from_secs(20), world.chat("hi")).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.header("cordon-fallback")), (200, "passed_over".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_key_is_contained_all_the_same() {
    let upstream = FakeUpstream::start([]).await;
    let world = with(&upstream, "").await;
    let handles = &world.node.handles;
    let id = FiringId { trigger: name("t"), of: None };
    let nobody = subject("principal/second-app");
    let test = || handles.gateway.test(&id, &Containment::Quarantine(nobody.clone()));
    assert!(test().is_err(), "it is not out");
    let order = handles.quarantines.order(nobody.clone(), InFlight::Cancel, "test".to_owned(), Actor::Local);
    order.await.unwrap();
    assert_eq!(test(), Ok(Tested::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_another_reason_is_not_taken_for_a_mode() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let world = with(&upstream, "").await;
    let handles = &world.node.handles;
    let id = FiringId { trigger: name("t"), of: None };
    let test = |mode| handles.gateway.test(&id, &Containment::Mode { route: name("bot"), mode });
    let all = [RouteMode::Degraded, RouteMode::Safe, RouteMode::Off];
    let in_mode = async |mode: &str| {
        let route = format!(
            "{{apiVersion: cordon/v1, kind: Route, name: bot, spec: {{team: t, targets: [{{model: m}}], degraded: [{{model: second}}], mode: {mode}}}}}"
        );
        world.apply(&route).await;
    };
    in_mode("normal").await;
    let order =
        handles.quarantines.order(subject("route/bot"), InFlight::Cancel, "test".to_owned(), Actor::Local);
    order.await.unwrap();
    assert_eq!(told(&world.chat("hi").await), refused(503, "quarantined"));
    for mode in all {
        assert!(test(mode).is_err(), "{mode:?}: somebody else closed the route, and it may be opened again");
    }
    // With it, or with a stricter one, the mode holds, whatever else there is.
    for (at, mode) in ["degraded", "safe", "off"].into_iter().enumerate() {
        in_mode(mode).await;
        for (wanted, asked) in all.into_iter().enumerate() {
            assert_eq!(test(asked).is_ok(), wanted <= at, "{asked:?} while it is {mode}");
        }
    }
    let wish =
        cordon::api::quarantine::LiftQuarantine { subject: subject("route/bot"), reason: "test".to_owned() };
    up::desk(handles).lift(wish, Actor::Local).await.unwrap();
    for (at, mode) in ["degraded", "safe", "off"].into_iter().enumerate() {
        in_mode(mode).await;
        for (wanted, asked) in all.into_iter().enumerate() {
            assert_eq!(test(asked).is_ok(), wanted <= at, "{asked:?} while it is {mode} and open");
        }
    }
}
