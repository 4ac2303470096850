use std::collections::VecDeque;

use cordon_core::{CallId, DurationMs, Timestamp, containment::MAX_FIRST};

/// How many slices a window has: it slides by one of them.
const SLICES: i64 = 30;
/// The most bad calls that a slice names.
const FIRST_OF_SLICE: usize = 8;

/// Counts of calls over the time that has just passed. It keeps no calls but the names of the first bad ones.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// Milliseconds of a slice.
    width: i64,
    /// Slices in which there were calls, by time.
    slices: VecDeque<Slice>,
}

#[derive(Clone, Debug, Default)]
struct Slice {
    /// Which one: its time divided by the width.
    at: i64,
    calls: u64,
    bad: u64,
    unclear: u64,
    /// The first bad calls, by time.
    first: Vec<(Timestamp, CallId)>,
}

/// One call, as a signal sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Whether it counts for the trigger to fire.
    pub(crate) bad: bool,
    /// Whether it keeps the signal from being clear.
    pub(crate) unclear: bool,
}

/// What a window holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Calls.
    pub calls: u64,
    /// Those that count for the trigger to fire.
    pub bad: u64,
    /// Those that keep the signal from being clear.
    pub unclear: u64,
    /// When the first bad call ended, or the level became too high.
    pub began: Option<Timestamp>,
    /// The first bad calls.
    pub first: Vec<CallId>,
}

impl Window {
    pub(crate) fn new(length: DurationMs) -> Self {
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self { width: (millis / SLICES).max(1), slices: VecDeque::new() }
    }

    /// Counts a call in the slice of its time. One that is older than the window is not counted.
    pub(crate) fn add(&mut self, time: Timestamp, call: CallId, sample: Sample) {
        let at = self.at(time);
        let place = self.slices.partition_point(|slice| slice.at < at);
        if self.slices.get(place).is_none_or(|slice| slice.at != at) {
            self.slices.insert(place, Slice { at, ..Slice::default() });
            self.keep();
        }
        // A slice that was too old is gone again.
        let Some(slice) = self.slices.iter_mut().rev().find(|slice| slice.at == at) else { return };
        slice.calls = slice.calls.saturating_add(1);
        slice.bad = slice.bad.saturating_add(u64::from(sample.bad));
        slice.unclear = slice.unclear.saturating_add(u64::from(sample.unclear));
        if sample.bad {
            let place = slice.first.partition_point(|known| *known < (time, call));
            if place < FIRST_OF_SLICE {
                slice.first.insert(place, (time, call));
                slice.first.truncate(FIRST_OF_SLICE);
            }
        }
    }

    /// Forgets what is older than the window at a time.
    pub(crate) fn until(&mut self, now: Timestamp) {
        let oldest = self.at(now).saturating_sub(SLICES);
        while self.slices.front().is_some_and(|slice| slice.at <= oldest) {
            self.slices.pop_front();
        }
    }

    /// What it holds.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for slice in &self.slices {
            sum.calls = sum.calls.saturating_add(slice.calls);
            sum.bad = sum.bad.saturating_add(slice.bad);
            sum.unclear = sum.unclear.saturating_add(slice.unclear);
            let left = MAX_FIRST.saturating_sub(sum.first.len());
            sum.began = sum.began.or_else(|| slice.first.first().map(|(time, _)| *time));
            sum.first.extend(slice.first.iter().take(left).map(|(_, call)| *call));
        }
        sum
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.slices.clear();
    }

    /// At most as many slices as a window has, the latest: whatever times calls claim.
    fn keep(&mut self) {
        let Some(latest) = self.slices.back().map(|slice| slice.at) else { return };
        let oldest = latest.saturating_sub(SLICES);
        while self.slices.front().is_some_and(|slice| slice.at <= oldest) {
            self.slices.pop_front();
        }
    }

    fn at(&self, time: Timestamp) -> i64 {
        time.as_millis().div_euclid(self.width)
    }

    #[cfg(test)]
    pub(crate) fn slices(&self) -> usize {
        self.slices.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Sample = Sample { bad: true, unclear: true };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn call(number: u8) -> CallId {
        CallId::new(at(0), [number; 10])
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut window = Window::new(DurationMs::from_secs(30));
        for second in 0..100 {
            window.add(at(second * 1000), call(1), BAD);
            window.until(at(second * 1000));
            assert!(window.slices() <= 30);
        }
        assert_eq!((window.sum().calls, window.sum().bad), (30, 30));
        assert_eq!(window.sum().began, Some(at(70_000)));
        window.add(at(0), call(2), BAD);
        assert_eq!(window.sum().calls, 30, "one that comes too late is not counted");
        window.until(at(1_000_000));
        assert!(window.is_empty());
    }

    #[test]
    fn a_time_from_the_future_does_not_make_it_grow() {
        let mut window = Window::new(DurationMs::from_secs(1));
        for far in 0..10_000 {
            window.add(at(far * 7_919 % 1_000_003), call(1), BAD);
            assert!(window.slices() <= 31);
        }
    }
}
