//! Streaming detectors against river, and on streams that do not change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod support;

use cordon_stats::random::Random;
use cordon_stats::streaming::{Adwin, AfterChange, Cusum, Ddm, Direction, Eddm, Kswin, PageHinkley, Signal};
use serde_json::Value;
use support::{columns, counts, exact, golden, number, numbers};

/// The first column of a stream's file.
fn stream(name: &str) -> Option<Vec<f64>> {
    let table = columns(name)?;
    Some(numbers(table.values().next().unwrap()))
}

fn at(signals: &[Signal], wanted: Signal) -> Vec<u64> {
    signals.iter().enumerate().filter(|(_, signal)| **signal == wanted).map(|(at, _)| at as u64).collect()
}

#[test]
fn adwin_alarms_where_river_does() {
    let Some(golden) = golden("streaming.json") else { return };
    for (key, file, delta, clock) in [
        (
            "ADWIN(delta=0.002,clock=32,max_buckets=5,min_window_length=5,grace_period=10) on stream_real.csv",
            "stream_real.csv",
            0.002,
            32,
        ),
        ("ADWIN(delta=0.05,clock=1) on stream_real.csv", "stream_real.csv", 0.05, 1),
        ("ADWIN() on stream_error01.csv", "stream_error01.csv", 0.002, 32),
    ] {
        let mut detector = Adwin::new(delta, clock, 5, 10, AfterChange::Forget).unwrap();
        let mut states = golden[key]["state_every_500"].as_array().unwrap().iter();
        let mut alarms = Vec::new();
        for (at, value) in stream(file).unwrap().into_iter().enumerate() {
            if detector.update(value) == Signal::Change {
                alarms.push(at as u64);
            }
            if (at + 1) % 500 == 0 {
                let state = states.next().unwrap();
                exact("width", detector.width(), number(&state["width"]));
                exact("mean", detector.mean(), number(&state["estimation"]));
                exact("total", detector.total(), number(&state["total"]));
                exact("variance", detector.squares(), number(&state["variance"]));
            }
        }
        assert_eq!(alarms, counts(&golden[key]["drift_at_index0"]), "{key}");
    }
}

#[test]
fn adwin_keeps_the_newer_part_of_the_window() {
    let mut random = Random::new(8);
    let mut detector = Adwin::new(0.002, 32, 5, 10, AfterChange::Shrink).unwrap();
    let values = (0..4_000).map(|i| random.unit() * 0.5 + if i < 2_000 { 0.0 } else { 0.4 });
    let alarms: Vec<usize> = values
        .enumerate()
        .filter(|(_, value)| detector.update(*value) == Signal::Change)
        .map(|(at, _)| at)
        .collect();
    assert!(alarms.iter().all(|at| (2_000..2_600).contains(at)) && !alarms.is_empty(), "{alarms:?}");
    assert!((1_900.0..2_100.0).contains(&detector.width()), "{}", detector.width());
    assert!((detector.mean() - 0.65).abs() < 0.02);
}

#[test]
fn page_hinkley_alarms_where_river_does() {
    let (Some(golden), Some(values)) = (golden("streaming.json"), stream("stream_real.csv")) else { return };
    for (key, threshold) in [
        (
            "PageHinkley(min_instances=30,delta=0.005,threshold=50,alpha=0.9999,mode=both) on stream_real.csv",
            50.0,
        ),
        ("PageHinkley(threshold=10) on stream_real.csv", 10.0),
    ] {
        let mut detector = PageHinkley::new(30, 0.005, threshold, 0.9999, Direction::Both).unwrap();
        let signals: Vec<Signal> = values.iter().map(|value| detector.update(*value)).collect();
        assert_eq!(at(&signals, Signal::Change), counts(&golden[key]["drift_at_index0"]), "{key}");
    }
}

fn check_errors(want: &Value, update: &mut dyn FnMut(bool) -> Signal) {
    let signals: Vec<Signal> =
        stream("stream_error01.csv").unwrap().into_iter().map(|value| update(value == 1.0)).collect();
    assert_eq!(at(&signals, Signal::Change), counts(&want["drift_at_index0"]));
    // river's EDDM leaves its warning standing at the value that is the change.
    let mut warnings = counts(&want["warning_at_index0"]);
    warnings.retain(|at| signals[usize::try_from(*at).unwrap()] != Signal::Change);
    assert_eq!(at(&signals, Signal::Warning), warnings);
}

#[test]
fn error_detectors_alarm_where_river_does() {
    let Some(golden) = golden("streaming.json") else { return };
    let mut ddm = Ddm::new(30, 2.0, 3.0).unwrap();
    let key = "DDM(warm_start=30,warning_threshold=2,drift_threshold=3) on stream_error01.csv";
    check_errors(&golden[key], &mut |error| ddm.update(error));
    let mut eddm = Eddm::new(30, 0.95, 0.9).unwrap();
    check_errors(&golden["EDDM(warm_start=30,alpha=.95,beta=.9) on stream_error01.csv"], &mut |error| {
        eddm.update(error)
    });
}

#[test]
fn kswin_and_cusum_see_a_shift_and_are_quiet_before() {
    let mut random = Random::new(3);
    let values: Vec<f64> = (0..1_000).map(|i| random.normal() + if i < 500 { 0.0 } else { 3.0 }).collect();
    let first = |update: &mut dyn FnMut(f64) -> Signal| {
        values.iter().position(|value| update(*value) == Signal::Change)
    };
    let mut kswin = Kswin::new(1e-6, 100, 30, 1).unwrap();
    let found = first(&mut |value| kswin.update(value)).unwrap();
    assert!((505..530).contains(&found), "{found}");
    let mut cusum = Cusum::new(0.0, 0.5, 12.0, Direction::Up).unwrap();
    let found = first(&mut |value| cusum.update(value)).unwrap();
    assert!((501..510).contains(&found), "{found}");
    let mut down = Cusum::new(0.0, 0.5, 12.0, Direction::Down).unwrap();
    assert_eq!(first(&mut |value| down.update(value)), None);
}

#[test]
fn cusum_keeps_its_run_length() {
    // Published for a slack of ½ and a threshold of 5: 465 values between false alarms, both ways.
    let mut detector = Cusum::new(0.0, 0.5, 5.0, Direction::Both).unwrap();
    let mut random = Random::new(11);
    let alarms = (0..400_000).filter(|_| detector.update(random.normal()) == Signal::Change).count();
    let length = 400_000.0 / alarms as f64;
    assert!((430.0..500.0).contains(&length), "{length}");
}

#[test]
fn what_is_no_number_or_parameter_is_refused() {
    let mut adwin = Adwin::new(0.002, 32, 5, 10, AfterChange::Shrink).unwrap();
    assert_eq!(adwin.update(f64::NAN), Signal::Quiet);
    assert_eq!(adwin.width(), 0.0);
    assert!(
        Adwin::new(0.0, 32, 5, 10, AfterChange::Shrink).is_err()
            && Adwin::new(0.1, 0, 5, 10, AfterChange::Shrink).is_err()
    );
    assert!(PageHinkley::new(1, 0.0, 0.0, 1.0, Direction::Up).is_err());
    assert!(Cusum::new(f64::NAN, 0.5, 5.0, Direction::Both).is_err());
    assert!(Ddm::new(30, 0.0, 3.0).is_err() && Eddm::new(30, 0.9, 0.95).is_err());
    assert!(Kswin::new(0.01, 10, 6, 0).is_err());
}
