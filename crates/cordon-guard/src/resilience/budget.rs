//! A retry budget: so many calls may be tried again as are a share of all calls, so that retries never multiply a load
//! that an upstream cannot bear as it is.
//!
//! INVARIANT: of `n` calls at most `BURST + n × percent / 100` are tried again.

use std::sync::atomic::{AtomicU32, Ordering};

/// Retries that may come at once: small traffic is not denied its few.
const BURST: u32 = 10;

/// Retries that are left, in hundredths.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(BURST * 100))
    }
}

impl Budget {
    /// A call has come: it adds its share.
    pub(super) fn call(&self, percent: u8) {
        self.change(|left| Some(left.saturating_add(u32::from(percent)).min(BURST * 100)));
    }

    /// Whether there is one to take.
    pub(super) fn has(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 100
    }

    /// Takes one retry, if there is one.
    pub(super) fn take(&self) -> bool {
        self.change(|left| left.checked_sub(100))
    }

    fn change(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn retries_are_a_share_of_calls_and_a_burst(
            calls in prop::collection::vec(0_u32..4, 0..300),
            percent in 0_u8..=100,
        ) {
            let budget = Budget::default();
            let (mut came, mut retried) = (0, 0);
            for wanted in calls {
                budget.call(percent);
                came += 1;
                for _ in 0..wanted {
                    let has = budget.has();
                    prop_assert_eq!(budget.take(), has);
                    retried += u32::from(has);
                }
                prop_assert!(retried * 100 <= BURST * 100 + came * u32::from(percent));
            }
        }
    }
}
