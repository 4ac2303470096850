use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cordon_core::{DurationMs, Timestamp};

/// A clock that stands still until a test moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows this instant.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves it forward and answers the new time.
    pub fn advance(&self, by: DurationMs) -> Timestamp {
        let next = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(Timestamp::from_millis(now).plus(by).as_millis())
        });
        Timestamp::from_millis(next.unwrap_or_default()).plus(by)
    }

    /// Sets it, backwards too: a machine's clock does that.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z, a time at which nothing of interest happens.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_time_and_it_may_go_back() {
        let clock = ManualClock::default();
        let other = clock.clone();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(clock.advance(DurationMs::from_millis(5)), other.now());
        assert_eq!(other.now().as_millis(), 1_767_225_600_005);
        other.set(Timestamp::from_millis(7));
        assert_eq!(clock.now().as_millis(), 7);
    }
}
