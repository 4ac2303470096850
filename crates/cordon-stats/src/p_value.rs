use std::fmt;

/// The probability, were nothing different, of a result at least as extreme. Never zero.
///
/// ```
/// use cordon_stats::PValue;
/// assert!(PValue::of(0.04).at_most(0.05));
/// assert_eq!(PValue::of(0.0).to_string(), "< 2.3e-308");
/// // A permutation test with 199 permutations can say no less than 1/200.
/// assert_eq!(PValue::counted(0, 199).upper_bound(), 0.005);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PValue {
    /// Smaller than this: the number itself is below what can be computed.
    Below(f64),
    /// This value, in `(0, 1]`.
    Value(f64),
}

impl PValue {
    /// Of a computed tail probability: what underflowed is [`PValue::Below`], rounding above 1 is 1. A NaN is 1: no evidence.
    pub fn of(probability: f64) -> Self {
        if probability.is_nan() {
            Self::Value(1.0)
        } else if probability < f64::MIN_POSITIVE {
            Self::Below(f64::MIN_POSITIVE)
        } else {
            Self::Value(probability.min(1.0))
        }
    }

    /// Of a permutation test: `as_extreme` of `permutations` random relabellings were at least as extreme as what was seen.
    /// The labelling that was seen counts as one of them (Phipson and Smyth, 2010): the level is then exact.
    pub fn counted(as_extreme: usize, permutations: usize) -> Self {
        Self::of((as_extreme as f64 + 1.0) / (permutations as f64 + 1.0))
    }

    /// A number that the p-value does not exceed: what corrections and comparisons take.
    pub fn upper_bound(self) -> f64 {
        match self {
            Self::Below(bound) => bound,
            Self::Value(value) => value,
        }
    }

    /// Is the test significant at this level?
    pub fn at_most(self, level: f64) -> bool {
        self.upper_bound() <= level
    }
}

impl fmt::Display for PValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Rounded up: the bound that is shown must hold.
            Self::Below(_) => f.write_str("< 2.3e-308"),
            Self::Value(value) if *value < 1e-4 => write!(f, "{value:.3e}"),
            Self::Value(value) => write!(f, "{value:.5}"),
        }
    }
}
