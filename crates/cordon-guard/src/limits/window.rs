//! The two ways to count: an even rate, and use in windows that follow each other.

use std::time::Duration;

use cordon_core::{
    Timestamp,
    resource::{LimitWindow, Requests},
};

/// Requests at an even rate: a generic cell rate algorithm (GCRA, ITU-T I.371, annex A). One number, no timer, exact at any
/// rate: `burst` requests may come at once, and one more is let in every `window / count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// The theoretical arrival time, in nanoseconds since 1970.
    arrival: i64,
}

/// A rate in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two requests.
    pub step: i64,
    /// How far the arrival time may be ahead.
    pub tolerance: i64,
}

impl Pace {
    /// The pace of requests.
    pub fn of(requests: Requests) -> Self {
        let window = i64::try_from(requests.window.as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let step = (window / i64::from(requests.count).max(1)).max(1);
        // All but one of a burst may come before their turn.
        let burst = i64::from(requests.burst.unwrap_or(requests.count)).max(1);
        Self { step, tolerance: step.saturating_mul(burst.saturating_sub(1)) }
    }

    /// How many requests may come at once while the arrival time is so many nanoseconds ahead.
    pub const fn left(self, ahead: i64) -> u64 {
        let room = self.tolerance.saturating_sub(ahead);
        if room < 0 { 0 } else { (room / self.step).saturating_add(1).unsigned_abs() }
    }

    /// How far the last of a burst brings the arrival time.
    pub(super) const fn furthest(self) -> i64 {
        self.tolerance.saturating_add(self.step)
    }
}

/// Nanoseconds since 1970.
const fn nanos(time: Timestamp) -> i64 {
    time.as_millis().saturating_mul(1_000_000)
}

impl Rate {
    /// How far the arrival time is ahead of now. Requests that were let in at this pace bring it no further than
    /// [`Pace::furthest`]: what is beyond that is of another pace, which was in force before.
    fn ahead(self, pace: Pace, now: i64) -> i64 {
        self.arrival.saturating_sub(now).clamp(0, pace.furthest())
    }

    /// How long one more request has to wait; nothing where it need not. What is ahead by another pace is forgotten, so that
    /// nobody waits for it.
    pub fn wait(&mut self, pace: Pace, now: Timestamp) -> Duration {
        let now = nanos(now);
        let ahead = self.ahead(pace, now);
        self.arrival = self.arrival.min(now.saturating_add(ahead));
        Duration::from_nanos(u64::try_from(ahead.saturating_sub(pace.tolerance)).unwrap_or(0))
    }

    /// Counts so many requests. More than can have been let in by now count as those that can.
    pub fn add(&mut self, pace: Pace, requests: u64, now: Timestamp) {
        let steps = pace.step.saturating_mul(i64::try_from(requests).unwrap_or(i64::MAX));
        let now = nanos(now);
        let ahead = self.ahead(pace, now).saturating_add(steps).min(pace.furthest());
        self.arrival = now.saturating_add(ahead);
    }

    /// How many requests may come now, and until when all of them may.
    pub fn standing(self, pace: Pace, now: Timestamp) -> (u64, Duration) {
        let ahead = self.ahead(pace, nanos(now));
        (pace.left(ahead), Duration::from_nanos(u64::try_from(ahead).unwrap_or(0)))
    }

    /// Whether nothing of what was counted matters any more.
    pub fn is_idle(self, now: Timestamp) -> bool {
        self.arrival <= nanos(now)
    }
}

/// Use in one window at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    of: Option<LimitWindow>,
    start: i64,
    end: i64,
    used: u64,
}

impl Window {
    /// Goes on to the window that a time lies in. Time that goes back changes nothing: the later window goes on. What was used
    /// stays where the length of the windows was changed in the middle of one.
    pub fn roll(&mut self, window: LimitWindow, now: Timestamp) {
        let over = now.as_millis() >= self.end;
        if over {
            self.used = 0;
        }
        if over || self.of != Some(window) {
            self.of = Some(window);
            (self.start, self.end) = window.bounds(now);
        }
    }

    /// How much is used.
    pub const fn used(self) -> u64 {
        self.used
    }

    /// When it begins, and when the next one does.
    pub const fn bounds(self) -> (Timestamp, Timestamp) {
        (Timestamp::from_millis(self.start), Timestamp::from_millis(self.end))
    }

    /// How long the window still runs.
    pub fn left(self, now: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.end.saturating_sub(now.as_millis())).unwrap_or(0))
    }

    /// Counts use.
    pub const fn add(&mut self, amount: u64) {
        self.used = self.used.saturating_add(amount);
    }

    /// Counts what was used in place of what was reserved at a time. What was reserved in an earlier window is not this one's
    /// business any more.
    pub fn settle(&mut self, time: Timestamp, reserved: u64, spent: u64) {
        if (self.start..self.end).contains(&time.as_millis()) {
            self.used = self.used.saturating_sub(reserved).saturating_add(spent);
        }
    }

    /// Whether nothing of what was counted matters any more.
    pub const fn is_idle(self, now: Timestamp) -> bool {
        self.used == 0 || now.as_millis() >= self.end
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::DurationMs;
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn hours(count: u64) -> LimitWindow {
        LimitWindow::Every(DurationMs::from_secs(count * 3_600))
    }

    fn pace(count: u32, seconds: u64, burst: Option<u32>) -> Pace {
        Pace::of(Requests { count, window: DurationMs::from_secs(seconds), burst })
    }

    #[test]
    fn a_rate_lets_in_its_burst_and_then_one_every_step() {
        let (start, ten) = (at(1_700_000_000_000), pace(10, 10, None));
        let mut rate = Rate::default();
        for left in (0..10).rev() {
            assert_eq!(rate.wait(ten, start), Duration::ZERO);
            rate.add(ten, 1, start);
            assert_eq!(rate.standing(ten, start).0, left);
        }
        assert_eq!(rate.wait(ten, start), Duration::from_secs(1));
        assert_eq!(rate.standing(ten, start).1, Duration::from_secs(10));
        let later = at(start.as_millis() + 1_000);
        assert_eq!(rate.wait(ten, later), Duration::ZERO);
        rate.add(ten, 1, later);
        assert_eq!(rate.wait(ten, later), Duration::from_secs(1));

        let two = pace(10, 10, Some(2));
        let mut rate = Rate::default();
        rate.add(two, 2, start);
        assert_eq!(rate.wait(two, start), Duration::from_secs(1));
        assert_eq!(rate.standing(two, at(start.as_millis() + 1_500)).0, 1);
        assert_eq!(rate.standing(two, at(start.as_millis() + 60_000)), (2, Duration::ZERO));
    }

    #[test]
    fn a_pace_that_was_loosened_is_not_waited_for() {
        let start = at(1_700_000_000_000);
        let (slow, fast) = (pace(10, 86_400, None), pace(100, 1, None));
        let mut rate = Rate::default();
        rate.add(slow, 10, start);
        assert_eq!(rate.wait(slow, start), Duration::from_secs(8_640));
        let full = rate.wait(fast, start);
        assert_eq!(full, Duration::from_millis(10), "as if all of the new burst had come");
        assert_eq!(rate.wait(fast, at(start.as_millis() + 10)), Duration::ZERO);
        assert_eq!(rate.standing(fast, at(start.as_millis() + 1_000)), (100, Duration::ZERO));
    }

    #[test]
    fn what_is_counted_again_after_a_start_is_no_more_than_could_come() {
        let end = at(1_700_000_000_000);
        let mut rate = Rate::default();
        // Half of what it may, all the time; each minute counts as if all of it had come at its end.
        let half = pace(600, 60, Some(50));
        rate.add(half, 300, at(end.as_millis() - 59_000));
        rate.add(half, 295, end);
        assert_eq!(rate.wait(half, end), Duration::from_millis(100), "one step, as after a whole burst");
        // A limit that was made tighter meanwhile.
        let mut rate = Rate::default();
        let tight = pace(10, 60, None);
        rate.add(tight, 600, end);
        assert_eq!(rate.wait(tight, end), Duration::from_secs(6));
    }

    #[test]
    fn windows_begin_with_the_hour_and_do_not_go_back() {
        let noon = 12 * HOUR;
        let mut window = Window::default();
        window.roll(hours(1), at(noon + 10));
        window.add(7);
        window.roll(hours(1), at(noon + HOUR - 1));
        assert_eq!((window.used(), window.left(at(noon + HOUR - 1))), (7, Duration::from_millis(1)));
        // The clock goes back: what was used stays used, and the window ends when it said.
        window.roll(hours(1), at(noon - 5));
        assert_eq!((window.used(), window.start), (7, noon));
        window.roll(hours(2), at(noon + 20));
        assert_eq!((window.used(), window.end), (7, noon + 2 * HOUR));
        window.roll(hours(2), at(noon + 2 * HOUR));
        assert_eq!(window.used(), 0);
        window.settle(at(noon + 10), 7, 3);
        assert_eq!(window.used(), 0, "it belonged to the window before");
    }

    #[test]
    fn months_begin_and_end_with_the_calendar() {
        let time = |text| Timestamp::parse(text).unwrap();
        let mut window = Window::default();
        window.roll(LimitWindow::Month, time("2028-02-28T00:00:00Z"));
        window.add(7);
        let leap = time("2028-02-29T23:59:59Z");
        window.roll(LimitWindow::Month, leap);
        assert_eq!((window.used(), window.left(leap)), (7, Duration::from_secs(1)));
        // What was reserved in a month that is over is not the next one's.
        let march = time("2028-03-01T00:00:00Z");
        window.roll(LimitWindow::Month, march);
        window.settle(leap, 7, 9);
        assert_eq!((window.used(), window.left(march)), (0, Duration::from_secs(31 * 86_400)));
        // In the middle of a month that becomes thirty days, what was used stays.
        window.add(3);
        window.roll(hours(720), time("2028-03-02T00:00:00Z"));
        assert_eq!(window.used(), 3);
    }

    proptest! {
        /// Forgetting what no request of this pace can have brought changes nothing of a rate that keeps its pace: it lets in
        /// what the algorithm without any bound lets in.
        #[test]
        fn a_rate_that_keeps_its_pace_is_the_plain_algorithm(
            count in 1..50_u32,
            burst in prop::option::of(1..50_u32),
            pauses in prop::collection::vec(0..400_i64, 1..200),
        ) {
            let pace = pace(count, 10, burst);
            let (mut rate, mut plain) = (Rate::default(), 0_i64);
            let mut now = 1_700_000_000_000;
            for pause in pauses {
                now += pause;
                let ahead = (plain - now * 1_000_000).max(0);
                let admitted = ahead <= pace.tolerance;
                prop_assert_eq!(rate.wait(pace, at(now)).is_zero(), admitted);
                if admitted {
                    plain = now * 1_000_000 + ahead + pace.step;
                    rate.add(pace, 1, at(now));
                }
            }
        }

        #[test]
        fn a_window_holds_what_is_reserved_or_spent_and_is_never_below(
            calls in prop::collection::vec((0..1_000_u64, 0..1_500_u64, any::<bool>()), 1..50)
        ) {
            let mut window = Window::default();
            window.roll(hours(1), at(5));
            let mut expected = 0;
            for (reserved, spent, settled) in calls {
                window.add(reserved);
                if settled {
                    window.settle(at(5), reserved, spent);
                }
                expected += if settled { spent } else { reserved };
                prop_assert_eq!(window.used(), expected);
            }
        }
    }
}
