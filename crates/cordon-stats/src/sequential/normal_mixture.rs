use super::OutOfRange;
use crate::interval::{Estimate, Unknown};

/// The normal-mixture confidence sequence of Robbins ("Statistical methods related to the law of the iterated
/// logarithm", 1970) for the mean of sub-Gaussian observations, two-sided.
///
/// Half-width after `n` observations: `sigma sqrt((n r^2 + 1) / (n r)^2 * 2 ln(sqrt(n r^2 + 1) / alpha))`. Anything in
/// `[0, 1]` is sub-Gaussian with `sigma = 1/2`; that is closed and simple, and wider than [`super::BoundedMean`], which
/// learns the variance. It misleads when `sigma` is smaller than the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalMixture {
    sigma: f64,
    rho: f64,
    alpha: f64,
}

impl NormalMixture {
    /// Observations of scale `sigma`; `rho` (relative to `1 / sigma`) decides at which `n` the sequence is tightest.
    ///
    /// # Errors
    /// [`OutOfRange`] unless both are finite and positive and `alpha` is strictly between 0 and 1.
    pub fn new(sigma: f64, rho: f64, alpha: f64) -> Result<Self, OutOfRange> {
        OutOfRange::positive("sigma", sigma)?;
        OutOfRange::positive("rho", rho)?;
        OutOfRange::open_unit("alpha", alpha)?;
        Ok(Self { sigma, rho, alpha })
    }

    /// The sequence that is tightest near `n` observations (Waudby-Smith et al., "Time-uniform central limit theory and
    /// asymptotic confidence sequences", 2024, proposition on tuning).
    ///
    /// # Errors
    /// As [`Self::new`]; `n` must not be 0.
    pub fn tightest_at(n: u64, sigma: f64, alpha: f64) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("alpha", alpha)?;
        let twice = -2.0 * alpha.ln();
        Self::new(sigma, ((twice + twice.ln_1p()) / n as f64).sqrt(), alpha)
    }

    /// Half of the width after `n` observations; infinite before the first.
    #[must_use]
    pub fn half_width(&self, n: u64) -> f64 {
        if n == 0 {
            return f64::INFINITY;
        }
        let n = n as f64;
        let grown = n * self.rho * self.rho + 1.0;
        self.sigma * (grown * 2.0 * (grown.sqrt() / self.alpha).ln()).sqrt() / (n * self.rho)
    }

    /// The mean of `n` observations with its interval.
    ///
    /// # Errors
    /// [`Unknown::Empty`] for none, [`Unknown::NotFinite`].
    pub fn interval(&self, n: u64, mean: f64) -> Result<Estimate, Unknown> {
        if n == 0 {
            return Err(Unknown::Empty);
        }
        if !mean.is_finite() {
            return Err(Unknown::NotFinite);
        }
        let half = self.half_width(n);
        Ok(Estimate { value: mean, low: mean - half, high: mean + half, n })
    }

    /// Natural logarithm of the e-value against the mean `null`, of which the interval is the inverse.
    #[must_use]
    pub fn log_e(&self, n: u64, mean: f64, null: f64) -> f64 {
        let n = n as f64;
        let sum = n * (mean - null) / self.sigma;
        let grown = n * self.rho * self.rho + 1.0;
        self.rho * self.rho * sum * sum / (2.0 * grown) - grown.ln() / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_evidence_agree() {
        let sequence = NormalMixture::new(0.5, 0.3, 0.05).unwrap();
        for n in [1, 10, 1000] {
            let e = sequence.interval(n, 0.4).unwrap();
            for end in [e.low, e.high] {
                assert!((sequence.log_e(n, 0.4, end) - 20.0_f64.ln()).abs() < 1e-9);
            }
        }
        assert_eq!(sequence.half_width(0), f64::INFINITY);
    }

    #[test]
    fn tuned_is_tightest_where_it_says() {
        let tuned = NormalMixture::tightest_at(500, 1.0, 0.05).unwrap();
        let others = [0.7, 0.9, 1.1, 1.4].map(|f| NormalMixture::new(1.0, tuned.rho * f, 0.05).unwrap());
        // The published tuning is an approximation: within a tenth of a percent of the best.
        assert!(others.iter().all(|o| tuned.half_width(500) < o.half_width(500) * 1.001));
        assert!(NormalMixture::tightest_at(0, 1.0, 0.05).is_err());
    }
}
