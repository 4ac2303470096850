use std::time::{Duration, Instant};

/// How finely a window slides: what leaves it leaves in tenths.
const PARTS: usize = 10;

/// What calls came to over the last while. Bounded, whatever happens.
#[derive(Clone, Debug)]
pub(super) struct Window {
    began: Instant,
    part: Duration,
    parts: [Part; PARTS],
}

/// Calls of a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub calls: u32,
    /// Those that failed.
    pub failed: u32,
    /// Those that were slow.
    pub slow: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// Which tenth it is, counted from the beginning; 0 is none.
    tick: u64,
    counts: Counts,
}

impl Window {
    pub(super) fn new(now: Instant, length: Duration) -> Self {
        let part = (length / 10).max(Duration::from_millis(1));
        Self { began: now, part, parts: [Part::default(); PARTS] }
    }

    /// A window of another length begins anew.
    pub(super) fn fit(&mut self, now: Instant, length: Duration) {
        let fitting = Self::new(now, length);
        if fitting.part != self.part {
            *self = fitting;
        }
    }

    /// Forgets everything.
    pub(super) const fn clear(&mut self) {
        self.parts = [Part { tick: 0, counts: Counts { calls: 0, failed: 0, slow: 0 } }; PARTS];
    }

    fn tick(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_nanos();
        let tick = since.checked_div(self.part.as_nanos()).unwrap_or(0);
        u64::try_from(tick).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Changes the counts of now.
    pub(super) fn count(&mut self, now: Instant, change: impl FnOnce(&mut Counts)) {
        let tick = self.tick(now);
        let at = usize::try_from(tick % PARTS as u64).unwrap_or(0);
        if let Some(part) = self.parts.get_mut(at) {
            if part.tick < tick {
                *part = Part { tick, counts: Counts::default() };
            }
            change(&mut part.counts);
        }
    }

    /// All that is in the window.
    pub(super) fn sum(&self, now: Instant) -> Counts {
        let tick = self.tick(now);
        let mut sum = Counts::default();
        for part in &self.parts {
            if part.tick > 0 && part.tick.saturating_add(PARTS as u64) > tick {
                sum.calls = sum.calls.saturating_add(part.counts.calls);
                sum.failed = sum.failed.saturating_add(part.counts.failed);
                sum.slow = sum.slow.saturating_add(part.counts.slow);
            }
        }
        sum
    }
}
