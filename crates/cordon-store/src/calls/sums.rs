//! Calls in sums: how many, how they ended, what they used, how long they took.

use cordon_core::{
    Cost, Currency, Money, Timestamp,
    record::{Outcome, Tokens},
};

/// How much time one [`RollUp`] sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A minute; kept for eight days.
    Minute,
    /// An hour; kept for 400 days.
    Hour,
    /// A day in UTC; kept for ten years.
    Day,
}

/// Which sums are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Of all routes together, by verdict: as many rows for a thousand routes as for one.
    All,
    /// Of each route, by verdict.
    Routes,
}

/// The calls of one minute or hour, route and verdict, in sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollUp {
    /// How many ended.
    pub count: u64,
    /// How many of them were refused, failed or broke off, before or after their caller was told a status; or were answered by an upstream
    /// with a status of 400 or more.
    pub errors: u64,
    /// Tokens in prompts.
    pub input_tokens: u64,
    /// Tokens in answers.
    pub output_tokens: u64,
    /// What they cost together; nothing when no call had a price.
    pub cost: Option<Cost>,
    /// Whether there are costs in other currencies too, which are not part of `cost`.
    pub other_currencies: bool,
    /// How many took at most 2^i microseconds and more than 2^(i−1), by i; the last one holds all that took longer.
    pub latency: [u64; RollUp::BUCKETS],
}

impl Step {
    pub(super) const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its length, in milliseconds.
    pub const fn millis(self) -> i64 {
        self.minutes() * 60_000
    }

    /// Its length in minutes: its number in the file.
    pub(super) const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }

    /// How many steps of sums are kept.
    pub(super) const fn kept(self) -> i64 {
        match self {
            Self::Minute => 8 * 24 * 60,
            Self::Hour => 400 * 24,
            Self::Day => 3_652,
        }
    }

    /// The number of the step that a time lies in, counted from 1970.
    pub(super) const fn start(self, time: Timestamp) -> i64 {
        time.as_millis().div_euclid(self.millis())
    }
}

impl RollUp {
    /// How many buckets of latency there are: up to 2^31 microseconds, which is 36 minutes.
    pub const BUCKETS: usize = 32;

    /// Adds a call that ended so, after so many microseconds.
    pub(super) fn add(
        &mut self,
        (outcome, status): (Outcome, u16),
        tokens: Option<Tokens>,
        cost: Option<Cost>,
        total: u64,
    ) {
        self.count += 1;
        self.errors += u64::from(outcome != Outcome::Released || status >= 400);
        self.input_tokens = self.input_tokens.saturating_add(tokens.map_or(0, |tokens| tokens.input));
        self.output_tokens = self.output_tokens.saturating_add(tokens.map_or(0, |tokens| tokens.output));
        self.spend(cost);
        let bucket = total
            .max(1)
            .checked_next_power_of_two()
            .map_or(Self::BUCKETS, |power| power.trailing_zeros() as usize);
        if let Some(count) = self.latency.get_mut(bucket.min(Self::BUCKETS - 1)) {
            *count += 1;
        }
    }

    /// Adds the sums of another one to these.
    pub fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.errors = self.errors.saturating_add(other.errors);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.other_currencies |= other.other_currencies;
        self.spend(other.cost);
        for (to, from) in self.latency.iter_mut().zip(other.latency) {
            *to = to.saturating_add(from);
        }
    }

    /// Adds a cost. Of several currencies the first in the alphabet counts, so that no order of adding makes a difference.
    fn spend(&mut self, cost: Option<Cost>) {
        self.cost = match (self.cost, cost) {
            (Some(before), Some(cost)) if before.currency == cost.currency => {
                Some(Cost { amount: before.amount.plus(cost.amount), ..before })
            }
            (Some(before), Some(cost)) => {
                self.other_currencies = true;
                Some(if before.currency < cost.currency { before } else { cost })
            }
            (before, cost) => before.or(cost),
        };
    }

    /// An upper bound of the latency in microseconds that this part of the calls did not exceed: the end of its bucket.
    pub fn quantile(&self, part: cordon_core::Score) -> u64 {
        let wanted = u128::from(self.count) * u128::from(part.millionths());
        let mut seen = 0_u128;
        for (power, count) in (0_u32..).zip(self.latency) {
            seen += u128::from(count) * 1_000_000;
            if seen >= wanted {
                return 1 << power;
            }
        }
        u64::MAX
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let cost = self.cost.map_or(0, |cost| cost.amount.nanos());
        let currency = self.cost.map_or(0, |cost| packed(cost.currency));
        let others = u64::from(self.other_currencies);
        let head =
            [self.count, self.errors, self.input_tokens, self.output_tokens, cost, currency << 1 | others];
        head.iter().chain(&self.latency).flat_map(|number| number.to_be_bytes()).collect()
    }

    /// What is missing in damaged bytes counts as nothing.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut numbers = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
        let mut next = || numbers.next().unwrap_or(0);
        let (count, errors, input_tokens, output_tokens) = (next(), next(), next(), next());
        let (amount, currency) = (Money::from_nanos(next()), next());
        Self {
            count,
            errors,
            input_tokens,
            output_tokens,
            cost: unpacked(currency >> 1).map(|currency| Cost { amount, currency }),
            other_currencies: currency & 1 == 1,
            latency: std::array::from_fn(|_| next()),
        }
    }
}

/// The letters of a currency as a number above 0.
pub(super) fn packed(currency: Currency) -> u64 {
    currency.as_bytes().iter().fold(0, |number, letter| number << 8 | u64::from(*letter))
}

/// The currency of a number; nothing for 0 and for numbers that are none.
pub(super) fn unpacked(number: u64) -> Option<Currency> {
    let [.., first, second, third] = number.to_be_bytes();
    std::str::from_utf8(&[first, second, third]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn costs() -> impl Strategy<Value = Vec<Option<(u32, &'static str)>>> {
        let cost = (any::<u32>(), prop::sample::select(vec!["USD", "EUR", "CHF"]));
        prop::collection::vec(prop::option::of(cost), 0..12)
    }

    fn sums(costs: &[Option<(u32, &str)>]) -> RollUp {
        let mut sums = RollUp::default();
        for cost in costs {
            let cost = cost.map(|(nanos, currency)| Cost {
                amount: Money::from_nanos(nanos.into()),
                currency: currency.parse().unwrap(),
            });
            sums.add((Outcome::Released, 200), None, cost, 7);
        }
        sums
    }

    proptest! {
        #[test]
        fn sums_are_the_same_in_any_order_and_grouping(costs in costs(), cut: prop::sample::Index) {
            let whole = sums(&costs);
            let (left, right) = costs.split_at(cut.index(costs.len() + 1));
            let mut joined = sums(right);
            joined.join(&sums(left));
            prop_assert_eq!(&joined, &whole);
            prop_assert_eq!(RollUp::from_bytes(&whole.to_bytes()), whole);
        }
    }
}
