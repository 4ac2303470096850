//! Bounds on use, counted in this process.
//!
//! Requests in a window are a generic cell rate algorithm (GCRA, ITU-T I.371, annex A): one number per limit, no timer,
//! exact at any rate. `count` requests may come at once; after that one is let in every `window / count`.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use cordon_core::{Name, Refusal, RefusalCode, State, resource::Kind, resource::Requests};
use cordon_policy::CompiledLimit;

/// The counters of this process.
#[derive(Debug)]
pub struct Limits {
    started: Instant,
    counters: Mutex<HashMap<Name, Arc<Counter>>>,
}

#[derive(Debug, Default)]
struct Counter {
    /// GCRA's theoretical arrival time, in nanoseconds after `Limits::started`.
    arrival: AtomicI64,
    running: AtomicU32,
}

/// What an admitted call holds of its limits: dropping it gives the places back.
#[derive(Debug, Default)]
pub struct Places(Vec<Arc<Counter>>);

impl Drop for Places {
    fn drop(&mut self) {
        for counter in &self.0 {
            counter.running.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Places {
    /// Joins the places of two admissions of one call.
    pub fn join(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

impl Limits {
    /// Counters that start empty.
    pub fn new(now: Instant) -> Self {
        Self { started: now, counters: Mutex::new(HashMap::new()) }
    }

    fn counter(&self, name: &Name) -> Arc<Counter> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(name.clone()).or_default())
    }

    /// Forgets the counters of limits that are no more.
    pub fn retain(&self, state: &State) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.retain(|name, _| state.resource(Kind::Limit, name).is_some());
    }

    /// Admits a call under all of these limits, or under none: what one limit took is given back when another refuses.
    ///
    /// # Errors
    /// With the refusal of the first limit that has no room.
    pub fn admit<'a>(
        &self,
        limits: impl IntoIterator<Item = &'a Arc<CompiledLimit>>,
        now: Instant,
    ) -> Result<Places, Refusal> {
        let at = i64::try_from(now.saturating_duration_since(self.started).as_nanos()).unwrap_or(i64::MAX);
        let mut places = Places::default();
        let mut taken: Vec<(Arc<Counter>, i64)> = Vec::new();
        let refused = 'refused: {
            for limit in limits {
                if limit.requests.is_none() && limit.concurrency.is_none() {
                    continue;
                }
                let counter = self.counter(&limit.name);
                if let Some(most) = limit.concurrency {
                    let entered = counter
                        .running
                        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |running| {
                            (running < most).then_some(running.saturating_add(1))
                        })
                        .is_ok();
                    if !entered {
                        break 'refused Refusal::new(
                            RefusalCode::ConcurrencyLimited,
                            format!("limit {} has {most} calls running", limit.name),
                        )
                        .retry_after(1);
                    }
                    places.0.push(Arc::clone(&counter));
                }
                if let Some(requests) = limit.requests {
                    match counter.take(requests, at) {
                        Ok(step) => taken.push((counter, step)),
                        Err(wait) => {
                            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
                            break 'refused Refusal::new(
                                RefusalCode::RateLimited,
                                format!("limit {} is used up", limit.name),
                            )
                            .retry_after(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX));
                        }
                    }
                }
            }
            return Ok(places);
        };
        for (counter, step) in taken {
            counter.arrival.fetch_sub(step, Ordering::AcqRel);
        }
        Err(refused)
    }
}

impl Counter {
    /// Takes one request, giving the step that it moved the arrival time by, or how long to wait.
    fn take(&self, requests: Requests, now: i64) -> Result<i64, Duration> {
        let window = i64::try_from(requests.window.as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let step = (window / i64::from(requests.count).max(1)).max(1);
        // All but one of the window's requests may come before their turn.
        let tolerance = window.saturating_sub(step);
        let mut wait = 0;
        self.arrival
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |arrival| {
                // A window that was made shorter must not wait for an arrival time of the old one.
                let arrival = arrival.clamp(now, now.saturating_add(window));
                wait = arrival.saturating_sub(now).saturating_sub(tolerance);
                (wait <= 0).then(|| arrival.saturating_add(step))
            })
            .map(|_| step)
            .map_err(|_| Duration::from_nanos(wait.max(1).unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{DurationMs, resource::LimitSubject};

    use super::*;

    fn limit(name: &str, requests: Option<(u32, u64)>, concurrency: Option<u32>) -> Arc<CompiledLimit> {
        Arc::new(CompiledLimit {
            name: Name::parse(name).unwrap(),
            subject: LimitSubject::Route(Name::parse("r").unwrap()),
            requests: requests
                .map(|(count, seconds)| Requests { count, window: DurationMs::from_secs(seconds) }),
            concurrency,
            body_bytes: None,
        })
    }

    #[test]
    fn a_window_lets_in_its_count_and_then_one_every_step() {
        let start = Instant::now();
        let limits = Limits::new(start);
        let ten = [limit("a", Some((10, 10)), None)];
        for _ in 0..10 {
            assert!(limits.admit(&ten, start).is_ok());
        }
        let refusal = limits.admit(&ten, start).unwrap_err();
        assert_eq!((refusal.code, refusal.retry_after), (RefusalCode::RateLimited, Some(1)));
        assert!(limits.admit(&ten, start + Duration::from_millis(999)).is_err());
        assert!(limits.admit(&ten, start + Duration::from_secs(1)).is_ok());
        assert!(limits.admit(&ten, start + Duration::from_secs(1)).is_err());
        // After a quiet time the whole count may come at once, and not more.
        for _ in 0..10 {
            assert!(limits.admit(&ten, start + Duration::from_secs(1000)).is_ok());
        }
        assert!(limits.admit(&ten, start + Duration::from_secs(1000)).is_err());
    }

    #[test]
    fn places_come_back_and_a_refusal_takes_nothing() {
        let start = Instant::now();
        let limits = Limits::new(start);
        let both = [limit("wide", Some((2, 60)), Some(5)), limit("narrow", None, Some(1))];
        let held = limits.admit(&both, start).unwrap();
        // The narrow one refuses; the wide one must not have counted these.
        for _ in 0..10 {
            assert_eq!(limits.admit(&both, start).unwrap_err().code, RefusalCode::ConcurrencyLimited);
        }
        drop(held);
        drop(limits.admit(&both, start).unwrap());
        assert_eq!(limits.admit(&both, start).unwrap_err().code, RefusalCode::RateLimited);
    }

    #[test]
    fn never_more_than_allowed_from_many_threads() {
        let start = Instant::now();
        let limits = Arc::new(Limits::new(start));
        let one = [limit("a", Some((100, 3600)), None)];
        let admitted: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..100).filter(|_| limits.admit(&one, start).is_ok()).count()))
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
    }
}
