//! Load shedding: when this process has more to do than it can, what is least important is refused early and cheaply, so that
//! what is let in is served as fast as before.
//!
//! The sign of it is a queue that does not go away: how long a task that is ready waits for its turn, and of that the least in
//! an interval, as CoDel judges a queue by its least delay and not by its bursts (RFC 8289, section 3.1). What follows is a
//! level below which calls are admitted: by priority first, and at random within one, as in DAGOR (H. Zhou et al., Overload
//! Control for Scaling WeChat Microservices, SoCC 2018, section 4.2). The level falls by a fifth with each interval of
//! standing delay, and rises by steps without. Beside that, a queue that is long now is answered at once:
//! while the last look waited too long, or whoever looks still waits, what is of low priority is not let in, nor what is normal while
//! calls of high priority come. What is known of the queue is as old as the queue is long, so that all or nothing by it alone would
//! let it swing: between two looks only so many of them are let in, more by a few where the last look was short, fewer by a quarter where
//! it was not (additive increase and multiplicative decrease: D.-M. Chiu and R. Jain, Analysis of the Increase and Decrease Algorithms
//! for Congestion Avoidance in Computer Networks, Computer Networks and ISDN Systems 17, 1989).

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cordon_core::resource::Priority;

/// A delay that lasts and is longer is an overload for what is of low priority: some ten times what a call takes here. A call has its
/// turn some five times and waits each time, so what its caller sees is some five times as much.
const TARGET: Duration = Duration::from_millis(2);
/// From here the others are refused, too: CoDel's (RFC 8289, section 4.2). Many callers who each wait for their answer keep a queue
/// below it, and are served: it harms nobody but those who are in it.
const PATIENCE: Duration = Duration::from_millis(5);
/// While calls of high priority come, normal ones are not let in at any moment at which the queue is longer than this.
const COURTESY: Duration = Duration::from_millis(3);
/// While an overload lasts, only what is of high priority is let in at a moment at which the queue is longer than this, and not that either
/// where it is longer than the other: it would be late.
const LIMIT: Duration = Duration::from_millis(5);
const HIGH_LIMIT: Duration = Duration::from_millis(6);
/// How long after a call of high priority the normal ones give way.
const YIELDS: Duration = Duration::from_millis(300);
/// How long it has to last: CoDel's (RFC 8289, section 4.3).
const INTERVAL: Duration = Duration::from_millis(100);
/// Ranks of one priority.
const RANKS: u32 = 256;
/// The level at which all but what is of low priority are admitted.
const IMPORTANT: u32 = 2 * RANKS;
/// How far the level may fall below where calls of low priority begin, and the others are still admitted: so much time passes before
/// it is tried again to let some of them in.
const REST: u32 = RANKS / 2;
/// The level at which all are admitted.
const ALL: u32 = IMPORTANT + REST + RANKS;
/// What is always admitted: something has to be, to see that it is better.
const LEAST: u32 = 8;
/// How often it has to be looked: one long delay may be of a process that stood still, and behind it there is no queue.
const LOOKS: u32 = 2;
/// Intervals that count at once.
const MOST_AT_ONCE: u128 = 2;
/// The part of the level by which it falls.
const PART: u32 = 5;
/// How much the level rises in an interval: where only calls of low priority are refused, where normal ones are, which come back within
/// three seconds of the end of an overload, and where those of high priority are.
const STEP: u32 = 8;
const NORMAL_STEP: u32 = 16;
const IMPORTANT_STEP: u32 = 64;

/// Calls between two looks, at first: as good as any number.
const ALLOWANCE: u32 = 4_096;
/// By which part of itself, and one, the allowance grows.
const GROWTH: u32 = 16;

/// Says which calls are let in.
#[derive(Debug)]
pub struct Shedder {
    level: AtomicU32,
    /// How many calls below high priority may be let in from the last look to the next.
    allowance: AtomicU32,
    /// How many of them were let in since.
    entered: AtomicU32,
    /// Whether normal ones were among those that asked since.
    normal: AtomicBool,
    interval: Mutex<Interval>,
    made: Instant,
    /// When somebody began to look who has not had a turn yet, in microseconds since `made`; 0 while nobody looks.
    looking: AtomicU64,
    /// How long whoever looked last waited, in microseconds.
    last: AtomicU64,
    /// When a call of high priority last came while not all were let in, in microseconds since `made`; 0 before the first.
    important: AtomicU64,
}

#[derive(Debug)]
struct Interval {
    /// When the first who looked in it began to.
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
        Self {
            level: AtomicU32::new(ALL),
            allowance: AtomicU32::new(ALLOWANCE),
            entered: AtomicU32::new(0),
            normal: AtomicBool::new(false),
            interval: Mutex::new(Interval::new(now)),
            made: now,
            looking: AtomicU64::new(0),
            last: AtomicU64::new(0),
            important: AtomicU64::new(0),
        }
    }

    /// Looks how long a task that is ready waits for its turn now.
    pub(crate) async fn look(&self) {
        self.looks(Instant::now());
        let delay = turn().await;
        self.waited(delay, Instant::now());
    }

    /// A task that is ready waits for its turn from now on, until [`Self::waited`] tells how long.
    pub fn looks(&self, now: Instant) {
        self.looking.store(self.micros(now).max(1), Ordering::Relaxed);
    }

    /// A task that was ready waited so long for its turn.
    pub fn waited(&self, delay: Duration, now: Instant) {
        self.looking.store(0, Ordering::Relaxed);
        self.last.store(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.allow(delay, now);
        let mut interval = self.interval.lock().unwrap_or_else(PoisonError::into_inner);
        if interval.looks == 0 {
            interval.began = now.checked_sub(delay).unwrap_or(now);
        }
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
        let lower = (0..intervals).fold(level, |level, _| level.saturating_sub(level / PART));
        let step = match level {
            ..RANKS => IMPORTANT_STEP,
            RANKS..IMPORTANT => NORMAL_STEP,
            IMPORTANT.. => STEP,
        };
        let higher = level.saturating_add(step);
        let level = match least {
            least if least > PATIENCE => lower.max(LEAST),
            least if least > TARGET && level > IMPORTANT => lower.max(IMPORTANT),
            least if least > TARGET => higher.min(IMPORTANT),
            _ => higher.min(ALL),
        };
        self.level.store(level, Ordering::Relaxed);
    }

    /// How many calls below high priority may be let in until the next look: the last one waited so long.
    fn allow(&self, delay: Duration, now: Instant) {
        let before = self.allowance.load(Ordering::Relaxed);
        let entered = self.entered.swap(0, Ordering::Relaxed);
        self.normal.store(false, Ordering::Relaxed);
        let good = if self.is_yielding(now) { TARGET } else { PATIENCE };
        let allowance = match delay > good {
            false => before.saturating_add(before / GROWTH + 1).min(ALLOWANCE),
            // From here on they are counted.
            true if before == ALLOWANCE => ALLOWANCE - 1,
            // Nobody was let in: it is not they who made the queue.
            true if entered == 0 => before,
            true => {
                let used = entered.min(before).max(before / 2);
                (used - used / 4).max(1)
            }
        };
        self.allowance.store(allowance, Ordering::Relaxed);
    }

    /// Whether one more call below high priority may be let in until the next look. What is of low priority leaves half of them to normal
    /// ones where there are any.
    fn is_allowed(&self, priority: Priority) -> bool {
        let allowance = self.allowance.load(Ordering::Relaxed);
        let kept = priority == Priority::Low && self.normal.load(Ordering::Relaxed);
        self.entered.load(Ordering::Relaxed) < if kept { allowance.div_ceil(2) } else { allowance }
    }

    /// Whether all calls are let in.
    pub fn admits_all(&self, now: Instant) -> bool {
        let counts = self.allowance.load(Ordering::Relaxed) < ALLOWANCE;
        self.level.load(Ordering::Relaxed) >= ALL && !counts && !self.is_longer(TARGET, now)
    }

    /// Whether there is somebody more important than those of normal priority.
    fn is_yielding(&self, now: Instant) -> bool {
        let last = self.important.load(Ordering::Relaxed);
        last != 0 && u128::from(self.micros(now).saturating_sub(last)) < YIELDS.as_micros()
    }

    /// Whether whoever looked last waited longer than this, or whoever looks now has already.
    fn is_longer(&self, than: Duration, now: Instant) -> bool {
        let since = self.looking.load(Ordering::Relaxed);
        let so_far = if since == 0 { 0 } else { self.micros(now).saturating_sub(since) };
        u128::from(so_far.max(self.last.load(Ordering::Relaxed))) > than.as_micros()
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.made).as_micros()).unwrap_or(u64::MAX)
    }

    /// A call of high priority has come: its route is known.
    pub fn comes(&self, priority: Priority, now: Instant) {
        if priority == Priority::High {
            self.important.store(self.micros(now).max(1), Ordering::Relaxed);
        }
    }

    /// Whether a call of this priority that comes now is let in: one of those that may be until the next look. It is asked once a call.
    pub fn enters(&self, priority: Priority, random: u8, now: Instant) -> bool {
        if priority == Priority::Normal {
            self.normal.store(true, Ordering::Relaxed);
        }
        let is_one_more = priority == Priority::High || self.is_allowed(priority);
        let enters = is_one_more && self.admits(priority, random, now);
        if enters && priority != Priority::High {
            self.entered.fetch_add(1, Ordering::Relaxed);
        }
        enters
    }

    /// Whether a call of this priority is let in now. `random` is a random number of the call's own.
    pub fn admits(&self, priority: Priority, random: u8, now: Instant) -> bool {
        self.reaches(priority, random) && !self.is_late(priority, now)
    }

    /// Whether the queue of this moment is too long for calls of this priority: for low ones always, for normal ones while more
    /// important ones come or an overload lasts, for high ones at most where it is for normal ones.
    fn is_late(&self, priority: Priority, now: Instant) -> bool {
        let level = self.level.load(Ordering::Relaxed);
        match priority {
            Priority::Low => self.is_longer(TARGET, now),
            Priority::Normal => {
                self.is_longer(COURTESY, now) && self.is_yielding(now)
                    || self.is_longer(LIMIT, now) && level < IMPORTANT
            }
            Priority::High => {
                self.is_longer(HIGH_LIMIT, now) && (level < IMPORTANT || level < ALL && self.is_yielding(now))
            }
        }
    }

    /// Whether the level lets it in.
    fn reaches(&self, priority: Priority, random: u8) -> bool {
        let level = self.level.load(Ordering::Relaxed);
        let above = match priority {
            Priority::High => 0,
            Priority::Normal => RANKS,
            Priority::Low => IMPORTANT + REST,
        };
        level >= ALL || above.saturating_add(u32::from(random)) < level
    }

    /// The share of calls of a priority that is let in, in percent.
    pub fn admitted(&self, priority: Priority) -> u32 {
        let let_in = (0..=u8::MAX).filter(|random| self.reaches(priority, *random)).count();
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
    use std::{
        collections::{BTreeMap, VecDeque},
        sync::{Arc, atomic::AtomicUsize},
    };

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

    /// How often a task of a call has a turn, what each takes, how long an upstream takes, and what refusing a call takes at its
    /// first turn: in microseconds.
    const TURNS: u8 = 5;
    const TURN: u64 = 32;
    const UPSTREAM: u64 = 120;
    const REFUSAL: u64 = 25;
    /// What a call takes in all.
    const SERVICE: f64 = TURNS as f64 * TURN as f64;
    /// Between two looks.
    const LOOK: u64 = 2_000;
    /// Callers, each of whom has one call under way at most.
    const CALLERS: usize = 384;

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

    #[derive(Clone, Copy)]
    enum Task {
        Call { due: u64, priority: Priority, turns: u8, admitted: bool },
        Look { since: u64 },
    }

    /// What became of the calls of one priority.
    #[derive(Debug, Default)]
    struct Seen {
        offered: usize,
        /// Milliseconds from when an admitted call was due to its answer, sorted.
        answered: Vec<f64>,
    }

    impl Seen {
        fn share(&self) -> f64 {
            self.answered.len() as f64 / self.offered as f64
        }

        fn of_hundred(&self, rank: usize) -> f64 {
            self.answered[self.answered.len() * rank / 100]
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "microseconds between two calls, none of them negative"
    )]
    /// One thread that gives each task that is ready its turn, in order; calls that come at random times at this multiple of what it
    /// can, for twenty seconds of which the first five do not count; these shares of them are of high and of normal priority, the others
    /// of low. The thread stands still for `still` microseconds about once a second.
    fn simulate(load: f64, [high, normal]: [f64; 2], sheds: bool, still: u64) -> [Seen; 3] {
        let begin = Instant::now();
        let at = |micros: u64| begin + Duration::from_micros(micros);
        let shedder = Shedder::new(begin);
        let mut random = Random(0x5eed);
        let mut seen = [const { Seen { offered: 0, answered: Vec::new() } }; 3];
        let (mut ready, mut later) = (VecDeque::new(), BTreeMap::new());
        let (mut now, mut next, mut stands, mut under_way) = (0, 0, 1_000_000, 0);
        let mut due = VecDeque::new();
        later.insert((LOOK, u64::MAX), Task::Look { since: 0 });
        while now < 20_000_000 {
            if ready.is_empty() {
                let soonest = later.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
                now = now.max(next.min(soonest));
            }
            while next <= now {
                due.push_back(next);
                next += (-(1.0 - random.unit()).ln() * SERVICE / load) as u64;
            }
            while under_way < CALLERS
                && let Some(due) = due.pop_front()
            {
                under_way += 1;
                let priority = match random.unit() {
                    drawn if drawn < high => Priority::High,
                    drawn if drawn < high + normal => Priority::Normal,
                    _ => Priority::Low,
                };
                ready.push_back(Task::Call { due, priority, turns: 0, admitted: false });
            }
            while let Some(entry) = later.first_entry().filter(|entry| entry.key().0 <= now) {
                ready.push_back(match entry.remove() {
                    Task::Look { .. } => {
                        shedder.looks(at(now));
                        Task::Look { since: now }
                    }
                    call => call,
                });
            }
            if now > stands {
                now += still;
                stands = now + 500_000 + random.next() % 1_000_000;
            }
            match ready.pop_front() {
                None => {}
                Some(Task::Look { since }) => {
                    shedder.waited(Duration::from_micros(now - since), at(now));
                    later.insert((now + LOOK, u64::MAX), Task::Look { since: 0 });
                }
                Some(Task::Call { due, priority, turns, admitted }) => {
                    let rank = random.next().to_be_bytes()[0];
                    let admitted = admitted || !sheds || {
                        let entered = shedder.admits_all(at(now)) || shedder.enters(priority, rank, at(now));
                        // Its route is known behind the door.
                        if entered {
                            shedder.comes(priority, at(now));
                        }
                        entered
                    };
                    now += if admitted { TURN } else { REFUSAL };
                    let turns = turns + 1;
                    if admitted && turns < TURNS {
                        let call = Task::Call { due, priority, turns, admitted };
                        match turns {
                            3 => drop(later.insert((now + UPSTREAM, random.next()), call)),
                            _ => ready.push_back(call),
                        }
                        continue;
                    }
                    under_way -= 1;
                    if now > 5_000_000 {
                        let [of_high, of_normal, of_low] = &mut seen;
                        let seen = match priority {
                            Priority::High => of_high,
                            Priority::Normal => of_normal,
                            Priority::Low => of_low,
                        };
                        seen.offered += 1;
                        if admitted {
                            seen.answered.push((now - due) as f64 / 1_000.0);
                        }
                    }
                }
            }
        }
        seen.iter_mut().for_each(|seen| seen.answered.sort_by(f64::total_cmp));
        seen
    }

    #[test]
    fn at_twice_the_capacity_admitted_calls_wait_a_bounded_time_and_the_important_ones_come_through() {
        let shares = [0.2, 0.4];
        let [_, _, calm] = simulate(0.7, shares, true, 0);
        assert!(calm.of_hundred(99) < 5.0 && calm.share() > 0.999, "nothing is shed without need");
        let [_, normal, low] = simulate(0.7, shares, true, 20_000);
        assert!(
            normal.share() > 0.98 && low.share() > 0.95,
            "a thread that stands still for a fiftieth of the time costs no more: {} and {}",
            normal.share(),
            low.share()
        );
        let [_, _, flooded] = simulate(2.0, shares, false, 0);
        assert!(flooded.of_hundred(50) > 1_000.0, "without it the queue grows for ever");
        for (load, still) in [(1.2, 0), (1.5, 0), (2.0, 0), (2.0, 20_000)] {
            for shares in [[0.2, 0.4], [0.2, 0.0], [0.2, 0.8], [0.3, 0.7], [0.001, 0.999], [0.001, 0.499]] {
                let [high, normal, low] = simulate(load, shares, true, still);
                let (median, late) = (high.of_hundred(50), high.of_hundred(99));
                println!(
                    "{load} x capacity {shares:?}, still for {still}: high p50 {median} ms, p99 {late} ms, admitted {}; normal admitted {}; low admitted {}",
                    high.share(),
                    normal.share(),
                    low.share()
                );
                assert!(
                    median < 14.0 + still as f64 / 2_000.0 && late < 24.0 + still as f64 / 500.0,
                    "{load}: {median}, {late}"
                );
                assert!(high.share() > 0.95, "{load}: {}", high.share());
            }
        }
    }

    #[test]
    fn a_process_that_stood_still_is_no_overload() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        shedder.waited(Duration::from_secs(3), at(3_000));
        shedder.waited(Duration::ZERO, at(3_005));
        assert!(shedder.admits_all(at(3_005)));
        // The queue that is as long as that is seen twice.
        shedder.waited(Duration::from_secs(3), at(6_005));
        shedder.waited(Duration::from_secs(3), at(9_005));
        assert_eq!(shedder.admitted(Priority::Low), 0);
    }

    #[test]
    fn a_long_start_counts_for_no_longer_than_it_was_looked_at() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        shedder.waited(Duration::from_millis(30), at(60_000));
        shedder.waited(Duration::from_millis(30), at(60_030));
        assert_eq!(shedder.admitted(Priority::Low), 100);
        shedder.waited(Duration::from_millis(30), at(60_080));
        assert!(shedder.admitted(Priority::Low) > 20 && shedder.admitted(Priority::Normal) == 100);
    }

    #[test]
    fn what_is_important_is_refused_later() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        let lasts = |from: u64, delay: u64| {
            (from..from + 10_000).step_by(20).for_each(|at_millis| {
                shedder.waited(Duration::from_millis(delay), at(at_millis));
            });
        };
        lasts(0, 4);
        assert_eq!([Priority::Low, Priority::Normal].map(|priority| shedder.admitted(priority)), [0, 100]);
        lasts(20_000, 6);
        assert_eq!(shedder.admitted(Priority::Normal), 0);
        assert!(shedder.admitted(Priority::High) > 0);
        // Three seconds after its end what is normal is let in again.
        for at_millis in (30_000..=33_000).step_by(20) {
            shedder.waited(Duration::ZERO, at(at_millis));
        }
        assert_eq!(shedder.admitted(Priority::Normal), 100);
        lasts(40_000, 4);
        assert_eq!([Priority::Low, Priority::Normal].map(|priority| shedder.admitted(priority)), [0, 100]);
        lasts(70_000, 1);
        assert!(shedder.admits_all(at(80_000)));
    }

    #[test]
    fn at_a_moment_of_a_long_queue_what_is_normal_gives_way_to_what_is_important() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        shedder.looks(at(10));
        // There is nobody more important.
        assert!(shedder.admits(Priority::Normal, 255, at(16)));
        shedder.comes(Priority::High, at(16));
        assert!(shedder.admits(Priority::High, 255, at(16)));
        assert!(!shedder.admits(Priority::Normal, 0, at(16)));
        // The next look says whether it still is as long.
        shedder.waited(Duration::from_millis(6), at(16));
        assert!(!shedder.admits(Priority::Normal, 0, at(17)));
        shedder.looks(at(18));
        shedder.waited(Duration::from_millis(3), at(21));
        assert!(shedder.admits(Priority::Normal, 255, at(22)));
        shedder.looks(at(24));
        assert!(!shedder.admits(Priority::Normal, 0, at(30)));
        // No call of high priority came for a while.
        assert!(shedder.admits(Priority::Normal, 255, at(320)));
    }

    #[test]
    fn while_a_look_waits_the_least_important_is_not_let_in() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        shedder.looks(at(10));
        assert!(shedder.admits_all(at(12)) && shedder.admits(Priority::Low, 255, at(12)));
        assert!(!shedder.admits_all(at(13)) && !shedder.admits(Priority::Low, 0, at(13)));
        assert!(shedder.admits(Priority::Normal, 255, at(13)) && shedder.admits(Priority::High, 255, at(13)));
        shedder.waited(Duration::from_millis(4), at(14));
        assert!(!shedder.admits(Priority::Low, 0, at(15)));
        shedder.looks(at(16));
        shedder.waited(Duration::from_millis(1), at(17));
        assert!(shedder.admits_all(at(17)));
    }

    #[test]
    fn between_two_looks_only_so_many_are_let_in_and_the_least_important_leave_half() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        let looks = |from: u64, delay: u64| {
            shedder.looks(at(from));
            shedder.waited(Duration::from_millis(delay), at(from + delay));
        };
        let enter = |priority, most: u32, millis| {
            (0..most).filter(|_| shedder.enters(priority, 255, at(millis))).count()
        };
        shedder.comes(Priority::High, at(0));
        assert!(shedder.admits_all(at(0)));
        // The first long look begins to count, the next one finds that it was less than half of them.
        looks(0, 3);
        assert!(!shedder.admits_all(at(3)));
        assert_eq!(enter(Priority::Normal, 10, 3), 10);
        looks(4, 3);
        assert_eq!(enter(Priority::Normal, 4_000, 7), 1_536);
        assert_eq!(enter(Priority::High, 20, 7), 20, "they are not counted");
        looks(8, 1);
        assert_eq!(enter(Priority::Low, 4_000, 9), 1_633, "there is nobody to leave any to");
        looks(10, 1);
        assert_eq!(enter(Priority::Normal, 1, 11), 1);
        assert_eq!(enter(Priority::Low, 4_000, 11), 867, "half of 1,736, one of which is taken");
        assert_eq!(enter(Priority::Normal, 4_000, 11), 868);
        // A long look of which they are not the cause takes nothing from them.
        looks(12, 3);
        looks(16, 3);
        looks(20, 0);
        assert_eq!(
            enter(Priority::Normal, 4_000, 20),
            1_384,
            "three quarters of 1,736, and a sixteenth and one more"
        );
        // Where nobody is more important, only a longer one is too long.
        looks(400, 4);
        assert_eq!(enter(Priority::Normal, 4_000, 404), 1_471);
        for look in 0..200 {
            looks(500 + 2 * look, 0);
        }
        assert!(shedder.admits_all(at(1_000)), "after a while of short ones nobody counts");
    }

    #[test]
    fn while_an_overload_lasts_what_would_be_late_is_not_let_in_and_the_most_important_last() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let shedder = Shedder::new(begin);
        let lasts = |from: u64, delay: u64| {
            for millis in (from..from + 1_000).step_by(20) {
                shedder.waited(Duration::from_millis(delay), at(millis));
            }
        };
        let enter = |millis| {
            [Priority::Normal, Priority::High].map(|priority| shedder.enters(priority, 0, at(millis)))
        };
        shedder.looks(at(0));
        assert_eq!(enter(20), [true, true], "one long moment is no overload");
        lasts(20, 4);
        shedder.looks(at(1_020));
        assert_eq!(enter(1_027), [true, true], "nor is it one of theirs where low ones can go");
        lasts(1_040, 6);
        shedder.waited(Duration::from_millis(1), at(2_040));
        shedder.looks(at(2_050));
        assert_eq!(enter(2_056), [false, true]);
        assert_eq!(enter(2_057), [false, false]);
        shedder.waited(Duration::from_millis(2), at(2_060));
        assert!(shedder.enters(Priority::High, 0, at(2_060)));
    }

    #[test]
    fn a_burst_is_no_overload() {
        let begin = Instant::now();
        let shedder = Shedder::new(begin);
        for step in 0..2_000 {
            // A long delay, but for once in each interval.
            let delay = if step % 20 == 0 { Duration::ZERO } else { Duration::from_millis(4) };
            shedder.waited(delay, begin + Duration::from_millis(5 * step));
        }
        assert_eq!(shedder.admitted(Priority::Low), 100);
    }
}
