//! The score from which on benign texts raise false alarms at a given rate.

use std::{collections::BTreeSet, sync::Arc};

use cordon_core::Score;

use super::{Case, ORDINARY, Side};

/// A rate of false alarms, and how many benign texts it takes to speak of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    /// One in so many.
    pub(super) one_in: usize,
    pub(super) texts: usize,
}

/// 1 %, and 0.1 % where enough texts bear it.
pub(super) const TARGETS: [Target; 2] =
    [Target { one_in: 100, texts: 100 }, Target { one_in: 1_000, texts: 10_000 }];

impl Target {
    pub(super) fn rate(self) -> f64 {
        1.0 / self.one_in as f64
    }
}

/// Benign texts of one side, the highest score first.
#[derive(Debug)]
pub(super) struct Benign {
    pub(super) side: Side,
    pub(super) sources: BTreeSet<Arc<str>>,
    scores: Vec<(Score, Arc<str>)>,
}

impl Benign {
    /// Those of the named sources; without names all ordinary ones.
    pub(super) fn new<'a>(side: Side, cases: impl Iterator<Item = &'a Case>, named: &[String]) -> Self {
        let counts = |case: &&'a Case| {
            !case.attack
                && case.side == side
                && if named.is_empty() {
                    &*case.kind == ORDINARY
                } else {
                    named.iter().any(|name| **name == *case.source)
                }
        };
        let mut scores: Vec<_> =
            cases.filter(counts).map(|case| (case.score, Arc::clone(&case.source))).collect();
        scores.sort_by(|a, b| b.cmp(a));
        Self { side, sources: scores.iter().map(|(_, source)| Arc::clone(source)).collect(), scores }
    }

    pub(super) fn texts(&self) -> usize {
        self.scores.len()
    }

    /// The score that at most the target's share of the texts of other sources exceed, the least of their scores that is so; none where
    /// there are too few of them.
    pub(super) fn limit(&self, target: Target, without: Option<&str>) -> Option<Score> {
        let others = || self.scores.iter().filter(|(_, source)| without != Some(&**source));
        let count = others().count();
        if count < target.texts {
            return None;
        }
        // So many may be alarms; the next one must not be.
        let (first_below, _) = others().nth(count / target.one_in)?;
        Some(*first_below)
    }
}
