//! How much of budgets is used that are counted elsewhere: a store is asked beside the path, and its last answer is what is read off.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cordon_core::{Name, Timestamp};
use cordon_guard::{
    Gateway,
    limits::{Bounded, Measure, Usage},
};

/// The last answers, by limit: how much is used, and how much there is.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<BTreeMap<Name, (u64, u64)>>);

impl Budgets {
    /// Asks how much of these limits is used, where this process does not count them itself. What is not answered is not known
    /// any more.
    pub(super) async fn ask(&self, gateway: &Gateway, limits: BTreeSet<Name>, now: Timestamp) {
        let mut told = BTreeMap::new();
        for limit in limits {
            if gateway.used(&limit, now).is_some() {
                continue;
            }
            let (usages, _) = gateway.usage(Some(&limit), now).await;
            if let Some(used) = usages.first().and_then(nearest) {
                told.insert(limit, used);
            }
        }
        *self.told() = told;
    }

    /// How much of a limit is used, and how much there is.
    pub(super) fn used(&self, gateway: &Gateway, limit: &Name, now: Timestamp) -> Option<(u64, u64)> {
        gateway.used(limit, now).or_else(|| self.told().get(limit).copied())
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<Name, (u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of a limit's tokens and money what is nearest to its end, as [`cordon_guard::limits::Counters::used`] says it; nothing where
/// it counts neither, or nobody knows.
fn nearest(usage: &Usage) -> Option<(u64, u64)> {
    let of_use = usage.in_use.iter().filter(|in_use| match in_use.of {
        Bounded::Measured(measure) => measure != Measure::Requests,
        Bounded::Concurrency => false,
    });
    let used: Option<Vec<(u64, u64)>> = of_use.map(|in_use| Some((in_use.used?, in_use.most))).collect();
    // By cross-multiplication: a part of nothing is never the largest.
    used?.into_iter().reduce(|one, other| {
        let ours = u128::from(one.0) * u128::from(other.1);
        let theirs = u128::from(other.0) * u128::from(one.1);
        if theirs > ours { other } else { one }
    })
}
