//! The only place that reads the machine's clock and its randomness; everywhere else both are arguments.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cordon_core::{HmacKey, Timestamp};

/// A clock that never goes back: when the machine's does, it stands still until that has caught up. Clones share it.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    latest: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::of(machine_time)
    }

    /// A clock over another source, such as one that a test sets.
    pub fn of(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source), latest: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        let now = (self.source)().as_millis();
        Timestamp::from_millis(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// What the machine's clock shows, forwards or backwards.
#[expect(clippy::disallowed_methods, reason = "this is the edge: the one place that reads the clock")]
pub fn machine_time() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}

/// How long this thread has had a processor: of Linux, which counts what other programs take apart, and nothing where it does
/// not say. It grows in steps of some milliseconds, so it is for stretches of work that last longer.
pub fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Fresh random bytes of the operating system.
#[expect(
    clippy::expect_used,
    reason = "without randomness every key would be a known one: ending the process is the closed way to fail"
)]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A fresh key of a sealed value.
pub fn seal_key() -> HmacKey {
    HmacKey::from_bytes(random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let machine = Arc::new(AtomicI64::new(1_000));
        let source = Arc::clone(&machine);
        let clock = Clock::of(move || Timestamp::from_millis(source.load(Ordering::SeqCst)));
        assert_eq!(clock.now().as_millis(), 1_000);
        machine.store(400, Ordering::SeqCst);
        assert_eq!(clock.clone().now().as_millis(), 1_000);
        machine.store(1_001, Ordering::SeqCst);
        assert_eq!(clock.now().as_millis(), 1_001);
    }

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random::<32>(), random::<32>());
    }
}
