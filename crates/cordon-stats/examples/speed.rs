//! Prints what statistics need, in time of one thread: `cargo run --release --example speed`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement, not product code")]

use cordon_stats::calibration::{Isotonic, Metric, expected_by};
use cordon_stats::drift::{Features, Kernel, Points};
use cordon_stats::fairness::{Limits, Rate, Tally};
use cordon_stats::interval::Level;
use cordon_stats::performance::scores;
use cordon_stats::random::Random;
use cordon_stats::sequential::{Arm, Arms, BoundedMean, Detector, log_likelihood_ratio};
use cordon_stats::streaming::{Adwin, AfterChange, Direction, PageHinkley, Signal};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

const ROWS: usize = 1_000_000;

/// The fastest of five, in milliseconds of CPU: the machine is shared, and the fastest is the least disturbed.
fn fastest<T>(mut work: impl FnMut() -> T) -> f64 {
    // The system counts in steps of some milliseconds: what is short is done many times over.
    const LONG: f64 = 0.1;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let (start, mut times) = (on_cpu(), 0_u32);
        let spent = loop {
            black_box(work());
            times += 1;
            let spent = on_cpu() - start;
            if spent >= LONG {
                break spent;
            }
        };
        best = best.min(spent / f64::from(times));
    }
    best * 1e3
}

/// Seconds that this thread has run, where the system says so; else since the program began.
fn on_cpu() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = text.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn main() -> std::io::Result<()> {
    let mut random = Random::new(0);
    let groups: Vec<u32> = (0..ROWS).map(|_| u32::try_from(random.below(15)).unwrap()).collect();
    let scores: Vec<f64> = (0..ROWS).map(|_| random.unit()).collect();
    let labels: Vec<bool> = scores.iter().map(|p| random.chance(*p)).collect();
    let decisions: Vec<bool> = scores.iter().map(|p| *p > 0.5).collect();
    let mut out = std::io::stdout().lock();
    let fairness = || {
        let mut tally = Tally::new(15);
        tally.add(&groups, &labels, &decisions);
        Rate::ALL.map(|rate| tally.gap(rate, Limits::default()).unwrap())
    };
    writeln!(
        out,
        "fairness, 1 M rows, 15 intersections, 9 rates with intervals: {:.1} ms",
        fastest(fairness)
    )?;
    let report = || scores::report(&scores, &labels, Level::P95);
    writeln!(
        out,
        "AUC, average precision, Brier, log loss, calibration, 1 M rows: {:.1} ms",
        fastest(report)
    )?;
    let map = Isotonic::fit(&scores, &labels).unwrap();
    writeln!(out, "isotonic fit, 1 M rows: {:.1} ms", fastest(|| Isotonic::fit(&scores, &labels)))?;
    let estimate = || {
        let expected = expected_by(&map, &scores, &decisions, Level::P95).unwrap();
        Metric::ALL.map(|metric| expected.metric(metric).unwrap())
    };
    writeln!(
        out,
        "performance without labels, 1 M rows, 7 metrics with intervals: {:.1} ms",
        fastest(estimate)
    )?;
    let detect = || {
        let mut detector = Detector::cusum(1e6).unwrap();
        labels.iter().filter(|label| detector.push(log_likelihood_ratio(**label, 0.5, 0.6))).count()
    };
    writeln!(out, "e-CUSUM, per event: {:.4} µs", fastest(detect) * 1e3 / ROWS as f64)?;
    let bet = || {
        let mut mean = BoundedMean::new(0.05).unwrap();
        scores.iter().take(100_000).for_each(|score| mean.push(*score).unwrap());
        mean.interval()
    };
    writeln!(out, "betting confidence sequence, per event over 100,000: {:.4} µs", fastest(bet) * 1e3 / 1e5)?;
    let canary = || {
        let mut arms = Arms::new(0.0, 0.05).unwrap();
        for (call, score) in scores.iter().take(100_000).enumerate() {
            arms.push(if call % 10 == 0 { Arm::Canary } else { Arm::Live }, *score).unwrap();
        }
        arms.standing()
    };
    writeln!(out, "canary comparison, per call over 100,000: {:.4} µs", fastest(canary) * 1e3 / 1e5)?;
    let adwin = || {
        let mut detector = Adwin::new(0.002, 32, 5, 10, AfterChange::Forget).unwrap();
        scores.iter().filter(|score| detector.update(**score) == Signal::Change).count()
    };
    writeln!(out, "ADWIN, per event: {:.4} µs", fastest(adwin) * 1e3 / ROWS as f64)?;
    let page_hinkley = || {
        let mut detector = PageHinkley::new(30, 0.005, 50.0, 0.9999, Direction::Both).unwrap();
        scores.iter().filter(|score| detector.update(**score) == Signal::Change).count()
    };
    writeln!(out, "Page-Hinkley, per event: {:.4} µs", fastest(page_hinkley) * 1e3 / ROWS as f64)?;
    let mut points = |shift: f64| {
        let values = (0..5_000 * 384).map(|_| random.normal() + shift).collect();
        Points::new(values, 384).unwrap()
    };
    let (x, y) = (points(0.0), points(0.02));
    let discrepancy = || {
        let features = Features::new(384, Kernel::gaussian(384_f64.sqrt()).unwrap(), 128, 1).unwrap();
        features.mmd(&x, &y, 199, 2).unwrap()
    };
    writeln!(
        out,
        "MMD of 5,000 x 5,000 points in 384 dimensions, 199 permutations (p {}): {:.1} ms",
        discrepancy().p_value,
        fastest(discrepancy)
    )
}
