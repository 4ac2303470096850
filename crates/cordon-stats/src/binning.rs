//! Bins that are made once from a reference and then frozen, so that every later count is comparable and exact.

use crate::input::{self, InputError};
use crate::sample::Sample;

/// The inner edges of bins, ascending. `n` edges make `n + 1` bins: below the first, `[eᵢ, eᵢ₊₁)`, and from the last upwards, so
/// that every number has a bin, also one outside the reference's range.
///
/// ```
/// use cordon_stats::binning::Edges;
/// let edges = Edges::new(vec![0.0, 10.0]).unwrap();
/// assert_eq!(edges.count(&[-5.0, 0.0, 9.9, 10.0, 1e9]).per_bin, [1, 2, 2]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Edges {
    inner: Vec<f64>,
}

/// How many values fell into each bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// One count a bin.
    pub per_bin: Vec<u64>,
    /// NaN: in no bin.
    pub not_numbers: u64,
}

impl Edges {
    /// These inner edges, sorted, duplicates removed. None is one bin.
    ///
    /// # Errors
    /// When an edge is not finite.
    pub fn new(mut inner: Vec<f64>) -> Result<Self, InputError> {
        input::finite(&inner, "edges")?;
        inner.sort_by(f64::total_cmp);
        inner.dedup();
        Ok(Self { inner })
    }

    /// About as many of the reference in each bin: inner edges at its type-7 quantiles, duplicates removed.
    ///
    /// # Errors
    /// When `bins` is below two.
    pub fn quantiles(reference: &Sample, bins: u32) -> Result<Self, InputError> {
        enough(bins)?;
        Self::new((1..bins).map(|i| reference.quantile(f64::from(i) / f64::from(bins))).collect())
    }

    /// Equally wide bins over the range from `low` to `high`.
    ///
    /// # Errors
    /// When `bins` is below two or the range is empty or not finite.
    pub fn equal_width(low: f64, high: f64, bins: u32) -> Result<Self, InputError> {
        enough(bins)?;
        let step = (high - low) / f64::from(bins);
        if !(step > 0.0 && step.is_finite()) {
            return Err(InputError::OutOfRange {
                what: "the range of the bins",
                must: "finite and wider than nothing",
            });
        }
        Self::new((1..bins).map(|i| f64::from(i) * step + low).collect())
    }

    /// Equally wide bins, log₂ n + 1 of them (Sturges): few for large samples, what Evidently takes over both samples.
    ///
    /// # Errors
    /// When the sample is constant.
    pub fn sturges(sample: &Sample) -> Result<Self, InputError> {
        Self::by_rule(sample, (sample.len() as f64).log2() + 1.0)
    }

    /// Equally wide bins after Doane: Sturges' with more for skewed data, what NannyML takes over the reference.
    ///
    /// # Errors
    /// When the sample is constant or has fewer than three values.
    pub fn doane(sample: &Sample) -> Result<Self, InputError> {
        input::at_least(sample.len(), 3, "sample")?;
        let n = sample.len() as f64;
        let deviation = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
        let (skewness, _) = sample.shape();
        Self::by_rule(sample, 1.0 + n.log2() + (1.0 + skewness.abs() / deviation).log2())
    }

    /// One bin for each distinct value: for whole numbers with few of them.
    pub fn per_value(sample: &Sample) -> Self {
        Self { inner: sample.runs().map(|(value, _)| value).skip(1).collect() }
    }

    fn by_rule(sample: &Sample, bins: f64) -> Result<Self, InputError> {
        let (low, high) = sample.range();
        let width = (high - low) / bins;
        if !input::is_positive(width) {
            return Err(InputError::Constant { what: "sample" });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred at most")]
        let bins = ((high - low) / width).ceil() as u32;
        Self::equal_width(low, high, bins.max(2))
    }

    /// The inner edges.
    pub fn inner(&self) -> &[f64] {
        &self.inner
    }

    /// How many bins.
    pub fn bins(&self) -> usize {
        self.inner.len() + 1
    }

    /// The bin of a number.
    pub fn bin(&self, value: f64) -> usize {
        self.inner.partition_point(|edge| *edge <= value)
    }

    /// Counts a slice.
    pub fn count(&self, values: &[f64]) -> Counts {
        let mut counts = Counts { per_bin: vec![0; self.bins()], not_numbers: 0 };
        self.count_into(values, &mut counts);
        counts
    }

    /// Adds a slice to counts that were made by [`Edges::count`] of the same edges.
    ///
    /// Few edges are compared with all values of a block at once, without a branch; many are searched.
    pub fn count_into(&self, values: &[f64], counts: &mut Counts) {
        /// Up to here comparing with every edge is faster than searching.
        const FEW: usize = 48;
        counts.per_bin.resize(self.bins(), 0);
        if self.inner.len() > FEW {
            for value in values {
                if value.is_nan() {
                    counts.not_numbers += 1;
                } else if let Some(count) = counts.per_bin.get_mut(self.bin(*value)) {
                    *count += 1;
                }
            }
            return;
        }
        for block in values.chunks(2_048) {
            let numbers = tally(block, |value| !value.is_nan());
            counts.not_numbers += block.len() as u64 - numbers;
            let mut at_least = numbers;
            let upper = self.inner.iter().map(|edge| tally(block, |value| value >= *edge)).chain([0]);
            for (count, next) in counts.per_bin.iter_mut().zip(upper) {
                *count += at_least - next;
                at_least = next;
            }
        }
    }
}

/// How many of a block of at most a few thousand. Counted in 64 bits beside the doubles, so that the compiler takes vectors.
fn tally(block: &[f64], is: impl Fn(f64) -> bool) -> u64 {
    block.iter().map(|value| u64::from(is(*value))).sum()
}

fn enough(bins: u32) -> Result<(), InputError> {
    if bins < 2 {
        return Err(InputError::OutOfRange { what: "the number of bins", must: "at least 2" });
    }
    Ok(())
}
