//! How values look: numbers in groups, times as people say them.

use cordon_core::{DurationMs, Money, Timestamp};

/// A whole number in groups of three, with narrow no-break spaces (ISO 80000-1, section 7.3.1).
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in per cent, with one decimal below ten.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    if tenths < 100 && part > 0 {
        format!("{}.{} %", tenths / 10, tenths % 10)
    } else {
        format!("{} %", tenths / 10)
    }
}

/// Microseconds as milliseconds or seconds, with about three figures.
pub(super) fn micros(micros: u64) -> String {
    match micros {
        0..=999 => format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10),
        1_000..=99_999 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        100_000..=999_999 => format!("{} ms", micros / 1000),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// Billionths of a currency's unit: with cents from a unit on, and below it with three figures.
pub(super) fn money(nanos: u64) -> String {
    const UNIT: u64 = 1_000_000_000;
    if nanos >= UNIT {
        return format!("{}.{:02}", number(nanos / UNIT), nanos % UNIT / (UNIT / 100));
    }
    let step = 10_u64.pow(nanos.checked_ilog10().unwrap_or(0).saturating_sub(2));
    Money::from_nanos(nanos.checked_div(step).unwrap_or(0).saturating_mul(step)).to_string()
}

/// Bytes in powers of 1024.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (count, 0);
    let mut rest = 0;
    while value >= 1024 && unit + 1 < units.len() {
        rest = value % 1024 * 10 / 1024;
        value /= 1024;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or("B");
    if rest > 0 && value < 100 { format!("{value}.{rest} {unit}") } else { format!("{value} {unit}") }
}

/// How long ago, or in how long: `3 min ago`, `in 12 d`.
pub(super) fn relative(time: Timestamp, now: Timestamp) -> String {
    if time > now {
        format!("in {}", span(time.since(now)))
    } else {
        format!("{} ago", span(now.since(time)))
    }
}

/// A span of time in its largest unit.
pub(super) fn span(time: DurationMs) -> String {
    match time.as_millis() / 1000 {
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", (seconds + 30) / 60),
        seconds @ 5400..=129_599 => format!("{} h", (seconds + 1800) / 3600),
        seconds => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_people_write_them() {
        assert_eq!(
            (number(7), number(1234), number(1_234_567)),
            ("7".into(), "1\u{202f}234".into(), "1\u{202f}234\u{202f}567".into())
        );
        assert_eq!(
            (percent(0, 0), percent(1, 1000), percent(1, 2)),
            ("–".into(), "0.1 %".into(), "50 %".into())
        );
        assert_eq!(
            (micros(870), micros(12_345), micros(250_000), micros(1_250_000)),
            ("0.87 ms".into(), "12.3 ms".into(), "250 ms".into(), "1.25 s".into())
        );
        assert_eq!(
            (bytes(900), bytes(1536), bytes(3 << 30)),
            ("900 B".into(), "1.5 KiB".into(), "3 GiB".into())
        );
        let now = Timestamp::from_millis(1_000_000_000);
        let at = |seconds: i64| Timestamp::from_millis(1_000_000_000 + seconds * 1000);
        assert_eq!(
            (relative(at(-5), now), relative(at(-600), now), relative(at(864_000), now)),
            ("5 s ago".into(), "10 min ago".into(), "in 10 d".into())
        );
    }
}
