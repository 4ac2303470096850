//! A numeric sample made ready once: finite, sorted, compared as often as one likes.

use crate::input::{self, InputError};

/// Finite numbers in ascending order. Making one sorts; everything asked of it afterwards is one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    sorted: Vec<f64>,
}

impl Sample {
    /// Of these values, at least one.
    ///
    /// # Errors
    /// When there is none, or one is not finite.
    pub fn new(values: Vec<f64>) -> Result<Self, InputError> {
        input::at_least(values.len(), 1, "sample")?;
        input::finite(&values, "sample")?;
        Ok(Self { sorted: sorted(values) })
    }

    /// The values, ascending.
    pub fn values(&self) -> &[f64] {
        &self.sorted
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "a sample is never empty")]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The smallest and the largest.
    pub fn range(&self) -> (f64, f64) {
        (self.sorted.first().copied().unwrap_or(f64::NAN), self.sorted.last().copied().unwrap_or(f64::NAN))
    }

    /// The `p`-quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan, the default of numpy
    /// and R). `p` is clamped to `[0, 1]`.
    pub fn quantile(&self, p: f64) -> f64 {
        let last = self.sorted.len() - 1;
        let place = p.clamp(0.0, 1.0) * last as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ place ≤ last")]
        let below = place.floor() as usize;
        let low = self.sorted.get(below).copied().unwrap_or(f64::NAN);
        let high = self.sorted.get(below + 1).copied().unwrap_or(low);
        interpolated(low, high, place - below as f64)
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> f64 {
        sum(&self.sorted) / self.sorted.len() as f64
    }

    /// The sum of squared deviations from the mean.
    pub(crate) fn squares(&self) -> f64 {
        let mean = self.mean();
        sum_of(self.sorted.iter().map(|value| (value - mean) * (value - mean)))
    }

    /// The variance with the divisor n − 1; NaN for one value.
    pub fn variance(&self) -> f64 {
        self.squares() / (self.sorted.len() as f64 - 1.0)
    }

    /// Skewness and excess kurtosis from the moments with the divisor n (the biased ones); NaN for a constant.
    pub fn shape(&self) -> (f64, f64) {
        let n = self.sorted.len() as f64;
        let mean = self.mean();
        let moment = |power: i32| sum_of(self.sorted.iter().map(|value| (value - mean).powi(power))) / n;
        let second = moment(2);
        (moment(3) / second.powf(1.5), moment(4) / (second * second) - 3.0)
    }

    /// The distinct values with how often each occurs, ascending.
    pub fn runs(&self) -> impl Iterator<Item = (f64, usize)> {
        self.sorted.chunk_by(|a, b| a == b).map(|run| (run.first().copied().unwrap_or(f64::NAN), run.len()))
    }
}

/// As numpy interpolates: from the nearer end, so that equal ends give exactly themselves.
fn interpolated(low: f64, high: f64, share: f64) -> f64 {
    if share >= 0.5 { high - (high - low) * (1.0 - share) } else { low + (high - low) * share }
}

/// Sorted through the order-preserving integer form of a double, which sorts without calling a comparison of floats.
fn sorted(values: Vec<f64>) -> Vec<f64> {
    let mut keys: Vec<u64> = values.into_iter().map(|value| key(value + 0.0)).collect();
    keys.sort_unstable();
    keys.into_iter().map(value).collect()
}

/// Larger doubles have larger keys: the sign bit flipped for positive ones, every bit for negative ones.
pub(crate) fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The double of a key.
pub(crate) fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// The sum with Neumaier's compensation: the error does not grow with the number of terms.
pub(crate) fn sum_of(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

/// The compensated sum of a slice.
pub(crate) fn sum(values: &[f64]) -> f64 {
    sum_of(values.iter().copied())
}

/// The pooled order of two samples: at each distinct value, how many of each sample are at most this.
pub(crate) struct Merge<'a> {
    left: &'a [f64],
    right: &'a [f64],
    seen: (usize, usize),
}

/// One distinct value of the pooled sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The value.
    pub(crate) value: f64,
    /// How many of the left sample equal it.
    pub(crate) left: usize,
    /// How many of the right sample equal it.
    pub(crate) right: usize,
    /// How many of the left sample are at most this.
    pub(crate) left_seen: usize,
    /// How many of the right sample are at most this.
    pub(crate) right_seen: usize,
}

impl<'a> Merge<'a> {
    pub(crate) fn of(left: &'a Sample, right: &'a Sample) -> Self {
        Self { left: &left.sorted, right: &right.sorted, seen: (0, 0) }
    }
}

impl Iterator for Merge<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let value = match (self.left.first(), self.right.first()) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        let take = |rest: &mut &[f64]| {
            let mut count = 0;
            while let Some((first, tail)) = rest.split_first() {
                if *first != value {
                    break;
                }
                count += 1;
                *rest = tail;
            }
            count
        };
        let left = take(&mut self.left);
        let right = take(&mut self.right);
        self.seen.0 += left;
        self.seen.1 += right;
        Some(Step { value, left, right, left_seen: self.seen.0, right_seen: self.seen.1 })
    }
}
