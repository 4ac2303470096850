//! Prints how often tests alarm on data that never changes: `cargo run --release --example false_alarms [RUNS]`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "the simulation is shared with the tests"
)]

#[path = "../tests/support/discoveries.rs"]
mod discoveries;
#[path = "../tests/support/simulation.rs"]
mod simulation;

use cordon_stats::interval::{Level, Proportion};
use std::io::Write;

fn main() -> std::io::Result<()> {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(10_000);
    let mut out = std::io::stdout().lock();
    let mut last = "";
    let looks = simulation::defaults(runs, 1).into_iter().chain(simulation::large(runs, 1));
    let looks = looks.chain(simulation::pairs(runs, 1));
    for line in simulation::simulate(runs, 1).into_iter().chain(looks) {
        if line.what != last {
            writeln!(out, "{}", line.what)?;
            last = line.what;
        }
        let counted = Proportion::of_parts(u64::from(line.alarms), u64::from(line.runs - line.alarms));
        let Ok(e) = counted.wilson(Level::P95) else { continue };
        writeln!(
            out,
            "  {} {:<46} {:>6.2} % of {} runs ever alarm ({:.2} to {:.2} %), stated {} %",
            if line.repeated { "fixed level or threshold" } else { "Cordon                  " },
            line.test,
            100.0 * line.share(),
            line.runs,
            100.0 * e.low,
            100.0 * e.high,
            100.0 * simulation::STATED,
        )?;
    }
    let level = 100.0 * discoveries::LEVEL;
    writeln!(out, "40 columns of which 10 changed, 300 rows against 1,000, looked at once, level {level} %")?;
    for one in discoveries::discoveries(runs, 1) {
        writeln!(
            out,
            "  {:<24} effect {:<4} {:>6.2} % of what is named is false, {:>6.2} % of runs name a false one, {:>6.2} % of what changed is found",
            one.correction.map_or_else(|| "each test".to_owned(), |by| format!("{by:?}")),
            one.effect,
            100.0 * one.false_share,
            100.0 * one.any,
            100.0 * one.power,
        )?;
    }
    Ok(())
}
