//! The values of rows, as they are inspected.

use std::borrow::Cow;

use cordon_core::{Channel, json::Value};

use crate::tree::walk::{Kind, SHORT_NUMBER, Visit, Walker};

/// The most digits of a whole number that is written with an exponent: nobody is known by more.
const MOST_DIGITS: usize = 64;

/// Shows the values of rows. A whole number of many digits may be one of a card or an account, and nothing can stand in its place; other
/// numbers are not texts.
// Recursion is bounded by the depth of the tree.
pub(super) fn cells<V: Visit>(walker: &mut Walker<'_, V>, value: &mut Value, channel: Channel) {
    match value {
        Value::Array(_) => walker.items(value, channel, |walker, value| cells(walker, value, channel)),
        Value::Number(number) => match whole(number.as_str()) {
            Some(Cow::Borrowed(digits)) if digits.len() == number.as_str().len() => {
                walker.value(value, channel, Kind::Fixed);
            }
            Some(digits) if digits.len() > SHORT_NUMBER => {
                walker.value(&mut Value::String(digits.into_owned()), channel, Kind::Fixed);
            }
            _ => {}
        },
        // Tokens of the request are restored where a model gives its texts back.
        Value::String(_) if channel == Channel::Model => walker.value(value, channel, Kind::Said),
        _ => walker.value(value, channel, Kind::Text),
    }
}

/// The digits of a whole number, however it is written: with a sign, as `41.0` or `4.1e1`. Nothing where it is none.
fn whole(number: &str) -> Option<Cow<'_, str>> {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(unsigned));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [before, after].concat();
    let point = usize::try_from(i64::try_from(before.len()).ok()?.checked_add(exponent)?).ok()?;
    match digits.split_at_checked(point) {
        Some((_, fraction)) if fraction.bytes().any(|b| b != b'0') => return None,
        Some(_) => digits.truncate(point),
        None if point <= MOST_DIGITS => {
            digits.extend(std::iter::repeat_n('0', point.saturating_sub(digits.len())));
        }
        None => return None,
    }
    Some(Cow::Owned(digits.trim_start_matches('0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_its_digits_however_it_is_written() {
        for (number, digits) in [
            ("4111111111111111", Some("4111111111111111")),
            ("-4111111111111111", Some("4111111111111111")),
            ("4111111111111111.0", Some("4111111111111111")),
            ("-4111111111111111.000", Some("4111111111111111")),
            ("4111111111111111e0", Some("4111111111111111")),
            ("4.111111111111111e15", Some("4111111111111111")),
            ("4.111111111111111E+15", Some("4111111111111111")),
            ("41111111111111110e-1", Some("4111111111111111")),
            ("0.4111111111111111e16", Some("4111111111111111")),
            ("41e3", Some("41000")),
            ("0.0", Some("")),
            ("4111111111111111.5", None),
            ("41e-3", None),
            ("1e999999999999999999999", None),
            ("1e9223372036854775807", None),
            ("1e-9223372036854775808", None),
            ("1e65", None),
        ] {
            assert_eq!(whole(number).as_deref(), digits, "{number}");
        }
    }
}
