//! How much of limits is used at the moment: for people who look on, never on the way of a call.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use cordon_core::{Name, Timestamp};
use cordon_policy::{CompiledLimit, Limits as Listed};

use super::{Limits, counters::Measure, window::Pace};
use crate::pipeline::Gateway;

/// What a limit bounds over calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bounded {
    /// Calls at the same time, in this process.
    Concurrency,
    /// What is counted in windows, or at a rate.
    Measured(Measure),
}

/// How much of what a limit bounds is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse {
    /// What is bounded.
    pub of: Bounded,
    /// How much there is: of requests, how many may come at once.
    pub most: u64,
    /// How much of it is used; nothing where the counters cannot be reached.
    pub used: Option<u64>,
    /// When the window began; nothing where there is none.
    pub since: Option<Timestamp>,
    /// When all of it is there again; nothing where nobody knows, or it is.
    pub until: Option<Timestamp>,
}

/// A limit, and all that it bounds over calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The limit.
    pub limit: Arc<CompiledLimit>,
    /// What it bounds, in a fixed order.
    pub in_use: Vec<InUse>,
}

/// Resolves to what each of some limits counted, in their order; or to why that cannot be known now.
pub type Reading = Pin<Box<dyn Future<Output = Result<Vec<Vec<InUse>>, String>> + Send>>;

impl Measure {
    /// All that can be counted of a limit.
    pub const ALL: [Self; 5] =
        [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens, Self::Money];

    /// How much a limit has of it, where it counts it.
    pub fn most(self, limit: &CompiledLimit) -> Option<u64> {
        match self {
            Self::Requests => limit.spec.requests.map(|requests| Pace::of(requests).left(0)),
            _ => self.quota(&limit.spec).map(|(most, _)| most),
        }
    }
}

impl InUse {
    /// What was counted of requests, whose arrival time is so far ahead of a time.
    pub fn of_rate(pace: Pace, ahead: Duration, now: Timestamp) -> Self {
        let nanos = i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX).min(pace.furthest());
        let most = pace.left(0);
        let millis = (nanos > 0).then_some(nanos / 1_000_000);
        Self {
            of: Bounded::Measured(Measure::Requests),
            most,
            used: Some(most.saturating_sub(pace.left(nanos))),
            since: None,
            until: millis.map(|millis| Timestamp::from_millis(now.as_millis().saturating_add(millis))),
        }
    }

    /// What was counted in a window that lasts from one time to another.
    pub const fn of_window(measure: Measure, most: u64, used: u64, bounds: (Timestamp, Timestamp)) -> Self {
        let (since, until) = bounds;
        Self {
            of: Bounded::Measured(measure),
            most,
            used: Some(used),
            since: Some(since),
            until: Some(until),
        }
    }
}

impl Usage {
    /// A limit, without anything that is counted of it.
    pub fn unknown(limit: Arc<CompiledLimit>) -> Self {
        let concurrency = limit.spec.concurrency.map(|most| (Bounded::Concurrency, most.into()));
        let measured = Measure::ALL
            .into_iter()
            .filter_map(|measure| Some((Bounded::Measured(measure), measure.most(&limit)?)));
        let unknown = |(of, most)| InUse { of, most, used: None, since: None, until: None };
        let in_use = concurrency.into_iter().chain(measured).map(unknown).collect();
        Self { limit, in_use }
    }
}

impl Gateway {
    /// How much of the limits is used at a time, or of one of them; and, where what is counted cannot be read, why.
    pub async fn usage(&self, limit: Option<&Name>, now: Timestamp) -> (Vec<Usage>, Option<String>) {
        let snapshot = self.snapshot();
        let wanted = snapshot.all_limits().filter(|known| limit.is_none_or(|limit| known.name == *limit));
        self.0.limits.usage(wanted.map(Arc::clone).collect(), now).await
    }
}

impl Limits {
    /// How much of limits is used at a time; and, where what is counted cannot be read, why. What bounds one call alone is left out.
    async fn usage(&self, limits: Listed, now: Timestamp) -> (Vec<Usage>, Option<String>) {
        let (counted, why) = match self.counters.usage(limits.clone(), now).await {
            Ok(counted) => (counted, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let running = self.calls_running();
        let mut counted = counted.into_iter();
        let usage = limits.into_iter().map(|limit| {
            let calls = running.get(&limit.name).copied().unwrap_or_default();
            let mut usage = Usage::unknown(limit);
            let concurrency = usage.in_use.iter_mut().find(|in_use| in_use.of == Bounded::Concurrency);
            if let Some(concurrency) = concurrency {
                concurrency.used = Some(calls.into());
            }
            if let Some(counted) = counted.next() {
                usage.in_use.retain(|in_use| in_use.of == Bounded::Concurrency);
                usage.in_use.extend(counted);
            }
            usage
        });
        (usage.filter(|usage| !usage.in_use.is_empty()).collect(), why)
    }

    /// The calls that run under each limit on calls at the same time.
    fn calls_running(&self) -> HashMap<Name, u32> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|(name, count)| (name.clone(), count.load(Ordering::Acquire))).collect()
    }
}
