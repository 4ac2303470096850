use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{DurationMs, Timestamp};

/// The longest window of tokens and money.
pub const MAX_LIMIT_WINDOW: DurationMs = DurationMs::from_secs(400 * 86_400);

/// Windows that follow each other in UTC, so that every node and every restart has the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitWindow {
    /// So long each, from 1970 on: one of `1h` begins with the hour, one of `1d` (or `day`) at midnight.
    Every(DurationMs),
    /// The months of the calendar.
    Month,
}

const DAY: DurationMs = DurationMs::from_secs(86_400);

impl LimitWindow {
    /// When the window begins that a time lies in, and when the next one does; in milliseconds since 1970.
    pub fn bounds(self, time: Timestamp) -> (i64, i64) {
        match self {
            Self::Every(length) => every(length, time),
            // Times beyond the year 9999 have no calendar.
            Self::Month => month(time).unwrap_or_else(|| every(DAY, time)),
        }
    }

    /// Whether it is one that limits may have: of whole minutes, and not too long.
    pub(super) const fn is_sound(self) -> bool {
        match self {
            Self::Every(length) => {
                let millis = length.as_millis();
                millis > 0 && millis.is_multiple_of(60_000) && millis <= MAX_LIMIT_WINDOW.as_millis()
            }
            Self::Month => true,
        }
    }
}

fn every(length: DurationMs, time: Timestamp) -> (i64, i64) {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    let start = time.as_millis().div_euclid(length).saturating_mul(length);
    (start, start.saturating_add(length))
}

fn month(time: Timestamp) -> Option<(i64, i64)> {
    let utc = jiff::tz::Offset::UTC;
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?;
    let first = utc.to_datetime(time).date().first_of_month();
    let next = first.last_of_month().tomorrow().ok()?;
    let midnight = |date: jiff::civil::Date| {
        utc.to_timestamp(date.at(0, 0, 0, 0)).ok().map(jiff::Timestamp::as_millisecond)
    };
    Some((midnight(first)?, midnight(next)?))
}

impl std::fmt::Display for LimitWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Every(length) => length.fmt(f),
            Self::Month => f.write_str("month"),
        }
    }
}

impl Serialize for LimitWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LimitWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "day" => Ok(Self::Every(DAY)),
            "month" => Ok(Self::Month),
            length => DurationMs::parse(length).map(Self::Every).map_err(|error| {
                D::Error::custom(format!("{error}; a window may also be `day` or `month`, in UTC"))
            }),
        }
    }
}

impl schemars::JsonSchema for LimitWindow {
    fn schema_name() -> Cow<'static, str> {
        "LimitWindow".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let length = generator.subschema_for::<DurationMs>();
        schemars::json_schema!({ "anyOf": [length, { "enum": ["day", "month"] }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(window: &str, time: &str, start: &str, end: &str) {
        let window: LimitWindow = serde_json::from_value(window.into()).unwrap();
        let at = |text| Timestamp::parse(text).unwrap();
        let (from, to) = window.bounds(at(time));
        assert_eq!(
            (Timestamp::from_millis(from), Timestamp::from_millis(to)),
            (at(start), at(end)),
            "{window} {time}"
        );
    }

    #[test]
    fn windows_follow_the_calendar_in_utc() {
        check("1h", "2026-11-21T09:30:00Z", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z");
        check("day", "2026-11-21T23:59:59.999Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
        check("month", "2026-11-30T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        check("month", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check("month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
        check("month", "1969-12-31T23:00:00Z", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z");
        let (start, end) = LimitWindow::Month.bounds(Timestamp::from_millis(i64::MAX));
        assert!(start < end);
    }

    #[test]
    fn windows_are_written_as_they_are_read() {
        for (read, written) in [("30d", "30d"), ("day", "1d"), ("month", "month")] {
            let window: LimitWindow = serde_json::from_value(read.into()).unwrap();
            assert_eq!(serde_json::to_value(window).unwrap(), written);
        }
        let error = serde_json::from_value::<LimitWindow>("year".into()).unwrap_err().to_string();
        assert!(error.contains("`month`"), "{error}");
    }
}
