//! How much of limits is used at the moment, in this process or in the store that it shares with others.

use std::{cmp::Reverse, sync::Arc};

use cordon_core::{
    Money, Name, Score, Timestamp,
    resource::{Kind, LimitSpec, LimitWindow, Spec},
};
use cordon_guard::limits::{Bounded, InUse, Measure, Usage};
use cordon_policy::CompiledLimit;

use super::Desk;
use crate::api::{
    Problem,
    limits::{Amount, LimitMeasure, LimitUsage},
};

/// Why nothing is known where no gateway runs.
const NOT_SERVED: &str = "nobody serves this folder, so nothing is counted";

/// A window's pace means something once so large a part of it has passed.
const YOUNG: u128 = 20;

/// Where a usage stands among others: the most used first, those that nobody knows last.
pub(crate) type Rank = (Reverse<Option<Score>>, Name, LimitMeasure);

/// Where a usage stands.
pub(crate) fn rank(usage: &LimitUsage) -> Rank {
    (Reverse(usage.share), usage.limit.clone(), usage.measure)
}

impl Desk {
    /// How much of the limits is used now, or of one of them, the most used first. Of a desk without a gateway: what they bound.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn limits_in_use(&self, only: Option<&Name>) -> Result<Vec<LimitUsage>, Problem> {
        let now = self.now();
        let (usage, why) = match &self.gateway {
            Some(gateway) => gateway.usage(only, now).await,
            None => (self.bounded(only).await?, Some(NOT_SERVED.to_owned())),
        };
        let mut items: Vec<LimitUsage> = usage
            .iter()
            .flat_map(|Usage { limit, in_use }| {
                in_use.iter().filter_map(|in_use| view(limit, in_use, why.as_deref(), now))
            })
            .collect();
        items.sort_by_cached_key(rank);
        Ok(items)
    }

    /// What limits bound, without anything that is counted.
    async fn bounded(&self, only: Option<&Name>) -> Result<Vec<Usage>, Problem> {
        let state = self.state(None).await?;
        let limits = state.resources_of(Kind::Limit).filter_map(|(name, standing)| match &standing.spec {
            Spec::Limit(spec) if only.is_none_or(|only| only == name) => {
                Some(Usage::unknown(Arc::new(CompiledLimit { name: name.clone(), spec: spec.clone() })))
            }
            _ => None,
        });
        Ok(limits.collect())
    }
}

fn view(limit: &CompiledLimit, in_use: &InUse, why: Option<&str>, now: Timestamp) -> Option<LimitUsage> {
    let InUse { of, most, used, since, until } = *in_use;
    let (measure, unit, window) = told(&limit.spec, of)?;
    let amount = |number| match of {
        Bounded::Measured(Measure::Money) => Amount::Money(Money::from_nanos(number)),
        _ => Amount::Count(number),
    };
    Some(LimitUsage {
        limit: limit.name.clone(),
        applies_to: limit.spec.applies_to.clone(),
        measure,
        unit,
        used: used.map(amount),
        most: amount(most),
        share: used.map(|used| share(used, most)),
        window,
        count: limit
            .spec
            .requests
            .filter(|_| measure == LimitMeasure::Requests)
            .map(|rate| rate.count.into()),
        since,
        resets_at: until,
        full_at: full_at(in_use, now),
        unavailable: why.filter(|_| used.is_none()).map(str::to_owned),
    })
}

/// What a limit bounds: its word, its unit and its window.
fn told(spec: &LimitSpec, of: Bounded) -> Option<(LimitMeasure, String, Option<LimitWindow>)> {
    let Bounded::Measured(measure) = of else {
        return Some((LimitMeasure::Concurrency, "calls".to_owned(), None));
    };
    let window = match measure {
        Measure::Requests => LimitWindow::Every(spec.requests?.window),
        _ => measure.quota(spec)?.1,
    };
    let (word, unit) = match measure {
        Measure::InputTokens => (LimitMeasure::InputTokens, "tokens".to_owned()),
        Measure::Money => (LimitMeasure::Money, spec.money?.currency.to_string()),
        Measure::OutputTokens => (LimitMeasure::OutputTokens, "tokens".to_owned()),
        Measure::Requests => (LimitMeasure::Requests, "requests".to_owned()),
        Measure::Tokens => (LimitMeasure::Tokens, "tokens".to_owned()),
    };
    Some((word, unit, Some(window)))
}

fn share(used: u64, most: u64) -> Score {
    let millionths = u128::from(used) * 1_000_000 / u128::from(most.max(1));
    Score::from_millionths(u32::try_from(millionths).unwrap_or(u32::MAX))
}

/// When a window is used up at its pace so far, if it is within it.
fn full_at(in_use: &InUse, now: Timestamp) -> Option<Timestamp> {
    let (used, since, until) = (in_use.used?, in_use.since?, in_use.until?);
    let (passed, whole) =
        (u128::from(now.since(since).as_millis()), u128::from(until.since(since).as_millis()));
    if used == 0 || used >= in_use.most || passed * YOUNG < whole {
        return None;
    }
    let lasts = passed * u128::from(in_use.most) / u128::from(used);
    let at = since.as_millis().saturating_add(i64::try_from(lasts).ok()?);
    (at < until.as_millis()).then_some(Timestamp::from_millis(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_told_once_it_means_something_and_ends_within_its_window() {
        let full = |used, now| {
            let in_use = InUse {
                of: Bounded::Measured(Measure::Tokens),
                most: 1_000,
                used: Some(used),
                since: Some(Timestamp::from_millis(1_000_000)),
                until: Some(Timestamp::from_millis(1_100_000)),
            };
            full_at(&in_use, Timestamp::from_millis(now)).map(Timestamp::as_millis)
        };
        assert_eq!(full(500, 1_020_000), Some(1_040_000));
        assert_eq!(full(200, 1_020_000), None, "with the window's own pace there is just enough");
        assert_eq!(full(201, 1_020_000), Some(1_099_502));
        assert_eq!(full(900, 1_004_999), None, "too early to say");
        assert_eq!((full(0, 1_050_000), full(1_000, 1_050_000)), (None, None));
        assert_eq!(share(1, 3), Score::from_millionths(333_333));
        assert_eq!((share(0, 0), share(7, 5)), (Score::ZERO, Score::ONE));
    }
}
