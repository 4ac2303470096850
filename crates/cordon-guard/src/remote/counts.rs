//! How often a detector was asked, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Failure;

/// What came of asking a detector about the texts of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Answered,
    /// It did not.
    Failed(Failure),
}

/// What was counted of a detector since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Calls and answers that it was asked about, and answered.
    pub answered: u64,
    /// What it found.
    pub findings: u64,
    /// Calls and answers that it should have been asked about, by why there was no answer, in the order of [`Failure::ALL`].
    pub failed: [u64; Failure::ALL.len()],
}

/// The counters behind them.
#[derive(Debug, Default)]
pub(super) struct Counts {
    answered: AtomicU64,
    findings: AtomicU64,
    failed: [AtomicU64; Failure::ALL.len()],
}

impl Counts {
    pub(super) fn count(&self, outcome: Outcome, findings: usize) {
        match outcome {
            Outcome::Answered => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                self.findings.fetch_add(findings as u64, Ordering::Relaxed);
            }
            Outcome::Failed(why) => {
                for (failure, count) in Failure::ALL.iter().zip(&self.failed) {
                    if *failure == why {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    pub(super) fn read(&self) -> Counted {
        let mut counted = Counted {
            answered: self.answered.load(Ordering::Relaxed),
            findings: self.findings.load(Ordering::Relaxed),
            ..Counted::default()
        };
        for (read, count) in counted.failed.iter_mut().zip(&self.failed) {
            *read = count.load(Ordering::Relaxed);
        }
        counted
    }
}
