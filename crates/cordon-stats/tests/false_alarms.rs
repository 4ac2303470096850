//! Realised false-alarm rates. `cargo run --release --example false_alarms` does the same with 10,000 runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "support/simulation.rs"]
mod simulation;

use simulation::{STATED, defaults, large, pairs, simulate};

/// What is anytime-valid stays at or under the stated rate; what is repeated at a fixed level is several times over it.
/// The margin is three standard deviations of the count at the stated rate.
#[test]
fn stated_rates_hold_and_repeated_tests_blow_up() {
    for line in simulate(500, 1).into_iter().chain(defaults(60, 1)).chain(large(8, 1)).chain(pairs(60, 1)) {
        let noise = 3.0 * (STATED * (1.0 - STATED) / f64::from(line.runs)).sqrt();
        if line.repeated {
            assert!(line.share() > 3.0 * STATED, "{}, {}: {}", line.what, line.test, line.share());
        } else {
            assert!(line.share() <= STATED + noise, "{}, {}: {}", line.what, line.test, line.share());
        }
    }
}
