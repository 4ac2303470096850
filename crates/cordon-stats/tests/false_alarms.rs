//! Realised false-alarm rates. `cargo run --release --example false_alarms` does the same with 10,000 runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "support/discoveries.rs"]
mod discoveries;
#[path = "support/simulation.rs"]
mod simulation;

use cordon_stats::fdr::Correction;
use discoveries::{LEVEL, discoveries};
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

/// Of what is named the stated share at most is false, and more of what changed is found than where any false alarm is bounded.
#[test]
fn stated_shares_of_false_discoveries_hold() {
    let found = discoveries(120, 3);
    let of = |correction, effect: f64| {
        *found.iter().find(|one| one.correction == correction && one.effect == effect).unwrap()
    };
    let (bh, by, holm) =
        (Some(Correction::BenjaminiHochberg), Some(Correction::BenjaminiYekutieli), Some(Correction::Holm));
    for one in found.iter().filter(|one| one.correction.is_some()) {
        // Three standard deviations of a mean of 120 shares that deviate by about their level.
        assert!(one.false_share <= LEVEL + 0.03, "{one:?}");
    }
    assert!(of(holm, 0.0).any <= LEVEL + 0.08, "{found:?}");
    for effect in [0.0, 0.1] {
        assert!(of(bh, effect).power > of(holm, effect).power + 0.05, "{found:?}");
        assert!(of(bh, effect).power > of(by, effect).power, "{found:?}");
    }
    assert!(of(None, 0.0).false_share > 2.0 * LEVEL, "{found:?}");
}
