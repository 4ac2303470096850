use serde::{Deserialize, Serialize};

use crate::{Cost, Currency, Money, Timestamp, record::Tokens};

/// What a model's tokens cost from a time on, as its provider lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// From when it is charged, until the next price; absent: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// A million tokens of input.
    pub input: Money,
    /// A million tokens of output.
    pub output: Money,
    /// A million tokens of input that the provider had cached; absent: as other input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Money>,
    /// A million tokens of input that the provider wrote to its cache; absent: as other input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
    /// Each call, whatever its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Money>,
}

impl Price {
    /// What a call with these tokens costs, rounded up to the next billionth: a sum is never less than what is charged.
    pub fn cost(&self, tokens: Tokens) -> Cost {
        let cached = tokens.cached.min(tokens.input);
        let plain = tokens.input.saturating_sub(cached);
        let written = tokens.cache_written.min(plain);
        let parts = [
            (plain.saturating_sub(written), self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (written, self.cache_write.unwrap_or(self.input)),
            (tokens.output, self.output),
        ];
        // Each product is below 2^128 and fits; so do four of them, with amounts of at most 2^64.
        let millionths = parts.iter().fold(0_u128, |sum, (count, price)| {
            sum.saturating_add(u128::from(*count).saturating_mul(u128::from(price.nanos())))
        });
        let amount = u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let amount = Money::from_nanos(amount).plus(self.call.unwrap_or_default());
        Cost { amount, currency: self.currency }
    }

    /// The price at a time, of prices in the order of their beginning.
    pub fn at(prices: &[Self], time: Timestamp) -> Option<&Self> {
        prices.iter().rev().find(|price| price.from.is_none_or(|from| from <= time))
    }

    /// Why these are no prices of one model.
    pub(super) fn problem(prices: &[Self]) -> Option<&'static str> {
        // Nothing, as the beginning of time, comes before any time.
        if prices.iter().zip(prices.iter().skip(1)).any(|(before, after)| before.from >= after.from) {
            return Some("each price begins later than the one before; help: order them by `from`");
        }
        if prices.iter().zip(prices.iter().skip(1)).any(|(before, after)| before.currency != after.currency) {
            return Some("all prices of a model are in one currency");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(from: Option<i64>, input: &str, output: &str) -> Price {
        Price {
            from: from.map(Timestamp::from_millis),
            currency: "USD".parse().unwrap(),
            input: input.parse().unwrap(),
            output: output.parse().unwrap(),
            cached_input: None,
            cache_write: None,
            call: None,
        }
    }

    #[test]
    fn tokens_cost_what_the_list_says() {
        let mut price = price(None, "0.15", "0.60");
        let tokens = Tokens { input: 1_000_000, output: 500_000, cached: 0, cache_written: 0 };
        assert_eq!(price.cost(tokens).to_string(), "0.45 USD");
        let tokens = Tokens { input: 10, output: 3, cached: 4, cache_written: 0 };
        assert_eq!(price.cost(tokens).amount.nanos(), 1_500 + 1_800);
        price.cached_input = Some("0.01875".parse().unwrap());
        price.call = Some("0.01".parse().unwrap());
        // 6 × 150 + 4 × 18.75 + 3 × 600, and a hundredth.
        assert_eq!(price.cost(tokens).amount.nanos(), 900 + 75 + 1_800 + 10_000_000);
        let one = Tokens { input: 1, output: 0, cached: 1, cache_written: 0 };
        price.cache_write = Some("0.30".parse().unwrap());
        let written = Tokens { cache_written: 2, ..tokens };
        // 4 × 150 + 4 × 18.75 + 2 × 300 + 3 × 600, and a hundredth.
        assert_eq!(price.cost(written).amount.nanos(), 600 + 75 + 600 + 1_800 + 10_000_000);
        price.call = None;
        assert_eq!(price.cost(one).amount.nanos(), 19, "rounded up");
        let all = Tokens { input: u64::MAX, output: u64::MAX, cached: u64::MAX, cache_written: u64::MAX };
        assert_eq!(price.cost(all).amount.nanos(), u64::MAX);
        let more_cached_than_read = Tokens { input: 1, output: 0, cached: 100, cache_written: 0 };
        assert_eq!(price.cost(more_cached_than_read).amount.nanos(), 19);
    }

    #[test]
    fn a_price_holds_until_the_next() {
        let prices = [price(None, "1", "1"), price(Some(100), "2", "2"), price(Some(200), "3", "3")];
        let at = |time| Price::at(&prices, Timestamp::from_millis(time)).unwrap().input.to_string();
        assert_eq!([at(-5), at(99), at(100), at(199), at(1 << 40)], ["1", "1", "2", "2", "3"]);
        assert_eq!(Price::at(&prices[1..], Timestamp::from_millis(99)), None);
        assert_eq!(Price::problem(&prices), None);
        assert!(Price::problem(&[price(Some(1), "1", "1"), price(None, "1", "1")]).is_some());
        assert!(Price::problem(&[price(Some(1), "1", "1"), price(Some(1), "1", "1")]).is_some());
        let mut other = price(Some(2), "1", "1");
        other.currency = "EUR".parse().unwrap();
        assert!(Price::problem(&[price(None, "1", "1"), other]).is_some());
    }
}
