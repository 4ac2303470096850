//! What a command of several steps did: every step runs, and the end says which failed.

use std::time::{Duration, Instant};

use anyhow::Result;

/// The steps of one command, in order.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    passed: bool,
    took: Duration,
}

impl Report {
    /// Runs a step. A step that cannot run has failed; the next one still runs.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<bool>) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let passed = work().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            false
        });
        self.steps.push(Step { name, passed, took: start.elapsed() });
        passed
    }

    /// Whether every step passed.
    pub(crate) fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.passed)
    }

    /// Prints one line for each step.
    pub(crate) fn print(&self) {
        println!();
        for step in &self.steps {
            let word = if step.passed { "ok" } else { "FAILED" };
            println!("{:<10} {word:<7} {:>6.1} s", step.name, step.took.as_secs_f64());
        }
    }
}

/// Prints what was found; whether nothing was.
pub(crate) fn nothing_found(findings: &[String]) -> bool {
    for finding in findings {
        println!("{finding}");
    }
    findings.is_empty()
}
