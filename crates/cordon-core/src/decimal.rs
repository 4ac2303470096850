use std::{borrow::Cow, cmp::Ordering, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number as people write it in a specification: at most 32 characters, no exponent, exact in text.
///
/// People write `0.7` or `"0.7"`; facts hold the text, because they have no floating-point numbers.
#[derive(Clone, Debug)]
pub struct Decimal {
    /// In its shortest form, so that equal numbers are equal texts.
    text: Box<str>,
    value: f64,
}

/// A text that is no number of this kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a number; help: write it like -1.5, without an exponent, with at most 32 characters")]
pub struct DecimalError;

/// The most characters of a number.
const LONGEST: usize = 32;

impl Decimal {
    /// The nearest binary64 number.
    pub const fn as_f64(&self) -> f64 {
        self.value
    }

    /// Its shortest text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it compares with a number of JSON.
    ///
    /// Both are compared as binary64, which keeps the order of what it can tell apart; where it cannot, whole numbers of up to 128
    /// bits are compared exactly, and others are equal. Nothing is returned for a text that is no number.
    pub fn compare(&self, number: &str) -> Option<Ordering> {
        let other: f64 = number.parse().ok()?;
        match self.value.partial_cmp(&other)? {
            Ordering::Equal => {
                let whole = |text: &str| text.parse::<i128>().ok();
                Some(match (whole(&self.text), whole(number)) {
                    (Some(one), Some(other)) => one.cmp(&other),
                    _ => Ordering::Equal,
                })
            }
            order => Some(order),
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if text.len() > LONGEST || !plain(whole) || !plain(part) {
            return Err(DecimalError);
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        let sign = if whole == "0" && part.is_empty() { "" } else { sign };
        let text = format!("{sign}{whole}{point}{part}");
        let value = text.parse().map_err(|_| DecimalError)?;
        Ok(Self { text: text.into(), value })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Decimal {}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Written)
        } else {
            Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        }
    }
}

/// How people write numbers: as a text, or as what YAML makes of it without quotes.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Decimal;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number such as -1.5")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    /// The shortest text that reads as this number is what somebody wrote, for as many digits as are told apart.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }
}

impl schemars::JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "maxLength": LONGEST,
            "description": "A number such as -1.5, without an exponent."
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn equal_numbers_are_equal_texts() {
        for (text, short) in
            [("0", "0"), ("-0.0", "0"), ("007.50", "7.5"), ("-1.5", "-1.5"), ("0.700", "0.7"), ("120", "120")]
        {
            assert_eq!(decimal(text).as_str(), short);
        }
        let long = "1".repeat(33);
        for wrong in ["", "-", ".5", "1.", "1e3", "+1", "0x1", "nan", "1,5", &long] {
            assert_eq!(wrong.parse::<Decimal>(), Err(DecimalError), "{wrong}");
        }
        for (written, read) in [("0.7", "0.7"), ("\"0.70\"", "0.7"), ("-3", "-3"), ("12", "12")] {
            assert_eq!(serde_json::from_str::<Decimal>(written).unwrap().as_str(), read);
        }
        assert!(serde_json::from_str::<Decimal>("1e300").is_err());
    }

    #[test]
    fn whole_numbers_are_compared_exactly() {
        // Two neighbours that binary64 cannot tell apart.
        assert_eq!(decimal("9007199254740992").compare("9007199254740993"), Some(Ordering::Less));
        assert_eq!(decimal("9007199254740993").compare("9007199254740993"), Some(Ordering::Equal));
        assert_eq!(decimal("0.5").compare("5e-1"), Some(Ordering::Equal));
        assert_eq!(decimal("18").compare("17.999"), Some(Ordering::Greater));
        assert_eq!(decimal("18").compare("eighteen"), None);
    }

    proptest! {
        #[test]
        fn every_number_reads_back(whole: i64, part in 0_u32..1_000_000) {
            let text = format!("{whole}.{part:06}");
            let number = decimal(&text);
            prop_assert_eq!(number.as_f64(), text.parse::<f64>().unwrap());
            let bytes = crate::canonical::to_bytes(&number).unwrap();
            prop_assert_eq!(crate::canonical::from_bytes::<Decimal>(&bytes).unwrap(), number);
        }
    }
}
