use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of money in billionths of a currency's unit, never negative: a token costs less than a millionth.
///
/// People write and read `0.15`; facts and frames hold `150000000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

/// A text that is no amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an amount; help: write it like \"0.15\", with at most nine digits after the point")]
pub struct MoneyError;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// How many parts a unit has.
    const PARTS: u64 = 1_000_000_000;

    /// An amount in billionths.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The amount in billionths.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The sum; the largest amount there is when it would be more.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() > 11 || part.len() > 9 {
            return Err(MoneyError);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| MoneyError);
        let part = number(&format!("{part:0<9}"))?;
        number(whole)?
            .checked_mul(Self::PARTS)
            .and_then(|whole| whole.checked_add(part))
            .map(Self)
            .ok_or(MoneyError)
    }
}

/// `0.15`: as many digits after the point as are needed.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / Self::PARTS, self.0 % Self::PARTS);
        let part = format!("{part:09}");
        match part.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            part => write!(f, "{whole}.{part}"),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Written)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// How people write amounts: as a text, or as the number that YAML makes of it without quotes.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Money;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an amount such as \"0.15\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Money, E> {
        self.visit_str(&number.to_string())
    }

    /// The shortest text that reads as this number is what somebody wrote, for as many digits as an amount has.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Money, E> {
        self.visit_str(&number.to_string())
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"], "minimum": 0, "pattern": "^[0-9]{1,11}(\\.[0-9]{1,9})?$",
            "description": "An amount such as \"0.15\", with at most nine digits after the point."
        })
    }
}

/// A currency: three capital letters as ISO 4217 has them, such as `USD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that is no currency.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a currency; help: write three capital letters, such as USD or EUR (ISO 4217)")]
pub struct CurrencyError;

impl Currency {
    /// Its letters.
    pub fn as_str(&self) -> &str {
        // Letters by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its letters as bytes.
    pub const fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(CurrencyError) }
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[A-Z]{3}$", "description": "A currency, such as USD (ISO 4217)."
        })
    }
}

/// What something cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// How much.
    pub amount: Money,
    /// Of which currency.
    pub currency: Currency,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_written_as_people_do() {
        for (text, nanos) in [("0", 0), ("0.15", 150_000_000), ("2", 2_000_000_000), ("0.01875", 18_750_000)]
        {
            let money: Money = text.parse().unwrap();
            assert_eq!((money.nanos(), money.to_string().as_str()), (nanos, text));
        }
        let far = "18446744073.709551616";
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.1234567890", "0,15", far, "99999999999"] {
            assert_eq!(wrong.parse::<Money>(), Err(MoneyError), "{wrong}");
        }
        for wrong in ["", "usd", "US", "USDT", "U$D"] {
            assert_eq!(wrong.parse::<Currency>(), Err(CurrencyError), "{wrong}");
        }
    }

    #[test]
    fn people_write_texts_or_numbers_and_facts_hold_integers() {
        for written in ["\"0.15\"", "0.15"] {
            assert_eq!(serde_json::from_str::<Money>(written).unwrap(), Money::from_nanos(150_000_000));
        }
        assert_eq!(serde_json::from_str::<Money>("3").unwrap(), Money::from_nanos(3_000_000_000));
        for wrong in ["-1", "1e300", "true", "\"much\""] {
            assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
        }
        let cost = Cost { amount: Money::from_nanos(7), currency: "EUR".parse().unwrap() };
        let bytes = crate::canonical::to_bytes(&cost).unwrap();
        assert_eq!(bytes, br#"{"amount":7,"currency":"EUR"}"#);
        assert_eq!(crate::canonical::from_bytes::<Cost>(&bytes).unwrap(), cost);
        assert_eq!(serde_json::to_string(&cost).unwrap(), r#"{"amount":"0.000000007","currency":"EUR"}"#);
    }

    proptest! {
        #[test]
        fn every_amount_reads_back(nanos: u64) {
            let money = Money::from_nanos(nanos);
            prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
            let bytes = crate::canonical::to_bytes(&money).unwrap();
            prop_assert_eq!(crate::canonical::from_bytes::<Money>(&bytes).unwrap(), money);
        }
    }
}
