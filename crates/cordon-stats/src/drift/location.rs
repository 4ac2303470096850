use crate::PValue;
use crate::distribution::student_t as law;
use crate::input::{self, InputError};
use crate::sample::Sample;

/// A test of two means, two-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanTest {
    /// The mean of the reference less that of the current data, over its standard error.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// From Student's t.
    pub p_value: PValue,
}

/// Welch's t test: the variances may differ. Prefer it to [`student_t`]: it loses nothing when they do not.
///
/// # Errors
/// When a sample has fewer than two values, or both are constant.
pub fn welch_t(reference: &Sample, current: &Sample) -> Result<MeanTest, InputError> {
    enough(reference, current)?;
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let (left, right) = (reference.variance() / m, current.variance() / n);
    let error = left + right;
    let df = error * error / (left * left / (m - 1.0) + right * right / (n - 1.0));
    tested(reference.mean() - current.mean(), error, df)
}

/// Student's t test: one variance for both, estimated from both.
///
/// # Errors
/// As [`welch_t`].
pub fn student_t(reference: &Sample, current: &Sample) -> Result<MeanTest, InputError> {
    enough(reference, current)?;
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let df = m + n - 2.0;
    let pooled = (reference.squares() + current.squares()) / df;
    tested(reference.mean() - current.mean(), pooled * (1.0 / m + 1.0 / n), df)
}

fn enough(reference: &Sample, current: &Sample) -> Result<(), InputError> {
    input::at_least(reference.len(), 2, "reference")?;
    input::at_least(current.len(), 2, "current")
}

fn tested(difference: f64, variance: f64, df: f64) -> Result<MeanTest, InputError> {
    if !input::is_positive(variance) {
        return Err(InputError::Constant { what: "each sample" });
    }
    let statistic = difference / variance.sqrt();
    Ok(MeanTest { statistic, df, p_value: PValue::of(law::two_sided(statistic, df)) })
}
