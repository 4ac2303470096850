//! Laws of the triggers' engine, over random calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use cordon_core::{
    Action, CallId, Category, DurationMs, KeyId, Name, RefusalCode, Timestamp,
    containment::Subject,
    resource::{Kind, Spec, TriggerSpec},
};
use cordon_watch::{Bounds, Decision, End, Ended, Found, Phase, Seen, Triggers, Try};
use proptest::prelude::*;

const START: i64 = 1_790_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn spec(rest: serde_json::Value) -> TriggerSpec {
    let mut whole = serde_json::json!({
        "signal": {"error_rate": {"above": 0.5, "until": 0.2}}, "window": "30s", "minimum": 10,
        "cool_down": "60s", "lift": "rule", "action": {"quarantine": "model/m"},
    });
    let serde_json::Value::Object(rest) = rest else { panic!("not members") };
    whole.as_object_mut().unwrap().extend(rest);
    let Spec::Trigger(spec) = Kind::Trigger.read(whole).unwrap() else { panic!("not a trigger") };
    spec
}

fn engine(spec: &TriggerSpec) -> Triggers {
    let mut triggers = Triggers::new(Bounds::default());
    triggers.declare(&name("t"), spec);
    triggers
}

fn tried(model: &str, failed: bool) -> Try {
    Try { model: name(model), service: name("s"), failed, total: 1_000, first_byte: Some(500) }
}

/// A call of a principal that went to a model, and how it ended.
fn ended(millis: i64, number: u64, end: End) -> Ended {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    Ended {
        call: CallId::new(at(millis), random),
        time: at(millis),
        principal: name(&format!("p{}", number % 3)),
        key: KeyId::from_bytes([1; 8]),
        route: Some(name("bot")),
        system: None,
        tries: [tried("m", end == End::Failed)].into_iter().collect(),
        end,
        request: Found::new(),
        answer: Found::new(),
        total: 1_000,
        first_byte: Some(500),
    }
}

fn see(triggers: &mut Triggers, millis: i64, good: u64, bad: u64) {
    for number in 0..good {
        triggers.see(&ended(millis, number, End::Answered));
    }
    for number in 0..bad {
        triggers.see(&ended(millis, 1_000 + number, End::Failed));
    }
}

/// What was decided, second by second, as `fire` and `clear` with their times.
fn run(triggers: &mut Triggers, seconds: &[(u8, u8)]) -> Vec<(i64, bool)> {
    let mut decided = Vec::new();
    for (second, (good, bad)) in (0_i64..).zip(seconds) {
        let now = second * 1000;
        // What is contained brings no calls.
        if !matches!(triggers.phase(&name("t"), None), Phase::Fired { .. }) {
            see(triggers, now, (*good).into(), (*bad).into());
        }
        let fires =
            triggers.decide(at(now)).into_iter().map(|decision| matches!(decision, Decision::Fire(_)));
        decided.extend(fires.map(|fires| (second, fires)));
    }
    decided
}

#[test]
fn it_fires_above_its_share_with_enough_calls_and_says_what_it_saw() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    see(&mut triggers, 0, 0, 9);
    assert!(triggers.decide(at(1000)).is_empty(), "too few calls");
    see(&mut triggers, 2000, 11, 2);
    assert!(triggers.decide(at(2000)).is_empty(), "11 of 22 are not more than half");
    see(&mut triggers, 3000, 0, 1);
    let decided = triggers.decide(at(3500));
    let [Decision::Fire(firing)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!((firing.calls, firing.bad, firing.t0, firing.t1), (23, 12, at(0), at(3500)));
    assert_eq!((firing.first.len(), firing.hold), (11, DurationMs::from_secs(60)), "8 of the first slice");
    assert!(triggers.decide(at(4000)).is_empty(), "once");
}

#[test]
fn it_waits_as_long_as_it_says() {
    let mut triggers = engine(&spec(serde_json::json!({"for": "5s"})));
    see(&mut triggers, 0, 0, 20);
    assert!(triggers.decide(at(0)).is_empty());
    assert_eq!(triggers.phase(&name("t"), None), Phase::Rising { since: at(0) });
    see(&mut triggers, 2000, 60, 0);
    assert!(triggers.decide(at(2000)).is_empty());
    assert_eq!(triggers.phase(&name("t"), None), Phase::Armed, "it was better in between");
    see(&mut triggers, 3000, 0, 100);
    assert!(triggers.decide(at(3000)).is_empty());
    assert!(triggers.decide(at(7999)).is_empty());
    assert_eq!(triggers.decide(at(8000)).len(), 1);
}

#[test]
fn a_relapse_is_contained_at_once_and_for_twice_as_long() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    let decided = run(&mut triggers, &[(0, 20); 2_000]);
    let gaps: Vec<i64> = decided.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    // Fires, lifts after the cool-down, fires with the next calls, and stands twice as long, up to sixteen times.
    assert_eq!(gaps, [60, 1, 120, 1, 240, 1, 480, 1, 960, 1]);
    assert!(decided.iter().enumerate().all(|(at, (_, fires))| *fires == at.is_multiple_of(2)));
}

#[test]
fn without_a_relapse_the_next_time_is_like_the_first() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    let mut seconds = vec![(0, 20); 2];
    seconds.extend([(20, 0); 150]);
    seconds.extend([(0, 250); 200]);
    let decided = run(&mut triggers, &seconds);
    assert_eq!(decided[1].0 - decided[0].0, 60);
    assert!(decided[2].1 && decided[2].0 >= decided[1].0 + 60, "{decided:?}");
    assert_eq!(decided[3].0 - decided[2].0, 60);
}

#[test]
fn what_a_person_has_to_lift_stays_and_a_persons_lift_begins_anew() {
    let mut triggers = engine(&spec(serde_json::json!({"lift": "person"})));
    see(&mut triggers, 0, 0, 20);
    assert_eq!(triggers.decide(at(0)).len(), 1);
    for second in 1..1_000 {
        assert!(triggers.decide(at(second * 1000)).is_empty());
    }
    triggers.lifted(&name("t"), None);
    assert!(triggers.decide(at(1_000_000)).is_empty());
    see(&mut triggers, 1_000_500, 0, 10);
    assert_eq!(triggers.decide(at(1_001_000)).len(), 1, "what is bad again is contained again");
}

#[test]
fn what_could_not_be_lifted_is_asked_again_later() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    triggers.stands(&name("t"), None, at(0), DurationMs::from_secs(60), Seen::Here);
    assert!(triggers.decide(at(0)).is_empty());
    assert!(triggers.decide(at(59_999)).is_empty());
    assert!(matches!(triggers.decide(at(60_000)).as_slice(), [Decision::Clear { .. }]));
    triggers.stays(&name("t"), None, at(0), at(65_000));
    assert!(triggers.decide(at(64_999)).is_empty());
    assert!(matches!(triggers.decide(at(65_000)).as_slice(), [Decision::Clear { .. }]));
}

#[test]
fn after_a_start_an_empty_window_is_not_clear_until_it_was_watched() {
    let spec = spec(serde_json::json!({}));
    let mut triggers = engine(&spec);
    let window = i64::try_from(spec.window.as_millis()).unwrap();
    triggers.stands(&name("t"), None, at(0), DurationMs::from_secs(1), Seen::Here);
    assert!(triggers.decide(at(1_000_000)).is_empty());
    assert!(triggers.decide(at(1_000_000 + window - 1)).is_empty());
    assert!(matches!(triggers.decide(at(1_000_000 + window)).as_slice(), [Decision::Clear { .. }]));
}

#[test]
fn a_level_needs_no_calls_and_says_since_when_it_is_too_high() {
    let rest = serde_json::json!({"signal": {"budget": {"limit": "day", "above": 0.8, "until": 0.5}}});
    let mut triggers = engine(&spec(rest));
    assert_eq!(triggers.levels().count(), 1);
    let mut at_level = |millis: i64, used: u64| {
        triggers.measure(&name("t"), None, (used, 1_000), at(millis));
        triggers.decide(at(millis))
    };
    assert_eq!(at_level(0, 800), []);
    let decided = at_level(5_000, 801);
    let [Decision::Fire(firing)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!((firing.t0, firing.bad, firing.calls, firing.first.len()), (at(5_000), 801, 1_000, 0));
    assert_eq!(at_level(70_000, 501), [], "not clear");
    assert!(matches!(at_level(71_000, 500).as_slice(), [Decision::Clear { .. }]));
}

/// A level of a limit's use, as it is read off.
fn used(triggers: &mut Triggers, millis: i64, used: u64) -> Vec<Decision> {
    triggers.measure(&name("t"), None, (used, 1_000), at(millis));
    triggers.measured(at(millis));
    triggers.decide(at(millis))
}

#[test]
fn what_cannot_be_read_off_is_not_clear_and_begins_nothing() {
    let mut triggers = engine(&budget());
    assert_eq!(used(&mut triggers, 0, 900).len(), 1);
    for millis in [100_000, 1_000_000, 2_000_000] {
        triggers.unmeasured(&name("t"));
        triggers.measured(at(millis));
        assert_eq!(triggers.decide(at(millis)), [], "nobody knows whether it is clear");
    }
    assert_eq!(used(&mut triggers, 2_000_200, 501), [], "not clear");
    assert!(matches!(used(&mut triggers, 2_000_400, 500).as_slice(), [Decision::Clear { .. }]));
}

#[test]
fn what_could_not_be_done_is_done_at_the_time_and_not_after_another_wait() {
    let mut spec = budget();
    spec.lasting = DurationMs::from_secs(60);
    let mut triggers = engine(&spec);
    assert_eq!(used(&mut triggers, 0, 900), []);
    assert_eq!(used(&mut triggers, 60_000, 900).len(), 1);
    triggers.failed(&name("t"), None, at(65_000));
    assert_eq!(used(&mut triggers, 64_800, 900), [], "not yet");
    assert!(matches!(used(&mut triggers, 65_000, 900).as_slice(), [Decision::Fire(_)]));
    triggers.failed(&name("t"), None, at(70_000));
    assert_eq!(used(&mut triggers, 66_000, 100), []);
    assert_eq!(used(&mut triggers, 70_000, 900), [], "it fell in between, and has to last again");
}

fn budget() -> TriggerSpec {
    spec(serde_json::json!({"signal": {"budget": {"limit": "day", "above": 0.8, "until": 0.5}}}))
}

#[test]
fn a_level_that_a_person_lifted_at_has_to_fall_first() {
    let mut triggers = engine(&budget());
    assert_eq!(used(&mut triggers, 0, 900).len(), 1);
    triggers.lifted(&name("t"), None);
    for millis in [200, 1_000, 100_000, 1_000_000] {
        assert_eq!(used(&mut triggers, millis, 950), [], "what the person saw is what there is");
    }
    assert_eq!(used(&mut triggers, 1_000_200, 501), [], "not clear");
    assert_eq!(used(&mut triggers, 1_000_400, 900), []);
    assert_eq!(used(&mut triggers, 1_000_600, 500), []);
    assert!(
        matches!(used(&mut triggers, 1_000_800, 900).as_slice(), [Decision::Fire(_)]),
        "it was clear in between"
    );
}

#[test]
fn a_level_is_that_of_what_is_watched_now() {
    // Another signal: what the old one was says nothing of it.
    let mut triggers = engine(&budget());
    assert_eq!(used(&mut triggers, 0, 900).len(), 1);
    triggers.declare(&name("t"), &spec(serde_json::json!({})));
    assert_eq!(triggers.statuses(&name("t"))[0].sum.calls, 0);
    triggers.lifted(&name("t"), None);
    assert_eq!(triggers.decide(at(1_000)), [], "no call was bad");
    see(&mut triggers, 2_000, 0, 20);
    assert_eq!(triggers.decide(at(2_000)).len(), 1);

    // What was measured is no more.
    let mut triggers = engine(&budget());
    assert_eq!(used(&mut triggers, 0, 700), []);
    triggers.measured(at(1_000));
    assert_eq!(triggers.decide(at(1_000)), []);
    assert!(triggers.statuses(&name("t")).is_empty());
}

#[test]
fn an_edit_of_what_has_fired_is_no_sign_that_it_is_over() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    see(&mut triggers, 0, 0, 20);
    assert_eq!(triggers.decide(at(0)).len(), 1);
    triggers.declare(&name("t"), &spec(serde_json::json!({"window": "60s"})));
    assert_eq!(triggers.decide(at(100_000)), [], "nothing was seen in the new window yet");
    assert!(matches!(triggers.decide(at(160_000)).as_slice(), [Decision::Clear { .. }]));
}

#[test]
fn a_node_that_did_not_see_it_does_not_say_that_it_is_over() {
    let mut idle = engine(&spec(serde_json::json!({})));
    idle.stands(&name("t"), None, at(0), DurationMs::from_secs(60), Seen::Elsewhere);
    for second in 0..10_000 {
        assert_eq!(idle.decide(at(second * 1_000)), []);
    }
    // Who saw it has seen that it is over. Where it goes on, it is contained again at once and stands twice as long.
    let mut busy = engine(&spec(serde_json::json!({})));
    busy.stands(&name("t"), None, at(0), DurationMs::from_secs(60), Seen::Elsewhere);
    see(&mut busy, 60_000, 0, 20);
    busy.lifted_by_rule(&name("t"), None, at(61_000));
    let decided = busy.decide(at(61_000));
    let [Decision::Fire(firing)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(firing.hold, DurationMs::from_secs(120));
    assert_eq!(busy.decide(at(300_000)).len(), 1, "and it sees itself when that is over");
}

#[test]
fn what_could_not_be_done_is_tried_again() {
    for spec in [spec(serde_json::json!({})), budget()] {
        let is_level = spec.signal.is_level();
        let mut triggers = engine(&spec);
        let mut decided = |millis: i64, failed: Option<i64>| {
            if let Some(again) = failed {
                triggers.failed(&name("t"), None, at(again));
            }
            if is_level {
                return used(&mut triggers, millis, 900).len();
            }
            if millis == 0 {
                see(&mut triggers, 0, 0, 20);
            }
            triggers.decide(at(millis)).len()
        };
        assert_eq!(decided(0, None), 1);
        assert_eq!(decided(200, Some(5_200)), 0);
        assert_eq!(decided(5_199, None), 0);
        assert_eq!(decided(5_200, None), 1);
        assert_eq!(decided(5_400, None), 0, "it stands");
    }
}

#[test]
fn refusals_of_limits_count_where_their_codes_are_asked_for() {
    let limited = |number| Ended {
        tries: [].into_iter().collect(),
        ..ended(0, number, End::Limited(RefusalCode::RateLimited))
    };
    let refused = |number, code| Ended {
        tries: [].into_iter().collect(),
        ..ended(0, number, End::Refused(Some(code)))
    };
    let calls = [
        limited(1),
        limited(2),
        refused(3, RefusalCode::ContentBlocked),
        refused(4, RefusalCode::ModelNotFound),
        ended(0, 5, End::Answered),
        Ended { tries: [].into_iter().collect(), ..ended(0, 6, End::Contained) },
    ];
    for (signal, expected) in [
        (serde_json::json!({"refusal_rate": {"above": 0.5}}), (3, 2)),
        (serde_json::json!({"refusal_rate": {"above": 0.5, "codes": ["rate_limit_exceeded"]}}), (5, 2)),
        (serde_json::json!({"refusal_rate": {"above": 0.5, "codes": ["content_blocked"]}}), (5, 1)),
        (serde_json::json!({"refusal_rate": {"above": 0.5, "codes": ["budget_exceeded"]}}), (5, 0)),
        (serde_json::json!({"error_rate": {"above": 0.5}}), (1, 0)),
        (serde_json::json!({"latency": {"above": "1h"}}), (1, 0)),
    ] {
        let mut triggers = engine(&spec(serde_json::json!({"signal": signal})));
        calls.iter().for_each(|call| triggers.see(call));
        let sum = triggers.statuses(&name("t"))[0].sum.clone();
        assert_eq!((sum.calls, sum.bad), expected, "{signal}");
    }
}

#[test]
fn what_is_disabled_does_nothing() {
    let mut triggers = engine(&spec(serde_json::json!({"enabled": false})));
    assert!(triggers.is_empty());
    see(&mut triggers, 0, 0, 100);
    triggers.stands(&name("t"), None, at(0), DurationMs::from_secs(1), Seen::Here);
    assert!(triggers.decide(at(600_000)).is_empty());
}

#[test]
fn each_signal_counts_what_it_is_about() {
    let found =
        |category: &'static str, action: Action| Found::from_iter([(Category::known(category), action)]);
    let leak = Ended { answer: found("pii/card", Action::Redact), ..ended(0, 1, End::Answered) };
    let slow = Ended { total: 4_000_000, ..ended(0, 2, End::Answered) };
    let rather_slow = Ended { total: 2_000_000, ..ended(0, 3, End::Answered) };
    let refused = Ended { tries: [].into_iter().collect(), ..ended(0, 4, End::Refused(None)) };
    let contained = Ended { end: End::Contained, ..refused.clone() };
    let gone = ended(0, 6, End::Unknown);
    let left = Ended { answer: found("pii/card", Action::Redact), ..ended(0, 8, End::Unknown) };
    let calls = [leak, slow, rather_slow, refused, contained, gone, ended(0, 7, End::Failed), left];
    // Calls, bad ones, and those that keep it from being clear.
    for (signal, expected) in [
        (serde_json::json!({"error_rate": {"above": 0.5}}), (4, 1, 1)),
        (serde_json::json!({"refusal_rate": {"above": 0.5}}), (5, 1, 1)),
        (serde_json::json!({"verdict_rate": {"category": "pii", "above": 0.5}}), (5, 2, 2)),
        (
            serde_json::json!({"verdict_rate": {"category": "pii", "action": "block", "above": 0.5}}),
            (4, 0, 0),
        ),
        (serde_json::json!({"verdict_rate": {"in": "request", "above": 0.5}}), (4, 0, 0)),
        (serde_json::json!({"verdict_rate": {"action": "redact", "above": 0.5}}), (5, 2, 2)),
        (serde_json::json!({"latency": {"above": "3s"}}), (4, 1, 2)),
        (serde_json::json!({"latency": {"of": "first_byte", "above": "3s"}}), (4, 0, 0)),
    ] {
        let mut triggers = engine(&spec(serde_json::json!({"signal": signal})));
        calls.iter().for_each(|call| triggers.see(call));
        let sum = triggers.statuses(&name("t"))[0].sum.clone();
        assert_eq!((sum.calls, sum.bad, sum.unclear), expected, "{signal}");
    }
}

#[test]
fn only_what_it_names_is_watched_and_each_by_itself() {
    let watched = |rest: serde_json::Value| {
        let mut triggers = engine(&spec(rest));
        see(&mut triggers, 0, 2, 4);
        let statuses = triggers.statuses(&name("t"));
        statuses
            .into_iter()
            .map(|status| (status.of.map(|of| of.to_string()), status.sum.calls))
            .collect::<Vec<_>>()
    };
    assert_eq!(watched(serde_json::json!({"on": {"route": "bot", "model": "m"}})), [(None, 6)]);
    assert_eq!(watched(serde_json::json!({"on": {"route": "other"}})), []);
    assert_eq!(watched(serde_json::json!({"on": {"service": "other"}})), []);
    assert_eq!(watched(serde_json::json!({"on": {"principal": "p1"}})), [(None, 3)]);
    let each = watched(serde_json::json!({"each": "principal", "action": {"quarantine": "each"}}));
    let text = |name: &str| Some(name.to_owned());
    assert_eq!(each, [(text("principal/p0"), 2), (text("principal/p1"), 3), (text("principal/p2"), 1)]);
    assert_eq!(watched(serde_json::json!({"each": "system"})), [], "calls of no system are of none");
}

#[test]
fn a_model_that_was_left_for_another_counts_as_failed_and_the_call_does_not() {
    let tries = [("m", true), ("second", false)];
    let of = |(model, failed)| tried(model, failed);
    let call = Ended { tries: tries.into_iter().map(of).collect(), ..ended(0, 1, End::Answered) };
    for (on, bad) in [("m", 1), ("second", 0)] {
        let mut triggers = engine(&spec(serde_json::json!({"on": {"model": on}})));
        triggers.see(&call);
        assert_eq!(triggers.statuses(&name("t"))[0].sum.bad, bad, "{on}");
    }
    let mut triggers = engine(&spec(serde_json::json!({})));
    triggers.see(&call);
    assert_eq!(triggers.statuses(&name("t"))[0].sum.bad, 0);
}

#[test]
fn a_model_that_was_slow_counts_as_slow_and_the_one_that_came_after_it_does_not() {
    let slow = Try { total: 60_000_000, first_byte: None, ..tried("m", true) };
    let tries = [slow, Try { total: 50_000, ..tried("second", false) }].into_iter().collect();
    let call = Ended { tries, total: 60_050_000, ..ended(0, 1, End::Answered) };
    for of in ["total", "first_byte"] {
        let signal = serde_json::json!({"latency": {"of": of, "above": "30s"}});
        for (on, bad) in [("m", 1), ("second", 0)] {
            let mut triggers = engine(&spec(serde_json::json!({"on": {"model": on}, "signal": signal})));
            triggers.see(&call);
            assert_eq!(triggers.statuses(&name("t"))[0].sum.bad, bad, "{on}, {of}");
        }
    }
    // Of the call itself, all of its time.
    let mut triggers = engine(&spec(serde_json::json!({"signal": {"latency": {"above": "30s"}}})));
    triggers.see(&call);
    let sum = triggers.statuses(&name("t"))[0].sum.clone();
    assert_eq!((sum.calls, sum.bad), (1, 1));
}

#[test]
fn a_trigger_that_says_something_else_begins_anew_and_lets_nothing_go() {
    let mut triggers = engine(&spec(serde_json::json!({})));
    see(&mut triggers, 0, 0, 20);
    triggers.decide(at(0));
    triggers.declare(&name("t"), &spec(serde_json::json!({"window": "60s"})));
    assert!(matches!(triggers.phase(&name("t"), None), Phase::Fired { .. }));
    assert_eq!(triggers.statuses(&name("t"))[0].sum.calls, 0);
    triggers.retain(|_| false);
    assert!(triggers.is_empty() && triggers.statuses(&name("t")).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_calls_between_two_decisions_does_not_matter(
        calls in proptest::collection::vec((0..40_000_i64, any::<bool>()), 0..120),
        seed in any::<u64>(),
    ) {
        let calls: Vec<Ended> = (0_u64..)
            .zip(&calls)
            .map(|(number, (millis, bad))| ended(*millis, number, if *bad { End::Failed } else { End::Answered }))
            .collect();
        let mut shuffled: Vec<(u64, &Ended)> = (1_u64..).map(|n| n.wrapping_mul(seed | 1).rotate_left(17)).zip(&calls).collect();
        shuffled.sort_by_key(|(rank, _)| *rank);
        let spec = spec(serde_json::json!({"each": "principal", "action": {"quarantine": "each"}}));
        let (mut one, mut other) = (engine(&spec), engine(&spec));
        calls.iter().for_each(|call| one.see(call));
        shuffled.iter().for_each(|(_, call)| other.see(call));
        prop_assert_eq!(one.decide(at(40_000)), other.decide(at(40_000)));
        prop_assert_eq!(one.statuses(&name("t")), other.statuses(&name("t")));
    }

    /// Whatever calls do, a trigger acts at most once in its cool-down, what it did stands at least as long, and the two take
    /// turns.
    #[test]
    fn it_never_flaps(seconds in proptest::collection::vec((0..30_u8, 0..30_u8), 1..600)) {
        let mut triggers = engine(&spec(serde_json::json!({})));
        let decided = run(&mut triggers, &seconds);
        for pair in decided.windows(2) {
            prop_assert_ne!(pair[0].1, pair[1].1);
            prop_assert!(!pair[0].1 || pair[1].0 - pair[0].0 >= 60, "{:?}", decided);
        }
        for fires in decided.chunks(2).collect::<Vec<_>>().windows(2) {
            prop_assert!(fires[1][0].0 - fires[0][0].0 >= 60, "{:?}", decided);
        }
    }

    /// Between the two thresholds nothing changes, however the signal moves there.
    #[test]
    fn inside_the_band_nothing_changes(shares in proptest::collection::vec(21..=50_u64, 1..60), fired in any::<bool>()) {
        let mut triggers = engine(&spec(serde_json::json!({})));
        if fired {
            triggers.stands(&name("t"), None, at(0), DurationMs::from_secs(60), Seen::Here);
        }
        let before = triggers.phase(&name("t"), None);
        for (second, share) in (0_i64..).zip(shares) {
            see(&mut triggers, second * 1000, 100 - share, share);
            prop_assert_eq!(triggers.decide(at(second * 1000)), []);
            prop_assert_eq!(triggers.phase(&name("t"), None), before);
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_is_counted(keys in proptest::collection::vec((any::<u8>(), 0..100_000_i64), 1..500)) {
        let mut triggers = Triggers::new(Bounds { each: 16 });
        triggers.declare(&name("t"), &spec(serde_json::json!({"each": "key", "action": {"quarantine": "each"}})));
        for (number, (key, millis)) in (0_u64..).zip(&keys) {
            triggers.see(&Ended { key: KeyId::from_bytes([*key; 8]), ..ended(*millis, number, End::Failed) });
            prop_assert!(triggers.statuses(&name("t")).len() <= 16);
        }
        let distinct: std::collections::BTreeSet<u8> = keys.iter().map(|(key, _)| *key).collect();
        prop_assert_eq!(triggers.unwatched() > 0, distinct.len() > 16);
        // What is quiet is forgotten, so that others have room.
        triggers.decide(at(1_000_000));
        let left = triggers.statuses(&name("t"));
        prop_assert!(left.iter().all(|status| matches!(status.phase, Phase::Fired { .. })), "{:?}", left);
    }
}

#[test]
fn subjects_are_what_can_be_quarantined() {
    let mut triggers = engine(&spec(serde_json::json!({"each": "model", "action": {"quarantine": "each"}})));
    see(&mut triggers, 0, 0, 20);
    let decided = triggers.decide(at(0));
    let [Decision::Fire(firing)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(firing.of, Some(Subject::Model(name("m"))));
}
