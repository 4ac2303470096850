use super::contingency::whole;
use crate::input::{self, InputError};

/// Two histograms on the same bins, as shares: p of the reference, q of the current data.
///
/// ```
/// use cordon_stats::drift::{Binned, ZeroShare};
/// let binned = Binned::new(&[50, 30, 20], &[40, 30, 30]).unwrap();
/// let psi = binned.population_stability_index(ZeroShare::USUAL);
/// assert!((psi - 0.0628610).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    shares: Vec<(f64, f64)>,
}

/// What stands for a share of zero where a logarithm needs one. The other shares are left as they are, nothing is
/// renormalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZeroShare(f64);

impl ZeroShare {
    /// 1e-4, as Evidently and most descriptions of the population stability index take it.
    pub const USUAL: Self = Self(1e-4);

    /// This share.
    ///
    /// # Errors
    /// When it is not above 0 and below 1.
    pub fn new(share: f64) -> Result<Self, InputError> {
        if share > 0.0 && share < 1.0 {
            return Ok(Self(share));
        }
        Err(InputError::OutOfRange { what: "the share that stands for zero", must: "above 0 and below 1" })
    }

    fn of(self, share: f64) -> f64 {
        if share == 0.0 { self.0 } else { share }
    }
}

impl Binned {
    /// Of the counts per bin.
    ///
    /// # Errors
    /// When the histograms differ in length, or one of them counts nothing.
    pub fn new(reference: &[u64], current: &[u64]) -> Result<Self, InputError> {
        input::same_length(reference, "reference", current, "current")?;
        let totals = (whole(reference, "reference")?, whole(current, "current")?);
        let shares = reference
            .iter()
            .zip(current)
            .map(|(r, c)| (*r as f64 / totals.0, *c as f64 / totals.1))
            .collect();
        Ok(Self { shares })
    }

    /// Of shares that are known already.
    pub(super) fn of_shares(shares: Vec<(f64, f64)>) -> Self {
        Self { shares }
    }

    /// The shares, reference and current, bin by bin.
    pub fn shares(&self) -> &[(f64, f64)] {
        &self.shares
    }

    /// PSI = Σ (q − p) ln(q/p). Symmetric: the sum of both Kullback–Leibler divergences. Grows with the number of bins and,
    /// when nothing changed, shrinks as (bins − 1)(1/n + 1/m): a fixed threshold flags small windows.
    pub fn population_stability_index(&self, zero: ZeroShare) -> f64 {
        self.sum(|p, q| {
            let (p, q) = (zero.of(p), zero.of(q));
            (q - p) * (q / p).ln()
        })
    }

    /// D(current ‖ reference) = Σ q ln(q/p), in nats.
    pub fn divergence_of_current(&self, zero: ZeroShare) -> f64 {
        self.sum(|p, q| {
            let (p, q) = (zero.of(p), zero.of(q));
            q * (q / p).ln()
        })
    }

    /// D(reference ‖ current) = Σ p ln(p/q), in nats.
    pub fn divergence_of_reference(&self, zero: ZeroShare) -> f64 {
        self.sum(|p, q| {
            let (p, q) = (zero.of(p), zero.of(q));
            p * (p / q).ln()
        })
    }

    /// The Jensen–Shannon *divergence* with base 2: between 0 and 1, no root. Needs no stand-in for zero.
    pub fn jensen_shannon_divergence_bits(&self) -> f64 {
        self.jensen_shannon_nats() / std::f64::consts::LN_2
    }

    /// The Jensen–Shannon *distance* with base 2: the square root of the divergence in bits, between 0 and 1. NannyML's.
    pub fn jensen_shannon_distance_bits(&self) -> f64 {
        self.jensen_shannon_divergence_bits().sqrt()
    }

    /// The Jensen–Shannon *distance* with the natural logarithm: the square root of the divergence in nats, at most 0.8326.
    /// Evidently's, and the default of scipy.
    pub fn jensen_shannon_distance_nats(&self) -> f64 {
        self.jensen_shannon_nats().sqrt()
    }

    /// √(½ Σ (√p − √q)²), between 0 and 1.
    pub fn hellinger(&self) -> f64 {
        (0.5 * self.sum(|p, q| (p.sqrt() - q.sqrt()).powi(2))).sqrt()
    }

    /// ½ Σ |p − q|: the largest difference in the probability of any set of bins.
    pub fn total_variation(&self) -> f64 {
        0.5 * self.sum(|p, q| (p - q).abs())
    }

    /// max |p − q|.
    pub fn largest_difference(&self) -> f64 {
        self.shares.iter().map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
    }

    fn jensen_shannon_nats(&self) -> f64 {
        let part = |share: f64, middle: f64| if share == 0.0 { 0.0 } else { share * (share / middle).ln() };
        let sum = self.sum(|p, q| {
            let middle = (p + q) / 2.0;
            part(p, middle) + part(q, middle)
        });
        // Rounding can leave a hair below zero where the shares agree.
        (0.5 * sum).max(0.0)
    }

    fn sum(&self, term: impl Fn(f64, f64) -> f64) -> f64 {
        crate::sample::sum_of(self.shares.iter().map(|(p, q)| term(*p, *q)))
    }
}
