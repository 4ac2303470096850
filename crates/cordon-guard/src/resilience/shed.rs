//! Load shedding: when this process has more to do than it can, what is least important is refused early and cheaply, so that
//! what is let in is served as fast as before.
//!
//! The sign of it is a queue that does not go away: how long a task that is ready waits for its turn, and of that the least in
//! an interval, as CoDel judges a queue by its least delay and not by its bursts (RFC 8289, section 3.1). What follows is a
//! level below which calls are admitted: by priority first, and at random within one, as in DAGOR (H. Zhou et al., Overload
//! Control for Scaling WeChat Microservices, SoCC 2018, section 4.2). The level falls by a fifth with each interval of
//! standing delay, and rises by steps without.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use cordon_core::resource::Priority;

/// A delay that lasts and is longer is an overload: CoDel's (RFC 8289, section 4.2), and some thirty times what a call takes here. A
/// call has its turn several times, and waits each time: with DAGOR's 20 ms it took a tenth of a second before anything was shed.
const TARGET: Duration = Duration::from_millis(5);
/// How long it has to last.
const INTERVAL: Duration = Duration::from_millis(200);
/// Ranks of one priority.
const RANKS: u32 = 256;
/// The level at which all are admitted.
const ALL: u32 = 3 * RANKS;
/// What is always admitted: something has to be, to see that it is better.
const LEAST: u32 = 8;
/// How often it has to be looked: one long delay may be of a process that stood still, and behind it there is no queue.
const LOOKS: u32 = 2;
/// Intervals that count at once.
const MOST_AT_ONCE: u128 = 8;
/// How much the level rises in an interval.
const STEP: u32 = 16;

/// Says which calls are let in.
#[derive(Debug)]
pub struct Shedder {
    level: AtomicU32,
    interval: Mutex<Interval>,
}

#[derive(Debug)]
struct Interval {
    began: Instant,
    /// The least delay so far.
    least: Option<Duration>,
    /// How often it was looked.
    looks: u32,
}

impl Interval {
    const fn new(began: Instant) -> Self {
        Self { began, least: None, looks: 0 }
    }
}

impl Shedder {
    /// One that admits all.
    pub fn new(now: Instant) -> Self {
        Self { level: AtomicU32::new(ALL), interval: Mutex::new(Interval::new(now)) }
    }

    /// Looks how long a task that is ready waits for its turn now.
    pub(crate) async fn look(&self) {
        let delay = turn().await;
        self.waited(delay, Instant::now());
    }

    /// A task that was ready waited so long for its turn.
    pub fn waited(&self, delay: Duration, now: Instant) {
        let mut interval = self.interval.lock().unwrap_or_else(PoisonError::into_inner);
        let least = interval.least.map_or(delay, |least| least.min(delay));
        interval.least = Some(least);
        interval.looks = interval.looks.saturating_add(1);
        let passed = now.saturating_duration_since(interval.began);
        if passed < INTERVAL || interval.looks < LOOKS {
            return;
        }
        // A delay longer than an interval is that of several: nobody could look meanwhile.
        let intervals = passed.as_millis().checked_div(INTERVAL.as_millis()).unwrap_or(1).min(MOST_AT_ONCE);
        *interval = Interval::new(now);
        drop(interval);
        let level = self.level.load(Ordering::Relaxed);
        let level = if least > TARGET {
            (0..intervals).fold(level, |level, _| level.saturating_sub(level / 5)).max(LEAST)
        } else {
            level.saturating_add(STEP).min(ALL)
        };
        self.level.store(level, Ordering::Relaxed);
    }

    /// Whether all calls are let in.
    pub fn admits_all(&self) -> bool {
        self.level.load(Ordering::Relaxed) >= ALL
    }

    /// Whether a call of this priority is let in. `random` is a random number of the call's own.
    pub fn admits(&self, priority: Priority, random: u8) -> bool {
        let level = self.level.load(Ordering::Relaxed);
        let above = match priority {
            Priority::High => 0,
            Priority::Normal => RANKS,
            Priority::Low => 2 * RANKS,
        };
        level >= ALL || above.saturating_add(u32::from(random)) < level
    }

    /// The share of calls of a priority that is let in, in percent.
    pub fn admitted(&self, priority: Priority) -> u32 {
        let let_in = (0..=u8::MAX).filter(|random| self.admits(priority, *random)).count();
        u32::try_from(let_in.saturating_mul(100) / 256).unwrap_or(100)
    }
}

/// How long a task that is ready waits for its turn behind all those that are ready already.
async fn turn() -> Duration {
    let ready = Instant::now();
    let waiting = tokio::spawn(async move { ready.elapsed() });
    // A thread of the runtime runs the task that it woke last at once, before its queue, so that whoever looks at himself sees no
    // queue. Another one woken after it sends it to the end.
    drop(tokio::spawn(std::future::ready(())));
    // One that cannot be run has no delay to tell: the process ends.
    waiting.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicUsize};

    use super::*;

    #[test]
    fn a_turn_comes_behind_all_that_are_ready() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let looking = runtime.spawn(async {
            for queued in [1, 2, 10, 100] {
                let ran = Arc::new(AtomicUsize::new(0));
                for _ in 0..queued {
                    let ran = Arc::clone(&ran);
                    drop(tokio::spawn(async move { ran.fetch_add(1, Ordering::Relaxed) }));
                }
                assert!(turn().await > Duration::ZERO);
                assert_eq!(ran.load(Ordering::Relaxed), queued);
            }
        });
        runtime.block_on(looking).unwrap();
    }

    /// What a call takes, and what refusing one does.
    const SERVICE: u64 = 100;
    const REFUSAL: u64 = 10;

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn unit(&mut self) -> f64 {
            (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
        }
    }

    #[derive(Debug)]
    struct Seen {
        /// Milliseconds that admitted calls waited for their turn: the median, and 99 of 100.
        median: f64,
        late: f64,
        /// Share of the capacity that was used for admitted calls.
        used: f64,
        high: f64,
        low: f64,
    }

    /// One server, calls at random times at this multiple of its capacity, for a minute of which the first ten seconds do not
    /// count. A tenth of the calls is of high priority, three tenths are of low.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times of a minute in microseconds, none of them negative"
    )]
    fn simulate(load: f64, sheds: bool) -> Seen {
        let begin = Instant::now();
        let shedder = Shedder::new(begin);
        let mut random = Random(0x5eed);
        // In microseconds: the time, when the server is free, and when the next delay is looked at.
        let (mut now, mut free, mut look) = (0.0_f64, 0.0_f64, 0.0_f64);
        let (mut waits, mut of_high, mut of_low) = (Vec::new(), (0, 0), (0, 0));
        while now < 60e6 {
            now += -(1.0 - random.unit()).ln() * SERVICE as f64 / load;
            // Who looks waits for its turn like everybody else.
            while look <= now {
                let turn = free.max(look);
                let delay = Duration::from_micros((turn - look) as u64);
                shedder.waited(delay, begin + Duration::from_micros(turn as u64));
                look = turn + 5_000.0;
            }
            let priority = match random.unit() {
                unit if unit < 0.1 => Priority::High,
                unit if unit < 0.4 => Priority::Low,
                _ => Priority::Normal,
            };
            let admitted = !sheds || shedder.admits(priority, random.next().to_be_bytes()[0]);
            let wait = (free - now).max(0.0);
            free = free.max(now) + if admitted { SERVICE as f64 } else { REFUSAL as f64 };
            if now < 10e6 {
                continue;
            }
            let count = match priority {
                Priority::High => &mut of_high,
                Priority::Low => &mut of_low,
                Priority::Normal => &mut (0, 0),
            };
            count.0 += 1;
            count.1 += i32::from(admitted);
            if admitted {
                waits.push(wait / 1_000.0);
            }
        }
        waits.sort_by(f64::total_cmp);
        let share = |(all, admitted): (i32, i32)| f64::from(admitted) / f64::from(all);
        Seen {
            median: waits[waits.len() / 2],
            late: waits[waits.len() * 99 / 100],
            used: waits.len() as f64 * SERVICE as f64 / 50e6,
            high: share(of_high),
            low: share(of_low),
        }
    }

    #[test]
    fn at_twice_the_capacity_admitted_calls_wait_a_bounded_time_and_the_important_ones_come_through() {
        let calm = simulate(0.7, true);
        assert!(calm.late < 5.0 && calm.low > 0.999, "nothing is shed without need: {calm:?}");
        let flooded = simulate(2.0, false);
        assert!(flooded.median > 10_000.0, "without it the queue grows for ever: {flooded:?}");
        for load in [1.2, 1.5, 2.0, 3.0] {
            let seen = simulate(load, true);
            println!("{load} x capacity: {seen:?}");
            assert!(seen.median < 60.0 && seen.late < 400.0, "{load}: {seen:?}");
            assert!(seen.used > 0.6, "{load}: {seen:?}");
            assert!(seen.high > 0.99 && seen.low < seen.high, "{load}: {seen:?}");
        }
    }

    #[test]
    fn a_process_that_stood_still_is_no_overload() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        shedder.waited(Duration::from_secs(3), at(3_000));
        shedder.waited(Duration::ZERO, at(3_005));
        assert!(shedder.admits_all());
        // The queue that is as long as that is seen twice.
        shedder.waited(Duration::from_secs(3), at(6_005));
        shedder.waited(Duration::from_secs(3), at(9_005));
        assert_eq!(shedder.admitted(Priority::Low), 0);
    }

    #[test]
    fn a_burst_is_no_overload() {
        let begin = Instant::now();
        let shedder = Shedder::new(begin);
        for step in 0..2_000 {
            // A long delay, but for once in each interval.
            let delay = if step % 40 == 0 { Duration::ZERO } else { Duration::from_millis(500) };
            shedder.waited(delay, begin + Duration::from_millis(5 * step));
        }
        assert_eq!(shedder.admitted(Priority::Low), 100);
    }
}
