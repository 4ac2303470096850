//! Bounds on use: requests at an even rate, calls at the same time, tokens and money in windows, and what one call may be.
//!
//! A call is counted three times: under the limits of its caller, before its body is read; under those of its route; and, once it
//! is known what it asks for and of which model, its tokens and money are reserved under all of them at once. What it used
//! takes the place of what was reserved when its record closes; where nobody knows that, the reservation stays.

mod ask;
mod counters;
mod headers;
mod process;
mod window;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cordon_core::{
    Cost, Money, Name, Refusal, RefusalCode, Timestamp,
    record::{Charged, Counted, Spend},
};
use cordon_policy::{CompiledLimit, Limits as Listed};

pub(crate) use ask::{Ask, Shape, bounds};
pub use counters::{Claim, Counters, Demand, Denied, Held, Measure, Standing, Taken, Taking};
pub use headers::LIMIT;
pub(crate) use headers::put as put_headers;
pub use process::{ProcessCounters, unavailable};
pub use window::{Pace, Rate, Window, window_start};

/// The limits of a gateway: shared counters, and the calls that run here.
pub struct Limits {
    counters: Arc<dyn Counters>,
    running: Mutex<HashMap<Name, Arc<AtomicU32>>>,
}

/// What a call holds of limits on calls at the same time: dropping it gives the places back.
#[derive(Debug, Default)]
struct Places(Vec<Arc<AtomicU32>>);

impl Drop for Places {
    fn drop(&mut self) {
        for running in &self.0 {
            running.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// What a call was counted under, from its first limit to its end.
#[derive(Default)]
pub(crate) struct Counting {
    places: Places,
    counted: Option<Counted>,
    standings: Vec<Standing>,
    held: Option<(Arc<dyn Counters>, Held)>,
    /// How many of the places are the call's, whichever model it goes to.
    of_call: usize,
    /// What stays charged for models that the call has left: they may have done the work.
    kept: Option<Spend>,
}

/// What a call used in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// Nothing: no model was asked, or it answered with an error.
    Nothing,
    /// This much, as the model's service says.
    Known(Spend),
    /// Nobody knows.
    Unknown,
}

impl Counting {
    /// What the record says of it.
    pub(crate) fn counted(&self) -> Option<Counted> {
        self.counted.clone()
    }

    /// How full the limits are.
    pub(crate) fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Whether money was reserved: then its record must be durable before it goes to a model.
    pub(crate) fn holds_money(&self) -> bool {
        self.held.as_ref().is_some_and(|(_, held)| held.reserved.cost.is_some())
    }

    /// Ends it: what was used takes the place of what was reserved, or the reservation stays where that is not known.
    pub(crate) fn settle(&mut self, spent: Spent) -> Option<Charged> {
        let kept = self.kept.take();
        let Some((counters, held)) = self.held.take() else {
            return kept.map(|spend| Charged { spend, as_reserved: true });
        };
        let reserved = held.reserved;
        let spend = match spent {
            Spent::Nothing => {
                let cost = reserved.cost.map(|cost| Cost { amount: Money::ZERO, ..cost });
                Spend { cost, ..Spend::default() }
            }
            Spent::Known(spend) => Spend { cost: spend.cost.or(reserved.cost), ..spend },
            Spent::Unknown => reserved,
        };
        if spend != reserved {
            counters.settle(held, spend);
        }
        let charged = kept.map_or(spend, |kept| sum(spend, kept));
        Some(Charged { spend: charged, as_reserved: spent == Spent::Unknown })
    }

    /// Ends what was counted for a model that the call leaves for another one.
    pub(crate) fn again(&mut self, spent: Spent) {
        if let Some(Charged { spend, .. }) = self.settle(spent) {
            self.kept = Some(spend);
        }
        let of_model = self.places.0.split_off(self.of_call.min(self.places.0.len()));
        drop(Places(of_model));
    }

    fn count(&mut self, time: Timestamp, limits: impl Iterator<Item = Name>) {
        let counted =
            self.counted.get_or_insert_with(|| Counted { time, limits: Vec::new(), reserved: None });
        counted.time = time;
        for limit in limits {
            if !counted.limits.contains(&limit) {
                counted.limits.push(limit);
            }
        }
    }
}

/// Two uses of one call together. Both were reserved in the same currency.
fn sum(one: Spend, other: Spend) -> Spend {
    let cost = match (one.cost, other.cost) {
        (Some(one), Some(other)) => Some(Cost { amount: one.amount.plus(other.amount), ..one }),
        (one, other) => one.or(other),
    };
    Spend {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
        cost,
    }
}

impl Limits {
    /// Limits that are counted there.
    pub fn new(counters: Arc<dyn Counters>) -> Self {
        Self { counters, running: Mutex::default() }
    }

    /// Forgets the counters of limits that are no more.
    pub fn retain(&self, known: impl Fn(&Name) -> bool, now: Timestamp) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
        self.counters.retain(&known, now);
    }

    /// Lets a call in under limits, as one request of each.
    ///
    /// # Errors
    /// With the refusal of the first limit that has no room; then no rate has counted it.
    pub(crate) async fn admit(
        &self,
        limits: &[Arc<CompiledLimit>],
        counting: &mut Counting,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.enter(limits, counting)?;
        let counted = limits.iter().filter(|limit| limit.spec.requests.is_some());
        let claims = counted.map(|limit| Claim { limit: Arc::clone(limit), request: true }).collect();
        self.take(Demand { claims, spend: None }, counting, now).await
    }

    /// Reserves what a call asks for at most: under all limits that it was let in by, and those of its model.
    ///
    /// # Errors
    /// As [`Self::admit`]; then nothing is reserved.
    pub(crate) async fn reserve(
        &self,
        limits: &[Arc<CompiledLimit>],
        of_model: &[Arc<CompiledLimit>],
        spend: Option<Spend>,
        counting: &mut Counting,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        counting.of_call = counting.places.0.len();
        self.enter(of_model, counting)?;
        let uses = |limit: &&Arc<CompiledLimit>| spend.is_some() && limit.spec.counts_use();
        let before =
            limits.iter().filter(uses).map(|limit| Claim { limit: Arc::clone(limit), request: false });
        let counts = |limit: &&Arc<CompiledLimit>| limit.spec.requests.is_some() || uses(limit);
        let of_model =
            of_model.iter().filter(counts).map(|limit| Claim { limit: Arc::clone(limit), request: true });
        self.take(Demand { claims: before.chain(of_model).collect(), spend }, counting, now).await
    }

    async fn take(&self, demand: Demand, counting: &mut Counting, now: Timestamp) -> Result<(), Refusal> {
        if demand.claims.is_empty() {
            return Ok(());
        }
        let names: Vec<Name> = demand.claims.iter().map(|claim| claim.limit.name.clone()).collect();
        let spend = demand.spend;
        let using = demand.claims.iter().filter(|claim| claim.limit.spec.counts_use());
        let limits: Listed = using.map(|claim| Arc::clone(&claim.limit)).collect();
        match self.counters.take(demand, now).await {
            Ok(Taken { time, standings }) => {
                counting.standings.extend(standings);
                let Some(time) = time else { return Ok(()) };
                counting.count(time, names.into_iter());
                if let Some(reserved) = spend
                    && !limits.is_empty()
                {
                    if let Some(counted) = &mut counting.counted {
                        counted.reserved = Some(reserved);
                    }
                    counting.held = Some((Arc::clone(&self.counters), Held { limits, time, reserved }));
                }
                Ok(())
            }
            Err(denied) => {
                let (refusal, standings) = refusal_of(denied);
                counting.standings.extend(standings);
                Err(refusal)
            }
        }
    }

    /// Takes a place under each limit on calls at the same time.
    fn enter(&self, limits: &[Arc<CompiledLimit>], counting: &mut Counting) -> Result<(), Refusal> {
        for limit in limits {
            let Some(most) = limit.spec.concurrency else { continue };
            let running = {
                let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(all.entry(limit.name.clone()).or_default())
            };
            let entered = running.fetch_update(Ordering::AcqRel, Ordering::Acquire, |running| {
                (running < most).then_some(running.saturating_add(1))
            });
            if entered.is_err() {
                let why = format!("limit {} has {most} calls running", limit.name);
                return Err(Refusal::new(RefusalCode::ConcurrencyLimited, why)
                    .by(&limit.name)
                    .retry_after(1));
            }
            counting.places.0.push(running);
        }
        Ok(())
    }
}

fn refusal_of(denied: Denied) -> (Refusal, Vec<Standing>) {
    match denied {
        Denied::Full { limit, measure, wait, standings } => {
            let code = match measure {
                Measure::Money => RefusalCode::BudgetExceeded,
                Measure::Requests => RefusalCode::RateLimited,
                Measure::InputTokens | Measure::OutputTokens | Measure::Tokens => RefusalCode::TokensLimited,
            };
            let why = format!("limit {limit} has no {} left", measure.as_str());
            (Refusal::new(code, why).by(&limit).retry_after(seconds(wait)), standings)
        }
        Denied::TooMuch { limit, measure } => {
            let why = format!("limit {limit} has fewer {} in its whole window", measure.as_str());
            (Refusal::new(RefusalCode::CallExceedsLimit, why).by(&limit), Vec::new())
        }
        Denied::Unavailable { limit, why } => {
            let why = format!("limit {limit}: {why}");
            (Refusal::new(RefusalCode::LimitsUnavailable, why).by(&limit).retry_after(1), Vec::new())
        }
    }
}

/// Whole seconds, at least one, that are not less.
fn seconds(wait: Duration) -> u32 {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
