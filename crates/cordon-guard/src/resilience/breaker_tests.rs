use proptest::prelude::*;

use super::*;

fn settings(probes: u32) -> Settings {
    Settings {
        probes,
        failures: 3,
        minimum_calls: 4,
        open_for: Duration::from_millis(100),
        ..Settings::default()
    }
}

/// What happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    /// The oldest call that runs comes to this.
    Report(Outcome),
    /// The newest one does.
    ReportNewest(Outcome),
    Wait(u64),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Answered(Duration::from_millis(1))),
        4 => Just(Outcome::Failed),
        1 => Just(Outcome::Unknown),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Ask),
        3 => outcome().prop_map(Event::Report),
        1 => outcome().prop_map(Event::ReportNewest),
        2 => (0_u64..200).prop_map(Event::Wait),
    ]
}

fn fail(breaker: &mut Breaker, settings: &Settings, now: Instant) {
    let pass = breaker.allow(settings, now).unwrap();
    assert!(breaker.report(settings, pass, Outcome::Failed, now).is_none());
}

proptest! {
    /// Half-open, never more calls try at a time than may; it closes only when as many have succeeded, and nothing goes
    /// through while it is open. In no time does it open more often than stated.
    #[test]
    fn the_laws_hold_whatever_happens(events in prop::collection::vec(event(), 1..400), probes in 1_u32..4) {
        let settings = settings(probes);
        let begin = Instant::now();
        let mut now = begin;
        let mut breaker = Breaker::new(&settings, now);
        let mut running: Vec<(Pass, u64)> = Vec::new();
        let mut succeeded = 0;
        for event in events {
            let before = breaker.phase(now);
            match event {
                Event::Wait(millis) => now += Duration::from_millis(millis),
                Event::Ask => match breaker.allow(&settings, now) {
                    Ok(pass) => {
                        prop_assert_ne!(before, Phase::Open);
                        let generation = breaker.generation;
                        running.push((pass, generation));
                        if breaker.phase(now) == Phase::HalfOpen {
                            let trying = running.iter().filter(|(_, of)| *of == generation).count();
                            prop_assert!(trying <= probes as usize, "{} calls try", trying);
                        }
                    }
                    Err(wait) => {
                        prop_assert_ne!(before, Phase::Closed);
                        prop_assert!(wait <= settings.open_for * 16);
                    }
                },
                Event::Report(outcome) | Event::ReportNewest(outcome) => {
                    if running.is_empty() {
                        continue;
                    }
                    let at = if matches!(event, Event::Report(_)) { 0 } else { running.len() - 1 };
                    let (pass, of) = running.remove(at);
                    let (generation, half_open) =
                        (breaker.generation, matches!(breaker.state, State::HalfOpen { .. }));
                    breaker.report(&settings, pass, outcome, now);
                    if of != generation {
                        prop_assert_eq!(breaker.generation, generation, "of an earlier phase");
                    } else if half_open {
                        succeeded += u32::from(matches!(outcome, Outcome::Answered(_)));
                        if breaker.phase(now) == Phase::Closed {
                            prop_assert_eq!(succeeded, probes, "closed after as many successes");
                        }
                    }
                    if breaker.generation != generation {
                        succeeded = 0;
                    }
                }
            }
            let passed = now.saturating_duration_since(begin).as_millis();
            let most = 5 + passed / (16 * settings.open_for.as_millis());
            prop_assert!(u128::from(breaker.opened()) <= most, "{} in {passed} ms", breaker.opened());
        }
    }

    /// It opens with the very call that reaches a threshold: so many in a row, or such a share of enough calls.
    #[test]
    fn it_opens_exactly_at_a_threshold(
        failed in prop::collection::vec(any::<bool>(), 1..60),
        failures in 1_u32..8,
        minimum_calls in 1_u32..20,
        error_percent in 1_u8..=100,
    ) {
        let settings = Settings { failures, minimum_calls, error_percent, ..Settings::default() };
        let now = Instant::now();
        let mut breaker = Breaker::new(&settings, now);
        for (at, fails) in failed.iter().enumerate() {
            let outcome = if *fails { Outcome::Failed } else { Outcome::Answered(Duration::ZERO) };
            let pass = breaker.allow(&settings, now).unwrap();
            breaker.report(&settings, pass, outcome, now);
            let so_far = &failed[..=at];
            let in_a_row = so_far.iter().rev().take_while(|fails| **fails).count();
            let all = so_far.iter().filter(|fails| **fails).count();
            let share = so_far.len() >= minimum_calls as usize
                && all > 0
                && all * 100 >= so_far.len() * usize::from(error_percent);
            let expected = in_a_row >= failures as usize || share;
            prop_assert_eq!(breaker.phase(now) == Phase::Open, expected, "call {}", at);
            if expected {
                break;
            }
        }
    }

    /// Half of all calls fail, all the time: it opens no more often than stated, and goes on letting calls try.
    #[test]
    fn a_steady_half_of_errors_does_not_make_it_flap(seed in any::<u64>()) {
        let settings = settings(2);
        let begin = Instant::now();
        let mut breaker = Breaker::new(&settings, begin);
        let mut random = seed | 1;
        let mut let_through = 0;
        for millis in 0..60_000 {
            let now = begin + Duration::from_millis(millis);
            if let Ok(pass) = breaker.allow(&settings, now) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let failed = random & 1 == 0;
                let outcome = if failed { Outcome::Failed } else { Outcome::Answered(Duration::ZERO) };
                breaker.report(&settings, pass, outcome, now);
                let_through += 1;
            }
        }
        prop_assert!(breaker.opened() <= 5 + 60_000 / 1_600, "{}", breaker.opened());
        prop_assert!(let_through >= breaker.opened(), "it is tried again");
    }
}

#[test]
fn slow_answers_open_it_and_a_slow_probe_keeps_it_open() {
    let settings = Settings { slow: Some(Duration::from_secs(1)), ..settings(1) };
    let now = Instant::now();
    let mut breaker = Breaker::new(&settings, now);
    let slow = Outcome::Answered(Duration::from_millis(1_001));
    for call in 0..4 {
        assert_eq!(breaker.phase(now), Phase::Closed, "call {call}");
        let pass = breaker.allow(&settings, now).unwrap();
        breaker.report(&settings, pass, slow, now);
    }
    assert_eq!(breaker.phase(now), Phase::Open);
    let later = now + settings.open_for;
    let pass = breaker.allow(&settings, later).unwrap();
    breaker.report(&settings, pass, slow, later);
    assert_eq!((breaker.phase(later), breaker.opened()), (Phase::Open, 2));
}

#[test]
fn the_wait_doubles_up_to_sixteen_times_and_a_long_calm_halves_it() {
    let settings = settings(1);
    let mut now = Instant::now();
    let mut breaker = Breaker::new(&settings, now);
    for _ in 0..3 {
        fail(&mut breaker, &settings, now);
    }
    let mut waits = Vec::new();
    for _ in 0..6 {
        let wait = breaker.allow(&settings, now).unwrap_err();
        waits.push(wait.as_millis());
        now += wait;
        fail(&mut breaker, &settings, now);
    }
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 1_600]);
    now += breaker.allow(&settings, now).unwrap_err();
    let pass = breaker.allow(&settings, now).unwrap();
    breaker.report(&settings, pass, Outcome::Answered(Duration::ZERO), now);
    assert_eq!(breaker.phase(now), Phase::Closed);
    now += Duration::from_millis(2 * 1_600);
    for _ in 0..3 {
        fail(&mut breaker, &settings, now);
    }
    assert_eq!(breaker.allow(&settings, now).unwrap_err().as_millis(), 400, "halved twice");
}

#[test]
fn what_left_the_window_does_not_count_and_a_breaker_that_is_off_never_opens() {
    let on = Settings { failures: 100, ..settings(1) };
    let begin = Instant::now();
    let mut breaker = Breaker::new(&on, begin);
    for second in 0..100 {
        // A call every ten seconds: never four of them in thirty.
        fail(&mut breaker, &on, begin + Duration::from_secs(10 * second));
    }
    let now = begin + Duration::from_secs(10 * 99);
    assert_eq!(breaker.opened(), 1, "with the hundredth in a row");
    assert!(breaker.counts(now).calls < 4);
    let off = Settings { enabled: false, ..settings(1) };
    for _ in 0..100 {
        fail(&mut breaker, &off, now);
    }
    assert_eq!(breaker.phase(now), Phase::Closed);
}

/// A call whose answer begins.
fn begin(breaker: &mut Breaker, settings: &Settings, now: Instant) -> Begun {
    let pass = breaker.allow(settings, now).unwrap();
    breaker.report(settings, pass, Outcome::Answered(Duration::ZERO), now).unwrap()
}

#[test]
fn answers_that_break_off_are_failures_in_a_row() {
    let settings = settings(1);
    let now = Instant::now();
    let mut breaker = Breaker::new(&settings, now);
    fail(&mut breaker, &settings, now);
    for call in 0..2 {
        assert_eq!(breaker.phase(now), Phase::Closed, "call {call}");
        let begun = begin(&mut breaker, &settings, now);
        breaker.broke(&settings, begun, now);
    }
    assert_eq!((breaker.phase(now), breaker.opened()), (Phase::Open, 1));
}

#[test]
fn an_answer_that_breaks_off_does_not_undo_the_successes_of_others() {
    let settings = Settings { minimum_calls: 100, ..settings(1) };
    let now = Instant::now();
    let mut breaker = Breaker::new(&settings, now);
    fail(&mut breaker, &settings, now);
    fail(&mut breaker, &settings, now);
    let long = begin(&mut breaker, &settings, now);
    let _whole = begin(&mut breaker, &settings, now);
    breaker.broke(&settings, long, now);
    fail(&mut breaker, &settings, now);
    assert_eq!(breaker.phase(now), Phase::Closed, "two since the last that succeeded");
    fail(&mut breaker, &settings, now);
    assert_eq!(breaker.phase(now), Phase::Open);
}

#[test]
fn a_probe_that_breaks_off_has_failed_and_what_began_before_an_opening_says_nothing() {
    let two = settings(2);
    let mut now = Instant::now();
    let mut breaker = Breaker::new(&two, now);
    let early = begin(&mut breaker, &two, now);
    for _ in 0..3 {
        fail(&mut breaker, &two, now);
    }
    now += two.open_for;
    let probe = begin(&mut breaker, &two, now);
    breaker.broke(&two, probe, now);
    assert_eq!((breaker.phase(now), breaker.opened()), (Phase::Open, 2));
    now += breaker.allow(&two, now).unwrap_err();
    let probes = [begin(&mut breaker, &two, now), begin(&mut breaker, &two, now)];
    assert_eq!(breaker.phase(now), Phase::Closed);
    breaker.broke(&two, early, now);
    assert_eq!(breaker.counts(now).failed, 0, "of a time before it opened");
    let [first, last] = probes;
    breaker.broke(&two, first, now);
    assert_eq!(breaker.phase(now), Phase::Closed);
    breaker.broke(&two, last, now);
    assert_eq!(breaker.opened(), 3, "nothing has succeeded since it opened");
}
