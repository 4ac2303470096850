use crate::PValue;
use crate::distribution::kolmogorov;
use crate::sample::{Merge, Sample};

/// The two-sample Kolmogorov–Smirnov test, two-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// D = max |F − G|.
    pub statistic: f64,
    /// The probability of a D at least as large. With ties both forms are conservative.
    pub p_value: PValue,
    /// Was it computed exactly?
    pub exact: bool,
    /// The value at which the two distribution functions are furthest apart.
    pub location: f64,
    /// Is the reference's distribution function the higher one there, that is: did the data grow?
    pub reference_is_smaller: bool,
}

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By the law of one sample of round(nm/(n+m)) observations, as scipy does: better than the limit for middling samples.
    Asymptotic,
    /// Exactly while n m is at most 20 million (some hundredths of a second), asymptotically above.
    Automatic,
    /// Exactly, by counting paths: time grows as n m.
    Exact,
}

/// Where [`Method::Automatic`] stops counting paths.
const EXACT_LIMIT: u128 = 20_000_000;

/// The two-sample Kolmogorov–Smirnov test. Sensitive to shifts in the middle; with 100,000 rows it flags shifts that nobody
/// cares about, so put an effect size beside it.
pub fn kolmogorov_smirnov(reference: &Sample, current: &Sample, method: Method) -> KolmogorovSmirnov {
    let (m, n) = (reference.len() as u64, current.len() as u64);
    let (rows, columns) = (u128::from(m), u128::from(n));
    // max |i n − j m| in whole numbers: D = reach / (m n) without rounding.
    let (mut reach, mut location, mut reference_is_smaller) = (0_u128, f64::NAN, true);
    for step in Merge::of(reference, current) {
        let (left, right) = (step.left_seen as u128 * columns, step.right_seen as u128 * rows);
        if left.abs_diff(right) > reach {
            reach = left.abs_diff(right);
            location = step.value;
            reference_is_smaller = left > right;
        }
    }
    let statistic = reach as f64 / (rows * columns) as f64;
    let exact = match method {
        Method::Asymptotic => false,
        Method::Automatic => rows * columns <= EXACT_LIMIT,
        Method::Exact => true,
    };
    let p = if exact { kolmogorov::two_sample_upper(m, n, reach) } else { one_sample(m, n, statistic) };
    KolmogorovSmirnov { statistic, p_value: PValue::of(p), exact, location, reference_is_smaller }
}

/// The one-sample law at the effective size. Past a hundred thousand observations its limit says the same and is immediate.
pub(super) fn one_sample(m: u64, n: u64, d: f64) -> f64 {
    let effective = m as f64 * n as f64 / (m as f64 + n as f64);
    if effective > 1e5 {
        return kolmogorov::limit_upper(d * effective.sqrt());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < effective ≤ 1e5")]
    kolmogorov::upper((effective.round_ties_even() as u64).max(1), d)
}
