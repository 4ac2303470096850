//! Counters in this process: one lock, held for some additions and never across a wait.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordon_core::{Name, Timestamp, record::Spend, resource::WhenUnavailable};
use cordon_policy::{CompiledLimit, Limits};
use tokio::sync::watch;

use super::{
    counters::{Claim, Counters, Demand, Denied, Held, Measure, Standing, Taken, Taking},
    usage::{InUse, Reading},
    window::{Pace, Rate, Window},
};

/// How long a call waits for counters that are not rebuilt yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing is known of limits at the start.
const NOT_REBUILT: &str = "its counters are being rebuilt from the records";

/// Counters in this process. Clones share them.
#[derive(Clone, Debug)]
pub struct ProcessCounters(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    /// Whether what earlier processes counted is known.
    rebuilt: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Book {
    /// The latest time that something was counted at: calls that come at once are counted in one order.
    latest: Option<Timestamp>,
    counters: HashMap<Name, Counter>,
}

/// What is counted of one limit.
#[derive(Clone, Debug, Default)]
struct Counter {
    rate: Rate,
    /// In the order of [`Measure::OF_USE`].
    windows: [Window; 4],
}

impl Default for ProcessCounters {
    /// Counters that begin empty.
    fn default() -> Self {
        Self::of(true)
    }
}

impl ProcessCounters {
    fn of(rebuilt: bool) -> Self {
        Self(Arc::new(Shared { book: Mutex::default(), rebuilt: watch::channel(rebuilt).0 }))
    }

    /// Counters that count nothing until [`Self::rebuilt`]: calls under limits wait for that, some seconds at most.
    pub fn to_be_rebuilt() -> Self {
        Self::of(false)
    }

    /// Adds requests that an earlier process had counted, in the order of their time.
    pub fn add_requests(&self, limit: &CompiledLimit, requests: impl IntoIterator<Item = (Timestamp, u64)>) {
        let Some(pace) = limit.spec.requests.map(Pace::of) else { return };
        let mut book = self.0.book();
        let counter = book.counters.entry(limit.name.clone()).or_default();
        for (time, count) in requests {
            counter.rate.add(pace, count, time);
        }
    }

    /// Adds what earlier processes had counted in the window that runs at a time.
    pub fn add_used(&self, limit: &CompiledLimit, measure: Measure, used: u64, now: Timestamp) {
        let mut book = self.0.book();
        let counter = book.counters.entry(limit.name.clone()).or_default();
        if let Some((_, of)) = measure.quota(&limit.spec)
            && let Some(window) = counter.window(measure)
        {
            window.roll(of, now);
            window.add(used);
        }
    }

    /// Says that all that earlier processes counted is known.
    pub fn rebuilt(&self) {
        self.0.rebuilt.send_replace(true);
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of what is counted of a limit: calls wait for no more than this.
    fn counter(&self, limit: &CompiledLimit) -> Counter {
        self.book().counters.get(&limit.name).cloned().unwrap_or_default()
    }
}

impl Counters for ProcessCounters {
    fn take(&self, demand: Demand, now: Timestamp) -> Taking {
        if *self.0.rebuilt.borrow() {
            return Box::pin(ready(self.0.book().take(&demand, now)));
        }
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let mut rebuilt = shared.rebuilt.subscribe();
            if tokio::time::timeout(PATIENCE, rebuilt.wait_for(|rebuilt| *rebuilt)).await.is_ok() {
                return shared.book().take(&demand, now);
            }
            unavailable(&demand, NOT_REBUILT)
        })
    }

    fn settle(&self, held: Held, spent: Spend) {
        let mut book = self.0.book();
        for limit in &held.limits {
            let Some(counter) = book.counters.get_mut(&limit.name) else { continue };
            for (measure, window) in Measure::OF_USE.into_iter().zip(&mut counter.windows) {
                if measure.quota(&limit.spec).is_some() {
                    window.settle(held.time, measure.of(&held.reserved), measure.of(&spent));
                }
            }
        }
    }

    fn usage(&self, limits: Limits, now: Timestamp) -> Reading {
        let counted = if *self.0.rebuilt.borrow() {
            Ok(limits.iter().map(|limit| self.0.counter(limit).usage(limit, now)).collect())
        } else {
            Err(NOT_REBUILT.to_owned())
        };
        Box::pin(ready(counted))
    }

    fn used(&self, limit: &CompiledLimit, now: Timestamp) -> Option<(u64, u64)> {
        if !*self.0.rebuilt.borrow() {
            return None;
        }
        let counter = self.0.counter(limit);
        let used = counter.windows(limit, now).map(|(_, most, window)| (window.used(), most));
        // By cross-multiplication: a part of nothing is never the largest.
        used.reduce(|one, other| {
            let (ours, theirs) =
                (u128::from(one.0) * u128::from(other.1), u128::from(other.0) * u128::from(one.1));
            if theirs > ours { other } else { one }
        })
    }

    fn retain(&self, known: &dyn Fn(&Name) -> bool, now: Timestamp) {
        // One that is taken away and declared again within its window must not begin anew.
        self.0.book().counters.retain(|name, counter| known(name) || !counter.is_idle(now));
    }
}

/// What becomes of a demand whose counters cannot be reached: refused where one of its limits refuses then.
pub fn unavailable(demand: &Demand, why: &str) -> Result<Taken, Denied> {
    let strict =
        demand.claims.iter().find(|claim| claim.limit.spec.when_unavailable == WhenUnavailable::Refuse);
    match strict {
        Some(claim) => Err(Denied::Unavailable { limit: claim.limit.name.clone(), why: why.to_owned() }),
        None => Ok(Taken { time: None, standings: Vec::new() }),
    }
}

impl Book {
    fn take(&mut self, demand: &Demand, now: Timestamp) -> Result<Taken, Denied> {
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        let spend = demand.spend.as_ref();
        for claim in &demand.claims {
            let name = &claim.limit.name;
            let counter = match self.counters.get_mut(name) {
                Some(counter) => counter,
                None => self.counters.entry(name.clone()).or_default(),
            };
            if let Err(full) = counter.check(claim, spend, now) {
                return Err(match full {
                    Full::Now(measure, wait) => {
                        let standings = self.standings(demand, now);
                        Denied::Full { limit: name.clone(), measure, wait, standings }
                    }
                    Full::Ever(measure) => Denied::TooMuch { limit: name.clone(), measure },
                });
            }
        }
        for claim in &demand.claims {
            if let Some(counter) = self.counters.get_mut(&claim.limit.name) {
                counter.count(claim, spend, now);
            }
        }
        Ok(Taken { time: Some(now), standings: self.standings(demand, now) })
    }

    fn standings(&self, demand: &Demand, now: Timestamp) -> Vec<Standing> {
        let mut standings = Vec::new();
        for claim in &demand.claims {
            let Some(counter) = self.counters.get(&claim.limit.name) else { continue };
            let limit = &claim.limit;
            if let (true, Some(requests)) = (claim.request, limit.spec.requests) {
                let (remaining, reset) = counter.rate.standing(Pace::of(requests), now);
                let most = requests.count.into();
                let limit = limit.name.clone();
                standings.push(Standing { limit, measure: Measure::Requests, most, remaining, reset });
            }
            let [_, _, _, tokens] = counter.windows;
            if let (Some(_), Some((most, _))) = (demand.spend, Measure::Tokens.quota(&limit.spec)) {
                let remaining = most.saturating_sub(tokens.used());
                let (limit, reset) = (limit.name.clone(), tokens.left(now));
                standings.push(Standing { limit, measure: Measure::Tokens, most, remaining, reset });
            }
        }
        standings
    }
}

/// How a limit has no room.
enum Full {
    /// Not now.
    Now(Measure, Duration),
    /// Not in any window.
    Ever(Measure),
}

impl Counter {
    /// All that a limit counts, at a time.
    fn usage(&self, limit: &CompiledLimit, now: Timestamp) -> Vec<InUse> {
        let rate = limit.spec.requests.map(|requests| {
            let pace = Pace::of(requests);
            let (_, ahead) = self.rate.standing(pace, now);
            InUse::of_rate(pace, ahead, now)
        });
        let windows = self
            .windows(limit, now)
            .map(|(measure, most, window)| InUse::of_window(measure, most, window.used(), window.bounds()));
        rate.into_iter().chain(windows).collect()
    }

    /// The windows that a limit counts in, at a time, with how much there is.
    fn windows(&self, limit: &CompiledLimit, now: Timestamp) -> impl Iterator<Item = (Measure, u64, Window)> {
        Measure::OF_USE.into_iter().zip(self.windows).filter_map(move |(measure, mut window)| {
            let (most, length) = measure.quota(&limit.spec)?;
            window.roll(length, now);
            Some((measure, most, window))
        })
    }

    fn window(&mut self, measure: Measure) -> Option<&mut Window> {
        Measure::OF_USE
            .into_iter()
            .zip(&mut self.windows)
            .find(|(of, _)| *of == measure)
            .map(|(_, window)| window)
    }

    fn check(&mut self, claim: &Claim, spend: Option<&Spend>, now: Timestamp) -> Result<(), Full> {
        let limit = &claim.limit.spec;
        if let (true, Some(requests)) = (claim.request, limit.requests) {
            let wait = self.rate.wait(Pace::of(requests), now);
            if !wait.is_zero() {
                return Err(Full::Now(Measure::Requests, wait));
            }
        }
        let Some(spend) = spend else { return Ok(()) };
        for (measure, window) in Measure::OF_USE.into_iter().zip(&mut self.windows) {
            let Some((most, of)) = measure.quota(limit) else { continue };
            window.roll(of, now);
            let wanted = measure.of(spend);
            if wanted > most {
                return Err(Full::Ever(measure));
            }
            if wanted > 0 && window.used().saturating_add(wanted) > most {
                return Err(Full::Now(measure, window.left(now)));
            }
        }
        Ok(())
    }

    fn count(&mut self, claim: &Claim, spend: Option<&Spend>, now: Timestamp) {
        let limit = &claim.limit.spec;
        if let (true, Some(requests)) = (claim.request, limit.requests) {
            self.rate.add(Pace::of(requests), 1, now);
        }
        let Some(spend) = spend else { return };
        for (measure, window) in Measure::OF_USE.into_iter().zip(&mut self.windows) {
            if measure.quota(limit).is_some() {
                window.add(measure.of(spend));
            }
        }
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        self.rate.is_idle(now) && self.windows.iter().all(|window| window.is_idle(now))
    }
}
