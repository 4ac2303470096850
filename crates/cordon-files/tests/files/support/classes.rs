//! Which classes of bad files the tests have samples of: each sample that is expected to be seen, and each that is accepted, is noted
//! here for the test that made it.

use std::{cell::RefCell, collections::BTreeSet};

use cordon_files::{Reason, Report};

/// What one test made: bad files with the reason that was expected, and files that were accepted with what was seen in them, each with
/// the ending of its name.
#[derive(Default)]
pub struct Samples {
    pub bad: BTreeSet<(Reason, String)>,
    pub good: Vec<(String, BTreeSet<Reason>)>,
}

thread_local! {
    /// A test runs in one thread.
    static SAMPLES: RefCell<Samples> = RefCell::default();
}

fn ending(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase()
}

pub fn bad(name: &str, reason: Reason) {
    SAMPLES.with_borrow_mut(|samples| samples.bad.insert((reason, ending(name))));
}

pub fn good(name: &str, report: &Report) {
    let seen = Reason::ALL.iter().copied().filter(|reason| report.has(*reason)).collect();
    SAMPLES.with_borrow_mut(|samples| samples.good.push((ending(name), seen)));
}

/// What was made in this thread since the last time that somebody asked.
pub fn take() -> Samples {
    SAMPLES.take()
}
