use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, in milliseconds since 1970, written as RFC 3339 with exactly three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in milliseconds, written by people as `90s`, `1m`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationMs(u64);

/// A text that is no time or no length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// Not an instant.
    #[error("`{0}` is not a time; help: write RFC 3339 with a zone, such as 2026-11-21T09:30:00Z")]
    Instant(String),
    /// Not a length of time.
    #[error(
        "`{0}` is not a duration; help: write a whole number and a unit (ms, s, m, h, d), such as 1m or 30d"
    )]
    Duration(String),
}

impl Timestamp {
    /// The instant so many milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any zone and precision; finer than a millisecond is cut off.
    ///
    /// # Errors
    /// When the text is no such time.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| TimeError::Instant(text.chars().take(80).collect()))
    }

    /// This much later; stops at the end of time.
    pub const fn plus(self, duration: DurationMs) -> Self {
        let millis = if duration.0 > i64::MAX as u64 { i64::MAX } else { duration.0.cast_signed() };
        Self(self.0.saturating_add(millis))
    }

    /// How long after `earlier`; zero when it is not.
    pub const fn since(self, earlier: Self) -> DurationMs {
        let millis = self.0.saturating_sub(earlier.0);
        DurationMs(if millis < 0 { 0 } else { millis.cast_unsigned() })
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            // Outside of the years -9999 to 9999 there is no RFC 3339 form.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl DurationMs {
    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As the standard library's duration.
    pub const fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    /// Reads a whole number and a unit: `250ms`, `90s`, `1m`, `12h`, `30d`.
    ///
    /// # Errors
    /// When the text has another form or is too long a time.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError::Duration(text.chars().take(80).collect());
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
        let (digits, unit) = text.split_at_checked(split).ok_or_else(error)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(error()),
        };
        let count: u64 = digits.parse().map_err(|_| error())?;
        // 100 years: longer is a slip of the pen, and the sum with any time of this era stays a time.
        count.checked_mul(factor).filter(|millis| *millis <= 3_155_760_000_000).map(Self).ok_or_else(error)
    }
}

impl std::fmt::Display for DurationMs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, unit) = match self.0 {
            0 => (0, "s"),
            ms if ms % 86_400_000 == 0 => (ms / 86_400_000, "d"),
            ms if ms % 3_600_000 == 0 => (ms / 3_600_000, "h"),
            ms if ms % 60_000 == 0 => (ms / 60_000, "m"),
            ms if ms % 1000 == 0 => (ms / 1000, "s"),
            ms => (ms, "ms"),
        };
        write!(f, "{count}{unit}")
    }
}

macro_rules! text_serde {
    ($type:ty, $name:literal, $schema:tt) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
text_serde!(Timestamp, "Timestamp", { "type": "string", "format": "date-time" });
text_serde!(DurationMs, "Duration", { "type": "string", "pattern": DURATION, "examples": ["1m", "30d"] });

/// What durations look like: up to about a hundred years in each unit.
pub const DURATION: &str = "^([0-9]{1,12}ms|[0-9]{1,9}s|[0-9]{1,7}m|[0-9]{1,5}h|([0-9]{1,4}|[12][0-9]{4}|3[0-5][0-9]{3}|36[0-4][0-9]{2}|36500)d)$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_three_decimals() {
        for text in ["2026-11-21T09:30:00.000Z", "1970-01-01T00:00:00.001Z", "2026-11-21T09:30:00.120Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Timestamp::parse("2026-11-21T10:30:00.1239+01:00").unwrap().to_string(),
            "2026-11-21T09:30:00.123Z"
        );
        assert!(Timestamp::parse("yesterday").is_err());
    }

    #[test]
    fn durations_read_back_what_they_write() {
        for text in ["1m", "30d", "90s", "250ms", "12h", "0s"] {
            assert_eq!(DurationMs::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "1", "m", "1w", "-1s", "1.5h", "99999999999999999999d", "9999999d"] {
            assert!(DurationMs::parse(bad).is_err(), "{bad}");
        }
    }
}
