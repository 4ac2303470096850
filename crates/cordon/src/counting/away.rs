//! Whether a store that did not answer is asked: calls do not wait, one after the other, for one that is away.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// So many failures after each other mean that it is away. One or two may be of a packet that was lost.
const FAILURES: u32 = 3;
/// How long nobody asks then, before one call does.
const PAUSE: Duration = Duration::from_millis(200);

/// What is known of the store.
pub(super) struct Away {
    failures: AtomicU32,
    began: Instant,
    /// When the last of them was counted, in nanoseconds since `began`.
    counted: AtomicU64,
    /// When it is asked next while it is away, in milliseconds since `began`.
    next: AtomicU64,
}

impl Away {
    /// It is there, as far as anybody knows.
    pub(super) fn new(now: Instant) -> Self {
        Self { failures: AtomicU32::new(0), began: now, counted: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// Whether to ask now. While it is away, one caller at a time does, who waits for at most this time.
    pub(super) fn asks(&self, now: Instant, patience: Duration) -> bool {
        if self.failures.load(Ordering::Relaxed) < FAILURES {
            return true;
        }
        let (now, next) = (self.millis(now), self.next.load(Ordering::Relaxed));
        let after = now.saturating_add(millis(patience.saturating_add(PAUSE)));
        now >= next && self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// It answered.
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// It did not answer who began to ask at `asked`. Those that wait at the same time fail together, by one lost packet or one
    /// slow answer, so that a failure counts only where it was begun after the last one that did.
    pub(super) fn failed(&self, asked: Instant, now: Instant) {
        let (asked, failed) = (self.nanos(asked), self.nanos(now));
        let counts = |last: u64| (asked >= last).then_some(failed);
        if self.counted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counts).is_err() {
            return;
        }
        self.failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |failures| failures.checked_add(1))
            .ok();
        self.next.store(self.millis(now).saturating_add(millis(PAUSE)), Ordering::Relaxed);
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began))
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asks_while_it_is_away_and_all_do_when_it_is_back() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let patience = Duration::from_millis(100);
        let away = Away::new(began);
        for _ in 1..FAILURES {
            away.failed(at(10), at(10));
        }
        assert!(away.asks(at(10), patience), "a few may be of chance");
        away.answered();
        for _ in 1..FAILURES {
            away.failed(at(20), at(20));
        }
        assert!(away.asks(at(20), patience), "only those after each other count");
        away.failed(at(20), at(20));
        assert!(!away.asks(at(219), patience), "nobody waits");
        assert!(away.asks(at(220), patience), "one looks");
        assert!(!away.asks(at(220), patience) && !away.asks(at(519), patience), "and only one");
        assert!(away.asks(at(520), patience), "whoever looked was never heard of again");
        away.failed(at(520), at(620));
        assert!(!away.asks(at(819), patience) && away.asks(at(820), patience));
        away.answered();
        assert!((0..10).all(|_| away.asks(at(821), patience)));
    }
    #[test]
    fn those_that_fail_at_the_same_time_are_one_failure() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let patience = Duration::from_millis(100);
        let away = Away::new(began);
        for asked in 0..20 {
            away.failed(at(asked), at(100 + asked));
        }
        assert!(away.asks(at(120), patience), "one packet may have been lost for all of them");
        away.failed(at(99), at(199));
        away.failed(at(120), at(220));
        assert!(away.asks(at(220), patience), "the second round of them");
        away.failed(at(220), at(320));
        assert!(!away.asks(at(321), patience), "three rounds one after the other are no chance");
    }
}
