//! How many observations a question needs, before anybody looks: so that "no alarm" can be told from "no data".
//!
//! The formulas are those of tests that are looked at once, at one planned size. A sequential test that finds a change
//! early needs fewer on average, and about half as many again where the change is as small as planned.

use super::OutOfRange;
use crate::distribution::{chi_squared, normal};

/// What a test shall hold: its error and its power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    alpha: f64,
    power: f64,
}

impl Plan {
    /// 5 % error (two-sided), 80 % power.
    pub const USUAL: Self = Self { alpha: 0.05, power: 0.8 };

    /// Two-sided error `alpha`, and the probability `power` of finding a change of the planned size.
    ///
    /// # Errors
    /// [`OutOfRange`] unless both lie strictly between 0 and 1.
    pub fn new(alpha: f64, power: f64) -> Result<Self, OutOfRange> {
        OutOfRange::open_unit("alpha", alpha)?;
        OutOfRange::open_unit("the power", power)?;
        Ok(Self { alpha, power })
    }

    fn quantiles(self) -> (f64, f64) {
        (-normal::quantile(self.alpha / 2.0), normal::quantile(self.power))
    }

    /// Observations needed in the first group to tell the rates `first` and `second` apart, where the second group has
    /// `ratio` times as many (Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 2003, without
    /// continuity correction). `None` for equal rates: no number suffices.
    ///
    /// # Errors
    /// [`OutOfRange`] for a rate outside `[0, 1]` or a ratio that is not positive.
    pub fn two_rates(self, first: f64, second: f64, ratio: f64) -> Result<Option<u64>, OutOfRange> {
        OutOfRange::unit("a rate", first)?;
        OutOfRange::unit("a rate", second)?;
        OutOfRange::positive("the ratio of the groups", ratio)?;
        let (error, power) = self.quantiles();
        let mean = (first + ratio * second) / (1.0 + ratio);
        let under_null = ((1.0 + 1.0 / ratio) * mean * (1.0 - mean)).sqrt();
        let under_change = (first * (1.0 - first) + second * (1.0 - second) / ratio).sqrt();
        let root = (error * under_null + power * under_change) / (first - second);
        Ok(whole(root * root))
    }

    /// Observations needed in the first group to see a difference of means of `effect` standard deviations. `None` for
    /// no effect.
    ///
    /// # Errors
    /// [`OutOfRange`] for an effect that is not finite or a ratio that is not positive.
    pub fn two_means(self, effect: f64, ratio: f64) -> Result<Option<u64>, OutOfRange> {
        OutOfRange::positive("the ratio of the groups", ratio)?;
        if !effect.is_finite() {
            return Err(OutOfRange { what: "the effect", must: "finite" });
        }
        let (error, power) = self.quantiles();
        let root = (error + power) / effect;
        Ok(whole((1.0 + 1.0 / ratio) * root * root))
    }

    /// Observations of the current data needed that a chi-squared test on `cells` bins or categories sees a change of a
    /// Jensen–Shannon distance (base 2, square root) of `distance`, against `reference` observations. `None` where no number
    /// suffices: no distance, one cell alone, or a reference that is itself too small ([`Plan::distance_both`]).
    ///
    /// For changes that are spread over cells the divergence is an eighth of the chi-squared distance (the first term of its
    /// series), which gives the noncentrality 8 ln 2 · distance² per effective row, n m / (n + m). A change that is all in cells
    /// that one side lacks needs up to two fifths more.
    ///
    /// # Errors
    /// [`OutOfRange`] for a distance outside `[0, 1]`.
    pub fn distance(self, distance: f64, cells: u32, reference: u64) -> Result<Option<u64>, OutOfRange> {
        let effective = self.effective(distance, cells)?;
        let reference = reference as f64;
        Ok(if effective < reference { whole(effective * reference / (reference - effective)) } else { None })
    }

    /// The same where both sides have as many.
    ///
    /// # Errors
    /// As [`Plan::distance`].
    pub fn distance_both(self, distance: f64, cells: u32) -> Result<Option<u64>, OutOfRange> {
        Ok(whole(2.0 * self.effective(distance, cells)?))
    }

    /// Effective rows, `n m / (n + m)`; infinite where no number suffices.
    fn effective(self, distance: f64, cells: u32) -> Result<f64, OutOfRange> {
        OutOfRange::unit("a distance", distance)?;
        if cells < 2 || distance == 0.0 {
            return Ok(f64::INFINITY);
        }
        let noncentrality = chi_squared::noncentrality(f64::from(cells - 1), self.alpha, self.power);
        let effective = noncentrality / (8.0 * std::f64::consts::LN_2 * distance * distance);
        Ok(if effective.is_nan() { f64::INFINITY } else { effective })
    }

    /// Observations after which an interval that is `half_width` wide on one side with `n` of them leaves out, with this power,
    /// what lies `difference` away on that side, if the truth is what was estimated: intervals shrink with the root of `n`. The
    /// interval's confidence is taken to be `1 - alpha`. `None` for no difference.
    ///
    /// # Errors
    /// [`OutOfRange`] for a width or a difference that is not a finite number above 0.
    pub fn narrower(self, n: u64, half_width: f64, difference: f64) -> Result<Option<u64>, OutOfRange> {
        if difference == 0.0 {
            return Ok(None);
        }
        OutOfRange::positive("the width of an interval", half_width)?;
        OutOfRange::positive("a difference", difference.abs())?;
        let (error, power) = self.quantiles();
        let root = (error + power).max(0.0) / error * half_width / difference;
        Ok(whole(n as f64 * root * root))
    }

    /// The smallest rise over the rate `base` that `n` observations in each of two groups show with this power. `None`
    /// where not even a rate of 1 would be seen.
    ///
    /// # Errors
    /// [`OutOfRange`] for a rate outside `[0, 1)`.
    pub fn smallest_rise(self, base: f64, n: u64) -> Result<Option<f64>, OutOfRange> {
        if !(0.0..1.0).contains(&base) {
            return Err(OutOfRange { what: "a rate", must: "between 0 and 1, 1 excluded" });
        }
        let seen =
            |rate: f64| self.two_rates(base, rate, 1.0).is_ok_and(|need| need.is_some_and(|need| need <= n));
        if !seen(1.0) {
            return Ok(None);
        }
        let (mut below, mut above) = (base, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(below, above);
            if seen(middle) { above = middle } else { below = middle }
        }
        Ok(Some(above - base))
    }
}

/// Mean number of observations until a sequential test or detector of evidence `1 / alpha` sees a rate that went from
/// `before` to `after`: `ln (1 / alpha)` divided by the information of one observation (Wald, 1945; Lorden, 1971). A
/// first-order figure for likelihood ratios that know both rates; a mixture needs somewhat more.
///
/// # Errors
/// [`OutOfRange`] unless all lie strictly between 0 and 1.
pub fn mean_delay(before: f64, after: f64, alpha: f64) -> Result<f64, OutOfRange> {
    OutOfRange::open_unit("a rate", before)?;
    OutOfRange::open_unit("a rate", after)?;
    OutOfRange::open_unit("alpha", alpha)?;
    let information = after * (after / before).ln() + (1.0 - after) * ((-after).ln_1p() - (-before).ln_1p());
    Ok(-alpha.ln() / information)
}

/// Rounded up, where that is a number of observations.
fn whole(n: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 2^53")]
    (n < 9e15).then(|| n.ceil().max(1.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Textbook figures: 10 % against 15 % needs 686 in each group; half a standard deviation needs 63.
    #[test]
    fn sizes_are_those_of_the_textbook() {
        assert_eq!(Plan::USUAL.two_rates(0.10, 0.15, 1.0), Ok(Some(686)));
        assert_eq!(Plan::USUAL.two_means(0.5, 1.0), Ok(Some(63)));
        assert_eq!(Plan::USUAL.two_rates(0.1, 0.1, 1.0), Ok(None));
        assert_eq!(Plan::USUAL.two_means(0.0, 1.0), Ok(None));
        assert!(Plan::new(0.0, 0.8).is_err());
        assert_eq!(Plan::USUAL.smallest_rise(0.9, 5), Ok(None));
    }

    #[test]
    fn smallest_rise_is_the_inverse_of_the_size() {
        let rise = Plan::USUAL.smallest_rise(0.10, 686).unwrap().unwrap();
        assert!((rise - 0.05).abs() < 1e-4, "{rise}");
    }

    /// The planned size has the planned power: simulated with the test that the formula is of.
    #[test]
    fn planned_power_is_realised() {
        let n = Plan::USUAL.two_rates(0.2, 0.35, 1.0).unwrap().unwrap();
        let (mut random, runs, mut found) = (Random::new(6), 2000_u32, 0_u32);
        for _ in 0..runs {
            let mut share = |p: f64| (0..n).filter(|_| random.chance(p)).count() as f64 / n as f64;
            let (a, b) = (share(0.2), share(0.35));
            let mean = f64::midpoint(a, b);
            let z = (a - b) / (2.0 * mean * (1.0 - mean) / n as f64).sqrt();
            found += u32::from(z.abs() > 1.96);
        }
        let power = f64::from(found) / f64::from(runs);
        assert!((0.77..0.85).contains(&power), "{power} at {n}");
    }

    /// The test on bins of deciles finds the planned distance as often as planned, whichever side is larger.
    #[test]
    fn a_distance_is_found_as_often_as_planned() {
        use crate::drift::{Binned, chi_squared};
        // Shares that rise over ten bins: their distance from equal ones is what is planned for.
        let moved: Vec<u64> = (0..10).map(|at| 730 + 60 * at).collect();
        let shares: Vec<f64> = moved.iter().map(|count| *count as f64 / 10_000.0).collect();
        let distance = Binned::new(&[1_000; 10], &moved).unwrap().jensen_shannon_distance_bits();
        let plan = Plan::new(0.01, 0.8).unwrap();
        let both = plan.distance_both(distance, 10).unwrap().unwrap();
        let current = plan.distance(distance, 10, 3 * both).unwrap().unwrap();
        assert!(current < both && plan.distance(distance, 10, both / 2).unwrap().is_none());
        let mut random = Random::new(8);
        for (reference, current) in [(both, both), (3 * both, current)] {
            let (runs, mut found) = (1_000_u32, 0_u32);
            for _ in 0..runs {
                let mut draw = |rows: u64, shares: &[f64]| {
                    let mut drawn = [0_u64; 10];
                    for _ in 0..rows {
                        let mut left = random.unit();
                        let at = shares.iter().position(|share| {
                            left -= share;
                            left < 0.0
                        });
                        drawn[at.unwrap_or(9)] += 1;
                    }
                    drawn
                };
                let (was, is) = (draw(reference, &[0.1; 10]), draw(current, &shares));
                found += u32::from(chi_squared(&was, &is).unwrap().p_value.at_most(0.01));
            }
            let power = f64::from(found) / f64::from(runs);
            assert!((0.76..0.84).contains(&power), "{power} with {reference} and {current}");
        }
        assert_eq!(Plan::USUAL.distance(0.1, 1, 1_000_000), Ok(None));
        assert_eq!(Plan::USUAL.distance(0.0, 5, 1_000_000), Ok(None));
        assert!(Plan::USUAL.distance(1.5, 5, 100).is_err());
        // 7.849 / (8 ln 2 / 100), twice.
        assert_eq!(Plan::USUAL.distance_both(0.1, 2), Ok(Some(284)));
    }

    /// A mean of 100 values, 0.2 deviations from its limit: its interval reaches 0.196 to each side. The textbook's one-sample size
    /// for 0.2 deviations is 197.
    #[test]
    fn narrower_intervals_are_those_of_the_one_sample_size() {
        assert_eq!(Plan::USUAL.narrower(100, 0.195_996_4, 0.2), Ok(Some(197)));
        assert_eq!(Plan::USUAL.narrower(100, 0.195_996_4, -0.2), Ok(Some(197)));
        assert_eq!(Plan::USUAL.narrower(100, 0.2, 0.0), Ok(None));
        assert!(Plan::USUAL.narrower(100, f64::INFINITY, 0.1).is_err());
    }

    #[test]
    fn larger_changes_are_seen_sooner() {
        let slow = mean_delay(0.1, 0.15, 0.001).unwrap();
        assert!(mean_delay(0.1, 0.3, 0.001).unwrap() < slow && slow < 1000.0);
    }
}
