//! Numbers with few digits after the point, as they are written by people and machines: whole numbers of hundredths, say, are shorter than doubles.

/// The powers of ten: each is exact.
const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Whole numbers up to this are all doubles.
const MOST: f64 = 9_007_199_254_740_992.0;

/// The fewest digits after the point that all of these numbers are given by. None where some have more than nine, or are too large.
pub(super) fn places(values: &[f64]) -> Option<usize> {
    // The first one decides mostly: the others are looked at where it fits.
    (0..POWERS.len()).find(|places| values.iter().all(|value| whole(*value, *places).is_some()))
}

/// The number in units of its last digit.
pub(super) fn whole(value: f64, places: usize) -> Option<i64> {
    let power = POWERS.get(places)?;
    let scaled = (value * power).round();
    if scaled.abs() > MOST || scaled / power != value {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2⁵³")]
    let whole = scaled as i64;
    Some(whole)
}

/// The number again.
pub(super) fn number(whole: i64, places: usize) -> Option<f64> {
    Some(whole as f64 / POWERS.get(places)?)
}

/// Small numbers of either sign as small numbers.
pub(super) fn unsigned(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// See [`unsigned`].
pub(super) fn signed(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(signed(unsigned(value)), value);
        }
        for (values, fewest) in [
            (vec![0.0, 3.0, -17.0], Some(0)),
            (vec![19.99, 0.1, -1e6], Some(2)),
            (vec![1.0 / 3.0], None),
            (vec![1e17], None),
            (vec![f64::MAX, f64::MIN_POSITIVE], None),
            (vec![0.123_456_789], Some(9)),
        ] {
            assert_eq!(places(&values), fewest, "{values:?}");
            let Some(places) = fewest else { continue };
            for value in values {
                assert_eq!(number(whole(value, places).unwrap(), places), Some(value));
            }
        }
    }
}
