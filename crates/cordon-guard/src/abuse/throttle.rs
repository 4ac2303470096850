//! Principals and prompts that are slowed down for a while.

use cordon_core::{Name, Refusal, RefusalCode, Timestamp, resource::Throttle};
use cordon_policy::EffectiveGuard;
use smallvec::SmallVec;

use crate::limits::{Pace, Rate, seconds};

/// Throttles of one of them that hold at the same time; another one takes the place of the one that ends first.
const MOST: usize = 8;

/// It is slowed down wherever a guard holds.
#[derive(Clone, Debug)]
pub(super) struct Throttled {
    guard: Name,
    throttle: Throttle,
    rate: Rate,
    until: Timestamp,
}

impl Throttled {
    /// Whether it is not over.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Lets a call pass under all throttles that hold for `what` it is of, or under none.
///
/// # Errors
/// When it is not the call's turn.
pub(super) fn pass(
    all: &mut SmallVec<[Throttled; 1]>,
    what: &str,
    guard: &EffectiveGuard,
    now: Timestamp,
) -> Result<(), Refusal> {
    if all.is_empty() {
        return Ok(());
    }
    all.retain(|throttled| throttled.holds(now));
    let applies = |throttled: &Throttled| guard.names().any(|name| *name == throttled.guard);
    for throttled in all.iter_mut().filter(|throttled| applies(throttled)) {
        let wait = throttled.rate.wait(Pace::of(throttled.throttle.requests), now);
        if !wait.is_zero() {
            let why = format!("guard {} slows {what} down until {}", throttled.guard, throttled.until);
            let left = throttled.until.since(now).as_std();
            return Err(Refusal::new(RefusalCode::Throttled, why).retry_after(seconds(wait.min(left))));
        }
    }
    for throttled in all.iter_mut().filter(|throttled| applies(throttled)) {
        throttled.rate.add(Pace::of(throttled.throttle.requests), 1, now);
    }
    Ok(())
}

/// Slows down, or for longer. The call that is the reason of it counts as the first.
pub(super) fn put(all: &mut SmallVec<[Throttled; 1]>, guard: &Name, throttle: Throttle, now: Timestamp) {
    let until = now.plus(throttle.lasts);
    let same = |throttled: &&mut Throttled| throttled.guard == *guard && throttled.throttle == throttle;
    if let Some(throttled) = all.iter_mut().find(same) {
        throttled.until = throttled.until.max(until);
        return;
    }
    if all.len() >= MOST
        && let Some(soonest) = all.iter().enumerate().min_by_key(|(_, throttled)| throttled.until)
    {
        let at = soonest.0;
        all.swap_remove(at);
    }
    let mut rate = Rate::default();
    rate.add(Pace::of(throttle.requests), 1, now);
    all.push(Throttled { guard: guard.clone(), throttle, rate, until });
}
