//! Bounds on use: requests at an even rate, calls at the same time, tokens and money in windows, and what one call may be.
//!
//! A call is counted three times: under the limits of its caller, before its body is read; under those of its route; and, once it
//! is known what it asks for and of which model, its tokens and money are reserved under all of them at once. What it used
//! takes the place of what was reserved when its record closes; where nobody knows that, the reservation stays.

mod ask;
mod counters;
mod headers;
mod image;
mod process;
mod usage;
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
    record::{Charged, Counted, Share, Spend},
};
use cordon_policy::{CompiledLimit, Limits as Listed};

pub(crate) use ask::{Ask, Shape, bounds, need_shape};
pub use counters::{Claim, Counters, Demand, Denied, Held, Measure, Standing, Taken, Taking};
pub use headers::LIMIT;
pub(crate) use headers::put as put_headers;
pub use process::{ProcessCounters, unavailable};
pub use usage::{Bounded, InUse, Reading, Usage};
pub use window::{Pace, Rate, Window};

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
    /// Whether `opened` was written: what is counted after it, `closed` says.
    told: bool,
    standings: Vec<Standing>,
    /// What the model that the call is at was counted under.
    here: Option<Here>,
    /// How many of the places are the call's, whichever model it goes to.
    of_call: usize,
    /// What the call is charged for the models that it has been at, in their order.
    left: Vec<Left>,
    /// The shape of its request, where that was needed.
    pub(crate) shape: Option<Shape>,
}

/// What an attempt was counted under.
struct Here {
    limits: Vec<Name>,
    time: Timestamp,
    /// Whether `opened` says so.
    told: bool,
    /// What it holds, where a limit counts tokens or money.
    held: Option<(Arc<dyn Counters>, Held)>,
}

/// What an attempt is charged.
#[derive(Clone)]
struct Left {
    share: Share,
    told: bool,
    /// Whether anything was reserved for it, and nobody knows what it used.
    charged: Option<AsReserved>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AsReserved {
    Yes,
    No,
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
    /// What `opened` says of it. What is counted later, `closed` says.
    pub(crate) fn tell(&mut self) -> Option<Counted> {
        self.told = true;
        if let Some(here) = &mut self.here {
            here.told = true;
        }
        self.counted.clone()
    }

    /// How full the limits are.
    pub(crate) fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Whether money was reserved: then its record must be durable before it goes to a model.
    pub(crate) fn holds_money(&self) -> bool {
        let held = self.here.as_ref().and_then(|here| here.held.as_ref());
        held.is_some_and(|(_, held)| held.reserved.cost.is_some())
    }

    /// What the call is charged for all of its attempts should nothing more be heard of it; nothing where `opened` says that.
    pub(crate) fn owed(&self) -> Option<Charged> {
        let here = self.here.as_ref().map(|Here { limits, time, told, held }| {
            let reserved = held.as_ref().map(|(_, held)| held.reserved);
            Left::of(*time, limits.clone(), *told, reserved, Spent::Unknown)
        });
        charged(self.left.iter().cloned().chain(here).collect())
    }

    /// Ends it: what was used takes the place of what was reserved, or the reservation stays where that is not known. It holds no
    /// place among the calls that run any more: who has its whole answer may call again.
    pub(crate) fn settle(&mut self, spent: Spent) -> Option<Charged> {
        self.places = Places::default();
        self.leave(spent);
        charged(std::mem::take(&mut self.left))
    }

    /// Ends what was counted for a model that the call leaves for another one.
    pub(crate) fn again(&mut self, spent: Spent) {
        self.leave(spent);
        let of_model = self.places.0.split_off(self.of_call.min(self.places.0.len()));
        drop(Places(of_model));
    }

    fn leave(&mut self, spent: Spent) {
        let Some(Here { limits, time, told, held }) = self.here.take() else { return };
        let reserved = held.as_ref().map(|(_, held)| held.reserved);
        let left = Left::of(time, limits, told, reserved, spent);
        if let Some((counters, held)) = held
            && left.share.spend != held.reserved
        {
            counters.settle(held, left.share.spend);
        }
        self.left.push(left);
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

    /// How full limits are now, in place of what was known of them before.
    fn stand(&mut self, standings: Vec<Standing>) {
        let of_same =
            |one: &Standing, other: &Standing| one.limit == other.limit && one.measure == other.measure;
        self.standings.retain(|before| !standings.iter().any(|now| of_same(before, now)));
        self.standings.extend(standings);
    }
}

impl Left {
    /// What an attempt is charged that used so much of what was reserved for it.
    fn of(time: Timestamp, limits: Vec<Name>, told: bool, reserved: Option<Spend>, spent: Spent) -> Self {
        let Some(reserved) = reserved else {
            return Self { share: Share { time, limits, spend: Spend::default() }, told, charged: None };
        };
        let spend = match spent {
            Spent::Nothing => {
                let cost = reserved.cost.map(|cost| Cost { amount: Money::ZERO, ..cost });
                Spend { cost, ..Spend::default() }
            }
            Spent::Known(spend) => Spend { cost: spend.cost.or(reserved.cost), ..spend },
            Spent::Unknown => reserved,
        };
        let charged = Some(if spent == Spent::Unknown { AsReserved::Yes } else { AsReserved::No });
        Self { share: Share { time, limits, spend }, told, charged }
    }
}

/// What a call is charged for all of its attempts; nothing where `opened` says all that is to be known.
fn charged(left: Vec<Left>) -> Option<Charged> {
    let spends = left.iter().filter(|left| left.charged.is_some()).map(|left| left.share.spend);
    let spend = spends.reduce(sum);
    // Windows are whole minutes: times of one minute lie in the same ones.
    let minute = |share: &Share| share.time.as_millis().div_euclid(60_000);
    let first = left.first().filter(|first| first.told).map(|first| &first.share);
    let is_told = |left: &Left| {
        first.is_some_and(|first| left.share.limits == first.limits && minute(&left.share) == minute(first))
    };
    let told = left.iter().all(is_told);
    if spend.is_none() && told {
        return None;
    }
    let as_reserved = left.iter().any(|left| left.charged == Some(AsReserved::Yes));
    let shares = if told { Vec::new() } else { left.into_iter().map(|left| left.share).collect() };
    Some(Charged { spend: spend.unwrap_or_default(), as_reserved, shares })
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

    /// How much of a limit is used, and how much there is, as [`Counters::used`] says.
    pub fn used(&self, limit: &CompiledLimit, now: Timestamp) -> Option<(u64, u64)> {
        self.counters.used(limit, now)
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
        let counted = || limits.iter().filter(|limit| limit.spec.requests.is_some());
        let claims = counted().map(|limit| Claim { limit: Arc::clone(limit), request: true }).collect();
        if let Some(time) = self.take(Demand { claims, spend: None }, counting, now).await? {
            counting.count(time, counted().map(|limit| limit.name.clone()));
        }
        Ok(())
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
        let before = limits.iter().filter(uses);
        let counts = |limit: &&Arc<CompiledLimit>| limit.spec.requests.is_some() || uses(limit);
        let of_model = of_model.iter().filter(counts);
        let claim = |limit: &Arc<CompiledLimit>, request| Claim { limit: Arc::clone(limit), request };
        let claims = before.clone().map(|limit| claim(limit, false));
        let claims = claims.chain(of_model.clone().map(|limit| claim(limit, true))).collect();
        let Some(time) = self.take(Demand { claims, spend }, counting, now).await? else { return Ok(()) };
        let all = before.chain(of_model);
        let names: Vec<Name> = all.clone().map(|limit| limit.name.clone()).collect();
        let using: Listed = all.filter(uses).map(Arc::clone).collect();
        let reserved = spend.filter(|_| !using.is_empty());
        if !counting.told {
            counting.count(time, names.iter().cloned());
            if let Some(counted) = &mut counting.counted {
                counted.reserved = reserved;
            }
        }
        let held = reserved.map(|reserved| Held { limits: using, time, reserved });
        let held = held.map(|held| (Arc::clone(&self.counters), held));
        counting.here = Some(Here { limits: names, time, told: false, held });
        Ok(())
    }

    /// Counts a demand. Gives the time that it was counted at; nothing where it asks for nothing, or is let through uncounted.
    async fn take(
        &self,
        demand: Demand,
        counting: &mut Counting,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        if demand.claims.is_empty() {
            return Ok(None);
        }
        match self.counters.take(demand, now).await {
            Ok(Taken { time, standings }) => {
                counting.stand(standings);
                Ok(time)
            }
            Err(denied) => {
                let (refusal, standings) = refusal_of(denied);
                counting.stand(standings);
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
pub(crate) fn seconds(wait: Duration) -> u32 {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
